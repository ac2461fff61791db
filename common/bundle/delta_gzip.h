/* delta_gzip.h - gzip files unpacked for comparison, and packed to the same bytes again.
 *
 * Only files of one member that end with it. delta_pack_* makes everything behind the gzip header:
 * the deflate stream as zlib, or pigz with its pieces, would write it, then CRC and length.
 */
#pragma once
#include "bundle/delta_format.h"
#include "bundle/delta_map.h"

#include <zlib.h>

struct delta_gzip {
    size_t header; /* bytes before the deflate stream */
    uint64_t size; /* unpacked */
};

/* Unpacks into the new file `to`. *found is false, and `to` removed, when `from` is not a gzip
 * file of one member, or unpacks to more than `max` bytes. */
NODISCARD bool delta_gzip_unpack(const struct delta_map *from, const char *to, uint64_t max,
                                 struct delta_gzip *out, bool *found, struct error *err);

/* Receives what is packed; false ends the work, with err set. */
typedef bool (*delta_sink_fn)(void *owner, struct bytes data, struct error *err);

struct delta_pack {
    z_stream stream;
    enum delta_packer packer;
    delta_sink_fn fn;
    void *owner;
    uint64_t size;
    uint32_t crc;
    struct buf piece;  /* pigz: gathered until it is known whether more follows */
    struct buf before; /* pigz: the end of the piece before, which the next may refer to */
    uint8_t *out;
};

NODISCARD bool delta_pack_open(struct delta_pack *pack, const struct delta_header *how,
                               delta_sink_fn fn, void *owner, struct error *err);
NODISCARD bool delta_pack_write(struct delta_pack *pack, struct bytes data, struct error *err);
NODISCARD bool delta_pack_end(struct delta_pack *pack, struct error *err);
void delta_pack_close(struct delta_pack *pack); /* accepts a zeroed one */

/* Finds the setting that packs `image` to the bytes of `packed`: sets packer, level, memory_level
 * of `how`. False when there is none. */
bool delta_gzip_setting(const struct delta_map *image, const struct delta_map *packed,
                        struct delta_header *how);
