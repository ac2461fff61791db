/* hook.h - one lifecycle event: all its scripts, in order, the first failure ends it.
 *
 * Which revision's appspec: ApplicationStop and Before/AfterBlockTraffic take the last successful
 * deployment's, unless the present one is downloaded already; none before the first success. With
 * run_root_scripts_from_current and nothing downloaded (the roll-back of a blue/green deployment)
 * Before/AfterBlockTraffic take the most recently downloaded one. All other events take the present
 * one. Environment and log are always the present deployment's (shared design, worker.md section
 * 5).
 *
 * Each script's begin and end stand in STEPDIR/scripts ("begun N once|safe", "done N"). A repeated
 * run (spec.run > 1) skips what the run before it had done; a `rerun: safe` script finds ATTEMPT
 * (the run's number) and RESUMED (true when it had been begun before) in its environment.
 */
#pragma once
#include "steps/step.h"

/* False is a failure that no script caused: code 5. */
NODISCARD bool hook_run(struct step *step, struct step_report *report, struct error *err);
