#include "client/print.h"

#include "io/clock.h"
#include "io/fs.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void print_init(struct print *p, const struct print_mode *mode)
{
    *p = (struct print){ .mode = *mode };
    buf_init(&p->text, PRINT_MAX);
}

void print_deinit(struct print *p)
{
    buf_deinit(&p->text);
}

void print_clear(struct print *p)
{
    buf_clear(&p->text);
}

bool print_write(struct print *p, int fd, struct error *err)
{
    bool ok = fs_write_all(fd, buf_bytes(&p->text), err);
    buf_clear(&p->text);
    return ok;
}

static void append(struct print *p, const void *data, size_t len)
{
    struct error cut;
    if (len > 0 && !buf_append(&p->text, data, len, &cut)) return;
}

const char *print_string(struct print *p)
{
    struct error cut;
    if (!buf_reserve(&p->text, 1, &cut)) p->text.len--;
    p->text.data[p->text.len] = '\0';
    return (const char *)p->text.data;
}

void print_raw(struct print *p, const char *text)
{
    append(p, text, strlen(text));
}

void print_format(struct print *p, const char *format, ...)
{
    char small[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    assert(len >= 0);
    if ((size_t)len < sizeof small) {
        append(p, small, (size_t)len);
        return;
    }
    AUTO(auto_free) char *large = xcalloc((size_t)len + 1, 1);
    va_start(args, format);
    vsnprintf(large, (size_t)len + 1, format, args);
    va_end(args);
    append(p, large, (size_t)len);
}

/* ---- what comes from outside ---- */

/* The length of the UTF-8 character at `data`, 0 when it is none, `-1` when it is cut. */
static int decode(const uint8_t *data, size_t len, uint32_t *out)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t first = data[0];
    int size = first < 0x80       ? 1
               : first >> 5 == 6  ? 2
               : first >> 4 == 14 ? 3
               : first >> 3 == 30 ? 4
                                  : 0;
    if (size == 0) return 0;
    uint32_t c = size == 1 ? first : first & (0x7fu >> size);
    for (int i = 1; i < size; i++) {
        if ((size_t)i == len) return -1;
        if (data[i] >> 6 != 2) return 0;
        c = c << 6 | (data[i] & 0x3fu);
    }
    if (c < smallest[size] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return 0;
    *out = c;
    return size;
}

/* Characters that have no place of their own or change how their neighbours are read. */
static bool dangerous(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe007f);
}

static void escape(struct print *p, uint32_t c)
{
    if (c == '\n')
        print_raw(p, "\\n");
    else if (c == '\t')
        print_raw(p, "\\t");
    else if (c == '\r')
        print_raw(p, "\\r");
    else if (c < 0x80)
        print_format(p, "\\x%02x", (unsigned)c);
    else
        print_format(p, c > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)c);
}

size_t print_outside(struct print *p, struct bytes data, enum print_escape how, bool last)
{
    size_t at = 0;
    while (at < data.len) {
        uint32_t c = 0;
        int size = decode(data.data + at, data.len - at, &c);
        if (size < 0 && !last) break;
        if (size <= 0) {
            print_format(p, "\\x%02x", data.data[at]);
            at++;
            continue;
        }
        bool kept = how == PRINT_LINES && (c == '\n' || c == '\t');
        /* A carriage return before a line end belongs to it. */
        if (how == PRINT_LINES && c == '\r' && at + 1 == data.len && !last) break;
        bool dropped =
            how == PRINT_LINES && c == '\r' && at + 1 < data.len && data.data[at + 1] == '\n';
        if (!dropped && ((dangerous(c) && !kept) || (c >= 0x80 && !p->mode.utf8)))
            escape(p, c);
        else if (!dropped)
            append(p, data.data + at, (size_t)size);
        at += (size_t)size;
    }
    return at;
}

void print_text(struct print *p, const char *text)
{
    (void)print_outside(p, bytes_of_text(text), PRINT_LINE, true);
}

/* ---- style ---- */

void print_style(struct print *p, enum style style)
{
    static const char *const codes[] = { "\x1b[0m",  "\x1b[1m",  "\x1b[2m", "\x1b[32m",
                                         "\x1b[31m", "\x1b[36m", "\x1b[33m" };
    if (p->mode.colour) print_raw(p, codes[style]);
}

void print_styled(struct print *p, enum style style, const char *text)
{
    if (style != STYLE_PLAIN) print_style(p, style);
    print_text(p, text);
    if (style != STYLE_PLAIN) print_style(p, STYLE_PLAIN);
}

enum style print_status_style(enum status status)
{
    switch (status) {
    case STATUS_PENDING:
    case STATUS_SKIPPED: return STYLE_DIM;
    case STATUS_IN_PROGRESS: return STYLE_BUSY;
    case STATUS_SUCCEEDED: return STYLE_GOOD;
    case STATUS_FAILED:
    case STATUS_UNKNOWN: return STYLE_BAD;
    case STATUS_STOPPING:
    case STATUS_STOPPED:
    case STATUS_SUPERSEDED:
    case STATUS_CANCELLED:
    case STATUS_ABANDONED: return STYLE_ODD;
    }
    return STYLE_PLAIN;
}

void print_glyph(struct print *p, enum glyph glyph)
{
    static const char *const glyphs[GLYPH_COUNT][2] = {
        [GLYPH_BRANCH] = { "|- ", "├─ " }, [GLYPH_LAST] = { "`- ", "└─ " },
        [GLYPH_TRUNK] = { "|  ", "│  " },  [GLYPH_GAP] = { "   ", "   " },
        [GLYPH_ELLIPSIS] = { "..", "…" },  [GLYPH_FULL] = { "#", "█" },
        [GLYPH_EMPTY] = { ".", "░" },      [GLYPH_ARROW] = { "->", "→" },
    };
    print_raw(p, glyphs[glyph][p->mode.utf8]);
}

static const char *mark(const struct print *p, enum status status)
{
    static const char *const spinner[] = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏" };
    static const char *const plain[] = { "|", "/", "-", "\\" };
    bool utf8 = p->mode.utf8;
    switch (status) {
    case STATUS_PENDING: return utf8 ? "○" : ".";
    case STATUS_IN_PROGRESS: return utf8 ? spinner[p->mode.tick % 10] : plain[p->mode.tick % 4];
    case STATUS_SUCCEEDED: return utf8 ? "✔" : "+";
    case STATUS_FAILED: return utf8 ? "✘" : "x";
    case STATUS_STOPPING:
    case STATUS_STOPPED:
    case STATUS_ABANDONED: return utf8 ? "■" : "#";
    case STATUS_SUPERSEDED:
    case STATUS_CANCELLED:
    case STATUS_SKIPPED: return utf8 ? "⊘" : "~";
    case STATUS_UNKNOWN: return "?";
    }
    return "?";
}

void print_mark(struct print *p, enum status status)
{
    print_style(p, print_status_style(status));
    print_raw(p, mark(p, status));
    print_style(p, STYLE_PLAIN);
}

/* ---- numbers ---- */

void print_duration(uint64_t ms, char out[PRINT_TIME_SIZE])
{
    uint64_t s = ms / 1000;
    if (ms < 100)
        snprintf(out, PRINT_TIME_SIZE, "0s");
    else if (ms < 10000)
        snprintf(out, PRINT_TIME_SIZE, "%" PRIu64 ".%" PRIu64 "s", s, ms % 1000 / 100);
    else if (s < 60)
        snprintf(out, PRINT_TIME_SIZE, "%" PRIu64 "s", s);
    else if (s < 3600)
        snprintf(out, PRINT_TIME_SIZE, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, PRINT_TIME_SIZE, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
    else
        snprintf(out, PRINT_TIME_SIZE, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
}

void print_rfc3339(uint64_t wall_ms, char out[PRINT_TIME_SIZE])
{
    char text[CLOCK_TEXT_SIZE];
    out[0] = '\0';
    if (wall_ms == 0) return;
    clock_format(wall_ms, text);
    snprintf(out, PRINT_TIME_SIZE, "%.19s.%03uZ", text, (unsigned)(wall_ms % 1000));
}

void print_time(struct print *p, uint64_t wall_ms)
{
    char text[PRINT_TIME_SIZE];
    if (wall_ms == 0) {
        print_raw(p, "-");
    } else if (p->mode.relative) {
        uint64_t age = p->mode.now_ms > wall_ms ? p->mode.now_ms - wall_ms : 0;
        print_duration(age < 1000 ? 0 : age - age % 1000, text);
        if (age < 1000)
            print_raw(p, "now");
        else if (age < 10000)
            print_format(p, "%us ago", (unsigned)(age / 1000));
        else
            print_format(p, "%s ago", text);
    } else {
        clock_format(wall_ms, text);
        print_raw(p, text);
    }
}

void print_bytes(struct print *p, uint64_t count)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    unsigned unit = 0;
    double value = (double)count;
    for (; value >= 999.95 && unit < 4; unit++) value /= 1000;
    print_format(p, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void print_short_version(struct print *p, const char *version)
{
    size_t len = strlen(version);
    if (len <= 16) {
        print_text(p, version);
        return;
    }
    (void)print_outside(p, bytes_of(version, 8), PRINT_LINE, true);
    print_glyph(p, GLYPH_ELLIPSIS);
    (void)print_outside(p, bytes_of(version + len - 4, 4), PRINT_LINE, true);
}

void print_begin(struct print *p, const char *text, size_t len)
{
    if (strlen(text) <= len + 1) {
        print_text(p, text);
        return;
    }
    (void)print_outside(p, bytes_of(text, len), PRINT_LINE, true);
    print_glyph(p, GLYPH_ELLIPSIS);
}
