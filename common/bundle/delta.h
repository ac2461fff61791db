/* delta.h - a new revision of an artifact told by the bytes of an old one.
 *
 * delta_make() compares two files and writes a delta, delta_apply() makes the new file from the old
 * one and the delta; what it has made has the digest of the new file, or it is removed and
 * ERR_CORRUPT. Both work in the folder `scratch`, which they leave as they found it.
 *
 * Two files are compared as they are: what has moved is found by its bytes, so that entries of a
 * tar and members of a zip that did not change cost nothing wherever they lie. A gzip file (tgz) is
 * compared unpacked when a setting of zlib or of pigz is found that packs it to the same bytes
 * again; the delta names that setting. Otherwise it is compared packed.
 *
 * Format: delta_format.h. It carries no paths; every number in it is bounded by the two files.
 *
 * Memory: `memory_max` bounds the index and what of the files is resident at once; a pair that
 * would need more is ERR_NO_SPACE, and the caller takes the next way. Errors: ERR_CORRUPT and
 * ERR_INVALID (the delta, or an old file that it was not made for), ERR_CONFLICT (`go_on` said
 * no), those of fs.h.
 */
#pragma once
#include "io/digest.h"

/* The packer's own tables and 16 MB of each file are in it; DELTA_MEMORY_MIN serves old files of up
 * to 3 GB. */
enum { DELTA_MEMORY_MIN = 128 << 20, DELTA_MEMORY_DEFAULT = 256 << 20 };

/* Called every few megabytes of the new file; false ends the work. */
typedef bool (*delta_fn)(void *owner, uint64_t done, uint64_t total);

struct delta_job {
    const char *old_path, *new_path, *delta_path; /* the output is replaced */
    const char *scratch;
    uint64_t memory_max;   /* bytes */
    uint64_t unpacked_max; /* bytes that a gzip file may unpack to */
    delta_fn go_on;        /* NULL for none */
    void *owner;
};

/* How the new file is packed again. */
enum delta_packer {
    DELTA_PLAIN, /* not unpacked */
    DELTA_ZLIB,  /* one deflate stream of zlib's */
    DELTA_PIGZ   /* pigz' pieces of 128 KiB */
};
const char *delta_packer_name(enum delta_packer packer);

struct delta_made {
    enum delta_packer packer;
    uint64_t size; /* of the delta */
};

NODISCARD bool delta_make(const struct delta_job *job, struct delta_made *made, struct error *err);
NODISCARD bool delta_apply(const struct delta_job *job, struct error *err);
