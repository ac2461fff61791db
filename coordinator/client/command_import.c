/* import: pipelines that were written for other tools */
#include "client/commands.h"

#include "client/template.h"
#include "io/fs.h"

#include <string.h>

static enum client_exit region_of(struct client *client, const char **out)
{
    struct request request = { .kind = REQUEST_PING };
    struct reply reply;
    *out = client->options->text[OPTION_REGION];
    if (*out) return EXIT_DONE;
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit == EXIT_DONE) *out = client_keep(client, reply.region);
    return exit;
}

enum client_exit command_import(struct client *client)
{
    const char *file = client->arguments[1], *name = client->options->text[OPTION_RENAME];
    struct template_wishes wishes = { .name = name ? name : "" };
    struct variable given[OPTION_PAIRS_MAX];
    struct error err = { .code = ERR_NONE };
    AUTO(doc_free_at) struct doc *doc = NULL;
    AUTO(buf_deinit) struct buf out = { .max = 0 };
    AUTO(buf_deinit) struct buf notes = { .max = 0 };
    if (!text_equal(client->arguments[0], "cfn"))
        return client_usage(client, "only CloudFormation templates can be imported",
                            "meridian import cfn FILE");
    enum client_exit exit = region_of(client, &wishes.region);
    if (exit != EXIT_DONE) return exit;
    for (size_t at = 0;
         options_pair(client->options, OPTION_PARAMETER, &at, &client->kept,
                      &given[wishes.parameter_count].name, &given[wishes.parameter_count].value);)
        wishes.parameter_count++;
    wishes.parameters = given;
    buf_init(&out, WIRE_DOCUMENT_MAX);
    buf_init(&notes, 4096);
    if (!doc_load(file, NULL, &doc, &err) ||
        !template_import(doc_root(doc, 0), &wishes, &out, &notes, &err))
        return client_fail_error(client, &err, "the template cannot be imported", "");
    print_format(&client->out, "%.*s", (int)out.len, (const char *)out.data);
    if (notes.len)
        client_hint(client, "left out, no part of a definition: %.*s", (int)notes.len,
                    (const char *)notes.data);
    return EXIT_DONE;
}
