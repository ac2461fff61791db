#include "core/variables.h"

#include "core/check.h"
#include "core/journal.h"
#include "core/reference.h"

#include <stdio.h>
#include <string.h>

enum { LIST_TEXT_MAX = 200 };

/* "A, B"; cut where it becomes too long for an error. */
static const char *names_text(struct arena *arena, const struct variable *list, size_t count)
{
    const char *text = "none";
    for (size_t i = 0; i < count && strlen(text) < LIST_TEXT_MAX; i++)
        text = i ? arena_format(arena, "%s, %s", text, list[i].name) : list[i].name;
    return text;
}

static const char *find(const struct variable *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(list[i].name, name)) return list[i].value;
    return NULL;
}

/* ---- the beginning of an execution ---- */

NODISCARD static bool given_valid(const struct pipeline *pipeline, const struct variable *given,
                                  size_t count, size_t at, struct arena *arena, struct error *err)
{
    bool declared = false;
    struct variable *names = arena_calloc(arena, pipeline->variable_count, sizeof *names);
    for (size_t i = 0; i < pipeline->variable_count; i++) {
        names[i].name = pipeline->variables[i].name;
        declared = declared || text_equal(names[i].name, given[at].name);
    }
    if (!declared)
        return error_set(err, ERR_INVALID,
                         "the pipeline declares no variable '%.128s'; it declares: %s",
                         given[at].name, names_text(arena, names, pipeline->variable_count));
    for (size_t i = at + 1; i < count; i++)
        if (text_equal(given[i].name, given[at].name))
            return error_set(err, ERR_INVALID, "the variable %.128s is given twice",
                             given[at].name);
    size_t len = strlen(given[at].value);
    if (len < 1 || len > PIPELINE_VALUE_MAX)
        return error_set(err, ERR_INVALID, "the value of %.128s must have 1 to %d characters",
                         given[at].name, PIPELINE_VALUE_MAX);
    return true;
}

bool variables_start(const struct pipeline *pipeline, const struct variable *given,
                     size_t given_count, struct arena *arena, const struct variable **out,
                     struct error *err)
{
    for (size_t i = 0; i < given_count; i++)
        if (!given_valid(pipeline, given, given_count, i, arena, err)) return false;
    struct variable *all = arena_calloc(arena, pipeline->variable_count, sizeof *all);
    for (size_t i = 0; i < pipeline->variable_count; i++) {
        const struct pipeline_variable *declared = &pipeline->variables[i];
        const char *value = find(given, given_count, declared->name);
        if (!value) value = declared->value;
        if (!value)
            return error_set(err, ERR_INVALID,
                             "the variable %.128s has no default and was given no value",
                             declared->name);
        all[i] = (struct variable){ arena_text(arena, declared->name), arena_text(arena, value) };
    }
    *out = all;
    return true;
}

/* ---- what an action has given ---- */

static size_t source_given(const struct model_execution *e, const struct action_state *action,
                           struct arena *arena, const struct variable **out)
{
    for (size_t r = 0; r < e->state.revision_count; r++) {
        const struct revision *revision = &e->revisions[r];
        if (!text_equal(revision->action, action->name)) continue;
        struct variable *list = arena_calloc(arena, 4, sizeof *list);
        list[0] = (struct variable){ "VersionId", revision->revision_id };
        list[1] = (struct variable){ "ETag", revision->ref.etag };
        list[2] = (struct variable){ "BucketName", revision->ref.store };
        list[3] = (struct variable){ "ObjectKey", revision->ref.key };
        *out = list;
        return 4;
    }
    return 0;
}

static size_t given_by(const struct model_execution *e, size_t stage, size_t action,
                       struct arena *arena, const struct variable **out)
{
    const struct action_state *state = model_action(e, stage, action);
    *out = state->variables;
    if (model_action_definition(e, stage, action)->category == CATEGORY_SOURCE)
        return source_given(e, state, arena, out);
    return state->variable_count;
}

/* ---- one reference ---- */

/* NULL with the reason. */
static const char *value_of_namespace(const struct model_execution *e, const struct reference *at,
                                      struct arena *arena, struct error *err)
{
    for (size_t s = 0; s < e->state.stage_count; s++)
        for (size_t a = 0; a < e->stages[s].action_count; a++) {
            const struct pipeline_action *action = model_action_definition(e, s, a);
            const struct variable *list = NULL;
            if (!text_equal(action->namespace, at->scope)) continue;
            size_t count = given_by(e, s, a, arena, &list);
            const char *value = find(list, count, at->name);
            if (!value)
                error_set(err, ERR_NOT_FOUND,
                          "action %s of stage %s has given no variable %s; it has given: %s",
                          action->name, e->stages[s].name, at->name,
                          names_text(arena, list, count));
            return value;
        }
    error_set(err, ERR_NOT_FOUND, "no action has the namespace %s", at->scope);
    return NULL;
}

static const char *value_of(const struct model_execution *e, const struct reference *at,
                            struct arena *arena, struct error *err)
{
    if (text_equal(at->scope, "codepipeline") && text_equal(at->name, "PipelineExecutionId"))
        return e->state.id.text;
    if (!text_equal(at->scope, "variables")) return value_of_namespace(e, at, arena, err);
    const char *value = find(e->state.variables, e->state.variable_count, at->name);
    if (!value)
        error_set(err, ERR_NOT_FOUND, "the pipeline has no variable %s; it has: %s", at->name,
                  names_text(arena, e->state.variables, e->state.variable_count));
    return value;
}

/* ---- texts ---- */

NODISCARD static bool expand(const struct model_execution *e, const char *text, struct arena *arena,
                             const char **out, struct error *err)
{
    struct reference at = { 0 };
    const char *made = "";
    size_t copied = 0;
    enum reference_found found;
    while ((found = reference_next(text, &at)) == REFERENCE_GOOD) {
        struct error why = { ERR_NONE, "" };
        const char *value = value_of(e, &at, arena, &why);
        if (!value) return error_set(err, why.code, "#{%s.%s}: %s", at.scope, at.name, why.text);
        made =
            arena_format(arena, "%s%.*s%s", made, (int)(at.begin - copied), text + copied, value);
        copied = at.end;
    }
    if (found == REFERENCE_MALFORMED)
        return error_set(err, ERR_INVALID, "%.*s is no reference: write #{NAMESPACE.NAME}",
                         (int)(at.end - at.begin), text + at.begin);
    *out = arena_format(arena, "%s%s", made, text + copied);
    return true;
}

const char *variables_expand(const struct model_execution *e, const char *text, struct arena *arena)
{
    struct error err;
    const char *out = text;
    if (!reference_in(text)) return text;
    return expand(e, text, arena, &out, &err) ? out : text;
}

const char *variables_setting(const struct model_execution *e, size_t stage, size_t action,
                              const char *key, struct arena *arena)
{
    return variables_expand(e, pipeline_setting_get(model_action_definition(e, stage, action), key),
                            arena);
}

NODISCARD static bool setting_ready(const struct model_execution *e,
                                    const struct pipeline_action *action, size_t at,
                                    struct arena *arena, struct error *err)
{
    const struct pipeline_setting *setting = &action->configuration[at];
    const char *value = NULL;
    if (!reference_in(setting->value)) return true;
    if (!expand(e, setting->value, arena, &value, err))
        return error_wrap(err, "configuration.%s", setting->key);
    const char *wanted = check_setting(action, setting->key, value);
    if (wanted)
        return error_set(err, ERR_INVALID, "configuration.%s becomes '%.120s': it must be %s",
                         setting->key, value, wanted);
    return true;
}

bool variables_ready(const struct model_execution *e, size_t stage, size_t action,
                     struct arena *arena, struct error *err)
{
    const struct pipeline_action *definition = model_action_definition(e, stage, action);
    for (size_t i = 0; i < definition->configuration_count; i++)
        if (!setting_ready(e, definition, i, arena, err)) return false;
    for (size_t i = 0; i < definition->variable_count; i++) {
        const struct job_variable *variable = &definition->variables[i];
        const char *value = "";
        if (variable->secret || !reference_in(variable->value)) continue;
        if (!expand(e, variable->value, arena, &value, err))
            return error_wrap(err, "environment variable %s", variable->name);
        if (strlen(value) > WIRE_VARIABLE_MAX)
            return error_set(err, ERR_INVALID,
                             "environment variable %s becomes longer than %d bytes", variable->name,
                             WIRE_VARIABLE_MAX);
    }
    return true;
}

/* ---- ends ---- */

static size_t bytes_of_list(const struct variable *list, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += strlen(list[i].name) + strlen(list[i].value);
    return bytes;
}

bool variables_keep(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                    const struct variable *list, size_t count)
{
    struct action_state *state = model_action(e, stage, action);
    size_t bytes = bytes_of_list(list, count);
    for (size_t s = 0; s < e->state.stage_count; s++)
        for (size_t a = 0; a < e->stages[s].action_count; a++) {
            const struct action_state *other = model_action(e, s, a);
            if (other != state) bytes += bytes_of_list(other->variables, other->variable_count);
        }
    if (bytes > VARIABLES_BYTES_MAX) return false;
    model_variables(&state->variables, &state->variable_count, list, count);
    journal_execution(c, e);
    return true;
}

void variables_give(struct coordinator *c, struct model_execution *e, size_t stage, size_t action)
{
    const struct action_state *state = model_action(e, stage, action);
    const struct pipeline_action *definition = model_action_definition(e, stage, action);
    struct variable list[2];
    size_t count = 0;
    if (!definition->namespace[0]) return; /* nothing can refer to it */
    if (definition->category == CATEGORY_APPROVAL) {
        list[count++] = (struct variable){ "ApprovalSummary", state->summary };
        list[count++] = (struct variable){ "ApprovedBy", state->updated_by };
    } else if (pipeline_deploys(definition)) {
        list[count++] = (struct variable){ "DeploymentId", state->deployment.text };
    }
    if (count && !variables_keep(c, e, stage, action, list, count))
        journal_note(c, NOTE_WARNING, "run=%s action=%s: its variables do not fit",
                     e->state.id.text, state->name);
}

bool variables_take(struct coordinator *c, const struct model_job *job, const struct result *result)
{
    struct model_execution *e = job->execution;
    const struct action_state *state = model_action(e, job->stage, job->action);
    /* The job of an attempt that was given up says nothing about the present one. */
    if (!id_equal(&state->id, &job->state.action_execution)) return true;
    return variables_keep(c, e, job->stage, job->action, result->variables, result->variable_count);
}
