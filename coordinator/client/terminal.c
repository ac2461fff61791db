#include "client/terminal.h"

#include <string.h>
#include <sys/ioctl.h>

enum { WIDTH_DEFAULT = 80, HEIGHT_DEFAULT = 24 };

void terminal_init(struct terminal *t, int fd)
{
    *t = (struct terminal){ .fd = fd };
    terminal_measure(t);
}

void terminal_measure(struct terminal *t)
{
    struct winsize size;
    t->width = WIDTH_DEFAULT;
    t->height = HEIGHT_DEFAULT;
    if (ioctl(t->fd, TIOCGWINSZ, &size) != 0) return;
    if (size.ws_col > 0) t->width = size.ws_col;
    if (size.ws_row > 1) t->height = size.ws_row;
}

/* Rows that the last frame takes now: the terminal may have become narrower. */
static size_t rows_drawn(const struct terminal *t)
{
    size_t rows = 0;
    for (size_t i = 0; i < t->drawn; i++)
        rows += t->widths[i] > t->width ? (t->widths[i] + t->width - 1) / t->width : 1;
    return rows;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (const char *c = text; (c = strchr(c, '\n')); c++) lines++;
    return lines;
}

void terminal_frame(struct terminal *t, const char *text, bool whole, struct print *out)
{
    size_t lines = count_lines(text), up = rows_drawn(t), kept = lines;
    if (up > 0) print_format(out, "\r\x1b[%zuA", up);
    /* One row stays free for the cursor. */
    size_t room = t->height - 1;
    if (room > TERMINAL_LINES_MAX) room = TERMINAL_LINES_MAX;
    if (!whole && lines > room) kept = room - 1;
    t->drawn = 0;
    for (size_t i = 0; i < kept; i++) {
        const char *end = strchr(text, '\n');
        size_t before = out->text.len;
        print_clipped(out, text, (size_t)(end - text), whole ? SIZE_MAX : t->width);
        size_t columns = print_columns(print_string(out) + before);
        if (t->drawn < TERMINAL_LINES_MAX)
            t->widths[t->drawn++] = (unsigned short)(columns < t->width ? columns : t->width);
        print_raw(out, "\x1b[K\n");
        text = end + 1;
    }
    if (kept < lines) {
        print_format(out, "(%zu more lines: make the window higher)\x1b[K\n", lines - kept);
        t->widths[t->drawn++] = 0;
    }
    print_raw(out, "\x1b[J");
}

void terminal_bar(struct print *out, uint64_t done, uint64_t total, unsigned cells)
{
    uint64_t full = done >= total ? cells : (uint64_t)((double)done / (double)total * cells);
    for (unsigned i = 0; i < cells; i++) print_glyph(out, i < full ? GLYPH_FULL : GLYPH_EMPTY);
}
