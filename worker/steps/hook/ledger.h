/* ledger.h - which scripts of an event had begun and ended, over all runs of the step.
 *
 * A line each, durable before it matters:
 *
 *     begun NUMBER safe|once TIME_MS BOOT    before the script is started
 *     process PID START-TIME BOOT            its first process (also the group's leader)
 *     done NUMBER                            it ended well
 *
 * A run reads the files of all runs before it (STEPDIR/../K-1/scripts ...): one that was lost
 * before it wrote anything must not make the one before it forgotten. A line that was cut by a
 * crash counts as begun, never as done.
 */
#pragma once
#include "io/proc.h"
#include "steps/step.h"

enum { LEDGER_SCRIPTS_MAX = 10000, LEDGER_BYTES_MAX = 4 << 20, LEDGER_END_MS = 5000 };

struct ledger {
    int fd;             /* this run's file */
    unsigned long done; /* scripts that the runs before had ended well: skip them */
    bool interrupted;   /* script `done` had begun, and how it ended is not known */
    /* Of that script: */
    uint32_t begun_run;           /* the last run in which it had begun */
    uint64_t begun_ms;            /* then; wall clock */
    char begun_boot[ID_SIZE];     /* then: the host's boot id */
    struct proc_identity process; /* pid 0: not known */
};

/* ERR_CORRUPT or ERR_RETRY when an earlier run's file cannot be read: nothing may begin then. */
NODISCARD bool ledger_open(struct ledger *ledger, const struct step *step, struct error *err);
void ledger_close(struct ledger *ledger);
/* All three: durable when they return. */
NODISCARD bool ledger_begin(struct ledger *ledger, unsigned long script, bool safe,
                            struct error *err);
NODISCARD bool ledger_process(struct ledger *ledger, pid_t pid, struct error *err);
NODISCARD bool ledger_done(struct ledger *ledger, unsigned long script, struct error *err);

/* Ends the interrupted script's process group, which lost its supervisor: TERM, after
 * LEDGER_END_MS KILL; where it had a cgroup, all in that. True when something still ran. */
bool ledger_end_orphans(const struct ledger *ledger, const struct step *step);
