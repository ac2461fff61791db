/* JSON for programs: AWS's names, one document, always valid. */
#include "client/json.h"

#include "fixture_view.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct print_mode mode = { .utf8 = true, .now_ms = VIEW_NOW_MS };

static json_t *read_back(struct print *out)
{
    json_error_t error;
    json_t *value = json_loads(print_string(out), JSON_REJECT_DUPLICATES, &error);
    if (!value) fail_msg("%s: %s", error.text, print_string(out));
    print_deinit(out);
    return value;
}

/* The text at a path as "stageStates.1.stageName"; "" when there is none. */
static const char *at(json_t *value, const char *path)
{
    static char number[32];
    while (value && *path) {
        char name[64];
        size_t len = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)len, path);
        value = json_is_array(value) ? json_array_get(value, (size_t)(name[0] - '0'))
                                     : json_object_get(value, name);
        path += len + (path[len] == '.');
    }
    if (json_is_string(value)) return json_string_value(value);
    if (json_is_boolean(value)) return json_is_true(value) ? "true" : "false";
    if (!json_is_integer(value)) return "";
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
    return number;
}

static void an_execution_has_the_names_that_aws_gives(void **state)
{
    struct view_world w;
    struct print out;
    (void)state;
    view_make(&w);
    view_advance(&w.jobs[0], EVENT_VALIDATE_SERVICE, STATUS_SUCCEEDED);
    view_end(&w, 0, STATUS_SUCCEEDED);
    print_init(&out, &mode);
    json_execution(&out, &w.view);
    json_t *all = read_back(&out);
    static const char *const expected[][2] = {
        { "pipelineName", "xr" },
        { "pipelineExecutionId", "0b8a2c1e-1111-4222-8333-444455556666" },
        { "status", "InProgress" },
        { "startTime", "1970-01-01T00:16:40.000Z" },
        { "endTime", "" },
        { "trigger.triggerType", "PollForSourceChanges" },
        { "sourceRevisions.0.revisionId", "kTtNtrHIhMt4.cX6YZHZ5lawDVy3R4Aj" },
        { "sourceRevisions.0.revisionUrl", "s3://source-bucket/app.zip" },
        { "stageStates.1.stageName", "Prod" },
        { "stageStates.1.latestExecution.status", "InProgress" },
        { "stageStates.1.actionStates.0.actionName", "Primary" },
        { "stageStates.1.actionStates.0.latestExecution.status", "Succeeded" },
        { "stageStates.1.actionStates.0.currentRevision.verified", "true" },
        { "stageStates.1.actionStates.1.currentRevision.verified", "false" },
        { "stageStates.1.actionStates.0.targets.0.targetId", "web-1" },
        { "stageStates.1.actionStates.0.targets.0.lifecycleEvents.1.lifecycleEventName",
          "DownloadBundle" },
        { "artifacts.2.region", "ap-southeast-2" },
        { "artifacts.2.sha256",
          "9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbe" },
        { "sameVersion.regions", "3" },
        { "sameVersion.equal", "false" },
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (!text_equal(at(all, expected[i][0]), expected[i][1]))
            fail_msg("%s: '%s'", expected[i][0], at(all, expected[i][0]));
    json_decref(all);
}

static void a_failed_target_has_its_diagnostics(void **state)
{
    struct view_world w;
    struct print out;
    (void)state;
    view_make(&w);
    view_end(&w, 1, STATUS_FAILED);
    w.jobs[1].failed_event = EVENT_BEFORE_INSTALL;
    w.jobs[1].diagnostics = (struct diagnostics){ LIFECYCLE_SCRIPT_MISSING, "a", "b", "c\nd" };
    w.prod[1].error_code = "X";
    w.prod[1].error_message = "y";
    print_init(&out, &mode);
    json_execution(&out, &w.view);
    json_t *all = read_back(&out);
    json_t *target = json_array_get(
        json_object_get(
            json_array_get(json_object_get(json_array_get(json_object_get(all, "stageStates"), 1),
                                           "actionStates"),
                           1),
            "targets"),
        0);
    assert_string_equal(at(target, "diagnostics.errorCode"), "ScriptMissing");
    assert_string_equal(at(target, "diagnostics.lifecycleEventName"), "BeforeInstall");
    assert_string_equal(at(target, "diagnostics.logTail"), "c\nd");
    assert_string_equal(
        at(all, "stageStates.1.actionStates.1.latestExecution.errorDetails.message"), "y");
    json_decref(all);
}

static void text_that_is_no_utf8_is_repaired(void **state)
{
    struct print out;
    const struct failure failure = { ERR_INVALID, "a\xff\x1b[2J", "", "" };
    (void)state;
    print_init(&out, &mode);
    json_failure(&out, "invalid", 0, &failure);
    /* Control characters never stand in JSON as they are. */
    assert_null(strchr(print_string(&out), '\x1b'));
    json_t *all = read_back(&out);
    assert_string_equal(at(all, "error.message"), "a\xef\xbf\xbd\x1b[2J");
    json_decref(all);
}

static void an_error_is_one_line_with_its_request(void **state)
{
    struct print out;
    const struct failure failure = { ERR_NOT_FOUND, "what", "cause", "fix" };
    (void)state;
    print_init(&out, &mode);
    json_failure(&out, "not-found", 255, &failure);
    assert_string_equal(print_string(&out),
                        "{\"error\":{\"code\":\"not-found\",\"message\":\"what\",\"cause\":"
                        "\"cause\",\"fix\":\"fix\",\"requestId\":\"00000000000000ff\"}}\n");
    print_deinit(&out);
}

static void an_event_is_one_line(void **state)
{
    struct print out;
    const struct event_record event = { .seq = 7,
                                        .time_ms = 1000,
                                        .pipeline = "xr",
                                        .stage = "",
                                        .action = "",
                                        .region = "",
                                        .worker = "",
                                        .what = "pipeline",
                                        .name = "",
                                        .status = STATUS_SUCCEEDED,
                                        .detail = "two\nlines",
                                        .version_id = "v" };
    (void)state;
    print_init(&out, &mode);
    json_event(&out, &event, true);
    const char *text = print_string(&out);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    json_t *all = read_back(&out);
    assert_string_equal(at(all, "seq"), "7");
    assert_string_equal(at(all, "detail"), "two\nlines");
    json_decref(all);
}

static void empty_lists_are_lists(void **state)
{
    const struct reply reply = { .pipeline_count = 0 };
    struct print out;
    (void)state;
    print_init(&out, &mode);
    json_list(&out, &reply);
    json_t *all = read_back(&out);
    assert_true(json_is_array(json_object_get(all, "pipelines")));
    json_decref(all);
    print_init(&out, &mode);
    json_history(&out, &reply);
    all = read_back(&out);
    assert_true(json_is_array(json_object_get(all, "pipelineExecutionSummaries")));
    json_decref(all);
    print_init(&out, &mode);
    json_workers(&out, &reply);
    all = read_back(&out);
    assert_true(json_is_array(json_object_get(all, "workers")));
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_execution_has_the_names_that_aws_gives),
        cmocka_unit_test(a_failed_target_has_its_diagnostics),
        cmocka_unit_test(text_that_is_no_utf8_is_repaired),
        cmocka_unit_test(an_error_is_one_line_with_its_request),
        cmocka_unit_test(an_event_is_one_line),
        cmocka_unit_test(empty_lists_are_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
