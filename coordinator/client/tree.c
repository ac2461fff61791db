#include "client/tree.h"

#include "client/facts.h"
#include "client/table.h"
#include "client/tree_frame.h"

#include <inttypes.h>
#include <string.h>

enum {
    BAR_CELLS = 10,
    BAR_CELLS_NARROW = 5,
    NARROW_COLUMNS = 110,
    NARROW_VERSION = 6,
    FAILED_HOSTS_MAX = 5,
    TAIL_LINES = 4
};

struct tree {
    const struct execution_view *view;
    enum tree_detail detail;
    struct table table;
    bool last_stage, last_action;
    bool narrow; /* the screen has no room for everything */
};

/* ---- lines under an action ---- */

/* The columns in front of a line under the current action. */
static void indent(struct tree *t)
{
    struct print *p = &t->table.cell;
    print_style(p, STYLE_DIM);
    print_glyph(p, t->last_stage ? GLYPH_GAP : GLYPH_TRUNK);
    print_glyph(p, t->last_action ? GLYPH_GAP : GLYPH_TRUNK);
    print_style(p, STYLE_PLAIN);
}

static void line_text(struct tree *t, enum style style, const char *label, const char *text)
{
    indent(t);
    print_raw(&t->table.cell, "  ");
    if (label[0]) print_styled(&t->table.cell, STYLE_DIM, label);
    print_styled(&t->table.cell, style, text);
    table_line(&t->table);
}

static void line_logs(struct tree *t, const char *action, const char *host)
{
    struct print *p = &t->table.cell;
    indent(t);
    print_raw(p, "  ");
    print_glyph(p, GLYPH_ARROW);
    print_format(p, " meridian logs %.8s/", t->view->execution.id.text);
    print_text(p, action);
    print_raw(p, "/");
    print_text(p, host);
    table_line(&t->table);
}

/* Lines of the agent's log say "[stdout]" and "[stderr]" before what a script wrote. */
static bool script_wrote(const char *line, size_t len)
{
    return len >= 8 && (memcmp(line, "[stdout]", 8) == 0 || memcmp(line, "[stderr]", 8) == 0);
}

/* The last lines of what a script wrote; where it wrote nothing, of the whole log. */
static void log_tail(struct tree *t, const char *tail)
{
    const char *lines[TAIL_LINES];
    size_t lengths[TAIL_LINES], count = 0;
    bool wrote = strstr(tail, "[stdout]") || strstr(tail, "[stderr]");
    for (const char *line = tail, *end; *line; line = *end ? end + 1 : end) {
        end = strchr(line, '\n');
        if (!end) end = line + strlen(line);
        size_t len = (size_t)(end - line);
        if (len == 0 || (wrote && !script_wrote(line, len))) continue;
        lines[count % TAIL_LINES] = line;
        lengths[count++ % TAIL_LINES] = len;
    }
    for (size_t i = count > TAIL_LINES ? count - TAIL_LINES : 0; i < count; i++) {
        struct print *p = &t->table.cell;
        indent(t);
        print_raw(p, "  ");
        print_style(p, STYLE_DIM);
        print_raw(p, "| ");
        (void)print_outside(p, bytes_of(lines[i % TAIL_LINES], lengths[i % TAIL_LINES]), PRINT_LINE,
                            true);
        print_style(p, STYLE_PLAIN);
        table_line(&t->table);
    }
}

static void failed_host(struct tree *t, const struct action_state *action,
                        const struct job_state *job)
{
    struct print *p = &t->table.cell;
    const struct diagnostics *d = &job->diagnostics;
    indent(t);
    print_mark(p, job->status);
    print_raw(p, " ");
    print_styled(p, STYLE_BOLD, job->worker[0] ? job->worker : "(no host)");
    print_format(p, "  %s", facts_interrupted(job) ? "Interrupted" : status_name(job->status));
    if (job->attempt > 0) print_format(p, "  %s", lifecycle_event_name(job->failed_event));
    if (d->code != LIFECYCLE_SUCCESS) print_format(p, "  %s", lifecycle_error_name(d->code));
    if (d->script[0]) {
        print_raw(p, "  ");
        print_text(p, d->script);
    }
    table_line(&t->table);
    const char *why = d->message[0] ? d->message : job->cause;
    if (why[0]) line_text(t, STYLE_PLAIN, "", why);
    log_tail(t, d->log_tail);
    if (job->attempt > 0) line_logs(t, action->name, job->worker);
}

static void failed_hosts(struct tree *t, const struct action_state *action)
{
    size_t shown = 0, more = 0;
    for (size_t i = 0; i < t->view->job_count; i++) {
        const struct job_state *job = &t->view->jobs[i];
        if (!facts_job_of(job, action) || !facts_bad(job)) continue;
        if (shown++ < FAILED_HOSTS_MAX)
            failed_host(t, action, job);
        else
            more++;
    }
    /* The action's own message repeats its first host's. */
    if (shown == 0 && action->error_message[0]) {
        if (action->error_code[0]) line_text(t, STYLE_BAD, "", action->error_code);
        line_text(t, STYLE_PLAIN, "", action->error_message);
    }
    if (more == 0) return;
    indent(t);
    print_format(&t->table.cell, "  and %zu more: meridian status %s %.8s -o wide", more,
                 t->view->execution.pipeline, t->view->execution.id.text);
    table_line(&t->table);
}

/* ---- -o wide: every host ---- */

static void host_events(struct tree *t, const struct job_state *job)
{
    struct print *p = &t->table.cell;
    for (size_t i = 0; i < job->event_count; i++) {
        const struct lifecycle_report *event = &job->events[i];
        char duration[PRINT_TIME_SIZE];
        uint64_t ms = facts_duration(event->started_ms, event->ended_ms, p->mode.now_ms);
        print_duration(ms, duration);
        indent(t);
        print_raw(p, "  ");
        print_mark(p, event->status);
        print_format(p, " %-18s %8s", lifecycle_event_name(event->event),
                     event->started_ms ? duration : "");
        table_line(&t->table);
    }
}

static void hosts(struct tree *t, const struct action_state *action)
{
    struct print *p = &t->table.cell;
    for (size_t i = 0; i < t->view->job_count; i++) {
        const struct job_state *job = &t->view->jobs[i];
        if (!facts_job_of(job, action)) continue;
        if (facts_bad(job)) {
            failed_host(t, action, job);
        } else {
            indent(t);
            print_mark(p, job->status);
            print_raw(p, " ");
            print_styled(p, STYLE_BOLD, job->worker);
            print_format(p, "  %s  %s  attempt %u", status_name(job->status), job->deployment.text,
                         (unsigned)job->attempt);
            table_line(&t->table);
        }
        host_events(t, job);
    }
}

/* ---- an action's row ---- */

static void cell_version(struct tree *t, const struct action_facts *facts)
{
    struct print *p = &t->table.cell;
    if (facts->revision) {
        if (t->detail == TREE_WIDE)
            print_text(p, facts->revision->revision_id);
        else if (t->narrow)
            print_begin(p, facts->revision->revision_id, NARROW_VERSION);
        else
            print_short_version(p, facts->revision->revision_id);
        if (facts->verified) {
            print_raw(p, " ");
            print_styled(p, STYLE_GOOD, "=");
        }
    }
    table_cell(&t->table);
}

static void cell_hosts(struct tree *t, const struct action_state *action,
                       const struct action_facts *facts)
{
    struct print *p = &t->table.cell;
    bool bar = facts->total > 0 && !status_ended(action->status);
    unsigned cells = t->narrow ? BAR_CELLS_NARROW : BAR_CELLS;
    for (unsigned i = 0; i < cells && bar; i++)
        print_glyph(p, facts->percent * cells >= (i + 1) * 100 ? GLYPH_FULL : GLYPH_EMPTY);
    if (bar) print_raw(p, "  ");
    if (facts->total > 0)
        print_format(p,
                     bar                 ? "%zu/%zu"
                     : facts->total == 1 ? "%zu/%zu instance"
                                         : "%zu/%zu instances",
                     facts->done, facts->total);
    table_cell(&t->table);
}

static void cell_duration(struct tree *t, const struct action_state *action)
{
    char text[PRINT_TIME_SIZE] = "";
    if (action->started_ms)
        print_duration(
            facts_duration(action->started_ms, action->ended_ms, t->table.cell.mode.now_ms), text);
    print_raw(&t->table.cell, text);
    table_cell(&t->table);
}

/* What the hosts do at this moment. */
static void write_current(struct print *p, const struct action_facts *facts)
{
    if (facts->copying) {
        const struct job_state *copy = facts->copying;
        print_styled(p, STYLE_BUSY, "copying");
        if (copy->total > 0) {
            print_raw(p, " ");
            print_bytes(p, copy->done);
            print_raw(p, " of ");
            print_bytes(p, copy->total);
        }
        print_raw(p, " by ");
        print_text(p, copy->worker);
    } else if (facts->event) {
        print_styled(p, STYLE_BUSY, lifecycle_event_name(facts->event->event));
        print_raw(p, " ");
        print_text(p, facts->busy->worker);
        if (facts->event->event == EVENT_DOWNLOAD_BUNDLE && facts->busy->total > 0) {
            print_raw(p, " ");
            print_bytes(p, facts->busy->done);
            print_raw(p, " of ");
            print_bytes(p, facts->busy->total);
        }
    }
}

static void cell_current(struct tree *t, const struct action_state *action,
                         const struct action_facts *facts)
{
    struct print *p = &t->table.cell;
    if (!status_ended(action->status) && !t->narrow)
        write_current(p, facts);
    else if (status_ended(action->status) && action->status != STATUS_SUCCEEDED)
        print_styled(p, print_status_style(action->status), status_name(action->status));
    table_cell(&t->table);
}

/* What is asked, or who has answered what. */
static void approval_lines(struct tree *t, const struct action_state *action)
{
    if (action->status == STATUS_IN_PROGRESS) {
        line_text(t, STYLE_ODD, "waits for approval", action->custom_data[0] ? ": " : "");
        if (action->custom_data[0]) line_text(t, STYLE_PLAIN, "", action->custom_data);
        if (action->url[0]) line_text(t, STYLE_DIM, "", action->url);
    } else if (action->status == STATUS_SUCCEEDED) {
        line_text(t, STYLE_PLAIN, "approved by ", action->updated_by);
        if (action->summary[0]) line_text(t, STYLE_DIM, "", action->summary);
    }
}

/* ---- the rules of conditions ---- */

/* What has not been asked is of interest where it will be. */
static bool rule_shown(const struct tree *t, const struct action_state *rule)
{
    return rule->status != STATUS_PENDING || t->detail == TREE_WIDE;
}

/* The last rule that stands behind the actions; -1 none. */
static long last_rule(const struct tree *t, const struct stage_state *stage)
{
    long last = -1;
    for (size_t r = 0; r < stage->rule_count; r++)
        if (stage_rule_type(stage, r) != CONDITION_BEFORE_ENTRY && rule_shown(t, &stage->rules[r]))
            last = (long)r;
    return last;
}

static void rule_row(struct tree *t, const struct stage_state *stage, size_t index)
{
    static const char *const when[CONDITION_TYPE_COUNT] = { [CONDITION_BEFORE_ENTRY] =
                                                                "before entry",
                                                            [CONDITION_ON_SUCCESS] = "on success",
                                                            [CONDITION_ON_FAILURE] = "on failure" };
    const struct action_state *rule = &stage->rules[index];
    const char *text = rule->error_message[0] ? rule->error_message : rule->summary;
    struct print *p = &t->table.cell;
    print_style(p, STYLE_DIM);
    print_glyph(p, t->last_stage ? GLYPH_GAP : GLYPH_TRUNK);
    print_glyph(p, last_rule(t, stage) == (long)index ? GLYPH_LAST : GLYPH_BRANCH);
    print_style(p, STYLE_PLAIN);
    print_mark(p, rule->status);
    print_raw(p, " ");
    print_styled(p, STYLE_DIM, when[stage_rule_type(stage, index)]);
    print_raw(p, "  ");
    print_text(p, rule->name);
    if (text[0]) print_raw(p, "  ");
    if (text[0])
        print_styled(p, rule->status == STATUS_IN_PROGRESS ? STYLE_ODD : STYLE_PLAIN, text);
    table_line(&t->table);
}

static void rule_rows(struct tree *t, const struct stage_state *stage, bool entry)
{
    for (size_t r = 0; r < stage->rule_count; r++)
        if ((stage_rule_type(stage, r) == CONDITION_BEFORE_ENTRY) == entry &&
            rule_shown(t, &stage->rules[r]))
            rule_row(t, stage, r);
}

/* ---- rows ---- */

static void action_row(struct tree *t, size_t stage, size_t index)
{
    const struct action_state *action = &t->view->execution.stages[stage].actions[index];
    struct action_facts facts = facts_of_action(t->view, stage, index);
    struct print *p = &t->table.cell;
    const struct stage_state *state = &t->view->execution.stages[stage];
    t->last_action = index + 1 == state->action_count && last_rule(t, state) < 0;
    table_row(&t->table);
    print_style(p, STYLE_DIM);
    print_glyph(p, t->last_stage ? GLYPH_GAP : GLYPH_TRUNK);
    print_glyph(p, t->last_action ? GLYPH_LAST : GLYPH_BRANCH);
    print_style(p, STYLE_PLAIN);
    print_mark(p, action->status);
    print_raw(p, " ");
    print_text(p, action->name);
    table_cell(&t->table);
    table_cell_text(&t->table, action->region);
    cell_version(t, &facts);
    cell_hosts(t, action, &facts);
    cell_duration(t, action);
    cell_current(t, action, &facts);
    if (t->narrow && !status_ended(action->status) && (facts.copying || facts.event)) {
        indent(t);
        print_raw(p, "  ");
        write_current(p, &facts);
        table_line(&t->table);
    }
    /* What runs says more than what waits for it. */
    if (facts.cause[0] && !status_ended(action->status) && !facts.copying && !facts.event)
        line_text(t, STYLE_ODD, text_starts(facts.cause, "waits ") ? "" : "waits: ", facts.cause);
    if (!id_empty(&action->token)) approval_lines(t, action);
    if (t->detail == TREE_WIDE)
        hosts(t, action);
    else if (action->status != STATUS_SUCCEEDED || facts.failed > 0)
        failed_hosts(t, action);
}

/* ---- stages ---- */

/* A source that went well says what it has to say in the head. */
static bool stage_is_plain_source(const struct tree *t, size_t stage)
{
    const struct stage_state *state = &t->view->execution.stages[stage];
    if (t->detail == TREE_WIDE || state->status != STATUS_SUCCEEDED) return false;
    for (size_t a = 0; a < state->action_count; a++)
        if (!facts_of_action(t->view, stage, a).is_source) return false;
    return true;
}

/* "wave 2 of 3", and until when the one before it is watched. */
static void stage_wave(struct print *p, const struct stage_state *state)
{
    uint32_t now = 0, last = 0;
    for (size_t a = 0; a < state->action_count; a++) {
        const struct action_state *action = &state->actions[a];
        if (action->wave > last) last = action->wave;
        if (action->status != STATUS_PENDING && action->wave > now) now = action->wave;
    }
    if (!last || status_ended(state->status)) return;
    print_format(p, "  wave %u of %u", now, last);
    if (now != state->bake_wave || state->bake_ms <= p->mode.now_ms) return;
    print_styled(p, STYLE_BUSY, ", bakes until ");
    print_time(p, state->bake_ms);
}

static void stage_rows(struct tree *t, size_t stage)
{
    const struct stage_state *state = &t->view->execution.stages[stage];
    struct print *p = &t->table.cell;
    t->last_stage = stage + 1 == t->view->execution.stage_count;
    print_style(p, STYLE_DIM);
    print_glyph(p, t->last_stage ? GLYPH_LAST : GLYPH_BRANCH);
    print_style(p, STYLE_PLAIN);
    print_mark(p, state->status);
    print_raw(p, " ");
    print_styled(p, STYLE_BOLD, state->name);
    if (state->status != STATUS_SUCCEEDED && state->status != STATUS_IN_PROGRESS) {
        print_raw(p, "  ");
        print_styled(p, print_status_style(state->status), status_name(state->status));
    }
    if (state->started_ms) {
        char duration[PRINT_TIME_SIZE];
        print_duration(facts_duration(state->started_ms, state->ended_ms, p->mode.now_ms),
                       duration);
        print_raw(p, "  ");
        print_styled(p, STYLE_DIM, duration);
    }
    stage_wave(p, state);
    table_line(&t->table);
    rule_rows(t, state, true);
    for (size_t a = 0; a < state->action_count && !stage_is_plain_source(t, stage); a++)
        action_row(t, stage, a);
    rule_rows(t, state, false);
}

void tree_print(struct print *out, const struct execution_view *view, enum tree_detail detail)
{
    const struct execution *e = &view->execution;
    struct tree t = { .view = view, .detail = detail };
    t.narrow = out->mode.columns > 0 && out->mode.columns < NARROW_COLUMNS;
    table_init(&t.table, &out->mode);
    t.table.right[4] = true;
    tree_head(out, e, t.narrow);
    for (size_t s = 0; s < e->stage_count; s++) stage_rows(&t, s);
    table_print(&t.table, out);
    if (e->status_summary[0] && e->status != STATUS_SUCCEEDED) {
        print_styled(out, print_status_style(e->status), e->status_summary);
        print_raw(out, "\n");
    }
    tree_foot(out, view);
    if (detail == TREE_LIVE && !status_ended(e->status))
        print_raw(out, t.narrow ? "\nCtrl-C detaches" : "          Ctrl-C detaches");
    print_raw(out, "\n");
    table_deinit(&t.table);
}
