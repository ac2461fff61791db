#include "shell/records.h"

#include "shell/definition.h"
#include "shell/definition_group.h"
#include "shell/turn_log.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EVENTS_SCAN_MAX = 10000, /* looked at for one request */
    STORE_CHECK_MS = 60000
};

/* Records that grow one by one; the decoded parts lie in the arena. */
struct collection {
    struct arena *arena;
    struct record *at;
    size_t count, cap;
    size_t limit;
    uint32_t history_max;
    char pipeline[RECORD_KEY_SIZE]; /* of the executions being walked ... */
    size_t of_pipeline;             /* ... and how many were seen */
    bool failed;
    struct error *err;
};

static void collection_deinit(struct collection *c)
{
    free(c->at);
}

static struct record *collection_add(struct collection *c)
{
    if (c->count == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 64;
        c->at = xrealloc(c->at, c->cap * sizeof *c->at);
    }
    return &c->at[c->count++];
}

static bool take_record(void *owner, const char *key, struct bytes value)
{
    struct collection *c = owner;
    struct record record;
    if (!wire_record_decode(key, value, c->arena, &record, c->err)) {
        error_wrap(c->err, "record '%s'", key);
        c->failed = true;
        return false;
    }
    *collection_add(c) = record;
    return c->limit == 0 || c->count < c->limit;
}

NODISCARD static bool walk(struct store *store, const struct store_page *page, store_each_fn fn,
                           struct collection *c)
{
    return store_each_page(store, page, fn, c, c->err) && !c->failed;
}

/* "execution/PIPELINE/STARTED/ID" */
static void pipeline_of(const char *key, char out[RECORD_KEY_SIZE])
{
    snprintf(out, RECORD_KEY_SIZE, "%s", key + strlen("execution/"));
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(out, '/');
        if (slash) *slash = '\0';
    }
}

/* Executions come newest first within a pipeline: the live ones and the newest few are kept. What
 * is not kept is not decoded: there may be a hundred thousand of them. */
static bool take_execution(void *owner, const char *key, struct bytes value)
{
    struct collection *c = owner;
    char pipeline[RECORD_KEY_SIZE];
    pipeline_of(key, pipeline);
    if (!text_equal(c->pipeline, pipeline)) {
        memcpy(c->pipeline, pipeline, sizeof pipeline);
        c->of_pipeline = 0;
    }
    if (c->of_pipeline++ >= c->history_max && wire_execution_ended(value)) return true;
    return take_record(owner, key, value);
}

NODISCARD static bool load_jobs(struct store *store, struct collection *c)
{
    size_t executions = c->count;
    for (size_t i = 0; i < executions; i++) {
        if (c->at[i].kind != RECORD_EXECUTION) continue;
        char prefix[RECORD_KEY_SIZE];
        snprintf(prefix, sizeof prefix, "job/%s/", c->at[i].execution.id.text);
        const struct store_page page = { .prefix = prefix };
        if (!walk(store, &page, take_record, c)) return false;
    }
    return true;
}

NODISCARD static bool parse_resource(struct collection *c, struct resource_record *resource)
{
    const struct problem *problems = NULL;
    size_t problem_count = 0;
    struct deploy_resource *parsed = NULL;
    if (!definition_group(resource->name, resource->text, c->arena, &parsed, &problems,
                          &problem_count))
        return error_set(c->err, ERR_CORRUPT, "%s %s does not parse any more: %s",
                         resource_kind_name(resource->kind), resource->name, problems[0].text);
    resource->parsed = parsed;
    return true;
}

NODISCARD static bool parse_definitions(struct collection *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct definition *definition = &c->at[i].definition;
        if (c->at[i].kind == RECORD_RESOURCE && !parse_resource(c, &c->at[i].resource))
            return false;
        if (c->at[i].kind != RECORD_DEFINITION) continue;
        const struct problem *problems = NULL;
        size_t problem_count = 0;
        struct pipeline *parsed = NULL;
        if (!definition_parse(definition->name, definition->text, c->arena, &parsed, &problems,
                              &problem_count))
            return error_set(c->err, ERR_CORRUPT,
                             "definition %s version %u does not parse any more: %s",
                             definition->name, (unsigned)definition->version, problems[0].text);
        definition->parsed = parsed;
    }
    return true;
}

/* A damaged state is left for the operator: an empty one would be a coordinator that has
 * forgotten its epoch, which every worker refuses. */
bool records_open(const char *path, struct store **out, struct error *err)
{
    for (unsigned i = 1; !store_check(path, STORE_CHECK_MS, err); i++) {
        if (err->code != ERR_CORRUPT) return false; /* in use, no permission ... */
        if (i == STORE_CHECK_TRIES)
            return error_wrap(err, "restore a backup to '%s'; it cannot be used as it is", path);
    }
    return store_open(out, path, STORE_MAP_BYTES, err);
}

bool records_load(struct store *store, uint32_t history_max, struct arena *arena,
                  const struct record **records, size_t *count, struct error *err)
{
    static const char *const whole[] = { "epoch",       "definition/", "source/",
                                         "submission/", "worker/",     "transition/",
                                         "resource/",   "host/",       "alarm/" };
    AUTO(collection_deinit)
    struct collection c = { .arena = arena, .history_max = history_max, .err = err };
    const struct store_page executions = { .prefix = "execution/", .backward = true };
    if (!walk(store, &executions, take_execution, &c) || !load_jobs(store, &c)) return false;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        const struct store_page page = { .prefix = whole[i] };
        if (!walk(store, &page, take_record, &c)) return false;
    }
    /* Of the events the core needs the oldest and the newest number only. */
    const struct store_page oldest = { .prefix = "event/", .limit = 1 };
    const struct store_page newest = { .prefix = "event/", .limit = 1, .backward = true };
    if (!walk(store, &oldest, take_record, &c) || !walk(store, &newest, take_record, &c) ||
        !parse_definitions(&c))
        return false;
    struct record *copy = arena_calloc(arena, c.count, sizeof *copy);
    if (c.count) memcpy(copy, c.at, c.count * sizeof *copy);
    *records = copy;
    *count = c.count;
    return true;
}

NODISCARD static bool write_action(struct store *store, const struct coordinator_action *action,
                                   struct turn_log *log, struct buf *value, struct error *err)
{
    char key[RECORD_KEY_SIZE];
    if (action->type == COORDINATOR_DELETE)
        return turn_log_change(log, action->delete_key, bytes_of(NULL, 0), err) &&
               store_delete(store, action->delete_key, err);
    record_key(&action->put, key);
    buf_clear(value);
    wire_record_encode(&action->put, value);
    return turn_log_change(log, key, buf_bytes(value), err) &&
           store_put(store, key, buf_bytes(value), err);
}

NODISCARD static bool write_actions(struct store *store, const struct coordinator_actions *actions,
                                    struct turn_log *log, struct error *err)
{
    AUTO(buf_deinit) struct buf value;
    buf_init(&value, WIRE_FRAME_MAX);
    for (size_t i = 0; i < actions->count; i++) {
        const struct coordinator_action *action = &actions->at[i];
        if (action->type != COORDINATOR_PUT && action->type != COORDINATOR_DELETE) continue;
        if (!store_in_transaction(store) && !store_begin(store, err)) return false;
        if (!write_action(store, action, log, &value, err)) return false;
    }
    return true;
}

bool records_write(struct store *store, const struct coordinator_actions *actions, uint64_t now_ms,
                   struct error *err)
{
    AUTO(turn_log_deinit) struct turn_log log;
    turn_log_init(&log, store, now_ms);
    if (!write_actions(store, actions, &log, err) || !turn_log_write(&log, err)) return false;
    for (size_t i = 0; i < actions->count; i++) {
        const struct coordinator_action *action = &actions->at[i];
        if (action->type != COORDINATOR_PUT || action->put.kind != RECORD_EXECUTION) continue;
        if (status_ended(action->put.execution.status) &&
            !turn_log_prune(store, action->put.execution.pipeline, err))
            return false;
    }
    return !store_in_transaction(store) || store_commit(store, err);
}

/* ---- reading what has ended ---- */

struct finder {
    struct collection c;
    const char *execution; /* id or prefix */
    size_t matches;
};

/* Keys end in "/ID": compared without decoding. A whole id is of one execution only. */
static bool find_execution(void *owner, const char *key, struct bytes value)
{
    struct finder *finder = owner;
    const char *id = strrchr(key, '/') + 1;
    if (!text_starts(id, finder->execution)) return true;
    if (++finder->matches > 1) return false;
    return take_record(&finder->c, key, value) && !text_equal(id, finder->execution);
}

NODISCARD static bool add_jobs(struct store *store, struct collection *c,
                               struct execution_view *view)
{
    char prefix[RECORD_KEY_SIZE];
    snprintf(prefix, sizeof prefix, "job/%s/", view->execution.id.text);
    const struct store_page page = { .prefix = prefix, .limit = WIRE_JOBS_MAX };
    c->count = 0;
    c->limit = WIRE_JOBS_MAX;
    if (!walk(store, &page, take_record, c)) return false;
    struct job_state *jobs = arena_calloc(c->arena, c->count, sizeof *jobs);
    for (size_t i = 0; i < c->count; i++) jobs[i] = c->at[i].job;
    view->jobs = jobs;
    view->job_count = c->count;
    return true;
}

NODISCARD static bool executions_prefix(const char *pipeline, char out[RECORD_KEY_SIZE],
                                        struct error *err)
{
    int len = pipeline[0] ? snprintf(out, RECORD_KEY_SIZE, "execution/%s/", pipeline)
                          : snprintf(out, RECORD_KEY_SIZE, "execution/");
    if (len > 0 && len < RECORD_KEY_SIZE) return true;
    return error_set(err, ERR_INVALID, "the pipeline's name is too long");
}

bool records_execution(struct store *store, const char *pipeline, const char *execution,
                       struct arena *arena, struct execution_view *out, struct error *err)
{
    char prefix[RECORD_KEY_SIZE];
    struct finder finder = { .c = { .arena = arena, .err = err }, .execution = execution };
    if (!executions_prefix(pipeline, prefix, err)) return false;
    const struct store_page page = { .prefix = prefix,
                                     .backward = true,
                                     .limit = execution[0] ? 0 : 1 };
    bool ok = store_each_page(store, &page, find_execution, &finder, err) && !finder.c.failed;
    if (ok && finder.matches == 0)
        ok = error_set(err, ERR_NOT_FOUND, "no execution '%s'%s%s", execution,
                       pipeline[0] ? " of pipeline " : "", pipeline);
    if (ok && finder.matches > 1)
        ok = error_set(err, ERR_CONFLICT, "several executions begin with '%s'", execution);
    if (ok) {
        struct execution_view view = { .execution = finder.c.at[0].execution };
        ok = add_jobs(store, &finder.c, &view);
        if (ok) *out = view;
    }
    collection_deinit(&finder.c);
    return ok;
}

bool records_history(struct store *store, const char *pipeline, const char *before, size_t max,
                     struct arena *arena, const struct execution_view **out, size_t *count,
                     struct error *err)
{
    char prefix[RECORD_KEY_SIZE], after[RECORD_KEY_SIZE];
    AUTO(collection_deinit) struct collection c = { .arena = arena, .err = err };
    if (!executions_prefix(pipeline, prefix, err)) return false;
    struct store_page page = { .prefix = prefix, .backward = true };
    page.limit = max == 0 || max > RECORDS_HISTORY_MAX ? RECORDS_HISTORY_MAX : max;
    if (before[0]) {
        struct execution_view older;
        if (!records_execution(store, pipeline, before, arena, &older, err)) return false;
        const struct record record = { .kind = RECORD_EXECUTION, .execution = older.execution };
        record_key(&record, after);
        page.after = after;
    }
    if (!walk(store, &page, take_record, &c)) return false;
    struct execution_view *views = arena_calloc(arena, c.count, sizeof *views);
    for (size_t i = 0; i < c.count; i++) views[i].execution = c.at[i].execution;
    *out = views;
    *count = c.count;
    return true;
}

struct event_filter {
    struct collection c;
    const struct events_request *request;
    size_t max, looked_at;
    uint64_t seen;
};

static bool take_event(void *owner, const char *key, struct bytes value)
{
    struct event_filter *filter = owner;
    if (!take_record(&filter->c, key, value)) return false;
    const struct event_record *event = &filter->c.at[filter->c.count - 1].event;
    const struct events_request *wanted = filter->request;
    filter->seen = event->seq;
    bool match = (!wanted->pipeline[0] || text_equal(wanted->pipeline, event->pipeline)) &&
                 (!wanted->execution[0] || text_starts(event->execution.text, wanted->execution));
    if (!match) filter->c.count--;
    return filter->c.count < filter->max && ++filter->looked_at < EVENTS_SCAN_MAX;
}

bool records_events(struct store *store, const struct events_request *request, struct arena *arena,
                    const struct event_record **out, size_t *count, uint64_t *seen,
                    struct error *err)
{
    char after[RECORD_KEY_SIZE];
    const struct record last = { .kind = RECORD_EVENT, .event.seq = request->after };
    record_key(&last, after);
    struct event_filter filter = { .c = { .arena = arena, .err = err },
                                   .request = request,
                                   .max = request->max && request->max < WIRE_LIST_MAX
                                              ? request->max
                                              : WIRE_LIST_MAX,
                                   .seen = request->after };
    const struct store_page page = { .prefix = "event/", .after = after };
    bool ok = store_each_page(store, &page, take_event, &filter, err) && !filter.c.failed;
    if (ok) {
        struct event_record *events = arena_calloc(arena, filter.c.count, sizeof *events);
        for (size_t i = 0; i < filter.c.count; i++) events[i] = filter.c.at[i].event;
        *out = events;
        *count = filter.c.count;
        *seen = filter.seen;
    }
    collection_deinit(&filter.c);
    return ok;
}

static bool take_number(void *owner, const char *key, struct bytes value)
{
    uint64_t *oldest = owner;
    (void)value;
    *oldest = strtoull(strrchr(key, '/') + 1, NULL, 16);
    return false;
}

bool records_events_dropped(struct store *store, uint64_t after, uint64_t *dropped,
                            struct error *err)
{
    uint64_t oldest = 0;
    const struct store_page page = { .prefix = "event/", .limit = 1 };
    if (!store_each_page(store, &page, take_number, &oldest, err)) return false;
    *dropped = oldest > after + 1 ? oldest - after - 1 : 0;
    return true;
}
