#include "client/session.h"

#include "io/clock.h"
#include "io/link.h"
#include "io/loop.h"
#include "io/random.h"
#include "wire/wire.h"

#include <assert.h>

enum { SEND_AGAIN_MS = 50 };

struct slot {
    uint64_t token; /* 0: free */
    struct buf frame;
    uint64_t resend_ms, sent_boot_ms;
    bool sent;
};

struct session {
    struct loop *loop;
    struct link_context *context;
    struct link_peer *peer;
    enum link_state state;
    uint64_t wrong_boot_ms; /* since when it is LINK_WRONG_SERVER; 0: it is not */
    uint64_t token, sequence;
    struct slot slots[SESSION_OPEN_MAX];
    bool interrupted;
    char endpoint[SETTINGS_ENDPOINT_SIZE];
};

NODISCARD static bool connect_peer(struct session *s, const struct settings *settings,
                                   struct error *err)
{
    AUTO(keys_peer_wipe) struct keys_peer own = { .name = "" };
    struct keys_coordinator_public coordinator;
    unsigned slot = 0;
    if (!keys_load_peer(settings->key, &own, err)) return error_wrap(err, "key");
    if (own.kind != KEYS_CLIENT)
        return error_set(err, ERR_INVALID, "key: '%s' is the key of a worker, not of a client",
                         settings->key);
    if (!keys_load_coordinator_public(settings->coordinator_key, &coordinator, err))
        return error_wrap(err, "coordinatorKey");
    return link_context_open(&s->context, err) &&
           link_connect(s->context, settings->coordinator, &own.curve, coordinator.curve_z85,
                        &s->peer, err) &&
           loop_add_socket(s->loop, link_peer_socket(s->peer), &slot, err) &&
           loop_add_socket(s->loop, link_peer_monitor(s->peer), &slot, err);
}

bool session_open(const struct settings *settings, struct session **out, struct error *err)
{
    struct session *s = xcalloc(1, sizeof *s);
    for (size_t i = 0; i < SESSION_OPEN_MAX; i++) buf_init(&s->slots[i].frame, WIRE_FRAME_MAX);
    bool fits = text_copy(s->endpoint, sizeof s->endpoint, settings->coordinator);
    assert(fits);
    /* Tokens of two runs of the client must not meet: the coordinator may still hold the first. */
    random_bytes(&s->token, sizeof s->token);
    s->token >>= 2;
    if (!loop_open(&s->loop, err) || !connect_peer(s, settings, err)) {
        session_close(&s);
        return false;
    }
    *out = s;
    return true;
}

void session_close(struct session **session)
{
    struct session *s = *session;
    if (!s) return;
    link_peer_close(&s->peer);
    link_context_close(&s->context);
    loop_close(s->loop);
    for (size_t i = 0; i < SESSION_OPEN_MAX; i++) buf_deinit(&s->slots[i].frame);
    auto_free(session);
    *session = NULL;
}

bool session_connected(const struct session *session)
{
    return session->state == LINK_CONNECTED;
}

const char *session_state(const struct session *session)
{
    return link_state_text(session->state);
}

/* ---- requests ---- */

bool session_post(struct session *s, struct request *request, struct error *err)
{
    struct slot *slot = NULL;
    for (size_t i = 0; i < SESSION_OPEN_MAX; i++)
        if (s->slots[i].token == 0) slot = &s->slots[i];
    assert(slot);
    request->token = ++s->token;
    if (!wire_request_check(request, err)) return false;
    const struct message message = { .type = MESSAGE_REQUEST, .request = *request };
    buf_clear(&slot->frame);
    wire_encode(&message, ++s->sequence, &slot->frame);
    slot->token = request->token;
    slot->sent = false;
    slot->resend_ms = SESSION_RESEND_MS;
    if (request->kind == REQUEST_EVENTS) slot->resend_ms += request->events.wait_ms;
    if (request->kind == REQUEST_LOGS) slot->resend_ms += SESSION_RESEND_MS;
    return true;
}

/* Sends what is due; returns when to look again. */
static uint64_t send_due(struct session *s, uint64_t now)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < SESSION_OPEN_MAX; i++) {
        struct slot *slot = &s->slots[i];
        if (slot->token == 0) continue;
        bool due = !slot->sent || now >= slot->sent_boot_ms + slot->resend_ms;
        if (due && s->state == LINK_CONNECTED) {
            due = link_peer_send(s->peer, buf_bytes(&slot->frame)) != LINK_SENT;
            slot->sent = !due;
            slot->sent_boot_ms = now;
        }
        uint64_t again = due ? now + SEND_AGAIN_MS : slot->sent_boot_ms + slot->resend_ms;
        if (again < next) next = again;
    }
    return next;
}

/* After a reconnection nothing that was sent before is sure to have arrived. */
static void look_at_link(struct session *s)
{
    enum link_state state = link_peer_state(s->peer);
    if (state == LINK_CONNECTED && s->state != LINK_CONNECTED)
        for (size_t i = 0; i < SESSION_OPEN_MAX; i++) s->slots[i].sent = false;
    s->state = state;
    if (state != LINK_WRONG_SERVER)
        s->wrong_boot_ms = 0;
    else if (s->wrong_boot_ms == 0)
        s->wrong_boot_ms = clock_boot_ms();
}

/* A coordinator that is ended in the middle of a handshake looks like another server for a moment:
 * only one that stays so is believed. */
static bool refused(const struct session *s)
{
    if (s->state == LINK_NOT_ADMITTED) return true;
    return s->wrong_boot_ms && clock_boot_ms() >= s->wrong_boot_ms + SESSION_WRONG_MS;
}

static bool slot_answered(struct session *s, uint64_t token)
{
    for (size_t i = 0; i < SESSION_OPEN_MAX; i++) {
        if (token == 0 || s->slots[i].token != token) continue;
        s->slots[i].token = 0;
        return true;
    }
    return false;
}

static enum session_event receive(struct session *s, struct arena *arena, struct reply *reply,
                                  struct error *err)
{
    struct bytes payload;
    while (link_peer_receive(s->peer, &payload)) {
        struct message message;
        arena_reset(arena);
        if (!wire_decode(payload, arena, &message, err)) {
            error_wrap(err, "the coordinator's answer");
            return SESSION_FAILED;
        }
        if (message.type != MESSAGE_REPLY || !slot_answered(s, message.reply.token)) continue;
        *reply = message.reply;
        return SESSION_REPLY;
    }
    return SESSION_IDLE;
}

bool session_interrupted(struct session *s)
{
    struct error err = { .code = ERR_NONE };
    if (!loop_wait(s->loop, 0, &err) || loop_take_signals(s->loop) & LOOP_STOP)
        s->interrupted = true;
    return s->interrupted;
}

enum session_event session_wait(struct session *s, uint64_t deadline_boot_ms, struct arena *arena,
                                struct reply *reply, struct error *err)
{
    for (;;) {
        look_at_link(s);
        if (refused(s)) {
            error_set(err, ERR_DENIED, "%s: %s", s->endpoint, link_state_text(s->state));
            return SESSION_FAILED;
        }
        enum session_event event = receive(s, arena, reply, err);
        if (event != SESSION_IDLE) return event;
        if (loop_take_signals(s->loop) & LOOP_STOP) s->interrupted = true;
        if (s->interrupted) return SESSION_INTERRUPTED;
        uint64_t now = clock_boot_ms(), wake = send_due(s, now);
        if (now >= deadline_boot_ms) return SESSION_IDLE;
        if (s->wrong_boot_ms && wake > s->wrong_boot_ms + SESSION_WRONG_MS)
            wake = s->wrong_boot_ms + SESSION_WRONG_MS;
        if (wake > deadline_boot_ms) wake = deadline_boot_ms;
        if (!loop_wait(s->loop, wake, err)) return SESSION_FAILED;
    }
}

static const char *silence(const struct session *s)
{
    if (session_connected(s)) return "is connected, but gave no answer in time";
    return s->state == LINK_UNREACHABLE ? "refuses the connection, or is not there"
                                        : "does not answer";
}

bool session_call(struct session *s, struct request *request, uint64_t wait_ms, struct arena *arena,
                  struct reply *reply, struct error *err)
{
    uint64_t start = clock_boot_ms();
    uint64_t answer = start + (wait_ms ? wait_ms : SESSION_ANSWER_MS);
    uint64_t connect = start + (wait_ms ? wait_ms : SESSION_CONNECT_MS);
    if (!session_post(s, request, err)) return false;
    for (;;) {
        switch (session_wait(s, session_connected(s) ? answer : connect, arena, reply, err)) {
        case SESSION_REPLY:
            if (reply->token == request->token) return true;
            break;
        case SESSION_FAILED: return false;
        case SESSION_INTERRUPTED: return error_set(err, ERR_CONFLICT, "interrupted");
        case SESSION_IDLE:
            if (session_connected(s) && clock_boot_ms() < answer) break;
            (void)slot_answered(s, request->token);
            return error_set(err, ERR_RETRY, "%s %s", s->endpoint, silence(s));
        }
    }
}
