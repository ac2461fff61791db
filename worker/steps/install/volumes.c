#include "steps/install/volumes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void volumes_init(struct volumes *v)
{
    *v = (struct volumes){ .at = xcalloc(VOLUMES_MAX, sizeof *v->at) };
}

void volumes_deinit(struct volumes *v)
{
    for (size_t i = 0; i < v->count; i++) auto_close(&v->at[i].fd);
    free(v->at);
    *v = (struct volumes){ .count = 0 };
}

static bool find(struct volumes *v, const char *folder, size_t *index, struct error *err)
{
    AUTO(auto_close) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0) return fs_error(err, "open folder", folder);
    for (*index = 0; *index < v->count; (*index)++) {
        if (v->at[*index].device == info.st_dev) return true;
    }
    if (v->count == VOLUMES_MAX)
        return error_set(err, ERR_INVALID,
                         "'%s' is on more than the %d file systems of one install", folder,
                         VOLUMES_MAX);
    struct volume *volume = &v->at[v->count++];
    *volume = (struct volume){ .device = info.st_dev, .fd = fd };
    memcpy(volume->folder, folder, strlen(folder) + 1);
    fd = -1;
    return true;
}

bool volumes_need(struct volumes *v, const char *path, uint64_t bytes, struct error *err)
{
    char folder[FS_PATH_MAX];
    if (!text_copy(folder, sizeof folder, path))
        return error_set(err, ERR_INVALID, "path too long: '%.200s...'", path);
    char *slash = strrchr(folder, '/');
    slash[slash == folder ? 1 : 0] = '\0';
    if (v->count == 0 || !text_equal(folder, v->last)) {
        if (!find(v, folder, &v->last_index, err)) return false;
        memcpy(v->last, folder, sizeof v->last);
    }
    v->at[v->last_index].needed += bytes;
    return true;
}

bool volumes_check(const struct volumes *v, struct error *err)
{
    for (size_t i = 0; i < v->count; i++) {
        uint64_t room;
        if (!fs_free_bytes(v->at[i].folder, &room, err)) return false;
        if (room < v->at[i].needed)
            return error_set(
                err, ERR_NO_SPACE, "the disk of '%s' has %llu bytes free, and %llu are needed",
                v->at[i].folder, (unsigned long long)room, (unsigned long long)v->at[i].needed);
    }
    return true;
}

bool volumes_sync(const struct volumes *v, struct error *err)
{
    for (size_t i = 0; i < v->count; i++) {
        if (syncfs(v->at[i].fd) < 0) return fs_error(err, "sync the disk of", v->at[i].folder);
    }
    return true;
}
