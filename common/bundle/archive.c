#include "bundle/archive.h"
#include "bundle/archive_copy.h"
#include "bundle/archive_tree.h"
#include "bundle/archive_zip.h"
#include "io/fs.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 256 * 1024, OWNER_NAME_SIZE = 64, LOOKUP_SIZE = 16384, SHOWN_SIZE = 200 };

const struct archive_limits archive_limits_default = {
    .bytes_max = UINT64_C(64) << 30,
    .entries_max = 1000000,
    .ratio_max = 250, /* deflate reaches 1,030 with zeros, programs and texts rarely 20 */
    .ratio_from_bytes = UINT64_C(256) << 20,
    .names_bytes_max = UINT64_C(256) << 20,
    .depth_max = 128,
    .path_max = ARCHIVE_PATH_MAX - 1,
};

/* The last user or group that was looked up: an archive's entries mostly have one owner. */
struct owner_cache {
    char name[OWNER_NAME_SIZE];
    bool known;
    id_t id;
};

struct unpacker {
    int source;
    uint64_t size, offset;
    uint8_t *buffer;
    struct archive *reader;
    struct archive_tree tree;
    struct archive_zip zip;
    bool has_zip;
    size_t index; /* of the entry within the zip */
    enum archive_kind kind;
    bool as_root;
    struct owner_cache user, group;
};

bool archive_kind_parse(const char *text, enum archive_kind *out, struct error *err)
{
    static const char *const names[] = { [ARCHIVE_KIND_AUTO] = "",
                                         [ARCHIVE_KIND_TAR] = "tar",
                                         [ARCHIVE_KIND_TGZ] = "tgz",
                                         [ARCHIVE_KIND_ZIP] = "zip",
                                         [ARCHIVE_KIND_DIRECTORY] = "directory" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *out = (enum archive_kind)i;
        return true;
    }
    return error_set(err, ERR_INVALID,
                     "the bundle type is tar, tgz, zip or directory, not \"%.60s\"", text);
}

static ssize_t read_some(struct archive *reader, void *context, const void **data)
{
    struct unpacker *u = context;
    ssize_t got;
    do {
        got = pread(u->source, u->buffer, READ_SIZE, (off_t)u->offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        archive_set_error(reader, errno, "read the bundle: %s", strerror(errno));
        return -1;
    }
    u->offset += (uint64_t)got;
    u->tree.progress->source_bytes += (uint64_t)got;
    *data = u->buffer;
    return got;
}

static la_int64_t seek_to(struct archive *reader, void *context, la_int64_t offset, int whence)
{
    struct unpacker *u = context;
    int64_t base = whence == SEEK_SET   ? 0
                   : whence == SEEK_CUR ? (int64_t)u->offset
                                        : (int64_t)u->size;
    (void)reader;
    if (offset < -base || offset > (int64_t)u->size - base) return ARCHIVE_FATAL;
    u->offset = (uint64_t)(base + offset);
    return base + offset;
}

static la_int64_t skip_over(struct archive *reader, void *context, la_int64_t count)
{
    struct unpacker *u = context;
    uint64_t left = u->size - u->offset;
    (void)reader;
    uint64_t n = (uint64_t)count < left ? (uint64_t)count : left;
    u->offset += n;
    return (la_int64_t)n;
}

/* libarchive's last complaint. An entry's name may be part of it: cut and escaped. */
static bool fail_reader(const struct unpacker *u, struct error *err)
{
    char shown[SHOWN_SIZE];
    const char *what = archive_error_string(u->reader);
    return error_set(err, ERR_CORRUPT, "the bundle is damaged or cut: %s",
                     archive_printable(what ? what : "unknown", shown, sizeof shown));
}

static bool fail_kind(const struct unpacker *u, struct error *err)
{
    switch (u->kind) {
    case ARCHIVE_KIND_TAR:
        return error_set(err, ERR_INVALID, "the bundle is declared as tar, but is none");
    case ARCHIVE_KIND_TGZ:
        return error_set(err, ERR_INVALID,
                         "the bundle is declared as tgz, but is no tar packed "
                         "with gzip: declare what it is, or pack it with tar -z");
    case ARCHIVE_KIND_ZIP:
        return error_set(err, ERR_INVALID,
                         "the bundle is declared as zip, but is none, or its end is missing");
    case ARCHIVE_KIND_AUTO:
    case ARCHIVE_KIND_DIRECTORY: break;
    }
    return error_set(err, ERR_INVALID, "the bundle is neither zip nor tar, or its end is missing");
}

/* Only formats and filters that are built in: libarchive would start programs for others. */
static bool open_reader(struct unpacker *u, struct error *err)
{
    bool tar = u->kind != ARCHIVE_KIND_ZIP, any = u->kind != ARCHIVE_KIND_TGZ;
    u->reader = archive_read_new();
    if (!u->reader) abort(); /* out of memory, as in xcalloc() */
    if (tar) {
        archive_read_support_format_tar(u->reader);
        archive_read_support_filter_gzip(u->reader);
    }
    if (tar && any) {
        archive_read_support_filter_bzip2(u->reader);
        archive_read_support_filter_compress(u->reader);
        archive_read_support_filter_lzip(u->reader);
        archive_read_support_filter_lzma(u->reader);
        archive_read_support_filter_xz(u->reader);
        archive_read_support_filter_zstd(u->reader);
    }
    if (u->kind == ARCHIVE_KIND_ZIP || u->kind == ARCHIVE_KIND_AUTO)
        archive_read_support_format_zip_seekable(u->reader);
    archive_read_set_read_callback(u->reader, read_some);
    archive_read_set_seek_callback(u->reader, seek_to);
    archive_read_set_skip_callback(u->reader, skip_over);
    archive_read_set_callback_data(u->reader, u);
    return archive_read_open1(u->reader) == ARCHIVE_OK || fail_kind(u, err);
}

static bool lookup(struct owner_cache *cache, const char *name, bool is_group, id_t *out)
{
    if (!name || !*name || strlen(name) >= OWNER_NAME_SIZE) return false;
    if (strcmp(cache->name, name) != 0) {
        AUTO(auto_free) char *memory = xcalloc(LOOKUP_SIZE, 1);
        struct passwd user, *found_user = NULL;
        struct group group, *found_group = NULL;
        if (is_group)
            (void)getgrnam_r(name, &group, memory, LOOKUP_SIZE, &found_group);
        else
            (void)getpwnam_r(name, &user, memory, LOOKUP_SIZE, &found_user);
        snprintf(cache->name, sizeof cache->name, "%s", name);
        cache->known = found_user || found_group;
        cache->id = found_user ? found_user->pw_uid : found_group ? found_group->gr_gid : 0;
    }
    if (cache->known) *out = cache->id;
    return cache->known;
}

/* Owners as root's tar: by name if this host knows it, else by number. Zip has none. */
static struct archive_attributes attributes(struct unpacker *u, struct archive_entry *e,
                                            bool is_folder)
{
    struct archive_attributes a = { .mode = archive_entry_perm(e) };
    if (archive_entry_mtime_is_set(e)) {
        a.has_time = true;
        a.time = (struct timespec){ .tv_sec = archive_entry_mtime(e),
                                    .tv_nsec = archive_entry_mtime_nsec(e) };
        if (a.time.tv_nsec < 0 || a.time.tv_nsec > 999999999) a.time.tv_nsec = 0;
    }
    if (u->has_zip) {
        const struct archive_zip_entry *z = &u->zip.entries[u->index];
        if (!z->has_unix_mode) a.mode = is_folder ? 0755 : z->is_read_only ? 0444 : 0644;
        return a;
    }
    bool is_zip = (archive_format(u->reader) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP;
    a.has_owner = u->as_root && !is_zip;
    if (!a.has_owner) return a;
    id_t id = 0;
    a.uid = lookup(&u->user, archive_entry_uname(e), false, &id) ? id : (uid_t)archive_entry_uid(e);
    a.gid = lookup(&u->group, archive_entry_gname(e), true, &id) ? id : (gid_t)archive_entry_gid(e);
    return a;
}

static bool unpack_file(struct unpacker *u, struct archive_entry *e, const char *name,
                        struct error *err)
{
    struct archive_attributes a = attributes(u, e, false);
    const void *data;
    size_t len;
    la_int64_t offset;
    if (!archive_tree_file_begin(&u->tree, name, 0600, err)) return false;
    for (;;) {
        int r = archive_read_data_block(u->reader, &data, &len, &offset);
        if (r == ARCHIVE_EOF) break;
        if (r == ARCHIVE_RETRY) continue;
        if (r != ARCHIVE_OK) return fail_reader(u, err);
        if (offset < 0) return error_set(err, ERR_CORRUPT, "a file in the bundle begins nowhere");
        if (!archive_tree_write(&u->tree, bytes_of(data, len), (uint64_t)offset, err)) return false;
    }
    uint64_t size = archive_entry_size_is_set(e) && archive_entry_size(e) > 0
                        ? (uint64_t)archive_entry_size(e)
                        : 0;
    return archive_tree_file_end(&u->tree, size, &a, err);
}

static bool ends_in_slash(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && name[len - 1] == '/';
}

static bool fail_special(const char *name, struct error *err)
{
    char shown[SHOWN_SIZE];
    return error_set(err, ERR_INVALID,
                     "'%s' in the bundle is refused: it is a device, fifo or socket",
                     archive_printable(name, shown, sizeof shown));
}

static bool unpack_entry(struct unpacker *u, struct archive_entry *e, const char *name,
                         struct error *err)
{
    struct archive_attributes a;
    if (u->has_zip && u->zip.entries[u->index].is_special) return fail_special(name, err);
    if (archive_entry_hardlink(e))
        return archive_tree_hardlink(&u->tree, name, archive_entry_hardlink(e), err);
    switch ((unsigned)archive_entry_filetype(e)) {
    case AE_IFLNK:
        a = attributes(u, e, false);
        return archive_tree_symlink(&u->tree, name, archive_entry_symlink(e), &a, err);
    case 0:
    case AE_IFREG:
        if (!ends_in_slash(name)) return unpack_file(u, e, name, err);
        a = attributes(u, e, true);
        return archive_tree_folder(&u->tree, name, &a, err);
    case AE_IFDIR: a = attributes(u, e, true); return archive_tree_folder(&u->tree, name, &a, err);
    default: return fail_special(name, err);
    }
}

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80) return false;
    return true;
}

/* Equal but for the slash at the end, which libarchive adds to folders. */
static bool same_name(const char *a, const char *b)
{
    size_t a_len = strlen(a) - (ends_in_slash(a) ? 1 : 0);
    size_t b_len = strlen(b) - (ends_in_slash(b) ? 1 : 0);
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

/* The raw name. A zip has two, and a bundle whose two differ shows one thing to whoever checks it
 * and another to whoever unpacks it. */
static const char *entry_name(struct unpacker *u, struct archive_entry *e, struct error *err)
{
    const char *name = archive_entry_pathname(e);
    if (u->has_zip) {
        const char *listed = u->zip.entries[u->index].name;
        bool comparable = name && is_ascii(listed) && is_ascii(name) && !strchr(name, '\\') &&
                          !strchr(listed, '\\');
        if (comparable && !same_name(listed, name)) {
            error_set(err, ERR_CORRUPT, "the bundle's list of names and its entries differ");
            return NULL;
        }
        name = listed;
    }
    if (!name || !*name) {
        error_set(err, ERR_CORRUPT, "an entry of the bundle has no readable name");
        return NULL;
    }
    return name;
}

static bool unpack_all(struct unpacker *u, struct error *err)
{
    for (bool first = true;; first = false) {
        struct archive_entry *e;
        int r = archive_read_next_header(u->reader, &e);
        if (r == ARCHIVE_RETRY) continue;
        if (first && u->kind == ARCHIVE_KIND_TGZ &&
            archive_filter_code(u->reader, 0) != ARCHIVE_FILTER_GZIP)
            return fail_kind(u, err);
        if (r == ARCHIVE_EOF) break;
        if (first && r == ARCHIVE_FATAL && archive_format(u->reader) == 0) return fail_kind(u, err);
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN) return fail_reader(u, err);
        if (u->has_zip && u->index >= u->zip.count)
            return error_set(err, ERR_CORRUPT, "the bundle holds more entries than it lists");
        const char *name = entry_name(u, e, err);
        if (!name || !unpack_entry(u, e, name, err)) return false;
        u->index++;
    }
    if (u->has_zip && u->index != u->zip.count)
        return error_set(err, ERR_CORRUPT, "the bundle holds fewer entries than it lists");
    return true;
}

static void unpacker_close(struct unpacker *u)
{
    if (u->reader) archive_read_free(u->reader);
    archive_zip_deinit(&u->zip);
    archive_tree_close(&u->tree);
    free(u->buffer);
}

static bool begins_as_zip(int source)
{
    char mark[2];
    size_t got = 0;
    struct error err;
    return fs_pread_full(source, mark, sizeof mark, 0, &got, &err) && got == sizeof mark &&
           mark[0] == 'P' && mark[1] == 'K';
}

static bool unpack_archive(int source, uint64_t size, enum archive_kind kind, const char *folder,
                           const struct archive_limits *limits, struct archive_progress *progress,
                           struct error *err)
{
    AUTO(unpacker_close)
    struct unpacker u = { .source = source,
                          .size = size,
                          .kind = kind,
                          .as_root = geteuid() == 0,
                          .tree = { .root = -1, .file = -1 } };
    AUTO(archive_locale_leave) struct archive_locale locale = archive_locale_enter();
    u.buffer = xcalloc(READ_SIZE, 1);
    if (!archive_tree_open(&u.tree, folder, limits, progress, err)) return false;
    u.tree.progress->source_bytes_total = size;
    if (!open_reader(&u, err)) return false;
    bool is_zip = kind == ARCHIVE_KIND_ZIP || (kind == ARCHIVE_KIND_AUTO && begins_as_zip(source));
    if (is_zip && !archive_zip_read(source, size, limits, &u.zip, &u.has_zip, err)) return false;
    if (u.has_zip && !archive_tree_reserve(&u.tree, u.zip.bytes, err)) return false;
    return unpack_all(&u, err) && archive_tree_finish(&u.tree, err) && archive_lift(folder, err) &&
           archive_sync(folder, err);
}

bool archive_unpack(int source, enum archive_kind kind, const char *folder,
                    const struct archive_limits *limits, struct archive_progress *progress,
                    struct error *err)
{
    struct stat st;
    if (!limits) limits = &archive_limits_default;
    if (fstat(source, &st) != 0) return fs_error(err, "stat", "the bundle");
    bool is_folder = S_ISDIR(st.st_mode);
    if (is_folder && (kind == ARCHIVE_KIND_AUTO || kind == ARCHIVE_KIND_DIRECTORY))
        return archive_copy(source, folder, limits, progress, err) && archive_sync(folder, err);
    if (is_folder || kind == ARCHIVE_KIND_DIRECTORY)
        return error_set(err, ERR_INVALID, "the bundle is %sa folder, but not declared so",
                         is_folder ? "" : "not ");
    if (!S_ISREG(st.st_mode)) return error_set(err, ERR_INVALID, "the bundle is not a file");
    return unpack_archive(source, (uint64_t)st.st_size, kind, folder, limits, progress, err);
}

bool archive_unpack_path(const char *path, enum archive_kind kind, const char *folder,
                         const struct archive_limits *limits, struct archive_progress *progress,
                         struct error *err)
{
    AUTO(auto_close) int source = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (source < 0) return fs_error(err, "open", path);
    return archive_unpack(source, kind, folder, limits, progress, err);
}
