#include "fixture.h"

static void extend(struct fx *fx, const struct job *job)
{
    fx_lease(fx, job, fx->boot_ms, 1);
}

FX_TEST(a_floating_job_does_not_begin_before_its_first_echo)
{
    struct job *job = fx_replicate(fx, "j1", 1);
    fx_offer(fx, job);
    assert_int_equal(fx_sent(fx, MESSAGE_ACCEPT), 1);
    assert_int_equal(fx_sent(fx, MESSAGE_HEARTBEAT), 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    fx_tick(fx, 20);
    fx_lease(fx, job, fx->boot_ms - 20, 1);
    fx_assert_started(fx, job, 0, 1);
    const struct worker_action *lease = fx_action(fx, WORKER_LEASE_ACTION);
    assert_non_null(lease);
    assert_true(lease < fx_action(fx, WORKER_STEP_START_ACTION));
    assert_int_equal(fx_count(fx, WORKER_LEASE_ACTION), 1);
    assert_int_equal(lease->lease.until_boot_ms, fx->boot_ms - 20 + 10000);
    assert_string_equal(lease->lease.ref.job.text, "j1");
    assert_int_equal(lease->lease.ref.run, 1);
    assert_int_equal(fx_action(fx, WORKER_STEP_START_ACTION)->step.spec.kind, STEP_REPLICATE);
}

FX_TEST(echoes_of_another_epoch_life_or_future_give_no_lease)
{
    struct job *job = fx_replicate(fx, "j1", 1);
    fx_offer(fx, job);
    fx_lease(fx, job, fx->boot_ms, 0);
    fx_lease(fx, job, fx->boot_ms, 2);
    fx_lease(fx, job, fx->boot_ms + 1, 1);
    fx_lease(fx, job, FX_T0 - 1, 1);
    struct job other = *job;
    other.fence.seq++;
    fx_lease(fx, &other, fx->boot_ms, 1);
    assert_int_equal(fx_disk_row(fx, job)->row.state, ROW_ACCEPTED);
}

FX_TEST(each_extension_is_told_to_the_step_and_older_echoes_are_not)
{
    struct job *job = fx_replicate(fx, "j1", 1);
    fx_offer(fx, job);
    extend(fx, job);
    uint64_t first = fx->boot_ms;
    fx_tick(fx, 3000);
    extend(fx, job);
    assert_int_equal(fx_action(fx, WORKER_LEASE_ACTION)->lease.until_boot_ms, fx->boot_ms + 10000);
    fx_lease(fx, job, first, 1);
    assert_int_equal(fx_count(fx, WORKER_LEASE_ACTION), 0);
}

FX_TEST(a_lease_that_passes_ends_the_step_and_fails_the_job)
{
    struct job *job = fx_replicate(fx, "j1", 1);
    fx_offer(fx, job);
    extend(fx, job);
    fx_tick(fx, 9999);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 0);
    fx_tick(fx, 1);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 1);
    assert_true(worker_deadline(fx->worker) > fx->boot_ms); /* no turn after turn meanwhile */
    fx_welcome(fx, 1);
    extend(fx, job);
    assert_int_equal(fx_count(fx, WORKER_LEASE_ACTION), 0);
    fx_ended(fx, job, 0, 1, STATUS_STOPPED);
    const struct result *result = &fx_disk_row(fx, job)->result;
    assert_int_equal(result->status, STATUS_FAILED);
    assert_non_null(strstr(result->diagnostics.message, "lease lost"));
}

FX_TEST(a_supervisor_that_was_faster_than_the_core_gives_the_same_result)
{
    struct job *job = fx_replicate(fx, "j1", 1);
    fx_offer(fx, job);
    extend(fx, job);
    fx_ended(fx, job, 0, 1, STATUS_UNKNOWN);
    assert_int_equal(fx_disk_row(fx, job)->result.status, STATUS_FAILED);
    assert_non_null(strstr(fx_disk_row(fx, job)->result.diagnostics.message, "lease lost"));
}

FX_TEST(an_adopted_floating_step_is_given_time_for_an_echo_but_not_repeated_without)
{
    struct job *job = fx_replicate(fx, "j1", 1);
    fx_offer(fx, job);
    extend(fx, job);
    fx_restart(fx);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 0);
    fx_lost(fx, job, 0, 1, true);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    fx_connect(fx);
    fx_welcome(fx, 1);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_NOT_BEGUN);
    extend(fx, job);
    fx_assert_started(fx, job, 0, 2);
    assert_int_equal(fx_disk_row(fx, job)->step_state, STEP_STARTED);
}

FX_TEST(an_adopted_floating_step_without_any_echo_is_ended)
{
    struct job *job = fx_replicate(fx, "j1", 1);
    fx_offer(fx, job);
    extend(fx, job);
    fx_restart(fx);
    assert_int_equal(worker_deadline(fx->worker), fx->boot_ms + 15000);
    fx_tick(fx, 15000);
    assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 1);
}

FX_TEST(the_version_and_bytes_of_a_replication_come_with_its_result)
{
    struct job *job = fx_replicate(fx, "j1", 1);
    fx_offer(fx, job);
    extend(fx, job);
    struct worker_event event = { .type = WORKER_STEP_ENDED };
    event.ended.step = fx_ref(job, 0, 1);
    event.ended.outcome = (struct step_outcome){ .status = STATUS_SUCCEEDED,
                                                 .diagnostics = { .message = "" },
                                                 .version_id = "v9",
                                                 .bytes = 42 };
    fx_turn(fx, &event);
    assert_string_equal(fx_said(fx, MESSAGE_RESULT)->result.version_id, "v9");
    assert_int_equal(fx_said(fx, MESSAGE_RESULT)->result.bytes, 42);
    assert_null(fx_disk_target(fx, "deploy:app/group"));
}

FX_TEST(pinned_jobs_need_no_lease)
{
    fx_untold(fx);
    struct job *job = fx_job(fx, "j1", 1, 1, 1);
    fx_offer(fx, job);
    fx_assert_started(fx, job, 0, 1);
    assert_int_equal(fx_count(fx, WORKER_LEASE_ACTION), 0);
    for (int i = 0; i < 100; i++) {
        fx_tick(fx, 1000);
        assert_int_equal(fx_count(fx, WORKER_STEP_CANCEL_ACTION), 0);
    }
}

static void echo(struct fx *fx, const struct row *rows, size_t count)
{
    struct message m = { .type = MESSAGE_LEASE };
    m.lease =
        (struct lease){ .boot_ms = fx->boot_ms, .epoch = 1, .rows = rows, .row_count = count };
    fx_message(fx, &m);
}

static struct row row_of(const struct job *job)
{
    return (struct row){ .job = job->id, .attempt = job->attempt, .fence = job->fence };
}

FX_TEST(an_echo_extends_all_that_it_lists_and_nothing_else)
{
    struct job *pinned = fx_job(fx, "j0", 1, 1, 1);
    struct job *listed = fx_replicate(fx, "j1", 2), *other = fx_replicate(fx, "j2", 3);
    struct job unknown = *fx_replicate(fx, "j3", 4);
    fx_offer(fx, pinned);
    fx_offer(fx, listed);
    fx_offer(fx, other);
    const struct row rows[] = { row_of(&unknown), row_of(pinned), row_of(listed), row_of(other) };
    echo(fx, rows, 3);
    fx_assert_started(fx, listed, 0, 1);
    assert_int_equal(fx_count(fx, WORKER_LEASE_ACTION), 1);
    echo(fx, rows + 2, 2);
    fx_assert_started(fx, other, 0, 1);
}

FX_TEST(the_same_echo_twice_is_told_once)
{
    struct job *job = fx_replicate(fx, "j1", 1);
    fx_offer(fx, job);
    extend(fx, job);
    extend(fx, job);
    assert_int_equal(fx_count(fx, WORKER_LEASE_ACTION), 0);
}

FX_TEST(a_lease_that_ends_this_very_millisecond_begins_nothing)
{
    struct job *first = fx_replicate(fx, "j1", 1), *second = fx_replicate(fx, "j2", 2);
    second->target = first->target;
    fx_offer(fx, first);
    fx_offer(fx, second);
    extend(fx, second);
    fx_tick(fx, 1);
    fx_welcome(fx, 1);
    extend(fx, first);
    fx_assert_started(fx, first, 0, 1);
    fx_tick(fx, 9999);
    fx_ended(fx, first, 0, 1, STATUS_SUCCEEDED);
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 0);
    fx_welcome(fx, 1);
    extend(fx, second);
    fx_assert_started(fx, second, 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_floating_job_does_not_begin_before_its_first_echo),
        cmocka_unit_test(echoes_of_another_epoch_life_or_future_give_no_lease),
        cmocka_unit_test(each_extension_is_told_to_the_step_and_older_echoes_are_not),
        cmocka_unit_test(a_lease_that_passes_ends_the_step_and_fails_the_job),
        cmocka_unit_test(a_supervisor_that_was_faster_than_the_core_gives_the_same_result),
        cmocka_unit_test(
            an_adopted_floating_step_is_given_time_for_an_echo_but_not_repeated_without),
        cmocka_unit_test(an_adopted_floating_step_without_any_echo_is_ended),
        cmocka_unit_test(the_version_and_bytes_of_a_replication_come_with_its_result),
        cmocka_unit_test(pinned_jobs_need_no_lease),
        cmocka_unit_test(an_echo_extends_all_that_it_lists_and_nothing_else),
        cmocka_unit_test(the_same_echo_twice_is_told_once),
        cmocka_unit_test(a_lease_that_ends_this_very_millisecond_begins_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
