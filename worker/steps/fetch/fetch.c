#include "steps/fetch/fetch.h"

#include "io/transfer.h"

#include <stdio.h>

bool fetch_go_on(void *owner, uint64_t done, uint64_t total)
{
    struct fetch_watch *watch = owner;
    char what[256];
    if (done != watch->done) watch->cause[0] = '\0';
    watch->done = done;
    snprintf(what, sizeof what, "waits for store %s: %s", watch->what, watch->cause);
    if (watch->cause[0])
        step_waits(watch->step, done, total, what);
    else
        step_progress(watch->step, done, total, "bytes");
    return step_continues(watch->step, &watch->why);
}

void fetch_waits(void *owner, const char *cause)
{
    struct fetch_watch *watch = owner;
    snprintf(watch->cause, sizeof watch->cause, "%.120s", cause);
}

bool fetch_artifact(struct step *step, const struct artifact_ref *ref, const struct grant *grant,
                    const char *path, uint64_t *bytes, struct error *err)
{
    struct fetch_watch watch = { .step = step, .what = ref->store };
    const struct transfer transfer = { .url = grant->url,
                                       .pin = grant->pin,
                                       .path = path,
                                       .size = ref->size,
                                       .sha256 = ref->sha256,
                                       .rate_max = step->spec->transfer_rate_max,
                                       .fn = fetch_go_on,
                                       .patience_ms = FETCH_PATIENCE_MS,
                                       .wait_fn = fetch_waits,
                                       .owner = &watch };
    if (transfer_get(&transfer, bytes, err)) return true;
    return error_wrap(err, "fetch '%s' of store '%s'", ref->key, ref->store);
}

bool fetch_object(struct step *step, const char *path, uint64_t *bytes, struct error *err)
{
    const struct job *job = &step->spec->job;
    return fetch_artifact(step, &job->input, &job->read, path, bytes, err);
}
