#include "wire/wire_codec.h"

#include <string.h>

const void *wire_load_pointer(const void *at)
{
    const void *p;
    memcpy(&p, at, sizeof p);
    return p;
}

uint32_t wire_load_u32(const void *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static bool no_memory(const struct arena *arena, struct error *err)
{
    return error_set(err, ERR_INVALID, "more than %zu bytes to keep", arena->max);
}

/* A string's length is the size of its block less the NUL: strlen() would stop at a NUL that the
 * peer put inside. An absent one is protobuf-c's own empty string. */
static bool read_text(const struct wire_field *f, const char *from, struct arena *arena,
                      const char **out, struct error *err)
{
    size_t len = !from || from == protobuf_c_empty_string ? 0 : wire_scratch_size(from) - 1;
    *out = "";
    if (len == 0) return true;
    if (len > f->max)
        return error_set(err, ERR_INVALID, "%zu bytes, at most %u", len, (unsigned)f->max);
    if (wire_text_valid(from, len) != len)
        return error_set(err, ERR_INVALID, "not UTF-8 text without NUL");
    char *copy = arena_take(arena, len + 1, 1);
    if (!copy) return no_memory(arena, err);
    memcpy(copy, from, len);
    *out = copy;
    return true;
}

static bool read_id(const struct wire_field *f, const char *from, struct id *out, struct error *err)
{
    size_t len = !from || from == protobuf_c_empty_string ? 0 : wire_scratch_size(from) - 1;
    if (len == 0 && f->kind == WIRE_ID_OR_NONE) return true;
    if (len == 0) return error_set(err, ERR_INVALID, "missing");
    if (strlen(from) != len || !id_parse(from, out))
        return error_set(err, ERR_INVALID, "not an id");
    return true;
}

static bool read_bytes(const struct wire_field *f, const ProtobufCBinaryData *from,
                       struct arena *arena, struct bytes *out, struct error *err)
{
    if (from->len > f->max)
        return error_set(err, ERR_INVALID, "%zu bytes, at most %u", from->len, (unsigned)f->max);
    if (from->len == 0) return true;
    uint8_t *copy = arena_take(arena, from->len, 1);
    if (!copy) return no_memory(arena, err);
    memcpy(copy, from->data, from->len);
    *out = bytes_of(copy, from->len);
    return true;
}

static bool read_fixed(const struct wire_field *f, const ProtobufCBinaryData *from, uint8_t *out,
                       struct error *err)
{
    if (from->len == 0) return true;
    if (from->len != f->max)
        return error_set(err, ERR_INVALID, "%zu bytes, not %u", from->len, (unsigned)f->max);
    memcpy(out, from->data, from->len);
    return true;
}

/* A structure that did not travel: zeroed, and texts are never NULL. */
static void read_nothing(const struct wire_type *type, uint8_t *plain)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct wire_field *f = &type->fields[i];
        const char *empty = "";
        if (f->kind == WIRE_MESSAGE) read_nothing(f->type, plain + f->plain);
        if (f->kind == WIRE_TEXT || f->kind == WIRE_FREE_TEXT || f->kind == WIRE_TAIL)
            memcpy(plain + f->plain, &empty, sizeof empty);
    }
}

static bool read_fields(const struct wire_type *type, const uint8_t *proto, struct arena *arena,
                        uint8_t *plain, struct error *err);

static bool read_message(const struct wire_field *f, const uint8_t *from, struct arena *arena,
                         uint8_t *plain, struct error *err)
{
    if (from) return read_fields(f->type, from, arena, plain + f->plain, err);
    if (f->present ? f->present(plain) : !f->optional)
        return error_set(err, ERR_INVALID, "missing");
    read_nothing(f->type, plain + f->plain);
    return true;
}

static bool read_elements(const struct wire_field *f, const uint8_t *proto, struct arena *arena,
                          uint8_t *plain, struct error *err)
{
    size_t count;
    memcpy(&count, proto + f->proto_count, sizeof count);
    if (count > f->max)
        return error_set(err, ERR_INVALID, "%zu entries, at most %u", count, (unsigned)f->max);
    if (count == 0) return true;
    uint8_t *out = plain + f->plain;
    if (f->kind == WIRE_LIST) {
        out = arena_take(arena, count, f->type->size);
        if (!out) return no_memory(arena, err);
        memcpy(plain + f->plain, &out, sizeof out);
    }
    memcpy(plain + f->plain_count, &count, sizeof count);
    const uint8_t *messages = wire_load_pointer(proto + f->proto);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *message = wire_load_pointer(messages + i * sizeof(void *));
        if (!read_fields(f->type, message, arena, out + i * f->type->size, err))
            return error_wrap(err, "[%zu]", i);
    }
    return true;
}

static bool read_oneof(const struct wire_field *f, const uint8_t *proto, struct arena *arena,
                       uint8_t *plain, struct error *err)
{
    uint32_t proto_case = wire_load_u32(proto + f->proto_count);
    const uint8_t *message = wire_load_pointer(proto + f->proto);
    for (uint32_t kind = 0; kind < f->max; kind++) {
        const struct wire_variant *v = &f->variants[kind];
        if (v->proto_case != proto_case) continue;
        memcpy(plain + f->plain_count, &kind, sizeof kind);
        if (!message) return error_set(err, ERR_INVALID, "%s: missing", v->name);
        if (!read_fields(v->type, message, arena, plain + f->plain, err))
            return error_wrap(err, "%s", v->name);
        return true;
    }
    return error_set(err, ERR_INVALID, "nothing of a kind that this version knows");
}

static bool read_field(const struct wire_field *f, const uint8_t *proto, struct arena *arena,
                       uint8_t *plain, struct error *err)
{
    const uint8_t *from = proto + f->proto;
    void *to = plain + f->plain;
    switch (f->kind) {
    case WIRE_U32: memcpy(to, from, sizeof(uint32_t)); return true;
    case WIRE_U64: memcpy(to, from, sizeof(uint64_t)); return true;
    case WIRE_BOOL: *(bool *)to = wire_load_u32(from) != 0; return true;
    case WIRE_ENUM:
        if (wire_load_u32(from) >= f->max)
            return error_set(err, ERR_INVALID, "%u is no value that this version knows",
                             (unsigned)wire_load_u32(from));
        memcpy(to, from, sizeof(uint32_t));
        return true;
    case WIRE_ID:
    case WIRE_ID_OR_NONE: return read_id(f, wire_load_pointer(from), to, err);
    case WIRE_TEXT:
    case WIRE_FREE_TEXT:
    case WIRE_TAIL: return read_text(f, wire_load_pointer(from), arena, to, err);
    case WIRE_BYTES:
    case WIRE_DOCUMENT:
        return read_bytes(f, (const ProtobufCBinaryData *)(const void *)from, arena, to, err);
    case WIRE_FIXED: return read_fixed(f, (const ProtobufCBinaryData *)(const void *)from, to, err);
    case WIRE_MESSAGE: return read_message(f, wire_load_pointer(from), arena, plain, err);
    case WIRE_LIST:
    case WIRE_ARRAY: return read_elements(f, proto, arena, plain, err);
    case WIRE_ONEOF: return read_oneof(f, proto, arena, plain, err);
    }
    return error_set(err, ERR_FATAL, "kind of field %d", (int)f->kind);
}

/* plain is zeroed. */
static bool read_fields(const struct wire_type *type, const uint8_t *proto, struct arena *arena,
                        uint8_t *plain, struct error *err)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct wire_field *f = &type->fields[i];
        if (!read_field(f, proto, arena, plain, err)) return error_wrap(err, "%s", f->name);
    }
    return true;
}

bool wire_read(const struct wire_type *type, const ProtobufCMessage *message, struct arena *arena,
               void *out, struct error *err)
{
    void *plain = arena_take(arena, 1, type->size);
    if (!plain) return no_memory(arena, err);
    if (!read_fields(type, (const uint8_t *)message, arena, plain, err)) return false;
    memcpy(out, plain, type->size);
    return true;
}

const ProtobufCMessage *wire_unpack(const struct wire_type *type, struct bytes from,
                                    struct wire_scratch *scratch, struct error *err)
{
    const ProtobufCMessage *message = NULL;
    if (from.len > WIRE_FRAME_MAX)
        (void)error_set(err, ERR_INVALID, "%zu bytes, at most %d", from.len, (int)WIRE_FRAME_MAX);
    else {
        message =
            protobuf_c_message_unpack(type->descriptor, &scratch->allocator, from.len, from.data);
        if (!message && scratch->exhausted)
            (void)error_set(err, ERR_INVALID, "more than %zu bytes to decode", scratch->arena.max);
        else if (!message)
            (void)error_set(err, ERR_INVALID, "not a protobuf message");
    }
    return message;
}

bool wire_decode_type(const struct wire_type *type, struct bytes from, struct arena *arena,
                      void *out, struct error *err)
{
    AUTO(wire_scratch_deinit) struct wire_scratch scratch;
    wire_scratch_init(&scratch, WIRE_DECODE_MAX);
    const ProtobufCMessage *message = wire_unpack(type, from, &scratch, err);
    if (!message || !wire_read(type, message, arena, out, err))
        return error_wrap(err, "%s", type->name);
    return true;
}
