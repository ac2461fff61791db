#include "check.h"

#include <string.h>

struct truth *check_truth(struct world *w, const struct id *job)
{
    for (struct truth *t = w->truths; t; t = t->next)
        if (id_equal(&t->job, job)) return t;
    struct truth *t = arena_calloc(&w->arena, 1, sizeof *t);
    t->job = *job;
    t->next = w->truths;
    w->truths = t;
    return t;
}

static const struct row_record *row_on_disk(const struct world *w, uint32_t worker,
                                            const struct id *job, uint32_t attempt)
{
    struct record like = { .kind = RECORD_ROW };
    like.row.row.job = *job;
    like.row.row.attempt = attempt;
    const struct record *found = disk_get(&w->nodes[worker].disk, &like);
    return found ? &found->row : NULL;
}

bool check_row_ended(const struct world *w, uint32_t worker, const struct row *row)
{
    const struct row_record *found = row_on_disk(w, worker, &row->job, row->attempt);
    return !found || found->row.state == ROW_ENDED;
}

static struct fence fence_on_disk(const struct world *w, uint32_t worker, const char *target)
{
    const struct record like = { .kind = RECORD_TARGET, .target = { .target = target } };
    const struct record *found = disk_get(&w->nodes[worker].disk, &like);
    return found ? found->target.fence_max : (struct fence){ 0, 0 };
}

static const struct job *job_signed(const struct world *w, const struct row_record *row)
{
    uint64_t index = 0;
    if (row->signed_job.len != sizeof index) return NULL;
    memcpy(&index, row->signed_job.data, sizeof index);
    return index < w->job_count ? w->jobs[index] : NULL;
}

const struct job *check_start(struct world *w, uint32_t worker, const struct sim_step *ref,
                              const struct step_spec *spec)
{
    const char *name = w->nodes[worker].name;
    const struct row_record *row = row_on_disk(w, worker, &ref->job, ref->attempt);
    const struct job *job = row ? job_signed(w, row) : NULL;
    bool keeps = spec->kind == STEP_KEEP_LOG; /* after the end, beside everything else */
    if (!job || row->row.state != (keeps ? ROW_ENDED : ROW_RUNNING) ||
        row->step_state != STEP_STARTED || row->step != ref->step || row->run != ref->run) {
        world_fail(w, "P1", "%s starts step %u run %u of job %s without having committed it", name,
                   ref->step, ref->run, ref->job.text);
        return NULL;
    }
    if (!text_equal(spec->job.target, job->target) || spec->job.attempt != job->attempt ||
        memcmp(spec->job.input.sha256, job->input.sha256, SHA256_SIZE) != 0)
        world_fail(w, "S8", "%s starts job %s with another spec than was signed", name,
                   ref->job.text);
    /* What an install replaced is put back whatever else is wanted. */
    if (!keeps && spec->kind != STEP_UNDO &&
        check_truth(w, &ref->job)->cancel_acked >= ref->attempt)
        world_fail(w, "S9", "%s starts step %u of job %s attempt %u after its CANCEL_ACK", name,
                   ref->step, ref->job.text, ref->attempt);
    if (ref->run > 5 + row->free_runs && !row->ordered_run)
        world_fail(w, "L4", "run %u of a step of job %s", ref->run, ref->job.text);
    return job;
}

/* Another process at work on the same job, or on the same target of the same host. */
static void check_alone(struct world *w, const struct run *run)
{
    for (const struct run *other = w->runs; other; other = other->next) {
        if (other == run || !other->alive || !other->begun) continue;
        if (other->kind == STEP_KEEP_LOG) continue;
        bool same_job = id_equal(&other->ref.job, &run->ref.job);
        bool same_target = text_equal(other->job->target, run->job->target) &&
                           (other->worker == run->worker || run->kind == STEP_REPLICATE);
        if (same_job || same_target)
            world_fail(w, "S3", "job %s attempt %u begins on %s while job %s attempt %u runs on %s",
                       run->ref.job.text, run->ref.attempt, w->nodes[run->worker].name,
                       other->ref.job.text, other->ref.attempt, w->nodes[other->worker].name);
    }
}

/* Fences of a host's target, by what its processes did. */
static void check_fence(struct world *w, const struct run *run)
{
    for (const struct run *other = w->runs; other; other = other->next) {
        if (other == run || other->worker != run->worker || !other->begun) continue;
        if (other->kind == STEP_KEEP_LOG) continue;
        if (other->process > run->process || !text_equal(other->job->target, run->job->target))
            continue;
        if (fence_compare(other->job->fence, run->job->fence) > 0)
            world_fail(w, "S4", "%s: job %s runs after job %s of a greater fence",
                       w->nodes[run->worker].name, run->ref.job.text, other->ref.job.text);
    }
}

static void check_stage_order(struct world *w, const struct run *run)
{
    const struct execution *e = check_execution(w, &run->job->execution);
    if (!e) {
        world_fail(w, "P2", "job %s runs, but its execution is not in the journal",
                   run->ref.job.text);
        return;
    }
    const struct template *t = check_template(w, e);
    size_t s = 0;
    while (s < e->stage_count && !text_equal(e->stages[s].name, run->job->stage)) {
        if (e->stages[s].status != STATUS_SUCCEEDED && e->stages[s].status != STATUS_SKIPPED)
            world_fail(w, "ORDER", "job %s of stage %s runs, but stage %s is %s", run->ref.job.text,
                       run->job->stage, e->stages[s].name, status_name(e->stages[s].status));
        s++;
    }
    if (!t || s == 0 || s >= e->stage_count) return;
    const struct template_stage *stage = &t->stages[s - 1];
    uint32_t own = 0, wave = 0;
    for (uint32_t a = 0; a < stage->action_count; a++)
        if (text_equal(e->stages[s].actions[a].name, run->job->action)) {
            if (!id_equal(&e->stages[s].actions[a].id, &run->job->action_execution))
                return; /* a retry has taken its place, and it is being ended */
            own = stage->actions[a].run_order;
            wave = e->stages[s].actions[a].wave;
        }
    for (uint32_t a = 0; a < stage->action_count; a++) {
        enum status status = e->stages[s].actions[a].status;
        /* Of groups that go back by themselves the rollback runs the actions alone. */
        bool left = e->type == TYPE_ROLLBACK && status == STATUS_SKIPPED;
        /* onFailure continue: a region that failed is left behind. */
        left = left || (stage->region_failure == REGION_CONTINUE && e->type == TYPE_STANDARD &&
                        status != STATUS_IN_PROGRESS);
        if (e->stages[s].actions[a].wave == wave && stage->actions[a].run_order < own &&
            status != STATUS_SUCCEEDED && !left)
            world_fail(w, "ORDER", "job %s of action %s runs before action %s succeeded",
                       run->ref.job.text, run->job->action, e->stages[s].actions[a].name);
    }
}

/* A run of that kind for the same attempt: `over` demands an outcome. */
static const struct run *run_of_kind(const struct world *w, uint32_t worker, const struct id *job,
                                     uint32_t attempt, enum step_kind kind, bool over)
{
    for (const struct run *run = w->runs; run; run = run->next)
        if (run->worker == worker && run->kind == kind && run->ref.attempt == attempt &&
            id_equal(&run->ref.job, job) && run->begun && (run->over || !over))
            return run;
    return NULL;
}

static void check_restoring(struct world *w, const struct run *run)
{
    const struct id *job = &run->ref.job;
    bool undo = run->kind == STEP_UNDO;
    if (undo && run->job->on_failure != ON_FAILURE_RESTORE)
        world_fail(w, "R1", "job %s is undone, and nobody wished it", job->text);
    if (undo && check_truth(w, job)->succeeded[EVENT_VALIDATE_SERVICE] == run->ref.attempt &&
        !run->job->traffic_control)
        world_fail(w, "R1", "job %s is undone, but all of it succeeded", job->text);
    if (!undo && run_of_kind(w, run->worker, job, run->ref.attempt, STEP_UNDO, false))
        world_fail(w, "R2", "%s of job %s begins after it was undone",
                   lifecycle_event_name(run->event), job->text);
}

static bool around_traffic(enum lifecycle_event event)
{
    return event == EVENT_BEFORE_BLOCK_TRAFFIC || event == EVENT_AFTER_BLOCK_TRAFFIC ||
           event == EVENT_BEFORE_ALLOW_TRAFFIC || event == EVENT_AFTER_ALLOW_TRAFFIC;
}

void check_run_begins(struct world *w, const struct run *run)
{
    struct truth *t = check_truth(w, &run->ref.job);
    t->traffic = run->job->traffic_control;
    if (run->kind == STEP_KEEP_LOG) {
        const struct row_record *kept =
            row_on_disk(w, run->worker, &run->ref.job, run->ref.attempt);
        if (!kept || kept->row.state != ROW_ENDED)
            world_fail(w, "KEEP", "the log of job %s is kept before its end", run->ref.job.text);
        return;
    }
    if (run->kind == STEP_HOOK && !run->interrupted && t->begins[run->event] &&
        !process_rerun_safe(run) && t->begins[run->event] > t->hook_ordered[run->event])
        world_fail(w, "S2", "hook %s of job %s begins again (attempt %u run %u)",
                   lifecycle_event_name(run->event), run->ref.job.text, run->ref.attempt,
                   run->ref.run);
    if (!run->interrupted) t->begins[run->event]++;
    check_restoring(w, run);
    if (around_traffic(run->event) && !run->job->traffic_control)
        world_fail(w, "ORDER", "%s of job %s begins without traffic control",
                   lifecycle_event_name(run->event), run->ref.job.text);
    if ((run->kind == STEP_REPLICATE || run->kind == STEP_BUILD) && !run->leased)
        world_fail(w, "P6", "job %s floats and begins without a lease", run->ref.job.text);
    const struct row_record *row = row_on_disk(w, run->worker, &run->ref.job, run->ref.attempt);
    if (!row || row->row.state == ROW_ENDED || row->step != run->ref.step)
        world_fail(w, "S9", "%s of job %s begins although the worker has gone on without it",
                   lifecycle_event_name(run->event), run->ref.job.text);
    const struct job_state *state = check_job(w, &run->ref.job);
    if (!state || state->attempt < run->ref.attempt)
        world_fail(w, "P2", "job %s attempt %u runs, but the journal does not have it",
                   run->ref.job.text, run->ref.attempt);
    check_alone(w, run);
    check_fence(w, run);
    check_stage_order(w, run);
    check_region_run(w, run);
}

void check_run_ended(struct world *w, const struct run *run)
{
    struct truth *t = check_truth(w, &run->ref.job);
    bool ignored = run->event == EVENT_APPLICATION_STOP &&
                   run->job->ignore_application_stop_failures && run->outcome == STATUS_FAILED;
    if (run->outcome == STATUS_SUCCEEDED || ignored) t->succeeded[run->event] = run->ref.attempt;
    if (run->kind == STEP_INSTALL && run->outcome == STATUS_SUCCEEDED)
        memcpy(t->installed, run->job->input.sha256, SHA256_SIZE);
}

/* ---- records ---- */

static void check_row_put(struct world *w, uint32_t worker, const struct row_record *old,
                          const struct row_record *new)
{
    const char *name = w->nodes[worker].name;
    const struct job *job = job_signed(w, new);
    if (!job || !id_equal(&job->id, &new->row.job)) {
        world_fail(w, "S8", "%s keeps a row whose signed bytes are not its job's", name);
        return;
    }
    if (!old && new->accepted_ms > job->expires_ms)
        world_fail(w, "S9", "%s accepts job %s after its expiry", name, new->row.job.text);
    if (!old) return;
    bool back = new->row.state < old->row.state || new->step < old->step ||
                (new->step == old->step &&new->run < old->run) || (old->cancel && !new->cancel) ||
                fence_compare(new->row.fence, old->row.fence) != 0;
    if (back)
        world_fail(w, "BACK", "%s: the row of job %s goes backwards", name, new->row.job.text);
    if (old->row.state == ROW_ENDED && new->result.status != old->result.status)
        world_fail(w, "BACK", "%s: the result of job %s changes", name, new->row.job.text);
}

void check_worker_put(struct world *w, uint32_t worker, const struct record *old,
                      const struct record *new)
{
    const char *name = w->nodes[worker].name;
    if (new->kind == RECORD_ROW) {
        check_row_put(w, worker, old ? &old->row : NULL, &new->row);
    } else if (new->kind == RECORD_SELF) {
        if (old && new->self.epoch_max < old->self.epoch_max)
            world_fail(w, "S7", "%s: its epoch goes backwards", name);
        if (old && !id_equal(&old->self.incarnation, &new->self.incarnation))
            world_fail(w, "P10", "%s: another incarnation on the same disk", name);
    } else if (new->kind == RECORD_TARGET) {
        if (old && fence_compare(new->target.fence_max, old->target.fence_max) < 0)
            world_fail(w, "S4", "%s: the fence of %s goes backwards", name, new->target.target);
    } else {
        world_fail(w, "KIND", "%s writes a record that is the coordinator's", name);
    }
}

/* A turn may hold an answer and, behind it, the word that lets the row go. */
static bool row_let_go(const struct world *w, const struct id *job, uint32_t attempt)
{
    const struct job_state *state = check_job(w, job);
    return state && (state->attempt > attempt || status_ended(state->status) ||
                     state->status == STATUS_PENDING);
}

/* A failure at or after the install was undone, or tried to, before anybody hears of it. */
static void check_restored(struct world *w, uint32_t worker, const struct row_record *row)
{
    const struct id *id = &row->row.job;
    const struct job *job = job_signed(w, row);
    enum status told = STATUS_PENDING;
    for (size_t i = 0; i < row->event_count; i++)
        if (row->events[i].event == EVENT_RESTORE) told = row->events[i].status;
    bool wished = job && job->on_failure == ON_FAILURE_RESTORE;
    bool installed = run_of_kind(w, worker, id, row->row.attempt, STEP_INSTALL, false) != NULL;
    if (wished && installed && row->result.status != STATUS_SUCCEEDED && !status_ended(told))
        world_fail(w, "R3", "job %s is told as %s and was not undone", id->text,
                   status_name(row->result.status));
    const struct run *undo = run_of_kind(w, worker, id, row->row.attempt, STEP_UNDO, true);
    if (told == STATUS_SUCCEEDED && (!undo || undo->outcome != STATUS_SUCCEEDED))
        world_fail(w, "R4", "job %s is told as undone, and is not", id->text);
    if (told == STATUS_FAILED && !undo && row->run < 5)
        world_fail(w, "R5", "the undoing of job %s was given up in its run %u", id->text, row->run);
}

static void check_result_sent(struct world *w, uint32_t worker, const struct result *result)
{
    const struct row_record *row = row_on_disk(w, worker, &result->job, result->attempt);
    if (row && row->row.state == ROW_ENDED && row->step_state != STEP_STARTED)
        check_restored(w, worker, row);
    const struct job_state *state = check_job(w, &result->job);
    if (row && row->row.state == ROW_ENDED && row->result.status == result->status) return;
    if (!row && row_let_go(w, &result->job, result->attempt)) return;
    if (!row && state && result->status == STATUS_STOPPED && result->event_count == 0 &&
        fence_compare(fence_on_disk(w, worker, state->target), result->fence) >= 0)
        return; /* cancelled without a row: the fence keeps the promise */
    world_fail(w, "S6", "%s sends a result of job %s that it has not committed",
               w->nodes[worker].name, result->job.text);
}

void check_worker_send(struct world *w, uint32_t worker, const struct message *m)
{
    const char *name = w->nodes[worker].name;
    if (m->type == MESSAGE_HELLO) {
        const struct record like = { .kind = RECORD_SELF };
        const struct record *self = disk_get(&w->nodes[worker].disk, &like);
        if (!self || !id_equal(&self->self.incarnation, &m->hello.incarnation))
            world_fail(w, "S6", "%s says hello as an incarnation it has not committed", name);
    } else if (m->type == MESSAGE_ACCEPT) {
        const struct row *sent = &m->accept.row;
        const struct row_record *row = row_on_disk(w, worker, &sent->job, sent->attempt);
        bool kept = row ? fence_compare(row->row.fence, sent->fence) == 0
                        : row_let_go(w, &sent->job, sent->attempt);
        if (!kept)
            world_fail(w, "S6", "%s accepts job %s without a committed row", name, sent->job.text);
    } else if (m->type == MESSAGE_RESULT) {
        check_result_sent(w, worker, &m->result);
    } else if (m->type == MESSAGE_RESUME_ACK) {
        const struct step_key *at = &m->resume_ack;
        const struct row_record *row = row_on_disk(w, worker, &at->key.job, at->key.attempt);
        if (row && !row->cancel && row->row.state == ROW_RUNNING &&
            row->step_state == STEP_INTERRUPTED && row->step == at->step && row->run == at->run)
            world_fail(w, "S6", "%s acknowledges a resume of job %s without committing it", name,
                       at->key.job.text);
    } else if (m->type == MESSAGE_CANCEL_ACK) {
        const struct job_key *key = &m->cancel_ack;
        const struct row_record *row = row_on_disk(w, worker, &key->job, key->attempt);
        if (row && !row->cancel && row->row.state != ROW_ENDED)
            world_fail(w, "S6", "%s acknowledges the cancel of job %s without committing it", name,
                       key->job.text);
        struct truth *t = check_truth(w, &key->job);
        if (key->attempt > t->cancel_acked) t->cancel_acked = key->attempt;
    }
}
