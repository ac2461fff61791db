/* client_messages.h - what the client asks and what it is told (client.proto).
 *
 * Every request carries a token that its one reply echoes. Writes carry a submission id: the
 * same id from the same client gets the same answer and happens once.
 * Included through wire/messages.h only.
 */
#pragma once
#include "wire/ask_messages.h"
#include "wire/record.h"
#include "wire/store_messages.h"

struct apply_request {
    struct id submission;
    const char *file; /* as the user named it: for messages */
    struct bytes text;
    bool dry_run;     /* `validate`: all problems, no change */
    uint32_t version; /* that must be in force, else ConcurrentModification; 0: any */
};

/* What a source action takes instead of its newest revision (AWS: sourceRevisions). */
struct source_override {
    const char *action;
    const char *version_id; /* "" the newest of the key */
    const char *key;        /* "" the configured one */
};

struct run_request {
    struct id submission;
    const char *pipeline;
    const char *revision; /* a version id, or "" for the newest */
    bool ignore_application_stop_failures;
    bool outdated_only;               /* AWS: updateOutdatedInstancesOnly */
    const struct variable *variables; /* other values than the definition's defaults */
    size_t variable_count;
    const struct source_override *overrides;
    size_t override_count;
};

struct stop_request {
    struct id submission;
    const char *pipeline, *execution; /* execution: id or unique prefix; "" the newest */
    bool abandon;
    const char *reason;
};

struct status_request {    /* also `wait`, `watch` */
    const char *pipeline;  /* "" when the execution alone is named */
    const char *execution; /* id or unique prefix; "" the newest */
};

struct history_request {
    const char *pipeline;
    uint32_t max;
    const char *before; /* an execution's id: older than it; "" from the newest */
};

struct events_request { /* answered at once when there are newer ones, else within wait_ms */
    uint64_t after;     /* sequence number; UINT64_MAX: only tell the newest number */
    const char *pipeline, *execution; /* "" any */
    uint32_t wait_ms, max;
};

struct logs_request {
    const char *pipeline, *execution, *action,
        *worker; /* "" the only one, or an error that lists */
    uint64_t offset;
    uint32_t max;
};

struct push_request { /* leave to upload one object */
    struct id submission;
    const char *store, *key;
    uint64_t size;
    uint8_t sha256[SHA256_SIZE];
    const char *summary;
};

struct transition_request {
    struct id submission;
    const char *pipeline, *stage; /* into that stage */
    bool enable;
    const char *reason;
};

struct approval_request {
    struct id submission;
    const char *pipeline, *execution; /* as in stop_request */
    const char *action;               /* "" the only one that waits */
    bool approve;
    const char *summary;
    struct id token; /* "" of what is awaited now */
};

struct retry_request {
    struct id submission;
    const char *pipeline, *execution;
    const char *stage; /* "" the one that failed */
    enum retry_mode mode;
};

struct rollback_request {
    struct id submission;
    const char *pipeline, *stage;
    const char *target; /* an execution, "" the newest older one that succeeded in the stage */
};

struct override_request { /* a condition counts as met */
    struct id submission;
    const char *pipeline, *execution; /* as in stop_request */
    const char *stage;                /* "" the one that the execution stands at */
    enum condition_type condition;
    const char *reason;
};

struct export_request { /* one of both */
    const char *pipeline;
    const char *resource; /* "KIND/NAME" */
};

struct resources_request {
    const char *after; /* "KIND/NAME" of the last one of the page before; "" from the first */
};

struct alarm_request { /* what watches the hosts says that they are not well, or are again */
    const char *name;
    bool raise;
    const char *reason;
};

#define REQUESTS(X)                                                                                \
    X(PING)                                                                                        \
    X(APPLY)                                                                                       \
    X(RUN)                                                                                         \
    X(STOP)                                                                                        \
    X(LIST)                                                                                        \
    X(STATUS)                                                                                      \
    X(HISTORY)                                                                                     \
    X(EVENTS)                                                                                      \
    X(LOGS)                                                                                        \
    X(PUSH)                                                                                        \
    X(WORKERS)                                                                                     \
    X(EXPORT)                                                                                      \
    X(TRANSITION)                                                                                  \
    X(APPROVAL)                                                                                    \
    X(RETRY)                                                                                       \
    X(ROLLBACK)                                                                                    \
    X(RESUME)                                                                                      \
    X(ALARM)                                                                                       \
    X(WHY)                                                                                         \
    X(DRAIN)                                                                                       \
    X(REGIONS)                                                                                     \
    X(PLAN)                                                                                        \
    X(DOCTOR)                                                                                      \
    X(ARTIFACTS)                                                                                   \
    X(RESOURCES)                                                                                   \
    X(OVERRIDE)                                                                                    \
    X(CUSTOM)                                                                                      \
    X(CUSTOM_VIEW)

enum request_kind {
#define X(name) REQUEST_##name,
    REQUESTS(X)
#undef X
};
#define REQUEST_KIND_COUNT (REQUEST_CUSTOM_VIEW + 1)

struct request {
    uint64_t token;
    enum request_kind kind;
    union {
        struct apply_request apply;
        struct run_request run;
        struct stop_request stop;
        struct status_request status; /* also WHY */
        struct history_request history;
        struct events_request events;
        struct logs_request logs;
        struct push_request push;
        struct transition_request transition;
        struct approval_request approval;
        struct retry_request retry;
        struct rollback_request rollback;
        struct resume_request resume;
        struct alarm_request alarm;
        struct override_request override;
        struct export_request export;
        struct resources_request resources;
        struct drain_request drain;
        struct preview_request plan;
        struct artifacts_request artifacts;
        struct custom_request custom;
        struct custom_view_request custom_view;
    };
};

/* A finding of the definition's check. */
struct problem {
    uint32_t line, column; /* 1-based; 0 when it has no place */
    const char *path;      /* "pipeline.stages[1].actions[0].region" */
    const char *text;      /* what is wrong and what to write */
};

struct pipeline_summary {
    const char *name;
    uint32_t version;
    uint64_t updated_ms;
    struct id execution; /* newest */
    enum status status;
    uint64_t execution_started_ms;
    const char *revision_id;
};

struct resource_summary {
    enum resource_kind kind;
    const char *name;
    uint32_t version;
    uint64_t updated_ms;
    const char *updated_by;
};

struct worker_summary {
    const char *name, *region, *version;
    bool connected;
    uint64_t seen_ms; /* wall clock of the last message; 0 never */
    struct id incarnation;
    uint32_t jobs;
    const char *alarm; /* "" or what is wrong */
    bool drained;
    const char *drained_by, *drain_reason;
    uint64_t drained_ms;
};

/* The tree: an execution and the jobs of its actions. */
struct execution_view {
    struct execution execution;
    const struct job_state *jobs;
    size_t job_count;
};

struct failure {          /* error, cause, fix */
    enum error_code code; /* ERR_NONE: the request succeeded */
    const char *what, *cause, *fix;
};

struct reply {
    uint64_t token;
    enum request_kind kind;
    struct failure failure;
    const struct problem *problems; /* APPLY */
    size_t problem_count;
    const char *name;     /* PING: the coordinator's version; APPLY: pipeline */
    const char *resource; /* APPLY: what it was; "" a pipeline */
    uint32_t version;     /* APPLY */
    bool changed; /* APPLY: false when the definition was already so; ARTIFACTS: there is more */
    struct id execution; /* whatever began or changed one */
    uint64_t seq;        /* EVENTS: the newest; PING: epoch; EMPTY: how many went */
    const struct pipeline_summary *pipelines; /* LIST */
    size_t pipeline_count;
    const struct worker_summary *workers; /* WORKERS */
    size_t worker_count;
    const struct execution_view *executions; /* STATUS: one; HISTORY: without jobs */
    size_t execution_count;
    const struct event_record *events; /* EVENTS */
    size_t event_count;
    struct log_chunk log;                        /* LOGS */
    struct grant grant;                          /* PUSH */
    struct bytes document;                       /* EXPORT */
    const char *region;                          /* PING: the coordinator's */
    const struct transition_record *transitions; /* STATUS: the disabled ones of the pipeline */
    size_t transition_count;
    uint64_t dropped; /* EVENTS: after the asked number, older than what the store keeps */
    const struct reason *reasons; /* WHY; its execution is in `executions`, without jobs */
    size_t reason_count;
    const struct region_summary *regions; /* REGIONS */
    size_t region_count;
    const struct preview_change *plan_changes; /* PLAN; `name` and `version` are those to be */
    size_t plan_change_count;
    const struct preview_step *plan_steps;
    size_t plan_step_count;
    const struct finding *findings; /* DOCTOR; seq: the coordinator's clock, wall ms */
    size_t finding_count;
    const struct stored_object *objects; /* ARTIFACTS; of EMPTY those that were kept */
    size_t object_count;
    const char *next; /* ARTIFACTS: the part that follows; "" there is none */
    const struct resource_summary *resources; /* RESOURCES */
    size_t resource_count;
    const struct custom_job *jobs; /* CUSTOM: polled, or the one; CUSTOM_VIEW: one */
    size_t job_count;
};
