#include "disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY_ARENA_MAX = 16 << 20 };

const char *disk_copy_text(struct arena *arena, const char *text)
{
    assert(text); /* "Texts are never NULL" */
    return text[0] ? arena_text(arena, text) : "";
}

#define TEXT(field) ((field) = disk_copy_text(arena, (field)))

static void copy_artifact(struct arena *arena, struct artifact_ref *ref)
{
    TEXT(ref->store);
    TEXT(ref->key);
    TEXT(ref->version_id);
    TEXT(ref->etag);
}

static const struct job_artifact *copy_artifacts(struct arena *arena,
                                                 const struct job_artifact *from, size_t count)
{
    struct job_artifact *to = arena_calloc(arena, count + 1, sizeof *to);
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i];
        TEXT(to[i].name);
        copy_artifact(arena, &to[i].ref);
        TEXT(to[i].grant.url);
        TEXT(to[i].grant.pin);
    }
    return to;
}

static const struct job_variable *copy_variables(struct arena *arena,
                                                 const struct job_variable *from, size_t count)
{
    struct job_variable *to = arena_calloc(arena, count + 1, sizeof *to);
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i];
        TEXT(to[i].name);
        TEXT(to[i].value);
    }
    return to;
}

const struct job *disk_copy_job(struct arena *arena, const struct job *from)
{
    struct job *job = arena_calloc(arena, 1, sizeof *job);
    *job = *from;
    TEXT(job->worker);
    TEXT(job->target);
    TEXT(job->pipeline);
    TEXT(job->stage);
    TEXT(job->action);
    TEXT(job->region);
    TEXT(job->application);
    TEXT(job->deployment_group);
    TEXT(job->deployment_group_id);
    TEXT(job->bundle_type);
    TEXT(job->buildspec);
    TEXT(job->revision);
    copy_artifact(arena, &job->input);
    copy_artifact(arena, &job->output);
    TEXT(job->read.url);
    TEXT(job->read.pin);
    TEXT(job->write.url);
    TEXT(job->write.pin);
    assert(job->parts_count == 0); /* no store of this world is a bucket */
    job->inputs = copy_artifacts(arena, job->inputs, job->input_count);
    job->outputs = copy_artifacts(arena, job->outputs, job->output_count);
    job->variables = copy_variables(arena, job->variables, job->variable_count);
    copy_artifact(arena, &job->log);
    TEXT(job->log_write.url);
    TEXT(job->log_write.pin);
    return job;
}

static void copy_diagnostics(struct arena *arena, struct diagnostics *d)
{
    TEXT(d->script);
    TEXT(d->message);
    TEXT(d->log_tail);
}

struct diagnostics disk_copy_diagnostics(struct arena *arena, const struct diagnostics *from)
{
    struct diagnostics copy = *from;
    copy_diagnostics(arena, &copy);
    return copy;
}

struct result disk_copy_result(struct arena *arena, const struct result *from)
{
    struct result result = *from;
    struct lifecycle_report *events = arena_calloc(arena, from->event_count + 1, sizeof *events);
    if (from->event_count) memcpy(events, from->events, from->event_count * sizeof *events);
    result.events = events;
    copy_diagnostics(arena, &result.diagnostics);
    TEXT(result.version_id);
    TEXT(result.note);
    result.outputs = copy_artifacts(arena, from->outputs, from->output_count);
    return result;
}

static const struct variable *copy_pairs(struct arena *arena, const struct variable *from,
                                         size_t count)
{
    struct variable *to = arena_calloc(arena, count + 1, sizeof *to);
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i];
        TEXT(to[i].name);
        TEXT(to[i].value);
    }
    return to;
}

static const struct action_state *copy_actions(struct arena *arena, const struct action_state *from,
                                               size_t count)
{
    struct action_state *to = arena_calloc(arena, count + 1, sizeof *to);
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i];
#define X(member) TEXT(to[i].member);
        ACTION_STATE_TEXTS(X)
#undef X
        to[i].variables = copy_pairs(arena, to[i].variables, to[i].variable_count);
    }
    return to;
}

static const struct stage_state *copy_stages(struct arena *arena, const struct execution *e)
{
    struct stage_state *stages = arena_calloc(arena, e->stage_count + 1, sizeof *stages);
    for (size_t s = 0; s < e->stage_count; s++) {
        stages[s] = e->stages[s];
        TEXT(stages[s].name);
        stages[s].actions = copy_actions(arena, stages[s].actions, stages[s].action_count);
        stages[s].rules = copy_actions(arena, stages[s].rules, stages[s].rule_count);
    }
    return stages;
}

static void copy_execution(struct arena *arena, struct execution *e)
{
    TEXT(e->pipeline);
    TEXT(e->status_summary);
    TEXT(e->trigger_detail);
    TEXT(e->stop_reason);
    struct revision *revisions = arena_calloc(arena, e->revision_count + 1, sizeof *revisions);
    for (size_t i = 0; i < e->revision_count; i++) {
        revisions[i] = e->revisions[i];
        TEXT(revisions[i].action);
        TEXT(revisions[i].artifact);
        TEXT(revisions[i].revision_id);
        TEXT(revisions[i].summary);
        copy_artifact(arena, &revisions[i].ref);
    }
    e->revisions = revisions;
    e->stages = copy_stages(arena, e);
    struct copy_state *copies = arena_calloc(arena, e->copy_count + 1, sizeof *copies);
    for (size_t i = 0; i < e->copy_count; i++) {
        copies[i] = e->copies[i];
        TEXT(copies[i].artifact);
        TEXT(copies[i].region);
        copy_artifact(arena, &copies[i].ref);
        TEXT(copies[i].base_revision);
        TEXT(copies[i].note);
    }
    e->copies = copies;
    struct delta_state *deltas = arena_calloc(arena, e->delta_count + 1, sizeof *deltas);
    for (size_t i = 0; i < e->delta_count; i++) {
        deltas[i] = e->deltas[i];
        TEXT(deltas[i].artifact);
        TEXT(deltas[i].region);
        TEXT(deltas[i].base_revision);
        copy_artifact(arena, &deltas[i].older);
        copy_artifact(arena, &deltas[i].ref);
        TEXT(deltas[i].note);
    }
    e->deltas = deltas;
    e->variables = copy_pairs(arena, e->variables, e->variable_count);
}

static void copy_row(struct arena *arena, struct row_record *row)
{
    row->signed_job = arena_bytes(arena, row->signed_job);
    row->job = NULL;
    row->result = disk_copy_result(arena, &row->result);
}

static void copy_event(struct arena *arena, struct event_record *event)
{
    TEXT(event->pipeline);
    TEXT(event->stage);
    TEXT(event->action);
    TEXT(event->region);
    TEXT(event->worker);
    TEXT(event->what);
    TEXT(event->name);
    TEXT(event->detail);
    TEXT(event->version_id);
}

static void copy_job_state(struct arena *arena, struct job_state *job)
{
    TEXT(job->worker);
    TEXT(job->region);
    TEXT(job->target);
    TEXT(job->artifact);
    TEXT(job->cause);
    copy_diagnostics(arena, &job->diagnostics);
}

struct record disk_copy(struct arena *arena, const struct record *from)
{
    struct record r = *from;
    switch (r.kind) {
    case RECORD_DEFINITION:
        TEXT(r.definition.name);
        TEXT(r.definition.updated_by);
        r.definition.text = arena_bytes(arena, r.definition.text);
        r.definition.parsed = NULL;
        break;
    case RECORD_EXECUTION: copy_execution(arena, &r.execution); break;
    case RECORD_JOB: copy_job_state(arena, &r.job); break;
    case RECORD_SOURCE:
        TEXT(r.source.pipeline);
        TEXT(r.source.action);
        TEXT(r.source.revision_id);
        break;
    case RECORD_SUBMISSION: TEXT(r.submission.client); break;
    case RECORD_EVENT: copy_event(arena, &r.event); break;
    case RECORD_WORKER:
        TEXT(r.worker.name);
        TEXT(r.worker.drained_by);
        TEXT(r.worker.drain_reason);
        break;
    case RECORD_ROW: copy_row(arena, &r.row); break;
    case RECORD_TARGET: TEXT(r.target.target); break;
    case RECORD_TRANSITION:
        TEXT(r.transition.pipeline);
        TEXT(r.transition.stage);
        TEXT(r.transition.reason);
        TEXT(r.transition.changed_by);
        break;
    case RECORD_RESOURCE:
        TEXT(r.resource.name);
        TEXT(r.resource.updated_by);
        r.resource.text = arena_bytes(arena, r.resource.text);
        r.resource.parsed = NULL;
        break;
    case RECORD_HOST:
        TEXT(r.host.target);
        TEXT(r.host.worker);
        TEXT(r.host.revision);
        break;
    case RECORD_ALARM:
        TEXT(r.alarm.name);
        TEXT(r.alarm.reason);
        TEXT(r.alarm.changed_by);
        break;
    case RECORD_TURN: assert(false); break; /* lies in the world's ledger (check_replay.c) */
    case RECORD_EPOCH:
    case RECORD_SELF: break;
    }
    return r;
}

/* Where the key is, or would be. */
static size_t place(const struct disk *d, const char *key)
{
    size_t low = 0, high = d->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(d->at[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct disk_entry *disk_find(const struct disk *d, const char *key)
{
    size_t i = place(d, key);
    return i < d->count && strcmp(d->at[i]->key, key) == 0 ? d->at[i] : NULL;
}

const struct record *disk_get(const struct disk *d, const struct record *like)
{
    char key[RECORD_KEY_SIZE];
    record_key(like, key);
    const struct disk_entry *entry = disk_find(d, key);
    return entry ? &entry->record : NULL;
}

static struct disk_entry *entry_new(struct disk *d)
{
    if (d->spare_count) return d->spare[--d->spare_count];
    struct disk_entry *entry = xcalloc(1, sizeof *entry);
    arena_init(&entry->arena, ENTRY_ARENA_MAX);
    return entry;
}

static void entry_spare(struct disk *d, struct disk_entry *entry)
{
    if (d->spare_count == d->spare_cap) {
        d->spare_cap = d->spare_cap ? d->spare_cap * 2 : 64;
        d->spare = xrealloc(d->spare, d->spare_cap * sizeof *d->spare);
    }
    d->spare[d->spare_count++] = entry;
}

static struct disk_entry *entry_insert(struct disk *d, const char *key)
{
    if (d->count == d->cap) {
        d->cap = d->cap ? d->cap * 2 : 64;
        d->at = xrealloc(d->at, d->cap * sizeof *d->at);
    }
    size_t i = place(d, key);
    memmove(d->at + i + 1, d->at + i, (d->count - i) * sizeof *d->at);
    d->count++;
    d->at[i] = entry_new(d);
    bool fits = text_copy(d->at[i]->key, sizeof d->at[i]->key, key);
    assert(fits);
    return d->at[i];
}

struct disk_entry *disk_slot(const struct disk *d, const struct record *record,
                             char key[RECORD_KEY_SIZE])
{
    if (record->kind == RECORD_EVENT)
        memcpy(key, "event/newest", sizeof "event/newest");
    else
        record_key(record, key);
    return disk_find(d, key);
}

void disk_put(struct disk *d, const char *key, struct disk_entry *entry,
              const struct record *record)
{
    if (record->kind == RECORD_EVENT) d->event_seq = record->event.seq;
    if (!entry) entry = entry_insert(d, key);
    arena_reset(&entry->arena);
    entry->record = disk_copy(&entry->arena, record);
}

void disk_delete(struct disk *d, const char *key)
{
    size_t i = place(d, key);
    if (i == d->count || strcmp(d->at[i]->key, key) != 0) return;
    entry_spare(d, d->at[i]);
    d->count--;
    memmove(d->at + i, d->at + i + 1, (d->count - i) * sizeof *d->at);
}

void disk_clear(struct disk *d)
{
    while (d->count) entry_spare(d, d->at[--d->count]);
    d->event_seq = 0;
}

void disk_deinit(struct disk *d)
{
    disk_clear(d);
    for (size_t i = 0; i < d->spare_count; i++) {
        arena_deinit(&d->spare[i]->arena);
        free(d->spare[i]);
    }
    free(d->at);
    free(d->spare);
    *d = (struct disk){ 0 };
}
