/* definition_deploy.h - what a CodeDeploy action may say under its key `meridian`:
 *
 *     "meridian": {"onFailure": "restore", "trafficControl": true,
 *                  "fileExistsBehavior": "OVERWRITE", "ignoreApplicationStopFailures": false}
 *
 * In CodeDeploy these are fields of a deployment group and of CreateDeployment, which a pipeline
 * has no place for.
 */
#pragma once
#include "shell/definition_variables.h"

/* False with `trouble` filled. */
NODISCARD bool definition_deploy(const struct doc_node *action_node, struct pipeline_action *action,
                                 struct definition_trouble *trouble);
