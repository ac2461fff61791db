#include "check.h"
#include "net.h"
#include "sim_nodes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 3000000, LOOK_EVERY = 16, REST_MS = 240000 };
static const uint64_t wall_start_ms = UINT64_C(1800000000000);

/* ---- small services ---- */

void world_fail(struct world *w, const char *invariant, const char *format, ...)
{
    if (w->finding[0]) return;
    char text[800];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(w->finding, sizeof w->finding, "%s at %llu ms: %s", invariant,
             (unsigned long long)w->now, text);
    if (w->trace) printf("FINDING %s\n", w->finding);
}

void world_trace(struct world *w, const char *format, ...)
{
    if (!w->trace) return;
    printf("%9llu ", (unsigned long long)w->now);
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void world_hash(struct world *w, uint64_t value)
{
    w->hash = (w->hash ^ value ^ w->now << 20) * UINT64_C(0x100000001b3);
}

void world_at(struct world *w, uint64_t after_ms, enum sim_event_kind kind, uint32_t node,
              void *data, uint64_t number)
{
    const struct sim_event event = { .at = w->now + after_ms,
                                     .order = w->order++,
                                     .kind = kind,
                                     .node = node,
                                     .data = data,
                                     .number = number };
    queue_push(&w->queue, &event);
}

uint32_t world_below(struct world *w, uint32_t bound)
{
    return bound ? (uint32_t)prng_below(&w->random, bound) : 0;
}

bool world_chance(struct world *w, uint32_t per_10000)
{
    return per_10000 && world_below(w, 10000) < per_10000;
}

void world_entropy(struct world *w, uint8_t out[PRNG_SEED_SIZE])
{
    for (size_t i = 0; i < PRNG_SEED_SIZE; i += 8) {
        uint64_t x = prng_next(&w->random);
        memcpy(out + i, &x, sizeof x);
    }
}

uint64_t node_wall(const struct world *w, const struct sim_node *n)
{
    return (uint64_t)((int64_t)(wall_start_ms + w->now) + n->wall_offset_ms);
}

static uint64_t boot_at(const struct sim_node *n, uint64_t true_ms)
{
    uint64_t passed = true_ms - n->booted_at;
    return n->boot_base_ms + passed * (uint64_t)(1000000 + n->drift_ppm) / 1000000;
}

uint64_t node_boot(const struct world *w, const struct sim_node *n)
{
    return boot_at(n, w->now);
}

uint64_t node_true(const struct sim_node *n, uint64_t boot_ms)
{
    if (boot_ms <= n->boot_base_ms) return n->booted_at;
    int rate_ppm = 1000000 + n->drift_ppm;
    uint64_t rate = (uint64_t)rate_ppm;
    uint64_t at = n->booted_at + (boot_ms - n->boot_base_ms) * 1000000 / rate;
    while (boot_at(n, at) < boot_ms) at++;
    return at;
}

/* ---- nodes ---- */

static void node_turn(struct world *w, uint32_t node)
{
    w->nodes[node].turn_queued = false;
    w->stats->turns++;
    if (node)
        sim_worker_turn(w, node);
    else
        sim_coordinator_turn(w);
}

void world_input(struct world *w, uint32_t node, struct sim_input input)
{
    struct sim_node *n = &w->nodes[node];
    assert(n->up);
    assert(n->input_count < SIM_INPUTS_MAX);
    n->inputs[n->input_count++] = input;
    if (n->input_count == SIM_INPUTS_MAX - 1) {
        node_turn(w, node);
        return;
    }
    if (n->turn_queued) return;
    n->turn_queued = true;
    world_at(w, world_below(w, w->options.batch_ms), EV_TURN, node, NULL, n->life);
}

void node_start(struct world *w, uint32_t node)
{
    struct sim_node *n = &w->nodes[node];
    assert(!n->up);
    n->up = true;
    n->life++;
    n->input_count = 0;
    n->turn_queued = false;
    n->tick_at = UINT64_MAX;
    n->spins = 0;
    world_trace(w, "%s starts (life %u)", n->name, n->life);
    if (node) {
        sim_worker_start(w, node);
        if (n->up) net_connect_soon(w, node);
        return;
    }
    sim_coordinator_start(w);
}

void node_stop(struct world *w, uint32_t node)
{
    struct sim_node *n = &w->nodes[node];
    assert(n->up);
    n->up = false;
    for (size_t i = 0; i < n->input_count; i++)
        if (n->inputs[i].packet) net_free(w, n->inputs[i].packet);
    n->input_count = 0;
    n->session = 0;
    if (node) {
        sim_worker_stop(w, node);
        return;
    }
    sim_coordinator_stop(w);
    for (uint32_t i = 1; i <= w->options.workers; i++)
        if (w->nodes[i].up) net_connect_soon(w, i);
}

/* ---- a world ---- */

static void handle(struct world *w, const struct sim_event *event)
{
    struct sim_node *n = &w->nodes[event->node];
    switch (event->kind) {
    case EV_TURN:
        if (n->up && n->turn_queued && n->life == event->number) node_turn(w, event->node);
        break;
    case EV_TICK:
        if (!n->up || n->life != event->number || n->tick_at != event->at) break;
        n->tick_at = UINT64_MAX;
        world_input(w, event->node, (struct sim_input){ .kind = INPUT_TICK });
        break;
    case EV_START:
        if (!n->up && n->life == event->number) node_start(w, event->node);
        break;
    case EV_CONNECT: net_connect(w, event->node); break;
    case EV_PACKET: net_arrive(w, event->data); break;
    case EV_CLAIM:
    case EV_END:
    case EV_LEASE:
    case EV_KILL:
    case EV_NEWS: process_event(w, event); break;
    case EV_OP: client_op(w, (uint32_t)event->number); break;
    case EV_SOURCE: client_source(w, (uint32_t)event->number); break;
    case EV_POLL: client_poll(w, (uint32_t)event->number); break;
    case EV_FAULT: faults_strike(w); break;
    case EV_HEAL: faults_heal(w); break;
    }
}

static void world_reset(struct world *w, uint64_t seed, bool trace, struct sim_stats *stats)
{
    for (uint32_t i = 0; i < SIM_NODES_MAX; i++) {
        struct disk disk = w->nodes[i].disk;
        disk_clear(&disk);
        w->nodes[i] = (struct sim_node){ .disk = disk, .tick_at = UINT64_MAX };
    }
    w->seed = seed;
    w->trace = trace;
    w->stats = stats;
    prng_init_number(&w->random, seed);
    w->now = w->order = w->hash = w->sessions = w->versions = w->processes = 0;
    w->epoch_max = w->healed_at = 0;
    w->healed = false;
    w->finding[0] = '\0';
    w->runs = NULL;
    w->truths = NULL;
    w->logs = NULL;
    w->job_count = w->op_count = w->template_count = w->copy_count = 0;
    memset(w->revision_count, 0, sizeof w->revision_count);
    memset(w->sent, 0, sizeof w->sent);
    if (!w->arena.max) arena_init(&w->arena, 256 << 20);
    arena_reset(&w->arena);
}

static int64_t around_zero(struct world *w, uint32_t max)
{
    return (int64_t)world_below(w, 2 * max + 1) - (int64_t)max;
}

static void world_make(struct world *w)
{
    const struct options *o = &w->options;
    faults_options(w);
    for (uint32_t i = 0; i <= o->workers; i++) {
        struct sim_node *n = &w->nodes[i];
        snprintf(n->name, sizeof n->name, i ? "w%u" : "c", i % 10u);
        n->region = i ? (i - 1) % o->regions : 0;
        if (i && o->empty_region && o->regions > 1 && n->region == o->regions - 1) n->region = 0;
        n->wall_offset_ms = around_zero(w, o->wall_ms);
        n->drift_ppm = (int32_t)around_zero(w, o->drift_ppm);
        n->boot_base_ms = 1000 + world_below(w, 10000000);
        n->boot = id_new_uuid(&w->random);
        bool late = i && i == o->workers && o->late_worker;
        world_at(w, late ? o->faults_ms : world_below(w, 300), EV_START, i, NULL, 0);
    }
    client_plan(w);
    if (o->fault_every) world_at(w, world_below(w, o->fault_every), EV_FAULT, 0, NULL, 0);
    world_at(w, o->faults_ms, EV_HEAL, 0, NULL, 0);
}

/* How long one execution may be watched, wave by wave. */
static uint64_t bakes_ms(const struct world *w)
{
    uint64_t sum = 0;
    for (size_t t = 0; t < w->template_count; t++)
        for (uint32_t s = 0; s < w->templates[t].stage_count; s++)
            for (uint32_t k = 0; k < w->templates[t].stages[s].waves; k++)
                sum += (uint64_t)w->templates[t].stages[s].bake[k] * 60000;
    return sum;
}

/* How long its conditions may be asked for: a window's other minute, an address's own; commands
 * are no slower than a build. */
static uint64_t asks_ms(const struct world *w)
{
    uint64_t sum = 0;
    for (size_t t = 0; t < w->template_count; t++)
        for (uint32_t s = 0; s < w->templates[t].stage_count; s++)
            for (uint32_t k = 0; k < TEMPLATE_CONDITIONS; k++)
                sum += w->templates[t].stages[s].asked[k] ? 2 * 90000 : 0;
    return sum;
}

/* Until when everything must have come to an end after the healing: what hangs ends by its own
 * timeout, everything else goes on by itself. Only the deadline of an action that can go nowhere
 * (no worker, or one whose clock is further off than the deadline) is longer, and it is short where
 * that happens; of a QUEUED pipeline's executions one waits for it after the other. */
static uint64_t world_bound(const struct world *w)
{
    const struct options *o = &w->options;
    uint64_t bound = o->faults_ms + REST_MS + SIM_DOORS_OPEN_MS + 2 * (uint64_t)o->hang_ms;
    /* A deployment group's hosts come one after another, in every execution. */
    if (o->group_rule) bound += (uint64_t)REST_MS * o->workers;
    /* Executions follow each other through a stage, and each may wait for all of its claims. */
    if (o->slow_claim)
        bound += (uint64_t)SIM_SLOW_CLAIM_MS * LIFECYCLE_EVENT_COUNT * o->slow_claim / 1000 *
                 (1 + o->revisions + o->operations);
    bound += asks_ms(w) * (1 + o->revisions + o->operations);
    bound += bakes_ms(w) * (1 + o->revisions + o->operations);
    if (o->empty_region) bound += (uint64_t)o->action_timeout_ms * 2 * TEMPLATE_STAGES_MAX;
    if (o->action_timeout_ms < ACTION_TIMEOUT_MS)
        bound += (uint64_t)o->action_timeout_ms * 2 * (1 + o->revisions + o->operations);
    return bound;
}

static void world_loop(struct world *w)
{
    uint64_t bound = world_bound(w), events = 0;
    while (!w->finding[0]) {
        struct sim_event event = queue_pop(&w->queue);
        assert(event.at >= w->now);
        w->now = event.at;
        handle(w, &event);
        events++;
        if (w->healed && events % LOOK_EVERY == 0 && !check_unrest(w)) break;
        if (w->now > bound)
            world_fail(w, "L1", "not at rest %llu ms after the healing: %s",
                       (unsigned long long)(w->now - w->healed_at), check_unrest(w));
        if (events > EVENTS_MAX) world_fail(w, "SPIN", "too many events");
    }
    w->stats->events += events;
}

/* At rest, two more heartbeats: nothing may wake up again, everybody is connected. */
static void world_rest(struct world *w)
{
    uint64_t until = w->now + 15000; /* a refused worker and a silent one are back */
    while (!w->finding[0] && w->queue.count && w->queue.at[0].at < until) {
        struct sim_event event = queue_pop(&w->queue);
        w->now = event.at;
        handle(w, &event);
    }
    if (w->finding[0]) return;
    const char *unrest = check_unrest(w);
    if (unrest) world_fail(w, "L3", "the world wakes up again after its rest: %s", unrest);
    sim_coordinator_check_views(w);
    check_logs(w);
    check_end(w);
}

void world_run(struct world *w, uint64_t seed, bool trace, struct sim_stats *stats)
{
    world_reset(w, seed, trace, stats);
    world_make(w);
    world_loop(w);
    if (!w->finding[0]) world_rest(w);
    for (uint32_t i = 0; i <= w->options.workers; i++)
        if (w->nodes[i].up) node_stop(w, i);
    while (w->queue.count) {
        struct sim_event event = queue_pop(&w->queue);
        if (event.kind == EV_PACKET) net_free(w, event.data);
    }
    stats->worlds++;
    stats->virtual_ms += w->now;
}

void world_deinit(struct world *w)
{
    for (uint32_t i = 0; i < SIM_NODES_MAX; i++) disk_deinit(&w->nodes[i].disk);
    while (w->packets_free) {
        struct packet *next = w->packets_free->next;
        arena_deinit(&w->packets_free->arena);
        free(w->packets_free);
        w->packets_free = next;
    }
    arena_deinit(&w->arena);
    queue_deinit(&w->queue);
    free(w->jobs);
    free(w->copies);
}
