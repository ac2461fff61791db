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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
