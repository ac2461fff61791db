#include "wire/wire.h"
#include "wire/wire_codec.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { INDENT = 2, NUMBER_SIZE = 32 };

/* A full buffer ends the text early. */
static void put(struct buf *out, const char *text, size_t len)
{
    struct error err;
    size_t room = out->max - out->len;
    bool fits = buf_append(out, text, len < room ? len : room, &err);
    assert(fits);
}

static void put_text(struct buf *out, const char *text)
{
    put(out, text, strlen(text));
}

static void put_number(struct buf *out, uint64_t number)
{
    char text[NUMBER_SIZE];
    snprintf(text, sizeof text, "%" PRIu64, number);
    put_text(out, text);
}

static void put_indent(struct buf *out, size_t depth)
{
    for (size_t i = 0; i < depth * INDENT; i++) put(out, " ", 1);
}

static void put_hex(struct buf *out, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char digits[3];
        hex_format(data + i, 1, digits);
        put(out, digits, 2);
    }
}

/* Nothing that a terminal obeys and nothing that is not UTF-8. */
static void put_escaped(struct buf *out, const char *text, size_t len)
{
    for (size_t at = 0, step; at < len; at += step) {
        const uint8_t *p = (const uint8_t *)text + at;
        step = wire_text_character(text + at, len - at);
        bool control = p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && step == 2 && p[1] < 0xa0);
        if (step > 0 && !control && p[0] != '\\') {
            put(out, text + at, step);
            continue;
        }
        if (step == 0) step = 1;
        for (size_t i = 0; i < step; i++) {
            put(out, "\\x", 2);
            put_hex(out, p + i, 1);
        }
    }
}

static void put_document(struct buf *out, struct bytes text, size_t depth)
{
    put_text(out, "|\n");
    for (size_t at = 0; at < text.len;) {
        const char *line = (const char *)text.data + at;
        const char *end = memchr(line, '\n', text.len - at);
        size_t len = end ? (size_t)(end - line) : text.len - at;
        put_indent(out, depth + 1);
        put_escaped(out, line, len);
        put(out, "\n", 1);
        at += len + 1;
    }
}

/* "STATUS_IN_PROGRESS" of enum Status prints as IN_PROGRESS. */
static void put_enum(struct buf *out, const ProtobufCMessageDescriptor *message, const char *field,
                     uint32_t value)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(message, field);
    const ProtobufCEnumDescriptor *e = f->descriptor;
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(e, (int)value);
    if (!v) {
        put_number(out, value);
        return;
    }
    size_t prefix = 1;
    for (const char *c = e->short_name; *c; c++)
        prefix += isupper((unsigned char)*c) && c != e->short_name ? 2 : 1;
    put_text(out, v->name + prefix);
}

static void put_fields(struct buf *out, const struct wire_type *type, const uint8_t *plain,
                       size_t depth);

static void put_elements(struct buf *out, const struct wire_field *f, const uint8_t *plain,
                         size_t depth)
{
    size_t count;
    memcpy(&count, plain + f->plain_count, sizeof count);
    const uint8_t *from =
        f->kind == WIRE_LIST ? wire_load_pointer(plain + f->plain) : plain + f->plain;
    for (size_t i = 0; i < count; i++) {
        put_indent(out, depth);
        put_text(out, f->name);
        put_text(out, "[");
        put_number(out, i);
        put_text(out, "]:\n");
        put_fields(out, f->type, from + i * f->type->size, depth + 1);
    }
}

static void put_variant(struct buf *out, const struct wire_field *f, const uint8_t *plain,
                        size_t depth)
{
    const struct wire_variant *v = &f->variants[wire_load_u32(plain + f->plain_count)];
    put_indent(out, depth);
    put_text(out, v->name);
    put_text(out, ":\n");
    put_fields(out, v->type, plain + f->plain, depth + 1);
}

/* What stands behind "name:", with the end of the line. */
static void put_value(struct buf *out, const struct wire_type *type, const struct wire_field *f,
                      const uint8_t *plain, size_t depth)
{
    const void *from = plain + f->plain;
    struct bytes bytes;
    switch (f->kind) {
    case WIRE_U32: put_number(out, wire_load_u32(from)); break;
    case WIRE_U64: put_number(out, *(const uint64_t *)from); break;
    case WIRE_BOOL: put_text(out, *(const bool *)from ? "true" : "false"); break;
    case WIRE_ENUM: put_enum(out, type->descriptor, f->name, wire_load_u32(from)); break;
    case WIRE_ID:
    case WIRE_ID_OR_NONE: put_text(out, ((const struct id *)from)->text); break;
    case WIRE_TEXT:
    case WIRE_FREE_TEXT:
    case WIRE_TAIL: {
        const char *text = wire_load_pointer(from);
        if (text) put_escaped(out, text, strlen(text));
        break;
    }
    case WIRE_BYTES:
        memcpy(&bytes, from, sizeof bytes);
        put_number(out, bytes.len);
        put_text(out, " bytes");
        break;
    case WIRE_DOCUMENT:
        memcpy(&bytes, from, sizeof bytes);
        put_document(out, bytes, depth);
        return;
    case WIRE_FIXED: put_hex(out, from, f->max); break;
    case WIRE_MESSAGE:
        put_text(out, "\n");
        put_fields(out, f->type, from, depth + 1);
        return;
    case WIRE_LIST:
    case WIRE_ARRAY:
    case WIRE_ONEOF: break;
    }
    put_text(out, "\n");
}

static void put_fields(struct buf *out, const struct wire_type *type, const uint8_t *plain,
                       size_t depth)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct wire_field *f = &type->fields[i];
        if (f->kind == WIRE_LIST || f->kind == WIRE_ARRAY)
            put_elements(out, f, plain, depth);
        else if (f->kind == WIRE_ONEOF)
            put_variant(out, f, plain, depth);
        else if (f->kind != WIRE_MESSAGE || !f->present || f->present(plain)) {
            put_indent(out, depth);
            put_text(out, f->name);
            put_text(out, f->kind == WIRE_MESSAGE ? ":" : ": ");
            put_value(out, type, f, plain, depth);
        }
    }
}

void wire_print(const struct wire_type *type, const void *plain, struct buf *out)
{
    put_fields(out, type, plain, 0);
}
