/* terminal.h - a block of lines that is drawn again in place.
 *
 * Each frame is one write: the cursor goes up to the block's first line, every line is written
 * anew and the rest of the screen below is cleared. Lines are clipped to the width and the block
 * to the height, because a line that wraps or scrolls away could not be found again. After a
 * resize the old block's height is worked out with the new width.
 */
#pragma once
#include "client/print.h"

enum { TERMINAL_LINES_MAX = 512 };

struct terminal {
    int fd;
    unsigned width, height;
    size_t drawn;                              /* lines of the last frame ... */
    unsigned short widths[TERMINAL_LINES_MAX]; /* ... and their columns */
};

void terminal_init(struct terminal *t, int fd);
/* Asks for the size; 80 x 24 when nobody knows. */
void terminal_measure(struct terminal *t);
/* Appends to `out` what replaces the last frame by `text`; `whole` leaves out the clipping to the
 * height: the last frame, which stays. */
void terminal_frame(struct terminal *t, const char *text, bool whole, struct print *out);
/* "████░░░░" of `cells` columns. */
void terminal_bar(struct print *out, uint64_t done, uint64_t total, unsigned cells);
