#include "io/child.h"

#include "io/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 20000, TEXT_MAX = 4096 };

static const char *const plain_env[] = { "PATH=/usr/bin:/bin", "GIVEN=yes", NULL };

static struct child_spec shell(const char *const argv[4], int out)
{
    return (struct child_spec){
        .path = "/bin/sh", .argv = argv, .env = plain_env, .stdout_fd = out, .stderr_fd = -1
    };
}

static void wait_readable(int fd)
{
    struct pollfd item = { .fd = fd, .events = POLLIN };
    int ready;
    do ready = poll(&item, 1, WAIT_MS);
    while (ready < 0 && errno == EINTR);
    assert_int_equal(ready, 1);
}

/* Everything the script prints; fails the test unless it exits with 0. */
static void run(const char *script, const char *folder, char out[TEXT_MAX])
{
    struct error err = { 0 };
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const char *argv[4] = { "sh", "-c", script, NULL };
    struct child_spec spec = shell(argv, ends[1]);
    spec.folder = folder;
    struct child c;
    if (!child_spawn(&spec, &c, &err)) fail_msg("%s", err.text);
    close(ends[1]);
    size_t got = 0;
    assert_true(fs_read_full(ends[0], out, TEXT_MAX - 1, &got, &err));
    out[got] = '\0';
    close(ends[0]);
    wait_readable(c.pidfd);
    struct child_end end;
    assert_true(child_reap(&c, &end, &err));
    assert_int_equal(end.state, CHILD_EXITED);
    assert_int_equal(end.status, 0);
    child_close(&c);
}

/* A process that says "r" once it runs and then stays until it is ended. */
static struct child start_sleeper(const char *script, int *said)
{
    struct error err = { 0 };
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const char *argv[4] = { "sh", "-c", script, NULL };
    struct child_spec spec = shell(argv, ends[1]);
    struct child c;
    if (!child_spawn(&spec, &c, &err)) fail_msg("%s", err.text);
    close(ends[1]);
    char byte;
    size_t got = 0;
    assert_true(fs_read_full(ends[0], &byte, 1, &got, &err));
    assert_int_equal(got, 1);
    *said = ends[0];
    return c;
}

static struct child_end wait_end(struct child *c)
{
    struct error err = { 0 };
    struct child_end end;
    wait_readable(c->pidfd);
    assert_true(child_reap(c, &end, &err));
    return end;
}

static void missing_program_is_an_error_of_the_start(void **state)
{
    (void)state;
    struct error err = { 0 };
    const char *argv[] = { "none", NULL };
    struct child_spec spec = {
        .path = "/nowhere/none", .argv = argv, .env = plain_env, .stdout_fd = -1, .stderr_fd = -1
    };
    struct child c;
    assert_false(child_spawn(&spec, &c, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left */
    assert_int_equal(errno, ECHILD);
}

static void child_gets_no_descriptor_but_its_three(void **state)
{
    (void)state;
    int leak = open("/dev/null", O_RDONLY); /* not close-on-exec: a library's mistake */
    assert_true(leak >= 0);
    char out[TEXT_MAX];
    run("for i in 3 4 5 6 7 8 9; do if (eval \"true <&$i\") 2>/dev/null; then echo open $i; fi; "
        "done;"
        "readlink /proc/$$/fd/0",
        NULL, out);
    close(leak);
    assert_string_equal(out, "/dev/null\n");
}

static void child_gets_the_given_environment_and_folder_only(void **state)
{
    (void)state;
    char out[TEXT_MAX];
    setenv("NOT_GIVEN", "secret", 1);
    run("echo $GIVEN:$NOT_GIVEN; pwd", "/", out);
    unsetenv("NOT_GIVEN");
    assert_string_equal(out, "yes:\n/\n");
}

static void child_leads_its_own_session_with_default_signals(void **state)
{
    (void)state;
    char out[TEXT_MAX], want[TEXT_MAX];
    sigset_t all, old;
    sigfillset(&all);
    struct sigaction ignore = { .sa_handler = SIG_IGN }, old_pipe;
    sigprocmask(SIG_BLOCK, &all, &old);
    sigaction(SIGPIPE, &ignore, &old_pipe);
    /* exec: a shell has all signals blocked for a moment whenever it starts a program. */
    run("echo $$; cut -d' ' -f 5,6 /proc/$$/stat; exec grep -E '^Sig(Blk|Ign)' /proc/self/status",
        NULL, out);
    sigaction(SIGPIPE, &old_pipe, NULL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    long pid = 0;
    char *ignored = strstr(out, "SigIgn:\t");
    assert_non_null(ignored);
    /* The C library leaves its own two signals, 32 and 33, ignored. */
    if (text_equal(ignored, "SigIgn:\t0000000180000000\n"))
        memcpy(ignored, "SigIgn:\t0000000000000000\n", strlen(ignored));
    assert_int_equal(sscanf(out, "%ld", &pid), 1);
    snprintf(want, sizeof want,
             "%ld\n%ld %ld\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n", pid, pid, pid);
    assert_string_equal(out, want);
}

static void reap_never_blocks_and_tells_status_or_signal(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct child_end end;
    int said;
    struct child c = start_sleeper("echo r; exec sleep 60", &said);
    assert_true(child_reap(&c, &end, &err));
    assert_int_equal(end.state, CHILD_RUNNING);
    assert_true(child_signal(&c, SIGKILL, &err));
    end = wait_end(&c);
    assert_int_equal(end.state, CHILD_KILLED);
    assert_int_equal(end.status, SIGKILL);
    assert_false(child_signal(&c, SIGKILL, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(child_signal_group(&c, SIGKILL, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    child_close(&c);
    close(said);
    c = start_sleeper("echo r; exit 7", &said);
    end = wait_end(&c);
    assert_int_equal(end.state, CHILD_EXITED);
    assert_int_equal(end.status, 7);
    child_close(&c);
    close(said);
}

static void group_signal_reaches_grandchildren(void **state)
{
    (void)state;
    struct error err = { 0 };
    int said;
    struct child c = start_sleeper("sleep 60 & echo r; wait", &said);
    assert_true(child_signal_group(&c, SIGKILL, &err));
    /* The pipe ends only when the grandchild is gone too. */
    char rest[8];
    size_t got = 0;
    assert_true(fs_read_full(said, rest, sizeof rest, &got, &err));
    assert_int_equal(wait_end(&c).state, CHILD_KILLED);
    child_close(&c);
    close(said);
}

static void adopt_refuses_another_process_with_the_same_number(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct child adopted;
    struct proc_identity self;
    assert_true(proc_identify(getpid(), &self, &err));
    struct proc_identity other = self;
    other.start_time--;
    assert_false(child_adopt(&other, &adopted, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    other = self;
    other.boot_id[0] = other.boot_id[0] == '0' ? '1' : '0';
    assert_false(child_adopt(&other, &adopted, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    int said;
    struct child c = start_sleeper("echo r", &said);
    (void)wait_end(&c);
    assert_false(child_adopt(&c.id, &adopted, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    child_close(&c);
    close(said);
}

/* The process is started by a parent that dies at once, as a daemon killed with -9 would. */
static void adopted_process_can_be_watched_and_ended(void **state)
{
    (void)state;
    struct error err = { 0 };
    int told[2];
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        const char *argv[4] = { "sh", "-c", "exec sleep 60", NULL };
        struct child_spec spec = shell(argv, -1);
        struct child c;
        bool ok = child_spawn(&spec, &c, &err) &&
                  fs_write_all(told[1], bytes_of(&c.id, sizeof c.id), &err);
        _exit(ok ? 0 : 1);
    }
    close(told[1]);
    struct proc_identity id;
    size_t got = 0;
    assert_true(fs_read_full(told[0], &id, sizeof id, &got, &err));
    assert_int_equal(got, sizeof id);
    close(told[0]);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    struct child c;
    struct child_end end;
    assert_true(child_adopt(&id, &c, &err));
    assert_true(child_reap(&c, &end, &err));
    assert_int_equal(end.state, CHILD_RUNNING);
    assert_true(child_signal_group(&c, SIGTERM, &err));
    assert_int_equal(wait_end(&c).state, CHILD_VANISHED);
    child_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_program_is_an_error_of_the_start),
        cmocka_unit_test(child_gets_no_descriptor_but_its_three),
        cmocka_unit_test(child_gets_the_given_environment_and_folder_only),
        cmocka_unit_test(child_leads_its_own_session_with_default_signals),
        cmocka_unit_test(reap_never_blocks_and_tells_status_or_signal),
        cmocka_unit_test(group_signal_reaches_grandchildren),
        cmocka_unit_test(adopt_refuses_another_process_with_the_same_number),
        cmocka_unit_test(adopted_process_can_be_watched_and_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
