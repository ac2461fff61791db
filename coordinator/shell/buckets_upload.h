/* buckets_upload.h - the uploads that large objects are put into in parts, as the files of
 * buckets.h know them.
 *
 * Nothing here is kept on disk: what a crash leaves behind is for the bucket's lifecycle rule
 * (AbortIncompleteMultipartUpload).
 */
#pragma once
#include "shell/buckets_internal.h"

enum bucket_upload_state {
    BUCKET_UPLOAD_ASKED, /* S3 is to begin it */
    BUCKET_UPLOAD_READY,
    BUCKET_UPLOAD_REFUSED /* that attempt puts its object in one piece */
};

/* An object that an attempt of a job puts in parts. */
struct bucket_upload {
    const struct bucket *bucket; /* NULL: the place is free */
    char *key, *worker;
    struct id job;
    uint32_t attempt;
    enum bucket_upload_state state;
    bool ended;          /* before S3 had answered */
    uint64_t expires_ms; /* wall clock: nobody has leave any more */
    char id[WIRE_KEY_MAX];
};

/* Uploads of which nobody has leave any more are taken back. */
void bucket_uploads_run(struct buckets *buckets);
void bucket_uploads_free(struct buckets *buckets);

/* Signs for as long as the leave is to hold. */
struct grant_time {
    struct sigv4_credentials keys;
    uint64_t now_ms;
    uint32_t seconds;
};
NODISCARD bool bucket_grant_time(const struct buckets *buckets, uint64_t expires_ms,
                                 struct grant_time *out, struct error *err);
