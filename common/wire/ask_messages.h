/* ask_messages.h - what operators ask beside the tree: why, which regions, what if, and drains.
 *
 * Everything here is composed at the moment of the question and is never stored.
 * Included through wire/messages.h only.
 */
#pragma once
#include "wire/names.h"

/* Why something has not ended, in the order in which an execution meets it. */
#define REASONS(X)                                                                                 \
    X(DEFINITION, "DefinitionUnreadable")  /* the execution cannot go on */                        \
    X(TRANSITION, "TransitionDisabled")    /* the door into its next stage is closed */            \
    X(OCCUPIED, "StageOccupied")           /* another execution is in its next stage */            \
    X(TURN, "StageTurn")                   /* ... or comes first there */                          \
    X(STOPPING, "StopRequested")           /* it ends when what runs has ended */                  \
    X(APPROVAL, "ApprovalAwaited")         /* a person has to answer */                            \
    X(FLEET, "FleetUnknown")               /* the coordinator has just started */                  \
    X(NO_WORKER, "NoWorkerEnrolled")       /* in the region */                                     \
    X(COPY, "ArtifactAwaited")             /* it is not in the region's store yet */               \
    X(COPY_ELSEWHERE, "ArtifactElsewhere") /* another execution copies the same bytes */           \
    X(BACK_OFF, "RetryBackOff")            /* after a failed attempt */                            \
    X(NOBODY_FREE, "NoWorkerFree")         /* for a copy or a build */                             \
    X(HOST_LOST, "HostNotConnected")                                                               \
    X(HOST_DRAINED, "HostDrained") /* an operator wants no new jobs there */                       \
    X(HOST_BUSY, "HostBusy")       /* with another job of the same deployment group */             \
    X(OFFERED, "OfferUnanswered")  /* the worker has not accepted yet */                           \
    X(REFUSED, "OfferRefused")                                                                     \
    X(ACCEPTED, "JobAccepted")        /* no event of it has begun */                               \
    X(RUNNING, "EventRunning")        /* a lifecycle event runs */                                 \
    X(INTERRUPTED, "HookInterrupted") /* a person has to say how it goes on */                     \
    X(RESUMED, "ResumeOrdered")       /* the word is on its way */                                 \
    X(CANCELLED, "CancelOrdered")     /* the host has to end it */                                 \
    X(HOST_TURN, "HostTurn")          /* the deployment configuration lets others go first */      \
    X(OTHER, "Waiting")       /* what the execution itself says; or the next turn decides */       \
    X(BAKE, "WaveBakes")      /* a wave of regions has ended and is watched */                     \
    X(WAVE, "WaveAwaited")    /* regions that begin after others */                                \
    X(BARRIER, "BarrierHeld") /* a host is prepared and waits for the others */                    \
    X(CONDITION, "ConditionAwaited") /* a rule before or behind a stage's actions */

enum reason_code {
#define X(name, text) REASON_##name,
    REASONS(X)
#undef X
};
#define REASON_COUNT (REASON_CONDITION + 1)
const char *reason_code_name(enum reason_code code);

struct reason {
    enum reason_code code;
    const char *stage, *action, *region, *worker; /* "" where it belongs to none */
    const char *text;                             /* what is waited for */
    const char *fix;                /* a command, or what to do; "" nothing but wait */
    uint64_t since_ms, deadline_ms; /* wall clock; 0: not known, none */
};

/* A worker that is drained ends what it has and gets nothing new. */
struct drain_request {
    struct id submission;
    const char *worker;
    bool drain; /* or let it work again */
    const char *reason;
};

struct region_summary {
    const char *region;
    const char *stores; /* of the pipelines in force, "a, b" */
    bool primary;
    uint32_t workers, connected, drained, jobs;
    uint32_t artifacts, copying; /* of the executions that are remembered */
    uint64_t artifact_bytes;     /* of those artifacts */
    uint64_t moved_bytes;        /* that crossed regions to get there */
};

struct preview_request {
    const char *file; /* as the user named it: for messages */
    struct bytes text;
};

#define PREVIEW_OPS(X)                                                                             \
    X(ADD, "add")                                                                                  \
    X(REMOVE, "remove")                                                                            \
    X(CHANGE, "change")

enum preview_op {
#define X(name, text) PREVIEW_##name,
    PREVIEW_OPS(X)
#undef X
};
#define PREVIEW_OP_COUNT (PREVIEW_CHANGE + 1)
const char *preview_op_name(enum preview_op op);

struct preview_change {
    enum preview_op op;
    const char *stage, *action; /* "" of the pipeline, of the stage */
    const char *what;           /* "region", "configuration.S3Bucket"; "" the thing as a whole */
    const char *before, *after;
};

/* One action of the execution that would be started now. */
struct preview_step {
    const char *stage, *action, *region, *provider;
    uint32_t run_order;
    uint32_t hosts, away; /* how many take part; how many of them are lost or drained now */
    uint64_t bytes;       /* that cross regions for it; 0 also when the size is not known */
    const char *note;     /* "" or what is particular */
};
