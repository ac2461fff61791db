/* An object put in parts into an S3 that cuts, stumbles, answers 200 with an error, or forgets. */
#include "io/clock.h"
#include "io/digest.h"
#include "io/fs.h"
#include "io/transfer.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIZE = 20 * 1000 * 1000 + 7, PART = 3 << 20, PARTS = 7, REQUEST_MAX = 8192 };

enum manner {
    STEADY,
    CUTS,
    STUMBLES,
    ERROR_BEHIND_200,
    FORGETS,
    DENIES,
    NAMELESS,
    OTHER,
    UNVERSIONED
};

/* What the server's processes share with the test. */
struct bucket {
    uint8_t data[SIZE];
    bool part[PARTS], complete;
    unsigned puts[PARTS], completions, looks, cuts;
    char document[2048];
};

struct world {
    char folder[64], path[128], record[128], url[128], look[128], complete[128];
    uint8_t *data, sha256[DIGEST_SIZE], signatures[PARTS * DIGEST_SIZE];
    uint64_t rate_max;
    struct bucket *bucket;
    pid_t server;
    uint64_t stop_at;
};

/* ---- the server: a process, and one for each connection ---- */

static bool say(int fd, const char *text)
{
    struct error ignored;
    return fs_write_all(fd, bytes_of_text(text), &ignored);
}

static bool refuse(int fd, const char *status, const char *code)
{
    char text[256];
    snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status,
             strlen(code), code);
    return say(fd, text);
}

static bool take_part(int fd, struct bucket *b, enum manner manner, const char *request,
                      const uint8_t *body, size_t have)
{
    unsigned number = 0;
    size_t size = 0, got = have;
    char text[128];
    unsigned signature = 0;
    const char *length = strstr(request, "Content-Length: ");
    const char *part = strstr(request, "&partNumber=");
    if (!part || sscanf(part, "&partNumber=%u&X-Amz-Signature=%2x", &number, &signature) != 2 ||
        !length || sscanf(length, "Content-Length: %zu", &size) != 1 || number < 1 ||
        number > PARTS || size > PART || have > size || signature != (number - 1) * DIGEST_SIZE)
        return false;
    size_t at = (size_t)(number - 1) * PART, want = size;
    if (at + size > SIZE) return false;
    memcpy(b->data + at, body, have);
    bool first = b->puts[number - 1]++ == 0;
    if (manner == CUTS && first && number % 2 == 0) want = size / 2;
    while (got < want) {
        ssize_t n = read(fd, b->data + at + got, want - got);
        if (n <= 0) return false;
        got += (size_t)n;
    }
    if (want < size) b->cuts++;
    if (want < size) return false;
    if (manner == STUMBLES && first) return refuse(fd, "503 Slow Down", "<Code>SlowDown</Code>");
    if (manner == FORGETS) return refuse(fd, "404 Not Found", "<Code>NoSuchUpload</Code>");
    if (manner == DENIES) return refuse(fd, "403 Forbidden", "<Code>AccessDenied</Code>");
    b->part[number - 1] = true;
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nETag: \"part-%u\"\r\nContent-Length: 0\r\n\r\n",
             number);
    return say(fd, manner == NAMELESS ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" : text);
}

static bool complete(int fd, struct bucket *b, enum manner manner, const char *body)
{
    static const char error[] =
        "   \n<?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>";
    static const char result[] = "   \n<?xml version=\"1.0\"?>\n<CompleteMultipartUploadResult/>";
    b->completions++;
    snprintf(b->document, sizeof b->document, "%s", body);
    if (b->complete) return refuse(fd, "404 Not Found", "<Code>NoSuchUpload</Code>");
    if (manner == ERROR_BEHIND_200 && b->completions == 1) return refuse(fd, "200 OK", error);
    for (size_t i = 0; i < PARTS; i++)
        if (!b->part[i]) return refuse(fd, "400 Bad Request", "<Code>InvalidPart</Code>");
    b->complete = true;
    if (manner == CUTS) return false; /* the answer is lost */
    return refuse(fd, "200 OK", result);
}

static bool look(int fd, struct bucket *b, enum manner manner)
{
    char text[512], hex[DIGEST_HEX_SIZE];
    uint8_t digest[DIGEST_SIZE];
    b->looks++;
    if (!b->complete) return say(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n");
    digest_sha256(bytes_of(b->data, SIZE), digest);
    hex_format(digest, sizeof digest, hex);
    snprintf(text, sizeof text,
             "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nx-amz-version-id: %s\r\n"
             "x-amz-meta-meridian-sha256: %s\r\n\r\n",
             SIZE, manner == UNVERSIONED ? "null" : "v1", manner == OTHER ? "0123" : hex);
    return say(fd, text);
}

static void serve_one(int fd, struct bucket *b, enum manner manner)
{
    char request[REQUEST_MAX];
    for (size_t len = 0;;) {
        ssize_t got = read(fd, request + len, sizeof request - 1 - len);
        if (got <= 0) _exit(0);
        len += (size_t)got;
        request[len] = '\0';
        char *end = strstr(request, "\r\n\r\n");
        if (!end) continue;
        end += 4;
        bool go_on = text_starts(request, "HEAD") ? look(fd, b, manner)
                     : text_starts(request, "PUT")
                         ? take_part(fd, b, manner, request, (const uint8_t *)end,
                                     len - (size_t)(end - request))
                     : strstr(end, "</CompleteMultipartUpload>") ? complete(fd, b, manner, end)
                                                                 : true;
        bool whole = !text_starts(request, "POST") || strstr(end, "</CompleteMultipartUpload>");
        if (!go_on) _exit(0);
        if (whole) len = 0;
    }
}

static void serve(struct world *w, enum manner manner)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    unsigned port = ntohs(at.sin_port);
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u/o?uploadId=u", port);
    snprintf(w->complete, sizeof w->complete, "http://127.0.0.1:%u/o?uploadId=u&X-Amz-Signature=0",
             port);
    snprintf(w->look, sizeof w->look, "http://127.0.0.1:%u/o?X-Amz-Signature=1", port);
    w->server = fork();
    assert_true(w->server >= 0);
    if (w->server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        const struct sigaction ignore = { .sa_handler = SIG_IGN };
        sigaction(SIGCHLD, &ignore, NULL);
        sigaction(SIGPIPE, &ignore, NULL);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            if (fd < 0) continue;
            if (fork() == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                serve_one(fd, w->bucket, manner);
            }
            close(fd);
        }
    }
    close(listener);
}

/* The same addresses stay good: only the manner is another one. */
static void stop(struct world *w)
{
    kill(w->server, SIGKILL);
    waitpid(w->server, NULL, 0);
    w->server = 0;
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);
    struct error err;
    snprintf(w->folder, sizeof w->folder, "/tmp/meridian-puts-XXXXXX");
    if (!mkdtemp(w->folder)) return -1;
    snprintf(w->path, sizeof w->path, "%s/object", w->folder);
    snprintf(w->record, sizeof w->record, "%s/record", w->folder);
    w->data = xcalloc(SIZE, 1);
    for (size_t i = 0; i < SIZE; i++) w->data[i] = (uint8_t)(i * 2654435761u >> 13);
    digest_sha256(bytes_of(w->data, SIZE), w->sha256);
    for (size_t i = 0; i < sizeof w->signatures; i++) w->signatures[i] = (uint8_t)i;
    w->bucket =
        mmap(NULL, sizeof *w->bucket, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (w->bucket == MAP_FAILED) return -1;
    *state = w;
    return fs_write_atomic(w->path, bytes_of(w->data, SIZE), 0600, &err) ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    struct error err;
    if (w->server > 0) stop(w);
    munmap(w->bucket, sizeof *w->bucket);
    bool removed = fs_remove_tree(w->folder, &err);
    free(w->data);
    free(w);
    return removed ? 0 : -1;
}

static bool go_on(void *owner, uint64_t done, uint64_t total)
{
    const struct world *w = owner;
    assert_true(done <= total);
    return w->stop_at == 0 || done < w->stop_at;
}

static bool put(struct world *w, char version[TRANSFER_VERSION_SIZE], uint64_t *bytes,
                struct error *err)
{
    const struct transfer t = { .url = w->complete,
                                .pin = "",
                                .path = w->path,
                                .size = SIZE,
                                .sha256 = w->sha256,
                                .rate_max = w->rate_max,
                                .fn = go_on,
                                .owner = w };
    const struct transfer_parts parts = { .url = w->url,
                                          .signatures =
                                              bytes_of(w->signatures, sizeof w->signatures),
                                          .part_bytes = PART,
                                          .look = w->look,
                                          .record = w->record };
    return transfer_put_parts(&t, &parts, version, bytes, err);
}

static void put_well(struct world *w, uint64_t *bytes)
{
    char version[TRANSFER_VERSION_SIZE];
    struct error err = { 0 };
    if (!put(w, version, bytes, &err)) fail_msg("%s", err.text);
    assert_string_equal(version, "v1");
    assert_true(w->bucket->complete);
    assert_memory_equal(w->bucket->data, w->data, SIZE);
}

static void fails(struct world *w, enum error_code code, const char *text)
{
    char version[TRANSFER_VERSION_SIZE];
    struct error err = { 0 };
    uint64_t bytes;
    assert_false(put(w, version, &bytes, &err));
    if (err.code != code || !strstr(err.text, text)) fail_msg("%d: %s", err.code, err.text);
}

static void parts_that_are_not_the_object_are_refused(void **state)
{
    struct world *w = *state;
    char version[TRANSFER_VERSION_SIZE];
    struct error err = { 0 };
    uint64_t bytes;
    static const struct {
        size_t signatures;
        uint64_t part_bytes;
    } wrong[] = { { 0, PART },
                  { DIGEST_SIZE, PART },
                  { PARTS * DIGEST_SIZE, 0 },
                  { PARTS * DIGEST_SIZE, PART / 2 },
                  { PARTS * DIGEST_SIZE, SIZE },
                  { PARTS * DIGEST_SIZE, UINT64_MAX } };
    const struct transfer t = { .url = "http://127.0.0.1:1/o?X-Amz-Signature=0",
                                .pin = "",
                                .path = w->path,
                                .size = SIZE,
                                .sha256 = w->sha256 };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct transfer_parts parts = { .url = "http://127.0.0.1:1/o?u",
                                              .signatures =
                                                  bytes_of(w->signatures, wrong[i].signatures),
                                              .part_bytes = wrong[i].part_bytes,
                                              .look = t.url,
                                              .record = w->record };
        assert_false(transfer_put_parts(&t, &parts, version, &bytes, &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
}

static void a_refused_part_ends_it_at_once(void **state)
{
    struct world *w = *state;
    serve(w, DENIES);
    fails(w, ERR_DENIED, "AccessDenied");
    assert_int_equal(w->bucket->completions, 0);
}

static void a_part_that_is_not_named_is_not_counted(void **state)
{
    struct world *w = *state;
    serve(w, NAMELESS);
    fails(w, ERR_RETRY, "does not name the part");
    assert_int_equal(w->bucket->completions, 0);
}

static void an_upload_that_is_gone_is_forgotten(void **state)
{
    struct world *w = *state;
    serve(w, FORGETS);
    fails(w, ERR_NOT_FOUND, "NoSuchUpload");
    assert_false(fs_exists(w->record));
}

static void another_object_is_no_success(void **state)
{
    struct world *w = *state;
    serve(w, OTHER);
    fails(w, ERR_CORRUPT, "another object");
}

static void a_bucket_without_versions_is_told_of(void **state)
{
    struct world *w = *state;
    serve(w, UNVERSIONED);
    fails(w, ERR_CONFLICT, "put-bucket-versioning");
}

static void every_part_is_sent_once_and_named_in_order(void **state)
{
    struct world *w = *state;
    uint64_t bytes;
    serve(w, STEADY);
    put_well(w, &bytes);
    assert_int_equal(bytes, SIZE);
    for (size_t i = 0; i < PARTS; i++) assert_int_equal(w->bucket->puts[i], 1);
    assert_non_null(strstr(w->bucket->document, "<Part><PartNumber>1</PartNumber><ETag>\"part-1\""
                                                "</ETag></Part><Part><PartNumber>2</PartNumber>"));
    assert_non_null(strstr(w->bucket->document, "<ETag>\"part-7\"</ETag></Part></Complete"));
}

static void a_bounded_rate_is_kept_by_all_parts_together(void **state)
{
    struct world *w = *state;
    uint64_t bytes, begun = clock_boot_ms();
    serve(w, STEADY);
    w->rate_max = 32 * 1000 * 1000;
    put_well(w, &bytes);
    assert_true(clock_boot_ms() - begun >= SIZE / (w->rate_max / 1000));
}

static void parts_that_are_cut_are_sent_again_and_no_others(void **state)
{
    struct world *w = *state;
    uint64_t bytes;
    serve(w, CUTS); /* the answer to the completion is lost as well */
    put_well(w, &bytes);
    assert_int_equal(w->bucket->cuts, PARTS / 2);
    for (size_t i = 0; i < PARTS; i++) assert_int_equal(w->bucket->puts[i], i % 2 ? 2 : 1);
    assert_true(w->bucket->completions >= 2);
}

static void a_busy_store_is_asked_again(void **state)
{
    struct world *w = *state;
    uint64_t bytes;
    serve(w, STUMBLES);
    put_well(w, &bytes);
    for (size_t i = 0; i < PARTS; i++) assert_int_equal(w->bucket->puts[i], 2);
}

static void an_error_behind_200_is_no_completion(void **state)
{
    struct world *w = *state;
    uint64_t bytes;
    serve(w, ERROR_BEHIND_200);
    put_well(w, &bytes);
    assert_int_equal(w->bucket->completions, 2);
}

static void another_process_goes_on_behind_what_was_sent(void **state)
{
    struct world *w = *state;
    char version[TRANSFER_VERSION_SIZE];
    struct error err = { 0 };
    uint64_t bytes;
    serve(w, STEADY);
    w->stop_at = (TRANSFER_LANES + 1) * PART; /* one is there at least */
    assert_false(put(w, version, &bytes, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    unsigned before = 0, after = 0;
    for (size_t i = 0; i < PARTS; i++) before += w->bucket->part[i];
    w->stop_at = 0;
    put_well(w, &bytes);
    for (size_t i = 0; i < PARTS; i++) after += w->bucket->puts[i];
    /* What was under way may be sent twice, nothing else. */
    assert_true(before >= 1);
    assert_true(after <= PARTS + TRANSFER_LANES);
    assert_true(bytes < SIZE);
}

static void a_process_that_saw_no_answer_finds_the_object_there(void **state)
{
    struct world *w = *state;
    uint64_t bytes;
    serve(w, STEADY);
    put_well(w, &bytes);
    put_well(w, &bytes);
    assert_int_equal(bytes, 0);
    assert_int_equal(w->bucket->completions, 1);
}

static void a_record_of_rubbish_counts_for_nothing(void **state)
{
    struct world *w = *state;
    uint64_t bytes;
    struct error err;
    serve(w, STEADY);
    assert_true(fs_write_atomic(w->record, bytes_of(w->data, 4096), 0600, &err));
    put_well(w, &bytes);
    assert_int_equal(bytes, SIZE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(parts_that_are_not_the_object_are_refused),
        TEST(a_refused_part_ends_it_at_once),
        TEST(a_part_that_is_not_named_is_not_counted),
        TEST(an_upload_that_is_gone_is_forgotten),
        TEST(another_object_is_no_success),
        TEST(a_bucket_without_versions_is_told_of),
        TEST(every_part_is_sent_once_and_named_in_order),
        TEST(a_bounded_rate_is_kept_by_all_parts_together),
        TEST(parts_that_are_cut_are_sent_again_and_no_others),
        TEST(a_busy_store_is_asked_again),
        TEST(an_error_behind_200_is_no_completion),
        TEST(another_process_goes_on_behind_what_was_sent),
        TEST(a_process_that_saw_no_answer_finds_the_object_there),
        TEST(a_record_of_rubbish_counts_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
