/* transition: steering what executions do */
#include "client/commands.h"

#include "client/json.h"

/* ---- transition ---- */

static const char *const transition_verbs[] = { "disable", "enable" };

static bool verb_of(const char *word, bool *enable)
{
    for (size_t i = 0; i < sizeof transition_verbs / sizeof *transition_verbs; i++) {
        if (!text_equal(word, transition_verbs[i])) continue;
        *enable = i == 1;
        return true;
    }
    return false;
}

enum client_exit command_transition(struct client *client)
{
    const char *reason = client->options->text[OPTION_WHY];
    const char *pipeline = client->arguments[1], *stage = client->arguments[2];
    struct request request = { .kind = REQUEST_TRANSITION };
    struct reply reply;
    if (!verb_of(client->arguments[0], &request.transition.enable))
        return client_usage(client, "a transition is enabled or disabled",
                            "meridian transition enable|disable PIPELINE STAGE");
    request.transition.submission = client_submission(client);
    request.transition.pipeline = pipeline;
    request.transition.stage = stage;
    request.transition.reason = reason ? reason : "";
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    bool enable = request.transition.enable;
    if (client->options->output == OUTPUT_JSON)
        json_pairs(&client->out,
                   (const char *const[]){ "pipelineName", pipeline, "stageName", stage,
                                          "transition", enable ? "enabled" : "disabled", "changed",
                                          reply.changed ? "true" : "false", NULL });
    else
        print_format(&client->out, "%s\n", stage);
    client_hint(client, "the transition into %s %s %s", stage,
                reply.changed ? "is now" : "was already", enable ? "enabled" : "disabled");
    return EXIT_DONE;
}
