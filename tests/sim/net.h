/* net.h - connections of workers to the coordinator and the packets on them.
 *
 * A connection belongs to one life of either process; packets to a connection that is gone are
 * lost, as with TCP. Packets from a worker that died may still arrive while the coordinator lives.
 */
#pragma once
#include "sim.h"

struct packet {
    struct packet *next;
    struct arena arena;
    struct message message;
    uint32_t worker;
    bool to_worker;
    uint64_t session;
    uint32_t life; /* of the coordinator's process at the other end */
    bool replayed; /* finds its way to any later connection */
};

/* Copies the message; what becomes of it is the network's business. */
void net_send(struct world *w, uint32_t worker, bool to_worker, uint64_t session,
              const struct message *message);
/* EV_PACKET: gives it to the node's inputs or loses it. */
void net_arrive(struct world *w, struct packet *packet);
void net_free(struct world *w, struct packet *packet);
/* The worker's transport tries until the coordinator is there (EV_CONNECT). */
void net_connect_soon(struct world *w, uint32_t worker);
void net_connect(struct world *w, uint32_t worker);
/* Cuts a worker off in one direction or both. */
void net_cut(struct world *w, uint32_t worker, uint32_t directions, uint64_t ms);
