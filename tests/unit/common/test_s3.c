/* Buckets as signed URLs, and S3's answers: common/io/s3.h. */
#include "io/s3.h"
#include "io/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ARENA = 1 << 20 };

static const struct sigv4_credentials user = {
    .access_key = "AKIAIOSFODNN7EXAMPLE",
    .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
static const uint64_t may_2013_ms = UINT64_C(1369353600000);

static int setup(void **state)
{
    struct arena *arena = *state = xcalloc(1, sizeof *arena);
    arena_init(arena, ARENA);
    return 0;
}

static int teardown(void **state)
{
    arena_deinit(*state);
    free(*state);
    return 0;
}

static void endpoints_that_would_leak_a_signature_are_refused(void **state)
{
    static const char *const bad[] = { "http://s3.example.com",
                                       "http://127.0.0.1.example.com",
                                       "http://127.0.0.1@evil.x",
                                       "http://127.0.0.1:80@evil.x",
                                       "http://[::1]x",
                                       "ftp://127.0.0.1",
                                       "https://",
                                       "https://host/path",
                                       "https://user@host",
                                       "host:8000" };
    struct s3_bucket bucket;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error err = { 0 };
        assert_false(s3_bucket_make("my-bucket", "us-east-1", bad[i], *state, &bucket, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    assert_true(s3_url_is_safe("https://bucket.example.com/key?x"));
    assert_true(s3_url_is_safe("http://127.0.0.1:8000/bucket/key@1?x"));
    assert_true(s3_url_is_safe("http://[::1]:8000/b"));
}

static void names_that_are_no_buckets_are_refused(void **state)
{
    static const char *const bad[] = {
        "",       "ab",
        "Bucket", "a..b",
        "-ab",    "ab-",
        ".ab",    "a/b",
        "a_b",    "0123456789012345678901234567890123456789012345678901234567890123"
    };
    struct s3_bucket bucket;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error err = { 0 };
        assert_false(s3_bucket_make(bad[i], "us-east-1", "", *state, &bucket, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
}

static const char *url_of(struct arena *arena, const char *name, const char *endpoint,
                          const struct s3_operation *operation)
{
    struct s3_bucket bucket;
    struct error err = { 0 };
    const char *url = NULL;
    assert_true(s3_bucket_make(name, "us-east-1", endpoint, arena, &bucket, &err));
    assert_true(s3_sign(&bucket, &user, operation, may_2013_ms, 86400, arena, &url, &err));
    return url;
}

static struct s3_operation operation(const char *method, const char *key)
{
    return (struct s3_operation){ .method = method,
                                  .key = key,
                                  .version_id = "",
                                  .subresource = "",
                                  .sha256 = "",
                                  .summary = "" };
}

static void aws_is_addressed_by_host_and_all_others_by_path(void **state)
{
    const struct s3_operation get = operation("GET", "a b/c+d");
    assert_true(text_starts(url_of(*state, "my-bucket", "", &get),
                            "https://my-bucket.s3.us-east-1.amazonaws.com/a%20b/c%2Bd?X-Amz-"));
    assert_true(text_starts(url_of(*state, "my.bucket", "", &get),
                            "https://s3.us-east-1.amazonaws.com/my.bucket/a%20b/c%2Bd?"));
    assert_true(text_starts(url_of(*state, "my-bucket", "http://127.0.0.1:8000", &get),
                            "http://127.0.0.1:8000/my-bucket/a%20b/c%2Bd?"));
    assert_string_equal(s3_endpoint(*state, "cn-north-1", true),
                        "https://s3.dualstack.cn-north-1.amazonaws.com.cn");
}

static void a_version_and_a_subresource_are_signed_with_the_rest(void **state)
{
    struct s3_operation get = operation("GET", "key");
    get.version_id = "v/1";
    assert_non_null(strstr(url_of(*state, "my-bucket", "", &get), "&versionId=v%2F1&X-Amz-Sign"));
    struct s3_operation versioning = operation("GET", "");
    versioning.subresource = "versioning";
    const char *url = url_of(*state, "my-bucket", "", &versioning);
    assert_non_null(strstr(url, "amazonaws.com/?X-Amz-"));
    assert_non_null(strstr(url, "&versioning="));
}

static void a_put_signs_the_digest_and_a_summary_that_fits(void **state)
{
    struct s3_operation put = operation("PUT", "key");
    put.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const char *url = url_of(*state, "my-bucket", "", &put);
    assert_true(s3_url_is_signed(url));
    assert_true(s3_url_signs(url, S3_SHA256_HEADER));
    assert_false(s3_url_signs(url, S3_SUMMARY_HEADER));
    assert_false(s3_url_signs(url, "x-amz-meta-meridian"));
    put.summary = "caf\xc3\xa9";
    assert_false(s3_url_signs(url_of(*state, "my-bucket", "", &put), S3_SUMMARY_HEADER));
    put.summary = "fix: 12 % more";
    assert_true(s3_url_signs(url_of(*state, "my-bucket", "", &put), S3_SUMMARY_HEADER));
    assert_false(s3_url_is_signed("https://127.0.0.1/artifacts/s/k?versionId=1&signature=00"));
}

static bool answered(const char *xml, const char *name, char out[S3_TEXT_SIZE])
{
    return xml_text(bytes_of_text(xml), name, 1, out, S3_TEXT_SIZE);
}

static void answers_that_are_cut_or_nested_otherwise_say_nothing(void **state)
{
    char text[S3_TEXT_SIZE] = "before";
    (void)state;
    static const char *const bad[] = { "",
                                       "<",
                                       "<Error",
                                       "<Error><Code>NoSuch",
                                       "<Code>x</Code>",
                                       "<a><b><Code>x</Code></b></a>",
                                       "<a></a><Code>x</Code>",
                                       "<a><Code/></a>",
                                       "<a><Code>line\nfeed</Code></a>",
                                       "<a><Codes>x</Codes></a>" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(answered(bad[i], "Code", text));
    assert_string_equal(text, "before");
}

static void an_answers_code_and_state_are_read(void **state)
{
    char text[S3_TEXT_SIZE];
    (void)state;
    assert_true(answered("<?xml version=\"1.0\"?>\n<Error><Message/><R x=\"1\"><Code>no</Code></R>"
                         "<Code>No&lt;Such&amp;</Code></Error>",
                         "Code", text));
    assert_string_equal(text, "No<Such&");
    assert_true(answered("<VersioningConfiguration xmlns=\"x\"><Status>Enabled</Status></V>",
                         "Status", text));
    assert_string_equal(text, "Enabled");
}

static void a_key_is_decoded_like_a_form_or_not_at_all(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key; /* NULL: refused */
    } rows[] = {
        { "", "" },
        { "a/b.zip", "a/b.zip" },
        { "a+b%2Bc", "a b+c" },
        { "%c3%A4", "\xc3\xa4" },
        { "%", NULL },
        { "a%4", NULL },
        { "%zz", NULL },
        { "%00", NULL },
        { "100%25", "100%" },
    };
    char key[S3_KEY_MAX + 1], text[3 * S3_KEY_MAX + 4] = "";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool good = s3_key_decode(rows[i].text, key);
        if (good != (rows[i].key != NULL)) fail_msg("%s", rows[i].text);
        if (good) assert_string_equal(key, rows[i].key);
    }
    for (size_t i = 0; i < S3_KEY_MAX; i++) memcpy(text + 3 * i, "%61", 4);
    assert_true(s3_key_decode(text, key));
    assert_int_equal(strlen(key), S3_KEY_MAX);
    memcpy(text + 3 * S3_KEY_MAX, "b", 2);
    assert_false(s3_key_decode(text, key));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_decoded_like_a_form_or_not_at_all),
        TEST(endpoints_that_would_leak_a_signature_are_refused),
        TEST(names_that_are_no_buckets_are_refused),
        TEST(aws_is_addressed_by_host_and_all_others_by_path),
        TEST(a_version_and_a_subresource_are_signed_with_the_rest),
        TEST(a_put_signs_the_digest_and_a_summary_that_fits),
        TEST(answers_that_are_cut_or_nested_otherwise_say_nothing),
        TEST(an_answers_code_and_state_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
