#include "steps/fetch/fetch.h"

#include "io/transfer.h"

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

bool fetch_artifact(struct step *step, const struct artifact_ref *ref, const struct grant *grant,
                    const char *path, uint64_t *bytes, struct error *err)
{
    struct watch watch = { .step = step };
    const struct transfer transfer = { .url = grant->url,
                                       .pin = grant->pin,
                                       .path = path,
                                       .size = ref->size,
                                       .sha256 = ref->sha256,
                                       .fn = go_on,
                                       .owner = &watch };
    if (transfer_get(&transfer, bytes, err)) return true;
    return error_wrap(err, "fetch '%s' of store '%s'", ref->key, ref->store);
}

bool fetch_object(struct step *step, const char *path, uint64_t *bytes, struct error *err)
{
    const struct job *job = &step->spec->job;
    return fetch_artifact(step, &job->input, &job->read, path, bytes, err);
}
