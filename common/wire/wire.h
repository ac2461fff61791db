/* wire.h - plain structures <-> protobuf bytes, and every limit of the wire.
 *
 * Decoding: admission is the caller's (link.h), then the size is compared with WIRE_FRAME_MAX,
 * then protobuf-c decodes with an allocator capped at WIRE_DECODE_MAX, then every count, length,
 * enum and text is checked, and only then the structure is filled; everything it points to lies
 * in `arena`. A message that breaks a limit is refused whole (ERR_INVALID names the field), one
 * of a protocol we do not speak too (ERR_CONFLICT names both versions). Unknown fields are
 * ignored, unknown message kinds and enum values are refused.
 * Encoding asserts the same limits: breaking one is our own mistake, never the peer's. Free texts
 * (messages, causes, summaries, log tails) are cut to theirs instead, and bytes that are not UTF-8
 * become '?'; when a whole message or record would pass WIRE_FRAME_MAX they are cut further. A
 * reply that is too large even so becomes a failure that tells the client to ask for fewer.
 */
#pragma once
#include "wire/messages.h"

enum { WIRE_PROTOCOL_MIN = 1, WIRE_PROTOCOL = 1 };

/* Appends one envelope. `out` was initialised with at least WIRE_FRAME_MAX. */
void wire_encode(const struct message *message, uint64_t sequence, struct buf *out);
NODISCARD bool wire_decode(struct bytes frame, struct arena *arena, struct message *out,
                           struct error *err);
/* What a person typed is checked before it is encoded; ERR_INVALID names the field. */
NODISCARD bool wire_request_check(const struct request *request, struct error *err);

/* The bytes that are signed (struct offer, struct signed_cancel, struct signed_resume). */
void wire_job_encode(const struct job *job, struct buf *out);
NODISCARD bool wire_job_decode(struct bytes from, struct arena *arena, struct job *out,
                               struct error *err);
void wire_cancel_encode(const struct cancel *cancel, struct buf *out);
void wire_resume_encode(const struct resume *resume, struct buf *out);
NODISCARD bool wire_resume_decode(struct bytes from, struct arena *arena, struct resume *out,
                                  struct error *err);
NODISCARD bool wire_cancel_decode(struct bytes from, struct arena *arena, struct cancel *out,
                                  struct error *err);

/* The files `spec` and `outcome` of a step. */
void wire_step_spec_encode(const struct step_spec *spec, struct buf *out);
NODISCARD bool wire_step_spec_decode(struct bytes from, struct arena *arena, struct step_spec *out,
                                     struct error *err);
void wire_step_outcome_encode(const struct step_outcome *outcome, struct buf *out);
NODISCARD bool wire_step_outcome_decode(struct bytes from, struct arena *arena,
                                        struct step_outcome *out, struct error *err);

/* Values of the store. The kind is known from the key; a newer schema is refused (ERR_CONFLICT),
 * and so is a value that is damaged or belongs under another key (ERR_CORRUPT). */
void wire_record_encode(const struct record *record, struct buf *out);
NODISCARD bool wire_record_decode(const char *key, struct bytes value, struct arena *arena,
                                  struct record *out, struct error *err);
/* Whether this is the value of an execution that has ended: read off its first members, for walks
 * over a long history. False also for what cannot be read. */
bool wire_execution_ended(struct bytes value);
/* One record as indented text, for `dump`: digests as hex, control characters escaped, signed
 * bytes as their size. Ends early when `out` is full. */
void wire_record_print(const struct record *record, struct buf *out);
/* The same of a stored value, below a line with its key. */
NODISCARD bool wire_record_dump(const char *key, struct bytes value, struct buf *out,
                                struct error *err);
