#include "core/rollout.h"

#include <assert.h>
#include <string.h>

static bool host_ended(const struct rollout_host *host)
{
    switch (host->phase) {
    case HOST_WAITS:
    case HOST_WORKS:
    case HOST_LOST: return false;
    case HOST_GOOD:
    case HOST_FAILED:
    case HOST_SKIPPED: return true;
    }
    assert(false);
    return false;
}

static void host_count(struct rollout *r, const struct rollout_host *host)
{
    switch (host->phase) {
    case HOST_WAITS: r->waits++; break;
    case HOST_WORKS: r->works++; break;
    case HOST_LOST: r->lost++; break;
    case HOST_GOOD: r->good++; break;
    case HOST_FAILED: r->failed++; break;
    case HOST_SKIPPED: r->skipped++; break;
    }
}

static size_t room(size_t spare, size_t out_of_service)
{
    return spare > out_of_service ? spare - out_of_service : 0;
}

/* At most `most`, those that need it most first. `zone` NULL: of any zone. */
static size_t hosts_begin(struct rollout_host *hosts, size_t count, const char *zone, size_t most)
{
    size_t begun = 0;
    for (int health = 0; health < HOST_HEALTH_COUNT; health++)
        for (size_t i = 0; i < count && begun < most; i++) {
            struct rollout_host *host = &hosts[i];
            if (host->phase != HOST_WAITS || (int)host->health != health) continue;
            if (zone && !text_equal(host->zone, zone)) continue;
            host->begin = true;
            begun++;
        }
    return begun;
}

/* ---- zones ---- */

struct zone {
    const char *name; /* NULL: there is none */
    size_t hosts, out_of_service, open;
    uint64_t ended_ms; /* the last of its hosts */
};

/* The zone that follows `after` in the order of names; NULL asks for the first. */
static struct zone zone_next(const struct rollout_host *hosts, size_t count, const char *after)
{
    struct zone zone = { 0 };
    for (size_t i = 0; i < count; i++) {
        const char *name = hosts[i].zone;
        if (after && strcmp(name, after) <= 0) continue;
        if (!zone.name || strcmp(name, zone.name) < 0) zone.name = name;
    }
    for (size_t i = 0; zone.name && i < count; i++) {
        const struct rollout_host *host = &hosts[i];
        if (!text_equal(host->zone, zone.name)) continue;
        zone.hosts++;
        zone.open += !host_ended(host);
        zone.out_of_service +=
            host->phase == HOST_WORKS || host->phase == HOST_LOST || host->phase == HOST_FAILED;
        if (host->ended_ms > zone.ended_ms) zone.ended_ms = host->ended_ms;
    }
    return zone;
}

static void zones_begin(struct rollout *r, struct rollout_host *hosts, size_t count, size_t most)
{
    uint64_t free_ms = 0;
    bool first = true;
    struct zone zone = zone_next(hosts, count, NULL);
    for (; zone.name && !zone.open; zone = zone_next(hosts, count, zone.name)) {
        uint32_t monitor_s = first ? r->config->first_zone_monitor_s : r->config->zone_monitor_s;
        free_ms = zone.ended_ms + UINT64_C(1000) * monitor_s;
        first = false;
    }
    if (!zone.name) return;
    if (r->now_ms < free_ms) {
        r->wake_ms = free_ms;
        return;
    }
    size_t zone_most = room(config_zone_spare(r->config, zone.hosts), zone.out_of_service);
    r->begun = hosts_begin(hosts, count, zone.name, most < zone_most ? most : zone_most);
}

/* ---- the whole ---- */

static enum rollout_verdict verdict_of(const struct rollout *r, size_t count)
{
    size_t open = r->waits + r->lost;
    if (r->works || count == 0) return ROLLOUT_GOES_ON;
    if (open && (r->held || r->failed >= r->spare)) return ROLLOUT_FAILED;
    if (open) return ROLLOUT_GOES_ON;
    return r->good && r->failed <= r->spare && !r->skipped ? ROLLOUT_SUCCEEDED : ROLLOUT_FAILED;
}

void rollout_decide(struct rollout *rollout, struct rollout_host *hosts, size_t count)
{
    struct rollout *r = rollout;
    r->good = r->failed = r->works = r->waits = r->lost = r->skipped = r->begun = 0;
    r->wake_ms = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        hosts[i].begin = false;
        host_count(r, &hosts[i]);
    }
    r->verdict = verdict_of(r, count);
    if (r->verdict != ROLLOUT_GOES_ON || r->held) return;
    size_t most = room(r->spare, r->works + r->failed + r->lost);
    if (r->config->zonal)
        zones_begin(r, hosts, count, most);
    else
        r->begun = hosts_begin(hosts, count, NULL, most);
    /* A zone whose own hosts have failed too often. */
    bool stuck = count && !r->begun && !r->works && !r->lost && r->wake_ms == UINT64_MAX;
    if (stuck) r->verdict = ROLLOUT_FAILED;
}
