/* idle.h - which events of the present revision have nothing to run.
 *
 * Every step of a deployment says it in its outcome, as the revision is when the step ends: a
 * script may have changed it. So the worker's core, which must not read an appspec, can pass over
 * such an event without a process.
 */
#pragma once
#include "steps/step.h"

/* Bit N is the lifecycle event N. 0 where no appspec can be read: the event's own step tells why.
 */
uint64_t idle_events(const struct step *step);
