#include "io/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct keys {
    struct sign_secret secret;
    struct sign_public open;
    uint8_t signature[SIGN_SIZE];
};

static struct keys signed_hello(void)
{
    struct error err = { 0 };
    struct keys k;
    assert_true(sign_generate(&k.secret, &k.open, &err));
    assert_true(sign_make(&k.secret, "test-v1", bytes_of_text("hello"), k.signature, &err));
    return k;
}

static void every_flipped_bit_of_a_signature_is_refused(void **state)
{
    (void)state;
    struct keys k = signed_hello();
    for (size_t bit = 0; bit < SIGN_SIZE * 8; bit++) {
        k.signature[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(sign_check(&k.open, "test-v1", bytes_of_text("hello"),
                                bytes_of(k.signature, SIGN_SIZE)));
        k.signature[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

static void wrong_data_context_key_or_length_is_refused(void **state)
{
    (void)state;
    struct keys k = signed_hello(), other = signed_hello();
    struct bytes signature = bytes_of(k.signature, SIGN_SIZE);
    assert_false(sign_check(&k.open, "test-v1", bytes_of_text("hellp"), signature));
    assert_false(sign_check(&k.open, "test-v1", bytes_of_text(""), signature));
    assert_false(sign_check(&k.open, "test-v2", bytes_of_text("hello"), signature));
    assert_false(sign_check(&other.open, "test-v1", bytes_of_text("hello"), signature));
    for (size_t len = 0; len < SIGN_SIZE; len++)
        assert_false(
            sign_check(&k.open, "test-v1", bytes_of_text("hello"), bytes_of(k.signature, len)));
    assert_true(sign_check(&k.open, "test-v1", bytes_of_text("hello"), signature));
}

static void context_and_data_cannot_be_shifted_into_each_other(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct keys k = signed_hello();
    assert_true(sign_make(&k.secret, "ab", bytes_of_text("c"), k.signature, &err));
    assert_false(sign_check(&k.open, "a", bytes_of_text("bc"), bytes_of(k.signature, SIGN_SIZE)));
}

static void keys_of_small_order_verify_nothing(void **state)
{
    (void)state;
    /* With the zero key, R = identity and S = 0 satisfy the equation for one message in a few. */
    struct sign_public zero = { .bytes = { 0 } }, one = { .bytes = { 1 } };
    uint8_t forged[SIGN_SIZE] = { 1 };
    for (unsigned i = 0; i < 64; i++) {
        uint8_t text = (uint8_t)i;
        assert_false(sign_check(&zero, "t", bytes_of(&text, 1), bytes_of(forged, SIGN_SIZE)));
        assert_false(sign_check(&one, "t", bytes_of(&text, 1), bytes_of(forged, SIGN_SIZE)));
    }
}

static void too_much_data_is_refused_on_both_sides(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct keys k = signed_hello();
    AUTO(auto_free) uint8_t *data = xcalloc(SIGN_DATA_MAX + 1, 1);
    struct bytes much = bytes_of(data, SIGN_DATA_MAX + 1);
    assert_false(sign_make(&k.secret, "t", much, k.signature, &err));
    assert_int_equal(err.code, ERR_NO_SPACE);
    assert_false(sign_check(&k.open, "t", much, bytes_of(k.signature, SIGN_SIZE)));
}

/* RFC 8032, 7.1, test 1: the public half of a known secret. */
static void public_half_follows_from_the_secret(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct sign_secret secret;
    struct sign_public open, want;
    assert_true(hex_parse("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                          secret.bytes, SIGN_KEY_SIZE));
    assert_true(hex_parse("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                          want.bytes, SIGN_KEY_SIZE));
    assert_true(sign_public_of(&secret, &open, &err));
    assert_memory_equal(open.bytes, want.bytes, SIGN_KEY_SIZE);
    sign_secret_deinit(&secret);
    struct sign_secret zero = { .bytes = { 0 } };
    assert_memory_equal(&secret, &zero, sizeof zero);
}

/* Made with  openssl pkeyutl -sign -rawin  over "test-v1", a NUL and "hello". */
static void the_same_is_signed_as_by_openssl(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct sign_secret secret;
    struct signer *signer = NULL;
    uint8_t want[SIGN_SIZE], got[SIGN_SIZE];
    assert_true(hex_parse("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                          secret.bytes, SIGN_KEY_SIZE));
    assert_true(hex_parse("77fc4ffc0b546a4f4f9294379fa4ef16ca4c5f1ce97341bdd105e6a6f0dc6771"
                          "3aa11d7a043dc49c1fe450f475c0bb9bfca5475b146db41ae9dd6ac9c8196206",
                          want, SIGN_SIZE));
    assert_true(sign_make(&secret, "test-v1", bytes_of_text("hello"), got, &err));
    assert_memory_equal(got, want, SIGN_SIZE);
    assert_true(signer_open(&secret, &signer, &err));
    assert_true(signer_make(signer, "test-v1", bytes_of_text("hello"), got, &err));
    assert_memory_equal(got, want, SIGN_SIZE);
    signer_close(signer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_of_a_signature_is_refused),
        cmocka_unit_test(wrong_data_context_key_or_length_is_refused),
        cmocka_unit_test(context_and_data_cannot_be_shifted_into_each_other),
        cmocka_unit_test(keys_of_small_order_verify_nothing),
        cmocka_unit_test(too_much_data_is_refused_on_both_sides),
        cmocka_unit_test(the_same_is_signed_as_by_openssl),
        cmocka_unit_test(public_half_follows_from_the_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
