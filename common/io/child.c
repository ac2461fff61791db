#include "io/child.h"

#include "io/fs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* PIDFD_SIGNAL_PROCESS_GROUP of Linux 6.9, which older headers do not name. */
enum { SIGNAL_PROCESS_GROUP = 1 << 2 };

/* Sets the output descriptor `target` of the new process. */
static int give_output(posix_spawn_file_actions_t *actions, int fd, int target)
{
    assert(fd == -1 || fd > STDERR_FILENO || fd == target);
    if (fd == -1)
        return posix_spawn_file_actions_addopen(actions, target, "/dev/null", O_WRONLY, 0);
    return posix_spawn_file_actions_adddup2(actions, fd, target);
}

static int make_actions(posix_spawn_file_actions_t *actions, const struct child_spec *spec)
{
    int failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!failed) failed = give_output(actions, spec->stdout_fd, STDOUT_FILENO);
    if (!failed) failed = give_output(actions, spec->stderr_fd, STDERR_FILENO);
    if (!failed) failed = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    if (!failed && spec->folder)
        failed = posix_spawn_file_actions_addchdir_np(actions, spec->folder);
    return failed;
}

static int make_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int failed = posix_spawnattr_setsigmask(attributes, &none);
    if (!failed) failed = posix_spawnattr_setsigdefault(attributes, &all);
    if (!failed)
        failed = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                          POSIX_SPAWN_SETSIGDEF);
    return failed;
}

static void auto_actions(posix_spawn_file_actions_t *actions)
{
    posix_spawn_file_actions_destroy(actions);
}

static void auto_attributes(posix_spawnattr_t *attributes)
{
    posix_spawnattr_destroy(attributes);
}

/* posix_spawn shares our memory until exec (CLONE_VFORK), so its price does not grow with us. */
static int spawn(const struct child_spec *spec, pid_t *pid)
{
    AUTO(auto_actions) posix_spawn_file_actions_t actions;
    AUTO(auto_attributes) posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) || posix_spawnattr_init(&attributes)) return ENOMEM;
    int failed = make_actions(&actions, spec);
    if (!failed) failed = make_attributes(&attributes);
    if (failed) return failed;
    /* The casts only drop const, as POSIX declares it for old programs' sake. */
    return posix_spawn(pid, spec->path, &actions, &attributes, (char *const *)(uintptr_t)spec->argv,
                       (char *const *)(uintptr_t)spec->env);
}

/* Ends a child that we cannot watch; it is unreaped, so the number is still its own. */
static void give_up(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

bool child_spawn(const struct child_spec *spec, struct child *out, struct error *err)
{
    pid_t pid = 0;
    int failed = spawn(spec, &pid);
    if (failed) {
        errno = failed;
        return fs_error(err, "start", spec->path);
    }
    struct child made = { .pidfd = pidfd_open(pid, 0) }; /* close-on-exec by its nature */
    if (made.pidfd < 0) {
        fs_error(err, "watch", spec->path);
        give_up(pid);
        return false;
    }
    if (!proc_identify(pid, &made.id, err)) {
        give_up(pid);
        child_close(&made);
        return error_wrap(err, "identify '%s'", spec->path);
    }
    *out = made;
    return true;
}

bool child_adopt(const struct proc_identity *id, struct child *out, struct error *err)
{
    assert(id->pid > 0);
    char boot[PROC_BOOT_ID_SIZE];
    if (!proc_boot_id(boot, err)) return false;
    if (!text_equal(boot, id->boot_id))
        return error_set(err, ERR_NOT_FOUND, "process %ld ran before this boot", (long)id->pid);
    /* First hold the process, then look who it is: the other way round it could be replaced in
     * between. */
    struct child held = { .id = *id, .pidfd = pidfd_open(id->pid, 0) };
    if (held.pidfd < 0 && errno == ESRCH)
        return error_set(err, ERR_NOT_FOUND, "process %ld has ended", (long)id->pid);
    /* EINVAL: the number names a thread now. */
    if (held.pidfd < 0 && errno == EINVAL)
        return error_set(err, ERR_NOT_FOUND, "process %ld is another one now", (long)id->pid);
    if (held.pidfd < 0) return fs_error(err, "adopt a process", "pidfd");
    uint64_t start_time = 0;
    bool known = proc_start_time(id->pid, &start_time, err);
    if (known && start_time == id->start_time) {
        *out = held;
        return true;
    }
    child_close(&held);
    return known ? error_set(err, ERR_NOT_FOUND, "process %ld is another one now", (long)id->pid)
                 : false;
}

void child_close(struct child *c)
{
    if (c->pidfd > 0) close(c->pidfd);
    c->pidfd = -1;
}

/* A process that is not our child has no status for us: its pidfd is readable once it has ended. */
static bool reap_stranger(const struct child *c, struct child_end *out, struct error *err)
{
    struct pollfd item = { .fd = c->pidfd, .events = POLLIN };
    int ready = poll(&item, 1, 0);
    if (ready < 0 && errno != EINTR) return fs_error(err, "poll", "pidfd");
    *out = (struct child_end){ .state = ready > 0 ? CHILD_VANISHED : CHILD_RUNNING };
    return true;
}

bool child_reap(struct child *c, struct child_end *out, struct error *err)
{
    assert(c->pidfd > 0);
    siginfo_t info = { 0 };
    int failed = waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG);
    if (failed && errno == ECHILD) return reap_stranger(c, out, err);
    if (failed && errno != EINTR) return fs_error(err, "wait for", "pidfd");
    if (failed || info.si_pid == 0)
        *out = (struct child_end){ .state = CHILD_RUNNING };
    else if (info.si_code == CLD_EXITED)
        *out = (struct child_end){ .state = CHILD_EXITED, .status = info.si_status };
    else
        *out = (struct child_end){ .state = CHILD_KILLED, .status = info.si_status };
    return true;
}

static bool signal_error(const struct child *c, struct error *err)
{
    if (errno == ESRCH)
        return error_set(err, ERR_NOT_FOUND, "process %ld has ended", (long)c->id.pid);
    return fs_error(err, "signal", "process");
}

bool child_signal(const struct child *c, int number, struct error *err)
{
    assert(c->pidfd > 0);
    if (pidfd_send_signal(c->pidfd, number, NULL, 0) < 0) return signal_error(c, err);
    return true;
}

bool child_signal_group(const struct child *c, int number, struct error *err)
{
    assert(c->pidfd > 0);
    if (pidfd_send_signal(c->pidfd, number, NULL, SIGNAL_PROCESS_GROUP) == 0) return true;
    if (errno != EINVAL) return signal_error(c, err);
    /* An older kernel: the group has the leader's number, which is the leader's own as long as its
     * start time is right (a zombie keeps it). */
    uint64_t start_time;
    if (!proc_start_time(c->id.pid, &start_time, err)) return false;
    if (start_time != c->id.start_time)
        return error_set(err, ERR_NOT_FOUND, "process %ld is another one now", (long)c->id.pid);
    if (kill(-c->id.pid, number) < 0) return signal_error(c, err);
    return true;
}
