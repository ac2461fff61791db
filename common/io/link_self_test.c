#include "io/clock.h"
#include "io/link_internal.h"

#include <assert.h>
#include <stdio.h>
#include <zmq.h>

/* Each of them knocks at a clients' listener; only the last may come in. */
enum knock { KNOCK_NULL, KNOCK_PLAIN, KNOCK_UNKNOWN, KNOCK_WORKER, KNOCK_KNOWN, KNOCKS };

static const char *const knock_names[KNOCKS] = {
    "a peer without encryption (NULL)",
    "a peer with a password (PLAIN)",
    "an unknown CURVE key",
    "a worker's key at the clients' socket",
    "an admitted key",
};

struct link_proof {
    struct link_context *ctx;
    struct keys_pair server;
    struct keys_pair pairs[KNOCKS]; /* of the three that have one */
    struct keys_registry *registry; /* admits KNOCK_WORKER's and KNOCK_KNOWN's pairs */
    struct link_listener *listener;
    struct link_peer *peers[KNOCKS];
    bool refused[KNOCKS];
    bool sent; /* by the one who may */
    bool came_in;
};

static void link_proof_deinit(struct link_proof *p)
{
    for (size_t i = 0; i < KNOCKS; i++) link_peer_close(&p->peers[i]);
    link_listener_close(&p->listener);
    keys_registry_free(&p->registry);
}

static bool link_proof_registry(struct link_proof *p, struct error *err)
{
    char text[512];
    int len = snprintf(text, sizeof text,
                       "workers:\n- name: worker\n  region: none\n  key: '%s'\n"
                       "clients:\n- name: client\n  role: viewer\n  key: '%s'\n",
                       p->pairs[KNOCK_WORKER].public_z85, p->pairs[KNOCK_KNOWN].public_z85);
    assert(len > 0);
    assert((size_t)len < sizeof text);
    return keys_registry_parse(bytes_of(text, (size_t)len), &p->registry, err);
}

static bool link_proof_peer(struct link_proof *p, enum knock knock, struct error *err)
{
    const char *endpoint = link_endpoint(p->listener);
    if (knock != KNOCK_NULL && knock != KNOCK_PLAIN)
        return link_connect(p->ctx, endpoint, &p->pairs[knock], p->server.public_z85,
                            &p->peers[knock], err);
    if (!link_peer_new(p->ctx, endpoint, &p->peers[knock], err)) return false;
    void *socket = link_peer_socket(p->peers[knock]);
    if (knock == KNOCK_PLAIN && (zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, "user", 4) ||
                                 zmq_setsockopt(socket, ZMQ_PLAIN_PASSWORD, "password", 8)))
        return link_zmq_error(err, "PLAIN");
    return link_peer_start(p->peers[knock], endpoint, err);
}

static bool link_proof_open(struct link_proof *p, struct error *err)
{
    keys_pair_new(&p->server);
    for (size_t i = 0; i < KNOCKS; i++) keys_pair_new(&p->pairs[i]);
    if (!link_proof_registry(p, err)) return false;
    if (!link_listen_unproven(p->ctx, "tcp://127.0.0.1:*", &p->server, KEYS_CLIENT, &p->listener,
                              err))
        return false;
    for (unsigned i = 0; i < KNOCKS; i++)
        if (!link_proof_peer(p, (enum knock)i, err)) return false;
    return true;
}

static void link_proof_wait(struct link_proof *p, uint64_t ms)
{
    zmq_pollitem_t items[2 * KNOCKS + 2] = {
        { .socket = p->ctx->zap, .events = ZMQ_POLLIN },
        { .socket = link_socket(p->listener), .events = ZMQ_POLLIN },
    };
    for (size_t i = 0; i < KNOCKS; i++) {
        void *socket = link_peer_socket(p->peers[i]), *monitor = link_peer_monitor(p->peers[i]);
        short room = i == KNOCK_KNOWN && p->sent ? 0 : ZMQ_POLLOUT;
        items[2 * i + 2] = (zmq_pollitem_t){ .socket = monitor, .events = ZMQ_POLLIN };
        items[2 * i + 3] = (zmq_pollitem_t){ .socket = socket, .events = room };
    }
    /* An interruption is a wake-up like any other: the caller's deadline bounds them all. */
    (void)zmq_poll(items, 2 * KNOCKS + 2, (long)ms);
}

/* Takes what has happened. False when somebody came in who must not. */
static bool link_proof_look(struct link_proof *p, struct error *err)
{
    link_zap_service(p->ctx, p->registry);
    for (unsigned i = 0; i < KNOCKS; i++) {
        enum link_state state = link_peer_state(p->peers[i]);
        uint8_t mark = (uint8_t)i;
        bool known = i == KNOCK_KNOWN;
        bool sent =
            !(known && p->sent) && link_peer_send(p->peers[i], bytes_of(&mark, 1)) == LINK_SENT;
        if (known)
            p->sent = p->sent || sent;
        else if (sent || state == LINK_CONNECTED)
            return error_set(err, ERR_DENIED, "%s was let in", knock_names[i]);
        if (state == LINK_NOT_ADMITTED || state == LINK_WRONG_SERVER) p->refused[i] = true;
    }
    struct link_message message;
    while (link_receive(p->listener, p->registry, &message) == LINK_RECEIVED) {
        if (message.payload.len != 1 || message.payload.data[0] != KNOCK_KNOWN ||
            message.principal->role != KEYS_VIEWER)
            return error_set(err, ERR_DENIED, "a message came from somebody else");
        p->came_in = true;
    }
    struct link_counts counts = link_counts(p->listener);
    if (counts.dropped_user || counts.dropped_revoked || counts.dropped_routing)
        return error_set(err, ERR_DENIED, "somebody unproven reached the socket");
    return true;
}

static bool link_proof_done(const struct link_proof *p, const char **missing)
{
    for (size_t i = 0; i < KNOCKS; i++) {
        *missing = knock_names[i];
        if (i == KNOCK_KNOWN ? !p->came_in : !p->refused[i]) return false;
    }
    return true;
}

bool link_self_test(struct link_context *ctx, uint32_t deadline_ms, struct error *err)
{
    assert(ctx->open == 0);
    AUTO(link_proof_deinit) struct link_proof p = { .ctx = ctx };
    if (!ctx->zap) return error_set(err, ERR_CONFLICT, "self-test: nobody answers ZAP");
    if (!link_proof_open(&p, err)) return error_wrap(err, "self-test of the admission");
    uint64_t end = clock_boot_ms() + deadline_ms;
    const char *missing = NULL;
    for (;;) {
        if (!link_proof_look(&p, err)) return error_wrap(err, "self-test of the admission");
        if (link_proof_done(&p, &missing)) break;
        uint64_t now = clock_boot_ms();
        if (now >= end)
            return error_set(err, ERR_FATAL, "self-test of the admission: no verdict on %s",
                             missing);
        link_proof_wait(&p, end - now);
    }
    ctx->admitted = ctx->refused = 0;
    ctx->proven = true;
    return true;
}
