#include "shell/artifacts.h"

#include "io/digest.h"
#include "shell/buckets.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char path_prefix[] = "/artifacts/";

struct opened_store {
    char *name;
    struct dirstore store;
};

struct artifacts {
    char *base_url, *pin;
    uint8_t secret[64];
    size_t secret_len;
    struct buckets *buckets;
    struct opened_store stores[ARTIFACT_STORES_MAX];
    size_t count;
};

bool artifact_store_is_s3(const struct artifact_store *store)
{
    return store->type && text_equal(store->type, "s3");
}

bool artifacts_open(const struct artifacts_config *config, uint64_t now_ms, struct artifacts **out,
                    struct error *err)
{
    assert(config->secret.len > 0);
    assert(config->secret.len <= sizeof((struct artifacts *)0)->secret);
    if (config->store_count > ARTIFACT_STORES_MAX)
        return error_set(err, ERR_INVALID, "%zu stores; at most %d", config->store_count,
                         ARTIFACT_STORES_MAX);
    struct artifacts *a = xcalloc(1, sizeof *a);
    a->base_url = xstrdup(config->base_url);
    a->pin = xstrdup(config->pin);
    memcpy(a->secret, config->secret.data, config->secret.len);
    a->secret_len = config->secret.len;
    a->buckets = config->buckets;
    for (size_t i = 0; i < config->store_count; i++) {
        if (artifact_store_is_s3(&config->stores[i])) continue;
        struct opened_store *store = &a->stores[a->count++];
        store->name = xstrdup(config->stores[i].name);
        if (!dirstore_open(&store->store, config->stores[i].path, now_ms, err)) goto fail;
    }
    *out = a;
    return true;
fail:
    artifacts_close(a);
    return false;
}

void artifacts_close(struct artifacts *a)
{
    if (!a) return;
    for (size_t i = 0; i < a->count; i++) free(a->stores[i].name);
    digest_cleanse(a->secret, sizeof a->secret);
    free(a->base_url);
    free(a->pin);
    free(a);
}

const struct dirstore *artifacts_store(const struct artifacts *a, const char *name)
{
    for (size_t i = 0; i < a->count; i++)
        if (text_equal(a->stores[i].name, name)) return &a->stores[i].store;
    return NULL;
}

struct buckets *artifacts_buckets(const struct artifacts *a)
{
    return a->buckets;
}

/* What the signature covers: every part of the grant, each with its length, so that no two
 * grants have the same text. */
static void signature_make(const struct artifacts *a, const char *const *parts, size_t count,
                           char out[DIGEST_HEX_SIZE])
{
    uint8_t mac[DIGEST_SIZE];
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, 4 * ARTIFACT_URL_SIZE);
    bool fits = buf_append_text(&text, "meridian-artifact-v1", &err);
    for (size_t i = 0; i < count; i++) {
        char length[32];
        snprintf(length, sizeof length, "\n%zu:", strlen(parts[i]));
        fits =
            fits && buf_append_text(&text, length, &err) && buf_append_text(&text, parts[i], &err);
    }
    assert(fits); /* callers bound every part */
    digest_hmac(bytes_of(a->secret, a->secret_len), buf_bytes(&text), mac);
    hex_format(mac, sizeof mac, out);
}

/* Percent-encodes all but unreserved letters; '/' stays in paths. */
static const char *encoded(struct arena *arena, const char *text, bool path)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    char *out = arena_calloc(arena, strlen(text) * 3 + 1, 1);
    size_t used = 0;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (strchr(unreserved, c) || (path && c == '/')) {
            out[used++] = (char)c;
        } else {
            out[used++] = '%';
            out[used++] = digits[c >> 4];
            out[used++] = digits[c & 15];
        }
    }
    return out;
}

NODISCARD static bool key_check(const char *key, struct error *err)
{
    size_t len = strlen(key);
    if (len > 0 && len <= DIRSTORE_KEY_MAX) return true;
    return error_set(err, ERR_INVALID, "an object key has 1 to %d bytes", DIRSTORE_KEY_MAX);
}

NODISCARD static bool store_check_name(const struct artifacts *a, const char *store,
                                       struct error *err)
{
    if (artifacts_store(a, store)) return true;
    return error_set(err, ERR_NOT_FOUND,
                     "no store '%s' in the coordinator's configuration (`stores`)", store);
}

bool artifacts_grant_read(const struct artifacts *a, const struct artifact_ref *ref,
                          uint64_t expires_ms, struct arena *arena, struct grant *out,
                          struct error *err)
{
    if (buckets_has(a->buckets, ref->store))
        return buckets_grant_read(a->buckets, ref, expires_ms, arena, out, err);
    if (!store_check_name(a, ref->store, err) || !key_check(ref->key, err)) return false;
    const char *expires = arena_format(arena, "%llu", (unsigned long long)expires_ms);
    const char *const parts[] = { "read", ref->store, ref->key, ref->version_id, expires };
    char signature[DIGEST_HEX_SIZE];
    signature_make(a, parts, sizeof parts / sizeof *parts, signature);
    out->url =
        arena_format(arena, "%s%s%s/%s?versionId=%s&expires=%s&signature=%s", a->base_url,
                     path_prefix, encoded(arena, ref->store, false), encoded(arena, ref->key, true),
                     encoded(arena, ref->version_id, false), expires, signature);
    out->pin = arena_text(arena, a->pin);
    out->expires_ms = expires_ms;
    return true;
}

bool artifacts_grant_write(const struct artifacts *a, const char *store, const char *key,
                           const struct upload *upload, uint64_t expires_ms, struct arena *arena,
                           struct grant *out, struct error *err)
{
    if (buckets_has(a->buckets, store))
        return buckets_grant_write(a->buckets, store, key, upload, expires_ms, arena, out, err);
    if (!store_check_name(a, store, err) || !key_check(key, err)) return false;
    if (strlen(upload->summary) >= DIRSTORE_SUMMARY_SIZE)
        return error_set(err, ERR_INVALID, "the summary is longer than %d bytes",
                         DIRSTORE_SUMMARY_SIZE - 1);
    char hex[DIGEST_HEX_SIZE], signature[DIGEST_HEX_SIZE];
    hex_format(upload->sha256, SHA256_SIZE, hex);
    const char *size = arena_format(arena, "%llu", (unsigned long long)upload->size);
    const char *expires = arena_format(arena, "%llu", (unsigned long long)expires_ms);
    const char *const parts[] = { "write", store,           key,    upload->id.text, size,
                                  hex,     upload->summary, expires };
    signature_make(a, parts, sizeof parts / sizeof *parts, signature);
    out->url = arena_format(
        arena, "%s%s%s/%s?upload=%s&size=%s&sha256=%s&summary=%s&expires=%s&signature=%s",
        a->base_url, path_prefix, encoded(arena, store, false), encoded(arena, key, true),
        encoded(arena, upload->id.text, false), size, hex, encoded(arena, upload->summary, false),
        expires, signature);
    out->pin = arena_text(arena, a->pin);
    out->expires_ms = expires_ms;
    return true;
}

bool artifacts_grant_parts(const struct artifacts *a, const char *store, const char *key,
                           const struct upload *upload, uint64_t expires_ms, struct arena *arena,
                           struct parts_grant *out, size_t *count, struct error *err)
{
    *count = 0;
    return !buckets_has(a->buckets, store) ||
           buckets_grant_parts(a->buckets, store, key, upload, expires_ms, arena, out, count, err);
}

bool artifacts_grant_write_open(const struct artifacts *a, const char *store, const char *key,
                                const struct id *upload, uint64_t size_max, uint64_t expires_ms,
                                struct arena *arena, struct grant *out, struct error *err)
{
    if (buckets_has(a->buckets, store))
        return buckets_grant_write(a->buckets, store, key, NULL, expires_ms, arena, out, err);
    if (!store_check_name(a, store, err) || !key_check(key, err)) return false;
    const char *max = arena_format(arena, "%llu", (unsigned long long)size_max);
    const char *expires = arena_format(arena, "%llu", (unsigned long long)expires_ms);
    const char *const parts[] = { "write-open", store, key, upload->text, max, expires };
    char signature[DIGEST_HEX_SIZE];
    signature_make(a, parts, sizeof parts / sizeof *parts, signature);
    out->url =
        arena_format(arena, "%s%s%s/%s?upload=%s&max=%s&expires=%s&signature=%s", a->base_url,
                     path_prefix, encoded(arena, store, false), encoded(arena, key, true),
                     encoded(arena, upload->text, false), max, expires, signature);
    out->pin = arena_text(arena, a->pin);
    out->expires_ms = expires_ms;
    return true;
}

/* The version that an upload becomes: fixed by the upload, unguessable without the secret. */
static struct id upload_version(const struct artifacts *a, const char *store, const char *key,
                                const char *upload)
{
    char hex[DIGEST_HEX_SIZE];
    uint8_t seed[DIGEST_SIZE];
    const char *const parts[] = { "version", store, key, upload };
    signature_make(a, parts, sizeof parts / sizeof *parts, hex);
    bool parsed = hex_parse(hex, seed, sizeof seed);
    assert(parsed);
    struct prng random;
    prng_init(&random, seed);
    return id_new_version(&random);
}

NODISCARD static bool number_parse(const char *text, uint64_t *out)
{
    size_t len = strlen(text);
    if (len == 0 || len > 18) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *out = value;
    return true;
}

/* Splits "/artifacts/STORE/KEY". */
NODISCARD static bool path_split(const struct artifacts *a, const char *path, struct granted *out,
                                 char store[WIRE_NAME_MAX + 1], struct error *err)
{
    const char *rest = path + sizeof path_prefix - 1;
    if (!text_starts(path, path_prefix)) return error_set(err, ERR_NOT_FOUND, "no such address");
    const char *slash = strchr(rest, '/');
    size_t len = slash ? (size_t)(slash - rest) : 0;
    if (len == 0 || len > WIRE_NAME_MAX)
        return error_set(err, ERR_NOT_FOUND, "the address names no store");
    memcpy(store, rest, len);
    store[len] = '\0';
    out->store = artifacts_store(a, store);
    if (!out->store) return error_set(err, ERR_NOT_FOUND, "no store '%s'", store);
    if (!key_check(slash + 1, err)) return false;
    bool fits = text_copy(out->key, sizeof out->key, slash + 1);
    assert(fits);
    return true;
}

NODISCARD static bool signature_check(const char *expected, const char *given, const char *expires,
                                      uint64_t now_ms, struct error *err)
{
    if (!given || strlen(given) != DIGEST_HEX_SIZE - 1 ||
        !digest_equal(expected, given, DIGEST_HEX_SIZE - 1))
        return error_set(err, ERR_DENIED, "the address is not signed by this coordinator");
    uint64_t until = 0;
    if (!number_parse(expires, &until) || until < now_ms)
        return error_set(err, ERR_DENIED, "the signed address has expired");
    return true;
}

NODISCARD static bool check_read(const struct artifacts *a, const char *store,
                                 artifacts_argument_fn argument, void *owner, uint64_t now_ms,
                                 struct granted *out, struct error *err)
{
    const char *version = argument(owner, "versionId"), *expires = argument(owner, "expires");
    if (!version || !expires || strlen(expires) > 20)
        return error_set(err, ERR_DENIED, "the address is not signed by this coordinator");
    if (!text_copy(out->version_id, sizeof out->version_id, version))
        return error_set(err, ERR_INVALID, "versionId is too long");
    const char *const parts[] = { "read", store, out->key, version, expires };
    char signature[DIGEST_HEX_SIZE];
    signature_make(a, parts, sizeof parts / sizeof *parts, signature);
    return signature_check(signature, argument(owner, "signature"), expires, now_ms, err);
}

NODISCARD static bool check_write(const struct artifacts *a, const char *store,
                                  artifacts_argument_fn argument, void *owner, uint64_t now_ms,
                                  struct granted *out, struct error *err)
{
    const char *upload = argument(owner, "upload"), *size = argument(owner, "size");
    const char *sha256 = argument(owner, "sha256"), *summary = argument(owner, "summary");
    const char *expires = argument(owner, "expires");
    if (!upload || !size || !sha256 || !expires || strlen(expires) > 20)
        return error_set(err, ERR_DENIED, "the address is not signed by this coordinator");
    if (!summary) summary = "";
    if (!id_parse(upload, &out->upload) || !number_parse(size, &out->size) ||
        !hex_parse(sha256, out->sha256, sizeof out->sha256) ||
        !text_copy(out->summary, sizeof out->summary, summary))
        return error_set(err, ERR_INVALID,
                         "the address has a wrong upload, size, digest or summary");
    const char *const parts[] = {
        "write", store, out->key, upload, size, sha256, summary, expires
    };
    char signature[DIGEST_HEX_SIZE];
    signature_make(a, parts, sizeof parts / sizeof *parts, signature);
    if (!signature_check(signature, argument(owner, "signature"), expires, now_ms, err))
        return false;
    out->write = true;
    out->upload_version = upload_version(a, store, out->key, upload);
    return true;
}

/* The content is part of the upload's name: two contents under one grant never mix. */
NODISCARD static bool check_write_open(const struct artifacts *a, const char *store,
                                       artifacts_argument_fn argument, void *owner, uint64_t now_ms,
                                       struct granted *out, struct error *err)
{
    const char *upload = argument(owner, "upload"), *max = argument(owner, "max");
    const char *size = argument(owner, "size"), *sha256 = argument(owner, "sha256");
    const char *expires = argument(owner, "expires");
    struct id named;
    uint64_t size_max = 0;
    if (!upload || !max || !expires || strlen(expires) > 20)
        return error_set(err, ERR_DENIED, "the address is not signed by this coordinator");
    if (!id_parse(upload, &named) || !number_parse(max, &size_max))
        return error_set(err, ERR_INVALID, "the address has a wrong upload or bound");
    const char *const parts[] = { "write-open", store, out->key, upload, max, expires };
    char signature[DIGEST_HEX_SIZE], content[2 * DIGEST_HEX_SIZE + ID_SIZE];
    signature_make(a, parts, sizeof parts / sizeof *parts, signature);
    if (!signature_check(signature, argument(owner, "signature"), expires, now_ms, err))
        return false;
    if (!size || !sha256 || !number_parse(size, &out->size) ||
        !hex_parse(sha256, out->sha256, sizeof out->sha256))
        return error_set(err, ERR_INVALID, "the address has a wrong size or digest");
    if (out->size > size_max)
        return error_set(err, ERR_DENIED, "the address is for at most %llu bytes",
                         (unsigned long long)size_max);
    snprintf(content, sizeof content, "%s/%s/%s", upload, size, sha256);
    out->write = true;
    out->upload_version = upload_version(a, store, out->key, content);
    out->upload = out->upload_version;
    return true;
}

bool artifacts_check(const struct artifacts *a, const char *path, artifacts_argument_fn argument,
                     void *owner, uint64_t now_ms, struct granted *out, struct error *err)
{
    struct granted granted = { 0 };
    char store[WIRE_NAME_MAX + 1];
    if (!path_split(a, path, &granted, store, err)) return false;
    bool write = argument(owner, "upload") != NULL;
    bool open = write && argument(owner, "max");
    if (!(open    ? check_write_open(a, store, argument, owner, now_ms, &granted, err)
          : write ? check_write(a, store, argument, owner, now_ms, &granted, err)
                  : check_read(a, store, argument, owner, now_ms, &granted, err)))
        return false;
    *out = granted;
    return true;
}
