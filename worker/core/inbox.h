/* inbox.h - what the coordinator says: offers, cancels, drops, acknowledgements.
 *
 * An offer is checked in the order of protocol.md: signature, a row that is already held (its
 * state is the answer, whatever happened to epochs and clocks since), epoch, audience, expiry,
 * fence, room. Accepting is one commit of row, fence and epoch; the answer follows it.
 *
 * A cancel that overtakes its offer raises the target's fence, which makes the late offer stale,
 * and is answered with a result of status Stopped. Pure.
 */
#pragma once
#include "core/model.h"

void inbox_message(struct worker *w, const struct message *message, struct worker_actions *out);
/* deploy-local: the row of a job that nobody signed; no events means all, traffic included. */
void inbox_local_job(struct worker *w, const struct worker_event *event,
                     struct worker_actions *out);
