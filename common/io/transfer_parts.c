/* One object in ranges, several at a time: transfer.h. */
#include "io/transfer_internal.h"

#include "base/retry.h"
#include "io/clock.h"
#include "io/digest.h"
#include "io/fs.h"
#include "io/random.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { POLL_MS = 100, RECORD_MS = 500, RECORD_MAX = 4 << 20, PARTS_MAX = 1000000 };

/* The beginning of PATH.parts; behind it the bytes of each part, 32 bits each. It is read by the
 * same program on the same host only. */
struct head {
    char magic[16];
    uint64_t size;
    uint8_t sha256[DIGEST_SIZE];
};

struct lane {
    struct exchange x;
    size_t part;
    bool busy;
};

struct parts {
    const struct transfer *t;
    int fd, record;
    size_t count, left; /* left: not complete */
    uint32_t *done;     /* of each part, from its beginning */
    bool *taken;
    CURLM *multi;
    struct lane lanes[TRANSFER_LANES];
    struct retry retry;
    struct prng random;
    struct pace pace;
    uint64_t resume_ms, recorded_ms, moved_ms, moved;
    unsigned idle; /* requests in a row that brought nothing */
    bool whole;
};

static const char magic[16] = "meridian-parts1";

static uint64_t part_begin(size_t part)
{
    return (uint64_t)part * TRANSFER_PART_BYTES;
}

static uint32_t part_size(const struct transfer *t, size_t part)
{
    uint64_t left = t->size - part_begin(part);
    return left < TRANSFER_PART_BYTES ? (uint32_t)left : (uint32_t)TRANSFER_PART_BYTES;
}

bool transfer_in_parts(const struct transfer *t)
{
    return t->size >= TRANSFER_PARTS_MIN && t->size / TRANSFER_PART_BYTES < PARTS_MAX;
}

static size_t part_count(const struct transfer *t)
{
    return (size_t)((t->size + TRANSFER_PART_BYTES - 1) / TRANSFER_PART_BYTES);
}

/* ---- the record ---- */

NODISCARD static bool record_path(const struct transfer *t, char out[FS_PATH_MAX])
{
    int len = snprintf(out, FS_PATH_MAX, "%s.parts", t->path);
    return len > 0 && len < FS_PATH_MAX;
}

static void head_fill(const struct transfer *t, struct head *head)
{
    memset(head, 0, sizeof *head);
    memcpy(head->magic, magic, sizeof magic);
    head->size = t->size;
    if (t->sha256) memcpy(head->sha256, t->sha256, DIGEST_SIZE);
}

/* True when it is of this object and tells nothing that the file does not hold. */
static bool record_read(const struct transfer *t, int fd, uint32_t *done)
{
    char path[FS_PATH_MAX];
    struct head head, expected;
    struct stat st;
    struct error ignored;
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, RECORD_MAX);
    size_t count = part_count(t);
    head_fill(t, &expected);
    if (!record_path(t, path) || !fs_exists(path) || !fs_read_file(path, &text, &ignored) ||
        text.len != sizeof head + count * sizeof *done || fstat(fd, &st) != 0)
        return false;
    memcpy(&head, text.data, sizeof head);
    if (memcmp(&head, &expected, sizeof head) != 0) return false;
    memcpy(done, text.data + sizeof head, count * sizeof *done);
    for (size_t i = 0; i < count; i++)
        if (done[i] > part_size(t, i) ||
            (done[i] && part_begin(i) + done[i] > (uint64_t)st.st_size))
            return false;
    return true;
}

bool transfer_has_parts(const struct transfer *t, int fd)
{
    if (!transfer_in_parts(t)) return false;
    uint32_t *done = xcalloc(part_count(t), sizeof *done);
    bool there = record_read(t, fd, done);
    free(done);
    return there;
}

static void record_forget(const struct transfer *t)
{
    char path[FS_PATH_MAX];
    if (record_path(t, path)) (void)unlink(path);
}

/* Bytes that a fetch in one piece has left behind, from the beginning on. */
static void take_beginning(struct parts *p)
{
    struct stat st;
    uint64_t held = fstat(p->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
    for (size_t i = 0; i < p->count && held > part_begin(i); i++) {
        uint64_t in_part = held - part_begin(i);
        uint32_t size = part_size(p->t, i);
        p->done[i] = in_part < size ? (uint32_t)in_part : size;
    }
}

NODISCARD static bool record_write(struct parts *p, struct error *err)
{
    p->recorded_ms = clock_boot_ms();
    return fs_pwrite_all(p->record, bytes_of(p->done, p->count * sizeof *p->done),
                         sizeof(struct head), err);
}

NODISCARD static bool record_open(struct parts *p, struct error *err)
{
    char path[FS_PATH_MAX];
    struct head head;
    if (!record_path(p->t, path)) return error_set(err, ERR_INVALID, "path too long");
    if (!record_read(p->t, p->fd, p->done)) {
        memset(p->done, 0, p->count * sizeof *p->done);
        take_beginning(p);
    }
    p->record = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (p->record < 0) return fs_error(err, "create", path);
    head_fill(p->t, &head);
    for (size_t i = 0; i < p->count; i++) p->left += p->done[i] < part_size(p->t, i);
    return fs_pwrite_all(p->record, bytes_of(&head, sizeof head), 0, err) && record_write(p, err);
}

/* ---- requests ---- */

NODISCARD static bool lane_begin(struct parts *p, struct lane *lane, size_t part, struct error *err)
{
    struct exchange *x = &lane->x;
    CURL *curl = x->curl;
    char range[64];
    *x = (struct exchange){ .t = p->t, .curl = curl, .pace = &p->pace, .fd = p->fd };
    x->offset = part_begin(part) + p->done[part];
    x->end = part_begin(part) + part_size(p->t, part);
    transfer_set_get(x);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 1L); /* told of by us, for all lanes at once */
    curl_easy_setopt(curl, CURLOPT_PRIVATE, lane);
    snprintf(range, sizeof range, "%llu-%llu", (unsigned long long)x->offset,
             (unsigned long long)x->end - 1);
    curl_easy_setopt(curl, CURLOPT_RANGE, range);
    if (curl_multi_add_handle(p->multi, curl) != CURLM_OK)
        return error_set(err, ERR_RETRY, "libcurl refuses the request");
    p->taken[part] = true;
    lane->part = part;
    lane->busy = true;
    return true;
}

NODISCARD static bool lanes_fill(struct parts *p, struct error *err)
{
    size_t part = 0;
    if (clock_boot_ms() < p->resume_ms) return true;
    for (size_t i = 0; i < TRANSFER_LANES; i++) {
        if (p->lanes[i].busy) continue;
        while (part < p->count && (p->taken[part] || p->done[part] == part_size(p->t, part)))
            part++;
        if (part == p->count) return true;
        if (!lane_begin(p, &p->lanes[i], part, err)) return false;
    }
    return true;
}

static void lane_count(struct parts *p, const struct lane *lane)
{
    p->done[lane->part] = (uint32_t)(lane->x.offset + lane->x.moved - part_begin(lane->part));
}

/* A request has ended, well or not: what it brought stays. */
NODISCARD static bool lane_ended(struct parts *p, struct lane *lane, CURLcode code,
                                 struct error *err)
{
    struct exchange *x = &lane->x;
    curl_multi_remove_handle(p->multi, x->curl);
    lane->busy = false;
    p->taken[lane->part] = false;
    p->moved += x->moved;
    lane_count(p, lane);
    if (x->whole) {
        p->whole = true;
        return error_set(err, ERR_INVALID, "the server knows no ranges");
    }
    if (x->moved) retry_reset(&p->retry);
    if (x->moved) p->moved_ms = clock_boot_ms();
    p->idle = x->moved ? 0 : p->idle + 1;
    enum verdict verdict = transfer_judge(x, code, err);
    if (verdict == VERDICT_STOP) return false;
    if (p->done[lane->part] == part_size(p->t, lane->part)) {
        p->left--;
        return true;
    }
    if (verdict == VERDICT_DONE) (void)error_set(err, ERR_RETRY, "the answer was cut");
    p->resume_ms = clock_boot_ms() + retry_next_ms(&p->retry, &p->random);
    if (p->t->wait_fn) p->t->wait_fn(p->t->owner, err->text);
    return !transfer_impatient(p->t, p->idle, TRANSFER_TRIES * TRANSFER_LANES, p->moved_ms);
}

/* What is under way counts as well: a part that is cut goes on where it was. */
static void lanes_count(struct parts *p)
{
    for (size_t i = 0; i < TRANSFER_LANES; i++)
        if (p->lanes[i].busy) lane_count(p, &p->lanes[i]);
}

static bool wanted(struct parts *p)
{
    uint64_t done = 0;
    if (!p->t->fn) return true;
    lanes_count(p);
    for (size_t i = 0; i < p->count; i++) done += p->done[i];
    return p->t->fn(p->t->owner, done, p->t->size);
}

NODISCARD static bool record_progress(struct parts *p, struct error *err)
{
    if (clock_boot_ms() < p->recorded_ms + RECORD_MS) return true;
    lanes_count(p);
    return record_write(p, err);
}

NODISCARD static bool run(struct parts *p, struct error *err)
{
    while (p->left > 0) {
        int running = 0, messages = 0;
        if (!wanted(p)) return error_set(err, ERR_CONFLICT, "cancelled");
        if (!lanes_fill(p, err)) return false;
        if (curl_multi_perform(p->multi, &running) != CURLM_OK)
            return error_set(err, ERR_FATAL, "libcurl does not go on");
        for (CURLMsg *m; (m = curl_multi_info_read(p->multi, &messages));) {
            struct lane *lane = NULL;
            CURLcode code = m->data.result;
            if (m->msg != CURLMSG_DONE) continue;
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &lane);
            assert(lane);
            if (!lane_ended(p, lane, code, err)) return false;
        }
        if (!record_progress(p, err)) return false;
        if (p->left > 0) curl_multi_poll(p->multi, NULL, 0, POLL_MS, NULL);
    }
    return true;
}

static void parts_close(struct parts *p)
{
    for (size_t i = 0; i < TRANSFER_LANES; i++) {
        struct lane *lane = &p->lanes[i];
        if (lane->busy) {
            curl_multi_remove_handle(p->multi, lane->x.curl);
            p->moved += lane->x.moved;
            lane_count(p, lane);
        }
        curl_easy_cleanup(lane->x.curl);
    }
    curl_multi_cleanup(p->multi);
    free(p->taken);
}

bool transfer_get_parts(const struct transfer *t, int fd, uint64_t *bytes, bool *whole,
                        struct error *err)
{
    struct parts p = { .t = t,
                       .fd = fd,
                       .pace = { .rate = t->rate_max },
                       .record = -1,
                       .count = part_count(t),
                       .retry = { .first_ms = TRANSFER_RETRY_FIRST_MS,
                                  .max_ms = TRANSFER_RETRY_MAX_MS } };
    struct error ignored;
    p.moved_ms = clock_boot_ms();
    random_seed(&p.random);
    p.done = xcalloc(p.count, sizeof *p.done);
    p.taken = xcalloc(p.count, sizeof *p.taken);
    p.multi = curl_multi_init();
    bool ready = p.multi != NULL;
    for (size_t i = 0; i < TRANSFER_LANES && ready; i++)
        ready = (p.lanes[i].x.curl = curl_easy_init()) != NULL;
    bool ok = ready ? record_open(&p, err) && run(&p, err)
                    : error_set(err, ERR_FATAL, "libcurl does not start");
    parts_close(&p);
    if (p.record >= 0 && !ok && !record_write(&p, &ignored)) record_forget(t);
    auto_close(&p.record);
    free(p.done);
    *bytes += p.moved;
    *whole = p.whole;
    if (ok || p.whole) record_forget(t);
    return ok;
}
