/* wire_scratch.h - the memory of one protobuf tree: bounded, and gone at once.
 *
 * A bump allocator for protobuf-c that starts inside the structure (most messages need nothing
 * more) and never passes `max`, whatever the bytes ask for: protobuf-c amplifies unknown fields
 * 44 times and empty sub-messages 56 times. In front of each block lies the size that was asked
 * for: for a text its true length and a NUL, also when the peer put a NUL inside.
 * The structure holds pointers into itself: never copy it.
 */
#pragma once
#include "base/arena.h"
#include <protobuf-c/protobuf-c.h>

enum { WIRE_SCRATCH_FIRST = 8192, WIRE_SCRATCH_REUSED = 4 };
struct wire_scratch {
    ProtobufCAllocator allocator;
    struct arena arena;
    uint8_t *next;
    size_t left;
    bool exhausted;                    /* the maximum was met */
    void *reused[WIRE_SCRATCH_REUSED]; /* protobuf-c's large working areas, returned */
    uint64_t first[WIRE_SCRATCH_FIRST / sizeof(uint64_t)];
};
void wire_scratch_init(struct wire_scratch *s, size_t max);
void wire_scratch_deinit(struct wire_scratch *s);
/* Zeroed; NULL beyond the maximum. */
void *wire_scratch_take(struct wire_scratch *s, size_t size);
/* How many bytes were asked for at `p`. */
size_t wire_scratch_size(const void *p);
