/* process.h - step processes, which outlive their worker, and the folders they leave.
 *
 * One run is one STEPDIR with at most one living process that matters: a second one finds the
 * claim and ends. Claims and outcomes are durable; a reboot ends processes and keeps folders.
 */
#pragma once
#include "sim.h"

struct sim_step { /* the worker core's struct step_ref */
    struct id job;
    uint32_t attempt, step, run;
};

struct run {
    struct run *next; /* newest first */
    uint32_t worker;
    struct sim_step ref;
    enum step_kind kind;
    enum lifecycle_event event;
    const struct job *job;   /* the signed one; NULL when only its lease is known */
    bool alive, begun, over; /* over: the outcome file exists */
    bool leased, told_to_end;
    uint64_t process; /* number of the living or last process */
    uint64_t lease_until_boot_ms;
    uint32_t
        spawned_life; /* of the worker's process that forked it, and knows it without a claim */
    bool barred;      /* the claim was taken by a shell that found nobody: it never begins */
    uint32_t watched_life; /* of the worker's process that wants to know its end */
    bool effect;           /* a hook's script has begun */
    bool interrupted;      /* nothing has begun: an earlier run's script had */
    uint32_t ordered_run;
    enum status outcome;
    char version_id[16];
    struct job_artifact made; /* of a build or a delta; no name: nothing */
    enum copy_way way;
};

/* What the worker's shell does for the core's actions. */
void process_start(struct world *w, uint32_t worker, const struct sim_step *ref,
                   const struct step_spec *spec);
void process_adopt(struct world *w, uint32_t worker, const struct sim_step *ref);
void process_cancel(struct world *w, uint32_t worker, const struct sim_step *ref);
void process_lease(struct world *w, uint32_t worker, const struct sim_step *ref,
                   uint64_t until_boot_ms);
void process_forget(struct world *w, uint32_t worker, const struct id *job, uint32_t attempt);

/* EV_CLAIM, EV_END, EV_LEASE, EV_KILL, EV_NEWS. */
void process_event(struct world *w, const struct sim_event *event);
/* The host goes down; with `wipe` its folders are lost as well. */
void process_host_down(struct world *w, uint32_t worker, bool wipe);
/* Somebody (the kernel, for want of memory) ends a process without an outcome. */
void process_kill_any(struct world *w, uint32_t worker);
/* The worker's shell looks: true when there is neither an outcome nor a process that it can see.
 * A process that was forked by an earlier life and has not claimed its run yet cannot be seen, so
 * that the shell takes the claim itself before it says so. */
bool process_lost(struct world *w, struct run *run);
/* What the build of such a source makes: the same each time. */
void process_build_digest(const uint8_t source[SHA256_SIZE], uint8_t out[SHA256_SIZE]);
/* The hook's appspec entry says `rerun: safe`. */
bool process_rerun_safe(const struct run *run);
/* Fills the outcome of a run that is over. */
struct step_outcome process_outcome(const struct run *run);
