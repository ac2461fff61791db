#include "shell/frontdoor.h"

#include "io/clock.h"
#include "shell/answers.h"
#include "shell/buckets.h"
#include "shell/definition.h"
#include "shell/definition_group.h"
#include "shell/doctor.h"
#include "shell/keeper.h"
#include "shell/sources.h"
#include "wire/wire.h"

#include <assert.h>
#include <string.h>

void frontdoor_init(struct frontdoor *door, struct link_listener *listener,
                    struct coordinator *core, struct store *store,
                    const struct artifacts *artifacts, struct workers *workers,
                    struct doctor *doctor, struct keeper *keeper, const struct log *log,
                    const char *region)
{
    *door = (struct frontdoor){ .listener = listener,
                                .core = core,
                                .store = store,
                                .artifacts = artifacts,
                                .workers = workers,
                                .doctor = doctor,
                                .keeper = keeper,
                                .log = log,
                                .region = region };
    buf_init(&door->frame, WIRE_FRAME_MAX);
}

void frontdoor_deinit(struct frontdoor *door)
{
    link_listener_close(&door->listener);
    buf_deinit(&door->frame);
}

void frontdoor_reply(struct frontdoor *door, uint64_t origin, const struct reply *reply)
{
    const struct message message = { .type = MESSAGE_REPLY, .reply = *reply };
    buf_clear(&door->frame);
    wire_encode(&message, ++door->sequence, &door->frame);
    if (link_send(door->listener, origin, buf_bytes(&door->frame)) != LINK_SENT)
        log_event(door->log, LOG_DEBUG, "a client did not wait for its answer", NULL);
}

static enum client_role role_of(enum keys_role role)
{
    switch (role) {
    case KEYS_NO_ROLE:
    case KEYS_VIEWER: return ROLE_VIEWER;
    case KEYS_DEPLOYER: return ROLE_DEPLOYER;
    case KEYS_APPROVER: return ROLE_APPROVER;
    case KEYS_ADMIN: return ROLE_ADMIN;
    }
    return ROLE_VIEWER;
}

/* ---- waiting ---- */

static struct waiter *waiter_add(struct frontdoor *door, uint64_t session, uint64_t token,
                                 uint32_t wait_ms)
{
    if (door->waiter_count == FRONTDOOR_WAITERS_MAX) return NULL;
    struct waiter *waiter = &door->waiters[door->waiter_count++];
    *waiter = (struct waiter){ .session = session,
                               .token = token,
                               .until_boot_ms = clock_boot_ms() + wait_ms };
    return waiter;
}

static void waiter_remove(struct frontdoor *door, size_t i)
{
    door->waiters[i] = door->waiters[--door->waiter_count];
}

/* The request's texts live in the waiter itself. */
static const struct events_request *waiter_request(struct waiter *waiter)
{
    waiter->request.pipeline = waiter->pipeline;
    waiter->request.execution = waiter->execution;
    return &waiter->request;
}

static bool events_wait(struct frontdoor *door, uint64_t session, const struct request *request)
{
    const struct events_request *events = &request->events;
    uint32_t wait_ms =
        events->wait_ms < FRONTDOOR_WAIT_MAX_MS ? events->wait_ms : FRONTDOOR_WAIT_MAX_MS;
    if (wait_ms == 0) return false;
    struct waiter *waiter = waiter_add(door, session, request->token, wait_ms);
    if (!waiter) return false;
    waiter->request = *events;
    bool fits = text_copy(waiter->pipeline, sizeof waiter->pipeline, events->pipeline) &&
                text_copy(waiter->execution, sizeof waiter->execution, events->execution);
    if (!fits) door->waiter_count--;
    return fits;
}

static void ask_worker(struct frontdoor *door, const struct waiter *waiter)
{
    const struct message message = { .type = MESSAGE_LOG_REQUEST, .log_request = waiter->ask };
    workers_send_message(door->workers, waiter->worker_session, &message);
}

/* What the bucket has of a log; what it has not the host may have. */
static void on_kept(void *owner, uint64_t token, struct bytes data, const struct error *err)
{
    struct frontdoor *door = owner;
    size_t i = 0;
    while (i < door->waiter_count &&
           (door->waiters[i].kind != WAITER_LOG || door->waiters[i].log_token != token))
        i++;
    if (i == door->waiter_count) return; /* its time was over */
    const struct waiter *waiter = &door->waiters[i];
    if (err->code != ERR_NONE && waiter->worker_session) {
        ask_worker(door, waiter);
        return;
    }
    struct reply reply = answers_empty(waiter->token, REQUEST_LOGS);
    reply.log = (struct log_chunk){
        .offset = waiter->ask.offset, .data = data, .end = data.len < waiter->ask.max, .cause = ""
    };
    if (err->code != ERR_NONE)
        reply.failure = (struct failure){ .code = ERR_RETRY,
                                          .what = "the log cannot be read",
                                          .cause = err->text,
                                          .fix = "meridian workers" };
    frontdoor_reply(door, waiter->session, &reply);
    waiter_remove(door, i);
}

/* True when the answer is known at once; else it comes from the worker or a bucket. */
static bool logs_ask(struct frontdoor *door, uint64_t session, const struct request *request,
                     struct arena *arena, struct reply *reply)
{
    struct log_source source;
    if (!answers_log_request(door->core, door->store, door->artifacts, &request->logs, arena,
                             &source, &reply->failure))
        return true;
    if (source.kept) {
        reply->log = source.chunk;
        return true;
    }
    struct waiter *waiter = waiter_add(door, session, request->token, FRONTDOOR_LOG_WAIT_MS);
    if (!waiter) {
        reply->failure = (struct failure){ .code = ERR_RETRY,
                                           .what = "too many clients wait for logs",
                                           .cause = "",
                                           .fix = "try again in a moment" };
        return true;
    }
    waiter->kind = WAITER_LOG;
    waiter->job_ended = source.job_ended;
    waiter->log_token = source.ask.token = ++door->log_token;
    waiter->ask = source.ask;
    waiter->worker_session = source.session;
    if (source.store) {
        const struct bucket_read read = { .store = source.store,
                                          .key = source.key,
                                          .offset = source.ask.offset,
                                          .token = source.ask.token,
                                          .max = source.ask.max,
                                          .fn = on_kept,
                                          .owner = door };
        buckets_read(artifacts_buckets(door->artifacts), &read);
        return false;
    }
    ask_worker(door, waiter);
    return false;
}

void frontdoor_log_chunk(struct frontdoor *door, const struct log_chunk *chunk)
{
    for (size_t i = 0; i < door->waiter_count; i++) {
        const struct waiter *waiter = &door->waiters[i];
        if (waiter->kind != WAITER_LOG || waiter->log_token != chunk->token) continue;
        struct reply reply = answers_empty(waiter->token, REQUEST_LOGS);
        reply.log = *chunk;
        /* The worker knows where its file ends now, not whether the job goes on. */
        reply.log.end = chunk->end && waiter->job_ended;
        frontdoor_reply(door, waiter->session, &reply);
        waiter_remove(door, i);
        return;
    }
}

/* True when the waiter got its answer. */
static bool events_answer(struct frontdoor *door, struct waiter *waiter, bool over,
                          struct arena *arena)
{
    struct reply reply = answers_empty(waiter->token, REQUEST_EVENTS);
    answers_events(door->store, waiter_request(waiter), arena, &reply);
    /* What was looked at in vain need not be looked at again. */
    if (reply.failure.code == ERR_NONE) waiter->request.after = reply.seq;
    if (reply.failure.code == ERR_NONE && reply.event_count == 0 && reply.dropped == 0 && !over)
        return false;
    frontdoor_reply(door, waiter->session, &reply);
    return true;
}

static bool doctor_tell(struct frontdoor *door, const struct waiter *waiter, bool over,
                        struct arena *arena)
{
    struct reply reply = answers_empty(waiter->token, REQUEST_DOCTOR);
    if (doctor_running(door->doctor) && !over) return false;
    doctor_answer(door->doctor, door->core, clock_wall_ms(), arena, &reply);
    frontdoor_reply(door, waiter->session, &reply);
    return true;
}

/* The client asks again when the answer is late: it waits once. */
static void doctor_ask(struct frontdoor *door, uint64_t session, const struct request *request)
{
    for (size_t i = 0; i < door->waiter_count; i++)
        if (door->waiters[i].session == session && door->waiters[i].token == request->token) return;
    struct waiter *waiter = waiter_add(door, session, request->token, FRONTDOOR_DOCTOR_WAIT_MS);
    if (!waiter) return;
    waiter->kind = WAITER_DOCTOR;
    doctor_begin(door->doctor, false);
}

static void log_timeout(struct frontdoor *door, const struct waiter *waiter)
{
    struct reply reply = answers_empty(waiter->token, REQUEST_LOGS);
    reply.failure = (struct failure){ .code = ERR_RETRY,
                                      .what = "the worker did not send its log",
                                      .cause = "no answer within 5 s",
                                      .fix = "meridian workers" };
    frontdoor_reply(door, waiter->session, &reply);
}

void frontdoor_wake(struct frontdoor *door, struct arena *arena)
{
    uint64_t now = clock_boot_ms(), seq = coordinator_view_event_seq(door->core), session;
    struct reply reply;
    while (keeper_answer(door->keeper, arena, &session, &reply))
        frontdoor_reply(door, session, &reply);
    bool news = seq != door->seen_seq;
    door->seen_seq = seq;
    for (size_t i = 0; i < door->waiter_count;) {
        struct waiter *waiter = &door->waiters[i];
        bool over = now >= waiter->until_boot_ms, answered = false;
        switch (waiter->kind) {
        case WAITER_LOG:
            if (over) log_timeout(door, waiter);
            answered = over;
            break;
        case WAITER_EVENTS:
            answered = (over || news) && events_answer(door, waiter, over, arena);
            break;
        case WAITER_DOCTOR: answered = doctor_tell(door, waiter, over, arena); break;
        }
        if (answered) {
            waiter_remove(door, i);
        } else {
            i++;
        }
    }
}

uint64_t frontdoor_deadline(const struct frontdoor *door)
{
    uint64_t deadline = UINT64_MAX;
    for (size_t i = 0; i < door->waiter_count; i++)
        if (door->waiters[i].until_boot_ms < deadline) deadline = door->waiters[i].until_boot_ms;
    return deadline;
}

/* ---- requests ---- */

/* The core's; a switch, so that the compiler asks about a new one. */
static bool changes_something(const struct request *request)
{
    switch (request->kind) {
    case REQUEST_APPLY:
    case REQUEST_RUN:
    case REQUEST_STOP:
    case REQUEST_TRANSITION:
    case REQUEST_APPROVAL:
    case REQUEST_RETRY:
    case REQUEST_ROLLBACK:
    case REQUEST_RESUME:
    case REQUEST_ALARM:
    case REQUEST_DRAIN:
    case REQUEST_CUSTOM:
    case REQUEST_OVERRIDE: return true;
    case REQUEST_PING:
    case REQUEST_LIST:
    case REQUEST_STATUS:
    case REQUEST_HISTORY:
    case REQUEST_EVENTS:
    case REQUEST_LOGS:
    case REQUEST_PUSH:
    case REQUEST_WORKERS:
    case REQUEST_EXPORT:
    case REQUEST_WHY:
    case REQUEST_REGIONS:
    case REQUEST_PLAN:
    case REQUEST_DOCTOR:
    case REQUEST_ARTIFACTS:
    case REQUEST_CUSTOM_VIEW:
    case REQUEST_RESOURCES: return false;
    }
    return false;
}

static void answer(struct frontdoor *door, const struct asked *asked, struct arena *arena)
{
    const struct request *request = asked->request;
    struct reply reply = answers_empty(request->token, request->kind);
    switch (request->kind) {
    case REQUEST_APPLY:
    case REQUEST_RUN:
    case REQUEST_STOP:
    case REQUEST_TRANSITION:
    case REQUEST_APPROVAL:
    case REQUEST_RETRY:
    case REQUEST_ROLLBACK:
    case REQUEST_RESUME:
    case REQUEST_ALARM:
    case REQUEST_DRAIN:
    case REQUEST_CUSTOM:
    case REQUEST_OVERRIDE: assert(false); return; /* see changes_something() */
    case REQUEST_PING: answers_ping(door->core, door->region, &reply); break;
    case REQUEST_LIST: answers_list(door->core, arena, &reply); break;
    case REQUEST_WORKERS: answers_workers(door->core, arena, &reply); break;
    case REQUEST_STATUS:
        answers_status(door->core, door->store, &request->status, arena, &reply);
        break;
    case REQUEST_HISTORY:
        answers_history(door->core, door->store, &request->history, arena, &reply);
        break;
    case REQUEST_WHY: answers_why(door->core, door->store, &request->status, arena, &reply); break;
    case REQUEST_REGIONS: answers_regions(door->core, arena, &reply); break;
    case REQUEST_RESOURCES:
        answers_resources(door->core, &request->resources, arena, &reply);
        break;
    case REQUEST_PLAN: answers_plan(door->core, door->region, &request->plan, arena, &reply); break;
    case REQUEST_DOCTOR: doctor_ask(door, asked->session, request); return;
    case REQUEST_ARTIFACTS:
        if (keeper_ask(door->keeper, asked->session, request, asked->role)) return;
        reply.failure = (struct failure){ .code = ERR_RETRY,
                                          .what = "too many look at the stores",
                                          .cause = "",
                                          .fix = "try again in a moment" };
        break;
    case REQUEST_CUSTOM_VIEW:
        answers_custom_job(door->core, door->artifacts, &request->custom_view.job, asked->client,
                           clock_wall_ms(), arena, &reply);
        break;
    case REQUEST_EXPORT: answers_export(door->core, &request->export, arena, &reply); break;
    case REQUEST_PUSH:
        answers_push(door->artifacts, &request->push, asked->role, clock_wall_ms(), arena, &reply);
        break;
    case REQUEST_EVENTS:
        answers_events(door->store, &request->events, arena, &reply);
        if (request->events.after == UINT64_MAX)
            reply.seq = coordinator_view_event_seq(door->core);
        else if (reply.failure.code == ERR_NONE && reply.event_count == 0 && reply.dropped == 0 &&
                 events_wait(door, asked->session, request))
            return;
        break;
    case REQUEST_LOGS:
        if (!logs_ask(door, asked->session, request, arena, &reply)) return;
        break;
    }
    frontdoor_reply(door, asked->session, &reply);
}

void frontdoor_answer(struct frontdoor *door, struct arena *arena)
{
    for (const struct asked *asked = door->asked; asked; asked = asked->next)
        answer(door, asked, arena);
    door->asked = door->asked_last = NULL;
}

/* A question waits for the commit: what the turn has changed so far may yet be lost. */
static void keep_question(struct frontdoor *door, const struct link_message *from,
                          const struct request *request, struct arena *arena)
{
    struct asked *asked = arena_calloc(arena, 1, sizeof *asked);
    *asked = (struct asked){ .session = from->session,
                             .role = role_of(from->principal->role),
                             .client = arena_text(arena, from->principal->name),
                             .request = request };
    if (door->asked_last)
        door->asked_last->next = asked;
    else
        door->asked = asked;
    door->asked_last = asked;
}

static void parse_applied(const struct apply_request *apply, struct arena *arena,
                          struct coordinator_event *out)
{
    bool pipeline = definition_is_pipeline(apply->file, apply->text);
    bool good = pipeline ? definition_parse(apply->file, apply->text, arena, &out->request.parsed,
                                            &out->request.problems, &out->request.problem_count)
                         : definition_group(apply->file, apply->text, arena, &out->request.resource,
                                            &out->request.problems, &out->request.problem_count);
    assert(good == (out->request.problem_count == 0));
}

static void core_event(struct frontdoor *door, const struct link_message *from,
                       struct request *request, struct arena *arena, struct coordinator_event *out)
{
    *out = (struct coordinator_event){ .type = COORDINATOR_REQUEST };
    out->request.client = arena_text(arena, from->principal->name);
    out->request.role = role_of(from->principal->role);
    out->request.origin = from->session;
    out->request.request = request;
    out->request.failure = (struct failure){ .what = "", .cause = "", .fix = "" };
    if (request->kind == REQUEST_APPLY) parse_applied(&request->apply, arena, out);
    /* Without revisions `failure` says why: the core passes it on. */
    bool resolved =
        request->kind != REQUEST_RUN ||
        sources_resolve(door->artifacts, door->core, &request->run, arena, &out->request.revisions,
                        &out->request.revision_count, &out->request.failure);
    assert(resolved || out->request.failure.code != ERR_NONE);
}

bool frontdoor_receive(struct frontdoor *door, const struct keys_registry *registry, size_t *budget,
                       struct arena *arena, struct coordinator_event *out)
{
    struct link_message frame;
    while (*budget > 0 && link_receive(door->listener, registry, &frame) == LINK_RECEIVED) {
        struct error err = { 0 };
        struct message *message = arena_calloc(arena, 1, sizeof *message);
        (*budget)--;
        if (!wire_decode(frame.payload, arena, message, &err) || message->type != MESSAGE_REQUEST) {
            log_event(door->log, LOG_WARNING, "a client's message is refused", "client",
                      frame.principal->name, "cause", err.text, NULL);
            continue;
        }
        if (!changes_something(&message->request)) {
            keep_question(door, &frame, &message->request, arena);
            continue;
        }
        core_event(door, &frame, &message->request, arena, out);
        return true;
    }
    return false;
}
