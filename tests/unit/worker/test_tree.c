/* What a script has left below us: worker/steps/hook/tree.h. */
#include "io/fs.h"
#include "steps/hook/tree.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void *tell_and_wait(void *fd)
{
    char byte = 'x';
    if (write(*(int *)fd, &byte, 1) != 1) _exit(1);
    for (;;) pause();
    return NULL;
}

/* Returns once the child's leader has ended and its other thread goes on. */
static pid_t start_leaderless(void)
{
    int fds[2];
    char byte;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, tell_and_wait, &fds[1]) != 0) _exit(1);
        pthread_exit(NULL);
    }
    assert_int_equal(read(fds[0], &byte, 1), 1);
    close(fds[0]);
    close(fds[1]);
    return pid;
}

static void an_ended_child_is_not_living(void **state)
{
    (void)state;
    struct tree tree;
    siginfo_t info;
    tree_keep(&tree);
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(tree_signal(&tree, 0), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    tree_deinit(&tree);
}

/* /proc shows it as a zombie from now on; ctest's time limit ends a wait in vain. */
static void wait_for_zombie(pid_t pid)
{
    char path[64];
    struct error err;
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, 4096);
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    do {
        buf_clear(&text);
        assert_true(fs_read_file(path, &text, &err));
    } while (!memmem(text.data, text.len, ") Z ", 4));
}

static void a_process_whose_first_thread_has_ended_lives_on(void **state)
{
    (void)state;
    struct tree tree;
    tree_keep(&tree);
    pid_t pid = start_leaderless();
    wait_for_zombie(pid);
    assert_int_equal(tree_signal(&tree, 0), 1);
    assert_int_equal(tree_signal(&tree, SIGKILL), 1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(tree_signal(&tree, 0), 0);
    tree_deinit(&tree);
}

static void what_was_there_before_is_left_alone(void **state)
{
    (void)state;
    struct tree tree;
    pid_t before = fork();
    if (before == 0) {
        for (;;) pause();
    }
    tree_keep(&tree);
    pid_t after = fork();
    if (after == 0) {
        for (;;) pause();
    }
    assert_int_equal(tree_signal(&tree, SIGKILL), 1);
    assert_int_equal(waitpid(after, NULL, 0), after);
    assert_int_equal(waitpid(before, NULL, WNOHANG), 0);
    kill(before, SIGKILL);
    assert_int_equal(waitpid(before, NULL, 0), before);
    tree_deinit(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ended_child_is_not_living),
        cmocka_unit_test(a_process_whose_first_thread_has_ended_lives_on),
        cmocka_unit_test(what_was_there_before_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
