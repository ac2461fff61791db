/* delta_map.h - a file's bytes as memory, of which little is resident.
 *
 * The file must not become shorter meanwhile: it lies in a folder of ours. An empty file has
 * no bytes and data NULL.
 */
#pragma once
#include "base/bytes.h"

struct delta_map {
    struct bytes all;
};

NODISCARD bool delta_map_open(struct delta_map *map, const char *path, struct error *err);
void delta_map_close(struct delta_map *map); /* accepts a zeroed one */
/* What is resident may go; it comes back when it is read. */
void delta_map_release(const struct delta_map *map);
