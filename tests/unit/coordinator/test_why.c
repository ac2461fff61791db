/* What an execution waits for: one test a cause, and drained workers, who are one of them. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static void begin(struct world *w, const char *definition)
{
    world_init(w);
    world_connect(w);
    assert_int_equal(world_apply(w, definition)->failure.code, ERR_NONE);
}

static struct id run(struct world *w)
{
    struct id id = world_run(w, "xr", "", "v1")->execution;
    assert_false(id_empty(&id));
    return id;
}

static const struct reason *why(struct world *w, const char *execution, size_t *count)
{
    const struct reason *reasons = NULL;
    struct error err;
    if (!coordinator_view_why(w->c, "xr", execution, &w->arena, &reasons, count, &err))
        fail_msg("%s", err.text);
    return reasons;
}

/* The first reason of that code; there is one. */
static const struct reason *reason(struct world *w, const char *execution, enum reason_code code)
{
    size_t count = 0;
    const struct reason *all = why(w, execution, &count);
    for (size_t i = 0; i < count; i++)
        if (all[i].code == code) return &all[i];
    for (size_t i = 0; i < count; i++)
        printf("%s: %s\n", reason_code_name(all[i].code), all[i].text);
    fail_msg("no %s", reason_code_name(code));
    return NULL;
}

static const struct reply *drain(struct world *w, const char *worker, bool on)
{
    struct request request = { .kind = REQUEST_DRAIN };
    request.drain.worker = worker;
    request.drain.drain = on;
    request.drain.reason = on ? "a new disk" : "";
    return world_request(w, &request, ROLE_DEPLOYER);
}

static const struct reply *transition(struct world *w, const char *stage, bool enable)
{
    struct request request = { .kind = REQUEST_TRANSITION };
    request.transition.pipeline = "xr";
    request.transition.stage = stage;
    request.transition.enable = enable;
    request.transition.reason = "friday";
    return world_request(w, &request, ROLE_DEPLOYER);
}

/* The replication of the artifact to e1 ends well. */
static void replicate(struct world *w)
{
    world_finish(w, "xr", "e1", 2, STATUS_SUCCEEDED);
}

static void an_unknown_execution_has_no_reasons(void **state)
{
    (void)state;
    struct world w;
    const struct reason *reasons = NULL;
    size_t count = 0;
    struct error err = { 0 };
    begin(&w, "xr Prod=us-west-2");
    assert_false(coordinator_view_why(w.c, "xr", "abc", &w.arena, &reasons, &count, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    world_deinit(&w);
}

static void what_has_ended_waits_for_nothing(void **state)
{
    (void)state;
    struct world w;
    size_t count = 1;
    begin(&w, "xr Prod=us-west-2");
    run(&w);
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    why(&w, "", &count);
    assert_int_equal(count, 0);
    world_deinit(&w);
}

static void a_disabled_transition_is_told_with_who_and_since(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    assert_int_equal(transition(&w, "Prod", false)->failure.code, ERR_NONE);
    world_sleep(&w, 5000);
    run(&w);
    const struct reason *door = reason(&w, "", REASON_TRANSITION);
    assert_string_equal(door->text, "the transition into stage Prod was disabled by tess: friday");
    assert_string_equal(door->fix, "meridian transition enable xr Prod");
    assert_int_equal(door->since_ms, w.now_ms);
    world_deinit(&w);
}

static void a_stage_that_another_execution_holds_is_told_with_its_id(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    struct id first = run(&w);
    run(&w);
    const struct reason *lock = reason(&w, "", REASON_OCCUPIED);
    assert_non_null(strstr(lock->text, first.text));
    char fix[64];
    snprintf(fix, sizeof fix, "meridian why %.8s", first.text);
    assert_string_equal(lock->fix, fix);
    world_deinit(&w);
}

static void a_turn_is_told_where_an_older_one_comes_first(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr:QUEUED Beta=us-west-2 Prod=us-west-2");
    assert_int_equal(transition(&w, "Beta", false)->failure.code, ERR_NONE);
    run(&w);
    struct id second = run(&w);
    reason(&w, second.text, REASON_TRANSITION);
    assert_int_equal(transition(&w, "Beta", true)->failure.code, ERR_NONE);
    reason(&w, second.text, REASON_OCCUPIED);
    world_deinit(&w);
}

static void an_approval_is_told_with_its_deadline(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Gate=?Look");
    struct id id = run(&w);
    const struct reason *gate = reason(&w, id.text, REASON_APPROVAL);
    assert_string_equal(gate->text, "a person has to approve or reject it: look at it");
    assert_int_equal(gate->deadline_ms, w.now_ms + 3600000);
    char fix[128];
    snprintf(fix, sizeof fix, "meridian approve xr %.8s --action Look", id.text);
    assert_string_equal(gate->fix, fix);
    world_deinit(&w);
}

static void a_lost_host_is_told_since_it_was_lost(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_apply(&w, "xr Prod=us-west-2");
    run(&w);
    const struct reason *lost = reason(&w, "", REASON_HOST_LOST);
    assert_string_equal(lost->worker, "w1");
    assert_string_equal(lost->stage, "Prod");
    assert_true(lost->since_ms > 0);
    assert_true(lost->deadline_ms > w.now_ms);
    world_deinit(&w);
}

static void a_region_without_workers_is_told_with_the_command(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    world_fleet(&w, "e1", "us-east-1", (const char *)NULL);
    run(&w);
    const struct reason *none = reason(&w, "", REASON_NO_WORKER);
    assert_string_equal(none->fix, "meridian keys worker NAME --region us-west-2");
    world_deinit(&w);
}

static void a_job_is_followed_from_its_offer_to_its_event(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    struct id id = run(&w);
    assert_string_equal(reason(&w, "", REASON_OFFERED)->worker, "w1");
    const struct job job = world_job_of(world_job(&w, "xr", "w1"));
    world_nack(&w, 1, &job, NACK_FULL);
    assert_non_null(strstr(reason(&w, "", REASON_REFUSED)->text, "holds as many jobs as it can"));
    world_accept(&w, 1, &job);
    reason(&w, "", REASON_ACCEPTED);
    struct message message = { .type = MESSAGE_PROGRESS };
    message.progress = (struct progress){ .job = job.id,
                                          .attempt = job.attempt,
                                          .report = { EVENT_INSTALL, STATUS_IN_PROGRESS, 77, 0 },
                                          .waits = "" };
    world_message(&w, "w1", 1, &message);
    const struct reason *event = reason(&w, "", REASON_RUNNING);
    assert_string_equal(event->text, "Install runs on w1");
    assert_int_equal(event->since_ms, 77);
    char fix[128];
    snprintf(fix, sizeof fix, "meridian logs -f %.8s/us-west-2/w1", id.text);
    assert_string_equal(event->fix, fix);
    world_deinit(&w);
}

static void an_interrupted_hook_asks_for_the_operator(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    run(&w);
    const struct job job = world_job_of(world_job(&w, "xr", "w1"));
    struct message message = { .type = MESSAGE_INTERRUPTED };
    message.interrupted = (struct interrupted){
        .at = { { job.id, job.attempt, job.fence }, 3, 1 },
        .report = { EVENT_AFTER_INSTALL, STATUS_UNKNOWN, 5, 6 },
        .diagnostics = { LIFECYCLE_FAILED_AFTER_RESTART, "a.sh", "a.sh had begun", "" },
    };
    world_message(&w, "w1", 1, &message);
    const struct reason *hook = reason(&w, "", REASON_INTERRUPTED);
    assert_string_equal(hook->text, "a.sh had begun");
    assert_non_null(strstr(hook->fix, "--host w1 --rerun-step"));
    struct request request = { .kind = REQUEST_RESUME };
    request.resume = (struct resume_request){
        .pipeline = "xr", .execution = "", .action = "", .worker = "", .verb = RESUME_RERUN
    };
    assert_int_equal(world_request(&w, &request, ROLE_DEPLOYER)->failure.code, ERR_NONE);
    reason(&w, "", REASON_RESUMED);
    world_deinit(&w);
}

static void a_copy_is_told_with_who_waits_for_it_and_its_back_off(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-east-1");
    run(&w);
    assert_string_equal(reason(&w, "", REASON_COPY)->worker, "e1");
    const struct reason *offered = reason(&w, "", REASON_OFFERED);
    assert_string_equal(offered->worker, "e1");
    world_finish(&w, "xr", "e1", 2, STATUS_FAILED);
    const struct reason *again = reason(&w, "", REASON_BACK_OFF);
    assert_int_equal(again->deadline_ms, w.now_ms + 2000);
    assert_int_equal(drain(&w, "e1", true)->failure.code, ERR_NONE);
    world_sleep(&w, 3000);
    assert_non_null(strstr(reason(&w, "", REASON_NOBODY_FREE)->text, "1 drained"));
    assert_int_equal(drain(&w, "e1", false)->failure.code, ERR_NONE);
    replicate(&w);
    reason(&w, "", REASON_OFFERED);
    world_deinit(&w);
}

static void a_stop_tells_what_it_waits_for(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    struct id id = run(&w);
    world_stop(&w, "", false);
    const struct reason *stop = reason(&w, "", REASON_STOPPING);
    assert_non_null(strstr(stop->fix, "meridian stop --abandon xr"));
    reason(&w, "", REASON_OFFERED);
    world_stop(&w, "", true);
    assert_string_equal(reason(&w, id.text, REASON_CANCELLED)->worker, "w1");
    world_deinit(&w);
}

static void a_busy_host_is_told_with_the_other_execution(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr:PARALLEL Prod=us-west-2");
    struct id first = run(&w);
    run(&w);
    assert_non_null(strstr(reason(&w, "", REASON_HOST_BUSY)->text, first.text));
    world_deinit(&w);
}

/* ---- drained workers ---- */

static void a_drained_worker_ends_what_it_has_and_gets_nothing_new(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr:PARALLEL Prod=us-west-2");
    world_tell(&w, __func__);
    struct id first = run(&w);
    assert_int_equal(drain(&w, "w1", true)->failure.code, ERR_NONE);
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    struct id second = run(&w);
    assert_null(world_offer(&w, "w1"));
    assert_string_not_equal(first.text, second.text);
    assert_int_equal(world_job(&w, "xr", "w1")->status, STATUS_PENDING);
    world_restart(&w);
    world_connect(&w);
    assert_int_equal(world_job(&w, "xr", "w1")->status, STATUS_PENDING);
    const struct reason *drained = reason(&w, second.text, REASON_HOST_DRAINED);
    assert_string_equal(drained->text, "worker w1 was drained by tess: a new disk");
    assert_string_equal(drained->fix, "meridian workers resume w1");
    assert_true(drain(&w, "w1", false)->changed);
    assert_int_equal(world_job(&w, "xr", "w1")->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void a_drain_survives_another_incarnation_and_is_shown(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    assert_true(drain(&w, "w1", true)->changed);
    assert_false(drain(&w, "w1", true)->changed);
    world_restart(&w);
    world_hello(&w, "w1", "us-west-2", 2, 9);
    world_restart(&w);
    const struct worker_summary *workers = NULL;
    assert_int_equal(coordinator_view_workers(w.c, &w.arena, &workers), 2);
    assert_string_equal(workers[1].name, "w1");
    assert_true(workers[1].drained);
    assert_string_equal(workers[1].drained_by, "tess");
    assert_string_equal(workers[1].drain_reason, "a new disk");
    world_deinit(&w);
}

static void a_stranger_is_not_drained_and_a_viewer_drains_nobody(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    world_tell(&w, __func__);
    assert_int_equal(drain(&w, "w9", true)->failure.code, ERR_NOT_FOUND);
    struct request request = { .kind = REQUEST_DRAIN };
    request.drain.worker = "w1";
    request.drain.reason = "";
    assert_int_equal(world_request(&w, &request, ROLE_VIEWER)->failure.code, ERR_DENIED);
    char reason[400];
    memset(reason, 'r', sizeof reason);
    reason[301] = '\0';
    request.drain.reason = reason;
    assert_int_equal(world_request(&w, &request, ROLE_ADMIN)->failure.code, ERR_INVALID);
    world_deinit(&w);
}

/* ---- regions ---- */

static const struct region_summary *region(struct world *w, const char *name)
{
    const struct region_summary *all = NULL;
    size_t count = coordinator_view_regions(w->c, &w->arena, &all);
    for (size_t i = 0; i < count; i++)
        if (text_equal(all[i].region, name)) return &all[i];
    fail_msg("no region %s", name);
    return NULL;
}

static void a_region_is_counted_with_its_workers_and_artifacts(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2,us-east-1");
    run(&w);
    const struct region_summary *east = region(&w, "us-east-1");
    assert_string_equal(east->stores, "store-us-east-1");
    assert_int_equal(east->connected, 1);
    assert_int_equal(east->copying, 1);
    assert_int_equal(east->jobs, 1);
    assert_false(east->primary);
    assert_true(region(&w, "us-west-2")->primary);
    assert_int_equal(region(&w, "us-west-2")->artifacts, 1);
    drain(&w, "e1", true);
    replicate(&w);
    east = region(&w, "us-east-1");
    assert_int_equal(east->drained, 1);
    assert_int_equal(east->copying, 0);
    assert_int_equal(east->artifacts, 1);
    world_deinit(&w);
}

/* ---- plan ---- */

static struct plan plan(struct world *w, const char *definition)
{
    struct pipeline *parsed = world_parse(definition);
    struct plan plan = coordinator_view_plan(w->c, parsed, &w->arena);
    pipeline_free(parsed);
    return plan;
}

static void a_plan_of_the_same_text_changes_nothing(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    const struct plan same = plan(&w, "xr Prod=us-west-2");
    assert_false(same.changed);
    assert_int_equal(same.version, 1);
    assert_int_equal(same.change_count, 0);
    assert_int_equal(same.step_count, 2);
    world_deinit(&w);
}

static void a_plan_counts_the_hosts_of_the_deployment_group(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.no_fleet = true;
    world_fleet(&w, "w1", "us-west-2", "w2", "us-west-2", "x1", "us-west-2", (const char *)NULL);
    assert_int_equal(plan(&w, "xr Prod=us-west-2").steps[1].hosts, 3);
    world_apply(&w, "{\"deploymentGroup\": {\"applicationName\": \"app\", "
                    "\"deploymentGroupName\": \"prod\", \"ec2TagFilters\": [{\"Key\": \"Kind\", "
                    "\"Value\": \"w\", \"Type\": \"KEY_AND_VALUE\"}]}}");
    assert_int_equal(plan(&w, "xr Prod=us-west-2").steps[1].hosts, 2);
    world_apply(&w, "{\"deploymentGroup\": {\"applicationName\": \"app\", "
                    "\"deploymentGroupName\": \"prod\", \"ec2TagFilters\": [{\"Key\": \"Kind\", "
                    "\"Value\": \"y\", \"Type\": \"KEY_AND_VALUE\"}]}}");
    const struct plan none = plan(&w, "xr Prod=us-west-2");
    assert_int_equal(none.steps[1].hosts, 0);
    assert_string_equal(none.steps[1].note, "no worker there has the tags of the deployment group");
    world_deinit(&w);
}

static void a_plan_names_stages_and_actions_that_come_and_go(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Beta=us-west-2 Prod=us-west-2");
    const struct plan p = plan(&w, "xr:QUEUED Prod=us-west-2>us-east-1 Last=us-west-2");
    assert_true(p.changed);
    assert_int_equal(p.version, 2);
    bool mode = false, beta = false, east = false, last = false;
    for (size_t i = 0; i < p.change_count; i++) {
        const struct preview_change *c = &p.changes[i];
        mode = mode || (text_equal(c->what, "executionMode") && text_equal(c->after, "QUEUED"));
        beta = beta || (c->op == PREVIEW_REMOVE && text_equal(c->stage, "Beta"));
        east = east || (c->op == PREVIEW_ADD && text_equal(c->stage, "Prod") &&
                        text_equal(c->after, "us-east-1"));
        last = last || (c->op == PREVIEW_ADD && text_equal(c->stage, "Last") && !c->action[0]);
    }
    assert_true(mode);
    assert_true(beta);
    assert_true(east);
    assert_true(last);
    world_deinit(&w);
}

static void a_plan_tells_order_hosts_and_bytes(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    world_source(&w, "xr", "Source", "v1");
    drain(&w, "e1", true);
    const struct plan p = plan(&w, "xr Prod=us-east-1>us-west-2,?Look");
    assert_int_equal(p.step_count, 4);
    assert_string_equal(p.steps[1].region, "us-east-1");
    assert_int_equal(p.steps[1].hosts, 1);
    assert_int_equal(p.steps[1].away, 1);
    assert_int_equal(p.steps[1].bytes, 9);
    assert_true(p.steps[2].run_order > p.steps[1].run_order);
    assert_int_equal(p.steps[2].bytes, 0);
    assert_string_equal(p.steps[3].note, "waits for a person");
    world_deinit(&w);
}

/* ---- causes of their own ---- */

static void an_older_one_that_comes_first_is_told_though_the_stage_is_free(void **state)
{
    (void)state;
    struct world w;
    char fix[32];
    begin(&w, "xr:QUEUED A=us-west-2 B=us-west-2");
    struct id first = run(&w);
    assert_int_equal(world_apply(&w, "xr:QUEUED B=us-west-2")->failure.code, ERR_NONE);
    world_run(&w, "xr", "", "v2");
    const struct reason *turn = reason(&w, "", REASON_TURN);
    snprintf(fix, sizeof fix, "meridian why %.8s", first.text);
    assert_string_equal(turn->stage, "B");
    assert_non_null(strstr(turn->text, first.text));
    assert_non_null(strstr(turn->text, "goes into stage B before this one"));
    assert_string_equal(turn->fix, fix);
    world_deinit(&w);
}

static void a_coordinator_that_does_not_know_its_workers_yet_says_so(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    assert_int_equal(world_apply(&w, "xr Prod=us-east-1")->failure.code, ERR_NONE);
    run(&w);
    (void)reason(&w, "", REASON_NOBODY_FREE);
    w.no_fleet = true;
    world_restart(&w);
    assert_string_equal(reason(&w, "", REASON_FLEET)->text,
                        "the coordinator has just started and does not know the workers yet");
    world_deinit(&w);
}

static void a_copy_that_another_execution_makes_is_told(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr:PARALLEL Prod=us-east-1");
    run(&w);
    run(&w);
    const struct reason *copy = reason(&w, "", REASON_COPY_ELSEWHERE);
    assert_string_equal(copy->text, "another execution copies artifact App to us-east-1");
    assert_string_equal(copy->region, "us-east-1");
    world_deinit(&w);
}

static void a_host_whose_turn_has_not_come_is_told_by_the_configuration(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.no_fleet = true;
    world_fleet(&w, "w1", "us-west-2", "w2", "us-west-2", (const char *)NULL);
    world_hello(&w, "w1", "us-west-2", 1, 1);
    world_hello(&w, "w2", "us-west-2", 1, 2);
    assert_int_equal(world_apply(&w, "xr Prod=us-west-2")->failure.code, ERR_NONE);
    assert_int_equal(world_apply(&w, "{\"deploymentGroup\": {\"applicationName\": \"app\", "
                                     "\"deploymentGroupName\": \"prod\"}}")
                         ->failure.code,
                     ERR_NONE);
    run(&w);
    const struct reason *turn = reason(&w, "", REASON_HOST_TURN);
    assert_string_equal(turn->worker, "w2");
    assert_string_equal(turn->text, "waits for its turn: CodeDeployDefault.OneAtATime, at most 1 "
                                    "of 2 at once");
    world_deinit(&w);
}

static void a_region_whose_hosts_take_no_deployment_is_told_by_the_action(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.no_fleet = true;
    world_fleet(&w, "o1", "us-west-2", (const char *)NULL);
    world_hello(&w, "o1", "us-west-2", 1, 1);
    assert_int_equal(world_apply(&w, "xr Prod=us-west-2")->failure.code, ERR_NONE);
    run(&w);
    const struct reason *other = reason(&w, "", REASON_OTHER);
    assert_string_equal(other->action, "us-west-2");
    assert_true(other->text[0]);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_execution_has_no_reasons),
        cmocka_unit_test(what_has_ended_waits_for_nothing),
        cmocka_unit_test(a_disabled_transition_is_told_with_who_and_since),
        cmocka_unit_test(a_stage_that_another_execution_holds_is_told_with_its_id),
        cmocka_unit_test(a_turn_is_told_where_an_older_one_comes_first),
        cmocka_unit_test(an_approval_is_told_with_its_deadline),
        cmocka_unit_test(a_lost_host_is_told_since_it_was_lost),
        cmocka_unit_test(a_region_without_workers_is_told_with_the_command),
        cmocka_unit_test(a_job_is_followed_from_its_offer_to_its_event),
        cmocka_unit_test(an_interrupted_hook_asks_for_the_operator),
        cmocka_unit_test(a_copy_is_told_with_who_waits_for_it_and_its_back_off),
        cmocka_unit_test(a_stop_tells_what_it_waits_for),
        cmocka_unit_test(a_busy_host_is_told_with_the_other_execution),
        cmocka_unit_test(a_drained_worker_ends_what_it_has_and_gets_nothing_new),
        cmocka_unit_test(a_drain_survives_another_incarnation_and_is_shown),
        cmocka_unit_test(a_stranger_is_not_drained_and_a_viewer_drains_nobody),
        cmocka_unit_test(a_region_is_counted_with_its_workers_and_artifacts),
        cmocka_unit_test(a_plan_of_the_same_text_changes_nothing),
        cmocka_unit_test(a_plan_counts_the_hosts_of_the_deployment_group),
        cmocka_unit_test(a_plan_names_stages_and_actions_that_come_and_go),
        cmocka_unit_test(a_plan_tells_order_hosts_and_bytes),
        cmocka_unit_test(an_older_one_that_comes_first_is_told_though_the_stage_is_free),
        cmocka_unit_test(a_coordinator_that_does_not_know_its_workers_yet_says_so),
        cmocka_unit_test(a_copy_that_another_execution_makes_is_told),
        cmocka_unit_test(a_host_whose_turn_has_not_come_is_told_by_the_configuration),
        cmocka_unit_test(a_region_whose_hosts_take_no_deployment_is_told_by_the_action),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
