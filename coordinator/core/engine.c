#include "core/engine.h"

#include "core/approval.h"
#include "core/barrier.h"
#include "core/build.h"
#include "core/condition.h"
#include "core/custom.h"
#include "core/deploy.h"
#include "core/dispatch.h"
#include "core/fleet.h"
#include "core/gate.h"
#include "core/journal.h"
#include "core/retry.h"
#include "core/rollback.h"
#include "core/source.h"
#include "core/variables.h"
#include "core/wave.h"
#include "core/way.h"

#include <assert.h>

/* Each pass but the last ends or begins something, and all of that is bounded. */
enum { PASSES_MAX = 1000000 };

void engine_wake_boot(struct coordinator *c, uint64_t boot_ms)
{
    if (boot_ms < c->wake_boot_ms) c->wake_boot_ms = boot_ms;
}

void engine_wake_wall(struct coordinator *c, uint64_t wall_ms)
{
    if (wall_ms == UINT64_MAX) return;
    engine_wake_boot(c, c->boot_ms + (wall_ms > c->now_ms ? wall_ms - c->now_ms : 0));
}

void engine_set_execution(struct coordinator *c, struct model_execution *e, enum status status)
{
    if (e->state.status == status) return;
    assert(!status_ended(e->state.status));
    e->state.status = status;
    if (status_ended(status)) {
        e->state.ended_ms = c->now_ms;
        e->pipeline->live_count--;
        c->sources_stale = true; /* the bound of live executions may have held one back */
        c->prune = true;
    }
    journal_execution(c, e);
    journal_event_execution(c, e);
}

void engine_set_stage(struct coordinator *c, struct model_execution *e, size_t stage,
                      enum status status)
{
    struct stage_state *state = &e->stages[stage];
    if (state->status == status) return;
    assert(!status_ended(state->status));
    state->status = status;
    if (status == STATUS_IN_PROGRESS) state->started_ms = c->now_ms;
    if (status_ended(status)) state->ended_ms = c->now_ms;
    journal_execution(c, e);
    journal_event_stage(c, e, stage);
}

static uint64_t timeout_ms(const struct coordinator *c, const struct model_execution *e,
                           size_t stage, size_t action)
{
    if (action >= e->stages[stage].action_count) {
        const struct pipeline_rule *rule = model_rule_definition(e, stage, action);
        bool runs = rule->kind == RULE_COMMANDS && !rule->action.timeout_minutes;
        if (!runs || !c->config.action_timeout_ms) return pipeline_rule_timeout_ms(rule);
    }
    if (c->config.action_timeout_ms) return c->config.action_timeout_ms;
    return pipeline_timeout_ms(model_action_definition(e, stage, action));
}

void engine_begin_action(struct coordinator *c, struct model_execution *e, size_t stage,
                         size_t action)
{
    struct action_state *state = model_action(e, stage, action);
    assert(state->status == STATUS_PENDING);
    if (id_empty(&state->id)) state->id = id_new_uuid(&c->random); /* a retry has given one */
    state->status = STATUS_IN_PROGRESS;
    state->started_ms = c->now_ms;
    const struct pipeline_action *definition = model_action_definition(e, stage, action);
    state->deadline_ms = c->now_ms + timeout_ms(c, e, stage, action);
    struct error err = { ERR_NONE, "" };
    bool ready = variables_ready(e, stage, action, &c->out->arena, &err);
    if (ready && definition->category == CATEGORY_APPROVAL) approval_begin(c, e, stage, action);
    journal_execution(c, e);
    journal_event_action(c, e, stage, action);
    if (!ready)
        engine_end_action(c, e, stage, action, STATUS_FAILED, "ConfigurationError", err.text);
}

void engine_end_action(struct coordinator *c, struct model_execution *e, size_t stage,
                       size_t action, enum status status, const char *code, const char *message)
{
    struct action_state *state = model_action(e, stage, action);
    assert(state->status == STATUS_IN_PROGRESS);
    assert(status_ended(status));
    state->status = status;
    state->ended_ms = c->now_ms;
    model_text(&state->error_code, code);
    model_text(&state->error_message, message);
    if (status == STATUS_SUCCEEDED) variables_give(c, e, stage, action);
    journal_execution(c, e);
    journal_event_action(c, e, stage, action);
}

/* ---- stages ---- */

static size_t actions_in(const struct model_execution *e, size_t stage, enum status status)
{
    size_t count = 0;
    for (size_t a = 0; a < e->stages[stage].action_count; a++)
        count += model_action(e, stage, a)->status == status;
    return count;
}

static void action_reconcile(struct coordinator *c, struct model_execution *e, size_t stage,
                             size_t action)
{
    const struct pipeline_action *definition = model_action_definition(e, stage, action);
    if (definition->category == CATEGORY_APPROVAL)
        approval_reconcile(c, e, stage, action);
    else if (custom_of(definition))
        custom_reconcile(c, e, stage, action);
    else if (pipeline_builds(definition))
        build_reconcile(c, e, stage, action);
    else
        deploy_reconcile(c, e, stage, action);
}

/* When onFailure has been asked. */
static void stage_fail(struct coordinator *c, struct model_execution *e, size_t stage)
{
    if (condition_decide(c, e, stage, CONDITION_ON_FAILURE) == CONDITION_WAITS) return;
    engine_set_stage(c, e, stage, STATUS_FAILED);
    retry_automatically(c, e, stage);
}

/* When onSuccess is met. */
static void stage_succeed(struct coordinator *c, struct model_execution *e, size_t stage)
{
    switch (condition_decide(c, e, stage, CONDITION_ON_SUCCESS)) {
    case CONDITION_WAITS: return;
    case CONDITION_MET: engine_set_stage(c, e, stage, STATUS_SUCCEEDED); return;
    case CONDITION_UNMET: break;
    }
    if (condition_failure(e, stage) == FAILURE_ROLLBACK)
        engine_set_stage(c, e, stage, STATUS_FAILED);
    else
        stage_fail(c, e, stage);
}

/* False while beforeEntry is asked, and when it has ended the stage. */
static bool stage_begins(struct coordinator *c, struct model_execution *e, size_t stage)
{
    switch (condition_decide(c, e, stage, CONDITION_BEFORE_ENTRY)) {
    case CONDITION_WAITS: return false;
    case CONDITION_MET: return true;
    case CONDITION_UNMET: break;
    }
    const struct pipeline_stage *definition = &e->definition->state.parsed->stages[stage];
    bool skip = definition->conditions[CONDITION_BEFORE_ENTRY].result == FAILURE_SKIP;
    engine_set_stage(c, e, stage, skip ? STATUS_SKIPPED : STATUS_FAILED);
    return false;
}

static void stage_go_on(struct coordinator *c, struct model_execution *e, size_t stage, bool failed)
{
    bool begin[WIRE_ACTIONS_MAX];
    switch (wave_decide(c, e, stage, begin)) {
    case WAVE_WAITS: return;
    case WAVE_SPOILT: stage_fail(c, e, stage); return;
    case WAVE_OVER:
        if (failed)
            stage_fail(c, e, stage);
        else
            stage_succeed(c, e, stage);
        return;
    case WAVE_BEGINS: break;
    }
    for (size_t a = 0; a < e->stages[stage].action_count; a++)
        if (begin[a]) engine_begin_action(c, e, stage, a);
}

static void stage_reconcile(struct coordinator *c, struct model_execution *e, size_t stage)
{
    for (size_t a = 0; a < e->stages[stage].action_count; a++)
        if (model_action(e, stage, a)->status == STATUS_IN_PROGRESS)
            action_reconcile(c, e, stage, a);
    barrier_reconcile(c, e, stage);
    size_t running = actions_in(e, stage, STATUS_IN_PROGRESS);
    bool failed = actions_in(e, stage, STATUS_FAILED);
    if (e->state.stop_requested) {
        condition_stop(c, e, stage);
        engine_set_stage(c, e, stage, running ? STATUS_STOPPING : STATUS_STOPPED);
    } else if (!stage_begins(c, e, stage))
        return;
    else if (condition_asked(e, stage, CONDITION_ON_FAILURE))
        stage_fail(c, e, stage);
    else if (!failed || wave_rules(e, stage)->on_failure == REGIONS_CONTINUE)
        stage_go_on(c, e, stage, failed);
    else if (!running)
        stage_fail(c, e, stage);
}

/* ---- executions ---- */

void engine_reopen(struct coordinator *c, struct model_execution *e, size_t stage)
{
    struct stage_state *state = &e->stages[stage];
    bool ended = status_ended(e->state.status);
    assert(state->status == STATUS_FAILED || state->status == STATUS_STOPPED);
    state->status = STATUS_IN_PROGRESS;
    state->started_ms = c->now_ms;
    state->ended_ms = 0;
    journal_execution(c, e);
    journal_event_stage(c, e, stage);
    if (!ended) return;
    e->state.status = STATUS_IN_PROGRESS;
    e->state.ended_ms = 0;
    e->state.stop_requested = e->state.stop_abandon = false;
    model_text(&e->state.stop_reason, "");
    model_text(&e->state.status_summary, "");
    e->pipeline->live_count++;
    if (list_empty(&e->live_link)) model_live_insert(c, e);
    journal_event_execution(c, e);
}

static void execution_end_with_stage(struct coordinator *c, struct model_execution *e, size_t stage)
{
    enum status status = e->stages[stage].status;
    const char *why = condition_text(e, stage, &c->out->arena);
    if (status == STATUS_FAILED && why[0])
        model_text(&e->state.status_summary, why);
    else if (status == STATUS_FAILED)
        model_format(&e->state.status_summary, "stage %s failed", e->stages[stage].name);
    if (status == STATUS_STOPPED) model_text(&e->state.status_summary, e->state.stop_reason);
    engine_set_execution(c, e, status);
    if (status == STATUS_FAILED) rollback_automatically(c, e, stage);
    rollback_groups(c, e, stage);
}

static void execution_reconcile(struct coordinator *c, struct model_execution *e)
{
    if (status_ended(e->state.status) || !e->definition) return;
    if (e->state.stop_requested) engine_set_execution(c, e, STATUS_STOPPING);
    size_t stage = gate_next(e);
    if (stage < e->state.stage_count && e->stages[stage].status == STATUS_PENDING) {
        if (e->state.stop_requested) {
            model_text(&e->state.status_summary, e->state.stop_reason);
            engine_set_execution(c, e, STATUS_STOPPED);
            return;
        }
        gate_enter(c, e, stage);
    }
    if (status_ended(e->state.status)) return;
    if (stage < e->state.stage_count && !status_ended(e->stages[stage].status) &&
        e->stages[stage].status != STATUS_PENDING)
        stage_reconcile(c, e, stage);
    stage = gate_next(e);
    if (stage == e->state.stage_count)
        engine_set_execution(c, e, STATUS_SUCCEEDED);
    else if (status_ended(e->stages[stage].status))
        execution_end_with_stage(c, e, stage);
}

/* An ended execution stays live until its last job has ended as well: what a host still does is
 * never forgotten. */
static void live_retire(struct coordinator *c)
{
    for (struct list *link = c->live.next, *next; link != &c->live; link = next) {
        next = link->next;
        struct model_execution *e = list_entry(link, struct model_execution, live_link);
        if (!status_ended(e->state.status) || e->open_count) continue;
        list_remove(&e->live_link);
        c->prune = true;
    }
}

void engine_reconcile(struct coordinator *c)
{
    size_t passes = 0;
    do {
        passes++;
        assert(passes < PASSES_MAX);
        c->changed = false;
        c->wake_boot_ms = UINT64_MAX;
        fleet_reconcile(c);
        source_reconcile(c);
        list_for_each (link, &c->live)
            execution_reconcile(c, list_entry(link, struct model_execution, live_link));
        list_for_each (link, &c->live)
            dispatch_reconcile(c, list_entry(link, struct model_execution, live_link));
    } while (c->changed);
    live_retire(c);
}

/* ---- beginnings ---- */

static struct action_state action_new(const struct pipeline_action *from, const char *region)
{
    return (struct action_state){ .name = from->name,
                                  .region = from->region[0] ? from->region : region,
                                  .provider = from->provider,
                                  .status = STATUS_PENDING,
                                  .summary = "",
                                  .error_code = "",
                                  .error_message = "",
                                  .updated_by = "",
                                  .custom_data = "",
                                  .url = "",
                                  .config = "",
                                  .custom = { .continuation = "", .external_id = "" } };
}

static struct stage_state *stages_of(struct arena *arena, const struct pipeline *pipeline,
                                     const char *region, enum execution_type type)
{
    struct stage_state *stages = arena_calloc(arena, pipeline->stage_count, sizeof *stages);
    for (size_t s = 0; s < pipeline->stage_count; s++) {
        const struct pipeline_stage *stage = &pipeline->stages[s];
        struct action_state *actions = arena_calloc(arena, stage->action_count, sizeof *actions);
        for (size_t a = 0; a < stage->action_count; a++) {
            actions[a] = action_new(&stage->actions[a], region);
            if (type == TYPE_STANDARD)
                actions[a].wave = pipeline_wave_of(stage, &stage->actions[a], actions[a].region);
        }
        size_t rule_count = type == TYPE_STANDARD ? stage->rule_count : 0;
        struct action_state *rules = arena_calloc(arena, rule_count, sizeof *rules);
        uint32_t of_type[CONDITION_TYPE_COUNT] = { 0 };
        for (size_t r = 0; r < rule_count; r++) {
            rules[r] = action_new(&stage->rules[r].action, region);
            of_type[stage->rules[r].condition]++;
        }
        stages[s] = (struct stage_state){ .name = stage->name,
                                          .status = STATUS_PENDING,
                                          .actions = actions,
                                          .action_count = stage->action_count,
                                          .rules = rules,
                                          .rule_count = rule_count,
                                          .entry_rules = of_type[CONDITION_BEFORE_ENTRY],
                                          .success_rules = of_type[CONDITION_ON_SUCCESS] };
    }
    return stages;
}

static void source_stage_done(struct coordinator *c, struct model_execution *e)
{
    engine_set_stage(c, e, 0, STATUS_IN_PROGRESS);
    for (size_t a = 0; a < e->stages[0].action_count; a++) {
        engine_begin_action(c, e, 0, a);
        for (size_t r = 0; r < e->state.revision_count; r++)
            if (text_equal(e->revisions[r].action, model_action(e, 0, a)->name))
                model_text(&model_action(e, 0, a)->summary, e->revisions[r].summary);
        engine_end_action(c, e, 0, a, STATUS_SUCCEEDED, "", "");
    }
    engine_set_stage(c, e, 0, STATUS_SUCCEEDED);
}

static void origin_copies(struct coordinator *c, struct model_execution *e)
{
    for (size_t r = 0; r < e->state.revision_count; r++)
        model_copy_add(e, &(struct copy_state){ .artifact = e->revisions[r].artifact,
                                                .base_revision = "",
                                                .note = "",
                                                .region = c->config.region,
                                                .ref = e->revisions[r].ref,
                                                .status = STATUS_SUCCEEDED });
}

static bool room_for_one(const struct model_pipeline *p, struct failure *failure)
{
    if (p->live_count < MODEL_LIVE_MAX) return true;
    *failure = (struct failure){ ERR_CONFLICT, "the execution was not started",
                                 "ConcurrentPipelineExecutionsLimitExceededException: the pipeline "
                                 "has 100 executions that have not ended",
                                 "wait for some of them, or stop them" };
    return false;
}

/* `from` says what is particular; the rest is the same for each beginning. */
static struct model_execution *execution_begin(struct coordinator *c, struct model_pipeline *p,
                                               const struct model_definition *definition,
                                               const struct execution *from)
{
    struct execution state = *from;
    uint64_t started_ms = c->now_ms; /* different for each: the store's keys sort by it */
    struct list *last = list_last(&p->executions);
    if (last) {
        uint64_t newest = list_entry(last, struct model_execution, link)->state.started_ms;
        if (started_ms <= newest) started_ms = newest + 1;
    }
    state.id = id_new_uuid(&c->random);
    state.pipeline = p->name;
    state.pipeline_version = definition->state.version;
    state.status = STATUS_PENDING;
    state.status_summary = state.stop_reason = "";
    state.started_ms = started_ms;
    state.stage_count = definition->state.parsed->stage_count;
    struct model_execution *e = model_execution_add(c, p, &state);
    e->definition = definition;
    model_live_insert(c, e);
    p->live_count++;
    engine_set_execution(c, e, STATUS_IN_PROGRESS);
    return e;
}

bool engine_start(struct coordinator *c, struct model_pipeline *p, const struct beginning *from,
                  struct id *execution, struct failure *failure)
{
    struct arena *arena = &c->out->arena;
    struct error err;
    const struct variable *variables = NULL;
    struct model_definition *definition = model_definition_current(p);
    assert(definition);
    if (!room_for_one(p, failure)) return false;
    const struct pipeline *parsed = definition->state.parsed;
    if (!variables_start(parsed, from->variables, from->variable_count, arena, &variables, &err)) {
        *failure = (struct failure){ err.code, "the execution was not started",
                                     arena_format(arena, "ValidationException: %s", err.text),
                                     "meridian run --variable NAME=VALUE" };
        return false;
    }
    const struct execution state = {
        .trigger = from->trigger,
        .trigger_detail = from->detail,
        .revisions = from->revisions,
        .revision_count = from->revision_count,
        .stages = stages_of(arena, parsed, c->config.region, TYPE_STANDARD),
        .mode = parsed->mode,
        .variables = variables,
        .variable_count = parsed->variable_count,
    };
    struct model_execution *e = execution_begin(c, p, definition, &state);
    origin_copies(c, e);
    source_stage_done(c, e);
    *execution = e->state.id;
    return true;
}

/* What was built and copied for it, with nothing under way. */
static size_t copies_of(struct arena *arena, const struct execution *target,
                        const struct copy_state **out)
{
    struct copy_state *copies = arena_calloc(arena, target->copy_count, sizeof *copies);
    size_t count = 0;
    for (size_t i = 0; i < target->copy_count; i++) {
        if (target->copies[i].status != STATUS_SUCCEEDED) continue;
        copies[count] = target->copies[i];
        way_carry(&copies[count++]);
    }
    *out = copies;
    return count;
}

/* All actions of the stage, or those of `which`: what they gave to the target they give now. */
static void actions_skip(struct stage_state *stage, const struct stage_state *of_target,
                         const bool *which)
{
    struct action_state *actions = (struct action_state *)stage->actions;
    for (size_t a = 0; a < stage->action_count; a++) {
        if (which && !which[a]) continue;
        actions[a].status = STATUS_SKIPPED;
        actions[a].variables = of_target->actions[a].variables;
        actions[a].variable_count = of_target->actions[a].variable_count;
    }
}

bool engine_start_rollback(struct coordinator *c, const struct model_execution *target,
                           size_t stage, const bool *skip, enum trigger trigger, const char *detail,
                           struct id *execution, struct failure *failure)
{
    struct arena *arena = &c->out->arena;
    const struct pipeline *parsed = target->definition->state.parsed;
    if (!room_for_one(target->pipeline, failure)) return false;
    const struct execution copy = journal_copy_execution(arena, &target->state);
    struct stage_state *stages = stages_of(arena, parsed, c->config.region, TYPE_ROLLBACK);
    for (size_t s = 0; s < parsed->stage_count; s++) {
        if (s != stage) stages[s].status = STATUS_SKIPPED;
        if (s != stage || skip) actions_skip(&stages[s], &copy.stages[s], s == stage ? skip : NULL);
    }
    struct execution state = {
        .trigger = trigger,
        .trigger_detail = detail,
        .revisions = copy.revisions,
        .revision_count = copy.revision_count,
        .stages = stages,
        .mode = target->state.mode,
        .type = TYPE_ROLLBACK,
        .rollback_target = target->state.id,
        .variables = copy.variables,
        .variable_count = copy.variable_count,
    };
    state.copy_count = copies_of(arena, &copy, &state.copies);
    *execution = execution_begin(c, target->pipeline, target->definition, &state)->state.id;
    return true;
}
