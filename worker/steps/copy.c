#include "steps/copy.h"

#include "io/fs.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CHUNK = 256 << 10, KERNEL_CHUNK = 1 << 30 };

void copier_init(struct copier *c)
{
    *c = (struct copier){ .buffer = xcalloc(CHUNK, 1) };
}

void copier_deinit(struct copier *c)
{
    free(c->buffer);
    *c = (struct copier){ .no_clone = false };
}

static bool copy_by_hand(struct copier *c, int from, int to, uint64_t left, const char *path,
                         struct error *err)
{
    while (left > 0) {
        size_t got = 0, want = left < CHUNK ? (size_t)left : CHUNK;
        if (!fs_read_full(from, c->buffer, want, &got, err) ||
            !fs_write_all(to, bytes_of(c->buffer, got), err))
            return error_wrap(err, "copy '%s'", path);
        if (got < want)
            return error_set(err, ERR_CONFLICT, "'%s' became shorter while it was copied", path);
        left -= got;
    }
    return true;
}

bool copy_contents(struct copier *c, int from, int to, uint64_t size, const char *path,
                   struct error *err)
{
    if (!c->no_clone && ioctl(to, FICLONE, from) == 0) return true;
    c->no_clone = true;
    while (size > CHUNK) {
        size_t want = size < KERNEL_CHUNK ? (size_t)size : KERNEL_CHUNK;
        ssize_t done = copy_file_range(from, NULL, to, NULL, want, 0);
        if (done > 0) size -= (uint64_t)done;
        if (done > 0 || (done < 0 && errno == EINTR)) continue;
        if (done < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
            return fs_error(err, "copy", path);
        break; /* not between these two; both positions are where it stopped */
    }
    return copy_by_hand(c, from, to, size, path, err);
}
