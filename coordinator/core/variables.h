/* variables.h - what `#{...}` stands for in an execution.
 *
 *     #{codepipeline.PipelineExecutionId}   the execution
 *     #{variables.NAME}                     a variable of the pipeline, as the execution has it
 *     #{NAMESPACE.NAME}                     what the action of that namespace has given:
 *         Source/S3          VersionId, ETag, BucketName, ObjectKey
 *         Build, Test        the buildspec's exported-variables
 *         Deploy/CodeDeploy  DeploymentId
 *         Approval/Manual    ApprovalSummary, ApprovedBy
 *
 * Calling sequence: variables_start() says whether an execution may begin with the values that
 * were given; variables_ready() whether an action may, as it begins; from then on
 * variables_setting() and variables_expand() of that action cannot fail, because what they stand
 * for stays as long as the execution. variables_give() keeps what an action gives as it ends.
 * The texts of an action without references are handed out as they are, others in the arena.
 */
#pragma once
#include "core/model.h"

/* Of all actions of an execution together, names and values (AWS: OutputVariablesSizeExceeded);
 * the record of an execution must stay below WIRE_FRAME_MAX. */
enum { VARIABLES_BYTES_MAX = 122880, PIPELINE_VALUE_MAX = 1000 };

/* A value for each declared variable. False with what is wrong with those given. */
NODISCARD bool variables_start(const struct pipeline *pipeline, const struct variable *given,
                               size_t given_count, struct arena *arena, const struct variable **out,
                               struct error *err);
/* False when a text of the action has a reference that stands for nothing, or becomes a value that
 * its setting may not have: the reference, its action and what there is. */
NODISCARD bool variables_ready(const struct model_execution *e, size_t stage, size_t action,
                               struct arena *arena, struct error *err);
/* The setting with its references replaced; "" when there is none. */
const char *variables_setting(const struct model_execution *e, size_t stage, size_t action,
                              const char *key, struct arena *arena);
/* Any text of the execution; where that is impossible (a definition of an older version), the text
 * as it is. */
const char *variables_expand(const struct model_execution *e, const char *text,
                             struct arena *arena);

/* What an action that succeeded gives, if it is not a build. */
void variables_give(struct coordinator *c, struct model_execution *e, size_t stage, size_t action);
/* Instead of what the action had given before; false when they are too many bytes. */
NODISCARD bool variables_keep(struct coordinator *c, struct model_execution *e, size_t stage,
                              size_t action, const struct variable *list, size_t count);
/* A build's; false when they are too many bytes, then nothing is kept. */
NODISCARD bool variables_take(struct coordinator *c, const struct model_job *job,
                              const struct result *result);
