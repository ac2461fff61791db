/* transfer_internal.h - what transfer.c and transfer_parts.c share. */
#pragma once
#include "base/pace.h"
#include "io/transfer.h"

#include <curl/curl.h>

enum {
    TRANSFER_RETRY_FIRST_MS = 200,
    TRANSFER_RETRY_MAX_MS = 5000,
    TRANSFER_ANSWER_MAX = 512, /* of an error's body: for the message */
    TRANSFER_ETAG_SIZE = 80
};

/* One request and what came back of it. */
struct exchange {
    const struct transfer *t;
    CURL *curl;
    struct pace *pace; /* shared by all requests of an object; NULL: no body of it moves */
    int fd;
    uint64_t offset; /* where this request began */
    uint64_t end;    /* of a part: where it ends; 0: at the object's end */
    uint64_t moved;  /* bytes of the object in this request */
    bool cancelled, local_failure;
    bool whole; /* a part was asked for, and the server sends everything */
    struct error local;
    long status;
    char version[TRANSFER_VERSION_SIZE], etag[TRANSFER_ETAG_SIZE], sha256[80];
    uint64_t held; /* Upload-Offset */
    char answer[TRANSFER_ANSWER_MAX];
    size_t answer_len;
};

enum verdict { VERDICT_DONE, VERDICT_AGAIN, VERDICT_STOP };

typedef CURLcode (*request_fn)(struct exchange *x, bool *complete);
/* Runs requests until one completes, is refused for good, or nothing moves any more. */
NODISCARD bool transfer_run(struct exchange *x, request_fn request, uint64_t *bytes,
                            struct error *err);
/* Back to a request of t->url that nothing is said of yet. */
void transfer_set_common(struct exchange *x);
/* The bytes from `offset` on up to `end` are its body; `headers` must live as long as it runs. */
void transfer_set_body(struct exchange *x, struct curl_slist *headers);
/* The answer's body is kept, up to TRANSFER_ANSWER_MAX bytes and without spaces before it. */
void transfer_set_answer(struct exchange *x);
/* True, or ERR_CONFLICT: what to do about a bucket that names no version. */
bool transfer_versioned(struct exchange *x, struct error *err);
/* Everything but the range and the callbacks' progress. */
void transfer_set_get(struct exchange *x);
/* What a finished request means. */
enum verdict transfer_judge(struct exchange *x, CURLcode code, struct error *err);

/* Whether to give up after `idle` requests in a row without a byte, the last of which moved then.
 */
bool transfer_impatient(const struct transfer *t, unsigned idle, unsigned tries, uint64_t moved_ms);

/* ---- parts ---- */

/* An object is fetched in parts from TRANSFER_PARTS_MIN bytes on, and as far as its record may
 * grow. */
bool transfer_in_parts(const struct transfer *t);
/* PATH.parts tells how much of each part is in the file, so that a new process goes on there. */
bool transfer_has_parts(const struct transfer *t, int fd);
/* Fetches what is missing, TRANSFER_LANES requests at a time, and removes PATH.parts; the caller
 * verifies the whole. *whole, and false: the server knows no ranges. */
NODISCARD bool transfer_get_parts(const struct transfer *t, int fd, uint64_t *bytes, bool *whole,
                                  struct error *err);
