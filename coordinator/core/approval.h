/* approval.h - the action Approval/AWS/Manual: a person decides.
 *
 * It waits with a token until somebody answers, at most timeoutInMinutes (7 days without), then it
 * fails. An answer is taken once: ApprovalAlreadyCompletedException afterwards, and
 * InvalidApprovalTokenException for the token of another question. When the execution is stopped
 * nobody is waited for: the action ends as Abandoned.
 */
#pragma once
#include "core/model.h"

struct pipeline_action;

/* What is particular to it at an action's begin. */
void approval_begin(struct coordinator *c, struct model_execution *e, size_t stage, size_t action);
void approval_reconcile(struct coordinator *c, struct model_execution *e, size_t stage,
                        size_t action);
/* REQUEST_APPROVAL, from who may. */
void approval_request(struct coordinator *c, const struct coordinator_event *event);
