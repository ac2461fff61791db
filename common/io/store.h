/* store.h - the only durable state of a daemon: text keys and byte values in LMDB.
 *
 * Calling sequence at start: store_start(), that is store_check() in a child process (LMDB aborts
 * on damaged pages), after three failures store_quarantine(), then store_open(). A turn:
 * store_begin(), store_put() and store_delete() any number of times, store_commit(). A failed put,
 * delete or commit has undone the whole transaction: nothing of it is stored, and store_begin() may
 * be called again. Once store_commit() has returned true its puts survive kill -9 and power loss
 * (full fsync: NOSYNC, NOMETASYNC and WRITEMAP are never used).
 *
 * Reads see the last commit, never the open transaction. A value or key handed to a callback lies
 * in the map: it is borrowed for the call, copy what you keep, and be quick (a reader holds
 * back the reuse of pages). A callback may put and delete.
 *
 * The folder is 0700 and holds data.mdb, lock.mdb, owner (the lock of the only opener) and ballast
 * (1 MiB that store_drop_ballast() gives back, so that deletes succeed on a full disk). Never
 * on a network file system; never use a store across fork().
 *
 * Errors: ERR_NO_SPACE when the map or the disk is full, ERR_CORRUPT for damaged pages,
 * ERR_CONFLICT when another process has the store open, ERR_FATAL after an I/O error: close,
 * check, open again.
 */
#pragma once
#include "base/bytes.h"

enum {
    STORE_KEY_MAX = 511, /* LMDB's own limit; keys hold no NUL and are not empty */
    STORE_VALUE_MAX = 1 << 20,
    STORE_BALLAST_BYTES = 1 << 20,
    STORE_CHECK_TRIES = 3 /* failures of store_check() before a quarantine */
};
#define STORE_MAP_BYTES (UINT64_C(1) << 30) /* sparse: the usual first size of the map */

struct store;

/* Creates the folder and its parents when missing; `map_bytes` is rounded up to whole pages and
 * never shrinks what is in use. */
NODISCARD bool store_open(struct store **out, const char *path, uint64_t map_bytes,
                          struct error *err);
/* For `dump` beside a running daemon: no lock, no writes; ERR_NOT_FOUND when there is no store. */
NODISCARD bool store_open_read(struct store **out, const char *path, struct error *err);
void store_close(struct store *s); /* aborts an open transaction; accepts NULL */
void auto_store_close(struct store **s);

NODISCARD bool store_begin(struct store *s, struct error *err);
NODISCARD bool store_put(struct store *s, const char *key, struct bytes value, struct error *err);
/* A missing key is success. */
NODISCARD bool store_delete(struct store *s, const char *key, struct error *err);
/* What the open transaction has under the key: no data when there is nothing. Borrowed until the
 * next put, delete or end. */
NODISCARD bool store_peek(struct store *s, const char *key, struct bytes *out, struct error *err);
NODISCARD bool store_commit(struct store *s, struct error *err);
void store_abort(struct store *s); /* nothing when no transaction is open */
bool store_in_transaction(const struct store *s);

/* Appends the value to `out`; ERR_NOT_FOUND. */
NODISCARD bool store_get(struct store *s, const char *key, struct buf *out, struct error *err);

/* Return false to stop: that is not an error of the walk. */
typedef bool (*store_each_fn)(void *owner, const char *key, struct bytes value);

/* Every key that starts with `prefix`, in byte order. */
NODISCARD bool store_each(struct store *s, const char *prefix, store_each_fn fn, void *owner,
                          struct error *err);

struct store_page {
    const char *prefix; /* "" for all */
    const char *after;  /* the last key of the page before, or NULL for the first page */
    bool backward;      /* from the greatest key to the smallest */
    size_t limit;       /* keys on the page; 0 for no limit */
};
NODISCARD bool store_each_page(struct store *s, const struct store_page *page, store_each_fn fn,
                               void *owner, struct error *err);

struct store_usage {
    uint64_t used_bytes; /* pages in use, freed ones not counted */
    uint64_t map_bytes;
    uint64_t entries;
};
/* The caller raises an alarm at 60 % and refuses new work at 80 %. */
NODISCARD bool store_usage(struct store *s, struct store_usage *out, struct error *err);
/* With no transaction open. */
NODISCARD bool store_grow(struct store *s, uint64_t map_bytes, struct error *err);
/* Forgets readers of processes that died; call each minute. */
NODISCARD bool store_check_readers(struct store *s, struct error *err);
NODISCARD bool store_drop_ballast(struct store *s, struct error *err);
/* Makes the ballast again when the disk has room; ERR_NO_SPACE until then. */
NODISCARD bool store_make_ballast(struct store *s, struct error *err);

/* Opens and walks the store in a child process, at most `timeout_ms` long. A missing store is
 * whole. ERR_CORRUPT when the child found damage or died of a bad page, ERR_RETRY when it was late
 * or killed, ERR_CONFLICT when the store is in use. Call before any thread or store exists. */
NODISCARD bool store_check(const char *path, uint32_t timeout_ms, struct error *err);
/* Renames the folder to "<path>.corrupt-<n>", the first free n, written to `moved` (at least
 * FS_PATH_MAX bytes). */
NODISCARD bool store_quarantine(const char *path, char *moved, size_t moved_size,
                                struct error *err);
/* The start of a daemon in one call: checks up to STORE_CHECK_TRIES times, quarantines a damaged
 * store (`moved` names it and is "" otherwise: tell the operator, it is a new incarnation), opens.
 */
NODISCARD bool store_start(struct store **out, const char *path, uint64_t map_bytes,
                           uint32_t timeout_ms, char *moved, size_t moved_size, struct error *err);
