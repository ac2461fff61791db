#include "core/replay.h"

#include "core/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ARENA_MAX = 64 << 20, TURNS_MAX = 100 };
static const char own_key[] = "execution/pipe/0000000000000001/exec", job_key[] = "job/exec/one";

/* A log, written by turns as a shell writes them. */
struct fixture {
    struct arena arena;
    struct turn_record turns[TURNS_MAX];
    size_t count;
    struct replay *replay;
    struct error err;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    const struct id id = { "exec" };
    arena_init(&f->arena, ARENA_MAX);
    f->replay = replay_new(&id);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    replay_free(f->replay);
    arena_deinit(&f->arena);
    free(f);
    return 0;
}

static struct bytes text(const char *value)
{
    return value ? bytes_of_text(value) : bytes_of(NULL, 0);
}

/* One change as a turn of its own. */
static void change(struct fixture *f, const char *key, struct bytes old, struct bytes new)
{
    struct ledger ledger;
    struct id id;
    ledger_init(&ledger, &f->arena, 1000 + f->count);
    assert_true(ledger_execution(key, &id));
    ledger_change(&ledger, ledger_open(&ledger, &id, f->count), key, old, new);
    for (size_t i = 0; i < ledger.executions[0].count; i++) {
        assert_true(f->count < TURNS_MAX);
        f->turns[f->count++] = ledger.executions[0].records[i];
    }
}

/* Four turns: an execution, a job of it, both again. */
static void make_four(struct fixture *f)
{
    change(f, own_key, text(NULL), text("the execution begins"));
    change(f, job_key, text(NULL), text("the job waits for a worker"));
    change(f, job_key, text("the job waits for a worker"), text("the job waits for nobody"));
    change(f, own_key, text("the execution begins"), text("the execution has ended"));
    assert_int_equal(f->count, 4);
}

static void take(struct fixture *f, size_t turn)
{
    if (!replay_turn(f->replay, &f->turns[turn], &f->err)) fail_msg("%s", f->err.text);
}

static void refused(struct fixture *f, size_t turn, const char *why)
{
    assert_false(replay_turn(f->replay, &f->turns[turn], &f->err));
    assert_int_equal(f->err.code, ERR_CORRUPT);
    if (!strstr(f->err.text, why)) fail_msg("'%s' lacks '%s'", f->err.text, why);
}

static void keys_of_others_belong_to_no_execution(void **state)
{
    (void)state;
    static const char *const keys[] = { "epoch",         "event/01",
                                        "job/",          "job/exec",
                                        "execution/",    "turn/exec/0000000000000001",
                                        "host/job/exec", "" };
    struct id id;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_false(ledger_execution(keys[i], &id));
    assert_true(ledger_execution(own_key, &id));
    assert_string_equal(id.text, "exec");
}

static void an_execution_that_is_older_than_its_log_has_none(void **state)
{
    struct fixture *f = *state;
    change(f, own_key, text("before"), text("after"));
    change(f, job_key, text(NULL), text("new"));
    assert_int_equal(f->count, 0);
}

static void a_deleted_execution_has_no_log_any_more(void **state)
{
    struct fixture *f = *state;
    struct ledger ledger;
    const struct id id = { "exec" };
    ledger_init(&ledger, &f->arena, 1);
    struct ledger_execution *e = ledger_open(&ledger, &id, 3);
    ledger_change(&ledger, e, own_key, text("it"), text(NULL));
    ledger_change(&ledger, e, job_key, text("its job"), text(NULL));
    assert_true(e->erased);
    assert_int_equal(e->count, 0);
}

static void a_missing_turn_is_told(void **state)
{
    struct fixture *f = *state;
    make_four(f);
    refused(f, 1, "turn 1 is missing");
    take(f, 0);
    refused(f, 2, "turn 2 is missing");
}

static void turns_out_of_order_are_told(void **state)
{
    struct fixture *f = *state;
    make_four(f);
    change(f, job_key, text("the job waits for nobody"), text("the job has ended"));
    take(f, 0);
    take(f, 1);
    f->turns[4].seq = 3; /* exchanged with the third, number and all */
    refused(f, 4, "turn 3: record 'job/exec/one'");
}

static void a_doubled_turn_is_told(void **state)
{
    struct fixture *f = *state;
    make_four(f);
    take(f, 0);
    refused(f, 0, "turn 2 is missing: the log goes on with turn 1");
    f->turns[0].seq = 2;
    refused(f, 0, "is made for the second time");
}

static void a_turn_of_another_execution_is_told(void **state)
{
    struct fixture *f = *state;
    make_four(f);
    f->turns[0].execution = (struct id){ "other" };
    refused(f, 0, "is of execution other");
    f->turns[0].execution = (struct id){ "exec" };
    const struct turn_change strange = { .key = "job/other/one", .fresh = true };
    f->turns[0].changes = &strange;
    refused(f, 0, "is not one of this execution");
}

static void rubbish_in_a_turn_is_told(void **state)
{
    struct fixture *f = *state;
    make_four(f);
    take(f, 0);
    struct turn_change change = f->turns[1].changes[0];
    f->turns[1].changes = &change;
    change.edits = bytes_of("\xff\xff", 2);
    refused(f, 1, "turn 2: record 'job/exec/one': the edits end within a number");
    change.edits = bytes_of("\x00\x00\x01z", 4);
    refused(f, 1, "is not what it was when this was written");
    change.fresh = false;
    refused(f, 1, "is changed before it is made");
    change.fresh = change.gone = true;
    refused(f, 1, "is changed before it is made");
    change.key = own_key;
    change.fresh = false;
    refused(f, 1, "is deleted as another one than it is");
}

static void the_records_come_again(void **state)
{
    struct fixture *f = *state;
    make_four(f);
    change(f, job_key, text("the job waits for nobody"), text(NULL));
    take(f, 0);
    assert_null(replay_find(f->replay, job_key));
    take(f, 1);
    take(f, 2);
    take(f, 3);
    const struct replay_record *job = replay_find(f->replay, job_key);
    assert_true(bytes_equal(buf_bytes(&job->value), text("the job waits for nobody")));
    take(f, 4);
    assert_int_equal(f->replay->count, 1);
    assert_true(bytes_equal(buf_bytes(&f->replay->at[0].value), text("the execution has ended")));
    assert_int_equal(f->replay->time_ms, 1004);
}

/* What is too large for one record of the store goes on in the next. */
static void a_large_value_is_told_in_pieces(void **state)
{
    struct fixture *f = *state;
    AUTO(auto_free) uint8_t *value = xcalloc(WIRE_FRAME_MAX, 1);
    for (size_t i = 0; i < WIRE_FRAME_MAX; i++) value[i] = (uint8_t)(i * i >> 7);
    change(f, own_key, text(NULL), bytes_of(value, WIRE_FRAME_MAX));
    assert_in_range(f->count, 2, 9);
    size_t first = f->count;
    for (size_t i = 0; i < first; i++) {
        assert_int_equal(f->turns[i].more, i + 1 < first);
        take(f, i);
        assert_int_equal(f->replay->more, i + 1 < first);
    }
    assert_true(bytes_equal(buf_bytes(&f->replay->at[0].value), bytes_of(value, WIRE_FRAME_MAX)));
    AUTO(auto_free) uint8_t *other = xcalloc(WIRE_FRAME_MAX, 1);
    memset(other, 'x', WIRE_FRAME_MAX - 5);
    change(f, own_key, bytes_of(value, WIRE_FRAME_MAX), bytes_of(other, WIRE_FRAME_MAX - 5));
    for (size_t i = first; i < f->count; i++) take(f, i);
    assert_true(
        bytes_equal(buf_bytes(&f->replay->at[0].value), bytes_of(other, WIRE_FRAME_MAX - 5)));
}

static void many_changes_of_a_turn_go_on_in_the_next_record(void **state)
{
    struct fixture *f = *state;
    struct ledger ledger;
    const struct id id = { "exec" };
    ledger_init(&ledger, &f->arena, 1);
    struct ledger_execution *e = ledger_open(&ledger, &id, 0);
    ledger_change(&ledger, e, own_key, text(NULL), text("begins"));
    for (size_t i = 0; i < (size_t)2 * WIRE_CHANGES_MAX; i++)
        ledger_change(&ledger, e, arena_format(&f->arena, "job/exec/%zu", i), text(NULL),
                      text("j"));
    assert_int_equal(e->count, 3);
    for (size_t i = 0; i < e->count; i++) {
        assert_int_equal(e->records[i].more, i < 2);
        if (!replay_turn(f->replay, &e->records[i], &f->err)) fail_msg("%s", f->err.text);
    }
    assert_int_equal(f->replay->count, 2 * WIRE_CHANGES_MAX + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(keys_of_others_belong_to_no_execution),
        TEST(an_execution_that_is_older_than_its_log_has_none),
        TEST(a_deleted_execution_has_no_log_any_more),
        TEST(a_missing_turn_is_told),
        TEST(turns_out_of_order_are_told),
        TEST(a_doubled_turn_is_told),
        TEST(a_turn_of_another_execution_is_told),
        TEST(rubbish_in_a_turn_is_told),
        TEST(the_records_come_again),
        TEST(a_large_value_is_told_in_pieces),
        TEST(many_changes_of_a_turn_go_on_in_the_next_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
