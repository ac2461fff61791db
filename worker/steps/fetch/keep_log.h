/* keep_log.h - a deployment's or build's log as one object in the region's store.
 *
 * At most KEEP_LOG_MAX bytes: of a longer log its beginning and its end, with a line between them
 * that says how much is left out. A job that wrote no log leaves none.
 */
#pragma once
#include "steps/step.h"

enum { KEEP_LOG_MAX = 16 << 20, KEEP_LOG_HEAD = 1 << 20 };

NODISCARD bool keep_log_run(struct step *step, struct step_report *report, struct error *err);
