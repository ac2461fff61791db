#include "io/fs.h"

#include "io/random.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { READ_CHUNK = 64 * 1024 };

void auto_close(int *fd)
{
    if (*fd < 0) return;
    int saved = errno;
    close(*fd); /* Linux closes even when it says EINTR; what matters was fsynced before */
    *fd = -1;
    errno = saved;
}

static enum error_code code_of(int number)
{
    switch (number) {
    case ENOENT: return ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY: return ERR_CONFLICT;
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case EXDEV:
    case EINVAL:
    case ENAMETOOLONG: return ERR_INVALID;
    case EACCES:
    case EPERM:
    case EROFS: return ERR_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return ERR_NO_SPACE;
    case EIO: return ERR_FATAL;
    default: return ERR_RETRY;
    }
}

bool fs_error(struct error *err, const char *verb, const char *path)
{
    int number = errno;
    return error_set(err, code_of(number), "%s '%s': %s", verb, path, strerror(number));
}

bool fs_join(char out[FS_PATH_MAX], const char *folder, const char *name, struct error *err)
{
    int len = snprintf(out, FS_PATH_MAX, "%s/%s", folder, name);
    if (len < 0 || len >= FS_PATH_MAX)
        return error_set(err, ERR_INVALID, "path too long: '%.80s.../%.80s'", folder, name);
    return true;
}

bool fs_read_full(int fd, void *out, size_t size, size_t *got, struct error *err)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, (uint8_t *)out + done, size - done);
        if (n == 0) break;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return error_set(err, code_of(errno), "read: %s", strerror(errno));
        done += (size_t)n;
    }
    *got = done;
    return true;
}

bool fs_pread_full(int fd, void *out, size_t size, uint64_t offset, size_t *got, struct error *err)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, (uint8_t *)out + done, size - done, (off_t)(offset + done));
        if (n == 0) break;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return error_set(err, code_of(errno), "read: %s", strerror(errno));
        done += (size_t)n;
    }
    *got = done;
    return true;
}

bool fs_write_all(int fd, struct bytes data, struct error *err)
{
    size_t done = 0;
    while (done < data.len) {
        ssize_t n = write(fd, data.data + done, data.len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return error_set(err, code_of(errno), "write: %s", strerror(errno));
        done += (size_t)n;
    }
    return true;
}

bool fs_pwrite_all(int fd, struct bytes data, uint64_t offset, struct error *err)
{
    size_t done = 0;
    while (done < data.len) {
        ssize_t n = pwrite(fd, data.data + done, data.len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return error_set(err, code_of(errno), "write: %s", strerror(errno));
        done += (size_t)n;
    }
    return true;
}

/* Reads until the end, or until the buffer is full and one byte more proves that it is too small.
 */
static bool read_rest(int fd, struct buf *out, struct error *err)
{
    for (;;) {
        size_t room = out->max - out->len;
        if (room == 0) {
            uint8_t one;
            size_t got = 0;
            if (!fs_read_full(fd, &one, 1, &got, err)) return false;
            if (got == 0) return true;
            return error_set(err, ERR_NO_SPACE, "more than the limit of %zu bytes", out->max);
        }
        size_t want = room < READ_CHUNK ? room : READ_CHUNK, got = 0;
        if (!buf_reserve(out, want, err)) return false;
        if (!fs_read_full(fd, out->data + out->len, want, &got, err)) return false;
        out->len += got;
        if (got < want) return true;
    }
}

bool fs_read_file(const char *path, struct buf *out, struct error *err)
{
    /* O_NONBLOCK so that a FIFO in the place of the file is refused instead of waited for. */
    AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return fs_error(err, "open", path);
    struct stat info;
    if (fstat(fd, &info) < 0) return fs_error(err, "stat", path);
    if (!S_ISREG(info.st_mode))
        return error_set(err, ERR_INVALID, "'%s' is not a regular file", path);
    size_t len = out->len;
    if (read_rest(fd, out, err)) return true;
    out->len = len;
    return error_wrap(err, "read '%s'", path);
}

/* Writes data to a new file beside `path` and fsyncs it. On failure nothing is left behind. */
static bool temp_write(const char *path, struct bytes data, mode_t mode, char temp[FS_PATH_MAX],
                       struct error *err)
{
    uint64_t random;
    random_bytes(&random, sizeof random);
    int len = snprintf(temp, FS_PATH_MAX, "%s.tmp-%016llx", path, (unsigned long long)random);
    if (len < 0 || len >= FS_PATH_MAX)
        return error_set(err, ERR_INVALID, "path too long: '%.200s...'", path);
    AUTO(auto_close) int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return fs_error(err, "create", temp);
    bool ok = fs_write_all(fd, data, err);
    if (ok && fchmod(fd, mode) < 0) ok = fs_error(err, "chmod", temp);
    if (ok && fsync(fd) < 0) ok = fs_error(err, "fsync", temp);
    if (!ok) unlink(temp);
    return ok;
}

bool fs_write_atomic(const char *path, struct bytes data, mode_t mode, struct error *err)
{
    char temp[FS_PATH_MAX];
    if (!temp_write(path, data, mode, temp, err)) return error_wrap(err, "write '%s'", path);
    if (rename(temp, path) < 0) {
        fs_error(err, "rename to", path);
        unlink(temp);
        return false;
    }
    return fs_sync_parent(path, err);
}

bool fs_claim(const char *path, struct bytes data, mode_t mode, bool *won, struct error *err)
{
    char temp[FS_PATH_MAX];
    if (!temp_write(path, data, mode, temp, err)) return error_wrap(err, "claim '%s'", path);
    bool linked = link(temp, path) == 0;
    if (!linked && errno != EEXIST) {
        fs_error(err, "link to", path);
        unlink(temp);
        return false;
    }
    unlink(temp);
    /* The loser syncs as well: it may act on "somebody has it" only when that survives. */
    if (!fs_sync_parent(path, err)) return false;
    *won = linked;
    return true;
}

bool fs_sync_folder(const char *path, struct error *err)
{
    AUTO(auto_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "open folder", path);
    if (fsync(fd) < 0) return fs_error(err, "fsync folder", path);
    return true;
}

bool fs_sync_parent(const char *path, struct error *err)
{
    char folder[FS_PATH_MAX];
    if (!text_copy(folder, sizeof folder, path))
        return error_set(err, ERR_INVALID, "path too long: '%.200s...'", path);
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/') folder[--len] = '\0';
    char *slash = strrchr(folder, '/');
    if (!slash) return fs_sync_folder(".", err);
    slash[slash == folder ? 1 : 0] = '\0';
    return fs_sync_folder(folder, err);
}

static bool make_folder(const char *path, mode_t mode, struct error *err)
{
    if (mkdir(path, mode) == 0) {
        if (chmod(path, mode) < 0) return fs_error(err, "chmod", path);
        return fs_sync_parent(path, err);
    }
    if (errno != EEXIST) return fs_error(err, "mkdir", path);
    struct stat info;
    if (stat(path, &info) < 0) return fs_error(err, "stat", path);
    if (!S_ISDIR(info.st_mode)) return error_set(err, ERR_INVALID, "'%s' is not a folder", path);
    return true;
}

bool fs_make_folders(const char *path, mode_t mode, struct error *err)
{
    char part[FS_PATH_MAX];
    if (path[0] == '\0') return error_set(err, ERR_INVALID, "mkdir: the path is empty");
    if (!text_copy(part, sizeof part, path))
        return error_set(err, ERR_INVALID, "path too long: '%.200s...'", path);
    for (char *p = part + 1; *p; p++) {
        if (*p != '/') continue;
        *p = '\0';
        if (!make_folder(part, mode, err)) return false;
        *p = '/';
    }
    return make_folder(part, mode, err);
}

bool fs_free_bytes(const char *path, uint64_t *out, struct error *err)
{
    struct statvfs info;
    if (statvfs(path, &info) < 0) return fs_error(err, "statvfs", path);
    *out = (uint64_t)info.f_bavail * info.f_frsize;
    return true;
}

bool fs_exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}
