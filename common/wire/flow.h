/* flow.h - the words of executions: what starts them, how they stand to each other, what a retry
 * repeats. AWS's spellings (CodePipeline model 2015-07-09).
 * Included through wire/messages.h only.
 */
#pragma once
#include <stddef.h>

#define TRIGGERS(X)                                                                                \
    X(POLL, "PollForSourceChanges")                                                                \
    X(START, "StartPipelineExecution")                                                             \
    X(CREATE, "CreatePipeline")                                                                    \
    X(MANUAL_ROLLBACK, "ManualRollback")                                                           \
    X(AUTOMATED_ROLLBACK, "AutomatedRollback")

enum trigger {
#define X(name, text) TRIGGER_##name,
    TRIGGERS(X)
#undef X
};
#define TRIGGER_COUNT (TRIGGER_AUTOMATED_ROLLBACK + 1)
const char *trigger_name(enum trigger trigger);

#define EXECUTION_MODES(X)                                                                         \
    X(SUPERSEDED, "SUPERSEDED") /* of those that wait for a stage only the newest stays */         \
    X(QUEUED, "QUEUED")         /* they enter in the order in which they were started */           \
    X(PARALLEL, "PARALLEL")     /* no locks */

enum execution_mode {
#define X(name, text) MODE_##name,
    EXECUTION_MODES(X)
#undef X
};
#define EXECUTION_MODE_COUNT (MODE_PARALLEL + 1)
const char *execution_mode_name(enum execution_mode mode);

#define EXECUTION_TYPES(X)                                                                         \
    X(STANDARD, "STANDARD")                                                                        \
    X(ROLLBACK, "ROLLBACK") /* of one stage, to what another execution had there */

enum execution_type {
#define X(name, text) TYPE_##name,
    EXECUTION_TYPES(X)
#undef X
};
#define EXECUTION_TYPE_COUNT (TYPE_ROLLBACK + 1)
const char *execution_type_name(enum execution_type type);

#define RETRY_MODES(X)                                                                             \
    X(FAILED_ACTIONS, "FAILED_ACTIONS")                                                            \
    X(ALL_ACTIONS, "ALL_ACTIONS")

enum retry_mode {
#define X(name, text) RETRY_##name,
    RETRY_MODES(X)
#undef X
};
#define RETRY_MODE_COUNT (RETRY_ALL_ACTIONS + 1)
const char *retry_mode_name(enum retry_mode mode);

enum { WIRE_RULES_MAX = 15 }; /* of a stage: 5 of each of its conditions */

/* AWS: ConditionType, and the key of a stage that holds it. */
#define CONDITION_TYPES(X)                                                                         \
    X(BEFORE_ENTRY, "BEFORE_ENTRY", "beforeEntry")                                                 \
    X(ON_SUCCESS, "ON_SUCCESS", "onSuccess")                                                       \
    X(ON_FAILURE, "ON_FAILURE", "onFailure")

enum condition_type {
#define X(name, text, key) CONDITION_##name,
    CONDITION_TYPES(X)
#undef X
};
#define CONDITION_TYPE_COUNT (CONDITION_ON_FAILURE + 1)
const char *condition_type_name(enum condition_type type);
const char *condition_key(enum condition_type type);
/* Of which condition a stage's rule is. */
struct stage_state;
enum condition_type stage_rule_type(const struct stage_state *stage, size_t rule);
