#include "steps/install/recovery.h"

#include "steps/install/commit.h"
#include "steps/install/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

static bool lock_group(const struct host *host, int *out, struct error *err)
{
    int fd = open(host->lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return fs_error(err, "open", host->lock);
    while (flock(fd, LOCK_EX) < 0) {
        if (errno == EINTR) continue;
        fs_error(err, "lock", host->lock);
        close(fd);
        return false;
    }
    *out = fd;
    return true;
}

bool recovery_forget_journal(const struct host *host, struct error *err)
{
    if (unlink(host->manifest_next) < 0 && errno != ENOENT)
        return fs_error(err, "remove", host->manifest_next);
    if (unlink(host->journal) < 0 && errno != ENOENT) return fs_error(err, "remove", host->journal);
    return fs_sync_folder(host->instructions, err);
}

/* The record's mark comes after the journal's: a committed journal says it for both. */
static bool finish_install(const struct host *host, struct keep *keep, bool *kept,
                           struct error *err)
{
    struct journal journal AUTO(journal_deinit);
    journal_init(&journal, "");
    bool found;
    if (!journal_read(&journal, host->journal, &found, err)) return false;
    if (found && journal.committed) {
        if (*kept && !keep->committed && !keep_mark(keep, host, KEEP_COMMITTED, err)) return false;
        return commit_run(&journal, host, err) || !fs_exists(host->journal);
    }
    if (found && !journal_discard(&journal, err)) return false;
    if (*kept && !keep->committed) {
        if (!keep_forget(keep, host, err)) return false;
        *kept = false;
    }
    return !found || recovery_forget_journal(host, err);
}

bool recovery_begin(const struct host *host, int *lock, struct error *err)
{
    struct keep keep AUTO(keep_deinit);
    keep_init(&keep);
    bool kept;
    return lock_group(host, lock, err) && keep_read(&keep, host, &kept, err) &&
           finish_install(host, &keep, &kept, err);
}

bool recovery_finish_undo(const struct host *host, struct error *err)
{
    struct keep keep AUTO(keep_deinit);
    keep_init(&keep);
    bool kept;
    size_t ignored;
    if (!keep_read(&keep, host, &kept, err)) return false;
    if (!kept || !keep.undoing || undo_perform(&keep, host, &ignored, err)) return true;
    return keep_forget(&keep, host, err);
}
