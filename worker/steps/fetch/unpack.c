#include "steps/fetch/unpack.h"

#include "io/crew.h"
#include "steps/fetch/sandbox.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct unpacking {
    struct step *step;
    int source;
    enum archive_kind kind;
    const char *folder;
    struct archive_progress *progress; /* written by the hand, read by us */
};

static bool unpack(void *owner, unsigned number, struct error *err)
{
    const struct unpacking *u = owner;
    char above[FS_PATH_MAX];
    const char *lacks;
    (void)number;
    if (!text_copy(above, sizeof above, u->folder))
        return error_set(err, ERR_INVALID, "path too long: '%.200s...'", u->folder);
    char *slash = strrchr(above, '/');
    if (slash) *slash = '\0';
    if (!sandbox_enter(slash ? above : ".", &lacks, err)) return false;
    if (lacks) fprintf(stderr, "meridian-fetch: %s\n", lacks);
    return archive_unpack(u->source, u->kind, u->folder, NULL, u->progress, err);
}

static bool watch(void *owner, struct error *err)
{
    const struct unpacking *u = owner;
    step_progress(u->step, u->progress->source_bytes, u->progress->source_bytes_total, "bytes");
    return step_continues(u->step, err);
}

bool unpack_bundle(struct step *step, int source, enum archive_kind kind, const char *folder,
                   struct error *err)
{
    struct stat info;
    if (fstat(source, &info) < 0) return fs_error(err, "stat", "the bundle");
    if (S_ISDIR(info.st_mode)) return archive_unpack(source, kind, folder, NULL, NULL, err);
    struct unpacking u = { .step = step, .source = source, .kind = kind, .folder = folder };
    u.progress = crew_memory(sizeof *u.progress);
    bool ok = crew_run(1, unpack, watch, &u, err);
    crew_memory_free(u.progress, sizeof *u.progress);
    return ok;
}
