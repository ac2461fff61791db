/* rollback.h - a stage goes back to what an earlier execution had there.
 *
 * A new execution of type ROLLBACK runs that one stage with the target's revisions, by the
 * definition that the target was pinned to: unlike with AWS it works across edits. Refused with
 * UnableToRollbackStageException: the source stage, a target that did not succeed in the stage or
 * is a rollback itself, mode PARALLEL.
 */
#pragma once
#include "core/model.h"

/* onFailure ROLLBACK: when the stage's failure has just ended the execution. */
void rollback_automatically(struct coordinator *c, struct model_execution *e, size_t stage);
/* A stage has just ended badly: those of its deployment groups that go back by themselves
 * (autoRollbackConfiguration: on failure, on alarm, on stop) do so together with the regions that
 * the stage's meridian.onFailure names (all, local), unless the whole stage does. A region that was
 * not touched stays as it is; all others get what the same earlier execution had: the newest that
 * has succeeded in the whole stage. */
void rollback_groups(struct coordinator *c, struct model_execution *e, size_t stage);
/* REQUEST_ROLLBACK, from who may. */
void rollback_request(struct coordinator *c, const struct coordinator_event *event);
