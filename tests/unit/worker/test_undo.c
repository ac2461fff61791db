/* Undo after an install: what is there afterwards is what was there before, in every respect. */
#include "place_exact.h"

#include "steps/install/manifest.h"

#define HEAD "version: 0.0\nos: linux\n"
#define TREE HEAD "files:\n- {source: t, destination: @/app}\n"

static void installs(struct place *p, const char *appspec)
{
    struct error err;
    place_revision(p, "appspec.yml", appspec, 0644);
    if (!install_run(&p->step, &err)) fail_msg("%s", err.text);
}

static void undoes(struct place *p, const char *message)
{
    struct error err;
    struct step_report report;
    if (!exact_undo(p, &report, &err)) fail_msg("%s", err.text);
    assert_string_equal(report.message, message);
}

static void set_times(const struct place *p, const char *name, time_t seconds)
{
    const struct timespec times[2] = { { seconds, 11 }, { seconds, 12 } };
    assert_int_equal(utimensat(AT_FDCWD, place_path(p, name), times, AT_SYMLINK_NOFOLLOW), 0);
}

/* u::rw- u:1234:r-- g::r-- m::r-- o::--- */
static void set_acl(const struct place *p, const char *name, const char *kind)
{
    static const uint8_t acl[] = { 2,   0,   0,   0,   1,   0,    6,  0,   255, 255, 255,
                                   255, 2,   0,   4,   0,   0xd2, 4,  0,   0,   4,   0,
                                   4,   0,   255, 255, 255, 255,  16, 0,   4,   0,   255,
                                   255, 255, 255, 32,  0,   0,    0,  255, 255, 255, 255 };
    if (setxattr(place_path(p, name), kind, acl, sizeof acl, 0) < 0)
        print_message("no ACLs here: %s\n", strerror(errno));
}

/* The first revision, and what its users made of it. */
static void make_first(struct place *p)
{
    place_make(p);
    place_revision(p, "t/both", "first", 0640);
    place_revision(p, "t/setid", "first", 0755);
    place_revision(p, "t/only-first", "first", 0600);
    place_revision(p, "t/gone/deep/file", "first", 0644);
    place_revision(p, "t/file-then-folder", "first", 0644);
    place_revision(p, "t/folder-then-file/x", "first", 0644);
    place_revision(p, "t/d/both", "first", 0644);
    place_revision_link(p, "both", "t/link");
    installs(p, TREE);
    place_write(p, "app/user", "by hand", 0604);
    place_write(p, "app/d/retained", "by hand", 0604);
    assert_int_equal(chmod(place_path(p, "app/setid"), 04751), 0);
    assert_int_equal(chown(place_path(p, "app/both"), 1, 2), 0);
    assert_int_equal(lchown(place_path(p, "app/link"), 1, 2), 0);
    assert_int_equal(chmod(place_path(p, "app/gone/deep"), 02710), 0);
    set_acl(p, "app/both", "system.posix_acl_access");
    set_acl(p, "app/gone/deep", "system.posix_acl_default");
    set_times(p, "app/link", 1111);
    set_times(p, "app/both", 2222);
    set_times(p, "app/gone/deep/file", 3333);
    set_times(p, "app/gone/deep", 4444);
    set_times(p, "app/gone", 5555);
    set_times(p, "app/d", 6666);
    set_times(p, "app/folder-then-file", 7777);
    set_times(p, "app", 8888);
}

static void make_second(struct place *p)
{
    place_revision(p, "t/both", "second", 0600);
    place_revision(p, "t/setid", "second", 0700);
    place_revision(p, "t/user", "second", 0644);
    place_revision(p, "t/file-then-folder/x", "second", 0644);
    place_revision(p, "t/folder-then-file", "second", 0644);
    place_revision(p, "t/d/both", "second", 0644);
    place_revision(p, "t/new/deep/file", "second", 0644);
    place_revision(p, "t/only-second", "second", 0644);
    place_revision_link(p, "setid", "t/link");
    installs(p, TREE "file_exists_behavior: OVERWRITE\n"
                     "permissions:\n- {object: @/app, mode: 700, type: [directory]}\n");
}

static void an_undo_puts_back_exactly_what_was_there(void **state)
{
    (void)state;
    struct place p;
    make_first(&p);
    AUTO(auto_free) char *before = exact_snapshot(&p, "app");
    AUTO(auto_free) char *lists = place_snapshot(&p, "host/deployment-instructions");
    exact_deployment(&p, 2);
    make_second(&p);
    assert_string_equal(place_read(&p, "app/both"), "second");
    assert_false(place_has(&p, "app/gone"));
    undoes(&p, "restored to deployment d-000000001");
    AUTO(auto_free) char *after = exact_snapshot(&p, "app");
    assert_string_equal(before, after);
    AUTO(auto_free) char *lists_after = place_snapshot(&p, "host/deployment-instructions");
    assert_string_equal(lists, lists_after);
    assert_true(exact_nothing_kept(&p));
    place_remove(&p);
}

/* chown -R, chmod -R and sed -i are what hooks do; the kept names must not meet them. */
static void what_hooks_did_to_the_new_files_is_undone(void **state)
{
    (void)state;
    struct place p;
    make_first(&p);
    AUTO(auto_free) char *before = exact_snapshot(&p, "app");
    exact_deployment(&p, 2);
    make_second(&p);
    place_write(&p, "app/both", "changed in place", 0777);
    assert_int_equal(chown(place_path(&p, "app/d/both"), 7, 7), 0);
    assert_int_equal(chmod(place_path(&p, "app/d"), 0700), 0);
    assert_int_equal(chown(place_path(&p, "app/d"), 7, 7), 0);
    assert_int_equal(unlink(place_path(&p, "app/setid")), 0);
    assert_int_equal(unlink(place_path(&p, "app/only-second")), 0);
    undoes(&p, "restored to deployment d-000000001");
    AUTO(auto_free) char *after = exact_snapshot(&p, "app");
    assert_string_equal(before, after);
    place_remove(&p);
}

static void what_hooks_made_is_not_removed(void **state)
{
    (void)state;
    struct place p;
    make_first(&p);
    exact_deployment(&p, 2);
    make_second(&p);
    place_write(&p, "app/new/deep/made-by-a-hook", "h", 0644);
    undoes(&p, "restored to deployment d-000000001");
    assert_false(place_has(&p, "app/new/deep/file"));
    assert_string_equal(place_read(&p, "app/new/deep/made-by-a-hook"), "h");
    place_remove(&p);
}

static void what_cannot_be_put_back_is_told_and_the_rest_is(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    struct step_report report;
    make_first(&p);
    exact_deployment(&p, 2);
    make_second(&p);
    place_write(&p, "app/file-then-folder/made-by-a-hook", "h", 0644);
    assert_false(exact_undo(&p, &report, &err));
    assert_non_null(strstr(err.text, "app/file-then-folder' cannot be put back"));
    assert_string_equal(place_read(&p, "app/both"), "first");
    assert_string_equal(place_read(&p, "app/gone/deep/file"), "first");
    /* The host is not held by it. */
    exact_deployment(&p, 3);
    place_revision(&p, "t/both", "third", 0644);
    installs(&p, TREE);
    assert_string_equal(place_read(&p, "app/both"), "third");
    assert_false(place_has(&p, "app/only-first"));
    place_remove(&p);
}

static void the_deployment_after_an_undo_is_as_if_it_had_never_been(void **state)
{
    (void)state;
    struct place p;
    make_first(&p);
    exact_deployment(&p, 2);
    make_second(&p);
    undoes(&p, "restored to deployment d-000000001");
    exact_deployment(&p, 3);
    place_revision(&p, "t/both", "third", 0644);
    place_revision(&p, "t/only-second", "third", 0644);
    installs(&p, TREE); /* DISALLOW: nothing of the second revision is in the way */
    assert_string_equal(place_read(&p, "app/only-second"), "third");
    assert_string_equal(place_read(&p, "app/user"), "by hand");
    assert_string_equal(place_read(&p, "app/d/retained"), "by hand");
    assert_false(place_has(&p, "app/only-first"));
    assert_false(place_has(&p, "app/gone"));
    place_remove(&p);
}

static void a_first_deployment_leaves_nothing_when_it_is_undone(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    place_write(&p, "app/user", "by hand", 0600);
    set_times(&p, "app", 1234);
    AUTO(auto_free) char *before = exact_snapshot(&p, "app");
    exact_deployment(&p, 1);
    place_revision(&p, "t/a", "1", 0644);
    place_revision(&p, "t/d/b", "1", 0644);
    installs(&p, TREE);
    assert_true(place_has(&p, "app/d/b"));
    undoes(&p, "restored to what was there before: no deployment of this group");
    AUTO(auto_free) char *after = exact_snapshot(&p, "app");
    assert_string_equal(before, after);
    assert_false(place_has(&p, "host/deployment-instructions/dg-1.manifest"));
    place_remove(&p);
}

static void the_message_names_the_revision(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    p.spec.job.revision = "v-one";
    place_revision(&p, "t/a", "1", 0644);
    installs(&p, TREE);
    exact_deployment(&p, 2);
    p.spec.job.revision = "v-two";
    place_revision(&p, "t/a", "2", 0644);
    installs(&p, TREE);
    assert_int_equal(p.step.files, 1);
    undoes(&p, "restored to revision v-one (deployment d-000000001)");
    /* Ended before it could tell: its next run tells the same. */
    p.spec.run = 2;
    undoes(&p, "restored to revision v-one (deployment d-000000001)");
    place_remove(&p);
}

static void nothing_is_kept_unless_it_is_asked_for(void **state)
{
    (void)state;
    struct place p;
    make_first(&p);
    place_deployment(&p, 2);
    make_second(&p);
    assert_true(exact_nothing_kept(&p));
    undoes(&p, "nothing had to be restored: no file of this deployment was installed");
    assert_string_equal(place_read(&p, "app/both"), "second");
    place_remove(&p);
}

static void an_install_that_fails_before_its_commit_keeps_nothing(void **state)
{
    (void)state;
    struct place p;
    struct error err;
    make_first(&p);
    AUTO(auto_free) char *before = exact_snapshot(&p, "app");
    exact_deployment(&p, 2);
    place_revision(&p, "t/both", "second", 0644);
    place_revision(&p, "appspec.yml", TREE, 0644);
    p.step.stop = STEP_CANCELLED;
    assert_false(install_run(&p.step, &err));
    assert_int_equal(p.step.files, 0);
    undoes(&p, "nothing had to be restored: no file of this deployment was installed");
    assert_true(exact_nothing_kept(&p));
    /* The folder's times know of the staged name that came and went. */
    set_times(&p, "app", 8888);
    AUTO(auto_free) char *after = exact_snapshot(&p, "app");
    assert_string_equal(before, after);
    place_remove(&p);
}

static void a_second_run_of_the_install_keeps_what_the_first_had_found(void **state)
{
    (void)state;
    struct place p;
    make_first(&p);
    AUTO(auto_free) char *before = exact_snapshot(&p, "app");
    exact_deployment(&p, 2);
    make_second(&p);
    struct error err;
    if (!install_run(&p.step, &err)) fail_msg("%s", err.text);
    undoes(&p, "restored to deployment d-000000001");
    AUTO(auto_free) char *after = exact_snapshot(&p, "app");
    assert_string_equal(before, after);
    place_remove(&p);
}

static void the_next_install_drops_what_was_kept(void **state)
{
    (void)state;
    struct place p;
    make_first(&p);
    exact_deployment(&p, 2);
    make_second(&p);
    assert_false(exact_nothing_kept(&p));
    place_deployment(&p, 3);
    place_revision(&p, "t/both", "third", 0600);
    installs(&p, TREE);
    assert_true(exact_nothing_kept(&p));
    place_remove(&p);
}

/* The deployment root lies on one file system, the application on another. */
static void files_on_another_file_system_are_put_back_too(void **state)
{
    (void)state;
    struct place p;
    struct stat here, there;
    char other[] = "/dev/shm/meridian-XXXXXX", appspec[512];
    place_make(&p);
    assert_int_equal(stat(p.top, &here), 0);
    if (stat("/dev/shm", &there) < 0 || here.st_dev == there.st_dev || !mkdtemp(other)) {
        print_message("skipped: no second file system\n");
        place_remove(&p);
        return;
    }
    struct place q = p;
    snprintf(q.top, sizeof q.top, "%s", other);
    snprintf(appspec, sizeof appspec, HEAD "files:\n- {source: t, destination: %s/app}\n", other);
    place_revision(&p, "t/a", "one", 0640);
    place_revision(&p, "t/d/b", "one", 0640);
    installs(&p, appspec);
    AUTO(auto_free) char *before = exact_snapshot(&q, "app");
    exact_deployment(&p, 2);
    place_revision(&p, "t/a", "two", 0600);
    installs(&p, appspec);
    assert_string_equal(place_read(&q, "app/a"), "two");
    undoes(&p, "restored to deployment d-000000001");
    AUTO(auto_free) char *after = exact_snapshot(&q, "app");
    assert_string_equal(before, after);
    char kept[FS_PATH_MAX];
    snprintf(kept, sizeof kept, "/dev/shm/.meridian-%s-kept", p.spec.job.deployment.text);
    assert_false(fs_exists(kept));
    place_remove(&q);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_put_back_is_told_and_the_rest_is),
        cmocka_unit_test(an_install_that_fails_before_its_commit_keeps_nothing),
        cmocka_unit_test(nothing_is_kept_unless_it_is_asked_for),
        cmocka_unit_test(an_undo_puts_back_exactly_what_was_there),
        cmocka_unit_test(what_hooks_did_to_the_new_files_is_undone),
        cmocka_unit_test(what_hooks_made_is_not_removed),
        cmocka_unit_test(the_deployment_after_an_undo_is_as_if_it_had_never_been),
        cmocka_unit_test(a_first_deployment_leaves_nothing_when_it_is_undone),
        cmocka_unit_test(the_message_names_the_revision),
        cmocka_unit_test(a_second_run_of_the_install_keeps_what_the_first_had_found),
        cmocka_unit_test(the_next_install_drops_what_was_kept),
        cmocka_unit_test(files_on_another_file_system_are_put_back_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
