#include "core/view.h"

#include "core/fleet.h"
#include "core/journal.h"
#include "core/request.h"

bool coordinator_view_execution(const struct coordinator *coordinator, const char *pipeline,
                                const char *execution, struct arena *arena,
                                struct execution_view *out, struct error *err)
{
    const struct model_execution *e = request_find(coordinator, pipeline, execution, err);
    if (!e) return false;
    struct job_state *jobs = arena_calloc(arena, e->job_count, sizeof *jobs);
    size_t count = 0;
    list_for_each (link, &e->jobs)
        jobs[count++] = journal_copy_job(arena, &list_entry(link, struct model_job, link)->state);
    *out = (struct execution_view){ .execution = journal_copy_execution(arena, &e->state),
                                    .jobs = jobs,
                                    .job_count = count };
    return true;
}

size_t coordinator_view_transitions(const struct coordinator *coordinator, const char *pipeline,
                                    struct arena *arena, const struct transition_record **out)
{
    const struct model_pipeline *p = model_pipeline_find(coordinator, pipeline);
    *out = NULL;
    if (!p) return 0;
    struct transition_record *all = arena_calloc(arena, list_count(&p->transitions), sizeof *all);
    size_t count = 0;
    list_for_each (link, &p->transitions) {
        const struct transition_record *t = &list_entry(link, struct model_transition, link)->state;
        if (t->enabled || count == WIRE_LIST_MAX) continue;
        all[count] = *t;
        all[count].pipeline = arena_text(arena, p->name);
        all[count].stage = arena_text(arena, t->stage);
        all[count].reason = arena_text(arena, t->reason);
        all[count++].changed_by = arena_text(arena, t->changed_by);
    }
    *out = all;
    return count;
}

static struct pipeline_summary summary_of(struct arena *arena, const struct model_pipeline *p,
                                          const struct model_definition *definition)
{
    struct pipeline_summary summary = { .name = arena_text(arena, p->name),
                                        .version = definition->state.version,
                                        .updated_ms = definition->state.created_ms,
                                        .status = STATUS_PENDING,
                                        .revision_id = "" };
    const struct list *last = list_last(&p->executions);
    if (!last) return summary;
    const struct model_execution *e = list_entry(last, struct model_execution, link);
    summary.execution = e->state.id;
    summary.status = e->state.status;
    summary.execution_started_ms = e->state.started_ms;
    if (e->state.revision_count)
        summary.revision_id = arena_text(arena, e->revisions[0].revision_id);
    return summary;
}

size_t coordinator_view_pipelines(const struct coordinator *coordinator, struct arena *arena,
                                  const struct pipeline_summary **out)
{
    struct pipeline_summary *all = arena_calloc(arena, coordinator->pipeline_count, sizeof *all);
    size_t count = 0;
    list_for_each (link, &coordinator->pipelines) {
        const struct model_pipeline *p = list_entry(link, struct model_pipeline, link);
        const struct model_definition *definition = model_definition_current(p);
        if (definition) all[count++] = summary_of(arena, p, definition);
    }
    *out = all;
    return count;
}

static uint32_t jobs_under_way(const struct model_worker *w)
{
    uint32_t count = 0;
    list_for_each (link, &w->jobs)
        count +=
            list_entry(link, struct model_job, worker_link)->state.status == STATUS_IN_PROGRESS;
    return count;
}

size_t coordinator_view_workers(const struct coordinator *coordinator, struct arena *arena,
                                const struct worker_summary **out)
{
    struct worker_summary *all =
        arena_calloc(arena, list_count(&coordinator->workers), sizeof *all);
    size_t count = 0;
    list_for_each (link, &coordinator->workers) {
        const struct model_worker *w = list_entry(link, struct model_worker, link);
        if (!w->enrolled) continue;
        all[count++] = (struct worker_summary){
            .name = arena_text(arena, w->name),
            .region = arena_text(arena, w->region),
            .version = arena_text(arena, w->version),
            .connected = w->connected,
            .seen_ms = w->seen_ms,
            .incarnation = w->welcomed,
            .jobs = jobs_under_way(w),
            .alarm = arena_text(arena, fleet_alarm_of(coordinator, w)),
            .drained = w->drained,
            .drained_by = arena_text(arena, w->drained_by),
            .drain_reason = arena_text(arena, w->drain_reason),
            .drained_ms = w->drained_ms,
        };
    }
    *out = all;
    return count;
}

const struct definition *coordinator_view_definition(const struct coordinator *coordinator,
                                                     const char *pipeline)
{
    const struct model_pipeline *p = model_pipeline_find(coordinator, pipeline);
    const struct model_definition *definition = p ? model_definition_current(p) : NULL;
    return definition ? &definition->state : NULL;
}

bool coordinator_view_session(const struct coordinator *coordinator, const char *worker,
                              uint64_t *session)
{
    const struct model_worker *w = model_worker_find(coordinator, worker);
    if (!w || !w->connected) return false;
    *session = w->session;
    return true;
}

/* SUPERSEDED would put aside all but the newest. */
static bool every_version(enum execution_mode mode, const struct pipeline_action *action)
{
    return mode != MODE_SUPERSEDED &&
           !text_equal(pipeline_setting_get(action, "PollForSourceChanges"), "false");
}

static struct source_watch watch_of(struct arena *arena, const struct model_pipeline *p,
                                    enum execution_mode mode, const struct pipeline_action *action)
{
    const struct model_source *source = model_source_find(p, action->name);
    const char *artifact = action->output_count ? action->outputs[0] : "";
    return (struct source_watch){
        .pipeline = arena_text(arena, p->name),
        .action = arena_text(arena, action->name),
        .artifact = arena_text(arena, artifact),
        .store = arena_text(arena, pipeline_setting_get(action, "S3Bucket")),
        .key = arena_text(arena, pipeline_setting_get(action, "S3ObjectKey")),
        .key_free = text_equal(pipeline_setting_get(action, "AllowOverrideForS3ObjectKey"), "true"),
        .seen_revision_id = arena_text(arena, source ? source->seen : ""),
        .every = every_version(mode, action),
    };
}

size_t coordinator_view_sources(const struct coordinator *coordinator, struct arena *arena,
                                const struct source_watch **out)
{
    size_t count = 0, max = 0;
    list_for_each (link, &coordinator->pipelines) {
        const struct model_definition *d =
            model_definition_current(list_entry(link, struct model_pipeline, link));
        if (d) max += d->state.parsed->stages[0].action_count;
    }
    struct source_watch *all = arena_calloc(arena, max, sizeof *all);
    list_for_each (link, &coordinator->pipelines) {
        const struct model_pipeline *p = list_entry(link, struct model_pipeline, link);
        const struct model_definition *d = model_definition_current(p);
        if (!d) continue;
        const struct pipeline_stage *stage = &d->state.parsed->stages[0];
        for (size_t a = 0; a < stage->action_count; a++)
            all[count++] = watch_of(arena, p, d->state.parsed->mode, &stage->actions[a]);
    }
    *out = all;
    return count;
}

uint64_t coordinator_view_epoch(const struct coordinator *coordinator)
{
    return coordinator->epoch;
}

uint64_t coordinator_view_event_seq(const struct coordinator *coordinator)
{
    return coordinator->event_seq;
}
