/* restore.h - after a failure: what the install replaced is put back, where the job asks for it.
 *
 * A job that fails, is stopped or is lost at or after its Install does not end at once: its result
 * is filled in, the event Restore is appended to its events, and its step (STEP_UNDO) runs whatever
 * else is wanted of the job. How it went is added to the result's message; the result itself stays
 * what it was. Without onFailure: restore the message says what is left on the host.
 *
 * The result is durable while the step runs, so that a restart goes on with it. Pure.
 */
#pragma once
#include "core/model.h"

/* The task has failed, and there is something that may have to be put back. */
bool restore_wanted(const struct task *task);
/* The result is filled in; the next step is the restoring. */
void restore_begin(struct task *task);
/* The current step is the restoring. */
bool restore_active(const struct task *task);
void restore_take_outcome(struct task *task, const struct step_outcome *outcome);
/* It is given up, for that reason. */
void restore_fail(struct task *task, const char *why);
/* Adds to the result's message what the failed deployment leaves on the host. */
void restore_say_left(struct task *task);
