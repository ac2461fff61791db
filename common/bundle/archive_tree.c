#include "bundle/archive_tree.h"
#include "bundle/archive_links.h"
#include "io/fs.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PRINTABLE_SIZE = 200 };

const char *archive_printable(const char *name, char *out, size_t size)
{
    size_t used = 0;
    for (; *name && used + 5 < size; name++) {
        unsigned char c = (unsigned char)*name;
        if (c >= ' ' && c != 0x7f)
            out[used++] = (char)c;
        else
            used += (size_t)snprintf(out + used, size - used, "\\x%02x", c);
    }
    out[used] = '\0';
    return out;
}

bool archive_refuse(const char *name, struct error *err, const char *why)
{
    char shown[PRINTABLE_SIZE];
    return error_set(err, ERR_INVALID, "'%s' in the bundle is refused: %s",
                     archive_printable(name, shown, sizeof shown), why);
}

static bool free_bytes(const struct archive_tree *t, uint64_t *out)
{
    struct statvfs fs;
    if (fstatvfs(t->root, &fs) != 0) return false;
    *out = (uint64_t)fs.f_bavail * fs.f_frsize;
    return true;
}

bool archive_system_error(const struct archive_tree *t, struct error *err, const char *verb,
                          const char *name)
{
    char shown[PRINTABLE_SIZE];
    int code = errno;
    uint64_t left = 0;
    if (code == ENOSPC || code == EDQUOT) {
        uint64_t written = t->progress->bytes;
        if (free_bytes(t, &left) && t->needed > written)
            return error_set(err, ERR_NO_SPACE, "%s '%s': %s: %llu more bytes needed, %llu free",
                             verb, archive_printable(name, shown, sizeof shown), strerror(code),
                             (unsigned long long)(t->needed - written), (unsigned long long)left);
    }
    errno = code;
    return fs_error(err, verb, archive_printable(name, shown, sizeof shown));
}

bool archive_tree_reserve(struct archive_tree *t, uint64_t bytes, struct error *err)
{
    uint64_t left = 0;
    t->needed = bytes;
    if (free_bytes(t, &left) && bytes > left)
        return error_set(err, ERR_NO_SPACE, "the bundle needs %llu bytes unpacked, %llu are free",
                         (unsigned long long)bytes, (unsigned long long)left);
    return true;
}

static void folder_close(DIR **folder)
{
    if (*folder) closedir(*folder);
}

static bool must_be_empty(int fd, const char *folder, struct error *err)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return fs_error(err, "open", folder);
    AUTO(folder_close) DIR *list = fdopendir(copy);
    if (!list) {
        close(copy);
        return fs_error(err, "read", folder);
    }
    for (struct dirent *e; (e = readdir(list));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            return error_set(err, ERR_FATAL, "the folder '%s' is not empty", folder);
    return true;
}

bool archive_tree_open(struct archive_tree *t, const char *folder,
                       const struct archive_limits *limits, struct archive_progress *progress,
                       struct error *err)
{
    *t = (struct archive_tree){ .root = -1, .file = -1, .limits = *limits };
    t->progress = progress ? progress : &t->own_progress;
    *t->progress = (struct archive_progress){ 0 };
    t->links_end = &t->links;
    arena_init(&t->arena, limits->names_bytes_max);
    if (t->limits.depth_max > ARCHIVE_DEPTH_MAX) t->limits.depth_max = ARCHIVE_DEPTH_MAX;
    if (t->limits.path_max >= ARCHIVE_PATH_MAX) t->limits.path_max = ARCHIVE_PATH_MAX - 1;
    if (mkdir(folder, 0755) != 0 && errno != EEXIST) return fs_error(err, "make", folder);
    t->root = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (t->root < 0) return fs_error(err, "open", folder);
    return must_be_empty(t->root, folder, err);
}

static void leave(struct archive_tree *t, size_t depth)
{
    while (t->depth > depth) close(t->fds[--t->depth]);
    t->at[depth ? t->ends[depth - 1] : 0] = '\0';
}

void archive_tree_close(struct archive_tree *t)
{
    leave(t, 0);
    if (t->file >= 0) close(t->file);
    if (t->root >= 0) close(t->root);
    arena_deinit(&t->arena);
    t->file = t->root = -1;
}

bool archive_clean(const struct archive_tree *t, const char *name, char out[ARCHIVE_PATH_MAX],
                   struct error *err)
{
    size_t used = 0, depth = 0;
    for (const char *p = name; *p;) {
        size_t len = strcspn(p, "/");
        if (len == 2 && memcmp(p, "..", 2) == 0)
            return archive_refuse(name, err, "\"..\" leads out of the folder");
        if (len > ARCHIVE_NAME_MAX) return archive_refuse(name, err, "the name is too long");
        if (len && !(len == 1 && *p == '.')) {
            if (used + len + 1 > t->limits.path_max)
                return archive_refuse(name, err, "the name is too long");
            if (++depth > t->limits.depth_max)
                return archive_refuse(name, err, "it lies too many folders deep");
            if (used) out[used++] = '/';
            memcpy(out + used, p, len);
            used += len;
        }
        p += len + (p[len] ? 1 : 0);
    }
    out[used] = '\0';
    return true;
}

/* Opens one more folder below the innermost open one, made if it is not there. */
static bool enter(struct archive_tree *t, const char *part, size_t len, const char *name,
                  struct error *err)
{
    enum { FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
    char text[ARCHIVE_NAME_MAX + 1];
    memcpy(text, part, len);
    text[len] = '\0';
    int parent = t->depth ? t->fds[t->depth - 1] : t->root;
    int fd = openat(parent, text, FLAGS);
    if (fd < 0 && errno == ENOENT) {
        if (mkdirat(parent, text, 0755) != 0) return archive_system_error(t, err, "make", name);
        fd = openat(parent, text, FLAGS);
    }
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return archive_refuse(name, err, "it lies below a file or a link of the bundle");
    if (fd < 0) return archive_system_error(t, err, "open", name);
    size_t used = strlen(t->at);
    if (used) t->at[used++] = '/';
    memcpy(t->at + used, text, len + 1);
    t->ends[t->depth] = used + len;
    t->fds[t->depth++] = fd;
    return true;
}

bool archive_enter(struct archive_tree *t, const char *path, size_t len, int *out,
                   struct error *err)
{
    size_t same = t->depth;
    while (same) {
        size_t end = t->ends[same - 1];
        if (end <= len && memcmp(t->at, path, end) == 0 && (end == len || path[end] == '/')) break;
        same--;
    }
    leave(t, same);
    for (size_t at = same ? t->ends[same - 1] + 1 : 0; at < len;) {
        size_t part = strcspn(path + at, "/");
        if (part > len - at) part = len - at;
        if (!enter(t, path + at, part, path, err)) return false;
        at += part + 1;
    }
    *out = t->depth ? t->fds[t->depth - 1] : t->root;
    return true;
}

bool archive_enter_parent(struct archive_tree *t, const char *path, int *parent, const char **base,
                          struct error *err)
{
    const char *slash = strrchr(path, '/');
    *base = slash ? slash + 1 : path;
    return archive_enter(t, path, slash ? (size_t)(slash - path) : 0, parent, err);
}

static bool count_entry(struct archive_tree *t, struct error *err)
{
    if (++t->progress->entries > t->limits.entries_max)
        return error_set(err, ERR_INVALID, "the bundle is refused: more than %llu entries",
                         (unsigned long long)t->limits.entries_max);
    return true;
}

static bool count_bytes(struct archive_tree *t, uint64_t more, struct error *err)
{
    struct archive_progress *p = t->progress;
    if (more > t->limits.bytes_max - p->bytes)
        return error_set(err, ERR_INVALID, "the bundle is refused: more than %llu bytes unpacked",
                         (unsigned long long)t->limits.bytes_max);
    p->bytes += more;
    if (p->source_bytes_total && p->bytes > t->limits.ratio_from_bytes &&
        p->bytes / t->limits.ratio_max > p->source_bytes)
        return error_set(err, ERR_INVALID,
                         "the bundle is refused: it unpacks to more than %llu times its size",
                         (unsigned long long)t->limits.ratio_max);
    return true;
}

bool archive_tree_folder(struct archive_tree *t, const char *name,
                         const struct archive_attributes *a, struct error *err)
{
    char path[ARCHIVE_PATH_MAX];
    int fd;
    if (!count_entry(t, err) || !archive_clean(t, name, path, err)) return false;
    if (!*path) return true; /* "./": the folder itself belongs to the caller */
    if (!archive_enter(t, path, strlen(path), &fd, err)) return false;
    return !a || archive_folder_later(t, path, a, err);
}

bool archive_clear(struct archive_tree *t, int parent, const char *base, const char *path,
                   struct error *err)
{
    struct stat st;
    if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || archive_system_error(t, err, "stat", path);
    if (!S_ISREG(st.st_mode))
        return archive_refuse(path, err, "the name comes twice, with different types");
    if (unlinkat(parent, base, 0) != 0) return archive_system_error(t, err, "replace", path);
    return true;
}

bool archive_tree_file_begin(struct archive_tree *t, const char *name, mode_t mode,
                             struct error *err)
{
    enum { FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC };
    char path[ARCHIVE_PATH_MAX];
    const char *base;
    int parent;
    assert(t->file < 0);
    if (!count_entry(t, err) || !archive_clean(t, name, path, err)) return false;
    if (!*path) return archive_refuse(name, err, "a file needs a name");
    if (!archive_enter_parent(t, path, &parent, &base, err)) return false;
    t->file = openat(parent, base, FLAGS, mode & 0777);
    if (t->file < 0 && errno == EEXIST) {
        if (!archive_clear(t, parent, base, path, err)) return false;
        t->file = openat(parent, base, FLAGS, mode & 0777);
    }
    t->position = t->length = 0;
    return t->file >= 0 || archive_system_error(t, err, "make", path);
}

bool archive_tree_write(struct archive_tree *t, struct bytes data, uint64_t offset,
                        struct error *err)
{
    if (data.len == 0) return true;
    if (offset > INT64_MAX - data.len)
        return error_set(err, ERR_CORRUPT, "a file in the bundle is larger than files can be");
    uint64_t end = offset + data.len;
    if (end > t->length) {
        if (!count_bytes(t, end - t->length, err)) return false;
        t->length = end;
    }
    if (offset != t->position && lseek(t->file, (off_t)offset, SEEK_SET) < 0)
        return archive_system_error(t, err, "seek in", t->at);
    while (data.len) {
        ssize_t n = write(t->file, data.data, data.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return archive_system_error(t, err, "write in", t->at);
        data = bytes_of(data.data + n, data.len - (size_t)n);
    }
    t->position = end;
    return true;
}

bool archive_tree_file_end(struct archive_tree *t, uint64_t size,
                           const struct archive_attributes *a, struct error *err)
{
    AUTO(auto_close) int fd = t->file;
    t->file = -1;
    if (size > t->length) {
        if (size > INT64_MAX)
            return error_set(err, ERR_CORRUPT, "a file in the bundle is larger than files can be");
        if (!count_bytes(t, size - t->length, err)) return false;
        if (ftruncate(fd, (off_t)size) != 0)
            return archive_system_error(t, err, "extend in", t->at);
    }
    if (!a) return true;
    if (a->has_owner && fchown(fd, a->uid, a->gid) != 0)
        return archive_system_error(t, err, "change the owner in", t->at);
    if (fchmod(fd, a->mode & (a->keep_set_ids ? 07777 : ARCHIVE_MODE_KEPT)) != 0)
        return archive_system_error(t, err, "change the mode in", t->at);
    const struct timespec times[2] = { a->time, a->time };
    if (a->has_time && futimens(fd, times) != 0)
        return archive_system_error(t, err, "set the time in", t->at);
    return true;
}

bool archive_tree_symlink(struct archive_tree *t, const char *name, const char *target,
                          const struct archive_attributes *a, struct error *err)
{
    char path[ARCHIVE_PATH_MAX];
    if (!count_entry(t, err) || !archive_clean(t, name, path, err)) return false;
    if (!*path) return archive_refuse(name, err, "a link needs a name");
    if (!target || !*target) return archive_refuse(name, err, "the link leads nowhere");
    if (strlen(target) >= ARCHIVE_PATH_MAX)
        return archive_refuse(name, err, "the link's target is too long");
    return archive_link_later(t, path, target, false, a, err);
}

bool archive_tree_hardlink(struct archive_tree *t, const char *name, const char *target,
                           struct error *err)
{
    char path[ARCHIVE_PATH_MAX], from[ARCHIVE_PATH_MAX];
    bool done = false;
    if (!count_entry(t, err) || !archive_clean(t, name, path, err)) return false;
    if (!*path) return archive_refuse(name, err, "a link needs a name");
    if (!archive_clean(t, target, from, err))
        return error_wrap(err, "hard link '%.100s'", archive_printable(name, path, sizeof path));
    if (!archive_hardlink_make(t, path, from, true, &done, err)) return false;
    /* Its target may be a symbolic link, and those are made last. */
    return done || archive_link_later(t, path, from, true, NULL, err);
}
