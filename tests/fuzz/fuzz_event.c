/* What comes to the coordinator as events of S3. */
#include "io/s3.h"
#include "shell/bucket_event.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_event(void *owner, const char *bucket, const char *key)
{
    size_t *handed = owner;
    assert(bucket[0]);
    assert(key[0]);
    assert(strlen(key) <= S3_KEY_MAX);
    ++*handed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bucket_events events;
    struct error err = { 0 };
    size_t handed = 0;
    if (!bucket_event_decode(bytes_of(data, size), on_event, &handed, &events, &err)) {
        assert(err.code == ERR_INVALID);
        assert(!events.topic[0]);
        assert(handed == 0);
        return 0;
    }
    assert(handed <= 2 * events.count);
    assert(!events.topic[0] == !events.token[0]);
    return 0;
}
