#include "client/client.h"

#include "client/json.h"
#include "client/terminal.h"
#include "io/clock.h"
#include "io/fs.h"
#include "io/random.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

enum { KEPT_MAX = 64 << 20, BROKEN_PIPE = 141 /* 128 + SIGPIPE */ };

static bool variable_set(const char *name)
{
    const char *value = getenv(name);
    return value && value[0];
}

/* NO_COLOR (no-color.org) and CLICOLOR_FORCE (bixense.com/clicolors). */
static bool colour_wanted(const struct options *options, bool is_tty)
{
    const char *term = getenv("TERM"), *force = getenv("CLICOLOR_FORCE");
    if (options->color != WHEN_AUTO) return options->color == WHEN_ALWAYS;
    if (variable_set("NO_COLOR")) return false;
    if (force && force[0] && !text_equal(force, "0")) return true;
    return is_tty && term && term[0] && !text_equal(term, "dumb");
}

void client_init(struct client *client, const struct options *options)
{
    bool utf8 = setlocale(LC_CTYPE, "") && text_equal(nl_langinfo(CODESET), "UTF-8");
    *client = (struct client){ .options = options,
                               .out_is_tty = isatty(STDOUT_FILENO) == 1,
                               .notes_is_tty = isatty(STDERR_FILENO) == 1 };
    const struct print_mode mode = { .utf8 = utf8,
                                     .relative = client->out_is_tty,
                                     .now_ms = clock_wall_ms() };
    struct terminal terminal;
    print_init(&client->out, &mode);
    print_init(&client->notes, &mode);
    terminal_init(&terminal, STDOUT_FILENO);
    if (client->out_is_tty) client->out.mode.columns = terminal.width;
    arena_init(&client->replies, WIRE_DECODE_MAX);
    arena_init(&client->kept, KEPT_MAX);
    random_seed(&client->random);
}

void client_colour(struct client *client)
{
    client->out.mode.yaml = client->notes.mode.yaml = client->options->yaml;
    client->out.mode.colour = colour_wanted(client->options, client->out_is_tty);
    client->notes.mode.colour = colour_wanted(client->options, client->notes_is_tty);
}

void client_deinit(struct client *client)
{
    session_close(&client->session);
    print_deinit(&client->out);
    print_deinit(&client->notes);
    arena_deinit(&client->replies);
    arena_deinit(&client->kept);
}

void client_flush(struct client *client)
{
    struct error err = { .code = ERR_NONE };
    if (!print_write(&client->out, STDOUT_FILENO, &err)) {
        /* Standard output was closed by its reader, or its disk is full: nothing more to say. */
        if (errno != EPIPE) fprintf(stderr, "error: %s\n", err.text);
        _exit(errno == EPIPE ? BROKEN_PIPE : EXIT_FAILED);
    }
    if (!print_write(&client->notes, STDERR_FILENO, &err)) _exit(EXIT_FAILED);
}

const char *client_keep(struct client *client, const char *text)
{
    return arena_text(&client->kept, text);
}

struct id client_submission(struct client *client)
{
    return id_new_uuid(&client->random);
}

bool client_json(const struct client *client)
{
    return client->options->output == OUTPUT_JSON || client->options->output == OUTPUT_NDJSON;
}

void client_hint(struct client *client, const char *format, ...)
{
    if (options_given(client->options, OPTION_QUIET)) return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_text(&client->notes, text);
    print_raw(&client->notes, "\n");
}

/* ---- failures ---- */

enum client_exit client_exit_of(enum error_code code)
{
    switch (code) {
    case ERR_NONE: return EXIT_DONE;
    case ERR_NOT_FOUND: return EXIT_MISSING;
    case ERR_DENIED: return EXIT_REFUSED;
    case ERR_CONFLICT: return EXIT_NOT_DEPLOYED;
    case ERR_RETRY:
    case ERR_INVALID:
    case ERR_NO_SPACE:
    case ERR_CORRUPT:
    case ERR_FATAL: return EXIT_FAILED;
    }
    return EXIT_FAILED;
}

enum client_exit client_exit_of_status(enum status status)
{
    switch (status) {
    case STATUS_SUCCEEDED: return EXIT_DONE;
    case STATUS_STOPPED:
    case STATUS_SUPERSEDED:
    case STATUS_CANCELLED:
    case STATUS_SKIPPED: return EXIT_NOT_DEPLOYED;
    case STATUS_PENDING:
    case STATUS_IN_PROGRESS:
    case STATUS_STOPPING:
    case STATUS_FAILED:
    case STATUS_ABANDONED:
    case STATUS_UNKNOWN: return EXIT_FAILED;
    }
    return EXIT_FAILED;
}

static void fail_text(struct print *p, const char *what, const char *cause, const char *fix)
{
    print_styled(p, STYLE_BAD, "error:");
    print_raw(p, " ");
    print_text(p, what);
    print_raw(p, "\n");
    if (cause[0]) {
        print_styled(p, STYLE_DIM, "  cause:");
        print_raw(p, " ");
        print_text(p, cause);
        print_raw(p, "\n");
    }
    if (fix[0]) {
        print_styled(p, STYLE_DIM, "  fix:");
        print_raw(p, " ");
        print_text(p, fix);
        print_raw(p, "\n");
    }
}

static enum client_exit fail(struct client *client, const char *code, uint64_t token,
                             const struct failure *failure)
{
    if (client_json(client)) {
        json_failure(&client->notes, code, token, failure);
        return EXIT_FAILED;
    }
    fail_text(&client->notes, failure->what, failure->cause, failure->fix);
    if (token && options_given(client->options, OPTION_VERBOSE))
        print_format(&client->notes, "  request: %016llx\n", (unsigned long long)token);
    return EXIT_FAILED;
}

enum client_exit client_fail(struct client *client, enum error_code code, const char *what,
                             const char *cause, const char *fix)
{
    const struct failure failure = { code, what, cause, fix };
    (void)fail(client, error_code_name(code), 0, &failure);
    return client_exit_of(code);
}

enum client_exit client_fail_error(struct client *client, const struct error *err, const char *what,
                                   const char *fix)
{
    return client_fail(client, err->code, what, err->text, fix);
}

enum client_exit client_fail_reply(struct client *client, const struct reply *reply)
{
    /* "ApprovalAlreadyCompletedException: ...": where AWS has a name, scripts get that name. */
    static const char suffix[] = "Exception: ";
    char code[80];
    const char *cause = reply->failure.cause, *colon = strstr(cause, suffix);
    size_t len = colon ? (size_t)(colon - cause) + sizeof suffix - 3 : 0;
    bool named = len > 0 && len < sizeof code && strcspn(cause, " ") == len + 1;
    snprintf(code, sizeof code, "%.*s", named ? (int)len : 0, cause);
    (void)fail(client, named ? code : error_code_name(reply->failure.code), reply->token,
               &reply->failure);
    return client_exit_of(reply->failure.code);
}

enum client_exit client_usage(struct client *client, const char *what, const char *fix)
{
    const struct failure failure = { ERR_INVALID, what, "", fix };
    (void)fail(client, "usage", 0, &failure);
    return EXIT_USAGE;
}

enum client_exit client_fail_session(struct client *client, const struct error *err)
{
    struct failure failure = { err->code, "the coordinator's answer cannot be used", err->text,
                               "" };
    if (err->code == ERR_RETRY) {
        failure.what = "the coordinator cannot be reached";
        failure.fix = "systemctl status meridian-coordinator, on its host";
        (void)fail(client, "unreachable", 0, &failure);
        return EXIT_UNREACHABLE;
    }
    if (err->code == ERR_DENIED) {
        failure.what = "the coordinator does not admit this client";
        failure.fix = "compare --key and --coordinator-key with the files that "
                      "`meridian keys client NAME` made beside the coordinator";
    } else if (err->code == ERR_CONFLICT && session_interrupted(client->session)) {
        return EXIT_INTERRUPTED;
    } else if (err->code == ERR_INVALID) {
        failure.what = "the request is not valid";
    }
    (void)fail(client, error_code_name(err->code), 0, &failure);
    return err->code == ERR_CONFLICT ? EXIT_FAILED : client_exit_of(err->code);
}

/* ---- requests ---- */

enum client_exit client_connect(struct client *client)
{
    struct error err = { .code = ERR_NONE };
    struct settings settings;
    if (client->session) return EXIT_DONE;
    if (!settings_load(client->options, &settings, &err)) {
        (void)client_fail(client, err.code, "it is not configured which coordinator to ask",
                          err.text,
                          "write coordinator, coordinatorKey and key into "
                          "~/.config/meridian/config.yml, or export MERIDIAN_COORDINATOR, "
                          "MERIDIAN_COORDINATOR_KEY and MERIDIAN_KEY");
        return EXIT_USAGE;
    }
    if (!session_open(&settings, &client->session, &err)) {
        (void)client_fail_error(client, &err, "the coordinator cannot be asked", "");
        return err.code == ERR_NOT_FOUND || err.code == ERR_DENIED ? EXIT_REFUSED : EXIT_USAGE;
    }
    return EXIT_DONE;
}

enum client_exit client_ask(struct client *client, struct request *request, struct reply *reply)
{
    struct error err = { .code = ERR_NONE };
    enum client_exit exit = client_connect(client);
    if (exit != EXIT_DONE) return exit;
    if (!session_call(client->session, request, client->options->timeout_ms, &client->replies,
                      reply, &err))
        return client_fail_session(client, &err);
    client->out.mode.now_ms = clock_wall_ms();
    if (reply->failure.code == ERR_NONE) return EXIT_DONE;
    /* The problems of APPLY and PLAN come first: its caller shows both. */
    bool checks = request->kind == REQUEST_APPLY || request->kind == REQUEST_PLAN;
    if (checks && reply->problem_count > 0) return client_exit_of(reply->failure.code);
    return client_fail_reply(client, reply);
}

enum client_exit client_target_of(struct client *client, const char *word,
                                  struct client_target *out)
{
    struct request request = { .kind = REQUEST_LIST };
    struct reply reply;
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    bool is_pipeline = false;
    for (size_t i = 0; i < reply.pipeline_count; i++)
        if (text_equal(reply.pipelines[i].name, word)) is_pipeline = true;
    struct id id;
    /* A word that can be no execution is a pipeline that does not exist. */
    if (!id_parse(word, &id)) is_pipeline = true;
    for (const char *c = word; *c; c++)
        if (!(*c >= '0' && *c <= '9') && !(*c >= 'a' && *c <= 'f') && *c != '-') is_pipeline = true;
    *out = (struct client_target){ is_pipeline ? word : "", is_pipeline ? "" : word };
    return EXIT_DONE;
}

enum client_exit client_target(struct client *client, struct client_target *out)
{
    if (client->argument_count == 1) return client_target_of(client, client->arguments[0], out);
    *out = (struct client_target){ client->arguments[0], client->arguments[1] };
    return EXIT_DONE;
}
