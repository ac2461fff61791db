/* definition_condition.h - beforeEntry, onSuccess and onFailure of a stage, and their rules.
 *
 * Each holds one condition: {"conditions": [{"result": R, "rules": [1 to 5]}]}. A time zone's
 * changes are looked up here, once (timezone.h); what the rules mean is core/condition.h's.
 * False with `flaw` filled when something cannot be read so; the rest is pipeline_check()'s.
 */
#pragma once
#include "shell/definition_flow.h"

NODISCARD bool definition_conditions(const struct doc_node *stage, struct arena *arena,
                                     struct pipeline_stage *out, struct definition_flaw *flaw);
/* `configuration` of an action or a rule: at most 50 keys of at most 50 characters, values of at
 * most 1,000 ([CPM] ActionConfigurationKey, ActionConfigurationValue). */
NODISCARD bool definition_settings(const struct doc_node *owner, struct arena *arena,
                                   struct pipeline_action *out, struct definition_flaw *flaw);
