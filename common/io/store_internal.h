/* store_internal.h - what the store*.c share; nobody else includes it.
 */
#pragma once
#include "io/fs.h"
#include "io/store.h"

#include <lmdb.h>

struct store {
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *txn; /* the open write transaction, or NULL */
    int owner_fd; /* holds the lock; -1 for a reader */
    unsigned readers;
    uint64_t ahead_bytes; /* up to here the file was written, or tried to be */
    char path[FS_PATH_MAX];
};

/* Sets err from an LMDB or errno number. Returns false. */
bool store_error(const struct store *s, struct error *err, const char *what, int number);
/* A read transaction; the map is adopted anew when another process has grown it. */
NODISCARD bool store_read_begin(struct store *s, MDB_txn **out, struct error *err);
/* ERR_CONFLICT when another process holds the owner's lock of the store in `path`. */
NODISCARD bool store_lock(const char *path, int *fd, struct error *err);
/* The environment of the existing folder `s->path`, with the map as large as it is stored. */
NODISCARD bool store_open_env(struct store *s, unsigned flags, struct error *err);
/* Compares every used page of the file with LMDB's format; nothing may write to it meanwhile. */
NODISCARD bool store_check_pages(const char *data_path, struct error *err);
/* Fills the file with zeros some way beyond the pages in use: a commit into blocks which the file
 * has already waits for no change of the file system's own records (`tests/bench/run round-trip`).
 * Does nothing most of the time, and nothing at all on a nearly full disk. For the owner, with no
 * transaction open. */
void store_write_ahead(struct store *s);
