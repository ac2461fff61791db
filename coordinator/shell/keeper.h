/* keeper.h - what operators ask about the stores' contents, and each store's own rule (`keep`).
 *
 * ARTIFACTS requests are answered when the store has answered; EMPTY gives up one page of a store
 * at a time. A store with a rule is looked at as a whole every `keep.every`. Whatever goes, goes
 * through the core (core/retention.h): keeper_next() asks it, keeper_erase() is told after the
 * commit what may be erased, and keeper_run() does it, a few at a time.
 *
 * Calling sequence of a turn: keeper_run(), keeper_next() until false, commit, keeper_erase() for
 * each COORDINATOR_ERASE, keeper_ask() for requests, keeper_answer() until false.
 */
#pragma once
#include "core/view.h"
#include "io/log.h"
#include "shell/artifacts.h"

enum {
    KEEPER_CHORES_MAX = 16,
    KEEPER_ERASURES_MAX = 8,     /* of a chore, under way at a time */
    KEEPER_OBJECTS_MAX = 100000, /* versions of one store that a rule looks at */
    KEEPER_FIRST_MS = 60000      /* from the start to the first look, or `keep.every` */
};

struct keeper_config { /* borrowed */
    const struct artifact_store *stores;
    size_t store_count;
    const struct artifacts *artifacts;
    const struct coordinator *core;
    const struct log *log;
};

struct keeper;

struct keeper *keeper_open(const struct keeper_config *config);
void keeper_close(struct keeper *keeper); /* accepts NULL; the stores are closed before */

/* False: there are too many. The same request of the same session is answered once. */
NODISCARD bool keeper_ask(struct keeper *keeper, uint64_t session, const struct request *request,
                          enum client_role role);
void keeper_run(struct keeper *keeper);
/* What the core is to decide; its objects live until the next call of this module. */
NODISCARD bool keeper_next(struct keeper *keeper, struct coordinator_event *out);
void keeper_erase(struct keeper *keeper, uint64_t origin, const struct artifact_ref *object);
/* The next answer that is ready, its texts in `arena`. */
NODISCARD bool keeper_answer(struct keeper *keeper, struct arena *arena, uint64_t *session,
                             struct reply *reply);
uint64_t keeper_deadline(const struct keeper *keeper); /* BOOTTIME ms; UINT64_MAX: none */
