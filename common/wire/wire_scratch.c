#include "wire/wire_scratch.h"

#include <string.h>

/* CHUNK: what is taken from the arena at a time. REUSE_MIN: protobuf-c frees only its tables of
 * scanned members (640 bytes and more) while it decodes; every message with more than 16 fields
 * needs one, so they are kept for the next. */
enum { CHUNK = 64 << 10, HEADER = sizeof(uint64_t), REUSE_MIN = 640 };

static void *scratch_reuse(struct wire_scratch *s, size_t size)
{
    for (size_t i = 0; i < WIRE_SCRATCH_REUSED; i++) {
        void *p = s->reused[i];
        if (!p || wire_scratch_size(p) != size) continue;
        s->reused[i] = NULL;
        return p;
    }
    return NULL;
}

static bool scratch_grow(struct wire_scratch *s, size_t want)
{
    size_t chunk = want > CHUNK ? want : CHUNK;
    s->next = arena_take(&s->arena, chunk, 1);
    s->left = s->next ? chunk : 0;
    return s->next;
}

/* Each block is preceded by the size that was asked for. */
static void *scratch_alloc(void *owner, size_t size)
{
    struct wire_scratch *s = owner;
    void *again = size >= REUSE_MIN ? scratch_reuse(s, size) : NULL;
    if (again) return again;
    size_t want = size < s->arena.max ? (size + HEADER - 1) / HEADER * HEADER + HEADER : SIZE_MAX;
    if (want > s->left && !scratch_grow(s, want)) {
        s->exhausted = true;
        return NULL;
    }
    uint64_t asked = size;
    memcpy(s->next, &asked, sizeof asked);
    void *p = s->next + HEADER;
    s->next += want;
    s->left -= want;
    return p;
}

static void scratch_free(void *owner, void *pointer)
{
    struct wire_scratch *s = owner;
    if (!pointer || wire_scratch_size(pointer) < REUSE_MIN) return;
    for (size_t i = 0; i < WIRE_SCRATCH_REUSED; i++) {
        if (s->reused[i]) continue;
        s->reused[i] = pointer;
        return;
    }
}

void wire_scratch_init(struct wire_scratch *s, size_t max)
{
    s->allocator = (ProtobufCAllocator){ scratch_alloc, scratch_free, s };
    arena_init(&s->arena, max);
    s->next = (uint8_t *)s->first;
    s->left = sizeof s->first;
    s->exhausted = false;
    memset(s->reused, 0, sizeof s->reused);
}

void wire_scratch_deinit(struct wire_scratch *s)
{
    arena_deinit(&s->arena);
}

void *wire_scratch_take(struct wire_scratch *s, size_t size)
{
    void *p = scratch_alloc(s, size);
    return p ? memset(p, 0, size) : NULL;
}

size_t wire_scratch_size(const void *p)
{
    uint64_t size;
    memcpy(&size, (const uint8_t *)p - HEADER, sizeof size);
    return (size_t)size;
}
