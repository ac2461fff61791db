#include "fixture.h"

#include <string.h>

static void begin(struct world *w)
{
    world_init(w);
    world_connect(w);
    assert_int_equal(world_apply(w, "xr Prod=us-west-2,us-east-1")->failure.code, ERR_NONE);
}

/* Starts a core with these records and nothing else. */
static void start_with(struct world *w, const struct record *records, size_t count)
{
    coordinator_free(w->c);
    w->c = coordinator_new(&w->config);
    world_step(
        w, &(struct coordinator_event){ .type = COORDINATOR_START, .start = { records, count } });
}

static void each_start_is_a_new_epoch_in_the_journal(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    assert_int_equal(coordinator_view_epoch(w.c), 1);
    assert_int_equal(world_stored(&w, "epoch")->epoch.epoch, 1);
    world_restart(&w);
    assert_int_equal(coordinator_view_epoch(w.c), 2);
    assert_int_equal(world_stored(&w, "epoch")->epoch.epoch, 2);
    world_deinit(&w);
}

static void everything_goes_on_after_a_restart_at_any_message(void **state)
{
    (void)state;
    for (int restart = 0; restart < 4; restart++) {
        struct world w;
        begin(&w);
        world_source(&w, "xr", "Source", "v1");
        for (int step = 0; step < 3; step++) {
            if (step == restart) {
                world_restart(&w);
                world_connect(&w);
            }
            if (step == 0) world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED); /* the copy */
            if (step == 1) world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
            if (step == 2) world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
        }
        if (restart == 3) world_restart(&w);
        assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
        assert_int_equal(world_view(&w, "xr")->job_count, 3);
        assert_int_equal(world_stored_count(&w, "execution/"), 1);
        world_source(&w, "xr", "Source", "v1"); /* not again */
        assert_int_equal(world_stored_count(&w, "execution/"), 1);
        world_deinit(&w);
    }
}

static void a_job_keeps_its_fence_over_a_restart_and_new_ones_are_greater(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    struct job before = world_job_of(world_job(&w, "xr", "w1"));
    world_restart(&w);
    world_hello(&w, "w1", "us-west-2", 1, 4);
    const struct job *offer = world_offer(&w, "w1");
    assert_true(id_equal(&offer->id, &before.id));
    assert_int_equal(offer->attempt, 1);
    assert_int_equal(fence_compare(offer->fence, before.fence), 0);
    world_nack(&w, 4, offer, NACK_STALE);
    const struct job *again = world_offer(&w, "w1");
    assert_int_equal(again->fence.epoch, 2);
    assert_int_equal(again->fence.seq, 1);
    world_deinit(&w);
}

static void event_numbers_go_on_after_the_greatest(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_source(&w, "xr", "Source", "v1");
    uint64_t before = coordinator_view_event_seq(w.c);
    assert_true(before > 0);
    assert_int_equal(world_stored_count(&w, "event/"), before);
    world_restart(&w);
    assert_int_equal(coordinator_view_event_seq(w.c), before);
    world_connect(&w);
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    assert_true(coordinator_view_event_seq(w.c) > before);
    assert_int_equal(world_stored_count(&w, "event/"), coordinator_view_event_seq(w.c));
    world_deinit(&w);
}

static void the_store_keeps_ten_thousand_events(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct record newest = { .kind = RECORD_EVENT };
    newest.event.seq = 20000;
    struct record definition = *world_stored(&w, "definition/xr/0000000001");
    definition.definition.parsed = world_parse("xr Prod=us-west-2");
    struct record records[2] = { newest, definition };
    start_with(&w, records, 2);
    world_source(&w, "xr", "Source", "v1");
    size_t deletes = 0;
    for (size_t i = 0; i < w.out.count; i++) {
        if (w.out.at[i].type != COORDINATOR_DELETE) continue;
        if (deletes == 0) assert_string_equal(w.out.at[i].delete_key, "event/0000000000002711");
        deletes++;
    }
    assert_int_equal(deletes, coordinator_view_event_seq(w.c) - 20000);
    world_deinit(&w);
}

static void a_definition_that_cannot_be_read_holds_its_execution(void **state)
{
    (void)state;
    struct world w;
    struct record records[64];
    begin(&w);
    world_tell(&w, __func__);
    world_source(&w, "xr", "Source", "v1");
    size_t count = world_stored_all(&w, "execution/", records);
    count += world_stored_all(&w, "job/", &records[count]);
    count += world_stored_all(&w, "definition/", &records[count]);
    start_with(&w, records, count); /* parsed is NULL */
    world_fleet(&w, "w1", "us-west-2", "e1", "us-east-1", (const char *)NULL);
    world_connect(&w);
    world_sleep(&w, 1000);
    assert_null(coordinator_view_definition(w.c, "xr"));
    struct execution_view view;
    struct error err;
    char prefix[ID_SIZE];
    assert_true(text_copy(prefix, sizeof prefix, records[0].execution.id.text));
    assert_true(coordinator_view_execution(w.c, "", prefix, &w.arena, &view, &err));
    assert_non_null(strstr(view.execution.status_summary, "cannot be read"));
    assert_int_equal(view.execution.status, STATUS_IN_PROGRESS);
    const struct reason *reasons = NULL;
    assert_true(coordinator_view_why(w.c, "", prefix, &w.arena, &reasons, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(reasons[0].code, REASON_DEFINITION);
    assert_string_equal(reasons[0].text, view.execution.status_summary);
    assert_string_equal(reasons[0].fix, "restore the coordinator's state from a backup");
    world_deinit(&w);
}

static void records_without_their_owner_are_noted_and_left(void **state)
{
    (void)state;
    struct world w;
    struct record records[64];
    begin(&w);
    world_source(&w, "xr", "Source", "v1");
    size_t count = world_stored_all(&w, "job/", records);
    assert_true(count > 0);
    start_with(&w, records, count);
    size_t errors = 0;
    for (size_t i = 0; i < w.out.count; i++)
        errors += w.out.at[i].type == COORDINATOR_NOTE && w.out.at[i].note.level == NOTE_ERROR;
    assert_int_equal(errors, count);
    assert_int_equal(world_count(&w, COORDINATOR_DELETE), 0);
    world_deinit(&w);
}

static void a_restart_with_nothing_to_do_writes_its_epoch_only(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_source(&w, "xr", "Source", "v1");
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    world_finish(&w, "xr", "e1", 2, STATUS_SUCCEEDED);
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    struct record records[128];
    size_t count = world_stored_all(&w, "", records);
    for (size_t i = 0; i < count; i++)
        if (records[i].kind == RECORD_DEFINITION)
            records[i].definition.parsed = world_parse("xr Prod=us-west-2,us-east-1");
    start_with(&w, records, count);
    assert_int_equal(world_count(&w, COORDINATOR_PUT), 1);
    assert_int_equal(world_count(&w, COORDINATOR_SEND), 0);
    assert_int_equal(coordinator_deadline(w.c), UINT64_MAX);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_definition_that_cannot_be_read_holds_its_execution),
        cmocka_unit_test(records_without_their_owner_are_noted_and_left),
        cmocka_unit_test(each_start_is_a_new_epoch_in_the_journal),
        cmocka_unit_test(everything_goes_on_after_a_restart_at_any_message),
        cmocka_unit_test(a_job_keeps_its_fence_over_a_restart_and_new_ones_are_greater),
        cmocka_unit_test(event_numbers_go_on_after_the_greatest),
        cmocka_unit_test(the_store_keeps_ten_thousand_events),
        cmocka_unit_test(a_restart_with_nothing_to_do_writes_its_epoch_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
