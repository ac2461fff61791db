#include "core/outbox.h"

#include "core/actions.h"
#include "core/copy.h"
#include "core/hold.h"
#include "core/interruption.h"

#include <assert.h>

/* What a coordinator may tell; anything else is its mistake and would stop or flood us. */
enum { HEARTBEAT_MIN_MS = 100, HEARTBEAT_MAX_MS = 60000, HEARTBEAT_DEFAULT_MS = 1000 };

static bool outbox_open(const struct worker *w)
{
    return w->link != LINK_DOWN && !w->config.local;
}

static const struct row *outbox_rows(const struct worker *w, struct worker_actions *out)
{
    struct row *rows = arena_calloc(&out->arena, w->task_count + 1, sizeof *rows);
    size_t count = 0;
    list_for_each (link, (struct list *)&w->tasks)
        rows[count++] = list_entry(link, struct task, link)->record.row;
    assert(count == w->task_count);
    return rows;
}

static void outbox_hello(struct worker *w, struct worker_actions *out)
{
    const struct row *rows = outbox_rows(w, out);
    actions_send(out, MESSAGE_HELLO)->hello =
        (struct hello){ .name = arena_text(&out->arena, w->config.name),
                        .region = arena_text(&out->arena, w->config.region),
                        .incarnation = w->self.incarnation,
                        .boot = w->boot,
                        .version = arena_text(&out->arena, w->config.version),
                        .epoch_max = w->self.epoch_max,
                        .rows = rows,
                        .row_count = w->task_count };
    w->hello_at_boot_ms = w->boot_ms + w->config.resend_ms;
}

static void outbox_heartbeat(struct worker *w, struct worker_actions *out)
{
    const struct row *rows = outbox_rows(w, out);
    actions_send(out, MESSAGE_HEARTBEAT)->heartbeat =
        (struct heartbeat){ .boot_ms = w->boot_ms,
                            .incarnation = w->self.incarnation,
                            .rows = rows,
                            .row_count = w->task_count };
    w->heartbeat_at_boot_ms = w->boot_ms + w->heartbeat_ms;
}

static void outbox_say_hello_at(struct worker *w, uint64_t boot_ms)
{
    w->link = LINK_HELLO;
    w->hello_at_boot_ms = boot_ms;
}

void outbox_connected(struct worker *w)
{
    if (!w->config.local) outbox_say_hello_at(w, w->boot_ms);
}

void outbox_welcomed(struct worker *w, const struct welcome *welcome, struct worker_actions *out)
{
    bool anew = w->link != LINK_WELCOMED;
    w->link = LINK_WELCOMED;
    w->heartbeat_ms = welcome->heartbeat_ms;
    if (w->heartbeat_ms < HEARTBEAT_MIN_MS || w->heartbeat_ms > HEARTBEAT_MAX_MS)
        w->heartbeat_ms = HEARTBEAT_DEFAULT_MS;
    w->lease_ms = welcome->lease_ms;
    if (!anew) return;
    w->heartbeat_at_boot_ms = w->boot_ms;
    list_for_each (link, &w->tasks) {
        struct task *task = list_entry(link, struct task, link);
        task->result_at_boot_ms = w->boot_ms;
        task->told = false;
    }
    actions_note(out, NOTE_INFO, "worker=%s epoch=%llu: welcomed", w->config.name,
                 (unsigned long long)welcome->epoch);
}

void outbox_refused(struct worker *w, const struct refusal *refusal, struct worker_actions *out)
{
    if (text_equal(refusal->cause, "hello first")) {
        /* A hello that is already under way answers this one, too. */
        if (w->link == LINK_WELCOMED) outbox_say_hello_at(w, w->boot_ms);
        return;
    }
    actions_note(out, NOTE_ERROR, "worker=%s: the coordinator refuses us: %s", w->config.name,
                 refusal->cause);
    outbox_say_hello_at(w, w->boot_ms + OUTBOX_REFUSED_MS);
}

void outbox_heartbeat_now(struct worker *w)
{
    w->heartbeat_at_boot_ms = w->boot_ms;
}

void outbox_accept(const struct worker *w, const struct task *task, struct worker_actions *out)
{
    if (!outbox_open(w)) return;
    actions_send(out, MESSAGE_ACCEPT)->accept.row = task->record.row;
}

void outbox_nack(const struct worker *w, const struct job *job, enum nack_reason reason,
                 struct worker_actions *out)
{
    actions_note(out, NOTE_WARNING, "job=%s attempt=%u: offer refused: %s", job ? job->id.text : "",
                 job ? (unsigned)job->attempt : 0u, nack_reason_name(reason));
    if (!outbox_open(w)) return;
    struct nack *nack = &actions_send(out, MESSAGE_NACK)->nack;
    nack->incarnation = w->self.incarnation;
    nack->reason = reason;
    if (!job) return;
    nack->job = job->id;
    nack->attempt = job->attempt;
    nack->fence = job->fence;
}

void outbox_cancel_ack(const struct worker *w, const struct job_key *key,
                       struct worker_actions *out)
{
    if (outbox_open(w)) actions_send(out, MESSAGE_CANCEL_ACK)->cancel_ack = *key;
}

void outbox_never_started(const struct worker *w, const struct job_key *key,
                          struct worker_actions *out)
{
    if (!outbox_open(w)) return;
    actions_send(out, MESSAGE_RESULT)->result = (struct result){
        .job = key->job,
        .attempt = key->attempt,
        .fence = key->fence,
        .status = STATUS_STOPPED,
        .diagnostics = { .script = "",
                         .message = "stopped on request before it was begun",
                         .log_tail = "" },
        .version_id = "",
        .note = "",
        .ended_ms = w->now_ms,
    };
}

void outbox_result(struct worker *w, struct task *task, struct worker_actions *out)
{
    assert(task->record.row.state == ROW_ENDED);
    task->result_at_boot_ms = w->boot_ms + w->config.resend_ms;
    if (!outbox_open(w)) return;
    struct result result = copy_result(&out->arena, &task->record.result);
    actions_send(out, MESSAGE_RESULT)->result = result;
}

void outbox_hint(const struct worker *w, const struct task *task, uint64_t done, uint64_t total,
                 const char *waits, struct worker_actions *out)
{
    if (w->link != LINK_WELCOMED || w->config.local) return;
    assert(task->record.step < task->record.event_count);
    actions_send(out, MESSAGE_PROGRESS)->progress =
        (struct progress){ .job = task->record.row.job,
                           .attempt = task->record.row.attempt,
                           .report = task->record.events[task->record.step],
                           .done = done,
                           .total = total,
                           .waits = arena_text(&out->arena, waits ? waits : "") };
}

static uint64_t outbox_silence_end(const struct worker *w)
{
    return w->heard_boot_ms + (uint64_t)w->heartbeat_ms * OUTBOX_SILENCE_HEARTBEATS;
}

/* It has something to say that is repeated until it is acknowledged. */
static bool outbox_waits(const struct task *task)
{
    if (interruption_waits(task) || hold_waits(task)) return !task->told;
    return task->record.row.state == ROW_ENDED && !task->dropped;
}

void outbox_decide(struct worker *w, struct worker_actions *out)
{
    if (!outbox_open(w)) return;
    if (w->link == LINK_WELCOMED && w->boot_ms >= outbox_silence_end(w)) {
        actions_note(out, NOTE_WARNING, "worker=%s: the coordinator is silent", w->config.name);
        outbox_say_hello_at(w, w->boot_ms);
    }
    if (w->link == LINK_HELLO) {
        if (w->boot_ms >= w->hello_at_boot_ms) outbox_hello(w, out);
        return;
    }
    list_for_each (link, &w->tasks) {
        struct task *task = list_entry(link, struct task, link);
        if (!outbox_waits(task) || w->boot_ms < task->result_at_boot_ms) continue;
        if (interruption_waits(task) || hold_waits(task))
            interruption_say(w, task, out);
        else
            outbox_result(w, task, out);
    }
    if (w->boot_ms >= w->heartbeat_at_boot_ms) outbox_heartbeat(w, out);
}

uint64_t outbox_deadline(const struct worker *w)
{
    if (!outbox_open(w)) return UINT64_MAX;
    if (w->link == LINK_HELLO) return w->hello_at_boot_ms;
    uint64_t at = w->heartbeat_at_boot_ms;
    if (outbox_silence_end(w) < at) at = outbox_silence_end(w);
    list_for_each (link, (struct list *)&w->tasks) {
        const struct task *task = list_entry(link, struct task, link);
        if (outbox_waits(task) && task->result_at_boot_ms < at) at = task->result_at_boot_ms;
    }
    return at;
}
