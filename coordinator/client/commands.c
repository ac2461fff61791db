#include "client/commands.h"

#include "io/doc.h"

#include <stdio.h>

#define TREE_OUTPUTS (OUTPUT_BIT(WIDE) | OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME))
#define LIST_OUTPUTS TREE_OUTPUTS

#define ANSWER_OPTIONS                                                                             \
    (OPTION_BIT(ACTION) | OPTION_BIT(TOKEN) | OPTION_BIT(SUMMARY) | OPTION_BIT(COMMENT))

const struct command commands[] = {
    { "run", "Daily", "PIPELINE", "start an execution of the newest or of a given revision",
      OPTION_BIT(REVISION) | OPTION_BIT(WATCH) | OPTION_BIT(IGNORE_STOP) | OPTION_BIT(OUTDATED) |
          OPTION_BIT(VARIABLE) | OPTION_BIT(SOURCE_REVISION) | OPTION_BIT(SOURCE_KEY) |
          OPTION_BIT(REQUEST_TOKEN),
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 1, 1, command_run },
    { "list", "Daily", "", "all pipelines and how their newest execution stands", 0, LIST_OUTPUTS,
      0, 0, command_list },
    { "status", "Daily", "[PIPELINE [EXECUTION]]", "an execution as a tree", 0, TREE_OUTPUTS, 0, 2,
      command_status },
    { "why", "Daily", "PIPELINE [EXECUTION] | EXECUTION",
      "what an execution waits for, since when, and what to do", 0,
      OUTPUT_BIT(WIDE) | OUTPUT_BIT(JSON), 1, 2, command_why },
    { "watch", "Daily", "PIPELINE [EXECUTION]",
      "follow an execution to its end; the exit code is its result", 0,
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NDJSON), 1, 2, command_watch },
    { "wait", "Daily", "PIPELINE [EXECUTION]", "the same in silence", 0,
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 1, 2, command_wait },
    { "logs", "Daily", "PIPELINE | EXECUTION[/ACTION[/HOST]]", "what the hooks of a host wrote",
      OPTION_BIT(FOLLOW), OUTPUT_BIT(JSON) | OUTPUT_BIT(NDJSON), 1, 1, command_logs },
    { "history", "Daily", "PIPELINE [EXECUTION]",
      "its executions, newest first; or two of them beside each other",
      OPTION_BIT(NUMBER) | OPTION_BIT(COMPARE), LIST_OUTPUTS, 1, 2, command_history },
    { "stop", "Daily", "PIPELINE [EXECUTION]", "end an execution",
      OPTION_BIT(ABANDON) | OPTION_BIT(REASON) | OPTION_BIT(YES),
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 1, 2, command_stop },
    { "approve", "Daily", "PIPELINE | EXECUTION", "let an execution go on that waits for it",
      ANSWER_OPTIONS, OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 1, 2, command_approve },
    { "reject", "Daily", "PIPELINE | EXECUTION", "do not let it go on", ANSWER_OPTIONS,
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 1, 2, command_reject },
    { "retry", "Daily", "PIPELINE | EXECUTION",
      "work on a failed or stopped stage again; hosts that finished are left alone",
      OPTION_BIT(STAGE) | OPTION_BIT(ALL), OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 1, 2,
      command_retry },
    { "rollback", "Daily", "PIPELINE STAGE", "bring back what an earlier execution had in a stage",
      OPTION_BIT(TO), OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 2, 2, command_rollback },
    { "transition", "Daily", "enable|disable PIPELINE STAGE",
      "let executions into a stage, or hold them before it", OPTION_BIT(WHY),
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 3, 3, command_transition },
    { "condition", "Daily", "override PIPELINE STAGE CONDITION [EXECUTION]",
      "let a stage go on that waits for beforeEntry or onSuccess, or has failed by it",
      OPTION_BIT(WHY), OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 4, 5, command_condition },
    { "resume", "Daily", "PIPELINE [EXECUTION] | EXECUTION",
      "let hosts go on that were interrupted in a hook",
      OPTION_BIT(RERUN_STEP) | OPTION_BIT(SKIP_STEP) | OPTION_BIT(HOST) | OPTION_BIT(ACTION),
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 1, 2, command_resume },
    { "apply", "Define", "-f FILE",
      "make or change a pipeline, deployment group, configuration or action type (AWS's JSON, or "
      "YAML)",
      OPTION_BIT(FILE) | OPTION_BIT(DRY_RUN) | OPTION_BIT(IF_VERSION),
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 0, 0, command_apply },
    { "validate", "Define", "FILE...", "all problems of pipelines, appspecs and bundles", 0,
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NDJSON), 1, COMMAND_ARGUMENTS_MAX, command_validate },
    { "plan", "Define", "-f FILE", "what apply would change, and what an execution would do then",
      OPTION_BIT(FILE) | OPTION_BIT(EXIT_CODE), OUTPUT_BIT(JSON), 0, 0, command_plan },
    { "export", "Define", "PIPELINE | KIND/NAME", "a definition, as AWS would print it",
      OPTION_BIT(AS_WRITTEN), OUTPUT_BIT(JSON), 1, 1, command_export },
    { "resources", "Define", "[KIND]",
      "deployment groups, configurations and what else was applied beside pipelines", 0,
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 0, 1, command_resources },
    { "import", "Define", "cfn FILE", "the pipeline of a CloudFormation template, to be applied",
      OPTION_BIT(PARAMETER) | OPTION_BIT(RENAME) | OPTION_BIT(REGION), 0, 2, 2, command_import },
    { "push", "Define", "PATH s3://STORE/KEY",
      "upload a bundle: a new version of the source object", OPTION_BIT(SUMMARY),
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 2, 2, command_push },
    { "deployments", "Fleet", "PIPELINE [DEPLOYMENT]",
      "its newest deployments, or the hosts of one; -o wide shows every host's events",
      OPTION_BIT(NUMBER), OUTPUT_BIT(WIDE) | OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 1, 2,
      command_deployments },
    { "alarm", "Fleet", "raise|clear NAME",
      "tell that hosts are not well, or are again: deployment groups stop for their alarms",
      OPTION_BIT(WHY), OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 2, 2, command_alarm },
    { "jobs", "Fleet", "poll TYPE | ack JOB NONCE | show|succeed|fail JOB",
      "work on custom actions: take a job, tell how it ended",
      OPTION_BIT(NUMBER) | OPTION_BIT(QUERY) | OPTION_BIT(OUTPUT_VARIABLE) |
          OPTION_BIT(CONTINUATION) | OPTION_BIT(PERCENT) | OPTION_BIT(EXTERNAL_ID) |
          OPTION_BIT(SUMMARY) | OPTION_BIT(REASON),
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 2, 3, command_jobs },
    { "regions", "Fleet", "", "stores, workers and artifacts of each region", 0, LIST_OUTPUTS, 0, 0,
      command_regions },
    { "workers", "Fleet", "[drain|resume NAME]",
      "the hosts; one that is drained ends what it has and gets no new jobs", OPTION_BIT(WHY),
      LIST_OUTPUTS, 0, 2, command_workers },
    { "artifacts", "Fleet", "list|get|verify|empty BUCKET [KEY [FILE]]",
      "what lies in a store, its bytes, whether they are right; empty removes every version",
      OPTION_BIT(REVISION) | OPTION_BIT(YES) | OPTION_BIT(FORCE),
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 2, 4, command_artifacts },
    { "events", "Fleet", "[PIPELINE [EXECUTION]]", "everything that happened, in order",
      OPTION_BIT(WATCH) | OPTION_BIT(AFTER), OUTPUT_BIT(JSON) | OUTPUT_BIT(NDJSON), 0, 2,
      command_events },
    { "doctor", "Admin", "",
      "check stores, permissions, clocks, disks and workers; says what to mend", 0,
      OUTPUT_BIT(JSON), 0, 0, command_doctor },
    { "keys", "Admin", "init [DIR] | worker NAME | client NAME | revoke NAME | list",
      "make and revoke keys, beside the coordinator",
      OPTION_BIT(DIR) | OPTION_BIT(REGION) | OPTION_BIT(ROLE) | OPTION_BIT(TAG),
      OUTPUT_BIT(JSON) | OUTPUT_BIT(NAME), 1, 2, command_keys },
    { "version", "Admin", "", "of the client and of the coordinator", OPTION_BIT(CLIENT_ONLY),
      OUTPUT_BIT(JSON), 0, 0, command_version },
    { "completion", "Admin", "bash | zsh", "a script for the shell to source", 0, 0, 1, 1,
      command_completion },
    { "help", "Admin", "[COMMAND]", "explain a command", 0, 0, 0, 1, command_help },
    { "__complete", NULL, "WORD...", "words that may follow, for the shell", 0, 0, 0,
      COMMAND_ARGUMENTS_MAX, command_complete },
    { .name = NULL },
};

const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name; command++)
        if (text_equal(command->name, name)) return command;
    return NULL;
}

/* ---- help ---- */

static void help_options(struct print *out, uint64_t mask, bool global)
{
    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        const struct option_row *row = &option_rows[id];
        bool shown = global ? id < OPTION_GLOBAL_COUNT : (mask & (UINT64_C(1) << id)) != 0;
        if (!shown) continue;
        char left[64];
        const char letter[] = { '-', row->letter, ',', ' ', '\0' };
        snprintf(left, sizeof left, "%s--%s%s%s", row->letter ? letter : "    ", row->name,
                 row->argument ? " " : "", row->argument ? row->argument : "");
        print_format(out, "  %-26s %s\n", left, row->help);
    }
}

void commands_help(struct print *out)
{
    static const char *const groups[] = { "Daily", "Define", "Fleet", "Admin" };
    print_raw(out, "meridian: deploy one revision to many regions\n\n"
                   "usage: meridian [OPTIONS] COMMAND [ARGUMENTS]\n");
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        print_raw(out, "\n");
        print_styled(out, STYLE_BOLD, groups[g]);
        print_raw(out, "\n");
        for (const struct command *command = commands; command->name; command++)
            if (command->group && text_equal(command->group, groups[g]))
                print_format(out, "  %-11s %s\n", command->name, command->help);
    }
    print_raw(out, "\n");
    print_styled(out, STYLE_BOLD, "Options of every command");
    print_raw(out, "\n");
    help_options(out, 0, true);
    print_raw(out, "\nmeridian help COMMAND says more.\n");
}

void commands_help_of(struct print *out, const struct command *command)
{
    print_format(out, "meridian %s: %s\n\nusage: meridian %s%s%s%s\n", command->name, command->help,
                 command->name, command->options ? " [OPTIONS]" : "",
                 command->arguments[0] ? " " : "", command->arguments);
    if (command->options) {
        print_raw(out, "\n");
        help_options(out, command->options, false);
    }
    print_raw(out, "\noutput (-o): table");
    for (unsigned i = OUTPUT_WIDE; i <= OUTPUT_NDJSON; i++)
        if (command->outputs & (1u << i)) print_format(out, ", %s", output_name((enum output)i));
    if (command->outputs & OUTPUT_BIT(JSON)) print_raw(out, ", yaml");
    print_raw(out, "\n");
}

enum client_exit command_help(struct client *client)
{
    const char *name = client->argument_count ? client->arguments[0] : "";
    const struct command *command = command_find(name);
    if (!name[0])
        commands_help(&client->out);
    else if (command)
        commands_help_of(&client->out, command);
    else
        return client_usage(client, "there is no such command", "meridian help");
    return EXIT_DONE;
}

/* ---- the command line ---- */

static const char *nearest(const char *name)
{
    const char *names[sizeof commands / sizeof *commands + 1] = { NULL };
    size_t count = 0;
    for (const struct command *command = commands; command->name; command++)
        if (command->group) names[count++] = command->name;
    return doc_nearest(name, names);
}

static enum client_exit unknown(struct client *client, const char *name)
{
    char what[128], fix[64];
    const char *like = nearest(name);
    snprintf(what, sizeof what, "there is no command '%.80s'", name);
    snprintf(fix, sizeof fix, "meridian %s", like ? like : "help");
    return client_usage(client, what, fix);
}

static enum client_exit misused(struct client *client, const struct command *command,
                                const char *what)
{
    char fix[512];
    snprintf(fix, sizeof fix, "meridian %s%s%s", command->name, command->arguments[0] ? " " : "",
             command->arguments);
    return client_usage(client, what, fix);
}

static enum client_exit dispatch(struct client *client, const struct command *command)
{
    const struct options *options = client->options;
    char what[160];
    if (options_given(options, OPTION_HELP)) {
        commands_help_of(&client->out, command);
        return EXIT_DONE;
    }
    if (options_given(options, OPTION_OUTPUT) && options->output != OUTPUT_TABLE &&
        !(command->outputs & (1u << options->output))) {
        snprintf(what, sizeof what, "-o %s is not there for '%s'", output_name(options->output),
                 command->name);
        return misused(client, command, what);
    }
    if (client->argument_count < command->arguments_min)
        return misused(client, command, "an argument is missing");
    if (client->argument_count > command->arguments_max) {
        snprintf(what, sizeof what, "'%.100s' is one argument too many",
                 client->arguments[command->arguments_max]);
        return misused(client, command, what);
    }
    return command->run(client);
}

/* Fills the client's arguments and the command; NULL with an exit code when there is nothing to
 * run. */
static const struct command *read_line(struct client *client, struct options *options, int argc,
                                       char **argv, enum client_exit *exit)
{
    struct error err = { .code = ERR_NONE };
    int next = 0;
    *exit = EXIT_DONE;
    if (!options_parse(argc, argv, 0, true, options, &next, &err)) {
        *exit = client_usage(client, err.text, "meridian help");
        return NULL;
    }
    if (next >= argc) {
        commands_help(&client->out);
        return NULL;
    }
    const struct command *command = command_find(argv[next]);
    if (!command) {
        *exit = unknown(client, argv[next]);
        return NULL;
    }
    argc -= next;
    argv += next;
    next = 1;
    /* What is completed may be half an option. */
    if (command->run != command_complete &&
        !options_parse(argc, argv, command->options, false, options, &next, &err)) {
        *exit = misused(client, command, err.text);
        return NULL;
    }
    client->arguments = argv + next;
    client->argument_count = (size_t)(argc - next);
    return command;
}

int commands_main(int argc, char **argv)
{
    struct options options = { .output = OUTPUT_TABLE };
    struct client client;
    enum client_exit exit;
    client_init(&client, &options);
    const struct command *command = read_line(&client, &options, argc, argv, &exit);
    client_colour(&client); /* --color is known only now */
    if (command) exit = dispatch(&client, command);
    client_flush(&client);
    client_deinit(&client);
    return (int)exit;
}
