/* Regions of a stage: waves that wait, and the one that is watched. */
#include "core/why.h"

#include "core/wave.h"

static struct reason *of_stage(struct why *why, enum reason_code code, size_t stage)
{
    struct reason *to = why_add(why, code);
    if (!to) return NULL;
    to->stage = arena_text(why->arena, why->e->stages[stage].name);
    to->since_ms = why->e->stages[stage].started_ms;
    return to;
}

static void bakes(struct why *why, size_t stage)
{
    const struct stage_state *state = &why->e->stages[stage];
    const struct pipeline_regions *rules = wave_rules(why->e, stage);
    struct reason *to = of_stage(why, REASON_BAKE, stage);
    if (!to || !state->bake_wave || state->bake_wave > rules->wave_count) return;
    const struct pipeline_wave *wave = &rules->waves[state->bake_wave - 1];
    uint64_t span_ms = (uint64_t)wave->bake_minutes * 60000;
    to->region = wave_regions(wave, why->arena);
    to->since_ms = state->bake_ms > span_ms ? state->bake_ms - span_ms : 0;
    to->deadline_ms = state->bake_ms;
    to->text =
        arena_format(why->arena, "wave %u of %zu has succeeded and is watched for %u minutes",
                     (unsigned)state->bake_wave, rules->wave_count, (unsigned)wave->bake_minutes);
    to->fix = arena_format(why->arena, "meridian stop %s %.8s ends it here", why->e->state.pipeline,
                           why->e->state.id.text);
}

/* Nothing of the wave has begun. */
static bool untouched(const struct model_execution *e, size_t stage, uint32_t wave)
{
    bool any = false;
    for (size_t a = 0; a < e->stages[stage].action_count; a++) {
        const struct action_state *state = model_action(e, stage, a);
        if (state->wave != wave) continue;
        if (state->status != STATUS_PENDING) return false;
        any = true;
    }
    return any;
}

static void waits(struct why *why, size_t stage, uint32_t wave)
{
    const struct pipeline_regions *rules = wave_rules(why->e, stage);
    struct reason *to = of_stage(why, REASON_WAVE, stage);
    if (!to) return;
    uint32_t bake = rules->waves[wave - 2].bake_minutes;
    to->region = wave_regions(&rules->waves[wave - 1], why->arena);
    to->text = arena_format(
        why->arena, "wave %u of %zu begins when wave %u has succeeded%s", (unsigned)wave,
        rules->wave_count, (unsigned)wave - 1,
        bake ? arena_format(why->arena, " and was watched for %u minutes", (unsigned)bake) : "");
}

/* Regions that maxParallelRegions holds back. */
static void in_turn(struct why *why, size_t stage)
{
    const struct pipeline_regions *rules = wave_rules(why->e, stage);
    size_t running = 0, held = 0;
    const char *regions = "";
    uint32_t wave = 0;
    for (size_t a = 0; a < why->e->stages[stage].action_count; a++) {
        const struct action_state *state = model_action(why->e, stage, a);
        if (state->status != STATUS_IN_PROGRESS) continue;
        running++;
        wave = state->wave;
    }
    for (size_t a = 0; a < why->e->stages[stage].action_count; a++) {
        const struct action_state *state = model_action(why->e, stage, a);
        if (state->status != STATUS_PENDING || state->wave != wave) continue;
        regions = arena_format(why->arena, "%s%s%s", regions, held++ ? ", " : "", state->region);
    }
    if (!rules->max_parallel || !running || !held) return;
    struct reason *to = of_stage(why, REASON_WAVE, stage);
    if (!to) return;
    to->region = regions;
    to->text = arena_format(why->arena, "at most %u region%s at work at once",
                            (unsigned)rules->max_parallel, rules->max_parallel == 1 ? "" : "s");
}

void why_regions(struct why *why, size_t stage)
{
    const struct pipeline_regions *rules = wave_rules(why->e, stage);
    if (wave_bakes(why->c, why->e, stage)) bakes(why, stage);
    in_turn(why, stage);
    for (uint32_t wave = 2; wave <= rules->wave_count; wave++)
        if (untouched(why->e, stage, wave)) waits(why, stage, wave);
}
