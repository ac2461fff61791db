#include "core/request.h"

#include "core/approval.h"
#include "core/condition.h"
#include "core/custom.h"
#include "core/drain.h"
#include "core/engine.h"
#include "core/journal.h"
#include "core/resource.h"
#include "core/resume.h"
#include "core/retry.h"
#include "core/rollback.h"
#include "core/source.h"
#include "core/transition.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { SUBMISSION_AGE_MS = 86400000 };

/* ---- executions by name ---- */

static bool prefix_find(const struct model_pipeline *p, const char *prefix,
                        struct model_execution **found, struct error *err)
{
    list_for_each (link, &p->executions) {
        struct model_execution *e = list_entry(link, struct model_execution, link);
        if (!text_starts(e->state.id.text, prefix)) continue;
        if (*found)
            return error_set(err, ERR_CONFLICT, "'%s' fits execution %s and %s: write more of it",
                             prefix, (*found)->state.id.text, e->state.id.text);
        *found = e;
    }
    return true;
}

struct model_execution *request_find(const struct coordinator *c, const char *pipeline,
                                     const char *execution, struct error *err)
{
    struct model_execution *found = NULL;
    struct model_pipeline *p = pipeline[0] ? model_pipeline_find(c, pipeline) : NULL;
    if (pipeline[0] && (!p || !model_definition_current(p))) {
        error_set(err, ERR_NOT_FOUND, "there is no pipeline '%s'", pipeline);
        return NULL;
    }
    if (p && !execution[0]) {
        struct list *last = list_last(&p->executions);
        if (last) return list_entry(last, struct model_execution, link);
        error_set(err, ERR_NOT_FOUND, "pipeline '%s' has had no execution yet", pipeline);
        return NULL;
    }
    if (!execution[0]) {
        error_set(err, ERR_INVALID, "neither a pipeline nor an execution is named");
        return NULL;
    }
    list_for_each (link, &c->pipelines) {
        struct model_pipeline *at = list_entry(link, struct model_pipeline, link);
        if ((!p || at == p) && !prefix_find(at, execution, &found, err)) return NULL;
    }
    if (!found) error_set(err, ERR_NOT_FOUND, "there is no execution '%s'", execution);
    return found;
}

/* ---- replies ---- */

struct reply *request_reply(struct coordinator *c, const struct coordinator_event *event)
{
    struct coordinator_action *action = journal_action(c, COORDINATOR_REPLY);
    const struct failure none = { ERR_NONE, "", "", "" };
    action->reply.origin = event->request.origin;
    action->reply.reply.token = event->request.request->token;
    action->reply.reply.kind = event->request.request->kind;
    action->reply.reply.failure = none;
    action->reply.reply.name = action->reply.reply.region = action->reply.reply.resource = "";
    action->reply.reply.next = "";
    action->reply.reply.log.cause = "";
    action->reply.reply.grant.url = action->reply.reply.grant.pin = "";
    return &action->reply.reply;
}

void request_refuse(struct coordinator *c, const struct coordinator_event *event,
                    enum error_code code, const char *what, const char *cause, const char *fix)
{
    struct arena *arena = &c->out->arena;
    struct failure failure = { code, arena_text(arena, what), arena_text(arena, cause),
                               arena_text(arena, fix) };
    request_reply(c, event)->failure = failure;
}

static bool allowed(struct coordinator *c, const struct coordinator_event *event)
{
    enum client_role role = event->request.role;
    enum request_kind kind = event->request.request->kind;
    enum client_role wanted = kind == REQUEST_APPLY      ? ROLE_ADMIN
                              : kind == REQUEST_APPROVAL ? ROLE_APPROVER
                                                         : ROLE_DEPLOYER;
    static const char *const causes[] = {
        [ROLE_DEPLOYER] = "only the roles deployer and admin may run and stop pipelines",
        [ROLE_APPROVER] = "only the roles approver and admin may approve and reject",
        [ROLE_ADMIN] = "only the role admin may change pipelines"
    };
    if (role == ROLE_ADMIN || role == wanted) return true;
    request_refuse(c, event, ERR_DENIED, "you may not do this", causes[wanted],
                   "ask an administrator for another role for your key");
    return false;
}

/* ---- apply ---- */

enum { PROBLEMS_MAX = 200 };

static size_t problems_join(struct coordinator *c, const struct coordinator_event *event,
                            const struct problem **out)
{
    struct arena *arena = &c->out->arena;
    const struct problem *checked = NULL;
    size_t first = event->request.problem_count, second = 0;
    if (event->request.parsed) second = custom_check(c, event->request.parsed, arena, &checked);
    if (event->request.resource)
        second = resource_check(c, event->request.resource, arena, &checked);
    if (first > PROBLEMS_MAX) first = PROBLEMS_MAX;
    if (second > PROBLEMS_MAX - first) second = PROBLEMS_MAX - first;
    struct problem *all = arena_calloc(arena, first + second, sizeof *all);
    for (size_t i = 0; i < first + second; i++) {
        all[i] = i < first ? event->request.problems[i] : checked[i - first];
        all[i].path = arena_text(arena, all[i].path);
        all[i].text = arena_text(arena, all[i].text);
    }
    *out = all;
    return first + second;
}

static void definition_store(struct coordinator *c, const struct coordinator_event *event,
                             struct model_pipeline *p, uint32_t version)
{
    struct arena *arena = &c->out->arena;
    struct definition definition = {
        .name = arena_text(arena, p->name),
        .version = version,
        .created_ms = c->now_ms,
        .updated_by = arena_text(arena, event->request.client),
        .text = arena_bytes(arena, event->request.request->apply.text),
    };
    struct model_definition *added = model_definition_add(p, &definition, event->request.parsed);
    definition.parsed = added->state.parsed;
    journal_put(c, RECORD_DEFINITION)->definition = definition;
    journal_note(c, NOTE_INFO, "applied pipeline=%s version=%u client=%s", p->name,
                 (unsigned)version, event->request.client);
    c->sources_stale = true;
    c->changed = true;
    c->prune = true;
}

/* Somebody else has applied one since this one was read. */
static void refuse_version(struct coordinator *c, const struct coordinator_event *event,
                           const struct model_definition *current)
{
    struct arena *arena = &c->out->arena;
    unsigned asked = event->request.request->apply.version;
    const char *cause =
        current ? arena_format(arena,
                               "ConcurrentModificationException: version %u is in force, applied "
                               "by %s, not version %u",
                               (unsigned)current->state.version, current->state.updated_by, asked)
                : arena_format(arena,
                               "ConcurrentModificationException: there is no version %u: the "
                               "pipeline does not exist",
                               asked);
    request_refuse(c, event, ERR_CONFLICT, "the pipeline was not applied", cause,
                   "meridian export it, make the change there and apply that");
}

/* True when the parsed definition was kept. */
static bool apply_good(struct coordinator *c, const struct coordinator_event *event)
{
    const struct apply_request *apply = &event->request.request->apply;
    const char *name = event->request.parsed->name;
    struct model_pipeline *p = model_pipeline_find(c, name);
    const struct model_definition *current = p ? model_definition_current(p) : NULL;
    if (!p && c->pipeline_count >= MODEL_PIPELINES_MAX) {
        request_refuse(c, event, ERR_NO_SPACE, "the pipeline was not applied",
                       "there are 1000 pipelines, which is the limit", "use another coordinator");
        return false;
    }
    if (apply->version && apply->version != (current ? current->state.version : 0)) {
        refuse_version(c, event, current);
        return false;
    }
    bool changed = !current || !pipeline_same(current->state.parsed, event->request.parsed);
    uint32_t version = current ? current->state.version + (changed ? 1u : 0u) : 1u;
    const char *copy = arena_text(&c->out->arena, name);
    bool keep = changed && !apply->dry_run;
    if (keep) definition_store(c, event, model_pipeline_make(c, name), version);
    struct reply *reply = request_reply(c, event);
    reply->name = copy;
    reply->version = version;
    reply->changed = changed;
    return keep;
}

static void apply_request(struct coordinator *c, const struct coordinator_event *event)
{
    struct arena *arena = &c->out->arena;
    const struct problem *problems;
    size_t count = problems_join(c, event, &problems);
    if (count || (!event->request.parsed && !event->request.resource)) {
        struct failure failure = {
            ERR_INVALID,
            event->request.resource ? "the definition is not valid"
                                    : "the pipeline's definition is not valid",
            arena_format(arena, "%zu problem%s", count, count == 1 ? "" : "s"),
            "correct the file and apply it again"
        };
        struct reply *reply = request_reply(c, event);
        reply->failure = failure;
        reply->problems = problems;
        reply->problem_count = count;
    } else if (event->request.resource ? resource_apply(c, event) : apply_good(c, event)) {
        return;
    }
    pipeline_free(event->request.parsed);
    resource_free(event->request.resource);
}

/* ---- run ---- */

static void submissions_expire(struct coordinator *c)
{
    struct list *link;
    while ((link = list_first(&c->submissions))) {
        struct model_submission *s = list_entry(link, struct model_submission, link);
        bool old = s->state.created_ms + SUBMISSION_AGE_MS < c->now_ms;
        if (!old && c->submission_count < MODEL_SUBMISSIONS_MAX) return;
        struct record record = { .kind = RECORD_SUBMISSION };
        record.submission = s->state;
        journal_delete(c, &record);
        model_submission_free(c, s);
    }
}

static const struct model_submission *submission_find(const struct coordinator *c,
                                                      const char *client, const struct id *id)
{
    char key[MODEL_SUBMISSION_KEY_SIZE];
    if (id_empty(id)) return NULL;
    snprintf(key, sizeof key, "%s/%s", client, id->text);
    return map_get(&c->submissions_by_key, key);
}

static void submission_keep(struct coordinator *c, const char *client, const struct id *id,
                            const struct id *execution)
{
    if (id_empty(id)) return;
    submissions_expire(c);
    struct submission state = { arena_text(&c->out->arena, client), *id, *execution, c->now_ms };
    model_submission_add(c, &state);
    journal_put(c, RECORD_SUBMISSION)->submission = state;
}

/* The shell's revisions in the order of the source actions; NULL when one is missing. */
static struct revision *revisions_order(struct coordinator *c,
                                        const struct coordinator_event *event,
                                        const struct pipeline_stage *stage)
{
    struct revision *all = arena_calloc(&c->out->arena, stage->action_count, sizeof *all);
    for (size_t a = 0; a < stage->action_count; a++) {
        for (size_t r = 0; r < event->request.revision_count; r++)
            if (text_equal(event->request.revisions[r].action, stage->actions[a].name))
                all[a] = event->request.revisions[r];
        if (!all[a].action || !all[a].revision_id[0]) return NULL;
        all[a].artifact = stage->actions[a].output_count ? stage->actions[a].outputs[0] : "";
    }
    return all;
}

bool request_known(struct coordinator *c, const struct coordinator_event *event,
                   const struct id *submission)
{
    const struct model_submission *known = submission_find(c, event->request.client, submission);
    if (known) request_reply(c, event)->execution = known->state.execution;
    return known;
}

void request_done(struct coordinator *c, const struct coordinator_event *event,
                  const struct id *submission, const struct id *execution)
{
    submission_keep(c, event->request.client, submission, execution);
    request_reply(c, event)->execution = *execution;
}

static void run_request(struct coordinator *c, const struct coordinator_event *event)
{
    const struct run_request *run = &event->request.request->run;
    if (request_known(c, event, &run->submission)) return;
    struct model_pipeline *p = model_pipeline_find(c, run->pipeline);
    const struct model_definition *definition = p ? model_definition_current(p) : NULL;
    const struct failure *failed = &event->request.failure;
    if (!definition) {
        request_refuse(c, event, ERR_NOT_FOUND, "the execution was not started",
                       arena_format(&c->out->arena, "there is no pipeline '%s'", run->pipeline),
                       "meridian list");
        return;
    }
    if (failed->code != ERR_NONE) {
        request_refuse(c, event, failed->code, failed->what, failed->cause, failed->fix);
        return;
    }
    const struct pipeline_stage *stage = &definition->state.parsed->stages[0];
    struct revision *revisions = revisions_order(c, event, stage);
    if (!revisions) {
        request_refuse(c, event, ERR_NOT_FOUND, "the execution was not started",
                       "a source of the pipeline has no revision", "meridian push a bundle first");
        return;
    }
    struct failure failure;
    struct id execution;
    const struct beginning from = { .revisions = revisions,
                                    .revision_count = stage->action_count,
                                    .trigger = TRIGGER_START,
                                    .detail = event->request.client,
                                    .variables = run->variables,
                                    .variable_count = run->variable_count };
    if (!engine_start(c, p, &from, &execution, &failure)) {
        request_refuse(c, event, failure.code, failure.what, failure.cause, failure.fix);
        return;
    }
    struct model_execution *e = list_entry(list_last(&p->executions), struct model_execution, link);
    e->state.ignore_application_stop_failures = run->ignore_application_stop_failures;
    e->state.outdated_only = run->outdated_only;
    if (!run->revision[0] && run->override_count == 0)
        source_seen(c, p, revisions, stage->action_count);
    request_done(c, event, &run->submission, &execution);
}

/* ---- stop ---- */

/* Asked for again; a stop that waits may still become one that does not. */
static bool stop_known(struct coordinator *c, const struct coordinator_event *event,
                       const struct execution *e)
{
    const struct stop_request *stop = &event->request.request->stop;
    if (!e->stop_requested || (stop->abandon && !e->stop_abandon)) return false;
    request_refuse(c, event, ERR_CONFLICT, "nothing was stopped",
                   arena_format(&c->out->arena,
                                "DuplicatedStopRequestException: execution %s is %s", e->id.text,
                                e->stop_abandon ? "being stopped, and its steps ended"
                                                : "stopping once its running actions have ended"),
                   e->stop_abandon ? "meridian status shows which hosts are still busy"
                                   : "--abandon ends the running steps, too");
    return true;
}

static void stop_request(struct coordinator *c, const struct coordinator_event *event)
{
    const struct stop_request *stop = &event->request.request->stop;
    struct error err;
    if (request_known(c, event, &stop->submission)) return;
    struct model_execution *e = request_find(c, stop->pipeline, stop->execution, &err);
    if (!e) {
        request_refuse(c, event, err.code, "nothing was stopped", err.text, "meridian history");
        return;
    }
    if (status_ended(e->state.status)) {
        request_refuse(c, event, ERR_CONFLICT, "nothing was stopped",
                       arena_format(&c->out->arena, "execution %s has already ended: %s",
                                    e->state.id.text, status_name(e->state.status)),
                       "meridian status shows how it ended");
        return;
    }
    if (stop_known(c, event, &e->state)) return;
    e->state.stop_requested = true;
    e->state.stop_abandon = stop->abandon;
    model_format(&e->state.stop_reason, "stopped by %s%s%s", event->request.client,
                 stop->reason[0] ? ": " : "", stop->reason);
    journal_execution(c, e);
    request_done(c, event, &stop->submission, &e->state.id);
}

void request_event(struct coordinator *c, const struct coordinator_event *event)
{
    if (!allowed(c, event)) {
        pipeline_free(event->request.parsed);
        resource_free(event->request.resource);
        return;
    }
    switch (event->request.request->kind) {
    case REQUEST_APPLY: apply_request(c, event); break;
    case REQUEST_RUN: run_request(c, event); break;
    case REQUEST_STOP: stop_request(c, event); break;
    case REQUEST_TRANSITION: transition_request(c, event); break;
    case REQUEST_APPROVAL: approval_request(c, event); break;
    case REQUEST_RETRY: retry_request(c, event); break;
    case REQUEST_ROLLBACK: rollback_request(c, event); break;
    case REQUEST_RESUME: resume_request(c, event); break;
    case REQUEST_ALARM: alarm_request(c, event); break;
    case REQUEST_DRAIN: drain_request(c, event); break;
    case REQUEST_OVERRIDE: condition_request(c, event); break;
    case REQUEST_CUSTOM: custom_request(c, event); break;
    case REQUEST_PING: /* from here on: the shell's */
    case REQUEST_LIST:
    case REQUEST_STATUS:
    case REQUEST_HISTORY:
    case REQUEST_EVENTS:
    case REQUEST_LOGS:
    case REQUEST_PUSH:
    case REQUEST_WORKERS:
    case REQUEST_EXPORT:
    case REQUEST_WHY:
    case REQUEST_REGIONS:
    case REQUEST_PLAN:
    case REQUEST_DOCTOR:
    case REQUEST_ARTIFACTS:
    case REQUEST_CUSTOM_VIEW:
    case REQUEST_RESOURCES: assert(false); break;
    }
}
