/* The part of store.h that walks the stored keys. */
#include "io/store_internal.h"

#include <assert.h>
#include <string.h>

static void auto_txn(MDB_txn **txn)
{
    mdb_txn_abort(*txn);
}

static void auto_cursor(MDB_cursor **cursor)
{
    mdb_cursor_close(*cursor);
}

bool store_read_begin(struct store *s, MDB_txn **out, struct error *err)
{
    int failed = mdb_txn_begin(s->env, NULL, MDB_RDONLY, out);
    if (failed == MDB_MAP_RESIZED && s->readers == 0) {
        failed = mdb_env_set_mapsize(s->env, 0);
        if (!failed) failed = mdb_txn_begin(s->env, NULL, MDB_RDONLY, out);
    }
    if (!failed) return true;
    *out = NULL;
    return store_error(s, err, "read", failed);
}

static MDB_val val_of(const char *text)
{
    return (MDB_val){ .mv_size = strlen(text), .mv_data = (void *)(uintptr_t)text };
}

static bool val_equal(const MDB_val *key, const char *text)
{
    return key->mv_size == strlen(text) && memcmp(key->mv_data, text, key->mv_size) == 0;
}

static bool val_starts(const MDB_val *key, const char *prefix)
{
    size_t len = strlen(prefix);
    return key->mv_size >= len && memcmp(key->mv_data, prefix, len) == 0;
}

/* The smallest key that is greater than every key with the prefix; false when there is none. */
static bool prefix_end(const char *prefix, char out[STORE_KEY_MAX + 1])
{
    size_t len = strlen(prefix);
    memcpy(out, prefix, len + 1);
    while (len > 0 && (unsigned char)out[len - 1] == 0xff) out[--len] = '\0';
    if (len == 0) return false;
    out[len - 1] = (char)((unsigned char)out[len - 1] + 1);
    return true;
}

static int seek_forward(MDB_cursor *cursor, const struct store_page *page, MDB_val *k, MDB_val *v)
{
    const char *start = page->after ? page->after : page->prefix;
    if (!*start) return mdb_cursor_get(cursor, k, v, MDB_FIRST);
    *k = val_of(start);
    int failed = mdb_cursor_get(cursor, k, v, MDB_SET_RANGE);
    if (!failed && page->after && val_equal(k, page->after))
        failed = mdb_cursor_get(cursor, k, v, MDB_NEXT);
    return failed;
}

static int seek_backward(MDB_cursor *cursor, const struct store_page *page, MDB_val *k, MDB_val *v)
{
    char end[STORE_KEY_MAX + 1];
    const char *bound = page->after;
    if (!bound && prefix_end(page->prefix, end)) bound = end;
    if (!bound) return mdb_cursor_get(cursor, k, v, MDB_LAST);
    *k = val_of(bound);
    int failed = mdb_cursor_get(cursor, k, v, MDB_SET_RANGE);
    /* The first key at or beyond the bound; the one before it is ours. */
    return mdb_cursor_get(cursor, k, v, failed == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
}

/* Our keys are text: anything else was not written by us. */
static bool key_text(const MDB_val *key, char out[STORE_KEY_MAX + 1])
{
    if (key->mv_size > STORE_KEY_MAX || memchr(key->mv_data, '\0', key->mv_size)) return false;
    memcpy(out, key->mv_data, key->mv_size);
    out[key->mv_size] = '\0';
    return true;
}

static bool walk(struct store *s, MDB_cursor *cursor, const struct store_page *page,
                 store_each_fn fn, void *owner, struct error *err)
{
    MDB_val k, v;
    int failed =
        page->backward ? seek_backward(cursor, page, &k, &v) : seek_forward(cursor, page, &k, &v);
    MDB_cursor_op next = page->backward ? MDB_PREV : MDB_NEXT;
    for (size_t count = 0; !failed && val_starts(&k, page->prefix); count++) {
        char key[STORE_KEY_MAX + 1];
        if (page->limit && count >= page->limit) return true;
        if (!key_text(&k, key))
            return error_set(err, ERR_CORRUPT, "a key of store '%s' is no text", s->path);
        if (!fn(owner, key, bytes_of(v.mv_data, v.mv_size))) return true;
        failed = mdb_cursor_get(cursor, &k, &v, next);
    }
    if (!failed || failed == MDB_NOTFOUND) return true;
    return store_error(s, err, "walk", failed);
}

bool store_each_page(struct store *s, const struct store_page *page, store_each_fn fn, void *owner,
                     struct error *err)
{
    const char *longest = page->after ? page->after : page->prefix;
    if (strlen(longest) > STORE_KEY_MAX || !text_starts(longest, page->prefix))
        return error_set(err, ERR_INVALID, "'%.80s' is no key under '%.80s'", longest,
                         page->prefix);
    AUTO(auto_txn) MDB_txn *txn = NULL;
    if (!store_read_begin(s, &txn, err)) return false;
    AUTO(auto_cursor) MDB_cursor *cursor = NULL;
    int failed = mdb_cursor_open(txn, s->dbi, &cursor);
    if (failed) return store_error(s, err, "walk", failed);
    s->readers++;
    bool ok = walk(s, cursor, page, fn, owner, err);
    s->readers--;
    return ok;
}

bool store_each(struct store *s, const char *prefix, store_each_fn fn, void *owner,
                struct error *err)
{
    struct store_page page = { .prefix = prefix };
    return store_each_page(s, &page, fn, owner, err);
}

/* LMDB's own database 0 lists the free pages: each value is a count and as many page numbers. More
 * than there are pages is damage, perhaps a ring. */
static int count_free(MDB_txn *txn, uint64_t pages_max, uint64_t *pages)
{
    AUTO(auto_cursor) MDB_cursor *cursor = NULL;
    int failed = mdb_cursor_open(txn, 0, &cursor);
    MDB_val k, v;
    *pages = 0;
    for (uint64_t lists = 0; !failed; lists++) {
        failed = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
        size_t count = 0;
        if (failed) break;
        if (k.mv_size != sizeof(size_t) || v.mv_size < sizeof count) return MDB_CORRUPTED;
        memcpy(&count, v.mv_data, sizeof count);
        if (count > pages_max || (count + 1) * sizeof count > v.mv_size) return MDB_CORRUPTED;
        *pages += count;
        if (*pages > pages_max || lists > pages_max) return MDB_CORRUPTED;
    }
    return failed == MDB_NOTFOUND ? 0 : failed;
}

bool store_usage(struct store *s, struct store_usage *out, struct error *err)
{
    AUTO(auto_txn) MDB_txn *txn = NULL;
    if (!store_read_begin(s, &txn, err)) return false;
    MDB_stat stat;
    MDB_envinfo info;
    uint64_t free_pages;
    int failed = mdb_stat(txn, s->dbi, &stat);
    if (!failed) failed = mdb_env_info(s->env, &info);
    if (!failed) failed = count_free(txn, info.me_last_pgno + 1, &free_pages);
    if (failed) return store_error(s, err, "measure", failed);
    uint64_t pages = info.me_last_pgno + 1;
    *out = (struct store_usage){
        .used_bytes = (pages - (free_pages < pages ? free_pages : pages)) * stat.ms_psize,
        .map_bytes = info.me_mapsize,
        .entries = stat.ms_entries,
    };
    return true;
}
