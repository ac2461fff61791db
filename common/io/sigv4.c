#include "io/sigv4.h"

#include "io/sigv4_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { SCOPE_MAX = 512 };

static const char algorithm[] = "AWS4-HMAC-SHA256";

/* ---- texts ---- */

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c));
}

char *sigv4_encode(struct arena *arena, const char *text, bool path)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_calloc(arena, 3 * strlen(text) + 1, 1), *at = out;
    for (; *text; text++) {
        if (is_unreserved(*text) || (path && *text == '/')) {
            *at++ = *text;
            continue;
        }
        *at++ = '%';
        *at++ = digits[(unsigned char)*text >> 4];
        *at++ = digits[(unsigned char)*text & 15];
    }
    return out;
}

static char *lower(struct arena *arena, const char *text)
{
    char *out = arena_text(arena, text);
    for (char *at = out; *at; at++) *at = (char)tolower((unsigned char)*at);
    return out;
}

/* Without spaces at the ends, and with single ones inside. */
static char *trimmed(struct arena *arena, const char *text)
{
    char *out = arena_calloc(arena, strlen(text) + 1, 1), *at = out;
    bool space = false;
    for (; *text; text++) {
        bool is_space = strchr(" \t\r\n", *text) != NULL;
        if (!is_space && space && at != out) *at++ = ' ';
        if (!is_space) *at++ = *text;
        space = is_space;
    }
    return out;
}

bool sigv4_same_name(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

bool sigv4_within_limits(const struct sigv4_request *r, struct error *err)
{
    if (r->query_count > SIGV4_PAIRS_MAX || r->header_count > SIGV4_PAIRS_MAX)
        return error_set(err, ERR_INVALID, "more than %d headers or parameters", SIGV4_PAIRS_MAX);
    size_t size = strlen(r->method) + strlen(r->path) + strlen(r->payload);
    bool has_host = false;
    for (size_t i = 0; i < r->query_count; i++)
        size += strlen(r->query[i].name) + strlen(r->query[i].value) + 2;
    for (size_t i = 0; i < r->header_count; i++) {
        size += strlen(r->headers[i].name) + strlen(r->headers[i].value) + 2;
        has_host |= sigv4_same_name(r->headers[i].name, "host");
    }
    if (size > SIGV4_INPUT_MAX)
        return error_set(err, ERR_INVALID, "the request's head is longer than %d bytes",
                         SIGV4_INPUT_MAX);
    if (r->path[0] != '/') return error_set(err, ERR_INVALID, "the path does not begin with '/'");
    return has_host || error_set(err, ERR_INVALID, "the request has no host header");
}

/* ---- the canonical request ---- */

static int compare_pairs(const void *a, const void *b)
{
    const struct sigv4_pair *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->value, y->value);
}

static const char *canonical_query(const struct sigv4_signing *s, struct arena *arena)
{
    const struct sigv4_request *r = s->request;
    struct sigv4_pair *pairs = arena_calloc(arena, r->query_count + 1, sizeof *pairs);
    size_t count = 0, size = 1;
    for (size_t i = 0; i < r->query_count; i++) {
        if (text_equal(r->query[i].name, s->without)) continue;
        pairs[count] =
            (struct sigv4_pair){ .name = sigv4_encode(arena, r->query[i].name, false),
                                 .value = sigv4_encode(arena, r->query[i].value, false) };
        size += strlen(pairs[count].name) + strlen(pairs[count].value) + 2;
        count++;
    }
    qsort(pairs, count, sizeof *pairs, compare_pairs);
    char *out = arena_calloc(arena, size, 1);
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%s=%s", i > 0 ? "&" : "", pairs[i].name,
                                pairs[i].value);
    return out;
}

/* RFC 3986 5.2.4, and no empty segments; then encoded once more. */
static const char *normalised_path(struct arena *arena, const char *path)
{
    char *out = arena_calloc(arena, strlen(path) + 2, 1);
    size_t len = 0;
    bool folder = false;
    for (const char *at = path; *at;) {
        size_t part = strcspn(at, "/");
        folder = at[part] == '/' || part == 0;
        if (part == 2 && at[0] == '.' && at[1] == '.') {
            while (len > 0 && out[--len] != '/') continue;
            folder = true;
        } else if (part == 1 && at[0] == '.') {
            folder = true;
        } else if (part > 0) {
            out[len++] = '/';
            memcpy(out + len, at, part);
            len += part;
        }
        at += part + (at[part] == '/');
    }
    if (folder || len == 0) out[len++] = '/';
    out[len] = '\0';
    return sigv4_encode(arena, out, true);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct sigv4_pair *)a)->name, ((const struct sigv4_pair *)b)->name);
}

bool sigv4_lists(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = list; at; at = strchr(at, ';')) {
        at += *at == ';';
        if (strncmp(at, name, len) == 0 && (at[len] == ';' || at[len] == '\0')) return true;
    }
    return false;
}

/* The signed headers, sorted; several of one name in the order in which they came. */
static size_t sorted_headers(const struct sigv4_signing *s, struct arena *arena,
                             struct sigv4_pair out[SIGV4_PAIRS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < s->request->header_count; i++) {
        const char *name = lower(arena, s->request->headers[i].name);
        if (s->signed_headers && !sigv4_lists(s->signed_headers, name)) continue;
        struct sigv4_pair pair = { name, trimmed(arena, s->request->headers[i].value) };
        size_t at = count++;
        for (; at > 0 && compare_names(&out[at - 1], &pair) > 0; at--) out[at] = out[at - 1];
        out[at] = pair;
    }
    return count;
}

static bool canonical_headers(const struct sigv4_signing *s, struct arena *arena, struct buf *out,
                              const char **names, struct error *err)
{
    struct sigv4_pair pairs[SIGV4_PAIRS_MAX];
    size_t count = sorted_headers(s, arena, pairs);
    struct buf list = { .max = SIGV4_INPUT_MAX };
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        bool same = i > 0 && text_equal(pairs[i].name, pairs[i - 1].name);
        if (same) {
            ok = buf_append_text(out, ",", err) && buf_append_text(out, pairs[i].value, err);
            continue;
        }
        ok = (i == 0 || (buf_append_text(out, "\n", err) && buf_append_text(&list, ";", err))) &&
             buf_append_text(&list, pairs[i].name, err) &&
             buf_append_text(out, pairs[i].name, err) && buf_append_text(out, ":", err) &&
             buf_append_text(out, pairs[i].value, err);
    }
    *names = arena_text_of(arena, list.data, list.len);
    buf_deinit(&list);
    return ok && buf_append_text(out, "\n\n", err) && buf_append_text(out, *names, err);
}

/* Its SHA-256 is what is signed. */
static bool canonical_request(const struct sigv4_signing *s, struct arena *arena,
                              const char **names, uint8_t out[DIGEST_SIZE], struct error *err)
{
    const struct sigv4_request *r = s->request;
    AUTO(buf_deinit) struct buf text = { .max = 8 * SIGV4_INPUT_MAX };
    bool as_it_is = text_equal(s->scope->service, "s3");
    const char *path = as_it_is ? r->path : normalised_path(arena, r->path);
    bool ok = buf_append_text(&text, r->method, err) && buf_append_text(&text, "\n", err) &&
              buf_append_text(&text, path, err) && buf_append_text(&text, "\n", err) &&
              buf_append_text(&text, canonical_query(s, arena), err) &&
              buf_append_text(&text, "\n", err) && canonical_headers(s, arena, &text, names, err) &&
              buf_append_text(&text, "\n", err) && buf_append_text(&text, r->payload, err);
    if (ok) digest_sha256(buf_bytes(&text), out);
    return ok;
}

/* ---- the signature ---- */

static void hmac_text(const uint8_t key[DIGEST_SIZE], const char *text, uint8_t out[DIGEST_SIZE])
{
    digest_hmac(bytes_of(key, DIGEST_SIZE), bytes_of_text(text), out);
}

static const char *scope_text(const struct sigv4_signing *s, struct arena *arena)
{
    return arena_format(arena, "%.*s/%s/%s/aws4_request", SIGV4_DATE_LEN, s->time, s->scope->region,
                        s->scope->service);
}

bool sigv4_signature(const struct sigv4_signing *s, struct arena *arena, const char **names,
                     char out[DIGEST_HEX_SIZE], struct error *err)
{
    uint8_t hash[DIGEST_SIZE], key[DIGEST_SIZE];
    char hex[DIGEST_HEX_SIZE], first[SIGV4_SECRET_MAX + 8];
    if (strlen(s->credentials->secret_key) >= SIGV4_SECRET_MAX ||
        strlen(s->scope->region) + strlen(s->scope->service) > SCOPE_MAX)
        return error_set(err, ERR_INVALID, "a secret key, region or service is too long");
    if (!canonical_request(s, arena, names, hash, err)) return false;
    hex_format(hash, sizeof hash, hex);
    const char *text =
        arena_format(arena, "%s\n%s\n%s\n%s", algorithm, s->time, scope_text(s, arena), hex);
    int len = snprintf(first, sizeof first, "AWS4%s", s->credentials->secret_key);
    const char *date = arena_text_of(arena, s->time, SIGV4_DATE_LEN);
    digest_hmac(bytes_of(first, (size_t)len), bytes_of_text(date), key);
    digest_cleanse(first, sizeof first);
    hmac_text(key, s->scope->region, key);
    hmac_text(key, s->scope->service, key);
    hmac_text(key, "aws4_request", key);
    hmac_text(key, text, hash);
    digest_cleanse(key, sizeof key);
    hex_format(hash, sizeof hash, out);
    return true;
}

static void format_time(uint64_t now_ms, char out[SIGV4_TIME_SIZE])
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(out, SIGV4_TIME_SIZE, "%Y%m%dT%H%M%SZ", &tm);
}

static const char *credential_text(const struct sigv4_signing *s, struct arena *arena)
{
    return arena_format(arena, "%s/%s", s->credentials->access_key, scope_text(s, arena));
}

bool sigv4_sign(const struct sigv4_credentials *credentials, const struct sigv4_scope *scope,
                const struct sigv4_request *request, uint64_t now_ms, struct arena *arena,
                const struct sigv4_pair **headers, size_t *count, struct error *err)
{
    char time[SIGV4_TIME_SIZE], signature[DIGEST_HEX_SIZE];
    const char *names = NULL;
    if (!sigv4_within_limits(request, err)) return false;
    format_time(now_ms, time);
    size_t given = request->header_count, added = 0;
    struct sigv4_pair *all = arena_calloc(arena, given + 4, sizeof *all);
    if (given > 0) memcpy(all, request->headers, given * sizeof *all);
    struct sigv4_pair *ours = all + given;
    ours[added++] = (struct sigv4_pair){ "x-amz-date", arena_text(arena, time) };
    ours[added++] =
        (struct sigv4_pair){ "x-amz-content-sha256", arena_text(arena, request->payload) };
    if (credentials->session_token)
        ours[added++] = (struct sigv4_pair){ "x-amz-security-token",
                                             arena_text(arena, credentials->session_token) };
    struct sigv4_request whole = *request;
    whole.headers = all;
    whole.header_count = given + added;
    const struct sigv4_signing signing = {
        .credentials = credentials, .scope = scope, .request = &whole, .time = time, .without = ""
    };
    if (!sigv4_signature(&signing, arena, &names, signature, err)) return false;
    const char *authorization =
        arena_format(arena, "%s Credential=%s, SignedHeaders=%s, Signature=%s", algorithm,
                     credential_text(&signing, arena), names, signature);
    ours[added++] = (struct sigv4_pair){ "authorization", authorization };
    *headers = ours;
    *count = added;
    return true;
}

bool sigv4_presign(const struct sigv4_credentials *credentials, const struct sigv4_scope *scope,
                   const struct sigv4_request *request, uint64_t now_ms, uint32_t expires_s,
                   struct arena *arena, const char **query, struct error *err)
{
    char time[SIGV4_TIME_SIZE], signature[DIGEST_HEX_SIZE];
    const char *names = NULL;
    if (!sigv4_within_limits(request, err)) return false;
    if (expires_s == 0 || expires_s > SIGV4_EXPIRES_MAX_S)
        return error_set(err, ERR_INVALID, "a signed URL holds 1 to %d s, not %u",
                         SIGV4_EXPIRES_MAX_S, expires_s);
    format_time(now_ms, time);
    size_t count = request->query_count;
    struct sigv4_pair *all = arena_calloc(arena, count + 6, sizeof *all);
    if (count > 0) memcpy(all, request->query, count * sizeof *all);
    struct sigv4_request whole = *request;
    struct sigv4_signing signing = {
        .credentials = credentials, .scope = scope, .request = &whole, .time = time, .without = ""
    };
    /* The list of the signed headers is itself signed. */
    AUTO(buf_deinit) struct buf unused = { .max = 8 * SIGV4_INPUT_MAX };
    if (!canonical_headers(&signing, arena, &unused, &names, err)) return false;
    all[count++] = (struct sigv4_pair){ "X-Amz-Algorithm", algorithm };
    all[count++] = (struct sigv4_pair){ "X-Amz-Credential", credential_text(&signing, arena) };
    all[count++] = (struct sigv4_pair){ "X-Amz-Date", time };
    all[count++] = (struct sigv4_pair){ "X-Amz-Expires", arena_format(arena, "%u", expires_s) };
    all[count++] = (struct sigv4_pair){ "X-Amz-SignedHeaders", names };
    if (credentials->session_token)
        all[count++] = (struct sigv4_pair){ "X-Amz-Security-Token", credentials->session_token };
    whole.query = all;
    whole.query_count = count;
    whole.payload = SIGV4_UNSIGNED_PAYLOAD;
    if (!sigv4_signature(&signing, arena, &names, signature, err)) return false;
    *query =
        arena_format(arena, "%s&X-Amz-Signature=%s", canonical_query(&signing, arena), signature);
    return true;
}
