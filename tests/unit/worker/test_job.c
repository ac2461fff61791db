#include "core/describe.h"
#include "core/job.h"
#include "fixture.h"

static const struct result *result_of(struct fx *fx, const struct job *job)
{
    const struct row_record *row = fx_disk_row(fx, job);
    assert_non_null(row);
    assert_int_equal(row->row.state, ROW_ENDED);
    return &row->result;
}

static void run_steps(struct fx *fx, const struct job *job, uint32_t from, uint32_t to)
{
    for (uint32_t k = from; k < to; k++) {
        fx_assert_started(fx, job, k, 1);
        fx_ended(fx, job, k, 1, STATUS_SUCCEEDED);
    }
}

FX_TEST(a_deployment_runs_its_seven_steps_and_remembers_the_success)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_STARTED);
    const struct step_spec *spec = &fx_action(fx, WORKER_STEP_START_ACTION)->step.spec;
    assert_int_equal(spec->kind, STEP_HOOK);
    assert_int_equal(spec->event, EVENT_APPLICATION_STOP);
    assert_string_equal(spec->last_successful.text, "");
    assert_string_equal(spec->root_dir, "/var/lib/app");
    assert_string_equal(spec->job.application, "app");
    assert_false(spec->run_root_scripts_from_current);
    run_steps(fx, job, 0, 7);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 1);
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->status, STATUS_SUCCEEDED);
    assert_int_equal(result->event_count, 7);
    for (size_t i = 0; i < 7; i++) assert_int_equal(result->events[i].status, STATUS_SUCCEEDED);
    assert_string_equal(fx_disk_target(fx, "deploy:app/group")->last_successful.text,
                        "d-111111111");
    struct job *next = fx_job(fx, "j2", 1, 1, 2);
    fx_offer(fx, next);
    spec = &fx_action(fx, WORKER_STEP_START_ACTION)->step.spec;
    assert_string_equal(spec->last_successful.text, "d-111111111");
}

static void ended_with_idle(struct fx *fx, const struct job *job, uint32_t step, uint64_t idle)
{
    struct worker_event event = { .type = WORKER_STEP_ENDED };
    event.ended.step = fx_ref(job, step, 1);
    event.ended.outcome =
        (struct step_outcome){ .status = STATUS_SUCCEEDED,
                               .diagnostics = { .script = "", .message = "", .log_tail = "" },
                               .version_id = "",
                               .idle_events = idle };
    fx_turn(fx, &event);
}

static const uint64_t after_install = UINT64_C(1) << EVENT_AFTER_INSTALL |
                                      UINT64_C(1) << EVENT_APPLICATION_START |
                                      UINT64_C(1) << EVENT_VALIDATE_SERVICE;

FX_TEST(an_event_whose_scripts_are_not_known_is_started)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    ended_with_idle(fx, job, 0, UINT64_MAX);
    fx_assert_started(fx, job, 1, 1); /* DownloadBundle is never passed over */
    ended_with_idle(fx, job, 1, after_install);
    fx_assert_started(fx, job, 2, 1);
    ended_with_idle(fx, job, 2, after_install);
    fx_assert_started(fx, job, 3, 1);
    ended_with_idle(fx, job, 3, 0); /* a script has changed the appspec */
    fx_assert_started(fx, job, 4, 1);
}

FX_TEST(events_that_run_nothing_are_passed_over_and_have_succeeded)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    ended_with_idle(fx, job, 0, 0);
    ended_with_idle(fx, job, 1, after_install | UINT64_C(1) << EVENT_BEFORE_INSTALL);
    fx_assert_started(fx, job, 3, 1); /* Install, at once */
    assert_int_equal(fx_disk_row(fx, job)->events[2].status, STATUS_SUCCEEDED);
    assert_int_equal(fx_disk_row(fx, job)->events[2].started_ms, fx->now_ms);
    assert_int_equal(fx_disk_row(fx, job)->events[2].ended_ms, fx->now_ms);
    assert_int_equal(fx_sent(fx, MESSAGE_PROGRESS), 3); /* ended, passed over, started */
    fx_restart(fx);
    ended_with_idle(fx, job, 3, after_install);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->status, STATUS_SUCCEEDED);
    for (size_t i = 0; i < 7; i++) assert_int_equal(result->events[i].status, STATUS_SUCCEEDED);
    assert_string_equal(fx_disk_target(fx, "deploy:app/group")->last_successful.text,
                        "d-111111111");
}

FX_TEST(the_first_failure_ends_the_job_and_skips_the_rest)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 2);
    fx_ended(fx, job, 2, 1, STATUS_FAILED);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->status, STATUS_FAILED);
    assert_int_equal(result->failed_event, EVENT_BEFORE_INSTALL);
    assert_int_equal(result->diagnostics.code, LIFECYCLE_SCRIPT_FAILED);
    assert_string_equal(result->diagnostics.message, "said by the step");
    assert_int_equal(result->events[1].status, STATUS_SUCCEEDED);
    assert_int_equal(result->events[2].status, STATUS_FAILED);
    assert_int_equal(result->events[3].status, STATUS_SKIPPED);
    assert_string_equal(fx_disk_target(fx, "deploy:app/group")->last_successful.text, "");
}

FX_TEST(a_failing_application_stop_fails_the_job_unless_it_is_ignored)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_ended(fx, job, 0, 1, STATUS_FAILED);
    assert_int_equal(result_of(fx, job)->status, STATUS_FAILED);
    struct job *lenient = fx_job(fx, "j2", 1, 1, 2);
    lenient->ignore_application_stop_failures = true;
    fx_offer(fx, lenient);
    fx_ended(fx, lenient, 0, 1, STATUS_FAILED);
    run_steps(fx, lenient, 1, 7);
    const struct result *result = result_of(fx, lenient);
    assert_int_equal(result->status, STATUS_SUCCEEDED);
    assert_int_equal(result->events[0].status, STATUS_FAILED);
}

FX_TEST(only_application_stops_failure_may_be_ignored)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->ignore_application_stop_failures = true;
    fx_offer(fx, job);
    run_steps(fx, job, 0, 1);
    fx_ended(fx, job, 1, 1, STATUS_FAILED);
    assert_int_equal(result_of(fx, job)->status, STATUS_FAILED);
}

FX_TEST(outcomes_of_another_step_run_or_attempt_are_ignored)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_ended(fx, job, 1, 1, STATUS_FAILED);
    fx_ended(fx, job, 0, 2, STATUS_FAILED);
    struct job other = *job;
    other.attempt = 2;
    fx_ended(fx, &other, 0, 1, STATUS_FAILED);
    assert_int_equal(fx_count(fx, WORKER_PUT), 0);
    assert_int_equal(fx_disk_row(fx, job)->row.state, ROW_RUNNING);
}

FX_TEST(a_restarted_worker_adopts_the_running_step_and_never_starts_it_blindly)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 2);
    fx_restart(fx);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    assert_int_equal(fx_count(fx, WORKER_STEP_ADOPT_ACTION), 1);
    const struct worker_action *adopt = fx_action(fx, WORKER_STEP_ADOPT_ACTION);
    assert_int_equal(adopt->step.ref.step, 2);
    assert_int_equal(adopt->step.spec.event, EVENT_BEFORE_INSTALL);
    assert_true(adopt->step.spec.run_root_scripts_from_current);
    fx_tick(fx, 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_ADOPT_ACTION), 0);
    fx_ended(fx, job, 2, 1, STATUS_SUCCEEDED);
    fx_assert_started(fx, job, 3, 1);
}

FX_TEST(a_step_that_never_began_is_started_again_under_a_new_run)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_restart(fx);
    fx_lost(fx, job, 0, 1, false);
    fx_assert_started(fx, job, 0, 2);
    fx_reboot(fx);
    fx_lost(fx, job, 0, 2, false);
    fx_assert_started(fx, job, 0, 3);
    assert_string_equal(fx_disk_row(fx, job)->boot.text, "boot-2");
}

/* A worker that dies again and again between the commit and the start is no fault of the hook. */
FX_TEST(what_the_end_of_a_worker_kept_from_beginning_is_no_try)
{
    fx_untold(fx);
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    for (uint32_t run = 1; run <= 20; run++) {
        fx_restart(fx);
        fx_lost(fx, job, 0, run, false);
        fx_assert_started(fx, job, 0, run + 1);
    }
    assert_int_equal(fx_disk_row(fx, job)->free_runs, 20);
    for (uint32_t run = 21; run < 25; run++) {
        fx_lost(fx, job, 0, run, false); /* started by this very process */
        fx_assert_started(fx, job, 0, run + 1);
    }
    fx_lost(fx, job, 0, 25, false);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_INTERRUPTED);
}

FX_TEST(the_next_step_has_all_its_tries)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_restart(fx);
    fx_lost(fx, job, 0, 1, false);
    fx_ended(fx, job, 0, 2, STATUS_SUCCEEDED);
    assert_int_equal(fx_disk_row(fx, job)->free_runs, 0);
}

FX_TEST(even_ends_of_the_worker_are_bounded)
{
    fx_untold(fx);
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    for (uint32_t run = 1; run < STEP_FREE_RUNS_MAX + STEP_RUNS_MAX; run++) {
        fx_restart(fx);
        fx_lost(fx, job, 0, run, false);
        fx_assert_started(fx, job, 0, run + 1);
    }
    fx_restart(fx);
    fx_lost(fx, job, 0, STEP_FREE_RUNS_MAX + STEP_RUNS_MAX, false);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_INTERRUPTED);
}

FX_TEST(an_interrupted_download_is_repeated_five_times_at_most)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_ended(fx, job, 0, 1, STATUS_SUCCEEDED);
    for (uint32_t run = 1; run < 5; run++) {
        fx_lost(fx, job, 1, run, true);
        fx_assert_started(fx, job, 1, run + 1);
    }
    fx_lost(fx, job, 1, 5, true);
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->status, STATUS_FAILED);
    assert_int_equal(result->diagnostics.code, LIFECYCLE_FAILED_AFTER_RESTART);
    assert_string_equal(result->diagnostics.message,
                        "DownloadBundle was interrupted 5 times on host w1 and is not tried again. "
                        "Find what ends it (memory, disk, reboots), then retry the action with a "
                        "new execution: meridian run shop");
    assert_string_equal(result->diagnostics.log_tail, "last words");
    assert_int_equal(result->events[1].status, STATUS_FAILED);
    assert_int_equal(result->events[1].ended_ms, fx->now_ms);
}

FX_TEST(a_cancel_is_durable_before_it_is_acknowledged_and_nothing_starts_after_it)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_cancel(fx, job, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_CANCEL_ACK), 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 1);
    assert_true(fx_disk_row(fx, job)->cancel);
    fx_cancel(fx, job, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_CANCEL_ACK), 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 0);
    fx_ended(fx, job, 0, 1, STATUS_SUCCEEDED);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    assert_int_equal(result_of(fx, job)->status, STATUS_STOPPED);
    assert_int_equal(result_of(fx, job)->events[0].status, STATUS_SUCCEEDED);
    assert_int_equal(result_of(fx, job)->events[1].status, STATUS_SKIPPED);
}

FX_TEST(a_restart_after_a_cancel_asks_again_for_the_steps_end)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_cancel(fx, job, 1);
    fx_restart(fx);
    assert_int_equal(fx_count(fx, WORKER_STEP_ADOPT_ACTION), 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 1);
    fx_lost(fx, job, 0, 1, false);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    assert_int_equal(result_of(fx, job)->status, STATUS_STOPPED);
}

FX_TEST(a_cancelled_hook_that_vanished_is_unknown_not_stopped)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_cancel(fx, job, 1);
    fx_lost(fx, job, 0, 1, true);
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->status, STATUS_UNKNOWN);
    assert_int_equal(result->events[0].status, STATUS_UNKNOWN);
    assert_int_equal(result->events[0].ended_ms, fx->now_ms);
    assert_int_equal(result->diagnostics.code, LIFECYCLE_FAILED_AFTER_RESTART);
    assert_string_equal(result->diagnostics.log_tail, "last words");
    assert_string_equal(result->diagnostics.message,
                        "stopped on request at ApplicationStop on host w1, and its process left no "
                        "result: what it did is not known. Look at the host");
}

FX_TEST(a_cancel_that_comes_when_everything_was_done_does_not_deny_it)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 6);
    fx_cancel(fx, job, 1);
    fx_ended(fx, job, 6, 1, STATUS_SUCCEEDED);
    assert_int_equal(result_of(fx, job)->status, STATUS_SUCCEEDED);
}

FX_TEST(a_job_that_takes_longer_than_its_timeout_is_ended)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->timeout_ms = 5000;
    fx_offer(fx, job);
    fx_tick(fx, 4999);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 0);
    fx_tick(fx, 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 1);
    fx_ended(fx, job, 0, 1, STATUS_STOPPED);
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->status, STATUS_FAILED);
    assert_non_null(strstr(result->diagnostics.message, "timed out"));
}

FX_TEST(the_timeout_goes_on_over_a_reboot)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->timeout_ms = 61000;
    fx_offer(fx, job);
    fx_reboot(fx);
    fx_tick(fx, 999);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 0);
    fx_tick(fx, 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 1);
}

FX_TEST(a_step_ended_by_somebody_else_fails_the_job)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_ended(fx, job, 0, 1, STATUS_STOPPED);
    assert_int_equal(result_of(fx, job)->status, STATUS_FAILED);
}

FX_TEST(a_row_whose_job_cannot_be_read_ends_unknown)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_find(fx, "row/j1/1")->record.row.job = NULL;
    fx_restart(fx);
    assert_int_equal(fx_count(fx, WORKER_STEP_ADOPT_ACTION), 0);
    assert_int_equal(result_of(fx, job)->status, STATUS_UNKNOWN);
}

FX_TEST(a_job_without_a_timeout_may_take_for_ever)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->timeout_ms = 0;
    fx_offer(fx, job);
    fx_restart(fx);
    assert_true(worker_deadline(fx->worker) == UINT64_MAX);
    fx_tick(fx, UINT64_C(10000000000));
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 0);
}

FX_TEST(an_event_that_was_begun_and_not_repeated_ends_as_its_job)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_cancel(fx, job, 1);
    fx_lost(fx, job, 0, 1, false);
    assert_int_equal(result_of(fx, job)->status, STATUS_STOPPED);
    assert_int_equal(result_of(fx, job)->events[0].status, STATUS_STOPPED);
}

static void times_are_written_as_rfc_3339(void **state)
{
    (void)state;
    char text[DESCRIBE_TIME_SIZE];
    describe_time(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    describe_time(UINT64_C(951782399999), text);
    assert_string_equal(text, "2000-02-28T23:59:59.999Z");
    describe_time(UINT64_C(951782400000), text);
    assert_string_equal(text, "2000-02-29T00:00:00.000Z");
    describe_time(UINT64_C(4107542400000), text);
    assert_string_equal(text, "2100-03-01T00:00:00.000Z");
    describe_time(UINT64_C(1700051696789), text);
    assert_string_equal(text, "2023-11-15T12:34:56.789Z");
    describe_time(UINT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void a_texts_tail_begins_with_a_whole_character(void **state)
{
    (void)state;
    assert_string_equal(describe_tail("abc", 3), "abc");
    assert_string_equal(describe_tail("abcd", 3), "bcd");
    assert_string_equal(describe_tail("a\xc3\xa4z", 2), "z");
}

FX_TEST(a_result_names_its_job_and_its_times)
{
    struct job *job = fx_job(fx, "j1", 4, 1, 7);
    fx_offer(fx, job);
    fx_tick(fx, 10);
    struct worker_event event = { .type = WORKER_STEP_ENDED };
    event.ended.step = fx_ref(job, 0, 1);
    event.ended.outcome = (struct step_outcome){ .status = STATUS_FAILED,
                                                 .diagnostics = { .message = "no times told" },
                                                 .bytes = 5 };
    fx_turn(fx, &event);
    const struct result *result = &fx_said(fx, MESSAGE_RESULT)->result;
    assert_string_equal(result->job.text, "j1");
    assert_int_equal(result->attempt, 4);
    assert_int_equal(result->fence.seq, 7);
    assert_int_equal(result->ended_ms, fx->now_ms);
    assert_int_equal(result->bytes, 5);
    assert_int_equal(result->events[0].started_ms, fx->now_ms - 10);
    assert_int_equal(result->events[0].ended_ms, fx->now_ms);
    assert_string_equal(result->version_id, "");
}

FX_TEST(the_times_that_a_step_tells_are_taken)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_tick(fx, 10);
    fx_ended(fx, job, 0, 1, STATUS_SUCCEEDED);
    const struct row_record *row = fx_disk_row(fx, job);
    assert_int_equal(row->events[0].started_ms, fx->now_ms);
    assert_int_equal(row->events[0].ended_ms, fx->now_ms + 1);
    assert_int_equal(row->events[1].started_ms, fx->now_ms);
}

FX_TEST(bytes_of_all_steps_are_one_sum)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    for (uint32_t k = 0; k < 2; k++) {
        struct worker_event event = { .type = WORKER_STEP_ENDED };
        event.ended.step = fx_ref(job, k, 1);
        event.ended.outcome =
            (struct step_outcome){ .status = STATUS_SUCCEEDED, .bytes = 5, .version_id = "" };
        fx_turn(fx, &event);
    }
    assert_int_equal(fx_disk_row(fx, job)->result.bytes, 10);
}

FX_TEST(a_step_that_this_process_started_is_not_adopted)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_tick(fx, 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_ADOPT_ACTION), 0);
    fx_ended(fx, job, 0, 1, STATUS_SUCCEEDED);
    assert_false(fx_action(fx, WORKER_STEP_START_ACTION)->step.spec.run_root_scripts_from_current);
    fx_tick(fx, 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_ADOPT_ACTION), 0);
}

FX_TEST(a_cancel_of_what_has_ended_writes_nothing_and_sends_the_result_again)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_ended(fx, job, 0, 1, STATUS_FAILED);
    fx_cancel(fx, job, 1);
    assert_int_equal(fx_count(fx, WORKER_PUT), 0);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 1);
    assert_false(fx_disk_row(fx, job)->cancel);
}

FX_TEST(a_repeated_cancel_writes_nothing)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_cancel(fx, job, 1);
    assert_int_equal(fx_count(fx, WORKER_PUT), 1);
    fx_cancel(fx, job, 1);
    assert_int_equal(fx_count(fx, WORKER_PUT), 0);
}

FX_TEST(what_a_stopped_script_said_last_is_in_the_result)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_cancel(fx, job, 1);
    fx_ended(fx, job, 0, 1, STATUS_STOPPED);
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->diagnostics.code, LIFECYCLE_SCRIPT_FAILED);
    assert_string_equal(result->diagnostics.script, "s.sh");
    assert_string_equal(result->diagnostics.message,
                        "stopped on request at ApplicationStop on host w1");
}

FX_TEST(what_was_last_successful_is_known_after_a_restart)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1), *next = fx_job(fx, "j2", 1, 1, 2);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 7);
    fx_restart(fx);
    fx_offer(fx, next);
    assert_string_equal(fx_action(fx, WORKER_STEP_START_ACTION)->step.spec.last_successful.text,
                        "d-111111111");
}

FX_TEST(a_wall_clock_that_went_back_does_not_lengthen_the_timeout)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->timeout_ms = 5000;
    fx_offer(fx, job);
    fx->now_ms -= 1000000;
    fx_restart(fx);
    assert_int_equal(worker_deadline(fx->worker), fx->boot_ms + 5000);
    fx->now_ms += 2000000;
    fx_restart(fx);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 1); /* it is over */
}

FX_TEST(the_view_of_a_job_is_its_latest_attempt)
{
    fx_offer(fx, fx_job(fx, "j1", 2, 1, 1));
    fx_offer(fx, fx_job(fx, "j2", 9, 1, 2));
    struct job *job = fx_job(fx, "j1", 1, 1, 3);
    fx_offer(fx, job);
    assert_int_equal(worker_view_row(fx->worker, &job->id)->row.attempt, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deployment_runs_its_seven_steps_and_remembers_the_success),
        cmocka_unit_test(an_event_whose_scripts_are_not_known_is_started),
        cmocka_unit_test(events_that_run_nothing_are_passed_over_and_have_succeeded),
        cmocka_unit_test(the_first_failure_ends_the_job_and_skips_the_rest),
        cmocka_unit_test(a_failing_application_stop_fails_the_job_unless_it_is_ignored),
        cmocka_unit_test(only_application_stops_failure_may_be_ignored),
        cmocka_unit_test(outcomes_of_another_step_run_or_attempt_are_ignored),
        cmocka_unit_test(a_restarted_worker_adopts_the_running_step_and_never_starts_it_blindly),
        cmocka_unit_test(a_step_that_never_began_is_started_again_under_a_new_run),
        cmocka_unit_test(what_the_end_of_a_worker_kept_from_beginning_is_no_try),
        cmocka_unit_test(the_next_step_has_all_its_tries),
        cmocka_unit_test(even_ends_of_the_worker_are_bounded),
        cmocka_unit_test(an_interrupted_download_is_repeated_five_times_at_most),
        cmocka_unit_test(a_cancel_is_durable_before_it_is_acknowledged_and_nothing_starts_after_it),
        cmocka_unit_test(a_restart_after_a_cancel_asks_again_for_the_steps_end),
        cmocka_unit_test(a_cancelled_hook_that_vanished_is_unknown_not_stopped),
        cmocka_unit_test(a_cancel_that_comes_when_everything_was_done_does_not_deny_it),
        cmocka_unit_test(a_job_that_takes_longer_than_its_timeout_is_ended),
        cmocka_unit_test(the_timeout_goes_on_over_a_reboot),
        cmocka_unit_test(a_step_ended_by_somebody_else_fails_the_job),
        cmocka_unit_test(a_row_whose_job_cannot_be_read_ends_unknown),
        cmocka_unit_test(a_job_without_a_timeout_may_take_for_ever),
        cmocka_unit_test(an_event_that_was_begun_and_not_repeated_ends_as_its_job),
        cmocka_unit_test(times_are_written_as_rfc_3339),
        cmocka_unit_test(a_texts_tail_begins_with_a_whole_character),
        cmocka_unit_test(a_result_names_its_job_and_its_times),
        cmocka_unit_test(the_times_that_a_step_tells_are_taken),
        cmocka_unit_test(bytes_of_all_steps_are_one_sum),
        cmocka_unit_test(a_step_that_this_process_started_is_not_adopted),
        cmocka_unit_test(a_cancel_of_what_has_ended_writes_nothing_and_sends_the_result_again),
        cmocka_unit_test(a_repeated_cancel_writes_nothing),
        cmocka_unit_test(what_a_stopped_script_said_last_is_in_the_result),
        cmocka_unit_test(what_was_last_successful_is_known_after_a_restart),
        cmocka_unit_test(a_wall_clock_that_went_back_does_not_lengthen_the_timeout),
        cmocka_unit_test(the_view_of_a_job_is_its_latest_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
