#include "steps/fetch/put.h"

#include "io/digest.h"
#include "io/transfer.h"
#include "steps/fetch/fetch.h"

static struct transfer transfer_of(struct fetch_watch *watch, const struct grant *grant,
                                   const struct artifact_ref *content, const char *path)
{
    return (struct transfer){ .url = grant->url,
                              .pin = grant->pin,
                              .path = path,
                              .size = content->size,
                              .sha256 = content->sha256,
                              .rate_max = watch->step->spec->transfer_rate_max,
                              .fn = fetch_go_on,
                              .patience_ms = FETCH_PATIENCE_MS,
                              .wait_fn = fetch_waits,
                              .owner = watch };
}

NODISCARD static bool take_version(const char *given, char *version, size_t size, struct error *err)
{
    if (text_copy(version, size, given)) return true;
    return error_set(err, ERR_INVALID, "the store's version id is too long");
}

NODISCARD static bool put_object(struct step *step, const struct artifact_ref *to,
                                 const struct grant *grant, const struct artifact_ref *content,
                                 const char *path, char *version, size_t version_size,
                                 struct error *err)
{
    char given[TRANSFER_VERSION_SIZE];
    struct fetch_watch watch = { .step = step, .what = to->store };
    const struct transfer transfer = transfer_of(&watch, grant, content, path);
    uint64_t sent = 0; /* within the region: only what was fetched crossed one */
    if (!transfer_put(&transfer, given, &sent, err))
        return error_wrap(err, "put '%s' into store '%s'", to->key, to->store);
    return take_version(given, version, version_size, err);
}

NODISCARD static bool put_in_parts(struct step *step, const char *path, char *version,
                                   size_t version_size, struct error *err)
{
    const struct job *job = &step->spec->job;
    const struct grant complete = { .url = job->parts[0].complete, .pin = "" };
    struct fetch_watch watch = { .step = step, .what = job->output.store };
    const struct transfer transfer = transfer_of(&watch, &complete, &job->input, path);
    char record[FS_PATH_MAX], given[TRANSFER_VERSION_SIZE];
    uint64_t sent = 0;
    if (!fs_join(record, step->folder, "put.parts", err)) return false;
    const struct transfer_parts parts = { .url = job->parts[0].url,
                                          .signatures = job->parts[0].signatures,
                                          .part_bytes = job->parts[0].part_bytes,
                                          .look = job->parts[0].look,
                                          .record = record };
    if (!transfer_put_parts(&transfer, &parts, given, &sent, err))
        return error_wrap(err, "put '%s' into store '%s' in parts", job->output.key,
                          job->output.store);
    return take_version(given, version, version_size, err) && fs_remove_tree(record, err);
}

bool put_copy(struct step *step, const char *path, char *version, size_t version_size,
              struct error *err)
{
    const struct job *job = &step->spec->job;
    if (job->parts_count) {
        if (put_in_parts(step, path, version, version_size, err)) return true;
        if (err->code != ERR_NOT_FOUND || !job->write.url[0]) return false;
    }
    return put_object(step, &job->output, &job->write, &job->input, path, version, version_size,
                      err);
}

bool put_output(struct step *step, const struct job_artifact *output, const char *path,
                struct step_report *report, struct error *err)
{
    struct job_artifact *told = &report->outputs[report->output_count];
    char *version = report->output_versions[report->output_count];
    char url[TRANSFER_URL_MAX];
    *told = (struct job_artifact){ .name = output->name, .ref = output->ref };
    told->grant = (struct grant){ .url = "", .pin = "" };
    if (!digest_file(path, told->ref.sha256, &told->ref.size, err)) return false;
    if (told->ref.size > output->ref.size)
        return error_set(err, ERR_INVALID, "artifact '%s' has %llu bytes, at most %llu",
                         output->name, (unsigned long long)told->ref.size,
                         (unsigned long long)output->ref.size);
    if (!transfer_url_for(output->grant.url, told->ref.size, told->ref.sha256, url, err))
        return false;
    const struct grant grant = { .url = url, .pin = output->grant.pin };
    if (!put_object(step, &output->ref, &grant, &told->ref, path, version,
                    sizeof report->output_versions[0], err))
        return error_wrap(err, "artifact '%s'", output->name);
    told->ref.version_id = version;
    report->output_count++;
    return true;
}
