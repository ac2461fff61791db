/* The part of store_internal.h that reads LMDB's file as plain bytes.
 *
 * LMDB trusts its pages: a flipped bit in a page's head makes a later put write outside its memory,
 * and the next start would do the same again. So every page in use is compared with the format
 * before LMDB maps it (mdb.c of LMDB 0.9: MDB_page, MDB_node, MDB_db, MDB_meta; numbers in the
 * host's order).
 */
#include "io/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PAGE_HEAD = 16,
    NODE_HEAD = 8,
    PAGE_MIN = 512,
    PAGE_MAX = 32768,
    DEPTH_MAX = 32, /* LMDB's CURSOR_STACK */
    META_MAGIC_AT = PAGE_HEAD,
    META_TREES_AT = PAGE_HEAD + 24,
    META_LAST_AT = PAGE_HEAD + 120,
    META_TXN_AT = PAGE_HEAD + 128,
    META_SIZE = PAGE_HEAD + 136,
};
enum { FLAG_BRANCH = 1, FLAG_LEAF = 2, FLAG_OVERFLOW = 4, FLAG_META = 8, NODE_BIG = 1 };
static const uint32_t meta_magic = 0xBEEFC0DE;

struct tree {
    uint32_t pad; /* of the first tree: the page size */
    uint16_t flags, depth;
    uint64_t branch_pages, leaf_pages, overflow_pages, entries, root;
};

struct pages {
    int fd;
    size_t size;    /* of a page */
    uint64_t count; /* of pages in the file */
    uint64_t last;  /* the last page that was ever used */
    uint8_t *used;  /* a bit for each page: in a tree or in a list of free pages */
    struct error *err;
};

struct walk {
    struct pages *pages;
    struct tree found; /* the counts of what was met */
    uint16_t depth;
    bool is_free_list;
    bool after_separator; /* the next key may be equal to the last one */
    size_t last_len;
    uint8_t last[STORE_KEY_MAX + 1]; /* the greatest key so far */
};

static bool damage(struct pages *p, uint64_t page, const char *what)
{
    return error_set(p->err, ERR_CORRUPT, "page %llu: %s", (unsigned long long)page, what);
}

static uint16_t get16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* Each page has one use. */
static bool take_page(struct pages *p, uint64_t page)
{
    if (page < 2 || page >= p->count || page > p->last) return damage(p, page, "is outside");
    uint8_t bit = (uint8_t)(1u << (page % 8));
    if (p->used[page / 8] & bit) return damage(p, page, "is used twice");
    p->used[page / 8] |= bit;
    return true;
}

static bool read_page(struct pages *p, uint64_t page, uint8_t *out, size_t len)
{
    size_t got = 0;
    if (!fs_pread_full(p->fd, out, len, page * p->size, &got, p->err)) return false;
    if (got != len) return damage(p, page, "is cut off");
    if (get64(out) != page) return damage(p, page, "says another number");
    return true;
}

static int compare_keys(const struct walk *w, const uint8_t *key, size_t len)
{
    if (w->is_free_list) {
        uint64_t a = get64(key), b = get64(w->last);
        return a < b ? -1 : a > b;
    }
    size_t shorter = len < w->last_len ? len : w->last_len;
    int order = memcmp(key, w->last, shorter);
    if (order) return order;
    return len < w->last_len ? -1 : len > w->last_len;
}

/* Keys ascend over the whole tree; a branch's key is at most the first one below it. */
static bool take_key(struct walk *w, uint64_t page, const uint8_t *key, size_t len, bool separator)
{
    if (len == 0 || len > STORE_KEY_MAX) return damage(w->pages, page, "has a key of wrong length");
    if (w->is_free_list && len != sizeof(uint64_t))
        return damage(w->pages, page, "lists free pages under no number");
    if (w->last_len > 0) {
        int order = compare_keys(w, key, len);
        if (order < 0 || (order == 0 && !w->after_separator))
            return damage(w->pages, page, "has keys out of order");
    }
    memcpy(w->last, key, len);
    w->last_len = len;
    w->after_separator = separator;
    return true;
}

/* A value of the free list: a count and as many page numbers. */
static bool take_free(struct pages *p, uint64_t page, const uint8_t *value, size_t len)
{
    if (len < sizeof(uint64_t)) return damage(p, page, "lists no free pages");
    uint64_t count = get64(value);
    if (count > len / sizeof(uint64_t) - 1) return damage(p, page, "lists too many free pages");
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t free_page = get64(value + i * sizeof(uint64_t));
        /* A page that was given back before it was ever written may lie behind the file's end. */
        if (free_page >= p->count && free_page <= p->last) continue;
        if (!take_page(p, free_page)) return false;
    }
    return true;
}

/* A value that does not fit into its leaf has pages of its own; more than it needs when it was put
 * twice in one transaction and became shorter. */
static bool walk_overflow(struct walk *w, uint64_t first, size_t len)
{
    struct pages *p = w->pages;
    uint64_t needed = (PAGE_HEAD - 1 + len) / p->size + 1;
    uint8_t head[PAGE_HEAD];
    if (!take_page(p, first) || !read_page(p, first, head, sizeof head)) return false;
    uint64_t count = get32(head + 12);
    if (get16(head + 10) != FLAG_OVERFLOW || count < needed)
        return damage(p, first, "is no overflow page of the right length");
    for (uint64_t i = 1; i < count; i++)
        if (!take_page(p, first + i)) return false;
    w->found.overflow_pages += count;
    if (!w->is_free_list) return true;
    AUTO(auto_free) uint8_t *all = xcalloc(needed, p->size);
    if (!read_page(p, first, all, needed * p->size)) return false;
    return take_free(p, first, all + PAGE_HEAD, len);
}

static bool walk_leaf_node(struct walk *w, uint64_t page, const uint8_t *node, size_t room,
                           size_t *size)
{
    struct pages *p = w->pages;
    size_t key_len = get16(node + 6), len = get16(node) | (size_t)get16(node + 2) << 16;
    uint16_t flags = get16(node + 4);
    size_t stored = flags & NODE_BIG ? sizeof(uint64_t) : len;
    if (flags & ~NODE_BIG) return damage(p, page, "has a node of unknown kind");
    if (NODE_HEAD + key_len > room || stored > room - NODE_HEAD - key_len)
        return damage(p, page, "has a node beyond its end");
    if (len > STORE_VALUE_MAX && !w->is_free_list) return damage(p, page, "has too long a value");
    if (!take_key(w, page, node + NODE_HEAD, key_len, false)) return false;
    w->found.entries++;
    *size = NODE_HEAD + key_len + stored;
    const uint8_t *value = node + NODE_HEAD + key_len;
    if (flags & NODE_BIG) return walk_overflow(w, get64(value), len);
    return !w->is_free_list || take_free(p, page, value, len);
}

static bool walk_page(struct walk *w, uint64_t page, uint16_t level);

static bool walk_branch_node(struct walk *w, uint64_t page, const uint8_t *node, size_t room,
                             uint16_t level, bool first, size_t *size)
{
    size_t key_len = get16(node + 6);
    uint64_t child =
        get16(node) | (uint64_t)get16(node + 2) << 16 | (uint64_t)get16(node + 4) << 32;
    if (NODE_HEAD + key_len > room) return damage(w->pages, page, "has a node beyond its end");
    *size = NODE_HEAD + key_len;
    /* The first key of a branch is never compared. */
    if (!first && !take_key(w, page, node + NODE_HEAD, key_len, true)) return false;
    return walk_page(w, child, (uint16_t)(level + 1));
}

static bool walk_nodes(struct walk *w, uint64_t page, const uint8_t *data, uint16_t level)
{
    struct pages *p = w->pages;
    size_t lower = get16(data + 12), upper = get16(data + 14), sum = 0;
    bool leaf = level == w->depth;
    if (lower < PAGE_HEAD || lower % 2 || lower > upper || upper > p->size)
        return damage(p, page, "has a wrong head");
    size_t count = (lower - PAGE_HEAD) / 2;
    if (!w->is_free_list && count < (leaf ? 1u : 2u)) return damage(p, page, "has too few nodes");
    for (size_t i = 0; i < count; i++) {
        size_t at = get16(data + PAGE_HEAD + 2 * i), size = 0;
        if (at < upper || at % 2 || at > p->size - NODE_HEAD)
            return damage(p, page, "has a node outside");
        bool ok = leaf ? walk_leaf_node(w, page, data + at, p->size - at, &size)
                       : walk_branch_node(w, page, data + at, p->size - at, level, i == 0, &size);
        if (!ok) return false;
        sum += size + size % 2;
    }
    /* The nodes fill the upper part without holes, so with this sum none overlap unnoticed. */
    return sum == p->size - upper || damage(p, page, "has nodes that do not fill it");
}

static bool walk_page(struct walk *w, uint64_t page, uint16_t level)
{
    struct pages *p = w->pages;
    bool leaf = level == w->depth;
    if (!take_page(p, page)) return false;
    AUTO(auto_free) uint8_t *data = xcalloc(1, p->size);
    if (!read_page(p, page, data, p->size)) return false;
    if (get16(data + 10) != (leaf ? FLAG_LEAF : FLAG_BRANCH))
        return damage(p, page, "is of the wrong kind");
    if (leaf)
        w->found.leaf_pages++;
    else
        w->found.branch_pages++;
    return walk_nodes(w, page, data, level);
}

static struct tree get_tree(const uint8_t *at)
{
    return (struct tree){ .pad = get32(at),
                          .flags = get16(at + 4),
                          .depth = get16(at + 6),
                          .branch_pages = get64(at + 8),
                          .leaf_pages = get64(at + 16),
                          .overflow_pages = get64(at + 24),
                          .entries = get64(at + 32),
                          .root = get64(at + 40) };
}

static bool walk_tree(struct pages *p, const struct tree *tree, bool is_free_list)
{
    struct walk w = { .pages = p, .depth = tree->depth, .is_free_list = is_free_list };
    if (tree->flags != (is_free_list ? MDB_INTEGERKEY : 0)) return damage(p, 0, "has other flags");
    bool empty = tree->root == UINT64_MAX;
    if (empty != (tree->depth == 0) || tree->depth > DEPTH_MAX)
        return damage(p, 0, "names a tree of impossible depth");
    if (!empty && !walk_page(&w, tree->root, 1)) return false;
    if (w.found.entries != tree->entries || w.found.leaf_pages != tree->leaf_pages ||
        w.found.branch_pages != tree->branch_pages ||
        w.found.overflow_pages != tree->overflow_pages)
        return damage(p, 0, "counts other pages than there are");
    return true;
}

/* One of the two heads of the file; LMDB uses the one with the greater transaction number. */
static bool read_meta(struct pages *p, uint64_t page, uint8_t meta[META_SIZE])
{
    if (!read_page(p, page, meta, META_SIZE)) return false;
    if (get16(meta + 10) != FLAG_META || get32(meta + META_MAGIC_AT) != meta_magic ||
        get32(meta + META_MAGIC_AT + 4) != 1)
        return damage(p, page, "is no head of an LMDB file");
    uint32_t size = get32(meta + META_TREES_AT);
    bool power = size >= PAGE_MIN && size <= PAGE_MAX && (size & (size - 1)) == 0;
    if (!power || (page == 1 && size != p->size)) return damage(p, page, "has a wrong page size");
    p->size = size;
    return true;
}

static bool check_file(struct pages *p)
{
    struct stat info;
    if (fstat(p->fd, &info) < 0) return fs_error(p->err, "stat", "data.mdb");
    if (info.st_size == 0) return true; /* made, and the power went: LMDB begins anew */
    uint8_t metas[2][META_SIZE];
    if (!read_meta(p, 0, metas[0]) || !read_meta(p, 1, metas[1])) return false;
    const uint8_t *meta =
        metas[get64(metas[0] + META_TXN_AT) < get64(metas[1] + META_TXN_AT) ? 1 : 0];
    p->last = get64(meta + META_LAST_AT);
    p->count = (uint64_t)info.st_size / p->size;
    if (p->last >= get64(meta + PAGE_HEAD + 16) / p->size) return damage(p, 0, "counts too far");
    p->used = xcalloc((size_t)(p->count / 8 + 1), 1);
    struct tree free_list = get_tree(meta + META_TREES_AT);
    struct tree main_tree = get_tree(meta + META_TREES_AT + 48);
    return walk_tree(p, &free_list, true) && walk_tree(p, &main_tree, false);
}

bool store_check_pages(const char *data_path, struct error *err)
{
    struct pages p = { .err = err };
    AUTO(auto_close) int fd = open(data_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return fs_error(err, "open", data_path);
    p.fd = fd;
    bool ok = check_file(&p);
    free(p.used);
    return ok || error_wrap(err, "'%s'", data_path);
}
