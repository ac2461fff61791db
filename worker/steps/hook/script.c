#include "steps/hook/script.h"

#include "io/clock.h"
#include "steps/hook/group.h"
#include "steps/hook/launch.h"
#include "steps/hook/ledger.h"
#include "steps/hook/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 64 << 10, POLL_MS = 1000, KILL_POLL_MS = 20, GIVE_UP_MS = 30000 };

enum run_phase {
    RUN_RUNNING,
    RUN_DRAINING, /* the script has ended, its output is still open */
    RUN_ENDING,   /* TERM was sent to the tree, KILL comes */
    RUN_OVER
};

struct run {
    const struct script *script;
    struct launch launch;
    struct tree tree;
    char group[FS_PATH_MAX]; /* its cgroup; "" none */
    struct scriptlog_stream output, errors;
    enum run_phase phase;
    uint64_t phase_ms; /* when it began, boot clock */
    uint64_t deadline_ms;
    bool ended; /* status is set */
    int status; /* of waitpid */
    bool timed_out, stopped, killed;
};

static void enter(struct run *run, enum run_phase phase)
{
    run->phase = phase;
    run->phase_ms = clock_boot_ms();
}

/* Reads what is there; closes at the end of the stream. */
static void drain(struct run *run, int *fd, struct scriptlog_stream *stream)
{
    char chunk[CHUNK];
    while (*fd >= 0) {
        ssize_t n = read(*fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (n <= 0) {
            auto_close(fd);
            scriptlog_stream_end(run->script->log, stream);
            return;
        }
        scriptlog_output(run->script->log, stream, bytes_of(chunk, (size_t)n));
        if (n < CHUNK) return;
    }
}

/* Orphans of the script become our children: collect them with it. */
static void reap(struct run *run)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != run->launch.pid) continue;
        run->status = status;
        run->ended = true;
    }
}

static bool output_open(const struct run *run)
{
    return run->launch.output >= 0 || run->launch.errors >= 0;
}

/* What stands still (SIGSTOP) only ends once it goes on. */
static void begin_ending(struct run *run)
{
    (void)kill(-run->launch.pid, SIGTERM);
    (void)tree_signal(&run->tree, SIGTERM);
    (void)tree_signal(&run->tree, SIGCONT);
    enter(run, RUN_ENDING);
}

/* How many live; in its cgroup is also what forks faster than /proc can be read. */
static size_t living(const struct run *run)
{
    size_t seen = tree_signal(&run->tree, 0);
    return seen > 0 || !run->group[0] || !cgroup_populated(run->group) ? seen : 1;
}

static void kill_all(const struct run *run)
{
    struct error ignored;
    if (run->group[0] && cgroup_kill(run->group, &ignored)) return;
    (void)tree_signal(&run->tree, SIGKILL);
}

static void step_ending(struct run *run, uint64_t now_ms)
{
    size_t left = living(run);
    if (left > 0 && now_ms - run->phase_ms >= STEP_KILL_MS) {
        if (!run->killed)
            scriptlog_entry(run->script->log,
                            "Meridian - killed: %zu processes went on %d s after SIGTERM", left,
                            STEP_KILL_MS / 1000);
        run->killed = true;
        kill_all(run);
    }
    /* What even SIGKILL does not end (a disk that hangs) must not hang us. */
    bool hopeless = now_ms - run->phase_ms >= STEP_KILL_MS + GIVE_UP_MS;
    if ((left == 0 && run->ended) || hopeless) enter(run, RUN_OVER);
}

/* Looks at the whole state: what is to be done now? */
static void decide(struct run *run)
{
    uint64_t now_ms = clock_boot_ms();
    struct error ignored;
    bool goes_on = step_continues(run->script->step, &ignored);
    switch (run->phase) {
    case RUN_RUNNING:
        if (run->ended) {
            enter(run, output_open(run) ? RUN_DRAINING : RUN_OVER);
        } else if (!goes_on) {
            run->stopped = true;
            begin_ending(run);
        } else if (now_ms >= run->deadline_ms) {
            run->timed_out = true;
            begin_ending(run);
        }
        return;
    case RUN_DRAINING:
        if (!output_open(run) || now_ms - run->phase_ms >= SCRIPT_GRACE_MS) enter(run, RUN_OVER);
        return;
    case RUN_ENDING: step_ending(run, now_ms); return;
    case RUN_OVER: return;
    }
}

static int wait_ms(const struct run *run)
{
    uint64_t now_ms = clock_boot_ms(), until = now_ms + POLL_MS;
    switch (run->phase) {
    case RUN_RUNNING:
        if (run->deadline_ms < until) until = run->deadline_ms;
        break;
    case RUN_DRAINING:
        if (run->phase_ms + SCRIPT_GRACE_MS < until) until = run->phase_ms + SCRIPT_GRACE_MS;
        break;
    case RUN_ENDING: until = now_ms + KILL_POLL_MS; break;
    case RUN_OVER: until = now_ms; break;
    }
    return until > now_ms ? (int)(until - now_ms) : 0;
}

static void supervise(struct run *run)
{
    while (run->phase != RUN_OVER) {
        struct pollfd fds[] = {
            { .fd = run->launch.output, .events = POLLIN },
            { .fd = run->launch.errors, .events = POLLIN },
            { .fd = run->ended ? -1 : run->launch.pidfd, .events = POLLIN },
            { .fd = run->phase == RUN_RUNNING ? run->script->step->signals : -1, .events = POLLIN },
        };
        (void)poll(fds, sizeof fds / sizeof fds[0], wait_ms(run));
        drain(run, &run->launch.output, &run->output);
        drain(run, &run->launch.errors, &run->errors);
        reap(run);
        decide(run);
    }
    reap(run); /* whoever ended between the last reap() and the last look at the tree */
}

/* Who goes on writing to a script that has ended is told to the log, and is read for. */
static void name_holders(struct run *run, int fd, const char *stream)
{
    struct stat info;
    struct tree_holder holders[TREE_HOLDERS_MAX];
    if (fd < 0 || fstat(fd, &info) < 0) return;
    size_t count = tree_holders(info.st_ino, holders);
    for (size_t i = 0; i < count; i++) {
        scriptlog_entry(run->script->log,
                        "Meridian - the script has ended, process %d (%s) still holds its %s",
                        holders[i].pid, holders[i].name, stream);
    }
}

/* In a process of its own, until everybody has closed the pipes. It holds nothing of ours but the
 * log, and writes a bounded number of bytes to it. */
static void read_on(struct run *run)
{
    struct scriptlog *log = run->script->log;
    uint64_t first = log->size;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++) (void)dup2(null, fd);
    (void)setsid();
    buf_clear(&run->output.line); /* the step writes what it has read */
    buf_clear(&run->errors.line);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    while (output_open(run)) {
        struct pollfd fds[] = { { .fd = run->launch.output, .events = POLLIN },
                                { .fd = run->launch.errors, .events = POLLIN } };
        (void)poll(fds, 2, -1);
        if (log->size - first > SCRIPT_DRAIN_MAX || log->size > SCRIPTLOG_FILE_MAX - CHUNK)
            auto_close(&log->fd); /* goes on reading */
        drain(run, &run->launch.output, &run->output);
        drain(run, &run->launch.errors, &run->errors);
    }
    _exit(0);
}

static void leave_reader(struct run *run)
{
    if (!output_open(run) || run->stopped || run->timed_out) return;
    name_holders(run, run->launch.output, "stdout");
    name_holders(run, run->launch.errors, "stderr");
    if (fork() == 0) read_on(run);
}

static void say(struct script_end *out, enum lifecycle_error code, const struct script *script,
                const char *format, ...) PRINTF_LIKE(4, 5);

static void say(struct script_end *out, enum lifecycle_error code, const struct script *script,
                const char *format, ...)
{
    struct error text = { .code = ERR_NONE };
    char what[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    const char *user = script->spec->runas;
    error_set(&text, ERR_INVALID, "%s '%.160s'%s%.80s: %s", script->noun ? script->noun : "script",
              script->spec->location, user ? " run as user " : "", user ? user : "", what);
    out->code = code;
    memcpy(out->message, text.text, sizeof out->message);
}

static void describe(const struct run *run, struct script_end *out)
{
    const struct script *script = run->script;
    struct error stop = { .code = ERR_NONE };
    int status = run->status;
    if (run->stopped && !step_continues(script->step, &stop)) {
        say(out, LIFECYCLE_SCRIPT_FAILED, script, "ended with all its processes: %s", stop.text);
    } else if (run->timed_out) {
        say(out, LIFECYCLE_SCRIPT_TIMED_OUT, script,
            "did not end within its timeout of %u seconds; it was ended with all its processes",
            script->spec->timeout_s);
    } else if (WIFSIGNALED(status)) {
        say(out, LIFECYCLE_SCRIPT_FAILED, script, "killed by signal %d (%s)", WTERMSIG(status),
            strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) != 0) {
        say(out, LIFECYCLE_SCRIPT_FAILED, script, "failed with exit code %d", WEXITSTATUS(status));
    }
}

/* Codes 1 and 2 of the agent. */
static bool make_executable(const struct script *script, struct script_end *out)
{
    struct stat info;
    if (stat(script->path, &info) < 0) {
        say(out, LIFECYCLE_SCRIPT_MISSING, script, "does not exist at '%s'", script->path);
        return false;
    }
    if (access(script->path, X_OK) == 0) return true;
    if (chmod(script->path, (info.st_mode & 07777) | 0111) == 0) return true;
    say(out, LIFECYCLE_SCRIPT_NOT_EXECUTABLE, script, "cannot be made executable: %s",
        strerror(errno));
    return false;
}

void script_run(const struct script *script, struct script_end *out)
{
    struct error err = { .code = ERR_NONE };
    *out = (struct script_end){ .code = LIFECYCLE_SUCCESS };
    if (!make_executable(script, out)) return;
    struct run run = { .script = script,
                       .launch = { .pidfd = -1, .output = -1, .errors = -1 },
                       .deadline_ms = clock_boot_ms() + script->spec->timeout_s * (uint64_t)1000 };
    if (!group_of_script(script->step, script->number, run.group)) run.group[0] = '\0';
    tree_keep(&run.tree);
    scriptlog_stream_init(&run.output, "[stdout]");
    scriptlog_stream_init(&run.errors, "[stderr]");
    if (launch_script(script, run.group, &run.launch, &err)) {
        /* Should it be lost: a process that ends at once needs no name. */
        if (script->ledger && !ledger_process(script->ledger, run.launch.pid, &err))
            scriptlog_entry(script->log, "Meridian - warning: %s", err.text);
        enter(&run, RUN_RUNNING);
        supervise(&run);
        leave_reader(&run);
        scriptlog_stream_end(script->log, &run.output);
        scriptlog_stream_end(script->log, &run.errors);
        describe(&run, out);
    } else {
        say(out, LIFECYCLE_SCRIPT_FAILED, script, "%s", err.text);
    }
    launch_close(&run.launch);
    scriptlog_stream_deinit(&run.output);
    scriptlog_stream_deinit(&run.errors);
    tree_deinit(&run.tree);
}
