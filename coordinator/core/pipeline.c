#include "core/pipeline.h"

#include "core/commands.h"

#include <stdlib.h>
#include <string.h>

/* A definition's text is at most WIRE_DOCUMENT_MAX; its parsed form is a few times that. */
enum { PIPELINE_ARENA_MAX = 16 << 20 };

struct pipeline *pipeline_new(void)
{
    struct pipeline *pipeline = xcalloc(1, sizeof *pipeline);
    arena_init(&pipeline->arena, PIPELINE_ARENA_MAX);
    return pipeline;
}

void pipeline_free(struct pipeline *pipeline)
{
    if (!pipeline) return;
    arena_deinit(&pipeline->arena);
    free(pipeline);
}

bool pipeline_same(const struct pipeline *a, const struct pipeline *b)
{
    return memcmp(a->meaning, b->meaning, SHA256_SIZE) == 0;
}

const char *pipeline_setting_get(const struct pipeline_action *action, const char *key)
{
    for (size_t i = 0; i < action->configuration_count; i++)
        if (text_equal(action->configuration[i].key, key)) return action->configuration[i].value;
    return "";
}

const char *pipeline_store_of(const struct pipeline *pipeline, const char *region)
{
    for (size_t i = 0; i < pipeline->store_count; i++) {
        const struct pipeline_store *store = &pipeline->stores[i];
        if (!pipeline->stores_is_map || text_equal(store->region, region)) return store->location;
    }
    return NULL;
}

bool pipeline_builds(const struct pipeline_action *action)
{
    return commands_of(action) ||
           (action->owner == OWNER_AWS &&
            (action->category == CATEGORY_BUILD || action->category == CATEGORY_TEST) &&
            text_equal(action->provider, "CodeBuild"));
}

bool pipeline_deploys(const struct pipeline_action *action)
{
    return action->category == CATEGORY_DEPLOY && action->owner == OWNER_AWS;
}

const char *action_category_name(enum action_category category)
{
    switch (category) {
    case CATEGORY_SOURCE: return "Source";
    case CATEGORY_BUILD: return "Build";
    case CATEGORY_DEPLOY: return "Deploy";
    case CATEGORY_TEST: return "Test";
    case CATEGORY_INVOKE: return "Invoke";
    case CATEGORY_APPROVAL: return "Approval";
    case CATEGORY_COMPUTE: return "Compute";
    case CATEGORY_RULE: return "Rule";
    }
    return "";
}

const struct pipeline_action *pipeline_producer(const struct pipeline *pipeline,
                                                const char *artifact)
{
    for (size_t s = 0; s < pipeline->stage_count; s++)
        for (size_t a = 0; a < pipeline->stages[s].action_count; a++) {
            const struct pipeline_action *action = &pipeline->stages[s].actions[a];
            for (size_t o = 0; o < action->output_count; o++)
                if (text_equal(action->outputs[o], artifact)) return action;
        }
    return NULL;
}

uint64_t pipeline_rule_timeout_ms(const struct pipeline_rule *rule)
{
    enum { MINUTE = 60000, WINDOW_MINUTES = 86400, OTHER_MINUTES = 60 };
    uint64_t minutes =
        rule->kind == RULE_WINDOW ? WINDOW_MINUTES : (uint64_t)OTHER_MINUTES + rule->wait_minutes;
    if (rule->action.timeout_minutes) minutes = rule->action.timeout_minutes;
    return minutes * MINUTE;
}

uint64_t pipeline_timeout_ms(const struct pipeline_action *action)
{
    enum { MINUTE = 60000, HOUR = 60 * MINUTE };
    static const uint64_t day = UINT64_C(24) * HOUR;
    static const struct {
        enum action_category category;
        const char *provider;
        uint32_t hours, minutes;
    } table[] = {
        { CATEGORY_DEPLOY, "CodeDeploy", 5 * 24, 0 },
        { CATEGORY_DEPLOY, "CloudFormation", 3 * 24, 0 },
        { CATEGORY_DEPLOY, "S3", 1, 30 },
        { CATEGORY_INVOKE, "Lambda", 24, 0 },
        { CATEGORY_APPROVAL, "Manual", 7 * 24, 0 },
    };
    if (action->timeout_minutes) return (uint64_t)action->timeout_minutes * MINUTE;
    if (action->owner == OWNER_CUSTOM) return day;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].category == action->category &&
            text_equal(table[i].provider, action->provider))
            return (uint64_t)table[i].hours * HOUR + (uint64_t)table[i].minutes * MINUTE;
    return HOUR;
}

uint32_t pipeline_wave_of(const struct pipeline_stage *stage, const struct pipeline_action *action,
                          const char *region)
{
    const struct pipeline_regions *rules = &stage->regions;
    for (size_t w = 0; w < rules->wave_count; w++)
        for (size_t r = 0; r < rules->waves[w].region_count; r++)
            if (text_equal(rules->waves[w].regions[r], region)) return (uint32_t)w + 1;
    return rules->wave_count && action->category == CATEGORY_APPROVAL ? 1 : 0;
}

const char *regions_failure_name(enum regions_failure failure)
{
    switch (failure) {
    case REGIONS_DEFAULT: return "";
    case REGIONS_ALL: return "all";
    case REGIONS_LOCAL: return "local";
    case REGIONS_CONTINUE: return "continue";
    }
    return "";
}
