/* Conditions: nothing of a stage begins before its entry is met, it succeeds only when its success
 * is met, and a rule is met only by what it asks for. */
#include "check.h"

static const struct template_stage *template_of(const struct world *w, const struct execution *e,
                                                size_t stage)
{
    const struct template *t = check_template(w, e);
    if (!t || stage == 0 || stage > t->stage_count || e->type == TYPE_ROLLBACK) return NULL;
    return &t->stages[stage - 1];
}

/* Or somebody has taken it upon himself. */
static bool met(const struct stage_state *stage, enum condition_type type)
{
    for (size_t r = 0; r < stage->rule_count; r++) {
        const struct action_state *rule = &stage->rules[r];
        bool overridden =
            rule->status == STATUS_SKIPPED && text_equal(rule->updated_by, "somebody");
        if (stage_rule_type(stage, r) == type && rule->status != STATUS_SUCCEEDED && !overridden)
            return false;
    }
    return true;
}

static bool failed(const struct stage_state *stage, enum condition_type type)
{
    for (size_t r = 0; r < stage->rule_count; r++)
        if (stage_rule_type(stage, r) == type && stage->rules[r].status == STATUS_FAILED)
            return true;
    return false;
}

bool check_overridden(const struct stage_state *old, const struct stage_state *new)
{
    for (size_t r = 0; r < new->rule_count &&r < old->rule_count; r++)
        if (old->rules[r].status == STATUS_FAILED && new->rules[r].status == STATUS_SKIPPED)
            return true;
    return false;
}

bool check_asked_skips(const struct world *w, const struct execution *e, size_t stage)
{
    const struct template_stage *t = template_of(w, e, stage);
    return t && t->result[CONDITION_BEFORE_ENTRY] == 3 &&
           failed(&e->stages[stage], CONDITION_BEFORE_ENTRY);
}

/* A worker has told that the commands of this very attempt succeeded. */
static bool commands_succeeded(const struct world *w, const struct action_state *rule)
{
    const struct disk *d = &w->nodes[0].disk;
    for (size_t i = 0; i < d->count; i++) {
        const struct job_state *job = &d->at[i]->record.job;
        if (d->at[i]->record.kind == RECORD_JOB && job->kind == JOB_BUILD &&
            job->status == STATUS_SUCCEEDED && id_equal(&job->action_execution, &rule->id))
            return true;
    }
    return false;
}

static void check_rule(struct world *w, const struct execution *e, const struct stage_state *stage,
                       size_t number, const struct template_stage *t)
{
    const struct action_state *rule = &stage->rules[number];
    uint32_t asked = t->asked[stage_rule_type(stage, number)];
    uint64_t minute = 60000;
    if (rule->status != STATUS_SUCCEEDED) return;
    if (asked == ASKED_WINDOW && rule->ended_ms / minute % 2)
        world_fail(w, "CONDITION", "execution %s: rule %s is met while the window is shut",
                   e->id.text, rule->name);
    if (asked == ASKED_OUTSIDE && rule->ended_ms < rule->started_ms + minute)
        world_fail(w, "CONDITION", "execution %s: rule %s is met before its time", e->id.text,
                   rule->name);
    if (asked == ASKED_COMMANDS && !commands_succeeded(w, rule))
        world_fail(w, "CONDITION", "execution %s: rule %s is met, its commands did not succeed",
                   e->id.text, rule->name);
}

void check_asked(struct world *w, const struct execution *e, size_t stage)
{
    const struct template_stage *t = template_of(w, e, stage);
    const struct stage_state *state = &e->stages[stage];
    bool good = true;
    if (e->type == TYPE_ROLLBACK && state->rule_count)
        world_fail(w, "CONDITION", "execution %s goes back and is asked", e->id.text);
    if (!t) return;
    for (size_t r = 0; r < state->rule_count; r++) check_rule(w, e, state, r, t);
    for (size_t a = 0; a < state->action_count; a++) {
        good = good && state->actions[a].status == STATUS_SUCCEEDED;
        if (state->actions[a].status != STATUS_PENDING && !met(state, CONDITION_BEFORE_ENTRY))
            world_fail(w, "CONDITION", "execution %s: action %s began and the entry is not met",
                       e->id.text, state->actions[a].name);
    }
    if (state->status == STATUS_SUCCEEDED && !met(state, CONDITION_ON_SUCCESS))
        world_fail(w, "CONDITION", "execution %s: stage %s succeeded, its condition is not met",
                   e->id.text, state->name);
    if (state->status == STATUS_FAILED && good && !failed(state, CONDITION_ON_SUCCESS))
        world_fail(w, "CONDITION", "execution %s: stage %s failed without a cause", e->id.text,
                   state->name);
    if (t->asked[CONDITION_ON_FAILURE] && state->auto_retries &&
        t->result[CONDITION_ON_FAILURE] != 1)
        world_fail(w, "CONDITION", "execution %s: stage %s was tried again, nobody said so",
                   e->id.text, state->name);
}
