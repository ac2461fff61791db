#include "steps/fetch/replicate.h"

#include "io/transfer.h"
#include "steps/fetch/fetch.h"

struct watch {
    struct step *step;
    struct error why;
};

static bool go_on(void *owner, uint64_t done, uint64_t total)
{
    struct watch *watch = owner;
    step_progress(watch->step, done, total, "bytes");
    return step_continues(watch->step, &watch->why);
}

bool replicate_run(struct step *step, struct step_report *report, struct error *err)
{
    const struct job *job = &step->spec->job;
    char path[FS_PATH_MAX], version[TRANSFER_VERSION_SIZE];
    if (!fs_join(path, step->folder, "object", err)) return false;
    if (!fetch_object(step, path, &report->bytes, err)) return false;
    struct watch watch = { .step = step };
    const struct transfer transfer = { .url = job->write.url,
                                       .pin = job->write.pin,
                                       .path = path,
                                       .size = job->input.size,
                                       .sha256 = job->input.sha256,
                                       .fn = go_on,
                                       .owner = &watch };
    uint64_t sent = 0; /* within the region: only what was fetched crossed one */
    if (!transfer_put(&transfer, version, &sent, err))
        return error_wrap(err, "put '%s' into store '%s'", job->output.key, job->output.store);
    if (!text_copy(report->version_id, sizeof report->version_id, version))
        return error_set(err, ERR_INVALID, "the store's version id is too long");
    return fs_remove_tree(path, err);
}
