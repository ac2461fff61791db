/* worker_messages.h - the dialogue between coordinator (C) and worker (W), protocol.md's table.
 * Included through wire/messages.h only.
 */
#pragma once
#include "wire/step_files.h"

/* What a worker's disk says of one attempt of a job. */
enum row_state {
    ROW_ACCEPTED, /* committed, no step begun */
    ROW_RUNNING,
    ROW_ENDED /* the result is committed and waits for its acknowledgement */
};
#define ROW_STATE_COUNT (ROW_ENDED + 1)

struct row {
    struct id job;
    uint32_t attempt;
    struct fence fence;
    enum row_state state;
};

/* W -> C, on connect and whenever the coordinator does not know us. */
struct hello {
    const char *name, *region; /* checked against the key's enrolment */
    struct id incarnation;     /* drawn with the worker's LMDB: an empty disk is another one */
    struct id boot;            /* the host's boot id */
    const char *version;
    uint64_t epoch_max; /* greatest epoch ever seen */
    const struct row *rows;
    size_t row_count;
};

/* C -> W, the answer. */
struct welcome {
    uint64_t epoch;
    uint32_t heartbeat_ms, lease_ms;
    struct id incarnation; /* echoed: an answer to an older incarnation is not ours */
};

/* C -> W. The worker's name is taken by a live session of another incarnation, or the
 * enrolment says another name or region. The worker tells its log and tries again later. */
struct refusal {
    const char *cause;
};

/* C -> W. `signed_job` is struct job encoded; the signature covers exactly these bytes. */
struct offer {
    struct bytes signed_job;
    uint8_t signature[SIGNATURE_SIZE];
    const struct job *job; /* not on the wire: decoded by the shell after verifying, else NULL */
};

/* W -> C: the row is committed, stop offering. Also the answer to a repeated offer. */
struct accept {
    struct row row;
};

#define NACK_REASONS(X)                                                                            \
    X(STALE, "stale")       /* fence not greater than one seen for the target: with the same       \
                               incarnation it proves that this attempt never started (P5) */       \
    X(EPOCH, "epoch")       /* fence of an earlier epoch than was seen: its coordinator was        \
                               replaced or has restarted; a proof as STALE is */                   \
    X(AUDIENCE, "audience") /* another worker or incarnation is meant */                           \
    X(EXPIRED, "expired")                                                                          \
    X(SIGNATURE, "signature") /* not signed by our coordinator's dispatch key */                   \
    X(FULL, "full")           /* WIRE_ROWS_MAX jobs are held: offer again later */

enum nack_reason {
#define X(name, text) NACK_##name,
    NACK_REASONS(X)
#undef X
};
#define NACK_REASON_COUNT (NACK_FULL + 1)
const char *nack_reason_name(enum nack_reason reason);

struct nack {
    struct id job; /* "" when the job could not be read */
    uint32_t attempt;
    struct fence fence;
    struct id incarnation;
    enum nack_reason reason;
};

/* W -> C once per heartbeat_ms. */
struct heartbeat {
    uint64_t boot_ms; /* t_w: the worker's BOOTTIME */
    struct id incarnation;
    const struct row *rows;
    size_t row_count;
};

/* C -> W: floating jobs of the list may go on until boot_ms + lease_ms on the worker's clock. */
struct lease {
    uint64_t boot_ms; /* echoed t_w */
    uint64_t epoch;
    const struct row *rows; /* only job, attempt and fence are meaningful */
    size_t row_count;
};

/* W -> C: a hint, may be lost; never decides anything. */
struct progress {
    struct id job;
    uint32_t attempt;
    struct lifecycle_report report;
    uint64_t done, total; /* bytes or files; 0, 0 when not known */
    const char *waits;    /* "" or what the step waits for, in words */
};

/* C -> W: result_ack (the journal holds your result) and drop (attempt is over, P8): both let
 * the row go. */
struct job_key {
    struct id job;
    uint32_t attempt;
    struct fence fence;
};

/* C -> W: struct cancel encoded and signed like a job. W -> C: cancel_ack, a job_key.
 * A worker without that row raises the target's fence_max to the key's fence (commit) and answers
 * with a RESULT of status STOPPED: the attempt never starts there any more, however late its
 * offer comes. */
struct cancel {
    struct job_key key;
    const char *target; /* as in the job */
    const char *worker;
    struct id incarnation;
    uint64_t epoch;
};

struct signed_cancel {
    struct bytes signed_cancel;
    uint8_t signature[SIGNATURE_SIZE];
    const struct cancel *cancel; /* not on the wire: decoded by the shell after verifying */
};

/* C -> W and back: a piece of a deployment's scripts.log, pulled for a client that asked. */
struct log_request {
    uint64_t token; /* the coordinator's, echoed */
    struct id deployment;
    const char *deployment_group_id;
    uint64_t offset;
    uint32_t max;
};

struct log_chunk {
    uint64_t token;
    uint64_t offset;
    struct bytes data;
    bool end; /* of a worker: the file ends here; in a reply: for good, the job has ended */
    const char *cause; /* "" or why there is no log */
};
