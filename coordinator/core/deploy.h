/* deploy.h - a Deploy action of provider CodeDeploy: one job for every worker of its region.
 *
 * All workers at once, unless its deployment group was applied (deploy_rollout.h). The action
 * succeeds when all have succeeded and fails when all have ended and one has not, when its artifact
 * cannot be brought to the region, or at its deadline. Workers that are enrolled while it runs are
 * included.
 */
#pragma once
#include "core/model.h"

void deploy_reconcile(struct coordinator *c, struct model_execution *e, size_t stage,
                      size_t action);
/* What must not be worked on twice at once on one host. */
const char *deploy_target(struct arena *arena, const struct model_execution *e, size_t stage,
                          size_t action);
enum { DEPLOY_GROUP_ID_SIZE = 20 };
/* "dg-" and 16 hexadecimal digits made of both names: stable, and safe as a folder's name. */
void deploy_group_id(const char *application, const char *group, char out[DEPLOY_GROUP_ID_SIZE]);
