/* job.h - a job as it travels: signed by the coordinator, run by one worker, ended by a result.
 *
 * Texts are never NULL and are borrowed from the arena of the message or record.
 * Included through wire/messages.h only.
 */
#pragma once
#include "wire/names.h"

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
};

/* Leave to read or write one object for a short time; filled by the coordinator's shell. */
struct grant {
    const char *url; /* "" when the worker reads the store by its own means */
    const char *pin; /* "sha256//...", CURLOPT_PINNEDPUBLICKEY; "" for a store with a real CA */
    uint64_t expires_ms;
};

enum job_kind {
    JOB_DEPLOY,   /* pinned: this host and no other; never given to another worker */
    JOB_REPLICATE /* floating: any worker of the region, one at a time, under a lease */
};
#define JOB_KIND_COUNT (JOB_REPLICATE + 1)

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
    bool ignore_application_stop_failures;
    const char *bundle_type; /* "zip", "tar", "tgz", "directory" or "" to detect */
    const char *revision;    /* the source object's version id: equal in every region, while each
                                copy has a version id of its own in input.version_id */

    struct artifact_ref input;
    struct grant read;
    struct artifact_ref output; /* JOB_REPLICATE: store and key; version_id comes back */
    struct grant write;
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
    uint64_t bytes;         /* fetched over the network for this job */
    uint64_t ended_ms;
};

/* One step process (worker/steps). The whole job goes along: a step reads what it needs. */
enum step_kind { STEP_DOWNLOAD, STEP_INSTALL, STEP_HOOK, STEP_REPLICATE };
#define STEP_KIND_COUNT (STEP_REPLICATE + 1)

struct step_spec {
    enum step_kind kind;
    enum lifecycle_event event;
    uint32_t run; /* 1 unless the step is repeated */
    struct job job;
    const char *root_dir;               /* the deployment root, as the agent's root_dir */
    struct id last_successful;          /* deployment; "" when none */
    uint32_t revisions_max;             /* kept on the host, the last successful one beside */
    const char *local_bundle;           /* deploy-local: a file or folder instead of job.read */
    const char *appspec_filename;       /* "" for appspec.yml, then appspec.yaml */
    bool run_root_scripts_from_current; /* see worker.md section 5, "Script root" */
};

struct step_outcome {
    enum status status; /* SUCCEEDED, FAILED, STOPPED (cancelled), UNKNOWN (lease lost) */
    struct diagnostics diagnostics;
    bool noop; /* the event had nothing to run */
    uint64_t started_ms, ended_ms;
    const char *version_id;
    uint64_t bytes;
};
