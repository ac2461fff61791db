/* inbox.h - what workers say of their jobs. Only messages of a worker's current session come
 * here (fleet.c).
 *
 * Rows and results of attempts that the journal proves over are answered with DROP or
 * RESULT_ACK, so that no worker keeps a row for ever. A job that is in no list any more has
 * ended and was forgotten with its execution (one with an open job is never forgotten): the
 * store holds how it ended, so its rows go as well. The one exception are rows of a later epoch
 * than ours: then this journal is older than the worker's knowledge (a restored backup, a second
 * coordinator) and proves nothing: they stay, and an alarm is raised.
 */
#pragma once
#include "core/model.h"

/* The rows that a worker holds, with HELLO or HEARTBEAT; `leases` (NULL, or room for all) gets
 * those that may go on, and their number is returned. */
size_t inbox_rows(struct coordinator *c, struct model_worker *w, const struct row *rows,
                  size_t count, uint64_t missing_resend_ms, struct row *leases);
void inbox_accept(struct coordinator *c, struct model_worker *w, const struct row *row);
void inbox_nack(struct coordinator *c, struct model_worker *w, const struct nack *nack);
void inbox_progress(struct coordinator *c, struct model_worker *w, const struct progress *progress);
void inbox_result(struct coordinator *c, struct model_worker *w, const struct result *result);
void inbox_cancel_ack(struct coordinator *c, struct model_worker *w, const struct job_key *key);
/* P10: the worker came back with an empty disk. */
void inbox_new_incarnation(struct coordinator *c, struct model_worker *w);

/* The job's current attempt, held by this worker; NULL for anything else. */
struct model_job *inbox_current(const struct coordinator *c, const struct model_worker *w,
                                const struct job_key *key);
/* How an event of the job stands, if that is news. */
void inbox_report(struct coordinator *c, struct model_job *job,
                  const struct lifecycle_report *report);
