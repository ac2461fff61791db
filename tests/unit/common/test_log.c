#include "io/log.h"

#include "io/fs.h"
#include "io/sdnotify.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct capture {
    struct log log;
    int ends[2];
    char text[3 * LOG_LINE_MAX];
};

/* As in the journal: the lines then hold no time. */
static void capture_open(struct capture *c)
{
    assert_int_equal(pipe2(c->ends, O_CLOEXEC | O_NONBLOCK), 0);
    c->log = (struct log){ .fd = c->ends[1], .level = LOG_INFO, .journal = true };
}

static const char *capture_close(struct capture *c)
{
    struct error err = { 0 };
    size_t got = 0;
    auto_close(&c->ends[1]);
    assert_true(fs_read_full(c->ends[0], c->text, sizeof c->text - 1, &got, &err));
    c->text[got] = '\0';
    auto_close(&c->ends[0]);
    return c->text;
}

static void levels_below_the_wanted_one_are_silent(void **state)
{
    (void)state;
    struct capture c;
    capture_open(&c);
    log_event(&c.log, LOG_DEBUG, "hidden", NULL);
    log_event(&c.log, LOG_ERROR, "shown", NULL);
    assert_string_equal(capture_close(&c), "<3>level=error msg=shown\n");
}

static void held_lines_are_written_together_and_none_is_lost_when_they_are_many(void **state)
{
    (void)state;
    struct capture c;
    AUTO(buf_deinit) struct buf held;
    buf_init(&held, 64);
    capture_open(&c);
    const struct log log = log_held(&c.log, &held);
    log_event(&log, LOG_INFO, "one", NULL);
    char early;
    assert_int_equal(read(c.ends[0], &early, 1), -1);
    log_event(&log, LOG_INFO, "two", NULL);
    log_event(&log, LOG_INFO, "three", NULL);
    log_flush(&log);
    log_flush(&log);
    assert_string_equal(capture_close(&c), "<6>level=info msg=one\n<6>level=info msg=two\n"
                                           "<6>level=info msg=three\n");
}

static void control_bytes_and_broken_utf8_are_escaped(void **state)
{
    (void)state;
    struct capture c;
    capture_open(&c);
    log_event(&c.log, LOG_INFO, "a \"b\" \\", "newline", "x\nlevel=error msg=forged", "escape",
              "\x1b[31m\x7f", "broken", "\xc3(\xed\xa0\x80\xc0\xaf\xf5\xe2\x82", "c1", "\xc2\x9b",
              "good", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", NULL);
    assert_string_equal(
        capture_close(&c),
        "<6>level=info msg=\"a \\\"b\\\" \\\\\" newline=\"x\\nlevel=error msg=forged\" "
        "escape=\"\\x1b[31m\\x7f\" broken=\"\\xc3(\\xed\\xa0\\x80\\xc0\\xaf\\xf5\\xe2\\x82\" "
        "c1=\"\\xc2\\x9b\" good=\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"\n");
}

static void ten_thousand_hostile_texts_give_no_raw_control_byte(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int i = 0; i < 10000; i++) {
        char hostile[40];
        for (size_t k = 0; k < sizeof hostile - 1; k++) {
            seed = seed * 1103515245u + 12345u;
            hostile[k] = (char)(1 + (seed >> 16) % 255);
        }
        hostile[sizeof hostile - 1] = '\0';
        struct capture c;
        capture_open(&c);
        log_event(&c.log, LOG_INFO, hostile, "k", hostile, NULL);
        const char *line = capture_close(&c);
        size_t len = strlen(line);
        assert_int_equal(line[len - 1], '\n');
        for (size_t k = 0; k + 1 < len; k++) assert_true((unsigned char)line[k] >= 0x20);
    }
}

static void long_lines_are_cut_and_still_end(void **state)
{
    (void)state;
    AUTO(auto_free) char *text = xcalloc(2 * LOG_LINE_MAX, 1);
    for (int kind = 0; kind < 3; kind++) {
        memset(text, kind == 0 ? 'x' : kind == 1 ? '\n' : ' ', 2 * LOG_LINE_MAX - 1);
        struct capture c;
        capture_open(&c);
        log_event(&c.log, LOG_INFO, "m", "k", text, "lost", "1", NULL);
        log_event(&c.log, LOG_INFO, text, "lost", text, NULL);
        const char *lines = capture_close(&c);
        const char *end = strchr(lines, '\n');
        assert_non_null(end);
        assert_true(end - lines <= LOG_LINE_MAX + 3);
        assert_true(end - lines >= LOG_LINE_MAX - 8);
        assert_non_null(strchr(end + 1, '\n'));
        assert_null(strstr(lines, "lost"));
    }
}

static void null_and_empty_values_are_quoted_and_errno_is_kept(void **state)
{
    (void)state;
    struct capture c;
    const char *nothing = NULL;
    capture_open(&c);
    errno = EBADF;
    log_event(&c.log, LOG_WARNING, "m", "a", "", "b", nothing, "c", "k=v", NULL);
    assert_int_equal(errno, EBADF);
    assert_string_equal(capture_close(&c), "<4>level=warning msg=m a=\"\" b=\"\" c=\"k=v\"\n");
}

static void without_the_journal_a_line_begins_with_the_time(void **state)
{
    (void)state;
    struct capture c;
    capture_open(&c);
    c.log.journal = false;
    struct error err = { .code = ERR_RETRY, .text = "no answer" };
    log_failure(&c.log, LOG_ERROR, "m", &err);
    const char *line = capture_close(&c);
    assert_memory_equal(line, "time=20", 7);
    assert_string_equal(line + strlen("time=2026-11-22T19:11:27Z"),
                        " level=error msg=m code=retry error=\"no answer\"\n");
}

static void journal_is_believed_only_for_our_own_standard_error(void **state)
{
    (void)state;
    struct log log;
    struct stat info;
    char stream[64];
    setenv("JOURNAL_STREAM", "1:2", 1);
    log_init(&log, LOG_INFO);
    assert_false(log.journal);
    assert_int_equal(fstat(STDERR_FILENO, &info), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)info.st_dev,
             (unsigned long long)info.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init(&log, LOG_INFO);
    assert_true(log.journal);
    unsetenv("JOURNAL_STREAM");
    log_init(&log, LOG_INFO);
    assert_false(log.journal);
}

static void level_names_are_read(void **state)
{
    (void)state;
    enum log_level level = LOG_INFO;
    assert_false(log_level_parse("INFO", &level));
    assert_false(log_level_parse("", &level));
    assert_true(log_level_parse("debug", &level));
    assert_int_equal(level, LOG_DEBUG);
}

static void notify_without_a_socket_does_nothing(void **state)
{
    (void)state;
    struct error err = { 0 };
    unsetenv("NOTIFY_SOCKET");
    assert_true(sdnotify_ready("", &err));
    setenv("NOTIFY_SOCKET", "relative", 1);
    assert_false(sdnotify_ready("", &err));
    assert_int_equal(err.code, ERR_INVALID);
    setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
    assert_false(sdnotify_stopping(&err));
    unsetenv("NOTIFY_SOCKET");
}

static void notify_sends_to_the_abstract_socket(void **state)
{
    (void)state;
    struct error err = { 0 };
    AUTO(auto_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t size = sizeof(sa_family_t);
    /* An empty address lets the kernel choose an abstract name: "\0" and five digits. */
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    size = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    char name[16], text[64];
    snprintf(name, sizeof name, "@%.5s", address.sun_path + 1);
    setenv("NOTIFY_SOCKET", name, 1);
    assert_true(sdnotify_ready("ok", &err));
    ssize_t got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    assert_true(got > 0);
    text[got] = '\0';
    assert_string_equal(text, "READY=1\nSTATUS=ok");
    assert_true(sdnotify_watchdog(&err));
    assert_int_equal(recv(fd, text, sizeof text, MSG_DONTWAIT), strlen("WATCHDOG=1"));
    unsetenv("NOTIFY_SOCKET");
}

static void watchdog_interval_is_ours_only_when_it_names_us(void **state)
{
    (void)state;
    char pid[32];
    unsetenv("WATCHDOG_USEC");
    assert_int_equal(sdnotify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(sdnotify_watchdog_ms(), 0);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(sdnotify_watchdog_ms(), 30000);
    setenv("WATCHDOG_USEC", "30s", 1);
    assert_int_equal(sdnotify_watchdog_ms(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_below_the_wanted_one_are_silent),
        cmocka_unit_test(held_lines_are_written_together_and_none_is_lost_when_they_are_many),
        cmocka_unit_test(control_bytes_and_broken_utf8_are_escaped),
        cmocka_unit_test(ten_thousand_hostile_texts_give_no_raw_control_byte),
        cmocka_unit_test(long_lines_are_cut_and_still_end),
        cmocka_unit_test(null_and_empty_values_are_quoted_and_errno_is_kept),
        cmocka_unit_test(without_the_journal_a_line_begins_with_the_time),
        cmocka_unit_test(journal_is_believed_only_for_our_own_standard_error),
        cmocka_unit_test(level_names_are_read),
        cmocka_unit_test(notify_without_a_socket_does_nothing),
        cmocka_unit_test(notify_sends_to_the_abstract_socket),
        cmocka_unit_test(watchdog_interval_is_ours_only_when_it_names_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
