/* view.h - what the coordinator's core shows: read-only, composed into the caller's arena.
 *
 * Used by the shell to answer LIST, STATUS, WORKERS and by the simulator's checker to compare
 * the core's claims with the disks. Ended executions older than `history_max` are only in the
 * store (the same structures).
 */
#pragma once
#include "core/coordinator.h"

/* Newest first within a pipeline; an id, a unique prefix, or "" for the newest. `pipeline` may
 * be "" when the execution is named. ERR_NOT_FOUND, ERR_CONFLICT (ambiguous prefix). */
NODISCARD bool coordinator_view_execution(const struct coordinator *coordinator,
                                          const char *pipeline, const char *execution,
                                          struct arena *arena, struct execution_view *out,
                                          struct error *err);
/* The transitions of a pipeline that are disabled. */
size_t coordinator_view_transitions(const struct coordinator *coordinator, const char *pipeline,
                                    struct arena *arena, const struct transition_record **out);
size_t coordinator_view_pipelines(const struct coordinator *coordinator, struct arena *arena,
                                  const struct pipeline_summary **out);
size_t coordinator_view_workers(const struct coordinator *coordinator, struct arena *arena,
                                const struct worker_summary **out);
/* The definition in force, NULL when there is none; borrowed until the next step. */
const struct definition *coordinator_view_definition(const struct coordinator *coordinator,
                                                     const char *pipeline);
/* Where a worker is reached; false when it has no live session. */
NODISCARD bool coordinator_view_session(const struct coordinator *coordinator, const char *worker,
                                        uint64_t *session);
/* Every source action that is watched: pipeline, action, bucket and key. */
struct source_watch {
    const char *pipeline, *action, *artifact, *store, *key;
    const char *seen_revision_id; /* "" never */
};
size_t coordinator_view_sources(const struct coordinator *coordinator, struct arena *arena,
                                const struct source_watch **out);
uint64_t coordinator_view_epoch(const struct coordinator *coordinator);
uint64_t coordinator_view_event_seq(const struct coordinator *coordinator); /* newest */
