/* Install killed with SIGKILL after a random number of its changes. In memory where the host has
 * such a place: what is tested is the order of the changes, and waiting for a disk would hide most
 * of them. */
#include "place.h"

#include "io/random.h"
#include "steps/install/install.h"
#include "steps/install/journal.h"

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#define TREE "version: 0.0\nos: linux\nfiles:\n- {source: t, destination: @/app}\n"

enum { KILLS = 120, FILES = 12 };

/* Odd revisions have folders where even ones have files, and names of their own. */
static void write_revision(struct place *p, unsigned number)
{
    for (unsigned i = 0; i < FILES; i++) {
        char name[64], text[64];
        snprintf(text, sizeof text, "revision %u file %u", number, i);
        snprintf(name, sizeof name, "t/both/%u", i);
        place_revision(p, name, text, 0640);
        snprintf(name, sizeof name, "t/own-%u/%u", number % 2, i);
        place_revision(p, name, text, 0600);
        snprintf(name, sizeof name, "t/turn-%u%s", i, (number + i) % 2 ? "/x" : "");
        place_revision(p, name, text, 0644);
    }
    place_revision(p, "appspec.yml", TREE, 0644);
}

static void forget_files_of(struct place *p)
{
    struct error err;
    assert_true(fs_remove_tree(p->step.host.archive, &err));
}

/* Everything in `both` is there and of one of the two revisions, and no file is half written. */
static void check_tree(const struct place *p, unsigned number)
{
    for (unsigned i = 0; i < FILES; i++) {
        char name[64], new[64], old[64];
        snprintf(name, sizeof name, "app/both/%u", i);
        snprintf(new, sizeof new, "revision %u file %u", number, i);
        snprintf(old, sizeof old, "revision %u file %u", number - 1, i);
        const char *text = place_read(p, name);
        if (strcmp(text, new) != 0 && strcmp(text, old) != 0) fail_msg("%s: '%s'", name, text);
    }
}

static pid_t start_install(struct place *p)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) return pid;
    struct error err;
    _exit(install_run(&p->step, &err) ? 0 : 1);
}

/* Where the killed install was: staging, or in its commit. */
static void look_at_journal(const struct place *p, unsigned *staging, unsigned *committing)
{
    struct journal journal AUTO(journal_deinit);
    struct error err;
    bool found;
    journal_init(&journal, "");
    assert_true(journal_read(&journal, p->step.host.journal, &found, &err));
    *staging += found && !journal.committed;
    *committing += found && journal.committed;
}

/* Counts what happens in the deployed folders and beside the journal, so that kills are spread over
 * the changes and not over the time. */
static int watch_changes(const struct place *p)
{
    const uint32_t mask = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE;
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(fd >= 0);
    assert_true(inotify_add_watch(fd, place_path(p, "host/deployment-instructions"), mask) >= 0);
    assert_true(inotify_add_watch(fd, place_path(p, "app"), mask) >= 0);
    assert_true(inotify_add_watch(fd, place_path(p, "app/both"), mask) >= 0);
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

/* Runs an install and kills it once that many changes were seen; *seen is how many there were. True
 * when it had ended by then. */
static bool install_until(struct place *p, unsigned changes, unsigned *seen)
{
    AUTO(auto_close) int fd = watch_changes(p);
    pid_t pid = start_install(p);
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

static void an_install_killed_anywhere_is_done_or_undone(void **state)
{
    (void)state;
    struct place p;
    unsigned number = 1, killed = 0, staging = 0, committing = 0;
    place_make_in(&p, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL);
    write_revision(&p, number);
    struct error err;
    assert_true(install_run(&p.step, &err));
    forget_files_of(&p);
    place_deployment(&p, ++number);
    write_revision(&p, number);
    unsigned all, seen;
    assert_true(install_until(&p, UINT32_MAX, &all));
    for (unsigned i = 0; i < KILLS; i++) {
        uint64_t random;
        random_bytes(&random, sizeof random);
        forget_files_of(&p);
        place_deployment(&p, ++number);
        write_revision(&p, number);
        killed += !install_until(&p, (unsigned)(random % all), &seen);
        look_at_journal(&p, &staging, &committing);
        check_tree(&p, number);
        /* The next attempt ends as if nothing had happened. */
        if (!install_run(&p.step, &err)) fail_msg("after a kill: %s", err.text);
        AUTO(auto_free) char *here = place_snapshot(&p, "app");
        if (strstr(here, ".meridian-")) fail_msg("left behind: %s", here);
        char old[64];
        snprintf(old, sizeof old, "own-%u/", (number - 1) % 2);
        assert_null(strstr(here, old));
        snprintf(old, sizeof old, "revision %u ", number - 1);
        assert_null(strstr(here, old));
    }
    print_message("%u of %u installs were killed: %u while staging, %u in their commit\n", killed,
                  KILLS, staging, committing);
    assert_true(staging > 0);
    assert_true(committing > 0);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_install_killed_anywhere_is_done_or_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
