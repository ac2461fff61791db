/* definition_variables.h - the environment of a build as its action declares it.
 *
 * Two spellings of AWS: the CodeBuild setting `EnvironmentVariables`, a JSON text within the
 * configuration, and the field `environmentVariables` of the action. Both are lists of
 * {"name", "value", "type"}; type PLAINTEXT (default), or SECRETS_MANAGER whose value is the name
 * of a secret that the worker keeps.
 */
#pragma once
#include "core/pipeline.h"
#include "io/doc.h"

struct definition_trouble {
    const struct doc_node *node; /* where to show it */
    char text[256];
};

/* Fills the action's variables in `arena`. */
NODISCARD bool definition_variables(const struct doc_node *action_node, struct arena *arena,
                                    struct pipeline_action *action,
                                    struct definition_trouble *trouble);
