#include "shell/runtime.h"

#include "io/clock.h"
#include "io/fs.h"
#include "io/keys.h"
#include "io/proc.h"
#include "io/random.h"
#include "io/sdnotify.h"
#include "shell/effect.h"
#include "shell/records.h"
#include "shell/loglines.h"
#include "shell/uplink.h"
#include "wire/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_MAX = 64, /* messages or step events in one turn */
    TURN_ARENA_MAX = 64 << 20,
    STORE_CHECK_MS = 60000,
    STORE_MAP = 64 << 20, /* bytes: a worker holds at most WIRE_ROWS_MAX jobs */
    RESEND_MS = 1000
};

struct runtime {
    const struct log *log;
    struct id boot;
    char *root_dir;
    struct loop *loop;
    struct store *store;
    struct link_context *links; /* NULL in deploy-local, like the uplink */
    struct uplink uplink;
    unsigned peer_slot, monitor_slot;
    struct effect *effect;
    struct worker *core;
    struct worker_actions actions;
    struct arena arena; /* of one turn */
};

/* ---- opening ---- */

/* A damaged state is put aside: an empty one is a new incarnation, and the coordinator learns what
 * cannot be known any more. */
NODISCARD static bool open_store(const char *path, const struct log *log, struct store **out,
                                 struct error *err)
{
    char folder[FS_PATH_MAX], moved[FS_PATH_MAX] = "";
    if (!fs_join(folder, path, "db", err) ||
        !store_start(out, folder, STORE_MAP, STORE_CHECK_MS, moved, sizeof moved, err))
        return false;
    if (moved[0])
        log_event(log, LOG_ERROR, "the state was damaged and is put aside", "path", moved, NULL);
    return true;
}

static void step(struct runtime *r, struct worker_event *event)
{
    event->now_ms = clock_wall_ms();
    event->boot_ms = clock_boot_ms();
    event->boot = r->boot;
    random_bytes(event->entropy, sizeof event->entropy);
    worker_step(r->core, event, &r->actions);
}

NODISCARD static bool open_common(struct runtime *r, const char *state,
                                  const struct effect_config *effect,
                                  const struct worker_config *core, struct error *err)
{
    char boot[PROC_BOOT_ID_SIZE];
    worker_actions_init(&r->actions);
    arena_init(&r->arena, TURN_ARENA_MAX);
    r->root_dir = xstrdup(core->root_dir);
    r->core = worker_new(core);
    if (!proc_boot_id(boot, err)) return false;
    if (!id_parse(boot, &r->boot))
        return error_set(err, ERR_FATAL, "the kernel's boot id cannot be read");
    return open_store(state, r->log, &r->store, err) && loop_open(&r->loop, err) &&
           effect_open(effect, r->loop, r->log, &r->effect, err);
}

NODISCARD static bool open_uplink(struct runtime *r, const struct settings *s, struct error *err)
{
    AUTO(keys_peer_wipe) struct keys_peer own = { 0 };
    struct keys_coordinator_public server;
    struct link_peer *peer = NULL;
    if (!keys_load_peer(s->key, &own, err) ||
        !keys_load_coordinator_public(s->coordinator_key, &server, err))
        return false;
    if (own.kind != KEYS_WORKER || !text_equal(own.name, s->name))
        return error_set(err, ERR_INVALID, "'%s' is the key of %s, not of the worker %s", s->key,
                         own.name, s->name);
    if (!link_context_open(&r->links, err) ||
        !link_connect(r->links, s->coordinator, &own.curve, server.curve_z85, &peer, err))
        return false;
    uplink_init(&r->uplink, peer, &server.dispatch_public, r->log);
    return loop_add_socket(r->loop, link_peer_socket(peer), &r->peer_slot, err) &&
           loop_add_socket(r->loop, link_peer_monitor(peer), &r->monitor_slot, err);
}

bool runtime_open(const struct settings *settings, const char *step_program, const struct log *log,
                  struct runtime **out, struct error *err)
{
    const struct worker_config core = { .name = settings->name,
                                        .region = settings->region,
                                        .version = MERIDIAN_VERSION,
                                        .root_dir = settings->root,
                                        .revisions_max = (uint32_t)settings->revisions_max,
                                        .resend_ms = RESEND_MS };
    const struct effect_config effect = { .state = settings->state,
                                          .program = step_program,
                                          .local_bundle = "",
                                          .appspec_filename = "",
                                          .revisions_bytes_max = settings->revisions_bytes_max,
                                          .build_memory_max = settings->build_memory_max,
                                          .transfer_rate_max = settings->transfer_rate_max,
                                          .delta_memory_max = settings->delta_memory_max,
                                          .secrets_dir = settings->secrets };
    struct runtime *r = xcalloc(1, sizeof *r);
    r->log = log;
    if (!open_common(r, settings->state, &effect, &core, err) || !open_uplink(r, settings, err)) {
        runtime_close(r);
        return false;
    }
    *out = r;
    return true;
}

void runtime_close(struct runtime *r)
{
    if (!r) return;
    uplink_deinit(&r->uplink);
    link_context_close(&r->links);
    effect_close(r->effect);
    worker_free(r->core);
    worker_actions_deinit(&r->actions);
    store_close(r->store);
    loop_close(r->loop);
    arena_deinit(&r->arena);
    free(r->root_dir);
    free(r);
}

/* ---- the turn ---- */

static enum log_level level_of(enum note_level level)
{
    switch (level) {
    case NOTE_DEBUG: return LOG_DEBUG;
    case NOTE_INFO: return LOG_INFO;
    case NOTE_WARNING: return LOG_WARNING;
    case NOTE_ERROR: return LOG_ERROR;
    }
    return LOG_ERROR;
}

static void perform(struct runtime *r, const struct worker_action *action)
{
    switch (action->type) {
    case WORKER_PUT:
    case WORKER_DELETE: break;
    case WORKER_SEND: uplink_send(&r->uplink, &action->send); break;
    case WORKER_STEP_START_ACTION:
        effect_start(r->effect, &action->step.ref, &action->step.spec);
        break;
    case WORKER_STEP_ADOPT_ACTION: effect_adopt(r->effect, &action->step.ref); break;
    case WORKER_STEP_CANCEL_ACTION: effect_cancel(r->effect, &action->step.ref); break;
    case WORKER_LEASE_ACTION:
        effect_lease(r->effect, &action->lease.ref, action->lease.until_boot_ms);
        break;
    case WORKER_FORGET_ACTION:
        effect_forget(r->effect, &action->forget.job, action->forget.attempt);
        break;
    case WORKER_NOTE: log_event(r->log, level_of(action->note.level), action->note.text, NULL);
    }
}

/* Commit first; only then anything leaves or starts. */
NODISCARD static bool commit_and_perform(struct runtime *r, struct error *err)
{
    if (!records_write(r->store, &r->actions, err))
        return error_wrap(err, "the turn cannot be committed");
    for (size_t i = 0; i < r->actions.count; i++) perform(r, &r->actions.at[i]);
    worker_actions_clear(&r->actions);
    arena_reset(&r->arena);
    return true;
}

NODISCARD static bool recover(struct runtime *r, struct error *err)
{
    AUTO(arena_deinit) struct arena records;
    arena_init(&records, RECORDS_LOAD_MAX);
    struct worker_event start = { .type = WORKER_START };
    if (!records_load(r->store, &records, &start.start.records, &start.start.count, err))
        return false;
    step(r, &start);
    return commit_and_perform(r, err);
}

static void gather_messages(struct runtime *r)
{
    if (uplink_came_up(&r->uplink)) {
        struct worker_event event = { .type = WORKER_CONNECTED };
        step(r, &event);
    }
    struct message message;
    for (unsigned i = 0; i < BATCH_MAX && uplink_receive(&r->uplink, &r->arena, &message); i++) {
        if (message.type == MESSAGE_LOG_REQUEST) {
            struct message answer = { .type = MESSAGE_LOG_CHUNK };
            loglines_read(r->root_dir, &message.log_request, &r->arena, &answer.log_chunk);
            uplink_send(&r->uplink, &answer);
            continue;
        }
        struct worker_event event = { .type = WORKER_MESSAGE, .message = &message };
        step(r, &event);
    }
}

static void gather_steps(struct runtime *r)
{
    struct worker_event event;
    for (unsigned i = 0; i < BATCH_MAX && effect_next(r->effect, &r->arena, &event); i++)
        step(r, &event);
}

static void gather_deadline(struct runtime *r)
{
    if (worker_deadline(r->core) > clock_boot_ms()) return;
    struct worker_event event = { .type = WORKER_TICK };
    step(r, &event);
}

static uint64_t next_deadline(const struct runtime *r)
{
    uint64_t core = worker_deadline(r->core), effect = effect_deadline(r->effect);
    uint64_t uplink = r->links ? uplink_deadline(&r->uplink) : UINT64_MAX;
    uint64_t sooner = core < effect ? core : effect;
    return sooner < uplink ? sooner : uplink;
}

/* One wait and one turn; *stop tells of SIGTERM or SIGINT. */
NODISCARD static bool turn(struct runtime *r, bool *stop, struct error *err)
{
    if (!loop_wait(r->loop, next_deadline(r), err)) return false;
    *stop = loop_take_signals(r->loop) & LOOP_STOP;
    if (*stop) return true;
    if (r->links) gather_messages(r);
    gather_steps(r);
    gather_deadline(r);
    return commit_and_perform(r, err);
}

bool runtime_run(struct runtime *r, struct error *err)
{
    if (!recover(r, err) || !sdnotify_ready("ready", err)) return false;
    log_event(r->log, LOG_INFO, "ready", NULL);
    for (bool stop = false; !stop;)
        if (!turn(r, &stop, err)) return false;
    log_event(r->log, LOG_INFO, "stopped; running steps go on", NULL);
    return sdnotify_stopping(err);
}

/* ---- deploy-local ---- */

static void submit(struct runtime *r, const struct local_deployment *deployment)
{
    AUTO(buf_deinit) struct buf encoded;
    buf_init(&encoded, WIRE_FRAME_MAX);
    wire_job_encode(deployment->job, &encoded);
    struct worker_event event = { .type = WORKER_LOCAL_JOB };
    event.local.job = deployment->job;
    event.local.signed_job = buf_bytes(&encoded);
    event.local.events = deployment->events;
    event.local.event_count = deployment->event_count;
    step(r, &event);
}

NODISCARD static bool run_local(struct runtime *r, const struct local_deployment *deployment,
                                struct error *err)
{
    const struct id *job = &deployment->job->id;
    if (!recover(r, err)) return false;
    if (!worker_view_row(r->core, job)) submit(r, deployment);
    if (!commit_and_perform(r, err)) return false;
    for (;;) {
        const struct row_record *row = worker_view_row(r->core, job);
        if (!row)
            return error_set(err, ERR_INVALID, "the deployment was refused: see the lines above");
        if (row->row.state == ROW_ENDED) return true;
        bool stop = false;
        if (!turn(r, &stop, err)) return false;
        if (stop) return error_set(err, ERR_CONFLICT, "interrupted; the running step goes on");
    }
}

/* The result as its owner keeps it, beyond the life of the core. */
static void copy_result(const struct result *from, struct arena *arena, struct result *out)
{
    *out = *from;
    struct lifecycle_report *events = arena_calloc(arena, from->event_count, sizeof *events);
    if (from->event_count) memcpy(events, from->events, from->event_count * sizeof *events);
    out->events = events;
    out->version_id = arena_text(arena, from->version_id);
    out->diagnostics.script = arena_text(arena, from->diagnostics.script);
    out->diagnostics.message = arena_text(arena, from->diagnostics.message);
    out->diagnostics.log_tail = arena_text(arena, from->diagnostics.log_tail);
}

/* The caller has the result: the row and the job's folder are not needed any more. */
NODISCARD static bool let_go(struct runtime *r, const struct result *result, struct error *err)
{
    const struct message ack = {
        .type = MESSAGE_RESULT_ACK,
        .result_ack = { .job = result->job, .attempt = result->attempt, .fence = result->fence }
    };
    struct worker_event event = { .type = WORKER_MESSAGE, .message = &ack };
    step(r, &event);
    return commit_and_perform(r, err);
}

bool runtime_deploy_local(const struct local_deployment *deployment, const char *step_program,
                          const struct log *log, struct arena *arena, struct result *result,
                          struct error *err)
{
    const struct worker_config core = { .name = "local",
                                        .region = "local",
                                        .version = MERIDIAN_VERSION,
                                        .root_dir = deployment->root_dir,
                                        .revisions_max = deployment->revisions_max,
                                        .resend_ms = RESEND_MS,
                                        .local = true };
    const struct effect_config effect = { .state = deployment->state,
                                          .program = step_program,
                                          .local_bundle = deployment->bundle,
                                          .appspec_filename = deployment->appspec_filename };
    struct runtime *r = xcalloc(1, sizeof *r);
    r->log = log;
    bool ok =
        open_common(r, deployment->state, &effect, &core, err) && run_local(r, deployment, err);
    if (ok) {
        copy_result(&worker_view_row(r->core, &deployment->job->id)->result, arena, result);
        ok = let_go(r, result, err);
    }
    runtime_close(r);
    return ok;
}
