/* resource.h - applications, deployment groups and configurations are applied; alarms are raised.
 *
 * A group's hosts are found anew whenever the fleet changes; what a running deployment has taken
 * from its configuration (action_state.spare) stays as it was when it began.
 */
#pragma once
#include "core/model.h"

/* What only the other resources can tell: a configuration that nobody has applied. */
size_t resource_check(const struct coordinator *c, const struct deploy_resource *resource,
                      struct arena *arena, const struct problem **out);
/* Answers; true when the resource was kept. */
NODISCARD bool resource_apply(struct coordinator *c, const struct coordinator_event *event);
/* REQUEST_ALARM: it may be repeated by nature. */
void alarm_request(struct coordinator *c, const struct coordinator_event *event);
