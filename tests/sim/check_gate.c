#include "check.h"

static bool stage_held(const struct stage_state *stage)
{
    return stage->status == STATUS_IN_PROGRESS || stage->status == STATUS_STOPPING;
}

/* The first stage that has not succeeded. */
static size_t stage_next(const struct execution *e)
{
    size_t s = 0;
    while (s < e->stage_count && check_stage_passed(&e->stages[s])) s++;
    return s;
}

static bool locks(const struct execution *e)
{
    return e->mode != MODE_PARALLEL;
}

/* Somebody has overridden a condition: the stage goes on, nobody enters it. */
static bool goes_on(const struct stage_state *stage)
{
    for (size_t r = 0; r < stage->rule_count; r++)
        if (stage->rules[r].status == STATUS_SKIPPED) return true;
    return false;
}

/* It went into stage s in this turn. */
static bool enters(const struct execution *e, size_t s)
{
    return s > 0 && s < e->stage_count && e->stages[s].status == STATUS_IN_PROGRESS &&
           e->stages[s].started_ms == e->updated_ms && !goes_on(&e->stages[s]);
}

/* Of those that wait to enter a stage only the newest stays, and nobody enters behind it; in a
 * queue nobody enters before an older one. */
static void check_entered(struct world *w, const struct execution *e, const struct execution *other)
{
    size_t s = stage_next(e), door = stage_next(other);
    if (!enters(e, s) || !locks(e) || !locks(other)) return;
    if (e->type == TYPE_ROLLBACK || other->type == TYPE_ROLLBACK || check_retries(e)) return;
    if (other->started_ms < e->started_ms) {
        bool queue = e->mode == MODE_QUEUED || other->mode == MODE_QUEUED;
        if (queue && !status_ended(other->status) && door <= s)
            world_fail(w, "QUEUE", "execution %s enters stage %s before the older %s", e->id.text,
                       e->stages[s].name, other->id.text);
        return;
    }
    bool through = s < other->stage_count && other->stages[s].status != STATUS_PENDING;
    bool waits = door == s && other->status == STATUS_IN_PROGRESS && !other->stop_requested &&
                 other->stages[s - 1].ended_ms < e->updated_ms;
    if (through || (waits && e->mode == MODE_SUPERSEDED))
        world_fail(w, "SUPERSEDE", "execution %s enters stage %s behind the newer %s", e->id.text,
                   e->stages[s].name, other->id.text);
}

static void check_door(struct world *w, const struct execution *e)
{
    size_t s = stage_next(e);
    if (!enters(e, s) || check_retries(e)) return;
    const struct record like = { .kind = RECORD_TRANSITION,
                                 .transition = { .pipeline = e->pipeline,
                                                 .stage = e->stages[s].name } };
    const struct record *door = disk_get(&w->nodes[0].disk, &like);
    if (door && !door->transition.enabled && door->transition.changed_ms < e->updated_ms)
        world_fail(w, "DOOR", "execution %s enters stage %s, whose transition is disabled",
                   e->id.text, e->stages[s].name);
}

/* Against the other executions of its pipeline. */
void check_neighbours(struct world *w, const struct execution *e)
{
    const struct disk *d = &w->nodes[0].disk;
    bool newer = false;
    for (size_t i = 0; i < d->count; i++) {
        const struct record *r = &d->at[i]->record;
        if (r->kind != RECORD_EXECUTION || !text_equal(r->execution.pipeline, e->pipeline))
            continue;
        const struct execution *other = &r->execution;
        if (id_equal(&other->id, &e->id)) continue;
        newer = newer || other->started_ms > e->started_ms;
        check_entered(w, e, other);
        for (size_t s = 0; s < e->stage_count && s < other->stage_count; s++)
            if (locks(e) && locks(other) && stage_held(&e->stages[s]) &&
                stage_held(&other->stages[s]))
                world_fail(w, "LOCK", "executions %s and %s are both in stage %s", e->id.text,
                           other->id.text, e->stages[s].name);
    }
    check_door(w, e);
    if (e->status == STATUS_SUPERSEDED && (!newer || e->mode != MODE_SUPERSEDED))
        world_fail(w, "SUPERSEDE", "execution %s (%s) is superseded, but there is no newer one",
                   e->id.text, execution_mode_name(e->mode));
}
