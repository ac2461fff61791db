#include "shell/definition_variables.h"

#include <stdio.h>
#include <string.h>

struct list {
    struct arena *arena;
    struct job_variable *at;
    size_t count;
};

static bool name_valid(const char *name)
{
    static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    size_t len = strlen(name);
    return len > 0 && len <= WIRE_NAME_MAX && strspn(name, more) == len &&
           !(name[0] >= '0' && name[0] <= '9');
}

NODISCARD static bool read_one(struct list *list, const struct doc_node *node, struct error *err)
{
    static const char *const known[] = { "name", "value", "type", NULL };
    const char *name = NULL, *value = NULL, *type = "PLAINTEXT";
    if (!doc_only(node, known, err) || !doc_get_text(node, "name", DOC_REQUIRED, &name, err) ||
        !doc_get_text(node, "value", DOC_OPTIONAL, &value, err) ||
        !doc_get_text(node, "type", DOC_OPTIONAL, &type, err))
        return false;
    if (!name_valid(name))
        return error_set(err, ERR_INVALID,
                         "'%.60s' cannot name a variable: a letter or _, then letters, digits and "
                         "_",
                         name);
    if (text_starts(name, "CODEBUILD_") || text_starts(name, "MERIDIAN_"))
        return error_set(err, ERR_INVALID, "the variable %.60s is the build's own", name);
    bool secret = text_equal(type, "SECRETS_MANAGER");
    if (!secret && !text_equal(type, "PLAINTEXT"))
        return error_set(err, ERR_INVALID, "the type is PLAINTEXT or SECRETS_MANAGER, not '%.60s'",
                         type);
    if (!value) value = "";
    if (strlen(value) > WIRE_VARIABLE_MAX || (secret && !value[0]))
        return error_set(err, ERR_INVALID, "the value of %.60s is %s", name,
                         secret ? "the name of a secret" : "longer than 2000 bytes");
    for (size_t i = 0; i < list->count; i++)
        if (text_equal(list->at[i].name, name))
            return error_set(err, ERR_INVALID, "the variable %.60s is set twice", name);
    list->at[list->count++] = (struct job_variable){ arena_text(list->arena, name),
                                                     arena_text(list->arena, value), secret };
    return true;
}

NODISCARD static bool read_list(struct list *list, const struct doc_node *node, struct error *err)
{
    if (!node || doc_is_null(node)) return true;
    if (node->kind != DOC_SEQUENCE)
        return error_set(err, ERR_INVALID, "must be a list of {\"name\", \"value\", \"type\"}");
    if (list->count + node->count > WIRE_VARIABLES_MAX)
        return error_set(err, ERR_INVALID, "more than %d variables", WIRE_VARIABLES_MAX);
    doc_for_each (item, node)
        if (!read_one(list, item, err)) return false;
    return true;
}

/* The JSON within the configuration. */
NODISCARD static bool read_text(struct list *list, const struct doc_node *node, struct error *err)
{
    AUTO(doc_free_at) struct doc *doc = NULL;
    if (!node || node->kind != DOC_SCALAR) return true; /* told by others */
    return doc_parse("EnvironmentVariables", bytes_of_text(node->text), NULL, &doc, err) &&
           read_list(list, doc_root(doc, 0), err);
}

bool definition_variables(const struct doc_node *action_node, struct arena *arena,
                          struct pipeline_action *action, struct definition_trouble *trouble)
{
    struct error err = { 0 };
    const struct doc_node *field = doc_get(action_node, "environmentVariables");
    const struct doc_node *setting =
        doc_get(doc_get(action_node, "configuration"), "EnvironmentVariables");
    if (!field && !setting) return true;
    struct list list = { .arena = arena };
    list.at = arena_calloc(arena, WIRE_VARIABLES_MAX, sizeof *list.at);
    trouble->node = setting;
    bool good = read_text(&list, setting, &err);
    if (good) {
        trouble->node = field;
        good = read_list(&list, field, &err);
    }
    if (!good) snprintf(trouble->text, sizeof trouble->text, "%.250s", err.text);
    action->variables = list.at;
    action->variable_count = list.count;
    return good;
}
