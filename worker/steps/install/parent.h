/* parent.h - the folder of a path as a descriptor, kept open for the next path beside it.
 *
 * Installing as root into folders that other users own must not follow a link that such a user
 * puts there a moment later. All changes are therefore made relative to the descriptor of the
 * parent folder, which is opened by its canonical path (overlay.h) with links forbidden in every
 * component (openat2, RESOLVE_NO_SYMLINKS).
 */
#pragma once
#include "io/fs.h"

struct parent {
    int fd; /* -1 when none is open */
    char path[FS_PATH_MAX];
};

void parent_init(struct parent *p);
void parent_deinit(struct parent *p);
/* `name` points into `path`. ERR_NOT_FOUND when the folder is missing. The descriptor is borrowed
 * until the next call. */
NODISCARD bool parent_open(struct parent *p, const char *path, int *fd, const char **name,
                           struct error *err);
/* To be called when a folder was renamed or removed. */
void parent_forget(struct parent *p);
/* Gone is removed. A folder is left where it is not empty; what has become another kind since is
 * not touched. Fails as parent_open(). */
NODISCARD bool parent_remove(struct parent *p, const char *path, bool folder, struct error *err);
