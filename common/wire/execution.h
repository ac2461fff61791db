/* execution.h - definitions, executions and their jobs: what the coordinator remembers and shows.
 * These structures are records (record.h) and at the same time what `status` and `history` carry.
 * Included through wire/messages.h only.
 */
#pragma once
#include "wire/copies.h"
#include "wire/custom_messages.h"
#include "wire/flow.h"
#include "wire/resume_messages.h"

/* "definition/NAME/VERSION": kept as it was applied; executions are pinned to one version. */
struct definition {
    const char *name;
    uint32_t version;
    uint64_t created_ms;
    const char *updated_by;
    struct bytes text;             /* the document, JSON or YAML */
    const struct pipeline *parsed; /* not stored: the shell's, made from text */
};

/* What a source action found: pinned for the whole execution. */
struct revision {
    const char *action;      /* source action */
    const char *artifact;    /* output artifact's name */
    const char *revision_id; /* the source object's version id */
    const char *summary;
    struct artifact_ref ref;
};

struct action_state {
    const char *name, *region, *provider; /* from the definition */
    struct id id;                         /* action execution; "" until begun */
    enum status status;
    uint64_t started_ms, ended_ms, deadline_ms;
    const char *summary;
    const char *error_code, *error_message;
    struct id token;                  /* approval: of the question; an answer may name it */
    const char *updated_by;           /* approval: who answered; custom: who works on it */
    struct id deployment;             /* of the attempt under way, as its hosts know it */
    const char *custom_data, *url;    /* approval: for who answers */
    uint32_t hosts;                   /* deployment group: when it began; 0 not yet, or no group */
    uint32_t spare;                   /* ... how many of them may be out of service at once */
    const char *config;               /* ... by which configuration */
    const struct variable *variables; /* that it has given; a source's are in its revision */
    size_t variable_count;
    uint32_t wave;         /* of its stage, from 1; 0: the stage has none */
    uint64_t committed_ms; /* barrier: since then its hosts may install; 0 not yet, or none */
    struct custom_state custom;
};

#define ACTION_STATE_TEXTS(X)                                                                      \
    X(name)                                                                                        \
    X(region)                                                                                      \
    X(provider)                                                                                    \
    X(summary)                                                                                     \
    X(error_code)                                                                                  \
    X(error_message)                                                                               \
    X(updated_by)                                                                                  \
    X(custom_data)                                                                                 \
    X(url)                                                                                         \
    X(config)                                                                                      \
    X(custom.continuation)                                                                         \
    X(custom.external_id)

struct stage_state {
    const char *name;
    enum status status;
    uint64_t started_ms, ended_ms;
    const struct action_state *actions;
    const struct action_state *rules; /* of its conditions, by type; SKIPPED: overridden */
    size_t action_count, rule_count;
    uint32_t entry_rules, success_rules;   /* so many of them; the others are onFailure's */
    uint32_t auto_retries, manual_retries; /* AWS: retryStageMetadata */
    uint32_t bake_wave;                    /* the last wave that is or was watched; 0 none */
    uint64_t bake_ms;                      /* ... until then */
};

/* "execution/PIPELINE/STARTED/ID", STARTED 16 hexadecimal digits, so that keys sort by age. */
struct execution {
    struct id id;
    const char *pipeline;
    uint32_t pipeline_version;
    enum status status;
    const char *status_summary;
    enum trigger trigger;
    const char *trigger_detail;
    uint64_t started_ms, updated_ms, ended_ms;
    bool stop_requested, stop_abandon;
    const char *stop_reason;
    const struct revision *revisions;
    size_t revision_count;
    const struct stage_state *stages;
    size_t stage_count;
    const struct copy_state *copies;
    size_t copy_count;
    const struct delta_state *deltas;
    size_t delta_count;
    enum execution_mode mode; /* of the definition that it is pinned to */
    enum execution_type type;
    struct id rollback_target;             /* ROLLBACK: whose revisions these are */
    bool ignore_application_stop_failures; /* the operator wants no old script to hold a host */
    bool outdated_only;                    /* hosts that have the revision are left alone */
    const struct variable *variables;      /* of the pipeline, as this execution has them */
    size_t variable_count;
};

/* "job/EXECUTION/ID" */
struct job_state {
    struct id id, execution, action_execution, deployment;
    enum job_kind kind;
    const char *worker, *region, *target; /* worker "" while a floating job has none */
    const char *artifact;
    enum status status;
    uint32_t attempt; /* 0: never assigned */
    struct fence fence;
    struct id incarnation;
    bool cancel;       /* the operator wants it ended */
    const char *cause; /* why it waits or how it ended, in words */
    uint64_t created_ms, assigned_ms, ended_ms, deadline_ms;
    struct lifecycle_report events[WIRE_EVENTS_MAX];
    size_t event_count;
    enum lifecycle_event failed_event;
    struct diagnostics diagnostics;
    uint64_t done, total;                 /* not stored: the last progress hint */
    uint32_t stage_number, action_number; /* from 1, in its execution; 0: of an older version */
    struct interruption interruption;
};
