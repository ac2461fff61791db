/* fetch.h - a job's input over the network into a file.
 *
 * Blocking, resumed after cuts, verified (transfer.h). The step's cancel and lease end it.
 */
#pragma once
#include "steps/step.h"

/* How long a step waits for a store that is away, before it fails. */
enum { FETCH_PATIENCE_MS = 10 * 60 * 1000 };

/* The owner of a transfer: tells how far it is, or what it waits for, and ends it with the step. */
struct fetch_watch {
    struct step *step;
    struct error why;
    const char *what; /* "store-us-east-1" */
    char cause[128];  /* "" it moves */
    uint64_t done;    /* when it last moved */
};
bool fetch_go_on(void *watch, uint64_t done, uint64_t total);
void fetch_waits(void *watch, const char *cause);

/* *bytes is what crossed the network. */
NODISCARD bool fetch_artifact(struct step *step, const struct artifact_ref *ref,
                              const struct grant *grant, const char *path, uint64_t *bytes,
                              struct error *err);
/* The job's input. */
NODISCARD bool fetch_object(struct step *step, const char *path, uint64_t *bytes,
                            struct error *err);
