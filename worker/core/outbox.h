/* outbox.h - what the worker says to the coordinator, and when it says it again.
 *
 * Hello until welcomed; then a heartbeat each heartbeat_ms and every unacknowledged result each
 * resend_ms. Answers (accept, nack, cancel_ack) are not repeated by themselves: the coordinator
 * repeats its question. Silence for OUTBOX_SILENCE_HEARTBEATS means that the other side does not
 * know us any more: hello again. In local mode nothing is ever sent. Pure.
 */
#pragma once
#include "core/model.h"

enum {
    OUTBOX_SILENCE_HEARTBEATS = 9,
    OUTBOX_REFUSED_MS = 5000, /* until the next hello after a refusal that an operator must heal */
    OUTBOX_HINT_MS = 1000     /* progress hints of one job, at most one in this time */
};

/* The transport came up anew. */
void outbox_connected(struct worker *w);
void outbox_welcomed(struct worker *w, const struct welcome *welcome, struct worker_actions *out);
void outbox_refused(struct worker *w, const struct refusal *refusal, struct worker_actions *out);
/* A heartbeat at the end of this event instead of in its time. */
void outbox_heartbeat_now(struct worker *w);

void outbox_accept(const struct worker *w, const struct task *task, struct worker_actions *out);
void outbox_nack(const struct worker *w, const struct job *job, enum nack_reason reason,
                 struct worker_actions *out);
void outbox_cancel_ack(const struct worker *w, const struct job_key *key,
                       struct worker_actions *out);
/* The result of a cancelled attempt that has no row and can get none any more. */
void outbox_never_started(const struct worker *w, const struct job_key *key,
                          struct worker_actions *out);
/* The result now; it is repeated until the row is deleted. */
void outbox_result(struct worker *w, struct task *task, struct worker_actions *out);
/* How the current step stands; dropped when nobody listens. */
void outbox_hint(const struct worker *w, const struct task *task, uint64_t done, uint64_t total,
                 const char *waits, struct worker_actions *out);

/* Everything that is due. */
void outbox_decide(struct worker *w, struct worker_actions *out);
uint64_t outbox_deadline(const struct worker *w);
