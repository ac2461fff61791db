#include "fixture.h"

enum { INSTALL = 3 }; /* ApplicationStop, DownloadBundle, BeforeInstall, Install */

/* Everything before Install has ended well. */
static struct job *prepare(struct fx *fx)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->hold = true;
    fx_offer(fx, job);
    for (uint32_t k = 0; k < INSTALL; k++) fx_ended(fx, job, k, 1, STATUS_SUCCEEDED);
    return job;
}

static void say(struct fx *fx, const struct job *job, uint32_t step, enum resume_verb verb,
                uint64_t epoch)
{
    fx_resume(fx, fx_step_key(job, step, 1), verb, epoch);
}

static void acknowledge(struct fx *fx, const struct job *job)
{
    struct message ack = { .type = MESSAGE_INTERRUPTED_ACK };
    ack.interrupted_ack = fx_step_key(job, INSTALL, 1);
    fx_message(fx, &ack);
}

FX_TEST(a_job_that_holds_stops_before_its_files_are_installed_and_says_so)
{
    struct job *job = prepare(fx);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_HELD);
    assert_int_equal(fx_disk_row(fx, job)->row.state, ROW_RUNNING);
    const struct interrupted *said = &fx_said(fx, MESSAGE_INTERRUPTED)->interrupted;
    assert_int_equal(said->at.step, INSTALL);
    assert_int_equal(said->at.run, 1);
    assert_int_equal(said->report.event, EVENT_INSTALL);
    assert_int_equal(said->report.status, STATUS_PENDING);
    assert_int_equal(said->diagnostics.code, LIFECYCLE_SUCCESS);
    fx_tick(fx, 2000);
    assert_int_equal(fx_sent(fx, MESSAGE_INTERRUPTED), 1);
    acknowledge(fx, job);
    fx_tick(fx, 2000);
    assert_int_equal(fx_sent(fx, MESSAGE_INTERRUPTED), 0);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
}

FX_TEST(only_the_word_to_go_on_from_the_coordinator_of_now_lets_it_go_on)
{
    struct job *job = prepare(fx);
    struct message unsigned_ = { .type = MESSAGE_RESUME };
    fx_message(fx, &unsigned_);
    say(fx, job, INSTALL, RESUME_GO_ON, 0); /* an epoch that is over */
    say(fx, job, INSTALL, RESUME_RERUN, 1);
    say(fx, job, INSTALL, RESUME_SKIP, 1);
    say(fx, job, INSTALL - 1, RESUME_GO_ON, 1);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_HELD);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    say(fx, job, INSTALL, RESUME_GO_ON, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_RESUME_ACK), 1);
    fx_assert_started(fx, job, INSTALL, 1);
    assert_true(fx_disk_row(fx, job)->released);
    say(fx, job, INSTALL, RESUME_GO_ON, 1); /* again: it counts once */
    assert_int_equal(fx_sent(fx, MESSAGE_RESUME_ACK), 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
}

FX_TEST(it_holds_and_goes_on_through_restarts)
{
    struct job *job = prepare(fx);
    fx_reboot(fx);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_HELD);
    fx_offer(fx, fx_job(fx, "j2", 1, 1, 2)); /* it keeps its target */
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    say(fx, job, INSTALL, RESUME_GO_ON, 1);
    fx_assert_started(fx, job, INSTALL, 1);
    fx_lost(fx, job, INSTALL, 1, true);
    fx_assert_started(fx, job, INSTALL, 2); /* the word was for the job, not for the run */
}

FX_TEST(a_cancel_ends_it_without_a_change)
{
    struct job *job = prepare(fx);
    fx_cancel(fx, job, 1);
    const struct result *result = &fx_said(fx, MESSAGE_RESULT)->result;
    assert_int_equal(result->status, STATUS_STOPPED);
    assert_non_null(strstr(result->diagnostics.message, "no installed file was changed"));
    assert_int_equal(result->events[INSTALL].status, STATUS_SKIPPED);
    assert_int_equal(result->events[INSTALL].started_ms, 0);
}

FX_TEST(whoever_hears_nothing_ends_at_its_time_without_a_change)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->hold = true;
    job->timeout_ms = 60000;
    job->on_failure = ON_FAILURE_RESTORE;
    fx_offer(fx, job);
    for (uint32_t k = 0; k < INSTALL; k++) fx_ended(fx, job, k, 1, STATUS_SUCCEEDED);
    fx_tick(fx, 60000);
    const struct row_record *row = fx_disk_row(fx, job);
    assert_int_equal(row->row.state, ROW_ENDED);
    assert_int_equal(row->result.status, STATUS_FAILED);
    assert_non_null(strstr(row->result.diagnostics.message, "timed out on host w1 at Install"));
    assert_non_null(strstr(row->result.diagnostics.message, "no installed file was changed"));
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0); /* nothing is to be restored */
}

FX_TEST(without_hold_nothing_waits)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    for (uint32_t k = 0; k < INSTALL; k++) fx_ended(fx, job, k, 1, STATUS_SUCCEEDED);
    fx_assert_started(fx, job, INSTALL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_holds_stops_before_its_files_are_installed_and_says_so),
        cmocka_unit_test(only_the_word_to_go_on_from_the_coordinator_of_now_lets_it_go_on),
        cmocka_unit_test(it_holds_and_goes_on_through_restarts),
        cmocka_unit_test(a_cancel_ends_it_without_a_change),
        cmocka_unit_test(whoever_hears_nothing_ends_at_its_time_without_a_change),
        cmocka_unit_test(without_hold_nothing_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
