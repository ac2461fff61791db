#include "core/coordinator.h"

#include <stdlib.h>

struct coordinator {
    struct coordinator_config config;
};

struct coordinator *coordinator_new(const struct coordinator_config *config)
{
    struct coordinator *coordinator = xcalloc(1, sizeof *coordinator);
    coordinator->config = *config;
    return coordinator;
}

void coordinator_free(struct coordinator *coordinator)
{
    free(coordinator);
}

void coordinator_step(struct coordinator *coordinator, const struct coordinator_event *event,
                      struct coordinator_actions *out)
{
    (void)coordinator;
    (void)event;
    (void)out;
}

uint64_t coordinator_deadline(const struct coordinator *coordinator)
{
    (void)coordinator;
    return UINT64_MAX;
}
