#include "fixture.h"

#include <stdio.h>
#include <string.h>

static void begin(struct world *w)
{
    world_init(w);
    world_connect(w);
    assert_int_equal(world_apply(w, "xr Prod=us-west-2")->failure.code, ERR_NONE);
}

static const struct request run = { .token = 5, .kind = REQUEST_RUN, .run = { { "" }, "xr", "" } };

static void roles_are_kept_apart(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    struct request apply = { .kind = REQUEST_APPLY };
    apply.apply.file = "f";
    apply.apply.text = bytes_of_text("xr Prod=us-east-1");
    struct request stop = { .kind = REQUEST_STOP };
    stop.stop = (struct stop_request){ .pipeline = "xr", .execution = "", .reason = "" };
    const struct {
        enum client_role role;
        bool apply, run;
    } cases[] = { { ROLE_VIEWER, false, false },
                  { ROLE_APPROVER, false, false },
                  { ROLE_DEPLOYER, false, true },
                  { ROLE_ADMIN, true, true } };
    for (size_t i = 0; i < 4; i++) {
        bool denied = world_request(&w, &apply, cases[i].role)->failure.code == ERR_DENIED;
        assert_int_equal(denied, !cases[i].apply);
        denied = world_request(&w, &run, cases[i].role)->failure.code == ERR_DENIED;
        assert_int_equal(denied, !cases[i].run);
        const struct reply *reply = world_request(&w, &stop, cases[i].role);
        assert_int_equal(reply->failure.code == ERR_DENIED, !cases[i].run);
        if (denied) assert_true(strlen(reply->failure.fix) > 0);
    }
    world_deinit(&w);
}

static void a_wrong_definition_changes_nothing_and_lists_its_problems(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    const struct reply *reply = world_apply(&w, "xr Prod=eu-west-1");
    assert_int_equal(reply->failure.code, ERR_INVALID);
    assert_int_equal(reply->problem_count, 1);
    assert_string_equal(reply->problems[0].path, "pipeline.stages[1].actions[0].region");
    assert_string_equal(reply->failure.cause, "1 problem");
    assert_int_equal(coordinator_view_definition(w.c, "xr")->version, 1);
    assert_int_equal(world_stored_count(&w, "definition/"), 1);
    world_deinit(&w);
}

static void what_did_not_parse_is_answered_with_the_parsers_problems(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct request apply = { .token = 3, .kind = REQUEST_APPLY };
    const struct problem problem = { 7, 2, "pipeline", "no key 'stages'" };
    struct coordinator_event event = { .type = COORDINATOR_REQUEST };
    apply.apply.file = "f";
    event.request.client = "tess";
    event.request.role = ROLE_ADMIN;
    event.request.request = &apply;
    event.request.problems = &problem;
    event.request.problem_count = 1;
    world_step(&w, &event);
    assert_int_equal(w.out.count, 1);
    const struct reply *reply = &w.out.at[0].reply.reply;
    assert_int_equal(reply->token, 3);
    assert_int_equal(reply->failure.code, ERR_INVALID);
    assert_int_equal(reply->problem_count, 1);
    assert_int_equal(reply->problems[0].line, 7);
    world_deinit(&w);
}

static void apply_counts_versions_and_knows_equal_text(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_tell(&w, __func__);
    const struct reply *reply = world_apply(&w, "xr Prod=us-west-2");
    assert_int_equal(reply->version, 1);
    assert_true(reply->changed);
    assert_string_equal(reply->name, "xr");
    reply = world_apply(&w, "xr Prod=us-west-2");
    assert_int_equal(reply->version, 1);
    assert_false(reply->changed);
    reply = world_apply(&w, "xr Prod=us-east-1");
    assert_int_equal(reply->version, 2);
    assert_true(reply->changed);
    assert_string_equal(coordinator_view_definition(w.c, "xr")->updated_by, "tess");
    assert_int_equal(world_stored_count(&w, "definition/xr/"), 2);
    world_restart(&w);
    assert_int_equal(coordinator_view_definition(w.c, "xr")->version, 2);
    assert_false(world_apply(&w, "xr Prod=us-east-1")->changed);
    world_deinit(&w);
}

static void a_dry_run_tells_and_changes_nothing(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    struct request apply = { .kind = REQUEST_APPLY };
    apply.apply.file = "f";
    apply.apply.text = bytes_of_text("xr Prod=us-west-2");
    apply.apply.dry_run = true;
    const struct reply *reply = world_request(&w, &apply, ROLE_ADMIN);
    assert_int_equal(reply->failure.code, ERR_NONE);
    assert_true(reply->changed);
    assert_int_equal(w.out.count, 1);
    assert_null(coordinator_view_definition(w.c, "xr"));
    world_deinit(&w);
}

static void a_run_needs_a_pipeline_and_a_revision(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    assert_int_equal(world_run(&w, "nobody", "s1", "")->failure.code, ERR_NOT_FOUND);
    struct coordinator_event event = { .type = COORDINATOR_REQUEST };
    event.request.client = "tess";
    event.request.role = ROLE_DEPLOYER;
    event.request.request = &run;
    world_step(&w, &event);
    assert_int_equal(w.out.at[0].reply.reply.failure.code, ERR_NOT_FOUND);
    event.request.failure = (struct failure){ ERR_RETRY, "what", "the store is away", "wait" };
    world_step(&w, &event);
    assert_int_equal(w.out.at[0].reply.reply.failure.code, ERR_RETRY);
    assert_string_equal(w.out.at[0].reply.reply.failure.cause, "the store is away");
    assert_null(world_view(&w, "xr"));
    world_deinit(&w);
}

static void one_submission_is_one_execution_and_one_answer(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    struct id first = world_run(&w, "xr", "s1", "v1")->execution;
    assert_false(id_empty(&first));
    assert_int_equal(world_view(&w, "xr")->execution.trigger, TRIGGER_START);
    struct id again = world_run(&w, "xr", "s1", "v1")->execution;
    assert_true(id_equal(&first, &again));
    world_restart(&w);
    again = world_run(&w, "xr", "s1", "v1")->execution;
    assert_true(id_equal(&first, &again));
    assert_int_equal(world_stored_count(&w, "execution/"), 1);
    struct id other = world_run(&w, "xr", "s2", "v1")->execution;
    assert_false(id_equal(&first, &other));
    /* Forgotten after a day. */
    w.now_ms += 86400000;
    w.boot_ms += 86400000;
    world_tick(&w);
    w.now_ms++;
    world_run(&w, "xr", "s3", "v1");
    assert_int_equal(world_stored_count(&w, "submission/tess/"), 1);
    world_deinit(&w);
}

static void polling_does_not_repeat_a_run_of_the_newest_revision(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct id first = world_run(&w, "xr", "", "")->execution; /* v1, the newest */
    world_source(&w, "xr", "Source", "v1");
    assert_true(id_equal(&first, &world_view(&w, "xr")->execution.id));
    /* An older one does not count as seen: what was newest stays so. */
    struct id second = world_run(&w, "xr", "", "v0")->execution;
    world_source(&w, "xr", "Source", "v1");
    assert_true(id_equal(&second, &world_view(&w, "xr")->execution.id));
    /* The run was faster than the poll: the poll's older word starts nothing. */
    w.head = "v2";
    struct id third = world_run(&w, "xr", "", "")->execution;
    world_stop(&w, "", true);
    world_apply(&w, "xr Prod=us-east-1");
    assert_true(id_equal(&third, &world_view(&w, "xr")->execution.id));
    world_source(&w, "xr", "Source", "v2");
    assert_true(id_equal(&third, &world_view(&w, "xr")->execution.id));
    world_deinit(&w);
}

static void superseding_keeps_the_live_executions_few(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    for (int i = 0; i < 8; i++)
        assert_int_equal(world_run(&w, "xr", "", "v1")->failure.code, ERR_NONE);
    struct record all[8];
    size_t live = 0, count = world_stored_all(&w, "execution/", all);
    assert_int_equal(count, 8);
    for (size_t i = 0; i < count; i++) live += !status_ended(all[i].execution.status);
    assert_int_equal(live, 2); /* one in the stage, one at its door */
    world_deinit(&w);
}

static void stop_waits_for_what_runs_and_begins_nothing_more(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_tell(&w, __func__);
    world_connect(&w);
    world_apply(&w, "xr Prod=us-west-2>us-west-2");
    struct id id = world_run(&w, "xr", "", "v1")->execution;
    const struct reply *reply = world_stop(&w, "", false);
    assert_int_equal(reply->failure.code, ERR_NONE);
    assert_true(id_equal(&reply->execution, &id));
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_STOPPING);
    assert_int_equal(world_view(&w, "xr")->execution.stages[1].status, STATUS_STOPPING);
    world_restart(&w);
    world_connect(&w);
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    const struct execution *e = &world_view(&w, "xr")->execution;
    assert_int_equal(e->status, STATUS_STOPPED);
    assert_int_equal(e->stages[1].status, STATUS_STOPPED);
    assert_int_equal(e->stages[1].actions[0].status, STATUS_SUCCEEDED);
    assert_int_equal(e->stages[1].actions[1].status, STATUS_PENDING);
    assert_string_equal(e->status_summary, "stopped by tess: a test");
    assert_int_equal(world_stop(&w, "", false)->failure.code, ERR_CONFLICT);
    assert_int_equal(world_stop(&w, "ffff", false)->failure.code, ERR_NOT_FOUND);
    world_deinit(&w);
}

static void abandon_cancels_what_runs_and_names_who_is_still_busy(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_tell(&w, __func__);
    world_fleet(&w, "w1", "us-west-2", "w2", "us-west-2", (const char *)NULL);
    world_hello(&w, "w1", "us-west-2", 1, 1);
    world_apply(&w, "xr Prod=us-west-2");
    world_run(&w, "xr", "", "v1");
    struct job job = world_job_of(world_job(&w, "xr", "w1"));
    world_accept(&w, 1, &job);
    world_stop(&w, "", false);
    const struct reply *reply = world_stop(&w, "", true);
    assert_int_equal(reply->failure.code, ERR_NONE);
    const struct coordinator_action *cancel = world_sent(&w, "w1", MESSAGE_CANCEL);
    assert_non_null(cancel);
    assert_true(id_equal(&cancel->send.cancel->key.job, &job.id));
    assert_string_equal(cancel->send.cancel->target, "deploy:app/prod");
    assert_int_equal(cancel->send.cancel->epoch, 1);
    assert_int_equal(world_job(&w, "xr", "w2")->status, STATUS_STOPPED); /* never assigned */
    assert_string_equal(world_action(&w, "xr", 1, 0)->summary,
                        "0/2 instances; w1 is still at work");
    assert_true(world_sleep_sent(&w, 600, "w1", MESSAGE_CANCEL));
    struct message ack = { .type = MESSAGE_CANCEL_ACK };
    ack.cancel_ack = (struct job_key){ job.id, job.attempt, job.fence };
    world_message(&w, "w1", 1, &ack);
    world_sleep(&w, 500);
    assert_false(world_sleep_sent(&w, 3000, "w1", MESSAGE_CANCEL));
    world_result(&w, 1, &job, STATUS_STOPPED);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_ABANDONED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_STOPPED);
    world_deinit(&w);
}

static void a_stop_is_asked_for_once_of_each_kind(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    struct id id = world_run(&w, "xr", "", "v1")->execution;
    struct request stop = { .kind = REQUEST_STOP };
    stop.stop = (struct stop_request){
        .submission = { "3" }, .pipeline = "xr", .execution = "", .reason = ""
    };
    assert_int_equal(world_request(&w, &stop, ROLE_DEPLOYER)->failure.code, ERR_NONE);
    /* The answer was lost, and the same is sent again. */
    assert_true(id_equal(&world_request(&w, &stop, ROLE_DEPLOYER)->execution, &id));
    world_restart(&w);
    assert_int_equal(world_request(&w, &stop, ROLE_DEPLOYER)->failure.code, ERR_NONE);
    const struct failure *failure = &world_stop(&w, "", false)->failure;
    assert_int_equal(failure->code, ERR_CONFLICT);
    assert_non_null(strstr(failure->cause, "DuplicatedStopRequestException"));
    assert_non_null(strstr(failure->fix, "--abandon"));
    assert_int_equal(world_stop(&w, "", true)->failure.code, ERR_NONE);
    for (int abandon = 0; abandon < 2; abandon++) {
        failure = &world_stop(&w, "", abandon)->failure;
        assert_int_equal(failure->code, ERR_CONFLICT);
        assert_non_null(strstr(failure->fix, "still busy"));
    }
    assert_true(world_view(&w, "xr")->execution.stop_abandon);
    world_deinit(&w);
}

static void a_cancel_survives_a_restart(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    world_run(&w, "xr", "", "v1");
    struct job job = world_job_of(world_job(&w, "xr", "w1"));
    world_stop(&w, "", true);
    world_restart(&w);
    world_hello(&w, "w1", "us-west-2", 1, 1);
    assert_non_null(world_sent(&w, "w1", MESSAGE_CANCEL));
    assert_null(world_sent(&w, "w1", MESSAGE_OFFER));
    world_nack(&w, 1, &job, NACK_STALE); /* an old offer that came after the cancel */
    assert_int_equal(world_job(&w, "xr", "w1")->status, STATUS_STOPPED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_STOPPED);
    world_deinit(&w);
}

static void an_execution_between_stages_stops_at_once(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_run(&w, "xr", "", "v1");
    struct id second = world_run(&w, "xr", "", "v2")->execution;
    char prefix[9];
    snprintf(prefix, sizeof prefix, "%.8s", second.text);
    assert_int_equal(world_stop(&w, prefix, false)->failure.code, ERR_NONE);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_STOPPED);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_are_kept_apart),
        cmocka_unit_test(a_wrong_definition_changes_nothing_and_lists_its_problems),
        cmocka_unit_test(what_did_not_parse_is_answered_with_the_parsers_problems),
        cmocka_unit_test(a_run_needs_a_pipeline_and_a_revision),
        cmocka_unit_test(apply_counts_versions_and_knows_equal_text),
        cmocka_unit_test(a_dry_run_tells_and_changes_nothing),
        cmocka_unit_test(one_submission_is_one_execution_and_one_answer),
        cmocka_unit_test(polling_does_not_repeat_a_run_of_the_newest_revision),
        cmocka_unit_test(superseding_keeps_the_live_executions_few),
        cmocka_unit_test(stop_waits_for_what_runs_and_begins_nothing_more),
        cmocka_unit_test(abandon_cancels_what_runs_and_names_who_is_still_busy),
        cmocka_unit_test(a_stop_is_asked_for_once_of_each_kind),
        cmocka_unit_test(a_cancel_survives_a_restart),
        cmocka_unit_test(an_execution_between_stages_stops_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
