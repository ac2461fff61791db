/* definition_wave.h - a stage's key `meridian`: waves, maxParallelRegions, onFailure, barrier.
 *
 * All are optional. False with `flaw` filled (constant text, a node of the document) when a value
 * cannot be read; what does not fit the stage is found by pipeline_check().
 */
#pragma once
#include "shell/definition_flow.h"

NODISCARD bool definition_regions(const struct doc_node *stage, struct arena *arena,
                                  struct pipeline_regions *out, struct definition_flaw *flaw);
