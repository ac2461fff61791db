/* The rules of a stage's key `meridian`: which region in which wave, and what excludes what. */
#include "core/check.h"

struct subject {
    struct findings *f;
    size_t number;
    const struct pipeline_stage *stage;
    const struct pipeline_regions *rules;
};

static const char *path_of(const struct subject *s, const char *rest)
{
    return arena_format(s->f->arena, ".stages[%zu].meridian%s", s->number, rest);
}

static const char *region_of(const struct subject *s, const struct pipeline_action *action)
{
    return action->region[0] ? action->region : s->f->region;
}

static bool any_action_in(const struct subject *s, const char *region)
{
    for (size_t a = 0; a < s->stage->action_count; a++)
        if (text_equal(region_of(s, &s->stage->actions[a]), region)) return true;
    return false;
}

/* The wave that names the region before wave `wave`, entry `entry`; 0 none. */
static size_t named_before(const struct subject *s, size_t wave, size_t entry, const char *region)
{
    for (size_t w = 0; w <= wave; w++) {
        const struct pipeline_wave *other = &s->rules->waves[w];
        for (size_t r = 0; r < (w == wave ? entry : other->region_count); r++)
            if (text_equal(other->regions[r], region)) return w + 1;
    }
    return 0;
}

static void check_names(const struct subject *s)
{
    for (size_t w = 0; w < s->rules->wave_count; w++) {
        const struct pipeline_wave *wave = &s->rules->waves[w];
        for (size_t r = 0; r < wave->region_count; r++) {
            const char *path =
                path_of(s, arena_format(s->f->arena, ".waves[%zu].regions[%zu]", w, r));
            size_t before = named_before(s, w, r, wave->regions[r]);
            if (before)
                check_say(s->f, wave->at, s->rules->at, path,
                          "region %.60s is in wave %zu already: a region is in one wave",
                          wave->regions[r], before);
            else if (!any_action_in(s, wave->regions[r]))
                check_say(s->f, wave->at, s->rules->at, path,
                          "no action of the stage runs in region %.60s: correct the name or remove "
                          "it from the wave",
                          wave->regions[r]);
        }
    }
}

static const struct pipeline_action *maker_in(const struct subject *s, const char *artifact)
{
    for (size_t a = 0; a < s->stage->action_count; a++)
        for (size_t o = 0; o < s->stage->actions[a].output_count; o++)
            if (text_equal(s->stage->actions[a].outputs[o], artifact)) return &s->stage->actions[a];
    return NULL;
}

static void check_member(const struct subject *s, size_t at)
{
    const struct pipeline_action *action = &s->stage->actions[at];
    const char *region = region_of(s, action);
    uint32_t wave = pipeline_wave_of(s->stage, action, region);
    if (!wave)
        check_say(s->f, action->region_at, action->at,
                  arena_format(s->f->arena, ".stages[%zu].actions[%zu]", s->number, at),
                  "its region %.60s is in no wave of the stage: add it to one of "
                  "meridian.waves[].regions",
                  region);
    for (size_t i = 0; i < action->input_count; i++) {
        const struct pipeline_action *maker = maker_in(s, action->inputs[i]);
        uint32_t made = maker ? pipeline_wave_of(s->stage, maker, region_of(s, maker)) : 0;
        if (made > wave && wave)
            check_say(s->f, action->at, s->stage->at,
                      arena_format(s->f->arena, ".stages[%zu].actions[%zu].inputArtifacts",
                                   s->number, at),
                      "action '%.60s' makes '%.60s' in wave %u, this one needs it in wave %u: move "
                      "the region %.60s into an earlier wave",
                      maker->name, action->inputs[i], (unsigned)made, (unsigned)wave,
                      region_of(s, maker));
    }
}

static void check_failure(const struct subject *s)
{
    enum regions_failure policy = s->rules->on_failure;
    bool back = policy == REGIONS_ALL || policy == REGIONS_LOCAL;
    if (back && s->stage->on_failure == FAILURE_ROLLBACK)
        check_say(s->f, s->rules->at, s->stage->at, path_of(s, ".onFailure"),
                  "the stage's onFailure.result ROLLBACK and meridian.onFailure %s both say what "
                  "goes back: keep one",
                  regions_failure_name(policy));
    if (back && s->f->pipeline->mode == MODE_PARALLEL)
        check_say(s->f, s->rules->at, s->stage->at, path_of(s, ".onFailure"),
                  "nothing can go back in executionMode PARALLEL: use SUPERSEDED or QUEUED, or "
                  "continue");
}

void check_regions(struct findings *f, size_t stage)
{
    const struct pipeline_stage *of = &f->pipeline->stages[stage];
    const struct subject s = { f, stage, of, &of->regions };
    const struct pipeline_regions *rules = s.rules;
    bool any = rules->wave_count || rules->max_parallel || rules->on_failure || rules->barrier;
    if (!any) return;
    if (stage == 0) {
        check_say(f, rules->at, of->at, path_of(&s, ""),
                  "the stage of the sources has no regions: remove the key");
        return;
    }
    check_names(&s);
    for (size_t a = 0; rules->wave_count && a < of->action_count; a++) check_member(&s, a);
    check_failure(&s);
    if (rules->barrier && rules->max_parallel)
        check_say(f, rules->at, of->at, path_of(&s, ".barrier"),
                  "barrier wants the regions prepared together, maxParallelRegions one after the "
                  "other: keep one of them, or divide the regions into waves");
}
