#include "io/keys.h"

#include "io/digest.h"
#include "io/doc.h"
#include "io/fs.h"
#include "io/keys_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <zmq.h>

const char *keys_kind_domain(enum keys_kind kind)
{
    switch (kind) {
    case KEYS_WORKER: return "workers";
    case KEYS_CLIENT: return "clients";
    }
    assert(false);
    return "";
}

const char *keys_role_name(enum keys_role role)
{
    switch (role) {
    case KEYS_NO_ROLE: return "none";
    case KEYS_VIEWER: return "viewer";
    case KEYS_DEPLOYER: return "deployer";
    case KEYS_APPROVER: return "approver";
    case KEYS_ADMIN: return "admin";
    }
    assert(false);
    return "";
}

bool keys_role_parse(const char *text, enum keys_role *out)
{
    for (enum keys_role role = KEYS_VIEWER; role <= KEYS_ADMIN; role++) {
        if (!text_equal(text, keys_role_name(role))) continue;
        *out = role;
        return true;
    }
    return false;
}

static bool keys_text_of(const char *text, size_t size, const char *others)
{
    size_t len = strnlen(text, size);
    if (len == 0 || len == size) return false;
    for (size_t i = 0; i < len; i++) {
        bool alphanumeric = (text[i] >= 'a' && text[i] <= 'z') ||
                            (text[i] >= 'A' && text[i] <= 'Z') ||
                            (text[i] >= '0' && text[i] <= '9');
        if (!alphanumeric && !strchr(others, text[i])) return false;
    }
    return true;
}

bool keys_name_valid(const char *name)
{
    return name[0] != '.' && name[0] != '-' && keys_text_of(name, KEYS_NAME_SIZE, "._-");
}

bool keys_region_valid(const char *region)
{
    for (const char *c = region; *c; c++)
        if (*c >= 'A' && *c <= 'Z') return false;
    return region[0] != '-' && keys_text_of(region, KEYS_REGION_SIZE, "-");
}

void keys_z85_of(const uint8_t key[KEYS_RAW_SIZE], char out[KEYS_Z85_SIZE])
{
    char *done = zmq_z85_encode(out, key, KEYS_RAW_SIZE);
    assert(done);
}

/* Each key has one spelling, so that texts can be compared for keys. */
static bool keys_z85_parse(const char *z85, uint8_t out[KEYS_RAW_SIZE])
{
    char again[KEYS_Z85_SIZE];
    if (strnlen(z85, KEYS_Z85_SIZE) != KEYS_Z85_SIZE - 1) return false;
    if (!zmq_z85_decode(out, z85)) return false;
    keys_z85_of(out, again);
    return text_equal(z85, again);
}

bool keys_z85_valid(const char *z85)
{
    uint8_t key[KEYS_RAW_SIZE];
    bool valid = keys_z85_parse(z85, key);
    digest_cleanse(key, sizeof key);
    return valid;
}

void keys_pair_new(struct keys_pair *out)
{
    int failed = zmq_curve_keypair(out->public_z85, out->secret_z85);
    assert(!failed); /* only without CURVE, which link_context_open() has refused */
}

void keys_coordinator_wipe(struct keys_coordinator *keys)
{
    digest_cleanse(keys, sizeof *keys);
}

void keys_peer_wipe(struct keys_peer *peer)
{
    digest_cleanse(peer, sizeof *peer);
}

void keys_buf_wipe(struct buf *b)
{
    if (b->data) digest_cleanse(b->data, b->cap);
    buf_deinit(b);
}

bool keys_read(const char *path, mode_t forbidden, struct buf *out, struct stat *at,
               struct error *err)
{
    /* Not blocking, should it be a fifo; what was opened is what is examined. */
    AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return fs_error(err, "open", path);
    if (fstat(fd, at)) return fs_error(err, "stat", path);
    if (!S_ISREG(at->st_mode))
        return error_set(err, ERR_INVALID, "'%s' is not a regular file", path);
    if (at->st_mode & forbidden)
        return error_set(err, ERR_DENIED, "others may %s '%s': chmod %s '%s'",
                         forbidden & 044 ? "read or change the secrets in" : "change", path,
                         forbidden & 044 ? "600" : "go-w", path);
    if ((uint64_t)at->st_size > out->max)
        return error_set(err, ERR_INVALID, "'%s' is larger than %zu bytes", path, out->max);
    size_t size = (size_t)at->st_size, got = 0;
    if (size == 0) return error_set(err, ERR_INVALID, "'%s' is empty", path);
    if (!buf_reserve(out, size, err)) return error_wrap(err, "read '%s'", path);
    if (!fs_read_full(fd, out->data + out->len, size, &got, err))
        return error_wrap(err, "read '%s'", path);
    out->len += got;
    return true;
}

/* Reads and parses a key file of a few texts; `known` are its keys. */
static bool keys_parse_file(const char *path, mode_t forbidden, const char *const *known,
                            struct doc **out, struct error *err)
{
    static const struct doc_limits limits = {
        .bytes_max = KEYS_FILE_MAX, .nodes_max = 32, .depth_max = 4, .expanded_max = 0
    };
    struct stat at;
    AUTO(keys_buf_wipe) struct buf text;
    AUTO(doc_free_at) struct doc *doc = NULL;
    buf_init(&text, KEYS_FILE_MAX);
    if (!keys_read(path, forbidden, &text, &at, err)) return false;
    if (!doc_parse(path, buf_bytes(&text), &limits, &doc, err)) return false;
    if (!doc_only(doc_root(doc, 0), known, err)) return false;
    if (!doc_no_duplicates(doc, err)) return false;
    *out = doc;
    doc = NULL;
    return true;
}

static bool keys_get_z85(const struct doc_node *root, const char *name, char out[KEYS_Z85_SIZE],
                         struct error *err)
{
    const char *text = NULL;
    if (!doc_get_text(root, name, DOC_REQUIRED, &text, err)) return false;
    if (!keys_z85_valid(text))
        return doc_error(doc_get(root, name), err, "must be a CURVE key, 40 letters of Z85");
    return text_copy(out, KEYS_Z85_SIZE, text);
}

static bool keys_get_hex(const struct doc_node *root, const char *name, uint8_t out[KEYS_RAW_SIZE],
                         struct error *err)
{
    const char *text = NULL;
    if (!doc_get_text(root, name, DOC_REQUIRED, &text, err)) return false;
    if (!hex_parse(text, out, KEYS_RAW_SIZE))
        return doc_error(doc_get(root, name), err, "must be a key, 64 hexadecimal digits");
    return true;
}

static bool keys_get_pair(const struct doc_node *root, struct keys_pair *out, struct error *err)
{
    char derived[KEYS_Z85_SIZE];
    if (!keys_get_z85(root, "curve-public", out->public_z85, err)) return false;
    if (!keys_get_z85(root, "curve-secret", out->secret_z85, err)) return false;
    if (zmq_curve_public(derived, out->secret_z85) || !text_equal(derived, out->public_z85))
        return doc_error(root, err, "curve-public and curve-secret are not one pair");
    return true;
}

bool keys_load_coordinator(const char *dir, struct keys_coordinator *out, struct error *err)
{
    static const char *const known[] = { "curve-public", "curve-secret", "dispatch-secret",
                                         "store-secret", NULL };
    char path[FS_PATH_MAX];
    AUTO(doc_free_at) struct doc *doc = NULL;
    AUTO(keys_coordinator_wipe) struct keys_coordinator keys = { 0 };
    if (!fs_join(path, dir, "coordinator.key", err)) return false;
    if (!keys_parse_file(path, 077, known, &doc, err)) return false;
    const struct doc_node *root = doc_root(doc, 0);
    if (!keys_get_pair(root, &keys.curve, err)) return false;
    if (!keys_get_hex(root, "dispatch-secret", keys.dispatch_secret.bytes, err)) return false;
    if (!keys_get_hex(root, "store-secret", keys.store_secret, err)) return false;
    if (!sign_public_of(&keys.dispatch_secret, &keys.dispatch_public, err)) return false;
    *out = keys;
    return true;
}

bool keys_load_coordinator_public(const char *file, struct keys_coordinator_public *out,
                                  struct error *err)
{
    static const char *const known[] = { "curve", "dispatch", NULL };
    AUTO(doc_free_at) struct doc *doc = NULL;
    struct keys_coordinator_public keys = { 0 };
    if (!keys_parse_file(file, 022, known, &doc, err)) return false;
    if (!keys_get_z85(doc_root(doc, 0), "curve", keys.curve_z85, err)) return false;
    if (!keys_get_hex(doc_root(doc, 0), "dispatch", keys.dispatch_public.bytes, err)) return false;
    *out = keys;
    return true;
}

bool keys_load_peer(const char *file, struct keys_peer *out, struct error *err)
{
    static const char *const known[] = { "kind", "name", "curve-public", "curve-secret", NULL };
    AUTO(doc_free_at) struct doc *doc = NULL;
    AUTO(keys_peer_wipe) struct keys_peer peer = { 0 };
    const char *kind = NULL, *name = NULL;
    if (!keys_parse_file(file, 077, known, &doc, err)) return false;
    const struct doc_node *root = doc_root(doc, 0);
    if (!doc_get_text(root, "kind", DOC_REQUIRED, &kind, err)) return false;
    if (!doc_get_text(root, "name", DOC_REQUIRED, &name, err)) return false;
    if (!text_equal(kind, "worker") && !text_equal(kind, "client"))
        return doc_error(doc_get(root, "kind"), err, "must be worker or client");
    if (!keys_name_valid(name) || !text_copy(peer.name, sizeof peer.name, name))
        return doc_error(doc_get(root, "name"), err, "is not a name");
    peer.kind = text_equal(kind, "worker") ? KEYS_WORKER : KEYS_CLIENT;
    if (!keys_get_pair(root, &peer.curve, err)) return false;
    *out = peer;
    return true;
}
