#include "core/transition.h"

#include "core/journal.h"
#include "core/request.h"

#include <string.h>

/* -1 when the definition has no stage of that name. */
static long stage_index(const struct pipeline *pipeline, const char *name)
{
    for (size_t s = 0; s < pipeline->stage_count; s++)
        if (text_equal(pipeline->stages[s].name, name)) return (long)s;
    return -1;
}

static void transition_set(struct coordinator *c, const struct coordinator_event *event,
                           struct model_pipeline *p)
{
    const struct transition_request *asked = &event->request.request->transition;
    struct arena *arena = &c->out->arena;
    struct transition_record state = { .pipeline = arena_text(arena, p->name),
                                       .stage = arena_text(arena, asked->stage),
                                       .enabled = asked->enable,
                                       .reason = arena_text(arena, asked->reason),
                                       .changed_by = arena_text(arena, event->request.client),
                                       .changed_ms = c->now_ms };
    const struct model_transition *old = model_transition_find(p, asked->stage);
    bool was_enabled = !old || old->state.enabled;
    struct reply *reply = request_reply(c, event);
    reply->name = state.stage;
    reply->changed = was_enabled != asked->enable ||
                     (!asked->enable && !text_equal(old->state.reason, asked->reason));
    if (!reply->changed) return;
    model_transition_set(p, &state);
    journal_put(c, RECORD_TRANSITION)->transition = state;
    journal_event_transition(c, &state);
    c->changed = true;
}

void transition_request(struct coordinator *c, const struct coordinator_event *event)
{
    const struct transition_request *asked = &event->request.request->transition;
    struct arena *arena = &c->out->arena;
    static const char *const what = "the transition was not changed";
    struct model_pipeline *p = model_pipeline_find(c, asked->pipeline);
    const struct model_definition *definition = p ? model_definition_current(p) : NULL;
    if (!definition) {
        request_refuse(c, event, ERR_NOT_FOUND, what,
                       arena_format(arena, "PipelineNotFoundException: there is no pipeline '%s'",
                                    asked->pipeline),
                       "meridian list");
        return;
    }
    long stage = stage_index(definition->state.parsed, asked->stage);
    /* An older execution may wait at the door of a stage that an edit has taken away. */
    if (stage < 0 && !(asked->enable && model_transition_find(p, asked->stage))) {
        request_refuse(c, event, ERR_NOT_FOUND, what,
                       arena_format(arena, "StageNotFoundException: pipeline %s has no stage '%s'",
                                    asked->pipeline, asked->stage),
                       arena_format(arena, "meridian export %s", asked->pipeline));
    } else if (stage == 0) {
        request_refuse(
            c, event, ERR_INVALID, what,
            "ValidationException: nothing enters the first stage, executions begin in it",
            "name the stage behind it");
    } else if (strlen(asked->reason) > TRANSITION_REASON_MAX) {
        request_refuse(c, event, ERR_INVALID, what,
                       "ValidationException: a reason has at most 300 characters",
                       "write a shorter one");
    } else {
        transition_set(c, event, p);
    }
}
