#include "core/restore.h"

#include <assert.h>

enum { MESSAGE_MAX = 3500, REASON_MAX = 1000 };

static bool restore_has_begun_install(const struct row_record *record)
{
    for (size_t i = 0; i < record->event_count; i++) {
        const struct lifecycle_report *report = &record->events[i];
        if (report->event == EVENT_INSTALL && report->started_ms != 0) return true;
    }
    return false;
}

bool restore_wanted(const struct task *task)
{
    const struct row_record *record = &task->record;
    return record->job && record->job->on_failure == ON_FAILURE_RESTORE &&
           restore_has_begun_install(record) && record->event_count < WIRE_EVENTS_MAX;
}

void restore_begin(struct task *task)
{
    struct row_record *record = &task->record;
    assert(restore_wanted(task));
    assert(!restore_active(task));
    record->step = (uint32_t)record->event_count;
    record->events[record->event_count++] =
        (struct lifecycle_report){ .event = EVENT_RESTORE, .status = STATUS_PENDING };
    record->result.event_count = record->event_count;
    record->run = 1;
    record->ordered_run = record->free_runs = 0;
    record->step_state = STEP_NOT_BEGUN;
    task->changed = true;
}

bool restore_active(const struct task *task)
{
    const struct row_record *record = &task->record;
    return record->step < record->event_count &&
           record->events[record->step].event == EVENT_RESTORE;
}

static void restore_add(struct task *task, const char *what, const char *more)
{
    const char **message = &task->record.result.diagnostics.message;
    const char *so_far = *message ? *message : "";
    *message = arena_format(&task->arena, "%.*s%s%s%.*s", MESSAGE_MAX, so_far,
                            so_far[0] ? "; " : "", what, REASON_MAX, more);
}

void restore_take_outcome(struct task *task, const struct step_outcome *outcome)
{
    const char *said = outcome->diagnostics.message ? outcome->diagnostics.message : "";
    if (outcome->status != STATUS_SUCCEEDED) {
        restore_fail(task, said);
        return;
    }
    restore_add(task, "", said);
    task->record.files = 0;
}

void restore_fail(struct task *task, const char *why)
{
    restore_add(task, "what was there before could not be restored: ", why);
}

void restore_say_left(struct task *task)
{
    const struct row_record *record = &task->record;
    if (record->files == 0 || !record->job) return;
    bool named = record->job->revision[0] != '\0';
    const char *of = named ? record->job->revision : record->job->deployment.text;
    restore_add(task, "",
                arena_format(&task->arena, "left as it is: %llu files of %s %s are installed",
                             (unsigned long long)record->files, named ? "revision" : "deployment",
                             of));
}
