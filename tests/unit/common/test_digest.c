#include "io/digest.h"

#include "io/fs.h"
#include "io/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_digest(const uint8_t got[DIGEST_SIZE], const char *hex)
{
    char text[DIGEST_HEX_SIZE];
    hex_format(got, DIGEST_SIZE, text);
    assert_string_equal(text, hex);
}

/* FIPS 180-4 examples. */
static void sha256_gives_the_published_values(void **state)
{
    (void)state;
    uint8_t out[DIGEST_SIZE];
    digest_sha256(bytes_of_text(""), out);
    assert_digest(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_sha256(bytes_of_text("abc"), out);
    assert_digest(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void one_stream_serves_message_after_message(void **state)
{
    (void)state;
    AUTO(digest_deinit) struct digest d;
    digest_init(&d);
    uint8_t out[DIGEST_SIZE];
    for (int i = 0; i < 2; i++) {
        digest_update(&d, bytes_of_text("a"));
        digest_update(&d, bytes_of(NULL, 0));
        digest_update(&d, bytes_of_text("bc"));
        digest_end(&d, out);
        assert_digest(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

/* RFC 4231, cases 1, 2 and 6 (a key longer than a block), and the empty one. */
static void hmac_gives_the_published_values(void **state)
{
    (void)state;
    uint8_t out[DIGEST_SIZE], key[131];
    memset(key, 0x0b, 20);
    digest_hmac(bytes_of(key, 20), bytes_of_text("Hi There"), out);
    assert_digest(out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    digest_hmac(bytes_of_text("Jefe"), bytes_of_text("what do ya want for nothing?"), out);
    assert_digest(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    digest_hmac(bytes_of(key, sizeof key),
                bytes_of_text("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    assert_digest(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    digest_hmac(bytes_of(NULL, 0), bytes_of(NULL, 0), out);
    assert_digest(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void file_digest_counts_and_reads_everything(void **state)
{
    (void)state;
    struct error err = { 0 };
    uint8_t out[DIGEST_SIZE], again[DIGEST_SIZE];
    uint64_t size = 0;
    assert_false(digest_file("/nowhere/at/all", out, &size, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    size_t len = 256 * 1024 + 17; /* more than one chunk */
    AUTO(auto_free) uint8_t *data = xcalloc(len, 1);
    random_bytes(data, len);
    const char *tmp = getenv("TMPDIR");
    char path[FS_PATH_MAX];
    snprintf(path, sizeof path, "%s/meridian-digest-XXXXXX", tmp ? tmp : "/tmp");
    AUTO(auto_close) int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(fs_write_all(fd, bytes_of(data, len), &err));
    assert_true(digest_file(path, out, &size, &err));
    unlink(path);
    assert_int_equal(size, len);
    digest_sha256(bytes_of(data, len), again);
    assert_true(digest_equal(out, again, DIGEST_SIZE));
    again[31] ^= 1;
    assert_false(digest_equal(out, again, DIGEST_SIZE));
}

static void a_pool_gives_bits_once_and_keeps_none_of_them(void **state)
{
    (void)state;
    struct random_pool pool = { .left = 0 };
    uint8_t a[32], b[32];
    static const uint8_t none[32] = { 0 };
    for (int i = 0; i < 1000; i++) {
        random_pool_take(&pool, a, sizeof a);
        assert_memory_equal(pool.bytes + pool.left, none, sizeof none);
        random_pool_take(&pool, b, sizeof b);
        assert_memory_not_equal(a, b, sizeof a);
    }
}

static void random_seeds_differ(void **state)
{
    (void)state;
    struct prng a, b;
    random_seed(&a);
    random_seed(&b);
    assert_true(prng_next(&a) != prng_next(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_values),
        cmocka_unit_test(one_stream_serves_message_after_message),
        cmocka_unit_test(hmac_gives_the_published_values),
        cmocka_unit_test(file_digest_counts_and_reads_everything),
        cmocka_unit_test(a_pool_gives_bits_once_and_keeps_none_of_them),
        cmocka_unit_test(random_seeds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
