#include "io/dirstore.h"

#include "io/digest.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[64];
    struct dirstore store;
    struct prng random;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct error err = { 0 };
    snprintf(f->folder, sizeof f->folder, "/tmp/meridian-dirstore-XXXXXX");
    if (!mkdtemp(f->folder) || !dirstore_open(&f->store, f->folder, 0, &err)) return -1;
    prng_init_number(&f->random, 1);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    bool removed = fs_remove_tree(f->folder, &err);
    free(f);
    return removed ? 0 : -1;
}

static struct dirstore_object put(struct fixture *f, const char *key, const char *text)
{
    struct error err = { 0 };
    char path[FS_PATH_MAX];
    struct id upload = id_new_uuid(&f->random);
    struct dirstore_object object = { .version_id = id_new_version(&f->random),
                                      .size = strlen(text),
                                      .modified_ms = 7 };
    snprintf(object.summary, sizeof object.summary, "said \"%s\"\\\n", text);
    digest_sha256(bytes_of_text(text), object.sha256);
    assert_true(dirstore_upload_path(&f->store, &upload, path, &err));
    assert_true(fs_write_atomic(path, bytes_of_text(text), 0600, &err));
    assert_true(dirstore_put(&f->store, key, &upload, &object, &err));
    assert_false(fs_exists(path));
    return object;
}

static void assert_text(struct fixture *f, const char *key, const char *version, const char *text)
{
    struct error err = { 0 };
    struct dirstore_object object;
    char data[64] = "";
    size_t got = 0;
    AUTO(auto_close) int fd = -1;
    assert_true(dirstore_head(&f->store, key, version, &object, &err));
    assert_true(dirstore_get(&f->store, key, &object, &fd, &err));
    assert_true(fs_read_full(fd, data, sizeof data - 1, &got, &err));
    assert_string_equal(data, text);
}

/* Whoever fetches it would wait for bytes that never come. */
static void a_file_of_another_size_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct dirstore_object object = put(f, "spoilt.zip", "content");
    int fd = -1;
    for (uint64_t size = 0; size < 9; size++) {
        object.size = size;
        bool right = size == strlen("content");
        if (dirstore_get(&f->store, "spoilt.zip", &object, &fd, &err) != right)
            fail_msg("size %d", (int)size);
        if (right)
            close(fd);
        else
            assert_int_equal(err.code, ERR_CORRUPT);
    }
    assert_non_null(strstr(err.text, "is damaged: it has 7 of 8 bytes"));
}

static void wrong_keys_and_uploads_are_refused(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct dirstore_object object;
    char path[FS_PATH_MAX], long_key[DIRSTORE_KEY_MAX + 2];
    memset(long_key, 'k', sizeof long_key);
    long_key[sizeof long_key - 1] = '\0';
    assert_false(dirstore_head(&f->store, "", "", &object, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_false(dirstore_head(&f->store, "a\nb", "", &object, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_false(dirstore_head(&f->store, long_key, "", &object, &err));
    assert_int_equal(err.code, ERR_INVALID);
    struct id escape = { .text = "../objects" };
    assert_false(dirstore_upload_path(&f->store, &escape, path, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_false(dirstore_head(&f->store, "nothing", "", &object, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void older_versions_stay_readable(void **state)
{
    struct fixture *f = *state;
    struct dirstore_object first = put(f, "app/bundle.zip", "one");
    struct dirstore_object second = put(f, "app/bundle.zip", "two");
    put(f, "app/other.zip", "three");
    assert_int_equal(second.number, first.number + 1);
    assert_text(f, "app/bundle.zip", "", "two");
    assert_text(f, "app/bundle.zip", first.version_id.text, "one");
    struct error err = { 0 };
    struct dirstore_object object;
    assert_false(dirstore_head(&f->store, "app/other.zip", first.version_id.text, &object, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void metadata_comes_back_as_it_was_given(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct dirstore_object object, given = put(f, "k", "text");
    assert_true(dirstore_head(&f->store, "k", "", &object, &err));
    assert_int_equal(object.size, 4);
    assert_int_equal(object.modified_ms, 7);
    assert_string_equal(object.summary, given.summary);
    assert_memory_equal(object.sha256, given.sha256, sizeof object.sha256);
}

static bool count_version(void *owner, const struct dirstore_object *object)
{
    uint64_t *last = owner;
    assert_true(*last == 0 || object->number == *last - 1);
    *last = object->number;
    return true;
}

static void versions_come_newest_first(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    uint64_t last = 0;
    for (int i = 0; i < 20; i++) put(f, "k", "x");
    assert_true(dirstore_versions(&f->store, "k", UINT64_MAX, count_version, &last, &err));
    assert_int_equal(last, 1);
    last = 8;
    assert_true(dirstore_versions(&f->store, "k", 8, count_version, &last, &err));
    assert_int_equal(last, 1);
}

static void what_a_crash_left_between_data_and_meta_is_removed_at_open(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct dirstore_object object = put(f, "k", "whole");
    char folder[FS_PATH_MAX], data[FS_PATH_MAX], hex[DIGEST_HEX_SIZE];
    uint8_t digest[DIGEST_SIZE];
    digest_sha256(bytes_of_text("k"), digest);
    hex_format(digest, sizeof digest, hex);
    snprintf(folder, sizeof folder, "%s/objects/%s", f->folder, hex);
    snprintf(data, sizeof data, "%.2000s/%016llx-%s.data", folder, 2ULL,
             "abcdefghijklmnopqrstuvwxyz012345");
    assert_true(fs_write_atomic(data, bytes_of_text("cut"), 0600, &err));
    assert_true(dirstore_open(&f->store, f->folder, 0, &err));
    assert_false(fs_exists(data));
    assert_text(f, "k", object.version_id.text, "whole");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_of_another_size_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_keys_and_uploads_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(older_versions_stay_readable, setup, teardown),
        cmocka_unit_test_setup_teardown(metadata_comes_back_as_it_was_given, setup, teardown),
        cmocka_unit_test_setup_teardown(versions_come_newest_first, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_crash_left_between_data_and_meta_is_removed_at_open,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
