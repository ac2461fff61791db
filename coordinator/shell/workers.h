/* workers.h - the coordinator's socket for workers: frames in, messages for the core; the core's
 * messages out, offers and cancels signed on the way.
 *
 * Admission comes first (link.h: the sender's key, on every message), then the limits of wire.h,
 * then the core. Log chunks never reach the core: they answer a client that waits.
 *
 * Ownership: messages lie in the caller's arena. Nothing here decides anything about jobs.
 */
#pragma once
#include "core/coordinator.h"
#include "io/link.h"
#include "io/log.h"
#include "io/sign.h"
#include "shell/artifacts.h"

struct workers {
    struct link_listener *listener; /* owned */
    const struct artifacts *artifacts;
    const struct log *log;
    const struct signer *dispatch; /* the Ed25519 key of jobs and cancels */
    struct buf frame, inner;
    uint64_t sequence;
};

/* Takes the listener; the rest is borrowed. */
void workers_init(struct workers *workers, struct link_listener *listener,
                  const struct signer *dispatch, const struct artifacts *artifacts,
                  const struct log *log);
void workers_deinit(struct workers *workers);

struct worker_message {
    const char *worker; /* the name that the key is enrolled with */
    uint64_t session;
    struct message message;
};

/* False when nothing more waits. Messages that break a limit are logged and skipped. */
NODISCARD bool workers_receive(struct workers *workers, const struct keys_registry *registry,
                               struct arena *arena, struct worker_message *out);
/* A lost or refused send is ordinary: the core sends again. */
void workers_send(struct workers *workers, const struct coordinator_action *action,
                  struct arena *arena);
void workers_send_message(struct workers *workers, uint64_t session, const struct message *message);
