/* The step process as a whole: its claim, its spec, its outcome. */
#include "place.h"
#include "steps/hook/hook.h"

#include <signal.h>
#include <sys/wait.h>

static char *in_step(struct place *p, const char *name)
{
    static char path[FS_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", p->step_folder, name);
    return path;
}

static void write_spec(struct place *p)
{
    struct error err;
    struct buf bytes AUTO(buf_deinit) = { .max = 0 };
    buf_init(&bytes, WIRE_FRAME_MAX);
    const char *id = "00000000-0000-4000-8000-000000000000";
    struct job *job = &p->spec.job;
    snprintf(job->id.text, ID_SIZE, "%s", id);
    job->execution = job->action_execution = job->incarnation = job->id;
    wire_step_spec_encode(&p->spec, &bytes);
    assert_true(fs_write_atomic(in_step(p, "spec"), buf_bytes(&bytes), 0600, &err));
}

/* As the worker starts it: a process of its own. Returns its exit status. */
static pid_t start(struct place *p, const char *kind)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) return pid;
    char *argv[] = { "meridian-step", (char *)kind, p->step_folder, NULL };
    static const struct step_row rows[] = { { STEP_HOOK, hook_run } };
    int status = step_main(3, argv, rows, 1);
    _exit(status);
}

static int run(struct place *p, const char *kind)
{
    int status;
    pid_t pid = start(p, kind);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static struct step_outcome outcome(struct place *p, struct arena *arena)
{
    struct step_outcome out;
    struct error err;
    struct buf bytes AUTO(buf_deinit) = { .max = 0 };
    buf_init(&bytes, WIRE_FRAME_MAX);
    if (!fs_read_file(in_step(p, "outcome"), &bytes, &err)) fail_msg("%s", err.text);
    assert_true(wire_step_outcome_decode(arena_bytes(arena, buf_bytes(&bytes)), arena, &out, &err));
    return out;
}

static void an_unreadable_spec_still_gives_an_outcome(void **state)
{
    (void)state;
    struct place p;
    struct arena arena AUTO(arena_deinit);
    arena_init(&arena, WIRE_DECODE_MAX);
    place_make(&p);
    assert_int_equal(run(&p, "install"), 0);
    struct step_outcome out = outcome(&p, &arena);
    assert_int_equal(out.status, STATUS_FAILED);
    assert_int_equal(out.diagnostics.code, LIFECYCLE_UNKNOWN_ERROR);
    assert_non_null(strstr(out.diagnostics.message, "spec"));
    place_remove(&p);
}

static void a_step_of_another_kind_is_refused(void **state)
{
    (void)state;
    struct place p;
    struct arena arena AUTO(arena_deinit);
    arena_init(&arena, WIRE_DECODE_MAX);
    place_make(&p);
    p.spec.kind = STEP_HOOK;
    p.spec.event = EVENT_AFTER_INSTALL;
    write_spec(&p);
    assert_int_equal(run(&p, "install"), 0);
    assert_non_null(strstr(outcome(&p, &arena).diagnostics.message, "the spec says 'hook'"));
    place_remove(&p);
}

static void a_kind_that_the_program_does_not_have_is_refused(void **state)
{
    (void)state;
    struct place p;
    struct arena arena AUTO(arena_deinit);
    arena_init(&arena, WIRE_DECODE_MAX);
    place_make(&p);
    p.spec.kind = STEP_INSTALL;
    write_spec(&p);
    assert_int_equal(run(&p, "install"), 0);
    assert_non_null(strstr(outcome(&p, &arena).diagnostics.message, "no such step"));
    place_remove(&p);
}

static void a_hook_is_started_once_whoever_asks(void **state)
{
    (void)state;
    struct place p;
    struct arena arena AUTO(arena_deinit);
    arena_init(&arena, WIRE_DECODE_MAX);
    enum { TRIES = 6 };
    pid_t pids[TRIES];
    place_make(&p);
    p.spec.kind = STEP_HOOK;
    p.spec.event = EVENT_AFTER_INSTALL;
    write_spec(&p);
    place_revision(&p, "appspec.yml",
                   "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n  - {location: h}\n", 0644);
    place_revision(&p, "h", "#!/bin/sh\necho ran >> @/trace\n", 0755);
    for (size_t i = 0; i < TRIES; i++) pids[i] = start(&p, "hook");
    for (size_t i = 0; i < TRIES; i++) assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    assert_int_equal(run(&p, "hook"), 0);
    assert_string_equal(place_read(&p, "trace"), "ran\n");
    struct step_outcome out = outcome(&p, &arena);
    assert_int_equal(out.status, STATUS_SUCCEEDED);
    assert_false(out.noop);
    assert_int_equal(out.idle_events >> EVENT_AFTER_INSTALL & 1, 0);
    assert_int_equal(out.idle_events >> EVENT_BEFORE_INSTALL & 1, 1);
    assert_true(out.ended_ms >= out.started_ms);
    place_remove(&p);
}

static void a_cancelled_step_tells_it_in_its_outcome(void **state)
{
    (void)state;
    struct place p;
    struct arena arena AUTO(arena_deinit);
    arena_init(&arena, WIRE_DECODE_MAX);
    place_make(&p);
    p.spec.kind = STEP_HOOK;
    p.spec.event = EVENT_AFTER_INSTALL;
    write_spec(&p);
    place_revision(&p, "appspec.yml",
                   "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n  - {location: h}\n", 0644);
    place_revision(&p, "h", "#!/bin/sh\nkill -TERM $PPID\nsleep 3600\n", 0755);
    assert_int_equal(run(&p, "hook"), 0);
    struct step_outcome out = outcome(&p, &arena);
    assert_int_equal(out.status, STATUS_STOPPED);
    assert_string_equal(out.diagnostics.script, "h");
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unreadable_spec_still_gives_an_outcome),
        cmocka_unit_test(a_step_of_another_kind_is_refused),
        cmocka_unit_test(a_kind_that_the_program_does_not_have_is_refused),
        cmocka_unit_test(a_hook_is_started_once_whoever_asks),
        cmocka_unit_test(a_cancelled_step_tells_it_in_its_outcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
