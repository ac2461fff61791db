/* Objects that are put in parts: the uploads that workers' parts lie in (shell/buckets.h). */
#include "shell/buckets_upload.h"

#include "io/clock.h"
#include "io/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PART_BYTES_MIN = 8 << 20, /* as the AWS command line; S3 takes 5 MiB to 5 GiB */
    PART_BYTES_STEP = 1 << 20
};

static void upload_free(struct bucket_upload *u)
{
    free(u->key);
    free(u->worker);
    *u = (struct bucket_upload){ .bucket = NULL };
}

void bucket_uploads_free(struct buckets *b)
{
    for (size_t i = 0; b->uploads && i < BUCKET_UPLOADS_MAX; i++) upload_free(&b->uploads[i]);
    free(b->uploads);
}

static struct s3_operation upload_operation(const char *method, const char *key)
{
    return (struct s3_operation){ .method = method,
                                  .key = key,
                                  .version_id = "",
                                  .subresource = "",
                                  .sha256 = "",
                                  .summary = "" };
}

/* ---- the end ---- */

static void on_abort(void *owner, const struct http_answer *answer)
{
    const struct bucket *bucket = owner;
    struct error err = { 0 };
    /* 404: it has become an object. */
    if ((answer->status >= 200 && answer->status < 300) || answer->status == 404) return;
    if (!bucket_refused(bucket, "AbortMultipartUpload", "s3:AbortMultipartUpload", answer, &err))
        log_failure(bucket->owner->log, LOG_WARNING, "parts of an object are left in a bucket",
                    &err);
}

static void upload_abort(const struct bucket *bucket, const char *key, const char *id)
{
    const struct sigv4_pair parameter = { "uploadId", id };
    struct s3_operation operation = upload_operation("DELETE", key);
    struct error err = { 0 };
    operation.parameters = &parameter;
    operation.parameter_count = 1;
    const struct bucket_question question = { .operation = &operation,
                                              .fn = on_abort,
                                              .owner = (void *)(uintptr_t)bucket };
    if (!bucket_request(bucket->owner, bucket, &question, &err))
        log_failure(bucket->owner->log, LOG_WARNING, "parts of an object are left in a bucket",
                    &err);
}

static void upload_end(struct bucket_upload *u)
{
    if (u->state == BUCKET_UPLOAD_ASKED) {
        u->ended = true; /* on_begun() frees it */
        return;
    }
    if (u->state == BUCKET_UPLOAD_READY) upload_abort(u->bucket, u->key, u->id);
    upload_free(u);
}

void buckets_upload_ended(struct buckets *b, const struct id *job, uint32_t attempt,
                          const char *worker)
{
    for (size_t i = 0; b && i < BUCKET_UPLOADS_MAX; i++) {
        struct bucket_upload *u = &b->uploads[i];
        if (u->bucket && u->attempt == attempt && id_equal(&u->job, job) &&
            text_equal(u->worker, worker))
            upload_end(u);
    }
}

void bucket_uploads_run(struct buckets *b)
{
    uint64_t now = clock_wall_ms();
    for (size_t i = 0; i < BUCKET_UPLOADS_MAX; i++)
        if (b->uploads[i].bucket && b->uploads[i].expires_ms < now) upload_end(&b->uploads[i]);
}

/* ---- the beginning ---- */

static void on_begun(void *owner, const struct http_answer *answer)
{
    struct bucket_upload *u = owner;
    struct error err = { 0 };
    u->state = BUCKET_UPLOAD_REFUSED;
    if (answer->status != 200 || answer->cause[0])
        (void)bucket_refused(u->bucket, "CreateMultipartUpload", "s3:PutObject", answer, &err);
    else if (xml_text(answer->body, "UploadId", 1, u->id, sizeof u->id) && u->id[0])
        u->state = BUCKET_UPLOAD_READY;
    else
        (void)error_set(&err, ERR_INVALID, "CreateMultipartUpload: the answer names no upload");
    if (err.code != ERR_NONE)
        log_failure(u->bucket->owner->log, LOG_WARNING, "an object is put in one piece", &err);
    if (u->ended) upload_end(u);
}

/* NULL: all places are taken, or no request can be made. */
static struct bucket_upload *upload_begin(struct buckets *b, const char *store, const char *key,
                                          const struct upload *upload, uint64_t expires_ms,
                                          struct error *err)
{
    char hex[HEX_SHA256_SIZE], header[sizeof S3_SHA256_HEADER + HEX_SHA256_SIZE + 2];
    struct bucket_upload *u = NULL;
    for (size_t i = 0; i < BUCKET_UPLOADS_MAX && !u; i++)
        if (!b->uploads[i].bucket) u = &b->uploads[i];
    if (!u) {
        (void)error_set(err, ERR_NO_SPACE, "%d uploads are under way", BUCKET_UPLOADS_MAX);
        return NULL;
    }
    struct s3_operation operation = upload_operation("POST", key);
    hex_format(upload->sha256, SHA256_SIZE, hex);
    operation.subresource = "uploads";
    operation.sha256 = hex;
    snprintf(header, sizeof header, "%s: %s", S3_SHA256_HEADER, hex);
    const char *const headers[] = { header, NULL };
    *u = (struct bucket_upload){ .bucket = bucket_named(b, store),
                                 .key = xstrdup(key),
                                 .worker = xstrdup(upload->worker),
                                 .job = upload->id,
                                 .attempt = upload->attempt,
                                 .expires_ms = expires_ms };
    const struct bucket_question question = {
        .operation = &operation, .headers = headers, .fn = on_begun, .owner = u
    };
    if (bucket_request(b, u->bucket, &question, err)) return u;
    upload_free(u);
    return NULL;
}

static struct bucket_upload *upload_find(struct buckets *b, const struct upload *upload)
{
    for (size_t i = 0; i < BUCKET_UPLOADS_MAX; i++) {
        struct bucket_upload *u = &b->uploads[i];
        if (!u->bucket || u->ended || !id_equal(&u->job, &upload->id)) continue;
        if (u->attempt == upload->attempt && text_equal(u->worker, upload->worker)) return u;
        upload_end(u);
    }
    return NULL;
}

/* ---- leave ---- */

/* All of S3's parts but the last one have one size; WIRE_PARTS_MAX of them are enough for 1.25 TiB.
 */
static uint64_t part_bytes_of(uint64_t size)
{
    uint64_t bytes = (size + WIRE_PARTS_MAX - 1) / WIRE_PARTS_MAX;
    bytes = (bytes + PART_BYTES_STEP - 1) / PART_BYTES_STEP * PART_BYTES_STEP;
    return bytes < PART_BYTES_MIN ? PART_BYTES_MIN : bytes;
}

NODISCARD static bool parts_sign(const struct buckets *b, const struct bucket_upload *u,
                                 uint64_t size, struct arena *arena, struct parts_grant *out,
                                 struct error *err)
{
    const struct sigv4_pair parameter = { "uploadId", u->id };
    struct s3_operation complete = upload_operation("POST", u->key),
                        look = upload_operation("HEAD", u->key);
    struct grant_time time;
    uint64_t part_bytes = part_bytes_of(size);
    complete.parameters = &parameter;
    complete.parameter_count = 1;
    *out = (struct parts_grant){ .part_bytes = part_bytes };
    if (!bucket_grant_time(b, u->expires_ms, &time, err)) return false;
    const struct s3_bucket *s3 = &u->bucket->s3;
    if (!s3_sign_parts(s3, &time.keys, u->key, u->id,
                       (uint32_t)((size + part_bytes - 1) / part_bytes), time.now_ms, time.seconds,
                       arena, &out->url, &out->signatures, err) ||
        !s3_sign(s3, &time.keys, &complete, time.now_ms, time.seconds, arena, &out->complete,
                 err) ||
        !s3_sign(s3, &time.keys, &look, time.now_ms, time.seconds, arena, &out->look, err))
        return false;
    if (strlen(out->url) <= WIRE_URL_MAX && strlen(out->complete) <= WIRE_URL_MAX &&
        strlen(out->look) <= WIRE_URL_MAX)
        return true;
    return error_set(err, ERR_INVALID, "a signed address is longer than %d bytes", WIRE_URL_MAX);
}

bool buckets_grant_parts(struct buckets *b, const char *store, const char *key,
                         const struct upload *upload, uint64_t expires_ms, struct arena *arena,
                         struct parts_grant *out, size_t *count, struct error *err)
{
    *count = 0;
    if (upload->size < BUCKET_PARTS_MIN) return true;
    struct bucket_upload *u = upload_find(b, upload);
    if (!u && !(u = upload_begin(b, store, key, upload, expires_ms, err))) {
        log_failure(b->log, LOG_WARNING, "an object is put in one piece", err);
        return true;
    }
    if (u->state == BUCKET_UPLOAD_ASKED)
        return error_set(err, ERR_CONFLICT, "store '%s': an upload begins", store);
    if (u->state == BUCKET_UPLOAD_REFUSED) return true;
    if (!parts_sign(b, u, upload->size, arena, out, err))
        return error_wrap(err, "store '%s'", store);
    *count = 1;
    return true;
}
