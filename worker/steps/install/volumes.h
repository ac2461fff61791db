/* volumes.h - the file systems that an install writes to: their room, and their syncfs(2).
 *
 * One syncfs for each file system makes thousands of new files durable at the price of one; a
 * crash before it loses only staged files.
 */
#pragma once
#include "io/fs.h"

enum { VOLUMES_MAX = 32 };

struct volume {
    dev_t device;
    int fd; /* of a folder on it */
    uint64_t needed;
    char folder[FS_PATH_MAX];
};

struct volumes {
    struct volume *at;
    size_t count;
    char last[FS_PATH_MAX]; /* folder of the last volumes_need() ... */
    size_t last_index;      /* ... and its volume */
};

void volumes_init(struct volumes *v);
void volumes_deinit(struct volumes *v);
/* Notes that `bytes` will be written into the folder of `path`, which exists. */
NODISCARD bool volumes_need(struct volumes *v, const char *path, uint64_t bytes, struct error *err);
/* ERR_NO_SPACE with needed and free bytes. */
NODISCARD bool volumes_check(const struct volumes *v, struct error *err);
NODISCARD bool volumes_sync(const struct volumes *v, struct error *err);
