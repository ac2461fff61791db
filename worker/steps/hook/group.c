#include "steps/hook/group.h"

#include "io/proc.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_SIZE = 64, TRIES = 3 };

/* A sweep of the worker may remove the group before we are in it: hence the tries. */
static bool make_and_enter(const char *own, const char *name, char group[FS_PATH_MAX])
{
    struct error ignored;
    for (int i = 0; i < TRIES; i++) {
        if (!cgroup_make(own, name, group, &ignored)) return false;
        AUTO(auto_close) int door = cgroup_door(group, &ignored);
        if (door >= 0 && cgroup_enter(door)) return true;
    }
    return false;
}

void group_enter(struct step *step)
{
    char own[FS_PATH_MAX], name[NAME_SIZE], path[FS_PATH_MAX];
    struct error ignored;
    struct proc_identity self;
    step->group[0] = '\0';
    if (!cgroup_own(own, &ignored) || !proc_identify(getpid(), &self, &ignored)) return;
    snprintf(name, sizeof name, CGROUP_STEP_PREFIX "%d-%llu", (int)self.pid,
             (unsigned long long)self.start_time);
    char group[FS_PATH_MAX];
    if (!make_and_enter(own, name, group)) return;
    if (!fs_join(path, step->folder, "cgroup", &ignored) ||
        !fs_write_atomic(path, bytes_of_text(group), 0644, &ignored))
        return;
    memcpy(step->group, group, sizeof step->group);
}

NODISCARD static bool script_name(unsigned long number, char out[NAME_SIZE])
{
    int len = snprintf(out, NAME_SIZE, "script-%lu", number);
    return len > 0 && len < NAME_SIZE;
}

bool group_of_script(const struct step *step, unsigned long number, char out[FS_PATH_MAX])
{
    char name[NAME_SIZE];
    struct error ignored;
    return step->group[0] && script_name(number, name) &&
           cgroup_make(step->group, name, out, &ignored);
}

bool group_end_orphans(const char *folder, unsigned long number)
{
    char path[FS_PATH_MAX], group[FS_PATH_MAX], name[NAME_SIZE];
    struct error ignored;
    struct buf text AUTO(buf_deinit) = { .max = 0 };
    buf_init(&text, FS_PATH_MAX);
    if (!fs_join(path, folder, "cgroup", &ignored) || !fs_read_file(path, &text, &ignored) ||
        !buf_append(&text, "", 1, &ignored) || !script_name(number, name) ||
        !fs_join(group, (const char *)text.data, name, &ignored) || !cgroup_populated(group))
        return false;
    return cgroup_kill(group, &ignored);
}
