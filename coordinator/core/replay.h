/* replay.h - an execution's records, made again from its log (core/ledger.h).
 *
 * Calling sequence: replay_new(); replay_turn() with each record of the log, in order and from the
 * first; after any of them that has not `more` the records are those that the store had then.
 * Errors: ERR_CORRUPT says which record of the log is wrong and how; what was made before stays.
 * Pure: no I/O, no clock. Limit: REPLAY_RECORDS_MAX.
 */
#pragma once
#include "wire/messages.h"

enum { REPLAY_RECORDS_MAX = 1 << 20 };

struct replay_record {
    char *key;
    struct buf value;
};

struct replay {
    struct id execution;
    uint64_t seq, time_ms; /* of the last one */
    bool more;
    struct replay_record *at; /* by key */
    size_t count, cap;
};

struct replay *replay_new(const struct id *execution);
void replay_free(struct replay *replay); /* accepts NULL */
NODISCARD bool replay_turn(struct replay *replay, const struct turn_record *turn,
                           struct error *err);
/* NULL when there is none under the key. */
const struct replay_record *replay_find(const struct replay *replay, const char *key);
