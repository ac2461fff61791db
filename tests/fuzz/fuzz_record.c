/* fuzz_record - any value of the store under any key: refused, or it encodes to something that
 * reads and prints the same. The input is the key, a NUL, the value.
 */
#include "wire/wire.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is printed is for terminals: lines of UTF-8 without any other control character. */
static void check_print(const struct record *record, struct buf *out)
{
    wire_record_print(record, out);
    for (size_t i = 0; i < out->len; i++) {
        assert(out->data[i] >= 0x20 || out->data[i] == '\n');
        assert(out->data[i] != 0x7f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
    if (!end) return 0;
    const char *key = (const char *)data;
    struct bytes value = bytes_of(end + 1, size - (size_t)(end + 1 - data));
    struct error err = { 0 };
    struct record first, second;
    AUTO(arena_deinit) struct arena arena;
    AUTO(buf_deinit) struct buf encoded;
    AUTO(buf_deinit) struct buf once;
    AUTO(buf_deinit) struct buf twice;
    arena_init(&arena, (size_t)4 * WIRE_DECODE_MAX);
    buf_init(&encoded, (size_t)2 * WIRE_FRAME_MAX);
    buf_init(&once, (size_t)16 * WIRE_FRAME_MAX);
    buf_init(&twice, (size_t)16 * WIRE_FRAME_MAX);
    if (!wire_record_decode(key, value, &arena, &first, &err)) {
        assert(err.code == ERR_CORRUPT || err.code == ERR_CONFLICT);
        return 0;
    }
    if (first.kind == RECORD_JOB) first.job.done = first.job.total = 0; /* are not stored */
    wire_record_encode(&first, &encoded);
    bool again = wire_record_decode(key, buf_bytes(&encoded), &arena, &second, &err);
    assert(again);
    bool ended = first.kind == RECORD_EXECUTION && status_ended(first.execution.status);
    assert(wire_execution_ended(buf_bytes(&encoded)) == ended);
    check_print(&first, &once);
    check_print(&second, &twice);
    assert(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
    return 0;
}
