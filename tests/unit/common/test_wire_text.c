/* Texts on the wire and on the screen, and messages that would be too large. */
#include "wire/wire.h"
#include "wire/wire_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ID(letters)                                                                                \
    {                                                                                              \
        .text = letters                                                                            \
    }

struct fixture {
    struct buf buf;
    struct arena arena;
    struct error err;
};

static int setup(void **state)
{
    struct fixture *f = *state = xcalloc(1, sizeof *f);
    buf_init(&f->buf, WIRE_FRAME_MAX);
    arena_init(&f->arena, (size_t)4 * WIRE_DECODE_MAX);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    buf_deinit(&f->buf);
    arena_deinit(&f->arena);
    free(f);
    return 0;
}

static void utf8_is_told_from_what_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len, valid;
    } cases[] = {
        { "\x80", 1, 0 },
        { "ab\xff", 3, 2 },
        { "\xc3", 1, 0 },
        { "\xc0\xaf", 2, 0 },
        { "\xc1\xbf", 2, 0 },
        { "\xe0\x9f\xbf", 3, 0 },
        { "\xed\xa0\x80", 3, 0 },
        { "\xf0\x8f\xbf\xbf", 4, 0 },
        { "\xf4\x90\x80\x80", 4, 0 },
        { "\xf5\x80\x80\x80", 4, 0 },
        { "\xe2\x82", 2, 0 },
        { "\xe2\x82\x41", 3, 0 },
        { "12345678\0", 9, 8 },
        { "1234567\0", 8, 7 },
        { "1234567\x80", 8, 7 },
        { "", 0, 0 },
        { "\xc2\x80", 2, 2 },
        { "\xe0\xa0\x80", 3, 3 },
        { "\xed\x9f\xbf", 3, 3 },
        { "\xee\x80\x80", 3, 3 },
        { "\xf0\x90\x80\x80", 4, 4 },
        { "\xf4\x8f\xbf\xbf", 4, 4 },
        { "1234567\xc3\xa4 and more", 18, 18 },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (wire_text_valid(cases[i].text, cases[i].len) != cases[i].valid)
            fail_msg("case %zu: %zu", i, wire_text_valid(cases[i].text, cases[i].len));
}

static struct refusal refusal_round_trip(struct fixture *f, const char *cause)
{
    struct message message = { MESSAGE_REFUSAL, .refusal = { cause } }, out;
    buf_clear(&f->buf);
    wire_encode(&message, 1, &f->buf);
    if (!wire_decode(buf_bytes(&f->buf), &f->arena, &out, &f->err)) fail_msg("%s", f->err.text);
    return out.refusal;
}

static void a_free_text_is_repaired(void **state)
{
    assert_string_equal(refusal_round_trip(*state, "open \xff\xc3: \x80 \xc3\xa4").cause,
                        "open ?\?: ? \xc3\xa4");
}

static void a_free_text_is_cut_between_characters(void **state)
{
    struct fixture *f = *state;
    char *text = arena_calloc(&f->arena, WIRE_TEXT_MAX + 10, 1);
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (size_t at = shift; at + 4 < WIRE_TEXT_MAX + 10; at += 4)
            memcpy(text + at, "\xf0\x9f\x98\x80", 5);
        const char *cut = refusal_round_trip(f, text).cause;
        assert_true(strlen(cut) <= WIRE_TEXT_MAX);
        assert_true(strlen(cut) > WIRE_TEXT_MAX - 4);
        assert_memory_equal(cut, text, strlen(cut));
        assert_int_equal(wire_text_valid(cut, strlen(cut)), strlen(cut));
    }
}

static void a_log_tail_keeps_its_end(void **state)
{
    struct fixture *f = *state;
    char *tail = arena_calloc(&f->arena, WIRE_LOG_TAIL_MAX + 100, 1);
    memset(tail, 'x', WIRE_LOG_TAIL_MAX + 90);
    memcpy(tail + WIRE_LOG_TAIL_MAX + 80, "\xff the end", 9);
    for (size_t at = 70; at < 110; at += 2) memcpy(tail + at, "\xc3\xa4", 2);
    struct step_outcome outcome = { .status = STATUS_FAILED, .version_id = "" }, out;
    outcome.diagnostics.log_tail = tail;
    wire_step_outcome_encode(&outcome, &f->buf);
    assert_true(wire_step_outcome_decode(buf_bytes(&f->buf), &f->arena, &out, &f->err));
    size_t len = strlen(out.diagnostics.log_tail);
    assert_true(len <= WIRE_LOG_TAIL_MAX);
    assert_true(len > WIRE_LOG_TAIL_MAX - 4);
    assert_string_equal(out.diagnostics.log_tail + len - 11, "x? the endx");
}

static void what_a_person_typed_can_be_checked_first(void **state)
{
    struct fixture *f = *state;
    char name[WIRE_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    name[WIRE_NAME_MAX + 1] = '\0';
    struct request request = { 1, REQUEST_RUN, .run = { ID("s"), name, "" } };
    assert_false(wire_request_check(&request, &f->err));
    assert_int_equal(f->err.code, ERR_INVALID);
    assert_non_null(strstr(f->err.text, "pipeline: 101 bytes, at most 100"));
    request.run.pipeline = "\xff";
    assert_false(wire_request_check(&request, &f->err));
    request.run.pipeline = name + 1;
    assert_true(wire_request_check(&request, &f->err));
}

/* ---- too large ---- */

static struct job_state *failed_jobs(struct arena *arena, size_t count)
{
    struct job_state *jobs = arena_calloc(arena, count, sizeof *jobs);
    char *message = arena_calloc(arena, WIRE_TEXT_MAX + 1, 1);
    memset(message, 'm', WIRE_TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        struct job_state *job = &jobs[i];
        *job = (struct job_state){
            .id = ID("3e2f4ad4-9b57-4f1e-8f2a-1c2d3e4f5a6b"),
            .execution = ID("3e2f4ad4-9b57-4f1e-8f2a-1c2d3e4f5a6b"),
            .action_execution = ID("3e2f4ad4-9b57-4f1e-8f2a-1c2d3e4f5a6b"),
            .deployment = ID("d-ABCDEFGHI"),
            .worker = "ip-10-0-0-1.eu-central-1.compute.internal",
            .region = "eu-central-1",
            .target = "deploy:application/deployment-group",
            .artifact = "SourceArtifact",
            .status = STATUS_FAILED,
            .attempt = 1,
            .fence = { 12, 34567 },
            .incarnation = ID("3e2f4ad4-9b57-4f1e-8f2a-1c2d3e4f5a6b"),
            .cause = message,
            .created_ms = 1700000000000,
            .assigned_ms = 1700000000000,
            .ended_ms = 1700000000000,
            .deadline_ms = 1700000000000,
            .event_count = 14,
            .diagnostics = { LIFECYCLE_SCRIPT_FAILED, "scripts/start.sh", message, message },
        };
        for (size_t e = 0; e < job->event_count; e++)
            job->events[e] = (struct lifecycle_report){ (enum lifecycle_event)e, STATUS_SUCCEEDED,
                                                        1700000000000, 1700000000000 };
    }
    return jobs;
}

static void the_largest_status_fits_with_shorter_texts(void **state)
{
    struct fixture *f = *state;
    struct execution_view view = { .jobs = failed_jobs(&f->arena, WIRE_JOBS_MAX),
                                   .job_count = WIRE_JOBS_MAX };
    view.execution = (struct execution){ .id = ID("exec"), .pipeline = "pipe" };
    struct message message = {
        MESSAGE_REPLY,
        .reply = { .kind = REQUEST_STATUS, .executions = &view, .execution_count = 1 },
    };
    struct message out;
    wire_encode(&message, 1, &f->buf);
    print_message("%zu bytes\n", f->buf.len);
    if (!wire_decode(buf_bytes(&f->buf), &f->arena, &out, &f->err)) fail_msg("%s", f->err.text);
    assert_int_equal(out.reply.failure.code, ERR_NONE);
    assert_int_equal(out.reply.executions[0].job_count, WIRE_JOBS_MAX);
    assert_string_equal(out.reply.executions[0].jobs[999].worker, view.jobs[999].worker);
}

static void a_reply_that_cannot_fit_becomes_a_failure(void **state)
{
    struct fixture *f = *state;
    struct execution_view views[3] = { { { .id = ID("e"), .pipeline = "p" }, NULL, 0 } };
    for (size_t i = 0; i < COUNT(views); i++) {
        views[i].execution = views[0].execution;
        views[i].jobs = failed_jobs(&f->arena, WIRE_JOBS_MAX);
        views[i].job_count = WIRE_JOBS_MAX;
    }
    struct message message = {
        MESSAGE_REPLY,
        .reply = { .token = 7, .kind = REQUEST_HISTORY, .executions = views, .execution_count = 3 },
    };
    struct message out;
    wire_encode(&message, 1, &f->buf);
    assert_true(wire_decode(buf_bytes(&f->buf), &f->arena, &out, &f->err));
    assert_int_equal(out.reply.token, 7);
    assert_int_equal(out.reply.kind, REQUEST_HISTORY);
    assert_int_equal(out.reply.failure.code, ERR_NO_SPACE);
    assert_int_equal(out.reply.execution_count, 0);
}

/* ---- printing ---- */

static const char *printed(struct fixture *f, const struct record *record)
{
    buf_clear(&f->buf);
    wire_record_print(record, &f->buf);
    return arena_text_of(&f->arena, f->buf.data, f->buf.len);
}

static void a_record_prints_as_indented_lines(void **state)
{
    static const uint8_t data[] = "signed";
    struct record record = {
        RECORD_ROW,
        .row = { .row = { ID("job-1"), 2, { 3, 4 }, ROW_RUNNING },
                 .signed_job = { data, 6 },
                 .step_state = STEP_NOT_BEGUN,
                 .events = { { EVENT_BEFORE_INSTALL, STATUS_IN_PROGRESS, 5, 0 } },
                 .event_count = 1 },
    };
    assert_string_equal(printed(*state, &record), "schema: 1\n"
                                                  "row:\n"
                                                  "  row:\n"
                                                  "    job: job-1\n"
                                                  "    attempt: 2\n"
                                                  "    fence:\n"
                                                  "      epoch: 3\n"
                                                  "      seq: 4\n"
                                                  "    state: RUNNING\n"
                                                  "  signed_job: 6 bytes\n"
                                                  "  accepted_boot_ms: 0\n"
                                                  "  accepted_ms: 0\n"
                                                  "  boot: \n"
                                                  "  step: 0\n"
                                                  "  run: 0\n"
                                                  "  ordered_run: 0\n"
                                                  "  free_runs: 0\n"
                                                  "  step_state: NOT_BEGUN\n"
                                                  "  cancel: false\n"
                                                  "  events[0]:\n"
                                                  "    event: BEFORE_INSTALL\n"
                                                  "    status: IN_PROGRESS\n"
                                                  "    started_ms: 5\n"
                                                  "    ended_ms: 0\n"
                                                  "  files: 0\n"
                                                  "  idle_events: 0\n"
                                                  "  released: false\n");
}

static void nothing_printed_steers_a_terminal(void **state)
{
    struct record record = { RECORD_SOURCE, .source = { "a\x1b[2J\xc2\x9b"
                                                        "b\\\x7f",
                                                        "\xc3\xa4\xff\n", NULL } };
    assert_string_equal(printed(*state, &record), "schema: 1\n"
                                                  "source:\n"
                                                  "  pipeline: a\\x1b[2J\\xc2\\x9bb\\x5c\\x7f\n"
                                                  "  action: \xc3\xa4\\xff\\x0a\n"
                                                  "  revision_id: \n");
}

static void a_document_prints_line_by_line_and_a_digest_in_hex(void **state)
{
    struct fixture *f = *state;
    static const uint8_t text[] = "a: 1\nb: \x01\n\nc";
    struct record record = {
        RECORD_DEFINITION, .definition = { "pipe", 1, 2, "who", { text, sizeof text - 1 }, NULL }
    };
    assert_non_null(
        strstr(printed(f, &record), "  text: |\n    a: 1\n    b: \\x01\n    \n    c\n"));
    struct copy_state copy = { .artifact = "App", .ref.sha256 = { 0xab, 0xcd } };
    record = (struct record){ RECORD_EXECUTION, .execution = { .copies = &copy, .copy_count = 1 } };
    assert_non_null(strstr(printed(f, &record), "      sha256: abcd0000"));
}

static void printing_ends_early_in_a_full_buffer(void **state)
{
    (void)state;
    struct record record = { RECORD_EPOCH, .epoch = { 1234 } };
    AUTO(buf_deinit) struct buf small;
    buf_init(&small, 12);
    wire_record_print(&record, &small);
    assert_memory_equal(small.data, "schema: 1\nep", 12);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(utf8_is_told_from_what_is_not),
        TEST(a_free_text_is_repaired),
        TEST(a_free_text_is_cut_between_characters),
        TEST(a_log_tail_keeps_its_end),
        TEST(what_a_person_typed_can_be_checked_first),
        TEST(the_largest_status_fits_with_shorter_texts),
        TEST(a_reply_that_cannot_fit_becomes_a_failure),
        TEST(a_record_prints_as_indented_lines),
        TEST(nothing_printed_steers_a_terminal),
        TEST(a_document_prints_line_by_line_and_a_digest_in_hex),
        TEST(printing_ends_early_in_a_full_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
