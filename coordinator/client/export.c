#include "client/export.h"

#include "client/json_value.h"
#include "base/number.h"

#include <jansson.h>
#include <string.h>

/* The only numbers of the model's pipeline declaration. */
static bool is_number(const struct doc_node *node, uint64_t *number)
{
    static const char *const keys[] = { "runOrder", "timeoutInMinutes", "version", NULL };
    if (!node->key || !number_parse(node->text, UINT32_MAX, number)) return false;
    const char *in = node->parent && node->parent->key ? node->parent->key : "";
    bool type = text_equal(in, "actionTypeId") || text_equal(in, "ruleTypeId");
    for (size_t i = 0; keys[i]; i++)
        if (text_equal(keys[i], node->key)) return !type;
    return false;
}

/* `own` is below a key `meridian`. */
static json_t *scalar_value(const struct doc_node *node, bool own)
{
    uint64_t number = 0;
    struct error ignored;
    bool truth = false;
    if (own && !node->quoted && doc_bool(node, &truth, &ignored)) return json_boolean(truth);
    if (own && !node->quoted && number_parse(node->text, UINT32_MAX, &number))
        return json_integer((json_int_t)number);
    if (!own && is_number(node, &number)) return json_integer((json_int_t)number);
    return json_string(node->text);
}

static json_t *value_of(const struct doc_node *node, bool own)
{
    json_t *all;
    own = own || (node->key && text_equal(node->key, "meridian"));
    switch (node->kind) {
    case DOC_NULL: return json_null();
    case DOC_SCALAR: return scalar_value(node, own);
    case DOC_SEQUENCE:
        all = json_array();
        doc_for_each (item, node) (void)json_array_append_new(all, value_of(item, own));
        return all;
    case DOC_MAPPING:
        all = json_object();
        doc_for_each (item, node) (void)json_object_set_new(all, item->key, value_of(item, own));
        return all;
    }
    return NULL;
}

void export_write(struct print *out, const char *kind, const struct doc_node *root,
                  uint32_t version)
{
    const char *envelope = kind[0] ? kind : "pipeline";
    const struct doc_node *inner = doc_get(root, envelope);
    json_t *all = json_object(), *body = value_of(inner ? inner : root, kind[0] != '\0');
    if (!kind[0]) (void)json_object_set_new(body, "version", json_integer((json_int_t)version));
    (void)json_object_set_new(all, envelope, body);
    json_write(out, all, false);
}
