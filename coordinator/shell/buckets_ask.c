/* One request to a bucket, and what S3's refusals mean: buckets_internal.h. */
#include "shell/buckets_internal.h"

#include "io/clock.h"
#include "io/xml.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <string.h>

bool bucket_request(struct buckets *b, const struct bucket *bucket,
                    const struct bucket_question *question, struct error *err)
{
    struct sigv4_credentials keys;
    const char *url = NULL;
    uint64_t now = clock_wall_ms();
    arena_reset(&b->arena);
    if (!credentials_get(&b->credentials, now, &keys, err) ||
        !s3_sign(&bucket->s3, &keys, question->operation, now, BUCKET_URL_S, &b->arena, &url,
                 err)) {
        if (b->no_credentials.code != ERR_NONE) *err = b->no_credentials;
        return false;
    }
    const struct http_request request = { .method = question->operation->method,
                                          .url = url,
                                          .headers = question->headers,
                                          .ca_file = bucket->ca_file,
                                          .body_max = question->body_max ? question->body_max
                                                                         : BUCKET_ANSWER_MAX,
                                          .digest = question->digest,
                                          .timeout_ms = BUCKET_TIMEOUT_MS,
                                          .fn = question->fn,
                                          .owner = question->owner };
    return http_start(b->http, &request, err);
}

bool bucket_skew(const struct http_answer *answer, int64_t *ahead_ms)
{
    time_t date = answer->date[0] ? curl_getdate(answer->date, NULL) : (time_t)-1;
    if (date < 0) return false;
    *ahead_ms = (int64_t)clock_wall_ms() - (int64_t)date * 1000;
    return true;
}

time_t bucket_date(const char *text)
{
    struct tm when = { 0 };
    return strptime(text, "%Y-%m-%dT%H:%M:%S", &when) ? timegm(&when) : 0;
}

/* The region that S3 names when asked for the bucket in a wrong one. */
static bool elsewhere(const struct http_answer *answer, const char *code, char *region, size_t size)
{
    if (!text_copy(region, size, answer->bucket_region)) region[0] = '\0';
    if (answer->status == 301 || answer->status == 307) return true;
    bool malformed = answer->status == 400 && text_equal(code, "AuthorizationHeaderMalformed");
    return malformed && (region[0] || xml_text(answer->body, "Region", 1, region, size));
}

bool bucket_refused(const struct bucket *bucket, const char *what, const char *permission,
                    const struct http_answer *answer, struct error *err)
{
    char code[S3_TEXT_SIZE] = "", region[S3_TEXT_SIZE] = "";
    int64_t skew_ms = 0;
    if (!bucket_skew(answer, &skew_ms)) skew_ms = 0;
    if (!xml_text(answer->body, "Code", 1, code, sizeof code)) code[0] = '\0';
    if (answer->status == 0) return error_set(err, ERR_RETRY, "%s: %s", what, answer->cause);
    if (answer->status == 403 && (skew_ms > SIGV4_SKEW_MAX_MS || skew_ms < -SIGV4_SKEW_MAX_MS))
        return error_set(
            err, ERR_DENIED,
            "%s: this host's clock is %" PRId64 " s %s S3's; set it right (timedatectl "
            "set-ntp true)",
            what, (skew_ms < 0 ? -skew_ms : skew_ms) / 1000, skew_ms < 0 ? "behind" : "ahead of");
    if (answer->status == 403)
        return error_set(err, ERR_DENIED, "%s: denied%s%s; these keys need the permission %s", what,
                         code[0] ? ": " : "", code, permission);
    if (elsewhere(answer, code, region, sizeof region))
        return error_set(err, ERR_CONFLICT, "%s: the bucket does not lie in %s%s%s", what,
                         bucket->region, region[0] ? " but in " : "", region);
    if (answer->status == 404 && text_equal(code, "NoSuchBucket"))
        return error_set(err, ERR_NOT_FOUND, "%s: there is no bucket %s", what, bucket->name);
    return error_set(err, answer->status >= 500 ? ERR_RETRY : ERR_INVALID,
                     "%s: the answer is %ld %s", what, answer->status, code);
}
