#include "shell/artifact_server.h"

#include "io/child.h"
#include "io/clock.h"
#include "io/digest.h"
#include "shell/event_door.h"
#include "shell/http_reply.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONNECTION_MEMORY = 256 << 10, IDLE_TIMEOUT_S = 60, ANSWER_SIZE = 640 };

enum exchange_state {
    EXCHANGE_RECEIVING, /* a PUT's bytes arrive */
    EXCHANGE_VERIFYING, /* the child works; the connection is suspended */
    EXCHANGE_VERIFIED
};

/* One request that has passed admission. */
struct exchange {
    struct artifact_server *server;
    struct exchange *next;
    struct MHD_Connection *connection;
    struct granted granted;
    enum exchange_state state;
    int fd;
    uint64_t offset, expected; /* of a PUT: next byte, end of its range */
    struct error failure;      /* ERR_NONE while all is well */
    struct event_post *post;   /* events arrive, and nothing of the above holds */
    struct child child;
    struct loop_watch watch;
};

struct artifact_server {
    const struct artifacts *artifacts;
    struct loop *loop;
    const struct log *log;
    char *program;
    struct MHD_Daemon *daemon;
    struct event_door *events;
    struct loop_watch watch;
    struct exchange *open; /* PUTs in progress */
    uint64_t stored;
};

static unsigned http_status(enum error_code code)
{
    switch (code) {
    case ERR_NONE: return MHD_HTTP_OK;
    case ERR_RETRY: return MHD_HTTP_SERVICE_UNAVAILABLE;
    case ERR_NOT_FOUND: return MHD_HTTP_NOT_FOUND;
    case ERR_INVALID: return MHD_HTTP_BAD_REQUEST;
    case ERR_CONFLICT: return MHD_HTTP_CONFLICT;
    case ERR_DENIED: return MHD_HTTP_FORBIDDEN;
    case ERR_NO_SPACE: return MHD_HTTP_INSUFFICIENT_STORAGE;
    case ERR_CORRUPT: return MHD_HTTP_UNPROCESSABLE_CONTENT;
    case ERR_FATAL: return MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
    return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static enum MHD_Result answer_error(struct MHD_Connection *connection, const struct error *err)
{
    char text[ANSWER_SIZE];
    snprintf(text, sizeof text, "%s\n", err->text);
    return http_reply(connection, http_status(err->code), text, NULL, NULL);
}

static const char *argument_of(void *owner, const char *name)
{
    return MHD_lookup_connection_value(owner, MHD_GET_ARGUMENT_KIND, name);
}

/* "bytes=A-" or "bytes=A-B" within size; anything else means the whole, as RFC 9110 allows. */
static bool range_parse(const char *header, uint64_t size, uint64_t *from, uint64_t *to)
{
    unsigned long long a = 0, b = 0;
    char tail = 0;
    if (!header || size == 0) return false;
    int fields = sscanf(header, "bytes=%llu-%llu%c", &a, &b, &tail);
    if (fields == 1) b = size - 1;
    if (fields != 1 && fields != 2) return false;
    if (b >= size) b = size - 1;
    if (a > b) return false;
    *from = a;
    *to = b;
    return true;
}

static enum MHD_Result serve_version(struct MHD_Connection *connection,
                                     const struct granted *granted)
{
    struct error err = { 0 };
    struct dirstore_object object;
    int fd = -1;
    if (!dirstore_head(granted->store, granted->key, granted->version_id, &object, &err) ||
        !dirstore_get(granted->store, granted->key, &object, &fd, &err))
        return answer_error(connection, &err);
    uint64_t from = 0, to = object.size ? object.size - 1 : 0;
    bool part =
        range_parse(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_RANGE),
                    object.size, &from, &to);
    uint64_t length = object.size ? to - from + 1 : 0;
    struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(length, fd, from);
    if (!response) {
        close(fd);
        return MHD_NO;
    }
    char range[96];
    snprintf(range, sizeof range, "bytes %llu-%llu/%llu", (unsigned long long)from,
             (unsigned long long)to, (unsigned long long)object.size);
    enum MHD_Result result =
        MHD_add_response_header(response, "x-amz-version-id", object.version_id.text);
    if (result == MHD_YES) result = MHD_add_response_header(response, "Accept-Ranges", "bytes");
    if (result == MHD_YES && part)
        result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, range);
    if (result == MHD_YES)
        result =
            MHD_queue_response(connection, part ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- uploads ---- */

static bool upload_finished(const struct granted *granted)
{
    struct error err = { 0 };
    struct dirstore_object object;
    return dirstore_head(granted->store, granted->key, granted->upload_version.text, &object, &err);
}

NODISCARD static bool upload_held(const struct granted *granted, uint64_t *out, struct error *err)
{
    char path[FS_PATH_MAX];
    struct stat st;
    if (!dirstore_upload_path(granted->store, &granted->upload, path, err)) return false;
    if (stat(path, &st) != 0) {
        if (errno != ENOENT) return fs_error(err, "stat", path);
        *out = 0;
        return true;
    }
    *out = (uint64_t)st.st_size;
    return true;
}

static enum MHD_Result tell_offset(struct MHD_Connection *connection, const struct granted *granted)
{
    struct error err = { 0 };
    uint64_t held = 0;
    char number[32];
    if (upload_finished(granted))
        return http_reply(connection, MHD_HTTP_OK, "", "x-amz-version-id",
                          granted->upload_version.text);
    if (!upload_held(granted, &held, &err)) return answer_error(connection, &err);
    snprintf(number, sizeof number, "%llu", (unsigned long long)held);
    return http_reply(connection, MHD_HTTP_OK, "", "Upload-Offset", number);
}

NODISCARD static bool content_range(struct MHD_Connection *connection,
                                    const struct granted *granted, uint64_t held, uint64_t *from,
                                    uint64_t *end, struct error *err)
{
    const char *header =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_RANGE);
    unsigned long long a = 0, b = 0, size = 0;
    char tail = 0;
    if (!header || sscanf(header, "bytes %llu-%llu/%llu%c", &a, &b, &size, &tail) != 3)
        return error_set(err, ERR_INVALID, "a PUT needs Content-Range: bytes FROM-TO/SIZE");
    if (size != granted->size)
        return error_set(err, ERR_INVALID, "the address is for %llu bytes, not %llu",
                         (unsigned long long)granted->size, size);
    if (a != held)
        return error_set(err, ERR_CONFLICT, "%llu bytes are held: go on there",
                         (unsigned long long)held);
    /* "SIZE-(SIZE-1)": everything is held, and only the check was missed. */
    bool rest = a == size && b + 1 == size;
    if (size > 0 && !rest && (b < a || b >= size))
        return error_set(err, ERR_INVALID, "the range does not lie in the object");
    *from = a;
    *end = size > 0 ? b + 1 : 0;
    return true;
}

static void exchange_free(struct exchange *x)
{
    struct exchange **link = &x->server->open;
    while (*link && *link != x) link = &(*link)->next;
    if (*link) *link = x->next;
    if (x->watch.fd >= 0) loop_remove(x->server->loop, &x->watch);
    child_close(&x->child);
    auto_close(&x->fd);
    event_post_free(x->post);
    free(x);
}

NODISCARD static bool upload_open(struct artifact_server *server, struct MHD_Connection *connection,
                                  const struct granted *granted, struct exchange **out,
                                  struct error *err)
{
    for (const struct exchange *other = server->open; other; other = other->next)
        if (id_equal(&other->granted.upload, &granted->upload) &&
            other->granted.store == granted->store)
            return error_set(err, ERR_CONFLICT, "this upload is being written by somebody else");
    uint64_t held = 0, from = 0, end = 0;
    char path[FS_PATH_MAX];
    if (!upload_held(granted, &held, err) ||
        !content_range(connection, granted, held, &from, &end, err) ||
        !dirstore_upload_path(granted->store, &granted->upload, path, err))
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return fs_error(err, "open", path);
    struct exchange *x = xcalloc(1, sizeof *x);
    *x = (struct exchange){ .server = server,
                            .next = server->open,
                            .connection = connection,
                            .granted = *granted,
                            .fd = fd,
                            .offset = from,
                            .expected = end,
                            .child.pidfd = -1,
                            .watch.fd = -1 };
    server->open = x;
    *out = x;
    return true;
}

static void upload_receive(struct exchange *x, const char *data, size_t len)
{
    if (x->failure.code != ERR_NONE) return; /* the rest of a refused body */
    if (len > x->expected - x->offset) {
        error_set(&x->failure, ERR_INVALID, "more bytes than the range says");
        return;
    }
    if (fs_pwrite_all(x->fd, bytes_of(data, len), x->offset, &x->failure)) x->offset += len;
}

/* The child has ended: what it said decides, then the connection goes on. */
static void on_verified(void *owner, uint32_t events)
{
    (void)events;
    struct exchange *x = owner;
    struct child_end end;
    if (!child_reap(&x->child, &end, &x->failure)) {
        end.state = CHILD_VANISHED;
    } else if (end.state == CHILD_RUNNING) {
        return;
    }
    loop_remove(x->server->loop, &x->watch);
    child_close(&x->child);
    if (end.state == CHILD_EXITED && end.status == VERIFY_WRONG)
        error_set(&x->failure, ERR_CORRUPT, "size or SHA-256 is not the promised one: start again");
    else if (end.state == CHILD_EXITED && end.status == VERIFY_NO_SPACE)
        error_set(&x->failure, ERR_NO_SPACE, "the store's disk is full");
    else if (end.state != CHILD_EXITED || end.status != VERIFY_OK)
        error_set(&x->failure, ERR_RETRY, "the upload could not be verified: try again");
    x->state = EXCHANGE_VERIFIED;
    MHD_resume_connection(x->connection);
}

NODISCARD static bool verify_start(struct exchange *x, struct error *err)
{
    char path[FS_PATH_MAX], size[32], hex[DIGEST_HEX_SIZE];
    if (!dirstore_upload_path(x->granted.store, &x->granted.upload, path, err)) return false;
    snprintf(size, sizeof size, "%llu", (unsigned long long)x->granted.size);
    hex_format(x->granted.sha256, SHA256_SIZE, hex);
    const char *const argv[] = { x->server->program, "verify-upload", path, size, hex, NULL };
    const char *const env[] = { NULL };
    const struct child_spec spec = {
        .path = x->server->program, .argv = argv, .env = env, .stdout_fd = -1, .stderr_fd = -1
    };
    if (!child_spawn(&spec, &x->child, err)) return false;
    if (!loop_add(x->server->loop, &x->watch, x->child.pidfd, EPOLLIN, on_verified, x, err)) {
        child_close(&x->child);
        return false;
    }
    return true;
}

static enum MHD_Result upload_store(struct exchange *x)
{
    struct error *err = &x->failure;
    struct dirstore_object object = { .version_id = x->granted.upload_version,
                                      .size = x->granted.size,
                                      .modified_ms = clock_wall_ms() };
    memcpy(object.sha256, x->granted.sha256, sizeof object.sha256);
    memcpy(object.summary, x->granted.summary, sizeof object.summary);
    if (!dirstore_put(x->granted.store, x->granted.key, &x->granted.upload, &object, err)) {
        log_failure(x->server->log, LOG_ERROR, "an upload could not be stored", err);
        return answer_error(x->connection, err);
    }
    x->server->stored++;
    log_event(x->server->log, LOG_INFO, "object stored", "key", x->granted.key, "version",
              object.version_id.text, NULL);
    return http_reply(x->connection, MHD_HTTP_CREATED, "", "x-amz-version-id",
                      object.version_id.text);
}

static enum MHD_Result upload_end(struct exchange *x)
{
    if (x->state == EXCHANGE_RECEIVING && x->failure.code == ERR_NONE) {
        if (x->offset < x->granted.size) {
            error_set(&x->failure, ERR_CONFLICT, "%llu bytes are held: go on there",
                      (unsigned long long)x->offset);
        } else if (verify_start(x, &x->failure)) {
            x->state = EXCHANGE_VERIFYING;
            MHD_suspend_connection(x->connection);
            return MHD_YES;
        }
    }
    if (x->state == EXCHANGE_VERIFYING) return MHD_YES;
    if (x->failure.code == ERR_NONE) return upload_store(x);
    if (x->failure.code == ERR_CORRUPT) {
        char path[FS_PATH_MAX];
        struct error ignored = { 0 };
        if (dirstore_upload_path(x->granted.store, &x->granted.upload, path, &ignored))
            unlink(path);
    }
    return answer_error(x->connection, &x->failure);
}

static enum MHD_Result events_begin(struct artifact_server *server,
                                    struct MHD_Connection *connection, const char *url,
                                    const char *method, void **state)
{
    struct event_post *post = NULL;
    enum MHD_Result result = event_door_begin(server->events, connection, url, method, &post);
    if (!post) return result;
    struct exchange *x = *state = xcalloc(1, sizeof *x);
    *x = (struct exchange){ .server = server, .post = post, .fd = -1, .child.pidfd = -1 };
    x->watch.fd = -1;
    return result;
}

static enum MHD_Result on_request(void *owner, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **state)
{
    (void)version;
    struct artifact_server *server = owner;
    struct exchange *x = *state;
    if (x && x->post) return event_door_receive(x->post, connection, data, data_size);
    if (x && *data_size > 0) {
        upload_receive(x, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    if (x) return upload_end(x);
    if (event_door_is_at(server->events, url))
        return events_begin(server, connection, url, method, state);
    struct error err = { 0 };
    struct granted granted;
    if (!artifacts_check(server->artifacts, url, argument_of, connection, clock_wall_ms(), &granted,
                         &err))
        return answer_error(connection, &err);
    bool head = text_equal(method, MHD_HTTP_METHOD_HEAD);
    if (granted.write && head) return tell_offset(connection, &granted);
    if (granted.write && text_equal(method, MHD_HTTP_METHOD_PUT)) {
        if (upload_finished(&granted))
            return http_reply(connection, MHD_HTTP_CREATED, "", "x-amz-version-id",
                              granted.upload_version.text);
        if (!upload_open(server, connection, &granted, &x, &err))
            return answer_error(connection, &err);
        *state = x;
        return MHD_YES;
    }
    if (!granted.write && (head || text_equal(method, MHD_HTTP_METHOD_GET)))
        return serve_version(connection, &granted);
    return http_reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "the grant is for another method\n",
                      NULL, NULL);
}

static void on_completed(void *owner, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)owner, (void)connection, (void)code;
    if (*state) exchange_free(*state);
    *state = NULL;
}

/* ---- the server ---- */

static void on_epoll(void *owner, uint32_t events)
{
    (void)owner, (void)events; /* artifact_server_run() does the work in the turn */
}

NODISCARD static bool listen_on(struct artifact_server *server,
                                const struct artifact_server_config *config, const char *key,
                                const char *certificate, struct error *err)
{
    unsigned family = config->address->sa_family == AF_INET6 ? MHD_USE_IPv6 : MHD_NO_FLAG;
    server->daemon = MHD_start_daemon(
        family | MHD_USE_EPOLL | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request,
        server, MHD_OPTION_SOCK_ADDR, config->address, MHD_OPTION_HTTPS_MEM_KEY, key,
        MHD_OPTION_HTTPS_MEM_CERT, certificate, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)config->connections_max,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (!server->daemon)
        return error_set(err, ERR_RETRY, "listen on https://%s: %s", config->listen,
                         strerror(errno));
    return true;
}

static char *text_of(struct bytes data)
{
    char *text = xcalloc(data.len + 1, 1);
    memcpy(text, data.data, data.len);
    return text;
}

bool artifact_server_open(const struct artifact_server_config *config,
                          const struct artifacts *artifacts, struct loop *loop,
                          const struct log *log, struct artifact_server **out, struct error *err)
{
    struct artifact_server *server = xcalloc(1, sizeof *server);
    *server = (struct artifact_server){ .artifacts = artifacts,
                                        .loop = loop,
                                        .log = log,
                                        .program = xstrdup(config->program),
                                        .watch.fd = -1 };
    AUTO(auto_free) char *key = text_of(config->key_pem);
    AUTO(auto_free) char *certificate = text_of(config->certificate_pem);
    bool listening = listen_on(server, config, key, certificate, err);
    digest_cleanse(key, config->key_pem.len);
    if (!listening ||
        !event_door_open(config->events_token, config->buckets, log, &server->events, err))
        goto fail;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    assert(info);
    if (!loop_add(loop, &server->watch, info->epoll_fd, EPOLLIN, on_epoll, server, err)) goto fail;
    *out = server;
    return true;
fail:
    artifact_server_close(server);
    return false;
}

void artifact_server_close(struct artifact_server *server)
{
    if (!server) return;
    if (server->watch.fd >= 0) loop_remove(server->loop, &server->watch);
    for (struct exchange *x = server->open; x; x = x->next) {
        if (x->state == EXCHANGE_VERIFYING) MHD_resume_connection(x->connection);
        x->state = EXCHANGE_VERIFIED;
        if (x->failure.code == ERR_NONE) error_set(&x->failure, ERR_RETRY, "shutting down");
    }
    if (server->daemon) MHD_stop_daemon(server->daemon);
    while (server->open) exchange_free(server->open);
    event_door_close(server->events);
    free(server->program);
    free(server);
}

uint16_t artifact_server_port(const struct artifact_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    assert(info);
    return info->port;
}

void artifact_server_run(struct artifact_server *server)
{
    MHD_run(server->daemon);
}

uint64_t artifact_server_deadline(const struct artifact_server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    if (MHD_get_timeout(server->daemon, &wait_ms) != MHD_YES) return LOOP_NO_DEADLINE;
    return clock_boot_ms() + wait_ms;
}

uint64_t artifact_server_stored(const struct artifact_server *server)
{
    return server->stored;
}
