/* Requests in a daemon's loop: common/io/http.h. The server's side is tested by e2e/s3. */
#include "io/clock.h"
#include "io/http.h"
#include "io/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
    struct loop *loop;
    struct http *http;
    struct error err;
    unsigned answers;
    long status;
    char cause[ERROR_TEXT_SIZE];
};

static int setup(void **state)
{
    struct fixture *f = *state = xcalloc(1, sizeof *f);
    return loop_open(&f->loop, &f->err) && http_open(f->loop, &f->http, &f->err) ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    http_close(f->http);
    loop_close(f->loop);
    free(f);
    return 0;
}

static void take(void *owner, const struct http_answer *answer)
{
    struct fixture *f = owner;
    f->answers++;
    f->status = answer->status;
    snprintf(f->cause, sizeof f->cause, "%s", answer->cause);
}

static bool start(struct fixture *f, const char *url)
{
    const struct http_request request = {
        .method = "GET", .url = url, .body_max = 100, .timeout_ms = 10000, .fn = take, .owner = f
    };
    f->err = (struct error){ 0 };
    return http_start(f->http, &request, &f->err);
}

/* A listening socket that nobody accepts from; the caller closes it. */
static int listening(char *url, size_t size)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, HTTP_REQUESTS_MAX + 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(url, size, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    return fd;
}

static void what_would_travel_in_clear_text_is_refused(void **state)
{
    assert_false(start(*state, "http://192.0.2.1/"));
    assert_int_equal(((struct fixture *)*state)->err.code, ERR_INVALID);
    assert_false(start(*state, "file:///etc/passwd"));
}

static void a_refused_connection_is_an_answer_with_a_cause(void **state)
{
    struct fixture *f = *state;
    char url[64];
    close(listening(url, sizeof url));
    assert_true(start(f, url));
    assert_int_equal(f->answers, 0); /* never from within http_start() */
    uint64_t end = clock_boot_ms() + 20000;
    while (f->answers == 0 && clock_boot_ms() < end) {
        assert_true(loop_wait(f->loop, http_deadline(f->http), &f->err));
        http_run(f->http);
    }
    assert_int_equal(f->answers, 1);
    assert_int_equal(f->status, 0);
    assert_true(f->cause[0]);
}

static void one_request_too_many_is_refused_and_closing_calls_nobody(void **state)
{
    struct fixture *f = *state;
    char url[64];
    int fd = listening(url, sizeof url);
    for (unsigned i = 0; i < HTTP_REQUESTS_MAX; i++) assert_true(start(f, url));
    assert_false(start(f, url));
    assert_int_equal(f->err.code, ERR_NO_SPACE);
    assert_true(loop_wait(f->loop, http_deadline(f->http), &f->err));
    http_run(f->http);
    http_close(f->http);
    f->http = NULL;
    assert_int_equal(f->answers, 0);
    close(fd);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_would_travel_in_clear_text_is_refused),
        TEST(a_refused_connection_is_an_answer_with_a_cause),
        TEST(one_request_too_many_is_refused_and_closing_calls_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
