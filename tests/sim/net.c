#include "net.h"

#include <stdlib.h>

enum { PACKET_ARENA_MAX = 4 << 20, REPLAY_MS = 60000 };

static struct packet *packet_new(struct world *w)
{
    struct packet *packet = w->packets_free;
    if (packet) {
        w->packets_free = packet->next;
        return packet;
    }
    packet = xcalloc(1, sizeof *packet);
    arena_init(&packet->arena, PACKET_ARENA_MAX);
    return packet;
}

void net_free(struct world *w, struct packet *packet)
{
    arena_reset(&packet->arena);
    packet->next = w->packets_free;
    w->packets_free = packet;
}

static const struct row *copy_rows(struct arena *arena, const struct row *rows, size_t count)
{
    struct row *copy = arena_calloc(arena, count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++) copy[i] = rows[i];
    return copy;
}

static struct message message_copy(struct arena *arena, const struct message *from)
{
    struct message m = *from;
    switch (m.type) {
    case MESSAGE_HELLO:
        m.hello.name = disk_copy_text(arena, m.hello.name);
        m.hello.region = disk_copy_text(arena, m.hello.region);
        m.hello.version = disk_copy_text(arena, m.hello.version);
        m.hello.rows = copy_rows(arena, m.hello.rows, m.hello.row_count);
        break;
    case MESSAGE_REFUSAL: m.refusal.cause = disk_copy_text(arena, m.refusal.cause); break;
    case MESSAGE_HEARTBEAT:
        m.heartbeat.rows = copy_rows(arena, m.heartbeat.rows, m.heartbeat.row_count);
        break;
    case MESSAGE_LEASE: m.lease.rows = copy_rows(arena, m.lease.rows, m.lease.row_count); break;
    case MESSAGE_PROGRESS: m.progress.waits = disk_copy_text(arena, m.progress.waits); break;
    case MESSAGE_RESULT: m.result = disk_copy_result(arena, &m.result); break;
    case MESSAGE_OFFER: m.offer.signed_job = arena_bytes(arena, m.offer.signed_job); break;
    case MESSAGE_CANCEL: {
        struct cancel *cancel = arena_calloc(arena, 1, sizeof *cancel);
        *cancel = *m.cancel.cancel;
        cancel->target = disk_copy_text(arena, cancel->target);
        cancel->worker = disk_copy_text(arena, cancel->worker);
        m.cancel.cancel = cancel;
        break;
    }
    case MESSAGE_INTERRUPTED:
        m.interrupted.diagnostics = disk_copy_diagnostics(arena, &m.interrupted.diagnostics);
        break;
    case MESSAGE_RESUME: {
        struct resume *resume = arena_calloc(arena, 1, sizeof *resume);
        *resume = *m.resume.resume;
        resume->worker = disk_copy_text(arena, resume->worker);
        m.resume.resume = resume;
        break;
    }
    case MESSAGE_WELCOME:
    case MESSAGE_ACCEPT:
    case MESSAGE_NACK:
    case MESSAGE_RESULT_ACK:
    case MESSAGE_DROP:
    case MESSAGE_CANCEL_ACK:
    case MESSAGE_LOG_REQUEST:
    case MESSAGE_LOG_CHUNK:
    case MESSAGE_REQUEST:
    case MESSAGE_INTERRUPTED_ACK:
    case MESSAGE_RESUME_ACK:
    case MESSAGE_REPLY: break;
    }
    return m;
}

static struct packet *packet_make(struct world *w, uint32_t worker, bool to_worker,
                                  uint64_t session, const struct message *message)
{
    struct packet *packet = packet_new(w);
    packet->message = message_copy(&packet->arena, message);
    packet->worker = worker;
    packet->to_worker = to_worker;
    packet->replayed = false;
    packet->session = session;
    packet->life = w->nodes[0].life;
    return packet;
}

static void packet_post(struct world *w, uint32_t worker, bool to_worker, uint64_t session,
                        const struct message *message)
{
    struct sim_node *n = &w->nodes[worker];
    struct packet *packet = packet_make(w, worker, to_worker, session, message);
    uint64_t delay = 1 + world_below(w, w->options.delay_ms);
    uint64_t cut = n->cut_until[to_worker ? 0 : 1];
    if (cut > w->now) delay += cut - w->now; /* TCP sends it again until the cut is over */
    uint64_t *last = &n->last_arrival[to_worker ? 0 : 1];
    if (!w->options.reorder && w->now + delay < *last) delay = *last - w->now;
    if (w->now + delay > *last) *last = w->now + delay;
    world_at(w, delay, EV_PACKET, worker, packet, 0);
}

/* What was signed once can be shown to the worker again, by whoever kept it. */
static void packet_replay(struct world *w, uint32_t worker, const struct message *message)
{
    struct packet *packet = packet_make(w, worker, true, 0, message);
    packet->replayed = true;
    world_at(w, 1 + world_below(w, REPLAY_MS), EV_PACKET, worker, packet, 0);
}

void net_send(struct world *w, uint32_t worker, bool to_worker, uint64_t session,
              const struct message *message)
{
    world_trace(w, "%s %s %s", to_worker ? "coordinator to" : "from", w->nodes[worker].name,
                message_type_name(message->type));
    world_hash(w, (uint64_t)message->type << 8 | worker);
    w->sent[message->type]++;
    bool signed_ = message->type == MESSAGE_OFFER || message->type == MESSAGE_RESUME;
    if (signed_ && world_chance(w, w->options.replay)) packet_replay(w, worker, message);
    if (world_chance(w, w->options.loss)) {
        w->stats->lost++;
        return;
    }
    packet_post(w, worker, to_worker, session, message);
    if (!world_chance(w, w->options.duplicate)) return;
    w->stats->duplicated++;
    packet_post(w, worker, to_worker, session, message);
}

void net_arrive(struct world *w, struct packet *packet)
{
    struct sim_node *n = &w->nodes[packet->worker];
    bool lost = packet->to_worker ? !n->up || n->session != packet->session
                                  : !w->nodes[0].up || w->nodes[0].life != packet->life;
    if (lost) {
        net_free(w, packet);
        return;
    }
    world_input(w, packet->to_worker ? packet->worker : 0,
                (struct sim_input){ .kind = INPUT_PACKET, .packet = packet });
}

void net_connect_soon(struct world *w, uint32_t worker)
{
    struct sim_node *n = &w->nodes[worker];
    n->session = 0;
    if (n->connecting) return;
    n->connecting = true;
    world_at(w, 5 + world_below(w, w->options.healthy ? 20 : 500), EV_CONNECT, worker, NULL, 0);
}

void net_connect(struct world *w, uint32_t worker)
{
    struct sim_node *n = &w->nodes[worker];
    n->connecting = false;
    if (!n->up) return;
    if (!w->nodes[0].up || n->cut_until[0] > w->now || n->cut_until[1] > w->now) {
        net_connect_soon(w, worker);
        return;
    }
    n->session = ++w->sessions;
    n->session_life = w->nodes[0].life;
    world_trace(w, "%s connected, session %llu", n->name, (unsigned long long)n->session);
    world_input(w, worker, (struct sim_input){ .kind = INPUT_CONNECTED });
}

void net_cut(struct world *w, uint32_t worker, uint32_t directions, uint64_t ms)
{
    struct sim_node *n = &w->nodes[worker];
    w->stats->cuts++;
    world_trace(w, "%s cut off (%u) for %llu ms", n->name, directions, (unsigned long long)ms);
    if (directions & 1u) n->cut_until[0] = w->now + ms;
    if (directions & 2u) n->cut_until[1] = w->now + ms;
    /* ZeroMQ's heartbeats end a connection that is silent for 6 s (TTL). */
    if (ms > 6000 && n->up && n->session) net_connect_soon(w, worker);
}
