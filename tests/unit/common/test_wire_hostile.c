/* Bytes that mean harm, or come from another version: refused, in bounded memory. */
#include "base/prng.h"
#include "wire/wire.h"
#include "wire/wire_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ID(letters)                                                                                \
    {                                                                                              \
        .text = letters                                                                            \
    }

struct fixture {
    struct buf buf;
    struct arena arena;
    struct error err;
};

static int setup(void **state)
{
    struct fixture *f = *state = xcalloc(1, sizeof *f);
    buf_init(&f->buf, (size_t)2 * WIRE_FRAME_MAX);
    arena_init(&f->arena, WIRE_DECODE_MAX);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    buf_deinit(&f->buf);
    arena_deinit(&f->arena);
    free(f);
    return 0;
}

static const struct row rows[] = {
    { ID("job-1"), 1, { 2, 3 }, ROW_RUNNING },
    { ID("job-2"), 4, { 5, 6 }, ROW_ENDED },
};
static const struct message hello = { MESSAGE_HELLO, .hello = { "web-1", "region", ID("inc"),
                                                                ID("boot"), "0.1", 1, rows, 2 } };

/* Into `out`, which is checked to be untouched on failure. */
static bool decode(struct fixture *f, struct bytes frame)
{
    struct message out, before;
    memset(&out, 0xa5, sizeof out);
    memset(&before, 0xa5, sizeof before);
    arena_reset(&f->arena);
    f->err = (struct error){ 0 };
    if (wire_decode(frame, &f->arena, &out, &f->err)) return true;
    assert_memory_equal(&out, &before, sizeof out);
    assert_true(f->err.code == ERR_INVALID || f->err.code == ERR_CONFLICT);
    assert_true(f->err.text[0] != '\0');
    return false;
}

/* Protobuf by hand: a varint, and a field that is length-delimited. */
static void append_number(struct fixture *f, uint64_t number)
{
    do {
        uint8_t byte = (uint8_t)(number & 0x7f);
        number >>= 7;
        if (number) byte |= 0x80;
        assert_true(buf_append(&f->buf, &byte, 1, &f->err));
    } while (number);
}

static void append_field(struct fixture *f, uint32_t field, const void *data, size_t len)
{
    append_number(f, (uint64_t)field << 3 | 2);
    append_number(f, len);
    assert_true(buf_append(&f->buf, data, len, &f->err));
}

static void append_protocol(struct fixture *f, uint32_t min, uint32_t max)
{
    append_number(f, 1 << 3);
    append_number(f, min);
    append_number(f, 2 << 3);
    append_number(f, max);
}

static void a_frame_cut_anywhere_is_refused(void **state)
{
    struct fixture *f = *state;
    wire_encode(&hello, 1, &f->buf);
    for (size_t len = 0; len < f->buf.len; len++) {
        /* A block of its own, so that the sanitizer sees a read beyond its end. */
        AUTO(auto_free) uint8_t *cut = xcalloc(len, 1);
        memcpy(cut, f->buf.data, len);
        assert_false(decode(f, bytes_of(cut, len)));
    }
    assert_true(decode(f, buf_bytes(&f->buf)));
}

static void garbage_of_any_size_is_refused(void **state)
{
    struct fixture *f = *state;
    struct prng random;
    prng_init_number(&random, 1);
    for (size_t run = 0; run < 3000; run++) {
        size_t len = run < 300 ? run : prng_below(&random, 20000);
        AUTO(auto_free) uint8_t *data = xcalloc(len, 1);
        for (size_t i = 0; i < len; i++) data[i] = (uint8_t)prng_next(&random);
        assert_false(decode(f, bytes_of(data, len)));
    }
}

static void a_damaged_frame_is_refused_or_understood(void **state)
{
    struct fixture *f = *state;
    struct prng random;
    prng_init_number(&random, 2);
    wire_encode(&hello, 1, &f->buf);
    size_t understood = 0;
    for (size_t run = 0; run < 20000; run++) {
        uint8_t frame[512];
        assert_true(f->buf.len <= sizeof frame);
        memcpy(frame, f->buf.data, f->buf.len);
        for (uint64_t flips = 1 + prng_below(&random, 3); flips > 0; flips--)
            frame[prng_below(&random, f->buf.len)] ^= (uint8_t)(1u << prng_below(&random, 8));
        understood += decode(f, bytes_of(frame, f->buf.len));
    }
    assert_true(understood > 0);
    assert_true(understood < 20000);
}

static void a_frame_beyond_the_maximum_is_not_looked_at(void **state)
{
    struct fixture *f = *state;
    wire_encode(&hello, 1, &f->buf);
    AUTO(auto_free) uint8_t *frame = xcalloc(WIRE_FRAME_MAX + 1, 1);
    memcpy(frame, f->buf.data, f->buf.len);
    assert_false(decode(f, bytes_of(frame, WIRE_FRAME_MAX + 1)));
    assert_non_null(strstr(f->err.text, "1048577 bytes, at most 1048576"));
}

/* What decoding took, given back at once; the maximum holds for the trees and the copies alike. */
static void expect_bomb_refused(struct fixture *f, const char *what)
{
    struct wire_scratch scratch;
    wire_scratch_init(&scratch, WIRE_DECODE_MAX);
    const ProtobufCMessage *message =
        protobuf_c_message_unpack(wire_message_variants[MESSAGE_HELLO].type->descriptor,
                                  &scratch.allocator, f->buf.len, f->buf.data);
    if (message || !scratch.exhausted) fail_msg("%s: decoded", what);
    assert_true(scratch.arena.used <= WIRE_DECODE_MAX);
    wire_scratch_deinit(&scratch);
    AUTO(auto_free) uint8_t *body = xcalloc(f->buf.len, 1);
    size_t len = f->buf.len;
    memcpy(body, f->buf.data, len);
    buf_clear(&f->buf);
    append_protocol(f, 1, 1);
    append_field(f, 16, body, len);
    assert_false(decode(f, buf_bytes(&f->buf)));
    assert_non_null(strstr(f->err.text, "to decode"));
    assert_true(f->arena.used <= WIRE_DECODE_MAX);
    buf_clear(&f->buf);
}

static void a_megabyte_that_wants_to_be_many_is_refused_in_bounded_memory(void **state)
{
    struct fixture *f = *state;
    while (f->buf.len < WIRE_FRAME_MAX - 64) append_field(f, 7, "", 0); /* empty rows */
    expect_bomb_refused(f, "empty rows");
    while (f->buf.len < WIRE_FRAME_MAX - 64) append_field(f, 1000, "", 0); /* unknown fields */
    expect_bomb_refused(f, "unknown fields");
    static const char text[512];
    while (f->buf.len < WIRE_FRAME_MAX - 600) append_field(f, 1, text, 1); /* the name again */
    expect_bomb_refused(f, "a text again and again");
}

static void depth_costs_nothing(void **state)
{
    struct fixture *f = *state;
    /* Length-delimited fields inside each other are the bytes of one unknown field. */
    wire_encode(&hello, 1, &f->buf);
    AUTO(auto_free) uint8_t *deep = xcalloc((size_t)64 << 10, 1);
    memset(deep, 0x82, (size_t)64 << 10);
    append_field(f, 99, deep, (size_t)64 << 10);
    assert_true(decode(f, buf_bytes(&f->buf)));
    /* Groups, which older protobuf nests, are no wire type any more. */
    buf_clear(&f->buf);
    append_protocol(f, 1, 1);
    for (size_t i = 0; i < 100000; i++) append_number(f, 16 << 3 | 3);
    assert_false(decode(f, buf_bytes(&f->buf)));
}

static void what_the_arena_cannot_hold_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error err;
    AUTO(arena_deinit) struct arena small;
    struct message out;
    wire_encode(&hello, 1, &f->buf);
    for (size_t max = 16; max < 4096; max += 16) {
        arena_init(&small, max);
        bool held = wire_decode(buf_bytes(&f->buf), &small, &out, &err);
        assert_true(small.used <= max);
        if (max < sizeof(struct row) * 2) assert_false(held);
        if (!held) assert_int_equal(err.code, ERR_INVALID);
        arena_deinit(&small);
    }
    arena_init(&small, 4096);
    assert_true(wire_decode(buf_bytes(&f->buf), &small, &out, &err));
}

static void another_protocol_is_a_conflict_that_names_both(void **state)
{
    struct fixture *f = *state;
    append_protocol(f, 2, 3);
    append_field(f, 200, "new", 3);
    assert_false(decode(f, buf_bytes(&f->buf)));
    assert_int_equal(f->err.code, ERR_CONFLICT);
    assert_non_null(strstr(f->err.text, "protocol 2 to 3"));
    assert_non_null(strstr(f->err.text, "1 to 1"));
    buf_clear(&f->buf); /* no version at all */
    append_field(f, 16, "", 0);
    assert_false(decode(f, buf_bytes(&f->buf)));
    assert_int_equal(f->err.code, ERR_CONFLICT);
}

static void an_unknown_kind_is_refused_and_an_unknown_field_ignored(void **state)
{
    struct fixture *f = *state;
    append_protocol(f, 1, 9);
    append_field(f, 200, "new", 3);
    assert_false(decode(f, buf_bytes(&f->buf)));
    assert_int_equal(f->err.code, ERR_INVALID);
    buf_clear(&f->buf);
    wire_encode(&hello, 1, &f->buf);
    append_field(f, 200, "new", 3);
    append_number(f, 201 << 3);
    append_number(f, UINT64_MAX);
    assert_true(decode(f, buf_bytes(&f->buf)));
}

static void a_text_with_a_nul_inside_is_refused(void **state)
{
    struct fixture *f = *state;
    append_protocol(f, 1, 1);
    append_field(f, 18,
                 "\x0a\x03"
                 "a\0b",
                 5); /* refusal { cause } */
    assert_false(decode(f, buf_bytes(&f->buf)));
    assert_non_null(strstr(f->err.text, "cause: not UTF-8 text without NUL"));
    buf_clear(&f->buf);
    append_protocol(f, 1, 1);
    append_field(f, 27,
                 "\x0a\x03"
                 "a\0b\x1a\x00",
                 7); /* drop { job, fence } */
    assert_false(decode(f, buf_bytes(&f->buf)));
    assert_non_null(strstr(f->err.text, "job: not an id"));
}

static void a_message_twice_counts_as_protobuf_says(void **state)
{
    struct fixture *f = *state;
    append_protocol(f, 1, 1);
    append_field(f, 18,
                 "\x0a\x03"
                 "one",
                 5);
    append_field(f, 18,
                 "\x0a\x03"
                 "two",
                 5);
    struct message out;
    assert_true(wire_decode(buf_bytes(&f->buf), &f->arena, &out, &f->err));
    assert_string_equal(out.refusal.cause, "two");
}

/* ---- records ---- */

static void a_record_of_a_newer_version_says_upgrade(void **state)
{
    struct fixture *f = *state;
    struct record out;
    append_number(f, 1 << 3);
    append_number(f, RECORD_SCHEMA + 1);
    append_field(f, 99, "", 0);
    assert_false(wire_record_decode("epoch", buf_bytes(&f->buf), &f->arena, &out, &f->err));
    assert_int_equal(f->err.code, ERR_CONFLICT);
    assert_non_null(strstr(f->err.text, "upgrade"));
}

static void a_record_under_another_key_is_damage(void **state)
{
    struct fixture *f = *state;
    struct record record = { RECORD_WORKER, .worker = { "web-1", ID("inc"), false, "", "", 0 } },
                  out;
    static const char *const wrong[] = { "worker/web-2", "worker/", "epoch", "", "worker/web-1/" };
    wire_record_encode(&record, &f->buf);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_false(wire_record_decode(wrong[i], buf_bytes(&f->buf), &f->arena, &out, &f->err));
        assert_int_equal(f->err.code, ERR_CORRUPT);
    }
    assert_true(wire_record_decode("worker/web-1", buf_bytes(&f->buf), &f->arena, &out, &f->err));
}

static void damaged_records_are_refused(void **state)
{
    struct fixture *f = *state;
    struct record record = { .kind = RECORD_ROW }, out;
    record.row.row = rows[1];
    record.row.boot = (struct id)ID("boot");
    record.row.result.job = rows[1].job;
    wire_record_encode(&record, &f->buf);
    for (size_t len = 0; len < f->buf.len; len++) {
        AUTO(auto_free) uint8_t *cut = xcalloc(len, 1);
        memcpy(cut, f->buf.data, len);
        struct bytes value = bytes_of(cut, len);
        assert_false(wire_record_decode("row/job-2/4", value, &f->arena, &out, &f->err));
        assert_int_equal(f->err.code, ERR_CORRUPT);
    }
    assert_true(wire_record_decode("row/job-2/4", buf_bytes(&f->buf), &f->arena, &out, &f->err));
}

static void a_row_has_a_result_exactly_when_it_has_ended(void **state)
{
    struct fixture *f = *state;
    struct record record = { .kind = RECORD_ROW }, out;
    record.row.row = rows[0];
    wire_record_encode(&record, &f->buf);
    assert_true(wire_record_decode("row/job-1/1", buf_bytes(&f->buf), &f->arena, &out, &f->err));
    assert_string_equal(out.row.result.job.text, "");
    assert_string_equal(out.row.result.diagnostics.message, "");
    assert_string_equal(out.row.result.version_id, "");
    /* row { job, attempt, fence, ENDED } and no result */
    static const char body[] = "\x0a\x09\x0a\x01x\x10\x01\x1a\x00\x20\x02";
    buf_clear(&f->buf);
    append_number(f, 1 << 3);
    append_number(f, RECORD_SCHEMA);
    append_field(f, 11, body, sizeof body - 1);
    assert_false(wire_record_decode("row/x/1", buf_bytes(&f->buf), &f->arena, &out, &f->err));
    assert_non_null(strstr(f->err.text, "result: missing"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_frame_cut_anywhere_is_refused),
        TEST(garbage_of_any_size_is_refused),
        TEST(a_damaged_frame_is_refused_or_understood),
        TEST(a_frame_beyond_the_maximum_is_not_looked_at),
        TEST(a_megabyte_that_wants_to_be_many_is_refused_in_bounded_memory),
        TEST(depth_costs_nothing),
        TEST(what_the_arena_cannot_hold_is_refused),
        TEST(another_protocol_is_a_conflict_that_names_both),
        TEST(an_unknown_kind_is_refused_and_an_unknown_field_ignored),
        TEST(a_text_with_a_nul_inside_is_refused),
        TEST(a_message_twice_counts_as_protobuf_says),
        TEST(a_record_of_a_newer_version_says_upgrade),
        TEST(a_record_under_another_key_is_damage),
        TEST(damaged_records_are_refused),
        TEST(a_row_has_a_result_exactly_when_it_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
