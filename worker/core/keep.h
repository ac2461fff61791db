/* keep.h - after a job's end: its log goes to the region's store.
 *
 * The result is sent at once; the row stays until the log is kept or given up, so that a crash or
 * a reboot in between costs another try, at most KEEP_RUNS_MAX. What fails here fails nothing: the
 * log lies on the host as well. The step's number is the one behind the job's last event. Pure.
 */
#pragma once
#include "core/model.h"

enum { KEEP_RUNS_MAX = 3 };

/* The job has ended: its log will be kept when the job says where. */
void keep_begin(const struct worker *w, struct task *task);
/* The row of an ended job is still needed. */
bool keep_open(const struct task *task);
/* Its step was started and has not been reported. */
bool keep_running(const struct task *task);
void keep_step_ended(struct task *task, const struct step_outcome *outcome,
                     struct worker_actions *out);
void keep_step_lost(struct task *task);
void keep_decide(struct worker *w, struct task *task, struct worker_actions *out);
