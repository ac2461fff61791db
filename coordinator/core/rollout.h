/* rollout.h - which hosts of a deployment begin now, and how the deployment stands: a pure function
 * over the states of its hosts.
 *
 * The minimum-healthy rule: a host is out of service while the deployment works on it, when it has
 * failed there, and when it waits but cannot be reached; never more than `spare` are. Of those that
 * wait, the ones that need it most begin first: unhealthy, unknown, old, current, then by name.
 * Zonal: a zone's hosts begin when those of all zones before it have ended and the last of them
 * was watched for a while; in each zone no more than its own spare is out of service.
 *
 * The deployment has succeeded when nothing waits or works, no more than `spare` have failed and
 * one has succeeded; it has failed when nothing works and the hosts that failed leave no room for
 * those that wait.
 */
#pragma once
#include "core/group.h"

enum host_phase {
    HOST_WAITS,  /* not begun, may begin */
    HOST_WORKS,  /* begun; also when it cannot be reached any more */
    HOST_LOST,   /* not begun, cannot be reached */
    HOST_GOOD,   /* ended well */
    HOST_FAILED, /* ended otherwise */
    HOST_SKIPPED
};

/* In the order in which they begin. */
enum host_health { HEALTH_BAD, HEALTH_UNKNOWN, HEALTH_OLD, HEALTH_CURRENT };
#define HOST_HEALTH_COUNT (HEALTH_CURRENT + 1)

struct rollout_host {
    enum host_phase phase;
    enum host_health health;
    const char *zone; /* zonal only; "" has no zone and is one of its own, the first */
    uint64_t ended_ms;
    bool begin; /* out: begins now */
};

enum rollout_verdict { ROLLOUT_GOES_ON, ROLLOUT_SUCCEEDED, ROLLOUT_FAILED };

struct rollout {
    size_t spare;                           /* of all hosts */
    const struct deployment_config *config; /* zonal rules */
    uint64_t now_ms;
    bool held; /* nothing begins any more: an alarm. With nothing at work it has failed */
    /* Out: */
    enum rollout_verdict verdict;
    size_t good, failed, works, waits, lost, skipped; /* as they were given */
    size_t begun;
    uint64_t wake_ms; /* when time alone lets a host begin; UINT64_MAX never */
};

/* `hosts` in the order of their names. */
void rollout_decide(struct rollout *rollout, struct rollout_host *hosts, size_t count);
