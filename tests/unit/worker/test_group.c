/* Scripts in cgroups of their own, where this host has a cgroup v2 to write in: this program lies
 * in a delegated group that it makes for itself. */
#include "place.h"

#include "io/cgroup.h"
#include "io/clock.h"
#include "io/proc.h"
#include "steps/hook/group.h"
#include "steps/hook/hook.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define HEAD "version: 0.0\nos: linux\nhooks:\n"

enum { WAIT_MS = 20000 };

struct ground {
    char before[FS_PATH_MAX]; /* the group that we came from; "" when there is none to make */
    char top[FS_PATH_MAX];
    struct place p;
};

static bool enter(const char *group)
{
    struct error err = { 0 };
    AUTO(auto_close) int door = cgroup_door(group, &err);
    return door >= 0 && cgroup_enter(door);
}

/* Ours at present, delegated or not. */
static bool present_group(char mount[FS_PATH_MAX], char out[FS_PATH_MAX], struct error *err)
{
    char root[FS_PATH_MAX], path[FS_PATH_MAX];
    struct buf mounts AUTO(buf_deinit) = { .max = 0 };
    struct buf groups AUTO(buf_deinit) = { .max = 0 };
    buf_init(&mounts, 1 << 20);
    buf_init(&groups, 1 << 20);
    if (!fs_read_file("/proc/self/mountinfo", &mounts, err) || !buf_append(&mounts, "", 1, err) ||
        !fs_read_file("/proc/self/cgroup", &groups, err) || !buf_append(&groups, "", 1, err) ||
        !cgroup_mount_parse((const char *)mounts.data, mount, root, err) ||
        !cgroup_path_parse((const char *)groups.data, path, err))
        return false;
    return fs_join(out, mount, path + 1, err);
}

static bool prepare(struct ground *g, struct error *err)
{
    char mount[FS_PATH_MAX], name[64];
    snprintf(name, sizeof name, "meridian-test-%d", getpid());
    if (!present_group(mount, g->before, err) || !cgroup_make(mount, name, g->top, err))
        return false;
    if (setxattr(g->top, "user.delegate", "1", 1, 0) == 0 && enter(g->top)) return true;
    cgroup_remove(g->top);
    return error_set(err, ERR_DENIED, "it can be made, but not used");
}

static int setup(void **state)
{
    struct ground *g = xcalloc(1, sizeof *g);
    struct error err = { 0 };
    *state = g;
    place_make(&g->p);
    if (prepare(g, &err)) {
        group_enter(&g->p.step);
        return 0;
    }
    printf("SKIP: no delegated group of cgroup v2 can be made here: %s\n", err.text);
    g->before[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    struct ground *g = *state;
    if (g->before[0]) {
        assert_true(enter(g->before));
        cgroup_sweep(g->top, CGROUP_STEP_PREFIX);
        cgroup_remove(g->top);
        assert_false(fs_exists(g->top));
    }
    place_remove(&g->p);
    free(g);
    return 0;
}

static void run(struct place *p, const char *appspec, struct step_report *report)
{
    struct error err = { 0 };
    place_revision(p, "appspec.yml", appspec, 0644);
    p->spec.event = EVENT_AFTER_INSTALL;
    memset(report, 0, sizeof *report);
    assert_true(hook_run(&p->step, report, &err));
}

static void the_step_s_folder_tells_its_group(void **state)
{
    struct ground *g = *state;
    char group[FS_PATH_MAX];
    if (!g->before[0]) skip();
    assert_true(text_starts(g->p.step.group, g->top));
    snprintf(group, sizeof group, "%s/cgroup", g->p.step_folder + strlen(g->p.top) + 1);
    assert_string_equal(place_read(&g->p, group), g->p.step.group);
    assert_true(cgroup_populated(g->p.step.group));
    struct step within = { .folder = g->p.step_folder };
    group_enter(&within); /* its own group is not delegated any further */
    assert_string_equal(within.group, "");
}

/* Every process of it has ended before its successor is seen: no look at /proc catches it. */
static void a_script_that_forks_faster_than_it_is_seen_is_ended(void **state)
{
    struct ground *g = *state;
    struct step_report report;
    if (!g->before[0]) skip();
    place_revision(&g->p, "h.sh",
                   "#!/bin/sh\ntrap '' TERM\ncat > @/chain <<'E'\n#!/bin/sh\n"
                   "[ -e @/stop ] || setsid \"$0\" &\nE\nchmod +x @/chain\n@/chain\nsleep 3600\n",
                   0755);
    uint64_t began_ms = clock_boot_ms();
    run(&g->p, HEAD "  AfterInstall:\n  - {location: h.sh, timeout: 1}\n", &report);
    uint64_t took_ms = clock_boot_ms() - began_ms;
    char script[FS_PATH_MAX];
    struct error err = { 0 };
    assert_true(fs_join(script, g->p.step.group, "script-0", &err));
    assert_false(cgroup_populated(script));
    place_write(&g->p, "stop", "", 0644);
    assert_int_equal(report.code, LIFECYCLE_SCRIPT_TIMED_OUT);
    assert_in_range(took_ms, 1000, 1000 + STEP_KILL_MS + 10000);
}

static void what_an_earlier_script_has_started_stays(void **state)
{
    struct ground *g = *state;
    struct step_report report;
    if (!g->before[0]) skip();
    place_revision(&g->p, "1", "#!/bin/sh\nsetsid sleep 3600 > /dev/null 2>&1 &\necho $! > @/pid\n",
                   0755);
    place_revision(&g->p, "2", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n", 0755);
    run(&g->p, HEAD "  AfterInstall:\n  - {location: '1'}\n  - {location: '2', timeout: 1}\n",
        &report);
    assert_int_equal(report.code, LIFECYCLE_SCRIPT_TIMED_OUT);
    pid_t pid = (pid_t)strtol(place_read(&g->p, "pid"), NULL, 10);
    assert_int_equal(kill(pid, 0), 0);
    char first[FS_PATH_MAX];
    struct error err = { 0 };
    assert_true(fs_join(first, g->p.step.group, "script-0", &err));
    assert_true(cgroup_populated(first));
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A supervisor that is lost leaves its script: the next run ends that before it tells. */
static void what_a_lost_step_has_left_is_ended_by_its_group(void **state)
{
    struct ground *g = *state;
    struct place *p = &g->p;
    struct error err = { 0 };
    struct step_report report;
    char script[FS_PATH_MAX], boot[PROC_BOOT_ID_SIZE], ledger[128];
    if (!g->before[0]) skip();
    assert_true(group_of_script(&p->step, 0, script));
    pid_t pid = fork();
    if (pid == 0) {
        if (enter(script)) execlp("sleep", "sleep", "3600", (char *)NULL);
        _exit(1);
    }
    for (int i = 0; i < WAIT_MS / 10 && !cgroup_populated(script); i++) poll(NULL, 0, 10);
    assert_true(proc_boot_id(boot, &err));
    snprintf(ledger, sizeof ledger, "begun 0 once 17 %s\n", boot);
    place_write(p, "again/4-1/scripts", ledger, 0644);
    place_write(p, "again/4-1/cgroup", p->step.group, 0644);
    place_folder(p, "again/4-2");
    p->spec.run = 2;
    p->step.folder = place_path(p, "again/4-2");
    place_revision(p, "h.sh", "#!/bin/sh\n", 0755);
    run(p, HEAD "  AfterInstall:\n  - {location: h.sh}\n", &report);
    assert_true(report.interrupted);
    assert_non_null(strstr(report.message, "its processes still ran and were ended"));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

int main(void)
{
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_step_s_folder_tells_its_group, setup, teardown),
        cmocka_unit_test_setup_teardown(a_script_that_forks_faster_than_it_is_seen_is_ended, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_an_earlier_script_has_started_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_lost_step_has_left_is_ended_by_its_group, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
