/* commands.h - the table of subcommands.
 *
 * A new command is a function, a row of the table in commands.c, and a line in the reference.
 */
#pragma once
#include "client/client.h"

struct command {
    const char *name, *group; /* group NULL: not shown by help */
    const char *arguments;    /* as in "[PIPELINE [EXECUTION]]" */
    const char *help;         /* one line */
    uint64_t options;         /* OPTION_BITs beside the global ones */
    unsigned outputs;         /* OUTPUT_BITs beside table; 0: any word for -o is refused */
    size_t arguments_min, arguments_max;
    enum client_exit (*run)(struct client *client);
};

enum { COMMAND_ARGUMENTS_MAX = 1000 };

/* Ends with a row whose name is NULL. */
extern const struct command commands[];
const struct command *command_find(const char *name); /* NULL: there is none */
/* Reads the command line and runs what it says: everything main does. */
int commands_main(int argc, char **argv);
void commands_help(struct print *out);
void commands_help_of(struct print *out, const struct command *command);

enum client_exit command_alarm(struct client *client);
enum client_exit command_approve(struct client *client);
enum client_exit command_artifacts(struct client *client);
enum client_exit command_apply(struct client *client);
enum client_exit command_compare(struct client *client);
enum client_exit command_completion(struct client *client);
enum client_exit command_complete(struct client *client);
enum client_exit command_deployments(struct client *client);
enum client_exit command_doctor(struct client *client);
enum client_exit command_events(struct client *client);
enum client_exit command_export(struct client *client);
enum client_exit command_resources(struct client *client);
enum client_exit command_import(struct client *client);
enum client_exit command_help(struct client *client);
enum client_exit command_history(struct client *client);
enum client_exit command_jobs(struct client *client);
enum client_exit command_keys(struct client *client);
enum client_exit command_list(struct client *client);
enum client_exit command_logs(struct client *client);
enum client_exit command_plan(struct client *client);
enum client_exit command_push(struct client *client);
enum client_exit command_reject(struct client *client);
enum client_exit command_retry(struct client *client);
enum client_exit command_regions(struct client *client);
enum client_exit command_rollback(struct client *client);
enum client_exit command_run(struct client *client);
enum client_exit command_status(struct client *client);
enum client_exit command_stop(struct client *client);
enum client_exit command_resume(struct client *client);
enum client_exit command_transition(struct client *client);
enum client_exit command_condition(struct client *client);
enum client_exit command_validate(struct client *client);
enum client_exit command_version(struct client *client);
enum client_exit command_wait(struct client *client);
enum client_exit command_watch(struct client *client);
enum client_exit command_why(struct client *client);
enum client_exit command_workers(struct client *client);
