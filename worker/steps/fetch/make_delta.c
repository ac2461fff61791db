#include "steps/fetch/make_delta.h"

#include "bundle/archive.h"
#include "bundle/delta.h"
#include "io/digest.h"
#include "steps/fetch/fetch.h"
#include "steps/fetch/put.h"

static bool go_on(void *owner, uint64_t done, uint64_t total)
{
    struct step *step = owner;
    struct error ignored;
    step_progress(step, done, total, "bytes");
    return step_continues(step, &ignored);
}

void make_delta_bounds(struct step *step, struct delta_job *job)
{
    job->memory_max = step->spec->delta_memory_max;
    job->unpacked_max = archive_limits_default.bytes_max; /* what a host would unpack */
    job->go_on = go_on;
    job->owner = step;
}

NODISCARD static bool make(struct step *step, const struct job_artifact *output, const char *path,
                           struct error *err)
{
    const struct job *job = &step->spec->job;
    const struct job_artifact *base = &job->inputs[0];
    char old_path[FS_PATH_MAX], new_path[FS_PATH_MAX];
    struct delta_made made;
    uint64_t ignored = 0; /* within the region */
    if (!fs_join(old_path, step->folder, "base", err) ||
        !fs_join(new_path, step->folder, "object", err) ||
        !fetch_artifact(step, &base->ref, &base->grant, old_path, &ignored, err) ||
        !fetch_object(step, new_path, &ignored, err))
        return false;
    struct delta_job work = {
        .old_path = old_path, .new_path = new_path, .delta_path = path, .scratch = step->folder
    };
    make_delta_bounds(step, &work);
    if (!delta_make(&work, &made, err)) return error_wrap(err, "compare the two revisions");
    if (!fs_remove_tree(old_path, err) || !fs_remove_tree(new_path, err)) return false;
    if (made.size <= output->ref.size) return true;
    return error_set(err, ERR_CONFLICT,
                     "it would have %llu of the whole's %llu bytes: not worth it",
                     (unsigned long long)made.size, (unsigned long long)job->input.size);
}

bool make_delta_run(struct step *step, struct step_report *report, struct error *err)
{
    const struct job *job = &step->spec->job;
    char path[FS_PATH_MAX];
    if (job->input_count != 1 || job->output_count != 1)
        return error_set(err, ERR_INVALID, "a delta is made of one older revision into one object");
    const struct job_artifact *output = &job->outputs[0];
    return fs_join(path, step->folder, "delta", err) && make(step, output, path, err) &&
           put_output(step, output, path, report, err) && fs_remove_tree(path, err);
}
