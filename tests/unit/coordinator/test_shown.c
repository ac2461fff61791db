/* What people are shown of an execution: times, words, diagnostics; and that a restart keeps it. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static void begin(struct world *w, const char *definition)
{
    world_init(w);
    world_connect(w);
    assert_int_equal(world_apply(w, definition)->failure.code, ERR_NONE);
}

static void every_part_of_an_execution_has_its_times(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr One=us-west-2 Two=us-west-2");
    uint64_t began = w.now_ms;
    world_source(&w, "xr", "Source", "v1");
    struct job job = world_job_of(world_job(&w, "xr", "w1"));
    world_accept(&w, 1, &job);
    world_sleep(&w, 3000);
    uint64_t turned = w.now_ms;
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    world_sleep(&w, 2000);
    uint64_t ended = w.now_ms;
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    for (int life = 0; life < 2; life++) {
        const struct execution *e = &world_view(&w, "xr")->execution;
        assert_int_equal(e->started_ms, began);
        assert_int_equal(e->ended_ms, ended);
        assert_int_equal(e->updated_ms, ended);
        assert_int_equal(e->stages[0].started_ms, began);
        assert_int_equal(e->stages[0].ended_ms, began);
        assert_int_equal(e->stages[0].actions[0].started_ms, began);
        assert_int_equal(e->stages[1].started_ms, began);
        assert_int_equal(e->stages[1].ended_ms, turned);
        assert_int_equal(e->stages[1].actions[0].started_ms, began);
        assert_int_equal(e->stages[1].actions[0].ended_ms, turned);
        assert_int_equal(e->stages[2].started_ms, turned);
        assert_int_equal(e->stages[2].ended_ms, ended);
        assert_int_equal(e->stages[2].actions[0].ended_ms, ended);
        const struct execution_view *view = world_view(&w, "xr");
        assert_int_equal(view->job_count, 2);
        assert_int_equal(view->jobs[0].created_ms, began);
        assert_int_equal(view->jobs[0].ended_ms, turned);
        world_restart(&w);
    }
    world_deinit(&w);
}

static void a_failed_job_shows_what_its_host_said(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr One=us-west-2");
    world_source(&w, "xr", "Source", "v1");
    struct job job = world_job_of(world_job(&w, "xr", "w1"));
    world_accept(&w, 1, &job);
    struct lifecycle_report reports[] = {
        { EVENT_INSTALL, STATUS_SUCCEEDED, w.now_ms, w.now_ms },
        { EVENT_AFTER_INSTALL, STATUS_FAILED, w.now_ms, w.now_ms },
    };
    struct message message = { .type = MESSAGE_RESULT };
    message.result = (struct result){ .job = job.id,
                                      .attempt = job.attempt,
                                      .fence = job.fence,
                                      .status = STATUS_FAILED,
                                      .events = reports,
                                      .event_count = 2,
                                      .failed_event = EVENT_AFTER_INSTALL,
                                      .diagnostics = { .code = LIFECYCLE_SCRIPT_FAILED,
                                                       .script = "scripts/migrate",
                                                       .message = "exit code 7",
                                                       .log_tail = "no such table" },
                                      .version_id = "",
                                      .ended_ms = w.now_ms };
    world_message(&w, "w1", 1, &message);
    for (int life = 0; life < 2; life++) {
        const struct job_state *shown = world_job(&w, "xr", "w1");
        assert_int_equal(shown->status, STATUS_FAILED);
        assert_int_equal(shown->failed_event, EVENT_AFTER_INSTALL);
        assert_int_equal(shown->diagnostics.code, LIFECYCLE_SCRIPT_FAILED);
        assert_string_equal(shown->diagnostics.script, "scripts/migrate");
        assert_string_equal(shown->diagnostics.message, "exit code 7");
        assert_string_equal(shown->diagnostics.log_tail, "no such table");
        const struct action_state *action = world_action(&w, "xr", 1, 0);
        assert_int_equal(action->status, STATUS_FAILED);
        assert_string_equal(action->error_code, "JobFailed");
        assert_non_null(strstr(action->error_message, "w1"));
        world_restart(&w);
    }
    world_deinit(&w);
}

static void the_revision_of_an_execution_survives_a_restart_whole(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr One=us-west-2,us-east-1");
    world_source(&w, "xr", "Source", "v1");
    for (int life = 0; life < 2; life++) {
        const struct execution *e = &world_view(&w, "xr")->execution;
        assert_int_equal(e->revision_count, 1);
        const struct revision *r = &e->revisions[0];
        assert_string_equal(r->action, "Source");
        assert_string_equal(r->artifact, "App");
        assert_string_equal(r->revision_id, "v1");
        assert_string_equal(r->summary, "summary");
        assert_string_equal(r->ref.store, "src");
        assert_string_equal(r->ref.key, "app.zip");
        assert_string_equal(r->ref.version_id, "v1");
        assert_int_equal(r->ref.size, 9);
        assert_int_equal(r->ref.sha256[0], '1');
        assert_int_equal(e->copy_count, 2);
        assert_string_equal(e->copies[0].artifact, "App");
        assert_string_equal(e->copies[0].region, "us-west-2");
        assert_string_equal(e->copies[1].region, "us-east-1");
        world_restart(&w);
    }
    world_deinit(&w);
}

static void the_hundred_and_first_live_execution_is_refused_and_a_revision_waits(void **state)
{
    (void)state;
    struct world w;
    char token[16];
    begin(&w, "xr:PARALLEL One=us-west-2");
    for (int i = 0; i < 100; i++) {
        snprintf(token, sizeof token, "s-%03d", i);
        assert_int_equal(world_run(&w, "xr", token, "")->failure.code, ERR_NONE);
    }
    const struct reply *reply = world_run(&w, "xr", "s-one-more", "");
    assert_int_equal(reply->failure.code, ERR_CONFLICT);
    assert_non_null(strstr(reply->failure.cause, "100 executions"));
    assert_int_equal(world_stored_count(&w, "execution/xr/"), 100);
    world_source(&w, "xr", "Source", "v9");
    assert_int_equal(world_stored_count(&w, "execution/xr/"), 100);
    /* One ends: the revision that waited starts. */
    struct id first = world_view(&w, "xr")->execution.id;
    assert_int_equal(world_stop(&w, first.text, true)->failure.code, ERR_NONE);
    world_sleep(&w, 60000);
    assert_int_equal(world_stored_count(&w, "execution/xr/"), 101);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_an_execution_has_its_times),
        cmocka_unit_test(a_failed_job_shows_what_its_host_said),
        cmocka_unit_test(the_revision_of_an_execution_survives_a_restart_whole),
        cmocka_unit_test(the_hundred_and_first_live_execution_is_refused_and_a_revision_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
