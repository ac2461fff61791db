/* One object into S3 in parts, several at a time: transfer.h. */
#include "io/transfer_internal.h"

#include "base/retry.h"
#include "io/clock.h"
#include "io/digest.h"
#include "io/fs.h"
#include "io/random.h"
#include "io/s3.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PUT_POLL_MS = 100, PUT_RECORD_MAX = 1 << 20, COMPLETE_PART_MAX = 160 };

/* The beginning of the record; behind it the ETag of each part, "" for one that was not sent. It is
 * read by the same program on the same host only. */
struct put_head {
    char magic[16];
    uint64_t size, part_bytes;
    uint8_t sha256[DIGEST_SIZE], upload[DIGEST_SIZE];
};

struct etag {
    char text[TRANSFER_ETAG_SIZE];
};

struct put_lane {
    struct exchange x;
    struct curl_slist *headers;
    size_t part;
    bool busy;
};

struct put {
    const struct transfer *t;
    const struct transfer_parts *parts;
    int fd, record;
    size_t count, left; /* left: not sent */
    struct etag *etags;
    bool *taken;
    CURLM *multi;
    struct put_lane lanes[TRANSFER_LANES];
    struct retry retry;
    struct prng random;
    struct pace pace;
    uint64_t resume_ms, moved_ms, sent;
    unsigned idle; /* requests in a row of which nothing came */
};

static const char put_magic[16] = "meridian-puts-1";

static uint64_t put_end(const struct put *p, size_t part)
{
    uint64_t end = (part + 1) * p->parts->part_bytes;
    return end < p->t->size ? end : p->t->size;
}

/* ---- the record ---- */

static void put_head_fill(const struct put *p, struct put_head *head)
{
    memset(head, 0, sizeof *head);
    memcpy(head->magic, put_magic, sizeof put_magic);
    head->size = p->t->size;
    head->part_bytes = p->parts->part_bytes;
    memcpy(head->sha256, p->t->sha256, DIGEST_SIZE);
    digest_sha256(bytes_of_text(p->t->url), head->upload);
}

/* It becomes a part of a document. */
static bool etag_fits(const struct etag *etag)
{
    size_t len = strnlen(etag->text, sizeof etag->text);
    return len > 0 && len < sizeof etag->text &&
           strspn(etag->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789\"-_+/=.") == len;
}

static void put_record_read(struct put *p)
{
    struct put_head head, expected;
    struct error ignored;
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, PUT_RECORD_MAX);
    put_head_fill(p, &expected);
    if (!fs_exists(p->parts->record) || !fs_read_file(p->parts->record, &text, &ignored) ||
        text.len != sizeof head + p->count * sizeof *p->etags)
        return;
    memcpy(&head, text.data, sizeof head);
    if (memcmp(&head, &expected, sizeof head) != 0) return;
    memcpy(p->etags, text.data + sizeof head, p->count * sizeof *p->etags);
    for (size_t i = 0; i < p->count; i++)
        if (!etag_fits(&p->etags[i])) p->etags[i] = (struct etag){ "" };
}

NODISCARD static bool put_record_open(struct put *p, struct error *err)
{
    struct put_head head;
    put_record_read(p);
    put_head_fill(p, &head);
    for (size_t i = 0; i < p->count; i++) p->left += !p->etags[i].text[0];
    p->record = open(p->parts->record, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (p->record < 0) return fs_error(err, "create", p->parts->record);
    return fs_pwrite_all(p->record, bytes_of(&head, sizeof head), 0, err) &&
           fs_pwrite_all(p->record, bytes_of(p->etags, p->count * sizeof *p->etags), sizeof head,
                         err);
}

/* ---- parts ---- */

NODISCARD static bool put_lane_begin(struct put *p, struct put_lane *lane, size_t part,
                                     struct error *err)
{
    struct exchange *x = &lane->x;
    CURL *curl = x->curl;
    char url[TRANSFER_URL_MAX + 2 * DIGEST_HEX_SIZE], signature[DIGEST_HEX_SIZE];
    *x = (struct exchange){ .t = p->t, .curl = curl, .pace = &p->pace, .fd = p->fd };
    x->offset = part * p->parts->part_bytes;
    x->end = put_end(p, part);
    hex_format(p->parts->signatures.data + part * DIGEST_SIZE, DIGEST_SIZE, signature);
    int len = snprintf(url, sizeof url, "%s&partNumber=%zu&X-Amz-Signature=%s", p->parts->url,
                       part + 1, signature);
    if (len < 0 || (size_t)len >= sizeof url)
        return error_set(err, ERR_INVALID, "the address of a part is too long");
    transfer_set_common(x);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 1L); /* told of by us, for all lanes at once */
    curl_easy_setopt(curl, CURLOPT_PRIVATE, lane);
    transfer_set_body(x, lane->headers);
    if (curl_multi_add_handle(p->multi, curl) != CURLM_OK)
        return error_set(err, ERR_RETRY, "libcurl refuses the request");
    p->taken[part] = true;
    lane->part = part;
    lane->busy = true;
    return true;
}

NODISCARD static bool put_lanes_fill(struct put *p, struct error *err)
{
    size_t part = 0;
    if (clock_boot_ms() < p->resume_ms) return true;
    for (size_t i = 0; i < TRANSFER_LANES; i++) {
        if (p->lanes[i].busy) continue;
        while (part < p->count && (p->taken[part] || p->etags[part].text[0])) part++;
        if (part == p->count) return true;
        if (!put_lane_begin(p, &p->lanes[i], part, err)) return false;
    }
    return true;
}

NODISCARD static bool put_part_done(struct put *p, const struct put_lane *lane, struct error *err)
{
    struct etag *etag = &p->etags[lane->part];
    memcpy(etag->text, lane->x.etag, sizeof etag->text);
    p->left--;
    p->idle = 0;
    p->moved_ms = clock_boot_ms();
    retry_reset(&p->retry);
    return fs_pwrite_all(p->record, bytes_of(etag, sizeof *etag),
                         sizeof(struct put_head) + lane->part * sizeof *etag, err);
}

static void put_lane_stop(struct put *p, struct put_lane *lane)
{
    if (!lane->busy) return;
    curl_multi_remove_handle(p->multi, lane->x.curl);
    lane->busy = false;
    p->taken[lane->part] = false;
    p->sent += lane->x.moved;
}

NODISCARD static bool put_lane_ended(struct put *p, struct put_lane *lane, CURLcode code,
                                     struct error *err)
{
    struct exchange *x = &lane->x;
    put_lane_stop(p, lane);
    enum verdict verdict = transfer_judge(x, code, err);
    if (verdict == VERDICT_STOP) return false;
    struct etag etag;
    memcpy(etag.text, x->etag, sizeof etag.text);
    if (verdict == VERDICT_DONE && etag_fits(&etag)) return put_part_done(p, lane, err);
    if (verdict == VERDICT_DONE)
        (void)error_set(err, ERR_RETRY, "the store does not name the part that it took");
    p->idle++;
    p->resume_ms = clock_boot_ms() + retry_next_ms(&p->retry, &p->random);
    if (p->t->wait_fn) p->t->wait_fn(p->t->owner, err->text);
    return !transfer_impatient(p->t, p->idle, TRANSFER_TRIES * TRANSFER_LANES, p->moved_ms);
}

/* A part that is cut is sent again: what is told may go back by as much. */
static bool put_wanted(const struct put *p)
{
    uint64_t done = 0;
    if (!p->t->fn) return true;
    for (size_t i = 0; i < p->count; i++)
        if (p->etags[i].text[0]) done += put_end(p, i) - i * p->parts->part_bytes;
    for (size_t i = 0; i < TRANSFER_LANES; i++)
        if (p->lanes[i].busy) done += p->lanes[i].x.moved;
    return p->t->fn(p->t->owner, done, p->t->size);
}

NODISCARD static bool put_run(struct put *p, struct error *err)
{
    while (p->left > 0) {
        int running = 0, messages = 0;
        if (!put_wanted(p)) return error_set(err, ERR_CONFLICT, "cancelled");
        if (!put_lanes_fill(p, err)) return false;
        if (curl_multi_perform(p->multi, &running) != CURLM_OK)
            return error_set(err, ERR_FATAL, "libcurl does not go on");
        for (CURLMsg *m; (m = curl_multi_info_read(p->multi, &messages));) {
            struct put_lane *lane = NULL;
            CURLcode code = m->data.result;
            if (m->msg != CURLMSG_DONE) continue;
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &lane);
            assert(lane);
            if (!put_lane_ended(p, lane, code, err)) return false;
        }
        if (p->left > 0) curl_multi_poll(p->multi, NULL, 0, PUT_POLL_MS, NULL);
    }
    return true;
}

/* ---- the object ---- */

struct completion {
    struct exchange x; /* first: requests are given it */
    struct put *put;
    char *text;
};

static CURLcode complete_request(struct exchange *x, bool *complete)
{
    struct completion *c = (struct completion *)x;
    transfer_set_common(x);
    transfer_set_answer(x);
    curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, c->text);
    curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, c->put->lanes[0].headers);
    CURLcode code = curl_easy_perform(x->curl);
    /* S3 API reference, CompleteMultipartUpload: an error may come behind the 200. */
    *complete = code == CURLE_OK && strstr(x->answer, "<CompleteMultipartUploadResult");
    return code;
}

static CURLcode look_request(struct exchange *x, bool *complete)
{
    struct completion *c = (struct completion *)x;
    char sha256[DIGEST_HEX_SIZE];
    curl_off_t size = -1;
    x->version[0] = x->sha256[0] = '\0';
    transfer_set_common(x);
    curl_easy_setopt(x->curl, CURLOPT_URL, c->put->parts->look);
    curl_easy_setopt(x->curl, CURLOPT_NOBODY, 1L);
    CURLcode code = curl_easy_perform(x->curl);
    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->status);
    curl_easy_getinfo(x->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
    if (code != CURLE_OK || x->status != 200) return code;
    hex_format(x->t->sha256, DIGEST_SIZE, sha256);
    *complete = transfer_versioned(x, &x->local);
    if (*complete && (size < 0 || (uint64_t)size != x->t->size || !text_equal(x->sha256, sha256)))
        *complete = error_set(&x->local, ERR_CORRUPT,
                              "the store holds another object than the one that was put");
    x->local_failure = !*complete;
    return code;
}

/* Nobody but us writes under that key: what is there with our digest is ours, whoever asked last.
 */
NODISCARD static bool put_look(struct put *p, char version[TRANSFER_VERSION_SIZE],
                               struct error *err)
{
    struct completion c = { .x = { .t = p->t, .offset = p->t->size, .curl = p->lanes[0].x.curl },
                            .put = p };
    uint64_t none = 0;
    if (!transfer_run(&c.x, look_request, &none, err)) return false;
    memcpy(version, c.x.version, sizeof c.x.version);
    return true;
}

NODISCARD static bool put_complete(struct put *p, struct error *err)
{
    static const char begin[] = "<CompleteMultipartUpload>", end[] = "</CompleteMultipartUpload>";
    size_t cap = sizeof begin + sizeof end + p->count * COMPLETE_PART_MAX, len = 0;
    AUTO(auto_free) char *text = xcalloc(cap, 1);
    len += (size_t)snprintf(text, cap, "%s", begin);
    for (size_t i = 0; i < p->count; i++)
        len += (size_t)snprintf(text + len, cap - len,
                                "<Part><PartNumber>%zu</PartNumber><ETag>%s</ETag></Part>", i + 1,
                                p->etags[i].text);
    len += (size_t)snprintf(text + len, cap - len, "%s", end);
    assert(len < cap);
    struct completion c = { .x = { .t = p->t, .offset = p->t->size, .curl = p->lanes[0].x.curl },
                            .put = p,
                            .text = text };
    uint64_t none = 0;
    if (transfer_run(&c.x, complete_request, &none, err)) return true;
    /* InvalidPart, InvalidPartOrder, EntityTooSmall: not what we remember. */
    if (err->code == ERR_INVALID) err->code = ERR_NOT_FOUND;
    return false;
}

NODISCARD static bool put_all(struct put *p, char version[TRANSFER_VERSION_SIZE], struct error *err)
{
    struct error ignored;
    if (!put_record_open(p, err)) return false;
    /* All was sent by an earlier process: perhaps it has seen no answer only. */
    if (p->left == 0 && put_look(p, version, &ignored)) return true;
    if (put_run(p, err) && put_complete(p, err)) return put_look(p, version, err);
    /* An answer that was lost: the upload is gone, for the object is there. */
    if (err->code == ERR_NOT_FOUND && p->left == 0 && put_look(p, version, &ignored)) return true;
    if (err->code == ERR_NOT_FOUND) (void)unlink(p->parts->record);
    return false;
}

bool transfer_put_parts(const struct transfer *t, const struct transfer_parts *parts,
                        char version[TRANSFER_VERSION_SIZE], uint64_t *bytes, struct error *err)
{
    size_t count = parts->signatures.len / DIGEST_SIZE;
    *bytes = 0;
    if (!parts->part_bytes || count == 0 || t->size / count > parts->part_bytes ||
        (t->size + parts->part_bytes - 1) / parts->part_bytes != count)
        return error_set(err, ERR_INVALID, "%zu parts of %llu bytes are not the object's %llu",
                         count, (unsigned long long)parts->part_bytes, (unsigned long long)t->size);
    AUTO(auto_close) int fd = open(t->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "open", t->path);
    struct put p = { .t = t,
                     .parts = parts,
                     .fd = fd,
                     .pace = { .rate = t->rate_max },
                     .record = -1,
                     .count = count,
                     .retry = { .first_ms = TRANSFER_RETRY_FIRST_MS,
                                .max_ms = TRANSFER_RETRY_MAX_MS } };
    p.moved_ms = clock_boot_ms();
    random_seed(&p.random);
    p.etags = xcalloc(count, sizeof *p.etags);
    p.taken = xcalloc(count, sizeof *p.taken);
    p.multi = curl_multi_init();
    bool ready = p.multi != NULL;
    for (size_t i = 0; i < TRANSFER_LANES && ready; i++) {
        p.lanes[i].headers = curl_slist_append(NULL, "Expect:");
        ready = p.lanes[i].headers && (p.lanes[i].x.curl = curl_easy_init());
    }
    bool ok =
        ready ? put_all(&p, version, err) : error_set(err, ERR_FATAL, "libcurl does not start");
    for (size_t i = 0; i < TRANSFER_LANES; i++) {
        put_lane_stop(&p, &p.lanes[i]);
        curl_easy_cleanup(p.lanes[i].x.curl);
        curl_slist_free_all(p.lanes[i].headers);
    }
    curl_multi_cleanup(p.multi);
    auto_close(&p.record);
    free(p.etags);
    free(p.taken);
    *bytes = p.sent;
    return ok;
}
