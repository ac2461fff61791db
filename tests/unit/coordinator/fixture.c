#include "fixture.h"
#include "fixture_story.h"

#include "shell/definition_group.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_MAX = 64 << 20, TRACE_MAX = 1 << 20 };

struct stored {
    char key[RECORD_KEY_SIZE];
    struct arena arena;
    struct record record;
};

/* ---- the store ---- */

static struct stored *stored_find(struct world *w, const char *key)
{
    for (size_t i = 0; i < w->store_count; i++)
        if (text_equal(w->store[i].key, key)) return &w->store[i];
    return NULL;
}

static struct record record_copy(struct arena *arena, const struct record *from);

static void store_delete(struct world *w, const char *key)
{
    struct stored *at = stored_find(w, key);
    if (!at) return;
    arena_deinit(&at->arena);
    *at = w->store[--w->store_count];
}

static void store_put(struct world *w, const struct record *record)
{
    char key[RECORD_KEY_SIZE];
    record_key(record, key);
    store_delete(w, key);
    w->store = xrealloc(w->store, (w->store_count + 1) * sizeof *w->store);
    struct stored *at = &w->store[w->store_count++];
    memset(at, 0, sizeof *at);
    memcpy(at->key, key, sizeof key);
    arena_init(&at->arena, ARENA_MAX);
    at->record = record_copy(&at->arena, record);
}

const struct record *world_stored(struct world *w, const char *key)
{
    struct stored *at = stored_find(w, key);
    return at ? &at->record : NULL;
}

size_t world_stored_count(struct world *w, const char *prefix)
{
    size_t count = 0;
    for (size_t i = 0; i < w->store_count; i++) count += text_starts(w->store[i].key, prefix);
    return count;
}

size_t world_stored_all(struct world *w, const char *prefix, struct record *out)
{
    size_t count = 0;
    for (size_t i = 0; i < w->store_count; i++)
        if (text_starts(w->store[i].key, prefix)) out[count++] = w->store[i].record;
    return count;
}

/* Through the wire's own encoding: whatever a record loses there, a restart loses here. */
static struct record record_copy(struct arena *arena, const struct record *from)
{
    struct buf bytes;
    struct error err;
    char key[RECORD_KEY_SIZE];
    struct record to;
    buf_init(&bytes, WIRE_DECODE_MAX);
    record_key(from, key);
    wire_record_encode(from, &bytes);
    if (!wire_record_decode(key, buf_bytes(&bytes), arena, &to, &err)) fail_msg("%s", err.text);
    buf_deinit(&bytes);
    return to;
}

/* ---- the trace ---- */

static void trace_add(struct world *w, const char *text, size_t len)
{
    struct error err;
    if (!buf_append(&w->trace, text, len, &err)) fail_msg("%s", err.text);
}

/* A UUID or a deployment id becomes "#n", n counting their first appearances. */
static size_t id_length(const char *at)
{
    size_t len = strspn(at, "0123456789abcdef-");
    if (len == 36 && at[8] == '-' && at[13] == '-' && at[18] == '-' && at[23] == '-') return 36;
    if (text_starts(at, "d-") && strspn(at + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == 9)
        return 11;
    return 0;
}

static void trace_id(struct world *w, const char *at, size_t len)
{
    char text[40], number[24];
    snprintf(text, sizeof text, "%.*s", (int)len, at);
    size_t i = 0;
    while (i < w->id_count && strcmp(w->ids[i], text) != 0) i++;
    assert_true(i < sizeof w->ids / sizeof w->ids[0]);
    if (i == w->id_count) memcpy(w->ids[w->id_count++], text, sizeof text);
    snprintf(number, sizeof number, "#%zu", i + 1);
    trace_add(w, number, strlen(number));
}

static void trace_note(struct world *w, const char *text)
{
    for (const char *at = text; *at;) {
        size_t len = at == text || at[-1] == ' ' || at[-1] == '=' ? id_length(at) : 0;
        if (len)
            trace_id(w, at, len);
        else
            trace_add(w, at, 1);
        at += len ? len : 1;
    }
    trace_add(w, "\n", 1);
}

/* ---- steps ---- */

/* Whatever the wire refuses to carry is our mistake. Offers and cancels are encoded elsewhere. */
static void check_wire(const struct coordinator_action *action)
{
    struct message message = { .type = MESSAGE_REPLY };
    struct buf bytes;
    if (action->type == COORDINATOR_REPLY)
        message.reply = action->reply.reply;
    else
        message = action->send.message;
    if (message.type == MESSAGE_OFFER || message.type == MESSAGE_CANCEL) return;
    buf_init(&bytes, WIRE_FRAME_MAX);
    wire_encode(&message, 1, &bytes);
    buf_deinit(&bytes);
}

static void perform(struct world *w)
{
    for (size_t i = 0; i < w->out.count; i++) {
        const struct coordinator_action *action = &w->out.at[i];
        if (action->type == COORDINATOR_PUT) store_put(w, &action->put);
        if (action->type == COORDINATOR_DELETE) store_delete(w, action->delete_key);
        if (action->type == COORDINATOR_SEND || action->type == COORDINATOR_REPLY)
            check_wire(action);
        if (action->type == COORDINATOR_NOTE && action->note.level != NOTE_DEBUG)
            trace_note(w, action->note.text);
    }
}

void world_step(struct world *w, struct coordinator_event *event)
{
    if (w->story) world_tell_event(w, event);
    event->now_ms = w->now_ms;
    event->boot_ms = w->boot_ms;
    for (size_t i = 0; i < PRNG_SEED_SIZE; i++) event->entropy[i] = (uint8_t)prng_next(&w->random);
    coordinator_actions_clear(&w->out);
    coordinator_step(w->c, event, &w->out);
    perform(w);
    if (w->story) world_tell_actions(w);
}

void world_tick(struct world *w)
{
    world_step(w, &(struct coordinator_event){ .type = COORDINATOR_TICK });
}

/* One tick: the next one due, or the end. */
static void sleep_step(struct world *w, uint64_t end_ms)
{
    uint64_t due_ms = coordinator_deadline(w->c);
    if (due_ms < w->now_ms) due_ms = w->now_ms;
    if (due_ms > end_ms) due_ms = end_ms;
    w->boot_ms += due_ms - w->now_ms;
    w->now_ms = due_ms;
    world_tick(w);
    assert_true(coordinator_deadline(w->c) > w->now_ms);
}

void world_sleep(struct world *w, uint64_t ms)
{
    uint64_t end_ms = w->now_ms + ms;
    do sleep_step(w, end_ms);
    while (w->now_ms < end_ms);
}

bool world_sleep_sent(struct world *w, uint64_t ms, const char *worker, enum message_type type)
{
    uint64_t end_ms = w->now_ms + ms;
    do {
        sleep_step(w, end_ms);
        if (world_sent(w, worker, type)) return true;
    } while (w->now_ms < end_ms);
    return false;
}

/* What begins with '{' is a deployment group or configuration, as CodeDeploy's JSON. */
static struct deploy_resource *resource_parse(struct world *w, struct bytes text)
{
    struct deploy_resource *parsed = NULL;
    const struct problem *problems;
    size_t count;
    if (text.len == 0 || text.data[0] != '{') return NULL;
    if (!definition_group("f.json", text, &w->arena, &parsed, &problems, &count))
        fail_msg("%s: %s", problems[0].path, problems[0].text);
    return parsed;
}

static void start(struct world *w)
{
    struct record *records = xcalloc(w->store_count + 1, sizeof *records);
    for (size_t i = 0; i < w->store_count; i++) {
        records[i] = w->store[i].record;
        if (records[i].kind == RECORD_RESOURCE)
            records[i].resource.parsed = resource_parse(w, records[i].resource.text);
        if (records[i].kind != RECORD_DEFINITION) continue;
        const struct bytes text = records[i].definition.text;
        records[i].definition.parsed = world_parse(arena_text_of(&w->arena, text.data, text.len));
    }
    w->c = coordinator_new(&w->config);
    world_step(
        w, &(struct coordinator_event){ .type = COORDINATOR_START,
                                        .start = { .records = records, .count = w->store_count } });
    free(records);
    if (w->no_fleet) return;
    world_fleet(w, "w1", "us-west-2", "e1", "us-east-1", (const char *)NULL);
}

void world_init(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->config = (struct coordinator_config){ .region = "us-west-2",
                                             .heartbeat_ms = 1000,
                                             .lease_ms = 10000,
                                             .offer_resend_ms = 500,
                                             .action_timeout_ms = 600000,
                                             .history_max = 10 };
    arena_init(&w->arena, ARENA_MAX);
    coordinator_actions_init(&w->out);
    buf_init(&w->trace, TRACE_MAX);
    prng_init_number(&w->random, 7);
    w->head = "v1";
    w->now_ms = UINT64_C(1795374687000); /* 2026-11-22T19:11:27Z */
    w->boot_ms = 5000000;
    start(w);
}

void world_deinit(struct world *w)
{
    if (w->story) story_end(w->story);
    coordinator_free(w->c);
    coordinator_actions_deinit(&w->out);
    arena_deinit(&w->arena);
    buf_deinit(&w->trace);
    for (size_t i = 0; i < w->store_count; i++) arena_deinit(&w->store[i].arena);
    free(w->store);
}

void world_restart(struct world *w)
{
    coordinator_free(w->c);
    start(w);
}

void world_fleet(struct world *w, const char *first, ...)
{
    struct enrolled_worker workers[32];
    struct host_tag tags[32][2];
    size_t count = 0;
    va_list args;
    va_start(args, first);
    for (const char *name = first; name; name = va_arg(args, const char *)) {
        assert_true(count < 32);
        const char *region = va_arg(args, const char *);
        /* "w1" has the tags Kind w and zone 1. */
        tags[count][0] = (struct host_tag){ "Kind", arena_text_of(&w->arena, name, 1) };
        tags[count][1] = (struct host_tag){ "zone", arena_text(&w->arena, name + 1) };
        /* "b1" builds as well, "only1" does nothing else. */
        workers[count] = (struct enrolled_worker){ .name = name,
                                                   .region = region,
                                                   .builds = name[0] == 'b' || name[0] == 'o',
                                                   .builds_only = name[0] == 'o',
                                                   .tags = tags[count],
                                                   .tag_count = 2 };
        count++;
    }
    va_end(args);
    world_step(
        w, &(struct coordinator_event){ .type = COORDINATOR_FLEET, .fleet = { workers, count } });
}

/* ---- clients and sources ---- */

const struct reply *world_request(struct world *w, const struct request *request,
                                  enum client_role role)
{
    struct coordinator_event event = { .type = COORDINATOR_REQUEST };
    event.request.client = w->client ? w->client : "tess";
    event.request.role = role;
    event.request.origin = 77;
    event.request.request = request;
    if (request->kind == REQUEST_APPLY)
        event.request.resource = resource_parse(w, request->apply.text);
    if (request->kind == REQUEST_APPLY && !event.request.resource)
        event.request.parsed = world_parse(
            arena_text_of(&w->arena, request->apply.text.data, request->apply.text.len));
    struct revision revision = {
        "Source", "App", "v1", "", { "src", "app.zip", "v1", "", 1, { 1 }, false }
    };
    if (request->kind == REQUEST_RUN) {
        revision.revision_id = request->run.revision[0] ? request->run.revision : w->head;
        revision.ref.version_id = revision.revision_id;
        revision.ref.sha256[0] = (uint8_t)revision.revision_id[strlen(revision.revision_id) - 1];
        event.request.revisions = &revision;
        event.request.revision_count = 1;
    }
    world_step(w, &event);
    for (size_t i = 0; i < w->out.count; i++)
        if (w->out.at[i].type == COORDINATOR_REPLY) {
            assert_int_equal(w->out.at[i].reply.origin, 77);
            return &w->out.at[i].reply.reply;
        }
    fail_msg("no reply");
    return NULL;
}

const struct reply *world_apply(struct world *w, const char *text)
{
    struct request request = { .kind = REQUEST_APPLY };
    request.apply.file = "f.json";
    request.apply.text = bytes_of_text(text);
    return world_request(w, &request, ROLE_ADMIN);
}

static struct id id_of(const char *text)
{
    struct id id = { "" };
    if (text[0] && !id_parse(text, &id)) fail_msg("'%s' is no id", text);
    return id;
}

const struct reply *world_run(struct world *w, const char *pipeline, const char *submission,
                              const char *revision)
{
    struct request request = { .kind = REQUEST_RUN };
    request.run.submission = id_of(submission);
    request.run.pipeline = pipeline;
    request.run.revision = revision;
    return world_request(w, &request, ROLE_DEPLOYER);
}

const struct reply *world_stop(struct world *w, const char *execution, bool abandon)
{
    struct request request = { .kind = REQUEST_STOP };
    request.stop.pipeline = execution[0] ? "" : "xr";
    request.stop.execution = execution;
    request.stop.abandon = abandon;
    request.stop.reason = "a test";
    return world_request(w, &request, ROLE_DEPLOYER);
}

const struct reply *world_retry(struct world *w, enum retry_mode mode)
{
    struct request request = { .kind = REQUEST_RETRY };
    request.retry.submission = id_new_uuid(&w->random);
    request.retry.pipeline = "xr";
    request.retry.execution = request.retry.stage = "";
    request.retry.mode = mode;
    return world_request(w, &request, ROLE_DEPLOYER);
}

void world_source(struct world *w, const char *pipeline, const char *action, const char *revision)
{
    struct revision r = {
        action, "App", revision, "summary", { "src", "app.zip", revision, "", 9, { 0 }, false }
    };
    r.ref.sha256[0] = revision[0] ? (uint8_t)revision[strlen(revision) - 1] : 0;
    struct coordinator_event event = { .type = COORDINATOR_SOURCE };
    event.source.pipeline = pipeline;
    event.source.action = action;
    event.source.revision = &r;
    world_step(w, &event);
}

/* ---- workers ---- */

static struct id incarnation_of(int number)
{
    struct id id;
    snprintf(id.text, sizeof id.text, "i%d", number);
    return id;
}

void world_message(struct world *w, const char *worker, uint64_t session,
                   const struct message *message)
{
    struct coordinator_event event = { .type = COORDINATOR_MESSAGE };
    event.message.worker = worker;
    event.message.session = session;
    event.message.message = message;
    world_step(w, &event);
}

void world_hello(struct world *w, const char *worker, const char *region, int incarnation,
                 uint64_t session)
{
    struct message message = { .type = MESSAGE_HELLO };
    message.hello = (struct hello){ .name = worker,
                                    .region = region,
                                    .incarnation = incarnation_of(incarnation),
                                    .boot = id_of("boot"),
                                    .version = "0.1.0" };
    world_message(w, worker, session, &message);
}

void world_connect(struct world *w)
{
    world_hello(w, "w1", "us-west-2", 1, 1);
    world_hello(w, "e1", "us-east-1", 1, 2);
}

void world_heartbeat(struct world *w, const char *worker, int incarnation, uint64_t session,
                     const struct row *rows, size_t count)
{
    struct message message = { .type = MESSAGE_HEARTBEAT };
    message.heartbeat = (struct heartbeat){ .boot_ms = 123456,
                                            .incarnation = incarnation_of(incarnation),
                                            .rows = rows,
                                            .row_count = count };
    world_message(w, worker, session, &message);
}

struct row world_row(const struct job *job, enum row_state state)
{
    return (struct row){ job->id, job->attempt, job->fence, state };
}

void world_accept(struct world *w, uint64_t session, const struct job *job)
{
    struct message message = { .type = MESSAGE_ACCEPT };
    message.accept.row = world_row(job, ROW_ACCEPTED);
    world_message(w, job->worker, session, &message);
}

void world_nack(struct world *w, uint64_t session, const struct job *job, enum nack_reason reason)
{
    struct message message = { .type = MESSAGE_NACK };
    message.nack = (struct nack){ job->id, job->attempt, job->fence, job->incarnation, reason };
    world_message(w, job->worker, session, &message);
}

void world_result(struct world *w, uint64_t session, const struct job *job, enum status status)
{
    struct lifecycle_report report = { job->kind == JOB_DEPLOY ? EVENT_INSTALL : EVENT_REPLICATE,
                                       status, w->now_ms, w->now_ms };
    bool good = status == STATUS_SUCCEEDED;
    struct message message = { .type = MESSAGE_RESULT };
    struct job_artifact made[2];
    assert_true(job->output_count <= 2);
    for (size_t i = 0; i < job->output_count; i++) {
        made[i] = job->outputs[i];
        made[i].ref.version_id = i ? "built-2" : "built-1";
        made[i].ref.size = 77 + i;
        made[i].ref.sha256[0] = (uint8_t)((w->built ? w->built : 0xbb) + (int)i);
    }
    if (job->kind == JOB_BUILD) report.event = EVENT_BUILD;
    if (job->kind == JOB_DELTA) report.event = EVENT_DELTA;
    bool told = job->kind == JOB_REPLICATE && job->input_count == 2 && !w->copy_note;
    message.result =
        (struct result){ .job = job->id,
                         .attempt = job->attempt,
                         .fence = job->fence,
                         .status = status,
                         .events = &report,
                         .event_count = 1,
                         .failed_event = report.event,
                         .version_id = job->kind == JOB_REPLICATE ? "copy-1" : "",
                         .bytes = 9,
                         .way = told                         ? COPY_WAY_DELTA
                                : job->kind == JOB_REPLICATE ? COPY_WAY_WHOLE
                                                             : COPY_WAY_UNKNOWN,
                         .note = w->copy_note ? w->copy_note : "",
                         .ended_ms = w->now_ms,
                         .outputs = made,
                         .output_count = good ? job->output_count : 0,
                         .variables = w->exported,
                         .variable_count = job->kind == JOB_BUILD ? w->exported_count : 0 };
    message.result.diagnostics =
        (struct diagnostics){ good ? LIFECYCLE_SUCCESS : LIFECYCLE_SCRIPT_FAILED, "",
                              good ? "" : "exit code 1", "" };
    world_message(w, job->worker, session, &message);
}

/* ---- what was sent ---- */

const struct coordinator_action *world_sent(struct world *w, const char *worker,
                                            enum message_type type)
{
    for (size_t i = 0; i < w->out.count; i++) {
        const struct coordinator_action *action = &w->out.at[i];
        if (action->type == COORDINATOR_SEND && action->send.message.type == type &&
            text_equal(action->send.worker, worker))
            return action;
    }
    return NULL;
}

const struct job *world_offer(struct world *w, const char *worker)
{
    const struct coordinator_action *action = world_sent(w, worker, MESSAGE_OFFER);
    if (!action) return NULL;
    struct buf bytes;
    struct error err;
    struct job *job = arena_calloc(&w->arena, 1, sizeof *job);
    buf_init(&bytes, WIRE_DECODE_MAX);
    wire_job_encode(action->send.offer_job, &bytes);
    if (!wire_job_decode(buf_bytes(&bytes), &w->arena, job, &err)) fail_msg("%s", err.text);
    buf_deinit(&bytes);
    return job;
}

size_t world_count(struct world *w, enum coordinator_action_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < w->out.count; i++) count += w->out.at[i].type == type;
    return count;
}

/* ---- what is shown ---- */

const struct execution_view *world_view(struct world *w, const char *pipeline)
{
    struct execution_view *view = arena_calloc(&w->arena, 1, sizeof *view);
    struct error err;
    if (!coordinator_view_execution(w->c, pipeline, "", &w->arena, view, &err)) return NULL;
    return view;
}

const struct action_state *world_action(struct world *w, const char *pipeline, size_t stage,
                                        size_t action)
{
    return &world_view(w, pipeline)->execution.stages[stage].actions[action];
}

const struct job_state *world_job(struct world *w, const char *pipeline, const char *worker)
{
    const struct execution_view *view = world_view(w, pipeline);
    const struct job_state *found = NULL;
    for (size_t i = 0; i < view->job_count; i++)
        if (text_equal(view->jobs[i].worker, worker) &&
            (!found || found->status != STATUS_IN_PROGRESS))
            found = &view->jobs[i];
    return found;
}

struct job world_job_of(const struct job_state *state)
{
    return (struct job){ .id = state->id,
                         .attempt = state->attempt,
                         .fence = state->fence,
                         .kind = state->kind,
                         .worker = state->worker,
                         .incarnation = state->incarnation };
}

void world_finish(struct world *w, const char *pipeline, const char *worker, uint64_t session,
                  enum status status)
{
    const struct job_state *state = world_job(w, pipeline, worker);
    assert_non_null(state);
    assert_int_equal(state->status, STATUS_IN_PROGRESS);
    struct job job = world_job_of(state);
    world_result(w, session, &job, status);
}
