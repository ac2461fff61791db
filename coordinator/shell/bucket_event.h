/* bucket_event.h - what S3 and its relatives say of objects that changed; pure.
 *
 * One body of a POST, JSON, in any of these shapes:
 *   S3 event records     {"Records":[{"s3":{"bucket":{"name"},"object":{"key"}}}]}, also Ceph's and
 *                        MinIO's; S3's s3:TestEvent is no event and no error
 *   EventBridge          {"detail":{"bucket":{"name"},"object":{"key"}}}, and CloudTrail's
 *                        {"detail":{"requestParameters":{"bucketName","key"}}}
 *   SNS                  {"Type":"Notification","Message":"one of the above"};
 *                        {"Type":"SubscriptionConfirmation"}: `topic` and `token` say what asks
 *
 * Events are hints: which object, and nothing else is read. Keys of records are percent-encoded at
 * AWS and are not at older Cephs: where both readings differ, both are handed out. Elements of
 * another shape are passed over; a body in which there is nothing of S3 is ERR_INVALID.
 */
#pragma once
#include "base/bytes.h"

enum { BUCKET_EVENT_BODY_MAX = 1 << 20, BUCKET_EVENT_TOPIC_SIZE = 512 };

/* `bucket` and `key` are borrowed for the call, not empty, and the key fits an S3 key. */
typedef void (*bucket_event_fn)(void *owner, const char *bucket, const char *key);

struct bucket_events {
    size_t count;                        /* of records, or of one EventBridge event */
    char topic[BUCKET_EVENT_TOPIC_SIZE]; /* of a topic that asks to be confirmed; "" none does */
    char token[BUCKET_EVENT_TOPIC_SIZE];
};

NODISCARD bool bucket_event_decode(struct bytes body, bucket_event_fn fn, void *owner,
                                   struct bucket_events *out, struct error *err);
