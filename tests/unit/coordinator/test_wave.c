/* Regions of a stage: waves with bake time, how many at once, and what a failure in one means. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#define MINUTE UINT64_C(60000)
#define THREE  "us-west-2,us-east-1,ap-southeast-2"
#define WAVES  "xr Prod~waves:us-west-2/30;us-east-1/10;ap-southeast-2=" THREE
#define GROUP                                                                                      \
    "{\"deploymentGroup\": {\"applicationName\": \"app\", \"deploymentGroupName\": \"prod\", "     \
    "\"deploymentConfigName\": \"CodeDeployDefault.AllAtOnce\", \"alarmConfiguration\": "          \
    "{\"enabled\": true, \"alarms\": [{\"name\": \"errors\"}]}}}"

static const char *const hosts[] = { "w1", "e1", "a1" };

static void fleet(struct world *w)
{
    w->no_fleet = true;
    world_fleet(w, "w1", "us-west-2", "e1", "us-east-1", "a1", "ap-southeast-2",
                (const char *)NULL);
    world_hello(w, "w1", "us-west-2", 1, 1);
    world_hello(w, "e1", "us-east-1", 1, 2);
    world_hello(w, "a1", "ap-southeast-2", 1, 3);
}

static void begin(struct world *w, const char *definition)
{
    world_init(w);
    fleet(w);
    assert_int_equal(world_apply(w, definition)->failure.code, ERR_NONE);
}

static enum status status_of(struct world *w, size_t region)
{
    return world_action(w, "xr", 1, region)->status;
}

static const struct stage_state *stage(struct world *w)
{
    return &world_view(w, "xr")->execution.stages[1];
}

/* What that region's host is asked to do ends so: a copy comes first and goes well. */
static void finish(struct world *w, size_t region, enum status status)
{
    for (bool copy = true; copy;) {
        const struct job_state *job = world_job(w, "xr", hosts[region]);
        if (!job || job->status != STATUS_IN_PROGRESS) return;
        copy = job->kind == JOB_REPLICATE;
        world_finish(w, "xr", hosts[region], region + 1, copy ? STATUS_SUCCEEDED : status);
    }
}

static bool at_work(struct world *w, size_t region)
{
    const struct job_state *job = world_job(w, "xr", hosts[region]);
    return job && !status_ended(job->status);
}

static const struct execution_view *view_of(struct world *w, const struct id *id)
{
    struct execution_view *view = arena_calloc(&w->arena, 1, sizeof *view);
    struct error err;
    if (!coordinator_view_execution(w->c, "xr", id->text, &w->arena, view, &err))
        fail_msg("%s", err.text);
    return view;
}

/* The hosts are heard of again afterwards. */
static void pass(struct world *w, uint64_t ms)
{
    world_sleep(w, ms);
    for (size_t i = 0; i < 3; i++) world_heartbeat(w, hosts[i], 1, i + 1, NULL, 0);
}

/* v1 everywhere, by the same stage. */
static void first_revision(struct world *w)
{
    world_run(w, "xr", "", "v1");
    for (size_t i = 0; i < 12; i++) {
        for (size_t r = 0; r < 3; r++) finish(w, r, STATUS_SUCCEEDED);
        pass(w, 10 * MINUTE);
    }
    assert_int_equal(world_view(w, "xr")->execution.status, STATUS_SUCCEEDED);
}

/* ---- waves ---- */

static void a_wave_begins_when_the_one_before_has_succeeded_and_was_watched(void **state)
{
    (void)state;
    struct world w;
    begin(&w, WAVES);
    world_tell(&w, __func__);
    world_run(&w, "xr", "", "v1");
    for (uint32_t r = 0; r < 3; r++) assert_int_equal(world_action(&w, "xr", 1, r)->wave, r + 1);
    assert_int_equal(status_of(&w, 0), STATUS_IN_PROGRESS);
    assert_int_equal(status_of(&w, 1), STATUS_PENDING);
    finish(&w, 0, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w, 0), STATUS_SUCCEEDED);
    assert_int_equal(stage(&w)->bake_wave, 1);
    uint64_t end_ms = stage(&w)->bake_ms;
    assert_int_equal(end_ms, w.now_ms + 30 * MINUTE);
    assert_non_null(strstr(world_view(&w, "xr")->execution.status_summary, "wave 1 of 3 bakes"));
    pass(&w, 20 * MINUTE);
    world_restart(&w);
    fleet(&w);
    assert_int_equal(stage(&w)->bake_ms, end_ms);
    assert_int_equal(status_of(&w, 1), STATUS_PENDING);
    assert_null(world_job(&w, "xr", "e1"));
    pass(&w, 10 * MINUTE - 1000);
    assert_int_equal(status_of(&w, 1), STATUS_PENDING);
    pass(&w, 1000);
    assert_int_equal(status_of(&w, 1), STATUS_IN_PROGRESS);
    assert_string_equal(world_view(&w, "xr")->execution.status_summary, "");
    finish(&w, 1, STATUS_SUCCEEDED);
    assert_int_equal(stage(&w)->bake_wave, 2);
    pass(&w, 10 * MINUTE);
    finish(&w, 2, STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void the_bake_of_the_last_wave_holds_the_stage(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~waves:us-west-2;us-east-1/5=us-west-2,us-east-1 End=us-west-2");
    world_run(&w, "xr", "", "v1");
    finish(&w, 0, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w, 1), STATUS_IN_PROGRESS);
    finish(&w, 1, STATUS_SUCCEEDED);
    assert_int_equal(stage(&w)->status, STATUS_IN_PROGRESS);
    pass(&w, 5 * MINUTE);
    assert_int_equal(stage(&w)->status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void a_wave_goes_through_its_run_orders_before_the_next(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~waves:us-west-2;us-east-1=us-west-2,us-east-1>us-west-2,us-east-1");
    world_run(&w, "xr", "", "v1");
    finish(&w, 0, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w, 2), STATUS_IN_PROGRESS); /* us-west-2@2 */
    assert_int_equal(status_of(&w, 1), STATUS_PENDING);
    finish(&w, 0, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w, 1), STATUS_IN_PROGRESS);
    assert_int_equal(status_of(&w, 3), STATUS_PENDING);
    world_deinit(&w);
}

static void so_many_regions_are_at_work_at_once(void **state)
{
    (void)state;
    for (size_t most = 1; most <= 3; most++) {
        struct world w;
        char text[80];
        snprintf(text, sizeof text, "xr Prod~max:%zu=%s", most, THREE);
        begin(&w, text);
        world_run(&w, "xr", "", "v1");
        for (size_t done = 0; done < 3; done++) {
            size_t running = 0;
            for (size_t r = 0; r < 3; r++) running += status_of(&w, r) == STATUS_IN_PROGRESS;
            assert_int_equal(running, 3 - done < most ? 3 - done : most);
            finish(&w, done, STATUS_SUCCEEDED);
        }
        assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
        world_deinit(&w);
    }
}

static void a_region_that_is_cut_off_ends_its_wave_and_the_next_one_does_not_begin(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~waves:us-west-2;us-east-1+ap-southeast-2=" THREE);
    world_run(&w, "xr", "", "v1");
    for (int i = 0; i < 100; i++) { /* w1 has accepted and is silent; the others are there */
        world_sleep(&w, 4000);
        world_heartbeat(&w, "e1", 1, 2, NULL, 0);
        world_heartbeat(&w, "a1", 1, 3, NULL, 0);
    }
    assert_int_equal(status_of(&w, 1), STATUS_PENDING);
    assert_int_equal(status_of(&w, 2), STATUS_PENDING);
    world_hello(&w, "w1", "us-west-2", 1, 4);
    world_finish(&w, "xr", "w1", 4, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w, 1), STATUS_IN_PROGRESS);
    assert_int_equal(status_of(&w, 2), STATUS_IN_PROGRESS);
    world_deinit(&w);
}

/* ---- what happens meanwhile ---- */

static void a_stop_ends_a_bake_at_once(void **state)
{
    (void)state;
    for (int abandon = 0; abandon < 2; abandon++) {
        struct world w;
        begin(&w, WAVES);
        struct id id = world_run(&w, "xr", "", "v1")->execution;
        finish(&w, 0, STATUS_SUCCEEDED);
        world_stop(&w, id.text, abandon);
        assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_STOPPED);
        pass(&w, 60 * MINUTE);
        assert_int_equal(status_of(&w, 1), STATUS_PENDING);
        world_deinit(&w);
    }
}

static void a_retry_watches_again_only_what_is_done_again(void **state)
{
    (void)state;
    for (enum retry_mode mode = RETRY_FAILED_ACTIONS; mode < RETRY_MODE_COUNT; mode++) {
        struct world w;
        bool all = mode == RETRY_ALL_ACTIONS;
        begin(&w, WAVES);
        world_run(&w, "xr", "", "v1");
        finish(&w, 0, STATUS_SUCCEEDED);
        pass(&w, 30 * MINUTE);
        finish(&w, 1, STATUS_FAILED);
        assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
        assert_int_equal(status_of(&w, 2), STATUS_PENDING);
        assert_int_equal(world_retry(&w, mode)->failure.code, ERR_NONE);
        if (all) finish(&w, 0, STATUS_SUCCEEDED);
        assert_int_equal(status_of(&w, 0), STATUS_SUCCEEDED);
        assert_int_equal(status_of(&w, 1), all ? STATUS_PENDING : STATUS_IN_PROGRESS);
        if (all) pass(&w, 30 * MINUTE);
        finish(&w, 1, STATUS_SUCCEEDED);
        assert_int_equal(stage(&w)->bake_wave, 2);
        world_deinit(&w);
    }
}

static void a_retry_after_a_stop_goes_on_with_the_bake(void **state)
{
    (void)state;
    struct world w;
    begin(&w, WAVES);
    struct id id = world_run(&w, "xr", "", "v1")->execution;
    finish(&w, 0, STATUS_SUCCEEDED);
    uint64_t end_ms = stage(&w)->bake_ms;
    world_stop(&w, id.text, false);
    pass(&w, 10 * MINUTE);
    assert_int_equal(world_retry(&w, RETRY_FAILED_ACTIONS)->failure.code, ERR_NONE);
    assert_int_equal(stage(&w)->bake_ms, end_ms);
    assert_int_equal(status_of(&w, 1), STATUS_PENDING);
    pass(&w, 20 * MINUTE);
    assert_int_equal(status_of(&w, 1), STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void a_newer_execution_waits_before_the_stage_and_a_closed_door_holds_nobody_inside(
    void **state)
{
    (void)state;
    struct world w;
    begin(&w, WAVES);
    struct id first = world_run(&w, "xr", "", "v1")->execution;
    finish(&w, 0, STATUS_SUCCEEDED);
    struct request request = { .kind = REQUEST_TRANSITION };
    request.transition.pipeline = "xr";
    request.transition.stage = "Prod";
    request.transition.reason = "friday";
    world_request(&w, &request, ROLE_DEPLOYER);
    world_run(&w, "xr", "", "v2");
    assert_int_equal(stage(&w)->status, STATUS_PENDING);
    pass(&w, 30 * MINUTE);
    const struct execution_view *inside = view_of(&w, &first);
    assert_int_equal(inside->execution.stages[1].actions[1].status, STATUS_IN_PROGRESS);
    assert_int_equal(stage(&w)->status, STATUS_PENDING);
    world_deinit(&w);
}

static void between_waves_an_execution_gives_way_to_a_rollback(void **state)
{
    (void)state;
    struct world w;
    begin(&w, WAVES);
    first_revision(&w);
    struct id second = world_run(&w, "xr", "", "v2")->execution;
    finish(&w, 0, STATUS_SUCCEEDED);
    struct request request = { .kind = REQUEST_ROLLBACK };
    request.rollback.pipeline = "xr";
    request.rollback.stage = "Prod";
    request.rollback.target = "";
    assert_int_equal(world_request(&w, &request, ROLE_DEPLOYER)->failure.code, ERR_NONE);
    const struct execution_view *old = view_of(&w, &second);
    assert_int_equal(old->execution.status, STATUS_STOPPED);
    assert_non_null(strstr(old->execution.status_summary, "goes back in stage Prod"));
    /* It knows no waves. */
    assert_int_equal(world_view(&w, "xr")->execution.type, TYPE_ROLLBACK);
    for (size_t r = 0; r < 3; r++) assert_int_equal(status_of(&w, r), STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void an_alarm_during_a_bake_fails_the_stage(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~local~waves:us-west-2/30;us-east-1/10;ap-southeast-2=" THREE);
    assert_int_equal(world_apply(&w, GROUP)->failure.code, ERR_NONE);
    first_revision(&w);
    struct id second = world_run(&w, "xr", "", "v2")->execution;
    finish(&w, 0, STATUS_SUCCEEDED);
    assert_int_equal(stage(&w)->bake_wave, 1);
    struct request request = { .kind = REQUEST_ALARM };
    request.alarm = (struct alarm_request){ "errors", true, "5 %" };
    assert_int_equal(world_request(&w, &request, ROLE_DEPLOYER)->failure.code, ERR_NONE);
    const struct execution_view *old = view_of(&w, &second);
    assert_int_equal(old->execution.status, STATUS_FAILED);
    assert_non_null(strstr(old->execution.stages[1].actions[0].summary,
                           "alarm errors was raised while wave 1 was watched: 5 %"));
    assert_int_equal(old->execution.stages[1].actions[1].status, STATUS_PENDING);
    assert_int_equal(world_view(&w, "xr")->execution.type, TYPE_ROLLBACK);
    assert_int_equal(status_of(&w, 0), STATUS_IN_PROGRESS);
    assert_int_equal(status_of(&w, 1), STATUS_SKIPPED);
    world_deinit(&w);
}

/* ---- failures ---- */

/* v1 is everywhere; of v2 one region fails, the others succeed where they are let. */
static struct id one_fails(struct world *w, const char *policy, size_t failing, bool serial)
{
    char text[160];
    snprintf(text, sizeof text, "xr Prod~%s%s=%s", policy,
             serial ? "~waves:us-west-2;us-east-1;ap-southeast-2" : "", THREE);
    begin(w, text);
    first_revision(w);
    struct id id = world_run(w, "xr", "", "v2")->execution;
    for (size_t r = 0; r < 3; r++)
        if (r != failing) finish(w, r, STATUS_SUCCEEDED);
    finish(w, failing, STATUS_FAILED);
    return id;
}

static void each_policy_with_each_failing_region(void **state)
{
    (void)state;
    for (size_t failing = 0; failing < 3; failing++) {
        static const char *const policies[] = { "all", "local", "continue", "none" };
        for (size_t p = 0; p < 4; p++) {
            struct world w;
            struct id id = one_fails(&w, policies[p], failing, false);
            const struct execution_view *bad = view_of(&w, &id);
            assert_int_equal(bad->execution.status, STATUS_FAILED);
            const struct execution *now = &world_view(&w, "xr")->execution;
            bool goes = p < 2;
            assert_int_equal(now->type, goes ? TYPE_ROLLBACK : TYPE_STANDARD);
            for (size_t r = 0; goes && r < 3; r++)
                assert_int_equal(status_of(&w, r),
                                 p == 0 || r == failing ? STATUS_IN_PROGRESS : STATUS_SKIPPED);
            for (size_t r = 0; r < 3; r++)
                if (at_work(&w, r)) finish(&w, r, STATUS_SUCCEEDED);
            if (goes) assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
            for (size_t r = 0; r < 3; r++) {
                char key[64];
                snprintf(key, sizeof key, "host/deploy:app/prod/%s", hosts[r]);
                const struct record *host = world_stored(&w, key);
                assert_non_null(host);
                bool old = p == 0 || r == failing;
                assert_string_equal(host->host.revision, old ? "v1" : "v2");
            }
            world_deinit(&w);
        }
    }
}

static void in_waves_only_what_was_touched_goes_back(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~all~waves:us-west-2;us-east-1;ap-southeast-2=" THREE);
    first_revision(&w);
    world_run(&w, "xr", "", "v2");
    finish(&w, 0, STATUS_SUCCEEDED);
    finish(&w, 1, STATUS_FAILED);
    assert_int_equal(world_view(&w, "xr")->execution.type, TYPE_ROLLBACK);
    assert_int_equal(status_of(&w, 0), STATUS_IN_PROGRESS);
    assert_int_equal(status_of(&w, 1), STATUS_IN_PROGRESS);
    assert_int_equal(status_of(&w, 2), STATUS_SKIPPED);
    assert_null(world_job(&w, "xr", "a1"));
    world_deinit(&w);
}

static void what_a_retry_had_touched_before_goes_back_as_well(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~all~RETRY_ALL=us-west-2>us-east-1");
    world_run(&w, "xr", "", "v1");
    finish(&w, 0, STATUS_SUCCEEDED);
    finish(&w, 1, STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    world_run(&w, "xr", "", "v2");
    finish(&w, 0, STATUS_SUCCEEDED);
    finish(&w, 1, STATUS_FAILED); /* then everything again, by itself */
    assert_int_equal(world_view(&w, "xr")->execution.type, TYPE_STANDARD);
    finish(&w, 0, STATUS_FAILED);
    finish(&w, 1, STATUS_FAILED);
    assert_int_equal(world_view(&w, "xr")->execution.type, TYPE_ROLLBACK);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void with_continue_later_waves_go_on_but_not_the_region_that_failed(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~continue~waves:us-west-2+us-east-1;ap-southeast-2="
              "us-west-2,us-east-1,ap-southeast-2>us-west-2,us-east-1");
    world_run(&w, "xr", "", "v1");
    finish(&w, 0, STATUS_FAILED);
    assert_int_equal(status_of(&w, 1), STATUS_IN_PROGRESS);
    finish(&w, 1, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w, 3), STATUS_PENDING);     /* us-west-2@2 */
    assert_int_equal(status_of(&w, 4), STATUS_IN_PROGRESS); /* us-east-1@2 */
    assert_int_equal(status_of(&w, 2), STATUS_PENDING);
    finish(&w, 1, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w, 2), STATUS_IN_PROGRESS);
    assert_int_equal(stage(&w)->status, STATUS_IN_PROGRESS);
    finish(&w, 2, STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    assert_int_equal(status_of(&w, 3), STATUS_PENDING);
    world_deinit(&w);
}

static void what_takes_from_a_failed_build_does_not_begin(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~continue=!us-west-2>us-east-1>ap-southeast-2");
    world_fleet(&w, "w1", "us-west-2", "e1", "us-east-1", "a1", "ap-southeast-2", "b1", "us-west-2",
                (const char *)NULL);
    world_hello(&w, "b1", "us-west-2", 1, 4);
    world_run(&w, "xr", "", "v1");
    world_finish(&w, "xr", "b1", 4, STATUS_FAILED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    assert_int_equal(status_of(&w, 1), STATUS_PENDING);
    assert_int_equal(status_of(&w, 2), STATUS_PENDING);
    world_deinit(&w);
}

/* ---- what is asked ---- */

static const struct reason *reason(struct world *w, enum reason_code code)
{
    const struct reason *all = NULL;
    size_t count = 0;
    struct error err;
    assert_true(coordinator_view_why(w->c, "xr", "", &w->arena, &all, &count, &err));
    for (size_t i = 0; i < count; i++)
        if (all[i].code == code) return &all[i];
    return NULL;
}

static void why_names_the_bake_with_its_end_and_the_waves_that_wait(void **state)
{
    (void)state;
    struct world w;
    begin(&w, WAVES);
    world_run(&w, "xr", "", "v1");
    assert_null(reason(&w, REASON_BAKE));
    const struct reason *wave = reason(&w, REASON_WAVE);
    assert_string_equal(wave->region, "us-east-1");
    assert_string_equal(wave->text, "wave 2 of 3 begins when wave 1 has succeeded and was watched "
                                    "for 30 minutes");
    finish(&w, 0, STATUS_SUCCEEDED);
    const struct reason *bake = reason(&w, REASON_BAKE);
    assert_non_null(bake);
    assert_int_equal(bake->since_ms, w.now_ms);
    assert_int_equal(bake->deadline_ms, w.now_ms + 30 * MINUTE);
    assert_string_equal(bake->region, "us-west-2");
    world_deinit(&w);
    begin(&w, "xr Prod~max:1=" THREE);
    world_run(&w, "xr", "", "v1");
    wave = reason(&w, REASON_WAVE);
    assert_string_equal(wave->region, "us-east-1, ap-southeast-2");
    assert_string_equal(wave->text, "at most 1 region at work at once");
    world_deinit(&w);
}

static void a_plan_tells_waves_in_their_order(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=" THREE);
    struct pipeline *parsed =
        world_parse("xr Prod~all~waves:ap-southeast-2/5;us-west-2+us-east-1=" THREE);
    struct plan plan = coordinator_view_plan(w.c, parsed, &w.arena);
    assert_string_equal(plan.steps[1].region, "ap-southeast-2");
    assert_string_equal(plan.steps[1].note,
                        "wave 1 of 2, then 5 minutes of bake; size of App not known yet");
    assert_string_equal(plan.steps[2].region, "us-west-2");
    assert_string_equal(plan.steps[2].note, "wave 2 of 2");
    assert_string_equal(plan.changes[0].what, "meridian.waves");
    assert_string_equal(plan.changes[0].after, "ap-southeast-2 (5 min) > us-west-2, us-east-1");
    assert_string_equal(plan.changes[1].what, "meridian.onFailure");
    assert_string_equal(plan.changes[1].after, "all");
    pipeline_free(parsed);
    world_deinit(&w);
}

/* ---- what is refused ---- */

static void what_does_not_fit_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path, *says;
    } cases[] = {
        { "xr Prod~waves:us-west-2=us-west-2,us-east-1", "pipeline.stages[1].actions[1]",
          "us-east-1 is in no wave" },
        { "xr Prod~waves:us-west-2;us-east-1=us-west-2",
          "pipeline.stages[1].meridian.waves[1].regions[0]", "no action of the stage runs in" },
        { "xr Prod~waves:us-west-2;us-west-2=us-west-2",
          "pipeline.stages[1].meridian.waves[1].regions[0]", "in wave 1 already" },
        { "xr Prod~waves:us-west-2+us-west-2=us-west-2",
          "pipeline.stages[1].meridian.waves[0].regions[1]", "in wave 1 already" },
        { "xr Prod~waves:us-east-1;us-west-2=!us-west-2>us-east-1",
          "pipeline.stages[1].actions[1].inputArtifacts",
          "in wave 2, this one needs it in wave 1" },
        { "xr Prod~all~ROLLBACK=us-west-2", "pipeline.stages[1].meridian.onFailure", "keep one" },
        { "xr Prod~local~ROLLBACK=us-west-2", "pipeline.stages[1].meridian.onFailure", "keep one" },
        { "xr:PARALLEL Prod~all=us-west-2", "pipeline.stages[1].meridian.onFailure", "PARALLEL" },
        { "xr Prod~barrier~max:1=us-west-2", "pipeline.stages[1].meridian.barrier", "keep one" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        const struct problem *problems;
        bool found = false;
        arena_init(&arena, 1 << 20);
        struct pipeline *p = world_parse(cases[i].text);
        size_t count = pipeline_check(p, "us-west-2", &arena, &problems);
        for (size_t k = 0; k < count; k++)
            found = found || (text_equal(problems[k].path, cases[i].path) &&
                              strstr(problems[k].text, cases[i].says));
        if (!found)
            fail_msg("%s: %zu: %s %s", cases[i].text, count, count ? problems[0].path : "",
                     count ? problems[0].text : "");
        pipeline_free(p);
        arena_deinit(&arena);
    }
}

static void what_fits_has_no_problem(void **state)
{
    (void)state;
    static const char waves[] = WAVES;
    static const char *const good[] = {
        waves,
        "xr Prod~waves:us-east-1/5=?Look>us-east-1",
        "xr Prod~continue~ROLLBACK=us-west-2",
        "xr Prod~barrier~all=us-west-2,us-east-1",
        "xr:PARALLEL Prod~continue=us-west-2",
        "xr Prod~all~RETRY~max:2=us-west-2",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct arena arena;
        const struct problem *problems;
        arena_init(&arena, 1 << 20);
        struct pipeline *p = world_parse(good[i]);
        if (pipeline_check(p, "us-west-2", &arena, &problems))
            fail_msg("%s: %s %s", good[i], problems[0].path, problems[0].text);
        pipeline_free(p);
        arena_deinit(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wave_begins_when_the_one_before_has_succeeded_and_was_watched),
        cmocka_unit_test(the_bake_of_the_last_wave_holds_the_stage),
        cmocka_unit_test(a_wave_goes_through_its_run_orders_before_the_next),
        cmocka_unit_test(so_many_regions_are_at_work_at_once),
        cmocka_unit_test(a_region_that_is_cut_off_ends_its_wave_and_the_next_one_does_not_begin),
        cmocka_unit_test(a_stop_ends_a_bake_at_once),
        cmocka_unit_test(a_retry_watches_again_only_what_is_done_again),
        cmocka_unit_test(a_retry_after_a_stop_goes_on_with_the_bake),
        cmocka_unit_test(
            a_newer_execution_waits_before_the_stage_and_a_closed_door_holds_nobody_inside),
        cmocka_unit_test(between_waves_an_execution_gives_way_to_a_rollback),
        cmocka_unit_test(an_alarm_during_a_bake_fails_the_stage),
        cmocka_unit_test(each_policy_with_each_failing_region),
        cmocka_unit_test(in_waves_only_what_was_touched_goes_back),
        cmocka_unit_test(what_a_retry_had_touched_before_goes_back_as_well),
        cmocka_unit_test(with_continue_later_waves_go_on_but_not_the_region_that_failed),
        cmocka_unit_test(what_takes_from_a_failed_build_does_not_begin),
        cmocka_unit_test(why_names_the_bake_with_its_end_and_the_waves_that_wait),
        cmocka_unit_test(a_plan_tells_waves_in_their_order),
        cmocka_unit_test(what_does_not_fit_is_refused_with_its_place),
        cmocka_unit_test(what_fits_has_no_problem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
