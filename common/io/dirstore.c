#include "io/dirstore.h"

#include "io/digest.h"
#include "io/doc.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    META_BYTES_MAX = 4096,
    NUMBER_DIGITS = 16,
    VERSION_DIGITS = 32,
    STEM_LEN = NUMBER_DIGITS + 1 + VERSION_DIGITS /* "<number>-<version>" */
};

static void close_folder(DIR **folder)
{
    if (*folder) closedir(*folder);
}

NODISCARD static bool key_check(const char *key, struct error *err)
{
    size_t len = strlen(key);
    if (len == 0 || len > DIRSTORE_KEY_MAX)
        return error_set(err, ERR_INVALID, "an object key has 1 to %d bytes, this one has %zu",
                         DIRSTORE_KEY_MAX, len);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)key[i] < 0x20 || key[i] == 0x7f)
            return error_set(err, ERR_INVALID, "an object key holds no control characters");
    return true;
}

bool dirstore_folder(const struct dirstore *store, const char *key, char out[FS_PATH_MAX],
                     struct error *err)
{
    if (!key_check(key, err)) return false;
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_HEX_SIZE];
    digest_sha256(bytes_of_text(key), digest);
    hex_format(digest, sizeof digest, hex);
    char objects[FS_PATH_MAX];
    return fs_join(objects, store->folder, "objects", err) && fs_join(out, objects, hex, err);
}

NODISCARD static bool version_path(const char *folder, const struct dirstore_object *object,
                                   const char *suffix, char out[FS_PATH_MAX], struct error *err)
{
    char name[ID_SIZE + 32]; /* 16 digits, a dash, the version and a suffix */
    snprintf(name, sizeof name, "%016llx-%s%s", (unsigned long long)object->number,
             object->version_id.text, suffix);
    return fs_join(out, folder, name, err);
}

/* Fills number and version id from "<number>-<version><suffix>"; false for any other name. */
static bool version_name_parse(const char *name, const char *suffix, struct dirstore_object *out)
{
    if (strlen(name) != STEM_LEN + strlen(suffix)) return false;
    if (name[NUMBER_DIGITS] != '-' || !text_equal(name + STEM_LEN, suffix)) return false;
    char digits[NUMBER_DIGITS + 1] = "", version[VERSION_DIGITS + 1] = "";
    memcpy(digits, name, NUMBER_DIGITS);
    memcpy(version, name + NUMBER_DIGITS + 1, VERSION_DIGITS);
    uint8_t number[NUMBER_DIGITS / 2];
    if (!hex_parse(digits, number, sizeof number) || !id_parse(version, &out->version_id))
        return false;
    out->number = 0;
    for (size_t i = 0; i < sizeof number; i++) out->number = out->number << 8 | number[i];
    return true;
}

NODISCARD static bool meta_read(const char *folder, struct dirstore_object *object,
                                struct error *err)
{
    char path[FS_PATH_MAX];
    AUTO(doc_free_at) struct doc *doc = NULL;
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, META_BYTES_MAX);
    if (!version_path(folder, object, ".meta", path, err) || !fs_read_file(path, &text, err) ||
        !doc_parse(path, buf_bytes(&text), NULL, &doc, err))
        return false;
    const struct doc_node *root = doc_root(doc, 0);
    const char *sha256 = "", *summary = "";
    if (!doc_get_unsigned(root, "size", DOC_REQUIRED, 0, UINT64_MAX, &object->size, err) ||
        !doc_get_unsigned(root, "modified", DOC_REQUIRED, 0, UINT64_MAX, &object->modified_ms,
                          err) ||
        !doc_get_text(root, "sha256", DOC_REQUIRED, &sha256, err) ||
        !doc_get_text(root, "summary", DOC_OPTIONAL, &summary, err))
        return false;
    if (!hex_parse(sha256, object->sha256, sizeof object->sha256))
        return error_set(err, ERR_CORRUPT, "'%s': sha256 is not 64 hexadecimal digits", path);
    if (!text_copy(object->summary, sizeof object->summary, summary))
        return error_set(err, ERR_CORRUPT, "'%s': the summary is too long", path);
    return true;
}

/* A double-quoted YAML (and JSON) scalar. */
static void quoted_format(const char *text, char *out, size_t size)
{
    size_t used = 0;
    out[used++] = '"';
    for (; *text && used + 8 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            out[used++] = '\\';
            out[used++] = (char)c;
        } else if (c < 0x20 || c == 0x7f) {
            used += (size_t)snprintf(out + used, size - used, "\\u%04x", c);
        } else {
            out[used++] = (char)c;
        }
    }
    out[used++] = '"';
    out[used] = '\0';
}

NODISCARD static bool meta_write(const char *folder, const struct dirstore_object *object,
                                 struct error *err)
{
    char path[FS_PATH_MAX], hex[DIGEST_HEX_SIZE], summary[DIRSTORE_SUMMARY_SIZE * 6 + 3];
    char text[META_BYTES_MAX];
    if (!version_path(folder, object, ".meta", path, err)) return false;
    hex_format(object->sha256, sizeof object->sha256, hex);
    quoted_format(object->summary, summary, sizeof summary);
    int len = snprintf(
        text, sizeof text, "size: %llu\nmodified: %llu\nsha256: \"%s\"\nsummary: %s\n",
        (unsigned long long)object->size, (unsigned long long)object->modified_ms, hex, summary);
    assert(len > 0);
    assert((size_t)len < sizeof text);
    return fs_write_atomic(path, bytes_of(text, (size_t)len), 0600, err);
}

struct newest {
    struct dirstore_object object;
    const char *version_id; /* "" any */
    bool found;
};

/* Walks the names that end in `suffix`; an absent folder has none. */
NODISCARD static bool versions_scan(const char *folder, const char *suffix, dirstore_each_fn fn,
                                    void *owner, struct error *err)
{
    AUTO(close_folder) DIR *names = opendir(folder);
    if (!names) return errno == ENOENT ? true : fs_error(err, "open", folder);
    for (struct dirent *entry; (entry = readdir(names));) {
        struct dirstore_object object = { 0 };
        if (version_name_parse(entry->d_name, suffix, &object) && !fn(owner, &object)) return true;
    }
    return true;
}

static bool newest_take(void *owner, const struct dirstore_object *object)
{
    struct newest *newest = owner;
    bool wanted =
        newest->version_id[0] == '\0' || text_equal(newest->version_id, object->version_id.text);
    if (wanted && (!newest->found || object->number > newest->object.number)) {
        newest->object = *object;
        newest->found = true;
    }
    return true;
}

bool dirstore_head(const struct dirstore *store, const char *key, const char *version_id,
                   struct dirstore_object *out, struct error *err)
{
    char folder[FS_PATH_MAX];
    struct newest newest = { .version_id = version_id };
    if (!dirstore_folder(store, key, folder, err) ||
        !versions_scan(folder, ".meta", newest_take, &newest, err))
        return false;
    if (!newest.found)
        return error_set(err, ERR_NOT_FOUND, "no object '%s'%s%s", key,
                         version_id[0] ? " of version " : "", version_id);
    if (!meta_read(folder, &newest.object, err)) return false;
    *out = newest.object;
    return true;
}

bool dirstore_get(const struct dirstore *store, const char *key,
                  const struct dirstore_object *object, int *fd, struct error *err)
{
    char folder[FS_PATH_MAX], path[FS_PATH_MAX];
    if (!dirstore_folder(store, key, folder, err) ||
        !version_path(folder, object, ".data", path, err))
        return false;
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (opened < 0) return fs_error(err, "open", path);
    bool known = fstat(opened, &st) == 0;
    if (!known || (uint64_t)st.st_size != object->size) {
        if (known)
            error_set(err, ERR_CORRUPT, "'%s' is damaged: it has %llu of %llu bytes", path,
                      (unsigned long long)st.st_size, (unsigned long long)object->size);
        else
            fs_error(err, "stat", path);
        close(opened);
        return false;
    }
    *fd = opened;
    return true;
}

bool dirstore_upload_path(const struct dirstore *store, const struct id *upload,
                          char out[FS_PATH_MAX], struct error *err)
{
    struct id checked;
    if (!id_parse(upload->text, &checked) || checked.text[0] == '.')
        return error_set(err, ERR_INVALID, "'%s' is no upload id", upload->text);
    char uploads[FS_PATH_MAX];
    return fs_join(uploads, store->folder, "uploads", err) &&
           fs_join(out, uploads, checked.text, err);
}

/* The key's folder, made with its `key` file when this is the key's first version. */
NODISCARD static bool key_folder_make(const struct dirstore *store, const char *key,
                                      char out[FS_PATH_MAX], struct error *err)
{
    char path[FS_PATH_MAX];
    if (!dirstore_folder(store, key, out, err) || !fs_make_folders(out, 0700, err) ||
        !fs_join(path, out, "key", err))
        return false;
    return fs_exists(path) || fs_write_atomic(path, bytes_of_text(key), 0600, err);
}

bool dirstore_put(const struct dirstore *store, const char *key, const struct id *upload,
                  struct dirstore_object *object, struct error *err)
{
    assert(strlen(object->version_id.text) == VERSION_DIGITS);
    char folder[FS_PATH_MAX], from[FS_PATH_MAX], to[FS_PATH_MAX];
    struct newest newest = { .version_id = "" };
    if (!key_folder_make(store, key, folder, err) ||
        !versions_scan(folder, ".data", newest_take, &newest, err) ||
        !dirstore_upload_path(store, upload, from, err))
        return false;
    object->number = newest.found ? newest.object.number + 1 : 1;
    if (!version_path(folder, object, ".data", to, err)) return false;
    if (rename(from, to) != 0) return fs_error(err, "rename", from);
    return fs_sync_folder(folder, err) && fs_sync_parent(from, err) &&
           meta_write(folder, object, err);
}

struct version_list {
    struct dirstore_object *at;
    size_t count, cap;
};

static void version_list_deinit(struct version_list *list)
{
    free(list->at);
}

static bool version_list_add(void *owner, const struct dirstore_object *object)
{
    struct version_list *list = owner;
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->at = xrealloc(list->at, list->cap * sizeof *list->at);
    }
    list->at[list->count++] = *object;
    return true;
}

static int newest_first(const void *a, const void *b)
{
    uint64_t left = ((const struct dirstore_object *)a)->number;
    uint64_t right = ((const struct dirstore_object *)b)->number;
    return left > right ? -1 : left < right;
}

bool dirstore_versions(const struct dirstore *store, const char *key, uint64_t below,
                       dirstore_each_fn fn, void *owner, struct error *err)
{
    char folder[FS_PATH_MAX];
    AUTO(version_list_deinit) struct version_list list = { 0 };
    if (!dirstore_folder(store, key, folder, err) ||
        !versions_scan(folder, ".meta", version_list_add, &list, err))
        return false;
    if (list.count) qsort(list.at, list.count, sizeof *list.at, newest_first);
    for (size_t i = 0; i < list.count; i++) {
        if (list.at[i].number >= below) continue;
        if (!meta_read(folder, &list.at[i], err)) return false;
        if (!fn(owner, &list.at[i])) return true;
    }
    return true;
}

/* Data without meta was cut off between the two: nobody was told that it exists. */
NODISCARD static bool orphans_remove(const char *folder, struct error *err)
{
    AUTO(version_list_deinit) struct version_list list = { 0 };
    if (!versions_scan(folder, ".data", version_list_add, &list, err)) return false;
    for (size_t i = 0; i < list.count; i++) {
        char meta[FS_PATH_MAX], data[FS_PATH_MAX];
        if (!version_path(folder, &list.at[i], ".meta", meta, err) ||
            !version_path(folder, &list.at[i], ".data", data, err))
            return false;
        if (!fs_exists(meta) && unlink(data) != 0) return fs_error(err, "remove", data);
    }
    return true;
}

NODISCARD static bool old_uploads_remove(const char *folder, uint64_t now_ms, struct error *err)
{
    AUTO(close_folder) DIR *names = opendir(folder);
    if (!names) return fs_error(err, "open", folder);
    for (struct dirent *entry; (entry = readdir(names));) {
        struct stat st;
        if (fstatat(dirfd(names), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        uint64_t touched_ms = (uint64_t)st.st_mtime * 1000;
        if (touched_ms + DIRSTORE_UPLOAD_AGE_MS < now_ms &&
            unlinkat(dirfd(names), entry->d_name, 0) != 0)
            return fs_error(err, "remove", entry->d_name);
    }
    return true;
}

bool dirstore_open(struct dirstore *store, const char *folder, uint64_t now_ms, struct error *err)
{
    char objects[FS_PATH_MAX], uploads[FS_PATH_MAX];
    if (!text_copy(store->folder, sizeof store->folder, folder))
        return error_set(err, ERR_INVALID, "the store's path is too long");
    if (!fs_join(objects, folder, "objects", err) || !fs_join(uploads, folder, "uploads", err) ||
        !fs_make_folders(objects, 0700, err) || !fs_make_folders(uploads, 0700, err) ||
        !old_uploads_remove(uploads, now_ms, err))
        return error_wrap(err, "open the artifact store '%s'", folder);
    AUTO(close_folder) DIR *names = opendir(objects);
    if (!names) return fs_error(err, "open", objects);
    for (struct dirent *entry; (entry = readdir(names));) {
        char path[FS_PATH_MAX];
        if (entry->d_name[0] == '.') continue;
        if (!fs_join(path, objects, entry->d_name, err) || !orphans_remove(path, err)) return false;
    }
    return true;
}
