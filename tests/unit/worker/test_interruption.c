#include "fixture.h"

/* AfterInstall (step 4) of a deployment ends its second run without having begun anything. */
static struct job *interrupt(struct fx *fx)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->execution = fx_id("e-1");
    fx_offer(fx, job);
    for (uint32_t k = 0; k < 4; k++) fx_ended(fx, job, k, 1, STATUS_SUCCEEDED);
    fx_lost(fx, job, 4, 1, true);
    fx_assert_started(fx, job, 4, 2);
    struct worker_event event = { .type = WORKER_STEP_ENDED };
    event.ended.step = fx_ref(job, 4, 2);
    event.ended.outcome = (struct step_outcome){
        .status = STATUS_UNKNOWN,
        .interrupted = true,
        .diagnostics = { .script = "s.sh", .message = "s.sh had begun", .log_tail = "last words" },
        .version_id = "",
    };
    fx_turn(fx, &event);
    return job;
}

static struct step_key key_of(const struct job *job, uint32_t step, uint32_t run)
{
    return (struct step_key){ .key = fx_key(job), .step = step, .run = run };
}

static void say(struct fx *fx, const struct job *job, uint32_t run, enum resume_verb verb,
                uint64_t epoch)
{
    struct resume resume = { .at = key_of(job, 4, run),
                             .verb = verb,
                             .worker = "w1",
                             .incarnation = fx->incarnation,
                             .epoch = epoch };
    struct message m = { .type = MESSAGE_RESUME };
    m.resume.resume = &resume;
    fx_message(fx, &m);
}

FX_TEST(a_lost_hook_is_run_again_so_that_the_step_can_decide)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_lost(fx, job, 0, 1, true);
    fx_assert_started(fx, job, 0, 2);
    assert_int_equal(fx_action(fx, WORKER_STEP_START_ACTION)->step.spec.ordered_run, 0);
}

FX_TEST(an_interrupted_job_waits_and_tells_everything_until_it_is_acknowledged)
{
    struct job *job = interrupt(fx);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_INTERRUPTED);
    assert_int_equal(fx_disk_row(fx, job)->row.state, ROW_RUNNING);
    const struct interrupted *said = &fx_said(fx, MESSAGE_INTERRUPTED)->interrupted;
    assert_int_equal(said->at.step, 4);
    assert_int_equal(said->at.run, 2);
    assert_int_equal(said->report.event, EVENT_AFTER_INSTALL);
    assert_int_equal(said->report.status, STATUS_UNKNOWN);
    assert_int_equal(said->diagnostics.code, LIFECYCLE_FAILED_AFTER_RESTART);
    assert_string_equal(said->diagnostics.script, "s.sh");
    assert_string_equal(said->diagnostics.log_tail, "last words");
    const char *message = said->diagnostics.message;
    assert_non_null(strstr(message, "AfterInstall, begun at 2023-11-14T22:13:20.000Z"));
    assert_non_null(strstr(message, "on host w1: s.sh had begun. Last output: 'last words'"));
    assert_non_null(strstr(message, "meridian resume e-1 --host w1 --rerun-step"));
    assert_non_null(strstr(message, "meridian stop shop e-1"));
    fx_tick(fx, 2000);
    assert_int_equal(fx_sent(fx, MESSAGE_INTERRUPTED), 1);
    struct message ack = { .type = MESSAGE_INTERRUPTED_ACK };
    ack.interrupted_ack = key_of(job, 4, 2);
    fx_message(fx, &ack);
    fx_tick(fx, 2000);
    assert_int_equal(fx_sent(fx, MESSAGE_INTERRUPTED), 0);
}

FX_TEST(an_interrupted_job_waits_through_restarts_and_tells_again)
{
    struct job *job = interrupt(fx);
    fx_reboot(fx);
    assert_int_equal(fx_count(fx, WORKER_STEP_ADOPT_ACTION), 0);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    assert_string_equal(fx_disk_row(fx, job)->result.diagnostics.log_tail, "last words");
}

FX_TEST(it_holds_its_target)
{
    interrupt(fx);
    fx_offer(fx, fx_job(fx, "j2", 1, 1, 2));
    assert_int_equal(fx_sent(fx, MESSAGE_ACCEPT), 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
}

FX_TEST(a_resume_that_is_not_for_us_does_nothing)
{
    struct job *job = interrupt(fx);
    struct message unsigned_ = { .type = MESSAGE_RESUME };
    fx_message(fx, &unsigned_);
    assert_int_equal(fx_sent(fx, MESSAGE_RESUME_ACK), 0);
    say(fx, job, 2, RESUME_RERUN, 0);
    assert_int_equal(fx_sent(fx, MESSAGE_RESUME_ACK), 0);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_INTERRUPTED);
}

FX_TEST(a_resume_of_an_earlier_run_is_only_acknowledged)
{
    struct job *job = interrupt(fx);
    say(fx, job, 1, RESUME_SKIP, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_RESUME_ACK), 1);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_INTERRUPTED);
}

FX_TEST(rerun_step_orders_one_more_run_however_often_it_is_said)
{
    struct job *job = interrupt(fx);
    say(fx, job, 2, RESUME_RERUN, 1);
    fx_assert_started(fx, job, 4, 3);
    assert_int_equal(fx_action(fx, WORKER_STEP_START_ACTION)->step.spec.ordered_run, 3);
    assert_int_equal(fx_sent(fx, MESSAGE_RESUME_ACK), 1);
    say(fx, job, 2, RESUME_RERUN, 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    assert_int_equal(fx_sent(fx, MESSAGE_RESUME_ACK), 1);
    fx_ended(fx, job, 4, 3, STATUS_SUCCEEDED);
    fx_assert_started(fx, job, 5, 1);
    assert_int_equal(fx_action(fx, WORKER_STEP_START_ACTION)->step.spec.ordered_run, 0);
}

FX_TEST(skip_step_goes_on_with_the_next_event)
{
    struct job *job = interrupt(fx);
    say(fx, job, 2, RESUME_SKIP, 1);
    fx_assert_started(fx, job, 5, 1);
    fx_ended(fx, job, 5, 1, STATUS_SUCCEEDED);
    fx_ended(fx, job, 6, 1, STATUS_SUCCEEDED);
    const struct row_record *row = fx_disk_row(fx, job);
    assert_int_equal(row->result.status, STATUS_SUCCEEDED);
    assert_int_equal(row->result.events[4].status, STATUS_SKIPPED);
}

FX_TEST(a_cancel_ends_a_job_that_waits)
{
    struct job *job = interrupt(fx);
    fx_cancel(fx, job, 1);
    const struct row_record *row = fx_disk_row(fx, job);
    assert_int_equal(row->row.state, ROW_ENDED);
    assert_int_equal(row->result.status, STATUS_STOPPED);
    assert_int_equal(row->result.events[4].status, STATUS_UNKNOWN);
    say(fx, job, 2, RESUME_RERUN, 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    assert_int_equal(fx_sent(fx, MESSAGE_RESUME_ACK), 1);
}

FX_TEST(the_deadline_goes_on_while_it_waits)
{
    struct job *job = interrupt(fx);
    fx_tick(fx, 3600001);
    assert_int_equal(fx_disk_row(fx, job)->row.state, ROW_ENDED);
    assert_int_equal(fx_disk_row(fx, job)->result.status, STATUS_FAILED);
}

/* The tries of what is put back are its own, not those of the hook that was ordered again. */
FX_TEST(a_restore_after_an_ordered_hook_has_all_its_tries)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->on_failure = ON_FAILURE_RESTORE;
    fx_offer(fx, job);
    for (uint32_t k = 0; k < 4; k++) fx_ended(fx, job, k, 1, STATUS_SUCCEEDED);
    for (uint32_t run = 1; run < 5; run++) fx_lost(fx, job, 4, run, true);
    fx_lost(fx, job, 4, 5, true);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_INTERRUPTED);
    say(fx, job, 5, RESUME_RERUN, 1);
    fx_assert_started(fx, job, 4, 6);
    fx_ended(fx, job, 4, 6, STATUS_FAILED);
    fx_assert_started(fx, job, 7, 1);
    for (uint32_t run = 1; run < 5; run++) {
        fx_lost(fx, job, 7, run, true);
        fx_assert_started(fx, job, 7, run + 1);
    }
    fx_ended(fx, job, 7, 5, STATUS_SUCCEEDED);
    assert_int_equal(fx_disk_row(fx, job)->row.state, ROW_ENDED);
}

FX_TEST(a_hook_that_is_lost_run_after_run_waits_after_five)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    for (uint32_t run = 1; run < 5; run++) {
        fx_lost(fx, job, 0, run, true);
        fx_assert_started(fx, job, 0, run + 1);
    }
    fx_lost(fx, job, 0, 5, true);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_INTERRUPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_hook_is_run_again_so_that_the_step_can_decide),
        cmocka_unit_test(an_interrupted_job_waits_and_tells_everything_until_it_is_acknowledged),
        cmocka_unit_test(an_interrupted_job_waits_through_restarts_and_tells_again),
        cmocka_unit_test(it_holds_its_target),
        cmocka_unit_test(a_resume_that_is_not_for_us_does_nothing),
        cmocka_unit_test(a_resume_of_an_earlier_run_is_only_acknowledged),
        cmocka_unit_test(rerun_step_orders_one_more_run_however_often_it_is_said),
        cmocka_unit_test(skip_step_goes_on_with_the_next_event),
        cmocka_unit_test(a_cancel_ends_a_job_that_waits),
        cmocka_unit_test(the_deadline_goes_on_while_it_waits),
        cmocka_unit_test(a_restore_after_an_ordered_hook_has_all_its_tries),
        cmocka_unit_test(a_hook_that_is_lost_run_after_run_waits_after_five),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
