/* apply, validate */
#include "client/commands.h"

#include "client/bundle.h"
#include "client/definition_file.h"
#include "client/json.h"

static enum client_exit send_definition(struct client *client, const struct definition_file *file,
                                        bool dry_run, struct reply *reply)
{
    struct request request = { .kind = REQUEST_APPLY };
    request.apply.submission = client_submission(client);
    request.apply.dry_run = dry_run;
    request.apply.version = (uint32_t)client->options->version;
    return definition_file_ask(client, file, &request, reply);
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

static enum client_exit apply_document(struct client *client, struct definition_file *file)
{
    bool dry_run = options_given(client->options, OPTION_DRY_RUN), line = file->count > 1;
    struct reply reply;
    if (line && client->options->version)
        return client_usage(client, "--if-version names one version, and the file has documents",
                            "apply them from a file each");
    enum client_exit exit = send_definition(client, file, dry_run, &reply);
    if (exit != EXIT_DONE) {
        if (reply.problem_count == 0) return exit;
        if (client_json(client))
            json_apply(&client->out, &reply, file->name, dry_run, line);
        else
            definition_file_problems(file, &reply, &client->notes);
        return client_fail_reply(client, &reply);
    }
    if (client->options->output == OUTPUT_JSON) {
        json_apply(&client->out, &reply, file->name, dry_run, line);
    } else if (client->options->output == OUTPUT_NAME) {
        print_text(&client->out, reply.name);
        print_raw(&client->out, "\n");
    } else {
        applied_text(client, &reply, dry_run);
    }
    return EXIT_DONE;
}

enum client_exit command_apply(struct client *client)
{
    const char *file = client->options->text[OPTION_FILE];
    if (!file) return client_usage(client, "-f FILE is missing", "meridian apply -f pipeline.json");
    return definition_file_each(client, file, apply_document);
}

/* ---- validate ---- */

/* One document a line, where there are several. */
static bool is_line(const struct client *client)
{
    return client->options->output == OUTPUT_NDJSON || client->argument_count > 1;
}

static enum client_exit validate_document(struct client *client, struct definition_file *file)
{
    struct reply reply;
    enum client_exit exit = send_definition(client, file, true, &reply);
    if (exit != EXIT_DONE && reply.problem_count == 0) return exit;
    if (client_json(client)) {
        json_apply(&client->out, &reply, file->name, true, is_line(client) || file->count > 1);
        return exit;
    }
    definition_file_problems(file, &reply, &client->out);
    if (exit == EXIT_DONE) {
        print_text(&client->out, file->name);
        print_raw(&client->out, ": ");
        print_styled(&client->out, STYLE_GOOD, "valid");
        print_format(&client->out, " %s ", resource_of(&reply));
        print_text(&client->out, reply.name);
        print_raw(&client->out, "\n");
    }
    return exit;
}

static enum client_exit validate_bundle(struct client *client, const char *path,
                                        enum bundle_kind kind)
{
    struct error err = { .code = ERR_NONE };
    AUTO(appspec_problems_deinit) struct appspec_problems problems = { .count = 0 };
    if (!bundle_validate(path, kind, &problems, &err)) {
        char what[256];
        return client_fail_error(client, &err, bundle_text(path, what, sizeof what), "");
    }
    if (client_json(client)) {
        json_bundle(&client->out, path, &problems, is_line(client));
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
    enum client_exit worst = EXIT_DONE;
    for (size_t i = 0; i < client->argument_count; i++) {
        struct error err = { .code = ERR_NONE };
        const char *path = client->arguments[i];
        enum bundle_kind kind = BUNDLE_NONE;
        enum client_exit exit;
        if (!bundle_detect(path, &kind, &err))
            exit = client_fail_error(client, &err, "the file cannot be read", "");
        else if (kind == BUNDLE_NONE)
            exit = definition_file_each(client, path, validate_document);
        else
            exit = validate_bundle(client, path, kind);
        if (exit == EXIT_INTERRUPTED) return exit;
        if (exit != EXIT_DONE) worst = exit;
    }
    return worst;
}
