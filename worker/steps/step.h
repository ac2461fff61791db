/* step.h - one running step: its spec, its folder, and whether it must stop.
 *
 * step_main() is a whole program `NAME KIND STEPDIR`. It claims the step (file `begun`; a second
 * process that finds it claimed ends at once), reads `spec`, runs the kind and writes `outcome`.
 * Nothing depends on the daemon that started it. The exit status is 0 when an outcome was written
 * or the step belongs to another process.
 *
 * There are two such programs, because to load libcurl and libarchive with all that they need
 * takes longer than most steps: meridian-step (main.c) runs installs, hooks and undo, and becomes
 * meridian-fetch, beside it, for every other kind (main_fetch.c). A new kind is a row in one of
 * the two.
 *
 * Long work calls step_continues() often: it sees SIGTERM (cancel) and the end of the lease, and
 * step_progress() now and then.
 */
#pragma once
#include "steps/host.h"
#include "wire/wire.h"

enum { STEP_KILL_MS = 5000, STEP_LEASE_CHECK_MS = 1000, STEP_SPEC_MAX = 1 << 20 };

enum step_stop { STEP_GOES_ON, STEP_CANCELLED, STEP_LEASE_LOST };

struct step {
    const struct step_spec *spec;
    const char *folder;      /* STEPDIR */
    char group[FS_PATH_MAX]; /* its cgroup (hook/group.h); "" none */
    struct host host;
    int signals;  /* signalfd of SIGTERM and SIGINT; -1 in unit tests */
    int progress; /* -1 when there is no such file */
    enum step_stop stop;
    uint64_t files;                         /* installed */
    uint64_t lease_checked_ms, progress_ms; /* boot clock */
};

/* What the outcome file will say. */
struct step_report {
    enum status status;
    enum lifecycle_error code;
    char script[FS_PATH_MAX];
    char message[ERROR_TEXT_SIZE];
    char log_tail[WIRE_LOG_TAIL_MAX + 1];
    bool noop;
    bool interrupted;           /* see struct step_outcome */
    uint64_t bytes;             /* fetched over the network; of a copy: from another region */
    enum copy_way way;          /* of a copy ... */
    char note[ERROR_TEXT_SIZE]; /* ... and why not a cheaper one; "" */
    uint64_t files;             /* installed */
    uint64_t idle_events;
    char version_id[WIRE_KEY_MAX];
    struct lifecycle_report phases[WIRE_EVENTS_MAX];
    size_t phase_count;
    struct job_artifact outputs[WIRE_BUILD_ARTIFACTS_MAX]; /* texts of the spec and of ... */
    char output_versions[WIRE_BUILD_ARTIFACTS_MAX][WIRE_KEY_MAX];
    size_t output_count;
    struct variable variables[WIRE_VARIABLES_MAX]; /* texts of ... */
    char variable_names[WIRE_VARIABLES_MAX][WIRE_VARIABLE_NAME_MAX + 1];
    char variable_values[WIRE_VARIABLES_MAX][WIRE_VARIABLE_MAX + 1];
    size_t variable_count;
};

/* False, with ERR_CONFLICT, when the step must stop; step->stop says why from then on. */
NODISCARD bool step_continues(struct step *step, struct error *err);
/* A hint for the daemon, written at most ten times a second. `unit` is "bytes" or "files". */
void step_progress(struct step *step, uint64_t done, uint64_t total, const char *unit);
/* The same while nothing moves, and why. */
void step_waits(struct step *step, uint64_t done, uint64_t total, const char *what);

/* Runs one kind of step. False is a failure that no script caused: code 5. */
typedef bool step_run_fn(struct step *step, struct step_report *report, struct error *err);

/* A kind that a program can run. */
struct step_row {
    enum step_kind kind;
    step_run_fn *run;
};

int step_main(int argc, char **argv, const struct step_row *rows, size_t count);
