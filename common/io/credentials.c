#include "io/credentials.h"

#include "io/credentials_internal.h"
#include "io/digest.h"
#include "io/fs.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FAIL_FIRST_MS = 1000, FAIL_MAX_MS = 60000 };

/* Of an instance's role: first a token, then the role's name, then its keys. */
enum { STEP_TOKEN, STEP_ROLE, STEP_KEYS };

static const char metadata[] = "http://169.254.169.254/latest";

const char *credentials_source_name(enum credentials_source source)
{
    switch (source) {
    case CREDENTIALS_ENVIRONMENT: return "environment";
    case CREDENTIALS_WEB_IDENTITY: return "web identity";
    case CREDENTIALS_PROFILE: return "profile";
    case CREDENTIALS_CONTAINER: return "container";
    case CREDENTIALS_INSTANCE: return "instance role";
    }
    return "";
}

/* What credentials_open() looks at. */
struct environment {
    credentials_getenv_fn get;
    void *owner;
};

/* "" when it is not set. */
static const char *variable(const struct environment *e, const char *name)
{
    const char *value = e->get(e->owner, name);
    return value ? value : "";
}

NODISCARD static bool keep(char *out, size_t size, const char *value, const char *name,
                           struct error *err)
{
    return text_copy(out, size, value) ||
           error_set(err, ERR_INVALID, "%s is longer than %zu bytes", name, size - 1);
}

/* ---- static keys ---- */

NODISCARD static bool from_environment(struct credentials *c, const struct environment *e,
                                       struct error *err)
{
    const char *secret = variable(e, "AWS_SECRET_ACCESS_KEY");
    if (!secret[0])
        return error_set(err, ERR_INVALID,
                         "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not");
    c->source = CREDENTIALS_ENVIRONMENT;
    c->have = true;
    return keep(c->access_key, sizeof c->access_key, variable(e, "AWS_ACCESS_KEY_ID"),
                "AWS_ACCESS_KEY_ID", err) &&
           keep(c->secret_key, sizeof c->secret_key, secret, "AWS_SECRET_ACCESS_KEY", err) &&
           keep(c->session_token, sizeof c->session_token, variable(e, "AWS_SESSION_TOKEN"),
                "AWS_SESSION_TOKEN", err);
}

NODISCARD static bool read_file(const struct environment *e, const char *name, const char *in_home,
                                const char *profile, bool config_file,
                                struct credentials_profile *out, struct error *err)
{
    char path[FS_PATH_MAX];
    const char *given = variable(e, name), *home = variable(e, "HOME");
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, CREDENTIALS_FILE_MAX);
    if (!given[0] && !home[0]) return true;
    int len = snprintf(path, sizeof path, "%s%s%s", given[0] ? given : home, given[0] ? "" : "/",
                       given[0] ? "" : in_home);
    if (len < 0 || len >= FS_PATH_MAX) return error_set(err, ERR_INVALID, "%s is too long", name);
    struct error missing = { 0 };
    if (!fs_read_file(path, &text, &missing)) {
        if (missing.code == ERR_NOT_FOUND) return true;
        *err = missing;
        return false;
    }
    bool ok = credentials_read_profile(buf_bytes(&text), profile, config_file, out, err);
    if (text.data) digest_cleanse(text.data, text.len);
    return ok || error_wrap(err, "%s", path);
}

/* *found: the profile exists. */
NODISCARD static bool from_profile(struct credentials *c, const struct environment *e, bool *found,
                                   struct error *err)
{
    struct credentials_profile p = { 0 };
    const char *name = variable(e, "AWS_PROFILE");
    bool named = name[0] != '\0';
    if (!named) name = "default";
    if (!read_file(e, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", name, false, &p, err))
        return false;
    if (!p.access_key[0] && !read_file(e, "AWS_CONFIG_FILE", ".aws/config", name, true, &p, err))
        return false;
    *found = p.access_key[0] && p.secret_key[0];
    if (!*found && (p.sso || p.role || p.process))
        return error_set(err, ERR_INVALID,
                         "the profile '%s' is one of %s, which is not supported; put keys into the "
                         "environment: aws configure export-credentials --profile %s --format env",
                         name,
                         p.sso    ? "SSO"
                         : p.role ? "role_arn"
                                  : "credential_process",
                         name);
    if (!*found && named)
        return error_set(err, ERR_NOT_FOUND, "AWS_PROFILE: there are no keys of the profile '%s'",
                         name);
    if (!*found) return true;
    c->source = CREDENTIALS_PROFILE;
    c->have = true;
    memcpy(c->access_key, p.access_key, sizeof c->access_key);
    memcpy(c->secret_key, p.secret_key, sizeof c->secret_key);
    memcpy(c->session_token, p.session_token, sizeof c->session_token);
    digest_cleanse(&p, sizeof p);
    return true;
}

/* ---- keys that are asked for ---- */

NODISCARD static bool from_web_identity(struct credentials *c, const struct environment *e,
                                        const char *region, struct error *err)
{
    const char *endpoint = variable(e, "AWS_ENDPOINT_URL_STS");
    c->source = CREDENTIALS_WEB_IDENTITY;
    int len = endpoint[0] ? snprintf(c->url, sizeof c->url, "%s", endpoint)
                          : snprintf(c->url, sizeof c->url, "https://sts.%s.amazonaws.com%s",
                                     region, text_starts(region, "cn-") ? ".cn" : "");
    if (len < 0 || (size_t)len >= sizeof c->url)
        return error_set(err, ERR_INVALID, "AWS_ENDPOINT_URL_STS is too long");
    return keep(c->file, sizeof c->file, variable(e, "AWS_WEB_IDENTITY_TOKEN_FILE"),
                "AWS_WEB_IDENTITY_TOKEN_FILE", err) &&
           keep(c->role, sizeof c->role, variable(e, "AWS_ROLE_ARN"), "AWS_ROLE_ARN", err);
}

/* The hosts that the SDKs allow too: the others would get our token. */
static bool container_host(const char *url)
{
    static const char *const hosts[] = { "http://169.254.170.2",  "http://169.254.170.23",
                                         "http://[fd00:ec2::23]", "http://localhost",
                                         "http://127.0.0.1",      "http://[::1]" };
    if (text_starts(url, "https://")) return true;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char next = text_starts(url, hosts[i]) ? url[strlen(hosts[i])] : 'x';
        if (next == '/' || next == ':' || next == '\0')
            return !memchr(url + 7, '@', strcspn(url + 7, "/?"));
    }
    return false;
}

NODISCARD static bool from_container(struct credentials *c, const struct environment *e,
                                     struct error *err)
{
    const char *relative = variable(e, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = variable(e, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    c->source = CREDENTIALS_CONTAINER;
    if (relative[0] && relative[0] != '/')
        return error_set(err, ERR_INVALID,
                         "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with '/'");
    int len = snprintf(c->url, sizeof c->url, "%s%s", relative[0] ? "http://169.254.170.2" : "",
                       relative[0] ? relative : full);
    if (len < 0 || (size_t)len >= sizeof c->url)
        return error_set(err, ERR_INVALID, "the container's credentials URI is too long");
    if (!container_host(c->url))
        return error_set(err, ERR_INVALID,
                         "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to this host "
                         "or to 169.254.170.2 or .23");
    return keep(c->file, sizeof c->file, variable(e, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", err) &&
           keep(c->token, sizeof c->token, variable(e, "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
                "AWS_CONTAINER_AUTHORIZATION_TOKEN", err);
}

NODISCARD static bool from_instance(struct credentials *c, const struct environment *e,
                                    struct error *err)
{
    if (strcasecmp(variable(e, "AWS_EC2_METADATA_DISABLED"), "true") == 0)
        return error_set(err, ERR_NOT_FOUND,
                         "no keys of AWS: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                         "AWS_PROFILE, or run on an instance with a role");
    c->source = CREDENTIALS_INSTANCE;
    const char *endpoint = variable(e, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (!endpoint[0]) return text_copy(c->url, sizeof c->url, metadata);
    int len = snprintf(c->url, sizeof c->url, "%s/latest", endpoint);
    return (len > 0 && (size_t)len < sizeof c->url) ||
           error_set(err, ERR_INVALID, "AWS_EC2_METADATA_SERVICE_ENDPOINT is too long");
}

bool credentials_open(struct credentials *c, const char *region, credentials_getenv_fn get,
                      void *owner, struct error *err)
{
    const struct environment e = { get, owner };
    bool found = false;
    *c = (struct credentials){ .expires_ms = UINT64_MAX,
                               .retry = { .first_ms = FAIL_FIRST_MS, .max_ms = FAIL_MAX_MS } };
    if (variable(&e, "AWS_ACCESS_KEY_ID")[0]) return from_environment(c, &e, err);
    if (variable(&e, "AWS_WEB_IDENTITY_TOKEN_FILE")[0] && variable(&e, "AWS_ROLE_ARN")[0])
        return from_web_identity(c, &e, region, err);
    if (!from_profile(c, &e, &found, err)) return false;
    if (found) return true;
    if (variable(&e, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")[0] ||
        variable(&e, "AWS_CONTAINER_CREDENTIALS_FULL_URI")[0])
        return from_container(c, &e, err);
    return from_instance(c, &e, err);
}

void credentials_close(struct credentials *c)
{
    digest_cleanse(c, sizeof *c);
}

bool credentials_get(const struct credentials *c, uint64_t now_ms, struct sigv4_credentials *out,
                     struct error *err)
{
    if (!c->have)
        return error_set(err, ERR_RETRY, "there are no keys of AWS yet (from: %s)",
                         credentials_source_name(c->source));
    if (c->expires_ms <= now_ms)
        return error_set(err, ERR_RETRY, "the keys of AWS have expired (from: %s)",
                         credentials_source_name(c->source));
    *out = (struct sigv4_credentials){ .access_key = c->access_key,
                                       .secret_key = c->secret_key,
                                       .session_token =
                                           c->session_token[0] ? c->session_token : NULL };
    return true;
}

bool credentials_due(const struct credentials *c, uint64_t now_ms)
{
    bool fixed = c->source == CREDENTIALS_ENVIRONMENT || c->source == CREDENTIALS_PROFILE;
    return !fixed && c->due_ms <= now_ms;
}

/* A token's file is read for each refresh: whoever wrote it renews it. */
NODISCARD static bool read_token(struct credentials *c, struct error *err)
{
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, sizeof c->token - 1);
    if (!c->file[0]) return true;
    if (!fs_read_file(c->file, &text, err)) return false;
    size_t len = text.len;
    while (len > 0 && strchr("\r\n ", text.data[len - 1])) len--;
    if (len == 0 || memchr(text.data, '\n', len) || memchr(text.data, '\0', len))
        return error_set(err, ERR_INVALID, "'%s' holds no token of one line", c->file);
    memcpy(c->token, text.data, len);
    c->token[len] = '\0';
    return true;
}

bool credentials_next(struct credentials *c, struct arena *arena, struct credentials_request *out,
                      struct error *err)
{
    *out = (struct credentials_request){ .method = "GET", .url = c->url };
    switch (c->source) {
    case CREDENTIALS_ENVIRONMENT:
    case CREDENTIALS_PROFILE: return error_set(err, ERR_CONFLICT, "static keys are not refreshed");
    case CREDENTIALS_WEB_IDENTITY:
        if (!read_token(c, err)) return false;
        out->method = "POST";
        out->url = arena_format(arena, "%s/", c->url);
        out->body = bytes_of_text(arena_format(
            arena,
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=meridian"
            "&RoleArn=%s&WebIdentityToken=%s",
            sigv4_encode(arena, c->role, false), sigv4_encode(arena, c->token, false)));
        return true;
    case CREDENTIALS_CONTAINER:
        if (!read_token(c, err)) return false;
        if (c->token[0]) out->headers[0] = arena_format(arena, "Authorization: %s", c->token);
        return true;
    case CREDENTIALS_INSTANCE: break;
    }
    if (c->step == STEP_TOKEN) {
        out->method = "PUT";
        out->url = arena_format(arena, "%s/api/token", c->url);
        out->headers[0] = "X-aws-ec2-metadata-token-ttl-seconds: 21600";
        return true;
    }
    out->url = arena_format(arena, "%s/meta-data/iam/security-credentials/%s", c->url,
                            c->step == STEP_KEYS ? sigv4_encode(arena, c->role, false) : "");
    out->headers[0] = arena_format(arena, "X-aws-ec2-metadata-token: %s", c->token);
    return true;
}

/* A token or a role's name: one short line. */
NODISCARD static bool take_text(char *out, size_t size, struct bytes body, struct error *err)
{
    size_t len = body.len;
    while (len > 0 && strchr("\r\n ", body.data[len - 1])) len--;
    for (size_t i = 0; i < len; i++)
        if (body.data[i] <= ' ' || body.data[i] > '~') len = 0;
    if (len == 0 || len >= size)
        return error_set(err, ERR_RETRY, "the instance's metadata service answered nothing usable");
    memcpy(out, body.data, len);
    out[len] = '\0';
    return true;
}

bool credentials_answer(struct credentials *c, long status, struct bytes body, uint64_t now_ms,
                        bool *more, struct error *err)
{
    *more = false;
    if (status != 200) {
        if (c->source == CREDENTIALS_INSTANCE && status == 404 && c->step > STEP_TOKEN)
            return error_set(err, ERR_NOT_FOUND, "the instance has no role");
        return error_set(err, status == 401 || status == 403 ? ERR_DENIED : ERR_RETRY,
                         "keys of AWS (%s): the answer is %ld", credentials_source_name(c->source),
                         status);
    }
    if (c->source == CREDENTIALS_INSTANCE && c->step < STEP_KEYS) {
        if (!(c->step == STEP_TOKEN ? take_text(c->token, sizeof c->token, body, err)
                                    : take_text(c->role, sizeof c->role, body, err)))
            return false;
        c->step++;
        *more = true;
        return true;
    }
    if (!(c->source == CREDENTIALS_WEB_IDENTITY ? credentials_read_sts(c, body, err)
                                                : credentials_read_json(c, body, err)))
        return error_wrap(err, "keys of AWS (%s)", credentials_source_name(c->source));
    uint64_t soon = now_ms + FAIL_MAX_MS; /* keys that expire at once are not asked for in a loop */
    c->due_ms =
        c->expires_ms > soon + CREDENTIALS_EARLY_MS ? c->expires_ms - CREDENTIALS_EARLY_MS : soon;
    c->step = 0;
    retry_reset(&c->retry);
    return true;
}

void credentials_failed(struct credentials *c, uint64_t now_ms, struct prng *random)
{
    c->step = 0;
    c->due_ms = now_ms + retry_next_ms(&c->retry, random);
}
