#include "steps/fetch/keep_log.h"

#include "io/digest.h"
#include "io/transfer.h"
#include "steps/hook/scriptlog.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the whole, as if all its files were one. */
struct part {
    uint64_t from, size;
};

static bool log_path(const struct step *step, int number, char out[FS_PATH_MAX], struct error *err)
{
    char name[32];
    if (number > 0)
        snprintf(name, sizeof name, "scripts.log.%d", number);
    else
        snprintf(name, sizeof name, "scripts.log");
    return fs_join(out, step->host.logs, name, err);
}

/* Copies what lies in the part from one file; `at` is where the file begins. */
NODISCARD static bool copy_part(int from, int to, uint64_t at, uint64_t size,
                                const struct part *part, struct error *err)
{
    enum { CHUNK = 64 << 10 };
    uint8_t chunk[CHUNK];
    uint64_t begin = part->from > at ? part->from - at : 0;
    uint64_t end = part->from + part->size > at ? part->from + part->size - at : 0;
    if (end > size) end = size;
    while (begin < end) {
        size_t want = end - begin < CHUNK ? (size_t)(end - begin) : CHUNK, got = 0;
        if (!fs_pread_full(from, chunk, want, begin, &got, err)) return false;
        if (got == 0) return true; /* it has become shorter: the rest is not there */
        if (!fs_write_all(to, bytes_of(chunk, got), err)) return false;
        begin += got;
    }
    return true;
}

/* Oldest first; with `to` < 0 only *total is counted. */
NODISCARD static bool each_file(const struct step *step, int to, const struct part *part,
                                uint64_t *total, struct error *err)
{
    *total = 0;
    for (int number = SCRIPTLOG_FILES - 1; number >= 0; number--) {
        char path[FS_PATH_MAX];
        struct stat info;
        if (!log_path(step, number, path, err)) return false;
        AUTO(auto_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) continue;
        if (to >= 0 && !copy_part(fd, to, *total, (uint64_t)info.st_size, part, err)) return false;
        *total += (uint64_t)info.st_size;
    }
    return true;
}

NODISCARD static bool compose(const struct step *step, uint64_t total, int to, struct error *err)
{
    uint64_t ignored;
    char line[128];
    const struct part whole = { 0, total }, head = { 0, KEEP_LOG_HEAD };
    if (total <= KEEP_LOG_MAX) return each_file(step, to, &whole, &ignored, err);
    uint64_t left_out = total - (KEEP_LOG_MAX - sizeof line);
    const struct part tail = { KEEP_LOG_HEAD + left_out, total - KEEP_LOG_HEAD - left_out };
    int len = snprintf(line, sizeof line, "\n... Meridian - %llu bytes are left out ...\n",
                       (unsigned long long)left_out);
    return each_file(step, to, &head, &ignored, err) &&
           fs_write_all(to, bytes_of(line, (size_t)len), err) &&
           each_file(step, to, &tail, &ignored, err);
}

NODISCARD static bool put(struct step *step, const char *path, struct error *err)
{
    const struct job *job = &step->spec->job;
    uint8_t sha256[DIGEST_SIZE];
    uint64_t size, sent = 0;
    char url[TRANSFER_URL_MAX], version[TRANSFER_VERSION_SIZE];
    if (!digest_file(path, sha256, &size, err) ||
        !transfer_url_for(job->log_write.url, size, sha256, url, err))
        return false;
    const struct transfer transfer = { .url = url,
                                       .pin = job->log_write.pin,
                                       .path = path,
                                       .size = size,
                                       .sha256 = sha256,
                                       .rate_max = step->spec->transfer_rate_max };
    if (transfer_put(&transfer, version, &sent, err)) return true;
    return error_wrap(err, "put '%s' into store '%s'", job->log.key, job->log.store);
}

bool keep_log_run(struct step *step, struct step_report *report, struct error *err)
{
    char path[FS_PATH_MAX];
    const struct part none = { 0, 0 };
    uint64_t total = 0;
    if (!each_file(step, -1, &none, &total, err)) return false;
    report->noop = total == 0;
    if (report->noop) return true;
    if (!fs_join(path, step->folder, "log", err)) return false;
    AUTO(auto_close)
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0) return fs_error(err, "create", path);
    if (!compose(step, total, to, err) || !put(step, path, err)) return false;
    return fs_remove_tree(path, err);
}
