/* s3.h - objects of S3 buckets as signed URLs; pure but for the HMACs (answers: io/xml.h).
 *
 * Every request that we or a worker makes is a presigned URL (io/sigv4.h): whoever holds it may do
 * that one thing for a while, and needs no keys. s3_bucket_check() once, then s3_sign().
 *
 * Endpoint: "https://HOST[:PORT]", or "http://" to a loopback address only, since a signed URL in
 * clear text is a leave for everyone on the way. A bucket is addressed as https://BUCKET.HOST/KEY
 * at AWS, unless its name has dots (no certificate covers them), and as https://HOST/BUCKET/KEY at
 * any other endpoint. Rules of names: "Bucket naming rules" of the S3 user guide.
 *
 * URLs carry signatures: they are never logged. Errors: ERR_INVALID.
 */
#pragma once
#include "io/sigv4.h"

enum {
    S3_KEY_MAX = 1024,
    S3_TEXT_SIZE = 128,   /* codes and states of an answer */
    S3_SUMMARY_MAX = 511, /* bytes, of what a header can hold: printable ASCII */
    S3_HOST_MAX = 255,
    S3_PARAMETERS_MAX = 6,
    S3_SIGNATURE_SIZE = 32
};
#define S3_PUT_BYTES_MAX (UINT64_C(5) << 30) /* of one PUT: S3 API reference, PutObject */

#define S3_SHA256_HEADER  "x-amz-meta-meridian-sha256"
#define S3_SUMMARY_HEADER "x-amz-meta-codepipeline-artifact-revision-summary"

struct s3_bucket {
    const char *name, *region;
    const char *endpoint; /* without a '/' at its end */
    bool path_style;
};

/* "https://s3.REGION.amazonaws.com"; of China's regions and the dual stack as AWS has them. */
const char *s3_endpoint(struct arena *arena, const char *region, bool dualstack);
/* `endpoint` "" for AWS. Fills `out`, whose texts are borrowed or in `arena`. */
NODISCARD bool s3_bucket_make(const char *name, const char *region, const char *endpoint,
                              struct arena *arena, struct s3_bucket *out, struct error *err);

struct s3_operation {
    const char *method;                  /* "GET", "HEAD", "PUT" */
    const char *key;                     /* "" for the bucket itself */
    const char *version_id;              /* "" for none */
    const char *subresource;             /* "versioning"; "" for none */
    const struct sigv4_pair *parameters; /* others of the query, as decoded */
    size_t parameter_count;              /* at most S3_PARAMETERS_MAX */
    const char *sha256;  /* of a PUT, hexadecimal: its header becomes part of what is signed */
    const char *summary; /* the same; "" for none */
};

NODISCARD bool s3_sign(const struct s3_bucket *bucket, const struct sigv4_credentials *credentials,
                       const struct s3_operation *operation, uint64_t now_ms, uint32_t expires_s,
                       struct arena *arena, const char **url, struct error *err);

/* PUTs of the parts 1 to `count` of an upload. What their addresses share is *url; part N's is
 * that,
 * "&partNumber=N&X-Amz-Signature=" and, in hexadecimal, signature N: 32 bytes each. */
NODISCARD bool s3_sign_parts(const struct s3_bucket *bucket,
                             const struct sigv4_credentials *credentials, const char *key,
                             const char *upload_id, uint32_t count, uint64_t now_ms,
                             uint32_t expires_s, struct arena *arena, const char **url,
                             struct bytes *signatures, struct error *err);

/* Whether a URL carries a signature of S3, and whether it signs a header of that name: then whoever
 * uses the URL must send the header. */
bool s3_url_is_signed(const char *url);
bool s3_url_signs(const char *url, const char *header);
/* Only such a summary travels as a header; any other one is left out. */
bool s3_summary_fits(const char *summary);
/* A key as listings and events encode it, like a form. False, and nothing to be used, where it is
 * none, or too long. */
NODISCARD bool s3_key_decode(const char *text, char out[S3_KEY_MAX + 1]);
/* https, or http to a loopback address. */
bool s3_url_is_safe(const char *url);
