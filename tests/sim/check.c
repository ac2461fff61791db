#include "check.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading the journal ---- */

const struct execution *check_execution(const struct world *w, const struct id *id)
{
    const struct disk *d = &w->nodes[0].disk;
    for (size_t i = 0; i < d->count; i++)
        if (d->at[i]->record.kind == RECORD_EXECUTION &&
            id_equal(&d->at[i]->record.execution.id, id))
            return &d->at[i]->record.execution;
    return NULL;
}

const struct job_state *check_job(const struct world *w, const struct id *job)
{
    const struct disk *d = &w->nodes[0].disk;
    for (size_t i = 0; i < d->count; i++)
        if (d->at[i]->record.kind == RECORD_JOB && id_equal(&d->at[i]->record.job.id, job))
            return &d->at[i]->record.job;
    return NULL;
}

const struct template *check_template(const struct world *w, const struct execution *e)
{
    const struct record like = {
        .kind = RECORD_DEFINITION,
        .definition = { .name = e->pipeline, .version = e->pipeline_version },
    };
    const struct record *found = disk_get(&w->nodes[0].disk, &like);
    if (!found || found->definition.text.len == 0) return NULL;
    size_t index = (size_t)(found->definition.text.data[0] - '0');
    return index < w->template_count ? &w->templates[index] : NULL;
}

/* ---- one record ---- */

static void check_status(struct world *w, const char *what, const char *name, enum status old,
                         enum status new, bool retried)
{
    bool back = !retried && ((status_ended(old) && new != old) ||
                             (old != STATUS_PENDING && new == STATUS_PENDING));
    if (back)
        world_fail(w, "BACK", "%s %s goes from %s to %s", what, name, status_name(old),
                   status_name(new));
}

uint32_t check_retries(const struct execution *e)
{
    uint32_t sum = 0;
    for (size_t s = 0; s < e->stage_count; s++)
        sum += e->stages[s].auto_retries + e->stages[s].manual_retries;
    return sum;
}

/* A person's answer is the end of the question, and there is no other way to a good end. */
static void check_answer(struct world *w, const struct action_state *old,
                         const struct action_state *new)
{
    if (id_empty(&new->token) || old->status == new->status) return;
    if (new->status == STATUS_SUCCEEDED && !text_equal(new->updated_by, "ana"))
        world_fail(w, "APPROVAL", "action %s succeeded and nobody has approved it", new->name);
    if (status_ended(old->status) && id_equal(&old->token, &new->token))
        world_fail(w, "APPROVAL", "action %s is answered twice", new->name);
}

static void check_execution_put(struct world *w, const struct execution *old,
                                const struct execution *new)
{
    bool retried = check_retries(new) > check_retries(old);
    for (size_t s = 0; s < new->stage_count &&s < old->stage_count; s++)
        retried = retried || check_overridden(&old->stages[s], &new->stages[s]);
    check_status(w, "execution", new->id.text, old->status, new->status, retried);
    if (old->pipeline_version != new->pipeline_version || old->stage_count != new->stage_count ||
        !text_equal(old->revisions[0].revision_id, new->revisions[0].revision_id))
        world_fail(w, "PIN", "execution %s changes what it was pinned to", new->id.text);
    for (size_t s = 0; s < new->stage_count &&s < old->stage_count; s++) {
        const struct stage_state *a = &old->stages[s], *b = &new->stages[s];
        retried = b->auto_retries + b->manual_retries > a->auto_retries + a->manual_retries ||
                  check_overridden(a, b);
        check_status(w, "stage", b->name, a->status, b->status, retried);
        if (b->auto_retries > 1)
            world_fail(w, "RETRY", "stage %s of execution %s retries itself again", b->name,
                       new->id.text);
        for (size_t i = 0; i < b->action_count; i++) {
            check_status(w, "action", b->actions[i].name, a->actions[i].status,
                         b->actions[i].status, retried);
            check_answer(w, &a->actions[i], &b->actions[i]);
        }
        for (size_t i = 0; i < b->rule_count; i++)
            check_status(w, "rule", b->rules[i].name, a->rules[i].status, b->rules[i].status,
                         retried);
    }
}

/* The operator's word is about to be journalled. */
static void check_resume_put(struct world *w, const struct interruption *old,
                             const struct job_state *new)
{
    const struct interruption *now = &new->interruption;
    bool same = old->step == now->step && old->run == now->run;
    if (now->verb == RESUME_NONE || (same && old->verb == now->verb)) return;
    if (now->held != (now->verb == RESUME_GO_ON))
        world_fail(w, "RESUME", "job %s: a word that is not for what it waits for", new->id.text);
    if (now->held) return; /* the last one to be prepared hears it in the same turn */
    if (!same || old->verb != RESUME_NONE)
        world_fail(w, "RESUME", "job %s: a word for run %u that nobody has asked for", new->id.text,
                   now->run);
    struct truth *t = check_truth(w, &new->id);
    w->stats->resumes++;
    if (now->verb == RESUME_RERUN) t->hook_ordered[new->failed_event]++;
    if (now->verb == RESUME_SKIP) t->skipped[new->failed_event] = true;
}

static void check_job_put(struct world *w, const struct job_state *old, const struct job_state *new)
{
    if (status_ended(old->status) && new->status != old->status)
        world_fail(w, "BACK", "job %s goes from %s to %s", new->id.text, status_name(old->status),
                   status_name(new->status));
    if (new->attempt < old->attempt || fence_compare(new->fence, old->fence) < 0)
        world_fail(w, "BACK", "job %s: attempt or fence goes backwards", new->id.text);
    if (new->attempt == old->attempt && old->attempt && !text_equal(new->worker, old->worker) &&
        new->status == STATUS_IN_PROGRESS)
        world_fail(w, "P2", "job %s: another worker under the same attempt", new->id.text);
    if (new->kind == JOB_DEPLOY && !text_equal(new->worker, old->worker))
        world_fail(w, "PINNED", "job %s moves from %s to %s", new->id.text, old->worker,
                   new->worker);
    check_resume_put(w, &old->interruption, new);
    if (new->attempt > 20) world_fail(w, "L4", "job %s: attempt %u", new->id.text, new->attempt);
}

static uint32_t version_number(const struct execution *e)
{
    return (uint32_t)strtoul(e->revisions[0].revision_id + 1, NULL, 10);
}

/* Polling turns each version into an execution once, and never goes back to an older one. */
static void check_execution_new(struct world *w, const struct execution *new)
{
    const struct disk *d = &w->nodes[0].disk;
    if (new->trigger != TRIGGER_POLL &&new->trigger != TRIGGER_CREATE) return;
    for (size_t i = 0; i < d->count; i++) {
        const struct record *r = &d->at[i]->record;
        if (r->kind != RECORD_EXECUTION || !text_equal(r->execution.pipeline, new->pipeline))
            continue;
        if (version_number(&r->execution) >= version_number(new))
            world_fail(w, "SOURCE", "version %s is started by polling after version %s",
                       new->revisions[0].revision_id, r->execution.revisions[0].revision_id);
    }
}

/* Whoever is drained ends what it has and is given nothing new. */
static void check_drained(struct world *w, const struct record *old, const struct job_state *new)
{
    bool given = new->status == STATUS_IN_PROGRESS && (!old || old->job.attempt < new->attempt);
    const struct record like = { .kind = RECORD_WORKER, .worker = { .name = new->worker } };
    const struct record *worker = given ? disk_get(&w->nodes[0].disk, &like) : NULL;
    if (worker && worker->worker.drained)
        world_fail(w, "DRAIN", "job %s attempt %u is given to %s, which is drained", new->id.text,
                   new->attempt, new->worker);
}

void check_coordinator_put(struct world *w, const struct record *old, const struct record *new)
{
    struct disk *d = &w->nodes[0].disk;
    if (new->kind == RECORD_EVENT &&new->event.seq != d->event_seq + 1)
        world_fail(w, "EVENTS", "event %llu follows %llu", (unsigned long long)new->event.seq,
                   (unsigned long long)d->event_seq);
    if (new->kind == RECORD_EPOCH) {
        if (new->epoch.epoch <= w->epoch_max)
            world_fail(w, "S7", "epoch %llu after %llu", (unsigned long long)new->epoch.epoch,
                       (unsigned long long)w->epoch_max);
        w->epoch_max = new->epoch.epoch;
    }
    if (new->kind == RECORD_ROW || new->kind == RECORD_SELF || new->kind == RECORD_TARGET)
        world_fail(w, "KIND", "the coordinator writes a record that is a worker's");
    if (new->kind == RECORD_JOB) check_drained(w, old, &new->job);
    if (!old && new->kind == RECORD_EXECUTION) check_execution_new(w, &new->execution);
    if (!old) return;
    if (new->kind == RECORD_EXECUTION) check_execution_put(w, &old->execution, &new->execution);
    if (new->kind == RECORD_JOB) check_job_put(w, &old->job, &new->job);
    if (new->kind == RECORD_SUBMISSION &&
        !id_equal(&old->submission.execution, &new->submission.execution))
        world_fail(w, "S10", "submission %s gets another execution", new->submission.id.text);
}

/* ---- records together ---- */

enum { TRAFFIC_EVENTS = 4 };

static void check_job_succeeded(struct world *w, const struct job_state *job)
{
    static const enum lifecycle_event deploy[] = {
        EVENT_APPLICATION_STOP, EVENT_DOWNLOAD_BUNDLE, EVENT_BEFORE_INSTALL, EVENT_INSTALL,
        EVENT_AFTER_INSTALL, EVENT_APPLICATION_START, EVENT_VALIDATE_SERVICE,
        /* around traffic */
        EVENT_BEFORE_BLOCK_TRAFFIC, EVENT_AFTER_BLOCK_TRAFFIC, EVENT_BEFORE_ALLOW_TRAFFIC,
        EVENT_AFTER_ALLOW_TRAFFIC
    };
    static const enum lifecycle_event copy[] = { EVENT_REPLICATE };
    static const enum lifecycle_event build[] = { EVENT_BUILD };
    static const enum lifecycle_event delta[] = { EVENT_DELTA };
    bool deploys = job->kind == JOB_DEPLOY;
    const enum lifecycle_event *events = deploys                  ? deploy
                                         : job->kind == JOB_BUILD ? build
                                         : job->kind == JOB_DELTA ? delta
                                                                  : copy;
    size_t count = deploys ? sizeof deploy / sizeof deploy[0] : 1;
    const struct truth *t = check_truth(w, &job->id);
    if (deploys && !t->traffic) count -= TRAFFIC_EVENTS;
    for (size_t i = 0; i < count; i++)
        if (t->succeeded[events[i]] != job->attempt && !t->skipped[events[i]])
            world_fail(w, "S5", "job %s succeeded in the journal, but its %s did not", job->id.text,
                       lifecycle_event_name(events[i]));
}

static bool copy_exists(const struct world *w, const struct copy_state *copy)
{
    for (size_t i = 0; i < w->copy_count; i++)
        if (text_equal(w->copies[i].key, copy->ref.key) &&
            text_equal(w->copies[i].version_id, copy->ref.version_id) &&
            memcmp(w->copies[i].sha256, copy->ref.sha256, SHA256_SIZE) == 0)
            return true;
    return false;
}

/* What the artifact of this execution must be: the source's bytes, or what a build makes of them.
 */
static void digest_of(const struct execution *e, const char *artifact, uint8_t out[SHA256_SIZE])
{
    memcpy(out, e->revisions[0].ref.sha256, SHA256_SIZE);
    if (text_equal(artifact, "Built")) process_build_digest(e->revisions[0].ref.sha256, out);
}

/* A succeeded action: every one of its jobs did, or as many as its deployment group wants, and at
 * least one for each enrolled worker that was there all the time. */
static void check_action_succeeded(struct world *w, const struct execution *e,
                                   const struct action_state *action)
{
    const struct disk *d = &w->nodes[0].disk;
    size_t deployed = 0, bad = 0;
    if (!id_empty(&action->token)) return; /* see check_answer() */
    for (size_t i = 0; i < d->count; i++) {
        const struct record *r = &d->at[i]->record;
        if (r->kind != RECORD_JOB || job_kind_moves(r->job.kind)) continue;
        if (!id_equal(&r->job.action_execution, &action->id)) continue;
        if (action->hosts && r->job.status != STATUS_SUCCEEDED) {
            if (++bad > action->spare)
                world_fail(w, "S5", "action %s of execution %s succeeded with %zu bad hosts",
                           action->name, e->id.text, bad);
            continue;
        }
        deployed++;
        if (r->job.status != STATUS_SUCCEEDED)
            world_fail(w, "S5", "action %s of execution %s succeeded, its job %s is %s",
                       action->name, e->id.text, r->job.id.text, status_name(r->job.status));
        uint8_t digest[SHA256_SIZE];
        digest_of(e, r->job.artifact, digest);
        if (r->job.kind == JOB_DEPLOY &&
            memcmp(check_truth(w, &r->job.id)->installed, digest, SHA256_SIZE) != 0)
            world_fail(w, "S8", "host %s does not have the revision of execution %s", r->job.worker,
                       e->id.text);
    }
    if (!deployed)
        world_fail(w, "S5", "action %s of execution %s succeeded without any job", action->name,
                   e->id.text);
}

bool check_stage_passed(const struct stage_state *stage)
{
    return stage->status == STATUS_SUCCEEDED || stage->status == STATUS_SKIPPED;
}

/* What it brings back was once good in that stage, and nothing newer stands there meanwhile. */
static void check_rollback(struct world *w, const struct execution *e)
{
    const struct execution *target = check_execution(w, &e->rollback_target);
    if (e->type != TYPE_ROLLBACK) return;
    if (!target || target->pipeline_version != e->pipeline_version ||
        !text_equal(target->revisions[0].revision_id, e->revisions[0].revision_id)) {
        world_fail(w, "ROLLBACK", "execution %s does not have what its target had", e->id.text);
        return;
    }
    size_t begun = 0;
    for (size_t s = 0; s < e->stage_count; s++) {
        if (e->stages[s].status == STATUS_SKIPPED) continue;
        begun++;
        if (s == 0 || target->stages[s].status != STATUS_SUCCEEDED)
            world_fail(w, "ROLLBACK", "execution %s goes back to what never succeeded in %s",
                       e->id.text, e->stages[s].name);
    }
    if (begun != 1) world_fail(w, "ROLLBACK", "execution %s has %zu stages", e->id.text, begun);
}

static void check_stages(struct world *w, const struct execution *e)
{
    for (size_t s = 0; s < e->stage_count; s++) {
        const struct stage_state *stage = &e->stages[s];
        if (s && stage->status != STATUS_PENDING && !check_stage_passed(&e->stages[s - 1]) &&
            !check_stage_passed(stage))
            world_fail(w, "ORDER", "execution %s: stage %s is %s, the one before is %s", e->id.text,
                       stage->name, status_name(stage->status),
                       status_name(e->stages[s - 1].status));
        for (size_t a = 0; a < stage->action_count; a++) {
            if (s && stage->actions[a].status == STATUS_SUCCEEDED)
                check_action_succeeded(w, e, &stage->actions[a]);
            bool left_out = e->type == TYPE_ROLLBACK && stage->actions[a].status == STATUS_SKIPPED;
            if (stage->status == STATUS_SUCCEEDED && !left_out &&
                stage->actions[a].status != STATUS_SUCCEEDED)
                world_fail(w, "S5", "execution %s: stage %s succeeded without action %s",
                           e->id.text, stage->name, stage->actions[a].name);
        }
        check_asked(w, e, s);
        if (stage->status == STATUS_SKIPPED && e->type != TYPE_ROLLBACK &&
            !check_asked_skips(w, e, s))
            world_fail(w, "ORDER", "execution %s skips stage %s", e->id.text, stage->name);
        if (e->status == STATUS_SUCCEEDED && !check_stage_passed(stage))
            world_fail(w, "S5", "execution %s succeeded without stage %s", e->id.text, stage->name);
    }
    for (size_t i = 0; i < e->copy_count; i++) {
        const struct copy_state *copy = &e->copies[i];
        if (copy->status != STATUS_SUCCEEDED || id_empty(&copy->job)) continue;
        if (!copy_exists(w, copy))
            world_fail(w, "S5", "execution %s: the copy for %s is not in the store", e->id.text,
                       copy->region);
        check_way(w, e, copy);
    }
}

void check_coordinator_committed(struct world *w, const struct record *record)
{
    if (record->kind == RECORD_EXECUTION) {
        const struct execution *e = check_execution(w, &record->execution.id);
        if (!e) return; /* deleted in the same turn */
        check_stages(w, e);
        check_rollback(w, e);
        check_region_execution(w, e);
        check_neighbours(w, e);
    } else if (record->kind == RECORD_JOB && record->job.status == STATUS_PENDING) {
        check_region_job(w, &record->job);
    } else if (record->kind == RECORD_JOB && record->job.status == STATUS_IN_PROGRESS) {
        check_region_job(w, &record->job);
        check_hosts_spared(w, &record->job);
    } else if (record->kind == RECORD_JOB && record->job.status == STATUS_SUCCEEDED) {
        check_job_succeeded(w, &record->job);
    }
}

/* ---- words ---- */

bool check_assigned(const struct world *w, uint32_t worker, const struct job *job)
{
    const struct job_state *state = check_job(w, &job->id);
    return state && state->status == STATUS_IN_PROGRESS && state->attempt == job->attempt &&
           !fence_compare(state->fence, job->fence) &&
           text_equal(state->worker, w->nodes[worker].name) &&
           id_equal(&state->incarnation, &job->incarnation);
}

/* What comes behind an offer in the same turn (its result, its refusal) may have ended the attempt:
 * then it was assigned before the turn, and the offer is pointless, not wrong. */
static void check_offer(struct world *w, uint32_t worker, const struct job *job, bool before)
{
    if (!before && !check_assigned(w, worker, job))
        world_fail(w, "P2", "job %s attempt %u is offered to %s, but not assigned in the journal",
                   job->id.text, job->attempt, w->nodes[worker].name);
    const struct execution *e = check_execution(w, &job->execution);
    const struct job_state *state = check_job(w, &job->id);
    uint8_t digest[SHA256_SIZE];
    if (e && state) digest_of(e, state->artifact, digest);
    if (!e || !state || memcmp(digest, job->input.sha256, SHA256_SIZE) != 0)
        world_fail(w, "S8", "job %s is offered with another digest than its execution's",
                   job->id.text);
}

static bool attempt_over(const struct world *w, const struct job_key *key)
{
    const struct job_state *state = check_job(w, &key->job);
    return !state || state->attempt > key->attempt || status_ended(state->status) ||
           state->status == STATUS_PENDING;
}

/* A result that came in the same turn as the heartbeat does no harm: its worker has ended. */
static void check_lease(struct world *w, uint32_t worker, const struct row *row)
{
    if (check_row_ended(w, worker, row)) return;
    const struct job_state *state = check_job(w, &row->job);
    bool current = state && state->attempt == row->attempt && state->status != STATUS_PENDING &&
                   text_equal(state->worker, w->nodes[worker].name);
    if (!current || status_ended(state->status))
        world_fail(w, "P9", "%s gets a lease for job %s attempt %u, which is over",
                   w->nodes[worker].name, row->job.text, row->attempt);
}

void check_coordinator_send(struct world *w, uint32_t worker, const struct message *m,
                            const struct job *offered, bool before)
{
    const char *name = w->nodes[worker].name;
    if (m->type == MESSAGE_OFFER) check_offer(w, worker, offered, before);
    if (m->type == MESSAGE_WELCOME && m->welcome.epoch != w->epoch_max)
        world_fail(w, "S7", "%s is welcomed with an epoch that is not committed", name);
    if (m->type == MESSAGE_RESULT_ACK && !attempt_over(w, &m->result_ack))
        world_fail(w, "S6", "the result of job %s is acknowledged, but not in the journal",
                   m->result_ack.job.text);
    if (m->type == MESSAGE_DROP && !attempt_over(w, &m->drop))
        world_fail(w, "P8", "%s shall drop job %s attempt %u, which is not over", name,
                   m->drop.job.text, m->drop.attempt);
    if (m->type == MESSAGE_LEASE)
        for (size_t i = 0; i < m->lease.row_count; i++) check_lease(w, worker, &m->lease.rows[i]);
    if (m->type == MESSAGE_RESUME) {
        const struct step_key *at = &m->resume.resume->at;
        const struct job_state *state = check_job(w, &at->key.job);
        if (!state || (state->interruption.verb != m->resume.resume->verb &&
                       state->interruption.run == at->run))
            world_fail(w, "P1", "a resume is sent that is not in the journal");
    }
    if (m->type == MESSAGE_INTERRUPTED_ACK) {
        const struct job_state *state = check_job(w, &m->interrupted_ack.key.job);
        if (!state || state->interruption.run == 0)
            world_fail(w, "S6", "an interruption is acknowledged, but not in the journal");
    }
    if (m->type == MESSAGE_CANCEL) {
        const struct job_state *state = check_job(w, &m->cancel.cancel->key.job);
        if (!state || !state->cancel)
            world_fail(w, "P1", "a cancel is sent that is not in the journal");
    }
}
