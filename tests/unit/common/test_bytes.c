#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void buf_refuses_to_grow_beyond_its_maximum(void **state)
{
    (void)state;
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf b;
    buf_init(&b, 4);
    assert_true(buf_append(&b, "abcd", 4, &err));
    assert_false(buf_append(&b, "e", 1, &err));
    assert_int_equal(err.code, ERR_NO_SPACE);
    assert_int_equal(b.len, 4);
}

static void hex_refuses_wrong_lengths_and_letters(void **state)
{
    (void)state;
    uint8_t out[2];
    assert_false(hex_parse("abc", out, 2));
    assert_false(hex_parse("abcg", out, 2));
    assert_true(hex_parse("aBfF", out, 2));
    assert_int_equal(out[0], 0xab);
    assert_int_equal(out[1], 0xff);
}

static void text_copy_refuses_what_does_not_fit(void **state)
{
    (void)state;
    char out[4];
    assert_false(text_copy(out, sizeof out, "four"));
    assert_string_equal(out, "");
    assert_true(text_copy(out, sizeof out, "abc"));
    assert_string_equal(out, "abc");
}

static void error_wrap_puts_the_context_in_front(void **state)
{
    (void)state;
    struct error err = { 0 };
    assert_false(error_set(&err, ERR_RETRY, "open '%s'", "x"));
    assert_false(error_wrap(&err, "begin %d", 7));
    assert_string_equal(err.text, "begin 7: open 'x'");
    assert_int_equal(err.code, ERR_RETRY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_refuses_to_grow_beyond_its_maximum),
        cmocka_unit_test(hex_refuses_wrong_lengths_and_letters),
        cmocka_unit_test(text_copy_refuses_what_does_not_fit),
        cmocka_unit_test(error_wrap_puts_the_context_in_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
