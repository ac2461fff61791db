/* What there is in each region: coordinator_view_regions() of view.h. */
#include "core/model.h"
#include "core/view.h"

#include <string.h>

struct regions {
    const struct coordinator *c;
    struct arena *arena;
    struct region_summary *at;
    size_t count;
};

/* NULL when there are too many. */
static struct region_summary *region_of(struct regions *r, const char *region)
{
    size_t i = 0;
    while (i < r->count && strcmp(r->at[i].region, region) < 0) i++;
    if (i < r->count && text_equal(r->at[i].region, region)) return &r->at[i];
    if (r->count == WIRE_LIST_MAX) return NULL;
    memmove(&r->at[i + 1], &r->at[i], (r->count - i) * sizeof *r->at);
    r->count++;
    r->at[i] = (struct region_summary){ .region = arena_text(r->arena, region), .stores = "" };
    return &r->at[i];
}

static bool listed(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == ',' || at[len] == '\0')) return true;
    return false;
}

static void add_stores(struct regions *r, const struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->store_count; i++) {
        const struct pipeline_store *store = &pipeline->stores[i];
        struct region_summary *to =
            region_of(r, store->region[0] ? store->region : r->c->config.region);
        if (!to || listed(to->stores, store->location)) continue;
        to->stores = arena_format(r->arena, "%s%s%s", to->stores, to->stores[0] ? ", " : "",
                                  store->location);
    }
}

/* One object is counted once, whoever uses it again. */
static void add_copies(struct regions *r, const struct model_execution *e)
{
    for (size_t i = 0; i < e->state.copy_count; i++) {
        const struct copy_state *copy = &e->copies[i];
        struct region_summary *to = region_of(r, copy->region);
        if (!to) continue;
        bool again = copy->status == STATUS_SUCCEEDED && copy->bytes == 0 && !id_empty(&copy->job);
        if (copy->status == STATUS_IN_PROGRESS) to->copying++;
        if (copy->status != STATUS_SUCCEEDED || again) continue;
        to->artifacts++;
        to->artifact_bytes += copy->ref.size;
        to->moved_bytes += copy->bytes;
    }
}

static void add_worker(struct regions *r, const struct model_worker *w)
{
    struct region_summary *to = w->enrolled ? region_of(r, w->region) : NULL;
    if (!to) return;
    to->workers++;
    to->connected += w->connected;
    to->drained += w->drained;
    list_for_each (link, &w->jobs)
        to->jobs +=
            list_entry(link, struct model_job, worker_link)->state.status == STATUS_IN_PROGRESS;
}

size_t coordinator_view_regions(const struct coordinator *coordinator, struct arena *arena,
                                const struct region_summary **out)
{
    struct regions r = { .c = coordinator, .arena = arena };
    r.at = arena_calloc(arena, WIRE_LIST_MAX + 1, sizeof *r.at);
    struct region_summary *primary = region_of(&r, coordinator->config.region);
    primary->primary = true;
    list_for_each (at, &coordinator->pipelines) {
        const struct model_pipeline *p = list_entry(at, struct model_pipeline, link);
        const struct model_definition *d = model_definition_current(p);
        if (d) add_stores(&r, d->state.parsed);
        list_for_each (link, &p->executions)
            add_copies(&r, list_entry(link, struct model_execution, link));
    }
    list_for_each (link, &coordinator->workers)
        add_worker(&r, list_entry(link, struct model_worker, link));
    *out = r.at;
    return r.count;
}
