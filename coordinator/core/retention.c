#include "core/retention.h"

#include "core/journal.h"
#include "core/view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESSES_KEPT = 2 }; /* in a stage: what is there, and what it goes back to */

/* ---- who needs it ---- */

static bool is_object(const struct artifact_ref *ref, const struct artifact_ref *object)
{
    return text_equal(ref->key, object->key) && text_equal(ref->version_id, object->version_id) &&
           text_equal(ref->store, object->store);
}

/* The execution's own reference to the object; NULL when it has none. */
static struct artifact_ref *ref_in(const struct model_execution *e,
                                   const struct artifact_ref *object)
{
    for (size_t i = 0; i < e->state.revision_count; i++)
        if (is_object(&e->revisions[i].ref, object)) return &e->revisions[i].ref;
    for (size_t i = 0; i < e->state.copy_count; i++)
        if (is_object(&e->copies[i].ref, object)) return &e->copies[i].ref;
    for (size_t i = 0; i < e->state.delta_count; i++)
        if (is_object(&e->deltas[i].ref, object)) return &e->deltas[i].ref;
    return NULL;
}

/* The `nth` newest that succeeded in the stage; NULL when there are not so many. */
static const struct model_execution *success(const struct model_pipeline *p, const char *stage,
                                             size_t nth)
{
    for (struct list *link = p->executions.prev; link != &p->executions; link = link->prev) {
        const struct model_execution *e = list_entry(link, struct model_execution, link);
        for (size_t s = 0; s < e->state.stage_count; s++)
            if (e->stages[s].status == STATUS_SUCCEEDED && text_equal(e->stages[s].name, stage) &&
                nth-- == 0)
                return e;
    }
    return NULL;
}

/* One of them has the object in a stage that it, or a rollback to it, has in force. */
static const char *need_of_stages(const struct coordinator *c, const struct model_pipeline *p,
                                  const struct artifact_ref *object, struct arena *arena)
{
    const struct model_definition *d = model_definition_current(p);
    for (size_t s = 0; d && s < d->state.parsed->stage_count; s++) {
        const char *stage = d->state.parsed->stages[s].name;
        for (size_t nth = 0; nth < SUCCESSES_KEPT; nth++) {
            const struct model_execution *e = success(p, stage, nth);
            const struct model_execution *target =
                e && e->state.type == TYPE_ROLLBACK
                    ? model_execution_find(c, &e->state.rollback_target)
                    : NULL;
            if ((e && ref_in(e, object)) || (target && ref_in(target, object)))
                return arena_format(arena,
                                    nth == 0 ? "stage %s of %s has it"
                                             : "stage %s of %s would go back to it",
                                    stage, p->name);
        }
    }
    return "";
}

static const char *need_of_hosts(const struct coordinator *c, const struct artifact_ref *ref,
                                 struct arena *arena)
{
    list_for_each (link, &c->hosts) {
        const struct host_record *host = &list_entry(link, struct model_host, link)->state;
        if (host->revision[0] && memcmp(host->sha256, ref->sha256, SHA256_SIZE) == 0)
            return arena_format(arena, "host %s has it", host->worker);
    }
    return "";
}

static const char *need_of_pipeline(const struct coordinator *c, const struct model_pipeline *p,
                                    const struct artifact_ref *object, struct arena *arena)
{
    bool newest = true;
    list_for_each (link, &p->sources) {
        const struct model_source *source = list_entry(link, struct model_source, link);
        if (is_object(&source->newest.ref, object))
            return arena_format(arena, "the newest revision of source %s of %s", source->action,
                                p->name);
    }
    for (struct list *link = p->executions.prev; link != &p->executions; link = link->prev) {
        const struct model_execution *e = list_entry(link, struct model_execution, link);
        const struct artifact_ref *ref = ref_in(e, object);
        bool runs = !status_ended(e->state.status) || e->open_count;
        const char *host = ref && !runs && !newest ? need_of_hosts(c, ref, arena) : "";
        if (ref && (runs || newest))
            return arena_format(arena, "execution %.8s of %s %s", e->state.id.text, p->name,
                                runs ? "runs" : "is the newest");
        if (host[0]) return host;
        newest = false;
    }
    return need_of_stages(c, p, object, arena);
}

const char *coordinator_view_need(const struct coordinator *c, const struct artifact_ref *object,
                                  struct arena *arena)
{
    list_for_each (link, &c->pipelines) {
        const char *need =
            need_of_pipeline(c, list_entry(link, struct model_pipeline, link), object, arena);
        if (need[0]) return need;
    }
    return "";
}

/* ---- removing ---- */

/* An execution may name an object more than once. */
static void mark(struct coordinator *c, struct model_execution *e,
                 const struct artifact_ref *object)
{
    bool marked = false;
    for (size_t i = 0; i < e->state.revision_count; i++)
        if (is_object(&e->revisions[i].ref, object)) marked = e->revisions[i].ref.removed = true;
    for (size_t i = 0; i < e->state.copy_count; i++)
        if (is_object(&e->copies[i].ref, object)) marked = e->copies[i].ref.removed = true;
    for (size_t i = 0; i < e->state.delta_count; i++)
        if (is_object(&e->deltas[i].ref, object)) marked = e->deltas[i].ref.removed = true;
    if (marked) journal_execution(c, e);
}

static void remove_object(struct coordinator *c, const struct artifact_ref *object, uint64_t origin)
{
    struct arena *arena = &c->out->arena;
    list_for_each (at, &c->pipelines) {
        const struct model_pipeline *p = list_entry(at, struct model_pipeline, link);
        list_for_each (link, &p->executions)
            mark(c, list_entry(link, struct model_execution, link), object);
    }
    struct coordinator_action *action = journal_action(c, COORDINATOR_ERASE);
    action->erase.origin = origin;
    action->erase.object =
        (struct artifact_ref){ .store = arena_text(arena, object->store),
                               .key = arena_text(arena, object->key),
                               .version_id = arena_text(arena, object->version_id),
                               .etag = "" };
}

void retention_event(struct coordinator *c, const struct coordinator_event *event)
{
    for (size_t i = 0; i < event->remove.count; i++) {
        const struct artifact_ref *object = &event->remove.objects[i];
        if (event->remove.force || !coordinator_view_need(c, object, &c->out->arena)[0])
            remove_object(c, object, event->remove.origin);
    }
}

/* ---- the rule ---- */

/* How much of the key is shared by those that are counted together: of "PIPELINE/ARTIFACT/RANDOM"
 * and "PIPELINE/logs/DEPLOYMENT/HOST.log" the first two parts, of any other key all of it. */
static size_t group_len(const char *key)
{
    const char *first = strchr(key, '/'), *second = first ? strchr(first + 1, '/') : NULL;
    return second ? (size_t)(second - key) : strlen(key);
}

static int group_compare(const struct stored_object *a, const struct stored_object *b)
{
    size_t left = group_len(a->key), right = group_len(b->key);
    int order = memcmp(a->key, b->key, left < right ? left : right);
    return order ? order : left < right ? -1 : left > right;
}

/* By group, then newest first. */
static int group_order(const void *left, const void *right)
{
    const struct stored_object *a = *(const struct stored_object *const *)left;
    const struct stored_object *b = *(const struct stored_object *const *)right;
    int order = group_compare(a, b);
    if (order) return order;
    if (a->modified_ms != b->modified_ms) return a->modified_ms > b->modified_ms ? -1 : 1;
    return a->newest == b->newest ? strcmp(a->version_id, b->version_id) : a->newest ? -1 : 1;
}

static bool is_old(const struct stored_object *object, const struct retention_rule *rule,
                   uint64_t now_ms)
{
    return rule->age_ms == 0 || object->modified_ms + rule->age_ms < now_ms;
}

/* A newest marker goes when no version of its key stays behind it. */
static bool marker_goes(const struct stored_object *const *sorted, size_t count, size_t at,
                        const struct stored_object *objects, const bool *doomed)
{
    if (!sorted[at]->newest) return true;
    for (size_t i = 0; i < count; i++)
        if (i != at && !sorted[i]->marker && !doomed[sorted[i] - objects] &&
            text_equal(sorted[i]->key, sorted[at]->key))
            return false;
    return true;
}

static void group_select(const struct stored_object *const *sorted, size_t count,
                         const struct stored_object *objects, const struct retention_rule *rule,
                         uint64_t now_ms, bool *doomed)
{
    size_t newer = 0;
    for (size_t i = 0; i < count; i++) {
        const struct stored_object *object = sorted[i];
        if (object->marker) continue;
        bool goes = newer >= rule->count && is_old(object, rule, now_ms) && !object->needed[0];
        doomed[object - objects] = goes;
        newer++;
    }
    for (size_t i = 0; i < count; i++)
        if (sorted[i]->marker && is_old(sorted[i], rule, now_ms))
            doomed[sorted[i] - objects] = marker_goes(sorted, count, i, objects, doomed);
}

void retention_select(const struct stored_object *objects, size_t count,
                      const struct retention_rule *rule, uint64_t now_ms, bool *doomed)
{
    memset(doomed, 0, count * sizeof *doomed);
    if (count == 0 || (rule->count == 0 && rule->age_ms == 0)) return;
    const struct stored_object **sorted = xcalloc(count, sizeof *sorted);
    for (size_t i = 0; i < count; i++) sorted[i] = &objects[i];
    qsort(sorted, count, sizeof *sorted, group_order);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && group_compare(sorted[from], sorted[to]) == 0;) to++;
        group_select(sorted + from, to - from, objects, rule, now_ms, doomed);
    }
    free(sorted);
}
