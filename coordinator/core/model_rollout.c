#include "core/model_rollout.h"

#include "core/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- resources ---- */

static void resource_key(enum resource_kind kind, const char *name,
                         char out[MODEL_RESOURCE_KEY_SIZE])
{
    snprintf(out, MODEL_RESOURCE_KEY_SIZE, "%s/%s", resource_kind_name(kind), name);
}

struct model_resource *model_resource_find(const struct coordinator *c, enum resource_kind kind,
                                           const char *name)
{
    char key[MODEL_RESOURCE_KEY_SIZE];
    resource_key(kind, name, key);
    return map_get(&c->resources_by_key, key);
}

static struct model_resource *resource_make(struct coordinator *c, enum resource_kind kind,
                                            const char *name)
{
    struct model_resource *r = xcalloc(1, sizeof *r);
    resource_key(kind, name, r->key);
    r->state.kind = kind;
    r->state.name = r->state.updated_by = "";
    model_text(&r->state.name, name);
    struct list *before = &c->resources;
    while (before->prev != &c->resources &&
           strcmp(list_entry(before->prev, struct model_resource, link)->key, r->key) > 0)
        before = before->prev;
    list_insert_between(&r->link, before->prev, before);
    map_put(&c->resources_by_key, r->key, r);
    c->resource_count++;
    return r;
}

struct model_resource *model_resource_set(struct coordinator *c, const struct resource_record *from,
                                          struct deploy_resource *parsed)
{
    struct model_resource *r = model_resource_find(c, from->kind, from->name);
    if (!r) r = resource_make(c, from->kind, from->name);
    uint8_t *text = xcalloc(from->text.len + 1, 1);
    if (from->text.len) memcpy(text, from->text.data, from->text.len);
    free((uint8_t *)r->state.text.data);
    resource_free((struct deploy_resource *)r->state.parsed);
    r->state.text = bytes_of(text, from->text.len);
    r->state.parsed = parsed;
    r->state.version = from->version;
    r->state.created_ms = from->created_ms;
    model_text(&r->state.updated_by, from->updated_by);
    return r;
}

static void resource_forget(struct model_resource *r)
{
    list_remove(&r->link);
    model_text_free(&r->state.name);
    model_text_free(&r->state.updated_by);
    free((uint8_t *)r->state.text.data);
    resource_free((struct deploy_resource *)r->state.parsed);
    free(r);
}

const struct deployment_group *model_group(const struct coordinator *c, const char *application,
                                           const char *group)
{
    char name[WIRE_TARGET_MAX + 1];
    int len = snprintf(name, sizeof name, "%s/%s", application, group);
    if (len < 0 || (size_t)len >= sizeof name) return NULL;
    const struct model_resource *r = model_resource_find(c, RESOURCE_GROUP, name);
    return r ? &r->state.parsed->group : NULL;
}

const struct deployment_config *model_config(const struct coordinator *c, const char *name)
{
    const struct deployment_config *builtin = config_builtin(name);
    const struct model_resource *r = builtin ? NULL : model_resource_find(c, RESOURCE_CONFIG, name);
    return r ? &r->state.parsed->config : builtin;
}

/* ---- hosts ---- */

static void host_key(const char *target, const char *worker, char out[MODEL_HOST_KEY_SIZE])
{
    snprintf(out, MODEL_HOST_KEY_SIZE, "%s/%s", target, worker);
}

static struct model_host *host_find(const struct coordinator *c, const char *target,
                                    const char *worker)
{
    char key[MODEL_HOST_KEY_SIZE];
    host_key(target, worker, key);
    return map_get(&c->hosts_by_key, key);
}

const struct model_host *model_host_find(const struct coordinator *c, const char *target,
                                         const char *worker)
{
    return host_find(c, target, worker);
}

void model_host_set(struct coordinator *c, const struct host_record *from)
{
    struct model_host *h = host_find(c, from->target, from->worker);
    if (!h) {
        h = xcalloc(1, sizeof *h);
        host_key(from->target, from->worker, h->key);
        h->state.target = h->state.worker = h->state.revision = "";
        model_text(&h->state.target, from->target);
        model_text(&h->state.worker, from->worker);
        list_append(&c->hosts, &h->link);
        map_put(&c->hosts_by_key, h->key, h);
    }
    h->state.status = from->status;
    h->state.deployment = from->deployment;
    h->state.ended_ms = from->ended_ms;
    memcpy(h->state.sha256, from->sha256, sizeof h->state.sha256);
    model_text(&h->state.revision, from->revision);
}

static void host_forget(struct model_host *h)
{
    list_remove(&h->link);
    model_text_free(&h->state.target);
    model_text_free(&h->state.worker);
    model_text_free(&h->state.revision);
    free(h);
}

/* ---- alarms ---- */

static struct model_alarm *alarm_find(const struct coordinator *c, const char *name)
{
    return map_get(&c->alarms_by_name, name);
}

const struct model_alarm *model_alarm_find(const struct coordinator *c, const char *name)
{
    return alarm_find(c, name);
}

void model_alarm_set(struct coordinator *c, const struct alarm_record *from)
{
    struct model_alarm *a = alarm_find(c, from->name);
    if (!a) {
        a = xcalloc(1, sizeof *a);
        a->state.name = a->state.reason = a->state.changed_by = "";
        model_text(&a->state.name, from->name);
        list_append(&c->alarms, &a->link);
        map_put(&c->alarms_by_name, a->state.name, a);
        c->alarm_count++;
    }
    a->state.raised = from->raised;
    a->state.changed_ms = from->changed_ms;
    model_text(&a->state.reason, from->reason);
    model_text(&a->state.changed_by, from->changed_by);
}

static void alarm_forget(struct model_alarm *a)
{
    list_remove(&a->link);
    model_text_free(&a->state.name);
    model_text_free(&a->state.reason);
    model_text_free(&a->state.changed_by);
    free(a);
}

/* ---- tags ---- */

static bool tags_equal(const struct model_worker *w, const struct host_tag *tags, size_t count)
{
    if (w->tag_count != count) return false;
    for (size_t i = 0; i < count; i++)
        if (!text_equal(w->tags[i].key, tags[i].key) ||
            !text_equal(w->tags[i].value, tags[i].value))
            return false;
    return true;
}

bool model_tags(struct model_worker *w, const struct host_tag *tags, size_t count)
{
    if (tags_equal(w, tags, count)) return false;
    model_tags_free(w);
    w->tags = xcalloc(count + 1, sizeof *w->tags);
    w->tag_count = count;
    for (size_t i = 0; i < count; i++) {
        w->tags[i] = (struct host_tag){ "", "" };
        model_text(&w->tags[i].key, tags[i].key);
        model_text(&w->tags[i].value, tags[i].value);
    }
    return true;
}

void model_tags_free(struct model_worker *w)
{
    for (size_t i = 0; i < w->tag_count; i++) {
        model_text_free(&w->tags[i].key);
        model_text_free(&w->tags[i].value);
    }
    free(w->tags);
    w->tags = NULL;
    w->tag_count = 0;
}

const char *model_tag(const struct model_worker *w, const char *key)
{
    for (size_t i = 0; i < w->tag_count; i++)
        if (text_equal(w->tags[i].key, key)) return w->tags[i].value;
    return "";
}

void model_rollout_deinit(struct coordinator *c)
{
    struct list *link;
    while ((link = list_first(&c->resources)))
        resource_forget(list_entry(link, struct model_resource, link));
    while ((link = list_first(&c->hosts))) host_forget(list_entry(link, struct model_host, link));
    while ((link = list_first(&c->alarms)))
        alarm_forget(list_entry(link, struct model_alarm, link));
    map_deinit(&c->resources_by_key);
    map_deinit(&c->hosts_by_key);
    map_deinit(&c->alarms_by_name);
}
