#include "shell/turn_log.h"

#include "wire/wire.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_MAX = 512 << 20 };

/* Ends with the slash. */
static void log_prefix(const struct id *execution, char out[RECORD_KEY_SIZE])
{
    snprintf(out, RECORD_KEY_SIZE, "turn/%s/", execution->text);
}

void turn_log_init(struct turn_log *log, struct store *store, uint64_t now_ms)
{
    log->store = store;
    arena_init(&log->arena, ARENA_MAX);
    ledger_init(&log->ledger, &log->arena, now_ms);
}

void turn_log_deinit(struct turn_log *log)
{
    arena_deinit(&log->arena);
}

static bool take_seq(void *owner, const char *key, struct bytes value)
{
    uint64_t *seq = owner;
    (void)value;
    *seq = strtoull(strrchr(key, '/') + 1, NULL, 16);
    return false;
}

NODISCARD static bool last_seq(struct store *store, const struct id *execution, uint64_t *seq,
                               struct error *err)
{
    char prefix[RECORD_KEY_SIZE];
    log_prefix(execution, prefix);
    *seq = 0;
    const struct store_page newest = { .prefix = prefix, .backward = true, .limit = 1 };
    return store_each_page(store, &newest, take_seq, seq, err);
}

bool turn_log_change(struct turn_log *log, const char *key, struct bytes value, struct error *err)
{
    struct id execution;
    struct bytes old;
    uint64_t last;
    if (!ledger_execution(key, &execution)) return true;
    struct ledger_execution *e = ledger_find(&log->ledger, &execution);
    if (!e) {
        if (!last_seq(log->store, &execution, &last, err)) {
            store_abort(log->store);
            return false;
        }
        e = ledger_open(&log->ledger, &execution, last);
    }
    if (!store_peek(log->store, key, &old, err)) return false;
    ledger_change(&log->ledger, e, key, old, value);
    return true;
}

struct eraser {
    struct store *store;
    struct error *err;
    size_t count;
    bool failed;
};

static bool erase_one(void *owner, const char *key, struct bytes value)
{
    struct eraser *eraser = owner;
    (void)value;
    eraser->count++;
    eraser->failed = !store_delete(eraser->store, key, eraser->err);
    return !eraser->failed;
}

/* How many there were. */
NODISCARD static bool erase(struct store *store, const struct id *execution, size_t *count,
                            struct error *err)
{
    char prefix[RECORD_KEY_SIZE];
    struct eraser eraser = { .store = store, .err = err };
    log_prefix(execution, prefix);
    bool walked = store_each(store, prefix, erase_one, &eraser, err);
    if (!walked) store_abort(store);
    *count = eraser.count;
    return walked && !eraser.failed;
}

bool turn_log_write(struct turn_log *log, struct error *err)
{
    AUTO(buf_deinit) struct buf value;
    buf_init(&value, WIRE_FRAME_MAX);
    for (size_t i = 0; i < log->ledger.count; i++) {
        const struct ledger_execution *e = &log->ledger.executions[i];
        size_t erased;
        if (e->erased && !erase(log->store, &e->id, &erased, err)) return false;
        for (size_t k = 0; !e->erased && k < e->count; k++) {
            const struct record record = { .kind = RECORD_TURN, .turn = e->records[k] };
            char key[RECORD_KEY_SIZE];
            record_key(&record, key);
            buf_clear(&value);
            wire_record_encode(&record, &value);
            if (!store_put(log->store, key, buf_bytes(&value), err)) return false;
        }
    }
    return true;
}

/* ---- keeping ---- */

struct pruner {
    struct store *store;
    struct error *err;
    size_t newer;
    bool failed;
};

/* Newest first; behind an ended one without a log there is none. */
static bool prune_one(void *owner, const char *key, struct bytes value)
{
    struct pruner *pruner = owner;
    struct id execution;
    size_t erased = 0;
    if (pruner->newer++ < TURN_LOGS_MAX) return true;
    if (!wire_execution_ended(value)) return true;
    pruner->failed = !ledger_execution(key, &execution)
                         ? !error_set(pruner->err, ERR_CORRUPT, "'%s' is no execution", key)
                         : !erase(pruner->store, &execution, &erased, pruner->err);
    return !pruner->failed && erased > 0;
}

bool turn_log_prune(struct store *store, const char *pipeline, struct error *err)
{
    char prefix[RECORD_KEY_SIZE];
    struct pruner pruner = { .store = store, .err = err };
    snprintf(prefix, sizeof prefix, "execution/%s/", pipeline);
    const struct store_page page = { .prefix = prefix, .backward = true };
    bool walked = store_each_page(store, &page, prune_one, &pruner, err);
    if (!walked || pruner.failed) store_abort(store);
    return walked && !pruner.failed;
}

/* ---- reading ---- */

struct reader {
    struct replay *replay;
    turn_log_fn wanted;
    void *owner;
    struct error *err;
    bool failed;
};

static bool read_one(void *owner, const char *key, struct bytes value)
{
    struct reader *reader = owner;
    struct record record;
    AUTO(arena_deinit) struct arena arena;
    arena_init(&arena, WIRE_DECODE_MAX);
    if (!wire_record_decode(key, value, &arena, &record, reader->err)) {
        reader->failed = true;
        return false;
    }
    if (!reader->wanted(reader->owner, &record.turn)) return false;
    reader->failed = !replay_turn(reader->replay, &record.turn, reader->err);
    return !reader->failed;
}

bool turn_log_read(struct store *store, struct replay *replay, turn_log_fn wanted, void *owner,
                   struct error *err)
{
    char prefix[RECORD_KEY_SIZE], after[RECORD_KEY_SIZE];
    struct reader reader = { .replay = replay, .wanted = wanted, .owner = owner, .err = err };
    const struct record last = { .kind = RECORD_TURN,
                                 .turn = { .execution = replay->execution, .seq = replay->seq } };
    log_prefix(&replay->execution, prefix);
    record_key(&last, after);
    const struct store_page page = { .prefix = prefix, .after = after };
    return store_each_page(store, &page, read_one, &reader, err) && !reader.failed;
}
