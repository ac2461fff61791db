#include "io/store_internal.h"

#include <sys/stat.h>
#include <unistd.h>

enum {
    AHEAD_BYTES = 512 << 10,
    AHEAD_LOW_BYTES = 64 << 10,  /* more than any turn's commit adds in the ordinary case */
    AHEAD_FREE_BYTES = 16 << 20, /* less room on the disk is left to the records */
};

static bool write_zeros(int fd, off_t at, size_t len)
{
    static const unsigned char zeros[64 << 10];
    while (len > 0) {
        ssize_t n = pwrite(fd, zeros, len < sizeof zeros ? len : sizeof zeros, at);
        if (n <= 0) return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

void store_write_ahead(struct store *s)
{
    MDB_envinfo info;
    mdb_env_info(s->env, &info);
    uint64_t used = (uint64_t)(info.me_last_pgno + 1) * (uint64_t)sysconf(_SC_PAGESIZE);
    if (used + AHEAD_LOW_BYTES <= s->ahead_bytes) return;
    struct stat file;
    mdb_filehandle_t fd;
    if (mdb_env_get_fd(s->env, &fd) || fstat(fd, &file) < 0) return;
    uint64_t size = (uint64_t)file.st_size;
    s->ahead_bytes = size >= used + AHEAD_LOW_BYTES ? size : used + AHEAD_BYTES;
    struct error ignored = { 0 };
    uint64_t left = 0;
    if (!fs_free_bytes(s->path, &left, &ignored) || left < AHEAD_FREE_BYTES) return;
    uint64_t from = size > used ? size : used;
    /* What could not be written is room that the next commits take themselves. */
    if (from < s->ahead_bytes) (void)write_zeros(fd, (off_t)from, (size_t)(s->ahead_bytes - from));
}
