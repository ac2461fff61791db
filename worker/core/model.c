#include "core/model.h"

#include "core/copy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A row's texts are bounded by one frame of the wire; a few results may be written over it. */
enum { TASK_ARENA_MAX = 16 << 20 };

static bool task_after(const struct task *a, const struct task *b)
{
    return fence_compare(a->record.row.fence, b->record.row.fence) > 0;
}

struct task *model_add_task(struct worker *w, const struct row_record *record)
{
    assert(!model_find_task(w, &record->row.job, record->row.attempt));
    struct task *task = xcalloc(1, sizeof *task);
    arena_init(&task->arena, TASK_ARENA_MAX);
    task->record = copy_row(&task->arena, record);
    task->record.result.events = task->record.events;
    task->record.result.event_count = task->record.event_count;
    if (record->job) task->record.job = copy_job(&task->arena, record->job);
    task->overdue_boot_ms = UINT64_MAX;
    struct list *before = w->tasks.prev;
    while (before != &w->tasks && task_after(list_entry(before, struct task, link), task))
        before = before->prev;
    list_insert_between(&task->link, before, before->next);
    w->task_count++;
    return task;
}

void model_remove_task(struct worker *w, struct task *task)
{
    assert(w->task_count > 0);
    w->task_count--;
    list_remove(&task->link);
    arena_deinit(&task->arena);
    free(task);
}

void model_remove_target(struct target *target)
{
    list_remove(&target->link);
    free(target);
}

struct task *model_find_task(const struct worker *w, const struct id *job, uint32_t attempt)
{
    list_for_each (link, (struct list *)&w->tasks) {
        struct task *task = list_entry(link, struct task, link);
        if (task->record.row.attempt == attempt && id_equal(&task->record.row.job, job))
            return task;
    }
    return NULL;
}

struct task *model_active_task(const struct worker *w, const char *target)
{
    list_for_each (link, (struct list *)&w->tasks) {
        struct task *task = list_entry(link, struct task, link);
        if (task->record.row.state == ROW_ENDED || !task->record.job) continue;
        if (text_equal(task->record.job->target, target)) return task;
    }
    return NULL;
}

struct target *model_find_target(const struct worker *w, const char *name)
{
    list_for_each (link, (struct list *)&w->targets) {
        struct target *target = list_entry(link, struct target, link);
        if (text_equal(target->name, name)) return target;
    }
    return NULL;
}

struct target *model_need_target(struct worker *w, const char *name)
{
    struct target *target = model_find_target(w, name);
    if (target) return target;
    size_t size = strlen(name) + 1;
    target = xcalloc(1, sizeof *target + size);
    memcpy(target->name, name, size);
    target->record.target = target->name;
    list_append(&w->targets, &target->link);
    return target;
}

bool task_floating(const struct task *task)
{
    return task->record.job && task->record.job->kind != JOB_DEPLOY;
}

bool task_running(const struct task *task)
{
    return task->record.row.state == ROW_RUNNING && task->record.step_state == STEP_STARTED;
}

struct step_ref task_step_ref(const struct task *task)
{
    return (struct step_ref){ .job = task->record.row.job,
                              .attempt = task->record.row.attempt,
                              .step = task->record.step,
                              .run = task->record.run };
}
