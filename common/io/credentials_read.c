#include "io/credentials_internal.h"

#include "io/digest.h"
#include "io/doc.h"
#include "io/xml.h"

#include <string.h>
#include <time.h>

/* AssumeRoleWithWebIdentityResponse/...Result/Credentials */
enum { STS_DEPTH = 3 };

/* ---- profiles ---- */

static size_t trimmed(const char **text, size_t len)
{
    while (len > 0 && strchr(" \t\r", **text)) (*text)++, len--;
    while (len > 0 && strchr(" \t\r", (*text)[len - 1])) len--;
    return len;
}

static bool same(const char *text, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(text, name, len) == 0;
}

/* "default", "NAME", or in the configuration "profile NAME". */
static bool section_is(const char *text, size_t len, const char *name, bool config_file)
{
    static const char prefix[] = "profile";
    if (same(text, len, name)) return !config_file || text_equal(name, "default");
    if (!config_file || len <= sizeof prefix || memcmp(text, prefix, sizeof prefix - 1) != 0)
        return false;
    text += sizeof prefix - 1;
    len = trimmed(&text, len - (sizeof prefix - 1));
    return same(text, len, name);
}

NODISCARD static bool keep(const char *value, size_t len, char *out, size_t size, struct error *err)
{
    if (len >= size) return error_set(err, ERR_INVALID, "a key or token is too long");
    memcpy(out, value, len);
    out[len] = '\0';
    return true;
}

NODISCARD static bool take_line(struct credentials_profile *out, const char *line, size_t len,
                                struct error *err)
{
    const char *equals = memchr(line, '=', len);
    if (!equals) return true;
    const char *value = equals + 1, *name = line;
    size_t value_len = trimmed(&value, len - (size_t)(value - line));
    size_t name_len = trimmed(&name, (size_t)(equals - line));
    if (same(name, name_len, "aws_access_key_id"))
        return keep(value, value_len, out->access_key, sizeof out->access_key, err);
    if (same(name, name_len, "aws_secret_access_key"))
        return keep(value, value_len, out->secret_key, sizeof out->secret_key, err);
    if (same(name, name_len, "aws_session_token"))
        return keep(value, value_len, out->session_token, sizeof out->session_token, err);
    out->sso |= same(name, name_len, "sso_session") || same(name, name_len, "sso_start_url");
    out->role |= same(name, name_len, "role_arn");
    out->process |= same(name, name_len, "credential_process");
    return true;
}

bool credentials_read_profile(struct bytes text, const char *name, bool config_file,
                              struct credentials_profile *out, struct error *err)
{
    const char *at = (const char *)text.data, *end = at + text.len;
    bool inside = false;
    if (text.len > 0 && memchr(at, '\0', text.len))
        return error_set(err, ERR_INVALID, "a byte 0 in a file of profiles");
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) stop = end;
        const char *line = at;
        size_t len = trimmed(&line, (size_t)(stop - at));
        bool indented = *at == ' ' || *at == '\t'; /* settings nested in another one */
        at = stop + 1;
        if (len == 0 || *line == '#' || *line == ';') continue;
        if (*line == '[' && line[len - 1] == ']') {
            const char *section = line + 1;
            size_t section_len = trimmed(&section, len - 2);
            inside = section_is(section, section_len, name, config_file);
            out->found |= inside;
        } else if (inside && !indented && !take_line(out, line, len, err)) {
            return false;
        }
    }
    return true;
}

/* ---- answers ---- */

bool credentials_read_time(const char *text, uint64_t *ms)
{
    struct tm tm = { 0 };
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest || tm.tm_year < 70) return false;
    if (*rest == '.') rest += 1 + strspn(rest + 1, "0123456789");
    if (!text_equal(rest, "Z")) return false;
    *ms = (uint64_t)timegm(&tm) * 1000;
    return true;
}

NODISCARD static bool take_keys(struct credentials *c, const char *access, const char *secret,
                                const char *token, const char *expiry, struct error *err)
{
    uint64_t expires_ms = 0;
    if (!access[0] || !secret[0] || !credentials_read_time(expiry, &expires_ms))
        return error_set(err, ERR_RETRY, "the answer has no keys or no expiry");
    if (strlen(access) >= sizeof c->access_key || strlen(secret) >= sizeof c->secret_key ||
        strlen(token) >= sizeof c->session_token)
        return error_set(err, ERR_INVALID, "the answer's keys or token are too long");
    bool fits = text_copy(c->access_key, sizeof c->access_key, access) &&
                text_copy(c->secret_key, sizeof c->secret_key, secret) &&
                text_copy(c->session_token, sizeof c->session_token, token);
    c->expires_ms = expires_ms;
    c->have = fits;
    return fits;
}

bool credentials_read_json(struct credentials *c, struct bytes body, struct error *err)
{
    static const struct doc_limits limits = { .bytes_max = CREDENTIALS_ANSWER_MAX,
                                              .nodes_max = 100,
                                              .depth_max = 4 };
    const char *access = "", *secret = "", *token = "", *expiry = "";
    struct error hidden = { 0 }; /* may quote what must not be told */
    AUTO(doc_free_at) struct doc *doc = NULL;
    if (!doc_parse("credentials", body, &limits, &doc, &hidden))
        return error_set(err, ERR_RETRY, "the answer is no JSON");
    const struct doc_node *root = doc_root(doc, 0);
    if (!doc_get_text(root, "AccessKeyId", DOC_REQUIRED, &access, &hidden) ||
        !doc_get_text(root, "SecretAccessKey", DOC_REQUIRED, &secret, &hidden) ||
        !doc_get_text(root, "Token", DOC_OPTIONAL, &token, &hidden) ||
        !doc_get_text(root, "Expiration", DOC_REQUIRED, &expiry, &hidden))
        return error_set(err, ERR_RETRY, "the answer has no keys or no expiry");
    return take_keys(c, access, secret, token, expiry, err);
}

bool credentials_read_sts(struct credentials *c, struct bytes body, struct error *err)
{
    char access[sizeof c->access_key], secret[sizeof c->secret_key], expiry[64];
    char token[sizeof c->session_token];
    bool all = xml_text(body, "AccessKeyId", STS_DEPTH, access, sizeof access) &&
               xml_text(body, "SecretAccessKey", STS_DEPTH, secret, sizeof secret) &&
               xml_text(body, "SessionToken", STS_DEPTH, token, sizeof token) &&
               xml_text(body, "Expiration", STS_DEPTH, expiry, sizeof expiry);
    bool ok = all ? take_keys(c, access, secret, token, expiry, err)
                  : error_set(err, ERR_RETRY, "the answer of STS has no keys");
    digest_cleanse(secret, sizeof secret);
    digest_cleanse(token, sizeof token);
    return ok;
}
