/* artifact_server.h - the HTTPS server of the `dir` stores (libmicrohttpd in our own loop).
 *
 *   GET  a read grant's URL   200 or 206 (one range), the version's bytes; x-amz-version-id
 *   HEAD a write grant's URL  200 with Upload-Offset: bytes held; x-amz-version-id when finished
 *   PUT  a write grant's URL  Content-Range: bytes A-B/SIZE, A = Upload-Offset; 201 with
 *                             x-amz-version-id once the whole was verified and stored; 409 while
 *                             another PUT of the same upload is open; 422 wrong digest (the
 *                             upload is dropped); 507 disk full
 *
 *   POST /events              S3's events (shell/event_door.h), where they are configured
 *
 * Errors are one line of text. What arrives is kept when the connection is cut. The slow part of
 * storing, fsync and SHA-256 of the whole, is done by a child process of `program` started as
 * `PROGRAM verify-upload FILE SIZE SHA256` (artifact_verify() is that child's work): the loop
 * never waits for a disk.
 *
 * Calling sequence: artifact_server_open() adds itself to the loop; in every turn call
 * artifact_server_run(); wait no longer than artifact_server_deadline(). Everything ends with
 * artifact_server_close().
 */
#pragma once
#include "io/log.h"
#include "io/loop.h"
#include "shell/artifacts.h"
#include <sys/socket.h>

struct artifact_server_config {
    const char *listen;             /* as configured, for errors */
    const struct sockaddr *address; /* IPv4 or IPv6; port 0: a free one */
    struct bytes certificate_pem, key_pem;
    const char *program;      /* path of meridian-coordinator */
    const char *events_token; /* file of shell/event_door.h; NULL: events are not taken */
    struct buckets *buckets;  /* hear of events; NULL for none */
    uint32_t connections_max;
};

struct artifact_server;

NODISCARD bool artifact_server_open(const struct artifact_server_config *config,
                                    const struct artifacts *artifacts, struct loop *loop,
                                    const struct log *log, struct artifact_server **out,
                                    struct error *err);
void artifact_server_close(struct artifact_server *server); /* accepts NULL */
uint16_t artifact_server_port(const struct artifact_server *server);
void artifact_server_run(struct artifact_server *server);
uint64_t artifact_server_deadline(const struct artifact_server *server); /* BOOTTIME ms */
/* How many versions were stored since the start: sources look again when it has grown. */
uint64_t artifact_server_stored(const struct artifact_server *server);

/* The child: fsyncs FILE and compares size and SHA-256 (64 hexadecimal digits). */
NODISCARD bool artifact_verify(const char *file, const char *size, const char *sha256,
                               struct error *err);
/* Its exit statuses. */
enum { VERIFY_OK = 0, VERIFY_WRONG = 3, VERIFY_NO_SPACE = 4, VERIFY_FAILED = 5 };
