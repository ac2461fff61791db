/* bundle.h - a deployable folder or archive on this machine: what it is, its problems, its bytes.
 *
 * Nothing here asks the coordinator. Archives are unpacked into a temporary folder under $TMPDIR
 * with the limits of bundle/archive.h, and the folder is removed again.
 * Errors: as archive.h and appspec.h; ERR_NOT_FOUND.
 */
#pragma once
#include "bundle/appspec.h"
#include "bundle/archive.h"
#include "io/fs.h"

enum bundle_kind {
    BUNDLE_NONE, /* some other file: a pipeline definition */
    BUNDLE_FOLDER,
    BUNDLE_ARCHIVE,
    BUNDLE_APPSPEC,  /* appspec.yml itself; its folder is the revision */
    BUNDLE_BUILDSPEC /* buildspec.yml itself */
};

NODISCARD bool bundle_detect(const char *path, enum bundle_kind *out, struct error *err);
/* `problems` is zeroed by the caller. Of a buildspec.yml, in a bundle or by itself, the first error
 * and all warnings. */
NODISCARD bool bundle_validate(const char *path, enum bundle_kind kind,
                               struct appspec_problems *problems, struct error *err);
/* "the bundle 'PATH' cannot be read" */
const char *bundle_text(const char *path, char *out, size_t size);

/* The bytes to push: the file as it is, or the folder packed into a nameless temporary file. The
 * same folder gives the same bytes. */
struct bundle_file {
    int fd;                 /* -1 when closed */
    char path[FS_PATH_MAX]; /* through which others open the same bytes */
    uint64_t size;
    uint8_t sha256[32];
    bool packed;
};

NODISCARD bool bundle_open(const char *path, struct bundle_file *out, struct error *err);
void bundle_close(struct bundle_file *file); /* accepts one that was never opened: fd -1 */
