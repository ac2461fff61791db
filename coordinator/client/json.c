#include "client/json.h"

#include "client/facts.h"
#include "client/json_value.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_digest(json_t *object, const struct artifact_ref *ref)
{
    char hex[HEX_SHA256_SIZE];
    hex_format(ref->sha256, SHA256_SIZE, hex);
    json_put_text(object, "sha256", hex);
}

void json_failure(struct print *out, const char *code, uint64_t token,
                  const struct failure *failure)
{
    json_t *error = json_object(), *all = json_object();
    char id[24];
    snprintf(id, sizeof id, "%016" PRIx64, token);
    json_put_text(error, "code", code);
    json_put_text(error, "message", failure->what);
    json_put_text(error, "cause", failure->cause);
    json_put_text(error, "fix", failure->fix);
    if (token) json_put_text(error, "requestId", id);
    json_put(all, "error", error);
    json_write(out, all, true);
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
        json_put_text(one, "actionName", revision->action);
        json_put_text(one, "artifactName", revision->artifact);
        json_put_text(one, "revisionId", revision->revision_id);
        json_put_text(one, "revisionSummary", revision->summary);
        json_put_text(one, "revisionUrl", url);
        put_digest(one, &revision->ref);
        json_put_number(one, "size", revision->ref.size);
        (void)json_array_append_new(list, one);
    }
    return list;
}

/* The fields that list-pipeline-executions has. */
json_t *json_summary(const struct execution *e)
{
    json_t *all = json_object(), *trigger = json_object();
    json_put_text(all, "pipelineName", e->pipeline);
    json_put_number(all, "pipelineVersion", e->pipeline_version);
    json_put_text(all, "pipelineExecutionId", e->id.text);
    json_put_text(all, "status", status_name(e->status));
    json_put_text(all, "statusSummary", e->status_summary);
    json_put_text(all, "executionMode", execution_mode_name(e->mode));
    json_put_text(all, "executionType", execution_type_name(e->type));
    if (!id_empty(&e->rollback_target)) {
        json_t *rollback = json_object();
        json_put_text(rollback, "rollbackTargetPipelineExecutionId", e->rollback_target.text);
        json_put(all, "rollbackMetadata", rollback);
    }
    json_put_time(all, "startTime", e->started_ms);
    json_put_time(all, "lastUpdateTime", e->updated_ms);
    json_put_time(all, "endTime", e->ended_ms);
    json_put(all, "sourceRevisions", revisions_value(e));
    json_put_variables(all, "variables", e->variables, e->variable_count);
    json_put_text(trigger, "triggerType", trigger_name(e->trigger));
    json_put_text(trigger, "triggerDetail", e->trigger_detail);
    json_put(all, "trigger", trigger);
    if (e->stop_requested) {
        json_t *stop = json_object();
        json_put_text(stop, "reason", e->stop_reason);
        json_put(stop, "abandon", json_boolean(e->stop_abandon));
        json_put(all, "stopTrigger", stop);
    }
    return all;
}

static json_t *approval_value(const struct action_state *action)
{
    json_t *all = json_object();
    json_put_text(all, "token", action->token.text);
    json_put_text(all, "customData", action->custom_data);
    json_put_text(all, "externalEntityLink", action->url);
    json_put_text(all, "lastUpdatedBy", action->updated_by);
    return all;
}

static json_t *latest_value(const struct action_state *action, const struct action_facts *facts)
{
    json_t *all = json_object();
    json_put_text(all, "actionExecutionId", action->id.text);
    json_put_text(all, "status", status_name(action->status));
    json_put_text(all, "summary", action->summary);
    json_put_time(all, "startTime", action->started_ms);
    json_put_time(all, "lastStatusChange",
                  action->ended_ms ? action->ended_ms : action->started_ms);
    json_put_time(all, "deadline", action->ended_ms ? 0 : action->deadline_ms);
    json_put_text(all, "externalExecutionId", action->deployment.text);
    json_put_variables(all, "outputVariables", action->variables, action->variable_count);
    if (!id_empty(&action->token)) json_put(all, "approval", approval_value(action));
    if (facts->total > 0) json_put_number(all, "percentComplete", facts->percent);
    if (facts->cause[0]) json_put_text(all, "waitsFor", facts->cause);
    json_put_error(all, "errorDetails", action->error_code, action->error_message);
    return all;
}

static json_t *action_value(const struct execution_view *view, size_t stage, size_t index)
{
    const struct action_state *action = &view->execution.stages[stage].actions[index];
    struct action_facts facts = facts_of_action(view, stage, index);
    json_t *all = json_object(), *targets = json_array();
    json_put_text(all, "actionName", action->name);
    json_put_text(all, "region", action->region);
    if (action->wave) json_put_number(all, "wave", action->wave);
    json_put_text(all, "provider", action->provider);
    json_put(all, "latestExecution", latest_value(action, &facts));
    if (facts.revision) {
        json_t *current = json_object();
        json_put_text(current, "revisionId", facts.revision->revision_id);
        json_put(current, "verified", json_boolean(facts.verified));
        json_put(all, "currentRevision", current);
    }
    for (size_t i = 0; i < view->job_count; i++)
        if (facts_job_of(&view->jobs[i], action))
            (void)json_array_append_new(targets, json_target(&view->jobs[i]));
    json_put(all, "targets", targets);
    return all;
}

/* get-pipeline-state: inboundTransitionState. */
static json_t *door_value(const struct reply *reply, const char *stage)
{
    json_t *all = json_object();
    const struct transition_record *door = NULL;
    for (size_t i = 0; reply && i < reply->transition_count; i++)
        if (text_equal(reply->transitions[i].stage, stage)) door = &reply->transitions[i];
    json_put(all, "enabled", json_boolean(!door));
    if (!door) return all;
    json_put_text(all, "lastChangedBy", door->changed_by);
    json_put_time(all, "lastChangedAt", door->changed_ms);
    json_put_text(all, "disabledReason", door->reason);
    return all;
}

static json_t *bake_value(const struct stage_state *stage)
{
    json_t *all = json_object();
    json_put_number(all, "wave", stage->bake_wave);
    json_put_time(all, "until", stage->bake_ms);
    return all;
}

/* get-pipeline-state: the rules of one condition. */
static json_t *condition_value(const struct stage_state *stage, enum condition_type type)
{
    json_t *rules = json_array();
    for (size_t r = 0; r < stage->rule_count; r++) {
        const struct action_state *rule = &stage->rules[r];
        if (stage_rule_type(stage, r) != type) continue;
        json_t *one = json_object(), *latest = json_object();
        json_put_text(one, "ruleName", rule->name);
        json_put_text(one, "provider", rule->provider);
        json_put_text(latest, "ruleExecutionId", rule->id.text);
        json_put_text(latest, "status", status_name(rule->status));
        json_put_text(latest, "summary", rule->summary);
        json_put_time(latest, "lastStatusChange",
                      rule->ended_ms ? rule->ended_ms : rule->started_ms);
        json_put_text(latest, "lastUpdatedBy", rule->updated_by);
        json_put_error(latest, "errorDetails", rule->error_code, rule->error_message);
        json_put(one, "latestExecution", latest);
        (void)json_array_append_new(rules, one);
    }
    return rules;
}

static void put_conditions(json_t *to, const struct stage_state *stage)
{
    char key[32];
    for (enum condition_type type = 0; type < CONDITION_TYPE_COUNT; type++) {
        json_t *rules = condition_value(stage, type);
        if (json_array_size(rules) == 0) {
            json_decref(rules);
            continue;
        }
        json_t *state = json_object(), *list = json_array(), *condition = json_object();
        json_put(condition, "ruleStates", rules);
        (void)json_array_append_new(list, condition);
        json_put(state, "conditionStates", list);
        snprintf(key, sizeof key, "%sConditionState", condition_key(type));
        json_put(to, key, state);
    }
}

static json_t *stages_value(const struct execution_view *view, const struct reply *reply)
{
    const struct execution *e = &view->execution;
    json_t *all = json_array();
    for (size_t s = 0; s < e->stage_count; s++) {
        json_t *stage = json_object(), *latest = json_object(), *actions = json_array();
        json_put_text(stage, "stageName", e->stages[s].name);
        json_put_text(latest, "pipelineExecutionId", e->id.text);
        json_put_text(latest, "status", status_name(e->stages[s].status));
        json_put_time(latest, "startTime", e->stages[s].started_ms);
        json_put_time(latest, "endTime", e->stages[s].ended_ms);
        json_put(stage, "latestExecution", latest);
        if (e->stages[s].bake_wave) json_put(stage, "bake", bake_value(&e->stages[s]));
        if (reply) json_put(stage, "inboundTransitionState", door_value(reply, e->stages[s].name));
        for (size_t a = 0; a < e->stages[s].action_count; a++)
            (void)json_array_append_new(actions, action_value(view, s, a));
        json_put(stage, "actionStates", actions);
        put_conditions(stage, &e->stages[s]);
        (void)json_array_append_new(all, stage);
    }
    return all;
}

static void put_dollars(json_t *to, const char *key, uint64_t nano)
{
    json_put(to, key, json_real((double)nano / 1e9));
}

/* How the copy came to its region. */
static void put_way(json_t *to, const struct copy_state *copy)
{
    json_put_text(to, "way", copy_way_name(copy->way));
    json_put_number(to, "bytesSaved", copy->saved);
    if (copy->base_revision[0]) json_put_text(to, "baseRevisionId", copy->base_revision);
    if (copy->note[0]) json_put_text(to, "wayNote", copy->note);
    if (!copy->priced) return;
    put_dollars(to, "costUSD", copy->cost);
    put_dollars(to, "costSavedUSD", copy->cost_saved);
}

static json_t *traffic_value(const struct execution *e)
{
    struct traffic_facts traffic = facts_of_traffic(e);
    json_t *all = json_object();
    json_put_number(all, "bytes", traffic.bytes);
    json_put_number(all, "bytesSaved", traffic.saved);
    if (!traffic.priced) return all;
    put_dollars(all, "costUSD", traffic.cost);
    put_dollars(all, "costSavedUSD", traffic.cost_saved);
    return all;
}

static json_t *artifacts_value(const struct execution *e)
{
    json_t *all = json_array();
    for (size_t i = 0; i < e->copy_count; i++) {
        const struct copy_state *copy = &e->copies[i];
        json_t *one = json_object(), *location = json_object();
        json_put_text(one, "name", copy->artifact);
        json_put_text(one, "region", copy->region);
        json_put_text(one, "status", status_name(copy->status));
        json_put_text(location, "bucketName", copy->ref.store);
        json_put_text(location, "objectKey", copy->ref.key);
        json_put(one, "s3location", location);
        json_put_text(one, "versionId", copy->ref.version_id);
        put_digest(one, &copy->ref);
        json_put_number(one, "size", copy->ref.size);
        json_put_number(one, "bytesTransferred", copy->bytes);
        if (copy->way != COPY_WAY_UNKNOWN) put_way(one, copy);
        (void)json_array_append_new(all, one);
    }
    return all;
}

static void write_execution(struct print *out, const struct execution_view *view,
                            const struct reply *reply)
{
    json_t *all = json_summary(&view->execution), *same = json_object();
    struct version_facts version = facts_of_version(view);
    json_put(all, "stageStates", stages_value(view, reply));
    json_put(all, "artifacts", artifacts_value(&view->execution));
    json_put(all, "acrossRegions", traffic_value(&view->execution));
    json_put_number(same, "regions", version.regions);
    json_put_number(same, "verifiedRegions", version.verified);
    json_put(same, "equal",
             json_boolean(version.regions > 0 && version.verified == version.regions &&
                          !version.differ));
    json_put(all, "sameVersion", same);
    json_write(out, all, false);
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
        (void)json_array_append_new(list, json_summary(&reply->executions[i].execution));
    json_put(all, "pipelineExecutionSummaries", list);
    json_write(out, all, false);
}

void json_list(struct print *out, const struct reply *reply)
{
    json_t *all = json_object(), *list = json_array();
    for (size_t i = 0; i < reply->pipeline_count; i++) {
        const struct pipeline_summary *pipeline = &reply->pipelines[i];
        json_t *one = json_object(), *latest = json_object();
        json_put_text(one, "name", pipeline->name);
        json_put_number(one, "version", pipeline->version);
        json_put_time(one, "updated", pipeline->updated_ms);
        if (!id_empty(&pipeline->execution)) {
            json_put_text(latest, "pipelineExecutionId", pipeline->execution.text);
            json_put_text(latest, "status", status_name(pipeline->status));
            json_put_time(latest, "startTime", pipeline->execution_started_ms);
            json_put_text(latest, "revisionId", pipeline->revision_id);
            json_put(one, "latestExecution", latest);
        } else {
            json_decref(latest);
        }
        (void)json_array_append_new(list, one);
    }
    json_put(all, "pipelines", list);
    json_write(out, all, false);
}

void json_workers(struct print *out, const struct reply *reply)
{
    json_t *all = json_object(), *list = json_array();
    for (size_t i = 0; i < reply->worker_count; i++) {
        const struct worker_summary *worker = &reply->workers[i];
        json_t *one = json_object();
        json_put_text(one, "name", worker->name);
        json_put_text(one, "region", worker->region);
        json_put(one, "connected", json_boolean(worker->connected));
        json_put_time(one, "lastSeen", worker->seen_ms);
        json_put_text(one, "version", worker->version);
        json_put_text(one, "incarnation", worker->incarnation.text);
        json_put_number(one, "jobs", worker->jobs);
        json_put_text(one, "alarm", worker->alarm);
        json_put(one, "drained", json_boolean(worker->drained));
        json_put_text(one, "drainedBy", worker->drained_by);
        json_put_text(one, "drainReason", worker->drain_reason);
        json_put_time(one, "drainedAt", worker->drained_ms);
        (void)json_array_append_new(list, one);
    }
    json_put(all, "workers", list);
    json_write(out, all, false);
}

void json_event(struct print *out, const struct event_record *event, bool line)
{
    json_t *all = json_object();
    json_put_number(all, "seq", event->seq);
    json_put_time(all, "time", event->time_ms);
    json_put_text(all, "type", event->what);
    json_put_text(all, "pipelineName", event->pipeline);
    json_put_text(all, "pipelineExecutionId", event->execution.text);
    json_put_text(all, "stageName", event->stage);
    json_put_text(all, "actionName", event->action);
    json_put_text(all, "region", event->region);
    json_put_text(all, "targetId", event->worker);
    json_put_text(all, "name", event->name);
    json_put_text(all, "status", status_name(event->status));
    json_put_text(all, "detail", event->detail);
    json_put_text(all, "revisionId", event->version_id);
    json_write(out, all, line);
}

void json_apply(struct print *out, const struct reply *reply, const char *file, bool dry_run,
                bool line)
{
    json_t *all = json_object(), *problems = json_array();
    json_put_text(all, "file", file);
    json_put(all, "valid", json_boolean(reply->failure.code == ERR_NONE));
    json_put_text(all, "name", reply->name);
    if (reply->version) json_put_number(all, "version", reply->version);
    json_put(all, "changed", json_boolean(reply->changed));
    json_put(all, "dryRun", json_boolean(dry_run));
    for (size_t i = 0; i < reply->problem_count; i++) {
        json_t *one = json_object();
        json_put_number(one, "line", reply->problems[i].line);
        json_put_number(one, "column", reply->problems[i].column);
        json_put_text(one, "path", reply->problems[i].path);
        json_put_text(one, "message", reply->problems[i].text);
        (void)json_array_append_new(problems, one);
    }
    json_put(all, "problems", problems);
    json_write(out, all, line);
}

void json_bundle(struct print *out, const char *path, const struct appspec_problems *found,
                 bool line)
{
    json_t *all = json_object(), *problems = json_array();
    json_put_text(all, "file", path);
    json_put(all, "valid", json_boolean(found->error_count == 0));
    for (size_t i = 0; i < found->count; i++) {
        json_t *one = json_object();
        json_put_text(one, "severity", found->list[i].is_warning ? "warning" : "error");
        json_put_text(one, "message", found->list[i].text);
        (void)json_array_append_new(problems, one);
    }
    json_put(all, "problems", problems);
    json_write(out, all, line);
}

void json_push(struct print *out, const struct push_request *push, const char *version)
{
    json_t *all = json_object();
    struct artifact_ref ref = { .store = push->store };
    memcpy(ref.sha256, push->sha256, SHA256_SIZE);
    json_put_text(all, "bucketName", push->store);
    json_put_text(all, "objectKey", push->key);
    json_put_text(all, "versionId", version);
    put_digest(all, &ref);
    json_put_number(all, "size", push->size);
    json_put_text(all, "summary", push->summary);
    json_write(out, all, false);
}

void json_log(struct print *out, const struct logs_request *what, struct bytes data, bool line)
{
    json_t *all = json_object();
    json_put_text(all, "pipelineName", what->pipeline);
    json_put_text(all, "pipelineExecutionId", what->execution);
    json_put_text(all, "actionName", what->action);
    json_put_text(all, "targetId", what->worker);
    json_put_number(all, "offset", what->offset);
    json_put(all, "text", json_text_value((const char *)data.data, data.len));
    json_write(out, all, line);
}

void json_progress(struct print *out, uint64_t done, uint64_t total)
{
    json_t *all = json_object();
    json_put_text(all, "type", "progress");
    json_put_number(all, "bytesDone", done);
    json_put_number(all, "bytesTotal", total);
    json_write(out, all, true);
}

void json_keys(struct print *out, const struct keys_registry *registry)
{
    json_t *all = json_object(), *list = json_array();
    for (size_t i = 0; i < keys_registry_count(registry); i++) {
        const struct keys_principal *principal = keys_registry_at(registry, i);
        json_t *one = json_object(), *tags = json_object();
        bool worker = principal->kind == KEYS_WORKER;
        json_put_text(one, "kind", worker ? "worker" : "client");
        json_put_text(one, "name", principal->name);
        if (worker)
            json_put_text(one, "region", principal->region);
        else
            json_put_text(one, "role", keys_role_name(principal->role));
        json_put_text(one, "publicKey", principal->key_z85);
        for (size_t t = 0; t < principal->tag_count; t++)
            json_put_text(tags, principal->tags[t].key, principal->tags[t].value);
        json_put(one, "tags", tags);
        (void)json_array_append_new(list, one);
    }
    json_put(all, "keys", list);
    json_write(out, all, false);
}

void json_pairs(struct print *out, const char *const *pairs)
{
    json_t *all = json_object();
    for (; pairs[0]; pairs += 2)
        if (pairs[1]) json_put_text(all, pairs[0], pairs[1]);
    json_write(out, all, false);
}
