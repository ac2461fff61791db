/* archive_links.h - what archive_tree.c and archive_links.c share: names, folders on the way, and
 * what is left for the end. Only for these two.
 */
#pragma once
#include "bundle/archive_tree.h"

enum { ARCHIVE_MODE_KEPT = 01777 }; /* all but set-user-id and set-group-id */

bool archive_refuse(const char *name, struct error *err, const char *why);
bool archive_system_error(const struct archive_tree *t, struct error *err, const char *verb,
                          const char *name);

/* The name without ".", leading and doubled slashes; "" is the root. "..", long, deep: refused. */
NODISCARD bool archive_clean(const struct archive_tree *t, const char *name,
                             char out[ARCHIVE_PATH_MAX], struct error *err);
/* The descriptor of the folder path[0..len), made as far as it is missing; it stays the tree's. */
NODISCARD bool archive_enter(struct archive_tree *t, const char *path, size_t len, int *out,
                             struct error *err);
NODISCARD bool archive_enter_parent(struct archive_tree *t, const char *path, int *parent,
                                    const char **base, struct error *err);
/* Makes room for a name that comes again: only a file may be replaced. */
NODISCARD bool archive_clear(struct archive_tree *t, int parent, const char *base, const char *path,
                             struct error *err);

NODISCARD bool archive_folder_later(struct archive_tree *t, const char *path,
                                    const struct archive_attributes *a, struct error *err);
NODISCARD bool archive_link_later(struct archive_tree *t, const char *path, const char *target,
                                  bool is_hard, const struct archive_attributes *a,
                                  struct error *err);
/* *done stays false if the target does not exist yet. A file of that name gives way only while
 * entries are read, when the later one counts. */
NODISCARD bool archive_hardlink_make(struct archive_tree *t, const char *path, const char *target,
                                     bool may_replace, bool *done, struct error *err);
