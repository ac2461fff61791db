#include "core/deploy_rollout.h"

#include "core/deploy.h"
#include "core/dispatch.h"
#include "core/engine.h"
#include "core/journal.h"
#include "core/replication.h"
#include "core/variables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const struct deployment_group *deploy_group_of(const struct coordinator *c,
                                               const struct model_execution *e, size_t stage,
                                               size_t action)
{
    struct arena *arena = &c->out->arena;
    return model_group(c, variables_setting(e, stage, action, "ApplicationName", arena),
                       variables_setting(e, stage, action, "DeploymentGroupName", arena));
}

bool deploy_rolls(const struct action_state *state)
{
    return state->hosts > 0;
}

/* ---- hosts ---- */

bool deploy_takes(const struct coordinator *c, const struct model_execution *e, size_t stage,
                  size_t action, const struct model_worker *w)
{
    const struct deployment_group *group = deploy_group_of(c, e, stage, action);
    return w->enrolled && !w->builds_only &&
           text_equal(w->region, model_action(e, stage, action)->region) &&
           (!group || group_fits(group, w->tags, w->tag_count));
}

static const struct artifact_ref *bundle_of(const struct model_execution *e, size_t stage,
                                            size_t action)
{
    return replication_origin(e, model_action_definition(e, stage, action)->inputs[0]);
}

static enum host_health health_of(const struct coordinator *c, const struct model_execution *e,
                                  size_t stage, size_t action, const char *target,
                                  const char *worker)
{
    const struct model_host *host = model_host_find(c, target, worker);
    const struct artifact_ref *bundle = bundle_of(e, stage, action);
    if (!host) return HEALTH_UNKNOWN;
    if (host->state.status != STATUS_SUCCEEDED) return HEALTH_BAD;
    bool same = bundle && memcmp(host->state.sha256, bundle->sha256, SHA256_SIZE) == 0;
    return same ? HEALTH_CURRENT : HEALTH_OLD;
}

bool deploy_current(const struct coordinator *c, const struct model_execution *e, size_t stage,
                    size_t action, const struct model_worker *w)
{
    if (!e->state.outdated_only) return false;
    const char *target = deploy_target(&c->out->arena, e, stage, action);
    return health_of(c, e, stage, action, target, w->name) == HEALTH_CURRENT;
}

void deploy_host_ended(struct coordinator *c, const struct model_job *job)
{
    const struct model_execution *e = job->execution;
    const struct model_host *before = model_host_find(c, job->state.target, job->state.worker);
    struct arena *arena = &c->out->arena;
    if (job->state.attempt == 0) return; /* nothing has touched the host */
    struct host_record record = { .target = arena_text(arena, job->state.target),
                                  .worker = arena_text(arena, job->state.worker),
                                  .status = job->state.status,
                                  .deployment = job->state.deployment,
                                  .revision = "",
                                  .ended_ms = c->now_ms };
    const struct revision *revision = replication_revision(e, job->state.artifact);
    const struct artifact_ref *bundle = bundle_of(e, job->stage, job->action);
    if (job->state.status == STATUS_SUCCEEDED && revision && bundle) {
        record.revision = arena_text(arena, revision->revision_id);
        memcpy(record.sha256, bundle->sha256, sizeof record.sha256);
    } else if (before) {
        record.revision = arena_text(arena, before->state.revision);
        memcpy(record.sha256, before->state.sha256, sizeof record.sha256);
    }
    model_host_set(c, &record);
    journal_put(c, RECORD_HOST)->host = record;
}

/* ---- the plan ---- */

bool deploy_plan(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                 size_t hosts)
{
    const struct deployment_group *group = deploy_group_of(c, e, stage, action);
    struct action_state *state = model_action(e, stage, action);
    size_t spare;
    assert(group);
    const struct deployment_config *config = model_config(c, group->config);
    if (!config || !config_spare(config, hosts, &spare)) return false;
    state->hosts = (uint32_t)hosts;
    state->spare = (uint32_t)spare;
    model_text(&state->config, group->config);
    journal_execution(c, e);
    return true;
}

static bool job_waits(const struct model_job *job)
{
    return job->state.status == STATUS_PENDING && job->state.attempt == 0;
}

/* A host that nobody can reach is waited for, but not for ever. */
static bool lost_too_long(struct coordinator *c, struct model_job *job,
                          const struct action_state *state, const struct model_worker *w)
{
    uint64_t since_ms = w->lost_ms > state->started_ms ? w->lost_ms : state->started_ms;
    if (c->now_ms < since_ms + DEPLOY_LOST_MS) {
        engine_wake_wall(c, since_ms + DEPLOY_LOST_MS);
        return false;
    }
    dispatch_end(c, job, STATUS_FAILED,
                 "AGENT_ISSUE: the worker was not connected for 5 minutes, nothing has begun there",
                 NULL);
    return true;
}

static enum host_phase phase_of(struct coordinator *c, struct model_job *job,
                                const struct action_state *state, const struct model_worker *w)
{
    if (job->state.status == STATUS_SUCCEEDED) return HOST_GOOD;
    if (job->state.status == STATUS_SKIPPED) return HOST_SKIPPED;
    if (status_ended(job->state.status)) return HOST_FAILED;
    if (!job_waits(job)) return HOST_WORKS;
    if (w->connected) return job->begins ? HOST_WORKS : HOST_WAITS;
    job->begins = false;
    return lost_too_long(c, job, state, w) ? HOST_FAILED : HOST_LOST;
}

/* A host that never came and was revoked is not known after a restart: only its job's end is. */
static struct rollout_host host_of(struct coordinator *c, struct model_execution *e,
                                   struct model_job *job)
{
    const struct model_worker *w = model_worker_find(c, job->state.worker);
    assert(w || status_ended(job->state.status));
    if (!job->health_known) {
        job->health =
            health_of(c, e, job->stage, job->action, job->state.target, job->state.worker);
        job->health_known = true;
    }
    return (struct rollout_host){
        .phase = phase_of(c, job, model_action(e, job->stage, job->action), w),
        .health = job->health,
        .zone = w ? model_tag(w, "zone") : "",
        .ended_ms = job->state.ended_ms,
    };
}

void deploy_roll(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                 struct rollout *out)
{
    static const struct deployment_config gone = { .name = "" };
    const struct action_state *state = model_action(e, stage, action);
    const struct deployment_config *config = model_config(c, state->config);
    struct list *jobs = model_action_jobs(e, stage, action);
    size_t most = list_count(jobs), count = 0;
    struct rollout_host *hosts = xcalloc(most + 1, sizeof *hosts);
    struct model_job **of = xcalloc(most + 1, sizeof(struct model_job *));
    list_for_each (link, jobs) {
        struct model_job *job = list_entry(link, struct model_job, action_link);
        if (!id_equal(&job->state.action_execution, &state->id)) continue;
        of[count] = job;
        hosts[count++] = host_of(c, e, job);
    }
    *out = (struct rollout){ .spare = state->spare,
                             .config = config ? config : &gone,
                             .now_ms = c->now_ms,
                             .held = deploy_alarm(c, e, stage, action) };
    rollout_decide(out, hosts, count);
    for (size_t i = 0; i < count; i++)
        if (hosts[i].begin) of[i]->begins = true;
    engine_wake_wall(c, out->wake_ms);
    free(hosts);
    free(of);
}

void deploy_skip(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                 const char *cause)
{
    list_for_each (link, model_action_jobs(e, stage, action)) {
        struct model_job *job = list_entry(link, struct model_job, action_link);
        if (!id_equal(&job->state.action_execution, &model_action(e, stage, action)->id)) continue;
        if (job_waits(job)) dispatch_end(c, job, STATUS_SKIPPED, cause, NULL);
    }
}

const struct model_alarm *deploy_alarm(const struct coordinator *c, const struct model_execution *e,
                                       size_t stage, size_t action)
{
    /* What brings the good back goes on although the alarm is still raised. */
    if (e->state.type == TYPE_ROLLBACK) return NULL;
    const struct deployment_group *group = deploy_group_of(c, e, stage, action);
    for (size_t i = 0; group && i < group->alarm_count; i++) {
        const struct model_alarm *alarm = model_alarm_find(c, group->alarms[i]);
        if (alarm && alarm->state.raised) return alarm;
    }
    return NULL;
}

const char *deploy_hold(struct coordinator *c, const struct model_job *job)
{
    const struct action_state *state = model_action(job->execution, job->stage, job->action);
    if (!deploy_rolls(state) || job->begins || !job_waits(job)) return NULL;
    return arena_format(&c->out->arena, "waits for its turn: %s, at most %u of %u at once",
                        state->config, (unsigned)state->spare, (unsigned)state->hosts);
}
