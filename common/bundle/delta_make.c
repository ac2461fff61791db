#include "bundle/delta_image.h"
#include "bundle/delta_match.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

/* Level 12 packs the runs of zeros and of equal differences nearly as small as 19 does. A small
 * file gets a small window, and none a large one: zstd's tables are some twenty times its size. */
enum { CHUNK = 1 << 16, LEVEL = 12, WINDOW_LOG_MIN = 14, WINDOW_LOG_MAX = 21 };

struct make {
    const struct delta_job *job;
    const struct delta_map *old, *new;
    ZSTD_CCtx *zstd;
    int fd;
    uint64_t size, told;
    uint8_t differ[CHUNK], out[CHUNK];
};

static void make_free(struct make **make)
{
    if (!*make) return;
    ZSTD_freeCCtx((*make)->zstd);
    auto_close(&(*make)->fd);
    free(*make);
}

NODISCARD static bool put(struct make *m, struct bytes data, ZSTD_EndDirective end,
                          struct error *err)
{
    ZSTD_inBuffer in = { data.data, data.len, 0 };
    for (;;) {
        ZSTD_outBuffer out = { m->out, sizeof m->out, 0 };
        size_t left = ZSTD_compressStream2(m->zstd, &out, &in, end);
        if (ZSTD_isError(left))
            return error_set(err, ERR_RETRY, "zstd: %s", ZSTD_getErrorName(left));
        if (!fs_write_all(m->fd, bytes_of(m->out, out.pos), err)) return false;
        m->size += out.pos;
        if (end == ZSTD_e_continue ? in.pos == in.size : left == 0) return true;
    }
}

static bool instruct(void *owner, const struct delta_instruction *instruction, uint64_t old_at,
                     uint64_t new_at, struct error *err)
{
    struct make *m = owner;
    const struct delta_job *job = m->job;
    uint8_t code[3 * DELTA_VARINT_MAX];
    size_t len = delta_instruction_encode(instruction, code);
    if (!put(m, bytes_of(code, len), ZSTD_e_continue, err)) return false;
    const uint8_t *old = m->old->all.data + old_at, *new = m->new->all.data + new_at;
    for (uint64_t at = 0; at < instruction->differ; at += len) {
        len = instruction->differ - at < CHUNK ? (size_t)(instruction->differ - at) : CHUNK;
        for (size_t i = 0; i < len; i++) m->differ[i] = (uint8_t)(new[at + i] - old[at + i]);
        if (!put(m, bytes_of(m->differ, len), ZSTD_e_continue, err)) return false;
    }
    const uint8_t *fresh = new + instruction->differ;
    if (!put(m, bytes_of(fresh, (size_t)instruction->fresh), ZSTD_e_continue, err)) return false;
    uint64_t done = new_at + instruction->differ + instruction->fresh;
    if (!job->go_on || done - m->told < CHUNK) return true;
    m->told = done;
    if (job->go_on(job->owner, done, m->new->all.len)) return true;
    return error_set(err, ERR_CONFLICT, "ended");
}

NODISCARD static bool make_start(struct make *m, const struct delta_header *header,
                                 struct bytes gzip_header, struct error *err)
{
    uint8_t code[DELTA_HEADER_SIZE];
    int window_log = WINDOW_LOG_MIN;
    while (window_log < WINDOW_LOG_MAX && header->new_image >> window_log > 0) window_log++;
    m->fd = open(m->job->delta_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (m->fd < 0) return fs_error(err, "create", m->job->delta_path);
    m->zstd = ZSTD_createCCtx();
    if (!m->zstd || ZSTD_isError(ZSTD_CCtx_setParameter(m->zstd, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(m->zstd, ZSTD_c_windowLog, window_log)))
        return error_set(err, ERR_RETRY, "zstd has no memory");
    delta_header_encode(header, code);
    m->size = sizeof code + gzip_header.len;
    return fs_write_all(m->fd, bytes_of(code, sizeof code), err) &&
           fs_write_all(m->fd, gzip_header, err);
}

NODISCARD static bool make_run(struct make *m, const struct delta_header *header,
                               const struct delta_image *new, struct error *err)
{
    const struct bytes none = { NULL, 0 };
    struct bytes gzip_header = bytes_of(new->file.all.data, header->gzip_header);
    return make_start(m, header, gzip_header, err) &&
           delta_match(m->old, m->new, m->job->memory_max, instruct, m, err) &&
           put(m, none, ZSTD_e_end, err);
}

/* Unpacks both, if the new one can be packed again. */
NODISCARD static bool unpack(const struct delta_job *job, struct delta_image *old,
                             struct delta_image *new, struct delta_header *header,
                             struct error *err)
{
    if (!delta_image_unpack(new, job->scratch, "delta.new", job->unpacked_max, err)) return false;
    if (!new->path[0]) return true;
    header->gzip_header = new->gzip.header;
    if (delta_gzip_setting(&new->unpacked, &new->file, header))
        return delta_image_unpack(old, job->scratch, "delta.old", job->unpacked_max, err);
    header->packer = DELTA_PLAIN;
    header->level = header->memory_level = 0;
    header->gzip_header = 0;
    return true;
}

bool delta_make(const struct delta_job *job, struct delta_made *made, struct error *err)
{
    AUTO(delta_image_close) struct delta_image old = { 0 };
    AUTO(delta_image_close) struct delta_image new = { 0 };
    struct delta_header header = { .packer = DELTA_PLAIN };
    if (job->memory_max < DELTA_MEMORY_MIN)
        return error_set(err, ERR_NO_SPACE, "a delta needs %d bytes of memory", DELTA_MEMORY_MIN);
    if (!delta_image_open(&old, job->old_path, err) || !delta_image_open(&new, job->new_path, err))
        return false;
    if (!digest_file(job->new_path, header.sha256, &header.new_size, err)) return false;
    if (!unpack(job, &old, &new, &header, err)) return false;
    bool plain = header.packer == DELTA_PLAIN;
    AUTO(make_free) struct make *m = xcalloc(1, sizeof *m);
    m->job = job;
    m->fd = -1;
    m->old = plain ? &old.file : delta_image_map(&old);
    m->new = plain ? &new.file : delta_image_map(&new);
    header.old_size = old.file.all.len;
    header.old_image = m->old->all.len;
    header.new_image = m->new->all.len;
    if (!make_run(m, &header, &new, err)) {
        unlink(job->delta_path);
        return false;
    }
    *made = (struct delta_made){ .packer = header.packer, .size = m->size };
    return true;
}
