#include "shell/definition_wave.h"

#include "io/doc.h"

enum { BAKE_MINUTES_MAX = 10080 /* a week */ };

static bool read_number(const struct doc_node *map, const char *key, uint64_t min, uint64_t max,
                        const char *text, uint32_t *out, struct definition_flaw *flaw)
{
    const struct doc_node *node = doc_get(map, key);
    struct error err = { 0 };
    uint64_t value = 0;
    if (doc_is_null(node)) return true;
    if (!doc_unsigned(node, min, max, &value, &err)) return definition_wrong(flaw, node, text);
    *out = (uint32_t)value;
    return true;
}

static bool read_wave(const struct doc_node *node, struct arena *arena, struct pipeline_wave *out,
                      struct definition_flaw *flaw)
{
    static const char *const known[] = { "regions", "bakeMinutes", NULL };
    out->at = definition_place(node);
    if (!definition_known_only(node, known, "unknown field: a wave has regions and bakeMinutes",
                               flaw))
        return false;
    const struct doc_node *list = doc_get(node, "regions");
    if (doc_is_null(list))
        return definition_wrong(flaw, node, "a wave needs regions: a list of them");
    if (list->kind != DOC_SEQUENCE || list->count == 0 || list->count > WIRE_STAGES_MAX)
        return definition_wrong(flaw, list, "must be a list of 1 to 50 regions");
    const char **regions = arena_calloc(arena, list->count, sizeof *regions);
    out->regions = regions;
    doc_for_each (item, list) {
        if (item->kind != DOC_SCALAR || !item->text[0])
            return definition_wrong(flaw, item, "must be the name of a region");
        regions[out->region_count++] = arena_text(arena, item->text);
    }
    return read_number(node, "bakeMinutes", 0, BAKE_MINUTES_MAX,
                       "must be a whole number of minutes from 0 to 10080 (a week)",
                       &out->bake_minutes, flaw);
}

static bool read_waves(const struct doc_node *map, struct arena *arena,
                       struct pipeline_regions *out, struct definition_flaw *flaw)
{
    const struct doc_node *list = doc_get(map, "waves");
    if (doc_is_null(list)) return true;
    if (list->kind != DOC_SEQUENCE || list->count > WIRE_STAGES_MAX)
        return definition_wrong(flaw, list, "must be a list of at most 50 waves");
    struct pipeline_wave *waves = arena_calloc(arena, list->count, sizeof *waves);
    out->waves = waves;
    doc_for_each (item, list)
        if (!read_wave(item, arena, &waves[out->wave_count++], flaw)) return false;
    return true;
}

static bool read_failure(const struct doc_node *map, enum regions_failure *out,
                         struct definition_flaw *flaw)
{
    const struct doc_node *node = doc_get(map, "onFailure");
    if (doc_is_null(node)) return true;
    for (enum regions_failure f = REGIONS_ALL; f <= REGIONS_CONTINUE; f++) {
        if (node->kind != DOC_SCALAR || !text_equal(node->text, regions_failure_name(f))) continue;
        *out = f;
        return true;
    }
    return definition_wrong(flaw, node, "must be one of all, local, continue");
}

bool definition_regions(const struct doc_node *stage, struct arena *arena,
                        struct pipeline_regions *out, struct definition_flaw *flaw)
{
    static const char *const known[] = { "waves", "maxParallelRegions", "onFailure", "barrier",
                                         NULL };
    const struct doc_node *map = doc_get(stage, "meridian");
    struct error err = { 0 };
    if (doc_is_null(map)) return true;
    out->at = definition_place(map);
    if (!definition_known_only(
            map, known,
            "unknown field: a stage has waves, maxParallelRegions, onFailure and barrier", flaw))
        return false;
    if (!read_waves(map, arena, out, flaw) ||
        !read_number(map, "maxParallelRegions", 1, WIRE_STAGES_MAX,
                     "must be a whole number from 1 to 50", &out->max_parallel, flaw) ||
        !read_failure(map, &out->on_failure, flaw))
        return false;
    return doc_get_bool(map, "barrier", DOC_OPTIONAL, &out->barrier, &err) ||
           definition_wrong(flaw, doc_get(map, "barrier"), "must be true or false");
}
