/* jobs: what a job worker of custom actions asks for and tells */
#include "client/commands.h"

#include "base/number.h"
#include "client/json.h"
#include "client/json_ask.h"
#include "client/table.h"

static const char usage_text[] =
    "meridian jobs poll CATEGORY/PROVIDER/VERSION | ack JOB NONCE | show JOB | succeed JOB | "
    "fail JOB -m TEXT";

static const char *text_of(const struct client *client, enum option_id id)
{
    const char *text = client->options->text[id];
    return text ? text : "";
}

static enum client_exit bad_usage(struct client *client, const char *what)
{
    return client_usage(client, what, usage_text);
}

/* NAME=VALUE of --query or --output-variable. */
static void pairs_take(struct client *client, enum option_id id, struct custom_request *request)
{
    struct variable *list = arena_calloc(&client->kept, client->options->pair_count, sizeof *list);
    const char *name, *value;
    for (size_t at = 0; options_pair(client->options, id, &at, &client->kept, &name, &value);)
        list[request->pair_count++] = (struct variable){ name, value };
    request->pairs = list;
}

static void job_row(struct table *table, const struct custom_job *job)
{
    table_row(table);
    table_cell_text(table, job->job.text);
    table_cell_text(table, job->nonce.text);
    table_cell_text(table, job->pipeline);
    table_cell_text(table, job->stage);
    table_cell_text(table, job->action);
    table_cell_text(table, job->continuation[0] ? job->continuation : "-");
}

static enum client_exit poll(struct client *client, struct request *request)
{
    static const char *const names[] = { "JOB",    "NONCE",        "PIPELINE", "STAGE",
                                         "ACTION", "CONTINUATION", NULL };
    struct reply reply;
    struct table table;
    if (client->argument_count != 2) return bad_usage(client, "a poll names one action type");
    request->custom.type = client->arguments[1];
    request->custom.max = client->options->number ? (uint32_t)client->options->number : 1;
    pairs_take(client, OPTION_QUERY, &request->custom);
    enum client_exit exit = client_ask(client, request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (client->options->output == OUTPUT_JSON) {
        json_jobs(&client->out, &reply);
        return EXIT_DONE;
    }
    if (client->options->output == OUTPUT_NAME) {
        for (size_t i = 0; i < reply.job_count; i++)
            print_format(&client->out, "%s %s\n", reply.jobs[i].job.text, reply.jobs[i].nonce.text);
        return EXIT_DONE;
    }
    table_init(&table, &client->out.mode);
    if (!options_given(client->options, OPTION_NO_HEADERS)) table_header(&table, names);
    for (size_t i = 0; i < reply.job_count; i++) job_row(&table, &reply.jobs[i]);
    table_print(&table, &client->out);
    table_deinit(&table);
    client_hint(client, reply.job_count ? "within a minute: meridian jobs ack JOB NONCE"
                                        : "no job of that type waits");
    return EXIT_DONE;
}

static void line(struct print *out, const char *name, const char *value)
{
    if (!value[0]) return;
    print_format(out, "%-14s", name);
    print_text(out, value);
    print_raw(out, "\n");
}

static enum client_exit show(struct client *client, const struct id *job)
{
    struct request request = { .kind = REQUEST_CUSTOM_VIEW };
    struct reply reply;
    request.custom_view.job = *job;
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (client->options->output == OUTPUT_JSON) {
        json_job(&client->out, &reply);
        return EXIT_DONE;
    }
    struct print *out = &client->out;
    for (size_t i = 0; i < reply.job_count; i++) {
        const struct custom_job *at = &reply.jobs[i];
        line(out, "job", at->job.text);
        line(out, "status", custom_status_name(at->status));
        line(out, "type", at->type);
        line(out, "pipeline", at->pipeline);
        line(out, "execution", at->execution.text);
        line(out, "stage", at->stage);
        line(out, "action", at->action);
        line(out, "revision", at->revision);
        line(out, "held by", at->holder);
        line(out, "continuation", at->continuation);
        line(out, "external id", at->external_id);
        for (size_t s = 0; s < at->setting_count; s++)
            line(out, at->settings[s].name, at->settings[s].value);
        for (size_t a = 0; a < at->input_count; a++) {
            line(out, "artifact", at->inputs[a].name);
            line(out, "  read at", at->inputs[a].grant.url);
        }
    }
    return EXIT_DONE;
}

static enum client_exit done(struct client *client, struct request *request, const char *text)
{
    struct reply reply;
    enum client_exit exit = client_ask(client, request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (client->options->output == OUTPUT_JSON)
        json_pairs(&client->out, (const char *const[]){ "status", text, "pipelineExecutionId",
                                                        reply.execution.text, NULL });
    else
        print_format(&client->out, "%s\n", text);
    return EXIT_DONE;
}

static enum client_exit succeed(struct client *client, struct request *request)
{
    const char *percent = text_of(client, OPTION_PERCENT);
    uint64_t number = 0;
    if (percent[0] && !number_parse(percent, 100, &number))
        return bad_usage(client, "--percent is a number from 0 to 100");
    request->custom.verb = CUSTOM_SUCCEED;
    request->custom.continuation = text_of(client, OPTION_CONTINUATION);
    request->custom.percent = (uint32_t)number;
    pairs_take(client, OPTION_OUTPUT_VARIABLE, &request->custom);
    return done(client, request, request->custom.continuation[0] ? "Queued" : "Succeeded");
}

enum client_exit command_jobs(struct client *client)
{
    const char *verb = client->arguments[0];
    struct request request = { .kind = REQUEST_CUSTOM };
    struct custom_request *custom = &request.custom;
    *custom = (struct custom_request){ .submission = client_submission(client),
                                       .type = "",
                                       .continuation = "",
                                       .summary = text_of(client, OPTION_SUMMARY),
                                       .external_id = text_of(client, OPTION_EXTERNAL_ID) };
    if (text_equal(verb, "poll")) return poll(client, &request);
    if (client->argument_count < 2 || !id_parse(client->arguments[1], &custom->job))
        return bad_usage(client, "a job is named by its whole id");
    if (text_equal(verb, "show")) return show(client, &custom->job);
    if (text_equal(verb, "ack")) {
        custom->verb = CUSTOM_ACKNOWLEDGE;
        if (client->argument_count != 3 || !id_parse(client->arguments[2], &custom->nonce))
            return bad_usage(client, "an acknowledgement names the nonce of its poll");
        return done(client, &request, "InProgress");
    }
    if (text_equal(verb, "succeed")) return succeed(client, &request);
    if (!text_equal(verb, "fail")) return bad_usage(client, "there is no such verb");
    custom->verb = CUSTOM_FAIL;
    custom->summary = text_of(client, OPTION_REASON);
    return done(client, &request, "Failed");
}
