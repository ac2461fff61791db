/* cgroup v2: its texts, and real groups where this host has some to write in. */
#include "io/cgroup.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 20000 };

/* ---- texts ---- */

static void a_mount_table_without_cgroup2_is_not_found(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\n\n",
        "rubbish",
        "30 24 0:26 / /sys/fs/cgroup rw shared:9 cgroup2 cgroup2 rw\n", /* no dash */
        "30 24 0:26 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup2 rw,cpu\n",
        "30 24 0:26 / /sys/fs/c\\040group rw - cgroup2 cgroup2 rw\n",
        "30 24 0:26 / relative rw - cgroup2 cgroup2 rw\n",
        "30 24 0:26 / /sys/fs/cgroup rw -",
    };
    char mount[FS_PATH_MAX], root[FS_PATH_MAX];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct error err = { 0 };
        assert_false(cgroup_mount_parse(texts[i], mount, root, &err));
        assert_int_equal(err.code, ERR_NOT_FOUND);
    }
}

static void the_mount_of_cgroup2_is_found_behind_any_number_of_tags(void **state)
{
    (void)state;
    struct error err = { 0 };
    char mount[FS_PATH_MAX], root[FS_PATH_MAX];
    const char *text = "22 1 8:1 / / rw,relatime - ext4 /dev/root rw\n"
                       "40 30 0:37 /a/b /sys/fs/cgroup rw shared:9 master:2 - cgroup2 none rw\n";
    assert_true(cgroup_mount_parse(text, mount, root, &err));
    assert_string_equal(mount, "/sys/fs/cgroup");
    assert_string_equal(root, "/a/b");
    assert_true(cgroup_mount_parse("40 30 0:37 / /c rw - cgroup2 none rw", mount, root, &err));
    assert_string_equal(mount, "/c");
}

static void the_own_group_is_the_line_of_version_2(void **state)
{
    (void)state;
    struct error err = { 0 };
    char path[FS_PATH_MAX];
    assert_false(cgroup_path_parse("", path, &err));
    assert_false(cgroup_path_parse("4:memory:/x\n1:name=systemd:/y\n", path, &err));
    assert_false(cgroup_path_parse("0::relative\n", path, &err));
    assert_true(cgroup_path_parse("4:memory:/x\n0::/system.slice/m.service\n", path, &err));
    assert_string_equal(path, "/system.slice/m.service");
    assert_true(cgroup_path_parse("0::/\n", path, &err));
    assert_string_equal(path, "/");
}

static void what_is_no_group_is_told(void **state)
{
    (void)state;
    struct error err = { 0 };
    assert_false(cgroup_kill("/nowhere/at/all", &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(cgroup_door("/nowhere/at/all", &err), -1);
    assert_false(cgroup_populated("/nowhere/at/all"));
    cgroup_remove("/nowhere/at/all");
    cgroup_sweep("/nowhere/at/all", "x");
}

/* ---- real groups ---- */

struct ground {
    char top[FS_PATH_MAX]; /* a group that is ours */
};

NODISCARD static bool make_ground(struct ground *g, struct error *err)
{
    char mount[FS_PATH_MAX], root[FS_PATH_MAX], name[64];
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, 1 << 20);
    snprintf(name, sizeof name, "meridian-test-%d", getpid());
    return fs_read_file("/proc/self/mountinfo", &text, err) && buf_append(&text, "", 1, err) &&
           cgroup_mount_parse((const char *)text.data, mount, root, err) &&
           cgroup_make(mount, name, g->top, err);
}

static int setup(void **state)
{
    struct ground *g = xcalloc(1, sizeof *g);
    struct error err = { 0 };
    *state = g;
    if (make_ground(g, &err)) return 0;
    printf("SKIP: no group of cgroup v2 can be made here: %s\n", err.text);
    g->top[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    struct ground *g = *state;
    if (g->top[0]) cgroup_remove(g->top);
    free(g);
    return 0;
}

/* A child in the group that waits for a signal; it has forked one more when the call returns. */
static pid_t child_in(const char *group)
{
    struct error err = { 0 };
    int ready[2];
    AUTO(auto_close) int door = cgroup_door(group, &err);
    assert_true(door >= 0);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (!cgroup_enter(door)) _exit(1);
        if (fork() == 0) {
            setsid();
            if (write(ready[1], "x", 1) != 1) _exit(1);
        }
        for (;;) pause();
    }
    char byte;
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void a_group_is_killed_with_all_that_was_forked_in_it(void **state)
{
    struct ground *g = *state;
    struct error err = { 0 };
    char group[FS_PATH_MAX];
    int status;
    if (!g->top[0]) skip();
    assert_true(cgroup_make(g->top, "one", group, &err));
    assert_true(cgroup_make(g->top, "one", group, &err));
    assert_false(cgroup_populated(group));
    pid_t pid = child_in(group);
    assert_true(cgroup_populated(group));
    cgroup_remove(group); /* it holds processes: it stays */
    cgroup_sweep(g->top, "o");
    assert_true(cgroup_populated(group));
    assert_true(cgroup_kill(g->top, &err));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    for (int i = 0; i < WAIT_MS / 10 && cgroup_populated(group); i++) poll(NULL, 0, 10);
    assert_false(cgroup_populated(group));
    cgroup_sweep(g->top, "two");
    assert_true(fs_exists(group));
    cgroup_sweep(g->top, "on");
    assert_false(fs_exists(group));
}

/* In a process that has entered `group`: 0 when cgroup_own() tells it, 1 when it tells nothing. */
static int own_in(const char *group)
{
    struct error err = { 0 };
    int status;
    AUTO(auto_close) int door = cgroup_door(group, &err);
    assert_true(door >= 0);
    pid_t pid = fork();
    if (pid == 0) {
        char own[FS_PATH_MAX];
        if (!cgroup_enter(door)) _exit(3);
        if (!cgroup_own(own, &err)) _exit(err.code == ERR_NOT_FOUND ? 1 : 4);
        _exit(text_equal(own, group) ? 0 : 5);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void only_a_group_that_is_marked_is_ours_to_divide(void **state)
{
    struct ground *g = *state;
    if (!g->top[0]) skip();
    assert_int_equal(own_in(g->top), 1);
    if (setxattr(g->top, "user.delegate", "0", 1, 0) < 0) {
        printf("SKIP: groups take no user attributes here\n");
        skip();
    }
    assert_int_equal(own_in(g->top), 1);
    assert_int_equal(setxattr(g->top, "user.delegate", "1", 1, 0), 0);
    assert_int_equal(own_in(g->top), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mount_table_without_cgroup2_is_not_found),
        cmocka_unit_test(the_mount_of_cgroup2_is_found_behind_any_number_of_tags),
        cmocka_unit_test(the_own_group_is_the_line_of_version_2),
        cmocka_unit_test(what_is_no_group_is_told),
        cmocka_unit_test_setup_teardown(a_group_is_killed_with_all_that_was_forked_in_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_a_group_that_is_marked_is_ours_to_divide, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
