/* worker.h - the worker's core: one event in, a list of actions out.
 *
 * Calling sequence: worker_new(); first WORKER_START with all records; then one event after
 * another. At the end of a turn all PUTs and DELETEs are committed in one transaction, and only
 * then the other actions are performed, in order; they may be lost by a crash. The core repairs
 * that from its records: the deciding function looks at the whole state and emits what is missing.
 * worker_deadline() tells when WORKER_TICK is next wanted (heartbeat, resend, lease).
 *
 * A step is named (job, attempt, step, run). WORKER_STEP_START asks the shell to start it,
 * WORKER_STEP_ADOPT to find out what became of one that an earlier life of this process had
 * started. For both the answer is WORKER_STEP_ENDED (its outcome) or WORKER_STEP_LOST.
 * Starting is idempotent by the claim file (a step runs at most once per run number), so asking
 * twice is safe. A process that was forked but has not claimed its run cannot be seen by a later
 * life of this process: before it says that a run was lost unbegun, the shell takes the claim.
 *
 * Pure: no I/O, no clock, no randomness. Ownership as in coordinator.h.
 */
#pragma once
#include "wire/messages.h"

struct worker;

struct worker_config {
    const char *name, *region, *version;
    const char *root_dir;
    uint32_t revisions_max;
    uint32_t resend_ms; /* hello, accept, result, cancel_ack until answered */
    bool local;         /* deploy-local: no coordinator; jobs come by WORKER_LOCAL_JOB */
};

enum worker_event_type {
    WORKER_START,
    WORKER_TICK,
    WORKER_MESSAGE,       /* from the coordinator; offers and cancels verified by the shell */
    WORKER_CONNECTED,     /* the transport came up anew: say hello */
    WORKER_STEP_ENDED,    /* its outcome file was read */
    WORKER_STEP_LOST,     /* it runs no more and left no outcome */
    WORKER_STEP_PROGRESS, /* a hint from its progress file */
    WORKER_LOCAL_JOB      /* deploy-local: run this job as if it had been offered */
};

struct step_ref {
    struct id job;
    uint32_t attempt, step, run;
};

struct worker_event {
    enum worker_event_type type;
    uint64_t now_ms;  /* wall clock */
    uint64_t boot_ms; /* BOOTTIME */
    struct id boot;   /* the host's boot id */
    uint8_t entropy[PRNG_SEED_SIZE];
    union {
        struct {
            const struct record *records; /* rows come with `job` decoded; NULL when the
                                             bytes cannot be read any more */
            size_t count;
        } start;
        const struct message *message;
        struct {
            struct step_ref step;
            struct step_outcome outcome;
        } ended;
        struct {
            struct step_ref step;
            bool begun; /* it had claimed its run: a hook may have had an effect. When false the
                           shell has taken the claim, so that this run can never begin */
            const char *log_tail;
        } lost;
        struct {
            struct step_ref step;
            uint64_t done, total;
            const char *waits; /* "" or NULL: for nothing */
        } progress;
        struct {
            const struct job *job;
            struct bytes signed_job;
            const enum lifecycle_event *events; /* the subset and order to run; 0: all */
            size_t event_count;
        } local;
    };
};

enum worker_action_type {
    WORKER_PUT,
    WORKER_DELETE,
    WORKER_SEND,
    WORKER_STEP_START_ACTION,
    WORKER_STEP_ADOPT_ACTION,
    WORKER_STEP_CANCEL_ACTION, /* end its whole tree; its outcome still comes */
    WORKER_LEASE_ACTION,       /* the floating job's step may run until boot_ms; comes before the
                                  START of each run (make its folder), then at each extension */
    WORKER_FORGET_ACTION,      /* the row is gone: its job folder may be removed */
    WORKER_NOTE
};

struct worker_action {
    enum worker_action_type type;
    union {
        struct record put;
        char delete_key[RECORD_KEY_SIZE];
        struct message send;
        struct {
            struct step_ref ref;
            struct step_spec spec; /* START and ADOPT */
        } step;
        struct {
            struct step_ref ref;
            uint64_t until_boot_ms;
        } lease;
        struct {
            struct id job;
            uint32_t attempt;
        } forget;
        struct {
            enum note_level level;
            const char *text;
        } note;
    };
};

struct worker_actions {
    struct worker_action *at;
    size_t count, cap;
    struct arena arena;
};

void worker_actions_init(struct worker_actions *actions);
void worker_actions_clear(struct worker_actions *actions);
void worker_actions_deinit(struct worker_actions *actions);

struct worker *worker_new(const struct worker_config *config);
void worker_free(struct worker *worker);
void worker_step(struct worker *worker, const struct worker_event *event,
                 struct worker_actions *out);
uint64_t worker_deadline(const struct worker *worker); /* BOOTTIME ms; UINT64_MAX: none */

/* deploy-local and tests: the row of a job, NULL when there is none; borrowed. */
const struct row_record *worker_view_row(const struct worker *worker, const struct id *job);
