#include "client/print.h"

#include <string.h>
#include <wchar.h>

/* The next character of a text of ours: its bytes and its columns. */
static size_t step(const char *text, size_t len, size_t *columns)
{
    *columns = 0;
    if (text[0] == '\x1b') {
        size_t at = 1;
        while (at < len && text[at] != 'm') at++;
        return at < len ? at + 1 : len;
    }
    unsigned char first = (unsigned char)text[0];
    size_t size = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (size > len) size = len;
    uint32_t c = size == 1 ? first : first & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) c = c << 6 | ((unsigned char)text[i] & 0x3fu);
    int width = size == 1 ? 1 : wcwidth((wchar_t)c);
    *columns = width < 0 ? 1 : (size_t)width;
    return size;
}

size_t print_columns(const char *text)
{
    size_t len = strlen(text), total = 0, columns = 0;
    for (size_t at = 0; at < len; total += columns) at += step(text + at, len - at, &columns);
    return total;
}

void print_clipped(struct print *p, const char *text, size_t len, size_t columns)
{
    size_t at = 0, used = 0, next = 0;
    bool coloured = false;
    while (at < len) {
        size_t size = step(text + at, len - at, &next);
        if (used + next > columns) break;
        if (text[at] == '\x1b') coloured = true;
        print_format(p, "%.*s", (int)size, text + at);
        used += next;
        at += size;
    }
    if (at < len && coloured) print_raw(p, "\x1b[0m");
}
