/* stage.h - the first half of an install: all files of the new revision beside their destinations.
 *
 * stage_compose() is pure: it gives every item of the plan its staged name and writes the commit's
 * operations into the journal. A file goes into the folder where it will live, under a hidden name
 * (".meridian-DEPLOYMENT-N"); a folder that is new goes there whole, so that one rename makes the
 * whole tree appear. stage_run() then makes them: contents, owner, mode, ACL, times, in that order,
 * large installs in as many processes as there are processors, and all of it durable at the end.
 * When it fails, journal_discard() leaves nothing.
 */
#pragma once
#include "steps/install/journal.h"
#include "steps/install/plan.h"
#include "steps/step.h"

/* The staged path of each item, in the plan's order; NULL for standing folders. */
struct stage {
    const char **paths;
    size_t *roots; /* index of the journal's rename that will bring the item to its place */
    size_t count;
};

void stage_compose(struct stage *stage, const struct plan *plan, const struct overlay *overlay,
                   struct journal *journal);
void stage_deinit(struct stage *stage);
NODISCARD bool stage_run(const struct stage *stage, const struct plan *plan,
                         const struct journal *journal, struct step *step, struct error *err);
