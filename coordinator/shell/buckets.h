/* buckets.h - the `s3` stores of this coordinator: what their source objects are now, and leave to
 * use them for a short time.
 *
 * Nothing here blocks: objects that somebody asked about are looked at every BUCKETS_POLL_MS by
 * requests in the loop (io/http.h), and buckets_find() answers from what was seen last. A look is
 * a HEAD; an object that carries no digest of ours is read once, by its version, to know it. A
 * bucket without versioning is refused with what to do, and asked again each minute; a delete
 * marker is "no revision". Trouble is logged when it changes.
 *
 * Grants are presigned URLs, made at once from the keys at hand (io/credentials.h): a job whose
 * worker holds one needs no keys of its own. One PUT holds S3_PUT_BYTES_MAX bytes; a copy of
 * BUCKET_PARTS_MIN bytes or more is put in parts, into an upload that is begun before its job
 * leaves.
 *
 * Calling sequence: buckets_open(); in each turn buckets_run(), and buckets_news() tells whether
 * an object changed; buckets_deadline() bounds the loop's wait. All accept NULL: no such stores.
 * Errors: ERR_NOT_FOUND (object, version), ERR_RETRY (not looked at yet, named version is being
 * looked up, keys expired), ERR_INVALID, ERR_DENIED.
 */
#pragma once
#include "io/log.h"
#include "shell/inventory.h"

enum {
    BUCKETS_POLL_MS = 5000,
    BUCKET_OBJECTS_MAX = 256,   /* watched at a time */
    BUCKET_VERSIONS_MAX = 16,   /* of each that are remembered */
    BUCKET_UPLOADS_MAX = 256,   /* objects that are put in parts at a time */
    BUCKET_PARTS_MIN = 32 << 20 /* smaller objects are put in one piece */
};

struct artifact_store;
struct buckets;
struct loop;
struct upload;

/* Takes those of `stores` that are of type s3; *out is NULL when there is none. Keys are looked
 * for in this process' environment. */
NODISCARD bool buckets_open(const struct artifact_store *stores, size_t count, struct loop *loop,
                            const struct log *log, struct buckets **out, struct error *err);
void buckets_close(struct buckets *buckets);
bool buckets_has(const struct buckets *buckets, const char *store);

void buckets_run(struct buckets *buckets);
uint64_t buckets_deadline(const struct buckets *buckets); /* CLOCK_BOOTTIME; UINT64_MAX: none */
/* Somebody says that the object has changed: it is looked at at once, and once more when a look is
 * under way. Nothing for objects that nobody asks about. */
void buckets_hint(struct buckets *buckets, const char *store, const char *key);
/* Grows with everything that was learnt about an object. */
uint64_t buckets_news(const struct buckets *buckets);

/* The newest version, or the one that is named. Texts in `arena`. */
NODISCARD bool buckets_find(struct buckets *buckets, const char *store, const char *key,
                            const char *version_id, struct arena *arena, struct artifact_ref *out,
                            const char **summary, struct error *err);

/* The version that came after `seen` (""; or it is gone: the newest); the newest itself when it is
 * `seen`. Versions between two looks are found by listing the key's versions; ERR_RETRY while that
 * is done, and while the version is looked up. */
NODISCARD bool buckets_next(struct buckets *buckets, const char *store, const char *key,
                            const char *seen, struct arena *arena, struct artifact_ref *out,
                            const char **summary, struct error *err);

/* Checks every bucket: that it is there, lies where the configuration says, is versioned, and that
 * the keys may do what is done; nothing is changed. Findings come in later turns, the last one of
 * each bucket before buckets_checking() is false. A checkup that runs is not begun again. */
typedef void (*bucket_finding_fn)(void *owner, enum finding_level level, const char *subject,
                                  const char *text, const char *fix);
void buckets_check(struct buckets *buckets, bucket_finding_fn fn, void *owner);
bool buckets_checking(const struct buckets *buckets);
/* This host's clock ahead of S3's, the worst of the newest checkup; false when none told. */
bool buckets_skew(const struct buckets *buckets, int64_t *ahead_ms);

/* For shell/inventory.h: the store is one of these. */
void buckets_list(struct buckets *buckets, const char *store, const char *prefix, const char *after,
                  inventory_fn fn, void *owner);
void buckets_head(struct buckets *buckets, const char *store, const char *key,
                  const char *version_id, inventory_fn fn, void *owner);
void buckets_erase(struct buckets *buckets, const struct artifact_ref *object, inventory_fn fn,
                   void *owner);

/* At most `max` bytes from `offset` on of the newest version; fewer are its end. `err`
 * ERR_NOT_FOUND: there is no such object. Answered once, with `token`, unless the buckets are
 * closed before. */
struct bucket_read {
    const char *store, *key;
    uint64_t offset, token;
    uint32_t max; /* not 0 */
    void (*fn)(void *owner, uint64_t token, struct bytes data, const struct error *err);
    void *owner;
};
void buckets_read(struct buckets *buckets, const struct bucket_read *read);

NODISCARD bool buckets_grant_read(const struct buckets *buckets, const struct artifact_ref *ref,
                                  uint64_t expires_ms, struct arena *arena, struct grant *out,
                                  struct error *err);
/* `upload` NULL: for any content. */
NODISCARD bool buckets_grant_write(const struct buckets *buckets, const char *store,
                                   const char *key, const struct upload *upload,
                                   uint64_t expires_ms, struct arena *arena, struct grant *out,
                                   struct error *err);
/* For parts of that object: `out` is of one, of none when it goes in one piece, being small, or for
 * S3 would not begin an upload (which is logged). ERR_CONFLICT while one begins: ask again. It
 * belongs to an attempt of a job: the attempt before it loses its own. */
NODISCARD bool buckets_grant_parts(struct buckets *buckets, const char *store, const char *key,
                                   const struct upload *upload, uint64_t expires_ms,
                                   struct arena *arena, struct parts_grant *out, size_t *count,
                                   struct error *err);
/* The attempt has ended at that worker: what is left of its upload is taken back. */
void buckets_upload_ended(struct buckets *buckets, const struct id *job, uint32_t attempt,
                          const char *worker);
