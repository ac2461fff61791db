#include "shell/uplink.h"

#include "io/clock.h"
#include "wire/wire.h"

static const char job_context[] = "meridian-job-v1";
static const char cancel_context[] = "meridian-cancel-v1";
static const char resume_context[] = "meridian-resume-v1";

void uplink_init(struct uplink *uplink, struct link_peer *peer, const struct sign_public *dispatch,
                 const struct log *log)
{
    *uplink = (struct uplink){
        .peer = peer, .log = log, .dispatch = *dispatch, .state = LINK_CONNECTING
    };
    buf_init(&uplink->frame, WIRE_FRAME_MAX);
}

void uplink_deinit(struct uplink *uplink)
{
    if (uplink->peer) link_peer_close(&uplink->peer);
    buf_deinit(&uplink->frame);
}

bool uplink_came_up(struct uplink *uplink)
{
    enum link_state before = uplink->state;
    uplink->state = link_peer_state(uplink->peer);
    uplink->looked_boot_ms = clock_boot_ms();
    if (uplink->state == before) return false;
    bool up = uplink->state == LINK_CONNECTED;
    log_event(uplink->log, up ? LOG_INFO : LOG_WARNING, "connection to the coordinator", "state",
              link_state_text(uplink->state), NULL);
    return up;
}

uint64_t uplink_deadline(const struct uplink *uplink)
{
    bool refused = uplink->state == LINK_NOT_ADMITTED || uplink->state == LINK_WRONG_SERVER;
    return refused ? uplink->looked_boot_ms + LINK_REFUSED_MS : UINT64_MAX;
}

/* Reads the job only once its signature holds. */
static void open_offer(struct uplink *uplink, struct arena *arena, struct offer *offer)
{
    struct error err = { 0 };
    struct job *job = arena_calloc(arena, 1, sizeof *job);
    offer->job = NULL;
    if (!sign_check(&uplink->dispatch, job_context, offer->signed_job,
                    bytes_of(offer->signature, SIGNATURE_SIZE)))
        log_event(uplink->log, LOG_ERROR, "an offer is not signed by our coordinator", NULL);
    else if (!wire_job_decode(offer->signed_job, arena, job, &err))
        log_failure(uplink->log, LOG_ERROR, "an offer cannot be read", &err);
    else
        offer->job = job;
}

static void open_cancel(struct uplink *uplink, struct arena *arena, struct signed_cancel *signed_)
{
    struct error err = { 0 };
    struct cancel *cancel = arena_calloc(arena, 1, sizeof *cancel);
    signed_->cancel = NULL;
    if (!sign_check(&uplink->dispatch, cancel_context, signed_->signed_cancel,
                    bytes_of(signed_->signature, SIGNATURE_SIZE)))
        log_event(uplink->log, LOG_ERROR, "a cancel is not signed by our coordinator", NULL);
    else if (!wire_cancel_decode(signed_->signed_cancel, arena, cancel, &err))
        log_failure(uplink->log, LOG_ERROR, "a cancel cannot be read", &err);
    else
        signed_->cancel = cancel;
}

static void open_resume(struct uplink *uplink, struct arena *arena, struct signed_resume *signed_)
{
    struct error err = { 0 };
    struct resume *resume = arena_calloc(arena, 1, sizeof *resume);
    signed_->resume = NULL;
    if (!sign_check(&uplink->dispatch, resume_context, signed_->signed_resume,
                    bytes_of(signed_->signature, SIGNATURE_SIZE)))
        log_event(uplink->log, LOG_ERROR, "a resume is not signed by our coordinator", NULL);
    else if (!wire_resume_decode(signed_->signed_resume, arena, resume, &err))
        log_failure(uplink->log, LOG_ERROR, "a resume cannot be read", &err);
    else
        signed_->resume = resume;
}

bool uplink_receive(struct uplink *uplink, struct arena *arena, struct message *out)
{
    struct bytes payload;
    while (link_peer_receive(uplink->peer, &payload)) {
        struct error err = { 0 };
        /* The frame is borrowed until the next receive; what is signed is kept longer. */
        if (!wire_decode(arena_bytes(arena, payload), arena, out, &err)) {
            log_failure(uplink->log, LOG_WARNING, "a message is refused", &err);
            continue;
        }
        if (out->type == MESSAGE_OFFER) open_offer(uplink, arena, &out->offer);
        if (out->type == MESSAGE_CANCEL) open_cancel(uplink, arena, &out->cancel);
        if (out->type == MESSAGE_RESUME) open_resume(uplink, arena, &out->resume);
        return true;
    }
    return false;
}

void uplink_send(struct uplink *uplink, const struct message *message)
{
    buf_clear(&uplink->frame);
    wire_encode(message, ++uplink->sequence, &uplink->frame);
    if (link_peer_send(uplink->peer, buf_bytes(&uplink->frame)) != LINK_SENT)
        log_event(uplink->log, LOG_DEBUG, "a message was not sent", "type",
                  message_type_name(message->type), NULL);
}
