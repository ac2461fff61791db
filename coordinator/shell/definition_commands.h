/* definition_commands.h - `commands` and `outputVariables` of an action, `commands` and
 * `inputArtifacts` of a rule, `files` of an output artifact.
 *
 * All are optional here; which provider has which is pipeline_check()'s. False with `flaw` filled
 * when one is no list of texts, or is longer than AWS allows.
 */
#pragma once
#include "shell/definition_flow.h"

NODISCARD bool definition_commands(const struct doc_node *owner, struct arena *arena,
                                   struct pipeline_action *out, struct definition_flaw *flaw);
/* [{"name": TEXT}], the names. */
NODISCARD bool definition_inputs(const struct doc_node *owner, struct arena *arena,
                                 struct pipeline_action *out, struct definition_flaw *flaw);
