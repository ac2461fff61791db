#include "shell/bucket_event.h"

#include "io/s3.h"

#include <jansson.h>
#include <string.h>

struct reading {
    bucket_event_fn fn;
    void *owner;
    struct bucket_events *out;
};

static void json_end(json_t **value)
{
    json_decref(*value);
}

/* "" where there is no such text. */
static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static void hand_out(const struct reading *r, const char *bucket, const char *key, bool encoded)
{
    char decoded[S3_KEY_MAX + 1];
    if (!bucket[0] || !key[0]) return;
    r->out->count++;
    if (strlen(key) <= S3_KEY_MAX) r->fn(r->owner, bucket, key);
    if (encoded && s3_key_decode(key, decoded) && !text_equal(decoded, key))
        r->fn(r->owner, bucket, decoded);
}

static void records_read(const struct reading *r, const json_t *records)
{
    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *s3 = json_object_get(json_array_get(records, i), "s3");
        hand_out(r, text_at(json_object_get(s3, "bucket"), "name"),
                 text_at(json_object_get(s3, "object"), "key"), true);
    }
}

static void detail_read(const struct reading *r, const json_t *detail)
{
    const json_t *call = json_object_get(detail, "requestParameters");
    hand_out(r, text_at(json_object_get(detail, "bucket"), "name"),
             text_at(json_object_get(detail, "object"), "key"), false);
    hand_out(r, text_at(call, "bucketName"), text_at(call, "key"), false);
}

NODISCARD static bool event_read(const struct reading *r, const json_t *event, struct error *err)
{
    const json_t *records = json_object_get(event, "Records");
    const json_t *detail = json_object_get(event, "detail");
    records_read(r, records);
    detail_read(r, detail);
    if (json_is_array(records) || json_is_object(detail) ||
        text_equal(text_at(event, "Event"), "s3:TestEvent"))
        return true;
    return error_set(err, ERR_INVALID, "the body has no Records, no detail and no Message of S3");
}

NODISCARD static bool load(struct bytes body, json_t **out, struct error *err)
{
    json_error_t why;
    *out = json_loadb((const char *)body.data, body.len, 0, &why);
    return *out ||
           error_set(err, ERR_INVALID, "the body is no JSON: line %d: %s", why.line, why.text);
}

NODISCARD static bool confirmation_read(const json_t *envelope, struct bucket_events *out,
                                        struct error *err)
{
    const char *topic = text_at(envelope, "TopicArn"), *token = text_at(envelope, "Token");
    if (topic[0] && token[0] && text_copy(out->topic, sizeof out->topic, topic) &&
        text_copy(out->token, sizeof out->token, token))
        return true;
    out->topic[0] = out->token[0] = '\0';
    return error_set(err, ERR_INVALID, "a SubscriptionConfirmation without TopicArn and Token");
}

bool bucket_event_decode(struct bytes body, bucket_event_fn fn, void *owner,
                         struct bucket_events *out, struct error *err)
{
    const struct reading reading = { fn, owner, out };
    AUTO(json_end) json_t *event = NULL;
    AUTO(json_end) json_t *message = NULL;
    *out = (struct bucket_events){ .count = 0 };
    if (body.len > BUCKET_EVENT_BODY_MAX)
        return error_set(err, ERR_INVALID, "the body has more than %d bytes",
                         BUCKET_EVENT_BODY_MAX);
    if (!load(body, &event, err)) return false;
    const char *type = text_at(event, "Type");
    if (text_equal(type, "SubscriptionConfirmation")) return confirmation_read(event, out, err);
    if (!text_equal(type, "Notification")) return event_read(&reading, event, err);
    const char *text = text_at(event, "Message");
    if (!load(bytes_of(text, strlen(text)), &message, err))
        return error_wrap(err, "the Message of SNS");
    return event_read(&reading, message, err);
}
