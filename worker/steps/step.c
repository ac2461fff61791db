#include "steps/step.h"

#include "io/clock.h"
#include "io/proc.h"
#include "steps/hook/group.h"
#include "steps/hook/idle.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROGRESS_SIZE = 224, PROGRESS_EVERY_MS = 100, LEASE_SIZE = 64 };

/* A lease that cannot be read is a lease that nobody gave: the deadline has passed. */
static bool lease_lost(const struct step *step, uint64_t now_ms)
{
    char path[FS_PATH_MAX], text[LEASE_SIZE] = "";
    struct error ignored;
    if (!fs_join(path, step->folder, "lease", &ignored)) return true;
    AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno != ENOENT;
    size_t got;
    if (!fs_read_full(fd, text, sizeof text - 1, &got, &ignored)) return true;
    return strtoull(text, NULL, 10) <= now_ms;
}

bool step_continues(struct step *step, struct error *err)
{
    struct signalfd_siginfo info;
    uint64_t now_ms = clock_boot_ms();
    if (step->signals >= 0 && read(step->signals, &info, sizeof info) == sizeof info &&
        step->stop == STEP_GOES_ON)
        step->stop = STEP_CANCELLED;
    if (now_ms - step->lease_checked_ms >= STEP_LEASE_CHECK_MS || step->lease_checked_ms == 0) {
        step->lease_checked_ms = now_ms;
        if (lease_lost(step, now_ms) && step->stop == STEP_GOES_ON) step->stop = STEP_LEASE_LOST;
    }
    switch (step->stop) {
    case STEP_GOES_ON: return true;
    case STEP_CANCELLED: return error_set(err, ERR_CONFLICT, "cancelled");
    case STEP_LEASE_LOST: return error_set(err, ERR_CONFLICT, "the lease has ended");
    }
    return true;
}

static void progress_line(struct step *step, uint64_t done, uint64_t total, const char *mark,
                          const char *text)
{
    uint64_t now_ms = clock_boot_ms();
    if (step->progress < 0 || now_ms - step->progress_ms < PROGRESS_EVERY_MS) return;
    step->progress_ms = now_ms;
    char line[PROGRESS_SIZE + 1];
    int len = snprintf(line, sizeof line, "%llu %llu %s%.150s", (unsigned long long)done,
                       (unsigned long long)total, mark, text);
    if (len < 0 || len >= PROGRESS_SIZE) return;
    memset(line + len, ' ', (size_t)(PROGRESS_SIZE - len));
    line[PROGRESS_SIZE - 1] = '\n';
    struct error ignored;
    if (!fs_pwrite_all(step->progress, bytes_of(line, PROGRESS_SIZE), 0, &ignored)) return;
}

void step_progress(struct step *step, uint64_t done, uint64_t total, const char *unit)
{
    progress_line(step, done, total, "", unit);
}

void step_waits(struct step *step, uint64_t done, uint64_t total, const char *what)
{
    progress_line(step, done, total, "~", what);
}

/* Only what the caller gave as 0 to 2 is inherited; cancel and the children's ends are events. */
static bool harden(int *signals, struct error *err)
{
    umask(022);
    if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0 && errno != ENOSYS)
        return error_set(err, ERR_RETRY, "close_range: %s", strerror(errno));
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        return error_set(err, ERR_RETRY, "subreaper: %s", strerror(errno));
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    *signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (*signals < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return error_set(err, ERR_RETRY, "signalfd: %s", strerror(errno));
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGHUP, &ignore, NULL);
    return true;
}

static bool claim(const char *folder, bool *won, struct error *err)
{
    char path[FS_PATH_MAX], line[PROC_LINE_SIZE];
    struct proc_identity self;
    if (!proc_identify(getpid(), &self, err)) return false;
    proc_identity_format(&self, line);
    return fs_join(path, folder, "begun", err) &&
           fs_claim(path, bytes_of_text(line), 0644, won, err);
}

static bool load_spec(const char *folder, struct arena *arena, struct step_spec *out,
                      struct error *err)
{
    char path[FS_PATH_MAX];
    struct buf bytes AUTO(buf_deinit) = { .max = 0 };
    buf_init(&bytes, STEP_SPEC_MAX);
    if (!fs_join(path, folder, "spec", err) || !fs_read_file(path, &bytes, err)) return false;
    /* The texts of the spec are copied into the arena. */
    if (!wire_step_spec_decode(buf_bytes(&bytes), arena, out, err))
        return error_wrap(err, "'%s'", path);
    return true;
}

static bool run_kind(const struct step_row *rows, size_t count, struct step *step,
                     struct step_report *report, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].kind == step->spec->kind) return rows[i].run(step, report, err);
    return error_set(err, ERR_INVALID, "this program has no such step");
}

static enum status stopped_status(enum step_stop stop)
{
    return stop == STEP_LEASE_LOST ? STATUS_UNKNOWN : STATUS_STOPPED;
}

/* A failure that no script caused: code 5, no script (worker.md section 5). */
static void report_failure(struct step_report *report, const struct step *step,
                           const struct error *err)
{
    report->status = step->stop == STEP_GOES_ON ? STATUS_FAILED : stopped_status(step->stop);
    report->code = LIFECYCLE_UNKNOWN_ERROR;
    memcpy(report->message, err->text, sizeof report->message);
}

static bool write_outcome(const char *folder, const struct step_report *report, uint64_t started_ms,
                          struct error *err)
{
    const struct step_outcome outcome = { .status = report->status,
                                          .diagnostics = { .code = report->code,
                                                           .script = report->script,
                                                           .message = report->message,
                                                           .log_tail = report->log_tail },
                                          .noop = report->noop,
                                          .interrupted = report->interrupted,
                                          .started_ms = started_ms,
                                          .ended_ms = clock_wall_ms(),
                                          .version_id = report->version_id,
                                          .bytes = report->bytes,
                                          .way = report->way,
                                          .note = report->note,
                                          .phases = report->phases,
                                          .phase_count = report->phase_count,
                                          .outputs = report->outputs,
                                          .output_count = report->output_count,
                                          .variables = report->variables,
                                          .variable_count = report->variable_count,
                                          .files = report->files,
                                          .idle_events = report->idle_events };
    char path[FS_PATH_MAX];
    struct buf bytes AUTO(buf_deinit) = { .max = 0 };
    buf_init(&bytes, STEP_SPEC_MAX);
    wire_step_outcome_encode(&outcome, &bytes);
    return fs_join(path, folder, "outcome", err) &&
           fs_write_atomic(path, buf_bytes(&bytes), 0644, err);
}

static int open_progress(const char *folder)
{
    char path[FS_PATH_MAX];
    struct error ignored;
    if (!fs_join(path, folder, "progress", &ignored)) return -1;
    return open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
}

static bool run_claimed(const char *kind, const char *folder, int signals,
                        const struct step_row *rows, size_t count, struct error *err)
{
    uint64_t started_ms = clock_wall_ms();
    AUTO(auto_free) struct step_report *report = xcalloc(1, sizeof *report);
    AUTO(auto_free) struct step *step = xcalloc(1, sizeof *step);
    struct step_spec spec;
    struct arena arena AUTO(arena_deinit);
    arena_init(&arena, WIRE_DECODE_MAX);
    report->status = STATUS_SUCCEEDED;
    *step = (struct step){ .spec = &spec, .folder = folder, .signals = signals };
    step->progress = open_progress(folder);
    group_enter(step);
    struct error why = { .code = ERR_NONE };
    bool ok = load_spec(folder, &arena, &spec, &why);
    if (ok && !text_equal(kind, step_kind_name(spec.kind)))
        ok = error_set(&why, ERR_INVALID, "started as '%s', but the spec says '%s'", kind,
                       step_kind_name(spec.kind));
    if (ok && !job_kind_moves(spec.job.kind))
        ok = host_init(&step->host, spec.root_dir, spec.job.deployment_group_id,
                       spec.job.deployment.text, &why);
    ok = ok && run_kind(rows, count, step, report, &why);
    if (!ok) report_failure(report, step, &why);
    if (ok && spec.job.kind == JOB_DEPLOY) report->idle_events = idle_events(step);
    report->files = step->files;
    auto_close(&step->progress);
    return write_outcome(folder, report, started_ms, err);
}

int step_main(int argc, char **argv, const struct step_row *rows, size_t count)
{
    struct error err = { .code = ERR_NONE };
    AUTO(auto_close) int signals = -1;
    bool won = false;
    if (argc != 3) {
        fprintf(stderr,
                "usage: meridian-step download|install|hook|replicate|build|undo STEPDIR\n");
        return 2;
    }
    bool ok = harden(&signals, &err) && claim(argv[2], &won, &err);
    if (ok && !won) return 0;
    if (ok && run_claimed(argv[1], argv[2], signals, rows, count, &err)) return 0;
    fprintf(stderr, "meridian-step: %s\n", err.text);
    return 1;
}
