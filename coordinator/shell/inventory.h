/* inventory.h - what lies in a store, whatever its type, and how it leaves it.
 *
 * inventory_list() tells one page of versions; inventory_find() one version with its digest;
 * inventory_erase() removes one. Answers of folders come from within the call, those of buckets in
 * a later turn (shell/buckets.h); each call is answered exactly once, unless the stores are closed
 * before. What an answer points to lives until the callback returns.
 *
 * Errors: ERR_NOT_FOUND (store, object), ERR_DENIED (the permission is named), ERR_RETRY.
 */
#pragma once
#include "shell/artifacts.h"

enum { INVENTORY_FOLDER_MAX = 100 /* versions of a page: each is a small file that is read */ };

struct inventory_page {
    const struct error *err; /* ERR_NONE: the rest counts */
    const struct stored_object *objects;
    size_t count;
    const char *next; /* `after` of the next page; "" this was the last */
};
typedef void (*inventory_fn)(void *owner, const struct inventory_page *page);

void inventory_list(const struct artifacts *artifacts, const char *store, const char *prefix,
                    const char *after, inventory_fn fn, void *owner);
/* A page of one; `version_id` "" for the newest. */
void inventory_find(const struct artifacts *artifacts, const char *store, const char *key,
                    const char *version_id, inventory_fn fn, void *owner);
/* A page of none. A version that is not there is success. */
void inventory_erase(const struct artifacts *artifacts, const struct artifact_ref *object,
                     inventory_fn fn, void *owner);
