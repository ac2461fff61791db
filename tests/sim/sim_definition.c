#include "sim_definition.h"

#include <assert.h>

const char *const sim_regions[SIM_REGIONS_MAX] = { "us-west-2", "us-east-1", "ap-southeast-2" };

static struct pipeline_setting *settings(struct arena *arena, const char *key_a,
                                         const char *value_a, const char *key_b,
                                         const char *value_b)
{
    struct pipeline_setting *all = arena_calloc(arena, 2, sizeof *all);
    all[0] = (struct pipeline_setting){ .key = key_a, .value = value_a };
    all[1] = (struct pipeline_setting){ .key = key_b, .value = value_b };
    return all;
}

static const char *const artifacts[] = { "App" };

static void source_stage(struct arena *arena, struct pipeline_stage *stage, uint32_t pipeline)
{
    struct pipeline_action *action = arena_calloc(arena, 1, sizeof *action);
    *action = (struct pipeline_action){
        .name = "Source",
        .category = CATEGORY_SOURCE,
        .owner = OWNER_AWS,
        .provider = "S3",
        .version = "1",
        .run_order = 1,
        .configuration = settings(arena, "S3Bucket", "source-bucket", "S3ObjectKey",
                                  arena_format(arena, "app%u.zip", pipeline)),
        .configuration_count = 2,
        .outputs = artifacts,
        .output_count = 1,
        .region = "",
        .namespace = "",
    };
    *stage = (struct pipeline_stage){ .name = "Source", .actions = action, .action_count = 1 };
}

static const char *const built[] = { "Built" };

static void build_stage(struct arena *arena, struct pipeline_stage *stage, uint32_t number,
                        const struct template_stage *from)
{
    struct pipeline_action *action = arena_calloc(arena, 1, sizeof *action);
    struct pipeline_setting *project = arena_calloc(arena, 1, sizeof *project);
    *project = (struct pipeline_setting){ .key = "ProjectName", .value = "shop" };
    *action = (struct pipeline_action){
        .name = arena_format(arena, "Build%u", number),
        .category = CATEGORY_BUILD,
        .owner = OWNER_AWS,
        .provider = "CodeBuild",
        .version = "1",
        .run_order = 1,
        .configuration = project,
        .configuration_count = 1,
        .inputs = artifacts,
        .input_count = 1,
        .outputs = built,
        .output_count = 1,
        .region = sim_regions[from->actions[0].region],
        .namespace = "",
    };
    *stage = (struct pipeline_stage){ .name = arena_format(arena, "Stage%u", number),
                                      .actions = action,
                                      .action_count = 1 };
}

static void approval_of(struct arena *arena, struct pipeline_action *action, uint32_t stage,
                        uint32_t number)
{
    uint32_t run_order = action->run_order;
    *action = (struct pipeline_action){ .name = arena_format(arena, "Gate%u-%u", stage, number),
                                        .category = CATEGORY_APPROVAL,
                                        .owner = OWNER_AWS,
                                        .provider = "Manual",
                                        .version = "1",
                                        .run_order = run_order,
                                        .region = "",
                                        .namespace = "" };
}

static bool in_wave(const struct template_stage *from, uint32_t wave, uint32_t region)
{
    for (uint32_t a = 0; a < from->action_count; a++)
        if (!from->actions[a].approval && from->actions[a].region == region &&
            from->wave[region] == wave)
            return true;
    return false;
}

static void regions_of(struct arena *arena, struct pipeline_regions *to,
                       const struct template_stage *from)
{
    struct pipeline_wave *waves = arena_calloc(arena, SIM_REGIONS_MAX, sizeof *waves);
    *to = (struct pipeline_regions){ .waves = waves,
                                     .max_parallel = from->max_parallel,
                                     .on_failure = (enum regions_failure)from->region_failure,
                                     .barrier = from->barrier };
    for (uint32_t k = 0; k < from->waves; k++) {
        struct pipeline_wave *wave = &waves[to->wave_count];
        const char **names = arena_calloc(arena, SIM_REGIONS_MAX, sizeof *names);
        wave->regions = names;
        wave->bake_minutes = from->bake[k];
        for (uint32_t r = 0; r < SIM_REGIONS_MAX; r++)
            if (in_wave(from, k, r)) names[wave->region_count++] = sim_regions[r];
        to->wave_count += wave->region_count > 0;
    }
}

static void rule_of(struct arena *arena, struct pipeline_rule *rule, uint32_t asked,
                    uint32_t region)
{
    static const char *const commands[] = { "make check" };
    struct pipeline_action *action = &rule->action;
    struct error err;
    action->owner = asked == ASKED_OUTSIDE ? OWNER_CUSTOM : OWNER_AWS;
    switch (asked) {
    case ASKED_WINDOW:
        rule->kind = RULE_WINDOW;
        action->provider = "DeploymentWindow";
        action->configuration = settings(arena, "Cron", "* 0/2 * * * ?", "TimeZone", "UTC");
        action->configuration_count = 2;
        bool read = window_parse("* 0/2 * * * ?", &rule->window, &err);
        assert(read);
        break;
    case ASKED_OUTSIDE:
        rule->kind = RULE_HTTP;
        rule->wait_minutes = 1;
        action->provider = "Http";
        action->configuration = settings(arena, "Url", "https://x", "WaitTime", "1");
        action->configuration_count = 2;
        break;
    default:
        rule->kind = RULE_COMMANDS;
        action->provider = "Commands";
        action->region = sim_regions[region];
        action->inputs = artifacts;
        action->input_count = 1;
        action->commands = (struct pipeline_commands){ .list = commands, .count = 1 };
    }
}

static void conditions_of(struct arena *arena, struct pipeline_stage *stage,
                          const struct template_stage *from)
{
    struct pipeline_rule *rules = arena_calloc(arena, TEMPLATE_CONDITIONS, sizeof *rules);
    stage->rules = rules;
    for (enum condition_type t = 0; t < CONDITION_TYPE_COUNT; t++) {
        if (!from->asked[t]) continue;
        struct pipeline_rule *rule = &rules[stage->rule_count++];
        stage->conditions[t] =
            (struct pipeline_condition){ .given = true,
                                         .result = (enum failure_result)from->result[t] };
        *rule = (struct pipeline_rule){ .condition = t };
        rule->action = (struct pipeline_action){ .name = arena_format(arena, "rule%d", (int)t),
                                                 .category = CATEGORY_RULE,
                                                 .version = "1",
                                                 .region = "",
                                                 .namespace = "" };
        rule_of(arena, rule, from->asked[t], from->actions[0].region);
    }
}

static void deploy_stage(struct arena *arena, struct pipeline_stage *stage, uint32_t number,
                         const struct template_stage *from, const char *const *inputs)
{
    struct pipeline_action *actions = arena_calloc(arena, from->action_count, sizeof *actions);
    for (uint32_t a = 0; a < from->action_count; a++)
        actions[a] = (struct pipeline_action){
            .name = arena_format(arena, "Deploy%u-%u", number, a),
            .category = CATEGORY_DEPLOY,
            .owner = OWNER_AWS,
            .provider = "CodeDeploy",
            .version = "1",
            .run_order = from->actions[a].run_order,
            .configuration = settings(arena, "ApplicationName", "app", "DeploymentGroupName",
                                      arena_format(arena, "group%u", from->actions[a].group)),
            .configuration_count = 2,
            .deploy = { .on_failure = from->restore ? ON_FAILURE_RESTORE : ON_FAILURE_LEAVE,
                        .traffic_control = from->traffic },
            .inputs = inputs,
            .input_count = 1,
            .region = sim_regions[from->actions[a].region],
            .namespace = "",
        };
    for (uint32_t a = 0; a < from->action_count; a++)
        if (from->actions[a].approval) approval_of(arena, &actions[a], number, a);
    *stage = (struct pipeline_stage){ .name = arena_format(arena, "Stage%u", number),
                                      .on_failure = (enum failure_result)from->on_failure,
                                      .retry_mode = (enum retry_mode)from->retry_mode,
                                      .actions = actions,
                                      .action_count = from->action_count };
    regions_of(arena, &stage->regions, from);
    conditions_of(arena, stage, from);
}

struct pipeline *sim_pipeline(const struct template *t)
{
    struct pipeline *p = pipeline_new();
    struct arena *arena = &p->arena;
    p->name = arena_format(arena, "p%u", t->pipeline);
    p->version = 1;
    p->mode = (enum execution_mode)t->mode;
    struct pipeline_store *stores = arena_calloc(arena, SIM_REGIONS_MAX, sizeof *stores);
    for (uint32_t r = 0; r < SIM_REGIONS_MAX; r++)
        stores[r] = (struct pipeline_store){ .region = sim_regions[r],
                                             .location = arena_format(arena, "store-%u", r) };
    p->stores = stores;
    p->store_count = SIM_REGIONS_MAX;
    p->stores_is_map = true;
    struct pipeline_stage *stages = arena_calloc(arena, t->stage_count + 1, sizeof *stages);
    source_stage(arena, &stages[0], t->pipeline);
    const char *const *inputs = artifacts;
    for (uint32_t s = 0; s < t->stage_count; s++) {
        if (!t->stages[s].build) {
            deploy_stage(arena, &stages[s + 1], s + 1, &t->stages[s], inputs);
            continue;
        }
        build_stage(arena, &stages[s + 1], s + 1, &t->stages[s]);
        inputs = built;
    }
    p->stages = stages;
    p->stage_count = t->stage_count + 1;
    return p;
}

struct deploy_resource *sim_group(const struct options *o)
{
    static const char *const configs[] = { "CodeDeployDefault.AllAtOnce",
                                           "CodeDeployDefault.HalfAtATime",
                                           "CodeDeployDefault.OneAtATime" };
    struct deploy_resource *resource = resource_new();
    resource->kind = RESOURCE_GROUP;
    resource->name = "app/group0";
    resource->group = (struct deployment_group){ .application = "app",
                                                 .name = "group0",
                                                 .config = configs[o->group_rule - 1],
                                                 .rollback = o->group_rollback };
    return resource;
}
