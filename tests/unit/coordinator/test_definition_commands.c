/* Commands in a definition: what cannot be read, what means nothing, what is kept. */
#include "core/check.h"
#include "shell/definition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ARENA_MAX = 8 << 20 };

#define TYPE(category, provider)                                                                   \
    "actionTypeId: {category: " category ", owner: AWS, provider: " provider ", version: '1'}"
#define RUN TYPE("Compute", "Commands") ", inputArtifacts: [{name: App}]"
#define RULE                                                                                       \
    "name: smoke, ruleTypeId: {category: Rule, owner: AWS, provider: Commands, version: '1'}"

struct parsed {
    struct arena arena;
    struct pipeline *pipeline;
    const struct problem *problems;
    size_t count;
};

static void parsed_deinit(struct parsed *p)
{
    pipeline_free(p->pipeline);
    arena_deinit(&p->arena);
}

/* A pipeline with a source, and a stage of that action and, when not "", those conditions. */
static bool parse(struct parsed *p, const char *action, const char *conditions)
{
    static char text[1 << 20];
    snprintf(
        text, sizeof text,
        "pipeline:\n  name: p\n  version: 1\n  variables: [{name: TAG, defaultValue: x}]\n"
        "  artifactStores: {us-west-2: {type: S3, location: store-a}, "
        "us-east-1: {type: S3, location: store-b}}\n"
        "  stages:\n"
        "  - name: Source\n    actions:\n    - {name: S, " TYPE(
            "Source",
            "S3") ", "
                  "configuration: {S3Bucket: bucket, S3ObjectKey: k}, outputArtifacts: [{name: "
                  "App}]}\n"
                  "  - name: Run\n    %s\n    actions:\n    - {name: One, %s}\n"
                  "  - name: Then\n    actions:\n    - {name: Two, " TYPE(
                      "Deploy",
                      "CodeDeploy") ", "
                                    "configuration: {ApplicationName: a, DeploymentGroupName: g}, "
                                    "inputArtifacts: [{name: App}]}\n",
        conditions, action);
    arena_init(&p->arena, ARENA_MAX);
    return definition_parse("p.yml", bytes_of_text(text), &p->arena, &p->pipeline, &p->problems,
                            &p->count);
}

struct spoilt {
    const char *action, *conditions, *path, *says;
};

static void what_cannot_be_read_is_told_where(void **state)
{
    (void)state;
    static const struct spoilt rows[] = {
        { RUN ", commands: ls", "", "commands", "a list of at most 50 commands" },
        { RUN ", commands: [{}]", "", "commands[0]", "must be a text" },
        { RUN ", commands: [ls], outputVariables: A", "", "outputVariables", "at most 15" },
        { RUN ", commands: [ls], outputVariables: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a]", "",
          "outputVariables", "at most 15" },
        { RUN ", commands: [ls], outputArtifacts: [{name: B, files: x}]", "", "files",
          "at most 10 patterns" },
        { RUN ", commands: [ls]",
          "beforeEntry: {conditions: [{rules: [{" RULE ", commands: [[]]}]}]}", "commands[0]",
          "must be a text" },
        { RUN ", commands: [ls]",
          "beforeEntry: {conditions: [{rules: [{" RULE ", inputArtifacts: [App]}]}]}",
          "inputArtifacts[0]", "must be a mapping" },
        { RUN ", commands: [ls]",
          "beforeEntry: {conditions: [{rules: [{" RULE ", inputArtifacts: [{nam: App}]}]}]}",
          "inputArtifacts[0].nam", "unknown field" },
        { RUN ", commands: [ls]",
          "beforeEntry: {conditions: [{rules: [{" RULE ", inputArtifacts: [{}]}]}]}",
          "inputArtifacts[0]", "needs a name" },
        { RUN ", commands: [ls]",
          "beforeEntry: {conditions: [{rules: [{" RULE
          ", inputArtifacts: [{name: a},{name: a},{name: a},{name: a},{name: a},{name: a}]}]}]}",
          "inputArtifacts", "at most 5" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO(parsed_deinit) struct parsed p = { 0 };
        if (parse(&p, rows[i].action, rows[i].conditions)) fail_msg("row %zu was read", i);
        if (!strstr(p.problems[0].path, rows[i].path) || !strstr(p.problems[0].text, rows[i].says))
            fail_msg("row %zu: %s: %s", i, p.problems[0].path, p.problems[0].text);
        assert_true(p.problems[0].line > 1);
    }
}

#define ENTRY(rest) "beforeEntry: {conditions: [{rules: [{" RULE rest "}]}]}"
#define A20         "aaaaaaaaaaaaaaaaaaaa"
#define A100        A20 A20 A20 A20 A20
#define A1000       A100 A100 A100 A100 A100 A100 A100 A100 A100 A100

static void what_means_nothing_is_refused_where(void **state)
{
    (void)state;
    static const struct spoilt rows[] = {
        { RUN, "", "actions[0].commands", "1 to 50 commands are missing" },
        { RUN ", commands: ['']", "", "actions[0].commands[0]", "1 to 1000" },
        { RUN ", commands: [ls, " A1000 "a]", "", "actions[0].commands[1]", "1 to 1000" },
        { RUN ", commands: [\"a\\nb\"]", "", "actions[0].commands[0]", "is one line" },
        { RUN ", commands: ['echo #{variables.TAG}']", "", "actions[0].commands[0]",
          "give it an environmentVariable" },
        { RUN ", commands: [ls], outputVariables: [1A]", "", "actions[0].outputVariables[0]",
          "a letter or _" },
        { RUN ", commands: [ls], outputVariables: [A, A-B]", "", "actions[0].outputVariables[1]",
          "a letter or _" },
        { RUN ", commands: [ls], outputArtifacts: [{name: B, files: ['']}]", "",
          "actions[0].outputArtifacts[0].files[0]", "1 to 128" },
        { RUN ", commands: [ls], outputArtifacts: [{name: B}, {name: C}]", "",
          "actions[0].outputArtifacts", "has 0 to 1 output artifacts" },
        { TYPE("Compute", "Commands") ", commands: [ls]", "", "actions[0].inputArtifacts",
          "has 1 to 5 input artifacts" },
        { RUN ", commands: [ls], configuration: {ProjectName: p}", "", "configuration.ProjectName",
          "not a setting" },
        { RUN ", commands: [ls], environmentVariables: [{name: T, value: '#{variables.NO}'}]", "",
          "environmentVariables.T", "declares no such variable" },
        { TYPE("Build", "CodeBuild") ", configuration: {ProjectName: p}, commands: [ls], "
                                     "inputArtifacts: [{name: App}]",
          "", "actions[0].commands[0]", "belongs to provider Commands" },
        { TYPE("Build", "CodeBuild") ", configuration: {ProjectName: p}, outputVariables: [A], "
                                     "inputArtifacts: [{name: App}]",
          "", "actions[0].outputVariables[0]", "belongs to provider Commands" },
        { TYPE("Build", "CodeBuild") ", configuration: {ProjectName: p}, outputArtifacts: [{name: "
                                     "B, files: [x]}], inputArtifacts: [{name: App}]",
          "", "actions[0].outputArtifacts[0].files", "belongs to provider Commands" },
        { RUN ", commands: [ls]", ENTRY(""), "rules[0].commands", "1 to 50 commands are missing" },
        { RUN ", commands: [ls]", ENTRY(", commands: ['']"), "rules[0].commands[0]", "1 to 1000" },
        { RUN ", commands: [ls]", ENTRY(", commands: [ls], region: eu-west-1"), "rules[0].region",
          "no artifact store" },
        { RUN ", commands: [ls]", ENTRY(", commands: [ls], inputArtifacts: [{name: Nope}]"),
          "rules[0].inputArtifacts", "no action of an earlier stage" },
        { RUN ", commands: [ls], outputArtifacts: [{name: B}]",
          ENTRY(", commands: [ls], inputArtifacts: [{name: B}]"), "rules[0].inputArtifacts",
          "no action of an earlier stage" },
        { RUN ", commands: [ls], outputArtifacts: [{name: B}]",
          "onFailure: {result: RETRY, conditions: [{rules: [{" RULE
          ", commands: [ls], inputArtifacts: [{name: B}]}]}]}",
          "rules[0].inputArtifacts", "no action of an earlier stage" },
        { RUN ", commands: [ls]",
          "beforeEntry: {conditions: [{rules: [{name: h, ruleTypeId: {category: Rule, owner: "
          "Custom, provider: Http, version: '1'}, configuration: {Url: 'https://x'}, "
          "inputArtifacts: [{name: App}]}]}]}",
          "rules[0].inputArtifacts", "only a rule of provider Commands" },
        { RUN ", commands: [ls]",
          "beforeEntry: {conditions: [{rules: [{name: h, ruleTypeId: {category: Rule, owner: "
          "Custom, provider: Http, version: '1'}, configuration: {Url: 'https://x'}, "
          "commands: [ls]}]}]}",
          "rules[0].commands[0]", "belongs to provider Commands" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO(parsed_deinit) struct parsed p = { 0 };
        const struct problem *problems = NULL;
        if (!parse(&p, rows[i].action, rows[i].conditions))
            fail_msg("row %zu: %s", i, p.problems[0].text);
        size_t count = pipeline_check(p.pipeline, "us-west-2", &p.arena, &problems);
        if (count == 0) fail_msg("row %zu is taken", i);
        if (!strstr(problems[0].path, rows[i].path) || !strstr(problems[0].text, rows[i].says))
            fail_msg("row %zu: %s: %s", i, problems[0].path, problems[0].text);
        assert_true(problems[0].line > 1);
    }
}

/* Nobody can refer to what commands do not give. */
static void a_reference_to_what_is_not_given_is_refused(void **state)
{
    (void)state;
    static const char *const given[] = { "", ", outputVariables: [A, B]" };
    static const char *const says[] = { "it gives: none", "it gives: A, B" };
    for (size_t i = 0; i < 2; i++) {
        AUTO(parsed_deinit) struct parsed p = { 0 };
        const struct problem *problems = NULL;
        char action[512];
        snprintf(action, sizeof action, "%s, commands: [ls], namespace: N%s", RUN, given[i]);
        assert_true(parse(&p, action,
                          "onSuccess: {conditions: [{rules: [{name: v, ruleTypeId: {category: "
                          "Rule, owner: AWS, provider: VariableCheck, version: '1'}, "
                          "configuration: {Variable: '#{N.C}', Operator: EQ, Value: x}}]}]}"));
        assert_int_equal(pipeline_check(p.pipeline, "us-west-2", &p.arena, &problems), 1);
        if (!strstr(problems[0].text, says[i])) fail_msg("%s", problems[0].text);
    }
}

static void commands_are_read(void **state)
{
    (void)state;
    AUTO(parsed_deinit) struct parsed p = { 0 };
    const struct problem *problems = NULL;
    assert_true(parse(&p,
                      RUN ", region: us-east-1, commands: [ls, " A1000 "], outputVariables: [A], "
                          "outputArtifacts: [{name: B, files: ['out/**']}], "
                          "environmentVariables: [{name: T, value: '#{variables.TAG}'}]",
                      "onSuccess: {conditions: [{rules: [{" RULE
                      ", commands: [./smoke], region: us-east-1, "
                      "inputArtifacts: [{name: B}]}]}]}"));
    size_t count = pipeline_check(p.pipeline, "us-west-2", &p.arena, &problems);
    if (count) fail_msg("%s: %s", problems[0].path, problems[0].text);
    const struct pipeline_stage *stage = &p.pipeline->stages[1];
    const struct pipeline_commands *commands = &stage->actions[0].commands;
    assert_int_equal(commands->count, 2);
    assert_string_equal(commands->list[0], "ls");
    assert_string_equal(commands->given[0], "A");
    assert_null(commands->given[1]);
    assert_string_equal(commands->files[0], "out/**");
    assert_int_equal(stage->rules[0].kind, RULE_COMMANDS);
    assert_string_equal(stage->rules[0].action.commands.list[0], "./smoke");
    assert_string_equal(stage->rules[0].action.inputs[0], "B");
    assert_string_equal(stage->rules[0].action.region, "us-east-1");
    assert_true(pipeline_builds(&stage->actions[0]));
    assert_true(pipeline_builds(&stage->rules[0].action));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_read_is_told_where),
        cmocka_unit_test(what_means_nothing_is_refused_where),
        cmocka_unit_test(a_reference_to_what_is_not_given_is_refused),
        cmocka_unit_test(commands_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
