/* What a store holds as a whole, and how versions leave it: dirstore.h. */
#include "io/dirstore.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NUMBER_SIZE = 17 };

static void close_folder(DIR **folder)
{
    if (*folder) closedir(*folder);
}

/* Folders of keys, by name: the SHA-256 of the key in hexadecimal. */
struct marks {
    char (*at)[DIRSTORE_MARK_SIZE];
    size_t count, cap;
};

static void marks_deinit(struct marks *marks)
{
    free(marks->at);
}

static int mark_order(const void *a, const void *b)
{
    return strcmp(a, b);
}

NODISCARD static bool marks_read(const char *objects, const char *from, struct marks *out,
                                 struct error *err)
{
    AUTO(close_folder) DIR *names = opendir(objects);
    if (!names) return fs_error(err, "open", objects);
    for (struct dirent *entry; (entry = readdir(names));) {
        if (strlen(entry->d_name) != DIRSTORE_MARK_SIZE - 1 || strcmp(entry->d_name, from) < 0)
            continue;
        if (out->count == out->cap) {
            out->cap = out->cap ? out->cap * 2 : 64;
            out->at = xrealloc(out->at, out->cap * sizeof *out->at);
        }
        memcpy(out->at[out->count++], entry->d_name, DIRSTORE_MARK_SIZE);
    }
    if (out->count) qsort(out->at, out->count, sizeof *out->at, mark_order);
    return true;
}

bool dirstore_keys(const struct dirstore *store, const char *from, dirstore_key_fn fn, void *owner,
                   struct error *err)
{
    char objects[FS_PATH_MAX], folder[FS_PATH_MAX], path[FS_PATH_MAX];
    AUTO(marks_deinit) struct marks marks = { 0 };
    if (!fs_join(objects, store->folder, "objects", err) || !marks_read(objects, from, &marks, err))
        return false;
    for (size_t i = 0; i < marks.count; i++) {
        AUTO(buf_deinit) struct buf key;
        struct error ignored = { 0 };
        buf_init(&key, DIRSTORE_KEY_MAX + 1);
        if (!fs_join(folder, objects, marks.at[i], err) || !fs_join(path, folder, "key", err))
            return false;
        /* One that is just being made has none yet. */
        if (!fs_read_file(path, &key, &ignored) || !buf_append(&key, "", 1, &ignored)) continue;
        if (!fn(owner, marks.at[i], (const char *)key.data)) return true;
    }
    return true;
}

/* The .meta first: without it there is no such version, whatever is left behind. */
bool dirstore_remove(const struct dirstore *store, const char *key, const char *version_id,
                     struct error *err)
{
    char path[FS_PATH_MAX], folder[FS_PATH_MAX];
    static const char *const suffixes[] = { ".meta", ".data" };
    struct dirstore_object object;
    struct error missing = { 0 };
    if (!dirstore_head(store, key, version_id, &object, &missing)) {
        if (missing.code == ERR_NOT_FOUND) return true;
        *err = missing;
        return false;
    }
    if (!dirstore_folder(store, key, folder, err)) return false;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char name[NUMBER_SIZE + ID_SIZE + sizeof ".meta"];
        snprintf(name, sizeof name, "%016llx-%s%s", (unsigned long long)object.number,
                 object.version_id.text, suffixes[i]);
        if (!fs_join(path, folder, name, err)) return false;
        if (unlink(path) != 0 && errno != ENOENT) return fs_error(err, "remove", path);
        if (!fs_sync_folder(folder, err)) return false;
    }
    return true;
}
