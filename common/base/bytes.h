/* bytes.h - borrowed byte ranges, owned growing buffers, and memory that cannot fail.
 *
 * `struct bytes` travels by value and owns nothing. `struct buf` owns its memory and has a
 * maximum from birth: an append beyond it is an error of the input, never of the program.
 * Allocation failure ends the process (xcalloc and friends): sizes from outside are compared
 * with a named limit before anything is allocated, so it means the host is out of memory.
 */
#pragma once
#include "base/error.h"
#include <stdint.h>

struct bytes {
    const uint8_t *data;
    size_t len;
};

struct bytes bytes_of(const void *data, size_t len);
struct bytes bytes_of_text(const char *text);
bool bytes_equal(struct bytes a, struct bytes b);

struct buf {
    uint8_t *data; /* NULL while empty */
    size_t len, cap, max;
};

void buf_init(struct buf *b, size_t max);
void buf_deinit(struct buf *b); /* accepts a zeroed buffer */
void buf_clear(struct buf *b);  /* keeps the memory */
NODISCARD bool buf_append(struct buf *b, const void *data, size_t len, struct error *err);
NODISCARD bool buf_append_text(struct buf *b, const char *text, struct error *err);
/* Room for `len` more bytes behind the end; the caller fills it and adds to b->len. */
NODISCARD bool buf_reserve(struct buf *b, size_t len, struct error *err);
struct bytes buf_bytes(const struct buf *b);

void *xcalloc(size_t count, size_t size); /* zeroed */
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);
void auto_free(void *pointer_to_pointer); /* for AUTO(auto_free) char *text */

enum { HEX_SHA256_SIZE = 65 };
/* Writes 2 * len lower-case digits and a NUL. */
void hex_format(const uint8_t *data, size_t len, char *out);
/* False unless text is exactly 2 * len hexadecimal digits. */
NODISCARD bool hex_parse(const char *text, uint8_t *out, size_t len);

/* Copies with a NUL; false (and an empty out) when text does not fit. */
NODISCARD bool text_copy(char *out, size_t size, const char *text);
bool text_equal(const char *a, const char *b);
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
