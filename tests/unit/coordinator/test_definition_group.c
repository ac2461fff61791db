#include "shell/definition_group.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NAMES        "\"applicationName\": \"app\", \"deploymentGroupName\": \"prod\""
#define GROUP(more)  "{\"deploymentGroup\": {" NAMES more "}}"
#define CONFIG(more) "{\"deploymentConfig\": {\"deploymentConfigName\": \"mine\"" more "}}"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static struct deploy_resource *read_text(const char *text, const struct problem **problem)
{
    struct deploy_resource *out = NULL;
    size_t count = 0;
    bool good = definition_group("g.json", bytes_of_text(text), &arena, &out, problem, &count);
    assert_int_equal(good, out != NULL);
    assert_int_equal(count, good ? 0 : 1);
    return out;
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
    static const struct {
        const char *text, *path, *what;
    } table[] = {
        { "{", "", "" },
        { "{\"application\": {}}", "application", "applicationName" },
        { "{\"application\": {\"applicationName\": \"a/b\"}}", "application.applicationName",
          "'/'" },
        { "{\"application\": {\"applicationName\": \"a\"}, \"more\": 1}", "", "one resource" },
        { "{\"application\": {\"applicationName\": \"a\", \"computePlatform\": \"Lambda\"}}",
          "application.computePlatform", "one of Server" },
        { "{\"deploymentGroup\": {\"applicationName\": \"app\"}}", "deploymentGroup",
          "deploymentGroupName" },
        { GROUP(", \"ec2TagFilter\": []"), "deploymentGroup.ec2TagFilter", "'ec2TagFilters'" },
        { GROUP(", \"ec2TagFilters\": {}"), "deploymentGroup.ec2TagFilters", "list" },
        { GROUP(", \"ec2TagFilters\": [{\"Key\": \"a\"}]"), "deploymentGroup.ec2TagFilters[0]",
          "Value is missing" },
        { GROUP(", \"ec2TagFilters\": [{\"Type\": \"KEY_ONLY\"}]"),
          "deploymentGroup.ec2TagFilters[0]", "Key is missing" },
        { GROUP(", \"ec2TagFilters\": [{\"Type\": \"ANY\"}]"),
          "deploymentGroup.ec2TagFilters[0].Type", "KEY_AND_VALUE" },
        { GROUP(", \"ec2TagFilters\": [{\"Key\": \"a\", \"Type\": \"KEY_ONLY\"}], \"ec2TagSet\": "
                "{\"ec2TagSetList\": []}"),
          "deploymentGroup.ec2TagSet", "exclude" },
        { GROUP(", \"ec2TagSet\": {\"ec2TagSetList\": [[], [], [], []]}"),
          "deploymentGroup.ec2TagSet.ec2TagSetList", "more than 3" },
        { GROUP(", \"autoRollbackConfiguration\": {\"enabled\": true, \"events\": [\"NEVER\"]}"),
          "deploymentGroup.autoRollbackConfiguration.events[0]", "DEPLOYMENT_FAILURE" },
        { GROUP(", \"outdatedInstancesStrategy\": \"MAYBE\""),
          "deploymentGroup.outdatedInstancesStrategy", "UPDATE, IGNORE" },
        { GROUP(", \"deploymentStyle\": {\"deploymentType\": \"BLUE_GREEN\"}"),
          "deploymentGroup.deploymentStyle.deploymentType", "IN_PLACE" },
        { GROUP(", \"autoScalingGroups\": [\"asg\"]"), "deploymentGroup.autoScalingGroups",
          "not supported" },
        { CONFIG(""), "deploymentConfig", "minimumHealthyHosts" },
        { CONFIG(", \"minimumHealthyHosts\": {\"type\": \"HOST_COUNT\"}"),
          "deploymentConfig.minimumHealthyHosts", "value" },
        { CONFIG(", \"minimumHealthyHosts\": {\"type\": \"FLEET_PERCENT\", \"value\": 101}"),
          "deploymentConfig.minimumHealthyHosts.value", "100" },
        { "{\"deploymentConfigName\": \"CodeDeployDefault.Mine\", \"minimumHealthyHosts\": "
          "{\"value\": 1}}",
          "deploymentConfigName", "AWS's own" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        const struct problem *problem = NULL;
        assert_null(read_text(table[i].text, &problem));
        if (strcmp(problem->path, table[i].path) != 0 || !strstr(problem->text, table[i].what))
            fail_msg("row %zu: %s: %s", i, problem->path, problem->text);
        assert_true(problem->line > 0);
    }
}

static void a_pipeline_is_none_of_these(void **state)
{
    (void)state;
    assert_true(definition_is_pipeline("p", bytes_of_text("{\"pipeline\": {}}")));
    assert_true(definition_is_pipeline("p", bytes_of_text("{")));
    assert_true(definition_is_pipeline("p", bytes_of_text("name: xr\nstages: []\n")));
    assert_false(definition_is_pipeline("p", bytes_of_text("applicationName: a\n")));
    assert_false(definition_is_pipeline("p", bytes_of_text("{\"deploymentGroup\": {}}")));
}

static void a_group_is_read_whole(void **state)
{
    const struct problem *problem;
    (void)state;
    struct deploy_resource *r = read_text(
        GROUP(", \"deploymentConfigName\": \"mine\", \"serviceRoleArn\": \"arn\", "
              "\"ec2TagFilters\": [], \"onPremisesTagSet\": {\"onPremisesTagSetList\": "
              "[[{\"Key\": \"a\", \"Value\": \"b\"}, {\"Value\": \"c\", \"Type\": "
              "\"VALUE_ONLY\"}], [{\"Key\": \"d\", \"Type\": \"KEY_ONLY\"}]]}, "
              "\"autoRollbackConfiguration\": {\"enabled\": true, \"events\": "
              "[\"DEPLOYMENT_FAILURE\", \"DEPLOYMENT_STOP_ON_REQUEST\"]}, "
              "\"alarmConfiguration\": {\"enabled\": true, \"alarms\": [{\"name\": \"x\"}]}, "
              "\"deploymentStyle\": {\"deploymentOption\": \"WITH_TRAFFIC_CONTROL\"}, "
              "\"outdatedInstancesStrategy\": \"IGNORE\""),
        &problem);
    assert_non_null(r);
    const struct deployment_group *group = &r->group;
    assert_string_equal(r->name, "app/prod");
    assert_string_equal(group->config, "mine");
    assert_int_equal(group->instances.count, 0);
    assert_int_equal(group->on_premises.count, 2);
    assert_int_equal(group->on_premises.sets[0].count, 2);
    assert_int_equal(group->on_premises.sets[0].filters[1].type, FILTER_VALUE_ONLY);
    assert_int_equal(group->rollback, ROLLBACK_ON_FAILURE | ROLLBACK_ON_STOP);
    assert_int_equal(group->alarm_count, 1);
    assert_string_equal(group->alarms[0], "x");
    assert_true(group->traffic_control);
    assert_true(group->ignore_outdated);
    resource_free(r);
}

static void what_is_not_enabled_is_not_done(void **state)
{
    const struct problem *problem;
    (void)state;
    struct deploy_resource *r =
        read_text("{" NAMES ", \"autoRollbackConfiguration\": {\"enabled\": false, \"events\": "
                  "[\"DEPLOYMENT_FAILURE\"]}, \"alarmConfiguration\": {\"alarms\": [{\"name\": "
                  "\"x\"}]}}",
                  &problem);
    assert_non_null(r);
    assert_int_equal(r->kind, RESOURCE_GROUP);
    assert_string_equal(r->group.config, "CodeDeployDefault.OneAtATime");
    assert_int_equal(r->group.rollback, 0);
    assert_int_equal(r->group.alarm_count, 0);
    resource_free(r);
}

static void a_zonal_configuration_watches_the_first_zone_as_the_others(void **state)
{
    const struct problem *problem;
    (void)state;
    struct deploy_resource *r =
        read_text(CONFIG(", \"computePlatform\": \"Server\", \"minimumHealthyHosts\": {\"type\": "
                         "\"FLEET_PERCENT\", \"value\": 75}, \"zonalConfig\": "
                         "{\"monitorDurationInSeconds\": 60, \"minimumHealthyHostsPerZone\": "
                         "{\"type\": \"HOST_COUNT\", \"value\": 2}}"),
                  &problem);
    assert_non_null(r);
    assert_int_equal(r->config.healthy.type, HEALTHY_PERCENT);
    assert_int_equal(r->config.healthy.value, 75);
    assert_true(r->config.zonal);
    assert_int_equal(r->config.first_zone_monitor_s, 60);
    assert_int_equal(r->config.zone_monitor_s, 60);
    assert_int_equal(r->config.zone_healthy.type, HEALTHY_COUNT);
    assert_int_equal(r->config.zone_healthy.value, 2);
    resource_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_named_with_its_place),
        cmocka_unit_test(a_pipeline_is_none_of_these),
        cmocka_unit_test(a_group_is_read_whole),
        cmocka_unit_test(what_is_not_enabled_is_not_done),
        cmocka_unit_test(a_zonal_configuration_watches_the_first_zone_as_the_others),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
