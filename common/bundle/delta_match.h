/* delta_match.h - finds how a new file follows from an old one.
 *
 * The old file is indexed by blocks at every multiple of their length, the new one is searched
 * with a rolling hash. A place found is extended in both directions over bytes that differ as
 * long as more agree (the idea of bsdiff): the bytes to add are mostly zero then, and equal where
 * addresses have all moved by the same distance, which a packer makes small.
 *
 * The instructions come in the new file's order; pieces of both files are handed out in place.
 */
#pragma once
#include "bundle/delta_format.h"
#include "bundle/delta_map.h"

/* `differ` bytes of both files from the given places, then `fresh` bytes of the new one. False
 * ends the search, with err set. */
typedef bool (*delta_match_fn)(void *owner, const struct delta_instruction *instruction,
                               uint64_t old_at, uint64_t new_at, struct error *err);

/* ERR_NO_SPACE when `memory_max` bytes are not enough for the index. */
NODISCARD bool delta_match(const struct delta_map *old, const struct delta_map *new,
                           uint64_t memory_max, delta_match_fn fn, void *owner, struct error *err);
