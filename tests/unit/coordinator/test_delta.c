#include "fixture.h"

#include <string.h>

static const struct copy_price prices[] = { { "us-west-2", "*", 20000000 } };

static void begin(struct world *w)
{
    world_init(w);
    w->config.delta = (struct delta_config){
        .size_min = 1, .size_max = 1 << 30, .percent_max = 50, .timeout_ms = 60000
    };
    w->config.prices = prices;
    w->config.price_count = 1;
    world_restart(w);
    world_connect(w);
    assert_int_equal(world_apply(w, "xr Prod=us-east-1")->failure.code, ERR_NONE);
}

/* A whole execution, whose copy is the next one's base. */
static void deploy_first(struct world *w)
{
    world_source(w, "xr", "Source", "v1");
    world_finish(w, "xr", "e1", 2, STATUS_SUCCEEDED); /* the copy, whole */
    world_finish(w, "xr", "e1", 2, STATUS_SUCCEEDED);
    assert_int_equal(world_view(w, "xr")->execution.status, STATUS_SUCCEEDED);
}

static const struct copy_state *copy(struct world *w)
{
    const struct execution *e = &world_view(w, "xr")->execution;
    for (size_t i = 0; i < e->copy_count; i++)
        if (text_equal(e->copies[i].region, "us-east-1")) return &e->copies[i];
    fail_msg("no copy");
    return NULL;
}

static const struct delta_state *delta(struct world *w)
{
    const struct execution *e = &world_view(w, "xr")->execution;
    assert_int_equal(e->delta_count, 1);
    return &e->deltas[0];
}

/* Until the delta of the second revision is offered to w1. */
static struct job offer_delta(struct world *w)
{
    deploy_first(w);
    world_source(w, "xr", "Source", "v2");
    const struct job *job = world_offer(w, "w1");
    assert_non_null(job);
    assert_int_equal(job->kind, JOB_DELTA);
    return *job;
}

static void assert_whole(struct world *w, const char *why)
{
    const struct job *job = world_offer(w, "e1");
    assert_non_null(job);
    assert_int_equal(job->kind, JOB_REPLICATE);
    assert_int_equal(job->input_count, 0);
    struct job whole = *job;
    world_result(w, 2, &whole, STATUS_SUCCEEDED);
    assert_int_equal(copy(w)->way, COPY_WAY_WHOLE);
    assert_string_equal(copy(w)->note, why);
    assert_string_equal(copy(w)->base_revision, "");
}

static void the_first_revision_goes_whole(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_source(&w, "xr", "Source", "v1");
    assert_whole(&w, "the region holds no older revision");
    assert_int_equal(world_view(&w, "xr")->execution.delta_count, 0);
    world_deinit(&w);
}

static void artifacts_out_of_bounds_go_whole(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    deploy_first(&w);
    w.config.delta.size_min = w.config.delta.size_max;
    world_restart(&w);
    world_connect(&w);
    world_source(&w, "xr", "Source", "v2");
    assert_null(world_offer(&w, "w1"));
    assert_whole(&w, "");
    world_deinit(&w);
}

static void the_second_revision_is_told_by_the_first(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    struct job job = offer_delta(&w);
    assert_string_equal(job.input.version_id, "v2");
    assert_int_equal(job.input_count, 1);
    assert_string_equal(job.inputs[0].ref.version_id, "v1");
    assert_string_equal(job.inputs[0].ref.store, "src");
    assert_int_equal(job.output_count, 1);
    assert_string_equal(job.outputs[0].ref.store, "store-us-west-2");
    assert_int_equal(job.outputs[0].ref.size, job.input.size / 2);
    assert_int_equal(copy(&w)->status, STATUS_PENDING);
    assert_non_null(strstr(world_action(&w, "xr", 1, 0)->summary,
                           "waits for the delta of artifact App from revision v1, made in region "
                           "us-west-2"));
    world_result(&w, 1, &job, STATUS_SUCCEEDED);
    assert_int_equal(delta(&w)->status, STATUS_SUCCEEDED);
    const struct job *offer = world_offer(&w, "e1");
    assert_non_null(offer);
    assert_int_equal(offer->input_count, 2);
    assert_string_equal(offer->inputs[0].ref.store, "store-us-east-1");
    assert_string_equal(offer->inputs[0].ref.version_id, "copy-1");
    assert_string_equal(offer->inputs[1].ref.version_id, "built-1");
    assert_string_equal(offer->input.version_id, "v2");
    struct job told = *offer;
    world_result(&w, 2, &told, STATUS_SUCCEEDED);
    assert_int_equal(copy(&w)->way, COPY_WAY_DELTA);
    assert_string_equal(copy(&w)->base_revision, "v1");
    assert_int_equal(copy(&w)->bytes, 9);
    assert_int_equal(copy(&w)->saved, copy(&w)->ref.size - 9);
    assert_true(copy(&w)->priced);
    assert_int_equal(copy(&w)->cost, (9 * 20000000ull) >> 30);
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void a_delta_that_fails_is_not_tried_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    struct job job = offer_delta(&w);
    world_result(&w, 1, &job, STATUS_FAILED);
    assert_int_equal(delta(&w)->status, STATUS_FAILED);
    assert_whole(&w, "the delta was not made: Delta Failed (ScriptFailed): exit code 1");
    assert_int_equal(delta(&w)->status, STATUS_FAILED);
    world_deinit(&w);
}

static void a_delta_that_is_late_is_not_waited_for(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    struct job job = offer_delta(&w);
    world_accept(&w, 1, &job);
    const struct row row = world_row(&job, ROW_ACCEPTED);
    for (int s = 0; s < 59; s++) {
        world_heartbeat(&w, "e1", 1, 2, NULL, 0);
        world_heartbeat(&w, "w1", 1, 1, &row, 1);
        world_sleep(&w, 1000);
        assert_int_equal(copy(&w)->status, STATUS_PENDING);
    }
    world_heartbeat(&w, "e1", 1, 2, NULL, 0);
    assert_true(world_sleep_sent(&w, 2000, "e1", MESSAGE_OFFER));
    assert_whole(&w, "the delta was not made in time");
    world_deinit(&w);
}

static void without_a_worker_that_is_connected_the_whole_goes_soon(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    deploy_first(&w);
    world_restart(&w);
    world_hello(&w, "e1", "us-east-1", 1, 2);
    world_source(&w, "xr", "Source", "v2");
    assert_null(world_offer(&w, "e1"));
    for (int s = 0; s < 14; s++) {
        world_heartbeat(&w, "e1", 1, 2, NULL, 0);
        world_sleep(&w, 1000);
        assert_null(world_offer(&w, "e1"));
    }
    world_heartbeat(&w, "e1", 1, 2, NULL, 0);
    assert_true(world_sleep_sent(&w, 2000, "e1", MESSAGE_OFFER));
    assert_whole(&w, "the delta was not made: no worker of region us-west-2 is connected");
    world_deinit(&w);
}

static void without_a_worker_at_all_the_whole_goes_at_once(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    deploy_first(&w);
    world_fleet(&w, "e1", "us-east-1", (const char *)NULL);
    world_source(&w, "xr", "Source", "v2");
    assert_whole(&w, "no worker where the artifact comes from could make a delta");
    world_deinit(&w);
}

static void a_copy_that_finds_no_use_for_it_says_why(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    struct job job = offer_delta(&w);
    world_result(&w, 1, &job, STATUS_SUCCEEDED);
    struct job told = *world_offer(&w, "e1");
    w.copy_note = "the delta is damaged";
    world_result(&w, 2, &told, STATUS_SUCCEEDED);
    assert_int_equal(copy(&w)->way, COPY_WAY_WHOLE);
    assert_string_equal(copy(&w)->note, "the delta is damaged");
    world_deinit(&w);
}

static void a_second_attempt_takes_the_whole(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    struct job job = offer_delta(&w);
    world_result(&w, 1, &job, STATUS_SUCCEEDED);
    struct job told = *world_offer(&w, "e1");
    world_result(&w, 2, &told, STATUS_FAILED);
    assert_true(world_sleep_sent(&w, 3000, "e1", MESSAGE_OFFER));
    assert_int_equal(world_offer(&w, "e1")->attempt, 2);
    assert_int_equal(world_offer(&w, "e1")->input_count, 0);
    world_deinit(&w);
}

static void a_restart_forgets_nothing(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct job job = offer_delta(&w);
    world_accept(&w, 1, &job);
    world_restart(&w);
    world_connect(&w);
    assert_int_equal(delta(&w)->status, STATUS_IN_PROGRESS);
    assert_int_equal(copy(&w)->status, STATUS_PENDING);
    world_result(&w, 1, &job, STATUS_SUCCEEDED);
    struct job told = *world_offer(&w, "e1");
    assert_int_equal(told.input_count, 2);
    world_restart(&w);
    world_connect(&w);
    world_result(&w, 2, &told, STATUS_SUCCEEDED);
    assert_int_equal(copy(&w)->way, COPY_WAY_DELTA);
    world_deinit(&w);
}

static void a_delta_is_made_once_for_all_regions(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    world_fleet(&w, "w1", "us-west-2", "e1", "us-east-1", "a1", "ap-southeast-2",
                (const char *)NULL);
    world_hello(&w, "a1", "ap-southeast-2", 1, 3);
    world_apply(&w, "xr Prod=us-east-1,ap-southeast-2");
    world_source(&w, "xr", "Source", "v1");
    for (int i = 0; i < 2; i++) world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    for (int i = 0; i < 2; i++) world_finish(&w, "xr", "a1", 3, STATUS_SUCCEEDED);
    world_source(&w, "xr", "Source", "v2");
    struct job job = *world_offer(&w, "w1");
    assert_int_equal(job.kind, JOB_DELTA);
    world_result(&w, 1, &job, STATUS_SUCCEEDED);
    assert_int_equal(world_offer(&w, "e1")->input_count, 2);
    assert_int_equal(world_offer(&w, "a1")->input_count, 2);
    assert_string_equal(world_offer(&w, "a1")->inputs[1].ref.key,
                        world_offer(&w, "e1")->inputs[1].ref.key);
    assert_string_equal(delta(&w)->artifact, "App");
    world_deinit(&w);
}

static void a_delta_that_was_removed_is_not_used_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct job job = offer_delta(&w);
    world_tell(&w, __func__);
    world_result(&w, 1, &job, STATUS_SUCCEEDED);
    struct job told = *world_offer(&w, "e1");
    assert_int_equal(told.input_count, 2);
    struct coordinator_event event = { .type = COORDINATOR_REMOVE };
    struct artifact_ref object = delta(&w)->ref;
    event.remove.objects = &object;
    event.remove.count = 1;
    assert_string_not_equal(coordinator_view_need(w.c, &object, &w.arena), "");
    world_step(&w, &event);
    assert_false(delta(&w)->ref.removed);
    event.remove.force = true;
    world_step(&w, &event);
    assert_true(delta(&w)->ref.removed);
    world_restart(&w);
    world_connect(&w);
    assert_int_equal(world_offer(&w, "e1")->input_count, 0);
    world_deinit(&w);
}

static void nobody_makes_a_delta_for_what_was_stopped(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    struct job job = offer_delta(&w);
    world_accept(&w, 1, &job);
    world_stop(&w, world_view(&w, "xr")->execution.id.text, true);
    assert_non_null(world_sent(&w, "w1", MESSAGE_CANCEL));
    world_result(&w, 1, &job, STATUS_STOPPED);
    assert_int_equal(delta(&w)->status, STATUS_FAILED);
    assert_null(world_offer(&w, "e1"));
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_revision_goes_whole),
        cmocka_unit_test(artifacts_out_of_bounds_go_whole),
        cmocka_unit_test(the_second_revision_is_told_by_the_first),
        cmocka_unit_test(a_delta_that_fails_is_not_tried_again),
        cmocka_unit_test(a_delta_that_is_late_is_not_waited_for),
        cmocka_unit_test(without_a_worker_that_is_connected_the_whole_goes_soon),
        cmocka_unit_test(without_a_worker_at_all_the_whole_goes_at_once),
        cmocka_unit_test(a_copy_that_finds_no_use_for_it_says_why),
        cmocka_unit_test(a_second_attempt_takes_the_whole),
        cmocka_unit_test(a_restart_forgets_nothing),
        cmocka_unit_test(a_delta_is_made_once_for_all_regions),
        cmocka_unit_test(a_delta_that_was_removed_is_not_used_again),
        cmocka_unit_test(nobody_makes_a_delta_for_what_was_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
