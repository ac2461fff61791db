/* fixture_tell.h - what a turn of the worker's core is in a story (story.h).
 * Included through fixture.h.
 */
#pragma once
#include "core/worker.h"
#include "unit/story.h"

static inline void tell_step(struct story *story, const char *what, const struct step_ref *ref)
{
    story_did(story, "%s %s attempt %u step %u run %u", what, ref->job.text, (unsigned)ref->attempt,
              (unsigned)ref->step, (unsigned)ref->run);
}

static inline void tell_action(struct story *story, const struct worker_action *a)
{
    switch (a->type) {
    case WORKER_PUT: story_record(story, &a->put); break;
    case WORKER_DELETE: story_gone(story, a->delete_key); break;
    case WORKER_SEND: story_message(story, "", &a->send); break;
    case WORKER_STEP_START_ACTION:
        tell_step(story, "start", &a->step.ref);
        story_changes(story, "with", "spec", &wire_step_spec, &a->step.spec);
        break;
    case WORKER_STEP_ADOPT_ACTION:
        tell_step(story, "adopt", &a->step.ref);
        story_changes(story, "with", "spec", &wire_step_spec, &a->step.spec);
        break;
    case WORKER_STEP_CANCEL_ACTION: tell_step(story, "cancel", &a->step.ref); break;
    case WORKER_LEASE_ACTION:
        tell_step(story, "lease", &a->lease.ref);
        story_did(story, "until %llu", (unsigned long long)a->lease.until_boot_ms);
        break;
    case WORKER_FORGET_ACTION:
        story_did(story, "forget %s attempt %u", a->forget.job.text, (unsigned)a->forget.attempt);
        break;
    case WORKER_NOTE: break;
    }
}

static inline void tell_event(struct story *story, uint64_t now_ms,
                              const struct worker_event *event)
{
    unsigned long long at = now_ms;
    switch (event->type) {
    case WORKER_START: story_event(story, "%llu start", at); break;
    case WORKER_TICK: story_event(story, "%llu tick", at); break;
    case WORKER_MESSAGE:
        story_event(story, "%llu %s", at, message_type_name(event->message->type));
        break;
    case WORKER_CONNECTED: story_event(story, "%llu connected", at); break;
    case WORKER_STEP_ENDED:
        story_event(story, "%llu step %u ended %s", at, (unsigned)event->ended.step.step,
                    status_name(event->ended.outcome.status));
        break;
    case WORKER_STEP_LOST:
        story_event(story, "%llu step %u lost", at, (unsigned)event->lost.step.step);
        break;
    case WORKER_STEP_PROGRESS: story_event(story, "%llu progress", at); break;
    case WORKER_LOCAL_JOB: story_event(story, "%llu local job", at); break;
    }
}

static inline void tell_deadline(struct story *story, uint64_t due_ms)
{
    if (due_ms == UINT64_MAX)
        story_did(story, "waits for nothing");
    else
        story_did(story, "waits until boot %llu", (unsigned long long)due_ms);
}
