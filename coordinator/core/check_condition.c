/* The rules of a stage's conditions: which result belongs to which, what each rule needs. */
#include "core/check.h"
#include "core/commands.h"
#include "core/reference.h"
#include "core/rule.h"

#include <string.h>

struct subject {
    struct findings *f;
    size_t number;
    const struct pipeline_stage *stage;
    const struct pipeline_rule *rule; /* NULL: of the condition */
    struct position at;
    const char *path;
};

static void say(const struct subject *s, const char *rest, const char *text)
{
    check_say(s->f, s->at, s->stage->at, arena_format(s->f->arena, "%s%s", s->path, rest), "%s",
              text);
}

/* ---- results ---- */

static const char *result_flaw(enum condition_type type, enum failure_result result)
{
    switch (type) {
    case CONDITION_BEFORE_ENTRY:
        return result == FAILURE_FAIL || result == FAILURE_SKIP ? NULL
                                                                : "beforeEntry has FAIL or SKIP";
    case CONDITION_ON_SUCCESS:
        return result == FAILURE_FAIL || result == FAILURE_ROLLBACK
                   ? NULL
                   : "onSuccess has FAIL or ROLLBACK";
    case CONDITION_ON_FAILURE:
        return result == FAILURE_RETRY || result == FAILURE_ROLLBACK
                   ? NULL
                   : "onFailure has RETRY or ROLLBACK";
    }
    return NULL;
}

static bool takes(const struct pipeline_action *action, const char *artifact)
{
    for (size_t i = 0; i < action->input_count; i++)
        if (text_equal(action->inputs[i], artifact)) return true;
    return false;
}

/* A later action or rule takes what a stage that may be left out makes. */
static const struct pipeline_action *needs(const struct subject *s, const char *artifact)
{
    const struct pipeline *p = s->f->pipeline;
    for (size_t later = s->number + 1; later < p->stage_count; later++) {
        const struct pipeline_stage *stage = &p->stages[later];
        for (size_t a = 0; a < stage->action_count; a++)
            if (takes(&stage->actions[a], artifact)) return &stage->actions[a];
        for (size_t r = 0; r < stage->rule_count; r++)
            if (takes(&stage->rules[r].action, artifact)) return &stage->rules[r].action;
    }
    return NULL;
}

static void check_skip(const struct subject *s)
{
    for (size_t a = 0; a < s->stage->action_count; a++) {
        const struct pipeline_action *maker = &s->stage->actions[a];
        for (size_t o = 0; o < maker->output_count; o++) {
            const struct pipeline_action *taker = needs(s, maker->outputs[o]);
            if (taker)
                say(s, ".result",
                    arena_format(s->f->arena,
                                 "%.100s takes the artifact %.100s that this stage makes: "
                                 "it cannot be left out, write FAIL",
                                 taker->name, maker->outputs[o]));
        }
    }
}

static void check_back(const struct subject *s)
{
    enum regions_failure policy = s->stage->regions.on_failure;
    if (s->f->pipeline->mode == MODE_PARALLEL)
        say(s, ".result",
            "nothing can go back in executionMode PARALLEL: use SUPERSEDED or QUEUED, or another "
            "result");
    if (policy == REGIONS_ALL || policy == REGIONS_LOCAL)
        say(s, ".result",
            arena_format(s->f->arena,
                         "ROLLBACK and meridian.onFailure %s both say what goes back: keep one",
                         regions_failure_name(policy)));
}

/* ---- rules ---- */

struct rule_shape {
    enum rule_kind kind;
    enum action_owner owner;
    const char *required[4], *optional[3];
};

static const struct rule_shape shapes[] = {
    { RULE_WINDOW, OWNER_AWS, { "Cron" }, { "TimeZone" } },
    { RULE_VARIABLE, OWNER_AWS, { "Variable", "Operator", "Value" }, { NULL } },
    { RULE_ALARM, OWNER_AWS, { "AlarmName" }, { "AlarmStates", "WaitTime" } },
    { RULE_PROMETHEUS, OWNER_CUSTOM, { "Url", "Query" }, { "WaitTime" } },
    { RULE_HTTP, OWNER_CUSTOM, { "Url" }, { "WaitTime" } },
    { RULE_COMMANDS, OWNER_AWS, { NULL }, { NULL } },
};

static bool listed(const char *const *list, const char *key)
{
    for (size_t i = 0; list[i]; i++)
        if (text_equal(list[i], key)) return true;
    return false;
}

static void check_settings(const struct subject *s, const struct rule_shape *shape)
{
    const struct pipeline_action *action = &s->rule->action;
    for (size_t i = 0; shape->required[i]; i++)
        if (!pipeline_setting_get(action, shape->required[i])[0])
            say(s, ".configuration",
                arena_format(s->f->arena, "the setting %s is missing", shape->required[i]));
    for (size_t i = 0; i < action->configuration_count; i++) {
        const struct pipeline_setting *setting = &action->configuration[i];
        if (!listed(shape->required, setting->key) && !listed(shape->optional, setting->key))
            say(s, arena_format(s->f->arena, ".configuration.%.60s", setting->key),
                arena_format(s->f->arena, "%.60s is not a setting of the rule %s: remove it",
                             setting->key, action->provider));
    }
}

static void check_variable(const struct subject *s)
{
    static const char *const operators[] = { "EQ", "NE", "CONTAINS", "MATCHES", NULL };
    const char *operator= pipeline_setting_get(&s->rule->action, "Operator");
    const char *value = pipeline_setting_get(&s->rule->action, "Value");
    if (operator[0] && !listed(operators, operator))
        say(s, ".configuration.Operator", "write EQ, NE, CONTAINS or MATCHES");
    if (!text_equal(operator, "MATCHES") || reference_in(value)) return;
    const char *flaw = rule_pattern_flaw(value, s->f->arena);
    if (flaw) say(s, ".configuration.Value", flaw);
}

static void check_address(const struct subject *s)
{
    const char *url = pipeline_setting_get(&s->rule->action, "Url");
    if (url[0] && strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0 &&
        !reference_in(url))
        say(s, ".configuration.Url", "write an address that begins with https:// or http://");
}

static void check_place(const struct subject *s)
{
    const struct pipeline_action *action = &s->rule->action;
    const struct pipeline *p = s->f->pipeline;
    if (!action->region[0] || text_equal(action->region, s->f->region)) return;
    if (s->rule->kind != RULE_COMMANDS)
        say(s, ".region", "a rule is looked at in the pipeline's own region: remove it");
    else if (!p->stores_is_map || !pipeline_store_of(p, action->region))
        say(s, ".region",
            arena_format(s->f->arena,
                         "region %.60s has no artifact store: add an entry to artifactStores",
                         action->region));
}

/* What has failed may not have made its artifacts. */
static void check_inputs(const struct subject *s)
{
    const struct pipeline_action *action = &s->rule->action;
    bool behind = s->rule->condition == CONDITION_ON_SUCCESS;
    if (action->input_count && s->rule->kind != RULE_COMMANDS)
        say(s, ".inputArtifacts", "only a rule of provider Commands takes artifacts: remove it");
    for (size_t i = 0; i < action->input_count; i++)
        if (!check_produced(s->f->pipeline, action->inputs[i], behind ? s->number : s->number - 1))
            say(s, ".inputArtifacts",
                arena_format(s->f->arena,
                             "no %s has the output artifact '%.120s': correct the name",
                             behind ? "action of this stage or an earlier one"
                                    : "action of an earlier stage",
                             action->inputs[i]));
}

static void check_rule(const struct subject *s)
{
    const struct pipeline_action *action = &s->rule->action;
    if (!check_word(action->name, 1, WIRE_NAME_MAX, ".@-_"))
        say(s, ".name", "a rule's name is 1 to 100 letters, digits or . @ - _");
    for (const struct pipeline_rule *other = s->stage->rules; other < s->rule; other++)
        if (text_equal(other->action.name, action->name))
            say(s, ".name", "another rule of the stage has that name: rename one");
    check_place(s);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].kind != s->rule->kind) continue;
        if (shapes[i].owner != action->owner)
            say(s, ".ruleTypeId.owner",
                shapes[i].owner == OWNER_AWS ? "the owner of this rule is AWS"
                                             : "the owner of this rule is Custom");
        check_settings(s, &shapes[i]);
    }
    if (s->rule->kind == RULE_UNKNOWN)
        say(s, ".ruleTypeId.provider",
            arena_format(s->f->arena,
                         "no rule %.40s: there are DeploymentWindow, VariableCheck, "
                         "CloudWatchAlarm, Prometheus, Http and Commands",
                         action->provider));
    const char *states = pipeline_setting_get(action, "AlarmStates");
    if (states[0] && !text_equal(states, "ALARM"))
        say(s, ".configuration.AlarmStates", "an alarm is raised or not: write ALARM or nothing");
    check_references(s->f, s->number, action, s->path);
    check_variable(s);
    check_address(s);
    check_inputs(s);
    commands_check(s->f, action, s->path);
}

void check_conditions(struct findings *f, size_t stage)
{
    struct subject s = { .f = f, .number = stage, .stage = &f->pipeline->stages[stage] };
    size_t index[CONDITION_TYPE_COUNT] = { 0 };
    for (enum condition_type type = 0; type < CONDITION_TYPE_COUNT; type++) {
        const struct pipeline_condition *condition = &s.stage->conditions[type];
        s.path =
            arena_format(f->arena, ".stages[%zu].%s.conditions[0]", stage, condition_key(type));
        if (!condition->given) continue;
        s.at = condition->at;
        if (stage == 0)
            say(&s, "", "the first stage holds sources only: conditions belong to later stages");
        const char *flaw = result_flaw(type, condition->result);
        if (flaw) say(&s, ".result", flaw);
        if (condition->result == FAILURE_SKIP) check_skip(&s);
        if (condition->result == FAILURE_ROLLBACK) check_back(&s);
    }
    for (size_t r = 0; r < s.stage->rule_count; r++) {
        s.rule = &s.stage->rules[r];
        s.at = s.rule->action.at;
        s.path = arena_format(f->arena, ".stages[%zu].%s.conditions[0].rules[%zu]", stage,
                              condition_key(s.rule->condition), index[s.rule->condition]++);
        check_rule(&s);
    }
}
