/* replicate.h - one object from one store to another: GET into the step's folder, verify, PUT.
 *
 * Both halves resume where an earlier run of the step was cut (transfer.h). A job that brings an
 * older revision and a delta (coordinator/core/delta.h) is done with these; when they are of no
 * use, for whatever reason, the whole is fetched, and the report's note says why.
 */
#pragma once
#include "steps/step.h"

NODISCARD bool replicate_run(struct step *step, struct step_report *report, struct error *err);
