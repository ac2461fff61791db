#include "io/store.h"

#include "io/store_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NEARLY_FULL_BYTES = 16 << 20 };

static enum error_code code_of(int number)
{
    switch (number) {
    case MDB_NOTFOUND:
    case ENOENT: return ERR_NOT_FOUND;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return ERR_NO_SPACE;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH: return ERR_CORRUPT;
    case MDB_BAD_VALSIZE: return ERR_INVALID;
    case MDB_READERS_FULL:
    case EAGAIN:
    case EINTR: return ERR_RETRY;
    case EACCES:
    case EPERM:
    case EROFS: return ERR_DENIED;
    default: return ERR_FATAL; /* EIO, MDB_PANIC: close, check, open again */
    }
}

/* LMDB 0.9 reports a short write, which is how a full disk or a file size limit often shows first,
 * as EIO. Nothing was committed in either case. */
static bool is_full(const struct store *s)
{
    uint64_t left = UINT64_MAX;
    struct error ignored = { 0 };
    if (fs_free_bytes(s->path, &left, &ignored) && left < NEARLY_FULL_BYTES) return true;
    struct rlimit limit;
    struct stat info;
    mdb_filehandle_t fd;
    if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY) return false;
    if (mdb_env_get_fd(s->env, &fd) || fstat(fd, &info) < 0) return false;
    return (uint64_t)info.st_size + NEARLY_FULL_BYTES > limit.rlim_cur;
}

bool store_error(const struct store *s, struct error *err, const char *what, int number)
{
    enum error_code code = code_of(number);
    if (number == EIO && s->env && is_full(s)) code = ERR_NO_SPACE;
    return error_set(err, code, "%s store '%s': %s", what, s->path, mdb_strerror(number));
}

bool store_lock(const char *path, int *fd, struct error *err)
{
    char name[FS_PATH_MAX];
    if (!fs_join(name, path, "owner", err)) return false;
    /* flock belongs to the open file: it also stops a second open in this very process, and
     * closing any other descriptor of the file does not give it up. */
    AUTO(auto_close) int lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) return fs_error(err, "open", name);
    if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK) return fs_error(err, "lock", name);
        return error_set(err, ERR_CONFLICT, "the store '%s' is in use by another process", path);
    }
    *fd = lock;
    lock = -1;
    return true;
}

bool store_open_env(struct store *s, unsigned flags, struct error *err)
{
    int failed = mdb_env_create(&s->env);
    /* No map size before opening: LMDB then takes the stored one, which may have grown. */
    if (!failed) failed = mdb_env_open(s->env, s->path, flags | MDB_NOTLS, 0600);
    MDB_txn *txn = NULL;
    if (!failed) failed = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
    if (!failed) {
        failed = mdb_dbi_open(txn, NULL, 0, &s->dbi);
        if (failed)
            mdb_txn_abort(txn);
        else
            failed = mdb_txn_commit(txn);
    }
    if (!failed) return true;
    return store_error(s, err, "open", failed);
}

static struct store *store_new(const char *path, struct error *err)
{
    struct store *s = xcalloc(1, sizeof *s);
    s->owner_fd = -1;
    if (text_copy(s->path, sizeof s->path, path)) return s;
    error_set(err, ERR_INVALID, "path too long: '%.200s...'", path);
    free(s);
    return NULL;
}

/* The map's size is written with the next commit. */
static bool map_at_least(struct store *s, uint64_t map_bytes, struct error *err)
{
    MDB_envinfo info;
    mdb_env_info(s->env, &info);
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (map_bytes > SIZE_MAX - page)
        return error_set(err, ERR_INVALID, "map of %llu bytes", (unsigned long long)map_bytes);
    map_bytes = (map_bytes + page - 1) / page * page;
    if (info.me_mapsize >= map_bytes) return true;
    int failed = mdb_env_set_mapsize(s->env, (size_t)map_bytes);
    if (failed) return store_error(s, err, "grow", failed);
    return true;
}

bool store_open(struct store **out, const char *path, uint64_t map_bytes, struct error *err)
{
    struct store *s = store_new(path, err);
    if (!s) return false;
    if (!fs_make_folders(path, 0700, err) || !store_lock(path, &s->owner_fd, err)) goto fail;
    if (!store_open_env(s, 0, err) || !map_at_least(s, map_bytes, err)) goto fail;
    if (!store_check_readers(s, err)) goto fail;
    if (!fs_sync_folder(path, err) || !fs_sync_parent(path, err)) goto fail;
    struct error full = { 0 };
    if (!store_make_ballast(s, &full) && full.code != ERR_NO_SPACE) {
        *err = full;
        goto fail;
    }
    store_write_ahead(s);
    *out = s;
    return true;
fail:
    store_close(s);
    return false;
}

bool store_open_read(struct store **out, const char *path, struct error *err)
{
    struct store *s = store_new(path, err);
    if (!s) return false;
    if (!store_open_env(s, MDB_RDONLY, err)) {
        store_close(s);
        return false;
    }
    *out = s;
    return true;
}

void store_close(struct store *s)
{
    if (!s) return;
    assert(s->readers == 0);
    store_abort(s);
    if (s->env) mdb_env_close(s->env);
    auto_close(&s->owner_fd);
    free(s);
}

void auto_store_close(struct store **s)
{
    store_close(*s);
}

bool store_begin(struct store *s, struct error *err)
{
    assert(!s->txn);
    assert(s->owner_fd >= 0);
    int failed = mdb_txn_begin(s->env, NULL, 0, &s->txn);
    if (!failed) return true;
    s->txn = NULL;
    return store_error(s, err, "begin in", failed);
}

void store_abort(struct store *s)
{
    if (s->txn) mdb_txn_abort(s->txn);
    s->txn = NULL;
}

bool store_in_transaction(const struct store *s)
{
    return s->txn != NULL;
}

static bool key_of(const char *key, MDB_val *out)
{
    size_t len = strlen(key);
    *out = (MDB_val){ .mv_size = len, .mv_data = (void *)(uintptr_t)key };
    return len > 0 && len <= STORE_KEY_MAX;
}

static bool key_error(struct error *err, const char *key)
{
    return error_set(err, ERR_INVALID, "a key of %zu bytes (1 to %d)", strlen(key), STORE_KEY_MAX);
}

bool store_put(struct store *s, const char *key, struct bytes value, struct error *err)
{
    assert(s->txn);
    MDB_val k, v = { .mv_size = value.len, .mv_data = (void *)(uintptr_t)value.data };
    if (!key_of(key, &k)) {
        store_abort(s);
        return key_error(err, key);
    }
    if (value.len > STORE_VALUE_MAX) {
        store_abort(s);
        return error_set(err, ERR_INVALID, "the value of '%s' has %zu bytes (at most %d)", key,
                         value.len, STORE_VALUE_MAX);
    }
    int failed = mdb_put(s->txn, s->dbi, &k, &v, 0);
    if (!failed) return true;
    store_abort(s);
    return store_error(s, err, "put into", failed);
}

bool store_delete(struct store *s, const char *key, struct error *err)
{
    assert(s->txn);
    MDB_val k;
    if (!key_of(key, &k)) {
        store_abort(s);
        return key_error(err, key);
    }
    int failed = mdb_del(s->txn, s->dbi, &k, NULL);
    if (!failed || failed == MDB_NOTFOUND) return true;
    store_abort(s);
    return store_error(s, err, "delete from", failed);
}

bool store_peek(struct store *s, const char *key, struct bytes *out, struct error *err)
{
    assert(s->txn);
    MDB_val k, v = { 0 };
    if (!key_of(key, &k)) {
        store_abort(s);
        return key_error(err, key);
    }
    int failed = mdb_get(s->txn, s->dbi, &k, &v);
    if (failed && failed != MDB_NOTFOUND) {
        store_abort(s);
        return store_error(s, err, "look into", failed);
    }
    *out = bytes_of(failed ? NULL : v.mv_data, v.mv_size);
    return true;
}

bool store_commit(struct store *s, struct error *err)
{
    assert(s->txn);
    int failed = mdb_txn_commit(s->txn); /* frees the transaction either way */
    s->txn = NULL;
    if (failed) return store_error(s, err, "commit to", failed);
    store_write_ahead(s);
    return true;
}

bool store_get(struct store *s, const char *key, struct buf *out, struct error *err)
{
    MDB_val k, v;
    if (!key_of(key, &k)) return key_error(err, key);
    MDB_txn *txn = NULL;
    if (!store_read_begin(s, &txn, err)) return false;
    int failed = mdb_get(txn, s->dbi, &k, &v);
    bool ok = !failed && buf_append(out, v.mv_data, v.mv_size, err);
    mdb_txn_abort(txn);
    if (failed == MDB_NOTFOUND) return error_set(err, ERR_NOT_FOUND, "no key '%s'", key);
    if (failed) return store_error(s, err, "get from", failed);
    return ok;
}

bool store_grow(struct store *s, uint64_t map_bytes, struct error *err)
{
    assert(!s->txn);
    assert(s->readers == 0);
    return map_at_least(s, map_bytes, err);
}

bool store_check_readers(struct store *s, struct error *err)
{
    int dead = 0;
    int failed = mdb_reader_check(s->env, &dead);
    if (failed) return store_error(s, err, "check readers of", failed);
    return true;
}

bool store_drop_ballast(struct store *s, struct error *err)
{
    char name[FS_PATH_MAX];
    if (!fs_join(name, s->path, "ballast", err)) return false;
    if (unlink(name) < 0 && errno != ENOENT) return fs_error(err, "remove", name);
    return fs_sync_folder(s->path, err);
}

bool store_make_ballast(struct store *s, struct error *err)
{
    char name[FS_PATH_MAX];
    if (!fs_join(name, s->path, "ballast", err)) return false;
    AUTO(auto_close) int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return fs_error(err, "open", name);
    struct stat info;
    if (fstat(fd, &info) < 0) return fs_error(err, "stat", name);
    if (info.st_size >= STORE_BALLAST_BYTES) return true;
    /* Real bytes: a sparse file would hold no room. */
    int failed = posix_fallocate(fd, 0, STORE_BALLAST_BYTES);
    if (!failed) return true;
    unlink(name);
    errno = failed;
    return fs_error(err, "allocate", name);
}
