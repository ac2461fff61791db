#include "core/check.h"
#include "core/commands.h"
#include "core/reference.h"

#include <stdio.h>
#include <string.h>

enum {
    RUN_ORDER_MAX = 999,
    TIMEOUT_MIN = 5,
    TIMEOUT_MAX = 86400,
    SETTING_KEY_MAX = 50,
    SETTING_VALUE_MAX = 1000
};

enum value_kind { VALUE_TEXT, VALUE_NAME, VALUE_BUCKET, VALUE_BOOLEAN };

struct setting_rule {
    const char *key;
    bool required;
    enum value_kind kind;
};

struct provider_rule {
    enum action_category category;
    const char *provider;
    size_t inputs_min, inputs_max, outputs_min, outputs_max;
    bool supported;
    struct setting_rule settings[5];
};

#define BUILD_SETTINGS                                                                             \
    { "ProjectName", true, VALUE_NAME }, { "PrimarySource", false, VALUE_TEXT },                   \
    {                                                                                              \
        "EnvironmentVariables", false, VALUE_TEXT                                                  \
    }

/* Artifact counts of the user guide, owner AWS; settings of what runs here. */
static const struct provider_rule providers[] = {
    { CATEGORY_SOURCE,
      "S3",
      0,
      0,
      1,
      1,
      true,
      { { "S3Bucket", true, VALUE_BUCKET },
        { "S3ObjectKey", true, VALUE_TEXT },
        { "PollForSourceChanges", false, VALUE_BOOLEAN },
        { "AllowOverrideForS3ObjectKey", false, VALUE_BOOLEAN } } },
    { CATEGORY_DEPLOY,
      "CodeDeploy",
      1,
      1,
      0,
      0,
      true,
      { { "ApplicationName", true, VALUE_NAME }, { "DeploymentGroupName", true, VALUE_NAME } } },
    { CATEGORY_APPROVAL,
      "Manual",
      0,
      0,
      0,
      0,
      true,
      { { "NotificationArn", false, VALUE_TEXT },
        { "ExternalEntityLink", false, VALUE_TEXT },
        { "CustomData", false, VALUE_TEXT } } },
    { CATEGORY_BUILD, "CodeBuild", 1, 5, 0, 5, true, { BUILD_SETTINGS } },
    { CATEGORY_TEST, "CodeBuild", 1, 5, 0, 5, true, { BUILD_SETTINGS } },
    { CATEGORY_COMPUTE, "Commands", 1, 5, 0, 1, true, { { 0 } } },
    { CATEGORY_INVOKE, "Lambda", 0, 5, 0, 5, false, { { 0 } } },
    { CATEGORY_DEPLOY, "CloudFormation", 0, 10, 0, 1, false, { { 0 } } },
    { CATEGORY_DEPLOY, "S3", 1, 1, 0, 0, false, { { 0 } } },
};
/* Its type says more (custom.h). What a job worker makes cannot be taken from it yet. */
static const struct provider_rule custom = {
    CATEGORY_BUILD, "Custom", 0, 5, 0, 0, true, { { 0 } }
};

static const char *owner_name(enum action_owner owner)
{
    switch (owner) {
    case OWNER_AWS: return "AWS";
    case OWNER_THIRD_PARTY: return "ThirdParty";
    case OWNER_CUSTOM: return "Custom";
    }
    return "";
}

/* One action and where it stands. */
struct subject {
    struct findings *f;
    const struct pipeline_action *action;
    size_t stage, index;
};

static const char *path_of(const struct subject *s, const char *rest)
{
    return arena_format(s->f->arena, ".stages[%zu].actions[%zu]%s", s->stage, s->index, rest);
}

static void check_numbers(const struct subject *s)
{
    const struct pipeline_action *a = s->action;
    if (a->run_order < 1 || a->run_order > RUN_ORDER_MAX)
        check_say(s->f, a->at, a->at, path_of(s, ".runOrder"), "runOrder is 1 to 999, not %u",
                  (unsigned)a->run_order);
    if (a->timeout_minutes && a->category != CATEGORY_APPROVAL)
        check_say(s->f, a->at, a->at, path_of(s, ".timeoutInMinutes"),
                  "timeoutInMinutes is for manual approvals only: remove it");
    else if (a->timeout_minutes &&
             (a->timeout_minutes < TIMEOUT_MIN || a->timeout_minutes > TIMEOUT_MAX))
        check_say(s->f, a->at, a->at, path_of(s, ".timeoutInMinutes"),
                  "timeoutInMinutes is 5 to 86400, not %u", (unsigned)a->timeout_minutes);
    if (a->namespace[0] && !check_word(a->namespace, 1, WIRE_NAME_MAX, "@-_"))
        check_say(s->f, a->at, a->at, path_of(s, ".namespace"),
                  "the namespace '%.120s' must be 1 to 100 letters, digits or @ - _", a->namespace);
}

static void check_region(const struct subject *s)
{
    const struct pipeline_action *a = s->action;
    const struct pipeline *p = s->f->pipeline;
    if (!a->region[0] || text_equal(a->region, s->f->region)) return;
    const char *path = path_of(s, ".region");
    if (!check_word(a->region, 4, 30, "-")) {
        check_say(s->f, a->region_at, a->at, path,
                  "the region '%.60s' must be 4 to 30 letters, digits or -", a->region);
        return;
    }
    if (a->category == CATEGORY_SOURCE || a->owner != OWNER_AWS)
        check_say(s->f, a->region_at, a->at, path,
                  "%s actions run in the pipeline's own region %s: remove the region",
                  a->category == CATEGORY_SOURCE ? "Source" : owner_name(a->owner), s->f->region);
    else if (!p->stores_is_map)
        check_say(s->f, a->region_at, a->at, path,
                  "an action in another region needs artifactStores with an entry for %s and for "
                  "%s instead of artifactStore",
                  a->region, s->f->region);
    else if (!pipeline_store_of(p, a->region))
        check_say(s->f, a->region_at, a->at, path,
                  "region %s has no artifact store: add an entry to artifactStores", a->region);
}

/* ---- the provider ---- */

static bool category_of_custom(enum action_category category)
{
    return category == CATEGORY_BUILD || category == CATEGORY_DEPLOY || category == CATEGORY_TEST ||
           category == CATEGORY_INVOKE;
}

static const struct provider_rule *rule_of(const struct pipeline_action *action)
{
    if (action->owner == OWNER_CUSTOM && category_of_custom(action->category)) return &custom;
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++)
        if (action->owner == OWNER_AWS && providers[i].category == action->category &&
            text_equal(providers[i].provider, action->provider))
            return &providers[i];
    return NULL;
}

static void check_count(const struct subject *s, const char *what, size_t count, size_t min,
                        size_t max)
{
    const struct pipeline_action *a = s->action;
    if (count >= min && count <= max) return;
    char range[32];
    if (min == max)
        snprintf(range, sizeof range, "%zu", min);
    else
        snprintf(range, sizeof range, "%zu to %zu", min, max);
    check_say(s->f, a->at, a->at, path_of(s, arena_format(s->f->arena, ".%sArtifacts", what)),
              "an action of provider %s has %s %s artifacts, this one has %zu", a->provider, range,
              what, count);
}

static void check_type(const struct subject *s, const struct provider_rule *rule)
{
    const struct pipeline_action *a = s->action;
    const char *path = path_of(s, ".actionTypeId");
    if (!check_word(a->provider, 1, 35, "_-"))
        check_say(s->f, a->at, a->at, path,
                  "the provider '%.60s' must be 1 to 35 letters, digits or _ -", a->provider);
    if (!check_word(a->version, 1, 9, "_-"))
        check_say(s->f, a->at, a->at, path,
                  "the version '%.30s' must be 1 to 9 letters, digits or _ -: write \"1\"",
                  a->version);
    if (!rule || !rule->supported)
        check_say(s->f, a->at, a->at, path,
                  "%s/%s/%.60s is not supported yet: write Source/AWS/S3, Build/AWS/CodeBuild, "
                  "Test/AWS/CodeBuild, Compute/AWS/Commands, Deploy/AWS/CodeDeploy, "
                  "Approval/AWS/Manual, or a Build, Deploy, Test or Invoke action of owner Custom",
                  action_category_name(a->category), owner_name(a->owner), a->provider);
}

/* ---- its settings ---- */

static const struct setting_rule *setting_rule_of(const struct provider_rule *rule, const char *key)
{
    for (const struct setting_rule *at = rule->settings; at->key; at++)
        if (text_equal(at->key, key)) return at;
    return NULL;
}

/* NULL when the value is right. */
static const char *value_wanted(const struct setting_rule *rule, const char *value)
{
    const char *wanted = NULL;
    switch (rule->kind) {
    case VALUE_TEXT: break;
    case VALUE_NAME: /* it becomes part of a target's name */
        if (!check_word(value, 1, WIRE_NAME_MAX, "+=,.@-_ "))
            wanted = "1 to 100 letters, digits, blanks or + = , . @ - _";
        break;
    case VALUE_BUCKET:
        if (!check_word(value, 3, 63, "-."))
            wanted = "the name of a store: 3 to 63 letters, digits or - .";
        break;
    case VALUE_BOOLEAN:
        if (!text_equal(value, "true") && !text_equal(value, "false")) wanted = "true or false";
        break;
    }
    return wanted;
}

const char *check_setting(const struct pipeline_action *action, const char *key, const char *value)
{
    const struct provider_rule *provider = rule_of(action);
    const struct setting_rule *rule = provider ? setting_rule_of(provider, key) : NULL;
    size_t len = strlen(value);
    if (len < 1 || len > SETTING_VALUE_MAX) return "1 to 1000 characters";
    return rule ? value_wanted(rule, value) : NULL;
}

static void check_value(const struct subject *s, const struct pipeline_setting *setting,
                        const struct setting_rule *rule)
{
    const struct pipeline_action *a = s->action;
    const char *path = path_of(s, arena_format(s->f->arena, ".configuration.%.60s", setting->key));
    if (reference_in(setting->value)) return; /* its value is looked at as the action begins */
    const char *wanted = value_wanted(rule, setting->value);
    if (wanted)
        check_say(s->f, setting->at, a->at, path, "%s is '%.120s': write %s", setting->key,
                  setting->value, wanted);
}

static void check_settings(const struct subject *s, const struct provider_rule *rule)
{
    const struct pipeline_action *a = s->action;
    for (size_t i = 0; i < a->configuration_count; i++) {
        const struct pipeline_setting *setting = &a->configuration[i];
        size_t key_len = strlen(setting->key), value_len = strlen(setting->value);
        const char *path =
            path_of(s, arena_format(s->f->arena, ".configuration.%.60s", setting->key));
        if (key_len < 1 || key_len > SETTING_KEY_MAX) {
            check_say(s->f, setting->at, a->at, path, "a key has 1 to 50 characters, this one %zu",
                      key_len);
            continue;
        }
        if (value_len < 1 || value_len > SETTING_VALUE_MAX) {
            check_say(s->f, setting->at, a->at, path,
                      "a value has 1 to 1000 characters, this one %zu", value_len);
            continue;
        }
        if (!rule || !rule->supported || rule == &custom) continue;
        const struct setting_rule *known = setting_rule_of(rule, setting->key);
        if (known)
            check_value(s, setting, known);
        else
            check_say(s->f, setting->at, a->at, path,
                      "%s is not a setting of provider %s: remove it", setting->key, a->provider);
    }
    if (!rule) return;
    for (const struct setting_rule *at = rule->settings; at->key; at++)
        if (at->required && !pipeline_setting_get(a, at->key)[0])
            check_say(s->f, a->at, a->at, path_of(s, ".configuration"), "the setting %s is missing",
                      at->key);
}

static void check_build(const struct subject *s)
{
    const struct pipeline_action *a = s->action;
    const char *primary = pipeline_setting_get(a, "PrimarySource");
    bool found = !primary[0];
    if (!pipeline_builds(a)) {
        if (a->variable_count > 0)
            check_say(s->f, a->at, a->at, path_of(s, ".environmentVariables"),
                      "only actions of provider CodeBuild or Commands have environment variables: "
                      "remove them");
        return;
    }
    for (size_t i = 0; i < a->input_count; i++) found = found || text_equal(a->inputs[i], primary);
    if (!found)
        check_say(s->f, a->at, a->at, path_of(s, ".configuration.PrimarySource"),
                  "PrimarySource is '%.120s': write the name of one of the input artifacts",
                  primary);
}

void check_action(struct findings *f, size_t stage, size_t action)
{
    struct subject s = { f, &f->pipeline->stages[stage].actions[action], stage, action };
    const struct provider_rule *rule = rule_of(s.action);
    check_type(&s, rule);
    check_numbers(&s);
    check_region(&s);
    if (rule) {
        check_count(&s, "input", s.action->input_count, rule->inputs_min, rule->inputs_max);
        check_count(&s, "output", s.action->output_count, rule->outputs_min, rule->outputs_max);
    }
    check_settings(&s, rule);
    check_build(&s);
    commands_check(f, s.action, path_of(&s, ""));
}
