/* What a process that reads a bundle cannot do, however it was taken over. */
#include "place.h"

#include "io/crew.h"
#include "steps/fetch/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct trial {
    const char *folder, *outside, *inside;
    bool (*attempt)(const struct trial *t);
};

static bool keep_waiting(void *owner, struct error *err)
{
    (void)owner;
    (void)err;
    return true;
}

static bool try_it(void *owner, unsigned number, struct error *err)
{
    const struct trial *t = owner;
    const char *lacks;
    (void)number;
    if (!sandbox_enter(t->folder, &lacks, err)) return false;
    if (lacks) return error_set(err, ERR_NOT_FOUND, "%s", lacks);
    return t->attempt(t) || error_set(err, ERR_DENIED, "refused");
}

/* What an attempt came to in a sandbox whose folder is `in` of a place. */
static enum error_code come_to(bool (*attempt)(const struct trial *t))
{
    struct place p;
    struct error err = { .code = ERR_NONE };
    char folder[FS_PATH_MAX], outside[FS_PATH_MAX], inside[FS_PATH_MAX];
    place_make(&p);
    place_folder(&p, "in");
    place_write(&p, "out", "untouched", 0666);
    snprintf(folder, sizeof folder, "%s", place_path(&p, "in"));
    snprintf(inside, sizeof inside, "%s", place_path(&p, "in/x"));
    snprintf(outside, sizeof outside, "%s", place_path(&p, "out"));
    struct trial t = { .folder = folder, .outside = outside, .inside = inside, .attempt = attempt };
    bool ok = crew_run(1, try_it, keep_waiting, &t, &err);
    assert_string_equal(place_read(&p, "out"), "untouched");
    place_remove(&p);
    if (!ok && err.code == ERR_NOT_FOUND) print_message("skipped: %s\n", err.text);
    return err.code;
}

static void refused(bool (*attempt)(const struct trial *t))
{
    enum error_code code = come_to(attempt);
    if (code != ERR_NOT_FOUND) assert_int_equal(code, ERR_DENIED);
}

static bool got(int fd)
{
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static bool read_outside(const struct trial *t)
{
    return got(open(t->outside, O_RDONLY | O_CLOEXEC));
}

static bool write_outside(const struct trial *t)
{
    return got(open(t->outside, O_WRONLY | O_CLOEXEC));
}

static bool link_outside(const struct trial *t)
{
    return linkat(AT_FDCWD, t->outside, AT_FDCWD, t->inside, 0) == 0;
}

static bool connect_somewhere(const struct trial *t)
{
    (void)t;
    return got(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) ||
           got(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static bool start_a_program(const struct trial *t)
{
    (void)t;
    char *const argv[] = { "true", NULL };
    execv("/bin/true", argv);
    return false;
}

static bool signal_a_process(const struct trial *t)
{
    (void)t;
    return kill(getppid(), 0) == 0;
}

static bool make_a_process(const struct trial *t)
{
    (void)t;
    pid_t pid = vfork();
    if (pid == 0) _exit(0);
    return pid > 0;
}

static bool make_a_fifo(const struct trial *t)
{
    return mkfifo(t->inside, 0600) == 0;
}

static bool leave_a_core(const struct trial *t)
{
    (void)t;
    struct rlimit limit;
    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max > 0;
}

static bool write_inside(const struct trial *t)
{
    char folder[FS_PATH_MAX], moved[FS_PATH_MAX + 8];
    snprintf(folder, sizeof folder, "%s-folder", t->inside);
    snprintf(moved, sizeof moved, "%s/x", folder);
    int fd = open(t->inside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0 && write(fd, "12", 2) == 2 && ftruncate(fd, 1) == 0 && fchmod(fd, 0640) == 0 &&
           (geteuid() != 0 || fchown(fd, 12345, 12345) == 0) && mkdir(folder, 0755) == 0 &&
           rename(t->inside, moved) == 0 && symlinkat("x", AT_FDCWD, t->inside) == 0 &&
           syncfs(fd) == 0;
}

static void nothing_outside_its_folder_is_read_or_changed(void **state)
{
    (void)state;
    refused(read_outside);
    refused(write_outside);
    refused(link_outside);
}

static void no_socket_program_process_or_signal(void **state)
{
    (void)state;
    refused(connect_somewhere);
    refused(start_a_program);
    refused(signal_a_process);
    refused(make_a_process);
}

static void no_fifo_and_no_core(void **state)
{
    (void)state;
    refused(make_a_fifo);
    refused(leave_a_core);
}

static void in_its_folder_it_does_all_that_unpacking_needs(void **state)
{
    (void)state;
    enum error_code code = come_to(write_inside);
    if (code != ERR_NOT_FOUND) assert_int_equal(code, ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_outside_its_folder_is_read_or_changed),
        cmocka_unit_test(no_socket_program_process_or_signal),
        cmocka_unit_test(no_fifo_and_no_core),
        cmocka_unit_test(in_its_folder_it_does_all_that_unpacking_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
