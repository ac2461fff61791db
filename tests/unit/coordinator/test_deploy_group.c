#include "fixture.h"

#include <string.h>

#define GROUP(more)                                                                                \
    "{\"deploymentGroup\": {\"applicationName\": \"app\", \"deploymentGroupName\": \"prod\"" more  \
    "}}"
#define HALF ", \"deploymentConfigName\": \"CodeDeployDefault.HalfAtATime\""
#define ALL  ", \"deploymentConfigName\": \"CodeDeployDefault.AllAtOnce\""
#define ROLLBACK(event)                                                                            \
    ", \"autoRollbackConfiguration\": {\"enabled\": true, \"events\": [\"" event "\"]}"

/* w1 to w4 in us-west-2, all connected; x1 there too, of another kind. */
static void hosts(struct world *w)
{
    world_fleet(w, "w1", "us-west-2", "w2", "us-west-2", "w3", "us-west-2", "w4", "us-west-2", "x1",
                "us-west-2", (const char *)NULL);
    static const char *const names[] = { "w1", "w2", "w3", "w4", "x1" };
    for (size_t i = 0; i < 5; i++) world_hello(w, names[i], "us-west-2", 1, i + 1);
}

static void begin(struct world *w, const char *group)
{
    world_init(w);
    w->no_fleet = true;
    hosts(w);
    world_apply(w, "xr Prod=us-west-2");
    assert_int_equal(world_apply(w, group)->failure.code, ERR_NONE);
}

static uint64_t session_of(const char *worker)
{
    return worker[0] == 'x' ? 5 : (uint64_t)(worker[1] - '0');
}

static void finish(struct world *w, const char *worker, enum status status)
{
    world_finish(w, "xr", worker, session_of(worker), status);
}

static size_t jobs_in(struct world *w, enum status status)
{
    const struct execution_view *view = world_view(w, "xr");
    size_t count = 0;
    for (size_t i = 0; i < view->job_count; i++) count += view->jobs[i].status == status;
    return count;
}

static enum status status_of(struct world *w, const char *worker)
{
    const struct job_state *job = world_job(w, "xr", worker);
    return job ? job->status : STATUS_CANCELLED;
}

static const struct action_state *action_of(struct world *w)
{
    return world_action(w, "xr", 1, 0);
}

/* ---- what is applied ---- */

static void a_group_of_an_unknown_configuration_is_refused(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    const struct reply *reply = world_apply(&w, GROUP(", \"deploymentConfigName\": \"mine\""));
    assert_int_equal(reply->failure.code, ERR_INVALID);
    assert_int_equal(reply->problem_count, 1);
    assert_string_equal(reply->problems[0].path, "deploymentGroup.deploymentConfigName");
    assert_non_null(strstr(reply->problems[0].text, "'mine'"));
    assert_int_equal(world_stored_count(&w, "resource/"), 0);
    reply = world_apply(&w, "{\"deploymentConfig\": {\"deploymentConfigName\": \"mine\", "
                            "\"minimumHealthyHosts\": {\"type\": \"HOST_COUNT\", \"value\": 1}}}");
    assert_int_equal(reply->failure.code, ERR_NONE);
    assert_string_equal(reply->resource, "deploymentConfig");
    reply = world_apply(&w, GROUP(", \"deploymentConfigName\": \"mine\""));
    assert_int_equal(reply->failure.code, ERR_NONE);
    assert_string_equal(reply->name, "app/prod");
    assert_int_equal(reply->version, 1);
    assert_false(world_apply(&w, GROUP(", \"deploymentConfigName\": \"mine\""))->changed);
    assert_int_equal(world_apply(&w, GROUP(""))->version, 2);
    assert_int_equal(world_stored_count(&w, "resource/"), 2);
    world_deinit(&w);
}

/* ---- batches ---- */

static void without_a_group_all_hosts_begin_at_once(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    hosts(&w);
    world_apply(&w, "xr Prod=us-west-2");
    world_run(&w, "xr", "", "v1");
    assert_int_equal(jobs_in(&w, STATUS_IN_PROGRESS), 5);
    assert_int_equal(action_of(&w)->hosts, 0);
    world_deinit(&w);
}

static void one_host_after_another_and_only_those_of_the_group(void **state)
{
    (void)state;
    struct world w;
    begin(&w, GROUP(", \"ec2TagFilters\": [{\"Key\": \"Kind\", \"Value\": \"w\"}]"));
    world_tell(&w, __func__);
    world_run(&w, "xr", "", "v1");
    assert_int_equal(action_of(&w)->hosts, 4);
    assert_int_equal(action_of(&w)->spare, 1);
    static const char *const order[] = { "w1", "w2", "w3", "w4" };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(jobs_in(&w, STATUS_IN_PROGRESS), 1);
        assert_int_equal(status_of(&w, order[i]), STATUS_IN_PROGRESS);
        finish(&w, order[i], STATUS_SUCCEEDED);
    }
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    assert_string_equal(action_of(&w)->summary, "4/4 instances");
    assert_null(world_job(&w, "xr", "x1"));
    assert_int_equal(world_stored_count(&w, "host/deploy:app/prod/"), 4);
    world_deinit(&w);
}

static void a_failed_host_leaves_the_others_as_they_are(void **state)
{
    (void)state;
    struct world w;
    begin(&w, GROUP(HALF));
    world_tell(&w, __func__);
    world_run(&w, "xr", "", "v1");
    assert_int_equal(jobs_in(&w, STATUS_IN_PROGRESS), 2);
    assert_non_null(strstr(action_of(&w)->summary, "2 at work, 3 wait"));
    finish(&w, "w1", STATUS_FAILED);
    assert_int_equal(jobs_in(&w, STATUS_IN_PROGRESS), 1);
    finish(&w, "w2", STATUS_FAILED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    assert_string_equal(action_of(&w)->error_code, "HEALTH_CONSTRAINTS");
    assert_memory_equal(action_of(&w)->error_message, "w1: ", 4);
    assert_non_null(
        strstr(action_of(&w)->error_message, "\n2 of 5 hosts failed, 2 may be out of service"));
    assert_int_equal(jobs_in(&w, STATUS_SKIPPED), 3);
    world_deinit(&w);
}

static void a_failed_host_that_can_be_spared_does_not_fail_the_deployment(void **state)
{
    (void)state;
    struct world w;
    begin(&w, GROUP(ALL));
    world_tell(&w, __func__);
    world_run(&w, "xr", "", "v1");
    finish(&w, "w1", STATUS_FAILED);
    static const char *const rest[] = { "w2", "w3", "w4", "x1" };
    for (size_t i = 0; i < 4; i++) finish(&w, rest[i], STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    assert_string_equal(action_of(&w)->summary, "4/5 instances; 1 failed");
    world_deinit(&w);
}

static void a_configuration_that_spares_nobody_fails_at_once(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    hosts(&w);
    world_apply(&w, "xr Prod=us-west-2");
    world_apply(&w, "{\"deploymentConfigName\": \"mine\", \"minimumHealthyHosts\": {\"type\": "
                    "\"FLEET_PERCENT\", \"value\": 95}}");
    world_apply(&w, GROUP(", \"deploymentConfigName\": \"mine\""));
    world_run(&w, "xr", "", "v1");
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    assert_string_equal(action_of(&w)->error_code, "HEALTH_CONSTRAINTS_INVALID");
    assert_int_equal(jobs_in(&w, STATUS_SKIPPED), 5);
    assert_int_equal(world_stored_count(&w, "host/"), 0);
    world_deinit(&w);
}

static void a_restart_in_the_middle_lets_nobody_else_begin(void **state)
{
    (void)state;
    struct world w;
    begin(&w, GROUP(""));
    world_tell(&w, __func__);
    world_run(&w, "xr", "", "v1");
    finish(&w, "w1", STATUS_SUCCEEDED);
    world_restart(&w);
    hosts(&w);
    assert_int_equal(jobs_in(&w, STATUS_IN_PROGRESS), 1);
    assert_int_equal(status_of(&w, "w2"), STATUS_IN_PROGRESS);
    finish(&w, "w2", STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w, "w3"), STATUS_IN_PROGRESS);
    world_deinit(&w);
}

/* ---- hosts that come and go ---- */

static void a_host_nobody_reaches_is_out_of_service_and_fails_in_time(void **state)
{
    (void)state;
    struct world w;
    begin(&w, GROUP(HALF));
    world_fleet(&w, "w1", "us-west-2", "w2", "us-west-2", "w5", "us-west-2", (const char *)NULL);
    w.config.action_timeout_ms = 0;
    world_run(&w, "xr", "", "v1");
    assert_int_equal(action_of(&w)->spare, 1);
    assert_int_equal(jobs_in(&w, STATUS_IN_PROGRESS), 0);
    for (int i = 0; i < 301; i++) {
        world_heartbeat(&w, "w1", 1, 1, NULL, 0);
        world_heartbeat(&w, "w2", 1, 2, NULL, 0);
        world_sleep(&w, 1000);
    }
    assert_int_equal(status_of(&w, "w5"), STATUS_FAILED);
    assert_string_equal(action_of(&w)->error_code, "HEALTH_CONSTRAINTS");
    world_deinit(&w);
}

static void a_restart_knows_no_host_that_never_came_and_was_revoked(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.no_fleet = true;
    world_fleet(&w, "w1", "us-west-2", "w2", "us-west-2", "w3", "us-west-2", (const char *)NULL);
    world_hello(&w, "w1", "us-west-2", 1, 1);
    world_hello(&w, "w2", "us-west-2", 1, 2);
    world_apply(&w, "xr Prod=us-west-2");
    world_apply(&w, GROUP(ALL));
    world_run(&w, "xr", "", "v1");
    world_fleet(&w, "w1", "us-west-2", "w2", "us-west-2", (const char *)NULL);
    assert_int_equal(status_of(&w, "w3"), STATUS_FAILED);
    assert_int_equal(action_of(&w)->status, STATUS_IN_PROGRESS);
    world_restart(&w);
    assert_int_equal(action_of(&w)->status, STATUS_IN_PROGRESS);
    world_fleet(&w, "w1", "us-west-2", "w2", "us-west-2", (const char *)NULL);
    world_hello(&w, "w1", "us-west-2", 1, 1);
    world_hello(&w, "w2", "us-west-2", 1, 2);
    finish(&w, "w1", STATUS_SUCCEEDED);
    finish(&w, "w2", STATUS_SUCCEEDED);
    assert_int_equal(action_of(&w)->status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void who_joins_meanwhile_is_deployed_to(void **state)
{
    for (int ignore = 0; ignore < 2; ignore++) {
        (void)state;
        struct world w;
        begin(&w, ignore ? GROUP(", \"outdatedInstancesStrategy\": \"IGNORE\"") : GROUP(""));
        world_tell(&w, ignore ? "who_joins_meanwhile_is_left_alone" : "who_joins_meanwhile");
        world_fleet(&w, "w1", "us-west-2", (const char *)NULL);
        world_run(&w, "xr", "", "v1");
        world_fleet(&w, "w1", "us-west-2", "w2", "us-west-2", (const char *)NULL);
        world_hello(&w, "w2", "us-west-2", 1, 2);
        assert_int_equal(jobs_in(&w, STATUS_IN_PROGRESS), 1);
        finish(&w, "w1", STATUS_SUCCEEDED);
        if (!ignore) finish(&w, "w2", STATUS_SUCCEEDED);
        assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
        assert_string_equal(action_of(&w)->summary, ignore ? "1/1 instances" : "2/2 instances");
        world_deinit(&w);
    }
}

static void only_outdated_hosts_when_asked(void **state)
{
    (void)state;
    struct world w;
    begin(&w, GROUP(ALL));
    world_tell(&w, __func__);
    world_fleet(&w, "w1", "us-west-2", (const char *)NULL);
    world_run(&w, "xr", "", "v1");
    finish(&w, "w1", STATUS_SUCCEEDED);
    struct request request = { .kind = REQUEST_RUN };
    request.run.pipeline = "xr";
    request.run.revision = "v1";
    request.run.outdated_only = true;
    world_request(&w, &request, ROLE_DEPLOYER);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    assert_string_equal(action_of(&w)->summary, "every host has this revision");
    hosts(&w);
    world_request(&w, &request, ROLE_DEPLOYER);
    assert_int_equal(jobs_in(&w, STATUS_IN_PROGRESS), 4);
    assert_null(world_job(&w, "xr", "w1"));
    world_deinit(&w);
}

static void who_failed_last_begins_first(void **state)
{
    (void)state;
    struct world w;
    begin(&w, GROUP(ALL));
    world_run(&w, "xr", "", "v1");
    static const char *const all[] = { "w1", "w2", "w3", "w4", "x1" };
    for (size_t i = 0; i < 5; i++) finish(&w, all[i], i == 2 ? STATUS_FAILED : STATUS_SUCCEEDED);
    world_apply(&w, GROUP(""));
    world_run(&w, "xr", "", "v2");
    assert_int_equal(jobs_in(&w, STATUS_IN_PROGRESS), 1);
    assert_int_equal(status_of(&w, "w3"), STATUS_IN_PROGRESS);
    world_deinit(&w);
}

/* Hosts that finished are left alone, those that were skipped have their turn now. */
static void a_retry_goes_on_by_the_groups_rule(void **state)
{
    (void)state;
    struct world w;
    begin(&w, GROUP(""));
    world_tell(&w, __func__);
    world_run(&w, "xr", "", "v1");
    finish(&w, "w1", STATUS_SUCCEEDED);
    finish(&w, "w2", STATUS_FAILED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    assert_int_equal(jobs_in(&w, STATUS_SKIPPED), 3);
    assert_int_equal(world_retry(&w, RETRY_FAILED_ACTIONS)->failure.code, ERR_NONE);
    static const char *const order[] = { "w2", "w3", "w4", "x1" };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(jobs_in(&w, STATUS_IN_PROGRESS), 1);
        finish(&w, order[i], STATUS_SUCCEEDED);
    }
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    assert_string_equal(action_of(&w)->summary, "5/5 instances");
    world_deinit(&w);
}

/* ---- automatic rollback ---- */

static void good_first(struct world *w)
{
    world_run(w, "xr", "", "v1");
    static const char *const all[] = { "w1", "w2", "w3", "w4", "x1" };
    for (size_t i = 0; i < 5; i++) finish(w, all[i], STATUS_SUCCEEDED);
    assert_int_equal(world_view(w, "xr")->execution.status, STATUS_SUCCEEDED);
}

static void assert_rolled_back(struct world *w)
{
    const struct execution *e = &world_view(w, "xr")->execution;
    assert_int_equal(e->type, TYPE_ROLLBACK);
    assert_int_equal(e->trigger, TRIGGER_AUTOMATED_ROLLBACK);
    assert_string_equal(e->revisions[0].revision_id, "v1");
    /* Who has what was bad begins, like everybody by the group's configuration. */
    assert_int_equal(status_of(w, "w1"), STATUS_IN_PROGRESS);
    assert_int_equal(jobs_in(w, STATUS_IN_PROGRESS), 1);
}

static void a_failure_brings_back_what_was_good(void **state)
{
    (void)state;
    struct world w;
    begin(&w, GROUP(ROLLBACK("DEPLOYMENT_FAILURE")));
    world_tell(&w, __func__);
    good_first(&w);
    world_run(&w, "xr", "", "v2");
    finish(&w, "w1", STATUS_FAILED);
    assert_rolled_back(&w);
    finish(&w, "w1", STATUS_SUCCEEDED);
    static const char *const rest[] = { "w2", "w3", "w4", "x1" };
    for (size_t i = 0; i < 4; i++) finish(&w, rest[i], STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void without_the_event_nothing_goes_back(void **state)
{
    (void)state;
    struct world w;
    begin(&w, GROUP(ROLLBACK("DEPLOYMENT_STOP_ON_ALARM")));
    good_first(&w);
    world_run(&w, "xr", "", "v2");
    finish(&w, "w1", STATUS_FAILED);
    assert_int_equal(world_view(&w, "xr")->execution.type, TYPE_STANDARD);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    world_deinit(&w);
}

static const struct reply *alarm(struct world *w, const char *name, bool raise)
{
    struct request request = { .kind = REQUEST_ALARM };
    request.alarm = (struct alarm_request){ name, raise, "5xx" };
    return world_request(w, &request, ROLE_DEPLOYER);
}

static void an_alarm_ends_the_deployment_and_brings_back_what_was_good(void **state)
{
    (void)state;
    struct world w;
    begin(&w, GROUP(ROLLBACK(
                  "DEPLOYMENT_STOP_ON_ALARM") ", \"alarmConfiguration\": {\"enabled\": "
                                              "true, \"alarms\": [{\"name\": \"errors\"}]}"));
    world_tell(&w, __func__);
    good_first(&w);
    world_run(&w, "xr", "", "v2");
    assert_true(alarm(&w, "other", true)->changed);
    finish(&w, "w1", STATUS_SUCCEEDED);
    assert_int_equal(status_of(&w, "w2"), STATUS_IN_PROGRESS);
    assert_true(alarm(&w, "errors", true)->changed);
    assert_false(alarm(&w, "errors", true)->changed);
    assert_int_equal(status_of(&w, "w2"), STATUS_IN_PROGRESS);
    world_restart(&w);
    hosts(&w);
    finish(&w, "w2", STATUS_SUCCEEDED);
    /* It is still raised: what brings the good back must not wait for it. */
    assert_int_equal(world_view(&w, "xr")->execution.type, TYPE_ROLLBACK);
    assert_int_equal(jobs_in(&w, STATUS_IN_PROGRESS), 1);
    finish(&w, "w1", STATUS_SUCCEEDED);
    assert_int_equal(jobs_in(&w, STATUS_IN_PROGRESS), 1);
    assert_true(alarm(&w, "errors", false)->changed);
    world_deinit(&w);
}

static void a_stop_brings_back_what_was_good(void **state)
{
    (void)state;
    struct world w;
    begin(&w, GROUP(ROLLBACK("DEPLOYMENT_STOP_ON_REQUEST")));
    world_tell(&w, __func__);
    good_first(&w);
    struct id id = world_run(&w, "xr", "", "v2")->execution;
    world_stop(&w, id.text, true);
    finish(&w, "w1", STATUS_STOPPED);
    assert_rolled_back(&w);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_of_an_unknown_configuration_is_refused),
        cmocka_unit_test(without_a_group_all_hosts_begin_at_once),
        cmocka_unit_test(one_host_after_another_and_only_those_of_the_group),
        cmocka_unit_test(a_failed_host_leaves_the_others_as_they_are),
        cmocka_unit_test(a_failed_host_that_can_be_spared_does_not_fail_the_deployment),
        cmocka_unit_test(a_configuration_that_spares_nobody_fails_at_once),
        cmocka_unit_test(a_restart_in_the_middle_lets_nobody_else_begin),
        cmocka_unit_test(a_host_nobody_reaches_is_out_of_service_and_fails_in_time),
        cmocka_unit_test(a_restart_knows_no_host_that_never_came_and_was_revoked),
        cmocka_unit_test(who_joins_meanwhile_is_deployed_to),
        cmocka_unit_test(only_outdated_hosts_when_asked),
        cmocka_unit_test(who_failed_last_begins_first),
        cmocka_unit_test(a_retry_goes_on_by_the_groups_rule),
        cmocka_unit_test(a_failure_brings_back_what_was_good),
        cmocka_unit_test(without_the_event_nothing_goes_back),
        cmocka_unit_test(an_alarm_ends_the_deployment_and_brings_back_what_was_good),
        cmocka_unit_test(a_stop_brings_back_what_was_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
