#include "steps/install/parent.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void parent_init(struct parent *p)
{
    p->fd = -1;
    p->path[0] = '\0';
}

void parent_deinit(struct parent *p)
{
    auto_close(&p->fd);
    p->path[0] = '\0';
}

void parent_forget(struct parent *p)
{
    parent_deinit(p);
}

static int open_folder(const char *path)
{
    struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                            .resolve = RESOLVE_NO_SYMLINKS };
    long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
    if (fd >= 0 || errno != ENOSYS) return (int)fd;
    return open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool parent_open(struct parent *p, const char *path, int *fd, const char **name, struct error *err)
{
    const char *slash = strrchr(path, '/');
    assert(slash);
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    if (len >= FS_PATH_MAX) return error_set(err, ERR_INVALID, "path too long: '%.200s...'", path);
    if (p->fd < 0 || strlen(p->path) != len || memcmp(p->path, path, len) != 0) {
        auto_close(&p->fd);
        memcpy(p->path, path, len);
        p->path[len] = '\0';
        p->fd = open_folder(p->path);
        if (p->fd < 0) return fs_error(err, "open folder", p->path);
    }
    *fd = p->fd;
    *name = slash + 1;
    return true;
}

bool parent_remove(struct parent *p, const char *path, bool folder, struct error *err)
{
    int fd = -1;
    const char *name = "";
    if (!parent_open(p, path, &fd, &name, err)) return false;
    if (unlinkat(fd, name, folder ? AT_REMOVEDIR : 0) == 0) {
        if (folder) parent_forget(p);
        return true;
    }
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
    case EEXIST:
    case EBUSY: return true;
    default: return fs_error(err, "remove", path);
    }
}
