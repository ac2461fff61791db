/* The rules of variables, namespaces and references. */
#include "core/check.h"
#include "core/commands.h"
#include "core/reference.h"

#include <string.h>

enum { VALUE_MAX = 1000, DESCRIPTION_MAX = 200 };

static const char *const source_names[] = { "VersionId", "ETag", "BucketName", "ObjectKey", NULL };
static const char *const approval_names[] = { "ApprovalSummary", "ApprovedBy", NULL };
static const char *const no_names[] = { NULL };
static const char *const deploy_names[] = { "DeploymentId", NULL };

/* A text with references, and where it stands. */
struct text {
    struct findings *f;
    const struct pipeline_action *action;
    size_t stage;
    const char *path, *text;
    struct position at;
};

/* What the action gives; NULL when only its end can tell. */
static const char *const *names_given(const struct pipeline_action *action)
{
    if (action->category == CATEGORY_SOURCE) return source_names;
    if (action->category == CATEGORY_APPROVAL) return approval_names;
    if (commands_of(action))
        return action->commands.given_count ? action->commands.given : no_names;
    return pipeline_deploys(action) ? deploy_names : NULL;
}

static const char *list_text(struct arena *arena, const char *const *names)
{
    const char *text = names[0] ? names[0] : "none";
    for (size_t i = 1; names[0] && names[i]; i++)
        text = arena_format(arena, "%s, %s", text, names[i]);
    return text;
}

static void say(const struct text *t, const struct reference *at, const char *what)
{
    check_say(t->f, t->at, t->action->at, t->path, "#{%s.%s}: %s", at->scope, at->name, what);
}

/* ---- one reference ---- */

static void check_pipeline_variable(const struct text *t, const struct reference *at)
{
    const struct pipeline *p = t->f->pipeline;
    struct arena *arena = t->f->arena;
    const char *names = "none";
    for (size_t i = 0; i < p->variable_count; i++) {
        if (text_equal(p->variables[i].name, at->name)) return;
        names =
            i ? arena_format(arena, "%s, %s", names, p->variables[i].name) : p->variables[i].name;
    }
    say(t, at,
        arena_format(arena, "the pipeline declares no such variable; it declares: %.300s", names));
}

static void check_given(const struct text *t, const struct reference *at, size_t stage,
                        const struct pipeline_action *from)
{
    const char *const *names = names_given(from);
    if (stage > t->stage || (stage == t->stage && from->run_order >= t->action->run_order)) {
        say(t, at,
            arena_format(t->f->arena,
                         "action %s does not end before this one begins: give it a smaller "
                         "runOrder or an earlier stage",
                         from->name));
        return;
    }
    for (size_t i = 0; names && names[i]; i++)
        if (text_equal(names[i], at->name)) return;
    if (names)
        say(t, at,
            arena_format(t->f->arena, "action %s gives no such variable; it gives: %s", from->name,
                         list_text(t->f->arena, names)));
}

static void check_namespace_reference(const struct text *t, const struct reference *at)
{
    const struct pipeline *p = t->f->pipeline;
    struct arena *arena = t->f->arena;
    const char *known = "codepipeline, variables";
    for (size_t s = 0; s < p->stage_count; s++)
        for (size_t a = 0; a < p->stages[s].action_count; a++) {
            const struct pipeline_action *action = &p->stages[s].actions[a];
            if (!action->namespace[0]) continue;
            if (text_equal(action->namespace, at->scope)) {
                check_given(t, at, s, action);
                return;
            }
            if (strlen(known) < 200)
                known = arena_format(arena, "%s, %s", known, action->namespace);
        }
    say(t, at, arena_format(arena, "no action has that namespace; there are: %.300s", known));
}

static void check_text(const struct text *t)
{
    struct reference at = { 0 };
    enum reference_found found;
    while ((found = reference_next(t->text, &at)) != REFERENCE_NONE) {
        if (t->action->category == CATEGORY_SOURCE) {
            check_say(t->f, t->at, t->action->at, t->path,
                      "a source is watched before any execution begins: it cannot have a "
                      "reference");
            return;
        }
        if (found == REFERENCE_MALFORMED)
            check_say(t->f, t->at, t->action->at, t->path,
                      "'%.*s' is no reference: write #{NAMESPACE.NAME} of letters, digits and "
                      "@ - _",
                      at.end - at.begin > 100 ? 100 : (int)(at.end - at.begin), t->text + at.begin);
        else if (text_equal(at.scope, "variables"))
            check_pipeline_variable(t, &at);
        else if (!text_equal(at.scope, "codepipeline"))
            check_namespace_reference(t, &at);
        else if (!text_equal(at.name, "PipelineExecutionId"))
            say(t, &at, "there is #{codepipeline.PipelineExecutionId} only");
    }
}

/* ---- actions ---- */

static void check_namespace(struct findings *f, size_t stage, size_t at)
{
    const struct pipeline *p = f->pipeline;
    const struct pipeline_action *action = &p->stages[stage].actions[at];
    const char *path = arena_format(f->arena, ".stages[%zu].actions[%zu].namespace", stage, at);
    if (text_equal(action->namespace, "codepipeline") || text_equal(action->namespace, "variables"))
        check_say(f, action->at, action->at, path, "the namespace %s is reserved: choose another",
                  action->namespace);
    for (size_t s = 0; s <= stage; s++)
        for (size_t a = 0; a < (s < stage ? p->stages[s].action_count : at); a++)
            if (text_equal(p->stages[s].actions[a].namespace, action->namespace))
                check_say(f, action->at, action->at, path,
                          "action %s has the namespace %s too: rename one",
                          p->stages[s].actions[a].name, action->namespace);
}

void check_references(struct findings *f, size_t stage, const struct pipeline_action *action,
                      const char *base)
{
    struct text t = { .f = f, .action = action, .stage = stage };
    for (size_t i = 0; i < action->configuration_count; i++) {
        const struct pipeline_setting *setting = &action->configuration[i];
        /* Its texts are among the variables. */
        if (text_equal(setting->key, "EnvironmentVariables")) continue;
        t.path = arena_format(f->arena, "%s.configuration.%.60s", base, setting->key);
        t.text = setting->value;
        t.at = setting->at;
        check_text(&t);
    }
}

static void check_action_texts(struct findings *f, size_t stage, size_t at)
{
    const struct pipeline_action *action = &f->pipeline->stages[stage].actions[at];
    const char *base = arena_format(f->arena, ".stages[%zu].actions[%zu]", stage, at);
    if (action->namespace[0]) check_namespace(f, stage, at);
    check_references(f, stage, action, base);
    struct text t = { .f = f, .action = action, .stage = stage, .at = action->at };
    for (size_t i = 0; pipeline_builds(action) && i < action->variable_count; i++) {
        const struct job_variable *variable = &action->variables[i];
        t.path = arena_format(f->arena, "%s.environmentVariables.%s", base, variable->name);
        t.text = variable->value;
        if (variable->secret && reference_in(variable->value))
            check_say(f, t.at, t.at, t.path, "the name of a secret cannot have a reference");
        else
            check_text(&t);
    }
}

/* ---- the pipeline's own ---- */

static void check_declared(struct findings *f, size_t at)
{
    const struct pipeline *p = f->pipeline;
    const struct pipeline_variable *variable = &p->variables[at];
    const char *path = arena_format(f->arena, ".variables[%zu]", at);
    if (!check_word(variable->name, 1, WIRE_VARIABLE_NAME_MAX, "@-_"))
        check_say(f, variable->at, p->at, path,
                  "the name '%.140s' must be 1 to 128 letters, digits or @ - _", variable->name);
    if (variable->value && (!variable->value[0] || strlen(variable->value) > VALUE_MAX))
        check_say(f, variable->at, p->at, path, "defaultValue has 1 to %d characters", VALUE_MAX);
    if (strlen(variable->description) > DESCRIPTION_MAX)
        check_say(f, variable->at, p->at, path, "description has at most %d characters",
                  DESCRIPTION_MAX);
    for (size_t i = 0; i < at; i++)
        if (text_equal(p->variables[i].name, variable->name))
            check_say(f, variable->at, p->at, path, "the variable %.140s is declared twice",
                      variable->name);
}

void check_variables(struct findings *f)
{
    const struct pipeline *p = f->pipeline;
    for (size_t i = 0; i < p->variable_count; i++) check_declared(f, i);
    for (size_t s = 0; s < p->stage_count; s++)
        for (size_t a = 0; a < p->stages[s].action_count; a++) check_action_texts(f, s, a);
}
