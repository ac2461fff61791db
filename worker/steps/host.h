/* host.h - where things lie on the host, as with the CodeDeploy agent (shared design, worker.md
 * section 1): ROOT/GROUP/DEPLOYMENT/{bundle.tar,deployment-archive,logs} and
 * ROOT/deployment-instructions/GROUP*.
 */
#pragma once
#include "io/fs.h"

enum { HOST_REVISION_SIZE = 256 };

struct host {
    char group[FS_PATH_MAX];
    char deployment[FS_PATH_MAX];
    char archive[FS_PATH_MAX]; /* the unpacked revision */
    char bundle[FS_PATH_MAX];
    char logs[FS_PATH_MAX];
    char instructions[FS_PATH_MAX];
    char manifest[FS_PATH_MAX];
    char manifest_next[FS_PATH_MAX]; /* becomes the manifest at the end of a commit */
    char journal[FS_PATH_MAX];
    char undo[FS_PATH_MAX];              /* what can be put back (keep.h) ... */
    char manifest_old[FS_PATH_MAX];      /* ... with the manifest ... */
    char agent_cleanup_old[FS_PATH_MAX]; /* ... or the agent's list of that time */
    char revision[FS_PATH_MAX];          /* what the deployment installed, for people */
    char lock[FS_PATH_MAX];
    char agent_cleanup[FS_PATH_MAX]; /* the CodeDeploy agent's own list */
    char recent[FS_PATH_MAX];        /* names the folder of the last downloaded deployment */
};

/* The root may be relative: it is made absolute. ERR_INVALID: an id that is no plain name. */
NODISCARD bool host_init(struct host *host, const char *root, const char *group,
                         const char *deployment, struct error *err);
/* The name of the revision that another deployment of the group installed; false when not known. */
bool host_revision(const struct host *host, const char *deployment, char out[HOST_REVISION_SIZE]);
/* The unpacked revision of another deployment of the group. */
NODISCARD bool host_archive(const struct host *host, const char *deployment, char out[FS_PATH_MAX],
                            struct error *err);
