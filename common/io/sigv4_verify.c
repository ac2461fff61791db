#include "base/number.h"
#include "io/sigv4_internal.h"

#include <string.h>
#include <time.h>

/* What a request says of its signature, from its header or its query. */
struct claim {
    const char *access_key, *date, *region, *service; /* parts of the credential */
    const char *time, *signed_headers, *signature;
    bool in_query;
    uint64_t expires_s; /* in_query */
};

static const char *find_pair(const struct sigv4_pair *pairs, size_t count, const char *name,
                             bool any_case)
{
    for (size_t i = 0; i < count; i++) {
        if (any_case ? sigv4_same_name(pairs[i].name, name) : text_equal(pairs[i].name, name))
            return pairs[i].value;
    }
    return NULL;
}

static const char *header(const struct sigv4_request *r, const char *name)
{
    return find_pair(r->headers, r->header_count, name, true);
}

static const char *parameter(const struct sigv4_request *r, const char *name)
{
    return find_pair(r->query, r->query_count, name, false);
}

static bool malformed(struct error *err, const char *what)
{
    return error_set(err, ERR_DENIED, "AuthorizationHeaderMalformed: %s", what);
}

/* "KEY/20150830/REGION/SERVICE/aws4_request"; an access key has no '/'. */
static bool read_credential(struct arena *arena, const char *text, struct claim *out,
                            struct error *err)
{
    char *parts[5] = { arena_text(arena, text) };
    for (size_t i = 1; i < 5; i++) {
        parts[i] = strchr(parts[i - 1], '/');
        if (!parts[i]) return malformed(err, "the credential has no scope of five parts");
        *parts[i]++ = '\0';
    }
    out->access_key = parts[0];
    out->date = parts[1];
    out->region = parts[2];
    out->service = parts[3];
    if (!text_equal(parts[4], "aws4_request"))
        return malformed(err, "the credential does not end in aws4_request");
    return true;
}

/* The value of "Name=" in "AWS4-HMAC-SHA256 A=..., B=..."; NULL when it is not there. */
static const char *field(struct arena *arena, const char *authorization, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strchr(authorization, ' '); at; at = strchr(at, ',')) {
        at += strspn(at, ", ");
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return arena_text_of(arena, at + len + 1, strcspn(at + len + 1, ", "));
    }
    return NULL;
}

static bool read_header(const struct sigv4_request *r, const char *authorization,
                        struct arena *arena, struct claim *out, struct error *err)
{
    const char *credential = field(arena, authorization, "Credential");
    *out = (struct claim){ .time = header(r, "x-amz-date"),
                           .signed_headers = field(arena, authorization, "SignedHeaders"),
                           .signature = field(arena, authorization, "Signature") };
    if (!text_starts(authorization, "AWS4-HMAC-SHA256 "))
        return malformed(err, "only AWS4-HMAC-SHA256 is understood");
    if (!credential || !out->signed_headers || !out->signature || !out->time)
        return malformed(err, "Credential, SignedHeaders, Signature and the header x-amz-date are "
                              "needed");
    return read_credential(arena, credential, out, err);
}

static bool read_query(const struct sigv4_request *r, struct arena *arena, struct claim *out,
                       struct error *err)
{
    const char *method = parameter(r, "X-Amz-Algorithm");
    const char *credential = parameter(r, "X-Amz-Credential");
    const char *expires = parameter(r, "X-Amz-Expires");
    *out = (struct claim){ .in_query = true,
                           .time = parameter(r, "X-Amz-Date"),
                           .signed_headers = parameter(r, "X-Amz-SignedHeaders"),
                           .signature = parameter(r, "X-Amz-Signature") };
    if (!method || !text_equal(method, "AWS4-HMAC-SHA256"))
        return error_set(err, ERR_DENIED, "AccessDenied: the request is not signed");
    if (!credential || !expires || !out->time || !out->signed_headers || !out->signature)
        return malformed(err, "a parameter X-Amz-... is missing");
    if (!number_parse(expires, SIGV4_EXPIRES_MAX_S, &out->expires_s) || out->expires_s == 0)
        return malformed(err, "X-Amz-Expires is not 1 to 604800");
    return read_credential(arena, credential, out, err);
}

static bool digits(const char *text, size_t len, int *out)
{
    *out = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *out = 10 * *out + text[i] - '0';
    }
    return true;
}

/* "20150830T123600Z" */
static bool read_time(const char *text, uint64_t *out_ms)
{
    struct tm tm = { 0 };
    if (strlen(text) != SIGV4_TIME_SIZE - 1 || text[8] != 'T' || text[15] != 'Z') return false;
    if (!digits(text, 4, &tm.tm_year) || !digits(text + 4, 2, &tm.tm_mon) ||
        !digits(text + 6, 2, &tm.tm_mday) || !digits(text + 9, 2, &tm.tm_hour) ||
        !digits(text + 11, 2, &tm.tm_min) || !digits(text + 13, 2, &tm.tm_sec) ||
        tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *out_ms = (uint64_t)timegm(&tm) * 1000;
    return true;
}

static bool check_time(const struct claim *claim, uint64_t now_ms, struct error *err)
{
    uint64_t signed_ms;
    if (!read_time(claim->time, &signed_ms) ||
        strncmp(claim->time, claim->date, SIGV4_DATE_LEN) != 0 ||
        strlen(claim->date) != SIGV4_DATE_LEN)
        return malformed(err, "the date is none, or not that of the credential");
    bool early = signed_ms > now_ms + SIGV4_SKEW_MAX_MS;
    uint64_t holds_ms = claim->in_query ? claim->expires_s * 1000 : SIGV4_SKEW_MAX_MS;
    if (!early && now_ms <= signed_ms + holds_ms) return true;
    if (claim->in_query && !early)
        return error_set(err, ERR_DENIED, "AccessDenied: the signed URL has expired");
    return error_set(err, ERR_DENIED,
                     "RequestTimeTooSkewed: the request is of %s, more than 15 minutes from the "
                     "server's clock",
                     claim->time);
}

/* What is not signed could have been changed on the way. */
static bool check_signed_headers(const struct claim *claim, const struct sigv4_request *r,
                                 struct arena *arena, struct error *err)
{
    if (!sigv4_lists(claim->signed_headers, "host")) return malformed(err, "host is not signed");
    for (size_t i = 0; i < r->header_count; i++) {
        char *name = arena_text(arena, r->headers[i].name);
        for (char *at = name; *at; at++)
            if (*at >= 'A' && *at <= 'Z') *at = (char)(*at - 'A' + 'a');
        if (text_starts(name, "x-amz-") && !sigv4_lists(claim->signed_headers, name))
            return error_set(err, ERR_DENIED, "AccessDenied: the header %.64s is not signed", name);
    }
    return true;
}

static bool check_scope(const struct claim *claim, const struct sigv4_scope *scope,
                        struct error *err)
{
    if (text_equal(claim->region, scope->region) && text_equal(claim->service, scope->service))
        return true;
    return error_set(err, ERR_DENIED,
                     "AuthorizationHeaderMalformed: signed for %.64s in %.64s, expected %s in %s",
                     claim->service, claim->region, scope->service, scope->region);
}

static bool compare(const struct sigv4_check *check, const struct sigv4_request *request,
                    const struct claim *claim, struct arena *arena, struct error *err)
{
    char secret[SIGV4_SECRET_MAX] = "", wanted[DIGEST_HEX_SIZE];
    const char *names = NULL;
    bool known = check->find(check->owner, claim->access_key, secret);
    const struct sigv4_credentials credentials = { .access_key = claim->access_key,
                                                   .secret_key = secret };
    struct sigv4_request whole = *request;
    const char *payload = header(request, "x-amz-content-sha256");
    if (payload) whole.payload = payload;
    if (claim->in_query) whole.payload = payload ? payload : SIGV4_UNSIGNED_PAYLOAD;
    const struct sigv4_signing signing = { .credentials = &credentials,
                                           .scope = &check->scope,
                                           .request = &whole,
                                           .time = claim->time,
                                           .signed_headers = claim->signed_headers,
                                           .without = claim->in_query ? "X-Amz-Signature" : "" };
    bool made = sigv4_signature(&signing, arena, &names, wanted, err);
    digest_cleanse(secret, sizeof secret);
    if (!made) return false;
    if (!known)
        return error_set(err, ERR_DENIED, "InvalidAccessKeyId: '%.128s' is not known here",
                         claim->access_key);
    if (text_equal(names, claim->signed_headers) && strlen(claim->signature) == sizeof wanted - 1 &&
        digest_equal(claim->signature, wanted, sizeof wanted - 1))
        return true;
    return error_set(err, ERR_DENIED,
                     "SignatureDoesNotMatch: check the secret key, and that nothing on the way "
                     "changes the request");
}

bool sigv4_verify(const struct sigv4_check *check, const struct sigv4_request *request,
                  struct arena *arena, const char **access_key, struct error *err)
{
    struct claim claim;
    if (!sigv4_within_limits(request, err)) return false;
    const char *authorization = header(request, "authorization");
    bool read = authorization ? read_header(request, authorization, arena, &claim, err)
                              : read_query(request, arena, &claim, err);
    if (!read || !check_scope(&claim, &check->scope, err) ||
        !check_time(&claim, check->now_ms, err) ||
        !check_signed_headers(&claim, request, arena, err) ||
        !compare(check, request, &claim, arena, err))
        return false;
    *access_key = claim.access_key;
    return true;
}

/* ---- the query of a request that came ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode(struct arena *arena, const char *text, size_t len, const char **out,
                   struct error *err)
{
    char *to = arena_calloc(arena, len + 1, 1);
    *out = to;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            *to++ = text[i];
            continue;
        }
        int high = len - i > 2 ? hex_digit(text[i + 1]) : -1,
            low = high < 0 ? -1 : hex_digit(text[i + 2]);
        if (low < 0 || (high == 0 && low == 0))
            return error_set(err, ERR_INVALID, "the query has a '%%' without two digits, or %%00");
        *to++ = (char)(high << 4 | low);
        i += 2;
    }
    return true;
}

bool sigv4_parse_query(const char *query, struct arena *arena, const struct sigv4_pair **pairs,
                       size_t *count, struct error *err)
{
    struct sigv4_pair *out = arena_calloc(arena, SIGV4_PAIRS_MAX, sizeof *out);
    *pairs = out;
    *count = 0;
    if (strlen(query) > SIGV4_INPUT_MAX)
        return error_set(err, ERR_INVALID, "the query is longer than %d bytes", SIGV4_INPUT_MAX);
    for (const char *at = query; *at;) {
        size_t part = strcspn(at, "&"), name = strcspn(at, "=&");
        size_t value = name < part ? name + 1 : part;
        if (part > 0 && *count == SIGV4_PAIRS_MAX)
            return error_set(err, ERR_INVALID, "the query has more than %d parameters",
                             SIGV4_PAIRS_MAX);
        if (part > 0) {
            struct sigv4_pair *pair = &out[(*count)++];
            if (!decode(arena, at, name, &pair->name, err) ||
                !decode(arena, at + value, part - value, &pair->value, err))
                return false;
        }
        at += part + (at[part] == '&');
    }
    return true;
}
