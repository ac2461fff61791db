/* killer.c - kills a worker at a point of its turn that is counted, not timed.
 *
 * Preloaded into a program whose name begins with "meridian-worker". The points lie before and
 * after each call that others or a later life could see: writes and syncs of the store, files that
 * are written, steps that are started, messages that leave. At point number KILLER_POINT (from 1)
 * of this process it gets SIGKILL. What it starts inherits the library, which does nothing there.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pid_t victim;  /* 0: this program is none */
static long left = 0; /* points until the kill */

__attribute__((constructor)) static void prepare(void)
{
    const char *point = getenv("KILLER_POINT");
    if (!point || strncmp(program_invocation_short_name, "meridian-worker", 15) != 0) return;
    left = strtol(point, NULL, 10);
    victim = getpid();
}

/* A child that the worker has forked is not meant. */
static void pass(void)
{
    if (victim == 0 || getpid() != victim || --left != 0) return;
    kill(victim, SIGKILL);
    for (;;) pause();
}

/* ISO C has no cast from an object's pointer to a function's. */
static void find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    memcpy(function, &found, sizeof found);
}

#define WRAP(result, name, parameters, arguments)                                                  \
    result name parameters                                                                         \
    {                                                                                              \
        result(*real) parameters;                                                                  \
        find(&real, #name);                                                                        \
        pass();                                                                                    \
        result value = real arguments;                                                             \
        int number = errno;                                                                        \
        pass();                                                                                    \
        errno = number;                                                                            \
        return value;                                                                              \
    }

WRAP(int, fdatasync, (int fd), (fd))
WRAP(int, fsync, (int fd), (fd))
WRAP(ssize_t, pwrite, (int fd, const void *data, size_t len, off_t at), (fd, data, len, at))
WRAP(int, rename, (const char *from, const char *to), (from, to))
WRAP(int, link, (const char *from, const char *to), (from, to))
WRAP(int, posix_spawn,
     (pid_t *restrict pid, const char *restrict path,
      const posix_spawn_file_actions_t *restrict actions,
      const posix_spawnattr_t *restrict attributes, char *const argv[restrict],
      char *const envp[restrict]),
     (pid, path, actions, attributes, argv, envp))

int zmq_send(void *socket, const void *data, size_t len, int flags);
WRAP(int, zmq_send, (void *socket, const void *data, size_t len, int flags),
     (socket, data, len, flags))
