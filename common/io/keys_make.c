#include "io/digest.h"
#include "io/fs.h"
#include "io/keys_internal.h"
#include "io/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Locks the folder as long as the descriptor lives, so that commands do not undo each other. */
static bool keys_lock(const char *dir, int *out, struct error *err)
{
    AUTO(auto_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat at;
    if (fd < 0) return fs_error(err, "open", dir);
    if (fstat(fd, &at)) return fs_error(err, "stat", dir);
    if (at.st_mode & 022)
        return error_set(err, ERR_DENIED, "others may change '%s': chmod go-w '%s'", dir, dir);
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno == EWOULDBLOCK)
            return error_set(err, ERR_RETRY, "another command is changing '%s'", dir);
        return fs_error(err, "lock", dir);
    }
    *out = fd;
    fd = -1;
    return true;
}

/* Writes a file that must not exist yet; secrets are claimed, so that none is ever replaced. */
static bool keys_create(const char *path, const struct buf *text, mode_t mode, struct error *err)
{
    bool won = false;
    if (!fs_claim(path, buf_bytes(text), mode, &won, err)) return false;
    return won || error_set(err, ERR_CONFLICT, "'%s' exists already", path);
}

/* ---- init ---- */

static bool keys_put_line(struct buf *out, const char *name, const char *value, struct error *err)
{
    return buf_append_text(out, name, err) && buf_append_text(out, ": '", err) &&
           buf_append_text(out, value, err) && buf_append_text(out, "'\n", err);
}

static bool keys_put_hex(struct buf *out, const char *name, const uint8_t key[KEYS_RAW_SIZE],
                         struct error *err)
{
    char hex[2 * KEYS_RAW_SIZE + 1];
    hex_format(key, KEYS_RAW_SIZE, hex);
    bool done = keys_put_line(out, name, hex, err);
    digest_cleanse(hex, sizeof hex);
    return done;
}

static bool keys_init_secret(const char *dir, const char *path, struct error *err)
{
    (void)dir;
    AUTO(keys_coordinator_wipe) struct keys_coordinator keys = { 0 };
    AUTO(keys_buf_wipe) struct buf text;
    buf_init(&text, KEYS_FILE_MAX);
    keys_pair_new(&keys.curve);
    random_bytes(keys.store_secret, sizeof keys.store_secret);
    if (!sign_generate(&keys.dispatch_secret, &keys.dispatch_public, err)) return false;
    return buf_append_text(&text, "# The coordinator's secrets: stay on this host.\n", err) &&
           keys_put_line(&text, "curve-public", keys.curve.public_z85, err) &&
           keys_put_line(&text, "curve-secret", keys.curve.secret_z85, err) &&
           keys_put_hex(&text, "dispatch-secret", keys.dispatch_secret.bytes, err) &&
           keys_put_hex(&text, "store-secret", keys.store_secret, err) &&
           keys_create(path, &text, 0600, err);
}

static bool keys_init_https_key(const char *dir, const char *path, struct error *err)
{
    (void)dir;
    AUTO(keys_buf_wipe) struct buf text;
    buf_init(&text, KEYS_FILE_MAX);
    return keys_https_new_key(&text, err) && keys_create(path, &text, 0600, err);
}

static bool keys_init_https_certificate(const char *dir, const char *path, struct error *err)
{
    char key_path[FS_PATH_MAX];
    struct stat at;
    AUTO(keys_buf_wipe) struct buf key;
    AUTO(buf_deinit) struct buf text;
    buf_init(&key, KEYS_FILE_MAX);
    buf_init(&text, KEYS_FILE_MAX);
    return fs_join(key_path, dir, "https.key", err) && keys_read(key_path, 077, &key, &at, err) &&
           keys_https_new_certificate(buf_bytes(&key), &text, err) &&
           keys_create(path, &text, 0644, err);
}

static bool keys_init_registry(const char *dir, const char *path, struct error *err)
{
    (void)dir;
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, KEYS_REGISTRY_MAX);
    return keys_registry_format(NULL, NULL, NULL, &text, err) &&
           keys_create(path, &text, 0644, err);
}

static bool keys_init_public(const char *dir, const char *path, struct error *err)
{
    AUTO(keys_coordinator_wipe) struct keys_coordinator keys = { 0 };
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, KEYS_FILE_MAX);
    return keys_load_coordinator(dir, &keys, err) &&
           buf_append_text(&text, "# Public: copy it to every worker and client.\n", err) &&
           keys_put_line(&text, "curve", keys.curve.public_z85, err) &&
           keys_put_hex(&text, "dispatch", keys.dispatch_public.bytes, err) &&
           keys_create(path, &text, 0644, err);
}

typedef bool (*keys_init_fn)(const char *dir, const char *path, struct error *err);

/* In the order of making: what is derived comes behind what it is derived from, so a file without
 * its origin was not left by a crash. */
struct keys_init_file {
    const char *name;
    keys_init_fn make;
    const char *derived; /* the file that would no longer match a new one of this name */
};

static const struct keys_init_file init_files[] = {
    { "coordinator.key", keys_init_secret, "coordinator.pub" },
    { "https.key", keys_init_https_key, "https.crt" },
    { "https.crt", keys_init_https_certificate, NULL },
    { "registry.yml", keys_init_registry, NULL },
    { "coordinator.pub", keys_init_public, NULL },
};

static bool keys_init_file(const char *dir, const struct keys_init_file *file, bool *made,
                           struct error *err)
{
    char path[FS_PATH_MAX], derived[FS_PATH_MAX];
    if (!fs_join(path, dir, file->name, err)) return false;
    if (fs_exists(path)) return true;
    if (file->derived) {
        if (!fs_join(derived, dir, file->derived, err)) return false;
        if (fs_exists(derived))
            return error_set(err, ERR_CONFLICT,
                             "'%s' is missing, but '%s' was made from it: put it back, or remove "
                             "that one to begin anew",
                             path, derived);
    }
    *made = true;
    return file->make(dir, path, err);
}

bool keys_init(const char *dir, struct error *err)
{
    AUTO(auto_close) int lock = -1;
    bool made = false;
    if (!fs_make_folders(dir, 0700, err)) return error_wrap(err, "keys init");
    if (!keys_lock(dir, &lock, err)) return error_wrap(err, "keys init");
    for (size_t i = 0; i < sizeof init_files / sizeof *init_files; i++)
        if (!keys_init_file(dir, &init_files[i], &made, err)) return error_wrap(err, "keys init");
    if (!made)
        return error_set(err, ERR_CONFLICT, "keys init: the keys in '%s' exist already", dir);
    return true;
}

/* ---- peers ---- */

static const char *keys_kind_name(enum keys_kind kind)
{
    return kind == KEYS_WORKER ? "worker" : "client";
}

static bool keys_peer_path(const char *dir, const struct keys_principal *who, char out[FS_PATH_MAX],
                           struct error *err)
{
    char name[KEYS_NAME_SIZE + 16];
    snprintf(name, sizeof name, "%s-%s.key", keys_kind_name(who->kind), who->name);
    return fs_join(out, dir, name, err);
}

static bool keys_new_peer_file(const char *path, const struct keys_principal *who,
                               struct error *err)
{
    AUTO(keys_peer_wipe) struct keys_peer peer = { 0 };
    AUTO(keys_buf_wipe) struct buf text;
    buf_init(&text, KEYS_FILE_MAX);
    keys_pair_new(&peer.curve);
    return buf_append_text(&text, "# Secret: belongs to this one worker or client.\n", err) &&
           keys_put_line(&text, "kind", keys_kind_name(who->kind), err) &&
           keys_put_line(&text, "name", who->name, err) &&
           keys_put_line(&text, "curve-public", peer.curve.public_z85, err) &&
           keys_put_line(&text, "curve-secret", peer.curve.secret_z85, err) &&
           keys_create(path, &text, 0600, err);
}

/* The key of a file that an interrupted command left without its entry, or of a new file. */
static bool keys_peer_file(const char *dir, struct keys_principal *who, struct error *err)
{
    char path[FS_PATH_MAX];
    AUTO(keys_peer_wipe) struct keys_peer peer = { 0 };
    if (!keys_peer_path(dir, who, path, err)) return false;
    if (!fs_exists(path) && !keys_new_peer_file(path, who, err)) return false;
    if (!keys_load_peer(path, &peer, err)) return false;
    if (peer.kind != who->kind || !text_equal(peer.name, who->name))
        return error_set(err, ERR_CONFLICT, "'%s' is the key of somebody else, '%s'", path,
                         peer.name);
    return text_copy(who->key_z85, sizeof who->key_z85, peer.curve.public_z85);
}

static bool keys_registry_write(const char *dir, const struct keys_registry *r,
                                const struct keys_principal *without,
                                const struct keys_principal *with, struct error *err)
{
    char path[FS_PATH_MAX];
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, KEYS_REGISTRY_MAX);
    return keys_registry_format(r, without, with, &text, err) &&
           fs_join(path, dir, "registry.yml", err) &&
           fs_write_atomic(path, buf_bytes(&text), 0644, err);
}

/* First the key file, then its entry: an entry without a file would admit a key nobody has. */
static bool keys_add(const char *dir, struct keys_principal *who, struct error *err)
{
    AUTO(auto_close) int lock = -1;
    AUTO(keys_registry_free) struct keys_registry *r = NULL;
    if (!keys_lock(dir, &lock, err)) return false;
    if (!keys_registry_load(dir, &r, err)) return error_wrap(err, "`keys init` comes first");
    if (keys_registry_by_name(r, who->kind, who->name))
        return error_set(err, ERR_CONFLICT, "one of the %s is called so already: revoke it first",
                         keys_kind_domain(who->kind));
    if (!keys_peer_file(dir, who, err)) return false;
    return keys_registry_write(dir, r, NULL, who, err);
}

static bool keys_check_name(const char *name, struct keys_principal *who, struct error *err)
{
    if (!keys_name_valid(name) || !text_copy(who->name, sizeof who->name, name))
        return error_set(err, ERR_INVALID,
                         "a name is 1 to 63 letters, digits, dots, underscores and hyphens, and "
                         "begins with a letter, digit or underscore");
    return true;
}

bool keys_add_worker(const char *dir, const char *name, const char *region,
                     const struct keys_tag *tags, size_t tag_count, struct error *err)
{
    struct keys_principal who = { .kind = KEYS_WORKER, .tags = tags, .tag_count = tag_count };
    if (!keys_check_name(name, &who, err)) return error_wrap(err, "keys worker");
    if (!keys_region_valid(region) || !text_copy(who.region, sizeof who.region, region))
        return error_set(err, ERR_INVALID,
                         "keys worker %s: a region is 1 to 30 small letters, digits and hyphens",
                         name);
    if (!keys_add(dir, &who, err)) return error_wrap(err, "keys worker %s", name);
    return true;
}

bool keys_add_client(const char *dir, const char *name, enum keys_role role, struct error *err)
{
    struct keys_principal who = { .kind = KEYS_CLIENT, .role = role };
    if (!keys_check_name(name, &who, err)) return error_wrap(err, "keys client");
    if (role == KEYS_NO_ROLE)
        return error_set(err, ERR_INVALID, "keys client %s: a client has a role", name);
    if (!keys_add(dir, &who, err)) return error_wrap(err, "keys client %s", name);
    return true;
}

/* The key file goes first: what is left of a crash is an entry whose key nobody has. The other way
 * round, the next keys_add() would take the file for its own unfinished work and admit it again. */
static bool keys_forget_file(const char *dir, const struct keys_principal *who, struct error *err)
{
    char path[FS_PATH_MAX];
    if (!keys_peer_path(dir, who, path, err)) return false;
    if (unlink(path) && errno != ENOENT) return fs_error(err, "remove", path);
    return fs_sync_parent(path, err);
}

bool keys_revoke(const char *dir, enum keys_kind kind, const char *name, struct error *err)
{
    AUTO(auto_close) int lock = -1;
    AUTO(keys_registry_free) struct keys_registry *r = NULL;
    if (!keys_lock(dir, &lock, err) || !keys_registry_load(dir, &r, err))
        return error_wrap(err, "keys revoke");
    const struct keys_principal *who = keys_registry_by_name(r, kind, name);
    if (!who)
        return error_set(err, ERR_NOT_FOUND, "keys revoke: none of the %s is called '%.63s'",
                         keys_kind_domain(kind), name);
    if (!keys_forget_file(dir, who, err) || !keys_registry_write(dir, r, who, NULL, err))
        return error_wrap(err, "keys revoke");
    return true;
}
