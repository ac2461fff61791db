#include "fixture.h"

#include <string.h>

static void begin(struct world *w, const char *definition)
{
    world_init(w);
    world_connect(w);
    assert_int_equal(world_apply(w, definition)->failure.code, ERR_NONE);
}

static const struct copy_state *copy_of(struct world *w, const char *region)
{
    const struct execution *e = &world_view(w, "xr")->execution;
    for (size_t i = 0; i < e->copy_count; i++)
        if (text_equal(e->copies[i].region, region)) return &e->copies[i];
    return NULL;
}

static size_t jobs_of(struct world *w, enum job_kind kind)
{
    const struct execution_view *view = world_view(w, "xr");
    size_t count = 0;
    for (size_t i = 0; i < view->job_count; i++) count += view->jobs[i].kind == kind;
    return count;
}

static void a_copy_without_a_worker_says_why(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_apply(&w, "xr Prod=us-east-1,ap-southeast-2");
    world_source(&w, "xr", "Source", "v1");
    assert_string_equal(world_view(&w, "xr")->jobs[0].cause,
                        "no worker of region us-east-1 is connected");
    assert_string_equal(world_view(&w, "xr")->jobs[1].cause,
                        "no worker is enrolled in region ap-southeast-2");
    assert_string_equal(world_action(&w, "xr", 1, 0)->summary,
                        "0/1 instances; waits for the copy of artifact App in region us-east-1: "
                        "no worker of region us-east-1 is connected");
    world_deinit(&w);
}

static void the_source_is_the_copy_of_its_own_region(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    world_source(&w, "xr", "Source", "v1");
    assert_int_equal(jobs_of(&w, JOB_REPLICATE), 0);
    assert_string_equal(copy_of(&w, "us-west-2")->ref.version_id, "v1");
    assert_int_equal(copy_of(&w, "us-west-2")->status, STATUS_SUCCEEDED);
    assert_true(id_empty(&copy_of(&w, "us-west-2")->job));
    world_deinit(&w);
}

static void one_copy_serves_all_actions_and_workers_of_a_region(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-east-1 Next=us-east-1");
    world_tell(&w, __func__);
    world_fleet(&w, "e1", "us-east-1", "e2", "us-east-1", (const char *)NULL);
    world_hello(&w, "e2", "us-east-1", 1, 5);
    world_source(&w, "xr", "Source", "v1");
    assert_int_equal(jobs_of(&w, JOB_REPLICATE), 1);
    assert_int_equal(jobs_of(&w, JOB_DEPLOY), 2);
    const struct job *copy = world_offer(&w, "e1");
    assert_int_equal(copy->kind, JOB_REPLICATE);
    assert_string_equal(copy->input.store, "src");
    assert_string_equal(copy->input.version_id, "v1");
    assert_true(text_starts(copy->output.key, "xr/App/"));
    assert_int_equal(strlen(copy->output.key), strlen("xr/App/") + 7);
    assert_true(text_starts(copy->target, "replicate:store-us-east-1/31"));
    assert_non_null(strstr(world_job(&w, "xr", "e2")->cause,
                           "waits for the copy of artifact App in region us-east-1"));
    world_result(&w, 2, copy, STATUS_SUCCEEDED);
    assert_non_null(world_offer(&w, "e1"));
    assert_non_null(world_offer(&w, "e2"));
    assert_string_equal(world_offer(&w, "e2")->input.version_id, "copy-1");
    assert_string_equal(world_offer(&w, "e2")->input.key, copy->output.key);
    assert_int_equal(copy_of(&w, "us-east-1")->bytes, 9);
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    world_finish(&w, "xr", "e2", 5, STATUS_SUCCEEDED);
    assert_int_equal(jobs_of(&w, JOB_REPLICATE), 1);
    assert_int_equal(jobs_of(&w, JOB_DEPLOY), 4);
    world_deinit(&w);
}

static void the_same_bytes_are_not_copied_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-east-1");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    world_source(&w, "xr", "Source", "w1"); /* another version of equal bytes */
    assert_int_equal(jobs_of(&w, JOB_REPLICATE), 0);
    assert_int_equal(copy_of(&w, "us-east-1")->status, STATUS_SUCCEEDED);
    assert_int_equal(copy_of(&w, "us-east-1")->bytes, 0);
    const struct job *offer = world_offer(&w, "e1");
    assert_int_equal(offer->kind, JOB_DEPLOY);
    assert_string_equal(offer->input.version_id, "copy-1");
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    world_source(&w, "xr", "Source", "v2"); /* other bytes */
    assert_int_equal(jobs_of(&w, JOB_REPLICATE), 1);
    world_deinit(&w);
}

static void a_failed_copy_is_tried_three_times_then_the_action_fails(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-east-1");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    struct fence last = { 0, 0 };
    for (uint32_t attempt = 1; attempt <= 3; attempt++) {
        struct job job = world_job_of(world_job(&w, "xr", "e1"));
        assert_int_equal(job.attempt, attempt);
        assert_true(fence_compare(job.fence, last) > 0);
        last = job.fence;
        world_result(&w, 2, &job, STATUS_FAILED);
        assert_non_null(world_sent(&w, "e1", MESSAGE_RESULT_ACK));
        for (int i = 0; i < 4; i++) {
            world_heartbeat(&w, "e1", 1, 2, NULL, 0);
            world_sleep(&w, 3000);
        }
    }
    assert_int_equal(copy_of(&w, "us-east-1")->status, STATUS_FAILED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    assert_non_null(strstr(world_action(&w, "xr", 1, 0)->error_message, "e1: "));
    world_deinit(&w);
}

static void another_worker_is_preferred_for_the_next_attempt(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-east-1");
    world_tell(&w, __func__);
    world_fleet(&w, "e1", "us-east-1", "e2", "us-east-1", (const char *)NULL);
    world_hello(&w, "e2", "us-east-1", 1, 5);
    world_source(&w, "xr", "Source", "v1");
    struct job first = *world_offer(&w, "e1");
    world_result(&w, 2, &first, STATUS_FAILED);
    assert_true(world_sleep_sent(&w, 3000, "e2", MESSAGE_OFFER));
    assert_int_equal(world_offer(&w, "e2")->attempt, 2);
    assert_true(id_equal(&world_offer(&w, "e2")->id, &first.id));
    world_deinit(&w);
}

static void a_success_without_a_version_is_no_success(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-east-1");
    world_source(&w, "xr", "Source", "v1");
    struct job job = *world_offer(&w, "e1");
    struct message message = { .type = MESSAGE_RESULT };
    message.result =
        (struct result){ .job = job.id,
                         .attempt = 1,
                         .fence = job.fence,
                         .status = STATUS_SUCCEEDED,
                         .version_id = "",
                         .note = "",
                         .diagnostics = { .script = "", .message = "", .log_tail = "" } };
    world_message(&w, "e1", 2, &message);
    assert_non_null(strstr(world_job(&w, "xr", "e1")->cause, "which version"));
    assert_int_equal(copy_of(&w, "us-east-1")->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

/* Two workers in the region; e1 has the copy's first attempt and has accepted it. */
static struct job floating(struct world *w)
{
    begin(w, "xr Prod=us-east-1");
    world_fleet(w, "e1", "us-east-1", "e2", "us-east-1", (const char *)NULL);
    world_hello(w, "e2", "us-east-1", 1, 5);
    world_source(w, "xr", "Source", "v1");
    struct job job = *world_offer(w, "e1");
    job.worker = "e1";
    world_accept(w, 2, &job);
    return job;
}

static void a_lease_is_echoed_for_current_floating_jobs_only(void **state)
{
    (void)state;
    struct world w;
    struct job job = floating(&w);
    world_tell(&w, __func__);
    struct row rows[2] = { world_row(&job, ROW_RUNNING), world_row(&job, ROW_RUNNING) };
    rows[1].attempt = 7;
    world_heartbeat(&w, "e1", 1, 2, rows, 2);
    const struct lease *lease = &world_sent(&w, "e1", MESSAGE_LEASE)->send.message.lease;
    assert_int_equal(lease->row_count, 1);
    assert_int_equal(lease->rows[0].attempt, 1);
    world_result(&w, 2, &job, STATUS_SUCCEEDED);
    struct job pinned = world_job_of(world_job(&w, "xr", "e1"));
    rows[0] = world_row(&pinned, ROW_RUNNING);
    world_heartbeat(&w, "e1", 1, 2, rows, 1);
    lease = &world_sent(&w, "e1", MESSAGE_LEASE)->send.message.lease;
    assert_int_equal(lease->row_count, 0);
    world_deinit(&w);
}

static void keep_alive(struct world *w, uint64_t ms)
{
    for (uint64_t at = 0; at < ms; at += 500) {
        world_heartbeat(w, "e2", 1, 5, NULL, 0);
        world_sleep(w, 500);
    }
}

static void a_lease_that_is_certainly_over_moves_the_job(void **state)
{
    (void)state;
    struct world w;
    struct job job = floating(&w);
    struct row row = world_row(&job, ROW_RUNNING);
    world_heartbeat(&w, "e1", 1, 2, &row, 1);
    /* lease 10,000 x 1.05 + two heartbeats + 1,000 */
    keep_alive(&w, 13000);
    assert_int_equal(world_job(&w, "xr", "e1")->attempt, 1);
    keep_alive(&w, 4000);
    const struct job_state *again = world_job(&w, "xr", "e2");
    assert_int_equal(again->kind, JOB_REPLICATE);
    assert_int_equal(again->attempt, 2);
    /* The first one comes back: not renewed (P9), told to let go. */
    world_hello(&w, "e1", "us-east-1", 1, 2);
    world_heartbeat(&w, "e1", 1, 2, &row, 1);
    assert_int_equal(world_sent(&w, "e1", MESSAGE_LEASE)->send.message.lease.row_count, 0);
    assert_non_null(world_sent(&w, "e1", MESSAGE_DROP));
    world_result(&w, 2, &job, STATUS_SUCCEEDED);
    assert_non_null(world_sent(&w, "e1", MESSAGE_DROP));
    assert_int_equal(copy_of(&w, "us-east-1")->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void a_worker_that_is_connected_is_asked_and_not_replaced(void **state)
{
    (void)state;
    struct world w;
    struct job job = floating(&w);
    int asked = 0;
    for (int i = 0; i < 40; i++) { /* its row never comes: the offer is repeated */
        world_heartbeat(&w, "e1", 1, 2, NULL, 0);
        world_heartbeat(&w, "e2", 1, 5, NULL, 0);
        asked += world_sleep_sent(&w, 500, "e1", MESSAGE_OFFER);
    }
    const struct job_state *same = world_job(&w, "xr", "e1");
    assert_true(id_equal(&same->id, &job.id));
    assert_int_equal(same->attempt, 1);
    assert_int_equal(asked, 7); /* after 0.5, 1.5, 3.5, 7.5 s and then every 4 s */
    world_deinit(&w);
}

static void a_copy_of_a_revoked_worker_moves_when_its_lease_is_over(void **state)
{
    (void)state;
    struct world w;
    struct job job = floating(&w);
    world_tell(&w, __func__);
    world_fleet(&w, "e2", "us-east-1", (const char *)NULL);
    keep_alive(&w, 13000);
    const struct job_state *jobs = world_view(&w, "xr")->jobs;
    assert_true(id_equal(&jobs[0].id, &job.id));
    assert_int_equal(jobs[0].attempt, 1);
    keep_alive(&w, 4000);
    assert_int_equal(world_job(&w, "xr", "e2")->attempt, 2);
    world_deinit(&w);
}

static void after_a_restart_leases_are_counted_from_the_start(void **state)
{
    (void)state;
    struct world w;
    struct job job = floating(&w);
    (void)job;
    keep_alive(&w, 9000);
    world_restart(&w);
    world_fleet(&w, "e1", "us-east-1", "e2", "us-east-1", (const char *)NULL);
    world_hello(&w, "e2", "us-east-1", 1, 5);
    keep_alive(&w, 13000);
    assert_int_equal(world_job(&w, "xr", "e1")->attempt, 1);
    keep_alive(&w, 4000);
    assert_int_equal(world_job(&w, "xr", "e2")->attempt, 2);
    assert_int_equal(world_job(&w, "xr", "e2")->fence.epoch, 2);
    world_deinit(&w);
}

static void a_copy_that_ended_well_after_its_lease_still_counts(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-east-1");
    world_source(&w, "xr", "Source", "v1");
    struct job job = *world_offer(&w, "e1");
    world_sleep(&w, 14000);
    assert_int_equal(world_view(&w, "xr")->jobs[0].status, STATUS_PENDING);
    struct row row = world_row(&job, ROW_ENDED);
    world_hello(&w, "e1", "us-east-1", 1, 9);
    world_heartbeat(&w, "e1", 1, 9, &row, 1);
    assert_null(world_sent(&w, "e1", MESSAGE_DROP));
    world_result(&w, 9, &job, STATUS_SUCCEEDED);
    assert_non_null(world_sent(&w, "e1", MESSAGE_RESULT_ACK));
    assert_int_equal(copy_of(&w, "us-east-1")->status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void two_pipelines_do_not_copy_the_same_bytes_at_once(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-east-1");
    world_tell(&w, __func__);
    world_apply(&w, "yr Prod=us-east-1");
    world_source(&w, "yr", "Source", "v5");
    world_apply(&w, "zr Prod=us-east-1");
    world_source(&w, "zr", "Source", "w5");
    const struct execution_view *z = world_view(&w, "zr");
    assert_int_equal(z->execution.copies[1].status, STATUS_PENDING);
    assert_non_null(strstr(z->jobs[0].cause, "waits for another execution"));
    world_finish(&w, "yr", "e1", 2, STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "zr")->execution.copies[1].status, STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "zr")->execution.copies[1].bytes, 0);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_copy_is_tried_three_times_then_the_action_fails),
        cmocka_unit_test(a_copy_without_a_worker_says_why),
        cmocka_unit_test(another_worker_is_preferred_for_the_next_attempt),
        cmocka_unit_test(a_success_without_a_version_is_no_success),
        cmocka_unit_test(a_lease_that_is_certainly_over_moves_the_job),
        cmocka_unit_test(a_worker_that_is_connected_is_asked_and_not_replaced),
        cmocka_unit_test(a_copy_of_a_revoked_worker_moves_when_its_lease_is_over),
        cmocka_unit_test(after_a_restart_leases_are_counted_from_the_start),
        cmocka_unit_test(a_copy_that_ended_well_after_its_lease_still_counts),
        cmocka_unit_test(a_lease_is_echoed_for_current_floating_jobs_only),
        cmocka_unit_test(the_source_is_the_copy_of_its_own_region),
        cmocka_unit_test(one_copy_serves_all_actions_and_workers_of_a_region),
        cmocka_unit_test(the_same_bytes_are_not_copied_again),
        cmocka_unit_test(two_pipelines_do_not_copy_the_same_bytes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
