/* replicate.h - one object from one store to another: GET into the step's folder, verify, PUT.
 *
 * Both halves resume where an earlier run of the step was cut (transfer.h).
 */
#pragma once
#include "steps/step.h"

NODISCARD bool replicate_run(struct step *step, struct step_report *report, struct error *err);
