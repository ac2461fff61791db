/* event_door.h - where S3's events come in: POST /events/TOKEN, or POST /events with
 * "Authorization: Bearer TOKEN", at the HTTPS server of shell/artifact_server.h.
 *
 * An event makes the next look at its object immediate and does nothing else (buckets_hint()), so
 * that lost, doubled and disordered ones are harmless, and a stranger's are as well. The token
 * stands in a file that only its owner may read: EVENT_TOKEN_MIN to EVENT_TOKEN_MAX of
 * A-Z a-z 0-9 - . _ ~; it is read once.
 *
 * Answers: 200; 400 for what is no event (shell/bucket_event.h), 403 for a wrong token, 405, 413. A
 * topic of SNS that asks to be confirmed is never confirmed by us: no request follows from what a
 * stranger has sent. The log says which command confirms it.
 */
#pragma once
#include "io/log.h"
#include "shell/buckets.h"

#include <microhttpd.h>

enum { EVENT_TOKEN_MIN = 16, EVENT_TOKEN_MAX = 256 };

struct event_door;
struct event_post; /* a body that arrives */

/* `token_file` NULL: no door, *out is NULL. ERR_INVALID, ERR_DENIED (others may read the file). */
NODISCARD bool event_door_open(const char *token_file, struct buckets *buckets,
                               const struct log *log, struct event_door **out, struct error *err);
void event_door_close(struct event_door *door); /* accepts NULL */
/* Whether a request is for this door, which may be NULL. */
bool event_door_is_at(const struct event_door *door, const char *url);
/* The beginning of a request: *post for its body, or NULL when it is answered already. */
enum MHD_Result event_door_begin(struct event_door *door, struct MHD_Connection *connection,
                                 const char *url, const char *method, struct event_post **post);
/* A piece of the body; without one (*size 0) its end, which is answered. */
enum MHD_Result event_door_receive(struct event_post *post, struct MHD_Connection *connection,
                                   const char *data, size_t *size);
void event_post_free(struct event_post *post); /* accepts NULL */
