/* client.c - people and source objects: what they want, and wanting it again until answered. */
#include "check.h"
#include "sim_nodes.h"

#include <stdio.h>
#include <string.h>

enum { POLL_MS = 1000, ASK_AGAIN_MS = 1500 };

/* Waves without gaps: an unused one is closed up by sim_definition.c. */
static void regions_draw(struct world *w, const struct template *t, struct template_stage *stage)
{
    if (!world_chance(w, 4000)) return;
    if (!w->options.healthy)
        stage->waves = world_below(w, 2) * (1 + world_below(w, w->options.regions));
    for (uint32_t r = 0; r < SIM_REGIONS_MAX; r++) {
        stage->wave[r] = stage->waves ? world_below(w, stage->waves) : 0;
        stage->bake[r] = !w->options.healthy && world_chance(w, 3000);
    }
    stage->region_failure = world_below(w, REGION_CONTINUE + 1);
    /* What pipeline_check() refuses together. */
    bool back = stage->region_failure == REGION_ALL || stage->region_failure == REGION_LOCAL;
    if (back && (t->mode == MODE_PARALLEL || stage->on_failure == 2))
        stage->region_failure = REGION_CONTINUE;
    stage->barrier = world_chance(w, 5000);
    if (!stage->barrier && !w->options.healthy) stage->max_parallel = world_below(w, 3);
}

static void conditions_draw(struct world *w, const struct template *t, struct template_stage *stage)
{
    bool back = stage->region_failure == REGION_ALL || stage->region_failure == REGION_LOCAL;
    static const uint32_t results[TEMPLATE_CONDITIONS][2] = { { 0, 3 }, { 0, 2 }, { 1, 2 } };
    if (w->options.healthy || !world_chance(w, 2500)) return;
    for (uint32_t k = 0; k < TEMPLATE_CONDITIONS; k++) {
        if (!world_chance(w, 5000)) continue;
        stage->asked[k] = ASKED_WINDOW + world_below(w, 3);
        stage->result[k] = results[k][world_below(w, 2)];
        /* What pipeline_check() refuses together. */
        if (stage->result[k] == 2 && (back || t->mode == MODE_PARALLEL))
            stage->result[k] = results[k][0];
    }
}

static void template_draw(struct world *w, struct template *t, uint32_t pipeline)
{
    *t = (struct template){ .pipeline = pipeline };
    t->mode = world_chance(w, 5000) ? MODE_SUPERSEDED : world_below(w, EXECUTION_MODE_COUNT);
    t->stage_count = 1 + world_below(w, TEMPLATE_STAGES_MAX - 1);
    bool build = world_chance(w, 3000);
    t->stage_count += build;
    for (uint32_t s = 0; s < t->stage_count; s++) {
        struct template_stage *stage = &t->stages[s];
        if (build && s == 0) {
            const struct template_action make = { .region = world_below(w, w->options.regions),
                                                  .run_order = 1 };
            *stage =
                (struct template_stage){ .actions = { make }, .action_count = 1, .build = true };
            continue;
        }
        uint32_t orders = 1 + world_below(w, 2);
        stage->action_count = 1 + world_below(w, w->options.regions);
        if (world_chance(w, 3000)) stage->on_failure = 1 + world_below(w, 2);
        stage->retry_mode = world_below(w, RETRY_MODE_COUNT);
        stage->restore = world_chance(w, 4000);
        stage->traffic = world_chance(w, 3000);
        for (uint32_t a = 0; a < stage->action_count; a++)
            stage->actions[a] = (struct template_action){
                .region = (a + s) % w->options.regions,
                .run_order = 1 + world_below(w, orders),
                /* Sometimes the same group again, in the next stage or the other pipeline. */
                .group = world_chance(w, 5000) ? 0 : pipeline * 10 + s,
                .approval = !w->options.healthy && world_chance(w, 800),
            };
        regions_draw(w, t, stage);
        conditions_draw(w, t, stage);
    }
}

static struct sim_op *op_add(struct world *w, enum request_kind kind, uint32_t pipeline)
{
    struct sim_op *op = &w->ops[w->op_count++];
    *op = (struct sim_op){ .kind = kind, .pipeline = pipeline };
    op->submission = id_new_uuid(&w->random);
    return op;
}

static void op_at(struct world *w, uint64_t at)
{
    world_at(w, at, EV_OP, 0, NULL, w->op_count - 1);
}

static void revision_add(struct world *w, uint32_t pipeline)
{
    struct sim_revision *r = &w->revisions[pipeline][w->revision_count[pipeline]++];
    snprintf(r->version_id, sizeof r->version_id, "v%llu", (unsigned long long)++w->versions);
    world_entropy(w, r->sha256);
    world_trace(w, "source of p%u: version %s", pipeline, r->version_id);
}

static void apply_at(struct world *w, uint32_t pipeline, uint64_t at)
{
    template_draw(w, &w->templates[w->template_count], pipeline);
    op_add(w, REQUEST_APPLY, pipeline)->template = (uint32_t)w->template_count++;
    op_at(w, at);
}

static void transition_at(struct world *w, uint32_t pipeline, uint32_t stage, bool enable,
                          uint64_t at)
{
    struct sim_op *op = op_add(w, REQUEST_TRANSITION, pipeline);
    op->stage = stage;
    op->enable = enable;
    op_at(w, at);
}

/* The newest execution is worked on again, or a stage goes back. */
static void plan_repair(struct world *w, uint32_t pipeline, uint64_t at)
{
    bool retry = world_chance(w, 6000);
    bool override = world_chance(w, 2500);
    struct sim_op *op = op_add(w,
                               override ? REQUEST_OVERRIDE
                               : retry  ? REQUEST_RETRY
                                        : REQUEST_ROLLBACK,
                               pipeline);
    op->stage = 1 + world_below(w, 2);
    op->enable = world_chance(w, 5000); /* all of its actions */
    op_at(w, at + world_below(w, 10000));
}

/* Somebody closes a door, somebody may open it; in the end all that were closed are opened. */
static void plan_transitions(struct world *w)
{
    const struct options *o = &w->options;
    if (!world_chance(w, 3000)) return;
    uint32_t pipeline = world_below(w, o->pipelines), stage = 1 + world_below(w, 2);
    transition_at(w, pipeline, stage, false, 500 + world_below(w, o->faults_ms));
    if (world_chance(w, 5000))
        transition_at(w, pipeline, stage, world_chance(w, 5000),
                      500 + world_below(w, o->faults_ms));
    transition_at(w, pipeline, stage, true, o->faults_ms + SIM_DOORS_OPEN_MS);
}

/* Somebody takes a worker out of work; in the end all of them work again. */
static void plan_drains(struct world *w)
{
    const struct options *o = &w->options;
    if (o->healthy || !world_chance(w, 2500)) return;
    uint32_t worker = 1 + world_below(w, o->workers);
    for (uint32_t i = 0; i < 2; i++) {
        struct sim_op *op = op_add(w, REQUEST_DRAIN, 0);
        op->worker = worker;
        op->enable = i == 1;
        op_at(w, i ? o->faults_ms + SIM_DOORS_OPEN_MS : 500 + world_below(w, o->faults_ms));
    }
}

void client_plan(struct world *w)
{
    const struct options *o = &w->options;
    for (uint32_t p = 0; p < o->pipelines; p++) {
        revision_add(w, p);
        apply_at(w, p, 10 + world_below(w, 500));
        world_at(w, 1000, EV_POLL, 0, NULL, p);
    }
    for (uint32_t i = 0; i < o->revisions; i++)
        world_at(w, 500 + world_below(w, o->faults_ms - 500), EV_SOURCE, 0, NULL,
                 world_below(w, o->pipelines));
    for (uint32_t i = 0; i < o->operations; i++) {
        uint32_t pipeline = world_below(w, o->pipelines), kind = world_below(w, 10);
        uint64_t at = 1000 + world_below(w, o->faults_ms);
        if (kind < 6) {
            op_add(w, REQUEST_RUN, pipeline);
            op_at(w, at);
        } else if (kind < 9 && !o->healthy) {
            op_add(w, REQUEST_STOP, pipeline)->abandon = world_chance(w, 5000);
            op_at(w, at);
        } else if (w->template_count < SIM_TEMPLATES_MAX) {
            apply_at(w, pipeline, at);
        }
        if (!o->healthy && world_chance(w, 4000)) plan_repair(w, pipeline, at);
    }
    plan_transitions(w);
    plan_drains(w);
}

void client_op(struct world *w, uint32_t number)
{
    struct sim_op *op = &w->ops[number];
    if (op->done) return;
    world_at(w, ASK_AGAIN_MS, EV_OP, 0, NULL, number);
    if (!w->nodes[0].up) return;
    op->asked = true;
    const struct sim_input input = { .kind = INPUT_REQUEST, .number = number };
    world_input(w, 0, input);
    if (w->nodes[0].up && world_chance(w, w->options.submit_twice)) world_input(w, 0, input);
}

/* A reply is performed: whatever it says is committed (S1), and says the same each time (S10). */
void client_answered(struct world *w, uint32_t number, const struct reply *reply)
{
    if (number >= SIM_OPS_MAX) return; /* an approver looks again later */
    struct sim_op *op = &w->ops[number];
    world_hash(w, 7000 + number);
    bool good = reply->failure.code == ERR_NONE;
    if (!good) world_trace(w, "operation %u fails: %s", number, reply->failure.cause);
    if (good && (op->kind == REQUEST_RUN || op->kind == REQUEST_ROLLBACK)) {
        const struct record like = { .kind = RECORD_SUBMISSION,
                                     .submission = { .client = "somebody", .id = op->submission } };
        const struct record *found = disk_get(&w->nodes[0].disk, &like);
        if (!found || !id_equal(&found->submission.execution, &reply->execution) ||
            !check_execution(w, &reply->execution))
            world_fail(w, "S1", "submission %s is acknowledged, but not in the journal",
                       op->submission.text);
        if (!id_empty(&op->execution) && !id_equal(&op->execution, &reply->execution))
            world_fail(w, "S10", "submission %s has two executions", op->submission.text);
        op->execution = reply->execution;
    }
    if (!world_chance(w, w->options.reply_loss)) op->done = true;
}

void client_source(struct world *w, uint32_t pipeline)
{
    if (w->revision_count[pipeline] == SIM_REVISIONS_MAX) return;
    revision_add(w, pipeline);
}

static bool source_seen(const struct world *w, uint32_t pipeline)
{
    const struct record like = {
        .kind = RECORD_SOURCE,
        .source = { .pipeline = pipeline ? "p1" : "p0", .action = "Source" },
    };
    const struct record *found = disk_get(&w->nodes[0].disk, &like);
    return found && text_equal(found->source.revision_id,
                               w->revisions[pipeline][w->revision_count[pipeline] - 1].version_id);
}

const struct action_state *client_question(const struct world *w, uint32_t pipeline,
                                           struct id *execution)
{
    const struct disk *d = &w->nodes[0].disk;
    for (size_t i = 0; i < d->count; i++) {
        const struct execution *e = &d->at[i]->record.execution;
        if (d->at[i]->record.kind != RECORD_EXECUTION || e->pipeline[1] != (char)('0' + pipeline))
            continue;
        for (size_t s = 0; s < e->stage_count; s++)
            for (size_t a = 0; a < e->stages[s].action_count; a++) {
                const struct action_state *action = &e->stages[s].actions[a];
                if (action->status != STATUS_IN_PROGRESS || id_empty(&action->token)) continue;
                *execution = e->id;
                return action;
            }
    }
    return NULL;
}

/* ---- the operator, who looks at the journal and decides one way or the other ---- */

static struct sim_op *resume_slot(struct world *w)
{
    for (size_t i = 0; i < w->op_count; i++)
        if (w->ops[i].kind == REQUEST_RESUME && w->ops[i].done) return &w->ops[i];
    return w->op_count < SIM_OPS_MAX ? &w->ops[w->op_count++] : NULL;
}

static bool resume_pending(const struct world *w, const struct job_state *job)
{
    for (size_t i = 0; i < w->op_count; i++)
        if (w->ops[i].kind == REQUEST_RESUME && !w->ops[i].done &&
            id_equal(&w->ops[i].execution, &job->execution))
            return true;
    return false;
}

static void operator_look(struct world *w)
{
    const struct disk *d = &w->nodes[0].disk;
    for (size_t i = 0; i < d->count; i++) {
        const struct job_state *job = &d->at[i]->record.job;
        if (d->at[i]->record.kind != RECORD_JOB || job->status != STATUS_IN_PROGRESS) continue;
        if (job->interruption.run == 0 || job->interruption.verb != RESUME_NONE) continue;
        if (job->interruption.held) continue; /* for the others, not for a person */
        if (job->cancel || resume_pending(w, job)) continue;
        struct sim_op *op = resume_slot(w);
        if (!op) return;
        *op = (struct sim_op){ .kind = REQUEST_RESUME,
                               .submission = id_new_uuid(&w->random),
                               .execution = job->execution,
                               .worker = (uint32_t)(job->worker[1] - '0'),
                               .verb = world_chance(w, 5000) ? RESUME_RERUN : RESUME_SKIP };
        world_at(w, 1 + world_below(w, 3000), EV_OP, 0, NULL, (uint64_t)(op - w->ops));
    }
}

void client_poll(struct world *w, uint32_t pipeline)
{
    struct id execution;
    world_at(w, POLL_MS, EV_POLL, 0, NULL, pipeline);
    if (w->nodes[0].up && client_question(w, pipeline, &execution) && world_chance(w, 4000))
        world_input(w, 0, (struct sim_input){ .kind = INPUT_APPROVAL, .number = pipeline });
    if (w->nodes[0].up && world_chance(w, 4000))
        world_input(w, 0, (struct sim_input){ .kind = INPUT_ANSWER });
    operator_look(w);
    if (w->nodes[0].up && !source_seen(w, pipeline))
        world_input(w, 0, (struct sim_input){ .kind = INPUT_SOURCE, .number = pipeline });
}

const char *client_unrest(const struct world *w)
{
    for (size_t i = 0; i < w->op_count; i++)
        if (!w->ops[i].done) return "a client has no answer";
    for (uint32_t p = 0; p < w->options.pipelines; p++)
        if (!source_seen(w, p)) return "a new source version started nothing";
    return NULL;
}
