/* faults.c - the world's mix and its mishaps. */
#include "net.h"
#include "sim_nodes.h"

enum { HOST_DOWN_MS = 3000 };

/* Half of the worlds do without this fault. */
static uint32_t maybe(struct world *w, uint32_t max)
{
    return world_chance(w, 5000) ? 1 + world_below(w, max) : 0;
}

static void options_healthy(struct world *w)
{
    struct options *o = &w->options;
    o->healthy = true;
    o->prompt_ms = 800;
    o->operations = world_below(w, 3);
    o->revisions = world_below(w, 2);
    o->delay_ms = 5;
    o->batch_ms = 2;
    o->step_ms = o->copy_ms = 30;
    o->faults_ms = 3000;
    o->down_ms = 1;
    o->wall_ms = 1000;
    o->drift_ppm = 200;
}

static void options_faulty(struct world *w)
{
    struct options *o = &w->options;
    o->operations = world_below(w, 6);
    o->revisions = world_below(w, 4);
    o->faults_ms = 5000 + world_below(w, 25000);
    o->fault_every = world_chance(w, 8000) ? 1000 + world_below(w, 10000) : 0;
    o->loss = maybe(w, 1500);
    o->duplicate = maybe(w, 1000);
    o->replay = maybe(w, 3000);
    o->crash = maybe(w, 150);
    o->refuse = maybe(w, 50);
    o->reply_loss = maybe(w, 3000);
    o->submit_twice = maybe(w, 3000);
    o->step_fails = world_chance(w, 3000) ? 1 + world_below(w, 500) : 0;
    o->step_hangs = world_chance(w, 2000) ? 1 + world_below(w, 300) : 0;
    o->step_killed = maybe(w, 10);
    o->kill = maybe(w, 10);
    o->reboot = maybe(w, 4);
    o->wipe = world_chance(w, 2000) ? 1 + world_below(w, 3) : 0;
    o->cut = maybe(w, 10);
    o->disconnect = maybe(w, 5);
    o->slow_claim = maybe(w, 1000);
    o->reorder = world_chance(w, 4000);
    o->late_worker = world_chance(w, 1500);
    o->empty_region = world_chance(w, 200);
    if (o->empty_region || world_chance(w, 1500))
        o->action_timeout_ms = 20000 + world_below(w, 100000);
    o->delay_ms = world_chance(w, 7000) ? 1 + world_below(w, 50) : 1 + world_below(w, 3000);
    o->batch_ms = world_below(w, 30);
    o->step_ms = world_chance(w, 7000) ? 1 + world_below(w, 200) : 1 + world_below(w, 8000);
    o->copy_ms = world_chance(w, 7000) ? o->step_ms : 1 + world_below(w, 40000);
    o->hang_ms = 5000 + world_below(w, 60000);
    o->down_ms = 10 + world_below(w, 8000);
    o->cut_ms = 100 + world_below(w, 36000);
    o->wall_ms = 1 + world_below(w, 30000);
    o->drift_ppm = 1 + world_below(w, 20000);
}

void faults_options(struct world *w)
{
    struct options *o = &w->options;
    *o = (struct options){ 0 };
    o->regions = 1 + world_below(w, SIM_REGIONS_MAX);
    uint32_t more = SIM_WORKERS_MAX - o->regions + 1;
    uint32_t a = world_below(w, more), b = world_below(w, more);
    o->workers = o->regions + (a < b ? a : b);
    o->pipelines = world_chance(w, 2500) ? 2 : 1;
    o->heartbeat_ms = world_chance(w, 7000) ? 1000 : 500 + world_below(w, 3000);
    o->lease_ms = 3 * o->heartbeat_ms + world_below(w, 12000);
    o->resend_ms = 300 + world_below(w, 1500);
    o->action_timeout_ms = ACTION_TIMEOUT_MS;
    if (w->seed % 8 == 0)
        options_healthy(w);
    else
        options_faulty(w);
    o->deltas = w->seed % 8 > 3;
    /* From the seed itself: worlds without a group are what they were before there were any. */
    if (o->healthy) return;
    o->group_rule = (uint32_t)(w->seed >> 3) % 5;
    if (o->group_rule == 4) o->group_rule = 0;
    o->group_rollback = (uint32_t)(w->seed >> 5) % 8;
    o->delta_large = (uint32_t)(w->seed >> 4) % 2 * 2000;
    o->delta_useless = (uint32_t)(w->seed >> 5) % 2 * 3000;
}

enum sim_break faults_break(struct world *w, size_t actions, size_t *performed)
{
    const struct options *o = &w->options;
    if (w->healed) return BREAK_NONE;
    if (world_chance(w, o->refuse)) {
        w->stats->refused++;
        world_trace(w, "commit refused");
        return BREAK_REFUSED;
    }
    if (!world_chance(w, o->crash)) return BREAK_NONE;
    w->stats->crashes++;
    world_trace(w, "crash in the turn");
    if (world_chance(w, 3333)) return BREAK_BEFORE_COMMIT;
    *performed = world_below(w, (uint32_t)actions + 1);
    return BREAK_ACTIONS;
}

static void host_down(struct world *w, uint32_t node, bool wipe)
{
    struct sim_node *n = &w->nodes[node];
    if (n->up) node_stop(w, node);
    w->stats->reboots++;
    world_trace(w, "%s: its host reboots%s", n->name, wipe ? " with an empty disk" : "");
    if (node) process_host_down(w, node, wipe);
    if (node && wipe) {
        w->stats->wipes++;
        n->wipes++;
        disk_clear(&n->disk);
    }
    n->booted_at = w->now;
    n->boot_base_ms = 1000 + world_below(w, 5000);
    n->boot = id_new_uuid(&w->random);
    world_at(w, 1 + world_below(w, HOST_DOWN_MS), EV_START, node, NULL, n->life);
}

static void kill_node(struct world *w, uint32_t node)
{
    if (!w->nodes[node].up) return;
    w->stats->crashes++;
    world_trace(w, "%s killed", w->nodes[node].name);
    node_stop(w, node);
    world_at(w, 1 + world_below(w, w->options.down_ms), EV_START, node, NULL, w->nodes[node].life);
}

void faults_strike(struct world *w)
{
    const struct options *o = &w->options;
    uint32_t sum = o->kill + o->reboot + o->wipe + o->cut + o->disconnect + o->step_killed;
    if (w->healed || !sum) return;
    world_at(w, 1 + world_below(w, 2 * o->fault_every), EV_FAULT, 0, NULL, 0);
    uint32_t worker = 1 + world_below(w, o->workers), drawn = world_below(w, sum);
    uint32_t any = world_below(w, o->workers + 1);
    if (drawn < o->kill) {
        kill_node(w, any);
        return;
    }
    drawn -= o->kill;
    if (drawn < o->reboot) {
        host_down(w, any, false);
        return;
    }
    drawn -= o->reboot;
    if (drawn < o->wipe) {
        host_down(w, worker, true);
        return;
    }
    drawn -= o->wipe;
    if (drawn < o->cut) {
        net_cut(w, worker, 1 + world_below(w, 3), 1 + world_below(w, o->cut_ms));
        return;
    }
    drawn -= o->cut;
    if (drawn < o->disconnect) {
        if (w->nodes[worker].up) net_connect_soon(w, worker);
        return;
    }
    process_kill_any(w, worker);
}

void faults_heal(struct world *w)
{
    struct options *o = &w->options;
    world_trace(w, "heal");
    w->healed = true;
    w->healed_at = w->now;
    o->loss = o->duplicate = o->crash = o->refuse = o->reply_loss = o->step_hangs = 0;
    o->step_fails = 0;
    if (o->delay_ms > 100) o->delay_ms = 100;
    if (o->step_ms > 1000) o->step_ms = 1000;
    if (o->copy_ms > 1000) o->copy_ms = 1000;
    for (uint32_t i = 0; i <= o->workers; i++) {
        struct sim_node *n = &w->nodes[i];
        n->cut_until[0] = n->cut_until[1] = 0;
        n->last_arrival[0] = n->last_arrival[1] = 0;
        if (!n->up) world_at(w, 100, EV_START, i, NULL, n->life);
    }
}
