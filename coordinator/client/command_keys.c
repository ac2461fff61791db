/* keys: local files beside the coordinator, no conversation */
#include "client/commands.h"

#include "client/json.h"
#include "client/table.h"
#include "io/fs.h"
#include "io/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder_of(const struct client *client)
{
    const char *given = client->options->text[OPTION_DIR], *variable = getenv("MERIDIAN_KEYS");
    if (given) return given;
    return variable && variable[0] ? variable : "keys";
}

static void made(struct client *client, const char *folder, const char *kind, const char *name)
{
    char file[FS_PATH_MAX];
    snprintf(file, sizeof file, "%.3900s/%s%s%.63s.key", folder, kind, kind[0] ? "-" : "", name);
    if (client->options->output == OUTPUT_JSON) {
        json_pairs(&client->out, (const char *const[]){ "name", name, "key", file, NULL });
        return;
    }
    print_text(&client->out, file);
    print_raw(&client->out, "\n");
}

static enum client_exit failed(struct client *client, const struct error *err, const char *what)
{
    const char *fix = "";
    if (err->code == ERR_NOT_FOUND) fix = "meridian keys init DIR, or name the folder with --dir";
    return client_fail_error(client, err, what, fix);
}

static enum client_exit keys_folder_new(struct client *client, const char *folder)
{
    struct error err = { .code = ERR_NONE };
    if (client->argument_count > 1) folder = client->arguments[1];
    if (!keys_init(folder, &err))
        return client_fail_error(client, &err, "the keys were not made", "");
    made(client, folder, "", "coordinator");
    client_hint(client,
                "next: meridian keys --dir %s client NAME --role admin, and a worker for each "
                "host",
                folder);
    return EXIT_DONE;
}

/* "KEY=VALUE" ... */
static enum client_exit tags_of(struct client *client, struct keys_tag tags[KEYS_TAGS_MAX])
{
    for (size_t i = 0; i < client->options->tag_count; i++) {
        char *copy = arena_text(&client->kept, client->options->tags[i]);
        char *equals = strchr(copy, '=');
        if (!equals)
            return client_usage(client, "--tag must be KEY=VALUE", "--tag Environment=Production");
        *equals = '\0';
        tags[i] = (struct keys_tag){ copy, equals + 1 };
    }
    return EXIT_DONE;
}

static enum client_exit worker_new(struct client *client, const char *folder)
{
    const char *region = client->options->text[OPTION_REGION], *name = client->arguments[1];
    struct error err = { .code = ERR_NONE };
    struct keys_tag tags[KEYS_TAGS_MAX];
    if (!region)
        return client_usage(client, "--region is missing",
                            "meridian keys worker NAME --region us-west-2");
    enum client_exit exit = tags_of(client, tags);
    if (exit != EXIT_DONE) return exit;
    if (!keys_add_worker(folder, name, region, tags, client->options->tag_count, &err))
        return failed(client, &err, "the worker was not enrolled");
    made(client, folder, "worker", name);
    client_hint(client, "its host needs this file and %s/coordinator.pub", folder);
    return EXIT_DONE;
}

static enum client_exit client_new(struct client *client, const char *folder)
{
    const char *role = client->options->text[OPTION_ROLE], *name = client->arguments[1];
    struct error err = { .code = ERR_NONE };
    enum keys_role parsed = KEYS_VIEWER;
    if (!role)
        return client_usage(client, "--role is missing",
                            "meridian keys client NAME --role viewer, deployer, approver or admin");
    if (!keys_role_parse(role, &parsed))
        return client_usage(client, "there is no such role",
                            "--role viewer, deployer, approver or admin");
    if (!keys_add_client(folder, name, parsed, &err))
        return failed(client, &err, "the client was not enrolled");
    made(client, folder, "client", name);
    client_hint(client, "its owner needs this file and %s/coordinator.pub", folder);
    return EXIT_DONE;
}

/* NAME, or worker/NAME and client/NAME when there are both. */
static enum client_exit revoke(struct client *client, const char *folder)
{
    const char *name = client->arguments[1];
    struct error err = { .code = ERR_NONE };
    AUTO(keys_registry_free) struct keys_registry *registry = NULL;
    bool as_worker = !text_starts(name, "client/"), as_client = !text_starts(name, "worker/");
    if (!as_client || !as_worker) name = strchr(name, '/') + 1;
    if (!keys_registry_load(folder, &registry, &err))
        return failed(client, &err, "nothing was revoked");
    as_worker = as_worker && keys_registry_by_name(registry, KEYS_WORKER, name);
    as_client = as_client && keys_registry_by_name(registry, KEYS_CLIENT, name);
    if (as_worker && as_client)
        return client_usage(client, "a worker and a client have that name",
                            "meridian keys revoke worker/NAME, or client/NAME");
    if (!as_worker && !as_client)
        return client_fail(client, ERR_NOT_FOUND, "nothing was revoked",
                           "nobody of that name is enrolled", "meridian keys list");
    if (!keys_revoke(folder, as_worker ? KEYS_WORKER : KEYS_CLIENT, name, &err))
        return failed(client, &err, "nothing was revoked");
    client_hint(client, "revoked: the coordinator refuses this key from its next look on");
    return EXIT_DONE;
}

static enum client_exit list(struct client *client, const char *folder)
{
    struct error err = { .code = ERR_NONE };
    AUTO(keys_registry_free) struct keys_registry *registry = NULL;
    AUTO(table_deinit) struct table table = { .rows = NULL };
    if (!keys_registry_load(folder, &registry, &err))
        return failed(client, &err, "the registry cannot be read");
    if (client->options->output == OUTPUT_JSON) {
        json_keys(&client->out, registry);
        return EXIT_DONE;
    }
    table_init(&table, &client->out.mode);
    if (!options_given(client->options, OPTION_NO_HEADERS))
        table_header(&table,
                     (const char *const[]){ "KIND", "NAME", "REGION OR ROLE", "KEY", NULL });
    for (size_t i = 0; i < keys_registry_count(registry); i++) {
        const struct keys_principal *one = keys_registry_at(registry, i);
        bool worker = one->kind == KEYS_WORKER;
        if (client->options->output == OUTPUT_NAME) {
            print_format(&client->out, "%s/%s\n", worker ? "worker" : "client", one->name);
            continue;
        }
        table_row(&table);
        table_cell_text(&table, worker ? "worker" : "client");
        table_cell_text(&table, one->name);
        table_cell_text(&table, worker ? one->region : keys_role_name(one->role));
        table_cell_text(&table, one->key_z85);
    }
    if (client->options->output != OUTPUT_NAME) table_print(&table, &client->out);
    return EXIT_DONE;
}

enum client_exit command_keys(struct client *client)
{
    static const struct {
        const char *word;
        bool needs_name;
        enum client_exit (*run)(struct client *client, const char *folder);
    } verbs[] = { { "init", false, keys_folder_new },
                  { "worker", true, worker_new },
                  { "client", true, client_new },
                  { "revoke", true, revoke },
                  { "list", false, list } };
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (!text_equal(client->arguments[0], verbs[i].word)) continue;
        if (verbs[i].needs_name && client->argument_count < 2)
            return client_usage(client, "a name is missing", "meridian help keys");
        return verbs[i].run(client, folder_of(client));
    }
    return client_usage(client, "keys has init, worker, client, revoke and list",
                        "meridian help keys");
}
