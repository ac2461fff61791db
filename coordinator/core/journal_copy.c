#include "core/journal.h"

#include <string.h>

struct artifact_ref journal_copy_ref(struct arena *arena, const struct artifact_ref *from)
{
    struct artifact_ref to = *from;
    to.store = arena_text(arena, from->store);
    to.key = arena_text(arena, from->key);
    to.version_id = arena_text(arena, from->version_id);
    to.etag = arena_text(arena, from->etag);
    return to;
}

static const struct variable *copy_variables(struct arena *arena, const struct variable *from,
                                             size_t count)
{
    struct variable *to = arena_calloc(arena, count, sizeof *to);
    for (size_t i = 0; i < count; i++)
        to[i] =
            (struct variable){ arena_text(arena, from[i].name), arena_text(arena, from[i].value) };
    return to;
}

static struct action_state copy_action(struct arena *arena, const struct action_state *from)
{
    struct action_state to = *from;
#define X(member) to.member = arena_text(arena, from->member);
    ACTION_STATE_TEXTS(X)
#undef X
    to.variables = copy_variables(arena, from->variables, from->variable_count);
    return to;
}

static const struct action_state *copy_actions(struct arena *arena, const struct action_state *from,
                                               size_t count)
{
    struct action_state *to = arena_calloc(arena, count, sizeof *to);
    for (size_t a = 0; a < count; a++) to[a] = copy_action(arena, &from[a]);
    return to;
}

static const struct stage_state *copy_stages(struct arena *arena, const struct execution *from)
{
    struct stage_state *stages = arena_calloc(arena, from->stage_count, sizeof *stages);
    for (size_t s = 0; s < from->stage_count; s++) {
        stages[s] = from->stages[s];
        stages[s].name = arena_text(arena, stages[s].name);
        stages[s].actions = copy_actions(arena, stages[s].actions, stages[s].action_count);
        stages[s].rules = copy_actions(arena, stages[s].rules, stages[s].rule_count);
    }
    return stages;
}

static const struct delta_state *copy_deltas(struct arena *arena, const struct execution *from)
{
    struct delta_state *deltas = arena_calloc(arena, from->delta_count, sizeof *deltas);
    for (size_t i = 0; i < from->delta_count; i++) {
        struct delta_state *to = &deltas[i];
        *to = from->deltas[i];
        to->artifact = arena_text(arena, to->artifact);
        to->region = arena_text(arena, to->region);
        to->base_revision = arena_text(arena, to->base_revision);
        to->older = journal_copy_ref(arena, &to->older);
        to->ref = journal_copy_ref(arena, &to->ref);
        to->note = arena_text(arena, to->note);
    }
    return deltas;
}

struct execution journal_copy_execution(struct arena *arena, const struct execution *from)
{
    struct execution to = *from;
    to.pipeline = arena_text(arena, from->pipeline);
    to.status_summary = arena_text(arena, from->status_summary);
    to.trigger_detail = arena_text(arena, from->trigger_detail);
    to.stop_reason = arena_text(arena, from->stop_reason);
    to.stages = copy_stages(arena, from);
    struct revision *revisions = arena_calloc(arena, from->revision_count, sizeof *revisions);
    for (size_t i = 0; i < from->revision_count; i++) {
        const struct revision *r = &from->revisions[i];
        revisions[i] =
            (struct revision){ arena_text(arena, r->action), arena_text(arena, r->artifact),
                               arena_text(arena, r->revision_id), arena_text(arena, r->summary),
                               journal_copy_ref(arena, &r->ref) };
    }
    to.revisions = revisions;
    struct copy_state *copies = arena_calloc(arena, from->copy_count, sizeof *copies);
    for (size_t i = 0; i < from->copy_count; i++) {
        copies[i] = from->copies[i];
        copies[i].artifact = arena_text(arena, copies[i].artifact);
        copies[i].region = arena_text(arena, copies[i].region);
        copies[i].ref = journal_copy_ref(arena, &copies[i].ref);
        copies[i].base_revision = arena_text(arena, copies[i].base_revision);
        copies[i].note = arena_text(arena, copies[i].note);
    }
    to.copies = copies;
    to.deltas = copy_deltas(arena, from);
    to.variables = copy_variables(arena, from->variables, from->variable_count);
    return to;
}

struct job_state journal_copy_job(struct arena *arena, const struct job_state *from)
{
    struct job_state to = *from;
    to.worker = arena_text(arena, from->worker);
    to.region = arena_text(arena, from->region);
    to.target = arena_text(arena, from->target);
    to.artifact = arena_text(arena, from->artifact);
    to.cause = arena_text(arena, from->cause);
    to.diagnostics.script = arena_text(arena, from->diagnostics.script);
    to.diagnostics.message = arena_text(arena, from->diagnostics.message);
    to.diagnostics.log_tail = arena_text(arena, from->diagnostics.log_tail);
    return to;
}
