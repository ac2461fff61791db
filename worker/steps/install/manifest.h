/* manifest.h - what is installed on this host for one deployment group.
 *
 * The install step writes it after the last rename of its commit; the next install reads it and
 * removes what it does not install again (the agent's clean-up list, in the order in which things
 * were made). Names are bytes of any kind. A missing manifest is an empty one: nothing of ours is
 * on the host. A damaged one is ERR_CORRUPT and nothing is removed.
 *
 * Where there is no manifest but the CodeDeploy agent's own list GROUP-cleanup, that list is read
 * (manifest_read_agent), so that Meridian takes over a host in the middle of its life.
 */
#pragma once
#include "base/arena.h"

enum {
    MANIFEST_BYTES_MAX = 256 << 20,
    MANIFEST_MEMORY_MAX = 512 << 20,
    MANIFEST_ENTRIES_MAX = 1000000
};

enum manifest_kind {
    MANIFEST_FOLDER,
    MANIFEST_FILE,
    MANIFEST_CONTEXT /* SELinux rule of a path */
};

struct manifest_entry {
    enum manifest_kind kind;
    const char *path; /* absolute, as the deployment named it */
};

struct manifest {
    const char *deployment; /* "" when there is none */
    struct manifest_entry *entries;
    size_t count, cap;
    struct arena arena;
};

void manifest_init(struct manifest *m);
void manifest_deinit(struct manifest *m);
void manifest_add(struct manifest *m, enum manifest_kind kind, const char *path);
/* The same for a path that outlives the manifest: it is not copied. */
void manifest_add_kept(struct manifest *m, enum manifest_kind kind, const char *path);
NODISCARD bool manifest_write(const struct manifest *m, const char *path, struct error *err);
/* Fills an initialised manifest. */
NODISCARD bool manifest_read(struct manifest *m, const char *path, struct error *err);
NODISCARD bool manifest_read_agent(struct manifest *m, const char *path, struct error *err);
