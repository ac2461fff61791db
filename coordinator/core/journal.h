/* journal.h - how anything leaves the core: records, events, notes and messages.
 *
 * journal_job() and journal_execution() only mark: one step writes each record once, at its end
 * (journal_flush), however often it changed. Everything is copied into the actions' arena, so
 * the model may change before the shell performs the turn.
 *
 * Every change of a status becomes an event record (watchers see each once, in order) and a
 * note. The store keeps the newest JOURNAL_EVENTS_MAX events: each new one deletes the one that
 * far behind it, so the oldest number need not be known.
 */
#pragma once
#include "core/model.h"

enum { JOURNAL_EVENTS_MAX = 10000, JOURNAL_TIME_SIZE = 24 };

void journal_job(struct coordinator *c, struct model_job *job);
/* The same for what no decision depends on: nothing is reconciled for it. */
void journal_job_hint(struct coordinator *c, struct model_job *job);
void journal_execution(struct coordinator *c, struct model_execution *e);
void journal_execution_hint(struct coordinator *c, struct model_execution *e);
void journal_flush(struct coordinator *c);

void journal_worker(struct coordinator *c, const struct model_worker *w);
/* The record's members are to be filled at once, from the actions' arena. */
struct record *journal_put(struct coordinator *c, enum record_kind kind);
void journal_delete(struct coordinator *c, const struct record *record);

void journal_note(struct coordinator *c, enum note_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Fills seq and time; texts may be NULL. */
void journal_event(struct coordinator *c, const struct event_record *event);
void journal_event_execution(struct coordinator *c, const struct model_execution *e);
void journal_event_stage(struct coordinator *c, const struct model_execution *e, size_t stage);
void journal_event_action(struct coordinator *c, const struct model_execution *e, size_t stage,
                          size_t action);
void journal_event_job(struct coordinator *c, const struct model_job *job);
void journal_event_lifecycle(struct coordinator *c, const struct model_job *job,
                             const struct lifecycle_report *report);
void journal_event_transition(struct coordinator *c, const struct transition_record *transition);
void journal_event_drain(struct coordinator *c, const struct model_worker *w, const char *client);
void journal_event_copy(struct coordinator *c, const struct model_execution *e, size_t copy);

/* A message to a worker's session; its members are to be filled at once, as above. */
struct message *journal_send(struct coordinator *c, const char *worker, uint64_t session,
                             enum message_type type);
struct coordinator_action *journal_action(struct coordinator *c, enum coordinator_action_type type);

struct execution journal_copy_execution(struct arena *arena, const struct execution *from);
struct job_state journal_copy_job(struct arena *arena, const struct job_state *from);
struct artifact_ref journal_copy_ref(struct arena *arena, const struct artifact_ref *from);

/* "2026-11-22T19:11:27Z" */
const char *journal_time(uint64_t ms, char out[JOURNAL_TIME_SIZE]);
