#include "fixture.h"

#include <string.h>

static void begin(struct world *w)
{
    world_init(w);
    world_connect(w);
    assert_int_equal(world_apply(w, "xr Prod=us-west-2")->failure.code, ERR_NONE);
}

static const struct worker_summary *summary(struct world *w, const char *name)
{
    const struct worker_summary *all;
    size_t count = coordinator_view_workers(w->c, &w->arena, &all);
    for (size_t i = 0; i < count; i++)
        if (text_equal(all[i].name, name)) return &all[i];
    return NULL;
}

static const char *refusal(struct world *w, const char *worker)
{
    const struct coordinator_action *action = world_sent(w, worker, MESSAGE_REFUSAL);
    return action ? action->send.message.refusal.cause : NULL;
}

static void a_hello_is_answered_with_what_the_worker_must_know(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_tell(&w, __func__);
    world_hello(&w, "w1", "us-west-2", 1, 1);
    const struct coordinator_action *action = world_sent(&w, "w1", MESSAGE_WELCOME);
    assert_non_null(action);
    assert_int_equal(action->send.session, 1);
    assert_int_equal(action->send.message.welcome.epoch, 1);
    assert_int_equal(action->send.message.welcome.heartbeat_ms, 1000);
    assert_int_equal(action->send.message.welcome.lease_ms, 10000);
    assert_string_equal(action->send.message.welcome.incarnation.text, "i1");
    assert_string_equal(world_stored(&w, "worker/w1")->worker.incarnation.text, "i1");
    assert_true(summary(&w, "w1")->connected);
    assert_false(summary(&w, "e1")->connected);
    world_deinit(&w);
}

static void another_name_or_region_than_enrolled_is_refused(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_hello(&w, "w1", "us-east-1", 1, 1);
    assert_non_null(strstr(refusal(&w, "w1"), "enrolled for worker w1 in region us-west-2"));
    struct message message = { .type = MESSAGE_HELLO };
    message.hello = (struct hello){ .name = "e1", .region = "us-west-2", .version = "" };
    world_message(&w, "w1", 1, &message);
    assert_non_null(refusal(&w, "w1"));
    assert_false(summary(&w, "w1")->connected);
    world_deinit(&w);
}

static void a_worker_that_is_not_enrolled_gets_no_answer(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_hello(&w, "x1", "us-west-2", 1, 1);
    assert_int_equal(w.out.count, 0);
    world_deinit(&w);
}

static void a_heartbeat_before_hello_is_told_to_say_hello(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_heartbeat(&w, "w1", 1, 1, NULL, 0);
    assert_string_equal(refusal(&w, "w1"), "hello first");
    world_hello(&w, "w1", "us-west-2", 1, 1);
    world_heartbeat(&w, "w1", 2, 1, NULL, 0);
    assert_string_equal(refusal(&w, "w1"), "hello first");
    world_heartbeat(&w, "w1", 1, 5, NULL, 0);
    assert_string_equal(refusal(&w, "w1"), "hello first");
    world_heartbeat(&w, "w1", 1, 1, NULL, 0);
    assert_null(refusal(&w, "w1"));
    const struct coordinator_action *lease = world_sent(&w, "w1", MESSAGE_LEASE);
    assert_non_null(lease);
    assert_int_equal(lease->send.message.lease.boot_ms, 123456);
    assert_int_equal(lease->send.message.lease.epoch, 1);
    assert_int_equal(lease->send.message.lease.row_count, 0);
    world_deinit(&w);
}

static void a_second_worker_of_one_name_is_refused_while_the_first_lives(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    world_hello(&w, "w1", "us-west-2", 2, 8);
    assert_non_null(strstr(refusal(&w, "w1"), "stop one of them"));
    assert_non_null(strstr(summary(&w, "w1")->alarm, "two workers"));
    assert_string_equal(summary(&w, "w1")->incarnation.text, "i1");
    world_heartbeat(&w, "w1", 1, 1, NULL, 0);
    assert_non_null(world_sent(&w, "w1", MESSAGE_LEASE));
    world_sleep(&w, 4999);
    world_hello(&w, "w1", "us-west-2", 2, 8);
    assert_non_null(refusal(&w, "w1"));
    world_sleep(&w, 1);
    world_hello(&w, "w1", "us-west-2", 2, 8);
    assert_null(refusal(&w, "w1"));
    assert_string_equal(summary(&w, "w1")->incarnation.text, "i2");
    /* What the first one's connection still brings is too late. */
    world_sleep(&w, 6000);
    world_hello(&w, "w1", "us-west-2", 1, 1);
    assert_non_null(strstr(refusal(&w, "w1"), "was replaced"));
    world_hello(&w, "w1", "us-west-2", 1, 99);
    assert_null(refusal(&w, "w1"));
    world_sleep(&w, 60000);
    assert_string_equal(summary(&w, "w1")->alarm, "");
    world_deinit(&w);
}

static void the_newest_session_of_one_incarnation_wins(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_source(&w, "xr", "Source", "v1");
    struct job job = world_job_of(world_job(&w, "xr", "w1"));
    world_hello(&w, "w1", "us-west-2", 1, 50);
    assert_int_equal(world_sent(&w, "w1", MESSAGE_OFFER)->send.session, 50);
    world_result(&w, 1, &job, STATUS_SUCCEEDED);
    assert_int_equal(w.out.count, 0);
    world_result(&w, 50, &job, STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    uint64_t session;
    assert_true(coordinator_view_session(w.c, "w1", &session));
    assert_int_equal(session, 50);
    world_deinit(&w);
}

static void a_worker_with_an_empty_disk_leaves_its_jobs_unknown(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    world_sleep(&w, 5000);
    world_hello(&w, "w1", "us-west-2", 2, 3);
    const struct job_state *job = world_job(&w, "xr", "w1");
    assert_int_equal(job->status, STATUS_UNKNOWN);
    assert_int_equal(job->diagnostics.code, LIFECYCLE_FAILED_AFTER_RESTART);
    assert_non_null(strstr(job->diagnostics.message, "cannot be known"));
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    /* The verdict and the incarnation are in the journal before the welcome. */
    assert_string_equal(world_stored(&w, "worker/w1")->worker.incarnation.text, "i2");
    assert_int_equal(world_stored_count(&w, "job/"), 1);
    world_deinit(&w);
}

static void rows_in_the_hello_are_not_offered_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_source(&w, "xr", "Source", "v1");
    struct job job = world_job_of(world_job(&w, "xr", "w1"));
    world_restart(&w);
    struct row row = world_row(&job, ROW_RUNNING);
    struct message message = { .type = MESSAGE_HELLO };
    message.hello = (struct hello){ .name = "w1",
                                    .region = "us-west-2",
                                    .version = "",
                                    .incarnation = job.incarnation,
                                    .rows = &row,
                                    .row_count = 1 };
    world_message(&w, "w1", 4, &message);
    assert_null(world_offer(&w, "w1"));
    assert_false(world_sleep_sent(&w, 3000, "w1", MESSAGE_OFFER));
    world_hello(&w, "w1", "us-west-2", 1, 5);
    assert_non_null(world_offer(&w, "w1"));
    world_deinit(&w);
}

static void silence_is_noticed_after_five_seconds(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    assert_int_equal(coordinator_deadline(w.c), w.now_ms + 5000);
    world_sleep(&w, 4999);
    assert_true(summary(&w, "w1")->connected);
    world_sleep(&w, 1);
    assert_false(summary(&w, "w1")->connected);
    uint64_t session;
    assert_false(coordinator_view_session(w.c, "w1", &session));
    world_heartbeat(&w, "w1", 1, 1, NULL, 0);
    assert_true(summary(&w, "w1")->connected);
    world_deinit(&w);
}

static void a_worker_that_knows_a_later_epoch_raises_an_alarm(void **state)
{
    (void)state;
    struct world w;
    struct message message = { .type = MESSAGE_HELLO };
    world_init(&w);
    message.hello = (struct hello){ .name = "w1", .region = "us-west-2", .version = "" };
    assert_true(id_parse("i1", &message.hello.incarnation));
    message.hello.epoch_max = 1;
    world_message(&w, "w1", 1, &message);
    assert_string_equal(summary(&w, "w1")->alarm, "");
    message.hello.epoch_max = 9;
    world_message(&w, "w1", 1, &message);
    assert_non_null(strstr(summary(&w, "w1")->alarm, "later coordinator"));
    world_deinit(&w);
}

static void a_worker_that_is_enrolled_elsewhere_must_say_hello_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_source(&w, "xr", "Source", "v1");
    world_fleet(&w, "w1", "us-east-1", "e1", "us-east-1", (const char *)NULL);
    assert_false(summary(&w, "w1")->connected);
    assert_int_equal(world_job(&w, "xr", "w1")->status, STATUS_FAILED);
    world_heartbeat(&w, "w1", 1, 1, NULL, 0);
    assert_string_equal(refusal(&w, "w1"), "hello first");
    world_hello(&w, "w1", "us-west-2", 1, 1);
    assert_non_null(refusal(&w, "w1"));
    world_deinit(&w);
}

static void a_known_incarnation_is_not_written_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_restart(&w);
    world_hello(&w, "w1", "us-west-2", 1, 1);
    assert_int_equal(world_count(&w, COORDINATOR_PUT), 0);
    world_hello(&w, "w1", "us-west-2", 1, 2);
    assert_int_equal(world_count(&w, COORDINATOR_PUT), 0);
    world_deinit(&w);
}

static void a_jump_of_the_wall_clock_moves_the_deadlines(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_source(&w, "xr", "Source", "v1");
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_IN_PROGRESS);
    w.now_ms += 3600000; /* forward: the action's time is over at once */
    world_heartbeat(&w, "w1", 1, 1, NULL, 0);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    w.now_ms -= 3600000; /* back: ticks are still wanted soon */
    world_heartbeat(&w, "w1", 1, 1, NULL, 0);
    assert_true(coordinator_deadline(w.c) <= w.now_ms + 5000);
    world_deinit(&w);
    coordinator_free(NULL);
}

static void nobody_is_revoked_before_the_registry_is_known(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_source(&w, "xr", "Source", "v1");
    coordinator_free(w.c);
    w.c = coordinator_new(&w.config);
    struct record records[64];
    size_t count = 0;
    const char *const keys[] = { "epoch", "definition/xr/0000000001", "worker/w1" };
    for (size_t i = 0; i < 3; i++) records[count++] = *world_stored(&w, keys[i]);
    records[1].definition.parsed = world_parse("xr Prod=us-west-2");
    count += world_stored_all(&w, "execution/", &records[count]);
    count += world_stored_all(&w, "job/", &records[count]);
    world_step(
        &w, &(struct coordinator_event){ .type = COORDINATOR_START, .start = { records, count } });
    world_sleep(&w, 60000);
    assert_int_equal(world_job(&w, "xr", "w1")->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_name_or_region_than_enrolled_is_refused),
        cmocka_unit_test(a_worker_that_is_not_enrolled_gets_no_answer),
        cmocka_unit_test(a_heartbeat_before_hello_is_told_to_say_hello),
        cmocka_unit_test(a_second_worker_of_one_name_is_refused_while_the_first_lives),
        cmocka_unit_test(a_worker_that_knows_a_later_epoch_raises_an_alarm),
        cmocka_unit_test(a_worker_that_is_enrolled_elsewhere_must_say_hello_again),
        cmocka_unit_test(a_known_incarnation_is_not_written_again),
        cmocka_unit_test(a_jump_of_the_wall_clock_moves_the_deadlines),
        cmocka_unit_test(a_hello_is_answered_with_what_the_worker_must_know),
        cmocka_unit_test(the_newest_session_of_one_incarnation_wins),
        cmocka_unit_test(a_worker_with_an_empty_disk_leaves_its_jobs_unknown),
        cmocka_unit_test(rows_in_the_hello_are_not_offered_again),
        cmocka_unit_test(silence_is_noticed_after_five_seconds),
        cmocka_unit_test(nobody_is_revoked_before_the_registry_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
