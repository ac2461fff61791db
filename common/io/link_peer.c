#include "io/clock.h"
#include "io/link_internal.h"
#include "io/random.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

struct link_peer {
    struct link_context *ctx;
    void *socket, *monitor;
    zmq_msg_t payload;
    enum link_state state;
    bool skipping;
    char endpoint[LINK_ENDPOINT_SIZE];
    uint64_t again_boot_ms; /* when to knock again after a refusal; 0: libzmq does it itself */
    uint32_t again_ms;
    uint64_t connected_boot_ms; /* TCP, before the handshake */
};

bool link_peer_new(struct link_context *ctx, const char *endpoint, struct link_peer **out,
                   struct error *err)
{
    if (!link_endpoint_check(endpoint, err)) return false;
    struct link_peer *p = xcalloc(1, sizeof *p);
    bool fits = text_copy(p->endpoint, sizeof p->endpoint, endpoint);
    assert(fits); /* link_endpoint_check() has seen to that */
    p->ctx = ctx;
    ctx->open++;
    zmq_msg_init(&p->payload);
    p->socket = zmq_socket(ctx->zmq, ZMQ_DEALER);
    if (!p->socket || !link_options_common(p->socket, endpoint, err)) {
        if (!p->socket) link_zmq_error(err, "socket");
        link_peer_close(&p);
        return false;
    }
    *out = p;
    return true;
}

/* libzmq itself spreads retries by no more than the first interval, so a thousand workers that
 * lost one coordinator would come back nearly together: each draws its own intervals. */
static bool link_peer_intervals(struct link_peer *p, struct error *err)
{
    struct prng random;
    random_seed(&random);
    int first = LINK_RECONNECT_MS + (int)prng_below(&random, LINK_RECONNECT_MS);
    int most = LINK_RECONNECT_MAX_MS - (int)prng_below(&random, LINK_RECONNECT_MAX_MS / 4);
    p->again_ms = LINK_REFUSED_MS + (uint32_t)prng_below(&random, LINK_REFUSED_MS);
    return link_option_set(p->socket, ZMQ_RECONNECT_IVL, first, err) &&
           link_option_set(p->socket, ZMQ_RECONNECT_IVL_MAX, most, err) &&
           link_option_set(p->socket, ZMQ_CONNECT_TIMEOUT, LINK_CONNECT_TIMEOUT_MS, err);
}

bool link_peer_start(struct link_peer *p, const char *endpoint, struct error *err)
{
    if (!link_peer_intervals(p, err)) return false;
    char name[64];
    snprintf(name, sizeof name, "inproc://monitor.%" PRIu64, ++p->ctx->monitors);
    int events = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_DISCONNECTED |
                 ZMQ_EVENT_CLOSED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                 ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                 ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    if (zmq_socket_monitor(p->socket, name, events)) return link_zmq_error(err, "monitor");
    p->monitor = zmq_socket(p->ctx->zmq, ZMQ_PAIR);
    if (!p->monitor) return link_zmq_error(err, "monitor's socket");
    /* No limit: a full queue of events would block the I/O thread inside libzmq. */
    if (!link_option_set(p->monitor, ZMQ_RCVHWM, 0, err)) return false;
    if (!link_option_set(p->monitor, ZMQ_LINGER, 0, err)) return false;
    if (zmq_connect(p->monitor, name)) return link_zmq_error(err, "connect the monitor");
    if (zmq_connect(p->socket, endpoint)) return link_zmq_error(err, "connect");
    return true;
}

bool link_connect(struct link_context *ctx, const char *endpoint, const struct keys_pair *own,
                  const char *server_public_z85, struct link_peer **out, struct error *err)
{
    struct link_peer *p = NULL;
    if (!link_peer_new(ctx, endpoint, &p, err)) return error_wrap(err, "connect");
    if (!link_options_client(p->socket, own, server_public_z85, err) ||
        !link_peer_start(p, endpoint, err)) {
        link_peer_close(&p);
        return error_wrap(err, "connect to '%s'", endpoint);
    }
    *out = p;
    return true;
}

void link_peer_close(struct link_peer **p)
{
    if (!*p) return;
    zmq_msg_close(&(*p)->payload);
    if ((*p)->monitor) {
        zmq_socket_monitor((*p)->socket, NULL, 0);
        zmq_close((*p)->monitor);
    }
    if ((*p)->socket) zmq_close((*p)->socket);
    (*p)->ctx->open--;
    auto_free(p);
    *p = NULL;
}

void *link_peer_socket(struct link_peer *p)
{
    return p->socket;
}

void *link_peer_monitor(struct link_peer *p)
{
    return p->monitor;
}

static bool link_peer_frame(void *socket, zmq_msg_t *frame)
{
    int got = 0;
    do got = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
    while (got < 0 && zmq_errno() == EINTR);
    assert(got >= 0 || zmq_errno() == EAGAIN);
    return got >= 0;
}

bool link_peer_receive(struct link_peer *p, struct bytes *payload)
{
    for (unsigned budget = LINK_FRAME_BATCH; budget > 0; budget--) {
        if (!link_peer_frame(p->socket, &p->payload)) return false;
        bool more = zmq_msg_more(&p->payload);
        bool whole = !more && !p->skipping;
        p->skipping = more;
        if (!whole || zmq_msg_size(&p->payload) > LINK_PAYLOAD_MAX) continue;
        *payload = bytes_of(zmq_msg_data(&p->payload), zmq_msg_size(&p->payload));
        return true;
    }
    return false;
}

enum link_sent link_peer_send(struct link_peer *p, struct bytes payload)
{
    assert(payload.len <= LINK_PAYLOAD_MAX);
    int sent = 0;
    do sent = zmq_send(p->socket, payload.data, payload.len, ZMQ_DONTWAIT);
    while (sent < 0 && zmq_errno() == EINTR);
    assert(sent >= 0 || zmq_errno() == EAGAIN);
    return sent >= 0 ? LINK_SENT : LINK_FULL;
}

/* libzmq gives no reason: who is silent for the handshake's whole time is stopped or overloaded;
 * who hangs up on our first words holds another key (or was ended at that moment: it is tried
 * again). */
static enum link_state link_peer_after_no_detail(const struct link_peer *p)
{
    bool silent = clock_boot_ms() - p->connected_boot_ms >= LINK_HANDSHAKE_MS / 2;
    return silent ? LINK_UNREACHABLE : LINK_WRONG_SERVER;
}

static enum link_state link_peer_after(struct link_peer *p, unsigned event)
{
    enum link_state state = p->state;
    switch (event) {
    case ZMQ_EVENT_CONNECTED: p->connected_boot_ms = clock_boot_ms(); return state;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return LINK_CONNECTED;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return LINK_NOT_ADMITTED;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: return link_peer_after_no_detail(p);
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: return LINK_WRONG_SERVER;
    case ZMQ_EVENT_DISCONNECTED:
        /* Follows a failed handshake too, whose cause says more. */
        return state == LINK_CONNECTED ? LINK_UNREACHABLE : state;
    case ZMQ_EVENT_CLOSED: return LINK_UNREACHABLE; /* a connect that did not come through */
    default: return state;
    }
}

/* libzmq 4.3.4 ends the connection for good after a handshake that failed; a key that is admitted
 * later, or a coordinator that comes in the place of another program, would wait for ever. */
static void link_peer_knock_again(struct link_peer *p)
{
    uint64_t now = clock_boot_ms();
    if (p->state != LINK_NOT_ADMITTED && p->state != LINK_WRONG_SERVER) {
        p->again_boot_ms = 0;
    } else if (p->again_boot_ms == 0) {
        p->again_boot_ms = now + p->again_ms;
    } else if (now >= p->again_boot_ms) {
        p->again_boot_ms = now + p->again_ms;
        /* Both may fail for the moment: then it is the next time's turn. */
        (void)zmq_disconnect(p->socket, p->endpoint);
        (void)zmq_connect(p->socket, p->endpoint);
    }
}

enum link_state link_peer_state(struct link_peer *p)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    for (unsigned budget = LINK_FRAME_BATCH; budget > 0; budget--) {
        if (!link_peer_frame(p->monitor, &frame)) break;
        uint16_t event = 0;
        if (zmq_msg_size(&frame) >= sizeof event)
            memcpy(&event, zmq_msg_data(&frame), sizeof event);
        p->state = link_peer_after(p, event);
        while (zmq_msg_more(&frame) && link_peer_frame(p->monitor, &frame)) continue;
    }
    zmq_msg_close(&frame);
    link_peer_knock_again(p);
    return p->state;
}

const char *link_state_text(enum link_state state)
{
    switch (state) {
    case LINK_CONNECTING: return "no answer yet";
    case LINK_UNREACHABLE: return "the coordinator cannot be reached";
    case LINK_WRONG_SERVER:
        return "something answers, but does not hold the key of coordinator.pub";
    case LINK_NOT_ADMITTED: return "our key is not admitted";
    case LINK_CONNECTED: return "connected";
    }
    assert(false);
    return "";
}
