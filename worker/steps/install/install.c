#include "steps/install/install.h"

#include "steps/install/commit.h"
#include "steps/install/context.h"
#include "steps/install/grant.h"
#include "steps/install/keep.h"
#include "steps/install/manifest.h"
#include "steps/install/recovery.h"
#include "steps/install/stage.h"

#include <stdio.h>
#include <unistd.h>

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
        manifest_add_kept(&next, item->kind == PLAN_FOLDER ? MANIFEST_FOLDER : MANIFEST_FILE,
                          item->path);
    }
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_item *item = plan->items[i];
        if (item->parts & PLAN_CONTEXT) manifest_add_kept(&next, MANIFEST_CONTEXT, item->place);
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

/* What a second run of a deployment's install finds was kept by the first: the second one replaces
 * only what the first has put there. */
static bool find_kept(struct keep *keep, const struct step *step, bool *found, struct error *err)
{
    const struct host *host = &step->host;
    if (!keep_read(keep, host, found, err)) return false;
    if (!*found || text_equal(keep->deployment, step->spec->job.deployment.text)) return true;
    *found = false;
    return keep_forget(keep, host, err);
}

static bool compose_kept(struct keep *keep, const struct step *step, const struct plan *plan,
                         const struct journal *journal, struct error *err)
{
    const struct job *job = &step->spec->job;
    keep_deinit(keep);
    keep_init(keep);
    keep->deployment = arena_text(&keep->arena, job->deployment.text);
    keep->revision = arena_text(&keep->arena, job->revision);
    return keep_compose(keep, &step->host, plan, journal, err);
}

/* One install, and what is kept of what it replaces. */
struct install {
    struct step *step;
    const struct plan *plan;
    struct journal journal;
    struct stage stage;
    struct keep keep;
    bool keeping; /* this run keeps; false also where an earlier run has kept */
};

static void install_deinit(struct install *in)
{
    journal_deinit(&in->journal);
    stage_deinit(&in->stage);
    keep_deinit(&in->keep);
}

static bool prepare(struct install *in, struct error *err)
{
    struct step *step = in->step;
    const struct host *host = &step->host;
    bool found;
    if (!find_kept(&in->keep, step, &found, err)) return false;
    in->keeping = !found && step->spec->job.on_failure == ON_FAILURE_RESTORE;
    if (in->keeping && !compose_kept(&in->keep, step, in->plan, &in->journal, err)) return false;
    const char *revision = step->spec->job.revision;
    if (revision[0] && !fs_write_atomic(host->revision, bytes_of_text(revision), 0644, err))
        return false;
    return write_manifest(step, in->plan, err) && journal_write(&in->journal, host->journal, err);
}

/* Everything before the commit; nothing of it stays when it fails. */
static bool stage(struct install *in, struct error *err)
{
    const struct host *host = &in->step->host;
    if ((!in->keeping || keep_write(&in->keep, host, err)) &&
        stage_run(&in->stage, in->plan, &in->journal, in->step, err) &&
        (!in->keeping || keep_run(&in->keep, host, err)))
        return true;
    struct error why = { .code = ERR_NONE }, first = *err;
    if ((in->keeping && !keep_forget(&in->keep, host, &why)) ||
        !journal_discard(&in->journal, &why) || !recovery_forget_journal(host, &why))
        error_set(err, first.code, "%.300s (and cleaning up: %.150s)", first.text, why.text);
    return false;
}

static size_t count_files(const struct plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++) count += plan->items[i]->kind != PLAN_FOLDER;
    return count;
}

static bool commit(struct install *in, struct error *err)
{
    const struct host *host = &in->step->host;
    if (!journal_mark(&in->journal, host->journal, JOURNAL_COMMITTED, err)) return false;
    in->step->files = count_files(in->plan);
    if (in->keeping && !keep_mark(&in->keep, host, KEEP_COMMITTED, err)) return false;
    if (!commit_run(&in->journal, host, err)) return error_wrap(err, "commit");
    if (!grant_placed(in->plan, err)) return false;
    if (in->plan->late[0]) return error_set(err, ERR_INVALID, "%s", in->plan->late);
    return true;
}

static bool perform(struct step *step, struct plan *plan, struct overlay *overlay,
                    struct error *err)
{
    struct install in = { .step = step, .plan = plan };
    journal_init(&in.journal, step->spec->job.deployment.text);
    keep_init(&in.keep);
    stage_compose(&in.stage, plan, overlay, &in.journal);
    plan_close(plan);
    overlay_close(overlay);
    bool ok = prepare(&in, err) && stage(&in, err) && commit(&in, err);
    install_deinit(&in);
    return ok;
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
    if (!recovery_begin(host, &lock, err) || !recovery_finish_undo(host, err)) return false;
    const char *name = spec->appspec_filename[0] ? spec->appspec_filename : NULL;
    if (!appspec_load(host->archive, name, &appspec, err)) return false;
    if (!read_manifest(host, &old, err) || !overlay_clean(&overlay, &old, err)) return false;
    const struct plan_request request = { .appspec = appspec,
                                          .revision = host->archive,
                                          .behavior = behavior_of(spec->job.file_exists),
                                          .overlay = &overlay };
    return plan_make(&plan, &request, err) && perform(step, &plan, &overlay, err);
}
