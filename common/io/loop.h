/* loop.h - where a daemon waits: ZeroMQ sockets, descriptors, signals and one deadline.
 *
 * One zmq_poll() over up to LOOP_SOCKETS_MAX sockets and one epoll descriptor that holds all the
 * rest (ZMQ_FD inside epoll stalls: it is edge-triggered). Everything is level-triggered: what a
 * bounded gathering leaves behind is ready again in the next turn. One thread; nothing recursive.
 *
 * Calling sequence: loop_open() before any thread or ZeroMQ context (it blocks SIGTERM, SIGINT and
 * SIGHUP, which then arrive as flags, and ignores SIGPIPE); add sockets and watches; then in each
 * turn loop_wait(), loop_ready() per socket, loop_take_signals().
 *
 * A watch lives in the caller's memory from loop_add() to loop_remove(). Its callback runs inside
 * loop_wait(), only records or gathers, and may add and remove any watch, itself included.
 */
#pragma once
#include "base/error.h"
#include <stdint.h>
#include <sys/epoll.h>

enum { LOOP_SOCKETS_MAX = 8, LOOP_BATCH_MAX = 64 };
#define LOOP_NO_DEADLINE UINT64_MAX

struct loop;
typedef void (*loop_fn)(void *owner, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR */

/* Zeroed memory is a watch that is not added. */
struct loop_watch {
    struct loop *loop; /* NULL while not added; the fields are the loop's own */
    int fd;
    loop_fn fn;
    void *owner;
};

NODISCARD bool loop_open(struct loop **out, struct error *err);
void loop_close(struct loop *loop); /* restores the signal mask; accepts NULL */

NODISCARD bool loop_add(struct loop *loop, struct loop_watch *watch, int fd, uint32_t events,
                        loop_fn fn, void *owner, struct error *err);
NODISCARD bool loop_change(struct loop *loop, struct loop_watch *watch, uint32_t events,
                           struct error *err);
/* Before the descriptor is closed. Nothing when it is not added. */
void loop_remove(struct loop *loop, struct loop_watch *watch);

/* The socket is borrowed until loop_remove_socket(); *slot names it. ERR_NO_SPACE when full. */
NODISCARD bool loop_add_socket(struct loop *loop, void *zmq_socket, unsigned *slot,
                               struct error *err);
void loop_remove_socket(struct loop *loop, unsigned slot);
/* Whether the last wait found something to receive. */
bool loop_ready(const struct loop *loop, unsigned slot);

/* Until something is ready or CLOCK_BOOTTIME reaches the deadline (io/clock.h); at most a minute,
 * so that a suspended host cannot oversleep. An interrupted wait is a success with nothing ready.
 */
NODISCARD bool loop_wait(struct loop *loop, uint64_t deadline_boot_ms, struct error *err);

enum {
    LOOP_STOP = 1,  /* SIGTERM or SIGINT */
    LOOP_RELOAD = 2 /* SIGHUP */
};
/* The signals since the last call, as flags. */
unsigned loop_take_signals(struct loop *loop);
