#include "core/copy.h"

#include <assert.h>
#include <string.h>

static const char *text(struct arena *arena, const char *from)
{
    /* Most texts of most messages are empty: they need no memory. */
    return from && from[0] ? arena_text(arena, from) : "";
}

static void copy_artifact(struct arena *arena, struct artifact_ref *ref)
{
    ref->store = text(arena, ref->store);
    ref->key = text(arena, ref->key);
    ref->version_id = text(arena, ref->version_id);
    ref->etag = text(arena, ref->etag);
}

static void copy_grant(struct arena *arena, struct grant *grant)
{
    grant->url = text(arena, grant->url);
    grant->pin = text(arena, grant->pin);
}

const struct job_artifact *copy_artifacts(struct arena *arena, const struct job_artifact *from,
                                          size_t count)
{
    if (count == 0) return NULL;
    struct job_artifact *to = arena_calloc(arena, count, sizeof *to);
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i];
        to[i].name = text(arena, from[i].name);
        copy_artifact(arena, &to[i].ref);
        copy_grant(arena, &to[i].grant);
    }
    return to;
}

static const struct job_variable *copy_variables(struct arena *arena,
                                                 const struct job_variable *from, size_t count)
{
    if (count == 0) return NULL;
    struct job_variable *to = arena_calloc(arena, count, sizeof *to);
    for (size_t i = 0; i < count; i++)
        to[i] = (struct job_variable){ text(arena, from[i].name), text(arena, from[i].value),
                                       from[i].secret };
    return to;
}

const struct variable *copy_exported(struct arena *arena, const struct variable *from, size_t count)
{
    if (count == 0) return NULL;
    struct variable *to = arena_calloc(arena, count, sizeof *to);
    for (size_t i = 0; i < count; i++)
        to[i] = (struct variable){ text(arena, from[i].name), text(arena, from[i].value) };
    return to;
}

static const struct parts_grant *copy_parts(struct arena *arena, const struct parts_grant *from,
                                            size_t count)
{
    if (count == 0) return NULL;
    struct parts_grant *to = arena_calloc(arena, count, sizeof *to);
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i];
        to[i].url = text(arena, from[i].url);
        to[i].complete = text(arena, from[i].complete);
        to[i].look = text(arena, from[i].look);
        to[i].signatures = arena_bytes(arena, from[i].signatures);
    }
    return to;
}

const struct job *copy_job(struct arena *arena, const struct job *job)
{
    struct job *copy = arena_calloc(arena, 1, sizeof *copy);
    *copy = *job;
    copy->worker = text(arena, job->worker);
    copy->target = text(arena, job->target);
    copy->pipeline = text(arena, job->pipeline);
    copy->stage = text(arena, job->stage);
    copy->action = text(arena, job->action);
    copy->region = text(arena, job->region);
    copy->application = text(arena, job->application);
    copy->deployment_group = text(arena, job->deployment_group);
    copy->deployment_group_id = text(arena, job->deployment_group_id);
    copy->bundle_type = text(arena, job->bundle_type);
    copy->buildspec = text(arena, job->buildspec);
    copy->revision = text(arena, job->revision);
    copy_artifact(arena, &copy->input);
    copy_artifact(arena, &copy->output);
    copy_grant(arena, &copy->read);
    copy_grant(arena, &copy->write);
    copy->parts = copy_parts(arena, job->parts, job->parts_count);
    copy->inputs = copy_artifacts(arena, job->inputs, job->input_count);
    copy->outputs = copy_artifacts(arena, job->outputs, job->output_count);
    copy->variables = copy_variables(arena, job->variables, job->variable_count);
    copy_artifact(arena, &copy->log);
    copy_grant(arena, &copy->log_write);
    return copy;
}

struct diagnostics copy_diagnostics(struct arena *arena, const struct diagnostics *from)
{
    return (struct diagnostics){ .code = from->code,
                                 .script = text(arena, from->script),
                                 .message = text(arena, from->message),
                                 .log_tail = text(arena, from->log_tail) };
}

struct result copy_result(struct arena *arena, const struct result *from)
{
    struct result copy = *from;
    assert(from->event_count <= WIRE_EVENTS_MAX);
    struct lifecycle_report *events = arena_calloc(arena, from->event_count + 1, sizeof *events);
    if (from->event_count) memcpy(events, from->events, from->event_count * sizeof *events);
    copy.events = events;
    copy.diagnostics = copy_diagnostics(arena, &from->diagnostics);
    copy.version_id = text(arena, from->version_id);
    copy.note = text(arena, from->note);
    copy.outputs = copy_artifacts(arena, from->outputs, from->output_count);
    copy.variables = copy_exported(arena, from->variables, from->variable_count);
    return copy;
}

struct row_record copy_row(struct arena *arena, const struct row_record *from)
{
    assert(from->event_count <= WIRE_EVENTS_MAX);
    struct row_record copy = *from;
    copy.signed_job = arena_bytes(arena, from->signed_job);
    copy.job = NULL;
    copy.result = copy_result(arena, &from->result);
    return copy;
}
