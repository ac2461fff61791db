#include "io/link_internal.h"

#include <assert.h>
#include <string.h>
#include <zmq.h>

/* ZeroMQ RFC 27: version, request id, domain, address, identity, mechanism, credentials. */
enum { ZAP_VERSION, ZAP_REQUEST, ZAP_DOMAIN, ZAP_ADDRESS, ZAP_IDENTITY, ZAP_MECHANISM, ZAP_KEY };
enum { ZAP_FRAMES = 7 };

struct link_zap_request {
    zmq_msg_t frames[ZAP_FRAMES];
    size_t count; /* also beyond ZAP_FRAMES, whose rest is not kept */
};

bool link_zap_open(struct link_context *ctx, struct error *err)
{
    assert(!ctx->zap);
    void *zap = zmq_socket(ctx->zmq, ZMQ_REP);
    if (!zap) return link_zmq_error(err, "ZAP socket");
    if (!link_option_set(zap, ZMQ_LINGER, 0, err) || zmq_bind(zap, "inproc://zeromq.zap.01")) {
        link_zmq_error(err, "bind inproc://zeromq.zap.01");
        zmq_close(zap);
        return false;
    }
    ctx->zap = zap;
    return true;
}

void *link_zap_socket(struct link_context *ctx)
{
    assert(ctx->zap);
    return ctx->zap;
}

/* One frame, EINTR handled. False when nothing waits. */
static bool link_zap_frame(void *socket, zmq_msg_t *frame)
{
    int got = 0;
    do got = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
    while (got < 0 && zmq_errno() == EINTR);
    assert(got >= 0 || zmq_errno() == EAGAIN);
    return got >= 0;
}

/* False when no request waits. */
static bool link_zap_receive(void *socket, struct link_zap_request *request)
{
    bool more = link_zap_frame(socket, &request->frames[0]);
    if (!more) return false;
    more = zmq_msg_more(&request->frames[0]);
    for (request->count = 1; more; request->count++) {
        size_t at = request->count < ZAP_FRAMES ? request->count : ZAP_FRAMES - 1;
        bool got = link_zap_frame(socket, &request->frames[at]);
        assert(got); /* messages come whole */
        more = zmq_msg_more(&request->frames[at]);
    }
    return true;
}

static struct bytes link_zap_bytes(struct link_zap_request *request, size_t frame)
{
    return bytes_of(zmq_msg_data(&request->frames[frame]), zmq_msg_size(&request->frames[frame]));
}

static bool link_zap_is(struct link_zap_request *request, size_t frame, const char *text)
{
    return bytes_equal(link_zap_bytes(request, frame), bytes_of_text(text));
}

static const struct keys_principal *link_zap_admit(struct link_zap_request *request,
                                                   const struct keys_registry *registry)
{
    if (request->count != ZAP_FRAMES) return NULL;
    if (!link_zap_is(request, ZAP_VERSION, "1.0")) return NULL;
    if (!link_zap_is(request, ZAP_MECHANISM, "CURVE")) return NULL;
    struct bytes key = link_zap_bytes(request, ZAP_KEY);
    if (key.len != KEYS_RAW_SIZE) return NULL;
    for (enum keys_kind kind = KEYS_WORKER; kind <= KEYS_CLIENT; kind++)
        if (link_zap_is(request, ZAP_DOMAIN, keys_kind_domain(kind)))
            return keys_registry_by_key(registry, kind, key.data);
    return NULL;
}

static void link_zap_send(void *socket, struct bytes data, bool more)
{
    int flags = more ? ZMQ_SNDMORE | ZMQ_DONTWAIT : ZMQ_DONTWAIT;
    int sent = 0;
    do sent = zmq_send(socket, data.data, data.len, flags);
    while (sent < 0 && zmq_errno() == EINTR);
    /* REP routes to whoever asked and drops the answer when that one is gone: never full. */
    assert(sent >= 0);
}

static void link_zap_answer(struct link_context *ctx, struct link_zap_request *request,
                            const struct keys_principal *who)
{
    const char *user = who ? who->key_z85 : "";
    struct bytes id = { 0 };
    if (request->count > ZAP_REQUEST) id = link_zap_bytes(request, ZAP_REQUEST);
    link_zap_send(ctx->zap, bytes_of_text("1.0"), true);
    link_zap_send(ctx->zap, id, true);
    link_zap_send(ctx->zap, bytes_of_text(who ? "200" : "400"), true);
    link_zap_send(ctx->zap, bytes_of_text(who ? "OK" : "key not admitted"), true);
    link_zap_send(ctx->zap, bytes_of_text(user), true);
    link_zap_send(ctx->zap, bytes_of_text(""), false);
    if (who)
        ctx->admitted++;
    else
        ctx->refused++;
}

void link_zap_service(struct link_context *ctx, const struct keys_registry *registry)
{
    assert(ctx->zap);
    struct link_zap_request request = { 0 };
    for (size_t i = 0; i < ZAP_FRAMES; i++) zmq_msg_init(&request.frames[i]);
    for (size_t i = 0; i < LINK_ZAP_BATCH; i++) {
        if (!link_zap_receive(ctx->zap, &request)) break;
        link_zap_answer(ctx, &request, link_zap_admit(&request, registry));
    }
    for (size_t i = 0; i < ZAP_FRAMES; i++) zmq_msg_close(&request.frames[i]);
}
