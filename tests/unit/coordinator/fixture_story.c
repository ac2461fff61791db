#include "fixture_story.h"

void world_tell(struct world *w, const char *name)
{
    w->story = story_new(name, w->now_ms);
}

void world_tell_event(struct world *w, const struct coordinator_event *event)
{
    struct story *s = w->story;
    unsigned long long at = event->now_ms ? event->now_ms : w->now_ms;
    switch (event->type) {
    case COORDINATOR_START: story_event(s, "%llu start", at); break;
    case COORDINATOR_TICK: story_event(s, "%llu tick", at); break;
    case COORDINATOR_FLEET: story_event(s, "%llu fleet of %zu", at, event->fleet.count); break;
    case COORDINATOR_MESSAGE:
        story_event(s, "%llu %s of %s", at, message_type_name(event->message.message->type),
                    event->message.worker);
        break;
    case COORDINATOR_REQUEST:
        story_event(s, "%llu request %d of %s", at, (int)event->request.request->kind,
                    event->request.client);
        break;
    case COORDINATOR_SOURCE:
        story_event(s, "%llu source %s", at, event->source.revision->revision_id);
        break;
    case COORDINATOR_ANSWER:
        story_event(s, "%llu answer %d: %s", at, (int)event->answer.verdict, event->answer.text);
        break;
    case COORDINATOR_REMOVE: story_event(s, "%llu remove %zu", at, event->remove.count); break;
    }
}

static void send(struct world *w, const struct coordinator_action *action)
{
    const char *to = action->send.worker;
    if (action->send.message.type == MESSAGE_OFFER) {
        story_did(w->story, "offer to %s, session %llu", to,
                  (unsigned long long)action->send.session);
        story_changes(w->story, "with", "job", &wire_job, action->send.offer_job);
    } else if (action->send.message.type == MESSAGE_CANCEL) {
        story_did(w->story, "cancel to %s", to);
        story_value(w->story, "cancel", &wire_cancel, action->send.cancel);
    } else if (action->send.message.type == MESSAGE_RESUME) {
        story_did(w->story, "resume to %s", to);
        story_value(w->story, "resume", &wire_resume, action->send.resume);
    } else {
        story_message(w->story, to, &action->send.message);
    }
}

static void did(struct world *w, const struct coordinator_action *action)
{
    switch (action->type) {
    case COORDINATOR_PUT: story_record(w->story, &action->put); break;
    case COORDINATOR_DELETE: story_gone(w->story, action->delete_key); break;
    case COORDINATOR_SEND: send(w, action); break;
    case COORDINATOR_REPLY:
        story_value(w->story, "reply", &wire_reply, &action->reply.reply);
        break;
    case COORDINATOR_ERASE:
        story_value(w->story, "erase", &wire_artifact_ref, &action->erase.object);
        break;
    case COORDINATOR_NOTE: break; /* test_trace.c */
    }
}

void world_tell_actions(struct world *w)
{
    for (size_t i = 0; i < w->out.count; i++) did(w, &w->out.at[i]);
    uint64_t due_ms = coordinator_deadline(w->c);
    if (due_ms == w->due_ms) return;
    w->due_ms = due_ms;
    if (due_ms == UINT64_MAX)
        story_did(w->story, "waits for nothing");
    else
        story_did(w->story, "waits until %llu", (unsigned long long)due_ms);
}
