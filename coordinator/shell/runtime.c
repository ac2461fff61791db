#include "shell/runtime.h"

#include "io/clock.h"
#include "io/loop.h"
#include "io/random.h"
#include "io/sdnotify.h"
#include "shell/artifact_server.h"
#include "shell/buckets.h"
#include "shell/doctor.h"
#include "shell/frontdoor.h"
#include "shell/keeper.h"
#include "shell/questions.h"
#include "shell/records.h"
#include "shell/sources.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_MAX = 512, /* messages of one socket in one turn */
    TURN_ARENA_MAX = 256 << 20,
    SELF_TEST_MS = 10000,
    REGISTRY_POLL_MS = 1000,
    POLL_EARLY_MS =
        500, /* a turn that happens anyway does what is due so soon: no wake-up for it */
    READERS_CHECK_MS = 60000,
    HEARTBEAT_MS = 950, /* a little less than the polls' second: with one worker there is a turn
                           for them already */
    LEASE_MS = 15000,
    OFFER_RESEND_MS = 1000,
    HISTORY_MAX = 20,
    HTTP_CONNECTIONS_MAX = 256,
    LINES_MAX = 256 << 10, /* bytes of a turn's log that are written at once */
    PEM_MAX = 64 << 10,
    STORE_REFUSE_PERCENT = 80
};

struct runtime {
    const struct settings *settings;
    const struct log *log;
    struct loop *loop;
    struct store *store;
    struct keys_coordinator keys;
    struct signer *signer; /* the dispatch key */
    struct keys_registry *registry;
    struct link_context *links;
    struct buckets *buckets; /* NULL: no store of type s3 */
    struct artifacts *artifacts;
    struct doctor *doctor;
    struct keeper *keeper;
    struct questions *questions;
    struct artifact_server *server;
    struct coordinator *core;
    struct workers workers;
    struct frontdoor door;
    bool workers_open, door_open;
    unsigned zap_slot, workers_slot, clients_slot;
    struct coordinator_actions actions;
    struct random_pool random;
    struct buf lines;   /* of the log, of one turn */
    struct arena arena; /* of one turn */
    uint64_t stored, bucket_news, sources_due, registry_due, readers_due;
    bool gathering, gathered; /* events of this turn are still to come; there were some */
};

/* ---- opening ---- */

NODISCARD static bool open_artifacts(struct runtime *r, const char *program, struct error *err)
{
    char certificate_path[FS_PATH_MAX], key_path[FS_PATH_MAX], pin[KEYS_PIN_SIZE];
    char url[LINK_ENDPOINT_SIZE + 16];
    AUTO(buf_deinit) struct buf certificate;
    AUTO(buf_deinit) struct buf key;
    buf_init(&certificate, PEM_MAX);
    buf_init(&key, PEM_MAX);
    const struct settings *s = r->settings;
    if (!fs_join(certificate_path, s->keys, "https.crt", err) ||
        !fs_join(key_path, s->keys, "https.key", err) ||
        !fs_read_file(certificate_path, &certificate, err) || !fs_read_file(key_path, &key, err) ||
        !keys_https_pin(certificate_path, pin, err))
        return false;
    snprintf(url, sizeof url, "https://%s", s->artifacts_listen);
    const struct artifacts_config config = { .stores = s->stores,
                                             .store_count = s->store_count,
                                             .base_url = s->artifacts_url ? s->artifacts_url : url,
                                             .pin = pin,
                                             .buckets = r->buckets,
                                             .secret = bytes_of(r->keys.store_secret,
                                                                sizeof r->keys.store_secret) };
    const struct sockaddr *address = (const struct sockaddr *)&s->artifacts_address;
    const struct artifact_server_config server = { .listen = s->artifacts_listen,
                                                   .address = address,
                                                   .certificate_pem = buf_bytes(&certificate),
                                                   .key_pem = buf_bytes(&key),
                                                   .program = program,
                                                   .events_token = s->artifacts_events,
                                                   .buckets = r->buckets,
                                                   .connections_max = HTTP_CONNECTIONS_MAX };
    return artifacts_open(&config, clock_wall_ms(), &r->artifacts, err) &&
           artifact_server_open(&server, r->artifacts, r->loop, r->log, &r->server, err);
}

NODISCARD static bool open_links(struct runtime *r, struct error *err)
{
    struct link_listener *workers = NULL, *clients = NULL;
    if (!link_context_open(&r->links, err) || !link_zap_open(r->links, err) ||
        !link_self_test(r->links, SELF_TEST_MS, err) ||
        !link_listen(r->links, r->settings->listen_workers, &r->keys.curve, KEYS_WORKER, &workers,
                     err))
        return false;
    workers_init(&r->workers, workers, r->signer, r->artifacts, r->log);
    r->workers_open = true;
    if (!link_listen(r->links, r->settings->listen_clients, &r->keys.curve, KEYS_CLIENT, &clients,
                     err))
        return false;
    frontdoor_init(&r->door, clients, r->core, r->store, r->artifacts, &r->workers, r->doctor,
                   r->keeper, r->log, r->settings->region);
    r->door_open = true;
    return loop_add_socket(r->loop, link_zap_socket(r->links), &r->zap_slot, err) &&
           loop_add_socket(r->loop, link_socket(workers), &r->workers_slot, err) &&
           loop_add_socket(r->loop, link_socket(clients), &r->clients_slot, err);
}

static void step(struct runtime *r, struct coordinator_event *event)
{
    event->now_ms = clock_wall_ms();
    event->boot_ms = clock_boot_ms();
    random_pool_take(&r->random, event->entropy, sizeof event->entropy);
    event->more = r->gathering;
    r->gathered = true;
    coordinator_step(r->core, event, &r->actions);
}

static const struct host_tag *step_tags(struct runtime *r, const struct keys_principal *principal)
{
    struct host_tag *tags = arena_calloc(&r->arena, principal->tag_count, sizeof *tags);
    for (size_t i = 0; i < principal->tag_count; i++)
        tags[i] = (struct host_tag){ principal->tags[i].key, principal->tags[i].value };
    return tags;
}

static void step_fleet(struct runtime *r)
{
    size_t count = 0, all = keys_registry_count(r->registry);
    struct enrolled_worker *fleet = arena_calloc(&r->arena, all, sizeof *fleet);
    for (size_t i = 0; i < all; i++) {
        const struct keys_principal *principal = keys_registry_at(r->registry, i);
        if (principal->kind != KEYS_WORKER) continue;
        const char *build = keys_tag(principal, "build");
        fleet[count++] =
            (struct enrolled_worker){ .name = principal->name,
                                      .region = principal->region,
                                      .builds = build && !text_equal(build, "false"),
                                      .builds_only = build && text_equal(build, "only"),
                                      .tags = step_tags(r, principal),
                                      .tag_count = principal->tag_count };
    }
    struct coordinator_event event = { .type = COORDINATOR_FLEET };
    event.fleet.workers = fleet;
    event.fleet.count = count;
    step(r, &event);
}

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

static void write_notes(struct runtime *r)
{
    const struct log log = log_held(r->log, &r->lines);
    for (size_t i = 0; i < r->actions.count; i++) {
        const struct coordinator_action *action = &r->actions.at[i];
        if (action->type == COORDINATOR_NOTE)
            log_event(&log, level_of(action->note.level), action->note.text, NULL);
    }
    log_flush(&log);
}

/* Commit first; only then anything leaves. */
NODISCARD static bool commit_and_perform(struct runtime *r, struct error *err)
{
    if (!records_write(r->store, &r->actions, clock_wall_ms(), err))
        return error_wrap(err, "the turn cannot be committed");
    write_notes(r);
    for (size_t i = 0; i < r->actions.count; i++) {
        const struct coordinator_action *action = &r->actions.at[i];
        switch (action->type) {
        case COORDINATOR_PUT:
        case COORDINATOR_DELETE:
        case COORDINATOR_NOTE: break;
        case COORDINATOR_ERASE:
            keeper_erase(r->keeper, action->erase.origin, &action->erase.object);
            break;
        case COORDINATOR_SEND: workers_send(&r->workers, action, &r->arena); break;
        case COORDINATOR_REPLY:
            frontdoor_reply(&r->door, action->reply.origin, &action->reply.reply);
            break;
        }
    }
    coordinator_actions_clear(&r->actions);
    return true;
}

NODISCARD static bool recover(struct runtime *r, struct error *err)
{
    AUTO(arena_deinit) struct arena records;
    arena_init(&records, RECORDS_LOAD_MAX);
    const struct settings *s = r->settings;
    const struct coordinator_config config = {
        .region = s->region,
        .heartbeat_ms = HEARTBEAT_MS,
        .lease_ms = LEASE_MS,
        .offer_resend_ms = OFFER_RESEND_MS,
        .action_timeout_ms = (uint32_t)s->action_timeout_ms,
        .history_max = HISTORY_MAX,
        .delta = { .size_min = s->deltas_min,
                   .size_max = s->deltas_enabled ? s->deltas_max : 0,
                   .percent_max = (uint32_t)s->deltas_worth,
                   .timeout_ms = (uint32_t)s->deltas_wait_ms },
        .prices = s->prices,
        .price_count = s->price_count,
    };
    struct coordinator_event start = { .type = COORDINATOR_START };
    if (!records_load(r->store, HISTORY_MAX, &records, &start.start.records, &start.start.count,
                      err))
        return false;
    r->core = coordinator_new(&config);
    step(r, &start);
    step_fleet(r);
    /* Nothing can be sent yet: what the start asks for is asked again by the next turn. */
    if (!records_write(r->store, &r->actions, clock_wall_ms(), err)) return false;
    coordinator_actions_clear(&r->actions);
    return true;
}

bool runtime_open(const struct settings *settings, const char *program, const struct log *log,
                  struct runtime **out, struct error *err)
{
    struct runtime *r = xcalloc(1, sizeof *r);
    r->settings = settings;
    r->log = log;
    coordinator_actions_init(&r->actions);
    buf_init(&r->lines, LINES_MAX);
    arena_init(&r->arena, TURN_ARENA_MAX);
    if (!records_open(settings->state, &r->store, err) || !loop_open(&r->loop, err) ||
        !keys_load_coordinator(settings->keys, &r->keys, err) ||
        !signer_open(&r->keys.dispatch_secret, &r->signer, err) ||
        !keys_registry_load(settings->keys, &r->registry, err) || !recover(r, err) ||
        !buckets_open(settings->stores, settings->store_count, r->loop, log, &r->buckets, err) ||
        !questions_open(r->loop, &r->questions, err) || !open_artifacts(r, program, err))
        goto fail;
    r->doctor = doctor_open(&(struct doctor_config){ .stores = settings->stores,
                                                     .store_count = settings->store_count,
                                                     .state = settings->state,
                                                     .store = r->store,
                                                     .buckets = r->buckets,
                                                     .log = log });
    r->keeper = keeper_open(&(struct keeper_config){ .stores = settings->stores,
                                                     .store_count = settings->store_count,
                                                     .artifacts = r->artifacts,
                                                     .core = r->core,
                                                     .log = log });
    if (!open_links(r, err)) goto fail;
    *out = r;
    return true;
fail:
    runtime_close(r);
    return false;
}

void runtime_close(struct runtime *r)
{
    if (!r) return;
    if (r->door_open) frontdoor_deinit(&r->door);
    if (r->workers_open) workers_deinit(&r->workers);
    link_context_close(&r->links);
    artifact_server_close(r->server);
    doctor_close(r->doctor);
    artifacts_close(r->artifacts);
    buckets_close(r->buckets);
    keeper_close(r->keeper);
    questions_close(r->questions);
    coordinator_free(r->core);
    coordinator_actions_deinit(&r->actions);
    keys_registry_free(&r->registry);
    signer_close(r->signer);
    keys_coordinator_wipe(&r->keys);
    store_close(r->store);
    loop_close(r->loop);
    buf_deinit(&r->lines);
    arena_deinit(&r->arena);
    free(r);
}

/* ---- the turn ---- */

static void gather_workers(struct runtime *r)
{
    struct worker_message from;
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        if (!workers_receive(&r->workers, r->registry, &r->arena, &from)) return;
        if (from.message.type == MESSAGE_LOG_CHUNK) {
            frontdoor_log_chunk(&r->door, &from.message.log_chunk);
            continue;
        }
        struct coordinator_event event = { .type = COORDINATOR_MESSAGE };
        event.message.worker = from.worker;
        event.message.session = from.session;
        event.message.message = &from.message;
        step(r, &event);
    }
}

/* A store that is nearly full finishes what runs and begins nothing new. */
static bool store_is_full(struct runtime *r)
{
    struct store_usage usage;
    struct error err = { 0 };
    if (!store_usage(r->store, &usage, &err)) return true;
    return usage.used_bytes > usage.map_bytes / 100 * STORE_REFUSE_PERCENT;
}

static bool refuse_when_full(struct runtime *r, const struct coordinator_event *event)
{
    const struct request *request = event->request.request;
    bool ends = request->kind == REQUEST_STOP || request->kind == REQUEST_RESUME ||
                request->kind == REQUEST_ALARM;
    if (ends || !store_is_full(r)) return false;
    struct reply reply = {
        .token = request->token, .kind = request->kind, .name = "", .resource = "", .region = ""
    };
    reply.failure = (struct failure){ .code = ERR_NO_SPACE,
                                      .what = "the coordinator's store is nearly full",
                                      .cause = "more than 80 % of its map is in use",
                                      .fix = "let running executions end; see "
                                             "`meridian-coordinator dump` and docs/how-to" };
    reply.next = reply.log.cause = reply.grant.url = reply.grant.pin = "";
    frontdoor_reply(&r->door, event->request.origin, &reply);
    if (event->request.parsed) pipeline_free(event->request.parsed);
    resource_free(event->request.resource);
    return true;
}

static void gather_clients(struct runtime *r)
{
    struct coordinator_event event;
    size_t budget = BATCH_MAX;
    while (frontdoor_receive(&r->door, r->registry, &budget, &r->arena, &event))
        if (!refuse_when_full(r, &event)) step(r, &event);
}

/* What is new in the sources; true when something came of it: the next version may be known. */
static bool poll_sources(struct runtime *r)
{
    const struct source_change *changes = NULL;
    uint64_t before = coordinator_view_event_seq(r->core);
    size_t count = sources_poll(r->artifacts, r->core, r->log, &r->arena, &changes);
    if (count > 0 && store_is_full(r)) {
        log_event(r->log, LOG_ERROR, "new revisions wait: the store is nearly full", NULL);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct coordinator_event event = { .type = COORDINATOR_SOURCE };
        event.source.pipeline = changes[i].pipeline;
        event.source.action = changes[i].action;
        event.source.revision = &changes[i].revision;
        step(r, &event);
    }
    return coordinator_view_event_seq(r->core) != before;
}

static void gather_sources(struct runtime *r)
{
    bool news = artifact_server_stored(r->server) != r->stored ||
                buckets_news(r->buckets) != r->bucket_news;
    if (!news && clock_boot_ms() + POLL_EARLY_MS < r->sources_due) return;
    r->stored = artifact_server_stored(r->server);
    r->bucket_news = buckets_news(r->buckets);
    r->sources_due = clock_boot_ms() + SOURCES_POLL_MS;
    for (size_t i = 0; i < SOURCES_ROUNDS_MAX && poll_sources(r); i++) continue;
}

static void gather_removals(struct runtime *r)
{
    struct coordinator_event event;
    while (keeper_next(r->keeper, &event)) step(r, &event);
}

static void gather_answers(struct runtime *r)
{
    struct coordinator_event event;
    const struct rule_question *list = NULL;
    size_t count = coordinator_view_questions(r->core, &r->arena, &list);
    questions_ask(r->questions, list, count, &r->arena);
    while (questions_next(r->questions, &event)) step(r, &event);
}

/* A revoked key is honoured no longer than a second. */
static void gather_registry(struct runtime *r, bool now)
{
    if (!now && clock_boot_ms() + POLL_EARLY_MS < r->registry_due) return;
    r->registry_due = clock_boot_ms() + REGISTRY_POLL_MS;
    struct error err = { 0 };
    bool changed = false;
    if (!keys_registry_reload(r->registry, &changed, &err)) {
        log_failure(r->log, LOG_ERROR, "the registry of keys cannot be read: the old one holds",
                    &err);
        return;
    }
    if (!changed) return;
    (void)link_revoke(r->workers.listener, r->registry);
    (void)link_revoke(r->door.listener, r->registry);
    step_fleet(r);
}

/* Readers of processes that died (`dump` beside us) would keep old pages from being used again. */
static void check_readers(struct runtime *r)
{
    struct error err = { 0 };
    if (clock_boot_ms() < r->readers_due) return;
    r->readers_due = clock_boot_ms() + READERS_CHECK_MS;
    if (!store_check_readers(r->store, &err))
        log_failure(r->log, LOG_WARNING, "the store's readers cannot be checked", &err);
}

/* The turn's last event: the core looks at what all of them changed. */
static void gather_deadline(struct runtime *r)
{
    r->gathering = false;
    if (!r->gathered && coordinator_deadline(r->core) > clock_wall_ms()) return;
    struct coordinator_event event = { .type = COORDINATOR_TICK };
    step(r, &event);
}

static uint64_t min64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_deadline(const struct runtime *r)
{
    uint64_t boot = clock_boot_ms(), wall = clock_wall_ms();
    uint64_t core = coordinator_deadline(r->core), due = LOOP_NO_DEADLINE;
    if (core != UINT64_MAX) due = core > wall ? boot + (core - wall) : boot;
    due = min64(due, frontdoor_deadline(&r->door));
    due = min64(due, artifact_server_deadline(r->server));
    due = min64(due, buckets_deadline(r->buckets));
    due = min64(due, keeper_deadline(r->keeper));
    due = min64(due, questions_deadline(r->questions));
    return min64(due, min64(r->sources_due, r->registry_due));
}

NODISCARD static bool turn(struct runtime *r, unsigned signals, struct error *err)
{
    artifact_server_run(r->server);
    buckets_run(r->buckets);
    doctor_run(r->doctor);
    keeper_run(r->keeper);
    link_zap_service(r->links, r->registry);
    r->gathering = true;
    r->gathered = false;
    gather_registry(r, signals & LOOP_RELOAD);
    gather_workers(r);
    gather_clients(r);
    gather_sources(r);
    gather_removals(r);
    gather_answers(r);
    gather_deadline(r);
    if (!commit_and_perform(r, err)) return false;
    frontdoor_answer(&r->door, &r->arena);
    frontdoor_wake(&r->door, &r->arena);
    check_readers(r);
    arena_reset(&r->arena);
    return true;
}

bool runtime_run(struct runtime *r, struct error *err)
{
    if (!sdnotify_ready("ready", err)) return false;
    log_event(r->log, LOG_INFO, "ready", "region", r->settings->region, "workers",
              r->settings->listen_workers, "clients", r->settings->listen_clients, NULL);
    doctor_begin(r->doctor, true);
    for (;;) {
        if (!loop_wait(r->loop, next_deadline(r), err)) return false;
        unsigned signals = loop_take_signals(r->loop);
        if (signals & LOOP_STOP) break;
        if (!turn(r, signals, err)) return false;
    }
    log_event(r->log, LOG_INFO, "stopped", NULL);
    return sdnotify_stopping(err);
}
