/* logs */
#include "client/commands.h"

#include "client/json.h"
#include "io/clock.h"

#include <stdio.h>
#include <string.h>

enum { FOLLOW_MS = 500, CHUNK_MAX = WIRE_LOG_CHUNK_MAX };

struct reading {
    struct client *client;
    struct logs_request what;
    struct buf tail; /* a character that was cut */
    bool follow, told;
};

/* EXECUTION[/ACTION[/HOST]], PIPELINE[/ACTION[/HOST]] */
static enum client_exit name_log(struct client *client, const char *word, struct logs_request *out)
{
    char *copy = arena_text(&client->kept, word), *action = strchr(copy, '/'), *host = NULL;
    struct client_target target;
    if (action) *action++ = '\0';
    if (action) host = strchr(action, '/');
    if (host) *host++ = '\0';
    enum client_exit exit = client_target_of(client, copy, &target);
    if (exit != EXIT_DONE) return exit;
    *out = (struct logs_request){ .pipeline = target.pipeline,
                                  .execution = target.execution,
                                  .action = action ? action : "",
                                  .worker = host ? host : "",
                                  .max = CHUNK_MAX };
    return EXIT_DONE;
}

/* To a screen with escapes, to a file as it is. */
static void show(struct reading *r, struct bytes data, bool last)
{
    struct client *client = r->client;
    struct error err = { .code = ERR_NONE };
    if (client_json(client)) {
        if (data.len > 0)
            json_log(&client->out, &r->what, data,
                     client->options->output == OUTPUT_NDJSON || r->follow);
        return;
    }
    if (data.len > 0 && !client->out_is_tty) {
        /* PRINT_MAX is far above a chunk. */
        if (!buf_append(&client->out.text, data.data, data.len, &err)) return;
    } else if (data.len > 0 || r->tail.len > 0) {
        if (data.len > 0 && !buf_append(&r->tail, data.data, data.len, &err)) return;
        size_t used = print_outside(&client->out, buf_bytes(&r->tail), PRINT_LINES, last);
        memmove(r->tail.data, r->tail.data + used, r->tail.len - used);
        r->tail.len -= used;
    }
}

/* Waits a little, or until Ctrl-C. */
static bool pause_reading(struct reading *r)
{
    struct reply nothing;
    struct error err = { .code = ERR_NONE };
    return session_wait(r->client->session, clock_boot_ms() + FOLLOW_MS, &r->client->replies,
                        &nothing, &err) != SESSION_INTERRUPTED;
}

/* One chunk; *more says whether to ask for the next. */
static enum client_exit chunk(struct reading *r, bool *more)
{
    struct client *client = r->client;
    struct request request = { .kind = REQUEST_LOGS, .logs = r->what };
    struct reply reply;
    struct error err = { .code = ERR_NONE };
    if (!session_call(client->session, &request, client->options->timeout_ms, &client->replies,
                      &reply, &err))
        return client_fail_session(client, &err);
    /* A worker that is away comes back; a log that has not begun will. */
    bool later = reply.failure.code == ERR_RETRY || reply.failure.code == ERR_NOT_FOUND;
    if (reply.failure.code != ERR_NONE && r->follow && later &&
        (r->told || r->what.offset > 0 || reply.failure.code == ERR_RETRY)) {
        if (!r->told) client_hint(client, "%s; trying again", reply.failure.what);
        r->told = true;
        client_flush(client);
        return pause_reading(r) ? EXIT_DONE : EXIT_INTERRUPTED;
    }
    if (reply.failure.code != ERR_NONE) return client_fail_reply(client, &reply);
    if (reply.log.cause[0] && reply.log.data.len == 0 && !r->follow) {
        client_hint(client, "%s", reply.log.cause);
        *more = false;
        return EXIT_DONE;
    }
    r->told = false;
    show(r, reply.log.data, reply.log.end);
    r->what.offset = reply.log.offset + reply.log.data.len;
    bool empty = reply.log.data.len == 0;
    client_flush(client);
    *more = !reply.log.end && (r->follow || !empty);
    if (*more && empty && !pause_reading(r)) return EXIT_INTERRUPTED;
    return EXIT_DONE;
}

enum client_exit command_logs(struct client *client)
{
    struct reading reading = { .client = client,
                               .follow = options_given(client->options, OPTION_FOLLOW) };
    bool more = true;
    enum client_exit exit = name_log(client, client->arguments[0], &reading.what);
    buf_init(&reading.tail, CHUNK_MAX + 8);
    while (exit == EXIT_DONE && more) exit = chunk(&reading, &more);
    if (exit == EXIT_DONE && !client_json(client)) show(&reading, bytes_of("", 0), true);
    buf_deinit(&reading.tail);
    return exit;
}
