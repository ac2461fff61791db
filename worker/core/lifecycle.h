/* lifecycle.h - THE table of what a job does, event by event.
 *
 * A new lifecycle event is a name in wire/names.h and a row here: nothing else in the core knows
 * events by name, except that Install is what makes a deployment "last successful" and that Restore
 * follows a failure. Failures of what runs the old revision's scripts may be ignored. Source:
 * worker.md sections 1 and 5, protocol.md "Which steps may repeat".
 */
#pragma once
#include "wire/messages.h"

enum script_root {
    SCRIPTS_NONE,           /* the event runs no script */
    SCRIPTS_CURRENT,        /* of this deployment's revision */
    SCRIPTS_LAST_SUCCESSFUL /* of the revision that is installed, while the new one is absent */
};

enum lifecycle_when {
    ALWAYS,
    WITH_TRAFFIC, /* part of a deployment only when a load balancer is controlled */
    AFTER_FAILURE /* never planned: appended when it is needed (restore.h) */
};

struct lifecycle_row {
    enum job_kind kind;
    enum lifecycle_event event;
    enum step_kind step;
    bool repeatable; /* may be begun again although it had begun and was interrupted */
    enum lifecycle_when when;
    enum script_root scripts;
};

/* NULL when jobs of this kind have no such step on the host. */
const struct lifecycle_row *lifecycle_find(enum job_kind kind, enum lifecycle_event event);

/* The events of a whole job, in order; returns how many. */
size_t lifecycle_plan(enum job_kind kind, bool traffic, enum lifecycle_event out[WIRE_EVENTS_MAX]);
