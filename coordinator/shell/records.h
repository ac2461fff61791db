/* records.h - the coordinator's records in its LMDB store.
 *
 * At start records_load() hands out what the core needs to go on: everything that is live, and of
 * what has ended the newest few; older executions stay in the store and are read from it by
 * records_history() and records_execution(). In a turn records_write() puts all PUTs and DELETEs
 * of the actions into one transaction, with what they add to the logs of executions (turn_log.h),
 * and commits it: true means durable.
 *
 * Ownership: records lie in the given arena; parsed definitions belong to whoever steps the core
 * with them (it takes them). Errors: those of store.h; ERR_CONFLICT for a newer schema.
 */
#pragma once
#include "core/coordinator.h"
#include "io/store.h"

enum {
    RECORDS_LOAD_MAX = 1 << 30, /* bytes that a start may take */
    RECORDS_HISTORY_MAX = 100   /* executions on a page of history */
};

/* Checks the store first; a damaged one is refused with what to do. */
NODISCARD bool records_open(const char *path, struct store **out, struct error *err);
NODISCARD bool records_load(struct store *store, uint32_t history_max, struct arena *arena,
                            const struct record **records, size_t *count, struct error *err);
NODISCARD bool records_write(struct store *store, const struct coordinator_actions *actions,
                             uint64_t now_ms, struct error *err);

/* Newest first, at most `max`, older than `before` ("" from the newest). */
NODISCARD bool records_history(struct store *store, const char *pipeline, const char *before,
                               size_t max, struct arena *arena, const struct execution_view **out,
                               size_t *count, struct error *err);
/* By id or unique prefix; `pipeline` may be "". ERR_NOT_FOUND, ERR_CONFLICT (ambiguous). */
NODISCARD bool records_execution(struct store *store, const char *pipeline, const char *execution,
                                 struct arena *arena, struct execution_view *out,
                                 struct error *err);
/* Events after `after`, filtered, at most `max`; *seen is the greatest number looked at. */
NODISCARD bool records_events(struct store *store, const struct events_request *request,
                              struct arena *arena, const struct event_record **out, size_t *count,
                              uint64_t *seen, struct error *err);
/* How many events after that number are older than what the store keeps. */
NODISCARD bool records_events_dropped(struct store *store, uint64_t after, uint64_t *dropped,
                                      struct error *err);
