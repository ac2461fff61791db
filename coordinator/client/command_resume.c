/* resume: the operator's word for hosts that were interrupted in a hook */
#include "client/commands.h"

#include "client/json.h"

enum client_exit command_resume(struct client *client)
{
    const struct options *options = client->options;
    bool rerun = options_given(options, OPTION_RERUN_STEP);
    bool skip = options_given(options, OPTION_SKIP_STEP);
    const char *action = options->text[OPTION_ACTION], *host = options->text[OPTION_HOST];
    struct request request = { .kind = REQUEST_RESUME };
    struct client_target target;
    struct reply reply;
    if (rerun == skip)
        return client_usage(client, "say either --rerun-step or --skip-step",
                            "meridian status shows what had begun; then meridian resume EXECUTION "
                            "--rerun-step");
    enum client_exit exit = client_target(client, &target);
    if (exit != EXIT_DONE) return exit;
    request.resume = (struct resume_request){ .submission = client_submission(client),
                                              .pipeline = target.pipeline,
                                              .execution = target.execution,
                                              .action = action ? action : "",
                                              .worker = host ? host : "",
                                              .verb = rerun ? RESUME_RERUN : RESUME_SKIP };
    exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    const char *id = client_keep(client, reply.execution.text);
    if (options->output == OUTPUT_JSON)
        json_pairs(&client->out,
                   (const char *const[]){ "pipelineExecutionId", id, "resumed",
                                          resume_verb_name(request.resume.verb), NULL });
    else
        print_format(&client->out, "%s\n", id);
    client_hint(client, "the host is told to %s: meridian watch shows how it goes on",
                resume_verb_name(request.resume.verb));
    return EXIT_DONE;
}
