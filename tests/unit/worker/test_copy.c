#include "core/copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { ARENA_MAX = 1 << 20, TEXT_SIZE = 16 };

/* Every text of a job, so that a new one has to be added here and in copy.c. */
static const size_t texts[] = {
    offsetof(struct job, worker),
    offsetof(struct job, target),
    offsetof(struct job, pipeline),
    offsetof(struct job, stage),
    offsetof(struct job, action),
    offsetof(struct job, region),
    offsetof(struct job, application),
    offsetof(struct job, deployment_group),
    offsetof(struct job, deployment_group_id),
    offsetof(struct job, bundle_type),
    offsetof(struct job, buildspec),
    offsetof(struct job, revision),
    offsetof(struct job, input.store),
    offsetof(struct job, input.key),
    offsetof(struct job, input.version_id),
    offsetof(struct job, input.etag),
    offsetof(struct job, read.url),
    offsetof(struct job, read.pin),
    offsetof(struct job, output.store),
    offsetof(struct job, output.key),
    offsetof(struct job, output.version_id),
    offsetof(struct job, output.etag),
    offsetof(struct job, write.url),
    offsetof(struct job, write.pin),
    offsetof(struct job, log.store),
    offsetof(struct job, log.key),
    offsetof(struct job, log.version_id),
    offsetof(struct job, log.etag),
    offsetof(struct job, log_write.url),
    offsetof(struct job, log_write.pin),
};
enum { TEXTS = sizeof texts / sizeof texts[0] };

static const char **text_at(struct job *job, size_t i)
{
    return (const char **)(void *)((char *)job + texts[i]);
}

static void a_jobs_copy_shares_no_text_with_it(void **state)
{
    (void)state;
    char source[TEXTS][TEXT_SIZE];
    struct job job = { .attempt = 7 };
    for (size_t i = 0; i < TEXTS; i++) {
        memset(source[i], 'a' + (int)i, TEXT_SIZE - 1);
        source[i][TEXT_SIZE - 1] = '\0';
        *text_at(&job, i) = source[i];
    }
    AUTO(arena_deinit) struct arena arena;
    arena_init(&arena, ARENA_MAX);
    struct job copy = *copy_job(&arena, &job);
    assert_int_equal(copy.attempt, 7);
    for (size_t i = 0; i < TEXTS; i++) {
        assert_ptr_not_equal(*text_at(&copy, i), source[i]);
        assert_string_equal(*text_at(&copy, i), source[i]);
    }
}

static void missing_texts_become_empty_ones(void **state)
{
    (void)state;
    struct job job = { .attempt = 1 };
    AUTO(arena_deinit) struct arena arena;
    arena_init(&arena, ARENA_MAX);
    struct job copy = *copy_job(&arena, &job);
    for (size_t i = 0; i < TEXTS; i++) assert_string_equal(*text_at(&copy, i), "");
    const struct result none = { .attempt = 3 };
    const struct result result = copy_result(&arena, &none);
    assert_string_equal(result.version_id, "");
    assert_string_equal(result.diagnostics.script, "");
    assert_string_equal(result.diagnostics.message, "");
    assert_string_equal(result.diagnostics.log_tail, "");
}

static void a_rows_copy_owns_its_bytes_and_its_results_events(void **state)
{
    (void)state;
    const uint8_t bytes[] = { 1, 2, 3 };
    const struct lifecycle_report events[] = { { .event = EVENT_INSTALL },
                                               { .event = EVENT_AFTER_INSTALL } };
    struct row_record row = { .signed_job = { bytes, sizeof bytes } };
    row.result.events = events;
    row.result.event_count = 2;
    AUTO(arena_deinit) struct arena arena;
    arena_init(&arena, ARENA_MAX);
    const struct row_record copy = copy_row(&arena, &row);
    assert_ptr_not_equal(copy.signed_job.data, bytes);
    assert_memory_equal(copy.signed_job.data, bytes, sizeof bytes);
    assert_ptr_not_equal(copy.result.events, events);
    assert_int_equal(copy.result.events[1].event, EVENT_AFTER_INSTALL);
}

static void a_jobs_artifacts_and_variables_are_copied_one_by_one(void **state)
{
    (void)state;
    char names[2][TEXT_SIZE] = { "first", "second" };
    const struct job_artifact artifacts[] = {
        { .name = names[0] },
        { .name = names[1], .ref = { .version_id = names[1] }, .grant = { .url = names[1] } }
    };
    const struct job_variable variables[] = { { names[0], names[1], false },
                                              { names[1], names[0], true } };
    const struct parts_grant parts = { names[0], bytes_of(names[1], 6), 1, names[0], names[1] };
    const struct job job = { .parts = &parts,
                             .parts_count = 1,
                             .inputs = artifacts,
                             .input_count = 1,
                             .outputs = artifacts,
                             .output_count = 2,
                             .variables = variables,
                             .variable_count = 2 };
    AUTO(arena_deinit) struct arena arena;
    arena_init(&arena, ARENA_MAX);
    const struct job *copy = copy_job(&arena, &job);
    memset(names, 'x', sizeof names);
    assert_string_equal(copy->inputs[0].name, "first");
    assert_string_equal(copy->outputs[1].name, "second");
    assert_string_equal(copy->outputs[1].ref.version_id, "second");
    assert_string_equal(copy->outputs[1].grant.url, "second");
    assert_string_equal(copy->variables[1].name, "second");
    assert_string_equal(copy->variables[1].value, "first");
    assert_true(copy->variables[1].secret);
    assert_string_equal(copy->parts[0].url, "first");
    assert_string_equal(copy->parts[0].complete, "first");
    assert_string_equal(copy->parts[0].look, "second");
    assert_memory_equal(copy->parts[0].signatures.data, "second", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jobs_copy_shares_no_text_with_it),
        cmocka_unit_test(missing_texts_become_empty_ones),
        cmocka_unit_test(a_rows_copy_owns_its_bytes_and_its_results_events),
        cmocka_unit_test(a_jobs_artifacts_and_variables_are_copied_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
