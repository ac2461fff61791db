/* recovery.h - the beginning of every step that changes the installed files of a group.
 *
 * One such step of a group at a time, whatever the daemon believes: recovery_begin() takes the
 * group's lock, then ends what a crash has left: an install before its commit leaves nothing, one
 * in its commit is finished. What could not be finished of them is not our
 * failure: their own step has told it.
 */
#pragma once
#include "steps/host.h"

/* The lock is held as long as *lock is open. Leaves undos to the other two. */
NODISCARD bool recovery_begin(const struct host *host, int *lock, struct error *err);
/* For installs: an undo that had begun is finished. */
NODISCARD bool recovery_finish_undo(const struct host *host, struct error *err);
/* No install is under way any more. */
NODISCARD bool recovery_forget_journal(const struct host *host, struct error *err);
