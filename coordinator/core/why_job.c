/* Jobs: what the dispatch of each waits for, asked in its order. */
#include "core/why.h"

#include "core/barrier.h"
#include "core/deploy_rollout.h"
#include "core/dispatch.h"
#include "core/resume.h"

static struct reason *of_job(struct why *why, enum reason_code code, const struct model_job *job)
{
    struct reason *to = why_add(why, code);
    if (!to) return NULL;
    const struct job_state *state = &job->state;
    bool given = state->status == STATUS_IN_PROGRESS || state->attempt > 0;
    to->stage = arena_text(why->arena, why->e->stages[job->stage].name);
    to->action = arena_text(why->arena, model_action(why->e, job->stage, job->action)->name);
    to->region = arena_text(why->arena, state->region);
    to->worker = arena_text(why->arena, state->worker);
    to->since_ms = given ? state->assigned_ms : state->created_ms;
    to->deadline_ms = state->deadline_ms;
    to->text = arena_text(why->arena, state->cause);
    return to;
}

/* ---- what it does, in words ---- */

static const char *what_of(struct why *why, const struct model_job *job)
{
    const struct job_state *state = &job->state;
    switch (state->kind) {
    case JOB_DEPLOY: return arena_format(why->arena, "the deployment to %s", state->worker);
    case JOB_REPLICATE:
        return arena_format(why->arena, "the copy of artifact %s to %s", state->artifact,
                            state->region);
    case JOB_BUILD: return "the build";
    case JOB_DELTA:
        return arena_format(why->arena, "what tells artifact %s by its older revision",
                            state->artifact);
    }
    return "";
}

/* ---- a worker that is not there ---- */

static void lost(struct why *why, const struct model_job *job, const struct model_worker *w)
{
    struct reason *to = of_job(why, REASON_HOST_LOST, job);
    if (!to) return;
    to->text = arena_format(why->arena, "worker %s is not connected%s", w->name,
                            w->seen_ms ? "" : "; it has not been seen since the start");
    to->since_ms = w->lost_ms;
    to->fix = arena_format(why->arena, "on %s: systemctl status meridian-worker", w->name);
}

static void drained(struct why *why, const struct model_job *job, const struct model_worker *w)
{
    struct reason *to = of_job(why, REASON_HOST_DRAINED, job);
    if (!to) return;
    to->text = arena_format(why->arena, "worker %s was drained by %s%s%s", w->name, w->drained_by,
                            w->drain_reason[0] ? ": " : "", w->drain_reason);
    if (w->drained_ms > to->since_ms) to->since_ms = w->drained_ms;
    to->fix = arena_format(why->arena, "meridian workers resume %s", w->name);
}

static void busy(struct why *why, const struct model_job *job, const struct model_job *before)
{
    struct reason *to = of_job(why, REASON_HOST_BUSY, job);
    if (!to) return;
    const struct model_execution *other = before->execution;
    to->text = arena_format(why->arena, "%s is at work for execution %s of pipeline %s",
                            job->state.worker, other->state.id.text, other->state.pipeline);
    to->fix = arena_format(why->arena, "meridian why %.8s", other->state.id.text);
}

/* ---- its artifact ---- */

/* True when that is what it waits for. */
static bool copy(struct why *why, const struct model_job *job, const char *artifact)
{
    const struct model_execution *e = why->e;
    long at = model_copy_find(e, artifact, job->state.region);
    if (at >= 0 && e->copies[at].status == STATUS_SUCCEEDED) return false;
    bool elsewhere = at >= 0 && e->copies[at].status == STATUS_PENDING;
    struct reason *to = of_job(why, elsewhere ? REASON_COPY_ELSEWHERE : REASON_COPY, job);
    if (!to) return true;
    to->text = arena_format(why->arena,
                            elsewhere ? "another execution copies artifact %s to %s"
                                      : "artifact %s is not in the store of region %s yet",
                            artifact, job->state.region);
    return true;
}

static bool inputs(struct why *why, const struct model_job *job)
{
    const struct pipeline_action *action = model_action_definition(why->e, job->stage, job->action);
    if (job->state.kind == JOB_DEPLOY) return copy(why, job, job->state.artifact);
    for (size_t i = 0; job->state.kind == JOB_BUILD && i < action->input_count; i++)
        if (copy(why, job, action->inputs[i])) return true;
    return false;
}

/* ---- pending ---- */

static void pinned(struct why *why, const struct model_job *job)
{
    const struct model_worker *w = model_worker_find(why->c, job->state.worker);
    const struct model_job *before = w ? dispatch_before(w, job) : NULL;
    const struct action_state *state = model_action(why->e, job->stage, job->action);
    if (deploy_rolls(state) && !job->begins && job->state.attempt == 0) {
        (void)of_job(why, REASON_HOST_TURN, job);
        return;
    }
    if (inputs(why, job)) return;
    if (w && !w->connected)
        lost(why, job, w);
    else if (w && w->drained)
        drained(why, job, w);
    else if (before)
        busy(why, job, before);
    else
        (void)of_job(why, REASON_OTHER, job);
}

struct crew {
    size_t enrolled, connected, drained;
};

static struct crew crew_of(const struct why *why, const struct model_job *job)
{
    struct crew crew = { 0 };
    list_for_each (link, &why->c->workers) {
        const struct model_worker *w = list_entry(link, struct model_worker, link);
        if (!w->enrolled || !text_equal(w->region, job->state.region)) continue;
        if (job->state.kind == JOB_BUILD && !w->builds) continue;
        crew.enrolled++;
        crew.connected += w->connected;
        crew.drained += w->drained;
    }
    return crew;
}

static void nobody(struct why *why, const struct model_job *job)
{
    const struct crew crew = crew_of(why, job);
    bool build = job->state.kind == JOB_BUILD;
    struct reason *to = of_job(why, crew.enrolled ? REASON_NOBODY_FREE : REASON_NO_WORKER, job);
    if (!to) return;
    to->text = arena_format(why->arena,
                            "%s waits for a worker of region %s%s: %zu enrolled, %zu connected, "
                            "%zu drained",
                            what_of(why, job), job->state.region, build ? " that builds" : "",
                            crew.enrolled, crew.connected, crew.drained);
    to->fix = crew.enrolled ? "meridian workers"
                            : arena_format(why->arena, "meridian keys worker NAME --region %s%s",
                                           job->state.region, build ? " --tag build=true" : "");
}

static void floating(struct why *why, const struct model_job *job)
{
    const struct coordinator *c = why->c;
    if (!c->fleet_generation) {
        struct reason *to = of_job(why, REASON_FLEET, job);
        if (to) to->text = "the coordinator has just started and does not know the workers yet";
    } else if (c->boot_ms < job->retry_boot_ms) {
        struct reason *to = of_job(why, REASON_BACK_OFF, job);
        if (!to) return;
        to->deadline_ms = c->now_ms + (job->retry_boot_ms - c->boot_ms);
        to->text = arena_format(why->arena, "attempt %u of %s has failed: %s",
                                (unsigned)job->state.attempt, what_of(why, job), job->state.cause);
    } else if (!inputs(why, job)) {
        nobody(why, job);
    }
}

/* ---- under way ---- */

static const struct lifecycle_report *running_event(const struct job_state *state)
{
    for (size_t i = state->event_count; i > 0; i--)
        if (state->events[i - 1].status == STATUS_IN_PROGRESS) return &state->events[i - 1];
    return NULL;
}

static void at_work(struct why *why, const struct model_job *job)
{
    const struct job_state *state = &job->state;
    const struct lifecycle_report *event = running_event(state);
    bool told = job->accepted || state->event_count > 0;
    enum reason_code code = event         ? REASON_RUNNING
                            : job->nacked ? REASON_REFUSED
                            : told        ? REASON_ACCEPTED
                                          : REASON_OFFERED;
    struct reason *to = of_job(why, code, job);
    if (!to) return;
    const char *host = state->worker;
    if (event) {
        if (event->started_ms) to->since_ms = event->started_ms;
        to->text = arena_format(why->arena, "%s runs on %s%s%s", lifecycle_event_name(event->event),
                                host, job->waits[0] ? ", and " : "", job->waits);
        to->fix = arena_format(why->arena, "meridian logs -f %.8s/%s/%s", why->e->state.id.text,
                               to->action, host);
    } else if (job->nacked) {
        to->fix = "meridian workers shows what is wrong";
    } else {
        to->text = arena_format(why->arena,
                                told ? "%s has accepted it and goes on with it"
                                     : "it was offered to %s, which has not accepted it yet",
                                host);
    }
}

static void held(struct why *why, const struct model_job *job)
{
    size_t prepared, all;
    struct reason *to = of_job(why, REASON_BARRIER, job);
    if (!to) return;
    barrier_count(why->e, job->stage, job->action, &prepared, &all);
    to->text = arena_format(why->arena,
                            "%s is prepared and installs nothing before all are: %zu of %zu hosts "
                            "are",
                            job->state.worker, prepared, all);
}

static void interrupted(struct why *why, const struct model_job *job)
{
    struct reason *to = of_job(why, REASON_INTERRUPTED, job);
    if (!to) return;
    to->text = arena_text(why->arena, job->state.diagnostics.message);
    to->fix =
        arena_format(why->arena, "meridian resume %s %.8s --host %s --rerun-step (or --skip-step)",
                     why->e->state.pipeline, why->e->state.id.text, job->state.worker);
}

static void under_way(struct why *why, const struct model_job *job)
{
    const struct model_worker *w = model_worker_find(why->c, job->state.worker);
    struct reason *to;
    if (w && !w->connected) {
        lost(why, job, w);
    } else if (job->state.cancel) {
        to = of_job(why, REASON_CANCELLED, job);
        if (to)
            to->text =
                arena_format(why->arena, "%s is told to end %s%s", job->state.worker,
                             what_of(why, job), job->cancel_acked ? " and has heard it" : "");
    } else if (resume_held(job)) {
        held(why, job);
    } else if (resume_waits(job)) {
        interrupted(why, job);
    } else if (resume_due(job)) {
        to = of_job(why, REASON_RESUMED, job);
        if (to)
            to->text = arena_format(why->arena, "%s is told to %s", job->state.worker,
                                    resume_verb_name(job->state.interruption.verb));
    } else {
        at_work(why, job);
    }
}

void why_job(struct why *why, const struct model_job *job)
{
    if (job->state.status == STATUS_IN_PROGRESS)
        under_way(why, job);
    else if (job->state.kind == JOB_DEPLOY)
        pinned(why, job);
    else
        floating(why, job);
}
