#include "steps/fetch/retention.h"

#include "steps/install/keep.h"

#include <dirent.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct old {
    char name[NAME_MAX + 1];
    struct timespec changed;
};

struct olds {
    struct old *at;
    size_t count, cap;
};

static void auto_closedir(DIR **dir)
{
    if (*dir) closedir(*dir);
}

static bool is_deployment(const char *folder)
{
    char path[FS_PATH_MAX];
    struct error ignored;
    if (fs_join(path, folder, "deployment-archive", &ignored) && fs_exists(path)) return true;
    if (fs_join(path, folder, "build", &ignored) && fs_exists(path)) return true;
    return fs_join(path, folder, "bundle.tar", &ignored) && fs_exists(path);
}

static void add(struct olds *olds, const char *name, struct timespec changed)
{
    if (olds->count == RETENTION_ENTRIES_MAX) return;
    if (olds->count == olds->cap) {
        olds->cap = olds->cap ? 2 * olds->cap : 16;
        olds->at = xrealloc(olds->at, olds->cap * sizeof *olds->at);
    }
    struct old *old = &olds->at[olds->count];
    if (!text_copy(old->name, sizeof old->name, name)) return;
    old->changed = changed;
    olds->count++;
}

static bool list(const struct host *host, const char *current, struct olds *out, struct error *err)
{
    AUTO(auto_closedir) DIR *dir = opendir(host->group);
    if (!dir) return fs_error(err, "read folder", host->group);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[FS_PATH_MAX];
        struct stat info;
        if (entry->d_name[0] == '.' || text_equal(entry->d_name, current)) continue;
        if (!fs_join(path, host->group, entry->d_name, err)) return false;
        if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode) && is_deployment(path))
            add(out, entry->d_name, info.st_mtim);
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct old *x = a, *y = b;
    if (x->changed.tv_sec != y->changed.tv_sec)
        return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
    if (x->changed.tv_nsec != y->changed.tv_nsec)
        return x->changed.tv_nsec < y->changed.tv_nsec ? -1 : 1;
    return strcmp(x->name, y->name);
}

bool retention_prune(const struct host *host, const char *current, const char *last_successful,
                     uint32_t keep, struct error *err)
{
    struct olds olds = { .count = 0 };
    bool ok = list(host, current, &olds, err);
    size_t extra = ok && olds.count + 1 > keep ? olds.count + 1 - keep : 0;
    if (olds.count > 0) qsort(olds.at, olds.count, sizeof *olds.at, compare);
    for (size_t i = 0; ok && i < olds.count && extra > 0; i++) {
        char path[FS_PATH_MAX];
        if (text_equal(olds.at[i].name, last_successful)) continue;
        if (keep_needs(host, olds.at[i].name)) continue;
        ok = fs_join(path, host->group, olds.at[i].name, err) && fs_remove_tree(path, err);
        extra--;
    }
    free(olds.at);
    return ok;
}

/* Blocks on disk below the folder; names of one file (kept ones) are counted where they are first
 * met, and a folder that cannot be read counts nothing. */
static uint64_t size_of(const char *folder)
{
    char path[FS_PATH_MAX];
    char *const paths[] = { path, NULL };
    uint64_t bytes = 0;
    if (!text_copy(path, sizeof path, folder)) return 0;
    FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    for (FTSENT *entry; fts && (entry = fts_read(fts));) {
        if (entry->fts_info == FTS_F || entry->fts_info == FTS_D)
            bytes += (uint64_t)entry->fts_statp->st_blocks * 512;
    }
    if (fts) fts_close(fts);
    return bytes;
}

static bool sum_up(const struct host *host, const struct olds *olds, uint64_t *sizes,
                   uint64_t *total, struct error *err)
{
    for (size_t i = 0; i < olds->count; i++) {
        char path[FS_PATH_MAX];
        if (!fs_join(path, host->group, olds->at[i].name, err)) return false;
        *total += sizes[i] = size_of(path);
    }
    return true;
}

bool retention_prune_bytes(const struct host *host, const char *current,
                           const char *last_successful, uint64_t bytes_max, struct error *err)
{
    struct olds olds = { .count = 0 };
    if (bytes_max == 0) return true;
    bool ok = list(host, current, &olds, err);
    if (olds.count > 0) qsort(olds.at, olds.count, sizeof *olds.at, compare);
    AUTO(auto_free) uint64_t *sizes = xcalloc(olds.count + 1, sizeof *sizes);
    uint64_t total = size_of(host->deployment);
    ok = ok && sum_up(host, &olds, sizes, &total, err);
    for (size_t i = 0; ok && i < olds.count && total > bytes_max; i++) {
        char path[FS_PATH_MAX];
        const char *name = olds.at[i].name;
        if (text_equal(name, last_successful) || keep_needs(host, name)) continue;
        ok = fs_join(path, host->group, name, err) && fs_remove_tree(path, err);
        total -= sizes[i];
    }
    free(olds.at);
    return ok;
}
