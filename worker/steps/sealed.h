/* sealed.h - small binary files that are read back only if they are whole.
 *
 * A sealed file is a magic line, numbers (little endian) and texts (length, bytes: any byte may
 * be in a name), and at its end the SHA-256 of all before it. sealed_write() replaces the file
 * durably; sealed_open() refuses a file that is cut, changed, of another kind or larger than its
 * limit with ERR_CORRUPT. Bytes behind the seal are allowed when the caller asks for their number:
 * they are the marks of a journal.
 *
 * The writer never fails before sealed_write(), which reports a passed limit. The reader's getters
 * return zero or "" past the end and set `broken`: look at it once at the end.
 */
#pragma once
#include "base/arena.h"
#include <sys/types.h>

struct sealed_writer {
    struct buf body;
    bool full; /* the limit was passed */
};

void sealed_init(struct sealed_writer *w, const char *magic, size_t max);
void sealed_deinit(struct sealed_writer *w);
void sealed_put(struct sealed_writer *w, uint64_t number);
void sealed_put_bytes(struct sealed_writer *w, struct bytes bytes);
void sealed_put_text(struct sealed_writer *w, const char *text);
NODISCARD bool sealed_write(struct sealed_writer *w, const char *path, struct error *err);

struct sealed_reader {
    struct buf file;
    struct bytes rest;
    size_t sealed_len; /* with the seal: marks begin here */
    bool broken;
};

/* `marks` NULL: bytes behind the seal are an error. Give back with sealed_close(). */
NODISCARD bool sealed_open(struct sealed_reader *r, const char *path, const char *magic, size_t max,
                           struct bytes *marks, struct error *err);
void sealed_close(struct sealed_reader *r);
uint64_t sealed_get(struct sealed_reader *r);
/* Copied into the arena with a NUL behind; a text with a NUL inside is broken. */
struct bytes sealed_get_bytes(struct sealed_reader *r, struct arena *arena);
const char *sealed_get_text(struct sealed_reader *r, struct arena *arena);
