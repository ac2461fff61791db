#include "core/deploy.h"

#include "core/barrier.h"
#include "core/deploy_rollout.h"
#include "core/engine.h"
#include "core/journal.h"
#include "core/replication.h"
#include "core/variables.h"

#include <assert.h>
#include <stdio.h>

const char *deploy_target(struct arena *arena, const struct model_execution *e, size_t stage,
                          size_t action)
{
    return arena_format(arena, "deploy:%s/%s",
                        variables_setting(e, stage, action, "ApplicationName", arena),
                        variables_setting(e, stage, action, "DeploymentGroupName", arena));
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
    size_t bad_count, skipped, held;
    bool grouped; /* by a deployment group that was applied */
};

/* Of the running attempt of the action: a retry leaves the jobs that have failed behind. */
static bool job_of(const struct model_execution *e, const struct model_job *job, size_t stage,
                   size_t action)
{
    return id_equal(&job->state.action_execution, &model_action(e, stage, action)->id);
}

/* Its host's turn has not come. */
static bool job_held(const struct model_execution *e, const struct model_job *job)
{
    return deploy_rolls(model_action(e, job->stage, job->action)) && !job->begins &&
           job->state.status == STATUS_PENDING && job->state.attempt == 0;
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
            if (job_held(e, job))
                tally.held++;
            else if (!tally.waiting && job->state.cause[0])
                tally.waiting = job;
        } else if (job->state.status == STATUS_SKIPPED) {
            tally.skipped++;
        } else {
            if (!tally.bad || tally.bad->state.status == STATUS_STOPPED) tally.bad = job;
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
    struct job_state state = model_job_new(c, e, stage, action);
    state.deployment = deployment_of(c, e, model_action(e, stage, action));
    state.kind = JOB_DEPLOY;
    state.worker = worker;
    state.target = deploy_target(&c->out->arena, e, stage, action);
    state.artifact = definition->inputs[0];
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

static bool worker_missing(const struct coordinator *c, const struct model_execution *e,
                           size_t stage, size_t action, const struct model_worker *w)
{
    return !w->covered && deploy_takes(c, e, stage, action, w) &&
           !deploy_current(c, e, stage, action, w);
}

/* A job for every enrolled worker of the region, or for none: an action that left some out
 * would succeed by mistake. Looked at once for each state of the fleet. */
static bool workers_cover(struct coordinator *c, struct model_execution *e, size_t stage,
                          size_t action)
{
    uint64_t *covered = &e->covered[model_action(e, stage, action) - e->actions];
    size_t missing = 0;
    if (*covered == c->fleet_generation) return true;
    const struct deployment_group *group = deploy_group_of(c, e, stage, action);
    if (group && group->ignore_outdated && deploy_rolls(model_action(e, stage, action)))
        return true;
    workers_mark(c, e, stage, action);
    list_for_each (link, &c->workers)
        missing += worker_missing(c, e, stage, action, list_entry(link, struct model_worker, link));
    if (missing > WIRE_JOBS_MAX || e->job_count > WIRE_JOBS_MAX - missing) return false;
    *covered = c->fleet_generation;
    list_for_each (link, &c->workers) {
        const struct model_worker *w = list_entry(link, struct model_worker, link);
        if (worker_missing(c, e, stage, action, w)) job_create(c, e, stage, action, w->name);
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
        return arena_format(&c->out->arena,
                            tally->grouped
                                ? "NO_INSTANCES: no worker of region %s has the tags of the "
                                  "deployment group"
                                : "no worker is enrolled in region %s",
                            state->region);
    if (tally->waiting) return tally->waiting->state.cause;
    if (!tally->busy || !tally->busy->state.cancel) return "";
    const char *more = "";
    if (tally->open > 1) more = arena_format(&c->out->arena, " (and %zu more)", tally->open - 1);
    return arena_format(&c->out->arena, "%s is still at work%s", tally->busy->state.worker, more);
}

/* "61/100 instances; 10 at work, 29 wait, 1 failed" */
static const char *roll_text(struct coordinator *c, const struct tally *tally, const char *waiting)
{
    struct arena *arena = &c->out->arena;
    size_t works = tally->open - tally->held;
    const char *text = arena_format(arena, "%zu/%zu instances", tally->succeeded, tally->total);
    const char *sign = "; ";
    const struct {
        size_t count;
        const char *what;
    } parts[] = { { works, "at work" },
                  { tally->held, "wait" },
                  { tally->bad_count, "failed" },
                  { tally->skipped, "skipped" } };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i].count) continue;
        text = arena_format(arena, "%s%s%zu %s", text, sign, parts[i].count, parts[i].what);
        sign = ", ";
    }
    if (waiting[0]) text = arena_format(arena, "%s; %s", text, waiting);
    return text;
}

/* Enrolled hosts that belong to it, whether or not they need anything. */
static bool hosts_exist(const struct coordinator *c, const struct model_execution *e, size_t stage,
                        size_t action)
{
    list_for_each (link, &c->workers)
        if (deploy_takes(c, e, stage, action, list_entry(link, struct model_worker, link)))
            return true;
    return false;
}

static void summarise(struct coordinator *c, struct model_execution *e, struct action_state *state,
                      const struct tally *tally)
{
    const char *waiting = waiting_text(c, state, tally);
    bool changed;
    if (tally->total == 0)
        changed = model_text(&state->summary, waiting);
    else if (deploy_rolls(state))
        changed = model_text(&state->summary, roll_text(c, tally, waiting));
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
    const char *broken = barrier_broken(arena, e, stage, action);
    if (e->state.stop_abandon)
        engine_end_action(c, e, stage, action, STATUS_ABANDONED, "", "");
    else if (tally->bad)
        engine_end_action(c, e, stage, action, STATUS_FAILED, "JobFailed",
                          broken ? arena_format(arena, "%s\n%s", failure_text(arena, tally), broken)
                                 : failure_text(arena, tally));
    else
        engine_end_action(c, e, stage, action, STATUS_SUCCEEDED, "", "");
}

/* ---- deployment groups ---- */

static void plan_fails(struct coordinator *c, struct model_execution *e, size_t stage,
                       size_t action, size_t hosts)
{
    const char *config = deploy_group_of(c, e, stage, action)->config;
    deploy_skip(c, e, stage, action, "the deployment did not begin");
    engine_end_action(
        c, e, stage, action, STATUS_FAILED, "HEALTH_CONSTRAINTS_INVALID",
        arena_format(&c->out->arena,
                     "configuration %s wants all %zu hosts to stay healthy: none could be deployed "
                     "to; lower its minimumHealthyHosts",
                     config, hosts));
}

static void roll_fails(struct coordinator *c, struct model_execution *e, size_t stage,
                       size_t action, const struct rollout *r)
{
    struct arena *arena = &c->out->arena;
    const struct model_alarm *alarm = deploy_alarm(c, e, stage, action);
    const char *code = alarm ? "ALARM_ACTIVE" : "HEALTH_CONSTRAINTS", *why;
    if (alarm)
        why = arena_format(arena, "alarm %s is raised%s%s", alarm->state.name,
                           alarm->state.reason[0] ? ": " : "", alarm->state.reason);
    else
        why =
            arena_format(arena, "%zu of %zu hosts failed, %u may be out of service", r->failed,
                         r->good + r->failed + r->waits + r->lost + r->skipped, (unsigned)r->spare);
    deploy_skip(c, e, stage, action, why);
    struct tally tally = tally_of(e, stage, action);
    summarise(c, e, model_action(e, stage, action), &tally);
    engine_end_action(c, e, stage, action, STATUS_FAILED, code,
                      tally.bad ? arena_format(arena, "%s\n%s", failure_text(arena, &tally), why)
                                : why);
}

/* True when that ended the action. */
static bool roll(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                 struct tally *tally)
{
    struct rollout r;
    bool nobody = tally->total == 0 && e->state.outdated_only && c->fleet_generation &&
                  hosts_exist(c, e, stage, action);
    if (nobody) {
        model_text(&model_action(e, stage, action)->summary, "every host has this revision");
        engine_end_action(c, e, stage, action, STATUS_SUCCEEDED, "", "");
    }
    if (nobody || !deploy_rolls(model_action(e, stage, action))) return nobody;
    deploy_roll(c, e, stage, action, &r);
    *tally = tally_of(e, stage, action);
    switch (r.verdict) {
    case ROLLOUT_GOES_ON: return false;
    case ROLLOUT_FAILED: roll_fails(c, e, stage, action, &r); return true;
    case ROLLOUT_SUCCEEDED: break;
    }
    summarise(c, e, model_action(e, stage, action), tally);
    engine_end_action(c, e, stage, action, STATUS_SUCCEEDED, "", "");
    return true;
}

void deploy_reconcile(struct coordinator *c, struct model_execution *e, size_t stage, size_t action)
{
    struct action_state *state = model_action(e, stage, action);
    size_t wanted =
        replication_want(c, e, stage, action, model_action_definition(e, stage, action)->inputs[0]);
    const struct copy_state *copy = &e->copies[wanted];
    bool no_copy = status_ended(copy->status) && copy->status != STATUS_SUCCEEDED;
    bool first = deploy_group_of(c, e, stage, action) && !deploy_rolls(state) &&
                 tally_of(e, stage, action).open == 0;
    if (c->fleet_generation && !e->state.stop_abandon && !no_copy &&
        !workers_cover(c, e, stage, action)) {
        engine_end_action(c, e, stage, action, STATUS_FAILED, "ConfigurationError",
                          "an execution has at most 1000 jobs, and this action needs more: divide "
                          "the pipeline or the region");
        return;
    }
    struct tally tally = tally_of(e, stage, action);
    tally.grouped = deploy_group_of(c, e, stage, action);
    if (first && tally.open && !deploy_plan(c, e, stage, action, tally.total)) {
        plan_fails(c, e, stage, action, tally.total);
        return;
    }
    if (!e->state.stop_abandon && !no_copy && roll(c, e, stage, action, &tally)) return;
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
