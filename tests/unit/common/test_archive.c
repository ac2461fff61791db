/* Honest bundles: what unzip, tar and cp leave behind, and what push packs. */
#include "bundle/archive.h"
#include "bundles.h"
#include "io/fs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct place {
    char base[64], bundle[80], target[80];
};

static void place_make(struct place *p)
{
    snprintf(p->base, sizeof p->base, "/tmp/meridian-archive-XXXXXX");
    assert_non_null(mkdtemp(p->base));
    snprintf(p->bundle, sizeof p->bundle, "%s/bundle", p->base);
    snprintf(p->target, sizeof p->target, "%s/target", p->base);
}

static void place_remove(const struct place *p)
{
    struct error err;
    assert_true(fs_remove_tree(p->base, &err));
}

static void write_bundle(const struct place *p, const struct buf *b)
{
    struct error err;
    assert_true(fs_write_atomic(p->bundle, buf_bytes(b), 0600, &err));
}

static void unpack(const struct place *p, enum archive_kind kind, struct archive_progress *progress)
{
    struct error err = { 0 };
    if (!archive_unpack_path(p->bundle, kind, p->target, NULL, progress, &err))
        fail_msg("%s", err.text);
}

static struct stat look(const struct place *p, const char *name)
{
    struct stat st;
    char path[FS_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", p->target, name);
    if (lstat(path, &st) != 0) fail_msg("%s is missing", name);
    return st;
}

static void holds(const struct place *p, const char *name, const char *text)
{
    char path[FS_PATH_MAX];
    struct error err;
    AUTO(buf_deinit) struct buf b = { .max = BUNDLE_MAX };
    snprintf(path, sizeof path, "%s/%s", p->target, name);
    if (!fs_read_file(path, &b, &err)) fail_msg("%s", err.text);
    if (!bytes_equal(buf_bytes(&b), bytes_of_text(text))) fail_msg("%s holds other bytes", name);
}

static bool is_there(const struct place *p, const char *name)
{
    char path[FS_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", p->target, name);
    return fs_exists(path);
}

static void kinds_have_the_names_of_deployments(void **state)
{
    (void)state;
    enum archive_kind kind = ARCHIVE_KIND_AUTO;
    struct error err;
    assert_false(archive_kind_parse("rar", &kind, &err));
    assert_true(archive_kind_parse("tgz", &kind, &err));
    assert_int_equal(kind, ARCHIVE_KIND_TGZ);
    assert_true(archive_kind_parse("directory", &kind, &err));
    assert_int_equal(kind, ARCHIVE_KIND_DIRECTORY);
}

static void a_missing_bundle_or_a_full_folder_is_told(void **state)
{
    (void)state;
    struct place p;
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf tar = { .max = BUNDLE_MAX };
    place_make(&p);
    assert_false(archive_unpack_path(p.bundle, ARCHIVE_KIND_TAR, p.target, NULL, NULL, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    tar_entry(&tar, '0', "a", "", 0644, "x", 1);
    tar_end(&tar);
    write_bundle(&p, &tar);
    assert_false(archive_unpack_path(p.bundle, ARCHIVE_KIND_TAR, p.base, NULL, NULL, &err));
    assert_int_equal(err.code, ERR_FATAL);
    assert_true(fs_make_folders(p.target, 0755, &err));
    unpack(&p, ARCHIVE_KIND_TAR, NULL);
    place_remove(&p);
}

static void tar_keeps_modes_times_owners_and_hard_links(void **state)
{
    (void)state;
    struct place p;
    struct archive_progress progress;
    AUTO(buf_deinit) struct buf tar = { .max = BUNDLE_MAX };
    place_make(&p);
    tar_entry(&tar, '0', "bin/run", "", 0755, "run", 3);
    tar_entry(&tar, '0', "conf/secret", "", 0600, "s", 1);
    tar_entry(&tar, '5', "locked/", "", 0500, "", 0);
    tar_entry(&tar, '0', "locked/in", "", 0444, "in", 2);
    tar_entry(&tar, '1', "hard", "bin/run", 0755, "", 0);
    tar_entry(&tar, '2', "soft", "no/such", 0777, "", 0);
    tar_entry(&tar, '0', "suid", "", 06755, "", 0);
    tar_entry(&tar, '5', "sgid", "", 03775, "", 0);
    tar_end(&tar);
    write_bundle(&p, &tar);
    unpack(&p, ARCHIVE_KIND_TAR, &progress);
    struct stat run = look(&p, "bin/run"), hard = look(&p, "hard"), soft = look(&p, "soft");
    assert_int_equal(run.st_mode & 07777, 0755);
    assert_int_equal(run.st_mtime, 1000000000);
    assert_true(run.st_ino == hard.st_ino);
    assert_true(S_ISLNK(soft.st_mode));
    assert_int_equal(look(&p, "conf/secret").st_mode & 07777, 0600);
    assert_int_equal(look(&p, "locked").st_mode & 07777, 0500);
    assert_int_equal(look(&p, "locked").st_mtime, 1000000000);
    assert_int_equal(look(&p, "suid").st_mode & 07777, 0755);
    assert_int_equal(look(&p, "sgid").st_mode & 07777, 01775);
    assert_int_equal(look(&p, "conf").st_mode & 07777, 0755);
    uid_t owner = geteuid() == 0 ? 65534 : geteuid();
    assert_int_equal(run.st_uid, owner);
    assert_int_equal(soft.st_uid, owner);
    assert_int_equal(look(&p, "locked").st_uid, owner);
    holds(&p, "locked/in", "in");
    assert_int_equal(progress.entries, 8);
    assert_int_equal(progress.bytes, 6);
    assert_int_equal(progress.source_bytes, progress.source_bytes_total);
    place_remove(&p);
}

static void of_two_files_with_one_name_the_later_stays(void **state)
{
    (void)state;
    struct place p;
    AUTO(buf_deinit) struct buf tar = { .max = BUNDLE_MAX };
    place_make(&p);
    tar_entry(&tar, '0', "a", "", 0644, "first", 5);
    tar_entry(&tar, '1', "b", "a", 0644, "", 0);
    tar_entry(&tar, '0', "a", "", 0600, "2nd", 3);
    tar_entry(&tar, '5', "d", "", 0700, "", 0);
    tar_entry(&tar, '5', "d/", "", 0711, "", 0);
    tar_end(&tar);
    write_bundle(&p, &tar);
    unpack(&p, ARCHIVE_KIND_AUTO, NULL);
    holds(&p, "a", "2nd");
    holds(&p, "b", "first");
    assert_int_equal(look(&p, "d").st_mode & 07777, 0711);
    place_remove(&p);
}

static void zip_keeps_modes_and_has_defaults_without_them(void **state)
{
    (void)state;
    struct place p;
    AUTO(buf_deinit) struct buf zip = { .max = BUNDLE_MAX };
    place_make(&p);
    zip_write(&zip,
              (struct zip_entry[]){
                  { .name = "run", .data = "x", .system = 3, .mode = S_IFREG | 0755 },
                  { .name = "shared", .data = "x", .system = 3, .mode = S_IFREG | 0664 },
                  { .name = "dir/", .data = "", .system = 3, .mode = S_IFDIR | 0750 },
                  { .name = "l", .data = "run", .system = 3, .mode = S_IFLNK | 0777 },
                  { .name = "dos", .data = "x" },
                  { .name = "dosdir/", .data = "" },
                  { .name = "win\\sub\\f", .data = "y" },
                  { .name = "keep\\this", .data = "z", .system = 3, .mode = S_IFREG | 0644 },
                  { .name = "e\xcc\x81",
                    .data = "nfd",
                    .system = 3,
                    .mode = S_IFREG | 0644,
                    .flags = 0x800 },
                  { .name = "\xe9", .data = "latin", .system = 3, .mode = S_IFREG | 0644 },
              },
              10);
    write_bundle(&p, &zip);
    unpack(&p, ARCHIVE_KIND_ZIP, NULL);
    char path[FS_PATH_MAX], target[16] = "";
    snprintf(path, sizeof path, "%s/l", p.target);
    assert_int_equal(readlink(path, target, sizeof target - 1), 3);
    assert_string_equal(target, "run");
    assert_int_equal(look(&p, "run").st_mode & 07777, 0755);
    assert_int_equal(look(&p, "shared").st_mode & 07777, 0664);
    assert_int_equal(look(&p, "dir").st_mode & 07777, 0750);
    assert_int_equal(look(&p, "dos").st_mode & 07777, 0644);
    assert_int_equal(look(&p, "dosdir").st_mode & 07777, 0755);
    assert_int_equal(look(&p, "dos").st_uid, geteuid());
    holds(&p, "win/sub/f", "y");
    holds(&p, "keep\\this", "z");
    holds(&p, "e\xcc\x81", "nfd");
    holds(&p, "\xe9", "latin");
    place_remove(&p);
}

static la_ssize_t collect(struct archive *a, void *context, const void *data, size_t len)
{
    (void)a;
    put_bytes(context, data, len);
    return (la_ssize_t)len;
}

static void compress(int (*filter)(struct archive *), const struct buf *in, struct buf *out)
{
    struct archive *a = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    assert_int_equal(filter(a), ARCHIVE_OK);
    assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
    assert_int_equal(archive_write_set_bytes_in_last_block(a, 1), ARCHIVE_OK);
    assert_int_equal(archive_write_open(a, out, NULL, collect, NULL), ARCHIVE_OK);
    archive_entry_set_filetype(e, AE_IFREG);
    assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
    assert_int_equal(archive_write_data(a, in->data, in->len), (la_ssize_t)in->len);
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    archive_entry_free(e);
}

static void every_compression_of_tar_is_recognised(void **state)
{
    (void)state;
    static int (*const filters[])(struct archive *) = {
        archive_write_add_filter_none, archive_write_add_filter_gzip, archive_write_add_filter_zstd,
        archive_write_add_filter_xz, archive_write_add_filter_bzip2
    };
    AUTO(buf_deinit) struct buf tar = { .max = BUNDLE_MAX };
    tar_entry(&tar, '0', "a", "", 0644, "text", 4);
    tar_end(&tar);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct place p;
        AUTO(buf_deinit) struct buf packed = { .max = BUNDLE_MAX };
        place_make(&p);
        compress(filters[i], &tar, &packed);
        write_bundle(&p, &packed);
        unpack(&p, i % 2 ? ARCHIVE_KIND_TAR : ARCHIVE_KIND_AUTO, NULL);
        holds(&p, "a", "text");
        place_remove(&p);
    }
}

/* The names of a tar, whose files are empty, and the folder that must not be there afterwards. */
static void lifts(const char *const *names, const char *gone, const char *there)
{
    struct place p;
    AUTO(buf_deinit) struct buf tar = { .max = BUNDLE_MAX };
    place_make(&p);
    for (; *names; names++) tar_entry(&tar, '0', *names, "", 0644, "", 0);
    tar_end(&tar);
    write_bundle(&p, &tar);
    unpack(&p, ARCHIVE_KIND_TAR, NULL);
    if (is_there(&p, gone)) fail_msg("%s is still there", gone);
    if (!is_there(&p, there)) fail_msg("%s is missing", there);
    place_remove(&p);
}

static void a_lone_top_folder_is_stripped_only_with_an_appspec(void **state)
{
    (void)state;
    lifts((const char *const[]){ "proj-1/appspec.yml", "proj-1/proj-1/x", NULL }, "appspec",
          "proj-1/x");
    lifts((const char *const[]){ "proj/My-AppSpec.txt", "proj/x", NULL }, "proj", "x");
    lifts((const char *const[]){ "proj/deploy/appspec.yml", NULL }, "deploy", "proj/deploy");
    lifts((const char *const[]){ "proj/appspec.yml", "other", NULL }, "appspec.yml", "other");
    lifts((const char *const[]){ "appspec.yml", NULL }, "x", "appspec.yml");
}

static void a_folder_is_copied_with_modes_less_the_umask(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    char path[FS_PATH_MAX];
    place_make(&p);
    snprintf(path, sizeof path, "%s/in", p.bundle);
    assert_true(fs_make_folders(path, 0755, &err));
    snprintf(path, sizeof path, "%s/in/f", p.bundle);
    assert_true(fs_write_atomic(path, bytes_of_text("text"), 0600, &err));
    assert_int_equal(chmod(path, 04777), 0);
    snprintf(path, sizeof path, "%s/l", p.bundle);
    assert_int_equal(symlink("in/f", path), 0);
    mode_t mask = umask(027);
    unpack(&p, ARCHIVE_KIND_DIRECTORY, NULL);
    umask(mask);
    holds(&p, "in/f", "text");
    assert_int_equal(look(&p, "in/f").st_mode & 07777, 04750);
    assert_true(S_ISLNK(look(&p, "l").st_mode));
    assert_true(fs_remove_tree(p.target, &err));
    assert_false(archive_unpack_path(p.bundle, ARCHIVE_KIND_ZIP, p.target, NULL, NULL, &err));
    snprintf(path, sizeof path, "%s/in/pipe", p.bundle);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(archive_unpack_path(p.bundle, ARCHIVE_KIND_AUTO, p.target, NULL, NULL, &err));
    assert_non_null(strstr(err.text, "'in/pipe' in the bundle is refused"));
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/in/target", p.bundle);
    assert_false(archive_unpack_path(p.bundle, ARCHIVE_KIND_AUTO, path, NULL, NULL, &err));
    assert_non_null(strstr(err.text, "holds the folder it is copied to"));
    place_remove(&p);
}

static void holes_stay_holes(void **state)
{
    (void)state;
    struct place p;
    AUTO(buf_deinit) struct buf tar = { .max = BUNDLE_MAX };
    place_make(&p);
    /* GNU sparse 1.0: the map stands in front of the data, the size in a pax record. */
    static const char pax[] = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
                              "25 GNU.sparse.name=holes\n31 GNU.sparse.realsize=1048576\n";
    tar_entry(&tar, 'x', "pax", "", 0644, pax, sizeof pax - 1);
    char body[TAR_BLOCK + 4] = "1\n524288\n4\n";
    memcpy(body + TAR_BLOCK, "data", 4);
    tar_entry(&tar, '0', "GNUSparseFile.0/holes", "", 0644, body, sizeof body);
    tar_end(&tar);
    write_bundle(&p, &tar);
    unpack(&p, ARCHIVE_KIND_TAR, NULL);
    struct stat st = look(&p, "holes");
    assert_int_equal(st.st_size, 1048576);
    assert_true(st.st_blocks < 1024);
    place_remove(&p);
}

static int pack(const struct place *p, int64_t time_s, const char *folder, struct buf *out,
                struct error *err)
{
    AUTO(auto_close) int fd = open(p->bundle, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    if (!archive_pack_zip(folder, fd, time_s, NULL, NULL, err)) return -1;
    assert_true(fs_read_file(p->bundle, out, err));
    return 0;
}

static void packing_is_reproducible_and_unpacks_to_the_same(void **state)
{
    (void)state;
    struct place p, q;
    struct error err = { 0 };
    char path[FS_PATH_MAX];
    AUTO(buf_deinit) struct buf one = { .max = BUNDLE_MAX };
    AUTO(buf_deinit) struct buf two = { .max = BUNDLE_MAX };
    place_make(&p);
    place_make(&q);
    snprintf(path, sizeof path, "%s/b/empty", q.base);
    assert_true(fs_make_folders(path, 0700, &err));
    snprintf(path, sizeof path, "%s/b/\xc3\xa9.sh", q.base);
    assert_true(fs_write_atomic(path, bytes_of_text("#!/bin/sh\n"), 0750, &err));
    snprintf(path, sizeof path, "%s/a", q.base);
    assert_int_equal(symlink("b", path), 0);
    assert_int_equal(pack(&p, 0, q.base, &one, &err), 0);
    const struct timespec past[2] = { { .tv_sec = 5 }, { .tv_sec = 5 } };
    snprintf(path, sizeof path, "%s/b/\xc3\xa9.sh", q.base);
    assert_int_equal(utimensat(AT_FDCWD, path, past, 0), 0);
    assert_int_equal(pack(&p, 0, q.base, &two, &err), 0);
    assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
    buf_clear(&two);
    assert_int_equal(pack(&p, 1000000000, q.base, &two, &err), 0);
    unpack(&p, ARCHIVE_KIND_ZIP, NULL);
    assert_int_equal(look(&p, "b/\xc3\xa9.sh").st_mode & 07777, 0750);
    assert_int_equal(look(&p, "b/\xc3\xa9.sh").st_mtime, 1000000000);
    assert_int_equal(look(&p, "b/empty").st_mode & 07777, 0700);
    assert_true(S_ISLNK(look(&p, "a").st_mode));
    holds(&p, "b/\xc3\xa9.sh", "#!/bin/sh\n");
    snprintf(path, sizeof path, "%s/b/pipe", q.base);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pack(&p, 0, q.base, &two, &err), -1);
    assert_non_null(strstr(err.text, "'b/pipe' is a device, fifo or socket"));
    place_remove(&p);
    place_remove(&q);
}

static void a_zip_made_inside_its_folder_does_not_hold_itself(void **state)
{
    (void)state;
    struct place p;
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf out = { .max = BUNDLE_MAX };
    place_make(&p);
    assert_int_equal(pack(&p, 0, p.base, &out, &err), 0);
    assert_true(out.len < 100);
    place_remove(&p);
}

static void a_full_disk_says_what_is_needed(void **state)
{
    (void)state;
    struct place p;
    struct error err = { 0 };
    AUTO(buf_deinit) struct buf tar = { .max = BUNDLE_MAX };
    AUTO(buf_deinit) struct buf zip = { .max = BUNDLE_MAX };
    AUTO(auto_free) char *big = xcalloc((1 << 20) + 1, 1);
    place_make(&p);
    assert_true(fs_make_folders(p.target, 0755, &err));
    if (mount("none", p.target, "tmpfs", 0, "size=256k") != 0) {
        place_remove(&p);
        print_message("skipped: a small file system cannot be mounted: %s\n", strerror(errno));
        skip();
    }
    tar_entry(&tar, '0', "a", "", 0644, big, 1 << 20);
    tar_end(&tar);
    write_bundle(&p, &tar);
    bool tar_ok = archive_unpack_path(p.bundle, ARCHIVE_KIND_TAR, p.target, NULL, NULL, &err);
    enum error_code tar_code = err.code;
    umount2(p.target, MNT_DETACH);
    assert_int_equal(mount("none", p.target, "tmpfs", 0, "size=256k"), 0);
    memset(big, 'x', 1 << 20);
    zip_write(&zip, &(struct zip_entry){ .name = "a", .data = big }, 1);
    write_bundle(&p, &zip);
    bool zip_ok = archive_unpack_path(p.bundle, ARCHIVE_KIND_ZIP, p.target, NULL, NULL, &err);
    umount2(p.target, MNT_DETACH);
    place_remove(&p);
    assert_false(tar_ok);
    assert_int_equal(tar_code, ERR_NO_SPACE);
    assert_false(zip_ok);
    assert_int_equal(err.code, ERR_NO_SPACE);
    assert_non_null(strstr(err.text, "the bundle needs 1048576 bytes unpacked, 262144 are free"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_have_the_names_of_deployments),
        cmocka_unit_test(a_missing_bundle_or_a_full_folder_is_told),
        cmocka_unit_test(tar_keeps_modes_times_owners_and_hard_links),
        cmocka_unit_test(of_two_files_with_one_name_the_later_stays),
        cmocka_unit_test(zip_keeps_modes_and_has_defaults_without_them),
        cmocka_unit_test(every_compression_of_tar_is_recognised),
        cmocka_unit_test(a_lone_top_folder_is_stripped_only_with_an_appspec),
        cmocka_unit_test(a_folder_is_copied_with_modes_less_the_umask),
        cmocka_unit_test(holes_stay_holes),
        cmocka_unit_test(packing_is_reproducible_and_unpacks_to_the_same),
        cmocka_unit_test(a_zip_made_inside_its_folder_does_not_hold_itself),
        cmocka_unit_test(a_full_disk_says_what_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
