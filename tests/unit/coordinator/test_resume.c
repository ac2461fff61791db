#include "fixture.h"

/* A deployment on w1 that was interrupted at AfterInstall, step 4, run 2. */
static const struct job *deploy(struct world *w)
{
    world_init(w);
    world_connect(w);
    world_apply(w, "xr Prod=us-west-2");
    world_run(w, "xr", "s1", "");
    const struct job *job = world_offer(w, "w1");
    assert_non_null(job);
    world_accept(w, 1, job);
    return job;
}

static struct step_key at(const struct job *job, uint32_t run)
{
    return (struct step_key){ .key = { job->id, job->attempt, job->fence }, .step = 4, .run = run };
}

static void interrupt(struct world *w, const struct job *job, uint32_t run)
{
    struct message m = { .type = MESSAGE_INTERRUPTED };
    m.interrupted = (struct interrupted){
        .at = at(job, run),
        .report = { EVENT_AFTER_INSTALL, STATUS_UNKNOWN, 1, 2 },
        .diagnostics = { LIFECYCLE_FAILED_AFTER_RESTART, "a.sh", "it was interrupted", "tail" },
    };
    world_message(w, "w1", 1, &m);
}

static void obey(struct world *w, const struct job *job, uint32_t run)
{
    struct message m = { .type = MESSAGE_RESUME_ACK, .resume_ack = at(job, run) };
    world_message(w, "w1", 1, &m);
}

static const struct reply *ask(struct world *w, const char *submission, const char *host,
                               enum resume_verb verb)
{
    struct request request = { .kind = REQUEST_RESUME };
    request.resume = (struct resume_request){
        .pipeline = "xr", .execution = "", .action = "", .worker = host, .verb = verb
    };
    assert_true(id_parse(submission, &request.resume.submission));
    return world_request(w, &request, ROLE_DEPLOYER);
}

static const struct job_state *job_now(struct world *w)
{
    return world_job(w, "xr", "w1");
}

static void what_was_not_interrupted_is_not_resumed(void **state)
{
    (void)state;
    struct world w;
    deploy(&w);
    assert_int_equal(ask(&w, "r1", "", RESUME_RERUN)->failure.code, ERR_CONFLICT);
    assert_int_equal(ask(&w, "r2", "", RESUME_NONE)->failure.code, ERR_INVALID);
    world_deinit(&w);
}

static void an_interruption_is_journalled_before_it_is_acknowledged(void **state)
{
    (void)state;
    struct world w;
    const struct job *job = deploy(&w);
    world_tell(&w, __func__);
    interrupt(&w, job, 2);
    assert_non_null(world_sent(&w, "w1", MESSAGE_INTERRUPTED_ACK));
    const struct job_state *now = job_now(&w);
    assert_int_equal(now->status, STATUS_IN_PROGRESS);
    assert_int_equal(now->interruption.run, 2);
    assert_string_equal(now->cause, "it was interrupted");
    assert_string_equal(now->diagnostics.script, "a.sh");
    assert_int_equal(now->failed_event, EVENT_AFTER_INSTALL);
    world_restart(&w);
    assert_int_equal(job_now(&w)->interruption.run, 2);
    assert_string_equal(job_now(&w)->diagnostics.log_tail, "tail");
    world_deinit(&w);
}

static void an_interruption_of_somebody_else_is_ignored(void **state)
{
    (void)state;
    struct world w;
    struct job job = *deploy(&w);
    job.attempt++;
    interrupt(&w, &job, 2);
    assert_null(world_sent(&w, "w1", MESSAGE_INTERRUPTED_ACK));
    assert_int_equal(job_now(&w)->interruption.run, 0);
    world_deinit(&w);
}

static void the_word_is_sent_until_it_is_obeyed_and_counts_once(void **state)
{
    (void)state;
    struct world w;
    const struct job *job = deploy(&w);
    world_tell(&w, __func__);
    interrupt(&w, job, 2);
    assert_int_equal(ask(&w, "r1", "e1", RESUME_RERUN)->failure.code, ERR_CONFLICT);
    assert_int_equal(ask(&w, "r2", "w1", RESUME_RERUN)->failure.code, ERR_NONE);
    const struct coordinator_action *sent = world_sent(&w, "w1", MESSAGE_RESUME);
    assert_non_null(sent);
    assert_int_equal(sent->send.resume->verb, RESUME_RERUN);
    assert_int_equal(sent->send.resume->at.run, 2);
    assert_int_equal(ask(&w, "r3", "w1", RESUME_SKIP)->failure.code, ERR_CONFLICT);
    assert_true(world_sleep_sent(&w, w.config.offer_resend_ms + 1, "w1", MESSAGE_RESUME));
    obey(&w, job, 2);
    assert_true(job_now(&w)->interruption.obeyed);
    assert_string_equal(job_now(&w)->cause, "");
    assert_false(world_sleep_sent(&w, 3 * w.config.offer_resend_ms, "w1", MESSAGE_RESUME));
    interrupt(&w, job, 3);
    assert_int_equal(ask(&w, "r2", "w1", RESUME_RERUN)->failure.code,
                     ERR_NONE); /* answered again */
    assert_int_equal(job_now(&w)->interruption.verb, RESUME_NONE);
    world_deinit(&w);
}

static void after_the_word_the_event_goes_on(void **state)
{
    (void)state;
    struct world w;
    const struct job *job = deploy(&w);
    world_tell(&w, __func__);
    interrupt(&w, job, 2);
    ask(&w, "r1", "", RESUME_SKIP);
    obey(&w, job, 2);
    assert_int_equal(job_now(&w)->events[0].event, EVENT_AFTER_INSTALL);
    assert_int_equal(job_now(&w)->events[0].status, STATUS_SKIPPED);
    world_result(&w, 1, job, STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void a_stop_ends_what_waits(void **state)
{
    (void)state;
    struct world w;
    const struct job *job = deploy(&w);
    world_tell(&w, __func__);
    interrupt(&w, job, 2);
    world_stop(&w, world_view(&w, "xr")->execution.id.text, false);
    assert_non_null(world_sent(&w, "w1", MESSAGE_CANCEL));
    world_result(&w, 1, job, STATUS_STOPPED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_STOPPED);
    world_deinit(&w);
}

static void its_deadline_goes_on(void **state)
{
    (void)state;
    struct world w;
    interrupt(&w, deploy(&w), 2);
    world_sleep(&w, w.config.action_timeout_ms + 1000);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_interrupted_is_not_resumed),
        cmocka_unit_test(an_interruption_is_journalled_before_it_is_acknowledged),
        cmocka_unit_test(an_interruption_of_somebody_else_is_ignored),
        cmocka_unit_test(the_word_is_sent_until_it_is_obeyed_and_counts_once),
        cmocka_unit_test(after_the_word_the_event_goes_on),
        cmocka_unit_test(a_stop_ends_what_waits),
        cmocka_unit_test(its_deadline_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
