#include "bundle/delta_match.h"

#include <assert.h>
#include <string.h>

/* Blocks of 16 bytes find the short runs between addresses that have moved; longer ones make the
 * index of a large file small. Longer than BLOCK_MAX would miss too much to be worth it. */
enum { BLOCK_MIN = 16, BLOCK_MAX = 1024, PROBES_MAX = 8, SLOT_MIN_LOG = 8, MEMORY_PARTS = 3 };
/* A place is left for another that agrees in so many bytes more, as bsdiff does. */
enum { BETTER_BY = 8, SURE_RUN = 64 };
/* So much disagreement ends an extension backwards: a hostile file could else have the same bytes
 * looked at again for each place found. */
enum { DROP_MAX = 4096 };
/* A piece that goes on and on is handed out from time to time; then the files' pages may go. */
enum { PIECE_MAX = 4 << 20, RELEASE_EVERY = 16 << 20 };

static const uint64_t multiplier = 0x9e3779b97f4a7c15U;

struct slot {
    uint32_t tag;   /* of the hash; equal tags are mostly equal blocks */
    uint32_t block; /* number of the block + 1; 0 a free slot */
};

struct match {
    struct bytes old, new;
    const struct delta_map *old_map, *new_map;
    struct slot *slots;
    unsigned slot_log;
    size_t block;
    uint64_t top; /* multiplier ^ (block - 1): weight of the byte that leaves */
    delta_match_fn fn;
    void *owner;
    size_t place_new, place_old; /* where the piece in work begins, in both files */
    size_t reader_old;           /* where who follows the instructions is in the old file */
    size_t released;             /* place in the new file of the last release */
};

static uint64_t hash_of(const uint8_t *data, size_t len)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < len; i++) hash = hash * multiplier + data[i] + 1;
    return hash;
}

/* The low bits of a polynomial depend on few of the bytes: mix before use. */
static uint64_t mixed(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93U;
    return hash ^ (hash >> 29);
}

static struct slot *slot_of(const struct match *m, uint64_t hash, uint32_t *tag)
{
    uint64_t mix = mixed(hash);
    *tag = (uint32_t)mix;
    return &m->slots[mix >> (64 - m->slot_log)];
}

static struct slot *slot_next(const struct match *m, struct slot *slot)
{
    return slot + 1 == m->slots + ((size_t)1 << m->slot_log) ? m->slots : slot + 1;
}

/* The first of equal blocks stays; a block without a free slot nearby is left out. */
static void index_add(struct match *m, size_t number)
{
    uint32_t tag;
    struct slot *slot = slot_of(m, hash_of(m->old.data + number * m->block, m->block), &tag);
    for (int i = 0; i < PROBES_MAX; i++, slot = slot_next(m, slot)) {
        if (slot->block && slot->tag == tag) return;
        if (slot->block) continue;
        *slot = (struct slot){ .tag = tag, .block = (uint32_t)number + 1 };
        return;
    }
}

NODISCARD static bool index_make(struct match *m, uint64_t memory_max, struct error *err)
{
    uint64_t slots_max = 1;
    while (2 * slots_max * sizeof *m->slots <= memory_max / MEMORY_PARTS) slots_max *= 2;
    m->block = BLOCK_MIN;
    while (m->block < BLOCK_MAX && m->old.len / m->block > slots_max * 3 / 4) m->block *= 2;
    size_t count = m->old.len / m->block;
    if (count > slots_max * 3 / 4)
        return error_set(err, ERR_NO_SPACE,
                         "an old file of %zu bytes needs an index beyond the %llu bytes allowed",
                         m->old.len, (unsigned long long)memory_max);
    m->slot_log = SLOT_MIN_LOG;
    while (((uint64_t)1 << m->slot_log) * 3 / 4 < count) m->slot_log++;
    m->slots = xcalloc((size_t)1 << m->slot_log, sizeof *m->slots);
    m->top = 1;
    for (size_t i = 1; i < m->block; i++) m->top *= multiplier;
    for (size_t i = 0; i < count; i++) {
        index_add(m, i);
        if ((i + 1) * m->block % RELEASE_EVERY == 0) delta_map_release(m->old_map);
    }
    delta_map_release(m->old_map);
    return true;
}

/* How many bytes are equal from both places on. */
static size_t run_equal(const struct match *m, size_t old_at, size_t new_at)
{
    size_t len = 0, max = m->new.len - new_at;
    if (max > m->old.len - old_at) max = m->old.len - old_at;
    const uint8_t *a = m->old.data + old_at, *b = m->new.data + new_at;
    while (max - len >= sizeof(uint64_t) && memcmp(a + len, b + len, sizeof(uint64_t)) == 0)
        len += sizeof(uint64_t);
    while (len < max && a[len] == b[len]) len++;
    return len;
}

/* The length of the run at the block found; 0 when there is none. */
static size_t index_find(const struct match *m, uint64_t hash, size_t new_at, size_t *old_at)
{
    uint32_t tag;
    struct slot *slot = slot_of(m, hash, &tag);
    for (int i = 0; i < PROBES_MAX && slot->block; i++, slot = slot_next(m, slot)) {
        if (slot->tag != tag) continue;
        size_t at = (size_t)(slot->block - 1) * m->block;
        size_t run = run_equal(m, at, new_at);
        if (run < m->block) continue;
        *old_at = at;
        return run;
    }
    return 0;
}

/* At the piece's present alignment: how many of `len` bytes agree. */
static size_t agree(const struct match *m, size_t new_at, size_t len)
{
    size_t old_at = m->place_old + (new_at - m->place_new), same = 0;
    for (size_t i = 0; i < len && old_at + i < m->old.len; i++)
        same += m->old.data[old_at + i] == m->new.data[new_at + i];
    return same;
}

/* How far the piece's alignment is worth keeping within `max` bytes. */
static size_t extent_forward(const struct match *m, size_t max)
{
    size_t best = 0;
    int64_t score = 0, best_score = 0;
    for (size_t i = 0; i < max && m->place_old + i < m->old.len; i++) {
        score += m->old.data[m->place_old + i] == m->new.data[m->place_new + i] ? 1 : -1;
        if (score <= best_score) continue;
        best_score = score;
        best = i + 1;
    }
    return best;
}

static size_t extent_backward(const struct match *m, size_t old_at, size_t new_at, size_t max)
{
    size_t best = 0;
    int64_t score = 0, best_score = 0;
    for (size_t i = 1; i <= max && i <= old_at && best_score - score < DROP_MAX; i++) {
        score += m->old.data[old_at - i] == m->new.data[new_at - i] ? 1 : -1;
        if (score <= best_score) continue;
        best_score = score;
        best = i;
    }
    return best;
}

/* Both extents claim the last `overlap` bytes of the forward one: the cut with most agreement. */
static size_t overlap_cut(const struct match *m, size_t forward, size_t overlap, size_t old_at,
                          size_t back)
{
    size_t begin = forward - overlap, best = 0;
    int64_t score = 0, best_score = 0;
    for (size_t i = 0; i < overlap; i++) {
        uint8_t byte = m->new.data[m->place_new + begin + i];
        score += m->old.data[m->place_old + begin + i] == byte;
        score -= m->old.data[old_at - back + i] == byte;
        if (score <= best_score) continue;
        best_score = score;
        best = i + 1;
    }
    return best;
}

/* Hands out the piece up to where the next one begins, whose place in the old file is given. */
NODISCARD static bool piece_end(struct match *m, size_t differ, size_t next_new, size_t next_old,
                                struct error *err)
{
    const struct delta_instruction instruction = {
        .seek = (int64_t)m->place_old - (int64_t)m->reader_old,
        .differ = differ,
        .fresh = next_new - m->place_new - differ,
    };
    assert(m->place_new + differ <= next_new);
    assert(m->place_old + differ <= m->old.len);
    if (next_new > m->place_new) {
        if (!m->fn(m->owner, &instruction, m->place_old, m->place_new, err)) return false;
        m->reader_old = m->place_old + differ;
    }
    m->place_new = next_new;
    m->place_old = next_old;
    if (next_new - m->released < RELEASE_EVERY) return true;
    delta_map_release(m->old_map);
    delta_map_release(m->new_map);
    m->released = next_new;
    return true;
}

/* From here on the new file is told by another place of the old one. */
NODISCARD static bool piece_switch(struct match *m, size_t new_at, size_t old_at, struct error *err)
{
    size_t between = new_at - m->place_new;
    size_t forward = extent_forward(m, between);
    size_t back = extent_backward(m, old_at, new_at, between);
    if (forward + back > between) {
        size_t overlap = forward + back - between;
        size_t kept = overlap_cut(m, forward, overlap, old_at, back);
        back -= kept;
        forward -= overlap - kept;
    }
    return piece_end(m, forward, new_at - back, old_at - back, err);
}

/* Long stretches that agree, or that agree with nothing, are handed out meanwhile. */
NODISCARD static bool piece_flush(struct match *m, size_t new_at, bool sure, struct error *err)
{
    size_t between = new_at - m->place_new;
    if (between < PIECE_MAX) return true;
    if (sure) return piece_end(m, between, new_at, m->place_old + between, err);
    size_t forward = extent_forward(m, between);
    return piece_end(m, forward, new_at, m->place_old + forward, err);
}

/* Handles the place `at`; how many bytes of it are settled, 0: look at the next byte. */
NODISCARD static bool match_at(struct match *m, uint64_t hash, size_t at, size_t *settled,
                               struct error *err)
{
    size_t aligned = m->place_old + (at - m->place_new), found = 0;
    size_t run = aligned < m->old.len ? run_equal(m, aligned, at) : 0;
    *settled = run >= BETTER_BY ? run : 0;
    if (run >= SURE_RUN || at + m->block > m->new.len)
        return piece_flush(m, at, run >= SURE_RUN, err);
    size_t len = index_find(m, hash, at, &found);
    if (len > 0 && found != aligned && len > agree(m, at, len) + BETTER_BY) {
        *settled = len;
        return piece_switch(m, at, found, err);
    }
    return piece_flush(m, at, false, err);
}

NODISCARD static bool match_all(struct match *m, struct error *err)
{
    uint64_t hash = 0;
    bool fresh = true;
    for (size_t at = 0; at < m->new.len;) {
        size_t settled;
        if (fresh && at + m->block <= m->new.len) hash = hash_of(m->new.data + at, m->block);
        if (!match_at(m, hash, at, &settled, err)) return false;
        fresh = settled > 0;
        if (!fresh && at + m->block < m->new.len) {
            uint64_t leaves = (uint64_t)m->new.data[at] + 1;
            hash = (hash - leaves * m->top) * multiplier + m->new.data[at + m->block] + 1;
        }
        at += fresh ? settled : 1;
    }
    size_t between = m->new.len - m->place_new, differ = extent_forward(m, between);
    return between == 0 || piece_end(m, differ, m->new.len, m->place_old + differ, err);
}

bool delta_match(const struct delta_map *old, const struct delta_map *new, uint64_t memory_max,
                 delta_match_fn fn, void *owner, struct error *err)
{
    struct match m = {
        .old = old->all, .new = new->all, .old_map = old, .new_map = new, .fn = fn, .owner = owner
    };
    AUTO(auto_free) struct slot *slots = NULL;
    if (!index_make(&m, memory_max, err)) return false;
    slots = m.slots;
    return match_all(&m, err);
}
