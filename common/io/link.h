/* link.h - ZeroMQ with CURVE: the only way two of our programs talk. Nothing else is offered.
 *
 * Coordinator:  link_context_open(), link_zap_open(), link_self_test(), then link_listen() for
 *               each kind of peer. In every turn: link_zap_service() when link_zap_socket() is
 *               readable (a turn longer than 2 s fails the handshakes that wait), link_receive()
 *               until LINK_EMPTY when link_socket() is. After a registry reload: link_revoke().
 * Worker,       link_context_open(), link_connect(); link_peer_send() and link_peer_receive();
 * client:       link_peer_state() says why there is no connection.
 *
 * Admission happens twice: ZAP asks the registry at the handshake, and link_receive() looks the
 * sender's key up again on every message, because a connected peer cannot be cut off (4.3.4).
 * A principal is the one whose *key* was proven; names and routing ids prove nothing.
 *
 * Single thread, nothing blocks, no context across fork. Poll with zmq_poll, never with ZMQ_FD.
 * A message is one frame of at most LINK_PAYLOAD_MAX bytes. "Sent" means queued: the protocol
 * repeats until it is answered. The kernel finds dead connections (TCP keep-alive, user timeout);
 * ZMTP's heartbeats are off, because 4.3.4 aborts when one is due on a connection that was reset
 * with a full queue (libzmq issues 4364, 4841): any peer could do that. Neither replaces a
 * heartbeat of the protocol. Figures and reasons: protocol.md, "ZeroMQ 4.3.4, as measured".
 */
#pragma once
#include "io/keys.h"

enum {
    LINK_PAYLOAD_MAX = 1 << 20,      /* bytes of one message */
    LINK_FRAME_MAX = (1 << 20) + 64, /* ZMQ_MAXMSGSIZE: the payload and CURVE's 33 bytes */
    LINK_HANDSHAKE_MS = 2000,        /* TCP accept to CURVE ready */
    LINK_KEEPALIVE_IDLE_S = 1,       /* a silent connection is probed: dead after some 4 s */
    LINK_KEEPALIVE_INTERVAL_S = 1,
    LINK_KEEPALIVE_COUNT = 3,
    LINK_UNACKED_MS = 6000, /* a connection whose bytes stay unacknowledged is dead */
    LINK_RECONNECT_MS = 250,
    LINK_RECONNECT_MAX_MS = 15000,
    LINK_CONNECT_TIMEOUT_MS = 5000,
    LINK_REFUSED_MS = 1000,   /* a peer that was refused knocks again after one to two of it */
    LINK_BACKLOG = 1024,      /* connections that wait for accept */
    LINK_QUEUE_MAX = 256,     /* messages per peer and direction */
    LINK_SESSIONS_MAX = 8192, /* per listener: the longest idle one makes room */
    LINK_SESSIONS_PER_KEY_MAX = 16, /* its own longest idle one makes room */
    LINK_ENDPOINT_SIZE = 256
};

struct link_context;
struct link_listener;
struct link_peer;

NODISCARD bool link_context_open(struct link_context **out, struct error *err);
/* Everything opened in it must be closed before: asserted. Accepts a NULL inside. */
void link_context_close(struct link_context **ctx);

/* ---- admission ---- */

/* Binds inproc://zeromq.zap.01. Without it link_listen() refuses: libzmq alone would let any
 * key in. */
NODISCARD bool link_zap_open(struct link_context *ctx, struct error *err);
/* For zmq_poll (ZMQ_POLLIN). */
void *link_zap_socket(struct link_context *ctx);
/* Answers the handshakes that wait, at most a bounded number: call again while readable. */
void link_zap_service(struct link_context *ctx, const struct keys_registry *registry);
/* Proves on a loopback listener, opened by link_listen() itself, that NULL, PLAIN, an unknown
 * CURVE key and a key of the other kind stay outside and a registered one comes in. Takes some
 * 100 ms; at most `deadline_ms`. A daemon that fails it must end. Before any link_listen(). */
NODISCARD bool link_self_test(struct link_context *ctx, uint32_t deadline_ms, struct error *err);

/* ---- the coordinator's end ---- */

/* `endpoint` is "tcp://ADDRESS:PORT"; port "*" takes a free one. ERR_CONFLICT before
 * link_zap_open() and link_self_test(), ERR_INVALID endpoints, ERR_RETRY address in use. */
NODISCARD bool link_listen(struct link_context *ctx, const char *endpoint,
                           const struct keys_pair *server, enum keys_kind kind,
                           struct link_listener **out, struct error *err);
void link_listener_close(struct link_listener **l);
void *link_socket(struct link_listener *l);
/* What it is bound to, with the real port. */
const char *link_endpoint(const struct link_listener *l);

struct link_message {
    uint64_t session;                       /* one connection of one key; never 0, never reused */
    const struct keys_principal *principal; /* borrowed from the registry */
    struct bytes payload;                   /* borrowed until the next receive on this socket */
};

enum link_received { LINK_EMPTY, LINK_RECEIVED };

/* The next message of an admitted peer; others are dropped and counted. LINK_EMPTY may come
 * while bad messages are still queued (a call drops a bounded number): poll again. */
NODISCARD enum link_received link_receive(struct link_listener *l,
                                          const struct keys_registry *registry,
                                          struct link_message *out);

enum link_sent {
    LINK_SENT, /* queued for the peer */
    LINK_GONE, /* the connection is no more; the session is forgotten */
    LINK_FULL  /* the peer reads too slowly: again later */
};

NODISCARD enum link_sent link_send(struct link_listener *l, uint64_t session, struct bytes payload);
/* Forgets the sessions whose key `registry` no longer admits; gives their number. */
size_t link_revoke(struct link_listener *l, const struct keys_registry *registry);
size_t link_session_count(const struct link_listener *l);

struct link_counts {
    uint64_t admitted, refused; /* handshakes (of the whole context) */
    uint64_t received, sent, gone, full;
    uint64_t dropped_frames;  /* not exactly one frame */
    uint64_t dropped_size;    /* above LINK_PAYLOAD_MAX */
    uint64_t dropped_user;    /* without a proven key */
    uint64_t dropped_revoked; /* the key is no longer in the registry */
    uint64_t dropped_routing; /* the peer chose its own routing id */
    uint64_t evicted;         /* sessions that made room */
};

struct link_counts link_counts(const struct link_listener *l);

/* ---- the worker's and the client's end ---- */

NODISCARD bool link_connect(struct link_context *ctx, const char *endpoint,
                            const struct keys_pair *own, const char *server_public_z85,
                            struct link_peer **out, struct error *err);
void link_peer_close(struct link_peer **p);
void *link_peer_socket(struct link_peer *p);
/* Readable when the state may have changed; link_peer_state() empties it. */
void *link_peer_monitor(struct link_peer *p);

/* False: nothing there. Borrowed until the next receive. */
NODISCARD bool link_peer_receive(struct link_peer *p, struct bytes *payload);
/* LINK_SENT or LINK_FULL (also: not connected). */
NODISCARD enum link_sent link_peer_send(struct link_peer *p, struct bytes payload);

enum link_state {
    LINK_CONNECTING,   /* no answer yet: at the caller's deadline that is "unreachable" */
    LINK_UNREACHABLE,  /* refused, no route, no such name; tried again by itself */
    LINK_WRONG_SERVER, /* it answers, but proves no knowledge of the coordinator's key */
    LINK_NOT_ADMITTED, /* it is the coordinator, and our key is not in its registry */
    LINK_CONNECTED
};

/* Ask at least every few seconds: a peer that was refused knocks again from here only. */
enum link_state link_peer_state(struct link_peer *p);
const char *link_state_text(enum link_state state);
