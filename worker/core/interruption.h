/* interruption.h - a hook that had begun and is over without a result, and the operator's word.
 *
 * The step process decides (worker/steps/hook/hook.c): a run after a lost one either goes on,
 * because what was interrupted may begin again, or ends with an outcome that says `interrupted`.
 * Then the task waits, holding its target; its deadline and a cancel still end it. The coordinator
 * is told until it acknowledges. Its RESUME counts while the task waits at just that run: RERUN
 * orders one more run, in which the interrupted script may begin once, SKIP goes on with the next
 * event.
 *
 * Without a coordinator (deploy-local) nobody can be asked: the deployment ends as Unknown. Pure.
 */
#pragma once
#include "core/model.h"

bool interruption_waits(const struct task *task);
/* The task stops at its current step; said: what the step knows about it. */
void interruption_enter(struct worker *w, struct task *task, const struct diagnostics *said,
                        struct worker_actions *out);
void interruption_resume(struct worker *w, const struct signed_resume *message,
                         struct worker_actions *out);
void interruption_acked(struct worker *w, const struct step_key *at);

/* The outbox's: says what is due, and when the next is. */
void interruption_say(struct worker *w, struct task *task, struct worker_actions *out);
