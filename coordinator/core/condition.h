/* condition.h - what has to be true before a stage begins, and once it has succeeded or failed.
 *
 *     beforeEntry  asked when the stage was entered (it holds the lock), before any action begins;
 *                  not met, the stage fails (FAIL) or is left out (SKIP)
 *     onSuccess    asked when all its actions have succeeded; not met, it fails (FAIL), or fails
 *                  and goes back to what it had (ROLLBACK)
 *     onFailure    asked when it has failed; met, it is tried again (RETRY) or goes back
 *                  (ROLLBACK); not met, it has just failed
 *
 * A condition is met when all of its rules (rule.h) are. They begin together; the first that fails
 * decides, and the others are given up. A rule that somebody has overridden is Skipped and counts
 * as met. A retry asks again what was not met, and what comes behind the actions. A ROLLBACK
 * execution is asked nothing: what is good comes back at once.
 */
#pragma once
#include "core/model.h"

enum condition_verdict { CONDITION_WAITS, CONDITION_MET, CONDITION_UNMET };

/* Begins its rules, looks after them; met when the stage has none of that type. */
enum condition_verdict condition_decide(struct coordinator *c, struct model_execution *e,
                                        size_t stage, enum condition_type type);
/* Its rules have begun or more. */
bool condition_asked(const struct model_execution *e, size_t stage, enum condition_type type);
/* The execution is to stop: what is asked is given up. */
void condition_stop(struct coordinator *c, struct model_execution *e, size_t stage);
/* What follows from the end of a stage that has failed, by its conditions and its onFailure. */
enum failure_result condition_failure(const struct model_execution *e, size_t stage);
/* Why the stage was not begun, or has failed although its actions had not; "" for another reason.
 */
const char *condition_text(const struct model_execution *e, size_t stage, struct arena *arena);

/* REQUEST_OVERRIDE, from who may. */
void condition_request(struct coordinator *c, const struct coordinator_event *event);
