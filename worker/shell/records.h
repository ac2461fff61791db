/* records.h - the worker's records in its LMDB store.
 *
 * Ownership: records lie in the given arena. A row's job is decoded from the bytes that were
 * signed; a row whose bytes cannot be read any more comes with job NULL, and the core reports it.
 */
#pragma once
#include "core/worker.h"
#include "io/store.h"

enum { RECORDS_LOAD_MAX = 64 << 20 };

NODISCARD bool records_load(struct store *store, struct arena *arena, const struct record **records,
                            size_t *count, struct error *err);
/* All PUTs and DELETEs in one transaction: true means durable. */
NODISCARD bool records_write(struct store *store, const struct worker_actions *actions,
                             struct error *err);
