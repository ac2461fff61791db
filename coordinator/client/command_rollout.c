/* deployments, alarm: what deployment groups do */
#include "client/commands.h"

#include "client/facts.h"
#include "client/json.h"
#include "client/json_ask.h"
#include "client/table.h"

#include <string.h>

enum { DEPLOYMENTS_DEFAULT = 20, DEPLOYMENTS_SEARCHED = 1000, HOSTS_SHOWN = 20 };

static void begin_table(struct client *client, struct table *table, const char *const *names)
{
    table_init(table, &client->out.mode);
    if (!options_given(client->options, OPTION_NO_HEADERS)) table_header(table, names);
}

static void cell_status(struct table *table, enum status status)
{
    print_mark(&table->cell, status);
    print_raw(&table->cell, " ");
    print_styled(&table->cell, print_status_style(status), status_name(status));
    table_cell(table);
}

/* ---- the list ---- */

static void deployment_row(struct table *table, const struct action_state *action)
{
    table_row(table);
    table_cell_text(table, action->deployment.text);
    table_cell_text(table, action->name);
    table_cell_text(table, action->region);
    cell_status(table, action->status);
    print_time(&table->cell, action->started_ms);
    table_cell(table);
    table_cell_text(table, action->config[0] ? action->config : "-");
    table_cell_text(table, action->summary);
}

static size_t deployments_of(struct client *client, struct table *table, const struct execution *e,
                             size_t most)
{
    size_t shown = 0;
    for (size_t s = e->stage_count; s-- > 0;)
        for (size_t a = 0; a < e->stages[s].action_count && shown < most; a++) {
            const struct action_state *action = &e->stages[s].actions[a];
            if (id_empty(&action->deployment)) continue;
            shown++;
            if (client->options->output == OUTPUT_NAME)
                print_format(&client->out, "%s\n", action->deployment.text);
            else
                deployment_row(table, action);
        }
    return shown;
}

static enum client_exit list_deployments(struct client *client, const struct reply *reply)
{
    static const char *const names[] = { "DEPLOYMENT", "ACTION",        "REGION", "STATUS",
                                         "STARTED",    "CONFIGURATION", "HOSTS",  NULL };
    size_t most = client->options->number ? client->options->number : DEPLOYMENTS_DEFAULT;
    struct table table;
    if (client->options->output == OUTPUT_JSON) {
        json_deployments(&client->out, reply, most);
        return EXIT_DONE;
    }
    begin_table(client, &table, names);
    for (size_t i = 0; i < reply->execution_count && most > 0; i++)
        most -= deployments_of(client, &table, &reply->executions[i].execution, most);
    if (client->options->output != OUTPUT_NAME) table_print(&table, &client->out);
    table_deinit(&table);
    return EXIT_DONE;
}

/* ---- one of them ---- */

static const struct lifecycle_report *newest_event(const struct job_state *job)
{
    return job->event_count ? &job->events[job->event_count - 1] : NULL;
}

static void event_rows(struct table *table, const struct job_state *job)
{
    for (size_t i = 0; i < job->event_count; i++) {
        const struct lifecycle_report *event = &job->events[i];
        char duration[PRINT_TIME_SIZE];
        print_duration(facts_duration(event->started_ms, event->ended_ms, table->cell.mode.now_ms),
                       duration);
        print_raw(&table->cell, "  ");
        print_mark(&table->cell, event->status);
        print_format(&table->cell, " %-18s %8s", lifecycle_event_name(event->event),
                     event->started_ms ? duration : "");
        table_line(table);
    }
}

static void host_row(struct client *client, struct table *table, const struct job_state *job)
{
    const struct lifecycle_report *event = newest_event(job);
    if (client->options->output == OUTPUT_NAME) {
        print_text(&client->out, job->worker);
        print_raw(&client->out, "\n");
        return;
    }
    table_row(table);
    table_cell_text(table, job->worker);
    cell_status(table, job->status);
    table_cell_text(table, event ? lifecycle_event_name(event->event) : "-");
    char duration[PRINT_TIME_SIZE] = "-";
    if (job->assigned_ms)
        print_duration(facts_duration(job->assigned_ms, job->ended_ms, table->cell.mode.now_ms),
                       duration);
    table_cell_text(table, duration);
    /* The rest of a long diagnosis is in `meridian status`. */
    size_t len = strcspn(job->cause, "\n");
    (void)print_outside(&table->cell, bytes_of(job->cause, len), PRINT_LINE, true);
    table_cell(table);
    if (client->options->output == OUTPUT_WIDE) event_rows(table, job);
}

/* 0: bad, 1: at work, 2: the rest. */
static unsigned host_class(const struct job_state *job)
{
    if (facts_bad(job)) return 0;
    return facts_busy(job) ? 1 : 2;
}

static enum client_exit show_deployment(struct client *client, const struct execution_view *view,
                                        const char *deployment)
{
    static const char *const names[] = { "HOST", "STATUS", "EVENT", "TIME", "CAUSE", NULL };
    bool all = client->options->output != OUTPUT_TABLE;
    size_t most = client->options->number ? client->options->number : HOSTS_SHOWN, more = 0;
    struct table table;
    if (client->options->output == OUTPUT_JSON) {
        json_deployment(&client->out, view, deployment);
        return EXIT_DONE;
    }
    begin_table(client, &table, names);
    for (unsigned class = 0; class < 3; class ++)
        for (size_t i = 0; i < view->job_count; i++) {
            const struct job_state *job = &view->jobs[i];
            if (job->kind != JOB_DEPLOY || host_class(job) != class) continue;
            if (!text_equal(job->deployment.text, deployment)) continue;
            if (all || most > 0)
                host_row(client, &table, job);
            else
                more++;
            if (most > 0) most--;
        }
    if (client->options->output != OUTPUT_NAME) table_print(&table, &client->out);
    table_deinit(&table);
    if (more) client_hint(client, "and %zu more hosts: add -o wide", more);
    return EXIT_DONE;
}

static const struct execution *execution_with(const struct reply *reply, const char *deployment)
{
    for (size_t i = 0; i < reply->execution_count; i++) {
        const struct execution *e = &reply->executions[i].execution;
        for (size_t s = 0; s < e->stage_count; s++)
            for (size_t a = 0; a < e->stages[s].action_count; a++)
                if (text_equal(e->stages[s].actions[a].deployment.text, deployment)) return e;
    }
    return NULL;
}

enum client_exit command_deployments(struct client *client)
{
    const char *deployment = client->argument_count > 1 ? client->arguments[1] : NULL;
    struct request request = { .kind = REQUEST_HISTORY };
    struct reply reply;
    request.history.pipeline = client->arguments[0];
    request.history.before = "";
    request.history.max = deployment ? DEPLOYMENTS_SEARCHED : DEPLOYMENTS_DEFAULT;
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    if (!deployment) return list_deployments(client, &reply);
    const struct execution *e = execution_with(&reply, deployment);
    if (!e)
        return client_fail(client, ERR_NOT_FOUND, "there is no such deployment", deployment,
                           "meridian deployments PIPELINE lists the newest");
    request = (struct request){ .kind = REQUEST_STATUS };
    request.status.pipeline = "";
    request.status.execution = client_keep(client, e->id.text);
    exit = client_ask(client, &request, &reply);
    return exit == EXIT_DONE ? show_deployment(client, &reply.executions[0], deployment) : exit;
}

/* ---- alarms ---- */

enum client_exit command_alarm(struct client *client)
{
    const char *verb = client->arguments[0], *reason = client->options->text[OPTION_WHY];
    struct request request = { .kind = REQUEST_ALARM };
    struct reply reply;
    request.alarm.raise = text_equal(verb, "raise");
    if (!request.alarm.raise && !text_equal(verb, "clear"))
        return client_usage(client, "an alarm is raised or cleared",
                            "meridian alarm raise|clear NAME");
    request.alarm.name = client->arguments[1];
    request.alarm.reason = reason ? reason : "";
    enum client_exit exit = client_ask(client, &request, &reply);
    if (exit != EXIT_DONE) return exit;
    const char *now = request.alarm.raise ? "raised" : "cleared";
    if (client->options->output == OUTPUT_JSON)
        json_pairs(&client->out,
                   (const char *const[]){ "alarm", client->arguments[1], "state", now, "changed",
                                          reply.changed ? "true" : "false", NULL });
    else
        print_format(&client->out, "%s\n", client->arguments[1]);
    client_hint(client, "alarm %s %s %s", client->arguments[1],
                reply.changed ? "is now" : "was already", now);
    return EXIT_DONE;
}
