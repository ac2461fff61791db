#include "shell/inventory.h"

#include "shell/buckets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_ARENA_MAX = 4 << 20 };

static void fail(inventory_fn fn, void *owner, const struct error *err)
{
    const struct inventory_page page = { .err = err, .next = "" };
    fn(owner, &page);
}

NODISCARD static const struct dirstore *folder_of(const struct artifacts *artifacts,
                                                  const char *store, inventory_fn fn, void *owner)
{
    const struct dirstore *found = artifacts_store(artifacts, store);
    struct error err = { 0 };
    if (found) return found;
    (void)error_set(&err, ERR_NOT_FOUND,
                    "no store '%s' in the coordinator's configuration (`stores`)", store);
    fail(fn, owner, &err);
    return NULL;
}

/* ---- folders ---- */

/* Where a listing goes on: behind version NUMBER of the key of MARK, as "MARK/NUMBER". */
struct place {
    char mark[DIRSTORE_MARK_SIZE];
    uint64_t number;
};

enum { NUMBER_DIGITS = 16 };

NODISCARD static bool place_read(const char *text, struct place *out, struct error *err)
{
    size_t len = strspn(text, "0123456789abcdef");
    bool good = !text[0] || (len == DIRSTORE_MARK_SIZE - 1 && text[len] == '/' &&
                             strspn(text + len + 1, "0123456789abcdef") == NUMBER_DIGITS &&
                             strlen(text + len + 1) == NUMBER_DIGITS);
    *out = (struct place){ .number = UINT64_MAX };
    if (!good || !text[0])
        return good || error_set(err, ERR_INVALID, "nothing of this store was told up to there");
    memcpy(out->mark, text, len);
    out->number = strtoull(text + len + 1, NULL, 16); /* its digits were counted */
    return true;
}

struct folder_page {
    const struct dirstore *store;
    const char *prefix, *key;
    struct arena *arena;
    struct stored_object objects[INVENTORY_FOLDER_MAX];
    size_t count;
    struct place from, last; /* last: the last of `objects` */
    bool newest;             /* the next version is the newest of its key */
    bool full;               /* there is more */
    struct error err;
};

static struct stored_object describe(struct arena *arena, const char *key,
                                     const struct dirstore_object *from, bool newest)
{
    struct stored_object object = { .key = arena_text(arena, key),
                                    .version_id = arena_text(arena, from->version_id.text),
                                    .size = from->size,
                                    .modified_ms = from->modified_ms,
                                    .newest = newest,
                                    .needed = "" };
    memcpy(object.sha256, from->sha256, SHA256_SIZE);
    return object;
}

static bool take_version(void *owner, const struct dirstore_object *object)
{
    struct folder_page *page = owner;
    page->full = page->count == INVENTORY_FOLDER_MAX;
    if (page->full) return false;
    page->objects[page->count++] = describe(page->arena, page->key, object, page->newest);
    page->last.number = object->number;
    page->newest = false;
    return true;
}

static bool take_key(void *owner, const char *mark, const char *key)
{
    struct folder_page *page = owner;
    if (!text_starts(key, page->prefix)) return true;
    bool goes_on = text_equal(mark, page->from.mark);
    size_t before = page->count;
    struct place last = page->last;
    page->key = key;
    page->newest = !goes_on;
    if (!dirstore_versions(page->store, key, goes_on ? page->from.number : UINT64_MAX, take_version,
                           page, &page->err))
        return false;
    memcpy(page->last.mark, page->count > before ? mark : last.mark, DIRSTORE_MARK_SIZE);
    return !page->full;
}

void inventory_list(const struct artifacts *artifacts, const char *store, const char *prefix,
                    const char *after, inventory_fn fn, void *owner)
{
    struct buckets *buckets = artifacts_buckets(artifacts);
    if (buckets_has(buckets, store)) {
        buckets_list(buckets, store, prefix, after, fn, owner);
        return;
    }
    AUTO(arena_deinit) struct arena arena;
    struct folder_page found = { .store = folder_of(artifacts, store, fn, owner),
                                 .prefix = prefix,
                                 .arena = &arena };
    arena_init(&arena, PAGE_ARENA_MAX);
    if (!found.store) return;
    if (!place_read(after, &found.from, &found.err)) {
        fail(fn, owner, &found.err);
        return;
    }
    bool ok = dirstore_keys(found.store, found.from.mark, take_key, &found, &found.err);
    const char *next = arena_format(&arena, "%s/%016" PRIx64, found.last.mark, found.last.number);
    const struct inventory_page page = { .err = &found.err,
                                         .objects = found.objects,
                                         .count = found.count,
                                         .next = ok && found.full ? next : "" };
    fn(owner, &page);
}

void inventory_find(const struct artifacts *artifacts, const char *store, const char *key,
                    const char *version_id, inventory_fn fn, void *owner)
{
    struct buckets *buckets = artifacts_buckets(artifacts);
    struct dirstore_object newest, object;
    struct error err = { 0 };
    if (buckets_has(buckets, store)) {
        buckets_head(buckets, store, key, version_id, fn, owner);
        return;
    }
    AUTO(arena_deinit) struct arena arena;
    const struct dirstore *folder = folder_of(artifacts, store, fn, owner);
    arena_init(&arena, PAGE_ARENA_MAX);
    if (!folder) return;
    if (!dirstore_head(folder, key, version_id, &object, &err) ||
        !dirstore_head(folder, key, "", &newest, &err)) {
        fail(fn, owner, &err);
        return;
    }
    const struct stored_object found =
        describe(&arena, key, &object, id_equal(&object.version_id, &newest.version_id));
    const struct inventory_page page = { .err = &err, .objects = &found, .count = 1, .next = "" };
    fn(owner, &page);
}

void inventory_erase(const struct artifacts *artifacts, const struct artifact_ref *object,
                     inventory_fn fn, void *owner)
{
    struct buckets *buckets = artifacts_buckets(artifacts);
    struct error err = { 0 };
    if (buckets_has(buckets, object->store)) {
        buckets_erase(buckets, object, fn, owner);
        return;
    }
    const struct dirstore *folder = folder_of(artifacts, object->store, fn, owner);
    if (!folder) return;
    if (!dirstore_remove(folder, object->key, object->version_id, &err)) {
        fail(fn, owner, &err);
        return;
    }
    const struct inventory_page page = { .err = &err, .next = "" };
    fn(owner, &page);
}
