/* ledger.h - which scripts of an event had begun and ended, over all runs of the step. */
#pragma once
#include "steps/step.h"

enum { LEDGER_SCRIPTS_MAX = 10000, LEDGER_BYTES_MAX = 1 << 20 };

struct ledger {
    int fd;             /* this run's file */
    unsigned long done; /* scripts that the runs before had ended well: skip them */
    bool interrupted;   /* script `done` had begun, and how it ended is not known */
};

/* Reads STEPDIR/../K-(RUN-1)/scripts for a repeated run and creates this run's. */
NODISCARD bool ledger_open(struct ledger *ledger, const struct step *step, struct error *err);
void ledger_close(struct ledger *ledger);
/* Durable when it returns. */
NODISCARD bool ledger_note(struct ledger *ledger, const char *what, unsigned long script,
                           const char *more, struct error *err);
