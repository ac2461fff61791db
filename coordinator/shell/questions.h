/* questions.h - what rules of conditions ask of the world: Prometheus and other HTTP addresses.
 *
 * Calling sequence: questions_open(); in each turn questions_ask() with what
 * coordinator_view_questions() lists now, then questions_next() until it is false: each gives one
 * COORDINATOR_ANSWER. questions_deadline() bounds the loop's wait. A question is asked every
 * RULE_ASK_MS as long as it is listed; one that is not listed any more is forgotten.
 *
 * Prometheus is asked by its query API (GET URL/api/v1/query): a result that holds anything is what
 * the rule forbids, as an alerting rule's expression does. Another address says by its status,
 * whatever follows: 200 to 299 is good. Silence, a redirect and what cannot be read decide nothing.
 * http is allowed: who sits on the way can answer for the server. At most QUESTION_ANSWER_MAX bytes
 * are read.
 */
#pragma once
#include "core/coordinator.h"
#include "core/rule.h"
#include "core/view.h"

enum { QUESTION_ANSWER_MAX = 256 << 10, QUESTION_TIMEOUT_MS = 10000 };

struct loop;
struct questions;

NODISCARD bool questions_open(struct loop *loop, struct questions **out, struct error *err);
void questions_close(struct questions *questions); /* accepts NULL */
void questions_ask(struct questions *questions, const struct rule_question *list, size_t count,
                   struct arena *arena);
/* The text is `questions`', until the next call. */
NODISCARD bool questions_next(struct questions *questions, struct coordinator_event *event);
uint64_t questions_deadline(const struct questions *questions); /* CLOCK_BOOTTIME */

/* What an answer says. `query`: of Prometheus. For questions.c and its tests. */
struct http_answer;
enum answer_verdict question_judge(const struct http_answer *answer, bool query, char *text,
                                   size_t size);
