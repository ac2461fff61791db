/* bundles.h - tar and zip written byte by byte, so that a test can lie in any field.
 *
 * A bundle is a struct buf with BUNDLE_MAX as its maximum; what does not fit ends the test.
 */
#pragma once
#include "base/bytes.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { BUNDLE_MAX = 1 << 26, TAR_BLOCK = 512, TAR_SUM = 148 };

static inline void put_bytes(struct buf *b, const void *data, size_t len)
{
    struct error err;
    bool fits = buf_append(b, data, len, &err);
    assert(fits);
}

static inline void put_number(struct buf *b, uint64_t value, size_t len)
{
    for (; len; len--, value >>= 8) put_bytes(b, &(uint8_t){ (uint8_t)value }, 1);
}

static inline void put_zeros(struct buf *b, size_t len)
{
    static const uint8_t zeros[TAR_BLOCK];
    for (; len > TAR_BLOCK; len -= TAR_BLOCK) put_bytes(b, zeros, TAR_BLOCK);
    put_bytes(b, zeros, len);
}

static inline void tar_sum(uint8_t *block)
{
    unsigned sum = 0;
    memset(block + TAR_SUM, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++) sum += block[i];
    snprintf((char *)block + TAR_SUM, 8, "%06o", sum);
}

static inline void tar_data(struct buf *b, const void *data, size_t len)
{
    put_bytes(b, data, len);
    put_zeros(b, (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK);
}

/* `size` may differ from what follows. */
static inline void tar_header(struct buf *b, char type, const char *name, const char *target,
                              unsigned mode, uint64_t size)
{
    uint8_t block[TAR_BLOCK] = { 0 };
    memcpy(block, name, strnlen(name, 100));
    snprintf((char *)block + 100, 8, "%07o", mode & 07777777);
    snprintf((char *)block + 108, 8, "%07o", 65534);
    snprintf((char *)block + 116, 8, "%07o", 65534);
    snprintf((char *)block + 124, 12, "%011llo", (unsigned long long)(size & 077777777777));
    snprintf((char *)block + 136, 12, "%011o", 1000000000);
    block[156] = (uint8_t)type;
    memcpy(block + 157, target, strnlen(target, 100));
    memcpy(block + 257, "ustar  ", 8);
    tar_sum(block);
    put_bytes(b, block, sizeof block);
}

static inline void tar_long(struct buf *b, char type, const char *text)
{
    tar_header(b, type, "././@LongLink", "", 0644, strlen(text) + 1);
    tar_data(b, text, strlen(text) + 1);
}

/* Names longer than 100 bytes go into a GNU long name. */
static inline void tar_entry(struct buf *b, char type, const char *name, const char *target,
                             unsigned mode, const void *data, size_t len)
{
    if (strlen(name) > 100) tar_long(b, 'L', name);
    if (strlen(target) > 100) tar_long(b, 'K', target);
    tar_header(b, type, name, target, mode, len);
    tar_data(b, data, len);
}

static inline void tar_end(struct buf *b)
{
    put_zeros(b, 2 * (size_t)TAR_BLOCK);
}

struct zip_entry {
    const char *name, *listed; /* in front of the data, and in the list (NULL: the same) */
    uint32_t mode;             /* unix, with the type; 0: none */
    const char *data;
    uint8_t system;                               /* 3 unix, 0 DOS */
    uint16_t flags;                               /* 1 encrypted, 0x800 UTF-8 */
    uint32_t wrong_sum, wrong_size, wrong_offset; /* added to the true value */
};

static inline uint32_t zip_sum(const char *data, size_t len)
{
    uint32_t sum = 0xffffffff;
    for (size_t i = 0; i < len; i++) {
        sum ^= (uint8_t)data[i];
        for (int k = 0; k < 8; k++) sum = sum >> 1 ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return ~sum;
}

static inline void zip_fields(struct buf *b, const struct zip_entry *e, size_t name_len)
{
    size_t len = strlen(e->data);
    put_number(b, 20, 2);
    put_number(b, e->flags, 2);
    put_number(b, 0, 2); /* stored */
    put_number(b, 0x21294000, 4);
    put_number(b, zip_sum(e->data, len) + e->wrong_sum, 4);
    put_number(b, len, 4);
    put_number(b, len + e->wrong_size, 4);
    put_number(b, name_len, 2);
    put_number(b, 0, 2);
}

static inline void zip_write(struct buf *b, const struct zip_entry *entries, size_t count)
{
    uint64_t offsets[64];
    assert(count <= 64);
    for (size_t i = 0; i < count; i++) {
        offsets[i] = b->len;
        put_number(b, 0x04034b50, 4);
        zip_fields(b, &entries[i], strlen(entries[i].name));
        put_bytes(b, entries[i].name, strlen(entries[i].name));
        put_bytes(b, entries[i].data, strlen(entries[i].data));
    }
    uint64_t start = b->len;
    for (size_t i = 0; i < count; i++) {
        const struct zip_entry *e = &entries[i];
        const char *listed = e->listed ? e->listed : e->name;
        put_number(b, 0x02014b50, 4);
        put_number(b, 20u | (uint64_t)e->system << 8, 2);
        zip_fields(b, e, strlen(listed));
        put_number(b, 0, 6); /* no comment, disk 0, internal attributes */
        put_number(b, (uint64_t)e->mode << 16, 4);
        put_number(b, offsets[i] + e->wrong_offset, 4);
        put_bytes(b, listed, strlen(listed));
    }
    uint64_t size = b->len - start;
    put_number(b, 0x06054b50, 4);
    put_number(b, 0, 4);
    put_number(b, count | count << 16, 4);
    put_number(b, size, 4);
    put_number(b, start, 4);
    put_number(b, 0, 2);
}
