#include "base/arena.h"
#include "io/doc.h"
#include "io/fs.h"
#include "io/keys_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

struct keys_registry {
    char *path;                 /* NULL: never reloads */
    struct stat stamp;          /* of the file that was read */
    struct arena texts;         /* the tags */
    struct keys_principal *all; /* by kind and name */
    const struct keys_principal **by_key;
    size_t count;
};

static const struct doc_limits registry_limits = {
    .bytes_max = KEYS_REGISTRY_MAX, .nodes_max = DOC_NODES_MAX, .depth_max = 8, .expanded_max = 0
};

void keys_registry_free(struct keys_registry **r)
{
    if (!*r) return;
    free((*r)->path);
    free((*r)->all);
    free((*r)->by_key);
    arena_deinit(&(*r)->texts);
    free(*r);
    *r = NULL;
}

/* ---- parsing ---- */

static bool keys_tag_text(const struct doc_node *node, const char *text, size_t max,
                          struct error *err)
{
    size_t len = strlen(text);
    if (len > max) return doc_error(node, err, "a tag of %zu bytes, at most %zu", len, max);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return doc_error(node, err, "a control character in a tag");
    return true;
}

static bool keys_parse_tags(const struct doc_node *node, struct keys_registry *r,
                            struct keys_principal *p, struct error *err)
{
    const struct doc_node *tags = NULL;
    if (!doc_get_map(node, "tags", DOC_OPTIONAL, &tags, err)) return false;
    if (!tags || tags->count == 0) return true;
    if (tags->count > KEYS_TAGS_MAX)
        return doc_error(tags, err, "%zu tags, at most %d", tags->count, KEYS_TAGS_MAX);
    /* The sum is bounded by the file: a tag takes more bytes there than here. */
    struct keys_tag *list = arena_calloc(&r->texts, tags->count, sizeof *list);
    p->tags = list;
    doc_for_each (tag, tags) {
        const char *value = "";
        if (!doc_is_null(tag) && !doc_text(tag, &value, err)) return false;
        if (!keys_tag_text(tag, tag->key, KEYS_TAG_KEY_MAX, err)) return false;
        if (!keys_tag_text(tag, value, KEYS_TAG_VALUE_MAX, err)) return false;
        list[p->tag_count].key = arena_text(&r->texts, tag->key);
        list[p->tag_count++].value = arena_text(&r->texts, value);
    }
    return true;
}

static bool keys_parse_common(const struct doc_node *node, struct keys_principal *p,
                              struct error *err)
{
    const char *name = NULL, *key = NULL;
    if (!doc_get_text(node, "name", DOC_REQUIRED, &name, err)) return false;
    if (!doc_get_text(node, "key", DOC_REQUIRED, &key, err)) return false;
    if (!keys_name_valid(name) || !text_copy(p->name, sizeof p->name, name))
        return doc_error(doc_get(node, "name"), err,
                         "must be 1 to 63 letters, digits and . _ - in the middle");
    if (!keys_z85_valid(key) || !text_copy(p->key_z85, sizeof p->key_z85, key))
        return doc_error(doc_get(node, "key"), err, "must be a public key, 40 letters of Z85");
    const uint8_t *decoded = zmq_z85_decode(p->key, p->key_z85);
    assert(decoded);
    return true;
}

static bool keys_parse_worker(const struct doc_node *node, struct keys_registry *r,
                              struct keys_principal *p, struct error *err)
{
    static const char *const known[] = { "name", "region", "key", "tags", NULL };
    const char *region = NULL;
    p->kind = KEYS_WORKER;
    if (!doc_only(node, known, err)) return false;
    if (!keys_parse_common(node, p, err)) return false;
    if (!doc_get_text(node, "region", DOC_REQUIRED, &region, err)) return false;
    if (!keys_region_valid(region) || !text_copy(p->region, sizeof p->region, region))
        return doc_error(doc_get(node, "region"), err, "must be a region such as us-west-2");
    return keys_parse_tags(node, r, p, err);
}

static bool keys_parse_client(const struct doc_node *node, struct keys_principal *p,
                              struct error *err)
{
    static const char *const known[] = { "name", "role", "key", NULL };
    const char *role = NULL;
    p->kind = KEYS_CLIENT;
    if (!doc_only(node, known, err)) return false;
    if (!keys_parse_common(node, p, err)) return false;
    if (!doc_get_text(node, "role", DOC_REQUIRED, &role, err)) return false;
    if (!keys_role_parse(role, &p->role))
        return doc_error(doc_get(node, "role"), err, "must be viewer, deployer, approver or admin");
    return true;
}

/* ---- order ---- */

static int keys_compare_names(const void *a, const void *b)
{
    const struct keys_principal *x = a, *y = b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int keys_compare_keys(const void *a, const void *b)
{
    const struct keys_principal *const *x = a, *const *y = b;
    return strcmp((*x)->key_z85, (*y)->key_z85);
}

static bool keys_registry_order(struct keys_registry *r, const char *name, struct error *err)
{
    if (r->count == 0) return true;
    qsort(r->all, r->count, sizeof *r->all, keys_compare_names);
    r->by_key = xcalloc(r->count, sizeof *r->by_key);
    for (size_t i = 0; i < r->count; i++) r->by_key[i] = &r->all[i];
    qsort(r->by_key, r->count, sizeof *r->by_key, keys_compare_keys);
    for (size_t i = 1; i < r->count; i++) {
        if (keys_compare_names(&r->all[i - 1], &r->all[i]) == 0)
            return error_set(err, ERR_INVALID, "%s: two of the %s are called '%s'", name,
                             keys_kind_domain(r->all[i].kind), r->all[i].name);
        if (keys_compare_keys(&r->by_key[i - 1], &r->by_key[i]) == 0)
            return error_set(err, ERR_INVALID, "%s: '%s' and '%s' have the same key", name,
                             r->by_key[i - 1]->name, r->by_key[i]->name);
    }
    return true;
}

static bool keys_registry_fill(struct keys_registry *r, const struct doc *doc, struct error *err)
{
    static const char *const known[] = { "workers", "clients", NULL };
    const struct doc_node *root = doc_root(doc, 0), *workers = NULL, *clients = NULL;
    if (doc_count(doc) != 1)
        return error_set(err, ERR_INVALID, "%s: more than one document", doc_name(doc));
    if (!doc_only(root, known, err)) return false;
    if (!doc_no_duplicates(doc, err)) return false;
    if (!doc_get_list(root, "workers", DOC_OPTIONAL, &workers, err)) return false;
    if (!doc_get_list(root, "clients", DOC_OPTIONAL, &clients, err)) return false;
    size_t total = (workers ? workers->count : 0) + (clients ? clients->count : 0);
    if (total > KEYS_PRINCIPALS_MAX)
        return error_set(err, ERR_INVALID, "%s: %zu workers and clients, at most %d", doc_name(doc),
                         total, KEYS_PRINCIPALS_MAX);
    if (total > 0) r->all = xcalloc(total, sizeof *r->all);
    doc_for_each (node, workers)
        if (!keys_parse_worker(node, r, &r->all[r->count++], err)) return false;
    doc_for_each (node, clients)
        if (!keys_parse_client(node, &r->all[r->count++], err)) return false;
    return keys_registry_order(r, doc_name(doc), err);
}

static bool keys_registry_make(const char *name, struct bytes text, struct keys_registry **out,
                               struct error *err)
{
    AUTO(doc_free_at) struct doc *doc = NULL;
    if (!doc_parse(name, text, &registry_limits, &doc, err)) return false;
    AUTO(keys_registry_free) struct keys_registry *r = xcalloc(1, sizeof *r);
    /* A tag is a node of the document, and its two texts come with a NUL and padding each. */
    arena_init(&r->texts, KEYS_REGISTRY_MAX + (size_t)DOC_NODES_MAX * 64);
    if (!keys_registry_fill(r, doc, err)) return false;
    *out = r;
    r = NULL;
    return true;
}

bool keys_registry_parse(struct bytes text, struct keys_registry **out, struct error *err)
{
    return keys_registry_make("registry.yml", text, out, err);
}

/* ---- the file ---- */

static bool keys_registry_read(const char *path, struct keys_registry **out, struct error *err)
{
    AUTO(buf_deinit) struct buf text;
    struct stat at;
    buf_init(&text, KEYS_REGISTRY_MAX);
    if (!keys_read(path, 022, &text, &at, err)) return false;
    if (!keys_registry_make(path, buf_bytes(&text), out, err)) return false;
    (*out)->path = xstrdup(path);
    (*out)->stamp = at;
    return true;
}

bool keys_registry_load(const char *dir, struct keys_registry **out, struct error *err)
{
    char path[FS_PATH_MAX];
    if (!fs_join(path, dir, "registry.yml", err)) return false;
    return keys_registry_read(path, out, err);
}

static bool keys_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool keys_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           keys_same_time(a->st_mtim, b->st_mtim) && keys_same_time(a->st_ctim, b->st_ctim);
}

bool keys_registry_reload(struct keys_registry *r, bool *changed, struct error *err)
{
    struct stat now;
    *changed = false;
    if (!r->path) return true;
    if (stat(r->path, &now)) return fs_error(err, "stat", r->path);
    if (keys_same_file(&now, &r->stamp)) return true;
    AUTO(keys_registry_free) struct keys_registry *fresh = NULL;
    if (!keys_registry_read(r->path, &fresh, err))
        return error_wrap(err, "the registry stays as it was");
    struct keys_registry old = *r;
    *r = *fresh;
    *fresh = old;
    *changed = true;
    return true;
}

/* ---- looking up ---- */

const char *keys_tag(const struct keys_principal *principal, const char *key)
{
    for (size_t i = 0; i < principal->tag_count; i++)
        if (text_equal(principal->tags[i].key, key)) return principal->tags[i].value;
    return NULL;
}

size_t keys_registry_count(const struct keys_registry *r)
{
    return r->count;
}

const struct keys_principal *keys_registry_at(const struct keys_registry *r, size_t index)
{
    assert(index < r->count);
    return &r->all[index];
}

static int keys_seek_z85(const void *key_z85, const void *at)
{
    const struct keys_principal *const *p = at;
    return strcmp(key_z85, (*p)->key_z85);
}

const struct keys_principal *keys_registry_by_z85(const struct keys_registry *r,
                                                  enum keys_kind kind, const char *key_z85)
{
    if (r->count == 0) return NULL;
    const struct keys_principal **found =
        bsearch(key_z85, r->by_key, r->count, sizeof(void *), keys_seek_z85);
    return found && (*found)->kind == kind ? *found : NULL;
}

const struct keys_principal *keys_registry_by_key(const struct keys_registry *r,
                                                  enum keys_kind kind,
                                                  const uint8_t key[KEYS_RAW_SIZE])
{
    char z85[KEYS_Z85_SIZE];
    keys_z85_of(key, z85);
    return keys_registry_by_z85(r, kind, z85);
}

const struct keys_principal *keys_registry_by_name(const struct keys_registry *r,
                                                   enum keys_kind kind, const char *name)
{
    struct keys_principal wanted = { .kind = kind };
    if (r->count == 0 || !text_copy(wanted.name, sizeof wanted.name, name)) return NULL;
    return bsearch(&wanted, r->all, r->count, sizeof *r->all, keys_compare_names);
}
