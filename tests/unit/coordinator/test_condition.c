/* Conditions: what is asked before a stage, behind it and when it has failed, and what follows. */
#include "core/rule.h"
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#define MINUTE UINT64_C(60000)
#define HOUR   (60 * MINUTE)

static void begin(struct world *w, const char *definition)
{
    world_init(w);
    world_connect(w);
    w->now_ms += HOUR - w->now_ms % HOUR; /* the hour has just begun */
    assert_int_equal(world_apply(w, definition)->failure.code, ERR_NONE);
}

static const struct stage_state *prod(struct world *w)
{
    return &world_view(w, "xr")->execution.stages[1];
}

static const struct action_state *rule(struct world *w, size_t index)
{
    assert_true(index < prod(w)->rule_count);
    return &prod(w)->rules[index];
}

static enum status of_all(struct world *w)
{
    return world_view(w, "xr")->execution.status;
}

static const char *summary(struct world *w)
{
    return world_view(w, "xr")->execution.status_summary;
}

static void pass(struct world *w, uint64_t ms)
{
    world_sleep(w, ms);
    world_heartbeat(w, "w1", 1, 1, NULL, 0);
    world_heartbeat(w, "e1", 1, 2, NULL, 0);
}

static void deploy(struct world *w, enum status status)
{
    world_finish(w, "xr", "w1", 1, status);
}

static void alarm_set(struct world *w, bool raise)
{
    struct request request = { .kind = REQUEST_ALARM };
    request.alarm = (struct alarm_request){ "errors", raise, "5 %" };
    assert_int_equal(world_request(w, &request, ROLE_DEPLOYER)->failure.code, ERR_NONE);
}

static void answer(struct world *w, const struct id *id, enum answer_verdict verdict,
                   const char *text)
{
    struct coordinator_event event = { .type = COORDINATOR_ANSWER };
    event.answer.rule = *id;
    event.answer.verdict = verdict;
    event.answer.text = text;
    world_step(w, &event);
}

/* Of the newest execution's stage Prod. */
static struct request override_of(struct world *w, enum condition_type type)
{
    struct request request = { .kind = REQUEST_OVERRIDE };
    request.override = (struct override_request){ .submission = id_new_uuid(&w->random),
                                                  .pipeline = "xr",
                                                  .execution = "",
                                                  .stage = "Prod",
                                                  .condition = type,
                                                  .reason = "" };
    return request;
}

static const struct reply * override(struct world *w, const char *stage, enum condition_type type)
{
    struct request request = override_of(w, type);
    request.override.stage = stage;
    request.override.reason = "we know";
    return world_request(w, &request, ROLE_DEPLOYER);
}

/* ---- before entry ---- */

static void a_window_holds_the_stage_until_it_opens(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;office:window:30=us-west-2");
    world_tell(&w, __func__);
    world_run(&w, "xr", "", "v1");
    assert_int_equal(prod(&w)->status, STATUS_IN_PROGRESS);
    assert_int_equal(rule(&w, 0)->status, STATUS_IN_PROGRESS);
    assert_non_null(strstr(rule(&w, 0)->summary, "the window opens at "));
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_PENDING);
    pass(&w, 20 * MINUTE);
    world_restart(&w);
    world_connect(&w);
    assert_int_equal(rule(&w, 0)->status, STATUS_IN_PROGRESS);
    pass(&w, 10 * MINUTE - 1000);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_PENDING);
    pass(&w, 1000);
    assert_int_equal(rule(&w, 0)->status, STATUS_SUCCEEDED);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_IN_PROGRESS);
    deploy(&w, STATUS_SUCCEEDED);
    assert_int_equal(of_all(&w), STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void a_stage_that_is_asked_holds_its_lock(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr:QUEUED Prod~entry:FAIL;office:window:30=us-west-2");
    world_run(&w, "xr", "", "v1");
    world_run(&w, "xr", "", "v2");
    assert_int_equal(prod(&w)->status, STATUS_PENDING);
    assert_int_equal(rule(&w, 0)->status, STATUS_PENDING);
    assert_non_null(strstr(summary(&w), "waits for execution"));
    world_deinit(&w);
}

static void an_entry_that_is_not_met_fails_the_stage_and_nothing_follows(void **state)
{
    (void)state;
    static const char *const failures[] = { "", "~RETRY", "~ROLLBACK" };
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        char text[120];
        snprintf(text, sizeof text, "xr Prod%s=us-west-2", failures[i]);
        begin(&w, text);
        world_run(&w, "xr", "", "v1");
        deploy(&w, STATUS_SUCCEEDED);
        snprintf(text, sizeof text, "xr Prod%s~entry:FAIL;quiet:alarm:errors:0=us-west-2",
                 failures[i]);
        assert_int_equal(world_apply(&w, text)->failure.code, ERR_NONE);
        alarm_set(&w, true);
        world_run(&w, "xr", "", "v2");
        assert_int_equal(of_all(&w), STATUS_FAILED);
        assert_int_equal(world_view(&w, "xr")->execution.type, TYPE_STANDARD);
        assert_string_equal(summary(&w), "condition beforeEntry of stage Prod is not met: quiet: "
                                         "alarm errors is raised: 5 %");
        assert_int_equal(prod(&w)->auto_retries, 0);
        assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_PENDING);
        assert_null(world_job(&w, "xr", "w1"));
        world_deinit(&w);
    }
}

static void an_entry_that_is_not_met_may_leave_the_stage_out(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:SKIP;tagged:var:v1:EQ:v2=us-west-2 End=us-west-2");
    world_run(&w, "xr", "", "v1");
    assert_int_equal(prod(&w)->status, STATUS_SKIPPED);
    assert_string_equal(rule(&w, 0)->error_message, "'v1' EQ 'v2' does not hold");
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_PENDING);
    assert_int_equal(world_action(&w, "xr", 2, 0)->status, STATUS_IN_PROGRESS);
    deploy(&w, STATUS_SUCCEEDED);
    assert_int_equal(of_all(&w), STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void the_first_rule_that_fails_decides(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;office:window:30;quiet:alarm:errors:10=us-west-2");
    world_run(&w, "xr", "", "v1");
    assert_int_equal(rule(&w, 0)->status, STATUS_IN_PROGRESS);
    assert_non_null(strstr(rule(&w, 1)->summary, "alarm errors is watched until"));
    alarm_set(&w, true);
    assert_int_equal(rule(&w, 0)->status, STATUS_ABANDONED);
    assert_string_equal(rule(&w, 0)->summary, "another rule has failed");
    assert_int_equal(rule(&w, 1)->status, STATUS_FAILED);
    assert_int_equal(of_all(&w), STATUS_FAILED);
    world_deinit(&w);
}

static void all_rules_have_to_be_met(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;office:window:30;quiet:alarm:errors:10=us-west-2");
    world_run(&w, "xr", "", "v1");
    pass(&w, 10 * MINUTE);
    assert_int_equal(rule(&w, 1)->status, STATUS_SUCCEEDED);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_PENDING);
    alarm_set(&w, true); /* it was quiet when it was asked */
    pass(&w, 20 * MINUTE);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void what_nobody_answers_in_time_has_failed(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;watch:http:http+h:0=us-west-2");
    world_run(&w, "xr", "", "v1");
    pass(&w, HOUR - 1);
    assert_int_equal(rule(&w, 0)->status, STATUS_IN_PROGRESS);
    pass(&w, 1);
    assert_int_equal(of_all(&w), STATUS_FAILED);
    assert_string_equal(rule(&w, 0)->error_message, "timed out: nobody has answered");
    world_deinit(&w);
}

static void values_are_compared_by_each_operator(void **state)
{
    (void)state;
    static const struct {
        const char *value, *operator, * other;
        bool holds;
    } rows[] = {
        { "main", "EQ", "main", true },
        { "main", "EQ", "Main", false },
        { "main", "NE", "main", false },
        { "main", "NE", "dev", true },
        { "fix-main", "CONTAINS", "main", true },
        { "fix", "CONTAINS", "main", false },
        { "v12", "MATCHES", "v[0-9]+", true },
        { "v12x", "MATCHES", "v[0-9]+", false },
        { "xv12", "MATCHES", "v[0-9]+", false },
        { "b", "MATCHES", "a|b", true },
        { "a)*+?", "MATCHES", "a[)]+[]*+?]*", true },
        { "a.b", "MATCHES", "a\\.*b", true },
        { "ab", "MATCHES", "a|b", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        char text[160];
        snprintf(text, sizeof text, "xr Prod~entry:FAIL;r:var:%s:%s:%s=us-west-2", rows[i].value,
                 rows[i].operator, rows[i].other);
        begin(&w, text);
        world_run(&w, "xr", "", "v1");
        bool held = rule(&w, 0)->status == STATUS_SUCCEEDED;
        if (held != rows[i].holds) fail_msg("%s: %s", text, rule(&w, 0)->error_message);
        world_deinit(&w);
    }
}

static void what_cannot_be_compared_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *operator, * value, *says;
    } rows[] = {
        { "LIKE", "a", "write EQ, NE, CONTAINS or MATCHES" },
        { "MATCHES", "(a", "Unmatched" },
        { "MATCHES", "(a)\\1", "no back-reference" },
        { "MATCHES", "a{2}", "no {}" },
        { "MATCHES", "(a*)*", "not behind a group" },
        { "MATCHES", "(a)+", "not behind a group" },
        { "MATCHES", "a*+", "or each other" },
        { "MATCHES", "*a", "or each other" },
        { "MATCHES", "[[a)*", "Unmatched" },
        { "MATCHES", "[)]*)+", "not behind a group" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        char text[160];
        world_init(&w);
        snprintf(text, sizeof text, "xr Prod~entry:FAIL;r:var:a:%s:%s=us-west-2", rows[i].operator,
                 rows[i].value);
        const struct reply *reply = world_apply(&w, text);
        assert_int_equal(reply->failure.code, ERR_INVALID);
        assert_true(reply->problem_count > 0);
        if (!strstr(reply->problems[0].text, rows[i].says)) fail_msg("%s", reply->problems[0].text);
        world_deinit(&w);
    }
}

static void a_pattern_has_a_greatest_length(void **state)
{
    (void)state;
    struct arena arena;
    char pattern[258];
    arena_init(&arena, 1 << 20);
    memset(pattern, 'a', sizeof pattern);
    pattern[257] = '\0';
    assert_non_null(rule_pattern_flaw(pattern, &arena));
    pattern[256] = '\0';
    assert_null(rule_pattern_flaw(pattern, &arena));
    arena_deinit(&arena);
}

/* ---- asked outside ---- */

static void what_is_asked_is_listed_while_it_waits(void **state)
{
    (void)state;
    struct world w;
    const struct rule_question *list = NULL;
    begin(&w, "xr Prod~entry:FAIL;up:http:shop:0=us-west-2");
    assert_int_equal(coordinator_view_questions(w.c, &w.arena, &list), 0);
    world_run(&w, "xr", "", "v1");
    assert_int_equal(coordinator_view_questions(w.c, &w.arena, &list), 1);
    assert_string_equal(list[0].rule.text, rule(&w, 0)->id.text);
    assert_string_equal(list[0].url, "https://shop");
    assert_string_equal(list[0].query, "");
    struct id other = id_new_uuid(&w.random);
    answer(&w, &other, ANSWER_GOOD, "200"); /* of nobody */
    assert_int_equal(rule(&w, 0)->status, STATUS_IN_PROGRESS);
    answer(&w, &list[0].rule, ANSWER_NONE, "refused");
    assert_int_equal(rule(&w, 0)->status, STATUS_IN_PROGRESS);
    assert_string_equal(rule(&w, 0)->summary, "no answer: refused");
    answer(&w, &list[0].rule, ANSWER_GOOD, "the answer is 200");
    assert_int_equal(rule(&w, 0)->status, STATUS_SUCCEEDED);
    assert_string_equal(rule(&w, 0)->summary, "the answer is 200");
    assert_int_equal(coordinator_view_questions(w.c, &w.arena, &list), 0);
    answer(&w, &rule(&w, 0)->id, ANSWER_BAD, "late");
    assert_int_equal(rule(&w, 0)->status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void what_is_watched_has_to_be_good_at_the_end(void **state)
{
    (void)state;
    for (int bad = 0; bad < 2; bad++) {
        struct world w;
        begin(&w, "xr Prod~success:FAIL;up:http:shop:5=us-west-2");
        world_run(&w, "xr", "", "v1");
        assert_int_equal(rule(&w, 0)->status, STATUS_PENDING);
        deploy(&w, STATUS_SUCCEEDED);
        struct id id = rule(&w, 0)->id;
        answer(&w, &id, ANSWER_GOOD, "the answer is 200");
        assert_non_null(strstr(rule(&w, 0)->summary, "the answer is 200; watched until "));
        pass(&w, 4 * MINUTE);
        answer(&w, &id, bad ? ANSWER_BAD : ANSWER_GOOD, "the answer is 503");
        if (bad) {
            assert_int_equal(of_all(&w), STATUS_FAILED);
            assert_string_equal(rule(&w, 0)->error_message, "the answer is 503");
        } else {
            pass(&w, MINUTE);
            assert_int_equal(of_all(&w), STATUS_IN_PROGRESS); /* time alone is no answer */
            answer(&w, &id, ANSWER_GOOD, "the answer is 200");
            assert_int_equal(of_all(&w), STATUS_SUCCEEDED);
        }
        world_deinit(&w);
    }
}

/* ---- on success ---- */

static void a_success_that_is_not_met_goes_back(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~success:ROLLBACK;quiet:alarm:errors:10=us-west-2");
    world_run(&w, "xr", "", "v1");
    deploy(&w, STATUS_SUCCEEDED);
    assert_int_equal(prod(&w)->status, STATUS_IN_PROGRESS);
    pass(&w, 10 * MINUTE);
    assert_int_equal(of_all(&w), STATUS_SUCCEEDED);
    world_tell(&w, __func__);
    world_run(&w, "xr", "", "v2");
    deploy(&w, STATUS_SUCCEEDED);
    pass(&w, MINUTE);
    alarm_set(&w, true);
    assert_int_equal(world_view(&w, "xr")->execution.type, TYPE_ROLLBACK);
    assert_int_equal(prod(&w)->rule_count, 0); /* it is asked nothing */
    deploy(&w, STATUS_SUCCEEDED);
    assert_int_equal(of_all(&w), STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void a_success_that_is_not_met_fails_like_any_failure(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~RETRY~success:FAIL;quiet:alarm:errors:10=us-west-2");
    world_run(&w, "xr", "", "v1");
    deploy(&w, STATUS_SUCCEEDED);
    struct id first = rule(&w, 0)->id;
    alarm_set(&w, true);
    /* Tried again once: the actions have succeeded, the rule is asked anew. */
    assert_int_equal(prod(&w)->auto_retries, 1);
    assert_false(id_equal(&rule(&w, 0)->id, &first));
    assert_int_equal(of_all(&w), STATUS_FAILED);
    assert_non_null(strstr(summary(&w), "condition onSuccess of stage Prod is not met: quiet"));
    alarm_set(&w, false);
    assert_int_equal(world_retry(&w, RETRY_FAILED_ACTIONS)->failure.code, ERR_NONE);
    assert_null(world_job(&w, "xr", "e1"));
    pass(&w, 10 * MINUTE);
    assert_int_equal(of_all(&w), STATUS_SUCCEEDED);
    world_deinit(&w);
}

/* ---- on failure ---- */

static void a_failure_is_answered_when_its_condition_is_met(void **state)
{
    (void)state;
    for (int met = 0; met < 2; met++) {
        struct world w;
        begin(&w, "xr Prod~failure:ROLLBACK;down:alarm:errors:0=us-west-2");
        world_run(&w, "xr", "", "v1");
        deploy(&w, STATUS_SUCCEEDED);
        assert_int_equal(of_all(&w), STATUS_SUCCEEDED);
        if (!met) alarm_set(&w, true);
        world_run(&w, "xr", "", "v2");
        deploy(&w, STATUS_FAILED);
        assert_int_equal(world_view(&w, "xr")->execution.type, met ? TYPE_ROLLBACK : TYPE_STANDARD);
        if (!met) assert_string_equal(summary(&w), "stage Prod failed");
        world_deinit(&w);
    }
}

static void a_failure_is_tried_again_when_its_condition_is_met(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~failure:RETRY;calm:alarm:errors:5=us-west-2");
    world_run(&w, "xr", "", "v1");
    deploy(&w, STATUS_FAILED);
    assert_int_equal(prod(&w)->status, STATUS_IN_PROGRESS);
    assert_int_equal(rule(&w, 0)->status, STATUS_IN_PROGRESS);
    world_restart(&w);
    world_connect(&w);
    pass(&w, 5 * MINUTE);
    assert_int_equal(prod(&w)->auto_retries, 1);
    assert_int_equal(rule(&w, 0)->status, STATUS_PENDING);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_IN_PROGRESS);
    deploy(&w, STATUS_FAILED);
    pass(&w, 5 * MINUTE);
    assert_int_equal(of_all(&w), STATUS_FAILED); /* once */
    world_deinit(&w);
}

static void a_spoilt_bake_waits_for_what_is_asked(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~waves:us-west-2/30;us-east-1~failure:RETRY;calm:alarm:other:5="
              "us-west-2,us-east-1");
    assert_int_equal(
        world_apply(&w, "{\"deploymentGroup\": {\"applicationName\": \"app\", "
                        "\"deploymentGroupName\": \"prod\", \"deploymentConfigName\": "
                        "\"CodeDeployDefault.AllAtOnce\", \"alarmConfiguration\": {\"enabled\": "
                        "true, \"alarms\": [{\"name\": \"errors\"}]}}}")
            ->failure.code,
        ERR_NONE);
    world_run(&w, "xr", "", "v1");
    deploy(&w, STATUS_SUCCEEDED);
    assert_int_equal(prod(&w)->bake_wave, 1);
    alarm_set(&w, true);
    assert_int_equal(prod(&w)->bake_wave, 0);
    assert_int_equal(prod(&w)->status, STATUS_IN_PROGRESS);
    pass(&w, MINUTE);
    assert_int_equal(prod(&w)->bake_wave, 0); /* nothing of it begins again meanwhile */
    alarm_set(&w, false);
    pass(&w, 4 * MINUTE);
    assert_int_equal(prod(&w)->auto_retries, 1);
    assert_int_equal(prod(&w)->bake_wave, 1);
    world_deinit(&w);
}

/* ---- retry, stop ---- */

static void a_retry_asks_again_what_was_not_met(void **state)
{
    (void)state;
    for (int all = 0; all < 2; all++) {
        struct world w;
        begin(&w, "xr Prod~entry:FAIL;office:window:0=us-west-2");
        world_run(&w, "xr", "", "v1");
        assert_int_equal(rule(&w, 0)->status, STATUS_SUCCEEDED);
        pass(&w, 5 * MINUTE);
        deploy(&w, STATUS_FAILED);
        assert_int_equal(of_all(&w), STATUS_FAILED);
        world_retry(&w, all ? RETRY_ALL_ACTIONS : RETRY_FAILED_ACTIONS);
        assert_int_equal(rule(&w, 0)->status, all ? STATUS_IN_PROGRESS : STATUS_SUCCEEDED);
        assert_int_equal(world_action(&w, "xr", 1, 0)->status,
                         all ? STATUS_PENDING : STATUS_IN_PROGRESS);
        world_deinit(&w);
    }
}

static void a_stop_gives_up_what_is_asked(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;office:window:30=us-west-2");
    struct id id = world_run(&w, "xr", "", "v1")->execution;
    world_stop(&w, id.text, false);
    assert_int_equal(of_all(&w), STATUS_STOPPED);
    assert_int_equal(rule(&w, 0)->status, STATUS_ABANDONED);
    assert_int_equal(world_retry(&w, RETRY_FAILED_ACTIONS)->failure.code, ERR_NONE);
    assert_int_equal(rule(&w, 0)->status, STATUS_IN_PROGRESS);
    pass(&w, 30 * MINUTE);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

/* ---- override ---- */

static void what_cannot_be_overridden_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *stage;
        enum condition_type type;
        const char *says;
    } rows[] = {
        { "Nope", CONDITION_BEFORE_ENTRY, "the execution has no such stage" },
        { "Prod", CONDITION_ON_FAILURE, "onFailure cannot be overridden" },
        { "Source", CONDITION_BEFORE_ENTRY, "stage Source has no condition beforeEntry" },
        { "Prod", CONDITION_ON_SUCCESS,
          "condition onSuccess of stage Prod neither waits nor has failed" },
    };
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;office:window:30~success:FAIL;q:alarm:errors:1=us-west-2");
    assert_int_equal(override(&w, "Prod", CONDITION_BEFORE_ENTRY)->failure.code, ERR_NOT_FOUND);
    world_run(&w, "xr", "", "v1");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct failure *failure = &override(&w, rows[i].stage, rows[i].type)->failure;
        assert_int_equal(failure->code, ERR_CONFLICT);
        assert_true(text_starts(failure->cause, "ConditionNotOverridableException: "));
        if (!strstr(failure->cause, rows[i].says)) fail_msg("%s", failure->cause);
    }
    assert_int_equal(rule(&w, 0)->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void a_condition_that_waits_is_overridden_by_name(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;office:window:30=us-west-2");
    world_run(&w, "xr", "", "v1");
    assert_int_equal(override(&w, "", CONDITION_BEFORE_ENTRY)->failure.code, ERR_NONE);
    assert_int_equal(rule(&w, 0)->status, STATUS_SKIPPED);
    assert_string_equal(rule(&w, 0)->updated_by, "tess");
    assert_string_equal(rule(&w, 0)->summary, "overridden by tess: we know");
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void a_condition_that_has_failed_its_stage_is_overridden(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~success:FAIL;q:alarm:errors:1=us-west-2 End=us-west-2");
    alarm_set(&w, true);
    struct id first = world_run(&w, "xr", "", "v1")->execution;
    deploy(&w, STATUS_SUCCEEDED);
    assert_int_equal(of_all(&w), STATUS_FAILED);
    assert_int_equal(override(&w, "Prod", CONDITION_ON_SUCCESS)->failure.code, ERR_NONE);
    assert_int_equal(prod(&w)->status, STATUS_SUCCEEDED);
    assert_string_equal(rule(&w, 0)->error_message, "");
    assert_string_equal(rule(&w, 0)->error_code, "");
    assert_int_equal(world_action(&w, "xr", 2, 0)->status, STATUS_IN_PROGRESS);
    deploy(&w, STATUS_SUCCEEDED);
    assert_int_equal(of_all(&w), STATUS_SUCCEEDED);
    assert_string_equal(world_view(&w, "xr")->execution.id.text, first.text);
    world_deinit(&w);
}

static void an_override_is_kept_and_leaves_alone_what_is_met(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;a:var:x:EQ:x;office:window:30;b:window:40=us-west-2");
    struct id id = world_run(&w, "xr", "", "v1")->execution;
    pass(&w, MINUTE);
    struct request request = override_of(&w, CONDITION_BEFORE_ENTRY);
    assert_string_equal(world_request(&w, &request, ROLE_DEPLOYER)->execution.text, id.text);
    assert_string_equal(world_request(&w, &request, ROLE_DEPLOYER)->execution.text, id.text);
    world_restart(&w);
    assert_int_equal(rule(&w, 0)->status, STATUS_SUCCEEDED);
    assert_string_equal(rule(&w, 0)->updated_by, "");
    for (size_t r = 1; r < 3; r++) {
        assert_int_equal(rule(&w, r)->status, STATUS_SKIPPED);
        assert_int_equal(rule(&w, r)->ended_ms, w.now_ms);
        assert_string_equal(rule(&w, r)->summary, "overridden by tess");
    }
    world_deinit(&w);
}

static void only_who_deploys_may_override(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;office:window:30=us-west-2");
    world_run(&w, "xr", "", "v1");
    struct request request = override_of(&w, CONDITION_BEFORE_ENTRY);
    assert_int_equal(world_request(&w, &request, ROLE_VIEWER)->failure.code, ERR_DENIED);
    assert_int_equal(world_request(&w, &request, ROLE_APPROVER)->failure.code, ERR_DENIED);
    assert_int_equal(rule(&w, 0)->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

/* Found by the simulator: the answer of onFailure failed it again. */
static void what_was_asked_on_the_failure_is_forgotten_by_an_override(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~success:FAIL;q:alarm:errors:1~failure:ROLLBACK;c:var:a:EQ:a=us-west-2");
    alarm_set(&w, true);
    world_run(&w, "xr", "", "v1");
    deploy(&w, STATUS_SUCCEEDED);
    assert_int_equal(of_all(&w), STATUS_FAILED);
    assert_int_equal(rule(&w, 1)->status, STATUS_SUCCEEDED);
    assert_int_equal(override(&w, "Prod", CONDITION_ON_SUCCESS)->failure.code, ERR_NONE);
    assert_int_equal(rule(&w, 1)->status, STATUS_PENDING);
    assert_int_equal(of_all(&w), STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void a_newer_execution_forbids_the_override(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;q:alarm:errors:0=us-west-2");
    alarm_set(&w, true);
    struct id first = world_run(&w, "xr", "", "v1")->execution;
    alarm_set(&w, false);
    world_run(&w, "xr", "", "v2");
    struct request request = override_of(&w, CONDITION_BEFORE_ENTRY);
    request.override.execution = first.text;
    const struct failure *failure = &world_request(&w, &request, ROLE_DEPLOYER)->failure;
    assert_non_null(strstr(failure->cause, "NotLatestPipelineExecutionException"));
    world_deinit(&w);
}

static void who_waits_for_a_condition_is_told_why(void **state)
{
    (void)state;
    struct world w;
    const struct reason *reasons = NULL;
    size_t count = 0;
    struct error err;
    begin(&w, "xr Prod~entry:FAIL;office:window:30=us-west-2");
    world_run(&w, "xr", "", "v1");
    assert_true(coordinator_view_why(w.c, "xr", "", &w.arena, &reasons, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(reasons[0].code, REASON_CONDITION);
    assert_string_equal(reasons[0].action, "office");
    assert_non_null(strstr(reasons[0].text, "condition beforeEntry: the window opens at "));
    assert_string_equal(reasons[0].fix, "meridian condition override xr Prod beforeEntry");
    assert_int_equal(reasons[0].deadline_ms, rule(&w, 0)->deadline_ms);
    world_deinit(&w);
}

static void a_plan_tells_what_is_asked(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;office:window:30;quiet:alarm:errors:1~success:FAIL;up:http:h:1="
              "us-west-2>us-west-2");
    struct pipeline *parsed = world_parse("xr Prod=us-west-2");
    struct plan plan = coordinator_view_plan(w.c, parsed, &w.arena);
    assert_true(plan.changed);
    bool found = false;
    for (size_t i = 0; i < plan.change_count; i++)
        found = found || text_equal(plan.changes[i].what, "beforeEntry.conditions");
    assert_true(found);
    pipeline_free(parsed);
    parsed = world_parse("xr Prod~entry:FAIL;office:window:30;quiet:alarm:errors:1~success:FAIL;up:"
                         "http:h:1=us-west-2>us-west-2");
    plan = coordinator_view_plan(w.c, parsed, &w.arena);
    assert_int_equal(plan.step_count, 3);
    assert_non_null(strstr(plan.steps[1].note, "begins when beforeEntry is met: office, quiet"));
    assert_non_null(strstr(plan.steps[2].note, "then onSuccess is asked: up"));
    pipeline_free(parsed);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_holds_the_stage_until_it_opens),
        cmocka_unit_test(a_stage_that_is_asked_holds_its_lock),
        cmocka_unit_test(an_entry_that_is_not_met_fails_the_stage_and_nothing_follows),
        cmocka_unit_test(an_entry_that_is_not_met_may_leave_the_stage_out),
        cmocka_unit_test(the_first_rule_that_fails_decides),
        cmocka_unit_test(all_rules_have_to_be_met),
        cmocka_unit_test(what_nobody_answers_in_time_has_failed),
        cmocka_unit_test(values_are_compared_by_each_operator),
        cmocka_unit_test(what_cannot_be_compared_is_refused),
        cmocka_unit_test(a_pattern_has_a_greatest_length),
        cmocka_unit_test(what_is_asked_is_listed_while_it_waits),
        cmocka_unit_test(what_is_watched_has_to_be_good_at_the_end),
        cmocka_unit_test(a_success_that_is_not_met_goes_back),
        cmocka_unit_test(a_success_that_is_not_met_fails_like_any_failure),
        cmocka_unit_test(a_failure_is_answered_when_its_condition_is_met),
        cmocka_unit_test(a_failure_is_tried_again_when_its_condition_is_met),
        cmocka_unit_test(a_spoilt_bake_waits_for_what_is_asked),
        cmocka_unit_test(a_retry_asks_again_what_was_not_met),
        cmocka_unit_test(a_stop_gives_up_what_is_asked),
        cmocka_unit_test(what_cannot_be_overridden_is_told),
        cmocka_unit_test(a_condition_that_waits_is_overridden_by_name),
        cmocka_unit_test(a_condition_that_has_failed_its_stage_is_overridden),
        cmocka_unit_test(an_override_is_kept_and_leaves_alone_what_is_met),
        cmocka_unit_test(only_who_deploys_may_override),
        cmocka_unit_test(what_was_asked_on_the_failure_is_forgotten_by_an_override),
        cmocka_unit_test(a_newer_execution_forbids_the_override),
        cmocka_unit_test(who_waits_for_a_condition_is_told_why),
        cmocka_unit_test(a_plan_tells_what_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
