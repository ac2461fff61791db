#include "steps/install/grant.h"

#include "io/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char access_name[] = "system.posix_acl_access";
static const char default_name[] = "system.posix_acl_default";

static bool set_owner(int fd, const struct plan_item *item, struct error *err)
{
    const struct plan_permission *p = item->permission;
    if (fchown(fd, p->uid, p->gid) < 0) return fs_error(err, "chown", item->path);
    return true;
}

static bool set_acl(int fd, const struct plan_item *item, struct error *err)
{
    struct stat info;
    if (fstat(fd, &info) < 0) return fs_error(err, "stat", item->path);
    uint8_t access[ACL_BYTES_MAX], defaults[ACL_BYTES_MAX];
    size_t access_len, default_len;
    acl_format(&item->permission->acl, info.st_mode, access, &access_len, defaults, &default_len);
    if (fsetxattr(fd, access_name, access, access_len, 0) < 0)
        return fs_error(err, "set the acl of", item->path);
    if (default_len > 0 && fsetxattr(fd, default_name, defaults, default_len, 0) < 0)
        return fs_error(err, "set the default acl of", item->path);
    return true;
}

bool grant_apply(int fd, const struct plan_item *item, struct error *err)
{
    const struct plan_permission *p = item->permission;
    bool owner = item->parts & PLAN_OWNER;
    bool owner_first = owner && p->spec->owner;
    if (owner_first && !set_owner(fd, item, err)) return false;
    if ((item->parts & PLAN_MODE) && fchmod(fd, (mode_t)p->spec->mode) < 0)
        return fs_error(err, "chmod", item->path);
    if ((item->parts & PLAN_ACL) && !set_acl(fd, item, err)) return false;
    return !owner || owner_first || set_owner(fd, item, err);
}

bool grant_through_link(const struct plan_item *item, struct error *err)
{
    AUTO(auto_close)
    int fd = open(item->place, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "permissions through the link", item->path);
    return grant_apply(fd, item, err);
}

void grant_acls(const struct plan_item *item, mode_t mode, struct arena *arena,
                struct bytes *access, struct bytes *defaults)
{
    *access = *defaults = bytes_of(NULL, 0);
    if (!(item->parts & PLAN_ACL)) return;
    uint8_t a[ACL_BYTES_MAX], d[ACL_BYTES_MAX];
    size_t a_len, d_len;
    acl_format(&item->permission->acl, mode, a, &a_len, d, &d_len);
    *access = arena_bytes(arena, bytes_of(a, a_len));
    if (d_len > 0) *defaults = arena_bytes(arena, bytes_of(d, d_len));
}
