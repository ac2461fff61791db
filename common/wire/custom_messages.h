/* custom_messages.h - jobs of custom actions: what a job worker of somebody's own asks for and
 * tells (AWS: PollForJobs, AcknowledgeJob, GetJobDetails, PutJobSuccessResult,
 * PutJobFailureResult). Included through wire/messages.h only.
 */
#pragma once
#include "wire/job.h"

/* AWS: JobStatus. */
#define CUSTOM_STATUSES(X)                                                                         \
    X(NONE, "") /* no custom action */                                                             \
    X(CREATED, "Created")                                                                          \
    X(QUEUED, "Queued")                                                                            \
    X(DISPATCHED, "Dispatched") /* somebody has polled it, and has not acknowledged it yet */      \
    X(IN_PROGRESS, "InProgress")                                                                   \
    X(TIMED_OUT, "TimedOut")                                                                       \
    X(SUCCEEDED, "Succeeded")                                                                      \
    X(FAILED, "Failed")

enum custom_status {
#define X(name, text) CUSTOM_##name,
    CUSTOM_STATUSES(X)
#undef X
};
#define CUSTOM_STATUS_COUNT (CUSTOM_FAILED + 1)
const char *custom_status_name(enum custom_status status);

enum {
    CUSTOM_CONTINUATION_MAX = 2048, /* AWS: ContinuationToken */
    CUSTOM_EXTERNAL_ID_MAX = 1500,  /* AWS: ExecutionId */
    CUSTOM_SUMMARY_MAX = 2048,      /* AWS: ExecutionSummary */
    CUSTOM_MESSAGE_MAX = 5000,      /* AWS: Message */
    CUSTOM_JOBS_MAX = 100,          /* of one poll */
    CUSTOM_SETTINGS_MAX = 50        /* of an action's configuration */
};

/* How the job of a custom action stands: part of its action_state. */
struct custom_state {
    enum custom_status status;
    struct id job;   /* another one after each continuation */
    struct id nonce; /* of who polled it last */
    uint64_t dispatched_ms;
    uint32_t percent;
    const char *continuation; /* the job worker's own: given back with the next poll */
    const char *external_id;
};

enum custom_verb { CUSTOM_POLL, CUSTOM_ACKNOWLEDGE, CUSTOM_SUCCEED, CUSTOM_FAIL };
#define CUSTOM_VERB_COUNT (CUSTOM_FAIL + 1)

struct custom_request {
    struct id submission;
    enum custom_verb verb;
    const char *type;         /* POLL: "CATEGORY/PROVIDER/VERSION" */
    uint32_t max;             /* POLL */
    struct id job, nonce;     /* the others; the nonce: ACKNOWLEDGE */
    const char *continuation; /* SUCCEED: it goes on with the next poll; "" it is done */
    const char *summary;      /* FAIL: the message */
    const char *external_id;
    uint32_t percent;             /* SUCCEED with a continuation */
    const struct variable *pairs; /* POLL: settings that must be so; SUCCEED: output variables */
    size_t pair_count;
};

struct custom_view_request {
    struct id job;
};

/* A poll tells `job`, `nonce`, `continuation` and where it belongs; the rest is for who asks. */
struct custom_job {
    struct id job, nonce, execution;
    enum custom_status status;
    const char *type, *pipeline, *stage, *action, *revision;
    const char *continuation, *external_id, *holder;
    uint32_t percent;
    uint64_t deadline_ms;
    const struct variable *settings; /* a secret one is "***" for everybody but the holder */
    size_t setting_count;
    const struct job_artifact *inputs; /* grants for the holder only */
    size_t input_count;
};
