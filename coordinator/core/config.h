/* config.h - what the coordinator's core is told once, at its start. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* What a GiB costs that crosses from one region to another; "*" is any region. */
struct copy_price {
    const char *from, *to;
    uint64_t nano; /* dollars */
};

/* When a copy is told by an older revision; see delta.h. */
struct delta_config {
    uint64_t size_min, size_max; /* of the artifact, bytes; size_max 0: never */
    uint32_t percent_max;        /* of the whole: a larger delta is not worth it */
    uint32_t timeout_ms;         /* copies wait so long for one */
};

struct coordinator_config {
    const char *region;    /* primary */
    uint32_t heartbeat_ms; /* what workers are told: 1,000 */
    uint32_t lease_ms;     /* of floating jobs */
    uint32_t offer_resend_ms;
    uint32_t
        action_timeout_ms; /* from an action's begin until it fails; 0: pipeline_timeout_ms() */
    uint32_t history_max;  /* ended executions of a pipeline that stay in memory */
    struct delta_config delta;
    const struct copy_price *prices; /* the first that fits holds; borrowed for ever */
    size_t price_count;
};
