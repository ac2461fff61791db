/* run, stop: beginning and ending executions */
#include "client/commands.h"

#include "client/facts.h"
#include "client/json.h"
#include "client/watch.h"
#include "io/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void show_execution(struct client *client, const char *id)
{
    if (client->options->output == OUTPUT_JSON)
        json_pairs(&client->out, (const char *const[]){ "pipelineExecutionId", id, NULL });
    else
        print_format(&client->out, "%s\n", id);
}

static void take_variables(struct client *client, struct run_request *run)
{
    struct variable *list = arena_calloc(&client->kept, WIRE_VARIABLES_MAX, sizeof *list);
    size_t at = 0;
    while (run->variable_count < WIRE_VARIABLES_MAX &&
           options_pair(client->options, OPTION_VARIABLE, &at, &client->kept,
                        &list[run->variable_count].name, &list[run->variable_count].value))
        run->variable_count++;
    run->variables = list;
}

/* A key and a version of the same action belong together. */
static void take_overrides(struct client *client, struct run_request *run)
{
    struct source_override *list = arena_calloc(&client->kept, WIRE_VARIABLES_MAX, sizeof *list);
    const char *action = NULL, *value = NULL;
    for (size_t at = 0; run->override_count < WIRE_VARIABLES_MAX &&
                        options_pair(client->options, OPTION_SOURCE_REVISION, &at, &client->kept,
                                     &action, &value);)
        list[run->override_count++] = (struct source_override){ action, value, "" };
    for (size_t at = 0;
         run->override_count < WIRE_VARIABLES_MAX &&
         options_pair(client->options, OPTION_SOURCE_KEY, &at, &client->kept, &action, &value);) {
        size_t same = 0;
        while (same < run->override_count &&
               (list[same].key[0] || !text_equal(list[same].action, action)))
            same++;
        if (same == run->override_count)
            list[run->override_count++] = (struct source_override){ action, "", value };
        else
            list[same].key = value;
    }
    run->overrides = list;
}

/* A version, or an object that nobody has looked at yet, is looked up first: asked again until the
 * coordinator knows. */
static enum client_exit ask_run(struct client *client, struct request *request, struct reply *reply)
{
    enum { LOOKUP_MS = 15000, PAUSE_MS = 100 };
    uint64_t until = clock_boot_ms() + LOOKUP_MS;
    struct error err = { .code = ERR_NONE };
    enum client_exit exit = client_connect(client);
    if (exit != EXIT_DONE) return exit;
    for (;;) {
        struct reply nothing;
        if (!session_call(client->session, request, client->options->timeout_ms, &client->replies,
                          reply, &err))
            return client_fail_session(client, &err);
        if (reply->failure.code == ERR_NONE) return EXIT_DONE;
        if (reply->failure.code != ERR_RETRY || clock_boot_ms() >= until)
            return client_fail_reply(client, reply);
        if (session_wait(client->session, clock_boot_ms() + PAUSE_MS, &client->replies, &nothing,
                         &err) == SESSION_INTERRUPTED)
            return EXIT_INTERRUPTED;
    }
}

enum client_exit command_run(struct client *client)
{
    const char *token = client->options->text[OPTION_REQUEST_TOKEN];
    const char *revision = client->options->text[OPTION_REVISION];
    struct request request = { .kind = REQUEST_RUN };
    struct reply reply;
    request.run.submission = client_submission(client);
    request.run.pipeline = client->arguments[0];
    request.run.revision = revision ? revision : "";
    request.run.ignore_application_stop_failures =
        options_given(client->options, OPTION_IGNORE_STOP);
    request.run.outdated_only = options_given(client->options, OPTION_OUTDATED);
    if (token && !id_parse(token, &request.run.submission))
        return client_usage(client, "the token must have 1 to 39 letters, digits or - _ .",
                            "--client-request-token deploy-1234");
    take_variables(client, &request.run);
    take_overrides(client, &request.run);
    enum client_exit exit = ask_run(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    const char *id = client_keep(client, reply.execution.text);
    if (options_given(client->options, OPTION_WATCH)) {
        const struct client_target target = { client->arguments[0], id };
        enum watch_how how = watch_how(client);
        if (how != WATCH_JSON) client_hint(client, "execution %s", id);
        client_flush(client);
        return watch_execution(client, &target, how);
    }
    show_execution(client, id);
    client_hint(client, "to follow it: meridian watch %s %.8s", client->arguments[0], id);
    return EXIT_DONE;
}

/* ---- stop ---- */

static bool answered_yes(void)
{
    char answer[16];
    if (!fgets(answer, sizeof answer, stdin)) return false;
    answer[strcspn(answer, "\r\n")] = '\0';
    return text_equal(answer, "y") || text_equal(answer, "Y") || text_equal(answer, "yes");
}

static enum client_exit confirm(struct client *client, const struct execution *e, bool abandon)
{
    if (options_given(client->options, OPTION_YES)) return EXIT_DONE;
    if (isatty(STDIN_FILENO) != 1 || !client->notes_is_tty)
        return client_usage(client, "there is nobody to ask whether to stop it",
                            "add --yes to the command");
    struct print *notes = &client->notes;
    print_format(notes, "stop execution %.8s of ", e->id.text);
    print_text(notes, e->pipeline);
    print_raw(notes, " (");
    print_styled(notes, print_status_style(e->status), status_name(e->status));
    print_raw(notes, abandon ? "), and end the steps that run? [y/N] "
                             : "), once its running actions have ended? [y/N] ");
    client_flush(client);
    /* The question may take its time, and Ctrl-C answers it. */
    session_close(&client->session);
    if (answered_yes()) return EXIT_DONE;
    client_hint(client, "nothing was stopped");
    return EXIT_FAILED;
}

static void hint_busy(struct client *client, const struct execution_view *view)
{
    enum { SHOWN = 10 };
    size_t busy = 0;
    for (size_t i = 0; i < view->job_count; i++)
        if (facts_busy(&view->jobs[i]) && busy++ < SHOWN)
            client_hint(client, "still busy: %s (%s)", view->jobs[i].worker, view->jobs[i].region);
    if (busy > SHOWN) client_hint(client, "and %zu more hosts", busy - SHOWN);
}

enum client_exit command_stop(struct client *client)
{
    const char *reason = client->options->text[OPTION_REASON];
    bool abandon = options_given(client->options, OPTION_ABANDON);
    struct request status = { .kind = REQUEST_STATUS }, stop = { .kind = REQUEST_STOP };
    struct reply reply;
    struct client_target target;
    enum client_exit exit = client_target(client, &target);
    if (exit != EXIT_DONE) return exit;
    status.status.pipeline = target.pipeline;
    status.status.execution = target.execution;
    exit = client_ask(client, &status, &reply);
    if (exit != EXIT_DONE) return exit;
    if (reply.execution_count == 0)
        return client_fail(client, ERR_NOT_FOUND, "there is no such execution", "",
                           "meridian list");
    /* What was shown is what is stopped, even when a newer one begins meanwhile. */
    stop.stop.submission = client_submission(client);
    stop.stop.pipeline = client_keep(client, reply.executions[0].execution.pipeline);
    stop.stop.execution = client_keep(client, reply.executions[0].execution.id.text);
    stop.stop.abandon = abandon;
    stop.stop.reason = reason ? reason : "";
    status.status.execution = stop.stop.execution;
    if (!status_ended(reply.executions[0].execution.status)) {
        exit = confirm(client, &reply.executions[0].execution, abandon);
        if (exit != EXIT_DONE) return exit;
    }
    exit = client_ask(client, &stop, &reply);
    if (exit != EXIT_DONE) return exit;
    show_execution(client, stop.stop.execution);
    exit = client_ask(client, &status, &reply);
    if (exit != EXIT_DONE) return exit;
    if (reply.execution_count) hint_busy(client, &reply.executions[0]);
    client_hint(client, "stopping: meridian watch %s %.8s", stop.stop.pipeline,
                stop.stop.execution);
    return EXIT_DONE;
}
