/* group.h - the cgroups of a step and of its scripts, where a cgroup is delegated to us.
 *
 *     OWN/meridian-step-PID-START/            the step itself; the path stands in STEPDIR/cgroup
 *     OWN/meridian-step-PID-START/script-N    what script N has started
 *
 * They make sure of what tree.h does as well as it can: to look for processes in /proc and to kill
 * them one by one never ends a script that forks faster. A daemon that a script has rightly left
 * running stays in its group for as long as it lives; empty groups are removed by the worker.
 */
#pragma once
#include "io/cgroup.h"
#include "steps/step.h"

/* The step goes into a group of its own: step->group, "" when there is none to be had. */
void group_enter(struct step *step);
/* That of a script, made; false when the step has none. */
NODISCARD bool group_of_script(const struct step *step, unsigned long number,
                               char out[FS_PATH_MAX]);
/* Kills what script `number` of the step in `folder` has left in its group; true when something
 * lived. Only for a step of this boot. */
bool group_end_orphans(const char *folder, unsigned long number);
