/* job.h - one attempt of a job through its steps, one after another, to its result.
 *
 * job_decide() looks at the task's whole state and emits what is missing, so that it serves the
 * normal course, the restart and every lost action alike. The others take in what happened and
 * leave the rest to it. Only job_enter() writes row.state.
 *
 *     ACCEPTED --first step--> RUNNING --last step, failure, end--> ENDED --ack, drop--> deleted
 *
 * A step whose process is gone without an outcome is run again, STEP_RUNS_MAX times at most. What
 * may not begin twice is refused by the step itself; then the task waits (interruption.h).
 *
 * Everything here marks task->changed; the row is put at the end of the event. Pure.
 */
#pragma once
#include "core/model.h"

enum {
    STEP_RUNS_MAX = 5,       /* tries of one step, since the start or the operator's last order */
    STEP_FREE_RUNS_MAX = 100 /* ... beside those that the end of a worker kept from beginning */
};

void job_enter(struct task *task, enum row_state next);
/* The operator, the coordinator or a newer attempt wants it ended: no new step from now on. */
void job_cancel(struct task *task);
void job_step_ended(struct worker *w, struct task *task, const struct step_outcome *outcome,
                    struct worker_actions *out);
void job_step_lost(struct worker *w, struct task *task, bool begun, const char *log_tail,
                   struct worker_actions *out);
/* Ends it: nobody knows what its current step did. */
void job_end_unknown(struct worker *w, struct task *task, const struct diagnostics *why,
                     struct worker_actions *out);
/* The current step counts as done; its report says Skipped. */
void job_skip_step(struct worker *w, struct task *task, struct worker_actions *out);
void job_decide(struct worker *w, struct task *task, struct worker_actions *out);
/* When job_decide() is next needed without an event; UINT64_MAX never. */
uint64_t job_deadline(const struct worker *w, const struct task *task);
