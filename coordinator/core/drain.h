/* drain.h - workers that an operator takes out of work, and puts back.
 *
 * A drained worker ends what it was given and is given nothing new. A deployment that needs its
 * host waits and says so: a host that was left out would keep its old revision without anybody
 * having been told. Copies and builds go to other workers. Durable (RECORD_WORKER).
 */
#pragma once
#include "core/model.h"

/* REQUEST_DRAIN, from who may. It may be repeated by nature. */
void drain_request(struct coordinator *c, const struct coordinator_event *event);
void drain_load(struct model_worker *w, const struct worker_record *record);
/* Why the worker gets no new job, in the actions' arena; "" when it does. */
const char *drain_cause(struct coordinator *c, const struct model_worker *w);
