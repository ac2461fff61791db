/* put.h - a job's output from a file into its region's store.
 *
 * Blocking, resumed after cuts, and waiting for a store that is away, as fetch.h. The step's cancel
 * and lease end it.
 */
#pragma once
#include "steps/step.h"

/* An object whose content the job does not know: its grant is for any up to ref.size bytes, size
 * and digest are ours to say. Adds it, with its version, to the report's outputs. */
NODISCARD bool put_output(struct step *step, const struct job_artifact *output, const char *path,
                          struct step_report *report, struct error *err);
/* The copy that the job makes: in parts where it has leave for that, with their record in the
 * step's folder; in one piece where S3 has lost them. */
NODISCARD bool put_copy(struct step *step, const char *path, char *version, size_t version_size,
                        struct error *err);
