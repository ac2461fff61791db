#include "core/journal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NOTE_MAX = 2048 };

struct coordinator_action *journal_action(struct coordinator *c, enum coordinator_action_type type)
{
    struct coordinator_actions *out = c->out;
    if (out->count == out->cap) {
        out->cap = out->cap ? out->cap * 2 : 16;
        out->at = xrealloc(out->at, out->cap * sizeof *out->at);
    }
    struct coordinator_action *action = &out->at[out->count++];
    memset(action, 0, sizeof *action);
    action->type = type;
    return action;
}

struct record *journal_put(struct coordinator *c, enum record_kind kind)
{
    struct record *record = &journal_action(c, COORDINATOR_PUT)->put;
    record->kind = kind;
    return record;
}

void journal_delete(struct coordinator *c, const struct record *record)
{
    record_key(record, journal_action(c, COORDINATOR_DELETE)->delete_key);
}

struct message *journal_send(struct coordinator *c, const char *worker, uint64_t session,
                             enum message_type type)
{
    struct coordinator_action *action = journal_action(c, COORDINATOR_SEND);
    action->send.worker = arena_text(&c->out->arena, worker);
    action->send.session = session;
    action->send.message.type = type;
    return &action->send.message;
}

void journal_job_hint(struct coordinator *c, struct model_job *job)
{
    if (list_empty(&job->dirty_link)) list_append(&c->dirty_jobs, &job->dirty_link);
}

void journal_job(struct coordinator *c, struct model_job *job)
{
    c->changed = true;
    journal_job_hint(c, job);
}

void journal_execution(struct coordinator *c, struct model_execution *e)
{
    c->changed = true;
    journal_execution_hint(c, e);
}

void journal_execution_hint(struct coordinator *c, struct model_execution *e)
{
    e->state.updated_ms = c->now_ms;
    if (list_empty(&e->dirty_link)) list_append(&c->dirty_executions, &e->dirty_link);
}

void journal_flush(struct coordinator *c)
{
    struct list *link;
    while ((link = list_take_first(&c->dirty_executions))) {
        struct model_execution *e = list_entry(link, struct model_execution, dirty_link);
        struct execution copy = journal_copy_execution(&c->out->arena, &e->state);
        journal_put(c, RECORD_EXECUTION)->execution = copy;
    }
    while ((link = list_take_first(&c->dirty_jobs))) {
        struct model_job *job = list_entry(link, struct model_job, dirty_link);
        struct job_state copy = journal_copy_job(&c->out->arena, &job->state);
        journal_put(c, RECORD_JOB)->job = copy;
    }
}

void journal_worker(struct coordinator *c, const struct model_worker *w)
{
    struct arena *arena = &c->out->arena;
    struct worker_record record = { .name = arena_text(arena, w->name),
                                    .incarnation = w->welcomed,
                                    .drained = w->drained,
                                    .drained_by = arena_text(arena, w->drained_by),
                                    .drain_reason = arena_text(arena, w->drain_reason),
                                    .drained_ms = w->drained_ms };
    journal_put(c, RECORD_WORKER)->worker = record;
}

void journal_note(struct coordinator *c, enum note_level level, const char *format, ...)
{
    char text[NOTE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *copy = arena_text(&c->out->arena, text);
    struct coordinator_action *action = journal_action(c, COORDINATOR_NOTE);
    action->note.level = level;
    action->note.text = copy;
}

/* " key=value" when there is a value. */
static void note_pair(char *text, size_t size, const char *key, const char *value)
{
    size_t len = strlen(text);
    if (value && value[0] && len + 1 < size) snprintf(text + len, size - len, " %s=%s", key, value);
}

static void note_event(struct coordinator *c, const struct event_record *event)
{
    char text[NOTE_MAX];
    snprintf(text, sizeof text, "%s status=%s", event->what, status_name(event->status));
    note_pair(text, sizeof text, "name", event->name);
    note_pair(text, sizeof text, "pipeline", event->pipeline);
    note_pair(text, sizeof text, "run", event->execution.text);
    note_pair(text, sizeof text, "stage", event->stage);
    note_pair(text, sizeof text, "action", event->action);
    note_pair(text, sizeof text, "region", event->region);
    note_pair(text, sizeof text, "worker", event->worker);
    note_pair(text, sizeof text, "version", event->version_id);
    note_pair(text, sizeof text, "detail", event->detail);
    journal_note(c, NOTE_INFO, "%s", text);
}

void journal_event(struct coordinator *c, const struct event_record *event)
{
    struct arena *arena = &c->out->arena;
    struct event_record copy = *event;
    copy.seq = ++c->event_seq;
    copy.time_ms = c->now_ms;
    copy.pipeline = arena_text(arena, event->pipeline);
    copy.stage = arena_text(arena, event->stage);
    copy.action = arena_text(arena, event->action);
    copy.region = arena_text(arena, event->region);
    copy.worker = arena_text(arena, event->worker);
    copy.what = arena_text(arena, event->what);
    copy.name = arena_text(arena, event->name);
    copy.detail = arena_text(arena, event->detail);
    copy.version_id = arena_text(arena, event->version_id);
    journal_put(c, RECORD_EVENT)->event = copy;
    if (copy.seq > JOURNAL_EVENTS_MAX) {
        struct record old = { .kind = RECORD_EVENT };
        old.event.seq = copy.seq - JOURNAL_EVENTS_MAX;
        journal_delete(c, &old);
    }
    note_event(c, &copy);
}

static struct event_record event_of(const struct model_execution *e, const char *what)
{
    return (struct event_record){
        .what = what,
        .execution = e->state.id,
        .pipeline = e->state.pipeline,
        .version_id = e->state.revision_count ? e->revisions[0].revision_id : "",
    };
}

void journal_event_execution(struct coordinator *c, const struct model_execution *e)
{
    struct event_record event = event_of(e, "pipeline");
    event.status = e->state.status;
    event.detail = e->state.status_summary;
    journal_event(c, &event);
}

void journal_event_stage(struct coordinator *c, const struct model_execution *e, size_t stage)
{
    struct event_record event = event_of(e, "stage");
    event.stage = e->stages[stage].name;
    event.status = e->stages[stage].status;
    journal_event(c, &event);
}

void journal_event_action(struct coordinator *c, const struct model_execution *e, size_t stage,
                          size_t action)
{
    const struct action_state *state = model_action(e, stage, action);
    bool rule = action >= e->stages[stage].action_count;
    struct event_record event = event_of(e, rule ? "rule" : "action");
    event.stage = e->stages[stage].name;
    event.action = state->name;
    event.region = state->region;
    event.status = state->status;
    event.detail = state->error_message[0] ? state->error_message : state->summary;
    journal_event(c, &event);
}

static struct event_record event_of_job(const struct model_job *job, const char *what)
{
    const struct model_execution *e = job->execution;
    struct event_record event = event_of(e, what);
    event.stage = e->stages[job->stage].name;
    event.action = model_action(e, job->stage, job->action)->name;
    event.region = job->state.region;
    event.worker = job->state.worker;
    return event;
}

void journal_event_job(struct coordinator *c, const struct model_job *job)
{
    struct event_record event = event_of_job(job, "target");
    event.name = job_kind_moves(job->state.kind) ? job->state.artifact : job->state.deployment.text;
    event.status = job->state.status;
    event.detail = job->state.cause;
    journal_event(c, &event);
}

void journal_event_lifecycle(struct coordinator *c, const struct model_job *job,
                             const struct lifecycle_report *report)
{
    struct event_record event = event_of_job(job, "lifecycle");
    event.name = lifecycle_event_name(report->event);
    event.status = report->status;
    journal_event(c, &event);
}

void journal_event_copy(struct coordinator *c, const struct model_execution *e, size_t copy)
{
    const struct copy_state *state = &e->copies[copy];
    struct event_record event = event_of(e, "copy");
    event.name = state->artifact;
    event.region = state->region;
    event.status = state->status;
    event.version_id = state->ref.version_id;
    journal_event(c, &event);
}

void journal_event_transition(struct coordinator *c, const struct transition_record *transition)
{
    struct arena *arena = &c->out->arena;
    const char *reason = transition->reason;
    struct event_record event = { .what = "transition",
                                  .pipeline = transition->pipeline,
                                  .stage = transition->stage,
                                  .version_id = "" };
    event.status = transition->enabled ? STATUS_SUCCEEDED : STATUS_STOPPED;
    event.detail = arena_format(arena, "%s by %s%s%s", transition->enabled ? "enabled" : "disabled",
                                transition->changed_by, reason[0] ? ": " : "", reason);
    journal_event(c, &event);
}

void journal_event_drain(struct coordinator *c, const struct model_worker *w, const char *client)
{
    const char *reason = w->drained ? w->drain_reason : "";
    struct event_record event = {
        .what = "worker", .pipeline = "", .worker = w->name, .region = w->region, .version_id = ""
    };
    event.status = w->drained ? STATUS_STOPPED : STATUS_SUCCEEDED;
    event.detail =
        arena_format(&c->out->arena, "%s by %s%s%s", w->drained ? "drained" : "works again", client,
                     reason[0] ? ": " : "", reason);
    journal_event(c, &event);
}

/* Days since 1970 to a date: Howard Hinnant's civil_from_days. */
const char *journal_time(uint64_t ms, char out[JOURNAL_TIME_SIZE])
{
    uint64_t seconds = ms / 1000, day = seconds / 86400 + 719468, left = seconds % 86400;
    uint64_t era = day / 146097, of_era = day % 146097;
    uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint64_t month = (5 * of_year + 2) / 153, date = of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    year += era * 400 + (month <= 2);
    snprintf(out, JOURNAL_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)(year % 10000),
             (unsigned)month % 100, (unsigned)date % 100, (unsigned)(left / 3600) % 100,
             (unsigned)(left / 60 % 60), (unsigned)(left % 60));
    return out;
}
