#include "core/resume.h"

#include "core/inbox.h"
#include "core/journal.h"
#include "core/request.h"

#include <assert.h>

bool resume_waits(const struct model_job *job)
{
    const struct job_state *state = &job->state;
    return state->status == STATUS_IN_PROGRESS && !state->cancel && state->interruption.run > 0 &&
           !state->interruption.held && state->interruption.verb == RESUME_NONE;
}

bool resume_held(const struct model_job *job)
{
    const struct job_state *state = &job->state;
    return state->status == STATUS_IN_PROGRESS && !state->cancel && state->interruption.held &&
           state->interruption.verb == RESUME_NONE;
}

bool resume_due(const struct model_job *job)
{
    const struct job_state *state = &job->state;
    return state->status == STATUS_IN_PROGRESS && !state->cancel &&
           state->interruption.verb != RESUME_NONE && !state->interruption.obeyed;
}

const char *resume_cause(const struct coordinator *c, const struct model_job *job)
{
    if (resume_waits(job)) return arena_text(&c->out->arena, job->state.diagnostics.message);
    if (resume_held(job)) return "prepared, waits for the other regions (barrier)";
    if (!resume_due(job)) return "";
    return arena_format(&c->out->arena, "host %s is told to %s", job->state.worker,
                        resume_verb_name(job->state.interruption.verb));
}

static struct step_key key_of(const struct model_job *job)
{
    const struct job_state *state = &job->state;
    return (struct step_key){ .key = { state->id, state->attempt, state->fence },
                              .step = state->interruption.step,
                              .run = state->interruption.run };
}

/* <0, 0, >0: an earlier run, the one that the journal holds, a later one. */
static int compare(const struct step_key *at, const struct interruption *held)
{
    if (at->step != held->step) return at->step < held->step ? -1 : 1;
    if (at->run != held->run) return at->run < held->run ? -1 : 1;
    return 0;
}

void resume_send(struct coordinator *c, const struct model_job *job, const struct model_worker *w)
{
    struct resume *to = arena_calloc(&c->out->arena, 1, sizeof *to);
    assert(resume_due(job));
    *to = (struct resume){ .at = key_of(job),
                           .verb = job->state.interruption.verb,
                           .worker = arena_text(&c->out->arena, w->name),
                           .incarnation = job->state.incarnation,
                           .epoch = c->epoch };
    journal_send(c, w->name, w->session, MESSAGE_RESUME);
    c->out->at[c->out->count - 1].send.resume = to;
    journal_note(c, NOTE_DEBUG, "resume job=%s attempt=%u worker=%s: %s", job->state.id.text,
                 (unsigned)job->state.attempt, w->name, resume_verb_name(to->verb));
}

/* ---- the worker ---- */

/* No interruption: it is prepared, and nothing of the event has begun. */
static void hold_keep(struct coordinator *c, struct model_job *job,
                      const struct interrupted *message)
{
    job->state.interruption =
        (struct interruption){ .step = message->at.step, .run = message->at.run, .held = true };
    model_text(&job->state.cause, resume_cause(c, job));
    journal_job(c, job);
    journal_event_job(c, job);
    c->changed = true;
}

void resume_go_on(struct coordinator *c, struct model_job *job)
{
    assert(resume_held(job));
    job->state.interruption.verb = RESUME_GO_ON;
    job->send_boot_ms = c->boot_ms;
    journal_job(c, job);
}

static void interruption_keep(struct coordinator *c, struct model_job *job,
                              const struct interrupted *message)
{
    struct diagnostics *to = &job->state.diagnostics;
    job->state.interruption =
        (struct interruption){ .step = message->at.step, .run = message->at.run };
    job->state.failed_event = message->report.event;
    to->code = message->diagnostics.code;
    model_text(&to->script, message->diagnostics.script);
    model_text(&to->message, message->diagnostics.message);
    model_text(&to->log_tail, message->diagnostics.log_tail);
    inbox_report(c, job, &message->report);
    model_text(&job->state.cause, to->message);
    journal_job(c, job);
    journal_event_job(c, job);
    journal_note(c, NOTE_ERROR, "interrupted job=%s attempt=%u worker=%s: %s", job->state.id.text,
                 (unsigned)job->state.attempt, job->state.worker, to->message);
    c->changed = true;
}

void resume_interrupted(struct coordinator *c, struct model_worker *w,
                        const struct interrupted *message)
{
    struct model_job *job = inbox_current(c, w, &message->at.key);
    if (!job || message->at.run == 0) return; /* its row is dropped by the next heartbeat */
    int order = compare(&message->at, &job->state.interruption);
    if (order < 0) return; /* late: that one was over long ago */
    if (order > 0 && message->report.status == STATUS_PENDING)
        hold_keep(c, job, message);
    else if (order > 0)
        interruption_keep(c, job, message);
    struct step_key at = message->at;
    journal_send(c, w->name, w->session, MESSAGE_INTERRUPTED_ACK)->interrupted_ack = at;
}

void resume_obeyed(struct coordinator *c, struct model_worker *w, const struct step_key *at)
{
    struct model_job *job = inbox_current(c, w, &at->key);
    if (!job || !resume_due(job) || compare(at, &job->state.interruption) != 0) return;
    bool skip = job->state.interruption.verb == RESUME_SKIP;
    job->state.interruption.obeyed = true;
    if (job->state.interruption.held) {
        journal_job(c, job);
        c->changed = true;
        return;
    }
    struct lifecycle_report report = {
        .event = job->state.failed_event,
        .status = skip ? STATUS_SKIPPED : STATUS_IN_PROGRESS,
    };
    inbox_report(c, job, &report);
    journal_job(c, job);
    c->changed = true;
}

/* ---- the operator ---- */

static bool asked_for(const struct model_job *job, const struct resume_request *ask)
{
    const struct model_execution *e = job->execution;
    if (job->state.kind != JOB_DEPLOY) return false;
    if (ask->worker[0] && !text_equal(ask->worker, job->state.worker)) return false;
    return !ask->action[0] ||
           text_equal(ask->action, model_action(e, job->stage, job->action)->name);
}

struct choice {
    const struct model_job *first; /* that waits */
    const char *hosts;             /* what each of them waits at */
    const struct model_job *told;  /* one that was told already */
    bool differ;
};

static struct choice choose(struct coordinator *c, const struct model_execution *e,
                            const struct resume_request *ask)
{
    struct choice choice = { .hosts = "" };
    list_for_each (link, &e->jobs) {
        const struct model_job *job = list_entry(link, struct model_job, link);
        if (!asked_for(job, ask)) continue;
        if (resume_due(job)) choice.told = job;
        if (!resume_waits(job)) continue;
        if (!choice.first) choice.first = job;
        if (job->state.failed_event != choice.first->state.failed_event ||
            job->stage != choice.first->stage || job->action != choice.first->action)
            choice.differ = true;
        choice.hosts = arena_format(&c->out->arena, "%s%s%s at %s of %s", choice.hosts,
                                    choice.hosts[0] ? ", " : "", job->state.worker,
                                    lifecycle_event_name(job->state.failed_event),
                                    model_action(e, job->stage, job->action)->name);
    }
    return choice;
}

/* True when something is left to be done. */
static bool choice_good(struct coordinator *c, const struct coordinator_event *event,
                        const struct model_execution *e, const struct choice *choice)
{
    struct arena *arena = &c->out->arena;
    const char *what = "nothing was resumed";
    if (choice->first && !choice->differ) return true;
    if (choice->differ)
        request_refuse(
            c, event, ERR_CONFLICT, what,
            arena_format(arena, "hosts were interrupted at different steps: %s", choice->hosts),
            "choose with --host NAME or --action ACTION");
    else if (choice->told)
        request_refuse(c, event, ERR_CONFLICT, what, resume_cause(c, choice->told),
                       "meridian workers shows whether it is connected");
    else
        request_refuse(
            c, event, ERR_CONFLICT, what,
            arena_format(arena,
                         "no such host of execution %s waits in an interrupted "
                         "step",
                         e->state.id.text),
            arena_format(arena, "meridian status %s %.8s", e->state.pipeline, e->state.id.text));
    return false;
}

static void say(struct coordinator *c, struct model_job *job, enum resume_verb verb,
                const char *client)
{
    job->state.interruption.verb = verb;
    job->send_boot_ms = c->boot_ms;
    model_format(&job->state.cause, "%s said by %s", resume_verb_name(verb), client);
    journal_job(c, job);
    journal_event_job(c, job);
    journal_note(c, NOTE_WARNING, "resume job=%s worker=%s client=%s: %s", job->state.id.text,
                 job->state.worker, client, resume_verb_name(verb));
}

void resume_request(struct coordinator *c, const struct coordinator_event *event)
{
    const struct resume_request *ask = &event->request.request->resume;
    struct error err;
    if (request_known(c, event, &ask->submission)) return;
    if (ask->verb != RESUME_RERUN && ask->verb != RESUME_SKIP) {
        request_refuse(c, event, ERR_INVALID, "nothing was resumed",
                       "the request says neither to rerun the step nor to skip it",
                       "add --rerun-step or --skip-step");
        return;
    }
    struct model_execution *e = request_find(c, ask->pipeline, ask->execution, &err);
    if (!e) {
        request_refuse(c, event, err.code, "nothing was resumed", err.text, "meridian history");
        return;
    }
    struct choice choice = choose(c, e, ask);
    if (!choice_good(c, event, e, &choice)) return;
    list_for_each (link, &e->jobs) {
        struct model_job *job = list_entry(link, struct model_job, link);
        if (asked_for(job, ask) && resume_waits(job)) say(c, job, ask->verb, event->request.client);
    }
    c->changed = true;
    request_done(c, event, &ask->submission, &e->state.id);
}
