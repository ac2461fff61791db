/* Output artifacts of a build: the files that the buildspec names, as a zip in the region's store.
 */
#include "bundle/appspec_reader.h"
#include "bundle/archive.h"
#include "io/digest.h"
#include "steps/build/build.h"
#include "steps/fetch/put.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 128 };

struct gather {
    const struct buildspec_artifacts *what;
    int out;                        /* the folder that becomes the zip */
    char path[FS_PATH_MAX];         /* relative to the base folder */
    bool fits[BUILDSPEC_FILES_MAX]; /* which patterns had any file */
    size_t files, depth;
};

static void auto_closedir(DIR **dir)
{
    if (*dir) closedir(*dir);
}

static bool wanted(struct gather *g)
{
    bool found = false;
    for (size_t i = 0; i < g->what->file_count; i++)
        if (buildspec_match(g->what->files[i], g->path)) found = g->fits[i] = true;
    for (size_t i = 0; found && i < g->what->excluded_count; i++)
        if (buildspec_match(g->what->excluded[i], g->path)) found = false;
    return found;
}

/* The folders of g->path below the output folder. */
NODISCARD static bool make_parents(struct gather *g, struct error *err)
{
    for (char *slash = strchr(g->path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdirat(g->out, g->path, 0755) == 0 || errno == EEXIST;
        if (!made) (void)fs_error(err, "make folder", g->path);
        *slash = '/';
        if (!made) return false;
    }
    return true;
}

NODISCARD static bool take_file(struct gather *g, int parent, const char *name, struct error *err)
{
    const char *to = g->what->discard_paths ? name : g->path;
    if (!wanted(g)) return true;
    if (!g->what->discard_paths && !make_parents(g, err)) return false;
    if (linkat(parent, name, g->out, to, 0) < 0) {
        if (errno != EEXIST || !g->what->discard_paths) return fs_error(err, "take", g->path);
        return error_set(err, ERR_INVALID,
                         "two files are called '%.200s': with discard-paths every name must be "
                         "different",
                         name);
    }
    g->files++;
    return true;
}

NODISCARD static bool walk(struct gather *g, int folder, struct error *err);

NODISCARD static bool walk_entry(struct gather *g, int parent, const char *name, struct error *err)
{
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0) return fs_error(err, "stat", g->path);
    if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) return take_file(g, parent, name, err);
    if (!S_ISDIR(st.st_mode)) return true; /* sockets and the like are no files */
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "open", g->path);
    return walk(g, fd, err);
}

/* Takes the descriptor. */
NODISCARD static bool walk(struct gather *g, int folder, struct error *err)
{
    AUTO(auto_closedir) DIR *dir = fdopendir(folder);
    size_t len = strlen(g->path);
    if (!dir) {
        close(folder);
        return fs_error(err, "read folder", g->path);
    }
    if (g->depth >= DEPTH_MAX)
        return error_set(err, ERR_INVALID, "'%.200s': more than %d folders deep", g->path,
                         DEPTH_MAX);
    g->depth++;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (text_equal(entry->d_name, ".") || text_equal(entry->d_name, "..")) continue;
        int n =
            snprintf(g->path + len, sizeof g->path - len, "%s%s", len ? "/" : "", entry->d_name);
        if (n < 0 || (size_t)n >= sizeof g->path - len)
            return error_set(err, ERR_INVALID, "'%.200s...' is too long", g->path);
        if (!walk_entry(g, dirfd(dir), entry->d_name, err)) return false;
        g->path[len] = '\0';
    }
    g->depth--;
    return true;
}

NODISCARD static bool gather(struct build *build, const struct buildspec_artifacts *what,
                             const char *folder, struct error *err)
{
    AUTO(auto_free) struct gather *memory = xcalloc(1, sizeof *memory);
    struct gather *g = memory;
    AUTO(auto_close) int base = -1;
    g->what = what;
    if (mkdir(folder, 0700) < 0) return fs_error(err, "make folder", folder);
    AUTO(auto_close) int out = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (out < 0) return fs_error(err, "open", folder);
    g->out = out;
    if (!appspec_open_beneath(build->source, what->base, O_RDONLY | O_DIRECTORY, &base, err))
        return error_wrap(err, "base-directory '%s'", what->base);
    int walked = dup(base); /* closed with the walk */
    if (walked < 0) return fs_error(err, "open", what->base);
    if (!walk(g, walked, err)) return false;
    for (size_t i = 0; i < what->file_count; i++)
        if (!g->fits[i])
            return error_set(err, ERR_NOT_FOUND, "no file fits '%.200s' of the artifacts' files",
                             what->files[i]);
    return g->files > 0 || error_set(err, ERR_NOT_FOUND, "every file of the artifact is excluded");
}

NODISCARD static bool put(struct build *build, const struct job_artifact *output, const char *path,
                          struct error *err)
{
    char hex[DIGEST_HEX_SIZE];
    if (!put_output(build->step, output, path, build->report, err)) return false;
    const struct artifact_ref *made = &build->report->outputs[build->report->output_count - 1].ref;
    hex_format(made->sha256, SHA256_SIZE, hex);
    scriptlog_entry(&build->log, "Meridian - artifact %s: %llu bytes, SHA-256 %s, version %s",
                    output->name, (unsigned long long)made->size, hex, made->version_id);
    return true;
}

/* One output takes `artifacts` itself; several are the secondary ones of their names. */
static const struct buildspec_artifacts *artifacts_of(const struct build *build, size_t index)
{
    const struct job *job = &build->step->spec->job;
    const struct buildspec_artifacts *named =
        buildspec_artifacts(build->spec, job->outputs[index].name);
    if (named || index > 0) return named;
    return buildspec_artifacts(build->spec, "");
}

bool build_put_outputs(struct build *build, struct error *err)
{
    const struct job *job = &build->step->spec->job;
    for (size_t i = 0; i < job->output_count; i++) {
        const struct buildspec_artifacts *what = artifacts_of(build, i);
        char folder[FS_PATH_MAX], path[FS_PATH_MAX], name[32], zip[32];
        if (!what)
            return error_set(
                err, ERR_INVALID, "%s has no artifacts for the action's output '%s': write %s",
                build->spec->name, job->outputs[i].name,
                i == 0 ? "artifacts: with files:" : "secondary-artifacts: with that name");
        snprintf(name, sizeof name, "out-%zu", i);
        snprintf(zip, sizeof zip, "out-%zu.zip", i);
        if (!fs_join(folder, build->workspace, name, err) ||
            !fs_join(path, build->workspace, zip, err) || !gather(build, what, folder, err))
            return false;
        AUTO(auto_close)
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0) return fs_error(err, "create", path);
        if (!archive_pack_zip(folder, fd, 0, NULL, NULL, err) ||
            !put(build, &job->outputs[i], path, err))
            return false;
    }
    return true;
}
