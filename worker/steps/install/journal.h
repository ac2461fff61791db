/* journal.h - what an install is about to do, so that a crash anywhere leaves it done or undone.
 *
 * journal_write() comes before the first staged file: from then on everything that staging makes is
 * named in the file. journal_mark(JOURNAL_COMMITTED) comes when all staged files are durable: a
 * journal without it is undone by journal_discard(), one with it is finished by commit_run().
 * JOURNAL_CLEARED is set between clearing the way and the first rename, so that clearing is never
 * repeated over what was renamed: a name could lead elsewhere by then.
 *
 * All paths are canonical (overlay.h); operations stand in the order of their execution.
 */
#pragma once
#include "base/arena.h"
#include <sys/types.h>

enum { JOURNAL_BYTES_MAX = 1 << 30 };

enum journal_kind {
    JOURNAL_CLEAR_FILE,   /* unlink what stands where a folder comes */
    JOURNAL_CLEAR_FOLDER, /* rmdir what stands where a file comes */
    JOURNAL_RENAME,       /* staged -> place */
    JOURNAL_FOLDER,       /* make a standing folder as new */
    JOURNAL_REMOVE_FILE,  /* what only the old revision had */
    JOURNAL_REMOVE_FOLDER,
    JOURNAL_REMOVE_CONTEXT
};
#define JOURNAL_KIND_COUNT (JOURNAL_REMOVE_CONTEXT + 1)

struct journal_op {
    enum journal_kind kind;
    uint32_t uid, gid, mode; /* JOURNAL_FOLDER */
    const char *place;
    const char *staged;            /* JOURNAL_RENAME */
    struct bytes access, defaults; /* JOURNAL_FOLDER: ACLs; empty: none */
};

struct journal {
    const char *deployment;
    struct journal_op *ops;
    size_t count, cap;
    bool committed, cleared;
    struct arena arena;
};

enum journal_mark { JOURNAL_COMMITTED = 'C', JOURNAL_CLEARED = 'D' };

void journal_init(struct journal *j, const char *deployment);
void journal_deinit(struct journal *j);
struct journal_op *journal_add(struct journal *j, enum journal_kind kind, const char *place);
/* The same for a place that outlives the journal: it is not copied. */
struct journal_op *journal_add_kept(struct journal *j, enum journal_kind kind, const char *place);
NODISCARD bool journal_write(const struct journal *j, const char *path, struct error *err);
/* *found is false when there is none. */
NODISCARD bool journal_read(struct journal *j, const char *path, bool *found, struct error *err);
NODISCARD bool journal_mark(struct journal *j, const char *path, enum journal_mark mark,
                            struct error *err);
/* Removes every staged name; goes on after a failure and returns the first one. */
NODISCARD bool journal_discard(const struct journal *j, struct error *err);
/* A second name, beside the staged one, for what a rename will replace: so a rename frees no
 * blocks, which takes milliseconds for each file where the disk discards at once. journal_discard()
 * and journal_drop_old() remove it. Best effort: not every file system has hard links. */
void journal_keep_old(const struct journal *j);
void journal_drop_old(const struct journal *j);
