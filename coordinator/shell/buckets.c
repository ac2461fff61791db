#include "shell/buckets.h"

#include "shell/buckets_upload.h"
#include "io/clock.h"
#include "io/random.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening ---- */

static const char *environment(void *owner, const char *name)
{
    (void)owner;
    return getenv(name);
}

static const char *first_set(const char *a, const char *b)
{
    const char *value = getenv(a);
    if (!value || !value[0]) value = getenv(b);
    return value ? value : "";
}

NODISCARD static bool add_store(struct buckets *b, const struct artifact_store *store,
                                struct error *err)
{
    struct bucket *bucket = &b->stores[b->store_count++];
    const char *endpoint =
        store->endpoint ? store->endpoint : first_set("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
    bucket->owner = b;
    bucket->name = xstrdup(store->name);
    bucket->region = xstrdup(store->region);
    bucket->endpoint = xstrdup(endpoint);
    bucket->ca_file = xstrdup(first_set("AWS_CA_BUNDLE", "AWS_CA_BUNDLE"));
    return s3_bucket_make(bucket->name, bucket->region, bucket->endpoint, &b->endpoints,
                          &bucket->s3, err) ||
           error_wrap(err, "store '%s'", store->name);
}

bool buckets_open(const struct artifact_store *stores, size_t count, struct loop *loop,
                  const struct log *log, struct buckets **out, struct error *err)
{
    struct buckets *b = NULL;
    *out = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!artifact_store_is_s3(&stores[i])) continue;
        if (!b) {
            b = xcalloc(1, sizeof *b);
            b->log = log;
            b->objects = xcalloc(BUCKET_OBJECTS_MAX, sizeof *b->objects);
            b->uploads = xcalloc(BUCKET_UPLOADS_MAX, sizeof *b->uploads);
            arena_init(&b->endpoints, BUCKET_ARENA_MAX);
            arena_init(&b->arena, BUCKET_ARENA_MAX);
            random_seed(&b->random);
        }
        if (!add_store(b, &stores[i], err)) goto fail;
    }
    if (!b) return true;
    if (!credentials_open(&b->credentials, b->stores[0].region, environment, NULL, err) ||
        !http_open(loop, &b->http, err))
        goto fail;
    log_event(log, LOG_INFO, "buckets are used", "keys",
              credentials_source_name(b->credentials.source), NULL);
    *out = b;
    return true;
fail:
    buckets_close(b);
    return false;
}

static void object_forget(struct bucket_object *object)
{
    free(object->key);
    bucket_chain_free(&object->chain);
}

void buckets_close(struct buckets *b)
{
    if (!b) return;
    http_close(b->http);
    buckets_asks_free(b);
    bucket_uploads_free(b);
    credentials_close(&b->credentials);
    for (size_t i = 0; i < b->store_count; i++) {
        free(b->stores[i].name);
        free(b->stores[i].region);
        free(b->stores[i].endpoint);
        free(b->stores[i].ca_file);
    }
    for (size_t i = 0; b->objects && i < BUCKET_OBJECTS_MAX; i++) object_forget(&b->objects[i]);
    free(b->objects);
    arena_deinit(&b->endpoints);
    arena_deinit(&b->arena);
    free(b);
}

static struct bucket *store_find(struct buckets *b, const char *name)
{
    for (size_t i = 0; b && i < b->store_count; i++)
        if (text_equal(b->stores[i].name, name)) return &b->stores[i];
    return NULL;
}

static const struct bucket *store_of(const struct buckets *b, const char *name)
{
    for (size_t i = 0; b && i < b->store_count; i++)
        if (text_equal(b->stores[i].name, name)) return &b->stores[i];
    return NULL;
}

const struct bucket *bucket_named(const struct buckets *b, const char *store)
{
    const struct bucket *bucket = store_of(b, store);
    assert(bucket);
    return bucket;
}

bool buckets_has(const struct buckets *b, const char *store)
{
    return store_of(b, store) != NULL;
}

/* ---- keys ---- */

static void refresh(struct buckets *b);

static void keys_failed(struct buckets *b, const struct error *err)
{
    log_failure(b->log, LOG_WARNING, "the keys of AWS cannot be refreshed", err);
    b->no_credentials = *err;
    credentials_failed(&b->credentials, clock_wall_ms(), &b->random);
}

static void on_keys(void *owner, const struct http_answer *answer)
{
    struct buckets *b = owner;
    struct error err = { 0 };
    bool more = false;
    b->refreshing = false;
    if (answer->status == 0) {
        (void)error_set(&err, ERR_RETRY, "keys of AWS (%s): %s",
                        credentials_source_name(b->credentials.source), answer->cause);
        keys_failed(b, &err);
    } else if (!credentials_answer(&b->credentials, answer->status, answer->body, clock_wall_ms(),
                                   &more, &err)) {
        keys_failed(b, &err);
    } else if (more) {
        refresh(b);
    } else {
        b->no_credentials = (struct error){ 0 };
        for (size_t i = 0; i < BUCKET_OBJECTS_MAX; i++) b->objects[i].due_ms = 0;
    }
}

static void refresh(struct buckets *b)
{
    struct credentials_request next;
    struct error err = { 0 };
    arena_reset(&b->arena);
    if (!credentials_next(&b->credentials, &b->arena, &next, &err)) {
        keys_failed(b, &err);
        return;
    }
    const struct http_request request = { .method = next.method,
                                          .url = next.url,
                                          .headers = next.headers,
                                          .body = next.body,
                                          .body_max = CREDENTIALS_ANSWER_MAX,
                                          .plain = true,
                                          .timeout_ms = BUCKET_TIMEOUT_MS,
                                          .fn = on_keys,
                                          .owner = b };
    b->refreshing = http_start(b->http, &request, &err);
    if (!b->refreshing) keys_failed(b, &err);
}

/* ---- the turn ---- */

static bool watched(const struct bucket_object *object, uint64_t now)
{
    return object->bucket && now < object->asked_ms + BUCKET_FORGET_MS;
}

void buckets_run(struct buckets *b)
{
    if (!b) return;
    http_run(b->http);
    if (!b->refreshing && credentials_due(&b->credentials, clock_wall_ms())) refresh(b);
    bucket_uploads_run(b);
    uint64_t now = clock_boot_ms();
    for (size_t i = 0; i < BUCKET_OBJECTS_MAX; i++) {
        struct bucket_object *object = &b->objects[i];
        if (watched(object, now) && !object->busy && object->due_ms <= now) bucket_look(object);
    }
}

uint64_t buckets_deadline(const struct buckets *b)
{
    if (!b) return UINT64_MAX;
    uint64_t due = http_deadline(b->http), now = clock_boot_ms();
    for (size_t i = 0; i < BUCKET_OBJECTS_MAX; i++) {
        const struct bucket_object *object = &b->objects[i];
        if (watched(object, now) && !object->busy && object->due_ms < due) due = object->due_ms;
    }
    return due;
}

void buckets_hint(struct buckets *b, const char *store, const char *key)
{
    for (size_t i = 0; b && i < BUCKET_OBJECTS_MAX; i++) {
        struct bucket_object *object = &b->objects[i];
        if (!object->bucket || !text_equal(object->bucket->name, store) ||
            !text_equal(object->key, key))
            continue;
        object->hinted = true;
        if (!object->busy) object->due_ms = 0;
    }
}

uint64_t buckets_news(const struct buckets *b)
{
    return b ? b->news : 0;
}

/* ---- questions ---- */

/* NULL when all places are taken by objects that somebody asks about. */
static struct bucket_object *object_of(struct buckets *b, struct bucket *bucket, const char *key)
{
    struct bucket_object *place = NULL;
    uint64_t now = clock_boot_ms();
    for (size_t i = 0; i < BUCKET_OBJECTS_MAX; i++) {
        struct bucket_object *object = &b->objects[i];
        if (object->bucket == bucket && text_equal(object->key, key)) return object;
        if (!place && !object->busy && !watched(object, now)) place = object;
    }
    if (!place) return NULL;
    object_forget(place);
    *place = (struct bucket_object){
        .owner = b, .bucket = bucket, .key = xstrdup(key), .due_ms = now, .asked_ms = now
    };
    return place;
}

static void describe(const struct bucket_object *object, const struct bucket_version *version,
                     struct arena *arena, struct artifact_ref *out, const char **summary)
{
    *out = (struct artifact_ref){ .store = arena_text(arena, object->bucket->name),
                                  .key = arena_text(arena, object->key),
                                  .version_id = arena_text(arena, version->id),
                                  .etag = arena_text(arena, version->etag),
                                  .size = version->size };
    memcpy(out->sha256, version->sha256, SHA256_SIZE);
    *summary = arena_text(arena, version->summary);
}

bool buckets_find(struct buckets *b, const char *store, const char *key, const char *version_id,
                  struct arena *arena, struct artifact_ref *out, const char **summary,
                  struct error *err)
{
    struct bucket *bucket = store_find(b, store);
    if (!bucket) return error_set(err, ERR_NOT_FOUND, "no s3 store '%s'", store);
    struct bucket_object *object = object_of(b, bucket, key);
    if (!object)
        return error_set(err, ERR_NO_SPACE, "more than %d objects are watched", BUCKET_OBJECTS_MAX);
    object->asked_ms = clock_boot_ms();
    const struct bucket_version *version = NULL;
    if (version_id[0])
        version = bucket_version_find(object, version_id);
    else if (object->newest)
        version = &object->versions[object->newest - 1];
    if (version) {
        describe(object, version, arena, out, summary);
        return true;
    }
    if (version_id[0] && text_equal(object->missing, version_id)) {
        object->missing[0] = '\0'; /* asked again it is looked for again */
        return error_set(err, ERR_NOT_FOUND, "the object has no such version");
    }
    if (version_id[0]) {
        if (!text_copy(object->wanted, sizeof object->wanted, version_id))
            return error_set(err, ERR_INVALID, "the version's name is too long");
        if (!object->busy) object->due_ms = object->asked_ms;
        return error_set(err, ERR_RETRY, "the version is being looked up: ask again in a moment");
    }
    if (object->trouble.code == ERR_NONE)
        return error_set(err, ERR_RETRY, "the object has not been looked at yet");
    *err = object->trouble;
    return false;
}

bool buckets_next(struct buckets *b, const char *store, const char *key, const char *seen,
                  struct arena *arena, struct artifact_ref *out, const char **summary,
                  struct error *err)
{
    struct bucket *bucket = store_find(b, store);
    struct bucket_object *object = bucket && seen[0] ? object_of(b, bucket, key) : NULL;
    bool listing = false;
    const char *next = object ? bucket_chain_next(object, seen, &listing) : NULL;
    if (listing) {
        object->asked_ms = clock_boot_ms();
        return error_set(err, ERR_RETRY, "the versions since the last one are being listed");
    }
    return buckets_find(b, store, key, next ? next : "", arena, out, summary, err);
}

/* ---- grants ---- */

bool bucket_grant_time(const struct buckets *b, uint64_t expires_ms, struct grant_time *out,
                       struct error *err)
{
    uint64_t now = clock_wall_ms(), seconds = expires_ms > now ? (expires_ms - now) / 1000 : 1;
    if (seconds == 0) seconds = 1;
    if (seconds > SIGV4_EXPIRES_MAX_S) seconds = SIGV4_EXPIRES_MAX_S;
    out->now_ms = now;
    out->seconds = (uint32_t)seconds;
    return credentials_get(&b->credentials, now, &out->keys, err);
}

NODISCARD static bool grant_make(const struct buckets *b, const char *store,
                                 const struct s3_operation *operation, uint64_t expires_ms,
                                 struct arena *arena, struct grant *out, struct error *err)
{
    const struct bucket *bucket = store_of(b, store);
    struct grant_time time;
    const char *url = NULL;
    assert(bucket);
    /* Without a key the leave would be for the bucket itself. */
    if (!operation->key[0]) return error_set(err, ERR_INVALID, "an object key is not empty");
    if (!bucket_grant_time(b, expires_ms, &time, err) ||
        !s3_sign(&bucket->s3, &time.keys, operation, time.now_ms, time.seconds, arena, &url, err))
        return error_wrap(err, "store '%s'", store);
    if (strlen(url) > WIRE_URL_MAX)
        return error_set(err, ERR_INVALID, "the signed address is longer than %d bytes",
                         WIRE_URL_MAX);
    *out = (struct grant){ .url = url, .pin = "", .expires_ms = expires_ms };
    return true;
}

bool buckets_grant_read(const struct buckets *b, const struct artifact_ref *ref,
                        uint64_t expires_ms, struct arena *arena, struct grant *out,
                        struct error *err)
{
    const struct s3_operation get = { .method = "GET",
                                      .key = ref->key,
                                      .version_id = ref->version_id,
                                      .subresource = "",
                                      .sha256 = "",
                                      .summary = "" };
    return grant_make(b, ref->store, &get, expires_ms, arena, out, err);
}

bool buckets_grant_write(const struct buckets *b, const char *store, const char *key,
                         const struct upload *upload, uint64_t expires_ms, struct arena *arena,
                         struct grant *out, struct error *err)
{
    char hex[HEX_SHA256_SIZE] = "";
    if (upload) hex_format(upload->sha256, SHA256_SIZE, hex);
    if (upload && upload->size > S3_PUT_BYTES_MAX)
        return error_set(err, ERR_INVALID, "an object of an s3 store has at most 5 GiB");
    const struct s3_operation put = { .method = "PUT",
                                      .key = key,
                                      .version_id = "",
                                      .subresource = "",
                                      .sha256 = hex,
                                      .summary = upload ? upload->summary : "" };
    return grant_make(b, store, &put, expires_ms, arena, out, err);
}
