#include "core/deploy.h"

#include "core/engine.h"
#include "core/journal.h"
#include "core/replication.h"

#include <assert.h>
#include <stdio.h>

const char *deploy_target(struct arena *arena, const struct pipeline_action *action)
{
    return arena_format(arena, "deploy:%s/%s", pipeline_setting_get(action, "ApplicationName"),
                        pipeline_setting_get(action, "DeploymentGroupName"));
}

/* FNV-1a, 64 bits. The NUL between the names keeps "a" "bc" and "ab" "c" apart. */
void deploy_group_id(const char *application, const char *group, char out[DEPLOY_GROUP_ID_SIZE])
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const char *const texts[] = { application, group };
    for (size_t t = 0; t < 2; t++) {
        const char *at = texts[t];
        do hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
        while (*at++);
    }
    snprintf(out, DEPLOY_GROUP_ID_SIZE, "dg-%016llx", (unsigned long long)hash);
}

/* ---- its jobs ---- */

struct tally {
    size_t total, succeeded, open;
    const struct model_job *waiting, *busy, *bad; /* the first of each */
    size_t bad_count;
};

/* Of the running attempt of the action: a retry leaves the jobs that have failed behind. */
static bool job_of(const struct model_execution *e, const struct model_job *job, size_t stage,
                   size_t action)
{
    return id_equal(&job->state.action_execution, &model_action(e, stage, action)->id);
}

static struct tally tally_of(const struct model_execution *e, size_t stage, size_t action)
{
    struct tally tally = { 0 };
    list_for_each (link, model_action_jobs(e, stage, action)) {
        const struct model_job *job = list_entry(link, struct model_job, action_link);
        if (!job_of(e, job, stage, action)) continue;
        tally.total++;
        if (job->state.status == STATUS_SUCCEEDED) {
            tally.succeeded++;
        } else if (!status_ended(job->state.status)) {
            tally.open++;
            if (!tally.busy) tally.busy = job;
            if (!tally.waiting && job->state.cause[0]) tally.waiting = job;
        } else {
            if (!tally.bad) tally.bad = job;
            tally.bad_count++;
        }
    }
    return tally;
}

/* One for all hosts of an attempt; those that finished before it keep the one they had. */
static struct id deployment_of(struct coordinator *c, struct model_execution *e,
                               struct action_state *running)
{
    if (id_empty(&running->deployment)) {
        running->deployment = id_new_deployment(&c->random);
        journal_execution(c, e);
    }
    return running->deployment;
}

static void job_create(struct coordinator *c, struct model_execution *e, size_t stage,
                       size_t action, const char *worker)
{
    const struct pipeline_action *definition = model_action_definition(e, stage, action);
    struct action_state *running = model_action(e, stage, action);
    struct job_state state = {
        .id = id_new_uuid(&c->random),
        .execution = e->state.id,
        .action_execution = running->id,
        .deployment = deployment_of(c, e, running),
        .kind = JOB_DEPLOY,
        .worker = worker,
        .region = running->region,
        .target = deploy_target(&c->out->arena, definition),
        .artifact = definition->inputs[0],
        .status = STATUS_PENDING,
        .cause = "",
        .created_ms = c->now_ms,
        .deadline_ms = running->deadline_ms,
        .diagnostics = { .script = "", .message = "", .log_tail = "" },
        .stage_number = (uint32_t)stage + 1,
        .action_number = (uint32_t)action + 1,
    };
    struct model_job *job = model_job_add(c, e, &state);
    model_job_place(job, stage, action);
    journal_job(c, job);
    journal_event_job(c, job);
}

/* Marks the workers that have a job of the action. */
static void workers_mark(struct coordinator *c, const struct model_execution *e, size_t stage,
                         size_t action)
{
    list_for_each (link, &c->workers) list_entry(link, struct model_worker, link)->covered = false;
    list_for_each (link, model_action_jobs(e, stage, action)) {
        const struct model_job *job = list_entry(link, struct model_job, action_link);
        if (!job_of(e, job, stage, action)) continue;
        struct model_worker *w = model_worker_find(c, job->state.worker);
        if (w) w->covered = true;
    }
}

static bool worker_missing(const struct model_execution *e, size_t stage, size_t action,
                           const struct model_worker *w)
{
    return w->enrolled && !w->builds_only && !w->covered &&
           text_equal(w->region, model_action(e, stage, action)->region);
}

/* A job for every enrolled worker of the region, or for none: an action that left some out
 * would succeed by mistake. Looked at once for each state of the fleet. */
static bool workers_cover(struct coordinator *c, struct model_execution *e, size_t stage,
                          size_t action)
{
    uint64_t *covered = &e->covered[model_action(e, stage, action) - e->actions];
    size_t missing = 0;
    if (*covered == c->fleet_generation) return true;
    workers_mark(c, e, stage, action);
    list_for_each (link, &c->workers)
        missing += worker_missing(e, stage, action, list_entry(link, struct model_worker, link));
    if (missing > WIRE_JOBS_MAX || e->job_count > WIRE_JOBS_MAX - missing) return false;
    *covered = c->fleet_generation;
    list_for_each (link, &c->workers) {
        const struct model_worker *w = list_entry(link, struct model_worker, link);
        if (worker_missing(e, stage, action, w)) job_create(c, e, stage, action, w->name);
    }
    return true;
}

/* ---- its end ---- */

static const char *failure_text(struct arena *arena, const struct tally *tally)
{
    const struct job_state *bad = &tally->bad->state;
    const char *more = "";
    if (tally->bad_count > 1) more = arena_format(arena, " (and %zu more)", tally->bad_count - 1);
    return arena_format(arena, "%s: %s%s", bad->worker, bad->cause, more);
}

static const char *waiting_text(struct coordinator *c, const struct action_state *state,
                                const struct tally *tally)
{
    if (tally->total == 0 && c->fleet_generation)
        return arena_format(&c->out->arena, "no worker is enrolled in region %s", state->region);
    if (tally->waiting) return tally->waiting->state.cause;
    if (!tally->busy || !tally->busy->state.cancel) return "";
    const char *more = "";
    if (tally->open > 1) more = arena_format(&c->out->arena, " (and %zu more)", tally->open - 1);
    return arena_format(&c->out->arena, "%s is still at work%s", tally->busy->state.worker, more);
}

static void summarise(struct coordinator *c, struct model_execution *e, struct action_state *state,
                      const struct tally *tally)
{
    const char *waiting = waiting_text(c, state, tally);
    bool changed;
    if (tally->total == 0)
        changed = model_text(&state->summary, waiting);
    else
        changed = model_format(&state->summary, "%zu/%zu instances%s%s", tally->succeeded,
                               tally->total, waiting[0] ? "; " : "", waiting);
    /* Told, but nothing is decided by it. */
    if (changed) journal_execution_hint(c, e);
}

static void time_out(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                     const struct tally *tally)
{
    const struct action_state *state = model_action(e, stage, action);
    const char *waiting = waiting_text(c, state, tally);
    const char *text = arena_format(
        &c->out->arena, "timed out after %llu s with %zu/%zu instances: %s",
        (unsigned long long)(state->deadline_ms - state->started_ms) / 1000, tally->succeeded,
        tally->total, waiting[0] ? waiting : "a worker has not ended in time");
    if (e->state.stop_abandon)
        engine_end_action(c, e, stage, action, STATUS_ABANDONED, "", text);
    else
        engine_end_action(c, e, stage, action, STATUS_FAILED, "JobFailed", text);
}

static void conclude(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                     const struct tally *tally)
{
    struct arena *arena = &c->out->arena;
    if (e->state.stop_abandon)
        engine_end_action(c, e, stage, action, STATUS_ABANDONED, "", "");
    else if (tally->bad)
        engine_end_action(c, e, stage, action, STATUS_FAILED, "JobFailed",
                          failure_text(arena, tally));
    else
        engine_end_action(c, e, stage, action, STATUS_SUCCEEDED, "", "");
}

void deploy_reconcile(struct coordinator *c, struct model_execution *e, size_t stage, size_t action)
{
    struct action_state *state = model_action(e, stage, action);
    size_t wanted =
        replication_want(c, e, stage, action, model_action_definition(e, stage, action)->inputs[0]);
    const struct copy_state *copy = &e->copies[wanted];
    bool no_copy = status_ended(copy->status) && copy->status != STATUS_SUCCEEDED;
    if (c->fleet_generation && !e->state.stop_abandon && !no_copy &&
        !workers_cover(c, e, stage, action)) {
        engine_end_action(c, e, stage, action, STATUS_FAILED, "ConfigurationError",
                          "an execution has at most 1000 jobs, and this action needs more: divide "
                          "the pipeline or the region");
        return;
    }
    struct tally tally = tally_of(e, stage, action);
    summarise(c, e, state, &tally);
    if (tally.open == 0 && (tally.total > 0 || e->state.stop_abandon)) {
        conclude(c, e, stage, action, &tally);
    } else if (tally.open == 0 && no_copy) {
        engine_end_action(c, e, stage, action, STATUS_FAILED, "JobFailed",
                          arena_format(&c->out->arena, "artifact %s was not copied to region %s",
                                       copy->artifact, copy->region));
    } else if (c->now_ms >= state->deadline_ms) {
        time_out(c, e, stage, action, &tally);
    } else {
        engine_wake_wall(c, state->deadline_ms);
    }
}
