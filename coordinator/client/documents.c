#include "client/documents.h"

#include <assert.h>
#include <string.h>

struct documents documents_of(struct bytes text)
{
    return (struct documents){ .text = text };
}

/* Where the line that begins at `at` ends, its newline included. */
static size_t line_end(struct bytes text, size_t at)
{
    const uint8_t *newline = memchr(text.data + at, '\n', text.len - at);
    return newline ? (size_t)(newline - text.data) + 1 : text.len;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_mark(struct bytes text, size_t at)
{
    return text.len - at >= 3 && memcmp(text.data + at, "---", 3) == 0 &&
           (text.len - at == 3 || is_blank(text.data[at + 3]));
}

/* Does the line say anything: no comment, no directive, more than the mark itself? */
static bool says(struct bytes text, size_t at, size_t end)
{
    if (is_mark(text, at)) at += 3;
    while (at < end && is_blank(text.data[at])) at++;
    return at < end && text.data[at] != '#' && text.data[at] != '%';
}

/* The end of the document that begins at `at`; *full when there is something in it. Marks without
 * anything before them are its own. */
static size_t document_end(struct bytes text, size_t at, bool *full)
{
    *full = false;
    while (at < text.len) {
        if (*full && is_mark(text, at)) break;
        size_t end = line_end(text, at);
        if (says(text, at, end)) *full = true;
        at = end;
    }
    return at;
}

static void compose(const struct documents *d, size_t end, struct buf *out)
{
    struct error ignored;
    buf_clear(out);
    for (size_t i = 0; i < d->at; i++) {
        if (d->text.data[i] != '\n') continue;
        bool room = buf_append(out, "\n", 1, &ignored);
        assert(room);
    }
    bool room = buf_append(out, d->text.data + d->at, end - d->at, &ignored);
    assert(room);
}

bool documents_next(struct documents *d, struct buf *out)
{
    bool full;
    size_t end = document_end(d->text, d->at, &full);
    bool only = d->at == 0 && end == d->text.len;
    if (!full && !only) return false;
    compose(d, end, out);
    d->at = end == d->text.len ? end + 1 : end;
    return true;
}

size_t documents_count(struct bytes text)
{
    struct documents d = documents_of(text);
    size_t count = 0;
    for (bool full; d.at < text.len; count += full) d.at = document_end(text, d.at, &full);
    return count ? count : 1;
}
