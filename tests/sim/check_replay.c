#include "check.h"
#include "core/ledger.h"
#include "core/replay.h"
#include "wire/wire.h"

#include <assert.h>
#include <stdlib.h>

enum { TURN_ARENA_MAX = 256 << 20, LOOK_EVERY = 256 };

/* The log of one execution, as it lies in a store. */
struct sim_log {
    struct sim_log *next;
    struct id execution;
    struct bytes *at;
    size_t count, cap;
};

struct sim_turn {
    struct world *world;
    struct arena arena;
    struct ledger ledger;
};

static struct sim_log *log_find(const struct world *w, const struct id *execution)
{
    struct sim_log *log = w->logs;
    while (log && !id_equal(&log->execution, execution)) log = log->next;
    return log;
}

static struct sim_log *log_make(struct world *w, const struct id *execution)
{
    struct sim_log *log = log_find(w, execution);
    if (log) return log;
    log = arena_calloc(&w->arena, 1, sizeof *log);
    log->execution = *execution;
    log->next = w->logs;
    w->logs = log;
    return log;
}

static void log_add(struct world *w, const struct turn_record *turn)
{
    struct sim_log *log = log_make(w, &turn->execution);
    const struct record record = { .kind = RECORD_TURN, .turn = *turn };
    AUTO(buf_deinit) struct buf value;
    buf_init(&value, WIRE_FRAME_MAX);
    wire_record_encode(&record, &value);
    if (log->count == log->cap) {
        struct bytes *larger = arena_calloc(&w->arena, log->cap * 2 + 16, sizeof *larger);
        for (size_t i = 0; i < log->count; i++) larger[i] = log->at[i];
        log->at = larger;
        log->cap = log->cap * 2 + 16;
    }
    log->at[log->count++] = arena_bytes(&w->arena, buf_bytes(&value));
    assert(log->count == turn->seq);
}

/* ---- writing ---- */

struct sim_turn *log_turn_begin(struct world *w)
{
    struct sim_turn *turn = xcalloc(1, sizeof *turn);
    turn->world = w;
    arena_init(&turn->arena, TURN_ARENA_MAX);
    ledger_init(&turn->ledger, &turn->arena, node_wall(w, &w->nodes[0]));
    return turn;
}

static struct bytes encoded(struct sim_turn *turn, const struct record *record)
{
    AUTO(buf_deinit) struct buf value;
    if (!record) return bytes_of(NULL, 0);
    buf_init(&value, WIRE_FRAME_MAX);
    wire_record_encode(record, &value);
    return arena_bytes(&turn->arena, buf_bytes(&value));
}

void log_turn_add(struct sim_turn *turn, const char *key, const struct record *new)
{
    struct id id;
    if (!ledger_execution(key, &id)) return;
    struct world *w = turn->world;
    struct ledger_execution *e = ledger_find(&turn->ledger, &id);
    const struct sim_log *log = log_find(w, &id);
    if (!e) e = ledger_open(&turn->ledger, &id, log ? log->count : 0);
    const struct disk_entry *entry = disk_find(&w->nodes[0].disk, key);
    ledger_change(&turn->ledger, e, key, encoded(turn, entry ? &entry->record : NULL),
                  encoded(turn, new));
}

void log_turn_end(struct sim_turn *turn)
{
    struct world *w = turn->world;
    for (size_t i = 0; i < turn->ledger.count; i++) {
        const struct ledger_execution *e = &turn->ledger.executions[i];
        if (e->erased) log_make(w, &e->id)->count = 0;
        for (size_t k = 0; !e->erased && k < e->count; k++) log_add(w, &e->records[k]);
    }
    arena_deinit(&turn->arena);
    free(turn);
}

/* ---- reading ---- */

static bool replay_log(struct world *w, const struct sim_log *log, struct replay *replay)
{
    struct arena arena;
    struct error err = { 0 };
    bool ok = true;
    arena_init(&arena, TURN_ARENA_MAX);
    for (size_t i = 0; ok && i < log->count; i++) {
        struct record record = { .kind = RECORD_TURN };
        char key[RECORD_KEY_SIZE];
        record.turn.execution = log->execution;
        record.turn.seq = i + 1;
        record_key(&record, key);
        ok = wire_record_decode(key, log->at[i], &arena, &record, &err) &&
             replay_turn(replay, &record.turn, &err);
    }
    if (!ok) world_fail(w, "LOG", "execution %s: %s", log->execution.text, err.text);
    arena_deinit(&arena);
    return ok;
}

static void check_log(struct world *w, const struct sim_log *log)
{
    const struct disk *disk = &w->nodes[0].disk;
    struct replay *replay = replay_new(&log->execution);
    bool ok = replay_log(w, log, replay);
    size_t count = 0;
    AUTO(buf_deinit) struct buf value;
    buf_init(&value, WIRE_FRAME_MAX);
    for (size_t i = 0; ok && i < disk->count; i++) {
        struct id id;
        if (!ledger_execution(disk->at[i]->key, &id) || !id_equal(&id, &log->execution)) continue;
        const struct replay_record *made = replay_find(replay, disk->at[i]->key);
        buf_clear(&value);
        wire_record_encode(&disk->at[i]->record, &value);
        ok = made && bytes_equal(buf_bytes(&made->value), buf_bytes(&value));
        if (!ok)
            world_fail(w, "LOG", "'%s' is not what its execution's log comes to", disk->at[i]->key);
        count++;
    }
    if (ok && (count != replay->count || replay->more))
        world_fail(w, "LOG", "the log of execution %s comes to %zu records, there are %zu",
                   log->execution.text, replay->count, count);
    replay_free(replay);
}

/* Not by the world's own random numbers: looking changes nothing. */
void check_log_sometimes(struct world *w)
{
    if (w->stats->turns % LOOK_EVERY == 0 && w->logs) check_log(w, w->logs);
}

void check_logs(struct world *w)
{
    const struct disk *disk = &w->nodes[0].disk;
    for (size_t i = 0; i < disk->count; i++) {
        const struct record *r = &disk->at[i]->record;
        if (r->kind == RECORD_EXECUTION && !log_find(w, &r->execution.id))
            world_fail(w, "LOG", "execution %s has no log", r->execution.id.text);
    }
    for (const struct sim_log *log = w->logs; log; log = log->next) check_log(w, log);
}
