#include "client/json.h"

#include "client/facts.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* jansson's answers are not looked at: it fails only without memory and on texts that are not
 * UTF-8, and those are repaired here. */

static json_t *text_value(const char *text, size_t len)
{
    json_t *value = json_stringn(text, len);
    if (value) return value;
    /* Each byte outside ASCII becomes the replacement character. */
    AUTO(auto_free) char *copy = xcalloc(len * 3 + 1, 1);
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x80) {
            copy[used++] = text[i];
        } else {
            copy[used++] = '\xef';
            copy[used++] = '\xbf';
            copy[used++] = '\xbd';
        }
    }
    return json_stringn(copy, used);
}

static void put(json_t *object, const char *name, json_t *value)
{
    (void)json_object_set_new(object, name, value);
}

static void put_text(json_t *object, const char *name, const char *text)
{
    if (text[0]) put(object, name, text_value(text, strlen(text)));
}

static void put_number(json_t *object, const char *name, uint64_t number)
{
    put(object, name, json_integer((json_int_t)number));
}

static void put_time(json_t *object, const char *name, uint64_t wall_ms)
{
    char text[PRINT_TIME_SIZE];
    print_rfc3339(wall_ms, text);
    put_text(object, name, text);
}

static void put_digest(json_t *object, const struct artifact_ref *ref)
{
    char hex[HEX_SHA256_SIZE];
    hex_format(ref->sha256, SHA256_SIZE, hex);
    put_text(object, "sha256", hex);
}

static void write_value(struct print *out, json_t *value, bool line)
{
    size_t flags = line ? JSON_COMPACT : JSON_INDENT(2);
    char *text = json_dumps(value, flags);
    assert(text);
    print_raw(out, text);
    print_raw(out, "\n");
    free(text);
    json_decref(value);
}

void json_failure(struct print *out, const char *code, uint64_t token,
                  const struct failure *failure)
{
    json_t *error = json_object(), *all = json_object();
    char id[24];
    snprintf(id, sizeof id, "%016" PRIx64, token);
    put_text(error, "code", code);
    put_text(error, "message", failure->what);
    put_text(error, "cause", failure->cause);
    put_text(error, "fix", failure->fix);
    if (token) put_text(error, "requestId", id);
    put(all, "error", error);
    write_value(out, all, true);
}

/* ---- an execution ---- */

static json_t *revisions_value(const struct execution *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->revision_count; i++) {
        const struct revision *revision = &e->revisions[i];
        json_t *one = json_object();
        AUTO(auto_free) char *url = NULL;
        size_t size = strlen(revision->ref.store) + strlen(revision->ref.key) + 7;
        url = xcalloc(size, 1);
        snprintf(url, size, "s3://%s/%s", revision->ref.store, revision->ref.key);
        put_text(one, "actionName", revision->action);
        put_text(one, "artifactName", revision->artifact);
        put_text(one, "revisionId", revision->revision_id);
        put_text(one, "revisionSummary", revision->summary);
        put_text(one, "revisionUrl", url);
        put_digest(one, &revision->ref);
        put_number(one, "size", revision->ref.size);
        (void)json_array_append_new(list, one);
    }
    return list;
}

/* The fields that list-pipeline-executions has. */
static json_t *summary_value(const struct execution *e)
{
    json_t *all = json_object(), *trigger = json_object();
    put_text(all, "pipelineName", e->pipeline);
    put_number(all, "pipelineVersion", e->pipeline_version);
    put_text(all, "pipelineExecutionId", e->id.text);
    put_text(all, "status", status_name(e->status));
    put_text(all, "statusSummary", e->status_summary);
    put_text(all, "executionMode", execution_mode_name(e->mode));
    put_text(all, "executionType", execution_type_name(e->type));
    if (!id_empty(&e->rollback_target)) {
        json_t *rollback = json_object();
        put_text(rollback, "rollbackTargetPipelineExecutionId", e->rollback_target.text);
        put(all, "rollbackMetadata", rollback);
    }
    put_time(all, "startTime", e->started_ms);
    put_time(all, "lastUpdateTime", e->updated_ms);
    put_time(all, "endTime", e->ended_ms);
    put(all, "sourceRevisions", revisions_value(e));
    put_text(trigger, "triggerType", trigger_name(e->trigger));
    put_text(trigger, "triggerDetail", e->trigger_detail);
    put(all, "trigger", trigger);
    if (e->stop_requested) {
        json_t *stop = json_object();
        put_text(stop, "reason", e->stop_reason);
        put(stop, "abandon", json_boolean(e->stop_abandon));
        put(all, "stopTrigger", stop);
    }
    return all;
}

static json_t *diagnostics_value(const struct job_state *job)
{
    json_t *all = json_object();
    put_text(all, "errorCode", lifecycle_error_name(job->diagnostics.code));
    put_text(all, "lifecycleEventName", lifecycle_event_name(job->failed_event));
    put_text(all, "scriptName", job->diagnostics.script);
    put_text(all, "message", job->diagnostics.message);
    put_text(all, "logTail", job->diagnostics.log_tail);
    return all;
}

static json_t *target_value(const struct job_state *job)
{
    json_t *all = json_object(), *events = json_array();
    put_text(all, "targetId", job->worker);
    put_text(all, "deploymentId", job->deployment.text);
    put_text(all, "jobId", job->id.text);
    put_text(all, "region", job->region);
    put_text(all, "status", status_name(job->status));
    put_number(all, "attempt", job->attempt);
    put_text(all, "cause", job->cause);
    put_time(all, "startTime", job->assigned_ms);
    put_time(all, "endTime", job->ended_ms);
    put_time(all, "deadline", job->deadline_ms);
    for (size_t i = 0; i < job->event_count; i++) {
        json_t *one = json_object();
        put_text(one, "lifecycleEventName", lifecycle_event_name(job->events[i].event));
        put_text(one, "status", status_name(job->events[i].status));
        put_time(one, "startTime", job->events[i].started_ms);
        put_time(one, "endTime", job->events[i].ended_ms);
        (void)json_array_append_new(events, one);
    }
    put(all, "lifecycleEvents", events);
    if (job->total > 0) {
        put_number(all, "bytesDone", job->done);
        put_number(all, "bytesTotal", job->total);
    }
    if (facts_interrupted(job)) put(all, "interrupted", json_true());
    if (facts_bad(job)) put(all, "diagnostics", diagnostics_value(job));
    return all;
}

static json_t *approval_value(const struct action_state *action)
{
    json_t *all = json_object();
    put_text(all, "token", action->token.text);
    put_text(all, "customData", action->custom_data);
    put_text(all, "externalEntityLink", action->url);
    put_text(all, "lastUpdatedBy", action->updated_by);
    return all;
}

static json_t *latest_value(const struct action_state *action, const struct action_facts *facts)
{
    json_t *all = json_object();
    put_text(all, "actionExecutionId", action->id.text);
    put_text(all, "status", status_name(action->status));
    put_text(all, "summary", action->summary);
    put_time(all, "startTime", action->started_ms);
    put_time(all, "lastStatusChange", action->ended_ms ? action->ended_ms : action->started_ms);
    put_time(all, "deadline", action->ended_ms ? 0 : action->deadline_ms);
    put_text(all, "externalExecutionId", action->deployment.text);
    if (!id_empty(&action->token)) put(all, "approval", approval_value(action));
    if (facts->total > 0) put_number(all, "percentComplete", facts->percent);
    if (facts->cause[0]) put_text(all, "waitsFor", facts->cause);
    if (action->error_code[0] || action->error_message[0]) {
        json_t *error = json_object();
        put_text(error, "code", action->error_code);
        put_text(error, "message", action->error_message);
        put(all, "errorDetails", error);
    }
    return all;
}

static json_t *action_value(const struct execution_view *view, size_t stage, size_t index)
{
    const struct action_state *action = &view->execution.stages[stage].actions[index];
    struct action_facts facts = facts_of_action(view, stage, index);
    json_t *all = json_object(), *targets = json_array();
    put_text(all, "actionName", action->name);
    put_text(all, "region", action->region);
    put_text(all, "provider", action->provider);
    put(all, "latestExecution", latest_value(action, &facts));
    if (facts.revision) {
        json_t *current = json_object();
        put_text(current, "revisionId", facts.revision->revision_id);
        put(current, "verified", json_boolean(facts.verified));
        put(all, "currentRevision", current);
    }
    for (size_t i = 0; i < view->job_count; i++)
        if (facts_job_of(&view->jobs[i], action))
            (void)json_array_append_new(targets, target_value(&view->jobs[i]));
    put(all, "targets", targets);
    return all;
}

/* get-pipeline-state: inboundTransitionState. */
static json_t *door_value(const struct reply *reply, const char *stage)
{
    json_t *all = json_object();
    const struct transition_record *door = NULL;
    for (size_t i = 0; reply && i < reply->transition_count; i++)
        if (text_equal(reply->transitions[i].stage, stage)) door = &reply->transitions[i];
    put(all, "enabled", json_boolean(!door));
    if (!door) return all;
    put_text(all, "lastChangedBy", door->changed_by);
    put_time(all, "lastChangedAt", door->changed_ms);
    put_text(all, "disabledReason", door->reason);
    return all;
}

static json_t *stages_value(const struct execution_view *view, const struct reply *reply)
{
    const struct execution *e = &view->execution;
    json_t *all = json_array();
    for (size_t s = 0; s < e->stage_count; s++) {
        json_t *stage = json_object(), *latest = json_object(), *actions = json_array();
        put_text(stage, "stageName", e->stages[s].name);
        put_text(latest, "pipelineExecutionId", e->id.text);
        put_text(latest, "status", status_name(e->stages[s].status));
        put_time(latest, "startTime", e->stages[s].started_ms);
        put_time(latest, "endTime", e->stages[s].ended_ms);
        put(stage, "latestExecution", latest);
        if (reply) put(stage, "inboundTransitionState", door_value(reply, e->stages[s].name));
        for (size_t a = 0; a < e->stages[s].action_count; a++)
            (void)json_array_append_new(actions, action_value(view, s, a));
        put(stage, "actionStates", actions);
        (void)json_array_append_new(all, stage);
    }
    return all;
}

static json_t *artifacts_value(const struct execution *e)
{
    json_t *all = json_array();
    for (size_t i = 0; i < e->copy_count; i++) {
        const struct copy_state *copy = &e->copies[i];
        json_t *one = json_object(), *location = json_object();
        put_text(one, "name", copy->artifact);
        put_text(one, "region", copy->region);
        put_text(one, "status", status_name(copy->status));
        put_text(location, "bucketName", copy->ref.store);
        put_text(location, "objectKey", copy->ref.key);
        put(one, "s3location", location);
        put_text(one, "versionId", copy->ref.version_id);
        put_digest(one, &copy->ref);
        put_number(one, "size", copy->ref.size);
        put_number(one, "bytesTransferred", copy->bytes);
        (void)json_array_append_new(all, one);
    }
    return all;
}

static void write_execution(struct print *out, const struct execution_view *view,
                            const struct reply *reply)
{
    json_t *all = summary_value(&view->execution), *same = json_object();
    struct version_facts version = facts_of_version(view);
    put(all, "stageStates", stages_value(view, reply));
    put(all, "artifacts", artifacts_value(&view->execution));
    put_number(same, "regions", version.regions);
    put_number(same, "verifiedRegions", version.verified);
    put(same, "equal",
        json_boolean(version.regions > 0 && version.verified == version.regions &&
                     !version.differ));
    put(all, "sameVersion", same);
    write_value(out, all, false);
}

void json_execution(struct print *out, const struct execution_view *view)
{
    write_execution(out, view, NULL);
}

void json_status(struct print *out, const struct reply *reply)
{
    write_execution(out, &reply->executions[0], reply);
}

/* ---- lists ---- */

void json_history(struct print *out, const struct reply *reply)
{
    json_t *all = json_object(), *list = json_array();
    for (size_t i = 0; i < reply->execution_count; i++)
        (void)json_array_append_new(list, summary_value(&reply->executions[i].execution));
    put(all, "pipelineExecutionSummaries", list);
    write_value(out, all, false);
}

void json_list(struct print *out, const struct reply *reply)
{
    json_t *all = json_object(), *list = json_array();
    for (size_t i = 0; i < reply->pipeline_count; i++) {
        const struct pipeline_summary *pipeline = &reply->pipelines[i];
        json_t *one = json_object(), *latest = json_object();
        put_text(one, "name", pipeline->name);
        put_number(one, "version", pipeline->version);
        put_time(one, "updated", pipeline->updated_ms);
        if (!id_empty(&pipeline->execution)) {
            put_text(latest, "pipelineExecutionId", pipeline->execution.text);
            put_text(latest, "status", status_name(pipeline->status));
            put_time(latest, "startTime", pipeline->execution_started_ms);
            put_text(latest, "revisionId", pipeline->revision_id);
            put(one, "latestExecution", latest);
        } else {
            json_decref(latest);
        }
        (void)json_array_append_new(list, one);
    }
    put(all, "pipelines", list);
    write_value(out, all, false);
}

void json_workers(struct print *out, const struct reply *reply)
{
    json_t *all = json_object(), *list = json_array();
    for (size_t i = 0; i < reply->worker_count; i++) {
        const struct worker_summary *worker = &reply->workers[i];
        json_t *one = json_object();
        put_text(one, "name", worker->name);
        put_text(one, "region", worker->region);
        put(one, "connected", json_boolean(worker->connected));
        put_time(one, "lastSeen", worker->seen_ms);
        put_text(one, "version", worker->version);
        put_text(one, "incarnation", worker->incarnation.text);
        put_number(one, "jobs", worker->jobs);
        put_text(one, "alarm", worker->alarm);
        (void)json_array_append_new(list, one);
    }
    put(all, "workers", list);
    write_value(out, all, false);
}

void json_event(struct print *out, const struct event_record *event, bool line)
{
    json_t *all = json_object();
    put_number(all, "seq", event->seq);
    put_time(all, "time", event->time_ms);
    put_text(all, "type", event->what);
    put_text(all, "pipelineName", event->pipeline);
    put_text(all, "pipelineExecutionId", event->execution.text);
    put_text(all, "stageName", event->stage);
    put_text(all, "actionName", event->action);
    put_text(all, "region", event->region);
    put_text(all, "targetId", event->worker);
    put_text(all, "name", event->name);
    put_text(all, "status", status_name(event->status));
    put_text(all, "detail", event->detail);
    put_text(all, "revisionId", event->version_id);
    write_value(out, all, line);
}

void json_apply(struct print *out, const struct reply *reply, const char *file, bool dry_run,
                bool line)
{
    json_t *all = json_object(), *problems = json_array();
    put_text(all, "file", file);
    put(all, "valid", json_boolean(reply->failure.code == ERR_NONE));
    put_text(all, "name", reply->name);
    if (reply->version) put_number(all, "version", reply->version);
    put(all, "changed", json_boolean(reply->changed));
    put(all, "dryRun", json_boolean(dry_run));
    for (size_t i = 0; i < reply->problem_count; i++) {
        json_t *one = json_object();
        put_number(one, "line", reply->problems[i].line);
        put_number(one, "column", reply->problems[i].column);
        put_text(one, "path", reply->problems[i].path);
        put_text(one, "message", reply->problems[i].text);
        (void)json_array_append_new(problems, one);
    }
    put(all, "problems", problems);
    write_value(out, all, line);
}

void json_bundle(struct print *out, const char *path, const struct appspec_problems *found,
                 bool line)
{
    json_t *all = json_object(), *problems = json_array();
    put_text(all, "file", path);
    put(all, "valid", json_boolean(found->error_count == 0));
    for (size_t i = 0; i < found->count; i++) {
        json_t *one = json_object();
        put_text(one, "severity", found->list[i].is_warning ? "warning" : "error");
        put_text(one, "message", found->list[i].text);
        (void)json_array_append_new(problems, one);
    }
    put(all, "problems", problems);
    write_value(out, all, line);
}

void json_push(struct print *out, const struct push_request *push, const char *version)
{
    json_t *all = json_object();
    struct artifact_ref ref = { .store = push->store };
    memcpy(ref.sha256, push->sha256, SHA256_SIZE);
    put_text(all, "bucketName", push->store);
    put_text(all, "objectKey", push->key);
    put_text(all, "versionId", version);
    put_digest(all, &ref);
    put_number(all, "size", push->size);
    put_text(all, "summary", push->summary);
    write_value(out, all, false);
}

void json_log(struct print *out, const struct logs_request *what, struct bytes data, bool line)
{
    json_t *all = json_object();
    put_text(all, "pipelineName", what->pipeline);
    put_text(all, "pipelineExecutionId", what->execution);
    put_text(all, "actionName", what->action);
    put_text(all, "targetId", what->worker);
    put_number(all, "offset", what->offset);
    put(all, "text", text_value((const char *)data.data, data.len));
    write_value(out, all, line);
}

void json_progress(struct print *out, uint64_t done, uint64_t total)
{
    json_t *all = json_object();
    put_text(all, "type", "progress");
    put_number(all, "bytesDone", done);
    put_number(all, "bytesTotal", total);
    write_value(out, all, true);
}

void json_keys(struct print *out, const struct keys_registry *registry)
{
    json_t *all = json_object(), *list = json_array();
    for (size_t i = 0; i < keys_registry_count(registry); i++) {
        const struct keys_principal *principal = keys_registry_at(registry, i);
        json_t *one = json_object(), *tags = json_object();
        bool worker = principal->kind == KEYS_WORKER;
        put_text(one, "kind", worker ? "worker" : "client");
        put_text(one, "name", principal->name);
        if (worker)
            put_text(one, "region", principal->region);
        else
            put_text(one, "role", keys_role_name(principal->role));
        put_text(one, "publicKey", principal->key_z85);
        for (size_t t = 0; t < principal->tag_count; t++)
            put_text(tags, principal->tags[t].key, principal->tags[t].value);
        put(one, "tags", tags);
        (void)json_array_append_new(list, one);
    }
    put(all, "keys", list);
    write_value(out, all, false);
}

void json_pairs(struct print *out, const char *const *pairs)
{
    json_t *all = json_object();
    for (; pairs[0]; pairs += 2)
        if (pairs[1]) put_text(all, pairs[0], pairs[1]);
    write_value(out, all, false);
}
