/* list, status, history, workers: looking at what is there */
#include "client/commands.h"

#include "client/facts.h"
#include "client/json.h"
#include "client/table.h"
#include "client/tree.h"

#include <stdio.h>

enum { HISTORY_DEFAULT = 20 };

static void finish_table(struct client *client, struct table *table)
{
    table_print(table, &client->out);
    table_deinit(table);
}

/* A table with a header, unless --no-headers. */
static void begin_table(struct client *client, struct table *table, const char *const *names)
{
    table_init(table, &client->out.mode);
    if (!options_given(client->options, OPTION_NO_HEADERS)) table_header(table, names);
}

static void cell_status(struct table *table, enum status status)
{
    print_mark(&table->cell, status);
    print_raw(&table->cell, " ");
    print_styled(&table->cell, print_status_style(status), status_name(status));
    table_cell(table);
}

static void cell_time(struct table *table, uint64_t wall_ms)
{
    print_time(&table->cell, wall_ms);
    table_cell(table);
}

static void cell_id(const struct client *client, struct table *table, const struct id *id)
{
    bool wide = client->options->output == OUTPUT_WIDE;
    print_format(&table->cell, wide ? "%s" : "%.8s", id->text[0] ? id->text : "-");
    table_cell(table);
}

static void cell_version(const struct client *client, struct table *table, const char *version)
{
    if (client->options->output == OUTPUT_WIDE)
        print_text(&table->cell, version);
    else
        print_short_version(&table->cell, version);
    table_cell(table);
}

static void name_line(struct client *client, const char *name)
{
    print_text(&client->out, name);
    print_raw(&client->out, "\n");
}

/* ---- list ---- */

enum client_exit command_list(struct client *client)
{
    static const char *const names[] = { "PIPELINE", "VERSION",  "STATUS", "EXECUTION",
                                         "STARTED",  "REVISION", NULL };
    struct request request = { .kind = REQUEST_LIST };
    struct reply reply;
    struct table table;
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (client->options->output == OUTPUT_JSON) {
        json_list(&client->out, &reply);
        return EXIT_DONE;
    }
    if (reply.pipeline_count == 0) {
        client_hint(client, "no pipelines yet: meridian apply -f pipeline.json");
        return EXIT_DONE;
    }
    begin_table(client, &table, names);
    for (size_t i = 0; i < reply.pipeline_count; i++) {
        const struct pipeline_summary *pipeline = &reply.pipelines[i];
        if (client->options->output == OUTPUT_NAME) {
            name_line(client, pipeline->name);
            continue;
        }
        table_row(&table);
        table_cell_text(&table, pipeline->name);
        print_format(&table.cell, "%u", pipeline->version);
        table_cell(&table);
        if (id_empty(&pipeline->execution)) {
            table_cell_text(&table, "no execution yet");
            continue;
        }
        cell_status(&table, pipeline->status);
        cell_id(client, &table, &pipeline->execution);
        cell_time(&table, pipeline->execution_started_ms);
        cell_version(client, &table, pipeline->revision_id);
    }
    if (client->options->output != OUTPUT_NAME) table_print(&table, &client->out);
    table_deinit(&table);
    return EXIT_DONE;
}

/* ---- status ---- */

static void transition_lines(struct client *client, const struct reply *reply)
{
    for (size_t i = 0; i < reply->transition_count; i++) {
        const struct transition_record *door = &reply->transitions[i];
        print_raw(&client->out, "transition into ");
        print_text(&client->out, door->stage);
        print_raw(&client->out, " disabled by ");
        print_text(&client->out, door->changed_by);
        print_raw(&client->out, " ");
        print_time(&client->out, door->changed_ms);
        if (door->reason[0]) print_raw(&client->out, ": ");
        print_text(&client->out, door->reason);
        print_raw(&client->out, "\n");
    }
}

static enum client_exit show(struct client *client, const struct client_target *target)
{
    struct request request = { .kind = REQUEST_STATUS };
    struct reply reply;
    request.status.pipeline = target->pipeline;
    request.status.execution = target->execution;
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (reply.execution_count == 0)
        return client_fail(client, ERR_NOT_FOUND, "there is no such execution", "",
                           "meridian list");
    switch (client->options->output) {
    case OUTPUT_JSON:
    case OUTPUT_NDJSON: json_status(&client->out, &reply); break;
    case OUTPUT_NAME: name_line(client, reply.executions[0].execution.id.text); break;
    case OUTPUT_TABLE: tree_print(&client->out, &reply.executions[0], TREE_NORMAL); break;
    case OUTPUT_WIDE: tree_print(&client->out, &reply.executions[0], TREE_WIDE); break;
    }
    if (client->options->output == OUTPUT_TABLE || client->options->output == OUTPUT_WIDE)
        transition_lines(client, &reply);
    return EXIT_DONE;
}

/* The newest execution of every pipeline. */
static enum client_exit show_all(struct client *client)
{
    struct request request = { .kind = REQUEST_LIST };
    struct reply reply;
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (client->options->output == OUTPUT_JSON) {
        json_list(&client->out, &reply);
        return EXIT_DONE;
    }
    size_t count = reply.pipeline_count, shown = 0;
    const char **names = arena_calloc(&client->kept, count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = id_empty(&reply.pipelines[i].execution)
                       ? NULL
                       : client_keep(client, reply.pipelines[i].name);
    for (size_t i = 0; i < count; i++) {
        const struct client_target target = { names[i], "" };
        if (!names[i]) continue;
        if (shown++ && client->options->output != OUTPUT_NAME) print_raw(&client->out, "\n");
        exit = show(client, &target);
        if (exit != EXIT_DONE) return exit;
    }
    if (shown == 0 && count > 0) client_hint(client, "no executions yet: meridian run PIPELINE");
    if (count == 0) client_hint(client, "no pipelines yet: meridian apply -f pipeline.json");
    return EXIT_DONE;
}

enum client_exit command_status(struct client *client)
{
    struct client_target target;
    if (client->argument_count == 0) return show_all(client);
    enum client_exit exit = client_target(client, &target);
    return exit == EXIT_DONE ? show(client, &target) : exit;
}

/* ---- history ---- */

static void history_row(struct client *client, struct table *table, const struct execution *e)
{
    char duration[PRINT_TIME_SIZE];
    table_row(table);
    cell_id(client, table, &e->id);
    cell_status(table, e->status);
    cell_time(table, e->started_ms);
    print_duration(facts_duration(e->started_ms, e->ended_ms, client->out.mode.now_ms), duration);
    print_raw(&table->cell, duration);
    table_cell(table);
    cell_version(client, table, e->revision_count ? e->revisions[0].revision_id : "");
    print_raw(&table->cell, trigger_name(e->trigger));
    table_cell(table);
    table_cell_text(table, e->status_summary[0] || e->revision_count == 0
                               ? e->status_summary
                               : e->revisions[0].summary);
}

enum client_exit command_history(struct client *client)
{
    static const char *const names[] = { "EXECUTION", "STATUS",  "STARTED", "TOOK",
                                         "REVISION",  "TRIGGER", "SUMMARY", NULL };
    struct request request = { .kind = REQUEST_HISTORY };
    struct reply reply;
    struct table table;
    uint64_t number = client->options->number;
    if (options_given(client->options, OPTION_COMPARE)) return command_compare(client);
    if (client->argument_count > 1)
        return client_usage(client, "two executions are set beside each other with --compare",
                            "meridian history PIPELINE --compare EXECUTION [EXECUTION]");
    request.history.pipeline = client->arguments[0];
    request.history.max = number ? (uint32_t)number : HISTORY_DEFAULT;
    request.history.before = "";
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (client->options->output == OUTPUT_JSON) {
        json_history(&client->out, &reply);
        return EXIT_DONE;
    }
    if (reply.execution_count == 0) {
        client_hint(client, "no executions of %s yet: meridian run %s", client->arguments[0],
                    client->arguments[0]);
        return EXIT_DONE;
    }
    begin_table(client, &table, names);
    table.right[3] = true;
    for (size_t i = 0; i < reply.execution_count; i++) {
        if (client->options->output == OUTPUT_NAME)
            name_line(client, reply.executions[i].execution.id.text);
        else
            history_row(client, &table, &reply.executions[i].execution);
    }
    if (client->options->output != OUTPUT_NAME) table_print(&table, &client->out);
    table_deinit(&table);
    return EXIT_DONE;
}

/* ---- workers ---- */

static void worker_row(const struct client *client, struct table *table,
                       const struct worker_summary *worker)
{
    table_row(table);
    table_cell_text(table, worker->name);
    table_cell_text(table, worker->region);
    print_mark(&table->cell, worker->connected ? STATUS_SUCCEEDED : STATUS_FAILED);
    print_raw(&table->cell, " ");
    print_styled(&table->cell, worker->connected ? STYLE_GOOD : STYLE_BAD,
                 worker->connected ? "connected"
                 : worker->seen_ms ? "lost"
                                   : "never seen");
    if (worker->drained) print_styled(&table->cell, STYLE_ODD, ", drained");
    table_cell(table);
    cell_time(table, worker->seen_ms);
    print_format(&table->cell, "%u", worker->jobs);
    table_cell(table);
    table_cell_text(table, worker->version[0] ? worker->version : "-");
    if (client->options->output == OUTPUT_WIDE) table_cell_text(table, worker->incarnation.text);
    print_styled(&table->cell, STYLE_BAD, worker->alarm);
    if (worker->drained) {
        if (worker->alarm[0]) print_raw(&table->cell, "; ");
        print_raw(&table->cell, "drained by ");
        print_text(&table->cell, worker->drained_by);
        if (worker->drain_reason[0]) print_raw(&table->cell, ": ");
        print_text(&table->cell, worker->drain_reason);
    }
    table_cell(table);
}

static enum client_exit drain(struct client *client)
{
    bool on = text_equal(client->arguments[0], "drain");
    const char *name = client->argument_count > 1 ? client->arguments[1] : "";
    const char *reason = client->options->text[OPTION_WHY];
    struct request request = { .kind = REQUEST_DRAIN };
    struct reply reply;
    if (!name[0] || (!on && !text_equal(client->arguments[0], "resume")))
        return client_usage(client, "a worker is drained or resumed",
                            "meridian workers drain|resume NAME");
    request.drain.submission = client_submission(client);
    request.drain.worker = name;
    request.drain.drain = on;
    request.drain.reason = reason ? reason : "";
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (client->options->output == OUTPUT_JSON)
        json_pairs(&client->out,
                   (const char *const[]){ "name", name, "drained", on ? "true" : "false", "changed",
                                          reply.changed ? "true" : "false", NULL });
    else
        name_line(client, name);
    client_hint(client, "%s %s", name,
                !reply.changed ? on ? "was already drained" : "was not drained"
                : on           ? "ends what it has and gets no new jobs"
                               : "gets jobs again");
    return EXIT_DONE;
}

enum client_exit command_workers(struct client *client)
{
    if (client->argument_count > 0) return drain(client);
    static const char *const names[] = { "WORKER", "REGION",  "STATE", "LAST SEEN",
                                         "JOBS",   "VERSION", "",      NULL };
    static const char *const wide[] = { "WORKER",  "REGION",      "STATE", "LAST SEEN", "JOBS",
                                        "VERSION", "INCARNATION", "",      NULL };
    struct request request = { .kind = REQUEST_WORKERS };
    struct reply reply;
    struct table table;
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (client->options->output == OUTPUT_JSON) {
        json_workers(&client->out, &reply);
        return EXIT_DONE;
    }
    if (reply.worker_count == 0) {
        client_hint(client, "no workers yet: meridian keys worker NAME --region REGION, on the "
                            "coordinator's host");
        return EXIT_DONE;
    }
    begin_table(client, &table, client->options->output == OUTPUT_WIDE ? wide : names);
    table.right[4] = true;
    for (size_t i = 0; i < reply.worker_count; i++) {
        if (client->options->output == OUTPUT_NAME)
            name_line(client, reply.workers[i].name);
        else
            worker_row(client, &table, &reply.workers[i]);
    }
    if (client->options->output == OUTPUT_NAME)
        table_deinit(&table);
    else
        finish_table(client, &table);
    return EXIT_DONE;
}
