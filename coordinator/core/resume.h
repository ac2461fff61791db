/* resume.h - deployments whose host was interrupted in a hook, and the operator's word for them.
 *
 * A worker tells of it until it is acknowledged; the journal then holds which run it was, and the
 * job shows it as its cause. REQUEST_RESUME puts the operator's word into the journal; dispatch
 * sends it, signed, until the worker says that it was obeyed. A stop ends such a job, and the
 * action's deadline goes on counting. An attempt that is given anew forgets it. See
 * wire/resume_messages.h for the dialogue.
 */
#pragma once
#include "core/model.h"

/* It stands still until the operator speaks. */
bool resume_held(const struct model_job *job); /* prepared, waits for the others (barrier.h) */
/* It is held, and the barrier is open. */
void resume_go_on(struct coordinator *c, struct model_job *job);
bool resume_waits(const struct model_job *job);
/* The operator has spoken, and the worker has not confirmed it yet: send. */
bool resume_due(const struct model_job *job);
/* What to show while one of these is true; "" otherwise. */
const char *resume_cause(const struct coordinator *c, const struct model_job *job);

void resume_send(struct coordinator *c, const struct model_job *job, const struct model_worker *w);
void resume_interrupted(struct coordinator *c, struct model_worker *w,
                        const struct interrupted *message);
void resume_obeyed(struct coordinator *c, struct model_worker *w, const struct step_key *at);
void resume_request(struct coordinator *c, const struct coordinator_event *event);
