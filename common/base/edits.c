#include "base/edits.h"

#include <assert.h>
#include <string.h>

enum {
    RUN = 12,     /* equal bytes that end a difference: more than telling of them costs */
    WINDOW = 256, /* bytes of both values that one difference may take */
    SLOT_BITS = 9,
    STEPS_MAX = 64,
    NUMBER_MAX = 10
};

static size_t common_start(struct bytes a, struct bytes b)
{
    size_t most = a.len < b.len ? a.len : b.len, n = 0;
    while (n < most && a.data[n] == b.data[n]) n++;
    return n;
}

static size_t common_end(struct bytes a, struct bytes b)
{
    size_t most = a.len < b.len ? a.len : b.len, n = 0;
    while (n < most && a.data[a.len - 1 - n] == b.data[b.len - 1 - n]) n++;
    return n;
}

static struct bytes behind(struct bytes from, size_t count)
{
    return count ? bytes_of(from.data + count, from.len - count) : from;
}

static size_t slot_of(const uint8_t *run)
{
    uint64_t word;
    memcpy(&word, run, sizeof word);
    return (size_t)(word * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SLOT_BITS));
}

/* Where the two agree again: the least that has to be dropped of the one and put in of the other.
 */
static bool agree(struct bytes old, struct bytes new, size_t *drop, size_t *add)
{
    uint16_t places[1 << SLOT_BITS] = { 0 }; /* in the old one, from 1; the first of a slot */
    for (size_t i = 0; i < WINDOW && i + RUN <= old.len; i++) {
        uint16_t *place = &places[slot_of(old.data + i)];
        if (!*place) *place = (uint16_t)(i + 1);
    }
    size_t least = SIZE_MAX;
    for (size_t j = 0; j < WINDOW && j < least && j + RUN <= new.len; j++) {
        size_t place = places[slot_of(new.data + j)];
        if (!place || place - 1 + j >= least) continue;
        if (memcmp(old.data + place - 1, new.data + j, RUN) != 0) continue;
        least = place - 1 + j;
        *drop = place - 1;
        *add = j;
    }
    return least < SIZE_MAX;
}

static void put(struct buf *out, const void *data, size_t len)
{
    struct error err = { 0 };
    bool fits = buf_append(out, data, len, &err);
    assert(fits);
}

static void put_number(struct buf *out, size_t number)
{
    uint8_t bytes[NUMBER_MAX];
    size_t len = 0;
    for (; number > 0x7f; number >>= 7) bytes[len++] = (uint8_t)(0x80 | (number & 0x7f));
    bytes[len++] = (uint8_t)number;
    put(out, bytes, len);
}

void edits_make(struct bytes old, struct bytes new, struct buf *out)
{
    for (size_t steps = 0; new.len > 0; steps++) {
        size_t keep = common_start(old, new), drop = 0, add = 0;
        old = behind(old, keep);
        new = behind(new, keep);
        if (steps >= STEPS_MAX || !agree(old, new, &drop, &add)) {
            size_t end = common_end(old, new);
            drop = old.len - end;
            add = new.len - end;
        }
        put_number(out, keep);
        put_number(out, drop);
        put_number(out, add);
        if (add) put(out, new.data, add);
        old = behind(old, drop);
        new = behind(new, add);
    }
}

static bool take_number(struct bytes *from, size_t *number)
{
    uint64_t value = 0;
    for (unsigned shift = 0; from->len > 0 && shift < 63; shift += 7) {
        uint8_t byte = from->data[0];
        *from = behind(*from, 1);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        *number = (size_t)value;
        return true;
    }
    return false;
}

bool edits_apply(struct bytes old, struct bytes edits, struct buf *out, struct error *err)
{
    while (edits.len > 0) {
        size_t keep, drop, add;
        if (!take_number(&edits, &keep) || !take_number(&edits, &drop) ||
            !take_number(&edits, &add))
            return error_set(err, ERR_CORRUPT, "the edits end within a number");
        if (keep > old.len || drop > old.len - keep)
            return error_set(err, ERR_CORRUPT, "the edits are not of a value of this length");
        if (add > edits.len) return error_set(err, ERR_CORRUPT, "the edits end within new bytes");
        if ((keep && !buf_append(out, old.data, keep, err)) ||
            (add && !buf_append(out, edits.data, add, err))) {
            err->code = ERR_CORRUPT;
            return error_wrap(err, "the edits make too large a value");
        }
        old = behind(old, keep + drop);
        edits = behind(edits, add);
    }
    return true;
}

/* FNV-1a over words of eight bytes, the least significant first. */
static uint64_t digest_add(uint64_t hash, struct bytes value)
{
    hash ^= value.len;
    for (size_t at = 0; at < value.len; at += 8) {
        uint64_t word = 0;
        for (size_t i = 0; i < 8 && at + i < value.len; i++)
            word |= (uint64_t)value.data[at + i] << 8 * i;
        hash = (hash ^ word) * UINT64_C(0x100000001b3);
        hash ^= hash >> 32;
    }
    return hash * UINT64_C(0x100000001b3);
}

uint64_t edits_digest(struct bytes old, struct bytes new)
{
    return digest_add(digest_add(UINT64_C(0xcbf29ce484222325), old), new);
}
