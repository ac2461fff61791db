#include "shell/definition_custom.h"

#include "core/check.h"
#include "io/doc.h"

#include <string.h>

enum { PROVIDER_MAX = 35, VERSION_MAX = 9, PROPERTY_NAME_MAX = 50 };

static bool read_word(const struct doc_node *map, const char *key, size_t max, struct arena *arena,
                      const char **out, struct definition_flaw *flaw)
{
    const struct doc_node *node = doc_get(map, key);
    if (doc_is_null(node) || node->kind != DOC_SCALAR || !check_word(node->text, 1, max, "_-"))
        return definition_wrong(flaw, node ? node : map,
                                "category, provider (1 to 35) and version (1 to 9) are letters, "
                                "digits or _ -");
    *out = arena_text(arena, node->text);
    return true;
}

static bool read_flag(const struct doc_node *map, const char *key, bool *out,
                      struct definition_flaw *flaw)
{
    const struct doc_node *node = doc_get(map, key);
    struct error err;
    *out = false;
    return doc_is_null(node) || doc_bool(node, out, &err) ||
           definition_wrong(flaw, node, "must be true or false");
}

static bool read_property(const struct doc_node *node, const struct custom_type *type,
                          struct arena *arena, struct custom_property *out,
                          struct definition_flaw *flaw)
{
    static const char *const known[] = { "name",      "required",    "key",  "secret",
                                         "queryable", "description", "type", NULL };
    if (!definition_known_only(node, known,
                               "unknown field: a property has name, required, key, secret, "
                               "queryable, description and type",
                               flaw))
        return false;
    const struct doc_node *name = doc_get(node, "name");
    if (doc_is_null(name) || name->kind != DOC_SCALAR || !name->text[0] ||
        strlen(name->text) > PROPERTY_NAME_MAX)
        return definition_wrong(flaw, node, "a property has a name of 1 to 50 characters");
    for (size_t i = 0; i < type->property_count; i++)
        if (text_equal(type->properties[i].name, name->text))
            return definition_wrong(flaw, name, "another property has that name: rename one");
    out->name = arena_text(arena, name->text);
    if (!read_flag(node, "required", &out->required, flaw) ||
        !read_flag(node, "key", &out->key, flaw) ||
        !read_flag(node, "secret", &out->secret, flaw) ||
        !read_flag(node, "queryable", &out->queryable, flaw))
        return false;
    return !(out->secret && out->queryable) ||
           definition_wrong(flaw, node, "a secret property cannot be queryable");
}

static bool read_properties(const struct doc_node *map, struct custom_type *type,
                            struct arena *arena, struct definition_flaw *flaw)
{
    const struct doc_node *list = doc_get(map, "configurationProperties");
    if (doc_is_null(list)) return true;
    if (list->kind != DOC_SEQUENCE || list->count > CUSTOM_PROPERTIES_MAX)
        return definition_wrong(flaw, list, "must be a list of at most 10 properties");
    struct custom_property *all = arena_calloc(arena, list->count, sizeof *all);
    type->properties = all;
    doc_for_each (item, list) {
        if (!read_property(item, type, arena, &all[type->property_count], flaw)) return false;
        type->property_count++;
    }
    return true;
}

static bool read_counts(const struct doc_node *map, const char *key, uint32_t *min, uint32_t *max,
                        struct definition_flaw *flaw)
{
    static const char *const known[] = { "minimumCount", "maximumCount", NULL };
    static const char wanted[] = "must be {minimumCount, maximumCount} of 0 to 5";
    const struct doc_node *node = doc_get(map, key);
    uint64_t least = 0, most = 0;
    struct error err;
    if (doc_is_null(node) || node->kind != DOC_MAPPING)
        return definition_wrong(flaw, node ? node : map,
                                "inputArtifactDetails and outputArtifactDetails are needed: "
                                "{minimumCount, maximumCount}");
    if (!definition_known_only(node, known, wanted, flaw)) return false;
    const struct doc_node *from = doc_get(node, "minimumCount"),
                          *to = doc_get(node, "maximumCount");
    if (!from || !to || !doc_unsigned(from, 0, CUSTOM_ARTIFACTS_MAX, &least, &err) ||
        !doc_unsigned(to, 0, CUSTOM_ARTIFACTS_MAX, &most, &err) || least > most)
        return definition_wrong(flaw, node, wanted);
    *min = (uint32_t)least;
    *max = (uint32_t)most;
    return true;
}

bool definition_custom(const struct doc_node *map, struct deploy_resource *out,
                       struct definition_flaw *flaw)
{
    static const char *const known[] = { "category",
                                         "provider",
                                         "version",
                                         "settings",
                                         "configurationProperties",
                                         "inputArtifactDetails",
                                         "outputArtifactDetails",
                                         "tags",
                                         NULL };
    struct custom_type *type = &out->custom;
    struct arena *arena = &out->arena;
    uint32_t made_min = 0, made_max = 0;
    if (!definition_known_only(map, known,
                               "unknown field: a custom action type has category, provider, "
                               "version, settings, configurationProperties, "
                               "inputArtifactDetails, outputArtifactDetails and tags",
                               flaw) ||
        !read_word(map, "category", WIRE_NAME_MAX, arena, &type->category, flaw) ||
        !read_word(map, "provider", PROVIDER_MAX, arena, &type->provider, flaw) ||
        !read_word(map, "version", VERSION_MAX, arena, &type->version, flaw))
        return false;
    static const char *const categories[] = { "Build", "Deploy", "Test", "Invoke", NULL };
    bool fits = false;
    for (size_t i = 0; categories[i]; i++) fits = fits || text_equal(categories[i], type->category);
    if (!fits)
        return definition_wrong(flaw, doc_get(map, "category"),
                                "must be one of Build, Deploy, Test, Invoke");
    if (!read_properties(map, type, arena, flaw) ||
        !read_counts(map, "inputArtifactDetails", &type->inputs_min, &type->inputs_max, flaw) ||
        !read_counts(map, "outputArtifactDetails", &made_min, &made_max, flaw))
        return false;
    if (made_max)
        return definition_wrong(flaw, doc_get(map, "outputArtifactDetails"),
                                "output artifacts of job workers are not supported yet: write "
                                "maximumCount 0, and let the job worker push what it makes");
    out->name = arena_format(arena, "%s/%s/%s", type->category, type->provider, type->version);
    return true;
}
