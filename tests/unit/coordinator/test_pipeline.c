#include "fixture.h"

#include <stdio.h>
#include <string.h>

/* A good pipeline that each case spoils in one way. Lines: stages 10, 20; actions 11, 21, 22. */
static struct pipeline *good(void)
{
    struct pipeline *p = world_parse("xr Prod=us-west-2,us-east-1");
    p->at = (struct position){ 1, 1 };
    for (size_t s = 0; s < p->stage_count; s++) {
        struct pipeline_stage *stage = (struct pipeline_stage *)&p->stages[s];
        stage->at = (struct position){ 10 * (uint32_t)(s + 1), 3 };
        for (size_t a = 0; a < stage->action_count; a++)
            ((struct pipeline_action *)&stage->actions[a])->at =
                (struct position){ stage->at.line + 1 + (uint32_t)a, 5 };
    }
    return p;
}

static struct pipeline_stage *stage_of(struct pipeline *p, size_t stage)
{
    return (struct pipeline_stage *)&p->stages[stage];
}

static struct pipeline_action *action_of(struct pipeline *p, size_t stage, size_t action)
{
    return (struct pipeline_action *)&p->stages[stage].actions[action];
}

static struct pipeline_setting *setting_of(struct pipeline *p, size_t stage, size_t setting)
{
    return (struct pipeline_setting *)&action_of(p, stage, 0)->configuration[setting];
}

static void make_build(struct pipeline *p, const char *key, const char *primary)
{
    struct pipeline_action *action = action_of(p, 1, 0);
    struct pipeline_setting *settings = arena_calloc(&p->arena, 2, sizeof *settings);
    settings[0] = (struct pipeline_setting){ .key = key, .value = "shop" };
    settings[1] = (struct pipeline_setting){ .key = "PrimarySource", .value = primary };
    action->category = CATEGORY_BUILD;
    action->provider = "CodeBuild";
    action->configuration = settings;
    action->configuration_count = 2;
}

static const char *many(struct pipeline *p, size_t count)
{
    char *text = arena_calloc(&p->arena, count + 1, 1);
    memset(text, 'x', count);
    return text;
}

static const char **names(struct pipeline *p, size_t count, const char *name)
{
    const char **all = arena_calloc(&p->arena, count, sizeof *all);
    for (size_t i = 0; i < count; i++) all[i] = name;
    return all;
}

/* `count` copies of the first Prod action, called a0, a1 ... */
static void widen(struct pipeline *p, size_t count, bool in_sequence)
{
    struct pipeline_action *all = arena_calloc(&p->arena, count, sizeof *all);
    for (size_t i = 0; i < count; i++) {
        all[i] = *action_of(p, 1, 0);
        all[i].name = arena_format(&p->arena, "a%zu", i);
        all[i].run_order = in_sequence ? (uint32_t)i + 1 : 1;
    }
    stage_of(p, 1)->actions = all;
    stage_of(p, 1)->action_count = count;
}

static void lengthen(struct pipeline *p, size_t stages, size_t actions)
{
    struct pipeline_stage *all = arena_calloc(&p->arena, stages, sizeof *all);
    widen(p, actions, false);
    for (size_t i = 0; i < stages; i++) {
        all[i] = p->stages[i ? 1 : 0];
        if (i) all[i].name = arena_format(&p->arena, "s%zu", i);
    }
    p->stages = all;
    p->stage_count = stages;
}

static void set_setting(struct pipeline *p, size_t stage, size_t at, const char *key,
                        const char *value)
{
    setting_of(p, stage, at)->key = key;
    setting_of(p, stage, at)->value = value;
}

#define SPOIL(name, ...)                                                                           \
    static void name(struct pipeline *p)                                                           \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }
SPOIL(name_empty, p->name = "")
SPOIL(name_long, p->name = many(p, 101))
SPOIL(name_slash, p->name = "a/b")
SPOIL(one_stage, p->stage_count = 1)
SPOIL(many_stages, lengthen(p, 51, 1))
SPOIL(many_actions, lengthen(p, 13, 50))
SPOIL(no_store, p->store_count = 0)
SPOIL(two_single_stores, p->stores_is_map = false)
SPOIL(store_twice, ((struct pipeline_store *)p->stores)[2].region = "us-east-1")
SPOIL(store_name, ((struct pipeline_store *)p->stores)[0].location = "a_b")
SPOIL(store_region, ((struct pipeline_store *)p->stores)[2].region = "usa")
SPOIL(no_own_store, ((struct pipeline_store *)p->stores)[0].region = "eu-west-1")
SPOIL(single_store, p->stores_is_map = false; p->store_count = 1)
SPOIL(region_unknown, action_of(p, 1, 1)->region = "eu-west-1")
SPOIL(region_short, action_of(p, 1, 1)->region = "eu")
SPOIL(source_elsewhere, action_of(p, 0, 0)->region = "us-east-1")
SPOIL(custom_elsewhere, action_of(p, 1, 1)->owner = OWNER_CUSTOM)
SPOIL(stage_name, stage_of(p, 1)->name = "Prod 1")
SPOIL(stage_twice, stage_of(p, 1)->name = "Source")
SPOIL(stage_empty, stage_of(p, 1)->action_count = 0)
SPOIL(source_late, *action_of(p, 1, 0) = *action_of(p, 0, 0); action_of(p, 1, 0)->name = "S2")
SPOIL(deploy_first, action_of(p, 0, 0)->category = CATEGORY_DEPLOY)
SPOIL(action_name, action_of(p, 1, 0)->name = "")
SPOIL(action_twice, action_of(p, 1, 0)->name = "us-east-1")
SPOIL(wide, widen(p, 51, false))
SPOIL(deep, widen(p, 51, true))
SPOIL(order_zero, action_of(p, 1, 0)->run_order = 0)
SPOIL(order_large, action_of(p, 1, 0)->run_order = 1000)
SPOIL(timeout_deploy, action_of(p, 1, 0)->timeout_minutes = 60)
SPOIL(timeout_small, action_of(p, 1, 0)->category = CATEGORY_APPROVAL;
      action_of(p, 1, 0)->timeout_minutes = 4)
SPOIL(namespace_wrong, action_of(p, 0, 0)->namespace = "a.b")
SPOIL(provider_empty, action_of(p, 1, 0)->provider = "")
SPOIL(provider_lambda, action_of(p, 1, 0)->category = CATEGORY_INVOKE;
      action_of(p, 1, 0)->provider = "Lambda")
SPOIL(build_project, make_build(p, "Project", "App"))
SPOIL(build_primary, make_build(p, "ProjectName", "Nope"))
SPOIL(build_inputs, make_build(p, "ProjectName", "App"); action_of(p, 1, 0)->input_count = 0)
SPOIL(deploy_variables, action_of(p, 1, 0)->variable_count = 1)
SPOIL(provider_third, action_of(p, 1, 0)->owner = OWNER_THIRD_PARTY)
SPOIL(version_long, action_of(p, 1, 0)->version = "1234567890")
SPOIL(input_unknown, ((const char **)action_of(p, 1, 0)->inputs)[0] = "Ap")
SPOIL(input_none, action_of(p, 1, 0)->input_count = 0)
SPOIL(input_two, action_of(p, 1, 0)->inputs = names(p, 2, "App");
      action_of(p, 1, 0)->input_count = 2)
SPOIL(input_same_group, action_of(p, 1, 0)->outputs = names(p, 1, "B");
      action_of(p, 1, 0)->output_count = 1; ((const char **)action_of(p, 1, 1)->inputs)[0] = "B")
SPOIL(output_none, action_of(p, 0, 0)->output_count = 0)
SPOIL(output_name, action_of(p, 0, 0)->outputs = names(p, 1, "a b"))
SPOIL(output_twice, action_of(p, 1, 0)->outputs = names(p, 1, "App");
      action_of(p, 1, 0)->output_count = 1)
SPOIL(key_long, set_setting(p, 1, 0, many(p, 51), "x"))
SPOIL(key_empty, set_setting(p, 1, 0, "", "x"))
SPOIL(key_short, set_setting(p, 1, 0, "x", "y"))
SPOIL(value_empty, set_setting(p, 1, 0, "ApplicationName", ""))
SPOIL(value_long, set_setting(p, 0, 1, "S3ObjectKey", many(p, 1001)))
SPOIL(setting_unknown, set_setting(p, 0, 1, "S3Objectkey", "x"))
SPOIL(setting_missing, action_of(p, 1, 0)->configuration_count = 1)
SPOIL(bucket_wrong, set_setting(p, 0, 0, "S3Bucket", "a"))
SPOIL(boolean_wrong, set_setting(p, 0, 1, "PollForSourceChanges", "yes"))
SPOIL(application_wrong, set_setting(p, 1, 0, "ApplicationName", "a/b"))

/* ---- the edges: the greatest and smallest that are allowed ---- */

static const char *word_of(struct pipeline *p, size_t count, const char *begin)
{
    char *text = arena_calloc(&p->arena, count + 1, 1);
    memset(text, 'm', count);
    memcpy(text, begin, strlen(begin) < count ? strlen(begin) : count);
    return text;
}

static struct pipeline_store *store_of(struct pipeline *p, size_t at)
{
    return &((struct pipeline_store *)p->stores)[at];
}

SPOIL(edge_name, p->name = word_of(p, 100, "azAZ09.@-_"))
SPOIL(edge_name_short, p->name = "Z")
SPOIL(edge_two_stages, lengthen(p, 2, 1))
SPOIL(edge_stages, lengthen(p, 50, 1))
SPOIL(edge_actions, lengthen(p, 11, 50); ((struct pipeline_stage *)p->stages)[10].action_count = 49)
SPOIL(edge_region, store_of(p, 2)->region = word_of(p, 30, "eu-"))
SPOIL(edge_region_short, store_of(p, 2)->region = "eu-1")
SPOIL(edge_store, store_of(p, 0)->location = word_of(p, 63, "a-b."))
SPOIL(edge_store_short, store_of(p, 0)->location = "abc")
SPOIL(edge_single_store, p->stores_is_map = false; p->store_count = 1;
      stage_of(p, 1)->action_count = 1)
SPOIL(edge_stage_name, stage_of(p, 1)->name = word_of(p, 100, "azAZ09.@-_"))
SPOIL(edge_action_name, action_of(p, 1, 0)->name = word_of(p, 100, "azAZ09.@-_"))
SPOIL(edge_wide, widen(p, 50, false))
SPOIL(edge_deep, widen(p, 50, true))
SPOIL(edge_order, action_of(p, 1, 0)->run_order = 999)
SPOIL(edge_artifact, const char *name = word_of(p, 100, "azAZ09-_");
      action_of(p, 0, 0)->outputs = names(p, 1, name);
      action_of(p, 1, 0)->inputs = action_of(p, 1, 1)->inputs = names(p, 1, name))
SPOIL(edge_artifact_before, action_of(p, 1, 0)->category = CATEGORY_BUILD;
      make_build(p, "ProjectName", "App"); action_of(p, 1, 0)->outputs = names(p, 1, "B");
      action_of(p, 1, 0)->output_count = 1; action_of(p, 1, 1)->run_order = 2;
      action_of(p, 1, 1)->inputs = names(p, 1, "B"))
SPOIL(edge_value, set_setting(p, 0, 1, "S3ObjectKey", word_of(p, 1000, "a")))
SPOIL(edge_value_short, set_setting(p, 0, 1, "S3ObjectKey", "k"))
SPOIL(edge_bucket, set_setting(p, 0, 0, "S3Bucket", "abc"))
SPOIL(edge_version, action_of(p, 1, 0)->version = "123456789")
SPOIL(edge_namespace, action_of(p, 0, 0)->namespace = word_of(p, 100, "azAZ09@-_"))
SPOIL(edge_timeout, action_of(p, 1, 0)->category = CATEGORY_APPROVAL;
      action_of(p, 1, 0)->provider = "Manual"; action_of(p, 1, 0)->configuration_count = 0;
      action_of(p, 1, 0)->input_count = 0; action_of(p, 1, 0)->timeout_minutes = 86400)
SPOIL(edge_timeout_short, edge_timeout(p); action_of(p, 1, 0)->timeout_minutes = 5)

static void (*const edges[])(struct pipeline *p) = {
    edge_name,       edge_name_short,      edge_two_stages, edge_stages,        edge_actions,
    edge_region,     edge_region_short,    edge_store,      edge_store_short,   edge_single_store,
    edge_stage_name, edge_action_name,     edge_wide,       edge_deep,          edge_order,
    edge_artifact,   edge_artifact_before, edge_value,      edge_value_short,   edge_bucket,
    edge_version,    edge_namespace,       edge_timeout,    edge_timeout_short,
};

/* One more than an edge. */
SPOIL(over_actions, lengthen(p, 11, 50); stage_of(p, 10)->action_count = 50;
      action_of(p, 0, 0)->name = "S")
SPOIL(over_region, store_of(p, 2)->region = word_of(p, 31, "eu-"))
SPOIL(over_store, store_of(p, 0)->location = word_of(p, 64, "a"))
SPOIL(under_store, store_of(p, 0)->location = "ab")
SPOIL(over_stage_name, stage_of(p, 1)->name = word_of(p, 101, "a"))
SPOIL(over_action_name, action_of(p, 1, 0)->name = word_of(p, 101, "a"))
SPOIL(over_artifact, action_of(p, 0, 0)->outputs = names(p, 1, word_of(p, 101, "a")))
SPOIL(over_timeout, edge_timeout(p); action_of(p, 1, 0)->timeout_minutes = 86401)
SPOIL(third_twice, widen(p, 3, true);
      ((struct pipeline_action *)stage_of(p, 1)->actions)[2].name = "a0")
SPOIL(first_is_second_store, store_of(p, 1)->region = "us-west-2")
SPOIL(output_of_oneself, action_of(p, 1, 0)->outputs = names(p, 2, "B");
      action_of(p, 1, 0)->output_count = 2)

struct rule_case {
    void (*spoil)(struct pipeline *p);
    uint32_t line;
    const char *path, *text;
};

static const struct rule_case cases[] = {
    { name_empty, 1, ".name", "1 to 100" },
    { name_long, 1, ".name", "1 to 100" },
    { name_slash, 1, ".name", "1 to 100" },
    { one_stage, 1, ".stages", "2 to 50 stages" },
    { many_stages, 1, ".stages", "2 to 50 stages" },
    { many_actions, 1, ".stages", "at most 500 actions" },
    { no_store, 1, "", "no artifact store" },
    { two_single_stores, 1, ".artifactStore", "both artifactStore" },
    { store_twice, 1, ".artifactStores.us-east-1", "two artifact stores" },
    { store_name, 1, ".artifactStores.us-west-2", "3 to 63" },
    { store_region, 1, ".artifactStores.usa", "4 to 30" },
    { no_own_store, 1, ".artifactStores", "own region us-west-2" },
    { single_store, 22, ".stages[1].actions[1].region", "needs artifactStores" },
    { region_unknown, 22, ".stages[1].actions[1].region", "no artifact store" },
    { region_short, 22, ".stages[1].actions[1].region", "4 to 30" },
    { source_elsewhere, 11, ".stages[0].actions[0].region", "Source actions run in" },
    { custom_elsewhere, 22, ".stages[1].actions[1].region", "Custom actions run in" },
    { stage_name, 20, ".stages[1].name", "1 to 100" },
    { stage_twice, 20, ".stages[1].name", "another stage is called 'Source'" },
    { stage_empty, 20, ".stages[1].actions", "at least one action" },
    { source_late, 11, ".stages[1].actions[0]", "belongs in the first stage" },
    { deploy_first, 11, ".stages[0].actions[0]", "Source actions only" },
    { action_name, 21, ".stages[1].actions[0].name", "1 to 100" },
    { action_twice, 22, ".stages[1].actions[1].name", "another action" },
    { wide, 20, ".stages[1]", "at most 50 may run in parallel" },
    { deep, 20, ".stages[1]", "at most 50 may follow" },
    { order_zero, 21, ".stages[1].actions[0].runOrder", "1 to 999" },
    { order_large, 21, ".stages[1].actions[0].runOrder", "1 to 999" },
    { timeout_deploy, 21, ".stages[1].actions[0].timeoutInMinutes", "approvals only" },
    { timeout_small, 21, ".stages[1].actions[0].timeoutInMinutes", "5 to 86400" },
    { namespace_wrong, 11, ".stages[0].actions[0].namespace", "1 to 100" },
    { provider_empty, 21, ".stages[1].actions[0].actionTypeId", "1 to 35" },
    { provider_lambda, 21, ".stages[1].actions[0].actionTypeId",
      "Invoke/AWS/Lambda is not supported yet" },
    { build_project, 21, ".stages[1].actions[0].configuration.Project", "not a setting" },
    { build_primary, 21, ".stages[1].actions[0].configuration.PrimarySource",
      "write the name of one of the input artifacts" },
    { build_inputs, 21, ".stages[1].actions[0].inputArtifacts", "has 1 to 5 input artifacts" },
    { deploy_variables, 21, ".stages[1].actions[0].environmentVariables",
      "only actions of provider CodeBuild" },
    { provider_third, 21, ".stages[1].actions[0].actionTypeId", "not supported yet" },
    { version_long, 21, ".stages[1].actions[0].actionTypeId", "1 to 9" },
    { input_unknown, 21, ".stages[1].actions[0].inputArtifacts", "no earlier action" },
    { input_none, 21, ".stages[1].actions[0].inputArtifacts", "has 1 input artifacts" },
    { input_two, 21, ".stages[1].actions[0].inputArtifacts", "has 1 input artifacts" },
    { input_same_group, 22, ".stages[1].actions[1].inputArtifacts", "no earlier action" },
    { output_none, 11, ".stages[0].actions[0].outputArtifacts", "has 1 output artifacts" },
    { output_name, 11, ".stages[0].actions[0].outputArtifacts", "1 to 100" },
    { output_twice, 21, ".stages[1].actions[0].outputArtifacts", "another action has the output" },
    { key_long, 21, NULL, "1 to 50 characters" },
    { key_empty, 21, NULL, "1 to 50 characters" },
    { key_short, 21, ".stages[1].actions[0].configuration.x", "not a setting" },
    { value_empty, 21, ".stages[1].actions[0].configuration.ApplicationName", "1 to 1000" },
    { value_long, 11, ".stages[0].actions[0].configuration.S3ObjectKey", "1 to 1000" },
    { setting_unknown, 11, ".stages[0].actions[0].configuration.S3Objectkey", "not a setting" },
    { setting_missing, 21, ".stages[1].actions[0].configuration",
      "DeploymentGroupName is missing" },
    { bucket_wrong, 11, ".stages[0].actions[0].configuration.S3Bucket", "3 to 63" },
    { boolean_wrong, 11, ".stages[0].actions[0].configuration.PollForSourceChanges",
      "true or false" },
    { application_wrong, 21, ".stages[1].actions[0].configuration.ApplicationName", "'a/b'" },
    { over_actions, 1, ".stages", "this one has 501" },
    { over_region, 1, NULL, "4 to 30" },
    { over_store, 1, ".artifactStores.us-west-2", "3 to 63" },
    { under_store, 1, ".artifactStores.us-west-2", "3 to 63" },
    { over_stage_name, 20, ".stages[1].name", "1 to 100" },
    { over_action_name, 21, ".stages[1].actions[0].name", "1 to 100" },
    { over_artifact, 11, ".stages[0].actions[0].outputArtifacts", "1 to 100" },
    { over_timeout, 21, ".stages[1].actions[0].timeoutInMinutes", "5 to 86400" },
    { third_twice, 21, ".stages[1].actions[2].name", "another action" },
    { first_is_second_store, 1, ".artifactStores.us-west-2", "two artifact stores" },
    { output_of_oneself, 21, ".stages[1].actions[0].outputArtifacts", "another action" },
};

static bool finds(const struct rule_case *one, const struct problem *problems, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!text_starts(problems[i].path, "pipeline")) return false;
        if (one->path && !text_equal(problems[i].path + strlen("pipeline"), one->path)) continue;
        if (problems[i].line == one->line && strstr(problems[i].text, one->text)) return true;
    }
    return false;
}

static void every_rule_names_its_place_and_what_to_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena;
        const struct problem *problems;
        arena_init(&arena, 8 << 20);
        struct pipeline *p = good();
        cases[i].spoil(p);
        size_t count = pipeline_check(p, "us-west-2", &arena, &problems);
        if (!finds(&cases[i], problems, count))
            fail_msg("case %zu (%s, %s): %zu problems, first: %u %s %s", i, cases[i].path,
                     cases[i].text, count, count ? problems[0].line : 0,
                     count ? problems[0].path : "", count ? problems[0].text : "");
        pipeline_free(p);
        arena_deinit(&arena);
    }
}

static void what_the_parser_does_not_run_is_a_problem_in_its_place(void **state)
{
    (void)state;
    const struct problem triggers = { 15, 1, "pipeline.triggers",
                                      "triggers are not supported yet" };
    struct arena arena;
    const struct problem *problems;
    arena_init(&arena, 1 << 20);
    struct pipeline *p = good();
    p->unsupported = &triggers;
    p->unsupported_count = 1;
    p->name = "";
    action_of(p, 1, 0)->run_order = 0;
    assert_int_equal(pipeline_check(p, "us-west-2", &arena, &problems), 3);
    assert_int_equal(problems[0].line, 1);
    assert_int_equal(problems[1].line, 15);
    assert_int_equal(problems[2].line, 21);
    pipeline_free(p);
    arena_deinit(&arena);
}

static void the_greatest_and_smallest_that_are_allowed_are_no_problem(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        const struct problem *problems;
        struct pipeline *p = good();
        edges[i](p);
        size_t count = pipeline_check(p, "us-west-2", &p->arena, &problems);
        if (count) fail_msg("edge %zu: %s: %s", i, problems[0].path, problems[0].text);
        pipeline_free(p);
    }
}

static void a_good_pipeline_has_no_problem(void **state)
{
    (void)state;
    struct arena arena;
    const struct problem *problems;
    arena_init(&arena, 1 << 20);
    struct pipeline *p = good();
    set_setting(p, 0, 1, "S3ObjectKey", "s3-app-linux.zip");
    size_t count = pipeline_check(p, "us-west-2", &arena, &problems);
    if (count) fail_msg("%s: %s", problems[0].path, problems[0].text);
    lengthen(p, 11, 49);
    assert_int_equal(pipeline_check(p, "us-west-2", &arena, &problems), 0);
    p->stores_is_map = false;
    p->store_count = 1;
    assert_int_equal(pipeline_check(p, "us-west-2", &arena, &problems), 0);
    pipeline_free(p);
    arena_deinit(&arena);
}

static void findings_are_bounded(void **state)
{
    (void)state;
    struct arena arena;
    const struct problem *problems;
    arena_init(&arena, 8 << 20);
    struct pipeline *p = good();
    lengthen(p, 10, 50);
    for (size_t i = 0; i < 50; i++) ((struct pipeline_action *)p->stages[1].actions)[i].name = "";
    assert_int_equal(pipeline_check(p, "us-west-2", &arena, &problems), 200);
    pipeline_free(p);
    arena_deinit(&arena);
}

static void settings_and_stores_are_found_by_name(void **state)
{
    (void)state;
    struct pipeline *p = good();
    assert_string_equal(pipeline_setting_get(action_of(p, 0, 0), "S3Bucket"), "src");
    assert_string_equal(pipeline_setting_get(action_of(p, 0, 0), "Other"), "");
    assert_string_equal(pipeline_store_of(p, "us-east-1"), "store-us-east-1");
    assert_null(pipeline_store_of(p, "eu-west-1"));
    pipeline_free(p);
    pipeline_free(NULL);
}

static void every_action_has_a_time_of_its_own(void **state)
{
    static const struct {
        enum action_category category;
        enum action_owner owner;
        const char *provider;
        uint32_t own_minutes;
        uint64_t minutes;
    } times[] = {
        { CATEGORY_DEPLOY, OWNER_AWS, "CodeDeploy", 0, 7200 },
        { CATEGORY_DEPLOY, OWNER_AWS, "CloudFormation", 0, 4320 },
        { CATEGORY_DEPLOY, OWNER_AWS, "S3", 0, 90 },
        { CATEGORY_INVOKE, OWNER_AWS, "Lambda", 0, 1440 },
        { CATEGORY_APPROVAL, OWNER_AWS, "Manual", 0, 10080 },
        { CATEGORY_APPROVAL, OWNER_AWS, "Manual", 86400, 86400 },
        { CATEGORY_BUILD, OWNER_AWS, "CodeBuild", 0, 60 },
        { CATEGORY_TEST, OWNER_CUSTOM, "Mine", 0, 1440 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        const struct pipeline_action action = { .category = times[i].category,
                                                .owner = times[i].owner,
                                                .provider = times[i].provider,
                                                .timeout_minutes = times[i].own_minutes };
        assert_int_equal(pipeline_timeout_ms(&action), times[i].minutes * 60000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_names_its_place_and_what_to_write),
        cmocka_unit_test(what_the_parser_does_not_run_is_a_problem_in_its_place),
        cmocka_unit_test(findings_are_bounded),
        cmocka_unit_test(the_greatest_and_smallest_that_are_allowed_are_no_problem),
        cmocka_unit_test(a_good_pipeline_has_no_problem),
        cmocka_unit_test(every_action_has_a_time_of_its_own),
        cmocka_unit_test(settings_and_stores_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
