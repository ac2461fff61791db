#include "shell/records.h"

#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

struct collection {
    struct arena *arena;
    struct record *at;
    size_t count, cap;
    bool failed;
    struct error *err;
};

static void collection_deinit(struct collection *c)
{
    free(c->at);
}

static void decode_job(struct row_record *row, struct arena *arena)
{
    struct error err = { 0 };
    struct job *job = arena_calloc(arena, 1, sizeof *job);
    row->job = wire_job_decode(row->signed_job, arena, job, &err) ? job : NULL;
}

static bool take_record(void *owner, const char *key, struct bytes value)
{
    struct collection *c = owner;
    if (c->count == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 16;
        c->at = xrealloc(c->at, c->cap * sizeof *c->at);
    }
    struct record *record = &c->at[c->count];
    /* The value lies in the map: what a record keeps of it must not. */
    if (!wire_record_decode(key, arena_bytes(c->arena, value), c->arena, record, c->err)) {
        error_wrap(c->err, "record '%s'", key);
        c->failed = true;
        return false;
    }
    if (record->kind == RECORD_ROW) decode_job(&record->row, c->arena);
    c->count++;
    return true;
}

bool records_load(struct store *store, struct arena *arena, const struct record **records,
                  size_t *count, struct error *err)
{
    AUTO(collection_deinit) struct collection c = { .arena = arena, .err = err };
    if (!store_each(store, "", take_record, &c, err) || c.failed) return false;
    struct record *copy = arena_calloc(arena, c.count, sizeof *copy);
    if (c.count) memcpy(copy, c.at, c.count * sizeof *copy);
    *records = copy;
    *count = c.count;
    return true;
}

NODISCARD static bool write_action(struct store *store, const struct worker_action *action,
                                   struct buf *value, struct error *err)
{
    char key[RECORD_KEY_SIZE];
    if (action->type == WORKER_DELETE) return store_delete(store, action->delete_key, err);
    record_key(&action->put, key);
    buf_clear(value);
    wire_record_encode(&action->put, value);
    return store_put(store, key, buf_bytes(value), err);
}

bool records_write(struct store *store, const struct worker_actions *actions, struct error *err)
{
    AUTO(buf_deinit) struct buf value;
    buf_init(&value, WIRE_FRAME_MAX);
    bool begun = false;
    for (size_t i = 0; i < actions->count; i++) {
        const struct worker_action *action = &actions->at[i];
        if (action->type != WORKER_PUT && action->type != WORKER_DELETE) continue;
        if (!begun && !store_begin(store, err)) return false;
        begun = true;
        if (!write_action(store, action, &value, err)) return false;
    }
    return !begun || store_commit(store, err);
}
