/* job.h - a job as it travels: signed by the coordinator, run by one worker, ended by a result.
 *
 * Texts are never NULL and are borrowed from the arena of the message or record.
 * Included through wire/messages.h only.
 */
#pragma once
#include "wire/grant.h"

/* F = (epoch, seq), compared in that order; grows for ever (protocol.md, "Names"). */
struct fence {
    uint64_t epoch, seq;
};
int fence_compare(struct fence a, struct fence b); /* <0, 0, >0 */

/* Where bytes lie and what they must be. The digest is the identity, the rest is the address. */
struct artifact_ref {
    const char *store; /* bucket */
    const char *key;
    const char *version_id; /* "" for an object that is still to be written */
    const char *etag;
    uint64_t size;
    uint8_t sha256[SHA256_SIZE];
    bool removed; /* it was there, and retention or an operator took it away */
};

enum job_kind {
    JOB_DEPLOY,    /* pinned: this host and no other; never given to another worker */
    JOB_REPLICATE, /* floating: any worker of the region, one at a time, under a lease */
    JOB_BUILD,     /* floating among the region's workers that build */
    JOB_DELTA      /* floating, where the artifact comes from: makes what copies are told by */
};
#define JOB_KIND_COUNT (JOB_DELTA + 1)
/* It only brings bytes to where others need them: no host, no action of its own. */
bool job_kind_moves(enum job_kind kind);

enum { WIRE_BUILDSPEC_MAX = 128 << 10 }; /* that comes with its job */

/* What a build reads or makes. As an output its digest and version are still unknown: the grant is
 * for an object of any content up to a bound, and the result tells what became of it. */
struct job_artifact {
    const char *name;
    struct artifact_ref ref;
    struct grant grant;
};

/* Of a pipeline, or given by an action: what `#{NAMESPACE.NAME}` stands for. */
struct variable {
    const char *name, *value;
};

struct job_variable {
    const char *name;
    const char *value; /* of a secret: the name of a file that the worker keeps */
    bool secret;
};

struct job {
    struct id id;
    uint32_t attempt; /* 1, 2, ... */
    struct fence fence;
    enum job_kind kind;
    const char *worker;             /* audience: name ... */
    struct id incarnation;          /* ... and incarnation */
    uint64_t issued_ms, expires_ms; /* wall clock; not accepted after expires_ms */
    uint64_t timeout_ms;            /* from acceptance to result */
    const char *target; /* what must not be worked on twice at once: "deploy:app/group" ... */

    struct id execution, action_execution, deployment;
    const char *pipeline, *stage, *action, *region;
    const char *application, *deployment_group, *deployment_group_id;
    enum file_exists file_exists;
    bool ignore_application_stop_failures; /* of the events that run the old revision's scripts */
    bool traffic_control;                  /* the events around traffic are part of it */
    enum on_failure on_failure;
    bool hold;               /* prepared, it waits for RESUME_GO_ON before any file is installed */
    const char *bundle_type; /* "zip", "tar", "tgz", "directory" or "" to detect */
    const char *revision;    /* the source object's version id: equal in every region, while each
                                copy has a version id of its own in input.version_id */

    struct artifact_ref input;
    struct grant read;
    struct artifact_ref output;      /* JOB_REPLICATE: store and key; version_id comes back */
    struct grant write;              /* url "": it is too large for one request */
    const struct parts_grant *parts; /* JOB_REPLICATE into S3 of something large: one, else none */
    size_t parts_count;

    /* JOB_REPLICATE by a delta: `inputs` are the older revision as the region has it and the delta;
     * `input` is the whole, if they are of no use. JOB_DELTA: `inputs` is the older revision, where
     * `input` lies as well, `outputs` the delta, of at most ref.size bytes.
     *
     * JOB_BUILD. `input` and `read` are those of the artifact that holds the buildspec. */
    const struct job_artifact *inputs; /* all of them, that one first */
    size_t input_count;
    const struct job_artifact *outputs;
    size_t output_count;
    const struct job_variable *variables;
    size_t variable_count;
    const char *buildspec; /* JOB_BUILD: instead of a file of the source; "" it has one */

    /* Where the job's log is kept after its end; key "" where it is not. */
    struct artifact_ref log;
    struct grant log_write;
};

struct lifecycle_report {
    enum lifecycle_event event;
    enum status status;
    uint64_t started_ms, ended_ms; /* wall clock; 0 when not yet */
};

struct diagnostics {
    enum lifecycle_error code;
    const char *script;
    const char *message;  /* what, where, what to do; "" on success */
    const char *log_tail; /* at most WIRE_LOG_TAIL_MAX bytes, escaped by whoever shows it */
};

/* How attempt `attempt` of job `job` ended. */
struct result {
    struct id job;
    uint32_t attempt;
    struct fence fence;
    enum status status; /* SUCCEEDED, FAILED, STOPPED (cancelled) or UNKNOWN */
    const struct lifecycle_report *events;
    size_t event_count;
    enum lifecycle_event failed_event; /* meaningful unless SUCCEEDED */
    struct diagnostics diagnostics;
    const char *version_id; /* JOB_REPLICATE: what the destination store named it */
    uint64_t bytes;         /* fetched over the network for this job; JOB_REPLICATE: from another
                               region */
    enum copy_way way;      /* JOB_REPLICATE: which was taken ... */
    const char *note;       /* ... and why not a cheaper one that was offered; "" */
    uint64_t ended_ms;
    const struct job_artifact *outputs; /* JOB_BUILD, JOB_DELTA: what was put, without grants */
    size_t output_count;
    const struct variable *variables; /* JOB_BUILD: exported by its buildspec */
    size_t variable_count;
};
