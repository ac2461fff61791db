/* The tree of an execution, as people see it. */
#include "client/tree.h"

#include "fixture_view.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct print_mode screen = { .utf8 = true, .now_ms = VIEW_NOW_MS, .tick = 2 };

static void expect_mode(const struct view_world *w, const struct print_mode *mode,
                        enum tree_detail detail, const char *expected)
{
    struct print out;
    print_init(&out, mode);
    tree_print(&out, &w->view, detail);
    if (!text_equal(print_string(&out), expected))
        print_message("got:\n%s\nexpected:\n%s\n", print_string(&out), expected);
    assert_string_equal(print_string(&out), expected);
    print_deinit(&out);
}

static void expect(const struct view_world *w, const char *expected)
{
    expect_mode(w, &screen, TREE_NORMAL, expected);
}

static void a_running_execution_shows_what_every_region_does(void **state)
{
    struct view_world w;
    (void)state;
    view_make(&w);
    view_advance(&w.jobs[0], EVENT_VALIDATE_SERVICE, STATUS_SUCCEEDED);
    view_end(&w, 0, STATUS_SUCCEEDED);
    view_advance(&w.jobs[1], EVENT_AFTER_INSTALL, STATUS_IN_PROGRESS);
    view_advance(&w.jobs[2], EVENT_DOWNLOAD_BUNDLE, STATUS_IN_PROGRESS);
    expect_mode(
        &w, &screen, TREE_LIVE,
        "xr  execution 0b8a2c1e  InProgress  1m12s   trigger: PollForSourceChanges Source\n"
        "│   source s3://source-bucket/app.zip  version kTtNtrHIhMt4.cX6YZHZ5lawDVy3R4Aj\n"
        "├─ ✔ Source  2.0s\n"
        "└─ ⠹ Prod  1m09s\n"
        "   ├─ ✔ Primary  us-west-2       kTtNtrHI…R4Aj =  1/1 instance       41s\n"
        "   ├─ ⠹ Second   us-east-1       kTtNtrHI…R4Aj =  █████░░░░░  0/1  1m09s  AfterInstall "
        "web-2\n"
        "   └─ ⠹ Third    ap-southeast-2  kTtNtrHI…R4Aj    █░░░░░░░░░  0/1  1m09s  DownloadBundle "
        "i-0c77\n"
        "3 regions, same version: verified in 2 so far          Ctrl-C detaches\n");
}

static void a_successful_execution_says_that_all_have_the_same(void **state)
{
    struct view_world w;
    (void)state;
    view_make(&w);
    for (size_t i = 0; i < 3; i++) {
        view_advance(&w.jobs[i], EVENT_VALIDATE_SERVICE, STATUS_SUCCEEDED);
        view_end(&w, i, STATUS_SUCCEEDED);
    }
    view_finish(&w, STATUS_SUCCEEDED, "");
    expect(&w, "xr  execution 0b8a2c1e  Succeeded  1m00s   trigger: PollForSourceChanges Source   "
               "ended at 1970-01-01T00:17:40Z\n"
               "│   source s3://source-bucket/app.zip  version kTtNtrHIhMt4.cX6YZHZ5lawDVy3R4Aj\n"
               "├─ ✔ Source  2.0s\n"
               "└─ ✔ Prod  57s\n"
               "   ├─ ✔ Primary  us-west-2       kTtNtrHI…R4Aj =  1/1 instance  41s\n"
               "   ├─ ✔ Second   us-east-1       kTtNtrHI…R4Aj =  1/1 instance  41s\n"
               "   └─ ✔ Third    ap-southeast-2  kTtNtrHI…R4Aj =  1/1 instance  41s\n"
               "3 regions, same version: yes (sha256 9fa0…be verified in each)\n");
}

static void fail_second(struct view_world *w)
{
    view_advance(&w->jobs[1], EVENT_AFTER_INSTALL, STATUS_FAILED);
    view_end(w, 1, STATUS_FAILED);
    w->jobs[1].failed_event = EVENT_AFTER_INSTALL;
    w->jobs[1].diagnostics =
        (struct diagnostics){ .code = LIFECYCLE_SCRIPT_FAILED,
                              .script = "scripts/after",
                              .message = "script failed with exit code 3",
                              .log_tail = "LifecycleEvent - AfterInstall\nScript - scripts/after\n"
                                          "[stdout]one\n[stdout]two\n[stdout]three\n"
                                          "[stdout]four\n[stderr]five \x1b[2J\n" };
    w->prod[1].error_code = "HOOK_EXECUTION_FAILURE";
    w->prod[1].error_message = "web-2: script failed";
    view_finish(w, STATUS_FAILED, "stage Prod failed");
}

static void a_failure_shows_its_cause_and_the_command_to_paste(void **state)
{
    struct view_world w;
    (void)state;
    view_make(&w);
    for (size_t i = 0; i < 3; i += 2) {
        view_advance(&w.jobs[i], EVENT_VALIDATE_SERVICE, STATUS_SUCCEEDED);
        view_end(&w, i, STATUS_SUCCEEDED);
    }
    fail_second(&w);
    expect(&w,
           "xr  execution 0b8a2c1e  Failed  1m00s   trigger: PollForSourceChanges Source   ended "
           "at 1970-01-01T00:17:40Z\n"
           "│   source s3://source-bucket/app.zip  version kTtNtrHIhMt4.cX6YZHZ5lawDVy3R4Aj\n"
           "├─ ✔ Source  2.0s\n"
           "└─ ✘ Prod  Failed  57s\n"
           "   ├─ ✔ Primary  us-west-2       kTtNtrHI…R4Aj =  1/1 instance  41s\n"
           "   ├─ ✘ Second   us-east-1       kTtNtrHI…R4Aj =  0/1 instance  41s  Failed\n"
           "   │  ✘ web-2  Failed  AfterInstall  ScriptFailed  scripts/after\n"
           "   │    script failed with exit code 3\n"
           "   │    | [stdout]two\n"
           "   │    | [stdout]three\n"
           "   │    | [stdout]four\n"
           "   │    | [stderr]five \\x1b[2J\n"
           "   │    → meridian logs 0b8a2c1e/Second/web-2\n"
           "   └─ ✔ Third    ap-southeast-2  kTtNtrHI…R4Aj =  1/1 instance  41s\n"
           "stage Prod failed\n"
           "3 regions, same version: yes (sha256 9fa0…be verified in each)\n");
}

static void a_region_without_a_worker_says_what_it_waits_for(void **state)
{
    struct view_world w;
    (void)state;
    view_make(&w);
    w.view.job_count = 1;
    view_advance(&w.jobs[0], EVENT_APPLICATION_STOP, STATUS_IN_PROGRESS);
    w.prod[1].summary = "no worker is enrolled in region us-east-1";
    w.prod[2].status = STATUS_PENDING;
    w.prod[2].started_ms = 0;
    expect(&w, "xr  execution 0b8a2c1e  InProgress  1m12s   trigger: PollForSourceChanges Source\n"
               "│   source s3://source-bucket/app.zip  version kTtNtrHIhMt4.cX6YZHZ5lawDVy3R4Aj\n"
               "├─ ✔ Source  2.0s\n"
               "└─ ⠹ Prod  1m09s\n"
               "   ├─ ⠹ Primary  us-west-2       kTtNtrHI…R4Aj  ░░░░░░░░░░  0/1  1m09s  "
               "ApplicationStop web-1\n"
               "   ├─ ⠹ Second   us-east-1                                       1m09s\n"
               "   │    waits: no worker is enrolled in region us-east-1\n"
               "   └─ ○ Third    ap-southeast-2\n"
               "3 regions, same version: verified in 0 so far\n");
}

static void a_copy_under_way_shows_its_bytes_or_its_cause(void **state)
{
    struct view_world w;
    (void)state;
    view_make(&w);
    view_advance(&w.jobs[0], EVENT_INSTALL, STATUS_IN_PROGRESS);
    view_copying(&w, 1, "web-2", "");
    view_copying(&w, 2, "", "no worker of region ap-southeast-2 is connected");
    w.jobs[4].id.text[0] = 'C';
    w.copies[2].job = w.jobs[4].id;
    w.jobs[2].cause = "waits for the copy of artifact App in region ap-southeast-2: no worker of "
                      "region ap-southeast-2 is connected";
    expect(&w,
           "xr  execution 0b8a2c1e  InProgress  1m12s   trigger: PollForSourceChanges Source\n"
           "│   source s3://source-bucket/app.zip  version kTtNtrHIhMt4.cX6YZHZ5lawDVy3R4Aj\n"
           "├─ ✔ Source  2.0s\n"
           "└─ ⠹ Prod  1m09s\n"
           "   ├─ ⠹ Primary  us-west-2       kTtNtrHI…R4Aj =  ████░░░░░░  0/1  1m09s  Install "
           "web-1\n"
           "   ├─ ⠹ Second   us-east-1       kTtNtrHI…R4Aj    ░░░░░░░░░░  0/1  1m09s  copying 5.0 "
           "MB of 12.3 MB by web-2\n"
           "   └─ ⠹ Third    ap-southeast-2  kTtNtrHI…R4Aj    ░░░░░░░░░░  0/1  1m09s\n"
           "        waits for the copy of artifact App in region ap-southeast-2: no worker of "
           "region ap-southeast-2 is connected\n"
           "3 regions, same version: verified in 1 so far\n");
}

static void a_stopped_execution_says_who_and_why(void **state)
{
    struct view_world w;
    (void)state;
    view_make(&w);
    for (size_t i = 0; i < 3; i++) {
        view_advance(&w.jobs[i], EVENT_INSTALL, STATUS_SUCCEEDED);
        view_end(&w, i, i == 0 ? STATUS_SUCCEEDED : STATUS_ABANDONED);
        if (i > 0) w.jobs[i].status = STATUS_STOPPED;
    }
    w.view.job_count = 2; /* nobody had begun in the third */
    w.prod[2].id.text[0] = '\0';
    view_finish(&w, STATUS_STOPPED, "stopped by ana: wrong bundle");
    w.jobs[1].cause = "stopped by the operator";
    expect(&w,
           "xr  execution 0b8a2c1e  Stopped  1m00s   trigger: PollForSourceChanges Source   ended "
           "at 1970-01-01T00:17:40Z\n"
           "│   source s3://source-bucket/app.zip  version kTtNtrHIhMt4.cX6YZHZ5lawDVy3R4Aj\n"
           "├─ ✔ Source  2.0s\n"
           "└─ ■ Prod  Stopped  57s\n"
           "   ├─ ✔ Primary  us-west-2       kTtNtrHI…R4Aj =  1/1 instance  41s\n"
           "   ├─ ■ Second   us-east-1       kTtNtrHI…R4Aj =  0/1 instance  41s  Abandoned\n"
           "   │  ■ web-2  Stopped  BeforeBlockTraffic\n"
           "   │    stopped by the operator\n"
           "   │    → meridian logs 0b8a2c1e/Second/web-2\n"
           "   └─ ■ Third    ap-southeast-2                                 41s  Abandoned\n"
           "stopped by ana: wrong bundle\n"
           "3 regions, same version: verified in 2 only\n");
}

static void without_utf8_the_tree_is_ascii(void **state)
{
    const struct print_mode ascii = { .now_ms = VIEW_NOW_MS, .tick = 1 };
    struct view_world w;
    (void)state;
    view_make(&w);
    view_advance(&w.jobs[1], EVENT_AFTER_INSTALL, STATUS_IN_PROGRESS);
    fail_second(&w);
    struct print out;
    print_init(&out, &ascii);
    tree_print(&out, &w.view, TREE_WIDE);
    for (const char *c = print_string(&out); *c; c++) assert_true((unsigned char)*c < 0x80);
    assert_non_null(strstr(print_string(&out), "|- + Source"));
    assert_non_null(strstr(print_string(&out), "   |- x Second"));
    print_deinit(&out);
}

static void names_from_outside_cannot_move_the_cursor(void **state)
{
    const struct print_mode coloured = { .utf8 = true, .colour = true, .now_ms = VIEW_NOW_MS };
    static const char evil[] = "\x1b[2J\x1b]0;title\x07";
    struct view_world w;
    (void)state;
    view_make(&w);
    fail_second(&w);
    w.view.execution.pipeline = w.prod[0].name = w.prod[0].region = evil;
    w.revision.revision_id = w.revision.summary = w.revision.ref.key = evil;
    w.stages[1].name = w.jobs[1].worker = w.jobs[1].cause = w.prod[2].error_message = evil;
    w.jobs[1].diagnostics.message = w.jobs[1].diagnostics.script = evil;
    w.jobs[1].diagnostics.log_tail = w.view.execution.status_summary = evil;
    w.prod[2].status = STATUS_FAILED;
    w.view.job_count = 2;
    struct print out;
    print_init(&out, &coloured);
    for (enum tree_detail detail = TREE_NORMAL; detail <= TREE_LIVE; detail++)
        tree_print(&out, &w.view, detail);
    /* Every escape sequence is one of ours: a colour. */
    for (const char *c = print_string(&out); (c = strchr(c, '\x1b')); c++) {
        assert_int_equal(c[1], '[');
        assert_int_equal(c[2 + strspn(c + 2, "0123456789")], 'm');
    }
    assert_null(strchr(print_string(&out), '\a'));
    print_deinit(&out);
}

static void a_copy_with_another_digest_is_never_called_the_same(void **state)
{
    struct view_world w;
    struct print out;
    (void)state;
    view_make(&w);
    for (size_t i = 0; i < 3; i++) {
        view_advance(&w.jobs[i], EVENT_VALIDATE_SERVICE, STATUS_SUCCEEDED);
        view_end(&w, i, STATUS_SUCCEEDED);
    }
    view_finish(&w, STATUS_SUCCEEDED, "");
    w.copies[1].ref.sha256[31] ^= 1;
    print_init(&out, &screen);
    tree_print(&out, &w.view, TREE_NORMAL);
    assert_non_null(strstr(print_string(&out), "same version: no, a copy has another digest\n"));
    assert_non_null(strstr(print_string(&out), "us-east-1       kTtNtrHI…R4Aj    1/1"));
    print_deinit(&out);
}

static void what_crossed_regions_is_told_with_its_price_if_that_is_known(void **state)
{
    struct view_world w;
    struct print out;
    (void)state;
    view_make(&w);
    print_init(&out, &screen);
    tree_print(&out, &w.view, TREE_NORMAL);
    assert_null(strstr(print_string(&out), "crossed"));
    print_deinit(&out);
    w.copies[1].way = COPY_WAY_DELTA;
    w.copies[1].bytes = 1200000;
    w.copies[1].saved = 198800000;
    w.copies[2].way = COPY_WAY_WHOLE;
    w.copies[2].bytes = 200000000;
    print_init(&out, &screen);
    tree_print(&out, &w.view, TREE_NORMAL);
    assert_non_null(
        strstr(print_string(&out), "\n201.2 MB crossed regions, 198.8 MB did not have to\n"));
    print_deinit(&out);
    for (size_t i = 1; i < 3; i++) w.copies[i].priced = true;
    w.copies[2].cost = 99999;
    print_init(&out, &screen);
    tree_print(&out, &w.view, TREE_NORMAL);
    assert_non_null(strstr(print_string(&out), " crossed regions (under $0.0001), "));
    print_deinit(&out);
    w.copies[2].cost = 3720000;
    w.copies[1].cost_saved = 1234567890;
    print_init(&out, &screen);
    tree_print(&out, &w.view, TREE_NORMAL);
    assert_non_null(
        strstr(print_string(&out),
               "\n201.2 MB crossed regions ($0.0037), 198.8 MB did not have to ($1.2345)\n"));
    print_deinit(&out);
}

static void a_narrow_screen_gets_shorter_lines(void **state)
{
    struct print_mode narrow = screen;
    struct view_world w;
    (void)state;
    narrow.columns = 80;
    view_make(&w);
    view_advance(&w.jobs[1], EVENT_AFTER_INSTALL, STATUS_IN_PROGRESS);
    w.view.job_count = 2;
    w.stages[1].action_count = 2;
    view_end(&w, 0, STATUS_SUCCEEDED);
    expect_mode(&w, &narrow, TREE_LIVE,
                "xr  execution 0b8a2c1e  InProgress  1m12s   trigger: PollForSourceChanges "
                "Source\n"
                "│   source s3://source-bucket/app.zip\n"
                "│   version kTtNtrHIhMt4.cX6YZHZ5lawDVy3R4Aj\n"
                "├─ ✔ Source  2.0s\n"
                "└─ ⠹ Prod  1m09s\n"
                "   ├─ ✔ Primary  us-west-2  kTtNtr…    1/1 instance    41s\n"
                "   └─ ⠹ Second   us-east-1  kTtNtr… =  ██░░░  0/1    1m09s\n"
                "        AfterInstall web-2\n"
                "2 regions, same version: verified in 1 so far\n"
                "Ctrl-C detaches\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_running_execution_shows_what_every_region_does),
        cmocka_unit_test(a_successful_execution_says_that_all_have_the_same),
        cmocka_unit_test(a_failure_shows_its_cause_and_the_command_to_paste),
        cmocka_unit_test(a_region_without_a_worker_says_what_it_waits_for),
        cmocka_unit_test(a_copy_under_way_shows_its_bytes_or_its_cause),
        cmocka_unit_test(a_stopped_execution_says_who_and_why),
        cmocka_unit_test(without_utf8_the_tree_is_ascii),
        cmocka_unit_test(names_from_outside_cannot_move_the_cursor),
        cmocka_unit_test(a_copy_with_another_digest_is_never_called_the_same),
        cmocka_unit_test(what_crossed_regions_is_told_with_its_price_if_that_is_known),
        cmocka_unit_test(a_narrow_screen_gets_shorter_lines),
    };
    if (!setlocale(LC_CTYPE, "C.UTF-8")) {
        printf("skipped: the locale C.UTF-8 is missing\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
