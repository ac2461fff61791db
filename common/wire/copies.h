/* copies.h - artifacts of an execution in the regions' stores: part of wire/execution.h.
 * Included through wire/messages.h only.
 */
#pragma once
#include "wire/job.h"

/* One artifact in one region's store. */
struct copy_state {
    const char *artifact, *region;
    struct artifact_ref ref; /* version_id "" until it is there */
    enum status status;
    struct id job;  /* the replication; "" for the origin */
    uint64_t bytes; /* that crossed regions for it */
    enum copy_way way;
    uint32_t delta;            /* which of the execution's is used, from 1; 0 none */
    const char *base_revision; /* COPY_WAY_DELTA: the revision that it was told by */
    const char *note;          /* why it was not a cheaper way; "" */
    uint64_t saved;            /* bytes that did not have to cross regions */
    uint64_t cost, cost_saved; /* nano-dollars, of `bytes` and of `saved` ... */
    bool priced;               /* ... if the price was known then */
};

/* What copies of one artifact to regions that hold the same older revision are told by. */
struct delta_state {
    const char *artifact, *region; /* where it is made and kept */
    const char *base_revision;
    struct artifact_ref older;   /* the older revision, where it came from */
    uint8_t sha256[SHA256_SIZE]; /* of the newer one */
    struct artifact_ref ref;     /* the delta; version_id "" until it is there */
    enum status status;
    struct id job;
    const char *note; /* why there is none; "" */
};
