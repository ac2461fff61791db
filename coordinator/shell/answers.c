#include "shell/answers.h"

#include "shell/buckets.h"
#include "core/offer.h"
#include "io/fs.h"
#include "shell/definition.h"
#include "shell/records.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct reply answers_empty(uint64_t token, enum request_kind kind)
{
    return (struct reply){ .token = token,
                           .kind = kind,
                           .failure = { .what = "", .cause = "", .fix = "" },
                           .name = "",
                           .resource = "",
                           .region = "",
                           .next = "",
                           .log = { .cause = "" },
                           .grant = { .url = "", .pin = "" } };
}

static void fail(struct reply *reply, struct arena *arena, const struct error *err,
                 const char *what, const char *fix)
{
    reply->failure = (struct failure){ .code = err->code,
                                       .what = arena_text(arena, what),
                                       .cause = arena_text(arena, err->text),
                                       .fix = arena_text(arena, fix) };
}

void answers_ping(const struct coordinator *core, const char *region, struct reply *reply)
{
    reply->name = MERIDIAN_VERSION;
    reply->region = region;
    reply->seq = coordinator_view_epoch(core);
}

void answers_list(const struct coordinator *core, struct arena *arena, struct reply *reply)
{
    reply->pipeline_count = coordinator_view_pipelines(core, arena, &reply->pipelines);
}

void answers_workers(const struct coordinator *core, struct arena *arena, struct reply *reply)
{
    reply->worker_count = coordinator_view_workers(core, arena, &reply->workers);
}

/* Live ones and the newest from memory, older ones from the store. */
NODISCARD static bool find_execution(const struct coordinator *core, struct store *store,
                                     const char *pipeline, const char *execution,
                                     struct arena *arena, struct execution_view *out,
                                     struct error *err)
{
    if (coordinator_view_execution(core, pipeline, execution, arena, out, err)) return true;
    if (err->code != ERR_NOT_FOUND) return false;
    if (pipeline[0] && !execution[0]) return false;
    return records_execution(store, pipeline, execution, arena, out, err);
}

/* The execution that was asked for is reply->executions[0] then. */
NODISCARD static bool answer_execution(const struct coordinator *core, struct store *store,
                                       const struct status_request *request, struct arena *arena,
                                       struct reply *reply)
{
    struct error err = { 0 };
    struct execution_view *view = arena_calloc(arena, 1, sizeof *view);
    if (find_execution(core, store, request->pipeline, request->execution, arena, view, &err)) {
        reply->executions = view;
        reply->execution_count = 1;
        return true;
    }
    bool unknown = request->pipeline[0] && !coordinator_view_definition(core, request->pipeline);
    const char *what = unknown ? arena_format(arena, "there is no pipeline %s", request->pipeline)
                               : "there is no such execution";
    fail(reply, arena, &err, what,
         unknown || !request->pipeline[0]
             ? "meridian list"
             : arena_format(arena, "meridian history %s", request->pipeline));
    return false;
}

void answers_status(const struct coordinator *core, struct store *store,
                    const struct status_request *request, struct arena *arena, struct reply *reply)
{
    if (!answer_execution(core, store, request, arena, reply)) return;
    const struct execution_view *view = reply->executions;
    reply->transition_count =
        coordinator_view_transitions(core, view->execution.pipeline, arena, &reply->transitions);
}

void answers_why(const struct coordinator *core, struct store *store,
                 const struct status_request *request, struct arena *arena, struct reply *reply)
{
    struct error err = { 0 };
    if (!answer_execution(core, store, request, arena, reply)) return;
    const struct execution_view *found = reply->executions;
    struct execution_view *view = arena_calloc(arena, 1, sizeof *view);
    view->execution = found->execution;
    reply->executions = view;
    /* What is in the store only has ended, and with it the last of its jobs. */
    if (!coordinator_view_why(core, "", found->execution.id.text, arena, &reply->reasons,
                              &reply->reason_count, &err))
        reply->reason_count = 0;
}

void answers_regions(const struct coordinator *core, struct arena *arena, struct reply *reply)
{
    reply->region_count = coordinator_view_regions(core, arena, &reply->regions);
}

/* Some of their texts end with the pipeline. */
static void answer_problems(struct reply *reply, struct arena *arena,
                            const struct problem *problems, size_t count)
{
    if (count > WIRE_LIST_MAX) count = WIRE_LIST_MAX;
    struct problem *copies = arena_calloc(arena, count, sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        copies[i] = problems[i];
        copies[i].path = arena_text(arena, problems[i].path);
        copies[i].text = arena_text(arena, problems[i].text);
    }
    reply->problems = copies;
    reply->problem_count = count;
    reply->failure =
        (struct failure){ ERR_INVALID, "the pipeline's definition is not valid",
                          arena_format(arena, "%zu problem%s", count, count == 1 ? "" : "s"),
                          "correct the file and plan again" };
}

void answers_plan(const struct coordinator *core, const char *region,
                  const struct preview_request *request, struct arena *arena, struct reply *reply)
{
    struct pipeline *parsed = NULL;
    const struct problem *problems = NULL;
    size_t count = 0;
    if (definition_parse(request->file, request->text, arena, &parsed, &problems, &count))
        count = pipeline_check(parsed, region, arena, &problems);
    if (count == 0 && parsed) {
        const struct plan plan = coordinator_view_plan(core, parsed, arena);
        reply->name = arena_text(arena, parsed->name);
        reply->version = plan.version;
        reply->changed = plan.changed;
        reply->plan_changes = plan.changes;
        reply->plan_change_count = plan.change_count;
        reply->plan_steps = plan.steps;
        reply->plan_step_count = plan.step_count;
    } else {
        answer_problems(reply, arena, problems, count);
    }
    pipeline_free(parsed);
}

void answers_history(const struct coordinator *core, struct store *store,
                     const struct history_request *request, struct arena *arena,
                     struct reply *reply)
{
    struct error err = { 0 };
    if (!coordinator_view_definition(core, request->pipeline)) {
        error_set(&err, ERR_NOT_FOUND, "no pipeline of that name was applied");
        fail(reply, arena, &err, arena_format(arena, "there is no pipeline %s", request->pipeline),
             "meridian list");
        return;
    }
    if (!records_history(store, request->pipeline, request->before, request->max, arena,
                         &reply->executions, &reply->execution_count, &err))
        fail(reply, arena, &err, "the history cannot be read", "meridian list");
}

void answers_events(struct store *store, const struct events_request *request, struct arena *arena,
                    struct reply *reply)
{
    struct error err = { 0 };
    reply->seq = request->after;
    if (request->after == UINT64_MAX) return;
    if (!records_events(store, request, arena, &reply->events, &reply->event_count, &reply->seq,
                        &err) ||
        !records_events_dropped(store, request->after, &reply->dropped, &err))
        fail(reply, arena, &err, "the events cannot be read", "meridian status");
}

void answers_resources(const struct coordinator *core, const struct resources_request *request,
                       struct arena *arena, struct reply *reply)
{
    reply->resource_count =
        coordinator_view_resources(core, request->after, arena, &reply->resources);
}

static void export_resource(const struct coordinator *core, const char *key, struct arena *arena,
                            struct reply *reply)
{
    const struct resource_record *found = coordinator_view_resource(core, key);
    if (!found) {
        struct error err = { 0 };
        error_set(&err, ERR_NOT_FOUND, "nothing of that name was applied");
        fail(reply, arena, &err, arena_format(arena, "there is no %s", key), "meridian resources");
        return;
    }
    reply->name = found->name;
    reply->resource = resource_kind_name(found->kind);
    reply->version = found->version;
    reply->document = found->text;
}

void answers_export(const struct coordinator *core, const struct export_request *request,
                    struct arena *arena, struct reply *reply)
{
    if (request->resource[0]) {
        export_resource(core, request->resource, arena, reply);
        return;
    }
    const struct definition *definition = coordinator_view_definition(core, request->pipeline);
    if (!definition) {
        struct error err = { 0 };
        error_set(&err, ERR_NOT_FOUND, "no pipeline of that name was applied");
        fail(reply, arena, &err, arena_format(arena, "there is no pipeline %s", request->pipeline),
             "meridian list");
        return;
    }
    reply->name = definition->name;
    reply->version = definition->version;
    reply->document = definition->text;
}

void answers_push(const struct artifacts *artifacts, const struct push_request *request,
                  enum client_role role, uint64_t now_ms, struct arena *arena, struct reply *reply)
{
    struct error err = { 0 };
    if (role != ROLE_DEPLOYER && role != ROLE_ADMIN) {
        error_set(&err, ERR_DENIED, "the role of this key may not push");
        fail(reply, arena, &err, "not allowed to push",
             "ask an administrator for a key with the role deployer or admin");
        return;
    }
    struct upload upload = { .id = request->submission,
                             .size = request->size,
                             .summary = request->summary };
    memcpy(upload.sha256, request->sha256, sizeof upload.sha256);
    if (!artifacts_grant_write(artifacts, request->store, request->key, &upload,
                               now_ms + PUSH_GRANT_MS, arena, &reply->grant, &err))
        fail(reply, arena, &err, "the object cannot be pushed there",
             "use a store of the coordinator's configuration: s3://STORE/KEY");
}

void answers_custom_job(const struct coordinator *core, const struct artifacts *artifacts,
                        const struct id *job, const char *client, uint64_t now_ms,
                        struct arena *arena, struct reply *reply)
{
    struct custom_job *out = arena_calloc(arena, 1, sizeof *out);
    struct error err = { 0 };
    bool holds = false;
    if (!coordinator_view_custom_job(core, job, client, arena, out, &holds)) {
        error_set(&err, ERR_NOT_FOUND,
                  "JobNotFoundException: there is no such job, or it has gone on as another");
        fail(reply, arena, &err, "the job cannot be shown", "meridian jobs poll");
        return;
    }
    struct job_artifact *inputs = (struct job_artifact *)out->inputs;
    for (size_t i = 0; holds && i < out->input_count; i++)
        if (!artifacts_grant_read(artifacts, &inputs[i].ref, now_ms + PUSH_GRANT_MS, arena,
                                  &inputs[i].grant, &err)) {
            fail(reply, arena, &err, "its artifacts cannot be read", "meridian doctor");
            return;
        }
    reply->jobs = out;
    reply->job_count = 1;
}

/* ---- logs ---- */

static bool is_of(const struct action_state *list, size_t count, const char *name,
                  const struct job_state *job)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(list[i].name, name) && id_equal(&list[i].id, &job->action_execution))
            return true;
    return false;
}

/* An action or a rule of any stage. */
static bool has_name(const struct execution_view *view, const char *name,
                     const struct job_state *job)
{
    for (size_t s = 0; s < view->execution.stage_count; s++) {
        const struct stage_state *stage = &view->execution.stages[s];
        if (is_of(stage->actions, stage->action_count, name, job) ||
            is_of(stage->rules, stage->rule_count, name, job))
            return true;
    }
    return false;
}

/* The host finds the folder by the deployment id alone. */
static const struct job_state *match_job(const struct execution_view *view,
                                         const struct logs_request *request, size_t *matches)
{
    const struct job_state *found = NULL;
    *matches = 0;
    for (size_t i = 0; i < view->job_count; i++) {
        const struct job_state *job = &view->jobs[i];
        if (job_kind_moves(job->kind) || job->attempt == 0) continue;
        if (request->worker[0] && !text_equal(request->worker, job->worker)) continue;
        if (request->action[0] && !has_name(view, request->action, job)) continue;
        (*matches)++;
        found = job;
    }
    return found;
}

static const char *hosts_text(const struct execution_view *view, struct arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < view->job_count; i++)
        if (!job_kind_moves(view->jobs[i].kind) && view->jobs[i].worker[0])
            text = arena_format(arena, "%s%s%s", text, text[0] ? ", " : "", view->jobs[i].worker);
    return text;
}

static struct failure failed(enum error_code code, const char *what, const char *cause,
                             const char *fix)
{
    return (struct failure){ .code = code, .what = what, .cause = cause, .fix = fix };
}

/* Where the log of a job is kept; false: its region has no store any more. */
NODISCARD static bool kept_where(const struct coordinator *core, const struct execution *execution,
                                 const struct job_state *job, struct arena *arena,
                                 const char **store, const char **key)
{
    const struct definition *definition = coordinator_view_definition(core, execution->pipeline);
    *store = definition ? pipeline_store_of(definition->parsed, job->region) : NULL;
    *key = offer_log_key(arena, execution->pipeline, &job->deployment, job->worker);
    return *store != NULL;
}

/* The log of a job that has ended, from the region's folder; false when it is not there. */
NODISCARD static bool read_kept(const struct artifacts *artifacts, const char *name,
                                const char *key, const struct logs_request *request,
                                struct arena *arena, struct log_chunk *out)
{
    const struct dirstore *store = artifacts_store(artifacts, name);
    struct dirstore_object object;
    struct error err = { 0 };
    AUTO(auto_close) int fd = -1;
    size_t got = 0;
    if (!store || !dirstore_head(store, key, "", &object, &err) ||
        !dirstore_get(store, key, &object, &fd, &err))
        return false;
    uint32_t max =
        request->max && request->max < WIRE_LOG_CHUNK_MAX ? request->max : WIRE_LOG_CHUNK_MAX;
    uint8_t *data = arena_calloc(arena, max, 1);
    if (!fs_pread_full(fd, data, max, request->offset, &got, &err)) return false;
    *out = (struct log_chunk){ .offset = request->offset,
                               .data = bytes_of(data, got),
                               .end = request->offset + got >= object.size,
                               .cause = "" };
    return true;
}

bool answers_log_request(const struct coordinator *core, struct store *store,
                         const struct artifacts *artifacts, const struct logs_request *request,
                         struct arena *arena, struct log_source *out, struct failure *failure)
{
    struct error err = { 0 };
    struct execution_view view;
    if (!find_execution(core, store, request->pipeline, request->execution, arena, &view, &err)) {
        *failure = failed(err.code, "there is no such execution", arena_text(arena, err.text),
                          "meridian list");
        return false;
    }
    size_t matches = 0;
    const struct job_state *job = match_job(&view, request, &matches);
    if (matches == 0) {
        *failure = failed(ERR_NOT_FOUND, "no host has a log of that yet",
                          "no deployment of the execution has begun on such a host",
                          arena_format(arena, "meridian status %s", view.execution.pipeline));
        return false;
    }
    if (matches > 1) {
        *failure =
            failed(ERR_CONFLICT, "several hosts have a log", hosts_text(&view, arena),
                   arena_format(arena, "meridian logs %.8s/ACTION/HOST", view.execution.id.text));
        return false;
    }
    const char *name = NULL, *key = NULL;
    bool somewhere =
        status_ended(job->status) && kept_where(core, &view.execution, job, arena, &name, &key);
    out->kept = somewhere && read_kept(artifacts, name, key, request, arena, &out->chunk);
    if (out->kept) return true;
    bool bucket = somewhere && buckets_has(artifacts_buckets(artifacts), name);
    out->store = bucket ? name : NULL;
    out->key = bucket ? key : NULL;
    bool connected = coordinator_view_session(core, job->worker, &out->session);
    if (!connected) out->session = 0;
    if (!connected && !bucket) {
        *failure =
            failed(ERR_RETRY, arena_format(arena, "the worker %s is not connected", job->worker),
                   "its log lies on the host, and was not kept in the store", "meridian workers");
        return false;
    }
    out->job_ended = status_ended(job->status);
    out->ask = (struct log_request){ .deployment = job->deployment,
                                     .deployment_group_id = "",
                                     .offset = request->offset,
                                     .max = request->max && request->max < WIRE_LOG_CHUNK_MAX
                                                ? request->max
                                                : WIRE_LOG_CHUNK_MAX };
    return true;
}
