#include "steps/fetch/download.h"

#include "io/digest.h"
#include "steps/copy.h"
#include "steps/fetch/fetch.h"
#include "steps/fetch/retention.h"
#include "steps/fetch/unpack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What unpacking is reckoned to need beside the bundle itself; the archive reader knows better and
 * checks again. */
enum { UNPACKED_TIMES = 2 };

static void auto_closedir(DIR **dir)
{
    if (*dir) closedir(*dir);
}

static bool digest_known(const struct job *job)
{
    static const uint8_t none[SHA256_SIZE];
    return job->input.size > 0 && memcmp(job->input.sha256, none, sizeof none) != 0;
}

/* ERR_CORRUPT unless the file is what the job says. */
static bool verify(const struct job *job, int fd, const char *path, struct error *err)
{
    uint8_t digest[DIGEST_SIZE];
    char expected[DIGEST_HEX_SIZE], found[DIGEST_HEX_SIZE];
    uint64_t size;
    if (!digest_known(job)) return true;
    if (lseek(fd, 0, SEEK_SET) < 0) return fs_error(err, "rewind", path);
    if (!digest_fd(fd, digest, &size, err)) return error_wrap(err, "read '%s'", path);
    if (size == job->input.size && digest_equal(digest, job->input.sha256, sizeof digest))
        return true;
    hex_format(digest, sizeof digest, found);
    hex_format(job->input.sha256, SHA256_SIZE, expected);
    return error_set(err, ERR_CORRUPT, "'%s' has %llu bytes of SHA-256 %s, expected %llu of %s",
                     path, (unsigned long long)size, found, (unsigned long long)job->input.size,
                     expected);
}

static bool holds(const struct job *job, const char *path)
{
    struct error ignored;
    struct stat info;
    AUTO(auto_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) return false;
    if ((uint64_t)info.st_size != job->input.size) return false;
    return verify(job, fd, path, &ignored);
}

/* *found: bundle.tar is there and verified, linked from another deployment of the group. */
static bool reuse(const struct step *step, bool *found, struct error *err)
{
    const struct host *host = &step->host;
    const struct job *job = &step->spec->job;
    *found = digest_known(job) && holds(job, host->bundle);
    if (*found || !digest_known(job)) return true;
    AUTO(auto_closedir) DIR *dir = opendir(host->group);
    if (!dir) return fs_error(err, "read folder", host->group);
    for (struct dirent *entry; !*found && (entry = readdir(dir));) {
        char path[FS_PATH_MAX];
        if (entry->d_name[0] == '.') continue;
        int len = snprintf(path, sizeof path, "%s/%s/bundle.tar", host->group, entry->d_name);
        if (len < 0 || len >= FS_PATH_MAX || text_equal(path, host->bundle)) continue;
        if (!holds(job, path)) continue;
        if (unlink(host->bundle) < 0 && errno != ENOENT)
            return fs_error(err, "remove", host->bundle);
        *found = link(path, host->bundle) == 0;
    }
    return true;
}

static bool check_room(const struct step *step, uint64_t size, struct error *err)
{
    uint64_t room, needed = size * (1 + UNPACKED_TIMES);
    if (!fs_free_bytes(step->host.deployment, &room, err)) return false;
    if (room >= needed) return true;
    return error_set(err, ERR_NO_SPACE,
                     "the disk of '%s' has %llu bytes free, and about %llu are needed",
                     step->host.deployment, (unsigned long long)room, (unsigned long long)needed);
}

/* A second name for the same bytes, where nobody but us can change them: what another user may
 * write must not lie where verified bundles lie. */
static bool link_local(const char *from, const struct stat *info, const char *to)
{
    bool ours = info->st_uid == geteuid() && (info->st_mode & (S_IWGRP | S_IWOTH)) == 0;
    return ours && link(from, to) == 0;
}

/* deploy-local: the file becomes bundle.tar as if it had been fetched. */
static bool copy_local(struct step *step, const char *from, struct error *err)
{
    char temp[FS_PATH_MAX];
    struct stat info;
    AUTO(auto_close) int source = open(from, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (source < 0 || fstat(source, &info) < 0) return fs_error(err, "open", from);
    if (!S_ISREG(info.st_mode))
        return error_set(err, ERR_INVALID, "'%s' is neither a file nor a folder", from);
    if (!check_room(step, (uint64_t)info.st_size, err)) return false;
    if (unlink(step->host.bundle) < 0 && errno != ENOENT)
        return fs_error(err, "remove", step->host.bundle);
    if (link_local(from, &info, step->host.bundle)) return true;
    int len = snprintf(temp, sizeof temp, "%s.part", step->host.bundle);
    if (len < 0 || len >= FS_PATH_MAX) return error_set(err, ERR_INVALID, "path too long");
    AUTO(auto_close)
    int to = open(temp, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0) return fs_error(err, "create", temp);
    struct copier copier AUTO(copier_deinit);
    copier_init(&copier);
    if (!copy_contents(&copier, source, to, (uint64_t)info.st_size, from, err)) return false;
    if (fsync(to) < 0) return fs_error(err, "sync", temp);
    if (rename(temp, step->host.bundle) < 0) return fs_error(err, "rename to", step->host.bundle);
    return true;
}

static bool get_bundle(struct step *step, struct step_report *report, struct error *err)
{
    const struct step_spec *spec = step->spec;
    char part[FS_PATH_MAX];
    bool found = false;
    if (spec->local_bundle[0]) return copy_local(step, spec->local_bundle, err);
    if (!reuse(step, &found, err)) return false;
    if (found) return true;
    if (!check_room(step, spec->job.input.size, err)) return false;
    int len = snprintf(part, sizeof part, "%s.part", step->host.bundle);
    if (len < 0 || len >= FS_PATH_MAX) return error_set(err, ERR_INVALID, "path too long");
    if (!fetch_object(step, part, &report->bytes, err)) return false;
    if (rename(part, step->host.bundle) < 0) return fs_error(err, "rename to", step->host.bundle);
    return true;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return path[0] && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* `source` is a descriptor of the verified bundle, or of the folder `path`. */
static bool unpack(struct step *step, int source, const char *path, struct error *err)
{
    const struct host *host = &step->host;
    enum archive_kind kind = ARCHIVE_KIND_DIRECTORY;
    char beside[FS_PATH_MAX];
    if (!is_folder(step->spec->local_bundle) &&
        !archive_kind_parse(step->spec->job.bundle_type, &kind, err))
        return false;
    int len = snprintf(beside, sizeof beside, "%s.part", host->archive);
    if (len < 0 || len >= FS_PATH_MAX) return error_set(err, ERR_INVALID, "path too long");
    if (!fs_remove_tree(beside, err) || !fs_remove_tree(host->archive, err)) return false;
    bool ok = unpack_bundle(step, source, kind, beside, err);
    struct error ignored;
    if (!ok && !fs_remove_tree(beside, &ignored)) return error_wrap(err, "unpack '%s'", path);
    if (!ok) return error_wrap(err, "unpack '%s'", path);
    if (rename(beside, host->archive) < 0) return fs_error(err, "rename to", host->archive);
    return fs_sync_folder(host->deployment, err);
}

bool download_run(struct step *step, struct step_report *report, struct error *err)
{
    const struct step_spec *spec = step->spec;
    const struct host *host = &step->host;
    AUTO(auto_close) int bundle = -1;
    if (!fs_make_folders(host->deployment, 0755, err)) return false;
    if (!fs_make_folders(host->instructions, 0755, err)) return false;
    const char *path = host->bundle;
    if (is_folder(spec->local_bundle)) {
        path = spec->local_bundle;
        bundle = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (bundle < 0) return fs_error(err, "open", path);
    } else {
        if (!get_bundle(step, report, err)) return false;
        bundle = open(host->bundle, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (bundle < 0) return fs_error(err, "open", host->bundle);
        if (!verify(&spec->job, bundle, host->bundle, err)) return false;
    }
    if (!step_continues(step, err) || !unpack(step, bundle, path, err)) return false;
    if (!fs_write_atomic(host->recent, bytes_of_text(host->deployment), 0644, err)) return false;
    uint32_t keep = spec->revisions_max > 0 ? spec->revisions_max : 1;
    return retention_prune(host, spec->job.deployment.text, spec->last_successful.text, keep,
                           err) &&
           retention_prune_bytes(host, spec->job.deployment.text, spec->last_successful.text,
                                 spec->revisions_bytes_max, err);
}
