#include "steps/fetch/replicate.h"

#include "bundle/delta.h"
#include "io/digest.h"
#include "steps/fetch/fetch.h"
#include "steps/fetch/make_delta.h"
#include "steps/fetch/put.h"

#include <stdio.h>
#include <string.h>

/* The object from the older revision that the region holds and a delta: only that crosses. */
NODISCARD static bool rebuild(struct step *step, const char *path, uint64_t *bytes,
                              struct error *err)
{
    const struct job *job = &step->spec->job;
    const struct job_artifact *base = &job->inputs[0], *delta = &job->inputs[1];
    char base_path[FS_PATH_MAX], delta_path[FS_PATH_MAX];
    uint8_t sha256[DIGEST_SIZE];
    uint64_t within = 0, size;
    if (!fs_join(base_path, step->folder, "base", err) ||
        !fs_join(delta_path, step->folder, "delta", err) ||
        !fetch_artifact(step, &delta->ref, &delta->grant, delta_path, bytes, err) ||
        !fetch_artifact(step, &base->ref, &base->grant, base_path, &within, err))
        return false;
    struct delta_job work = {
        .old_path = base_path, .new_path = path, .delta_path = delta_path, .scratch = step->folder
    };
    make_delta_bounds(step, &work);
    if (!delta_apply(&work, err) || !digest_file(path, sha256, &size, err)) return false;
    if (size != job->input.size || memcmp(sha256, job->input.sha256, DIGEST_SIZE) != 0)
        return error_set(err, ERR_CORRUPT, "the delta makes another object than the one wanted");
    return fs_remove_tree(base_path, err) && fs_remove_tree(delta_path, err);
}

/* What an attempt that failed has left. */
static void clear(const struct step *step)
{
    static const char *const names[] = { "base", "base.parts", "rebuilt", "delta", "delta.parts" };
    struct error ignored;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char left[FS_PATH_MAX];
        /* What cannot be removed goes with the step's folder. */
        if (!fs_join(left, step->folder, names[i], &ignored) || !fs_remove_tree(left, &ignored))
            continue;
    }
}

/* True when the object is in `path`. False with *err of ERR_NONE: the whole has to be fetched. */
NODISCARD static bool obtain_by_delta(struct step *step, char path[FS_PATH_MAX],
                                      struct step_report *report, struct error *err)
{
    struct error why = { .code = ERR_NONE };
    char whole[FS_PATH_MAX];
    *err = (struct error){ .code = ERR_NONE };
    if (step->spec->job.input_count != 2) return false;
    if (!fs_join(whole, step->folder, "object", err) ||
        !fs_join(path, step->folder, "rebuilt", err))
        return false;
    if (fs_exists(whole)) {
        snprintf(report->note, sizeof report->note,
                 "an earlier run of this step had begun to fetch the whole");
        return false;
    }
    if (rebuild(step, path, &report->bytes, &why)) {
        report->way = COPY_WAY_DELTA;
        return true;
    }
    if (!step_continues(step, err)) return false;
    clear(step);
    snprintf(report->note, sizeof report->note, "%s", why.text);
    return false;
}

/* The cheapest way that works. */
NODISCARD static bool obtain(struct step *step, char path[FS_PATH_MAX], struct step_report *report,
                             struct error *err)
{
    uint64_t whole = 0;
    if (obtain_by_delta(step, path, report, err)) return true;
    if (err->code != ERR_NONE || !fs_join(path, step->folder, "object", err)) return false;
    report->way = COPY_WAY_WHOLE;
    bool fetched = fetch_object(step, path, &whole, err);
    report->bytes += whole;
    return fetched;
}

bool replicate_run(struct step *step, struct step_report *report, struct error *err)
{
    char path[FS_PATH_MAX];
    return obtain(step, path, report, err) &&
           put_copy(step, path, report->version_id, sizeof report->version_id, err) &&
           fs_remove_tree(path, err);
}
