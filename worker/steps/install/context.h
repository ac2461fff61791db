/* context.h - SELinux file contexts by semanage(8) and restorecon(8), as the agent sets them. */
#pragma once
#include "bundle/appspec.h"

NODISCARD bool context_set(const struct appspec_context *context, const char *path,
                           struct error *err);
/* A rule that is not there any more is fine. */
void context_remove(const char *path);
