/* fleet.h - workers: who is enrolled, who is connected through which session, and as what.
 *
 * A session is a connection; identity is the key, which the shell has already turned into the
 * worker's name. HELLO makes a session current; messages of any other session are ignored, and
 * a heartbeat there is answered with REFUSAL "hello first". The newest session of one
 * incarnation wins. Another incarnation is refused while the present one was heard of within
 * FLEET_SILENT_MS; later it takes the name over (P10: inbox.h), and the session it replaced
 * cannot come back by a delayed message.
 */
#pragma once
#include "core/model.h"

enum { FLEET_SILENT_MS = 5000, FLEET_ALARM_MS = 60000 };

void fleet_event(struct coordinator *c, const struct coordinator_event *event);
void fleet_message(struct coordinator *c, const struct coordinator_event *event);
/* Notices who has fallen silent. */
void fleet_reconcile(struct coordinator *c);
/* Shown beside the worker for FLEET_ALARM_MS. */
void fleet_alarm(struct coordinator *c, struct model_worker *w, const char *text);
const char *fleet_alarm_of(const struct coordinator *c, const struct model_worker *w);
