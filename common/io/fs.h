/* fs.h - files and folders, with every short count, EINTR and fsync that durability needs.
 *
 * Reading: buf_init(&b, NAMED_MAXIMUM), then fs_read_file(path, &b, err). Writing something that
 * must survive a power cut: fs_write_atomic(), which readers see whole or not at all. Claiming
 * something once and for ever between processes: fs_claim(). Descriptors are O_CLOEXEC from
 * birth; hold them in AUTO(auto_close) int fd = -1.
 *
 * Errors: ERR_NOT_FOUND when the path is missing, ERR_NO_SPACE when a disk, quota or the given
 * maximum is full, ERR_DENIED for permissions, ERR_FATAL after EIO (the pages are clean then and
 * the same fsync would lie: never retry), else ERR_RETRY.
 */
#pragma once
#include "base/bytes.h"
#include <sys/types.h>

enum { FS_PATH_MAX = 4096 };

void auto_close(int *fd); /* closes unless negative; keeps errno */

/* Sets err from errno with the code of the table above, "verb 'path': text". Returns false. */
bool fs_error(struct error *err, const char *verb, const char *path);

/* Appends the whole regular file to `out`, whose maximum is the limit. */
NODISCARD bool fs_read_file(const char *path, struct buf *out, struct error *err);
/* Replaces or creates `path` with exactly `data`: temporary file beside it, fsync, rename, fsync of
 * the folder. The mode is given, the umask is not asked. */
NODISCARD bool fs_write_atomic(const char *path, struct bytes data, mode_t mode, struct error *err);
/* Creates `path` with `data` unless it exists: temporary file, fsync, link(2), fsync of the folder.
 * Exactly one of any number of callers gets *won = true, whatever crashes in between; the
 * losers' data is dropped. *won is untouched on failure. */
NODISCARD bool fs_claim(const char *path, struct bytes data, mode_t mode, bool *won,
                        struct error *err);

NODISCARD bool fs_write_all(int fd, struct bytes data, struct error *err);
NODISCARD bool fs_pwrite_all(int fd, struct bytes data, uint64_t offset, struct error *err);
/* Read until `size` bytes or the end; *got < size means the end. */
NODISCARD bool fs_read_full(int fd, void *out, size_t size, size_t *got, struct error *err);
NODISCARD bool fs_pread_full(int fd, void *out, size_t size, uint64_t offset, size_t *got,
                             struct error *err);

/* mkdir -p: new folders get `mode` and their parents are fsynced; existing ones are left alone. */
NODISCARD bool fs_make_folders(const char *path, mode_t mode, struct error *err);
NODISCARD bool fs_sync_folder(const char *path, struct error *err);
/* Fsync of the folder that holds `path`. */
NODISCARD bool fs_sync_parent(const char *path, struct error *err);
/* Removes a file or a whole folder; a missing path is success. Never follows a symbolic link and
 * never leaves the file system that `path` lies on (ERR_CONFLICT); any depth. */
NODISCARD bool fs_remove_tree(const char *path, struct error *err);
/* Bytes that an unprivileged writer may still use on the file system of `path`. */
NODISCARD bool fs_free_bytes(const char *path, uint64_t *out, struct error *err);
bool fs_exists(const char *path); /* symbolic links are not followed */

/* "folder/name" into out; ERR_INVALID when it does not fit. */
NODISCARD bool fs_join(char out[FS_PATH_MAX], const char *folder, const char *name,
                       struct error *err);
