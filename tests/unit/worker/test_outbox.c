#include "fixture.h"

FX_TEST(a_new_disk_is_a_new_incarnation_and_an_old_one_is_not)
{
    struct id first = fx->incarnation;
    assert_int_equal(strlen(first.text), 36);
    fx_restart(fx);
    assert_int_equal(fx_count(fx, WORKER_PUT), 0);
    assert_string_equal(fx->incarnation.text, first.text);
}

FX_TEST(nothing_is_said_before_the_transport_is_up)
{
    fx_restart(fx);
    assert_int_equal(worker_deadline(fx->worker), UINT64_MAX);
    fx_welcome(fx, 1);
    fx_tick(fx, 100000);
    assert_int_equal(fx_count(fx, WORKER_SEND), 0);
}

FX_TEST(hello_is_repeated_until_welcomed)
{
    fx_restart(fx);
    fx_connect(fx);
    assert_int_equal(fx_sent(fx, MESSAGE_HELLO), 1);
    assert_string_equal(fx_said(fx, MESSAGE_HELLO)->hello.name, "w1");
    assert_int_equal(fx_said(fx, MESSAGE_HELLO)->hello.epoch_max, 1);
    assert_int_equal(worker_deadline(fx->worker), fx->boot_ms + 500);
    fx_tick(fx, 499);
    assert_int_equal(fx_count(fx, WORKER_SEND), 0);
    fx_tick(fx, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_HELLO), 1);
    fx_welcome(fx, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_HELLO), 0);
    assert_int_equal(fx_sent(fx, MESSAGE_HEARTBEAT), 1);
}

FX_TEST(a_welcome_of_another_incarnation_or_an_older_epoch_is_ignored)
{
    fx_welcome(fx, 4);
    assert_int_equal(fx_find(fx, "self")->record.self.epoch_max, 4);
    fx_restart(fx);
    fx_connect(fx);
    fx_welcome(fx, 3);
    assert_int_equal(fx_sent(fx, MESSAGE_HEARTBEAT), 0);
    struct id own = fx->incarnation;
    fx->incarnation = fx_id("other");
    fx_welcome(fx, 5);
    assert_int_equal(fx_sent(fx, MESSAGE_HEARTBEAT), 0);
    fx->incarnation = own;
    fx_welcome(fx, 5);
    assert_int_equal(fx_sent(fx, MESSAGE_HEARTBEAT), 1);
}

FX_TEST(an_idle_worker_wakes_up_for_its_heartbeats_only)
{
    for (int i = 0; i < 5; i++) {
        assert_int_equal(worker_deadline(fx->worker), fx->boot_ms + 1000);
        fx_tick(fx, 1000);
        assert_int_equal(fx_count(fx, WORKER_SEND), 1);
        assert_int_equal(fx_said(fx, MESSAGE_HEARTBEAT)->heartbeat.boot_ms, fx->boot_ms);
        assert_int_equal(fx_count(fx, WORKER_PUT), 0);
        fx_welcome(fx, 1);
    }
}

FX_TEST(a_welcome_with_a_senseless_heartbeat_does_not_flood)
{
    struct message m = { .type = MESSAGE_WELCOME };
    m.welcome = (struct welcome){ .epoch = 1, .incarnation = fx->incarnation };
    fx_message(fx, &m);
    fx_tick(fx, 1000);
    assert_int_equal(worker_deadline(fx->worker), fx->boot_ms + 1000);
}

FX_TEST(a_heartbeat_of_a_minute_is_the_longest)
{
    struct message m = { .type = MESSAGE_WELCOME };
    m.welcome =
        (struct welcome){ .epoch = 1, .heartbeat_ms = 60000, .incarnation = fx->incarnation };
    fx_message(fx, &m);
    fx_tick(fx, 1000);
    assert_int_equal(worker_deadline(fx->worker), fx->boot_ms + 60000);
}

FX_TEST(a_second_welcome_repeats_nothing)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_ended(fx, job, 0, 1, STATUS_FAILED);
    fx_welcome(fx, 1);
    assert_int_equal(fx_count(fx, WORKER_SEND), 0);
    fx_connect(fx);
    fx_welcome(fx, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 1);
    assert_int_equal(fx_sent(fx, MESSAGE_HEARTBEAT), 1);
}

FX_TEST(silence_of_nine_heartbeats_means_hello_again)
{
    for (int i = 0; i < 8; i++) fx_tick(fx, 1000);
    assert_int_equal(fx_sent(fx, MESSAGE_HEARTBEAT), 1);
    fx_tick(fx, 1000);
    assert_int_equal(fx_sent(fx, MESSAGE_HEARTBEAT), 0);
    assert_int_equal(fx_sent(fx, MESSAGE_HELLO), 1);
}

FX_TEST(hello_first_is_obeyed_at_once_but_once)
{
    struct message m = { .type = MESSAGE_REFUSAL };
    m.refusal.cause = "hello first";
    fx_message(fx, &m);
    assert_int_equal(fx_sent(fx, MESSAGE_HELLO), 1);
    fx_message(fx, &m);
    assert_int_equal(fx_sent(fx, MESSAGE_HELLO), 0);
}

FX_TEST(any_other_refusal_is_told_and_tried_again_after_five_seconds)
{
    struct message m = { .type = MESSAGE_REFUSAL };
    m.refusal.cause = "another worker of this name is connected";
    fx_message(fx, &m);
    assert_int_equal(fx_count(fx, WORKER_SEND), 0);
    assert_int_equal(fx_action(fx, WORKER_NOTE)->note.level, NOTE_ERROR);
    assert_int_equal(worker_deadline(fx->worker), fx->boot_ms + 5000);
    fx_tick(fx, 5000);
    assert_int_equal(fx_sent(fx, MESSAGE_HELLO), 1);
}

FX_TEST(a_result_is_repeated_until_it_is_acknowledged)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_ended(fx, job, 0, 1, STATUS_FAILED);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 1);
    fx_tick(fx, 499);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 0);
    fx_tick(fx, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 1);
    fx_restart(fx);
    fx_connect(fx);
    assert_int_equal(fx_said(fx, MESSAGE_HELLO)->hello.row_count, 1);
    assert_int_equal(fx_said(fx, MESSAGE_HELLO)->hello.rows[0].state, ROW_ENDED);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 0);
    fx_welcome(fx, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 1);
    assert_string_equal(fx_said(fx, MESSAGE_RESULT)->result.diagnostics.message,
                        "said by the step");
    fx_result_ack(fx, job);
    fx_tick(fx, 500);
    assert_int_equal(fx_sent(fx, MESSAGE_RESULT), 0);
}

FX_TEST(steps_starts_and_ends_are_hinted_and_progress_once_a_second)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    assert_int_equal(fx_sent(fx, MESSAGE_PROGRESS), 1);
    struct worker_event event = { .type = WORKER_STEP_PROGRESS };
    event.progress.step = fx_ref(job, 0, 1);
    event.progress.done = 3;
    event.progress.total = 9;
    fx_turn(fx, &event);
    assert_int_equal(fx_said(fx, MESSAGE_PROGRESS)->progress.done, 3);
    fx_turn(fx, &event);
    assert_int_equal(fx_sent(fx, MESSAGE_PROGRESS), 0);
    fx_tick(fx, 1000);
    fx_turn(fx, &event);
    assert_int_equal(fx_sent(fx, MESSAGE_PROGRESS), 1);
    assert_int_equal(fx_count(fx, WORKER_PUT), 0);
    fx_ended(fx, job, 0, 1, STATUS_SUCCEEDED);
    assert_int_equal(fx_sent(fx, MESSAGE_PROGRESS), 2);
}

FX_TEST(hello_heartbeat_and_welcome_say_who_and_what_is_held)
{
    struct job *job = fx_job(fx, "j1", 3, 1, 1);
    fx_offer(fx, job);
    fx_tick(fx, 1000);
    const struct heartbeat *heartbeat = &fx_said(fx, MESSAGE_HEARTBEAT)->heartbeat;
    assert_string_equal(heartbeat->incarnation.text, fx->incarnation.text);
    assert_int_equal(heartbeat->row_count, 1);
    assert_int_equal(heartbeat->rows[0].attempt, 3);
    fx_connect(fx);
    const struct hello *hello = &fx_said(fx, MESSAGE_HELLO)->hello;
    assert_string_equal(hello->region, "us-east-1");
    assert_string_equal(hello->version, "1");
    assert_string_equal(hello->boot.text, "boot-1");
    assert_string_equal(hello->incarnation.text, fx->incarnation.text);
    assert_int_equal(hello->row_count, 1);
    assert_string_equal(hello->rows[0].job.text, "j1");
}

FX_TEST(a_heartbeat_outside_of_its_bounds_is_the_default)
{
    static const struct {
        uint32_t told, used;
    } cases[] = { { 99, 1000 }, { 100, 100 }, { 60000, 60000 }, { 60001, 1000 } };
    fx_offer(fx, fx_job(fx, "j1", 1, 1, 1)); /* it has nothing to say yet */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fx_connect(fx);
        struct message m = { .type = MESSAGE_WELCOME };
        m.welcome = (struct welcome){ .epoch = 1,
                                      .heartbeat_ms = cases[i].told,
                                      .incarnation = fx->incarnation };
        fx_message(fx, &m);
        assert_int_equal(worker_deadline(fx->worker), fx->boot_ms + cases[i].used);
    }
}

FX_TEST(without_a_transport_everything_is_done_and_nothing_is_said)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_restart(fx);
    struct message unsigned_ = { .type = MESSAGE_OFFER };
    fx_message(fx, &unsigned_);
    assert_int_equal(fx_count(fx, WORKER_SEND), 0);
    fx_cancel(fx, fx_replicate(fx, "j0", 1), 1);
    assert_int_equal(fx_count(fx, WORKER_SEND), 0);
    fx_offer(fx, job);
    fx_assert_started(fx, job, 0, 1);
    assert_int_equal(fx_count(fx, WORKER_SEND), 0);
    fx_ended(fx, job, 0, 1, STATUS_FAILED);
    assert_int_equal(fx_count(fx, WORKER_SEND), 0);
    fx_offer(fx, job);
    assert_int_equal(fx_count(fx, WORKER_SEND), 0);
}

FX_TEST(before_the_welcome_no_progress_is_hinted)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_restart(fx);
    fx_connect(fx);
    fx_offer(fx, job);
    assert_int_equal(fx_sent(fx, MESSAGE_ACCEPT), 1);
    assert_int_equal(fx_sent(fx, MESSAGE_PROGRESS), 0);
}

FX_TEST(a_refusal_names_the_offer)
{
    struct job *job = fx_job(fx, "j1", 4, 1, 7);
    job->worker = "w2";
    fx_offer(fx, job);
    const struct nack *nack = &fx_said(fx, MESSAGE_NACK)->nack;
    assert_string_equal(nack->job.text, "j1");
    assert_int_equal(nack->attempt, 4);
    assert_int_equal(nack->fence.seq, 7);
    assert_string_equal(fx_action(fx, WORKER_NOTE)->note.text,
                        "job=j1 attempt=4: offer refused: audience");
}

FX_TEST(the_result_of_what_never_began_names_it)
{
    fx_cancel(fx, fx_job(fx, "j1", 4, 1, 7), 1);
    assert_string_equal(fx_said(fx, MESSAGE_CANCEL_ACK)->cancel_ack.job.text, "j1");
    const struct result *result = &fx_said(fx, MESSAGE_RESULT)->result;
    assert_string_equal(result->job.text, "j1");
    assert_int_equal(result->attempt, 4);
    assert_int_equal(result->fence.seq, 7);
    assert_int_equal(result->ended_ms, fx->now_ms);
    assert_string_equal(result->diagnostics.message, "stopped on request before it was begun");
}

FX_TEST(a_hint_names_its_step)
{
    struct job *job = fx_job(fx, "j1", 4, 1, 7);
    fx_offer(fx, job);
    const struct progress *progress = &fx_said(fx, MESSAGE_PROGRESS)->progress;
    assert_string_equal(progress->job.text, "j1");
    assert_int_equal(progress->attempt, 4);
    assert_int_equal(progress->report.event, EVENT_APPLICATION_STOP);
    assert_int_equal(progress->report.status, STATUS_IN_PROGRESS);
    assert_int_equal(progress->done, 0);
    assert_int_equal(progress->total, 0);
    struct worker_event event = { .type = WORKER_STEP_PROGRESS };
    event.progress.step = fx_ref(job, 0, 1);
    event.progress.total = 9;
    fx_turn(fx, &event);
    assert_int_equal(fx_said(fx, MESSAGE_PROGRESS)->progress.total, 9);
}

FX_TEST(the_worker_wakes_for_a_result_and_for_the_end_of_its_patience)
{
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_ended(fx, job, 0, 1, STATUS_FAILED);
    assert_int_equal(worker_deadline(fx->worker), fx->boot_ms + 500);
    fx_result_ack(fx, job);
    assert_int_equal(worker_deadline(fx->worker), fx->boot_ms + 1000);
    fx_tick(fx, 500);
    fx_welcome(fx, 1); /* heard between two heartbeats */
    for (int i = 0; i < 9; i++) fx_tick(fx, i ? 1000 : 500);
    assert_int_equal(fx_sent(fx, MESSAGE_HEARTBEAT), 1);
    assert_int_equal(worker_deadline(fx->worker), fx->boot_ms + 500);
    fx_tick(fx, 499);
    assert_int_equal(fx_count(fx, WORKER_SEND), 0);
    fx_tick(fx, 1);
    assert_int_equal(fx_sent(fx, MESSAGE_HELLO), 1);
    assert_int_equal(worker_deadline(fx->worker), fx->boot_ms + 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_disk_is_a_new_incarnation_and_an_old_one_is_not),
        cmocka_unit_test(nothing_is_said_before_the_transport_is_up),
        cmocka_unit_test(hello_is_repeated_until_welcomed),
        cmocka_unit_test(a_welcome_of_another_incarnation_or_an_older_epoch_is_ignored),
        cmocka_unit_test(an_idle_worker_wakes_up_for_its_heartbeats_only),
        cmocka_unit_test(a_welcome_with_a_senseless_heartbeat_does_not_flood),
        cmocka_unit_test(a_heartbeat_of_a_minute_is_the_longest),
        cmocka_unit_test(a_second_welcome_repeats_nothing),
        cmocka_unit_test(silence_of_nine_heartbeats_means_hello_again),
        cmocka_unit_test(hello_first_is_obeyed_at_once_but_once),
        cmocka_unit_test(any_other_refusal_is_told_and_tried_again_after_five_seconds),
        cmocka_unit_test(a_result_is_repeated_until_it_is_acknowledged),
        cmocka_unit_test(steps_starts_and_ends_are_hinted_and_progress_once_a_second),
        cmocka_unit_test(hello_heartbeat_and_welcome_say_who_and_what_is_held),
        cmocka_unit_test(a_heartbeat_outside_of_its_bounds_is_the_default),
        cmocka_unit_test(without_a_transport_everything_is_done_and_nothing_is_said),
        cmocka_unit_test(before_the_welcome_no_progress_is_hinted),
        cmocka_unit_test(a_refusal_names_the_offer),
        cmocka_unit_test(the_result_of_what_never_began_names_it),
        cmocka_unit_test(a_hint_names_its_step),
        cmocka_unit_test(the_worker_wakes_for_a_result_and_for_the_end_of_its_patience),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
