#include "bundle/delta_format.h"

#include <assert.h>
#include <string.h>

enum { VERSION = 1, LEVEL_MAX = 9, MEMORY_LEVEL_MAX = 9 };

static const char magic[4] = { 'M', 'D', 'L', 'T' };

const char *delta_packer_name(enum delta_packer packer)
{
    static const char *const names[] = { "none", "zlib", "pigz" };
    return names[packer];
}

static uint8_t *put(uint8_t *out, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++) out[i] = (uint8_t)(value >> (8 * i));
    return out + len;
}

static uint64_t get(const uint8_t **in, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) value |= (uint64_t)(*in)[i] << (8 * i);
    *in += len;
    return value;
}

void delta_header_encode(const struct delta_header *header, uint8_t out[DELTA_HEADER_SIZE])
{
    uint8_t *at = out;
    memcpy(at, magic, sizeof magic);
    at = put(at + sizeof magic, VERSION, 1);
    at = put(at, (uint64_t)header->packer, 1);
    at = put(at, (uint64_t)header->level, 1);
    at = put(at, (uint64_t)header->memory_level, 1);
    at = put(at, header->old_size, 8);
    at = put(at, header->new_size, 8);
    at = put(at, header->old_image, 8);
    at = put(at, header->new_image, 8);
    memcpy(at, header->sha256, DIGEST_SIZE);
    at = put(at + DIGEST_SIZE, header->gzip_header, 2);
    assert(at == out + DELTA_HEADER_SIZE);
}

static bool header_sound(const struct delta_header *h)
{
    if (h->old_size > INT64_MAX || h->new_size > INT64_MAX) return false;
    if (h->old_image > INT64_MAX || h->new_image > INT64_MAX) return false;
    if (h->packer == DELTA_PLAIN)
        return h->old_image == h->old_size && h->new_image == h->new_size && h->gzip_header == 0;
    return h->level >= 1 && h->level <= LEVEL_MAX && h->memory_level >= 1 &&
           h->memory_level <= MEMORY_LEVEL_MAX && h->gzip_header <= DELTA_GZIP_HEADER_MAX;
}

bool delta_header_decode(const uint8_t in[DELTA_HEADER_SIZE], struct delta_header *out,
                         struct error *err)
{
    const uint8_t *at = in + sizeof magic;
    if (memcmp(in, magic, sizeof magic) != 0) return error_set(err, ERR_CORRUPT, "not a delta");
    unsigned version = (unsigned)get(&at, 1);
    if (version != VERSION)
        return error_set(err, ERR_CORRUPT, "a delta of version %u, and %u is known", version,
                         (unsigned)VERSION);
    unsigned packer = (unsigned)get(&at, 1);
    if (packer > DELTA_PIGZ) return error_set(err, ERR_CORRUPT, "the delta's packer is %u", packer);
    struct delta_header h = { .packer = (enum delta_packer)packer };
    h.level = (int)get(&at, 1);
    h.memory_level = (int)get(&at, 1);
    h.old_size = get(&at, 8);
    h.new_size = get(&at, 8);
    h.old_image = get(&at, 8);
    h.new_image = get(&at, 8);
    memcpy(h.sha256, at, DIGEST_SIZE);
    at += DIGEST_SIZE;
    h.gzip_header = (size_t)get(&at, 2);
    if (!header_sound(&h)) return error_set(err, ERR_CORRUPT, "the delta's header is not sound");
    *out = h;
    return true;
}

static uint8_t *put_varint(uint8_t *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) *out++ = (uint8_t)(value | 0x80);
    *out++ = (uint8_t)value;
    return out;
}

size_t delta_instruction_encode(const struct delta_instruction *instruction, uint8_t *out)
{
    uint64_t seek = (uint64_t)instruction->seek;
    uint8_t *at = put_varint(out, instruction->seek < 0 ? ~(seek << 1) : seek << 1);
    at = put_varint(at, instruction->differ);
    at = put_varint(at, instruction->fresh);
    return (size_t)(at - out);
}
