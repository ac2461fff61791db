/* build.h - Build and Test actions of provider CodeBuild, actions and rules of provider Commands
 * (commands.h): one job for one worker that builds.
 *
 * The job floats among the workers of the action's region whose tag `build` says so. Its output
 * artifacts are copies in that region's store, from where other regions get theirs; a build that
 * failed is not tried again by itself, one that was lost with its host is.
 */
#pragma once
#include "core/model.h"

/* How large one output artifact may be: AWS's bound of an artifact. */
#define BUILD_OUTPUT_MAX (UINT64_C(5) << 30)

/* Of an action, or of a rule (which stands behind its stage's actions), in progress. */
void build_reconcile(struct coordinator *c, struct model_execution *e, size_t stage, size_t action);
/* The build's job has ended for good. */
void build_ended(struct coordinator *c, struct model_job *job, const struct result *result);
/* Why the job cannot be given to a worker yet; "" when it can. *lost: it never can. */
const char *build_cause(struct coordinator *c, const struct model_job *job, bool *lost);
/* Does the result name a version of every output? */
bool build_result_complete(const struct model_job *job, const struct result *result);
/* The job as it is offered. */
void build_offer(struct arena *arena, struct job *to, const struct model_job *job);
