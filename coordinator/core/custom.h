/* custom.h - actions of owner Custom: jobs for job workers of somebody's own.
 *
 *     Created      its input artifacts are on their way into the pipeline's region
 *     Queued       a poll of its type takes it: Dispatched, with a new nonce
 *     Dispatched   who acknowledges with that nonce holds it: InProgress; after
 *                  CUSTOM_DISPATCH_MS without, the next poll takes it with another nonce
 *     InProgress   its holder tells how it ended; with a continuation token it is Queued again as
 *                  another job, and the next poll is given the token
 *
 * One holder at a time, one result of each job: what comes later or from somebody else is refused
 * with AWS's exception. A job ends by its action's deadline (a day, AWS) and by a stop with
 * --abandon; one that nobody holds is given up by any stop.
 */
#pragma once
#include "core/model.h"

enum { CUSTOM_DISPATCH_MS = 60000 };

bool custom_of(const struct pipeline_action *action);
/* pipeline_check(), and what the types say that its custom actions name. */
size_t custom_check(const struct coordinator *c, const struct pipeline *pipeline,
                    struct arena *arena, const struct problem **out);
void custom_reconcile(struct coordinator *c, struct model_execution *e, size_t stage,
                      size_t action);
/* The job has ended, or is to be polled, as another one. */
void custom_end(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                enum status status, const char *code, const char *text);
void custom_queue(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                  const char *summary);
/* Before another attempt. */
void custom_forget(struct action_state *state);
/* A job worker has acknowledged it. */
bool custom_held(const struct action_state *state);

/* "CATEGORY/PROVIDER/VERSION"; NULL: nobody has applied that type, or it has no such property. */
const char *custom_type_name(const struct pipeline_action *action, struct arena *arena);
const struct custom_type *custom_type_find(const struct coordinator *c, const char *name);
const struct custom_property *custom_property_find(const struct custom_type *type,
                                                   const char *name);

/* REQUEST_CUSTOM, from who may (custom_jobs.c). */
void custom_request(struct coordinator *c, const struct coordinator_event *event);
