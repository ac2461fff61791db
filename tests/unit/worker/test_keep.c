/* After a job's end its log goes to the store: beside the result, through restarts, never in the
 * way of either. And what a build leaves in its result. */
#include "fixture.h"

#include "core/keep.h"

static struct job *logged(struct fx *fx)
{
    struct job *job = fx_job(fx, "job-1", 1, 1, 1);
    job->log = (struct artifact_ref){ .store = "s", .key = "logs/1", .version_id = "", .etag = "" };
    return job;
}

/* The job has failed at its first step; returns the number of the step that keeps the log. */
static uint32_t end_early(struct fx *fx, const struct job *job)
{
    fx_offer(fx, job);
    fx_ended(fx, job, 0, 1, STATUS_FAILED);
    return (uint32_t)fx_disk_row(fx, job)->event_count;
}

FX_TEST(a_job_that_names_no_place_keeps_no_log)
{
    struct job *job = fx_job(fx, "job-1", 1, 1, 1);
    end_early(fx, job);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    fx_result_ack(fx, job);
    assert_null(fx_disk_row(fx, job));
}

FX_TEST(the_result_is_sent_while_the_log_is_kept)
{
    struct job *job = logged(fx);
    uint32_t step = end_early(fx, job);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 1);
    fx_assert_started(fx, job, step, 1);
    const struct step_spec *spec = &fx_action(fx, WORKER_STEP_START_ACTION)->step.spec;
    assert_int_equal(spec->kind, STEP_KEEP_LOG);
    assert_int_equal(spec->event, EVENT_KEEP_LOG);
    assert_int_equal(spec->run, 1);
    assert_string_equal(spec->root_dir, "/var/lib/app");
    assert_int_equal(spec->revisions_max, 5);
    assert_string_equal(spec->job.log.key, "logs/1");
    fx_tick(fx, 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_ADOPT_ACTION), 0);
    assert_int_equal(fx_disk_row(fx, job)->row.state, ROW_ENDED);
    fx_result_ack(fx, job);
    assert_non_null(fx_disk_row(fx, job)); /* its folder is still needed */
    fx_tick(fx, 60000);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 0);
    fx_ended(fx, job, step, 1, STATUS_SUCCEEDED);
    assert_null(fx_disk_row(fx, job));
    assert_int_equal(fx_count(fx, WORKER_FORGET_ACTION), 1);
}

FX_TEST(a_log_that_cannot_be_kept_changes_nothing)
{
    struct job *job = logged(fx);
    uint32_t step = end_early(fx, job);
    fx_ended(fx, job, step, 1, STATUS_FAILED);
    assert_int_equal(fx_disk_row(fx, job)->result.status, STATUS_FAILED);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    fx_result_ack(fx, job);
    assert_null(fx_disk_row(fx, job));
}

FX_TEST(keeping_is_tried_three_times_when_it_is_interrupted)
{
    struct job *job = logged(fx);
    uint32_t step = end_early(fx, job);
    fx_lost(fx, job, step, 1, true);
    fx_assert_started(fx, job, step, 2);
    fx_lost(fx, job, step, 2, false);
    fx_assert_started(fx, job, step, 3);
    fx_lost(fx, job, step, 3, true);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    fx_drop(fx, job);
    assert_null(fx_disk_row(fx, job));
}

FX_TEST(a_restarted_worker_finds_the_step_again)
{
    struct job *job = logged(fx);
    uint32_t step = end_early(fx, job);
    fx_result_ack(fx, job);
    fx_restart(fx);
    assert_int_equal(fx_count(fx, WORKER_STEP_ADOPT_ACTION), 1);
    assert_int_equal(fx_action(fx, WORKER_STEP_ADOPT_ACTION)->step.ref.step, step);
    fx_connect(fx);
    fx_welcome(fx, 1);
    fx_drop(fx, job);
    assert_non_null(fx_disk_row(fx, job));
    fx_ended(fx, job, step, 1, STATUS_SUCCEEDED);
    assert_null(fx_disk_row(fx, job));
}

FX_TEST(the_next_deployment_does_not_wait_for_the_log)
{
    struct job *job = logged(fx), *next = fx_job(fx, "job-2", 1, 1, 2);
    end_early(fx, job);
    fx_offer(fx, next);
    fx_assert_started(fx, next, 0, 1);
}

/* ---- builds ---- */

static struct job *build(struct fx *fx)
{
    struct job *job = fx_job(fx, "job-b", 1, 1, 1);
    job->kind = JOB_BUILD;
    job->target = "build:shop/Make";
    fx_offer(fx, job);
    fx_lease(fx, job, fx->boot_ms, 1);
    fx_assert_started(fx, job, 0, 1);
    return job;
}

static void build_ended(struct fx *fx, const struct job *job, enum status status)
{
    static const struct job_artifact made = { "Built",
                                              { "s", "k", "v1", "", 7, { 1 }, false },
                                              { "", "", 0 } };
    const struct lifecycle_report phases[] = {
        { EVENT_PHASE_SOURCE, STATUS_SUCCEEDED, 1, 2 },
        { EVENT_PHASE_BUILD, status, 3, 4 },
        { EVENT_PHASE_POST_BUILD, STATUS_SUCCEEDED, 5, 6 },
    };
    struct worker_event event = { .type = WORKER_STEP_ENDED };
    event.ended.step = fx_ref(job, 0, 1);
    event.ended.outcome =
        (struct step_outcome){ .status = status,
                               .diagnostics = { .script = "", .message = "", .log_tail = "" },
                               .version_id = "",
                               .phases = phases,
                               .phase_count = 3,
                               .outputs = &made,
                               .output_count = status == STATUS_SUCCEEDED ? 1 : 0 };
    fx_turn(fx, &event);
}

FX_TEST(the_result_of_a_build_tells_its_phases_and_outputs)
{
    struct job *job = build(fx);
    build_ended(fx, job, STATUS_SUCCEEDED);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 1);
    const struct result *result = &fx_said(fx, MESSAGE_RESULT)->result;
    assert_int_equal(result->status, STATUS_SUCCEEDED);
    assert_int_equal(result->event_count, 4);
    assert_int_equal(result->events[0].event, EVENT_BUILD);
    assert_int_equal(result->events[2].event, EVENT_PHASE_BUILD);
    assert_int_equal(result->output_count, 1);
    assert_string_equal(result->outputs[0].ref.version_id, "v1");
    fx_restart(fx); /* the row keeps it */
    assert_int_equal(fx_disk_row(fx, job)->result.output_count, 1);
}

FX_TEST(a_failed_build_names_the_phase)
{
    struct job *job = build(fx);
    build_ended(fx, job, STATUS_FAILED);
    const struct result *result = &fx_said(fx, MESSAGE_RESULT)->result;
    assert_int_equal(result->status, STATUS_FAILED);
    assert_int_equal(result->failed_event, EVENT_PHASE_BUILD);
    assert_int_equal(result->output_count, 0);
}

FX_TEST(an_interrupted_build_is_run_again)
{
    struct job *job = build(fx);
    fx_lost(fx, job, 0, 1, true);
    fx_assert_started(fx, job, 0, 2);
}

FX_TEST(a_build_without_its_lease_ends_as_unknown)
{
    struct job *job = build(fx);
    build_ended(fx, job, STATUS_UNKNOWN);
    assert_int_equal(fx_said(fx, MESSAGE_RESULT)->result.status, STATUS_UNKNOWN);
}

FX_TEST(the_log_of_a_job_that_waited_is_kept_at_once_when_it_is_stopped)
{
    struct job *first = fx_job(fx, "job-0", 1, 1, 1), *job = logged(fx);
    job->fence.seq = 2;
    fx_offer(fx, first);
    fx_offer(fx, job);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    fx_cancel(fx, job, 1);
    fx_assert_started(fx, job, (uint32_t)fx_disk_row(fx, job)->event_count, 1);
    assert_int_equal(fx_action(fx, WORKER_STEP_START_ACTION)->step.spec.kind, STEP_KEEP_LOG);
}

FX_TEST(a_build_that_fails_in_its_first_phase_names_it)
{
    struct job *job = build(fx);
    struct lifecycle_report phases[WIRE_EVENTS_MAX];
    for (size_t i = 0; i < WIRE_EVENTS_MAX; i++)
        phases[i] = (struct lifecycle_report){ EVENT_PHASE_SOURCE, STATUS_FAILED, 1, 2 };
    struct worker_event event = { .type = WORKER_STEP_ENDED };
    event.ended.step = fx_ref(job, 0, 1);
    event.ended.outcome = (struct step_outcome){ .status = STATUS_FAILED,
                                                 .phases = phases,
                                                 .phase_count = WIRE_EVENTS_MAX };
    fx_turn(fx, &event);
    const struct result *result = &fx_said(fx, MESSAGE_RESULT)->result;
    assert_int_equal(result->failed_event, EVENT_PHASE_SOURCE);
    assert_int_equal(result->event_count, WIRE_EVENTS_MAX); /* the build and as many as fit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_names_no_place_keeps_no_log),
        cmocka_unit_test(the_result_is_sent_while_the_log_is_kept),
        cmocka_unit_test(a_log_that_cannot_be_kept_changes_nothing),
        cmocka_unit_test(keeping_is_tried_three_times_when_it_is_interrupted),
        cmocka_unit_test(a_restarted_worker_finds_the_step_again),
        cmocka_unit_test(the_next_deployment_does_not_wait_for_the_log),
        cmocka_unit_test(the_result_of_a_build_tells_its_phases_and_outputs),
        cmocka_unit_test(a_failed_build_names_the_phase),
        cmocka_unit_test(an_interrupted_build_is_run_again),
        cmocka_unit_test(a_build_without_its_lease_ends_as_unknown),
        cmocka_unit_test(the_log_of_a_job_that_waited_is_kept_at_once_when_it_is_stopped),
        cmocka_unit_test(a_build_that_fails_in_its_first_phase_names_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
