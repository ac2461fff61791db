/* Custom actions: who gets a job, who may say how it ended, and what is refused. */
#include "core/custom.h"
#include "fixture.h"
#include "shell/definition_group.h"

#include <string.h>

static const char type_text[] =
    "{\"customActionType\": {\"category\": \"Test\", \"provider\": \"Tool\", \"version\": \"1\",\n"
    " \"configurationProperties\": [\n"
    "  {\"name\": \"Suite\", \"required\": true, \"queryable\": true, \"key\": true},\n"
    "  {\"name\": \"Key\", \"secret\": true, \"required\": false, \"key\": false}],\n"
    " \"inputArtifactDetails\": {\"minimumCount\": 1, \"maximumCount\": 1},\n"
    " \"outputArtifactDetails\": {\"minimumCount\": 0, \"maximumCount\": 0}}}";

static void begin(struct world *w, const char *definition)
{
    world_init(w);
    world_connect(w);
    assert_int_equal(world_apply(w, type_text)->failure.code, ERR_NONE);
    assert_int_equal(world_apply(w, definition)->failure.code, ERR_NONE);
    world_source(w, "xr", "Source", "v1");
}

static struct request ask(struct world *w, enum custom_verb verb)
{
    struct request request = { .kind = REQUEST_CUSTOM };
    request.custom = (struct custom_request){ .submission = id_new_uuid(&w->random),
                                              .verb = verb,
                                              .type = "Test/Tool/1",
                                              .continuation = "",
                                              .summary = "",
                                              .external_id = "" };
    return request;
}

static const struct reply *send(struct world *w, struct request *request)
{
    return world_request(w, request, ROLE_DEPLOYER);
}

static size_t poll(struct world *w, struct custom_job *out)
{
    struct request request = ask(w, CUSTOM_POLL);
    const struct reply *reply = send(w, &request);
    assert_int_equal(reply->failure.code, ERR_NONE);
    if (reply->job_count) *out = reply->jobs[0];
    return reply->job_count;
}

static const struct reply *acknowledge(struct world *w, const struct custom_job *job)
{
    struct request request = ask(w, CUSTOM_ACKNOWLEDGE);
    request.custom.job = job->job;
    request.custom.nonce = job->nonce;
    return send(w, &request);
}

/* Its texts end with the next step. */
static struct custom_job take(struct world *w)
{
    struct custom_job job;
    assert_int_equal(poll(w, &job), 1);
    assert_int_equal(acknowledge(w, &job)->failure.code, ERR_NONE);
    return job;
}

static const struct action_state *state_of(struct world *w)
{
    return world_action(w, "xr", 1, 0);
}

static void assert_refused(const struct reply *reply, const char *exception)
{
    if (reply->failure.code == ERR_NONE) fail_msg("not refused: %s", exception);
    if (!text_starts(reply->failure.cause, exception)) fail_msg("%s", reply->failure.cause);
}

/* ---- types ---- */

static void a_type_that_means_nothing_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        { "{\"customActionType\": []}", "must be a mapping" },
        { "{\"customActionType\": {\"name\": 1}}", "unknown field" },
        { "{\"customActionType\": {\"category\": \"Source\", \"provider\": \"T\", \"version\": "
          "\"1\"}}",
          "must be one of Build" },
        { "{\"customActionType\": {\"category\": \"Test\", \"provider\": \"T/T\", \"version\": "
          "\"1\"}}",
          "letters, digits" },
        { "{\"customActionType\": {\"category\": \"Test\", \"provider\": \"T\", \"version\": "
          "\"1\"}}",
          "inputArtifactDetails and outputArtifactDetails are needed" },
        { "{\"customActionType\": {\"category\": \"Test\", \"provider\": \"T\", \"version\": "
          "\"1\", \"inputArtifactDetails\": {\"minimumCount\": 2, \"maximumCount\": 1}}}",
          "0 to 5" },
        { "{\"customActionType\": {\"category\": \"Test\", \"provider\": \"T\", \"version\": "
          "\"1\", \"inputArtifactDetails\": {\"minimumCount\": 0, \"maximumCount\": 1}, "
          "\"outputArtifactDetails\": {\"minimumCount\": 0, \"maximumCount\": 1}}}",
          "not supported yet" },
        { "{\"customActionType\": {\"category\": \"Test\", \"provider\": \"T\", \"version\": "
          "\"1\", \"configurationProperties\": [{\"name\": \"a\"}, {\"name\": \"a\"}]}}",
          "another property" },
        { "{\"customActionType\": {\"category\": \"Test\", \"provider\": \"T\", \"version\": "
          "\"1\", \"configurationProperties\": [{\"name\": \"\"}]}}",
          "1 to 50" },
        { "{\"customActionType\": {\"category\": \"Test\", \"provider\": \"T\", \"version\": "
          "\"1\", \"configurationProperties\": [{\"name\": \"a\", \"secret\": true, "
          "\"queryable\": true}]}}",
          "cannot be queryable" },
        { "{\"customActionType\": {\"category\": \"Test\", \"provider\": \"T\", \"version\": "
          "\"1\", \"configurationProperties\": [{\"name\": \"a\", \"secret\": \"no\"}]}}",
          "true or false" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        struct deploy_resource *parsed;
        const struct problem *problems;
        size_t count;
        arena_init(&arena, 1 << 20);
        if (definition_group("t.json", bytes_of_text(rows[i].text), &arena, &parsed, &problems,
                             &count))
            fail_msg("row %zu is taken", i);
        if (!strstr(problems[0].text, rows[i].says)) fail_msg("row %zu: %s", i, problems[0].text);
        assert_int_equal(problems[0].line, 1);
        arena_deinit(&arena);
    }
}

static void a_pipeline_names_a_type_that_there_is(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    const struct reply *reply = world_apply(&w, "xr Prod=@Tests");
    assert_int_equal(reply->problem_count, 1);
    assert_non_null(strstr(reply->problems[0].text, "no action type Test/Tool/1"));
    assert_int_equal(world_apply(&w, type_text)->failure.code, ERR_NONE);
    assert_int_equal(world_apply(&w, "xr Prod=@Tests")->failure.code, ERR_NONE);
    static const char other[] =
        "{\"customActionType\": {\"category\": \"Test\", \"provider\": \"Tool\", \"version\": "
        "\"1\", \"configurationProperties\": [{\"name\": \"Needed\", \"required\": true}],\n"
        " \"inputArtifactDetails\": {\"minimumCount\": 2, \"maximumCount\": 3},\n"
        " \"outputArtifactDetails\": {\"minimumCount\": 0, \"maximumCount\": 0}}}";
    assert_int_equal(world_apply(&w, other)->failure.code, ERR_NONE);
    reply = world_apply(&w, "xr Prod=@Others");
    assert_int_equal(reply->problem_count, 4); /* artifacts, two settings, one missing */
    world_deinit(&w);
}

/* ---- the life of a job ---- */

static void a_job_is_polled_acknowledged_and_ended_by_one(void **state)
{
    (void)state;
    struct world w;
    const struct variable given = { "Report", "r-1" };
    begin(&w, "xr Prod=@Tests Then=us-west-2");
    world_tell(&w, __func__);
    struct custom_job job, again;
    assert_int_equal(state_of(&w)->custom.status, CUSTOM_QUEUED);
    assert_int_equal(poll(&w, &job), 1);
    assert_string_equal(job.pipeline, "xr");
    assert_string_equal(job.stage, "Prod");
    assert_string_equal(job.action, "Tests");
    assert_string_equal(job.type, "Test/Tool/1");
    assert_int_equal(poll(&w, &again), 0);
    assert_int_equal(acknowledge(&w, &job)->failure.code, ERR_NONE);
    assert_int_equal(acknowledge(&w, &job)->failure.code, ERR_NONE); /* its answer was lost */
    assert_int_equal(state_of(&w)->custom.status, CUSTOM_IN_PROGRESS);
    world_restart(&w);
    assert_int_equal(state_of(&w)->custom.status, CUSTOM_IN_PROGRESS);
    struct request request = ask(&w, CUSTOM_SUCCEED);
    request.custom.job = job.job;
    request.custom.summary = "all good";
    request.custom.external_id = "run-7";
    request.custom.pairs = &given;
    request.custom.pair_count = 1;
    assert_int_equal(send(&w, &request)->failure.code, ERR_NONE);
    assert_int_equal(state_of(&w)->status, STATUS_SUCCEEDED);
    assert_non_null(strstr(state_of(&w)->summary, "all good"));
    assert_string_equal(state_of(&w)->custom.external_id, "run-7");
    assert_string_equal(state_of(&w)->variables[0].value, "r-1");
    assert_int_equal(send(&w, &request)->failure.code, ERR_NONE); /* its answer was lost */
    request.custom.submission = id_new_uuid(&w.random);
    assert_refused(send(&w, &request), "InvalidJobStateException: the job is Succeeded");
    assert_int_equal(world_view(&w, "xr")->execution.stages[2].status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void a_failure_ends_the_action_with_its_message(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=@Tests");
    const struct custom_job job = take(&w);
    struct request request = ask(&w, CUSTOM_FAIL);
    request.custom.job = job.job;
    assert_refused(send(&w, &request), "ValidationException: a failure has a message");
    request.custom.summary = "3 of 9 failed";
    assert_int_equal(send(&w, &request)->failure.code, ERR_NONE);
    assert_int_equal(state_of(&w)->status, STATUS_FAILED);
    assert_int_equal(state_of(&w)->custom.status, CUSTOM_FAILED);
    assert_non_null(strstr(state_of(&w)->error_message, ": 3 of 9 failed"));
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    world_deinit(&w);
}

static void a_continuation_is_another_job(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=@Tests");
    world_tell(&w, __func__);
    const struct custom_job first = take(&w);
    struct request request = ask(&w, CUSTOM_SUCCEED);
    request.custom.job = first.job;
    request.custom.continuation = "page-2";
    request.custom.percent = 101;
    assert_refused(send(&w, &request), "ValidationException: a percentage");
    request.custom.percent = 40;
    assert_int_equal(send(&w, &request)->failure.code, ERR_NONE);
    assert_string_equal(state_of(&w)->summary, "goes on with the next poll (40 %)");
    assert_int_equal(state_of(&w)->status, STATUS_IN_PROGRESS);
    request.custom.submission = id_new_uuid(&w.random);
    assert_refused(send(&w, &request), "JobNotFoundException");
    struct custom_job second;
    assert_int_equal(poll(&w, &second), 1);
    assert_string_equal(second.continuation, "page-2");
    assert_false(id_equal(&first.job, &second.job));
    assert_int_equal(acknowledge(&w, &second)->failure.code, ERR_NONE);
    request = ask(&w, CUSTOM_SUCCEED);
    request.custom.job = second.job;
    assert_int_equal(send(&w, &request)->failure.code, ERR_NONE);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void what_is_not_acknowledged_goes_to_the_next(void **state)
{
    (void)state;
    struct world w;
    struct custom_job first, second;
    begin(&w, "xr Prod=@Tests");
    assert_int_equal(poll(&w, &first), 1);
    world_sleep(&w, CUSTOM_DISPATCH_MS - 1);
    assert_int_equal(poll(&w, &second), 0);
    world_sleep(&w, 1);
    assert_int_equal(poll(&w, &second), 1);
    assert_true(id_equal(&first.job, &second.job));
    assert_refused(acknowledge(&w, &first), "InvalidNonceException");
    struct request request = ask(&w, CUSTOM_SUCCEED);
    request.custom.job = first.job;
    assert_refused(send(&w, &request),
                   "InvalidJobStateException: the job is Dispatched, and was not acknowledged");
    assert_int_equal(acknowledge(&w, &second)->failure.code, ERR_NONE);
    world_deinit(&w);
}

static void only_its_holder_may_end_a_job(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=@Tests");
    const struct custom_job job = take(&w);
    struct request request = ask(&w, CUSTOM_SUCCEED);
    request.custom.job = job.job;
    w.client = "other";
    assert_refused(send(&w, &request), "InvalidClientTokenException");
    assert_refused(acknowledge(&w, &job), "InvalidJobStateException");
    w.client = NULL;
    assert_int_equal(send(&w, &request)->failure.code, ERR_NONE);
    world_deinit(&w);
}

static void a_poll_may_ask_for_queryable_settings(void **state)
{
    (void)state;
    struct world w;
    const struct variable none = { "Suite", "some" }, all = { "Suite", "all" },
                          secret = { "Key", "canary" };
    begin(&w, "xr Prod=@Tests");
    struct request request = ask(&w, CUSTOM_POLL);
    request.custom.pair_count = 1;
    request.custom.pairs = &secret;
    assert_refused(send(&w, &request), "ValidationException: Key is not a queryable");
    request.custom.pairs = &none;
    assert_int_equal(send(&w, &request)->job_count, 0);
    request.custom.type = "Test/Tool/2";
    assert_refused(send(&w, &request), "ActionTypeNotFoundException");
    request.custom.type = "Test/Tool/1";
    request.custom.pairs = &all;
    assert_int_equal(send(&w, &request)->job_count, 1);
    world_deinit(&w);
}

static void secrets_are_shown_to_the_holder_only(void **state)
{
    (void)state;
    struct world w;
    bool holds;
    struct custom_job seen;
    begin(&w, "xr Prod=@Tests");
    const struct custom_job job = take(&w);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_true(coordinator_view_custom_job(w.c, &job.job, "other", &arena, &seen, &holds));
    assert_false(holds);
    assert_string_equal(seen.settings[0].value, "all");
    assert_string_equal(seen.settings[1].value, "***");
    assert_true(coordinator_view_custom_job(w.c, &job.job, state_of(&w)->updated_by, &arena, &seen,
                                            &holds));
    assert_true(holds);
    assert_string_equal(seen.settings[1].value, "canary");
    assert_int_equal(seen.input_count, 1);
    assert_string_equal(seen.inputs[0].ref.version_id, "v1");
    arena_deinit(&arena);
    world_deinit(&w);
}

/* ---- ends that nobody told ---- */

static void a_stop_gives_up_what_nobody_holds(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=@Tests");
    world_stop(&w, world_view(&w, "xr")->execution.id.text, false);
    assert_int_equal(state_of(&w)->status, STATUS_ABANDONED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_STOPPED);
    world_deinit(&w);
}

static void a_stop_waits_for_the_holder_unless_it_abandons(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=@Tests");
    const struct custom_job job = take(&w);
    world_stop(&w, world_view(&w, "xr")->execution.id.text, false);
    assert_int_equal(state_of(&w)->status, STATUS_IN_PROGRESS);
    world_stop(&w, world_view(&w, "xr")->execution.id.text, true);
    assert_int_equal(state_of(&w)->status, STATUS_ABANDONED);
    struct request request = ask(&w, CUSTOM_SUCCEED);
    request.custom.job = job.job;
    assert_refused(send(&w, &request), "InvalidJobStateException: the job is Failed");
    world_deinit(&w);
}

static void a_job_ends_by_its_actions_time(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=@Tests");
    (void)take(&w);
    world_sleep(&w, state_of(&w)->deadline_ms - w.now_ms);
    assert_int_equal(state_of(&w)->status, STATUS_FAILED);
    assert_int_equal(state_of(&w)->custom.status, CUSTOM_TIMED_OUT);
    assert_non_null(strstr(state_of(&w)->error_message, "works on it"));
    world_deinit(&w);
}

static void a_retry_is_a_new_job(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=@Tests");
    const struct custom_job first = take(&w);
    struct request request = ask(&w, CUSTOM_FAIL);
    request.custom.job = first.job;
    request.custom.summary = "flaky";
    assert_int_equal(send(&w, &request)->failure.code, ERR_NONE);
    struct request retry = { .kind = REQUEST_RETRY };
    retry.retry =
        (struct retry_request){ id_new_uuid(&w.random), "xr", "", "", RETRY_FAILED_ACTIONS };
    assert_int_equal(send(&w, &retry)->failure.code, ERR_NONE);
    const struct custom_job second = take(&w);
    assert_false(id_equal(&first.job, &second.job));
    assert_string_equal(state_of(&w)->custom.continuation, "");
    world_deinit(&w);
}

/* It is asked for in the pipeline's own region only when what it takes is there. */
static void a_job_waits_for_its_artifact(void **state)
{
    (void)state;
    struct world w;
    struct custom_job job;
    world_init(&w);
    world_connect(&w);
    world_fleet(&w, "w1", "us-west-2", "bob", "us-east-1", (const char *)NULL);
    world_hello(&w, "bob", "us-east-1", 1, 4);
    assert_int_equal(world_apply(&w, type_text)->failure.code, ERR_NONE);
    assert_int_equal(world_apply(&w, "xr Make=!us-east-1 Prod=@Tests")->failure.code, ERR_NONE);
    world_source(&w, "xr", "Source", "v1");
    struct job copy = *world_offer(&w, "bob");
    world_result(&w, 4, &copy, STATUS_SUCCEEDED);
    struct job build = *world_offer(&w, "bob");
    world_result(&w, 4, &build, STATUS_SUCCEEDED);
    assert_int_equal(world_action(&w, "xr", 2, 0)->custom.status, CUSTOM_CREATED);
    assert_non_null(strstr(world_action(&w, "xr", 2, 0)->summary, "waits for the copy"));
    struct job back = *world_offer(&w, "w1");
    assert_int_equal(poll(&w, &job), 0);
    world_result(&w, 1, &back, STATUS_SUCCEEDED);
    assert_int_equal(poll(&w, &job), 1);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_that_means_nothing_is_refused),
        cmocka_unit_test(a_pipeline_names_a_type_that_there_is),
        cmocka_unit_test(a_job_is_polled_acknowledged_and_ended_by_one),
        cmocka_unit_test(a_failure_ends_the_action_with_its_message),
        cmocka_unit_test(a_continuation_is_another_job),
        cmocka_unit_test(what_is_not_acknowledged_goes_to_the_next),
        cmocka_unit_test(only_its_holder_may_end_a_job),
        cmocka_unit_test(a_poll_may_ask_for_queryable_settings),
        cmocka_unit_test(secrets_are_shown_to_the_holder_only),
        cmocka_unit_test(a_stop_gives_up_what_nobody_holds),
        cmocka_unit_test(a_stop_waits_for_the_holder_unless_it_abandons),
        cmocka_unit_test(a_job_ends_by_its_actions_time),
        cmocka_unit_test(a_retry_is_a_new_job),
        cmocka_unit_test(a_job_waits_for_its_artifact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
