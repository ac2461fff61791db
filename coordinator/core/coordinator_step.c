#include "core/engine.h"
#include "core/fleet.h"
#include "core/journal.h"
#include "core/recover.h"
#include "core/request.h"
#include "core/retention.h"
#include "core/rule.h"
#include "core/source.h"

#include <assert.h>
#include <stdlib.h>

/* A jump of the wall clock against the BOOTTIME moves the deadlines: they are computed anew. */
enum { CLOCK_JUMP_MS = 1000 };

struct coordinator *coordinator_new(const struct coordinator_config *config)
{
    struct coordinator *c = xcalloc(1, sizeof *c);
    c->config = *config;
    c->config.region = "";
    model_text(&c->config.region, config->region);
    list_init(&c->pipelines);
    list_init(&c->workers);
    list_init(&c->live);
    list_init(&c->submissions);
    list_init(&c->resources);
    list_init(&c->hosts);
    list_init(&c->alarms);
    list_init(&c->dirty_jobs);
    list_init(&c->dirty_executions);
    c->wake_boot_ms = UINT64_MAX;
    return c;
}

void coordinator_free(struct coordinator *coordinator)
{
    if (!coordinator) return;
    model_deinit(coordinator);
    free(coordinator);
}

static void clocks_set(struct coordinator *c, const struct coordinator_event *event)
{
    uint64_t before = c->now_ms - c->boot_ms, now = event->now_ms - event->boot_ms;
    uint64_t jump = now > before ? now - before : before - now;
    if (jump > CLOCK_JUMP_MS) c->changed = true;
    c->now_ms = event->now_ms;
    c->boot_ms = event->boot_ms;
    prng_init(&c->random, event->entropy);
}

/* What the events of a turn come to. */
static void conclude(struct coordinator *c)
{
    /* Looking early is always right. What is due before the next heartbeat is looked at now: it is
     * mostly somebody's silence, which that somebody has broken meanwhile, and no timer fires. */
    if (c->changed || c->boot_ms + c->config.heartbeat_ms >= c->wake_boot_ms) engine_reconcile(c);
    journal_flush(c);
    c->changed = false;
    if (c->prune) model_prune(c);
    c->prune = false;
}

void coordinator_step(struct coordinator *coordinator, const struct coordinator_event *event,
                      struct coordinator_actions *out)
{
    struct coordinator *c = coordinator;
    assert((event->type == COORDINATOR_START) == (c->epoch == 0));
    clocks_set(c, event);
    c->out = out;
    switch (event->type) {
    case COORDINATOR_START: recover_event(c, event); break;
    case COORDINATOR_TICK: break;
    case COORDINATOR_FLEET: fleet_event(c, event); break;
    case COORDINATOR_MESSAGE: fleet_message(c, event); break;
    case COORDINATOR_REQUEST: request_event(c, event); break;
    case COORDINATOR_SOURCE: source_event(c, event); break;
    case COORDINATOR_ANSWER: rule_answer(c, event); break;
    case COORDINATOR_REMOVE: retention_event(c, event); break;
    }
    if (!event->more) conclude(c);
    c->out = NULL;
}

uint64_t coordinator_deadline(const struct coordinator *coordinator)
{
    const struct coordinator *c = coordinator;
    if (c->wake_boot_ms == UINT64_MAX) return UINT64_MAX;
    return c->now_ms + (c->wake_boot_ms > c->boot_ms ? c->wake_boot_ms - c->boot_ms : 0);
}
