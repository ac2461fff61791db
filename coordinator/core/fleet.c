#include "core/fleet.h"

#include "core/engine.h"
#include "core/inbox.h"
#include "core/journal.h"
#include "core/resume.h"

#include <assert.h>

void fleet_alarm(struct coordinator *c, struct model_worker *w, const char *text)
{
    if (model_text(&w->alarm, text))
        journal_note(c, NOTE_ERROR, "alarm worker=%s: %s", w->name, text);
    w->alarm_boot_ms = c->boot_ms;
}

const char *fleet_alarm_of(const struct coordinator *c, const struct model_worker *w)
{
    return c->boot_ms - w->alarm_boot_ms < FLEET_ALARM_MS ? w->alarm : "";
}

/* ---- the registry ---- */

static bool enrol(struct coordinator *c, const struct enrolled_worker *from)
{
    struct model_worker *w = model_worker_make(c, from->name);
    bool moved = model_text(&w->region, from->region);
    if (moved) w->connected = w->greeted = false; /* its hello named another region */
    w->enrolled = true;
    bool same = w->builds == from->builds && w->builds_only == from->builds_only;
    if (model_tags(w, from->tags, from->tag_count)) same = false;
    w->builds = from->builds;
    w->builds_only = from->builds_only;
    return moved || !same || !w->enrolled_before;
}

void fleet_event(struct coordinator *c, const struct coordinator_event *event)
{
    bool changed = c->fleet_generation == 0;
    list_for_each (link, &c->workers) {
        struct model_worker *w = list_entry(link, struct model_worker, link);
        w->enrolled_before = w->enrolled;
        w->enrolled = false;
    }
    for (size_t i = 0; i < event->fleet.count; i++)
        if (enrol(c, &event->fleet.workers[i])) changed = true;
    list_for_each (link, &c->workers) {
        struct model_worker *w = list_entry(link, struct model_worker, link);
        if (w->enrolled_before && !w->enrolled) {
            changed = true;
            w->connected = w->greeted = false;
            w->lost_ms = c->now_ms;
            journal_note(c, NOTE_WARNING, "revoked worker=%s region=%s", w->name, w->region);
        }
        if (!w->enrolled_before && w->enrolled) w->lost_ms = c->now_ms;
    }
    if (!changed) return;
    c->fleet_generation++;
    c->changed = true;
}

/* ---- sessions ---- */

static void refuse(struct coordinator *c, const struct model_worker *w, uint64_t session,
                   const char *cause)
{
    const char *copy = arena_text(&c->out->arena, cause);
    journal_send(c, w->name, session, MESSAGE_REFUSAL)->refusal.cause = copy;
}

static void heard(struct coordinator *c, struct model_worker *w)
{
    w->seen_ms = c->now_ms;
    w->seen_boot_ms = c->boot_ms;
    if (w->connected) return;
    w->connected = true;
    c->changed = true;
    journal_note(c, NOTE_INFO, "connected worker=%s region=%s", w->name, w->region);
}

static bool heard_lately(const struct coordinator *c, const struct model_worker *w)
{
    return w->connected && c->boot_ms - w->seen_boot_ms < FLEET_SILENT_MS;
}

static bool session_retired(const struct model_worker *w, uint64_t session)
{
    for (size_t i = 0; i < w->retired_count; i++)
        if (w->retired[i] == session) return true;
    return false;
}

static void session_retire(struct model_worker *w)
{
    if (w->retired_count == MODEL_SESSIONS_RETIRED) {
        for (size_t i = 1; i < w->retired_count; i++) w->retired[i - 1] = w->retired[i];
        w->retired_count--;
    }
    w->retired[w->retired_count++] = w->session;
}

/* NULL when the hello is welcome. */
static const char *hello_refusal(struct coordinator *c, struct model_worker *w, uint64_t session,
                                 const struct hello *hello)
{
    struct arena *arena = &c->out->arena;
    bool other = w->greeted && !id_equal(&hello->incarnation, &w->welcomed);
    if (!text_equal(hello->name, w->name) || !text_equal(hello->region, w->region))
        return arena_format(arena,
                            "this key is enrolled for worker %s in region %s, not for %s in "
                            "%s: correct the worker's configuration or its enrolment",
                            w->name, w->region, hello->name, hello->region);
    if (other && heard_lately(c, w)) {
        fleet_alarm(c, w, "two workers use this name: stop one of them");
        return "another worker with this name and key is connected: stop one of them; a worker "
               "whose state folder was emptied is let in after a few seconds";
    }
    if (other && session != w->session && session_retired(w, session))
        return "this connection was replaced by another worker with this name: start again";
    return NULL;
}

static void take_over(struct coordinator *c, struct model_worker *w, uint64_t session,
                      const struct hello *hello)
{
    if (w->greeted && w->session != session) session_retire(w);
    w->welcomed = hello->incarnation;
    journal_worker(c, w);
    inbox_new_incarnation(c, w);
    c->changed = true;
}

static void hello_take(struct coordinator *c, struct model_worker *w, uint64_t session,
                       const struct hello *hello)
{
    const char *refusal = hello_refusal(c, w, session, hello);
    if (refusal) {
        journal_note(c, NOTE_WARNING, "refused worker=%s: %s", w->name, refusal);
        refuse(c, w, session, refusal);
        return;
    }
    if (!id_equal(&hello->incarnation, &w->welcomed)) take_over(c, w, session, hello);
    w->session = session;
    w->greeted = true;
    model_text(&w->version, hello->version);
    heard(c, w);
    if (hello->epoch_max > c->epoch)
        fleet_alarm(c, w,
                    "it has obeyed a later coordinator: this one was replaced, or its state "
                    "was restored from a backup");
    journal_send(c, w->name, session, MESSAGE_WELCOME)->welcome =
        (struct welcome){ .epoch = c->epoch,
                          .heartbeat_ms = c->config.heartbeat_ms,
                          .lease_ms = c->config.lease_ms,
                          .incarnation = w->welcomed };
    inbox_rows(c, w, hello->rows, hello->row_count, 0, NULL);
    c->changed = true;
}

static void heartbeat_take(struct coordinator *c, struct model_worker *w,
                           const struct heartbeat *heartbeat)
{
    struct row *rows = arena_calloc(&c->out->arena, heartbeat->row_count, sizeof *rows);
    size_t count =
        inbox_rows(c, w, heartbeat->rows, heartbeat->row_count, c->config.offer_resend_ms, rows);
    journal_send(c, w->name, w->session, MESSAGE_LEASE)->lease = (struct lease){
        .boot_ms = heartbeat->boot_ms, .epoch = c->epoch, .rows = rows, .row_count = count
    };
}

void fleet_message(struct coordinator *c, const struct coordinator_event *event)
{
    const struct message *message = event->message.message;
    struct model_worker *w = model_worker_find(c, event->message.worker);
    uint64_t session = event->message.session;
    if (!w || !w->enrolled) return;
    if (message->type == MESSAGE_HELLO) {
        hello_take(c, w, session, &message->hello);
        return;
    }
    bool current = w->greeted && session == w->session;
    if (message->type == MESSAGE_HEARTBEAT)
        current = current && id_equal(&message->heartbeat.incarnation, &w->welcomed);
    if (!current) {
        if (message->type == MESSAGE_HEARTBEAT) refuse(c, w, session, "hello first");
        return;
    }
    heard(c, w);
    switch (message->type) {
    case MESSAGE_HEARTBEAT: heartbeat_take(c, w, &message->heartbeat); break;
    case MESSAGE_ACCEPT: inbox_accept(c, w, &message->accept.row); break;
    case MESSAGE_NACK: inbox_nack(c, w, &message->nack); break;
    case MESSAGE_PROGRESS: inbox_progress(c, w, &message->progress); break;
    case MESSAGE_RESULT: inbox_result(c, w, &message->result); break;
    case MESSAGE_CANCEL_ACK: inbox_cancel_ack(c, w, &message->cancel_ack); break;
    case MESSAGE_INTERRUPTED: resume_interrupted(c, w, &message->interrupted); break;
    case MESSAGE_RESUME_ACK: resume_obeyed(c, w, &message->resume_ack); break;
    /* The shell's own, or the coordinator's words. */
    case MESSAGE_HELLO:
    case MESSAGE_LOG_REQUEST:
    case MESSAGE_LOG_CHUNK:
    case MESSAGE_WELCOME:
    case MESSAGE_REFUSAL:
    case MESSAGE_OFFER:
    case MESSAGE_LEASE:
    case MESSAGE_RESULT_ACK:
    case MESSAGE_DROP:
    case MESSAGE_CANCEL:
    case MESSAGE_INTERRUPTED_ACK:
    case MESSAGE_RESUME:
    case MESSAGE_REQUEST:
    case MESSAGE_REPLY: break;
    }
}

void fleet_reconcile(struct coordinator *c)
{
    list_for_each (link, &c->workers) {
        struct model_worker *w = list_entry(link, struct model_worker, link);
        if (!w->connected) continue;
        if (heard_lately(c, w)) {
            engine_wake_boot(c, w->seen_boot_ms + FLEET_SILENT_MS);
            continue;
        }
        w->connected = false;
        w->lost_ms = w->seen_ms;
        c->changed = true;
        journal_note(c, NOTE_WARNING, "lost worker=%s region=%s: not heard of for %u ms", w->name,
                     w->region, (unsigned)FLEET_SILENT_MS);
    }
}
