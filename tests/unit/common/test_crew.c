#include "io/crew.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <string.h>

struct shared {
    atomic_uint done;
};

struct owner {
    struct shared *shared;
    unsigned fails; /* number of the hand that fails */
    bool stop;
    int begun; /* a pipe that tells it, or 0 */
};

static bool go_on(void *owner, struct error *err)
{
    struct owner *o = owner;
    return !o->stop || error_set(err, ERR_CONFLICT, "cancelled");
}

static bool count(void *owner, unsigned number, struct error *err)
{
    struct owner *o = owner;
    if (number == o->fails) return error_set(err, ERR_CORRUPT, "hand %u found a hole", number);
    atomic_fetch_add(&o->shared->done, number + 1);
    return true;
}

static bool sleep_for_ever(void *owner, unsigned number, struct error *err)
{
    struct owner *o = owner;
    if (number == 0 && o->begun > 0) assert_int_equal(write(o->begun, "b", 1), 1);
    while (pause() < 0 && number < CREW_MAX) continue;
    return error_set(err, ERR_FATAL, "woken");
}

static bool be_killed(void *owner, unsigned number, struct error *err)
{
    if (number == 1) raise(SIGKILL);
    return count(owner, number, err);
}

static struct owner make(void)
{
    return (struct owner){ .shared = crew_memory(sizeof(struct shared)), .fails = CREW_MAX };
}

static void one_hands_failure_ends_all_and_is_told(void **state)
{
    (void)state;
    struct error err = { .code = ERR_NONE };
    struct owner o = make();
    o.fails = 2;
    assert_false(crew_run(3, count, go_on, &o, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_string_equal(err.text, "hand 2 found a hole");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    crew_memory_free(o.shared, sizeof *o.shared);
}

static void a_killed_hand_is_a_failure(void **state)
{
    (void)state;
    struct error err = { .code = ERR_NONE };
    struct owner o = make();
    assert_false(crew_run(2, be_killed, go_on, &o, &err));
    assert_int_equal(err.code, ERR_RETRY);
    assert_non_null(strstr(err.text, "signal 9"));
    crew_memory_free(o.shared, sizeof *o.shared);
}

static void who_watches_can_end_it(void **state)
{
    (void)state;
    struct error err = { .code = ERR_NONE };
    struct owner o = make();
    o.stop = true;
    assert_false(crew_run(2, sleep_for_ever, go_on, &o, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    crew_memory_free(o.shared, sizeof *o.shared);
}

static bool keep_waiting(void *owner, struct error *err)
{
    (void)owner;
    (void)err;
    return true;
}

static void hands_do_not_outlive_whoever_called(void **state)
{
    (void)state;
    struct owner o = make();
    struct error err;
    int alive[2], begun[2];
    char byte;
    assert_int_equal(pipe(alive), 0);
    assert_int_equal(pipe(begun), 0);
    o.begun = begun[1];
    pid_t caller = fork();
    assert_true(caller >= 0);
    if (caller == 0) _exit(crew_run(2, sleep_for_ever, keep_waiting, &o, &err) ? 0 : 1);
    close(alive[1]);
    assert_int_equal(read(begun[0], &byte, 1), 1);
    kill(caller, SIGKILL);
    assert_int_equal(waitpid(caller, NULL, 0), caller);
    /* The end of the pipe comes when the last hand has gone. */
    assert_int_equal(read(alive[0], &byte, 1), 0);
    close(alive[0]);
    close(begun[0]);
    close(begun[1]);
    crew_memory_free(o.shared, sizeof *o.shared);
}

static void every_number_works_once(void **state)
{
    (void)state;
    struct error err = { .code = ERR_NONE };
    struct owner o = make();
    assert_true(crew_size() >= 1);
    assert_true(crew_run(CREW_MAX, count, go_on, &o, &err));
    assert_int_equal(atomic_load(&o.shared->done), CREW_MAX * (CREW_MAX + 1) / 2);
    crew_memory_free(o.shared, sizeof *o.shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_hands_failure_ends_all_and_is_told),
        cmocka_unit_test(a_killed_hand_is_a_failure),
        cmocka_unit_test(who_watches_can_end_it),
        cmocka_unit_test(hands_do_not_outlive_whoever_called),
        cmocka_unit_test(every_number_works_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
