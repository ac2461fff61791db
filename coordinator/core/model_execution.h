/* model_execution.h - executions, their copies and their jobs in the model.
 * Included through core/model.h only.
 */
#pragma once
#include "wire/messages.h"

struct coordinator;
struct model_pipeline;
struct model_execution;
struct model_job;
struct pipeline_action;
struct pipeline_rule;

/* Copies everything of `from`; the jobs come with model_job_add(). */
struct model_execution *model_execution_add(struct coordinator *c, struct model_pipeline *p,
                                            const struct execution *from);
/* Into the live ones, by age over all pipelines: as if they had been started one after another. */
void model_live_insert(struct coordinator *c, struct model_execution *e);
void model_execution_free(struct coordinator *c, struct model_execution *e);
struct model_execution *model_execution_find(const struct coordinator *c, const struct id *id);
/* A stage's actions are numbered from 0, the rules of its conditions go on behind the last one:
 * what may have a job is one of these. */
size_t model_subjects(const struct model_execution *e, size_t stage);
struct action_state *model_action(const struct model_execution *e, size_t stage, size_t action);
const struct pipeline_action *model_action_definition(const struct model_execution *e, size_t stage,
                                                      size_t action);
const struct pipeline_rule *model_rule_definition(const struct model_execution *e, size_t stage,
                                                  size_t rule);
/* -1 when there is none. */
long model_copy_find(const struct model_execution *e, const char *artifact, const char *region);
size_t model_copy_add(struct model_execution *e, const struct copy_state *from);
size_t model_delta_add(struct model_execution *e, const struct delta_state *from);
/* A pending job of the action, its texts borrowed: kind, target and artifact are the caller's to
 * say, worker, region and deadline (the action's) to change. For model_job_add(). */
struct job_state model_job_new(struct coordinator *c, const struct model_execution *e, size_t stage,
                               size_t action);
struct model_job *model_job_add(struct coordinator *c, struct model_execution *e,
                                const struct job_state *from);
struct model_job *model_job_find(const struct coordinator *c, const struct id *id);
/* Which action it belongs to; once for each job. */
void model_job_place(struct model_job *job, size_t stage, size_t action);
/* The deployments of an action. */
struct list *model_action_jobs(const struct model_execution *e, size_t stage, size_t action);
/* Moves the job to the open jobs of that worker. */
void model_job_give(struct coordinator *c, struct model_job *job, const char *worker);
/* A copy of the list, instead of the one that is there. */
void model_variables(const struct variable **list, size_t *count, const struct variable *from,
                     size_t from_count);
