/* client.h - what every subcommand has in its hands.
 *
 * A command is a function from the client to an exit code. It writes its data into client->out
 * (main writes that to stdout at the end; client_flush() earlier) and says what went wrong through
 * client_fail(), which gives the exit code that belongs to it.
 *
 * Ownership: a reply is borrowed until the next request; what must outlive it is copied with
 * client_keep(). The session is opened by the first request.
 */
#pragma once
#include "client/print.h"
#include "client/session.h"

enum client_exit {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, /* it ran and failed, or the input is invalid */
    EXIT_USAGE = 2,
    EXIT_MISSING = 3, /* there is no such thing */
    EXIT_REFUSED = 4, /* not authenticated, not allowed */
    EXIT_UNREACHABLE = 5,
    EXIT_NOT_DEPLOYED = 6, /* ended without deploying, or conflict */
    EXIT_TIMEOUT = 124,
    EXIT_INTERRUPTED = 130 /* the run goes on */
};

struct client {
    const struct options *options;
    char **arguments;
    size_t argument_count;
    struct print out, notes; /* stdout; stderr */
    bool out_is_tty, notes_is_tty;
    struct session *session;
    struct arena replies, kept;
    struct prng random;
};

/* Sets up the locale and the two streams. `options` may still be filled. */
void client_init(struct client *client, const struct options *options);
/* Decides on colours, once the options are read. */
void client_colour(struct client *client);
void client_deinit(struct client *client);
/* Writes what is in out and notes; a reader that went away ends the program as SIGPIPE would. */
void client_flush(struct client *client);

/* Sends a request and waits for its answer. Anything but EXIT_DONE was shown already. */
NODISCARD enum client_exit client_ask(struct client *client, struct request *request,
                                      struct reply *reply);
NODISCARD enum client_exit client_connect(struct client *client);
struct id client_submission(struct client *client); /* for a write */
const char *client_keep(struct client *client, const char *text);

/* error: WHAT / cause: / fix:, or a JSON object with -o json; cause and fix may be "". */
enum client_exit client_fail(struct client *client, enum error_code code, const char *what,
                             const char *cause, const char *fix);
enum client_exit client_fail_error(struct client *client, const struct error *err, const char *what,
                                   const char *fix);
enum client_exit client_fail_reply(struct client *client, const struct reply *reply);
/* What the session returned as an error. */
enum client_exit client_fail_session(struct client *client, const struct error *err);
enum client_exit client_usage(struct client *client, const char *what, const char *fix);
enum client_exit client_exit_of(enum error_code code);
/* The result of an execution that has ended. */
enum client_exit client_exit_of_status(enum status status);

/* A line for people on stderr, unless -q. */
void client_hint(struct client *client, const char *format, ...) PRINTF_LIKE(2, 3);
bool client_json(const struct client *client); /* -o json or ndjson */

/* An execution as people name it: PIPELINE, PIPELINE EXECUTION, or an EXECUTION alone. */
struct client_target {
    const char *pipeline, *execution; /* "" not named */
};
NODISCARD enum client_exit client_target(struct client *client, struct client_target *out);
/* One word: a pipeline's name when there is one of that name, else an execution. */
NODISCARD enum client_exit client_target_of(struct client *client, const char *word,
                                            struct client_target *out);
