#include "client/json_ask.h"

#include "client/json_value.h"

#include <string.h>

void json_why(struct print *out, const struct reply *reply)
{
    const struct execution *e = &reply->executions[0].execution;
    json_t *all = json_object(), *list = json_array();
    json_put_text(all, "pipelineName", e->pipeline);
    json_put_text(all, "pipelineExecutionId", e->id.text);
    json_put_text(all, "status", status_name(e->status));
    json_put_text(all, "statusSummary", e->status_summary);
    for (size_t i = 0; i < reply->reason_count; i++) {
        const struct reason *reason = &reply->reasons[i];
        json_t *one = json_object();
        json_put_text(one, "code", reason_code_name(reason->code));
        json_put_text(one, "stageName", reason->stage);
        json_put_text(one, "actionName", reason->action);
        json_put_text(one, "region", reason->region);
        json_put_text(one, "targetId", reason->worker);
        json_put_text(one, "message", reason->text);
        json_put_text(one, "fix", reason->fix);
        json_put_time(one, "since", reason->since_ms);
        json_put_time(one, "deadline", reason->deadline_ms);
        (void)json_array_append_new(list, one);
    }
    json_put(all, "reasons", list);
    json_write(out, all, false);
}

void json_add_resource(json_t *list, const struct resource_summary *resource)
{
    json_t *one = json_object();
    json_put_text(one, "kind", resource_kind_name(resource->kind));
    json_put_text(one, "name", resource->name);
    json_put_number(one, "version", resource->version);
    json_put_time(one, "updated", resource->updated_ms);
    json_put_text(one, "updatedBy", resource->updated_by);
    (void)json_array_append_new(list, one);
}

void json_resources(struct print *out, json_t *list)
{
    json_t *all = json_object();
    (void)json_object_set(all, "resources", list);
    json_write(out, all, false);
}

void json_regions(struct print *out, const struct reply *reply)
{
    json_t *all = json_object(), *list = json_array();
    for (size_t i = 0; i < reply->region_count; i++) {
        const struct region_summary *region = &reply->regions[i];
        json_t *one = json_object();
        json_put_text(one, "region", region->region);
        json_put(one, "primary", json_boolean(region->primary));
        json_put_text(one, "artifactStores", region->stores);
        json_put_number(one, "workers", region->workers);
        json_put_number(one, "connected", region->connected);
        json_put_number(one, "drained", region->drained);
        json_put_number(one, "jobs", region->jobs);
        json_put_number(one, "artifacts", region->artifacts);
        json_put_number(one, "copying", region->copying);
        json_put_number(one, "artifactBytes", region->artifact_bytes);
        json_put_number(one, "movedBytes", region->moved_bytes);
        (void)json_array_append_new(list, one);
    }
    json_put(all, "regions", list);
    json_write(out, all, false);
}

static json_t *changes_value(const struct reply *reply)
{
    json_t *list = json_array();
    for (size_t i = 0; i < reply->plan_change_count; i++) {
        const struct preview_change *change = &reply->plan_changes[i];
        json_t *one = json_object();
        json_put_text(one, "op", preview_op_name(change->op));
        json_put_text(one, "stageName", change->stage);
        json_put_text(one, "actionName", change->action);
        json_put_text(one, "field", change->what);
        json_put_text(one, "before", change->before);
        json_put_text(one, "after", change->after);
        (void)json_array_append_new(list, one);
    }
    return list;
}

static json_t *steps_value(const struct reply *reply)
{
    json_t *list = json_array();
    for (size_t i = 0; i < reply->plan_step_count; i++) {
        const struct preview_step *step = &reply->plan_steps[i];
        json_t *one = json_object();
        json_put_text(one, "stageName", step->stage);
        json_put_number(one, "runOrder", step->run_order);
        json_put_text(one, "actionName", step->action);
        json_put_text(one, "region", step->region);
        json_put_text(one, "provider", step->provider);
        json_put_number(one, "hosts", step->hosts);
        json_put_number(one, "hostsAway", step->away);
        json_put_number(one, "bytesAcrossRegions", step->bytes);
        json_put_text(one, "note", step->note);
        (void)json_array_append_new(list, one);
    }
    return list;
}

void json_plan(struct print *out, const struct reply *reply, const char *file)
{
    json_t *all = json_object(), *problems = json_array();
    json_put_text(all, "file", file);
    json_put(all, "valid", json_boolean(reply->problem_count == 0));
    json_put_text(all, "name", reply->name);
    if (reply->version) json_put_number(all, "version", reply->version);
    json_put(all, "changed", json_boolean(reply->changed));
    for (size_t i = 0; i < reply->problem_count; i++) {
        const struct problem *problem = &reply->problems[i];
        json_t *one = json_object();
        if (problem->line) json_put_number(one, "line", problem->line);
        if (problem->line) json_put_number(one, "column", problem->column);
        json_put_text(one, "path", problem->path);
        json_put_text(one, "message", problem->text);
        (void)json_array_append_new(problems, one);
    }
    json_put(all, "problems", problems);
    json_put(all, "changes", changes_value(reply));
    json_put(all, "steps", steps_value(reply));
    json_write(out, all, false);
}

void json_dropped(struct print *out, uint64_t dropped)
{
    json_t *all = json_object();
    json_put_text(all, "type", "dropped");
    json_put_number(all, "count", dropped);
    json_write(out, all, true);
}

/* ---- jobs of custom actions: AWS's names ---- */

static json_t *type_value(const char *type)
{
    json_t *id = json_object();
    const char *provider = strchr(type, '/'), *version = provider ? strrchr(type, '/') : NULL;
    if (!provider || version == provider) return id;
    json_put(id, "category", json_text_value(type, (size_t)(provider - type)));
    json_put_text(id, "owner", "Custom");
    json_put(id, "provider", json_text_value(provider + 1, (size_t)(version - provider - 1)));
    json_put_text(id, "version", version + 1);
    return id;
}

static json_t *artifact_value(const struct job_artifact *artifact)
{
    json_t *one = json_object(), *place = json_object(), *object = json_object();
    json_put_text(object, "bucketName", artifact->ref.store);
    json_put_text(object, "objectKey", artifact->ref.key);
    json_put_text(object, "versionId", artifact->ref.version_id);
    json_put_text(place, "type", "S3");
    json_put(place, "s3Location", object);
    json_put_text(one, "name", artifact->name);
    json_put(one, "location", place);
    json_put_text(one, "url", artifact->grant.url);
    json_put_text(one, "pinnedPublicKey", artifact->grant.pin);
    return one;
}

static json_t *data_value(const struct custom_job *job)
{
    json_t *data = json_object(), *context = json_object(), *stage = json_object();
    json_t *action = json_object(), *inputs = json_array(), *settings = json_object();
    json_put(data, "actionTypeId", type_value(job->type));
    json_put_text(context, "pipelineName", job->pipeline);
    json_put_text(context, "pipelineExecutionId", job->execution.text);
    json_put_text(stage, "name", job->stage);
    json_put(context, "stage", stage);
    json_put_text(action, "name", job->action);
    json_put(context, "action", action);
    json_put(data, "pipelineContext", context);
    json_put_variables(settings, "configuration", job->settings, job->setting_count);
    json_put(data, "actionConfiguration", settings);
    for (size_t i = 0; i < job->input_count; i++)
        (void)json_array_append_new(inputs, artifact_value(&job->inputs[i]));
    json_put(data, "inputArtifacts", inputs);
    json_put_text(data, "continuationToken", job->continuation);
    json_put_text(data, "revisionId", job->revision);
    return data;
}

void json_jobs(struct print *out, const struct reply *reply)
{
    json_t *all = json_object(), *list = json_array();
    for (size_t i = 0; i < reply->job_count; i++) {
        json_t *one = json_object();
        json_put_text(one, "id", reply->jobs[i].job.text);
        json_put_text(one, "nonce", reply->jobs[i].nonce.text);
        json_put(one, "data", data_value(&reply->jobs[i]));
        (void)json_array_append_new(list, one);
    }
    json_put(all, "jobs", list);
    json_write(out, all, false);
}

void json_job(struct print *out, const struct reply *reply)
{
    json_t *all = json_object();
    for (size_t i = 0; i < reply->job_count; i++) {
        const struct custom_job *job = &reply->jobs[i];
        json_t *one = json_object();
        json_put_text(one, "id", job->job.text);
        json_put_text(one, "status", custom_status_name(job->status));
        json_put_text(one, "heldBy", job->holder);
        json_put_text(one, "externalExecutionId", job->external_id);
        if (job->percent) json_put_number(one, "percentComplete", job->percent);
        json_put_time(one, "deadline", job->deadline_ms);
        json_put(one, "data", data_value(job));
        json_put(all, "jobDetails", one);
    }
    json_write(out, all, false);
}
