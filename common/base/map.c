#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CAP_MIN = 16 };

static uint64_t rotate_left(uint64_t x, unsigned k)
{
    return (x << k) | (x >> (64 - k));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate_left(v[1], 13) ^ v[0];
    v[0] = rotate_left(v[0], 32);
    v[2] += v[3];
    v[3] = rotate_left(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate_left(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate_left(v[1], 17) ^ v[2];
    v[2] = rotate_left(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein): one round for each word, three at the end. */
static uint64_t hash_text(const uint64_t seed[2], const char *key)
{
    uint64_t v[4] = { seed[0] ^ UINT64_C(0x736f6d6570736575),
                      seed[1] ^ UINT64_C(0x646f72616e646f6d),
                      seed[0] ^ UINT64_C(0x6c7967656e657261),
                      seed[1] ^ UINT64_C(0x7465646279746573) };
    uint64_t word = 0;
    size_t len = 0;
    for (; key[len]; len++) {
        word |= (uint64_t)(unsigned char)key[len] << (8 * (len % 8));
        if (len % 8 == 7) {
            v[3] ^= word;
            sip_round(v);
            v[0] ^= word;
            word = 0;
        }
    }
    word |= (uint64_t)(len & 0xff) << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_init(struct map *m, uint64_t seed)
{
    *m = (struct map){ .seed = { seed, seed ^ UINT64_C(0x9e3779b97f4a7c15) } };
}

void map_deinit(struct map *m)
{
    if (!m) return;
    free(m->slots);
    *m = (struct map){ 0 };
}

/* The slot of the key, or the free slot where it would go. */
static size_t find(const struct map *m, const char *key, uint64_t hash)
{
    assert(m->count < m->cap);
    size_t mask = m->cap - 1;
    size_t i = (size_t)hash & mask;
    while (m->slots[i].key && (m->slots[i].hash != hash || strcmp(m->slots[i].key, key) != 0))
        i = (i + 1) & mask;
    return i;
}

static void grow(struct map *m)
{
    struct map old = *m;
    m->cap = old.cap ? old.cap * 2 : CAP_MIN;
    m->slots = xcalloc(m->cap, sizeof *m->slots);
    for (size_t i = 0; i < old.cap; i++) {
        struct map_slot *slot = &old.slots[i];
        if (slot->key) m->slots[find(m, slot->key, slot->hash)] = *slot;
    }
    free(old.slots);
}

void *map_put(struct map *m, const char *key, void *value)
{
    assert(key);
    assert(value);
    if (m->count >= m->cap / 4 * 3) grow(m);
    uint64_t hash = hash_text(m->seed, key);
    struct map_slot *slot = &m->slots[find(m, key, hash)];
    void *old = slot->key ? slot->value : NULL;
    if (!slot->key) m->count++;
    *slot = (struct map_slot){ .key = key, .value = value, .hash = hash };
    return old;
}

void *map_get(const struct map *m, const char *key)
{
    assert(key);
    if (m->count == 0) return NULL;
    return m->slots[find(m, key, hash_text(m->seed, key))].value;
}

void *map_remove(struct map *m, const char *key)
{
    assert(key);
    if (m->count == 0) return NULL;
    size_t mask = m->cap - 1;
    size_t hole = find(m, key, hash_text(m->seed, key));
    void *old = m->slots[hole].value;
    if (!m->slots[hole].key) return NULL;
    /* Close the hole: an element that was pushed past it moves back, so that every probe from an
     * element's own place still meets no free slot before it. */
    for (size_t i = (hole + 1) & mask; m->slots[i].key; i = (i + 1) & mask) {
        size_t home = (size_t)m->slots[i].hash & mask;
        if (((i - home) & mask) < ((i - hole) & mask)) continue;
        m->slots[hole] = m->slots[i];
        hole = i;
    }
    m->slots[hole] = (struct map_slot){ 0 };
    m->count--;
    return old;
}

void *map_next(const struct map *m, size_t *cursor)
{
    while (*cursor < m->cap) {
        struct map_slot *slot = &m->slots[(*cursor)++];
        if (slot->key) return slot->value;
    }
    return NULL;
}
