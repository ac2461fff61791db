#include "io/http.h"

#include "io/clock.h"
#include "io/digest.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/s3.h"

#include <assert.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    CONNECT_MS = 3000,
    LOW_SPEED_BYTES = 1000,
    LOOK_MS = 1000 /* libcurl does not ask again for a timer that came a moment too early */
};

struct exchange {
    struct http *http; /* NULL: the place is free */
    CURL *curl;
    struct curl_slist *headers;
    http_fn fn;
    void *owner;
    struct buf head, body; /* head: the answer's header lines, each ended by NUL */
    struct buf sent;
    bool digesting;
    struct digest digest;
    uint64_t digested;
};

/* One descriptor of libcurl's; kept for the next one once it is closed. The loop watches a copy:
 * libcurl may tell that it lets go of a socket only after it has closed it. */
struct socket_watch {
    struct loop_watch watch;
    struct http *http;
    struct socket_watch *next;
    int fd, copy;
};

struct http {
    struct loop *loop;
    CURLM *multi;
    uint64_t due;
    struct exchange exchanges[HTTP_REQUESTS_MAX];
    struct socket_watch *sockets; /* in use or not */
};

/* ---- libcurl in the loop ---- */

static void on_socket_ready(void *owner, uint32_t events)
{
    struct socket_watch *socket = owner;
    int flags = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0),
        running = 0;
    curl_multi_socket_action(socket->http->multi, socket->fd, flags, &running);
}

static struct socket_watch *socket_find(struct http *http, bool used, int fd)
{
    for (struct socket_watch *s = http->sockets; s; s = s->next)
        if (used ? s->watch.loop && s->fd == fd : !s->watch.loop) return s;
    return NULL;
}

static struct socket_watch *socket_new(struct http *http, int fd)
{
    struct socket_watch *socket = socket_find(http, false, -1);
    if (!socket) {
        socket = xcalloc(1, sizeof *socket);
        socket->next = http->sockets;
        http->sockets = socket;
    }
    socket->http = http;
    socket->fd = fd;
    return socket;
}

static void socket_forget(struct socket_watch *socket)
{
    loop_remove(socket->http->loop, &socket->watch);
    auto_close(&socket->copy);
}

static int on_socket(CURL *curl, curl_socket_t fd, int what, void *owner, void *unused)
{
    struct http *http = owner;
    struct error err = { 0 };
    (void)curl;
    (void)unused;
    struct socket_watch *socket = socket_find(http, true, fd);
    if (what == CURL_POLL_REMOVE) {
        if (socket) socket_forget(socket);
        return 0;
    }
    uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                      (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    if (socket) return loop_change(http->loop, &socket->watch, events, &err) ? 0 : -1;
    socket = socket_new(http, fd);
    socket->copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (socket->copy < 0) return -1;
    if (loop_add(http->loop, &socket->watch, socket->copy, events, on_socket_ready, socket, &err))
        return 0;
    auto_close(&socket->copy);
    return -1;
}

static int on_close(void *owner, curl_socket_t fd)
{
    struct http *http = owner;
    struct socket_watch *socket = socket_find(http, true, fd);
    if (socket) socket_forget(socket);
    return close(fd);
}

static int on_timer(CURLM *multi, long ms, void *owner)
{
    struct http *http = owner;
    (void)multi;
    http->due = ms < 0 ? UINT64_MAX : clock_boot_ms() + (uint64_t)ms;
    return 0;
}

bool http_open(struct loop *loop, struct http **out, struct error *err)
{
    struct http *http = xcalloc(1, sizeof *http);
    http->loop = loop;
    http->due = UINT64_MAX;
    http->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
    if (!http->multi) {
        http_close(http);
        return error_set(err, ERR_FATAL, "libcurl does not start");
    }
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    *out = http;
    return true;
}

static void exchange_close(struct exchange *x)
{
    if (!x->http) return;
    curl_multi_remove_handle(x->http->multi, x->curl);
    curl_easy_cleanup(x->curl);
    curl_slist_free_all(x->headers);
    buf_deinit(&x->head);
    /* Keys of AWS may have been in them. */
    if (x->body.len) digest_cleanse(x->body.data, x->body.len);
    if (x->sent.len) digest_cleanse(x->sent.data, x->sent.len);
    buf_deinit(&x->body);
    buf_deinit(&x->sent);
    digest_deinit(&x->digest);
    *x = (struct exchange){ 0 };
}

void http_close(struct http *http)
{
    if (!http) return;
    for (size_t i = 0; i < HTTP_REQUESTS_MAX; i++) exchange_close(&http->exchanges[i]);
    curl_multi_cleanup(http->multi);
    for (struct socket_watch *socket = http->sockets, *next; socket; socket = next) {
        next = socket->next;
        if (socket->watch.loop) socket_forget(socket);
        free(socket);
    }
    free(http);
}

/* ---- one request ---- */

static size_t on_header(char *data, size_t size, size_t count, void *owner)
{
    struct exchange *x = owner;
    struct error ignored = { 0 };
    size_t len = size * count, text = len;
    while (text > 0 && (data[text - 1] == '\r' || data[text - 1] == '\n')) text--;
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) buf_clear(&x->head); /* after a 100 */
    /* With its NUL; what does not fit is not needed. */
    if (x->head.len + text + 1 <= x->head.max && !memchr(data, '\0', text))
        if (!buf_append(&x->head, data, text, &ignored) || !buf_append(&x->head, "", 1, &ignored))
            return 0;
    return len;
}

static size_t on_body(char *data, size_t size, size_t count, void *owner)
{
    struct exchange *x = owner;
    struct error ignored = { 0 };
    size_t len = size * count;
    long status = 0;
    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    if (x->digesting && status == 200) {
        digest_update(&x->digest, bytes_of(data, len));
        x->digested += len;
        return len;
    }
    return buf_append(&x->body, data, len, &ignored) ? len : 0;
}

/* "" when there is none. */
static const char *header_of(const struct exchange *x, const char *name)
{
    size_t len = strlen(name);
    for (size_t at = 0; at < x->head.len;) {
        const char *line = (const char *)x->head.data + at;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1 + strspn(line + len + 1, " \t");
        at += strlen(line) + 1;
    }
    return "";
}

static void set_options(struct exchange *x, const struct http_request *request)
{
    CURL *c = x->curl;
    curl_easy_setopt(c, CURLOPT_PRIVATE, x);
    curl_easy_setopt(c, CURLOPT_URL, request->url);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L); /* what was signed is what is sent */
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    if (request->ca_file && request->ca_file[0])
        curl_easy_setopt(c, CURLOPT_CAINFO, request->ca_file);
    if (request->digest) {
        curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)LOW_SPEED_BYTES);
        curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)(request->timeout_ms / 1000));
    } else {
        curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    }
    curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, x->http);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, x->headers);
    if (text_equal(request->method, "HEAD")) {
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    } else if (!text_equal(request->method, "GET")) {
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request->method);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)x->sent.len);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, x->sent.len ? (const char *)x->sent.data : "");
    }
}

bool http_start(struct http *http, const struct http_request *request, struct error *err)
{
    struct exchange *x = NULL;
    if (!request->plain && !s3_url_is_safe(request->url))
        return error_set(err, ERR_INVALID, "only https, or http to a loopback address");
    for (size_t i = 0; i < HTTP_REQUESTS_MAX && !x; i++)
        if (!http->exchanges[i].http) x = &http->exchanges[i];
    if (!x) return error_set(err, ERR_NO_SPACE, "%d requests run already", HTTP_REQUESTS_MAX);
    *x = (struct exchange){ .http = http,
                            .curl = curl_easy_init(),
                            .fn = request->fn,
                            .owner = request->owner,
                            .digesting = request->digest };
    buf_init(&x->head, HTTP_HEADERS_MAX);
    buf_init(&x->body, request->body_max + 1);
    buf_init(&x->sent, request->body.len + 1);
    if (request->digest) digest_init(&x->digest);
    if (request->body.len && !buf_append(&x->sent, request->body.data, request->body.len, err)) {
        exchange_close(x);
        return false;
    }
    for (size_t i = 0; request->headers && request->headers[i]; i++)
        x->headers = curl_slist_append(x->headers, request->headers[i]);
    if (!x->curl || (set_options(x, request), curl_multi_add_handle(http->multi, x->curl))) {
        exchange_close(x);
        return error_set(err, ERR_RETRY, "libcurl refuses the request");
    }
    return true;
}

/* The place is taken until the owner has heard of it, who may start the next request. */
static void end(struct exchange *x, CURLcode code)
{
    struct http_answer answer = { .cause = code == CURLE_OK ? "" : curl_easy_strerror(code) };
    char etag[128];
    curl_off_t length = -1;
    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_easy_getinfo(x->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    const char *quoted = header_of(x, "etag");
    size_t len = strlen(quoted);
    bool quotes = len >= 2 && quoted[0] == '"' && quoted[len - 1] == '"';
    if (!text_copy(etag, sizeof etag, quotes ? quoted + 1 : quoted)) etag[0] = '\0';
    if (quotes && etag[0]) etag[len - 2] = '\0';
    answer.etag = etag;
    answer.date = header_of(x, "date");
    answer.modified = header_of(x, "last-modified");
    answer.version_id = header_of(x, "x-amz-version-id");
    answer.sha256 = header_of(x, S3_SHA256_HEADER);
    answer.summary = header_of(x, S3_SUMMARY_HEADER);
    answer.delete_marker = header_of(x, "x-amz-delete-marker");
    answer.bucket_region = header_of(x, "x-amz-bucket-region");
    answer.body = buf_bytes(&x->body);
    answer.size = x->digesting ? x->digested : length > 0 ? (uint64_t)length : 0;
    if (x->digesting) digest_end(&x->digest, answer.digest);
    x->fn(x->owner, &answer);
    exchange_close(x);
}

static bool running_any(const struct http *http)
{
    for (size_t i = 0; i < HTTP_REQUESTS_MAX; i++)
        if (http->exchanges[i].http) return true;
    return false;
}

void http_run(struct http *http)
{
    int left = 0, running = 0;
    if (http->due <= clock_boot_ms()) {
        http->due = UINT64_MAX;
        curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        struct exchange *x = NULL;
        if (message->msg != CURLMSG_DONE) continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &x);
        end(x, message->data.result);
    }
    if (http->due == UINT64_MAX && running_any(http)) http->due = clock_boot_ms() + LOOK_MS;
}

uint64_t http_deadline(const struct http *http)
{
    return http->due;
}
