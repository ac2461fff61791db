#include "shell/workers.h"

#include "io/s3.h"
#include "shell/buckets.h"
#include "wire/wire.h"

#include <assert.h>
#include <string.h>

static const char job_context[] = "meridian-job-v1";
/* Of one job's log, and how long after the job's time it may still come. */
enum { LOG_KEPT_MAX = 17 << 20, LOG_KEEP_MS = 3600 * 1000 };

static const char cancel_context[] = "meridian-cancel-v1";
static const char resume_context[] = "meridian-resume-v1";

void workers_init(struct workers *workers, struct link_listener *listener,
                  const struct signer *dispatch, const struct artifacts *artifacts,
                  const struct log *log)
{
    *workers = (struct workers){
        .listener = listener, .artifacts = artifacts, .dispatch = dispatch, .log = log
    };
    buf_init(&workers->frame, WIRE_FRAME_MAX);
    buf_init(&workers->inner, WIRE_FRAME_MAX);
}

void workers_deinit(struct workers *workers)
{
    link_listener_close(&workers->listener);
    buf_deinit(&workers->frame);
    buf_deinit(&workers->inner);
}

static bool from_worker(enum message_type type)
{
    switch (type) {
    case MESSAGE_HELLO:
    case MESSAGE_ACCEPT:
    case MESSAGE_NACK:
    case MESSAGE_HEARTBEAT:
    case MESSAGE_PROGRESS:
    case MESSAGE_RESULT:
    case MESSAGE_CANCEL_ACK:
    case MESSAGE_INTERRUPTED:
    case MESSAGE_RESUME_ACK:
    case MESSAGE_LOG_CHUNK: return true;
    case MESSAGE_WELCOME:
    case MESSAGE_REFUSAL:
    case MESSAGE_OFFER:
    case MESSAGE_LEASE:
    case MESSAGE_RESULT_ACK:
    case MESSAGE_DROP:
    case MESSAGE_CANCEL:
    case MESSAGE_INTERRUPTED_ACK:
    case MESSAGE_RESUME:
    case MESSAGE_LOG_REQUEST:
    case MESSAGE_REQUEST:
    case MESSAGE_REPLY: return false;
    }
    return false;
}

bool workers_receive(struct workers *workers, const struct keys_registry *registry,
                     struct arena *arena, struct worker_message *out)
{
    struct link_message frame;
    while (link_receive(workers->listener, registry, &frame) == LINK_RECEIVED) {
        struct error err = { 0 };
        struct message message;
        if (!wire_decode(frame.payload, arena, &message, &err)) {
            log_event(workers->log, LOG_WARNING, "a worker's message is refused", "worker",
                      frame.principal->name, "cause", err.text, NULL);
            continue;
        }
        if (!from_worker(message.type)) {
            log_event(workers->log, LOG_WARNING, "a worker sent what only a coordinator says",
                      "worker", frame.principal->name, "type", message_type_name(message.type),
                      NULL);
            continue;
        }
        if (message.type == MESSAGE_RESULT)
            buckets_upload_ended(artifacts_buckets(workers->artifacts), &message.result.job,
                                 message.result.attempt, frame.principal->name);
        *out = (struct worker_message){ .worker = arena_text(arena, frame.principal->name),
                                        .session = frame.session,
                                        .message = message };
        return true;
    }
    return false;
}

void workers_send_message(struct workers *workers, uint64_t session, const struct message *message)
{
    buf_clear(&workers->frame);
    wire_encode(message, ++workers->sequence, &workers->frame);
    /* Anything but SENT is repaired by the core's next resend. */
    if (link_send(workers->listener, session, buf_bytes(&workers->frame)) != LINK_SENT)
        log_event(workers->log, LOG_DEBUG, "a message was not sent", "type",
                  message_type_name(message->type), NULL);
}

/* A copy's base and delta: of no use without leave to read them, but the whole is. */
static void delta_grants(struct workers *workers, struct job *job, uint64_t expires_ms,
                         struct arena *arena)
{
    struct job_artifact *inputs = arena_calloc(arena, job->input_count, sizeof *inputs);
    struct error err = { 0 };
    for (size_t i = 0; i < job->input_count; i++) {
        inputs[i] = job->inputs[i];
        if (artifacts_grant_read(workers->artifacts, &inputs[i].ref, expires_ms, arena,
                                 &inputs[i].grant, &err))
            continue;
        log_failure(workers->log, LOG_WARNING, "a copy cannot be told by a delta", &err);
        job->input_count = 0;
    }
    job->inputs = inputs;
}

/* What a build or a delta will put is not known: its leave is for any content. Keys tell the
 * outputs apart. */
NODISCARD static bool build_grants(struct workers *workers, struct job *job, uint64_t expires_ms,
                                   struct arena *arena, struct error *err)
{
    struct job_artifact *inputs = arena_calloc(arena, job->input_count, sizeof *inputs);
    struct job_artifact *outputs = arena_calloc(arena, job->output_count, sizeof *outputs);
    for (size_t i = 0; i < job->input_count; i++) {
        inputs[i] = job->inputs[i];
        if (!artifacts_grant_read(workers->artifacts, &inputs[i].ref, expires_ms, arena,
                                  &inputs[i].grant, err))
            return false;
    }
    for (size_t i = 0; i < job->output_count; i++) {
        outputs[i] = job->outputs[i];
        if (!artifacts_grant_write_open(workers->artifacts, outputs[i].ref.store,
                                        outputs[i].ref.key, &job->id, outputs[i].ref.size,
                                        expires_ms, arena, &outputs[i].grant, err))
            return false;
    }
    job->inputs = inputs;
    job->outputs = outputs;
    return true;
}

/* Where a copy goes. */
NODISCARD static bool copy_grants(struct workers *workers, struct job *job, uint64_t expires_ms,
                                  struct arena *arena, struct error *err)
{
    struct upload copy = { .id = job->id,
                           .attempt = job->attempt,
                           .worker = job->worker,
                           .size = job->input.size,
                           .summary = "" };
    struct parts_grant *parts = arena_calloc(arena, 1, sizeof *parts);
    memcpy(copy.sha256, job->input.sha256, sizeof copy.sha256);
    if (!artifacts_grant_parts(workers->artifacts, job->output.store, job->output.key, &copy,
                               expires_ms, arena, parts, &job->parts_count, err))
        return false;
    job->parts = parts;
    if (job->parts_count && copy.size > S3_PUT_BYTES_MAX) return true;
    return artifacts_grant_write(workers->artifacts, job->output.store, job->output.key, &copy,
                                 expires_ms, arena, &job->write, err);
}

/* The job as it leaves: the addresses of its bytes are signed along with it. */
NODISCARD static bool job_grants(struct workers *workers, struct job *job, struct arena *arena,
                                 struct error *err)
{
    uint64_t expires_ms = job->expires_ms + job->timeout_ms;
    if (job->log.key[0] && !artifacts_grant_write_open(
                               workers->artifacts, job->log.store, job->log.key, &job->id,
                               LOG_KEPT_MAX, expires_ms + LOG_KEEP_MS, arena, &job->log_write, err))
        return false;
    if (job->input.key[0] &&
        !artifacts_grant_read(workers->artifacts, &job->input, expires_ms, arena, &job->read, err))
        return false;
    if (job->kind == JOB_BUILD || job->kind == JOB_DELTA)
        return build_grants(workers, job, expires_ms, arena, err);
    if (job->kind != JOB_REPLICATE) return true;
    delta_grants(workers, job, expires_ms, arena);
    return copy_grants(workers, job, expires_ms, arena, err);
}

NODISCARD static bool offer_make(struct workers *workers, const struct job *job,
                                 struct arena *arena, struct offer *out, struct error *err)
{
    struct job complete = *job;
    if (!job_grants(workers, &complete, arena, err)) return false;
    buf_clear(&workers->inner);
    wire_job_encode(&complete, &workers->inner);
    out->signed_job = arena_bytes(arena, buf_bytes(&workers->inner));
    return signer_make(workers->dispatch, job_context, out->signed_job, out->signature, err);
}

NODISCARD static bool cancel_make(struct workers *workers, const struct cancel *cancel,
                                  struct arena *arena, struct signed_cancel *out, struct error *err)
{
    buf_clear(&workers->inner);
    wire_cancel_encode(cancel, &workers->inner);
    out->signed_cancel = arena_bytes(arena, buf_bytes(&workers->inner));
    return signer_make(workers->dispatch, cancel_context, out->signed_cancel, out->signature, err);
}

NODISCARD static bool resume_make(struct workers *workers, const struct resume *resume,
                                  struct arena *arena, struct signed_resume *out, struct error *err)
{
    buf_clear(&workers->inner);
    wire_resume_encode(resume, &workers->inner);
    out->signed_resume = arena_bytes(arena, buf_bytes(&workers->inner));
    return signer_make(workers->dispatch, resume_context, out->signed_resume, out->signature, err);
}

void workers_send(struct workers *workers, const struct coordinator_action *action,
                  struct arena *arena)
{
    assert(action->type == COORDINATOR_SEND);
    struct error err = { 0 };
    struct message message = action->send.message;
    bool ready = true;
    if (message.type == MESSAGE_OFFER)
        ready = offer_make(workers, action->send.offer_job, arena, &message.offer, &err);
    else if (message.type == MESSAGE_CANCEL)
        ready = cancel_make(workers, action->send.cancel, arena, &message.cancel, &err);
    else if (message.type == MESSAGE_RESUME)
        ready = resume_make(workers, action->send.resume, arena, &message.resume, &err);
    if (!ready && err.code == ERR_CONFLICT) return; /* an upload begins: the core offers again */
    if (!ready) {
        log_failure(workers->log, LOG_ERROR, "a job cannot be offered", &err);
        return;
    }
    workers_send_message(workers, action->send.session, &message);
}
