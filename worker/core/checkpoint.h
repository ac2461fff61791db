/* checkpoint.h - what the worker must remember to survive a crash: rows, targets and itself.
 *
 * Calling sequence: checkpoint_load() once, at WORKER_START; then whoever changes something calls
 * its put. A put is a promise: the shell commits it before any other action of the same turn.
 * Rows are put once, at the end of the event that changed them (task->changed). Pure.
 */
#pragma once
#include "core/model.h"

/* Fills the empty model; without a "self" record a new incarnation is drawn and put. */
void checkpoint_load(struct worker *w, const struct worker_event *start,
                     struct worker_actions *out);
void checkpoint_put_changed(struct worker *w, struct worker_actions *out);
/* Deletes the row, frees the task and lets its job folder go. */
void checkpoint_delete(struct worker *w, struct task *task, struct worker_actions *out);
void checkpoint_put_target(const struct target *target, struct worker_actions *out);
/* Remembers a greater epoch; older ones are refused for ever. */
void checkpoint_see_epoch(struct worker *w, uint64_t epoch, struct worker_actions *out);
