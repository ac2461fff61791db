#include "io/clock.h"
#include "io/fs.h"
#include "io/random.h"
#include "swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    PEERS_OF_CONTEXT = 250, /* three sockets each; libzmq gives a context 1,023 */
    ARENA_MAX = 16 << 20,
    UPKEEP_NS = 20000000,
    WAIT_MS = 20,
    BATCH_MAX = 64
};
static const uint64_t second_ns = 1000000000;
static const char job_context[] = "meridian-job-v1";

static void say(struct swarm *s, struct sim_worker *w, const struct message *message)
{
    buf_clear(&s->frame);
    wire_encode(message, ++s->sequence, &s->frame);
    /* What is not sent now is sent again by the upkeep. */
    if (link_peer_send(w->peer, buf_bytes(&s->frame)) == LINK_SENT) s->messages++;
}

/* ---- what a worker says by itself ---- */

static void say_hello(struct swarm *s, struct sim_worker *w)
{
    const struct message hello = { .type = MESSAGE_HELLO,
                                   .hello = { .name = w->name,
                                              .region = "us-west-2",
                                              .incarnation = w->incarnation,
                                              .boot = w->boot,
                                              .version = "bench" } };
    w->hello_ns = bench_now();
    say(s, w, &hello);
}

static void say_heartbeat(struct swarm *s, struct sim_worker *w)
{
    struct row *rows = arena_calloc(&s->arena, w->pending_count, sizeof *rows);
    for (size_t i = 0; i < w->pending_count; i++) rows[i] = w->pending[i].row;
    const struct message heartbeat = { .type = MESSAGE_HEARTBEAT,
                                       .heartbeat = { .boot_ms = clock_boot_ms(),
                                                      .incarnation = w->incarnation,
                                                      .rows = rows,
                                                      .row_count = w->pending_count } };
    w->heartbeat_ns = bench_now();
    say(s, w, &heartbeat);
}

static void say_result(struct swarm *s, struct sim_worker *w, struct pending *pending)
{
    const struct row *row = &pending->row;
    const struct message result = {
        .type = MESSAGE_RESULT,
        .result = { .job = row->job,
                    .attempt = row->attempt,
                    .fence = row->fence,
                    .status = STATUS_SUCCEEDED,
                    .diagnostics = { .script = "", .message = "", .log_tail = "" },
                    .version_id = "",
                    .ended_ms = clock_wall_ms() }
    };
    pending->sent_ns = bench_now();
    say(s, w, &result);
}

static void upkeep(struct swarm *s, struct sim_worker *w, uint64_t now)
{
    if (!w->connected) {
        w->connected = link_peer_state(w->peer) == LINK_CONNECTED;
        if (!w->connected) return;
        say_hello(s, w);
    }
    if (!w->welcomed) {
        if (now - w->hello_ns > second_ns) say_hello(s, w);
        return;
    }
    for (size_t i = 0; i < w->pending_count; i++)
        if (now > w->pending[i].sent_ns + second_ns) say_result(s, w, &w->pending[i]);
    if (now > w->heartbeat_ns + second_ns) say_heartbeat(s, w);
}

/* ---- what it hears ---- */

static struct pending *pending_find(struct sim_worker *w, const struct id *job)
{
    for (size_t i = 0; i < w->pending_count; i++)
        if (id_equal(&w->pending[i].row.job, job)) return &w->pending[i];
    return NULL;
}

static struct pending *pending_add(struct sim_worker *w, const struct job *job)
{
    if (w->pending_count == w->pending_cap) {
        w->pending_cap = w->pending_cap ? w->pending_cap * 2 : 8;
        w->pending = xrealloc(w->pending, w->pending_cap * sizeof *w->pending);
    }
    struct pending *pending = &w->pending[w->pending_count++];
    *pending = (struct pending){
        .row = { .job = job->id, .attempt = job->attempt, .fence = job->fence, .state = ROW_ENDED }
    };
    return pending;
}

/* The row, its result and the target's fence, as a worker's checkpoint has them. */
static void keep(struct swarm *s, const struct offer *offer, const struct job *job)
{
    struct error err = { 0 };
    const struct record target = { .kind = RECORD_TARGET,
                                   .target = { .target = job->target, .fence_max = job->fence } };
    char key[RECORD_KEY_SIZE];
    record_key(&target, key);
    buf_clear(&s->frame);
    wire_record_encode(&target, &s->frame);
    if (!sign_check(&s->dispatch, job_context, offer->signed_job,
                    bytes_of(offer->signature, SIGNATURE_SIZE)))
        bench_die("an offer is not signed by our coordinator", NULL);
    if (!store_begin(s->store, &err) || !store_put(s->store, key, buf_bytes(&s->frame), &err) ||
        !store_put(s->store, "row/0", offer->signed_job, &err) || !store_commit(s->store, &err))
        bench_die("a worker's commit", &err);
}

static void on_offer(struct swarm *s, struct sim_worker *w, const struct offer *offer)
{
    struct error err = { 0 };
    struct job job;
    if (!wire_job_decode(offer->signed_job, &s->arena, &job, &err)) bench_die("offer", &err);
    struct pending *pending = pending_find(w, &job.id);
    if (!pending) {
        pending = pending_add(w, &job);
        s->offered++;
        if (w == s->workers && s->store) {
            s->offer_ns = bench_now();
            keep(s, offer, &job);
        }
    }
    say(s, w, &(struct message){ .type = MESSAGE_ACCEPT, .accept = { .row = pending->row } });
    say_result(s, w, pending);
    s->result_ns = bench_now();
}

static void forget(struct sim_worker *w, const struct job_key *key)
{
    struct pending *pending = pending_find(w, &key->job);
    if (pending) *pending = w->pending[--w->pending_count];
}

static void hear(struct swarm *s, struct sim_worker *w, const struct message *message)
{
    s->messages++;
    switch (message->type) {
    case MESSAGE_WELCOME:
        s->welcomed += !w->welcomed;
        w->welcomed = true;
        break;
    case MESSAGE_REFUSAL:
        if (!text_equal(message->refusal.cause, "hello first"))
            bench_die(message->refusal.cause, NULL);
        say_hello(s, w);
        break;
    case MESSAGE_OFFER: on_offer(s, w, &message->offer); break;
    case MESSAGE_RESULT_ACK: forget(w, &message->result_ack); break;
    case MESSAGE_DROP: forget(w, &message->drop); break;
    case MESSAGE_LEASE: break;
    case MESSAGE_HELLO:
    case MESSAGE_ACCEPT:
    case MESSAGE_NACK:
    case MESSAGE_HEARTBEAT:
    case MESSAGE_PROGRESS:
    case MESSAGE_RESULT:
    case MESSAGE_CANCEL:
    case MESSAGE_CANCEL_ACK:
    case MESSAGE_LOG_REQUEST:
    case MESSAGE_LOG_CHUNK:
    case MESSAGE_REQUEST:
    case MESSAGE_INTERRUPTED:
    case MESSAGE_INTERRUPTED_ACK:
    case MESSAGE_RESUME:
    case MESSAGE_RESUME_ACK:
    case MESSAGE_REPLY: bench_die("unexpected message", NULL);
    }
}

static bool worker_run(struct swarm *s, struct sim_worker *w)
{
    struct bytes payload;
    unsigned count = 0;
    while (count < BATCH_MAX && link_peer_receive(w->peer, &payload)) {
        struct error err = { 0 };
        struct message message;
        arena_reset(&s->arena);
        if (!wire_decode(payload, &s->arena, &message, &err)) bench_die("message", &err);
        hear(s, w, &message);
        count++;
    }
    return count > 0;
}

bool swarm_run(struct swarm *s)
{
    bool busy = false;
    uint64_t now = bench_now();
    for (size_t i = 0; i < s->count; i++) busy |= worker_run(s, &s->workers[i]);
    if (now < s->upkeep_ns) return busy;
    s->upkeep_ns = now + UPKEEP_NS;
    arena_reset(&s->arena);
    for (size_t i = 0; i < s->count; i++) upkeep(s, &s->workers[i], now);
    return busy;
}

void swarm_wait(struct swarm *s)
{
    static zmq_pollitem_t items[SWARM_MAX + 1];
    for (size_t i = 0; i < s->count; i++)
        items[i] = (zmq_pollitem_t){ .socket = link_peer_socket(s->workers[i].peer),
                                     .events = ZMQ_POLLIN };
    items[s->count] =
        (zmq_pollitem_t){ .socket = link_peer_socket(s->client), .events = ZMQ_POLLIN };
    (void)zmq_poll(items, (int)s->count + 1, WAIT_MS);
}

/* ---- opening ---- */

static struct link_peer *connect_to(struct swarm *s, size_t number, const char *endpoint,
                                    const struct keys_pair *own, const char *server)
{
    struct error err = { 0 };
    struct link_peer *peer = NULL;
    size_t at = number / PEERS_OF_CONTEXT;
    if (at == s->context_count && !link_context_open(&s->contexts[s->context_count++], &err))
        bench_die("context", &err);
    if (!link_connect(s->contexts[at], endpoint, own, server, &peer, &err)) bench_die("link", &err);
    return peer;
}

void swarm_open(struct swarm *s, const char *dir, size_t count, const char *workers_endpoint,
                const char *clients_endpoint)
{
    struct error err = { 0 };
    struct keys_coordinator_public coordinator;
    struct keys_pair pairs[SWARM_MAX + 1];
    char path[FS_PATH_MAX];
    struct prng random;
    if (count > SWARM_MAX) bench_die("too many workers", NULL);
    *s = (struct swarm){ .count = count };
    random_seed(&random);
    arena_init(&s->arena, ARENA_MAX);
    buf_init(&s->frame, WIRE_FRAME_MAX);
    prepare_load(dir, pairs, count + 1);
    if (!fs_join(path, dir, "keys/coordinator.pub", &err) ||
        !keys_load_coordinator_public(path, &coordinator, &err) ||
        !fs_join(path, dir, "worker-store", &err) ||
        !store_open(&s->store, path, STORE_MAP_BYTES, &err))
        bench_die("open", &err);
    s->dispatch = coordinator.dispatch_public;
    s->contexts = xcalloc(count / PEERS_OF_CONTEXT + 1, sizeof(struct link_context *));
    s->workers = xcalloc(count, sizeof *s->workers);
    s->client = connect_to(s, 0, clients_endpoint, &pairs[0], coordinator.curve_z85);
    for (size_t i = 0; i < count; i++) {
        struct sim_worker *w = &s->workers[i];
        snprintf(w->name, sizeof w->name, "sim-%zu", i);
        w->incarnation = id_new_uuid(&random);
        w->boot = id_new_uuid(&random);
        w->peer = connect_to(s, i + 1, workers_endpoint, &pairs[i + 1], coordinator.curve_z85);
    }
}

void swarm_close(struct swarm *s)
{
    for (size_t i = 0; i < s->count; i++) {
        link_peer_close(&s->workers[i].peer);
        free(s->workers[i].pending);
    }
    link_peer_close(&s->client);
    for (size_t i = 0; i < s->context_count; i++) link_context_close(&s->contexts[i]);
    store_close(s->store);
    free(s->contexts);
    free(s->workers);
    buf_deinit(&s->frame);
    arena_deinit(&s->arena);
}
