/* link_internal.h - what the files of link share; nobody else includes it.
 *
 * link.c: context, listener, messages. link_options.c: the options of every socket.
 * link_sessions.c: routing ids and sessions. link_zap.c: who may come in. link_peer.c: the
 * connecting end and its state. link_self_test.c: the proof at start.
 */
#pragma once
#include "base/list.h"
#include "io/link.h"
#include <sys/types.h>

/* Hidden behind the draft API, honoured by Debian's 4.3.4: without an answer from ZAP, nobody. */
enum { LINK_ZAP_ENFORCE_DOMAIN = 93 };
enum { LINK_ROUTING_SIZE = 5 }; /* of a library-generated routing id: a zero byte and a number */
enum { LINK_ZAP_BATCH = 64, LINK_FRAME_BATCH = 256 }; /* what one call handles at most */

struct link_context {
    void *zmq;
    void *zap;         /* NULL before link_zap_open() */
    bool proven;       /* the self-test succeeded */
    pid_t owner;       /* no context across fork */
    unsigned open;     /* listeners and peers */
    uint64_t monitors; /* for their names */
    uint64_t admitted, refused;
};

/* ---- options ---- */

bool link_option_set(void *socket, int option, int value, struct error *err);
/* Sets what every socket of ours has in common and reads it back. */
NODISCARD bool link_options_common(void *socket, const char *endpoint, struct error *err);
NODISCARD bool link_options_server(void *socket, const struct keys_pair *server, const char *domain,
                                   struct error *err);
NODISCARD bool link_options_client(void *socket, const struct keys_pair *own,
                                   const char *server_public_z85, struct error *err);
bool link_zmq_error(struct error *err, const char *what); /* from zmq_errno(); returns false */
NODISCARD bool link_endpoint_check(const char *endpoint, struct error *err);

/* ---- sessions ---- */

struct link_session {
    struct list idle; /* in the order of the last use, or in the list of the free ones */
    uint64_t number;  /* 0 while free */
    uint32_t routing;
    uint32_t next; /* in its bucket: slot + 1, 0 ends */
    char key_z85[KEYS_Z85_SIZE];
};

struct link_sessions {
    struct link_session *slots; /* LINK_SESSIONS_MAX */
    uint32_t *buckets;          /* LINK_SESSIONS_MAX heads: slot + 1, 0 is empty */
    struct list used, free;     /* free: those that were used before */
    size_t fresh;    /* slots from here on were never used: their memory is not even touched */
    uint64_t serial; /* of the next session */
    size_t count;
};

void link_sessions_init(struct link_sessions *s);
void link_sessions_deinit(struct link_sessions *s);
/* The session of that connection and key, made when it is new; makes room and counts it. */
struct link_session *link_sessions_enter(struct link_sessions *s, uint32_t routing,
                                         const char *key_z85, uint64_t *evicted);
struct link_session *link_sessions_find(struct link_sessions *s, uint64_t number);
struct link_session *link_sessions_by_routing(struct link_sessions *s, uint32_t routing);
void link_sessions_touch(struct link_sessions *s, struct link_session *session);
void link_sessions_drop(struct link_sessions *s, struct link_session *session);

/* ---- opened by the self-test in another way than by the public functions ---- */

/* link_listen() without asking whether the self-test has succeeded. */
NODISCARD bool link_listen_unproven(struct link_context *ctx, const char *endpoint,
                                    const struct keys_pair *server, enum keys_kind kind,
                                    struct link_listener **out, struct error *err);
/* A peer without a mechanism, and its start: link_connect() sets CURVE between the two. */
NODISCARD bool link_peer_new(struct link_context *ctx, const char *endpoint, struct link_peer **out,
                             struct error *err);
NODISCARD bool link_peer_start(struct link_peer *p, const char *endpoint, struct error *err);
