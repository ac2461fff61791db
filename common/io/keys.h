/* keys.h - the keys of a coordinator, its workers and its clients, and who is admitted.
 *
 *     KEYS/coordinator.key   0600  CURVE pair, dispatch Ed25519 secret, store-url HMAC secret
 *     KEYS/coordinator.pub   0644  CURVE and dispatch public keys: workers and clients need it
 *     KEYS/worker-NAME.key   0600  CURVE pair of one worker (client-NAME.key: of one client)
 *     KEYS/registry.yml      0644  the admitted public keys: whoever is not in it stays outside
 *     KEYS/https.key, .crt   0600  P-256 key and self-signed certificate of the store's HTTPS
 *
 * Every file appears complete or not at all (written aside, fsync, rename). One command at a
 * time: the folder is locked. A command that was cut off is repaired by running it again.
 * Errors: ERR_INVALID names, roles, regions, file contents; ERR_CONFLICT what exists already;
 * ERR_DENIED loose permissions (the text names the chmod); ERR_NOT_FOUND; ERR_RETRY locked, I/O.
 * Rules: security.md rows 3 and 4. A key has one owner: the registry refuses doubled ones.
 */
#pragma once
#include "base/bytes.h"
#include "io/sign.h"

enum {
    KEYS_NAME_SIZE = 64,        /* [A-Za-z0-9._-]{1,63} and a NUL, not beginning with '.' or '-' */
    KEYS_REGION_SIZE = 31,      /* [a-z0-9-]{1,30} and a NUL */
    KEYS_Z85_SIZE = 41,         /* a CURVE key as text, and a NUL */
    KEYS_RAW_SIZE = 32,         /* a CURVE, Ed25519 or HMAC key as bytes */
    KEYS_PIN_SIZE = 64,         /* "sha256//" and 44 letters, and a NUL */
    KEYS_TAGS_MAX = 50,         /* of one worker, as EC2 */
    KEYS_TAG_KEY_MAX = 128,     /* bytes */
    KEYS_TAG_VALUE_MAX = 256,   /* bytes */
    KEYS_PRINCIPALS_MAX = 8192, /* workers and clients together */
    KEYS_REGISTRY_MAX = 4 << 20 /* bytes of registry.yml */
};

struct keys_pair {
    char public_z85[KEYS_Z85_SIZE];
    char secret_z85[KEYS_Z85_SIZE];
};

/* Two kinds, two sockets, two ZAP domains ("workers", "clients"): neither passes for the other. */
enum keys_kind { KEYS_WORKER, KEYS_CLIENT };

enum keys_role {
    KEYS_NO_ROLE /* a worker */,
    KEYS_VIEWER,
    KEYS_DEPLOYER,
    KEYS_APPROVER,
    KEYS_ADMIN
};

const char *keys_kind_domain(enum keys_kind kind);
const char *keys_role_name(enum keys_role role);
NODISCARD bool keys_role_parse(const char *text, enum keys_role *out);
bool keys_name_valid(const char *name);
bool keys_region_valid(const char *region);

struct keys_tag {
    const char *key, *value;
};

/* ---- making: `meridian keys ...` ---- */

/* A fresh CURVE pair that is in no file. */
void keys_pair_new(struct keys_pair *out);
/* Makes the folder and the coordinator's files; ERR_CONFLICT when all of them exist already. */
NODISCARD bool keys_init(const char *dir, struct error *err);
NODISCARD bool keys_add_worker(const char *dir, const char *name, const char *region,
                               const struct keys_tag *tags, size_t tag_count, struct error *err);
NODISCARD bool keys_add_client(const char *dir, const char *name, enum keys_role role,
                               struct error *err);
/* Removes the entry, and the key file if it is still here. A running coordinator honours that with
 * its next reload. */
NODISCARD bool keys_revoke(const char *dir, enum keys_kind kind, const char *name,
                           struct error *err);

/* ---- reading ---- */

struct keys_coordinator {
    struct keys_pair curve;
    struct sign_secret dispatch_secret; /* signs jobs */
    struct sign_public dispatch_public;
    uint8_t store_secret[KEYS_RAW_SIZE]; /* HMAC of the store's URLs */
};

struct keys_coordinator_public {
    char curve_z85[KEYS_Z85_SIZE];
    struct sign_public dispatch_public;
};

struct keys_peer {
    enum keys_kind kind;
    char name[KEYS_NAME_SIZE];
    struct keys_pair curve;
};

NODISCARD bool keys_load_coordinator(const char *dir, struct keys_coordinator *out,
                                     struct error *err);
/* `file` is coordinator.pub, wherever it was copied to; likewise worker-NAME.key. */
NODISCARD bool keys_load_coordinator_public(const char *file, struct keys_coordinator_public *out,
                                            struct error *err);
NODISCARD bool keys_load_peer(const char *file, struct keys_peer *out, struct error *err);
/* Overwrite the secrets; for AUTO(). */
void keys_coordinator_wipe(struct keys_coordinator *keys);
void keys_peer_wipe(struct keys_peer *peer);

/* The pin of a PEM certificate for CURLOPT_PINNEDPUBLICKEY: "sha256//BASE64" of its key. */
NODISCARD bool keys_https_pin(const char *certificate_file, char out[KEYS_PIN_SIZE],
                              struct error *err);

/* ---- the registry ---- */

struct keys_principal {
    enum keys_kind kind;
    enum keys_role role;           /* clients */
    char name[KEYS_NAME_SIZE];     /* unique among its kind */
    char region[KEYS_REGION_SIZE]; /* workers */
    char key_z85[KEYS_Z85_SIZE];   /* unique in the registry */
    uint8_t key[KEYS_RAW_SIZE];
    const struct keys_tag *tags; /* workers */
    size_t tag_count;
};

/* The value of a tag; NULL when there is none of that key. */
const char *keys_tag(const struct keys_principal *principal, const char *key);

struct keys_registry;

/* Reads DIR/registry.yml. Principals are borrowed until the next reload or free. */
NODISCARD bool keys_registry_load(const char *dir, struct keys_registry **out, struct error *err);
/* Parses `text`; such a registry never reloads. For tests, self-tests and fuzzing. */
NODISCARD bool keys_registry_parse(struct bytes text, struct keys_registry **out,
                                   struct error *err);
/* Looks whether the file is another one (inode, size, mtime, ctime) and reads it whole. On an
 * error the registry stays as it was: try again at the next tick, tell the operator. */
NODISCARD bool keys_registry_reload(struct keys_registry *r, bool *changed, struct error *err);
void keys_registry_free(struct keys_registry **r); /* for AUTO(); accepts NULL inside */

size_t keys_registry_count(const struct keys_registry *r);
/* Ordered by kind and name. */
const struct keys_principal *keys_registry_at(const struct keys_registry *r, size_t index);
/* NULL: not admitted. */
const struct keys_principal *keys_registry_by_key(const struct keys_registry *r,
                                                  enum keys_kind kind,
                                                  const uint8_t key[KEYS_RAW_SIZE]);
const struct keys_principal *keys_registry_by_z85(const struct keys_registry *r,
                                                  enum keys_kind kind, const char *key_z85);
const struct keys_principal *keys_registry_by_name(const struct keys_registry *r,
                                                   enum keys_kind kind, const char *name);
