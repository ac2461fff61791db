/* The part of store.h that looks whether a store is whole, where looking may be deadly. */
#include "io/clock.h"
#include "io/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { QUARANTINES_MAX = 1000, TOUCH_EVERY = 512 };

struct walked {
    uint64_t entries, bytes;
    uint64_t entries_max, bytes_max; /* a damaged tree may be a ring */
    char last[STORE_KEY_MAX + 1];
    bool unordered;
    uint8_t seen; /* keeps the reads below from being optimised away */
};

/* Touches every page, so that one that is not there kills the child and not the daemon. */
static bool touch(void *owner, const char *key, struct bytes value)
{
    struct walked *walked = owner;
    walked->entries++;
    walked->bytes += strlen(key) + value.len;
    for (size_t i = 0; i < value.len; i += TOUCH_EVERY) walked->seen ^= value.data[i];
    if (value.len) walked->seen ^= value.data[value.len - 1];
    if (strcmp(walked->last, key) >= 0) walked->unordered = true;
    memcpy(walked->last, key, strlen(key) + 1);
    return walked->entries <= walked->entries_max && walked->bytes <= walked->bytes_max &&
           !walked->unordered;
}

/* What a first put does: it reads the lists of free pages. Nothing of it is stored. */
static bool try_put(struct store *s, struct error *err)
{
    static const uint8_t probe[STORE_BALLAST_BYTES / 64] = { 0 };
    if (!store_begin(s, err)) return false;
    if (!store_put(s, "check", bytes_of(probe, sizeof probe), err)) return false;
    store_abort(s);
    return true;
}

static bool walk_store(const char *path, struct error *err)
{
    struct store s = { .owner_fd = -1 };
    if (!text_copy(s.path, sizeof s.path, path))
        return error_set(err, ERR_INVALID, "path too long: '%.200s...'", path);
    char data[FS_PATH_MAX];
    if (!fs_join(data, path, "data.mdb", err)) return false;
    if (!store_lock(path, &s.owner_fd, err) || !store_check_pages(data, err)) {
        auto_close(&s.owner_fd);
        return false;
    }
    struct store_usage usage = { 0 };
    bool ok =
        store_open_env(&s, 0, err) && store_check_readers(&s, err) && store_usage(&s, &usage, err);
    struct walked walked = { .entries_max = usage.entries, .bytes_max = usage.map_bytes };
    ok = ok && store_each(&s, "", touch, &walked, err);
    if (ok && (walked.entries != usage.entries || walked.unordered))
        ok = error_set(err, ERR_CORRUPT, "store '%s' says %llu keys and holds %llu in %s order",
                       path, (unsigned long long)usage.entries, (unsigned long long)walked.entries,
                       walked.unordered ? "no" : "their");
    if (ok && !try_put(&s, err)) ok = err->code == ERR_NO_SPACE; /* a full store is whole */
    mdb_env_close(s.env);
    auto_close(&s.owner_fd);
    return ok;
}

/* The child: its answer is one struct error on the pipe, or its death. */
static _Noreturn void child_main(const char *path, int answer)
{
    struct sigaction plain = { .sa_handler = SIG_DFL };
    int fatal[] = { SIGABRT, SIGBUS, SIGSEGV };
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) sigaction(fatal[i], &plain, NULL);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) dup2(null, STDERR_FILENO); /* LMDB prints before it aborts */
    struct error result = { 0 };
    if (walk_store(path, &result)) result = (struct error){ 0 };
    struct error ignored = { 0 };
    bool told = fs_write_all(answer, bytes_of(&result, sizeof result), &ignored);
    _exit(told ? 0 : 1);
}

enum answer_state { ANSWERED, DIED, LATE };

/* Reads the answer until the child closes its end. */
static enum answer_state read_answer(int fd, uint64_t deadline, struct error *answer)
{
    size_t got = 0;
    while (got < sizeof *answer) {
        uint64_t now = clock_boot_ms();
        if (now >= deadline) return LATE;
        uint64_t left = deadline - now < INT32_MAX ? deadline - now : INT32_MAX;
        struct pollfd item = { .fd = fd, .events = POLLIN };
        if (poll(&item, 1, (int)left) <= 0) continue;
        ssize_t n = read(fd, (uint8_t *)answer + got, sizeof *answer - got);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return DIED;
        got += (size_t)n;
    }
    return ANSWERED;
}

/* Only the signals of a bad page speak against the store: a slow disk, the kernel's out-of-memory
 * killer or an operator must not get a good store quarantined. */
static bool death_error(const char *path, int status, struct error *err)
{
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    bool damaged = number == SIGABRT || number == SIGBUS || number == SIGSEGV || number == SIGFPE;
    return error_set(err, damaged ? ERR_CORRUPT : ERR_RETRY,
                     "the process that reads the store '%s' ended with %s %d", path,
                     number ? "signal" : "status", number ? number : WEXITSTATUS(status));
}

bool store_check(const char *path, uint32_t timeout_ms, struct error *err)
{
    char data[FS_PATH_MAX];
    if (!fs_join(data, path, "data.mdb", err)) return false;
    if (!fs_exists(data)) return true;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return fs_error(err, "pipe", path);
    AUTO(auto_close) int reader = ends[0];
    AUTO(auto_close) int writer = ends[1];
    pid_t pid = fork();
    if (pid < 0) return fs_error(err, "fork for", path);
    if (pid == 0) child_main(path, writer);
    auto_close(&writer);
    struct error answer = { 0 };
    enum answer_state state = read_answer(reader, clock_boot_ms() + timeout_ms, &answer);
    if (state == LATE) kill(pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (state == LATE)
        return error_set(err, ERR_RETRY, "reading the store '%s' took more than %u ms", path,
                         timeout_ms);
    if (state == DIED) return death_error(path, status, err);
    if (answer.code == ERR_NONE) return true;
    *err = answer;
    return error_wrap(err, "check");
}

bool store_quarantine(const char *path, char *moved, size_t moved_size, struct error *err)
{
    char target[FS_PATH_MAX];
    for (unsigned n = 1; n <= QUARANTINES_MAX; n++) {
        int len = snprintf(target, sizeof target, "%s.corrupt-%u", path, n);
        if (len < 0 || (size_t)len >= sizeof target || (size_t)len >= moved_size)
            return error_set(err, ERR_INVALID, "path too long: '%.200s...'", path);
        if (fs_exists(target)) continue;
        /* A folder of that name that appears meanwhile makes the rename fail unless empty. */
        if (rename(path, target) < 0) return fs_error(err, "rename to", target);
        if (!text_copy(moved, moved_size, target)) abort();
        return fs_sync_parent(path, err);
    }
    return error_set(err, ERR_NO_SPACE, "%d quarantined stores beside '%s'", QUARANTINES_MAX, path);
}

bool store_start(struct store **out, const char *path, uint64_t map_bytes, uint32_t timeout_ms,
                 char *moved, size_t moved_size, struct error *err)
{
    moved[0] = '\0';
    int failures = 0;
    while (!store_check(path, timeout_ms, err)) {
        if (err->code != ERR_CORRUPT) return false;
        if (++failures < STORE_CHECK_TRIES) continue;
        if (!store_quarantine(path, moved, moved_size, err)) return false;
    }
    return store_open(out, path, map_bytes, err);
}
