#include "shell/buckets_internal.h"

#include "io/clock.h"
#include "io/digest.h"
#include "io/xml.h"

#include <string.h>

const struct bucket_version *bucket_version_find(const struct bucket_object *object,
                                                 const char *version_id)
{
    size_t kept = object->count < BUCKET_VERSIONS_MAX ? object->count : BUCKET_VERSIONS_MAX;
    for (size_t i = 0; i < kept; i++)
        if (text_equal(object->versions[i].id, version_id)) return &object->versions[i];
    return NULL;
}

/* ---- the end of a look ---- */

void bucket_look_ended(struct bucket_object *object, const struct error *trouble)
{
    struct buckets *b = object->owner;
    bool told =
        trouble->code == object->trouble.code && text_equal(trouble->text, object->trouble.text);
    bool passing = trouble->code == ERR_NONE || trouble->code == ERR_NOT_FOUND;
    if (!told && !passing)
        log_event(b->log, LOG_WARNING, "a source cannot be read", "store", object->bucket->name,
                  "key", object->key, "cause", trouble->text, NULL);
    object->busy = false;
    if (object->named) {
        if (trouble->code == ERR_NOT_FOUND) {
            bucket_chain_drop(object, object->looked);
            memcpy(object->missing, object->looked, sizeof object->missing);
        }
        /* Somebody may have named another one meanwhile. */
        if (text_equal(object->wanted, object->looked) &&
            !text_copy(object->wanted, sizeof object->wanted, bucket_chain_ahead(object)))
            object->wanted[0] = '\0';
        object->named = false;
        object->due_ms = clock_boot_ms();
        b->news++;
    } else {
        object->due_ms = clock_boot_ms() +
                         (trouble->code == ERR_CONFLICT ? BUCKET_VERSIONING_MS : BUCKETS_POLL_MS);
        if (object->hinted) object->due_ms = clock_boot_ms();
        if (trouble->code == ERR_NOT_FOUND && object->newest) {
            object->newest = 0;
            b->news++;
        }
        object->trouble = *trouble;
    }
}

static void look_failed(struct bucket_object *object, enum error_code code, const char *cause)
{
    struct error err = { 0 };
    (void)error_set(&err, code, "%s", cause);
    bucket_look_ended(object, &err);
}

static void refused(struct bucket_object *object, const char *what,
                    const struct http_answer *answer)
{
    struct error err = { 0 };
    bool versioning = text_equal(what, "GetBucketVersioning");
    bool ignored = bucket_refused(
        object->bucket, what,
        versioning ? "s3:GetBucketVersioning" : "s3:GetObject, s3:GetObjectVersion", answer, &err);
    (void)ignored;
    /* Only the state of an object is told as missing or in conflict. */
    if (err.code == ERR_NOT_FOUND || err.code == ERR_CONFLICT) err.code = ERR_INVALID;
    bucket_look_ended(object, &err);
}

static void head_seen(struct bucket_object *object, const char *id)
{
    struct bucket_chain *chain = &object->chain;
    if (!text_copy(chain->head, sizeof chain->head, id)) chain->head[0] = '\0';
}

static void version_seen(struct bucket_object *object, const struct bucket_version *version)
{
    const struct error none = { 0 };
    const struct bucket_version *known = bucket_version_find(object, version->id);
    /* The newest stays when the ring comes round. */
    if (!known && object->newest == object->count % BUCKET_VERSIONS_MAX + 1) object->count++;
    size_t place = known ? (size_t)(known - object->versions) : object->count % BUCKET_VERSIONS_MAX;
    if (!known) {
        object->versions[place] = *version;
        object->count++;
    }
    if (!object->named && object->newest != place + 1) {
        object->newest = place + 1;
        object->owner->news++;
    }
    if (!object->named) head_seen(object, version->id);
    bucket_look_ended(object, &none);
}

/* ---- requests ---- */

static void ask(struct bucket_object *object, const struct s3_operation *operation, bool digest,
                http_fn fn)
{
    struct error err = { 0 };
    const struct bucket_question question = {
        .operation = operation, .digest = digest, .fn = fn, .owner = object
    };
    if (!bucket_request(object->owner, object->bucket, &question, &err))
        bucket_look_ended(object, &err);
}

static void on_object_read(void *owner, const struct http_answer *answer)
{
    struct bucket_object *object = owner;
    if (answer->status != 200 || answer->cause[0]) {
        refused(object, "GetObject", answer);
        return;
    }
    memcpy(object->found.sha256, answer->digest, SHA256_SIZE);
    object->found.size = answer->size;
    version_seen(object, &object->found);
}

static struct s3_operation operation_on(const struct bucket_object *object, const char *method,
                                        const char *version_id)
{
    return (struct s3_operation){ .method = method,
                                  .key = object->key,
                                  .version_id = version_id,
                                  .subresource = "",
                                  .sha256 = "",
                                  .summary = "" };
}

static void on_head(void *owner, const struct http_answer *answer)
{
    struct bucket_object *object = owner;
    struct bucket_version *found = &object->found;
    /* 405: the newest is a delete marker and was named. */
    if (answer->status == 404 || answer->status == 405) {
        if (!object->named && !text_equal(object->chain.head, answer->version_id)) {
            if (object->newest)
                log_event(object->owner->log, LOG_INFO, "a source object was deleted", "store",
                          object->bucket->name, "key", object->key, "marker", answer->version_id,
                          NULL);
            head_seen(object, answer->version_id);
            object->owner->news++;
        }
        look_failed(object, ERR_NOT_FOUND, "the object is deleted, or was never put");
        return;
    }
    if (answer->status != 200) {
        refused(object, "HeadObject", answer);
        return;
    }
    *found = (struct bucket_version){ .size = answer->size };
    if (!answer->version_id[0] || text_equal(answer->version_id, "null") ||
        !text_copy(found->id, sizeof found->id, answer->version_id)) {
        look_failed(object, ERR_INVALID,
                    "the object has no version: it was put before the bucket was versioned; put "
                    "it again");
        return;
    }
    if (!text_copy(found->etag, sizeof found->etag, answer->etag)) found->etag[0] = '\0';
    if (!s3_summary_fits(answer->summary) ||
        !text_copy(found->summary, sizeof found->summary, answer->summary))
        found->summary[0] = '\0';
    if (bucket_version_find(object, found->id) ||
        hex_parse(answer->sha256, found->sha256, SHA256_SIZE)) {
        version_seen(object, found);
        return;
    }
    const struct s3_operation get = operation_on(object, "GET", found->id);
    ask(object, &get, true, on_object_read);
}

static void on_versioning(void *owner, const struct http_answer *answer)
{
    struct bucket_object *object = owner;
    struct error err = { 0 };
    char state[S3_TEXT_SIZE];
    if (answer->status != 200) {
        refused(object, "GetBucketVersioning", answer);
        return;
    }
    object->bucket->versioned =
        xml_text(answer->body, "Status", 1, state, sizeof state) && text_equal(state, "Enabled");
    if (object->bucket->versioned) {
        bucket_look(object);
        return;
    }
    (void)error_set(&err, ERR_CONFLICT,
                    "the bucket is not versioned: aws s3api put-bucket-versioning --bucket %s "
                    "--versioning-configuration Status=Enabled",
                    object->bucket->name);
    bucket_look_ended(object, &err);
}

void bucket_look(struct bucket_object *object)
{
    struct s3_operation operation = operation_on(object, "HEAD", "");
    object->busy = true;
    if (!object->bucket->versioned) {
        object->hinted = false;
        operation.method = "GET";
        operation.key = "";
        operation.subresource = "versioning";
        ask(object, &operation, false, on_versioning);
        return;
    }
    object->named = object->wanted[0] != '\0';
    if (!object->named && bucket_chain_look(object)) return;
    if (!object->named) object->hinted = false;
    memcpy(object->looked, object->wanted, sizeof object->looked);
    operation.version_id = object->looked;
    ask(object, &operation, false, on_head);
}
