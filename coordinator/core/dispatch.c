#include "core/dispatch.h"

#include "core/barrier.h"
#include "core/build.h"
#include "core/delta.h"
#include "core/deploy_rollout.h"
#include "core/drain.h"
#include "core/engine.h"
#include "core/fleet.h"
#include "core/journal.h"
#include "core/offer.h"
#include "core/replication.h"
#include "core/resume.h"

#include <assert.h>
#include <stdio.h>

uint64_t dispatch_lease_end(const struct coordinator *c)
{
    uint64_t lease = c->config.lease_ms;
    return c->boot_ms + lease + lease / 20 + 2 * c->config.heartbeat_ms + 1000;
}

bool dispatch_attempt_over(const struct model_job *job, uint32_t attempt)
{
    if (job->state.attempt != attempt) return job->state.attempt > attempt;
    return job->state.status != STATUS_IN_PROGRESS;
}

static void job_cause(struct coordinator *c, struct model_job *job, const char *cause)
{
    if (model_text(&job->state.cause, cause)) c->changed = true;
}

void dispatch_end(struct coordinator *c, struct model_job *job, enum status status,
                  const char *cause, const struct result *result)
{
    assert(!status_ended(job->state.status));
    assert(status_ended(status));
    job->state.status = status;
    job->state.ended_ms = c->now_ms;
    model_text(&job->state.cause, cause);
    list_remove(&job->worker_link);
    job->execution->open_count--;
    journal_job(c, job);
    journal_event_job(c, job);
    if (job->state.kind == JOB_REPLICATE) replication_ended(c, job, result);
    if (job->state.kind == JOB_BUILD) build_ended(c, job, result);
    if (job->state.kind == JOB_DELTA) delta_ended(c, job, result);
    if (job->state.kind == JOB_DEPLOY) deploy_host_ended(c, job);
}

void dispatch_again(struct coordinator *c, struct model_job *job, const char *cause)
{
    assert(job->state.status == STATUS_IN_PROGRESS);
    bool floating = job->state.kind != JOB_DEPLOY;
    uint32_t max = floating ? DISPATCH_FLOATING_ATTEMPTS : DISPATCH_PINNED_ATTEMPTS;
    if (job->state.cancel || job->state.attempt >= max) {
        dispatch_end(c, job, job->state.cancel ? STATUS_STOPPED : STATUS_FAILED, cause, NULL);
        return;
    }
    job->state.status = STATUS_PENDING;
    model_text(&job->state.cause, cause);
    if (floating) {
        list_remove(&job->worker_link);
        model_text(&job->failed_worker, job->state.worker);
        job->retry_boot_ms = c->boot_ms + (UINT64_C(1000) << job->state.attempt);
    }
    journal_job(c, job);
    journal_event_job(c, job);
}

static void job_assign(struct coordinator *c, struct model_job *job, const struct model_worker *w)
{
    assert(job->state.status == STATUS_PENDING);
    assert(w->connected);
    model_job_give(c, job, w->name);
    job->state.status = STATUS_IN_PROGRESS;
    job->state.attempt++;
    job->state.incarnation = w->welcomed;
    job->state.interruption = (struct interruption){ .run = 0 };
    job->state.fence = (struct fence){ c->epoch, ++c->fence_seq };
    job->state.assigned_ms = c->now_ms;
    model_text(&job->state.cause, "");
    model_text(&job->waits, "");
    job->accepted = job->nacked = false;
    job->offers = 0;
    job->send_boot_ms = c->boot_ms;
    job->lease_boot_ms = dispatch_lease_end(c);
    journal_job(c, job);
    journal_event_job(c, job);
}

/* ---- why a job is not wanted any more ---- */

/* Why a host does not get its artifact; NULL while it may. */
static const char *copy_lost(struct coordinator *c, const struct model_job *job)
{
    const struct model_execution *e = job->execution;
    long at = model_copy_find(e, job->state.artifact, job->state.region);
    bool lost =
        at >= 0 && status_ended(e->copies[at].status) && e->copies[at].status != STATUS_SUCCEEDED;
    return lost ? replication_failure(c, e, (size_t)at) : NULL;
}

/* NULL while it is wanted. */
static const char *job_unwanted(struct coordinator *c, const struct model_job *job,
                                enum status *status)
{
    const struct model_execution *e = job->execution;
    *status = STATUS_STOPPED;
    if (e->state.stop_abandon) return "stopped on request";
    /* Who stops does not want to be asked. */
    if (e->state.stop_requested && resume_waits(job)) return "stopped on request";
    if (job->state.kind == JOB_REPLICATE)
        return replication_deadline(job) ? NULL : "nobody waits for the copy any more";
    if (job->state.kind == JOB_DELTA)
        return delta_deadline(job) > c->now_ms ? NULL : "nobody waits for the delta any more";
    const struct action_state *action = model_action(e, job->stage, job->action);
    if (job->state.kind == JOB_DEPLOY && e->broken[action - e->actions])
        return barrier_broken(&c->out->arena, e, job->stage, job->action);
    if (action->status == STATUS_ABANDONED || action->status == STATUS_SKIPPED)
        return "nobody waits for it any more"; /* a rule that was given up, or overridden */
    *status = STATUS_FAILED;
    if (action->status != STATUS_IN_PROGRESS) return "the action's time was over";
    if (!id_equal(&action->id, &job->state.action_execution)) return "a retry took its place";
    return job->state.kind == JOB_DEPLOY ? copy_lost(c, job) : NULL;
}

/* ---- waiting ---- */

const struct model_job *dispatch_before(const struct model_worker *w, const struct model_job *job)
{
    list_for_each (link, &w->jobs) {
        const struct model_job *other = list_entry(link, struct model_job, worker_link);
        if (other == job || !text_equal(other->state.target, job->state.target)) continue;
        if (other->state.status == STATUS_IN_PROGRESS) return other;
    }
    return NULL;
}

static const char *worker_cause(struct coordinator *c, const struct model_worker *w)
{
    char since[JOURNAL_TIME_SIZE];
    return arena_format(&c->out->arena, "worker %s is not connected since %s", w->name,
                        journal_time(w->lost_ms, since));
}

static bool worker_revoked(const struct coordinator *c, const struct model_worker *w,
                           const struct model_job *job)
{
    return c->fleet_generation && (!w->enrolled || !text_equal(w->region, job->state.region));
}

static void pinned_pending(struct coordinator *c, struct model_job *job)
{
    const struct model_worker *w = model_worker_find(c, job->state.worker);
    const struct model_execution *e = job->execution;
    assert(w);
    if (worker_revoked(c, w, job)) {
        dispatch_end(c, job, STATUS_FAILED, "revoked: the worker is not enrolled here any more",
                     NULL);
        return;
    }
    const char *held = deploy_hold(c, job);
    if (held) {
        job_cause(c, job, held);
        return;
    }
    long copy = model_copy_find(e, job->state.artifact, job->state.region);
    const char *cause = copy < 0 ? "" : replication_cause(c, e, (size_t)copy);
    if (!cause[0] && !w->connected) cause = worker_cause(c, w);
    if (!cause[0]) cause = drain_cause(c, w);
    const struct model_job *before = dispatch_before(w, job);
    if (!cause[0] && before)
        cause = arena_format(&c->out->arena, "waits for deployment %s of execution %s",
                             before->state.deployment.text, before->state.execution.text);
    const struct model_execution *other = cause[0] ? NULL : barrier_before(c, job);
    if (other)
        cause = arena_format(&c->out->arena, "waits until execution %s has prepared (barrier)",
                             other->state.id.text);
    if (cause[0])
        job_cause(c, job, cause);
    else
        job_assign(c, job, w);
}

/* The one with the fewest jobs; who failed the last attempt only when there is no other. */
static const struct model_worker *worker_choose(struct coordinator *c, const struct model_job *job,
                                                bool *enrolled)
{
    const struct model_worker *best = NULL;
    size_t best_load = 0;
    list_for_each (link, &c->workers) {
        const struct model_worker *w = list_entry(link, struct model_worker, link);
        if (!w->enrolled || !text_equal(w->region, job->state.region)) continue;
        if (job->state.kind == JOB_BUILD && !w->builds) continue;
        *enrolled = true;
        if (!w->connected || w->drained || dispatch_before(w, job)) continue;
        size_t load = list_count(&w->jobs) * 2;
        if (text_equal(w->name, job->failed_worker)) load += WIRE_JOBS_MAX * 4;
        if (best && load >= best_load) continue;
        best = w;
        best_load = load;
    }
    return best;
}

static const char *nobody_text(struct coordinator *c, const struct model_job *job, bool enrolled)
{
    bool build = job->state.kind == JOB_BUILD;
    const char *what = !build     ? enrolled ? "no worker of region %s is connected"
                                             : "no worker is enrolled in region %s"
                       : enrolled ? "no worker of region %s that builds is free and connected"
                                  : "no worker that builds is enrolled in region %s: enrol one "
                                    "with --tag build=true";
    return arena_format(&c->out->arena, what, job->state.region);
}

static void floating_pending(struct coordinator *c, struct model_job *job)
{
    if (!c->fleet_generation) return;
    if (c->boot_ms < job->retry_boot_ms) {
        engine_wake_boot(c, job->retry_boot_ms);
        return;
    }
    bool enrolled = false, lost = false;
    const char *cause = job->state.kind == JOB_BUILD ? build_cause(c, job, &lost) : "";
    if (lost) {
        dispatch_end(c, job, STATUS_FAILED, cause, NULL);
        return;
    }
    if (cause[0]) {
        job_cause(c, job, cause);
        return;
    }
    const struct model_worker *w = worker_choose(c, job, &enrolled);
    if (w)
        job_assign(c, job, w);
    else if (job->state.kind == JOB_DELTA && c->now_ms >= delta_worker_end(job))
        dispatch_end(c, job, STATUS_FAILED, nobody_text(c, job, enrolled), NULL);
    else
        job_cause(c, job, nobody_text(c, job, enrolled));
    if (!w && job->state.kind == JOB_DELTA) engine_wake_wall(c, delta_worker_end(job));
}

/* ---- under way ---- */

static void job_send(struct coordinator *c, struct model_job *job, const struct model_worker *w)
{
    bool cancel = job->state.cancel, resume = resume_due(job);
    if (!w->connected || !id_equal(&w->welcomed, &job->state.incarnation)) return;
    if (job->accepted && !cancel && !resume) return;
    if (c->boot_ms >= job->send_boot_ms) {
        uint64_t wait_ms = c->config.offer_resend_ms;
        if (cancel && job->cancel_acked) wait_ms *= DISPATCH_BACKOFF;
        /* A worker, or a coordinator, that is behind is not helped by the same offer again: a
         * lost one is offered anew as soon as its worker says hello. */
        if (!cancel && !resume) wait_ms <<= job->offers;
        if (!cancel && !resume && job->offers < DISPATCH_OFFER_DOUBLINGS) job->offers++;
        job->send_boot_ms = c->boot_ms + wait_ms;
        if (cancel)
            offer_cancel(c, job, w);
        else if (resume)
            resume_send(c, job, w);
        else
            offer_send(c, job, w);
    }
    engine_wake_boot(c, job->send_boot_ms);
}

static void job_cancel(struct coordinator *c, struct model_job *job)
{
    job->state.cancel = true;
    job->send_boot_ms = c->boot_ms;
    journal_job(c, job);
}

/* P7: nobody has heard of the lease for as long as it can last on any clock. A worker that is
 * connected is asked instead. */
static bool lease_over(const struct coordinator *c, const struct model_job *job,
                       const struct model_worker *w)
{
    if (c->boot_ms < job->lease_boot_ms) return false;
    return !w->connected || !id_equal(&w->welcomed, &job->state.incarnation);
}

static void job_under_way(struct coordinator *c, struct model_job *job)
{
    const struct model_worker *w = model_worker_find(c, job->state.worker);
    enum status status;
    assert(w);
    if (job->state.kind == JOB_DEPLOY && worker_revoked(c, w, job)) {
        dispatch_end(c, job, STATUS_FAILED, "revoked: the worker is not enrolled here any more",
                     NULL);
        return;
    }
    if (!job->state.cancel && job_unwanted(c, job, &status)) job_cancel(c, job);
    if (!w->connected)
        job_cause(c, job, worker_cause(c, w));
    else if (!job->nacked)
        job_cause(c, job, resume_cause(c, job));
    job_send(c, job, w);
    if (job->state.kind == JOB_DEPLOY) return;
    if (lease_over(c, job, w))
        dispatch_again(c, job, "lease over: its worker was not heard of");
    else if (c->boot_ms < job->lease_boot_ms)
        engine_wake_boot(c, job->lease_boot_ms);
}

static void job_reconcile(struct coordinator *c, struct model_job *job)
{
    enum status status;
    if (job->state.status == STATUS_IN_PROGRESS) {
        job_under_way(c, job);
        return;
    }
    const char *unwanted = job_unwanted(c, job, &status);
    if (unwanted)
        dispatch_end(c, job, status, unwanted, NULL);
    else if (job->state.kind == JOB_DEPLOY)
        pinned_pending(c, job);
    else
        floating_pending(c, job);
}

void dispatch_reconcile(struct coordinator *c, struct model_execution *e)
{
    if (!e->definition) return;
    barrier_look(e);
    list_for_each (link, &e->jobs) {
        struct model_job *job = list_entry(link, struct model_job, link);
        if (!status_ended(job->state.status)) job_reconcile(c, job);
    }
}
