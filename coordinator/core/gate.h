/* gate.h - who may enter a stage, and when.
 *
 * Rules (pipeline.md, "Execution rules"), in the order in which they are asked:
 *   - SUPERSEDED: of those that stand before a stage only the newest stays, the others end;
 *   - a disabled transition lets nobody in, whatever the mode;
 *   - PARALLEL enters: it has no locks, and nobody waits for it;
 *   - a stage is locked by one execution; failure or stop frees it;
 *   - a ROLLBACK execution goes first; it supersedes nobody, and nobody supersedes it;
 *   - QUEUED keeps the order in which the executions were started, also after an edit of the mode.
 * Each execution holds one stage and waits for older ones or for a lock only: nobody waits in a
 * circle. Stages are compared by name: executions of different versions share the locks.
 */
#pragma once
#include "core/model.h"

/* The first stage that has neither succeeded nor is skipped; stage_count when there is none. */
size_t gate_next(const struct model_execution *e);
/* The stage is Pending and next: enters it, ends as superseded, or says what it waits for. */
void gate_enter(struct coordinator *c, struct model_execution *e, size_t stage);
/* Another execution that holds the stage's lock; NULL when it is free. */
const struct model_execution *gate_holder(const struct model_execution *e, const char *stage);
/* Another one that comes first there, though the lock is free; NULL when there is none. */
const struct model_execution *gate_earlier(const struct model_execution *e, const char *stage);
/* A younger one that has entered the stage, whatever became of it; NULL when there is none. */
const struct model_execution *gate_newer(const struct model_execution *e, const char *stage);
/* A ROLLBACK execution that stands before the stage; NULL when there is none. */
const struct model_execution *gate_rollback(const struct model_execution *e, const char *stage);
