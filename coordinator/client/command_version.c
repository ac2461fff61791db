/* version, completion and what completion asks */
#include "client/commands.h"

#include "client/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { COMPLETE_WAIT_MS = 1000 };

enum client_exit command_version(struct client *client)
{
    bool json = client->options->output == OUTPUT_JSON;
    struct request request = { .kind = REQUEST_PING };
    struct reply reply = { .name = NULL };
    char epoch[24] = "";
    enum client_exit exit = EXIT_DONE;
    if (!json) print_format(&client->out, "meridian     %s\n", MERIDIAN_VERSION);
    if (!options_given(client->options, OPTION_CLIENT_ONLY))
        exit = client_ask(client, &request, &reply);
    bool answered = exit == EXIT_DONE && reply.name;
    snprintf(epoch, sizeof epoch, "%" PRIu64, reply.seq);
    if (json) {
        json_pairs(&client->out, (const char *const[]){ "client", MERIDIAN_VERSION, "coordinator",
                                                        answered ? reply.name : NULL, "region",
                                                        answered ? reply.region : NULL, "epoch",
                                                        answered ? epoch : NULL, NULL });
    } else if (answered) {
        print_raw(&client->out, "coordinator  ");
        print_text(&client->out, reply.name);
        print_raw(&client->out, "  ");
        print_text(&client->out, reply.region);
        print_format(&client->out, "  epoch %s\n", epoch);
    }
    return exit;
}

/* ---- completion ---- */

static const char bash_script[] =
    "_meridian() {\n"
    "    local IFS=$'\\n'\n"
    "    COMPREPLY=($(meridian __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null))\n"
    "}\n"
    "complete -o default -F _meridian meridian\n";

static const char zsh_script[] =
    "#compdef meridian\n"
    "_meridian() {\n"
    "    local -a found\n"
    "    found=(\"${(@f)$(meridian __complete \"${(@)words[2,$CURRENT]}\" 2>/dev/null)}\")\n"
    "    if [[ -n \"$found\" ]]; then compadd -a found; else _files; fi\n"
    "}\n"
    "compdef _meridian meridian\n";

enum client_exit command_completion(struct client *client)
{
    const char *shell = client->arguments[0];
    if (text_equal(shell, "bash")) {
        print_raw(&client->out, bash_script);
        client_hint(client, "to use it: source <(meridian completion bash)");
    } else if (text_equal(shell, "zsh")) {
        print_raw(&client->out, zsh_script);
        client_hint(client, "to use it: source <(meridian completion zsh)");
    } else {
        return client_usage(client, "completion is there for bash and zsh",
                            "meridian completion bash");
    }
    return EXIT_DONE;
}

static void offer(struct client *client, const char *word, const char *begun)
{
    if (!text_starts(word, begun)) return;
    print_text(&client->out, word);
    print_raw(&client->out, "\n");
}

static void offer_options(struct client *client, uint64_t mask, const char *begun)
{
    char word[40];
    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        if (id >= OPTION_GLOBAL_COUNT && !(mask & (UINT64_C(1) << id))) continue;
        snprintf(word, sizeof word, "--%s", option_rows[id].name);
        offer(client, word, begun);
    }
}

/* Silent and quick: a shell waits for it. */
static void offer_pipelines(struct client *client, const char *begun)
{
    struct request request = { .kind = REQUEST_LIST };
    struct settings settings;
    struct reply reply;
    struct error err = { .code = ERR_NONE };
    if (!settings_load(client->options, &settings, &err) ||
        !session_open(&settings, &client->session, &err) ||
        !session_call(client->session, &request, COMPLETE_WAIT_MS, &client->replies, &reply, &err))
        return;
    for (size_t i = 0; i < reply.pipeline_count; i++) offer(client, reply.pipelines[i].name, begun);
}

/* The command's first word after its options, so far as it is written. */
static size_t words_before(const struct client *client)
{
    size_t words = 0;
    for (size_t i = 1; i + 1 < client->argument_count; i++)
        if (client->arguments[i][0] != '-') words++;
    return words;
}

enum client_exit command_complete(struct client *client)
{
    static const char *const verbs[] = { "init", "worker", "client", "revoke", "list" };
    const char *begun = client->argument_count ? client->arguments[client->argument_count - 1] : "";
    if (client->argument_count <= 1) {
        for (const struct command *command = commands; command->name; command++)
            if (command->group) offer(client, command->name, begun);
        return EXIT_DONE;
    }
    const struct command *command = command_find(client->arguments[0]);
    if (!command) return EXIT_DONE;
    if (begun[0] == '-') {
        offer_options(client, command->options, begun);
    } else if (words_before(client) > 0) {
        return EXIT_DONE;
    } else if (command->run == command_keys) {
        for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) offer(client, verbs[i], begun);
    } else if (command->run == command_transition) {
        offer(client, "disable", begun);
        offer(client, "enable", begun);
    } else if (command->run == command_completion) {
        offer(client, "bash", begun);
        offer(client, "zsh", begun);
    } else if (command->run == command_help) {
        for (const struct command *other = commands; other->name; other++)
            if (other->group) offer(client, other->name, begun);
    } else if (strstr(command->arguments, "PIPELINE")) {
        offer_pipelines(client, begun);
    }
    return EXIT_DONE;
}
