#include "shell/definition_group.h"

#include "io/doc.h"
#include "shell/definition_custom.h"
#include "shell/definition_meaning.h"

#include <stdio.h>
#include <string.h>

/* The one complaint of a document: reading ends at the first. */
struct reader {
    struct deploy_resource *resource;
    struct arena *arena; /* of the resource */
    const struct doc_node *at;
    struct error err;
};

static bool refuse(struct reader *r, const struct doc_node *node, const char *text)
{
    r->at = node;
    return error_set(&r->err, ERR_INVALID, "%s", text);
}

/* Remembers the place of an error that a getter has set. */
static bool at_node(struct reader *r, const struct doc_node *node, bool good)
{
    if (!good && !r->at) r->at = node;
    return good;
}

/* Keys beside `known` are refused, those of `not_run` as well when they say anything. */
static bool only(struct reader *r, const struct doc_node *map, const char *const *known,
                 const char *const *not_run)
{
    for (size_t i = 0; not_run && not_run[i]; i++) {
        const struct doc_node *node = doc_get(map, not_run[i]);
        bool empty = doc_is_null(node) || (node->kind != DOC_SCALAR && node->count == 0);
        if (!empty) return refuse(r, node, "this is not supported yet: remove it");
    }
    const struct doc_node *extra = doc_first_unknown(map, known);
    for (; extra; extra = doc_first_unknown_after(extra, known)) {
        bool mentioned = false;
        for (size_t i = 0; not_run && not_run[i]; i++)
            if (text_equal(extra->key, not_run[i])) mentioned = true;
        if (mentioned) continue;
        const char *nearest = doc_nearest(extra->key, known);
        r->at = extra;
        return error_set(&r->err, ERR_INVALID, "unknown field '%.80s'%s%s%s", extra->key,
                         nearest ? ", did you mean '" : "", nearest ? nearest : "",
                         nearest ? "'?" : "");
    }
    return map->kind == DOC_MAPPING || refuse(r, map, "must be a mapping ({...})");
}

/* 1 to WIRE_NAME_MAX characters, no '/' and no control characters: it becomes part of a key. */
static bool read_name(struct reader *r, const struct doc_node *map, const char *key,
                      const char **out)
{
    const struct doc_node *node = doc_get(map, key);
    const char *text = "";
    if (!at_node(r, node ? node : map, doc_get_text(map, key, DOC_REQUIRED, &text, &r->err)))
        return false;
    bool good = strlen(text) <= WIRE_NAME_MAX;
    for (const char *at = text; *at; at++) good = good && (unsigned char)*at > ' ' && *at != '/';
    if (!good) return refuse(r, node, "a name has 1 to 100 characters and no '/' or blank");
    *out = arena_text(r->arena, text);
    return true;
}

/* An index into the list; `fallback` when the key is absent. */
static bool read_word(struct reader *r, const struct doc_node *map, const char *key,
                      const char *const *words, unsigned fallback, unsigned *out)
{
    const char *text = NULL;
    char list[160] = "";
    if (!at_node(r, map, doc_get_text(map, key, DOC_OPTIONAL, &text, &r->err))) return false;
    *out = fallback;
    if (!text) return true;
    for (unsigned i = 0; words[i]; i++) {
        if (text_equal(words[i], text)) {
            *out = i;
            return true;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
    }
    r->at = doc_get(map, key);
    return error_set(&r->err, ERR_INVALID, "must be one of %s", list);
}

/* ---- tags ---- */

static bool read_filter(struct reader *r, const struct doc_node *node, struct tag_filter *out)
{
    static const char *const known[] = { "Key", "Value", "Type", NULL };
    static const char *const types[] = { [FILTER_KEY_AND_VALUE] = "KEY_AND_VALUE",
                                         [FILTER_KEY_ONLY] = "KEY_ONLY",
                                         [FILTER_VALUE_ONLY] = "VALUE_ONLY",
                                         [FILTER_VALUE_ONLY + 1] = NULL };
    const char *key = NULL, *value = NULL;
    unsigned type;
    if (!only(r, node, known, NULL) ||
        !read_word(r, node, "Type", types, FILTER_KEY_AND_VALUE, &type) ||
        !at_node(r, node, doc_get_text(node, "Key", DOC_OPTIONAL, &key, &r->err)) ||
        !at_node(r, node, doc_get_text(node, "Value", DOC_OPTIONAL, &value, &r->err)))
        return false;
    if (type != FILTER_VALUE_ONLY && !key) return refuse(r, node, "a Key is missing here");
    if (type != FILTER_KEY_ONLY && !value) return refuse(r, node, "a Value is missing here");
    *out = (struct tag_filter){ (enum tag_filter_type)type, arena_text(r->arena, key),
                                arena_text(r->arena, value) };
    return true;
}

static bool read_set(struct reader *r, const struct doc_node *list, struct tag_set *out)
{
    if (list->kind != DOC_SEQUENCE) return refuse(r, list, "must be a list ([...])");
    if (list->count > GROUP_FILTERS_MAX) return refuse(r, list, "has more than 10 tags");
    struct tag_filter *filters = arena_calloc(r->arena, list->count, sizeof *filters);
    doc_for_each (item, list)
        if (!read_filter(r, item, &filters[out->count++])) return false;
    out->filters = filters;
    return true;
}

/* `single` is a list of filters, `several` holds a list of such lists; not both. */
static bool read_selection(struct reader *r, const struct doc_node *map, const char *single,
                           const char *several, const char *inner, struct tag_selection *out)
{
    const struct doc_node *one = doc_get(map, single), *many = doc_get(map, several);
    const char *const known[] = { inner, NULL };
    if (doc_is_null(one) && doc_is_null(many)) return true;
    if (!doc_is_null(one) && !doc_is_null(many))
        return refuse(r, many, "filters and a tag set exclude each other: keep one");
    const struct doc_node *lists = doc_is_null(one) ? doc_get(many, inner) : one;
    if (doc_is_null(one) && !only(r, many, known, NULL)) return false;
    if (doc_is_null(lists)) return true;
    if (lists->kind != DOC_SEQUENCE) return refuse(r, lists, "must be a list ([...])");
    size_t count = doc_is_null(one) ? lists->count : lists->count ? 1 : 0;
    if (count > GROUP_SETS_MAX) return refuse(r, lists, "has more than 3 groups of tags");
    struct tag_set *sets = arena_calloc(r->arena, count, sizeof *sets);
    out->sets = sets;
    out->count = count;
    if (!doc_is_null(one)) return count == 0 || read_set(r, one, &sets[0]);
    doc_for_each (item, lists)
        if (!read_set(r, item, sets++)) return false;
    return true;
}

/* ---- groups ---- */

static bool read_rollback(struct reader *r, const struct doc_node *map, uint32_t *out)
{
    static const char *const known[] = { "enabled", "events", NULL };
    static const char *const events[] = { "DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM",
                                          "DEPLOYMENT_STOP_ON_REQUEST", NULL };
    const struct doc_node *node = doc_get(map, "autoRollbackConfiguration"), *list = NULL;
    bool enabled = false;
    uint32_t all = 0;
    if (doc_is_null(node)) return true;
    if (!only(r, node, known, NULL) ||
        !at_node(r, node, doc_get_bool(node, "enabled", DOC_OPTIONAL, &enabled, &r->err)) ||
        !at_node(r, node, doc_get_list(node, "events", DOC_OPTIONAL, &list, &r->err)))
        return false;
    doc_for_each (item, list) {
        size_t i = 0;
        while (events[i] && !(item->kind == DOC_SCALAR && text_equal(events[i], item->text))) i++;
        if (!events[i])
            return refuse(r, item,
                          "must be one of DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM, "
                          "DEPLOYMENT_STOP_ON_REQUEST");
        all |= UINT32_C(1) << i;
    }
    *out = enabled ? all : 0;
    return true;
}

static bool read_alarms(struct reader *r, const struct doc_node *map, struct deployment_group *out)
{
    static const char *const known[] = { "enabled", "ignorePollAlarmFailure", "alarms", NULL };
    static const char *const inner[] = { "name", NULL };
    const struct doc_node *node = doc_get(map, "alarmConfiguration"), *list = NULL;
    bool enabled = false;
    if (doc_is_null(node)) return true;
    if (!only(r, node, known, NULL) ||
        !at_node(r, node, doc_get_bool(node, "enabled", DOC_OPTIONAL, &enabled, &r->err)) ||
        !at_node(r, node, doc_get_list(node, "alarms", DOC_OPTIONAL, &list, &r->err)))
        return false;
    if (list && list->count > GROUP_ALARMS_MAX) return refuse(r, list, "has more than 10 alarms");
    const char **names = arena_calloc(r->arena, GROUP_ALARMS_MAX, sizeof *names);
    size_t count = 0;
    doc_for_each (item, list)
        if (!only(r, item, inner, NULL) || !read_name(r, item, "name", &names[count++]))
            return false;
    out->alarms = names;
    out->alarm_count = enabled ? count : 0;
    return true;
}

static bool read_style(struct reader *r, const struct doc_node *map, struct deployment_group *out)
{
    static const char *const known[] = { "deploymentType", "deploymentOption", NULL };
    static const char *const types[] = { "IN_PLACE", NULL };
    static const char *const options[] = { "WITHOUT_TRAFFIC_CONTROL", "WITH_TRAFFIC_CONTROL",
                                           NULL };
    const struct doc_node *node = doc_get(map, "deploymentStyle");
    unsigned type, option;
    if (doc_is_null(node)) return true;
    if (!only(r, node, known, NULL) || !read_word(r, node, "deploymentType", types, 0, &type) ||
        !read_word(r, node, "deploymentOption", options, 0, &option))
        return false;
    out->traffic_control = option == 1;
    return true;
}

static bool read_group(struct reader *r, const struct doc_node *map)
{
    static const char *const known[] = { "applicationName",
                                         "deploymentGroupName",
                                         "deploymentConfigName",
                                         "ec2TagFilters",
                                         "ec2TagSet",
                                         "onPremisesInstanceTagFilters",
                                         "onPremisesTagSet",
                                         "autoRollbackConfiguration",
                                         "outdatedInstancesStrategy",
                                         "alarmConfiguration",
                                         "deploymentStyle",
                                         "serviceRoleArn",
                                         "tags",
                                         "terminationHookEnabled",
                                         NULL };
    static const char *const not_run[] = {
        "autoScalingGroups", "loadBalancerInfo",      "blueGreenDeploymentConfiguration",
        "ecsServices",       "triggerConfigurations", NULL
    };
    static const char *const strategies[] = { "UPDATE", "IGNORE", NULL };
    struct deployment_group *group = &r->resource->group;
    const struct doc_node *config = doc_get(map, "deploymentConfigName");
    unsigned strategy;
    group->config = "CodeDeployDefault.OneAtATime";
    if (!only(r, map, known, not_run) ||
        !read_name(r, map, "applicationName", &group->application) ||
        !read_name(r, map, "deploymentGroupName", &group->name) ||
        (!doc_is_null(config) && !read_name(r, map, "deploymentConfigName", &group->config)) ||
        !read_selection(r, map, "ec2TagFilters", "ec2TagSet", "ec2TagSetList", &group->instances) ||
        !read_selection(r, map, "onPremisesInstanceTagFilters", "onPremisesTagSet",
                        "onPremisesTagSetList", &group->on_premises) ||
        !read_rollback(r, map, &group->rollback) || !read_alarms(r, map, group) ||
        !read_style(r, map, group) ||
        !read_word(r, map, "outdatedInstancesStrategy", strategies, 0, &strategy))
        return false;
    group->ignore_outdated = strategy == 1;
    r->resource->name = arena_format(r->arena, "%s/%s", group->application, group->name);
    char path[512];
    const struct doc_node *place = config ? config : map;
    doc_path(place, path, sizeof path);
    r->resource->config_missing = (struct problem){ .line = place->line,
                                                    .column = place->column,
                                                    .path = arena_text(r->arena, path) };
    return true;
}

/* ---- configurations ---- */

static bool read_healthy(struct reader *r, const struct doc_node *node, struct healthy_hosts *out)
{
    static const char *const known[] = { "type", "value", NULL };
    static const char *const types[] = { [HEALTHY_COUNT] = "HOST_COUNT",
                                         [HEALTHY_PERCENT] = "FLEET_PERCENT",
                                         [HEALTHY_PERCENT + 1] = NULL };
    unsigned type;
    uint64_t value = 0;
    if (!only(r, node, known, NULL) || !read_word(r, node, "type", types, HEALTHY_COUNT, &type) ||
        !at_node(r, node,
                 doc_get_unsigned(node, "value", DOC_REQUIRED, 0,
                                  type == HEALTHY_PERCENT ? 100 : WIRE_JOBS_MAX, &value, &r->err)))
        return false;
    *out = (struct healthy_hosts){ (enum healthy_type)type, (uint32_t)value };
    return true;
}

static bool read_zonal(struct reader *r, const struct doc_node *node, struct deployment_config *out)
{
    static const char *const known[] = { "firstZoneMonitorDurationInSeconds",
                                         "monitorDurationInSeconds", "minimumHealthyHostsPerZone",
                                         NULL };
    enum { WATCH_MAX_S = 864000 };
    uint64_t each = 0, first;
    if (doc_is_null(node)) return true;
    out->zonal = true;
    out->zone_healthy = (struct healthy_hosts){ HEALTHY_PERCENT, 0 };
    const struct doc_node *healthy = doc_get(node, "minimumHealthyHostsPerZone");
    if (!only(r, node, known, NULL) ||
        !at_node(r, node,
                 doc_get_unsigned(node, "monitorDurationInSeconds", DOC_OPTIONAL, 0, WATCH_MAX_S,
                                  &each, &r->err)))
        return false;
    first = each;
    if (!at_node(r, node,
                 doc_get_unsigned(node, "firstZoneMonitorDurationInSeconds", DOC_OPTIONAL, 0,
                                  WATCH_MAX_S, &first, &r->err)))
        return false;
    out->zone_monitor_s = (uint32_t)each;
    out->first_zone_monitor_s = (uint32_t)first;
    return doc_is_null(healthy) || read_healthy(r, healthy, &out->zone_healthy);
}

static bool read_config(struct reader *r, const struct doc_node *map)
{
    static const char *const known[] = { "deploymentConfigName", "minimumHealthyHosts",
                                         "computePlatform", "zonalConfig", NULL };
    static const char *const not_run[] = { "trafficRoutingConfig", NULL };
    static const char *const platforms[] = { "Server", NULL };
    struct deployment_config *config = &r->resource->config;
    const struct doc_node *healthy = doc_get(map, "minimumHealthyHosts");
    unsigned platform;
    config->rule = CONFIG_CUSTOM;
    if (!only(r, map, known, not_run) ||
        !read_name(r, map, "deploymentConfigName", &config->name) ||
        !read_word(r, map, "computePlatform", platforms, 0, &platform))
        return false;
    if (strncmp(config->name, "CodeDeployDefault.", 18) == 0)
        return refuse(r, doc_get(map, "deploymentConfigName"),
                      "names that begin with CodeDeployDefault. are AWS's own");
    if (doc_is_null(healthy)) return refuse(r, map, "minimumHealthyHosts {type, value} is missing");
    r->resource->name = config->name;
    return read_healthy(r, healthy, &config->healthy) &&
           read_zonal(r, doc_get(map, "zonalConfig"), config);
}

static bool read_application(struct reader *r, const struct doc_node *map)
{
    static const char *const known[] = { "applicationName", "computePlatform", "tags", NULL };
    static const char *const platforms[] = { "Server", NULL };
    unsigned platform;
    if (!only(r, map, known, NULL) ||
        !read_name(r, map, "applicationName", &r->resource->application.name) ||
        !read_word(r, map, "computePlatform", platforms, 0, &platform))
        return false;
    r->resource->name = r->resource->application.name;
    return true;
}

static bool read_type(struct reader *r, const struct doc_node *map)
{
    struct definition_flaw flaw;
    return definition_custom(map, r->resource, &flaw) || refuse(r, flaw.node, flaw.text);
}

/* ---- the document ---- */

/* NULL for what is none of these. */
static const struct doc_node *body_of(const struct doc_node *root, enum resource_kind *kind)
{
    static const char *const marks[] = { [RESOURCE_APPLICATION] = "applicationName",
                                         [RESOURCE_GROUP] = "deploymentGroupName",
                                         [RESOURCE_CONFIG] = "deploymentConfigName",
                                         [RESOURCE_ACTION_TYPE] = "inputArtifactDetails" };
    static const enum resource_kind order[] = { RESOURCE_GROUP, RESOURCE_CONFIG,
                                                RESOURCE_APPLICATION, RESOURCE_ACTION_TYPE };
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        *kind = order[i];
        const struct doc_node *inner = doc_get(root, resource_kind_name(*kind));
        if (inner) return inner;
    }
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        *kind = order[i];
        if (doc_get(root, marks[*kind])) return root;
    }
    return NULL;
}

bool definition_is_pipeline(const char *file, struct bytes text)
{
    AUTO(doc_free_at) struct doc *doc = NULL;
    struct error err;
    enum resource_kind kind;
    return !doc_parse(file, text, NULL, &doc, &err) || !body_of(doc_root(doc, 0), &kind);
}

static bool read_document(struct reader *r, const struct doc *doc)
{
    const struct doc_node *root = doc_root(doc, 0);
    const struct doc_node *body = body_of(root, &r->resource->kind);
    if (doc_count(doc) != 1) return refuse(r, root, "a file holds one document");
    if (doc_duplicate_count(doc))
        return refuse(r, doc_duplicate(doc, 0)->winner, "this key stands here twice: keep one");
    if (!body)
        return refuse(r, root,
                      "a deploymentGroup, deploymentConfig, application or customActionType is "
                      "missing");
    if (body != root && root->count != 1)
        return refuse(r, root, "a document holds one resource and nothing beside it");
    definition_meaning(body, NULL, r->resource->meaning);
    switch (r->resource->kind) {
    case RESOURCE_APPLICATION: return read_application(r, body);
    case RESOURCE_GROUP: return read_group(r, body);
    case RESOURCE_CONFIG: return read_config(r, body);
    case RESOURCE_ACTION_TYPE: return read_type(r, body);
    }
    return false;
}

/* The document's reader writes "FILE:LINE:COLUMN: PATH: what" itself: taken apart. */
static const struct problem *problem_of(const struct reader *r, const char *file,
                                        struct arena *arena)
{
    char path[512] = "";
    struct problem *problem = arena_calloc(arena, 1, sizeof *problem);
    const char *text = r->err.text;
    unsigned line = r->at ? r->at->line : 0, column = r->at ? r->at->column : 0;
    int len = 0;
    if (r->at) doc_path(r->at, path, sizeof path);
    if (text_starts(text, file) &&
        sscanf(text + strlen(file), ":%u:%u: %n", &line, &column, &len) == 2 && len > 0)
        text += strlen(file) + (size_t)len;
    const char *colon = strstr(text, ": ");
    if (len > 0 && colon && !memchr(text, ' ', (size_t)(colon - text))) {
        snprintf(path, sizeof path, "%.*s", (int)(colon - text), text);
        text = colon + 2;
    }
    *problem = (struct problem){ .line = line,
                                 .column = column,
                                 .path = arena_text(arena, path),
                                 .text = arena_text(arena, text) };
    return problem;
}

bool definition_group(const char *file, struct bytes text, struct arena *arena,
                      struct deploy_resource **out, const struct problem **problems,
                      size_t *problem_count)
{
    AUTO(doc_free_at) struct doc *doc = NULL;
    struct reader r = { .resource = resource_new() };
    r.arena = &r.resource->arena;
    *out = NULL;
    *problems = NULL;
    *problem_count = 0;
    if (doc_parse(file, text, NULL, &doc, &r.err) && read_document(&r, doc)) {
        *out = r.resource;
        return true;
    }
    *problems = problem_of(&r, file, arena);
    *problem_count = 1;
    resource_free(r.resource);
    return false;
}
