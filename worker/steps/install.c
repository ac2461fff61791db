#include "steps/install.h"

#include "steps/commit.h"
#include "steps/context.h"
#include "steps/grant.h"
#include "steps/manifest.h"
#include "steps/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/* One install of a group at a time, whatever the daemon believes. */
static bool lock_group(const struct host *host, int *out, struct error *err)
{
    int fd = open(host->lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return fs_error(err, "open", host->lock);
    while (flock(fd, LOCK_EX) < 0) {
        if (errno == EINTR) continue;
        fs_error(err, "lock", host->lock);
        close(fd);
        return false;
    }
    *out = fd;
    return true;
}

static bool forget_journal(const struct host *host, struct error *err)
{
    if (unlink(host->manifest_next) < 0 && errno != ENOENT)
        return fs_error(err, "remove", host->manifest_next);
    if (unlink(host->journal) < 0 && errno != ENOENT) return fs_error(err, "remove", host->journal);
    return fs_sync_folder(host->instructions, err);
}

/* What could not be finished of an old commit is not our failure: its deployment told it, and
 * commit_run() has left no journal. */
static bool recover(const struct host *host, struct error *err)
{
    struct journal journal AUTO(journal_deinit);
    journal_init(&journal, "");
    bool found;
    if (!journal_read(&journal, host->journal, &found, err)) return false;
    if (!found) return true;
    if (!journal.committed) return journal_discard(&journal, err) && forget_journal(host, err);
    if (commit_run(&journal, host, err)) return true;
    return !fs_exists(host->journal);
}

static bool read_manifest(const struct host *host, struct manifest *out, struct error *err)
{
    if (fs_exists(host->manifest)) return manifest_read(out, host->manifest, err);
    return manifest_read_agent(out, host->agent_cleanup, err);
}

static bool write_manifest(const struct step *step, const struct plan *plan, struct error *err)
{
    struct manifest next AUTO(manifest_deinit);
    manifest_init(&next);
    next.deployment = step->spec->job.deployment.text;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_item *item = plan->items[i];
        manifest_add(&next, item->kind == PLAN_FOLDER ? MANIFEST_FOLDER : MANIFEST_FILE,
                     item->path);
    }
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_item *item = plan->items[i];
        if (item->parts & PLAN_CONTEXT) manifest_add(&next, MANIFEST_CONTEXT, item->place);
    }
    return manifest_write(&next, step->host.manifest_next, err);
}

/* What can only be done to the names that are in place. */
static bool grant_placed(const struct plan *plan, struct error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_item *item = plan->items[i];
        if (!item->permission) continue;
        if (item->kind == PLAN_LINK && !grant_through_link(item, err)) return false;
        if ((item->parts & PLAN_CONTEXT) &&
            !context_set(&item->permission->spec->context, item->place, err))
            return false;
    }
    return true;
}

static bool perform(struct step *step, const struct plan *plan, const struct overlay *overlay,
                    struct error *err)
{
    const struct host *host = &step->host;
    struct journal journal AUTO(journal_deinit);
    struct stage stage AUTO(stage_deinit) = { .count = 0 };
    journal_init(&journal, step->spec->job.deployment.text);
    stage_compose(&stage, plan, overlay, &journal);
    if (!write_manifest(step, plan, err)) return false;
    if (!journal_write(&journal, host->journal, err)) return false;
    if (!stage_run(&stage, plan, &journal, step, err)) {
        struct error why = { .code = ERR_NONE }, first = *err;
        if (!journal_discard(&journal, &why) || !forget_journal(host, &why))
            error_set(err, first.code, "%.300s (and cleaning up: %.150s)", first.text, why.text);
        return false;
    }
    if (!journal_mark(&journal, host->journal, JOURNAL_COMMITTED, err)) return false;
    if (!commit_run(&journal, host, err)) return error_wrap(err, "commit");
    if (!grant_placed(plan, err)) return false;
    if (plan->late[0]) return error_set(err, ERR_INVALID, "%s", plan->late);
    return true;
}

static enum appspec_exists behavior_of(enum file_exists option)
{
    switch (option) {
    case FILE_EXISTS_DISALLOW: return APPSPEC_EXISTS_DISALLOW;
    case FILE_EXISTS_OVERWRITE: return APPSPEC_EXISTS_OVERWRITE;
    case FILE_EXISTS_RETAIN: return APPSPEC_EXISTS_RETAIN;
    }
    return APPSPEC_EXISTS_DISALLOW;
}

bool install_run(struct step *step, struct error *err)
{
    const struct step_spec *spec = step->spec;
    const struct host *host = &step->host;
    AUTO(auto_close) int lock = -1;
    struct appspec *appspec AUTO(appspec_free_at) = NULL;
    struct manifest old AUTO(manifest_deinit);
    struct overlay overlay AUTO(overlay_deinit);
    struct plan plan AUTO(plan_deinit);
    manifest_init(&old);
    overlay_init(&overlay);
    plan_init(&plan);
    if (!fs_make_folders(host->instructions, 0755, err)) return false;
    if (!lock_group(host, &lock, err) || !recover(host, err)) return false;
    const char *name = spec->appspec_filename[0] ? spec->appspec_filename : NULL;
    if (!appspec_load(host->archive, name, &appspec, err)) return false;
    if (!read_manifest(host, &old, err) || !overlay_clean(&overlay, &old, err)) return false;
    const struct plan_request request = { .appspec = appspec,
                                          .revision = host->archive,
                                          .behavior = behavior_of(spec->job.file_exists),
                                          .overlay = &overlay };
    return plan_make(&plan, &request, err) && perform(step, &plan, &overlay, err);
}
