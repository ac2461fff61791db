/* The checkup of one bucket: each permission is proved by a call that changes nothing. */
#include "shell/buckets_internal.h"

#include "io/xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char probe[] = ".meridian-doctor"; /* no such object is ever made */

/* What a step asks, and what those keys may not do that are refused. */
struct check_step {
    const char *what, *permission, *allowed;
    enum finding_level refused;
};

static const struct check_step steps[BUCKET_CHECK_DONE] = {
    [BUCKET_CHECK_VERSIONING] = { "GetBucketVersioning", "s3:GetBucketVersioning", "",
                                  FINDING_BAD },
    [BUCKET_CHECK_VERSIONS] = { "ListObjectVersions", "s3:ListBucketVersions", "list",
                                FINDING_BAD },
    [BUCKET_CHECK_READ] = { "GetObject", "s3:GetObject, s3:GetObjectVersion", "read", FINDING_BAD },
    [BUCKET_CHECK_WRITE] = { "CreateMultipartUpload", "s3:PutObject", "write", FINDING_BAD },
    [BUCKET_CHECK_ABORT] = { "AbortMultipartUpload", "s3:AbortMultipartUpload", "", FINDING_ODD },
    [BUCKET_CHECK_DELETE] = { "DeleteObject", "s3:DeleteObject, s3:DeleteObjectVersion", "delete",
                              FINDING_ODD },
};

static void tell(const struct bucket *bucket, enum finding_level level, const char *text,
                 const char *fix)
{
    const struct bucket_check *check = &bucket->check;
    char subject[WIRE_TARGET_MAX];
    snprintf(subject, sizeof subject, "store %s", bucket->name);
    check->fn(check->fn_owner, level, subject, text, fix);
}

static void step_begin(struct bucket *bucket);

static void check_ended(struct bucket *bucket)
{
    struct bucket_check *check = &bucket->check;
    char text[256];
    check->step = BUCKET_CHECK_DONE;
    if (!check->told) {
        snprintf(text, sizeof text, "bucket in %s, versioned; allowed:%s", bucket->region,
                 check->allowed);
        tell(bucket, FINDING_GOOD, text, "");
    }
}

static const char *fix_of(const struct bucket *bucket, const struct error *err, char *out,
                          size_t size)
{
    const struct check_step *step = &steps[bucket->check.step];
    if (err->code == ERR_DENIED && strstr(err->text, "clock"))
        snprintf(out, size, "timedatectl set-ntp true");
    else if (err->code == ERR_DENIED)
        snprintf(out, size,
                 "add %s on arn:aws:s3:::%s and arn:aws:s3:::%s/* to the policy of the "
                 "coordinator's role",
                 step->permission, bucket->name, bucket->name);
    else if (err->code == ERR_NOT_FOUND)
        snprintf(out, size,
                 "aws s3api create-bucket --bucket %s --region %s --create-bucket-configuration "
                 "LocationConstraint=%s",
                 bucket->name, bucket->region, bucket->region);
    else if (err->code == ERR_CONFLICT)
        snprintf(out, size, "write the bucket's own region into the coordinator's `stores`");
    else if (err->code == ERR_RETRY)
        snprintf(out, size, "look whether %s is reached from this host", bucket->s3.endpoint);
    else
        snprintf(out, size, "look at the store in the coordinator's `stores`");
    return out;
}

/* One that S3 would not do: the others are asked all the same where that says something. */
static void step_failed(struct bucket *bucket, const struct error *err)
{
    struct bucket_check *check = &bucket->check;
    char fix[512];
    bool denied = err->code == ERR_DENIED && !strstr(err->text, "clock");
    tell(bucket, denied ? steps[check->step].refused : FINDING_BAD, err->text,
         fix_of(bucket, err, fix, sizeof fix));
    check->told = true;
    if (!denied) {
        check_ended(bucket);
        return;
    }
    check->step += check->step == BUCKET_CHECK_WRITE ? 2 : 1; /* nothing to abort */
    step_begin(bucket);
}

static void not_versioned(struct bucket *bucket)
{
    char fix[256];
    snprintf(fix, sizeof fix,
             "aws s3api put-bucket-versioning --bucket %s --versioning-configuration "
             "Status=Enabled",
             bucket->name);
    tell(bucket, FINDING_BAD, "the bucket is not versioned", fix);
    bucket->check.told = true;
}

/* True: S3 would have done it. */
static bool permitted(const struct bucket *bucket, long status)
{
    if (status >= 200 && status < 300) return true;
    switch (bucket->check.step) {
    case BUCKET_CHECK_READ: /* an empty object has no first byte */
        return status == 416 || (status == 404 && !bucket->check.key[0]);
    case BUCKET_CHECK_ABORT:
    case BUCKET_CHECK_DELETE: return status == 404 || status == 400; /* there is no such version */
    case BUCKET_CHECK_VERSIONING:
    case BUCKET_CHECK_VERSIONS:
    case BUCKET_CHECK_WRITE:
    case BUCKET_CHECK_DONE: return false;
    }
    return false;
}

static void learn(struct bucket *bucket, const struct http_answer *answer)
{
    struct bucket_check *check = &bucket->check;
    char state[S3_TEXT_SIZE] = "";
    if (check->step == BUCKET_CHECK_VERSIONING) {
        if (!xml_text(answer->body, "Status", 1, state, sizeof state) ||
            !text_equal(state, "Enabled"))
            not_versioned(bucket);
    } else if (check->step == BUCKET_CHECK_VERSIONS) {
        if (!xml_text(answer->body, "Key", 2, check->key, sizeof check->key) ||
            !xml_text(answer->body, "VersionId", 2, check->version_id, sizeof check->version_id) ||
            text_equal(check->version_id, "null"))
            check->key[0] = '\0';
    } else if (check->step == BUCKET_CHECK_WRITE) {
        if (!xml_text(answer->body, "UploadId", 1, check->upload_id, sizeof check->upload_id))
            check->upload_id[0] = '\0';
    }
}

static void on_answer(void *owner, const struct http_answer *answer)
{
    struct bucket *bucket = owner;
    struct bucket_check *check = &bucket->check;
    const struct check_step *step = &steps[check->step];
    struct error err = { 0 };
    int64_t ahead_ms;
    if (bucket_skew(answer, &ahead_ms)) {
        check->skew_known = true;
        check->skew_ms = ahead_ms;
    }
    /* Of a delete marker, which has no bytes, nothing is learnt. */
    bool marker = check->step == BUCKET_CHECK_READ && answer->delete_marker[0];
    if (!marker && !permitted(bucket, answer->status)) {
        bool refused = bucket_refused(bucket, step->what, step->permission, answer, &err);
        if (!refused) step_failed(bucket, &err);
        return;
    }
    learn(bucket, answer);
    size_t used = strlen(check->allowed);
    if (step->allowed[0])
        snprintf(check->allowed + used, sizeof check->allowed - used, " %s", step->allowed);
    check->step++;
    if (check->step == BUCKET_CHECK_ABORT && !check->upload_id[0]) check->step++;
    step_begin(bucket);
}

static void step_begin(struct bucket *bucket)
{
    static const char *const first_byte[] = { "Range: bytes=0-0", NULL };
    static const struct sigv4_pair one = { "max-keys", "1" };
    struct bucket_check *check = &bucket->check;
    const struct sigv4_pair upload = { "uploadId", check->upload_id };
    struct s3_operation operation = {
        .method = "GET", .key = "", .version_id = "", .subresource = "", .sha256 = "", .summary = ""
    };
    struct error err = { 0 };
    switch (check->step) {
    case BUCKET_CHECK_VERSIONING: operation.subresource = "versioning"; break;
    case BUCKET_CHECK_VERSIONS:
        operation.subresource = "versions";
        operation.parameters = &one;
        operation.parameter_count = 1;
        break;
    case BUCKET_CHECK_READ:
        operation.key = check->key[0] ? check->key : probe;
        operation.version_id = check->key[0] ? check->version_id : "";
        break;
    case BUCKET_CHECK_WRITE:
        operation.method = "POST";
        operation.key = probe;
        operation.subresource = "uploads";
        break;
    case BUCKET_CHECK_ABORT:
        operation.method = "DELETE";
        operation.key = probe;
        operation.parameters = &upload;
        operation.parameter_count = 1;
        break;
    case BUCKET_CHECK_DELETE:
        operation.method = "DELETE";
        operation.key = probe;
        operation.version_id = "null"; /* no marker is made for a version that is not there */
        break;
    case BUCKET_CHECK_DONE: check_ended(bucket); return;
    }
    const struct bucket_question question = { .operation = &operation,
                                              .headers = check->step == BUCKET_CHECK_READ
                                                             ? first_byte
                                                             : NULL,
                                              .fn = on_answer,
                                              .owner = bucket };
    if (bucket_request(bucket->owner, bucket, &question, &err)) return;
    tell(bucket, FINDING_BAD, err.text, "see `keys of AWS` in the documentation of stores");
    check->told = true;
    check_ended(bucket);
}

bool buckets_checking(const struct buckets *b)
{
    for (size_t i = 0; b && i < b->store_count; i++)
        if (b->stores[i].check.fn && b->stores[i].check.step != BUCKET_CHECK_DONE) return true;
    return false;
}

void buckets_check(struct buckets *b, bucket_finding_fn fn, void *owner)
{
    if (!b || buckets_checking(b)) return;
    for (size_t i = 0; i < b->store_count; i++)
        b->stores[i].check = (struct bucket_check){ .fn = fn, .fn_owner = owner };
    for (size_t i = 0; i < b->store_count; i++) step_begin(&b->stores[i]);
}

/* The worst one that any bucket told of. */
bool buckets_skew(const struct buckets *b, int64_t *ahead_ms)
{
    bool known = false;
    *ahead_ms = 0;
    for (size_t i = 0; b && i < b->store_count; i++) {
        const struct bucket_check *check = &b->stores[i].check;
        if (!check->skew_known) continue;
        known = true;
        if (imaxabs(check->skew_ms) > imaxabs(*ahead_ms)) *ahead_ms = check->skew_ms;
    }
    return known;
}
