#include "core/rollback.h"

#include "core/condition.h"
#include "core/deploy_rollout.h"
#include "core/engine.h"
#include "core/journal.h"
#include "core/request.h"
#include "core/wave.h"

/* -1 when it has no stage of that name. */
static long stage_index(const struct model_execution *e, const char *name)
{
    for (size_t s = 0; s < e->state.stage_count; s++)
        if (text_equal(e->stages[s].name, name)) return (long)s;
    return -1;
}

/* What it had is gone from the source's store. */
static bool removed(const struct model_execution *e)
{
    for (size_t i = 0; i < e->state.revision_count; i++)
        if (e->revisions[i].ref.removed) return true;
    return false;
}

static bool usable(const struct model_execution *e, const char *stage)
{
    long s = stage_index(e, stage);
    return s > 0 && e->definition && e->state.type == TYPE_STANDARD && !removed(e) &&
           e->state.mode != MODE_PARALLEL && e->stages[s].status == STATUS_SUCCEEDED;
}

/* The newest usable one that is older than `than`. */
static struct model_execution *older_good(const struct model_execution *than, const char *stage)
{
    const struct list *head = &than->pipeline->executions;
    for (struct list *link = than->link.prev; link != head; link = link->prev) {
        struct model_execution *e = list_entry(link, struct model_execution, link);
        if (usable(e, stage)) return e;
    }
    return NULL;
}

/* What was in the stage last: it is what one goes back from. */
static const struct model_execution *current(const struct coordinator *c,
                                             const struct model_pipeline *p, const char *stage)
{
    for (struct list *link = p->executions.prev; link != &p->executions; link = link->prev) {
        const struct model_execution *e = list_entry(link, struct model_execution, link);
        long s = stage_index(e, stage);
        if (s < 0 || e->stages[s].status == STATUS_PENDING || e->stages[s].status == STATUS_SKIPPED)
            continue;
        if (e->state.type != TYPE_ROLLBACK) return e;
        const struct model_execution *target = model_execution_find(c, &e->state.rollback_target);
        return target ? target : e;
    }
    return NULL;
}

void rollback_automatically(struct coordinator *c, struct model_execution *e, size_t stage)
{
    const char *name = e->stages[stage].name;
    struct failure failure;
    struct id id;
    if (condition_failure(e, stage) != FAILURE_ROLLBACK) return;
    if (e->state.type == TYPE_ROLLBACK || e->state.mode == MODE_PARALLEL) return;
    const struct model_execution *target = older_good(e, name);
    if (!target)
        model_format(&e->state.status_summary,
                     "stage %s failed, and no earlier execution has succeeded there", name);
    else if (engine_start_rollback(c, target, (size_t)stage_index(target, name), NULL,
                                   TRIGGER_AUTOMATED_ROLLBACK, e->state.id.text, &id, &failure))
        model_format(&e->state.status_summary,
                     "stage %s failed; execution %s brings back what execution %s had", name,
                     id.text, target->state.id.text);
    else
        model_format(&e->state.status_summary, "stage %s failed, not rolled back: %s", name,
                     failure.cause);
    journal_execution(c, e);
}

/* ---- deployment groups ---- */

/* Which event of autoRollbackConfiguration this end of the action is; 0 none. */
static uint32_t rollback_event_of(const struct coordinator *c, const struct model_execution *e,
                                  size_t stage, size_t index)
{
    const struct action_state *action = model_action(e, stage, index);
    bool alarm = text_equal(action->error_code, "ALARM_ACTIVE");
    /* It was raised while a wave was watched, whose deployments had succeeded. */
    if (action->status == STATUS_SUCCEEDED && e->stages[stage].status == STATUS_FAILED &&
        wave_rules(e, stage)->wave_count && deploy_alarm(c, e, stage, index))
        return ROLLBACK_ON_ALARM;
    if (action->status == STATUS_FAILED) return alarm ? ROLLBACK_ON_ALARM : ROLLBACK_ON_FAILURE;
    bool stopped = action->status == STATUS_ABANDONED || action->status == STATUS_STOPPED;
    return stopped ? ROLLBACK_ON_STOP : 0;
}

static bool group_goes_back(const struct coordinator *c, const struct model_execution *e,
                            size_t stage, size_t action)
{
    const struct deployment_group *group = deploy_group_of(c, e, stage, action);
    return group && (group->rollback & rollback_event_of(c, e, stage, action));
}

/* ---- regions ---- */

/* A host of it was given something by this execution, in whatever attempt. */
static bool touched(const struct model_execution *e, size_t stage, size_t action)
{
    list_for_each (link, model_action_jobs(e, stage, action))
        if (list_entry(link, struct model_job, action_link)->state.attempt > 0) return true;
    return false;
}

static bool region_bad(const struct coordinator *c, const struct model_execution *e, size_t stage,
                       const char *region)
{
    for (size_t a = 0; a < e->stages[stage].action_count; a++) {
        const struct action_state *state = model_action(e, stage, a);
        if (!text_equal(state->region, region)) continue;
        if (state->status == STATUS_FAILED) return true;
        if (state->status != STATUS_SUCCEEDED && touched(e, stage, a)) return true;
        if (!pipeline_deploys(model_action_definition(e, stage, a))) continue;
        if (deploy_alarm(c, e, stage, a)) return true;
    }
    return false;
}

/* The stage's meridian.onFailure: all that had begun, or where something is wrong. */
static bool region_goes_back(const struct coordinator *c, const struct model_execution *e,
                             size_t stage, size_t action)
{
    enum regions_failure policy = wave_rules(e, stage)->on_failure;
    if (e->stages[stage].status != STATUS_FAILED || !touched(e, stage, action)) return false;
    if (policy == REGIONS_ALL) return true;
    return policy == REGIONS_LOCAL &&
           region_bad(c, e, stage, model_action(e, stage, action)->region);
}

static bool goes_back(const struct coordinator *c, const struct model_execution *e, size_t stage,
                      size_t action)
{
    if (!pipeline_deploys(model_action_definition(e, stage, action))) return false;
    return group_goes_back(c, e, stage, action) || region_goes_back(c, e, stage, action);
}

/* Marks the actions of the target's stage that do not go back here. */
static size_t groups_find(const struct coordinator *c, const struct model_execution *e,
                          size_t stage, const struct model_execution *target, bool *skip)
{
    size_t found = 0, there = (size_t)stage_index(target, e->stages[stage].name);
    for (size_t t = 0; t < target->stages[there].action_count; t++) {
        const char *name = model_action(target, there, t)->name;
        skip[t] = true;
        for (size_t a = 0; a < e->stages[stage].action_count; a++)
            if (text_equal(model_action(e, stage, a)->name, name) && goes_back(c, e, stage, a))
                skip[t] = false;
        found += !skip[t];
    }
    return found;
}

static bool any_goes_back(const struct coordinator *c, const struct model_execution *e,
                          size_t stage)
{
    for (size_t a = 0; a < e->stages[stage].action_count; a++)
        if (goes_back(c, e, stage, a)) return true;
    return false;
}

void rollback_groups(struct coordinator *c, struct model_execution *e, size_t stage)
{
    const char *name = e->stages[stage].name;
    bool skip[WIRE_ACTIONS_MAX];
    struct failure failure;
    struct id id;
    bool whole =
        e->stages[stage].status == STATUS_FAILED && condition_failure(e, stage) == FAILURE_ROLLBACK;
    if (whole || e->state.type == TYPE_ROLLBACK || e->state.mode == MODE_PARALLEL) return;
    if (!any_goes_back(c, e, stage)) return;
    const struct model_execution *target = older_good(e, name);
    size_t found = target ? groups_find(c, e, stage, target, skip) : 0;
    const char *what = wave_rules(e, stage)->on_failure ? "deployment" : "deployment group";
    if (!found)
        model_format(&e->state.status_summary,
                     "stage %s ended badly, and no earlier execution has succeeded there", name);
    else if (engine_start_rollback(c, target, (size_t)stage_index(target, name), skip,
                                   TRIGGER_AUTOMATED_ROLLBACK, e->state.id.text, &id, &failure))
        model_format(&e->state.status_summary,
                     "stage %s ended badly; execution %s brings back what execution %s had in %zu "
                     "%s%s",
                     name, id.text, target->state.id.text, found, what, found == 1 ? "" : "s");
    else
        model_format(&e->state.status_summary, "stage %s ended badly, not rolled back: %s", name,
                     failure.cause);
    journal_execution(c, e);
}

/* ---- on request ---- */

/* NULL with `why` when there is none that can be gone back to. */
static struct model_execution *target_of(struct coordinator *c, const struct model_pipeline *p,
                                         const struct rollback_request *asked, const char **why)
{
    struct arena *arena = &c->out->arena;
    struct error err;
    if (!asked->target[0]) {
        const struct model_execution *now = current(c, p, asked->stage);
        struct model_execution *found = now ? older_good(now, asked->stage) : NULL;
        if (!found)
            *why = arena_format(arena,
                                "UnableToRollbackStageException: no earlier execution that is "
                                "remembered has succeeded in stage %s",
                                asked->stage);
        return found;
    }
    struct model_execution *found = request_find(c, asked->pipeline, asked->target, &err);
    if (!found)
        *why = arena_text(arena, err.text);
    else if (found->state.type == TYPE_ROLLBACK)
        *why = arena_format(arena,
                            "UnableToRollbackStageException: it is a rollback itself, to execution "
                            "%s: name that one",
                            found->state.rollback_target.text);
    else if (removed(found))
        *why = arena_format(arena,
                            "UnableToRollbackStageException: the source revision of execution %s "
                            "was removed from its store",
                            found->state.id.text);
    else if (!usable(found, asked->stage))
        *why = arena_format(arena,
                            "UnableToRollbackStageException: execution %s has not succeeded in "
                            "stage %s",
                            found->state.id.text, asked->stage);
    return *why ? NULL : found;
}

void rollback_request(struct coordinator *c, const struct coordinator_event *event)
{
    static const char *const what = "nothing was rolled back";
    const struct rollback_request *asked = &event->request.request->rollback;
    struct arena *arena = &c->out->arena;
    const char *why = NULL;
    struct failure failure;
    struct id id;
    if (request_known(c, event, &asked->submission)) return;
    struct model_pipeline *p = model_pipeline_find(c, asked->pipeline);
    const struct model_definition *definition = p ? model_definition_current(p) : NULL;
    if (!definition) {
        request_refuse(c, event, ERR_NOT_FOUND, what,
                       arena_format(arena, "PipelineNotFoundException: there is no pipeline '%s'",
                                    asked->pipeline),
                       "meridian list");
        return;
    }
    if (definition->state.parsed->mode == MODE_PARALLEL)
        why = "UnableToRollbackStageException: a pipeline of mode PARALLEL has no stage to go back "
              "in";
    struct model_execution *target = why ? NULL : target_of(c, p, asked, &why);
    if (!target) {
        request_refuse(c, event, ERR_CONFLICT, what, why,
                       arena_format(arena, "meridian history %s", asked->pipeline));
    } else if (engine_start_rollback(c, target, (size_t)stage_index(target, asked->stage), NULL,
                                     TRIGGER_MANUAL_ROLLBACK, event->request.client, &id,
                                     &failure)) {
        request_done(c, event, &asked->submission, &id);
    } else {
        request_refuse(c, event, failure.code, failure.what, failure.cause, failure.fix);
    }
}
