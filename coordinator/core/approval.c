#include "core/approval.h"

#include "core/engine.h"
#include "core/journal.h"
#include "core/request.h"
#include "core/variables.h"

#include <string.h>

void approval_begin(struct coordinator *c, struct model_execution *e, size_t stage, size_t action)
{
    struct arena *arena = &c->out->arena;
    struct action_state *state = model_action(e, stage, action);
    const struct pipeline_action *definition = model_action_definition(e, stage, action);
    state->token = id_new_uuid(&c->random);
    state->deadline_ms = c->now_ms + pipeline_timeout_ms(definition);
    model_text(&state->custom_data, variables_setting(e, stage, action, "CustomData", arena));
    model_text(&state->url, variables_setting(e, stage, action, "ExternalEntityLink", arena));
    model_text(&state->updated_by, "");
    model_text(&state->summary, "waits for approval");
}

void approval_reconcile(struct coordinator *c, struct model_execution *e, size_t stage,
                        size_t action)
{
    struct action_state *state = model_action(e, stage, action);
    if (e->state.stop_requested) {
        model_text(&state->summary, "nobody had answered");
        engine_end_action(c, e, stage, action, STATUS_ABANDONED, "", "");
    } else if (c->now_ms >= state->deadline_ms) {
        model_text(&state->summary, "nobody had answered");
        engine_end_action(c, e, stage, action, STATUS_FAILED, "JobFailed",
                          "the approval was not answered in time");
    } else {
        engine_wake_wall(c, state->deadline_ms);
    }
}

/* ---- answers ---- */

struct found {
    struct model_execution *e;
    size_t stage, action;
    size_t waiting, ended; /* how many fit */
};

/* The one that waits, or when none does the last one that has ended. */
static void find(struct found *f, const char *name)
{
    const struct model_execution *e = f->e;
    for (size_t s = 0; s < e->state.stage_count; s++)
        for (size_t a = 0; a < e->stages[s].action_count; a++) {
            const struct action_state *at = model_action(e, s, a);
            if (model_action_definition(e, s, a)->category != CATEGORY_APPROVAL) continue;
            if (name[0] && !text_equal(at->name, name)) continue;
            bool waits = at->status == STATUS_IN_PROGRESS;
            bool ended = status_ended(at->status) && at->status != STATUS_SKIPPED;
            f->waiting += waits;
            f->ended += ended;
            if (!waits && (!ended || f->waiting)) continue;
            f->stage = s;
            f->action = a;
        }
}

static void answer(struct coordinator *c, const struct coordinator_event *event,
                   const struct found *f)
{
    const struct approval_request *asked = &event->request.request->approval;
    struct action_state *state = model_action(f->e, f->stage, f->action);
    const char *who = event->request.client;
    model_text(&state->updated_by, who);
    model_text(&state->summary, asked->summary);
    if (asked->approve)
        engine_end_action(c, f->e, f->stage, f->action, STATUS_SUCCEEDED, "", "");
    else
        engine_end_action(c, f->e, f->stage, f->action, STATUS_FAILED, "JobFailed",
                          arena_format(&c->out->arena, "rejected by %s%s%s", who,
                                       asked->summary[0] ? ": " : "", asked->summary));
    request_done(c, event, &asked->submission, &f->e->state.id);
}

static const char *completed_text(struct coordinator *c, const struct action_state *state)
{
    char when[JOURNAL_TIME_SIZE];
    journal_time(state->ended_ms, when);
    if (!state->updated_by[0])
        return arena_format(&c->out->arena,
                            "ApprovalAlreadyCompletedException: %s has ended without an answer at "
                            "%s (%s)",
                            state->name, when, status_name(state->status));
    return arena_format(&c->out->arena, "ApprovalAlreadyCompletedException: %s was %s by %s at %s",
                        state->name, state->status == STATUS_SUCCEEDED ? "approved" : "rejected",
                        state->updated_by, when);
}

static void judge(struct coordinator *c, const struct coordinator_event *event,
                  const struct found *f)
{
    static const char *const what = "nothing was answered";
    const struct approval_request *asked = &event->request.request->approval;
    const char *fix = arena_format(&c->out->arena, "meridian status %s", f->e->state.pipeline);
    if (!f->waiting && !f->ended) {
        request_refuse(c, event, ERR_NOT_FOUND, what,
                       "ActionNotFoundException: no such approval has begun in this execution",
                       fix);
        return;
    }
    if (f->waiting > 1) {
        request_refuse(c, event, ERR_CONFLICT, what, "more than one approval is awaited",
                       "name it with --action");
        return;
    }
    const struct action_state *state = model_action(f->e, f->stage, f->action);
    if (!id_empty(&asked->token) && !id_equal(&asked->token, &state->token))
        request_refuse(c, event, ERR_CONFLICT, what,
                       "InvalidApprovalTokenException: the token is that of another question", fix);
    else if (!f->waiting)
        request_refuse(c, event, ERR_CONFLICT, what, completed_text(c, state), fix);
    else
        answer(c, event, f);
}

void approval_request(struct coordinator *c, const struct coordinator_event *event)
{
    static const char *const what = "nothing was answered";
    const struct approval_request *asked = &event->request.request->approval;
    struct error err;
    if (request_known(c, event, &asked->submission)) return;
    struct found f = { .e = request_find(c, asked->pipeline, asked->execution, &err) };
    if (!f.e) {
        request_refuse(c, event, err.code, what, err.text, "meridian list");
        return;
    }
    if (strlen(asked->summary) > APPROVAL_SUMMARY_MAX) {
        request_refuse(c, event, ERR_INVALID, what,
                       "ValidationException: a summary has at most 512 characters",
                       "write a shorter one");
        return;
    }
    if (f.e->definition) find(&f, asked->action);
    judge(c, event, &f);
}
