/* Conditions and their rules as an operator writes them. */
#include "fixture.h"
#include "shell/definition.h"
#include "shell/timezone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_MAX = 16 << 20, TEXT_MAX = 4096 };

#define WINDOW                                                                                     \
    "{name: hours, ruleTypeId: {category: Rule, owner: AWS, provider: DeploymentWindow, "          \
    "version: '1'}, configuration: {Cron: '* * 9-17 ? * MON-FRI', TimeZone: Europe/Berlin}}"
#define RULE(provider, owner, rest)                                                                \
    "{name: r, ruleTypeId: {category: Rule, owner: " owner ", provider: " provider                 \
    ", version: '1'}" rest "}"

struct parsed {
    struct arena arena;
    struct pipeline *pipeline;
    const struct problem *problems;
    size_t count;
};

static void parsed_deinit(struct parsed *p)
{
    pipeline_free(p->pipeline);
    arena_deinit(&p->arena);
}

/* A pipeline of two stages, the second with `conditions` in front of its action. */
static bool parse(struct parsed *p, const char *conditions)
{
    char text[TEXT_MAX];
    snprintf(text, sizeof text,
             "name: a\nartifactStore: {type: S3, location: store-us-west-2}\nstages:\n"
             "- name: Source\n  actions:\n  - name: Source\n    actionTypeId: {category: Source, "
             "owner: AWS, provider: S3, version: '1'}\n    configuration: {S3Bucket: bucket, "
             "S3ObjectKey: k}\n    outputArtifacts: [{name: App}]\n"
             "- name: Prod\n  %s\n  actions:\n  - name: One\n    actionTypeId: {category: Deploy, "
             "owner: AWS, provider: CodeDeploy, version: '1'}\n    configuration: "
             "{ApplicationName: app, DeploymentGroupName: g}\n    namespace: Its\n    "
             "inputArtifacts: [{name: App}]\n",
             conditions);
    arena_init(&p->arena, ARENA_MAX);
    return definition_parse("p.yml", bytes_of_text(text), &p->arena, &p->pipeline, &p->problems,
                            &p->count);
}

static void what_cannot_be_read_is_told_where(void **state)
{
    (void)state;
    static const struct {
        const char *conditions, *path, *says;
    } rows[] = {
        { "beforeEntry: [1]", "beforeEntry", "must be a mapping" },
        { "beforeEntry: {rules: []}", "beforeEntry.rules", "write conditions" },
        { "beforeEntry: {conditions: [{}, {}]}", "conditions", "a list of one condition" },
        { "beforeEntry: {conditions: [{}]}", "conditions[0]", "1 to 5" },
        { "beforeEntry: {conditions: [{rules: []}]}", "rules", "1 to 5" },
        { "beforeEntry: {conditions: [{result: STOP, rules: [" WINDOW "]}]}", "result",
          "FAIL, SKIP, ROLLBACK, RETRY" },
        { "onSuccess: {conditions: [{rules: [{name: r}]}]}", "rules[0]", "needs ruleTypeId" },
        { "onSuccess: {conditions: [{rules: [{name: r, ruleTypeId: {category: Deploy}}]}]}",
          "ruleTypeId", "category is Rule" },
        { "onSuccess: {conditions: [{rules: [{rule: r}]}]}", "rule", "unknown field of a rule" },
        { "onSuccess: {conditions: [{rules: [" RULE("Http", "Me", "") "]}]}", "ruleTypeId",
          "owner is AWS, or Custom" },
        { "onSuccess: {conditions: [{rules: [" RULE("Http", "Custom",
                                                    ", timeoutInMinutes: 4") "]}]}",
          "timeoutInMinutes", "5 to 86400" },
        { "onSuccess: {conditions: [{rules: [" RULE("Http", "Custom",
                                                    ", configuration: {WaitTime: '-1'}") "]}]}",
          "WaitTime", "0 to 86400" },
        { "beforeEntry: {conditions: [{rules: [" RULE(
              "DeploymentWindow", "AWS", ", configuration: {Cron: '* * 25 ? * *'}") "]}]}",
          "Cron", "hours" },
        { "beforeEntry: {conditions: [{rules: [" RULE(
              "DeploymentWindow", "AWS", ", configuration: {Cron: '#{variables.CRON}'}") "]}]}",
          "Cron", "seconds" },
        { "beforeEntry: {conditions: [{rules: [" RULE(
              "DeploymentWindow", "AWS",
              ", configuration: {Cron: '* * 9 ? * *', TimeZone: Mars/Base}") "]}]}",
          "TimeZone", "no time zone 'Mars/Base'" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO(parsed_deinit) struct parsed p = { 0 };
        if (parse(&p, rows[i].conditions)) fail_msg("%s was read", rows[i].conditions);
        if (!strstr(p.problems[0].path, rows[i].path) || !strstr(p.problems[0].text, rows[i].says))
            fail_msg("%s: %s: %s", rows[i].conditions, p.problems[0].path, p.problems[0].text);
        assert_true(p.problems[0].line > 1);
    }
}

static void what_means_nothing_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *conditions, *says;
    } rows[] = {
        { "beforeEntry: {conditions: [{result: ROLLBACK, rules: [" WINDOW "]}]}",
          "beforeEntry has FAIL or SKIP" },
        { "onSuccess: {conditions: [{result: SKIP, rules: [" WINDOW "]}]}",
          "onSuccess has FAIL or ROLLBACK" },
        { "onFailure: {conditions: [{result: FAIL, rules: [" WINDOW "]}]}",
          "onFailure has RETRY or ROLLBACK" },
        { "beforeEntry: {conditions: [{rules: [" WINDOW ", " WINDOW "]}]}",
          "another rule of the stage has that name" },
        { "beforeEntry: {conditions: [{rules: [" RULE("LambdaInvoke", "AWS", "") "]}]}",
          "no rule LambdaInvoke: there are DeploymentWindow" },
        { "beforeEntry: {conditions: [{rules: [" RULE("DeploymentWindow", "AWS", "") "]}]}",
          "the setting Cron is missing" },
        { "beforeEntry: {conditions: [{rules: [" RULE("Http", "AWS",
                                                      ", configuration: {Url: 'https://x'}") "]}]}",
          "the owner of this rule is Custom" },
        { "beforeEntry: {conditions: [{rules: [" RULE("Http", "Custom",
                                                      ", configuration: {Url: 'ftp://x'}") "]}]}",
          "begins with https:// or http://" },
        { "beforeEntry: {conditions: [{rules: [" RULE(
              "Http", "Custom", ", configuration: {Url: 'https://x', Query: up}") "]}]}",
          "Query is not a setting of the rule Http" },
        { "beforeEntry: {conditions: [{rules: [" RULE(
              "CloudWatchAlarm", "AWS", ", configuration: {AlarmName: a, AlarmStates: OK}") "]}]}",
          "write ALARM or nothing" },
        { "beforeEntry: {conditions: [{rules: [" RULE(
              "VariableCheck", "AWS",
              ", configuration: {Variable: a, Operator: IS, Value: a}") "]}]}",
          "write EQ, NE, CONTAINS or MATCHES" },
        { "beforeEntry: {conditions: [{rules: [" RULE(
              "CloudWatchAlarm", "AWS",
              ", region: us-east-1, configuration: {AlarmName: a}") "]}]}",
          "the pipeline's own region" },
        { "beforeEntry: {conditions: [{rules: [" RULE(
              "CloudWatchAlarm", "AWS", ", configuration: {AlarmName: 'a#{Nope.X}'}") "]}]}",
          "no action has that namespace" },
        { "beforeEntry: {conditions: [{rules: [" RULE(
              "CloudWatchAlarm", "AWS",
              ", configuration: {AlarmName: 'a#{Its.DeploymentId}'}") "]}]}",
          "does not end before this one begins" },
        { "onSuccess: {conditions: [{rules: [" RULE(
              "CloudWatchAlarm", "AWS", ", configuration: {AlarmName: 'a#{Its.Nothing}'}") "]}]}",
          "gives no such variable; it gives: DeploymentId" },
        { "onSuccess: {conditions: [{result: ROLLBACK, rules: [" WINDOW "]}]}\n"
          "  meridian: {onFailure: all}",
          "both say what goes back" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO(parsed_deinit) struct parsed p = { 0 };
        const struct problem *problems = NULL;
        if (!parse(&p, rows[i].conditions))
            fail_msg("%s: %s", rows[i].conditions, p.problems[0].text);
        size_t count = pipeline_check(p.pipeline, "us-west-2", &p.arena, &problems);
        assert_true(count > 0);
        if (!strstr(problems[0].text, rows[i].says))
            fail_msg("%s: %s", rows[i].conditions, problems[0].text);
        assert_true(problems[0].line > 1);
    }
}

static void all_three_are_read(void **state)
{
    (void)state;
    AUTO(parsed_deinit) struct parsed p = { 0 };
    const struct problem *problems = NULL;
    assert_true(parse(
        &p, "beforeEntry: {conditions: [{result: SKIP, rules: [" WINDOW "]}]}\n"
            "  onSuccess: {conditions: [{result: ROLLBACK, rules: [" RULE(
                "Prometheus", "Custom",
                ", timeoutInMinutes: 30, configuration: {Url: 'http://p:9090', Query: 'e > 1', "
                "WaitTime: '10'}") "]}]}\n"
                                   "  onFailure: {result: RETRY, conditions: [{rules: [" RULE(
                                       "CloudWatchAlarm", "AWS",
                                       ", configuration: {AlarmName: e}") "]}]}"));
    const struct pipeline_stage *stage = &p.pipeline->stages[1];
    /* The third rule's name is the second's. */
    assert_int_equal(pipeline_check(p.pipeline, "us-west-2", &p.arena, &problems), 1);
    assert_int_equal(stage->rule_count, 3);
    assert_int_equal(stage->conditions[CONDITION_BEFORE_ENTRY].result, FAILURE_SKIP);
    assert_int_equal(stage->conditions[CONDITION_ON_SUCCESS].result, FAILURE_ROLLBACK);
    assert_int_equal(stage->conditions[CONDITION_ON_FAILURE].result, FAILURE_RETRY);
    assert_int_equal(stage->rules[0].kind, RULE_WINDOW);
    assert_true(stage->rules[0].zone.change_count >= 2 * (TIMEZONE_YEARS - 1));
    assert_int_equal(stage->rules[1].kind, RULE_PROMETHEUS);
    assert_int_equal(stage->rules[1].wait_minutes, 10);
    assert_int_equal(pipeline_rule_timeout_ms(&stage->rules[0]), UINT64_C(86400) * 60000);
    assert_int_equal(pipeline_rule_timeout_ms(&stage->rules[1]), 30 * 60000);
    assert_int_equal(pipeline_rule_timeout_ms(&stage->rules[2]), 60 * 60000);
}

static void a_stage_that_others_need_cannot_be_left_out(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    const struct reply *reply =
        world_apply(&w, "xr Make~entry:SKIP;quiet:alarm:errors:0=!us-west-2 Prod=us-west-2");
    assert_int_equal(reply->failure.code, ERR_INVALID);
    assert_non_null(strstr(reply->problems[0].text, "it cannot be left out, write FAIL"));
    world_deinit(&w);
}

static void nothing_goes_back_where_executions_run_beside_each_other(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    const struct reply *reply =
        world_apply(&w, "xr:PARALLEL Prod~success:ROLLBACK;quiet:alarm:errors:0=us-west-2");
    assert_int_equal(reply->failure.code, ERR_INVALID);
    assert_non_null(strstr(reply->problems[0].text, "nothing can go back in executionMode"));
    world_deinit(&w);
}

/* ---- time zones ---- */

#define LONG "a234567890a234567890a234567890a234567890a234567890a234567890a2345"

static void an_unknown_zone_is_refused_by_its_name(void **state)
{
    (void)state;
    static const char *const names[] = { "",    "Mars/Base",      "/etc/passwd", "../etc/passwd",
                                         "a b", "Europe/Berlin;", LONG };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct arena arena;
        struct window_zone zone;
        struct error err;
        arena_init(&arena, ARENA_MAX);
        if (timezone_load(names[i], &arena, &zone, &err)) fail_msg("'%s' was taken", names[i]);
        assert_int_equal(err.code, ERR_INVALID);
        arena_deinit(&arena);
    }
}

static void a_zone_is_known_with_its_changes_and_ours_stays(void **state)
{
    (void)state;
    struct arena arena;
    struct window_zone zone;
    struct error err;
    arena_init(&arena, ARENA_MAX);
    assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
    assert_true(timezone_load("UTC", &arena, &zone, &err));
    assert_int_equal(zone.change_count, 0);
    assert_int_equal(zone.offset_s, 0);
    assert_true(timezone_load("Europe/Berlin", &arena, &zone, &err));
    assert_string_equal(getenv("TZ"), "Asia/Tokyo");
    assert_true(zone.change_count > 0);
    for (size_t i = 0; i < zone.change_count; i++) {
        int32_t before = i ? zone.changes[i - 1].offset_s : zone.offset_s;
        assert_int_equal(before + zone.changes[i].offset_s, 3 * 3600); /* one hour and two */
        assert_int_equal(zone.changes[i].at_s % 3600, 0);
        assert_int_equal(zone.changes[i].at_s / 3600 % 24, 1);       /* 01:00 UTC */
        assert_int_equal((zone.changes[i].at_s / 86400 + 4) % 7, 0); /* on a Sunday */
    }
    assert_int_equal(unsetenv("TZ"), 0);
    assert_true(timezone_load("Asia/Kolkata", &arena, &zone, &err));
    assert_null(getenv("TZ"));
    assert_int_equal(zone.offset_s, 19800);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_read_is_told_where),
        cmocka_unit_test(what_means_nothing_is_refused),
        cmocka_unit_test(all_three_are_read),
        cmocka_unit_test(a_stage_that_others_need_cannot_be_left_out),
        cmocka_unit_test(nothing_goes_back_where_executions_run_beside_each_other),
        cmocka_unit_test(an_unknown_zone_is_refused_by_its_name),
        cmocka_unit_test(a_zone_is_known_with_its_changes_and_ours_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
