#include "steps/hook/launch.h"

#include "io/cgroup.h"
#include "steps/account.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS_MAX = 8, ENTRY_SIZE = ACCOUNT_TEXT_SIZE + 16 };

/* All that the new process needs, made before fork(). */
struct plan {
    const char *argv[ARGS_MAX];
    char **environment;
    bool change_user;
    struct account account;
    gid_t *groups;
    int group_count;
    char home[ENTRY_SIZE], shell[ENTRY_SIZE], user[ENTRY_SIZE], logname[ENTRY_SIZE];
    char command[2 * FS_PATH_MAX];
    uint64_t memory_max;
    int door; /* of its cgroup; -1 none */
};

struct pipes {
    int output[2], errors[2], failure[2];
};

void launch_close(struct launch *launch)
{
    auto_close(&launch->pidfd);
    auto_close(&launch->output);
    auto_close(&launch->errors);
}

static void close_pipes(struct pipes *p)
{
    int *ends[] = { p->output, p->errors, p->failure };
    for (size_t i = 0; i < 3; i++) {
        auto_close(&ends[i][0]);
        auto_close(&ends[i][1]);
    }
}

/* The environment has room for SCRIPT_VARIABLES_SPARE more. */
static void set_variable(char **environment, char *entry)
{
    size_t len = strcspn(entry, "=") + 1, i = 0;
    while (environment[i] && strncmp(environment[i], entry, len) != 0) i++;
    if (!environment[i]) environment[i + 1] = NULL;
    environment[i] = entry;
}

static void become_in_environment(struct plan *plan)
{
    const struct account *account = &plan->account;
    snprintf(plan->home, sizeof plan->home, "HOME=%s", account->home);
    snprintf(plan->shell, sizeof plan->shell, "SHELL=%s", account->shell);
    set_variable(plan->environment, plan->home);
    set_variable(plan->environment, plan->shell);
    if (account->uid == 0) return;
    snprintf(plan->user, sizeof plan->user, "USER=%s", account->name);
    snprintf(plan->logname, sizeof plan->logname, "LOGNAME=%s", account->name);
    set_variable(plan->environment, plan->user);
    set_variable(plan->environment, plan->logname);
}

static bool prepare_user(struct plan *plan, const char *name, struct error *err)
{
    if (!account_load(name, &plan->account, err)) return false;
    const char *slash = strrchr(plan->account.shell, '/');
    const char *shell = slash ? slash + 1 : plan->account.shell;
    if (text_equal(shell, "nologin") || text_equal(shell, "false"))
        return error_set(err, ERR_INVALID, "user '%s' may not log in (shell %s)", name,
                         plan->account.shell);
    plan->group_count = 64;
    plan->groups = xcalloc((size_t)plan->group_count, sizeof *plan->groups);
    if (getgrouplist(name, plan->account.gid, plan->groups, &plan->group_count) < 0) {
        if (plan->group_count > ACCOUNT_GROUPS_MAX)
            return error_set(err, ERR_INVALID, "user '%s' is in too many groups", name);
        plan->groups = xrealloc(plan->groups, (size_t)plan->group_count * sizeof *plan->groups);
        if (getgrouplist(name, plan->account.gid, plan->groups, &plan->group_count) < 0)
            return error_set(err, ERR_RETRY, "the groups of user '%s' changed", name);
    }
    plan->change_user = plan->account.uid != geteuid() || plan->account.gid != getegid();
    become_in_environment(plan);
    return true;
}

/* For `sudo su USER -c`, which gives the path to a shell. */
static bool quote(const char *path, char *out, size_t size)
{
    size_t len = 0;
    out[len++] = '\'';
    for (; *path; path++) {
        if (len + 6 > size) return false;
        if (*path == '\'') {
            memcpy(out + len, "'\\''", 4);
            len += 4;
        } else {
            out[len++] = *path;
        }
    }
    out[len++] = '\'';
    out[len] = '\0';
    return true;
}

static bool prepare(const struct script *script, struct plan *plan, struct error *err)
{
    const struct appspec_script *spec = script->spec;
    plan->environment = script->environment;
    plan->memory_max = script->memory_max;
    if (!spec->sudo) {
        plan->argv[0] = script->path;
        return !spec->runas || prepare_user(plan, spec->runas, err);
    }
    size_t count = 0;
    plan->argv[count++] = "sudo";
    plan->argv[count++] = "-n"; /* never ask for a password: there is nobody */
    if (!spec->runas) {
        plan->argv[count] = script->path;
        return true;
    }
    if (!account_load(spec->runas, &plan->account, err)) return false;
    if (!quote(script->path, plan->command, sizeof plan->command))
        return error_set(err, ERR_INVALID, "path too long");
    plan->argv[count++] = "su";
    plan->argv[count++] = spec->runas;
    plan->argv[count++] = "-c";
    plan->argv[count] = plan->command;
    return true;
}

static bool become(const struct plan *plan)
{
    const struct account *account = &plan->account;
    if (!plan->change_user) return true;
    if (setgroups((size_t)plan->group_count, plan->groups) < 0) return false;
    if (setresgid(account->gid, account->gid, account->gid) < 0) return false;
    if (setresuid(account->uid, account->uid, account->uid) < 0) return false;
    errno = EPERM;
    return getuid() == account->uid && geteuid() == account->uid && getgid() == account->gid;
}

/* In the new process; returns only when it failed, with errno. */
static void start(const struct plan *plan, const struct pipes *pipes)
{
    sigset_t none;
    struct sigaction normal = { .sa_handler = SIG_DFL };
    sigemptyset(&none);
    for (int i = 1; i < NSIG; i++) (void)sigaction(i, &normal, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || setpgid(0, 0) < 0) return;
    if (plan->door >= 0 && !cgroup_enter(plan->door)) return;
    if (dup2(null, STDIN_FILENO) < 0 || dup2(pipes->output[1], STDOUT_FILENO) < 0 ||
        dup2(pipes->errors[1], STDERR_FILENO) < 0)
        return;
    /* Whatever was inherited without O_CLOEXEC stays here. */
    (void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    const struct rlimit data = { plan->memory_max, plan->memory_max };
    if (plan->memory_max > 0 && setrlimit(RLIMIT_DATA, &data) < 0) return;
    if (!become(plan)) return;
    if (strchr(plan->argv[0], '/'))
        execve(plan->argv[0], (char **)plan->argv, plan->environment);
    else
        execvpe(plan->argv[0], (char **)plan->argv, plan->environment);
    if (errno != ENOEXEC) return;
    /* A script without "#!" is one for the shell. */
    const char *const shell[] = { "/bin/sh", plan->argv[0], NULL };
    execve(shell[0], (char **)shell, plan->environment);
}

static bool make_pipes(struct pipes *p, struct error *err)
{
    *p = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
    if (pipe2(p->output, O_CLOEXEC) == 0 && pipe2(p->errors, O_CLOEXEC) == 0 &&
        pipe2(p->failure, O_CLOEXEC) == 0 && fcntl(p->output[0], F_SETFL, O_NONBLOCK) == 0 &&
        fcntl(p->errors[0], F_SETFL, O_NONBLOCK) == 0)
        return true;
    return error_set(err, ERR_RETRY, "pipe: %s", strerror(errno));
}

/* Waits until the new process runs the script or has told why not. */
static bool started(pid_t pid, struct pipes *pipes, const struct script *script, struct error *err)
{
    int number = 0;
    size_t got = 0;
    auto_close(&pipes->failure[1]);
    struct error ignored;
    if (!fs_read_full(pipes->failure[0], &number, sizeof number, &got, &ignored)) got = 0;
    if (got < sizeof number) return true;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return error_set(err, ERR_INVALID, "'%s' cannot be started: %s%s", script->path,
                     strerror(number),
                     number == ENOENT ? " (is the interpreter in its first line right, without a "
                                        "carriage return at its end?)"
                                      : "");
}

static bool launch(const struct script *script, const struct plan *plan, struct pipes *pipes,
                   struct launch *out, struct error *err)
{
    if (!make_pipes(pipes, err)) return false;
    pid_t pid = fork();
    if (pid < 0) return error_set(err, ERR_RETRY, "fork: %s", strerror(errno));
    if (pid == 0) {
        start(plan, pipes);
        int number = errno;
        struct error ignored;
        if (!fs_write_all(pipes->failure[1], bytes_of(&number, sizeof number), &ignored))
            _exit(126);
        _exit(127);
    }
    (void)setpgid(pid, pid); /* in either order: it must be so before the first signal */
    if (!started(pid, pipes, script, err)) return false;
    *out = (struct launch){ .pid = pid, .pidfd = pidfd_open(pid, 0) };
    if (out->pidfd < 0) return error_set(err, ERR_RETRY, "pidfd_open: %s", strerror(errno));
    (void)fcntl(out->pidfd, F_SETFD, FD_CLOEXEC);
    out->output = pipes->output[0];
    out->errors = pipes->errors[0];
    pipes->output[0] = pipes->errors[0] = -1;
    return true;
}

bool launch_script(const struct script *script, const char *group, struct launch *out,
                   struct error *err)
{
    AUTO(auto_free) struct plan *plan = xcalloc(1, sizeof *plan);
    struct pipes pipes = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
    AUTO(auto_close) int door = group[0] ? cgroup_door(group, err) : -1;
    if (group[0] && door < 0) return false;
    plan->door = door;
    bool ok = prepare(script, plan, err) && launch(script, plan, &pipes, out, err);
    close_pipes(&pipes);
    free(plan->groups);
    return ok;
}
