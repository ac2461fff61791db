#include "core/actions.h"
#include "core/checkpoint.h"
#include "core/inbox.h"
#include "core/job.h"
#include "core/keep.h"
#include "core/outbox.h"

#include <assert.h>
#include <stdlib.h>

enum {
    WORKER_TEXTS_MAX = 64 << 10,
    HEARTBEAT_BEFORE_WELCOME_MS = 1000,
    LEASE_BEFORE_WELCOME_MS = 15000 /* how long an adopted floating step waits for an echo */
};

struct worker *worker_new(const struct worker_config *config)
{
    assert(config->resend_ms > 0);
    struct worker *w = xcalloc(1, sizeof *w);
    arena_init(&w->arena, WORKER_TEXTS_MAX);
    w->config = *config;
    w->config.name = arena_text(&w->arena, config->name);
    w->config.region = arena_text(&w->arena, config->region);
    w->config.version = arena_text(&w->arena, config->version);
    w->config.root_dir = arena_text(&w->arena, config->root_dir);
    w->heartbeat_ms = HEARTBEAT_BEFORE_WELCOME_MS;
    w->lease_ms = LEASE_BEFORE_WELCOME_MS;
    list_init(&w->tasks);
    list_init(&w->targets);
    return w;
}

void worker_free(struct worker *worker)
{
    if (!worker) return;
    while (!list_empty(&worker->tasks))
        model_remove_task(worker, list_entry(worker->tasks.next, struct task, link));
    while (!list_empty(&worker->targets))
        model_remove_target(list_entry(worker->targets.next, struct target, link));
    arena_deinit(&worker->arena);
    free(worker);
}

/* The running task whose current step and run is meant; answers of earlier runs find nothing. */
static struct task *worker_task_of(const struct worker *w, const struct step_ref *ref)
{
    struct task *task = model_find_task(w, &ref->job, ref->attempt);
    if (!task || (!task_running(task) && !keep_running(task))) return NULL;
    return task->record.step == ref->step && task->record.run == ref->run ? task : NULL;
}

static void worker_progress(struct worker *w, const struct worker_event *event,
                            struct worker_actions *out)
{
    struct task *task = worker_task_of(w, &event->progress.step);
    if (!task || keep_running(task) || w->boot_ms < task->hint_at_boot_ms) return;
    task->hint_at_boot_ms = w->boot_ms + OUTBOX_HINT_MS;
    outbox_hint(w, task, event->progress.done, event->progress.total, event->progress.waits, out);
}

static void worker_handle(struct worker *w, const struct worker_event *event,
                          struct worker_actions *out)
{
    struct task *task;
    switch (event->type) {
    case WORKER_START:
        w->life_boot_ms = event->boot_ms;
        checkpoint_load(w, event, out);
        break;
    case WORKER_TICK: break;
    case WORKER_MESSAGE: inbox_message(w, event->message, out); break;
    case WORKER_CONNECTED: outbox_connected(w); break;
    case WORKER_STEP_ENDED:
        task = worker_task_of(w, &event->ended.step);
        if (task && keep_running(task))
            keep_step_ended(task, &event->ended.outcome, out);
        else if (task)
            job_step_ended(w, task, &event->ended.outcome, out);
        break;
    case WORKER_STEP_LOST:
        task = worker_task_of(w, &event->lost.step);
        if (task && keep_running(task))
            keep_step_lost(task);
        else if (task)
            job_step_lost(w, task, event->lost.begun, event->lost.log_tail, out);
        break;
    case WORKER_STEP_PROGRESS: worker_progress(w, event, out); break;
    case WORKER_LOCAL_JOB: inbox_local_job(w, event, out); break;
    }
}

/* Level-triggered: whatever the event was, look at everything and emit what is missing. */
static void worker_decide(struct worker *w, struct worker_actions *out)
{
    for (struct list *link = w->tasks.next, *next; link != &w->tasks; link = next) {
        next = link->next;
        struct task *task = list_entry(link, struct task, link);
        job_decide(w, task, out);
        if (task->dropped && !task_running(task) && !keep_open(task))
            checkpoint_delete(w, task, out);
    }
    checkpoint_put_changed(w, out);
    outbox_decide(w, out);
}

void worker_step(struct worker *worker, const struct worker_event *event,
                 struct worker_actions *out)
{
    assert(event->boot_ms >= worker->life_boot_ms);
    worker->now_ms = event->now_ms;
    worker->boot_ms = event->boot_ms;
    worker->boot = event->boot;
    worker_handle(worker, event, out);
    worker_decide(worker, out);
}

uint64_t worker_deadline(const struct worker *worker)
{
    uint64_t at = outbox_deadline(worker);
    list_for_each (link, (struct list *)&worker->tasks) {
        uint64_t task = job_deadline(worker, list_entry(link, struct task, link));
        if (task < at) at = task;
    }
    return at;
}

const struct row_record *worker_view_row(const struct worker *worker, const struct id *job)
{
    const struct row_record *found = NULL;
    list_for_each (link, (struct list *)&worker->tasks) {
        const struct task *task = list_entry(link, struct task, link);
        if (!id_equal(&task->record.row.job, job)) continue;
        if (!found || task->record.row.attempt > found->row.attempt) found = &task->record;
    }
    return found;
}
