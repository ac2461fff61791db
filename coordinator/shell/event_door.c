#include "shell/event_door.h"

#include "io/digest.h"
#include "io/fs.h"
#include "shell/bucket_event.h"
#include "shell/http_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char door_path[] = "/events";
static const char bearer[] = "Bearer ";

struct event_door {
    struct buckets *buckets;
    const struct log *log;
    uint8_t token[DIGEST_SIZE]; /* its digest: compared in a time that tells nothing */
};

struct event_post {
    struct event_door *door;
    struct buf body;
    bool too_long;
};

/* ---- the token ---- */

NODISCARD static bool token_check(const char *file, const struct buf *text, size_t len,
                                  struct error *err)
{
    bool good = len >= EVENT_TOKEN_MIN && len <= EVENT_TOKEN_MAX;
    for (size_t i = 0; good && i < len; i++)
        good = text->data[i] && strchr("abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-._~",
                                       (char)text->data[i]);
    return good || error_set(err, ERR_INVALID,
                             "artifacts.events: '%s' must hold %d to %d of A-Z a-z 0-9 - . _ ~, as "
                             "`openssl rand -hex 32` writes them",
                             file, EVENT_TOKEN_MIN, EVENT_TOKEN_MAX);
}

NODISCARD static bool token_read(const char *file, uint8_t out[DIGEST_SIZE], struct error *err)
{
    struct stat info;
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, EVENT_TOKEN_MAX + 2);
    if (stat(file, &info) != 0) return fs_error(err, "read", file);
    if (info.st_mode & (S_IRWXG | S_IRWXO))
        return error_set(err, ERR_DENIED, "artifacts.events: others may read '%s': chmod 600 %s",
                         file, file);
    if (!fs_read_file(file, &text, err)) return error_wrap(err, "artifacts.events");
    size_t len = text.len;
    while (len > 0 && (text.data[len - 1] == '\n' || text.data[len - 1] == '\r')) len--;
    if (!token_check(file, &text, len, err)) return false;
    digest_sha256(bytes_of(text.data, len), out);
    digest_cleanse(text.data, text.len);
    return true;
}

static bool token_is(const struct event_door *door, const char *token)
{
    uint8_t digest[DIGEST_SIZE];
    digest_sha256(bytes_of(token, strlen(token)), digest);
    return digest_equal(digest, door->token, sizeof digest);
}

bool event_door_open(const char *token_file, struct buckets *buckets, const struct log *log,
                     struct event_door **out, struct error *err)
{
    struct event_door door = { .buckets = buckets, .log = log };
    *out = NULL;
    if (!token_file) return true;
    if (!token_read(token_file, door.token, err)) return false;
    *out = xcalloc(1, sizeof **out);
    **out = door;
    return true;
}

void event_door_close(struct event_door *door)
{
    free(door);
}

/* ---- requests ---- */

bool event_door_is_at(const struct event_door *door, const char *url)
{
    char behind = text_starts(url, door_path) ? url[sizeof door_path - 1] : ' ';
    return door && (behind == '\0' || behind == '/');
}

static bool is_allowed(const struct event_door *door, struct MHD_Connection *connection,
                       const char *url)
{
    const char *behind = url + sizeof door_path - 1;
    const char *header =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    if (behind[0] && behind[1]) return token_is(door, behind + 1);
    return header && text_starts(header, bearer) && token_is(door, header + sizeof bearer - 1);
}

enum MHD_Result event_door_begin(struct event_door *door, struct MHD_Connection *connection,
                                 const char *url, const char *method, struct event_post **post)
{
    *post = NULL;
    if (!is_allowed(door, connection, url))
        return http_reply(connection, MHD_HTTP_FORBIDDEN, "the token is not the one of this door\n",
                          NULL, NULL);
    if (!text_equal(method, MHD_HTTP_METHOD_POST))
        return http_reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "events come with POST\n", NULL,
                          NULL);
    *post = xcalloc(1, sizeof **post);
    (*post)->door = door;
    buf_init(&(*post)->body, BUCKET_EVENT_BODY_MAX);
    return MHD_YES;
}

static void on_event(void *owner, const char *bucket, const char *key)
{
    const struct event_door *door = owner;
    buckets_hint(door->buckets, bucket, key);
    log_event(door->log, LOG_DEBUG, "an event of S3", "store", bucket, "key", key, NULL);
}

static enum MHD_Result post_end(struct event_post *post, struct MHD_Connection *connection)
{
    struct bucket_events events = { .count = 0 };
    struct error err = { 0 };
    char text[sizeof err.text + 1];
    if (post->too_long)
        return http_reply(connection, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too long\n", NULL,
                          NULL);
    if (!bucket_event_decode(buf_bytes(&post->body), on_event, post->door, &events, &err)) {
        log_failure(post->door->log, LOG_WARNING, "what came as an event of S3 is none", &err);
        snprintf(text, sizeof text, "%s\n", err.text);
        return http_reply(connection, MHD_HTTP_BAD_REQUEST, text, NULL, NULL);
    }
    if (events.topic[0])
        log_event(post->door->log, LOG_WARNING, "a topic of SNS asks to be confirmed", "topic",
                  events.topic, "token", events.token, "fix",
                  "if it is yours: aws sns confirm-subscription --topic-arn TOPIC --token TOKEN",
                  NULL);
    return http_reply(connection, MHD_HTTP_OK, "", NULL, NULL);
}

enum MHD_Result event_door_receive(struct event_post *post, struct MHD_Connection *connection,
                                   const char *data, size_t *size)
{
    struct error err = { 0 };
    if (*size == 0) return post_end(post, connection);
    if (!post->too_long && !buf_append(&post->body, data, *size, &err)) post->too_long = true;
    *size = 0;
    return MHD_YES;
}

void event_post_free(struct event_post *post)
{
    if (post) buf_deinit(&post->body);
    free(post);
}
