/* What is refused: every limit of every table passed by one, and bytes that mean harm.
 *
 * Trees are built from the tables themselves, so that a new member is tested as soon as it has a
 * row. The tables are compared with the schema by the first test.
 */
#include "wire/wire.h"
#include "wire/wire_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
enum { TREE_MAX = 64 << 20 };

/* One root that is mutated in place, packed and decoded. */
struct world {
    struct wire_scratch tree;
    struct arena arena;
    struct buf buf;
    struct error err;
    const struct wire_type *type;
    ProtobufCMessage *root;
    size_t refused;
};

static int setup(void **state)
{
    struct world *w = *state = xcalloc(1, sizeof *w);
    wire_scratch_init(&w->tree, TREE_MAX);
    arena_init(&w->arena, WIRE_DECODE_MAX);
    buf_init(&w->buf, 8 * WIRE_FRAME_MAX);
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    wire_scratch_deinit(&w->tree);
    arena_deinit(&w->arena);
    buf_deinit(&w->buf);
    free(w);
    return 0;
}

static void store_pointer(void *at, const void *p)
{
    memcpy(at, &p, sizeof p);
}

static char *repeated(struct world *w, char c, size_t len)
{
    char *text = wire_scratch_take(&w->tree, len + 1);
    assert_non_null(text);
    memset(text, c, len);
    return text;
}

/* ---- building ---- */

static ProtobufCMessage *build(struct world *w, const struct wire_type *type, uint32_t variant);

static void build_field(struct world *w, const struct wire_field *f, uint8_t *proto,
                        uint32_t variant)
{
    uint8_t *to = proto + f->proto;
    uint32_t number = 1;
    ProtobufCBinaryData data = { 3, (uint8_t *)repeated(w, 'b', f->max < 64 ? 64 : f->max) };
    switch (f->kind) {
    case WIRE_ENUM:
        number = f->max - 1;
        memcpy(to, &number, sizeof number);
        break;
    case WIRE_U32:
    case WIRE_BOOL: memcpy(to, &number, sizeof number); break;
    case WIRE_U64: memcpy(to, &(uint64_t){ 1 }, sizeof(uint64_t)); break;
    case WIRE_ID:
    case WIRE_ID_OR_NONE:
    case WIRE_TEXT:
    case WIRE_FREE_TEXT:
    case WIRE_TAIL: store_pointer(to, f->name); break;
    case WIRE_FIXED:
        data.len = f->max;
        memcpy(to, &data, sizeof data);
        break;
    case WIRE_BYTES:
    case WIRE_DOCUMENT: memcpy(to, &data, sizeof data); break;
    case WIRE_MESSAGE: store_pointer(to, build(w, f->type, 0)); break;
    case WIRE_LIST:
    case WIRE_ARRAY: {
        void *list = repeated(w, 0, sizeof(void *));
        store_pointer(list, build(w, f->type, 0));
        store_pointer(to, list);
        memcpy(proto + f->proto_count, &(size_t){ 1 }, sizeof(size_t));
        break;
    }
    case WIRE_ONEOF: {
        const struct wire_variant *v = &f->variants[variant % f->max];
        store_pointer(to, build(w, v->type, variant / f->max));
        memcpy(proto + f->proto_count, &v->proto_case, sizeof v->proto_case);
        break;
    }
    }
}

/* A tree with every member set; variant chooses what a WIRE_ONEOF holds. */
static ProtobufCMessage *build(struct world *w, const struct wire_type *type, uint32_t variant)
{
    ProtobufCMessage *message = wire_scratch_take(&w->tree, type->descriptor->sizeof_message);
    assert_non_null(message);
    protobuf_c_message_init(type->descriptor, message);
    for (size_t i = 0; i < type->field_count; i++)
        build_field(w, &type->fields[i], (uint8_t *)message, variant);
    return message;
}

static void pack(struct world *w)
{
    struct error err;
    size_t size = protobuf_c_message_get_packed_size(w->root);
    buf_clear(&w->buf);
    assert_true(buf_reserve(&w->buf, size, &err));
    w->buf.len = protobuf_c_message_pack(w->root, w->buf.data);
}

static bool decode(struct world *w)
{
    uint8_t out[8192];
    assert_true(w->type->size <= sizeof out);
    arena_reset(&w->arena);
    w->err = (struct error){ 0 };
    return wire_decode_type(w->type, buf_bytes(&w->buf), &w->arena, out, &w->err);
}

/* ---- one limit after the other ---- */

static void expect_refused(struct world *w, const char *name, const char *why)
{
    pack(w);
    if (decode(w)) fail_msg("%s: accepted although %s", name, why);
    assert_int_equal(w->err.code, ERR_INVALID);
    if (!strstr(w->err.text, name)) fail_msg("'%s' does not name %s (%s)", w->err.text, name, why);
    w->refused++;
}

static void expect_accepted(struct world *w, const char *name)
{
    pack(w);
    if (w->buf.len > WIRE_FRAME_MAX) return;
    if (!decode(w)) fail_msg("%s: %s", name, w->err.text);
}

static void break_text(struct world *w, const struct wire_field *f, uint8_t *to)
{
    static const char *const wrong[] = { "\xff", "a\xc3", "\xc0\x80", "\xed\xa0\x80",
                                         "1234567\x80" };
    const void *before = wire_load_pointer(to);
    bool id = f->kind == WIRE_ID || f->kind == WIRE_ID_OR_NONE;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        store_pointer(to, wrong[i]);
        expect_refused(w, f->name, "it is not UTF-8");
    }
    store_pointer(to, repeated(w, 'x', id ? ID_SIZE : f->max + 1));
    expect_refused(w, f->name, "it is too long");
    store_pointer(to, repeated(w, 'x', id ? ID_SIZE - 1 : f->max));
    expect_accepted(w, f->name);
    store_pointer(to, "");
    if (f->kind == WIRE_ID) expect_refused(w, f->name, "there is no id");
    if (f->kind != WIRE_ID) expect_accepted(w, f->name);
    if (id) {
        store_pointer(to, "a/b");
        expect_refused(w, f->name, "it is no id");
    }
    store_pointer(to, before);
}

static void break_bytes(struct world *w, const struct wire_field *f, uint8_t *to)
{
    ProtobufCBinaryData before, data;
    memcpy(&before, to, sizeof before);
    data.data = (uint8_t *)repeated(w, 'x', f->max + 1);
    size_t wrong[] = { f->max + 1, f->max - 1 };
    for (size_t i = 0; i < (f->kind == WIRE_FIXED ? 2 : 1); i++) {
        data.len = wrong[i];
        memcpy(to, &data, sizeof data);
        expect_refused(w, f->name, "it has another length");
    }
    data.len = f->max;
    memcpy(to, &data, sizeof data);
    expect_accepted(w, f->name);
    memcpy(to, &before, sizeof before);
}

static void break_enum(struct world *w, const struct wire_field *f, uint8_t *to)
{
    uint32_t before = wire_load_u32(to), wrong[] = { f->max, 0x80000000u, UINT32_MAX };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        memcpy(to, &wrong[i], sizeof wrong[i]);
        expect_refused(w, f->name, "the value is unknown");
    }
    memcpy(to, &before, sizeof before);
}

static void break_message(struct world *w, const struct wire_type *type, uint8_t *proto);

static void break_elements(struct world *w, const struct wire_field *f, uint8_t *proto)
{
    const uint8_t *before = wire_load_pointer(proto + f->proto);
    const void *element = wire_load_pointer(before);
    uint8_t *list = (uint8_t *)repeated(w, 0, (f->max + 1) * sizeof(void *));
    for (size_t i = 0; i <= f->max; i++) store_pointer(list + i * sizeof(void *), element);
    store_pointer(proto + f->proto, list);
    memcpy(proto + f->proto_count, &(size_t){ f->max }, sizeof(size_t));
    pack(w);
    if (w->buf.len < WIRE_FRAME_MAX / 8) expect_accepted(w, f->name);
    /* Empty elements: what is refused is their number. */
    void *empty = repeated(w, 0, f->type->descriptor->sizeof_message);
    protobuf_c_message_init(f->type->descriptor, empty);
    for (size_t i = 0; i <= f->max; i++) store_pointer(list + i * sizeof(void *), empty);
    memcpy(proto + f->proto_count, &(size_t){ f->max + 1 }, sizeof(size_t));
    expect_refused(w, f->name, "there are too many");
    memcpy(proto + f->proto_count, &(size_t){ 1 }, sizeof(size_t));
    store_pointer(proto + f->proto, before);
    break_message(w, f->type, (uint8_t *)(uintptr_t)element);
}

static void break_field(struct world *w, const struct wire_field *f, uint8_t *proto)
{
    uint8_t *to = proto + f->proto;
    const void *before = wire_load_pointer(to);
    uint32_t zero = 0, some_case;
    switch (f->kind) {
    case WIRE_U32:
    case WIRE_U64:
    case WIRE_BOOL: break;
    case WIRE_ENUM: break_enum(w, f, to); break;
    case WIRE_ID:
    case WIRE_ID_OR_NONE:
    case WIRE_TEXT:
    case WIRE_FREE_TEXT:
    case WIRE_TAIL: break_text(w, f, to); break;
    case WIRE_BYTES:
    case WIRE_DOCUMENT:
    case WIRE_FIXED: break_bytes(w, f, to); break;
    case WIRE_MESSAGE:
        store_pointer(to, NULL);
        if (f->optional) expect_accepted(w, f->name);
        if (!f->optional) expect_refused(w, f->name, "it is missing");
        store_pointer(to, before);
        break_message(w, f->type, (uint8_t *)(uintptr_t)before);
        break;
    case WIRE_LIST:
    case WIRE_ARRAY: break_elements(w, f, proto); break;
    case WIRE_ONEOF:
        some_case = wire_load_u32(proto + f->proto_count);
        memcpy(proto + f->proto_count, &zero, sizeof zero);
        expect_refused(w, f->name, "it holds nothing");
        memcpy(proto + f->proto_count, &some_case, sizeof some_case);
        for (uint32_t i = 0; i < f->max; i++)
            if (f->variants[i].proto_case == some_case) {
                break_message(w, f->variants[i].type, (uint8_t *)(uintptr_t)before);
                break;
            }
        break;
    }
}

static void break_message(struct world *w, const struct wire_type *type, uint8_t *proto)
{
    for (size_t i = 0; i < type->field_count; i++) break_field(w, &type->fields[i], proto);
}

static void every_limit_of_every_member_is_enforced(void **state)
{
    struct world *w = *state;
    static const struct wire_type *const files[] = { &wire_job,          &wire_step_spec,
                                                     &wire_step_outcome, &wire_cancel,
                                                     &wire_resume,       &wire_request };
    for (size_t i = 0; i < MESSAGE_TYPE_COUNT + RECORD_KIND_COUNT + COUNT(files); i++) {
        size_t record = i - MESSAGE_TYPE_COUNT, file = record - RECORD_KIND_COUNT;
        w->type = i < MESSAGE_TYPE_COUNT       ? wire_message_variants[i].type
                  : record < RECORD_KIND_COUNT ? wire_record_variants[record].type
                                               : files[file];
        uint32_t variants = w->type == &wire_request ? REQUEST_KIND_COUNT : 1;
        for (uint32_t variant = 0; variant < variants; variant++) {
            w->root = build(w, w->type, variant);
            expect_accepted(w, w->type->name);
            break_message(w, w->type, (uint8_t *)w->root);
            wire_scratch_deinit(&w->tree);
            wire_scratch_init(&w->tree, TREE_MAX);
        }
    }
    print_message("%zu broken messages refused\n", w->refused);
    assert_true(w->refused > 1000);
}

/* ---- the tables against the schema ---- */

static bool kind_fits(const struct wire_field *f, const ProtobufCFieldDescriptor *d)
{
    bool repeated = d->label == PROTOBUF_C_LABEL_REPEATED;
    const ProtobufCMessageDescriptor *inner = f->type ? f->type->descriptor : NULL;
    switch (f->kind) {
    case WIRE_U32: return d->type == PROTOBUF_C_TYPE_UINT32 && f->size == sizeof(uint32_t);
    case WIRE_U64: return d->type == PROTOBUF_C_TYPE_UINT64 && f->size == sizeof(uint64_t);
    case WIRE_BOOL: return d->type == PROTOBUF_C_TYPE_BOOL && f->size == sizeof(bool);
    case WIRE_ENUM:
        return d->type == PROTOBUF_C_TYPE_ENUM && f->size == sizeof(uint32_t) &&
               ((const ProtobufCEnumDescriptor *)d->descriptor)->n_values == f->max;
    case WIRE_ID:
    case WIRE_ID_OR_NONE: return d->type == PROTOBUF_C_TYPE_STRING && f->size == ID_SIZE;
    case WIRE_TEXT:
    case WIRE_FREE_TEXT:
    case WIRE_TAIL:
        return d->type == PROTOBUF_C_TYPE_STRING && f->size == sizeof(char *) && f->max > 0;
    case WIRE_BYTES:
    case WIRE_DOCUMENT:
        return d->type == PROTOBUF_C_TYPE_BYTES && f->size == sizeof(struct bytes) && f->max > 0;
    case WIRE_FIXED: return d->type == PROTOBUF_C_TYPE_BYTES && f->size == f->max;
    case WIRE_MESSAGE: return d->descriptor == inner && !repeated && f->size == f->type->size;
    case WIRE_LIST: return d->descriptor == inner && repeated && f->size == sizeof(void *);
    case WIRE_ARRAY: return d->descriptor == inner && repeated && f->size == f->max * f->type->size;
    case WIRE_ONEOF: return true;
    }
    return false;
}

static void check_type(const struct wire_type *type)
{
    size_t rows = 0;
    for (size_t i = 0; i < type->field_count; i++) {
        const struct wire_field *f = &type->fields[i];
        rows += f->kind == WIRE_ONEOF ? f->max : 1;
        if (f->type) check_type(f->type);
        for (uint32_t v = 0; f->kind == WIRE_ONEOF && v < f->max; v++)
            check_type(f->variants[v].type);
        if (f->kind == WIRE_ONEOF) continue;
        const ProtobufCFieldDescriptor *d =
            protobuf_c_message_descriptor_get_field_by_name(type->descriptor, f->name);
        if (!d || d->offset != f->proto || !kind_fits(f, d))
            fail_msg("%s.%s does not fit the schema", type->name, f->name);
    }
    if (rows != type->descriptor->n_fields)
        fail_msg("%s: %zu rows, %u fields", type->name, rows, type->descriptor->n_fields);
}

static void the_tables_fit_the_schema(void **state)
{
    (void)state;
    for (size_t i = 0; i < MESSAGE_TYPE_COUNT; i++) check_type(wire_message_variants[i].type);
    for (size_t i = 0; i < RECORD_KIND_COUNT; i++) check_type(wire_record_variants[i].type);
    check_type(&wire_step_spec);
    check_type(&wire_step_outcome);
    check_type(&wire_cancel);
    check_type(&wire_resume);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_tables_fit_the_schema),
        TEST(every_limit_of_every_member_is_enforced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
