/* json_ask.h - WHY, REGIONS, PLAN, deployments and two executions beside each other, as JSON (see
 * json.h). */
#pragma once
#include "client/print.h"

#include <jansson.h>

void json_why(struct print *out, const struct reply *reply);
/* Adds one to a JSON array; json_resources() writes that. */
void json_add_resource(json_t *list, const struct resource_summary *resource);
void json_resources(struct print *out, json_t *list);
void json_regions(struct print *out, const struct reply *reply);
void json_plan(struct print *out, const struct reply *reply, const char *file);
/* The newest of the executions in the reply, at most `most`; then one of them with its hosts. */
void json_deployments(struct print *out, const struct reply *reply, size_t most);
void json_deployment(struct print *out, const struct execution_view *view, const char *deployment);
void json_dropped(struct print *out, uint64_t dropped); /* one line */
/* PollForJobs, GetJobDetails. */
void json_jobs(struct print *out, const struct reply *reply);
void json_job(struct print *out, const struct reply *reply);
