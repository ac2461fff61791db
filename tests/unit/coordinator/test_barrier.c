/* All regions prepare before any region commits. */
#include "fixture.h"

#include <string.h>

#define BOTH "xr Prod~barrier=us-west-2,us-east-1"

static const char *const hosts[] = { "w1", "e1" };

static void begin(struct world *w, const char *definition)
{
    world_init(w);
    world_connect(w);
    assert_int_equal(world_apply(w, definition)->failure.code, ERR_NONE);
}

/* The artifact has come to us-east-1. */
static struct id run(struct world *w)
{
    struct id id = world_run(w, "xr", "", "v1")->execution;
    if (world_job(w, "xr", "e1")->kind == JOB_REPLICATE)
        world_finish(w, "xr", "e1", 2, STATUS_SUCCEEDED);
    return id;
}

static struct step_key key_of(const struct job_state *job)
{
    return (struct step_key){ .key = { job->id, job->attempt, job->fence }, .step = 3, .run = 1 };
}

static void prepared(struct world *w, size_t host)
{
    const struct job_state *job = world_job(w, "xr", hosts[host]);
    struct message m = { .type = MESSAGE_INTERRUPTED };
    assert_int_equal(job->status, STATUS_IN_PROGRESS);
    m.interrupted.at = key_of(job);
    m.interrupted.report =
        (struct lifecycle_report){ .event = EVENT_INSTALL, .status = STATUS_PENDING };
    m.interrupted.diagnostics = (struct diagnostics){ .script = "", .message = "", .log_tail = "" };
    world_message(w, hosts[host], host + 1, &m);
}

static void obeyed(struct world *w, size_t host)
{
    struct message m = { .type = MESSAGE_RESUME_ACK };
    m.resume_ack = key_of(world_job(w, "xr", hosts[host]));
    world_message(w, hosts[host], host + 1, &m);
}

static const struct resume *told(struct world *w, size_t host)
{
    const struct coordinator_action *sent = world_sent(w, hosts[host], MESSAGE_RESUME);
    return sent ? sent->send.resume : NULL;
}

static void nobody_goes_on_before_all_are_prepared(void **state)
{
    (void)state;
    struct world w;
    begin(&w, BOTH);
    world_tell(&w, __func__);
    world_run(&w, "xr", "", "v1");
    assert_true(world_offer(&w, "w1")->hold);
    prepared(&w, 0);
    assert_non_null(world_sent(&w, "w1", MESSAGE_INTERRUPTED_ACK));
    assert_null(told(&w, 0));
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED); /* the copy */
    assert_true(world_offer(&w, "e1")->hold);
    assert_string_equal(world_job(&w, "xr", "w1")->cause,
                        "prepared, waits for the other regions (barrier)");
    world_restart(&w);
    world_connect(&w);
    assert_int_equal(world_action(&w, "xr", 1, 0)->committed_ms, 0);
    prepared(&w, 1);
    assert_int_equal(told(&w, 0)->verb, RESUME_GO_ON);
    assert_int_equal(told(&w, 1)->verb, RESUME_GO_ON);
    assert_int_equal(world_action(&w, "xr", 1, 0)->committed_ms, w.now_ms);
    assert_int_equal(world_action(&w, "xr", 1, 1)->committed_ms, w.now_ms);
    obeyed(&w, 0);
    assert_true(world_sleep_sent(&w, 10000, "e1", MESSAGE_RESUME)); /* until it is heard */
    assert_null(told(&w, 0));
    obeyed(&w, 1);
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void the_word_is_said_again_after_a_restart(void **state)
{
    (void)state;
    struct world w;
    begin(&w, BOTH);
    run(&w);
    prepared(&w, 0);
    prepared(&w, 1);
    world_restart(&w);
    world_hello(&w, "w1", "us-west-2", 1, 1);
    assert_int_equal(told(&w, 0)->verb, RESUME_GO_ON);
    world_hello(&w, "e1", "us-east-1", 1, 2);
    assert_int_equal(told(&w, 1)->verb, RESUME_GO_ON);
    world_deinit(&w);
}

static void a_failure_while_preparing_ends_all_and_nobody_installs(void **state)
{
    (void)state;
    for (size_t failing = 0; failing < 2; failing++) {
        struct world w;
        begin(&w, "xr Prod~barrier~all=us-west-2,us-east-1");
        struct id id = run(&w);
        size_t other = 1 - failing;
        prepared(&w, other);
        world_finish(&w, "xr", hosts[failing], failing + 1, STATUS_FAILED);
        assert_non_null(world_sent(&w, hosts[other], MESSAGE_CANCEL));
        assert_null(told(&w, other));
        world_finish(&w, "xr", hosts[other], other + 1, STATUS_STOPPED);
        const struct execution_view *view = world_view(&w, "xr");
        assert_string_equal(view->execution.id.text, id.text);
        assert_int_equal(view->execution.status, STATUS_FAILED);
        const char *said = world_action(&w, "xr", 1, other)->error_message;
        assert_non_null(strstr(said, "could not be prepared: nothing is installed"));
        assert_non_null(strstr(said, hosts[failing]));
        world_deinit(&w);
    }
}

static void who_cannot_be_reached_breaks_it_at_the_deadline(void **state)
{
    (void)state;
    struct world w;
    begin(&w, BOTH);
    run(&w);
    prepared(&w, 0);
    uint64_t deadline_ms = world_action(&w, "xr", 1, 0)->deadline_ms;
    assert_true(deadline_ms > w.now_ms);
    while (w.now_ms < deadline_ms) {
        uint64_t left = deadline_ms - w.now_ms;
        world_sleep(&w, left < 600000 ? left : 600000);
        world_heartbeat(&w, "w1", 1, 1, NULL, 0);
        assert_null(told(&w, 0));
    }
    assert_int_equal(world_action(&w, "xr", 1, 1)->status, STATUS_FAILED);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_FAILED);
    assert_int_equal(world_action(&w, "xr", 1, 0)->committed_ms, 0);
    world_deinit(&w);
}

static void an_operator_cannot_say_the_word(void **state)
{
    (void)state;
    struct world w;
    begin(&w, BOTH);
    run(&w);
    prepared(&w, 0);
    for (enum resume_verb verb = RESUME_RERUN; verb <= RESUME_GO_ON; verb++) {
        struct request request = { .kind = REQUEST_RESUME };
        request.resume = (struct resume_request){
            .pipeline = "xr", .execution = "", .action = "", .worker = "", .verb = verb
        };
        request.resume.submission = id_new_uuid(&w.random);
        assert_int_not_equal(world_request(&w, &request, ROLE_DEPLOYER)->failure.code, ERR_NONE);
        assert_null(told(&w, 0));
    }
    world_deinit(&w);
}

static void a_host_that_comes_after_the_opening_does_not_hold(void **state)
{
    (void)state;
    struct world w;
    begin(&w, BOTH);
    run(&w);
    prepared(&w, 0);
    prepared(&w, 1);
    world_fleet(&w, "w1", "us-west-2", "e1", "us-east-1", "w2", "us-west-2", (const char *)NULL);
    world_hello(&w, "w2", "us-west-2", 1, 3);
    assert_non_null(world_offer(&w, "w2"));
    assert_false(world_offer(&w, "w2")->hold);
    world_deinit(&w);
}

static void a_host_that_comes_before_has_to_prepare_as_well(void **state)
{
    (void)state;
    struct world w;
    begin(&w, BOTH);
    run(&w);
    prepared(&w, 0);
    world_fleet(&w, "w1", "us-west-2", "e1", "us-east-1", "w2", "us-west-2", (const char *)NULL);
    world_hello(&w, "w2", "us-west-2", 1, 3);
    assert_true(world_offer(&w, "w2")->hold);
    prepared(&w, 1);
    assert_null(told(&w, 0));
    world_deinit(&w);
}

/* Found by the simulator: each held a part of the hosts and waited for the other. */
static void two_barriers_of_one_group_are_prepared_one_after_the_other(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr:PARALLEL Prod~barrier=us-west-2,us-east-1");
    struct id first = run(&w);
    prepared(&w, 0);
    run(&w);
    const struct execution_view *second = world_view(&w, "xr");
    assert_string_not_equal(second->execution.id.text, first.text);
    for (size_t i = 0; i < second->job_count; i++) {
        assert_int_equal(second->jobs[i].status, STATUS_PENDING);
        if (text_equal(second->jobs[i].worker, "e1"))
            assert_non_null(strstr(second->jobs[i].cause, first.text));
    }
    world_deinit(&w);
}

static void why_counts_who_is_prepared(void **state)
{
    (void)state;
    struct world w;
    const struct reason *all = NULL;
    size_t count = 0, found = 0;
    struct error err;
    begin(&w, BOTH);
    run(&w);
    prepared(&w, 0);
    assert_true(coordinator_view_why(w.c, "xr", "", &w.arena, &all, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (all[i].code != REASON_BARRIER) continue;
        found++;
        assert_string_equal(all[i].worker, "w1");
        assert_non_null(strstr(all[i].text, "1 of 2 hosts are"));
        assert_int_equal(all[i].deadline_ms, world_action(&w, "xr", 1, 0)->deadline_ms);
    }
    assert_int_equal(found, 1);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_goes_on_before_all_are_prepared),
        cmocka_unit_test(the_word_is_said_again_after_a_restart),
        cmocka_unit_test(a_failure_while_preparing_ends_all_and_nobody_installs),
        cmocka_unit_test(who_cannot_be_reached_breaks_it_at_the_deadline),
        cmocka_unit_test(an_operator_cannot_say_the_word),
        cmocka_unit_test(a_host_that_comes_after_the_opening_does_not_hold),
        cmocka_unit_test(a_host_that_comes_before_has_to_prepare_as_well),
        cmocka_unit_test(two_barriers_of_one_group_are_prepared_one_after_the_other),
        cmocka_unit_test(why_counts_who_is_prepared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
