#include "shell/definition_condition.h"

#include "base/number.h"
#include "io/doc.h"
#include "shell/definition_commands.h"
#include "shell/timezone.h"

#include <string.h>

enum {
    SETTINGS_MAX = 50,
    KEY_MAX = 50,
    VALUE_MAX = 1000,
    RULES_MAX = 5, /* of one condition */
    MINUTES_MAX = 86400,
    TIMEOUT_MIN = 5,
    AFTER_ACTIONS = 1000 /* a runOrder behind every action's */
};

/* "" when there is none. */
static bool read_text(const struct doc_node *map, const char *key, struct arena *arena,
                      const char **out, struct definition_flaw *flaw)
{
    const struct doc_node *node = doc_get(map, key);
    *out = "";
    if (doc_is_null(node)) return true;
    if (node->kind != DOC_SCALAR) return definition_wrong(flaw, node, "must be a text");
    *out = arena_text(arena, node->text);
    return true;
}

bool definition_settings(const struct doc_node *owner, struct arena *arena,
                         struct pipeline_action *out, struct definition_flaw *flaw)
{
    const struct doc_node *node = doc_get(owner, "configuration");
    if (doc_is_null(node)) return true;
    if (node->kind != DOC_MAPPING) return definition_wrong(flaw, node, "must be a mapping ({...})");
    if (node->count > SETTINGS_MAX) return definition_wrong(flaw, node, "has more than 50 keys");
    struct pipeline_setting *settings = arena_calloc(arena, node->count, sizeof *settings);
    out->configuration = settings;
    doc_for_each (item, node) {
        if (item->kind != DOC_SCALAR) return definition_wrong(flaw, item, "must be a text");
        if (strlen(item->key) > KEY_MAX || strlen(item->text) > VALUE_MAX)
            return definition_wrong(flaw, item,
                                    "a configuration key has at most 50 characters, a value 1,000");
        settings[out->configuration_count++] =
            (struct pipeline_setting){ .key = arena_text(arena, item->key),
                                       .value = arena_text(arena, item->text),
                                       .at = definition_place(item) };
    }
    return true;
}

/* ---- a rule ---- */

static bool read_type(const struct doc_node *rule, struct arena *arena, struct pipeline_rule *out,
                      struct definition_flaw *flaw)
{
    static const char *const known[] = { "category", "owner", "provider", "version", NULL };
    static const struct {
        const char *provider;
        enum rule_kind kind;
    } kinds[] = { { "DeploymentWindow", RULE_WINDOW },
                  { "VariableCheck", RULE_VARIABLE },
                  { "CloudWatchAlarm", RULE_ALARM },
                  { "Prometheus", RULE_PROMETHEUS },
                  { "Http", RULE_HTTP },
                  { "Commands", RULE_COMMANDS } };
    const struct doc_node *node = doc_get(rule, "ruleTypeId");
    const char *category = NULL, *owner = NULL;
    if (doc_is_null(node))
        return definition_wrong(flaw, rule,
                                "a rule needs ruleTypeId (category, owner, provider, version)");
    if (!definition_known_only(node, known,
                               "unknown field: ruleTypeId has category, owner, provider, version",
                               flaw) ||
        !read_text(node, "category", arena, &category, flaw) ||
        !read_text(node, "owner", arena, &owner, flaw) ||
        !read_text(node, "provider", arena, &out->action.provider, flaw) ||
        !read_text(node, "version", arena, &out->action.version, flaw))
        return false;
    if (!text_equal(category, "Rule"))
        return definition_wrong(flaw, node, "a rule's category is Rule");
    out->action.owner = text_equal(owner, "Custom") ? OWNER_CUSTOM : OWNER_AWS;
    if (owner[0] && !text_equal(owner, "AWS") && !text_equal(owner, "Custom"))
        return definition_wrong(flaw, node,
                                "a rule's owner is AWS, or Custom for what only Meridian has");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (text_equal(out->action.provider, kinds[i].provider)) out->kind = kinds[i].kind;
    return true;
}

static const struct doc_node *setting_node(const struct doc_node *rule, const char *key)
{
    const struct doc_node *configuration = doc_get(rule, "configuration");
    const struct doc_node *node = configuration ? doc_get(configuration, key) : NULL;
    return node ? node : rule;
}

static bool read_window(const struct doc_node *rule, struct arena *arena, struct pipeline_rule *out,
                        struct definition_flaw *flaw)
{
    const char *cron = pipeline_setting_get(&out->action, "Cron");
    const char *zone = pipeline_setting_get(&out->action, "TimeZone");
    struct error err;
    if (!cron[0]) return true; /* pipeline_check() says so */
    if (!window_parse(cron, &out->window, &err))
        return definition_wrong(flaw, setting_node(rule, "Cron"), arena_text(arena, err.text));
    return timezone_load(zone[0] ? zone : "UTC", arena, &out->zone, &err) ||
           definition_wrong(flaw, setting_node(rule, "TimeZone"), arena_text(arena, err.text));
}

static bool read_rule(const struct doc_node *node, enum condition_type type, struct arena *arena,
                      struct pipeline_rule *out, struct definition_flaw *flaw)
{
    static const char *const known[] = { "name",           "ruleTypeId",       "configuration",
                                         "inputArtifacts", "roleArn",          "region",
                                         "commands",       "timeoutInMinutes", NULL };
    struct pipeline_action *action = &out->action;
    uint64_t minutes = 0;
    struct error err;
    *out = (struct pipeline_rule){ .condition = type };
    *action =
        (struct pipeline_action){ .name = "",
                                  .category = CATEGORY_RULE,
                                  .provider = "",
                                  .version = "",
                                  .region = "",
                                  .namespace = "",
                                  .run_order = type == CONDITION_BEFORE_ENTRY ? 0 : AFTER_ACTIONS,
                                  .at = definition_place(node) };
    action->name_at = action->region_at = action->at;
    if (!definition_known_only(node, known, "unknown field of a rule", flaw) ||
        !read_text(node, "name", arena, &action->name, flaw) ||
        !read_text(node, "region", arena, &action->region, flaw) ||
        !read_type(node, arena, out, flaw) || !definition_settings(node, arena, action, flaw))
        return false;
    if (!definition_commands(node, arena, action, flaw) ||
        !definition_inputs(node, arena, action, flaw))
        return false;
    const struct doc_node *timeout = doc_get(node, "timeoutInMinutes");
    if (!doc_is_null(timeout) && !doc_unsigned(timeout, TIMEOUT_MIN, MINUTES_MAX, &minutes, &err))
        return definition_wrong(flaw, timeout, "must be a whole number from 5 to 86400");
    action->timeout_minutes = (uint32_t)minutes;
    minutes = 0;
    const char *wait = pipeline_setting_get(action, "WaitTime");
    if (wait[0] && !number_parse(wait, MINUTES_MAX, &minutes))
        return definition_wrong(flaw, setting_node(node, "WaitTime"),
                                "must be a whole number of minutes from 0 to 86400");
    out->wait_minutes = (uint32_t)minutes;
    return out->kind != RULE_WINDOW || read_window(node, arena, out, flaw);
}

/* ---- a condition ---- */

static bool read_result(const struct doc_node *condition, struct pipeline_condition *out,
                        struct definition_flaw *flaw)
{
    static const struct {
        const char *text;
        enum failure_result result;
    } results[] = { { "FAIL", FAILURE_FAIL },
                    { "RETRY", FAILURE_RETRY },
                    { "ROLLBACK", FAILURE_ROLLBACK },
                    { "SKIP", FAILURE_SKIP } };
    const struct doc_node *node = doc_get(condition, "result");
    if (doc_is_null(node)) return true;
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (node->kind == DOC_SCALAR && text_equal(node->text, results[i].text)) {
            out->result = results[i].result;
            return true;
        }
    return definition_wrong(flaw, node, "must be one of FAIL, SKIP, ROLLBACK, RETRY");
}

/* The list's only condition; *out NULL when there is none. */
static bool find_condition(const struct doc_node *holder, enum condition_type type,
                           const struct doc_node **out, struct definition_flaw *flaw)
{
    static const char *const known[] = { "conditions", NULL };
    *out = NULL;
    if (doc_is_null(holder)) return true;
    if (type != CONDITION_ON_FAILURE &&
        !definition_known_only(holder, known, "unknown field: write conditions", flaw))
        return false;
    const struct doc_node *list = doc_get(holder, "conditions");
    if (doc_is_null(list)) return true;
    if (list->kind != DOC_SEQUENCE || list->count > 1)
        return definition_wrong(flaw, list, "must be a list of one condition");
    doc_for_each (item, list) *out = item;
    return true;
}

bool definition_conditions(const struct doc_node *stage, struct arena *arena,
                           struct pipeline_stage *out, struct definition_flaw *flaw)
{
    static const char *const known[] = { "result", "rules", NULL };
    struct pipeline_rule *rules = NULL;
    for (enum condition_type type = 0; type < CONDITION_TYPE_COUNT; type++) {
        struct pipeline_condition *condition = &out->conditions[type];
        const struct doc_node *node = NULL;
        if (!find_condition(doc_get(stage, condition_key(type)), type, &node, flaw)) return false;
        if (!node) continue;
        if (!definition_known_only(node, known, "unknown field: a condition has result and rules",
                                   flaw))
            return false;
        *condition =
            (struct pipeline_condition){ .given = true,
                                         .result = type == CONDITION_ON_FAILURE ? out->on_failure
                                                                                : FAILURE_FAIL,
                                         .at = definition_place(node) };
        if (!read_result(node, condition, flaw)) return false;
        const struct doc_node *list = doc_get(node, "rules");
        if (doc_is_null(list) || list->kind != DOC_SEQUENCE || list->count < 1 ||
            list->count > RULES_MAX)
            return definition_wrong(flaw, doc_is_null(list) ? node : list,
                                    "a condition needs rules: a list of 1 to 5");
        if (!rules) out->rules = rules = arena_calloc(arena, WIRE_RULES_MAX, sizeof *rules);
        doc_for_each (item, list)
            if (!read_rule(item, type, arena, &rules[out->rule_count++], flaw)) return false;
    }
    return true;
}
