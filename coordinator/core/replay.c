#include "core/replay.h"

#include "base/edits.h"
#include "core/ledger.h"

#include <stdlib.h>
#include <string.h>

struct replay *replay_new(const struct id *execution)
{
    struct replay *r = xcalloc(1, sizeof *r);
    r->execution = *execution;
    return r;
}

static void record_deinit(struct replay_record *record)
{
    free(record->key);
    buf_deinit(&record->value);
}

void replay_free(struct replay *replay)
{
    if (!replay) return;
    for (size_t i = 0; i < replay->count; i++) record_deinit(&replay->at[i]);
    free(replay->at);
    free(replay);
}

/* Where the key is, or would be. */
static size_t place_of(const struct replay *r, const char *key, bool *found)
{
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(r->at[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < r->count && text_equal(r->at[low].key, key);
    return low;
}

const struct replay_record *replay_find(const struct replay *replay, const char *key)
{
    bool found;
    size_t i = place_of(replay, key, &found);
    return found ? &replay->at[i] : NULL;
}

static void insert(struct replay *r, size_t i, const char *key, struct buf *value)
{
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 16;
        r->at = xrealloc(r->at, r->cap * sizeof *r->at);
    }
    memmove(r->at + i + 1, r->at + i, (r->count - i) * sizeof *r->at);
    r->count++;
    r->at[i] = (struct replay_record){ .key = xstrdup(key), .value = *value };
}

static bool wrong(struct error *err, const char *key, const char *what)
{
    return error_set(err, ERR_CORRUPT, "record '%s' %s", key, what);
}

NODISCARD static bool take_value(struct replay *r, size_t i, bool found,
                                 const struct turn_change *change, struct error *err)
{
    struct buf value;
    buf_init(&value, WIRE_FRAME_MAX);
    struct bytes old = found ? buf_bytes(&r->at[i].value) : bytes_of(NULL, 0);
    if (!edits_apply(old, change->edits, &value, err)) {
        buf_deinit(&value);
        return error_wrap(err, "record '%s'", change->key);
    }
    if (edits_digest(old, buf_bytes(&value)) != change->digest) {
        buf_deinit(&value);
        return wrong(err, change->key, "is not what it was when this was written");
    }
    if (found) {
        buf_deinit(&r->at[i].value);
        r->at[i].value = value;
    } else {
        insert(r, i, change->key, &value);
    }
    return true;
}

NODISCARD static bool take_change(struct replay *r, const struct turn_change *change,
                                  struct error *err)
{
    struct id owner;
    bool found;
    if (!ledger_execution(change->key, &owner) || !id_equal(&owner, &r->execution))
        return wrong(err, change->key, "is not one of this execution");
    size_t i = place_of(r, change->key, &found);
    if (change->fresh && found) return wrong(err, change->key, "is made for the second time");
    if (!found && (!change->fresh || change->gone))
        return wrong(err, change->key, "is changed before it is made");
    if (!change->gone) {
        if (!found && r->count == REPLAY_RECORDS_MAX)
            return wrong(err, change->key, "is one more than an execution can have");
        return take_value(r, i, found, change, err);
    }
    if (edits_digest(buf_bytes(&r->at[i].value), bytes_of(NULL, 0)) != change->digest)
        return wrong(err, change->key, "is deleted as another one than it is");
    record_deinit(&r->at[i]);
    r->count--;
    memmove(r->at + i, r->at + i + 1, (r->count - i) * sizeof *r->at);
    return true;
}

bool replay_turn(struct replay *replay, const struct turn_record *turn, struct error *err)
{
    struct replay *r = replay;
    unsigned long long seq = turn->seq, wanted = r->seq + 1;
    if (!id_equal(&turn->execution, &r->execution))
        return error_set(err, ERR_CORRUPT, "turn %llu is of execution %s", seq,
                         turn->execution.text);
    if (seq != wanted)
        return error_set(err, ERR_CORRUPT, "turn %llu is missing: the log goes on with turn %llu",
                         wanted, seq);
    for (size_t i = 0; i < turn->change_count; i++)
        if (!take_change(r, &turn->changes[i], err)) return error_wrap(err, "turn %llu", seq);
    r->seq = turn->seq;
    r->time_ms = turn->time_ms;
    r->more = turn->more;
    return true;
}
