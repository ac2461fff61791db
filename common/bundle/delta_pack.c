#include "bundle/delta_gzip.h"

#include <string.h>

/* pigz: pieces of 128 KiB, each with the 32 KiB before it as its dictionary. */
enum { CHUNK = 1 << 16, PIECE = 128 << 10, DICTIONARY = 32 << 10 };

void delta_pack_close(struct delta_pack *pack)
{
    if (pack->out) deflateEnd(&pack->stream);
    buf_deinit(&pack->piece);
    buf_deinit(&pack->before);
    auto_free(&pack->out);
    *pack = (struct delta_pack){ 0 };
}

bool delta_pack_open(struct delta_pack *pack, const struct delta_header *how, delta_sink_fn fn,
                     void *owner, struct error *err)
{
    *pack = (struct delta_pack){ .packer = how->packer, .fn = fn, .owner = owner };
    if (deflateInit2(&pack->stream, how->level, Z_DEFLATED, -MAX_WBITS, how->memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return error_set(err, ERR_RETRY, "zlib has no memory");
    pack->out = xcalloc(1, CHUNK);
    pack->crc = (uint32_t)crc32(0, NULL, 0);
    buf_init(&pack->piece, PIECE);
    buf_init(&pack->before, DICTIONARY);
    return true;
}

NODISCARD static bool run(struct delta_pack *pack, struct bytes in, int flush, struct error *err)
{
    pack->stream.next_in = (Bytef *)(uintptr_t)in.data;
    pack->stream.avail_in = (uInt)in.len;
    do {
        pack->stream.next_out = pack->out;
        pack->stream.avail_out = CHUNK;
        int rc = deflate(&pack->stream, flush);
        if (rc == Z_STREAM_ERROR) return error_set(err, ERR_FATAL, "zlib refuses to pack");
        if (!pack->fn(pack->owner, bytes_of(pack->out, CHUNK - pack->stream.avail_out), err))
            return false;
    } while (pack->stream.avail_out == 0);
    return true;
}

static int bits_pending(struct delta_pack *pack)
{
    int bits = 0;
    deflatePending(&pack->stream, Z_NULL, &bits);
    return bits;
}

/* Ends a piece on a byte's boundary with empty blocks, as pigz does. */
NODISCARD static bool piece_align(struct delta_pack *pack, struct error *err)
{
    const struct bytes none = { NULL, 0 };
    int bits = bits_pending(pack);
    if (bits & 1) return run(pack, none, Z_SYNC_FLUSH, err);
    if ((bits & 7) == 0) return true;
    while (bits_pending(pack) & 7)
        if (deflatePrime(&pack->stream, 10, 2) != Z_OK)
            return error_set(err, ERR_FATAL, "zlib refuses an empty block");
    return run(pack, none, Z_BLOCK, err);
}

NODISCARD static bool piece_pack(struct delta_pack *pack, bool last, struct error *err)
{
    struct bytes piece = buf_bytes(&pack->piece), before = buf_bytes(&pack->before);
    if (deflateReset(&pack->stream) != Z_OK ||
        (before.len > 0 &&
         deflateSetDictionary(&pack->stream, before.data, (uInt)before.len) != Z_OK))
        return error_set(err, ERR_FATAL, "zlib refuses a dictionary");
    if (!run(pack, piece, last ? Z_FINISH : Z_BLOCK, err)) return false;
    if (!last && !piece_align(pack, err)) return false;
    size_t len = piece.len < DICTIONARY ? piece.len : DICTIONARY;
    buf_clear(&pack->before);
    if (len > 0 && !buf_append(&pack->before, piece.data + piece.len - len, len, err)) return false;
    buf_clear(&pack->piece);
    return true;
}

bool delta_pack_write(struct delta_pack *pack, struct bytes data, struct error *err)
{
    if (data.len == 0) return true;
    pack->crc = (uint32_t)crc32(pack->crc, data.data, (uInt)data.len);
    pack->size += data.len;
    if (pack->packer == DELTA_ZLIB) return run(pack, data, Z_NO_FLUSH, err);
    while (data.len > 0) {
        if (pack->piece.len == PIECE && !piece_pack(pack, false, err)) return false;
        size_t len = PIECE - pack->piece.len;
        if (len > data.len) len = data.len;
        if (!buf_append(&pack->piece, data.data, len, err)) return false;
        data = bytes_of(data.data + len, data.len - len);
    }
    return true;
}

bool delta_pack_end(struct delta_pack *pack, struct error *err)
{
    const struct bytes none = { NULL, 0 };
    uint8_t trailer[8];
    if (pack->packer == DELTA_ZLIB ? !run(pack, none, Z_FINISH, err) : !piece_pack(pack, true, err))
        return false;
    for (unsigned i = 0; i < 4; i++) {
        trailer[i] = (uint8_t)(pack->crc >> (8 * i));
        trailer[4 + i] = (uint8_t)(pack->size >> (8 * i));
    }
    return pack->fn(pack->owner, bytes_of(trailer, sizeof trailer), err);
}
