/* definition_custom.h - a custom action type: the input of `aws codepipeline
 * create-custom-action-type`, bare or as {"customActionType": {...}}.
 *
 * settings (addresses of a console), descriptions, types of properties and tags are kept and mean
 * nothing here. Output artifacts are refused. False with `flaw` filled.
 */
#pragma once
#include "core/group.h"
#include "shell/definition_flow.h"

NODISCARD bool definition_custom(const struct doc_node *map, struct deploy_resource *out,
                                 struct definition_flaw *flaw);
