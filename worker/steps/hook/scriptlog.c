#include "steps/hook/scriptlog.h"

#include "io/clock.h"

#include <assert.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DATE_SIZE = 32, TAIL_KEPT = 2 * SCRIPTLOG_TAIL_MAX, ENTRY_SIZE = 4096, OUT_MAX = 1 << 20 };

static int open_file(struct scriptlog *log)
{
    struct stat info;
    int fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    log->size = fd >= 0 && fstat(fd, &info) == 0 ? (uint64_t)info.st_size : 0;
    return fd;
}

bool scriptlog_open(struct scriptlog *log, const char *folder, struct error *err)
{
    *log = (struct scriptlog){ .fd = -1 };
    if (!fs_join(log->path, folder, "scripts.log", err)) return false;
    if (!fs_make_folders(folder, 0755, err)) return false;
    log->fd = open_file(log);
    if (log->fd < 0) return fs_error(err, "open", log->path);
    buf_init(&log->out, OUT_MAX);
    buf_init(&log->tail, 2 * TAIL_KEPT);
    return true;
}

void scriptlog_close(struct scriptlog *log)
{
    auto_close(&log->fd);
    buf_deinit(&log->out);
    buf_deinit(&log->tail);
}

/* scripts.log becomes scripts.log.1, that one .2, and so on; the oldest is overwritten. */
static void rotate(struct scriptlog *log)
{
    auto_close(&log->fd);
    for (int i = SCRIPTLOG_FILES - 1; i > 0; i--) {
        char from[FS_PATH_MAX + 16], to[FS_PATH_MAX + 16];
        snprintf(to, sizeof to, "%s.%d", log->path, i);
        if (i > 1)
            snprintf(from, sizeof from, "%s.%d", log->path, i - 1);
        else
            snprintf(from, sizeof from, "%s", log->path);
        (void)rename(from, to);
    }
    log->fd = open_file(log);
}

static void flush(struct scriptlog *log)
{
    struct error ignored;
    if (log->size + log->out.len > SCRIPTLOG_FILE_MAX && log->size > 0) rotate(log);
    if (log->fd >= 0 && fs_write_all(log->fd, buf_bytes(&log->out), &ignored))
        log->size += log->out.len;
    buf_clear(&log->out);
}

/* The bytes of the UTF-8 character at `at`, 0 when it is none or a control byte. */
static size_t printable(const uint8_t *at, size_t left)
{
    if (at[0] >= 0x20 && at[0] < 0x7f) return 1;
    size_t len = at[0] >= 0xf0 && at[0] <= 0xf4  ? 4
                 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3
                 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
                                                 : 0;
    if (len == 0 || len > left) return at[0] == '\t' ? 1 : 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) return 0;
    }
    if (at[0] == 0xe0 && at[1] < 0xa0) return 0; /* longer than needed */
    if (at[0] == 0xf0 && at[1] < 0x90) return 0;
    if (at[0] == 0xed && at[1] > 0x9f) return 0; /* surrogates */
    if (at[0] == 0xf4 && at[1] > 0x8f) return 0; /* beyond Unicode */
    if (at[0] == 0xc2 && at[1] < 0xa0) return 0; /* C1 controls */
    return len;
}

static void tail_put(struct scriptlog *log, const void *data, size_t len)
{
    struct error ignored;
    if (log->tail.len + len > log->tail.max) {
        memmove(log->tail.data, log->tail.data + log->tail.len - TAIL_KEPT, TAIL_KEPT);
        log->tail.len = TAIL_KEPT;
    }
    bool fits = buf_append(&log->tail, data, len, &ignored);
    assert(fits);
}

static void tail_put_escaped(struct scriptlog *log, const uint8_t *data, size_t len)
{
    if (len > TAIL_KEPT) { /* only its end can be in the tail */
        data += len - TAIL_KEPT;
        len = TAIL_KEPT;
    }
    for (size_t i = 0; i < len;) {
        char escaped[8];
        size_t whole = printable(data + i, len - i);
        if (whole > 0)
            tail_put(log, data + i, whole);
        else
            tail_put(log, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\x%02x", data[i]));
        i += whole > 0 ? whole : 1;
    }
}

static void put_line(struct scriptlog *log, const char *prefix, const void *line, size_t len)
{
    char date[DATE_SIZE];
    struct tm parts;
    const time_t now = (time_t)(clock_wall_ms() / 1000);
    struct error ignored;
    if (!localtime_r(&now, &parts) ||
        strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S ", &parts) == 0)
        date[0] = '\0';
    if (log->out.len + DATE_SIZE + strlen(prefix) + len + 1 > log->out.max) flush(log);
    bool fits = buf_append_text(&log->out, date, &ignored) &&
                buf_append_text(&log->out, prefix, &ignored) &&
                buf_append(&log->out, line, len, &ignored) &&
                buf_append(&log->out, "\n", 1, &ignored);
    assert(fits);
    tail_put(log, prefix, strlen(prefix));
    tail_put_escaped(log, line, len);
    tail_put(log, "\n", 1);
}

void scriptlog_entry(struct scriptlog *log, const char *format, ...)
{
    char text[ENTRY_SIZE];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(len >= 0);
    size_t used = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    if (log->redact) used = redact_apply(log->redact, (uint8_t *)text, used);
    put_line(log, "", text, used);
    flush(log);
}

void scriptlog_stream_init(struct scriptlog_stream *stream, const char *prefix)
{
    stream->prefix = prefix;
    buf_init(&stream->line, SCRIPTLOG_LINE_MAX);
}

void scriptlog_stream_deinit(struct scriptlog_stream *stream)
{
    buf_deinit(&stream->line);
}

/* Writes what is held of a line; `part` when more of it may follow: then the end that may be the
 * beginning of a secret stays. */
static void put_held(struct scriptlog *log, struct scriptlog_stream *stream, bool part)
{
    struct buf *line = &stream->line;
    size_t keep = 0;
    if (log->redact) line->len = redact_apply(log->redact, line->data, line->len);
    if (log->redact && part && log->redact->longest > 0) keep = log->redact->longest - 1;
    if (part && keep >= line->len) return; /* what was hidden has made room */
    size_t len = line->len - keep;
    put_line(log, stream->prefix, line->data, len);
    if (keep > 0) memmove(line->data, line->data + len, keep);
    line->len = keep;
}

void scriptlog_output(struct scriptlog *log, struct scriptlog_stream *stream, struct bytes data)
{
    struct error ignored;
    while (data.len > 0) {
        const uint8_t *newline = memchr(data.data, '\n', data.len);
        size_t len = newline ? (size_t)(newline - data.data) : data.len;
        size_t room = stream->line.max - stream->line.len;
        bool whole = newline && len <= room;
        if (len > room) len = room;
        bool fits = buf_append(&stream->line, data.data, len, &ignored);
        assert(fits);
        if (whole || stream->line.len == stream->line.max) put_held(log, stream, !whole);
        len += whole ? 1 : 0;
        data = bytes_of(data.data + len, data.len - len);
    }
    flush(log);
}

void scriptlog_stream_end(struct scriptlog *log, struct scriptlog_stream *stream)
{
    if (stream->line.len == 0) return;
    put_held(log, stream, false);
    flush(log);
}

/* Where a line's text begins: behind the date, if it has one. */
static size_t behind_date(const uint8_t *line, size_t len)
{
    static const char shape[] = "dddd-dd-dd dd:dd:dd ";
    size_t i = 0;
    for (; i < sizeof shape - 1 && i < len; i++) {
        bool digit = line[i] >= '0' && line[i] <= '9';
        if (shape[i] == 'd' ? !digit : line[i] != (uint8_t)shape[i]) return 0;
    }
    return i == sizeof shape - 1 ? i : 0;
}

void scriptlog_recall(struct scriptlog *log)
{
    uint8_t text[TAIL_KEPT];
    size_t got = 0;
    struct error ignored;
    AUTO(auto_close) int fd = open(log->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    uint64_t from = log->size > sizeof text ? log->size - sizeof text : 0;
    if (fd < 0 || !fs_pread_full(fd, text, sizeof text, from, &got, &ignored)) return;
    for (const uint8_t *line = text, *end = text + got; line < end;) {
        const uint8_t *newline = memchr(line, '\n', (size_t)(end - line));
        size_t len = (size_t)((newline ? newline : end) - line), skip = behind_date(line, len);
        tail_put_escaped(log, line + skip, len - skip);
        tail_put(log, "\n", 1);
        line += len + (newline ? 1 : 0);
    }
}

void scriptlog_tail(const struct scriptlog *log, char out[SCRIPTLOG_TAIL_MAX + 1])
{
    size_t len = log->tail.len, start = len > SCRIPTLOG_TAIL_MAX ? len - SCRIPTLOG_TAIL_MAX : 0;
    const char *text = (const char *)log->tail.data;
    /* In the middle of a line: begin with the next one, unless this is the last. */
    if (start > 0 && text[start - 1] != '\n') {
        const char *newline = memchr(text + start, '\n', len - start);
        size_t next = newline ? (size_t)(newline - text) + 1 : len;
        if (next < len) start = next;
        while (start < len && ((uint8_t)text[start] & 0xc0) == 0x80) start++;
    }
    if (len > start) memcpy(out, text + start, len - start);
    out[len - start] = '\0';
}
