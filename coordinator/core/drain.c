#include "core/drain.h"

#include "core/journal.h"
#include "core/request.h"

#include <string.h>

static void drain_set(struct coordinator *c, const struct coordinator_event *event,
                      struct model_worker *w)
{
    const struct drain_request *asked = &event->request.request->drain;
    struct reply *reply = request_reply(c, event);
    reply->name = arena_text(&c->out->arena, w->name);
    reply->changed =
        w->drained != asked->drain || (asked->drain && !text_equal(w->drain_reason, asked->reason));
    if (!reply->changed) return;
    w->drained = asked->drain;
    w->drained_ms = asked->drain ? c->now_ms : 0;
    model_text(&w->drained_by, asked->drain ? event->request.client : "");
    model_text(&w->drain_reason, asked->drain ? asked->reason : "");
    journal_worker(c, w);
    journal_event_drain(c, w, event->request.client);
    c->changed = true;
}

void drain_request(struct coordinator *c, const struct coordinator_event *event)
{
    static const char *const what = "the worker was not changed";
    const struct drain_request *asked = &event->request.request->drain;
    struct model_worker *w = model_worker_find(c, asked->worker);
    if (!w || !w->enrolled)
        request_refuse(c, event, ERR_NOT_FOUND, what,
                       arena_format(&c->out->arena, "no worker '%s' is enrolled", asked->worker),
                       "meridian workers");
    else if (strlen(asked->reason) > TRANSITION_REASON_MAX)
        request_refuse(c, event, ERR_INVALID, what,
                       "ValidationException: a reason has at most 300 characters",
                       "write a shorter one");
    else
        drain_set(c, event, w);
}

void drain_load(struct model_worker *w, const struct worker_record *record)
{
    w->drained = record->drained;
    w->drained_ms = record->drained_ms;
    model_text(&w->drained_by, record->drained_by);
    model_text(&w->drain_reason, record->drain_reason);
}

const char *drain_cause(struct coordinator *c, const struct model_worker *w)
{
    if (!w->drained) return "";
    return arena_format(&c->out->arena, "worker %s was drained by %s%s%s", w->name, w->drained_by,
                        w->drain_reason[0] ? ": " : "", w->drain_reason);
}
