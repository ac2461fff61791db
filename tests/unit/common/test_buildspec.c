/* buildspec.yml: what is read, and how every mistake is told. */
#include "bundle/buildspec.h"
#include "io/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define HEAD   "version: 0.2\n"
#define PHASES "phases:\n  build:\n    commands:\n      - make\n"

static struct buildspec *parse(const char *text)
{
    struct error err = { 0 };
    struct buildspec *spec = NULL;
    if (!buildspec_parse("buildspec.yml", bytes_of_text(text), &spec, &err))
        fail_msg("%s", err.text);
    return spec;
}

static void refuses(const char *text, const char *expected)
{
    struct error err = { 0 };
    struct buildspec *spec = NULL;
    if (buildspec_parse("buildspec.yml", bytes_of_text(text), &spec, &err))
        fail_msg("accepted: %s", text);
    assert_null(spec);
    assert_int_equal(err.code, ERR_INVALID);
    if (!strstr(err.text, expected)) fail_msg("'%s' lacks '%s'", err.text, expected);
    if (strncmp(err.text, "buildspec.yml:", 14) != 0) fail_msg("no place in '%s'", err.text);
}

static void a_file_that_is_no_buildspec_is_refused(void **state)
{
    (void)state;
    refuses("", "must be a mapping that begins with \"version: 0.2\"");
    refuses("- a\n", "must be a mapping");
    refuses(PHASES, "no version is given");
    refuses("version: 0.1\n" PHASES, "buildspec.yml:1:10: version: the only version is 0.2");
    refuses("version: 0.0\nos: linux\n", "the only version is 0.2");
    refuses(HEAD, "phases");
    refuses(HEAD "phases: {}\n", "there is no phase");
    refuses(HEAD PHASES "---\nversion: 0.2\n", "a buildspec has one");
    refuses(HEAD PHASES PHASES, "phases");
}

static void unknown_keys_are_refused_with_their_place_and_the_nearest_one(void **state)
{
    (void)state;
    refuses(HEAD PHASES "artefacts:\n  files: []\n", "buildspec.yml:7:3: artefacts");
    refuses(HEAD PHASES "artefacts:\n  files: []\n", "artifacts");
    refuses(HEAD "phases:\n  prebuild:\n    commands: [ a ]\n", "pre_build");
    refuses(HEAD "phases:\n  build:\n    command: [ a ]\n", "commands");
    refuses(HEAD PHASES "env:\n  variable: { A: b }\n", "variables");
}

static void keys_without_a_meaning_here_say_what_to_do(void **state)
{
    (void)state;
    refuses(HEAD
            "phases:\n  install:\n    runtime-versions: { python: 3.11 }\n    commands: [ a ]\n",
            "install what the build needs on the worker");
    refuses(HEAD PHASES "env:\n  parameter-store: { A: /b }\n", "use secrets-manager");
    refuses(HEAD PHASES "batch: { fast-fail: true }\n", "is not supported: remove it");
}

static void wrong_shapes_say_what_to_write(void **state)
{
    (void)state;
    refuses(HEAD "phases:\n  build:\n    commands: make\n", "must be a list: write \"- ...\"");
    refuses(HEAD "phases:\n  build:\n    commands:\n      - echo a: b\n",
            "buildspec.yml:5:9: phases.build.commands[0]: must be a command in one text: put it "
            "in quotes");
    refuses(HEAD "phases:\n  build:\n    on-failure: ABORT\n", "has no commands");
    refuses(HEAD "phases:\n  build:\n    on-failure: RETRY\n    commands: [ a ]\n",
            "must be ABORT or CONTINUE");
    refuses(HEAD "run-as: a\nrunas: b\n" PHASES, "run-as stands there already");
    refuses(HEAD PHASES "env: { shell: zsh }\n", "the shell is sh or bash");
}

static void variables_have_names_that_a_shell_takes(void **state)
{
    (void)state;
    refuses(HEAD PHASES "env: { variables: { 1A: b } }\n", "a variable's name is a letter or _");
    refuses(HEAD PHASES "env: { variables: { A-B: b } }\n", "a variable's name is a letter or _");
    refuses(HEAD PHASES "env: { variables: { CODEBUILD_BUILD_ID: b } }\n", "the build's own");
    refuses(HEAD PHASES "env: { variables: { A: [ b ] } }\n", "A");
    refuses(HEAD PHASES "env: { variables: { A: b }, secrets-manager: { A: c } }\n",
            "stands above already");
    refuses(HEAD PHASES "env: { secrets-manager: { A: ../passwd } }\n",
            "must be the name of a file in the worker's secrets folder");
    refuses(HEAD PHASES "env: { secrets-manager: { A: 'id:key' } }\n", "without / or :");
    refuses(HEAD PHASES "env: { secrets-manager: { A: .hidden } }\n", "must be the name");
}

static void artifacts_stay_inside_the_source(void **state)
{
    (void)state;
    refuses(HEAD PHASES "artifacts: { base-directory: out }\n", "no files are given");
    refuses(HEAD PHASES "artifacts: { files: [ ../x ] }\n", "leads out of the source");
    refuses(HEAD PHASES "artifacts: { files: [ /etc/passwd ] }\n", "leads out of the source");
    refuses(HEAD PHASES "artifacts: { files: [ a ], base-directory: a/../.. }\n",
            "leads out of the source");
    refuses(HEAD PHASES "artifacts: { files: [ a ], discard-paths: maybe }\n", "discard-paths");
    refuses(HEAD PHASES "artifacts: { files: [ a ], secondary-artifacts: { B: { files: [] } } }\n",
            "no files are given");
}

static void the_smallest_buildspec_has_defaults(void **state)
{
    (void)state;
    struct buildspec *spec = parse(HEAD PHASES);
    assert_string_equal(spec->shell, "sh");
    assert_null(spec->runas);
    assert_int_equal(spec->variable_count, 0);
    assert_int_equal(spec->artifact_count, 0);
    assert_null(buildspec_artifacts(spec, ""));
    assert_false(spec->phases[BUILDSPEC_INSTALL].present);
    const struct buildspec_phase *build = &spec->phases[BUILDSPEC_BUILD];
    assert_true(build->present);
    assert_int_equal(build->commands.count, 1);
    assert_string_equal(build->commands.list[0], "make");
    assert_int_equal(build->on_failure, BUILDSPEC_ON_FAILURE_DEFAULT);
    buildspec_free(spec);
}

static void every_key_is_read(void **state)
{
    (void)state;
    struct buildspec *spec =
        parse(HEAD "run-as: build\nenv:\n  shell: bash\n  variables: { MODE: 1.50, EMPTY: '' }\n"
                   "  secrets-manager: { TOKEN: registry }\n"
                   "phases:\n  install: { commands: [ a ], runas: root, on-failure: CONTINUE }\n"
                   "  post_build: { commands: [ 'b: c' ], finally: [ d, e ], on-failure: ABORT }\n"
                   "cache: { paths: [ x ] }\n"
                   "artifacts:\n  files: [ '**/*' ]\n  exclude-paths: [ '*.o' ]\n"
                   "  base-directory: ./out//bin/\n  discard-paths: yes\n  name: ignored\n"
                   "  secondary-artifacts: { Docs: { files: [ doc/* ] } }\n");
    assert_string_equal(spec->shell, "bash");
    assert_string_equal(spec->runas, "build");
    assert_int_equal(spec->variable_count, 3);
    assert_string_equal(spec->variables[0].value, "1.50");
    assert_string_equal(spec->variables[1].value, "");
    assert_false(spec->variables[1].secret);
    assert_true(spec->variables[2].secret);
    assert_string_equal(spec->phases[BUILDSPEC_INSTALL].runas, "root");
    assert_int_equal(spec->phases[BUILDSPEC_INSTALL].on_failure, BUILDSPEC_ON_FAILURE_CONTINUE);
    const struct buildspec_phase *post = &spec->phases[BUILDSPEC_POST_BUILD];
    assert_string_equal(post->commands.list[0], "b: c");
    assert_int_equal(post->finally.count, 2);
    assert_int_equal(post->on_failure, BUILDSPEC_ON_FAILURE_ABORT);
    const struct buildspec_artifacts *first = buildspec_artifacts(spec, "");
    assert_string_equal(first->base, "out/bin");
    assert_true(first->discard_paths);
    assert_string_equal(first->excluded[0], "*.o");
    assert_string_equal(buildspec_artifacts(spec, "Docs")->files[0], "doc/*");
    assert_string_equal(buildspec_artifacts(spec, "Docs")->base, ".");
    assert_int_equal(spec->warning_count, 1);
    assert_non_null(strstr(spec->warnings[0], "cache: has no effect here"));
    buildspec_free(spec);
}

static void patterns_fit_paths_as_people_expect(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *path;
        bool fits;
    } cases[] = {
        { "a", "a", true },
        { "a", "b", false },
        { "a", "a/b", false },
        { "*", "a", true },
        { "*", "a/b", false },
        { "*.c", "x.c", true },
        { "*.c", "d/x.c", false },
        { "d/*", "d/x", true },
        { "d/*", "d/e/x", false },
        { "**/*", "x", true },
        { "**/*", "a/b/c/x", true },
        { "**", "a/b", true },
        { "d/**/*", "d/x", true },
        { "d/**/*", "d/e/f/x", true },
        { "d/**/*", "e/x", false },
        { "**/x", "x", true },
        { "**/x", "a/b/x", true },
        { "**/x", "a/x/b", false },
        { "**/a/**/b", "a/x/a/y/b", true },
        { "**/a/**/b", "b/a", false },
        { "a/**/b/c", "a/b/b/c", true },
        { "[ab]?", "b1", true },
        { "[ab]?", "c1", false },
        { "", "a", false },
        { "a/", "a", false },
        { "*", ".hidden", true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (buildspec_match(cases[i].pattern, cases[i].path) != cases[i].fits)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].path);
}

static void a_source_without_a_buildspec_says_so(void **state)
{
    (void)state;
    char folder[] = "/tmp/meridian-buildspec-XXXXXX", path[64];
    struct error err = { 0 };
    struct buildspec *spec = NULL;
    assert_non_null(mkdtemp(folder));
    assert_false(buildspec_load(folder, &spec, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "has no buildspec.yml"));
    snprintf(path, sizeof path, "%s/buildspec.yaml", folder);
    assert_true(fs_write_atomic(path, bytes_of_text(HEAD PHASES), 0644, &err));
    assert_true(buildspec_load(folder, &spec, &err));
    assert_string_equal(spec->name, "buildspec.yaml");
    buildspec_free(spec);
    assert_true(fs_remove_tree(folder, &err));
}

static void exported_variables_are_names_and_no_secrets(void **state)
{
    (void)state;
    refuses(HEAD PHASES "env:\n  exported-variables: A\n", "must be a list");
    refuses(HEAD PHASES "env:\n  exported-variables: [ 'a b' ]\n", "cannot name a variable");
    refuses(HEAD PHASES "env:\n  exported-variables: [ '$(x)' ]\n", "cannot name a variable");
    refuses(HEAD PHASES "env:\n  exported-variables: [ A, B, A ]\n", "A stands there twice");
    refuses(HEAD PHASES "env:\n  secrets-manager: { T: token }\n  exported-variables: [ A, T ]\n",
            "T is a secret");
    struct buildspec *spec = parse(HEAD PHASES "env:\n  exported-variables: [ TAG, _b ]\n");
    assert_int_equal(spec->exported_count, 2);
    assert_string_equal(spec->exported[0], "TAG");
    assert_string_equal(spec->exported[1], "_b");
    buildspec_free(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_no_buildspec_is_refused),
        cmocka_unit_test(unknown_keys_are_refused_with_their_place_and_the_nearest_one),
        cmocka_unit_test(keys_without_a_meaning_here_say_what_to_do),
        cmocka_unit_test(wrong_shapes_say_what_to_write),
        cmocka_unit_test(variables_have_names_that_a_shell_takes),
        cmocka_unit_test(exported_variables_are_names_and_no_secrets),
        cmocka_unit_test(artifacts_stay_inside_the_source),
        cmocka_unit_test(the_smallest_buildspec_has_defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(patterns_fit_paths_as_people_expect),
        cmocka_unit_test(a_source_without_a_buildspec_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
