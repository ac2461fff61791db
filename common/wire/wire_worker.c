#include "wire/wire_codec.h"

#include "worker.pb-c.h"

#define X(name, text) SAME(NACK_##name, MERIDIAN__NACK_REASON__NACK_REASON_##name);
NACK_REASONS(X)
#undef X
SAME(ROW_ACCEPTED, MERIDIAN__ROW_STATE__ROW_STATE_ACCEPTED);
SAME(ROW_RUNNING, MERIDIAN__ROW_STATE__ROW_STATE_RUNNING);
SAME(ROW_ENDED, MERIDIAN__ROW_STATE__ROW_STATE_ENDED);

static const struct wire_field row_fields[] = {
    FIELD(row, Row, job, WIRE_ID),
    FIELD(row, Row, attempt, WIRE_U32),
    FIELD(row, Row, fence, WIRE_MESSAGE, .type = &wire_fence),
    FIELD(row, Row, state, WIRE_ENUM, .max = ROW_STATE_COUNT),
};
const struct wire_type wire_row = TYPE(row, row);

static const struct wire_field hello_fields[] = {
    FIELD(hello, Hello, name, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(hello, Hello, region, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(hello, Hello, incarnation, WIRE_ID),
    FIELD(hello, Hello, boot, WIRE_ID_OR_NONE),
    FIELD(hello, Hello, version, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(hello, Hello, epoch_max, WIRE_U64),
    COUNTED(hello, Hello, rows, row_count, WIRE_LIST, .type = &wire_row, .max = WIRE_ROWS_MAX),
};
const struct wire_type wire_hello = TYPE(hello, hello);

static const struct wire_field welcome_fields[] = {
    FIELD(welcome, Welcome, epoch, WIRE_U64),
    FIELD(welcome, Welcome, heartbeat_ms, WIRE_U32),
    FIELD(welcome, Welcome, lease_ms, WIRE_U32),
    FIELD(welcome, Welcome, incarnation, WIRE_ID),
};
const struct wire_type wire_welcome = TYPE(welcome, welcome);

static const struct wire_field refusal_fields[] = {
    FIELD(refusal, Refusal, cause, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
const struct wire_type wire_refusal = TYPE(refusal, refusal);

static const struct wire_field offer_fields[] = {
    FIELD(offer, Offer, signed_job, WIRE_BYTES, .max = WIRE_SIGNED_MAX),
    FIELD(offer, Offer, signature, WIRE_FIXED, .max = SIGNATURE_SIZE),
};
const struct wire_type wire_offer = TYPE(offer, offer);

static const struct wire_field accept_fields[] = {
    FIELD(accept, Accept, row, WIRE_MESSAGE, .type = &wire_row),
};
const struct wire_type wire_accept = TYPE(accept, accept);

static const struct wire_field nack_fields[] = {
    FIELD(nack, Nack, job, WIRE_ID_OR_NONE),
    FIELD(nack, Nack, attempt, WIRE_U32),
    FIELD(nack, Nack, fence, WIRE_MESSAGE, .type = &wire_fence),
    FIELD(nack, Nack, incarnation, WIRE_ID),
    FIELD(nack, Nack, reason, WIRE_ENUM, .max = NACK_REASON_COUNT),
};
const struct wire_type wire_nack = TYPE(nack, nack);

static const struct wire_field heartbeat_fields[] = {
    FIELD(heartbeat, Heartbeat, boot_ms, WIRE_U64),
    FIELD(heartbeat, Heartbeat, incarnation, WIRE_ID),
    COUNTED(heartbeat, Heartbeat, rows, row_count, WIRE_LIST, .type = &wire_row,
            .max = WIRE_ROWS_MAX),
};
const struct wire_type wire_heartbeat = TYPE(heartbeat, heartbeat);

static const struct wire_field lease_fields[] = {
    FIELD(lease, Lease, boot_ms, WIRE_U64),
    FIELD(lease, Lease, epoch, WIRE_U64),
    COUNTED(lease, Lease, rows, row_count, WIRE_LIST, .type = &wire_row, .max = WIRE_ROWS_MAX),
};
const struct wire_type wire_lease = TYPE(lease, lease);

static const struct wire_field progress_fields[] = {
    FIELD(progress, Progress, job, WIRE_ID),
    FIELD(progress, Progress, attempt, WIRE_U32),
    FIELD(progress, Progress, report, WIRE_MESSAGE, .type = &wire_lifecycle_report),
    FIELD(progress, Progress, done, WIRE_U64),
    FIELD(progress, Progress, total, WIRE_U64),
    FIELD(progress, Progress, waits, WIRE_FREE_TEXT, .max = WIRE_TARGET_MAX),
};
const struct wire_type wire_progress = TYPE(progress, progress);

static const struct wire_field job_key_fields[] = {
    FIELD(job_key, JobKey, job, WIRE_ID),
    FIELD(job_key, JobKey, attempt, WIRE_U32),
    FIELD(job_key, JobKey, fence, WIRE_MESSAGE, .type = &wire_fence),
};
const struct wire_type wire_job_key = TYPE(job_key, job_key);

static const struct wire_field cancel_fields[] = {
    FIELD(cancel, Cancel, key, WIRE_MESSAGE, .type = &wire_job_key),
    FIELD(cancel, Cancel, target, WIRE_TEXT, .max = WIRE_TARGET_MAX),
    FIELD(cancel, Cancel, worker, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(cancel, Cancel, incarnation, WIRE_ID),
    FIELD(cancel, Cancel, epoch, WIRE_U64),
};
const struct wire_type wire_cancel = TYPE(cancel, cancel);

static const struct wire_field signed_cancel_fields[] = {
    FIELD(signed_cancel, SignedCancel, signed_cancel, WIRE_BYTES, .max = WIRE_SIGNED_MAX),
    FIELD(signed_cancel, SignedCancel, signature, WIRE_FIXED, .max = SIGNATURE_SIZE),
};
const struct wire_type wire_signed_cancel = TYPE(signed_cancel, signed_cancel);

static const struct wire_field log_request_fields[] = {
    FIELD(log_request, LogRequest, token, WIRE_U64),
    FIELD(log_request, LogRequest, deployment, WIRE_ID_OR_NONE),
    FIELD(log_request, LogRequest, deployment_group_id, WIRE_TEXT, .max = WIRE_NAME_MAX),
    FIELD(log_request, LogRequest, offset, WIRE_U64),
    FIELD(log_request, LogRequest, max, WIRE_U32),
};
const struct wire_type wire_log_request = TYPE(log_request, log_request);

static const struct wire_field log_chunk_fields[] = {
    FIELD(log_chunk, LogChunk, token, WIRE_U64),
    FIELD(log_chunk, LogChunk, offset, WIRE_U64),
    FIELD(log_chunk, LogChunk, data, WIRE_BYTES, .max = WIRE_LOG_CHUNK_MAX),
    FIELD(log_chunk, LogChunk, end, WIRE_BOOL),
    FIELD(log_chunk, LogChunk, cause, WIRE_FREE_TEXT, .max = WIRE_TEXT_MAX),
};
const struct wire_type wire_log_chunk = TYPE(log_chunk, log_chunk);
