/* archive.h - unpacks a bundle (zip, tar, tgz, tar.zst, folder) that may be hostile, and packs one.
 *
 * Calling sequence: archive_unpack() into a folder that does not exist or is empty; when it fails,
 * remove the folder. Results are what `unzip -qo`, `tar -xps` and a recursive copy leave (shared
 * design, worker.md section 2): tar keeps modes, times, hard links and, as root, owners; zip keeps
 * modes and times, 0644 and 0755 where it has no unix attributes; a folder is copied with its
 * modes less the umask and new times. Set-user-id and set-group-id bits of an archive are dropped:
 * only appspec's permissions set them; a folder's files keep theirs, which somebody on this host
 * has set (recorded case b33).
 *
 * Refused (security.md row 7), with the entry's name: devices, fifos and sockets, "..", hard links
 * to anything but a file of the same bundle, a name that comes twice with different types, a name
 * below a symbolic link, and whatever passes a limit. A name that comes twice as a file: the last
 * one wins. Files are made with O_EXCL through folder descriptors that never follow a link, and
 * links are made last: nothing is ever written outside the folder. An absolute name loses its
 * slash, as with tar and unzip, and so lies in the folder too. Targets of symbolic links are kept
 * as they are, as with the agent.
 *
 * Errors: ERR_INVALID (refused, or of another type than declared), ERR_CORRUPT (cut or damaged),
 * ERR_NO_SPACE (with needed and free bytes where known), ERR_NOT_FOUND, ERR_RETRY (system trouble),
 * ERR_FATAL (the folder is not empty, or the data did not reach the disk).
 */
#pragma once
#include "base/bytes.h"

enum archive_kind {
    ARCHIVE_KIND_AUTO, /* whatever it is */
    ARCHIVE_KIND_TAR,  /* plain or with any known compression, as GNU tar */
    ARCHIVE_KIND_TGZ,  /* gzip only: a plain tar is refused, as by tar -z */
    ARCHIVE_KIND_ZIP,
    ARCHIVE_KIND_DIRECTORY
};

/* "tar", "tgz", "zip", "directory" and "" (auto), as deployments name bundle types. */
NODISCARD bool archive_kind_parse(const char *text, enum archive_kind *out, struct error *err);

struct archive_limits {
    uint64_t bytes_max; /* of all files together */
    uint64_t entries_max;
    uint64_t ratio_max;        /* unpacked to read bytes ... */
    uint64_t ratio_from_bytes; /* ... once so much is unpacked */
    uint64_t names_bytes_max;  /* memory for names of folders and links that are finished last */
    size_t depth_max;          /* of folders */
    size_t path_max;           /* of one whole name */
};

extern const struct archive_limits archive_limits_default;

/* Plain counters that may be read at any time by whoever shares the thread or the memory. */
struct archive_progress {
    uint64_t entries, bytes;     /* done */
    uint64_t source_bytes;       /* read from the bundle */
    uint64_t source_bytes_total; /* its size; 0 for a folder */
};

/* `source` is a descriptor of the bundle, so that what was verified is what is unpacked; it is
 * read with pread and stays open. NULL limits are the default, NULL progress is fine. With a lone
 * folder at the top that holds a name like "appspec" (any case), its contents move up. */
NODISCARD bool archive_unpack(int source, enum archive_kind kind, const char *folder,
                              const struct archive_limits *limits,
                              struct archive_progress *progress, struct error *err);
NODISCARD bool archive_unpack_path(const char *path, enum archive_kind kind, const char *folder,
                                   const struct archive_limits *limits,
                                   struct archive_progress *progress, struct error *err);

/* Writes a zip of everything below `folder`, sorted, deflated, owner root, every time set to
 * time_s (0: the zip format's first, 1980): the same files give the same bytes. Modes and symbolic
 * links are kept; a special file is refused. `out` is an empty regular file open for writing. */
NODISCARD bool archive_pack_zip(const char *folder, int out, int64_t time_s,
                                const struct archive_limits *limits,
                                struct archive_progress *progress, struct error *err);
