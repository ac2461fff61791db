#include "steps/fetch/put.h"

#include "io/digest.h"
#include "io/transfer.h"
#include "steps/fetch/fetch.h"

bool put_object(struct step *step, const struct artifact_ref *to, const struct grant *grant,
                const struct artifact_ref *content, const char *path, char *version,
                size_t version_size, struct error *err)
{
    char given[TRANSFER_VERSION_SIZE];
    struct fetch_watch watch = { .step = step, .what = to->store };
    const struct transfer transfer = { .url = grant->url,
                                       .pin = grant->pin,
                                       .path = path,
                                       .size = content->size,
                                       .sha256 = content->sha256,
                                       .rate_max = step->spec->transfer_rate_max,
                                       .fn = fetch_go_on,
                                       .patience_ms = FETCH_PATIENCE_MS,
                                       .wait_fn = fetch_waits,
                                       .owner = &watch };
    uint64_t sent = 0; /* within the region: only what was fetched crossed one */
    if (!transfer_put(&transfer, given, &sent, err))
        return error_wrap(err, "put '%s' into store '%s'", to->key, to->store);
    if (text_copy(version, version_size, given)) return true;
    return error_set(err, ERR_INVALID, "the store's version id is too long");
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
