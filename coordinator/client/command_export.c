/* export, resources: what was applied */
#include "client/commands.h"

#include "client/export.h"
#include "client/json_ask.h"
#include "client/table.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static enum client_exit export_json(struct client *client, const struct reply *reply)
{
    AUTO(doc_free_at) struct doc *doc = NULL;
    struct error err = { .code = ERR_NONE };
    if (!doc_parse(reply->name, reply->document, NULL, &doc, &err))
        return client_fail_error(client, &err, "the definition cannot be read",
                                 "meridian export --as-written");
    export_write(&client->out, reply->resource, doc_root(doc, 0), reply->version);
    return EXIT_DONE;
}

enum client_exit command_export(struct client *client)
{
    struct request request = { .kind = REQUEST_EXPORT };
    struct reply reply;
    bool is_pipeline = !strchr(client->arguments[0], '/');
    request.export.pipeline = is_pipeline ? client->arguments[0] : "";
    request.export.resource = is_pipeline ? "" : client->arguments[0];
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

/* ---- resources ---- */

static bool is_kind(const char *word)
{
    for (unsigned kind = 0; kind < RESOURCE_KIND_COUNT; kind++)
        if (text_equal(resource_kind_name((enum resource_kind)kind), word)) return true;
    return false;
}

static void resource_row(struct client *client, struct table *table,
                         const struct resource_summary *resource)
{
    const char *kind = resource_kind_name(resource->kind);
    if (client->options->output == OUTPUT_NAME) {
        print_format(&client->out, "%s/", kind);
        print_text(&client->out, resource->name);
        print_raw(&client->out, "\n");
        return;
    }
    table_row(table);
    table_cell_text(table, kind);
    table_cell_text(table, resource->name);
    print_format(&table->cell, "%u", resource->version);
    table_cell(table);
    print_time(&table->cell, resource->updated_ms);
    table_cell(table);
    table_cell_text(table, resource->updated_by);
}

/* All pages of the answer, kept: the key behind which the next one begins is of this one. */
static enum client_exit show_resources(struct client *client, struct table *table, json_t *list,
                                       const char *kind, size_t *shown)
{
    struct request request = { .kind = REQUEST_RESOURCES };
    struct reply reply;
    request.resources.after = "";
    do {
        enum client_exit exit = client_ask(client, &request, &reply);
        if (exit != EXIT_DONE) return exit;
        char key[WIRE_KEY_MAX + 1] = "";
        for (size_t i = 0; i < reply.resource_count; i++) {
            const struct resource_summary *one = &reply.resources[i];
            snprintf(key, sizeof key, "%s/%s", resource_kind_name(one->kind), one->name);
            if (kind && !text_equal(kind, resource_kind_name(one->kind))) continue;
            (*shown)++;
            if (list)
                json_add_resource(list, one);
            else
                resource_row(client, table, one);
        }
        request.resources.after = client_keep(client, key);
    } while (reply.resource_count == WIRE_LIST_MAX);
    return EXIT_DONE;
}

enum client_exit command_resources(struct client *client)
{
    static const char *const names[] = { "KIND", "NAME", "VERSION", "APPLIED", "BY", NULL };
    const char *kind = client->argument_count ? client->arguments[0] : NULL;
    if (kind && !is_kind(kind))
        return client_usage(client, "this is no kind of resource",
                            "meridian resources application|deploymentGroup|deploymentConfig");
    bool as_json = client->options->output == OUTPUT_JSON;
    json_t *list = as_json ? json_array() : NULL;
    struct table table;
    size_t shown = 0;
    table_init(&table, &client->out.mode);
    if (!options_given(client->options, OPTION_NO_HEADERS)) table_header(&table, names);
    enum client_exit exit = show_resources(client, &table, list, kind, &shown);
    if (exit == EXIT_DONE && as_json) json_resources(&client->out, list);
    if (as_json) json_decref(list);
    if (exit == EXIT_DONE && !as_json && client->options->output != OUTPUT_NAME && shown)
        table_print(&table, &client->out);
    if (exit == EXIT_DONE && !shown && !as_json)
        client_hint(client, "none yet: meridian apply -f deploymentGroup.json");
    table_deinit(&table);
    return exit;
}
