#include "fixture.h"

#include <string.h>

/* b1 builds in us-west-2 (session 3); w1 and e1 are the ordinary ones. */
static void begin(struct world *w, const char *definition)
{
    world_init(w);
    world_connect(w);
    world_fleet(w, "w1", "us-west-2", "e1", "us-east-1", "b1", "us-west-2", (const char *)NULL);
    assert_int_equal(world_apply(w, definition)->failure.code, ERR_NONE);
}

static void begin_running(struct world *w, const char *definition)
{
    begin(w, definition);
    world_hello(w, "b1", "us-west-2", 1, 3);
    world_source(w, "xr", "Source", "v1");
}

static const struct job_state *build_of(struct world *w)
{
    const struct execution_view *view = world_view(w, "xr");
    for (size_t i = view->job_count; i > 0; i--)
        if (view->jobs[i - 1].kind == JOB_BUILD) return &view->jobs[i - 1];
    return NULL;
}

static const struct copy_state *copy_of(struct world *w, const char *artifact, const char *region)
{
    const struct execution *e = &world_view(w, "xr")->execution;
    for (size_t i = 0; i < e->copy_count; i++)
        if (text_equal(e->copies[i].artifact, artifact) && text_equal(e->copies[i].region, region))
            return &e->copies[i];
    return NULL;
}

static void only_hosts_that_build_are_asked(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Make=!us-west-2 Prod=us-west-2");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    assert_null(world_offer(&w, "w1"));
    assert_string_equal(world_action(&w, "xr", 1, 0)->summary,
                        "no worker of region us-west-2 that builds is free and connected");
    world_fleet(&w, "w1", "us-west-2", "e1", "us-east-1", (const char *)NULL);
    assert_string_equal(world_action(&w, "xr", 1, 0)->summary,
                        "no worker that builds is enrolled in region us-west-2: enrol one with "
                        "--tag build=true");
    world_fleet(&w, "w1", "us-west-2", "b1", "us-west-2", (const char *)NULL);
    world_hello(&w, "b1", "us-west-2", 1, 3);
    assert_non_null(world_offer(&w, "b1"));
    assert_string_equal(world_action(&w, "xr", 1, 0)->summary, "is built on b1");
    world_deinit(&w);
}

static void hosts_that_only_build_get_no_deployments(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    world_fleet(&w, "w1", "us-west-2", "only", "us-west-2", "b1", "us-west-2", (const char *)NULL);
    world_source(&w, "xr", "Source", "v1");
    assert_int_equal(world_view(&w, "xr")->job_count, 2);
    assert_null(world_job(&w, "xr", "only"));
    world_deinit(&w);
}

static void an_offer_tells_all_that_a_build_needs(void **state)
{
    (void)state;
    struct world w;
    begin_running(&w, "xr Make=!us-west-2 Prod=us-west-2");
    const struct job *offer = world_offer(&w, "b1");
    assert_int_equal(offer->kind, JOB_BUILD);
    assert_int_equal(offer->input_count, 1);
    assert_string_equal(offer->inputs[0].name, "App");
    assert_string_equal(offer->inputs[0].ref.version_id, "v1");
    assert_string_equal(offer->input.version_id, "v1");
    assert_int_equal(offer->output_count, 1);
    assert_string_equal(offer->outputs[0].name, "Built");
    assert_string_equal(offer->outputs[0].ref.store, "store-us-west-2");
    assert_true(text_starts(offer->outputs[0].ref.key, "xr/Built/"));
    assert_int_equal(offer->variable_count, 1);
    assert_string_equal(offer->variables[0].value, "fast");
    assert_string_equal(offer->revision, "v1");
    assert_string_equal(offer->target, "build:xr/make-us-west-2");
    assert_string_equal(offer->application, "shop");
    assert_true(text_starts(offer->deployment_group_id, "dg-"));
    assert_false(id_empty(&offer->deployment));
    world_deinit(&w);
}

static void what_was_built_is_deployed_and_copied_from_its_region(void **state)
{
    (void)state;
    struct world w;
    begin_running(&w, "xr Make=!us-west-2 Prod=us-west-2,us-east-1");
    world_tell(&w, __func__);
    assert_int_equal(copy_of(&w, "Built", "us-west-2")->status, STATUS_IN_PROGRESS);
    struct job build = *world_offer(&w, "b1");
    world_result(&w, 3, &build, STATUS_SUCCEEDED);
    assert_int_equal(copy_of(&w, "Built", "us-west-2")->status, STATUS_SUCCEEDED);
    assert_int_equal(copy_of(&w, "Built", "us-west-2")->ref.size, 77);
    assert_string_equal(world_action(&w, "xr", 1, 0)->summary, "built on b1");
    const struct job *deploy = world_offer(&w, "w1");
    assert_string_equal(deploy->input.version_id, "built-1");
    assert_int_equal(deploy->input.sha256[0], 0xbb);
    assert_string_equal(deploy->revision, "v1"); /* the source's, equal everywhere */
    const struct job *copy = world_offer(&w, "e1");
    assert_int_equal(copy->kind, JOB_REPLICATE);
    assert_string_equal(copy->input.store, "store-us-west-2");
    assert_string_equal(copy->input.version_id, "built-1");
    assert_string_equal(copy->output.store, "store-us-east-1");
    world_result(&w, 2, copy, STATUS_SUCCEEDED);
    assert_string_equal(world_offer(&w, "e1")->input.version_id, "copy-1");
    world_deinit(&w);
}

static void a_build_in_another_region_waits_for_its_source(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Make=!us-east-1 Again=!us-west-2 Prod=us-west-2");
    world_tell(&w, __func__);
    world_fleet(&w, "w1", "us-west-2", "b1", "us-west-2", "bob", "us-east-1", (const char *)NULL);
    world_hello(&w, "bob", "us-east-1", 1, 4);
    world_hello(&w, "b1", "us-west-2", 1, 3);
    world_source(&w, "xr", "Source", "v1");
    struct job copy = *world_offer(&w, "bob");
    assert_int_equal(copy.kind, JOB_REPLICATE);
    assert_non_null(strstr(build_of(&w)->cause, "waits for the copy of artifact App"));
    world_result(&w, 4, &copy, STATUS_SUCCEEDED);
    struct job first = *world_offer(&w, "bob");
    assert_int_equal(first.kind, JOB_BUILD);
    assert_string_equal(first.inputs[0].ref.version_id, "copy-1");
    world_result(&w, 4, &first, STATUS_SUCCEEDED);
    /* The second takes what the first has made, from where it lies. */
    struct job back = *world_offer(&w, "b1");
    assert_int_equal(back.kind, JOB_REPLICATE);
    assert_string_equal(back.input.store, "store-us-east-1");
    world_result(&w, 3, &back, STATUS_SUCCEEDED);
    struct job second = *world_offer(&w, "b1");
    assert_string_equal(second.inputs[0].name, "Built");
    assert_string_equal(second.revision, "v1");
    world_result(&w, 3, &second, STATUS_SUCCEEDED);
    assert_string_equal(world_offer(&w, "w1")->input.version_id, "built-1");
    world_deinit(&w);
}

static void a_build_that_failed_is_not_tried_again(void **state)
{
    (void)state;
    struct world w;
    begin_running(&w, "xr Make=!us-west-2 Prod=us-west-2");
    world_tell(&w, __func__);
    struct job build = *world_offer(&w, "b1");
    world_result(&w, 3, &build, STATUS_FAILED);
    assert_int_equal(build_of(&w)->status, STATUS_FAILED);
    assert_int_equal(build_of(&w)->attempt, 1);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    assert_int_equal(copy_of(&w, "Built", "us-west-2")->status, STATUS_FAILED);
    assert_string_equal(world_action(&w, "xr", 1, 0)->error_message,
                        "b1: Build Failed (ScriptFailed): exit code 1");
    world_deinit(&w);
}

static void a_build_that_was_lost_is_tried_again_three_times(void **state)
{
    (void)state;
    struct world w;
    begin_running(&w, "xr Make=!us-west-2 Prod=us-west-2");
    struct job build = *world_offer(&w, "b1");
    for (uint32_t attempt = 1; attempt <= 3; attempt++) {
        assert_int_equal(build.attempt, attempt);
        world_result(&w, 3, &build, STATUS_UNKNOWN);
        if (attempt == 3) break;
        assert_int_equal(build_of(&w)->status, STATUS_PENDING);
        for (int i = 0; i < 30 && !world_offer(&w, "b1"); i++) {
            world_heartbeat(&w, "b1", 1, 3, NULL, 0);
            if (!world_offer(&w, "b1")) world_sleep_sent(&w, 500, "b1", MESSAGE_OFFER);
        }
        build = *world_offer(&w, "b1");
    }
    assert_int_equal(build_of(&w)->status, STATUS_FAILED);
    world_deinit(&w);
}

static void a_build_goes_to_another_host_when_its_lease_is_over(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Make=!us-west-2 Prod=us-west-2");
    world_tell(&w, __func__);
    world_fleet(&w, "b1", "us-west-2", "b2", "us-west-2", (const char *)NULL);
    world_hello(&w, "b1", "us-west-2", 1, 3);
    world_source(&w, "xr", "Source", "v1");
    struct job first = *world_offer(&w, "b1");
    world_accept(&w, 3, &first);
    world_hello(&w, "b2", "us-west-2", 1, 4);
    bool given = false;
    for (int i = 0; i < 60 && !given; i++) {
        world_heartbeat(&w, "b2", 1, 4, NULL, 0);
        given = world_offer(&w, "b2") || world_sleep_sent(&w, 1000, "b2", MESSAGE_OFFER);
    }
    assert_true(given);
    struct job second = *world_offer(&w, "b2");
    assert_int_equal(second.attempt, 2);
    assert_string_equal(second.outputs[0].ref.key, first.outputs[0].ref.key);
    world_result(&w, 4, &second, STATUS_SUCCEEDED);
    assert_int_equal(copy_of(&w, "Built", "us-west-2")->status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void a_result_without_its_outputs_is_a_failure(void **state)
{
    (void)state;
    struct world w;
    begin_running(&w, "xr Make=!us-west-2 Prod=us-west-2");
    world_tell(&w, __func__);
    struct job build = *world_offer(&w, "b1");
    build.output_count = 0;
    world_result(&w, 3, &build, STATUS_SUCCEEDED);
    assert_int_equal(build_of(&w)->status, STATUS_FAILED);
    assert_non_null(strstr(build_of(&w)->cause, "did not say which versions"));
    world_deinit(&w);
}

static void builds_survive_a_restart_of_the_coordinator(void **state)
{
    (void)state;
    struct world w;
    begin_running(&w, "xr Make=!us-west-2 Prod=us-west-2");
    struct job build = *world_offer(&w, "b1");
    world_restart(&w);
    world_fleet(&w, "w1", "us-west-2", "b1", "us-west-2", (const char *)NULL);
    world_hello(&w, "b1", "us-west-2", 1, 3);
    world_hello(&w, "w1", "us-west-2", 1, 1);
    world_result(&w, 3, &build, STATUS_SUCCEEDED);
    assert_string_equal(world_offer(&w, "w1")->input.version_id, "built-1");
    world_restart(&w);
    assert_string_equal(copy_of(&w, "Built", "us-west-2")->ref.version_id, "built-1");
    world_deinit(&w);
}

static void stopping_a_build_cancels_it(void **state)
{
    (void)state;
    struct world w;
    begin_running(&w, "xr Make=!us-west-2 Prod=us-west-2");
    world_tell(&w, __func__);
    struct job build = *world_offer(&w, "b1");
    world_accept(&w, 3, &build);
    world_stop(&w, world_view(&w, "xr")->execution.id.text, true);
    assert_true(build_of(&w)->cancel);
    world_result(&w, 3, &build, STATUS_STOPPED);
    assert_int_equal(build_of(&w)->status, STATUS_STOPPED);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_ABANDONED);
    world_deinit(&w);
}

/* b1 and w1 in the one region, bob and e1 in the other one; all connected. */
static void begin_in_two_regions(struct world *w, const char *definition)
{
    begin(w, definition);
    world_fleet(w, "w1", "us-west-2", "e1", "us-east-1", "b1", "us-west-2", "bob", "us-east-1",
                (const char *)NULL);
    world_hello(w, "b1", "us-west-2", 1, 3);
    world_hello(w, "bob", "us-east-1", 1, 4);
}

/* Ends the copies that are under way; how many they were. */
static size_t copies_end(struct world *w, enum status status)
{
    const struct execution_view *view = world_view(w, "xr");
    size_t count = 0;
    for (size_t i = 0; i < view->job_count; i++) {
        if (view->jobs[i].kind != JOB_REPLICATE) continue;
        if (view->jobs[i].status != STATUS_IN_PROGRESS) continue;
        struct job job = world_job_of(&view->jobs[i]);
        world_result(w, text_equal(job.worker, "bob") ? 4 : 2, &job, status);
        count++;
    }
    return count;
}

static void a_build_takes_and_makes_more_than_one_artifact(void **state)
{
    (void)state;
    struct world w;
    begin_in_two_regions(&w, "xr Make=!us-west-2 More=!!us-east-1 Prod=us-east-1");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    struct job first = *world_offer(&w, "b1");
    world_result(&w, 3, &first, STATUS_SUCCEEDED);
    /* Both inputs of the second are copied to its region. */
    assert_int_equal(copies_end(&w, STATUS_SUCCEEDED), 2);
    struct job second = *world_offer(&w, "bob");
    assert_int_equal(second.kind, JOB_BUILD);
    assert_int_equal(second.input_count, 2);
    assert_string_equal(second.inputs[0].name, "Built");
    assert_string_equal(second.inputs[1].name, "App");
    assert_int_equal(second.output_count, 2);
    assert_string_equal(second.outputs[0].name, "Again");
    assert_string_equal(second.outputs[1].name, "Report");
    assert_string_not_equal(second.outputs[0].ref.key, second.outputs[1].ref.key);
    world_result(&w, 4, &second, STATUS_SUCCEEDED);
    assert_int_equal(copy_of(&w, "Again", "us-east-1")->status, STATUS_SUCCEEDED);
    assert_int_equal(copy_of(&w, "Report", "us-east-1")->status, STATUS_SUCCEEDED);
    assert_string_equal(copy_of(&w, "Report", "us-east-1")->ref.version_id, "built-2");
    world_deinit(&w);
}

static void a_build_that_forgets_one_of_its_artifacts_fails(void **state)
{
    (void)state;
    struct world w;
    begin_running(&w, "xr Make=!!us-west-2 Prod=us-west-2");
    world_tell(&w, __func__);
    struct job build = *world_offer(&w, "b1");
    build.output_count = 1;
    world_result(&w, 3, &build, STATUS_SUCCEEDED);
    assert_int_equal(build_of(&w)->status, STATUS_FAILED);
    assert_int_equal(copy_of(&w, "Built", "us-west-2")->status, STATUS_FAILED);
    assert_int_equal(copy_of(&w, "Report", "us-west-2")->status, STATUS_FAILED);
    world_deinit(&w);
}

static void what_an_earlier_build_had_made_is_copied_anew(void **state)
{
    (void)state;
    struct world w;
    begin_in_two_regions(&w, "xr Make=!us-west-2>us-east-1 Prod=us-west-2");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    for (int round = 0; round < 2; round++) {
        w.built = round ? 0x33 : 0x22;
        struct job build = *world_offer(&w, "b1");
        world_result(&w, 3, &build, STATUS_SUCCEEDED);
        /* Equal bytes would not be copied a second time. */
        assert_int_equal(copies_end(&w, STATUS_SUCCEEDED), 1);
        assert_int_equal(copy_of(&w, "Built", "us-east-1")->ref.sha256[0], w.built);
        if (round == 1) break;
        world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
        world_finish(&w, "xr", "bob", 4, STATUS_FAILED);
        assert_int_equal(world_retry(&w, RETRY_ALL_ACTIONS)->failure.code, ERR_NONE);
    }
    world_deinit(&w);
}

static void a_build_whose_input_cannot_be_copied_fails_and_names_it(void **state)
{
    (void)state;
    struct world w;
    begin_in_two_regions(&w, "xr Make=!us-east-1 Prod=us-west-2");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    for (int attempt = 0; attempt < 3; attempt++) {
        for (int i = 0; i < 60 && !copies_end(&w, STATUS_FAILED); i++) {
            world_heartbeat(&w, "bob", 1, 4, NULL, 0);
            world_heartbeat(&w, "e1", 1, 2, NULL, 0);
            world_sleep(&w, 1000);
        }
    }
    const struct action_state *make = world_action(&w, "xr", 1, 0);
    assert_int_equal(make->status, STATUS_FAILED);
    assert_non_null(
        strstr(make->error_message, "artifact App could not be copied to region us-east-1: "));
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    world_deinit(&w);
}

static void a_build_that_takes_too_long_fails_with_what_it_waits_for(void **state)
{
    for (int known = 0; known < 2; known++) {
        (void)state;
        struct world w;
        if (known)
            begin_running(&w, "xr Make=!us-west-2 Prod=us-west-2");
        else
            begin(&w, "xr Make=!us-west-2 Prod=us-west-2");
        if (!known) world_source(&w, "xr", "Source", "v1");
        if (known) world_accept(&w, 3, world_offer(&w, "b1"));
        uint64_t due_ms = world_action(&w, "xr", 1, 0)->deadline_ms;
        assert_int_equal(due_ms, w.now_ms + w.config.action_timeout_ms);
        world_sleep(&w, w.config.action_timeout_ms - 1);
        assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_IN_PROGRESS);
        assert_true(coordinator_deadline(w.c) <= due_ms);
        world_tell(&w, known ? "a_build_takes_too_long" : "a_build_waits_too_long");
        world_sleep(&w, 1);
        assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_FAILED);
        assert_non_null(strstr(world_action(&w, "xr", 1, 0)->error_message, "after 600 s: "));
        world_deinit(&w);
    }
}

static void a_build_that_was_abandoned_before_it_began_has_no_job(void **state)
{
    (void)state;
    struct world w;
    begin_in_two_regions(&w, "xr Make=us-west-2>!us-west-2 Prod=us-west-2");
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    assert_null(build_of(&w));
    world_stop(&w, world_view(&w, "xr")->execution.id.text, true);
    assert_null(build_of(&w));
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_hosts_that_build_are_asked),
        cmocka_unit_test(hosts_that_only_build_get_no_deployments),
        cmocka_unit_test(an_offer_tells_all_that_a_build_needs),
        cmocka_unit_test(what_was_built_is_deployed_and_copied_from_its_region),
        cmocka_unit_test(a_build_in_another_region_waits_for_its_source),
        cmocka_unit_test(a_build_that_failed_is_not_tried_again),
        cmocka_unit_test(a_build_that_was_lost_is_tried_again_three_times),
        cmocka_unit_test(a_build_goes_to_another_host_when_its_lease_is_over),
        cmocka_unit_test(a_result_without_its_outputs_is_a_failure),
        cmocka_unit_test(builds_survive_a_restart_of_the_coordinator),
        cmocka_unit_test(stopping_a_build_cancels_it),
        cmocka_unit_test(a_build_takes_and_makes_more_than_one_artifact),
        cmocka_unit_test(a_build_that_forgets_one_of_its_artifacts_fails),
        cmocka_unit_test(what_an_earlier_build_had_made_is_copied_anew),
        cmocka_unit_test(a_build_whose_input_cannot_be_copied_fails_and_names_it),
        cmocka_unit_test(a_build_that_takes_too_long_fails_with_what_it_waits_for),
        cmocka_unit_test(a_build_that_was_abandoned_before_it_began_has_no_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
