#include "core/job.h"

#include "core/actions.h"
#include "core/checkpoint.h"
#include "core/copy.h"
#include "core/describe.h"
#include "core/hold.h"
#include "core/interruption.h"
#include "core/keep.h"
#include "core/lease.h"
#include "core/lifecycle.h"
#include "core/outbox.h"
#include "core/restore.h"

#include <assert.h>

/* ROW_* to the states that may follow it. */
static const unsigned next_states[ROW_STATE_COUNT] = {
    [ROW_ACCEPTED] = 1u << ROW_RUNNING | 1u << ROW_ENDED,
    [ROW_RUNNING] = 1u << ROW_ENDED,
    [ROW_ENDED] = 0,
};

void job_enter(struct task *task, enum row_state next)
{
    assert(next_states[task->record.row.state] & (1u << next));
    task->record.row.state = next;
    task->changed = true;
}

static bool job_unwanted(const struct task *task)
{
    /* What was there before is put back whatever happens to the job meanwhile. */
    return !restore_active(task) && (task->record.cancel || task->ending != ENDING_NONE);
}

void job_cancel(struct task *task)
{
    if (task->record.row.state == ROW_ENDED || task->record.cancel) return;
    task->record.cancel = true;
    task->changed = true;
}

/* ---- the end ------------------------------------------------------------------------------- */

/* A deployment that installed something and whose every event succeeded is what the next one's
 * ApplicationStop belongs to. */
static void job_remember_success(struct worker *w, const struct task *task,
                                 struct worker_actions *out)
{
    const struct job *job = task->record.job;
    for (size_t i = 0; i < task->record.event_count; i++) {
        if (task->record.events[i].event != EVENT_INSTALL) continue;
        struct target *target = model_need_target(w, job->target);
        target->record.last_successful = job->deployment;
        checkpoint_put_target(target, out);
        return;
    }
}

/* The step at which it ended; of a build, whose phases follow its one step, the phase. */
static enum lifecycle_event job_last_event(const struct row_record *record)
{
    for (size_t i = record->step + 1; i < record->event_count; i++) {
        enum status status = record->events[i].status;
        if (status != STATUS_SUCCEEDED && status != STATUS_SKIPPED) return record->events[i].event;
    }
    return record->events[record->step].event;
}

static void job_finish(struct worker *w, struct task *task, struct worker_actions *out)
{
    struct row_record *record = &task->record;
    struct result *result = &record->result;
    result->ended_ms = w->now_ms;
    if (result->status == STATUS_SUCCEEDED)
        job_remember_success(w, task, out);
    else
        restore_say_left(task);
    job_enter(task, ROW_ENDED);
    keep_begin(w, task);
    task->result_at_boot_ms = w->boot_ms;
    actions_note(out, result->status == STATUS_SUCCEEDED ? NOTE_INFO : NOTE_WARNING,
                 "job=%s attempt=%u: %s%s%s", record->row.job.text, (unsigned)record->row.attempt,
                 status_name(result->status), result->diagnostics.message[0] ? ": " : "",
                 result->diagnostics.message);
}

static void job_end_restored(struct worker *w, struct task *task, const struct diagnostics *why,
                             struct worker_actions *out)
{
    if (why->code == LIFECYCLE_FAILED_AFTER_RESTART) restore_fail(task, why->message);
    job_finish(w, task, out);
}

static void job_end(struct worker *w, struct task *task, enum status status,
                    const struct diagnostics *why, struct worker_actions *out)
{
    if (restore_active(task)) {
        job_end_restored(w, task, why, out);
        return;
    }
    struct row_record *record = &task->record;
    struct result *result = &record->result;
    for (size_t i = 0; i < record->event_count; i++) {
        struct lifecycle_report *report = &record->events[i];
        if (report->status == STATUS_PENDING) report->status = STATUS_SKIPPED;
        if (report->status == STATUS_IN_PROGRESS) report->status = status;
    }
    result->job = record->row.job;
    result->attempt = record->row.attempt;
    result->fence = record->row.fence;
    result->status = status;
    result->events = record->events;
    result->event_count = record->event_count;
    if (record->step < record->event_count) result->failed_event = job_last_event(record);
    result->diagnostics = copy_diagnostics(&task->arena, why);
    if (status == STATUS_SUCCEEDED || !restore_wanted(task)) {
        job_finish(w, task, out);
        return;
    }
    restore_begin(task);
    actions_note(out, NOTE_WARNING, "job=%s attempt=%u: %s, what was there before is restored: %s",
                 record->row.job.text, (unsigned)record->row.attempt, status_name(status),
                 result->diagnostics.message);
}

/* Cancelled, lease lost or overdue, and no step runs. */
static void job_end_unwanted(struct worker *w, struct task *task, const struct diagnostics *said,
                             struct worker_actions *out)
{
    struct diagnostics why = { .code = LIFECYCLE_UNKNOWN_ERROR, .script = "", .log_tail = "" };
    if (said) why = *said;
    why.message = describe_unwanted(w, task, &out->arena);
    enum status status = task->record.cancel ? STATUS_STOPPED : STATUS_FAILED;
    /* Nothing is wrong with the build itself: the coordinator gives it to another host. */
    bool innocent = task->ending == ENDING_LEASE && task->record.job->kind == JOB_BUILD;
    if (innocent && !task->record.cancel) status = STATUS_UNKNOWN;
    job_end(w, task, status, &why, out);
}

/* ---- steps --------------------------------------------------------------------------------- */

static const struct lifecycle_row *job_step_row(const struct task *task)
{
    const struct row_record *record = &task->record;
    assert(record->step < record->event_count);
    const struct lifecycle_row *row =
        lifecycle_find(record->job->kind, record->events[record->step].event);
    assert(row); /* the inbox takes no event that is not in the table */
    return row;
}

static bool job_downloaded(const struct task *task)
{
    for (size_t i = 0; i < task->record.step; i++)
        if (task->record.events[i].event == EVENT_DOWNLOAD_BUNDLE) return true;
    return false;
}

static void job_order_step(const struct worker *w, const struct task *task,
                           enum worker_action_type type, struct worker_actions *out)
{
    const struct lifecycle_row *row = job_step_row(task);
    const struct target *target = model_find_target(w, task->record.job->target);
    const struct job *job = copy_job(&out->arena, task->record.job);
    const char *root_dir = arena_text(&out->arena, w->config.root_dir);
    struct worker_action *action = actions_add(out, type);
    action->step.ref = task_step_ref(task);
    action->step.spec = (struct step_spec){
        .kind = row->step,
        .event = row->event,
        .run = task->record.run,
        .ordered_run = task->record.ordered_run,
        .job = *job,
        .root_dir = root_dir,
        .revisions_max = w->config.revisions_max,
        .local_bundle = "",
        .appspec_filename = "",
        .secrets_dir = "",
        .run_root_scripts_from_current = row->scripts == SCRIPTS_CURRENT || job_downloaded(task),
    };
    if (target) action->step.spec.last_successful = target->record.last_successful;
}

static void job_start_step(struct worker *w, struct task *task, struct worker_actions *out)
{
    struct row_record *record = &task->record;
    struct lifecycle_report *report = &record->events[record->step];
    if (record->row.state == ROW_ACCEPTED) job_enter(task, ROW_RUNNING);
    record->step_state = STEP_STARTED;
    record->boot = w->boot;
    report->status = STATUS_IN_PROGRESS;
    if (report->started_ms == 0) report->started_ms = w->now_ms;
    task->changed = true;
    task->asked = true;
    task->adopted = task->cancel_asked = false;
    /* The lease first: a step must not run for one moment without somebody enforcing its end. */
    if (task->lease_until_boot_ms) lease_tell(task, out);
    job_order_step(w, task, WORKER_STEP_START_ACTION, out);
    outbox_hint(w, task, 0, 0, "", out);
    actions_note(out, NOTE_INFO, "job=%s attempt=%u step=%s run=%u: started", record->row.job.text,
                 (unsigned)record->row.attempt, lifecycle_event_name(report->event),
                 (unsigned)record->run);
}

static void job_next_step(struct task *task)
{
    task->record.step++;
    task->record.run = 1;
    task->record.ordered_run = task->record.free_runs = 0;
    task->record.step_state = STEP_NOT_BEGUN;
    task->changed = true;
}

/* Whether a step follows; the phases that a build tells of behind its one step are none. */
static bool job_has_more(const struct task *task)
{
    const struct row_record *record = &task->record;
    size_t next = (size_t)record->step + 1;
    return next < record->event_count &&
           lifecycle_find(record->job->kind, record->events[next].event) != NULL;
}

/* The current step is over, and that is well. Nothing is left to be stopped once it was the last:
 * what is done is done, whoever wanted it ended. */
static void job_go_on(struct worker *w, struct task *task, struct worker_actions *out)
{
    if (job_has_more(task)) {
        job_next_step(task);
        return;
    }
    struct diagnostics none = { .code = LIFECYCLE_SUCCESS };
    job_end(w, task, STATUS_SUCCEEDED, &none, out);
}

void job_skip_step(struct worker *w, struct task *task, struct worker_actions *out)
{
    task->record.events[task->record.step].status = STATUS_SKIPPED;
    job_go_on(w, task, out);
}

/* The last step's outcome told that the revision, as it was then, has no script for this event:
 * nothing has run since, so nothing has changed it. */
static bool job_runs_nothing(const struct task *task)
{
    const struct row_record *record = &task->record;
    const struct lifecycle_row *row = job_step_row(task);
    return row->scripts == SCRIPTS_CURRENT && (record->idle_events >> row->event & 1) != 0;
}

/* As its step would have ended, without a process. */
static void job_pass_step(struct worker *w, struct task *task, struct worker_actions *out)
{
    struct row_record *record = &task->record;
    struct lifecycle_report *report = &record->events[record->step];
    report->status = STATUS_SUCCEEDED;
    report->started_ms = report->ended_ms = w->now_ms;
    outbox_hint(w, task, 0, 0, "", out);
    job_go_on(w, task, out);
}

/* What a build did, behind the events that are steps; of a delta, what was put. */
static void job_take_phases(struct task *task, const struct step_outcome *outcome)
{
    struct row_record *record = &task->record;
    for (size_t i = 0; i < outcome->phase_count && record->event_count < WIRE_EVENTS_MAX; i++)
        record->events[record->event_count++] = outcome->phases[i];
    record->result.outputs = copy_artifacts(&task->arena, outcome->outputs, outcome->output_count);
    record->result.output_count = outcome->output_count;
    record->result.variables =
        copy_exported(&task->arena, outcome->variables, outcome->variable_count);
    record->result.variable_count = outcome->variable_count;
}

static void job_take_outcome(struct worker *w, struct task *task,
                             const struct step_outcome *outcome)
{
    struct row_record *record = &task->record;
    struct lifecycle_report *report = &record->events[record->step];
    if (outcome->started_ms) report->started_ms = outcome->started_ms;
    report->ended_ms = outcome->ended_ms ? outcome->ended_ms : w->now_ms;
    report->status = outcome->status;
    record->step_state = STEP_DONE;
    record->result.bytes += outcome->bytes;
    if (outcome->files) record->files = outcome->files;
    record->idle_events = outcome->idle_events;
    if (report->event == EVENT_RESTORE) restore_take_outcome(task, outcome);
    if (outcome->version_id && outcome->version_id[0])
        record->result.version_id = arena_text(&task->arena, outcome->version_id);
    record->result.way = outcome->way;
    if (outcome->note && outcome->note[0])
        record->result.note = arena_text(&task->arena, outcome->note);
    if (record->job->kind == JOB_BUILD || record->job->kind == JOB_DELTA)
        job_take_phases(task, outcome);
    task->changed = true;
}

void job_step_ended(struct worker *w, struct task *task, const struct step_outcome *outcome,
                    struct worker_actions *out)
{
    assert(task_running(task));
    struct row_record *record = &task->record;
    job_take_outcome(w, task, outcome);
    outbox_hint(w, task, 0, 0, "", out);
    bool ignored = outcome->status == STATUS_FAILED &&
                   job_step_row(task)->scripts == SCRIPTS_LAST_SUCCESSFUL &&
                   record->job->ignore_application_stop_failures && !job_unwanted(task);
    if (outcome->status == STATUS_SUCCEEDED || ignored) {
        job_go_on(w, task, out);
        return;
    }
    if (task_floating(task) && outcome->status == STATUS_UNKNOWN && !job_unwanted(task))
        task->ending = ENDING_LEASE; /* the step's supervisor was faster than we */
    if (job_unwanted(task)) {
        job_end_unwanted(w, task, &outcome->diagnostics, out);
        return;
    }
    if (outcome->interrupted) {
        interruption_enter(w, task, &outcome->diagnostics, out);
        return;
    }
    /* A step that somebody else ended did not do its work. */
    job_end(w, task, outcome->status == STATUS_UNKNOWN ? STATUS_UNKNOWN : STATUS_FAILED,
            &outcome->diagnostics, out);
}

void job_end_unknown(struct worker *w, struct task *task, const struct diagnostics *why,
                     struct worker_actions *out)
{
    job_end(w, task, STATUS_UNKNOWN, why, out);
}

/* A hook that was told to end and left no outcome: nobody asks, but nobody knows, either. */
static void job_end_lost(struct worker *w, struct task *task, const char *log_tail,
                         struct worker_actions *out)
{
    struct diagnostics why = { .code = LIFECYCLE_FAILED_AFTER_RESTART, .script = "" };
    why.log_tail = describe_tail(log_tail ? log_tail : "", WIRE_LOG_TAIL_MAX);
    why.message = arena_format(&out->arena,
                               "%s, and its process left no result: what it did is "
                               "not known. Look at the host",
                               describe_unwanted(w, task, &out->arena));
    task->record.events[task->record.step].status = STATUS_UNKNOWN;
    task->record.events[task->record.step].ended_ms = w->now_ms;
    job_end(w, task, STATUS_UNKNOWN, &why, out);
}

static uint32_t job_runs(const struct row_record *record)
{
    uint32_t runs = record->ordered_run ? record->run - record->ordered_run + 1 : record->run;
    return runs > record->free_runs ? runs - record->free_runs : 1;
}

/* It is lost run after run: what may be begun again ends as failed, for a hook somebody is asked.
 */
static void job_worn_out(struct worker *w, struct task *task, const char *log_tail,
                         struct worker_actions *out)
{
    struct diagnostics why = { .code = LIFECYCLE_FAILED_AFTER_RESTART, .script = "" };
    why.log_tail = describe_tail(log_tail ? log_tail : "", WIRE_LOG_TAIL_MAX);
    if (!job_step_row(task)->repeatable) {
        why.message = arena_format(&out->arena, "its process was lost %u times without a result",
                                   (unsigned)job_runs(&task->record));
        interruption_enter(w, task, &why, out);
        return;
    }
    why.message = describe_worn_out(w, task, &out->arena);
    struct lifecycle_report *report = &task->record.events[task->record.step];
    report->status = STATUS_FAILED;
    report->ended_ms = w->now_ms;
    job_end(w, task, STATUS_FAILED, &why, out);
}

/* Whether anything may begin again is the step's to decide, which knows the revision's appspec and
 * what had begun: it ends with an outcome that says `interrupted`. */
void job_step_lost(struct worker *w, struct task *task, bool begun, const char *log_tail,
                   struct worker_actions *out)
{
    assert(task_running(task));
    struct row_record *record = &task->record;
    actions_note(out, NOTE_WARNING, "job=%s attempt=%u step=%s run=%u: lost %s",
                 record->row.job.text, (unsigned)record->row.attempt,
                 lifecycle_event_name(record->events[record->step].event), (unsigned)record->run,
                 begun ? "without an outcome" : "before it had begun");
    if (begun && job_unwanted(task) && !job_step_row(task)->repeatable) {
        job_end_lost(w, task, log_tail, out);
        return;
    }
    /* Its worker ended between the commit and the start: nothing is wrong with the step. */
    if (!begun && task->adopted && record->free_runs < STEP_FREE_RUNS_MAX) record->free_runs++;
    if (job_runs(record) >= STEP_RUNS_MAX) {
        job_worn_out(w, task, log_tail, out);
        return;
    }
    record->step_state = STEP_NOT_BEGUN;
    record->run++;
    task->changed = true;
}

/* ---- deciding ------------------------------------------------------------------------------ */

static void job_check_overdue(const struct worker *w, struct task *task)
{
    if (!job_unwanted(task) && w->boot_ms >= task->overdue_boot_ms) task->ending = ENDING_OVERDUE;
}

static void job_end_unreadable(struct worker *w, struct task *task, struct worker_actions *out)
{
    struct diagnostics why = { .code = LIFECYCLE_FAILED_AFTER_RESTART };
    why.message = "the job's stored description cannot be read after a restart: what it did is "
                  "not known. Look at the host, then retry the action with a new execution";
    job_end(w, task, STATUS_UNKNOWN, &why, out);
}

void job_decide(struct worker *w, struct task *task, struct worker_actions *out)
{
    const struct row_record *record = &task->record;
    if (record->row.state == ROW_ENDED) {
        keep_decide(w, task, out);
        return;
    }
    if (!record->job) {
        job_end_unreadable(w, task, out);
        return;
    }
    lease_check(w, task, out);
    job_check_overdue(w, task);
    if (task_running(task)) {
        if (!task->asked) {
            task->asked = task->adopted = true;
            job_order_step(w, task, WORKER_STEP_ADOPT_ACTION, out);
        }
        if (!job_unwanted(task) || task->cancel_asked) return;
        task->cancel_asked = true;
        actions_add(out, WORKER_STEP_CANCEL_ACTION)->step.ref = task_step_ref(task);
        return;
    }
    if (job_unwanted(task)) job_end_unwanted(w, task, NULL, out);
    if (record->row.state == ROW_ENDED) {
        keep_decide(w, task, out);
        return;
    }
    if (interruption_waits(task) || hold_waits(task)) return; /* for somebody's word */
    if (model_active_task(w, record->job->target) != task) return;
    if (!lease_live(w, task)) return;
    while (record->row.state != ROW_ENDED && job_runs_nothing(task)) job_pass_step(w, task, out);
    if (record->row.state == ROW_ENDED) return;
    if (hold_due(task))
        hold_enter(w, task, out);
    else
        job_start_step(w, task, out);
}

uint64_t job_deadline(const struct worker *w, const struct task *task)
{
    if (task->record.row.state == ROW_ENDED || job_unwanted(task) || restore_active(task))
        return UINT64_MAX;
    uint64_t lease = lease_deadline(w, task);
    return lease < task->overdue_boot_ms ? lease : task->overdue_boot_ms;
}
