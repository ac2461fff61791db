#include "io/fs.h"

#include "io/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[FS_PATH_MAX];
    char path[FS_PATH_MAX];
};

static int make_folder(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *tmp = getenv("TMPDIR");
    snprintf(f->folder, sizeof f->folder, "%s/meridian-fs-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(f->folder)) return -1;
    *state = f;
    return 0;
}

static int drop_folder(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    bool ok = fs_remove_tree(f->folder, &err);
    free(f);
    return ok ? 0 : -1;
}

static const char *in(struct fixture *f, const char *name)
{
    struct error err = { 0 };
    assert_true(fs_join(f->path, f->folder, name, &err));
    return f->path;
}

static void put(struct fixture *f, const char *name, const char *text)
{
    struct error err = { 0 };
    assert_true(fs_write_atomic(in(f, name), bytes_of_text(text), 0600, &err));
}

static void missing_file_is_not_found(void **state)
{
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf b = { .max = 10 };
    assert_false(fs_read_file(in(*state, "none"), &b, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void reading_refuses_more_than_the_maximum_and_leaves_the_buffer(void **state)
{
    struct error err = { 0 };
    put(*state, "eleven", "01234567890");
    AUTO(buf_deinit) struct buf b = { .max = 10 };
    assert_false(fs_read_file(in(*state, "eleven"), &b, &err));
    assert_int_equal(err.code, ERR_NO_SPACE);
    assert_int_equal(b.len, 0);
    put(*state, "ten", "0123456789");
    assert_true(fs_read_file(in(*state, "ten"), &b, &err));
    assert_int_equal(b.len, 10);
}

static void reading_refuses_folders_and_fifos_without_waiting(void **state)
{
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf b = { .max = 10 };
    struct fixture *f = *state;
    assert_false(fs_read_file(f->folder, &b, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(mkfifo(in(f, "fifo"), 0600), 0);
    assert_false(fs_read_file(in(f, "fifo"), &b, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

static void atomic_write_replaces_whole_sets_the_mode_and_leaves_no_temporary(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    put(f, "file", "a longer old text");
    mode_t old = umask(0077);
    assert_true(fs_write_atomic(in(f, "file"), bytes_of_text("new"), 0644, &err));
    umask(old);
    struct stat info;
    assert_int_equal(stat(in(f, "file"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0644);
    AUTO(buf_deinit) struct buf b = { .max = 100 };
    assert_true(fs_read_file(in(f, "file"), &b, &err));
    assert_memory_equal(b.data, "new", 3);
    assert_int_equal(b.len, 3);
    assert_int_equal(unlink(in(f, "file")), 0);
    assert_int_equal(rmdir(f->folder), 0);
    assert_int_equal(mkdir(f->folder, 0700), 0);
}

static void atomic_write_into_a_missing_folder_fails_and_leaves_nothing(void **state)
{
    struct error err = { 0 };
    assert_false(fs_write_atomic(in(*state, "none/file"), bytes_of_text("x"), 0600, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void claim_has_one_winner_and_keeps_its_text(void **state)
{
    struct error err = { 0 };
    bool won = false;
    assert_true(fs_claim(in(*state, "begun"), bytes_of_text("first"), 0600, &won, &err));
    assert_true(won);
    assert_true(fs_claim(in(*state, "begun"), bytes_of_text("second"), 0600, &won, &err));
    assert_false(won);
    AUTO(buf_deinit) struct buf b = { .max = 100 };
    assert_true(fs_read_file(in(*state, "begun"), &b, &err));
    assert_true(bytes_equal(buf_bytes(&b), bytes_of_text("first")));
}

static void claim_has_one_winner_among_racing_processes(void **state)
{
    enum { RACERS = 8, ROUNDS = 10 };
    for (int round = 0; round < ROUNDS; round++) {
        char name[16];
        snprintf(name, sizeof name, "race%d", round);
        const char *path = in(*state, name);
        pid_t pids[RACERS];
        for (int i = 0; i < RACERS; i++) {
            pids[i] = fork();
            assert_true(pids[i] >= 0);
            if (pids[i] > 0) continue;
            struct error err = { 0 };
            bool won = false;
            bool ok = fs_claim(path, bytes_of_text("racer"), 0600, &won, &err);
            _exit(!ok ? 2 : won ? 1 : 0);
        }
        int winners = 0;
        for (int i = 0; i < RACERS; i++) {
            int status = 0;
            assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
            assert_true(WIFEXITED(status));
            assert_int_not_equal(WEXITSTATUS(status), 2);
            winners += WEXITSTATUS(status);
        }
        assert_int_equal(winners, 1);
    }
}

static void make_folders_refuses_a_file_in_the_way_and_makes_the_rest(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    put(f, "file", "x");
    assert_false(fs_make_folders(in(f, "file/below"), 0700, &err));
    assert_false(fs_make_folders(in(f, "file"), 0700, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_false(fs_make_folders("", 0700, &err));
    assert_true(fs_make_folders(in(f, "a//b/c/"), 0750, &err));
    assert_true(fs_make_folders(in(f, "a/b/c"), 0700, &err));
    struct stat info;
    assert_int_equal(stat(in(f, "a/b"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0750);
}

static void remove_tree_does_not_follow_symbolic_links(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    assert_true(fs_make_folders(in(f, "outside"), 0700, &err));
    put(f, "outside/kept", "x");
    assert_true(fs_make_folders(in(f, "tree/sub"), 0700, &err));
    char target[FS_PATH_MAX];
    assert_true(fs_join(target, f->folder, "outside", &err));
    assert_int_equal(symlink(target, in(f, "tree/sub/link")), 0);
    assert_int_equal(symlink(target, in(f, "direct")), 0);
    assert_true(fs_remove_tree(in(f, "tree"), &err));
    assert_true(fs_remove_tree(in(f, "direct"), &err));
    assert_false(fs_exists(in(f, "tree")));
    assert_false(fs_exists(in(f, "direct")));
    assert_true(fs_exists(in(f, "outside/kept")));
    assert_true(fs_remove_tree(in(f, "never-there"), &err));
}

static void remove_tree_removes_trees_of_any_depth(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    AUTO(auto_close) int at = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(at >= 0);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(mkdirat(at, "deeper-than-any-path-may-be-long", i % 2 ? 0700u : 0500u), 0);
        int next = openat(at, "deeper-than-any-path-may-be-long", O_RDONLY | O_CLOEXEC);
        assert_true(next >= 0);
        close(at);
        at = next;
        if (geteuid() != 0) fchmod(at, 0700);
    }
    int file = openat(at, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
    assert_true(file >= 0);
    close(file);
    assert_true(fs_remove_tree(in(f, "deeper-than-any-path-may-be-long"), &err));
    assert_false(fs_exists(in(f, "deeper-than-any-path-may-be-long")));
}

static void pread_and_pwrite_move_whole_ranges(void **state)
{
    struct error err = { 0 };
    AUTO(auto_close) int fd = open(in(*state, "f"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fs_pwrite_all(fd, bytes_of_text("world"), 6, &err));
    assert_true(fs_pwrite_all(fd, bytes_of_text("hello "), 0, &err));
    char text[16];
    size_t got = 0;
    assert_true(fs_pread_full(fd, text, sizeof text, 0, &got, &err));
    assert_int_equal(got, 11);
    assert_memory_equal(text, "hello world", 11);
    assert_true(fs_pread_full(fd, text, 5, 6, &got, &err));
    assert_memory_equal(text, "world", 5);
    assert_true(fs_pread_full(fd, text, 5, 100, &got, &err));
    assert_int_equal(got, 0);
}

static void write_to_a_full_device_says_no_space(void **state)
{
    (void)state;
    struct error err = { 0 };
    AUTO(auto_close) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        print_message("skipped: no /dev/full here\n");
        skip();
    }
    assert_false(fs_write_all(fd, bytes_of_text("x"), &err));
    assert_int_equal(err.code, ERR_NO_SPACE);
}

static void free_bytes_asks_the_file_system(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    uint64_t bytes = 0;
    assert_false(fs_free_bytes(in(f, "none"), &bytes, &err));
    assert_true(fs_free_bytes(f->folder, &bytes, &err));
    assert_true(bytes > 0);
}

static void stat_line_with_a_hostile_name_still_gives_the_start_time(void **state)
{
    (void)state;
    struct error err = { 0 };
    uint64_t start = 0;
    assert_false(proc_stat_parse(bytes_of_text(""), &start, &err));
    assert_false(proc_stat_parse(bytes_of_text("1 (x"), &start, &err));
    assert_false(proc_stat_parse(bytes_of_text("1 (x)"), &start, &err));
    assert_false(proc_stat_parse(bytes_of_text("1 (x) S 1 2 3"), &start, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_true(proc_stat_parse(
        bytes_of_text("7 (a) R 1 (\n) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 4242 23\n"),
        &start, &err));
    assert_int_equal(start, 4242);
}

static void process_identity_survives_its_text_form(void **state)
{
    (void)state;
    struct error err = { 0 };
    struct proc_identity self, again;
    assert_true(proc_identify(getpid(), &self, &err));
    char line[PROC_LINE_SIZE];
    proc_identity_format(&self, line);
    assert_true(proc_identity_parse(bytes_of_text(line), &again, &err));
    assert_int_equal(again.pid, getpid());
    assert_int_equal(again.start_time, self.start_time);
    assert_string_equal(again.boot_id, self.boot_id);
}

static void process_identity_refuses_anything_but_its_line(void **state)
{
    (void)state;
    static const char *const wrong[] = { "",
                                         "1",
                                         "1 2 3\n",
                                         "0 5 11111111-2222-3333-4444-555555555555\n",
                                         "-1 5 11111111-2222-3333-4444-555555555555\n",
                                         "1 5 11111111-2222-3333-4444-555555555555",
                                         "1  5 11111111-2222-3333-4444-555555555555\n",
                                         "1 5 11111111-2222-3333-4444-555555555555\n ",
                                         "1 5 11111111-2222-3333-4444-55555555555g\n" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct proc_identity id;
        struct error err = { 0 };
        assert_false(proc_identity_parse(bytes_of_text(wrong[i]), &id, &err));
        assert_int_equal(err.code, ERR_CORRUPT);
    }
}

static void start_time_of_an_ended_process_is_not_found(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct error err = { 0 };
    uint64_t start;
    assert_false(proc_start_time(pid, &start, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(missing_file_is_not_found),
        WITH_FOLDER(reading_refuses_more_than_the_maximum_and_leaves_the_buffer),
        WITH_FOLDER(reading_refuses_folders_and_fifos_without_waiting),
        WITH_FOLDER(atomic_write_replaces_whole_sets_the_mode_and_leaves_no_temporary),
        WITH_FOLDER(atomic_write_into_a_missing_folder_fails_and_leaves_nothing),
        WITH_FOLDER(claim_has_one_winner_and_keeps_its_text),
        WITH_FOLDER(claim_has_one_winner_among_racing_processes),
        WITH_FOLDER(make_folders_refuses_a_file_in_the_way_and_makes_the_rest),
        WITH_FOLDER(remove_tree_does_not_follow_symbolic_links),
        WITH_FOLDER(remove_tree_removes_trees_of_any_depth),
        WITH_FOLDER(pread_and_pwrite_move_whole_ranges),
        cmocka_unit_test(write_to_a_full_device_says_no_space),
        WITH_FOLDER(free_bytes_asks_the_file_system),
        cmocka_unit_test(stat_line_with_a_hostile_name_still_gives_the_start_time),
        cmocka_unit_test(process_identity_survives_its_text_form),
        cmocka_unit_test(process_identity_refuses_anything_but_its_line),
        cmocka_unit_test(start_time_of_an_ended_process_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
