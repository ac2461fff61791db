#include "wire/wire_codec.h"

#include <assert.h>
#include <string.h>

/* ENCODE_MAX: one protobuf tree that is being composed. */
enum { ENCODE_MAX = 16 << 20 };

struct writer {
    struct wire_scratch *scratch;
    uint32_t text_max;
};

static void store_pointer(void *at, const void *p)
{
    memcpy(at, &p, sizeof p);
}

static bool no_memory(struct error *err)
{
    return error_set(err, ERR_INVALID, "more than %d bytes to encode", (int)ENCODE_MAX);
}

static bool write_text(const struct wire_field *f, const char *text, void *to, struct error *err)
{
    size_t len = strlen(text);
    if (len > f->max)
        return error_set(err, ERR_INVALID, "%zu bytes, at most %u", len, (unsigned)f->max);
    if (wire_text_valid(text, len) != len) return error_set(err, ERR_INVALID, "not UTF-8 text");
    store_pointer(to, text);
    return true;
}

/* What comes from errors and scripts may be anything, and must not cost us the message: bytes
 * that are not UTF-8 become '?', and what is too long is cut between characters. */
static bool write_free_text(const struct wire_field *f, const char *text, const struct writer *w,
                            void *to, struct error *err)
{
    size_t max = f->max < w->text_max ? f->max : w->text_max;
    size_t len = strlen(text);
    if (len <= max && wire_text_valid(text, len) == len) {
        store_pointer(to, text);
        return true;
    }
    /* A longer beginning than is kept need not be looked at; a few bytes more than a character. */
    if (len > max + 8) {
        if (f->kind == WIRE_TAIL) text += len - max - 8;
        len = max + 8;
    }
    char *copy = wire_scratch_take(w->scratch, len + 1);
    if (!copy) return no_memory(err);
    memcpy(copy, text, len);
    for (size_t at = 0; (at += wire_text_valid(copy + at, len - at)) < len; at++) copy[at] = '?';
    if (f->kind == WIRE_TAIL)
        copy += wire_text_cut_front(copy, len, max);
    else
        copy[wire_text_cut(copy, len, max)] = '\0';
    store_pointer(to, copy);
    return true;
}

static bool write_id(const struct wire_field *f, const struct id *id, void *to, struct error *err)
{
    struct id parsed;
    if (!(f->kind == WIRE_ID_OR_NONE && id_empty(id)) && !id_parse(id->text, &parsed))
        return error_set(err, ERR_INVALID, id_empty(id) ? "missing" : "not an id");
    store_pointer(to, id->text);
    return true;
}

static bool write_bytes(const struct wire_field *f, struct bytes from, void *to, struct error *err)
{
    if (from.len > f->max)
        return error_set(err, ERR_INVALID, "%zu bytes, at most %u", from.len, (unsigned)f->max);
    ProtobufCBinaryData data = { .len = from.len, .data = (uint8_t *)(uintptr_t)from.data };
    memcpy(to, &data, sizeof data);
    return true;
}

static bool all_zero(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (data[i]) return false;
    return true;
}

static bool write_fields(const struct wire_type *type, const uint8_t *plain, const struct writer *w,
                         uint8_t *proto, struct error *err);

static bool write_message(const struct wire_type *type, const uint8_t *plain,
                          const struct writer *w, void *to, struct error *err)
{
    ProtobufCMessage *message = wire_scratch_take(w->scratch, type->descriptor->sizeof_message);
    if (!message) return no_memory(err);
    protobuf_c_message_init(type->descriptor, message);
    store_pointer(to, message);
    return write_fields(type, plain, w, (uint8_t *)message, err);
}

static bool write_elements(const struct wire_field *f, const uint8_t *plain, const struct writer *w,
                           uint8_t *proto, struct error *err)
{
    size_t count;
    memcpy(&count, plain + f->plain_count, sizeof count);
    if (count > f->max)
        return error_set(err, ERR_INVALID, "%zu entries, at most %u", count, (unsigned)f->max);
    if (count == 0) return true;
    const uint8_t *from =
        f->kind == WIRE_LIST ? wire_load_pointer(plain + f->plain) : plain + f->plain;
    uint8_t *messages = wire_scratch_take(w->scratch, count * sizeof(void *));
    if (!messages) return no_memory(err);
    for (size_t i = 0; i < count; i++)
        if (!write_message(f->type, from + i * f->type->size, w, messages + i * sizeof(void *),
                           err))
            return error_wrap(err, "[%zu]", i);
    store_pointer(proto + f->proto, messages);
    memcpy(proto + f->proto_count, &count, sizeof count);
    return true;
}

static bool write_oneof(const struct wire_field *f, const uint8_t *plain, const struct writer *w,
                        uint8_t *proto, struct error *err)
{
    uint32_t kind = wire_load_u32(plain + f->plain_count);
    if (kind >= f->max) return error_set(err, ERR_INVALID, "no kind %u", (unsigned)kind);
    const struct wire_variant *v = &f->variants[kind];
    memcpy(proto + f->proto_count, &v->proto_case, sizeof v->proto_case);
    if (!write_message(v->type, plain + f->plain, w, proto + f->proto, err))
        return error_wrap(err, "%s", v->name);
    return true;
}

static bool write_field(const struct wire_field *f, const uint8_t *plain, const struct writer *w,
                        uint8_t *proto, struct error *err)
{
    const void *from = plain + f->plain;
    uint8_t *to = proto + f->proto;
    switch (f->kind) {
    case WIRE_U32: memcpy(to, from, sizeof(uint32_t)); return true;
    case WIRE_U64: memcpy(to, from, sizeof(uint64_t)); return true;
    case WIRE_BOOL:
        memcpy(to, &(protobuf_c_boolean){ *(const bool *)from }, sizeof(int));
        return true;
    case WIRE_ENUM:
        if (wire_load_u32(from) >= f->max)
            return error_set(err, ERR_INVALID, "no value %u", (unsigned)wire_load_u32(from));
        memcpy(to, from, sizeof(uint32_t));
        return true;
    case WIRE_ID:
    case WIRE_ID_OR_NONE: return write_id(f, from, to, err);
    case WIRE_TEXT:
        return !wire_load_pointer(from) || write_text(f, wire_load_pointer(from), to, err);
    case WIRE_FREE_TEXT:
    case WIRE_TAIL:
        return !wire_load_pointer(from) || write_free_text(f, wire_load_pointer(from), w, to, err);
    case WIRE_BYTES:
    case WIRE_DOCUMENT: return write_bytes(f, *(const struct bytes *)from, to, err);
    case WIRE_FIXED:
        if (all_zero(from, f->max)) return true;
        return write_bytes(f, bytes_of(from, f->max), to, err);
    case WIRE_MESSAGE:
        if (f->present && !f->present(plain)) return true;
        return write_message(f->type, from, w, to, err);
    case WIRE_LIST:
    case WIRE_ARRAY: return write_elements(f, plain, w, proto, err);
    case WIRE_ONEOF: return write_oneof(f, plain, w, proto, err);
    }
    return error_set(err, ERR_FATAL, "kind of field %d", (int)f->kind);
}

static bool write_fields(const struct wire_type *type, const uint8_t *plain, const struct writer *w,
                         uint8_t *proto, struct error *err)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct wire_field *f = &type->fields[i];
        if (!write_field(f, plain, w, proto, err)) return error_wrap(err, "%s", f->name);
    }
    return true;
}

ProtobufCMessage *wire_write(const struct wire_type *type, const void *plain, uint32_t text_max,
                             struct wire_scratch *scratch, struct error *err)
{
    struct writer w = { .scratch = scratch, .text_max = text_max };
    ProtobufCMessage *message = NULL;
    return write_message(type, plain, &w, &message, err) ? message : NULL;
}

static bool pack(const ProtobufCMessage *message, size_t max, struct buf *out)
{
    struct error err;
    size_t size = protobuf_c_message_get_packed_size(message);
    if (size > max) return false;
    bool room = buf_reserve(out, size, &err);
    assert(room);
    if (size > 0) out->len += protobuf_c_message_pack(message, out->data + out->len);
    return true;
}

bool wire_encode_type(const struct wire_type *type, const void *plain, size_t max, struct buf *out)
{
    static const uint32_t text_max[] = { UINT32_MAX, 512, 128, 0 };
    for (size_t i = 0; i < sizeof text_max / sizeof text_max[0]; i++) {
        AUTO(wire_scratch_deinit) struct wire_scratch scratch;
        wire_scratch_init(&scratch, ENCODE_MAX);
        struct error err;
        const ProtobufCMessage *message = wire_write(type, plain, text_max[i], &scratch, &err);
        if (!message) {
            assert(scratch.exhausted);
            continue;
        }
        if (pack(message, max, out)) return true;
    }
    return false;
}
