#include "shell/definition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ARENA_MAX = 1 << 22 };

/* The blog's pipeline as `aws codepipeline get-pipeline` prints it. */
static const char blog[] =
    "{\n"
    "  \"pipeline\": {\n"
    "    \"name\": \"xr\",\n"
    "    \"roleArn\": \"arn:aws:iam::123456789012:role/p\",\n"
    "    \"artifactStores\": {\n"
    "      \"us-west-2\": {\"type\": \"S3\", \"location\": \"store-us-west-2\"},\n"
    "      \"us-east-1\": {\"type\": \"S3\", \"location\": \"store-us-east-1\",\n"
    "        \"encryptionKey\": {\"id\": \"k\", \"type\": \"KMS\"}}\n"
    "    },\n"
    "    \"stages\": [\n"
    "      {\"name\": \"Source\", \"actions\": [{\n"
    "        \"name\": \"Source\",\n"
    "        \"actionTypeId\": {\"category\": \"Source\", \"owner\": \"AWS\",\n"
    "                         \"provider\": \"S3\", \"version\": \"1\"},\n"
    "        \"configuration\": {\"S3Bucket\": \"b\", \"S3ObjectKey\": \"app.zip\",\n"
    "                          \"PollForSourceChanges\": \"true\"},\n"
    "        \"outputArtifacts\": [{\"name\": \"SourceOutput\"}]\n"
    "      }]},\n"
    "      {\"name\": \"Prod\", \"actions\": [{\n"
    "        \"name\": \"East\", \"runOrder\": \"2\", \"region\": \"us-east-1\",\n"
    "        \"actionTypeId\": {\"category\": \"Deploy\", \"owner\": \"AWS\",\n"
    "                         \"provider\": \"CodeDeploy\", \"version\": \"1\"},\n"
    "        \"configuration\": {\"ApplicationName\": \"a\", \"DeploymentGroupName\": \"g\"},\n"
    "        \"inputArtifacts\": [{\"name\": \"SourceOutput\"}]\n"
    "      }]}\n"
    "    ],\n"
    "    \"version\": 3\n"
    "  },\n"
    "  \"metadata\": {\"pipelineArn\": \"arn\", \"created\": 1.5}\n"
    "}\n";

struct parsed {
    struct arena arena;
    struct pipeline *pipeline;
    const struct problem *problems;
    size_t count;
};

static bool parse(struct parsed *p, const char *text)
{
    arena_init(&p->arena, ARENA_MAX);
    return definition_parse("p.json", bytes_of_text(text), &p->arena, &p->pipeline, &p->problems,
                            &p->count);
}

static void parsed_deinit(struct parsed *p)
{
    pipeline_free(p->pipeline);
    arena_deinit(&p->arena);
}

#define ACTION(provider, meridian)                                                                 \
    "{\"stages\": [{\"actions\": [{\"name\": \"d\", \"actionTypeId\": {\"category\": \"Deploy\", " \
    "\"owner\": \"AWS\", \"provider\": \"" provider                                                \
    "\", \"version\": \"1\"},\n\"meridian\": " meridian "}]}]}"
#define AT "stages[0].actions[0].meridian"

#define STAGE(meridian) "{\"stages\": [{\"name\": \"Prod\",\n\"meridian\": " meridian "}]}"
#define STAGE_AT        "stages[0].meridian"

struct refusal_case {
    const char *text, *path, *says;
    unsigned line;
};

static void what_is_no_pipeline_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct refusal_case cases[] = {
        { "{\"name\": ", "", "did not find", 2 },
        { "[]", "", "mapping", 1 },
        { "{}\n---\n{}", "", "one document", 0 },
        { "{\"name\": \"a\",\n\"nam\": 1}", "nam", "did you mean 'name'", 2 },
        { "{\"name\": \"a\",\n\"name\": \"b\"}", "name", "too: keep one", 2 },
        { "{\"name\": {\"a\": 1}}", "name", "text", 1 },
        { "{\"version\": 0}", "version", "from 1 to", 1 },
        { "{\"stages\": {}}", "stages", "list", 1 },
        { "{\"executionMode\":\n \"FAST\"}", "executionMode", "SUPERSEDED, QUEUED, PARALLEL", 2 },
        { "{\"artifactStore\": {\"type\": \"GCS\", \"location\": \"x\"}}", "artifactStore.type",
          "type S3", 1 },
        { "{\"artifactStore\": {\"type\": \"S3\", \"location\": \"x\"},\n"
          "\"artifactStores\": {\"r\": {\"type\": \"S3\", \"location\": \"x\"}}}",
          "artifactStores", "exclude each other", 2 },
        { "{\"stages\": [{\"name\": \"a\", \"actions\": [\n{\"name\": \"b\"}]}]}",
          "stages[0].actions[0]", "actionTypeId", 2 },
        { "{\"stages\": [{\"actions\": [{\"runOrder\": 1000}]}]}", "stages[0].actions[0].runOrder",
          "from 1 to 999", 1 },
        { ACTION("CodeDeploy", "{\"onFail\": 1}"), AT, "known are onFailure", 2 },
        { ACTION("CodeDeploy", "{\"onFailure\": \"undo\"}"), AT, "restore or leave", 2 },
        { ACTION("CodeDeploy", "{\"fileExistsBehavior\": \"ASK\"}"), AT, "OVERWRITE", 2 },
        { ACTION("CodeDeploy", "{\"trafficControl\": \"true\"}"), AT, "true", 2 },
        { ACTION("S3", "{\"onFailure\": \"restore\"}"), AT, "only CodeDeploy", 2 },
        { STAGE("{\"wave\": []}"), STAGE_AT ".wave", "unknown field", 2 },
        { STAGE("[]"), STAGE_AT, "mapping", 2 },
        { STAGE("{\"waves\": {}}"), STAGE_AT ".waves", "list", 2 },
        { STAGE("{\"waves\": [1]}"), STAGE_AT ".waves[0]", "mapping", 2 },
        { STAGE("{\"waves\": [{\"region\": []}]}"), STAGE_AT ".waves[0].region",
          "regions and bakeMinutes", 2 },
        { STAGE("{\"waves\": [{\"bakeMinutes\": 1}]}"), STAGE_AT ".waves[0]", "needs regions", 2 },
        { STAGE("{\"waves\": [{\"regions\": []}]}"), STAGE_AT ".waves[0].regions", "1 to 50", 2 },
        { STAGE("{\"waves\": [{\"regions\": [{}]}]}"), STAGE_AT ".waves[0].regions[0]",
          "name of a region", 2 },
        { STAGE("{\"waves\": [{\"regions\": [\"a\"], \"bakeMinutes\": 10081}]}"),
          STAGE_AT ".waves[0].bakeMinutes", "0 to 10080", 2 },
        { STAGE("{\"maxParallelRegions\": 0}"), STAGE_AT ".maxParallelRegions", "1 to 50", 2 },
        { STAGE("{\"onFailure\": \"rollback\"}"), STAGE_AT ".onFailure", "all, local, continue",
          2 },
        { STAGE("{\"barrier\": 1}"), STAGE_AT ".barrier", "true or false", 2 },
        { "{\"pipeline\": {\"name\": \"a\"}, \"metadatum\": {}}", "metadatum", "metadata", 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(parsed_deinit) struct parsed p = { 0 };
        assert_false(parse(&p, cases[i].text));
        assert_null(p.pipeline);
        bool found = false;
        for (size_t k = 0; k < p.count; k++)
            found = found || (strstr(p.problems[k].text, cases[i].says) &&
                              strcmp(p.problems[k].path, cases[i].path) == 0 &&
                              p.problems[k].line == cases[i].line);
        if (!found)
            fail_msg("case %zu: %s:%u: %s", i, p.problems[0].path, p.problems[0].line,
                     p.problems[0].text);
    }
}

static void a_stage_says_in_which_waves_its_regions_begin(void **state)
{
    (void)state;
    AUTO(parsed_deinit) struct parsed p = { 0 };
    assert_true(parse(
        &p, STAGE("{\"waves\": [{\"regions\": [\"us-west-2\"], \"bakeMinutes\": 30}, {\"regions\": "
                  "[\"us-east-1\", \"eu-west-1\"]}], \"maxParallelRegions\": 2, \"onFailure\": "
                  "\"local\", \"barrier\": true}")));
    const struct pipeline_regions *rules = &p.pipeline->stages[0].regions;
    assert_int_equal(rules->wave_count, 2);
    assert_string_equal(rules->waves[0].regions[0], "us-west-2");
    assert_int_equal(rules->waves[0].bake_minutes, 30);
    assert_int_equal(rules->waves[1].region_count, 2);
    assert_string_equal(rules->waves[1].regions[1], "eu-west-1");
    assert_int_equal(rules->waves[1].bake_minutes, 0);
    assert_int_equal(rules->max_parallel, 2);
    assert_int_equal(rules->on_failure, REGIONS_LOCAL);
    assert_true(rules->barrier);
}

static void an_action_says_how_its_deployments_end(void **state)
{
    (void)state;
    AUTO(parsed_deinit) struct parsed p = { 0 };
    assert_true(
        parse(&p, ACTION("CodeDeploy", "{\"onFailure\": \"restore\", \"trafficControl\": true, "
                                       "\"fileExistsBehavior\": \"RETAIN\", "
                                       "\"ignoreApplicationStopFailures\": true}")));
    const struct pipeline_deploy *deploy = &p.pipeline->stages[0].actions[0].deploy;
    assert_int_equal(deploy->on_failure, ON_FAILURE_RESTORE);
    assert_int_equal(deploy->file_exists, FILE_EXISTS_RETAIN);
    assert_true(deploy->traffic_control);
    assert_true(deploy->ignore_application_stop_failures);
}

static void every_problem_is_told_at_once(void **state)
{
    (void)state;
    AUTO(parsed_deinit) struct parsed p = { 0 };
    assert_false(parse(&p, "{\"version\": 0, \"x\": 1, \"y\": 2, \"executionMode\": \"z\"}"));
    assert_int_equal(p.count, 4);
}

static void known_fields_that_do_not_run_yet_are_problems(void **state)
{
    (void)state;
    AUTO(parsed_deinit) struct parsed p = { 0 };
    assert_true(parse(&p, "{\"name\": \"a\", \"triggers\": [{\"x\": 1}], \"meridian\": {},\n"
                          "\"stages\": [{\"name\": \"s\", \"blockers\": [{\"x\": 1}]}]}"));
    assert_int_equal(p.pipeline->unsupported_count, 2);
    assert_string_equal(p.pipeline->unsupported[0].path, "triggers");
    assert_string_equal(p.pipeline->unsupported[1].path, "stages[0].blockers");
    assert_int_equal(p.pipeline->unsupported[1].line, 2);
    assert_non_null(strstr(p.pipeline->unsupported[1].text, "not supported yet"));
}

static void variables_are_read(void **state)
{
    (void)state;
    AUTO(parsed_deinit) struct parsed p = { 0 }, q = { 0 };
    assert_false(
        parse(&q, "{\"name\": \"a\", \"variables\": [{\"name\": \"v\", \"value\": \"x\"}]}"));
    assert_string_equal(q.problems[0].path, "variables[0].value");
    assert_true(parse(&p, "{\"name\": \"a\", \"variables\": [{\"name\": \"TAG\"},\n"
                          " {\"name\": \"MODE\", \"defaultValue\": \"fast\", "
                          "\"description\": \"how\"}]}"));
    assert_int_equal(p.pipeline->variable_count, 2);
    assert_string_equal(p.pipeline->variables[0].name, "TAG");
    assert_null(p.pipeline->variables[0].value);
    assert_string_equal(p.pipeline->variables[0].description, "");
    assert_string_equal(p.pipeline->variables[1].value, "fast");
    assert_string_equal(p.pipeline->variables[1].description, "how");
    assert_int_equal(p.pipeline->variables[1].at.line, 2);
}

static void what_a_stage_does_on_failure_is_read(void **state)
{
    static const struct {
        const char *text;
        enum failure_result result;
        enum retry_mode mode;
        const char *path; /* of the problem, or NULL */
    } cases[] = {
        { "{\"result\": \"AGAIN\"}", 0, 0, "stages[0].onFailure.result" },
        { "[]", 0, 0, "stages[0].onFailure" },
        { "{\"result\": \"RETRY\", \"mode\": 1}", 0, 0, "stages[0].onFailure.mode" },
        { "{\"retryConfiguration\": {\"retryMode\": \"SOME\"}}", 0, 0,
          "stages[0].onFailure.retryConfiguration.retryMode" },
        { "{\"retryConfiguration\": {\"mode\": 1}}", 0, 0,
          "stages[0].onFailure.retryConfiguration.mode" },
        { "{\"retryConfiguration\": 1}", 0, 0, "stages[0].onFailure.retryConfiguration" },
        { "{\"conditions\": [{}]}", 0, 0, "stages[0].onFailure.conditions[0]" },
        { "{\"result\": \"FAIL\", \"conditions\": []}", FAILURE_FAIL, RETRY_FAILED_ACTIONS, NULL },
        { "{\"result\": \"ROLLBACK\"}", FAILURE_ROLLBACK, RETRY_FAILED_ACTIONS, NULL },
        { "{\"result\": \"RETRY\", \"retryConfiguration\": {\"retryMode\": \"ALL_ACTIONS\"}}",
          FAILURE_RETRY, RETRY_ALL_ACTIONS, NULL },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO(parsed_deinit) struct parsed p = { 0 };
        char text[300];
        snprintf(text, sizeof text,
                 "{\"name\": \"a\", \"stages\": [{\"name\": \"s\", \"onFailure\": %s}]}",
                 cases[i].text);
        assert_int_equal(parse(&p, text), !cases[i].path);
        if (cases[i].path) {
            assert_string_equal(p.problems[0].path, cases[i].path);
            continue;
        }
        assert_int_equal(p.pipeline->stages[0].on_failure, cases[i].result);
        assert_int_equal(p.pipeline->stages[0].retry_mode, cases[i].mode);
    }
}

static void the_blogs_pipeline_is_read_as_it_is(void **state)
{
    (void)state;
    AUTO(parsed_deinit) struct parsed p = { 0 };
    assert_true(parse(&p, blog));
    const struct pipeline *pipeline = p.pipeline;
    assert_string_equal(pipeline->name, "xr");
    assert_int_equal(pipeline->version, 3);
    assert_int_equal(pipeline->unsupported_count, 0);
    assert_true(pipeline->stores_is_map);
    assert_string_equal(pipeline_store_of(pipeline, "us-east-1"), "store-us-east-1");
    assert_int_equal(pipeline->stage_count, 2);
    const struct pipeline_action *source = &pipeline->stages[0].actions[0];
    assert_int_equal(source->category, CATEGORY_SOURCE);
    assert_string_equal(pipeline_setting_get(source, "S3ObjectKey"), "app.zip");
    assert_string_equal(source->outputs[0], "SourceOutput");
    const struct pipeline_action *deploy = &pipeline->stages[1].actions[0];
    assert_int_equal(deploy->run_order, 2);
    assert_string_equal(deploy->region, "us-east-1");
    assert_string_equal(deploy->inputs[0], "SourceOutput");
    assert_int_equal(deploy->region_at.line, 20);
}

static void yaml_is_read_like_json(void **state)
{
    (void)state;
    AUTO(parsed_deinit) struct parsed p = { 0 };
    assert_true(parse(&p, "name: y\nartifactStore: {type: S3, location: b}\nstages:\n"
                          "- name: Source\n  actions: []\n"));
    assert_string_equal(p.pipeline->name, "y");
    assert_false(p.pipeline->stores_is_map);
    assert_int_equal(p.pipeline->stage_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_pipeline_is_refused_with_its_place),
        cmocka_unit_test(a_stage_says_in_which_waves_its_regions_begin),
        cmocka_unit_test(an_action_says_how_its_deployments_end),
        cmocka_unit_test(every_problem_is_told_at_once),
        cmocka_unit_test(known_fields_that_do_not_run_yet_are_problems),
        cmocka_unit_test(variables_are_read),
        cmocka_unit_test(what_a_stage_does_on_failure_is_read),
        cmocka_unit_test(the_blogs_pipeline_is_read_as_it_is),
        cmocka_unit_test(yaml_is_read_like_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
