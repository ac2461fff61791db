#include "core/model.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts that the core composes itself; those of workers were bounded by the wire. */
enum { FORMAT_MAX = 1500 };

bool model_text(const char **field, const char *text)
{
    const char *old = *field ? *field : "";
    if (strcmp(old, text) == 0) {
        *field = old;
        return false;
    }
    char *copy = text[0] ? xstrdup(text) : NULL;
    model_text_free(field);
    if (copy) *field = copy;
    return true;
}

bool model_format(const char **field, const char *format, ...)
{
    char text[FORMAT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return model_text(field, text);
}

void model_text_free(const char **field)
{
    if (*field && (*field)[0]) free((char *)*field);
    *field = "";
}

void model_ref(struct artifact_ref *field, const struct artifact_ref *from)
{
    model_text(&field->store, from->store);
    model_text(&field->key, from->key);
    model_text(&field->version_id, from->version_id);
    model_text(&field->etag, from->etag);
    field->size = from->size;
    field->removed = from->removed;
    memcpy(field->sha256, from->sha256, sizeof field->sha256);
}

void model_revision(struct revision *field, const struct revision *from)
{
    model_text(&field->action, from->action);
    model_text(&field->artifact, from->artifact);
    model_text(&field->revision_id, from->revision_id);
    model_text(&field->summary, from->summary);
    model_ref(&field->ref, &from->ref);
}

void model_ref_free(struct artifact_ref *ref)
{
    model_text_free(&ref->store);
    model_text_free(&ref->key);
    model_text_free(&ref->version_id);
    model_text_free(&ref->etag);
}

void model_revision_free(struct revision *revision)
{
    model_text_free(&revision->action);
    model_text_free(&revision->artifact);
    model_text_free(&revision->revision_id);
    model_text_free(&revision->summary);
    model_ref_free(&revision->ref);
}

/* ---- pipelines ---- */

struct model_pipeline *model_pipeline_find(const struct coordinator *c, const char *name)
{
    return map_get(&c->pipelines_by_name, name);
}

struct model_pipeline *model_pipeline_make(struct coordinator *c, const char *name)
{
    struct model_pipeline *p = model_pipeline_find(c, name);
    if (p) return p;
    p = xcalloc(1, sizeof *p);
    model_text(&p->name, name);
    list_init(&p->definitions);
    list_init(&p->executions);
    list_init(&p->sources);
    list_init(&p->transitions);
    struct list *before = &c->pipelines;
    while (before->prev != &c->pipelines &&
           strcmp(list_entry(before->prev, struct model_pipeline, link)->name, name) > 0)
        before = before->prev;
    list_insert_between(&p->link, before->prev, before);
    map_put(&c->pipelines_by_name, p->name, p);
    c->pipeline_count++;
    return p;
}

struct model_definition *model_definition_current(const struct model_pipeline *p)
{
    struct list *last = list_last(&p->definitions);
    return last ? list_entry(last, struct model_definition, link) : NULL;
}

struct model_definition *model_definition_find(const struct model_pipeline *p, uint32_t version)
{
    list_for_each (link, &p->definitions) {
        struct model_definition *d = list_entry(link, struct model_definition, link);
        if (d->state.version == version) return d;
    }
    return NULL;
}

struct model_definition *model_definition_add(struct model_pipeline *p,
                                              const struct definition *from,
                                              struct pipeline *parsed)
{
    assert(!model_definition_find(p, from->version));
    struct model_definition *d = xcalloc(1, sizeof *d);
    model_text(&d->state.name, p->name);
    d->state.version = from->version;
    d->state.created_ms = from->created_ms;
    model_text(&d->state.updated_by, from->updated_by);
    uint8_t *text = xcalloc(from->text.len + 1, 1);
    if (from->text.len) memcpy(text, from->text.data, from->text.len);
    d->state.text = bytes_of(text, from->text.len);
    d->state.parsed = parsed;
    struct list *before = &p->definitions;
    while (before->prev != &p->definitions &&
           list_entry(before->prev, struct model_definition, link)->state.version > from->version)
        before = before->prev;
    list_insert_between(&d->link, before->prev, before);
    return d;
}

static void definition_free(struct model_definition *d)
{
    list_remove(&d->link);
    model_text_free(&d->state.name);
    model_text_free(&d->state.updated_by);
    free((uint8_t *)d->state.text.data);
    pipeline_free((struct pipeline *)d->state.parsed);
    free(d);
}

struct model_source *model_source_find(const struct model_pipeline *p, const char *action)
{
    list_for_each (link, &p->sources) {
        struct model_source *source = list_entry(link, struct model_source, link);
        if (text_equal(source->action, action)) return source;
    }
    return NULL;
}

struct model_source *model_source_make(struct model_pipeline *p, const char *action)
{
    struct model_source *found = model_source_find(p, action);
    if (found) return found;
    struct model_source *source = xcalloc(1, sizeof *source);
    model_text(&source->action, action);
    model_text(&source->seen, "");
    const struct revision none = { "", "", "", "", { "", "", "", "", 0, { 0 }, false } };
    model_revision(&source->newest, &none);
    list_append(&p->sources, &source->link);
    return source;
}

static void source_free(struct model_source *source)
{
    list_remove(&source->link);
    model_text_free(&source->action);
    model_text_free(&source->seen);
    model_revision_free(&source->newest);
    free(source);
}

struct model_transition *model_transition_find(const struct model_pipeline *p, const char *stage)
{
    list_for_each (link, &p->transitions) {
        struct model_transition *t = list_entry(link, struct model_transition, link);
        if (text_equal(t->state.stage, stage)) return t;
    }
    return NULL;
}

void model_transition_set(struct model_pipeline *p, const struct transition_record *from)
{
    struct model_transition *t = model_transition_find(p, from->stage);
    if (!t) {
        t = xcalloc(1, sizeof *t);
        model_text(&t->state.stage, from->stage);
        list_append(&p->transitions, &t->link);
    }
    t->state.pipeline = p->name;
    t->state.enabled = from->enabled;
    t->state.changed_ms = from->changed_ms;
    model_text(&t->state.reason, from->reason);
    model_text(&t->state.changed_by, from->changed_by);
}

static void transition_free(struct model_transition *t)
{
    list_remove(&t->link);
    model_text_free(&t->state.stage);
    model_text_free(&t->state.reason);
    model_text_free(&t->state.changed_by);
    free(t);
}

/* ---- workers ---- */

struct model_worker *model_worker_find(const struct coordinator *c, const char *name)
{
    return map_get(&c->workers_by_name, name);
}

struct model_worker *model_worker_make(struct coordinator *c, const char *name)
{
    struct model_worker *w = model_worker_find(c, name);
    if (w) return w;
    w = xcalloc(1, sizeof *w);
    model_text(&w->name, name);
    model_text(&w->region, "");
    model_text(&w->version, "");
    model_text(&w->alarm, "");
    model_text(&w->drained_by, "");
    model_text(&w->drain_reason, "");
    list_init(&w->jobs);
    struct list *before = &c->workers;
    while (before->prev != &c->workers &&
           strcmp(list_entry(before->prev, struct model_worker, link)->name, name) > 0)
        before = before->prev;
    list_insert_between(&w->link, before->prev, before);
    map_put(&c->workers_by_name, w->name, w);
    return w;
}

static void worker_free(struct model_worker *w)
{
    list_remove(&w->link);
    model_text_free(&w->name);
    model_text_free(&w->region);
    model_text_free(&w->version);
    model_text_free(&w->alarm);
    model_tags_free(w);
    model_text_free(&w->drained_by);
    model_text_free(&w->drain_reason);
    free(w);
}

/* ---- submissions ---- */

struct model_submission *model_submission_add(struct coordinator *c, const struct submission *from)
{
    struct model_submission *s = xcalloc(1, sizeof *s);
    snprintf(s->key, sizeof s->key, "%s/%s", from->client, from->id.text);
    s->state = *from;
    s->state.client = "";
    model_text(&s->state.client, from->client);
    struct list *before = &c->submissions;
    while (before->prev != &c->submissions &&
           list_entry(before->prev, struct model_submission, link)->state.created_ms >
               from->created_ms)
        before = before->prev;
    list_insert_between(&s->link, before->prev, before);
    map_put(&c->submissions_by_key, s->key, s);
    c->submission_count++;
    return s;
}

void model_submission_free(struct coordinator *c, struct model_submission *submission)
{
    map_remove(&c->submissions_by_key, submission->key);
    list_remove(&submission->link);
    c->submission_count--;
    model_text_free(&submission->state.client);
    free(submission);
}

/* ---- the end ---- */

static bool definition_used(const struct model_pipeline *p, const struct model_definition *d)
{
    if (d == model_definition_current(p)) return true;
    list_for_each (link, &p->executions)
        if (list_entry(link, struct model_execution, link)->definition == d) return true;
    return false;
}

static void pipeline_prune(struct coordinator *c, struct model_pipeline *p, size_t keep)
{
    for (struct list *link = p->executions.next, *next; link != &p->executions; link = next) {
        next = link->next;
        if (p->execution_count <= keep + p->live_count) break;
        struct model_execution *e = list_entry(link, struct model_execution, link);
        if (list_empty(&e->live_link)) model_execution_free(c, e);
    }
    for (struct list *link = p->definitions.next, *next; link != &p->definitions; link = next) {
        next = link->next;
        struct model_definition *d = list_entry(link, struct model_definition, link);
        if (!definition_used(p, d)) definition_free(d);
    }
}

void model_prune(struct coordinator *c)
{
    size_t keep = c->config.history_max ? c->config.history_max : 1;
    list_for_each (link, &c->pipelines)
        pipeline_prune(c, list_entry(link, struct model_pipeline, link), keep);
}

/* Frees every element of a list; `next` is taken before its owner goes. */
#define FREE_ALL(head, type, ...)                                                                  \
    for (struct list *at = (head)->next, *next; at != (head); at = next) {                         \
        type *each = list_entry(at, type, link);                                                   \
        next = at->next;                                                                           \
        __VA_ARGS__;                                                                               \
    }

static void pipeline_deinit(struct coordinator *c, struct model_pipeline *p)
{
    FREE_ALL(&p->executions, struct model_execution, model_execution_free(c, each))
    FREE_ALL(&p->definitions, struct model_definition, definition_free(each))
    FREE_ALL(&p->sources, struct model_source, source_free(each))
    FREE_ALL(&p->transitions, struct model_transition, transition_free(each))
    model_text_free(&p->name);
    list_remove(&p->link);
    free(p);
}

void model_deinit(struct coordinator *c)
{
    FREE_ALL(&c->pipelines, struct model_pipeline, pipeline_deinit(c, each))
    FREE_ALL(&c->workers, struct model_worker, worker_free(each))
    FREE_ALL(&c->submissions, struct model_submission, model_submission_free(c, each))
    map_deinit(&c->pipelines_by_name);
    map_deinit(&c->workers_by_name);
    map_deinit(&c->jobs_by_id);
    map_deinit(&c->executions_by_id);
    map_deinit(&c->submissions_by_key);
    model_rollout_deinit(c);
    model_text_free(&c->config.region);
}
