#include "steps/install/attributes.h"
#include "steps/copy.h"
#include "steps/install/keep.h"
#include "steps/install/parent.h"
#include "steps/install/volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_folder(struct parent *parent, const char *path, struct error *err)
{
    int folder;
    const char *name;
    if (!parent_open(parent, path, &folder, &name, err)) return false;
    if (mkdirat(folder, name, 0700) < 0) return fs_error(err, "make folder", path);
    return true;
}

static bool copy_link(int from, const char *name, int to, const char *kept,
                      const struct keep_item *item, struct error *err)
{
    char text[FS_PATH_MAX];
    ssize_t len = readlinkat(from, name, text, sizeof text - 1);
    if (len < 0) return fs_error(err, "read link", item->place);
    text[len] = '\0';
    if (symlinkat(text, to, kept) < 0) return fs_error(err, "keep", item->place);
    return true;
}

/* Where the file system has no hard links, or this file may have no more of them. */
static bool copy_file(int from, const char *name, int to, const char *kept,
                      const struct keep_item *item, struct error *err)
{
    if (S_ISLNK(item->mode)) return copy_link(from, name, to, kept, item, err);
    if (!S_ISREG(item->mode))
        return error_set(err, ERR_CONFLICT, "'%s' is neither file nor link: it cannot be kept",
                         item->place);
    AUTO(auto_close)
    int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (in < 0) return fs_error(err, "open", item->place);
    AUTO(auto_close)
    int out = openat(to, kept, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (out < 0) return fs_error(err, "keep", item->place);
    struct stat info;
    if (fstat(in, &info) < 0) return fs_error(err, "stat", item->place);
    struct copier copier AUTO(copier_deinit);
    copier_init(&copier);
    return copy_contents(&copier, in, out, (uint64_t)info.st_size, item->place, err);
}

static bool keep_one(struct parent *from, struct parent *to, const struct keep_item *item,
                     struct error *err)
{
    int folder, keeping;
    const char *name, *kept;
    if (!parent_open(from, item->place, &folder, &name, err)) return false;
    if (!parent_open(to, item->kept, &keeping, &kept, err)) return false;
    if (linkat(folder, name, keeping, kept, 0) == 0) return true;
    switch (errno) {
    case EPERM: /* also another user's file under fs.protected_hardlinks */
    case EACCES:
    case EXDEV:
    case EMLINK:
    case ENOSYS:
    case EOPNOTSUPP: return copy_file(folder, name, keeping, kept, item, err);
    default: return fs_error(err, "keep", item->place);
    }
}

/* A second name of a file beside it, if it is there. */
static bool keep_list(const char *path, const char *old, struct error *err)
{
    if (unlink(old) < 0 && errno != ENOENT) return fs_error(err, "remove", old);
    if (link(path, old) < 0 && errno != ENOENT) return fs_error(err, "keep", path);
    return true;
}

static bool keep_all(const struct keep *k, struct parent *from, struct parent *to,
                     struct volumes *volumes, struct error *err)
{
    for (size_t i = 0; i < k->folder_count; i++) {
        if (!make_folder(to, k->folders[i], err)) return false;
        if (!volumes_need(volumes, k->folders[i], 0, err)) return false;
    }
    for (size_t i = 0; i < k->count; i++) {
        if (k->items[i].kind == KEEP_FILE && !keep_one(from, to, &k->items[i], err)) return false;
    }
    return true;
}

bool keep_run(const struct keep *k, const struct host *host, struct error *err)
{
    struct parent from AUTO(parent_deinit), to AUTO(parent_deinit);
    struct volumes volumes AUTO(volumes_deinit);
    parent_init(&from);
    parent_init(&to);
    volumes_init(&volumes);
    return keep_list(host->manifest, host->manifest_old, err) &&
           keep_list(host->agent_cleanup, host->agent_cleanup_old, err) &&
           fs_sync_folder(host->instructions, err) && keep_all(k, &from, &to, &volumes, err) &&
           volumes_sync(&volumes, err);
}

bool keep_forget(const struct keep *k, const struct host *host, struct error *err)
{
    const char *const lists[] = { host->manifest_old, host->agent_cleanup_old, host->undo };
    for (size_t i = 0; i < k->folder_count; i++) {
        if (!fs_remove_tree(k->folders[i], err)) return false;
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (unlink(lists[i]) < 0 && errno != ENOENT) return fs_error(err, "remove", lists[i]);
    }
    return fs_sync_folder(host->instructions, err);
}
