#include "core/interruption.h"

#include "core/actions.h"
#include "core/checkpoint.h"
#include "core/copy.h"
#include "core/describe.h"
#include "core/hold.h"
#include "core/job.h"

bool interruption_waits(const struct task *task)
{
    return task->record.row.state == ROW_RUNNING && task->record.step_state == STEP_INTERRUPTED;
}

static struct step_key interruption_key(const struct task *task)
{
    const struct row_record *record = &task->record;
    return (struct step_key){ .key = { .job = record->row.job,
                                       .attempt = record->row.attempt,
                                       .fence = record->row.fence },
                              .step = record->step,
                              .run = record->run };
}

void interruption_enter(struct worker *w, struct task *task, const struct diagnostics *said,
                        struct worker_actions *out)
{
    struct row_record *record = &task->record;
    struct lifecycle_report *report = &record->events[record->step];
    struct diagnostics why = *said;
    why.code = LIFECYCLE_FAILED_AFTER_RESTART;
    why.message = describe_interrupted(w, task, said, &out->arena);
    report->status = STATUS_UNKNOWN;
    report->ended_ms = w->now_ms;
    if (w->config.local) {
        job_end_unknown(w, task, &why, out);
        return;
    }
    record->step_state = STEP_INTERRUPTED;
    record->result.job = record->row.job;
    record->result.attempt = record->row.attempt;
    record->result.fence = record->row.fence;
    record->result.status = STATUS_UNKNOWN;
    record->result.diagnostics = copy_diagnostics(&task->arena, &why);
    task->changed = true;
    task->told = false;
    task->result_at_boot_ms = w->boot_ms;
    actions_note(out, NOTE_ERROR, "job=%s attempt=%u: %s", record->row.job.text,
                 (unsigned)record->row.attempt, why.message);
}

void interruption_say(struct worker *w, struct task *task, struct worker_actions *out)
{
    const struct row_record *record = &task->record;
    task->result_at_boot_ms = w->boot_ms + w->config.resend_ms;
    struct diagnostics said = copy_diagnostics(&out->arena, &record->result.diagnostics);
    actions_send(out, MESSAGE_INTERRUPTED)->interrupted = (struct interrupted){
        .at = interruption_key(task), .report = record->events[record->step], .diagnostics = said
    };
}

static bool key_equal(const struct step_key *a, const struct step_key *b)
{
    return id_equal(&a->key.job, &b->key.job) && a->key.attempt == b->key.attempt &&
           fence_compare(a->key.fence, b->key.fence) == 0 && a->step == b->step && a->run == b->run;
}

/* The task that waits at just that run. */
static struct task *interruption_find(const struct worker *w, const struct step_key *at)
{
    struct task *task = model_find_task(w, &at->key.job, at->key.attempt);
    if (!task || (!interruption_waits(task) && !hold_waits(task))) return NULL;
    struct step_key own = interruption_key(task);
    return key_equal(&own, at) ? task : NULL;
}

void interruption_acked(struct worker *w, const struct step_key *at)
{
    struct task *task = interruption_find(w, at);
    if (task) task->told = true;
}

/* ---- the operator's word ------------------------------------------------------------------- */

static void interruption_rerun(struct task *task)
{
    struct row_record *record = &task->record;
    record->events[record->step].status = STATUS_IN_PROGRESS;
    record->events[record->step].ended_ms = 0;
    record->run++;
    record->ordered_run = record->run;
    record->free_runs = 0;
    record->step_state = STEP_NOT_BEGUN;
}

static void interruption_obey(struct worker *w, struct task *task, enum resume_verb verb,
                              struct worker_actions *out)
{
    actions_note(out, verb == RESUME_GO_ON ? NOTE_INFO : NOTE_WARNING,
                 "job=%s attempt=%u step=%s: %s was said", task->record.row.job.text,
                 (unsigned)task->record.row.attempt,
                 lifecycle_event_name(task->record.events[task->record.step].event),
                 resume_verb_name(verb));
    task->changed = true;
    task->record.result.job.text[0] = '\0'; /* there is none */
    switch (verb) {
    case RESUME_NONE: break; /* not decoded */
    case RESUME_RERUN: interruption_rerun(task); break;
    case RESUME_SKIP: job_skip_step(w, task, out); break;
    case RESUME_GO_ON: hold_release(task); break;
    }
}

static bool interruption_for_us(const struct worker *w, const struct resume *resume)
{
    return text_equal(resume->worker, w->config.name) &&
           id_equal(&resume->incarnation, &w->self.incarnation) &&
           resume->epoch >= w->self.epoch_max;
}

void interruption_resume(struct worker *w, const struct signed_resume *message,
                         struct worker_actions *out)
{
    const struct resume *resume = message->resume;
    if (!resume) {
        actions_note(out, NOTE_WARNING, "a resume without a good signature is ignored");
        return;
    }
    if (!interruption_for_us(w, resume)) {
        actions_note(out, NOTE_WARNING, "job=%s: a resume that is not for us is ignored",
                     resume->at.key.job.text);
        return;
    }
    checkpoint_see_epoch(w, resume->epoch, out);
    struct task *task = interruption_find(w, &resume->at);
    if (task && hold_waits(task) == (resume->verb == RESUME_GO_ON))
        interruption_obey(w, task, resume->verb, out);
    /* Obeyed now or before, or the job is over: there is nothing left to be said about this run. */
    if (w->link != LINK_DOWN) actions_send(out, MESSAGE_RESUME_ACK)->resume_ack = resume->at;
}
