/* The order in which the versions of an object came, so that none between two looks is missed.
 *
 * A look is a HEAD, which knows the newest version only. When it is not the one after the version
 * that was seen last, the versions of the key are listed, newest first and a page a request, down
 * to that one. */
#include "shell/buckets_internal.h"

#include "io/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* SIZE_MAX: it is not in the chain. */
static size_t place_of(const struct bucket_chain *chain, const char *id)
{
    for (size_t i = chain->count; i-- > 0;)
        if (text_equal(chain->ids[i], id)) return i;
    return SIZE_MAX;
}

static void ids_free(char **ids, size_t count)
{
    for (size_t i = 0; i < count; i++) free(ids[i]);
    free(ids);
}

static void listing_forget(struct bucket_chain *chain)
{
    size_t kept = chain->listed_count < BUCKET_CHAIN_MAX ? chain->listed_count : BUCKET_CHAIN_MAX;
    ids_free(chain->listed, kept);
    chain->listed = NULL;
    chain->listed_count = 0;
    chain->since[0] = '\0';
}

void bucket_chain_free(struct bucket_chain *chain)
{
    listing_forget(chain);
    ids_free(chain->ids, chain->count);
    *chain = (struct bucket_chain){ 0 };
}

/* ---- what comes next ---- */

const char *bucket_chain_next(struct bucket_object *object, const char *seen, bool *listing)
{
    struct bucket_chain *chain = &object->chain;
    *listing = false;
    if (!chain->head[0] || text_equal(chain->head, seen) || text_equal(chain->absent, seen))
        return NULL;
    size_t place = place_of(chain, seen);
    if (place != SIZE_MAX && place + 1 < chain->count) {
        chain->asked = place + 1;
        return chain->ids[place + 1];
    }
    if (place != SIZE_MAX && text_equal(chain->head, chain->listed_head)) return NULL;
    *listing = true;
    if (!chain->since[0] && text_copy(chain->since, sizeof chain->since, seen) && !object->busy &&
        !chain->failed)
        object->due_ms = clock_boot_ms();
    return NULL;
}

const char *bucket_chain_ahead(const struct bucket_object *object)
{
    const struct bucket_chain *chain = &object->chain;
    for (size_t i = chain->asked; i < chain->count && i < chain->asked + BUCKET_AHEAD; i++)
        if (!bucket_version_find(object, chain->ids[i])) return chain->ids[i];
    return "";
}

void bucket_chain_drop(struct bucket_object *object, const char *id)
{
    struct bucket_chain *chain = &object->chain;
    size_t place = place_of(chain, id);
    if (place == SIZE_MAX) return;
    free(chain->ids[place]);
    chain->count--;
    memmove(chain->ids + place, chain->ids + place + 1,
            (chain->count - place) * sizeof *chain->ids);
    object->owner->news++;
}

/* ---- listing ---- */

/* The oldest ones stay: what does not fit is listed again when these have been seen. */
static void listed_add(struct bucket_chain *chain, const char *id)
{
    if (!chain->listed) chain->listed = xcalloc(BUCKET_CHAIN_MAX, sizeof *chain->listed);
    size_t place = chain->listed_count++ % BUCKET_CHAIN_MAX;
    free(chain->listed[place]);
    chain->listed[place] = xstrdup(id);
}

/* Behind what is there when it ends with `since`; else in its place. */
static void chain_extend(struct bucket_chain *chain)
{
    size_t last = place_of(chain, chain->since), kept = chain->listed_count;
    bool fits = last != SIZE_MAX && last + 1 == chain->count && chain->count < BUCKET_CHAIN_MAX;
    if (kept > BUCKET_CHAIN_MAX) kept = BUCKET_CHAIN_MAX;
    size_t before = fits ? chain->count : 1;
    char **ids = xcalloc(before + kept, sizeof *ids);
    if (fits)
        memcpy(ids, chain->ids, chain->count * sizeof *ids);
    else
        ids[0] = xstrdup(chain->since);
    for (size_t i = 0; i < kept; i++) {
        size_t place = (chain->listed_count - 1 - i) % BUCKET_CHAIN_MAX;
        ids[before + i] = chain->listed[place];
        chain->listed[place] = NULL;
    }
    if (fits)
        free(chain->ids);
    else
        ids_free(chain->ids, chain->count);
    chain->ids = ids;
    chain->count = before + kept;
    bool whole = kept == chain->listed_count;
    if (!whole || !text_copy(chain->listed_head, sizeof chain->listed_head, chain->head))
        chain->listed_head[0] = '\0';
}

/* Without the version that was seen last nobody can say what came after it. */
static void lost(struct bucket_object *object, const char *cause)
{
    struct bucket_chain *chain = &object->chain;
    memcpy(chain->absent, chain->since, sizeof chain->absent);
    log_event(object->owner->log, LOG_WARNING,
              "the versions since the last seen one are not known: the newest comes next", "store",
              object->bucket->name, "key", object->key, "seen", chain->since, "cause", cause, NULL);
}

static void on_page(void *owner, const struct inventory_page *page)
{
    struct bucket_object *object = owner;
    struct bucket_chain *chain = &object->chain;
    const struct error none = { 0 };
    bool found = false, over = page->next[0] == '\0';
    if (page->err->code != ERR_NONE) {
        if (page->err->code == ERR_DENIED) lost(object, page->err->text);
        chain->failed = true;
        listing_forget(chain);
        bucket_look_ended(object, page->err);
        return;
    }
    for (size_t i = 0; i < page->count && !found; i++) {
        const struct stored_object *at = &page->objects[i];
        /* Longer keys with this one as their beginning come behind it. */
        if (!text_equal(at->key, object->key)) {
            over = true;
            break;
        }
        found = text_equal(at->version_id, chain->since);
        if (!found && !at->marker && !text_equal(at->version_id, "null"))
            listed_add(chain, at->version_id);
    }
    if (!found && !over) {
        buckets_list(object->owner, object->bucket->name, object->key, page->next, on_page, object);
        return;
    }
    if (found)
        chain_extend(chain);
    else
        lost(object, "it is not in the bucket any more");
    listing_forget(chain);
    object->owner->news++;
    bucket_look_ended(object, &none);
}

bool bucket_chain_look(struct bucket_object *object)
{
    struct bucket_chain *chain = &object->chain;
    if (!chain->since[0] || chain->failed) {
        chain->failed = false;
        return false;
    }
    buckets_list(object->owner, object->bucket->name, object->key, "", on_page, object);
    return true;
}
