/* watch, wait, events: following what happens */
#include "client/commands.h"

#include "base/number.h"
#include "client/json.h"
#include "client/json_ask.h"
#include "client/watch.h"
#include "io/clock.h"

enum {
    EVENTS_PAGE = 500,
    EVENTS_WAIT_MS = 10000,
    PAUSE_MS = 200 /* after an empty answer: a coordinator with many watchers does not wait */
};

enum client_exit command_watch(struct client *client)
{
    struct client_target target;
    enum client_exit exit = client_target(client, &target);
    return exit == EXIT_DONE ? watch_execution(client, &target, watch_how(client)) : exit;
}

enum client_exit command_wait(struct client *client)
{
    struct client_target target;
    enum client_exit exit = client_target(client, &target);
    return exit == EXIT_DONE ? watch_execution(client, &target, WATCH_SILENT) : exit;
}

/* ---- events ---- */

struct listing {
    struct client *client;
    const char *pipeline, *execution;
    uint64_t after;
    size_t shown;
    bool watch, caught_up;
    bool counted; /* what is missing before `after` would be missed */
};

static void show_event(struct listing *l, const struct event_record *event)
{
    struct print *out = &l->client->out;
    switch (l->client->options->output) {
    case OUTPUT_JSON:
        if (!l->watch) print_raw(out, l->shown ? "," : "{\"events\":[\n");
        json_event(out, event, true);
        break;
    case OUTPUT_NDJSON: json_event(out, event, true); break;
    case OUTPUT_TABLE:
    case OUTPUT_WIDE:
    case OUTPUT_NAME: watch_event_line(out, event); break;
    }
    l->shown++;
}

/* Older ones than the coordinator keeps are gone: that is said, and how things stand now. */
static enum client_exit tell_dropped(struct listing *l, uint64_t dropped)
{
    struct client *client = l->client;
    if (client->options->output == OUTPUT_NDJSON) json_dropped(&client->out, dropped);
    client_hint(client, "%llu events were dropped: the coordinator keeps the newest 10000%s",
                (unsigned long long)dropped, l->watch ? "; the state is printed anew" : "");
    client_flush(client);
    return l->watch && !client_json(client) ? command_status(client) : EXIT_DONE;
}

/* One page; *more says whether to ask again. */
static enum client_exit page(struct listing *l, bool *more)
{
    struct request request = { .kind = REQUEST_EVENTS };
    struct reply reply;
    struct error err = { .code = ERR_NONE };
    request.events.after = l->after;
    request.events.pipeline = l->pipeline;
    request.events.execution = l->execution;
    request.events.wait_ms = l->watch && l->caught_up ? EVENTS_WAIT_MS : 0;
    request.events.max = EVENTS_PAGE;
    /* Someone who watches stays through a restart of the coordinator. */
    bool ok = session_call(l->client->session, &request, l->watch ? UINT32_MAX : 0,
                           &l->client->replies, &reply, &err);
    if (!ok) return client_fail_session(l->client, &err);
    if (reply.failure.code != ERR_NONE) return client_fail_reply(l->client, &reply);
    l->caught_up = reply.event_count == 0 && reply.dropped == 0 && reply.seq == l->after;
    uint64_t dropped = l->counted ? reply.dropped : 0;
    l->counted = true;
    l->after = reply.seq;
    for (size_t i = 0; i < reply.event_count; i++) show_event(l, &reply.events[i]);
    client_flush(l->client);
    *more = l->watch || !l->caught_up;
    if (dropped) return tell_dropped(l, dropped);
    if (!*more || !l->caught_up) return EXIT_DONE;
    enum session_event waited = session_wait(l->client->session, clock_boot_ms() + PAUSE_MS,
                                             &l->client->replies, &reply, &err);
    return waited == SESSION_INTERRUPTED ? EXIT_INTERRUPTED : EXIT_DONE;
}

enum client_exit command_events(struct client *client)
{
    struct client_target target = { "", "" };
    struct listing listing = { .client = client,
                               .watch = options_given(client->options, OPTION_WATCH) };
    bool more = true;
    listing.counted = options_given(client->options, OPTION_AFTER);
    if (listing.counted &&
        !number_parse(client->options->text[OPTION_AFTER], UINT64_MAX - 1, &listing.after))
        return client_usage(client, "--after needs the number of an event",
                            "meridian events -o ndjson shows it as seq");
    enum client_exit exit = client_connect(client);
    if (exit == EXIT_DONE && client->argument_count > 0) exit = client_target(client, &target);
    listing.pipeline = target.pipeline;
    listing.execution = target.execution;
    /* The first answer tells whether the coordinator is there at all. */
    struct request request = { .kind = REQUEST_PING };
    struct reply reply;
    if (exit == EXIT_DONE) exit = client_ask(client, &request, &reply);
    while (exit == EXIT_DONE && more) exit = page(&listing, &more);
    if (client->options->output == OUTPUT_JSON && !listing.watch && exit == EXIT_DONE)
        print_raw(&client->out, listing.shown ? "]}\n" : "{\"events\":[]}\n");
    return exit;
}
