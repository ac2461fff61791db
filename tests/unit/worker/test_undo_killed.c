/* Installs that may be undone, and their undo, killed with SIGKILL after a random number of their
 * changes, while readers look at the tree as fast as they can. */
#include "place_exact.h"

#include "io/random.h"

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#define TREE                                                                                       \
    "version: 0.0\nos: linux\nfiles:\n- {source: t, destination: @/app}\n"                         \
    "permissions:\n- {object: @/app, mode: 750, type: [directory]}\n"

enum { KILLS = 40, FILES = 10, READERS = 2, ROUNDS = 30 };

static void write_revision(struct place *p, unsigned number)
{
    for (unsigned i = 0; i < FILES; i++) {
        char name[64], text[64];
        snprintf(text, sizeof text, "revision %u file %u", number, i);
        snprintf(name, sizeof name, "t/both/%u", i);
        place_revision(p, name, text, number % 2 ? 0640 : 0600);
        snprintf(name, sizeof name, "t/own-%u/%u", number % 2, i);
        place_revision(p, name, text, 0600);
        snprintf(name, sizeof name, "t/turn-%u%s", i, (number + i) % 2 ? "/x" : "");
        place_revision(p, name, text, 0644);
    }
    place_revision(p, "appspec.yml", TREE, 0644);
}

typedef bool (*work_fn)(struct place *p);

static bool work_install(struct place *p)
{
    struct error err;
    return install_run(&p->step, &err);
}

static bool work_undo(struct place *p)
{
    struct error err;
    struct step_report report;
    return exact_undo(p, &report, &err);
}

/* Counts what happens in the deployed folders and beside the records, so that kills are spread over
 * the changes and not over the time. */
static int watch_changes(const struct place *p)
{
    static const char *const folders[] = { "host/deployment-instructions", "app", "app/both",
                                           "host/dg-1" };
    const uint32_t mask =
        IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_ATTRIB;
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        assert_true(inotify_add_watch(fd, place_path(p, folders[i]), mask) >= 0);
    return fd;
}

static unsigned count_changes(int fd)
{
    char events[8192] __attribute__((aligned(8)));
    ssize_t len = read(fd, events, sizeof events);
    unsigned count = 0;
    for (ssize_t at = 0; at < len; count++) {
        const struct inotify_event *event = (const void *)(events + at);
        at += (ssize_t)(sizeof *event + event->len);
    }
    return count;
}

/* True when it had ended by then; *seen is how many changes there were. */
static bool until(struct place *p, work_fn work, unsigned changes, unsigned *seen)
{
    AUTO(auto_close) int fd = watch_changes(p);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) _exit(work(p) ? 0 : 1);
    AUTO(auto_close) int ended = pidfd_open(pid, 0);
    struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = ended, .events = POLLIN } };
    *seen = 0;
    while (*seen < changes && !(fds[1].revents & POLLIN)) {
        assert_true(poll(fds, 2, 60000) > 0);
        if (fds[0].revents & POLLIN) *seen += count_changes(fd);
    }
    kill(pid, SIGKILL);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) return false;
    assert_int_equal(WEXITSTATUS(status), 0);
    return true;
}

static unsigned below(unsigned bound)
{
    uint64_t random;
    random_bytes(&random, sizeof random);
    return (unsigned)(random % bound);
}

static void begin(struct place *p, unsigned *number)
{
    place_make_in(p, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL);
    *number = 1;
    write_revision(p, *number);
    assert_true(work_install(p));
}

static void next(struct place *p, unsigned *number)
{
    struct error err;
    assert_true(fs_remove_tree(p->step.host.archive, &err));
    exact_deployment(p, ++*number);
    write_revision(p, *number);
}

static void is_as_before(const struct place *p, const char *before, const char *what)
{
    AUTO(auto_free) char *after = exact_snapshot(p, "app");
    if (strcmp(before, after) != 0)
        fail_msg("%s\n--- before\n%s\n--- after\n%s", what, before, after);
}

static void an_undo_killed_anywhere_ends_as_if_it_had_not_been(void **state)
{
    (void)state;
    struct place p;
    unsigned number, killed = 0, all, seen;
    begin(&p, &number);
    AUTO(auto_free) char *before = exact_snapshot(&p, "app");
    next(&p, &number);
    assert_true(work_install(&p));
    assert_true(until(&p, work_undo, UINT32_MAX, &all));
    is_as_before(&p, before, "without a kill");
    for (unsigned i = 0; i < KILLS; i++) {
        next(&p, &number);
        assert_true(work_install(&p));
        for (unsigned run = 1; run < 4; run++) killed += !until(&p, work_undo, below(all), &seen);
        p.spec.run = 5;
        assert_true(work_undo(&p));
        is_as_before(&p, before, "after kills");
        assert_false(fs_exists(p.step.host.undo));
    }
    print_message("%u of %u runs of the undo were killed\n", killed, 3 * KILLS);
    assert_true(killed > KILLS / 2);
    place_remove(&p);
}

static void an_install_killed_anywhere_can_be_undone(void **state)
{
    (void)state;
    struct place p;
    unsigned number, killed = 0, all, seen;
    begin(&p, &number);
    AUTO(auto_free) char *before = place_snapshot(&p, "app");
    next(&p, &number);
    assert_true(until(&p, work_install, UINT32_MAX, &all));
    assert_true(work_undo(&p));
    for (unsigned i = 0; i < KILLS; i++) {
        next(&p, &number);
        killed += !until(&p, work_install, below(all), &seen);
        if (i % 2) assert_true(work_install(&p)); /* its second run, as after a restart */
        assert_true(work_undo(&p));
        AUTO(auto_free) char *list = place_snapshot(&p, "app");
        if (strstr(list, ".meridian-")) fail_msg("left behind: %s", list);
        /* The times of folders know of staged names that came and went. */
        assert_string_equal(list, before);
        assert_false(fs_exists(p.step.host.undo));
    }
    print_message("%u of %u installs were killed\n", killed, KILLS);
    assert_true(killed > KILLS / 2);
    place_remove(&p);
}

/* ---- readers ------------------------------------------------------------------------------- */

struct looked {
    unsigned long times, missing, torn;
};

static void look(const struct place *p, volatile struct looked *looked)
{
    for (unsigned i = 0; i < FILES; i++) {
        char path[FS_PATH_MAX], text[64];
        snprintf(path, sizeof path, "%s/app/both/%u", p->top, i);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            looked->missing++;
            continue;
        }
        ssize_t len = read(fd, text, sizeof text - 1);
        text[len > 0 ? len : 0] = '\0';
        unsigned revision, file;
        if (sscanf(text, "revision %u file %u", &revision, &file) != 2 || file != i) looked->torn++;
        close(fd);
        looked->times++;
    }
}

static void readers_never_miss_a_file_that_both_revisions_have(void **state)
{
    (void)state;
    struct place p;
    unsigned number;
    pid_t readers[READERS];
    struct looked *looked = mmap(NULL, READERS * sizeof *looked, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(looked != MAP_FAILED);
    begin(&p, &number);
    for (int i = 0; i < READERS; i++) {
        readers[i] = fork();
        assert_true(readers[i] >= 0);
        while (readers[i] == 0) look(&p, &looked[i]);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        next(&p, &number);
        assert_true(work_install(&p));
        if (i % 3) assert_true(work_undo(&p));
    }
    unsigned long times = 0;
    for (int i = 0; i < READERS; i++) {
        kill(readers[i], SIGKILL);
        assert_int_equal(waitpid(readers[i], NULL, 0), readers[i]);
        times += looked[i].times;
        assert_int_equal(looked[i].missing, 0);
        assert_int_equal(looked[i].torn, 0);
    }
    print_message("%lu looks during %d installs and their undos\n", times, ROUNDS);
    assert_true(times > ROUNDS);
    munmap(looked, READERS * sizeof *looked);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_undo_killed_anywhere_ends_as_if_it_had_not_been),
        cmocka_unit_test(an_install_killed_anywhere_can_be_undone),
        cmocka_unit_test(readers_never_miss_a_file_that_both_revisions_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
