/* uplink.h - the worker's connection to its coordinator.
 *
 * What comes in is bounded by wire.h; offers and cancels are verified with the coordinator's
 * Ed25519 dispatch key over the bytes as they were received, before anything reads them. A
 * signature that is wrong leaves the `job` or `cancel` pointer NULL: the core refuses it.
 */
#pragma once
#include "io/link.h"
#include "io/log.h"
#include "io/sign.h"
#include "wire/messages.h"

struct uplink {
    struct link_peer *peer; /* owned */
    const struct log *log;
    struct sign_public dispatch;
    struct buf frame;
    uint64_t sequence;
    enum link_state state;
    uint64_t looked_boot_ms; /* when the state was asked for */
};

/* Takes the peer. */
void uplink_init(struct uplink *uplink, struct link_peer *peer, const struct sign_public *dispatch,
                 const struct log *log);
void uplink_deinit(struct uplink *uplink); /* accepts a zeroed one */

/* True once for each time that the connection comes up. Logs every change. */
NODISCARD bool uplink_came_up(struct uplink *uplink);
/* When to ask again although nothing has happened: a peer that was refused knocks again only when
 * it is asked for its state. UINT64_MAX: never. */
uint64_t uplink_deadline(const struct uplink *uplink);
/* False when nothing more waits. In `arena`. */
NODISCARD bool uplink_receive(struct uplink *uplink, struct arena *arena, struct message *out);
/* A message that cannot leave now is dropped: the core sends again. */
void uplink_send(struct uplink *uplink, const struct message *message);
