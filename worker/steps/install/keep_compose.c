#include "steps/install/attributes.h"
#include "steps/install/keep.h"
#include "steps/install/manifest.h"
#include "steps/install/parent.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MOUNTS_MAX = 32, LABEL_MAX = 256 };

/* Where the kept names of one mount go. Two mounts of one device cannot share links. */
struct mount {
    uint64_t id;
    const char *folder;
};

struct composing {
    struct keep *keep;
    const struct host *host;
    struct map old;   /* places whose present state is recorded */
    struct map going; /* folders that the commit removes */
    struct parent parent;
    struct mount mounts[MOUNTS_MAX];
    size_t mount_count;
};

static struct keep_item *add(struct keep *k, enum keep_kind kind, const char *place)
{
    if (k->count == k->cap) {
        k->cap = k->cap ? 2 * k->cap : 64;
        k->items = xrealloc(k->items, k->cap * sizeof *k->items);
    }
    struct keep_item *item = &k->items[k->count++];
    *item = (struct keep_item){
        .kind = kind, .place = arena_text(&k->arena, place), .kept = "", .label = ""
    };
    return item;
}

static bool mount_of(int fd, const char *path, uint64_t *out, struct error *err)
{
    struct statx info;
    int flags = AT_SYMLINK_NOFOLLOW | (fd >= 0 ? AT_EMPTY_PATH : 0);
    if (statx(fd >= 0 ? fd : AT_FDCWD, fd >= 0 ? "" : path, flags, STATX_MNT_ID, &info) < 0)
        return fs_error(err, "stat", path);
    *out = info.stx_mask & STATX_MNT_ID ? info.stx_mnt_id
                                        : (uint64_t)info.stx_dev_major << 32 | info.stx_dev_minor;
    return true;
}

static bool may_write(const struct composing *c, const char *folder)
{
    return !map_get(&c->going, folder) && faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
}

/* Of the folders on the way from `place` to the root of its mount the one that is nearest to it. */
static bool find_high(const struct composing *c, const char *place, uint64_t mount,
                      char out[FS_PATH_MAX], struct error *err)
{
    char folder[FS_PATH_MAX];
    struct error ignored;
    out[0] = '\0';
    if (!text_copy(folder, sizeof folder, place)) return error_set(err, ERR_INVALID, "too long");
    for (;;) {
        uint64_t id = 0;
        char *slash = strrchr(folder, '/');
        slash[slash == folder ? 1 : 0] = '\0';
        if (!mount_of(-1, folder, &id, &ignored) || id != mount) break;
        if (may_write(c, folder)) memcpy(out, folder, sizeof folder);
        if (folder[1] == '\0') break;
    }
    if (out[0]) return true;
    return error_set(err, ERR_DENIED,
                     "there is no folder to keep '%s' in, so that it could be restored", place);
}

static bool choose_folder(struct composing *c, const char *place, uint64_t mount, const char **out,
                          struct error *err)
{
    char own[FS_PATH_MAX], high[FS_PATH_MAX];
    uint64_t id = 0;
    struct arena *arena = &c->keep->arena;
    if (!realpath(c->host->deployment, own)) return fs_error(err, "find", c->host->deployment);
    if (mount_of(-1, own, &id, err) && id == mount && may_write(c, own)) {
        *out = arena_format(arena, "%s/kept", own);
        return true;
    }
    if (!find_high(c, place, mount, high, err)) return false;
    *out = arena_format(arena, "%s/.meridian-%s-kept", high[1] ? high : "", c->keep->deployment);
    return true;
}

static bool kept_name(struct composing *c, int parent, struct keep_item *item, struct error *err)
{
    uint64_t id = 0;
    size_t i = 0;
    if (!mount_of(parent, item->place, &id, err)) return false;
    while (i < c->mount_count && c->mounts[i].id != id) i++;
    if (i == MOUNTS_MAX)
        return error_set(err, ERR_INVALID, "more than %d mounts in one install", MOUNTS_MAX);
    if (i == c->mount_count) {
        if (!choose_folder(c, item->place, id, &c->mounts[i].folder, err)) return false;
        c->mounts[i].id = id;
        c->keep->folders[c->keep->folder_count++] = c->mounts[i].folder;
        c->mount_count++;
    }
    item->kept = arena_format(&c->keep->arena, "%s/%zu", c->mounts[i].folder, c->keep->count);
    return true;
}

/* Records what stands at `place`, once. *what is its mode, 0 when nothing stands there. */
static bool record_old(struct composing *c, const char *place, mode_t *what, struct error *err)
{
    struct keep *k = c->keep;
    int folder;
    const char *name;
    *what = 0;
    uintptr_t known = (uintptr_t)map_get(&c->old, place);
    if (known) {
        *what = k->items[known - 1].mode;
        return true;
    }
    struct keep_item item = { .place = place };
    if (place[1] == '\0') return true;
    /* A folder that is missing, or a file now, holds nothing. */
    if (!parent_open(&c->parent, place, &folder, &name, err))
        return err->code == ERR_NOT_FOUND || err->code == ERR_INVALID;
    if (!attributes_read(folder, name, &item, &k->arena, err)) return err->code == ERR_NOT_FOUND;
    struct keep_item *kept = add(k, S_ISDIR(item.mode) ? KEEP_FOLDER : KEEP_FILE, place);
    item.kind = kept->kind;
    item.place = kept->place;
    item.kept = item.label = "";
    *kept = item;
    *what = item.mode;
    map_put(&c->old, kept->place, (void *)(uintptr_t)k->count);
    return item.kind == KEEP_FOLDER || kept_name(c, folder, kept, err);
}

/* The folder of a changed name changes its times. */
static bool record_folder_of(struct composing *c, const char *place, struct error *err)
{
    char folder[FS_PATH_MAX];
    mode_t ignored;
    if (!text_copy(folder, sizeof folder, place)) return error_set(err, ERR_INVALID, "too long");
    char *slash = strrchr(folder, '/');
    slash[slash == folder ? 1 : 0] = '\0';
    return record_old(c, folder, &ignored, err);
}

static bool record_change(struct composing *c, const char *place, mode_t *what, struct error *err)
{
    return record_folder_of(c, place, err) && record_old(c, place, what, err);
}

static bool compose_plan(struct composing *c, const struct plan *plan, struct error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_item *item = plan->items[i];
        bool folder = item->kind == PLAN_FOLDER;
        mode_t was;
        if (!record_change(c, item->place, &was, err)) return false;
        if (was == 0 || S_ISDIR(was) != folder)
            add(c->keep, folder ? KEEP_NEW_FOLDER : KEEP_NEW_FILE, item->place);
        if (item->parts & PLAN_CONTEXT) add(c->keep, KEEP_NEW_CONTEXT, item->place);
    }
    return true;
}

static void record_context(struct composing *c, const char *path)
{
    char label[LABEL_MAX + 1];
    ssize_t len = getxattr(path, "security.selinux", label, LABEL_MAX);
    struct keep_item *item = add(c->keep, KEEP_CONTEXT, path);
    if (len <= 0) return;
    label[len] = '\0';
    item->label = arena_text(&c->keep->arena, label);
}

static bool compose_journal(struct composing *c, const struct journal *j, struct error *err)
{
    for (size_t i = 0; i < j->count; i++) {
        const struct journal_op *op = &j->ops[i];
        mode_t ignored;
        switch (op->kind) {
        case JOURNAL_CLEAR_FILE:
        case JOURNAL_CLEAR_FOLDER:
        case JOURNAL_REMOVE_FILE:
        case JOURNAL_REMOVE_FOLDER:
        case JOURNAL_FOLDER:
            if (!record_change(c, op->place, &ignored, err)) return false;
            break;
        case JOURNAL_REMOVE_CONTEXT: record_context(c, op->place); break;
        case JOURNAL_RENAME: break; /* in the plan */
        }
    }
    return true;
}

static bool compose_manifest(struct keep *k, const struct host *host, struct error *err)
{
    struct manifest old AUTO(manifest_deinit);
    manifest_init(&old);
    k->had_manifest = fs_exists(host->manifest);
    k->had_agent_list = fs_exists(host->agent_cleanup);
    if (k->had_manifest && !manifest_read(&old, host->manifest, err)) return false;
    k->old_deployment = arena_text(&k->arena, old.deployment);
    return true;
}

bool keep_compose(struct keep *k, const struct host *host, const struct plan *plan,
                  const struct journal *journal, struct error *err)
{
    struct composing c = { .keep = k, .host = host };
    k->folders = xcalloc(MOUNTS_MAX, sizeof *k->folders);
    parent_init(&c.parent);
    for (size_t i = 0; i < journal->count; i++) {
        const struct journal_op *op = &journal->ops[i];
        if (op->kind == JOURNAL_CLEAR_FOLDER || op->kind == JOURNAL_REMOVE_FOLDER)
            map_put(&c.going, op->place, (void *)(uintptr_t)1);
    }
    bool ok = compose_manifest(k, host, err) && compose_plan(&c, plan, err) &&
              compose_journal(&c, journal, err);
    parent_deinit(&c.parent);
    map_deinit(&c.old);
    map_deinit(&c.going);
    return ok;
}
