#include "wire/wire.h"
#include "wire/wire_codec.h"

#include "envelope.pb-c.h"

#include <assert.h>

const struct wire_variant wire_message_variants[MESSAGE_TYPE_COUNT] = {
#define X(upper, type, member)                                                                     \
    [MESSAGE_##upper] = { #member, MERIDIAN__ENVELOPE__BODY_##upper, &wire_##type },
    MESSAGES(X)
#undef X
};

/* One frame. */
struct envelope {
    uint32_t protocol_min, protocol_max;
    uint64_t sequence;
    struct message message;
};

static const struct wire_field envelope_fields[] = {
    FIELD(envelope, Envelope, protocol_min, WIRE_U32),
    FIELD(envelope, Envelope, protocol_max, WIRE_U32),
    FIELD(envelope, Envelope, sequence, WIRE_U64),
    ONEOF(envelope, Envelope, message.type, message.hello, hello, wire_message_variants),
};
static const struct wire_type wire_envelope = TYPE(envelope, envelope);

/* The client is told, instead of the coordinator ending over a question that was too wide. */
static void reply_too_large(struct message *message)
{
    message->reply = (struct reply){
        .token = message->reply.token,
        .kind = message->reply.kind,
        .failure = { ERR_NO_SPACE, "the answer is too large",
                     "it would pass the limit of a message (1 MiB)", "ask for fewer entries" },
    };
}

void wire_encode(const struct message *message, uint64_t sequence, struct buf *out)
{
    struct envelope envelope = { WIRE_PROTOCOL_MIN, WIRE_PROTOCOL, sequence, *message };
    if (wire_encode_type(&wire_envelope, &envelope, WIRE_FRAME_MAX, out)) return;
    assert(message->type == MESSAGE_REPLY);
    reply_too_large(&envelope.message);
    bool fits = wire_encode_type(&wire_envelope, &envelope, WIRE_FRAME_MAX, out);
    assert(fits);
}

bool wire_decode(struct bytes frame, struct arena *arena, struct message *out, struct error *err)
{
    AUTO(wire_scratch_deinit) struct wire_scratch scratch;
    wire_scratch_init(&scratch, WIRE_DECODE_MAX);
    const ProtobufCMessage *message = wire_unpack(&wire_envelope, frame, &scratch, err);
    if (!message) return error_wrap(err, "message");
    const Meridian__Envelope *e = (const Meridian__Envelope *)message;
    if (e->protocol_min > WIRE_PROTOCOL || e->protocol_max < WIRE_PROTOCOL_MIN)
        return error_set(err, ERR_CONFLICT,
                         "the peer speaks protocol %u to %u, this version %d to %d: upgrade the "
                         "older one",
                         (unsigned)e->protocol_min, (unsigned)e->protocol_max,
                         (int)WIRE_PROTOCOL_MIN, (int)WIRE_PROTOCOL);
    struct envelope envelope;
    if (!wire_read(&wire_envelope, message, arena, &envelope, err)) return false;
    *out = envelope.message;
    return true;
}

bool wire_request_check(const struct request *request, struct error *err)
{
    AUTO(wire_scratch_deinit) struct wire_scratch scratch;
    wire_scratch_init(&scratch, WIRE_DECODE_MAX);
    return wire_write(&wire_request, request, UINT32_MAX, &scratch, err) != NULL;
}

static void encode(const struct wire_type *type, const void *plain, size_t max, struct buf *out)
{
    bool fits = wire_encode_type(type, plain, max, out);
    assert(fits);
}

void wire_job_encode(const struct job *job, struct buf *out)
{
    encode(&wire_job, job, WIRE_SIGNED_MAX, out);
}

bool wire_job_decode(struct bytes from, struct arena *arena, struct job *out, struct error *err)
{
    return wire_decode_type(&wire_job, from, arena, out, err);
}

void wire_cancel_encode(const struct cancel *cancel, struct buf *out)
{
    encode(&wire_cancel, cancel, WIRE_SIGNED_MAX, out);
}

bool wire_cancel_decode(struct bytes from, struct arena *arena, struct cancel *out,
                        struct error *err)
{
    return wire_decode_type(&wire_cancel, from, arena, out, err);
}

void wire_step_spec_encode(const struct step_spec *spec, struct buf *out)
{
    encode(&wire_step_spec, spec, WIRE_FRAME_MAX, out);
}

bool wire_step_spec_decode(struct bytes from, struct arena *arena, struct step_spec *out,
                           struct error *err)
{
    return wire_decode_type(&wire_step_spec, from, arena, out, err);
}

void wire_step_outcome_encode(const struct step_outcome *outcome, struct buf *out)
{
    encode(&wire_step_outcome, outcome, WIRE_FRAME_MAX, out);
}

bool wire_step_outcome_decode(struct bytes from, struct arena *arena, struct step_outcome *out,
                              struct error *err)
{
    return wire_decode_type(&wire_step_outcome, from, arena, out, err);
}
