/* meridian-step: installs, hooks and undo. Any other kind belongs to meridian-fetch beside it,
 * which takes this process over before anything is claimed: pid, start time and folder stay the
 * same. */
#include "steps/hook/hook.h"
#include "steps/install/install.h"
#include "steps/install/undo.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool install(struct step *step, struct step_report *report, struct error *err)
{
    (void)report;
    return install_run(step, err);
}

static const struct step_row rows[] = { { STEP_INSTALL, install },
                                        { STEP_HOOK, hook_run },
                                        { STEP_UNDO, undo_run } };
enum { ROWS = sizeof rows / sizeof *rows, MAPPED_FROM = 128 << 10 };

static bool is_own(const char *kind)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(kind, step_kind_name(rows[i].kind)) == 0) return true;
    return false;
}

static int become_fetch(char **argv)
{
    char path[FS_PATH_MAX] = "";
    struct error err = { .code = ERR_NONE };
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    char *slash = len > 0 ? strrchr(path, '/') : NULL;
    if (slash) {
        *slash = '\0';
        char program[FS_PATH_MAX];
        if (fs_join(program, path, "meridian-fetch", &err)) execv(program, argv);
        fs_error(&err, "start", program);
    }
    fprintf(stderr, "meridian-step: %s\n", slash ? err.text : "/proc/self/exe cannot be read");
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !is_own(argv[1])) return become_fetch(argv);
    /* What is large is a mapping of its own: it grows without a copy, and what is given back is
     * gone. By itself the threshold rises with the first large piece that is freed. */
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    return step_main(argc, argv, rows, ROWS);
}
