/* commit.h - the second half of an install: short, in one direction, and repeatable.
 *
 * commit_run() performs the operations of a committed journal in their order: clear the way,
 * rename everything in, renew standing folders, remove what only the old revision had; then the
 * next manifest becomes the manifest and the journal is removed. It may be called again after a
 * crash anywhere inside. When an operation fails (somebody put a folder where a file goes in) the
 * others are still performed, so that no journal is left that could never be finished; the first
 * error is returned, and what could not be renamed is removed.
 */
#pragma once
#include "steps/host.h"
#include "steps/install/journal.h"

NODISCARD bool commit_run(struct journal *journal, const struct host *host, struct error *err);
