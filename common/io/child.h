/* child.h - processes that the daemon starts, watches, adopts and ends.
 *
 * child_spawn() starts a program as leader of its own session and process group, with standard
 * input from /dev/null, no other descriptor than those given, default signal handlers and an empty
 * signal mask. Watch child.pidfd in the loop (readable = ended), then child_reap(). A process that
 * an earlier life of the daemon started is found again with child_adopt().
 *
 * A number alone never gets a signal: signals go through the pidfd, or to the group while the
 * leader's identity is proved.
 */
#pragma once
#include "io/proc.h"

struct child {
    struct proc_identity id;
    int pidfd; /* -1 when closed */
};

struct child_spec {
    const char *path;         /* of the program: PATH is not searched */
    const char *const *argv;  /* NULL-terminated */
    const char *const *env;   /* "NAME=value", NULL-terminated: the whole environment */
    const char *folder;       /* working folder, or NULL for ours */
    int stdout_fd, stderr_fd; /* borrowed; -1 for /dev/null; else above 2, or 1 and 2 */
};

NODISCARD bool child_spawn(const struct child_spec *spec, struct child *out, struct error *err);
/* ERR_NOT_FOUND when that process has ended (or the host was booted since), even when another one
 * has its pid now. */
NODISCARD bool child_adopt(const struct proc_identity *id, struct child *out, struct error *err);
void child_close(struct child *c); /* forgets it; the process goes on */

enum child_state {
    CHILD_RUNNING,
    CHILD_EXITED,  /* `status` is the exit status */
    CHILD_KILLED,  /* `status` is the signal */
    CHILD_VANISHED /* ended, and its status went to another parent */
};
struct child_end {
    enum child_state state;
    int status;
};
/* Never blocks. Once it says anything but CHILD_RUNNING a child of ours is reaped: its pid may be
 * used again, so end what is left of its group before. */
NODISCARD bool child_reap(struct child *c, struct child_end *out, struct error *err);
/* ERR_NOT_FOUND when it has ended. Zombies take signals and ignore them. */
NODISCARD bool child_signal(const struct child *c, int number, struct error *err);
/* To every process of the group; ERR_NOT_FOUND when the leader is reaped. */
NODISCARD bool child_signal_group(const struct child *c, int number, struct error *err);
