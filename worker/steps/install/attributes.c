#include "steps/install/attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char access_acl[] = "system.posix_acl_access";
static const char default_acl[] = "system.posix_acl_default";

static bool has_attributes(mode_t mode)
{
    return S_ISREG(mode) || S_ISDIR(mode);
}

static int open_one(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

static void read_one(int fd, const char *name, struct keep_item *item, struct arena *arena)
{
    AUTO(auto_free) char *value = xcalloc(1, KEEP_ATTRIBUTE_BYTES_MAX);
    ssize_t len = fgetxattr(fd, name, value, KEEP_ATTRIBUTE_BYTES_MAX);
    if (len < 0 || item->attribute_count == KEEP_ATTRIBUTES_MAX) return;
    if (!item->attributes)
        item->attributes = arena_calloc(arena, KEEP_ATTRIBUTES_MAX, sizeof *item->attributes);
    item->attributes[item->attribute_count++] =
        (struct keep_attribute){ .name = arena_text(arena, name),
                                 .value = arena_bytes(arena, bytes_of(value, (size_t)len)) };
}

static void read_all(int fd, struct keep_item *item, struct arena *arena)
{
    ssize_t size = flistxattr(fd, NULL, 0);
    if (size <= 0 || size > KEEP_ATTRIBUTE_BYTES_MAX) return;
    AUTO(auto_free) char *names = xcalloc(1, KEEP_ATTRIBUTE_BYTES_MAX + 1);
    size = flistxattr(fd, names, KEEP_ATTRIBUTE_BYTES_MAX);
    for (const char *at = names; size > 0 && at < names + size; at += strlen(at) + 1)
        read_one(fd, at, item, arena);
}

bool attributes_read(int parent, const char *name, struct keep_item *item, struct arena *arena,
                     struct error *err)
{
    struct stat info;
    if (fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return fs_error(err, "stat", item->place);
    item->uid = info.st_uid;
    item->gid = info.st_gid;
    item->mode = info.st_mode;
    item->accessed = info.st_atim;
    item->modified = info.st_mtim;
    if (!has_attributes(info.st_mode)) return true;
    AUTO(auto_close) int fd = open_one(parent, name);
    if (fd >= 0) read_all(fd, item, arena);
    return true;
}

static bool is_kept(const struct keep_item *item, const char *name)
{
    for (size_t i = 0; i < item->attribute_count; i++) {
        if (text_equal(item->attributes[i].name, name)) return true;
    }
    return false;
}

static bool drop_acl(int fd, const struct keep_item *item, const char *name)
{
    if (is_kept(item, name) || fremovexattr(fd, name) == 0) return true;
    return errno == ENODATA || errno == ENOTSUP;
}

static bool same(int fd, const struct keep_attribute *attribute)
{
    AUTO(auto_free) char *value = xcalloc(1, KEEP_ATTRIBUTE_BYTES_MAX);
    ssize_t len = fgetxattr(fd, attribute->name, value, KEEP_ATTRIBUTE_BYTES_MAX);
    return len >= 0 && (size_t)len == attribute->value.len &&
           memcmp(value, attribute->value.data, attribute->value.len) == 0;
}

/* An attribute that the kernel keeps to itself (a label without a policy) is not our failure. */
static bool apply_attributes(int fd, const struct keep_item *item, struct error *err)
{
    for (size_t i = 0; i < item->attribute_count; i++) {
        const struct keep_attribute *a = &item->attributes[i];
        if (same(fd, a) || fsetxattr(fd, a->name, a->value.data, a->value.len, 0) == 0) continue;
        bool acl = text_equal(a->name, access_acl) || text_equal(a->name, default_acl);
        if (acl) return fs_error(err, "restore the acl of", item->place);
    }
    return true;
}

/* The owner first, because chown clears set-id bits and capabilities. An old ACL goes before the
 * mode, which would set its mask. */
static bool apply_to_open(int fd, const struct keep_item *item, struct error *err)
{
    struct stat now;
    const struct timespec times[2] = { item->accessed, item->modified };
    if (fstat(fd, &now) < 0) return fs_error(err, "stat", item->place);
    if ((now.st_uid != item->uid || now.st_gid != item->gid) &&
        fchown(fd, item->uid, item->gid) < 0 && errno != EPERM)
        return fs_error(err, "restore the owner of", item->place);
    if (!drop_acl(fd, item, access_acl) ||
        (S_ISDIR(item->mode) && !drop_acl(fd, item, default_acl)))
        return fs_error(err, "restore the acl of", item->place);
    if (fstat(fd, &now) < 0) return fs_error(err, "stat", item->place);
    if (now.st_mode != item->mode && fchmod(fd, item->mode & 07777) < 0)
        return fs_error(err, "restore the mode of", item->place);
    if (!apply_attributes(fd, item, err)) return false;
    bool kept = now.st_mtim.tv_sec == item->modified.tv_sec &&
                now.st_mtim.tv_nsec == item->modified.tv_nsec;
    if (!kept && futimens(fd, times) < 0) return fs_error(err, "restore the times of", item->place);
    return true;
}

bool attributes_apply(int parent, const char *name, const struct keep_item *item, struct error *err)
{
    const struct timespec times[2] = { item->accessed, item->modified };
    if (!has_attributes(item->mode)) {
        if (fchownat(parent, name, item->uid, item->gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != EPERM)
            return fs_error(err, "restore the owner of", item->place);
        if (utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0)
            return fs_error(err, "restore the times of", item->place);
        return true;
    }
    AUTO(auto_close) int fd = open_one(parent, name);
    if (fd >= 0) return apply_to_open(fd, item, err);
    if (errno == EACCES && !S_ISDIR(item->mode)) return true; /* not ours: linked as it was */
    return fs_error(err, "open", item->place);
}
