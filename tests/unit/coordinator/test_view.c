#include "fixture.h"

#include "core/deploy.h"
#include "core/journal.h"

#include <string.h>

static void begin(struct world *w)
{
    world_init(w);
    world_connect(w);
    world_apply(w, "xr Prod=us-west-2");
}

static void executions_are_found_by_prefix(void **state)
{
    (void)state;
    struct world w;
    struct execution_view view;
    struct error err;
    begin(&w);
    assert_false(coordinator_view_execution(w.c, "nobody", "", &w.arena, &view, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(coordinator_view_execution(w.c, "xr", "", &w.arena, &view, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(coordinator_view_execution(w.c, "", "", &w.arena, &view, &err));
    assert_int_equal(err.code, ERR_INVALID);
    struct id ids[20];
    for (size_t i = 0; i < 20; i++) ids[i] = world_run(&w, "xr", "", "v1")->execution;
    for (size_t i = 9; i < 20; i++) {
        assert_true(coordinator_view_execution(w.c, "", ids[i].text, &w.arena, &view, &err));
        assert_true(id_equal(&view.execution.id, &ids[i]));
    }
    assert_true(coordinator_view_execution(w.c, "xr", "", &w.arena, &view, &err));
    assert_true(id_equal(&view.execution.id, &ids[19]));
    bool ambiguous = false; /* 12 ids, 16 first digits: the seed makes two equal ones */
    for (const char *digit = "0123456789"; *digit; digit++) {
        char prefix[2] = { *digit, 0 };
        if (coordinator_view_execution(w.c, "xr", prefix, &w.arena, &view, &err)) continue;
        ambiguous = ambiguous || err.code == ERR_CONFLICT;
    }
    assert_true(ambiguous);
    world_deinit(&w);
}

static void pipelines_are_listed_by_name_with_their_newest_execution(void **state)
{
    (void)state;
    struct world w;
    const struct pipeline_summary *all;
    begin(&w);
    world_apply(&w, "ab Prod=us-west-2");
    world_apply(&w, "zz Prod=us-west-2");
    world_source(&w, "xr", "Source", "v1");
    assert_int_equal(coordinator_view_pipelines(w.c, &w.arena, &all), 3);
    assert_string_equal(all[0].name, "ab");
    assert_true(id_empty(&all[0].execution));
    assert_string_equal(all[1].name, "xr");
    assert_int_equal(all[1].status, STATUS_IN_PROGRESS);
    assert_string_equal(all[1].revision_id, "v1");
    assert_string_equal(all[2].name, "zz");
    world_deinit(&w);
}

static void sources_are_listed_with_what_was_seen(void **state)
{
    (void)state;
    struct world w;
    const struct source_watch *all;
    begin(&w);
    assert_int_equal(coordinator_view_sources(w.c, &w.arena, &all), 1);
    assert_string_equal(all[0].pipeline, "xr");
    assert_string_equal(all[0].action, "Source");
    assert_string_equal(all[0].artifact, "App");
    assert_string_equal(all[0].store, "src");
    assert_string_equal(all[0].key, "app.zip");
    assert_string_equal(all[0].seen_revision_id, "");
    world_source(&w, "xr", "Source", "v1");
    assert_int_equal(coordinator_view_sources(w.c, &w.arena, &all), 1);
    assert_string_equal(all[0].seen_revision_id, "v1");
    world_deinit(&w);
}

static void a_view_does_not_change_with_the_model(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_source(&w, "xr", "Source", "v1");
    const struct execution_view *before = world_view(&w, "xr");
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    assert_int_equal(before->execution.status, STATUS_IN_PROGRESS);
    assert_string_equal(before->execution.stages[1].actions[0].summary, "0/1 instances");
    assert_int_equal(before->jobs[0].status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void workers_under_way_are_counted(void **state)
{
    (void)state;
    struct world w;
    const struct worker_summary *all;
    begin(&w);
    world_source(&w, "xr", "Source", "v1");
    assert_int_equal(coordinator_view_workers(w.c, &w.arena, &all), 2);
    assert_string_equal(all[0].name, "e1");
    assert_int_equal(all[0].jobs, 0);
    assert_int_equal(all[1].jobs, 1);
    assert_string_equal(all[1].version, "0.1.0");
    assert_int_equal(all[1].seen_ms, w.now_ms);
    world_deinit(&w);
}

static void times_are_utc(void **state)
{
    (void)state;
    char text[JOURNAL_TIME_SIZE];
    assert_string_equal(journal_time(0, text), "1970-01-01T00:00:00Z");
    assert_string_equal(journal_time(UINT64_C(951782399999), text), "2000-02-28T23:59:59Z");
    assert_string_equal(journal_time(UINT64_C(951782400000), text), "2000-02-29T00:00:00Z");
    assert_string_equal(journal_time(UINT64_C(1795374687123), text), "2026-11-22T19:11:27Z");
    assert_string_equal(journal_time(UINT64_C(4107542399000), text), "2100-02-28T23:59:59Z");
    assert_string_equal(journal_time(UINT64_C(4107542400000), text), "2100-03-01T00:00:00Z");
}

static void group_ids_differ_with_both_names_and_stay(void **state)
{
    (void)state;
    char a[DEPLOY_GROUP_ID_SIZE], b[DEPLOY_GROUP_ID_SIZE];
    deploy_group_id("a", "bc", a);
    deploy_group_id("ab", "c", b);
    assert_string_not_equal(a, b);
    deploy_group_id("a", "bc", b);
    assert_string_equal(a, b);
    assert_string_equal(a, "dg-401801fc84f3ca79");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(executions_are_found_by_prefix),
        cmocka_unit_test(pipelines_are_listed_by_name_with_their_newest_execution),
        cmocka_unit_test(sources_are_listed_with_what_was_seen),
        cmocka_unit_test(a_view_does_not_change_with_the_model),
        cmocka_unit_test(workers_under_way_are_counted),
        cmocka_unit_test(times_are_utc),
        cmocka_unit_test(group_ids_differ_with_both_names_and_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
