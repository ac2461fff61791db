/* archive_tree.h - writes entries of unknown origin below one folder and nowhere else.
 *
 * Calling sequence: archive_tree_open(); for each entry one of _folder, _file_begin + _write... +
 * _file_end, _symlink, _hardlink; archive_tree_finish(); archive_tree_close() in any case.
 *
 * Every folder on the way is opened by its own name with O_NOFOLLOW below the one before; those of
 * the last entry are kept open, so that neighbours cost nothing. Links are made by finish(), after
 * all files, then the folders get their modes and times, deepest first.
 *
 * Only for archive*.c. Errors as in archive.h.
 */
#pragma once
#include "base/arena.h"
#include "bundle/archive.h"
#include <sys/types.h>
#include <time.h>

enum { ARCHIVE_DEPTH_MAX = 256, ARCHIVE_PATH_MAX = 4096, ARCHIVE_NAME_MAX = 255 };

struct archive_attributes {
    mode_t mode;       /* permission bits; set-id bits are dropped ... */
    bool keep_set_ids; /* ... except from a folder, whose owner has set them on this host */
    bool has_owner;
    uid_t uid;
    gid_t gid;
    bool has_time;
    struct timespec time;
};

struct archive_folder_node;
struct archive_link_node;

struct archive_tree {
    int root;
    struct archive_limits limits;
    struct archive_progress *progress; /* never NULL: own_progress if the caller brought none */
    struct archive_progress own_progress;
    uint64_t needed; /* bytes that are still to be written, 0 if not known */
    struct arena arena;
    char at[ARCHIVE_PATH_MAX]; /* the folder whose descriptors are open, "" for the root */
    size_t ends[ARCHIVE_DEPTH_MAX];
    int fds[ARCHIVE_DEPTH_MAX];
    size_t depth;
    struct archive_folder_node *folders; /* newest first */
    size_t folder_count;
    struct archive_link_node *links, **links_end; /* in order */
    int file;                                     /* being written, or -1 */
    uint64_t position, length;
};

NODISCARD bool archive_tree_open(struct archive_tree *t, const char *folder,
                                 const struct archive_limits *limits,
                                 struct archive_progress *progress, struct error *err);
void archive_tree_close(struct archive_tree *t);

NODISCARD bool archive_tree_folder(struct archive_tree *t, const char *name,
                                   const struct archive_attributes *a, struct error *err);
NODISCARD bool archive_tree_file_begin(struct archive_tree *t, const char *name, mode_t mode,
                                       struct error *err);
/* What lies between the last write and `offset` becomes a hole. */
NODISCARD bool archive_tree_write(struct archive_tree *t, struct bytes data, uint64_t offset,
                                  struct error *err);
/* `size` may exceed what was written: a hole at the end. NULL attributes leave those of _begin. */
NODISCARD bool archive_tree_file_end(struct archive_tree *t, uint64_t size,
                                     const struct archive_attributes *a, struct error *err);
NODISCARD bool archive_tree_symlink(struct archive_tree *t, const char *name, const char *target,
                                    const struct archive_attributes *a, struct error *err);
NODISCARD bool archive_tree_hardlink(struct archive_tree *t, const char *name, const char *target,
                                     struct error *err);
NODISCARD bool archive_tree_finish(struct archive_tree *t, struct error *err);

/* ERR_NO_SPACE if `bytes` do not fit where the tree lies; remembers them for later messages. */
NODISCARD bool archive_tree_reserve(struct archive_tree *t, uint64_t bytes, struct error *err);
/* A name as it may be printed: control characters escaped, cut. */
const char *archive_printable(const char *name, char *out, size_t size);
