/* dispatch.h - jobs and workers: who gets which job, and when it is asked, cancelled, taken back.
 *
 * A job: PENDING (attempt 0, or attempt n is over and n + 1 is not given yet) -> IN_PROGRESS
 * (attempt n belongs to one worker's incarnation, under a fence; journalled before any offer
 * leaves, P2) -> ended. A pinned job never changes its worker. A floating one is given to
 * another only when its lease is certainly over (P7), and an attempt once taken back is never
 * renewed (P9), because it is not IN_PROGRESS any more.
 *
 * One open job for a worker and target: later ones wait, also those of other executions.
 */
#pragma once
#include "core/model.h"

enum {
    DISPATCH_OFFER_MS = 3600000,    /* an offer is good for that long at most */
    DISPATCH_FLOATING_ATTEMPTS = 3, /* then the replication has failed */
    DISPATCH_PINNED_ATTEMPTS = 10,  /* offers that the worker's fences refuse */
    DISPATCH_BACKOFF = 10,          /* times offer_resend_ms, after a refusal */
    DISPATCH_OFFER_DOUBLINGS = 3    /* of offer_resend_ms, while an offer is not answered */
};

void dispatch_reconcile(struct coordinator *c, struct model_execution *e);
/* The only ways to end a job; `result` may be NULL. */
void dispatch_end(struct coordinator *c, struct model_job *job, enum status status,
                  const char *cause, const struct result *result);
/* The attempt is over, the job is not: another attempt follows unless there were too many. */
void dispatch_again(struct coordinator *c, struct model_job *job, const char *cause);
/* An open job of the same target on that worker that comes first; NULL when there is none. */
const struct model_job *dispatch_before(const struct model_worker *w, const struct model_job *job);
/* How long a worker may go on with a floating job after an echo of now, on our clock. */
uint64_t dispatch_lease_end(const struct coordinator *c);
/* What attempt n is to the journal: over for certain, or current. */
bool dispatch_attempt_over(const struct model_job *job, uint32_t attempt);
