#include "shell/effect.h"

#include "io/cgroup.h"
#include "io/child.h"
#include "io/clock.h"
#include "io/fs.h"
#include "wire/wire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OUTCOME_MAX = 256 << 10, PROGRESS_LINE_MAX = 256, CLAIM_MAX = 256 };

enum tracked_state {
    TRACKED_WAITING, /* its spec is written; too many others run */
    TRACKED_RUNNING, /* its process is watched */
    TRACKED_ENDED    /* to be handed out: read its folder */
};

struct tracked {
    struct effect *effect;
    struct step_ref ref;
    enum tracked_state state;
    enum step_kind kind; /* of one that waits */
    struct child child;
    struct loop_watch watch;
    uint64_t kill_at; /* BOOTTIME ms; UINT64_MAX: not cancelled */
    uint64_t done, total;
    char waits[WIRE_TARGET_MAX]; /* of the last hint, */
    uint64_t waits_due;          /* which is told again then */
};

struct effect {
    struct effect_config config;
    struct loop *loop;
    const struct log *log;
    struct tracked **steps; /* in the order in which they were asked for; one a job of the core */
    size_t count, cap;
    char group[FS_PATH_MAX]; /* our cgroup; "" when none is delegated to us */
    uint64_t progress_due;
};

extern char **environ; /* hooks inherit the worker's environment, as the agent's do */

/* The groups of steps that have ended, and whose daemons have. */
static void sweep(const struct effect *effect)
{
    if (effect->group[0]) cgroup_sweep(effect->group, CGROUP_STEP_PREFIX);
}

bool effect_open(const struct effect_config *config, struct loop *loop, const struct log *log,
                 struct effect **out, struct error *err)
{
    char jobs[FS_PATH_MAX];
    if (!fs_join(jobs, config->state, "jobs", err) || !fs_make_folders(jobs, 0700, err))
        return false;
    if (access(config->program, X_OK) != 0) return fs_error(err, "find", config->program);
    *out = xcalloc(1, sizeof **out);
    struct effect *effect = *out;
    *effect = (struct effect){ .config = *config, .loop = loop, .log = log };
    if (config->steps_max == 0) effect->config.steps_max = EFFECT_STEPS_MAX;
    if (config->kill_ms == 0) effect->config.kill_ms = EFFECT_KILL_MS;
    struct error none = { 0 };
    if (!cgroup_own(effect->group, &none)) effect->group[0] = '\0';
    sweep(effect);
    return true;
}

static void tracked_free(struct tracked *step)
{
    if (step->watch.fd >= 0) loop_remove(step->effect->loop, &step->watch);
    child_close(&step->child);
    free(step);
}

void effect_close(struct effect *effect)
{
    if (!effect) return;
    for (size_t i = 0; i < effect->count; i++) tracked_free(effect->steps[i]);
    free(effect->steps);
    free(effect);
}

/* ---- folders ---- */

NODISCARD static bool job_folder(const struct effect *effect, const struct id *job,
                                 uint32_t attempt, char out[FS_PATH_MAX], struct error *err)
{
    int len = snprintf(out, FS_PATH_MAX, "%s/jobs/%s.%u", effect->config.state, job->text,
                       (unsigned)attempt);
    if (len > 0 && len < FS_PATH_MAX) return true;
    return error_set(err, ERR_INVALID, "the state folder's path is too long");
}

/* The step's folder, or with `name` a file in it. */
NODISCARD static bool step_path(const struct effect *effect, const struct step_ref *ref,
                                const char *name, char out[FS_PATH_MAX], struct error *err)
{
    char job[FS_PATH_MAX];
    if (!job_folder(effect, &ref->job, ref->attempt, job, err)) return false;
    int len = snprintf(out, FS_PATH_MAX, "%s/steps/%u-%u%s%s", job, (unsigned)ref->step,
                       (unsigned)ref->run, name[0] ? "/" : "", name);
    if (len > 0 && len < FS_PATH_MAX) return true;
    return error_set(err, ERR_INVALID, "the state folder's path is too long");
}

static bool step_file_exists(const struct effect *effect, const struct step_ref *ref,
                             const char *name)
{
    struct error err = { 0 };
    char path[FS_PATH_MAX];
    return step_path(effect, ref, name, path, &err) && fs_exists(path);
}

/* ---- tracking ---- */

static bool ref_equal(const struct step_ref *a, const struct step_ref *b)
{
    return id_equal(&a->job, &b->job) && a->attempt == b->attempt && a->step == b->step &&
           a->run == b->run;
}

static struct tracked *find(struct effect *effect, const struct step_ref *ref)
{
    for (size_t i = 0; i < effect->count; i++)
        if (ref_equal(&effect->steps[i]->ref, ref)) return effect->steps[i];
    return NULL;
}

static struct tracked *track(struct effect *effect, const struct step_ref *ref)
{
    if (effect->count == effect->cap) {
        effect->cap = effect->cap ? 2 * effect->cap : 16;
        effect->steps = xrealloc(effect->steps, effect->cap * sizeof(struct tracked *));
    }
    struct tracked *step = xcalloc(1, sizeof *step);
    *step = (struct tracked){ .effect = effect,
                              .ref = *ref,
                              .state = TRACKED_ENDED,
                              .child.pidfd = -1,
                              .watch.fd = -1,
                              .kill_at = UINT64_MAX };
    effect->steps[effect->count++] = step;
    return step;
}

static void untrack(struct effect *effect, size_t i)
{
    tracked_free(effect->steps[i]);
    effect->count--;
    memmove(&effect->steps[i], &effect->steps[i + 1],
            (effect->count - i) * sizeof(struct tracked *));
}

static void on_process_end(void *owner, uint32_t events)
{
    (void)events;
    struct tracked *step = owner;
    struct child_end end;
    struct error err = { 0 };
    if (child_reap(&step->child, &end, &err) && end.state == CHILD_RUNNING) return;
    loop_remove(step->effect->loop, &step->watch);
    child_close(&step->child);
    step->state = TRACKED_ENDED;
}

NODISCARD static bool watch(struct tracked *step, struct error *err)
{
    if (!loop_add(step->effect->loop, &step->watch, step->child.pidfd, EPOLLIN, on_process_end,
                  step, err)) {
        child_close(&step->child);
        return false;
    }
    step->state = TRACKED_RUNNING;
    return true;
}

static const char nobody[] = "nobody\n"; /* the claim by which we bar a run */

/* Finds the process that claimed the step. False: none runs (err says ERR_NOT_FOUND) or trouble. */
NODISCARD static bool adopt_claimed(struct tracked *step, struct error *err)
{
    char path[FS_PATH_MAX];
    struct proc_identity id;
    AUTO(buf_deinit) struct buf claim;
    buf_init(&claim, CLAIM_MAX);
    if (!step_path(step->effect, &step->ref, "begun", path, err) ||
        !fs_read_file(path, &claim, err))
        return false;
    if (bytes_equal(buf_bytes(&claim), bytes_of_text(nobody)))
        return error_set(err, ERR_NOT_FOUND, "it was barred before it had begun");
    return proc_identity_parse(buf_bytes(&claim), &id, err) &&
           child_adopt(&id, &step->child, err) && watch(step, err);
}

void effect_adopt(struct effect *effect, const struct step_ref *ref)
{
    if (find(effect, ref)) return;
    struct error err = { 0 };
    struct tracked *step = track(effect, ref);
    if (adopt_claimed(step, &err))
        log_event(effect->log, LOG_INFO, "a running step is found again", "job", ref->job.text,
                  NULL);
    else if (err.code != ERR_NOT_FOUND)
        log_failure(effect->log, LOG_WARNING, "a step cannot be found again", &err);
}

/* ---- starting ---- */

NODISCARD static bool write_spec(struct effect *effect, const struct step_ref *ref,
                                 const struct step_spec *spec, struct error *err)
{
    char folder[FS_PATH_MAX], path[FS_PATH_MAX];
    struct step_spec complete = *spec;
    AUTO(buf_deinit) struct buf data;
    complete.local_bundle = effect->config.local_bundle;
    complete.appspec_filename = effect->config.appspec_filename;
    complete.revisions_bytes_max = effect->config.revisions_bytes_max;
    complete.build_memory_max = effect->config.build_memory_max;
    complete.transfer_rate_max = effect->config.transfer_rate_max;
    complete.delta_memory_max = effect->config.delta_memory_max;
    complete.secrets_dir = effect->config.secrets_dir ? effect->config.secrets_dir : "";
    buf_init(&data, WIRE_FRAME_MAX);
    wire_step_spec_encode(&complete, &data);
    return step_path(effect, ref, "", folder, err) && fs_make_folders(folder, 0700, err) &&
           step_path(effect, ref, "spec", path, err) &&
           fs_write_atomic(path, buf_bytes(&data), 0600, err);
}

/* What the program itself says goes to a file beside its spec. */
static int open_complaints(const struct effect *effect, const struct step_ref *ref)
{
    struct error err = { 0 };
    char path[FS_PATH_MAX];
    if (!step_path(effect, ref, "stderr", path, &err)) return -1;
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

NODISCARD static bool spawn(struct tracked *step, struct error *err)
{
    struct effect *effect = step->effect;
    char folder[FS_PATH_MAX];
    if (!step_path(effect, &step->ref, "", folder, err)) return false;
    const char *const argv[] = { effect->config.program, step_kind_name(step->kind), folder, NULL };
    AUTO(auto_close) int complaints = open_complaints(effect, &step->ref);
    const struct child_spec spec = { .path = effect->config.program,
                                     .argv = argv,
                                     .env = (const char *const *)environ,
                                     .stdout_fd = complaints,
                                     .stderr_fd = complaints };
    return child_spawn(&spec, &step->child, err) && watch(step, err);
}

static bool is_full(const struct effect *effect)
{
    size_t running = 0;
    for (size_t i = 0; i < effect->count; i++)
        running += effect->steps[i]->state == TRACKED_RUNNING;
    return running >= effect->config.steps_max;
}

/* Or lets it wait for the end of another. */
static void begin(struct tracked *step)
{
    struct error err = { 0 };
    if (is_full(step->effect)) {
        step->state = TRACKED_WAITING;
        return;
    }
    step->state = TRACKED_ENDED;
    if (!spawn(step, &err))
        log_failure(step->effect->log, LOG_ERROR, "a step cannot be started", &err);
}

static void begin_waiting(struct effect *effect)
{
    for (size_t i = 0; i < effect->count; i++)
        if (effect->steps[i]->state == TRACKED_WAITING && !is_full(effect)) begin(effect->steps[i]);
}

void effect_start(struct effect *effect, const struct step_ref *ref, const struct step_spec *spec)
{
    if (find(effect, ref)) return;
    if (step_file_exists(effect, ref, "begun")) {
        effect_adopt(effect, ref);
        return;
    }
    struct error err = { 0 };
    struct tracked *step = track(effect, ref);
    step->kind = spec->kind;
    if (!write_spec(effect, ref, spec, &err)) {
        log_failure(effect->log, LOG_ERROR, "a step cannot be started", &err);
        return;
    }
    begin(step);
    if (step->state == TRACKED_WAITING)
        log_event(effect->log, LOG_WARNING, "too many steps run: one more waits for its turn",
                  "job", ref->job.text, NULL);
}

void effect_cancel(struct effect *effect, const struct step_ref *ref)
{
    struct tracked *step = find(effect, ref);
    struct error err = { 0 };
    if (!step) {
        effect_adopt(effect, ref);
        step = find(effect, ref);
    }
    if (step->state == TRACKED_WAITING) step->state = TRACKED_ENDED; /* lost unbegun */
    if (step->state != TRACKED_RUNNING) return;
    if (!child_signal(&step->child, SIGTERM, &err) && err.code != ERR_NOT_FOUND)
        log_failure(effect->log, LOG_WARNING, "a step cannot be told to end", &err);
    if (step->kill_at == UINT64_MAX) step->kill_at = clock_boot_ms() + effect->config.kill_ms;
}

void effect_lease(struct effect *effect, const struct step_ref *ref, uint64_t until_boot_ms)
{
    char folder[FS_PATH_MAX], path[FS_PATH_MAX], text[32];
    struct error err = { 0 };
    int len = snprintf(text, sizeof text, "%llu\n", (unsigned long long)until_boot_ms);
    if (!step_path(effect, ref, "", folder, &err) || !fs_make_folders(folder, 0700, &err) ||
        !step_path(effect, ref, "lease", path, &err) ||
        !fs_write_atomic(path, bytes_of(text, (size_t)len), 0600, &err))
        log_failure(effect->log, LOG_ERROR, "a lease cannot be written", &err);
}

void effect_forget(struct effect *effect, const struct id *job, uint32_t attempt)
{
    char folder[FS_PATH_MAX];
    struct error err = { 0 };
    if (!job_folder(effect, job, attempt, folder, &err) || !fs_remove_tree(folder, &err))
        log_failure(effect->log, LOG_WARNING, "a job's folder cannot be removed", &err);
    sweep(effect);
}

/* ---- what happened ---- */

/* False when there is no outcome that can be read. */
NODISCARD static bool read_outcome(const struct tracked *step, struct arena *arena,
                                   struct step_outcome *out)
{
    char path[FS_PATH_MAX];
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf data;
    buf_init(&data, OUTCOME_MAX);
    if (!step_path(step->effect, &step->ref, "outcome", path, &err)) return false;
    if (fs_read_file(path, &data, &err) &&
        wire_step_outcome_decode(arena_bytes(arena, buf_bytes(&data)), arena, out, &err))
        return true;
    if (err.code != ERR_NOT_FOUND)
        log_failure(step->effect->log, LOG_ERROR, "a step's outcome cannot be read", &err);
    return false;
}

/* True when nobody has begun this run and nobody can any more. A process that an earlier life has
 * forked and that has not claimed the run cannot be seen, so the claim is taken here. */
NODISCARD static bool bar_unbegun(const struct tracked *step)
{
    char folder[FS_PATH_MAX], path[FS_PATH_MAX];
    struct error err = { 0 };
    bool won = false;
    AUTO(buf_deinit) struct buf claim;
    buf_init(&claim, CLAIM_MAX);
    if (!step_path(step->effect, &step->ref, "", folder, &err) ||
        !fs_make_folders(folder, 0700, &err) ||
        !step_path(step->effect, &step->ref, "begun", path, &err) ||
        !fs_claim(path, bytes_of_text(nobody), 0600, &won, &err)) {
        log_failure(step->effect->log, LOG_ERROR, "a step's claim cannot be taken", &err);
        return false; /* whether it begins is not known */
    }
    if (won) return true;
    return fs_read_file(path, &claim, &err) &&
           bytes_equal(buf_bytes(&claim), bytes_of_text(nobody));
}

/* The process is gone. It may have lost the claim to another one that still runs. */
NODISCARD static bool ended_event(struct tracked *step, struct arena *arena,
                                  struct worker_event *out)
{
    struct error err = { 0 };
    *out = (struct worker_event){ .type = WORKER_STEP_ENDED };
    out->ended.step = step->ref;
    if (read_outcome(step, arena, &out->ended.outcome)) return true;
    if (adopt_claimed(step, &err)) return false;
    if (read_outcome(step, arena, &out->ended.outcome)) return true;
    bool unbegun = bar_unbegun(step);
    if (!unbegun && adopt_claimed(step, &err)) return false; /* it began in this moment */
    *out = (struct worker_event){ .type = WORKER_STEP_LOST };
    out->lost.step = step->ref;
    out->lost.begun = !unbegun;
    out->lost.log_tail = "";
    return true;
}

static void waits_of(const char *line, char out[WIRE_TARGET_MAX])
{
    const char *at = strchr(line, '~');
    size_t len = at ? strcspn(++at, "\n") : 0; /* less than PROGRESS_LINE_MAX */
    while (len > 0 && at[len - 1] == ' ') len--;
    for (size_t i = 0; i < len; i++) out[i] = (char)(at[i] < ' ' || at[i] > '~' ? '?' : at[i]);
    out[len] = '\0';
}

/* "done total unit", "done total ~what it waits for"; a torn or missing line is no hint. */
NODISCARD static bool progress_event(struct tracked *step, struct worker_event *out)
{
    char path[FS_PATH_MAX], line[PROGRESS_LINE_MAX] = "", waits[WIRE_TARGET_MAX];
    struct error err = { 0 };
    unsigned long long done = 0, total = 0;
    size_t got;
    if (!step_path(step->effect, &step->ref, "progress", path, &err)) return false;
    AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || !fs_pread_full(fd, line, sizeof line - 1, 0, &got, &err)) return false;
    if (sscanf(line, "%llu %llu", &done, &total) != 2) return false;
    waits_of(line, waits);
    bool same = done == step->done && total == step->total && text_equal(waits, step->waits);
    if (same && !(waits[0] && clock_boot_ms() >= step->waits_due)) return false;
    step->waits_due = clock_boot_ms() + 1000;
    memcpy(step->waits, waits, sizeof step->waits);
    *out = (struct worker_event){ .type = WORKER_STEP_PROGRESS };
    out->progress.step = step->ref;
    out->progress.done = step->done = done;
    out->progress.total = step->total = total;
    out->progress.waits = step->waits;
    return true;
}

/* All that is in its cgroup, where it has one. */
static void kill_group(const struct tracked *step)
{
    char path[FS_PATH_MAX];
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf group;
    buf_init(&group, FS_PATH_MAX);
    if (!step_path(step->effect, &step->ref, "cgroup", path, &err) ||
        !fs_read_file(path, &group, &err) || !buf_append(&group, "", 1, &err) ||
        !cgroup_kill((const char *)group.data, &err)) {
        if (err.code != ERR_NOT_FOUND)
            log_failure(step->effect->log, LOG_WARNING, "a step's cgroup cannot be killed", &err);
    }
}

static void kill_when_due(struct tracked *step, uint64_t now)
{
    struct error err = { 0 };
    if (step->state != TRACKED_RUNNING || now < step->kill_at) return;
    step->kill_at = UINT64_MAX;
    kill_group(step);
    if (!child_signal_group(&step->child, SIGKILL, &err) && err.code != ERR_NOT_FOUND)
        log_failure(step->effect->log, LOG_WARNING, "a step cannot be killed", &err);
}

bool effect_next(struct effect *effect, struct arena *arena, struct worker_event *out)
{
    uint64_t now = clock_boot_ms();
    begin_waiting(effect);
    for (size_t i = 0; i < effect->count; i++) {
        struct tracked *step = effect->steps[i];
        kill_when_due(step, now);
        if (step->state != TRACKED_ENDED || !ended_event(step, arena, out)) continue;
        untrack(effect, i);
        return true;
    }
    if (effect->count == 0 || now < effect->progress_due) return false;
    for (size_t i = 0; i < effect->count; i++)
        if (effect->steps[i]->state == TRACKED_RUNNING && progress_event(effect->steps[i], out))
            return true;
    effect->progress_due = now + EFFECT_PROGRESS_MS;
    return false;
}

uint64_t effect_deadline(const struct effect *effect)
{
    if (effect->count == 0) return UINT64_MAX;
    uint64_t due = effect->progress_due;
    for (size_t i = 0; i < effect->count; i++) {
        if (effect->steps[i]->state == TRACKED_ENDED) return 0;
        if (effect->steps[i]->kill_at < due) due = effect->steps[i]->kill_at;
    }
    return due;
}
