/* Commands: actions and rules whose commands stand in the definition, run by hosts that build. */
#include "core/commands.h"
#include "fixture.h"

#include <stdio.h>
#include <string.h>

/* b1 builds in us-west-2 (session 3), b2 in us-east-1 (session 4). */
static void begin(struct world *w, const char *definition)
{
    world_init(w);
    world_connect(w);
    world_fleet(w, "w1", "us-west-2", "e1", "us-east-1", "b1", "us-west-2", "b2", "us-east-1",
                (const char *)NULL);
    assert_int_equal(world_apply(w, definition)->failure.code, ERR_NONE);
    world_hello(w, "b1", "us-west-2", 1, 3);
    world_hello(w, "b2", "us-east-1", 1, 4);
    world_source(w, "xr", "Source", "v1");
}

static const struct execution *run(struct world *w)
{
    return &world_view(w, "xr")->execution;
}

static const struct stage_state *prod(struct world *w)
{
    return &run(w)->stages[1];
}

/* ---- the buildspec ---- */

static const char *spec_of(struct pipeline_commands commands, size_t outputs, struct arena *arena)
{
    const struct pipeline_action action = { .category = CATEGORY_COMPUTE,
                                            .owner = OWNER_AWS,
                                            .provider = "Commands",
                                            .commands = commands,
                                            .output_count = outputs };
    return commands_buildspec(&action, arena);
}

static void commands_become_a_buildspec_in_which_only_quotes_are_doubled(void **state)
{
    (void)state;
    static const char *const list[] = { "echo 'a: [b]' # {c}", "make \"$X\"\t%" };
    static const char *const given[] = { "NAME", "TAG", NULL };
    static const char *const files[] = { "out/**", "it's" };
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_string_equal(
        spec_of((struct pipeline_commands){ .list = list, .count = 2 }, 0, &arena),
        "version: 0.2\nenv: { exported-variables: [] }\n"
        "phases: { build: { commands: ['echo ''a: [b]'' # {c}', 'make \"$X\"\t%'] } }\n");
    assert_string_equal(
        spec_of((struct pipeline_commands){ list, 1, files, 2, given, 2 }, 1, &arena),
        "version: 0.2\nenv: { exported-variables: ['NAME', 'TAG'] }\n"
        "phases: { build: { commands: ['echo ''a: [b]'' # {c}'] } }\n"
        "artifacts: { files: ['out/**', 'it''s'] }\n");
    const char *all = spec_of((struct pipeline_commands){ .list = list, .count = 1 }, 1, &arena);
    assert_non_null(strstr(all, "artifacts: { files: ['**/*'] }\n"));
    arena_deinit(&arena);
}

/* What AWS allows at most has room on its way to the worker. */
static void the_longest_commands_fit_into_a_job(void **state)
{
    (void)state;
    static char quotes[COMMAND_SIZE_MAX + 1];
    static const char *list[COMMANDS_MAX], *files[COMMANDS_FILES_MAX];
    struct arena arena;
    arena_init(&arena, 1 << 20);
    memset(quotes, '\'', COMMAND_SIZE_MAX);
    for (size_t i = 0; i < COMMANDS_MAX; i++) list[i] = quotes;
    for (size_t i = 0; i < COMMANDS_FILES_MAX; i++)
        files[i] = quotes + COMMAND_SIZE_MAX - COMMANDS_FILE_MAX;
    struct pipeline_commands most = { .list = list, .count = COMMANDS_MAX };
    most.files = files;
    most.file_count = COMMANDS_FILES_MAX;
    assert_in_range(strlen(spec_of(most, 1, &arena)), 2 * COMMANDS_MAX * COMMAND_SIZE_MAX,
                    WIRE_BUILDSPEC_MAX);
    arena_deinit(&arena);
}

/* ---- an action ---- */

static void an_action_brings_its_commands_and_gives_its_variables(void **state)
{
    (void)state;
    struct world w;
    const struct variable name = { "NAME", "web" };
    begin(&w, "xr Prod=%us-east-1 Then=us-west-2");
    world_tell(&w, __func__);
    struct job copy = *world_offer(&w, "b2");
    assert_int_equal(copy.kind, JOB_REPLICATE);
    world_result(&w, 4, &copy, STATUS_SUCCEEDED);
    struct job offer = *world_offer(&w, "b2");
    assert_int_equal(offer.kind, JOB_BUILD);
    assert_true(text_starts(offer.buildspec, "version: 0.2\n"));
    assert_string_equal(offer.application, "run-us-east-1");
    assert_int_equal(offer.input_count, 1);
    assert_string_equal(offer.input.version_id, "copy-1");
    assert_string_equal(world_action(&w, "xr", 1, 0)->summary, "runs on b2");
    w.exported = &name;
    w.exported_count = 1;
    world_result(&w, 4, &offer, STATUS_SUCCEEDED);
    assert_string_equal(world_action(&w, "xr", 1, 0)->summary, "ran on b2");
    assert_int_equal(world_action(&w, "xr", 1, 0)->variable_count, 1);
    assert_int_equal(run(&w)->stages[2].status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void a_build_that_is_no_commands_brings_none(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=!us-west-2");
    assert_string_equal(world_offer(&w, "b1")->buildspec, "");
    world_deinit(&w);
}

static void commands_that_fail_end_their_action(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod=%us-west-2");
    struct job offer = *world_offer(&w, "b1");
    world_result(&w, 3, &offer, STATUS_FAILED);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_FAILED);
    assert_true(text_starts(world_action(&w, "xr", 1, 0)->error_message, "b1: "));
    assert_int_equal(run(&w)->status, STATUS_FAILED);
    world_deinit(&w);
}

/* ---- rules ---- */

static void an_entry_is_met_when_its_commands_succeed(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;smoke:run=us-west-2");
    world_tell(&w, __func__);
    struct job offer = *world_offer(&w, "b1");
    assert_string_equal(offer.action, "smoke");
    assert_int_equal(offer.input_count, 0);
    assert_string_equal(offer.input.key, "");
    assert_string_equal(offer.revision, "v1");
    assert_string_equal(prod(&w)->rules[0].summary, "runs on b1");
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_PENDING);
    world_restart(&w);
    world_fleet(&w, "w1", "us-west-2", "b1", "us-west-2", (const char *)NULL);
    world_hello(&w, "w1", "us-west-2", 1, 1);
    world_hello(&w, "b1", "us-west-2", 1, 3);
    assert_int_equal(prod(&w)->rules[0].status, STATUS_IN_PROGRESS);
    world_result(&w, 3, &offer, STATUS_SUCCEEDED);
    assert_int_equal(prod(&w)->rules[0].status, STATUS_SUCCEEDED);
    assert_string_equal(prod(&w)->rules[0].summary, "ran on b1");
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void commands_that_fail_leave_the_condition_unmet(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;smoke:run=us-west-2");
    struct job offer = *world_offer(&w, "b1");
    world_result(&w, 3, &offer, STATUS_FAILED);
    assert_int_equal(prod(&w)->rules[0].status, STATUS_FAILED);
    assert_int_equal(run(&w)->status, STATUS_FAILED);
    assert_non_null(strstr(run(&w)->status_summary,
                           "condition beforeEntry of stage Prod is not met: smoke: b1: "));
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_PENDING);
    world_deinit(&w);
}

/* A host that was lost says nothing about the stage. */
static void a_lost_host_does_not_fail_the_rule(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;smoke:run=us-west-2");
    struct job offer = *world_offer(&w, "b1");
    world_result(&w, 3, &offer, STATUS_UNKNOWN);
    assert_int_equal(prod(&w)->rules[0].status, STATUS_IN_PROGRESS);
    for (int i = 0; i < 30 && !world_offer(&w, "b1"); i++) {
        world_heartbeat(&w, "b1", 1, 3, NULL, 0);
        if (!world_offer(&w, "b1")) world_sleep_sent(&w, 500, "b1", MESSAGE_OFFER);
    }
    assert_int_equal(world_offer(&w, "b1")->attempt, 2);
    world_deinit(&w);
}

static void a_rule_elsewhere_gets_its_artifact_there(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~success:FAIL;smoke:run:us-east-1:App=us-west-2");
    world_tell(&w, __func__);
    assert_null(world_offer(&w, "b2"));
    world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    world_finish(&w, "xr", "b1", 3, STATUS_SUCCEEDED);
    struct job copy = *world_offer(&w, "b2");
    assert_int_equal(copy.kind, JOB_REPLICATE);
    assert_non_null(strstr(prod(&w)->rules[0].summary, "waits for the copy of artifact App"));
    world_result(&w, 4, &copy, STATUS_SUCCEEDED);
    struct job offer = *world_offer(&w, "b2");
    assert_string_equal(offer.input.version_id, "copy-1");
    world_result(&w, 4, &offer, STATUS_SUCCEEDED);
    assert_int_equal(run(&w)->status, STATUS_SUCCEEDED);
    world_deinit(&w);
}

static void who_overrides_ends_the_commands(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;smoke:run=us-west-2");
    const struct job offer = *world_offer(&w, "b1");
    struct request request = { .kind = REQUEST_OVERRIDE };
    request.override = (struct override_request){ .submission = id_new_uuid(&w.random),
                                                  .pipeline = "xr",
                                                  .execution = "",
                                                  .stage = "Prod",
                                                  .condition = CONDITION_BEFORE_ENTRY,
                                                  .reason = "we know" };
    assert_int_equal(world_request(&w, &request, ROLE_DEPLOYER)->failure.code, ERR_NONE);
    const struct coordinator_action *sent = world_sent(&w, "b1", MESSAGE_CANCEL);
    assert_non_null(sent);
    assert_true(id_equal(&sent->send.cancel->key.job, &offer.id));
    assert_int_equal(prod(&w)->rules[0].status, STATUS_SKIPPED);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_IN_PROGRESS);
    world_deinit(&w);
}

static void commands_without_an_end_fail_by_the_rules_time(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Prod~entry:FAIL;smoke:run=us-west-2");
    uint64_t deadline_ms = prod(&w)->rules[0].deadline_ms;
    assert_int_equal(deadline_ms - prod(&w)->rules[0].started_ms, 600000); /* as an action */
    for (uint64_t left = deadline_ms - w.now_ms; left; left -= left < 60000 ? left : 60000)
        world_sleep(&w, left < 60000 ? left : 60000);
    assert_int_equal(prod(&w)->rules[0].status, STATUS_FAILED);
    assert_true(text_starts(prod(&w)->rules[0].error_message, "timed out after 600 s"));
    assert_int_equal(run(&w)->status, STATUS_FAILED);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_become_a_buildspec_in_which_only_quotes_are_doubled),
        cmocka_unit_test(the_longest_commands_fit_into_a_job),
        cmocka_unit_test(an_action_brings_its_commands_and_gives_its_variables),
        cmocka_unit_test(a_build_that_is_no_commands_brings_none),
        cmocka_unit_test(commands_that_fail_end_their_action),
        cmocka_unit_test(an_entry_is_met_when_its_commands_succeed),
        cmocka_unit_test(commands_that_fail_leave_the_condition_unmet),
        cmocka_unit_test(a_lost_host_does_not_fail_the_rule),
        cmocka_unit_test(a_rule_elsewhere_gets_its_artifact_there),
        cmocka_unit_test(who_overrides_ends_the_commands),
        cmocka_unit_test(commands_without_an_end_fail_by_the_rules_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
