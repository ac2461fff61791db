#include "fixture.h"

#include <string.h>

static void a_revision_goes_through_two_regions_to_the_end(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    world_connect(&w);
    assert_int_equal(world_apply(&w, "xr Prod=us-west-2,us-east-1")->failure.code, ERR_NONE);
    world_source(&w, "xr", "Source", "v1");
    const struct job *home = world_offer(&w, "w1"), *copy = world_offer(&w, "e1");
    assert_non_null(home);
    assert_non_null(copy);
    assert_int_equal(home->kind, JOB_DEPLOY);
    assert_int_equal(copy->kind, JOB_REPLICATE);
    assert_string_equal(home->input.store, "src");
    assert_string_equal(copy->output.store, "store-us-east-1");
    world_accept(&w, 1, home);
    world_result(&w, 2, copy, STATUS_SUCCEEDED);
    assert_non_null(world_sent(&w, "e1", MESSAGE_RESULT_ACK));
    const struct job *east = world_offer(&w, "e1");
    assert_non_null(east);
    assert_int_equal(east->kind, JOB_DEPLOY);
    assert_string_equal(east->input.store, "store-us-east-1");
    assert_string_equal(east->input.version_id, "copy-1");
    world_result(&w, 2, east, STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_IN_PROGRESS);
    world_result(&w, 1, home, STATUS_SUCCEEDED);
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_SUCCEEDED);
    assert_string_equal(world_action(&w, "xr", 1, 0)->summary, "1/1 instances");
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revision_goes_through_two_regions_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
