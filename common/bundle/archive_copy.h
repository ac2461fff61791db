/* archive_copy.h - folders as bundles, and what comes after the last entry; only for archive*.c. */
#pragma once
#include "bundle/archive.h"
#include <locale.h>

/* Copies everything below the folder `source` (a descriptor) into `folder`: modes less the umask,
 * new times, links as they are; special files are refused. */
NODISCARD bool archive_copy(int source, const char *folder, const struct archive_limits *limits,
                            struct archive_progress *progress, struct error *err);

/* If `folder` holds one folder and nothing else, and that holds a name with "appspec" in it, its
 * contents move up. */
NODISCARD bool archive_lift(const char *folder, struct error *err);

/* One syncfs for all that was written. */
NODISCARD bool archive_sync(const char *folder, struct error *err);

/* libarchive converts names to this thread's character set, which in a daemon is ASCII: UTF-8 for
 * the time of an unpack or a pack. */
struct archive_locale {
    locale_t own, before;
};
struct archive_locale archive_locale_enter(void);
void archive_locale_leave(struct archive_locale *l);

/* The names in a folder, sorted bytewise, without "." and ".."; free with archive_names_free. */
struct archive_names {
    char **list;
    size_t count;
};
NODISCARD bool archive_names(int folder, const struct archive_limits *limits,
                             struct archive_names *out, struct error *err);
void archive_names_free(struct archive_names *names);
