/* What the store keeps when processes die, disks fill and pages rot. */
#include "fixture_store.h"

#include "base/prng.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Commits "n" = 0, 1, 2 ... together with "copy" and tells each number once it is committed. */
static _Noreturn void commit_loop(const char *path, int told)
{
    struct store *s = NULL;
    struct error err = { 0 };
    if (!store_open(&s, path, MAP, &err)) _exit(1);
    for (uint32_t n = 0;; n++) {
        char key[32];
        snprintf(key, sizeof key, "n/%u", n);
        bool ok = store_begin(s, &err) && store_put(s, key, bytes_of(&n, sizeof n), &err) &&
                  store_put(s, "last", bytes_of(&n, sizeof n), &err) && store_commit(s, &err);
        if (!ok || write(told, &n, sizeof n) != (ssize_t)sizeof n) _exit(2);
    }
}

static uint32_t last_number(struct store *s)
{
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf b = { .max = 16 };
    if (!store_get(s, "last", &b, &err)) return UINT32_MAX;
    uint32_t n;
    assert_int_equal(b.len, sizeof n);
    memcpy(&n, b.data, sizeof n);
    return n;
}

static void acknowledged_puts_survive_kill_9(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    for (uint32_t round = 0; round < 50; round++) {
        int told[2];
        assert_int_equal(pipe(told), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) commit_loop(f->path, told[1]);
        close(told[1]);
        uint32_t n = 0, acknowledged = UINT32_MAX;
        size_t got = 0;
        /* Let it come to another place in its loop in every round. */
        for (uint32_t i = 0; i < 1 + round % 7; i++)
            assert_true(fs_read_full(told[0], &n, sizeof n, &got, &err));
        assert_int_equal(kill(pid, SIGKILL), 0);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        do {
            acknowledged = n;
            assert_true(fs_read_full(told[0], &n, sizeof n, &got, &err));
        } while (got == sizeof n);
        close(told[0]);
        assert_true(store_check(f->path, CHECK_MS, &err));
        AUTO(auto_store_close) struct store *s = open_store(f->path);
        uint32_t stored = last_number(s);
        assert_true(stored == acknowledged || stored == acknowledged + 1);
        char key[32];
        snprintf(key, sizeof key, "n/%u", stored);
        AUTO(buf_deinit) struct buf b = { .max = 16 };
        assert_true(store_get(s, key, &b, &err)); /* the turn is whole */
    }
}

/* Fills the store in small turns until it is refused; the child's exit status is what went wrong.
 */
static int fill_until_refused(const char *path)
{
    struct store *s = NULL;
    struct error err = { 0 };
    if (!store_open(&s, path, 64 << 20, &err)) return 1;
    uint8_t value[5000] = { 0 };
    uint32_t n = 0;
    for (;; n++) {
        char key[32];
        snprintf(key, sizeof key, "n/%u", n);
        bool ok = store_begin(s, &err) && store_put(s, key, bytes_of(value, sizeof value), &err) &&
                  store_put(s, "last", bytes_of(&n, sizeof n), &err) && store_commit(s, &err);
        if (!ok) break;
        if (n > 20000) return 2;
    }
    if (err.code != ERR_NO_SPACE) return 3;
    if (store_in_transaction(s)) return 4;
    if (n == 0 || last_number(s) != n - 1) return 5; /* nothing half-done */
    /* With the ballast gone there is room to delete. */
    if (!store_drop_ballast(s, &err)) return 6;
    for (uint32_t i = 0; i < n; i++) {
        char key[32];
        snprintf(key, sizeof key, "n/%u", i);
        if (!store_begin(s, &err) || !store_delete(s, key, &err) || !store_commit(s, &err))
            return 7;
    }
    if (!store_begin(s, &err) || !store_put(s, "after", bytes_of_text("x"), &err) ||
        !store_commit(s, &err))
        return 8;
    store_close(s);
    if (!store_check(path, CHECK_MS, &err)) return 9;
    if (!store_open(&s, path, MAP, &err) || !has(s, "after", "x")) return 10;
    store_close(s);
    return 0;
}

static void file_size_limit_refuses_turns_and_leaves_the_store_whole(void **state)
{
    struct fixture *f = *state;
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = { .rlim_cur = 3000001, .rlim_max = 3000001 };
        struct sigaction ignore = { .sa_handler = SIG_IGN };
        setrlimit(RLIMIT_FSIZE, &limit);
        sigaction(SIGXFSZ, &ignore, NULL);
        _exit(fill_until_refused(f->path));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void full_disk_refuses_turns_and_leaves_the_store_whole(void **state)
{
    struct fixture *f = *state;
    enum { NO_MOUNT = 77 };
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("none", f->folder, "tmpfs", 0, "size=5m") < 0)
            _exit(NO_MOUNT);
        _exit(fill_until_refused(f->path));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_MOUNT) {
        print_message("skipped: a tmpfs may not be mounted here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void overwrite(const char *path, uint64_t offset, size_t len)
{
    struct error err = { 0 };
    AUTO(auto_free) uint8_t *junk = xcalloc(len, 1);
    memset(junk, 0xa5, len);
    AUTO(auto_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(fs_pwrite_all(fd, bytes_of(junk, len), offset, &err));
}

static void make_large_store(const char *path)
{
    struct error err = { 0 };
    AUTO(auto_store_close) struct store *s = open_store(path);
    uint8_t value[500] = { 0 };
    assert_true(store_begin(s, &err));
    for (int i = 0; i < 1000; i++) {
        char key[32];
        snprintf(key, sizeof key, "n/%d", i);
        assert_true(store_put(s, key, bytes_of(value, sizeof value), &err));
    }
    assert_true(store_commit(s, &err));
}

static void check_finds_damage_without_dying(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    char data[FS_PATH_MAX];
    assert_true(store_check(f->path, CHECK_MS, &err)); /* a missing store is whole */
    make_large_store(f->path);
    assert_true(store_check(f->path, CHECK_MS, &err));
    assert_true(fs_join(data, f->path, "data.mdb", &err));
    struct stat info;
    assert_int_equal(stat(data, &info), 0);
    overwrite(data, 8192, (size_t)info.st_size - 8192); /* every page but the two of the roots */
    assert_false(store_check(f->path, CHECK_MS, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_int_equal(truncate(data, 8192), 0);
    assert_false(store_check(f->path, CHECK_MS, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    overwrite(data, 0, 8192);
    assert_false(store_check(f->path, CHECK_MS, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
}

/* Uses the store as a daemon would; the child's exit status is unimportant, its death is not. */
static _Noreturn void use_store(const char *path)
{
    struct store *s = NULL;
    struct error err = { 0 };
    if (!store_open(&s, path, MAP, &err)) _exit(0);
    if (!store_begin(s, &err)) _exit(0);
    for (int i = 0; i < 1000; i += 7) {
        char key[32];
        snprintf(key, sizeof key, "n/%d", i);
        if (!store_delete(s, key, &err)) _exit(0);
        snprintf(key, sizeof key, "new/%d", i);
        if (!store_put(s, key, bytes_of_text(key), &err)) _exit(0);
    }
    if (!store_commit(s, &err)) _exit(0);
    store_close(s);
    _exit(0);
}

/* Without the fsyncs, for speed. */
static void write_plainly(const char *path, struct bytes data)
{
    struct error err = { 0 };
    AUTO(auto_close) int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(fs_write_all(fd, data, &err));
}

static void flipped_bits_are_refused_or_harmless(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    char data[FS_PATH_MAX];
    struct prng random;
    enum { ROUNDS = 100 };
    unsigned refused = 0;
    make_large_store(f->path);
    assert_true(fs_join(data, f->path, "data.mdb", &err));
    AUTO(buf_deinit) struct buf image = { .max = 16 << 20 };
    assert_true(fs_read_file(data, &image, &err));
    prng_init_number(&random, 1);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t bit = prng_below(&random, image.len * 8);
        /* Half of the flips in the heads of pages, where they hurt. */
        if (round % 2) bit = bit / 32768 * 32768 + prng_below(&random, 48 * 8);
        image.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        write_plainly(data, buf_bytes(&image));
        image.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (!store_check(f->path, CHECK_MS, &err)) {
            assert_int_equal(err.code, ERR_CORRUPT);
            refused++;
            continue;
        }
        pid_t pid = fork();
        if (pid == 0) use_store(f->path);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_true(refused > ROUNDS / 10);
}

/* One random turn: short and long values, some put twice, some deleted. */
static void random_turn(struct store *s, struct prng *random, const uint8_t *value)
{
    struct error err = { 0 };
    assert_true(store_begin(s, &err));
    for (uint64_t n = 1 + prng_below(random, 200); n > 0; n--) {
        char key[STORE_KEY_MAX + 1];
        uint64_t number = prng_below(random, 3000);
        int pad = number % 20 ? 1 : (int)(number / 8); /* some keys are long */
        snprintf(key, sizeof key, "%llu/%0*d", (unsigned long long)number, pad, 1);
        uint64_t kind = prng_below(random, 10);
        size_t len = prng_below(random, kind == 0 ? 60000 : 300);
        if (kind < 5) assert_true(store_put(s, key, bytes_of(value, len), &err));
        if (kind < 2) assert_true(store_put(s, key, bytes_of(value, len / 3), &err));
        if (kind >= 5) assert_true(store_delete(s, key, &err));
    }
    if (prng_below(random, 8) == 0)
        store_abort(s);
    else
        assert_true(store_commit(s, &err));
}

static bool delete_it(void *owner, const char *key, struct bytes value)
{
    (void)value;
    struct error err = { 0 };
    return store_delete(owner, key, &err);
}

static void a_store_in_long_use_is_never_refused(void **state)
{
    struct fixture *f = *state;
    struct prng random;
    enum { LIVES = 12, TURNS = 12 };
    AUTO(auto_free) uint8_t *value = xcalloc(60000, 1);
    prng_init_number(&random, 2);
    for (int life = 0; life < LIVES; life++) {
        struct error err = { 0 };
        struct store *s = NULL;
        assert_true(store_open(&s, f->path, 64 << 20, &err));
        for (int turn = 0; turn < TURNS; turn++) random_turn(s, &random, value);
        if (life == LIVES - 2) { /* the next life begins with nothing but free pages */
            assert_true(store_begin(s, &err));
            assert_true(store_each(s, "", delete_it, s, &err));
            assert_true(store_commit(s, &err));
        }
        store_close(s);
        if (!store_check(f->path, CHECK_MS, &err)) fail_msg("life %d: %s", life, err.text);
    }
}

static void slow_check_is_no_damage(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    make_large_store(f->path);
    assert_false(store_check(f->path, 0, &err));
    assert_int_equal(err.code, ERR_RETRY);
}

static void start_quarantines_a_damaged_store_and_opens_an_empty_one(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    char data[FS_PATH_MAX], moved[FS_PATH_MAX], want[FS_PATH_MAX + 16];
    for (int n = 1; n <= 2; n++) {
        struct store *s = NULL;
        assert_true(store_start(&s, f->path, MAP, CHECK_MS, moved, sizeof moved, &err));
        assert_string_equal(moved, "");
        put_one(s, "a", "1");
        store_close(s);
        assert_true(fs_join(data, f->path, "data.mdb", &err));
        overwrite(data, 0, 8192);
        assert_true(store_start(&s, f->path, MAP, CHECK_MS, moved, sizeof moved, &err));
        snprintf(want, sizeof want, "%s.corrupt-%d", f->path, n);
        assert_string_equal(moved, want);
        assert_true(fs_exists(moved));
        assert_false(has(s, "a", "1"));
        store_close(s);
    }
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(acknowledged_puts_survive_kill_9),
        WITH_FOLDER(file_size_limit_refuses_turns_and_leaves_the_store_whole),
        WITH_FOLDER(full_disk_refuses_turns_and_leaves_the_store_whole),
        WITH_FOLDER(check_finds_damage_without_dying),
        WITH_FOLDER(flipped_bits_are_refused_or_harmless),
        WITH_FOLDER(a_store_in_long_use_is_never_refused),
        WITH_FOLDER(slow_check_is_no_damage),
        WITH_FOLDER(start_quarantines_a_damaged_store_and_opens_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
