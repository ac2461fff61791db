/* What waits until all files are written: links, then the modes and times of folders. */
#include "bundle/archive_links.h"
#include "io/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct archive_folder_node {
    const char *path;
    struct archive_attributes attributes;
    size_t order; /* of two entries for one folder the later counts */
    struct archive_folder_node *next;
};

struct archive_link_node {
    const char *path, *target;
    bool is_hard, has_attributes;
    struct archive_attributes attributes;
    struct archive_link_node *next;
};

static char *keep(struct archive_tree *t, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = arena_take(&t->arena, size, 1);
    if (copy) memcpy(copy, text, size);
    return copy;
}

static bool too_many_names(struct error *err)
{
    return error_set(err, ERR_INVALID, "the bundle is refused: too many folders and links");
}

bool archive_folder_later(struct archive_tree *t, const char *path,
                          const struct archive_attributes *a, struct error *err)
{
    struct archive_folder_node *node = arena_take(&t->arena, 1, sizeof *node);
    if (!node || !(node->path = keep(t, path))) return too_many_names(err);
    node->attributes = *a;
    node->order = t->folder_count++;
    node->next = t->folders;
    t->folders = node;
    return true;
}

bool archive_link_later(struct archive_tree *t, const char *path, const char *target, bool is_hard,
                        const struct archive_attributes *a, struct error *err)
{
    struct archive_link_node *node = arena_take(&t->arena, 1, sizeof *node);
    if (!node || !(node->path = keep(t, path)) || !(node->target = keep(t, target)))
        return too_many_names(err);
    node->is_hard = is_hard;
    node->has_attributes = a != NULL;
    if (a) node->attributes = *a;
    *t->links_end = node;
    t->links_end = &node->next;
    return true;
}

/* The folder that holds `path`, opened without following any link; -1 with errno. */
static int open_parent(const struct archive_tree *t, const char *path)
{
    char folder[ARCHIVE_PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash) {
        memcpy(folder, path, (size_t)(slash - path));
        folder[slash - path] = '\0';
    }
    struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
    return (int)syscall(SYS_openat2, t->root, folder, &how, sizeof how);
}

bool archive_hardlink_make(struct archive_tree *t, const char *path, const char *target,
                           bool may_replace, bool *done, struct error *err)
{
    const char *base, *slash = strrchr(target, '/');
    const char *target_base = slash ? slash + 1 : target;
    struct stat st;
    int parent;
    AUTO(auto_close) int from = open_parent(t, target);
    if (from < 0 && (errno == ELOOP || errno == ENOTDIR))
        return archive_refuse(path, err, "it is a hard link through a file or link");
    if (from < 0 || fstatat(from, target_base, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || archive_system_error(t, err, "open", target);
    if (S_ISDIR(st.st_mode)) return archive_refuse(path, err, "it is a hard link to a folder");
    *done = true;
    if (strcmp(path, target) == 0) return true;
    if (!archive_enter_parent(t, path, &parent, &base, err)) return false;
    if (may_replace && !archive_clear(t, parent, base, path, err)) return false;
    if (linkat(from, target_base, parent, base, 0) == 0) return true;
    if (errno == EEXIST)
        return archive_refuse(path, err, "the name comes twice, with different types");
    return archive_system_error(t, err, "link", path);
}

static bool symlink_make(struct archive_tree *t, const struct archive_link_node *link,
                         struct error *err)
{
    const char *base;
    int parent;
    struct stat st;
    if (!archive_enter_parent(t, link->path, &parent, &base, err)) return false;
    int made = symlinkat(link->target, parent, base);
    if (made != 0 && errno == EEXIST) {
        if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISLNK(st.st_mode))
            return archive_refuse(link->path, err,
                                  "a link has the name of a file or folder of the bundle");
        if (unlinkat(parent, base, 0) != 0)
            return archive_system_error(t, err, "replace", link->path);
        made = symlinkat(link->target, parent, base);
    }
    if (made != 0) return archive_system_error(t, err, "link", link->path);
    const struct archive_attributes *a = &link->attributes;
    const struct timespec times[2] = { a->time, a->time };
    if (a->has_owner && fchownat(parent, base, a->uid, a->gid, AT_SYMLINK_NOFOLLOW) != 0)
        return archive_system_error(t, err, "change the owner of", link->path);
    if (a->has_time && utimensat(parent, base, times, AT_SYMLINK_NOFOLLOW) != 0)
        return archive_system_error(t, err, "set the time of", link->path);
    return true;
}

static bool make_links(struct archive_tree *t, struct error *err)
{
    for (const struct archive_link_node *link = t->links; link; link = link->next) {
        bool done = false;
        if (!link->is_hard) {
            if (!symlink_make(t, link, err)) return false;
            continue;
        }
        if (!archive_hardlink_make(t, link->path, link->target, false, &done, err)) return false;
        if (!done)
            return archive_refuse(link->path, err,
                                  "it is a hard link to something that is not in the bundle");
    }
    return true;
}

/* Descending, so that what lies in a folder comes before it; of equal paths the last first. */
static int deepest_first(const void *a, const void *b)
{
    const struct archive_folder_node *x = *(const struct archive_folder_node *const *)a;
    const struct archive_folder_node *y = *(const struct archive_folder_node *const *)b;
    int order = strcmp(y->path, x->path);
    if (order != 0) return order;
    return x->order > y->order ? -1 : 1;
}

static bool finish_folder(struct archive_tree *t, const struct archive_folder_node *node,
                          struct error *err)
{
    const struct archive_attributes *a = &node->attributes;
    const char *base, *slash = strrchr(node->path, '/');
    base = slash ? slash + 1 : node->path;
    AUTO(auto_close) int parent = open_parent(t, node->path);
    if (parent < 0) return archive_system_error(t, err, "open", node->path);
    AUTO(auto_close)
    int fd = openat(parent, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return archive_system_error(t, err, "open", node->path);
    const struct timespec times[2] = { a->time, a->time };
    if (a->has_owner && fchown(fd, a->uid, a->gid) != 0)
        return archive_system_error(t, err, "change the owner of", node->path);
    if (fchmod(fd, a->mode & ARCHIVE_MODE_KEPT) != 0)
        return archive_system_error(t, err, "change the mode of", node->path);
    if (a->has_time && futimens(fd, times) != 0)
        return archive_system_error(t, err, "set the time of", node->path);
    return true;
}

static bool finish_folders(struct archive_tree *t, struct error *err)
{
    if (t->folder_count == 0) return true;
    AUTO(auto_free)
    struct archive_folder_node **all =
        xcalloc(t->folder_count, sizeof(struct archive_folder_node *));
    size_t count = 0;
    for (struct archive_folder_node *node = t->folders; node; node = node->next)
        all[count++] = node;
    qsort(all, count, sizeof *all, deepest_first);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(all[i]->path, all[i - 1]->path) == 0) continue;
        if (!finish_folder(t, all[i], err)) return false;
    }
    return true;
}

bool archive_tree_finish(struct archive_tree *t, struct error *err)
{
    return make_links(t, err) && finish_folders(t, err);
}
