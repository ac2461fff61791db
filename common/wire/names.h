/* names.h - the words of the field, as AWS spells them, and every limit of the wire.
 *
 * One enum of statuses serves pipelines, stages, actions, deployments, targets and lifecycle
 * events: AWS's per-level enums are subsets of it (CodePipeline model 2015-07-09, CodeDeploy
 * model 2014-10-06). The text is what users see and what JSON carries.
 * Included through wire/messages.h only.
 */
#pragma once
#include "base/arena.h"
#include "base/id.h"

enum {
    WIRE_FRAME_MAX = 1 << 20,    /* a whole message, bytes; ZMQ_MAXMSGSIZE as well */
    WIRE_DECODE_MAX = 4 << 20,   /* memory that decoding one message may take */
    WIRE_NAME_MAX = 100,         /* pipeline, stage, action, artifact, application, worker */
    WIRE_KEY_MAX = 1024,         /* an object key, a version id, an etag (S3's limit) */
    WIRE_TARGET_MAX = 256,       /* what must not be worked on twice at once */
    WIRE_PATH_MAX = 4095,        /* a file name */
    WIRE_URL_MAX = 8192,         /* a presigned URL: bucket, key and session token, escaped */
    WIRE_TEXT_MAX = 5000,        /* an error message (AWS: errorDetails.message) */
    TRANSITION_REASON_MAX = 300, /* AWS: disabledReason */
    APPROVAL_SUMMARY_MAX = 512,  /* AWS: ApprovalResult.summary */
    WIRE_LOG_TAIL_MAX = 2048,    /* the agent's log tail */
    WIRE_ROWS_MAX = 1000,        /* jobs that one worker may hold */
    WIRE_EVENTS_MAX = 16,        /* lifecycle events of one deployment */
    WIRE_STAGES_MAX = 50,
    WIRE_ACTIONS_MAX = 500,
    WIRE_ARTIFACTS_MAX = 100,
    WIRE_DELTAS_MAX = 100,         /* of one execution */
    WIRE_BUILD_ARTIFACTS_MAX = 5,  /* in and out of one build */
    WIRE_VARIABLES_MAX = 50,       /* of one build's environment, of a pipeline, of one action */
    WIRE_VARIABLE_MAX = 2000,      /* a value of it (AWS: environmentVariables) */
    WIRE_VARIABLE_NAME_MAX = 128,  /* of a pipeline's or an action's (AWS: 1 to 128) */
    WIRE_JOBS_MAX = 1000,          /* targets of one execution in one reply */
    WIRE_LIST_MAX = 1000,          /* entries of any list in a reply */
    WIRE_DOCUMENT_MAX = 512 << 10, /* a pipeline definition's text */
    WIRE_LOG_CHUNK_MAX = 64 << 10,
    WIRE_SIGNED_MAX = 512 << 10, /* a signed job or cancel */
    SHA256_SIZE = 32,
    SIGNATURE_SIZE = 64
};

#define STATUSES(X)                                                                                \
    X(PENDING, "Pending") /* nothing has been done yet */                                          \
    X(IN_PROGRESS, "InProgress")                                                                   \
    X(STOPPING, "Stopping") /* pipeline, stage: waits for its running actions */                   \
    X(SUCCEEDED, "Succeeded")                                                                      \
    X(FAILED, "Failed")                                                                            \
    X(STOPPED, "Stopped")                                                                          \
    X(SUPERSEDED, "Superseded") /* a newer execution took its place between stages */              \
    X(CANCELLED, "Cancelled")                                                                      \
    X(SKIPPED, "Skipped")                                                                          \
    X(ABANDONED, "Abandoned") /* action: stopped with abandon */                                   \
    X(UNKNOWN, "Unknown")     /* what happened cannot be known: the operator decides */

enum status {
#define X(name, text) STATUS_##name,
    STATUSES(X)
#undef X
};
#define STATUS_COUNT (STATUS_UNKNOWN + 1)
const char *status_name(enum status status);
bool status_ended(enum status status); /* everything but Pending, InProgress and Stopping */

/* Order of an in-place deployment; CodeDeploy's names. START and END are not events here. */
#define LIFECYCLE_EVENTS(X)                                                                        \
    X(BEFORE_BLOCK_TRAFFIC, "BeforeBlockTraffic")                                                  \
    X(BLOCK_TRAFFIC, "BlockTraffic")                                                               \
    X(AFTER_BLOCK_TRAFFIC, "AfterBlockTraffic")                                                    \
    X(APPLICATION_STOP, "ApplicationStop")                                                         \
    X(DOWNLOAD_BUNDLE, "DownloadBundle")                                                           \
    X(BEFORE_INSTALL, "BeforeInstall")                                                             \
    X(INSTALL, "Install")                                                                          \
    X(AFTER_INSTALL, "AfterInstall")                                                               \
    X(APPLICATION_START, "ApplicationStart")                                                       \
    X(VALIDATE_SERVICE, "ValidateService")                                                         \
    X(BEFORE_ALLOW_TRAFFIC, "BeforeAllowTraffic")                                                  \
    X(ALLOW_TRAFFIC, "AllowTraffic")                                                               \
    X(AFTER_ALLOW_TRAFFIC, "AfterAllowTraffic")                                                    \
    X(REPLICATE, "Replicate") /* Meridian's own: the one step of a replication job */              \
    X(BUILD, "Build") /* likewise of a build; its phases follow, as CodeBuild spells them */       \
    X(PHASE_SOURCE, "DOWNLOAD_SOURCE")                                                             \
    X(PHASE_INSTALL, "INSTALL")                                                                    \
    X(PHASE_PRE_BUILD, "PRE_BUILD")                                                                \
    X(PHASE_BUILD, "BUILD")                                                                        \
    X(PHASE_POST_BUILD, "POST_BUILD")                                                              \
    X(PHASE_ARTIFACTS, "UPLOAD_ARTIFACTS")                                                         \
    X(RESTORE, "Restore")  /* Meridian's own: undo after a failure, where it is asked for */       \
    X(KEEP_LOG, "KeepLog") /* after the end of a job; never reported */                            \
    X(DELTA, "Delta")      /* Meridian's own: the one step of a job that makes a delta */

enum lifecycle_event {
#define X(name, text) EVENT_##name,
    LIFECYCLE_EVENTS(X)
#undef X
};
#define LIFECYCLE_EVENT_COUNT (EVENT_DELTA + 1)
const char *lifecycle_event_name(enum lifecycle_event event);
NODISCARD bool lifecycle_event_parse(const char *name, enum lifecycle_event *out);

/* The CodeDeploy agent's codes 0 to 7, in its order. */
#define LIFECYCLE_ERRORS(X)                                                                        \
    X(SUCCESS, "Success")                                                                          \
    X(SCRIPT_MISSING, "ScriptMissing")                                                             \
    X(SCRIPT_NOT_EXECUTABLE, "ScriptNotExecutable")                                                \
    X(SCRIPT_TIMED_OUT, "ScriptTimedOut")                                                          \
    X(SCRIPT_FAILED, "ScriptFailed")                                                               \
    X(UNKNOWN_ERROR, "UnknownError")                                                               \
    X(OUTPUTS_LEFT_OPEN, "OutputsLeftOpen")                                                        \
    X(FAILED_AFTER_RESTART, "FailedAfterRestart") /* interrupted: may or may not have run */

enum lifecycle_error {
#define X(name, text) LIFECYCLE_##name,
    LIFECYCLE_ERRORS(X)
#undef X
};
#define LIFECYCLE_ERROR_COUNT (LIFECYCLE_FAILED_AFTER_RESTART + 1)
const char *lifecycle_error_name(enum lifecycle_error error);

enum file_exists { FILE_EXISTS_DISALLOW, FILE_EXISTS_OVERWRITE, FILE_EXISTS_RETAIN };
#define FILE_EXISTS_COUNT (FILE_EXISTS_RETAIN + 1)
const char *file_exists_name(enum file_exists behavior); /* "DISALLOW" ... */

/* What becomes of the files of a deployment that failed after it had installed them. */
enum on_failure {
    ON_FAILURE_LEAVE,  /* as CodeDeploy leaves them */
    ON_FAILURE_RESTORE /* exactly what was there before is put back */
};
#define ON_FAILURE_COUNT (ON_FAILURE_RESTORE + 1)
const char *on_failure_name(enum on_failure on_failure); /* "leave", "restore" */

/* How an artifact came to a region, the cheapest first. */
#define COPY_WAYS(X)                                                                               \
    X(UNKNOWN, "")      /* of an older version, or not decided yet */                              \
    X(THERE, "there")   /* the region's store had the same bytes */                                \
    X(DELTA, "delta")   /* told by the bytes of an older revision in the region */                 \
    X(SERVER, "server") /* the store copied it itself */                                           \
    X(WHOLE, "whole")   /* through a worker of the region */

enum copy_way {
#define X(name, text) COPY_WAY_##name,
    COPY_WAYS(X)
#undef X
};
#define COPY_WAY_COUNT (COPY_WAY_WHOLE + 1)
const char *copy_way_name(enum copy_way way);

/* How much a core's note matters: error = somebody must act, warning = handled, info = a state
 * changed, debug = the rest. */
enum note_level { NOTE_DEBUG, NOTE_INFO, NOTE_WARNING, NOTE_ERROR };
