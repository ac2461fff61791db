#include "core/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAGES_MIN = 2, PARALLEL_MAX = 50, SEQUENTIAL_MAX = 50, TEXT_MAX = 600 };

static const char *const name_characters = ".@-_";

void check_say(struct findings *f, struct position at, struct position near, const char *path,
               const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    if (f->count == CHECK_PROBLEMS_MAX) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (at.line == 0) at = near;
    if (at.line == 0) at = f->pipeline->at;
    f->at[f->count++] = (struct problem){ .line = at.line,
                                          .column = at.column,
                                          .path = arena_format(f->arena, "pipeline%s", path),
                                          .text = arena_text(f->arena, text) };
}

bool check_word(const char *text, size_t min, size_t max, const char *also)
{
    size_t len = strlen(text);
    if (len < min || len > max) return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && !strchr(also, c)) return false;
    }
    return true;
}

static const char *stage_path(const struct findings *f, size_t stage, const char *rest)
{
    return arena_format(f->arena, ".stages[%zu]%s", stage, rest);
}

static const char *action_path(const struct findings *f, size_t stage, size_t action,
                               const char *rest)
{
    return arena_format(f->arena, ".stages[%zu].actions[%zu]%s", stage, action, rest);
}

/* ---- the pipeline itself ---- */

static void check_head(struct findings *f)
{
    const struct pipeline *p = f->pipeline;
    if (!check_word(p->name, 1, WIRE_NAME_MAX, name_characters))
        check_say(f, p->name_at, p->at, ".name",
                  "the name '%.120s' must be 1 to 100 letters, digits or . @ - _", p->name);
    if (p->stage_count < STAGES_MIN || p->stage_count > WIRE_STAGES_MAX)
        check_say(f, p->at, p->at, ".stages",
                  "a pipeline has 2 to 50 stages, this one has %zu: the first for its sources, "
                  "then those that use them",
                  p->stage_count);
    size_t actions = 0;
    for (size_t s = 0; s < p->stage_count; s++) actions += p->stages[s].action_count;
    if (actions > WIRE_ACTIONS_MAX)
        check_say(f, p->at, p->at, ".stages",
                  "a pipeline has at most 500 actions, this one has "
                  "%zu: divide it into several pipelines",
                  actions);
}

static void check_store(struct findings *f, size_t at)
{
    const struct pipeline *p = f->pipeline;
    const struct pipeline_store *store = &p->stores[at];
    const char *path = p->stores_is_map
                           ? arena_format(f->arena, ".artifactStores.%s", store->region)
                           : ".artifactStore";
    if (p->stores_is_map && !check_word(store->region, 4, 30, "-"))
        check_say(f, store->at, p->stores_at, path,
                  "the region '%.60s' must be 4 to 30 letters, digits or -", store->region);
    if (!check_word(store->location, 3, 63, "-."))
        check_say(f, store->at, p->stores_at, path,
                  "the location '%.120s' must be the name of a store: 3 to 63 letters, digits or "
                  "- .",
                  store->location);
    for (size_t i = 0; i < at; i++)
        if (p->stores_is_map && text_equal(p->stores[i].region, store->region))
            check_say(f, store->at, p->stores_at, path,
                      "region %s has two artifact stores: keep one", store->region);
}

static void check_stores(struct findings *f)
{
    const struct pipeline *p = f->pipeline;
    bool own = false;
    if (p->store_count == 0) {
        check_say(f, p->stores_at, p->at, "",
                  "no artifact store: write artifactStore, or artifactStores with an entry for "
                  "every region");
        return;
    }
    if (!p->stores_is_map && p->store_count > 1)
        check_say(f, p->stores_at, p->at, ".artifactStore",
                  "both artifactStore and artifactStores are given: keep one of them");
    for (size_t i = 0; i < p->store_count; i++) {
        check_store(f, i);
        own = own || text_equal(p->stores[i].region, f->region);
    }
    if (p->stores_is_map && !own)
        check_say(f, p->stores_at, p->at, ".artifactStores",
                  "the pipeline's own region %s has no artifact store: add an entry for it",
                  f->region);
}

/* ---- stages ---- */

static void check_order(struct findings *f, size_t stage)
{
    const struct pipeline_stage *s = &f->pipeline->stages[stage];
    size_t groups = 0, widest = 0;
    for (size_t a = 0; a < s->action_count; a++) {
        size_t same = 0;
        bool first = true;
        for (size_t b = 0; b < s->action_count; b++) {
            if (s->actions[a].run_order != s->actions[b].run_order) continue;
            same++;
            first = first && b >= a;
        }
        groups += first;
        if (same > widest) widest = same;
    }
    if (widest > PARALLEL_MAX)
        check_say(f, s->at, f->pipeline->at, stage_path(f, stage, ""),
                  "%zu actions have the same runOrder, at most 50 may run in parallel", widest);
    if (groups > SEQUENTIAL_MAX)
        check_say(f, s->at, f->pipeline->at, stage_path(f, stage, ""),
                  "the actions have %zu different runOrders, at most 50 may follow each other",
                  groups);
}

static void check_sources(struct findings *f, size_t stage)
{
    const struct pipeline_stage *s = &f->pipeline->stages[stage];
    for (size_t a = 0; a < s->action_count; a++) {
        const struct pipeline_action *action = &s->actions[a];
        bool source = action->category == CATEGORY_SOURCE;
        if (stage > 0 && source)
            check_say(f, action->at, s->at, action_path(f, stage, a, ""),
                      "a Source action belongs in the first stage: move it there");
        if (stage == 0 && !source)
            check_say(f, action->at, s->at, action_path(f, stage, a, ""),
                      "the first stage holds Source actions only: move '%s' into a later stage",
                      action->name);
    }
}

static void check_stage_names(struct findings *f, size_t stage)
{
    const struct pipeline *p = f->pipeline;
    const struct pipeline_stage *s = &p->stages[stage];
    if (!check_word(s->name, 1, WIRE_NAME_MAX, name_characters))
        check_say(f, s->name_at, s->at, stage_path(f, stage, ".name"),
                  "the name '%.120s' must be 1 to 100 letters, digits or . @ - _", s->name);
    for (size_t i = 0; i < stage; i++)
        if (text_equal(p->stages[i].name, s->name))
            check_say(f, s->name_at, s->at, stage_path(f, stage, ".name"),
                      "another stage is called '%s' too: rename one", s->name);
    for (size_t a = 0; a < s->action_count; a++) {
        const struct pipeline_action *action = &s->actions[a];
        if (!check_word(action->name, 1, WIRE_NAME_MAX, name_characters))
            check_say(f, action->name_at, action->at, action_path(f, stage, a, ".name"),
                      "the name '%.120s' must be 1 to 100 letters, digits or . @ - _",
                      action->name);
        for (size_t b = 0; b < a; b++)
            if (text_equal(s->actions[b].name, action->name))
                check_say(f, action->name_at, action->at, action_path(f, stage, a, ".name"),
                          "another action of the stage is called '%s' too: rename one",
                          action->name);
    }
}

/* ---- artifacts ---- */

struct place {
    size_t stage, action;
    uint32_t run_order;
};

static bool place_before(struct place a, struct place b)
{
    return a.stage != b.stage ? a.stage < b.stage : a.run_order < b.run_order;
}

/* Where the artifact comes from before `end`; false when nowhere. */
static bool produced(const struct pipeline *p, const char *artifact, struct place end)
{
    for (size_t s = 0; s <= end.stage; s++)
        for (size_t a = 0; a < p->stages[s].action_count; a++) {
            const struct pipeline_action *action = &p->stages[s].actions[a];
            if (!place_before((struct place){ s, a, action->run_order }, end)) continue;
            for (size_t o = 0; o < action->output_count; o++)
                if (text_equal(action->outputs[o], artifact)) return true;
        }
    return false;
}

bool check_produced(const struct pipeline *pipeline, const char *artifact, size_t stage)
{
    return produced(pipeline, artifact, (struct place){ stage, 0, UINT32_MAX });
}

static bool named_before(const struct pipeline *p, const char *artifact, struct place end,
                         size_t output)
{
    for (size_t s = 0; s <= end.stage; s++)
        for (size_t a = 0; a < p->stages[s].action_count; a++) {
            const struct pipeline_action *action = &p->stages[s].actions[a];
            bool last = s == end.stage && a == end.action;
            for (size_t o = 0; o < (last ? output : action->output_count); o++)
                if (text_equal(action->outputs[o], artifact)) return true;
            if (last) return false;
        }
    return false;
}

static void check_artifacts(struct findings *f, size_t stage, size_t at)
{
    const struct pipeline_stage *s = &f->pipeline->stages[stage];
    const struct pipeline_action *action = &s->actions[at];
    struct place place = { stage, at, action->run_order };
    for (size_t i = 0; i < action->input_count; i++)
        if (!produced(f->pipeline, action->inputs[i], place))
            check_say(f, action->at, s->at, action_path(f, stage, at, ".inputArtifacts"),
                      "no earlier action has the output artifact '%.120s': correct the name, or "
                      "give this action a greater runOrder than the one that makes it",
                      action->inputs[i]);
    for (size_t i = 0; i < action->output_count; i++) {
        if (!check_word(action->outputs[i], 1, WIRE_NAME_MAX, "-_"))
            check_say(f, action->at, s->at, action_path(f, stage, at, ".outputArtifacts"),
                      "the artifact's name '%.120s' must be 1 to 100 letters, digits or - _",
                      action->outputs[i]);
        if (named_before(f->pipeline, action->outputs[i], place, i))
            check_say(f, action->at, s->at, action_path(f, stage, at, ".outputArtifacts"),
                      "another action has the output artifact '%.120s' too: rename one",
                      action->outputs[i]);
    }
}

static void check_stage(struct findings *f, size_t stage)
{
    const struct pipeline_stage *s = &f->pipeline->stages[stage];
    check_stage_names(f, stage);
    if (s->action_count == 0)
        check_say(f, s->at, f->pipeline->at, stage_path(f, stage, ".actions"),
                  "a stage has at least one action: add one or remove the stage");
    check_sources(f, stage);
    check_order(f, stage);
    check_regions(f, stage);
    check_conditions(f, stage);
    for (size_t a = 0; a < s->action_count; a++) {
        check_action(f, stage, a);
        check_artifacts(f, stage, a);
    }
}

/* Document order; problems of one place stay in the order they were found. */
static void problems_sort(struct problem *at, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct problem moving = at[i];
        size_t to = i;
        while (to > 0 && (at[to - 1].line > moving.line ||
                          (at[to - 1].line == moving.line && at[to - 1].column > moving.column))) {
            at[to] = at[to - 1];
            to--;
        }
        at[to] = moving;
    }
}

size_t pipeline_check(const struct pipeline *pipeline, const char *region, struct arena *arena,
                      const struct problem **out)
{
    struct findings f = { .pipeline = pipeline, .region = region, .arena = arena };
    f.at = arena_calloc(arena, CHECK_PROBLEMS_MAX, sizeof *f.at);
    for (size_t i = 0; i < pipeline->unsupported_count && f.count < CHECK_PROBLEMS_MAX; i++)
        f.at[f.count++] = pipeline->unsupported[i];
    check_head(&f);
    check_stores(&f);
    /* Beyond these bounds the rest would only repeat the same finding. */
    if (pipeline->stage_count <= WIRE_STAGES_MAX)
        for (size_t s = 0; s < pipeline->stage_count; s++)
            if (pipeline->stages[s].action_count <= WIRE_ACTIONS_MAX) check_stage(&f, s);
    if (pipeline->stage_count <= WIRE_STAGES_MAX) check_variables(&f);
    problems_sort(f.at, f.count);
    *out = f.at;
    return f.count;
}
