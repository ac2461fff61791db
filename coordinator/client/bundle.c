#include "client/bundle.h"

#include "bundle/buildspec.h"
#include "io/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *bundle_text(const char *path, char *out, size_t size)
{
    snprintf(out, size, "the bundle '%.200s' cannot be read", path);
    return out;
}

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && folder[0] == '/' ? folder : "/tmp";
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* zip, gzip, zstd, xz, bzip2, or tar's mark behind the first header. */
static bool is_archive(const uint8_t *head, size_t len)
{
    static const struct {
        const char *magic;
        size_t len, at;
    } kinds[] = { { "PK\003\004", 4, 0 },
                  { "PK\005\006", 4, 0 },
                  { "\x1f\x8b", 2, 0 },
                  { "\x28\xb5\x2f\xfd", 4, 0 },
                  { "\xfd"
                    "7zXZ",
                    5, 0 },
                  { "BZh", 3, 0 },
                  { "ustar", 5, 257 } };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (len >= kinds[i].at + kinds[i].len &&
            memcmp(head + kinds[i].at, kinds[i].magic, kinds[i].len) == 0)
            return true;
    return false;
}

bool bundle_detect(const char *path, enum bundle_kind *out, struct error *err)
{
    struct stat at;
    uint8_t head[512];
    size_t got = 0;
    if (text_equal(path, "-")) {
        *out = BUNDLE_NONE;
        return true;
    }
    AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fs_error(err, "open", path);
    if (fstat(fd, &at)) return fs_error(err, "stat", path);
    if (S_ISDIR(at.st_mode)) {
        *out = BUNDLE_FOLDER;
        return true;
    }
    if (!fs_read_full(fd, head, sizeof head, &got, err)) return error_wrap(err, "'%s'", path);
    const char *name = base_name(path);
    *out = BUNDLE_NONE;
    if (text_equal(name, "appspec.yml") || text_equal(name, "appspec.yaml"))
        *out = BUNDLE_APPSPEC;
    else if (text_equal(name, "buildspec.yml") || text_equal(name, "buildspec.yaml"))
        *out = BUNDLE_BUILDSPEC;
    else if (is_archive(head, got))
        *out = BUNDLE_ARCHIVE;
    return true;
}

/* ---- validate ---- */

/* *found is false without one in the folder. */
NODISCARD static bool validate_buildspec(const char *folder, struct appspec_problems *problems,
                                         bool *found, struct error *err)
{
    AUTO(buildspec_free_at) struct buildspec *spec = NULL;
    struct error why = { .code = ERR_NONE };
    *found = true;
    if (!buildspec_load(folder, &spec, &why)) {
        *found = why.code != ERR_NOT_FOUND;
        if (why.code == ERR_INVALID) appspec_problem_add(problems, false, why.text);
        return why.code == ERR_INVALID || !*found || error_set(err, why.code, "%s", why.text);
    }
    for (size_t i = 0; i < spec->warning_count; i++)
        appspec_problem_add(problems, true, spec->warnings[i]);
    return true;
}

/* The appspec and the buildspec of an unpacked revision: at least one of them. */
NODISCARD static bool validate_folder(const char *folder, const char *shown, const char *filename,
                                      struct appspec_problems *problems, struct error *err)
{
    static const char *const names[] = { "appspec.yml", "appspec.yaml" };
    char path[FS_PATH_MAX], name[FS_PATH_MAX];
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, APPSPEC_BYTES_MAX);
    bool found = false, built = false, whole = !filename;
    for (size_t i = 0; i < 2 && !found && !filename; i++) {
        if (!fs_join(path, folder, names[i], err)) return false;
        if (fs_exists(path)) filename = names[i];
        found = filename != NULL;
    }
    if (whole && !validate_buildspec(folder, problems, &built, err)) return false;
    if (!filename && built) return true;
    if (!filename)
        return error_set(err, ERR_NOT_FOUND, "there is no appspec.yml at the top of '%s'", shown);
    if (!fs_join(path, folder, filename, err) || !fs_join(name, shown, filename, err) ||
        !fs_read_file(path, &text, err))
        return false;
    return appspec_validate(name, buf_bytes(&text), folder, problems, err);
}

NODISCARD static bool validate_archive(const char *path, struct appspec_problems *problems,
                                       struct error *err)
{
    char folder[FS_PATH_MAX];
    snprintf(folder, sizeof folder, "%.4000s/meridian-validate-XXXXXX", temporary_folder());
    if (!mkdtemp(folder)) return fs_error(err, "make", folder);
    bool ok = archive_unpack_path(path, ARCHIVE_KIND_AUTO, folder, NULL, NULL, err) &&
              validate_folder(folder, path, NULL, problems, err);
    struct error ignored;
    if (!fs_remove_tree(folder, &ignored) && ok) {
        *err = ignored;
        return false;
    }
    return ok;
}

bool bundle_validate(const char *path, enum bundle_kind kind, struct appspec_problems *problems,
                     struct error *err)
{
    char folder[FS_PATH_MAX];
    if (kind == BUNDLE_FOLDER) return validate_folder(path, path, NULL, problems, err);
    if (kind == BUNDLE_ARCHIVE) return validate_archive(path, problems, err);
    const char *name = base_name(path);
    int len = name == path ? 1 : (int)(name - path);
    if (len >= FS_PATH_MAX) return error_set(err, ERR_INVALID, "the path is too long");
    snprintf(folder, sizeof folder, "%.*s", len, name == path ? "." : path);
    bool found;
    if (kind == BUNDLE_BUILDSPEC) return validate_buildspec(folder, problems, &found, err);
    return validate_folder(folder, folder, name, problems, err);
}

/* ---- push ---- */

void bundle_close(struct bundle_file *file)
{
    auto_close(&file->fd);
    file->fd = -1;
}

NODISCARD static bool pack(const char *path, struct bundle_file *out, struct error *err)
{
    char name[FS_PATH_MAX];
    snprintf(name, sizeof name, "%.4000s/meridian-push-XXXXXX", temporary_folder());
    out->fd = mkostemp(name, O_CLOEXEC);
    if (out->fd < 0) return fs_error(err, "make", name);
    if (unlink(name)) return fs_error(err, "unlink", name);
    out->packed = true;
    return archive_pack_zip(path, out->fd, 0, NULL, NULL, err);
}

bool bundle_open(const char *path, struct bundle_file *out, struct error *err)
{
    struct stat at;
    *out = (struct bundle_file){ .fd = open(path, O_RDONLY | O_CLOEXEC) };
    if (out->fd < 0) return fs_error(err, "open", path);
    bool ok = fstat(out->fd, &at) == 0 || fs_error(err, "stat", path);
    if (ok && S_ISDIR(at.st_mode)) {
        bundle_close(out);
        ok = pack(path, out, err);
    } else if (ok && !S_ISREG(at.st_mode)) {
        ok = error_set(err, ERR_INVALID, "'%s' is neither a file nor a folder", path);
    }
    if (ok && lseek(out->fd, 0, SEEK_SET) != 0) ok = fs_error(err, "seek", path);
    ok = ok && digest_fd(out->fd, out->sha256, &out->size, err);
    if (!ok) {
        bundle_close(out);
        return error_wrap(err, "%s", path);
    }
    /* The same inode, whatever happens to the name. */
    snprintf(out->path, sizeof out->path, "/proc/self/fd/%d", out->fd);
    return true;
}
