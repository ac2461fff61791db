#include "fixture_coordinator.h"

#include "client/commands.h"
#include "fixture_view.h"
#include "io/link.h"
#include "wire/wire.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>
#include <cmocka.h>

enum { SELF_TEST_MS = 10000, TURN_MS = 1000, WORDS_MAX = 32 };

/* ---- the coordinator ---- */

struct fake {
    struct link_context *ctx;
    struct link_listener *clients;
    struct keys_registry *registry;
    uint64_t lost_token;
    struct id lost_submission;
};

static const char *pipeline_of(const struct request *request)
{
    switch (request->kind) {
    case REQUEST_RUN: return request->run.pipeline;
    case REQUEST_STOP: return request->stop.pipeline;
    case REQUEST_TRANSITION: return request->transition.pipeline;
    case REQUEST_APPROVAL: return request->approval.pipeline;
    case REQUEST_RETRY: return request->retry.pipeline;
    case REQUEST_RESUME: return request->resume.pipeline;
    case REQUEST_ALARM: return "";
    case REQUEST_ROLLBACK: return request->rollback.pipeline;
    case REQUEST_DRAIN: return request->drain.worker;
    case REQUEST_OVERRIDE: return request->override.pipeline;
    case REQUEST_CUSTOM: return request->custom.type;
    case REQUEST_STATUS:
    case REQUEST_WHY: return request->status.pipeline;
    case REQUEST_EXPORT: return request->export.pipeline;
    case REQUEST_HISTORY: return request->history.pipeline;
    case REQUEST_EVENTS: return request->events.pipeline;
    case REQUEST_CUSTOM_VIEW:
    case REQUEST_PING:
    case REQUEST_APPLY:
    case REQUEST_LIST:
    case REQUEST_LOGS:
    case REQUEST_PUSH:
    case REQUEST_REGIONS:
    case REQUEST_PLAN:
    case REQUEST_DOCTOR:
    case REQUEST_ARTIFACTS:
    case REQUEST_RESOURCES:
    case REQUEST_WORKERS: break;
    }
    return "";
}

static struct failure failure_of(const char *pipeline)
{
    static const struct {
        const char *name;
        enum error_code code;
    } failures[] = { { "missing", ERR_NOT_FOUND },
                     { "denied", ERR_DENIED },
                     { "conflict", ERR_CONFLICT },
                     { "invalid", ERR_INVALID },
                     { "later", ERR_RETRY } };
    struct failure failure = { .code = ERR_NONE, .what = "", .cause = "", .fix = "" };
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (text_equal(failures[i].name, pipeline))
            failure = (struct failure){ failures[i].code, "it went wrong \x1b[31m", "a cause",
                                        "a command" };
    return failure;
}

/* Two chunks; the first ends in the middle of a character. */
static struct log_chunk log_of(const struct logs_request *request)
{
    static const char text[] = "one\n\x1b[2Jtwo \xe6\x9d\xb1\n";
    uint64_t len = sizeof text - 1, half = 13;
    struct log_chunk chunk = { .offset = request->offset, .cause = "" };
    uint64_t end = request->offset < half ? half : len;
    if (request->offset < len) chunk.data = bytes_of(text + request->offset, end - request->offset);
    chunk.end = end == len;
    return chunk;
}

static const struct event_record event = { .seq = 7,
                                           .time_ms = 1000000,
                                           .pipeline = "Failed",
                                           .stage = "Prod",
                                           .action = "Second",
                                           .region = "us-east-1",
                                           .worker = "",
                                           .what = "action",
                                           .name = "",
                                           .status = STATUS_FAILED,
                                           .detail = "it went \x1b[31m wrong",
                                           .version_id = "v1" };

static const struct reason reason = { .code = REASON_HOST_DRAINED,
                                      .stage = "Prod",
                                      .action = "Deploy",
                                      .region = "us-east-1",
                                      .worker = "web-1",
                                      .text = "drained \x1b[31m by ana",
                                      .fix = "meridian workers resume web-1",
                                      .since_ms = 1000000,
                                      .deadline_ms = 2000000 };
static const struct region_summary region = { .region = "us-east-1",
                                              .stores = "store-a",
                                              .workers = 3,
                                              .connected = 2,
                                              .drained = 1,
                                              .artifacts = 4 };
static const struct preview_change change = { PREVIEW_CHANGE, "Prod",      "Deploy",
                                              "region",       "us-east-1", "eu-west-1" };
static const struct preview_step step = { "Prod", "Deploy", "eu-west-1", "CodeDeploy", 1, 3,
                                          1,      5000000,  "" };

static const struct finding finding = { FINDING_BAD, "store bucket", "denied \x1b[31m",
                                        "add s3:GetObject" };

/* True when it was one of the questions beside the tree. */
static bool answer_ask(const struct request *request, struct reply *reply,
                       const struct view_world *view)
{
    reply->reasons = &reason;
    reply->reason_count = request->kind == REQUEST_WHY;
    reply->regions = &region;
    reply->region_count = request->kind == REQUEST_REGIONS;
    reply->plan_changes = &change;
    reply->plan_steps = &step;
    reply->changed = true;
    reply->plan_change_count = reply->plan_step_count = request->kind == REQUEST_PLAN;
    reply->findings = &finding;
    reply->finding_count = request->kind == REQUEST_DOCTOR;
    if (request->kind != REQUEST_WHY)
        return reply->region_count + reply->plan_step_count + reply->finding_count > 0;
    reply->executions = &view->view;
    reply->execution_count = 1;
    return true;
}

static void answer(struct fake *fake, uint64_t session, const struct request *request)
{
    static struct view_world view;
    struct pipeline_summary pipelines[] = { { .name = "Failed", .revision_id = "" } };
    const char *pipeline = pipeline_of(request);
    struct reply reply = { .token = request->token,
                           .kind = request->kind,
                           .failure = failure_of(pipeline),
                           .name = "9.9.9",
                           .region = "us-west-2",
                           .seq = 7,
                           .log = { .cause = "" },
                           .next = "",
                           .grant = { .url = "", .pin = "" } };
    view_make(&view);
    enum status status = STATUS_SUCCEEDED;
    for (enum status at = STATUS_PENDING; at < STATUS_COUNT; at++)
        if (text_equal(status_name(at), pipeline)) status = at;
    view.view.execution.pipeline = pipeline[0] ? pipeline : "xr";
    if (status_ended(status)) view_finish(&view, status, "");
    reply.execution = view.view.execution.id;
    if (reply.failure.code == ERR_NONE && answer_ask(request, &reply, &view)) {
        reply.name = "xr";
        reply.version = 4;
    } else if (request->kind == REQUEST_LIST) {
        reply.pipelines = pipelines;
        reply.pipeline_count = 1;
    } else if (request->kind == REQUEST_STATUS && reply.failure.code == ERR_NONE) {
        reply.executions = &view.view;
        reply.execution_count = 1;
    } else if (request->kind == REQUEST_LOGS) {
        reply.log = log_of(&request->logs);
    } else if (request->kind == REQUEST_EVENTS && request->events.after < event.seq) {
        reply.events = &event;
        reply.event_count = 1;
    }
    const struct message message = { .type = MESSAGE_REPLY, .reply = reply };
    AUTO(buf_deinit) struct buf frame;
    buf_init(&frame, WIRE_FRAME_MAX);
    wire_encode(&message, 1, &frame);
    (void)!link_send(fake->clients, session, buf_bytes(&frame));
}

/* The first one is lost; what comes next must be the same again. */
static bool lose(struct fake *fake, const struct request *request)
{
    if (request->kind != REQUEST_RUN || !text_equal(request->run.pipeline, "lost")) return false;
    bool again = fake->lost_token == request->token &&
                 id_equal(&fake->lost_submission, &request->run.submission);
    fake->lost_token = request->token;
    fake->lost_submission = request->run.submission;
    return !again;
}

static void serve(struct fake *fake)
{
    AUTO(arena_deinit) struct arena arena;
    arena_init(&arena, WIRE_DECODE_MAX);
    for (;;) {
        zmq_pollitem_t items[] = {
            { .socket = link_zap_socket(fake->ctx), .events = ZMQ_POLLIN },
            { .socket = link_socket(fake->clients), .events = ZMQ_POLLIN },
        };
        struct link_message frame;
        struct message message;
        struct error err;
        zmq_poll(items, 2, TURN_MS);
        link_zap_service(fake->ctx, fake->registry);
        while (link_receive(fake->clients, fake->registry, &frame) == LINK_RECEIVED) {
            arena_reset(&arena);
            if (wire_decode(frame.payload, &arena, &message, &err) &&
                message.type == MESSAGE_REQUEST && !lose(fake, &message.request))
                answer(fake, frame.session, &message.request);
        }
    }
}

static void coordinator_main(const char *keys, int ready)
{
    struct fake fake = { .ctx = NULL };
    struct keys_coordinator own;
    struct error err = { .code = ERR_NONE };
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (keys_load_coordinator(keys, &own, &err) && keys_registry_load(keys, &fake.registry, &err) &&
        link_context_open(&fake.ctx, &err) && link_zap_open(fake.ctx, &err) &&
        link_self_test(fake.ctx, SELF_TEST_MS, &err) &&
        link_listen(fake.ctx, "tcp://127.0.0.1:*", &own.curve, KEYS_CLIENT, &fake.clients, &err)) {
        const char *endpoint = link_endpoint(fake.clients);
        if (write(ready, endpoint, strlen(endpoint) + 1) > 0) serve(&fake);
    }
    fprintf(stderr, "fake coordinator: %s\n", err.text);
    _exit(1);
}

/* ---- the world ---- */

int command_world_make(void **state)
{
    struct command_world *w = xcalloc(1, sizeof *w);
    const char *base = getenv("TMPDIR");
    *state = w;
    snprintf(w->folder, sizeof w->folder, "%.30s/meridian-client-XXXXXX", base ? base : "/tmp");
    return mkdtemp(w->folder) ? 0 : -1;
}

int command_world_make_with_coordinator(void **state)
{
    struct error err = { .code = ERR_NONE };
    char keys[128], text[1024], path[256];
    int ready[2];
    if (command_world_make(state) || pipe(ready)) return -1;
    struct command_world *w = *state;
    snprintf(keys, sizeof keys, "%s/keys", w->folder);
    if (!keys_init(keys, &err) || !keys_add_client(keys, "ana", KEYS_ADMIN, &err) ||
        !keys_add_client(keys, "gone", KEYS_ADMIN, &err) ||
        !keys_add_worker(keys, "web", "us-west-2", NULL, 0, &err))
        return -1;
    /* A key that nobody admits. */
    snprintf(text, sizeof text, "%s/client-gone.key", keys);
    snprintf(path, sizeof path, "%s/stranger.key", w->folder);
    if (rename(text, path) || !keys_revoke(keys, KEYS_CLIENT, "gone", &err)) return -1;
    w->coordinator = fork();
    if (w->coordinator == 0) coordinator_main(keys, ready[1]);
    close(ready[1]);
    ssize_t got = read(ready[0], w->endpoint, sizeof w->endpoint - 1);
    close(ready[0]);
    if (w->coordinator < 0 || got <= 0) return -1;
    snprintf(text, sizeof text,
             "coordinator: %s\ncoordinatorKey: keys/coordinator.pub\nkey: keys/client-ana.key\n",
             w->endpoint);
    snprintf(path, sizeof path, "%s/client.yml", w->folder);
    return fs_write_atomic(path, bytes_of_text(text), 0600, &err) ? 0 : -1;
}

int command_world_end(void **state)
{
    struct command_world *w = *state;
    struct error err;
    if (w->coordinator > 0) {
        kill(w->coordinator, SIGKILL);
        waitpid(w->coordinator, NULL, 0);
    }
    bool removed = fs_remove_tree(w->folder, &err);
    free(w);
    return removed ? 0 : -1;
}

/* ---- commands ---- */

static void run_child(struct command_world *w, const char *line, FILE *out, FILE *notes)
{
    char config[FS_PATH_MAX], words[4096], *argv[WORDS_MAX] = { "meridian" };
    size_t used = 0;
    int argc = 1;
    snprintf(config, sizeof config, "%s/client.yml", w->folder);
    for (const char *c = line; *c; c++)
        used += (size_t)snprintf(words + used, sizeof words - used, *c == '@' ? "%s" : "%.1s",
                                 *c == '@' ? w->folder : c);
    for (char *word = words; used > 0 && word && argc < WORDS_MAX - 1; argc++) {
        argv[argc] = word;
        word = strchr(word, ' ');
        if (word) *word++ = '\0';
    }
    if (fs_exists(config)) setenv("MERIDIAN_CONFIG", config, 1);
    setenv("XDG_CONFIG_HOME", w->folder, 1);
    setenv("XDG_STATE_HOME", w->folder, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    if (!freopen("/dev/null", "r", stdin) || dup2(fileno(out), STDOUT_FILENO) < 0 ||
        dup2(fileno(notes), STDERR_FILENO) < 0)
        _exit(99);
    _exit(commands_main(argc, argv));
}

static void read_back(FILE *file, char *out, size_t size)
{
    rewind(file);
    out[fread(out, 1, size - 1, file)] = '\0';
    fclose(file);
}

void command_try(struct command_world *w, const char *line, struct command_result *result)
{
    FILE *out = tmpfile(), *notes = tmpfile();
    int status = 0;
    assert_non_null(out);
    assert_non_null(notes);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) run_child(w, line, out, notes);
    assert_int_equal(waitpid(child, &status, 0), child);
    result->exit = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    read_back(out, result->out, sizeof result->out);
    read_back(notes, result->notes, sizeof result->notes);
}
