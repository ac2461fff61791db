/* arena.h - memory for everything that lives exactly as long as one turn or one message.
 *
 * Whatever a decoded message or an action points to lies in one arena, so that ownership is one
 * sentence: it is borrowed until arena_reset() or arena_deinit(). The maximum bounds what a
 * hostile message can make us allocate; arena_take() returns NULL beyond it, and only decoders,
 * which read bytes from outside, meet that case. Everything handed out is zeroed.
 */
#pragma once
#include "base/bytes.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used, max;
};

void arena_init(struct arena *a, size_t max);
void arena_deinit(struct arena *a); /* accepts a zeroed arena */
void arena_reset(struct arena *a);  /* forgets everything, keeps the largest small block */

/* NULL when the maximum would be passed: for decoders. */
void *arena_take(struct arena *a, size_t count, size_t size);
/* For our own code, whose sizes are bounded: passing the maximum is a programming error. */
void *arena_calloc(struct arena *a, size_t count, size_t size);
char *arena_text(struct arena *a, const char *text); /* NULL is copied as "" */
char *arena_text_of(struct arena *a, const void *data, size_t len);
char *arena_format(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
struct bytes arena_bytes(struct arena *a, struct bytes from);
