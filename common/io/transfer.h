/* transfer.h - one object over HTTPS to or from a file, resumed after every cut, by libcurl.
 *
 * Blocking: for step processes and the client, never inside a daemon. The connection goes to
 * the host of the URL only: no redirect, no proxy from the environment, https only, and when a
 * pin is given the server must hold exactly that public key (CURLOPT_PINNEDPUBLICKEY,
 * "sha256//BASE64"), whoever signed its certificate.
 *
 * transfer_get() appends to what `path` holds already (Range), starts again when the server sends
 * the whole, and at the end compares size and SHA-256: where an earlier call had left something,
 * the whole is fetched once more (a power cut may have spoilt it), and then a wrong object is
 * removed and ERR_CORRUPT. A large one comes in parts, TRANSFER_LANES at a time; PATH.parts beside
 * the file says how much of each part is there, so that a cut, or another process, goes on within
 * the part. A server without ranges is asked for the whole. transfer_put() asks how much the server
 * holds (HEAD, Upload-Offset) and sends the rest (Content-Range); the server answers 201 with
 * x-amz-version-id when the whole is verified.
 *
 * A presigned URL of S3 (io/s3.h) is for one GET, resumed in the same way, or for one PUT, which
 * carries the headers that the URL signs and begins anew after a cut; an answer without a version
 * is ERR_CONFLICT: the bucket is not versioned. Such a URL may be http to a loopback address.
 *
 * transfer_put_parts() sends a large one TRANSFER_LANES parts at a time, so that a cut costs no
 * more than those; an <Error> within an answer of 200 is passing trouble as well.
 *
 * Passing trouble (cuts, 5xx, 429) is tried again with back-off as long as bytes arrive, and
 * TRANSFER_TRIES times, or for `patience_ms`, without any; then ERR_RETRY. ERR_DENIED: signature
 * wrong or expired. ERR_NOT_FOUND, ERR_NO_SPACE (a disk on either side), ERR_CORRUPT, ERR_CONFLICT
 * (cancelled).
 */
#pragma once
#include "base/bytes.h"

enum {
    TRANSFER_TRIES = 6,
    TRANSFER_VERSION_SIZE = 128,
    TRANSFER_URL_MAX = 8192,
    TRANSFER_LANES = 4,            /* parts at a time */
    TRANSFER_PART_BYTES = 8 << 20, /* as the AWS command line */
    TRANSFER_PARTS_MIN = 16 << 20  /* smaller objects come in one piece */
};

/* Called a few times a second, and while waiting for a retry; false ends the transfer. */
typedef bool (*transfer_fn)(void *owner, uint64_t done, uint64_t total);

struct transfer {
    const char *url, *pin; /* pin "" for a server with an ordinary certificate */
    const char *path;
    uint64_t size;
    const uint8_t *sha256; /* 32 bytes; NULL, of a GET only: it is not known */
    const char *summary;   /* of a PUT to S3; NULL for none */
    uint64_t rate_max;     /* bytes a second; 0: no bound */
    uint64_t patience_ms;  /* of waiting for a byte, before it fails; 0: TRANSFER_TRIES requests */
    /* What went wrong with a request that will be tried again; NULL for none. */
    void (*wait_fn)(void *owner, const char *cause);
    transfer_fn fn; /* NULL for none */
    void *owner;
};

/* *bytes is what crossed the network in this call. */
NODISCARD bool transfer_get(const struct transfer *t, uint64_t *bytes, struct error *err);
NODISCARD bool transfer_put(const struct transfer *t, char version[TRANSFER_VERSION_SIZE],
                            uint64_t *bytes, struct error *err);

/* Leave to put an object of S3 in parts, and where it is remembered which ones were sent: another
 * process that names the same file goes on behind them. */
struct transfer_parts {
    const char *url;         /* of part N with "&partNumber=N&X-Amz-Signature=" and its signature */
    struct bytes signatures; /* 32 bytes each */
    uint64_t part_bytes;     /* of each but the last one */
    const char *look;        /* what the object is when all is done (HEAD) */
    const char *record;
};
/* t->url completes the object. ERR_NOT_FOUND: the upload is not there any more, or does not hold
 * what was sent; nothing is remembered then. */
NODISCARD bool transfer_put_parts(const struct transfer *t, const struct transfer_parts *parts,
                                  char version[TRANSFER_VERSION_SIZE], uint64_t *bytes,
                                  struct error *err);

/* The address for this content, made of a leave for any content; a presigned one stays as it is. */
NODISCARD bool transfer_url_for(const char *url, uint64_t size, const uint8_t *sha256,
                                char out[TRANSFER_URL_MAX], struct error *err);
