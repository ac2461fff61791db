/* barrier.h - all regions prepare before any region commits (a stage's meridian.barrier).
 *
 * The deployments that begin together (same wave, same runOrder) are offered with `hold`: each host
 * fetches, verifies, unpacks and runs BeforeInstall, then it says that it is prepared and waits.
 * When all hosts that have begun are prepared the barrier opens: action_state.committed_ms is
 * journalled, and each host is told to go on (RESUME_GO_ON, signed, repeated until acknowledged).
 * When one host ends badly before that, the barrier is broken: the others are cancelled, and no
 * host's files were touched. Nobody waits longer than its action's deadline.
 *
 * In a deployment group that begins batch by batch the first batch is what has to be prepared;
 * hosts that begin after the barrier was opened do not hold. Whoever is cut off between the opening
 * and the word fails at the deadline unchanged, while others may have committed: meridian.onFailure
 * says what that means for them. A ROLLBACK execution knows no barrier.
 */
#pragma once
#include "core/model.h"

/* The action's hosts must wait before they install. */
bool barrier_holds(const struct model_execution *e, size_t stage, size_t action);
/* Opens what can be opened and lets those go on that wait behind an open one. */
void barrier_reconcile(struct coordinator *c, struct model_execution *e, size_t stage);
/* Looks at every job once, so that e->broken tells of each action whether its barrier is broken. */
void barrier_look(struct model_execution *e);
/* Why nobody may go on any more: who could not prepare; NULL while all may still be prepared, and
 * once it is open. */
const char *barrier_broken(struct arena *arena, const struct model_execution *e, size_t stage,
                           size_t action);
/* Another execution whose hosts prepare, or are prepared, in one of the same deployment groups:
 * this one's hosts do not begin before that has opened or is broken, for two that each held a part
 * would wait for each other. NULL: the job may begin. */
const struct model_execution *barrier_before(struct coordinator *c, const struct model_job *job);
/* How many of the jobs are prepared, of all that begin together. */
void barrier_count(const struct model_execution *e, size_t stage, size_t action, size_t *prepared,
                   size_t *all);
