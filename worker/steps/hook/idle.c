#include "steps/hook/idle.h"

#include "bundle/appspec.h"

_Static_assert(LIFECYCLE_EVENT_COUNT <= 64, "a bit for each event");

uint64_t idle_events(const struct step *step)
{
    const char *name = step->spec->appspec_filename;
    struct appspec *appspec AUTO(appspec_free_at) = NULL;
    struct error ignored;
    uint64_t idle = 0;
    if (!appspec_load(step->host.archive, name[0] ? name : NULL, &appspec, &ignored)) return 0;
    for (unsigned i = 0; i < LIFECYCLE_EVENT_COUNT; i++) {
        const struct appspec_hook *hook =
            appspec_hook(appspec, lifecycle_event_name((enum lifecycle_event)i));
        if (!hook || hook->script_count == 0) idle |= UINT64_C(1) << i;
    }
    return idle;
}
