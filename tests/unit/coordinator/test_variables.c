/* References in a definition, and what they stand for in an execution. */
#include "core/reference.h"
#include "core/variables.h"
#include "fixture.h"

#include <stdio.h>
#include <string.h>

/* `only` builds in us-west-2 (session 3), and nothing else. */
static void begin(struct world *w, const char *definition)
{
    world_init(w);
    world_connect(w);
    world_fleet(w, "w1", "us-west-2", "e1", "us-east-1", "only", "us-west-2", (const char *)NULL);
    world_hello(w, "only", "us-west-2", 1, 3);
    const struct reply *reply = world_apply(w, definition);
    if (reply->failure.code != ERR_NONE)
        fail_msg("%s: %s", reply->problem_count ? reply->problems[0].path : "",
                 reply->problem_count ? reply->problems[0].text : reply->failure.cause);
}

static const struct reply *run_with(struct world *w, const struct variable *variables, size_t count)
{
    struct request request = { .kind = REQUEST_RUN };
    request.run.pipeline = "xr";
    request.run.revision = "";
    request.run.variables = variables;
    request.run.variable_count = count;
    return world_request(w, &request, ROLE_DEPLOYER);
}

/* The build that was offered in the last step ends well. */
static void built(struct world *w)
{
    const struct job *offer = world_offer(w, "only");
    assert_non_null(offer);
    world_result(w, 3, offer, STATUS_SUCCEEDED);
}

/* ---- the text ---- */

static void a_reference_has_one_shape(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum reference_found found;
        const char *scope, *name;
    } cases[] = {
        { "", REFERENCE_NONE, "", "" },
        { "# { a.b } {a.b} #a.b", REFERENCE_NONE, "", "" },
        { "#{", REFERENCE_MALFORMED, "", "" },
        { "#{}", REFERENCE_MALFORMED, "", "" },
        { "#{a}", REFERENCE_MALFORMED, "", "" },
        { "#{.b}", REFERENCE_MALFORMED, "", "" },
        { "#{a.}", REFERENCE_MALFORMED, "", "" },
        { "#{a.b", REFERENCE_MALFORMED, "", "" },
        { "#{a.b.c}", REFERENCE_MALFORMED, "", "" },
        { "#{a b.c}", REFERENCE_MALFORMED, "", "" },
        { "#{ a.b }", REFERENCE_MALFORMED, "", "" },
        { "#{a.b}", REFERENCE_GOOD, "a", "b" },
        { "x#{A-1.b_@2}y", REFERENCE_GOOD, "A-1", "b_@2" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reference at = { 0 };
        enum reference_found found = reference_next(cases[i].text, &at);
        if (found != cases[i].found) fail_msg("'%s': %d", cases[i].text, (int)found);
        assert_int_equal(reference_in(cases[i].text), found != REFERENCE_NONE);
        if (found == REFERENCE_NONE) continue;
        assert_string_equal(at.scope, cases[i].scope);
        assert_string_equal(at.name, cases[i].name);
        assert_true(at.end > at.begin);
        assert_true(at.end <= strlen(cases[i].text));
    }
}

static void names_longer_than_awss_are_no_reference(void **state)
{
    (void)state;
    char text[400];
    struct reference at = { 0 };
    snprintf(text, sizeof text, "#{%0100d.%0128d}", 1, 2);
    assert_int_equal(reference_next(text, &at), REFERENCE_GOOD);
    at = (struct reference){ 0 };
    snprintf(text, sizeof text, "#{%0101d.%0128d}", 1, 2);
    assert_int_equal(reference_next(text, &at), REFERENCE_MALFORMED);
    at = (struct reference){ 0 };
    snprintf(text, sizeof text, "#{%0100d.%0129d}", 1, 2);
    assert_int_equal(reference_next(text, &at), REFERENCE_MALFORMED);
}

static void references_follow_each_other(void **state)
{
    (void)state;
    struct reference at = { 0 };
    const char *text = "#{a.b}#{c}#{d.e}";
    assert_int_equal(reference_next(text, &at), REFERENCE_GOOD);
    assert_int_equal(reference_next(text, &at), REFERENCE_MALFORMED);
    assert_int_equal(at.begin, 6);
    assert_int_equal(at.end, 10);
    assert_int_equal(reference_next(text, &at), REFERENCE_GOOD);
    assert_string_equal(at.name, "e");
    assert_int_equal(reference_next(text, &at), REFERENCE_NONE);
}

/* ---- rules ---- */

static struct pipeline_action *action_of(struct pipeline *p, size_t stage, size_t action)
{
    return (struct pipeline_action *)&p->stages[stage].actions[action];
}

static struct pipeline_variable *variable_of(struct pipeline *p, size_t at)
{
    return (struct pipeline_variable *)&p->variables[at];
}

/* The approval's CustomData is `text`. */
static void say(struct pipeline *p, const char *text)
{
    struct pipeline_setting *settings = arena_calloc(&p->arena, 1, sizeof *settings);
    settings[0] = (struct pipeline_setting){ .key = "CustomData", .value = text };
    action_of(p, 2, 0)->configuration = settings;
    action_of(p, 2, 0)->configuration_count = 1;
}

static void watch_what(struct pipeline *p, const char *text)
{
    struct pipeline_setting *settings = arena_calloc(&p->arena, 2, sizeof *settings);
    settings[0] = (struct pipeline_setting){ .key = "S3Bucket", .value = "src" };
    settings[1] = (struct pipeline_setting){ .key = "S3ObjectKey", .value = text };
    action_of(p, 0, 0)->configuration = settings;
}

static void keep_secret(struct pipeline *p, const char *text)
{
    struct job_variable *list = arena_calloc(&p->arena, 1, sizeof *list);
    list[0] = (struct job_variable){ "KEY", text, true };
    action_of(p, 1, 0)->variables = list;
    action_of(p, 1, 0)->variable_count = 1;
}

static void name_build(struct pipeline *p, const char *text)
{
    action_of(p, 1, 0)->namespace = text;
}

static void name_variable(struct pipeline *p, const char *text)
{
    variable_of(p, 1)->name = text;
}

static void preset_variable(struct pipeline *p, const char *text)
{
    variable_of(p, 0)->value = text;
}

static void each_wrong_reference_is_named(void **state)
{
    (void)state;
    static const struct {
        void (*spoil)(struct pipeline *p, const char *text);
        const char *text, *path, *found;
    } cases[] = {
        { say, "#{variables.OTHER}", ".stages[2].actions[0].configuration.CustomData",
          "#{variables.OTHER}: the pipeline declares no such variable; it declares: TAG, MORE" },
        { say, "#{Lost.X}", ".stages[2].actions[0].configuration.CustomData",
          "#{Lost.X}: no action has that namespace; there are: codepipeline, variables, Src, Make, "
          "Look" },
        { say, "#{Src.Version}", ".stages[2].actions[0].configuration.CustomData",
          "#{Src.Version}: action Source gives no such variable; it gives: VersionId, ETag, "
          "BucketName, ObjectKey" },
        { say, "#{Look.ApprovedBy}", ".stages[2].actions[0].configuration.CustomData",
          "#{Look.ApprovedBy}: action Gate does not end before this one begins" },
        { say, "#{codepipeline.Name}", ".stages[2].actions[0].configuration.CustomData",
          "#{codepipeline.Name}: there is #{codepipeline.PipelineExecutionId} only" },
        { say, "ok #{x}", ".stages[2].actions[0].configuration.CustomData",
          "'#{x}' is no reference" },
        { watch_what, "#{variables.TAG}.zip", ".stages[0].actions[0].configuration.S3ObjectKey",
          "a source is watched before any execution begins" },
        { keep_secret, "#{variables.TAG}", ".stages[1].actions[0].environmentVariables.KEY",
          "the name of a secret cannot have a reference" },
        { name_build, "Src", ".stages[1].actions[0].namespace",
          "action Source has the namespace Src too" },
        { name_build, "variables", ".stages[1].actions[0].namespace", "is reserved" },
        { name_build, "codepipeline", ".stages[1].actions[0].namespace", "is reserved" },
        { name_variable, "a b", ".variables[1]", "must be 1 to 128 letters" },
        { name_variable, "TAG", ".variables[1]", "is declared twice" },
        { preset_variable, "", ".variables[0]", "defaultValue has 1 to 1000 characters" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        const struct problem *problems = NULL;
        bool found = false;
        struct pipeline *p =
            world_parse("xr Make=!us-west-2 Gate=?Gate Prod=us-west-2 $TAG=one $MORE");
        arena_init(&arena, 1 << 20);
        assert_int_equal(pipeline_check(p, "us-west-2", &arena, &problems), 0);
        cases[i].spoil(p, cases[i].text);
        size_t count = pipeline_check(p, "us-west-2", &arena, &problems);
        for (size_t at = 0; at < count; at++)
            found = found || (text_ends(problems[at].path, cases[i].path) &&
                              strstr(problems[at].text, cases[i].found));
        if (!found)
            fail_msg("case %zu: %zu: %s: %s", i, count, count ? problems[0].path : "",
                     count ? problems[0].text : "");
        arena_deinit(&arena);
        pipeline_free(p);
    }
}

/* ---- beginnings ---- */

static void values_are_asked_for_and_unknown_ones_refused(void **state)
{
    (void)state;
    struct world w;
    static const struct variable other[] = { { "OTHER", "x" } };
    static const struct variable twice[] = { { "TAG", "x" }, { "TAG", "y" } };
    static const struct variable empty[] = { { "TAG", "" } };
    static const struct {
        const struct variable *list;
        size_t count;
        const char *cause;
    } cases[] = {
        { NULL, 0, "ValidationException: the variable NEED has no default and was given no value" },
        { other, 1,
          "ValidationException: the pipeline declares no variable 'OTHER'; it declares: TAG, "
          "NEED" },
        { twice, 2, "ValidationException: the variable TAG is given twice" },
        { empty, 1, "ValidationException: the value of TAG must have 1 to 1000 characters" },
    };
    begin(&w, "xr Gate=?Look $TAG=one $NEED");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct reply *reply = run_with(&w, cases[i].list, cases[i].count);
        assert_int_equal(reply->failure.code, ERR_INVALID);
        assert_string_equal(reply->failure.cause, cases[i].cause);
    }
    assert_null(world_view(&w, "xr"));
    world_source(&w, "xr", "Source", "v7");
    assert_null(world_view(&w, "xr")); /* nobody was there to give it one */
    world_deinit(&w);
}

static void a_person_is_asked_with_what_the_execution_has(void **state)
{
    (void)state;
    struct world w;
    static const struct variable given[] = { { "TAG", "shop.example" } };
    begin(&w, "xr Gate=?Look $TAG=one");
    struct id id = run_with(&w, given, 1)->execution;
    const struct action_state *look = world_action(&w, "xr", 1, 0);
    char text[100];
    snprintf(text, sizeof text, "%s of src", id.text);
    assert_string_equal(look->custom_data, text);
    assert_string_equal(look->url, "https://shop.example/app.zip");
    const struct execution *e = &world_view(&w, "xr")->execution;
    assert_int_equal(e->variable_count, 1);
    assert_string_equal(e->variables[0].name, "TAG");
    assert_string_equal(e->variables[0].value, "shop.example");
    world_deinit(&w);
}

/* ---- outputs ---- */

static void a_build_is_told_and_tells(void **state)
{
    (void)state;
    struct world w;
    static const struct variable made[] = { { "NAME", "blue" }, { "SIZE", "7" } };
    begin(&w, "xr Make=!us-west-2 Prod=us-west-2 $TAG=one");
    world_tell(&w, __func__);
    w.exported = made;
    w.exported_count = 2;
    run_with(&w, NULL, 0);
    const struct job_state *build = world_job(&w, "xr", "only");
    assert_non_null(build);
    const struct job *offer = world_offer(&w, "only");
    assert_non_null(offer);
    assert_string_equal(offer->variables[0].value, "one-v1");
    assert_string_equal(offer->variables[1].value, "file");
    world_result(&w, 3, offer, STATUS_SUCCEEDED);
    const struct job *deploy = world_offer(&w, "w1");
    assert_non_null(deploy);
    assert_string_equal(deploy->application, "app-blue");
    assert_string_equal(deploy->target, "deploy:app-blue/prod");
    world_restart(&w);
    world_connect(&w);
    world_sleep(&w, 60000);
    const struct action_state *action = world_action(&w, "xr", 1, 0);
    assert_int_equal(action->variable_count, 2);
    assert_string_equal(action->variables[1].value, "7");
    assert_string_equal(world_job(&w, "xr", "w1")->target, "deploy:app-blue/prod");
    world_deinit(&w);
}

static void an_action_whose_reference_stands_for_nothing_fails(void **state)
{
    (void)state;
    struct world w;
    static const struct variable made[] = { { "SIZE", "7" }, { "KIND", "x" } };
    begin(&w, "xr Make=!us-west-2 Prod=us-west-2 $TAG=one");
    world_tell(&w, __func__);
    w.exported = made;
    w.exported_count = 2;
    run_with(&w, NULL, 0);
    built(&w);
    const struct action_state *action = world_action(&w, "xr", 2, 0);
    assert_int_equal(action->status, STATUS_FAILED);
    assert_string_equal(action->error_code, "ConfigurationError");
    assert_string_equal(action->error_message,
                        "configuration.ApplicationName: #{Make.NAME}: action make-us-west-2 of "
                        "stage Make has given no variable NAME; it has given: SIZE, KIND");
    assert_int_equal(world_view(&w, "xr")->execution.status, STATUS_FAILED);
    world_deinit(&w);
}

static void a_value_that_its_setting_may_not_have_fails_the_action(void **state)
{
    (void)state;
    struct world w;
    static const struct variable made[] = { { "NAME", "../etc" } };
    begin(&w, "xr Make=!us-west-2 Prod=us-west-2 $TAG=one");
    w.exported = made;
    w.exported_count = 1;
    run_with(&w, NULL, 0);
    built(&w);
    const struct action_state *action = world_action(&w, "xr", 2, 0);
    assert_int_equal(action->status, STATUS_FAILED);
    assert_true(text_starts(action->error_message,
                            "configuration.ApplicationName becomes 'app-../etc': it must be"));
    assert_null(world_job(&w, "xr", "w1"));
    world_deinit(&w);
}

static void outputs_beyond_the_limit_fail_the_build(void **state)
{
    (void)state;
    struct world w;
    enum { COUNT = WIRE_VARIABLES_MAX };
    static char names[COUNT][WIRE_VARIABLE_NAME_MAX + 1];
    static char value[WIRE_VARIABLE_MAX + 1];
    struct variable made[COUNT];
    memset(value, 'x', WIRE_VARIABLE_MAX);
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "N%zu", i);
        made[i] = (struct variable){ names[i], value };
    }
    begin(&w, "xr Make=!us-west-2 More=!us-west-2>us-west-2");
    w.exported = made;
    w.exported_count = COUNT;
    run_with(&w, NULL, 0);
    built(&w);
    assert_int_equal(world_action(&w, "xr", 1, 0)->status, STATUS_SUCCEEDED);
    built(&w);
    const struct action_state *action = world_action(&w, "xr", 2, 0);
    assert_int_equal(action->status, STATUS_FAILED);
    assert_non_null(strstr(action->error_message, "OutputVariablesSizeExceededException: "));
    assert_int_equal(action->variable_count, 0);
    world_deinit(&w);
}

static void a_retried_build_gives_its_variables_anew(void **state)
{
    (void)state;
    struct world w;
    static const struct variable first[] = { { "NAME", "blue" } };
    static const struct variable second[] = { { "NAME", "green" } };
    begin(&w, "xr Both=!us-west-2>us-west-2 $TAG=one");
    world_tell(&w, __func__);
    w.exported = first;
    w.exported_count = 1;
    run_with(&w, NULL, 0);
    built(&w);
    world_finish(&w, "xr", "w1", 1, STATUS_FAILED);
    assert_int_equal(world_retry(&w, RETRY_ALL_ACTIONS)->failure.code, ERR_NONE);
    assert_int_equal(world_action(&w, "xr", 1, 0)->variable_count, 0);
    w.exported = second;
    built(&w);
    assert_string_equal(world_job(&w, "xr", "w1")->target, "deploy:app-green/prod");
    world_deinit(&w);
}

static void a_rollback_has_the_values_of_its_target(void **state)
{
    (void)state;
    struct world w;
    static const struct variable first[] = { { "NAME", "blue" } };
    static const struct variable second[] = { { "NAME", "green" } };
    static const struct variable given[] = { { "TAG", "two" } };
    begin(&w, "xr Make=!us-west-2 Prod=us-west-2 $TAG=one");
    world_tell(&w, __func__);
    for (size_t i = 0; i < 2; i++) {
        w.exported = i ? second : first;
        w.exported_count = 1;
        run_with(&w, given, i ? 0 : 1);
        built(&w);
        world_finish(&w, "xr", "w1", 1, STATUS_SUCCEEDED);
    }
    struct request request = { .kind = REQUEST_ROLLBACK };
    request.rollback.pipeline = "xr";
    request.rollback.stage = "Prod";
    request.rollback.target = "";
    assert_int_equal(world_request(&w, &request, ROLE_DEPLOYER)->failure.code, ERR_NONE);
    const struct execution *e = &world_view(&w, "xr")->execution;
    assert_int_equal(e->type, TYPE_ROLLBACK);
    assert_string_equal(e->variables[0].value, "two");
    assert_string_equal(e->stages[1].actions[0].variables[0].value, "blue");
    assert_string_equal(world_job(&w, "xr", "w1")->target, "deploy:app-blue/prod");
    world_deinit(&w);
}

/* ---- definitions ---- */

static const struct reply *apply_at(struct world *w, const char *text, uint32_t version)
{
    struct request request = { .kind = REQUEST_APPLY };
    request.apply.file = "f.json";
    request.apply.text = bytes_of_text(text);
    request.apply.version = version;
    return world_request(w, &request, ROLE_ADMIN);
}

static void of_two_changes_of_one_version_the_second_is_refused(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    const struct reply *reply = apply_at(&w, "xr Prod=us-west-2", 1);
    assert_int_equal(reply->failure.code, ERR_CONFLICT);
    assert_string_equal(reply->failure.cause,
                        "ConcurrentModificationException: there is no version 1: the pipeline does "
                        "not exist");
    assert_int_equal(apply_at(&w, "xr Prod=us-west-2", 0)->version, 1);
    assert_int_equal(apply_at(&w, "xr Prod=us-east-1", 1)->version, 2);
    reply = apply_at(&w, "xr Other=us-west-2", 1);
    assert_int_equal(reply->failure.code, ERR_CONFLICT);
    assert_string_equal(reply->failure.cause,
                        "ConcurrentModificationException: version 2 is in force, applied by tess, "
                        "not version 1");
    assert_int_equal(coordinator_view_definition(w.c, "xr")->version, 2);
    world_deinit(&w);
}

static void a_running_execution_keeps_its_definition(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "xr Gate=?Look Prod=us-west-2");
    run_with(&w, NULL, 0);
    world_apply(&w, "xr Prod=us-east-1");
    world_restart(&w);
    world_connect(&w);
    struct request request = { .kind = REQUEST_APPROVAL };
    request.approval = (struct approval_request){
        .pipeline = "xr", .execution = "", .action = "", .approve = true, .summary = ""
    };
    assert_int_equal(world_request(&w, &request, ROLE_APPROVER)->failure.code, ERR_NONE);
    const struct execution *e = &world_view(&w, "xr")->execution;
    assert_int_equal(e->pipeline_version, 1);
    assert_int_equal(e->stages[2].status, STATUS_IN_PROGRESS);
    assert_non_null(world_job(&w, "xr", "w1"));
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reference_has_one_shape),
        cmocka_unit_test(names_longer_than_awss_are_no_reference),
        cmocka_unit_test(references_follow_each_other),
        cmocka_unit_test(each_wrong_reference_is_named),
        cmocka_unit_test(values_are_asked_for_and_unknown_ones_refused),
        cmocka_unit_test(a_person_is_asked_with_what_the_execution_has),
        cmocka_unit_test(a_build_is_told_and_tells),
        cmocka_unit_test(an_action_whose_reference_stands_for_nothing_fails),
        cmocka_unit_test(a_value_that_its_setting_may_not_have_fails_the_action),
        cmocka_unit_test(outputs_beyond_the_limit_fail_the_build),
        cmocka_unit_test(a_retried_build_gives_its_variables_anew),
        cmocka_unit_test(a_rollback_has_the_values_of_its_target),
        cmocka_unit_test(of_two_changes_of_one_version_the_second_is_refused),
        cmocka_unit_test(a_running_execution_keeps_its_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
