#include "base/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){ .data = data, .len = len };
}

struct bytes bytes_of_text(const char *text)
{
    return bytes_of(text, strlen(text));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

void buf_init(struct buf *b, size_t max)
{
    assert(max > 0);
    *b = (struct buf){ .max = max };
}

void buf_deinit(struct buf *b)
{
    if (!b) return;
    free(b->data);
    *b = (struct buf){ 0 };
}

void buf_clear(struct buf *b)
{
    b->len = 0;
}

bool buf_reserve(struct buf *b, size_t len, struct error *err)
{
    assert(b->len <= b->max);
    if (len > b->max - b->len)
        return error_set(err, ERR_NO_SPACE, "more than the limit of %zu bytes", b->max);
    if (b->len + len <= b->cap) return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap < b->len + len) cap = cap > b->max / 2 ? b->max : cap * 2;
    b->data = xrealloc(b->data, cap);
    b->cap = cap;
    return true;
}

bool buf_append(struct buf *b, const void *data, size_t len, struct error *err)
{
    if (len == 0) return true;
    if (!buf_reserve(b, len, err)) return false;
    memcpy(b->data + b->len, data, len);
    b->len += len;
    return true;
}

bool buf_append_text(struct buf *b, const char *text, struct error *err)
{
    return buf_append(b, text, strlen(text), err);
}

struct bytes buf_bytes(const struct buf *b)
{
    return bytes_of(b->data, b->len);
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p) abort();
    return p;
}

void *xrealloc(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (!p) abort();
    return p;
}

char *xstrdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(xcalloc(size, 1), text, size);
}

void auto_free(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

void hex_format(const uint8_t *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool hex_parse(const char *text, uint8_t *out, size_t len)
{
    if (strlen(text) != 2 * len) return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

bool text_copy(char *out, size_t size, const char *text)
{
    assert(size > 0);
    size_t len = strlen(text);
    if (len >= size) {
        out[0] = '\0';
        return false;
    }
    memcpy(out, text, len + 1);
    return true;
}

bool text_equal(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    size_t len = strlen(text), tail = strlen(suffix);
    return len >= tail && strcmp(text + len - tail, suffix) == 0;
}
