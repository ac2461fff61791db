/* copy.h - the contents of one file into another: shared blocks where the kernel can (FICLONE),
 * else read and written for small files, copied by the kernel (copy_file_range) for large ones.
 *
 * One copier for many files: it remembers that blocks cannot be shared and keeps its buffer.
 */
#pragma once
#include "base/error.h"
#include <stdint.h>

struct copier {
    uint8_t *buffer;
    bool no_clone;
};

void copier_init(struct copier *c);
void copier_deinit(struct copier *c);
/* `size` is what the source is known to have: ERR_CONFLICT when it is shorter meanwhile. */
NODISCARD bool copy_contents(struct copier *c, int from, int to, uint64_t size, const char *path,
                             struct error *err);
