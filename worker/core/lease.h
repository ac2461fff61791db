/* lease.h - floating jobs go on only while the coordinator confirms them.
 *
 * A lease ends at the BOOTTIME of one of our own heartbeats, which the coordinator echoes, plus
 * the length it told in its welcome (protocol.md P6): no clock of the other side takes part. It
 * begins with the first echo, not with the acceptance, because the coordinator cannot know when
 * an offer that was long under way is accepted. The step's own supervisor enforces the same end
 * (WORKER_LEASE_ACTION); the core ends the job for the record. Pure.
 */
#pragma once
#include "core/model.h"

/* The coordinator's answer to a heartbeat: extends what it lists. */
void lease_extend(struct worker *w, const struct lease *lease, struct worker_actions *out);
/* True for pinned jobs and in local mode. */
bool lease_live(const struct worker *w, const struct task *task);
/* Marks the task as ending when its lease has passed while a step runs. */
void lease_check(const struct worker *w, struct task *task, struct worker_actions *out);
/* When lease_check() is next needed; UINT64_MAX never. */
uint64_t lease_deadline(const struct worker *w, const struct task *task);
/* Tells the step's supervisor how long it may run. */
void lease_tell(const struct task *task, struct worker_actions *out);
