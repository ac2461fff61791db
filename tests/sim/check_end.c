/* check_end.c - liveness: when everything has come to rest, is it the right rest? */
#include "check.h"
#include "sim_nodes.h"

#include <string.h>

static const char *node_unrest(const struct world *w, uint32_t i)
{
    const struct sim_node *n = &w->nodes[i];
    if (!n->up) return "a process is down";
    if (i && !n->session) return "a worker is not connected";
    for (size_t r = 0; r < n->disk.count; r++) {
        const struct record *record = &n->disk.at[r]->record;
        if (record->kind == RECORD_ROW) return "a worker holds a row";
        if (record->kind == RECORD_JOB && !status_ended(record->job.status))
            return "a job has not ended";
        if (record->kind == RECORD_EXECUTION && !status_ended(record->execution.status))
            return "an execution has not ended";
    }
    return NULL;
}

const char *check_unrest(const struct world *w)
{
    const char *why = client_unrest(w);
    for (uint32_t i = 0; !why && i <= w->options.workers; i++) why = node_unrest(w, i);
    return why;
}

static void check_revisions(struct world *w)
{
    const struct disk *d = &w->nodes[0].disk;
    for (uint32_t p = 0; p < w->options.pipelines; p++) {
        const char *newest = w->revisions[p][w->revision_count[p] - 1].version_id;
        bool found = false;
        for (size_t i = 0; i < d->count; i++) {
            const struct record *r = &d->at[i]->record;
            if (r->kind == RECORD_EXECUTION &&
                text_equal(r->execution.revisions[0].revision_id, newest))
                found = true;
        }
        if (!found) world_fail(w, "L1", "no execution ever had the newest revision %s", newest);
    }
}

static void check_submissions(struct world *w)
{
    const struct disk *d = &w->nodes[0].disk;
    size_t started = 0, asked = 0;
    for (size_t i = 0; i < d->count; i++)
        if (d->at[i]->record.kind == RECORD_EXECUTION &&
            (d->at[i]->record.execution.trigger == TRIGGER_START ||
             d->at[i]->record.execution.trigger == TRIGGER_MANUAL_ROLLBACK))
            started++;
    for (size_t i = 0; i < w->op_count; i++) {
        const struct sim_op *op = &w->ops[i];
        if (op->kind != REQUEST_RUN && op->kind != REQUEST_ROLLBACK) continue;
        if (!id_empty(&op->execution)) asked++;
        if (!id_empty(&op->execution) && !check_execution(w, &op->execution))
            world_fail(w, "S1", "execution %s was acknowledged and is gone", op->execution.text);
    }
    if (started != asked)
        world_fail(w, "S10", "%zu submissions made %zu executions", asked, started);
}

/* Once for each artifact and region: never two successful copies of the same bytes. */
static void check_copies(struct world *w)
{
    const struct disk *d = &w->nodes[0].disk;
    for (size_t i = 0; i < d->count; i++) {
        const struct record *a = &d->at[i]->record;
        if (a->kind != RECORD_JOB || a->job.kind != JOB_REPLICATE) continue;
        if (a->job.status != STATUS_SUCCEEDED) continue;
        for (size_t k = i + 1; k < d->count; k++) {
            const struct record *b = &d->at[k]->record;
            if (b->kind == RECORD_JOB && b->job.status == STATUS_SUCCEEDED &&
                b->job.kind == JOB_REPLICATE && text_equal(a->job.target, b->job.target))
                world_fail(w, "ONCE", "jobs %s and %s both copied %s", a->job.id.text,
                           b->job.id.text, a->job.target);
        }
    }
}

/* Where nothing is lost nothing is said twice. */
static void check_said_once(struct world *w, size_t jobs)
{
    static const enum message_type types[] = { MESSAGE_OFFER, MESSAGE_ACCEPT, MESSAGE_RESULT,
                                               MESSAGE_RESULT_ACK };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (w->sent[types[i]] != jobs)
            world_fail(w, "ONCE", "%llu times %s for %zu jobs",
                       (unsigned long long)w->sent[types[i]], message_type_name(types[i]), jobs);
}

static bool any_traffic(const struct world *w)
{
    for (size_t t = 0; t < w->template_count; t++)
        for (size_t s = 0; s < w->templates[t].stage_count; s++)
            if (w->templates[t].stages[s].traffic) return true;
    return false;
}

static void check_healthy(struct world *w)
{
    uint64_t prompt_ms = w->options.prompt_ms * (any_traffic(w) ? 11 : 7) / 7;
    const struct disk *d = &w->nodes[0].disk;
    size_t jobs = 0;
    for (size_t i = 0; i < d->count; i++) jobs += d->at[i]->record.kind == RECORD_JOB;
    check_said_once(w, jobs);
    for (size_t i = 0; i < d->count; i++) {
        const struct record *r = &d->at[i]->record;
        if (r->kind != RECORD_EXECUTION) continue;
        if (r->execution.status != STATUS_SUCCEEDED && r->execution.status != STATUS_SUPERSEDED)
            world_fail(w, "HEALTHY", "execution %s is %s: %s", r->execution.id.text,
                       status_name(r->execution.status), r->execution.status_summary);
        for (size_t s = 1; s < r->execution.stage_count; s++) {
            const struct stage_state *stage = &r->execution.stages[s];
            uint64_t took = stage->ended_ms - stage->started_ms;
            /* Two groups of seven short steps (eleven with traffic control), a copy before them,
             * and another execution's job on the same target in front. */
            if (r->execution.mode != MODE_PARALLEL && stage->status == STATUS_SUCCEEDED &&
                took > prompt_ms)
                world_fail(w, "PROMPT", "execution %s: stage %s took %llu ms", r->execution.id.text,
                           stage->name, (unsigned long long)took);
        }
    }
}

void check_end(struct world *w)
{
    const struct disk *d = &w->nodes[0].disk;
    for (size_t i = 0; i < d->count; i++) {
        const struct record *r = &d->at[i]->record;
        if (r->kind == RECORD_EXECUTION) w->stats->ended[r->execution.status]++;
        if (r->kind == RECORD_JOB) w->stats->jobs_ended[r->job.status]++;
    }
    check_revisions(w);
    check_submissions(w);
    check_copies(w);
    if (w->options.healthy) {
        check_healthy(w);
        return;
    }
    for (const struct run *run = w->runs; run; run = run->next)
        if (run->alive && run->begun)
            world_fail(w, "L3", "a step of job %s still runs", run->ref.job.text);
}
