/* edits.h - a value told by the one before it.
 *
 * Edits are steps: so many bytes of the old value are kept, so many dropped, and so many new ones
 * put in, each number as protobuf writes its own; what is left of the old value is dropped. They
 * know nothing of what the bytes mean, so what a log holds can be read by every later version.
 * Found by comparing the two side by side, which suits values that are the same record with a few
 * members changed: the work for one place is bounded, and whatever is too different is put in
 * whole.
 */
#pragma once
#include "base/bytes.h"

enum { EDITS_OVERHEAD = 48 };

/* Appends at most new.len + EDITS_OVERHEAD bytes, for which `out` has room. */
void edits_make(struct bytes old, struct bytes new, struct buf *out);
/* Appends the new value; ERR_CORRUPT when these are no edits of `old`, or more than `out` holds. */
NODISCARD bool edits_apply(struct bytes old, struct bytes edits, struct buf *out,
                           struct error *err);
/* Of both values: tells a mistake or damage from what was meant; it is no secret. */
uint64_t edits_digest(struct bytes old, struct bytes new);
