#include "io/s3.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { S3_SCRATCH_MAX = 1 << 20 };

/* ---- endpoints ---- */

const char *s3_endpoint(struct arena *arena, const char *region, bool dualstack)
{
    return arena_format(arena, "https://s3.%s%s.amazonaws.com%s", dualstack ? "dualstack." : "",
                        region, text_starts(region, "cn-") ? ".cn" : "");
}

/* "127.0.0.1:8000/..." and "[::1]:8000/..." */
static bool host_is_loopback(const char *host)
{
    size_t len = strcspn(host, "/?");
    if (text_starts(host, "[::1]")) return len == 5 || host[5] == ':';
    if (!text_starts(host, "127.")) return false;
    size_t digits = strspn(host, "0123456789.");
    return digits == len || host[digits] == ':';
}

bool s3_url_is_safe(const char *url)
{
    if (text_starts(url, "https://")) return true;
    return text_starts(url, "http://") && host_is_loopback(url + 7) &&
           !memchr(url + 7, '@', strcspn(url + 7, "/?"));
}

NODISCARD static bool endpoint_check(const char *endpoint, struct error *err)
{
    if (!s3_url_is_safe(endpoint))
        return error_set(err, ERR_INVALID,
                         "the endpoint '%s' must begin with https:// (http:// only to a loopback "
                         "address, as http://127.0.0.1:8000)",
                         endpoint);
    const char *host = strstr(endpoint, "://") + 3;
    size_t len = strlen(host);
    if (len == 0 || len > S3_HOST_MAX ||
        strspn(host, "abcdefghijklmnopqrstuvwxyz"
                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789.-:[]") != len)
        return error_set(err, ERR_INVALID,
                         "the endpoint '%s' must be https://HOST or "
                         "https://HOST:PORT and nothing behind it",
                         endpoint);
    return true;
}

NODISCARD static bool name_check(const char *name, struct error *err)
{
    size_t len = strlen(name);
    bool good = len >= 3 && len <= 63 &&
                strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len && name[0] != '.' &&
                name[0] != '-' && name[len - 1] != '.' && name[len - 1] != '-' &&
                !strstr(name, "..");
    return good || error_set(err, ERR_INVALID,
                             "'%s' is no bucket's name (3 to 63 of a-z 0-9 . -, begins and ends "
                             "with a letter or digit)",
                             name);
}

bool s3_bucket_make(const char *name, const char *region, const char *endpoint, struct arena *arena,
                    struct s3_bucket *out, struct error *err)
{
    if (!name_check(name, err)) return false;
    if (endpoint[0] && !endpoint_check(endpoint, err)) return false;
    *out =
        (struct s3_bucket){ .name = name,
                            .region = region,
                            .endpoint = endpoint[0] ? endpoint : s3_endpoint(arena, region, false),
                            .path_style = endpoint[0] || strchr(name, '.') };
    return true;
}

/* ---- signed URLs ---- */

bool s3_summary_fits(const char *summary)
{
    size_t len = strlen(summary);
    if (len == 0 || len > S3_SUMMARY_MAX) return false;
    for (size_t i = 0; i < len; i++)
        if (summary[i] < ' ' || summary[i] > '~') return false;
    /* Spaces at the ends are not the same on both sides of a header. */
    return summary[0] != ' ' && summary[len - 1] != ' ';
}

bool s3_sign(const struct s3_bucket *bucket, const struct sigv4_credentials *credentials,
             const struct s3_operation *operation, uint64_t now_ms, uint32_t expires_s,
             struct arena *arena, const char **url, struct error *err)
{
    struct sigv4_pair query[2 + S3_PARAMETERS_MAX], headers[3];
    size_t queries = 0, count = 0;
    if (strlen(operation->key) > S3_KEY_MAX)
        return error_set(err, ERR_INVALID, "an object key has at most %d bytes", S3_KEY_MAX);
    const char *scheme_end = strstr(bucket->endpoint, "://") + 3, *query_text = NULL;
    const char *key = sigv4_encode(arena, operation->key, true);
    const char *host =
        bucket->path_style ? scheme_end : arena_format(arena, "%s.%s", bucket->name, scheme_end);
    const char *path = bucket->path_style ? arena_format(arena, "/%s/%s", bucket->name, key)
                                          : arena_format(arena, "/%s", key);
    headers[count++] = (struct sigv4_pair){ "host", host };
    if (operation->sha256[0])
        headers[count++] = (struct sigv4_pair){ S3_SHA256_HEADER, operation->sha256 };
    if (operation->sha256[0] && s3_summary_fits(operation->summary))
        headers[count++] = (struct sigv4_pair){ S3_SUMMARY_HEADER, operation->summary };
    if (operation->subresource[0])
        query[queries++] = (struct sigv4_pair){ operation->subresource, "" };
    if (operation->version_id[0])
        query[queries++] = (struct sigv4_pair){ "versionId", operation->version_id };
    assert(operation->parameter_count <= S3_PARAMETERS_MAX);
    for (size_t i = 0; i < operation->parameter_count; i++)
        query[queries++] = operation->parameters[i];
    const struct sigv4_request request = { .method = operation->method,
                                           .path = path,
                                           .query = query,
                                           .query_count = queries,
                                           .headers = headers,
                                           .header_count = count,
                                           .payload = SIGV4_UNSIGNED_PAYLOAD };
    const struct sigv4_scope scope = { bucket->region, "s3" };
    if (!sigv4_presign(credentials, &scope, &request, now_ms, expires_s, arena, &query_text, err))
        return false;
    *url = arena_format(arena, "%.*s%s%s?%s", (int)(scheme_end - bucket->endpoint),
                        bucket->endpoint, host, path, query_text);
    return true;
}

bool s3_sign_parts(const struct s3_bucket *bucket, const struct sigv4_credentials *credentials,
                   const char *key, const char *upload_id, uint32_t count, uint64_t now_ms,
                   uint32_t expires_s, struct arena *arena, const char **url,
                   struct bytes *signatures, struct error *err)
{
    static const char of_signature[] = "&X-Amz-Signature=", of_part[] = "&partNumber=1&";
    uint8_t *all = arena_calloc(arena, count, S3_SIGNATURE_SIZE);
    AUTO(arena_deinit) struct arena scratch;
    arena_init(&scratch, S3_SCRATCH_MAX);
    for (uint32_t i = 0; i < count; i++) {
        arena_reset(&scratch);
        const struct sigv4_pair parameters[] = {
            { "partNumber", arena_format(&scratch, "%u", i + 1) }, { "uploadId", upload_id }
        };
        const struct s3_operation put = { .method = "PUT",
                                          .key = key,
                                          .version_id = "",
                                          .subresource = "",
                                          .parameters = parameters,
                                          .parameter_count = 2,
                                          .sha256 = "",
                                          .summary = "" };
        const char *one = NULL;
        if (!s3_sign(bucket, credentials, &put, now_ms, expires_s, &scratch, &one, err))
            return false;
        const char *signature = strstr(one, of_signature), *part = strstr(one, of_part);
        bool parsed =
            signature && hex_parse(signature + sizeof of_signature - 1,
                                   all + (size_t)i * S3_SIGNATURE_SIZE, S3_SIGNATURE_SIZE);
        assert(parsed); /* sigv4_presign() ends its query with it */
        if (i > 0) continue;
        assert(part);
        assert(part < signature);
        const char *behind = part + sizeof of_part - 2;
        *url = arena_format(arena, "%.*s%.*s", (int)(part - one), one, (int)(signature - behind),
                            behind);
    }
    *signatures = bytes_of(all, (size_t)count * S3_SIGNATURE_SIZE);
    return true;
}

bool s3_url_is_signed(const char *url)
{
    return strstr(url, "X-Amz-Signature=") != NULL;
}

bool s3_url_signs(const char *url, const char *header)
{
    static const char parameter[] = "X-Amz-SignedHeaders=";
    const char *names = strstr(url, parameter);
    if (!names) return false;
    names += sizeof parameter - 1;
    size_t len = strlen(header);
    const char *end = names + strcspn(names, "&");
    /* ';' between them is %3B. */
    for (const char *at = names; at < end;) {
        const char *next = strstr(at, "%3B");
        const char *stop = next && next < end ? next : end;
        if ((size_t)(stop - at) == len && strncmp(at, header, len) == 0) return true;
        at = stop == end ? end : stop + 3;
    }
    return false;
}

bool s3_key_decode(const char *text, char out[S3_KEY_MAX + 1])
{
    size_t len = 0;
    for (const char *at = text; *at; at++) {
        if (len == S3_KEY_MAX) return false;
        out[len] = *at == '+' ? ' ' : *at;
        if (*at == '%') {
            char digits[3] = { at[1], at[1] ? at[2] : '\0', '\0' };
            uint8_t letter = 0;
            if (!hex_parse(digits, &letter, 1) || !letter) return false;
            out[len] = (char)letter;
            at += 2;
        }
        len++;
    }
    out[len] = '\0';
    return true;
}
