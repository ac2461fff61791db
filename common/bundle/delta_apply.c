#include "bundle/delta_image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

enum { CHUNK = 1 << 16, RELEASE_EVERY = 16 << 20 };

struct apply {
    const struct delta_job *job;
    struct delta_header header;
    const struct delta_map *old;
    int delta, out;
    ZSTD_DCtx *zstd;
    ZSTD_inBuffer in;
    bool delta_ended;
    struct delta_pack pack;
    struct digest digest;
    uint64_t written; /* of the new file */
    uint64_t made;    /* of its image */
    uint64_t place_old, released;
    uint8_t packed[CHUNK], piece[CHUNK];
};

static void apply_free(struct apply **apply)
{
    struct apply *a = *apply;
    if (!a) return;
    ZSTD_freeDCtx(a->zstd);
    delta_pack_close(&a->pack);
    digest_deinit(&a->digest);
    auto_close(&a->delta);
    auto_close(&a->out);
    free(a);
}

static bool corrupt(struct error *err, const char *what)
{
    return error_set(err, ERR_CORRUPT, "the delta %s", what);
}

/* Exactly `len` more bytes of the unpacked instructions. */
NODISCARD static bool take(struct apply *a, uint8_t *data, size_t len, struct error *err)
{
    ZSTD_outBuffer out = { data, len, 0 };
    while (out.pos < out.size) {
        size_t before = out.pos;
        if (a->in.pos == a->in.size && !a->delta_ended) {
            size_t got;
            if (!fs_read_full(a->delta, a->packed, CHUNK, &got, err)) return false;
            a->in = (ZSTD_inBuffer){ a->packed, got, 0 };
            a->delta_ended = got < CHUNK;
        }
        size_t rc = ZSTD_decompressStream(a->zstd, &out, &a->in);
        if (ZSTD_isError(rc)) return corrupt(err, ZSTD_getErrorName(rc));
        if (out.pos == before && a->in.pos == a->in.size && a->delta_ended)
            return corrupt(err, "is cut");
    }
    return true;
}

NODISCARD static bool take_varint(struct apply *a, uint64_t *out, struct error *err)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < DELTA_VARINT_MAX - 1; i++) {
        uint8_t byte;
        if (!take(a, &byte, 1, err)) return false;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80) continue;
        *out = value;
        return true;
    }
    return corrupt(err, "has a number beyond 63 bits");
}

static bool write_file(void *owner, struct bytes data, struct error *err)
{
    struct apply *a = owner;
    if (data.len > a->header.new_size - a->written) return corrupt(err, "makes too much");
    a->written += data.len;
    digest_update(&a->digest, data);
    return fs_write_all(a->out, data, err);
}

NODISCARD static bool write_image(struct apply *a, struct bytes data, struct error *err)
{
    const struct delta_job *job = a->job;
    a->made += data.len;
    if (a->header.packer == DELTA_PLAIN ? !write_file(a, data, err)
                                        : !delta_pack_write(&a->pack, data, err))
        return false;
    if (a->made - a->released < RELEASE_EVERY) return true;
    a->released = a->made;
    delta_map_release(a->old);
    if (!job->go_on || job->go_on(job->owner, a->made, a->header.new_image)) return true;
    return error_set(err, ERR_CONFLICT, "ended");
}

NODISCARD static bool differing(struct apply *a, uint64_t len, struct error *err)
{
    if (len > a->header.new_image - a->made) return corrupt(err, "makes too much");
    if (len > a->header.old_image - a->place_old) return corrupt(err, "reads behind the old file");
    while (len > 0) {
        size_t now = len < CHUNK ? (size_t)len : CHUNK;
        const uint8_t *old = a->old->all.data + a->place_old;
        if (!take(a, a->piece, now, err)) return false;
        for (size_t i = 0; i < now; i++) a->piece[i] = (uint8_t)(a->piece[i] + old[i]);
        if (!write_image(a, bytes_of(a->piece, now), err)) return false;
        a->place_old += now;
        len -= now;
    }
    return true;
}

NODISCARD static bool fresh(struct apply *a, uint64_t len, struct error *err)
{
    if (len > a->header.new_image - a->made) return corrupt(err, "makes too much");
    while (len > 0) {
        size_t now = len < CHUNK ? (size_t)len : CHUNK;
        if (!take(a, a->piece, now, err)) return false;
        if (!write_image(a, bytes_of(a->piece, now), err)) return false;
        len -= now;
    }
    return true;
}

NODISCARD static bool seek(struct apply *a, uint64_t code, struct error *err)
{
    uint64_t distance = code >> 1;
    bool back = code & 1;
    if (back ? distance + 1 > a->place_old : distance > a->header.old_image - a->place_old)
        return corrupt(err, "leaves the old file");
    a->place_old = back ? a->place_old - distance - 1 : a->place_old + distance;
    return true;
}

NODISCARD static bool instructions(struct apply *a, struct error *err)
{
    while (a->made < a->header.new_image) {
        uint64_t differ, more, distance;
        if (!take_varint(a, &distance, err) || !take_varint(a, &differ, err) ||
            !take_varint(a, &more, err))
            return false;
        if (differ == 0 && more == 0) return corrupt(err, "has an empty instruction");
        if (!seek(a, distance, err) || !differing(a, differ, err) || !fresh(a, more, err))
            return false;
    }
    return true;
}

NODISCARD static bool open_delta(struct apply *a, struct error *err)
{
    uint8_t code[DELTA_HEADER_SIZE];
    size_t got;
    a->delta = open(a->job->delta_path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (a->delta < 0) return fs_error(err, "open", a->job->delta_path);
    if (!fs_read_full(a->delta, code, sizeof code, &got, err)) return false;
    if (got < sizeof code) return corrupt(err, "is cut");
    if (!delta_header_decode(code, &a->header, err)) return false;
    if (a->header.new_image > a->job->unpacked_max && a->header.packer != DELTA_PLAIN)
        return error_set(err, ERR_NO_SPACE, "the delta unpacks to %llu bytes, beyond the limit",
                         (unsigned long long)a->header.new_image);
    a->zstd = ZSTD_createDCtx();
    if (!a->zstd ||
        ZSTD_isError(ZSTD_DCtx_setParameter(a->zstd, ZSTD_d_windowLogMax, DELTA_WINDOW_LOG)))
        return error_set(err, ERR_RETRY, "zstd has no memory");
    return true;
}

NODISCARD static bool open_output(struct apply *a, struct error *err)
{
    uint8_t gzip_header[DELTA_GZIP_HEADER_MAX];
    size_t got, len = a->header.gzip_header;
    a->out = open(a->job->new_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (a->out < 0) return fs_error(err, "create", a->job->new_path);
    digest_init(&a->digest);
    if (a->header.packer == DELTA_PLAIN) return true;
    if (!fs_read_full(a->delta, gzip_header, len, &got, err)) return false;
    if (got < len) return corrupt(err, "is cut");
    return write_file(a, bytes_of(gzip_header, len), err) &&
           delta_pack_open(&a->pack, &a->header, write_file, a, err);
}

NODISCARD static bool apply_run(struct apply *a, struct error *err)
{
    uint8_t digest[DIGEST_SIZE];
    if (!open_output(a, err) || !instructions(a, err)) return false;
    if (a->header.packer != DELTA_PLAIN && !delta_pack_end(&a->pack, err)) return false;
    digest_end(&a->digest, digest);
    if (a->written != a->header.new_size || !digest_equal(digest, a->header.sha256, DIGEST_SIZE))
        return error_set(err, ERR_CORRUPT, "what the delta makes has another digest");
    if (fsync(a->out) < 0) return fs_error(err, "sync", a->job->new_path);
    return true;
}

bool delta_apply(const struct delta_job *job, struct error *err)
{
    AUTO(delta_image_close) struct delta_image old = { 0 };
    AUTO(apply_free) struct apply *a = xcalloc(1, sizeof *a);
    a->job = job;
    a->delta = a->out = -1;
    if (!open_delta(a, err) || !delta_image_open(&old, job->old_path, err)) return false;
    if (a->header.packer != DELTA_PLAIN &&
        !delta_image_unpack(&old, job->scratch, "delta.old", job->unpacked_max, err))
        return false;
    a->old = delta_image_map(&old);
    if (old.file.all.len != a->header.old_size || a->old->all.len != a->header.old_image)
        return error_set(err, ERR_INVALID, "the delta was made for another old file");
    if (apply_run(a, err)) return true;
    unlink(job->new_path);
    return false;
}
