#include "steps/hook/ledger.h"

#include "io/child.h"
#include "io/clock.h"
#include "steps/hook/group.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 160, NUMBER_SIZE = 24 };

/* "…/steps/K-RUN" -> "…/steps/K-(run)" and `name`; false when the folder is not named so. */
static bool run_path(const struct step *step, uint32_t run, const char *name, char out[FS_PATH_MAX])
{
    const char *dash = strrchr(step->folder, '-');
    if (!dash || strchr(dash, '/')) return false;
    int len = snprintf(out, FS_PATH_MAX, "%.*s-%u%s", (int)(dash - step->folder), step->folder,
                       (unsigned)run, name);
    return len > 0 && len < FS_PATH_MAX;
}

/* A script's number is one more than those done when it is the one that may be interrupted. */
static void take_begun(struct ledger *ledger, const char *line, uint32_t run)
{
    unsigned long number = 0;
    unsigned long long ms = 0;
    char boot[ID_SIZE] = "";
    _Static_assert(ID_SIZE >= 40, "a boot id fits");
    if (sscanf(line, "begun %lu %*15s %llu %39s", &number, &ms, boot) < 1) return;
    if (number < ledger->done) return;
    ledger->interrupted = true;
    ledger->begun_run = run;
    ledger->begun_ms = ms;
    memcpy(ledger->begun_boot, boot, sizeof boot);
    ledger->process = (struct proc_identity){ .pid = 0 };
}

static void take_process(struct ledger *ledger, const char *line, size_t len)
{
    struct proc_identity id;
    struct error ignored;
    static const char word[] = "process ";
    if (len <= strlen(word)) return;
    if (!proc_identity_parse(bytes_of(line + strlen(word), len - strlen(word)), &id, &ignored))
        return;
    ledger->process = id;
}

static void take_line(struct ledger *ledger, const char *line, size_t len, uint32_t run)
{
    unsigned long number;
    bool whole = len > 0 && line[len - 1] == '\n';
    if (text_starts(line, "begun ")) take_begun(ledger, line, run);
    if (text_starts(line, "process ")) take_process(ledger, line, len);
    if (whole && sscanf(line, "done %lu", &number) == 1 && number >= ledger->done) {
        ledger->done = number + 1;
        ledger->interrupted = false;
    }
}

static bool read_run(struct ledger *ledger, const struct step *step, uint32_t run,
                     struct error *err)
{
    char path[FS_PATH_MAX];
    struct buf text AUTO(buf_deinit) = { .max = 0 };
    buf_init(&text, LEDGER_BYTES_MAX);
    if (!run_path(step, run, "/scripts", path)) return true;
    if (!fs_read_file(path, &text, err)) {
        if (err->code == ERR_NOT_FOUND) return true; /* lost before it came to its scripts */
        return error_wrap(err, "what had begun before the interruption");
    }
    if (!buf_append(&text, "", 1, err)) return false;
    for (const char *line = (const char *)text.data; *line;) {
        size_t len = strcspn(line, "\n");
        if (line[len]) len++;
        take_line(ledger, line, len, run);
        line += len;
    }
    return true;
}

bool ledger_open(struct ledger *ledger, const struct step *step, struct error *err)
{
    char path[FS_PATH_MAX];
    *ledger = (struct ledger){ .fd = -1 };
    for (uint32_t run = 1; run < step->spec->run; run++)
        if (!read_run(ledger, step, run, err)) return false;
    if (!fs_join(path, step->folder, "scripts", err)) return false;
    ledger->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (ledger->fd < 0) return fs_error(err, "create", path);
    return fs_sync_parent(path, err);
}

void ledger_close(struct ledger *ledger)
{
    auto_close(&ledger->fd);
}

static bool put(struct ledger *ledger, const char *line, struct error *err)
{
    if (!fs_write_all(ledger->fd, bytes_of_text(line), err)) return false;
    if (fdatasync(ledger->fd) < 0)
        return error_set(err, ERR_RETRY, "sync the list of scripts: %s", strerror(errno));
    return true;
}

bool ledger_begin(struct ledger *ledger, unsigned long script, bool safe, struct error *err)
{
    char line[LINE_SIZE], boot[PROC_BOOT_ID_SIZE];
    if (!proc_boot_id(boot, err)) return false;
    snprintf(line, sizeof line, "begun %lu %s %llu %s\n", script, safe ? "safe" : "once",
             (unsigned long long)clock_wall_ms(), boot);
    return put(ledger, line, err);
}

bool ledger_process(struct ledger *ledger, pid_t pid, struct error *err)
{
    char line[LINE_SIZE], text[PROC_LINE_SIZE];
    struct proc_identity id;
    if (!proc_identify(pid, &id, err)) return false;
    proc_identity_format(&id, text);
    snprintf(line, sizeof line, "process %s", text);
    return put(ledger, line, err);
}

bool ledger_done(struct ledger *ledger, unsigned long script, struct error *err)
{
    char line[LINE_SIZE];
    snprintf(line, sizeof line, "done %lu\n", script);
    return put(ledger, line, err);
}

/* True when it has ended within that time. */
static bool ends_within(const struct child *leader, int64_t ms)
{
    int64_t end = (int64_t)clock_boot_ms() + ms;
    struct pollfd look = { .fd = leader->pidfd, .events = POLLIN };
    for (;;) {
        int64_t rest = end - (int64_t)clock_boot_ms();
        if (rest < 0) return false;
        if (poll(&look, 1, (int)rest) > 0) return true;
    }
}

/* The process group of its first process. */
static bool end_group(const struct ledger *ledger)
{
    struct child leader;
    struct error ignored;
    if (ledger->process.pid <= 0) return false;
    if (!child_adopt(&ledger->process, &leader, &ignored)) return false;
    bool told = child_signal_group(&leader, SIGTERM, &ignored);
    bool gone = told && ends_within(&leader, LEDGER_END_MS);
    bool killed = !gone && child_signal_group(&leader, SIGKILL, &ignored);
    if (killed) (void)ends_within(&leader, LEDGER_END_MS);
    child_close(&leader);
    return true;
}

bool ledger_end_orphans(const struct ledger *ledger, const struct step *step)
{
    char boot[PROC_BOOT_ID_SIZE], folder[FS_PATH_MAX];
    struct error ignored;
    if (!ledger->interrupted || !proc_boot_id(boot, &ignored) ||
        !text_equal(boot, ledger->begun_boot))
        return false;
    bool ran = end_group(ledger);
    if (run_path(step, ledger->begun_run, "", folder))
        ran = group_end_orphans(folder, ledger->done) || ran;
    return ran;
}
