#include "fixture.h"

#include <string.h>

static enum status status_of(struct world *w)
{
    return world_view(w, "xr")->execution.status;
}

static struct id newest(struct world *w)
{
    return world_view(w, "xr")->execution.id;
}

static const struct execution *by_id(struct world *w, struct id id)
{
    struct execution_view *view = arena_calloc(&w->arena, 1, sizeof *view);
    struct error err;
    if (!coordinator_view_execution(w->c, "xr", id.text, &w->arena, view, &err))
        fail_msg("%s", err.text);
    return &view->execution;
}

static void begin(struct world *w, const char *definition)
{
    world_init(w);
    world_connect(w);
    assert_int_equal(world_apply(w, definition)->failure.code, ERR_NONE);
}

static void a_revision_goes_through_two_regions_to_the_end(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2,us-east-1");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    const struct job *home = world_offer(&w, "w1"), *copy = world_offer(&w, "e1");
    assert_non_null(home);
    assert_non_null(copy);
    assert_int_equal(home->kind, JOB_DEPLOY);
    assert_int_equal(copy->kind, JOB_REPLICATE);
    assert_string_equal(home->input.store, "src");
    assert_string_equal(copy->output.store, "store-us-east-1");
    world_accept(&w, 1, home);
    world_result(&w, 2, copy, STATUS_SUCCEEDED);
    assert_non_null(world_sent(&w, "e1", MESSAGE_RESULT_ACK));
    const struct job *east = world_offer(&w, "e1");
    assert_non_null(east);
    assert_int_equal(east->kind, JOB_DEPLOY);
    assert_string_equal(east->input.store, "store-us-east-1");
    assert_string_equal(east->input.version_id, "copy-1");
    world_result(&w, 2, east, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w), STATUS_IN_PROGRESS);
    world_result(&w, 1, home, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w), STATUS_SUCCEEDED);
    assert_string_equal(world_action(&w, "xr", 1, 0)->summary, "1/1 instances");
    world_deinit(&w);
}

static void nothing_starts_without_a_revision(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    assert_null(world_view(&w, "xr"));
    world_source(&w, "xr", "Source", "");
    world_source(&w, "xr", "Other", "v1");
    world_source(&w, "other", "Source", "v1");
    assert_null(world_view(&w, "xr"));
    world_deinit(&w);
}

static void each_new_revision_starts_one_execution(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    world_source(&w, "xr", "Source", "v1");
    assert_int_equal(world_view(&w, "xr")->execution.trigger, TRIGGER_CREATE);
    struct id first = newest(&w);
    world_source(&w, "xr", "Source", "v1");
    assert_true(id_equal(&first, &world_view(&w, "xr")->execution.id));
    world_source(&w, "xr", "Source", "v2");
    assert_false(id_equal(&first, &world_view(&w, "xr")->execution.id));
    assert_int_equal(world_view(&w, "xr")->execution.trigger, TRIGGER_POLL);
    assert_string_equal(world_stored(&w, "source/xr/Source")->source.revision_id, "v2");
    world_deinit(&w);
}

static void equal_run_orders_run_together_and_greater_ones_follow(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-east-1>us-west-2");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_IN_PROGRESS);
    assert_int_equal(world_action(&w, "xr", 1, 1)->status, STATUS_PENDING);
    assert_null(world_job(&w, "xr", "w1"));
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_SUCCEEDED);
    assert_int_equal(world_action(&w, "xr", 1, 1)->status, STATUS_IN_PROGRESS);
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w), STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void a_failed_action_lets_the_running_ones_end_and_begins_no_more(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2,us-east-1>us-west-2 Next=us-west-2");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    world_finish(&w, "xr", "w1", 1, STATUS_FAILED);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_FAILED);
    assert_string_equal(world_action(&w, "xr", 1, 0)->error_code, "JobFailed");
    assert_string_equal(world_action(&w, "xr", 1, 0)->error_message,
                        "w1: Install Failed (ScriptFailed): exit code 1");
    assert_int_equal(status_of(&w), STATUS_IN_PROGRESS);
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w), STATUS_FAILED);
    assert_int_equal(world_action(&w, "xr", 1, 2)->status, STATUS_PENDING);
    assert_int_equal(world_view(&w, "xr")->execution.stages[1].status, STATUS_FAILED);
    assert_int_equal(world_view(&w, "xr")->execution.stages[2].status, STATUS_PENDING);
    world_deinit(&w);
}

static void a_stage_is_locked_and_only_the_newest_waits(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    struct id first = newest(&w);
    world_source(&w, "xr", "Source", "v2");
    struct id second = newest(&w);
    assert_int_equal(by_id(&w, second)->stages[1].status, STATUS_PENDING);
    assert_non_null(strstr(by_id(&w, second)->status_summary, "waits for execution"));
    world_source(&w, "xr", "Source", "v3");
    struct id third = newest(&w);
    assert_int_equal(by_id(&w, second)->status, STATUS_SUPERSEDED);
    assert_int_equal(by_id(&w, third)->status, STATUS_IN_PROGRESS);
    assert_int_equal(by_id(&w, first)->stages[1].status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void a_failure_frees_the_lock(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    world_source(&w, "xr", "Source", "v1");
    world_source(&w, "xr", "Source", "v1"); /* told twice: one execution */
    const struct job_state *job = world_job(&w, "xr", "w1");
    struct job first = world_job_of(job);
    world_source(&w, "xr", "Source", "v2");
    assert_null(world_job(&w, "xr", "w1"));
    world_result(&w, 1, &first, STATUS_FAILED);
    const struct job *offer = world_offer(&w, "w1");
    assert_non_null(offer);
    assert_string_equal(offer->input.version_id, "v2");
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w), STATUS_SUCCEEDED);
    assert_string_equal(world_view(&w, "xr")->execution.status_summary, "");
    world_deinit(&w);
}

static void an_execution_keeps_the_definition_it_began_with(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr One=us-west-2 Two=us-east-1");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    assert_int_equal(world_apply(&w, "xr One=us-west-2")->version, 2);
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "xr")->execution.stages[2].status, STATUS_IN_PROGRESS);
    world_restart(&w);
    world_connect(&w);
    assert_int_equal(world_view(&w, "xr")->execution.pipeline_version, 1);
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w), STATUS_SUCCEEDED);
    world_source(&w, "xr", "Source", "v2");
    assert_int_equal(world_view(&w, "xr")->execution.stage_count, 2);
    world_deinit(&w);
}

static void a_region_without_a_worker_says_so_and_fails_at_its_deadline(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2,ap-southeast-2");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    const char *text = "no worker is enrolled in region ap-southeast-2";
    assert_string_equal(world_action(&w, "xr", 1, 1)->summary, text);
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    world_sleep(&w, w.config.action_timeout_ms - 1);
    assert_int_equal(status_of(&w), STATUS_IN_PROGRESS);
    world_sleep(&w, 1);
    assert_int_equal(status_of(&w), STATUS_FAILED);
    assert_non_null(strstr(world_action(&w, "xr", 1, 1)->error_message, text));
    world_deinit(&w);
}

static void a_worker_that_joins_during_the_action_is_included(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    world_fleet(&w, "w1", "us-west-2", "w2", "us-west-2", (const char *)NULL);
    assert_string_equal(world_action(&w, "xr", 1, 0)->summary,
                        "0/2 instances; worker w2 is not connected since 2026-11-22T19:11:27Z");
    world_hello(&w, "w2", "us-west-2", 1, 3);
    assert_non_null(world_offer(&w, "w2"));
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    assert_string_equal(world_action(&w, "xr", 1, 0)->summary, "1/2 instances");
    world_finish(&w, "xr", "w2", 3, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w), STATUS_SUCCEEDED);
    assert_string_equal(world_job(&w, "xr", "w1")->deployment.text,
                        world_job(&w, "xr", "w2")->deployment.text);
    world_deinit(&w);
}

static void an_action_that_needs_too_many_jobs_fails_whole(void **state)
{
    (void)state;
    struct world w;
    static char names[1001][8];
    static struct enrolled_worker workers[1001];
    begin(&w, "xr One=us-west-2");
    for (size_t i = 0; i < 1001; i++) {
        names[i][0] = 'w';
        for (size_t d = 0, left = i; d < 4; d++, left /= 10)
            names[i][4 - d] = (char)('0' + left % 10);
        workers[i] = (struct enrolled_worker){ .name = names[i], .region = "us-west-2" };
    }
    world_step(
        &w, &(struct coordinator_event){ .type = COORDINATOR_FLEET, .fleet = { workers, 1001 } });
    world_source(&w, "xr", "Source", "v1");
    assert_int_equal(status_of(&w), STATUS_FAILED);
    assert_int_equal(world_view(&w, "xr")->job_count, 0);
    assert_string_equal(world_action(&w, "xr", 1, 0)->error_code, "ConfigurationError");
    world_deinit(&w);
}

static void an_action_ends_at_its_deadline_and_its_jobs_are_cancelled(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    world_source(&w, "xr", "Source", "v1");
    struct job job = world_job_of(world_job(&w, "xr", "w1"));
    struct row row = world_row(&job, ROW_RUNNING);
    for (uint64_t at = 0; at < w.config.action_timeout_ms; at += 4000) {
        world_heartbeat(&w, "w1", 1, 1, &row, 1);
        world_sleep(&w, 4000);
    }
    assert_int_equal(status_of(&w), STATUS_FAILED);
    assert_true(world_job(&w, "xr", "w1")->cancel);
    /* The host is still at work: the next deployment waits for it. */
    world_source(&w, "xr", "Source", "v2");
    world_heartbeat(&w, "w1", 1, 1, &row, 1);
    assert_non_null(strstr(world_job(&w, "xr", "w1")->cause, "waits for deployment d-"));
    assert_true(world_sleep_sent(&w, 600, "w1", MESSAGE_CANCEL));
    world_result(&w, 1, &job, STATUS_STOPPED);
    assert_non_null(world_sent(&w, "w1", MESSAGE_RESULT_ACK));
    assert_non_null(world_offer(&w, "w1"));
    assert_int_equal(status_of(&w), STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void ended_executions_leave_memory_and_stay_in_the_store(void **state)
{
    (void)state;
    struct world w;
    char revision[8] = "v0";
    struct id first = { "" };
    begin(&w, "xr Prod=us-west-2");
    for (int i = 0; i < 15; i++) {
        revision[1] = (char)('a' + i);
        world_source(&w, "xr", "Source", revision);
        if (i == 0) first = newest(&w);
        world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
        world_sleep(&w, 10);
        world_heartbeat(&w, "w1", 1, 1, NULL, 0);
    }
    assert_int_equal(world_stored_count(&w, "execution/xr/"), 15);
    struct execution_view view;
    struct error err;
    assert_false(coordinator_view_execution(w.c, "xr", first.text, &w.arena, &view, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    world_restart(&w);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    assert_string_equal(world_action(&w, "xr", 0, 0)->summary, "summary");
    assert_string_equal(world_action(&w, "xr", 1, 0)->summary, "1/1 instances");
    assert_false(coordinator_view_execution(w.c, "xr", first.text, &w.arena, &view, &err));
    world_deinit(&w);
}

static void without_a_setting_the_provider_says_how_long_an_action_may_take(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.config.action_timeout_ms = 0;
    world_restart(&w);
    world_connect(&w);
    world_apply(&w, "xr Prod=us-west-2");
    world_source(&w, "xr", "Source", "v1");
    const struct action_state *action = world_action(&w, "xr", 1, 0);
    assert_int_equal(action->deadline_ms - action->started_ms, UINT64_C(5) * 86400000);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_starts_without_a_revision),
        cmocka_unit_test(each_new_revision_starts_one_execution),
        cmocka_unit_test(a_region_without_a_worker_says_so_and_fails_at_its_deadline),
        cmocka_unit_test(a_failed_action_lets_the_running_ones_end_and_begins_no_more),
        cmocka_unit_test(a_failure_frees_the_lock),
        cmocka_unit_test(an_action_that_needs_too_many_jobs_fails_whole),
        cmocka_unit_test(an_action_ends_at_its_deadline_and_its_jobs_are_cancelled),
        cmocka_unit_test(a_revision_goes_through_two_regions_to_the_end),
        cmocka_unit_test(equal_run_orders_run_together_and_greater_ones_follow),
        cmocka_unit_test(a_stage_is_locked_and_only_the_newest_waits),
        cmocka_unit_test(an_execution_keeps_the_definition_it_began_with),
        cmocka_unit_test(a_worker_that_joins_during_the_action_is_included),
        cmocka_unit_test(without_a_setting_the_provider_says_how_long_an_action_may_take),
        cmocka_unit_test(ended_executions_leave_memory_and_stay_in_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
