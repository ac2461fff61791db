/* appspec_reader.h - what the parts of the appspec parser share; only for appspec*.c.
 *
 * A rule that is broken goes through appspec_complain(). Its value is what the caller returns:
 * false when the first error ends the reading (appspec_parse), true when all are wanted
 * (appspec_validate): then the broken part is left at its default and reading goes on.
 */
#pragma once
#include "base/arena.h"
#include "bundle/appspec.h"
#include "io/doc.h"

enum { APPSPEC_PATH_MAX = 4096, APPSPEC_MEMORY_MAX = 1 << 30 };

struct appspec_memory {
    struct arena arena;
    struct doc *doc; /* texts are its own wherever they are used as written */
    char **warnings;
    size_t warning_cap;
};

struct appspec_reader {
    struct appspec *spec;
    struct arena *arena;
    struct appspec_problems *problems; /* NULL: the first error ends the reading */
    struct error *err;
};

NODISCARD bool appspec_complain(struct appspec_reader *r, const struct doc_node *node,
                                const char *format, ...) PRINTF_LIKE(3, 4);
/* The same for an error that one of doc.h's getters has set. */
NODISCARD bool appspec_complain_of(struct appspec_reader *r, const struct error *why);
void appspec_warn(struct appspec_reader *r, const struct doc_node *node, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* A scalar's text without surrounding blanks, as the agent strips; *out stays when it complains. */
NODISCARD bool appspec_stripped(struct appspec_reader *r, const struct doc_node *node,
                                const char **out);

/* `as` is what to write for an empty value. Reads the whole file into a plan. */
NODISCARD bool appspec_read(struct appspec_reader *r, const struct doc *doc);
NODISCARD bool appspec_read_hooks(struct appspec_reader *r, const struct doc_node *hooks);
NODISCARD bool appspec_read_permissions(struct appspec_reader *r, const struct doc_node *list);
NODISCARD bool appspec_read_acl(struct appspec_reader *r, const struct doc_node *node,
                                struct appspec_acl *out);
NODISCARD bool appspec_read_context(struct appspec_reader *r, const struct doc_node *node,
                                    struct appspec_context *out);

/* `text` within the revision: no leading '/', no "." or "..", "." for the revision itself. NULL
 * when it leads out of the revision or is too long. */
const char *appspec_path(struct arena *arena, const char *text);

/* Opens an appspec inside the revision's folder, never through a link that leads out of it. */
NODISCARD bool appspec_open_beneath(const char *revision, const char *name, int flags, int *out,
                                    struct error *err);
/* The checks that need the unpacked revision. */
void appspec_check_tree(struct appspec_reader *r, const char *revision);
