/* Commands as users run them: exit codes, what goes to stdout and what to stderr. */
#include "client/commands.h"

#include "fixture_coordinator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct expectation {
    const char *line;
    int exit;
    const char *out, *notes; /* parts of what is written; "" nothing at all, NULL anything */
};

static bool agrees(const char *expected, const char *text)
{
    if (!expected) return true;
    return expected[0] ? strstr(text, expected) != NULL : text[0] == '\0';
}

static void expect_all(void **state, const struct expectation *cases, size_t count)
{
    struct command_result result;
    for (size_t i = 0; i < count; i++) {
        command_try(*state, cases[i].line, &result);
        if (result.exit != cases[i].exit || !agrees(cases[i].out, result.out) ||
            !agrees(cases[i].notes, result.notes))
            fail_msg("meridian %s: exit %d\n%s%s", cases[i].line, result.exit, result.out,
                     result.notes);
    }
}
#define expect(cases) expect_all(state, cases, sizeof cases / sizeof *(cases))

static void wrong_command_lines_exit_with_2(void **state)
{
    static const struct expectation cases[] = {
        { "nonsense", 2, "", "there is no command 'nonsense'" },
        { "stauts", 2, "", "fix: meridian status" },
        { "--nonsense", 2, "", "there is no option --nonsense" },
        { "list extra", 2, "", "'extra' is one argument too many" },
        { "history", 2, "", "fix: meridian history PIPELINE" },
        { "apply", 2, "", "-f FILE is missing" },
        { "push a b", 2, "", "must be s3://STORE/KEY" },
        { "push a s3://store", 2, "", "must be s3://STORE/KEY" },
        { "push a s3:///key", 2, "", "must be s3://STORE/KEY" },
        { "list --abandon", 2, "", "does not belong to this command" },
        { "completion fish", 2, "", "bash and zsh" },
        { "list -o ndjson", 2, "", "{\"error\":" }, /* and errors are JSON, too */
        { "keys", 2, "", "missing" },
        { "keys worker", 2, "", "a name is missing" },
        { "keys worker web", 2, "", "--region is missing" },
        { "keys client ana", 2, "", "--role is missing" },
        { "keys client ana --role king", 2, "", "there is no such role" },
        { "-o json nonsense", 2, "", "{\"error\":{\"code\":\"usage\"" },
    };
    expect(cases);
}

static void help_is_data(void **state)
{
    static const struct expectation cases[] = {
        { "", 0, "usage: meridian", "" },
        { "help", 0, "usage: meridian", "" },
        { "help stop", 0, "--abandon", "" },
        { "stop --help", 0, "--abandon", "" },
        { "help nonsense", 2, "", "there is no such command" },
        { "version --client", 0, "meridian     ", "" },
        { "completion bash -q", 0, "complete -o default -F _meridian meridian", "" },
        { "completion zsh -q", 0, "#compdef meridian", "" },
        { "__complete st", 0, "status\nstop\n", "" },
        { "__complete stop --ab", 0, "--abandon\n", "" },
        { "__complete keys re", 0, "revoke\n", "" },
    };
    expect(cases);
}

static void keys_are_made_and_revoked_here(void **state)
{
    static const struct expectation cases[] = {
        { "keys client ana --role admin --dir @/keys", 3, "", "meridian keys init" },
        { "keys --dir @/keys init", 0, "/keys/coordinator.key\n", "next:" },
        { "keys --dir @/keys init", 6, "", "error:" },
        { "keys --dir @/keys worker web --region us-west-2 --tag Name=Blue", 0,
          "/keys/worker-web.key\n", "coordinator.pub" },
        { "keys --dir @/keys worker web --region us-west-2", 6, "", "error:" },
        { "keys --dir @/keys worker ../web --region us-west-2", 1, "", "error:" },
        { "keys --dir @/keys worker web2 --region Oregon", 1, "", "error:" },
        { "keys --dir @/keys worker web2 --region us-west-2 --tag Name", 2, "", "KEY=VALUE" },
        { "keys --dir @/keys client web --role viewer -q", 0, "/keys/client-web.key\n", "" },
        { "keys --dir @/keys list -o name", 0, "worker/web\nclient/web\n", "" },
        { "keys --dir @/keys list -o json", 0, "\"Name\": \"Blue\"", "" },
        { "keys --dir @/keys revoke web", 2, "", "worker/NAME" },
        { "keys --dir @/keys revoke worker/web", 0, "", "revoked" },
        { "keys --dir @/keys revoke nobody", 3, "", "nobody of that name" },
        { "keys --dir @/keys list -o name", 0, "client/web\n", "" },
    };
    expect(cases);
}

static void write_file(void **state, const char *name, const char *text)
{
    struct command_world *w = *state;
    struct error err;
    char path[FS_PATH_MAX], folder[FS_PATH_MAX];
    assert_true(fs_join(folder, w->folder, "app", &err));
    assert_true(fs_make_folders(folder, 0700, &err));
    assert_true(fs_join(path, folder, name, &err));
    assert_true(fs_write_atomic(path, bytes_of_text(text), 0644, &err));
}

static void bundles_are_validated_without_a_coordinator(void **state)
{
    static const struct expectation empty[] = {
        { "validate @/nothing", 3, "", "No such file" },
        { "validate @/app", 3, "", "there is no appspec.yml at the top" },
    };
    static const struct expectation bad[] = {
        { "validate @/app", 1, "app/appspec.yml:", "" },
        { "validate @/app/appspec.yml", 1, "appspec.yml:", "" },
        { "validate @/app -o json", 1, "\"valid\": false", "" },
    };
    static const struct expectation good[] = {
        { "validate @/app", 0, "app: valid bundle\n", "" },
        { "validate @/app/appspec.yml", 0, "valid appspec\n", "" },
        { "validate @/app @/nothing", 3, "app: valid bundle\n", "No such file" },
    };
    static const struct expectation unbuildable[] = {
        { "validate @/app", 1, "buildspec.yml:3:", "" },
        { "validate @/app/buildspec.yml", 1, "buildspec.yml:3:", "" },
    };
    static const struct expectation buildable[] = {
        { "validate @/app", 0, "app: valid bundle\n", "" },
        { "validate @/app/buildspec.yml", 0, "valid buildspec\n", "" },
    };
    write_file(state, "page", "hello");
    expect(empty);
    write_file(state, "buildspec.yml", "version: 0.2\nphase:\n  build:\n");
    expect(unbuildable);
    write_file(state, "buildspec.yml", "version: 0.2\nphases:\n  build:\n    commands: [make]\n");
    expect(buildable);
    write_file(state, "appspec.yml", "version: 0.0\nos: linux\nfiles:\n  - source: /gone\n");
    expect(bad);
    write_file(state, "appspec.yml",
               "version: 0.0\nos: linux\nfiles:\n  - source: /page\n    destination: /tmp/x\n");
    expect(good);
}

static void without_settings_nobody_is_asked(void **state)
{
    static const struct expectation cases[] = {
        { "list", 2, "", "nothing sets coordinator" },
        { "list --coordinator tcp://127.0.0.1:1", 2, "", "nothing sets coordinatorKey" },
        { "list --config @/none.yml", 2, "", "No such file" },
    };
    if (fs_exists("/etc/meridian/client.yml")) {
        print_message("skipped: this host has settings of its own\n");
        skip();
    }
    expect(cases);
}

/* ---- with a coordinator ---- */

static void failures_have_their_exit_codes(void **state)
{
    static const struct expectation cases[] = {
        { "export missing", 3, "",
          "error: it went wrong \\x1b[31m\n  cause: a cause\n  fix: a "
          "command\n" },
        { "export denied", 4, "", "error:" },
        { "export conflict", 6, "", "error:" },
        { "export invalid", 1, "", "error:" },
        { "export later", 1, "", "error:" },
        { "export missing -v", 3, "", "  request: " },
        { "export missing -o json", 3, "", "{\"error\":{\"code\":\"not-found\"" },
        { "status missing x", 3, "", "error:" },
        { "run denied", 4, "", "error:" },
    };
    expect(cases);
}

static void results_have_their_exit_codes(void **state)
{
    static const struct expectation cases[] = {
        { "wait Succeeded 0b8a", 0, "Succeeded/0b8a2c1e Succeeded", "" },
        { "wait Failed", 1, "Failed/0b8a2c1e Failed", "" },
        { "wait Stopped 0b8a", 6, "Stopped", "" },
        { "wait Superseded 0b8a", 6, "Superseded", "" },
        { "wait Cancelled 0b8a -q", 6, "", "" },
        { "wait Unknown 0b8a -q", 1, "", "" },
        { "wait Succeeded 0b8a -o json", 0, "\"status\": \"Succeeded\"", "" },
        { "wait InProgress 0b8a --timeout 300ms", 124, "", "has not ended" },
        { "watch missing x", 3, "", "error:" },
        { "run Failed -w -q", 1, "", "" },
    };
    expect(cases);
}

static void events_are_lines_and_json(void **state)
{
    static const char line[] = "1970-01-01T00:16:40Z Failed Prod/Second us-east-1 Failed "
                               "version=v1  it went \\x1b[31m wrong\n";
    static const struct expectation cases[] = {
        { "events", 0, line, "" },
        { "watch Failed --progress plain", 1, line, "✘ Prod  Failed" },
        { "watch Failed -o ndjson", 1, "{\"seq\":7,", "" },
        { "events -o ndjson", 0, "{\"seq\":7,", "" },
        { "events -o json", 0, "{\"events\":[\n{\"seq\":7,", "" },
    };
    expect(cases);
}

static void logs_are_whole_and_as_they_were_written(void **state)
{
    static const struct expectation cases[] = {
        { "logs Failed", 0, "one\n\x1b[2Jtwo 東\n", "" },
        { "logs -f Failed/Second/web-2", 0, "one\n\x1b[2Jtwo 東\n", "" },
        { "logs 0b8a -o ndjson", 0, "\"pipelineExecutionId\":\"0b8a\",\"offset\":0,", "" },
    };
    expect(cases);
}

static void an_unanswered_request_is_sent_again(void **state)
{
    static const struct expectation cases[] = { { "run lost -q", 0, "0b8a2c1e-", "" } };
    expect(cases);
}

static void alarms_are_raised_and_cleared(void **state)
{
    static const struct expectation cases[] = {
        { "alarm raise", 2, "", "missing" },
        { "alarm ring errors", 2, "", "raised or cleared" },
        { "alarm raise errors --reason 5xx", 0, "errors\n", "raised" },
        { "alarm clear errors -o json", 0, "\"state\": \"cleared\"", NULL },
    };
    expect(cases);
}

static void deployments_are_listed_and_shown(void **state)
{
    static const struct expectation cases[] = {
        { "deployments", 2, "", "missing" },
        { "deployments missing", 3, "", "error:" },
        { "deployments xr", 0, "DEPLOYMENT", "" },
        { "deployments xr d-NOBODYHAS", 3, "", "no such deployment" },
    };
    expect(cases);
}

static void transitions_are_changed(void **state)
{
    static const struct expectation cases[] = {
        { "transition", 2, "", "missing" },
        { "transition open xr Prod", 2, "", "enabled or disabled" },
        { "transition disable xr Prod --reason freeze", 0, "Prod\n", "disabled" },
        { "transition enable xr Prod -o json", 0, "\"transition\": \"enabled\"", NULL },
        { "transition enable missing Prod", 3, "", "error:" },
        { "__complete transition en", 0, "enable\n", "" },
    };
    expect(cases);
}

static void approvals_retries_and_rollbacks_name_the_execution(void **state)
{
    static const struct expectation cases[] = {
        { "approve", 2, "", "missing" },
        { "approve xr --token %", 2, "", "no token" },
        { "approve Failed --comment fine", 0, "0b8a2c1e-", "approved" },
        { "reject Failed --summary no --action Gate", 0, "0b8a2c1e-", "rejected" },
        { "approve conflict 0b8a", 6, "", "error:" },
        { "retry Failed --all --stage Prod -q", 0, "0b8a2c1e-", "" },
        { "retry denied 0b8a", 4, "", "error:" },
        { "rollback Failed", 2, "", "missing" },
        { "rollback Failed Prod --to 0b8a -o json -q", 0, "pipelineExecutionId", "" },
        { "rollback missing Prod", 3, "", "error:" },
    };
    expect(cases);
}

static void stopping_needs_a_yes(void **state)
{
    static const struct expectation cases[] = {
        { "stop InProgress 0b8a", 2, "", "add --yes" },
        { "stop InProgress 0b8a --yes", 0, "0b8a2c1e-1111", "stopping" },
    };
    expect(cases);
}

static void strangers_and_silence_have_codes_of_their_own(void **state)
{
    static const struct expectation cases[] = {
        { "list --key @/stranger.key", 4, "", "does not admit this client" },
        { "list --key @/keys/worker-web.key", 2, "", "the key of a worker" },
        { "list --key @/none.key", 4, "", "No such file" },
        { "list --coordinator tcp://127.0.0.1:1 --timeout 500ms", 5, "", "cannot be reached" },
        { "version -o json", 0, "\"coordinator\": \"9.9.9\"", "" },
        { "__complete history F", 0, "Failed\n", "" },
    };
    expect(cases);
}

static void questions_have_answers(void **state)
{
    static const struct expectation cases[] = {
        { "why missing", 3, "", "error:" },
        { "why InProgress", 0, "HostDrained: drained \\x1b[31m by ana", "" },
        { "why InProgress 0b8a", 0, "do: meridian workers resume web-1", "" },
        { "why InProgress -o json", 0, "\"code\": \"HostDrained\"", "" },
        { "regions", 0, "2/3, 1 drained", "" },
        { "regions -o json", 0, "\"artifactStores\": \"store-a\"", "" },
        { "regions -o name", 0, "us-east-1\n", "" },
        { "artifacts list", 2, "", "an argument is missing" },
        { "artifacts burn bucket", 2, "", "listed, got, verified or emptied" },
        { "artifacts get bucket", 2, "", "an object's key is missing" },
        { "artifacts empty bucket", 2, "", "nobody to ask" },
        { "artifacts list bucket", 0, "NEEDED BY", "" },
        { "doctor", 1, "store bucket: denied \\x1b[31m\n  fix: add s3:GetObject", "" },
        { "doctor -o json", 1, "\"level\": \"bad\"", "" },
        { "doctor now", 2, "", "one argument too many" },
        { "plan", 2, "", "-f FILE is missing" },
        { "plan -f @/client.yml", 0, "~ action Prod/Deploy: region  us-east-1 -> eu-west-1", "" },
        { "plan -f @/client.yml --detailed-exitcode", 2, "3 (1 away)", "" },
        { "plan -f @/client.yml -o json", 0, "\"bytesAcrossRegions\": 5000000", "" },
        { "workers drain", 2, "", "a worker is drained or resumed" },
        { "workers empty web-1", 2, "", "a worker is drained or resumed" },
        { "workers drain missing", 3, "", "error:" },
        { "workers drain web-1 --reason disk", 0, "web-1\n", NULL },
        { "history Failed 0b8a", 2, "", "--compare" },
        { "history Failed --compare 0b8a", 0, "stage Prod", "" },
        { "history Failed --compare 0b8a 0b8a -o json", 0, "pipelineExecutionId", "" },
        { "events --after x", 2, "", "--after needs the number" },
    };
    expect(cases);
}

#define alone(test) cmocka_unit_test_setup_teardown(test, command_world_make, command_world_end)
#define together(test)                                                                             \
    cmocka_unit_test_setup_teardown(test, command_world_make_with_coordinator, command_world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        alone(wrong_command_lines_exit_with_2),
        alone(help_is_data),
        alone(keys_are_made_and_revoked_here),
        alone(bundles_are_validated_without_a_coordinator),
        alone(without_settings_nobody_is_asked),
        together(failures_have_their_exit_codes),
        together(results_have_their_exit_codes),
        together(events_are_lines_and_json),
        together(logs_are_whole_and_as_they_were_written),
        together(an_unanswered_request_is_sent_again),
        together(stopping_needs_a_yes),
        together(transitions_are_changed),
        together(alarms_are_raised_and_cleared),
        together(deployments_are_listed_and_shown),
        together(questions_have_answers),
        together(approvals_retries_and_rollbacks_name_the_execution),
        together(strangers_and_silence_have_codes_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
