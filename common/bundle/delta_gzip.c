#include "bundle/delta_gzip.h"

#include "io/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FIXED = 10, TRAILER = 8, CHUNK = 1 << 16, INPUT_MAX = 1 << 20, RELEASE_EVERY = 16 << 20 };
enum { FLAG_CRC = 2, FLAG_EXTRA = 4, FLAG_NAME = 8, FLAG_COMMENT = 16, FLAGS_UNKNOWN = 0xe0 };

static size_t text_end(struct bytes all, size_t at)
{
    const uint8_t *end = at < all.len ? memchr(all.data + at, 0, all.len - at) : NULL;
    return end ? (size_t)(end - all.data) + 1 : all.len;
}

/* Length of the header of RFC 1952; 0 when it is none, or longer than a delta may keep. */
static size_t header_length(struct bytes all)
{
    if (all.len < FIXED + TRAILER) return 0;
    if (all.data[0] != 0x1f || all.data[1] != 0x8b || all.data[2] != Z_DEFLATED) return 0;
    unsigned flags = all.data[3];
    size_t at = FIXED;
    if (flags & FLAGS_UNKNOWN) return 0;
    if (flags & FLAG_EXTRA) at += 2U + all.data[at] + (size_t)all.data[at + 1] * 256;
    if (flags & FLAG_NAME) at = text_end(all, at);
    if (flags & FLAG_COMMENT) at = text_end(all, at);
    if (flags & FLAG_CRC) at += 2;
    return at > DELTA_GZIP_HEADER_MAX || at + TRAILER > all.len ? 0 : at;
}

struct unpack {
    z_stream stream;
    int fd;
    uint64_t size, max;
    bool ended;
};

static void unpack_deinit(struct unpack *u)
{
    inflateEnd(&u->stream);
}

/* *sound is false when the bytes are no deflate stream, or too much comes out. */
NODISCARD static bool unpack_piece(struct unpack *u, uint8_t *out, bool *sound, struct error *err)
{
    do {
        u->stream.next_out = out;
        u->stream.avail_out = CHUNK;
        int rc = inflate(&u->stream, Z_NO_FLUSH);
        size_t len = CHUNK - u->stream.avail_out;
        u->ended = rc == Z_STREAM_END;
        u->size += len;
        if ((rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) || u->size > u->max) {
            *sound = false;
            return true;
        }
        if (!fs_write_all(u->fd, bytes_of(out, len), err)) return false;
    } while (!u->ended && u->stream.avail_out == 0);
    return true;
}

NODISCARD static bool unpack_all(struct unpack *u, const struct delta_map *from, size_t header,
                                 bool *sound, struct error *err)
{
    AUTO(auto_free) uint8_t *out = xcalloc(1, CHUNK);
    size_t at = header, end = from->all.len - TRAILER, released = 0;
    while (*sound && !u->ended && at < end) {
        size_t len = end - at < INPUT_MAX ? end - at : INPUT_MAX;
        u->stream.next_in = (Bytef *)(uintptr_t)(from->all.data + at);
        u->stream.avail_in = (uInt)len;
        if (!unpack_piece(u, out, sound, err)) return false;
        at += len - u->stream.avail_in;
        if (at - released < RELEASE_EVERY) continue;
        delta_map_release(from);
        released = at;
    }
    *sound = *sound && u->ended && at == end;
    return true;
}

bool delta_gzip_unpack(const struct delta_map *from, const char *to, uint64_t max,
                       struct delta_gzip *out, bool *found, struct error *err)
{
    size_t header = header_length(from->all);
    *found = false;
    if (header == 0) return true;
    AUTO(auto_close)
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return fs_error(err, "create", to);
    AUTO(unpack_deinit) struct unpack u = { .fd = fd, .max = max };
    if (inflateInit2(&u.stream, -MAX_WBITS) != Z_OK)
        return error_set(err, ERR_RETRY, "zlib has no memory");
    bool sound = true;
    if (!unpack_all(&u, from, header, &sound, err)) return false;
    if (!sound && unlink(to) < 0 && errno != ENOENT) return fs_error(err, "remove", to);
    *out = (struct delta_gzip){ .header = header, .size = u.size };
    *found = sound;
    return true;
}

struct expected {
    struct bytes packed;
    const struct delta_map *map;
    size_t at, released;
};

static bool as_expected(void *owner, struct bytes data, struct error *err)
{
    struct expected *e = owner;
    if (data.len > e->packed.len - e->at ||
        memcmp(e->packed.data + e->at, data.data, data.len) != 0)
        return error_set(err, ERR_CONFLICT, "packed otherwise");
    e->at += data.len;
    return true;
}

static bool packs_to(const struct delta_map *image, const struct delta_map *packed,
                     const struct delta_header *how)
{
    struct error ignored;
    struct expected expected = { .packed = packed->all, .map = packed, .at = how->gzip_header };
    AUTO(delta_pack_close) struct delta_pack pack = { 0 };
    if (!delta_pack_open(&pack, how, as_expected, &expected, &ignored)) return false;
    for (size_t at = 0, len; at < image->all.len; at += len) {
        len = image->all.len - at < CHUNK ? image->all.len - at : CHUNK;
        if (!delta_pack_write(&pack, bytes_of(image->all.data + at, len), &ignored)) return false;
        if (at - expected.released < RELEASE_EVERY) continue;
        delta_map_release(image);
        delta_map_release(packed);
        expected.released = at;
    }
    return delta_pack_end(&pack, &ignored) && expected.at == packed->all.len;
}

bool delta_gzip_setting(const struct delta_map *image, const struct delta_map *packed,
                        struct delta_header *how)
{
    /* What people use first. A wrong setting shows within the first blocks as a rule. */
    static const int levels[] = { 6, 9, 1, 5, 7, 8, 4, 3, 2 };
    static const int memory_levels[] = { 8, 9 };
    for (size_t l = 0; l < sizeof levels / sizeof levels[0]; l++)
        for (size_t m = 0; m < sizeof memory_levels / sizeof memory_levels[0]; m++)
            for (enum delta_packer packer = DELTA_ZLIB; packer <= DELTA_PIGZ; packer++) {
                how->packer = packer;
                how->level = levels[l];
                how->memory_level = memory_levels[m];
                if (packs_to(image, packed, how)) return true;
            }
    return false;
}
