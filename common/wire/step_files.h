/* step_files.h - what a step process reads and leaves: the files `spec` and `outcome`.
 *
 * Texts are never NULL and are borrowed from the arena of the file that was decoded.
 * Included through wire/messages.h only.
 */
#pragma once
#include "wire/job.h"

/* One step process (worker/steps). The whole job goes along: a step reads what it needs. */
#define STEP_KINDS(X)                                                                              \
    X(DOWNLOAD, "download")                                                                        \
    X(INSTALL, "install")                                                                          \
    X(HOOK, "hook")                                                                                \
    X(REPLICATE, "replicate")                                                                      \
    X(BUILD, "build")                                                                              \
    X(KEEP_LOG, "keep-log") /* after the end: the log goes to the region's store */                \
    X(UNDO, "undo")         /* after a failure: what the install replaced is put back */           \
    X(DELTA, "delta")       /* makes what copies are told by */

enum step_kind {
#define X(name, text) STEP_##name,
    STEP_KINDS(X)
#undef X
};
#define STEP_KIND_COUNT (STEP_DELTA + 1)
const char *step_kind_name(enum step_kind kind);

struct step_spec {
    enum step_kind kind;
    enum lifecycle_event event;
    uint32_t run;         /* 1 unless the step is repeated */
    uint32_t ordered_run; /* a script that was interrupted before this run may begin once more, as
                             the operator said; 0: no word was given */
    struct job job;
    const char *root_dir;               /* the deployment root, as the agent's root_dir */
    struct id last_successful;          /* deployment; "" when none */
    uint32_t revisions_max;             /* kept on the host, the last successful one beside */
    uint64_t revisions_bytes_max;       /* of all of them together; 0 no bound */
    const char *local_bundle;           /* deploy-local: a file or folder instead of job.read */
    const char *appspec_filename;       /* "" for appspec.yml, then appspec.yaml */
    bool run_root_scripts_from_current; /* see worker.md section 5, "Script root" */
    uint64_t build_memory_max;          /* bytes a process of a build; 0 no bound */
    uint64_t transfer_rate_max;         /* bytes a second of a transfer; 0 no bound */
    uint64_t delta_memory_max;          /* bytes that deltas are made and used with */
    const char *secrets_dir;            /* files that builds may name; "" none */
};

struct step_outcome {
    enum status status; /* SUCCEEDED, FAILED, STOPPED (cancelled), UNKNOWN (lease lost) */
    struct diagnostics diagnostics;
    bool noop;        /* the event had nothing to run */
    bool interrupted; /* with UNKNOWN: nothing was begun; a script of an earlier run had begun, and
                         it is not declared `rerun: safe` */
    uint64_t started_ms, ended_ms;
    const char *version_id;
    uint64_t bytes;
    enum copy_way way; /* STEP_REPLICATE, with `note`: see struct result */
    const char *note;
    uint64_t files; /* STEP_INSTALL: installed, also where it failed after its commit */
    const struct lifecycle_report *phases; /* STEP_BUILD: what was done, in order */
    size_t phase_count;
    const struct job_artifact *outputs; /* STEP_BUILD */
    size_t output_count;
    const struct variable *variables; /* STEP_BUILD: exported */
    size_t variable_count;
    uint64_t idle_events; /* bit N: event N of the present revision runs nothing; 0: not known */
};
