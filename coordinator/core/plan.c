#include "core/plan.h"

#include "core/custom.h"
#include "core/delta.h"
#include "core/view.h"

#include <string.h>

/* ---- what would be done ---- */

struct outlook {
    const struct coordinator *c;
    const struct model_pipeline *p; /* NULL: it is new */
    const struct pipeline *pipeline;
    struct arena *arena;
    struct preview_step *steps;
    size_t count;
    const char **there; /* "ARTIFACT REGION": has come there by an earlier step */
    size_t there_count;
};

static const char *region_of(const struct outlook *o, const struct pipeline_action *action)
{
    return action->region[0] ? action->region : o->c->config.region;
}

/* As far as it is known before: NULL of a build, of a group that nobody applied, and of one whose
 * name is made of variables. */
static const struct deployment_group *group_of(const struct outlook *o,
                                               const struct pipeline_action *action)
{
    if (pipeline_builds(action)) return NULL;
    return model_group(o->c, pipeline_setting_get(action, "ApplicationName"),
                       pipeline_setting_get(action, "DeploymentGroupName"));
}

static void count_hosts(const struct outlook *o, const struct pipeline_action *action,
                        struct preview_step *step)
{
    bool build = pipeline_builds(action);
    const struct deployment_group *group = group_of(o, action);
    list_for_each (link, &o->c->workers) {
        const struct model_worker *w = list_entry(link, struct model_worker, link);
        bool takes = build ? w->builds : !w->builds_only;
        if (!w->enrolled || !takes || !text_equal(w->region, step->region)) continue;
        if (group && !group_fits(group, w->tags, w->tag_count)) continue;
        step->hosts++;
        step->away += !w->connected || w->drained;
    }
}

static bool comes_there(struct outlook *o, const char *artifact, const char *region)
{
    const char *both = arena_format(o->arena, "%s %s", artifact, region);
    for (size_t i = 0; i < o->there_count; i++)
        if (text_equal(o->there[i], both)) return false;
    o->there[o->there_count++] = both;
    return true;
}

/* The same bytes are in that store already, from an execution that is remembered. */
static bool kept(const struct outlook *o, const char *store, const uint8_t sha256[SHA256_SIZE])
{
    list_for_each (at, &o->c->pipelines) {
        const struct model_pipeline *p = list_entry(at, struct model_pipeline, link);
        list_for_each (link, &p->executions) {
            const struct model_execution *e = list_entry(link, struct model_execution, link);
            for (size_t i = 0; i < e->state.copy_count; i++) {
                const struct copy_state *copy = &e->copies[i];
                if (copy->status == STATUS_SUCCEEDED && !id_empty(&copy->job) &&
                    text_equal(copy->ref.store, store) &&
                    memcmp(copy->ref.sha256, sha256, SHA256_SIZE) == 0)
                    return true;
            }
        }
    }
    return false;
}

static void note(struct outlook *o, struct preview_step *step, const char *text)
{
    step->note = arena_format(o->arena, "%s%s%s", step->note, step->note[0] ? "; " : "", text);
}

/* What has to cross for one input. */
static void input(struct outlook *o, struct preview_step *step, const char *artifact)
{
    const struct pipeline_action *maker = pipeline_producer(o->pipeline, artifact);
    if (!maker || text_equal(region_of(o, maker), step->region)) return;
    if (!comes_there(o, artifact, step->region)) return;
    if (maker->category != CATEGORY_SOURCE) {
        note(o, step, arena_format(o->arena, "size of %s not known before it is built", artifact));
        return;
    }
    const struct model_source *source = o->p ? model_source_find(o->p, maker->name) : NULL;
    const char *store = pipeline_store_of(o->pipeline, step->region);
    if (!source || !source->newest.revision_id || !source->newest.revision_id[0]) {
        note(o, step, arena_format(o->arena, "size of %s not known yet", artifact));
    } else if (store && kept(o, store, source->newest.ref.sha256)) {
        note(o, step, arena_format(o->arena, "%s is there already", artifact));
    } else {
        struct delta_base base;
        const struct artifact_ref *ref = &source->newest.ref;
        step->bytes += ref->size;
        if (store && delta_allowed(o->c, ref->size) &&
            delta_base_find(o->p, artifact, store, ref->sha256, ref->store, &base))
            note(o, step,
                 arena_format(o->arena, "at most: %s can be told by revision %.8s", artifact,
                              base.revision));
    }
}

static void step_wave(struct outlook *o, struct preview_step *step,
                      const struct pipeline_stage *stage, const struct pipeline_action *action)
{
    const struct pipeline_regions *rules = &stage->regions;
    uint32_t wave = pipeline_wave_of(stage, action, region_of(o, action));
    if (wave) {
        uint32_t bake = rules->waves[wave - 1].bake_minutes;
        note(o, step,
             arena_format(o->arena, "wave %u of %zu%s", (unsigned)wave, rules->wave_count,
                          bake ? arena_format(o->arena, ", then %u minutes of bake", (unsigned)bake)
                               : ""));
    }
    if (rules->max_parallel)
        note(o, step,
             arena_format(o->arena, "at most %u region%s at once", (unsigned)rules->max_parallel,
                          rules->max_parallel == 1 ? "" : "s"));
    if (rules->barrier && pipeline_deploys(action)) note(o, step, "commits when all have prepared");
}

static void step_add(struct outlook *o, const struct pipeline_stage *stage,
                     const struct pipeline_action *action)
{
    if (o->count == WIRE_LIST_MAX) return;
    struct preview_step *step = &o->steps[o->count++];
    *step = (struct preview_step){ .stage = arena_text(o->arena, stage->name),
                                   .action = arena_text(o->arena, action->name),
                                   .region = arena_text(o->arena, region_of(o, action)),
                                   .provider = arena_text(o->arena, action->provider),
                                   .run_order = action->run_order,
                                   .note = "" };
    if (action->category == CATEGORY_SOURCE) return;
    step_wave(o, step, stage, action);
    if (action->category == CATEGORY_APPROVAL) {
        note(o, step, "waits for a person");
        return;
    }
    if (custom_of(action)) {
        note(o, step, "waits for a job worker");
        for (size_t i = 0; i < action->input_count; i++) input(o, step, action->inputs[i]);
        return;
    }
    count_hosts(o, action, step);
    if (step->hosts == 0)
        note(o, step,
             pipeline_builds(action) ? "no worker that builds is enrolled there"
             : group_of(o, action)   ? "no worker there has the tags of the deployment group"
                                     : "no worker is enrolled there");
    for (size_t i = 0; i < action->input_count; i++) input(o, step, action->inputs[i]);
}

static uint64_t order_of(const struct outlook *o, const struct pipeline_stage *stage,
                         const struct pipeline_action *action)
{
    return (uint64_t)pipeline_wave_of(stage, action, region_of(o, action)) << 32 |
           action->run_order;
}

/* By wave and run order; what is equal stays as it is written. */
static void stage_steps(struct outlook *o, const struct pipeline_stage *stage)
{
    uint64_t done = 0;
    for (;;) {
        uint64_t next = UINT64_MAX;
        for (size_t a = 0; a < stage->action_count; a++) {
            uint64_t order = order_of(o, stage, &stage->actions[a]);
            if (order > done && order < next) next = order;
        }
        if (next == UINT64_MAX) return;
        for (size_t a = 0; a < stage->action_count; a++)
            if (order_of(o, stage, &stage->actions[a]) == next)
                step_add(o, stage, &stage->actions[a]);
        done = next;
    }
}

static void stage_door(struct outlook *o, const struct pipeline_stage *stage, size_t first)
{
    const struct model_transition *door = o->p ? model_transition_find(o->p, stage->name) : NULL;
    if (!door || door->state.enabled || first == o->count) return;
    note(o, &o->steps[first],
         arena_format(o->arena, "the transition into the stage is disabled by %s",
                      door->state.changed_by));
}

/* What is asked before the first of its actions and behind the last. */
static void stage_conditions(struct outlook *o, const struct pipeline_stage *stage, size_t first)
{
    const char *names[CONDITION_TYPE_COUNT] = { "", "", "" };
    if (first == o->count) return;
    for (size_t r = 0; r < stage->rule_count; r++) {
        const char **at = &names[stage->rules[r].condition];
        *at = arena_format(o->arena, "%s%s%s", *at, (*at)[0] ? ", " : "",
                           stage->rules[r].action.name);
    }
    if (names[CONDITION_BEFORE_ENTRY][0])
        note(o, &o->steps[first],
             arena_format(o->arena, "begins when beforeEntry is met: %s",
                          names[CONDITION_BEFORE_ENTRY]));
    if (names[CONDITION_ON_SUCCESS][0])
        note(o, &o->steps[o->count - 1],
             arena_format(o->arena, "then onSuccess is asked: %s", names[CONDITION_ON_SUCCESS]));
}

static size_t inputs_in(const struct pipeline *pipeline)
{
    size_t count = 0;
    for (size_t s = 0; s < pipeline->stage_count; s++)
        for (size_t a = 0; a < pipeline->stages[s].action_count; a++)
            count += pipeline->stages[s].actions[a].input_count;
    return count;
}

struct plan coordinator_view_plan(const struct coordinator *coordinator,
                                  const struct pipeline *parsed, struct arena *arena)
{
    struct model_pipeline *p = model_pipeline_find(coordinator, parsed->name);
    const struct model_definition *current = p ? model_definition_current(p) : NULL;
    struct plan plan = { .version = current ? current->state.version : 1 };
    plan.changed = !current || !pipeline_same(current->state.parsed, parsed);
    if (current && plan.changed) plan.version++;
    struct plan_list list = { .arena = arena };
    list.at = arena_calloc(arena, WIRE_LIST_MAX, sizeof *list.at);
    if (plan.changed) plan_diff(&list, current ? current->state.parsed : NULL, parsed);
    /* What is written otherwise, or what is kept for export only. */
    if (plan.changed && list.count == 0)
        list.at[list.count++] = (struct preview_change){ .op = PREVIEW_CHANGE,
                                                         .stage = "",
                                                         .action = "",
                                                         .what = "text",
                                                         .before = "",
                                                         .after = "" };
    struct outlook o = { .c = coordinator, .p = p, .pipeline = parsed, .arena = arena };
    o.steps = arena_calloc(arena, WIRE_LIST_MAX, sizeof *o.steps);
    o.there = arena_calloc(arena, inputs_in(parsed) + 1, sizeof *o.there);
    for (size_t s = 0; s < parsed->stage_count; s++) {
        size_t first = o.count;
        stage_steps(&o, &parsed->stages[s]);
        stage_door(&o, &parsed->stages[s], first);
        stage_conditions(&o, &parsed->stages[s], first);
    }
    plan.changes = list.at;
    plan.change_count = list.count;
    plan.steps = o.steps;
    plan.step_count = o.count;
    return plan;
}
