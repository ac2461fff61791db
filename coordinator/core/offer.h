/* offer.h - the two signed messages: the job as it is offered now, and its cancel.
 *
 * The shell encodes, fills the grants of, and signs what these compose, at the moment of
 * sending. A repeated offer has the same attempt and fence and new times.
 */
#pragma once
#include "core/model.h"

/* Where the log of that job on that worker is kept, in the region's store. */
const char *offer_log_key(struct arena *arena, const char *pipeline, const struct id *deployment,
                          const char *worker);
void offer_send(struct coordinator *c, const struct model_job *job, const struct model_worker *w);
void offer_cancel(struct coordinator *c, const struct model_job *job, const struct model_worker *w);
