/* commands.h - actions and rules of provider Commands: builds whose buildspec the definition holds.
 *
 * Their job is a JOB_BUILD (build.h) that brings its buildspec along, so that the worker reads and
 * runs one kind of plan only. Values of variables reach commands through the environment, never as
 * part of their text: what an execution was given cannot become a command.
 */
#pragma once
#include "core/check.h"

bool commands_of(const struct pipeline_action *action);
/* The text of job.buildspec; "" for an action of another provider. */
const char *commands_buildspec(const struct pipeline_action *action, struct arena *arena);
/* The rules of its commands, variables and files; `path` is the action's or the rule's. */
void commands_check(struct findings *f, const struct pipeline_action *action, const char *path);
