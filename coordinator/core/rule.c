#include "core/rule.h"

#include "core/build.h"
#include "core/engine.h"
#include "core/journal.h"
#include "core/variables.h"
#include "core/view.h"

#include <regex.h>
#include <string.h>

enum { PATTERN_MAX = 256, ERROR_MAX = 200 };

static void met(struct coordinator *c, struct model_execution *e, size_t stage, size_t rule,
                const char *summary)
{
    model_text(&model_action(e, stage, rule)->summary, summary);
    engine_end_action(c, e, stage, rule, STATUS_SUCCEEDED, "", "");
}

static void failed(struct coordinator *c, struct model_execution *e, size_t stage, size_t rule,
                   const char *why)
{
    engine_end_action(c, e, stage, rule, STATUS_FAILED, "JobFailed", why);
}

static void waits(struct coordinator *c, struct model_execution *e, size_t stage, size_t rule,
                  const char *for_what)
{
    if (model_text(&model_action(e, stage, rule)->summary, for_what)) journal_execution(c, e);
}

/* ---- windows ---- */

static void look_window(struct coordinator *c, struct model_execution *e, size_t stage, size_t rule)
{
    const struct pipeline_rule *definition = model_rule_definition(e, stage, rule);
    int64_t now_s = (int64_t)(c->now_ms / 1000);
    char when[JOURNAL_TIME_SIZE];
    int64_t next_s = window_next(&definition->window, &definition->zone, now_s);
    if (next_s == now_s) {
        met(c, e, stage, rule, "the window is open");
    } else if (next_s < 0) {
        failed(c, e, stage, rule, "the window never opens again");
    } else {
        uint64_t next_ms = (uint64_t)next_s * 1000;
        waits(c, e, stage, rule,
              arena_format(&c->out->arena, "the window opens at %s", journal_time(next_ms, when)));
        engine_wake_wall(c, next_ms);
    }
}

/* ---- variables ---- */

/* Behind a list of characters: "[a-z]", "[]a]", "[[:digit:]]". */
static const char *list_end(const char *at)
{
    at++;
    if (*at == '^') at++;
    if (*at == ']') at++;
    while (*at && *at != ']') {
        const char *class_end = *at == '[' && at[1] == ':' ? strstr(at + 2, ":]") : NULL;
        at = class_end ? class_end + 2 : at + 1;
    }
    return *at ? at + 1 : at;
}

/* What can cost any amount of time or memory to compare, even to compile. */
static const char *cost_flaw(const char *pattern)
{
    bool repeatable = false;
    for (const char *at = pattern; *at;) {
        bool counts = *at == '*' || *at == '+' || *at == '?';
        if (*at == '{') return "a pattern has no {}: write * + ?";
        if (*at == '\\' && at[1] >= '1' && at[1] <= '9') return "a pattern has no back-reference";
        if (counts && !repeatable)
            return "* + ? stand behind one character, . or [...], not behind a group or each other";
        repeatable = !counts && *at != '(' && *at != ')' && *at != '|' && *at != '^' && *at != '$';
        if (*at == '[')
            at = list_end(at);
        else
            at += *at == '\\' && at[1] ? 2 : 1;
    }
    return NULL;
}

const char *rule_pattern_flaw(const char *pattern, struct arena *arena)
{
    regex_t compiled;
    char text[ERROR_MAX];
    if (strlen(pattern) > PATTERN_MAX) return "a pattern has at most 256 characters";
    const char *flaw = cost_flaw(pattern);
    if (flaw) return flaw;
    int code = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB);
    if (code == 0) {
        regfree(&compiled);
        return NULL;
    }
    regerror(code, &compiled, text, sizeof text);
    return arena_text(arena, text);
}

/* Of the whole value, as java.util.regex's matches(). */
static bool matches(const char *value, const char *pattern, struct arena *arena)
{
    regex_t compiled;
    if (rule_pattern_flaw(pattern, arena)) return false;
    const char *whole = arena_format(arena, "^(%s)$", pattern);
    if (regcomp(&compiled, whole, REG_EXTENDED | REG_NOSUB) != 0) return false;
    bool found = regexec(&compiled, value, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

static void look_variable(struct coordinator *c, struct model_execution *e, size_t stage,
                          size_t rule)
{
    struct arena *arena = &c->out->arena;
    const char *value = variables_setting(e, stage, rule, "Variable", arena);
    const char *wanted = variables_setting(e, stage, rule, "Value", arena);
    const char *operator= variables_setting(e, stage, rule, "Operator", arena);
    bool equal = text_equal(value, wanted), holds = false;
    if (text_equal(operator, "EQ")) holds = equal;
    if (text_equal(operator, "NE")) holds = !equal;
    if (text_equal(operator, "CONTAINS")) holds = strstr(value, wanted);
    if (text_equal(operator, "MATCHES")) holds = matches(value, wanted, arena);
    const char *text = arena_format(arena, "'%.200s' %s '%.200s'", value, operator, wanted);
    if (holds)
        met(c, e, stage, rule, text);
    else
        failed(c, e, stage, rule, arena_format(arena, "%s does not hold", text));
}

/* ---- alarms ---- */

/* The wall clock's time from which on a good answer is enough. */
static uint64_t watched_ms(const struct model_execution *e, size_t stage, size_t rule)
{
    return model_action(e, stage, rule)->started_ms +
           (uint64_t)model_rule_definition(e, stage, rule)->wait_minutes * 60000;
}

static void look_alarm(struct coordinator *c, struct model_execution *e, size_t stage, size_t rule)
{
    struct arena *arena = &c->out->arena;
    const char *name = variables_setting(e, stage, rule, "AlarmName", arena);
    const struct model_alarm *alarm = model_alarm_find(c, name);
    uint64_t until_ms = watched_ms(e, stage, rule);
    char when[JOURNAL_TIME_SIZE];
    if (alarm && alarm->state.raised) {
        failed(c, e, stage, rule,
               arena_format(arena, "alarm %s is raised%s%s", name,
                            alarm->state.reason[0] ? ": " : "", alarm->state.reason));
    } else if (c->now_ms >= until_ms) {
        met(c, e, stage, rule, arena_format(arena, "alarm %s is not raised", name));
    } else {
        waits(c, e, stage, rule,
              arena_format(arena, "alarm %s is watched until %s", name,
                           journal_time(until_ms, when)));
        engine_wake_wall(c, until_ms);
    }
}

static bool asked_outside(enum rule_kind kind)
{
    return kind == RULE_PROMETHEUS || kind == RULE_HTTP;
}

void rule_look(struct coordinator *c, struct model_execution *e, size_t stage, size_t rule)
{
    const struct action_state *state = model_action(e, stage, rule);
    switch (model_rule_definition(e, stage, rule)->kind) {
    case RULE_WINDOW: look_window(c, e, stage, rule); break;
    case RULE_VARIABLE: look_variable(c, e, stage, rule); break;
    case RULE_ALARM: look_alarm(c, e, stage, rule); break;
    case RULE_PROMETHEUS:
    case RULE_HTTP: break; /* rule_answer() */
    case RULE_COMMANDS: build_reconcile(c, e, stage, rule); break;
    case RULE_UNKNOWN: failed(c, e, stage, rule, "this version does not know the rule"); break;
    }
    if (state->status != STATUS_IN_PROGRESS) return;
    if (c->now_ms >= state->deadline_ms)
        failed(c, e, stage, rule,
               arena_format(&c->out->arena, "timed out: %s",
                            state->summary[0] ? state->summary : "nobody has answered"));
    else
        engine_wake_wall(c, state->deadline_ms);
}

static bool found_by(const struct model_execution *e, const struct id *id, size_t *stage,
                     size_t *rule)
{
    for (*stage = 0; *stage < e->state.stage_count; (*stage)++)
        for (*rule = e->stages[*stage].action_count; *rule < model_subjects(e, *stage); (*rule)++) {
            const struct action_state *state = model_action(e, *stage, *rule);
            if (state->status == STATUS_IN_PROGRESS && id_equal(&state->id, id) &&
                asked_outside(model_rule_definition(e, *stage, *rule)->kind))
                return true;
        }
    return false;
}

static void answered(struct coordinator *c, struct model_execution *e, size_t stage, size_t rule,
                     const struct coordinator_event *event)
{
    struct arena *arena = &c->out->arena;
    const char *text = arena_text(arena, event->answer.text);
    uint64_t until_ms = watched_ms(e, stage, rule);
    char when[JOURNAL_TIME_SIZE];
    switch (event->answer.verdict) {
    case ANSWER_BAD: failed(c, e, stage, rule, text); break;
    case ANSWER_NONE: waits(c, e, stage, rule, arena_format(arena, "no answer: %s", text)); break;
    case ANSWER_GOOD:
        if (c->now_ms >= until_ms)
            met(c, e, stage, rule, text);
        else
            waits(c, e, stage, rule,
                  arena_format(arena, "%s; watched until %s", text, journal_time(until_ms, when)));
        break;
    }
    c->changed = true;
}

void rule_answer(struct coordinator *c, const struct coordinator_event *event)
{
    size_t stage, rule;
    list_for_each (link, &c->live) {
        struct model_execution *e = list_entry(link, struct model_execution, live_link);
        if (!e->definition || status_ended(e->state.status)) continue;
        if (!found_by(e, &event->answer.rule, &stage, &rule)) continue;
        answered(c, e, stage, rule, event);
        return;
    }
}

/* ---- what is to be asked ---- */

static void questions_of(const struct model_execution *e, struct arena *arena,
                         struct rule_question *all, size_t *count)
{
    for (size_t s = 0; s < e->state.stage_count; s++)
        for (size_t r = e->stages[s].action_count; r < model_subjects(e, s); r++) {
            const struct action_state *state = model_action(e, s, r);
            if (*count == VIEW_QUESTIONS_MAX) return;
            if (state->status != STATUS_IN_PROGRESS) continue;
            if (!asked_outside(model_rule_definition(e, s, r)->kind)) continue;
            all[(*count)++] = (struct rule_question){
                .rule = state->id,
                .url = variables_setting(e, s, r, "Url", arena),
                .query = variables_setting(e, s, r, "Query", arena),
            };
        }
}

size_t coordinator_view_questions(const struct coordinator *coordinator, struct arena *arena,
                                  const struct rule_question **out)
{
    struct rule_question *all = arena_calloc(arena, VIEW_QUESTIONS_MAX, sizeof *all);
    size_t count = 0;
    list_for_each (link, &coordinator->live) {
        const struct model_execution *e = list_entry(link, struct model_execution, live_link);
        if (e->definition && !status_ended(e->state.status)) questions_of(e, arena, all, &count);
    }
    *out = all;
    return count;
}
