/* Listing, looking and erasing in one bucket, for shell/inventory.h. */
#include "shell/buckets_internal.h"

#include "base/number.h"
#include "io/xml.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_BODY_MAX = 2 << 20, LIST_ARENA_MAX = 8 << 20 };

/* One question under way; it frees itself with its answer. */
struct ask {
    const struct bucket *bucket;
    struct ask *next; /* of buckets->asks */
    inventory_fn fn;
    void *owner;
    struct bucket_read read; /* instead of `fn`; its texts are not kept */
    char *key;
};

static void ask_free(struct buckets *b, struct ask *ask)
{
    for (struct ask **at = &b->asks; *at; at = &(*at)->next)
        if (*at == ask) {
            *at = ask->next;
            break;
        }
    free(ask->key);
    free(ask);
}

void buckets_asks_free(struct buckets *b)
{
    while (b->asks) ask_free(b, b->asks);
}

static void answer_error(struct ask *ask, const struct error *err)
{
    const struct inventory_page page = { .err = err, .next = "" };
    ask->fn(ask->owner, &page);
    ask_free(ask->bucket->owner, ask);
}

static void ask_begin(struct buckets *b, const char *store, const struct s3_operation *operation,
                      size_t body_max, http_fn on_answer, inventory_fn fn, void *owner)
{
    struct ask *ask = xcalloc(1, sizeof *ask);
    struct error err = { 0 };
    *ask = (struct ask){ .bucket = bucket_named(b, store),
                         .next = b->asks,
                         .fn = fn,
                         .owner = owner,
                         .key = xstrdup(operation->key) };
    b->asks = ask;
    const struct bucket_question question = {
        .operation = operation, .body_max = body_max, .fn = on_answer, .owner = ask
    };
    if (!bucket_request(b, ask->bucket, &question, &err)) answer_error(ask, &err);
}

static struct s3_operation operation_of(const char *method, const char *key, const char *version_id)
{
    return (struct s3_operation){ .method = method,
                                  .key = key,
                                  .version_id = version_id,
                                  .subresource = "",
                                  .sha256 = "",
                                  .summary = "" };
}

/* ---- listing ---- */

struct listing {
    struct arena arena;
    struct stored_object objects[STORED_OBJECTS_MAX];
    size_t count;
    bool bad;
};

/* Keys come percent-encoded: XML cannot hold every letter. */
static const char *key_of(struct arena *arena, const char *text)
{
    char key[S3_KEY_MAX + 1];
    return arena_text(arena, s3_key_decode(text, key) ? key : text);
}

static bool take_element(void *owner, const char *name, struct bytes element)
{
    struct listing *list = owner;
    char key[3 * S3_KEY_MAX + 1], version[WIRE_KEY_MAX], text[S3_TEXT_SIZE];
    bool marker = text_equal(name, "DeleteMarker");
    if (!marker && !text_equal(name, "Version")) return true;
    if (list->count == STORED_OBJECTS_MAX) return false;
    struct stored_object object = { .marker = marker, .needed = "" };
    if (!xml_text(element, "Key", 1, key, sizeof key) ||
        !xml_text(element, "VersionId", 1, version, sizeof version)) {
        list->bad = true;
        return false;
    }
    object.key = key_of(&list->arena, key);
    object.version_id = arena_text(&list->arena, version);
    object.newest = xml_text(element, "IsLatest", 1, text, sizeof text) && text_equal(text, "true");
    if (!xml_text(element, "Size", 1, text, sizeof text) ||
        !number_parse(text, UINT64_MAX, &object.size))
        object.size = 0;
    time_t date = xml_text(element, "LastModified", 1, text, sizeof text) ? bucket_date(text) : 0;
    object.modified_ms = date > 0 ? (uint64_t)date * 1000 : 0;
    list->objects[list->count++] = object;
    return true;
}

static const char *next_of(struct listing *list, struct bytes body)
{
    char text[3 * S3_KEY_MAX + 1], version[WIRE_KEY_MAX];
    if (!xml_text(body, "IsTruncated", 1, text, sizeof text) || !text_equal(text, "true"))
        return "";
    if (!xml_text(body, "NextKeyMarker", 1, text, sizeof text)) return "";
    if (!xml_text(body, "NextVersionIdMarker", 1, version, sizeof version)) version[0] = '\0';
    return arena_format(&list->arena, "%s\n%s", key_of(&list->arena, text), version);
}

static void on_listing(void *owner, const struct http_answer *answer)
{
    struct ask *ask = owner;
    struct error err = { 0 };
    if (answer->status != 200 || answer->cause[0]) {
        bool refused = bucket_refused(ask->bucket, "ListObjectVersions", "s3:ListBucketVersions",
                                      answer, &err);
        if (!refused) answer_error(ask, &err);
        return;
    }
    struct listing *list = xcalloc(1, sizeof *list);
    arena_init(&list->arena, LIST_ARENA_MAX);
    if (!xml_each(answer->body, take_element, list) || list->bad) {
        (void)error_set(&err, ERR_RETRY, "ListObjectVersions: the answer cannot be read");
        answer_error(ask, &err);
    } else {
        const struct inventory_page page = { .err = &err,
                                             .objects = list->objects,
                                             .count = list->count,
                                             .next = next_of(list, answer->body) };
        ask->fn(ask->owner, &page);
        ask_free(ask->bucket->owner, ask);
    }
    arena_deinit(&list->arena);
    free(list);
}

void buckets_list(struct buckets *b, const char *store, const char *prefix, const char *after,
                  inventory_fn fn, void *owner)
{
    char key[S3_KEY_MAX + 1] = "", max[16];
    const char *version = strchr(after, '\n');
    size_t len = version ? (size_t)(version - after) : 0;
    struct sigv4_pair parameters[S3_PARAMETERS_MAX];
    size_t count = 0;
    if (len < sizeof key) {
        memcpy(key, after, len);
        key[len] = '\0';
    }
    snprintf(max, sizeof max, "%d", STORED_OBJECTS_MAX);
    parameters[count++] = (struct sigv4_pair){ "encoding-type", "url" };
    parameters[count++] = (struct sigv4_pair){ "max-keys", max };
    if (prefix[0]) parameters[count++] = (struct sigv4_pair){ "prefix", prefix };
    if (key[0]) parameters[count++] = (struct sigv4_pair){ "key-marker", key };
    if (key[0] && version[1])
        parameters[count++] = (struct sigv4_pair){ "version-id-marker", version + 1 };
    struct s3_operation operation = operation_of("GET", "", "");
    operation.subresource = "versions";
    operation.parameters = parameters;
    operation.parameter_count = count;
    ask_begin(b, store, &operation, LIST_BODY_MAX, on_listing, fn, owner);
}

/* ---- one object ---- */

static void on_head(void *owner, const struct http_answer *answer)
{
    struct ask *ask = owner;
    struct error err = { 0 };
    if (answer->status == 404 || answer->status == 405) {
        (void)error_set(&err, ERR_NOT_FOUND, "there is no such object, or no such version of it");
        answer_error(ask, &err);
        return;
    }
    if (answer->status != 200) {
        bool refused = bucket_refused(ask->bucket, "HeadObject",
                                      "s3:GetObject, s3:GetObjectVersion", answer, &err);
        if (!refused) answer_error(ask, &err);
        return;
    }
    time_t date = answer->modified[0] ? curl_getdate(answer->modified, NULL) : 0;
    struct stored_object object = { .key = ask->key,
                                    .version_id = answer->version_id,
                                    .size = answer->size,
                                    .modified_ms = date > 0 ? (uint64_t)date * 1000 : 0,
                                    .needed = "" };
    if (!hex_parse(answer->sha256, object.sha256, SHA256_SIZE))
        memset(object.sha256, 0, SHA256_SIZE);
    const struct inventory_page page = { .err = &err, .objects = &object, .count = 1, .next = "" };
    ask->fn(ask->owner, &page);
    ask_free(ask->bucket->owner, ask);
}

void buckets_head(struct buckets *b, const char *store, const char *key, const char *version_id,
                  inventory_fn fn, void *owner)
{
    const struct s3_operation operation = operation_of("HEAD", key, version_id);
    ask_begin(b, store, &operation, 0, on_head, fn, owner);
}

static void on_erased(void *owner, const struct http_answer *answer)
{
    struct ask *ask = owner;
    struct error err = { 0 };
    bool gone = (answer->status >= 200 && answer->status < 300) || answer->status == 404;
    if (!gone) {
        bool refused = bucket_refused(ask->bucket, "DeleteObject",
                                      "s3:DeleteObject, s3:DeleteObjectVersion", answer, &err);
        if (!refused) answer_error(ask, &err);
        return;
    }
    const struct inventory_page page = { .err = &err, .next = "" };
    ask->fn(ask->owner, &page);
    ask_free(ask->bucket->owner, ask);
}

void buckets_erase(struct buckets *b, const struct artifact_ref *object, inventory_fn fn,
                   void *owner)
{
    const struct s3_operation operation =
        operation_of("DELETE", object->key, object->version_id[0] ? object->version_id : "null");
    ask_begin(b, object->store, &operation, 0, on_erased, fn, owner);
}

/* ---- reading ---- */

static void read_ended(struct ask *ask, struct bytes data, const struct error *err)
{
    ask->read.fn(ask->read.owner, ask->read.token, data, err);
    ask_free(ask->bucket->owner, ask);
}

static void on_read(void *owner, const struct http_answer *answer)
{
    struct ask *ask = owner;
    struct error err = { 0 };
    /* 416: at the end already. The whole object comes when it is asked for from its beginning on.
     */
    bool part = answer->status == 206 || (answer->status == 200 && ask->read.offset == 0);
    if (answer->status == 416)
        read_ended(ask, bytes_of("", 0), &err);
    else if (part && !answer->cause[0])
        read_ended(ask, answer->body, &err);
    else if (!bucket_refused(ask->bucket, "GetObject", "s3:GetObject", answer, &err)) {
        if (answer->status == 404) err.code = ERR_NOT_FOUND;
        read_ended(ask, bytes_of("", 0), &err);
    }
}

void buckets_read(struct buckets *b, const struct bucket_read *read)
{
    const struct s3_operation operation = operation_of("GET", read->key, "");
    struct ask *ask = xcalloc(1, sizeof *ask);
    struct error err = { 0 };
    char range[80];
    *ask = (struct ask){ .bucket = bucket_named(b, read->store),
                         .next = b->asks,
                         .read = *read,
                         .key = xstrdup(read->key) };
    b->asks = ask;
    snprintf(range, sizeof range, "Range: bytes=%llu-%llu", (unsigned long long)read->offset,
             (unsigned long long)(read->offset + read->max - 1));
    const char *const headers[] = { range, NULL };
    const struct bucket_question question = { .operation = &operation,
                                              .headers = headers,
                                              .body_max = read->max,
                                              .fn = on_read,
                                              .owner = ask };
    if (!bucket_request(b, ask->bucket, &question, &err)) read_ended(ask, bytes_of("", 0), &err);
}
