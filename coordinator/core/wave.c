#include "core/wave.h"

#include "core/deploy_rollout.h"
#include "core/engine.h"
#include "core/gate.h"
#include "core/journal.h"

#include <assert.h>
#include <string.h>

const struct pipeline_regions *wave_rules(const struct model_execution *e, size_t stage)
{
    static const struct pipeline_regions none = { .wave_count = 0 };
    if (e->state.type == TYPE_ROLLBACK) return &none;
    return &e->definition->state.parsed->stages[stage].regions;
}

const char *wave_regions(const struct pipeline_wave *wave, struct arena *arena)
{
    const char *all = "";
    for (size_t r = 0; r < wave->region_count; r++)
        all = arena_format(arena, "%s%s%s", all, r ? ", " : "", wave->regions[r]);
    return all;
}

/* ---- the order ---- */

static uint64_t order_of(const struct model_execution *e, size_t stage, size_t action)
{
    return (uint64_t)model_action(e, stage, action)->wave << 32 |
           model_action_definition(e, stage, action)->run_order;
}

static bool region_failed(const struct model_execution *e, size_t stage, const char *region)
{
    for (size_t a = 0; a < e->stages[stage].action_count; a++)
        if (model_action(e, stage, a)->status == STATUS_FAILED &&
            text_equal(model_action(e, stage, a)->region, region))
            return true;
    return false;
}

static bool takes_from(const struct pipeline_action *action, const struct pipeline_action *maker)
{
    for (size_t i = 0; i < action->input_count; i++)
        for (size_t o = 0; o < maker->output_count; o++)
            if (text_equal(action->inputs[i], maker->outputs[o])) return true;
    return false;
}

/* What it takes will not be made. */
static bool starves(const struct model_execution *e, size_t stage, size_t action,
                    const bool *spoilt)
{
    for (size_t a = 0; a < e->stages[stage].action_count; a++) {
        bool never = spoilt[a] || model_action(e, stage, a)->status == STATUS_FAILED;
        if (never && takes_from(model_action_definition(e, stage, action),
                                model_action_definition(e, stage, a)))
            return true;
    }
    return false;
}

/* Marks what cannot begin any more because something before it has failed. */
static void spoilt_find(const struct model_execution *e, size_t stage, bool *spoilt)
{
    size_t count = e->stages[stage].action_count;
    for (size_t a = 0; a < count; a++)
        spoilt[a] = model_action(e, stage, a)->status == STATUS_PENDING &&
                    region_failed(e, stage, model_action(e, stage, a)->region);
    for (bool more = true; more;) {
        more = false;
        for (size_t a = 0; a < count; a++) {
            if (spoilt[a] || model_action(e, stage, a)->status != STATUS_PENDING) continue;
            spoilt[a] = starves(e, stage, a, spoilt);
            more = more || spoilt[a];
        }
    }
}

/* ---- between waves ---- */

static const struct model_alarm *alarm_find(struct coordinator *c, const struct model_execution *e,
                                            size_t stage, struct action_state **of)
{
    for (size_t a = 0; a < e->stages[stage].action_count; a++) {
        *of = model_action(e, stage, a);
        if ((*of)->status != STATUS_SUCCEEDED) continue;
        if (!pipeline_deploys(model_action_definition(e, stage, a))) continue;
        const struct model_alarm *alarm = deploy_alarm(c, e, stage, a);
        if (alarm) return alarm;
    }
    return NULL;
}

static void bake_begin(struct coordinator *c, struct model_execution *e, size_t stage,
                       uint32_t wave)
{
    const struct pipeline_regions *rules = wave_rules(e, stage);
    struct stage_state *state = &e->stages[stage];
    char until[JOURNAL_TIME_SIZE];
    state->bake_wave = wave;
    state->bake_ms = c->now_ms + (uint64_t)rules->waves[wave - 1].bake_minutes * 60000;
    model_format(&e->state.status_summary, "stage %s: wave %u of %zu bakes until %s", state->name,
                 (unsigned)wave, rules->wave_count, journal_time(state->bake_ms, until));
    journal_execution(c, e);
    journal_note(c, NOTE_INFO, "execution=%s %s", e->state.id.text, e->state.status_summary);
}

static void bake_forget(struct coordinator *c, struct model_execution *e, size_t stage)
{
    e->stages[stage].bake_wave = 0;
    e->stages[stage].bake_ms = 0;
    journal_execution(c, e);
}

/* The wave has ended: WAVE_OVER when it was watched long enough. */
static enum wave_verdict bake(struct coordinator *c, struct model_execution *e, size_t stage,
                              uint32_t wave)
{
    struct stage_state *state = &e->stages[stage];
    struct action_state *of = NULL;
    const struct pipeline_regions *rules = wave_rules(e, stage);
    assert(wave <= rules->wave_count);
    assert(rules->waves);
    if (rules->waves[wave - 1].bake_minutes == 0) return WAVE_OVER;
    if (state->bake_wave != wave) bake_begin(c, e, stage, wave);
    if (c->now_ms >= state->bake_ms) {
        if (model_text(&e->state.status_summary, "")) journal_execution(c, e);
        return WAVE_OVER;
    }
    const struct model_alarm *alarm = alarm_find(c, e, stage, &of);
    if (alarm) {
        model_format(&of->summary, "alarm %s was raised while wave %u was watched%s%s",
                     alarm->state.name, (unsigned)wave, alarm->state.reason[0] ? ": " : "",
                     alarm->state.reason);
        bake_forget(c, e, stage);
        return WAVE_SPOILT;
    }
    engine_wake_wall(c, state->bake_ms);
    return WAVE_WAITS;
}

/* True when a rollback waits for the stage: this execution ends then. */
static bool gives_way(struct coordinator *c, struct model_execution *e, size_t stage)
{
    const struct model_execution *other = gate_rollback(e, e->stages[stage].name);
    if (!other) return false;
    e->state.stop_requested = true;
    model_format(&e->state.stop_reason, "stopped between waves: execution %s goes back in stage %s",
                 other->state.id.text, e->stages[stage].name);
    journal_execution(c, e);
    return true;
}

static enum wave_verdict between(struct coordinator *c, struct model_execution *e, size_t stage,
                                 uint32_t next)
{
    if (next <= e->stages[stage].bake_wave) bake_forget(c, e, stage); /* of an earlier attempt */
    if (next < 2) return WAVE_OVER;
    if (gives_way(c, e, stage)) return WAVE_WAITS;
    return bake(c, e, stage, next - 1);
}

bool wave_bakes(const struct coordinator *c, const struct model_execution *e, size_t stage)
{
    const struct stage_state *state = &e->stages[stage];
    return state->status == STATUS_IN_PROGRESS && state->bake_wave && c->now_ms < state->bake_ms;
}

/* ---- what begins ---- */

/* Something of that region is at work, or begins with this. */
static bool region_busy(const struct model_execution *e, size_t stage, const char *region,
                        const bool *begin)
{
    for (size_t a = 0; a < e->stages[stage].action_count; a++)
        if ((begin[a] || model_action(e, stage, a)->status == STATUS_IN_PROGRESS) &&
            text_equal(model_action(e, stage, a)->region, region))
            return true;
    return false;
}

static size_t regions_busy(const struct model_execution *e, size_t stage)
{
    size_t count = 0;
    for (size_t a = 0; a < e->stages[stage].action_count; a++) {
        bool first = model_action(e, stage, a)->status == STATUS_IN_PROGRESS;
        for (size_t b = 0; first && b < a; b++)
            first =
                model_action(e, stage, b)->status != STATUS_IN_PROGRESS ||
                !text_equal(model_action(e, stage, a)->region, model_action(e, stage, b)->region);
        count += first;
    }
    return count;
}

static enum wave_verdict begin_at(const struct model_execution *e, size_t stage, uint64_t order,
                                  const bool *spoilt, bool *begin)
{
    size_t most = wave_rules(e, stage)->max_parallel, busy = regions_busy(e, stage), count = 0;
    for (size_t a = 0; a < e->stages[stage].action_count; a++) {
        const struct action_state *state = model_action(e, stage, a);
        if (state->status != STATUS_PENDING || spoilt[a] || order_of(e, stage, a) != order)
            continue;
        if (!region_busy(e, stage, state->region, begin)) {
            if (most && busy >= most) continue;
            busy++;
        }
        begin[a] = true;
        count++;
    }
    return count ? WAVE_BEGINS : WAVE_WAITS;
}

enum wave_verdict wave_decide(struct coordinator *c, struct model_execution *e, size_t stage,
                              bool *begin)
{
    size_t count = e->stages[stage].action_count, running = 0;
    bool spoilt[WIRE_ACTIONS_MAX] = { false };
    uint64_t next = UINT64_MAX;
    assert(count <= WIRE_ACTIONS_MAX);
    memset(begin, 0, WIRE_ACTIONS_MAX * sizeof *begin);
    spoilt_find(e, stage, spoilt);
    for (size_t a = 0; a < count; a++) {
        if (model_action(e, stage, a)->status == STATUS_PENDING && !spoilt[a] &&
            order_of(e, stage, a) < next)
            next = order_of(e, stage, a);
    }
    for (size_t a = 0; a < count; a++) {
        if (model_action(e, stage, a)->status != STATUS_IN_PROGRESS) continue;
        running++;
        if (order_of(e, stage, a) != next) return WAVE_WAITS;
    }
    uint32_t last = (uint32_t)wave_rules(e, stage)->wave_count;
    uint32_t wave = next == UINT64_MAX ? last + 1 : (uint32_t)(next >> 32);
    if (last && !running) {
        enum wave_verdict verdict = between(c, e, stage, wave);
        if (verdict != WAVE_OVER) return verdict;
    }
    return next == UINT64_MAX ? WAVE_OVER : begin_at(e, stage, next, spoilt, begin);
}
