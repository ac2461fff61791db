#include "core/hold.h"

#include "core/actions.h"
#include "core/copy.h"
#include "core/job.h"

bool hold_waits(const struct task *task)
{
    return task->record.row.state == ROW_RUNNING && task->record.step_state == STEP_HELD;
}

bool hold_due(const struct task *task)
{
    const struct row_record *record = &task->record;
    return record->job->hold && !record->released && record->step_state == STEP_NOT_BEGUN &&
           record->events[record->step].event == EVENT_INSTALL;
}

void hold_enter(struct worker *w, struct task *task, struct worker_actions *out)
{
    struct row_record *record = &task->record;
    const struct diagnostics said = {
        .code = LIFECYCLE_SUCCESS,
        .script = "",
        .message = "prepared: it waits until every region is, then its files are installed",
        .log_tail = "",
    };
    if (record->row.state == ROW_ACCEPTED) job_enter(task, ROW_RUNNING);
    record->step_state = STEP_HELD;
    record->result.job = record->row.job;
    record->result.attempt = record->row.attempt;
    record->result.fence = record->row.fence;
    record->result.status = STATUS_UNKNOWN;
    record->result.diagnostics = copy_diagnostics(&task->arena, &said);
    task->changed = true;
    task->told = false;
    task->result_at_boot_ms = w->boot_ms;
    actions_note(out, NOTE_INFO, "job=%s attempt=%u: %s", record->row.job.text,
                 (unsigned)record->row.attempt, said.message);
}

void hold_release(struct task *task)
{
    task->record.released = true;
    task->record.step_state = STEP_NOT_BEGUN;
    task->changed = true;
}
