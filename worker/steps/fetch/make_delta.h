/* make_delta.h - what copies of a new revision are told by, made where both revisions lie.
 *
 * GET of the older and of the newer revision from the region's store, bundle/delta.h, PUT beside
 * them. A delta that would be larger than the job allows is no success: the copies take the whole.
 * meridian-fetch runs it; nothing of it is left in the step's folder.
 */
#pragma once
#include "steps/step.h"

/* Memory and bounds that both ends use; `scratch` and the paths are the caller's. */
struct delta_job;
void make_delta_bounds(struct step *step, struct delta_job *job);

NODISCARD bool make_delta_run(struct step *step, struct step_report *report, struct error *err);
