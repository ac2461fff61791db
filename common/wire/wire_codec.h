/* wire_codec.h - a plain structure and its protobuf message: one row a member, for both ways.
 *
 * A `struct wire_type` lists the members that travel, under the same name in the structure and
 * in the message. The same rows decode, encode, check and print: what is written is what would be
 * accepted, and a new member is one row.
 *
 *     static const struct wire_field fence_fields[] = {
 *         FIELD(fence, Fence, epoch, WIRE_U64),
 *         FIELD(fence, Fence, seq, WIRE_U64),
 *     };
 *     const struct wire_type wire_fence = TYPE(fence, fence);
 *
 * For common/wire/wire*.c and their tests only.
 */
#pragma once
#include "wire/messages.h"
#include "wire/wire_scratch.h"
#include "wire/wire_text.h"

enum wire_kind {
    WIRE_U32,
    WIRE_U64,
    WIRE_BOOL,
    WIRE_ENUM, /* less than max */
    WIRE_ID,   /* never "" */
    WIRE_ID_OR_NONE,
    WIRE_TEXT,      /* a name or a key: breaking its limit is our own mistake */
    WIRE_FREE_TEXT, /* from an error or a person: repaired and cut before it is written */
    WIRE_TAIL,      /* the same, but its end is what is kept */
    WIRE_BYTES,
    WIRE_DOCUMENT, /* bytes that print as text */
    WIRE_FIXED,    /* uint8_t[max]; all zero is absent */
    WIRE_MESSAGE,  /* a structure inside */
    WIRE_LIST,     /* a pointer to const elements, and their count */
    WIRE_ARRAY,    /* an array of max elements, and how many are used */
    WIRE_ONEOF     /* an enum and a union */
};

struct wire_type;

/* What a value of WIRE_ONEOF's enum stands for. */
struct wire_variant {
    const char *name;
    uint32_t proto_case;
    const struct wire_type *type;
};

/* Offsets are of the member in the structure (plain) and in the message (proto). */
struct wire_field {
    const char *name;
    size_t plain, proto;             /* WIRE_ONEOF: of the unions */
    size_t size;                     /* of the plain member */
    size_t plain_count, proto_count; /* of the counts; WIRE_ONEOF: of the enums */
    enum wire_kind kind;
    uint32_t max;  /* bytes, elements, values or variants */
    bool optional; /* WIRE_MESSAGE: may be absent, then it is empty */
    /* WIRE_MESSAGE that travels in some states only: is this structure in one? */
    bool (*present)(const void *plain);
    const struct wire_type *type;
    const struct wire_variant *variants;
};

struct wire_type {
    const char *name;
    const ProtobufCMessageDescriptor *descriptor;
    size_t size; /* of the plain structure */
    const struct wire_field *fields;
    size_t field_count;
};

/* The rest begins with the kind: FIELD(job, Job, worker, WIRE_TEXT, .max = WIRE_NAME_MAX). */
#define FIELD(s, m, member, ...)                                                                   \
    {                                                                                              \
        .name = #member, .plain = offsetof(struct s, member),                                      \
        .proto = offsetof(Meridian__##m, member), .size = sizeof(((struct s *)0)->member),         \
        .kind = __VA_ARGS__                                                                        \
    }
/* A list or an array with its count. */
#define COUNTED(s, m, member, count, ...)                                                          \
    FIELD(s, m, member, __VA_ARGS__, .plain_count = offsetof(struct s, count),                     \
          .proto_count = offsetof(Meridian__##m, n_##member))
/* An enum `which` and an anonymous union that begins with `first`; their names in the message. */
#define ONEOF(s, m, which, first, proto_first, cases)                                              \
    {                                                                                              \
        .name = "body", .plain = offsetof(struct s, first),                                        \
        .plain_count = offsetof(struct s, which), .proto = offsetof(Meridian__##m, proto_first),   \
        .size = sizeof(((struct s *)0)->which), .proto_count = offsetof(Meridian__##m, body_case), \
        .kind = WIRE_ONEOF, .variants = (cases), .max = sizeof(cases) / sizeof((cases)[0])         \
    }
#define TYPE(s, lower)                                                                             \
    {                                                                                              \
        .name = #s, .descriptor = &meridian__##lower##__descriptor, .size = sizeof(struct s),      \
        .fields = s##_fields, .field_count = sizeof s##_fields / sizeof s##_fields[0]              \
    }
/* The two enums have the same values. */
#define SAME(plain, proto) _Static_assert((int)(plain) == (int)(proto), #plain)

/* wire_job.c, wire_worker.c, wire_record.c, wire_client.c */
extern const struct wire_type wire_fence, wire_artifact_ref, wire_grant, wire_job, wire_variable,
    wire_job_artifact, wire_diagnostics, wire_lifecycle_report, wire_result, wire_step_spec,
    wire_step_outcome;
extern const struct wire_type wire_row, wire_hello, wire_welcome, wire_refusal, wire_offer,
    wire_accept, wire_nack, wire_heartbeat, wire_lease, wire_progress, wire_job_key, wire_cancel,
    wire_signed_cancel, wire_log_request, wire_log_chunk;
extern const struct wire_type wire_execution, wire_job_state, wire_event_record,
    wire_transition_record;
/* wire_resume.c */
extern const struct wire_type wire_step_key, wire_interrupted, wire_resume, wire_signed_resume,
    wire_interruption, wire_resume_request;
/* wire_rollout.c */
extern const struct wire_type wire_resource_record, wire_host_record, wire_alarm_record,
    wire_alarm_request;
/* wire_turn.c */
extern const struct wire_type wire_turn_record;
/* wire_ask.c */
extern const struct wire_type wire_reason, wire_drain_request, wire_region_summary,
    wire_preview_request, wire_preview_change, wire_preview_step;
/* wire_store.c */
extern const struct wire_type wire_finding, wire_artifacts_request, wire_stored_object;
/* wire_custom.c */
extern const struct wire_type wire_custom_state, wire_custom_request, wire_custom_view_request,
    wire_custom_job;
extern const struct wire_type wire_request, wire_reply;
extern const struct wire_variant wire_message_variants[MESSAGE_TYPE_COUNT],
    wire_record_variants[RECORD_KIND_COUNT];

/* Members, whatever their own type. */
const void *wire_load_pointer(const void *at);
uint32_t wire_load_u32(const void *at);

/* Bytes -> message (in scratch) -> structure (in arena; out is a copy). */
NODISCARD const ProtobufCMessage *wire_unpack(const struct wire_type *type, struct bytes from,
                                              struct wire_scratch *scratch, struct error *err);
NODISCARD bool wire_read(const struct wire_type *type, const ProtobufCMessage *message,
                         struct arena *arena, void *out, struct error *err);
NODISCARD bool wire_decode_type(const struct wire_type *type, struct bytes from,
                                struct arena *arena, void *out, struct error *err);

/* Structure -> message (in scratch, borrowing its texts); free texts are cut to text_max. NULL
 * when a member breaks its limit, or the scratch is exhausted. */
NODISCARD ProtobufCMessage *wire_write(const struct wire_type *type, const void *plain,
                                       uint32_t text_max, struct wire_scratch *scratch,
                                       struct error *err);
/* Appends at most max bytes; free texts are cut until it fits. False (nothing appended) when it
 * cannot. A member that breaks its limit is our own mistake: asserted. */
NODISCARD bool wire_encode_type(const struct wire_type *type, const void *plain, size_t max,
                                struct buf *out);

/* Indented `key: value` lines; ends early when `out` is full. */
void wire_print(const struct wire_type *type, const void *plain, struct buf *out);
