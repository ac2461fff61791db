#include "core/source.h"

#include "core/engine.h"
#include "core/journal.h"

#include <assert.h>

static const struct pipeline_stage *source_stage(const struct model_pipeline *p)
{
    const struct model_definition *definition = model_definition_current(p);
    return definition ? &definition->state.parsed->stages[0] : NULL;
}

void source_event(struct coordinator *c, const struct coordinator_event *event)
{
    const struct revision *revision = event->source.revision;
    struct model_pipeline *p = model_pipeline_find(c, event->source.pipeline);
    const struct pipeline_stage *stage = p ? source_stage(p) : NULL;
    if (!stage) return;
    bool known = false;
    for (size_t a = 0; a < stage->action_count; a++)
        known = known || text_equal(stage->actions[a].name, event->source.action);
    if (!known) return;
    struct model_source *source = model_source_make(p, event->source.action);
    if (text_equal(source->newest.revision_id, revision->revision_id)) return;
    model_revision(&source->newest, revision);
    c->sources_stale = true;
    c->changed = true;
}

void source_seen(struct coordinator *c, struct model_pipeline *p, const struct revision *revisions,
                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct model_source *source = model_source_make(p, revisions[i].action);
        /* A run looked at the object itself: the last poll may be older and must not win. */
        model_revision(&source->newest, &revisions[i]);
        if (!model_text(&source->seen, revisions[i].revision_id)) continue;
        struct arena *arena = &c->out->arena;
        struct source_state state = { arena_text(arena, p->name), arena_text(arena, source->action),
                                      arena_text(arena, source->seen) };
        journal_put(c, RECORD_SOURCE)->source = state;
    }
}

/* What the pipeline's sources say together. */
struct verdict {
    bool complete; /* every source has a revision */
    bool fresh;    /* none has ever started an execution */
    const struct model_source *changed;
};

static struct verdict source_judge(struct model_pipeline *p, const struct pipeline_stage *stage)
{
    struct verdict verdict = { .complete = true, .fresh = true };
    for (size_t a = 0; a < stage->action_count; a++) {
        const struct pipeline_action *action = &stage->actions[a];
        const struct model_source *source = model_source_make(p, action->name);
        if (source->seen[0]) verdict.fresh = false;
        if (!source->newest.revision_id[0]) verdict.complete = false;
        bool polled = !text_equal(pipeline_setting_get(action, "PollForSourceChanges"), "false");
        if (polled && !verdict.changed && !text_equal(source->newest.revision_id, source->seen))
            verdict.changed = source;
    }
    return verdict;
}

static void source_start(struct coordinator *c, struct model_pipeline *p,
                         const struct pipeline_stage *stage, struct verdict verdict)
{
    struct revision *revisions =
        arena_calloc(&c->out->arena, stage->action_count, sizeof *revisions);
    for (size_t a = 0; a < stage->action_count; a++) {
        revisions[a] = model_source_make(p, stage->actions[a].name)->newest;
        revisions[a].action = stage->actions[a].name;
        revisions[a].artifact = stage->actions[a].output_count ? stage->actions[a].outputs[0] : "";
    }
    enum trigger trigger = verdict.fresh ? TRIGGER_CREATE : TRIGGER_POLL;
    const char *detail = verdict.fresh ? "" : verdict.changed->action;
    struct id execution;
    struct failure failure;
    const struct beginning from = { .revisions = revisions,
                                    .revision_count = stage->action_count,
                                    .trigger = trigger,
                                    .detail = detail };
    if (engine_start(c, p, &from, &execution, &failure))
        source_seen(c, p, revisions, stage->action_count);
    else
        journal_note(c, NOTE_WARNING, "pipeline=%s a new revision waits: %s", p->name,
                     failure.cause);
}

void source_reconcile(struct coordinator *c)
{
    if (!c->sources_stale) return;
    c->sources_stale = false;
    list_for_each (link, &c->pipelines) {
        struct model_pipeline *p = list_entry(link, struct model_pipeline, link);
        const struct pipeline_stage *stage = source_stage(p);
        if (!stage) continue;
        struct verdict verdict = source_judge(p, stage);
        if (verdict.complete && (verdict.fresh || verdict.changed))
            source_start(c, p, stage, verdict);
    }
}
