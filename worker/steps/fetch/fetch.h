/* fetch.h - a job's input over the network into a file.
 *
 * Blocking, resumed after cuts, verified (transfer.h). The step's cancel and lease end it.
 */
#pragma once
#include "steps/step.h"

/* *bytes is what crossed the network. */
NODISCARD bool fetch_artifact(struct step *step, const struct artifact_ref *ref,
                              const struct grant *grant, const char *path, uint64_t *bytes,
                              struct error *err);
/* The job's input. */
NODISCARD bool fetch_object(struct step *step, const char *path, uint64_t *bytes,
                            struct error *err);
