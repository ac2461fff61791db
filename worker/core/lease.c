#include "core/lease.h"

#include "core/actions.h"

static bool lease_needed(const struct worker *w, const struct task *task)
{
    return task_floating(task) && !w->config.local;
}

static uint64_t lease_end(const struct task *task)
{
    uint64_t until = task->lease_until_boot_ms;
    return until > task->patience_boot_ms ? until : task->patience_boot_ms;
}

void lease_tell(const struct task *task, struct worker_actions *out)
{
    struct worker_action *action = actions_add(out, WORKER_LEASE_ACTION);
    action->lease.ref = task_step_ref(task);
    action->lease.until_boot_ms = task->lease_until_boot_ms;
}

void lease_extend(struct worker *w, const struct lease *lease, struct worker_actions *out)
{
    if (w->link != LINK_WELCOMED || lease->epoch != w->self.epoch_max) return;
    /* Only an echo of this life's heartbeats: before a reboot BOOTTIME was another clock. */
    if (lease->boot_ms > w->boot_ms || lease->boot_ms < w->life_boot_ms) return;
    for (size_t i = 0; i < lease->row_count; i++) {
        const struct row *row = &lease->rows[i];
        struct task *task = model_find_task(w, &row->job, row->attempt);
        if (!task || !lease_needed(w, task)) continue;
        if (fence_compare(row->fence, task->record.row.fence) != 0) continue;
        uint64_t until = lease->boot_ms + w->lease_ms;
        if (until <= task->lease_until_boot_ms) continue;
        task->lease_until_boot_ms = until;
        if (task_running(task) && task->ending == ENDING_NONE) lease_tell(task, out);
    }
}

bool lease_live(const struct worker *w, const struct task *task)
{
    return !lease_needed(w, task) || w->boot_ms < task->lease_until_boot_ms;
}

void lease_check(const struct worker *w, struct task *task, struct worker_actions *out)
{
    if (!lease_needed(w, task) || !task_running(task) || task->ending != ENDING_NONE) return;
    if (w->boot_ms < lease_end(task)) return;
    task->ending = ENDING_LEASE;
    actions_note(out, NOTE_WARNING, "job=%s attempt=%u: lease lost", task->record.row.job.text,
                 (unsigned)task->record.row.attempt);
}

uint64_t lease_deadline(const struct worker *w, const struct task *task)
{
    if (!lease_needed(w, task) || !task_running(task)) return UINT64_MAX;
    if (task->ending != ENDING_NONE) return UINT64_MAX;
    return lease_end(task);
}
