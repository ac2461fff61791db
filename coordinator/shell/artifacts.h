/* artifacts.h - the stores of this coordinator, and leave to use them for a short time.
 *
 * A grant for a `dir` store is a URL of our own HTTPS server (artifact_server.h) whose query
 * carries what may be done, until when, and an HMAC-SHA256 over all of it under the secret of
 * coordinator.key:
 *
 *   https://HOST:PORT/artifacts/STORE/KEY?versionId=V&expires=MS&signature=HEX        GET, HEAD
 *   https://HOST:PORT/artifacts/STORE/KEY?upload=ID&size=N&sha256=HEX&summary=TEXT&expires=MS
 *                                        &signature=HEX                               HEAD, PUT
 *   https://HOST:PORT/artifacts/STORE/KEY?upload=ID&max=N&expires=MS&signature=HEX
 *                                        &size=N&sha256=HEX                           HEAD, PUT
 *
 * The last is for an object whose content is not known yet (what a build makes): whoever holds it
 * adds size and digest, and each content is an upload, and a version, of its own.
 *
 * The same upload id resumes an interrupted upload and, when it was finished, names the same
 * version: the version id is derived from it under the secret, so a lost answer costs nothing.
 *
 * Ownership: the configuration is copied. Errors: ERR_NOT_FOUND (store, object), ERR_DENIED
 * (signature, expiry), ERR_INVALID.
 */
#pragma once
#include "io/dirstore.h"
#include "wire/messages.h"

struct buckets;

enum { ARTIFACT_STORES_MAX = 64, ARTIFACT_URL_SIZE = 4096 };

struct artifact_store {
    const char *name, *region, *path; /* the bucket's name, and its folder */
    const char *type;                 /* "dir", also when NULL; "s3": a bucket, without a path */
    const char *endpoint;             /* of S3; NULL: the environment's, or AWS */
    /* What is kept (core/retention.h); both 0: everything. How often that is looked at. */
    uint64_t keep_count, keep_age_ms, keep_every_ms;
};
bool artifact_store_is_s3(const struct artifact_store *store);

struct artifacts_config {
    const struct artifact_store *stores;
    size_t store_count;
    const char *base_url;    /* "https://10.0.1.5:7780" */
    const char *pin;         /* "sha256//..." of the server's key */
    struct bytes secret;     /* HMAC key */
    struct buckets *buckets; /* borrowed: the stores of type s3; NULL: none */
};

struct artifacts;

NODISCARD bool artifacts_open(const struct artifacts_config *config, uint64_t now_ms,
                              struct artifacts **out, struct error *err);
void artifacts_close(struct artifacts *artifacts); /* accepts NULL */

/* NULL when there is no such store of type dir. */
const struct dirstore *artifacts_store(const struct artifacts *artifacts, const char *name);
/* As they were given; grants of their stores are presigned URLs of S3 (shell/buckets.h). */
struct buckets *artifacts_buckets(const struct artifacts *artifacts);

struct upload {
    struct id id; /* of a job: its own ... */
    uint32_t attempt;
    const char *worker; /* ... and who it is for */
    uint64_t size;
    uint8_t sha256[SHA256_SIZE];
    const char *summary;
};

/* The grants' texts lie in `arena`. */
NODISCARD bool artifacts_grant_read(const struct artifacts *artifacts,
                                    const struct artifact_ref *ref, uint64_t expires_ms,
                                    struct arena *arena, struct grant *out, struct error *err);
NODISCARD bool artifacts_grant_write(const struct artifacts *artifacts, const char *store,
                                     const char *key, const struct upload *upload,
                                     uint64_t expires_ms, struct arena *arena, struct grant *out,
                                     struct error *err);

/* Of a store in S3 (shell/buckets.h); of any other one there is none. */
NODISCARD bool artifacts_grant_parts(const struct artifacts *artifacts, const char *store,
                                     const char *key, const struct upload *upload,
                                     uint64_t expires_ms, struct arena *arena,
                                     struct parts_grant *out, size_t *count, struct error *err);

/* For any content of at most `size_max` bytes. */
NODISCARD bool artifacts_grant_write_open(const struct artifacts *artifacts, const char *store,
                                          const char *key, const struct id *upload,
                                          uint64_t size_max, uint64_t expires_ms,
                                          struct arena *arena, struct grant *out,
                                          struct error *err);

/* What a request of the server asks for, after its signature was checked. */
struct granted {
    const struct dirstore *store;
    char key[DIRSTORE_KEY_MAX + 1];
    char version_id[ID_SIZE]; /* reading */
    bool write;
    struct id upload;
    uint64_t size;
    uint8_t sha256[SHA256_SIZE];
    char summary[DIRSTORE_SUMMARY_SIZE];
    struct id upload_version; /* which version the upload becomes */
};

/* One query argument by name, decoded; NULL when absent. */
typedef const char *(*artifacts_argument_fn)(void *owner, const char *name);

/* `path` is the decoded path behind the host. */
NODISCARD bool artifacts_check(const struct artifacts *artifacts, const char *path,
                               artifacts_argument_fn argument, void *owner, uint64_t now_ms,
                               struct granted *out, struct error *err);
