#include "fixture_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

int make_folder(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err = { 0 };
    const char *tmp = getenv("TMPDIR");
    snprintf(f->folder, sizeof f->folder, "%s/meridian-store-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(f->folder) || !fs_join(f->path, f->folder, "state/store", &err)) return -1;
    *state = f;
    return 0;
}

int drop_folder(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    bool ok = fs_remove_tree(f->folder, &err);
    free(f);
    return ok ? 0 : -1;
}

struct store *open_store(const char *path)
{
    struct store *s = NULL;
    struct error err = { 0 };
    if (!store_open(&s, path, MAP, &err)) fail_msg("%s", err.text);
    return s;
}

void put_one(struct store *s, const char *key, const char *value)
{
    struct error err = { 0 };
    assert_true(store_begin(s, &err));
    assert_true(store_put(s, key, bytes_of_text(value), &err));
    assert_true(store_commit(s, &err));
}

bool has(struct store *s, const char *key, const char *value)
{
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf b = { .max = STORE_VALUE_MAX };
    return store_get(s, key, &b, &err) && bytes_equal(buf_bytes(&b), bytes_of_text(value));
}
