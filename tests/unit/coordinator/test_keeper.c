/* What a folder holds, page by page, and a store's own rule, one page a turn. */
#include "core/coordinator.h"
#include "io/clock.h"
#include "io/digest.h"
#include "io/fs.h"
#include "shell/inventory.h"
#include "shell/keeper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { VERSIONS = 2 * INVENTORY_FOLDER_MAX + 30, KEPT = VERSIONS - 11, PAGES_MAX = 10 };

struct fixture {
    char folder[64];
    struct artifact_store store;
    struct artifacts *artifacts;
    struct coordinator *core;
    struct log log;
    struct id newest;
    /* of a listing */
    struct prng random;
    size_t seen, newest_seen, pages;
    char next[WIRE_AFTER_MAX + 1], last[WIRE_KEY_MAX + 1];
    struct error err;
};

static void put(struct fixture *f, const char *key)
{
    struct error err = { 0 };
    const struct dirstore *store = artifacts_store(f->artifacts, "bucket");
    struct dirstore_object object = { .size = 1, .modified_ms = 7, .summary = "" };
    struct id upload = id_new_uuid(&f->random);
    char path[FS_PATH_MAX];
    object.version_id = f->newest = id_new_version(&f->random);
    digest_sha256(bytes_of_text("x"), object.sha256);
    assert_true(dirstore_upload_path(store, &upload, path, &err));
    assert_true(fs_write_atomic(path, bytes_of_text("x"), 0600, &err));
    assert_true(dirstore_put(store, key, &upload, &object, &err));
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    struct error err = { 0 };
    snprintf(f->folder, sizeof f->folder, "/tmp/meridian-keeper-XXXXXX");
    if (!mkdtemp(f->folder)) return -1;
    f->store = (struct artifact_store){ .name = "bucket", .region = "r", .path = f->folder };
    const struct artifacts_config config = { .stores = &f->store,
                                             .store_count = 1,
                                             .base_url = "https://127.0.0.1:1",
                                             .pin = "",
                                             .secret = bytes_of_text("0123456789abcdef") };
    assert_true(artifacts_open(&config, clock_wall_ms(), &f->artifacts, &err));
    f->core = coordinator_new(&(struct coordinator_config){ .region = "r" });
    log_init(&f->log, LOG_ERROR);
    prng_init_number(&f->random, 1);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    coordinator_free(f->core);
    artifacts_close(f->artifacts);
    bool removed = fs_remove_tree(f->folder, &err);
    free(f);
    return removed ? 0 : -1;
}

static void on_page(void *owner, const struct inventory_page *page)
{
    struct fixture *f = owner;
    f->err = *page->err;
    assert_true(page->count <= INVENTORY_FOLDER_MAX);
    for (size_t i = 0; i < page->count; i++) {
        f->newest_seen += page->objects[i].newest;
        assert_string_not_equal(page->objects[i].version_id, f->last);
        snprintf(f->last, sizeof f->last, "%s", page->objects[i].version_id);
    }
    f->seen += page->count;
    f->pages++;
    snprintf(f->next, sizeof f->next, "%s", page->next);
}

static void a_place_that_no_page_has_told_is_refused(void **state)
{
    static const char *const places[] = { "rubbish", "0/", "../../etc/passwd", "MARK/zz",
                                          "MARK/0000000000000000rubbish" };
    struct fixture *f = *state;
    put(f, "a");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char after[WIRE_AFTER_MAX];
        bool marked = text_starts(places[i], "MARK");
        snprintf(after, sizeof after, "%0*d%s", marked ? DIRSTORE_MARK_SIZE - 1 : 1, 0,
                 places[i] + (marked ? strlen("MARK") : 0));
        inventory_list(f->artifacts, "bucket", "", after, on_page, f);
        assert_int_equal(f->err.code, ERR_INVALID);
        assert_int_equal(f->seen, 0);
    }
}

static void every_version_is_told_once_however_many_a_key_has(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < VERSIONS; i++) put(f, "many");
    for (size_t i = 0; i < 3; i++) put(f, "few");
    put(f, "other/one");
    do {
        char after[WIRE_AFTER_MAX + 1];
        memcpy(after, f->next, sizeof after);
        inventory_list(f->artifacts, "bucket", "", after, on_page, f);
        assert_int_equal(f->err.code, ERR_NONE);
    } while (f->next[0] && f->pages < PAGES_MAX);
    assert_int_equal(f->seen, VERSIONS + 4);
    assert_int_equal(f->newest_seen, 3);
    assert_int_equal(f->pages, 3);
}

/* Turns until the rule asks the core; *removed: about how many versions. */
static size_t turns_of(struct keeper *k, size_t *removed, bool *newest, const struct id *version)
{
    for (size_t turns = 1; turns <= PAGES_MAX; turns++) {
        struct coordinator_event event;
        keeper_run(k);
        if (!keeper_next(k, &event)) {
            assert_true(keeper_deadline(k) <= clock_boot_ms()); /* it goes on at once */
            continue;
        }
        *removed = event.remove.count;
        for (size_t i = 0; i < event.remove.count; i++)
            *newest |= text_equal(event.remove.objects[i].version_id, version->text);
        return turns;
    }
    return 0;
}

static void a_rule_looks_at_one_page_a_turn_and_at_all_of_them(void **state)
{
    struct fixture *f = *state;
    size_t removed = 0;
    bool newest = false;
    f->store.keep_count = KEPT;
    for (size_t i = 0; i < VERSIONS; i++) put(f, "many");
    const struct keeper_config config = { .stores = &f->store,
                                          .store_count = 1,
                                          .artifacts = f->artifacts,
                                          .core = f->core,
                                          .log = &f->log };
    struct keeper *k = keeper_open(&config); /* `every` is 0: at once */
    assert_int_equal(turns_of(k, &removed, &newest, &f->newest), 3);
    assert_int_equal(removed, VERSIONS - KEPT);
    assert_false(newest);
    keeper_close(k);
}

#define each(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(a_place_that_no_page_has_told_is_refused),
        each(every_version_is_told_once_however_many_a_key_has),
        each(a_rule_looks_at_one_page_a_turn_and_at_all_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
