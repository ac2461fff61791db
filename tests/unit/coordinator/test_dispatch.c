#include "fixture.h"

#include <string.h>

/* One region, one worker, one job on its way; the first offer is returned. */
static const struct job *begin(struct world *w)
{
    world_init(w);
    world_connect(w);
    assert_int_equal(world_apply(w, "xr Prod=us-west-2")->failure.code, ERR_NONE);
    world_source(w, "xr", "Source", "v1");
    const struct job *offer = world_offer(w, "w1");
    assert_non_null(offer);
    return offer;
}

static const struct job_state *job_of(struct world *w)
{
    return world_job(w, "xr", "w1");
}

static void an_assignment_is_journalled_in_the_turn_of_its_offer(void **state)
{
    (void)state;
    struct world w;
    char key[RECORD_KEY_SIZE];
    const struct job *offer = begin(&w);
    struct record record = { .kind = RECORD_JOB };
    record.job.execution = offer->execution;
    record.job.id = offer->id;
    record_key(&record, key);
    const struct record *stored = world_stored(&w, key);
    assert_non_null(stored);
    assert_int_equal(stored->job.status, STATUS_IN_PROGRESS);
    assert_int_equal(stored->job.attempt, offer->attempt);
    assert_int_equal(fence_compare(stored->job.fence, offer->fence), 0);
    assert_string_equal(stored->job.worker, "w1");
    assert_string_equal(stored->job.target, "deploy:app/prod");
    assert_string_equal(stored->job.region, "us-west-2");
    assert_string_equal(stored->job.artifact, "App");
    assert_int_equal(stored->job.assigned_ms, w.now_ms);
    assert_string_equal(stored->job.incarnation.text, "i1");
    world_deinit(&w);
}

static void an_offer_says_everything_that_the_worker_needs(void **state)
{
    (void)state;
    struct world w;
    const struct job *offer = begin(&w);
    assert_int_equal(offer->attempt, 1);
    assert_int_equal(offer->fence.epoch, 1);
    assert_int_equal(offer->fence.seq, 1);
    assert_string_equal(offer->target, "deploy:app/prod");
    assert_string_equal(offer->application, "app");
    assert_string_equal(offer->deployment_group, "prod");
    assert_true(text_starts(offer->deployment_group_id, "dg-"));
    assert_int_equal(strlen(offer->deployment_group_id), 19);
    assert_true(text_starts(offer->deployment.text, "d-"));
    assert_int_equal(offer->issued_ms, w.now_ms);
    assert_int_equal(offer->expires_ms, w.now_ms + w.config.action_timeout_ms);
    assert_int_equal(offer->timeout_ms, w.config.action_timeout_ms);
    assert_string_equal(offer->input.version_id, "v1");
    world_deinit(&w);
}

static void an_offer_is_good_for_an_hour_at_most(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    coordinator_free(w.c);
    w.config.action_timeout_ms = 7200000;
    w.c = coordinator_new(&w.config);
    world_step(&w, &(struct coordinator_event){ .type = COORDINATOR_START });
    world_fleet(&w, "w1", "us-west-2", (const char *)NULL);
    world_connect(&w);
    world_apply(&w, "xr Prod=us-west-2");
    world_source(&w, "xr", "Source", "v1");
    assert_int_equal(world_offer(&w, "w1")->expires_ms, w.now_ms + 3600000);
    world_deinit(&w);
}

static void an_offer_is_repeated_until_it_is_accepted(void **state)
{
    (void)state;
    struct world w;
    const struct job *first = begin(&w);
    world_tell(&w, __func__);
    assert_false(world_sleep_sent(&w, 499, "w1", MESSAGE_OFFER));
    assert_true(world_sleep_sent(&w, 1, "w1", MESSAGE_OFFER));
    const struct job *again = world_offer(&w, "w1");
    assert_int_equal(again->attempt, first->attempt);
    assert_int_equal(fence_compare(again->fence, first->fence), 0);
    assert_int_equal(again->issued_ms, w.now_ms);
    world_accept(&w, 1, first);
    assert_false(world_sleep_sent(&w, 3000, "w1", MESSAGE_OFFER));
    /* A heartbeat that does not list it: the row was never committed, or is lost. */
    world_heartbeat(&w, "w1", 1, 1, NULL, 0);
    assert_true(world_sleep_sent(&w, 500, "w1", MESSAGE_OFFER));
    struct row row = world_row(first, ROW_ACCEPTED);
    world_heartbeat(&w, "w1", 1, 1, &row, 1);
    assert_false(world_sleep_sent(&w, 3000, "w1", MESSAGE_OFFER));
    world_deinit(&w);
}

static void an_offer_that_is_not_answered_is_repeated_less_and_less_often(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    assert_true(world_sleep_sent(&w, 500, "w1", MESSAGE_OFFER));
    assert_false(world_sleep_sent(&w, 999, "w1", MESSAGE_OFFER));
    assert_true(world_sleep_sent(&w, 1, "w1", MESSAGE_OFFER));
    assert_false(world_sleep_sent(&w, 1999, "w1", MESSAGE_OFFER));
    assert_true(world_sleep_sent(&w, 1, "w1", MESSAGE_OFFER));
    /* A hello is an answer, too: what was sent before it may be lost. */
    world_hello(&w, "w1", "us-west-2", 1, 2);
    assert_non_null(world_offer(&w, "w1"));
    assert_true(world_sleep_sent(&w, 500, "w1", MESSAGE_OFFER));
    world_deinit(&w);
}

static void a_result_is_journalled_and_acknowledged_each_time(void **state)
{
    (void)state;
    struct world w;
    const struct job *offer = begin(&w);
    world_tell(&w, __func__);
    world_result(&w, 1, offer, STATUS_SUCCEEDED);
    assert_int_equal(job_of(&w)->status, STATUS_SUCCEEDED);
    const struct coordinator_action *ack = world_sent(&w, "w1", MESSAGE_RESULT_ACK);
    assert_non_null(ack);
    assert_true(id_equal(&ack->send.message.result_ack.job, &offer->id));
    assert_int_equal(ack->send.message.result_ack.attempt, 1);
    size_t events = world_stored_count(&w, "event/");
    world_result(&w, 1, offer, STATUS_FAILED);
    assert_non_null(world_sent(&w, "w1", MESSAGE_RESULT_ACK));
    assert_int_equal(job_of(&w)->status, STATUS_SUCCEEDED);
    assert_int_equal(world_stored_count(&w, "event/"), events);
    assert_int_equal(world_count(&w, COORDINATOR_PUT), 0);
    world_deinit(&w);
}

static void a_result_that_is_not_the_workers_own_changes_nothing(void **state)
{
    (void)state;
    struct world w;
    struct job forged = *begin(&w);
    forged.worker = "e1";
    world_result(&w, 2, &forged, STATUS_FAILED);
    assert_int_equal(job_of(&w)->status, STATUS_IN_PROGRESS);
    assert_null(world_sent(&w, "e1", MESSAGE_RESULT_ACK));
    forged.worker = "w1";
    forged.fence.seq++;
    world_result(&w, 1, &forged, STATUS_FAILED);
    forged.fence.seq--;
    forged.attempt++;
    world_result(&w, 1, &forged, STATUS_FAILED);
    assert_int_equal(job_of(&w)->status, STATUS_IN_PROGRESS);
    assert_null(world_sent(&w, "w1", MESSAGE_RESULT_ACK));
    assert_null(world_sent(&w, "w1", MESSAGE_DROP));
    world_deinit(&w);
}

static void a_stale_fence_proves_that_the_attempt_never_started(void **state)
{
    (void)state;
    struct world w;
    const struct job *first = begin(&w);
    world_tell(&w, __func__);
    world_nack(&w, 1, first, NACK_STALE);
    const struct job *second = world_offer(&w, "w1");
    assert_non_null(second);
    assert_true(id_equal(&first->id, &second->id));
    assert_int_equal(second->attempt, 2);
    assert_true(fence_compare(second->fence, first->fence) > 0);
    world_nack(&w, 1, first, NACK_STALE); /* late: of an attempt that is over */
    assert_null(world_offer(&w, "w1"));
    assert_int_equal(job_of(&w)->attempt, 2);
    world_result(&w, 1, first, STATUS_SUCCEEDED);
    assert_non_null(world_sent(&w, "w1", MESSAGE_DROP));
    assert_int_equal(job_of(&w)->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void stale_fences_for_ever_end_the_job(void **state)
{
    (void)state;
    struct world w;
    const struct job *offer = begin(&w);
    for (int i = 0; offer && i < 100; i++) {
        world_nack(&w, 1, offer, NACK_STALE);
        offer = world_offer(&w, "w1");
    }
    assert_null(offer);
    assert_int_equal(job_of(&w)->status, STATUS_FAILED);
    assert_int_equal(job_of(&w)->attempt, 10);
    world_deinit(&w);
}

static void other_refusals_are_told_and_the_offer_is_repeated_slowly(void **state)
{
    (void)state;
    static const struct {
        enum nack_reason reason;
        const char *text;
    } cases[] = { { NACK_EPOCH, "later coordinator" },
                  { NACK_AUDIENCE, "another incarnation" },
                  { NACK_EXPIRED, "compare the hosts' clocks" },
                  { NACK_SIGNATURE, "dispatch key" },
                  { NACK_FULL, "as many jobs" } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world w;
        const struct job *offer = begin(&w);
        world_accept(&w, 1, offer);
        world_nack(&w, 1, offer, cases[i].reason);
        assert_true(text_starts(job_of(&w)->cause, "worker w1 "));
        assert_non_null(strstr(job_of(&w)->cause, cases[i].text));
        assert_int_equal(job_of(&w)->attempt, 1);
        assert_false(world_sleep_sent(&w, 4000, "w1", MESSAGE_OFFER));
        world_heartbeat(&w, "w1", 1, 1, NULL, 0);
        assert_true(world_sleep_sent(&w, 1000, "w1", MESSAGE_OFFER));
        world_accept(&w, 1, offer);
        assert_string_equal(job_of(&w)->cause, "");
        world_deinit(&w);
    }
}

static void an_offer_of_an_earlier_epoch_that_was_never_accepted_is_made_anew(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    world_restart(&w);
    world_fleet(&w, "w1", "us-west-2", (const char *)NULL);
    world_hello(&w, "w1", "us-west-2", 1, 2);
    const struct job *old = world_offer(&w, "w1");
    assert_non_null(old);
    assert_int_equal(old->fence.epoch, 1);
    world_nack(&w, 2, old, NACK_EPOCH);
    const struct job *new = world_offer(&w, "w1");
    assert_non_null(new);
    assert_int_equal(new->attempt, 2);
    assert_int_equal(new->fence.epoch, 2);
    world_deinit(&w);
}

static void a_worker_that_is_silent_is_named_and_never_replaced(void **state)
{
    (void)state;
    struct world w;
    const struct job *offer = begin(&w);
    world_accept(&w, 1, offer);
    world_fleet(&w, "w1", "us-west-2", "w2", "us-west-2", (const char *)NULL);
    world_hello(&w, "w2", "us-west-2", 1, 9);
    world_sleep(&w, 60000);
    assert_int_equal(job_of(&w)->status, STATUS_IN_PROGRESS);
    assert_string_equal(job_of(&w)->cause, "worker w1 is not connected since 2026-11-22T19:11:27Z");
    assert_string_equal(job_of(&w)->worker, "w1");
    world_hello(&w, "w1", "us-west-2", 1, 11);
    assert_string_equal(job_of(&w)->cause, "");
    world_result(&w, 11, offer, STATUS_SUCCEEDED);
    assert_int_equal(job_of(&w)->status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void a_revoked_worker_fails_its_job(void **state)
{
    (void)state;
    struct world w;
    const struct job *offer = begin(&w);
    world_tell(&w, __func__);
    world_accept(&w, 1, offer);
    world_fleet(&w, "e1", "us-east-1", (const char *)NULL);
    assert_int_equal(job_of(&w)->status, STATUS_FAILED);
    assert_true(text_starts(job_of(&w)->cause, "revoked"));
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    world_result(&w, 1, offer, STATUS_SUCCEEDED);
    assert_int_equal(w.out.count, 0);
    world_deinit(&w);
}

static void rows_that_the_journal_proves_over_are_dropped(void **state)
{
    (void)state;
    struct world w;
    struct job offer = *begin(&w);
    world_tell(&w, __func__);
    world_result(&w, 1, &offer, STATUS_SUCCEEDED);
    struct row rows[3] = { world_row(&offer, ROW_RUNNING), world_row(&offer, ROW_RUNNING),
                           world_row(&offer, ROW_ENDED) };
    assert_true(id_parse("forgotten", &rows[1].job));
    assert_true(id_parse("future", &rows[2].job));
    rows[2].fence.epoch = 2;
    world_heartbeat(&w, "w1", 1, 1, rows, 3);
    size_t dropped = 0;
    for (size_t i = 0; i < w.out.count; i++) {
        if (w.out.at[i].type != COORDINATOR_SEND) continue;
        if (w.out.at[i].send.message.type != MESSAGE_DROP) continue;
        assert_string_not_equal(w.out.at[i].send.message.drop.job.text, "future");
        dropped++;
    }
    assert_int_equal(dropped, 2);
    const struct worker_summary *workers;
    assert_int_equal(coordinator_view_workers(w.c, &w.arena, &workers), 2);
    assert_non_null(strstr(workers[1].alarm, "later epoch"));
    world_deinit(&w);
}

static void results_of_unknown_jobs_are_acknowledged_unless_they_are_of_the_future(void **state)
{
    (void)state;
    struct world w;
    struct job offer = *begin(&w);
    assert_true(id_parse("forgotten", &offer.id));
    world_result(&w, 1, &offer, STATUS_SUCCEEDED);
    assert_non_null(world_sent(&w, "w1", MESSAGE_RESULT_ACK));
    offer.fence.epoch = 2;
    world_result(&w, 1, &offer, STATUS_SUCCEEDED);
    assert_null(world_sent(&w, "w1", MESSAGE_RESULT_ACK));
    world_deinit(&w);
}

static void progress(struct world *w, const struct job *job, enum lifecycle_event event,
                     enum status status)
{
    struct message message = { .type = MESSAGE_PROGRESS };
    message.progress =
        (struct progress){ job->id, job->attempt, { event, status, w->now_ms, 0 }, 3, 7, "" };
    world_message(w, "w1", 1, &message);
}

static size_t lifecycle_events(struct world *w)
{
    size_t count = 0;
    for (size_t i = 0; i < w->out.count; i++)
        count += w->out.at[i].type == COORDINATOR_PUT && w->out.at[i].put.kind == RECORD_EVENT &&
                 text_equal(w->out.at[i].put.event.what, "lifecycle");
    return count;
}

static void each_change_of_a_lifecycle_event_is_told_once(void **state)
{
    (void)state;
    struct world w;
    const struct job *offer = begin(&w);
    progress(&w, offer, EVENT_INSTALL, STATUS_IN_PROGRESS);
    assert_int_equal(lifecycle_events(&w), 1);
    assert_int_equal(job_of(&w)->done, 3);
    progress(&w, offer, EVENT_INSTALL, STATUS_IN_PROGRESS);
    assert_int_equal(lifecycle_events(&w), 0);
    world_restart(&w);
    world_connect(&w);
    progress(&w, offer, EVENT_INSTALL, STATUS_IN_PROGRESS);
    assert_int_equal(lifecycle_events(&w), 0);
    world_result(&w, 1, offer, STATUS_SUCCEEDED);
    assert_int_equal(lifecycle_events(&w), 1);
    progress(&w, offer, EVENT_INSTALL, STATUS_IN_PROGRESS);
    assert_int_equal(lifecycle_events(&w), 0);
    assert_int_equal(job_of(&w)->events[0].status, STATUS_SUCCEEDED);
    assert_int_equal(job_of(&w)->event_count, 1);
    world_deinit(&w);
}

static void several_lifecycle_events_keep_their_order(void **state)
{
    (void)state;
    struct world w;
    const struct job *offer = begin(&w);
    world_tell(&w, __func__);
    progress(&w, offer, EVENT_DOWNLOAD_BUNDLE, STATUS_IN_PROGRESS);
    progress(&w, offer, EVENT_DOWNLOAD_BUNDLE, STATUS_SUCCEEDED);
    progress(&w, offer, EVENT_INSTALL, STATUS_IN_PROGRESS);
    progress(&w, offer, EVENT_INSTALL, STATUS_SUCCEEDED);
    progress(&w, offer, EVENT_AFTER_INSTALL, STATUS_IN_PROGRESS);
    assert_int_equal(lifecycle_events(&w), 1);
    progress(&w, offer, EVENT_DOWNLOAD_BUNDLE, STATUS_IN_PROGRESS);
    progress(&w, offer, EVENT_INSTALL, STATUS_PENDING);
    assert_int_equal(lifecycle_events(&w), 0);
    const struct job_state *job = job_of(&w);
    assert_int_equal(job->event_count, 3);
    assert_int_equal(job->events[0].event, EVENT_DOWNLOAD_BUNDLE);
    assert_int_equal(job->events[0].status, STATUS_SUCCEEDED);
    assert_int_equal(job->events[1].status, STATUS_SUCCEEDED);
    assert_int_equal(job->events[2].event, EVENT_AFTER_INSTALL);
    struct job other = *offer; /* of an attempt that is not the current one */
    other.attempt = 2;
    progress(&w, &other, EVENT_AFTER_INSTALL, STATUS_SUCCEEDED);
    assert_int_equal(lifecycle_events(&w), 0);
    world_deinit(&w);
}

static void one_target_has_one_open_job_on_a_host(void **state)
{
    (void)state;
    struct world w;
    const struct job *offer = begin(&w);
    world_tell(&w, __func__);
    assert_int_equal(world_apply(&w, "other Prod=us-west-2")->failure.code, ERR_NONE);
    world_source(&w, "other", "Source", "v9");
    assert_null(world_offer(&w, "w1"));
    assert_true(text_starts(world_job(&w, "other", "w1")->cause, "waits for deployment d-"));
    world_result(&w, 1, offer, STATUS_SUCCEEDED);
    assert_non_null(world_offer(&w, "w1"));
    assert_int_equal(world_job(&w, "other", "w1")->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_that_is_not_the_workers_own_changes_nothing),
        cmocka_unit_test(a_stale_fence_proves_that_the_attempt_never_started),
        cmocka_unit_test(stale_fences_for_ever_end_the_job),
        cmocka_unit_test(other_refusals_are_told_and_the_offer_is_repeated_slowly),
        cmocka_unit_test(an_offer_of_an_earlier_epoch_that_was_never_accepted_is_made_anew),
        cmocka_unit_test(a_worker_that_is_silent_is_named_and_never_replaced),
        cmocka_unit_test(a_revoked_worker_fails_its_job),
        cmocka_unit_test(rows_that_the_journal_proves_over_are_dropped),
        cmocka_unit_test(results_of_unknown_jobs_are_acknowledged_unless_they_are_of_the_future),
        cmocka_unit_test(an_assignment_is_journalled_in_the_turn_of_its_offer),
        cmocka_unit_test(an_offer_says_everything_that_the_worker_needs),
        cmocka_unit_test(an_offer_is_good_for_an_hour_at_most),
        cmocka_unit_test(an_offer_is_repeated_until_it_is_accepted),
        cmocka_unit_test(an_offer_that_is_not_answered_is_repeated_less_and_less_often),
        cmocka_unit_test(a_result_is_journalled_and_acknowledged_each_time),
        cmocka_unit_test(each_change_of_a_lifecycle_event_is_told_once),
        cmocka_unit_test(several_lifecycle_events_keep_their_order),
        cmocka_unit_test(one_target_has_one_open_job_on_a_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
