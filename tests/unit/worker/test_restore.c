#include "fixture.h"

enum { INSTALL = 3, RESTORE = 7 };

static const struct result *result_of(struct fx *fx, const struct job *job)
{
    const struct row_record *row = fx_disk_row(fx, job);
    assert_non_null(row);
    assert_int_equal(row->row.state, ROW_ENDED);
    return &row->result;
}

static void ended_with(struct fx *fx, const struct job *job, uint32_t step, enum status status,
                       uint64_t files, const char *message)
{
    struct worker_event event = { .type = WORKER_STEP_ENDED };
    event.ended.step = fx_ref(job, step, 1);
    event.ended.outcome = (struct step_outcome){ .status = status,
                                                 .files = files,
                                                 .diagnostics = { .code = LIFECYCLE_SUCCESS,
                                                                  .script = "",
                                                                  .message = message,
                                                                  .log_tail = "" },
                                                 .version_id = "" };
    fx_turn(fx, &event);
}

static void run_steps(struct fx *fx, const struct job *job, uint32_t from, uint32_t to)
{
    for (uint32_t k = from; k < to; k++) {
        fx_assert_started(fx, job, k, 1);
        ended_with(fx, job, k, STATUS_SUCCEEDED, k == INSTALL ? 12 : 0, "");
    }
}

static struct job *restoring_job(struct fx *fx, const char *id, uint64_t seq)
{
    struct job *job = fx_job(fx, id, 1, 1, seq);
    job->on_failure = ON_FAILURE_RESTORE;
    return job;
}

FX_TEST(a_failure_without_a_wish_says_what_is_left)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 5);
    ended_with(fx, job, 5, STATUS_FAILED, 0, "it broke");
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->event_count, 7);
    assert_string_equal(result->diagnostics.message,
                        "it broke; left as it is: 12 files of revision r1 are installed");
}

FX_TEST(a_failure_before_the_install_leaves_nothing_to_restore)
{
    struct job *job = restoring_job(fx, "j1", 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 2);
    ended_with(fx, job, 2, STATUS_FAILED, 0, "it broke");
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->event_count, 7);
    assert_string_equal(result->diagnostics.message, "it broke");
}

FX_TEST(a_failure_after_the_install_is_undone_and_stays_a_failure)
{
    struct job *job = restoring_job(fx, "j1", 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 5);
    ended_with(fx, job, 5, STATUS_FAILED, 0, "it broke");
    fx_assert_started(fx, job, RESTORE, 1);
    const struct step_spec *spec = &fx_action(fx, WORKER_STEP_START_ACTION)->step.spec;
    assert_int_equal(spec->kind, STEP_UNDO);
    assert_int_equal(spec->event, EVENT_RESTORE);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 0);
    ended_with(fx, job, RESTORE, STATUS_SUCCEEDED, 0, "restored to revision r0");
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 1);
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->status, STATUS_FAILED);
    assert_int_equal(result->failed_event, EVENT_APPLICATION_START);
    assert_int_equal(result->event_count, 8);
    assert_int_equal(result->events[5].status, STATUS_FAILED);
    assert_int_equal(result->events[6].status, STATUS_SKIPPED);
    assert_int_equal(result->events[RESTORE].status, STATUS_SUCCEEDED);
    assert_string_equal(result->diagnostics.message, "it broke; restored to revision r0");
    assert_string_equal(fx_disk_target(fx, "deploy:app/group")->last_successful.text, "");
}

FX_TEST(a_failed_install_is_undone_too)
{
    struct job *job = restoring_job(fx, "j1", 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, INSTALL);
    ended_with(fx, job, INSTALL, STATUS_FAILED, 12, "no such account");
    fx_assert_started(fx, job, RESTORE, 1);
}

FX_TEST(a_restart_goes_on_restoring_and_remembers_why)
{
    struct job *job = restoring_job(fx, "j1", 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 5);
    ended_with(fx, job, 5, STATUS_FAILED, 0, "it broke");
    fx_restart(fx);
    assert_int_equal(fx_count(fx, WORKER_STEP_ADOPT_ACTION), 1);
    fx_lost(fx, job, RESTORE, 1, true);
    fx_assert_started(fx, job, RESTORE, 2);
    fx_reboot(fx);
    fx_ended(fx, job, RESTORE, 2, STATUS_SUCCEEDED);
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->status, STATUS_FAILED);
    assert_int_equal(result->failed_event, EVENT_APPLICATION_START);
    assert_non_null(strstr(result->diagnostics.message, "it broke; "));
}

FX_TEST(a_stopped_deployment_is_restored_and_the_restoring_is_not_stopped)
{
    struct job *job = restoring_job(fx, "j1", 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 5);
    fx_cancel(fx, job, 1);
    ended_with(fx, job, 5, STATUS_STOPPED, 0, "cancelled");
    fx_assert_started(fx, job, RESTORE, 1);
    fx_cancel(fx, job, 1);
    fx_tick(fx, 7200000);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 0);
    ended_with(fx, job, RESTORE, STATUS_SUCCEEDED, 0, "restored to revision r0");
    assert_int_equal(result_of(fx, job)->status, STATUS_STOPPED);
}

FX_TEST(a_failed_restoring_is_told_and_so_is_what_is_left)
{
    struct job *job = restoring_job(fx, "j1", 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 5);
    ended_with(fx, job, 5, STATUS_FAILED, 0, "it broke");
    ended_with(fx, job, RESTORE, STATUS_FAILED, 0, "a folder is in the way");
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->status, STATUS_FAILED);
    assert_int_equal(result->events[RESTORE].status, STATUS_FAILED);
    assert_string_equal(result->diagnostics.message,
                        "it broke; what was there before could not be restored: a folder is in "
                        "the way; left as it is: 12 files of revision r1 are installed");
}

FX_TEST(a_restoring_that_is_lost_again_and_again_is_given_up)
{
    struct job *job = restoring_job(fx, "j1", 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 5);
    ended_with(fx, job, 5, STATUS_FAILED, 0, "it broke");
    for (uint32_t run = 1; run <= 5; run++) fx_lost(fx, job, RESTORE, run, true);
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->status, STATUS_FAILED);
    assert_int_equal(result->failed_event, EVENT_APPLICATION_START);
    assert_non_null(strstr(result->diagnostics.message, "it broke; what was there before could not "
                                                        "be restored: Restore was interrupted"));
}

FX_TEST(a_success_restores_nothing)
{
    struct job *job = restoring_job(fx, "j1", 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 7);
    const struct result *result = result_of(fx, job);
    assert_int_equal(result->status, STATUS_SUCCEEDED);
    assert_int_equal(result->event_count, 7);
    assert_string_equal(result->diagnostics.message, "");
}

FX_TEST(a_job_with_traffic_control_runs_the_events_around_it)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->traffic_control = true;
    fx_offer(fx, job);
    assert_int_equal(fx_disk_row(fx, job)->event_count, 11);
    const struct step_spec *spec = &fx_action(fx, WORKER_STEP_START_ACTION)->step.spec;
    assert_int_equal(spec->event, EVENT_BEFORE_BLOCK_TRAFFIC);
    assert_false(spec->run_root_scripts_from_current);
}

FX_TEST(all_failures_of_the_old_revisions_scripts_may_be_ignored)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->traffic_control = true;
    job->ignore_application_stop_failures = true;
    fx_offer(fx, job);
    for (uint32_t k = 0; k < 3; k++) ended_with(fx, job, k, STATUS_FAILED, 0, "old");
    fx_assert_started(fx, job, 3, 1);
    assert_int_equal(fx_action(fx, WORKER_STEP_START_ACTION)->step.spec.event,
                     EVENT_DOWNLOAD_BUNDLE);
    ended_with(fx, job, 3, STATUS_FAILED, 0, "new");
    assert_int_equal(result_of(fx, job)->status, STATUS_FAILED);
}

static char *long_text(struct fx *fx, char letter, size_t len)
{
    char *text = arena_calloc(&fx->arena, len + 1, 1);
    memset(text, letter, len);
    return text;
}

FX_TEST(what_is_added_to_the_message_is_bounded)
{
    struct job *job = restoring_job(fx, "j1", 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 5);
    ended_with(fx, job, 5, STATUS_FAILED, 0, long_text(fx, 'a', 3501));
    ended_with(fx, job, RESTORE, STATUS_SUCCEEDED, 0, long_text(fx, 'b', 1001));
    const char *message = result_of(fx, job)->diagnostics.message;
    assert_int_equal(strlen(message), 3500 + 2 + 1000);
    assert_memory_equal(message + 3499, "a; b", 4);
}

FX_TEST(a_message_that_was_empty_begins_with_what_is_added)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->revision = "";
    fx_offer(fx, job);
    run_steps(fx, job, 0, 5);
    ended_with(fx, job, 5, STATUS_FAILED, 0, NULL);
    assert_string_equal(result_of(fx, job)->diagnostics.message,
                        "left as it is: 12 files of deployment d-111111111 are installed");
}

FX_TEST(a_restoring_without_a_word_adds_none)
{
    struct job *job = restoring_job(fx, "j1", 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 5);
    ended_with(fx, job, 5, STATUS_FAILED, 0, "it broke");
    ended_with(fx, job, RESTORE, STATUS_FAILED, 0, NULL);
    assert_non_null(strstr(result_of(fx, job)->diagnostics.message, "it broke; what was there"));
    assert_null(strstr(result_of(fx, job)->diagnostics.message, "(null)"));
}

FX_TEST(the_restoring_is_a_row_of_the_result_while_it_runs)
{
    struct job *job = restoring_job(fx, "j1", 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 5);
    fx_lost(fx, job, 5, 1, true);
    fx_ended(fx, job, 5, 2, STATUS_FAILED);
    fx_assert_started(fx, job, RESTORE, 1);
    const struct row_record *row = fx_disk_row(fx, job);
    assert_int_equal(row->result.event_count, 8);
    assert_int_equal(row->events[RESTORE].event, EVENT_RESTORE);
    assert_int_equal(row->run, 1);
    assert_int_equal(row->step_state, STEP_STARTED);
}

FX_TEST(words_of_one_letter_are_words)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->revision = "7";
    fx_offer(fx, job);
    run_steps(fx, job, 0, 5);
    ended_with(fx, job, 5, STATUS_FAILED, 0, "x");
    assert_string_equal(result_of(fx, job)->diagnostics.message,
                        "x; left as it is: 12 files of revision 7 are installed");
}

FX_TEST(a_job_that_is_stopped_while_its_hook_waits_for_the_operator_is_restored_at_once)
{
    struct job *job = restoring_job(fx, "j1", 1);
    fx_offer(fx, job);
    run_steps(fx, job, 0, 5);
    for (uint32_t run = 1; run <= 5; run++) fx_lost(fx, job, 5, run, true);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_INTERRUPTED);
    fx_cancel(fx, job, 1);
    fx_assert_started(fx, job, RESTORE, 1);
    assert_int_equal(fx_disk_row(fx, job)->event_count, 8);
    ended_with(fx, job, RESTORE, STATUS_SUCCEEDED, 0, "restored to revision r0");
    assert_int_equal(result_of(fx, job)->status, STATUS_STOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_without_a_wish_says_what_is_left),
        cmocka_unit_test(a_failure_before_the_install_leaves_nothing_to_restore),
        cmocka_unit_test(a_failure_after_the_install_is_undone_and_stays_a_failure),
        cmocka_unit_test(a_failed_install_is_undone_too),
        cmocka_unit_test(a_restart_goes_on_restoring_and_remembers_why),
        cmocka_unit_test(a_stopped_deployment_is_restored_and_the_restoring_is_not_stopped),
        cmocka_unit_test(a_failed_restoring_is_told_and_so_is_what_is_left),
        cmocka_unit_test(a_restoring_that_is_lost_again_and_again_is_given_up),
        cmocka_unit_test(a_success_restores_nothing),
        cmocka_unit_test(a_job_with_traffic_control_runs_the_events_around_it),
        cmocka_unit_test(all_failures_of_the_old_revisions_scripts_may_be_ignored),
        cmocka_unit_test(what_is_added_to_the_message_is_bounded),
        cmocka_unit_test(a_message_that_was_empty_begins_with_what_is_added),
        cmocka_unit_test(a_restoring_without_a_word_adds_none),
        cmocka_unit_test(the_restoring_is_a_row_of_the_result_while_it_runs),
        cmocka_unit_test(words_of_one_letter_are_words),
        cmocka_unit_test(
            a_job_that_is_stopped_while_its_hook_waits_for_the_operator_is_restored_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
