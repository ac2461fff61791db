/* Install on a real file system: what is there afterwards, whatever happened in between. */
#include "place.h"

#include "steps/install/install.h"
#include "steps/install/journal.h"
#include "steps/install/manifest.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#define HEAD "version: 0.0\nos: linux\n"
#define TREE HEAD "files:\n- {source: t, destination: @/app}\n"

static bool install(struct place *p, const char *appspec, struct error *err)
{
    place_revision(p, "appspec.yml", appspec, 0644);
    return install_run(&p->step, err);
}

static void installs(struct place *p, const char *appspec)
{
    struct error err;
    if (!install(p, appspec, &err)) fail_msg("%s", err.text);
}

static bool clean(const struct place *p)
{
    AUTO(auto_free) char *all = place_snapshot(p, "app");
    return !strstr(all, ".meridian-") && !place_has(p, "host/deployment-instructions/dg-1.journal");
}

static void a_failed_install_changes_nothing(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    place_make(&p);
    place_revision(&p, "t/a", "one", 0644);
    place_revision(&p, "t/d/b", "two", 0644);
    installs(&p, TREE);
    AUTO(auto_free) char *before = place_snapshot(&p, "app");
    place_deployment(&p, 2);
    place_revision(&p, "t/a", "new", 0644);
    place_write(&p, "app/user", "by hand", 0600);
    place_revision(&p, "t/user", "ours", 0644);
    assert_false(install(&p, TREE, &err));
    assert_int_equal(unlink(place_path(&p, "app/user")), 0);
    AUTO(auto_free) char *after = place_snapshot(&p, "app");
    assert_string_equal(before, after);
    assert_true(clean(&p));
    place_remove(&p);
}

static void a_failure_while_staging_removes_what_was_staged(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    place_make(&p);
    place_revision(&p, "t/a", "one", 0644);
    place_revision(&p, "t/new/b", "two", 0644);
    p.step.stop = STEP_CANCELLED;
    AUTO(auto_free) char *before = place_snapshot(&p, "app");
    assert_false(install(&p, TREE, &err));
    assert_string_equal(err.text, "cancelled");
    AUTO(auto_free) char *after = place_snapshot(&p, "app");
    assert_string_equal(before, after);
    assert_true(clean(&p));
    place_remove(&p);
}

static void a_disk_without_room_is_told_before_anything_is_staged(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    place_make(&p);
    AUTO(auto_free) char *big = xcalloc((1 << 20) + 1, 1);
    memset(big, 'x', 1 << 20);
    place_revision(&p, "t/big", big, 0644);
    place_revision(&p, "t/small", "1", 0644);
    if (mount("none", place_path(&p, "app"), "tmpfs", 0, "size=256k") != 0) {
        place_remove(&p);
        print_message("skipped: a small file system cannot be mounted: %s\n", strerror(errno));
        skip();
    }
    place_write(&p, "app/mine", "by hand", 0644);
    AUTO(auto_free) char *before = place_snapshot(&p, "app");
    bool ok = install(&p, TREE, &err);
    AUTO(auto_free) char *after = place_snapshot(&p, "app");
    bool is_clean = clean(&p);
    umount2(place_path(&p, "app"), MNT_DETACH);
    place_remove(&p);
    assert_false(ok);
    assert_int_equal(err.code, ERR_NO_SPACE);
    assert_non_null(strstr(err.text, "bytes free, and 1052672 are needed"));
    assert_string_equal(before, after);
    assert_true(is_clean);
}

static void only_what_the_old_revision_had_is_removed(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    place_revision(&p, "t/a", "1", 0644);
    place_revision(&p, "t/gone/b", "1", 0644);
    place_revision(&p, "t/kept/c", "1", 0644);
    installs(&p, TREE);
    place_write(&p, "app/kept/user", "u", 0600);
    place_deployment(&p, 2);
    place_revision(&p, "t/a", "2", 0600);
    installs(&p, TREE);
    assert_string_equal(place_read(&p, "app/a"), "2");
    assert_int_equal(place_stat(&p, "app/a").st_mode & 07777, 0600);
    assert_false(place_has(&p, "app/gone"));
    assert_false(place_has(&p, "app/kept/c"));
    assert_string_equal(place_read(&p, "app/kept/user"), "u");
    assert_true(clean(&p));
    place_remove(&p);
}

static void files_and_folders_may_change_places(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    place_revision(&p, "t/x", "file", 0644);
    place_revision(&p, "t/y/deep/z", "folder", 0644);
    installs(&p, TREE);
    place_deployment(&p, 2);
    place_revision(&p, "t/x/in", "folder now", 0644);
    place_revision(&p, "t/y", "file now", 0644);
    installs(&p, TREE);
    assert_string_equal(place_read(&p, "app/x/in"), "folder now");
    assert_string_equal(place_read(&p, "app/y"), "file now");
    place_deployment(&p, 3);
    place_revision(&p, "t/x", "file again", 0644);
    place_revision_link(&p, "x", "t/y");
    installs(&p, TREE);
    assert_string_equal(place_read(&p, "app/y"), "file again");
    place_remove(&p);
}

/* The folder that the old names went through is a link now: what it leads to is not ours. */
static void removal_never_follows_a_link_of_the_new_revision(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    place_write(&p, "precious/b", "keep", 0600);
    place_revision(&p, "t/d/b", "1", 0644);
    installs(&p, TREE);
    place_deployment(&p, 2);
    place_revision(&p, "t/a", "2", 0644);
    place_revision_link(&p, "../precious/b", "t/d");
    installs(&p, TREE);
    assert_string_equal(place_read(&p, "precious/b"), "keep");
    place_remove(&p);
}

static void installing_again_changes_nothing(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    place_revision(&p, "t/a", "1", 0644);
    place_revision(&p, "t/d/b", "1", 04755);
    const char *appspec = TREE "permissions:\n- {object: @/app, pattern: a, mode: 600}\n"
                               "- {object: @/app, pattern: d, mode: 700}\n";
    installs(&p, appspec);
    AUTO(auto_free) char *first = place_snapshot(&p, "app");
    installs(&p, appspec);
    AUTO(auto_free) char *second = place_snapshot(&p, "app");
    assert_string_equal(first, second);
    assert_int_equal(place_stat(&p, "app/d").st_mode & 07777, 0700);
    place_remove(&p);
}

static void a_folder_made_anew_loses_its_old_permissions(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    place_revision(&p, "t/d/b", "1", 0644);
    installs(&p, TREE "permissions:\n- {object: @/app, pattern: d, mode: 700, acls: "
                      "['u:root:rwx', 'd:u:root:rwx']}\n");
    assert_true(getxattr(place_path(&p, "app/d"), "system.posix_acl_default", NULL, 0) > 0);
    place_deployment(&p, 2);
    place_revision(&p, "t/d/b", "2", 0644);
    installs(&p, TREE);
    assert_int_equal(place_stat(&p, "app/d").st_mode & 07777, 0755);
    assert_true(getxattr(place_path(&p, "app/d"), "system.posix_acl_default", NULL, 0) < 0);
    assert_true(getxattr(place_path(&p, "app/d"), "system.posix_acl_access", NULL, 0) < 0);
    place_remove(&p);
}

static void a_set_user_id_bit_stays_with_a_declared_owner_only(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: giving files away needs root\n");
        skip();
    }
    struct place p;
    place_make(&p);
    place_revision(&p, "t/a", "1", 0644);
    place_revision(&p, "t/b", "1", 0644);
    installs(&p, TREE "permissions:\n- {object: @/app, pattern: a, mode: 4755, owner: nobody}\n"
                      "- {object: @/app, pattern: b, mode: 4755, group: nogroup}\n");
    assert_int_equal(place_stat(&p, "app/a").st_mode & 07777, 04755);
    assert_int_equal(place_stat(&p, "app/b").st_mode & 07777, 0755);
    place_remove(&p);
}

static void the_times_of_files_are_kept(void **state)
{
    (void)state;
    struct place p;
    const struct timespec times[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
    place_make(&p);
    place_revision(&p, "t/a", "1", 0644);
    assert_int_equal(utimensat(AT_FDCWD,
                               place_path(&p, "host/dg-1/d-000000001/deployment-archive/t/a"),
                               times, 0),
                     0);
    installs(&p, TREE);
    assert_int_equal(place_stat(&p, "app/a").st_mtim.tv_sec, 1000000000);
    place_remove(&p);
}

static void an_unknown_owner_fails_after_the_files_are_there(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    place_make(&p);
    place_revision(&p, "t/a", "1", 0644);
    assert_false(install(
        &p, TREE "permissions:\n- {object: @/app, mode: 600, owner: nobody-of-that-name}\n", &err));
    assert_non_null(strstr(err.text, "no user 'nobody-of-that-name'"));
    assert_int_equal(place_stat(&p, "app/a").st_mode & 07777, 0600);
    place_deployment(&p, 2);
    place_folder(&p, "host/dg-1/d-000000002/deployment-archive/t");
    installs(&p, TREE);
    assert_false(place_has(&p, "app/a"));
    place_remove(&p);
}

static void overwriting_keeps_the_link_and_writes_its_file(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    place_write(&p, "real", "by hand", 0600);
    place_link(&p, "../real", "app/a");
    place_revision(&p, "t/a", "ours", 0644);
    installs(&p, TREE "file_exists_behavior: OVERWRITE\n");
    assert_true(S_ISLNK(place_stat(&p, "app/a").st_mode));
    assert_string_equal(place_read(&p, "real"), "ours");
    /* The clean-up knows the link by its name, as the agent's does. */
    place_deployment(&p, 2);
    place_folder(&p, "host/dg-1/d-000000002/deployment-archive/t");
    installs(&p, TREE);
    assert_false(place_has(&p, "app/a"));
    assert_string_equal(place_read(&p, "real"), "ours");
    place_remove(&p);
}

static void names_of_any_bytes_are_cleaned_up(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    place_revision(&p, "t/line\nbreak ", "1", 0644);
    place_revision(&p, "t/\xff\xfe", "1", 0644);
    installs(&p, TREE);
    assert_true(place_has(&p, "app/line\nbreak "));
    place_deployment(&p, 2);
    place_folder(&p, "host/dg-1/d-000000002/deployment-archive/t");
    installs(&p, TREE);
    AUTO(auto_free) char *rest = place_snapshot(&p, "app");
    assert_string_equal(rest, "");
    place_remove(&p);
}

static void the_agent_s_own_list_is_taken_over(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    place_write(&p, "app/old/file", "from the agent", 0644);
    place_write(&p, "host/deployment-instructions/dg-1-cleanup",
                "@/app/old\n@/app/old/file\n@/app/cut", 0644);
    place_write(&p, "app/cut", "the line was cut", 0644);
    place_revision(&p, "t/a", "1", 0644);
    installs(&p, TREE);
    assert_false(place_has(&p, "app/old"));
    assert_true(place_has(&p, "app/cut"));
    assert_false(place_has(&p, "host/deployment-instructions/dg-1-cleanup"));
    place_remove(&p);
}

static void a_damaged_manifest_stops_the_install(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    place_make(&p);
    place_revision(&p, "t/a", "1", 0644);
    installs(&p, TREE);
    assert_int_equal(truncate(p.step.host.manifest, 40), 0);
    assert_false(install(&p, TREE, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_true(place_has(&p, "app/a"));
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_install_changes_nothing),
        cmocka_unit_test(a_failure_while_staging_removes_what_was_staged),
        cmocka_unit_test(a_disk_without_room_is_told_before_anything_is_staged),
        cmocka_unit_test(only_what_the_old_revision_had_is_removed),
        cmocka_unit_test(files_and_folders_may_change_places),
        cmocka_unit_test(removal_never_follows_a_link_of_the_new_revision),
        cmocka_unit_test(installing_again_changes_nothing),
        cmocka_unit_test(a_folder_made_anew_loses_its_old_permissions),
        cmocka_unit_test(a_set_user_id_bit_stays_with_a_declared_owner_only),
        cmocka_unit_test(the_times_of_files_are_kept),
        cmocka_unit_test(an_unknown_owner_fails_after_the_files_are_there),
        cmocka_unit_test(overwriting_keeps_the_link_and_writes_its_file),
        cmocka_unit_test(names_of_any_bytes_are_cleaned_up),
        cmocka_unit_test(the_agent_s_own_list_is_taken_over),
        cmocka_unit_test(a_damaged_manifest_stops_the_install),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
