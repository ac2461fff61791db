/* Hooks: which scripts run, as whom, with what around them, and how they end. */
#include "place.h"

#include "io/clock.h"
#include "steps/hook/hook.h"
#include "steps/hook/scriptlog.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#define HEAD  "version: 0.0\nos: linux\nhooks:\n"
#define ONE   HEAD "  AfterInstall:\n  - {location: h.sh}\n"
#define TRACE "echo $LIFECYCLE_EVENT $DEPLOYMENT_ID >> @/trace\n"
#define HOURS "sleep 3600"

static struct step_report *run(struct place *p, enum lifecycle_event event, const char *appspec)
{
    static struct step_report report;
    struct error err;
    if (appspec) place_revision(p, "appspec.yml", appspec, 0644);
    p->spec.event = event;
    memset(&report, 0, sizeof report);
    report.status = STATUS_SUCCEEDED;
    if (!hook_run(&p->step, &report, &err)) {
        report.status = STATUS_FAILED;
        report.code = LIFECYCLE_UNKNOWN_ERROR;
        snprintf(report.message, sizeof report.message, "%s", err.text);
    }
    return &report;
}

static void script(struct place *p, const char *name, const char *text)
{
    place_revision(p, name, text, 0755);
}

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("'%s' lacks '%s'", text, part);
}

static void an_event_without_scripts_is_a_noop(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct step_report *r = run(&p, EVENT_AFTER_INSTALL, "version: 0.0\nos: linux\n");
    assert_int_equal(r->status, STATUS_SUCCEEDED);
    assert_true(r->noop);
    assert_false(place_has(&p, "host/dg-1/d-000000001/logs/scripts.log"));
    place_remove(&p);
}

static void a_bad_appspec_is_code_5_without_a_script(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct step_report *r = run(&p, EVENT_BEFORE_INSTALL, "version: 0.0\nos: windows\n");
    assert_int_equal(r->code, LIFECYCLE_UNKNOWN_ERROR);
    assert_string_equal(r->script, "");
    assert_string_equal(r->log_tail, "");
    place_remove(&p);
}

static void a_missing_script_is_code_1(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct step_report *r = run(&p, EVENT_AFTER_INSTALL, ONE);
    assert_int_equal(r->code, LIFECYCLE_SCRIPT_MISSING);
    assert_string_equal(r->script, "h.sh");
    assert_says(r->message, "deployment-archive/h.sh");
    place_remove(&p);
}

static void scripts_run_in_order_and_the_first_failure_stops(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    script(&p, "1", "#!/bin/sh\necho 1 >> @/trace\n");
    script(&p, "2", "#!/bin/sh\necho 2 >> @/trace\necho out\necho err >&2\nprintf end\nexit 3\n");
    script(&p, "3", "#!/bin/sh\necho 3 >> @/trace\n");
    struct step_report *r = run(&p, EVENT_AFTER_INSTALL,
                                HEAD "  AfterInstall:\n  - {location: '1'}\n  - {location: '2'}\n"
                                     "  - {location: '3'}\n");
    assert_int_equal(r->status, STATUS_FAILED);
    assert_int_equal(r->code, LIFECYCLE_SCRIPT_FAILED);
    assert_string_equal(r->script, "2");
    assert_says(r->message, "exit code 3");
    assert_string_equal(place_read(&p, "trace"), "1\n2\n");
    const char *log = place_read(&p, "host/dg-1/d-000000001/logs/scripts.log");
    assert_says(log, " LifecycleEvent - AfterInstall\n");
    assert_says(log, " Script - 1\n");
    assert_says(log, " [stdout]out\n");
    assert_says(log, " [stderr]err\n");
    assert_says(log, " [stdout]end\n");
    assert_says(r->log_tail, "[stdout]out\n");
    place_remove(&p);
}

static void a_script_is_made_executable_and_needs_no_first_line(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    place_revision(&p, "with space.sh", TRACE, 0644);
    struct step_report *r =
        run(&p, EVENT_AFTER_INSTALL, HEAD "  AfterInstall:\n  - {location: with space.sh}\n");
    assert_int_equal(r->code, LIFECYCLE_SUCCESS);
    assert_string_equal(place_read(&p, "trace"), "AfterInstall d-000000001\n");
    place_remove(&p);
}

static void a_wrong_interpreter_is_explained(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    script(&p, "h.sh", "#!/bin/sh\r\necho hi\r\n");
    struct step_report *r = run(&p, EVENT_AFTER_INSTALL, ONE);
    assert_int_equal(r->code, LIFECYCLE_SCRIPT_FAILED);
    assert_says(r->message, "carriage return");
    place_remove(&p);
}

static void a_script_gets_the_deployment_s_environment_and_nothing_to_read(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    script(&p, "h.sh",
           "#!/bin/sh\ncat > @/stdin\necho $APPLICATION_NAME $DEPLOYMENT_GROUP_NAME "
           "$DEPLOYMENT_GROUP_ID $LIFECYCLE_EVENT $DEPLOYMENT_ID $OURS $BUNDLE_BUCKET $BUNDLE_KEY "
           "$BUNDLE_VERSION $BUNDLE_ETAG ${ATTEMPT-none} > @/trace\nls /proc/self/fd > @/fds\n");
    p.spec.job.input.store = "bucket";
    p.spec.job.input.key = "key";
    p.spec.job.input.version_id = "version";
    p.spec.job.input.etag = "etag";
    setenv("OURS", "kept", 1);
    setenv("LIFECYCLE_EVENT", "not this", 1);
    run(&p, EVENT_AFTER_INSTALL, ONE);
    unsetenv("OURS");
    unsetenv("LIFECYCLE_EVENT");
    assert_string_equal(place_read(&p, "trace"), "shop fleet dg-1 AfterInstall d-000000001 kept "
                                                 "bucket key version etag none\n");
    assert_string_equal(place_read(&p, "stdin"), "");
    assert_string_equal(place_read(&p, "fds"), "0\n1\n2\n3\n"); /* 3 is its own */
    place_remove(&p);
}

static void application_stop_comes_from_the_last_successful_deployment(void **state)
{
    (void)state;
    struct place p;
    const char *appspec = HEAD "  ApplicationStop:\n  - {location: h.sh}\n";
    place_make(&p);
    script(&p, "h.sh", "#!/bin/sh\necho first $DEPLOYMENT_ID > @/trace\n");
    place_revision(&p, "appspec.yml", appspec, 0644);
    place_deployment(&p, 2);
    struct error err;
    assert_true(fs_remove_tree(p.step.host.archive, &err)); /* not downloaded yet */
    struct step_report *r = run(&p, EVENT_APPLICATION_STOP, NULL);
    assert_true(r->noop); /* nothing has ever succeeded */
    snprintf(p.spec.last_successful.text, ID_SIZE, "d-000000001");
    r = run(&p, EVENT_APPLICATION_STOP, NULL);
    assert_int_equal(r->code, LIFECYCLE_SUCCESS);
    assert_string_equal(place_read(&p, "trace"), "first d-000000002\n");
    assert_true(place_has(&p, "host/dg-1/d-000000002/logs/scripts.log"));
    snprintf(p.spec.last_successful.text, ID_SIZE, "d-000000009");
    r = run(&p, EVENT_APPLICATION_STOP, NULL);
    assert_int_equal(r->code, LIFECYCLE_UNKNOWN_ERROR);
    assert_says(r->message, "d-000000009");
    assert_says(r->message, "--ignore-application-stop-failures");
    place_remove(&p);
}

static void a_roll_back_blocks_traffic_with_the_most_recent_revision(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    place_make(&p);
    script(&p, "h.sh", "#!/bin/sh\necho recent > @/trace\n");
    place_revision(&p, "appspec.yml", HEAD "  BeforeBlockTraffic:\n  - {location: h.sh}\n", 0644);
    place_write(&p, "host/deployment-instructions/dg-1_most_recent_install",
                "@/host/dg-1/d-000000001", 0644);
    place_deployment(&p, 2);
    assert_true(fs_remove_tree(p.step.host.archive, &err));
    p.spec.run_root_scripts_from_current = true;
    struct step_report *r = run(&p, EVENT_BEFORE_BLOCK_TRAFFIC, NULL);
    assert_int_equal(r->code, LIFECYCLE_SUCCESS);
    assert_string_equal(place_read(&p, "trace"), "recent\n");
    place_remove(&p);
}

static void a_timeout_ends_the_whole_tree(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    script(&p, "h.sh", "#!/bin/sh\nsetsid sh -c 'echo $$ > @/pid; " HOURS "' &\n" HOURS "\n");
    uint64_t began_ms = clock_boot_ms();
    struct step_report *r =
        run(&p, EVENT_AFTER_INSTALL, HEAD "  AfterInstall:\n  - {location: h.sh, timeout: 1}\n");
    assert_int_equal(r->code, LIFECYCLE_SCRIPT_TIMED_OUT);
    assert_says(r->message, "1 seconds");
    assert_true(clock_boot_ms() - began_ms >= 1000);
    pid_t pid = (pid_t)strtol(place_read(&p, "pid"), NULL, 10);
    assert_true(pid > 0);
    assert_int_equal(kill(pid, 0), -1);
    place_remove(&p);
}

static void what_ignores_term_is_killed(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    script(&p, "h.sh",
           "#!/bin/sh\ntrap '' TERM\necho $$ > @/pid\nwhile :; do sleep 1 & wait $!; done\n");
    uint64_t began_ms = clock_boot_ms();
    struct step_report *r =
        run(&p, EVENT_AFTER_INSTALL, HEAD "  AfterInstall:\n  - {location: h.sh, timeout: 1}\n");
    assert_int_equal(r->code, LIFECYCLE_SCRIPT_TIMED_OUT);
    assert_true(clock_boot_ms() - began_ms >= 1000 + STEP_KILL_MS);
    assert_int_equal(kill((pid_t)strtol(place_read(&p, "pid"), NULL, 10), 0), -1);
    place_remove(&p);
}

static void a_daemon_that_holds_the_output_is_named_and_lives(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    /* It writes again once the step has ended: neither lost nor killed by SIGPIPE. */
    script(&p, "h.sh",
           "#!/bin/sh\necho before\n(while [ ! -e @/go ]; do sleep 0.05; "
           "done; echo later; echo done > @/written) &\necho $! > @/pid\n");
    uint64_t began_ms = clock_boot_ms();
    struct step_report *r = run(&p, EVENT_APPLICATION_START,
                                HEAD "  ApplicationStart:\n  - {location: h.sh, timeout: 60}\n");
    assert_int_equal(r->code, LIFECYCLE_SUCCESS);
    assert_true(clock_boot_ms() - began_ms < 30000);
    char holder[64];
    snprintf(holder, sizeof holder, "process %ld (", strtol(place_read(&p, "pid"), NULL, 10));
    assert_says(place_read(&p, "host/dg-1/d-000000001/logs/scripts.log"), holder);
    place_write(&p, "go", "", 0644);
    /* Our reader is a child of this program: it ends when the daemon has. */
    while (waitpid(-1, NULL, 0) > 0) {
    }
    assert_string_equal(place_read(&p, "written"), "done\n");
    assert_says(place_read(&p, "host/dg-1/d-000000001/logs/scripts.log"), "[stdout]later\n");
    place_remove(&p);
}

static void a_timeout_leaves_what_an_earlier_script_has_started(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    script(&p, "1", "#!/bin/sh\nsetsid " HOURS " > /dev/null 2>&1 &\necho $! > @/pid\n");
    script(&p, "2", "#!/bin/sh\n" HOURS "\n");
    struct step_report *r =
        run(&p, EVENT_AFTER_INSTALL,
            HEAD "  AfterInstall:\n  - {location: '1'}\n  - {location: '2', timeout: 1}\n");
    assert_int_equal(r->code, LIFECYCLE_SCRIPT_TIMED_OUT);
    pid_t pid = (pid_t)strtol(place_read(&p, "pid"), NULL, 10);
    assert_int_equal(kill(pid, 0), 0);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    place_remove(&p);
}

/* SIGTERM to the step arrives by its signalfd. */
static void cancel_ends_the_script_and_the_event(void **state)
{
    (void)state;
    struct place p;
    sigset_t set, before;
    place_make(&p);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &before);
    p.step.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    assert_true(p.step.signals >= 0);
    char text[256];
    snprintf(text, sizeof text, "#!/bin/sh\nkill -TERM %d\n" HOURS "\n", getpid());
    script(&p, "1", text);
    script(&p, "2", "#!/bin/sh\n" TRACE);
    struct step_report *r = run(&p, EVENT_AFTER_INSTALL,
                                HEAD "  AfterInstall:\n  - {location: '1'}\n  - {location: '2'}\n");
    assert_int_equal(r->status, STATUS_STOPPED);
    assert_says(r->message, "cancelled");
    assert_false(place_has(&p, "trace"));
    close(p.step.signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    place_remove(&p);
}

static void an_ended_lease_ends_the_script(void **state)
{
    (void)state;
    struct place p;
    char name[512], text[64];
    place_make(&p);
    snprintf(name, sizeof name, "%s/lease", p.step_folder + strlen(p.top) + 1);
    snprintf(text, sizeof text, "%llu\n", (unsigned long long)clock_boot_ms() + 500);
    place_write(&p, name, text, 0644);
    script(&p, "h.sh", "#!/bin/sh\n" HOURS "\n");
    struct step_report *r = run(&p, EVENT_AFTER_INSTALL, ONE);
    assert_int_equal(r->status, STATUS_UNKNOWN);
    assert_says(r->message, "lease");
    place_remove(&p);
}

static void binary_output_is_escaped_in_the_tail_and_kept_in_the_log(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    script(&p, "h.sh",
           "#!/bin/sh\nprintf 'a\\377\\033[31mb\\303\\274\\n'\nhead -c 300000 /dev/zero | tr "
           "'\\000' x\nexit 1\n");
    struct step_report *r = run(&p, EVENT_AFTER_INSTALL, ONE);
    assert_int_equal(r->code, LIFECYCLE_SCRIPT_FAILED);
    assert_true(strlen(r->log_tail) > 100);
    assert_true(strlen(r->log_tail) <= SCRIPTLOG_TAIL_MAX);
    assert_says(r->log_tail, "xxx");
    place_remove(&p);
    place_make(&p);
    script(&p, "h.sh", "#!/bin/sh\nprintf 'a\\377\\033[31mb\\303\\274\\n'\nexit 1\n");
    r = run(&p, EVENT_AFTER_INSTALL, ONE);
    assert_says(r->log_tail, "[stdout]a\\xff\\x1b[31mb\xc3\xbc\n");
    assert_says(place_read(&p, "host/dg-1/d-000000001/logs/scripts.log"), "a\xff\x1b[31mb");
    place_remove(&p);
}

static void an_unknown_or_locked_user_is_code_4(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    script(&p, "h.sh", "#!/bin/sh\n" TRACE);
    struct step_report *r =
        run(&p, EVENT_AFTER_INSTALL,
            HEAD "  AfterInstall:\n  - {location: h.sh, runas: nobody-of-that-name}\n");
    assert_int_equal(r->code, LIFECYCLE_SCRIPT_FAILED);
    assert_says(r->message, "no user 'nobody-of-that-name'");
    r = run(&p, EVENT_AFTER_INSTALL, HEAD "  AfterInstall:\n  - {location: h.sh, runas: nobody}\n");
    assert_int_equal(r->code, LIFECYCLE_SCRIPT_FAILED);
    assert_says(r->message, "may not log in");
    assert_false(place_has(&p, "trace"));
    place_remove(&p);
}

/* A second run of the step: what had ended is not run again, what was interrupted is told. */
static void a_repeated_run_goes_on_where_the_first_was_cut(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    script(&p, "h.sh", "#!/bin/sh\necho $ATTEMPT $RESUMED >> @/trace\n");
    const char *appspec = HEAD "  AfterInstall:\n  - {location: h.sh}\n"
                               "  - {location: h.sh, rerun: safe}\n"
                               "  - {location: h.sh, rerun: safe}\n";
    place_write(&p, "again/4-1/scripts", "begun 0 once 5 b1\ndone 0\nbegun 1 safe 6 b1\n", 0644);
    place_folder(&p, "again/4-2");
    p.spec.run = 2;
    p.step.folder = place_path(&p, "again/4-2");
    struct step_report *r = run(&p, EVENT_AFTER_INSTALL, appspec);
    assert_int_equal(r->code, LIFECYCLE_SUCCESS);
    assert_string_equal(place_read(&p, "trace"), "2 true\n2 false\n");
    const char *ledger = place_read(&p, "again/4-2/scripts");
    assert_true(text_starts(ledger, "done 0\nbegun 1 safe "));
    assert_says(ledger, "\nprocess ");
    assert_says(ledger, "\ndone 1\nbegun 2 safe ");
    assert_says(ledger, "\ndone 2\n");
    place_remove(&p);
}

/* The run that follows `earlier` (its list of scripts) of one script. */
static struct step_report *run_after(struct place *p, const char *earlier, uint32_t ordered_run,
                                     const char *keys)
{
    script(p, "h.sh", "#!/bin/sh\necho $ATTEMPT $RESUMED >> @/trace\n");
    place_write(p, "again/4-1/scripts", earlier, 0644);
    place_folder(p, "again/4-2");
    place_folder(p, "again/4-3"); /* run 2 was lost before it came to its scripts */
    p->spec.run = 3;
    p->spec.ordered_run = ordered_run;
    p->step.folder = place_path(p, "again/4-3");
    char appspec[200];
    snprintf(appspec, sizeof appspec, HEAD "  AfterInstall:\n  - {location: h.sh%s}\n", keys);
    return run(p, EVENT_AFTER_INSTALL, appspec);
}

static void a_script_that_had_begun_does_not_begin_again_by_itself(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct step_report *r = run_after(&p, "begun 0 once 1700000000000 boot-1\n", 0, "");
    assert_int_equal(r->status, STATUS_UNKNOWN);
    assert_true(r->interrupted);
    assert_int_equal(r->code, LIFECYCLE_FAILED_AFTER_RESTART);
    assert_string_equal(r->script, "h.sh");
    assert_says(r->message, "2023-11-14T22:13:20Z (boot boot-1)");
    assert_false(place_has(&p, "trace"));
    place_remove(&p);
}

static void a_list_of_scripts_that_was_cut_counts_as_begun(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct step_report *r = run_after(&p, "begun 0 once 17 boot-1\ndone 0", 0, "");
    assert_true(r->interrupted);
    place_remove(&p);
}

static void nothing_begins_when_the_list_of_scripts_cannot_be_read(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    place_folder(&p, "again/4-1/scripts/x");
    p.spec.run = 2;
    place_folder(&p, "again/4-2");
    p.step.folder = place_path(&p, "again/4-2");
    script(&p, "h.sh", "#!/bin/sh\necho >> @/trace\n");
    struct step_report *r =
        run(&p, EVENT_AFTER_INSTALL, HEAD "  AfterInstall:\n  - {location: h.sh, rerun: safe}\n");
    assert_int_equal(r->code, LIFECYCLE_UNKNOWN_ERROR);
    assert_false(place_has(&p, "trace"));
    place_remove(&p);
}

static void an_interrupted_script_begins_once_more_on_the_operator_s_word(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct step_report *r = run_after(&p, "begun 0 once 17 boot-1\n", 2, "");
    assert_int_equal(r->code, LIFECYCLE_SUCCESS);
    assert_string_equal(place_read(&p, "trace"), "3 true\n");
    place_remove(&p);
}

static void the_operator_s_word_counts_for_one_begin(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct step_report *r = run_after(&p, "begun 0 once 17 boot-1\n", 1, "");
    assert_true(r->interrupted);
    assert_false(place_has(&p, "trace"));
    place_remove(&p);
}

static void a_script_that_is_safe_begins_again(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct step_report *r = run_after(&p, "begun 0 safe 17 boot-1\n", 0, ", rerun: safe");
    assert_int_equal(r->code, LIFECYCLE_SUCCESS);
    assert_string_equal(place_read(&p, "trace"), "3 true\n");
    place_remove(&p);
}

int main(void)
{
    /* As step_main(): orphans of the scripts stay below us. */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_without_scripts_is_a_noop),
        cmocka_unit_test(a_bad_appspec_is_code_5_without_a_script),
        cmocka_unit_test(a_missing_script_is_code_1),
        cmocka_unit_test(scripts_run_in_order_and_the_first_failure_stops),
        cmocka_unit_test(a_script_is_made_executable_and_needs_no_first_line),
        cmocka_unit_test(a_wrong_interpreter_is_explained),
        cmocka_unit_test(a_script_gets_the_deployment_s_environment_and_nothing_to_read),
        cmocka_unit_test(application_stop_comes_from_the_last_successful_deployment),
        cmocka_unit_test(a_roll_back_blocks_traffic_with_the_most_recent_revision),
        cmocka_unit_test(a_timeout_ends_the_whole_tree),
        cmocka_unit_test(what_ignores_term_is_killed),
        cmocka_unit_test(a_daemon_that_holds_the_output_is_named_and_lives),
        cmocka_unit_test(a_timeout_leaves_what_an_earlier_script_has_started),
        cmocka_unit_test(cancel_ends_the_script_and_the_event),
        cmocka_unit_test(an_ended_lease_ends_the_script),
        cmocka_unit_test(binary_output_is_escaped_in_the_tail_and_kept_in_the_log),
        cmocka_unit_test(an_unknown_or_locked_user_is_code_4),
        cmocka_unit_test(a_repeated_run_goes_on_where_the_first_was_cut),
        cmocka_unit_test(a_script_that_had_begun_does_not_begin_again_by_itself),
        cmocka_unit_test(a_list_of_scripts_that_was_cut_counts_as_begun),
        cmocka_unit_test(nothing_begins_when_the_list_of_scripts_cannot_be_read),
        cmocka_unit_test(an_interrupted_script_begins_once_more_on_the_operator_s_word),
        cmocka_unit_test(the_operator_s_word_counts_for_one_begin),
        cmocka_unit_test(a_script_that_is_safe_begins_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
