#include "steps/install/context.h"

#include "io/child.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static bool run(const char *program, const char *const *argv, struct error *err)
{
    const char *path = program;
    struct child_spec spec = { .path = path,
                               .argv = argv,
                               .env = (const char *const *)environ,
                               .stdout_fd = -1,
                               .stderr_fd = -1 };
    struct child child;
    if (!child_spawn(&spec, &child, err)) return false;
    struct child_end end = { .state = CHILD_RUNNING };
    bool ok = true;
    while (ok && end.state == CHILD_RUNNING) {
        struct pollfd ended = { .fd = child.pidfd, .events = POLLIN };
        (void)poll(&ended, 1, -1);
        ok = child_reap(&child, &end, err);
    }
    child_close(&child);
    if (ok && (end.state != CHILD_EXITED || end.status != 0))
        ok = error_set(err, ERR_INVALID, "'%s' failed for '%s'", program, argv[1]);
    return ok;
}

bool context_set(const struct appspec_context *context, const char *path, struct error *err)
{
    const char *argv[12] = { "semanage", "fcontext", "-a" };
    size_t count = 3;
    if (context->user) {
        argv[count++] = "-s";
        argv[count++] = context->user;
    }
    if (context->type) {
        argv[count++] = "-t";
        argv[count++] = context->type;
    }
    if (context->range) {
        argv[count++] = "-r";
        argv[count++] = context->range;
    }
    argv[count++] = path;
    argv[count] = NULL;
    const char *const restore[] = { "restorecon", path, NULL };
    if (!run("/usr/sbin/semanage", argv, err) || !run("/usr/sbin/restorecon", restore, err))
        return error_wrap(err, "SELinux context of '%s'", path);
    return true;
}

void context_remove(const char *path)
{
    const char *const argv[] = { "semanage", "fcontext", "-d", path, NULL };
    struct error ignored;
    if (access("/usr/sbin/semanage", X_OK) == 0 && !run("/usr/sbin/semanage", argv, &ignored))
        return;
}
