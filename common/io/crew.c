#include "io/crew.h"

#include "io/fs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WATCH_MS = 100 };

struct hand {
    pid_t pid;
    int answer; /* a struct error when it failed, nothing when it did not; -1: it has ended */
};

unsigned crew_size(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) < 0) return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > CREW_MAX ? CREW_MAX : (unsigned)count;
}

void *crew_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort(); /* out of memory, as in xcalloc() */
    return memory;
}

void crew_memory_free(void *memory, size_t size)
{
    if (memory) munmap(memory, size);
}

static _Noreturn void be_hand(pid_t parent, int answer, crew_work_fn *work, void *owner,
                              unsigned number)
{
    struct error err = { .code = ERR_NONE }, ignored;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    if (work(owner, number, &err)) _exit(0);
    bool told = fs_write_all(answer, bytes_of(&err, sizeof err), &ignored);
    _exit(told ? 0 : 1);
}

static bool start(struct hand *hand, crew_work_fn *work, void *owner, unsigned number,
                  struct error *err)
{
    int ends[2];
    pid_t self = getpid();
    if (pipe2(ends, O_CLOEXEC) < 0) return error_set(err, ERR_RETRY, "pipe: %s", strerror(errno));
    hand->pid = fork();
    if (hand->pid == 0) be_hand(self, ends[1], work, owner, number);
    close(ends[1]);
    hand->answer = ends[0];
    if (hand->pid > 0) return true;
    auto_close(&ends[0]);
    hand->answer = -1;
    return error_set(err, ERR_RETRY, "fork: %s", strerror(errno));
}

/* Its pipe has been written to or closed: it ends or has ended. */
static bool finish(struct hand *hand, struct error *err)
{
    struct error said = { .code = ERR_NONE };
    size_t got = 0;
    int status = 0;
    bool read = fs_read_full(hand->answer, &said, sizeof said, &got, err);
    auto_close(&hand->answer);
    hand->answer = -1;
    while (waitpid(hand->pid, &status, 0) < 0 && errno == EINTR) continue;
    if (!read) return false;
    if (got == sizeof said) return error_set(err, said.code, "%s", said.text);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    return error_set(err, ERR_RETRY, "a process that shared the work was ended by signal %d",
                     WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void dismiss(struct hand *hands, unsigned count)
{
    struct error ignored;
    for (unsigned i = 0; i < count; i++)
        if (hands[i].answer >= 0) kill(hands[i].pid, SIGKILL);
    for (unsigned i = 0; i < count; i++)
        if (hands[i].answer >= 0) (void)!finish(&hands[i], &ignored);
}

static bool wait_all(struct hand *hands, unsigned count, crew_watch_fn *watch, void *owner,
                     struct error *err)
{
    for (;;) {
        struct pollfd polled[CREW_MAX];
        unsigned working = 0;
        for (unsigned i = 0; i < count; i++) {
            polled[i] = (struct pollfd){ .fd = hands[i].answer, .events = POLLIN };
            if (hands[i].answer >= 0) working++;
        }
        if (working == 0) return true;
        if (poll(polled, count, WATCH_MS) < 0 && errno != EINTR)
            return error_set(err, ERR_RETRY, "poll: %s", strerror(errno));
        for (unsigned i = 0; i < count; i++)
            if (polled[i].revents && !finish(&hands[i], err)) return false;
        if (!watch(owner, err)) return false;
    }
}

bool crew_run(unsigned count, crew_work_fn *work, crew_watch_fn *watch, void *owner,
              struct error *err)
{
    struct hand hands[CREW_MAX];
    unsigned started = 0;
    assert(count >= 1);
    assert(count <= CREW_MAX);
    bool ok = true;
    while (ok && started < count) {
        ok = start(&hands[started], work, owner, started, err);
        if (ok) started++;
    }
    if (ok && wait_all(hands, count, watch, owner, err)) return true;
    dismiss(hands, started);
    return false;
}
