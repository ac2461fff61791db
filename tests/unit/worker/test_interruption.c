#include "fixture.h"

/* The run of AfterInstall (step 4) ends and says that it must not begin again. */
static void ended_interrupted(struct fx *fx, const struct job *job, uint32_t run)
{
    struct worker_event event = { .type = WORKER_STEP_ENDED };
    event.ended.step = fx_ref(job, 4, run);
    event.ended.outcome = (struct step_outcome){
        .status = STATUS_UNKNOWN,
        .interrupted = true,
        .diagnostics = { .script = "s.sh", .message = "s.sh had begun", .log_tail = "last words" },
        .version_id = "",
    };
    fx_turn(fx, &event);
}

/* AfterInstall of a deployment ends its second run without having begun anything. */
static struct job *interrupt(struct fx *fx)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->execution = fx_id("e-1");
    fx_offer(fx, job);
    for (uint32_t k = 0; k < 4; k++) fx_ended(fx, job, k, 1, STATUS_SUCCEEDED);
    fx_lost(fx, job, 4, 1, true);
    fx_assert_started(fx, job, 4, 2);
    ended_interrupted(fx, job, 2);
    return job;
}

static void say(struct fx *fx, const struct job *job, uint32_t run, enum resume_verb verb,
                uint64_t epoch)
{
    fx_resume(fx, fx_step_key(job, 4, run), verb, epoch);
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
    ack.interrupted_ack = fx_step_key(job, 4, 2);
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
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 1);
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

static void acknowledge(struct fx *fx, const struct step_key *at)
{
    struct message ack = { .type = MESSAGE_INTERRUPTED_ACK };
    ack.interrupted_ack = *at;
    fx_message(fx, &ack);
}

/* Each names another run than the one that waits. */
static size_t other_keys(const struct job *job, struct step_key out[6])
{
    for (size_t i = 0; i < 6; i++) out[i] = fx_step_key(job, 4, 2);
    out[0].key.job = fx_id("other");
    out[1].key.attempt++;
    out[2].key.fence.seq++;
    out[3].key.fence.epoch++;
    out[4].step++;
    out[5].run++;
    return 6;
}

FX_TEST(words_about_another_run_touch_nothing)
{
    struct job *job = interrupt(fx);
    struct step_key keys[6];
    size_t count = other_keys(job, keys);
    for (size_t i = 0; i < count; i++) {
        acknowledge(fx, &keys[i]);
        struct resume resume = { .at = keys[i],
                                 .verb = RESUME_SKIP,
                                 .worker = "w1",
                                 .incarnation = fx->incarnation,
                                 .epoch = 1 };
        struct message m = { .type = MESSAGE_RESUME };
        m.resume.resume = &resume;
        fx_message(fx, &m);
        assert_int_equal(fx_sent(fx, MESSAGE_RESUME_ACK), 1);
        assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_INTERRUPTED);
    }
    fx_tick(fx, 500);
    assert_int_equal(fx_sent(fx, MESSAGE_INTERRUPTED), 1);
}

FX_TEST(a_resume_for_another_worker_or_incarnation_does_nothing)
{
    struct job *job = interrupt(fx);
    struct resume resume = { .at = fx_step_key(job, 4, 2),
                             .verb = RESUME_SKIP,
                             .worker = "w2",
                             .incarnation = fx->incarnation,
                             .epoch = 1 };
    struct message m = { .type = MESSAGE_RESUME };
    m.resume.resume = &resume;
    fx_message(fx, &m);
    assert_int_equal(fx_sent(fx, MESSAGE_RESUME_ACK), 0);
    resume.worker = "w1";
    resume.incarnation = fx_id("another");
    fx_message(fx, &m);
    assert_int_equal(fx_sent(fx, MESSAGE_RESUME_ACK), 0);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_INTERRUPTED);
}

FX_TEST(a_resume_of_a_later_epoch_is_obeyed_and_the_epoch_remembered)
{
    struct job *job = interrupt(fx);
    say(fx, job, 2, RESUME_SKIP, 7);
    fx_assert_started(fx, job, 5, 1);
    assert_int_equal(fx_find(fx, "self")->record.self.epoch_max, 7);
}

FX_TEST(without_a_transport_a_resume_is_obeyed_silently)
{
    struct job *job = interrupt(fx);
    fx_restart(fx);
    say(fx, job, 2, RESUME_RERUN, 1);
    fx_assert_started(fx, job, 4, 3);
    assert_int_equal(fx_count(fx, WORKER_SEND), 0);
}

FX_TEST(an_interruption_is_said_each_half_second_and_anew_to_a_new_coordinator)
{
    struct job *job = interrupt(fx);
    fx_tick(fx, 499);
    assert_int_equal(fx_sent(fx, MESSAGE_INTERRUPTED), 0);
    assert_int_equal(worker_deadline(fx->worker), fx->boot_ms + 1);
    fx_tick(fx, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_INTERRUPTED), 1);
    const struct step_key at = fx_step_key(job, 4, 2);
    acknowledge(fx, &at);
    fx_connect(fx);
    fx_welcome(fx, 2);
    assert_int_equal(fx_sent(fx, MESSAGE_INTERRUPTED), 1);
}

FX_TEST(a_rerun_that_is_interrupted_again_is_told_at_once)
{
    struct job *job = interrupt(fx);
    const struct row_record *row = fx_disk_row(fx, job);
    assert_string_equal(row->result.job.text, "j1");
    assert_int_equal(row->result.attempt, 1);
    assert_int_equal(row->result.fence.seq, 1);
    assert_int_equal(row->result.status, STATUS_UNKNOWN);
    assert_int_equal(row->events[4].ended_ms, fx->now_ms);
    const struct step_key at = fx_step_key(job, 4, 2);
    acknowledge(fx, &at);
    say(fx, job, 2, RESUME_RERUN, 1);
    row = fx_disk_row(fx, job);
    assert_string_equal(row->result.job.text, ""); /* there is no result any more */
    assert_int_equal(row->events[4].status, STATUS_IN_PROGRESS);
    assert_int_equal(row->events[4].ended_ms, 0);
    ended_interrupted(fx, job, 3);
    assert_int_equal(fx_sent(fx, MESSAGE_INTERRUPTED), 1);
    assert_int_equal(fx_said(fx, MESSAGE_INTERRUPTED)->interrupted.at.run, 3);
}

FX_TEST(a_rerun_has_five_tries_of_its_own)
{
    struct job *job = interrupt(fx);
    say(fx, job, 2, RESUME_RERUN, 1);
    for (uint32_t run = 3; run < 7; run++) {
        fx_lost(fx, job, 4, run, true);
        fx_assert_started(fx, job, 4, run + 1);
        assert_int_equal(fx_action(fx, WORKER_STEP_START_ACTION)->step.spec.ordered_run, 3);
    }
    fx_lost(fx, job, 4, 7, true);
    const struct interrupted *said = &fx_said(fx, MESSAGE_INTERRUPTED)->interrupted;
    assert_non_null(strstr(said->diagnostics.message, "lost 5 times without a result"));
    assert_int_equal(said->report.status, STATUS_UNKNOWN);
    assert_int_equal(said->report.ended_ms, fx->now_ms);
    assert_string_equal(said->diagnostics.log_tail, "last words");
}

FX_TEST(a_rerun_counts_no_tries_of_before)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_restart(fx);
    fx_lost(fx, job, 0, 1, false);
    assert_int_equal(fx_disk_row(fx, job)->free_runs, 1);
    for (uint32_t run = 2; run <= 6; run++) fx_lost(fx, job, 0, run, true);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_INTERRUPTED);
    struct resume resume = { .at = fx_step_key(job, 0, 6),
                             .verb = RESUME_RERUN,
                             .worker = "w1",
                             .incarnation = fx->incarnation,
                             .epoch = 1 };
    struct message m = { .type = MESSAGE_RESUME };
    m.resume.resume = &resume;
    fx_message(fx, &m);
    fx_assert_started(fx, job, 0, 7);
    assert_int_equal(fx_disk_row(fx, job)->free_runs, 0);
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
        cmocka_unit_test(words_about_another_run_touch_nothing),
        cmocka_unit_test(a_resume_for_another_worker_or_incarnation_does_nothing),
        cmocka_unit_test(a_resume_of_a_later_epoch_is_obeyed_and_the_epoch_remembered),
        cmocka_unit_test(without_a_transport_a_resume_is_obeyed_silently),
        cmocka_unit_test(an_interruption_is_said_each_half_second_and_anew_to_a_new_coordinator),
        cmocka_unit_test(a_rerun_that_is_interrupted_again_is_told_at_once),
        cmocka_unit_test(a_rerun_has_five_tries_of_its_own),
        cmocka_unit_test(a_rerun_counts_no_tries_of_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
