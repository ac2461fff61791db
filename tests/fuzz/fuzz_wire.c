/* fuzz_wire - any frame: refused, or understood so well that what is encoded again means the same.
 * The first byte chooses what the rest is decoded as: a frame, or what is signed or lies in files.
 */
#include "wire/wire.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KINDS = 6, BUF_MAX = 2 * WIRE_FRAME_MAX };

struct decoded {
    struct message message;
    struct job job;
    struct cancel cancel;
    struct resume resume;
    struct step_spec spec;
    struct step_outcome outcome;
};

static bool decode(uint8_t kind, struct bytes from, struct arena *arena, struct decoded *out,
                   struct error *err)
{
    switch (kind) {
    case 0: return wire_decode(from, arena, &out->message, err);
    case 1: return wire_job_decode(from, arena, &out->job, err);
    case 2: return wire_cancel_decode(from, arena, &out->cancel, err);
    case 3: return wire_step_spec_decode(from, arena, &out->spec, err);
    case 4: return wire_step_outcome_decode(from, arena, &out->outcome, err);
    default: return wire_resume_decode(from, arena, &out->resume, err);
    }
}

static void encode(uint8_t kind, const struct decoded *in, struct buf *out)
{
    switch (kind) {
    case 0: wire_encode(&in->message, 0, out); break;
    case 1: wire_job_encode(&in->job, out); break;
    case 2: wire_cancel_encode(&in->cancel, out); break;
    case 3: wire_step_spec_encode(&in->spec, out); break;
    case 4: wire_step_outcome_encode(&in->outcome, out); break;
    default: wire_resume_encode(&in->resume, out); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    uint8_t kind = data[0] % KINDS;
    struct error err = { 0 };
    struct decoded first, second;
    AUTO(arena_deinit) struct arena arena;
    AUTO(buf_deinit) struct buf once;
    AUTO(buf_deinit) struct buf twice;
    arena_init(&arena, (size_t)4 * WIRE_DECODE_MAX);
    buf_init(&once, BUF_MAX);
    buf_init(&twice, BUF_MAX);
    if (!decode(kind, bytes_of(data + 1, size - 1), &arena, &first, &err)) {
        assert(err.code == ERR_INVALID || err.code == ERR_CONFLICT);
        assert(err.text[0] != '\0');
        return 0;
    }
    encode(kind, &first, &once);
    bool again = decode(kind, buf_bytes(&once), &arena, &second, &err);
    assert(again);
    encode(kind, &second, &twice);
    assert(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
    return 0;
}
