/* keep.h - what an install replaces is kept until nobody needs it, so that it can be put back.
 *
 * Only where the job asks for it (onFailure: restore). The record is the sealed file GROUP.undo:
 * every place that the install changes, what stood there (kind, owner, mode, attributes, times)
 * and under which name it is kept. A kept file is a second name (hard link) of the old one, or a
 * copy where the file system has no hard links, in a hidden folder of the same mount: in the
 * deployment's own folder where that is possible, else as near to the mount's root as we may write,
 * so that a hook's chown -R over the installed tree does not meet it.
 *
 *  1. keep_compose() reads the host and changes nothing; keep_write() before the first kept name;
 *  2. keep_run() makes the kept names while the old files are still in place;
 *  3. keep_mark(KEEP_COMMITTED) when the install's journal is committed: a record without this mark
 *     belongs to an install that changed nothing;
 *  4. keep_forget() drops the kept names, then the record: when the deployment was restored, when
 *     the install failed before its commit, and at the next deployment's install.
 *
 * KEEP_UNDOING and KEEP_CLEARED are undo.h's. All paths are canonical (overlay.h).
 */
#pragma once
#include "steps/host.h"
#include "steps/install/journal.h"
#include "steps/install/plan.h"

enum { KEEP_BYTES_MAX = 512 << 20, KEEP_ATTRIBUTES_MAX = 64, KEEP_ATTRIBUTE_BYTES_MAX = 65536 };

enum keep_kind {
    KEEP_NEW_FILE,    /* only the new revision has something here, and it is no folder */
    KEEP_NEW_FOLDER,  /* likewise a folder: it goes when it is empty */
    KEEP_NEW_CONTEXT, /* a SELinux rule that the new revision sets */
    KEEP_FOLDER,      /* a folder that stood here */
    KEEP_FILE,        /* anything else that stood here */
    KEEP_CONTEXT      /* a SELinux rule that the old revision had set; `label` says to what */
};
#define KEEP_KIND_COUNT (KEEP_CONTEXT + 1)

struct keep_attribute {
    const char *name;
    struct bytes value;
};

struct keep_item {
    enum keep_kind kind;
    const char *place;
    const char *kept;  /* KEEP_FILE: the kept name */
    const char *label; /* KEEP_CONTEXT: user:role:type:range; "" when not known */
    uint32_t uid, gid, mode;
    struct timespec accessed, modified;
    struct keep_attribute *attributes; /* extended ones, ACLs among them; not of links */
    size_t attribute_count;
};

struct keep {
    const char *deployment, *revision; /* that was installed over the old files */
    const char *old_deployment;        /* whose files those are; "" when there was none */
    const char **folders;              /* that hold the kept names */
    size_t folder_count;
    struct keep_item *items;
    size_t count, cap;
    bool had_manifest, had_agent_list;
    bool committed, undoing, cleared;
    struct arena arena;
};

enum keep_mark { KEEP_COMMITTED = 'C', KEEP_UNDOING = 'U', KEEP_CLEARED = 'R' };

void keep_init(struct keep *k);
void keep_deinit(struct keep *k);
/* Needs a journal that stage_compose() has filled. */
NODISCARD bool keep_compose(struct keep *k, const struct host *host, const struct plan *plan,
                            const struct journal *journal, struct error *err);
NODISCARD bool keep_write(const struct keep *k, const struct host *host, struct error *err);
/* *found is false when there is none. */
NODISCARD bool keep_read(struct keep *k, const struct host *host, bool *found, struct error *err);
NODISCARD bool keep_run(const struct keep *k, const struct host *host, struct error *err);
NODISCARD bool keep_mark(struct keep *k, const struct host *host, enum keep_mark mark,
                         struct error *err);
NODISCARD bool keep_forget(const struct keep *k, const struct host *host, struct error *err);

/* Whether a record of that deployment is there, so that its folder must stay. */
bool keep_needs(const struct host *host, const char *deployment);
