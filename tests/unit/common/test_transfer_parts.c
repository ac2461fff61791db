/* Objects in parts, from a server that cuts, stumbles, or knows no ranges. */
#include "io/clock.h"
#include "io/digest.h"
#include "io/fs.h"
#include "io/transfer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIZE = 40 * 1000 * 1000 + 7, REQUEST_MAX = 8192 };

enum manner { STEADY, CUTS, STUMBLES, NO_RANGES, DENIES, WRONG };

struct world {
    char folder[64], path[128], url[128];
    uint8_t *data, sha256[DIGEST_SIZE];
    pid_t server;
    uint64_t calls, told, stop_at; /* of the progress callback */
    uint64_t rate_max;
};

/* ---- the server: a process, and one for each connection ---- */

/* The first connections end in the middle of a part; which ones depends on where it begins. */
static size_t sent_of(enum manner manner, uint64_t from, size_t size)
{
    bool cut = manner == CUTS && (from / 1000) % 3 != 0;
    return cut ? size / 2 + (size_t)(from % 1000) : size;
}

static bool send_all(int fd, const void *data, size_t size)
{
    struct error ignored;
    return fs_write_all(fd, bytes_of(data, size), &ignored);
}

static bool answer(int fd, const char *request, const uint8_t *data, enum manner manner,
                   unsigned number)
{
    unsigned long long from = 0, to = SIZE - 1;
    char head[256];
    const char *range = strstr(request, "bytes=");
    if (manner == DENIES) return send_all(fd, "HTTP/1.1 403 F\r\nContent-Length: 0\r\n\r\n", 37);
    if (manner == STUMBLES && number % 2 == 0)
        return send_all(fd, "HTTP/1.1 503 S\r\nContent-Length: 8\r\n\r\nSlowDown", 45);
    bool ranged = range && manner != NO_RANGES;
    if (ranged && sscanf(range, "bytes=%llu-%llu", &from, &to) < 1) return false;
    if (to >= SIZE) to = SIZE - 1;
    size_t size = (size_t)(to - from + 1), sent = sent_of(manner, from, size);
    int len = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n",
                       ranged ? "206 Partial" : "200 OK", size);
    if (!send_all(fd, head, (size_t)len)) return false;
    if (sent > size) sent = size;
    return send_all(fd, data + from, sent) && sent == size;
}

static void serve_one(int fd, const uint8_t *data, enum manner manner, unsigned number)
{
    char request[REQUEST_MAX];
    for (size_t len = 0;;) {
        ssize_t got = read(fd, request + len, sizeof request - 1 - len);
        if (got <= 0) _exit(0);
        len += (size_t)got;
        request[len] = '\0';
        if (!strstr(request, "\r\n\r\n")) continue;
        if (!answer(fd, request, data, manner, number++)) _exit(0);
        len = 0;
    }
}

static void server_main(int listener, const uint8_t *data, enum manner manner)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGCHLD, &ignore, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    for (unsigned number = 0;; number++) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) continue;
        if (fork() == 0) serve_one(fd, data, manner, number);
        close(fd);
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
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u/o?X-Amz-Signature=0", ntohs(at.sin_port));
    if (manner == WRONG) w->data[SIZE / 2] ^= 1;
    w->server = fork();
    assert_true(w->server >= 0);
    if (w->server == 0) server_main(listener, w->data, manner);
    close(listener);
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);
    snprintf(w->folder, sizeof w->folder, "/tmp/meridian-parts-XXXXXX");
    if (!mkdtemp(w->folder)) return -1;
    snprintf(w->path, sizeof w->path, "%s/object", w->folder);
    w->data = xcalloc(SIZE, 1);
    for (size_t i = 0; i < SIZE; i++) w->data[i] = (uint8_t)(i * 2654435761u >> 13);
    digest_sha256(bytes_of(w->data, SIZE), w->sha256);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    struct error err;
    if (w->server > 0) {
        kill(w->server, SIGKILL);
        waitpid(w->server, NULL, 0);
    }
    bool removed = fs_remove_tree(w->folder, &err);
    free(w->data);
    free(w);
    return removed ? 0 : -1;
}

static bool go_on(void *owner, uint64_t done, uint64_t total)
{
    struct world *w = owner;
    assert_true(done <= total);
    if (w->rate_max) assert_true(done >= w->told);
    w->told = done;
    w->calls++;
    return w->stop_at == 0 || done < w->stop_at;
}

static bool get(struct world *w, uint64_t *bytes, struct error *err)
{
    const struct transfer t = { .url = w->url,
                                .pin = "",
                                .path = w->path,
                                .size = SIZE,
                                .sha256 = w->sha256,
                                .rate_max = w->rate_max,
                                .fn = go_on,
                                .owner = w };
    return transfer_get(&t, bytes, err);
}

static void spoil(const struct world *w, off_t at)
{
    struct error err;
    int fd = open(w->path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(fs_pwrite_all(fd, bytes_of_text("\x5a"), (uint64_t)at, &err));
    close(fd);
}

static bool beside(const struct world *w)
{
    char path[160];
    snprintf(path, sizeof path, "%s.parts", w->path);
    return fs_exists(path);
}

static void a_refusal_ends_it_at_once(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    uint64_t bytes;
    serve(w, DENIES);
    assert_false(get(w, &bytes, &err));
    assert_int_equal(err.code, ERR_DENIED);
    assert_int_equal(bytes, 0);
}

static void wrong_bytes_are_removed(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    uint64_t bytes;
    serve(w, WRONG);
    assert_false(get(w, &bytes, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_false(fs_exists(w->path));
    assert_false(beside(w));
}

static void a_large_object_comes_in_parts(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    uint64_t bytes;
    serve(w, STEADY);
    assert_true(get(w, &bytes, &err));
    assert_int_equal(bytes, SIZE);
    assert_true(w->calls > 0);
    assert_false(beside(w));
    assert_true(get(w, &bytes, &err)); /* it is there */
    assert_int_equal(bytes, 0);
}

static void cuts_cost_no_byte_twice(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    uint64_t bytes;
    serve(w, CUTS);
    assert_true(get(w, &bytes, &err));
    assert_int_equal(bytes, SIZE);
}

static void a_server_that_is_busy_is_asked_again(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    uint64_t bytes;
    serve(w, STUMBLES);
    assert_true(get(w, &bytes, &err));
    assert_int_equal(bytes, SIZE);
}

static void a_server_without_ranges_is_asked_for_the_whole(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    uint64_t bytes;
    serve(w, NO_RANGES);
    assert_true(get(w, &bytes, &err));
    assert_false(beside(w));
}

static void another_process_goes_on_within_the_parts(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    uint64_t first = 0, bytes = 0;
    serve(w, STEADY);
    w->stop_at = SIZE / 2;
    assert_false(get(w, &first, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_true(beside(w));
    w->stop_at = 0;
    assert_true(get(w, &bytes, &err));
    assert_int_equal(first + bytes, SIZE);
    assert_false(beside(w));
}

/* Slow enough that what is under way is recorded in between. */
static void a_bounded_rate_is_kept_and_progress_counts_no_byte_twice(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    uint64_t bytes;
    uint64_t begun = clock_boot_ms();
    serve(w, STEADY);
    w->rate_max = 16 * 1000 * 1000;
    assert_true(get(w, &bytes, &err));
    assert_int_equal(bytes, SIZE);
    assert_true(clock_boot_ms() - begun >= SIZE / (w->rate_max / 1000)); /* 2.5 s */
}

/* The record outlived a power cut, the bytes that it tells of did not. */
static void what_an_earlier_process_left_wrong_is_fetched_again(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    uint64_t bytes = 0;
    serve(w, STEADY);
    w->stop_at = SIZE / 2;
    assert_false(get(w, &bytes, &err));
    w->stop_at = 0;
    spoil(w, 0);
    err = (struct error){ 0 };
    assert_true(get(w, &bytes, &err));
    assert_true(bytes >= SIZE);
    assert_false(beside(w));
}

static void a_record_of_another_object_is_not_believed(void **state)
{
    struct world *w = *state;
    struct error err = { 0 };
    uint64_t bytes;
    char path[160];
    serve(w, STEADY);
    w->stop_at = SIZE / 2;
    assert_false(get(w, &bytes, &err));
    w->stop_at = 0;
    assert_int_equal(truncate(w->path, 1000), 0); /* the record says more than there is */
    assert_true(get(w, &bytes, &err));
    snprintf(path, sizeof path, "%s.parts", w->path);
    assert_int_equal(unlink(w->path), 0);
    assert_true(fs_write_atomic(path, bytes_of_text("meridian-parts1 nonsense"), 0600, &err));
    assert_true(get(w, &bytes, &err));
    assert_int_equal(bytes, SIZE);
}

#define served(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        served(a_refusal_ends_it_at_once),
        served(wrong_bytes_are_removed),
        served(a_large_object_comes_in_parts),
        served(cuts_cost_no_byte_twice),
        served(a_server_that_is_busy_is_asked_again),
        served(a_server_without_ranges_is_asked_for_the_whole),
        served(another_process_goes_on_within_the_parts),
        served(a_bounded_rate_is_kept_and_progress_counts_no_byte_twice),
        served(what_an_earlier_process_left_wrong_is_fetched_again),
        served(a_record_of_another_object_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
