/* http.h - requests of a daemon to other servers, beside everything else that its loop does.
 *
 * libcurl's multi interface in the loop's epoll set: nothing here blocks, and no callback comes
 * from within http_start(). Calling sequence: http_open(), http_start() for each request, and in
 * each turn http_run(), which hands out what has ended; http_deadline() bounds the loop's wait.
 *
 * https, or http to a loopback address (`plain`: to any); no redirect, no proxy of the environment,
 * no cookies. A body is kept up to `body_max` bytes, or only counted and digested. http_close()
 * ends what runs without calling anybody.
 *
 * Errors of http_start(): ERR_INVALID (URL), ERR_NO_SPACE (HTTP_REQUESTS_MAX run already). What
 * happens to a request is in its answer.
 */
#pragma once
#include "base/bytes.h"

enum {
    HTTP_REQUESTS_MAX = 64,
    HTTP_HEADERS_MAX = 16 << 10, /* bytes of an answer's headers that are kept */
    HTTP_SENT_HEADERS_MAX = 8
};

struct http;
struct loop;

struct http_answer {
    long status;       /* 0: none came, and `cause` says why */
    const char *cause; /* "" when the whole answer came */
    struct bytes body; /* "" of a digested one */
    const char *date;  /* headers: "" when absent */
    const char *modified;
    const char *etag;                                          /* without its quotes */
    const char *version_id, *sha256, *summary, *delete_marker; /* x-amz-..., see io/s3.h */
    const char *bucket_region; /* where the bucket is, told by the wrong region */
    uint64_t size;             /* Content-Length; of a digested body what came */
    uint8_t digest[32];        /* SHA-256 of a digested body */
};

typedef void (*http_fn)(void *owner, const struct http_answer *answer);

struct http_request {
    const char *method; /* GET, HEAD; PUT and POST send `body` */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; NULL for none */
    struct bytes body;
    const char *ca_file; /* NULL or "": the system's */
    size_t body_max;     /* of the answer; more ends the request */
    bool digest;         /* any amount: counted and digested, not kept */
    bool plain;          /* http to any address: a service of keys, what an operator named */
    uint64_t timeout_ms; /* of the whole; a digested one: without a byte */
    http_fn fn;
    void *owner;
};

NODISCARD bool http_open(struct loop *loop, struct http **out, struct error *err);
void http_close(struct http *http); /* accepts NULL */
NODISCARD bool http_start(struct http *http, const struct http_request *request, struct error *err);
void http_run(struct http *http);
uint64_t http_deadline(const struct http *http); /* CLOCK_BOOTTIME; UINT64_MAX: none */
