/* When two documents say the same. */
#include "shell/definition_meaning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void meaning_of(const char *text, uint8_t out[DIGEST_SIZE])
{
    AUTO(doc_free_at) struct doc *doc = NULL;
    struct error err = { 0 };
    assert_true(doc_parse("d", bytes_of_text(text), NULL, &doc, &err));
    definition_meaning(doc_root(doc, 0), "version", out);
}

static bool same(const char *a, const char *b)
{
    uint8_t first[DIGEST_SIZE], second[DIGEST_SIZE];
    meaning_of(a, first);
    meaning_of(b, second);
    return memcmp(first, second, DIGEST_SIZE) == 0;
}

static void values_keys_order_of_lists_and_nesting_make_a_difference(void **state)
{
    (void)state;
    assert_false(same("{a: 1}", "{a: 2}"));
    assert_false(same("{a: 1}", "{b: 1}"));
    assert_false(same("{a: [1, 2]}", "{a: [2, 1]}"));
    assert_false(same("{a: [1, 2]}", "{a: [12]}"));
    assert_false(same("{a: [[1], 2]}", "{a: [[1, 2]]}"));
    assert_false(same("{a: {b: 1}, c: 2}", "{a: {b: 1, c: 2}}"));
    assert_false(same("{a: ''}", "{a: null}"));
    assert_false(same("{a: [null]}", "{a: []}"));
    assert_false(same("{a: {version: 1}}", "{a: {version: 2}}"));
    assert_false(same("[]", "{}"));
    assert_false(same("one", "two"));
}

static void order_of_keys_looks_nulls_and_the_ignored_key_make_none(void **state)
{
    (void)state;
    assert_true(same("{a: 1, b: [x]}", "# yes\n\"b\":\n- x\na: '1'\n"));
    assert_true(same("{a: 1, b: null}", "{a: 1}"));
    assert_true(same("{a: 1, version: 3}", "{version: 4, a: 1}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_keys_order_of_lists_and_nesting_make_a_difference),
        cmocka_unit_test(order_of_keys_looks_nulls_and_the_ignored_key_make_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
