/* Waves: nothing of wave n + 1 before wave n has succeeded and was watched. Barrier: nothing is
 * installed before all are prepared. onFailure: what goes back, and that it is the same. */
#include "check.h"

static const struct template_stage *template_of(const struct world *w, const struct execution *e,
                                                size_t stage)
{
    const struct template *t = check_template(w, e);
    if (!t || stage == 0 || stage > t->stage_count || e->type == TYPE_ROLLBACK) return NULL;
    return &t->stages[stage - 1];
}

/* The action of that attempt; NULL when a retry has taken its place. */
static const struct action_state *action_of(const struct execution *e, const struct id *attempt,
                                            size_t *stage)
{
    for (*stage = 0; *stage < e->stage_count; ++*stage)
        for (size_t a = 0; a < e->stages[*stage].action_count; a++)
            if (id_equal(&e->stages[*stage].actions[a].id, attempt))
                return &e->stages[*stage].actions[a];
    return NULL;
}

static void check_wave(struct world *w, const struct execution *e, size_t stage,
                       const struct action_state *action, uint64_t created_ms)
{
    const struct template_stage *t = template_of(w, e, stage);
    const struct stage_state *state = &e->stages[stage];
    if (!t || action->wave < 2 || action->status != STATUS_IN_PROGRESS) return;
    for (size_t a = 0; a < state->action_count; a++) {
        const struct action_state *before = &state->actions[a];
        bool good = before->status == STATUS_SUCCEEDED ||
                    (t->region_failure == REGION_CONTINUE && before->status != STATUS_IN_PROGRESS);
        if (before->wave < action->wave && !good)
            world_fail(w, "WAVE",
                       "execution %s: action %s of wave %u has jobs, %s of wave %u is %s",
                       e->id.text, action->name, (unsigned)action->wave, before->name,
                       (unsigned)before->wave, status_name(before->status));
    }
    if (state->bake_wave + 1 == action->wave && created_ms < state->bake_ms)
        world_fail(w, "WAVE", "execution %s: wave %u begins while the one before is watched",
                   e->id.text, (unsigned)action->wave);
}

static void check_parallel(struct world *w, const struct execution *e, size_t stage)
{
    const struct template_stage *t = template_of(w, e, stage);
    const struct stage_state *state = &e->stages[stage];
    size_t regions = 0;
    if (!t || !t->max_parallel) return;
    for (size_t a = 0; a < state->action_count; a++) {
        bool counts = state->actions[a].status == STATUS_IN_PROGRESS;
        for (size_t b = 0; counts && b < a; b++)
            counts = state->actions[b].status != STATUS_IN_PROGRESS ||
                     !text_equal(state->actions[a].region, state->actions[b].region);
        regions += counts;
    }
    if (regions > t->max_parallel)
        world_fail(w, "REGIONS", "execution %s: %zu regions are at work in %s, at most %u may be",
                   e->id.text, regions, state->name, (unsigned)t->max_parallel);
}

void check_region_job(struct world *w, const struct job_state *job)
{
    size_t stage;
    const struct execution *e = check_execution(w, &job->execution);
    if (!e || job->kind != JOB_DEPLOY) return;
    const struct action_state *action = action_of(e, &job->action_execution, &stage);
    if (action) check_wave(w, e, stage, action, job->created_ms);
}

/* ---- the barrier ---- */

static void check_open(struct world *w, const struct execution *e,
                       const struct action_state *action)
{
    const struct disk *d = &w->nodes[0].disk;
    for (size_t i = 0; i < d->count; i++) {
        const struct job_state *job = &d->at[i]->record.job;
        if (d->at[i]->record.kind != RECORD_JOB || !id_equal(&job->action_execution, &action->id))
            continue;
        /* A later host of a group begins in this very turn, behind the opening, without hold. */
        bool began = job->kind == JOB_DEPLOY && job->attempt > 0 &&
                     job->status == STATUS_IN_PROGRESS && job->assigned_ms < action->committed_ms;
        if (began && !job->interruption.held)
            world_fail(w, "BARRIER", "execution %s: the barrier of %s opens, %s is not prepared",
                       e->id.text, action->name, job->worker);
    }
}

void check_region_run(struct world *w, const struct run *run)
{
    size_t stage;
    const struct execution *e = check_execution(w, &run->job->execution);
    if (!e || run->event != EVENT_INSTALL || !run->job->hold) return;
    const struct action_state *action = action_of(e, &run->job->action_execution, &stage);
    if (action && !action->committed_ms)
        world_fail(w, "BARRIER", "job %s installs before all are prepared", run->ref.job.text);
}

/* ---- what goes back ---- */

static bool touched(const struct world *w, const struct execution *e, size_t stage, size_t action)
{
    const struct disk *d = &w->nodes[0].disk;
    for (size_t i = 0; i < d->count; i++) {
        const struct job_state *job = &d->at[i]->record.job;
        if (d->at[i]->record.kind == RECORD_JOB && job->attempt > 0 && job->kind == JOB_DEPLOY &&
            id_equal(&job->execution, &e->id) && job->stage_number == stage + 1 &&
            job->action_number == action + 1)
            return true;
    }
    return false;
}

static const struct action_state *named(const struct stage_state *stage, const char *name)
{
    for (size_t a = 0; a < stage->action_count; a++)
        if (text_equal(stage->actions[a].name, name)) return &stage->actions[a];
    return NULL;
}

/* `e` has just begun because a stage of `bad` failed. */
static void check_back(struct world *w, const struct execution *e, const struct execution *bad)
{
    for (size_t s = 1; s < bad->stage_count && s < e->stage_count; s++) {
        const struct template_stage *t = template_of(w, bad, s);
        if (!t || bad->stages[s].status != STATUS_FAILED || t->region_failure != REGION_ALL)
            continue;
        for (size_t a = 0; a < bad->stages[s].action_count; a++) {
            const struct action_state *back = named(&e->stages[s], bad->stages[s].actions[a].name);
            if (back && back->status == STATUS_SKIPPED && touched(w, bad, s, a))
                world_fail(w, "BACK", "execution %s leaves out %s, which execution %s has touched",
                           e->id.text, back->name, bad->id.text);
        }
    }
}

void check_region_execution(struct world *w, const struct execution *e)
{
    if (e->type == TYPE_ROLLBACK) {
        struct id of = { "" };
        if (e->trigger != TRIGGER_AUTOMATED_ROLLBACK || e->started_ms != e->updated_ms) return;
        if (!id_parse(e->trigger_detail, &of)) return;
        const struct execution *bad = check_execution(w, &of);
        if (bad) check_back(w, e, bad);
        return;
    }
    for (size_t s = 1; s < e->stage_count; s++) {
        check_parallel(w, e, s);
        for (size_t a = 0; a < e->stages[s].action_count; a++) {
            const struct action_state *action = &e->stages[s].actions[a];
            if (action->committed_ms && action->committed_ms == e->updated_ms &&
                action->status == STATUS_IN_PROGRESS)
                check_open(w, e, action);
        }
    }
}
