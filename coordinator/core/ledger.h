/* ledger.h - the log of each execution: what every turn changed in it (core/replay.h reads it).
 *
 * The records of an execution are its own and its jobs'. For every turn that puts or deletes one,
 * the shell puts "turn/EXECUTION/SEQ" beside it, in the same transaction: applied in order to
 * nothing, they make the records again, bit for bit, as they were after any turn.
 *
 * Why changes of records, and not the core's events (which a pure core could be fed again):
 * executions of a pipeline wait for each other, share hosts, locks and doors, so that one of them
 * could only be made again with all the others, from the coordinator's first day, and by the same
 * version of the program. Why not the events of the journal: they say what people want to know,
 * and of all executions only the newest are kept. Why edits of bytes: a log then means the same to
 * every later version, and nothing that is stored can be forgotten by it.
 *
 * Calling sequence of a turn, in its transaction: ledger_init(); for each record that is put or
 * deleted and has a ledger_execution(): ledger_find(), when that finds none ledger_open(), then
 * ledger_change(); at the end put all `records` of all `executions`, or when one is `erased` delete
 * its whole log; commit.
 * Limits: what is too much for one record of the store goes on in the next, marked `more`. An
 * execution that was there before its log has none.
 * Pure: no I/O, no clock. Ownership: everything is copied into the arena.
 */
#pragma once
#include "base/arena.h"
#include "wire/messages.h"

struct ledger_execution {
    struct id id;
    bool kept;   /* has a log */
    bool erased; /* the execution is deleted */
    struct turn_record *records;
    size_t count, cap;
    uint64_t seq;           /* the last one's */
    size_t room_cap, bytes; /* ... of its changes */
};

struct ledger {
    struct arena *arena;
    uint64_t now_ms;
    struct ledger_execution *executions;
    size_t count, cap;
};

void ledger_init(struct ledger *ledger, struct arena *arena, uint64_t now_ms);
/* Whose record lies under the key; false: no execution's. */
NODISCARD bool ledger_execution(const char *key, struct id *out);
struct ledger_execution *ledger_find(struct ledger *ledger, const struct id *execution);
/* `last`: the number of the newest record of its log in the store; 0 none. */
struct ledger_execution *ledger_open(struct ledger *ledger, const struct id *execution,
                                     uint64_t last);
/* Without data: the key was not there before, or is deleted. */
void ledger_change(struct ledger *ledger, struct ledger_execution *execution, const char *key,
                   struct bytes old, struct bytes new);
