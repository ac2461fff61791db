#include "core/offer.h"

#include "core/barrier.h"
#include "core/build.h"
#include "core/delta.h"
#include "core/deploy.h"
#include "core/deploy_rollout.h"
#include "core/dispatch.h"
#include "core/journal.h"
#include "core/replication.h"
#include "core/variables.h"

#include <assert.h>

static const struct grant no_grant = { .url = "", .pin = "" };
static const struct artifact_ref no_artifact = { "", "", "", "", 0, { 0 }, false };

static void offer_places(struct arena *arena, struct job *to, const struct model_job *job)
{
    const struct model_execution *e = job->execution;
    const struct pipeline_action *action = model_action_definition(e, job->stage, job->action);
    char group_id[DEPLOY_GROUP_ID_SIZE];
    to->pipeline = arena_text(arena, e->state.pipeline);
    to->stage = arena_text(arena, e->stages[job->stage].name);
    to->action = arena_text(arena, action->name);
    to->region = arena_text(arena, job->state.region);
    if (job->state.kind == JOB_BUILD) return; /* build_offer() names its own */
    const char *application =
        variables_setting(e, job->stage, job->action, "ApplicationName", arena);
    const char *group = variables_setting(e, job->stage, job->action, "DeploymentGroupName", arena);
    deploy_group_id(application, group, group_id);
    to->application = arena_text(arena, application);
    to->deployment_group = arena_text(arena, group);
    to->deployment_group_id = arena_text(arena, group_id);
}

static void offer_artifacts(struct coordinator *c, struct job *to, const struct model_job *job)
{
    struct arena *arena = &c->out->arena;
    const struct model_execution *e = job->execution;
    const struct revision *revision = replication_revision(e, job->state.artifact);
    const struct artifact_ref *origin = replication_origin(e, job->state.artifact);
    assert(revision);
    assert(origin);
    to->revision = arena_text(arena, revision->revision_id);
    to->input = to->output = no_artifact;
    if (job->state.kind == JOB_BUILD) {
        build_offer(arena, to, job);
        return;
    }
    if (job->state.kind == JOB_DELTA) {
        delta_offer(c, to, job);
        return;
    }
    long at = model_copy_find(e, job->state.artifact, job->state.region);
    assert(at >= 0);
    const struct artifact_ref *copy = &e->copies[at].ref;
    if (job->state.kind == JOB_DEPLOY) {
        to->input = journal_copy_ref(arena, copy);
        return;
    }
    to->output = journal_copy_ref(arena, copy);
    to->input = journal_copy_ref(arena, origin);
    delta_offer_copy(c, to, job, &e->copies[at]);
}

static bool offer_traffic(const struct coordinator *c, const struct model_job *job)
{
    const struct deployment_group *group =
        deploy_group_of(c, job->execution, job->stage, job->action);
    return group && group->traffic_control;
}

/* What the action and the execution want of a deployment. */
static void offer_wishes(const struct coordinator *c, struct job *to, const struct model_job *job)
{
    if (job->state.kind != JOB_DEPLOY) return;
    const struct model_execution *e = job->execution;
    const struct pipeline_deploy *wishes =
        &model_action_definition(e, job->stage, job->action)->deploy;
    to->file_exists = wishes->file_exists;
    to->on_failure = wishes->on_failure;
    to->hold = barrier_holds(e, job->stage, job->action);
    to->traffic_control = wishes->traffic_control || offer_traffic(c, job);
    to->ignore_application_stop_failures =
        wishes->ignore_application_stop_failures || e->state.ignore_application_stop_failures;
}

/* Until when somebody waits for the result. */
static uint64_t offer_deadline(const struct model_job *job)
{
    if (job->state.kind == JOB_REPLICATE) return replication_deadline(job);
    if (job->state.kind == JOB_DELTA) return delta_deadline(job);
    return model_action(job->execution, job->stage, job->action)->deadline_ms;
}

const char *offer_log_key(struct arena *arena, const char *pipeline, const struct id *deployment,
                          const char *worker)
{
    return arena_format(arena, "%s/logs/%s/%s.log", pipeline, deployment->text, worker);
}

static void offer_log(struct arena *arena, struct job *to, const struct model_job *job)
{
    const char *store =
        pipeline_store_of(job->execution->definition->state.parsed, job->state.region);
    if (job_kind_moves(job->state.kind) || !store) return;
    to->log.store = arena_text(arena, store);
    to->log.key = offer_log_key(arena, to->pipeline, &to->deployment, to->worker);
}

void offer_send(struct coordinator *c, const struct model_job *job, const struct model_worker *w)
{
    const struct job_state *state = &job->state;
    struct arena *arena = &c->out->arena;
    struct job *to = arena_calloc(arena, 1, sizeof *to);
    uint64_t deadline_ms = offer_deadline(job), expires_ms = c->now_ms + DISPATCH_OFFER_MS;
    assert(state->status == STATUS_IN_PROGRESS);
    if (deadline_ms <= c->now_ms) return; /* the action ends in this turn */
    to->id = state->id;
    to->attempt = state->attempt;
    to->fence = state->fence;
    to->kind = state->kind;
    to->worker = arena_text(arena, w->name);
    to->incarnation = state->incarnation;
    to->issued_ms = c->now_ms;
    to->expires_ms = deadline_ms < expires_ms ? deadline_ms : expires_ms;
    to->timeout_ms = deadline_ms - c->now_ms;
    to->target = arena_text(arena, state->target);
    to->execution = state->execution;
    to->action_execution = state->action_execution;
    to->deployment = state->deployment;
    offer_wishes(c, to, job);
    to->bundle_type = to->buildspec = "";
    to->read = no_grant;
    to->write = no_grant;
    to->log = no_artifact;
    to->log_write = no_grant;
    offer_places(arena, to, job);
    offer_artifacts(c, to, job);
    offer_log(arena, to, job);
    journal_send(c, w->name, w->session, MESSAGE_OFFER);
    c->out->at[c->out->count - 1].send.offer_job = to;
    journal_note(c, NOTE_DEBUG, "offer job=%s attempt=%u worker=%s target=%s", state->id.text,
                 (unsigned)state->attempt, w->name, state->target);
}

void offer_cancel(struct coordinator *c, const struct model_job *job, const struct model_worker *w)
{
    struct arena *arena = &c->out->arena;
    struct cancel *to = arena_calloc(arena, 1, sizeof *to);
    to->key = (struct job_key){ job->state.id, job->state.attempt, job->state.fence };
    to->target = arena_text(arena, job->state.target);
    to->worker = arena_text(arena, w->name);
    to->incarnation = job->state.incarnation;
    to->epoch = c->epoch;
    journal_send(c, w->name, w->session, MESSAGE_CANCEL);
    c->out->at[c->out->count - 1].send.cancel = to;
    journal_note(c, NOTE_DEBUG, "cancel job=%s attempt=%u worker=%s", job->state.id.text,
                 (unsigned)job->state.attempt, w->name);
}
