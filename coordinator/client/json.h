/* json.h - replies as JSON: AWS's field names where AWS has them, in camelCase.
 *
 * Times are RFC 3339 in UTC with milliseconds; a field that has no value is left out. One document
 * a call, indented, unless `line` asks for one line (NDJSON). What is no UTF-8 becomes U+FFFD.
 */
#pragma once
#include "bundle/appspec.h"
#include "client/print.h"
#include "io/keys.h"

void json_failure(struct print *out, const char *code, uint64_t token,
                  const struct failure *failure);
/* The first execution of a STATUS reply, with the doors of its pipeline. */
void json_status(struct print *out, const struct reply *reply);
void json_execution(struct print *out, const struct execution_view *view);
void json_history(struct print *out, const struct reply *reply);
void json_list(struct print *out, const struct reply *reply);
void json_workers(struct print *out, const struct reply *reply);
void json_event(struct print *out, const struct event_record *event, bool line);
void json_apply(struct print *out, const struct reply *reply, const char *file, bool dry_run,
                bool line);
void json_bundle(struct print *out, const char *path, const struct appspec_problems *found,
                 bool line);
void json_push(struct print *out, const struct push_request *push, const char *version);
void json_log(struct print *out, const struct logs_request *what, struct bytes data, bool line);
void json_progress(struct print *out, uint64_t done, uint64_t total);

void json_keys(struct print *out, const struct keys_registry *registry);
/* A small flat object: names and texts in turn, ended by a NULL name; a NULL text is left out. */
void json_pairs(struct print *out, const char *const *pairs);
