/* delta_format.h - what stands in a delta: a header, then one zstd frame of instructions.
 *
 * The header is DELTA_HEADER_SIZE bytes, integers little-endian: "MDLT", version 1, packer, level,
 * memory level, the sizes of the two files and of what is compared (unpacked or not), SHA-256 of
 * the new file, the length of the gzip header that follows it, at most DELTA_GZIP_HEADER_MAX.
 *
 * Instructions: three varints (base 128, low first): `seek` (zigzag), by which the place in the old
 * file moves, `differ` and `fresh`, not both 0; then `differ` bytes to add to as many of the old
 * file's (modulo 256), whose place moves along, then `fresh` bytes that stand for themselves. They
 * end when the new file is complete. The frame's window is at most 2^DELTA_WINDOW_LOG bytes.
 */
#pragma once
#include "bundle/delta.h"

enum {
    DELTA_HEADER_SIZE = 74,
    DELTA_GZIP_HEADER_MAX = 4096,
    DELTA_WINDOW_LOG = 23,
    DELTA_VARINT_MAX = 10
};

struct delta_header {
    enum delta_packer packer;
    int level, memory_level;       /* of the packer */
    uint64_t old_size, new_size;   /* of the files */
    uint64_t old_image, new_image; /* of what is compared */
    uint8_t sha256[DIGEST_SIZE];   /* of the new file */
    size_t gzip_header;            /* bytes of it that follow */
};

struct delta_instruction {
    int64_t seek;
    uint64_t differ, fresh;
};

void delta_header_encode(const struct delta_header *header, uint8_t out[DELTA_HEADER_SIZE]);
/* ERR_CORRUPT unless every field is within its bounds. */
NODISCARD bool delta_header_decode(const uint8_t in[DELTA_HEADER_SIZE], struct delta_header *out,
                                   struct error *err);
/* At most 3 * DELTA_VARINT_MAX bytes; how many were written. */
size_t delta_instruction_encode(const struct delta_instruction *instruction, uint8_t *out);
