#include "io/loop.h"

#include "base/bytes.h"
#include "io/clock.h"
#include "io/fs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

enum { WAIT_MS = 20000, MESSAGES = 2000, BATCH = 7 };

static uint64_t soon(void)
{
    return clock_boot_ms() + WAIT_MS;
}

static int open_loop(void **state)
{
    struct error err = { 0 };
    struct loop *loop;
    if (!loop_open(&loop, &err)) return -1;
    *state = loop;
    return 0;
}

static int close_loop(void **state)
{
    loop_close(*state);
    return 0;
}

struct counter {
    struct loop *loop;
    struct loop_watch watch;
    struct counter *removes; /* the callback removes this one */
    unsigned calls;
    uint32_t events;
    int ends[2];
};

static void on_ready(void *owner, uint32_t events)
{
    struct counter *c = owner;
    c->calls++;
    c->events = events;
    if (c->removes) loop_remove(c->loop, &c->removes->watch);
}

static void counter_open(struct counter *c, struct loop *loop)
{
    struct error err = { 0 };
    *c = (struct counter){ .loop = loop };
    assert_int_equal(pipe2(c->ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_true(loop_add(loop, &c->watch, c->ends[0], EPOLLIN, on_ready, c, &err));
}

static void counter_close(struct counter *c)
{
    loop_remove(c->loop, &c->watch);
    loop_remove(c->loop, &c->watch); /* a second time does nothing */
    auto_close(&c->ends[0]);
    auto_close(&c->ends[1]);
}

static void poke(struct counter *c)
{
    struct error err = { 0 };
    assert_true(fs_write_all(c->ends[1], bytes_of_text("x"), &err));
}

static void a_passed_deadline_returns_at_once_with_nothing(void **state)
{
    struct error err = { 0 };
    uint64_t before = clock_boot_ms();
    assert_true(loop_wait(*state, 0, &err));
    assert_true(loop_wait(*state, clock_boot_ms() + 20, &err));
    assert_true(clock_boot_ms() >= before + 20);
    assert_int_equal(loop_take_signals(*state), 0);
}

static void a_watch_is_called_while_its_descriptor_is_ready(void **state)
{
    struct error err = { 0 };
    struct counter c;
    counter_open(&c, *state);
    assert_true(loop_wait(*state, 0, &err));
    assert_int_equal(c.calls, 0);
    poke(&c);
    assert_true(loop_wait(*state, soon(), &err));
    assert_true(loop_wait(*state, soon(), &err)); /* nobody read: still ready */
    assert_int_equal(c.calls, 2);
    assert_int_equal(c.events, EPOLLIN);
    assert_true(loop_change(*state, &c.watch, 0, &err));
    assert_true(loop_wait(*state, 0, &err));
    assert_int_equal(c.calls, 2);
    counter_close(&c);
}

static void a_watch_removed_by_another_callback_is_not_called(void **state)
{
    struct error err = { 0 };
    struct counter a, b;
    counter_open(&a, *state);
    counter_open(&b, *state);
    a.removes = &b;
    b.removes = &a;
    poke(&a);
    poke(&b);
    assert_true(loop_wait(*state, soon(), &err));
    assert_int_equal(a.calls + b.calls, 1);
    counter_close(&a);
    counter_close(&b);
}

static void signals_arrive_as_flags_once(void **state)
{
    struct error err = { 0 };
    raise(SIGHUP);
    assert_true(loop_wait(*state, soon(), &err));
    assert_int_equal(loop_take_signals(*state), LOOP_RELOAD);
    assert_int_equal(loop_take_signals(*state), 0);
    raise(SIGTERM);
    raise(SIGINT);
    raise(SIGHUP);
    assert_true(loop_wait(*state, soon(), &err));
    assert_int_equal(loop_take_signals(*state), LOOP_STOP | LOOP_RELOAD);
}

static void closing_gives_the_signals_back(void **state)
{
    (void)state;
    struct error err = { 0 };
    sigset_t before, during, after;
    struct loop *loop;
    sigprocmask(SIG_BLOCK, NULL, &before);
    assert_true(loop_open(&loop, &err));
    sigprocmask(SIG_BLOCK, NULL, &during);
    loop_close(loop);
    sigprocmask(SIG_BLOCK, NULL, &after);
    assert_int_equal(sigismember(&during, SIGTERM), 1);
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
    loop_close(NULL);
}

static void more_sockets_than_slots_are_refused(void **state)
{
    struct error err = { 0 };
    unsigned slot = 99;
    int dummy[LOOP_SOCKETS_MAX + 1];
    for (unsigned i = 0; i < LOOP_SOCKETS_MAX; i++) {
        assert_true(loop_add_socket(*state, &dummy[i], &slot, &err));
        assert_int_equal(slot, i);
    }
    assert_false(loop_add_socket(*state, &dummy[LOOP_SOCKETS_MAX], &slot, &err));
    assert_int_equal(err.code, ERR_NO_SPACE);
    loop_remove_socket(*state, 3);
    assert_true(loop_add_socket(*state, &dummy[3], &slot, &err));
    assert_int_equal(slot, 3);
}

/* Bounded batches leave messages behind: the socket must be ready again in the next turn. */
static void nothing_stalls_when_batches_leave_messages_behind(void **state)
{
    struct loop *loop = *state;
    struct error err = { 0 };
    void *context = zmq_ctx_new();
    void *pull = zmq_socket(context, ZMQ_PULL), *push = zmq_socket(context, ZMQ_PUSH);
    char endpoint[128];
    size_t size = sizeof endpoint;
    int hwm = 0;
    zmq_setsockopt(pull, ZMQ_RCVHWM, &hwm, sizeof hwm);
    zmq_setsockopt(push, ZMQ_SNDHWM, &hwm, sizeof hwm);
    assert_int_equal(zmq_bind(pull, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    assert_int_equal(zmq_connect(push, endpoint), 0);
    unsigned slot, sent = 0, received = 0;
    assert_true(loop_add_socket(loop, pull, &slot, &err));
    struct counter c;
    counter_open(&c, loop);
    poke(&c); /* the descriptor is ready all the time beside the socket */
    uint64_t deadline = soon();
    while (received < MESSAGES) {
        assert_true(clock_boot_ms() < deadline);
        for (int i = 0; i < 2 * BATCH && sent < MESSAGES; i++, sent++)
            assert_int_equal(zmq_send(push, "m", 1, ZMQ_DONTWAIT), 1);
        assert_true(loop_wait(loop, deadline, &err));
        char byte;
        for (int i = 0; i < BATCH && loop_ready(loop, slot); i++) {
            if (zmq_recv(pull, &byte, 1, ZMQ_DONTWAIT) < 0) break;
            received++;
        }
    }
    assert_true(c.calls > 0);
    counter_close(&c);
    loop_remove_socket(loop, slot);
    zmq_close(pull);
    zmq_close(push);
    zmq_ctx_term(context);
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(a_passed_deadline_returns_at_once_with_nothing),
        WITH_LOOP(a_watch_is_called_while_its_descriptor_is_ready),
        WITH_LOOP(a_watch_removed_by_another_callback_is_not_called),
        WITH_LOOP(signals_arrive_as_flags_once),
        cmocka_unit_test(closing_gives_the_signals_back),
        WITH_LOOP(more_sockets_than_slots_are_refused),
        WITH_LOOP(nothing_stalls_when_batches_leave_messages_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
