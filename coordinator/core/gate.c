#include "core/gate.h"

#include "core/engine.h"
#include "core/journal.h"

size_t gate_next(const struct model_execution *e)
{
    size_t s = 0;
    while (s < e->state.stage_count &&
           (e->stages[s].status == STATUS_SUCCEEDED || e->stages[s].status == STATUS_SKIPPED))
        s++;
    return s;
}

static const struct stage_state *stage_named(const struct model_execution *e, const char *name)
{
    for (size_t s = 0; s < e->state.stage_count; s++)
        if (text_equal(e->stages[s].name, name)) return &e->stages[s];
    return NULL;
}

static bool locks(const struct model_execution *e)
{
    return e->state.mode != MODE_PARALLEL;
}

/* It stands before that stage and will go on. */
static bool waits_at(const struct model_execution *e, const struct stage_state *stage)
{
    return !status_ended(e->state.status) && !e->state.stop_requested &&
           &e->stages[gate_next(e)] == stage;
}

const struct model_execution *gate_newer(const struct model_execution *e, const char *name)
{
    for (struct list *link = e->link.next; link != &e->pipeline->executions; link = link->next) {
        const struct model_execution *other = list_entry(link, struct model_execution, link);
        if (!locks(other)) continue;
        const struct stage_state *stage = stage_named(other, name);
        if (stage && stage->status != STATUS_PENDING && stage->status != STATUS_SKIPPED)
            return other;
    }
    return NULL;
}

/* A younger execution has reached the door of that stage, or has gone through it. */
static const struct model_execution *superseding(const struct model_execution *e, const char *name)
{
    for (struct list *link = e->link.next; link != &e->pipeline->executions; link = link->next) {
        const struct model_execution *other = list_entry(link, struct model_execution, link);
        if (!locks(other) || other->state.type == TYPE_ROLLBACK) continue;
        const struct stage_state *stage = stage_named(other, name);
        if (!stage) continue;
        if (stage->status != STATUS_PENDING || waits_at(other, stage)) return other;
    }
    return NULL;
}

const struct model_execution *gate_holder(const struct model_execution *e, const char *name)
{
    list_for_each (link, &e->pipeline->executions) {
        const struct model_execution *other = list_entry(link, struct model_execution, link);
        if (other == e || status_ended(other->state.status) || !locks(other)) continue;
        const struct stage_state *stage = stage_named(other, name);
        if (stage && (stage->status == STATUS_IN_PROGRESS || stage->status == STATUS_STOPPING))
            return other;
    }
    return NULL;
}

const struct model_execution *gate_earlier(const struct model_execution *e, const char *name)
{
    bool rollback = e->state.type == TYPE_ROLLBACK, behind = false;
    list_for_each (link, &e->pipeline->executions) {
        const struct model_execution *other = list_entry(link, struct model_execution, link);
        if (other == e) behind = true;
        if (other == e || status_ended(other->state.status) || !locks(other)) continue;
        const struct stage_state *stage = stage_named(other, name);
        if (!stage) continue;
        bool other_rollback = other->state.type == TYPE_ROLLBACK;
        if (other_rollback && (!rollback || !behind) && waits_at(other, stage)) return other;
        bool queue = e->state.mode == MODE_QUEUED || other->state.mode == MODE_QUEUED;
        bool before = queue && !behind && !rollback && !other_rollback;
        if (before && &other->stages[gate_next(other)] <= stage) return other;
    }
    return NULL;
}

const struct model_execution *gate_rollback(const struct model_execution *e, const char *name)
{
    list_for_each (link, &e->pipeline->executions) {
        const struct model_execution *other = list_entry(link, struct model_execution, link);
        if (other == e || !locks(other) || other->state.type != TYPE_ROLLBACK) continue;
        const struct stage_state *stage = stage_named(other, name);
        if (stage && waits_at(other, stage)) return other;
    }
    return NULL;
}

/* What keeps it out of the stage; NULL when nothing does. */
static const char *obstacle(struct coordinator *c, const struct model_execution *e,
                            const char *name)
{
    struct arena *arena = &c->out->arena;
    const struct model_transition *door = model_transition_find(e->pipeline, name);
    if (door && !door->state.enabled)
        return arena_format(arena, "waits: the transition into stage %s was disabled by %s%s%s",
                            name, door->state.changed_by, door->state.reason[0] ? ": " : "",
                            door->state.reason);
    if (!locks(e)) return NULL;
    const struct model_execution *other = gate_holder(e, name);
    if (!other) other = gate_earlier(e, name);
    return other ? arena_format(arena, "waits for execution %s to leave stage %s",
                                other->state.id.text, name)
                 : NULL;
}

void gate_enter(struct coordinator *c, struct model_execution *e, size_t stage)
{
    const char *name = e->stages[stage].name;
    const struct model_execution *newer = NULL;
    if (e->state.mode == MODE_SUPERSEDED && e->state.type == TYPE_STANDARD)
        newer = superseding(e, name);
    if (newer) {
        model_format(&e->state.status_summary, "superseded before stage %s by execution %s", name,
                     newer->state.id.text);
        engine_set_execution(c, e, STATUS_SUPERSEDED);
        return;
    }
    const char *why = obstacle(c, e, name);
    if (model_text(&e->state.status_summary, why ? why : "")) journal_execution(c, e);
    if (!why) engine_set_stage(c, e, stage, STATUS_IN_PROGRESS);
}
