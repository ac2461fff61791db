/* retention.h - which versions in the stores may go, and how they go.
 *
 * Needed are: what a live execution uses, or one on whose jobs hosts still work; the newest
 * execution of a pipeline (it may be retried); in each stage the newest success and the one before
 * it (what a rollback brings back); the newest revision of a source; and what a host has now.
 *
 * An object goes in three steps, so that nobody uses again what is gone: the shell asks with
 * COORDINATOR_REMOVE, the core marks every reference to it as removed in its records, and only
 * after that commit the shell is told to erase it (COORDINATOR_ERASE). Where a crash loses the
 * last step, the object is found again by the next look at the store.
 */
#pragma once
#include "core/model.h"

void retention_event(struct coordinator *c, const struct coordinator_event *event);

/* A store's rule, as S3's lifecycle has it: a version goes when at least `count` newer ones are
 * there and it is older than `age_ms`; 0: that part does not hold anything back. Both 0: no rule.
 */
struct retention_rule {
    uint32_t count;
    uint64_t age_ms;
};

/* Sets doomed[i] for each version that the rule gives up, in any order of `objects`; what is
 * needed stays, whatever the rule says. Counted together are the versions of a key, and for keys
 * "PIPELINE/ARTIFACT/..." those of all such keys. Delete markers go with the last version. */
void retention_select(const struct stored_object *objects, size_t count,
                      const struct retention_rule *rule, uint64_t now_ms, bool *doomed);
