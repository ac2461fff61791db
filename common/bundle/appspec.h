/* appspec.h - appspec.yml (version 0.0, os linux) as a validated plain plan.
 *
 * Calling sequence: appspec_load() on the unpacked revision, or appspec_parse() on a text; then
 * read the fields; then appspec_free(). The first error in the agent's order is the one returned
 * (shared design, worker.md section 3), always with file, line, column and what to write instead;
 * the caller reports it as BeforeInstall failed, code 5. `meridian validate` uses
 * appspec_validate(), which lists every problem at once and looks at the tree as well.
 *
 * Differences from the agent, all deliberate: `mode: 0644` is read as the text that was written;
 * byte order mark, aliases and dates are accepted; `sudo` takes only true or false unquoted;
 * a source or location that leaves the revision is refused; duplicate keys: the last wins and
 * a warning says so. Unknown keys are ignored at every level, unknown events are kept.
 *
 * Ownership: the appspec owns all texts and arrays. Pure but for appspec_load/_validate's tree.
 * Errors: ERR_NOT_FOUND (no appspec in the revision), ERR_INVALID (all the rules).
 */
#pragma once
#include "base/bytes.h"

enum {
    APPSPEC_BYTES_MAX = 1 << 20,
    APPSPEC_TIMEOUT_DEFAULT_S = 3600,
    APPSPEC_TIMEOUT_MAX_S = 1000000000, /* larger ones are cut: thirty years */
    APPSPEC_EVENT_TIMEOUT_MAX_S = 3600, /* sum per event at AWS; only validate speaks of it */
    APPSPEC_PROBLEMS_MAX = 1000
};

enum appspec_exists {
    APPSPEC_EXISTS_UNSET, /* the deployment's option counts, else DISALLOW */
    APPSPEC_EXISTS_DISALLOW,
    APPSPEC_EXISTS_OVERWRITE,
    APPSPEC_EXISTS_RETAIN
};

struct appspec_file {
    const char *source;      /* as written */
    const char *path;        /* within the revision, normalised, no leading '/'; "." = all of it */
    const char *destination; /* as written */
    const char *trouble;     /* NULL, or why Install cannot use the entry */
    unsigned line, column;
};

enum appspec_acl_kind { APPSPEC_ACL_USER, APPSPEC_ACL_GROUP, APPSPEC_ACL_MASK, APPSPEC_ACL_OTHER };

struct appspec_acl {
    bool is_default; /* "d:" or "default:": only on directories */
    enum appspec_acl_kind kind;
    const char *name; /* "" for a base entry (only as default, mask or other) */
    unsigned perms;   /* 0-7 */
    const char *text; /* as written */
};

enum { APPSPEC_TYPE_FILE = 1, APPSPEC_TYPE_DIRECTORY = 2 };

struct appspec_context { /* SELinux; each NULL or a text */
    const char *user, *type, *range;
    bool present;
};

struct appspec_permission {
    const char *object;  /* as written */
    const char *pattern; /* "**" unless given */
    const char *const *except;
    size_t except_count;
    const char *owner, *group; /* NULL: leave */
    bool has_mode;
    unsigned mode; /* 0-07777 */
    const struct appspec_acl *acls;
    size_t acl_count;
    struct appspec_context context;
    unsigned types; /* APPSPEC_TYPE_ bits; both unless given */
    unsigned line, column;
};

struct appspec_script {
    const char *location; /* as written: logs and errors use it */
    const char *path;     /* within the revision, normalised, no leading '/' */
    uint32_t timeout_s;
    const char *runas; /* NULL: as the worker */
    bool sudo;
    bool rerun_safe; /* `rerun: safe`, Meridian's own key: may run again after a reboot */
    unsigned line, column;
};

struct appspec_hook {
    const char *event; /* as written, known or not; the list keeps the file's order */
    const struct appspec_script *scripts;
    size_t script_count; /* 0: the event is a no-op */
    unsigned line, column;
};

struct appspec {
    const char *name; /* the file, as in errors */
    enum appspec_exists file_exists_behavior;
    const struct appspec_file *files;
    size_t file_count;
    const struct appspec_permission *permissions;
    size_t permission_count;
    const struct appspec_hook *hooks;
    size_t hook_count;
    const char *const *warnings; /* one line each: for the deployment's log */
    size_t warning_count;
    struct appspec_memory *memory;
};

NODISCARD bool appspec_parse(const char *name, struct bytes text, struct appspec **out,
                             struct error *err);
/* Reads `filename` of the folder, or, if it is NULL, appspec.yml, else appspec.yaml. */
NODISCARD bool appspec_load(const char *revision, const char *filename, struct appspec **out,
                            struct error *err);
void appspec_free(struct appspec *spec); /* accepts NULL */
void appspec_free_at(struct appspec **place);

/* The scripts of an event, or NULL. */
const struct appspec_hook *appspec_hook(const struct appspec *spec, const char *event);

struct appspec_problem {
    bool is_warning;
    char text[ERROR_TEXT_SIZE]; /* FILE:LINE:COL: path: what */
};

struct appspec_problems {
    struct appspec_problem *list;
    size_t count, error_count;
};

/* Fills `out` (zeroed by the caller, given back to appspec_problems_deinit) with everything that
 * is wrong. `revision` is the unpacked folder, or NULL to check the text alone; `filename` as in
 * appspec_load(). False only if the appspec cannot be read at all. */
NODISCARD bool appspec_validate(const char *name, struct bytes text, const char *revision,
                                struct appspec_problems *out, struct error *err);
void appspec_problems_deinit(struct appspec_problems *problems);
/* For who finds more; beyond APPSPEC_PROBLEMS_MAX nothing is added. */
void appspec_problem_add(struct appspec_problems *problems, bool is_warning, const char *text);
