#include "core/lifecycle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_plan(enum job_kind kind, bool traffic, const char *expected)
{
    enum lifecycle_event events[WIRE_EVENTS_MAX];
    size_t count = lifecycle_plan(kind, traffic, events);
    char text[512] = "";
    for (size_t i = 0; i < count; i++) {
        strncat(text, i ? " " : "", sizeof text - strlen(text) - 1);
        strncat(text, lifecycle_event_name(events[i]), sizeof text - strlen(text) - 1);
    }
    assert_string_equal(text, expected);
}

static void deployments_run_their_events_in_codedeploys_order(void **state)
{
    (void)state;
    assert_plan(JOB_DEPLOY, false,
                "ApplicationStop DownloadBundle BeforeInstall Install AfterInstall "
                "ApplicationStart ValidateService");
    assert_plan(JOB_DEPLOY, true,
                "BeforeBlockTraffic AfterBlockTraffic ApplicationStop DownloadBundle "
                "BeforeInstall Install AfterInstall ApplicationStart ValidateService "
                "BeforeAllowTraffic AfterAllowTraffic");
    assert_plan(JOB_REPLICATE, false, "Replicate");
}

static void hooks_are_never_repeatable_and_everything_else_is(void **state)
{
    (void)state;
    for (int kind = 0; kind < JOB_KIND_COUNT; kind++) {
        enum lifecycle_event events[WIRE_EVENTS_MAX];
        size_t count = lifecycle_plan((enum job_kind)kind, true, events);
        for (size_t i = 0; i < count; i++) {
            const struct lifecycle_row *row = lifecycle_find((enum job_kind)kind, events[i]);
            assert_non_null(row);
            assert_int_equal(row->repeatable, row->step != STEP_HOOK);
        }
    }
}

static void events_of_the_other_side_have_no_step_on_the_host(void **state)
{
    (void)state;
    assert_null(lifecycle_find(JOB_DEPLOY, EVENT_BLOCK_TRAFFIC));
    assert_null(lifecycle_find(JOB_DEPLOY, EVENT_ALLOW_TRAFFIC));
    assert_null(lifecycle_find(JOB_DEPLOY, EVENT_REPLICATE));
    assert_null(lifecycle_find(JOB_REPLICATE, EVENT_INSTALL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deployments_run_their_events_in_codedeploys_order),
        cmocka_unit_test(hooks_are_never_repeatable_and_everything_else_is),
        cmocka_unit_test(events_of_the_other_side_have_no_step_on_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
