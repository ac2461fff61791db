/* archive_zip.h - what a zip's central directory says and libarchive does not tell; for archive.c.
 *
 * libarchive gives the same mode for "0664" and for "no unix attributes", converts names to the
 * process's character set, and knows no sum of sizes before the end. The order of entries is that
 * of their local headers, as libarchive's.
 */
#pragma once
#include "bundle/archive.h"

struct archive_zip_entry {
    const char *name; /* raw bytes with a NUL; backslashes of DOS archives are slashes */
    uint64_t header;  /* offset of the local header */
    bool has_unix_mode, is_read_only;
    bool is_special; /* by its unix mode; libarchive makes a file of some */
};

struct archive_zip {
    struct archive_zip_entry *entries;
    size_t count;
    uint64_t bytes; /* sum of the unpacked sizes, as declared */
    uint8_t *directory;
    char *names;
};

/* *found stays false if there is no central directory that can be understood as a whole; then
 * libarchive decides alone. ERR_INVALID beyond the limits. */
NODISCARD bool archive_zip_read(int fd, uint64_t size, const struct archive_limits *limits,
                                struct archive_zip *out, bool *found, struct error *err);
void archive_zip_deinit(struct archive_zip *zip);
