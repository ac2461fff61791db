/* options.h - the mix of one world, drawn from its seed (swarm testing: each world lacks most
 * faults, so that rare combinations are not drowned by common ones).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { SIM_WORKERS_MAX = 6, SIM_REGIONS_MAX = 3, SIM_PIPELINES_MAX = 2, SIM_REVISIONS_MAX = 8 };
enum { ACTION_TIMEOUT_MS = 3600000 }; /* where no action need end at its deadline */
enum { SIM_SLOW_CLAIM_MS = 20000 };

struct options {
    bool healthy;       /* no fault at all, and promptness is demanded */
    uint32_t prompt_ms; /* ... of each stage */
    uint32_t workers, regions, pipelines;
    uint32_t heartbeat_ms, lease_ms, resend_ms, action_timeout_ms;
    uint32_t faults_ms;   /* how long things may break */
    uint32_t fault_every; /* mean time between two of them; 0 none */
    uint32_t operations;  /* of clients */
    uint32_t revisions;   /* new versions of source objects, beside the first */

    /* Chances per 10,000. */
    uint32_t loss, duplicate; /* packets */
    uint32_t replay;        /* signed packets, which come again much later, whoever listens then */
    uint32_t crash, refuse; /* turns */
    uint32_t reply_loss, submit_twice; /* clients */
    uint32_t step_fails, step_hangs, step_killed;
    /* Weights of what a fault is. */
    uint32_t kill, reboot, wipe, cut, disconnect;

    uint32_t slow_claim; /* a forked step that gets to its claim up to SIM_SLOW_CLAIM_MS later */

    /* How the deployment group group0 was applied: 0 not at all, else 1 + enum config_rule. */
    uint32_t group_rule, group_rollback;

    bool deltas;
    uint32_t delta_large, delta_useless; /* per 10,000: not worth it; of no use to a copy */

    bool reorder;
    bool late_worker;   /* one worker starts only towards the end of the faults */
    bool empty_region;  /* a region has no worker: its actions end at their deadline */
    uint32_t delay_ms;  /* of a packet, at most */
    uint32_t batch_ms;  /* how long a turn gathers, at most */
    uint32_t step_ms;   /* of a step, at most */
    uint32_t copy_ms;   /* of a replication, at most */
    uint32_t hang_ms;   /* until a hanging step's own timeout */
    uint32_t down_ms;   /* until a crashed process is started again, at most */
    uint32_t cut_ms;    /* of a partition, at most */
    uint32_t wall_ms;   /* how wrong wall clocks are, at most */
    uint32_t drift_ppm; /* how wrong clock rates are, at most */
};
