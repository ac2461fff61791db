#include "core/build.h"

#include "core/commands.h"
#include "core/deploy.h"
#include "core/engine.h"
#include "core/journal.h"
#include "core/replication.h"
#include "core/variables.h"
#include "core/way.h"

#include <assert.h>
#include <string.h>

/* The newest job of this execution of the action. */
static struct model_job *job_of(const struct model_execution *e, const struct action_state *state)
{
    struct model_job *found = NULL;
    list_for_each (link, &e->jobs) {
        struct model_job *job = list_entry(link, struct model_job, link);
        if (job->state.kind == JOB_BUILD && id_equal(&job->state.action_execution, &state->id))
            found = job;
    }
    return found;
}

static const struct pipeline_action *definition_of(const struct model_job *job)
{
    return model_action_definition(job->execution, job->stage, job->action);
}

/* The input that holds the buildspec. */
static const char *primary_of(const struct pipeline_action *action)
{
    const char *primary = pipeline_setting_get(action, "PrimarySource");
    return primary[0] ? primary : action->inputs[0];
}

/* ---- its outputs ---- */

static void output_begin(struct coordinator *c, struct model_execution *e, const char *artifact,
                         const struct model_job *job)
{
    const char *store = pipeline_store_of(e->definition->state.parsed, job->state.region);
    long found = model_copy_find(e, artifact, job->state.region);
    const struct artifact_ref none = { "", "", "", "", 0, { 0 }, false };
    assert(store); /* the rules say that every region of an action has one */
    size_t at = (size_t)found;
    if (found < 0)
        at = model_copy_add(e, &(struct copy_state){ .artifact = artifact,
                                                     .region = job->state.region,
                                                     .ref = none,
                                                     .base_revision = "",
                                                     .note = "" });
    struct copy_state *copy = &e->copies[at];
    struct artifact_ref ref = none;
    ref.store = store;
    ref.key = replication_key(c, e, artifact, "");
    model_ref(&copy->ref, &ref);
    copy->status = STATUS_IN_PROGRESS;
    copy->job = job->state.id;
    way_clear(copy);
    journal_event_copy(c, e, at);
}

/* Copies of what an earlier build of this execution had made are of no use any more. */
static void output_outdates(struct model_execution *e, size_t origin)
{
    const struct copy_state *made = &e->copies[origin];
    for (size_t i = 0; i < e->state.copy_count; i++) {
        struct copy_state *copy = &e->copies[i];
        if (i == origin || !text_equal(copy->artifact, made->artifact)) continue;
        if (memcmp(copy->ref.sha256, made->ref.sha256, SHA256_SIZE) == 0) continue;
        struct artifact_ref ref = made->ref;
        ref.store = copy->ref.store;
        ref.key = ref.version_id = ref.etag = "";
        model_ref(&copy->ref, &ref);
        copy->status = STATUS_PENDING;
        copy->job = (struct id){ "" };
        way_clear(copy);
    }
}

static const struct job_artifact *output_named(const struct result *result, const char *artifact)
{
    for (size_t i = 0; i < result->output_count; i++)
        if (text_equal(result->outputs[i].name, artifact) && result->outputs[i].ref.version_id[0])
            return &result->outputs[i];
    return NULL;
}

bool build_result_complete(const struct model_job *job, const struct result *result)
{
    const struct model_execution *e = job->execution;
    if (!e->definition) return false;
    const struct pipeline_action *action = definition_of(job);
    for (size_t i = 0; i < action->output_count; i++)
        if (!output_named(result, action->outputs[i])) return false;
    return true;
}

void build_ended(struct coordinator *c, struct model_job *job, const struct result *result)
{
    struct model_execution *e = job->execution;
    for (size_t i = 0; i < e->state.copy_count; i++) {
        struct copy_state *copy = &e->copies[i];
        if (status_ended(copy->status) || !id_equal(&copy->job, &job->state.id)) continue;
        const struct job_artifact *made = result ? output_named(result, copy->artifact) : NULL;
        copy->status = job->state.status;
        if (job->state.status == STATUS_SUCCEEDED) {
            assert(made);
            model_text(&copy->ref.version_id, made->ref.version_id);
            copy->ref.size = made->ref.size;
            memcpy(copy->ref.sha256, made->ref.sha256, SHA256_SIZE);
            output_outdates(e, i);
        }
        journal_execution(c, e);
        journal_event_copy(c, e, i);
    }
}

/* ---- its job ---- */

static void job_create(struct coordinator *c, struct model_execution *e, size_t stage,
                       size_t action)
{
    const struct pipeline_action *definition = model_action_definition(e, stage, action);
    struct job_state state = model_job_new(c, e, stage, action);
    state.deployment = id_new_deployment(&c->random);
    state.kind = JOB_BUILD;
    state.target = arena_format(&c->out->arena, "build:%s/%s", e->state.pipeline, definition->name);
    /* Commands of a rule may need none: the revision is told by the source all the same. */
    state.artifact = definition->input_count ? primary_of(definition) : e->revisions[0].artifact;
    struct model_job *job = model_job_add(c, e, &state);
    model_job_place(job, stage, action);
    for (size_t i = 0; i < definition->output_count; i++)
        output_begin(c, e, definition->outputs[i], job);
    journal_execution(c, e);
    journal_job(c, job);
    journal_event_job(c, job);
}

const char *build_cause(struct coordinator *c, const struct model_job *job, bool *lost)
{
    const struct model_execution *e = job->execution;
    const struct pipeline_action *action = definition_of(job);
    const char *cause = "";
    for (size_t i = 0; i < action->input_count; i++) {
        long at = model_copy_find(e, action->inputs[i], job->state.region);
        if (at < 0) continue;
        enum status status = e->copies[at].status;
        *lost = status_ended(status) && status != STATUS_SUCCEEDED;
        if (*lost) return replication_failure(c, e, (size_t)at);
        if (!cause[0]) cause = replication_cause(c, e, (size_t)at);
    }
    return cause;
}

static struct job_artifact offered(struct arena *arena, const struct model_execution *e,
                                   const char *artifact, const char *region)
{
    long at = model_copy_find(e, artifact, region);
    assert(at >= 0);
    return (struct job_artifact){ .name = arena_text(arena, artifact),
                                  .ref = journal_copy_ref(arena, &e->copies[at].ref),
                                  .grant = { .url = "", .pin = "" } };
}

static void offer_variables(struct arena *arena, struct job *to, const struct model_execution *e,
                            const struct pipeline_action *action)
{
    struct job_variable *list = arena_calloc(arena, action->variable_count, sizeof *list);
    for (size_t i = 0; i < action->variable_count; i++)
        list[i] = (struct job_variable){
            arena_text(arena, action->variables[i].name),
            arena_text(arena, variables_expand(e, action->variables[i].value, arena)),
            action->variables[i].secret
        };
    to->variables = list;
    to->variable_count = action->variable_count;
}

void build_offer(struct arena *arena, struct job *to, const struct model_job *job)
{
    const struct model_execution *e = job->execution;
    const struct pipeline_action *action = definition_of(job);
    const char *primary = action->input_count ? primary_of(action) : "";
    const char *region = job->state.region;
    char group_id[DEPLOY_GROUP_ID_SIZE];
    struct job_artifact *inputs = arena_calloc(arena, action->input_count, sizeof *inputs);
    struct job_artifact *outputs = arena_calloc(arena, action->output_count, sizeof *outputs);
    if (action->input_count) inputs[to->input_count++] = offered(arena, e, primary, region);
    for (size_t i = 0; i < action->input_count; i++)
        if (!text_equal(action->inputs[i], primary))
            inputs[to->input_count++] = offered(arena, e, action->inputs[i], region);
    for (size_t i = 0; i < action->output_count; i++) {
        outputs[i] = offered(arena, e, action->outputs[i], region);
        outputs[i].ref.size = BUILD_OUTPUT_MAX;
    }
    to->inputs = inputs;
    if (to->input_count) to->input = inputs[0].ref;
    to->outputs = outputs;
    to->output_count = action->output_count;
    offer_variables(arena, to, e, action);
    deploy_group_id(e->state.pipeline, action->name, group_id);
    to->buildspec = commands_buildspec(action, arena);
    const char *project = commands_of(action)
                              ? action->name
                              : variables_setting(e, job->stage, job->action, "ProjectName", arena);
    to->application = arena_text(arena, project);
    to->deployment_group = arena_text(arena, action->name);
    to->deployment_group_id = arena_text(arena, group_id);
}

/* ---- the action ---- */

static void summarise(struct coordinator *c, struct model_execution *e, struct action_state *state,
                      const struct model_job *job)
{
    bool changed, runs = job && commands_of(definition_of(job));
    if (!job)
        changed = model_text(&state->summary, "");
    else if (job->state.cause[0])
        changed = model_text(&state->summary, job->state.cause);
    else if (status_ended(job->state.status))
        changed =
            model_format(&state->summary, "%s on %s", runs ? "ran" : "built", job->state.worker);
    else
        changed = model_format(&state->summary, "%s on %s", runs ? "runs" : "is built",
                               job->state.worker);
    if (changed) journal_execution(c, e);
}

static void conclude(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                     const struct model_job *job)
{
    if (e->state.stop_abandon)
        engine_end_action(c, e, stage, action, STATUS_ABANDONED, "", "");
    else if (job->state.status == STATUS_SUCCEEDED)
        engine_end_action(c, e, stage, action, STATUS_SUCCEEDED, "", "");
    else
        engine_end_action(c, e, stage, action, STATUS_FAILED, "JobFailed",
                          arena_format(&c->out->arena, "%s%s%s", job->state.worker,
                                       job->state.worker[0] ? ": " : "", job->state.cause));
}

static void time_out(struct coordinator *c, struct model_execution *e, size_t stage, size_t action,
                     const struct action_state *state)
{
    const char *text =
        arena_format(&c->out->arena, "timed out after %llu s: %s",
                     (unsigned long long)(state->deadline_ms - state->started_ms) / 1000,
                     state->summary[0] ? state->summary : "it has not ended in time");
    if (e->state.stop_abandon)
        engine_end_action(c, e, stage, action, STATUS_ABANDONED, "", text);
    else
        engine_end_action(c, e, stage, action, STATUS_FAILED, "JobFailed", text);
}

void build_reconcile(struct coordinator *c, struct model_execution *e, size_t stage, size_t action)
{
    struct action_state *state = model_action(e, stage, action);
    long lost = replication_want_inputs(c, e, stage, action);
    struct model_job *job = job_of(e, state);
    if (!job && lost < 0 && !e->state.stop_abandon && e->job_count < WIRE_JOBS_MAX) {
        job_create(c, e, stage, action);
        job = job_of(e, state);
    }
    summarise(c, e, state, job);
    if (job ? status_ended(job->state.status) : e->state.stop_abandon)
        conclude(c, e, stage, action, job);
    else if (!job && lost >= 0)
        engine_end_action(c, e, stage, action, STATUS_FAILED, "JobFailed",
                          replication_failure(c, e, (size_t)lost));
    else if (c->now_ms >= state->deadline_ms)
        time_out(c, e, stage, action, state);
    else
        engine_wake_wall(c, state->deadline_ms);
}
