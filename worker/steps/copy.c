#include "steps/copy.h"

#include "io/fs.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CHUNK = 128 << 10, KERNEL_CHUNK = 1 << 30 };

static bool copy_by_hand(int from, int to, const char *path, struct error *err)
{
    static const char verb[] = "copy";
    AUTO(auto_free) char *chunk = xcalloc(1, CHUNK);
    for (;;) {
        size_t got = 0;
        if (!fs_read_full(from, chunk, CHUNK, &got, err) ||
            !fs_write_all(to, bytes_of(chunk, got), err))
            return error_wrap(err, "%s '%s'", verb, path);
        if (got < CHUNK) return true;
    }
}

bool copy_contents(int from, int to, const char *path, struct error *err)
{
    if (ioctl(to, FICLONE, from) == 0) return true;
    for (;;) {
        ssize_t done = copy_file_range(from, NULL, to, NULL, KERNEL_CHUNK, 0);
        if (done > 0) continue;
        /* Zero is the end, or a file system whose files only read(2) knows how to end. */
        if (done == 0) return copy_by_hand(from, to, path, err);
        if (errno == EINTR) continue;
        if (errno == ENOSPC || errno == EDQUOT || errno == EIO) return fs_error(err, "copy", path);
        return copy_by_hand(from, to, path, err); /* both positions are where it stopped */
    }
}
