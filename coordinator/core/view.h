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
/* Why the execution has not ended, as of the last event: one reason for everything that is waited
 * for, at most WIRE_LIST_MAX; none when it has ended and no host works on it any more. */
NODISCARD bool coordinator_view_why(const struct coordinator *coordinator, const char *pipeline,
                                    const char *execution, struct arena *arena,
                                    const struct reason **out, size_t *count, struct error *err);
/* Every region that a pipeline or a worker names, by name; at most WIRE_LIST_MAX. */
size_t coordinator_view_regions(const struct coordinator *coordinator, struct arena *arena,
                                const struct region_summary **out);
/* What applying a definition would change in the one in force, and what an execution of it would
 * do now. `parsed` is borrowed for the call, `text` is what it was parsed from. */
struct plan {
    uint32_t version; /* that it would have */
    bool changed;
    const struct preview_change *changes; /* at most WIRE_LIST_MAX, also of the steps */
    size_t change_count;
    const struct preview_step *steps; /* in the order in which they would begin */
    size_t step_count;
};
struct plan coordinator_view_plan(const struct coordinator *coordinator,
                                  const struct pipeline *parsed, struct arena *arena);
/* Deployment groups and their sisters in the order of their keys "KIND/NAME", behind `after`; at
 * most WIRE_LIST_MAX. */
size_t coordinator_view_resources(const struct coordinator *coordinator, const char *after,
                                  struct arena *arena, const struct resource_summary **out);
/* NULL: there is none with that key. */
const struct resource_record *coordinator_view_resource(const struct coordinator *coordinator,
                                                        const char *key);
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
    bool key_free;                /* an execution may name another key */
    bool every;                   /* each version starts an execution, not only the newest */
};
size_t coordinator_view_sources(const struct coordinator *coordinator, struct arena *arena,
                                const struct source_watch **out);
/* What rules ask of the world now (core/rule.h): VIEW_QUESTIONS_MAX of the oldest executions, more
 * come in their turn. */
enum { VIEW_QUESTIONS_MAX = 100 };
struct rule_question {
    struct id rule;    /* for the answer */
    const char *url;   /* as the definition says */
    const char *query; /* of Prometheus; "" plain HTTP */
};
size_t coordinator_view_questions(const struct coordinator *coordinator, struct arena *arena,
                                  const struct rule_question **out);
/* Who needs that version, in words; "" when nobody does (core/retention.h). */
const char *coordinator_view_need(const struct coordinator *coordinator,
                                  const struct artifact_ref *object, struct arena *arena);
/* The job of a custom action by its id; inputs without grants, secret settings for its holder only
 * (`client`, *holds). False: there is none, or it has gone on as another one. */
NODISCARD bool coordinator_view_custom_job(const struct coordinator *coordinator,
                                           const struct id *job, const char *client,
                                           struct arena *arena, struct custom_job *out,
                                           bool *holds);
uint64_t coordinator_view_epoch(const struct coordinator *coordinator);
uint64_t coordinator_view_event_seq(const struct coordinator *coordinator); /* newest */
