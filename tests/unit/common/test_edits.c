#include "base/edits.h"
#include "base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { VALUE_MAX = 1 << 16 };

static void apply_fails(const char *old, const void *edits, size_t len, size_t max)
{
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf out;
    buf_init(&out, max);
    assert_false(edits_apply(bytes_of_text(old), bytes_of(edits, len), &out, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
}

static void edits_of_another_value_are_refused(void **state)
{
    (void)state;
    apply_fails("abc", "\x04\x00\x00", 3, VALUE_MAX); /* keeps more than there is */
    apply_fails("abc", "\x02\x02\x00", 3, VALUE_MAX); /* drops more than is left */
    apply_fails("", "\x01\x00\x00", 3, VALUE_MAX);
    apply_fails("abc", "\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x00", 11, VALUE_MAX);
}

static void rubbish_is_refused(void **state)
{
    (void)state;
    apply_fails("abc", "\x01", 1, VALUE_MAX);
    apply_fails("abc", "\x01\x00\x05zz", 5, VALUE_MAX); /* less than is put in */
    apply_fails("abc", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00", 14, VALUE_MAX);
    apply_fails("abc", "\x03\x00\x00", 3, 2); /* a larger value than wanted */
}

/* Returns how many bytes of edits they were. */
static size_t round_trip(struct bytes old, struct bytes new)
{
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf edits;
    AUTO(buf_deinit) struct buf out;
    buf_init(&edits, new.len + EDITS_OVERHEAD);
    buf_init(&out, new.len + 1);
    edits_make(old, new, &edits);
    assert_true(edits_apply(old, buf_bytes(&edits), &out, &err));
    assert_true(bytes_equal(buf_bytes(&out), new));
    return edits.len;
}

static void a_changed_member_costs_little(void **state)
{
    (void)state;
    char old[1000], new[1100];
    for (size_t i = 0; i < sizeof old; i++) old[i] = (char)('a' + i * i % 23 + i / 97 % 3);
    memcpy(new, old, 500);
    memset(new + 500, '!', 40); /* new ones in the middle */
    memcpy(new + 540, old + 500, 500);
    new[100] = '?'; /* another one before */
    assert_in_range(round_trip(bytes_of(old, 1000), bytes_of(new, 1040)), 1, 60);
    assert_in_range(round_trip(bytes_of(new, 1040), bytes_of(old, 1000)), 1, 60);
}

static void any_value_is_told_by_any_other(void **state)
{
    (void)state;
    static uint8_t old[4096], new[4096];
    struct prng random;
    prng_init_number(&random, 7);
    for (size_t round = 0; round < 5000; round++) {
        size_t len = (size_t)prng_below(&random, sizeof old), to = 0;
        uint64_t letters = 1 + prng_below(&random, 4) * 60;
        for (size_t i = 0; i < len; i++) old[i] = (uint8_t)prng_below(&random, letters);
        uint64_t often = 1 + prng_below(&random, 200);
        for (size_t at = 0; at < len && to < sizeof new;) {
            uint64_t lot = prng_below(&random, often * 4);
            if (lot == 0)
                at += (size_t)prng_below(&random, 300);
            else if (lot == 1)
                new[to++] = (uint8_t)prng_below(&random, letters);
            else
                new[to++] = old[at++];
        }
        size_t cost = round_trip(bytes_of(old, len), bytes_of(new, to));
        assert_in_range(cost, 0, to + EDITS_OVERHEAD);
    }
    round_trip(bytes_of(NULL, 0), bytes_of(new, 100));
    round_trip(bytes_of(new, 100), bytes_of(new, 0));
}

static void a_digest_tells_small_differences(void **state)
{
    (void)state;
    uint8_t value[100] = { 0 };
    const struct bytes none = bytes_of(NULL, 0), short_one = bytes_of(value, 99);
    uint64_t zero = edits_digest(none, short_one);
    assert_true(zero != edits_digest(none, bytes_of(value, 100)));
    assert_true(zero != edits_digest(short_one, none));
    assert_true(zero != edits_digest(bytes_of(value, 1), bytes_of(value, 98)));
    for (size_t i = 0; i < 99; i++) {
        value[i] = 1;
        assert_true(zero != edits_digest(none, short_one));
        value[i] = 0;
    }
    assert_true(zero == edits_digest(none, short_one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_of_another_value_are_refused),
        cmocka_unit_test(rubbish_is_refused),
        cmocka_unit_test(a_changed_member_costs_little),
        cmocka_unit_test(any_value_is_told_by_any_other),
        cmocka_unit_test(a_digest_tells_small_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
