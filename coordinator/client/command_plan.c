/* plan */
#include "client/commands.h"

#include "client/definition_file.h"
#include "client/json.h"
#include "client/json_ask.h"
#include "client/table.h"

static enum style op_style(enum preview_op op)
{
    return op == PREVIEW_ADD ? STYLE_GOOD : op == PREVIEW_REMOVE ? STYLE_BAD : STYLE_BUSY;
}

static void change_line(struct print *out, const struct preview_change *change)
{
    static const char *const marks[] = { "+", "-", "~" };
    print_raw(out, "  ");
    print_styled(out, op_style(change->op), marks[change->op]);
    const char *what = change->action[0] ? "action" : change->stage[0] ? "stage" : "pipeline";
    print_format(out, " %s ", what);
    if (change->stage[0]) print_text(out, change->stage);
    if (change->action[0]) print_raw(out, "/");
    print_text(out, change->action);
    if (change->what[0]) print_raw(out, change->stage[0] ? ": " : "");
    print_text(out, change->what);
    if (change->before[0] || change->after[0]) print_raw(out, "  ");
    print_text(out, change->before);
    if (change->before[0] && change->after[0]) print_raw(out, " -> ");
    print_text(out, change->after);
    print_raw(out, "\n");
}

static void step_row(struct table *table, const struct preview_step *step, bool same_stage)
{
    table_row(table);
    table_cell_text(table, same_stage ? "" : step->stage);
    print_format(&table->cell, "%u", step->run_order);
    table_cell(table);
    table_cell_text(table, step->action);
    table_cell_text(table, step->region);
    if (step->hosts) print_format(&table->cell, "%u", step->hosts);
    if (step->away) print_format(&table->cell, " (%u away)", step->away);
    table_cell(table);
    if (step->bytes) print_bytes(&table->cell, step->bytes);
    table_cell(table);
    table_cell_text(table, step->note);
}

static void plan_text(struct client *client, const struct reply *reply)
{
    static const char *const names[] = { "STAGE", "ORDER",   "ACTION", "REGION",
                                         "HOSTS", "CROSSES", "",       NULL };
    struct print *out = &client->out;
    struct table table;
    print_raw(out, "pipeline ");
    print_styled(out, STYLE_BOLD, reply->name);
    print_format(out, reply->changed ? "  would become version %u\n" : "  stays at version %u\n",
                 reply->version);
    for (size_t i = 0; i < reply->plan_change_count; i++) change_line(out, &reply->plan_changes[i]);
    print_raw(out, "\nAn execution would do now:\n");
    table_init(&table, &out->mode);
    if (!options_given(client->options, OPTION_NO_HEADERS)) table_header(&table, names);
    for (size_t i = 0; i < reply->plan_step_count; i++)
        step_row(&table, &reply->plan_steps[i],
                 i > 0 && text_equal(reply->plan_steps[i].stage, reply->plan_steps[i - 1].stage));
    table_print(&table, out);
    table_deinit(&table);
}

static enum client_exit plan_document(struct client *client, struct definition_file *file)
{
    struct request request = { .kind = REQUEST_PLAN };
    struct reply reply;
    enum client_exit exit = definition_file_ask(client, file, &request, &reply);
    if (client->options->output == OUTPUT_JSON && (exit == EXIT_DONE || reply.problem_count))
        json_plan(&client->out, &reply, file->name);
    if (exit != EXIT_DONE) {
        if (reply.problem_count == 0) return exit;
        if (!client_json(client)) definition_file_problems(file, &reply, &client->notes);
        return client_fail_reply(client, &reply);
    }
    if (client->options->output != OUTPUT_JSON) plan_text(client, &reply);
    bool tell = reply.changed && options_given(client->options, OPTION_EXIT_CODE);
    return tell ? EXIT_USAGE : EXIT_DONE;
}

enum client_exit command_plan(struct client *client)
{
    const char *file = client->options->text[OPTION_FILE];
    if (!file) return client_usage(client, "-f FILE is missing", "meridian plan -f pipeline.json");
    return definition_file_each(client, file, plan_document);
}
