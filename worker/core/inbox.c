#include "core/inbox.h"

#include "core/actions.h"
#include "core/checkpoint.h"
#include "core/interruption.h"
#include "core/job.h"
#include "core/keep.h"
#include "core/lease.h"
#include "core/lifecycle.h"
#include "core/outbox.h"

#include <assert.h>

/* ---- offers -------------------------------------------------------------------------------- */

static void inbox_answer(struct worker *w, struct task *task, struct worker_actions *out)
{
    if (task->record.row.state == ROW_ENDED)
        outbox_result(w, task, out);
    else
        outbox_accept(w, task, out);
}

static bool inbox_fence_seen(const struct worker *w, const char *target, struct fence fence)
{
    const struct target *found = model_find_target(w, target);
    return found && fence_compare(fence, found->record.fence_max) <= 0;
}

/* NACK_REASON_COUNT when there is nothing against the offer. */
static enum nack_reason inbox_refusal(const struct worker *w, const struct job *job)
{
    uint64_t now = w->now_ms > w->signed_ms ? w->now_ms : w->signed_ms;
    if (job->fence.epoch < w->self.epoch_max) return NACK_EPOCH;
    if (!text_equal(job->worker, w->config.name)) return NACK_AUDIENCE;
    if (!id_equal(&job->incarnation, &w->self.incarnation)) return NACK_AUDIENCE;
    if (now > job->expires_ms) return NACK_EXPIRED;
    if (inbox_fence_seen(w, job->target, job->fence)) return NACK_STALE;
    if (w->task_count >= WIRE_ROWS_MAX) return NACK_FULL;
    return NACK_REASON_COUNT;
}

static struct task *inbox_add(struct worker *w, const struct row_record *record,
                              struct worker_actions *out)
{
    struct task *task = model_add_task(w, record);
    if (record->job->timeout_ms) task->overdue_boot_ms = w->boot_ms + record->job->timeout_ms;
    task->changed = true;
    struct target *target = model_need_target(w, record->job->target);
    target->record.fence_max = record->row.fence;
    checkpoint_put_target(target, out);
    actions_note(out, NOTE_INFO, "job=%s attempt=%u target=%s: accepted", record->row.job.text,
                 (unsigned)record->row.attempt, record->job->target);
    return task;
}

static struct row_record inbox_record(const struct worker *w, const struct job *job,
                                      struct bytes signed_job)
{
    return (struct row_record){
        .row = { .job = job->id,
                 .attempt = job->attempt,
                 .fence = job->fence,
                 .state = ROW_ACCEPTED },
        .signed_job = signed_job,
        .job = job,
        .accepted_boot_ms = w->boot_ms,
        .accepted_ms = w->now_ms,
        .boot = w->boot,
        .run = 1,
        .step_state = STEP_NOT_BEGUN,
    };
}

static void inbox_plan(struct row_record *record, const enum lifecycle_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        record->events[record->event_count++] =
            (struct lifecycle_report){ .event = events[i], .status = STATUS_PENDING };
}

/* Once a newer attempt is accepted, no older one of the same job goes on. */
static void inbox_end_older_attempts(struct worker *w, const struct job *job)
{
    list_for_each (link, &w->tasks) {
        struct task *task = list_entry(link, struct task, link);
        if (id_equal(&task->record.row.job, &job->id) && task->record.row.attempt < job->attempt)
            job_cancel(task);
    }
}

static void inbox_offer(struct worker *w, const struct offer *offer, struct worker_actions *out)
{
    const struct job *job = offer->job;
    if (!job) {
        outbox_nack(w, NULL, NACK_SIGNATURE, out);
        return;
    }
    if (job->issued_ms > w->signed_ms) w->signed_ms = job->issued_ms;
    struct task *held = model_find_task(w, &job->id, job->attempt);
    if (held) {
        inbox_answer(w, held, out);
        return;
    }
    enum nack_reason refusal = inbox_refusal(w, job);
    if (refusal != NACK_REASON_COUNT) {
        outbox_nack(w, job, refusal, out);
        return;
    }
    struct row_record record = inbox_record(w, job, offer->signed_job);
    enum lifecycle_event events[WIRE_EVENTS_MAX];
    inbox_plan(&record, events, lifecycle_plan(job->kind, job->traffic_control, events));
    struct task *task = inbox_add(w, &record, out);
    checkpoint_see_epoch(w, job->fence.epoch, out);
    inbox_end_older_attempts(w, job);
    outbox_accept(w, task, out);
    if (task_floating(task)) outbox_heartbeat_now(w); /* its lease begins with the echo */
}

void inbox_local_job(struct worker *w, const struct worker_event *event, struct worker_actions *out)
{
    const struct job *job = event->local.job;
    assert(w->config.local);
    if (model_find_task(w, &job->id, job->attempt)) return;
    struct row_record record = inbox_record(w, job, event->local.signed_job);
    enum lifecycle_event plan[WIRE_EVENTS_MAX];
    size_t count = 0;
    if (event->local.event_count == 0) count = lifecycle_plan(job->kind, true, plan);
    for (size_t i = 0; i < event->local.event_count; i++) {
        const struct lifecycle_row *row = lifecycle_find(job->kind, event->local.events[i]);
        if (!row || row->when == AFTER_FAILURE || count == WIRE_EVENTS_MAX) {
            actions_note(out, NOTE_WARNING, "job=%s: %s does not run on a host", job->id.text,
                         lifecycle_event_name(event->local.events[i]));
            continue;
        }
        plan[count++] = event->local.events[i];
    }
    if (count == 0) return;
    inbox_plan(&record, plan, count);
    inbox_add(w, &record, out);
}

/* ---- ends ---------------------------------------------------------------------------------- */

/* Never seen here, or over and forgotten: with the raised fence it can never start, so that its
 * result is certain. Nothing but the fence has to be remembered: the cancel is repeated until the
 * coordinator has the answer. */
static void inbox_cancel_unknown(struct worker *w, const struct cancel *cancel,
                                 struct worker_actions *out)
{
    struct target *target = model_need_target(w, cancel->target);
    if (fence_compare(cancel->key.fence, target->record.fence_max) > 0) {
        target->record.fence_max = cancel->key.fence;
        checkpoint_put_target(target, out);
    }
    outbox_never_started(w, &cancel->key, out);
}

static void inbox_cancel(struct worker *w, const struct signed_cancel *message,
                         struct worker_actions *out)
{
    const struct cancel *cancel = message->cancel;
    if (!cancel) {
        actions_note(out, NOTE_WARNING, "a cancel without a good signature is ignored");
        return;
    }
    if (!text_equal(cancel->worker, w->config.name) ||
        !id_equal(&cancel->incarnation, &w->self.incarnation) ||
        cancel->epoch < w->self.epoch_max) {
        actions_note(out, NOTE_WARNING, "job=%s: a cancel that is not for us is ignored",
                     cancel->key.job.text);
        return;
    }
    checkpoint_see_epoch(w, cancel->epoch, out);
    struct task *task = model_find_task(w, &cancel->key.job, cancel->key.attempt);
    outbox_cancel_ack(w, &cancel->key, out);
    if (!task) {
        inbox_cancel_unknown(w, cancel, out);
        return;
    }
    job_cancel(task);
    task->result_at_boot_ms = w->boot_ms;
}

static void inbox_result_ack(struct worker *w, const struct job_key *key,
                             struct worker_actions *out)
{
    struct task *task = model_find_task(w, &key->job, key->attempt);
    if (!task || task->record.row.state != ROW_ENDED) return;
    task->dropped = true;
    if (!keep_open(task)) checkpoint_delete(w, task, out);
}

/* The journal has gone on without this attempt. Its cancel is durable, so that a restart between
 * the step's end and the deletion begins nothing. */
static void inbox_drop(struct worker *w, const struct job_key *key, struct worker_actions *out)
{
    struct task *task = model_find_task(w, &key->job, key->attempt);
    if (!task) return;
    if (!task_running(task) && !keep_open(task)) {
        checkpoint_delete(w, task, out);
        return;
    }
    job_cancel(task);
    task->dropped = true;
}

static void inbox_welcome(struct worker *w, const struct welcome *welcome,
                          struct worker_actions *out)
{
    if (!id_equal(&welcome->incarnation, &w->self.incarnation)) return;
    if (welcome->epoch < w->self.epoch_max || w->link == LINK_DOWN) return;
    checkpoint_see_epoch(w, welcome->epoch, out);
    outbox_welcomed(w, welcome, out);
}

void inbox_message(struct worker *w, const struct message *message, struct worker_actions *out)
{
    w->heard_boot_ms = w->boot_ms;
    switch (message->type) {
    case MESSAGE_WELCOME: inbox_welcome(w, &message->welcome, out); break;
    case MESSAGE_REFUSAL: outbox_refused(w, &message->refusal, out); break;
    case MESSAGE_OFFER: inbox_offer(w, &message->offer, out); break;
    case MESSAGE_LEASE: lease_extend(w, &message->lease, out); break;
    case MESSAGE_RESULT_ACK: inbox_result_ack(w, &message->result_ack, out); break;
    case MESSAGE_DROP: inbox_drop(w, &message->drop, out); break;
    case MESSAGE_CANCEL: inbox_cancel(w, &message->cancel, out); break;
    case MESSAGE_INTERRUPTED_ACK: interruption_acked(w, &message->interrupted_ack); break;
    case MESSAGE_RESUME: interruption_resume(w, &message->resume, out); break;
    /* Answered by the shell, or the worker's own words. */
    case MESSAGE_LOG_REQUEST:
    case MESSAGE_LOG_CHUNK:
    case MESSAGE_HELLO:
    case MESSAGE_ACCEPT:
    case MESSAGE_NACK:
    case MESSAGE_HEARTBEAT:
    case MESSAGE_PROGRESS:
    case MESSAGE_RESULT:
    case MESSAGE_CANCEL_ACK:
    case MESSAGE_INTERRUPTED:
    case MESSAGE_RESUME_ACK:
    case MESSAGE_REQUEST:
    case MESSAGE_REPLY: break;
    }
}
