/* How names of the host are resolved, with what would be gone out of sight. */
#include "place.h"

#include "steps/install/overlay.h"

struct trial {
    struct place place;
    struct overlay overlay;
    char found[FS_PATH_MAX];
    struct overlay_node node;
};

static void trial_make(struct trial *t)
{
    *t = (struct trial){ .found = "" };
    place_make(&t->place);
    overlay_init(&t->overlay);
}

static void trial_remove(struct trial *t)
{
    overlay_deinit(&t->overlay);
    place_remove(&t->place);
}

static void look(struct trial *t, const char *name)
{
    struct error err;
    char path[FS_PATH_MAX];
    snprintf(path, sizeof path, "%s", place_path(&t->place, name));
    if (!overlay_look(&t->overlay, path, true, t->found, &t->node, &err)) fail_msg("%s", err.text);
}

static void leads_to(struct trial *t, const char *name, const char *place)
{
    look(t, name);
    assert_string_equal(t->found, place_path(&t->place, place));
}

static void neighbours_are_resolved_as_the_first_was(void **state)
{
    (void)state;
    struct trial t;
    trial_make(&t);
    place_write(&t.place, "app/real/sub/x", "1", 0644);
    place_write(&t.place, "app/real/sub/y", "2", 0644);
    place_link(&t.place, "real", "app/link");
    place_link(&t.place, "sub/../sub", "app/real/twice");
    leads_to(&t, "app/link/sub/x", "app/real/sub/x");
    leads_to(&t, "app/link/sub/y", "app/real/sub/y");
    assert_true(t.node.exists);
    leads_to(&t, "app/link/sub/no", "app/real/sub/no");
    assert_false(t.node.exists);
    leads_to(&t, "app/link/sub/../sub/y", "app/real/sub/y");
    leads_to(&t, "app/link/twice/x", "app/real/sub/x");
    leads_to(&t, "app/link/twice/y", "app/real/sub/y");
    leads_to(&t, "app/link/twice", "app/real/sub");
    assert_true(S_ISDIR(t.node.info.st_mode));
    leads_to(&t, "app/link/sub/.", "app/real/sub");
    leads_to(&t, "app/link/sub/x/below", "app/real/sub/x/below");
    assert_false(t.node.exists);
    trial_remove(&t);
}

static void a_folder_that_would_be_gone_is_not_the_way_any_more(void **state)
{
    (void)state;
    struct trial t;
    struct error err;
    trial_make(&t);
    place_write(&t.place, "app/real/x", "1", 0644);
    place_link(&t.place, "real", "app/link");
    leads_to(&t, "app/link/x", "app/real/x");
    struct manifest old AUTO(manifest_deinit);
    manifest_init(&old);
    manifest_add(&old, MANIFEST_FILE, place_path(&t.place, "app/link"));
    assert_true(overlay_clean(&t.overlay, &old, &err));
    look(&t, "app/link/x");
    assert_false(t.node.exists);
    assert_false(t.node.parent_exists);
    assert_string_equal(t.found, place_path(&t.place, "app/link/x"));
    trial_remove(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_resolved_as_the_first_was),
        cmocka_unit_test(a_folder_that_would_be_gone_is_not_the_way_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
