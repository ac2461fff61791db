#include "steps/host.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool plain_name(const char *name)
{
    if (name[0] == '\0' || text_equal(name, ".") || text_equal(name, "..")) return false;
    return strlen(name) <= 200 && !strpbrk(name, "/\n");
}

static bool instruction(struct host *host, char out[FS_PATH_MAX], const char *group,
                        const char *suffix, struct error *err)
{
    char name[FS_PATH_MAX];
    int len = snprintf(name, sizeof name, "%s%s", group, suffix);
    if (len < 0 || (size_t)len >= sizeof name) return error_set(err, ERR_INVALID, "path too long");
    return fs_join(out, host->instructions, name, err);
}

bool host_init(struct host *host, const char *root, const char *group, const char *deployment,
               struct error *err)
{
    if (!plain_name(group))
        return error_set(err, ERR_INVALID, "deployment group id '%s' cannot name a folder", group);
    if (!plain_name(deployment))
        return error_set(err, ERR_INVALID, "deployment id '%s' cannot name a folder", deployment);
    char base[FS_PATH_MAX];
    if (root[0] == '/') {
        if (!text_copy(base, sizeof base, root))
            return error_set(err, ERR_INVALID, "root_dir is too long");
    } else {
        char folder[FS_PATH_MAX];
        if (!getcwd(folder, sizeof folder)) return fs_error(err, "working folder", ".");
        if (!fs_join(base, folder, root, err)) return false;
    }
    return fs_join(host->group, base, group, err) &&
           fs_join(host->deployment, host->group, deployment, err) &&
           fs_join(host->archive, host->deployment, "deployment-archive", err) &&
           fs_join(host->bundle, host->deployment, "bundle.tar", err) &&
           fs_join(host->logs, host->deployment, "logs", err) &&
           fs_join(host->instructions, base, "deployment-instructions", err) &&
           instruction(host, host->manifest, group, ".manifest", err) &&
           instruction(host, host->manifest_next, group, ".manifest.next", err) &&
           instruction(host, host->journal, group, ".journal", err) &&
           instruction(host, host->undo, group, ".undo", err) &&
           instruction(host, host->manifest_old, group, ".manifest.old", err) &&
           instruction(host, host->agent_cleanup_old, group, "-cleanup.old", err) &&
           fs_join(host->revision, host->deployment, "revision", err) &&
           instruction(host, host->lock, group, ".lock", err) &&
           instruction(host, host->agent_cleanup, group, "-cleanup", err) &&
           instruction(host, host->recent, group, "_most_recent_install", err);
}

bool host_archive(const struct host *host, const char *deployment, char out[FS_PATH_MAX],
                  struct error *err)
{
    char folder[FS_PATH_MAX];
    if (!plain_name(deployment))
        return error_set(err, ERR_INVALID, "deployment id '%s' cannot name a folder", deployment);
    return fs_join(folder, host->group, deployment, err) &&
           fs_join(out, folder, "deployment-archive", err);
}

bool host_revision(const struct host *host, const char *deployment, char out[HOST_REVISION_SIZE])
{
    char folder[FS_PATH_MAX], path[FS_PATH_MAX];
    struct error ignored;
    struct buf text AUTO(buf_deinit) = { .max = 0 };
    buf_init(&text, HOST_REVISION_SIZE - 1);
    if (!plain_name(deployment) || !fs_join(folder, host->group, deployment, &ignored))
        return false;
    if (!fs_join(path, folder, "revision", &ignored)) return false;
    if (!fs_read_file(path, &text, &ignored) || text.len == 0) return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}
