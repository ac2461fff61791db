#include "steps/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 64 };

/* "…/steps/K-RUN" -> "…/steps/K-(RUN-1)/scripts"; false when the folder is not named so. */
static bool previous_path(const struct step *step, char out[FS_PATH_MAX])
{
    const char *dash = strrchr(step->folder, '-');
    if (!dash || strchr(dash, '/')) return false;
    int len = snprintf(out, FS_PATH_MAX, "%.*s-%u/scripts", (int)(dash - step->folder),
                       step->folder, step->spec->run - 1);
    return len > 0 && len < FS_PATH_MAX;
}

static void read_previous(struct ledger *ledger, const struct step *step)
{
    char path[FS_PATH_MAX];
    struct error ignored;
    struct buf text AUTO(buf_deinit) = { .max = 0 };
    buf_init(&text, LEDGER_BYTES_MAX);
    if (step->spec->run < 2 || !previous_path(step, path)) return;
    if (!fs_read_file(path, &text, &ignored) || !buf_append(&text, "", 1, &ignored)) return;
    for (const char *line = (const char *)text.data; *line;) {
        unsigned long number;
        if (sscanf(line, "begun %lu", &number) == 1) ledger->interrupted = true;
        if (sscanf(line, "done %lu", &number) == 1) {
            ledger->interrupted = false;
            ledger->done = number + 1;
        }
        line += strcspn(line, "\n");
        if (*line) line++;
    }
}

bool ledger_open(struct ledger *ledger, const struct step *step, struct error *err)
{
    char path[FS_PATH_MAX];
    *ledger = (struct ledger){ .fd = -1 };
    read_previous(ledger, step);
    if (!fs_join(path, step->folder, "scripts", err)) return false;
    ledger->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (ledger->fd < 0) return fs_error(err, "create", path);
    return fs_sync_parent(path, err);
}

void ledger_close(struct ledger *ledger)
{
    auto_close(&ledger->fd);
}

bool ledger_note(struct ledger *ledger, const char *what, unsigned long script, const char *more,
                 struct error *err)
{
    char line[LINE_SIZE];
    snprintf(line, sizeof line, "%s %lu%s\n", what, script, more);
    if (!fs_write_all(ledger->fd, bytes_of_text(line), err)) return false;
    if (fdatasync(ledger->fd) < 0)
        return error_set(err, ERR_RETRY, "sync the list of scripts: %s", strerror(errno));
    return true;
}
