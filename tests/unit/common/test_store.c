#include "fixture_store.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void second_opener_is_refused_also_in_this_process(void **state)
{
    struct fixture *f = *state;
    AUTO(auto_store_close) struct store *s = open_store(f->path);
    struct store *second = NULL;
    struct error err = { 0 };
    assert_false(store_open(&second, f->path, MAP, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    pid_t pid = fork();
    if (pid == 0) _exit(store_open(&second, f->path, MAP, &err) ? 1 : (int)err.code);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), ERR_CONFLICT);
    assert_false(store_check(f->path, CHECK_MS, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    put_one(s, "still", "works");
}

static void wrong_keys_and_values_undo_the_transaction(void **state)
{
    struct fixture *f = *state;
    AUTO(auto_store_close) struct store *s = open_store(f->path);
    struct error err = { 0 };
    char key[STORE_KEY_MAX + 2];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    AUTO(auto_free) uint8_t *much = xcalloc(STORE_VALUE_MAX + 1, 1);
    const struct {
        const char *key;
        struct bytes value;
    } wrong[] = { { "", bytes_of_text("x") },
                  { key, bytes_of_text("x") },
                  { "k", bytes_of(much, STORE_VALUE_MAX + 1) } };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_true(store_begin(s, &err));
        assert_true(store_put(s, "before", bytes_of_text("x"), &err));
        assert_false(store_put(s, wrong[i].key, wrong[i].value, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_false(store_in_transaction(s));
        assert_false(has(s, "before", "x"));
    }
    key[STORE_KEY_MAX] = '\0';
    put_one(s, key, "longest key");
    assert_true(has(s, key, "longest key"));
}

static void commit_keeps_and_abort_forgets(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct store *s = open_store(f->path);
    put_one(s, "a", "1");
    assert_true(store_begin(s, &err));
    assert_true(store_put(s, "a", bytes_of_text("2"), &err));
    assert_true(store_delete(s, "never-there", &err));
    assert_true(has(s, "a", "1")); /* reads see the last commit */
    store_abort(s);
    store_close(s);
    s = open_store(f->path);
    assert_true(has(s, "a", "1"));
    assert_true(store_begin(s, &err));
    assert_true(store_delete(s, "a", &err));
    assert_true(store_put(s, "empty", bytes_of(NULL, 0), &err));
    assert_true(store_commit(s, &err));
    AUTO(buf_deinit) struct buf b = { .max = 10 };
    assert_false(store_get(s, "a", &b, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_true(has(s, "empty", ""));
    store_close(s);
}

struct seen {
    char text[256];
    struct store *delete_from; /* the callback deletes what it sees */
};

static bool see(void *owner, const char *key, struct bytes value)
{
    struct seen *seen = owner;
    struct error err = { 0 };
    size_t len = strlen(seen->text);
    snprintf(seen->text + len, sizeof seen->text - len, "%s=%.*s ", key, (int)value.len,
             (const char *)value.data);
    if (seen->delete_from) assert_true(store_delete(seen->delete_from, key, &err));
    return true;
}

static void assert_page(struct store *s, struct store_page page, const char *want)
{
    struct seen seen = { .text = "" };
    struct error err = { 0 };
    assert_true(store_each_page(s, &page, see, &seen, &err));
    assert_string_equal(seen.text, want);
}

static struct store *open_with_keys(const char *path)
{
    struct store *s = open_store(path);
    static const char *const keys[] = { "a/1", "b/1", "b/2", "b/3", "b/30", "b0", "c/1" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) put_one(s, keys[i], "v");
    return s;
}

static void pages_go_forward_by_prefix_and_last_key(void **state)
{
    struct fixture *f = *state;
    AUTO(auto_store_close) struct store *s = open_with_keys(f->path);
    assert_page(s, (struct store_page){ .prefix = "b/" }, "b/1=v b/2=v b/3=v b/30=v ");
    assert_page(s, (struct store_page){ .prefix = "b/", .limit = 2 }, "b/1=v b/2=v ");
    assert_page(s, (struct store_page){ .prefix = "b/", .after = "b/2", .limit = 9 },
                "b/3=v b/30=v ");
    assert_page(s, (struct store_page){ .prefix = "b/", .after = "b/20" }, "b/3=v b/30=v ");
    assert_page(s, (struct store_page){ .prefix = "b/", .after = "b/30" }, "");
    assert_page(s, (struct store_page){ .prefix = "x/" }, "");
    assert_page(s, (struct store_page){ .prefix = "", .limit = 1 }, "a/1=v ");
}

static void pages_go_backward_as_well(void **state)
{
    struct fixture *f = *state;
    AUTO(auto_store_close) struct store *s = open_with_keys(f->path);
    assert_page(s, (struct store_page){ .prefix = "b/", .backward = true },
                "b/30=v b/3=v b/2=v b/1=v ");
    assert_page(s, (struct store_page){ .prefix = "b/", .after = "b/3", .backward = true },
                "b/2=v b/1=v ");
    assert_page(s,
                (struct store_page){ .prefix = "b/", .after = "b/9", .backward = true, .limit = 1 },
                "b/30=v ");
    assert_page(s, (struct store_page){ .prefix = "b/", .after = "b/1", .backward = true }, "");
    assert_page(s, (struct store_page){ .prefix = "c/", .backward = true }, "c/1=v ");
    assert_page(s, (struct store_page){ .prefix = "\xff", .backward = true }, "");
    assert_page(s, (struct store_page){ .prefix = "", .backward = true, .limit = 2 },
                "c/1=v b0=v ");
}

static void page_refuses_a_start_outside_its_prefix(void **state)
{
    struct fixture *f = *state;
    AUTO(auto_store_close) struct store *s = open_with_keys(f->path);
    struct seen seen = { .text = "" };
    struct error err = { 0 };
    struct store_page page = { .prefix = "b/", .after = "c/1" };
    assert_false(store_each_page(s, &page, see, &seen, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

static void callback_may_delete_what_it_sees(void **state)
{
    struct fixture *f = *state;
    AUTO(auto_store_close) struct store *s = open_with_keys(f->path);
    struct error err = { 0 };
    struct seen seen = { .text = "", .delete_from = s };
    assert_true(store_begin(s, &err));
    assert_true(store_each(s, "b/", see, &seen, &err));
    assert_string_equal(seen.text, "b/1=v b/2=v b/3=v b/30=v ");
    assert_true(store_commit(s, &err));
    assert_page(s, (struct store_page){ .prefix = "" }, "a/1=v b0=v c/1=v ");
}

static void full_map_refuses_whole_turns_and_growing_helps(void **state)
{
    struct fixture *f = *state;
    AUTO(auto_store_close) struct store *s = NULL;
    struct error err = { 0 };
    assert_true(store_open(&s, f->path, 2 << 20, &err));
    AUTO(auto_free) uint8_t *value = xcalloc(100000, 1);
    char key[32];
    bool full = false;
    uint64_t kept = 0;
    while (!full) {
        assert_true(kept < 100);
        assert_true(store_begin(s, &err));
        snprintf(key, sizeof key, "small/%llu", (unsigned long long)kept);
        full = !store_put(s, key, bytes_of_text("x"), &err);
        snprintf(key, sizeof key, "large/%llu", (unsigned long long)kept);
        if (!full) full = !store_put(s, key, bytes_of(value, 100000), &err);
        if (!full) full = !store_commit(s, &err);
        if (!full) kept++;
    }
    assert_int_equal(err.code, ERR_NO_SPACE);
    assert_false(store_in_transaction(s));
    struct store_usage usage;
    assert_true(store_usage(s, &usage, &err));
    assert_int_equal(usage.entries, 2 * kept);
    assert_int_equal(usage.map_bytes, 2 << 20);
    assert_true(usage.used_bytes > usage.map_bytes / 2);
    assert_true(usage.used_bytes <= usage.map_bytes);
    assert_true(store_grow(s, 4 << 20, &err));
    assert_true(store_begin(s, &err));
    assert_true(store_put(s, key, bytes_of(value, 100000), &err));
    assert_true(store_commit(s, &err));
    store_close(s);
    s = NULL;
    assert_true(store_open(&s, f->path, 1 << 20, &err)); /* never shrinks */
    assert_true(store_usage(s, &usage, &err));
    assert_int_equal(usage.map_bytes, 4 << 20);
    assert_int_equal(usage.entries, 2 * kept + 1);
}

static void deleting_gives_room_back(void **state)
{
    struct fixture *f = *state;
    AUTO(auto_store_close) struct store *s = open_store(f->path);
    struct error err = { 0 };
    AUTO(auto_free) uint8_t *value = xcalloc(STORE_VALUE_MAX, 1);
    struct store_usage before, after;
    for (int i = 0; i < 40; i++) {
        assert_true(store_begin(s, &err));
        assert_true(store_put(s, "one", bytes_of(value, STORE_VALUE_MAX), &err));
        assert_true(store_commit(s, &err));
    }
    assert_true(store_usage(s, &before, &err));
    assert_true(before.used_bytes > STORE_VALUE_MAX);
    assert_true(store_begin(s, &err));
    assert_true(store_delete(s, "one", &err));
    assert_true(store_commit(s, &err));
    assert_true(store_usage(s, &after, &err));
    assert_true(after.used_bytes + STORE_VALUE_MAX <= before.used_bytes);
}

static void reader_beside_the_owner_sees_commits_and_growth(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct store *none = NULL;
    assert_false(store_open_read(&none, f->path, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    struct store *s = open_store(f->path);
    put_one(s, "a", "1");
    int go[2];
    assert_int_equal(pipe(go), 0);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60); /* should the parent fail meanwhile */
        struct store *r = NULL;
        bool ok = store_open_read(&r, f->path, &err) && has(r, "a", "1");
        ok = ok && write(go[1], "r", 1) == 1;
        while (ok && !has(r, "grown", "yes")) sched_yield();
        store_close(r);
        _exit(ok ? 0 : 1);
    }
    char byte;
    assert_int_equal(read(go[0], &byte, 1), 1);
    assert_true(store_grow(s, 2 * MAP, &err));
    put_one(s, "grown", "yes");
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(store_check_readers(s, &err));
    close(go[0]);
    close(go[1]);
    store_close(s);
}

static void ballast_holds_real_bytes(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    AUTO(auto_store_close) struct store *s = open_store(f->path);
    char ballast[FS_PATH_MAX];
    struct stat info;
    assert_true(fs_join(ballast, f->path, "ballast", &err));
    assert_int_equal(stat(ballast, &info), 0);
    assert_true((uint64_t)info.st_blocks * 512 >= STORE_BALLAST_BYTES);
    assert_true(store_drop_ballast(s, &err));
    assert_true(store_drop_ballast(s, &err));
    assert_false(fs_exists(ballast));
    assert_true(store_make_ballast(s, &err));
    assert_true(fs_exists(ballast));
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
}

static off_t data_size(const char *path)
{
    char data[FS_PATH_MAX];
    struct stat info = { .st_size = -1 };
    struct error err = { 0 };
    assert_true(fs_join(data, path, "data.mdb", &err));
    assert_int_equal(stat(data, &info), 0);
    return info.st_size;
}

static void commits_find_the_file_long_enough(void **state)
{
    struct fixture *f = *state;
    enum { COMMITS = 400 };
    AUTO(auto_store_close) struct store *s = open_store(f->path);
    off_t before = data_size(f->path), opened = before;
    assert_true(opened > 256 << 10);
    unsigned grown = 0;
    for (unsigned i = 0; i < COMMITS; i++) {
        char key[32];
        char value[2000];
        memset(value, 'v', sizeof value - 1);
        value[sizeof value - 1] = '\0';
        (void)snprintf(key, sizeof key, "key/%u", i);
        put_one(s, key, value);
        off_t now = data_size(f->path);
        struct store_usage usage;
        struct error err = { 0 };
        assert_true(store_usage(s, &usage, &err));
        assert_true((uint64_t)now > usage.used_bytes);
        grown += now != before;
        before = now;
    }
    assert_true(before > opened);
    assert_in_range(grown, 1, 4);
    store_close(s);
    struct error err = { 0 };
    assert_true(store_check(f->path, CHECK_MS, &err));
    s = open_store(f->path);
    assert_int_equal(data_size(f->path), before);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(second_opener_is_refused_also_in_this_process),
        WITH_FOLDER(wrong_keys_and_values_undo_the_transaction),
        WITH_FOLDER(commit_keeps_and_abort_forgets),
        WITH_FOLDER(pages_go_forward_by_prefix_and_last_key),
        WITH_FOLDER(pages_go_backward_as_well),
        WITH_FOLDER(page_refuses_a_start_outside_its_prefix),
        WITH_FOLDER(callback_may_delete_what_it_sees),
        WITH_FOLDER(full_map_refuses_whole_turns_and_growing_helps),
        WITH_FOLDER(deleting_gives_room_back),
        WITH_FOLDER(reader_beside_the_owner_sees_commits_and_growth),
        WITH_FOLDER(ballast_holds_real_bytes),
        WITH_FOLDER(commits_find_the_file_long_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
