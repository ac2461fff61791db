/* turn_log.h - the logs of executions in the store: "turn/EXECUTION/SEQ" (core/ledger.h).
 *
 * Written in the transaction of the turn that they tell of; of a pipeline's ended executions the
 * newest TURN_LOGS_MAX keep theirs, and a deleted execution's log goes with it.
 *
 * Writing: turn_log_init(); within the transaction turn_log_change() before each put or delete of
 * a record, at last turn_log_write() and turn_log_prune(). All of them leave a failed transaction
 * undone, as store_put() does. Reading: turn_log_read() with the replay that goes on, as often as
 * wanted: a running coordinator goes on, too.
 */
#pragma once
#include "core/ledger.h"
#include "core/replay.h"
#include "io/store.h"

enum { TURN_LOGS_MAX = 100 };

struct turn_log {
    struct store *store;
    struct arena arena;
    struct ledger ledger;
};

void turn_log_init(struct turn_log *log, struct store *store, uint64_t now_ms);
void turn_log_deinit(struct turn_log *log);
/* The key gets this value; no data: it goes. */
NODISCARD bool turn_log_change(struct turn_log *log, const char *key, struct bytes value,
                               struct error *err);
NODISCARD bool turn_log_write(struct turn_log *log, struct error *err);
NODISCARD bool turn_log_prune(struct store *store, const char *pipeline, struct error *err);

/* Called before each turn; false: it and what follows is not wanted. */
typedef bool (*turn_log_fn)(void *owner, const struct turn_record *turn);
/* What the log has beyond replay->seq. */
NODISCARD bool turn_log_read(struct store *store, struct replay *replay, turn_log_fn wanted,
                             void *owner, struct error *err);
