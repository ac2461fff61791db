/* retention.h - which old deployments of a group go once a new one is there.
 *
 * The newest `keep` stay, the present one among them, and always the last successful one (shared
 * design, worker.md section 1) and what an undo that is not over may need. Only what is a
 * deployment counts: a folder that holds deployment-archive or bundle.tar. Oldest: by the folder's
 * time of change, then by name.
 */
#pragma once
#include "steps/step.h"

enum { RETENTION_ENTRIES_MAX = 100000 };

NODISCARD bool retention_prune(const struct host *host, const char *current,
                               const char *last_successful, uint32_t keep, struct error *err);
/* Likewise until all of the group's deployments together take at most so many bytes of disk; 0: no
 * bound. The present one is counted and stays. */
NODISCARD bool retention_prune_bytes(const struct host *host, const char *current,
                                     const char *last_successful, uint64_t bytes_max,
                                     struct error *err);
