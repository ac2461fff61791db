#include "io/loop.h"

#include "base/bytes.h"
#include "io/clock.h"
#include "io/fs.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

enum { WAIT_MAX_MS = 60000 };

struct loop {
    int epoll_fd, signal_fd;
    void *sockets[LOOP_SOCKETS_MAX]; /* NULL = free slot */
    bool ready[LOOP_SOCKETS_MAX];
    struct loop_watch signal_watch;
    unsigned signals;
    /* The events being handed out, so that a removed watch is not called any more. */
    struct epoll_event batch[LOOP_BATCH_MAX];
    int batch_count;
    sigset_t old_mask;
    struct sigaction old_pipe;
    bool signals_taken; /* the two above are to be restored */
};

static void on_signal(void *owner, uint32_t events)
{
    (void)events;
    struct loop *loop = owner;
    struct signalfd_siginfo info;
    while (read(loop->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        loop->signals |= info.ssi_signo == SIGHUP ? LOOP_RELOAD : LOOP_STOP;
}

static bool take_signals(struct loop *loop, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    if (sigprocmask(SIG_BLOCK, &set, &loop->old_mask) < 0 ||
        sigaction(SIGPIPE, &ignore, &loop->old_pipe) < 0)
        return fs_error(err, "block", "signals");
    loop->signals_taken = true;
    loop->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (loop->signal_fd < 0) return fs_error(err, "signalfd", "signals");
    return loop_add(loop, &loop->signal_watch, loop->signal_fd, EPOLLIN, on_signal, loop, err);
}

bool loop_open(struct loop **out, struct error *err)
{
    struct loop *loop = xcalloc(1, sizeof *loop);
    loop->signal_fd = -1;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        fs_error(err, "epoll_create", "loop");
        goto fail;
    }
    if (!take_signals(loop, err)) goto fail;
    *out = loop;
    return true;
fail:
    loop_close(loop);
    return false;
}

void loop_close(struct loop *loop)
{
    if (!loop) return;
    auto_close(&loop->signal_fd);
    auto_close(&loop->epoll_fd);
    if (loop->signals_taken) {
        sigaction(SIGPIPE, &loop->old_pipe, NULL);
        sigprocmask(SIG_SETMASK, &loop->old_mask, NULL);
    }
    free(loop);
}

bool loop_add(struct loop *loop, struct loop_watch *watch, int fd, uint32_t events, loop_fn fn,
              void *owner, struct error *err)
{
    assert(fd >= 0);
    assert(fn);
    struct epoll_event event = { .events = events, .data.ptr = watch };
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return fs_error(err, "epoll_ctl", "add");
    *watch = (struct loop_watch){ .loop = loop, .fd = fd, .fn = fn, .owner = owner };
    return true;
}

bool loop_change(struct loop *loop, struct loop_watch *watch, uint32_t events, struct error *err)
{
    assert(watch->loop == loop);
    struct epoll_event event = { .events = events, .data.ptr = watch };
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) < 0)
        return fs_error(err, "epoll_ctl", "change");
    return true;
}

void loop_remove(struct loop *loop, struct loop_watch *watch)
{
    if (!watch->loop) return;
    assert(watch->loop == loop);
    int failed = epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    assert(!failed); /* else the descriptor was closed before its watch was removed */
    for (int i = 0; i < loop->batch_count; i++)
        if (loop->batch[i].data.ptr == watch) loop->batch[i].data.ptr = NULL;
    *watch = (struct loop_watch){ 0 };
}

bool loop_add_socket(struct loop *loop, void *zmq_socket, unsigned *slot, struct error *err)
{
    assert(zmq_socket);
    for (unsigned i = 0; i < LOOP_SOCKETS_MAX; i++) {
        if (loop->sockets[i]) continue;
        loop->sockets[i] = zmq_socket;
        loop->ready[i] = false;
        *slot = i;
        return true;
    }
    return error_set(err, ERR_NO_SPACE, "more than %d sockets in the loop", LOOP_SOCKETS_MAX);
}

void loop_remove_socket(struct loop *loop, unsigned slot)
{
    assert(slot < LOOP_SOCKETS_MAX);
    loop->sockets[slot] = NULL;
    loop->ready[slot] = false;
}

bool loop_ready(const struct loop *loop, unsigned slot)
{
    assert(slot < LOOP_SOCKETS_MAX);
    return loop->ready[slot];
}

static bool dispatch(struct loop *loop, struct error *err)
{
    int count = epoll_wait(loop->epoll_fd, loop->batch, LOOP_BATCH_MAX, 0);
    if (count < 0 && errno == EINTR) return true;
    if (count < 0) return fs_error(err, "epoll_wait", "loop");
    loop->batch_count = count;
    for (int i = 0; i < count; i++) {
        struct loop_watch *watch = loop->batch[i].data.ptr;
        if (watch) watch->fn(watch->owner, loop->batch[i].events);
    }
    loop->batch_count = 0;
    return true;
}

static long wait_ms(uint64_t deadline_boot_ms)
{
    uint64_t now = clock_boot_ms();
    if (deadline_boot_ms <= now) return 0;
    uint64_t left = deadline_boot_ms - now;
    return (long)(left < WAIT_MAX_MS ? left : WAIT_MAX_MS);
}

bool loop_wait(struct loop *loop, uint64_t deadline_boot_ms, struct error *err)
{
    zmq_pollitem_t items[LOOP_SOCKETS_MAX + 1];
    unsigned slots[LOOP_SOCKETS_MAX];
    int sockets = 0;
    for (unsigned i = 0; i < LOOP_SOCKETS_MAX; i++) {
        loop->ready[i] = false;
        if (!loop->sockets[i]) continue;
        slots[sockets] = i;
        items[sockets++] = (zmq_pollitem_t){ .socket = loop->sockets[i], .events = ZMQ_POLLIN };
    }
    items[sockets] = (zmq_pollitem_t){ .fd = loop->epoll_fd, .events = ZMQ_POLLIN };
    if (zmq_poll(items, sockets + 1, wait_ms(deadline_boot_ms)) < 0) {
        if (errno == EINTR) return true;
        return error_set(err, ERR_FATAL, "zmq_poll: %s", zmq_strerror(errno));
    }
    for (int i = 0; i < sockets; i++) loop->ready[slots[i]] = items[i].revents & ZMQ_POLLIN;
    return !(items[sockets].revents & ZMQ_POLLIN) || dispatch(loop, err);
}

unsigned loop_take_signals(struct loop *loop)
{
    unsigned signals = loop->signals;
    loop->signals = 0;
    return signals;
}
