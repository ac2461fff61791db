/* resume_messages.h - a hook that was interrupted, and what the operator says to it.
 *
 * A step that runs no more and left no outcome (its host rebooted, the kernel killed it) is run
 * again. The step itself finds that one of its scripts had begun and may not begin twice; then the
 * job is *interrupted*: it keeps its target, its deadline goes on, and it waits.
 *
 *     W -> C  INTERRUPTED      each resend_ms until INTERRUPTED_ACK (the journal holds it)
 *     C -> W  RESUME (signed)  the operator's word, each offer_resend_ms until RESUME_ACK
 *
 * Both name the very run that was interrupted (struct step_key). The worker acts on a RESUME only
 * while it waits at that run, so that the word counts once however often it arrives; afterwards,
 * or when the job is over, it only acknowledges. Audience and epoch are checked as of a CANCEL.
 *
 * A job that holds (job.hold) tells in the same words that it is prepared: `at` is the run of
 * Install that it has not begun, the report says PENDING. It hears RESUME_GO_ON and nothing else.
 * Included through wire/messages.h only.
 */
#pragma once
#include "wire/worker_messages.h"

enum resume_verb {
    RESUME_NONE,  /* nothing was said yet */
    RESUME_RERUN, /* begin the interrupted script once more, then the rest of the event */
    RESUME_SKIP,  /* leave the event as it is and go on with the next one */
    RESUME_GO_ON  /* of a job that is held, the coordinator's own: all others are prepared, too */
};
#define RESUME_VERB_COUNT (RESUME_GO_ON + 1)
const char *resume_verb_name(enum resume_verb verb); /* "rerun-step" ... */

/* One run of one step. */
struct step_key {
    struct job_key key;
    uint32_t step, run; /* as in the worker's row: run 1, 2, ... */
};

struct interrupted {
    struct step_key at;
    struct lifecycle_report report; /* of the event: status UNKNOWN */
    struct diagnostics diagnostics;
};

struct resume {
    struct step_key at;
    enum resume_verb verb; /* never NONE */
    const char *worker;
    struct id incarnation;
    uint64_t epoch;
};

struct signed_resume {
    struct bytes signed_resume;
    uint8_t signature[SIGNATURE_SIZE];
    const struct resume *resume; /* not on the wire: decoded by the shell after verifying */
};

/* What the coordinator's journal says of it. */
struct interruption {
    uint32_t step, run;    /* run 0: the job was never interrupted */
    enum resume_verb verb; /* the operator's word for this run */
    bool obeyed;           /* the worker has acted on it: the job goes on */
    bool held;             /* it is none: the job is prepared and waits before that run */
};

/* Every interrupted job of the execution that fits; they must have stopped at one event. */
struct resume_request {
    struct id submission;
    const char *pipeline, *execution; /* as in stop_request */
    const char *action, *worker;      /* "" any */
    enum resume_verb verb;
};
