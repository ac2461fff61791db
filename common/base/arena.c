#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each block is twice as large as the last: many small ones would cost more in malloc and page
 * faults than what they hold. A reset keeps one that is no larger than BLOCK_MAX. */
enum { BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20 };

struct arena_block {
    struct arena_block *next;
    size_t used, cap;
    max_align_t data[];
};

void arena_init(struct arena *a, size_t max)
{
    assert(max > 0);
    *a = (struct arena){ .max = max };
}

void arena_deinit(struct arena *a)
{
    if (!a) return;
    while (a->blocks) {
        struct arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    a->used = 0;
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = NULL;
    while (a->blocks) {
        struct arena_block *block = a->blocks;
        a->blocks = block->next;
        bool better = block->cap <= BLOCK_MAX && (!keep || block->cap > keep->cap);
        free(better ? keep : block);
        if (better) keep = block;
    }
    a->used = 0;
    a->blocks = keep;
    if (!keep) return;
    keep->next = NULL;
    memset(keep->data, 0, keep->used);
    keep->used = 0;
}

static size_t block_size(const struct arena *a, size_t want)
{
    size_t cap = a->blocks ? a->blocks->cap * 2 : BLOCK_MIN;
    if (cap > BLOCK_MAX) cap = BLOCK_MAX;
    if (cap > a->max - a->used) cap = a->max - a->used; /* what it hands out is bounded, too */
    return cap > want ? cap : want;
}

void *arena_take(struct arena *a, size_t count, size_t size)
{
    if (size == 0) size = 1;
    if (count == 0) count = 1;
    if (count > a->max / size) return NULL;
    size_t want = count * size;
    want = (want + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (want > a->max - a->used) return NULL;
    struct arena_block *b = a->blocks;
    if (!b || b->cap - b->used < want) {
        size_t cap = block_size(a, want);
        b = xcalloc(1, sizeof *b + cap);
        b->cap = cap;
        b->next = a->blocks;
        a->blocks = b;
    }
    void *p = (uint8_t *)b->data + b->used;
    b->used += want;
    a->used += want;
    return p;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
    void *p = arena_take(a, count, size);
    if (!p) abort(); /* our own sizes are bounded: the caller forgot a limit */
    return p;
}

char *arena_text(struct arena *a, const char *text)
{
    return text ? arena_text_of(a, text, strlen(text)) : arena_text_of(a, "", 0);
}

char *arena_text_of(struct arena *a, const void *data, size_t len)
{
    char *p = arena_calloc(a, len + 1, 1);
    if (len) memcpy(p, data, len);
    return p;
}

char *arena_format(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    char *p = arena_calloc(a, (size_t)len + 1, 1);
    vsnprintf(p, (size_t)len + 1, format, again);
    va_end(again);
    return p;
}

struct bytes arena_bytes(struct arena *a, struct bytes from)
{
    return bytes_of(arena_text_of(a, from.data, from.len), from.len);
}
