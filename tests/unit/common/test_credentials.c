/* Where the keys of AWS come from: common/io/credentials.h. */
#include "io/credentials_internal.h"
#include "io/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARENA = 1 << 20 };

static const uint64_t now_ms = UINT64_C(1763838000000); /* 2025-11-22T19:00:00Z */
static const char keys_json[] = "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIA1\","
                                "\"SecretAccessKey\":\"s3cr3t\",\"Token\":\"t0k3n\","
                                "\"Expiration\":\"2025-11-22T20:00:00Z\"}";

/* Pairs of name and value, ended by NULL. */
static const char *get(void *owner, const char *name)
{
    for (const char *const *pair = owner; *pair; pair += 2)
        if (text_equal(pair[0], name)) return pair[1];
    return NULL;
}

struct fixture {
    struct credentials c;
    struct arena arena;
    struct error err;
};

static int setup(void **state)
{
    struct fixture *f = *state = xcalloc(1, sizeof *f);
    arena_init(&f->arena, ARENA);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    credentials_close(&f->c);
    arena_deinit(&f->arena);
    free(f);
    return 0;
}

static bool opened(struct fixture *f, const char *const *environment)
{
    f->err = (struct error){ 0 };
    return credentials_open(&f->c, "us-east-1", get, (void *)(uintptr_t)environment, &f->err);
}

static void half_of_a_key_pair_is_refused(void **state)
{
    static const char *const e[] = { "AWS_ACCESS_KEY_ID", "AKIA", NULL };
    assert_false(opened(*state, e));
    assert_int_equal(((struct fixture *)*state)->err.code, ERR_INVALID);
}

static void without_any_source_the_text_says_what_to_set(void **state)
{
    static const char *const e[] = { "AWS_EC2_METADATA_DISABLED", "true", NULL };
    struct fixture *f = *state;
    assert_false(opened(f, e));
    assert_int_equal(f->err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(f->err.text, "AWS_ACCESS_KEY_ID"));
}

static void a_containers_address_elsewhere_would_leak_its_token(void **state)
{
    static const char *const bad[] = { "http://example.com/", "http://169.254.170.2.example.com/",
                                       "http://127.0.0.1@example.com/", "http://169.254.170.24/",
                                       "file:///etc/passwd" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *const e[] = { "AWS_CONTAINER_CREDENTIALS_FULL_URI", bad[i], NULL };
        assert_false(opened(*state, e));
    }
    static const char *const relative[] = { "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                            "@example.com/", NULL };
    assert_false(opened(*state, relative));
}

static void the_environment_comes_first_and_is_never_refreshed(void **state)
{
    static const char *const e[] = { "AWS_ACCESS_KEY_ID",
                                     "AKIA",
                                     "AWS_SECRET_ACCESS_KEY",
                                     "secret",
                                     "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                     "http://127.0.0.1/",
                                     NULL };
    struct fixture *f = *state;
    struct sigv4_credentials keys;
    assert_true(opened(f, e));
    assert_int_equal(f->c.source, CREDENTIALS_ENVIRONMENT);
    assert_false(credentials_due(&f->c, UINT64_MAX));
    assert_true(credentials_get(&f->c, now_ms, &keys, &f->err));
    assert_string_equal(keys.secret_key, "secret");
    assert_null(keys.session_token);
}

static bool profile(const char *text, const char *name, bool config,
                    struct credentials_profile *out)
{
    struct error err = { 0 };
    *out = (struct credentials_profile){ 0 };
    return credentials_read_profile(bytes_of_text(text), name, config, out, &err);
}

static void profiles_are_read_as_the_two_files_write_them(void **state)
{
    static const char text[] = "; comment\naws_access_key_id = nobody\n[default]\r\n"
                               "aws_access_key_id=A1\r\naws_secret_access_key = S/1=\n"
                               "[ profile  other ]\n aws_access_key_id = nested\n"
                               "aws_access_key_id = A2\n[x]\nrole_arn = arn";
    struct credentials_profile p;
    (void)state;
    assert_true(profile(text, "default", false, &p));
    assert_string_equal(p.access_key, "A1");
    assert_string_equal(p.secret_key, "S/1=");
    assert_true(profile(text, "other", true, &p));
    assert_string_equal(p.access_key, "A2");
    assert_true(profile(text, "other", false, &p));
    assert_false(p.found);
    assert_true(profile(text, "x", false, &p));
    assert_true(p.role);
    char long_key[300] = "[default]\naws_access_key_id=";
    memset(long_key + strlen(long_key), 'x', 200);
    assert_false(profile(long_key, "default", false, &p));
}

static void a_profile_of_sso_is_refused_with_what_to_do(void **state)
{
    struct fixture *f = *state;
    char folder[] = "/tmp/meridian-credentials-XXXXXX", path[FS_PATH_MAX];
    assert_non_null(mkdtemp(folder));
    assert_true(fs_join(path, folder, "config", &f->err));
    assert_true(fs_write_atomic(path, bytes_of_text("[profile dev]\nsso_start_url = https://x\n"),
                                0600, &f->err));
    const char *const e[] = { "AWS_CONFIG_FILE",
                              path,
                              "AWS_SHARED_CREDENTIALS_FILE",
                              "/nonexistent",
                              "AWS_PROFILE",
                              "dev",
                              NULL };
    assert_false(opened(f, e));
    assert_int_equal(f->err.code, ERR_INVALID);
    assert_non_null(strstr(f->err.text, "export-credentials --profile dev"));
    unlink(path);
    rmdir(folder);
}

static bool answer(struct fixture *f, long status, const char *body, bool *more)
{
    f->err = (struct error){ 0 };
    return credentials_answer(&f->c, status, bytes_of_text(body), now_ms, more, &f->err);
}

static void an_instances_role_is_asked_for_by_version_2_and_refreshed_early(void **state)
{
    static const char *const e[] = { NULL };
    struct fixture *f = *state;
    struct credentials_request next;
    struct sigv4_credentials keys;
    bool more = false;
    assert_true(opened(f, e));
    assert_true(credentials_due(&f->c, now_ms));
    assert_false(credentials_get(&f->c, now_ms, &keys, &f->err));
    assert_true(credentials_next(&f->c, &f->arena, &next, &f->err));
    assert_string_equal(next.method, "PUT");
    assert_string_equal(next.url, "http://169.254.169.254/latest/api/token");
    assert_false(answer(f, 200, "two\nlines", &more));
    assert_true(answer(f, 200, "TOKEN==\n", &more));
    assert_true(more);
    assert_true(credentials_next(&f->c, &f->arena, &next, &f->err));
    assert_string_equal(next.headers[0], "X-aws-ec2-metadata-token: TOKEN==");
    assert_false(answer(f, 404, "", &more));
    assert_int_equal(f->err.code, ERR_NOT_FOUND);
    assert_true(answer(f, 200, "my-role", &more));
    assert_true(credentials_next(&f->c, &f->arena, &next, &f->err));
    assert_true(text_ends(next.url, "/iam/security-credentials/my-role"));
    assert_true(answer(f, 200, keys_json, &more));
    assert_false(more);
    assert_true(credentials_get(&f->c, now_ms, &keys, &f->err));
    assert_string_equal(keys.session_token, "t0k3n");
    assert_false(credentials_due(&f->c, now_ms + 54 * 60000));
    assert_true(credentials_due(&f->c, now_ms + 55 * 60000));
    /* The old ones serve while a refresh fails, until they expire. */
    assert_true(credentials_get(&f->c, now_ms + 59 * 60000, &keys, &f->err));
    assert_false(credentials_get(&f->c, now_ms + 60 * 60000, &keys, &f->err));
}

static void answers_without_keys_are_refused_and_tell_no_secret(void **state)
{
    static const char *const e[] = { "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds", NULL };
    static const char *const bad[] = {
        "", "{", "[]", "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s3cr3t\"}",
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s3cr3t\",\"Expiration\":\"soon\"}"
    };
    struct fixture *f = *state;
    bool more;
    assert_true(opened(f, e));
    assert_string_equal(f->c.url, "http://169.254.170.2/creds");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(answer(f, 200, bad[i], &more));
        assert_null(strstr(f->err.text, "s3cr3t"));
        assert_false(f->c.have);
    }
    assert_false(answer(f, 403, keys_json, &more));
    assert_int_equal(f->err.code, ERR_DENIED);
    assert_true(answer(f, 200, keys_json, &more));
}

static void a_web_identity_is_changed_for_keys_by_sts(void **state)
{
    struct fixture *f = *state;
    struct credentials_request next;
    bool more;
    char path[] = "/tmp/meridian-token-XXXXXX";
    AUTO(auto_close) int fd = mkstemp(path);
    assert_true(fs_write_all(fd, bytes_of_text("ey.J=\n"), &f->err));
    const char *const e[] = { "AWS_WEB_IDENTITY_TOKEN_FILE", path, "AWS_ROLE_ARN",
                              "arn:aws:iam::1:role/x", NULL };
    assert_true(opened(f, e));
    assert_true(credentials_next(&f->c, &f->arena, &next, &f->err));
    assert_string_equal(next.url, "https://sts.us-east-1.amazonaws.com/");
    const char *body = arena_text_of(&f->arena, next.body.data, next.body.len);
    assert_non_null(strstr(body, "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx"));
    assert_non_null(strstr(body, "&WebIdentityToken=ey.J%3D"));
    assert_false(answer(f, 200, "<R><S><Credentials><AccessKeyId>A</AccessKeyId></R>", &more));
    assert_true(answer(f, 200,
                       "<R><S><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S"
                       "</SecretAccessKey><SessionToken>T</SessionToken>"
                       "<Expiration>2025-11-22T20:00:00Z</Expiration></Credentials></S></R>",
                       &more));
    assert_string_equal(f->c.session_token, "T");
    unlink(path);
    assert_false(credentials_next(&f->c, &f->arena, &next, &f->err));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(half_of_a_key_pair_is_refused),
        TEST(without_any_source_the_text_says_what_to_set),
        TEST(a_containers_address_elsewhere_would_leak_its_token),
        TEST(the_environment_comes_first_and_is_never_refreshed),
        TEST(profiles_are_read_as_the_two_files_write_them),
        TEST(a_profile_of_sso_is_refused_with_what_to_do),
        TEST(an_instances_role_is_asked_for_by_version_2_and_refreshed_early),
        TEST(answers_without_keys_are_refused_and_tell_no_secret),
        TEST(a_web_identity_is_changed_for_keys_by_sts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
