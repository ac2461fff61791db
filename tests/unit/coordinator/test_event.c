/* What S3 says of its objects: coordinator/shell/bucket_event.h. */
#include "io/fs.h"
#include "io/s3.h"
#include "shell/bucket_event.h"
#include "shell/event_door.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* "bucket/key" of each event, one a line. */
static void note(void *owner, const char *bucket, const char *key)
{
    char *told = owner;
    size_t len = strlen(told);
    assert_true(len < 4096);
    snprintf(told + len, 4096 - len, "%s/%s\n", bucket, key);
}

static char told[4096];

static bool decode(const char *body, struct bucket_events *out, struct error *err)
{
    told[0] = '\0';
    return bucket_event_decode(bytes_of(body, strlen(body)), note, told, out, err);
}

static void hears(const char *body, size_t count, const char *expected)
{
    struct bucket_events events;
    struct error err = { 0 };
    if (!decode(body, &events, &err)) fail_msg("%s: %s", body, err.text);
    assert_string_equal(told, expected);
    assert_int_equal(events.count, count);
    assert_string_equal(events.topic, "");
}

static void what_is_no_event_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "{",
        "[]",
        "null",
        "7",
        "{}",
        "{\"Records\":{}}",
        "{\"Records\":[]} more",
        "{\"detail\":\"x\"}",
        "{\"Event\":\"x\"}",
        "{\"Type\":\"Notification\"}",
        "{\"Type\":\"Notification\",\"Message\":\"hello\"}",
        "{\"Type\":\"Notification\",\"Message\":\"{}\"}",
        "{\"Type\":\"Notification\",\"Message\":{\"Records\":[]}}",
        "{\"Type\":\"SubscriptionConfirmation\",\"TopicArn\":\"a\"}",
        "{\"Type\":\"SubscriptionConfirmation\",\"Token\":\"a\"}",
        "{\"Records\":[{\"s3\":{\"bucket\":{\"name\":\"a\\u0000b\"},\"object\":{\"key\":\"c\"}}}]}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct bucket_events events;
        struct error err = { 0 };
        if (decode(wrong[i], &events, &err)) fail_msg("%s was taken", wrong[i]);
        assert_int_equal(err.code, ERR_INVALID);
        assert_string_equal(told, "");
    }
}

static void a_body_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    struct bucket_events events;
    struct error err = { 0 };
    char *body = xcalloc(BUCKET_EVENT_BODY_MAX + 2, 1);
    memset(body, ' ', BUCKET_EVENT_BODY_MAX + 1);
    memcpy(body, "{\"Records\":[]}", 14);
    assert_false(decode(body, &events, &err));
    assert_int_equal(err.code, ERR_INVALID);
    body[BUCKET_EVENT_BODY_MAX] = '\0';
    assert_true(decode(body, &events, &err));
    free(body);
}

static void records_of_another_shape_are_passed_over(void **state)
{
    (void)state;
    hears("{\"Records\":[1,{},{\"s3\":7},{\"s3\":{\"bucket\":{\"name\":\"b\"}}},"
          "{\"s3\":{\"bucket\":{\"name\":\"\"},\"object\":{\"key\":\"k\"}}},"
          "{\"s3\":{\"bucket\":{\"name\":\"b\"},\"object\":{\"key\":\"k\"}}}]}",
          1, "b/k\n");
}

static void a_key_is_handed_out_as_it_stands_and_decoded(void **state)
{
    (void)state;
    char body[2 * S3_KEY_MAX], key[S3_KEY_MAX + 2];
    const char *format = "{\"Records\":[{\"s3\":{\"bucket\":{\"name\":\"b\"},"
                         "\"object\":{\"key\":\"%s\"}}}]}";
    static const char *const keys[][2] = {
        { "a+b%2Fc", "b/a+b%2Fc\nb/a b/c\n" },
        { "%", "b/%\n" },
        { "a%2", "b/a%2\n" },
        { "a%zz", "b/a%zz\n" },
        { "a%00", "b/a%00\n" },
        { "%c3%BC", "b/%c3%BC\nb/\xc3\xbc\n" },
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        snprintf(body, sizeof body, format, keys[i][0]);
        hears(body, 1, keys[i][1]);
    }
    memset(key, 'k', sizeof key);
    key[S3_KEY_MAX + 1] = '\0';
    snprintf(body, sizeof body, format, key);
    hears(body, 1, "");
}

static void every_shape_names_its_object(void **state)
{
    (void)state;
    hears("{\"Records\":[]}", 0, "");
    hears("{\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\",\"Bucket\":\"b\"}", 0, "");
    hears("{\"detail-type\":\"Object Created\",\"source\":\"aws.s3\",\"detail\":"
          "{\"bucket\":{\"name\":\"b\"},\"object\":{\"key\":\"a+b\"}}}",
          1, "b/a+b\n");
    hears("{\"detail\":{\"requestParameters\":{\"bucketName\":\"b\",\"key\":\"k\"}}}", 1, "b/k\n");
    hears("{\"Type\":\"Notification\",\"Message\":\"{\\\"Records\\\":[{\\\"s3\\\":{\\\"bucket\\\":"
          "{\\\"name\\\":\\\"b\\\"},\\\"object\\\":{\\\"key\\\":\\\"k\\\"}}}]}\"}",
          1, "b/k\n");
}

static void a_topic_that_asks_to_be_confirmed_is_told(void **state)
{
    (void)state;
    struct bucket_events events;
    struct error err = { 0 };
    assert_true(decode("{\"Type\":\"SubscriptionConfirmation\",\"TopicArn\":\"arn:x\","
                       "\"Token\":\"t\",\"SubscribeURL\":\"https://x\"}",
                       &events, &err));
    assert_string_equal(events.topic, "arn:x");
    assert_string_equal(events.token, "t");
    assert_int_equal(events.count, 0);
}

/* ---- the token ---- */

static void a_token_that_is_weak_or_readable_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        mode_t mode;
        enum error_code code;
    } rows[] = {
        { "0123456789abcdef0123456789abcdef", 0640, ERR_DENIED },
        { "0123456789abcdef0123456789abcdef", 0604, ERR_DENIED },
        { "", 0600, ERR_INVALID },
        { "0123456789abcde", 0600, ERR_INVALID },
        { "0123456789abcde\n", 0600, ERR_INVALID },
        { "0123456789abcdef 123", 0600, ERR_INVALID },
        { "0123456789abcdef/../", 0600, ERR_INVALID },
        { "0123456789abcdef", 0600, ERR_NONE },
        { "0123456789abcdef-._~\r\n", 0400, ERR_NONE },
    };
    char folder[] = "/tmp/meridian-event-XXXXXX", path[64];
    struct error err = { 0 };
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/token", folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct event_door *door = NULL;
        assert_true(fs_write_atomic(path, bytes_of_text(rows[i].text), rows[i].mode, &err));
        bool opened = event_door_open(path, NULL, NULL, &door, &err);
        if (opened != (rows[i].code == ERR_NONE)) fail_msg("row %zu: %s", i, err.text);
        if (!opened) assert_int_equal(err.code, rows[i].code);
        assert_int_equal(opened, door != NULL);
        event_door_close(door);
    }
    assert_int_equal(unlink(path), 0);
    struct event_door *door = NULL;
    assert_false(event_door_open(path, NULL, NULL, &door, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_true(event_door_open(NULL, NULL, NULL, &door, &err)); /* none is configured */
    assert_null(door);
    assert_int_equal(rmdir(folder), 0);
}

static void a_door_is_at_its_path_only(void **state)
{
    (void)state;
    assert_false(event_door_is_at(NULL, "/events"));
    char folder[] = "/tmp/meridian-event-XXXXXX", path[64];
    struct error err = { 0 };
    struct event_door *door = NULL;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/token", folder);
    assert_true(fs_write_atomic(path, bytes_of_text("0123456789abcdef"), 0600, &err));
    assert_true(event_door_open(path, NULL, NULL, &door, &err));
    assert_true(event_door_is_at(door, "/events"));
    assert_true(event_door_is_at(door, "/events/x"));
    assert_false(event_door_is_at(door, "/eventsx"));
    assert_false(event_door_is_at(door, "/event"));
    assert_false(event_door_is_at(door, "/"));
    event_door_close(door);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(a_body_beyond_the_limit_is_refused),
        cmocka_unit_test(records_of_another_shape_are_passed_over),
        cmocka_unit_test(a_key_is_handed_out_as_it_stands_and_decoded),
        cmocka_unit_test(every_shape_names_its_object),
        cmocka_unit_test(a_topic_that_asks_to_be_confirmed_is_told),
        cmocka_unit_test(a_token_that_is_weak_or_readable_is_refused),
        cmocka_unit_test(a_door_is_at_its_path_only),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
