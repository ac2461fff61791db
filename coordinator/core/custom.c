#include "core/custom.h"

#include "core/check.h"
#include "core/engine.h"
#include "core/journal.h"
#include "core/replication.h"

bool custom_of(const struct pipeline_action *action)
{
    return action->owner == OWNER_CUSTOM && action->category != CATEGORY_RULE;
}

const char *custom_type_name(const struct pipeline_action *action, struct arena *arena)
{
    return arena_format(arena, "%s/%s/%s", action_category_name(action->category), action->provider,
                        action->version);
}

const struct custom_type *custom_type_find(const struct coordinator *c, const char *name)
{
    const struct model_resource *r = model_resource_find(c, RESOURCE_ACTION_TYPE, name);
    return r ? &r->state.parsed->custom : NULL;
}

const struct custom_property *custom_property_find(const struct custom_type *type, const char *name)
{
    for (size_t i = 0; type && i < type->property_count; i++)
        if (text_equal(type->properties[i].name, name)) return &type->properties[i];
    return NULL;
}

/* ---- definitions ---- */

static void check_one(struct findings *f, const struct coordinator *c, size_t stage, size_t index)
{
    const struct pipeline_action *a = &f->pipeline->stages[stage].actions[index];
    const char *path = arena_format(f->arena, ".stages[%zu].actions[%zu]", stage, index);
    const char *name = custom_type_name(a, f->arena);
    const struct custom_type *type = custom_type_find(c, name);
    if (!type) {
        check_say(f, a->at, a->at, arena_format(f->arena, "%s.actionTypeId", path),
                  "ActionTypeNotFoundException: there is no action type %s: apply a "
                  "customActionType first",
                  name);
        return;
    }
    if (a->input_count < type->inputs_min || a->input_count > type->inputs_max)
        check_say(f, a->at, a->at, arena_format(f->arena, "%s.inputArtifacts", path),
                  "an action of type %s has %u to %u input artifacts, this one has %zu", name,
                  (unsigned)type->inputs_min, (unsigned)type->inputs_max, a->input_count);
    for (size_t i = 0; i < a->configuration_count; i++)
        if (!custom_property_find(type, a->configuration[i].key))
            check_say(
                f, a->configuration[i].at, a->at,
                arena_format(f->arena, "%s.configuration.%.60s", path, a->configuration[i].key),
                "%.60s is not a property of type %s: remove it", a->configuration[i].key, name);
    for (size_t i = 0; i < type->property_count; i++)
        if (type->properties[i].required && !pipeline_setting_get(a, type->properties[i].name)[0])
            check_say(f, a->at, a->at, arena_format(f->arena, "%s.configuration", path),
                      "the property %s is missing", type->properties[i].name);
}

size_t custom_check(const struct coordinator *c, const struct pipeline *pipeline,
                    struct arena *arena, const struct problem **out)
{
    size_t count = pipeline_check(pipeline, c->config.region, arena, out);
    if (count) return count;
    struct findings f = { .pipeline = pipeline, .region = c->config.region, .arena = arena };
    f.at = arena_calloc(arena, CHECK_PROBLEMS_MAX, sizeof *f.at);
    for (size_t s = 0; s < pipeline->stage_count; s++)
        for (size_t a = 0; a < pipeline->stages[s].action_count; a++)
            if (custom_of(&pipeline->stages[s].actions[a])) check_one(&f, c, s, a);
    *out = f.at;
    return f.count;
}

/* ---- the action ---- */

void custom_end(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                enum status status, const char *code, const char *text)
{
    struct action_state *state = model_action(e, stage, action);
    if (status == STATUS_SUCCEEDED) state->custom.status = CUSTOM_SUCCEEDED;
    if (status != STATUS_SUCCEEDED && state->custom.status != CUSTOM_TIMED_OUT)
        state->custom.status = CUSTOM_FAILED;
    engine_end_action(c, e, stage, action, status, code, text);
}

void custom_queue(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                  const char *summary)
{
    struct action_state *state = model_action(e, stage, action);
    state->custom.status = CUSTOM_QUEUED;
    state->custom.job = id_new_uuid(&c->random);
    state->custom.nonce = (struct id){ "" };
    model_text(&state->updated_by, "");
    model_text(&state->summary, summary);
    journal_execution(c, e);
    journal_event_action(c, e, stage, action);
}

/* When all input artifacts are there, somebody may have it. */
static void prepare(struct coordinator *c, struct model_execution *e, size_t stage, size_t action)
{
    struct action_state *state = model_action(e, stage, action);
    const struct pipeline_action *definition = model_action_definition(e, stage, action);
    const char *cause = "";
    state->custom.status = CUSTOM_CREATED;
    long lost = replication_want_inputs(c, e, stage, action);
    if (lost >= 0) {
        custom_end(c, e, stage, action, STATUS_FAILED, "JobFailed",
                   replication_failure(c, e, (size_t)lost));
        return;
    }
    for (size_t i = 0; i < definition->input_count && !cause[0]; i++)
        cause = replication_cause(c, e,
                                  (size_t)model_copy_find(e, definition->inputs[i], state->region));
    if (!cause[0])
        custom_queue(c, e, stage, action,
                     arena_format(&c->out->arena, "waits for a job worker of type %s",
                                  custom_type_name(definition, &c->out->arena)));
    else if (model_text(&state->summary, cause))
        journal_execution(c, e);
}

bool custom_held(const struct action_state *state)
{
    return state->custom.status == CUSTOM_IN_PROGRESS;
}

void custom_reconcile(struct coordinator *c, struct model_execution *e, size_t stage, size_t action)
{
    struct action_state *state = model_action(e, stage, action);
    if (e->state.stop_abandon || (e->state.stop_requested && !custom_held(state))) {
        model_text(&state->summary, custom_held(state) ? "its job worker was not waited for"
                                                       : "no job worker held it");
        custom_end(c, e, stage, action, STATUS_ABANDONED, "", "");
        return;
    }
    if (c->now_ms >= state->deadline_ms) {
        state->custom.status = CUSTOM_TIMED_OUT;
        custom_end(c, e, stage, action, STATUS_FAILED, "JobFailed",
                   arena_format(&c->out->arena, "timed out after %llu s: %s",
                                (unsigned long long)(state->deadline_ms - state->started_ms) / 1000,
                                state->summary));
        return;
    }
    if (state->custom.status <= CUSTOM_CREATED) prepare(c, e, stage, action);
    if (state->status == STATUS_IN_PROGRESS) engine_wake_wall(c, state->deadline_ms);
}

void custom_forget(struct action_state *state)
{
    model_text(&state->custom.continuation, "");
    model_text(&state->custom.external_id, "");
    state->custom = (struct custom_state){ .continuation = "", .external_id = "" };
}
