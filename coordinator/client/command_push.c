/* push */
#include "client/commands.h"

#include "client/bundle.h"
#include "client/json.h"
#include "client/terminal.h"
#include "client/upload.h"
#include "io/clock.h"
#include "io/transfer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    GRANTS_MAX = 100, /* an upload may outlive the leave to make it */
    BAR_CELLS = 20,
    FRAME_MS = 100,
    LINE_MS = 5000 /* between two lines of plain progress */
};

struct uploading {
    struct client *client;
    const char *name;
    enum progress_how how;                /* TTY, PLAIN or JSON; AUTO: nothing is shown */
    uint64_t started_ms, shown_ms, first; /* first: bytes that were there before */
    bool resumed, begun, drawn, interrupted;
};

/* ---- progress ---- */

static void progress_line(struct uploading *u, uint64_t done, uint64_t total, uint64_t now)
{
    struct print *p = &u->client->notes;
    uint64_t ms = now - u->started_ms, moved = done - u->first;
    print_raw(p, "uploading ");
    print_text(p, u->name);
    print_raw(p, "  ");
    if (u->how == PROGRESS_TTY) terminal_bar(p, done, total, BAR_CELLS);
    print_format(p, "%s%3u%%  ", u->how == PROGRESS_TTY ? " " : "",
                 total ? (unsigned)((double)done / (double)total * 100) : 100u);
    print_bytes(p, done);
    print_raw(p, " of ");
    print_bytes(p, total);
    if (ms >= 500 && moved > 0) {
        print_raw(p, "  ");
        print_bytes(p, moved * 1000 / ms);
        print_raw(p, "/s");
    }
}

static bool progress(void *owner, uint64_t done, uint64_t total)
{
    struct uploading *u = owner;
    uint64_t now = clock_boot_ms(), pause = u->how == PROGRESS_TTY ? FRAME_MS : LINE_MS;
    u->interrupted = session_interrupted(u->client->session);
    if (!u->begun && done > 0) { /* before, the coordinator is asked how much it has */
        u->begun = true;
        u->first = done;
        u->started_ms = now;
        u->shown_ms = now;
        if (u->resumed)
            client_hint(u->client, "going on at byte %" PRIu64 " of %" PRIu64, done, total);
    }
    if (u->how == PROGRESS_AUTO || now < u->shown_ms + pause) return !u->interrupted;
    u->shown_ms = now;
    if (done < u->first) u->first = done;
    if (u->how == PROGRESS_JSON) {
        json_progress(&u->client->notes, done, total);
    } else {
        if (u->how == PROGRESS_TTY) print_raw(&u->client->notes, "\r\x1b[K");
        progress_line(u, done, total, now);
        if (u->how == PROGRESS_PLAIN) print_raw(&u->client->notes, "\n");
        u->drawn = u->how == PROGRESS_TTY;
    }
    client_flush(u->client);
    return !u->interrupted;
}

static enum progress_how progress_of(const struct client *client)
{
    const struct options *options = client->options;
    if (options_given(options, OPTION_QUIET)) return PROGRESS_AUTO;
    if (options->progress != PROGRESS_AUTO) return options->progress;
    return client->notes_is_tty ? PROGRESS_TTY : PROGRESS_PLAIN;
}

/* ---- the upload ---- */

/* s3://STORE/KEY */
static bool destination(struct client *client, const char *url, struct push_request *push)
{
    const char *store = text_starts(url, "s3://") ? url + 5 : "";
    const char *slash = strchr(store, '/');
    if (!slash || slash == store || !slash[1]) return false;
    char name[WIRE_NAME_MAX + 1];
    if ((size_t)(slash - store) >= sizeof name) return false;
    memcpy(name, store, (size_t)(slash - store));
    name[slash - store] = '\0';
    push->store = client_keep(client, name);
    push->key = slash + 1;
    return true;
}

static enum client_exit failed(struct client *client, struct uploading *u, const struct error *err)
{
    if (u->interrupted) {
        client_hint(client, "interrupted: the same command goes on where it stopped");
        return EXIT_INTERRUPTED;
    }
    return client_fail_error(client, err, "the upload was not finished",
                             err->code == ERR_RETRY ? "the same command goes on where it stopped"
                                                    : "");
}

/* Asks for leave and uploads, again when the leave ran out on the way. */
static enum client_exit upload(struct client *client, const struct bundle_file *bundle,
                               struct push_request *push, struct uploading *u,
                               char version[TRANSFER_VERSION_SIZE])
{
    struct error err = { .code = ERR_NONE };
    for (unsigned grants = 0; grants < GRANTS_MAX; grants++) {
        struct request request = { .kind = REQUEST_PUSH, .push = *push };
        struct reply reply;
        uint64_t moved = 0;
        enum client_exit exit = client_ask(client, &request, &reply);
        if (exit != EXIT_DONE) return exit;
        const struct transfer transfer = { .url = reply.grant.url,
                                           .pin = reply.grant.pin,
                                           .path = bundle->path,
                                           .size = bundle->size,
                                           .sha256 = bundle->sha256,
                                           .summary = push->summary,
                                           .fn = progress,
                                           .owner = u };
        bool ok = transfer_put(&transfer, version, &moved, &err);
        if (u->drawn) print_raw(&client->notes, "\r\x1b[K");
        u->drawn = false;
        if (ok) return EXIT_DONE;
        bool expired = err.code == ERR_DENIED && clock_wall_ms() >= reply.grant.expires_ms;
        if (!expired || u->interrupted) break;
    }
    return failed(client, u, &err);
}

static void pushed_note(struct client *client, const struct push_request *push, uint64_t ms)
{
    char took[PRINT_TIME_SIZE], digest[HEX_SHA256_SIZE];
    struct print *notes = &client->notes;
    print_duration(ms, took);
    hex_format(push->sha256, SHA256_SIZE, digest);
    print_raw(notes, "pushed ");
    print_bytes(notes, push->size);
    print_format(notes, " in %s, sha256 %.12s", took, digest);
    print_glyph(notes, GLYPH_ELLIPSIS);
    print_raw(notes, ", to s3://");
    print_text(notes, push->store);
    print_raw(notes, "/");
    print_text(notes, push->key);
    print_raw(notes, " as version:\n");
    /* The version itself is data and follows on stdout. */
    client_flush(client);
}

static void pushed(struct client *client, const struct push_request *push, const char *version,
                   uint64_t ms)
{
    if (client->options->output == OUTPUT_JSON) {
        json_push(&client->out, push, version);
        return;
    }
    if (!options_given(client->options, OPTION_QUIET)) pushed_note(client, push, ms);
    print_text(&client->out, version);
    print_raw(&client->out, "\n");
}

enum client_exit command_push(struct client *client)
{
    const char *path = client->arguments[0], *summary = client->options->text[OPTION_SUMMARY];
    struct error err = { .code = ERR_NONE };
    struct push_request push = { .summary = summary ? summary : "" };
    struct settings settings;
    struct upload_state state;
    char version[TRANSFER_VERSION_SIZE] = "";
    uint64_t started_ms = clock_boot_ms();
    if (!destination(client, client->arguments[1], &push))
        return client_usage(client, "the second argument must be s3://STORE/KEY",
                            "meridian push app.zip s3://my-source-bucket/app.zip");
    AUTO(bundle_close) struct bundle_file bundle = { .fd = -1 };
    if (!bundle_open(path, &bundle, &err))
        return client_fail_error(client, &err, "there is nothing to push", "");
    push.size = bundle.size;
    memcpy(push.sha256, bundle.sha256, SHA256_SIZE);
    enum client_exit exit = client_connect(client);
    if (exit != EXIT_DONE) return exit;
    if (!settings_load(client->options, &settings, &err)) return EXIT_USAGE;
    if (!upload_begin(&push, settings.coordinator, &client->random, &state, &err))
        client_hint(client, "note: after an interruption the upload will begin anew (%s)",
                    err.text);
    struct uploading u = { .client = client,
                           .name = strrchr(path, '/') && strrchr(path, '/')[1]
                                       ? strrchr(path, '/') + 1
                                       : path,
                           .resumed = state.resumed,
                           .how = progress_of(client) };
    exit = upload(client, &bundle, &push, &u, version);
    if (exit != EXIT_DONE) return exit;
    upload_end(&state);
    pushed(client, &push, version, clock_boot_ms() - started_ms);
    return EXIT_DONE;
}
