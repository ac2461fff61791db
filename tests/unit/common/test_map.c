#include "base/map.h"

#include "base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ITEMS = 500, STEPS = 60000 };

struct item {
    char key[16];
    bool in;
};

static void zeroed_map_is_empty_and_usable(void **state)
{
    (void)state;
    struct map m = { 0 };
    size_t cursor = 0;
    int value;
    assert_null(map_get(&m, "a"));
    assert_null(map_remove(&m, "a"));
    assert_null(map_next(&m, &cursor));
    assert_null(map_put(&m, "a", &value));
    assert_ptr_equal(map_get(&m, "a"), &value);
    map_deinit(&m);
    map_deinit(&m);
    map_deinit(NULL);
}

static void put_returns_what_it_replaces_and_takes_the_new_key(void **state)
{
    (void)state;
    AUTO(map_deinit) struct map m;
    map_init(&m, 1);
    int first, second;
    char key[] = "k";
    assert_null(map_put(&m, key, &first));
    assert_ptr_equal(map_put(&m, "k", &second), &first);
    key[0] = 'x'; /* the old key's memory is not used any more */
    assert_ptr_equal(map_get(&m, "k"), &second);
    assert_int_equal(m.count, 1);
    assert_ptr_equal(map_remove(&m, "k"), &second);
    assert_int_equal(m.count, 0);
    assert_null(map_get(&m, "k"));
}

static void keys_that_share_words_and_ends_differ(void **state)
{
    (void)state;
    static const char *const keys[] = { "",          "a",        "ab",
                                        "abcdefg",   "abcdefgh", "abcdefghi",
                                        "abcdefgha", "a\x80",    "abcdefghabcdefgh" };
    enum { COUNT = sizeof keys / sizeof *keys };
    AUTO(map_deinit) struct map m;
    map_init(&m, 7);
    for (size_t i = 0; i < COUNT; i++) assert_null(map_put(&m, keys[i], (void *)&keys[i]));
    for (size_t i = 0; i < COUNT; i++) assert_ptr_equal(map_get(&m, keys[i]), &keys[i]);
}

static void count_by_walking(const struct map *m, size_t want)
{
    size_t cursor = 0, count = 0;
    for (struct item *item; (item = map_next(m, &cursor)); count++) assert_true(item->in);
    assert_int_equal(count, want);
    assert_int_equal(m->count, want);
}

static void map_agrees_with_a_plain_array_over_random_steps(void **state)
{
    (void)state;
    AUTO(map_deinit) struct map m;
    AUTO(auto_free) struct item *items = xcalloc(ITEMS, sizeof *items);
    struct prng random;
    size_t in = 0;
    prng_init_number(&random, 42);
    map_init(&m, prng_next(&random));
    for (size_t i = 0; i < ITEMS; i++) snprintf(items[i].key, sizeof items[i].key, "job/%zu", i);
    for (int step = 0; step < STEPS; step++) {
        struct item *item = &items[prng_below(&random, ITEMS)];
        void *old = item->in ? item : NULL;
        assert_ptr_equal(map_get(&m, item->key), old);
        /* Grow for the first half, shrink afterwards. */
        bool put = prng_below(&random, 10) < (step < STEPS / 2 ? 7u : 3u);
        assert_ptr_equal(put ? map_put(&m, item->key, item) : map_remove(&m, item->key), old);
        in = in - item->in + put;
        item->in = put;
        if (step % 1000 == 0) count_by_walking(&m, in);
    }
    count_by_walking(&m, in);
}

static void seed_changes_the_places(void **state)
{
    (void)state;
    struct map a, b;
    char keys[64][8];
    map_init(&a, 1);
    map_init(&b, 2);
    for (size_t i = 0; i < 64; i++) {
        snprintf(keys[i], sizeof keys[i], "%zu", i);
        map_put(&a, keys[i], keys[i]);
        map_put(&b, keys[i], keys[i]);
    }
    size_t at_a = 0, at_b = 0, same = 0;
    for (size_t i = 0; i < 64; i++) same += map_next(&a, &at_a) == map_next(&b, &at_b);
    assert_true(same < 32);
    map_deinit(&a);
    map_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_map_is_empty_and_usable),
        cmocka_unit_test(put_returns_what_it_replaces_and_takes_the_new_key),
        cmocka_unit_test(keys_that_share_words_and_ends_differ),
        cmocka_unit_test(map_agrees_with_a_plain_array_over_random_steps),
        cmocka_unit_test(seed_changes_the_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
