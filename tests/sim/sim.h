/* sim.h - one simulated world: a coordinator, its workers, their disks, processes and network.
 *
 * Everything follows from the seed. The two real cores are linked; what the shells do (commit,
 * then perform; start, adopt and end step processes; poll sources) is modelled here, with every
 * fault in between. The cores' folders both have the name core/, so that sim_coordinator.c and
 * sim_worker.c are compiled with different include paths and this header knows only messages.
 *
 *   queue.c          what happens next          net.c     sessions, packets, cuts
 *   disk.c           records by key             process.c step processes and their folders
 *   sim_coordinator.c, sim_worker.c             one turn of each shell
 *   client.c         people and source objects  faults.c  the world's mix and its mishaps
 *   check.c, check_rollout.c, check_worker.c    what must hold, read from disks and processes
 *   world.c          the two phases             main.c    seeds, processes, summary
 */
#pragma once
#include "base/arena.h"
#include "disk.h"
#include "options.h"
#include "queue.h"
#include "template.h"

enum { SIM_NODES_MAX = SIM_WORKERS_MAX + 1, SIM_INPUTS_MAX = 24, SIM_OPS_MAX = 64 };
enum { SIM_DOORS_OPEN_MS = 10000 }; /* after the healing, by then everybody has an answer */

enum sim_input_kind {
    INPUT_TICK,
    INPUT_PACKET,    /* of the worker dialogue */
    INPUT_CONNECTED, /* worker */
    INPUT_STEP,      /* worker: look at a run's folder */
    INPUT_FLEET,     /* coordinator */
    INPUT_REQUEST,   /* coordinator: client operation `number` */
    INPUT_SOURCE,    /* coordinator: poll source `number` */
    INPUT_APPROVAL,  /* coordinator: what waits in pipeline `number` is answered */
    INPUT_ANSWER     /* coordinator: what rules ask outside is answered */
};

struct sim_input {
    enum sim_input_kind kind;
    struct packet *packet;
    struct run *run;
    uint32_t number;
};

struct sim_node { /* 0 is the coordinator, 1 ... the workers */
    char name[8];
    uint32_t region;
    bool up, enrolled;
    uint32_t life;  /* counts its starts */
    uint32_t wipes; /* counts its empty disks */
    struct disk disk;
    void *core; /* struct coordinator or struct worker, with its actions */
    struct sim_input inputs[SIM_INPUTS_MAX];
    size_t input_count;
    bool turn_queued;
    uint64_t tick_at; /* true time of the queued tick; UINT64_MAX none */
    uint32_t spins;   /* turns in a row that asked for another at once */

    /* Clocks: true time is milliseconds since the world began. */
    int64_t wall_offset_ms;
    uint64_t booted_at, boot_base_ms;
    int32_t drift_ppm;
    struct id boot;

    uint64_t session;      /* worker: 0 while not connected */
    uint32_t session_life; /* the coordinator's life that it is connected to */
    bool connecting;
    uint64_t cut_until[2]; /* packets to [0] and from [1] the worker go nowhere before */
    uint64_t last_arrival[2];
};

struct sim_op { /* what one person wants, repeated until it is answered */
    enum request_kind kind;
    struct id submission;
    uint32_t pipeline, template;
    uint32_t stage; /* TRANSITION: into it, from 1 */
    bool abandon, enable, done, asked;
    struct id execution; /* RUN: as answered first; STOP: what to stop; RESUME: of what */
    uint32_t worker;     /* RESUME, DRAIN (`enable`: it works again) */
    enum resume_verb verb;
};

struct sim_revision {
    char version_id[16];
    uint8_t sha256[SHA256_SIZE];
};

struct sim_copy { /* an object in a region's artifact store */
    uint32_t region;
    char key[128], version_id[16];
    uint8_t sha256[SHA256_SIZE];
};

struct sim_stats {
    uint64_t worlds, events, turns, virtual_ms, steps;
    uint64_t ended[STATUS_COUNT], jobs_ended[STATUS_COUNT]; /* executions, jobs */
    uint64_t crashes, refused, reboots, wipes, cuts, lost, duplicated, failures, hangs, kills;
    uint64_t interruptions, resumes;
    uint64_t deltas, told; /* made; copies that used one */
};

struct world {
    uint64_t seed, now, order;
    struct prng random;
    struct options options;
    bool trace, healed, stop;
    char finding[1024]; /* "" while nothing is wrong */
    struct queue queue;
    struct arena arena; /* lives as long as the world */
    struct sim_node nodes[SIM_NODES_MAX];
    struct packet *packets_free;
    struct run *runs;
    const struct job **jobs; /* every job ever signed; the signed bytes are its index */
    size_t job_count, job_cap;
    uint64_t sessions, versions, boots, processes;
    struct template templates[SIM_TEMPLATES_MAX];
    size_t template_count;
    uint32_t pipelines;
    struct sim_revision revisions[SIM_PIPELINES_MAX][SIM_REVISIONS_MAX];
    size_t revision_count[SIM_PIPELINES_MAX];
    struct sim_op ops[SIM_OPS_MAX];
    size_t op_count;
    struct sim_copy *copies;
    size_t copy_count, copy_cap;
    struct truth *truths;
    struct sim_log *logs; /* of the executions, the newest first */
    uint64_t sent[MESSAGE_TYPE_COUNT];
    uint64_t hash; /* of everything that was performed: equal seeds, equal hashes */
    uint64_t healed_at, epoch_max;
    struct sim_stats *stats;
};

/* world.c */
void world_run(struct world *w, uint64_t seed, bool trace, struct sim_stats *stats);
void world_deinit(struct world *w);
void world_fail(struct world *w, const char *invariant, const char *format, ...) PRINTF_LIKE(3, 4);
void world_trace(struct world *w, const char *format, ...) PRINTF_LIKE(2, 3);
void world_hash(struct world *w, uint64_t value);
void world_at(struct world *w, uint64_t after_ms, enum sim_event_kind kind, uint32_t node,
              void *data, uint64_t number);
void world_input(struct world *w, uint32_t node, struct sim_input input);
uint32_t world_below(struct world *w, uint32_t bound);
bool world_chance(struct world *w, uint32_t per_10000);
void world_entropy(struct world *w, uint8_t out[PRNG_SEED_SIZE]);
uint64_t node_wall(const struct world *w, const struct sim_node *n);
uint64_t node_boot(const struct world *w, const struct sim_node *n);
uint64_t node_true(const struct sim_node *n, uint64_t boot_ms); /* when that BOOTTIME is reached */
void node_start(struct world *w, uint32_t node);
void node_stop(struct world *w, uint32_t node); /* the process is gone; the disk stays */
