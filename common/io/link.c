#include "io/link.h"

#include "io/link_internal.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

struct link_listener {
    struct link_context *ctx;
    void *socket;
    char endpoint[LINK_ENDPOINT_SIZE];
    enum keys_kind kind;
    struct link_sessions sessions;
    struct link_counts counts;
    zmq_msg_t routing, payload; /* of the last message; the payload is lent to the caller */
    bool skipping;              /* the rest of a message with too many frames */
};

bool link_context_open(struct link_context **out, struct error *err)
{
    void *zmq = zmq_ctx_new();
    if (!zmq) return link_zmq_error(err, "ZeroMQ context");
    if (zmq_has("curve") != 1) {
        zmq_ctx_term(zmq);
        return error_set(err, ERR_FATAL, "this libzmq was built without CURVE");
    }
    struct link_context *ctx = xcalloc(1, sizeof *ctx);
    ctx->zmq = zmq;
    ctx->owner = getpid();
    *out = ctx;
    return true;
}

void link_context_close(struct link_context **ctx)
{
    struct link_context *c = *ctx;
    if (!c) return;
    assert(c->owner == getpid());
    assert(c->open == 0);
    if (c->zap) zmq_close(c->zap);
    int failed = 0;
    do failed = zmq_ctx_term(c->zmq);
    while (failed && zmq_errno() == EINTR);
    assert(!failed);
    auto_free(ctx);
    *ctx = NULL;
}

static bool link_listener_bind(struct link_listener *l, const char *endpoint,
                               const struct keys_pair *server, struct error *err)
{
    l->socket = zmq_socket(l->ctx->zmq, ZMQ_ROUTER);
    if (!l->socket) return link_zmq_error(err, "socket");
    if (!link_options_common(l->socket, endpoint, err)) return false;
    if (!link_options_server(l->socket, server, keys_kind_domain(l->kind), err)) return false;
    if (zmq_bind(l->socket, endpoint)) return link_zmq_error(err, "bind");
    size_t size = sizeof l->endpoint;
    if (zmq_getsockopt(l->socket, ZMQ_LAST_ENDPOINT, l->endpoint, &size))
        return link_zmq_error(err, "read the bound address");
    return true;
}

bool link_listen_unproven(struct link_context *ctx, const char *endpoint,
                          const struct keys_pair *server, enum keys_kind kind,
                          struct link_listener **out, struct error *err)
{
    assert(ctx->owner == getpid());
    if (!ctx->zap)
        return error_set(err, ERR_CONFLICT, "listen on '%.64s': nobody answers ZAP", endpoint);
    if (!link_endpoint_check(endpoint, err)) return false;
    struct link_listener *l = xcalloc(1, sizeof *l);
    l->ctx = ctx;
    l->kind = kind;
    ctx->open++;
    link_sessions_init(&l->sessions);
    zmq_msg_init(&l->routing);
    zmq_msg_init(&l->payload);
    if (!link_listener_bind(l, endpoint, server, err)) {
        link_listener_close(&l);
        return error_wrap(err, "listen on '%s'", endpoint);
    }
    *out = l;
    return true;
}

bool link_listen(struct link_context *ctx, const char *endpoint, const struct keys_pair *server,
                 enum keys_kind kind, struct link_listener **out, struct error *err)
{
    if (!ctx->proven)
        return error_set(err, ERR_CONFLICT, "listen on '%.64s': no self-test has succeeded",
                         endpoint);
    return link_listen_unproven(ctx, endpoint, server, kind, out, err);
}

void link_listener_close(struct link_listener **l)
{
    if (!*l) return;
    zmq_msg_close(&(*l)->routing);
    zmq_msg_close(&(*l)->payload);
    if ((*l)->socket) zmq_close((*l)->socket);
    link_sessions_deinit(&(*l)->sessions);
    (*l)->ctx->open--;
    auto_free(l);
    *l = NULL;
}

void *link_socket(struct link_listener *l)
{
    return l->socket;
}

const char *link_endpoint(const struct link_listener *l)
{
    return l->endpoint;
}

size_t link_session_count(const struct link_listener *l)
{
    return l->sessions.count;
}

struct link_counts link_counts(const struct link_listener *l)
{
    struct link_counts counts = l->counts;
    counts.admitted = l->ctx->admitted;
    counts.refused = l->ctx->refused;
    return counts;
}

/* One frame into `frame`, whose old content goes. False when nothing waits. */
static bool link_frame(struct link_listener *l, zmq_msg_t *frame)
{
    int got = 0;
    do got = zmq_msg_recv(frame, l->socket, ZMQ_DONTWAIT);
    while (got < 0 && zmq_errno() == EINTR);
    assert(got >= 0 || zmq_errno() == EAGAIN);
    return got >= 0;
}

static uint32_t link_routing_parse(const uint8_t *id)
{
    return (uint32_t)id[1] << 24 | (uint32_t)id[2] << 16 | (uint32_t)id[3] << 8 | id[4];
}

/* Whether the message in l->routing and l->payload may pass; counts why not. */
static bool link_accept(struct link_listener *l, const struct keys_registry *registry,
                        struct link_message *out)
{
    const uint8_t *id = zmq_msg_data(&l->routing);
    if (zmq_msg_size(&l->routing) != LINK_ROUTING_SIZE || id[0] != 0)
        return l->counts.dropped_routing++, false;
    if (zmq_msg_size(&l->payload) > LINK_PAYLOAD_MAX) return l->counts.dropped_size++, false;
    /* On the routing frame 4.3.4 gives NULL after a poll: only the payload's is reliable. */
    const char *key = zmq_msg_gets(&l->payload, "User-Id");
    if (!key || !key[0]) return l->counts.dropped_user++, false;
    uint32_t routing = link_routing_parse(id);
    out->principal = keys_registry_by_z85(registry, l->kind, key);
    if (!out->principal) {
        struct link_session *old = link_sessions_by_routing(&l->sessions, routing);
        if (old) link_sessions_drop(&l->sessions, old);
        return l->counts.dropped_revoked++, false;
    }
    struct link_session *session =
        link_sessions_enter(&l->sessions, routing, key, &l->counts.evicted);
    out->session = session->number;
    out->payload = bytes_of(zmq_msg_data(&l->payload), zmq_msg_size(&l->payload));
    l->counts.received++;
    return true;
}

enum link_received link_receive(struct link_listener *l, const struct keys_registry *registry,
                                struct link_message *out)
{
    for (unsigned budget = LINK_FRAME_BATCH; budget > 0; budget--) {
        if (l->skipping) {
            if (!link_frame(l, &l->payload)) return LINK_EMPTY;
            l->skipping = zmq_msg_more(&l->payload);
            continue;
        }
        if (!link_frame(l, &l->routing)) return LINK_EMPTY;
        bool got = zmq_msg_more(&l->routing) && link_frame(l, &l->payload);
        l->skipping = got && zmq_msg_more(&l->payload);
        struct link_message message = { 0 };
        if (!got || l->skipping) {
            l->counts.dropped_frames++;
        } else if (link_accept(l, registry, &message)) {
            *out = message;
            return LINK_RECEIVED;
        }
    }
    return LINK_EMPTY;
}

static int link_send_frame(void *socket, const void *data, size_t len, int flags)
{
    int sent = 0;
    do sent = zmq_send(socket, data, len, flags | ZMQ_DONTWAIT);
    while (sent < 0 && zmq_errno() == EINTR);
    return sent;
}

enum link_sent link_send(struct link_listener *l, uint64_t number, struct bytes payload)
{
    assert(payload.len <= LINK_PAYLOAD_MAX);
    struct link_session *session = link_sessions_find(&l->sessions, number);
    if (!session) return l->counts.gone++, LINK_GONE;
    uint32_t r = session->routing;
    const uint8_t id[LINK_ROUTING_SIZE] = { 0, (uint8_t)(r >> 24), (uint8_t)(r >> 16),
                                            (uint8_t)(r >> 8), (uint8_t)r };
    if (link_send_frame(l->socket, id, sizeof id, ZMQ_SNDMORE) < 0) {
        if (zmq_errno() == EAGAIN) return l->counts.full++, LINK_FULL;
        assert(zmq_errno() == EHOSTUNREACH);
        link_sessions_drop(&l->sessions, session);
        return l->counts.gone++, LINK_GONE;
    }
    /* The room was taken with the first frame; a peer that vanishes now swallows the second. */
    int sent = link_send_frame(l->socket, payload.data, payload.len, 0);
    assert(sent >= 0);
    link_sessions_touch(&l->sessions, session);
    l->counts.sent++;
    return LINK_SENT;
}

size_t link_revoke(struct link_listener *l, const struct keys_registry *registry)
{
    size_t revoked = 0;
    for (size_t i = 0; i < l->sessions.fresh; i++) {
        struct link_session *session = &l->sessions.slots[i];
        if (!session->number) continue;
        if (keys_registry_by_z85(registry, l->kind, session->key_z85)) continue;
        link_sessions_drop(&l->sessions, session);
        revoked++;
    }
    return revoked;
}
