/* messages.h - every message and record as a plain structure: the only wire header cores see.
 *
 *   names.h            statuses, lifecycle events, limits
 *   job.h              jobs and results
 *   step_files.h       step specs and outcomes
 *   worker_messages.h  the dialogue coordinator <-> worker
 *   flow.h             triggers, modes, kinds of retry
 *   resume_messages.h  interrupted hooks and the operator's word
 *   execution.h        definitions, executions, jobs
 *   rollout_records.h  deployment groups, configurations, hosts, alarms
 *   turn_record.h      the log of an execution
 *   record.h           everything durable
 *   client_messages.h  requests and replies of the client
 *
 * Texts are never NULL. Pointers are borrowed from the arena of whoever decoded or composed
 * the message. wire.h turns these structures into bytes and back and enforces every limit.
 */
#pragma once
#include "wire/client_messages.h"

/* X(NAME, structure, member) */
#define MESSAGES(X)                                                                                \
    X(HELLO, hello, hello)                                                                         \
    X(WELCOME, welcome, welcome)                                                                   \
    X(REFUSAL, refusal, refusal)                                                                   \
    X(OFFER, offer, offer)                                                                         \
    X(ACCEPT, accept, accept)                                                                      \
    X(NACK, nack, nack)                                                                            \
    X(HEARTBEAT, heartbeat, heartbeat)                                                             \
    X(LEASE, lease, lease)                                                                         \
    X(PROGRESS, progress, progress)                                                                \
    X(RESULT, result, result)                                                                      \
    X(RESULT_ACK, job_key, result_ack)                                                             \
    X(DROP, job_key, drop)                                                                         \
    X(CANCEL, signed_cancel, cancel)                                                               \
    X(CANCEL_ACK, job_key, cancel_ack)                                                             \
    X(LOG_REQUEST, log_request, log_request)                                                       \
    X(LOG_CHUNK, log_chunk, log_chunk)                                                             \
    X(REQUEST, request, request)                                                                   \
    X(REPLY, reply, reply)                                                                         \
    X(INTERRUPTED, interrupted, interrupted)                                                       \
    X(INTERRUPTED_ACK, step_key, interrupted_ack)                                                  \
    X(RESUME, signed_resume, resume)                                                               \
    X(RESUME_ACK, step_key, resume_ack)

enum message_type {
#define X(name, type, member) MESSAGE_##name,
    MESSAGES(X)
#undef X
};
#define MESSAGE_TYPE_COUNT (MESSAGE_RESUME_ACK + 1)

struct message {
    enum message_type type;
    union {
#define X(name, type, member) struct type member;
        MESSAGES(X)
#undef X
    };
};
const char *message_type_name(enum message_type type);
