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
/* Content that the job names: `size` and `sha256` are those that the leave is for. */
NODISCARD bool put_object(struct step *step, const struct artifact_ref *to,
                          const struct grant *grant, const struct artifact_ref *content,
                          const char *path, char *version, size_t version_size, struct error *err);
