/* deploy_rollout.h - a Deploy action whose deployment group was applied: its hosts batch by batch.
 *
 * The group's tags say which hosts, its configuration how many at once; rollout.h decides. What the
 * configuration spares is counted once, when the action begins (action_state.hosts and .spare);
 * hosts that join later are added, unless the group's outdatedInstancesStrategy is IGNORE.
 * A host that has not begun and was not heard of for DEPLOY_LOST_MS counts as failed. Hosts that
 * are left when a deployment fails are Skipped.
 */
#pragma once
#include "core/model.h"

enum { DEPLOY_LOST_MS = 300000 /* CodeDeploy: 5 minutes for an event to start */ };

/* NULL: nobody has applied it, and every host of the region gets the deployment at once. */
const struct deployment_group *deploy_group_of(const struct coordinator *c,
                                               const struct model_execution *e, size_t stage,
                                               size_t action);
/* The worker is one of the action's hosts. */
bool deploy_takes(const struct coordinator *c, const struct model_execution *e, size_t stage,
                  size_t action, const struct model_worker *w);
/* With outdated_only: it has what the action brings already. */
bool deploy_current(const struct coordinator *c, const struct model_execution *e, size_t stage,
                    size_t action, const struct model_worker *w);
/* It has a plan: hosts, spare. */
bool deploy_rolls(const struct action_state *state);
/* Counts what may be spared of `hosts`; false when the configuration leaves none. */
NODISCARD bool deploy_plan(struct coordinator *c, struct model_execution *e, size_t stage,
                           size_t action, size_t hosts);
/* Lets hosts begin; `out` says how it stands. */
void deploy_roll(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                 struct rollout *out);
/* Those that have not begun will not. */
void deploy_skip(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                 const char *cause);
/* An alarm of the group that is raised; NULL when none is. A rollback heeds none. */
const struct model_alarm *deploy_alarm(const struct coordinator *c, const struct model_execution *e,
                                       size_t stage, size_t action);
/* Why the job may not be assigned yet; NULL when it may. */
const char *deploy_hold(struct coordinator *c, const struct model_job *job);
/* A deployment has ended there: what the host has now. */
void deploy_host_ended(struct coordinator *c, const struct model_job *job);
