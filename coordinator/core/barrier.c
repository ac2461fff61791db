#include "core/barrier.h"

#include "core/deploy.h"
#include "core/deploy_rollout.h"
#include "core/gate.h"
#include "core/journal.h"
#include "core/resume.h"
#include "core/wave.h"

static bool deploys(const struct model_execution *e, size_t stage, size_t action)
{
    return pipeline_deploys(model_action_definition(e, stage, action));
}

bool barrier_holds(const struct model_execution *e, size_t stage, size_t action)
{
    return wave_rules(e, stage)->barrier && deploys(e, stage, action) &&
           model_action(e, stage, action)->committed_ms == 0;
}

/* They begin together. */
static bool beside(const struct model_execution *e, size_t stage, size_t a, size_t b)
{
    return deploys(e, stage, b) &&
           model_action(e, stage, a)->wave == model_action(e, stage, b)->wave &&
           model_action_definition(e, stage, a)->run_order ==
               model_action_definition(e, stage, b)->run_order;
}

static bool of_attempt(const struct model_execution *e, const struct model_job *job, size_t stage,
                       size_t action)
{
    return id_equal(&job->state.action_execution, &model_action(e, stage, action)->id);
}

static bool ended_badly(enum status status)
{
    return status_ended(status) && status != STATUS_SUCCEEDED && status != STATUS_SKIPPED;
}

/* ---- broken ---- */

/* One that failed by itself says more than those that were told to end. */
static const struct model_job *bad_job(const struct model_execution *e, size_t stage, size_t action)
{
    const struct model_job *found = NULL;
    list_for_each (link, model_action_jobs(e, stage, action)) {
        const struct model_job *job = list_entry(link, struct model_job, action_link);
        if (!of_attempt(e, job, stage, action) || !ended_badly(job->state.status)) continue;
        if (!found || found->state.status == STATUS_STOPPED) found = job;
    }
    return found;
}

/* Why: the job that ended badly, or the action that failed without one. */
static bool broken_find(const struct model_execution *e, size_t stage, size_t action,
                        const struct model_job **job, const struct action_state **failed)
{
    *job = NULL;
    *failed = NULL;
    if (!barrier_holds(e, stage, action)) return false;
    for (size_t a = 0; a < e->stages[stage].action_count; a++) {
        const struct action_state *state = model_action(e, stage, a);
        if (!beside(e, stage, action, a) || state->committed_ms) continue;
        if (state->status == STATUS_FAILED && !*failed) *failed = state;
        const struct model_job *bad = bad_job(e, stage, a);
        if (bad && (!*job || (*job)->state.status == STATUS_STOPPED)) *job = bad;
    }
    return *job || *failed;
}

const char *barrier_broken(struct arena *arena, const struct model_execution *e, size_t stage,
                           size_t action)
{
    const struct model_job *job;
    const struct action_state *failed;
    if (!broken_find(e, stage, action, &job, &failed)) return NULL;
    if (job)
        return arena_format(arena, "%s of region %s could not be prepared: nothing is installed",
                            job->state.worker, job->state.region);
    return arena_format(arena, "%s could not be prepared: nothing is installed", failed->name);
}

/* Actions that begin together are broken together: the first of them is asked. */
static bool broken_as(const struct model_execution *e, size_t stage, size_t action)
{
    const struct model_job *job;
    const struct action_state *failed;
    for (size_t a = 0; a < action; a++)
        if (barrier_holds(e, stage, a) && beside(e, stage, action, a))
            return e->broken[model_action(e, stage, a) - e->actions];
    return broken_find(e, stage, action, &job, &failed);
}

void barrier_look(struct model_execution *e)
{
    for (size_t s = 0; s < e->state.stage_count; s++) {
        if (!wave_rules(e, s)->barrier) continue;
        for (size_t a = 0; a < e->stages[s].action_count; a++)
            e->broken[model_action(e, s, a) - e->actions] =
                barrier_holds(e, s, a) && broken_as(e, s, a);
    }
}

/* ---- prepared ---- */

/* Its host's turn has not come. */
static bool job_later(const struct model_execution *e, const struct model_job *job, size_t stage,
                      size_t action)
{
    return deploy_rolls(model_action(e, stage, action)) && !job->begins &&
           job->state.status == STATUS_PENDING && job->state.attempt == 0;
}

static void count_of(const struct model_execution *e, size_t stage, size_t action, size_t *prepared,
                     size_t *all)
{
    list_for_each (link, model_action_jobs(e, stage, action)) {
        const struct model_job *job = list_entry(link, struct model_job, action_link);
        if (!of_attempt(e, job, stage, action) || job->state.status == STATUS_SKIPPED) continue;
        if (job_later(e, job, stage, action)) continue;
        *prepared += resume_held(job) || job->state.status == STATUS_SUCCEEDED;
        ++*all;
    }
}

void barrier_count(const struct model_execution *e, size_t stage, size_t action, size_t *prepared,
                   size_t *all)
{
    *prepared = *all = 0;
    for (size_t a = 0; a < e->stages[stage].action_count; a++)
        if (beside(e, stage, action, a) && model_action(e, stage, a)->status == STATUS_IN_PROGRESS)
            count_of(e, stage, a, prepared, all);
}

static bool action_prepared(const struct coordinator *c, const struct model_execution *e,
                            size_t stage, size_t action)
{
    size_t prepared = 0, all = 0;
    count_of(e, stage, action, &prepared, &all);
    return c->fleet_generation && all > 0 && prepared == all;
}

static bool all_prepared(struct coordinator *c, const struct model_execution *e, size_t stage,
                         size_t action)
{
    if (barrier_broken(&c->out->arena, e, stage, action)) return false;
    for (size_t a = 0; a < e->stages[stage].action_count; a++)
        if (beside(e, stage, action, a) && barrier_holds(e, stage, a) &&
            model_action(e, stage, a)->status == STATUS_IN_PROGRESS &&
            !action_prepared(c, e, stage, a))
            return false;
    return true;
}

/* ---- one after another ---- */

/* Something of what begins together is at work. */
static bool begun(const struct model_execution *e, size_t stage, size_t action)
{
    for (size_t a = 0; a < e->stages[stage].action_count; a++) {
        if (!beside(e, stage, action, a)) continue;
        list_for_each (link, model_action_jobs(e, stage, a)) {
            const struct model_job *job = list_entry(link, struct model_job, action_link);
            if (of_attempt(e, job, stage, a) && job->state.status == STATUS_IN_PROGRESS)
                return true;
        }
    }
    return false;
}

static bool shares_target(struct arena *arena, const struct model_execution *e, size_t stage,
                          size_t action, const char *target)
{
    for (size_t a = 0; a < e->stages[stage].action_count; a++)
        if (beside(e, stage, action, a) &&
            model_action(e, stage, a)->status == STATUS_IN_PROGRESS &&
            text_equal(deploy_target(arena, e, stage, a), target))
            return true;
    return false;
}

/* `other` has a barrier that is not open, with hosts at work, and shares one of those targets. */
static bool in_the_way(struct coordinator *c, const struct model_execution *other,
                       const struct model_job *job)
{
    struct arena *arena = &c->out->arena;
    size_t stage = gate_next(other);
    if (!other->definition || stage >= other->state.stage_count) return false;
    if (other->stages[stage].status == STATUS_PENDING) return false;
    for (size_t a = 0; a < other->stages[stage].action_count; a++) {
        if (model_action(other, stage, a)->status != STATUS_IN_PROGRESS) continue;
        if (!barrier_holds(other, stage, a) || !begun(other, stage, a)) continue;
        if (shares_target(arena, job->execution, job->stage, job->action,
                          deploy_target(arena, other, stage, a)))
            return true;
    }
    return false;
}

const struct model_execution *barrier_before(struct coordinator *c, const struct model_job *job)
{
    const struct model_execution *e = job->execution;
    if (!barrier_holds(e, job->stage, job->action) || begun(e, job->stage, job->action))
        return NULL;
    list_for_each (link, &c->live) {
        const struct model_execution *other = list_entry(link, struct model_execution, live_link);
        if (other != e && in_the_way(c, other, job)) return other;
    }
    return NULL;
}

/* ---- open ---- */

static void open_beside(struct coordinator *c, struct model_execution *e, size_t stage,
                        size_t action)
{
    for (size_t a = 0; a < e->stages[stage].action_count; a++)
        if (beside(e, stage, action, a) && model_action(e, stage, a)->status == STATUS_IN_PROGRESS)
            model_action(e, stage, a)->committed_ms = c->now_ms;
    journal_execution(c, e);
    journal_note(c, NOTE_INFO, "execution=%s stage=%s: all are prepared and go on",
                 e->state.id.text, e->stages[stage].name);
}

static void go_on(struct coordinator *c, struct model_execution *e, size_t stage, size_t action)
{
    list_for_each (link, model_action_jobs(e, stage, action)) {
        struct model_job *job = list_entry(link, struct model_job, action_link);
        if (of_attempt(e, job, stage, action) && resume_held(job)) resume_go_on(c, job);
    }
}

void barrier_reconcile(struct coordinator *c, struct model_execution *e, size_t stage)
{
    if (!wave_rules(e, stage)->barrier) return;
    for (size_t a = 0; a < e->stages[stage].action_count; a++) {
        if (model_action(e, stage, a)->status != STATUS_IN_PROGRESS || !deploys(e, stage, a))
            continue;
        if (barrier_holds(e, stage, a) && all_prepared(c, e, stage, a)) open_beside(c, e, stage, a);
        if (!barrier_holds(e, stage, a)) go_on(c, e, stage, a);
    }
}
