/* credentials.h - the keys of AWS: where they come from, and how they are refreshed.
 *
 * In this order, the first that is configured (operators.md 2.4):
 *   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *   2. AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, by STS
 *   3. the profile AWS_PROFILE, or "default", of AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE
 *      (~/.aws/credentials, ~/.aws/config): static keys. A profile of SSO, role_arn or
 *      credential_process is refused with what to do instead
 *   4. AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI (https, loopback and the addresses of
 *      ECS and EKS only), with AWS_CONTAINER_AUTHORIZATION_TOKEN[_FILE]
 *   5. the instance's role: IMDSv2, never version 1; not with AWS_EC2_METADATA_DISABLED=true
 *
 * This module does no network I/O. Calling sequence: credentials_open(), which has static keys at
 * once; while credentials_due(): credentials_next() gives a request, credentials_answer() takes
 * its answer and says whether there is another one. Keys are refreshed CREDENTIALS_EARLY_MS before
 * they expire, the old ones serve until they do; after a failure credentials_failed() waits with
 * back-off.
 *
 * No secret is in any error text. credentials_close() wipes them.
 * Errors: ERR_INVALID (configuration), ERR_NOT_FOUND (no source), ERR_DENIED, ERR_RETRY.
 */
#pragma once
#include "base/retry.h"
#include "io/sigv4.h"

enum {
    CREDENTIALS_TOKEN_MAX = 4096, /* of a session, of a web identity */
    CREDENTIALS_TEXT_MAX = 512,   /* URLs, names of roles, paths */
    CREDENTIALS_FILE_MAX = 1 << 20,
    CREDENTIALS_ANSWER_MAX = 64 << 10,
    CREDENTIALS_EARLY_MS = 5 * 60 * 1000
};

enum credentials_source {
    CREDENTIALS_ENVIRONMENT,
    CREDENTIALS_WEB_IDENTITY,
    CREDENTIALS_PROFILE,
    CREDENTIALS_CONTAINER,
    CREDENTIALS_INSTANCE
};

struct credentials {
    enum credentials_source source;
    bool have;           /* the keys below are there */
    uint64_t expires_ms; /* wall clock; UINT64_MAX: never */
    char access_key[129], secret_key[SIGV4_SECRET_MAX], session_token[CREDENTIALS_TOKEN_MAX];
    /* The source's own, and how far a refresh is. */
    unsigned step;
    char url[CREDENTIALS_TEXT_MAX], role[CREDENTIALS_TEXT_MAX], file[CREDENTIALS_TEXT_MAX];
    char token[CREDENTIALS_TOKEN_MAX];
    uint64_t due_ms; /* wall clock */
    struct retry retry;
};

/* NULL when a variable is not set. */
typedef const char *(*credentials_getenv_fn)(void *owner, const char *name);

/* `region` is that of STS, where the environment names no other endpoint. */
NODISCARD bool credentials_open(struct credentials *c, const char *region,
                                credentials_getenv_fn get, void *owner, struct error *err);
void credentials_close(struct credentials *c);
const char *credentials_source_name(enum credentials_source source);

/* For sigv4; valid as long as `c`. False while there are none, or they have expired. */
NODISCARD bool credentials_get(const struct credentials *c, uint64_t now_ms,
                               struct sigv4_credentials *out, struct error *err);

bool credentials_due(const struct credentials *c, uint64_t now_ms);

struct credentials_request {
    const char *method, *url;
    const char *headers[3]; /* "Name: value", NULL-terminated */
    struct bytes body;
};
/* In `arena`. Reads the token's file, where there is one. */
NODISCARD bool credentials_next(struct credentials *c, struct arena *arena,
                                struct credentials_request *out, struct error *err);
/* *more: another request follows at once. */
NODISCARD bool credentials_answer(struct credentials *c, long status, struct bytes body,
                                  uint64_t now_ms, bool *more, struct error *err);
void credentials_failed(struct credentials *c, uint64_t now_ms, struct prng *random);
