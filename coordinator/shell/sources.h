/* sources.h - what the source actions' objects are now, in the stores.
 *
 * sources_poll() looks at every watched object and hands out those whose newest version is not
 * the one that the core has seen; of an s3 store the next one after it, where each version counts
 * (QUEUED, PARALLEL). A look is one folder listing; it happens every
 * SOURCES_POLL_MS and at once after an upload of ours. Of an s3 store it is what was seen last
 * (shell/buckets.h).
 */
#pragma once
#include "core/view.h"
#include "io/log.h"
#include "shell/artifacts.h"

enum { SOURCES_POLL_MS = 1000, SOURCES_ROUNDS_MAX = 16 /* polls of a turn */ };

/* The newest version of the source action's object, or the one that is named. ERR_NOT_FOUND. */
NODISCARD bool sources_find(const struct artifacts *artifacts, const struct source_watch *watch,
                            const char *version_id, struct arena *arena, struct revision *out,
                            struct error *err);

struct source_change {
    const char *pipeline, *action;
    struct revision revision;
};

/* In `arena`. Objects that are not there yet are no change. */
size_t sources_poll(const struct artifacts *artifacts, const struct coordinator *core,
                    const struct log *log, struct arena *arena, const struct source_change **out);

/* RUN: one revision for each source action of the pipeline: what its overrides or `revision` name,
 * else the newest. */
NODISCARD bool sources_resolve(const struct artifacts *artifacts, const struct coordinator *core,
                               const struct run_request *run, struct arena *arena,
                               const struct revision **out, size_t *count, struct failure *failure);
