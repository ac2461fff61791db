#include "shell/definition_commands.h"

#include "io/doc.h"

/* A list of texts with a NULL behind it. */
static bool read_texts(const struct doc_node *map, const char *key, size_t max, const char *wanted,
                       struct arena *arena, const char *const **out, size_t *count,
                       struct definition_flaw *flaw)
{
    const struct doc_node *list = doc_get(map, key);
    if (doc_is_null(list)) return true;
    if (list->kind != DOC_SEQUENCE || list->count > max)
        return definition_wrong(flaw, list, wanted);
    const char **texts = arena_calloc(arena, list->count + 1, sizeof *texts);
    *out = texts;
    *count = 0;
    doc_for_each (item, list) {
        if (item->kind != DOC_SCALAR) return definition_wrong(flaw, item, "must be a text");
        texts[(*count)++] = arena_text(arena, item->text);
    }
    return true;
}

/* Of the first artifact that has them: provider Commands makes one at most. */
static bool read_files(const struct doc_node *owner, struct arena *arena,
                       struct pipeline_commands *out, struct definition_flaw *flaw)
{
    const struct doc_node *outputs = doc_get(owner, "outputArtifacts");
    if (doc_is_null(outputs) || outputs->kind != DOC_SEQUENCE) return true; /* told by others */
    doc_for_each (item, outputs)
        if (!out->file_count && item->kind == DOC_MAPPING &&
            !read_texts(item, "files", COMMANDS_FILES_MAX, "must be a list of at most 10 patterns",
                        arena, &out->files, &out->file_count, flaw))
            return false;
    return true;
}

bool definition_commands(const struct doc_node *owner, struct arena *arena,
                         struct pipeline_action *out, struct definition_flaw *flaw)
{
    struct pipeline_commands *c = &out->commands;
    return read_texts(owner, "commands", COMMANDS_MAX, "must be a list of at most 50 commands",
                      arena, &c->list, &c->count, flaw) &&
           read_texts(owner, "outputVariables", COMMANDS_GIVEN_MAX,
                      "must be a list of at most 15 names of variables", arena, &c->given,
                      &c->given_count, flaw) &&
           read_files(owner, arena, c, flaw);
}

bool definition_inputs(const struct doc_node *owner, struct arena *arena,
                       struct pipeline_action *out, struct definition_flaw *flaw)
{
    static const char *const known[] = { "name", NULL };
    const struct doc_node *list = doc_get(owner, "inputArtifacts");
    if (doc_is_null(list)) return true;
    if (list->kind != DOC_SEQUENCE || list->count > WIRE_BUILD_ARTIFACTS_MAX)
        return definition_wrong(flaw, list, "must be a list of at most 5 artifacts");
    const char **names = arena_calloc(arena, list->count, sizeof *names);
    out->inputs = names;
    doc_for_each (item, list) {
        if (!definition_known_only(item, known, "unknown field: an input artifact has name", flaw))
            return false;
        const struct doc_node *name = doc_get(item, "name");
        if (doc_is_null(name) || name->kind != DOC_SCALAR)
            return definition_wrong(flaw, item, "an artifact needs a name");
        names[out->input_count++] = arena_text(arena, name->text);
    }
    return true;
}
