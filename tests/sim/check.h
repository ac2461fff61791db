/* check.h - what must hold (protocol.md, "What the simulator checks"), judged by what lies on
 * disks and by what step processes did; never by what a core says of itself.
 */
#pragma once
#include "process.h"

/* What really happened to one job, over all its attempts. */
struct truth {
    struct truth *next;
    struct id job;
    uint32_t begins[LIFECYCLE_EVENT_COUNT];       /* claims */
    uint32_t succeeded[LIFECYCLE_EVENT_COUNT];    /* the attempt whose step ended so; 0 none */
    uint32_t hook_ordered[LIFECYCLE_EVENT_COUNT]; /* operator's words to rerun it, spoken */
    bool skipped[LIFECYCLE_EVENT_COUNT];
    bool traffic;          /* its signed job asks for the events around traffic */
    uint32_t cancel_acked; /* the greatest attempt */
    uint8_t installed[SHA256_SIZE];
};

/* ---- hosts (check_worker.c) ---- */

/* The order to start a step is performed. Returns the signed job. */
const struct job *check_start(struct world *w, uint32_t worker, const struct sim_step *ref,
                              const struct step_spec *spec);
void check_run_begins(struct world *w, const struct run *run);
void check_run_ended(struct world *w, const struct run *run);
/* A record is about to be committed; old is NULL when the key is new. */
void check_worker_put(struct world *w, uint32_t worker, const struct record *old,
                      const struct record *new);
void check_worker_send(struct world *w, uint32_t worker, const struct message *message);

/* That row is gone or ended on the worker's disk. */
bool check_row_ended(const struct world *w, uint32_t worker, const struct row *row);

/* ---- the coordinator (check.c) ---- */

void check_coordinator_put(struct world *w, const struct record *old, const struct record *new);
/* The same record once the whole turn is committed: what it says together with the others. */
void check_coordinator_committed(struct world *w, const struct record *record);
/* `before`: the offered attempt was assigned already before this turn. */
void check_coordinator_send(struct world *w, uint32_t worker, const struct message *message,
                            const struct job *offered, bool before);
bool check_assigned(const struct world *w, uint32_t worker, const struct job *job);
/* A job of a deployment group has begun: the minimum-healthy rule holds (check_rollout.c). */
void check_hosts_spared(struct world *w, const struct job_state *job);
/* Waves, barriers and what goes back with them (check_regions.c). */
void check_region_job(struct world *w, const struct job_state *job);
void check_region_execution(struct world *w, const struct execution *e);
void check_region_run(struct world *w, const struct run *run);
/* What is asked before and behind a stage (check_condition.c). */
void check_asked(struct world *w, const struct execution *e, size_t stage);
/* Somebody has let it go on that had failed by a condition. */
bool check_overridden(const struct stage_state *old, const struct stage_state *new);
bool check_asked_skips(const struct world *w, const struct execution *e, size_t stage);
/* What a copy is said to have cost (check_way.c). */
void check_way(struct world *w, const struct execution *e, const struct copy_state *copy);
/* Against the other executions of its pipeline: locks, doors, turns (check_gate.c). */
void check_neighbours(struct world *w, const struct execution *e);
bool check_stage_passed(const struct stage_state *stage);
uint32_t check_retries(const struct execution *e);
/* The coordinator's log of each execution (check_replay.c): a turn's changes, told before they are
 * made on the disk; no record: deleted. */
struct sim_turn *log_turn_begin(struct world *w);
void log_turn_add(struct sim_turn *turn, const char *key, const struct record *new);
void log_turn_end(struct sim_turn *turn);
/* What it comes to lies on the disk, bit for bit. */
void check_log_sometimes(struct world *w);
void check_logs(struct world *w);
/* Everything has come to its end: is it the right one? */
void check_end(struct world *w);
const char *check_unrest(const struct world *w); /* NULL when nothing is under way any more */

const struct execution *check_execution(const struct world *w, const struct id *id);
const struct job_state *check_job(const struct world *w, const struct id *job);
const struct template *check_template(const struct world *w, const struct execution *e);
struct truth *check_truth(struct world *w, const struct id *job);
