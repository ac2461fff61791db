#include "shell/definition_flow.h"

#include "io/doc.h"

#include <assert.h>

bool definition_wrong(struct definition_flaw *flaw, const struct doc_node *node, const char *text)
{
    *flaw = (struct definition_flaw){ node, text };
    return false;
}

bool definition_known_only(const struct doc_node *map, const char *const *known, const char *text,
                           struct definition_flaw *flaw)
{
    if (map->kind != DOC_MAPPING) return definition_wrong(flaw, map, "must be a mapping ({...})");
    const struct doc_node *extra = doc_first_unknown(map, known);
    return !extra || definition_wrong(flaw, extra, text);
}

struct position definition_place(const struct doc_node *node)
{
    assert(node);
    return (struct position){ .line = node->line, .column = node->column };
}

/* The index of the node's text in `words`; -1 when it is none of them. */
static int word_of(const struct doc_node *node, const char *const *words)
{
    if (node->kind != DOC_SCALAR) return -1;
    for (int i = 0; words[i]; i++)
        if (text_equal(node->text, words[i])) return i;
    return -1;
}

bool definition_mode(const struct doc_node *pipeline, struct pipeline *out,
                     struct definition_flaw *flaw)
{
    static const char *const modes[] = {
#define X(name, text) [MODE_##name] = (text),
        EXECUTION_MODES(X)
#undef X
            NULL
    };
    const struct doc_node *node = doc_get(pipeline, "executionMode");
    if (doc_is_null(node)) return true;
    int mode = word_of(node, modes);
    if (mode < 0)
        return definition_wrong(flaw, node, "must be one of SUPERSEDED, QUEUED, PARALLEL");
    out->mode_at = definition_place(node);
    out->mode = (enum execution_mode)mode;
    return true;
}

/* A text of the mapping; `fallback` when there is none. */
static bool read_text(const struct doc_node *map, const char *key, const char *fallback,
                      struct pipeline *owner, const char **out, struct definition_flaw *flaw)
{
    const struct doc_node *node = doc_get(map, key);
    *out = fallback;
    if (doc_is_null(node)) return true;
    if (node->kind != DOC_SCALAR) return definition_wrong(flaw, node, "must be a text");
    *out = arena_text(&owner->arena, node->text);
    return true;
}

bool definition_declared(const struct doc_node *pipeline, struct pipeline *out,
                         struct definition_flaw *flaw)
{
    static const char *const known[] = { "name", "defaultValue", "description", NULL };
    const struct doc_node *list = doc_get(pipeline, "variables");
    if (doc_is_null(list)) return true;
    if (list->kind != DOC_SEQUENCE || list->count > WIRE_VARIABLES_MAX)
        return definition_wrong(flaw, list, "must be a list of at most 50 variables");
    struct pipeline_variable *all = arena_calloc(&out->arena, list->count, sizeof *all);
    out->variables = all;
    doc_for_each (item, list) {
        struct pipeline_variable *to = &all[out->variable_count++];
        *to = (struct pipeline_variable){ .name = "", .description = "" };
        to->at = definition_place(item);
        if (!definition_known_only(
                item, known, "unknown field: a variable has name, defaultValue and description",
                flaw))
            return false;
        if (!read_text(item, "name", "", out, &to->name, flaw) ||
            !read_text(item, "defaultValue", NULL, out, &to->value, flaw) ||
            !read_text(item, "description", "", out, &to->description, flaw))
            return false;
    }
    return true;
}

static bool read_retry(const struct doc_node *retry, struct pipeline_stage *out,
                       struct definition_flaw *flaw)
{
    static const char *const known[] = { "retryMode", NULL };
    static const char *const modes[] = { "FAILED_ACTIONS", "ALL_ACTIONS", NULL };
    if (doc_is_null(retry)) return true;
    if (!definition_known_only(retry, known, "unknown field, did you mean 'retryMode'?", flaw))
        return false;
    const struct doc_node *mode = doc_get(retry, "retryMode");
    if (doc_is_null(mode)) return true;
    int at = word_of(mode, modes);
    if (at < 0) return definition_wrong(flaw, mode, "must be one of FAILED_ACTIONS, ALL_ACTIONS");
    out->retry_mode = (enum retry_mode)at;
    return true;
}

bool definition_failure(const struct doc_node *stage, struct pipeline_stage *out,
                        struct definition_flaw *flaw)
{
    static const char *const known[] = { "result", "retryConfiguration", "conditions", NULL };
    static const char *const results[] = { "FAIL", "RETRY", "ROLLBACK", NULL };
    const struct doc_node *node = doc_get(stage, "onFailure");
    if (doc_is_null(node)) return true;
    if (!definition_known_only(
            node, known, "unknown field: onFailure has result, retryConfiguration and conditions",
            flaw))
        return false;
    const struct doc_node *result = doc_get(node, "result");
    if (doc_is_null(result)) return read_retry(doc_get(node, "retryConfiguration"), out, flaw);
    int at = word_of(result, results);
    if (at < 0) return definition_wrong(flaw, result, "must be one of FAIL, RETRY, ROLLBACK");
    out->on_failure = (enum failure_result)at;
    return read_retry(doc_get(node, "retryConfiguration"), out, flaw);
}
