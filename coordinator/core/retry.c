#include "core/retry.h"

#include "core/condition.h"
#include "core/custom.h"
#include "core/engine.h"
#include "core/gate.h"
#include "core/journal.h"
#include "core/replication.h"
#include "core/request.h"

#include <assert.h>

/* ---- hosts that finished ---- */

/* Somebody else was given the same target of the same host later. */
static bool overtaken(const struct coordinator *c, const struct model_job *job)
{
    list_for_each (at, &c->pipelines) {
        const struct model_pipeline *p = list_entry(at, struct model_pipeline, link);
        list_for_each (link, &p->executions) {
            const struct model_execution *e = list_entry(link, struct model_execution, link);
            if (e->state.updated_ms < job->state.assigned_ms) continue;
            list_for_each (in, &e->jobs) {
                const struct job_state *other = &list_entry(in, struct model_job, link)->state;
                if (fence_compare(other->fence, job->state.fence) > 0 &&
                    text_equal(other->target, job->state.target) &&
                    text_equal(other->worker, job->state.worker))
                    return true;
            }
        }
    }
    return false;
}

/* A build of the same stage may make other bytes this time. */
static bool made_here(const struct model_execution *e, size_t stage, const char *artifact)
{
    for (size_t a = 0; a < e->stages[stage].action_count; a++) {
        const struct pipeline_action *action = model_action_definition(e, stage, a);
        for (size_t o = 0; o < action->output_count; o++)
            if (text_equal(action->outputs[o], artifact)) return true;
    }
    return false;
}

/* They count for the new attempt; the others stay with the old one. */
static void jobs_carry(struct coordinator *c, struct model_execution *e, const struct id *old,
                       const struct id *new)
{
    list_for_each (link, &e->jobs) {
        struct model_job *job = list_entry(link, struct model_job, link);
        if (job->state.kind != JOB_DEPLOY || job->state.status != STATUS_SUCCEEDED) continue;
        if (!id_equal(&job->state.action_execution, old) || overtaken(c, job)) continue;
        if (made_here(e, job->stage, job->state.artifact)) continue;
        job->state.action_execution = *new;
        journal_job(c, job);
    }
}

/* ---- the stage ---- */

void retry_renew(struct coordinator *c, struct model_execution *e, size_t stage, size_t action)
{
    struct action_state *state = model_action(e, stage, action);
    struct id old = state->id, none = { "" };
    assert(state->status != STATUS_IN_PROGRESS);
    state->id = id_new_uuid(&c->random);
    state->status = STATUS_PENDING;
    state->started_ms = state->ended_ms = state->deadline_ms = 0;
    state->token = state->deployment = none;
    model_text(&state->summary, "");
    model_text(&state->error_code, "");
    model_text(&state->error_message, "");
    model_text(&state->updated_by, "");
    model_text(&state->config, "");
    custom_forget(state);
    state->hosts = state->spare = 0;
    state->committed_ms = 0;
    model_variables(&state->variables, &state->variable_count, NULL, 0);
    e->covered[state - e->actions] = 0;
    if (!id_empty(&old)) jobs_carry(c, e, &old, &state->id);
    replication_again(c, e, state->region);
}

/* What was met before the actions stays so, unless all is done again. */
static void rules_reset(struct coordinator *c, struct model_execution *e, size_t stage,
                        enum retry_mode mode)
{
    size_t first = e->stages[stage].action_count;
    for (size_t r = first; r < model_subjects(e, stage); r++) {
        const struct action_state *state = model_action(e, stage, r);
        bool behind = stage_rule_type(&e->stages[stage], r - first) == CONDITION_ON_FAILURE;
        bool met = state->status == STATUS_SUCCEEDED || state->status == STATUS_SKIPPED;
        bool kept = met && mode != RETRY_ALL_ACTIONS && !behind;
        if (state->status != STATUS_PENDING && !kept) retry_renew(c, e, stage, r);
    }
}

static void stage_retry(struct coordinator *c, struct model_execution *e, size_t stage,
                        enum retry_mode mode)
{
    for (size_t a = 0; a < e->stages[stage].action_count; a++) {
        enum status status = model_action(e, stage, a)->status;
        if (status == STATUS_PENDING) continue;
        if (mode == RETRY_ALL_ACTIONS || status != STATUS_SUCCEEDED) retry_renew(c, e, stage, a);
    }
    rules_reset(c, e, stage, mode);
    engine_reopen(c, e, stage);
}

void retry_automatically(struct coordinator *c, struct model_execution *e, size_t stage)
{
    const struct pipeline_stage *definition = &e->definition->state.parsed->stages[stage];
    assert(e->stages[stage].status == STATUS_FAILED);
    if (condition_failure(e, stage) != FAILURE_RETRY || e->stages[stage].auto_retries) return;
    e->stages[stage].auto_retries++;
    stage_retry(c, e, stage, definition->retry_mode);
}

/* ---- on request ---- */

static const char *obstacle(struct coordinator *c, const struct model_execution *e, size_t stage)
{
    struct arena *arena = &c->out->arena;
    const char *name = stage < e->state.stage_count ? e->stages[stage].name : "";
    if (!e->definition)
        return "StageNotRetryableException: the execution's definition cannot be read";
    if (!status_ended(e->state.status))
        return arena_format(arena, "StageNotRetryableException: the execution is %s",
                            status_name(e->state.status));
    if (!name[0] ||
        (e->stages[stage].status != STATUS_FAILED && e->stages[stage].status != STATUS_STOPPED))
        return "StageNotRetryableException: no stage of the execution has failed or was stopped";
    if (e->state.mode == MODE_PARALLEL) return NULL;
    const struct model_execution *other = gate_newer(e, name);
    if (other)
        return arena_format(arena,
                            "NotLatestPipelineExecutionException: the newer execution %s has "
                            "entered stage %s",
                            other->state.id.text, name);
    other = gate_holder(e, name);
    return other ? arena_format(arena, "StageNotRetryableException: execution %s is in stage %s",
                                other->state.id.text, name)
                 : NULL;
}

const char *retry_obstacle(struct coordinator *c, const struct model_execution *e, size_t stage)
{
    const char *why = obstacle(c, e, stage);
    if (!why && e->pipeline->live_count >= MODEL_LIVE_MAX)
        why = "ConcurrentPipelineExecutionsLimitExceededException: the pipeline has 100 executions "
              "that have not ended";
    return why;
}

static size_t stage_asked(const struct model_execution *e, const char *name)
{
    size_t next = gate_next(e);
    if (!name[0]) return next;
    if (next < e->state.stage_count && text_equal(e->stages[next].name, name)) return next;
    return e->state.stage_count;
}

void retry_request(struct coordinator *c, const struct coordinator_event *event)
{
    static const char *const what = "nothing was retried";
    const struct retry_request *asked = &event->request.request->retry;
    struct error err;
    if (request_known(c, event, &asked->submission)) return;
    struct model_execution *e = request_find(c, asked->pipeline, asked->execution, &err);
    if (!e) {
        request_refuse(c, event, err.code, what, err.text, "meridian history");
        return;
    }
    size_t stage = stage_asked(e, asked->stage);
    const char *why = retry_obstacle(c, e, stage);
    if (why) {
        request_refuse(c, event, ERR_CONFLICT, what, why,
                       arena_format(&c->out->arena, "meridian run %s", e->state.pipeline));
        return;
    }
    e->stages[stage].manual_retries++;
    stage_retry(c, e, stage, asked->mode);
    request_done(c, event, &asked->submission, &e->state.id);
}
