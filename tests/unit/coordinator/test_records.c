#include "shell/records.h"

#include "io/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ARENA_MAX = 16 << 20 };

struct fixture {
    char folder[64];
    struct store *store;
    struct coordinator_actions actions;
    struct arena arena;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct error err = { 0 };
    snprintf(f->folder, sizeof f->folder, "/tmp/meridian-records-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_true(store_open(&f->store, f->folder, 64 << 20, &err));
    coordinator_actions_init(&f->actions);
    arena_init(&f->arena, ARENA_MAX);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    store_close(f->store);
    coordinator_actions_deinit(&f->actions);
    arena_deinit(&f->arena);
    assert_true(fs_remove_tree(f->folder, &err));
    free(f);
    return 0;
}

static void put(struct fixture *f, const struct record *record)
{
    struct error err = { 0 };
    struct coordinator_action action = { .type = COORDINATOR_PUT, .put = *record };
    const struct coordinator_actions one = { .at = &action, .count = 1 };
    assert_true(records_write(f->store, &one, 1, &err));
}

static struct id id_of(const char *text)
{
    struct id id;
    assert_true(id_parse(text, &id));
    return id;
}

static void put_execution(struct fixture *f, const char *pipeline, const char *id,
                          uint64_t started_ms, enum status status)
{
    const struct record record = { .kind = RECORD_EXECUTION,
                                   .execution = { .id = id_of(id),
                                                  .pipeline = pipeline,
                                                  .pipeline_version = 1,
                                                  .status = status,
                                                  .status_summary = "",
                                                  .trigger_detail = "",
                                                  .started_ms = started_ms,
                                                  .stop_reason = "" } };
    put(f, &record);
}

static void put_job(struct fixture *f, const char *execution, const char *id)
{
    const struct record record = { .kind = RECORD_JOB,
                                   .job = { .id = id_of(id),
                                            .execution = id_of(execution),
                                            .worker = "w",
                                            .region = "r",
                                            .target = "t",
                                            .artifact = "a",
                                            .cause = "",
                                            .diagnostics = {
                                                .script = "", .message = "", .log_tail = "" } } };
    put(f, &record);
}

static void put_event(struct fixture *f, uint64_t seq, const char *pipeline, const char *execution)
{
    const struct record record = { .kind = RECORD_EVENT,
                                   .event = { .seq = seq,
                                              .execution = id_of(execution),
                                              .pipeline = pipeline,
                                              .stage = "",
                                              .action = "",
                                              .region = "",
                                              .worker = "",
                                              .what = "pipeline",
                                              .name = "",
                                              .detail = "",
                                              .version_id = "" } };
    put(f, &record);
}

static void an_execution_that_is_not_there_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct execution_view view;
    put_execution(f, "p", "aaa1", 1, STATUS_SUCCEEDED);
    assert_false(records_execution(f->store, "p", "b", &f->arena, &view, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(records_execution(f->store, "q", "aaa1", &f->arena, &view, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void an_ambiguous_prefix_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct execution_view view;
    put_execution(f, "p", "aaa1", 1, STATUS_SUCCEEDED);
    put_execution(f, "p", "aaa2", 2, STATUS_SUCCEEDED);
    assert_false(records_execution(f->store, "", "aaa", &f->arena, &view, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_true(records_execution(f->store, "", "aaa2", &f->arena, &view, &err));
    assert_string_equal(view.execution.id.text, "aaa2");
}

static void an_execution_comes_with_its_jobs_only(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct execution_view view;
    put_execution(f, "p", "aaa1", 1, STATUS_SUCCEEDED);
    put_job(f, "aaa1", "j1");
    put_job(f, "aaa1", "j2");
    put_job(f, "bbb", "j3");
    assert_true(records_execution(f->store, "p", "", &f->arena, &view, &err));
    assert_int_equal(view.job_count, 2);
}

static void history_is_paged_from_the_newest(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    const struct execution_view *page = NULL;
    size_t count = 0;
    for (uint64_t i = 1; i <= 5; i++) {
        char id[16];
        snprintf(id, sizeof id, "e%llu", (unsigned long long)i);
        put_execution(f, "p", id, i * 1000, STATUS_SUCCEEDED);
    }
    put_execution(f, "pp", "x1", 9000, STATUS_SUCCEEDED);
    assert_true(records_history(f->store, "p", "", 2, &f->arena, &page, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(page[0].execution.id.text, "e5");
    assert_string_equal(page[1].execution.id.text, "e4");
    assert_true(records_history(f->store, "p", "e4", 10, &f->arena, &page, &count, &err));
    assert_int_equal(count, 3);
    assert_string_equal(page[0].execution.id.text, "e3");
}

static void a_start_loads_the_live_and_the_newest(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    const struct record *records = NULL;
    size_t count = 0, executions = 0, jobs = 0, events = 0;
    put_execution(f, "p", "live", 1, STATUS_IN_PROGRESS);
    put_execution(f, "p", "old", 2, STATUS_SUCCEEDED);
    put_execution(f, "p", "new", 3, STATUS_FAILED);
    put_execution(f, "q", "other", 1, STATUS_FAILED);
    put_job(f, "old", "j1");
    put_job(f, "live", "j2");
    for (uint64_t seq = 1; seq <= 5; seq++) put_event(f, seq, "p", "live");
    assert_true(records_load(f->store, 1, &f->arena, &records, &count, &err));
    for (size_t i = 0; i < count; i++) {
        executions += records[i].kind == RECORD_EXECUTION;
        jobs += records[i].kind == RECORD_JOB;
        events += records[i].kind == RECORD_EVENT;
        if (records[i].kind == RECORD_EXECUTION)
            assert_string_not_equal(records[i].execution.id.text, "old");
    }
    assert_int_equal(executions, 3);
    assert_int_equal(jobs, 1);
    assert_int_equal(events, 2); /* the oldest and the newest number */
}

static void events_are_filtered_and_told_how_far_they_were_seen(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    const struct event_record *events = NULL;
    size_t count = 0;
    uint64_t seen = 0;
    for (uint64_t seq = 1; seq <= 6; seq++) put_event(f, seq, seq % 2 ? "p" : "q", "aaa1");
    struct events_request request = { .after = 1, .pipeline = "p", .execution = "", .max = 100 };
    assert_true(records_events(f->store, &request, &f->arena, &events, &count, &seen, &err));
    assert_int_equal(count, 2);
    assert_int_equal(events[0].seq, 3);
    assert_int_equal(seen, 6);
    request.max = 1;
    assert_true(records_events(f->store, &request, &f->arena, &events, &count, &seen, &err));
    assert_int_equal(count, 1);
    assert_int_equal(seen, 3);
    request.after = 6;
    assert_true(records_events(f->store, &request, &f->arena, &events, &count, &seen, &err));
    assert_int_equal(count, 0);
    assert_int_equal(seen, 6);
}

static void a_start_loads_the_doors_and_the_drained_workers(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    const struct record *records = NULL;
    size_t count = 0;
    const struct record door = {
        .kind = RECORD_TRANSITION,
        .transition = { .pipeline = "p", .stage = "Prod", .reason = "friday", .changed_by = "ana" }
    };
    const struct record worker = { .kind = RECORD_WORKER,
                                   .worker = { .name = "w1",
                                               .drained = true,
                                               .drained_by = "ana",
                                               .drain_reason = "a new disk" } };
    put(f, &door);
    put(f, &worker);
    assert_true(records_load(f->store, 2, &f->arena, &records, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(records[0].kind, RECORD_WORKER);
    assert_true(records[0].worker.drained);
    assert_int_equal(records[1].kind, RECORD_TRANSITION);
    assert_string_equal(records[1].transition.reason, "friday");
}

static void events_that_are_gone_are_counted(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    uint64_t dropped = 9;
    assert_true(records_events_dropped(f->store, 0, &dropped, &err));
    assert_int_equal(dropped, 0);
    for (uint64_t seq = 300; seq < 303; seq++) put_event(f, seq, "p", "aaa1");
    assert_true(records_events_dropped(f->store, 298, &dropped, &err));
    assert_int_equal(dropped, 1);
    assert_true(records_events_dropped(f->store, 299, &dropped, &err));
    assert_int_equal(dropped, 0);
    assert_true(records_events_dropped(f->store, 400, &dropped, &err));
    assert_int_equal(dropped, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_execution_that_is_not_there_is_not_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_ambiguous_prefix_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_execution_comes_with_its_jobs_only, setup, teardown),
        cmocka_unit_test_setup_teardown(history_is_paged_from_the_newest, setup, teardown),
        cmocka_unit_test_setup_teardown(a_start_loads_the_live_and_the_newest, setup, teardown),
        cmocka_unit_test_setup_teardown(a_start_loads_the_doors_and_the_drained_workers, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(events_that_are_gone_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(events_are_filtered_and_told_how_far_they_were_seen, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
