#include "core/recover.h"

#include "core/dispatch.h"
#include "core/drain.h"
#include "core/journal.h"

static void load_definition(struct coordinator *c, const struct record *record)
{
    const struct definition *from = &record->definition;
    if (!from->parsed) {
        journal_note(c, NOTE_ERROR, "pipeline=%s version=%u: the stored definition cannot be read",
                     from->name, (unsigned)from->version);
        return;
    }
    model_definition_add(model_pipeline_make(c, from->name), from, (struct pipeline *)from->parsed);
}

static bool shapes_match(const struct execution *e, const struct pipeline *pipeline)
{
    if (e->stage_count != pipeline->stage_count) return false;
    for (size_t s = 0; s < e->stage_count; s++)
        if (e->stages[s].action_count != pipeline->stages[s].action_count ||
            (e->stages[s].rule_count != pipeline->stages[s].rule_count && e->type == TYPE_STANDARD))
            return false;
    return true;
}

static void load_execution(struct coordinator *c, const struct record *record)
{
    const struct execution *from = &record->execution;
    struct model_pipeline *p = model_pipeline_make(c, from->pipeline);
    if (from->stage_count == 0 || from->stages[0].action_count == 0) {
        journal_note(c, NOTE_ERROR, "run=%s: the stored execution has no stage", from->id.text);
        return;
    }
    struct model_execution *e = model_execution_add(c, p, from);
    struct model_definition *definition = model_definition_find(p, from->pipeline_version);
    if (definition && shapes_match(from, definition->state.parsed)) e->definition = definition;
    if (status_ended(from->status)) return;
    p->live_count++;
    if (e->definition) return;
    model_format(&e->state.status_summary,
                 "cannot go on: version %u of the pipeline's definition cannot be read",
                 (unsigned)from->pipeline_version);
    journal_note(c, NOTE_ERROR, "run=%s pipeline=%s: %s", from->id.text, p->name,
                 e->state.status_summary);
}

static void job_place(struct model_job *job)
{
    const struct model_execution *e = job->execution;
    size_t stage = job->state.stage_number, action = job->state.action_number;
    if (stage && stage <= e->state.stage_count && action &&
        action <= model_subjects(e, stage - 1)) {
        model_job_place(job, stage - 1, action - 1);
        return;
    }
    for (size_t s = 0; s < e->state.stage_count; s++)
        for (size_t a = 0; a < model_subjects(e, s); a++)
            if (id_equal(&model_action(e, s, a)->id, &job->state.action_execution)) {
                model_job_place(job, s, a);
                return;
            }
}

static void load_job(struct coordinator *c, const struct record *record)
{
    struct model_execution *e = model_execution_find(c, &record->job.execution);
    if (!e) {
        journal_note(c, NOTE_ERROR, "job=%s: its execution %s is not in the store",
                     record->job.id.text, record->job.execution.text);
        return;
    }
    struct model_job *job = model_job_add(c, e, &record->job);
    job_place(job);
    if (job->state.status != STATUS_IN_PROGRESS) return;
    job->send_boot_ms = c->boot_ms;
    job->lease_boot_ms = dispatch_lease_end(c); /* P7: counted from our start */
}

static void load_resource(struct coordinator *c, const struct record *record)
{
    const struct resource_record *from = &record->resource;
    if (from->parsed)
        model_resource_set(c, from, (struct deploy_resource *)from->parsed);
    else
        journal_note(c, NOTE_ERROR, "%s=%s: the stored definition cannot be read",
                     resource_kind_name(from->kind), from->name);
}

static void load_other(struct coordinator *c, const struct record *record)
{
    switch (record->kind) {
    case RECORD_EPOCH: c->epoch = record->epoch.epoch; break;
    case RECORD_SOURCE: {
        struct model_pipeline *p = model_pipeline_make(c, record->source.pipeline);
        model_text(&model_source_make(p, record->source.action)->seen, record->source.revision_id);
        break;
    }
    case RECORD_SUBMISSION: model_submission_add(c, &record->submission); break;
    case RECORD_EVENT:
        if (record->event.seq > c->event_seq) c->event_seq = record->event.seq;
        break;
    case RECORD_WORKER: {
        struct model_worker *w = model_worker_make(c, record->worker.name);
        w->welcomed = record->worker.incarnation;
        w->lost_ms = c->now_ms;
        drain_load(w, &record->worker);
        break;
    }
    case RECORD_TRANSITION:
        model_transition_set(model_pipeline_make(c, record->transition.pipeline),
                             &record->transition);
        break;
    case RECORD_RESOURCE: load_resource(c, record); break;
    case RECORD_HOST: model_host_set(c, &record->host); break;
    case RECORD_ALARM: model_alarm_set(c, &record->alarm); break;
    case RECORD_DEFINITION:
    case RECORD_EXECUTION:
    case RECORD_JOB: break;  /* loaded in their own order */
    case RECORD_TURN: break; /* read by core/replay.h only */
    case RECORD_SELF:
    case RECORD_ROW:
    case RECORD_TARGET: break; /* a worker's */
    }
}

static void load_kind(struct coordinator *c, const struct coordinator_event *event,
                      enum record_kind kind,
                      void (*load)(struct coordinator *c, const struct record *record))
{
    for (size_t i = 0; i < event->start.count; i++)
        if (event->start.records[i].kind == kind) load(c, &event->start.records[i]);
}

static void live_collect(struct coordinator *c)
{
    list_for_each (at, &c->pipelines) {
        struct model_pipeline *p = list_entry(at, struct model_pipeline, link);
        list_for_each (link, &p->executions) {
            struct model_execution *e = list_entry(link, struct model_execution, link);
            if (!status_ended(e->state.status) || e->open_count) model_live_insert(c, e);
        }
    }
}

static void maps_seed(struct coordinator *c)
{
    map_init(&c->pipelines_by_name, prng_next(&c->random));
    map_init(&c->workers_by_name, prng_next(&c->random));
    map_init(&c->jobs_by_id, prng_next(&c->random));
    map_init(&c->executions_by_id, prng_next(&c->random));
    map_init(&c->submissions_by_key, prng_next(&c->random));
    map_init(&c->resources_by_key, prng_next(&c->random));
    map_init(&c->hosts_by_key, prng_next(&c->random));
    map_init(&c->alarms_by_name, prng_next(&c->random));
}

void recover_event(struct coordinator *c, const struct coordinator_event *event)
{
    maps_seed(c);
    load_kind(c, event, RECORD_DEFINITION, load_definition);
    load_kind(c, event, RECORD_EXECUTION, load_execution);
    load_kind(c, event, RECORD_JOB, load_job);
    for (size_t i = 0; i < event->start.count; i++) load_other(c, &event->start.records[i]);
    live_collect(c);
    c->epoch++;
    journal_put(c, RECORD_EPOCH)->epoch = (struct epoch_record){ c->epoch };
    c->changed = c->sources_stale = c->prune = true;
    journal_note(c, NOTE_INFO, "started epoch=%llu pipelines=%zu live=%zu event=%llu",
                 (unsigned long long)c->epoch, c->pipeline_count, list_count(&c->live),
                 (unsigned long long)c->event_seq);
}
