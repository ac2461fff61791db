#include "shell/keeper.h"

#include "core/retention.h"
#include "io/clock.h"
#include "shell/answers.h"
#include "shell/inventory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHORE_ARENA_MAX = 256 << 20, BATCH_MAX = STORED_OBJECTS_MAX, GRANT_MS = 3600 * 1000 };

enum chore_state {
    CHORE_LISTING,
    CHORE_CHOSEN,  /* `objects` is what the core is to be asked about, BATCH_MAX at a time */
    CHORE_ORDERED, /* it was asked in this turn: what may go is told after the commit */
    CHORE_ERASING,
    CHORE_DONE
};

/* One request, or one store's rule; `rule` of the latter. */
struct chore {
    struct keeper *owner; /* NULL: the place is free */
    const struct artifact_store *rule;
    uint64_t session, token, origin;
    enum artifacts_verb verb;
    bool force;
    const char *store, *prefix;
    enum chore_state state;
    struct arena arena;
    struct stored_object *objects;
    size_t count, cap, asked; /* asked: of `objects`, those that the core was asked about */
    const char *next;
    bool more; /* CHORE_LISTING: the page behind `next` is asked for in the next turn */
    struct artifact_ref *batch, *erase; /* BATCH_MAX each */
    size_t erase_count, erase_begun, erase_ended;
    uint64_t erased;
    struct error err;
};

struct keeper {
    struct keeper_config config;
    struct chore chores[KEEPER_CHORES_MAX];
    uint64_t due[ARTIFACT_STORES_MAX]; /* of each store's rule; UINT64_MAX: none */
    uint64_t origin;
};

static bool has_rule(const struct artifact_store *store)
{
    return store->keep_count || store->keep_age_ms;
}

struct keeper *keeper_open(const struct keeper_config *config)
{
    struct keeper *k = xcalloc(1, sizeof *k);
    uint64_t now = clock_boot_ms();
    k->config = *config;
    for (size_t i = 0; i < config->store_count; i++) {
        const struct artifact_store *store = &config->stores[i];
        uint64_t first =
            store->keep_every_ms < KEEPER_FIRST_MS ? store->keep_every_ms : KEEPER_FIRST_MS;
        k->due[i] = has_rule(store) ? now + first : UINT64_MAX;
    }
    return k;
}

static void chore_free(struct chore *chore)
{
    if (!chore->owner) return;
    free(chore->objects);
    arena_deinit(&chore->arena);
    *chore = (struct chore){ 0 };
}

void keeper_close(struct keeper *k)
{
    if (!k) return;
    for (size_t i = 0; i < KEEPER_CHORES_MAX; i++) chore_free(&k->chores[i]);
    free(k);
}

static struct chore *chore_make(struct keeper *k, const char *store, const char *prefix)
{
    for (size_t i = 0; i < KEEPER_CHORES_MAX; i++) {
        struct chore *chore = &k->chores[i];
        if (chore->owner) continue;
        *chore = (struct chore){ .owner = k, .origin = ++k->origin, .next = "" };
        arena_init(&chore->arena, CHORE_ARENA_MAX);
        chore->store = arena_text(&chore->arena, store);
        chore->prefix = arena_text(&chore->arena, prefix);
        chore->batch = arena_calloc(&chore->arena, BATCH_MAX, sizeof *chore->batch);
        chore->erase = arena_calloc(&chore->arena, BATCH_MAX, sizeof *chore->erase);
        return chore;
    }
    return NULL;
}

/* ---- pages ---- */

static struct artifact_ref ref_of(const struct chore *chore, const struct stored_object *object)
{
    return (struct artifact_ref){
        .store = chore->store, .key = object->key, .version_id = object->version_id, .etag = ""
    };
}

static void take_object(struct chore *chore, const struct stored_object *from)
{
    struct stored_object *to = &chore->objects[chore->count++];
    *to = *from;
    to->key = arena_text(&chore->arena, from->key);
    to->version_id = arena_text(&chore->arena, from->version_id);
    const struct artifact_ref ref = ref_of(chore, to);
    to->needed = coordinator_view_need(chore->owner->config.core, &ref, &chore->arena);
}

/* Only what the rule gives up is left in `objects`. */
static void choose(struct chore *chore)
{
    const struct retention_rule rule = { (uint32_t)chore->rule->keep_count,
                                         chore->rule->keep_age_ms };
    bool *doomed = xcalloc(chore->count + 1, sizeof *doomed);
    size_t left = 0;
    retention_select(chore->objects, chore->count, &rule, clock_wall_ms(), doomed);
    for (size_t i = 0; i < chore->count; i++)
        if (doomed[i]) chore->objects[left++] = chore->objects[i];
    chore->count = left;
    free(doomed);
}

static void on_page(void *owner, const struct inventory_page *page)
{
    struct chore *chore = owner;
    if (page->err->code != ERR_NONE) {
        chore->err = *page->err;
        chore->state = CHORE_DONE;
        return;
    }
    if (chore->count + page->count > chore->cap) {
        chore->cap = 2 * chore->cap + page->count;
        chore->objects = xrealloc(chore->objects, chore->cap * sizeof *chore->objects);
    }
    for (size_t i = 0; i < page->count; i++) take_object(chore, &page->objects[i]);
    chore->next = arena_text(&chore->arena, page->next);
    chore->more = chore->rule && chore->next[0] && chore->count < KEEPER_OBJECTS_MAX;
    if (chore->more) return;
    if (chore->rule && chore->next[0])
        log_event(chore->owner->config.log, LOG_WARNING,
                  "the store holds more versions than its rule looks at", "store", chore->store,
                  NULL);
    if (chore->rule) choose(chore);
    bool removes = chore->rule || chore->verb == ARTIFACTS_EMPTY;
    chore->state = removes ? CHORE_CHOSEN : CHORE_DONE;
}

/* ---- requests ---- */

static bool asked_already(const struct keeper *k, uint64_t session, uint64_t token)
{
    for (size_t i = 0; i < KEEPER_CHORES_MAX; i++)
        if (k->chores[i].owner && !k->chores[i].rule && k->chores[i].session == session &&
            k->chores[i].token == token)
            return true;
    return false;
}

/* Bytes are for those who may deploy them, their end is for administrators. */
static bool allowed(enum artifacts_verb verb, enum client_role role)
{
    switch (verb) {
    case ARTIFACTS_LIST: return true;
    case ARTIFACTS_GET: return role == ROLE_DEPLOYER || role == ROLE_ADMIN;
    case ARTIFACTS_EMPTY: return role == ROLE_ADMIN;
    }
    return false;
}

bool keeper_ask(struct keeper *k, uint64_t session, const struct request *request,
                enum client_role role)
{
    const struct artifacts_request *asked = &request->artifacts;
    if (asked_already(k, session, request->token)) return true;
    struct chore *chore = chore_make(k, asked->store, asked->key);
    if (!chore) return false;
    chore->session = session;
    chore->token = request->token;
    chore->verb = asked->verb;
    chore->force = asked->force;
    if (!allowed(asked->verb, role)) {
        (void)error_set(&chore->err, ERR_DENIED, "the role of this key may not do that");
        chore->state = CHORE_DONE;
    } else if (asked->verb == ARTIFACTS_GET) {
        inventory_find(k->config.artifacts, chore->store, chore->prefix,
                       arena_text(&chore->arena, asked->version_id), on_page, chore);
    } else {
        inventory_list(k->config.artifacts, chore->store, chore->prefix,
                       arena_text(&chore->arena, asked->after), on_page, chore);
    }
    return true;
}

/* ---- removing ---- */

bool keeper_next(struct keeper *k, struct coordinator_event *out)
{
    for (size_t i = 0; i < KEEPER_CHORES_MAX; i++) {
        struct chore *chore = &k->chores[i];
        size_t count = 0;
        if (!chore->owner || chore->state != CHORE_CHOSEN) continue;
        while (chore->asked < chore->count && count < BATCH_MAX)
            chore->batch[count++] = ref_of(chore, &chore->objects[chore->asked++]);
        chore->state = CHORE_ORDERED;
        chore->erase_count = chore->erase_begun = chore->erase_ended = 0;
        *out = (struct coordinator_event){ .type = COORDINATOR_REMOVE };
        out->remove.objects = chore->batch;
        out->remove.count = count;
        out->remove.force = chore->force;
        out->remove.origin = chore->origin;
        return true;
    }
    return false;
}

void keeper_erase(struct keeper *k, uint64_t origin, const struct artifact_ref *object)
{
    for (size_t i = 0; i < KEEPER_CHORES_MAX; i++) {
        struct chore *chore = &k->chores[i];
        if (!chore->owner || chore->origin != origin || chore->erase_count == BATCH_MAX) continue;
        chore->erase[chore->erase_count++] =
            (struct artifact_ref){ .store = chore->store,
                                   .key = arena_text(&chore->arena, object->key),
                                   .version_id = arena_text(&chore->arena, object->version_id),
                                   .etag = "" };
    }
}

static void on_erased(void *owner, const struct inventory_page *page)
{
    struct chore *chore = owner;
    chore->erase_ended++;
    if (page->err->code == ERR_NONE)
        chore->erased++;
    else if (chore->err.code == ERR_NONE)
        chore->err = *page->err;
}

static void rule_ended(struct chore *chore)
{
    struct keeper *k = chore->owner;
    size_t store = (size_t)(chore->rule - k->config.stores);
    char erased[24];
    snprintf(erased, sizeof erased, "%llu", (unsigned long long)chore->erased);
    if (chore->erased)
        log_event(k->config.log, LOG_INFO, "old versions were removed", "store", chore->store,
                  "versions", erased, NULL);
    if (chore->err.code != ERR_NONE)
        log_event(k->config.log, LOG_WARNING, "the store's rule cannot be followed", "store",
                  chore->store, "cause", chore->err.text, NULL);
    k->due[store] = clock_boot_ms() + chore->rule->keep_every_ms;
    chore_free(chore);
}

static void chore_run(struct chore *chore)
{
    const struct artifacts *artifacts = chore->owner->config.artifacts;
    if (chore->more) {
        chore->more = false;
        inventory_list(artifacts, chore->store, "", chore->next, on_page, chore);
    }
    if (chore->state == CHORE_ORDERED) chore->state = CHORE_ERASING;
    while (chore->state == CHORE_ERASING && chore->erase_begun < chore->erase_count &&
           chore->erase_begun - chore->erase_ended < KEEPER_ERASURES_MAX)
        inventory_erase(artifacts, &chore->erase[chore->erase_begun++], on_erased, chore);
    if (chore->state == CHORE_ERASING && chore->erase_ended == chore->erase_count)
        chore->state =
            chore->asked < chore->count && chore->err.code == ERR_NONE ? CHORE_CHOSEN : CHORE_DONE;
    if (chore->state == CHORE_DONE && chore->rule) rule_ended(chore);
}

void keeper_run(struct keeper *k)
{
    uint64_t now = clock_boot_ms();
    /* Before new looks begin: each takes one page in this turn. */
    for (size_t i = 0; i < KEEPER_CHORES_MAX; i++)
        if (k->chores[i].owner) chore_run(&k->chores[i]);
    for (size_t i = 0; i < k->config.store_count; i++) {
        if (k->due[i] > now) continue;
        struct chore *chore = chore_make(k, k->config.stores[i].name, "");
        if (!chore) break;
        k->due[i] = UINT64_MAX;
        chore->rule = &k->config.stores[i];
        inventory_list(k->config.artifacts, chore->store, "", "", on_page, chore);
    }
}

uint64_t keeper_deadline(const struct keeper *k)
{
    uint64_t due = UINT64_MAX;
    for (size_t i = 0; i < k->config.store_count; i++)
        if (k->due[i] < due) due = k->due[i];
    /* Folders answer within the call: what they have told is worked on in the next turn. */
    for (size_t i = 0; i < KEEPER_CHORES_MAX; i++) {
        const struct chore *chore = &k->chores[i];
        bool waits = (chore->state == CHORE_LISTING && !chore->more) ||
                     (chore->state == CHORE_ERASING &&
                      chore->erase_begun - chore->erase_ended >= KEEPER_ERASURES_MAX);
        bool erasing = chore->state == CHORE_ERASING && chore->erase_begun == chore->erase_count &&
                       chore->erase_ended < chore->erase_count;
        if (chore->owner && !waits && !erasing) return 0;
    }
    return due;
}

/* ---- answers ---- */

static void grant(const struct chore *chore, struct arena *arena, struct reply *reply)
{
    const struct artifact_ref ref = ref_of(chore, &chore->objects[0]);
    uint64_t expires_ms = clock_wall_ms() + GRANT_MS;
    struct error err = { 0 };
    if (artifacts_grant_read(chore->owner->config.artifacts, &ref, expires_ms, arena, &reply->grant,
                             &err))
        return;
    reply->failure.code = err.code;
    reply->failure.cause = arena_text(arena, err.text);
}

/* Of EMPTY those that stay. */
static void objects_of(const struct chore *chore, struct arena *arena, struct reply *reply)
{
    struct stored_object *objects = arena_calloc(arena, chore->count, sizeof *objects);
    size_t count = 0;
    for (size_t i = 0; i < chore->count && count < STORED_OBJECTS_MAX; i++) {
        const struct stored_object *from = &chore->objects[i];
        if (chore->verb == ARTIFACTS_EMPTY && (chore->force || !from->needed[0])) continue;
        objects[count] = *from;
        objects[count].key = arena_text(arena, from->key);
        objects[count].version_id = arena_text(arena, from->version_id);
        objects[count++].needed = arena_text(arena, from->needed);
    }
    reply->objects = objects;
    reply->object_count = count;
}

bool keeper_answer(struct keeper *k, struct arena *arena, uint64_t *session, struct reply *reply)
{
    for (size_t i = 0; i < KEEPER_CHORES_MAX; i++) {
        struct chore *chore = &k->chores[i];
        if (!chore->owner || chore->rule || chore->state != CHORE_DONE) continue;
        *session = chore->session;
        *reply = answers_empty(chore->token, REQUEST_ARTIFACTS);
        reply->seq = chore->erased;
        objects_of(chore, arena, reply);
        reply->next = arena_text(arena, chore->next);
        reply->changed = chore->next[0] != '\0';
        if (chore->err.code != ERR_NONE) {
            reply->failure.code = chore->err.code;
            reply->failure.cause = arena_text(arena, chore->err.text);
        } else if (chore->verb == ARTIFACTS_GET && chore->count) {
            grant(chore, arena, reply);
        }
        if (reply->failure.code != ERR_NONE) {
            reply->failure.what =
                arena_format(arena, "store %s: %s", chore->store, artifacts_verb_name(chore->verb));
            reply->failure.fix = "meridian doctor";
        }
        chore_free(chore);
        return true;
    }
    return false;
}
