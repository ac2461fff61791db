#include "core/keep.h"

#include "core/actions.h"
#include "core/copy.h"

#include <assert.h>

void keep_begin(const struct worker *w, struct task *task)
{
    struct row_record *record = &task->record;
    const struct job *job = record->job;
    record->step_state = STEP_DONE;
    if (w->config.local || !job || !job->log.key || !job->log.key[0]) return;
    record->step = (uint32_t)record->event_count;
    record->run = 1;
    record->step_state = STEP_NOT_BEGUN;
}

bool keep_open(const struct task *task)
{
    return task->record.row.state == ROW_ENDED && task->record.step_state != STEP_DONE &&
           task->record.job;
}

bool keep_running(const struct task *task)
{
    return keep_open(task) && task->record.step_state == STEP_STARTED;
}

static void keep_over(struct task *task)
{
    task->record.step_state = STEP_DONE;
    task->changed = true;
}

void keep_step_ended(struct task *task, const struct step_outcome *outcome,
                     struct worker_actions *out)
{
    assert(keep_running(task));
    if (outcome->status != STATUS_SUCCEEDED)
        actions_note(out, NOTE_WARNING, "job=%s: its log stays on the host only: %s",
                     task->record.row.job.text, outcome->diagnostics.message);
    keep_over(task);
}

void keep_step_lost(struct task *task)
{
    assert(keep_running(task));
    if (task->record.run >= KEEP_RUNS_MAX) {
        keep_over(task);
        return;
    }
    task->record.run++;
    task->record.step_state = STEP_NOT_BEGUN;
    task->changed = true;
}

static void keep_order(const struct worker *w, const struct task *task,
                       enum worker_action_type type, struct worker_actions *out)
{
    const struct job *job = copy_job(&out->arena, task->record.job);
    const char *root_dir = arena_text(&out->arena, w->config.root_dir);
    struct worker_action *action = actions_add(out, type);
    action->step.ref = task_step_ref(task);
    action->step.spec = (struct step_spec){ .kind = STEP_KEEP_LOG,
                                            .event = EVENT_KEEP_LOG,
                                            .run = task->record.run,
                                            .job = *job,
                                            .root_dir = root_dir,
                                            .revisions_max = w->config.revisions_max,
                                            .local_bundle = "",
                                            .appspec_filename = "",
                                            .secrets_dir = "" };
}

void keep_decide(struct worker *w, struct task *task, struct worker_actions *out)
{
    if (!keep_open(task)) return;
    if (keep_running(task)) {
        if (task->asked) return;
        task->asked = true;
        keep_order(w, task, WORKER_STEP_ADOPT_ACTION, out);
        return;
    }
    task->record.step_state = STEP_STARTED;
    task->record.boot = w->boot;
    task->changed = true;
    task->asked = true;
    keep_order(w, task, WORKER_STEP_START_ACTION, out);
}
