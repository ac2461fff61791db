/* wave.h - the regions of a stage: in which order they begin, and what a failure in one of them
 * means for the others (the stage's key `meridian`).
 *
 *     waves               lists of regions: the regions of a wave begin together, those of the next
 *                         one when all of it has succeeded and bakeMinutes have passed
 *     maxParallelRegions  so many regions are at work at once
 *     onFailure           all, local: those regions go back (rollback.h); continue: others go on,
 *                         the stage fails at its end
 *
 * Inside a wave equal runOrder runs in parallel and greater ones follow, as ever. The end of a bake
 * is a record (stage_state.bake_ms, wall clock): it survives restarts. While a wave is watched, an
 * alarm of a deployment group that was deployed to by then fails the stage. Between waves an
 * execution gives way to a rollback that waits for the stage: it ends as Stopped.
 * Retried, a stage watches again only the waves that had something to do again. A ROLLBACK
 * execution knows no waves: what is good comes back everywhere at once.
 */
#pragma once
#include "core/model.h"

enum wave_verdict {
    WAVE_BEGINS, /* the marked actions do */
    WAVE_WAITS,  /* for what runs, or for the end of a bake */
    WAVE_OVER,   /* nothing is left that could begin */
    WAVE_SPOILT  /* an alarm was raised while a wave was watched */
};

/* Nobody's rules for a ROLLBACK execution. */
const struct pipeline_regions *wave_rules(const struct model_execution *e, size_t stage);
/* Of a stage under way. `begin` has WIRE_ACTIONS_MAX entries. */
enum wave_verdict wave_decide(struct coordinator *c, struct model_execution *e, size_t stage,
                              bool *begin);
/* A bake is under way that far. */
bool wave_bakes(const struct coordinator *c, const struct model_execution *e, size_t stage);
/* "us-east-1, eu-west-1" */
const char *wave_regions(const struct pipeline_wave *wave, struct arena *arena);
