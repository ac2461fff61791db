/* What hooks leave behind, however they do it: no daemon that holds the output hangs an event, and
 * each is named in the log; no trick saves a process from a timeout. */
#include "place.h"

#include "io/clock.h"
#include "steps/hook/hook.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define HEAD "version: 0.0\nos: linux\nhooks:\n"
#define LOG  "host/dg-1/d-000000001/logs/scripts.log"

enum { QUICK_MS = 15000 }; /* far below the scripts' timeout, far above the grace */

/* Runs one script; its timeout is `timeout_s`. */
static void run(struct place *p, const char *text, unsigned timeout_s, struct step_report *report)
{
    char appspec[200];
    struct error err = { 0 };
    snprintf(appspec, sizeof appspec, HEAD "  AfterInstall:\n  - {location: h.sh, timeout: %u}\n",
             timeout_s);
    place_revision(p, "appspec.yml", appspec, 0644);
    place_revision(p, "h.sh", text, 0755);
    p->spec.event = EVENT_AFTER_INSTALL;
    memset(report, 0, sizeof *report);
    assert_true(hook_run(&p->step, report, &err));
}

static pid_t noted(struct place *p)
{
    return (pid_t)strtol(place_read(p, "pid"), NULL, 10);
}

static void assert_named(struct place *p, pid_t pid, const char *stream)
{
    char part[64];
    snprintf(part, sizeof part, "process %d (", pid);
    const char *at = strstr(place_read(p, LOG), part);
    assert_non_null(at);
    const char *end = strchr(at, '\n');
    assert_non_null(strstr(at, stream));
    assert_true(strstr(at, stream) < end || strstr(end, part));
}

/* The daemon has to be there, holds the output, and the event has succeeded in time. */
static void assert_left_running(const char *text)
{
    struct place p;
    struct step_report report;
    place_make(&p);
    uint64_t began_ms = clock_boot_ms();
    run(&p, text, 600, &report);
    assert_int_equal(report.code, LIFECYCLE_SUCCESS);
    assert_true(clock_boot_ms() - began_ms < QUICK_MS);
    pid_t pid = noted(&p);
    assert_true(pid > 0);
    assert_int_equal(kill(pid, 0), 0);
    assert_named(&p, pid, "stdout");
    assert_named(&p, pid, "stderr");
    kill(pid, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0) continue; /* it and our reader */
    place_remove(&p);
}

static void a_daemon_in_its_own_session_does_not_hang_the_event(void **state)
{
    (void)state;
    assert_left_running("#!/bin/sh\nsetsid sh -c 'echo $$ > @/pid; exec sleep 3600' &\n"
                        "while ! [ -s @/pid ]; do sleep 0.02; done\n");
}

static void a_daemon_that_was_forked_twice_does_not_hang_the_event(void **state)
{
    (void)state;
    assert_left_running(
        "#!/bin/sh\n"
        "(setsid sh -c '(sh -c \"echo \\$\\$ > @/pid; exec sleep 3600\" &) ; exit 0' &)\n"
        "while ! [ -s @/pid ]; do sleep 0.02; done\n");
}

static void a_daemon_in_a_process_group_of_its_own_does_not_hang_the_event(void **state)
{
    (void)state;
    assert_left_running("#!/bin/sh\nset -m\nsh -c 'echo $$ > @/pid; exec sleep 3600' &\n"
                        "while ! [ -s @/pid ]; do sleep 0.02; done\n");
}

static void a_daemon_that_stands_still_does_not_hang_the_event(void **state)
{
    (void)state;
    assert_left_running("#!/bin/sh\nsh -c 'echo $$ > @/pid; kill -STOP $$; exec sleep 3600' &\n"
                        "while ! [ -s @/pid ]; do sleep 0.02; done\n");
}

static void a_daemon_that_never_stops_writing_does_not_hang_the_event(void **state)
{
    (void)state;
    assert_left_running("#!/bin/sh\nsetsid sh -c 'trap \"\" PIPE; echo $$ > @/pid; "
                        "while :; do echo again; sleep 0.01; done' &\n"
                        "while ! [ -s @/pid ]; do sleep 0.02; done\n");
}

/* Seconds until the event has ended by its timeout; the process that was noted is gone then. */
static uint64_t timed_out_ms(const char *text)
{
    struct place p;
    struct step_report report;
    place_make(&p);
    uint64_t began_ms = clock_boot_ms();
    run(&p, text, 1, &report);
    uint64_t took_ms = clock_boot_ms() - began_ms;
    assert_int_equal(report.code, LIFECYCLE_SCRIPT_TIMED_OUT);
    assert_int_equal(kill(noted(&p), 0), -1);
    place_remove(&p);
    return took_ms;
}

static void a_script_that_stands_still_is_ended_by_its_timeout(void **state)
{
    (void)state;
    uint64_t took_ms = timed_out_ms("#!/bin/sh\necho $$ > @/pid\nkill -STOP $$\nsleep 3600\n");
    assert_true(took_ms < 1000 + STEP_KILL_MS); /* SIGTERM was enough */
}

static void what_was_forked_twice_is_ended_by_the_timeout(void **state)
{
    (void)state;
    timed_out_ms("#!/bin/sh\n(setsid sh -c '(sh -c \"echo \\$\\$ > @/pid; trap : TERM; "
                 "while :; do sleep 1; done\" &) ; exit 0' &)\nsleep 3600\n");
}

static void what_stands_still_and_ignores_term_is_ended_by_the_timeout(void **state)
{
    (void)state;
    timed_out_ms("#!/bin/sh\ntrap '' TERM\n"
                 "setsid sh -c 'echo $$ > @/pid; while :; do kill -STOP $$; done' &\nwait\n");
}

int main(void)
{
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_daemon_in_its_own_session_does_not_hang_the_event),
        cmocka_unit_test(a_daemon_that_was_forked_twice_does_not_hang_the_event),
        cmocka_unit_test(a_daemon_in_a_process_group_of_its_own_does_not_hang_the_event),
        cmocka_unit_test(a_daemon_that_stands_still_does_not_hang_the_event),
        cmocka_unit_test(a_daemon_that_never_stops_writing_does_not_hang_the_event),
        cmocka_unit_test(a_script_that_stands_still_is_ended_by_its_timeout),
        cmocka_unit_test(what_was_forked_twice_is_ended_by_the_timeout),
        cmocka_unit_test(what_stands_still_and_ignores_term_is_ended_by_the_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
