/* request.h - the writes of a client, each answered in the same step.
 *
 * Who may: viewers nothing of these, approvers APPROVAL, deployers everything but APPLY and
 * APPROVAL, admins everything. RUN, APPROVAL, RETRY, ROLLBACK and RESUME are remembered by (client,
 * submission id): the same submission has the same answer for a day. APPLY, STOP and TRANSITION
 * may be repeated by nature. A refusal's cause begins with the exception that AWS has for it.
 */
#pragma once
#include "core/model.h"

void request_event(struct coordinator *c, const struct coordinator_event *event);

/* An execution of `pipeline` ("": of any) by id, unique prefix or "" for the newest; NULL with
 * ERR_NOT_FOUND or ERR_CONFLICT. */
struct model_execution *request_find(const struct coordinator *c, const char *pipeline,
                                     const char *execution, struct error *err);

/* For the requests in files of their own: one of these answers, once. */
struct reply *request_reply(struct coordinator *c, const struct coordinator_event *event);
/* Copies the texts. */
void request_refuse(struct coordinator *c, const struct coordinator_event *event,
                    enum error_code code, const char *what, const char *cause, const char *fix);
/* True when that submission was answered before: it is answered again. */
NODISCARD bool request_known(struct coordinator *c, const struct coordinator_event *event,
                             const struct id *submission);
/* It has happened, to this execution. */
void request_done(struct coordinator *c, const struct coordinator_event *event,
                  const struct id *submission, const struct id *execution);
