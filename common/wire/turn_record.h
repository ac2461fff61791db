/* turn_record.h - the log of an execution: what each turn of the coordinator changed in it.
 * How it is written and read: core/ledger.h, core/replay.h.
 * Included through wire/messages.h only.
 */
#pragma once
#include "wire/rollout_records.h"

enum {
    WIRE_CHANGES_MAX = 256,
    WIRE_EDITS_MAX = 512 << 10, /* core/ledger.c makes smaller ones */
    TURN_KEY_MAX = 511
};

/* One record of the execution, or a job's. */
struct turn_change {
    const char *key;
    bool fresh, gone;   /* it was not there before, or is not any more */
    struct bytes edits; /* of what it was (base/edits.h) */
    uint64_t digest;    /* of what it was and what it is then */
};

/* "turn/EXECUTION/SEQ" (16 hexadecimal digits, from 1): committed with what it tells of. */
struct turn_record {
    struct id execution;
    uint64_t seq, time_ms;
    bool more; /* it goes on in the next one */
    const struct turn_change *changes;
    size_t change_count;
};
