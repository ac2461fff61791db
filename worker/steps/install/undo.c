#include "steps/install/undo.h"

#include "steps/install/attributes.h"
#include "steps/install/context.h"
#include "steps/install/manifest.h"
#include "steps/install/parent.h"
#include "steps/install/recovery.h"
#include "steps/install/volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct undo {
    struct keep *keep;
    struct parent from, to;
    struct volumes volumes;
    size_t files;
    bool failed;
    struct error first;
};

static void fail(struct undo *u, const struct error *why)
{
    if (!u->failed) u->first = *why;
    u->failed = true;
}

/* What lies where a link leads now is not ours. */
static bool remove_new(struct undo *u, const struct keep_item *item, struct error *err)
{
    return parent_remove(&u->to, item->place, item->kind == KEEP_NEW_FOLDER, err) ||
           err->code == ERR_NOT_FOUND || err->code == ERR_INVALID;
}

/* Folders stand before what is in them, so the last is removed first. */
static void clear(struct undo *u)
{
    for (size_t i = u->keep->count; i-- > 0;) {
        const struct keep_item *item = &u->keep->items[i];
        struct error why = { .code = ERR_NONE };
        if (item->kind == KEEP_NEW_CONTEXT) context_remove(item->place);
        if (item->kind != KEEP_NEW_FILE && item->kind != KEEP_NEW_FOLDER) continue;
        if (!remove_new(u, item, &why)) fail(u, &why);
    }
}

static bool make_folder(struct undo *u, const struct keep_item *item, struct error *err)
{
    int fd;
    const char *name;
    if (!parent_open(&u->to, item->place, &fd, &name, err)) return false;
    if (mkdirat(fd, name, 0700) == 0 || errno == EEXIST) return true;
    return fs_error(err, "make folder", item->place);
}

static bool put_back(struct undo *u, const struct keep_item *item, struct error *err)
{
    int from, to;
    const char *kept, *name;
    struct stat info;
    if (!parent_open(&u->from, item->kept, &from, &kept, err)) return err->code == ERR_NOT_FOUND;
    /* Not there: an earlier life of this undo has put it back. */
    if (fstatat(from, kept, &info, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) return true;
    if (!attributes_apply(from, kept, item, err)) return false;
    if (!parent_open(&u->to, item->place, &to, &name, err)) return false;
    if (renameat(from, kept, to, name) < 0) {
        if (errno == EISDIR)
            return error_set(err, ERR_CONFLICT,
                             "'%s' cannot be put back: a folder that is not empty stands there",
                             item->place);
        return fs_error(err, "put back", item->place);
    }
    u->files++;
    return volumes_need(&u->volumes, item->place, 0, err);
}

static bool grant_folder(struct undo *u, const struct keep_item *item, struct error *err)
{
    int fd;
    const char *name;
    if (!parent_open(&u->to, item->place, &fd, &name, err)) return false;
    return attributes_apply(fd, name, item, err) && volumes_need(&u->volumes, item->place, 0, err);
}

/* "user:role:type:range", of which the range may hold colons. The role is never set. */
static bool restore_context(struct undo *u, const struct keep_item *item, struct error *err)
{
    (void)u;
    char label[FS_PATH_MAX], *at = label;
    if (!item->label[0] || !text_copy(label, sizeof label, item->label)) return true;
    struct appspec_context context = { .user = strsep(&at, ":") };
    (void)strsep(&at, ":");
    context.type = strsep(&at, ":");
    context.range = at;
    return context_set(&context, item->place, err);
}

typedef bool (*item_fn)(struct undo *u, const struct keep_item *item, struct error *err);

static void for_each(struct undo *u, enum keep_kind kind, item_fn act)
{
    for (size_t i = 0; i < u->keep->count; i++) {
        struct error why = { .code = ERR_NONE };
        if (u->keep->items[i].kind == kind && !act(u, &u->keep->items[i], &why)) fail(u, &why);
    }
}

/* A folder's path is shorter than what is in it; the order of the rest does not matter then. */
static int compare(const void *a, const void *b)
{
    const struct keep_item *x = a, *y = b;
    size_t len_x = strlen(x->place), len_y = strlen(y->place);
    if (len_x != len_y) return len_x < len_y ? -1 : 1;
    return strcmp(x->place, y->place);
}

static bool rename_list(const char *old, const char *now, bool had, struct error *err)
{
    if (!had && unlink(now) < 0 && errno != ENOENT) return fs_error(err, "remove", now);
    if (had && rename(old, now) < 0 && errno != ENOENT) return fs_error(err, "rename to", now);
    return true;
}

static bool restore_lists(const struct keep *k, const struct host *host, struct error *err)
{
    return rename_list(host->manifest_old, host->manifest, k->had_manifest, err) &&
           rename_list(host->agent_cleanup_old, host->agent_cleanup, k->had_agent_list, err) &&
           fs_sync_folder(host->instructions, err);
}

static bool restore(struct undo *u, const struct host *host, struct error *err)
{
    struct keep *k = u->keep;
    if (!k->undoing && !keep_mark(k, host, KEEP_UNDOING, err)) return false;
    if (!k->cleared) {
        clear(u);
        if (!keep_mark(k, host, KEEP_CLEARED, err)) return false;
    }
    if (k->count > 0) qsort(k->items, k->count, sizeof *k->items, compare);
    for_each(u, KEEP_FOLDER, make_folder);
    for_each(u, KEEP_FILE, put_back);
    for_each(u, KEEP_CONTEXT, restore_context);
    for_each(u, KEEP_FOLDER, grant_folder);
    return volumes_sync(&u->volumes, err) && restore_lists(k, host, err);
}

bool undo_perform(struct keep *k, const struct host *host, size_t *files, struct error *err)
{
    struct undo u = { .keep = k };
    parent_init(&u.from);
    parent_init(&u.to);
    volumes_init(&u.volumes);
    bool ok = restore(&u, host, err);
    parent_deinit(&u.from);
    parent_deinit(&u.to);
    volumes_deinit(&u.volumes);
    *files = u.files;
    if (!ok) return false;
    if (u.failed) return error_set(err, u.first.code, "%s", u.first.text);
    return keep_forget(k, host, err);
}

static void describe(const struct host *host, const char *deployment, struct step_report *report)
{
    char revision[HOST_REVISION_SIZE], *out = report->message;
    size_t size = sizeof report->message;
    if (deployment[0] == '\0')
        snprintf(out, size, "restored to what was there before: no deployment of this group");
    else if (host_revision(host, deployment, revision))
        snprintf(out, size, "restored to revision %s (deployment %s)", revision, deployment);
    else
        snprintf(out, size, "restored to deployment %s", deployment);
}

/* Without a record there is nothing to do, unless an earlier run of this step has done it all and
 * was ended before it could say so. */
static bool describe_nothing(const struct step *step, struct step_report *report, struct error *err)
{
    struct manifest manifest AUTO(manifest_deinit);
    manifest_init(&manifest);
    report->noop = step->spec->run <= 1;
    if (report->noop)
        snprintf(report->message, sizeof report->message,
                 "nothing had to be restored: no file of this deployment was installed");
    else if (!manifest_read(&manifest, step->host.manifest, err))
        return false;
    else
        describe(&step->host, manifest.deployment, report);
    return true;
}

bool undo_run(struct step *step, struct step_report *report, struct error *err)
{
    const struct host *host = &step->host;
    AUTO(auto_close) int lock = -1;
    struct keep keep AUTO(keep_deinit);
    keep_init(&keep);
    bool found;
    size_t files;
    if (!fs_exists(host->instructions)) return describe_nothing(step, report, err);
    if (!recovery_begin(host, &lock, err) || !keep_read(&keep, host, &found, err)) return false;
    if (!found || !text_equal(keep.deployment, step->spec->job.deployment.text))
        return describe_nothing(step, report, err);
    describe(host, keep.old_deployment, report);
    return undo_perform(&keep, host, &files, err);
}
