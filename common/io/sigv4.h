/* sigv4.h - AWS Signature Version 4: signs requests to S3 (and STS), verifies requests to us.
 *
 * Source: "Signature Version 4 signing process" of the AWS General Reference and "Authenticating
 * Requests" of the Amazon S3 API reference. libcurl's own signer (CURLOPT_AWS_SIGV4) is not used:
 * in Debian 12's version it neither sorts the query nor knows UNSIGNED-PAYLOAD (security.md).
 *
 * A request is described as it will be sent: the path percent-encoded (sigv4_encode() makes it
 * from a key), the query as decoded pairs, and the headers that are to be signed, `host` among
 * them. sigv4_sign() gives the headers to add; sigv4_presign() the whole query of a URL that
 * carries its own signature. What they return lies in `arena`. Nothing here does I/O or looks at
 * a clock; secrets are in no error text.
 *
 * Errors: ERR_INVALID when a request passes a limit below, or has no host header. sigv4_verify():
 * ERR_DENIED, its text beginning with S3's code for it (SignatureDoesNotMatch,
 * RequestTimeTooSkewed, InvalidAccessKeyId, AuthorizationHeaderMalformed, AccessDenied).
 */
#pragma once
#include "base/arena.h"

enum {
    SIGV4_PAIRS_MAX = 128,               /* of the query, of the headers */
    SIGV4_INPUT_MAX = 64 << 10,          /* all texts of one request together */
    SIGV4_EXPIRES_MAX_S = 7 * 24 * 3600, /* AWS: seven days */
    SIGV4_SKEW_MAX_MS = 15 * 60 * 1000,  /* AWS: fifteen minutes */
    SIGV4_SECRET_MAX = 256
};

#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

struct sigv4_pair {
    const char *name, *value;
};

struct sigv4_credentials {
    const char *access_key, *secret_key;
    const char *session_token; /* NULL for those of a user */
};

/* Of the service s3 a path is signed as it is; of any other it is normalised and encoded again. */
struct sigv4_scope {
    const char *region, *service;
};

struct sigv4_request {
    const char *method; /* "GET" */
    const char *path;   /* as sent, percent-encoded, begins with '/' */
    const struct sigv4_pair *query;
    size_t query_count;
    const struct sigv4_pair *headers; /* names in any case; with `host` */
    size_t header_count;
    const char *payload; /* SHA-256 of the body in hexadecimal, or SIGV4_UNSIGNED_PAYLOAD */
};

/* RFC 3986: everything but A-Z a-z 0-9 - . _ ~ becomes %XX; '/' stays where `path`. */
char *sigv4_encode(struct arena *arena, const char *text, bool path);

/* x-amz-date, x-amz-content-sha256, perhaps x-amz-security-token, and authorization. */
NODISCARD bool sigv4_sign(const struct sigv4_credentials *credentials,
                          const struct sigv4_scope *scope, const struct sigv4_request *request,
                          uint64_t now_ms, struct arena *arena, const struct sigv4_pair **headers,
                          size_t *count, struct error *err);
/* `expires_s` is 1 to SIGV4_EXPIRES_MAX_S. The request's payload is not looked at: a URL signs
 * UNSIGNED-PAYLOAD. *query holds the request's own parameters too, encoded, without '?'. */
NODISCARD bool sigv4_presign(const struct sigv4_credentials *credentials,
                             const struct sigv4_scope *scope, const struct sigv4_request *request,
                             uint64_t now_ms, uint32_t expires_s, struct arena *arena,
                             const char **query, struct error *err);

/* "a=b&c" as pairs, decoded; a byte 0 or a broken %XX is ERR_INVALID. */
NODISCARD bool sigv4_parse_query(const char *query, struct arena *arena,
                                 const struct sigv4_pair **pairs, size_t *count, struct error *err);

/* Writes the secret of an access key; false when there is none. */
typedef bool (*sigv4_find_fn)(void *owner, const char *access_key, char secret[SIGV4_SECRET_MAX]);

struct sigv4_check {
    struct sigv4_scope scope;
    uint64_t now_ms;
    sigv4_find_fn find;
    void *owner;
};

/* `request` holds all headers and parameters that came. Of a signature in the header the payload
 * is the one in x-amz-content-sha256: the caller compares it with the body it reads; where that
 * header is missing (services beside s3) request->payload is signed for. *access_key is who asks.
 */
NODISCARD bool sigv4_verify(const struct sigv4_check *check, const struct sigv4_request *request,
                            struct arena *arena, const char **access_key, struct error *err);
