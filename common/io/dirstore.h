/* dirstore.h - the `dir` artifact store: a versioned object store in a folder.
 *
 *     FOLDER/objects/<SHA-256 of the key>/key                      the key as text
 *     FOLDER/objects/<SHA-256 of the key>/<number>-<version>.data  the bytes
 *     FOLDER/objects/<SHA-256 of the key>/<number>-<version>.meta  size, digest, date, summary
 *     FOLDER/uploads/<upload>                                      bytes that are still arriving
 *
 * A version exists once its .meta does; it is written last, atomically, after the data was
 * renamed into place, so a crash leaves either the whole version or an orphan that the next
 * dirstore_open() removes. Versions are never changed; the greatest number is the newest, older
 * ones stay readable. Version ids are 32 random letters and digits, as S3's. One writer process
 * (the coordinator), any number of readers.
 *
 * Calling sequence of a put: write the bytes to dirstore_upload_path(), fsync them and compute
 * their digest (in a child process when they are many: daemons do not block), dirstore_put().
 * Errors: ERR_NOT_FOUND, ERR_INVALID (key), ERR_CORRUPT (meta), ERR_NO_SPACE, ERR_RETRY.
 */
#pragma once
#include "base/id.h"
#include "io/fs.h"

enum {
    DIRSTORE_KEY_MAX = 1024, /* S3's limit, bytes; printable, no control characters */
    DIRSTORE_SUMMARY_SIZE = 512,
    DIRSTORE_UPLOAD_AGE_MS = 24 * 3600 * 1000 /* older unfinished uploads are removed at open */
};

struct dirstore {
    char folder[FS_PATH_MAX];
};

struct dirstore_object {
    struct id version_id;
    uint64_t number; /* 1, 2, ... within the key */
    uint64_t size;
    uint8_t sha256[32];
    uint64_t modified_ms;
    char summary[DIRSTORE_SUMMARY_SIZE];
};

/* Creates what is missing and removes the left-overs of crashes. */
NODISCARD bool dirstore_open(struct dirstore *store, const char *folder, uint64_t now_ms,
                             struct error *err);
/* `upload` is an id of the caller's choice; the same one resumes. */
NODISCARD bool dirstore_upload_path(const struct dirstore *store, const struct id *upload,
                                    char out[FS_PATH_MAX], struct error *err);
/* Makes the upload the newest version of `key`; the upload's file is consumed. `object` brings
 * version_id, size, sha256, modified_ms and summary; its number is filled in. */
NODISCARD bool dirstore_put(const struct dirstore *store, const char *key, const struct id *upload,
                            struct dirstore_object *object, struct error *err);
/* "" for the newest version. */
NODISCARD bool dirstore_head(const struct dirstore *store, const char *key, const char *version_id,
                             struct dirstore_object *out, struct error *err);
/* The bytes of a version; the caller closes *fd. ERR_CORRUPT when the file has another size. */
NODISCARD bool dirstore_get(const struct dirstore *store, const char *key,
                            const struct dirstore_object *object, int *fd, struct error *err);
/* What a store holds, key by key in an order of its own, beginning with the key of mark `from`, or
 * the one behind it; "" from the first. Return false to stop. */
enum { DIRSTORE_MARK_SIZE = 65 };
typedef bool (*dirstore_key_fn)(void *owner, const char *mark, const char *key);
NODISCARD bool dirstore_keys(const struct dirstore *store, const char *from, dirstore_key_fn fn,
                             void *owner, struct error *err);
/* Readers of the bytes keep what they have open. A version that is not there is success. */
NODISCARD bool dirstore_remove(const struct dirstore *store, const char *key,
                               const char *version_id, struct error *err);
/* Where the versions of a key lie. */
NODISCARD bool dirstore_folder(const struct dirstore *store, const char *key, char out[FS_PATH_MAX],
                               struct error *err);
/* Those with a number less than `below` (UINT64_MAX: all), newest first; return false to stop. */
typedef bool (*dirstore_each_fn)(void *owner, const struct dirstore_object *object);
NODISCARD bool dirstore_versions(const struct dirstore *store, const char *key, uint64_t below,
                                 dirstore_each_fn fn, void *owner, struct error *err);
