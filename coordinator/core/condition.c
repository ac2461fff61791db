#include "core/condition.h"

#include "core/engine.h"
#include "core/gate.h"
#include "core/journal.h"
#include "core/request.h"
#include "core/retry.h"
#include "core/rule.h"

/* ---- the rules of one ---- */

/* The number of the stage's next rule of that type, from `*at` on; false when there is none. */
static bool next_rule(const struct model_execution *e, size_t stage, enum condition_type type,
                      size_t *at)
{
    size_t first = e->stages[stage].action_count;
    if (*at < first) *at = first;
    for (; *at < model_subjects(e, stage); (*at)++)
        if (stage_rule_type(&e->stages[stage], *at - first) == type) return true;
    return false;
}

static size_t rules_in(const struct model_execution *e, size_t stage, enum condition_type type,
                       enum status status)
{
    size_t count = 0;
    for (size_t r = 0; next_rule(e, stage, type, &r); r++)
        count += model_action(e, stage, r)->status == status;
    return count;
}

static const struct action_state *failed_rule(const struct model_execution *e, size_t stage,
                                              enum condition_type type)
{
    for (size_t r = 0; next_rule(e, stage, type, &r); r++)
        if (model_action(e, stage, r)->status == STATUS_FAILED) return model_action(e, stage, r);
    return NULL;
}

static void rules_give_up(struct coordinator *c, struct model_execution *e, size_t stage,
                          enum condition_type type, const char *why)
{
    for (size_t r = 0; next_rule(e, stage, type, &r); r++) {
        struct action_state *state = model_action(e, stage, r);
        if (state->status != STATUS_IN_PROGRESS) continue;
        model_text(&state->summary, why);
        engine_end_action(c, e, stage, r, STATUS_ABANDONED, "", "");
    }
}

enum condition_verdict condition_decide(struct coordinator *c, struct model_execution *e,
                                        size_t stage, enum condition_type type)
{
    for (size_t r = 0; next_rule(e, stage, type, &r); r++)
        if (model_action(e, stage, r)->status == STATUS_PENDING && !failed_rule(e, stage, type))
            engine_begin_action(c, e, stage, r);
    for (size_t r = 0; next_rule(e, stage, type, &r); r++)
        if (model_action(e, stage, r)->status == STATUS_IN_PROGRESS) rule_look(c, e, stage, r);
    if (failed_rule(e, stage, type)) {
        rules_give_up(c, e, stage, type, "another rule has failed");
        return CONDITION_UNMET;
    }
    return rules_in(e, stage, type, STATUS_IN_PROGRESS) ? CONDITION_WAITS : CONDITION_MET;
}

bool condition_asked(const struct model_execution *e, size_t stage, enum condition_type type)
{
    for (size_t r = 0; next_rule(e, stage, type, &r); r++)
        if (model_action(e, stage, r)->status != STATUS_PENDING) return true;
    return false;
}

void condition_stop(struct coordinator *c, struct model_execution *e, size_t stage)
{
    for (enum condition_type type = 0; type < CONDITION_TYPE_COUNT; type++)
        rules_give_up(c, e, stage, type, "the execution was stopped");
}

/* ---- what follows ---- */

static const struct pipeline_condition *definition_of(const struct model_execution *e, size_t stage,
                                                      enum condition_type type)
{
    return &e->definition->state.parsed->stages[stage].conditions[type];
}

enum failure_result condition_failure(const struct model_execution *e, size_t stage)
{
    if (failed_rule(e, stage, CONDITION_BEFORE_ENTRY)) return FAILURE_FAIL;
    if (failed_rule(e, stage, CONDITION_ON_SUCCESS) &&
        definition_of(e, stage, CONDITION_ON_SUCCESS)->result == FAILURE_ROLLBACK)
        return FAILURE_ROLLBACK;
    if (!condition_asked(e, stage, CONDITION_ON_FAILURE))
        return definition_of(e, stage, CONDITION_ON_FAILURE)->given
                   ? FAILURE_FAIL
                   : e->definition->state.parsed->stages[stage].on_failure;
    return failed_rule(e, stage, CONDITION_ON_FAILURE)
               ? FAILURE_FAIL
               : definition_of(e, stage, CONDITION_ON_FAILURE)->result;
}

const char *condition_text(const struct model_execution *e, size_t stage, struct arena *arena)
{
    for (enum condition_type type = CONDITION_BEFORE_ENTRY; type <= CONDITION_ON_SUCCESS; type++) {
        const struct action_state *rule = failed_rule(e, stage, type);
        if (rule)
            return arena_format(arena, "condition %s of stage %s is not met: %s: %s",
                                condition_key(type), e->stages[stage].name, rule->name,
                                rule->error_message);
    }
    return "";
}

/* ---- override ---- */

static void rules_override(struct coordinator *c, struct model_execution *e, size_t stage,
                           const struct override_request *asked, const char *who)
{
    for (size_t r = 0; next_rule(e, stage, asked->condition, &r); r++) {
        struct action_state *state = model_action(e, stage, r);
        if (state->status == STATUS_SUCCEEDED) continue;
        state->status = STATUS_SKIPPED;
        state->ended_ms = c->now_ms;
        model_text(&state->updated_by, who);
        model_format(&state->summary, "overridden by %s%s%s", who, asked->reason[0] ? ": " : "",
                     asked->reason);
        model_text(&state->error_code, "");
        model_text(&state->error_message, "");
        journal_execution(c, e);
        journal_event_action(c, e, stage, r);
    }
}

/* The stage that has failed by it; what onFailure was asked then is not so any more. */
static void goes_on(struct coordinator *c, struct model_execution *e, size_t stage)
{
    for (size_t r = 0; next_rule(e, stage, CONDITION_ON_FAILURE, &r); r++)
        if (model_action(e, stage, r)->status != STATUS_PENDING) retry_renew(c, e, stage, r);
    engine_reopen(c, e, stage);
}

static const char *never(struct coordinator *c, const struct model_execution *e, size_t stage,
                         enum condition_type type)
{
    size_t r = 0;
    if (stage == e->state.stage_count) return "the execution has no such stage";
    if (type == CONDITION_ON_FAILURE)
        return "onFailure cannot be overridden, BEFORE_ENTRY and ON_SUCCESS can";
    if (!next_rule(e, stage, type, &r))
        return arena_format(&c->out->arena, "stage %s has no condition %s", e->stages[stage].name,
                            condition_key(type));
    return NULL;
}

/* NULL when it can be overridden; *reopen when the stage has failed by it. */
static const char *obstacle(struct coordinator *c, const struct model_execution *e, size_t stage,
                            enum condition_type type, bool *reopen)
{
    const char *why = e->definition ? never(c, e, stage, type) : "its definition cannot be read";
    *reopen = false;
    if (why) return why;
    if (rules_in(e, stage, type, STATUS_IN_PROGRESS))
        return e->state.stop_requested ? "the execution is being stopped" : NULL;
    *reopen = e->stages[stage].status == STATUS_FAILED && failed_rule(e, stage, type);
    if (*reopen) return retry_obstacle(c, e, stage);
    return arena_format(&c->out->arena,
                        "condition %s of stage %s neither waits nor has failed the stage",
                        condition_key(type), e->stages[stage].name);
}

static size_t stage_asked(const struct model_execution *e, const char *name)
{
    size_t s = 0;
    if (!name[0]) return gate_next(e);
    while (s < e->state.stage_count && !text_equal(e->stages[s].name, name)) s++;
    return s;
}

void condition_request(struct coordinator *c, const struct coordinator_event *event)
{
    static const char *const what = "nothing was overridden";
    const struct override_request *asked = &event->request.request->override;
    struct arena *arena = &c->out->arena;
    struct error err;
    bool reopen;
    if (request_known(c, event, &asked->submission)) return;
    struct model_execution *e = request_find(c, asked->pipeline, asked->execution, &err);
    if (!e) {
        request_refuse(c, event, err.code, what, err.text, "meridian list");
        return;
    }
    size_t stage = stage_asked(e, asked->stage);
    const char *why = obstacle(c, e, stage, asked->condition, &reopen);
    if (why) {
        request_refuse(c, event, ERR_CONFLICT, what,
                       arena_format(arena, "ConditionNotOverridableException: %s", why),
                       arena_format(arena, "meridian why %.8s", e->state.id.text));
        return;
    }
    rules_override(c, e, stage, asked, event->request.client);
    if (reopen) goes_on(c, e, stage);
    c->changed = true;
    request_done(c, event, &asked->submission, &e->state.id);
}
