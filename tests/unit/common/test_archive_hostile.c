/* Bundles that mean harm, built here byte by byte: each must be refused or tamed, and nothing
 * outside the folder may change. */
#include "bundle/archive.h"
#include "bundles.h"
#include "io/fs.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct place {
    char base[64], bundle[80], target[80], outside[80], secret[96];
};

static void place_make(struct place *p)
{
    struct error err;
    snprintf(p->base, sizeof p->base, "/tmp/meridian-hostile-XXXXXX");
    assert_non_null(mkdtemp(p->base));
    snprintf(p->bundle, sizeof p->bundle, "%s/bundle", p->base);
    snprintf(p->target, sizeof p->target, "%s/target", p->base);
    snprintf(p->outside, sizeof p->outside, "%s/outside", p->base);
    snprintf(p->secret, sizeof p->secret, "%s/secret", p->outside);
    assert_true(fs_make_folders(p->outside, 0755, &err));
    assert_true(fs_write_atomic(p->secret, bytes_of_text("untouched"), 0600, &err));
}

/* The world outside is as it was: one file of the same text, mode and number of names. */
static void place_check(const struct place *p, const char *what)
{
    struct error err;
    struct stat st;
    AUTO(buf_deinit) struct buf text = { .max = 100 };
    assert_int_equal(stat(p->secret, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    if (st.st_nlink != 1) fail_msg("%s: the secret has another name", what);
    assert_true(fs_read_file(p->secret, &text, &err));
    if (!bytes_equal(buf_bytes(&text), bytes_of_text("untouched"))) fail_msg("%s: written", what);
    assert_int_equal(stat(p->outside, &st), 0);
    assert_int_equal(st.st_nlink, 2);
    assert_int_equal(unlink(p->secret), 0);
    if (rmdir(p->outside) != 0) fail_msg("%s: something was made outside", what);
    assert_true(fs_remove_tree(p->target, &err));
    assert_int_equal(unlink(p->bundle), 0);
    if (rmdir(p->base) != 0) fail_msg("%s: something was made beside the folder", what);
}

static void try_bundle(const char *what, const struct buf *bundle, enum archive_kind kind,
                       const struct archive_limits *limits, const char *expected)
{
    struct place p;
    struct error err = { 0 };
    place_make(&p);
    assert_true(fs_write_atomic(p.bundle, buf_bytes(bundle), 0600, &err));
    bool ok = archive_unpack_path(p.bundle, kind, p.target, limits, NULL, &err);
    if (ok && expected) fail_msg("%s: accepted", what);
    if (!ok && !expected) fail_msg("%s: %s", what, err.text);
    if (expected && !strstr(err.text, expected))
        fail_msg("%s: '%s' lacks '%s'", what, err.text, expected);
    if (!ok) assert_true(err.code == ERR_INVALID || err.code == ERR_CORRUPT);
    for (const char *c = err.text; *c; c++)
        if ((unsigned char)*c < ' ') fail_msg("%s: a control character in the error", what);
    place_check(&p, what);
}

struct item {
    char type; /* of tar: 0 file, 1 hard link, 2 symbolic link, 3 4 device, 5 folder, 6 fifo */
    const char *name, *target;
};

struct hostile {
    const char *expected; /* NULL: accepted, and tamed */
    struct item items[4];
};

#define EVIL   "refused"
#define BELOW  "below a file or a link"
#define TWICE  "with different types"
#define DOTDOT "\"..\" leads out"

static const struct hostile hostiles[] = {
    { DOTDOT, { { '0', "../evil", "" } } },
    { DOTDOT, { { '0', "a/../../evil", "" } } },
    { DOTDOT, { { '0', "a/../b", "" } } },
    { DOTDOT, { { '0', "..", "" } } },
    { DOTDOT, { { '5', "../evil/", "" } } },
    { DOTDOT, { { '5', "a/..", "" } } },
    { DOTDOT, { { '2', "../evil", "x" } } },
    { DOTDOT, { { '0', "./.././evil", "" } } },
    { DOTDOT, { { '0', "a/b/c/../../../../outside/secret", "" } } },
    { "needs a name", { { '0', ".", "" } } },
    { "needs a name", { { '2', "./", "x" } } },
    { EVIL, { { '2', "out", "../outside" }, { '0', "out/secret", "" } } },
    { EVIL, { { '0', "out/secret", "" }, { '2', "out", "../outside" } } },
    { EVIL, { { '2', "out", "../outside" }, { '5', "out/", "" }, { '0', "out/secret", "" } } },
    { EVIL, { { '2', "out", "." }, { '0', "out/a", "" } } },
    /* Two hops: each link looks harmless when it is made. */
    { EVIL, { { '2', "a", "." }, { '2', "a/b", ".." }, { '0', "a/b/evil", "" } } },
    { EVIL, { { '2', "a", "." }, { '2', "a/b", ".." }, { '0', "b/outside/secret", "" } } },
    { EVIL, { { '5', "d", "" }, { '2', "d/up", ".." }, { '0', "d/up/x", "" } } },
    { EVIL, { { '2', "a", "../outside" }, { '2', "a/evil", "x" } } },
    { EVIL, { { '2', "a", "b" }, { '2', "b", "../outside" }, { '0', "a/secret", "" } } },
    { EVIL, { { '2', "a", "../outside/secret" }, { '0', "a", "" } } },
    { EVIL, { { '0', "a", "" }, { '2', "a", "../outside/secret" } } },
    { EVIL, { { '5', "a", "" }, { '2', "a", "../outside" } } },
    { EVIL, { { '2', "a", "../outside" }, { '5', "a", "" } } },
    { TWICE, { { '5', "a", "" }, { '0', "a", "" } } },
    { BELOW, { { '0', "a", "" }, { '5', "a", "" } } },
    { BELOW, { { '0', "a", "" }, { '0', "a/b", "" } } },
    { DOTDOT, { { '1', "a", "../outside/secret" } } },
    { "not in the bundle", { { '1', "a", "/etc/passwd" } } },
    { "not in the bundle", { { '1', "a", "gone" } } },
    { "not in the bundle", { { '1', "a", "a" } } },
    { "hard link to a folder", { { '5', "d", "" }, { '1', "a", "d" } } },
    { EVIL, { { '2', "l", "../outside" }, { '1', "a", "l/secret" } } },
    { "through a file or link", { { '0', "f", "" }, { '1', "a", "f/x" } } },
    { TWICE, { { '0', "f", "" }, { '5', "d", "" }, { '1', "d", "f" } } },
    { EVIL, { { '2', "l", "../outside/secret" }, { '1', "h", "l" }, { '0', "h", "" } } },
    { "device", { { '3', "null", "" } } },
    { "device", { { '4', "disk", "" } } },
    { "fifo", { { '6', "pipe", "" } } },
    { "leads nowhere", { { '2', "a", "" } } },
    /* Odd, and legal. A leading slash is taken off, as tar and unzip do. */
    { NULL, { { '0', "/tmp/meridian-evil", "" } } },
    { NULL, { { '0', "//tmp/meridian-evil", "" } } },
    { NULL, { { '5', "/meridian-evil", "" }, { '0', "/meridian-evil/x", "" } } },
    { NULL, { { '2', "/meridian-evil", "x" } } },
    { NULL, { { '2', "l", "../outside/secret" }, { '1', "h", "l" } } },
    { NULL, { { '2', "a", "b" }, { '2', "b", "a" } } },
    { NULL, { { '2', "a", "/etc/passwd" }, { '2', "a", "x" } } },
    { NULL, { { '0', "README", "" }, { '0', "readme", "" } } },
    { NULL, { { '0', "new\nline", "" }, { '0', " blank ", "" }, { '0', "-rf", "" } } },
    { NULL, { { '0', "a", "" }, { '0', "a", "" }, { '1', "b", "a" }, { '0', "a", "" } } },
    { NULL, { { '5', "./", "" }, { '0', "./a//b/./c", "" }, { '5', "a/b/", "" } } },
    { NULL, { { '0', "..\\evil", "" }, { '0', "...", "" }, { '0', "..a/b..", "" } } },
    { NULL, { { '0', "\x1b[31m\xff", "" } } },
    { DOTDOT, { { '0', "/../evil", "" } } },
    { DOTDOT, { { '0', "\x1b[31m\n/..", "" } } },
};

static void hostile_tars_change_nothing_outside(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostiles / sizeof *hostiles; i++) {
        const struct hostile *h = &hostiles[i];
        AUTO(buf_deinit) struct buf tar = { .max = BUNDLE_MAX };
        char what[64];
        for (size_t k = 0; k < 4 && h->items[k].type; k++)
            tar_entry(&tar, h->items[k].type, h->items[k].name, h->items[k].target, 0644,
                      h->items[k].type == '0' ? "evil" : "", h->items[k].type == '0' ? 4 : 0);
        tar_end(&tar);
        snprintf(what, sizeof what, "tar %zu", i);
        try_bundle(what, &tar, ARCHIVE_KIND_TAR, NULL, h->expected);
    }
}

/* The same as zips, as far as zips have such things. */
static void hostile_zips_change_nothing_outside(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostiles / sizeof *hostiles; i++) {
        const struct hostile *h = &hostiles[i];
        struct zip_entry entries[4] = { 0 };
        size_t count = 0;
        bool expressible = true;
        for (; count < 4 && h->items[count].type; count++) {
            const struct item *item = &h->items[count];
            uint32_t type = item->type == '2'   ? S_IFLNK
                            : item->type == '3' ? S_IFCHR
                            : item->type == '4' ? S_IFBLK
                            : item->type == '5' ? S_IFDIR
                            : item->type == '6' ? S_IFIFO
                                                : S_IFREG;
            expressible = expressible && item->type != '1' && (item->type != '2' || *item->target);
            entries[count] = (struct zip_entry){ .name = item->name,
                                                 .mode = type | 0644,
                                                 .system = 3,
                                                 .data = item->type == '2'   ? item->target
                                                         : item->type == '0' ? "evil"
                                                                             : "" };
        }
        if (!expressible || !strcmp(h->items[0].name, "./")) continue;
        AUTO(buf_deinit) struct buf zip = { .max = BUNDLE_MAX };
        char what[64];
        zip_write(&zip, entries, count);
        snprintf(what, sizeof what, "zip %zu", i);
        try_bundle(what, &zip, ARCHIVE_KIND_ZIP, NULL, h->expected);
    }
}

static void zips_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *expected;
        struct zip_entry entries[2];
    } cases[] = {
        { "..", { { .name = "..\\evil", .data = "x" } } },
        { NULL, { { .name = "\\evil", .data = "x" } } },
        { "differ", { { .name = "../evil", .listed = "harmless", .system = 3, .data = "x" } } },
        { "differ", { { .name = "harmless", .listed = "../evil", .system = 3, .data = "x" } } },
        { "damaged", { { .name = "a", .data = "x", .flags = 1 } } },
        { "damaged", { { .name = "a", .data = "x", .wrong_sum = 1 } } },
        { "damaged", { { .name = "a", .data = "x", .wrong_size = 5 } } },
        { "", { { .name = "a", .data = "x", .wrong_offset = 1 } } },
        { "", { { .name = "a", .data = "x", .wrong_offset = 0x7fffffff } } },
        { "",
          { { .name = "a", .data = "x" }, { .name = "b", .data = "y", .wrong_offset = -32U } } },
        { NULL, { { .name = "dir\\file", .data = "x" }, { .name = "dir\\", .data = "" } } },
        { NULL, { { .name = "\xc3\xa9", .data = "x", .flags = 0x800, .system = 3 } } },
        { NULL, { { .name = "e\xcc\x81", .data = "x", .flags = 0x800, .system = 3 } } },
        { NULL, { { .name = "suid", .data = "x", .system = 3, .mode = S_IFREG | 06755 } } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(buf_deinit) struct buf zip = { .max = BUNDLE_MAX };
        char what[64];
        zip_write(&zip, cases[i].entries, cases[i].entries[1].name ? 2 : 1);
        snprintf(what, sizeof what, "lying zip %zu", i);
        try_bundle(what, &zip, ARCHIVE_KIND_ZIP, NULL, cases[i].expected);
    }
}

static void lists_that_do_not_fit_the_zip_are_refused(void **state)
{
    (void)state;
    for (unsigned field = 0; field < 22; field++) {
        AUTO(buf_deinit) struct buf zip = { .max = BUNDLE_MAX };
        struct place p;
        struct error err = { 0 };
        zip_write(
            &zip,
            (struct zip_entry[]){ { .name = "a", .data = "x" }, { .name = "b", .data = "y" } }, 2);
        zip.data[zip.len - 22 + field] ^= 0xff;
        place_make(&p);
        assert_true(fs_write_atomic(p.bundle, buf_bytes(&zip), 0600, &err));
        (void)!archive_unpack_path(p.bundle, ARCHIVE_KIND_AUTO, p.target, NULL, NULL, &err);
        place_check(&p, "wrong end record");
    }
}

static void long_names_and_depths_are_refused(void **state)
{
    (void)state;
    static char longest[5000], deep[5000];
    memset(longest, 'a', 256);
    for (size_t i = 0; i < 2 * 129; i += 2) memcpy(deep + i, "d/", 2);
    for (int round = 0; round < 4; round++) {
        AUTO(buf_deinit) struct buf tar = { .max = BUNDLE_MAX };
        if (round == 1) longest[255] = '\0';
        if (round == 2) memset(longest, 'a', sizeof longest - 1);
        tar_entry(&tar, round == 2 ? '2' : '0',
                  round == 3   ? deep
                  : round == 2 ? "l"
                               : longest,
                  round == 2 ? longest : "", 0644, "", 0);
        tar_end(&tar);
        static const char *const expected[] = { "name is too long", NULL, "target is too long",
                                                "too many folders deep" };
        try_bundle("long", &tar, ARCHIVE_KIND_TAR, NULL, expected[round]);
    }
}

static void a_long_name_or_pax_header_hides_nothing(void **state)
{
    (void)state;
    AUTO(buf_deinit) struct buf tar = { .max = BUNDLE_MAX };
    tar_long(&tar, 'L', "../evil");
    tar_entry(&tar, '0', "harmless", "", 0644, "x", 1);
    tar_end(&tar);
    try_bundle("long name", &tar, ARCHIVE_KIND_TAR, NULL, DOTDOT);
    buf_clear(&tar);
    static const char pax[] = "16 path=../evil\n25 linkpath=/etc/passwd12\n";
    tar_entry(&tar, 'x', "pax", "", 0644, pax, 16);
    tar_entry(&tar, '0', "harmless", "", 0644, "x", 1);
    tar_end(&tar);
    try_bundle("pax path", &tar, ARCHIVE_KIND_TAR, NULL, DOTDOT);
    buf_clear(&tar);
    tar_entry(&tar, 'x', "pax", "", 0644, "24 linkpath=/etc/passwd\n", 24);
    tar_entry(&tar, '1', "harmless", "b", 0644, "", 0);
    tar_end(&tar);
    try_bundle("pax linkpath", &tar, ARCHIVE_KIND_TAR, NULL, "not in the bundle");
}

static void damaged_tars_are_refused(void **state)
{
    (void)state;
    AUTO(buf_deinit) struct buf tar = { .max = BUNDLE_MAX };
    tar_header(&tar, '0', "a", "", 0644, 5000);
    put_zeros(&tar, 600);
    try_bundle("cut in data", &tar, ARCHIVE_KIND_TAR, NULL, "damaged or cut");
    tar.len = 300;
    try_bundle("cut in header", &tar, ARCHIVE_KIND_TAR, NULL, "");
    tar.len = TAR_BLOCK;
    tar.data[0] = 'b';
    try_bundle("wrong checksum", &tar, ARCHIVE_KIND_TAR, NULL, "declared as tar");
    buf_clear(&tar);
    try_bundle("empty", &tar, ARCHIVE_KIND_AUTO, NULL, "neither zip nor tar");
    put_bytes(&tar, "PK\3\4 this is no zip", 20);
    try_bundle("garbage", &tar, ARCHIVE_KIND_AUTO, NULL, "neither zip nor tar");
    try_bundle("garbage", &tar, ARCHIVE_KIND_ZIP, NULL, "declared as zip");
    buf_clear(&tar);
    put_bytes(&tar, "\x1f\x8b\x08\0\0\0\0\0\0\3garbage", 17);
    try_bundle("gzip of nothing", &tar, ARCHIVE_KIND_TGZ, NULL, "");
    buf_clear(&tar);
    tar_header(&tar, '0', "huge", "", 0644, 0);
    memcpy(tar.data + 124, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
    tar_sum(tar.data);
    tar_end(&tar);
    try_bundle("eight exbibytes", &tar, ARCHIVE_KIND_TAR, NULL, "");
    memcpy(tar.data + 124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf0", 12);
    tar_sum(tar.data);
    try_bundle("negative size", &tar, ARCHIVE_KIND_TAR, NULL, "");
}

static la_ssize_t collect(struct archive *a, void *context, const void *data, size_t len)
{
    (void)a;
    put_bytes(context, data, len);
    return (la_ssize_t)len;
}

/* One gzip member: `head`, then so many zeros. */
static void gzip_zeros(struct buf *out, const struct buf *head, size_t zeros)
{
    struct archive *a = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    AUTO(auto_free) uint8_t *block = xcalloc(1 << 20, 1);
    assert_int_equal(archive_write_add_filter_gzip(a), ARCHIVE_OK);
    assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
    assert_int_equal(archive_write_set_bytes_in_last_block(a, 1), ARCHIVE_OK);
    assert_int_equal(archive_write_open(a, out, NULL, collect, NULL), ARCHIVE_OK);
    archive_entry_set_filetype(e, AE_IFREG);
    assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
    if (head->len) assert_true(archive_write_data(a, head->data, head->len) > 0);
    for (; zeros; zeros -= 1 << 20) assert_true(archive_write_data(a, block, 1 << 20) > 0);
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    archive_entry_free(e);
}

static void ten_gigabytes_of_zeros_in_ten_megabytes_are_refused_early(void **state)
{
    (void)state;
    AUTO(buf_deinit) struct buf bomb = { .max = BUNDLE_MAX };
    AUTO(buf_deinit) struct buf head = { .max = BUNDLE_MAX };
    AUTO(buf_deinit) struct buf none = { .max = 1 };
    AUTO(buf_deinit) struct buf member = { .max = BUNDLE_MAX };
    struct place p;
    struct error err = { 0 };
    struct archive_progress progress;
    tar_header(&head, '0', "zeros", "", 0644, UINT64_C(10) << 30);
    gzip_zeros(&bomb, &head, 0);
    gzip_zeros(&member, &none, 16 << 20);
    for (size_t i = 0; i < 640; i++) put_bytes(&bomb, member.data, member.len);
    assert_true(bomb.len < 11000000);
    place_make(&p);
    assert_true(fs_write_atomic(p.bundle, buf_bytes(&bomb), 0600, &err));
    assert_false(archive_unpack_path(p.bundle, ARCHIVE_KIND_TGZ, p.target, NULL, &progress, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_non_null(strstr(err.text, "more than 250 times its size"));
    assert_true(progress.bytes < UINT64_C(1) << 30);
    place_check(&p, "bomb");
}

static void every_cap_is_kept(void **state)
{
    (void)state;
    AUTO(buf_deinit) struct buf tar = { .max = BUNDLE_MAX };
    struct archive_limits l = archive_limits_default;
    for (int i = 0; i < 5; i++) tar_entry(&tar, '2', "link-of-some-length", "x", 0644, "", 0);
    tar_entry(&tar, '0', "a", "", 0644, "0123456789", 10);
    tar_end(&tar);
    l.entries_max = 5;
    try_bundle("entries", &tar, ARCHIVE_KIND_TAR, &l, "more than 5 entries");
    l.entries_max = 6;
    l.bytes_max = 9;
    try_bundle("bytes", &tar, ARCHIVE_KIND_TAR, &l, "more than 9 bytes");
    l.bytes_max = 10;
    l.names_bytes_max = 300;
    try_bundle("names", &tar, ARCHIVE_KIND_TAR, &l, "too many folders and links");
    l.names_bytes_max = 1 << 20;
    try_bundle("within", &tar, ARCHIVE_KIND_TAR, &l, NULL);
    l.path_max = 4;
    try_bundle("path", &tar, ARCHIVE_KIND_TAR, &l, "too long");
    AUTO(buf_deinit) struct buf zip = { .max = BUNDLE_MAX };
    zip_write(&zip,
              (struct zip_entry[]){ { .name = "a", .data = "x" }, { .name = "b", .data = "y" } },
              2);
    l = archive_limits_default;
    l.entries_max = 1;
    try_bundle("zip entries", &zip, ARCHIVE_KIND_ZIP, &l, "more than 1 entries");
    l.entries_max = 2;
    l.names_bytes_max = 10;
    try_bundle("zip names", &zip, ARCHIVE_KIND_ZIP, &l, "too long a list of names");
}

static void declared_kinds_are_believed_only_if_true(void **state)
{
    (void)state;
    AUTO(buf_deinit) struct buf tar = { .max = BUNDLE_MAX };
    AUTO(buf_deinit) struct buf zip = { .max = BUNDLE_MAX };
    tar_entry(&tar, '0', "a", "", 0644, "x", 1);
    tar_end(&tar);
    zip_write(&zip, &(struct zip_entry){ .name = "a", .data = "x" }, 1);
    try_bundle("plain tar as tgz", &tar, ARCHIVE_KIND_TGZ, NULL, "declared as tgz");
    try_bundle("tar as zip", &tar, ARCHIVE_KIND_ZIP, NULL, "declared as zip");
    try_bundle("zip as tar", &zip, ARCHIVE_KIND_TAR, NULL, "declared as tar");
    try_bundle("zip as tgz", &zip, ARCHIVE_KIND_TGZ, NULL, "declared as tgz");
    try_bundle("file as folder", &zip, ARCHIVE_KIND_DIRECTORY, NULL, "not a folder");
    try_bundle("zip", &zip, ARCHIVE_KIND_AUTO, NULL, NULL);
    try_bundle("tar", &tar, ARCHIVE_KIND_AUTO, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_tars_change_nothing_outside),
        cmocka_unit_test(hostile_zips_change_nothing_outside),
        cmocka_unit_test(zips_that_lie_are_refused),
        cmocka_unit_test(lists_that_do_not_fit_the_zip_are_refused),
        cmocka_unit_test(long_names_and_depths_are_refused),
        cmocka_unit_test(a_long_name_or_pax_header_hides_nothing),
        cmocka_unit_test(damaged_tars_are_refused),
        cmocka_unit_test(ten_gigabytes_of_zeros_in_ten_megabytes_are_refused_early),
        cmocka_unit_test(every_cap_is_kept),
        cmocka_unit_test(declared_kinds_are_believed_only_if_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
