/* apply, validate, plan, export */
#include "client/commands.h"

#include "client/bundle.h"
#include "client/export.h"
#include "client/json.h"
#include "client/json_ask.h"
#include "client/table.h"
#include "io/fs.h"

#include <string.h>
#include <unistd.h>

NODISCARD static bool read_definition(const char *file, struct buf *text, struct error *err)
{
    if (!text_equal(file, "-")) return fs_read_file(file, text, err);
    for (;;) {
        if (!buf_reserve(text, 4096, err)) return false;
        size_t got = 0;
        if (!fs_read_full(STDIN_FILENO, text->data + text->len, 4096, &got, err)) return false;
        text->len += got;
        if (got < 4096) return true;
    }
}

/* FILE:LINE:COLUMN: path: what */
static void problem_line(struct print *out, const char *file, const struct problem *problem)
{
    /* A text that could not be read as JSON or YAML at all names its place itself. */
    bool placed = text_starts(problem->text, file) && problem->text[strlen(file)] == ':';
    if (!placed) print_text(out, file);
    if (!placed && problem->line) print_format(out, ":%u:%u", problem->line, problem->column);
    if (!placed) print_raw(out, ": ");
    if (problem->path[0]) {
        print_text(out, problem->path);
        print_raw(out, ": ");
    }
    print_text(out, problem->text);
    print_raw(out, "\n");
}

/* Reads the file and sends it with the request, APPLY or PLAN; what failed was shown, but for the
 * reply's problems. */
static enum client_exit send_file(struct client *client, const char *file, struct request *request,
                                  struct reply *reply)
{
    struct error err = { .code = ERR_NONE };
    AUTO(buf_deinit) struct buf text;
    buf_init(&text, WIRE_DOCUMENT_MAX + 1);
    *reply = (struct reply){ .problem_count = 0 };
    if (!read_definition(file, &text, &err) || text.len > WIRE_DOCUMENT_MAX) {
        if (text.len > WIRE_DOCUMENT_MAX || err.code == ERR_NO_SPACE)
            error_set(&err, ERR_INVALID, "'%s' is larger than %d KiB", file,
                      WIRE_DOCUMENT_MAX >> 10);
        return client_fail_error(client, &err, "the file cannot be read", "");
    }
    const char *name = text_equal(file, "-") ? "stdin" : file;
    if (request->kind == REQUEST_PLAN) {
        request->plan.file = name;
        request->plan.text = buf_bytes(&text);
    } else {
        request->apply.file = name;
        request->apply.text = buf_bytes(&text);
    }
    return client_ask(client, request, reply);
}

static enum client_exit send_definition(struct client *client, const char *file, bool dry_run,
                                        struct reply *reply)
{
    struct request request = { .kind = REQUEST_APPLY };
    request.apply.submission = client_submission(client);
    request.apply.dry_run = dry_run;
    request.apply.version = (uint32_t)client->options->version;
    return send_file(client, file, &request, reply);
}

static const char *resource_of(const struct reply *reply)
{
    return reply->resource && reply->resource[0] ? reply->resource : "pipeline";
}

static void applied_text(struct client *client, const struct reply *reply, bool dry_run)
{
    print_format(&client->out, "%s ", resource_of(reply));
    print_styled(&client->out, STYLE_BOLD, reply->name);
    print_format(&client->out, dry_run ? "  version %u  would be %s\n" : "  version %u  %s\n",
                 reply->version,
                 !reply->changed      ? "unchanged"
                 : reply->version > 1 ? "changed"
                                      : "created");
}

enum client_exit command_apply(struct client *client)
{
    const char *file = client->options->text[OPTION_FILE];
    bool dry_run = options_given(client->options, OPTION_DRY_RUN);
    struct reply reply;
    if (!file) return client_usage(client, "-f FILE is missing", "meridian apply -f pipeline.json");
    enum client_exit exit = send_definition(client, file, dry_run, &reply);
    if (exit != EXIT_DONE) {
        if (reply.problem_count == 0) return exit;
        if (client_json(client)) json_apply(&client->out, &reply, file, dry_run, false);
        for (size_t i = 0; i < reply.problem_count && !client_json(client); i++)
            problem_line(&client->notes, file, &reply.problems[i]);
        return client_fail_reply(client, &reply);
    }
    if (client->options->output == OUTPUT_JSON) {
        json_apply(&client->out, &reply, file, dry_run, false);
    } else if (client->options->output == OUTPUT_NAME) {
        print_text(&client->out, reply.name);
        print_raw(&client->out, "\n");
    } else {
        applied_text(client, &reply, dry_run);
    }
    return EXIT_DONE;
}

/* ---- validate ---- */

static enum client_exit validate_definition(struct client *client, const char *file, bool line)
{
    struct reply reply;
    enum client_exit exit = send_definition(client, file, true, &reply);
    if (exit != EXIT_DONE && reply.problem_count == 0) return exit;
    if (client_json(client)) {
        json_apply(&client->out, &reply, file, true, line);
        return exit;
    }
    for (size_t i = 0; i < reply.problem_count; i++)
        problem_line(&client->out, file, &reply.problems[i]);
    if (exit == EXIT_DONE) {
        print_text(&client->out, file);
        print_raw(&client->out, ": ");
        print_styled(&client->out, STYLE_GOOD, "valid");
        print_format(&client->out, " %s ", resource_of(&reply));
        print_text(&client->out, reply.name);
        print_raw(&client->out, "\n");
    }
    return exit;
}

static enum client_exit validate_bundle(struct client *client, const char *path,
                                        enum bundle_kind kind, bool line)
{
    struct error err = { .code = ERR_NONE };
    AUTO(appspec_problems_deinit) struct appspec_problems problems = { .count = 0 };
    if (!bundle_validate(path, kind, &problems, &err)) {
        char what[256];
        return client_fail_error(client, &err, bundle_text(path, what, sizeof what), "");
    }
    if (client_json(client)) {
        json_bundle(&client->out, path, &problems, line);
    } else {
        for (size_t i = 0; i < problems.count; i++) {
            bool warning = problems.list[i].is_warning;
            print_styled(&client->out, warning ? STYLE_ODD : STYLE_BAD,
                         warning ? "warning: " : "error: ");
            print_text(&client->out, problems.list[i].text);
            print_raw(&client->out, "\n");
        }
        if (problems.error_count == 0) {
            print_text(&client->out, path);
            print_raw(&client->out, ": ");
            print_styled(&client->out, STYLE_GOOD, "valid");
            print_raw(&client->out, kind == BUNDLE_APPSPEC     ? " appspec\n"
                                    : kind == BUNDLE_BUILDSPEC ? " buildspec\n"
                                                               : " bundle\n");
        }
    }
    return problems.error_count ? EXIT_FAILED : EXIT_DONE;
}

enum client_exit command_validate(struct client *client)
{
    bool line = client->options->output == OUTPUT_NDJSON || client->argument_count > 1;
    enum client_exit worst = EXIT_DONE;
    for (size_t i = 0; i < client->argument_count; i++) {
        struct error err = { .code = ERR_NONE };
        const char *path = client->arguments[i];
        enum bundle_kind kind = BUNDLE_NONE;
        enum client_exit exit;
        if (!bundle_detect(path, &kind, &err))
            exit = client_fail_error(client, &err, "the file cannot be read", "");
        else if (kind == BUNDLE_NONE)
            exit = validate_definition(client, path, line);
        else
            exit = validate_bundle(client, path, kind, line);
        if (exit == EXIT_INTERRUPTED) return exit;
        if (exit != EXIT_DONE) worst = exit;
    }
    return worst;
}

/* ---- plan ---- */

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

enum client_exit command_plan(struct client *client)
{
    const char *file = client->options->text[OPTION_FILE];
    struct request request = { .kind = REQUEST_PLAN };
    struct reply reply;
    if (!file) return client_usage(client, "-f FILE is missing", "meridian plan -f pipeline.json");
    enum client_exit exit = send_file(client, file, &request, &reply);
    if (client->options->output == OUTPUT_JSON && (exit == EXIT_DONE || reply.problem_count))
        json_plan(&client->out, &reply, file);
    if (exit != EXIT_DONE) {
        if (reply.problem_count == 0) return exit;
        for (size_t i = 0; i < reply.problem_count && !client_json(client); i++)
            problem_line(&client->notes, file, &reply.problems[i]);
        return client_fail_reply(client, &reply);
    }
    if (client->options->output != OUTPUT_JSON) plan_text(client, &reply);
    bool tell = reply.changed && options_given(client->options, OPTION_EXIT_CODE);
    return tell ? EXIT_USAGE : EXIT_DONE;
}

/* ---- export ---- */

static enum client_exit export_json(struct client *client, const struct reply *reply)
{
    AUTO(doc_free_at) struct doc *doc = NULL;
    struct error err = { .code = ERR_NONE };
    if (!doc_parse(reply->name, reply->document, NULL, &doc, &err))
        return client_fail_error(client, &err, "the definition cannot be read",
                                 "meridian export --as-written");
    export_write(&client->out, doc_root(doc, 0), reply->version);
    return EXIT_DONE;
}

enum client_exit command_export(struct client *client)
{
    struct request request = { .kind = REQUEST_EXPORT };
    struct reply reply;
    request.status.pipeline = client->arguments[0];
    request.status.execution = "";
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (!options_given(client->options, OPTION_AS_WRITTEN)) return export_json(client, &reply);
    /* As it was applied, so that it can be applied again: only a screen gets escapes. */
    if (client->out_is_tty)
        (void)print_outside(&client->out, reply.document, PRINT_LINES, true);
    else
        print_format(&client->out, "%.*s", (int)reply.document.len,
                     (const char *)reply.document.data);
    bool ended = reply.document.len > 0 && reply.document.data[reply.document.len - 1] == '\n';
    if (!ended) print_raw(&client->out, "\n");
    return EXIT_DONE;
}
