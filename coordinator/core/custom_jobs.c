/* What job workers ask for and tell. */
#include "core/check.h"
#include "core/custom.h"
#include "core/journal.h"
#include "core/request.h"
#include "core/variables.h"
#include "core/view.h"

#include <string.h>

/* ---- one job ---- */

struct found {
    struct model_execution *e;
    size_t stage, action;
    struct action_state *state;
};

typedef bool (*match_fn)(const struct coordinator *c, const struct found *at, const void *with);

/* The next custom action in progress or ended that fits, from *at on. */
static bool next_of(const struct coordinator *c, const struct model_execution *e, struct found *at,
                    match_fn match, const void *with)
{
    for (; at->stage < e->state.stage_count; at->stage++, at->action = 0)
        for (; at->action < e->stages[at->stage].action_count; at->action++) {
            at->state = model_action(e, at->stage, at->action);
            if (at->state->custom.status != CUSTOM_NONE && match(c, at, with)) return true;
        }
    return false;
}

static bool is_job(const struct coordinator *c, const struct found *at, const void *with)
{
    (void)c;
    return id_equal(&at->state->custom.job, (const struct id *)with);
}

/* Of all executions that are remembered: who is late is told so. */
static bool job_find(const struct coordinator *c, const struct id *job, struct found *out)
{
    list_for_each (at, &c->pipelines) {
        const struct model_pipeline *p = list_entry(at, struct model_pipeline, link);
        list_for_each (link, &p->executions) {
            *out = (struct found){ .e = list_entry(link, struct model_execution, link) };
            if (out->e->definition && next_of(c, out->e, out, is_job, job)) return true;
        }
    }
    return false;
}

static const struct variable *settings_of(const struct coordinator *c, const struct found *at,
                                          bool secrets, struct arena *arena, size_t *count)
{
    const struct pipeline_action *a = model_action_definition(at->e, at->stage, at->action);
    const struct custom_type *type = custom_type_find(c, custom_type_name(a, arena));
    struct variable *list = arena_calloc(arena, a->configuration_count, sizeof *list);
    for (size_t i = 0; i < a->configuration_count; i++) {
        const struct pipeline_setting *from = &a->configuration[i];
        const struct custom_property *property = custom_property_find(type, from->key);
        bool hidden = !secrets && (!property || property->secret);
        list[i] = (struct variable){
            arena_text(arena, from->key),
            hidden ? "***" : arena_text(arena, variables_expand(at->e, from->value, arena))
        };
    }
    *count = a->configuration_count;
    return list;
}

static struct custom_job view_of(const struct coordinator *c, const struct found *at,
                                 struct arena *arena)
{
    const struct custom_state *state = &at->state->custom;
    const struct execution *e = &at->e->state;
    (void)c;
    return (struct custom_job){
        .job = state->job,
        .execution = e->id,
        .status = state->status,
        .type = custom_type_name(model_action_definition(at->e, at->stage, at->action), arena),
        .pipeline = arena_text(arena, e->pipeline),
        .stage = arena_text(arena, at->e->stages[at->stage].name),
        .action = arena_text(arena, at->state->name),
        .revision = arena_text(arena, e->revision_count ? at->e->revisions[0].revision_id : ""),
        .continuation = arena_text(arena, state->continuation),
        .external_id = arena_text(arena, state->external_id),
        .holder = arena_text(arena, at->state->updated_by),
        .percent = state->percent,
        .deadline_ms = at->state->deadline_ms,
    };
}

bool coordinator_view_custom_job(const struct coordinator *coordinator, const struct id *job,
                                 const char *client, struct arena *arena, struct custom_job *out,
                                 bool *holds)
{
    struct found at;
    if (!job_find(coordinator, job, &at)) return false;
    const struct pipeline_action *a = model_action_definition(at.e, at.stage, at.action);
    *holds = custom_held(at.state) && text_equal(at.state->updated_by, client);
    *out = view_of(coordinator, &at, arena);
    out->settings = settings_of(coordinator, &at, *holds, arena, &out->setting_count);
    struct job_artifact *inputs = arena_calloc(arena, a->input_count, sizeof *inputs);
    for (size_t i = 0; i < a->input_count; i++) {
        long copy = model_copy_find(at.e, a->inputs[i], at.state->region);
        if (copy < 0 || at.e->copies[copy].status != STATUS_SUCCEEDED) continue;
        inputs[out->input_count++] =
            (struct job_artifact){ .name = arena_text(arena, a->inputs[i]),
                                   .ref = journal_copy_ref(arena, &at.e->copies[copy].ref),
                                   .grant = { .url = "", .pin = "" } };
    }
    out->inputs = inputs;
    return true;
}

/* ---- polls ---- */

struct poll {
    const struct custom_request *asked;
    const struct custom_type *type;
    struct arena *arena;
};

static bool setting_is(const struct coordinator *c, const struct found *at, const struct poll *poll,
                       const struct variable *wanted)
{
    size_t count;
    const struct variable *list = settings_of(c, at, true, poll->arena, &count);
    for (size_t i = 0; i < count; i++)
        if (text_equal(list[i].name, wanted->name)) return text_equal(list[i].value, wanted->value);
    return false;
}

static bool is_free(const struct coordinator *c, const struct found *at, const void *with)
{
    const struct poll *poll = with;
    const struct custom_state *state = &at->state->custom;
    bool forgotten = state->status == CUSTOM_DISPATCHED &&
                     c->now_ms >= state->dispatched_ms + CUSTOM_DISPATCH_MS;
    if (at->state->status != STATUS_IN_PROGRESS || (state->status != CUSTOM_QUEUED && !forgotten))
        return false;
    const struct pipeline_action *a = model_action_definition(at->e, at->stage, at->action);
    if (!text_equal(custom_type_name(a, poll->arena), poll->asked->type)) return false;
    for (size_t i = 0; i < poll->asked->pair_count; i++)
        if (!setting_is(c, at, poll, &poll->asked->pairs[i])) return false;
    return true;
}

static const char *poll_flaw(const struct poll *poll)
{
    if (!poll->type)
        return arena_format(poll->arena, "ActionTypeNotFoundException: there is no action type %s",
                            poll->asked->type);
    for (size_t i = 0; i < poll->asked->pair_count; i++) {
        const struct custom_property *p =
            custom_property_find(poll->type, poll->asked->pairs[i].name);
        if (!p || !p->queryable || p->secret)
            return arena_format(poll->arena,
                                "ValidationException: %.60s is not a queryable property of type %s",
                                poll->asked->pairs[i].name, poll->asked->type);
    }
    return NULL;
}

static void dispatch_to(struct coordinator *c, const struct found *at, const char *client)
{
    at->state->custom.status = CUSTOM_DISPATCHED;
    at->state->custom.nonce = id_new_uuid(&c->random);
    at->state->custom.dispatched_ms = c->now_ms;
    model_format(&at->state->summary, "was given to %s, which has not acknowledged it", client);
    journal_execution(c, at->e);
}

static void poll_jobs(struct coordinator *c, const struct coordinator_event *event)
{
    const struct custom_request *asked = &event->request.request->custom;
    struct arena *arena = &c->out->arena;
    const struct poll poll = { asked, custom_type_find(c, asked->type), arena };
    const char *flaw = poll_flaw(&poll);
    size_t max = asked->max && asked->max < CUSTOM_JOBS_MAX ? asked->max : CUSTOM_JOBS_MAX;
    if (flaw) {
        request_refuse(c, event, poll.type ? ERR_INVALID : ERR_NOT_FOUND, "no job was asked for",
                       flaw, "meridian resources customActionType");
        return;
    }
    struct custom_job *jobs = arena_calloc(arena, max, sizeof *jobs);
    size_t count = 0;
    list_for_each (link, &c->live) {
        struct found at = { .e = list_entry(link, struct model_execution, live_link) };
        if (!at.e->definition || status_ended(at.e->state.status)) continue;
        while (count < max && next_of(c, at.e, &at, is_free, &poll)) {
            dispatch_to(c, &at, event->request.client);
            jobs[count] = view_of(c, &at, arena);
            jobs[count++].nonce = at.state->custom.nonce;
        }
    }
    struct reply *reply = request_reply(c, event);
    reply->jobs = jobs;
    reply->job_count = count;
}

/* ---- answers of a holder ---- */

static void refuse(struct coordinator *c, const struct coordinator_event *event, const char *cause,
                   const char *fix)
{
    request_refuse(c, event, ERR_CONFLICT, "the job was left as it is", cause, fix);
}

static void tell(struct coordinator *c, const struct coordinator_event *event,
                 const struct found *at)
{
    struct custom_job *job = arena_calloc(&c->out->arena, 1, sizeof *job);
    *job = view_of(c, at, &c->out->arena);
    struct reply *reply = request_reply(c, event);
    reply->jobs = job;
    reply->job_count = 1;
    reply->execution = at->e->state.id;
}

static void acknowledge(struct coordinator *c, const struct coordinator_event *event,
                        const struct found *at)
{
    const struct custom_request *asked = &event->request.request->custom;
    struct custom_state *state = &at->state->custom;
    const char *client = event->request.client;
    bool same = !id_empty(&asked->nonce) && id_equal(&asked->nonce, &state->nonce);
    if (!same) {
        refuse(c, event,
               "InvalidNonceException: the job was given to somebody else since, or to nobody",
               "meridian jobs poll");
        return;
    }
    if (custom_held(at->state) && text_equal(at->state->updated_by, client)) {
        tell(c, event, at);
        return;
    }
    if (state->status != CUSTOM_DISPATCHED) {
        refuse(c, event,
               arena_format(&c->out->arena, "InvalidJobStateException: the job is %s",
                            custom_status_name(state->status)),
               "meridian jobs poll");
        return;
    }
    state->status = CUSTOM_IN_PROGRESS;
    model_text(&at->state->updated_by, client);
    model_format(&at->state->summary, "%s works on it", client);
    journal_execution(c, at->e);
    journal_event_action(c, at->e, at->stage, at->action);
    tell(c, event, at);
}

static void succeed(struct coordinator *c, const struct coordinator_event *event,
                    const struct found *at)
{
    const struct custom_request *asked = &event->request.request->custom;
    struct arena *arena = &c->out->arena;
    struct action_state *state = at->state;
    const char *who = arena_text(arena, state->updated_by);
    bool goes_on = asked->continuation[0];
    if (!goes_on &&
        !variables_keep(c, at->e, at->stage, at->action, asked->pairs, asked->pair_count)) {
        refuse(c, event,
               "OutputVariablesSizeExceededException: the output variables of an execution have "
               "122880 bytes at most, with these they are more",
               "give fewer or shorter ones");
        return;
    }
    model_text(&state->custom.external_id, asked->external_id);
    model_text(&state->custom.continuation, asked->continuation);
    state->custom.percent = goes_on ? asked->percent : 100;
    if (goes_on) {
        custom_queue(c, at->e, at->stage, at->action,
                     arena_format(arena, "goes on with the next poll (%u %%)%s%s",
                                  (unsigned)asked->percent, asked->summary[0] ? ": " : "",
                                  asked->summary));
    } else {
        model_format(&state->summary, "done by %s%s%s", who, asked->summary[0] ? ": " : "",
                     asked->summary);
        model_text(&state->updated_by, who);
        custom_end(c, at->e, at->stage, at->action, STATUS_SUCCEEDED, "", "");
    }
    c->changed = true;
    request_done(c, event, &asked->submission, &at->e->state.id);
}

static void fail(struct coordinator *c, const struct coordinator_event *event,
                 const struct found *at)
{
    const struct custom_request *asked = &event->request.request->custom;
    model_text(&at->state->custom.external_id, asked->external_id);
    custom_end(c, at->e, at->stage, at->action, STATUS_FAILED, "JobFailed",
               arena_format(&c->out->arena, "%s: %s", at->state->updated_by, asked->summary));
    c->changed = true;
    request_done(c, event, &asked->submission, &at->e->state.id);
}

static const char *result_flaw(const struct coordinator_event *event, const struct found *at,
                               struct arena *arena)
{
    const struct custom_request *asked = &event->request.request->custom;
    bool done = asked->verb == CUSTOM_SUCCEED && !asked->continuation[0];
    if (!custom_held(at->state))
        return arena_format(
            arena, "InvalidJobStateException: the job is %s%s",
            custom_status_name(at->state->custom.status),
            at->state->custom.status == CUSTOM_DISPATCHED ? ", and was not acknowledged" : "");
    if (!text_equal(at->state->updated_by, event->request.client))
        return arena_format(arena, "InvalidClientTokenException: %s works on the job",
                            at->state->updated_by);
    if (asked->percent > 100) return "ValidationException: a percentage is 0 to 100";
    if (asked->verb == CUSTOM_FAIL && !asked->summary[0])
        return "ValidationException: a failure has a message";
    if (asked->verb == CUSTOM_SUCCEED && strlen(asked->summary) > CUSTOM_SUMMARY_MAX)
        return "ValidationException: a summary has at most 2048 characters";
    if (!done && asked->pair_count)
        return "ValidationException: output variables belong to the end of a job that succeeded";
    for (size_t i = 0; i < asked->pair_count; i++)
        if (!check_word(asked->pairs[i].name, 1, WIRE_VARIABLE_NAME_MAX, "@-_"))
            return "ValidationException: a variable's name is 1 to 128 letters, digits or @ - _";
    return NULL;
}

void custom_request(struct coordinator *c, const struct coordinator_event *event)
{
    const struct custom_request *asked = &event->request.request->custom;
    struct found at;
    if (asked->verb == CUSTOM_POLL) {
        poll_jobs(c, event);
        return;
    }
    if (asked->verb != CUSTOM_ACKNOWLEDGE && request_known(c, event, &asked->submission)) return;
    if (!job_find(c, &asked->job, &at)) {
        request_refuse(c, event, ERR_NOT_FOUND, "the job was left as it is",
                       "JobNotFoundException: there is no such job, or it has gone on as another",
                       "meridian jobs poll");
        return;
    }
    if (asked->verb == CUSTOM_ACKNOWLEDGE) {
        acknowledge(c, event, &at);
        return;
    }
    const char *flaw = result_flaw(event, &at, &c->out->arena);
    if (flaw)
        refuse(c, event, flaw, "meridian jobs poll");
    else if (asked->verb == CUSTOM_SUCCEED)
        succeed(c, event, &at);
    else
        fail(c, event, &at);
}
