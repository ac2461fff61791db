#include "bundle/archive_zip.h"
#include "io/fs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Sizes and signatures of PKWARE's APPNOTE 6.3, sections 4.3.12 to 4.3.16. */
enum {
    END_SIZE = 22,
    COMMENT_MAX = 65535,
    END64_LOCATOR_SIZE = 20,
    END64_SIZE = 56,
    ENTRY_SIZE = 46,
    EXTRA_ZIP64 = 1,
    SYSTEM_DOS = 0,
    SYSTEM_UNIX = 3,
    SYSTEM_NTFS = 10,
    DOS_READ_ONLY = 1,
    UNIX_MODE_SHIFT = 16
};
static const uint32_t end_mark = 0x06054b50, locator_mark = 0x07064b50, end64_mark = 0x06064b50,
                      entry_mark = 0x02014b50, full32 = 0xffffffff;

static uint64_t number(const uint8_t *p, size_t len)
{
    uint64_t value = 0;
    while (len--) value = value << 8 | p[len];
    return value;
}

struct directory {
    uint64_t offset, size, count;
};

/* Where the 64-bit end record says that the directory is, if there is one. */
static bool find_end64(int fd, const uint8_t *locator, struct directory *out)
{
    uint8_t end[END64_SIZE];
    size_t got = 0;
    struct error err;
    if (number(locator, 4) != locator_mark) return false;
    if (!fs_pread_full(fd, end, sizeof end, number(locator + 8, 8), &got, &err)) return false;
    if (got < sizeof end || number(end, 4) != end64_mark) return false;
    *out = (struct directory){ .count = number(end + 32, 8),
                               .size = number(end + 40, 8),
                               .offset = number(end + 48, 8) };
    return true;
}

static bool find_directory(int fd, uint64_t size, struct directory *out)
{
    enum { TAIL_MAX = END_SIZE + COMMENT_MAX + END64_LOCATOR_SIZE };
    size_t len = size < TAIL_MAX ? (size_t)size : TAIL_MAX, got = 0;
    struct error err;
    AUTO(auto_free) uint8_t *tail = xcalloc(len + 1, 1);
    if (!fs_pread_full(fd, tail, len, size - len, &got, &err) || got < len) return false;
    for (size_t at = len < END_SIZE ? 0 : len - END_SIZE + 1; at-- > 0;) {
        const uint8_t *end = tail + at;
        if (number(end, 4) != end_mark) continue;
        *out = (struct directory){ .count = number(end + 10, 2),
                                   .size = number(end + 12, 4),
                                   .offset = number(end + 16, 4) };
        if (at >= END64_LOCATOR_SIZE) (void)find_end64(fd, end - END64_LOCATOR_SIZE, out);
        return true;
    }
    return false;
}

/* Replaces fields that say "look into the zip64 extra field". */
static bool zip64(const uint8_t *extra, size_t len, uint64_t *size, uint64_t packed,
                  uint64_t *header)
{
    while (len >= 4) {
        size_t id = (size_t)number(extra, 2), part = (size_t)number(extra + 2, 2);
        if (part > len - 4) return false;
        const uint8_t *p = extra + 4, *end = p + part;
        if (id == EXTRA_ZIP64) {
            if (*size == full32) {
                if (end - p < 8) return false;
                *size = number(p, 8);
                p += 8;
            }
            if (packed == full32) p += end - p < 8 ? end - p : 8;
            if (*header == full32) {
                if (end - p < 8) return false;
                *header = number(p, 8);
            }
            return true;
        }
        extra = end;
        len -= part + 4;
    }
    return true;
}

/* Names of DOS archives without any slash use backslashes, as unzip has it. */
static void copy_name(char *to, const uint8_t *from, size_t len, unsigned system)
{
    memcpy(to, from, len);
    to[len] = '\0';
    if ((system != SYSTEM_DOS && system != SYSTEM_NTFS) || memchr(from, '/', len)) return;
    for (char *p = to; *p; p++)
        if (*p == '\\') *p = '/';
}

static bool read_entries(struct archive_zip *zip, size_t size)
{
    const uint8_t *p = zip->directory, *end = p + size;
    char *name = zip->names;
    for (size_t i = 0; i < zip->count; i++) {
        if ((size_t)(end - p) < ENTRY_SIZE || number(p, 4) != entry_mark) return false;
        size_t name_len = (size_t)number(p + 28, 2), extra_len = (size_t)number(p + 30, 2);
        size_t whole = ENTRY_SIZE + name_len + extra_len + (size_t)number(p + 32, 2);
        if ((size_t)(end - p) < whole) return false;
        if (memchr(p + ENTRY_SIZE, 0, name_len)) return false;
        uint64_t bytes = number(p + 24, 4), header = number(p + 42, 4);
        if (!zip64(p + ENTRY_SIZE + name_len, extra_len, &bytes, number(p + 20, 4), &header))
            return false;
        unsigned system = p[5];
        uint32_t external = (uint32_t)number(p + 38, 4);
        copy_name(name, p + ENTRY_SIZE, name_len, system);
        bool has_mode = system == SYSTEM_UNIX && external >> UNIX_MODE_SHIFT != 0;
        mode_t type = has_mode ? (external >> UNIX_MODE_SHIFT) & S_IFMT : 0;
        zip->entries[i] =
            (struct archive_zip_entry){ .name = name,
                                        .header = header,
                                        .has_unix_mode = has_mode,
                                        .is_read_only = (external & DOS_READ_ONLY) != 0,
                                        .is_special = type && !S_ISREG(type) && !S_ISDIR(type) &&
                                                      !S_ISLNK(type) };
        zip->bytes = bytes > UINT64_MAX - zip->bytes ? UINT64_MAX : zip->bytes + bytes;
        name += name_len + 1;
        p += whole;
    }
    return true;
}

static int by_header(const void *a, const void *b)
{
    const struct archive_zip_entry *x = a, *y = b;
    return x->header < y->header ? -1 : x->header > y->header;
}

bool archive_zip_read(int fd, uint64_t size, const struct archive_limits *limits,
                      struct archive_zip *out, bool *found, struct error *err)
{
    struct directory d;
    size_t got = 0;
    *out = (struct archive_zip){ 0 };
    if (!find_directory(fd, size, &d)) return true;
    if (d.count > limits->entries_max)
        return error_set(err, ERR_INVALID, "the bundle is refused: more than %llu entries",
                         (unsigned long long)limits->entries_max);
    if (d.size > size || d.offset > size - d.size || d.size / ENTRY_SIZE < d.count) return true;
    if (d.size > limits->names_bytes_max)
        return error_set(err, ERR_INVALID, "the bundle is refused: too long a list of names");
    out->count = (size_t)d.count;
    out->directory = xcalloc((size_t)d.size + 1, 1);
    out->names = xcalloc((size_t)d.size + 1, 1);
    out->entries = xcalloc(out->count + 1, sizeof *out->entries);
    if (!fs_pread_full(fd, out->directory, (size_t)d.size, d.offset, &got, err)) return false;
    if (got < d.size || !read_entries(out, got)) return true;
    qsort(out->entries, out->count, sizeof *out->entries, by_header);
    *found = true;
    return true;
}

void archive_zip_deinit(struct archive_zip *zip)
{
    if (!zip) return;
    free(zip->entries);
    free(zip->directory);
    free(zip->names);
    *zip = (struct archive_zip){ 0 };
}
