/* Steps are found by their folders: this program is its own meridian-step, and what it does is
 * told by the spec's root_dir: "succeed", "vanish" (ends without an outcome), "wait" (until a
 * file `go` lies in the step's folder, or SIGTERM), "stubborn" (for ever, whatever it is told). */
#include "shell/effect.h"

#include "io/clock.h"
#include "io/fs.h"
#include "io/proc.h"
#include "wire/wire.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 30000, ARENA_MAX = 1 << 20 };

/* ---- the step program ---- */

static volatile sig_atomic_t told_to_end;

static void on_term(int number)
{
    (void)number;
    told_to_end = 1;
}

static void in_folder(const char *folder, const char *name, char out[FS_PATH_MAX])
{
    snprintf(out, FS_PATH_MAX, "%s/%s", folder, name);
}

static int claim(const char *folder)
{
    struct error err = { 0 };
    struct proc_identity id;
    char path[FS_PATH_MAX], line[PROC_LINE_SIZE];
    bool won = false;
    in_folder(folder, "begun", path);
    if (!proc_identify(getpid(), &id, &err)) return 2;
    proc_identity_format(&id, line);
    if (!fs_claim(path, bytes_of_text(line), 0600, &won, &err)) return 2;
    return won ? 0 : 1;
}

static int write_outcome(const char *folder, enum status status)
{
    struct error err = { 0 };
    char path[FS_PATH_MAX];
    AUTO(buf_deinit) struct buf data;
    const struct step_outcome outcome = {
        .status = status,
        .diagnostics = { .script = "", .message = "said", .log_tail = "" },
        .version_id = ""
    };
    buf_init(&data, WIRE_FRAME_MAX);
    wire_step_outcome_encode(&outcome, &data);
    in_folder(folder, "outcome", path);
    return fs_write_atomic(path, buf_bytes(&data), 0600, &err) ? 0 : 2;
}

static int wait_for_go(const char *folder)
{
    char path[FS_PATH_MAX];
    in_folder(folder, "go", path);
    for (int i = 0; i < DEADLINE_MS / 10 && !told_to_end && !fs_exists(path); i++)
        poll(NULL, 0, 10);
    return write_outcome(folder, told_to_end ? STATUS_STOPPED : STATUS_SUCCEEDED);
}

static int step_main(const char *folder)
{
    struct error err = { 0 };
    struct step_spec spec;
    char path[FS_PATH_MAX];
    const struct sigaction action = { .sa_handler = on_term };
    AUTO(arena_deinit) struct arena arena;
    AUTO(buf_deinit) struct buf data;
    sigaction(SIGTERM, &action, NULL); /* before the claim tells others that we run */
    arena_init(&arena, ARENA_MAX);
    buf_init(&data, WIRE_FRAME_MAX);
    in_folder(folder, "spec", path);
    if (!fs_read_file(path, &data, &err) ||
        !wire_step_spec_decode(buf_bytes(&data), &arena, &spec, &err) || claim(folder) != 0)
        return 1;
    if (strcmp(spec.root_dir, "succeed") == 0) return write_outcome(folder, STATUS_SUCCEEDED);
    if (strcmp(spec.root_dir, "stubborn") == 0)
        for (;;) pause();
    if (strcmp(spec.root_dir, "wait") == 0) return wait_for_go(folder);
    return 0;
}

/* ---- the tests ---- */

struct fixture {
    char folder[64];
    struct log log;
    struct loop *loop;
    struct effect *effect;
    struct arena arena;
    struct step_ref ref;
};

static void open_effect(struct fixture *f)
{
    struct error err = { 0 };
    static char program[FS_PATH_MAX];
    assert_true(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    const struct effect_config config = { .state = f->folder,
                                          .program = program,
                                          .local_bundle = "",
                                          .appspec_filename = "",
                                          .steps_max = 2,
                                          .kill_ms = 200 };
    assert_true(effect_open(&config, f->loop, &f->log, &f->effect, &err));
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct error err = { 0 };
    snprintf(f->folder, sizeof f->folder, "/tmp/meridian-effect-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    log_init(&f->log, LOG_ERROR);
    assert_true(loop_open(&f->loop, &err));
    arena_init(&f->arena, ARENA_MAX);
    f->ref = (struct step_ref){ .attempt = 1, .step = 2, .run = 1 };
    assert_true(id_parse("job-1", &f->ref.job));
    open_effect(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    effect_close(f->effect);
    loop_close(f->loop);
    arena_deinit(&f->arena);
    assert_true(fs_remove_tree(f->folder, &err));
    free(f);
    return 0;
}

/* A test that leaves steps running tells them to end and waits. */
static int end_many(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct worker_event event;
    for (uint32_t i = 1; i <= 4; i++) {
        struct step_ref ref = f->ref;
        ref.step = i;
        effect_cancel(f->effect, &ref);
    }
    for (uint64_t end = clock_boot_ms() + DEADLINE_MS; clock_boot_ms() < end;) {
        while (effect_next(f->effect, &f->arena, &event)) continue;
        if (effect_deadline(f->effect) == UINT64_MAX) return teardown(state);
        assert_true(loop_wait(f->loop, effect_deadline(f->effect), &err));
    }
    return -1;
}

static struct step_spec spec_of(const struct fixture *f, const char *what)
{
    struct step_spec spec = { .kind = STEP_HOOK,
                              .event = EVENT_AFTER_INSTALL,
                              .run = 1,
                              .root_dir = what,
                              .revisions_max = 5,
                              .local_bundle = "",
                              .appspec_filename = "" };
    const struct artifact_ref none = { .store = "", .key = "", .version_id = "", .etag = "" };
    spec.job = (struct job){ .id = f->ref.job,
                             .attempt = 1,
                             .worker = "w",
                             .target = "t",
                             .pipeline = "",
                             .stage = "",
                             .action = "",
                             .region = "r",
                             .application = "a",
                             .deployment_group = "g",
                             .deployment_group_id = "dg",
                             .bundle_type = "",
                             .buildspec = "",
                             .revision = "",
                             .input = none,
                             .output = none,
                             .read = { .url = "", .pin = "" },
                             .write = { .url = "", .pin = "" } };
    return spec;
}

static void step_file(const struct fixture *f, const char *name, char out[FS_PATH_MAX])
{
    snprintf(out, FS_PATH_MAX, "%s/jobs/job-1.1/steps/2-1/%s", f->folder, name);
}

/* The next event that is no progress. */
static struct worker_event next_event(struct fixture *f)
{
    struct error err = { 0 };
    struct worker_event event;
    uint64_t deadline = clock_boot_ms() + DEADLINE_MS;
    for (;;) {
        while (effect_next(f->effect, &f->arena, &event))
            if (event.type != WORKER_STEP_PROGRESS) return event;
        assert_true(clock_boot_ms() < deadline);
        uint64_t due = effect_deadline(f->effect);
        assert_true(loop_wait(f->loop, due < deadline ? due : deadline, &err));
    }
}

static void wait_for_file(const struct fixture *f, const char *name)
{
    char path[FS_PATH_MAX];
    step_file(f, name, path);
    for (int i = 0; i < DEADLINE_MS / 10 && !fs_exists(path); i++) poll(NULL, 0, 10);
    assert_true(fs_exists(path));
}

static void touch(const struct fixture *f, const char *name)
{
    struct error err = { 0 };
    char path[FS_PATH_MAX];
    step_file(f, name, path);
    assert_true(fs_write_atomic(path, bytes_of_text(""), 0600, &err));
}

static void a_step_without_an_outcome_is_lost(void **state)
{
    struct fixture *f = *state;
    struct step_spec spec = spec_of(f, "vanish");
    effect_start(f->effect, &f->ref, &spec);
    struct worker_event event = next_event(f);
    assert_int_equal(event.type, WORKER_STEP_LOST);
    assert_true(event.lost.begun);
}

static void adopting_what_never_ran_says_so(void **state)
{
    struct fixture *f = *state;
    effect_adopt(f->effect, &f->ref);
    struct worker_event event = next_event(f);
    assert_int_equal(event.type, WORKER_STEP_LOST);
    assert_false(event.lost.begun);
}

static void a_run_that_was_called_unbegun_can_never_begin(void **state)
{
    struct fixture *f = *state;
    char folder[FS_PATH_MAX];
    effect_adopt(f->effect, &f->ref);
    assert_false(next_event(f).lost.begun);
    step_file(f, "", folder);
    assert_int_equal(claim(folder), 1); /* a process that was slower than we */
    effect_adopt(f->effect, &f->ref);   /* we crash before the core commits */
    struct worker_event event = next_event(f);
    assert_int_equal(event.type, WORKER_STEP_LOST);
    assert_false(event.lost.begun);
}

static void an_outcome_that_cannot_be_read_is_a_lost_step(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    char path[FS_PATH_MAX];
    step_file(f, "", path);
    assert_true(fs_make_folders(path, 0700, &err));
    step_file(f, "outcome", path);
    assert_true(fs_write_atomic(path, bytes_of_text("rubbish"), 0600, &err));
    effect_adopt(f->effect, &f->ref);
    assert_int_equal(next_event(f).type, WORKER_STEP_LOST);
}

static void a_step_that_succeeds_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct worker_event event;
    struct step_spec spec = spec_of(f, "succeed");
    effect_start(f->effect, &f->ref, &spec);
    effect_start(f->effect, &f->ref, &spec);
    event = next_event(f);
    assert_int_equal(event.type, WORKER_STEP_ENDED);
    assert_int_equal(event.ended.outcome.status, STATUS_SUCCEEDED);
    assert_string_equal(event.ended.outcome.diagnostics.message, "said");
    assert_false(effect_next(f->effect, &f->arena, &event));
    assert_true(effect_deadline(f->effect) == UINT64_MAX);
}

static void starting_a_finished_step_again_gives_its_outcome(void **state)
{
    struct fixture *f = *state;
    struct step_spec spec = spec_of(f, "succeed");
    effect_start(f->effect, &f->ref, &spec);
    assert_int_equal(next_event(f).type, WORKER_STEP_ENDED);
    spec.root_dir = "vanish";
    effect_start(f->effect, &f->ref, &spec);
    assert_int_equal(next_event(f).type, WORKER_STEP_ENDED);
}

static void a_running_step_is_found_again_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct step_spec spec = spec_of(f, "wait");
    effect_start(f->effect, &f->ref, &spec);
    wait_for_file(f, "begun");
    effect_close(f->effect);
    open_effect(f);
    effect_adopt(f->effect, &f->ref);
    touch(f, "go");
    struct worker_event event = next_event(f);
    assert_int_equal(event.type, WORKER_STEP_ENDED);
    assert_int_equal(event.ended.outcome.status, STATUS_SUCCEEDED);
}

static void a_cancelled_step_ends_and_still_tells_its_outcome(void **state)
{
    struct fixture *f = *state;
    struct step_spec spec = spec_of(f, "wait");
    effect_start(f->effect, &f->ref, &spec);
    wait_for_file(f, "begun");
    effect_cancel(f->effect, &f->ref);
    effect_cancel(f->effect, &f->ref);
    struct worker_event event = next_event(f);
    assert_int_equal(event.type, WORKER_STEP_ENDED);
    assert_int_equal(event.ended.outcome.status, STATUS_STOPPED);
}

static void a_step_that_ignores_its_cancel_is_killed(void **state)
{
    struct fixture *f = *state;
    struct step_spec spec = spec_of(f, "stubborn");
    effect_start(f->effect, &f->ref, &spec);
    wait_for_file(f, "begun");
    effect_cancel(f->effect, &f->ref);
    struct worker_event event = next_event(f);
    assert_int_equal(event.type, WORKER_STEP_LOST);
    assert_true(event.lost.begun);
}

/* Starts steps 1 to `count` of the job, each of which waits for `go`. */
static void start_many(struct fixture *f, uint32_t count)
{
    struct step_spec spec = spec_of(f, "wait");
    for (uint32_t i = 1; i <= count; i++) {
        struct step_ref ref = f->ref;
        ref.step = i;
        effect_start(f->effect, &ref, &spec);
        effect_start(f->effect, &ref, &spec);
    }
}

static bool has_begun(const struct fixture *f, unsigned number)
{
    char path[FS_PATH_MAX];
    snprintf(path, sizeof path, "%s/jobs/job-1.1/steps/%u-1/begun", f->folder, number);
    return fs_exists(path);
}

static void a_step_beyond_the_most_waits_for_the_end_of_another(void **state)
{
    struct fixture *f = *state;
    start_many(f, 4);          /* two at once */
    wait_for_file(f, "begun"); /* of step 2 */
    assert_false(has_begun(f, 3));
    touch(f, "go");
    struct worker_event event = next_event(f);
    assert_int_equal(event.type, WORKER_STEP_ENDED);
    assert_int_equal(event.ended.step.step, 2);
    for (int i = 0; i < DEADLINE_MS / 10 && !has_begun(f, 3); i++) poll(NULL, 0, 10);
    assert_true(has_begun(f, 3));
    assert_false(has_begun(f, 4));
}

static void a_step_that_is_cancelled_while_it_waits_is_lost_unbegun(void **state)
{
    struct fixture *f = *state;
    struct step_ref third = f->ref;
    third.step = 3;
    start_many(f, 3);
    effect_cancel(f->effect, &third);
    struct worker_event event = next_event(f);
    assert_int_equal(event.type, WORKER_STEP_LOST);
    assert_int_equal(event.lost.step.step, 3);
    assert_false(event.lost.begun);
}

static void a_lease_lies_in_the_folder_before_the_start(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    char path[FS_PATH_MAX];
    AUTO(buf_deinit) struct buf data;
    buf_init(&data, 64);
    effect_lease(f->effect, &f->ref, 12345);
    step_file(f, "lease", path);
    assert_true(fs_read_file(path, &data, &err));
    assert_int_equal(data.len, 6);
    assert_memory_equal(data.data, "12345\n", 6);
}

static void a_forgotten_job_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    char path[FS_PATH_MAX];
    struct step_spec spec = spec_of(f, "succeed");
    effect_start(f->effect, &f->ref, &spec);
    assert_int_equal(next_event(f).type, WORKER_STEP_ENDED);
    effect_forget(f->effect, &f->ref.job, 1);
    in_folder(f->folder, "jobs/job-1.1", path);
    assert_false(fs_exists(path));
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "hook") == 0) return step_main(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_step_without_an_outcome_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(adopting_what_never_ran_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_that_was_called_unbegun_can_never_begin, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_outcome_that_cannot_be_read_is_a_lost_step, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_step_that_succeeds_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(starting_a_finished_step_again_gives_its_outcome, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_running_step_is_found_again_after_a_restart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_cancelled_step_ends_and_still_tells_its_outcome, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_step_that_ignores_its_cancel_is_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_step_beyond_the_most_waits_for_the_end_of_another, setup,
                                        end_many),
        cmocka_unit_test_setup_teardown(a_step_that_is_cancelled_while_it_waits_is_lost_unbegun,
                                        setup, end_many),
        cmocka_unit_test_setup_teardown(a_lease_lies_in_the_folder_before_the_start, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_forgotten_job_leaves_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
