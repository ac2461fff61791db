#include "core/inbox.h"

#include "core/build.h"
#include "core/dispatch.h"
#include "core/engine.h"
#include "core/fleet.h"
#include "core/journal.h"
#include "core/variables.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void send_key(struct coordinator *c, const struct model_worker *w, enum message_type type,
                     const struct job_key *key)
{
    struct message *message = journal_send(c, w->name, w->session, type);
    if (type == MESSAGE_DROP)
        message->drop = *key;
    else
        message->result_ack = *key;
}

struct model_job *inbox_current(const struct coordinator *c, const struct model_worker *w,
                                const struct job_key *key)
{
    struct model_job *job = model_job_find(c, &key->job);
    if (!job || job->state.status != STATUS_IN_PROGRESS) return NULL;
    if (job->state.attempt != key->attempt) return NULL;
    if (fence_compare(job->state.fence, key->fence) != 0) return NULL;
    if (!text_equal(job->state.worker, w->name)) return NULL;
    return id_equal(&job->state.incarnation, &w->welcomed) ? job : NULL;
}

static struct model_job *job_current(const struct coordinator *c, const struct model_worker *w,
                                     const struct id *id, uint32_t attempt, struct fence fence)
{
    return inbox_current(c, w, &(struct job_key){ *id, attempt, fence });
}

/* ---- rows ---- */

/* True when the journal proves that the row's attempt is over. */
static bool row_over(struct coordinator *c, struct model_worker *w, const struct row *row)
{
    const struct model_job *job = model_job_find(c, &row->job);
    if (!job) {
        if (row->fence.epoch <= c->epoch) return true;
        fleet_alarm(c, w, "it holds jobs of a later epoch: this coordinator's state is old");
        return false;
    }
    if (!dispatch_attempt_over(job, row->attempt)) return false;
    /* Taken back, but it may have ended well: its result is on the way and still welcome. */
    bool again = job->state.status == STATUS_PENDING && job->state.attempt == row->attempt;
    return !again || row->state != ROW_ENDED;
}

static bool lease_due(const struct model_job *job)
{
    return job->state.kind != JOB_DEPLOY && !job->state.cancel;
}

size_t inbox_rows(struct coordinator *c, struct model_worker *w, const struct row *rows,
                  size_t count, uint64_t missing_resend_ms, struct row *leases)
{
    size_t lease_count = 0;
    list_for_each (link, &w->jobs) list_entry(link, struct model_job, worker_link)->listed = false;
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        struct model_job *job = job_current(c, w, &row->job, row->attempt, row->fence);
        if (!job && row_over(c, w, row))
            send_key(c, w, MESSAGE_DROP, &(struct job_key){ row->job, row->attempt, row->fence });
        if (!job) continue;
        job->listed = job->accepted = true;
        if (!leases || !lease_due(job)) continue;
        job->lease_boot_ms = dispatch_lease_end(c);
        leases[lease_count++] = *row;
    }
    /* What is not listed may have been lost on the way there: it is offered again, which is
     * always safe. */
    list_for_each (link, &w->jobs) {
        struct model_job *job = list_entry(link, struct model_job, worker_link);
        if (job->listed || job->state.status != STATUS_IN_PROGRESS) continue;
        if (!job->accepted && missing_resend_ms) continue;
        job->accepted = job->cancel_acked = false;
        if (!missing_resend_ms) job->offers = 0;
        job->send_boot_ms = c->boot_ms + missing_resend_ms;
        engine_wake_boot(c, job->send_boot_ms);
    }
    return lease_count;
}

void inbox_accept(struct coordinator *c, struct model_worker *w, const struct row *row)
{
    struct model_job *job = job_current(c, w, &row->job, row->attempt, row->fence);
    if (job) {
        if (job->nacked) c->changed = true;
        job->accepted = true;
        job->nacked = false;
    } else if (row_over(c, w, row)) {
        send_key(c, w, MESSAGE_DROP, &(struct job_key){ row->job, row->attempt, row->fence });
    }
}

void inbox_cancel_ack(struct coordinator *c, struct model_worker *w, const struct job_key *key)
{
    struct model_job *job = job_current(c, w, &key->job, key->attempt, key->fence);
    if (job && job->state.cancel) job->cancel_acked = true;
}

/* ---- refusals ---- */

static const char *nack_text(enum nack_reason reason)
{
    switch (reason) {
    case NACK_STALE: return "has seen a later fence for the target";
    case NACK_EPOCH:
        return "has obeyed a later coordinator: this one was replaced, or its state "
               "was restored from a backup";
    case NACK_AUDIENCE: return "is another incarnation than the one the job was given to";
    case NACK_EXPIRED: return "received the offer after its time: compare the hosts' clocks";
    case NACK_SIGNATURE: return "does not know our dispatch key: give it the coordinator's key";
    case NACK_FULL: return "holds as many jobs as it can";
    }
    assert(false);
    return "";
}

void inbox_nack(struct coordinator *c, struct model_worker *w, const struct nack *nack)
{
    const char *why = nack_text(nack->reason);
    /* Assigned in an earlier epoch of ours, not accepted then: the worker, which has seen the
     * present epoch, does not hold it and never takes it any more. As good a proof as P5. */
    bool outdated = nack->reason == NACK_EPOCH && nack->fence.epoch < c->epoch;
    bool ours = nack->reason == NACK_SIGNATURE || (nack->reason == NACK_EPOCH && !outdated);
    journal_note(c, ours ? NOTE_ERROR : NOTE_WARNING,
                 "nack=%s worker=%s job=%s attempt=%u: the "
                 "worker %s",
                 nack_reason_name(nack->reason), w->name, nack->job.text, (unsigned)nack->attempt,
                 why);
    if (ours || nack->reason == NACK_EXPIRED) fleet_alarm(c, w, why);
    if (!id_equal(&nack->incarnation, &w->welcomed)) return;
    struct model_job *job = job_current(c, w, &nack->job, nack->attempt, nack->fence);
    if (!job) return;
    if (nack->reason == NACK_STALE || outdated) { /* P5: it never started there */
        dispatch_again(c, job,
                       outdated ? "assigned before a restart: offered anew"
                                : "the worker has seen a later fence: offered anew");
        return;
    }
    job->nacked = true;
    job->accepted = false;
    model_format(&job->state.cause, "worker %s %s", w->name, why);
    job->send_boot_ms = c->boot_ms + (uint64_t)c->config.offer_resend_ms * DISPATCH_BACKOFF;
    c->changed = true;
}

/* ---- lifecycle events ---- */

static struct lifecycle_report *report_slot(struct job_state *job, enum lifecycle_event event)
{
    for (size_t i = 0; i < job->event_count; i++)
        if (job->events[i].event == event) return &job->events[i];
    if (job->event_count == WIRE_EVENTS_MAX) return NULL;
    struct lifecycle_report *slot = &job->events[job->event_count++];
    *slot = (struct lifecycle_report){ .event = event, .status = STATUS_PENDING };
    return slot;
}

/* Hints may be late or doubled: a report only moves forward, and each change is told once. */
void inbox_report(struct coordinator *c, struct model_job *job,
                  const struct lifecycle_report *report)
{
    struct lifecycle_report *slot = report_slot(&job->state, report->event);
    if (!slot) return;
    /* After the operator's word an interrupted event goes on. */
    bool again = slot->status == STATUS_UNKNOWN && job->state.interruption.verb != RESUME_NONE;
    bool forward = report->status != slot->status && (again || !status_ended(slot->status)) &&
                   report->status != STATUS_PENDING;
    if (!forward) return;
    uint64_t started_ms = report->started_ms ? report->started_ms : slot->started_ms;
    *slot = *report;
    slot->started_ms = started_ms;
    journal_job_hint(c, job);
    journal_event_lifecycle(c, job, slot);
}

void inbox_progress(struct coordinator *c, struct model_worker *w, const struct progress *progress)
{
    struct model_job *job = model_job_find(c, &progress->job);
    if (!job || job->state.status != STATUS_IN_PROGRESS) return;
    if (job->state.attempt != progress->attempt || !text_equal(job->state.worker, w->name)) return;
    if (!id_equal(&job->state.incarnation, &w->welcomed)) return;
    job->state.done = progress->done;
    job->state.total = progress->total;
    /* Volatile, as these: told again with the next hint. */
    if (model_text(&job->waits, progress->waits)) c->changed = true;
    inbox_report(c, job, &progress->report);
}

/* ---- results ---- */

static const char *result_cause(struct coordinator *c, const struct result *result)
{
    struct arena *arena = &c->out->arena;
    const char *message = result->diagnostics.message;
    if (result->status == STATUS_SUCCEEDED) return "";
    if (result->status == STATUS_STOPPED && !message[0]) return "stopped on request";
    if (result->event_count == 0) return arena_text(arena, message);
    return arena_format(arena, "%s %s (%s)%s%s", lifecycle_event_name(result->failed_event),
                        status_name(result->status), lifecycle_error_name(result->diagnostics.code),
                        message[0] ? ": " : "", message);
}

static void result_keep(struct coordinator *c, struct model_job *job, const struct result *result)
{
    struct diagnostics *to = &job->state.diagnostics;
    for (size_t i = 0; i < result->event_count; i++) inbox_report(c, job, &result->events[i]);
    job->state.failed_event = result->failed_event;
    to->code = result->diagnostics.code;
    model_text(&to->script, result->diagnostics.script);
    model_text(&to->message, result->diagnostics.message);
    model_text(&to->log_tail, result->diagnostics.log_tail);
}

static void result_take(struct coordinator *c, struct model_job *job, const struct result *result)
{
    const char *cause = result_cause(c, result);
    bool good = result->status == STATUS_SUCCEEDED;
    result_keep(c, job, result);
    if (job->state.kind == JOB_REPLICATE && good && !result->version_id[0]) {
        good = false;
        cause = "the worker did not say which version it wrote";
    }
    enum status status = result->status;
    if (job->state.kind == JOB_BUILD && good && !build_result_complete(job, result)) {
        status = STATUS_FAILED;
        cause = "the worker did not say which versions of the output artifacts it wrote";
    } else if (job->state.kind == JOB_BUILD && good && !variables_take(c, job, result)) {
        status = STATUS_FAILED;
        cause = "OutputVariablesSizeExceededException: the output variables of an execution have "
                "122880 bytes at most, with these they are more";
    }
    /* A build or a delta that failed would fail again; one that was lost with its host may not. */
    bool final = job->state.kind == JOB_DEPLOY ||
                 (job->state.kind != JOB_REPLICATE && status != STATUS_UNKNOWN);
    if (final || good)
        dispatch_end(c, job, status, cause, result);
    else if (job->state.status == STATUS_IN_PROGRESS)
        dispatch_again(c, job, cause);
}

void inbox_result(struct coordinator *c, struct model_worker *w, const struct result *result)
{
    const struct job_key key = { result->job, result->attempt, result->fence };
    struct model_job *job = model_job_find(c, &result->job);
    if (!job) {
        const struct row row = { result->job, result->attempt, result->fence, ROW_ENDED };
        if (row_over(c, w, &row)) send_key(c, w, MESSAGE_RESULT_ACK, &key);
        return;
    }
    const struct job_state *state = &job->state;
    if (state->attempt > result->attempt) {
        send_key(c, w, MESSAGE_DROP, &key);
        return;
    }
    bool ours = state->attempt == result->attempt &&
                fence_compare(state->fence, result->fence) == 0 &&
                text_equal(state->worker, w->name) && id_equal(&state->incarnation, &w->welcomed);
    if (!ours) {
        journal_note(c, NOTE_ERROR,
                     "worker=%s job=%s attempt=%u: a result that is not its own is "
                     "ignored",
                     w->name, result->job.text, (unsigned)result->attempt);
        return;
    }
    if (!status_ended(state->status)) result_take(c, job, result);
    send_key(c, w, MESSAGE_RESULT_ACK, &key);
}

void inbox_new_incarnation(struct coordinator *c, struct model_worker *w)
{
    for (struct list *link = w->jobs.next, *next; link != &w->jobs; link = next) {
        next = link->next;
        struct model_job *job = list_entry(link, struct model_job, worker_link);
        if (job->state.status != STATUS_IN_PROGRESS || job->state.kind != JOB_DEPLOY) continue;
        if (id_equal(&job->state.incarnation, &w->welcomed)) continue;
        job->state.diagnostics.code = LIFECYCLE_FAILED_AFTER_RESTART;
        model_format(&job->state.diagnostics.message,
                     "the host came back without the state it had when attempt %u was given to "
                     "it: it cannot be known which hooks have run; look at it, then deploy again",
                     (unsigned)job->state.attempt);
        dispatch_end(c, job, STATUS_UNKNOWN, job->state.diagnostics.message, NULL);
    }
}
