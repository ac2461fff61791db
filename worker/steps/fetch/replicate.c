#include "steps/fetch/replicate.h"

#include "io/transfer.h"
#include "steps/fetch/fetch.h"

bool replicate_run(struct step *step, struct step_report *report, struct error *err)
{
    const struct job *job = &step->spec->job;
    char path[FS_PATH_MAX], version[TRANSFER_VERSION_SIZE];
    if (!fs_join(path, step->folder, "object", err)) return false;
    if (!fetch_object(step, path, &report->bytes, err)) return false;
    struct fetch_watch watch = { .step = step, .what = job->output.store };
    const struct transfer transfer = { .url = job->write.url,
                                       .pin = job->write.pin,
                                       .path = path,
                                       .size = job->input.size,
                                       .sha256 = job->input.sha256,
                                       .rate_max = step->spec->transfer_rate_max,
                                       .fn = fetch_go_on,
                                       .patience_ms = FETCH_PATIENCE_MS,
                                       .wait_fn = fetch_waits,
                                       .owner = &watch };
    uint64_t sent = 0; /* within the region: only what was fetched crossed one */
    if (!transfer_put(&transfer, version, &sent, err))
        return error_wrap(err, "put '%s' into store '%s'", job->output.key, job->output.store);
    if (!text_copy(report->version_id, sizeof report->version_id, version))
        return error_set(err, ERR_INVALID, "the store's version id is too long");
    return fs_remove_tree(path, err);
}
