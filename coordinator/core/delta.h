/* delta.h - copies told by the bytes of an older revision that the region holds.
 *
 * A copy that has to be made is looked at once: the newest revision of the same artifact that an
 * execution which is remembered has left in the region's store is its base. The delta from it is
 * made once, where the artifact comes from, by a job of its own, and is kept there beside the
 * artifact; copies to all regions that hold the same base, of this execution and of later ones,
 * use it. While it is made they wait, for config.delta.timeout_ms at most.
 *
 * Nothing depends on a delta: without a worker to make it, when it fails, is too large or comes too
 * late, the whole is copied, and the copy's note says why. The job of a copy brings both addresses,
 * so that a worker to which the base or the delta is of no use takes the whole at once; a second
 * attempt is never offered a delta.
 */
#pragma once
#include "core/model.h"

enum { DELTA_WORKER_WAIT_MS = 15000 /* for a worker that could make it to connect */ };

/* True while the copy, which is PENDING, has to wait for its delta. Begins it. */
bool delta_wait(struct coordinator *c, struct model_execution *e, size_t copy, size_t stage,
                size_t action);
/* The job that makes one has ended for good. */
void delta_ended(struct coordinator *c, struct model_job *job, const struct result *result);
/* Until when somebody waits for it, wall clock; 0 when nobody does. */
uint64_t delta_deadline(const struct model_job *job);
/* Until when it waits for a worker that is connected. */
uint64_t delta_worker_end(const struct model_job *job);
/* Why the copy waits for it; "" when it does not. */
const char *delta_cause(struct coordinator *c, const struct model_execution *e,
                        const struct copy_state *copy);
/* What the job that makes one reads and writes. */
void delta_offer(struct coordinator *c, struct job *to, const struct model_job *job);
/* What the job of a copy may use instead of the whole. */
void delta_offer_copy(struct coordinator *c, struct job *to, const struct model_job *job,
                      const struct copy_state *copy);

/* The newest revision of the artifact in that store which is another one than `sha256`, and came
 * from the store `origin`. False when there is none. */
struct delta_base {
    const struct artifact_ref *there, *origin;
    const char *revision;
};
bool delta_base_find(const struct model_pipeline *p, const char *artifact, const char *store,
                     const uint8_t sha256[SHA256_SIZE], const char *origin, struct delta_base *out);
/* Whether config.delta lets an artifact of that size be told by another. */
bool delta_allowed(const struct coordinator *c, uint64_t size);
