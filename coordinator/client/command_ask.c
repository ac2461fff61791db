/* why, regions: what is waited for, and what there is */
#include "client/commands.h"

#include "client/facts.h"
#include "client/json_ask.h"
#include "client/table.h"

#include <stdio.h>

/* ---- why ---- */

static void head(struct print *out, const struct execution *e)
{
    char took[PRINT_TIME_SIZE];
    print_duration(facts_duration(e->started_ms, e->ended_ms, out->mode.now_ms), took);
    print_styled(out, STYLE_BOLD, e->pipeline);
    print_format(out, "  execution %.8s  ", e->id.text);
    print_styled(out, print_status_style(e->status), status_name(e->status));
    print_format(out, "  %s\n", took);
}

static void place(struct print *out, const struct reason *reason)
{
    if (!reason->stage[0] && !reason->worker[0]) {
        print_raw(out, "the execution");
    } else {
        if (!reason->action[0]) print_raw(out, "before ");
        print_text(out, reason->stage);
    }
    if (reason->action[0]) print_raw(out, "/");
    print_text(out, reason->action);
    if (reason->region[0]) print_raw(out, "  ");
    print_text(out, reason->region);
    if (reason->worker[0]) print_raw(out, "  ");
    print_styled(out, STYLE_BOLD, reason->worker);
    print_raw(out, "\n");
}

/* "since 2m03s, until 2026-11-23T06:50:00.000Z (in 57m)" */
static void times(struct print *out, const struct reason *reason)
{
    uint64_t now = out->mode.now_ms;
    char text[PRINT_TIME_SIZE];
    if (!reason->since_ms && !reason->deadline_ms) return;
    print_raw(out, "  ");
    if (reason->since_ms) {
        print_duration(facts_duration(reason->since_ms, 0, now), text);
        print_format(out, "since %s", text);
    }
    if (reason->deadline_ms) {
        print_rfc3339(reason->deadline_ms, text);
        print_format(out, "%suntil %s", reason->since_ms ? ", " : "", text);
        bool over = reason->deadline_ms <= now;
        print_duration(over ? 0 : reason->deadline_ms - now, text);
        print_format(out, over ? " (now)" : " (in %s)", text);
    }
    print_raw(out, "\n");
}

static void reason_text(struct print *out, const struct reason *reason)
{
    bool person = reason->code == REASON_APPROVAL || reason->code == REASON_INTERRUPTED ||
                  reason->code == REASON_TRANSITION || reason->code == REASON_HOST_DRAINED;
    place(out, reason);
    print_raw(out, "  ");
    print_styled(out, person ? STYLE_ODD : STYLE_BUSY, reason_code_name(reason->code));
    if (reason->text[0]) print_raw(out, ": ");
    print_text(out, reason->text);
    print_raw(out, "\n");
    times(out, reason);
    if (!reason->fix[0]) return;
    print_raw(out, "  do: ");
    print_text(out, reason->fix);
    print_raw(out, "\n");
}

/* It has ended: how, and how to try again. */
static void ended(struct print *out, const struct execution *e)
{
    if (e->status_summary[0]) {
        print_text(out, e->status_summary);
        print_raw(out, "\n");
    }
    print_raw(out, "nothing is waited for: it has ended\n");
    if (e->status != STATUS_FAILED && e->status != STATUS_STOPPED) return;
    print_format(out, "  do: meridian status %.8s; meridian retry %.8s\n", e->id.text, e->id.text);
}

enum client_exit command_why(struct client *client)
{
    struct request request = { .kind = REQUEST_WHY };
    struct reply reply;
    struct client_target target;
    enum client_exit exit = client_target(client, &target);
    if (exit != EXIT_DONE) return exit;
    request.status.pipeline = target.pipeline;
    request.status.execution = target.execution;
    exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (reply.execution_count == 0)
        return client_fail(client, ERR_NOT_FOUND, "there is no such execution", "",
                           "meridian list");
    const struct execution *e = &reply.executions[0].execution;
    if (client->options->output == OUTPUT_JSON) {
        json_why(&client->out, &reply);
        return EXIT_DONE;
    }
    head(&client->out, e);
    for (size_t i = 0; i < reply.reason_count; i++) reason_text(&client->out, &reply.reasons[i]);
    if (reply.reason_count == 0) ended(&client->out, e);
    return EXIT_DONE;
}

/* ---- regions ---- */

static void region_row(struct table *table, const struct region_summary *region)
{
    table_row(table);
    print_text(&table->cell, region->region);
    if (region->primary) print_raw(&table->cell, " *");
    table_cell(table);
    bool all = region->connected == region->workers;
    print_style(&table->cell, all ? STYLE_PLAIN : STYLE_BAD);
    print_format(&table->cell, "%u/%u", region->connected, region->workers);
    print_style(&table->cell, STYLE_PLAIN);
    if (region->drained) print_format(&table->cell, ", %u drained", region->drained);
    table_cell(table);
    print_format(&table->cell, "%u", region->jobs);
    table_cell(table);
    print_format(&table->cell, "%u", region->artifacts);
    if (region->copying) print_format(&table->cell, " (+%u)", region->copying);
    table_cell(table);
    print_bytes(&table->cell, region->artifact_bytes);
    table_cell(table);
    print_bytes(&table->cell, region->moved_bytes);
    table_cell(table);
    table_cell_text(table, region->stores[0] ? region->stores : "-");
}

enum client_exit command_regions(struct client *client)
{
    static const char *const names[] = { "REGION", "WORKERS", "JOBS",  "ARTIFACTS",
                                         "SIZE",   "MOVED",   "STORE", NULL };
    struct request request = { .kind = REQUEST_REGIONS };
    struct reply reply;
    struct table table;
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (client->options->output == OUTPUT_JSON) {
        json_regions(&client->out, &reply);
        return EXIT_DONE;
    }
    table_init(&table, &client->out.mode);
    if (!options_given(client->options, OPTION_NO_HEADERS)) table_header(&table, names);
    table.right[2] = true;
    for (size_t i = 0; i < reply.region_count; i++) {
        if (client->options->output != OUTPUT_NAME) {
            region_row(&table, &reply.regions[i]);
            continue;
        }
        print_text(&client->out, reply.regions[i].region);
        print_raw(&client->out, "\n");
    }
    if (client->options->output != OUTPUT_NAME) table_print(&table, &client->out);
    table_deinit(&table);
    return EXIT_DONE;
}
