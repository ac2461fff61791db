#include "fixture.h"

static void local_setup(struct fx *fx)
{
    fx_setup(fx);
    fx_teardown(fx);
    memset(fx, 0, sizeof *fx);
    fx->local = true;
    fx->now_ms = UINT64_C(1700000000000);
    fx->boot_ms = FX_T0;
    arena_init(&fx->arena, 64 << 20);
    worker_actions_init(&fx->out);
    fx_start(fx);
}

static void local_job(struct fx *fx, const struct job *job, const enum lifecycle_event *events,
                      size_t count)
{
    struct worker_event event = { .type = WORKER_LOCAL_JOB };
    event.local.job = job;
    event.local.signed_job = bytes_of(&job, sizeof job);
    event.local.events = events;
    event.local.event_count = count;
    fx_turn(fx, &event);
}

static void a_local_worker_runs_what_it_is_told_and_says_nothing(void **state)
{
    (void)state;
    struct fx *fx = calloc(1, sizeof *fx);
    assert_non_null(fx);
    local_setup(fx);
    fx_connect(fx);
    assert_int_equal(fx_count(fx, WORKER_SEND), 0);
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    const enum lifecycle_event events[] = { EVENT_AFTER_INSTALL, EVENT_BLOCK_TRAFFIC,
                                            EVENT_VALIDATE_SERVICE };
    local_job(fx, job, events, 3);
    fx_assert_started(fx, job, 0, 1);
    fx_ended(fx, job, 0, 1, STATUS_SUCCEEDED);
    fx_restart(fx);
    fx_ended(fx, job, 1, 1, STATUS_SUCCEEDED);
    assert_int_equal(fx_count(fx, WORKER_SEND), 0);
    const struct row_record *row = worker_view_row(fx->worker, &job->id);
    assert_int_equal(row->row.state, ROW_ENDED);
    assert_int_equal(row->result.status, STATUS_SUCCEEDED);
    assert_int_equal(row->result.event_count, 2);
    assert_string_equal(fx_disk_target(fx, "deploy:app/group")->last_successful.text, "");
    assert_int_equal(worker_deadline(fx->worker), UINT64_MAX);
    fx_teardown(fx);
    free(fx);
}

static void a_local_job_without_any_step_on_the_host_is_not_taken(void **state)
{
    (void)state;
    struct fx *fx = calloc(1, sizeof *fx);
    assert_non_null(fx);
    local_setup(fx);
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    const enum lifecycle_event events[] = { EVENT_BLOCK_TRAFFIC };
    local_job(fx, job, events, 1);
    assert_null(worker_view_row(fx->worker, &job->id));
    assert_int_equal(fx_count(fx, WORKER_PUT), 0);
    fx_teardown(fx);
    free(fx);
}

static void a_local_install_alone_is_what_was_last_successful(void **state)
{
    (void)state;
    struct fx *fx = calloc(1, sizeof *fx);
    assert_non_null(fx);
    local_setup(fx);
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    const enum lifecycle_event events[] = { EVENT_INSTALL };
    job->log = (struct artifact_ref){ .key = "logs/1" }; /* which no store keeps */
    local_job(fx, job, events, 1);
    fx_ended(fx, job, 0, 1, STATUS_SUCCEEDED);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    assert_string_equal(fx_disk_target(fx, "deploy:app/group")->last_successful.text,
                        "d-111111111");
    fx_teardown(fx);
    free(fx);
}

/* worker.md section 5: ApplicationStop's scripts are the installed revision's, unless the new one
 * has been unpacked already. */
static void application_stop_runs_the_current_scripts_once_they_are_there(void **state)
{
    (void)state;
    static const enum lifecycle_event before[] = { EVENT_BEFORE_BLOCK_TRAFFIC,
                                                   EVENT_APPLICATION_STOP };
    static const enum lifecycle_event after[] = { EVENT_DOWNLOAD_BUNDLE, EVENT_APPLICATION_STOP };
    for (int i = 0; i < 2; i++) {
        struct fx *fx = calloc(1, sizeof *fx);
        assert_non_null(fx);
        local_setup(fx);
        struct job *job = fx_job(fx, "j1", 1, 1, 1);
        local_job(fx, job, i ? after : before, 2);
        fx_ended(fx, job, 0, 1, STATUS_SUCCEEDED);
        fx_assert_started(fx, job, 1, 1);
        const struct step_spec *spec = &fx_action(fx, WORKER_STEP_START_ACTION)->step.spec;
        assert_int_equal(spec->run_root_scripts_from_current, i);
        fx_teardown(fx);
        free(fx);
    }
}

static void a_local_job_without_a_list_runs_all_eleven_events(void **state)
{
    (void)state;
    struct fx *fx = calloc(1, sizeof *fx);
    assert_non_null(fx);
    local_setup(fx);
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    local_job(fx, job, NULL, 0);
    assert_int_equal(worker_view_row(fx->worker, &job->id)->event_count, 11);
    struct id unknown = fx_id("nobody");
    assert_null(worker_view_row(fx->worker, &unknown));
    fx_teardown(fx);
    free(fx);
}

static void a_local_hook_that_was_interrupted_ends_the_job(void **state)
{
    (void)state;
    struct fx *fx = calloc(1, sizeof *fx);
    assert_non_null(fx);
    local_setup(fx);
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    local_job(fx, job, NULL, 0);
    for (uint32_t run = 1; run <= 5; run++) fx_lost(fx, job, 0, run, true);
    const struct row_record *row = worker_view_row(fx->worker, &job->id);
    assert_int_equal(row->row.state, ROW_ENDED);
    assert_int_equal(row->result.status, STATUS_UNKNOWN);
    assert_non_null(strstr(row->result.diagnostics.message, "then deploy again"));
    assert_int_equal(row->step_state, STEP_DONE); /* it does not wait for an operator */
    fx_teardown(fx);
    free(fx);
}

static void a_list_of_events_is_taken_as_long_as_there_is_room(void **state)
{
    (void)state;
    struct fx *fx = calloc(1, sizeof *fx);
    assert_non_null(fx);
    local_setup(fx);
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->on_failure = ON_FAILURE_RESTORE;
    enum lifecycle_event events[WIRE_EVENTS_MAX + 1];
    for (size_t i = 0; i <= WIRE_EVENTS_MAX; i++) events[i] = EVENT_INSTALL;
    local_job(fx, job, events, WIRE_EVENTS_MAX + 1);
    const struct row_record *row = worker_view_row(fx->worker, &job->id);
    assert_int_equal(row->event_count, WIRE_EVENTS_MAX);
    fx_ended(fx, job, 0, 1, STATUS_FAILED); /* no room for Restore */
    assert_int_equal(worker_view_row(fx->worker, &job->id)->row.state, ROW_ENDED);
    local_job(fx, job, events, 1); /* the same once more */
    assert_int_equal(fx_count(fx, WORKER_PUT), 0);
    fx_teardown(fx);
    free(fx);
}

static void restore_is_no_event_that_may_be_listed(void **state)
{
    (void)state;
    struct fx *fx = calloc(1, sizeof *fx);
    assert_non_null(fx);
    local_setup(fx);
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    const enum lifecycle_event events[] = { EVENT_RESTORE };
    local_job(fx, job, events, 1);
    assert_null(worker_view_row(fx->worker, &job->id));
    fx_teardown(fx);
    free(fx);
}

static void a_failed_install_that_was_the_first_event_is_undone(void **state)
{
    (void)state;
    struct fx *fx = calloc(1, sizeof *fx);
    assert_non_null(fx);
    local_setup(fx);
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    job->on_failure = ON_FAILURE_RESTORE;
    const enum lifecycle_event events[] = { EVENT_INSTALL };
    local_job(fx, job, events, 1);
    fx_ended(fx, job, 0, 1, STATUS_FAILED);
    fx_assert_started(fx, job, 1, 1);
    assert_int_equal(fx_action(fx, WORKER_STEP_START_ACTION)->step.spec.kind, STEP_UNDO);
    fx_teardown(fx);
    free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_local_worker_runs_what_it_is_told_and_says_nothing),
        cmocka_unit_test(a_local_job_without_a_list_runs_all_eleven_events),
        cmocka_unit_test(a_local_job_without_any_step_on_the_host_is_not_taken),
        cmocka_unit_test(a_local_install_alone_is_what_was_last_successful),
        cmocka_unit_test(application_stop_runs_the_current_scripts_once_they_are_there),
        cmocka_unit_test(a_local_hook_that_was_interrupted_ends_the_job),
        cmocka_unit_test(a_list_of_events_is_taken_as_long_as_there_is_room),
        cmocka_unit_test(restore_is_no_event_that_may_be_listed),
        cmocka_unit_test(a_failed_install_that_was_the_first_event_is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
