#include "base/prng.h"
#include "io/clock.h"
#include "io/link_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

/* Everything here waits for an event; the deadline only bounds a failure. */
enum { DEADLINE_MS = 20000, TURN_MS = 20, SILENT_PEERS = 100 };

enum who { WORKER_A, WORKER_B, CLIENT_A, STRANGER, PEOPLE };

struct world {
    struct link_context *ctx;
    struct keys_pair server, pairs[PEOPLE];
    struct keys_registry *registry; /* all but STRANGER */
    struct link_listener *workers, *clients;
    struct link_message last; /* of the listener that was pumped last */
    uint8_t *received;        /* a copy of its payload */
    unsigned count;           /* messages received */
};

static struct keys_registry *registry_of(const struct world *w, bool with_a)
{
    char text[1024], worker_a[256];
    struct error err = { 0 };
    struct keys_registry *r = NULL;
    snprintf(worker_a, sizeof worker_a, "- {name: a, region: us-west-2, key: '%s'}\n",
             w->pairs[WORKER_A].public_z85);
    snprintf(text, sizeof text,
             "workers:\n%s- {name: b, region: us-west-2, key: '%s'}\n"
             "clients:\n- {name: a, role: admin, key: '%s'}\n",
             with_a ? worker_a : "", w->pairs[WORKER_B].public_z85, w->pairs[CLIENT_A].public_z85);
    assert_true(keys_registry_parse(bytes_of_text(text), &r, &err));
    return r;
}

static int world_make(void **state)
{
    struct error err = { 0 };
    struct world *w = xcalloc(1, sizeof *w);
    assert_true(link_context_open(&w->ctx, &err));
    assert_true(link_zap_open(w->ctx, &err));
    keys_pair_new(&w->server);
    for (size_t i = 0; i < PEOPLE; i++) keys_pair_new(&w->pairs[i]);
    w->registry = registry_of(w, true);
    w->ctx->proven = true; /* the self-test has tests of its own */
    assert_true(
        link_listen(w->ctx, "tcp://127.0.0.1:*", &w->server, KEYS_WORKER, &w->workers, &err));
    assert_true(
        link_listen(w->ctx, "tcp://127.0.0.1:*", &w->server, KEYS_CLIENT, &w->clients, &err));
    *state = w;
    return 0;
}

static int world_end(void **state)
{
    struct world *w = *state;
    link_listener_close(&w->workers);
    link_listener_close(&w->clients);
    if (w->ctx->open > 0) return -1; /* a failed test left a peer */
    link_context_close(&w->ctx);
    keys_registry_free(&w->registry);
    free(w->received);
    free(w);
    return 0;
}

static void take(struct world *w, struct link_listener *l)
{
    struct link_message m;
    while (link_receive(l, w->registry, &m) == LINK_RECEIVED) {
        free(w->received);
        w->received = xcalloc(m.payload.len + 1, 1);
        memcpy(w->received, m.payload.data, m.payload.len);
        w->last = m;
        w->last.payload.data = w->received;
        w->count++;
    }
}

/* One turn of the coordinator, which waits shortly for whatever comes. */
static void turn(struct world *w)
{
    zmq_pollitem_t items[] = {
        { .socket = link_zap_socket(w->ctx), .events = ZMQ_POLLIN },
        { .socket = link_socket(w->clients), .events = ZMQ_POLLIN },
        { .socket = w->workers ? link_socket(w->workers) : NULL, .events = ZMQ_POLLIN },
    };
    zmq_poll(items, w->workers ? 3 : 2, TURN_MS);
    link_zap_service(w->ctx, w->registry);
    take(w, w->clients);
    if (w->workers) take(w, w->workers);
}

/* until(w, condition): turns until the condition holds. */
#define until(w, condition)                                                                        \
    do {                                                                                           \
        uint64_t end_ = clock_boot_ms() + DEADLINE_MS;                                             \
        while (!(condition)) {                                                                     \
            if (clock_boot_ms() > end_) fail_msg("never: %s", #condition);                         \
            turn(w);                                                                               \
        }                                                                                          \
    } while (0)

static struct link_peer *connect_as(struct world *w, enum who who, struct link_listener *to)
{
    struct error err = { 0 };
    struct link_peer *p = NULL;
    if (!link_connect(w->ctx, link_endpoint(to), &w->pairs[who], w->server.public_z85, &p, &err))
        fail_msg("%s", err.text);
    return p;
}

static bool say(struct link_peer *p, const char *text)
{
    return link_peer_send(p, bytes_of_text(text)) == LINK_SENT;
}

/* Connects and exchanges one message; gives the session. */
static uint64_t greet(struct world *w, struct link_peer *p)
{
    unsigned before = w->count;
    until(w, say(p, "hello"));
    until(w, w->count > before);
    assert_int_equal(link_peer_state(p), LINK_CONNECTED);
    return w->last.session;
}

/* ---- opening ---- */

static void listening_without_an_answerer_is_refused(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct link_context *ctx = NULL;
    struct link_listener *l = NULL;
    struct keys_pair server;
    keys_pair_new(&server);
    assert_true(link_context_open(&ctx, &err));
    assert_false(link_self_test(ctx, 1000, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_false(link_listen(ctx, "tcp://127.0.0.1:*", &server, KEYS_WORKER, &l, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    ctx->proven = true;
    assert_false(link_listen(ctx, "tcp://127.0.0.1:*", &server, KEYS_WORKER, &l, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    link_context_close(&ctx);
}

static void the_self_test_opens_the_way_to_listening(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct link_context *ctx = NULL;
    struct link_listener *l = NULL;
    struct keys_pair server;
    keys_pair_new(&server);
    assert_true(link_context_open(&ctx, &err));
    assert_true(link_zap_open(ctx, &err));
    assert_false(link_listen(ctx, "tcp://127.0.0.1:*", &server, KEYS_WORKER, &l, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_false(link_self_test(ctx, 0, &err)); /* no time, no verdict, no listening */
    assert_int_equal(err.code, ERR_FATAL);
    assert_false(link_listen(ctx, "tcp://127.0.0.1:*", &server, KEYS_WORKER, &l, &err));
    uint64_t start = clock_boot_ms();
    if (!link_self_test(ctx, DEADLINE_MS, &err)) fail_msg("%s", err.text);
    print_message("the self-test took %llu ms\n", (unsigned long long)(clock_boot_ms() - start));
    assert_true(link_listen(ctx, "tcp://127.0.0.1:*", &server, KEYS_WORKER, &l, &err));
    link_listener_close(&l);
    link_context_close(&ctx);
}

static void only_tcp_endpoints_that_are_free_are_taken(void **state)
{
    struct world *w = *state;
    static const char *const bad[] = { "",
                                       "inproc://x",
                                       "ipc:///tmp/x",
                                       "tcp://",
                                       "tcp://127.0.0.1",
                                       "tcp://127.0.0.1:x",
                                       "127.0.0.1:7070" };
    struct error err = { 0 };
    struct link_listener *l = NULL;
    struct link_peer *p = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(link_listen(w->ctx, bad[i], &w->server, KEYS_WORKER, &l, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_false(
            link_connect(w->ctx, bad[i], &w->pairs[WORKER_A], w->server.public_z85, &p, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    assert_false(link_listen(w->ctx, link_endpoint(w->workers), &w->server, KEYS_WORKER, &l, &err));
    assert_int_equal(err.code, ERR_RETRY);
    struct keys_pair broken = { "short", "short" };
    assert_false(link_listen(w->ctx, "tcp://127.0.0.1:*", &broken, KEYS_WORKER, &l, &err));
    assert_false(
        link_connect(w->ctx, "tcp://127.0.0.1:1", &broken, w->server.public_z85, &p, &err));
    assert_false(link_connect(w->ctx, "tcp://127.0.0.1:1", &w->server, "short", &p, &err));
}

/* ---- admission ---- */

static void refused(struct world *w, enum who who, struct link_listener *at)
{
    struct link_peer *p = connect_as(w, who, at);
    until(w, link_peer_state(p) == LINK_NOT_ADMITTED);
    assert_int_equal(link_peer_send(p, bytes_of_text("let me in")), LINK_FULL);
    assert_int_equal(w->count, 0);
    link_peer_close(&p);
}

static void an_unknown_key_is_refused_everywhere(void **state)
{
    struct world *w = *state;
    refused(w, STRANGER, w->workers);
    refused(w, STRANGER, w->clients);
    assert_true(link_counts(w->workers).refused >= 2);
    assert_int_equal(link_counts(w->workers).admitted, 0);
}

static void a_key_of_one_kind_is_refused_by_the_other_listener(void **state)
{
    struct world *w = *state;
    refused(w, WORKER_A, w->clients);
    refused(w, CLIENT_A, w->workers);
}

static void peers_without_curve_are_refused(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    for (int plain = 0; plain <= 1; plain++) {
        struct link_peer *p = NULL;
        assert_true(link_peer_new(w->ctx, link_endpoint(w->workers), &p, &err));
        if (plain) {
            assert_int_equal(zmq_setsockopt(link_peer_socket(p), ZMQ_PLAIN_USERNAME, "a", 1), 0);
            assert_int_equal(zmq_setsockopt(link_peer_socket(p), ZMQ_PLAIN_PASSWORD, "a", 1), 0);
        }
        assert_true(link_peer_start(p, link_endpoint(w->workers), &err));
        until(w, link_peer_state(p) == LINK_WRONG_SERVER);
        assert_false(say(p, "let me in"));
        assert_int_equal(link_counts(w->workers).admitted, 0);
        link_peer_close(&p);
    }
}

static void nobody_comes_in_while_nobody_answers(void **state)
{
    struct world *w = *state;
    struct link_peer *p = connect_as(w, WORKER_A, w->workers);
    uint64_t end = clock_boot_ms() + DEADLINE_MS;
    enum link_state now = LINK_CONNECTING;
    while (now == LINK_CONNECTING) { /* until the handshake's time is over; ZAP is not serviced */
        assert_true(clock_boot_ms() < end);
        zmq_pollitem_t item = { .socket = link_peer_monitor(p), .events = ZMQ_POLLIN };
        zmq_poll(&item, 1, TURN_MS);
        now = link_peer_state(p);
        assert_false(say(p, "let me in"));
    }
    assert_int_not_equal(now, LINK_CONNECTED);
    greet(w, p); /* and then it does come in */
    link_peer_close(&p);
}

static void a_registered_key_comes_in_under_its_name(void **state)
{
    struct world *w = *state;
    struct link_peer *worker = connect_as(w, WORKER_A, w->workers);
    greet(w, worker);
    assert_string_equal(w->last.principal->name, "a");
    assert_int_equal(w->last.principal->kind, KEYS_WORKER);
    struct link_peer *client = connect_as(w, CLIENT_A, w->clients);
    greet(w, client);
    assert_int_equal(w->last.principal->kind, KEYS_CLIENT);
    assert_int_equal(w->last.principal->role, KEYS_ADMIN);
    assert_string_equal((char *)w->received, "hello");
    link_peer_close(&worker);
    link_peer_close(&client);
}

static void a_key_revoked_in_use_is_heard_no_more(void **state)
{
    struct world *w = *state;
    struct link_peer *a = connect_as(w, WORKER_A, w->workers);
    struct link_peer *b = connect_as(w, WORKER_B, w->workers);
    uint64_t session_a = greet(w, a), session_b = greet(w, b);
    struct keys_registry *less = registry_of(w, false);
    keys_registry_free(&w->registry);
    w->registry = less;
    unsigned before = w->count;
    until(w, say(a, "am I still here"));
    until(w, link_counts(w->workers).dropped_revoked == 1);
    assert_int_equal(w->count, before);
    assert_int_equal(link_send(w->workers, session_a, bytes_of_text("x")), LINK_GONE);
    assert_int_equal(link_send(w->workers, session_b, bytes_of_text("x")), LINK_SENT);
    link_peer_close(&a);
    link_peer_close(&b);
}

static void revoke_forgets_the_sessions_of_keys_that_are_gone(void **state)
{
    struct world *w = *state;
    struct link_peer *a = connect_as(w, WORKER_A, w->workers);
    struct link_peer *b = connect_as(w, WORKER_B, w->workers);
    uint64_t session_a = greet(w, a), session_b = greet(w, b);
    assert_int_equal(link_revoke(w->workers, w->registry), 0);
    struct keys_registry *less = registry_of(w, false);
    keys_registry_free(&w->registry);
    w->registry = less;
    assert_int_equal(link_revoke(w->workers, w->registry), 1);
    assert_int_equal(link_send(w->workers, session_a, bytes_of_text("x")), LINK_GONE);
    assert_int_equal(link_send(w->workers, session_b, bytes_of_text("x")), LINK_SENT);
    link_peer_close(&a);
    link_peer_close(&b);
}

/* ---- messages ---- */

static void the_greatest_message_passes_both_ways(void **state)
{
    struct world *w = *state;
    struct link_peer *p = connect_as(w, WORKER_A, w->workers);
    uint64_t session = greet(w, p);
    uint8_t *big = xcalloc(LINK_PAYLOAD_MAX, 1);
    struct bytes got = { 0 };
    big[LINK_PAYLOAD_MAX - 1] = 7;
    until(w, link_peer_send(p, bytes_of(big, LINK_PAYLOAD_MAX)) == LINK_SENT);
    until(w, w->count == 2);
    assert_int_equal(w->last.session, session);
    assert_int_equal(w->last.payload.len, LINK_PAYLOAD_MAX);
    assert_int_equal(w->received[LINK_PAYLOAD_MAX - 1], 7);
    assert_int_equal(link_send(w->workers, session, bytes_of(big, LINK_PAYLOAD_MAX)), LINK_SENT);
    until(w, link_peer_receive(p, &got));
    assert_int_equal(got.len, LINK_PAYLOAD_MAX);
    until(w, link_peer_send(p, bytes_of(NULL, 0)) == LINK_SENT); /* and so does the smallest */
    until(w, w->count == 3);
    assert_int_equal(w->last.payload.len, 0);
    free(big);
    link_peer_close(&p);
}

static void an_oversized_message_ends_only_its_sender(void **state)
{
    struct world *w = *state;
    struct link_peer *good = connect_as(w, WORKER_A, w->workers);
    struct link_peer *bad = connect_as(w, WORKER_B, w->workers);
    uint64_t session = greet(w, good);
    greet(w, bad);
    size_t size = 64 << 20;
    uint8_t *big = xcalloc(size, 1);
    assert_true(zmq_send(link_peer_socket(bad), big, size, ZMQ_DONTWAIT) >= 0);
    free(big);
    until(w, link_peer_state(bad) != LINK_CONNECTED);
    assert_int_equal(w->count, 2);
    until(w, say(good, "still here"));
    until(w, w->count == 3);
    assert_int_equal(w->last.session, session);
    link_peer_close(&good);
    link_peer_close(&bad);
}

static void a_message_between_payload_and_frame_limit_is_dropped(void **state)
{
    struct world *w = *state;
    struct link_peer *p = connect_as(w, WORKER_A, w->workers);
    greet(w, p);
    uint8_t *big = xcalloc(LINK_PAYLOAD_MAX + 1, 1);
    assert_true(zmq_send(link_peer_socket(p), big, LINK_PAYLOAD_MAX + 1, ZMQ_DONTWAIT) >= 0);
    free(big);
    until(w, link_counts(w->workers).dropped_size == 1);
    until(w, say(p, "again"));
    until(w, w->count == 2);
    link_peer_close(&p);
}

static void messages_of_several_frames_are_dropped_and_counted(void **state)
{
    struct world *w = *state;
    struct link_peer *p = connect_as(w, WORKER_A, w->workers);
    greet(w, p);
    for (int frames = 2; frames < 5 * LINK_FRAME_BATCH; frames *= 6) {
        for (int i = 0; i < frames; i++) {
            int more = i + 1 < frames ? ZMQ_SNDMORE : 0;
            assert_int_equal(zmq_send(link_peer_socket(p), "x", 1, more | ZMQ_DONTWAIT), 1);
        }
        unsigned before = w->count;
        until(w, say(p, "one"));
        until(w, w->count == before + 1);
        assert_string_equal((char *)w->received, "one");
    }
    assert_int_equal(link_counts(w->workers).dropped_frames, 4);
    link_peer_close(&p);
}

static void a_peer_that_chooses_its_routing_id_is_not_heard(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    struct link_peer *p = NULL;
    assert_true(link_peer_new(w->ctx, link_endpoint(w->workers), &p, &err));
    assert_int_equal(zmq_setsockopt(link_peer_socket(p), ZMQ_ROUTING_ID, "coordinator", 11), 0);
    assert_true(
        link_options_client(link_peer_socket(p), &w->pairs[WORKER_A], w->server.public_z85, &err));
    assert_true(link_peer_start(p, link_endpoint(w->workers), &err));
    until(w, say(p, "hello"));
    until(w, link_counts(w->workers).dropped_routing == 1);
    assert_int_equal(w->count, 0);
    link_peer_close(&p);
}

/* ---- sending ---- */

static void answers_reach_the_session_that_asked(void **state)
{
    struct world *w = *state;
    struct link_peer *a = connect_as(w, WORKER_A, w->workers);
    struct link_peer *again = connect_as(w, WORKER_A, w->workers); /* a second one of that key */
    struct link_peer *b = connect_as(w, WORKER_B, w->workers);
    uint64_t session_a = greet(w, a), session_again = greet(w, again), session_b = greet(w, b);
    struct bytes got = { 0 };
    assert_true(session_a != session_again);
    assert_true(session_a != session_b);
    assert_int_equal(greet(w, a), session_a);
    assert_int_equal(link_session_count(w->workers), 3);
    assert_int_equal(link_send(w->workers, session_again, bytes_of_text("again")), LINK_SENT);
    until(w, link_peer_receive(again, &got));
    assert_true(bytes_equal(got, bytes_of_text("again")));
    assert_false(link_peer_receive(a, &got));
    assert_false(link_peer_receive(b, &got));
    assert_int_equal(link_send(w->workers, 0, bytes_of_text("x")), LINK_GONE);
    assert_int_equal(link_send(w->workers, UINT64_MAX, bytes_of_text("x")), LINK_GONE);
    assert_int_equal(link_send(w->clients, session_a, bytes_of_text("x")), LINK_GONE);
    link_peer_close(&a);
    link_peer_close(&again);
    link_peer_close(&b);
}

static void a_peer_that_left_is_gone(void **state)
{
    struct world *w = *state;
    struct link_peer *p = connect_as(w, WORKER_A, w->workers);
    uint64_t session = greet(w, p);
    link_peer_close(&p);
    until(w, link_send(w->workers, session, bytes_of_text("x")) == LINK_GONE);
    assert_int_equal(link_session_count(w->workers), 0);
    assert_int_equal(link_send(w->workers, session, bytes_of_text("x")), LINK_GONE);
}

static void a_peer_that_does_not_read_is_full_and_then_not(void **state)
{
    struct world *w = *state;
    struct link_peer *p = connect_as(w, WORKER_A, w->workers);
    uint64_t session = greet(w, p);
    static const uint8_t block[16 << 10];
    struct bytes got = { 0 };
    enum link_sent sent = LINK_SENT;
    unsigned queued = 0, arrived = 0;
    uint64_t end = clock_boot_ms() + DEADLINE_MS;
    while ((sent = link_send(w->workers, session, bytes_of(block, sizeof block))) == LINK_SENT) {
        queued++;
        assert_true(clock_boot_ms() < end);
    }
    assert_int_equal(sent, LINK_FULL);
    assert_int_equal(link_counts(w->workers).full, 1);
    while (arrived < queued) {
        assert_true(clock_boot_ms() < end);
        zmq_pollitem_t item = { .socket = link_peer_socket(p), .events = ZMQ_POLLIN };
        zmq_poll(&item, 1, TURN_MS);
        while (link_peer_receive(p, &got)) arrived++;
    }
    until(w, link_send(w->workers, session, bytes_of(block, 1)) == LINK_SENT);
    link_peer_close(&p);
}

/* ---- trouble ---- */

static int connect_raw(const struct link_listener *l)
{
    const char *port = strrchr(link_endpoint(l), ':');
    struct sockaddr_in to = { .sin_family = AF_INET };
    to.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* Whether the other end has closed; reads what comes until then. */
static bool is_closed(int fd)
{
    char text[256];
    ssize_t got = 0;
    while ((got = recv(fd, text, sizeof text, 0)) > 0) continue;
    return got == 0 || (errno != EAGAIN && errno != EINTR);
}

static void silent_connections_do_not_lock_out_a_good_peer(void **state)
{
    struct world *w = *state;
    int silent[SILENT_PEERS];
    for (size_t i = 0; i < SILENT_PEERS; i++) silent[i] = connect_raw(w->workers);
    struct link_peer *p = connect_as(w, WORKER_A, w->workers);
    greet(w, p);
    /* And they do not stay: the handshake has its time. */
    for (size_t i = 0; i < SILENT_PEERS; i++) {
        until(w, is_closed(silent[i]));
        close(silent[i]);
    }
    link_peer_close(&p);
}

static void a_gigabyte_announced_before_the_handshake_is_cut_off(void **state)
{
    struct world *w = *state;
    /* ZMTP 3.0: signature, version, mechanism, server, filler; then a command of 2^30 bytes. */
    uint8_t greeting[64] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E' };
    static const uint8_t command[] = {
        0x06, 0, 0, 0, 0, 0x40, 0, 0, 0, 5, 'H', 'E', 'L', 'L', 'O'
    };
    struct link_peer *p = connect_as(w, WORKER_A, w->workers);
    greet(w, p);
    int fd = connect_raw(w->workers);
    assert_int_equal(send(fd, greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
    assert_int_equal(send(fd, command, sizeof command, MSG_NOSIGNAL), sizeof command);
    until(w, is_closed(fd));
    close(fd);
    greet(w, p);
    link_peer_close(&p);
}

/* ZMTP 1 and 2 know no security at all; a library that fell back to them would let anybody in. */
static void old_protocols_without_security_are_cut_off(void **state)
{
    struct world *w = *state;
    static const uint8_t one[] = { 1,   0, 6, 0,   'h', 'e', 'l', 'l',
                                   'o', 6, 0, 'h', 'e', 'l', 'l', 'o' };
    /* Signature, revision 1 (ZMTP 2.0), DEALER, an empty routing id, a message. */
    static const uint8_t two[] = { 0xff, 0, 0, 0, 0, 0,   0,   0,   1,   0x7f, 1,
                                   5,    0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o' };
    /* The same that takes back its ZMTP 3 after the signature, and 3.0 with no mechanism named. */
    static const uint8_t zero[] = { 0xff, 0, 0, 0, 0, 0,   0,   0,   1,   0x7f, 0,
                                    5,    0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o' };
    static const uint8_t none[64] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0 };
    const struct bytes old[] = { bytes_of(one, sizeof one), bytes_of(two, sizeof two),
                                 bytes_of(zero, sizeof zero), bytes_of(none, sizeof none) };
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        int fd = connect_raw(w->workers);
        assert_int_equal(send(fd, old[i].data, old[i].len, MSG_NOSIGNAL), old[i].len);
        until(w, is_closed(fd));
        close(fd);
    }
    struct link_counts counts = link_counts(w->workers);
    assert_int_equal(w->count, 0);
    assert_int_equal(counts.dropped_user + counts.dropped_frames + counts.dropped_routing, 0);
}

static void garbage_before_the_handshake_harms_nobody(void **state)
{
    struct world *w = *state;
    struct link_peer *p = connect_as(w, WORKER_A, w->workers);
    uint64_t session = greet(w, p);
    static const uint8_t greeting[] = { 0xff, 0, 0, 0,   0,   0,   0,   0,   1,
                                        0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E', 0 };
    struct prng random;
    prng_init_number(&random, 1);
    for (int i = 0; i < 50; i++) {
        uint8_t noise[512];
        for (size_t k = 0; k < sizeof noise; k++) noise[k] = (uint8_t)prng_next(&random);
        if (i % 2) memcpy(noise, greeting, sizeof greeting);
        int fd = connect_raw(w->workers);
        (void)!send(fd, noise, sizeof noise, MSG_NOSIGNAL);
        turn(w);
        close(fd);
    }
    assert_int_equal(greet(w, p), session);
    link_peer_close(&p);
}

/* Reads what the kernel was told, through whatever descriptors libzmq has. */
static void the_kernel_watches_both_ends_of_every_connection(void **state)
{
    struct world *w = *state;
    struct link_peer *p = connect_as(w, WORKER_A, w->workers);
    unsigned connections = 0;
    greet(w, p);
    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_storage other = { 0 };
        socklen_t other_size = sizeof other, size = sizeof(int);
        int alive = 0, idle = 0, unacked = 0;
        if (getpeername(fd, (struct sockaddr *)&other, &other_size)) continue;
        if (other.ss_family != AF_INET) continue;
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &alive, &size), 0);
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, &size), 0);
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked, &size), 0);
        assert_int_equal(alive, 1);
        assert_int_equal(idle, LINK_KEEPALIVE_IDLE_S);
        assert_int_equal(unacked, LINK_UNACKED_MS);
        connections++;
    }
    assert_int_equal(connections, 2);
    link_peer_close(&p);
}

static void a_peer_learns_why_it_is_not_connected(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    struct link_peer *p = NULL;
    /* A port that was free a moment ago. */
    struct link_listener *l = NULL;
    char endpoint[LINK_ENDPOINT_SIZE];
    assert_true(link_listen(w->ctx, "tcp://127.0.0.1:*", &w->server, KEYS_WORKER, &l, &err));
    assert_true(text_copy(endpoint, sizeof endpoint, link_endpoint(l)));
    link_listener_close(&l);
    assert_true(
        link_connect(w->ctx, endpoint, &w->pairs[WORKER_A], w->server.public_z85, &p, &err));
    until(w, link_peer_state(p) == LINK_UNREACHABLE);
    /* The coordinator comes up, and the peer finds it. */
    until(w, link_listen(w->ctx, endpoint, &w->server, KEYS_CLIENT, &l, &err));
    until(w, link_peer_state(p) == LINK_NOT_ADMITTED);
    link_peer_close(&p);
    link_listener_close(&l);

    assert_true(link_connect(w->ctx, link_endpoint(w->workers), &w->pairs[WORKER_A],
                             w->pairs[STRANGER].public_z85, &p, &err));
    until(w, link_peer_state(p) == LINK_WRONG_SERVER);
    link_peer_close(&p);
}

static void a_peer_comes_in_once_its_key_is_admitted(void **state)
{
    struct world *w = *state;
    keys_registry_free(&w->registry);
    w->registry = registry_of(w, false);
    struct link_peer *p = connect_as(w, WORKER_A, w->workers);
    until(w, link_peer_state(p) == LINK_NOT_ADMITTED);
    keys_registry_free(&w->registry);
    w->registry = registry_of(w, true);
    until(w, link_peer_state(p) == LINK_CONNECTED);
    greet(w, p);
    link_peer_close(&p);
}

static void a_worker_comes_back_to_a_restarted_coordinator(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    struct link_peer *p = connect_as(w, WORKER_A, w->workers);
    greet(w, p);
    char endpoint[LINK_ENDPOINT_SIZE];
    assert_true(text_copy(endpoint, sizeof endpoint, link_endpoint(w->workers)));
    link_listener_close(&w->workers);
    until(w, link_listen(w->ctx, endpoint, &w->server, KEYS_WORKER, &w->workers, &err));
    unsigned before = w->count;
    /* What was sent before the end was noticed is lost: the protocol repeats, and so does this. */
    until(w, (say(p, "here again"), w->count > before));
    link_peer_close(&p);
}

/* libzmq 4.3.4 ends the process when ZMTP's own heartbeat is due on a connection that was reset
 * while its queue was full (libzmq issues 4364 and 4841): the reason why the kernel does it. */
static void a_peer_that_dies_while_both_queues_are_full_harms_nobody(void **state)
{
    struct world *w = *state;
    static const uint8_t block[8 << 10];
    struct link_peer *p = connect_as(w, WORKER_A, w->workers);
    uint64_t session = greet(w, p), end = clock_boot_ms() + DEADLINE_MS;
    for (unsigned full = 0; full < 3;) { /* neither end reads */
        assert_true(clock_boot_ms() < end);
        bool sent = link_peer_send(p, bytes_of(block, sizeof block)) == LINK_SENT;
        if (link_send(w->workers, session, bytes_of(block, sizeof block)) == LINK_SENT) sent = true;
        zmq_pollitem_t item = { .socket = link_peer_socket(p), .events = ZMQ_POLLOUT };
        full = sent || zmq_poll(&item, 1, TURN_MS) > 0 ? 0 : full + 1;
    }
    link_peer_close(&p); /* unread bytes: a reset */
    zmq_pollitem_t silence = { .socket = link_zap_socket(w->ctx), .events = ZMQ_POLLIN };
    assert_int_equal(zmq_poll(&silence, 1, 3 * 1000), 0); /* longer than a heartbeat */
    until(w, link_send(w->workers, session, bytes_of_text("x")) == LINK_GONE);
    p = connect_as(w, WORKER_A, w->workers);
    greet(w, p);
    link_peer_close(&p);
}

/* ---- the table of sessions ---- */

static void a_key_cannot_push_others_out_of_the_table(void **state)
{
    (void)state;
    AUTO(link_sessions_deinit) struct link_sessions s;
    uint64_t evicted = 0;
    link_sessions_init(&s);
    uint64_t other = link_sessions_enter(&s, 1, "other", &evicted)->number;
    uint64_t first = link_sessions_enter(&s, 2, "greedy", &evicted)->number;
    for (uint32_t i = 3; i < 1000; i++) link_sessions_enter(&s, i, "greedy", &evicted);
    assert_int_equal(s.count, LINK_SESSIONS_PER_KEY_MAX + 1);
    assert_int_equal(evicted, 998 - LINK_SESSIONS_PER_KEY_MAX);
    assert_non_null(link_sessions_find(&s, other));
    assert_null(link_sessions_find(&s, first));
    assert_null(link_sessions_by_routing(&s, 2));
}

static void a_full_table_gives_up_the_longest_idle_session(void **state)
{
    (void)state;
    AUTO(link_sessions_deinit) struct link_sessions s;
    uint64_t evicted = 0, second = 0;
    char key[KEYS_Z85_SIZE];
    link_sessions_init(&s);
    for (uint32_t i = 0; i < LINK_SESSIONS_MAX; i++) {
        snprintf(key, sizeof key, "%u", i / LINK_SESSIONS_PER_KEY_MAX);
        uint64_t number = link_sessions_enter(&s, i * 7, key, &evicted)->number;
        if (i == 1) second = number;
    }
    assert_int_equal(evicted, 0);
    link_sessions_touch(&s, link_sessions_by_routing(&s, 0));
    link_sessions_enter(&s, UINT32_MAX, "one more", &evicted);
    assert_int_equal(evicted, 1);
    assert_int_equal(s.count, LINK_SESSIONS_MAX);
    assert_null(link_sessions_find(&s, second));
    assert_non_null(link_sessions_by_routing(&s, 0));
    assert_non_null(link_sessions_by_routing(&s, UINT32_MAX));
}

static void a_routing_id_with_another_key_is_another_session(void **state)
{
    (void)state;
    AUTO(link_sessions_deinit) struct link_sessions s;
    uint64_t evicted = 0;
    link_sessions_init(&s);
    uint64_t first = link_sessions_enter(&s, 9, "a", &evicted)->number;
    assert_int_equal(link_sessions_enter(&s, 9, "a", &evicted)->number, first);
    uint64_t second = link_sessions_enter(&s, 9, "b", &evicted)->number;
    assert_true(first != second);
    assert_null(link_sessions_find(&s, first));
    assert_int_equal(s.count, 1);
}

#define in_a_world(test) cmocka_unit_test_setup_teardown(test, world_make, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listening_without_an_answerer_is_refused),
        cmocka_unit_test(the_self_test_opens_the_way_to_listening),
        in_a_world(only_tcp_endpoints_that_are_free_are_taken),
        in_a_world(an_unknown_key_is_refused_everywhere),
        in_a_world(a_key_of_one_kind_is_refused_by_the_other_listener),
        in_a_world(peers_without_curve_are_refused),
        in_a_world(nobody_comes_in_while_nobody_answers),
        in_a_world(a_registered_key_comes_in_under_its_name),
        in_a_world(a_key_revoked_in_use_is_heard_no_more),
        in_a_world(revoke_forgets_the_sessions_of_keys_that_are_gone),
        in_a_world(the_greatest_message_passes_both_ways),
        in_a_world(an_oversized_message_ends_only_its_sender),
        in_a_world(a_message_between_payload_and_frame_limit_is_dropped),
        in_a_world(messages_of_several_frames_are_dropped_and_counted),
        in_a_world(a_peer_that_chooses_its_routing_id_is_not_heard),
        in_a_world(answers_reach_the_session_that_asked),
        in_a_world(a_peer_that_left_is_gone),
        in_a_world(a_peer_that_does_not_read_is_full_and_then_not),
        in_a_world(silent_connections_do_not_lock_out_a_good_peer),
        in_a_world(a_gigabyte_announced_before_the_handshake_is_cut_off),
        in_a_world(old_protocols_without_security_are_cut_off),
        in_a_world(garbage_before_the_handshake_harms_nobody),
        in_a_world(the_kernel_watches_both_ends_of_every_connection),
        in_a_world(a_peer_learns_why_it_is_not_connected),
        in_a_world(a_peer_comes_in_once_its_key_is_admitted),
        in_a_world(a_worker_comes_back_to_a_restarted_coordinator),
        in_a_world(a_peer_that_dies_while_both_queues_are_full_harms_nobody),
        cmocka_unit_test(a_key_cannot_push_others_out_of_the_table),
        cmocka_unit_test(a_full_table_gives_up_the_longest_idle_session),
        cmocka_unit_test(a_routing_id_with_another_key_is_another_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
