/* transition.h - the doors between stages: enabled or disabled, by whom and why.
 *
 * A disabled one lets no execution into its stage; what is in the stage goes on. Only the doors
 * that somebody has touched are remembered (RECORD_TRANSITION).
 */
#pragma once
#include "core/model.h"

/* REQUEST_TRANSITION, from who may. */
void transition_request(struct coordinator *c, const struct coordinator_event *event);
