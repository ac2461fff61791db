#include "process.h"

#include "check.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static struct run *run_find(struct world *w, uint32_t worker, const struct sim_step *ref)
{
    for (struct run *run = w->runs; run; run = run->next)
        if (run->worker == worker && run->ref.step == ref->step && run->ref.run == ref->run &&
            run->ref.attempt == ref->attempt && id_equal(&run->ref.job, &ref->job))
            return run;
    return NULL;
}

static struct run *run_make(struct world *w, uint32_t worker, const struct sim_step *ref)
{
    struct run *run = run_find(w, worker, ref);
    if (run) return run;
    run = arena_calloc(&w->arena, 1, sizeof *run);
    run->worker = worker;
    run->ref = *ref;
    run->next = w->runs;
    w->runs = run;
    return run;
}

/* The worker's shell, if it still is the one that watches, notices within its poll. */
static void run_news(struct world *w, struct run *run)
{
    if (run->watched_life)
        world_at(w, 1 + world_below(w, w->options.healthy ? 5 : 100), EV_NEWS, run->worker, run,
                 run->watched_life);
}

static void run_end(struct world *w, struct run *run, enum status status)
{
    assert(run->alive);
    assert(run->begun);
    run->alive = false;
    run->over = true;
    run->outcome = status;
    world_trace(w, "%s job=%s attempt=%u %s run=%u ended %s", w->nodes[run->worker].name,
                run->ref.job.text, run->ref.attempt, lifecycle_event_name(run->event), run->ref.run,
                status_name(status));
    check_run_ended(w, run);
    run_news(w, run);
}

/* ---- what a step does ---- */

static struct sim_copy *copy_of(struct world *w, const struct artifact_ref *ref, uint32_t region)
{
    for (size_t i = 0; i < w->copy_count; i++)
        if (w->copies[i].region == region && text_equal(w->copies[i].key, ref->key) &&
            (!ref->version_id[0] || text_equal(w->copies[i].version_id, ref->version_id)))
            return &w->copies[i];
    return NULL;
}

/* A put of the destination store: each makes another version of the key. */
static void put(struct world *w, struct run *run, const char *key, const uint8_t *sha256)
{
    if (w->copy_count == w->copy_cap) {
        w->copy_cap = w->copy_cap ? w->copy_cap * 2 : 16;
        w->copies = xrealloc(w->copies, w->copy_cap * sizeof *w->copies);
    }
    struct sim_copy *copy = &w->copies[w->copy_count++];
    *copy = (struct sim_copy){ .region = w->nodes[run->worker].region };
    bool fits = text_copy(copy->key, sizeof copy->key, key);
    assert(fits);
    memcpy(copy->sha256, sha256, SHA256_SIZE);
    snprintf(copy->version_id, sizeof copy->version_id, "c%llu", (unsigned long long)++w->versions);
    memcpy(run->version_id, copy->version_id, sizeof run->version_id);
}

void process_build_digest(const uint8_t source[SHA256_SIZE], uint8_t out[SHA256_SIZE])
{
    for (size_t i = 0; i < SHA256_SIZE; i++) out[i] = source[i] ^ 0xb5;
}

static void build(struct world *w, struct run *run)
{
    const struct job_artifact *output = &run->job->outputs[0];
    if (run->job->output_count == 0) return; /* commands of a rule */
    assert(run->job->output_count == 1);
    run->made = (struct job_artifact){ .name = output->name, .ref = output->ref };
    run->made.grant = (struct grant){ .url = "", .pin = "" };
    process_build_digest(run->job->inputs[0].ref.sha256, run->made.ref.sha256);
    put(w, run, output->ref.key, run->made.ref.sha256);
    run->made.ref.version_id = run->version_id;
    run->made.ref.size = 500;
}

/* The primary region reads the source object itself, the others their copy. */
static bool download(struct world *w, const struct run *run)
{
    const struct artifact_ref *ref = &run->job->input;
    if (w->nodes[run->worker].region == 0) return ref->version_id[0] != '\0';
    const struct sim_copy *copy = copy_of(w, ref, w->nodes[run->worker].region);
    if (!copy) {
        world_fail(w, "S8", "job %s reads %s version '%s', which region %u does not have",
                   run->ref.job.text, ref->key, ref->version_id, w->nodes[run->worker].region);
        return false;
    }
    if (memcmp(copy->sha256, ref->sha256, SHA256_SIZE) != 0)
        world_fail(w, "S8", "job %s reads %s with another digest than it was signed with",
                   run->ref.job.text, ref->key);
    return true;
}

/* ---- deltas ---- */

static void delta_digest(const uint8_t old[SHA256_SIZE], const uint8_t new[SHA256_SIZE],
                         uint8_t out[SHA256_SIZE])
{
    for (size_t i = 0; i < SHA256_SIZE; i++) out[i] = (uint8_t)(old[i] ^ (new[i] + 1));
}

static void delta(struct world *w, struct run *run)
{
    const struct job *job = run->job;
    if (job->input_count != 1 || job->output_count != 1 ||
        memcmp(job->inputs[0].ref.sha256, job->input.sha256, SHA256_SIZE) == 0)
        world_fail(w, "DELTA", "job %s has nothing to tell the artifact by", job->id.text);
    if (w->finding[0] || world_chance(w, w->options.delta_large)) return;
    const struct job_artifact *output = &job->outputs[0];
    run->made = (struct job_artifact){ .name = output->name, .ref = output->ref };
    run->made.grant = (struct grant){ .url = "", .pin = "" };
    delta_digest(job->inputs[0].ref.sha256, job->input.sha256, run->made.ref.sha256);
    put(w, run, output->ref.key, run->made.ref.sha256);
    run->made.ref.version_id = run->version_id;
    run->made.ref.size = 100;
    w->stats->deltas++;
}

/* What it is offered must be there and be what it says: the base in its own region, the delta of
 * exactly that base and that artifact where the delta was made. */
static void replicate(struct world *w, struct run *run)
{
    const struct job *job = run->job;
    run->way = COPY_WAY_WHOLE;
    if (job->input_count) {
        uint8_t digest[SHA256_SIZE];
        const struct artifact_ref *base = &job->inputs[0].ref, *told = &job->inputs[1].ref;
        delta_digest(base->sha256, job->input.sha256, digest);
        bool made = false;
        for (uint32_t region = 0; region < w->options.regions; region++)
            made = made || copy_of(w, told, region);
        if (job->input_count != 2 || !copy_of(w, base, w->nodes[run->worker].region) || !made ||
            memcmp(told->sha256, digest, SHA256_SIZE) != 0)
            world_fail(w, "DELTA", "job %s is offered a delta that is not its own", job->id.text);
        if (!world_chance(w, w->options.delta_useless)) run->way = COPY_WAY_DELTA;
    }
    if (run->way == COPY_WAY_DELTA) w->stats->told++;
    put(w, run, job->output.key, job->input.sha256);
}

static void run_finish(struct world *w, struct run *run)
{
    bool good = !world_chance(w, w->options.step_fails);
    if (!good) w->stats->failures++;
    if (good && run->kind == STEP_DOWNLOAD) good = download(w, run);
    if (good && run->kind == STEP_BUILD) good = download(w, run);
    if (good && run->kind == STEP_BUILD) build(w, run);
    if (good && run->kind == STEP_DELTA) delta(w, run);
    if (good && run->kind == STEP_REPLICATE) replicate(w, run);
    run_end(w, run, good ? STATUS_SUCCEEDED : STATUS_FAILED);
}

/* Half of the jobs have hooks that may begin again. */
bool process_rerun_safe(const struct run *run)
{
    return run->ref.job.text[0] % 2 == 0;
}

/* What worker/steps/hook/hook.c decides by the lists that earlier runs left. */
static bool hook_may_begin(struct world *w, const struct run *run)
{
    uint32_t begun = 0;
    for (const struct run *other = w->runs; other; other = other->next) {
        bool same = other != run && other->worker == run->worker && other->effect &&
                    other->ref.step == run->ref.step && other->ref.attempt == run->ref.attempt &&
                    id_equal(&other->ref.job, &run->ref.job);
        if (same && other->ref.run > begun) begun = other->ref.run;
    }
    return begun == 0 || process_rerun_safe(run) || begun < run->ordered_run;
}

static void run_claim(struct world *w, struct run *run)
{
    if (run->begun || run->barred) { /* somebody else runs this step, or did */
        run->alive = false;
        return;
    }
    if (run->told_to_end) { /* ended before it had begun: it leaves nothing */
        run->alive = false;
        run_news(w, run);
        return;
    }
    run->begun = true;
    w->stats->steps++;
    if (run->kind == STEP_HOOK && !hook_may_begin(w, run)) {
        run->interrupted = true;
        w->stats->interruptions++;
        run_end(w, run, STATUS_UNKNOWN);
        return;
    }
    run->effect = true;
    world_trace(w, "%s job=%s attempt=%u %s run=%u begins", w->nodes[run->worker].name,
                run->ref.job.text, run->ref.attempt, lifecycle_event_name(run->event),
                run->ref.run);
    check_run_begins(w, run);
    if (run->leased) world_at(w, 0, EV_LEASE, run->worker, run, run->process);
    uint64_t takes =
        1 + world_below(w, run->kind == STEP_REPLICATE ? w->options.copy_ms : w->options.step_ms);
    if (world_chance(w, w->options.step_hangs)) {
        w->stats->hangs++;
        takes = w->options.hang_ms;
        world_at(w, takes, EV_KILL, run->worker, run, run->process);
    } else {
        world_at(w, takes, EV_END, run->worker, run, run->process);
    }
}

/* The supervisor looks once a second; its own process ends at once. */
static void run_look_at_lease(struct world *w, struct run *run)
{
    if (!run->alive || !run->begun) return;
    if (node_boot(w, &w->nodes[run->worker]) >= run->lease_until_boot_ms)
        run_end(w, run, STATUS_UNKNOWN);
    else
        world_at(w, 1000, EV_LEASE, run->worker, run, run->process);
}

void process_event(struct world *w, const struct sim_event *event)
{
    struct run *run = event->data;
    struct sim_node *n = &w->nodes[run->worker];
    if (event->kind == EV_NEWS) {
        if (n->up && n->life == event->number && run->watched_life == n->life)
            world_input(w, run->worker, (struct sim_input){ .kind = INPUT_STEP, .run = run });
        return;
    }
    if (!run->alive || run->process != event->number) return;
    if (event->kind == EV_CLAIM) run_claim(w, run);
    if (event->kind == EV_END) run_finish(w, run);
    if (event->kind == EV_LEASE) run_look_at_lease(w, run);
    if (event->kind == EV_KILL) run_end(w, run, run->told_to_end ? STATUS_STOPPED : STATUS_FAILED);
}

/* ---- the worker's shell ---- */

void process_start(struct world *w, uint32_t worker, const struct sim_step *ref,
                   const struct step_spec *spec)
{
    struct sim_node *n = &w->nodes[worker];
    struct run *run = run_make(w, worker, ref);
    run->job = check_start(w, worker, ref, spec);
    if (w->finding[0]) return;
    run->kind = spec->kind;
    run->event = spec->event;
    run->ordered_run = spec->ordered_run;
    run->watched_life = n->life;
    if (run->alive || run->begun) {
        if (!run->alive) run_news(w, run);
        return;
    }
    run->alive = true;
    run->told_to_end = false;
    run->spawned_life = n->life;
    run->process = ++w->processes;
    uint64_t slow = world_chance(w, w->options.slow_claim) ? world_below(w, SIM_SLOW_CLAIM_MS) : 0;
    world_at(w, 1 + slow + world_below(w, w->options.healthy ? 5 : 50), EV_CLAIM, worker, run,
             run->process);
}

void process_adopt(struct world *w, uint32_t worker, const struct sim_step *ref)
{
    struct run *run = run_make(w, worker, ref);
    run->watched_life = w->nodes[worker].life;
    if (!run->alive || !run->begun) run_news(w, run);
}

void process_cancel(struct world *w, uint32_t worker, const struct sim_step *ref)
{
    struct run *run = run_find(w, worker, ref);
    if (!run || !run->alive) return;
    run->told_to_end = true;
    /* TERM, five seconds, KILL: the step may end by itself in the meantime. */
    if (run->begun) world_at(w, 1 + world_below(w, 5000), EV_KILL, worker, run, run->process);
}

void process_lease(struct world *w, uint32_t worker, const struct sim_step *ref,
                   uint64_t until_boot_ms)
{
    struct run *run = run_make(w, worker, ref);
    run->leased = true;
    run->lease_until_boot_ms = until_boot_ms;
}

void process_forget(struct world *w, uint32_t worker, const struct id *job, uint32_t attempt)
{
    for (struct run **at = &w->runs; *at;) {
        struct run *run = *at;
        bool gone =
            run->worker == worker && run->ref.attempt == attempt && id_equal(&run->ref.job, job);
        if (gone && run->alive && run->begun)
            world_fail(w, "FORGET", "job %s attempt %u is forgotten while its %s runs", job->text,
                       attempt, lifecycle_event_name(run->event));
        if (gone)
            *at = run->next;
        else
            at = &run->next;
        if (gone) run->alive = false;
    }
}

void process_host_down(struct world *w, uint32_t worker, bool wipe)
{
    for (struct run **at = &w->runs; *at;) {
        struct run *run = *at;
        if (run->worker == worker) run->alive = false;
        if (run->worker == worker && wipe)
            *at = run->next;
        else
            at = &run->next;
    }
}

void process_kill_any(struct world *w, uint32_t worker)
{
    for (struct run *run = w->runs; run; run = run->next) {
        if (run->worker != worker || !run->alive) continue;
        world_trace(w, "%s job=%s %s killed", w->nodes[worker].name, run->ref.job.text,
                    lifecycle_event_name(run->event));
        w->stats->kills++;
        run->alive = false;
        run_news(w, run);
        return;
    }
}

bool process_lost(struct world *w, struct run *run)
{
    bool unseen = run->alive && !run->begun && run->spawned_life != w->nodes[run->worker].life;
    if (run->over || (run->alive && !unseen)) return false;
    if (!run->begun) run->barred = true;
    return true;
}

struct step_outcome process_outcome(const struct run *run)
{
    assert(run->over);
    return (struct step_outcome){
        .status = run->outcome,
        .diagnostics = { .code = run->outcome == STATUS_SUCCEEDED ? LIFECYCLE_SUCCESS
                                                                  : LIFECYCLE_SCRIPT_FAILED,
                         .script = "",
                         .message = run->outcome == STATUS_SUCCEEDED ? "" : "simulated",
                         .log_tail = "" },
        .interrupted = run->interrupted,
        .noop = run->kind == STEP_HOOK && run->process % 3 == 0,
        .version_id = run->version_id,
        .bytes = run->kind != STEP_REPLICATE  ? 0
                 : run->way == COPY_WAY_DELTA ? 100
                                              : 1000,
        .way = run->way,
        .note = "",
        .outputs = &run->made,
        .output_count = run->made.name && run->outcome == STATUS_SUCCEEDED ? 1 : 0,
    };
}
