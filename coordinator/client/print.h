/* print.h - text for people, collected and then written at once.
 *
 * What comes from outside (names, messages, logs) goes through print_text(), which shows control
 * characters, characters that turn the reading direction, and bytes that are not UTF-8 as escapes
 * (\x1b, \u202e): nothing that a host or a file says can move the cursor or change a colour. What
 * is ours goes through print_raw(), print_format() and print_style().
 *
 * Colours are left out unless asked for, glyphs become ASCII where the locale is not UTF-8.
 * Nothing fails: what passes PRINT_MAX bytes is cut.
 */
#pragma once
#include "base/bytes.h"
#include "wire/messages.h"

enum { PRINT_MAX = 64 << 20 };

struct print_mode {
    bool colour, utf8;
    bool relative;    /* times as "2m ago" */
    bool yaml;        /* JSON is written as YAML */
    unsigned columns; /* of the screen; 0: no screen, as wide as it gets */
    uint64_t now_ms;  /* wall clock */
    unsigned tick;    /* picks the spinner's frame */
};

struct print {
    struct print_mode mode;
    struct buf text;
};

void print_init(struct print *p, const struct print_mode *mode);
void print_deinit(struct print *p); /* accepts a zeroed one */
void print_clear(struct print *p);
NODISCARD bool print_write(struct print *p, int fd, struct error *err); /* and clears */
const char *print_string(struct print *p); /* NUL-terminated, until the next call */

void print_raw(struct print *p, const char *text);
void print_format(struct print *p, const char *format, ...) PRINTF_LIKE(2, 3);

enum print_escape {
    PRINT_LINE, /* line ends and tabs are escaped, too */
    PRINT_LINES /* line ends and tabs are kept: logs */
};
/* Returns the bytes that were used: in a stream a character may be cut at the end; `last` says
 * that nothing will follow. */
size_t print_outside(struct print *p, struct bytes data, enum print_escape how, bool last);
void print_text(struct print *p, const char *text); /* one line */

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_BAD, STYLE_BUSY, STYLE_ODD };
void print_style(struct print *p, enum style style); /* STYLE_PLAIN ends the others */
void print_styled(struct print *p, enum style style, const char *text); /* outside text */
enum style print_status_style(enum status status);

enum glyph {
    GLYPH_BRANCH,
    GLYPH_LAST,
    GLYPH_TRUNK,
    GLYPH_GAP,
    GLYPH_ELLIPSIS,
    GLYPH_FULL,
    GLYPH_EMPTY,
    GLYPH_ARROW
};
#define GLYPH_COUNT (GLYPH_ARROW + 1)
void print_glyph(struct print *p, enum glyph glyph);
/* The mark of a status, one column wide, in its colour. */
void print_mark(struct print *p, enum status status);

enum { PRINT_TIME_SIZE = 40 };
/* "0.4s", "41s", "1m09s", "2h05m", "3d04h". */
void print_duration(uint64_t ms, char out[PRINT_TIME_SIZE]);
/* RFC 3339 with milliseconds; "" for 0. */
void print_rfc3339(uint64_t wall_ms, char out[PRINT_TIME_SIZE]);
/* As the mode says; "-" for 0. */
void print_time(struct print *p, uint64_t wall_ms);
void print_bytes(struct print *p, uint64_t count); /* "12.3 MB" */
/* "kTtNtrHI…R4Aj": the first eight and the last four, whole when it is short. */
void print_short_version(struct print *p, const char *version);
/* The first `len` bytes of an outside text, and that there are more. */
void print_begin(struct print *p, const char *text, size_t len);

/* Columns that a text of ours takes on a screen; colour sequences count nothing. */
size_t print_columns(const char *text);
/* Appends at most `columns` columns of a text of ours, and ends its colours. */
void print_clipped(struct print *p, const char *text, size_t len, size_t columns);
