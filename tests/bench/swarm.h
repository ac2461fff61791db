/* swarm.h - N workers in one process, each with its own key and connection, and one client.
 *
 * They speak the real dialogue with the real codecs and links. Their jobs do nothing: an offer is
 * accepted and its result, without lifecycle events, sent in one go, and again each second until
 * it is acknowledged. Worker 0 is as durable and as careful as a real one: it checks the
 * offer's signature and commits its row before it answers. The others' disks and verifying are
 * other hosts' work, and would only take this host's processors from the coordinator.
 */
#pragma once
#include "bench.h"
#include "io/keys.h"
#include "io/link.h"
#include "io/store.h"
#include "wire/wire.h"

enum { SWARM_MAX = 1000, SWARM_NAME_SIZE = 24 };

struct pending { /* a result that is not acknowledged */
    struct row row;
    uint64_t sent_ns;
};

struct sim_worker {
    struct link_peer *peer;
    char name[SWARM_NAME_SIZE];
    struct id incarnation, boot;
    bool connected, welcomed;
    uint64_t hello_ns, heartbeat_ns; /* when last sent */
    struct pending *pending;
    size_t pending_count, pending_cap;
};

struct swarm {
    struct link_context **contexts;
    size_t context_count;
    struct sim_worker *workers;
    size_t count, welcomed;
    struct link_peer *client;
    struct sign_public dispatch;
    struct store *store; /* of worker 0 */
    struct arena arena;  /* of one message */
    struct buf frame;
    uint64_t sequence, upkeep_ns;
    uint64_t offered, messages;   /* jobs taken; messages between workers and coordinator */
    uint64_t offer_ns, result_ns; /* when worker 0's last offer came and its result left */
};

/* DIR is what prepare made; a worker's commits go to DIR/worker-store. */
void swarm_open(struct swarm *s, const char *dir, size_t count, const char *workers_endpoint,
                const char *clients_endpoint);
void swarm_close(struct swarm *s);
/* Lets all workers receive, answer and send what is due; true when anything was received. */
bool swarm_run(struct swarm *s);
/* Until something can be received, but no longer than some milliseconds. */
void swarm_wait(struct swarm *s);

/* DIR/keys with N enrolled workers and a client, DIR/swarm.keys with their secrets, and an object
 * KEY in DIR/store that pipelines can take as their source. */
void prepare(const char *dir, size_t count, const char *key);
/* The pairs of DIR/swarm.keys: the client's, then the workers'. */
void prepare_load(const char *dir, struct keys_pair *pairs, size_t count);
