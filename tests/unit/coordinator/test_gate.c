#include "fixture.h"

#include <stdio.h>
#include <string.h>

enum { RUNS_MAX = 8 };

struct runs {
    struct world w;
    struct id ids[RUNS_MAX];
    size_t count;
};

static void begin(struct runs *r, const char *definition)
{
    r->count = 0;
    world_init(&r->w);
    world_connect(&r->w);
    assert_int_equal(world_apply(&r->w, definition)->failure.code, ERR_NONE);
}

static size_t start(struct runs *r)
{
    char submission[40];
    snprintf(submission, sizeof submission, "5ab%05zu-1111-4222-8333-444455556666", r->count);
    const struct reply *reply = world_run(&r->w, "xr", submission, "v1");
    assert_int_equal(reply->failure.code, ERR_NONE);
    r->ids[r->count] = reply->execution;
    return r->count++;
}

static const struct execution_view *view(struct runs *r, size_t run)
{
    struct execution_view *out = arena_calloc(&r->w.arena, 1, sizeof *out);
    struct error err;
    if (!coordinator_view_execution(r->w.c, "xr", r->ids[run].text, &r->w.arena, out, &err))
        fail_msg("%s", err.text);
    return out;
}

static enum status stage_of(struct runs *r, size_t run, size_t stage)
{
    return view(r, run)->execution.stages[stage].status;
}

static enum status status_of(struct runs *r, size_t run)
{
    return view(r, run)->execution.status;
}

static const char *summary_of(struct runs *r, size_t run)
{
    return view(r, run)->execution.status_summary;
}

/* Ends that run's job under way. */
static void finish(struct runs *r, size_t run, enum status status)
{
    const struct execution_view *v = view(r, run);
    for (size_t i = 0; i < v->job_count; i++) {
        if (v->jobs[i].status != STATUS_IN_PROGRESS) continue;
        struct job job = world_job_of(&v->jobs[i]);
        world_result(&r->w, 1, &job, status);
        return;
    }
    fail_msg("run %zu has no job under way", run);
}

static const struct reply *transition(struct runs *r, const char *stage, bool enable,
                                      const char *reason)
{
    struct request request = { .kind = REQUEST_TRANSITION };
    request.transition.pipeline = "xr";
    request.transition.stage = stage;
    request.transition.enable = enable;
    request.transition.reason = reason;
    return world_request(&r->w, &request, ROLE_DEPLOYER);
}

static void superseded_keeps_only_the_newest_before_a_stage(void **state)
{
    (void)state;
    struct runs r;
    begin(&r, "xr:SUPERSEDED Prod=us-west-2");
    world_tell(&r.w, __func__);
    for (size_t i = 0; i < 3; i++) start(&r);
    assert_int_equal(stage_of(&r, 0, 1), STATUS_IN_PROGRESS);
    assert_int_equal(status_of(&r, 1), STATUS_SUPERSEDED);
    assert_int_equal(stage_of(&r, 2, 1), STATUS_PENDING);
    finish(&r, 0, STATUS_SUCCEEDED);
    assert_int_equal(stage_of(&r, 2, 1), STATUS_IN_PROGRESS);
    world_deinit(&r.w);
}

static void queued_keeps_the_order_and_supersedes_nobody(void **state)
{
    (void)state;
    struct runs r;
    begin(&r, "xr:QUEUED Prod=us-west-2");
    world_tell(&r.w, __func__);
    for (size_t i = 0; i < 4; i++) start(&r);
    assert_int_equal(view(&r, 0)->execution.mode, MODE_QUEUED);
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = i + 1; k < 4; k++) {
            assert_int_equal(status_of(&r, k), STATUS_IN_PROGRESS);
            assert_int_equal(stage_of(&r, k, 1), STATUS_PENDING);
            assert_non_null(strstr(summary_of(&r, k), r.ids[i].text));
        }
        if (i == 1) world_restart(&r.w);
        if (i == 1) world_connect(&r.w);
        finish(&r, i, i == 2 ? STATUS_FAILED : STATUS_SUCCEEDED);
        assert_int_equal(status_of(&r, i), i == 2 ? STATUS_FAILED : STATUS_SUCCEEDED);
    }
    world_deinit(&r.w);
}

static void a_queued_execution_never_overtakes_in_a_later_stage(void **state)
{
    (void)state;
    struct runs r;
    begin(&r, "xr:QUEUED One=us-west-2 Two=us-west-2");
    start(&r);
    start(&r);
    transition(&r, "Two", false, "");
    finish(&r, 0, STATUS_SUCCEEDED);
    finish(&r, 1, STATUS_SUCCEEDED);
    assert_int_equal(stage_of(&r, 0, 2), STATUS_PENDING);
    assert_int_equal(stage_of(&r, 1, 2), STATUS_PENDING);
    transition(&r, "Two", true, "");
    assert_int_equal(stage_of(&r, 0, 2), STATUS_IN_PROGRESS);
    assert_int_equal(stage_of(&r, 1, 2), STATUS_PENDING);
    world_deinit(&r.w);
}

static void a_queued_execution_keeps_its_place_when_the_mode_is_edited(void **state)
{
    (void)state;
    struct runs r;
    begin(&r, "xr:QUEUED Prod=us-west-2");
    start(&r);
    start(&r);
    world_apply(&r.w, "xr:SUPERSEDED Prod=us-west-2");
    start(&r);
    finish(&r, 0, STATUS_SUCCEEDED);
    assert_int_equal(stage_of(&r, 1, 1), STATUS_IN_PROGRESS);
    assert_int_equal(stage_of(&r, 2, 1), STATUS_PENDING);
    finish(&r, 1, STATUS_SUCCEEDED);
    assert_int_equal(stage_of(&r, 2, 1), STATUS_IN_PROGRESS);
    world_deinit(&r.w);
}

static void parallel_ones_are_in_one_stage_together(void **state)
{
    (void)state;
    struct runs r;
    begin(&r, "xr:PARALLEL Prod=us-west-2");
    world_tell(&r.w, __func__);
    for (size_t i = 0; i < 3; i++) start(&r);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(status_of(&r, i), STATUS_IN_PROGRESS);
        assert_int_equal(stage_of(&r, i, 1), STATUS_IN_PROGRESS);
    }
    /* The host still takes one at a time. */
    for (size_t i = 0; i < 3; i++) finish(&r, i, STATUS_SUCCEEDED);
    for (size_t i = 0; i < 3; i++) assert_int_equal(status_of(&r, i), STATUS_SUCCEEDED);
    world_deinit(&r.w);
}

static void a_stopped_execution_frees_its_stage_and_its_place(void **state)
{
    (void)state;
    struct runs r;
    begin(&r, "xr:QUEUED Prod=us-west-2");
    for (size_t i = 0; i < 3; i++) start(&r);
    world_stop(&r.w, r.ids[1].text, false);
    assert_int_equal(status_of(&r, 1), STATUS_STOPPED);
    world_stop(&r.w, r.ids[0].text, false);
    finish(&r, 0, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&r, 0), STATUS_STOPPED);
    assert_int_equal(stage_of(&r, 2, 1), STATUS_IN_PROGRESS);
    world_deinit(&r.w);
}

static void a_disabled_transition_holds_the_newest_and_tells_why(void **state)
{
    (void)state;
    struct runs r;
    begin(&r, "xr Prod=us-west-2");
    world_tell(&r.w, __func__);
    const struct reply *reply = transition(&r, "Prod", false, "freeze until Monday");
    assert_int_equal(reply->failure.code, ERR_NONE);
    assert_true(reply->changed);
    start(&r);
    start(&r);
    assert_int_equal(status_of(&r, 0), STATUS_SUPERSEDED);
    assert_int_equal(stage_of(&r, 1, 1), STATUS_PENDING);
    assert_non_null(strstr(summary_of(&r, 1), "disabled by tess: freeze until Monday"));
    world_restart(&r.w);
    world_connect(&r.w);
    assert_int_equal(stage_of(&r, 1, 1), STATUS_PENDING);
    assert_false(transition(&r, "Prod", false, "freeze until Monday")->changed);
    assert_true(transition(&r, "Prod", true, "")->changed);
    assert_int_equal(stage_of(&r, 1, 1), STATUS_IN_PROGRESS);
    assert_string_equal(summary_of(&r, 1), "");
    assert_true(world_stored(&r.w, "transition/xr/Prod")->transition.enabled);
    world_deinit(&r.w);
}

static void a_disabled_transition_lets_what_is_in_the_stage_go_on(void **state)
{
    (void)state;
    struct runs r;
    begin(&r, "xr:PARALLEL Prod=us-west-2");
    start(&r);
    transition(&r, "Prod", false, "");
    start(&r);
    assert_int_equal(stage_of(&r, 0, 1), STATUS_IN_PROGRESS);
    assert_int_equal(stage_of(&r, 1, 1), STATUS_PENDING);
    finish(&r, 0, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&r, 0), STATUS_SUCCEEDED);
    transition(&r, "Prod", true, "");
    finish(&r, 1, STATUS_SUCCEEDED);
    assert_int_equal(status_of(&r, 1), STATUS_SUCCEEDED);
    world_deinit(&r.w);
}

static void the_door_of_a_stage_that_was_edited_away_can_still_be_opened(void **state)
{
    (void)state;
    struct runs r;
    begin(&r, "xr Prod=us-west-2");
    transition(&r, "Prod", false, "");
    start(&r);
    world_apply(&r.w, "xr Live=us-west-2");
    assert_int_equal(transition(&r, "Prod", false, "again")->failure.code, ERR_NOT_FOUND);
    assert_int_equal(transition(&r, "Prod", true, "")->failure.code, ERR_NONE);
    assert_int_equal(stage_of(&r, 0, 1), STATUS_IN_PROGRESS);
    world_deinit(&r.w);
}

static void a_transition_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct runs r;
    char reason[400];
    memset(reason, 'x', sizeof reason);
    reason[301] = '\0';
    begin(&r, "xr Prod=us-west-2");
    world_tell(&r.w, __func__);
    const struct reply *reply = transition(&r, "Test", false, "");
    assert_int_equal(reply->failure.code, ERR_NOT_FOUND);
    assert_true(text_starts(reply->failure.cause, "StageNotFoundException: "));
    assert_int_equal(transition(&r, "Source", false, "")->failure.code, ERR_INVALID);
    assert_int_equal(transition(&r, "Prod", false, reason)->failure.code, ERR_INVALID);
    reason[300] = '\0';
    assert_int_equal(transition(&r, "Prod", false, reason)->failure.code, ERR_NONE);
    struct request request = { .kind = REQUEST_TRANSITION,
                               .transition = {
                                   .pipeline = "other", .stage = "Prod", .reason = "" } };
    reply = world_request(&r.w, &request, ROLE_ADMIN);
    assert_true(text_starts(reply->failure.cause, "PipelineNotFoundException: "));
    assert_int_equal(world_request(&r.w, &request, ROLE_APPROVER)->failure.code, ERR_DENIED);
    world_deinit(&r.w);
}

/* Any order of starting, ending, stopping and editing: what the mode promises holds. */
static void check_promises(struct runs *r, enum execution_mode mode)
{
    size_t inside = 0;
    bool waits = false;
    for (size_t i = 0; i < r->count; i++) {
        enum status stage = stage_of(r, i, 1), status = status_of(r, i);
        inside += stage == STATUS_IN_PROGRESS || stage == STATUS_STOPPING;
        bool waiting = stage == STATUS_PENDING && !status_ended(status);
        if (mode == MODE_QUEUED) {
            assert_int_not_equal(status, STATUS_SUPERSEDED);
            if (stage != STATUS_PENDING) assert_false(waits);
        }
        if (mode == MODE_SUPERSEDED && waiting) assert_false(waits);
        if (mode == MODE_PARALLEL) assert_false(waiting);
        waits = waits || waiting;
    }
    if (mode != MODE_PARALLEL) assert_true(inside <= 1);
    if (waits) assert_int_equal(inside, 1);
}

static void end_one(struct runs *r, uint32_t drawn)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct execution_view *v = view(r, i);
        for (size_t k = 0; k < v->job_count; k++) {
            if (v->jobs[k].status != STATUS_IN_PROGRESS) continue;
            struct job job = world_job_of(&v->jobs[k]);
            world_result(&r->w, 1, &job, drawn % 4 ? STATUS_SUCCEEDED : STATUS_FAILED);
            return;
        }
    }
}

static void every_mode_keeps_its_promise_in_any_order(void **state)
{
    (void)state;
    static const char *const definitions[] = { "xr:SUPERSEDED Prod=us-west-2",
                                               "xr:QUEUED Prod=us-west-2",
                                               "xr:PARALLEL Prod=us-west-2" };
    for (unsigned trial = 0; trial < 60; trial++) {
        struct runs r;
        struct prng random;
        prng_init_number(&random, trial);
        begin(&r, definitions[trial % 3]);
        for (size_t step = 0; step < 30; step++) {
            uint32_t drawn = (uint32_t)prng_next(&random);
            if (drawn % 8 < 3 && r.count < RUNS_MAX)
                start(&r);
            else if (drawn % 8 < 6)
                end_one(&r, drawn / 8);
            else if (drawn % 8 == 6 && r.count)
                (void)world_stop(&r.w, r.ids[drawn / 8 % r.count].text, false);
            check_promises(&r, (enum execution_mode)(trial % 3));
        }
        world_deinit(&r.w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(superseded_keeps_only_the_newest_before_a_stage),
        cmocka_unit_test(queued_keeps_the_order_and_supersedes_nobody),
        cmocka_unit_test(a_queued_execution_never_overtakes_in_a_later_stage),
        cmocka_unit_test(a_queued_execution_keeps_its_place_when_the_mode_is_edited),
        cmocka_unit_test(parallel_ones_are_in_one_stage_together),
        cmocka_unit_test(a_stopped_execution_frees_its_stage_and_its_place),
        cmocka_unit_test(a_disabled_transition_holds_the_newest_and_tells_why),
        cmocka_unit_test(a_disabled_transition_lets_what_is_in_the_stage_go_on),
        cmocka_unit_test(the_door_of_a_stage_that_was_edited_away_can_still_be_opened),
        cmocka_unit_test(a_transition_that_cannot_be_is_refused),
        cmocka_unit_test(every_mode_keeps_its_promise_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
