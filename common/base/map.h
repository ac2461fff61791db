/* map.h - a hash map from text to pointers, for finding things by id.
 *
 * Keys and values are borrowed: the key usually lies inside the value and must not change while it
 * is in the map. Hash: SipHash-1-3 under a seed, so that names from outside cannot be chosen to
 * collide. A zeroed map is empty and usable (seed 0). The order of map_next() depends on the seed
 * and the history: nothing that must be deterministic may follow from it.
 */
#pragma once
#include "base/bytes.h"

struct map_slot {
    const char *key; /* NULL when free */
    void *value;
    uint64_t hash;
};

struct map {
    struct map_slot *slots; /* open addressing, linear probing; a power of two */
    size_t cap, count;
    uint64_t seed[2];
};

void map_init(struct map *m, uint64_t seed);
void map_deinit(struct map *m); /* accepts a zeroed map */
/* Replaces the key too. The value is not NULL. Returns the value that was there, or NULL. */
void *map_put(struct map *m, const char *key, void *value);
void *map_get(const struct map *m, const char *key);
/* Returns the removed value, or NULL. */
void *map_remove(struct map *m, const char *key);
/* Start with *cursor = 0; NULL at the end. No put or remove in between. */
void *map_next(const struct map *m, size_t *cursor);
