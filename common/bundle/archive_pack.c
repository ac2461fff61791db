/* Packing a folder as a zip whose bytes depend on its contents only. */
#include "bundle/archive_copy.h"
#include "bundle/archive_tree.h"
#include "io/fs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_SIZE = 256 * 1024, SHOWN_SIZE = 200 };

struct packer {
    struct archive *writer;
    struct archive_entry *entry;
    const struct archive_limits *limits;
    struct archive_progress *progress, own_progress;
    struct stat out; /* the zip itself, if it is made inside the folder */
    int64_t time_s;
    size_t depth;
    uint8_t *buffer;
    char path[ARCHIVE_PATH_MAX];
};

static bool fail(const struct packer *p, struct error *err, const char *verb)
{
    char shown[SHOWN_SIZE];
    int code = errno;
    archive_printable(p->path, shown, sizeof shown);
    errno = code;
    return fs_error(err, verb, shown);
}

static bool fail_writer(const struct packer *p, struct error *err)
{
    const char *what = archive_error_string(p->writer);
    int code = archive_errno(p->writer);
    return error_set(err, code == ENOSPC || code == EDQUOT ? ERR_NO_SPACE : ERR_RETRY,
                     "pack '%.150s': %s", p->path, what ? what : "unknown trouble");
}

static bool put_header(struct packer *p, const struct stat *st, const char *target,
                       struct error *err)
{
    struct archive_entry *e = archive_entry_clear(p->entry);
    archive_entry_set_pathname(e, p->path);
    archive_entry_set_mode(e, st->st_mode & (S_IFMT | 01777));
    archive_entry_set_size(e, S_ISREG(st->st_mode) ? st->st_size : 0);
    if (p->time_s > 0) archive_entry_set_mtime(e, p->time_s, 0);
    if (target) archive_entry_set_symlink(e, target);
    if (++p->progress->entries > p->limits->entries_max)
        return error_set(err, ERR_INVALID, "more than %llu files and folders to pack",
                         (unsigned long long)p->limits->entries_max);
    return archive_write_header(p->writer, e) == ARCHIVE_OK || fail_writer(p, err);
}

static bool pack_file(struct packer *p, int parent, const char *name, struct error *err)
{
    struct stat st;
    AUTO(auto_close) int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) return fail(p, err, "open");
    if (!S_ISREG(st.st_mode)) return error_set(err, ERR_RETRY, "'%s' has changed", name);
    if (!put_header(p, &st, NULL, err)) return false;
    uint64_t left = (uint64_t)st.st_size;
    for (size_t got = 1; left && got;) {
        size_t want = left < COPY_SIZE ? (size_t)left : COPY_SIZE;
        if (!fs_read_full(fd, p->buffer, want, &got, err)) return false;
        if (archive_write_data(p->writer, p->buffer, got) != (la_ssize_t)got)
            return fail_writer(p, err);
        left -= got;
        p->progress->bytes += got;
        if (p->progress->bytes > p->limits->bytes_max)
            return error_set(err, ERR_INVALID, "more than %llu bytes to pack",
                             (unsigned long long)p->limits->bytes_max);
    }
    if (left) return error_set(err, ERR_RETRY, "'%.200s' became shorter while it was read", name);
    return true;
}

static bool pack_folder(struct packer *p, int folder, struct error *err);

static bool pack_entry(struct packer *p, int parent, const char *name, struct error *err)
{
    char target[ARCHIVE_PATH_MAX], shown[SHOWN_SIZE];
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return fail(p, err, "stat");
    if (st.st_dev == p->out.st_dev && st.st_ino == p->out.st_ino) return true;
    if (S_ISREG(st.st_mode)) return pack_file(p, parent, name, err);
    if (S_ISLNK(st.st_mode)) {
        ssize_t len = readlinkat(parent, name, target, sizeof target - 1);
        if (len < 0) return fail(p, err, "read");
        target[len] = '\0';
        return put_header(p, &st, target, err);
    }
    if (!S_ISDIR(st.st_mode))
        return error_set(err, ERR_INVALID, "'%s' is a device, fifo or socket: remove it",
                         archive_printable(p->path, shown, sizeof shown));
    AUTO(auto_close)
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return fail(p, err, "open");
    return put_header(p, &st, NULL, err) && pack_folder(p, fd, err);
}

static bool pack_folder(struct packer *p, int folder, struct error *err)
{
    AUTO(archive_names_free) struct archive_names names = { 0 };
    if (p->depth >= p->limits->depth_max)
        return error_set(err, ERR_INVALID, "more than %zu folders deep", p->limits->depth_max);
    if (!archive_names(folder, p->limits, &names, err)) return false;
    size_t len = strlen(p->path);
    p->depth++;
    for (size_t i = 0; i < names.count; i++) {
        int n =
            snprintf(p->path + len, sizeof p->path - len, "%s%s", len ? "/" : "", names.list[i]);
        if (n < 0 || (size_t)n >= sizeof p->path - len)
            return error_set(err, ERR_INVALID, "'%.200s...' is too long", names.list[i]);
        if (!pack_entry(p, folder, names.list[i], err)) return false;
        p->path[len] = '\0';
    }
    p->depth--;
    return true;
}

static void packer_close(struct packer *p)
{
    if (p->writer) archive_write_free(p->writer);
    archive_entry_free(p->entry);
    free(p->buffer);
}

bool archive_pack_zip(const char *folder, int out, int64_t time_s,
                      const struct archive_limits *limits, struct archive_progress *progress,
                      struct error *err)
{
    AUTO(packer_close)
    struct packer p = { .limits = limits ? limits : &archive_limits_default, .time_s = time_s };
    AUTO(archive_locale_leave) struct archive_locale locale = archive_locale_enter();
    p.progress = progress ? progress : &p.own_progress;
    *p.progress = (struct archive_progress){ 0 };
    if (fstat(out, &p.out) != 0) return fs_error(err, "stat", "the zip");
    AUTO(auto_close) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "open", folder);
    p.buffer = xcalloc(COPY_SIZE, 1);
    p.writer = archive_write_new();
    p.entry = archive_entry_new();
    if (!p.writer || !p.entry) abort(); /* out of memory, as in xcalloc() */
    if (archive_write_set_format_zip(p.writer) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(p.writer, 1) != ARCHIVE_OK ||
        archive_write_open_fd(p.writer, out) != ARCHIVE_OK)
        return fail_writer(&p, err);
    if (!pack_folder(&p, fd, err)) return false;
    return archive_write_close(p.writer) == ARCHIVE_OK || fail_writer(&p, err);
}
