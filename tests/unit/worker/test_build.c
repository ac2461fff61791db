/* Builds: how commands follow each other, what they see, how a build ends, what is hidden. */
#include "place.h"

#include "io/clock.h"
#include "steps/build/build.h"

#include <sys/prctl.h>

#define HEAD "version: 0.2\n"

struct lab {
    struct place p;
    char source[FS_PATH_MAX], secrets[FS_PATH_MAX];
    struct step_report report;
    struct job_artifact input, output;
    struct job_variable variables[4];
};

static void lab_put(const char *folder, const char *name, const char *text)
{
    char path[FS_PATH_MAX];
    struct error err;
    assert_true(fs_join(path, folder, name, &err));
    assert_true(fs_write_atomic(path, bytes_of_text(text), 0600, &err));
}

static void lab_make(struct lab *lab, const char *buildspec)
{
    struct error err;
    memset(lab, 0, sizeof *lab);
    place_make(&lab->p);
    assert_true(fs_join(lab->source, lab->p.top, "source", &err));
    assert_true(fs_join(lab->secrets, lab->p.top, "secrets", &err));
    assert_true(fs_make_folders(lab->source, 0755, &err));
    assert_true(fs_make_folders(lab->secrets, 0700, &err));
    lab_put(lab->source, "buildspec.yml", buildspec);
    struct step_spec *spec = &lab->p.spec;
    lab->input.name = "App";
    lab->input.ref = (struct artifact_ref){ .store = "s", .key = "k", .version_id = "v1" };
    spec->kind = STEP_BUILD;
    spec->local_bundle = lab->source;
    spec->secrets_dir = lab->secrets;
    spec->job.kind = JOB_BUILD;
    spec->job.timeout_ms = 60000;
    spec->job.revision = "rev-1";
    spec->job.pipeline = "xr";
    spec->job.inputs = &lab->input;
    spec->job.input_count = 1;
    spec->job.variables = lab->variables;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
}

static const struct step_report *lab_run(struct lab *lab)
{
    struct error err;
    memset(&lab->report, 0, sizeof lab->report);
    lab->report.status = STATUS_SUCCEEDED;
    assert_true(build_run(&lab->p.step, &lab->report, &err));
    return &lab->report;
}

static void lab_remove(struct lab *lab)
{
    char workspace[FS_PATH_MAX];
    struct error err;
    assert_true(fs_join(workspace, lab->p.step.host.deployment, "workspace", &err));
    assert_false(fs_exists(workspace));
    place_remove(&lab->p);
}

static const char *lab_log(struct lab *lab)
{
    static char text[1 << 20];
    char path[FS_PATH_MAX];
    struct buf buf AUTO(buf_deinit) = { .max = 0 };
    struct error err;
    buf_init(&buf, sizeof text - 1);
    assert_true(fs_join(path, lab->p.step.host.logs, "scripts.log", &err));
    assert_true(fs_read_file(path, &buf, &err));
    memcpy(text, buf.data, buf.len);
    text[buf.len] = '\0';
    return text;
}

static void assert_logged(struct lab *lab, const char *part)
{
    if (!strstr(lab_log(lab), part)) fail_msg("'%s' lacks '%s'", lab_log(lab), part);
}

static void assert_not_logged(struct lab *lab, const char *part)
{
    if (strstr(lab_log(lab), part)) fail_msg("'%s' holds '%s'", lab_log(lab), part);
}

static enum status phase_status(const struct step_report *r, enum lifecycle_event event)
{
    for (size_t i = 0; i < r->phase_count; i++)
        if (r->phases[i].event == event) return r->phases[i].status;
    return STATUS_PENDING;
}

static void a_source_without_a_good_buildspec_fails_the_first_phase(void **state)
{
    (void)state;
    struct lab lab;
    lab_make(&lab, HEAD "phases:\n  biuld: { commands: [ a ] }\n");
    const struct step_report *r = lab_run(&lab);
    assert_int_equal(r->status, STATUS_FAILED);
    assert_int_equal(r->code, LIFECYCLE_UNKNOWN_ERROR);
    assert_non_null(strstr(r->message, "buildspec.yml:3:10"));
    assert_non_null(strstr(r->message, "did you mean \"build\"?"));
    assert_int_equal(phase_status(r, EVENT_PHASE_SOURCE), STATUS_FAILED);
    assert_int_equal(r->phase_count, 1);
    lab_remove(&lab);
}

static void a_failing_command_leaves_out_the_rest_but_finally_and_post_build(void **state)
{
    (void)state;
    struct lab lab;
    lab_make(&lab,
             HEAD "phases:\n"
                  "  build:\n"
                  "    commands: [ 'echo one', 'echo bad >&2; exit 7', 'echo never' ]\n"
                  "    finally: [ 'echo at last' ]\n"
                  "  post_build: { commands: [ 'echo \"so: $CODEBUILD_BUILD_SUCCEEDING\"' ] }\n");
    const struct step_report *r = lab_run(&lab);
    assert_int_equal(r->status, STATUS_FAILED);
    assert_int_equal(r->code, LIFECYCLE_SCRIPT_FAILED);
    assert_string_equal(r->script, "echo bad >&2; exit 7");
    assert_non_null(strstr(r->message, "command 'echo bad >&2; exit 7': failed with exit code 7"));
    assert_non_null(strstr(r->log_tail, "[stderr]bad"));
    assert_int_equal(phase_status(r, EVENT_PHASE_BUILD), STATUS_FAILED);
    assert_int_equal(phase_status(r, EVENT_PHASE_POST_BUILD), STATUS_SUCCEEDED);
    assert_logged(&lab, "[stdout]at last");
    assert_logged(&lab, "[stdout]so: 0");
    assert_not_logged(&lab, "[stdout]never");
    lab_remove(&lab);
}

static void what_follows_a_failed_phase_is_as_in_codebuild(void **state)
{
    (void)state;
    static const struct {
        const char *phase, *on_failure;
        bool build, post;
    } cases[] = {
        { "install", "", false, false },
        { "pre_build", "", false, false },
        { "pre_build", ", on-failure: CONTINUE", true, true },
        { "build", ", on-failure: ABORT", true, false },
        { "build", ", on-failure: CONTINUE", true, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lab lab;
        char text[512];
        bool build = text_equal(cases[i].phase, "build");
        snprintf(text, sizeof text,
                 HEAD "phases:\n  %s: { commands: [ 'false' ]%s }\n%s"
                      "  post_build: { commands: [ echo ] }\n",
                 cases[i].phase, cases[i].on_failure,
                 build ? "" : "  build: { commands: [ echo ] }\n");
        lab_make(&lab, text);
        const struct step_report *r = lab_run(&lab);
        assert_int_equal(r->status, STATUS_FAILED);
        assert_int_equal(phase_status(r, EVENT_PHASE_BUILD) != STATUS_PENDING, cases[i].build);
        assert_int_equal(phase_status(r, EVENT_PHASE_POST_BUILD) != STATUS_PENDING, cases[i].post);
        lab_remove(&lab);
    }
}

static void commands_follow_each_other_as_if_one_shell_ran_them(void **state)
{
    (void)state;
    struct lab lab;
    lab_make(&lab, HEAD "env: { variables: { GREETING: \"it's\" } }\n"
                        "phases:\n"
                        "  pre_build: { commands: [ 'TAG=\"a b\"', 'mkdir sub; cd sub' ] }\n"
                        "  build: { commands: [ 'echo \"$GREETING $TAG in ${PWD##*/}\"',"
                        " 'GREETING=new', 'echo $GREETING' ] }\n"
                        "  post_build: { commands: [ 'test \"$PWD\" = \"$CODEBUILD_SRC_DIR/sub\"',"
                        " 'test $CODEBUILD_BUILD_SUCCEEDING = 1', 'test -d $TMPDIR' ] }\n");
    const struct step_report *r = lab_run(&lab);
    assert_string_equal(r->message, "");
    assert_int_equal(r->status, STATUS_SUCCEEDED);
    assert_logged(&lab, "[stdout]it's a b in sub");
    assert_logged(&lab, "[stdout]new");
    lab_remove(&lab);
}

static void bash_is_a_shell_too(void **state)
{
    (void)state;
    struct lab lab;
    if (access("/bin/bash", X_OK) != 0) {
        print_message("skipped: no bash\n");
        return;
    }
    lab_make(
        &lab, HEAD
        "env: { shell: bash }\nphases:\n"
        "  build: { commands: [ 'A=(x y); B=kept', 'echo ${#A} $B ${BASH_VERSION:+bash}' ] }\n");
    assert_int_equal(lab_run(&lab)->status, STATUS_SUCCEEDED);
    assert_logged(&lab, "kept bash");
    lab_remove(&lab);
}

static void commands_know_the_build_and_the_actions_variables_win(void **state)
{
    (void)state;
    struct lab lab;
    lab_make(&lab, HEAD "env: { variables: { MODE: slow, OTHER: x } }\nphases:\n"
                        "  build: { commands: [ 'echo $MODE $OTHER $CODEBUILD_INITIATOR"
                        " $CODEBUILD_RESOLVED_SOURCE_VERSION $CODEBUILD_SOURCE_VERSION"
                        " $CODEBUILD_BUILD_ID $AWS_REGION' ] }\n");
    lab.variables[0] = (struct job_variable){ "MODE", "fast", false };
    lab.p.spec.job.variable_count = 1;
    assert_int_equal(lab_run(&lab)->status, STATUS_SUCCEEDED);
    char line[256];
    snprintf(line, sizeof line, "[stdout]fast x codepipeline/xr rev-1 v1 shop:%s r",
             lab.p.spec.job.deployment.text);
    assert_logged(&lab, line);
    lab_remove(&lab);
}

static void secrets_reach_commands_and_no_log(void **state)
{
    (void)state;
    struct lab lab;
    lab_make(&lab, HEAD "env: { secrets-manager: { TOKEN: registry } }\nphases:\n"
                        "  build: { commands: [ 'echo \"token $TOKEN and $PASS\"',"
                        " 'echo $TOKEN >&2', 'test \"$TOKEN\" = \"s3cret-value\"',"
                        " 'cat $TMPDIR/../state/variables',"
                        " 'echo \"$KEY\"; exit 3 # s3cret-value' ] }\n");
    lab_put(lab.secrets, "registry", "s3cret-value\n");
    lab_put(lab.secrets, "pass", "another one");
    lab_put(lab.secrets, "key", "-----BEGIN-----\nabcdefgh\n-----END-----\n");
    lab.variables[0] = (struct job_variable){ "PASS", "pass", true };
    lab.variables[1] = (struct job_variable){ "KEY", "key", true };
    lab.p.spec.job.variable_count = 2;
    const struct step_report *r = lab_run(&lab);
    assert_int_equal(r->status, STATUS_FAILED);
    assert_non_null(strstr(r->message, "failed with exit code 3"));
    assert_logged(&lab, "[stdout]token *** and ***");
    assert_logged(&lab, "[stderr]***");
    assert_not_logged(&lab, "s3cret");
    assert_not_logged(&lab, "another one");
    assert_not_logged(&lab, "abcdefgh");
    assert_null(strstr(r->message, "s3cret"));
    assert_null(strstr(r->script, "s3cret"));
    assert_null(strstr(r->log_tail, "s3cret"));
    lab_remove(&lab);
}

static void a_secret_is_hidden_however_its_bytes_arrive(void **state)
{
    (void)state;
    struct lab lab;
    lab_make(&lab, HEAD "env: { secrets-manager: { TOKEN: t } }\nphases:\n"
                        "  build: { commands: [ 'printf %s s3cret-; printf %s value', "
                        "'head -c 65530 /dev/zero | tr \"\\\\0\" x; printf \"%s\" \"$TOKEN\"; "
                        "head -c 70000 /dev/zero | tr \"\\\\0\" y; echo $TOKEN' ] }\n");
    lab_put(lab.secrets, "t", "s3cret-value");
    assert_int_equal(lab_run(&lab)->status, STATUS_SUCCEEDED);
    assert_not_logged(&lab, "s3cret-v");
    assert_not_logged(&lab, "-value");
    assert_logged(&lab, "xxx***yyy");
    lab_remove(&lab);
}

static void a_missing_or_short_secret_fails_the_build_and_says_what_to_do(void **state)
{
    (void)state;
    struct lab lab;
    lab_make(&lab, HEAD "env: { secrets-manager: { TOKEN: t } }\nphases:\n"
                        "  build: { commands: [ 'echo' ] }\n");
    assert_non_null(strstr(lab_run(&lab)->message, "the secret of variable TOKEN"));
    lab_put(lab.secrets, "t", "abc");
    assert_non_null(strstr(lab_run(&lab)->message, "has 3 bytes"));
    lab.p.spec.secrets_dir = "";
    assert_non_null(strstr(lab_run(&lab)->message, "write `secrets: FOLDER`"));
    lab_remove(&lab);
}

static void a_run_begins_with_a_clean_workspace(void **state)
{
    (void)state;
    struct lab lab;
    struct error err;
    char left[FS_PATH_MAX];
    lab_make(&lab, HEAD "phases: { build: { commands: [ 'test ! -e ../left', 'test ! -e made',"
                        " 'touch made' ] } }\n");
    assert_true(fs_join(left, lab.p.step.host.deployment, "workspace/left", &err));
    assert_true(fs_make_folders(left, 0755, &err));
    lab.p.spec.run = 2;
    assert_int_equal(lab_run(&lab)->status, STATUS_SUCCEEDED);
    assert_logged(&lab, "run 2: the one before was interrupted");
    assert_int_equal(lab_run(&lab)->status, STATUS_SUCCEEDED);
    lab_remove(&lab);
}

static void a_build_ends_at_its_time_with_all_its_processes(void **state)
{
    (void)state;
    struct lab lab;
    lab_make(&lab, HEAD "phases: { build: { commands: [ 'sleep 600 & sleep 600' ] } }\n");
    lab.p.spec.job.timeout_ms = 100;
    uint64_t before_ms = clock_boot_ms();
    const struct step_report *r = lab_run(&lab);
    assert_int_equal(r->status, STATUS_FAILED);
    assert_int_equal(r->code, LIFECYCLE_SCRIPT_TIMED_OUT);
    assert_true(clock_boot_ms() - before_ms < 30000);
    lab_remove(&lab);
}

static void memory_is_bounded_for_each_process(void **state)
{
    (void)state;
    struct lab lab;
    lab_make(&lab, HEAD "phases: { build: { commands: [ 'ulimit -d' ] } }\n");
    lab.p.spec.build_memory_max = 64 << 20;
    assert_int_equal(lab_run(&lab)->status, STATUS_SUCCEEDED);
    assert_logged(&lab, "[stdout]65536");
    lab_remove(&lab);
}

static void an_output_without_artifacts_says_what_to_write(void **state)
{
    (void)state;
    struct lab lab;
    lab_make(&lab, HEAD "phases: { build: { commands: [ 'echo' ] } }\n");
    lab.output.name = "Built";
    lab.p.spec.job.outputs = &lab.output;
    lab.p.spec.job.output_count = 1;
    const struct step_report *r = lab_run(&lab);
    assert_int_equal(r->status, STATUS_FAILED);
    assert_non_null(strstr(r->message, "has no artifacts for the action's output 'Built'"));
    assert_int_equal(phase_status(r, EVENT_PHASE_ARTIFACTS), STATUS_FAILED);
    lab_put(lab.source, "buildspec.yml",
            HEAD "phases: { build: { commands: [ 'echo' ] } }\n"
                 "artifacts: { files: [ 'nothing/*' ] }\n");
    assert_non_null(strstr(lab_run(&lab)->message, "no file fits 'nothing/*'"));
    lab_put(lab.source, "buildspec.yml",
            HEAD "phases: { build: { commands: [ 'ln -s /etc out' ] } }\n"
                 "artifacts: { files: [ '**/*' ], base-directory: out }\n");
    assert_non_null(strstr(lab_run(&lab)->message, "leads out of the"));
    lab_remove(&lab);
}

static void exported_variables_are_what_the_commands_left(void **state)
{
    (void)state;
    struct lab lab;
    lab_make(&lab, HEAD "env:\n  exported-variables: [ TAG, LOST, LINES, HIDDEN ]\n"
                        "  secrets-manager: { KEY: key }\n"
                        "phases:\n  build:\n    commands:\n"
                        "      - TAG=one\n"
                        "      - export TAG=\"two 'x' $((1 + 2))\"\n"
                        "      - LINES=$(printf 'a\\nb')\n"
                        "      - HIDDEN=\"with $KEY\"\n");
    lab_put(lab.secrets, "key", "canary-8f2c");
    const struct step_report *r = lab_run(&lab);
    if (r->status != STATUS_SUCCEEDED) fail_msg("%s", r->message);
    assert_int_equal(r->variable_count, 3);
    assert_string_equal(r->variables[0].name, "TAG");
    assert_string_equal(r->variables[0].value, "two 'x' 3");
    assert_string_equal(r->variables[1].value, "a\nb");
    assert_string_equal(r->variables[2].name, "HIDDEN");
    assert_string_equal(r->variables[2].value, "with ***");
    assert_logged(&lab, "the exported variable LOST is not set");
    lab_remove(&lab);
}

static void a_variable_that_cannot_be_exported_fails_the_build(void **state)
{
    (void)state;
    static const struct {
        const char *command, *message;
    } cases[] = {
        { "TAG=$(head -c 2001 /dev/zero | tr '\\0' x)", "TAG has more than 2000 bytes" },
        { "TAG=$(printf '\\377')", "TAG is not UTF-8" },
        /* Where the value will be written: whatever lies there is not followed. */
        { "mkdir ../state/value-0; TAG=x", "the exported variables cannot be read" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lab lab;
        char text[400];
        snprintf(text, sizeof text,
                 HEAD "env:\n  exported-variables: [ TAG ]\nphases:\n  build:\n    commands:\n"
                      "      - %s\n",
                 cases[i].command);
        lab_make(&lab, text);
        const struct step_report *r = lab_run(&lab);
        assert_int_equal(r->status, STATUS_FAILED);
        if (!strstr(r->message, cases[i].message)) fail_msg("case %zu: %s", i, r->message);
        assert_int_equal(r->variable_count, 0);
        lab_remove(&lab);
    }
}

static void a_secret_of_the_action_is_not_exported(void **state)
{
    (void)state;
    struct lab lab;
    lab_make(&lab, HEAD "env:\n  exported-variables: [ TOKEN ]\n"
                        "phases:\n  build: { commands: [ 'true' ] }\n");
    lab_put(lab.secrets, "file", "canary-8f2c");
    lab.variables[0] = (struct job_variable){ "TOKEN", "file", true };
    lab.p.spec.job.variable_count = 1;
    const struct step_report *r = lab_run(&lab);
    assert_int_equal(r->status, STATUS_FAILED);
    assert_non_null(strstr(r->message, "TOKEN is a secret"));
    lab_remove(&lab);
}

/* Commands of the definition: the source needs no buildspec, and there may be no source. */
static void a_job_may_bring_its_buildspec(void **state)
{
    (void)state;
    static const char spec[] = "version: 0.2\nenv: { exported-variables: ['WHO'] }\n"
                               "phases: { build: { commands: ['WHO=''me & \"you\"''', "
                               "'echo $WHO', 'pwd; ls -A | wc -l'] } }\n";
    for (size_t inputs = 0; inputs < 2; inputs++) {
        struct lab lab;
        lab_make(&lab, "rubbish: [");
        lab.p.spec.job.buildspec = spec;
        lab.p.spec.job.input_count = inputs;
        const struct step_report *r = lab_run(&lab);
        assert_string_equal(r->message, "");
        assert_int_equal(r->status, STATUS_SUCCEEDED);
        assert_int_equal(r->variable_count, 1);
        assert_string_equal(r->variables[0].value, "me & \"you\"");
        assert_logged(&lab, "[stdout]me & \"you\"");
        assert_logged(&lab, "/workspace/src");
        assert_logged(&lab, inputs ? "[stdout]1" : "[stdout]0");
        lab_remove(&lab);
    }
}

static void a_job_without_source_and_buildspec_fails(void **state)
{
    (void)state;
    struct lab lab;
    lab_make(&lab, HEAD "phases: { build: { commands: [ ls ] } }\n");
    lab.p.spec.job.input_count = 0;
    const struct step_report *r = lab_run(&lab);
    assert_int_equal(r->status, STATUS_FAILED);
    assert_non_null(strstr(r->message, "names no source"));
    place_remove(&lab.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_without_a_good_buildspec_fails_the_first_phase),
        cmocka_unit_test(a_job_may_bring_its_buildspec),
        cmocka_unit_test(a_job_without_source_and_buildspec_fails),
        cmocka_unit_test(a_failing_command_leaves_out_the_rest_but_finally_and_post_build),
        cmocka_unit_test(what_follows_a_failed_phase_is_as_in_codebuild),
        cmocka_unit_test(commands_follow_each_other_as_if_one_shell_ran_them),
        cmocka_unit_test(bash_is_a_shell_too),
        cmocka_unit_test(exported_variables_are_what_the_commands_left),
        cmocka_unit_test(a_variable_that_cannot_be_exported_fails_the_build),
        cmocka_unit_test(a_secret_of_the_action_is_not_exported),
        cmocka_unit_test(commands_know_the_build_and_the_actions_variables_win),
        cmocka_unit_test(secrets_reach_commands_and_no_log),
        cmocka_unit_test(a_secret_is_hidden_however_its_bytes_arrive),
        cmocka_unit_test(a_missing_or_short_secret_fails_the_build_and_says_what_to_do),
        cmocka_unit_test(a_run_begins_with_a_clean_workspace),
        cmocka_unit_test(a_build_ends_at_its_time_with_all_its_processes),
        cmocka_unit_test(memory_is_bounded_for_each_process),
        cmocka_unit_test(an_output_without_artifacts_says_what_to_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
