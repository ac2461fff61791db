/* What Install refuses before it touches anything, and where everything will land. */
#include "place.h"

#include "bundle/appspec.h"
#include "steps/install/plan.h"

#include <grp.h>
#include <pwd.h>

struct trial {
    struct place place;
    struct appspec *appspec;
    struct manifest old;
    struct overlay overlay;
    struct plan plan;
    struct error err;
};

static void trial_make(struct trial *t)
{
    *t = (struct trial){ .appspec = NULL };
    place_make(&t->place);
    manifest_init(&t->old);
    overlay_init(&t->overlay);
    plan_init(&t->plan);
}

static void trial_remove(struct trial *t)
{
    appspec_free(t->appspec);
    plan_deinit(&t->plan);
    overlay_deinit(&t->overlay);
    manifest_deinit(&t->old);
    place_remove(&t->place);
}

/* Plans that appspec over the place; nothing on the host may change. */
static bool plan_of(struct trial *t, const char *appspec, enum appspec_exists behavior)
{
    place_revision(&t->place, "appspec.yml", appspec, 0644);
    AUTO(auto_free) char *before = place_snapshot(&t->place, "app");
    assert_true(appspec_load(t->place.step.host.archive, NULL, &t->appspec, &t->err));
    assert_true(overlay_clean(&t->overlay, &t->old, &t->err));
    const struct plan_request request = { .appspec = t->appspec,
                                          .revision = t->place.step.host.archive,
                                          .behavior = behavior,
                                          .overlay = &t->overlay };
    bool ok = plan_make(&t->plan, &request, &t->err);
    AUTO(auto_free) char *after = place_snapshot(&t->place, "app");
    assert_string_equal(before, after);
    return ok;
}

static void refused(struct trial *t, const char *appspec, enum appspec_exists behavior,
                    const char *because)
{
    assert_false(plan_of(t, appspec, behavior));
    if (!strstr(t->err.text, because)) fail_msg("'%s' lacks '%s'", t->err.text, because);
}

static const struct plan_item *item_of(const struct trial *t, const char *name)
{
    return plan_find(&t->plan, place_path(&t->place, name));
}

#define HEAD   "version: 0.0\nos: linux\n"
#define SINGLE HEAD "files:\n- {source: x, destination: @/app}\n"
#define TREE   HEAD "files:\n- {source: t, destination: @/app/t}\n"

static void an_existing_file_is_refused_unless_it_may_be_replaced(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_write(&t.place, "app/x", "by hand", 0600);
    place_revision(&t.place, "x", "new", 0644);
    refused(&t, SINGLE, APPSPEC_EXISTS_DISALLOW, "exists and was not installed");
    assert_int_equal(t.err.code, ERR_CONFLICT);
    trial_remove(&t);
}

static void what_the_last_deployment_installed_does_not_exist_for_the_plan(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_write(&t.place, "app/x", "old revision", 0600);
    manifest_add(&t.old, MANIFEST_FILE, place_path(&t.place, "app/x"));
    place_revision(&t.place, "x", "new", 0644);
    assert_true(plan_of(&t, SINGLE, APPSPEC_EXISTS_DISALLOW));
    assert_int_equal(t.plan.count, 1);
    assert_non_null(overlay_gone(&t.overlay, place_path(&t.place, "app/x")));
    trial_remove(&t);
}

static void the_appspec_s_behavior_wins_over_the_deployment_s(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_write(&t.place, "app/x", "by hand", 0600);
    place_revision(&t.place, "x", "new", 0644);
    assert_true(plan_of(&t, SINGLE "file_exists_behavior: RETAIN\n", APPSPEC_EXISTS_OVERWRITE));
    assert_int_equal(t.plan.count, 0);
    trial_remove(&t);
}

static void a_missing_source_is_refused(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    refused(&t, SINGLE, APPSPEC_EXISTS_DISALLOW, "source 'x' is not in the revision");
    trial_remove(&t);
}

static void two_sources_for_one_destination_are_refused(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_revision(&t.place, "x", "1", 0644);
    place_revision(&t.place, "t/x", "2", 0644);
    refused(&t,
            HEAD "files:\n- {source: x, destination: @/app}\n- {source: t, destination: @/app}\n",
            APPSPEC_EXISTS_OVERWRITE, "have the same destination");
    trial_remove(&t);
}

static void one_place_under_two_names_is_refused(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_link(&t.place, "app", "other");
    place_revision(&t.place, "x", "1", 0644);
    refused(&t,
            HEAD "files:\n- {source: x, destination: @/app}\n- {source: x, destination: @/other}\n",
            APPSPEC_EXISTS_OVERWRITE, "are the same place");
    trial_remove(&t);
}

static void a_file_where_a_folder_is_planned_is_refused(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_revision(&t.place, "d/a", "1", 0644);
    place_revision(&t.place, "f/new", "2", 0644);
    refused(&t,
            HEAD
            "files:\n- {source: d, destination: @/app/new}\n- {source: f, destination: @/app}\n",
            APPSPEC_EXISTS_OVERWRITE, "have the same destination");
    trial_remove(&t);
}

static void a_folder_where_a_file_is_planned_is_refused(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_revision(&t.place, "d/a", "1", 0644);
    place_revision(&t.place, "f/new", "2", 0644);
    refused(&t,
            HEAD
            "files:\n- {source: f, destination: @/app}\n- {source: d, destination: @/app/new}\n",
            APPSPEC_EXISTS_OVERWRITE, "is to be made where");
    trial_remove(&t);
}

static void a_folder_where_the_user_has_a_file_is_refused(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_write(&t.place, "app/t", "a file", 0644);
    place_revision(&t.place, "t/a", "1", 0644);
    refused(&t, TREE, APPSPEC_EXISTS_OVERWRITE, "a file of that name exists");
    trial_remove(&t);
}

static void a_tilde_is_refused(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_revision(&t.place, "x", "1", 0644);
    refused(&t, HEAD "files:\n- {source: x, destination: ~/app}\n", APPSPEC_EXISTS_OVERWRITE,
            "instead of '~'");
    trial_remove(&t);
}

static void a_fifo_is_refused_and_not_waited_for(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_revision(&t.place, "t/a", "1", 0644);
    assert_int_equal(
        mkfifo(place_path(&t.place, "host/dg-1/d-000000001/deployment-archive/t/pipe"), 0600), 0);
    refused(&t, TREE, APPSPEC_EXISTS_OVERWRITE, "neither file, folder nor link");
    trial_remove(&t);
}

static void a_device_is_never_overwritten(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    assert_int_equal(mkfifo(place_path(&t.place, "app/x"), 0600), 0);
    place_revision(&t.place, "x", "1", 0644);
    refused(&t, SINGLE, APPSPEC_EXISTS_OVERWRITE, "neither file nor folder");
    trial_remove(&t);
}

static void overwriting_goes_through_a_link_to_its_file(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_write(&t.place, "elsewhere/real", "by hand", 0600);
    place_link(&t.place, "../elsewhere/real", "app/x");
    place_revision(&t.place, "x", "new", 0644);
    assert_true(plan_of(&t, SINGLE, APPSPEC_EXISTS_OVERWRITE));
    assert_string_equal(item_of(&t, "app/x")->place, place_path(&t.place, "elsewhere/real"));
    trial_remove(&t);
}

static void a_dangling_link_is_written_through(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_link(&t.place, "new-name", "app/x");
    place_revision(&t.place, "x", "new", 0644);
    assert_true(plan_of(&t, SINGLE, APPSPEC_EXISTS_DISALLOW));
    assert_string_equal(item_of(&t, "app/x")->place, place_path(&t.place, "app/new-name"));
    trial_remove(&t);
}

static void a_dangling_link_into_nowhere_is_refused(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_link(&t.place, "no/such/name", "app/x");
    place_revision(&t.place, "x", "new", 0644);
    refused(&t, SINGLE, APPSPEC_EXISTS_DISALLOW, "its folder does not exist");
    trial_remove(&t);
}

static void overwriting_a_folder_goes_into_it(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_folder(&t.place, "app/x");
    place_revision(&t.place, "x", "new", 0644);
    assert_true(plan_of(&t, SINGLE, APPSPEC_EXISTS_OVERWRITE));
    assert_string_equal(item_of(&t, "app/x")->place, place_path(&t.place, "app/x/x"));
    trial_remove(&t);
}

static void a_link_is_never_put_over_something(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_write(&t.place, "app/x", "by hand", 0600);
    place_revision_link(&t.place, "anything", "x");
    refused(&t, SINGLE, APPSPEC_EXISTS_OVERWRITE, "cannot be made");
    trial_remove(&t);
}

static void links_to_folders_are_followed_and_their_loops_end(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_revision(&t.place, "t/a", "1", 0644);
    place_revision_link(&t.place, ".", "t/loop");
    assert_true(plan_of(&t, TREE, APPSPEC_EXISTS_DISALLOW));
    /* 40 folders, then the link itself: the kernel's limit, as with the agent. */
    size_t folders = 0, links = 0;
    for (size_t i = 0; i < t.plan.count; i++) {
        folders += t.plan.items[i]->kind == PLAN_FOLDER;
        links += t.plan.items[i]->kind == PLAN_LINK;
    }
    assert_int_equal(folders, 41);
    assert_int_equal(links, 1);
    trial_remove(&t);
}

static void a_relative_destination_starts_at_the_working_folder(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    assert_int_equal(chdir(place_path(&t.place, "app")), 0);
    place_revision(&t.place, "x", "1", 0644);
    assert_true(plan_of(&t, HEAD "files:\n- {source: x, destination: ../app/./here}\n",
                        APPSPEC_EXISTS_DISALLOW));
    assert_int_equal(chdir("/"), 0);
    assert_non_null(item_of(&t, "app/here/x"));
    trial_remove(&t);
}

static void patterns_know_only_the_star(void **state)
{
    (void)state;
    assert_false(plan_match("ab", "a"));
    assert_false(plan_match("a/b", "*"));
    assert_false(plan_match("ab", "a?"));
    assert_false(plan_match("b", "[b]"));
    assert_true(plan_match("abc", "*"));
    assert_true(plan_match(".hidden", "*"));
    assert_true(plan_match("a.b.sh", "*.sh"));
    assert_true(plan_match("aXbXc", "a*b*c"));
    assert_true(plan_match("a?", "a?"));
    assert_true(plan_match("abc", "**abc"));
}

#define WITH(permissions) TREE "permissions:\n" permissions

static void tree_of_two(struct trial *t)
{
    trial_make(t);
    place_revision(&t->place, "t/a.sh", "1", 0600);
    place_revision(&t->place, "t/s/b.sh", "2", 0600);
}

static void permissions_reach_below_their_object_and_never_itself(void **state)
{
    (void)state;
    struct trial t;
    tree_of_two(&t);
    assert_true(plan_of(&t, WITH("- {object: @/app/t, mode: 755}\n"), APPSPEC_EXISTS_DISALLOW));
    assert_null(item_of(&t, "app/t")->permission);
    assert_int_equal(item_of(&t, "app/t/s")->parts, PLAN_MODE);
    assert_int_equal(item_of(&t, "app/t/s/b.sh")->parts, PLAN_MODE);
    trial_remove(&t);
}

static void patterns_and_exceptions_are_for_direct_children(void **state)
{
    (void)state;
    struct trial t;
    tree_of_two(&t);
    assert_true(plan_of(&t, WITH("- {object: @/app/t, pattern: '*.sh', mode: 755}\n"),
                        APPSPEC_EXISTS_DISALLOW));
    assert_non_null(item_of(&t, "app/t/a.sh")->permission);
    assert_null(item_of(&t, "app/t/s")->permission);
    assert_null(item_of(&t, "app/t/s/b.sh")->permission);
    trial_remove(&t);
    tree_of_two(&t);
    assert_true(plan_of(&t, WITH("- {object: @/app/t, except: ['*'], mode: 755}\n"),
                        APPSPEC_EXISTS_DISALLOW));
    assert_null(item_of(&t, "app/t/a.sh")->permission);
    assert_null(item_of(&t, "app/t/s")->permission);
    assert_non_null(item_of(&t, "app/t/s/b.sh")->permission);
    trial_remove(&t);
}

static void permissions_given_twice_are_refused(void **state)
{
    (void)state;
    struct trial t;
    tree_of_two(&t);
    refused(&t, WITH("- {object: @/app/t, mode: 755}\n- {object: @/app/t/a.sh, mode: 700}\n"),
            APPSPEC_EXISTS_DISALLOW, "has permissions from line");
    trial_remove(&t);
}

static void a_pattern_on_a_file_is_refused(void **state)
{
    (void)state;
    struct trial t;
    tree_of_two(&t);
    refused(&t, WITH("- {object: @/app/t/a.sh, pattern: '*', mode: 755}\n"),
            APPSPEC_EXISTS_DISALLOW, "is a file: leave 'pattern' out");
    trial_remove(&t);
}

static void a_default_acl_on_a_file_is_refused(void **state)
{
    (void)state;
    struct trial t;
    tree_of_two(&t);
    refused(&t, WITH("- {object: @/app/t, acls: ['d:u:root:rw']}\n"), APPSPEC_EXISTS_DISALLOW,
            "a default acl is for folders");
    trial_remove(&t);
}

static void an_object_that_is_not_there_is_ignored(void **state)
{
    (void)state;
    struct trial t;
    tree_of_two(&t);
    assert_true(plan_of(&t, WITH("- {object: @/no, owner: nobody-of-that-name, mode: 755}\n"),
                        APPSPEC_EXISTS_DISALLOW));
    assert_string_equal(t.plan.late, "");
    trial_remove(&t);
}

static void an_unknown_account_is_told_late_and_stops_later_permissions(void **state)
{
    (void)state;
    struct trial t;
    tree_of_two(&t);
    assert_true(plan_of(&t,
                        WITH("- {object: @/app/t/a.sh, mode: 755, owner: nobody-of-that-name}\n"
                             "- {object: @/app/t/s, mode: 700}\n"),
                        APPSPEC_EXISTS_DISALLOW));
    assert_non_null(strstr(t.plan.late, "no user 'nobody-of-that-name'"));
    assert_int_equal(item_of(&t, "app/t/a.sh")->parts, PLAN_MODE);
    assert_int_equal(item_of(&t, "app/t/s/b.sh")->parts, 0);
    trial_remove(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_existing_file_is_refused_unless_it_may_be_replaced),
        cmocka_unit_test(what_the_last_deployment_installed_does_not_exist_for_the_plan),
        cmocka_unit_test(the_appspec_s_behavior_wins_over_the_deployment_s),
        cmocka_unit_test(a_missing_source_is_refused),
        cmocka_unit_test(two_sources_for_one_destination_are_refused),
        cmocka_unit_test(one_place_under_two_names_is_refused),
        cmocka_unit_test(a_file_where_a_folder_is_planned_is_refused),
        cmocka_unit_test(a_folder_where_a_file_is_planned_is_refused),
        cmocka_unit_test(a_folder_where_the_user_has_a_file_is_refused),
        cmocka_unit_test(a_tilde_is_refused),
        cmocka_unit_test(a_fifo_is_refused_and_not_waited_for),
        cmocka_unit_test(a_device_is_never_overwritten),
        cmocka_unit_test(overwriting_goes_through_a_link_to_its_file),
        cmocka_unit_test(a_dangling_link_is_written_through),
        cmocka_unit_test(a_dangling_link_into_nowhere_is_refused),
        cmocka_unit_test(overwriting_a_folder_goes_into_it),
        cmocka_unit_test(a_link_is_never_put_over_something),
        cmocka_unit_test(links_to_folders_are_followed_and_their_loops_end),
        cmocka_unit_test(a_relative_destination_starts_at_the_working_folder),
        cmocka_unit_test(patterns_know_only_the_star),
        cmocka_unit_test(permissions_reach_below_their_object_and_never_itself),
        cmocka_unit_test(patterns_and_exceptions_are_for_direct_children),
        cmocka_unit_test(permissions_given_twice_are_refused),
        cmocka_unit_test(a_pattern_on_a_file_is_refused),
        cmocka_unit_test(a_default_acl_on_a_file_is_refused),
        cmocka_unit_test(an_object_that_is_not_there_is_ignored),
        cmocka_unit_test(an_unknown_account_is_told_late_and_stops_later_permissions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
