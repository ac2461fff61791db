#include "client/template.h"

#include "client/template_resolve.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The keys of a mapping begin with a small letter; below `Configuration` they are the provider's.
 */
static const char *key_of(struct template *t, const char *key, bool own)
{
    char *copy = arena_text(&t->arena, key);
    if (!own && copy[0] >= 'A' && copy[0] <= 'Z') copy[0] = (char)(copy[0] - 'A' + 'a');
    return copy;
}

/* What the API has as numbers; an action type's version is a text there. */
static json_t *scalar_value(const struct doc_node *node, const char *text)
{
    char *end = NULL;
    bool number = node->key &&
                  (text_equal(node->key, "RunOrder") || text_equal(node->key, "TimeoutInMinutes"));
    long value = number ? strtol(text, &end, 10) : 0;
    return number && text[0] && !*end ? json_integer(value) : json_string(text);
}

/* NULL after an error. */
static json_t *value_of(struct template *t, const struct doc_node *node, bool own,
                        struct error *err)
{
    const struct doc_node *argument = NULL;
    if (doc_is_null(node)) return json_null();
    if (node->kind == DOC_SCALAR || template_function(node, &argument)) {
        const char *text = template_text(t, node, err);
        return text ? scalar_value(node, text) : NULL;
    }
    json_t *all = node->kind == DOC_SEQUENCE ? json_array() : json_object();
    doc_for_each (item, node) {
        bool free = own || (item->key && text_equal(item->key, "Configuration"));
        json_t *value = value_of(t, item, free, err);
        if (!value) {
            json_decref(all);
            return NULL;
        }
        if (node->kind == DOC_SEQUENCE)
            (void)json_array_append_new(all, value);
        else
            (void)json_object_set_new(all, key_of(t, item->key, own), value);
    }
    return all;
}

/* [{Region, ArtifactStore}] -> {region: store} */
static json_t *stores_value(struct template *t, const struct doc_node *list, struct error *err)
{
    json_t *all = json_object();
    doc_for_each (item, list) {
        const char *region = template_text(t, doc_get(item, "Region"), err);
        json_t *store = region ? value_of(t, doc_get(item, "ArtifactStore"), false, err) : NULL;
        if (!store) {
            json_decref(all);
            return NULL;
        }
        (void)json_object_set_new(all, region, store);
    }
    return all;
}

NODISCARD static bool left_out(const struct doc_node *node, struct buf *notes, struct error *err)
{
    static const char *const names[] = { "RestartExecutionOnUpdate", "Tags",
                                         "DisableInboundStageTransitions", NULL };
    for (size_t i = 0; names[i]; i++)
        if (text_equal(names[i], node->key))
            return buf_append_text(notes, notes->len ? ", " : "", err) &&
                   buf_append_text(notes, node->key, err);
    return false;
}

NODISCARD static bool properties_take(struct template *t, const struct doc_node *properties,
                                      json_t *pipeline, struct buf *notes, struct error *err)
{
    static const char *const known[] = { "Name",      "RoleArn",       "ArtifactStore",
                                         "Stages",    "ExecutionMode", "PipelineType",
                                         "Variables", "Triggers",      "ArtifactStores",
                                         NULL };
    doc_for_each (item, properties) {
        bool plain = false;
        for (size_t i = 0; known[i]; i++) plain = plain || text_equal(known[i], item->key);
        if (!plain && !left_out(item, notes, err))
            return doc_error(item, err, "a pipeline has no property %.80s", item->key);
        if (!plain) continue;
        bool stores = text_equal(item->key, "ArtifactStores");
        json_t *value = stores ? stores_value(t, item, err) : value_of(t, item, false, err);
        if (!value) return false;
        (void)json_object_set_new(pipeline, key_of(t, item->key, false), value);
    }
    return true;
}

/* The only one; the others are no pipelines. */
static const struct doc_node *pipeline_resource(const struct doc_node *root, struct error *err)
{
    const struct doc_node *found = NULL;
    doc_for_each (item, doc_get(root, "Resources")) {
        const struct doc_node *type = doc_get(item, "Type");
        if (!type || !text_equal(type->text, "AWS::CodePipeline::Pipeline")) continue;
        if (found) {
            (void)doc_error(item, err, "a second pipeline: keep one of them in the template");
            return NULL;
        }
        found = item;
    }
    if (!found) (void)doc_error(root, err, "no resource has the type AWS::CodePipeline::Pipeline");
    return found;
}

static void json_free(json_t **value)
{
    json_decref(*value);
}

NODISCARD static bool import(struct template *t, struct buf *out, struct buf *notes,
                             struct error *err)
{
    AUTO(json_free) json_t *all = json_object();
    json_t *pipeline = json_object();
    (void)json_object_set_new(all, "pipeline", pipeline);
    const struct doc_node *resource = pipeline_resource(t->root, err);
    if (!resource) return false;
    const char *name = t->wishes->name[0] ? t->wishes->name : resource->key;
    (void)json_object_set_new(pipeline, "name", json_string(name));
    if (!properties_take(t, doc_get(resource, "Properties"), pipeline, notes, err)) return false;
    if (t->wishes->name[0]) (void)json_object_set_new(pipeline, "name", json_string(name));
    AUTO(auto_free) char *text = json_dumps(all, JSON_INDENT(4));
    if (!text) return error_set(err, ERR_INVALID, "the template holds what is no text");
    return buf_append_text(out, text, err) && buf_append_text(out, "\n", err);
}

bool template_import(const struct doc_node *root, const struct template_wishes *wishes,
                     struct buf *out, struct buf *notes, struct error *err)
{
    struct template t = { .root = root, .wishes = wishes };
    arena_init(&t.arena, TEMPLATE_ARENA_MAX);
    bool ok = import(&t, out, notes, err);
    arena_deinit(&t.arena);
    return ok;
}
