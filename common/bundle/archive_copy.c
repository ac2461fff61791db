#include "bundle/archive_copy.h"
#include "bundle/archive_tree.h"
#include "io/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_SIZE = 256 * 1024, SHOWN_SIZE = 200 };

struct archive_locale archive_locale_enter(void)
{
    struct archive_locale l = { .own = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0) };
    if (l.own) l.before = uselocale(l.own);
    return l;
}

void archive_locale_leave(struct archive_locale *l)
{
    if (!l->own) return;
    uselocale(l->before);
    freelocale(l->own);
}

static void folder_close(DIR **folder)
{
    if (*folder) closedir(*folder);
}

static DIR *folder_open(int fd, struct error *err)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    if (!list) {
        fs_error(err, "read", "a folder");
        if (copy >= 0) close(copy);
    }
    return list;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool archive_names(int folder, const struct archive_limits *limits, struct archive_names *out,
                   struct error *err)
{
    size_t cap = 0;
    AUTO(folder_close) DIR *list = folder_open(folder, err);
    if (!list) return false;
    for (struct dirent *e; (e = readdir(list));) {
        if (is_dots(e->d_name)) continue;
        if (out->count >= limits->entries_max)
            return error_set(err, ERR_INVALID, "a folder holds more than %llu names",
                             (unsigned long long)limits->entries_max);
        if (out->count == cap) {
            cap = cap ? 2 * cap : 16;
            out->list = xrealloc(out->list, cap * sizeof *out->list);
        }
        out->list[out->count++] = xstrdup(e->d_name);
    }
    if (out->count) qsort(out->list, out->count, sizeof *out->list, by_bytes);
    return true;
}

void archive_names_free(struct archive_names *names)
{
    for (size_t i = 0; i < names->count; i++) free(names->list[i]);
    free(names->list);
}

bool archive_sync(const char *folder, struct error *err)
{
    AUTO(auto_close) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "open", folder);
    if (syncfs(fd) == 0) return true;
    int code = errno;
    fs_error(err, "sync", folder);
    if (code == EIO) err->code = ERR_FATAL;
    return false;
}

/* The only name in the folder, or NULL. */
static char *lone_name(int fd, struct error *err, bool *ok)
{
    AUTO(folder_close) DIR *list = folder_open(fd, err);
    AUTO(auto_free) char *name = NULL;
    *ok = list != NULL;
    if (!list) return NULL;
    for (struct dirent *e; (e = readdir(list));) {
        if (is_dots(e->d_name)) continue;
        if (name) return NULL;
        name = xstrdup(e->d_name);
    }
    char *result = name;
    name = NULL;
    return result;
}

static bool has_appspec(int fd, struct error *err, bool *out)
{
    AUTO(folder_close) DIR *list = folder_open(fd, err);
    if (!list) return false;
    for (struct dirent *e; (e = readdir(list));)
        if (strcasestr(e->d_name, "appspec")) *out = true;
    return true;
}

bool archive_lift(const char *folder, struct error *err)
{
    char aside[FS_PATH_MAX];
    bool ok, found = false;
    AUTO(auto_close) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "open", folder);
    AUTO(auto_free) char *name = lone_name(fd, err, &ok);
    if (!name) return ok;
    AUTO(auto_close) int top = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (top < 0) return true; /* not a folder */
    if (!has_appspec(top, err, &found)) return false;
    if (!found) return true;
    if (snprintf(aside, sizeof aside, "%s.lifted", folder) >= (int)sizeof aside)
        return error_set(err, ERR_INVALID, "'%.200s...' is too long", folder);
    if (!fs_remove_tree(aside, err)) return false;
    if (fchmod(top, 0755) != 0 || renameat(fd, name, AT_FDCWD, aside) != 0 || rmdir(folder) != 0 ||
        rename(aside, folder) != 0)
        return fs_error(err, "move up the contents of", folder);
    return true;
}

struct copier {
    struct archive_tree tree;
    struct stat target; /* which must not be met on the way */
    mode_t mask;
    uint8_t *buffer;
    char path[ARCHIVE_PATH_MAX];
};

static bool fail(const struct copier *c, struct error *err, const char *verb)
{
    char shown[SHOWN_SIZE];
    int code = errno;
    archive_printable(c->path, shown, sizeof shown);
    errno = code;
    return fs_error(err, verb, shown);
}

static bool copy_file(struct copier *c, int parent, const char *name, const struct stat *st,
                      struct error *err)
{
    const struct archive_attributes a = { .mode = st->st_mode & 07777 & ~c->mask,
                                          .keep_set_ids = true };
    AUTO(auto_close) int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return fail(c, err, "open");
    if (!archive_tree_file_begin(&c->tree, c->path, 0600, err)) return false;
    for (uint64_t offset = 0;;) {
        size_t got = 0;
        if (!fs_read_full(fd, c->buffer, COPY_SIZE, &got, err)) return false;
        if (!archive_tree_write(&c->tree, bytes_of(c->buffer, got), offset, err)) return false;
        offset += got;
        if (got < COPY_SIZE) break;
    }
    return archive_tree_file_end(&c->tree, 0, &a, err);
}

static bool copy_link(struct copier *c, int parent, const char *name, struct error *err)
{
    char target[ARCHIVE_PATH_MAX];
    ssize_t len = readlinkat(parent, name, target, sizeof target - 1);
    if (len < 0) return fail(c, err, "read");
    target[len] = '\0';
    return archive_tree_symlink(&c->tree, c->path, target, NULL, err);
}

static bool copy_folder(struct copier *c, int source, struct error *err);

static bool copy_entry(struct copier *c, int parent, const char *name, struct error *err)
{
    char shown[SHOWN_SIZE];
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return fail(c, err, "stat");
    if (S_ISREG(st.st_mode)) return copy_file(c, parent, name, &st, err);
    if (S_ISLNK(st.st_mode)) return copy_link(c, parent, name, err);
    if (!S_ISDIR(st.st_mode))
        return error_set(err, ERR_INVALID,
                         "'%s' in the bundle is refused: it is a device, fifo or socket",
                         archive_printable(c->path, shown, sizeof shown));
    if (st.st_dev == c->target.st_dev && st.st_ino == c->target.st_ino)
        return error_set(err, ERR_INVALID, "the bundle holds the folder it is copied to");
    const struct archive_attributes a = { .mode = st.st_mode & 0777 & ~c->mask };
    if (!archive_tree_folder(&c->tree, c->path, &a, err)) return false;
    AUTO(auto_close)
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return fail(c, err, "open");
    return copy_folder(c, fd, err);
}

/* Recursion ends at the tree's limit of depth, which archive_tree_folder() keeps. */
static bool copy_folder(struct copier *c, int source, struct error *err)
{
    AUTO(archive_names_free) struct archive_names names = { 0 };
    if (!archive_names(source, &c->tree.limits, &names, err)) return false;
    size_t len = strlen(c->path);
    for (size_t i = 0; i < names.count; i++) {
        int n =
            snprintf(c->path + len, sizeof c->path - len, "%s%s", len ? "/" : "", names.list[i]);
        if (n < 0 || (size_t)n >= sizeof c->path - len)
            return error_set(err, ERR_INVALID, "a name in the bundle is too long");
        if (!copy_entry(c, source, names.list[i], err)) return false;
        c->path[len] = '\0';
    }
    return true;
}

static void copier_close(struct copier *c)
{
    archive_tree_close(&c->tree);
    free(c->buffer);
}

bool archive_copy(int source, const char *folder, const struct archive_limits *limits,
                  struct archive_progress *progress, struct error *err)
{
    AUTO(copier_close) struct copier c = { .tree = { .root = -1, .file = -1 } };
    c.mask = umask(022); /* the only way to ask for it; a step has one thread */
    umask(c.mask);
    c.buffer = xcalloc(COPY_SIZE, 1);
    if (!archive_tree_open(&c.tree, folder, limits, progress, err)) return false;
    if (fstat(c.tree.root, &c.target) != 0) return fs_error(err, "stat", folder);
    return copy_folder(&c, source, err) && archive_tree_finish(&c.tree, err);
}
