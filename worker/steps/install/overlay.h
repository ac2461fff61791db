/* overlay.h - the host's files as they will be once the old revision is cleaned up.
 *
 * The agent first removes what the old revision had installed and then plans; we plan first and
 * change nothing. So planning asks this overlay: overlay_clean() works out what the clean-up would
 * remove (files and links; folders that would then be empty), and overlay_look() resolves a path
 * with its symbolic links as the kernel does, but does not see what would be gone.
 *
 * Canonical: absolute, no link, "." or ".." in any component but the last one.
 */
#pragma once
#include "base/map.h"
#include "steps/install/manifest.h"
#include <sys/stat.h>

enum { OVERLAY_LINKS_MAX = 40 /* the kernel's limit */ };

struct overlay_gone {
    enum manifest_kind kind; /* MANIFEST_FILE for links too */
    const char *place;       /* canonical; MANIFEST_CONTEXT: the path as recorded */
};

struct overlay {
    struct overlay_gone **gone; /* in the order in which to remove */
    size_t count, cap;
    struct map by_place; /* files and folders */
    /* The folder that was last on the way, as it was named and where it is, so that its other
     * files need not be resolved from the root; "" when none is known. */
    char *known, *known_place;
    struct arena arena;
};

struct overlay_node {
    bool exists;
    struct stat info;   /* of what exists */
    bool parent_exists; /* a missing node could be made at `place` */
    char *place;        /* canonical, in the caller's buffer of FS_PATH_MAX bytes */
};

void overlay_init(struct overlay *o);
void overlay_deinit(struct overlay *o);
/* Looking ends here: gives its memory back but for the places, which others have borrowed. */
void overlay_close(struct overlay *o);
/* The old manifest must outlive the overlay: most places are its paths. */
NODISCARD bool overlay_clean(struct overlay *o, const struct manifest *old, struct error *err);

/* `path` is absolute. With `follow` a link at the end is followed: a dangling one gives
 * exists = false and the place that it points to. Fails on paths that are too long, on folders
 * that may not be searched and on I/O errors; loops and files used as folders do not exist. */
NODISCARD bool overlay_look(const struct overlay *o, const char *path, bool follow, char *place,
                            struct overlay_node *out, struct error *err);
/* What would be removed there, or NULL. */
const struct overlay_gone *overlay_gone(const struct overlay *o, const char *place);
/* A folder that stands on the host now, gone or not. */
bool overlay_is_standing_folder(const char *place);
