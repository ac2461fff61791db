/* The small pure modules that ids, delays and one turn's memory come from. */
#include "base/arena.h"
#include "base/id.h"
#include "base/number.h"
#include "base/pace.h"
#include "base/prng.h"
#include "base/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void arena_refuses_more_than_its_maximum(void **state)
{
    (void)state;
    AUTO(arena_deinit) struct arena a;
    arena_init(&a, 10000);
    assert_null(arena_take(&a, 10001, 1));
    assert_null(arena_take(&a, SIZE_MAX, SIZE_MAX));
    assert_null(arena_take(&a, SIZE_MAX / 2 + 2, 2));
    assert_non_null(arena_take(&a, 5000, 1));
    assert_null(arena_take(&a, 5000, 1)); /* alignment costs a little */
    assert_non_null(arena_take(&a, 4900, 1));
    assert_true(a.used <= a.max);
}

static void arena_gives_zeroed_aligned_memory_also_after_a_reset(void **state)
{
    (void)state;
    AUTO(arena_deinit) struct arena a;
    arena_init(&a, 1 << 20);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 300; size += 7) {
            uint8_t *p = arena_calloc(&a, size, 1);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++) assert_int_equal(p[i], 0);
            memset(p, 0xff, size);
        }
        uint8_t *large = arena_calloc(&a, 100000, 1);
        for (size_t i = 0; i < 100000; i++) assert_int_equal(large[i], 0);
        memset(large, 0xff, 100000);
        arena_reset(&a);
        assert_int_equal(a.used, 0);
    }
}

static void arena_keeps_its_largest_block_and_none_that_is_too_large(void **state)
{
    (void)state;
    AUTO(arena_deinit) struct arena a;
    arena_init(&a, 64 << 20);
    for (int i = 0; i < 100; i++) arena_calloc(&a, 1000, 1);
    const uint8_t *large = arena_calloc(&a, 4 << 20, 1);
    assert_non_null(large);
    arena_reset(&a);
    assert_non_null(a.blocks);
    const void *kept = a.blocks;
    for (int i = 0; i < 60; i++) arena_calloc(&a, 1000, 1); /* half of them fit into it */
    assert_ptr_equal(a.blocks, kept);
    arena_reset(&a);
    assert_ptr_equal(a.blocks, kept);
}

static void arena_copies_texts(void **state)
{
    (void)state;
    AUTO(arena_deinit) struct arena a;
    arena_init(&a, 10000);
    char text[] = "abc";
    char *copy = arena_text(&a, text);
    struct bytes bytes = arena_bytes(&a, bytes_of_text(text));
    text[0] = 'x';
    assert_string_equal(copy, "abc");
    assert_true(bytes_equal(bytes, bytes_of_text("abc")));
    assert_string_equal(arena_text(&a, NULL), "");
    assert_string_equal(arena_text_of(&a, "abcdef", 3), "abc");
    assert_string_equal(arena_format(&a, "%s-%d", "n", 7), "n-7");
}

static void id_parse_refuses_what_is_no_id(void **state)
{
    (void)state;
    struct id id;
    assert_false(id_parse("", &id));
    assert_false(id_parse("a/b", &id));
    assert_false(id_parse("a b", &id));
    assert_false(id_parse("0123456789012345678901234567890123456789", &id));
    assert_true(id_parse("012345678901234567890123456789012345678", &id));
    assert_true(id_parse("a-B_c.9", &id));
    assert_string_equal(id.text, "a-B_c.9");
    assert_false(id_empty(&id));
    assert_true(id_empty(&(struct id){ .text = "" }));
}

static void ids_have_the_forms_that_aws_clients_expect(void **state)
{
    (void)state;
    struct prng random;
    prng_init_number(&random, 3);
    for (int i = 0; i < 1000; i++) {
        struct id uuid = id_new_uuid(&random);
        assert_int_equal(strlen(uuid.text), 36);
        assert_int_equal(strspn(uuid.text, "0123456789abcdef-"), 36);
        assert_int_equal(uuid.text[14], '4');
        assert_non_null(strchr("89ab", uuid.text[19]));
        assert_true(uuid.text[8] == '-' && uuid.text[13] == '-' && uuid.text[18] == '-' &&
                    uuid.text[23] == '-');
        struct id deployment = id_new_deployment(&random);
        assert_int_equal(strlen(deployment.text), 11);
        assert_memory_equal(deployment.text, "d-", 2);
        assert_int_equal(strspn(deployment.text + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), 9);
        struct id version = id_new_version(&random), same;
        assert_int_equal(strlen(version.text), 32);
        assert_true(id_parse(version.text, &same));
        assert_true(id_equal(&version, &same));
        assert_false(id_equal(&version, &uuid));
    }
}

/* The reference: state 1, 2, 3, 4 of the authors' xoshiro256starstar.c. */
static void prng_gives_the_published_sequence(void **state)
{
    (void)state;
    struct prng p = { .state = { 1, 2, 3, 4 } };
    assert_true(prng_next(&p) == UINT64_C(11520));
    assert_true(prng_next(&p) == UINT64_C(0));
    assert_true(prng_next(&p) == UINT64_C(1509978240));
    assert_true(prng_next(&p) == UINT64_C(1215971899390074240));
}

static void prng_leaves_the_zero_state_and_stays_below_its_bound(void **state)
{
    (void)state;
    struct prng p;
    prng_init(&p, (const uint8_t[PRNG_SEED_SIZE]){ 0 });
    unsigned seen[6] = { 0 };
    for (int i = 0; i < 6000; i++) seen[prng_below(&p, 6)]++;
    for (size_t i = 0; i < 6; i++) assert_in_range(seen[i], 800, 1200);
    assert_int_equal(prng_below(&p, 1), 0);
    assert_true(prng_below(&p, UINT64_MAX) < UINT64_MAX);
}

static void a_pace_is_kept_and_little_is_made_up_for(void **state)
{
    (void)state;
    struct pace none = { 0 }, p = { .rate = 1000 };
    assert_int_equal(pace_take(&none, UINT32_MAX, 5), 0);
    assert_int_equal(pace_take(&p, 0, 50000), 0);
    assert_int_equal(pace_take(&p, 500, 60000), 500); /* nothing moved before */
    assert_int_equal(pace_take(&p, 250, 60500), 250);
    assert_int_equal(pace_take(&p, 250, 61500), 0); /* late by 500 ms: the next may be sooner */
    assert_int_equal(pace_take(&p, 1000, 61500), 500);
    assert_int_equal(pace_take(&p, 2000, 99000), 1000); /* one second of the pause, not 37 */
    assert_int_equal(pace_take(&p, 100, 100000), 100);
    p = (struct pace){ .rate = 1 };
    assert_int_equal(pace_take(&p, 1ull << 40, 1), 1000ull << 40);
    p = (struct pace){ .rate = UINT64_MAX };
    assert_int_equal(pace_take(&p, 1ull << 40, 1), 0);
}

static void retry_delays_double_up_to_the_maximum(void **state)
{
    (void)state;
    struct prng random;
    prng_init_number(&random, 5);
    struct retry r = { .first_ms = 250, .max_ms = 15000 };
    uint32_t base = 250;
    for (int i = 0; i < 50; i++) {
        uint32_t delay = retry_next_ms(&r, &random);
        assert_in_range(delay, base / 2, base);
        base = base * 2 < 15000 ? base * 2 : 15000;
    }
    retry_reset(&r);
    assert_in_range(retry_next_ms(&r, &random), 125, 250);
    r = (struct retry){ .first_ms = UINT32_MAX, .max_ms = UINT32_MAX, .tries = UINT32_MAX };
    assert_true(retry_next_ms(&r, &random) >= UINT32_MAX / 2);
    assert_true(r.tries == UINT32_MAX);
}

static void number_parse_is_strict(void **state)
{
    (void)state;
    static const char *const wrong[] = { "",
                                         "-1",
                                         "+1",
                                         " 1",
                                         "1 ",
                                         "01",
                                         "0x1",
                                         "1e3",
                                         "18446744073709551616",
                                         "99999999999999999999999" };
    uint64_t out = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(number_parse(wrong[i], UINT64_MAX, &out));
    assert_false(number_parse("11", 10, &out));
    assert_true(out == 7);
    assert_true(number_parse("0", 10, &out));
    assert_true(out == 0);
    assert_true(number_parse("18446744073709551615", UINT64_MAX, &out));
    assert_true(out == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_refuses_more_than_its_maximum),
        cmocka_unit_test(arena_gives_zeroed_aligned_memory_also_after_a_reset),
        cmocka_unit_test(arena_keeps_its_largest_block_and_none_that_is_too_large),
        cmocka_unit_test(arena_copies_texts),
        cmocka_unit_test(id_parse_refuses_what_is_no_id),
        cmocka_unit_test(ids_have_the_forms_that_aws_clients_expect),
        cmocka_unit_test(prng_gives_the_published_sequence),
        cmocka_unit_test(prng_leaves_the_zero_state_and_stays_below_its_bound),
        cmocka_unit_test(a_pace_is_kept_and_little_is_made_up_for),
        cmocka_unit_test(retry_delays_double_up_to_the_maximum),
        cmocka_unit_test(number_parse_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
