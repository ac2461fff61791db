/* Approvals, retries and rollbacks: what people and failures make of an execution. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE_MS = 60000 };

static void begin(struct world *w, const char *definition)
{
    world_init(w);
    world_connect(w);
    assert_int_equal(world_apply(w, definition)->failure.code, ERR_NONE);
}

static struct id run(struct world *w, const char *revision)
{
    struct id id = world_run(w, "xr", "", revision)->execution;
    assert_false(id_empty(&id));
    return id;
}

static const struct execution_view *view_of(struct world *w, const struct id *id)
{
    struct execution_view *out = arena_calloc(&w->arena, 1, sizeof *out);
    struct error err;
    if (!coordinator_view_execution(w->c, "", id->text, &w->arena, out, &err))
        fail_msg("%s", err.text);
    return out;
}

static const struct execution *of(struct world *w, const struct id *id)
{
    return &view_of(w, id)->execution;
}

static const struct action_state *action_of(struct world *w, const struct id *id, size_t action)
{
    return &of(w, id)->stages[1].actions[action];
}

/* Ends that worker's job of the execution that is under way. */
static void finish(struct world *w, const struct id *id, const char *worker, uint64_t session,
                   enum status status)
{
    const struct execution_view *view = view_of(w, id);
    for (size_t i = 0; i < view->job_count; i++) {
        if (view->jobs[i].status != STATUS_IN_PROGRESS) continue;
        if (!text_equal(view->jobs[i].worker, worker)) continue;
        struct job job = world_job_of(&view->jobs[i]);
        world_result(w, session, &job, status);
        return;
    }
    fail_msg("%s has no job under way", worker);
}

static const struct reply *approval(struct world *w, const struct id *id, const char *action,
                                    bool approve, const struct id *token)
{
    struct request request = { .kind = REQUEST_APPROVAL };
    request.approval.pipeline = "";
    request.approval.execution = id->text;
    request.approval.action = action;
    request.approval.approve = approve;
    request.approval.summary = "looks good";
    if (token) request.approval.token = *token;
    return world_request(w, &request, ROLE_APPROVER);
}

static const struct reply *retry(struct world *w, const struct id *id, const char *stage,
                                 enum retry_mode mode)
{
    struct request request = { .kind = REQUEST_RETRY };
    request.retry.pipeline = "";
    request.retry.execution = id->text;
    request.retry.stage = stage;
    request.retry.mode = mode;
    return world_request(w, &request, ROLE_DEPLOYER);
}

static const struct reply *rollback(struct world *w, const char *stage, const char *target)
{
    struct request request = { .kind = REQUEST_ROLLBACK };
    request.rollback.pipeline = "xr";
    request.rollback.stage = stage;
    request.rollback.target = target;
    return world_request(w, &request, ROLE_DEPLOYER);
}

#define REFUSED(answer_, exception)                                                                \
    do {                                                                                           \
        const struct reply *refused_ = (answer_);                                                  \
        assert_int_not_equal(refused_->failure.code, ERR_NONE);                                    \
        if (!text_starts(refused_->failure.cause, exception ": "))                                 \
            fail_msg("%s", refused_->failure.cause);                                               \
    } while (0)

/* ---- approvals ---- */

static void an_approval_waits_for_one_answer_and_tells_who_gave_it(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Gate=?Look>us-west-2");
    world_tell(&w, __func__);
    struct id id = run(&w, "v1");
    const struct action_state *look = action_of(&w, &id, 0);
    assert_int_equal(look->status, STATUS_IN_PROGRESS);
    assert_string_equal(look->custom_data, "look at it");
    assert_string_equal(look->url, "https://review");
    assert_false(id_empty(&look->token));
    struct id token = look->token, wrong = look->id;
    assert_null(world_job(&w, "xr", "w1"));
    REFUSED(approval(&w, &id, "", true, &wrong), "InvalidApprovalTokenException");
    REFUSED(approval(&w, &id, "Other", true, NULL), "ActionNotFoundException");
    world_restart(&w);
    world_connect(&w);
    assert_int_equal(approval(&w, &id, "Look", true, &token)->failure.code, ERR_NONE);
    look = action_of(&w, &id, 0);
    assert_int_equal(look->status, STATUS_SUCCEEDED);
    assert_string_equal(look->updated_by, "tess");
    assert_string_equal(look->summary, "looks good");
    REFUSED(approval(&w, &id, "", false, &token), "ApprovalAlreadyCompletedException");
    finish(&w, &id, "w1", 1, STATUS_SUCCEEDED);
    assert_int_equal(of(&w, &id)->status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void a_rejection_fails_the_stage_and_tells_why(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Gate=?Look>us-west-2");
    world_tell(&w, __func__);
    struct id id = run(&w, "v1");
    assert_int_equal(approval(&w, &id, "", false, NULL)->failure.code, ERR_NONE);
    assert_int_equal(of(&w, &id)->status, STATUS_FAILED);
    assert_string_equal(action_of(&w, &id, 0)->error_message, "rejected by tess: looks good");
    assert_int_equal(action_of(&w, &id, 1)->status, STATUS_PENDING);
    world_deinit(&w);
}

static void an_approval_that_nobody_gives_ends_at_its_time(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Gate=?Look");
    world_tell(&w, __func__);
    struct id id = run(&w, "v1");
    world_sleep(&w, 59 * MINUTE_MS);
    assert_int_equal(of(&w, &id)->status, STATUS_IN_PROGRESS);
    world_restart(&w);
    world_sleep(&w, MINUTE_MS);
    assert_int_equal(of(&w, &id)->status, STATUS_FAILED);
    assert_string_equal(action_of(&w, &id, 0)->error_message,
                        "the approval was not answered in time");
    REFUSED(approval(&w, &id, "", true, NULL), "ApprovalAlreadyCompletedException");
    world_deinit(&w);
}

static void a_stop_does_not_wait_for_an_answer(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Gate=?Look");
    world_tell(&w, __func__);
    struct id id = run(&w, "v1");
    world_stop(&w, id.text, false);
    assert_int_equal(of(&w, &id)->status, STATUS_STOPPED);
    assert_int_equal(action_of(&w, &id, 0)->status, STATUS_ABANDONED);
    world_deinit(&w);
}

static void two_questions_at_once_are_told_apart(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Gate=?One,?Two");
    world_tell(&w, __func__);
    struct id id = run(&w, "v1");
    assert_int_equal(approval(&w, &id, "", true, NULL)->failure.code, ERR_CONFLICT);
    assert_int_equal(approval(&w, &id, "Two", true, NULL)->failure.code, ERR_NONE);
    assert_int_equal(approval(&w, &id, "", true, NULL)->failure.code, ERR_NONE);
    assert_int_equal(of(&w, &id)->status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void only_approvers_and_admins_answer(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Gate=?Look");
    struct id id = run(&w, "v1");
    struct request request = { .kind = REQUEST_APPROVAL };
    request.approval.pipeline = request.approval.action = request.approval.summary = "";
    request.approval.execution = id.text;
    assert_int_equal(world_request(&w, &request, ROLE_DEPLOYER)->failure.code, ERR_DENIED);
    assert_int_equal(world_request(&w, &request, ROLE_VIEWER)->failure.code, ERR_DENIED);
    char summary[600];
    memset(summary, 's', sizeof summary);
    summary[513] = '\0';
    request.approval.summary = summary;
    REFUSED(world_request(&w, &request, ROLE_APPROVER), "ValidationException");
    summary[512] = '\0';
    assert_int_equal(world_request(&w, &request, ROLE_ADMIN)->failure.code, ERR_NONE);
    world_deinit(&w);
}

/* ---- retries ---- */

/* A second host in us-west-2. */
static void two_hosts(struct world *w)
{
    world_fleet(w, "w1", "us-west-2", "w2", "us-west-2", "e1", "us-east-1", (const char *)NULL);
    world_hello(w, "w2", "us-west-2", 1, 3);
}

static size_t jobs_on(struct world *w, const struct id *id, const char *worker)
{
    const struct execution_view *view = view_of(w, id);
    size_t count = 0;
    for (size_t i = 0; i < view->job_count; i++) count += text_equal(view->jobs[i].worker, worker);
    return count;
}

static void a_retry_repeats_what_failed_and_leaves_finished_hosts_alone(void **state)
{
    static const enum retry_mode modes[] = { RETRY_FAILED_ACTIONS, RETRY_ALL_ACTIONS };
    (void)state;
    for (size_t m = 0; m < 2; m++) {
        struct world w;
        begin(&w, "xr Prod=us-west-2");
        world_tell(&w, m == 0 ? "a_retry_of_what_failed" : "a_retry_of_all");
        two_hosts(&w);
        struct id id = run(&w, "v1");
        finish(&w, &id, "w1", 1, STATUS_SUCCEEDED);
        finish(&w, &id, "w2", 3, STATUS_FAILED);
        assert_int_equal(of(&w, &id)->status, STATUS_FAILED);
        struct id first = action_of(&w, &id, 0)->id,
                  deployment = view_of(&w, &id)->jobs[0].deployment;
        assert_int_equal(retry(&w, &id, "Prod", modes[m])->failure.code, ERR_NONE);
        assert_int_equal(of(&w, &id)->status, STATUS_IN_PROGRESS);
        assert_int_equal(of(&w, &id)->stages[1].manual_retries, 1);
        assert_false(id_equal(&first, &action_of(&w, &id, 0)->id));
        assert_int_equal(jobs_on(&w, &id, "w1"), 1);
        assert_int_equal(jobs_on(&w, &id, "w2"), 2);
        const struct job_state *again = world_job(&w, "xr", "w2");
        assert_false(id_equal(&again->deployment, &deployment));
        finish(&w, &id, "w2", 3, STATUS_SUCCEEDED);
        assert_int_equal(of(&w, &id)->status, STATUS_SUCCEEDED);
        assert_string_equal(action_of(&w, &id, 0)->summary, "2/2 instances");
        world_deinit(&w);
    }
}

static void a_host_that_got_something_else_meanwhile_is_not_left_alone(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2 Last=us-west-2");
    world_tell(&w, __func__);
    two_hosts(&w);
    world_request(
        &w,
        &(struct request){ .kind = REQUEST_APPLY,
                           .apply = { .file = "", .text = bytes_of_text("ot Prod=us-west-2") } },
        ROLE_ADMIN);
    struct id id = run(&w, "v1");
    finish(&w, &id, "w1", 1, STATUS_SUCCEEDED);
    finish(&w, &id, "w2", 3, STATUS_FAILED);
    struct id other = world_run(&w, "ot", "", "v2")->execution;
    finish(&w, &other, "w1", 1, STATUS_SUCCEEDED);
    finish(&w, &other, "w2", 3, STATUS_SUCCEEDED);
    assert_int_equal(retry(&w, &id, "", RETRY_FAILED_ACTIONS)->failure.code, ERR_NONE);
    assert_int_equal(jobs_on(&w, &id, "w1"), 2);
    world_deinit(&w);
}

static void what_cannot_be_retried_is_refused_by_name(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2");
    world_tell(&w, __func__);
    struct id first = run(&w, "v1");
    REFUSED(retry(&w, &first, "", RETRY_FAILED_ACTIONS), "StageNotRetryableException");
    finish(&w, &first, "w1", 1, STATUS_FAILED);
    REFUSED(retry(&w, &first, "Source", RETRY_FAILED_ACTIONS), "StageNotRetryableException");
    struct id second = run(&w, "v2");
    REFUSED(retry(&w, &first, "", RETRY_FAILED_ACTIONS), "NotLatestPipelineExecutionException");
    finish(&w, &second, "w1", 1, STATUS_SUCCEEDED);
    REFUSED(retry(&w, &second, "", RETRY_FAILED_ACTIONS), "StageNotRetryableException");
    world_deinit(&w);
}

static void a_retry_works_across_an_edit_and_after_a_stop(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2>us-west-2");
    world_tell(&w, __func__);
    struct id id = run(&w, "v1");
    world_stop(&w, id.text, false);
    finish(&w, &id, "w1", 1, STATUS_SUCCEEDED);
    assert_int_equal(of(&w, &id)->status, STATUS_STOPPED);
    world_apply(&w, "xr Live=us-west-2");
    assert_int_equal(retry(&w, &id, "", RETRY_FAILED_ACTIONS)->failure.code, ERR_NONE);
    assert_false(of(&w, &id)->stop_requested);
    world_restart(&w);
    world_connect(&w);
    finish(&w, &id, "w1", 1, STATUS_SUCCEEDED);
    assert_int_equal(of(&w, &id)->status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void a_stage_retries_itself_once(void **state)
{
    static const char *const definitions[] = { "xr Prod~RETRY=us-west-2>us-west-2",
                                               "xr Prod~RETRY_ALL=us-west-2>us-west-2" };
    (void)state;
    for (size_t d = 0; d < 2; d++) {
        struct world w;
        begin(&w, definitions[d]);
        world_tell(&w, d == 0 ? "a_stage_retries_what_failed" : "a_stage_retries_all");
        struct id id = run(&w, "v1");
        finish(&w, &id, "w1", 1, STATUS_SUCCEEDED);
        finish(&w, &id, "w1", 1, STATUS_FAILED);
        assert_int_equal(of(&w, &id)->status, STATUS_IN_PROGRESS);
        assert_int_equal(of(&w, &id)->stages[1].auto_retries, 1);
        /* The second action deployed over the first one's host: all is deployed again. */
        if (d == 1) finish(&w, &id, "w1", 1, STATUS_SUCCEEDED);
        assert_int_equal(action_of(&w, &id, 1)->status, STATUS_IN_PROGRESS);
        finish(&w, &id, "w1", 1, STATUS_FAILED);
        assert_int_equal(of(&w, &id)->status, STATUS_FAILED);
        world_deinit(&w);
    }
}

static void a_failed_copy_is_made_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-east-1");
    world_tell(&w, __func__);
    struct id id = run(&w, "v1");
    while (of(&w, &id)->status == STATUS_IN_PROGRESS) {
        finish(&w, &id, "e1", 2, STATUS_FAILED);
        if (of(&w, &id)->status != STATUS_IN_PROGRESS) break;
        world_sleep(&w, 40000);
        world_connect(&w);
    }
    assert_int_equal(of(&w, &id)->status, STATUS_FAILED);
    assert_int_equal(retry(&w, &id, "", RETRY_FAILED_ACTIONS)->failure.code, ERR_NONE);
    finish(&w, &id, "e1", 2, STATUS_SUCCEEDED);
    finish(&w, &id, "e1", 2, STATUS_SUCCEEDED);
    assert_int_equal(of(&w, &id)->status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

/* ---- rollbacks ---- */

static struct id deployed(struct world *w, const char *revision, enum status status)
{
    struct id id = run(w, revision);
    finish(w, &id, "w1", 1, status);
    return id;
}

static void a_rollback_brings_back_what_an_earlier_one_had(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=us-west-2 Last=us-west-2");
    world_tell(&w, __func__);
    struct id good = deployed(&w, "v1", STATUS_SUCCEEDED);
    finish(&w, &good, "w1", 1, STATUS_SUCCEEDED);
    struct id bad = deployed(&w, "v2", STATUS_FAILED);
    world_apply(&w, "xr Prod=us-west-2>us-west-2");
    struct id back = rollback(&w, "Prod", "")->execution;
    const struct execution *e = of(&w, &back);
    assert_int_equal(e->type, TYPE_ROLLBACK);
    assert_int_equal(e->trigger, TRIGGER_MANUAL_ROLLBACK);
    assert_true(id_equal(&e->rollback_target, &good));
    assert_int_equal(e->pipeline_version, of(&w, &good)->pipeline_version);
    assert_string_equal(e->revisions[0].revision_id, "v1");
    assert_int_equal(e->stages[0].status, STATUS_SKIPPED);
    assert_int_equal(e->stages[2].status, STATUS_SKIPPED);
    world_restart(&w);
    world_connect(&w);
    finish(&w, &back, "w1", 1, STATUS_SUCCEEDED);
    assert_int_equal(of(&w, &back)->status, STATUS_SUCCEEDED);
    assert_int_equal(of(&w, &bad)->status, STATUS_FAILED);
    REFUSED(rollback(&w, "Prod", back.text), "UnableToRollbackStageException");
    REFUSED(rollback(&w, "Prod", bad.text), "UnableToRollbackStageException");
    REFUSED(rollback(&w, "Source", good.text), "UnableToRollbackStageException");
    REFUSED(rollback(&w, "Prod", ""), "UnableToRollbackStageException");
    world_deinit(&w);
}

static void a_failed_stage_rolls_itself_back(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~ROLLBACK=us-west-2");
    world_tell(&w, __func__);
    struct id first = deployed(&w, "v0", STATUS_FAILED);
    assert_non_null(strstr(of(&w, &first)->status_summary, "no earlier execution"));
    struct id good = deployed(&w, "v1", STATUS_SUCCEEDED);
    struct id bad = deployed(&w, "v2", STATUS_FAILED);
    const struct execution *back = &world_view(&w, "xr")->execution;
    assert_int_equal(back->type, TYPE_ROLLBACK);
    assert_int_equal(back->trigger, TRIGGER_AUTOMATED_ROLLBACK);
    assert_string_equal(back->trigger_detail, bad.text);
    assert_true(id_equal(&back->rollback_target, &good));
    assert_non_null(strstr(of(&w, &bad)->status_summary, back->id.text));
    struct id id = back->id;
    /* It fails as well: that is the end of it. */
    finish(&w, &id, "w1", 1, STATUS_FAILED);
    assert_true(id_equal(&world_view(&w, "xr")->execution.id, &id));
    REFUSED(retry(&w, &bad, "", RETRY_FAILED_ACTIONS), "NotLatestPipelineExecutionException");
    assert_int_equal(retry(&w, &id, "", RETRY_FAILED_ACTIONS)->failure.code, ERR_NONE);
    world_deinit(&w);
}

static void a_rollback_goes_first_and_supersedes_nobody(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~ROLLBACK=us-west-2");
    world_tell(&w, __func__);
    deployed(&w, "v1", STATUS_SUCCEEDED);
    struct id bad = run(&w, "v2"), fix = run(&w, "v3");
    assert_int_equal(of(&w, &fix)->stages[1].status, STATUS_PENDING);
    finish(&w, &bad, "w1", 1, STATUS_FAILED);
    struct id back = world_view(&w, "xr")->execution.id;
    assert_int_equal(of(&w, &back)->type, TYPE_ROLLBACK);
    assert_int_equal(of(&w, &back)->stages[1].status, STATUS_IN_PROGRESS);
    assert_int_equal(of(&w, &fix)->status, STATUS_IN_PROGRESS);
    assert_int_equal(of(&w, &fix)->stages[1].status, STATUS_PENDING);
    finish(&w, &back, "w1", 1, STATUS_SUCCEEDED);
    finish(&w, &fix, "w1", 1, STATUS_SUCCEEDED);
    assert_int_equal(of(&w, &fix)->status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void a_parallel_pipeline_is_not_rolled_back(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr:PARALLEL Prod~ROLLBACK=us-west-2");
    deployed(&w, "v1", STATUS_SUCCEEDED);
    struct id bad = deployed(&w, "v2", STATUS_FAILED);
    assert_true(id_equal(&world_view(&w, "xr")->execution.id, &bad));
    REFUSED(rollback(&w, "Prod", ""), "UnableToRollbackStageException");
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_approval_waits_for_one_answer_and_tells_who_gave_it),
        cmocka_unit_test(a_rejection_fails_the_stage_and_tells_why),
        cmocka_unit_test(an_approval_that_nobody_gives_ends_at_its_time),
        cmocka_unit_test(a_stop_does_not_wait_for_an_answer),
        cmocka_unit_test(two_questions_at_once_are_told_apart),
        cmocka_unit_test(only_approvers_and_admins_answer),
        cmocka_unit_test(a_retry_repeats_what_failed_and_leaves_finished_hosts_alone),
        cmocka_unit_test(a_host_that_got_something_else_meanwhile_is_not_left_alone),
        cmocka_unit_test(what_cannot_be_retried_is_refused_by_name),
        cmocka_unit_test(a_retry_works_across_an_edit_and_after_a_stop),
        cmocka_unit_test(a_stage_retries_itself_once),
        cmocka_unit_test(a_failed_copy_is_made_again),
        cmocka_unit_test(a_rollback_brings_back_what_an_earlier_one_had),
        cmocka_unit_test(a_failed_stage_rolls_itself_back),
        cmocka_unit_test(a_rollback_goes_first_and_supersedes_nobody),
        cmocka_unit_test(a_parallel_pipeline_is_not_rolled_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
