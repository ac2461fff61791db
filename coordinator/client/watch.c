#include "client/watch.h"

#include "client/json.h"
#include "client/json_ask.h"
#include "client/terminal.h"
#include "client/tree.h"
#include "io/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FRAME_MS = 100,
    STATUS_MS = 1000, /* byte counts move without an event */
    WAIT_MS = 10000,  /* of one question for events */
    PAUSE_MS = 200,   /* after an empty answer: a coordinator with many watchers does not wait */
    LOST_MS = 120000  /* without the coordinator, until it is given up */
};

struct watcher {
    struct client *client;
    enum watch_how how;
    const char *pipeline, *execution; /* whole id */
    struct terminal terminal;
    struct print frame;
    struct arena views[2]; /* the view that is shown, and where the next reply goes */
    unsigned shown;
    struct execution_view view;
    uint64_t after; /* the newest event that was seen */
    bool caught_up; /* the events that there were at the beginning have been read */
    uint64_t events_token, status_token;
    uint64_t events_due_ms, status_due_ms, lost_since_ms, deadline_ms;
    bool stale; /* something happened since the last status */
    bool lost_told;
};

/* ---- events as lines ---- */

static void pair(struct print *out, const char *before, const char *text)
{
    if (!text[0]) return;
    print_raw(out, before);
    print_text(out, text);
}

void watch_event_line(struct print *out, const struct event_record *event)
{
    char when[CLOCK_TEXT_SIZE];
    clock_format(event->time_ms, when);
    print_style(out, STYLE_DIM);
    print_raw(out, when);
    print_style(out, STYLE_PLAIN);
    pair(out, " ", event->pipeline);
    if (event->execution.text[0]) print_format(out, "/%.8s", event->execution.text);
    pair(out, " ", event->stage);
    pair(out, "/", event->action);
    pair(out, " ", event->region);
    pair(out, " ", event->worker);
    bool target = text_equal(event->what, "target"), copy = text_equal(event->what, "copy");
    bool action = text_equal(event->what, "action"), whole = text_equal(event->what, "pipeline");
    if (copy) print_raw(out, " copy of");
    if (target) print_raw(out, text_starts(event->name, "d-") ? " deployment" : " copying");
    pair(out, " ", event->name);
    print_raw(out, " ");
    print_styled(out, print_status_style(event->status), status_name(event->status));
    if (event->version_id[0] && (copy || action || whole)) {
        print_raw(out, " version=");
        print_short_version(out, event->version_id);
    }
    pair(out, "  ", event->detail);
    print_raw(out, "\n");
}

enum watch_how watch_how(const struct client *client)
{
    const struct options *options = client->options;
    const char *term = getenv("TERM");
    if (options_given(options, OPTION_QUIET)) return WATCH_SILENT;
    if (client_json(client) || options->progress == PROGRESS_JSON) return WATCH_JSON;
    if (options->progress == PROGRESS_TTY) return WATCH_TREE;
    if (options->progress == PROGRESS_PLAIN || !client->out_is_tty) return WATCH_LINES;
    return term && term[0] && !text_equal(term, "dumb") ? WATCH_TREE : WATCH_LINES;
}

/* ---- the tree ---- */

static void draw(struct watcher *w, bool last)
{
    struct print *out = &w->client->out;
    uint64_t now = clock_wall_ms();
    if (w->how != WATCH_TREE) return;
    terminal_measure(&w->terminal);
    w->frame.mode = out->mode;
    w->frame.mode.columns = w->terminal.width;
    w->frame.mode.now_ms = now;
    w->frame.mode.tick = (unsigned)(now / FRAME_MS);
    tree_print(&w->frame, &w->view, last ? TREE_NORMAL : TREE_LIVE);
    if (!last && w->lost_since_ms) {
        print_styled(&w->frame, STYLE_ODD, session_state(w->client->session));
        print_raw(&w->frame, "; trying again\n");
    }
    terminal_frame(&w->terminal, print_string(&w->frame), last, out);
    print_clear(&w->frame);
    client_flush(w->client);
}

/* ---- questions ---- */

static bool ask_events(struct watcher *w, struct error *err)
{
    struct request request = { .kind = REQUEST_EVENTS };
    request.events.after = w->after;
    request.events.pipeline = w->pipeline;
    request.events.execution = w->execution;
    /* While old events are passed over, an empty answer is no reason to wait. */
    request.events.wait_ms = w->caught_up ? WAIT_MS : 0;
    request.events.max = 200;
    if (!session_post(w->client->session, &request, err)) return false;
    w->events_token = request.token;
    return true;
}

static bool ask_status(struct watcher *w, struct error *err)
{
    struct request request = { .kind = REQUEST_STATUS };
    request.status.pipeline = w->pipeline;
    request.status.execution = w->execution;
    if (!session_post(w->client->session, &request, err)) return false;
    w->status_token = request.token;
    w->stale = false;
    w->status_due_ms = clock_boot_ms() + STATUS_MS;
    return true;
}

static bool ask(struct watcher *w, struct error *err)
{
    uint64_t now = clock_boot_ms();
    if (!w->events_token && now >= w->events_due_ms && !ask_events(w, err)) return false;
    bool frame_over = now + STATUS_MS >= w->status_due_ms + FRAME_MS;
    bool due = now >= w->status_due_ms || (w->stale && frame_over);
    return w->status_token || !due || ask_status(w, err);
}

/* ---- answers ---- */

/* So far behind that the coordinator does not keep all of them any more: the tree shows how things
 * stand now. What was before the watching began is not missed. */
static void tell_dropped(struct watcher *w, uint64_t dropped)
{
    if (!w->after || !dropped) return;
    w->stale = true;
    if (w->how == WATCH_JSON) json_dropped(&w->client->out, dropped);
    if (w->how != WATCH_LINES) return;
    client_hint(w->client, "%" PRIu64 " events were dropped, the state is printed anew", dropped);
    tree_print(&w->client->out, &w->view, TREE_NORMAL);
}

static void take_events(struct watcher *w, const struct reply *reply)
{
    w->events_token = 0;
    if (reply->failure.code != ERR_NONE) return;
    tell_dropped(w, reply->dropped);
    if (reply->seq == w->after && reply->event_count == 0) {
        if (w->caught_up) w->events_due_ms = clock_boot_ms() + PAUSE_MS;
        w->caught_up = true;
    }
    w->after = reply->seq;
    if (reply->event_count > 0) w->stale = true;
    for (size_t i = 0; i < reply->event_count; i++) {
        if (w->how == WATCH_LINES) watch_event_line(&w->client->out, &reply->events[i]);
        if (w->how == WATCH_JSON) json_event(&w->client->out, &reply->events[i], true);
    }
    if (w->how != WATCH_TREE) client_flush(w->client);
}

/* The view takes the arena it lies in; the next reply goes into the other one. */
static bool take_view(struct watcher *w, const struct reply *reply)
{
    w->status_token = 0;
    if (reply->failure.code != ERR_NONE || reply->execution_count == 0) return false;
    w->view = reply->executions[0];
    w->shown = !w->shown;
    return true;
}

/* All events of an execution that has ended were told once an answer comes back empty. */
static bool finished(const struct watcher *w)
{
    bool told = w->how == WATCH_TREE || w->how == WATCH_SILENT || (w->caught_up && !w->stale);
    return status_ended(w->view.execution.status) && told;
}

/* ---- ends ---- */

static enum client_exit detached(struct watcher *w)
{
    draw(w, false);
    client_hint(w->client, "detached: the execution goes on. To end it: meridian stop %s %.8s",
                w->pipeline, w->execution);
    return EXIT_INTERRUPTED;
}

static enum client_exit timed_out(struct watcher *w)
{
    char what[128], fix[256];
    snprintf(what, sizeof what, "the execution has not ended: it is %s",
             status_name(w->view.execution.status));
    snprintf(fix, sizeof fix, "meridian watch %s %.8s", w->pipeline, w->execution);
    (void)client_fail(w->client, ERR_RETRY, what, "--timeout is over; the execution goes on", fix);
    return EXIT_TIMEOUT;
}

/* What a silent wait says at its end. */
static void result(struct watcher *w)
{
    struct client *client = w->client;
    const struct execution *e = &w->view.execution;
    char took[PRINT_TIME_SIZE];
    print_duration(e->ended_ms > e->started_ms ? e->ended_ms - e->started_ms : 0, took);
    if (client->options->output == OUTPUT_JSON) {
        json_execution(&client->out, &w->view);
    } else if (client->options->output == OUTPUT_NAME) {
        print_format(&client->out, "%s\n", e->id.text);
    } else if (!options_given(client->options, OPTION_QUIET)) {
        print_text(&client->out, e->pipeline);
        print_format(&client->out, "/%.8s ", e->id.text);
        print_styled(&client->out, print_status_style(e->status), status_name(e->status));
        print_format(&client->out, "  %s\n", took);
    }
}

static enum client_exit ended(struct watcher *w)
{
    enum client_exit exit = client_exit_of_status(w->view.execution.status);
    draw(w, true);
    if (w->how == WATCH_SILENT) result(w);
    /* In lines the tree says best what failed; it is no data. */
    if (exit != EXIT_DONE && w->how == WATCH_LINES)
        tree_print(&w->client->notes, &w->view, TREE_NORMAL);
    return exit;
}

static void look_for_loss(struct watcher *w)
{
    if (session_connected(w->client->session)) {
        if (w->lost_told) client_hint(w->client, "the coordinator is back");
        w->lost_since_ms = 0;
        w->lost_told = false;
        return;
    }
    if (!w->lost_since_ms) w->lost_since_ms = clock_boot_ms();
    bool tell = w->how == WATCH_LINES && clock_boot_ms() > w->lost_since_ms + STATUS_MS;
    if (!tell || w->lost_told) return;
    w->lost_told = true;
    client_hint(w->client, "%s; trying again", session_state(w->client->session));
    client_flush(w->client);
}

static enum client_exit follow(struct watcher *w)
{
    struct error err = { .code = ERR_NONE };
    struct reply reply;
    while (!finished(w)) {
        if (!ask(w, &err)) return client_fail_session(w->client, &err);
        uint64_t now = clock_boot_ms(), wake = now + FRAME_MS;
        if (w->deadline_ms && now >= w->deadline_ms) return timed_out(w);
        if (w->lost_since_ms && now >= w->lost_since_ms + LOST_MS) {
            error_set(&err, ERR_RETRY, "%s", session_state(w->client->session));
            return client_fail_session(w->client, &err);
        }
        switch (session_wait(w->client->session, wake, &w->views[!w->shown], &reply, &err)) {
        case SESSION_INTERRUPTED: return detached(w);
        case SESSION_FAILED: return client_fail_session(w->client, &err);
        case SESSION_IDLE: break;
        case SESSION_REPLY:
            if (reply.token == w->events_token)
                take_events(w, &reply);
            else if (reply.token == w->status_token && !take_view(w, &reply))
                return client_fail_reply(w->client, &reply);
            break;
        }
        look_for_loss(w);
        draw(w, false);
    }
    return ended(w);
}

/* The first status tells which execution is meant. */
static enum client_exit begin(struct watcher *w, const struct client_target *target)
{
    struct request request = { .kind = REQUEST_STATUS };
    struct reply reply;
    request.status.pipeline = target->pipeline;
    request.status.execution = target->execution;
    enum client_exit exit = client_ask(w->client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (reply.execution_count == 0)
        return client_fail(w->client, ERR_NOT_FOUND, "there is no such execution", "",
                           "meridian list");
    w->pipeline = client_keep(w->client, reply.executions[0].execution.pipeline);
    w->execution = client_keep(w->client, reply.executions[0].execution.id.text);
    w->view = reply.executions[0]; /* in the client's arena until the next status comes */
    w->stale = w->how == WATCH_LINES || w->how == WATCH_JSON;
    return EXIT_DONE;
}

enum client_exit watch_execution(struct client *client, const struct client_target *target,
                                 enum watch_how how)
{
    struct watcher w = { .client = client, .how = how };
    if (client->options->timeout_ms) w.deadline_ms = clock_boot_ms() + client->options->timeout_ms;
    terminal_init(&w.terminal, STDOUT_FILENO);
    print_init(&w.frame, &client->out.mode);
    arena_init(&w.views[0], WIRE_DECODE_MAX);
    arena_init(&w.views[1], WIRE_DECODE_MAX);
    enum client_exit exit = begin(&w, target);
    if (exit == EXIT_DONE) exit = follow(&w);
    client_flush(client);
    print_deinit(&w.frame);
    arena_deinit(&w.views[0]);
    arena_deinit(&w.views[1]);
    return exit;
}
