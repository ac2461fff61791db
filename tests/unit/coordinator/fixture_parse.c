#include "fixture.h"

#include <stdlib.h>
#include <string.h>

/* The definition's words, see fixture.h. */
static const char *word_take(struct arena *arena, const char **at, const char *ends)
{
    size_t len = strcspn(*at, ends);
    const char *word = arena_text_of(arena, *at, len);
    *at += len;
    return word;
}

static const struct pipeline_setting *settings(struct arena *arena, const char *const *pairs,
                                               size_t count)
{
    struct pipeline_setting *all = arena_calloc(arena, count, sizeof *all);
    for (size_t i = 0; i < count; i++) {
        all[i].key = arena_text(arena, pairs[2 * i]);
        all[i].value = arena_text(arena, pairs[2 * i + 1]);
    }
    return all;
}

static void source_stage(struct arena *arena, struct pipeline_stage *stage)
{
    static const char *const pairs[] = { "S3Bucket", "src", "S3ObjectKey", "app.zip" };
    struct pipeline_action *action = arena_calloc(arena, 1, sizeof *action);
    const char **outputs = arena_calloc(arena, 1, sizeof *outputs);
    outputs[0] = "App";
    *action = (struct pipeline_action){ .name = "Source",
                                        .category = CATEGORY_SOURCE,
                                        .owner = OWNER_AWS,
                                        .provider = "S3",
                                        .version = "1",
                                        .run_order = 1,
                                        .configuration = settings(arena, pairs, 2),
                                        .configuration_count = 2,
                                        .outputs = outputs,
                                        .output_count = 1,
                                        .region = "",
                                        .namespace = "" };
    *stage = (struct pipeline_stage){ .name = "Source", .actions = action, .action_count = 1 };
}

static void deploy_action(struct arena *arena, struct pipeline_action *action, const char *region,
                          uint32_t run_order, const char *artifact)
{
    static const char *const pairs[] = { "ApplicationName", "app", "DeploymentGroupName", "prod" };
    const char **inputs = arena_calloc(arena, 1, sizeof *inputs);
    const char *name =
        run_order > 1 ? arena_format(arena, "%s@%u", region, (unsigned)run_order) : region;
    inputs[0] = artifact;
    *action = (struct pipeline_action){ .name = name,
                                        .category = CATEGORY_DEPLOY,
                                        .owner = OWNER_AWS,
                                        .provider = "CodeDeploy",
                                        .version = "1",
                                        .run_order = run_order,
                                        .configuration = settings(arena, pairs, 2),
                                        .configuration_count = 2,
                                        .inputs = inputs,
                                        .input_count = 1,
                                        .region = region,
                                        .namespace = "" };
}

/* "!us-east-1": a build there of App (or of what the build before made) into "Built" (and so on).
 * What comes behind it in later stages takes that. "!!us-east-1" takes App as well, and makes
 * "Report" beside it. */
static void build_action(struct arena *arena, struct pipeline_action *action, const char *region,
                         uint32_t run_order, const char **artifact)
{
    bool two = region[0] == '!';
    region += two;
    static const char *const pairs[] = { "ProjectName", "shop" };
    static const struct job_variable variables[] = { { "MODE", "fast", false } };
    deploy_action(arena, action, region, run_order, *artifact);
    const char **outputs = arena_calloc(arena, 2, sizeof *outputs);
    const char **inputs = arena_calloc(arena, 2, sizeof *inputs);
    inputs[0] = *artifact;
    inputs[1] = "App";
    *artifact = outputs[0] = text_equal(*artifact, "App") ? "Built" : "Again";
    outputs[1] = "Report";
    action->inputs = inputs;
    action->input_count = two && !text_equal(inputs[0], "App") ? 2 : 1;
    action->name = arena_format(arena, "make-%s", region);
    action->category = CATEGORY_BUILD;
    action->provider = "CodeBuild";
    action->configuration = settings(arena, pairs, 1);
    action->configuration_count = 1;
    action->outputs = outputs;
    action->output_count = two ? 2 : 1;
    action->variables = variables;
    action->variable_count = 1;
}

/* "?Name": the manual approval Name. */
static void approval_action(struct arena *arena, struct pipeline_action *action, const char *name,
                            uint32_t run_order)
{
    static const char *const pairs[] = { "CustomData", "look at it", "ExternalEntityLink",
                                         "https://review" };
    *action = (struct pipeline_action){ .name = name,
                                        .category = CATEGORY_APPROVAL,
                                        .owner = OWNER_AWS,
                                        .provider = "Manual",
                                        .version = "1",
                                        .run_order = run_order,
                                        .configuration = settings(arena, pairs, 2),
                                        .configuration_count = 2,
                                        .timeout_minutes = 60,
                                        .region = "",
                                        .namespace = "" };
}

/* "Prod~RETRY", "Prod~RETRY_ALL", "Prod~ROLLBACK": what the stage does when it fails. */
static void failure_take(struct pipeline_stage *stage, const char *word)
{
    if (text_starts(word, "RETRY")) stage->on_failure = FAILURE_RETRY;
    if (text_equal(word, "RETRY_ALL")) stage->retry_mode = RETRY_ALL_ACTIONS;
    if (text_equal(word, "ROLLBACK")) stage->on_failure = FAILURE_ROLLBACK;
}

/* "us-west-2/30;us-east-1+ap-southeast-2": waves, the first of them watched for 30 minutes. */
static void waves_take(struct arena *arena, struct pipeline_regions *rules, const char *at)
{
    struct pipeline_wave *waves = arena_calloc(arena, 4, sizeof *waves);
    rules->waves = waves;
    while (*at) {
        struct pipeline_wave *wave = &waves[rules->wave_count++];
        const char **regions = arena_calloc(arena, 4, sizeof *regions);
        wave->regions = regions;
        do {
            if (*at == '+') at++;
            regions[wave->region_count++] = word_take(arena, &at, "+;/");
        } while (*at == '+');
        if (*at == '/') {
            at++;
            wave->bake_minutes = (uint32_t)strtoul(word_take(arena, &at, ";"), NULL, 10);
        }
        if (*at == ';') at++;
    }
}

/* "%us-east-1": commands there, on App (or what was built), which give NAME. */
static void commands_action(struct arena *arena, struct pipeline_action *action, const char *region,
                            uint32_t run_order, const char *artifact)
{
    static const char *const list[] = { "echo 'it''s'", "make" }, *const given[] = { "NAME", NULL };
    deploy_action(arena, action, region, run_order, artifact);
    action->name = arena_format(arena, "run-%s", region);
    action->category = CATEGORY_COMPUTE;
    action->provider = "Commands";
    action->configuration_count = 0;
    action->commands =
        (struct pipeline_commands){ .list = list, .count = 2, .given = given, .given_count = 1 };
}

/* "@Name": an action Test/Tool/1 of owner Custom, on App (or what was built). */
static void custom_action(struct arena *arena, struct pipeline_action *action, const char *name,
                          uint32_t run_order, const char *artifact)
{
    static const char *const pairs[] = { "Suite", "all", "Key", "canary" };
    deploy_action(arena, action, "", run_order, artifact);
    action->name = name;
    action->category = CATEGORY_TEST;
    action->owner = OWNER_CUSTOM;
    action->provider = "Tool";
    action->configuration = settings(arena, pairs, 2);
    action->namespace = name;
}

/* "NAME:run:REGION:ARTIFACT", both may be left out: one command. */
static void commands_rule(struct pipeline_rule *rule)
{
    static const char *const list[] = { "./smoke" };
    struct pipeline_action *action = &rule->action;
    struct pipeline_setting *settings = (struct pipeline_setting *)action->configuration;
    if (action->configuration_count > 0) action->region = settings[0].value;
    action->inputs = &settings[1].value;
    action->input_count = action->configuration_count > 1;
    action->configuration_count = 0;
    action->commands = (struct pipeline_commands){ .list = list, .count = 1 };
}

/* "NAME:KIND:ARGUMENT:..." */
static void condition_rule(struct arena *arena, struct pipeline_rule *rule,
                           enum condition_type type, const char *text)
{
    static const struct {
        const char *kind, *provider;
        enum rule_kind value;
        const char *keys[3];
    } kinds[] = { { "window", "DeploymentWindow", RULE_WINDOW, { "Cron" } },
                  { "var", "VariableCheck", RULE_VARIABLE, { "Variable", "Operator", "Value" } },
                  { "alarm", "CloudWatchAlarm", RULE_ALARM, { "AlarmName", "WaitTime" } },
                  { "http", "Http", RULE_HTTP, { "Url", "WaitTime" } },
                  { "run", "Commands", RULE_COMMANDS, { "Region", "Input" } } };
    struct error err;
    struct pipeline_setting *settings = arena_calloc(arena, 3, sizeof *settings);
    struct pipeline_action *action = &rule->action;
    rule->condition = type;
    *action = (struct pipeline_action){ .name = word_take(arena, &text, ":"),
                                        .category = CATEGORY_RULE,
                                        .version = "1",
                                        .region = "",
                                        .namespace = "",
                                        .configuration = settings };
    text++;
    const char *kind = word_take(arena, &text, ":");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (!text_equal(kinds[k].kind, kind)) continue;
        rule->kind = kinds[k].value;
        action->owner = rule->kind == RULE_HTTP ? OWNER_CUSTOM : OWNER_AWS;
        action->provider = kinds[k].provider;
        for (size_t i = 0; i < 3 && *text == ':'; i++) {
            text++;
            settings[i] = (struct pipeline_setting){ .key = kinds[k].keys[i],
                                                     .value = word_take(arena, &text, ":") };
            action->configuration_count++;
        }
    }
    if (rule->kind == RULE_COMMANDS) commands_rule(rule);
    if (rule->kind == RULE_HTTP)
        settings[0].value = arena_format(arena, "https://%s", settings[0].value);
    rule->wait_minutes = (uint32_t)strtoul(pipeline_setting_get(action, "WaitTime"), NULL, 10);
    /* The argument is the minute of each hour in which it is open. */
    const char *minute = pipeline_setting_get(action, "Cron");
    const char *cron = arena_format(arena, "* %s * * * ?", minute);
    if (rule->kind == RULE_WINDOW && !window_parse(cron, &rule->window, &err))
        fail_msg("%s: %s", cron, err.text);
}

/* "entry:SKIP;RULE;RULE", "success:...", "failure:..." */
static void conditions_take(struct arena *arena, struct pipeline_stage *stage, const char *word)
{
    static const char *const types[] = { "entry:", "success:", "failure:" };
    static const char *const results[] = { "FAIL", "RETRY", "ROLLBACK", "SKIP" };
    struct pipeline_rule *rules = (struct pipeline_rule *)stage->rules;
    if (!rules) rules = arena_calloc(arena, WIRE_RULES_MAX, sizeof *rules);
    stage->rules = rules;
    for (enum condition_type t = 0; t < CONDITION_TYPE_COUNT; t++) {
        if (!text_starts(word, types[t])) continue;
        const char *at = word + strlen(types[t]), *result = word_take(arena, &at, ";");
        stage->conditions[t].given = true;
        for (enum failure_result r = 0; r <= FAILURE_SKIP; r++)
            if (text_equal(results[r], result)) stage->conditions[t].result = r;
        while (*at == ';') {
            at++;
            condition_rule(arena, &rules[stage->rule_count++], t, word_take(arena, &at, ";"));
        }
    }
}

static void rule_take(struct arena *arena, struct pipeline_stage *stage, const char *word)
{
    struct pipeline_regions *rules = &stage->regions;
    for (enum regions_failure f = REGIONS_ALL; f <= REGIONS_CONTINUE; f++)
        if (text_equal(word, regions_failure_name(f))) rules->on_failure = f;
    if (text_starts(word, "waves:")) waves_take(arena, rules, word + 6);
    if (text_starts(word, "max:")) rules->max_parallel = (uint32_t)strtoul(word + 4, NULL, 10);
    if (text_equal(word, "barrier")) rules->barrier = true;
    conditions_take(arena, stage, word);
    failure_take(stage, word);
}

static void stage_parse(struct arena *arena, const char **at, struct pipeline_stage *stage,
                        const char **artifact)
{
    struct pipeline_action *actions = arena_calloc(arena, 32, sizeof *actions);
    uint32_t run_order = 1;
    *stage = (struct pipeline_stage){ .name = word_take(arena, at, "=~"), .actions = actions };
    while (**at == '~') {
        (*at)++;
        rule_take(arena, stage, word_take(arena, at, "=~"));
    }
    while (**at && **at != ' ') {
        if (**at == '>') run_order++;
        (*at)++;
        struct pipeline_action *action = &actions[stage->action_count++];
        bool build = **at == '!', approval = **at == '?', commands = **at == '%',
             custom = **at == '@';
        *at += build || approval || commands || custom;
        const char *word = word_take(arena, at, ",> ");
        if (build)
            build_action(arena, action, word, run_order, artifact);
        else if (custom)
            custom_action(arena, action, word, run_order, *artifact);
        else if (commands)
            commands_action(arena, action, word, run_order, *artifact);
        else if (approval)
            approval_action(arena, action, word, run_order);
        else
            deploy_action(arena, action, word, run_order, *artifact);
    }
}

static void mode_take(struct pipeline *p, const char **at)
{
    (*at)++;
    const char *word = word_take(&p->arena, at, " ");
    for (enum execution_mode mode = MODE_SUPERSEDED; mode < EXECUTION_MODE_COUNT; mode++)
        if (text_equal(word, execution_mode_name(mode))) p->mode = mode;
}

static void variable_take(struct pipeline *p, const char **at)
{
    struct pipeline_variable *all = (struct pipeline_variable *)p->variables;
    if (!all) all = arena_calloc(&p->arena, 16, sizeof *all);
    p->variables = all;
    struct pipeline_variable *to = &all[p->variable_count++];
    (*at)++;
    *to = (struct pipeline_variable){ .name = word_take(&p->arena, at, "= "), .description = "" };
    if (**at != '=') return;
    (*at)++;
    to->value = word_take(&p->arena, at, " ");
}

/* The source is called Src, builds Make, approvals Look; what each of them refers to: */
static void refer(struct pipeline_action *action)
{
    static const struct job_variable mode[] = {
        { "MODE", "#{variables.TAG}-#{Src.VersionId}", false }, { "KEY", "file", true }
    };
    static const struct pipeline_setting deploy[] = {
        { "ApplicationName", "app-#{Make.NAME}", { 0 } }, { "DeploymentGroupName", "prod", { 0 } }
    };
    static const struct pipeline_setting approval[] = {
        { "CustomData", "#{codepipeline.PipelineExecutionId} of #{Src.BucketName}", { 0 } },
        { "ExternalEntityLink", "https://#{variables.TAG}/#{Src.ObjectKey}", { 0 } }
    };
    switch (action->category) {
    case CATEGORY_SOURCE: action->namespace = "Src"; break;
    case CATEGORY_BUILD:
        action->namespace = "Make";
        action->variables = mode;
        action->variable_count = 2;
        break;
    case CATEGORY_APPROVAL:
        action->namespace = "Look";
        action->configuration = approval;
        break;
    case CATEGORY_DEPLOY: action->configuration = deploy; break;
    case CATEGORY_TEST:
    case CATEGORY_INVOKE:
    case CATEGORY_RULE:
    case CATEGORY_COMPUTE: break;
    }
}

struct pipeline *world_parse(const char *text)
{
    static const char *const regions[] = { "us-west-2", "us-east-1", "ap-southeast-2" };
    struct pipeline *p = pipeline_new();
    struct pipeline_stage *stages = arena_calloc(&p->arena, 16, sizeof *stages);
    struct pipeline_store *stores = arena_calloc(&p->arena, 3, sizeof *stores);
    const char *at = text, *artifact = "App";
    for (size_t i = 0; text[i]; i++)
        p->meaning[i % SHA256_SIZE] = (uint8_t)(p->meaning[i % SHA256_SIZE] * 31 + text[i]);
    p->name = word_take(&p->arena, &at, " :");
    if (*at == ':') mode_take(p, &at);
    source_stage(&p->arena, &stages[p->stage_count++]);
    while (*at == ' ') {
        at++;
        if (*at == '$') {
            variable_take(p, &at);
            continue;
        }
        stage_parse(&p->arena, &at, &stages[p->stage_count++], &artifact);
    }
    for (size_t i = 0; i < 3; i++)
        stores[i] =
            (struct pipeline_store){ .region = regions[i],
                                     .location = arena_format(&p->arena, "store-%s", regions[i]) };
    p->stages = stages;
    p->stores = stores;
    p->store_count = 3;
    p->stores_is_map = true;
    for (size_t s = 0; p->variable_count && s < p->stage_count; s++)
        for (size_t a = 0; a < stages[s].action_count; a++)
            refer((struct pipeline_action *)&stages[s].actions[a]);
    return p;
}
