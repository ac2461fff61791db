/* model.h - what the worker's core holds in memory: its rows and targets as they are on disk,
 * beside each the little that lives only as long as this process.
 *
 * Ownership: a task owns deep copies of its job, its result and its signed bytes (task arena); a
 * target owns its name. Limits: WIRE_ROWS_MAX tasks. Everything is found by walking lists whose
 * order follows from fences and arrival, so that equal events give equal actions.
 */
#pragma once
#include "base/list.h"
#include "core/worker.h"

/* Why a running job is being ended, other than by the operator. Not durable: the step's outcome
 * (stopped, or lease lost) tells the same after a restart. */
enum task_ending {
    ENDING_NONE,
    ENDING_LEASE,  /* nobody confirmed that it may go on */
    ENDING_OVERDUE /* it ran longer than its timeout */
};

/* One attempt of a job. */
struct task {
    struct list link; /* worker->tasks, by fence */
    struct arena arena;
    struct row_record record; /* `job` is NULL when its bytes could not be read */
    bool changed;             /* record differs from the disk: put at the end of the event */

    bool asked;        /* the current step was started or adopted by this process */
    bool adopted;      /* ... the latter */
    bool cancel_asked; /* ... and its end was asked for */
    bool told;         /* the coordinator has acknowledged the interruption */
    bool dropped;      /* delete the row as soon as no step runs */
    enum task_ending ending;
    uint64_t lease_until_boot_ms; /* confirmed by an echo of this process's heartbeats; 0 none */
    uint64_t patience_boot_ms;    /* an adopted step is not ended for want of an echo before */
    uint64_t overdue_boot_ms;     /* UINT64_MAX none */
    uint64_t result_at_boot_ms;   /* when the result, or the interruption, is next sent */
    uint64_t hint_at_boot_ms;     /* before this no further progress hint */
};

struct target {
    struct list link; /* worker->targets */
    struct target_record record;
    char name[]; /* record.target points here */
};

enum link_state {
    LINK_DOWN,    /* the transport never came up */
    LINK_HELLO,   /* hello is said until it is answered */
    LINK_WELCOMED /* heartbeats and results flow */
};

struct worker {
    struct worker_config config; /* its texts are own copies in `arena` */
    struct arena arena;
    struct self_record self;
    struct list tasks, targets;
    size_t task_count;

    uint64_t now_ms, boot_ms; /* of the event being handled */
    struct id boot;           /* likewise */
    uint64_t life_boot_ms;    /* when this process started */
    uint64_t signed_ms;       /* greatest time read in anything the coordinator signed */

    enum link_state link;
    uint64_t hello_at_boot_ms, heartbeat_at_boot_ms, heard_boot_ms;
    uint32_t heartbeat_ms, lease_ms;
};

/* Makes deep copies of record's texts, of its job and, for rows that came from the disk, of its
 * result. */
struct task *model_add_task(struct worker *w, const struct row_record *record);
void model_remove_task(struct worker *w, struct task *task);
void model_remove_target(struct target *target);
struct task *model_find_task(const struct worker *w, const struct id *job, uint32_t attempt);
/* The oldest task of the target that is not ended; NULL when the target is free. */
struct task *model_active_task(const struct worker *w, const char *target);

/* NULL when the target was never worked on. */
struct target *model_find_target(const struct worker *w, const char *name);
struct target *model_need_target(struct worker *w, const char *name); /* made when missing */

bool task_floating(const struct task *task); /* under a lease */
bool task_running(const struct task *task);  /* a step was started and has not been reported */
struct step_ref task_step_ref(const struct task *task);
