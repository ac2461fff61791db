/* launch.h - starts a hook's script as the right user with nothing of ours but its pipes. */
#pragma once
#include "steps/hook/script.h"

struct launch {
    pid_t pid;
    int pidfd;
    int output, errors; /* our ends of the pipes, non-blocking */
};

/* In the cgroup `group` ("" in ours). ERR_INVALID with the reason when it cannot be started as
 * asked. */
NODISCARD bool launch_script(const struct script *script, const char *group, struct launch *out,
                             struct error *err);
void launch_close(struct launch *launch);
