/* record.h - what both daemons remember: the currency between a core and its LMDB store.
 *
 * A record is a key "kind/id" and one of these structures, encoded with a schema version.
 * The same structures are what `status`, `history` and `dump` show.
 * Included through wire/messages.h only.
 */
#pragma once
#include "wire/turn_record.h"

/* ---- coordinator ---- */

/* "epoch": grows by one at every start. */
struct epoch_record {
    uint64_t epoch;
};

/* "source/PIPELINE/ACTION": the newest revision that was turned into an execution. */
struct source_state {
    const char *pipeline, *action, *revision_id;
};

/* "submission/CLIENT/ID": the same submission gets the same answer. */
struct submission {
    const char *client;
    struct id id, execution;
    uint64_t created_ms;
};

/* "event/SEQ" (16 hexadecimal digits): what watchers see, each change once, in order. */
struct event_record {
    uint64_t seq, time_ms;
    struct id execution;
    const char *pipeline, *stage, *action, *region, *worker;
    const char *what; /* "pipeline", "stage", "action", "target", "lifecycle", "copy" */
    const char *name; /* lifecycle event, artifact ... */
    enum status status;
    const char *detail; /* one line */
    const char *version_id;
};

/* "worker/NAME": which incarnation was last welcomed, and whether an operator has drained it. */
struct worker_record {
    const char *name;
    struct id incarnation;
    bool drained;
    const char *drained_by, *drain_reason;
    uint64_t drained_ms;
};

/* "transition/PIPELINE/STAGE": the door into a stage; none is as good as an enabled one. */
struct transition_record {
    const char *pipeline, *stage;
    bool enabled;
    const char *reason; /* at most TRANSITION_REASON_MAX */
    const char *changed_by;
    uint64_t changed_ms;
};

/* ---- worker ---- */

/* "self" */
struct self_record {
    struct id incarnation;
    uint64_t epoch_max;
};

enum step_state {
    STEP_NOT_BEGUN,
    STEP_STARTED,
    STEP_DONE,
    STEP_INTERRUPTED, /* a script of it had begun: the operator decides */
    STEP_HELD         /* it begins when the coordinator says so */
};
#define STEP_STATE_COUNT (STEP_HELD + 1)

/* "row/JOB/ATTEMPT" */
struct row_record {
    struct row row;
    struct bytes signed_job; /* as received */
    const struct job *job;   /* not stored: decoded from signed_job by the shell */
    uint64_t accepted_boot_ms, accepted_ms;
    struct id boot;       /* in which the current step was started */
    uint32_t step;        /* index into the job kind's lifecycle */
    uint32_t run;         /* of that step: 1, 2, ... */
    uint32_t ordered_run; /* which the operator ordered last; 0 none */
    uint32_t free_runs;   /* since then: what ended with its worker before it had begun is no try */
    enum step_state step_state;
    bool cancel;
    struct lifecycle_report events[WIRE_EVENTS_MAX];
    size_t event_count;
    uint64_t files;       /* that this deployment has installed so far */
    uint64_t idle_events; /* as the last step's outcome told it */
    struct result result; /* once row.state is ROW_ENDED, while the files are restored,
                             and while the step is INTERRUPTED or HELD */
    bool released;        /* the coordinator's word to go on was heard */
};

/* "target/TARGET" */
struct target_record {
    const char *target;
    struct fence fence_max;
    struct id last_successful; /* deployment, after every event succeeded */
};

#define RECORD_KINDS(X)                                                                            \
    X(EPOCH, epoch_record, epoch)                                                                  \
    X(DEFINITION, definition, definition)                                                          \
    X(EXECUTION, execution, execution)                                                             \
    X(JOB, job_state, job)                                                                         \
    X(SOURCE, source_state, source)                                                                \
    X(SUBMISSION, submission, submission)                                                          \
    X(EVENT, event_record, event)                                                                  \
    X(WORKER, worker_record, worker)                                                               \
    X(SELF, self_record, self)                                                                     \
    X(ROW, row_record, row)                                                                        \
    X(TARGET, target_record, target)                                                               \
    X(TRANSITION, transition_record, transition)                                                   \
    X(RESOURCE, resource_record, resource)                                                         \
    X(HOST, host_record, host)                                                                     \
    X(ALARM, alarm_record, alarm)                                                                  \
    X(TURN, turn_record, turn)

enum record_kind {
#define X(name, type, member) RECORD_##name,
    RECORD_KINDS(X)
#undef X
};
#define RECORD_KIND_COUNT (RECORD_TURN + 1)

struct record {
    enum record_kind kind;
    union {
#define X(name, type, member) struct type member;
        RECORD_KINDS(X)
#undef X
    };
};

enum { RECORD_KEY_SIZE = 512, RECORD_SCHEMA = 1 };
/* The key under which a record lies; its identifying members must be set. */
void record_key(const struct record *record, char out[RECORD_KEY_SIZE]);
