/* request.h - APPLY, RUN and STOP of a client, each answered in the same step.
 *
 * Who may: viewers and approvers nothing of these, deployers RUN and STOP, admins everything.
 * RUN is remembered by (client, submission id): the same submission has the same answer for
 * a day. APPLY and STOP may be repeated by nature.
 */
#pragma once
#include "core/model.h"

void request_event(struct coordinator *c, const struct coordinator_event *event);

/* An execution of `pipeline` ("": of any) by id, unique prefix or "" for the newest; NULL with
 * ERR_NOT_FOUND or ERR_CONFLICT. */
struct model_execution *request_find(const struct coordinator *c, const char *pipeline,
                                     const char *execution, struct error *err);
