/* AWS Signature Version 4: common/io/sigv4.h. The signatures are those that AWS publishes:
 * "Examples: Signature Calculations" of the S3 API reference, and the aws-sig-v4-test-suite. */
#include "io/sigv4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EMPTY        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum { ARENA = 4 << 20 };

static const uint64_t may_2013_ms = UINT64_C(1369353600000);    /* 20130524T000000Z */
static const uint64_t august_2015_ms = UINT64_C(1440938160000); /* 20150830T123600Z */
static const struct sigv4_scope s3 = { "us-east-1", "s3" };
static const struct sigv4_scope other = { "us-east-1", "service" };
static const struct sigv4_credentials user = {
    .access_key = "AKIAIOSFODNN7EXAMPLE",
    .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
static const struct sigv4_pair bucket = { "Host", "examplebucket.s3.amazonaws.com" };

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

static const char *value_of(const struct sigv4_pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(pairs[i].name, name)) return pairs[i].value;
    return "";
}

static bool find_user(void *owner, const char *access_key, char secret[SIGV4_SECRET_MAX])
{
    const struct sigv4_credentials *known = owner;
    return text_equal(access_key, known->access_key) &&
           text_copy(secret, SIGV4_SECRET_MAX, known->secret_key);
}

static struct sigv4_check check_at(uint64_t now_ms, const struct sigv4_scope *scope,
                                   const struct sigv4_credentials *known)
{
    return (struct sigv4_check){
        .scope = *scope, .now_ms = now_ms, .find = find_user, .owner = (void *)known
    };
}

/* Signs, compares, and verifies what was signed. */
static void assert_signature(struct arena *arena, const struct sigv4_request *request,
                             const char *signature)
{
    const struct sigv4_pair *added;
    struct sigv4_pair all[16];
    const char *who;
    size_t count;
    struct error err = { 0 };
    if (!sigv4_sign(&user, &s3, request, may_2013_ms, arena, &added, &count, &err))
        fail_msg("%s", err.text);
    const char *authorization = value_of(added, count, "authorization");
    assert_non_null(strstr(authorization, signature));
    memcpy(all, request->headers, request->header_count * sizeof *all);
    memcpy(all + request->header_count, added, count * sizeof *all);
    struct sigv4_request sent = *request;
    sent.headers = all;
    sent.header_count += count;
    const struct sigv4_check check = check_at(may_2013_ms, &s3, &user);
    if (!sigv4_verify(&check, &sent, arena, &who, &err)) fail_msg("%s", err.text);
    assert_string_equal(who, user.access_key);
}

static void requests_to_s3_are_signed_as_aws_shows(void **state)
{
    const struct sigv4_pair range[] = { bucket, { "Range", "bytes=0-9" } };
    const struct sigv4_pair put[] = { bucket,
                                      { "x-amz-storage-class", "REDUCED_REDUNDANCY" },
                                      { "Date", "Fri, 24 May 2013 00:00:00 GMT" } };
    const struct sigv4_pair lifecycle[] = { { "lifecycle", "" } };
    const struct sigv4_pair list[] = { { "prefix", "J" }, { "max-keys", "2" } };
    const struct {
        struct sigv4_request request;
        const char *signature;
    } rows[] = {
        { { "GET", "/test.txt", NULL, 0, range, COUNT(range), EMPTY },
          "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
        { { "PUT", "/test%24file.text", NULL, 0, put, COUNT(put),
            "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072" },
          "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
        { { "GET", "/", lifecycle, COUNT(lifecycle), &bucket, 1, EMPTY },
          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
        { { "GET", "/", list, COUNT(list), &bucket, 1, EMPTY },
          "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_signature(*state, &rows[i].request, rows[i].signature);
}

static bool verify_url(struct arena *arena, const char *query, uint64_t now_ms, struct error *err)
{
    const struct sigv4_pair *pairs;
    const char *who;
    size_t count;
    if (!sigv4_parse_query(query, arena, &pairs, &count, err)) return false;
    const struct sigv4_request request = { "GET", "/test.txt", pairs, count, &bucket, 1, EMPTY };
    const struct sigv4_check check = check_at(now_ms, &s3, &user);
    return sigv4_verify(&check, &request, arena, &who, err);
}

static void a_url_is_signed_as_aws_shows_and_expires(void **state)
{
    const struct sigv4_request request = { "GET", "/test.txt", NULL, 0, &bucket, 1, EMPTY };
    const char *query;
    struct error err = { 0 };
    assert_false(sigv4_presign(&user, &s3, &request, may_2013_ms, 0, *state, &query, &err));
    assert_false(sigv4_presign(&user, &s3, &request, may_2013_ms, SIGV4_EXPIRES_MAX_S + 1, *state,
                               &query, &err));
    assert_true(sigv4_presign(&user, &s3, &request, may_2013_ms, 86400, *state, &query, &err));
    assert_non_null(strstr(query, "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c2659"
                                  "57d157751f604d404"));
    assert_true(verify_url(*state, query, may_2013_ms + 86400000, &err));
    assert_false(verify_url(*state, query, may_2013_ms + 86400001, &err));
    assert_true(text_starts(err.text, "AccessDenied: the signed URL has expired"));
    assert_false(verify_url(*state, query, may_2013_ms - SIGV4_SKEW_MAX_MS - 1, &err));
    assert_true(text_starts(err.text, "RequestTimeTooSkewed"));
    assert_false(verify_url(*state, "", may_2013_ms, &err));
    assert_true(text_starts(err.text, "AccessDenied: the request is not signed"));
}

/* Rows of the suite: what the request line and headers say, and its signature. */
struct suite_row {
    const char *method, *path, *query, *signed_headers, *signature;
    struct sigv4_pair headers[6]; /* beside x-amz-date and authorization */
};

static const struct sigv4_credentials suite = {
    .access_key = "AKIDEXAMPLE",
    .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};

static bool verify_row(struct arena *arena, const struct suite_row *row, struct error *err)
{
    struct sigv4_pair headers[8];
    const struct sigv4_pair *query;
    const char *who;
    size_t count = 0, query_count;
    for (; row->headers[count].name; count++) headers[count] = row->headers[count];
    headers[count++] = (struct sigv4_pair){ "X-Amz-Date", "20150830T123600Z" };
    headers[count++] = (struct sigv4_pair){
        "Authorization",
        arena_format(arena,
                     "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
                     "aws4_request, SignedHeaders=%s, Signature=%s",
                     row->signed_headers, row->signature)
    };
    if (!sigv4_parse_query(row->query, arena, &query, &query_count, err)) return false;
    const struct sigv4_request request = { row->method, row->path, query, query_count,
                                           headers,     count,     EMPTY };
    const struct sigv4_check check = check_at(august_2015_ms, &other, &suite);
    return sigv4_verify(&check, &request, arena, &who, err);
}

#define HOST                                                                                       \
    {                                                                                              \
        "Host", "example.amazonaws.com"                                                            \
    }

static const struct suite_row suite_rows[] = {
    { "GET",
      "/",
      "",
      "host;x-amz-date",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
      { HOST } },
    { "POST",
      "/",
      "",
      "host;x-amz-date",
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
      { HOST } },
    { "GET",
      "/",
      "Param2=value2&Param1=value1",
      "host;x-amz-date",
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
      { HOST } },
    { "GET",
      "/",
      "Param1=value2&Param1=Value1",
      "host;x-amz-date",
      "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1",
      { HOST } },
    { "GET",
      "/",
      "",
      "host;my-header1;x-amz-date",
      "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
      { HOST,
        { "My-Header1", "value2" },
        { "My-Header1", "value2" },
        { "My-Header1", "value1" } } },
    { "GET",
      "/",
      "",
      "host;my-header1;my-header2;x-amz-date",
      "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
      { HOST, { "My-Header1", " value1" }, { "My-Header2", " \"a   b   c\"" } } },
    { "GET",
      "/example/..",
      "",
      "host;x-amz-date",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
      { HOST } },
    { "GET",
      "/./",
      "",
      "host;x-amz-date",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
      { HOST } },
    { "GET",
      "//",
      "",
      "host;x-amz-date",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
      { HOST } },
};

static void the_suites_requests_are_verified(void **state)
{
    for (size_t i = 0; i < COUNT(suite_rows); i++) {
        struct error err = { 0 };
        if (!verify_row(*state, &suite_rows[i], &err)) fail_msg("row %zu: %s", i, err.text);
    }
}

static void a_request_that_was_changed_is_refused(void **state)
{
    const struct suite_row *good = &suite_rows[2];
    struct suite_row rows[] = { *good, *good, *good, *good, *good };
    struct error err = { 0 };
    rows[0].method = "DELETE";
    rows[1].path = "/a";
    rows[2].query = "Param2=value2&Param1=value3";
    rows[3].headers[0].value = "example.org";
    rows[4].signature = suite_rows[0].signature;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_false(verify_row(*state, &rows[i], &err));
        assert_true(text_starts(err.text, "SignatureDoesNotMatch"));
    }
}

static void a_header_of_aws_that_is_not_signed_is_refused(void **state)
{
    struct suite_row row = suite_rows[0];
    struct error err = { 0 };
    row.headers[1] = (struct sigv4_pair){ "X-Amz-Acl", "public-read" };
    assert_false(verify_row(*state, &row, &err));
    assert_non_null(strstr(err.text, "x-amz-acl is not signed"));
    row = suite_rows[0];
    row.signed_headers = "x-amz-date";
    assert_false(verify_row(*state, &row, &err));
    assert_non_null(strstr(err.text, "host is not signed"));
    row.signed_headers = "host;missing;x-amz-date";
    assert_false(verify_row(*state, &row, &err));
}

static void a_request_that_claims_nothing_usable_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "Basic abc",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 ",
        "AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/service/aws4_request",
        "AWS4-HMAC-SHA256 Credential=A, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/service/aws3, SignedHeaders=host, "
        "Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20150831/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20150830/us-west-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=00",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const struct sigv4_pair headers[] = { HOST,
                                              { "X-Amz-Date", "20150830T123600Z" },
                                              { "Authorization", wrong[i] } };
        const struct sigv4_request request = {
            "GET", "/", NULL, 0, headers, COUNT(headers), EMPTY
        };
        const struct sigv4_check check = check_at(august_2015_ms, &other, &suite);
        struct error err = { 0 };
        const char *who;
        if (sigv4_verify(&check, &request, *state, &who, &err)) fail_msg("row %zu passed", i);
        assert_int_equal(err.code, ERR_DENIED);
    }
}

static void limits_are_kept(void **state)
{
    struct arena *arena = *state;
    struct sigv4_pair many[SIGV4_PAIRS_MAX + 1];
    const struct sigv4_pair *added;
    struct error err = { 0 };
    size_t count;
    for (size_t i = 0; i < COUNT(many); i++) many[i] = (struct sigv4_pair)HOST;
    struct sigv4_request request = { "GET", "/", NULL, 0, many, COUNT(many), EMPTY };
    assert_false(sigv4_sign(&user, &s3, &request, 0, arena, &added, &count, &err));
    request.header_count = 0;
    assert_false(sigv4_sign(&user, &s3, &request, 0, arena, &added, &count, &err));
    char *huge = arena_calloc(arena, SIGV4_INPUT_MAX + 2, 1);
    memset(huge, 'a', SIGV4_INPUT_MAX + 1);
    many[0].value = huge;
    request.header_count = 1;
    assert_false(sigv4_sign(&user, &s3, &request, 0, arena, &added, &count, &err));
    assert_false(sigv4_parse_query(huge, arena, &added, &count, &err));
}

static void a_query_is_decoded_once(void **state)
{
    const struct sigv4_pair *pairs;
    size_t count;
    struct error err = { 0 };
    assert_true(sigv4_parse_query("&a=%20%2525&b&=c&d=e=f+g", *state, &pairs, &count, &err));
    assert_int_equal(count, 4);
    assert_string_equal(pairs[0].value, " %25");
    assert_string_equal(pairs[1].name, "b");
    assert_string_equal(pairs[1].value, "");
    assert_string_equal(pairs[2].name, "");
    assert_string_equal(pairs[3].value, "e=f+g");
    static const char *const wrong[] = { "a=%", "a=%2", "a=%2&b=1", "a=%zz", "a=%00", "%2x=1" };
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(sigv4_parse_query(wrong[i], *state, &pairs, &count, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_to_s3_are_signed_as_aws_shows, setup, teardown),
        cmocka_unit_test_setup_teardown(a_url_is_signed_as_aws_shows_and_expires, setup, teardown),
        cmocka_unit_test_setup_teardown(the_suites_requests_are_verified, setup, teardown),
        cmocka_unit_test_setup_teardown(a_request_that_was_changed_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_header_of_aws_that_is_not_signed_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_request_that_claims_nothing_usable_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(limits_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(a_query_is_decoded_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
