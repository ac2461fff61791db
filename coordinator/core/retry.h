/* retry.h - a stage that failed or was stopped is worked on again, in the same execution.
 *
 * FAILED_ACTIONS repeats what did not succeed, ALL_ACTIONS the whole stage; either way a host that
 * finished its deployment is left alone as long as nothing else was deployed over it. The
 * execution stays pinned to its definition: unlike with AWS a retry works after an edit as well.
 * Refused: StageNotRetryableException (it goes on, it has not failed, another execution holds it),
 * NotLatestPipelineExecutionException (a newer execution has entered the stage).
 */
#pragma once
#include "core/model.h"

/* onFailure RETRY: once, when the stage has just failed; it keeps the stage's lock. */
void retry_automatically(struct coordinator *c, struct model_execution *e, size_t stage);
/* NULL when the stage, which has failed or was stopped, may be worked on again. */
const char *retry_obstacle(struct coordinator *c, const struct model_execution *e, size_t stage);
/* An action or a rule that has ended is Pending again, as another attempt. */
void retry_renew(struct coordinator *c, struct model_execution *e, size_t stage, size_t action);
/* REQUEST_RETRY, from who may. */
void retry_request(struct coordinator *c, const struct coordinator_event *event);
