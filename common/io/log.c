#include "io/log.h"

#include "base/number.h"
#include "io/clock.h"
#include "io/fs.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const level_names[] = { "error", "warning", "info", "debug" };
/* The levels of syslog(3): err, warning, info, debug. */
static const char *const level_prefixes[] = { "<3>", "<4>", "<6>", "<7>" };

/* systemd sets "device:inode" of the stream; a child with its own standard error inherits the
 * variable but not the stream (systemd.exec(5)). */
static bool is_journal(int fd, const char *stream)
{
    struct stat info;
    const char *colon = stream ? strchr(stream, ':') : NULL;
    uint64_t device, inode;
    if (!colon || fstat(fd, &info) < 0) return false;
    return number_parse_bytes(bytes_of(stream, (size_t)(colon - stream)), UINT64_MAX, &device) &&
           number_parse(colon + 1, UINT64_MAX, &inode) && device == info.st_dev &&
           inode == info.st_ino;
}

void log_init(struct log *log, enum log_level level)
{
    *log = (struct log){ .fd = STDERR_FILENO, .level = level };
    log->journal = is_journal(log->fd, getenv("JOURNAL_STREAM"));
}

bool log_level_parse(const char *text, enum log_level *out)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (!text_equal(text, level_names[i])) continue;
        *out = (enum log_level)i;
        return true;
    }
    return false;
}

struct line {
    char text[LOG_LINE_MAX];
    size_t len; /* always leaves room for a quote and the newline */
};

static bool line_add(struct line *line, const char *data, size_t len)
{
    if (line->len + len > sizeof line->text - 2) return false;
    memcpy(line->text + line->len, data, len);
    line->len += len;
    return true;
}

static bool line_add_text(struct line *line, const char *text)
{
    return line_add(line, text, strlen(text));
}

/* The length of the well-formed UTF-8 sequence (RFC 3629) at text that is no control, else 0. */
static size_t printable(const unsigned char *text)
{
    unsigned char a = text[0];
    if (a < 0x80) return a >= 0x20 && a != 0x7f;
    size_t len = a >= 0xf0 ? 4 : a >= 0xe0 ? 3 : 2;
    if (a < 0xc2 || a > 0xf4) return 0;
    for (size_t i = 1; i < len; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    unsigned char b = text[1];
    /* Overlong forms, surrogates, beyond U+10FFFF, and the controls U+0080 to U+009F. */
    if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) || (a == 0xf0 && b < 0x90) ||
        (a == 0xf4 && b > 0x8f) || (a == 0xc2 && b < 0xa0))
        return 0;
    return len;
}

static bool line_add_escaped(struct line *line, unsigned char c)
{
    char text[8];
    const char *named = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;
    if (named) return line_add_text(line, named);
    snprintf(text, sizeof text, "\\x%02x", c);
    return line_add_text(line, text);
}

static bool needs_quotes(const char *value)
{
    if (!*value) return true;
    for (const char *p = value; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f) return true;
    }
    return false;
}

static void line_add_quoted(struct line *line, const char *value)
{
    if (!line_add_text(line, "\"")) return;
    const unsigned char *p = (const unsigned char *)value;
    bool room = true;
    while (room && *p) {
        size_t len = printable(p);
        if (len == 0)
            room = line_add_escaped(line, *p++);
        else if (*p == '"' || *p == '\\')
            room = line_add(line, *p++ == '"' ? "\\\"" : "\\\\", 2);
        else
            room = line_add(line, (const char *)p, len), p += len;
    }
    line->text[line->len++] = '"'; /* the reserve of one is ours */
}

/* False once the line is full: what follows is left out. */
static bool line_add_pair(struct line *line, const char *key, const char *value)
{
    size_t before = line->len;
    if (!value) value = "";
    if ((line->len && !line_add_text(line, " ")) || !line_add_text(line, key) ||
        !line_add_text(line, "=")) {
        line->len = before;
        return false;
    }
    if (needs_quotes(value)) {
        line_add_quoted(line, value);
        return line->len < sizeof line->text - 2;
    }
    size_t room = sizeof line->text - 2 - line->len, len = strlen(value);
    return line_add(line, value, len < room ? len : room) && len <= room;
}

static void line_begin(struct line *line, const struct log *log, enum log_level level,
                       const char *message)
{
    if (!log->journal) {
        char now[CLOCK_TEXT_SIZE];
        clock_format(clock_wall_ms(), now);
        (void)line_add_pair(line, "time", now);
    }
    (void)line_add_pair(line, "level", level_names[level]);
    (void)line_add_pair(line, "msg", message);
}

static void line_end(struct line *line, const struct log *log, enum log_level level)
{
    line->text[line->len++] = '\n';
    struct error ignored = { 0 };
    char whole[LOG_LINE_MAX + 4];
    size_t prefix = log->journal ? strlen(level_prefixes[level]) : 0;
    memcpy(whole, level_prefixes[level], prefix);
    memcpy(whole + prefix, line->text, line->len);
    const struct bytes bytes = bytes_of(whole, prefix + line->len);
    if (log->held && buf_append(log->held, bytes.data, bytes.len, &ignored)) return;
    if (log->held) log_flush(log);
    /* There is nowhere to report that the log is gone. */
    (void)!fs_write_all(log->fd, bytes, &ignored);
}

struct log log_held(const struct log *log, struct buf *held)
{
    struct log copy = *log;
    copy.held = held;
    return copy;
}

void log_flush(const struct log *log)
{
    struct error ignored = { 0 };
    assert(log->held);
    if (log->held->len) (void)!fs_write_all(log->fd, buf_bytes(log->held), &ignored);
    buf_clear(log->held);
}

void log_event(const struct log *log, enum log_level level, const char *message, ...)
{
    if (level > log->level) return;
    int saved = errno;
    struct line line = { .len = 0 };
    line_begin(&line, log, level, message);
    va_list args;
    va_start(args, message);
    const char *key;
    while ((key = va_arg(args, const char *)))
        if (!line_add_pair(&line, key, va_arg(args, const char *))) break;
    va_end(args);
    line_end(&line, log, level);
    errno = saved;
}

void log_failure(const struct log *log, enum log_level level, const char *message,
                 const struct error *err)
{
    log_event(log, level, message, "code", error_code_name(err->code), "error", err->text, NULL);
}
