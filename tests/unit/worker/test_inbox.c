#include "fixture.h"

#include <stdio.h>

FX_TEST(an_offer_without_a_good_signature_is_refused)
{
    struct message m = { .type = MESSAGE_OFFER };
    fx_message(fx, &m);
    assert_int_equal(fx_nacked(fx), NACK_SIGNATURE);
    assert_string_equal(fx_said(fx, MESSAGE_NACK)->nack.job.text, "");
    assert_int_equal(fx_count(fx, WORKER_PUT), 0);
}

FX_TEST(an_offer_of_an_older_epoch_is_refused)
{
    fx_welcome(fx, 5);
    fx_offer(fx, fx_job(fx, "j1", 1, 4, 1));
    assert_int_equal(fx_nacked(fx), NACK_EPOCH);
    assert_int_equal(fx_count(fx, WORKER_PUT), 0);
}

FX_TEST(an_offer_for_another_worker_or_incarnation_is_refused)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->worker = "w2";
    fx_offer(fx, job);
    assert_int_equal(fx_nacked(fx), NACK_AUDIENCE);
    job = fx_job(fx, "j1", 1, 1, 1);
    job->incarnation = fx_id("another");
    fx_offer(fx, job);
    assert_int_equal(fx_nacked(fx), NACK_AUDIENCE);
    assert_string_equal(fx_said(fx, MESSAGE_NACK)->nack.incarnation.text, fx->incarnation.text);
}

FX_TEST(an_expired_offer_is_refused)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->expires_ms = fx->now_ms - 1;
    fx_offer(fx, job);
    assert_int_equal(fx_nacked(fx), NACK_EXPIRED);
}

FX_TEST(expiry_counts_from_the_greatest_signed_time_when_the_clock_is_slow)
{
    struct job *late = fx_job(fx, "j1", 1, 1, 1);
    late->issued_ms += 500000;
    late->expires_ms += 500000;
    fx_offer(fx, late);
    assert_int_equal(fx_sent(fx, MESSAGE_ACCEPT), 1);
    struct job *old = fx_job(fx, "j2", 1, 1, 2);
    old->target = "deploy:other/group";
    fx_offer(fx, old);
    assert_int_equal(fx_nacked(fx), NACK_EXPIRED);
    fx_restart(fx);
    fx_connect(fx);
    fx_offer(fx, old);
    assert_int_equal(fx_nacked(fx), NACK_EXPIRED);
}

FX_TEST(an_offer_with_a_fence_not_above_the_targets_is_stale)
{
    fx_offer(fx, fx_job(fx, "j1", 1, 1, 7));
    assert_int_equal(fx_sent(fx, MESSAGE_ACCEPT), 1);
    fx_offer(fx, fx_job(fx, "j2", 1, 1, 7));
    assert_int_equal(fx_nacked(fx), NACK_STALE);
    fx_offer(fx, fx_job(fx, "j2", 1, 1, 6));
    assert_int_equal(fx_nacked(fx), NACK_STALE);
    assert_string_equal(fx_said(fx, MESSAGE_NACK)->nack.job.text, "j2");
}

FX_TEST(an_offer_beyond_the_rows_limit_is_refused_until_there_is_room)
{
    fx_untold(fx);
    struct job *first = NULL;
    for (unsigned i = 0; i < WIRE_ROWS_MAX; i++) {
        char id[16];
        snprintf(id, sizeof id, "j%u", i);
        struct job *job = fx_job(fx, id, 1, 1, i + 1);
        if (!first) first = job;
        fx_offer(fx, job);
        assert_int_equal(fx_sent(fx, MESSAGE_ACCEPT), 1);
    }
    struct job *more = fx_job(fx, "more", 1, 1, WIRE_ROWS_MAX + 1);
    fx_offer(fx, more);
    assert_int_equal(fx_nacked(fx), NACK_FULL);
    fx_ended(fx, first, 0, 1, STATUS_FAILED);
    fx_result_ack(fx, first);
    fx_offer(fx, more);
    assert_int_equal(fx_sent(fx, MESSAGE_ACCEPT), 1);
}

FX_TEST(accepting_is_one_turn_of_row_target_and_epoch)
{
    struct job *job = fx_job(fx, "j1", 1, 3, 1);
    fx_offer(fx, job);
    assert_int_equal(fx_sent(fx, MESSAGE_ACCEPT), 1);
    assert_non_null(fx_disk_row(fx, job));
    assert_int_equal(fx_disk_target(fx, "deploy:app/group")->fence_max.epoch, 3);
    assert_int_equal(fx_find(fx, "self")->record.self.epoch_max, 3);
    assert_int_equal(fx_said(fx, MESSAGE_ACCEPT)->accept.row.fence.epoch, 3);
}

FX_TEST(a_repeated_offer_is_answered_by_the_rows_state_whatever_changed_since)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_welcome(fx, 9);
    fx_tick(fx, 1000000);
    fx_offer(fx, job);
    assert_int_equal(fx_sent(fx, MESSAGE_ACCEPT), 1);
    assert_int_equal(fx_count(fx, WORKER_PUT), 0);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    fx_ended(fx, job, 0, 1, STATUS_FAILED);
    fx_offer(fx, job);
    assert_int_equal(fx_sent(fx, MESSAGE_ACCEPT), 0);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 1);
}

FX_TEST(a_job_that_was_acknowledged_never_starts_again)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_ended(fx, job, 0, 1, STATUS_FAILED);
    fx_result_ack(fx, job);
    assert_null(fx_disk_row(fx, job));
    assert_int_equal(fx_count(fx, WORKER_FORGET_ACTION), 1);
    fx_restart(fx);
    fx_connect(fx);
    fx_welcome(fx, 1);
    fx_offer(fx, job);
    assert_int_equal(fx_nacked(fx), NACK_STALE);
}

FX_TEST(a_result_ack_for_a_running_job_changes_nothing)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_result_ack(fx, job);
    assert_int_equal(fx_disk_row(fx, job)->row.state, ROW_RUNNING);
}

FX_TEST(a_cancel_without_a_signature_or_of_an_older_epoch_is_ignored)
{
    struct job *job = fx_job(fx, "j1", 1, 2, 1);
    fx_offer(fx, job);
    struct message m = { .type = MESSAGE_CANCEL };
    fx_message(fx, &m);
    assert_int_equal(fx_sent(fx, MESSAGE_CANCEL_ACK), 0);
    fx_cancel(fx, job, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_CANCEL_ACK), 0);
    assert_false(fx_disk_row(fx, job)->cancel);
}

FX_TEST(a_cancel_for_another_incarnation_is_ignored)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx->incarnation = fx_id("other");
    fx_cancel(fx, job, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_CANCEL_ACK), 0);
}

FX_TEST(a_cancel_that_overtakes_its_offer_stops_the_job_for_ever)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 5);
    fx_cancel(fx, job, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_CANCEL_ACK), 1);
    assert_int_equal(fx_said(fx, MESSAGE_RESULT)->result.status, STATUS_STOPPED);
    assert_int_equal(fx_disk_target(fx, "deploy:app/group")->fence_max.seq, 5);
    fx_restart(fx);
    fx_connect(fx);
    fx_welcome(fx, 1);
    fx_offer(fx, job);
    assert_int_equal(fx_nacked(fx), NACK_STALE);
    fx_cancel(fx, job, 1);
    assert_int_equal(fx_said(fx, MESSAGE_RESULT)->result.status, STATUS_STOPPED);
    assert_int_equal(fx_count(fx, WORKER_PUT), 0);
    struct job *again = fx_job(fx, "j1", 2, 1, 6);
    fx_offer(fx, again);
    fx_assert_started(fx, again, 0, 1);
}

FX_TEST(a_late_cancel_does_not_lower_the_targets_fence)
{
    fx_offer(fx, fx_job(fx, "j2", 1, 1, 9));
    fx_cancel(fx, fx_job(fx, "j1", 1, 1, 5), 1);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 1);
    assert_int_equal(fx_disk_target(fx, "deploy:app/group")->fence_max.seq, 9);
}

FX_TEST(a_drop_deletes_at_once_what_does_not_run)
{
    struct job *running = fx_job(fx, "j1", 1, 1, 1);
    struct job *waiting = fx_job(fx, "j2", 1, 1, 2);
    fx_offer(fx, running);
    fx_offer(fx, waiting);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    fx_drop(fx, waiting);
    assert_null(fx_disk_row(fx, waiting));
    fx_offer(fx, waiting);
    assert_int_equal(fx_nacked(fx), NACK_STALE);
}

FX_TEST(a_drop_of_a_running_job_ends_its_step_first)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_drop(fx, job);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 1);
    assert_true(fx_disk_row(fx, job)->cancel);
    fx_ended(fx, job, 0, 1, STATUS_STOPPED);
    assert_null(fx_disk_row(fx, job));
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 0);
    assert_int_equal(fx_count(fx, WORKER_FORGET_ACTION), 1);
}

FX_TEST(a_newer_attempt_ends_the_older_one_and_waits_for_it)
{
    struct job *old = fx_job(fx, "j1", 1, 1, 1);
    struct job *new = fx_job(fx, "j1", 2, 1, 2);
    fx_offer(fx, old);
    fx_offer(fx, new);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    fx_ended(fx, old, 0, 1, STATUS_SUCCEEDED);
    fx_assert_started(fx, new, 0, 1);
    assert_int_equal(fx_disk_row(fx, old)->result.status, STATUS_STOPPED);
}

FX_TEST(another_job_of_the_same_target_waits_until_the_first_has_ended)
{
    struct job *a = fx_job(fx, "j1", 1, 1, 1);
    struct job *b = fx_job(fx, "j2", 1, 1, 2);
    fx_offer(fx, a);
    fx_offer(fx, b);
    assert_int_equal(fx_sent(fx, MESSAGE_ACCEPT), 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    fx_ended(fx, a, 0, 1, STATUS_SUCCEEDED);
    fx_assert_started(fx, a, 1, 1);
    fx_ended(fx, a, 1, 1, STATUS_FAILED);
    fx_assert_started(fx, b, 0, 1);
}

FX_TEST(an_offer_is_good_to_its_last_millisecond)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->expires_ms = fx->now_ms;
    fx_offer(fx, job);
    assert_int_equal(fx_sent(fx, MESSAGE_ACCEPT), 1);
}

FX_TEST(the_row_remembers_when_and_where_it_was_accepted)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    const struct row_record *row = fx_disk_row(fx, job);
    assert_int_equal(row->accepted_ms, fx->now_ms);
    assert_int_equal(row->accepted_boot_ms, fx->boot_ms);
    assert_string_equal(row->boot.text, "boot-1");
    assert_int_equal(row->run, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_HEARTBEAT), 0); /* a pinned job waits for no echo */
}

FX_TEST(another_jobs_newer_attempt_ends_nothing)
{
    fx_offer(fx, fx_job(fx, "j1", 1, 1, 1));
    fx_offer(fx, fx_job(fx, "j2", 2, 1, 2));
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 0);
}

FX_TEST(a_cancel_for_another_worker_is_ignored)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    struct cancel cancel = { .key = fx_key(job),
                             .target = job->target,
                             .worker = "w2",
                             .incarnation = fx->incarnation,
                             .epoch = 1 };
    struct message m = { .type = MESSAGE_CANCEL };
    m.cancel.cancel = &cancel;
    fx_message(fx, &m);
    assert_int_equal(fx_sent(fx, MESSAGE_CANCEL_ACK), 0);
    assert_false(fx_disk_row(fx, job)->cancel);
}

FX_TEST(the_epoch_of_a_cancel_is_remembered)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_cancel(fx, job, 6);
    assert_int_equal(fx_find(fx, "self")->record.self.epoch_max, 6);
}

FX_TEST(words_about_unknown_jobs_are_ignored)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_result_ack(fx, job);
    fx_drop(fx, job);
    assert_int_equal(fx->out.count, 0);
}

FX_TEST(rows_are_told_in_the_order_of_their_fences)
{
    struct job *late = fx_job(fx, "j2", 1, 1, 2), *early = fx_replicate(fx, "j1", 1);
    fx_offer(fx, late);
    fx_offer(fx, early);
    const struct heartbeat *heartbeat = &fx_said(fx, MESSAGE_HEARTBEAT)->heartbeat;
    assert_int_equal(heartbeat->row_count, 2);
    assert_string_equal(heartbeat->rows[0].job.text, "j1");
    assert_string_equal(heartbeat->rows[1].job.text, "j2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_without_a_good_signature_is_refused),
        cmocka_unit_test(an_offer_of_an_older_epoch_is_refused),
        cmocka_unit_test(an_offer_for_another_worker_or_incarnation_is_refused),
        cmocka_unit_test(an_expired_offer_is_refused),
        cmocka_unit_test(expiry_counts_from_the_greatest_signed_time_when_the_clock_is_slow),
        cmocka_unit_test(an_offer_with_a_fence_not_above_the_targets_is_stale),
        cmocka_unit_test(an_offer_beyond_the_rows_limit_is_refused_until_there_is_room),
        cmocka_unit_test(accepting_is_one_turn_of_row_target_and_epoch),
        cmocka_unit_test(a_repeated_offer_is_answered_by_the_rows_state_whatever_changed_since),
        cmocka_unit_test(a_job_that_was_acknowledged_never_starts_again),
        cmocka_unit_test(a_result_ack_for_a_running_job_changes_nothing),
        cmocka_unit_test(a_cancel_without_a_signature_or_of_an_older_epoch_is_ignored),
        cmocka_unit_test(a_cancel_for_another_incarnation_is_ignored),
        cmocka_unit_test(a_cancel_that_overtakes_its_offer_stops_the_job_for_ever),
        cmocka_unit_test(a_late_cancel_does_not_lower_the_targets_fence),
        cmocka_unit_test(a_drop_deletes_at_once_what_does_not_run),
        cmocka_unit_test(a_drop_of_a_running_job_ends_its_step_first),
        cmocka_unit_test(a_newer_attempt_ends_the_older_one_and_waits_for_it),
        cmocka_unit_test(another_job_of_the_same_target_waits_until_the_first_has_ended),
        cmocka_unit_test(an_offer_is_good_to_its_last_millisecond),
        cmocka_unit_test(the_row_remembers_when_and_where_it_was_accepted),
        cmocka_unit_test(another_jobs_newer_attempt_ends_nothing),
        cmocka_unit_test(a_cancel_for_another_worker_is_ignored),
        cmocka_unit_test(the_epoch_of_a_cancel_is_remembered),
        cmocka_unit_test(words_about_unknown_jobs_are_ignored),
        cmocka_unit_test(rows_are_told_in_the_order_of_their_fences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
