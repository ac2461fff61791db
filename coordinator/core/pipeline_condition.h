/* pipeline_condition.h - the words of conditions and their rules (condition.h, rule.h).
 * Included through core/pipeline.h.
 */
#pragma once
#include "core/pipeline_regions.h"
#include "wire/messages.h"

/* What a stage does when it fails, or when a condition says so (AWS: Result). FAIL is also what
 * happens without `onFailure`; SKIP is for the entry only. */
enum failure_result { FAILURE_FAIL, FAILURE_RETRY, FAILURE_ROLLBACK, FAILURE_SKIP };

enum rule_kind {
    RULE_UNKNOWN,
    RULE_WINDOW,     /* DeploymentWindow: Cron, TimeZone */
    RULE_VARIABLE,   /* VariableCheck: Variable, Operator, Value */
    RULE_ALARM,      /* CloudWatchAlarm: AlarmName, WaitTime */
    RULE_PROMETHEUS, /* Prometheus: Url, Query, WaitTime */
    RULE_HTTP,       /* Http: Url, WaitTime */
    RULE_COMMANDS    /* Commands: a worker runs them (build.h) */
};

struct pipeline_condition {
    bool given;
    enum failure_result result;
    struct position at;
};

/* What was answered to a rule that asks outside. */
enum answer_verdict {
    ANSWER_GOOD,
    ANSWER_BAD, /* it is as the rule forbids */
    ANSWER_NONE /* nobody was there, or it was not understood */
};
