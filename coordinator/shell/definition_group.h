/* definition_group.h - CodeDeploy's applications, deployment groups and deployment configurations,
 * as JSON or YAML, into struct deploy_resource.
 *
 * Takes one document {"deploymentGroup": {...}}, {"deploymentConfig": {...}} or {"application":
 * {...}} with the fields of `aws deploy create-deployment-group` and its sisters; the bare input of
 * those commands is taken as well. Fields without a meaning outside AWS (serviceRoleArn, tags ...)
 * stay in the text; known ones that are not run (blue/green, load balancers ...) are refused.
 *
 * Ownership: *out is the caller's (resource_free); problems lie in `arena`.
 */
#pragma once
#include "core/group.h"

/* True when the document is none of these, but a pipeline or nothing. Then nothing is written. */
bool definition_is_pipeline(const char *file, struct bytes text);
/* False with at least one problem; then *out is NULL. */
NODISCARD bool definition_group(const char *file, struct bytes text, struct arena *arena,
                                struct deploy_resource **out, const struct problem **problems,
                                size_t *problem_count);
