/* rule.h - one rule of a condition: when it is met, and when it has failed.
 *
 *     DeploymentWindow  waits until the window is open (window.h); fails when it never will be
 *     VariableCheck     compares: EQ, NE, CONTAINS, MATCHES (rule_pattern_flaw())
 *     CloudWatchAlarm   fails when `meridian alarm` has raised that alarm, now or while it waits
 *     Prometheus, Http  an address is asked by the shell, again and again: fails when a query has
 *                       a result, or an answer is not 200 to 299; met when the last answer was
 *                       good and WaitTime has passed; no answer decides nothing
 *     Commands          a worker that builds runs them (build.h): met when all have succeeded
 *
 * WaitTime is in minutes, 0 without. What has not been met by its timeoutInMinutes has failed:
 * without one after 60 days (window) or an hour beside WaitTime.
 *
 * Asking: coordinator_view_questions() lists what is to be asked, COORDINATOR_ANSWER brings what
 * was answered. The shell asks each question every RULE_ASK_MS; one that has ended is no longer
 * listed.
 */
#pragma once
#include "core/model.h"

enum { RULE_ASK_MS = 15000 };

/* Of a rule in progress: ends it, or says when to look again. */
void rule_look(struct coordinator *c, struct model_execution *e, size_t stage, size_t rule);
void rule_answer(struct coordinator *c, const struct coordinator_event *event);
/* NULL, or why values cannot be compared with it: a POSIX extended regular expression of at most
 * 256 characters whose cost is bounded: no {}, no back-reference, nothing repeated but a character.
 */
const char *rule_pattern_flaw(const char *pattern, struct arena *arena);
