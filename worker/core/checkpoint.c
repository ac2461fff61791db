#include "core/checkpoint.h"

#include "core/actions.h"
#include "core/copy.h"

#include <assert.h>

static void checkpoint_put_self(const struct worker *w, struct worker_actions *out)
{
    struct worker_action *action = actions_add(out, WORKER_PUT);
    action->put.kind = RECORD_SELF;
    action->put.self = w->self;
}

void checkpoint_put_target(const struct target *target, struct worker_actions *out)
{
    const char *name = arena_text(&out->arena, target->name);
    struct worker_action *action = actions_add(out, WORKER_PUT);
    action->put.kind = RECORD_TARGET;
    action->put.target = target->record;
    action->put.target.target = name;
}

void checkpoint_see_epoch(struct worker *w, uint64_t epoch, struct worker_actions *out)
{
    if (epoch <= w->self.epoch_max) return;
    w->self.epoch_max = epoch;
    checkpoint_put_self(w, out);
}

/* The timeout counts from acceptance. BOOTTIME is meaningless across boots and processes do not
 * remember which boot accepted the job, so after a restart the rest is taken from the wall clock.
 */
static void checkpoint_resume_timers(struct worker *w, struct task *task)
{
    const struct row_record *record = &task->record;
    task->patience_boot_ms = w->boot_ms + w->lease_ms;
    if (!record->job || record->job->timeout_ms == 0) return;
    uint64_t end = record->accepted_ms + record->job->timeout_ms;
    uint64_t rest = end > w->now_ms ? end - w->now_ms : 0;
    if (rest > record->job->timeout_ms) rest = record->job->timeout_ms;
    task->overdue_boot_ms = w->boot_ms + rest;
}

void checkpoint_load(struct worker *w, const struct worker_event *start, struct worker_actions *out)
{
    bool known = false;
    for (size_t i = 0; i < start->start.count; i++) {
        const struct record *record = &start->start.records[i];
        if (record->kind == RECORD_SELF) {
            w->self = record->self;
            known = true;
        } else if (record->kind == RECORD_TARGET) {
            model_need_target(w, record->target.target)->record.fence_max =
                record->target.fence_max;
            model_need_target(w, record->target.target)->record.last_successful =
                record->target.last_successful;
        } else if (record->kind == RECORD_ROW) {
            struct task *task = model_add_task(w, &record->row);
            checkpoint_resume_timers(w, task);
            if (task->record.job && task->record.job->issued_ms > w->signed_ms)
                w->signed_ms = task->record.job->issued_ms;
        }
    }
    if (known) return;
    struct prng random;
    prng_init(&random, start->entropy);
    w->self.incarnation = id_new_uuid(&random);
    checkpoint_put_self(w, out);
    actions_note(out, NOTE_INFO, "worker=%s incarnation=%s: new", w->config.name,
                 w->self.incarnation.text);
}

void checkpoint_put_changed(struct worker *w, struct worker_actions *out)
{
    list_for_each (link, &w->tasks) {
        struct task *task = list_entry(link, struct task, link);
        if (!task->changed) continue;
        task->changed = false;
        struct row_record copy = copy_row(&out->arena, &task->record);
        struct worker_action *action = actions_add(out, WORKER_PUT);
        action->put.kind = RECORD_ROW;
        action->put.row = copy;
    }
}

void checkpoint_delete(struct worker *w, struct task *task, struct worker_actions *out)
{
    assert(!task_running(task));
    struct record record = { .kind = RECORD_ROW };
    record.row.row = task->record.row;
    record_key(&record, actions_add(out, WORKER_DELETE)->delete_key);
    struct worker_action *action = actions_add(out, WORKER_FORGET_ACTION);
    action->forget.job = task->record.row.job;
    action->forget.attempt = task->record.row.attempt;
    model_remove_task(w, task);
}
