#include "core/rollback.h"

#include "core/engine.h"
#include "core/journal.h"
#include "core/request.h"

/* -1 when it has no stage of that name. */
static long stage_index(const struct model_execution *e, const char *name)
{
    for (size_t s = 0; s < e->state.stage_count; s++)
        if (text_equal(e->stages[s].name, name)) return (long)s;
    return -1;
}

static bool usable(const struct model_execution *e, const char *stage)
{
    long s = stage_index(e, stage);
    return s > 0 && e->definition && e->state.type == TYPE_STANDARD &&
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
    if (e->definition->state.parsed->stages[stage].on_failure != FAILURE_ROLLBACK) return;
    if (e->state.type == TYPE_ROLLBACK || e->state.mode == MODE_PARALLEL) return;
    const struct model_execution *target = older_good(e, name);
    if (!target)
        model_format(&e->state.status_summary,
                     "stage %s failed, and no earlier execution has succeeded there", name);
    else if (engine_start_rollback(c, target, (size_t)stage_index(target, name),
                                   TRIGGER_AUTOMATED_ROLLBACK, e->state.id.text, &id, &failure))
        model_format(&e->state.status_summary,
                     "stage %s failed; execution %s brings back what execution %s had", name,
                     id.text, target->state.id.text);
    else
        model_format(&e->state.status_summary, "stage %s failed, not rolled back: %s", name,
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
    } else if (engine_start_rollback(c, target, (size_t)stage_index(target, asked->stage),
                                     TRIGGER_MANUAL_ROLLBACK, event->request.client, &id,
                                     &failure)) {
        request_done(c, event, &asked->submission, &id);
    } else {
        request_refuse(c, event, failure.code, failure.what, failure.cause, failure.fix);
    }
}
