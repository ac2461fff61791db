#include "io/transfer.h"

#include "base/retry.h"
#include "io/clock.h"
#include "io/digest.h"
#include "io/fs.h"
#include "io/random.h"
#include "io/s3.h"
#include "io/transfer_internal.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONNECT_TIMEOUT_MS = 3000,
    LOW_SPEED_BYTES = 1000, /* a second; slower than that for STALL_S seconds is a cut */
    STALL_S = 30,
    WAIT_SLICE_MS = 200,
    BUFFER_MIN = 16 << 10,
    BUFFER_MAX = 256 << 10
};

/* One that does not fit is as good as none. */
static void header_take(const char *line, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    if (strncasecmp(line, name, len) != 0 || line[len] != ':') return;
    const char *value = line + len + 1;
    if (!text_copy(out, size, value + strspn(value, " "))) out[0] = '\0';
}

static size_t on_header(char *data, size_t size, size_t count, void *owner)
{
    struct exchange *x = owner;
    size_t len = size * count;
    char line[256];
    if (len >= sizeof line) return len;
    memcpy(line, data, len);
    while (len && isspace((unsigned char)line[len - 1])) len--;
    line[len] = '\0';
    char held[24] = "";
    header_take(line, "x-amz-version-id", x->version, sizeof x->version);
    header_take(line, "etag", x->etag, sizeof x->etag);
    header_take(line, S3_SHA256_HEADER, x->sha256, sizeof x->sha256);
    header_take(line, "upload-offset", held, sizeof held);
    if (held[0]) x->held = strtoull(held, NULL, 10);
    return size * count;
}

static void answer_take(struct exchange *x, const char *data, size_t len)
{
    /* S3 sends spaces while it makes an object of its parts. */
    for (; len && !x->answer_len && isspace((unsigned char)*data); len--) data++;
    size_t room = sizeof x->answer - 1 - x->answer_len;
    if (len > room) len = room;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        x->answer[x->answer_len++] = (char)(c < 0x20 || c == 0x7f ? ' ' : c);
    }
    x->answer[x->answer_len] = '\0';
}

static long status_of(struct exchange *x)
{
    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->status);
    return x->status;
}

/* libcurl's callbacks may take their time: the peer's bytes wait in the kernel meanwhile. */
static void keep_pace(struct exchange *x, size_t len)
{
    uint64_t wait = x->pace ? pace_take(x->pace, len, clock_boot_ms()) : 0;
    if (wait) poll(NULL, 0, wait < INT_MAX ? (int)wait : INT_MAX);
}

/* Body of a GET: only the object's own bytes reach the file. */
static size_t on_get_body(char *data, size_t size, size_t count, void *owner)
{
    struct exchange *x = owner;
    size_t len = size * count;
    long status = status_of(x);
    if (status != 200 && status != 206) {
        answer_take(x, data, len);
        return len;
    }
    if (status == 200 && x->end) {
        x->whole = true; /* there may be other parts already: the caller starts again */
        return 0;
    }
    if (status == 200 && x->moved == 0) x->offset = 0; /* the whole: start again */
    if (x->moved + len > (x->end ? x->end : x->t->size) - x->offset) {
        x->local_failure = true;
        error_set(&x->local, ERR_CORRUPT, "the server sends more than %llu bytes",
                  (unsigned long long)x->t->size);
        return 0;
    }
    if (!fs_pwrite_all(x->fd, bytes_of(data, len), x->offset + x->moved, &x->local)) {
        x->local_failure = true;
        return 0;
    }
    x->moved += len;
    keep_pace(x, len);
    return len;
}

static size_t on_put_answer(char *data, size_t size, size_t count, void *owner)
{
    answer_take(owner, data, size * count);
    return size * count;
}

static size_t on_put_body(char *out, size_t size, size_t count, void *owner)
{
    struct exchange *x = owner;
    size_t got = 0, room = size * count;
    uint64_t at = x->offset + x->moved;
    if (x->end && x->end - at < room) room = (size_t)(x->end - at);
    if (!fs_pread_full(x->fd, out, room, at, &got, &x->local)) {
        x->local_failure = true;
        return CURL_READFUNC_ABORT;
    }
    x->moved += got;
    keep_pace(x, got);
    return got;
}

static bool still_wanted(struct exchange *x)
{
    if (x->t->fn && !x->t->fn(x->t->owner, x->offset + x->moved, x->t->size)) x->cancelled = true;
    return !x->cancelled;
}

static int on_progress(void *owner, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return !still_wanted(owner);
}

static void auto_curl(CURL **curl)
{
    curl_easy_cleanup(*curl);
}

static void auto_slist(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

/* A quarter of a second's bytes at most, so that waiting for the pace is not felt. */
static long buffer_size(const struct transfer *t)
{
    if (t->rate_max == 0 || t->rate_max / 4 > BUFFER_MAX) return BUFFER_MAX;
    return t->rate_max / 4 < BUFFER_MIN ? BUFFER_MIN : (long)(t->rate_max / 4);
}

void transfer_set_common(struct exchange *x)
{
    CURL *c = x->curl;
    curl_easy_reset(c);
    curl_easy_setopt(c, CURLOPT_URL, x->t->url);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L); /* what was signed is what is sent */
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR,
                     s3_url_is_signed(x->t->url) && s3_url_is_safe(x->t->url) ? "https,http"
                                                                              : "https");
    if (getenv("AWS_CA_BUNDLE") && s3_url_is_signed(x->t->url))
        curl_easy_setopt(c, CURLOPT_CAINFO, getenv("AWS_CA_BUNDLE"));
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)LOW_SPEED_BYTES);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, buffer_size(x->t));
    curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, buffer_size(x->t));
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
    if (x->t->pin[0]) {
        /* The pin is the identity: the certificate is self-made, its name means nothing. */
        curl_easy_setopt(c, CURLOPT_PINNEDPUBLICKEY, x->t->pin);
        curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

enum verdict transfer_judge(struct exchange *x, CURLcode code, struct error *err)
{
    if (x->cancelled) {
        error_set(err, ERR_CONFLICT, "cancelled");
        return VERDICT_STOP;
    }
    if (x->local_failure) {
        *err = x->local;
        return VERDICT_STOP;
    }
    if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH) {
        error_set(err, ERR_DENIED, "the artifact server does not hold the key that the job pins");
        return VERDICT_STOP;
    }
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
        error_set(err, ERR_INVALID, "the address of the object: %s", curl_easy_strerror(code));
        return VERDICT_STOP;
    }
    long status = status_of(x);
    if (code != CURLE_OK || status == 0) {
        error_set(err, ERR_RETRY, "%s", curl_easy_strerror(code));
        return VERDICT_AGAIN;
    }
    if (status >= 200 && status < 300) return VERDICT_DONE;
    bool passing = status == 429 || status == 409 || (status >= 500 && status != 507);
    enum error_code kind = passing                          ? ERR_RETRY
                           : status == 401 || status == 403 ? ERR_DENIED
                           : status == 404 || status == 410 ? ERR_NOT_FOUND
                           : status == 507                  ? ERR_NO_SPACE
                           : status == 422                  ? ERR_CORRUPT
                                                            : ERR_INVALID;
    error_set(err, kind, "the artifact server answered %ld%s%s", status, x->answer[0] ? ": " : "",
              x->answer);
    return passing ? VERDICT_AGAIN : VERDICT_STOP;
}

/* Waits before the next try, in slices, so that a cancel is seen. */
static bool pause_before_retry(struct exchange *x, struct retry *retry, struct prng *random)
{
    uint64_t until = clock_boot_ms() + retry_next_ms(retry, random);
    for (uint64_t now; (now = clock_boot_ms()) < until;) {
        if (!still_wanted(x)) return false;
        uint64_t left = until - now;
        poll(NULL, 0, (int)(left < WAIT_SLICE_MS ? left : WAIT_SLICE_MS));
    }
    return true;
}

void transfer_set_get(struct exchange *x)
{
    transfer_set_common(x);
    curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, on_get_body);
    curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
}

bool transfer_impatient(const struct transfer *t, unsigned idle, unsigned tries, uint64_t moved_ms)
{
    if (t->patience_ms) return clock_boot_ms() >= moved_ms + t->patience_ms;
    return idle >= tries;
}

bool transfer_run(struct exchange *x, request_fn request, uint64_t *bytes, struct error *err)
{
    struct retry retry = { .first_ms = TRANSFER_RETRY_FIRST_MS, .max_ms = TRANSFER_RETRY_MAX_MS };
    struct prng random;
    random_seed(&random);
    uint64_t moved_ms = clock_boot_ms();
    for (uint32_t idle = 0;;) {
        bool complete = false;
        x->moved = 0;
        x->answer_len = 0;
        x->answer[0] = '\0';
        CURLcode code = request(x, &complete);
        *bytes += x->moved;
        switch (transfer_judge(x, code, err)) {
        case VERDICT_DONE:
            if (complete) return true;
            error_set(err, ERR_RETRY, "the answer was cut%s%s", x->answer[0] ? ": " : "",
                      x->answer);
            break;
        case VERDICT_AGAIN: break;
        case VERDICT_STOP: return false;
        }
        idle = x->moved ? 0 : idle + 1;
        if (x->moved) retry_reset(&retry);
        if (x->moved) moved_ms = clock_boot_ms();
        if (transfer_impatient(x->t, idle, TRANSFER_TRIES, moved_ms)) return false;
        if (x->t->wait_fn) x->t->wait_fn(x->t->owner, err->text);
        if (!pause_before_retry(x, &retry, &random))
            return error_set(err, ERR_CONFLICT, "cancelled");
    }
}

static CURLcode get_request(struct exchange *x, bool *complete)
{
    struct stat st;
    if (fstat(x->fd, &st) != 0) {
        x->local_failure = true;
        fs_error(&x->local, "stat", x->t->path);
        return CURLE_OK;
    }
    x->offset = (uint64_t)st.st_size;
    if (x->offset >= x->t->size) x->offset = 0;
    transfer_set_get(x);
    /* Not CURLOPT_RESUME_FROM: it fails when a server sends the whole, which we can use. */
    char range[32];
    snprintf(range, sizeof range, "%llu-", (unsigned long long)x->offset);
    if (x->offset) curl_easy_setopt(x->curl, CURLOPT_RANGE, range);
    CURLcode code = curl_easy_perform(x->curl);
    *complete = x->offset + x->moved == x->t->size;
    return code;
}

void transfer_set_answer(struct exchange *x)
{
    curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, on_put_answer);
    curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
}

void transfer_set_body(struct exchange *x, struct curl_slist *headers)
{
    uint64_t end = x->end ? x->end : x->t->size;
    curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(x->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(x->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)(end - x->offset));
    curl_easy_setopt(x->curl, CURLOPT_READFUNCTION, on_put_body);
    curl_easy_setopt(x->curl, CURLOPT_READDATA, x);
    transfer_set_answer(x);
}

bool transfer_versioned(struct exchange *x, struct error *err)
{
    if (x->version[0] && !text_equal(x->version, "null")) return true;
    return error_set(err, ERR_CONFLICT,
                     "the bucket is not versioned (aws s3api put-bucket-versioning "
                     "--versioning-configuration Status=Enabled --bucket ...)");
}

/* One PUT to S3, from the beginning. */
static CURLcode put_signed(struct exchange *x, bool *complete)
{
    char digest[DIGEST_HEX_SIZE], sha256[sizeof S3_SHA256_HEADER + DIGEST_HEX_SIZE + 2];
    char summary[sizeof S3_SUMMARY_HEADER + S3_SUMMARY_MAX + 3];
    x->version[0] = '\0';
    x->offset = 0;
    transfer_set_common(x);
    AUTO(auto_slist) struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    hex_format(x->t->sha256, DIGEST_SIZE, digest);
    snprintf(sha256, sizeof sha256, "%s: %s", S3_SHA256_HEADER, digest);
    if (s3_url_signs(x->t->url, S3_SHA256_HEADER)) headers = curl_slist_append(headers, sha256);
    if (x->t->summary && s3_url_signs(x->t->url, S3_SUMMARY_HEADER)) {
        snprintf(summary, sizeof summary, "%s: %s", S3_SUMMARY_HEADER, x->t->summary);
        headers = curl_slist_append(headers, summary);
    }
    transfer_set_body(x, headers);
    CURLcode code = curl_easy_perform(x->curl);
    *complete = code == CURLE_OK && status_of(x) == 200;
    if (*complete) x->local_failure = !transfer_versioned(x, &x->local);
    return code;
}

static CURLcode put_request(struct exchange *x, bool *complete)
{
    if (s3_url_is_signed(x->t->url)) return put_signed(x, complete);
    transfer_set_common(x);
    x->held = 0;
    x->version[0] = '\0';
    curl_easy_setopt(x->curl, CURLOPT_NOBODY, 1L);
    CURLcode code = curl_easy_perform(x->curl);
    if (code != CURLE_OK || status_of(x) != 200) return code;
    if (x->version[0]) { /* a lost answer: the object is there already */
        *complete = true;
        return CURLE_OK;
    }
    x->offset = x->held <= x->t->size ? x->held : 0;
    transfer_set_common(x);
    char range[96];
    snprintf(range, sizeof range, "Content-Range: bytes %llu-%llu/%llu",
             (unsigned long long)x->offset, (unsigned long long)(x->t->size ? x->t->size - 1 : 0),
             (unsigned long long)x->t->size);
    AUTO(auto_slist) struct curl_slist *headers = curl_slist_append(NULL, range);
    headers = curl_slist_append(headers, "Expect:");
    transfer_set_body(x, headers);
    code = curl_easy_perform(x->curl);
    *complete = code == CURLE_OK && x->version[0] != '\0';
    return code;
}

static bool exchange_open(struct exchange *x, const struct transfer *t, struct pace *pace, int fd,
                          struct error *err)
{
    *x = (struct exchange){ .t = t, .fd = fd, .pace = pace, .curl = curl_easy_init() };
    return x->curl || error_set(err, ERR_FATAL, "libcurl does not start");
}

NODISCARD static bool verify(const struct transfer *t, int fd, struct error *err)
{
    uint8_t digest[DIGEST_SIZE];
    uint64_t size = 0;
    if (lseek(fd, 0, SEEK_SET) != 0) return fs_error(err, "seek in", t->path);
    if (!digest_fd(fd, digest, &size, err)) return false;
    if (size == t->size && !t->sha256) return true;
    if (size == t->size && digest_equal(digest, t->sha256, sizeof digest)) return true;
    char want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
    if (!t->sha256) return error_set(err, ERR_CORRUPT, "the artifact has another size");
    hex_format(t->sha256, DIGEST_SIZE, want);
    hex_format(digest, DIGEST_SIZE, got);
    if (unlink(t->path) != 0) return fs_error(err, "remove", t->path);
    return error_set(err, ERR_CORRUPT,
                     "the artifact is not the one that was promised: sha256 %s, expected %s", got,
                     want);
}

NODISCARD static bool get_whole(const struct transfer *t, int fd, uint64_t *bytes,
                                struct error *err)
{
    struct exchange x;
    struct pace pace = { .rate = t->rate_max };
    if (!exchange_open(&x, t, &pace, fd, err)) return false;
    AUTO(auto_curl) CURL *owned = x.curl;
    (void)owned;
    return t->size == 0 || transfer_run(&x, get_request, bytes, err);
}

NODISCARD static bool get_missing(const struct transfer *t, int fd, uint64_t *bytes,
                                  struct error *err)
{
    bool whole = false;
    if (!transfer_in_parts(t)) return get_whole(t, fd, bytes, err);
    if (transfer_get_parts(t, fd, bytes, &whole, err)) return true;
    if (!whole) return false;
    if (ftruncate(fd, 0) != 0) return fs_error(err, "truncate", t->path);
    return get_whole(t, fd, bytes, err);
}

bool transfer_get(const struct transfer *t, uint64_t *bytes, struct error *err)
{
    *bytes = 0;
    AUTO(auto_close) int fd = open(t->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return fs_error(err, "open", t->path);
    struct stat st;
    if (fstat(fd, &st) != 0) return fs_error(err, "stat", t->path);
    if ((uint64_t)st.st_size > t->size && ftruncate(fd, 0) != 0)
        return fs_error(err, "truncate", t->path);
    bool complete = (uint64_t)st.st_size == t->size && !transfer_has_parts(t, fd);
    if ((complete || get_missing(t, fd, bytes, err)) && verify(t, fd, err)) return true;
    /* What an earlier call has left may be wrong, after a power cut: once more, from nothing. */
    if (st.st_size == 0 || err->code != ERR_CORRUPT) return false;
    auto_close(&fd);
    fd = open(t->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return fs_error(err, "open", t->path);
    return get_missing(t, fd, bytes, err) && verify(t, fd, err);
}

bool transfer_put(const struct transfer *t, char version[TRANSFER_VERSION_SIZE], uint64_t *bytes,
                  struct error *err)
{
    *bytes = 0;
    /* Links are followed: the receiver takes only bytes of the right digest. */
    AUTO(auto_close) int fd = open(t->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "open", t->path);
    struct exchange x;
    struct pace pace = { .rate = t->rate_max };
    if (!exchange_open(&x, t, &pace, fd, err)) return false;
    AUTO(auto_curl) CURL *owned = x.curl;
    (void)owned;
    if (!transfer_run(&x, put_request, bytes, err)) return false;
    memcpy(version, x.version, sizeof x.version);
    return true;
}

bool transfer_url_for(const char *url, uint64_t size, const uint8_t *sha256,
                      char out[TRANSFER_URL_MAX], struct error *err)
{
    char hex[DIGEST_HEX_SIZE];
    hex_format(sha256, DIGEST_SIZE, hex);
    int len = s3_url_is_signed(url) ? snprintf(out, TRANSFER_URL_MAX, "%s", url)
                                    : snprintf(out, TRANSFER_URL_MAX, "%s&size=%llu&sha256=%s", url,
                                               (unsigned long long)size, hex);
    if (len > 0 && len < TRANSFER_URL_MAX) return true;
    return error_set(err, ERR_INVALID, "the store's address is too long");
}
