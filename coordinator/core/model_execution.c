#include "core/model_execution.h"

#include "core/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void variables_free(const struct variable **list, size_t *count)
{
    struct variable *at = (struct variable *)*list;
    for (size_t i = 0; i < *count; i++) {
        model_text_free(&at[i].name);
        model_text_free(&at[i].value);
    }
    free(at);
    *list = NULL;
    *count = 0;
}

void model_variables(const struct variable **list, size_t *count, const struct variable *from,
                     size_t from_count)
{
    struct variable *copy = from_count ? xcalloc(from_count, sizeof *copy) : NULL;
    for (size_t i = 0; i < from_count; i++) {
        model_text(&copy[i].name, from[i].name);
        model_text(&copy[i].value, from[i].value);
    }
    variables_free(list, count);
    *list = copy;
    *count = from_count;
}

static void action_copy(struct action_state *to, const struct action_state *from)
{
    *to = *from;
#define X(member)                                                                                  \
    to->member = "";                                                                               \
    model_text(&to->member, from->member);
    ACTION_STATE_TEXTS(X)
#undef X
    to->variables = NULL;
    to->variable_count = 0;
    model_variables(&to->variables, &to->variable_count, from->variables, from->variable_count);
}

static void action_deinit(struct action_state *action)
{
#define X(member) model_text_free(&action->member);
    ACTION_STATE_TEXTS(X)
#undef X
    model_variables(&action->variables, &action->variable_count, NULL, 0);
}

static void copy_copy(struct copy_state *to, const struct copy_state *from)
{
    *to = *from;
    to->artifact = to->region = to->base_revision = to->note = "";
    to->ref = (struct artifact_ref){ "", "", "", "", 0, { 0 }, false };
    model_text(&to->artifact, from->artifact);
    model_text(&to->region, from->region);
    model_text(&to->base_revision, from->base_revision);
    model_text(&to->note, from->note);
    model_ref(&to->ref, &from->ref);
}

static void stages_copy(struct model_execution *e, const struct execution *from)
{
    size_t total = 0, at = 0;
    for (size_t s = 0; s < from->stage_count; s++)
        total += from->stages[s].action_count + from->stages[s].rule_count;
    e->stages = xcalloc(from->stage_count + 1, sizeof *e->stages);
    e->actions = xcalloc(total + 1, sizeof *e->actions);
    e->covered = xcalloc(total + 1, sizeof *e->covered);
    e->broken = xcalloc(total + 1, sizeof *e->broken);
    e->action_jobs = xcalloc(total + 1, sizeof *e->action_jobs);
    for (size_t i = 0; i < total; i++) list_init(&e->action_jobs[i]);
    for (size_t s = 0; s < from->stage_count; s++) {
        e->stages[s] = from->stages[s];
        e->stages[s].name = "";
        model_text(&e->stages[s].name, from->stages[s].name);
        e->stages[s].actions = &e->actions[at];
        for (size_t a = 0; a < from->stages[s].action_count; a++)
            action_copy(&e->actions[at++], &from->stages[s].actions[a]);
        e->stages[s].rules = &e->actions[at];
        for (size_t r = 0; r < from->stages[s].rule_count; r++)
            action_copy(&e->actions[at++], &from->stages[s].rules[r]);
    }
    e->state.stages = e->stages;
}

static void execution_copy(struct model_execution *e, const struct execution *from)
{
    e->state = *from;
    e->state.pipeline = e->state.status_summary = e->state.trigger_detail = e->state.stop_reason =
        "";
    model_text(&e->state.pipeline, from->pipeline);
    model_text(&e->state.status_summary, from->status_summary);
    model_text(&e->state.trigger_detail, from->trigger_detail);
    model_text(&e->state.stop_reason, from->stop_reason);
    e->revisions = xcalloc(from->revision_count + 1, sizeof *e->revisions);
    for (size_t i = 0; i < from->revision_count; i++)
        model_revision(&e->revisions[i], &from->revisions[i]);
    e->state.revisions = e->revisions;
    stages_copy(e, from);
    e->state.variables = NULL;
    e->state.variable_count = 0;
    model_variables(&e->state.variables, &e->state.variable_count, from->variables,
                    from->variable_count);
    e->state.copies = NULL;
    e->state.copy_count = 0;
    for (size_t i = 0; i < from->copy_count; i++) model_copy_add(e, &from->copies[i]);
    e->state.deltas = NULL;
    e->state.delta_count = 0;
    for (size_t i = 0; i < from->delta_count; i++) model_delta_add(e, &from->deltas[i]);
}

/* By age; equal ages cannot be (engine.c), but a store is not trusted with that. */
static bool execution_older(const struct model_execution *a, const struct execution *b)
{
    if (a->state.started_ms != b->started_ms) return a->state.started_ms < b->started_ms;
    return strcmp(a->state.id.text, b->id.text) < 0;
}

struct model_execution *model_execution_add(struct coordinator *c, struct model_pipeline *p,
                                            const struct execution *from)
{
    struct model_execution *e = xcalloc(1, sizeof *e);
    e->pipeline = p;
    list_init(&e->live_link);
    list_init(&e->dirty_link);
    list_init(&e->jobs);
    e->near = &e->jobs;
    execution_copy(e, from);
    struct list *before = &p->executions;
    while (before->prev != &p->executions &&
           !execution_older(list_entry(before->prev, struct model_execution, link), from))
        before = before->prev;
    list_insert_between(&e->link, before->prev, before);
    p->execution_count++;
    map_put(&c->executions_by_id, e->state.id.text, e);
    return e;
}

void model_live_insert(struct coordinator *c, struct model_execution *e)
{
    struct list *before = &c->live;
    while (before->prev != &c->live &&
           list_entry(before->prev, struct model_execution, live_link)->state.started_ms >
               e->state.started_ms)
        before = before->prev;
    list_insert_between(&e->live_link, before->prev, before);
}

struct model_execution *model_execution_find(const struct coordinator *c, const struct id *id)
{
    return map_get(&c->executions_by_id, id->text);
}

size_t model_subjects(const struct model_execution *e, size_t stage)
{
    return e->stages[stage].action_count + e->stages[stage].rule_count;
}

struct action_state *model_action(const struct model_execution *e, size_t stage, size_t action)
{
    assert(stage < e->state.stage_count);
    assert(action < model_subjects(e, stage)); /* rules stand behind their stage's actions */
    return &e->actions[(size_t)(e->stages[stage].actions - e->actions) + action];
}

const struct pipeline_action *model_action_definition(const struct model_execution *e, size_t stage,
                                                      size_t action)
{
    assert(e->definition);
    const struct pipeline_stage *of = &e->definition->state.parsed->stages[stage];
    return action < of->action_count ? &of->actions[action]
                                     : &model_rule_definition(e, stage, action)->action;
}

const struct pipeline_rule *model_rule_definition(const struct model_execution *e, size_t stage,
                                                  size_t rule)
{
    const struct pipeline_stage *of = &e->definition->state.parsed->stages[stage];
    assert(rule >= of->action_count);
    return &of->rules[rule - of->action_count];
}

long model_copy_find(const struct model_execution *e, const char *artifact, const char *region)
{
    for (size_t i = 0; i < e->state.copy_count; i++)
        if (text_equal(e->copies[i].artifact, artifact) && text_equal(e->copies[i].region, region))
            return (long)i;
    return -1;
}

size_t model_copy_add(struct model_execution *e, const struct copy_state *from)
{
    size_t at = e->state.copy_count++;
    e->copies = xrealloc(e->copies, e->state.copy_count * sizeof *e->copies);
    copy_copy(&e->copies[at], from);
    e->state.copies = e->copies;
    return at;
}

size_t model_delta_add(struct model_execution *e, const struct delta_state *from)
{
    size_t at = e->state.delta_count++;
    e->deltas = xrealloc(e->deltas, e->state.delta_count * sizeof *e->deltas);
    struct delta_state *to = &e->deltas[at];
    *to = *from;
    to->artifact = to->region = to->base_revision = to->note = "";
    to->older.store = to->older.key = to->older.version_id = to->older.etag = "";
    to->ref.store = to->ref.key = to->ref.version_id = to->ref.etag = "";
    model_text(&to->artifact, from->artifact);
    model_text(&to->region, from->region);
    model_text(&to->base_revision, from->base_revision);
    model_text(&to->note, from->note);
    model_ref(&to->older, &from->older);
    model_ref(&to->ref, &from->ref);
    e->state.deltas = e->deltas;
    return at;
}

/* ---- jobs ---- */

static void job_copy(struct job_state *to, const struct job_state *from)
{
    *to = *from;
    to->worker = to->region = to->target = to->artifact = to->cause = "";
    to->diagnostics.script = to->diagnostics.message = to->diagnostics.log_tail = "";
    model_text(&to->worker, from->worker);
    model_text(&to->region, from->region);
    model_text(&to->target, from->target);
    model_text(&to->artifact, from->artifact);
    model_text(&to->cause, from->cause);
    model_text(&to->diagnostics.script, from->diagnostics.script);
    model_text(&to->diagnostics.message, from->diagnostics.message);
    model_text(&to->diagnostics.log_tail, from->diagnostics.log_tail);
}

static bool job_older(const struct job_state *a, const struct job_state *b)
{
    if (a->created_ms != b->created_ms) return a->created_ms < b->created_ms;
    int order = strcmp(a->worker, b->worker);
    return order ? order < 0 : strcmp(a->id.text, b->id.text) < 0;
}

/* Jobs come in runs by worker or by age: from the last one it is a few steps to the next. */
static void job_insert(struct model_execution *e, struct model_job *job)
{
    struct list *before = e->near;
    while (before != &e->jobs &&
           job_older(&list_entry(before, struct model_job, link)->state, &job->state))
        before = before->next;
    while (before->prev != &e->jobs &&
           !job_older(&list_entry(before->prev, struct model_job, link)->state, &job->state))
        before = before->prev;
    list_insert_between(&job->link, before->prev, before);
    e->near = &job->link;
}

struct job_state model_job_new(struct coordinator *c, const struct model_execution *e, size_t stage,
                               size_t action)
{
    const struct action_state *of = model_action(e, stage, action);
    return (struct job_state){ .id = id_new_uuid(&c->random),
                               .execution = e->state.id,
                               .action_execution = of->id,
                               .worker = "",
                               .region = of->region,
                               .target = "",
                               .artifact = "",
                               .status = STATUS_PENDING,
                               .cause = "",
                               .created_ms = c->now_ms,
                               .deadline_ms = of->deadline_ms,
                               .diagnostics = { .script = "", .message = "", .log_tail = "" },
                               .stage_number = (uint32_t)stage + 1,
                               .action_number = (uint32_t)action + 1 };
}

struct model_job *model_job_add(struct coordinator *c, struct model_execution *e,
                                const struct job_state *from)
{
    struct model_job *job = xcalloc(1, sizeof *job);
    job->execution = e;
    list_init(&job->worker_link);
    list_init(&job->action_link);
    list_init(&job->dirty_link);
    job->failed_worker = "";
    job->waits = "";
    job_copy(&job->state, from);
    job_insert(e, job);
    e->job_count++;
    map_put(&c->jobs_by_id, job->state.id.text, job);
    if (status_ended(from->status)) return job;
    e->open_count++;
    if (from->worker[0]) model_job_give(c, job, from->worker);
    return job;
}

struct model_job *model_job_find(const struct coordinator *c, const struct id *id)
{
    return map_get(&c->jobs_by_id, id->text);
}

struct list *model_action_jobs(const struct model_execution *e, size_t stage, size_t action)
{
    return &e->action_jobs[model_action(e, stage, action) - e->actions];
}

void model_job_place(struct model_job *job, size_t stage, size_t action)
{
    assert(list_empty(&job->action_link));
    job->stage = stage;
    job->action = action;
    if (job->state.kind != JOB_DEPLOY) return;
    struct list *jobs = model_action_jobs(job->execution, stage, action), *before = jobs;
    while (before->prev != jobs &&
           !job_older(&list_entry(before->prev, struct model_job, action_link)->state, &job->state))
        before = before->prev;
    list_insert_between(&job->action_link, before->prev, before);
}

void model_job_give(struct coordinator *c, struct model_job *job, const char *worker)
{
    model_text(&job->state.worker, worker);
    list_remove(&job->worker_link);
    list_append(&model_worker_make(c, job->state.worker)->jobs, &job->worker_link);
}

static void job_free(struct coordinator *c, struct model_job *job)
{
    map_remove(&c->jobs_by_id, job->state.id.text);
    list_remove(&job->link);
    list_remove(&job->action_link);
    list_remove(&job->worker_link);
    list_remove(&job->dirty_link);
    model_text_free(&job->state.worker);
    model_text_free(&job->state.region);
    model_text_free(&job->state.target);
    model_text_free(&job->state.artifact);
    model_text_free(&job->state.cause);
    model_text_free(&job->state.diagnostics.script);
    model_text_free(&job->state.diagnostics.message);
    model_text_free(&job->state.diagnostics.log_tail);
    model_text_free(&job->failed_worker);
    model_text_free(&job->waits);
    free(job);
}

static void stages_free(struct model_execution *e)
{
    for (size_t s = 0; s < e->state.stage_count; s++) {
        for (size_t a = 0; a < model_subjects(e, s); a++) action_deinit(model_action(e, s, a));
        model_text_free(&e->stages[s].name);
    }
    free(e->stages);
    free(e->actions);
    free(e->covered);
    free(e->broken);
    free(e->action_jobs);
}

static void deltas_free(struct model_execution *e)
{
    for (size_t i = 0; i < e->state.delta_count; i++) {
        struct delta_state *delta = &e->deltas[i];
        model_text_free(&delta->artifact);
        model_text_free(&delta->region);
        model_text_free(&delta->base_revision);
        model_text_free(&delta->note);
        model_ref_free(&delta->older);
        model_ref_free(&delta->ref);
    }
    free(e->deltas);
}

void model_execution_free(struct coordinator *c, struct model_execution *e)
{
    for (struct list *link = e->jobs.next, *next; link != &e->jobs; link = next) {
        next = link->next;
        job_free(c, list_entry(link, struct model_job, link));
    }
    map_remove(&c->executions_by_id, e->state.id.text);
    list_remove(&e->link);
    list_remove(&e->live_link);
    list_remove(&e->dirty_link);
    e->pipeline->execution_count--;
    stages_free(e);
    for (size_t i = 0; i < e->state.revision_count; i++) model_revision_free(&e->revisions[i]);
    free(e->revisions);
    for (size_t i = 0; i < e->state.copy_count; i++) {
        model_text_free(&e->copies[i].artifact);
        model_text_free(&e->copies[i].region);
        model_ref_free(&e->copies[i].ref);
        model_text_free(&e->copies[i].base_revision);
        model_text_free(&e->copies[i].note);
    }
    free(e->copies);
    deltas_free(e);
    model_variables(&e->state.variables, &e->state.variable_count, NULL, 0);
    model_text_free(&e->state.pipeline);
    model_text_free(&e->state.status_summary);
    model_text_free(&e->state.trigger_detail);
    model_text_free(&e->state.stop_reason);
    free(e);
}
