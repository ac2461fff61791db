/* Manifest and journal: what is read back is what was written, or an error. */
#include "place.h"

#include "steps/install/journal.h"
#include "steps/install/manifest.h"

static void a_missing_manifest_is_empty(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    struct manifest m AUTO(manifest_deinit);
    place_make(&p);
    manifest_init(&m);
    assert_true(manifest_read(&m, place_path(&p, "none"), &err));
    assert_int_equal(m.count, 0);
    place_remove(&p);
}

static void write_example(const struct place *p)
{
    struct error err;
    struct manifest m AUTO(manifest_deinit);
    manifest_init(&m);
    m.deployment = "d-1";
    manifest_add(&m, MANIFEST_FOLDER, "/a");
    manifest_add(&m, MANIFEST_FILE, "/a/line\nbreak \xff");
    manifest_add(&m, MANIFEST_CONTEXT, "/a/c");
    assert_true(manifest_write(&m, place_path(p, "m"), &err));
}

static void names_of_any_bytes_come_back(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    struct manifest m AUTO(manifest_deinit);
    place_make(&p);
    write_example(&p);
    manifest_init(&m);
    assert_true(manifest_read(&m, place_path(&p, "m"), &err));
    assert_string_equal(m.deployment, "d-1");
    assert_int_equal(m.count, 3);
    assert_int_equal(m.entries[0].kind, MANIFEST_FOLDER);
    assert_string_equal(m.entries[1].path, "/a/line\nbreak \xff");
    assert_int_equal(m.entries[2].kind, MANIFEST_CONTEXT);
    place_remove(&p);
}

static void every_changed_or_missing_byte_is_found(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    place_make(&p);
    write_example(&p);
    struct buf whole AUTO(buf_deinit) = { .max = 65536 };
    assert_true(fs_read_file(place_path(&p, "m"), &whole, &err));
    for (size_t i = 0; i < 2 * whole.len; i++) {
        struct manifest m AUTO(manifest_deinit);
        size_t len = i < whole.len ? whole.len : i - whole.len;
        manifest_init(&m);
        if (i < whole.len) whole.data[i] ^= 0x10;
        int fd = open(place_path(&p, "m"), O_WRONLY | O_TRUNC | O_CLOEXEC);
        assert_int_equal(write(fd, whole.data, len), (ssize_t)len);
        close(fd);
        if (i < whole.len) whole.data[i] ^= 0x10;
        assert_false(manifest_read(&m, place_path(&p, "m"), &err));
        assert_int_equal(err.code, ERR_CORRUPT);
    }
    place_remove(&p);
}

static void a_journal_comes_back_with_its_marks(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    bool found;
    place_make(&p);
    struct journal j AUTO(journal_deinit), back AUTO(journal_deinit);
    journal_init(&j, "d-1");
    journal_init(&back, "");
    journal_add(&j, JOURNAL_CLEAR_FILE, "/x");
    journal_add(&j, JOURNAL_RENAME, "/y")->staged = "/.y";
    struct journal_op *folder = journal_add(&j, JOURNAL_FOLDER, "/z");
    folder->mode = 0750;
    folder->access = bytes_of("\0acl", 4);
    assert_true(journal_write(&j, place_path(&p, "j"), &err));
    assert_true(journal_mark(&j, place_path(&p, "j"), JOURNAL_COMMITTED, &err));
    assert_true(journal_read(&back, place_path(&p, "j"), &found, &err));
    assert_true(found);
    assert_true(back.committed);
    assert_false(back.cleared);
    assert_int_equal(back.count, 3);
    assert_string_equal(back.ops[1].staged, "/.y");
    assert_int_equal(back.ops[2].mode, 0750);
    assert_true(bytes_equal(back.ops[2].access, bytes_of("\0acl", 4)));
    place_remove(&p);
}

static void discarding_removes_only_what_was_staged(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    place_make(&p);
    struct journal j AUTO(journal_deinit);
    journal_init(&j, "d-1");
    place_write(&p, "app/user", "u", 0600);
    place_write(&p, "app/.staged/deep/f", "s", 0600);
    journal_add(&j, JOURNAL_REMOVE_FILE, place_path(&p, "app/user"));
    journal_add(&j, JOURNAL_RENAME, place_path(&p, "app/new"))->staged =
        place_path(&p, "app/.staged");
    journal_add(&j, JOURNAL_RENAME, place_path(&p, "gone/new"))->staged =
        place_path(&p, "gone/.staged");
    assert_true(journal_discard(&j, &err));
    assert_true(place_has(&p, "app/user"));
    assert_false(place_has(&p, "app/.staged"));
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_manifest_is_empty),
        cmocka_unit_test(names_of_any_bytes_come_back),
        cmocka_unit_test(every_changed_or_missing_byte_is_found),
        cmocka_unit_test(a_journal_comes_back_with_its_marks),
        cmocka_unit_test(discarding_removes_only_what_was_staged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
