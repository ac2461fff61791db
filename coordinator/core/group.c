#include "core/group.h"

#include <assert.h>
#include <stdlib.h>

enum { RESOURCE_ARENA_MAX = 4 << 20 };

struct deploy_resource *resource_new(void)
{
    struct deploy_resource *resource = xcalloc(1, sizeof *resource);
    arena_init(&resource->arena, RESOURCE_ARENA_MAX);
    resource->name = "";
    return resource;
}

void resource_free(struct deploy_resource *resource)
{
    if (!resource) return;
    arena_deinit(&resource->arena);
    free(resource);
}

/* ---- tags ---- */

static bool filter_fits(const struct tag_filter *filter, const struct host_tag *tag)
{
    switch (filter->type) {
    case FILTER_KEY_ONLY: return text_equal(filter->key, tag->key);
    case FILTER_VALUE_ONLY: return text_equal(filter->value, tag->value);
    case FILTER_KEY_AND_VALUE:
        return text_equal(filter->key, tag->key) && text_equal(filter->value, tag->value);
    }
    assert(false);
    return false;
}

static bool set_fits(const struct tag_set *set, const struct host_tag *tags, size_t count)
{
    for (size_t f = 0; f < set->count; f++)
        for (size_t t = 0; t < count; t++)
            if (filter_fits(&set->filters[f], &tags[t])) return true;
    return false;
}

static bool selection_fits(const struct tag_selection *selection, const struct host_tag *tags,
                           size_t count)
{
    for (size_t s = 0; s < selection->count; s++)
        if (!set_fits(&selection->sets[s], tags, count)) return false;
    return selection->count > 0;
}

bool group_fits(const struct deployment_group *group, const struct host_tag *tags, size_t count)
{
    if (group->instances.count == 0 && group->on_premises.count == 0) return true;
    return selection_fits(&group->instances, tags, count) ||
           selection_fits(&group->on_premises, tags, count);
}

/* ---- configurations ---- */

const struct deployment_config *config_builtin(const char *name)
{
    static const struct deployment_config all[] = {
        { .name = "CodeDeployDefault.AllAtOnce", .rule = CONFIG_ALL_AT_ONCE },
        { .name = "CodeDeployDefault.HalfAtATime", .rule = CONFIG_HALF_AT_A_TIME },
        { .name = "CodeDeployDefault.OneAtATime", .rule = CONFIG_ONE_AT_A_TIME },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (text_equal(all[i].name, name)) return &all[i];
    return NULL;
}

static size_t healthy_of(const struct healthy_hosts *healthy, size_t hosts)
{
    if (healthy->type == HEALTHY_COUNT) return healthy->value;
    return (hosts * healthy->value + 99) / 100;
}

bool config_spare(const struct deployment_config *config, size_t hosts, size_t *spare)
{
    size_t healthy;
    switch (config->rule) {
    case CONFIG_ALL_AT_ONCE: *spare = hosts; return true;
    case CONFIG_ONE_AT_A_TIME: *spare = 1; return true;
    case CONFIG_HALF_AT_A_TIME: *spare = hosts > 1 ? hosts / 2 : 1; return true;
    case CONFIG_CUSTOM:
        healthy = healthy_of(&config->healthy, hosts);
        if (healthy >= hosts) return false;
        *spare = hosts - healthy;
        return true;
    }
    assert(false);
    return false;
}

size_t config_zone_spare(const struct deployment_config *config, size_t hosts)
{
    size_t healthy = healthy_of(&config->zone_healthy, hosts);
    return healthy < hosts ? hosts - healthy : 1;
}
