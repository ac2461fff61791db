/* job.h - one attempt of a job through its steps, one after another, to its result.
 *
 * job_decide() looks at the task's whole state and emits what is missing, so that it serves the
 * normal course, the restart and every lost action alike. The others take in what happened and
 * leave the rest to it. Only job_enter() writes row.state.
 *
 *     ACCEPTED --first step--> RUNNING --last step, failure, end--> ENDED --ack, drop--> deleted
 *
 * Everything here marks task->changed; the row is put at the end of the event. Pure.
 */
#pragma once
#include "core/model.h"

enum { STEP_RUNS_MAX = 5 }; /* tries of one step, however they were interrupted */

void job_enter(struct task *task, enum row_state next);
/* The operator, the coordinator or a newer attempt wants it ended: no new step from now on. */
void job_cancel(struct task *task);
void job_step_ended(struct worker *w, struct task *task, const struct step_outcome *outcome,
                    struct worker_actions *out);
void job_step_lost(struct worker *w, struct task *task, bool begun, const char *log_tail,
                   struct worker_actions *out);
void job_decide(struct worker *w, struct task *task, struct worker_actions *out);
/* When job_decide() is next needed without an event; UINT64_MAX never. */
uint64_t job_deadline(const struct worker *w, const struct task *task);
