#include "core/resource.h"

#include "core/journal.h"
#include "core/request.h"
#include "core/view.h"

#include <string.h>

size_t resource_check(const struct coordinator *c, const struct deploy_resource *resource,
                      struct arena *arena, const struct problem **out)
{
    if (resource->kind != RESOURCE_GROUP || model_config(c, resource->group.config)) return 0;
    struct problem *problem = arena_calloc(arena, 1, sizeof *problem);
    *problem = resource->config_missing;
    problem->text = arena_format(
        arena,
        "DeploymentConfigDoesNotExistException: there is no configuration '%s': apply "
        "it first, or write CodeDeployDefault.OneAtATime, CodeDeployDefault.HalfAtATime "
        "or CodeDeployDefault.AllAtOnce",
        resource->group.config);
    *out = problem;
    return 1;
}

static void resource_keep(struct coordinator *c, const struct coordinator_event *event,
                          uint32_t version)
{
    struct arena *arena = &c->out->arena;
    struct deploy_resource *resource = event->request.resource;
    struct resource_record record = {
        .kind = resource->kind,
        .name = arena_text(arena, resource->name),
        .version = version,
        .created_ms = c->now_ms,
        .updated_by = arena_text(arena, event->request.client),
        .text = arena_bytes(arena, event->request.request->apply.text),
    };
    record.parsed = model_resource_set(c, &record, resource)->state.parsed;
    journal_put(c, RECORD_RESOURCE)->resource = record;
    journal_note(c, NOTE_INFO, "applied %s=%s version=%u client=%s",
                 resource_kind_name(record.kind), record.name, (unsigned)version,
                 event->request.client);
    /* Other hosts may belong now: running deployments look again. */
    if (c->fleet_generation) c->fleet_generation++;
    c->changed = true;
}

bool resource_apply(struct coordinator *c, const struct coordinator_event *event)
{
    const struct apply_request *apply = &event->request.request->apply;
    const struct deploy_resource *resource = event->request.resource;
    const struct model_resource *current = model_resource_find(c, resource->kind, resource->name);
    if (!current && c->resource_count >= MODEL_RESOURCES_MAX) {
        request_refuse(c, event, ERR_NO_SPACE, "nothing was applied",
                       "there are 10,000 deployment groups and configurations, which is the limit",
                       "use another coordinator");
        return false;
    }
    bool changed =
        !current || memcmp(current->state.parsed->meaning, resource->meaning, SHA256_SIZE) != 0;
    uint32_t version = current ? current->state.version + (changed ? 1u : 0u) : 1u;
    bool keep = changed && !apply->dry_run;
    const char *name = arena_text(&c->out->arena, resource->name);
    const char *kind = resource_kind_name(resource->kind);
    if (keep) resource_keep(c, event, version);
    struct reply *reply = request_reply(c, event);
    reply->name = name;
    reply->resource = kind;
    reply->version = version;
    reply->changed = changed;
    return keep;
}

/* ---- alarms ---- */

void alarm_request(struct coordinator *c, const struct coordinator_event *event)
{
    const struct alarm_request *asked = &event->request.request->alarm;
    struct arena *arena = &c->out->arena;
    const struct model_alarm *old = model_alarm_find(c, asked->name);
    bool changed = old ? old->state.raised != asked->raise : asked->raise;
    if (!asked->name[0] || (!old && c->alarm_count >= MODEL_ALARMS_MAX)) {
        request_refuse(c, event, ERR_INVALID, "the alarm was not changed",
                       asked->name[0] ? "there are 1000 alarms, which is the limit"
                                      : "an alarm has a name",
                       "meridian alarm raise NAME");
        return;
    }
    struct alarm_record state = { .name = arena_text(arena, asked->name),
                                  .raised = asked->raise,
                                  .reason = arena_text(arena, asked->reason),
                                  .changed_by = arena_text(arena, event->request.client),
                                  .changed_ms = c->now_ms };
    struct reply *reply = request_reply(c, event);
    reply->name = state.name;
    reply->changed = changed;
    if (!changed) return;
    model_alarm_set(c, &state);
    journal_put(c, RECORD_ALARM)->alarm = state;
    journal_note(c, NOTE_WARNING, "alarm=%s %s client=%s reason=%s", state.name,
                 state.raised ? "raised" : "cleared", state.changed_by, state.reason);
    c->changed = true;
}

/* ---- what clients see ---- */

size_t coordinator_view_resources(const struct coordinator *coordinator, const char *after,
                                  struct arena *arena, const struct resource_summary **out)
{
    struct resource_summary *all = arena_calloc(arena, WIRE_LIST_MAX, sizeof *all);
    size_t count = 0;
    list_for_each (link, &coordinator->resources) {
        const struct model_resource *r = list_entry(link, struct model_resource, link);
        if (count == WIRE_LIST_MAX) break;
        if (strcmp(r->key, after) <= 0) continue;
        all[count++] = (struct resource_summary){ .kind = r->state.kind,
                                                  .name = r->state.name,
                                                  .version = r->state.version,
                                                  .updated_ms = r->state.created_ms,
                                                  .updated_by = r->state.updated_by };
    }
    *out = all;
    return count;
}

const struct resource_record *coordinator_view_resource(const struct coordinator *coordinator,
                                                        const char *key)
{
    const struct model_resource *r = map_get(&coordinator->resources_by_key, key);
    return r ? &r->state : NULL;
}
