#include "shell/turn_log.h"

#include "io/fs.h"
#include "shell/records.h"
#include "shell/replay_command.h"
#include "wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TURNS = 6 };

struct fixture {
    char folder[64];
    struct store *store;
    uint64_t now_ms;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct error err = { 0 };
    snprintf(f->folder, sizeof f->folder, "/tmp/meridian-turn-log-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_true(store_open(&f->store, f->folder, 64 << 20, &err));
    f->now_ms = UINT64_C(1800000000000);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    store_close(f->store);
    assert_true(fs_remove_tree(f->folder, &err));
    free(f);
    return 0;
}

static struct id id_of(const char *text)
{
    struct id id;
    assert_true(id_parse(text, &id));
    return id;
}

static struct record execution(const char *id, uint64_t started_ms, enum status status)
{
    return (struct record){ .kind = RECORD_EXECUTION,
                            .execution = { .id = id_of(id),
                                           .pipeline = "p",
                                           .pipeline_version = 1,
                                           .status = status,
                                           .status_summary = "",
                                           .trigger_detail = "",
                                           .started_ms = started_ms,
                                           .stop_reason = "" } };
}

static struct record job(const char *id, const char *cause)
{
    return (
        struct record){ .kind = RECORD_JOB,
                        .job = { .id = id_of(id),
                                 .execution = id_of("exec"),
                                 .worker = "w",
                                 .region = "r",
                                 .target = "t",
                                 .artifact = "a",
                                 .cause = cause,
                                 .diagnostics = { .script = "", .message = "", .log_tail = "" } } };
}

/* One turn of the coordinator. */
static void turn(struct fixture *f, const struct record *records, size_t count)
{
    struct error err = { 0 };
    struct coordinator_action actions[4];
    assert_in_range(count, 1, 4);
    for (size_t i = 0; i < count; i++)
        actions[i] = (struct coordinator_action){ .type = COORDINATOR_PUT, .put = records[i] };
    const struct coordinator_actions all = { .at = actions, .count = count };
    if (!records_write(f->store, &all, f->now_ms, &err)) fail_msg("%s", err.text);
    f->now_ms += 1000;
}

/* Six turns of the execution "exec". */
static void make_log(struct fixture *f)
{
    const struct record turns[TURNS] = { execution("exec", 1, STATUS_PENDING),
                                         job("j1", "waits"),
                                         execution("exec", 1, STATUS_IN_PROGRESS),
                                         job("j1", "works"),
                                         job("j1", "has ended"),
                                         execution("exec", 1, STATUS_SUCCEEDED) };
    for (size_t i = 0; i < TURNS; i++) turn(f, &turns[i], 1);
}

static void turn_key(uint64_t seq, char out[RECORD_KEY_SIZE])
{
    const struct record record = { .kind = RECORD_TURN,
                                   .turn = { .execution = id_of("exec"), .seq = seq } };
    record_key(&record, out);
}

static void read_value(struct fixture *f, const char *key, struct buf *out)
{
    struct error err = { 0 };
    buf_init(out, STORE_VALUE_MAX);
    if (!store_get(f->store, key, out, &err)) fail_msg("%s", err.text);
}

/* No data: deleted. */
static void write_value(struct fixture *f, const char *key, struct bytes value)
{
    struct error err = { 0 };
    assert_true(store_begin(f->store, &err));
    assert_true(value.data ? store_put(f->store, key, value, &err)
                           : store_delete(f->store, key, &err));
    assert_true(store_commit(f->store, &err));
}

static bool replays(struct fixture *f, const char *id, const char *until, const char *at,
                    struct error *err)
{
    const struct replay_wish wish = { .execution = id, .until = until, .at = at };
    store_close(f->store);
    bool ok = replay_command(f->folder, &wish, err);
    struct error opening = { 0 };
    assert_true(store_open(&f->store, f->folder, 64 << 20, &opening));
    return ok;
}

static void refused(struct fixture *f, enum error_code code, const char *why)
{
    struct error err = { 0 };
    assert_false(replays(f, "exec", NULL, NULL, &err));
    assert_int_equal(err.code, code);
    if (!strstr(err.text, why)) fail_msg("'%s' lacks '%s'", err.text, why);
}

static void a_wish_that_makes_no_sense_is_refused(void **state)
{
    struct fixture *f = *state;
    make_log(f);
    static const char *const untils[] = { "0", "-1", "", "1x", "99999999999999999999" };
    static const char *const ats[] = { "",
                                       "yesterday",
                                       "2027-01-15T08:00:00",
                                       "2027-01-15T08:00:00.12Z",
                                       "2027-01-15T08:00:00+01:00",
                                       "1950-01-01T00:00:00Z" };
    for (size_t i = 0; i < sizeof untils / sizeof *untils; i++) {
        struct error err = { 0 };
        assert_false(replays(f, "exec", untils[i], NULL, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    for (size_t i = 0; i < sizeof ats / sizeof *ats; i++) {
        struct error err = { 0 };
        assert_false(replays(f, "exec", NULL, ats[i], &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    struct error err = { 0 };
    assert_false(replays(f, "exec", "1", "2027-01-15T08:00:00Z", &err));
    assert_int_equal(err.code, ERR_INVALID);
}

static void an_execution_without_a_log_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    assert_false(replays(f, "exec", NULL, NULL, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    make_log(f);
    static const char *const ids[] = { "none", "execu", "", "exec/", "../exec" };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        assert_false(replays(f, ids[i], NULL, NULL, &err));
        assert_int_equal(err.code, ERR_NOT_FOUND);
    }
    assert_false(replays(f, "exec", NULL, "2020-01-01T00:00:00Z", &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    const struct record other = execution("exec2", 2, STATUS_PENDING);
    turn(f, &other, 1);
    assert_false(replays(f, "ex", NULL, NULL, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

static void a_log_that_was_cut_is_not_the_state(void **state)
{
    struct fixture *f = *state;
    char key[RECORD_KEY_SIZE];
    make_log(f);
    turn_key(TURNS, key);
    write_value(f, key, bytes_of(NULL, 0));
    refused(f, ERR_CORRUPT,
            "the log comes to 'status: IN_PROGRESS', the state has 'status: SUCCEEDED'");
}

static void a_missing_turn_is_named(void **state)
{
    struct fixture *f = *state;
    char key[RECORD_KEY_SIZE];
    make_log(f);
    turn_key(1, key);
    write_value(f, key, bytes_of(NULL, 0));
    refused(f, ERR_CORRUPT, "turn 1 is missing");
}

static void a_turn_under_the_key_of_another_is_damage(void **state)
{
    struct fixture *f = *state;
    char third[RECORD_KEY_SIZE], fourth[RECORD_KEY_SIZE];
    AUTO(buf_deinit) struct buf value;
    make_log(f);
    turn_key(3, third);
    turn_key(4, fourth);
    read_value(f, third, &value);
    write_value(f, fourth, buf_bytes(&value));
    refused(f, ERR_CORRUPT, "holds the record 'turn/exec/0000000000000003'");
}

static void rubbish_in_the_log_is_damage(void **state)
{
    struct fixture *f = *state;
    char key[RECORD_KEY_SIZE];
    AUTO(buf_deinit) struct buf value;
    make_log(f);
    turn_key(4, key);
    read_value(f, key, &value);
    for (size_t i = 0; i < value.len; i++) {
        struct error err = { 0 };
        value.data[i] ^= 1;
        write_value(f, key, buf_bytes(&value));
        value.data[i] ^= 1;
        if (!replays(f, "exec", NULL, NULL, &err)) assert_int_equal(err.code, ERR_CORRUPT);
    }
    write_value(f, key, bytes_of_text("rubbish"));
    refused(f, ERR_CORRUPT, key);
}

static void a_state_that_was_changed_by_another_is_told(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf value;
    make_log(f);
    buf_init(&value, WIRE_FRAME_MAX);
    const struct record changed = job("j1", "something else");
    wire_record_encode(&changed, &value);
    write_value(f, "job/exec/j1", buf_bytes(&value));
    refused(f, ERR_CORRUPT, "'cause: has ended', the state has 'cause: something else'");
    write_value(f, "job/exec/j1", bytes_of(NULL, 0));
    refused(f, ERR_CORRUPT, "the log comes to 2 records, the state has 1 of them");
    const struct record strange = job("j2", "");
    buf_clear(&value);
    wire_record_encode(&strange, &value);
    write_value(f, "job/exec/j2", buf_bytes(&value));
    refused(f, ERR_CORRUPT, "'job/exec/j2': the log does not know it");
    write_value(f, "job/exec/j2", bytes_of(NULL, 0));
    AUTO(buf_deinit) struct buf good;
    buf_init(&good, WIRE_FRAME_MAX);
    const struct record right = job("j1", "has ended");
    wire_record_encode(&right, &good);
    write_value(f, "job/exec/j1", buf_bytes(&good));
    if (!replays(f, "exec", NULL, NULL, &err)) fail_msg("%s", err.text);
}

static void a_turn_that_was_not_committed_is_not_in_the_log(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    make_log(f);
    struct coordinator_action actions[2] = {
        { .type = COORDINATOR_PUT, .put = job("j1", "never") },
        { .type = COORDINATOR_DELETE, .delete_key = "" } /* no key: the store refuses it */
    };
    const struct coordinator_actions all = { .at = actions, .count = 2 };
    assert_false(records_write(f->store, &all, f->now_ms, &err));
    assert_false(store_in_transaction(f->store));
    if (!replays(f, "exec", NULL, NULL, &err)) fail_msg("%s", err.text);
}

static void the_state_was_that_at_every_turn_and_time(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    make_log(f);
    if (!replays(f, "ex", NULL, NULL, &err)) fail_msg("%s", err.text);
    if (!replays(f, "exec", "2", NULL, &err)) fail_msg("%s", err.text);
    if (!replays(f, "exec", "1000", NULL, &err)) fail_msg("%s", err.text);
    if (!replays(f, "exec", NULL, "2027-01-15T08:00:03Z", &err)) fail_msg("%s", err.text);
    if (!replays(f, "exec", NULL, "2027-01-15T08:00:00.000Z", &err)) fail_msg("%s", err.text);
}

/* A start may put a record twice in one transaction. */
static void the_same_record_twice_in_a_turn_is_told_twice(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    const struct record twice[] = { execution("exec", 1, STATUS_PENDING), job("j1", "a"),
                                    execution("exec", 1, STATUS_IN_PROGRESS), job("j1", "b") };
    turn(f, twice, 4);
    if (!replays(f, "exec", NULL, NULL, &err)) fail_msg("%s", err.text);
}

static void the_newest_ended_executions_keep_their_log(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    const struct record live = execution("live", 1, STATUS_IN_PROGRESS);
    turn(f, &live, 1);
    for (unsigned i = 0; i < TURN_LOGS_MAX + 5; i++) {
        char id[16];
        snprintf(id, sizeof id, "e%03u", i);
        const struct record begins = execution(id, 10 + i, STATUS_PENDING);
        const struct record ends = execution(id, 10 + i, STATUS_SUCCEEDED);
        turn(f, &begins, 1);
        turn(f, &ends, 1);
    }
    if (!replays(f, "live", NULL, NULL, &err)) fail_msg("%s", err.text);
    assert_false(replays(f, "e000", NULL, NULL, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(replays(f, "e004", NULL, NULL, &err));
    err = (struct error){ 0 };
    if (!replays(f, "e005", NULL, NULL, &err)) fail_msg("%s", err.text);
    if (!replays(f, "e104", NULL, NULL, &err)) fail_msg("%s", err.text);
}

static void a_deleted_execution_takes_its_log_along(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    make_log(f);
    struct coordinator_action actions[2] = {
        { .type = COORDINATOR_DELETE, .delete_key = "execution/p/0000000000000001/exec" },
        { .type = COORDINATOR_DELETE, .delete_key = "job/exec/j1" }
    };
    const struct coordinator_actions all = { .at = actions, .count = 2 };
    assert_true(records_write(f->store, &all, f->now_ms, &err));
    struct store_usage usage;
    assert_true(store_usage(f->store, &usage, &err));
    assert_int_equal(usage.entries, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_wish_that_makes_no_sense_is_refused),
        TEST(an_execution_without_a_log_is_not_found),
        TEST(a_log_that_was_cut_is_not_the_state),
        TEST(a_missing_turn_is_named),
        TEST(a_turn_under_the_key_of_another_is_damage),
        TEST(rubbish_in_the_log_is_damage),
        TEST(a_state_that_was_changed_by_another_is_told),
        TEST(a_turn_that_was_not_committed_is_not_in_the_log),
        TEST(the_state_was_that_at_every_turn_and_time),
        TEST(the_same_record_twice_in_a_turn_is_told_twice),
        TEST(the_newest_ended_executions_keep_their_log),
        TEST(a_deleted_execution_takes_its_log_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
