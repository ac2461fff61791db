/* The part of fs.h that removes trees. */
#include "io/fs.h"

#include "io/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Open folders at one time. Anything deeper is moved up to the top folder first, so that no script
 * can make a tree that we cannot remove. */
enum { DEPTH_MAX = 64, NAME_SIZE = 32 };

struct removal {
    const char *path; /* for messages */
    int top;          /* the folder that is being removed */
    dev_t device;
    bool moved; /* something was moved up: walk the top once more */
};

static void auto_closedir(DIR **dir)
{
    if (*dir) closedir(*dir);
}

static bool remove_entry(struct removal *r, int folder, const char *name, int depth,
                         struct error *err);

/* Takes over fd. */
static bool empty_folder(struct removal *r, int fd, int depth, struct error *err)
{
    AUTO(auto_closedir) DIR *dir = fdopendir(fd);
    if (!dir) {
        fs_error(err, "open folder in", r->path);
        close(fd);
        return false;
    }
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry && errno != 0) return fs_error(err, "read folder in", r->path);
        if (!entry) return true;
        if (text_equal(entry->d_name, ".") || text_equal(entry->d_name, "..")) continue;
        if (!remove_entry(r, dirfd(dir), entry->d_name, depth, err)) return false;
    }
}

static bool move_up(struct removal *r, int folder, const char *name, struct error *err)
{
    uint64_t random;
    random_bytes(&random, sizeof random);
    char target[NAME_SIZE];
    snprintf(target, sizeof target, "deep-%016llx", (unsigned long long)random);
    if (renameat(folder, name, r->top, target) < 0) return fs_error(err, "move up in", r->path);
    r->moved = true;
    return true;
}

static bool remove_folder(struct removal *r, int folder, const char *name, int depth,
                          struct error *err)
{
    if (depth >= DEPTH_MAX) return move_up(r, folder, name, err);
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "open folder in", r->path);
    struct stat info;
    if (fstat(fd, &info) < 0 || info.st_dev != r->device) {
        close(fd);
        return error_set(err, ERR_CONFLICT, "remove '%s': '%s' is another file system", r->path,
                         name);
    }
    /* A folder without write permission would keep its entries (for anybody but root). */
    if ((info.st_mode & 0700) != 0700) (void)fchmod(fd, 0700);
    if (!empty_folder(r, fd, depth + 1, err)) return false;
    if (unlinkat(folder, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return fs_error(err, "remove folder in", r->path);
    return true;
}

static bool remove_entry(struct removal *r, int folder, const char *name, int depth,
                         struct error *err)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT) return true;
    /* Linux says EISDIR for a folder, POSIX allows EPERM. */
    if (errno != EISDIR && errno != EPERM) return fs_error(err, "remove in", r->path);
    return remove_folder(r, folder, name, depth, err);
}

bool fs_remove_tree(const char *path, struct error *err)
{
    if (unlink(path) == 0 || errno == ENOENT) return true;
    if (errno != EISDIR && errno != EPERM) return fs_error(err, "remove", path);
    AUTO(auto_close)
    int top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (top < 0) return fs_error(err, "remove", path);
    struct stat info;
    if (fstat(top, &info) < 0) return fs_error(err, "stat", path);
    if ((info.st_mode & 0700) != 0700) (void)fchmod(top, 0700);
    struct removal r = { .path = path, .top = top, .device = info.st_dev };
    do {
        r.moved = false;
        int again = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (again < 0) return fs_error(err, "remove", path);
        if (!empty_folder(&r, again, 1, err)) return false;
    } while (r.moved);
    if (rmdir(path) < 0 && errno != ENOENT) return fs_error(err, "remove", path);
    return true;
}
