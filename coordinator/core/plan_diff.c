#include "core/plan.h"

struct place {
    const char *stage, *action;
};

static void add(struct plan_list *list, enum preview_op op, struct place place, const char *what,
                const char *before, const char *after)
{
    if (list->count == WIRE_LIST_MAX) return;
    struct arena *arena = list->arena;
    list->at[list->count++] = (struct preview_change){ .op = op,
                                                       .stage = arena_text(arena, place.stage),
                                                       .action = arena_text(arena, place.action),
                                                       .what = arena_text(arena, what),
                                                       .before = arena_text(arena, before),
                                                       .after = arena_text(arena, after) };
}

/* One of both may be "", which is to have none. */
static void text(struct plan_list *list, struct place place, const char *what, const char *before,
                 const char *after)
{
    if (text_equal(before, after)) return;
    enum preview_op op = !before[0] ? PREVIEW_ADD : !after[0] ? PREVIEW_REMOVE : PREVIEW_CHANGE;
    add(list, op, place, what, before, after);
}

static void number(struct plan_list *list, struct place place, const char *what, uint32_t before,
                   uint32_t after)
{
    if (before == after) return;
    add(list, PREVIEW_CHANGE, place, what, arena_format(list->arena, "%u", (unsigned)before),
        arena_format(list->arena, "%u", (unsigned)after));
}

static void flag(struct plan_list *list, struct place place, const char *what, bool before,
                 bool after)
{
    text(list, place, what, before ? "true" : "false", after ? "true" : "false");
}

static const char *joined(struct arena *arena, const char *const *names, size_t count)
{
    const char *all = "";
    for (size_t i = 0; i < count; i++)
        all = arena_format(arena, "%s%s%s", all, i ? ", " : "", names[i]);
    return all;
}

/* ---- actions ---- */

static void settings(struct plan_list *list, struct place place, const struct pipeline_action *old,
                     const struct pipeline_action *new)
{
    for (size_t i = 0; i < new->configuration_count; i++) {
        const struct pipeline_setting *s = &new->configuration[i];
        text(list, place, arena_format(list->arena, "configuration.%s", s->key),
             pipeline_setting_get(old, s->key), s->value);
    }
    for (size_t i = 0; i < old->configuration_count; i++) {
        const struct pipeline_setting *s = &old->configuration[i];
        if (!pipeline_setting_get(new, s->key)[0])
            text(list, place, arena_format(list->arena, "configuration.%s", s->key), s->value, "");
    }
}

static const struct job_variable *variable_named(const struct pipeline_action *action,
                                                 const char *name)
{
    for (size_t i = 0; i < action->variable_count; i++)
        if (text_equal(action->variables[i].name, name)) return &action->variables[i];
    return NULL;
}

static void variables(struct plan_list *list, struct place place, const struct pipeline_action *old,
                      const struct pipeline_action *new)
{
    for (size_t i = 0; i < new->variable_count; i++) {
        const struct job_variable *v = &new->variables[i], *was = variable_named(old, v->name);
        const char *what = arena_format(list->arena, "environment.%s", v->name);
        if (!was || !text_equal(was->value, v->value) || was->secret != v->secret)
            add(list, was ? PREVIEW_CHANGE : PREVIEW_ADD, place, what, was ? was->value : "",
                v->value);
    }
    for (size_t i = 0; i < old->variable_count; i++) {
        const struct job_variable *v = &old->variables[i];
        if (!variable_named(new, v->name))
            add(list, PREVIEW_REMOVE, place, arena_format(list->arena, "environment.%s", v->name),
                v->value, "");
    }
}

static void action_diff(struct plan_list *list, const char *stage,
                        const struct pipeline_action *old, const struct pipeline_action *new)
{
    const struct place place = { stage, new->name };
    struct arena *arena = list->arena;
    text(list, place, "category", action_category_name(old->category),
         action_category_name(new->category));
    text(list, place, "provider", old->provider, new->provider);
    text(list, place, "version", old->version, new->version);
    number(list, place, "runOrder", old->run_order, new->run_order);
    text(list, place, "region", old->region, new->region);
    text(list, place, "namespace", old->namespace, new->namespace);
    number(list, place, "timeoutInMinutes", old->timeout_minutes, new->timeout_minutes);
    text(list, place, "inputArtifacts", joined(arena, old->inputs, old->input_count),
         joined(arena, new->inputs, new->input_count));
    text(list, place, "outputArtifacts", joined(arena, old->outputs, old->output_count),
         joined(arena, new->outputs, new->output_count));
    text(list, place, "commands", joined(arena, old->commands.list, old->commands.count),
         joined(arena, new->commands.list, new->commands.count));
    text(list, place, "outputVariables",
         joined(arena, old->commands.given, old->commands.given_count),
         joined(arena, new->commands.given, new->commands.given_count));
    text(list, place, "files", joined(arena, old->commands.files, old->commands.file_count),
         joined(arena, new->commands.files, new->commands.file_count));
    settings(list, place, old, new);
    variables(list, place, old, new);
    text(list, place, "meridian.fileExistsBehavior", file_exists_name(old->deploy.file_exists),
         file_exists_name(new->deploy.file_exists));
    text(list, place, "meridian.onFailure", on_failure_name(old->deploy.on_failure),
         on_failure_name(new->deploy.on_failure));
    flag(list, place, "meridian.trafficControl", old->deploy.traffic_control,
         new->deploy.traffic_control);
    flag(list, place, "meridian.ignoreApplicationStopFailures",
         old->deploy.ignore_application_stop_failures,
         new->deploy.ignore_application_stop_failures);
}

/* ---- stages ---- */

static const struct pipeline_action *action_named(const struct pipeline_stage *stage,
                                                  const char *name)
{
    for (size_t a = 0; a < stage->action_count; a++)
        if (text_equal(stage->actions[a].name, name)) return &stage->actions[a];
    return NULL;
}

/* count when there is none. */
static size_t stage_named(const struct pipeline *pipeline, const char *name)
{
    size_t s = 0;
    while (s < pipeline->stage_count && !text_equal(pipeline->stages[s].name, name)) s++;
    return s;
}

static const char *result_text(enum failure_result result, enum retry_mode mode)
{
    switch (result) {
    case FAILURE_FAIL: return "FAIL";
    case FAILURE_SKIP: return "SKIP";
    case FAILURE_ROLLBACK: return "ROLLBACK";
    case FAILURE_RETRY:
        return mode == RETRY_ALL_ACTIONS ? "RETRY ALL_ACTIONS" : "RETRY FAILED_ACTIONS";
    }
    return "";
}

/* "FAIL: office DeploymentWindow Cron=..., ..." */
static const char *condition_said(struct arena *arena, const struct pipeline_stage *stage,
                                  enum condition_type type)
{
    const struct pipeline_condition *condition = &stage->conditions[type];
    if (!condition->given) return "";
    const char *all = arena_format(arena, "%s:", result_text(condition->result, stage->retry_mode));
    for (size_t r = 0; r < stage->rule_count; r++) {
        const struct pipeline_action *rule = &stage->rules[r].action;
        if (stage->rules[r].condition != type) continue;
        all = arena_format(arena, "%s %s %s", all, rule->name, rule->provider);
        for (size_t i = 0; i < rule->configuration_count; i++)
            all = arena_format(arena, "%s %s=%s", all, rule->configuration[i].key,
                               rule->configuration[i].value);
        for (size_t i = 0; i < rule->commands.count; i++)
            all = arena_format(arena, "%s '%s'", all, rule->commands.list[i]);
        if (rule->timeout_minutes)
            all = arena_format(arena, "%s (%u min)", all, (unsigned)rule->timeout_minutes);
    }
    return all;
}

static void conditions_diff(struct plan_list *list, struct place place,
                            const struct pipeline_stage *old, const struct pipeline_stage *new)
{
    for (enum condition_type type = 0; type < CONDITION_TYPE_COUNT; type++)
        text(list, place, arena_format(list->arena, "%s.conditions", condition_key(type)),
             condition_said(list->arena, old, type), condition_said(list->arena, new, type));
}

static const char *waves_text(struct arena *arena, const struct pipeline_regions *rules)
{
    const char *all = "";
    for (size_t w = 0; w < rules->wave_count; w++) {
        const struct pipeline_wave *wave = &rules->waves[w];
        all = arena_format(arena, "%s%s%s", all, w ? " > " : "",
                           joined(arena, wave->regions, wave->region_count));
        if (wave->bake_minutes)
            all = arena_format(arena, "%s (%u min)", all, (unsigned)wave->bake_minutes);
    }
    return all;
}

static void regions_diff(struct plan_list *list, struct place place,
                         const struct pipeline_regions *old, const struct pipeline_regions *new)
{
    text(list, place, "meridian.waves", waves_text(list->arena, old), waves_text(list->arena, new));
    number(list, place, "meridian.maxParallelRegions", old->max_parallel, new->max_parallel);
    text(list, place, "meridian.onFailure", regions_failure_name(old->on_failure),
         regions_failure_name(new->on_failure));
    flag(list, place, "meridian.barrier", old->barrier, new->barrier);
}

static void stage_diff(struct plan_list *list, const struct pipeline_stage *old,
                       const struct pipeline_stage *new)
{
    text(list, (struct place){ new->name, "" }, "onFailure",
         result_text(old->on_failure, old->retry_mode),
         result_text(new->on_failure, new->retry_mode));
    conditions_diff(list, (struct place){ new->name, "" }, old, new);
    regions_diff(list, (struct place){ new->name, "" }, &old->regions, &new->regions);
    for (size_t a = 0; a < old->action_count; a++)
        if (!action_named(new, old->actions[a].name))
            add(list, PREVIEW_REMOVE, (struct place){ new->name, old->actions[a].name }, "",
                old->actions[a].region, "");
    for (size_t a = 0; a < new->action_count; a++) {
        const struct pipeline_action *was = action_named(old, new->actions[a].name);
        if (was)
            action_diff(list, new->name, was, &new->actions[a]);
        else
            add(list, PREVIEW_ADD, (struct place){ new->name, new->actions[a].name }, "", "",
                new->actions[a].region);
    }
}

/* A stage of the old definition whose place among those that stay is another one now. */
static bool moved(const struct pipeline *old, const struct pipeline *new, size_t was, size_t is)
{
    for (size_t s = 0; s < was; s++) {
        size_t now = stage_named(new, old->stages[s].name);
        if (now < new->stage_count && now > is) return true;
    }
    return false;
}

static void stages(struct plan_list *list, const struct pipeline *old, const struct pipeline *new)
{
    for (size_t s = 0; s < old->stage_count; s++)
        if (stage_named(new, old->stages[s].name) == new->stage_count)
            add(list, PREVIEW_REMOVE, (struct place){ old->stages[s].name, "" }, "", "", "");
    for (size_t s = 0; s < new->stage_count; s++) {
        const struct pipeline_stage *stage = &new->stages[s];
        size_t was = stage_named(old, stage->name);
        if (was == old->stage_count) {
            add(list, PREVIEW_ADD, (struct place){ stage->name, "" }, "", "", "");
            for (size_t a = 0; a < stage->action_count; a++)
                add(list, PREVIEW_ADD, (struct place){ stage->name, stage->actions[a].name }, "",
                    "", stage->actions[a].region);
            continue;
        }
        if (moved(old, new, was, s))
            add(list, PREVIEW_CHANGE, (struct place){ stage->name, "" }, "place",
                arena_format(list->arena, "%zu", was + 1), arena_format(list->arena, "%zu", s + 1));
        stage_diff(list, &old->stages[was], stage);
    }
}

/* ---- the pipeline ---- */

static const char *location(const struct pipeline *pipeline, const char *region)
{
    for (size_t i = 0; i < pipeline->store_count; i++)
        if (text_equal(pipeline->stores[i].region, region)) return pipeline->stores[i].location;
    return "";
}

static const char *store_name(struct arena *arena, const char *region)
{
    return region[0] ? arena_format(arena, "artifactStores.%s", region) : "artifactStore";
}

static void stores(struct plan_list *list, const struct pipeline *old, const struct pipeline *new)
{
    const struct place whole = { "", "" };
    for (size_t i = 0; i < new->store_count; i++) {
        const struct pipeline_store *store = &new->stores[i];
        text(list, whole, store_name(list->arena, store->region), location(old, store->region),
             store->location);
    }
    for (size_t i = 0; i < old->store_count; i++) {
        const struct pipeline_store *store = &old->stores[i];
        if (!location(new, store->region)[0])
            text(list, whole, store_name(list->arena, store->region), store->location, "");
    }
}

void plan_diff(struct plan_list *list, const struct pipeline *before, const struct pipeline *after)
{
    const struct place whole = { "", "" };
    const struct pipeline none = { .name = "" };
    if (!before) add(list, PREVIEW_ADD, whole, "", "", after->name);
    if (before)
        text(list, whole, "executionMode", execution_mode_name(before->mode),
             execution_mode_name(after->mode));
    stores(list, before ? before : &none, after);
    stages(list, before ? before : &none, after);
}
