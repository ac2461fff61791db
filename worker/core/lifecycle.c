#include "core/lifecycle.h"

#include <assert.h>

static const struct lifecycle_row lifecycle[] = {
    /* kind, event, step, repeatable, when, scripts */
    { JOB_DEPLOY, EVENT_BEFORE_BLOCK_TRAFFIC, STEP_HOOK, false, WITH_TRAFFIC,
      SCRIPTS_LAST_SUCCESSFUL },
    { JOB_DEPLOY, EVENT_AFTER_BLOCK_TRAFFIC, STEP_HOOK, false, WITH_TRAFFIC,
      SCRIPTS_LAST_SUCCESSFUL },
    { JOB_DEPLOY, EVENT_APPLICATION_STOP, STEP_HOOK, false, ALWAYS, SCRIPTS_LAST_SUCCESSFUL },
    { JOB_DEPLOY, EVENT_DOWNLOAD_BUNDLE, STEP_DOWNLOAD, true, ALWAYS, SCRIPTS_NONE },
    { JOB_DEPLOY, EVENT_BEFORE_INSTALL, STEP_HOOK, false, ALWAYS, SCRIPTS_CURRENT },
    { JOB_DEPLOY, EVENT_INSTALL, STEP_INSTALL, true, ALWAYS, SCRIPTS_NONE },
    { JOB_DEPLOY, EVENT_AFTER_INSTALL, STEP_HOOK, false, ALWAYS, SCRIPTS_CURRENT },
    { JOB_DEPLOY, EVENT_APPLICATION_START, STEP_HOOK, false, ALWAYS, SCRIPTS_CURRENT },
    { JOB_DEPLOY, EVENT_VALIDATE_SERVICE, STEP_HOOK, false, ALWAYS, SCRIPTS_CURRENT },
    { JOB_DEPLOY, EVENT_BEFORE_ALLOW_TRAFFIC, STEP_HOOK, false, WITH_TRAFFIC, SCRIPTS_CURRENT },
    { JOB_DEPLOY, EVENT_AFTER_ALLOW_TRAFFIC, STEP_HOOK, false, WITH_TRAFFIC, SCRIPTS_CURRENT },
    { JOB_DEPLOY, EVENT_RESTORE, STEP_UNDO, true, AFTER_FAILURE, SCRIPTS_NONE },
    { JOB_REPLICATE, EVENT_REPLICATE, STEP_REPLICATE, true, ALWAYS, SCRIPTS_NONE },
    { JOB_BUILD, EVENT_BUILD, STEP_BUILD, true, ALWAYS, SCRIPTS_NONE }, /* its workspace is new */
    { JOB_DELTA, EVENT_DELTA, STEP_DELTA, true, ALWAYS, SCRIPTS_NONE },
};

enum { LIFECYCLE_ROWS = sizeof lifecycle / sizeof lifecycle[0] };

const struct lifecycle_row *lifecycle_find(enum job_kind kind, enum lifecycle_event event)
{
    for (size_t i = 0; i < LIFECYCLE_ROWS; i++)
        if (lifecycle[i].kind == kind && lifecycle[i].event == event) return &lifecycle[i];
    return NULL;
}

size_t lifecycle_plan(enum job_kind kind, bool traffic, enum lifecycle_event out[WIRE_EVENTS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < LIFECYCLE_ROWS; i++) {
        if (lifecycle[i].kind != kind) continue;
        if (lifecycle[i].when == AFTER_FAILURE) continue;
        if (lifecycle[i].when == WITH_TRAFFIC && !traffic) continue;
        assert(count < WIRE_EVENTS_MAX);
        out[count++] = lifecycle[i].event;
    }
    return count;
}
