/* history --compare: two executions beside each other */
#include "client/commands.h"

#include "client/facts.h"
#include "client/json.h"
#include "client/table.h"

#include <stdio.h>

struct pair {
    struct client *client;
    const struct execution *a, *b;
    struct table table;
};

/* A row of three cells; what differs is marked. */
static void row(struct pair *p, const char *name, const char *a, const char *b)
{
    bool differ = !text_equal(a, b);
    table_row(&p->table);
    table_cell_text(&p->table, name);
    print_text(&p->table.cell, a[0] ? a : "-");
    table_cell(&p->table);
    print_styled(&p->table.cell, differ ? STYLE_BUSY : STYLE_PLAIN, b[0] ? b : "-");
    table_cell(&p->table);
    print_raw(&p->table.cell, differ ? "<>" : "");
    table_cell(&p->table);
}

static const char *took(const struct pair *p, enum status status, uint64_t started_ms,
                        uint64_t ended_ms, char out[2 * PRINT_TIME_SIZE])
{
    char text[PRINT_TIME_SIZE] = "";
    if (started_ms)
        print_duration(facts_duration(started_ms, ended_ms, p->client->out.mode.now_ms), text);
    snprintf(out, 2 * PRINT_TIME_SIZE, "%s %s", status_name(status), text);
    return out;
}

static const struct stage_state *stage_named(const struct execution *e, const char *name)
{
    for (size_t s = 0; s < e->stage_count; s++)
        if (text_equal(e->stages[s].name, name)) return &e->stages[s];
    return NULL;
}

static const struct action_state *action_named(const struct stage_state *stage, const char *name)
{
    for (size_t a = 0; stage && a < stage->action_count; a++)
        if (text_equal(stage->actions[a].name, name)) return &stage->actions[a];
    return NULL;
}

static void action_rows(struct pair *p, const struct stage_state *a, const struct stage_state *b,
                        bool only_b)
{
    const struct stage_state *from = only_b ? b : a;
    char left[2 * PRINT_TIME_SIZE], right[2 * PRINT_TIME_SIZE], name[WIRE_NAME_MAX + 3];
    for (size_t i = 0; from && i < from->action_count; i++) {
        const struct action_state *x = action_named(a, from->actions[i].name);
        const struct action_state *y = action_named(b, from->actions[i].name);
        if (only_b && x) continue;
        snprintf(name, sizeof name, "  %s", from->actions[i].name);
        row(p, name, x ? took(p, x->status, x->started_ms, x->ended_ms, left) : "",
            y ? took(p, y->status, y->started_ms, y->ended_ms, right) : "");
    }
}

static void stage_rows(struct pair *p, const char *name)
{
    const struct stage_state *a = stage_named(p->a, name), *b = stage_named(p->b, name);
    char left[2 * PRINT_TIME_SIZE], right[2 * PRINT_TIME_SIZE], title[WIRE_NAME_MAX + 8];
    snprintf(title, sizeof title, "stage %s", name);
    row(p, title, a ? took(p, a->status, a->started_ms, a->ended_ms, left) : "",
        b ? took(p, b->status, b->started_ms, b->ended_ms, right) : "");
    action_rows(p, a, b, false);
    action_rows(p, a, b, true);
}

static const char *revision_of(const struct execution *e, const char *action)
{
    for (size_t i = 0; i < e->revision_count; i++)
        if (text_equal(e->revisions[i].action, action)) return e->revisions[i].revision_id;
    return "";
}

static void revision_rows(struct pair *p, const struct execution *from, bool only_b)
{
    char name[WIRE_NAME_MAX + 16];
    for (size_t i = 0; i < from->revision_count; i++) {
        const char *action = from->revisions[i].action;
        if (only_b && revision_of(p->a, action)[0]) continue;
        snprintf(name, sizeof name, "revision %s", action);
        row(p, name, revision_of(p->a, action), revision_of(p->b, action));
    }
}

static void pair_rows(struct pair *p)
{
    const struct execution *a = p->a, *b = p->b;
    char left[2 * PRINT_TIME_SIZE], right[2 * PRINT_TIME_SIZE];
    row(p, "status", took(p, a->status, a->started_ms, a->ended_ms, left),
        took(p, b->status, b->started_ms, b->ended_ms, right));
    print_rfc3339(a->started_ms, left);
    print_rfc3339(b->started_ms, right);
    row(p, "started", left, right);
    snprintf(left, sizeof left, "version %u", (unsigned)a->pipeline_version);
    snprintf(right, sizeof right, "version %u", (unsigned)b->pipeline_version);
    row(p, "definition", left, right);
    row(p, "trigger", trigger_name(a->trigger), trigger_name(b->trigger));
    row(p, "summary", a->status_summary, b->status_summary);
    revision_rows(p, a, false);
    revision_rows(p, b, true);
    for (size_t s = 0; s < a->stage_count; s++) stage_rows(p, a->stages[s].name);
    for (size_t s = 0; s < b->stage_count; s++)
        if (!stage_named(a, b->stages[s].name)) stage_rows(p, b->stages[s].name);
}

/* Fetches one of the two; "" is the newest. It lies in its own arena. */
static enum client_exit fetch(struct client *client, const char *id, struct arena *arena,
                              struct reply *reply)
{
    struct request request = { .kind = REQUEST_STATUS };
    struct arena replies = client->replies;
    request.status.pipeline = client->arguments[0];
    request.status.execution = id;
    client->replies = *arena;
    enum client_exit exit = client_ask(client, &request, reply);
    *arena = client->replies;
    client->replies = replies;
    if (exit == EXIT_DONE && reply->execution_count == 0)
        exit = client_fail(client, ERR_NOT_FOUND, "there is no such execution", "",
                           "meridian history");
    return exit;
}

enum client_exit command_compare(struct client *client)
{
    const char *first = client->options->text[OPTION_COMPARE];
    const char *second = client->argument_count > 1 ? client->arguments[1] : "";
    AUTO(arena_deinit) struct arena one;
    AUTO(arena_deinit) struct arena two;
    struct reply a, b;
    arena_init(&one, WIRE_DECODE_MAX);
    arena_init(&two, WIRE_DECODE_MAX);
    enum client_exit exit = fetch(client, first, &one, &a);
    if (exit == EXIT_DONE) exit = fetch(client, second, &two, &b);
    if (exit != EXIT_DONE) return exit;
    if (client->options->output == OUTPUT_JSON) {
        const struct execution_view views[] = { a.executions[0], b.executions[0] };
        struct reply both = { .executions = views, .execution_count = 2 };
        json_history(&client->out, &both);
        return EXIT_DONE;
    }
    struct pair p = { .client = client,
                      .a = &a.executions[0].execution,
                      .b = &b.executions[0].execution };
    char left[16], right[16];
    snprintf(left, sizeof left, "%.8s", p.a->id.text);
    snprintf(right, sizeof right, "%.8s", p.b->id.text);
    table_init(&p.table, &client->out.mode);
    if (!options_given(client->options, OPTION_NO_HEADERS))
        table_header(&p.table, (const char *const[]){ "", left, right, "", NULL });
    pair_rows(&p);
    table_print(&p.table, &client->out);
    table_deinit(&p.table);
    return EXIT_DONE;
}
