/* approve, reject, retry, rollback, transition, condition: steering what executions do */
#include "client/commands.h"

#include "client/json.h"

static const char *text_of(const struct client *client, enum option_id id)
{
    const char *text = client->options->text[id];
    return text ? text : "";
}

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

/* ---- approve, reject, retry, rollback ---- */

/* Asks, shows the execution and how to follow it. */
static enum client_exit ask_about(struct client *client, struct request *request, const char *done)
{
    struct reply reply;
    enum client_exit exit = client_ask(client, request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (client->options->output == OUTPUT_JSON)
        json_pairs(&client->out,
                   (const char *const[]){ "pipelineExecutionId", reply.execution.text, NULL });
    else
        print_format(&client->out, "%s\n", reply.execution.text);
    client_hint(client, "%s; to follow it: meridian status %.8s", done, reply.execution.text);
    return EXIT_DONE;
}

static enum client_exit give_answer(struct client *client, bool approve)
{
    struct request request = { .kind = REQUEST_APPROVAL };
    struct client_target target;
    const char *summary = text_of(client, OPTION_SUMMARY), *token = text_of(client, OPTION_TOKEN);
    if (token[0] && !id_parse(token, &request.approval.token))
        return client_usage(client, "that is no token", "meridian status -o json shows it");
    enum client_exit exit = client_target(client, &target);
    if (exit != EXIT_DONE) return exit;
    request.approval.submission = client_submission(client);
    request.approval.pipeline = target.pipeline;
    request.approval.execution = target.execution;
    request.approval.action = text_of(client, OPTION_ACTION);
    request.approval.approve = approve;
    request.approval.summary = summary[0] ? summary : text_of(client, OPTION_COMMENT);
    return ask_about(client, &request, approve ? "approved" : "rejected");
}

enum client_exit command_approve(struct client *client)
{
    return give_answer(client, true);
}

enum client_exit command_reject(struct client *client)
{
    return give_answer(client, false);
}

enum client_exit command_retry(struct client *client)
{
    bool all = options_given(client->options, OPTION_ALL);
    struct request request = { .kind = REQUEST_RETRY };
    struct client_target target;
    enum client_exit exit = client_target(client, &target);
    if (exit != EXIT_DONE) return exit;
    request.retry.submission = client_submission(client);
    request.retry.pipeline = target.pipeline;
    request.retry.execution = target.execution;
    request.retry.stage = text_of(client, OPTION_STAGE);
    request.retry.mode = all ? RETRY_ALL_ACTIONS : RETRY_FAILED_ACTIONS;
    return ask_about(client, &request, "it goes on");
}

enum client_exit command_rollback(struct client *client)
{
    struct request request = { .kind = REQUEST_ROLLBACK };
    request.rollback.submission = client_submission(client);
    request.rollback.pipeline = client->arguments[0];
    request.rollback.stage = client->arguments[1];
    request.rollback.target = text_of(client, OPTION_TO);
    return ask_about(client, &request, "a rollback has begun");
}

/* ---- condition override ---- */

static bool condition_of(const char *word, enum condition_type *out)
{
    for (*out = 0; *out < CONDITION_TYPE_COUNT; (*out)++)
        if (text_equal(word, condition_key(*out)) || text_equal(word, condition_type_name(*out)))
            return true;
    return false;
}

enum client_exit command_condition(struct client *client)
{
    struct request request = { .kind = REQUEST_OVERRIDE };
    static const char *const usage = "meridian condition override PIPELINE STAGE "
                                     "beforeEntry|onSuccess [EXECUTION] [--reason TEXT]";
    if (!text_equal(client->arguments[0], "override"))
        return client_usage(client, "a condition can be overridden", usage);
    if (!condition_of(client->arguments[3], &request.override.condition))
        return client_usage(client, "the condition is beforeEntry or onSuccess", usage);
    request.override.submission = client_submission(client);
    request.override.pipeline = client->arguments[1];
    request.override.stage = client->arguments[2];
    request.override.execution = client->argument_count > 4 ? client->arguments[4] : "";
    request.override.reason = text_of(client, OPTION_WHY);
    return ask_about(client, &request, "the condition counts as met");
}
