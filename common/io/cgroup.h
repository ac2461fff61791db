/* cgroup.h - groups of processes that are ended at once: cgroup v2.
 *
 * cgroup_own() tells the group in which this process may make others: ours and delegated. That is
 * what systemd has marked so (Delegate=yes sets the attribute user.delegate or trusted.delegate),
 * or the root of a cgroup namespace, which is a container's own. A group that only happens to be
 * writable belongs to somebody else, and is left alone. Then cgroup_make(), cgroup_enter() before
 * exec, cgroup_kill(): the kernel ends every process within, whatever it forks meanwhile, however
 * it has changed session, group or parent. No controllers are switched on: processes may lie in
 * inner groups, and a restarted service finds its own group as systemd needs it.
 *
 * Everything here may be impossible on a host; callers do without (ERR_NOT_FOUND, ERR_DENIED ...).
 */
#pragma once
#include "io/fs.h"

/* A step's group, and below it one for each script: "meridian-step-PID-START/script-NUMBER". Its
 * path stands in STEPDIR/cgroup. */
#define CGROUP_STEP_PREFIX "meridian-step-"

/* The group's absolute path, below the mount of the cgroup2 file system. ERR_NOT_FOUND when there
 * is no such file system, or no group that is ours to divide. */
NODISCARD bool cgroup_own(char out[FS_PATH_MAX], struct error *err);
/* The group `name` in `parent`; one that exists is as good. */
NODISCARD bool cgroup_make(const char *parent, const char *name, char out[FS_PATH_MAX],
                           struct error *err);
/* For cgroup_enter() after fork(): the descriptor of the group's list, -1 with an error. */
int cgroup_door(const char *group, struct error *err);
/* The calling process goes in; async-signal-safe. */
bool cgroup_enter(int door);

/* SIGKILL to all within, groups inside included. ERR_NOT_FOUND when there is no such group. */
NODISCARD bool cgroup_kill(const char *group, struct error *err);
/* Whether a living process is within; false also when the group is not there. */
bool cgroup_populated(const char *group);
/* Removes it with the groups directly inside; what holds a process stays. */
void cgroup_remove(const char *group);
/* Removes those groups of `parent` whose names begin so and in which nothing lives. */
void cgroup_sweep(const char *parent, const char *prefix);

/* ---- the pure parts ---- */

/* Where the cgroup2 file system is mounted, and which of its folders lies there, by the text of
 * /proc/self/mountinfo. */
NODISCARD bool cgroup_mount_parse(const char *mountinfo, char mount[FS_PATH_MAX],
                                  char root[FS_PATH_MAX], struct error *err);
/* The path of the group by the text of /proc/self/cgroup ("0::/path"). */
NODISCARD bool cgroup_path_parse(const char *text, char out[FS_PATH_MAX], struct error *err);
