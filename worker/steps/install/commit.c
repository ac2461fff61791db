#include "steps/install/commit.h"

#include "steps/install/context.h"
#include "steps/install/parent.h"
#include "steps/install/volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

struct commit {
    struct parent from, to;
    struct volumes volumes;
    bool failed;
    struct error first;
};

static void fail(struct commit *c, const struct error *why)
{
    if (!c->failed) c->first = *why;
    c->failed = true;
}

static bool remove_place(struct commit *c, const char *place, bool folder, struct error *err)
{
    return parent_remove(&c->to, place, folder, err) || err->code == ERR_NOT_FOUND;
}

static bool rename_in(struct commit *c, const struct journal_op *op, struct error *err)
{
    int from, to;
    const char *staged, *name;
    struct stat info;
    if (!parent_open(&c->from, op->staged, &from, &staged, err)) return false;
    /* Not there: an earlier life of this commit has renamed it. */
    if (fstatat(from, staged, &info, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) return true;
    if (!parent_open(&c->to, op->place, &to, &name, err)) return false;
    if (renameat(from, staged, to, name) < 0) return fs_error(err, "rename to", op->place);
    return volumes_need(&c->volumes, op->place, 0, err);
}

/* Without one in the appspec what the folder had goes. */
static bool set_acl(int fd, const char *name, struct bytes acl)
{
    if (acl.len > 0) return fsetxattr(fd, name, acl.data, acl.len, 0) == 0;
    return fremovexattr(fd, name) == 0 || errno == ENODATA || errno == ENOTSUP;
}

static bool set_acls(int fd, const struct journal_op *op)
{
    return set_acl(fd, "system.posix_acl_access", op->access) &&
           set_acl(fd, "system.posix_acl_default", op->defaults);
}

static bool renew_folder(struct commit *c, const struct journal_op *op, struct error *err)
{
    int parent;
    const char *name;
    if (!parent_open(&c->to, op->place, &parent, &name, err)) return false;
    AUTO(auto_close)
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "open folder", op->place);
    if (fchown(fd, op->uid, op->gid) < 0 && errno != EPERM)
        return fs_error(err, "chown", op->place);
    /* With an old ACL in force chmod would set its mask; a new one implies the mode's low bits. */
    const struct journal_op none = { .access = { 0 }, .defaults = { 0 } };
    if (!set_acls(fd, &none)) return fs_error(err, "remove the acl of", op->place);
    if (fchmod(fd, (mode_t)op->mode) < 0) return fs_error(err, "chmod", op->place);
    if (!set_acls(fd, op)) return fs_error(err, "set the acl of", op->place);
    return true;
}

static bool perform(struct commit *c, const struct journal_op *op, struct error *err)
{
    switch (op->kind) {
    case JOURNAL_CLEAR_FILE:
    case JOURNAL_REMOVE_FILE: return remove_place(c, op->place, false, err);
    case JOURNAL_CLEAR_FOLDER:
    case JOURNAL_REMOVE_FOLDER: return remove_place(c, op->place, true, err);
    case JOURNAL_RENAME: return rename_in(c, op, err);
    case JOURNAL_FOLDER: return renew_folder(c, op, err);
    case JOURNAL_REMOVE_CONTEXT: context_remove(op->place); return true;
    }
    return true;
}

static bool clears(const struct journal_op *op)
{
    return op->kind == JOURNAL_CLEAR_FILE || op->kind == JOURNAL_CLEAR_FOLDER;
}

static bool perform_all(struct commit *c, struct journal *j, const char *path, struct error *err)
{
    bool clearing = !j->cleared;
    for (size_t i = 0; i < j->count; i++) {
        const struct journal_op *op = &j->ops[i];
        if (clears(op) && !clearing) continue;
        if (!clears(op) && clearing && i > 0 && !journal_mark(j, path, JOURNAL_CLEARED, err))
            return false;
        if (!clears(op)) clearing = false;
        struct error why = { .code = ERR_NONE };
        if (!perform(c, op, &why)) fail(c, &why);
    }
    return true;
}

/* The end of a commit, each part durable before the next. */
static bool finish(struct commit *c, const struct journal *j, const struct host *host,
                   struct error *err)
{
    struct error why = { .code = ERR_NONE };
    if (c->failed && !journal_discard(j, &why)) fail(c, &why);
    journal_drop_old(j);
    if (!volumes_sync(&c->volumes, err)) return false;
    if (rename(host->manifest_next, host->manifest) < 0 && errno != ENOENT)
        return fs_error(err, "rename to", host->manifest);
    if (unlink(host->agent_cleanup) < 0 && errno != ENOENT)
        return fs_error(err, "remove", host->agent_cleanup);
    if (!fs_sync_folder(host->instructions, err)) return false;
    if (unlink(host->journal) < 0 && errno != ENOENT) return fs_error(err, "remove", host->journal);
    return fs_sync_folder(host->instructions, err);
}

bool commit_run(struct journal *journal, const struct host *host, struct error *err)
{
    struct commit c = { .failed = false };
    parent_init(&c.from);
    parent_init(&c.to);
    volumes_init(&c.volumes);
    bool ok = perform_all(&c, journal, host->journal, err) && finish(&c, journal, host, err);
    parent_deinit(&c.from);
    parent_deinit(&c.to);
    volumes_deinit(&c.volumes);
    if (!ok) return false;
    if (c.failed) return error_set(err, c.first.code, "%s", c.first.text);
    return true;
}
