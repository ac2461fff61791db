#include "client/facts.h"
#include "client/json_ask.h"
#include "client/json_value.h"

static json_t *diagnostics_value(const struct job_state *job)
{
    json_t *all = json_object();
    json_put_text(all, "errorCode", lifecycle_error_name(job->diagnostics.code));
    json_put_text(all, "lifecycleEventName", lifecycle_event_name(job->failed_event));
    json_put_text(all, "scriptName", job->diagnostics.script);
    json_put_text(all, "message", job->diagnostics.message);
    json_put_text(all, "logTail", job->diagnostics.log_tail);
    return all;
}

json_t *json_target(const struct job_state *job)
{
    json_t *all = json_object(), *events = json_array();
    json_put_text(all, "targetId", job->worker);
    json_put_text(all, "deploymentId", job->deployment.text);
    json_put_text(all, "jobId", job->id.text);
    json_put_text(all, "region", job->region);
    json_put_text(all, "status", status_name(job->status));
    json_put_number(all, "attempt", job->attempt);
    json_put_text(all, "cause", job->cause);
    json_put_time(all, "startTime", job->assigned_ms);
    json_put_time(all, "endTime", job->ended_ms);
    json_put_time(all, "deadline", job->deadline_ms);
    for (size_t i = 0; i < job->event_count; i++) {
        json_t *one = json_object();
        json_put_text(one, "lifecycleEventName", lifecycle_event_name(job->events[i].event));
        json_put_text(one, "status", status_name(job->events[i].status));
        json_put_time(one, "startTime", job->events[i].started_ms);
        json_put_time(one, "endTime", job->events[i].ended_ms);
        (void)json_array_append_new(events, one);
    }
    json_put(all, "lifecycleEvents", events);
    if (job->total > 0) {
        json_put_number(all, "bytesDone", job->done);
        json_put_number(all, "bytesTotal", job->total);
    }
    if (facts_interrupted(job)) json_put(all, "interrupted", json_true());
    if (facts_bad(job)) json_put(all, "diagnostics", diagnostics_value(job));
    return all;
}

/* As far as get-deployment has it. */
static json_t *deployment_value(const struct execution *e, const char *stage,
                                const struct action_state *action)
{
    json_t *all = json_object();
    json_put_text(all, "deploymentId", action->deployment.text);
    json_put_text(all, "status", status_name(action->status));
    json_put_text(all, "pipelineName", e->pipeline);
    json_put_text(all, "pipelineExecutionId", e->id.text);
    json_put_text(all, "stageName", stage);
    json_put_text(all, "actionName", action->name);
    json_put_text(all, "region", action->region);
    json_put_text(all, "deploymentConfigName", action->config);
    json_put_time(all, "startTime", action->started_ms);
    json_put_time(all, "completeTime", action->ended_ms);
    json_put_text(all, "summary", action->summary);
    json_put_error(all, "errorInformation", action->error_code, action->error_message);
    return all;
}

void json_deployments(struct print *out, const struct reply *reply, size_t most)
{
    json_t *all = json_object(), *list = json_array();
    for (size_t i = 0; i < reply->execution_count; i++) {
        const struct execution *e = &reply->executions[i].execution;
        for (size_t s = e->stage_count; s-- > 0;)
            for (size_t a = 0; a < e->stages[s].action_count; a++) {
                const struct action_state *action = &e->stages[s].actions[a];
                if (id_empty(&action->deployment) || json_array_size(list) >= most) continue;
                json_t *one = deployment_value(e, e->stages[s].name, action);
                (void)json_array_append_new(list, one);
            }
    }
    json_put(all, "deployments", list);
    json_write(out, all, false);
}

void json_deployment(struct print *out, const struct execution_view *view, const char *deployment)
{
    const struct execution *e = &view->execution;
    json_t *all = NULL, *targets = json_array();
    for (size_t s = 0; s < e->stage_count; s++)
        for (size_t a = 0; a < e->stages[s].action_count && !all; a++)
            if (text_equal(e->stages[s].actions[a].deployment.text, deployment))
                all = deployment_value(e, e->stages[s].name, &e->stages[s].actions[a]);
    if (!all) all = json_object();
    for (size_t i = 0; i < view->job_count; i++) {
        const struct job_state *job = &view->jobs[i];
        if (job->kind == JOB_DEPLOY && text_equal(job->deployment.text, deployment))
            (void)json_array_append_new(targets, json_target(job));
    }
    json_put(all, "targets", targets);
    json_write(out, all, false);
}
