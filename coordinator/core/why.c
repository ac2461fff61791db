#include "core/why.h"

#include "core/gate.h"
#include "core/request.h"
#include "core/view.h"

struct reason *why_add(struct why *why, enum reason_code code)
{
    if (why->count == WIRE_LIST_MAX) return NULL;
    struct reason *to = &why->at[why->count++];
    *to = (struct reason){
        .code = code, .stage = "", .action = "", .region = "", .worker = "", .text = "", .fix = ""
    };
    return to;
}

/* ---- before a stage ---- */

/* Since when it stands there: the end of the stage before it. */
static uint64_t arrived_ms(const struct model_execution *e, size_t stage)
{
    uint64_t since_ms = e->state.started_ms;
    for (size_t s = 0; s < stage; s++)
        if (e->stages[s].ended_ms > since_ms) since_ms = e->stages[s].ended_ms;
    return since_ms;
}

static void door(struct why *why, size_t stage, const struct transition_record *door)
{
    struct reason *to = why_add(why, REASON_TRANSITION);
    if (!to) return;
    uint64_t arrived = arrived_ms(why->e, stage);
    to->stage = arena_text(why->arena, why->e->stages[stage].name);
    to->text = arena_format(why->arena, "the transition into stage %s was disabled by %s%s%s",
                            to->stage, door->changed_by, door->reason[0] ? ": " : "", door->reason);
    to->fix = arena_format(why->arena, "meridian transition enable %s %s", why->e->state.pipeline,
                           to->stage);
    to->since_ms = door->changed_ms > arrived ? door->changed_ms : arrived;
}

static void other_first(struct why *why, size_t stage, const struct model_execution *other,
                        bool inside)
{
    struct reason *to = why_add(why, inside ? REASON_OCCUPIED : REASON_TURN);
    if (!to) return;
    to->stage = arena_text(why->arena, why->e->stages[stage].name);
    to->text = arena_format(why->arena,
                            inside ? "execution %s is in stage %s"
                                   : "execution %s goes into stage %s before this one",
                            other->state.id.text, to->stage);
    to->fix = arena_format(why->arena, "meridian why %.8s", other->state.id.text);
    to->since_ms = arrived_ms(why->e, stage);
}

static void before_stage(struct why *why, size_t stage)
{
    const struct model_execution *e = why->e;
    const char *name = e->stages[stage].name;
    const struct model_transition *closed = model_transition_find(e->pipeline, name);
    if (closed && !closed->state.enabled) {
        door(why, stage, &closed->state);
        return;
    }
    if (e->state.mode == MODE_PARALLEL) return;
    const struct model_execution *other = gate_holder(e, name);
    bool inside = other;
    if (!other) other = gate_earlier(e, name);
    if (other) other_first(why, stage, other, inside);
}

/* ---- in a stage ---- */

static struct reason *of_action(struct why *why, enum reason_code code, size_t stage, size_t action)
{
    const struct action_state *state = model_action(why->e, stage, action);
    struct reason *to = why_add(why, code);
    if (!to) return NULL;
    to->stage = arena_text(why->arena, why->e->stages[stage].name);
    to->action = arena_text(why->arena, state->name);
    to->region = arena_text(why->arena, state->region);
    to->since_ms = state->started_ms;
    to->deadline_ms = state->deadline_ms;
    return to;
}

static void approval(struct why *why, size_t stage, size_t action)
{
    const struct action_state *state = model_action(why->e, stage, action);
    struct reason *to = of_action(why, REASON_APPROVAL, stage, action);
    if (!to) return;
    const char *asked = state->custom_data;
    to->text = arena_format(why->arena, "a person has to approve or reject it%s%s",
                            asked[0] ? ": " : "", asked);
    to->fix = arena_format(why->arena, "meridian approve %s %.8s --action %s",
                           why->e->state.pipeline, why->e->state.id.text, state->name);
}

/* No job of the action is open: nobody is there to get one, or something else is to happen. */
static void without_jobs(struct why *why, size_t stage, size_t action)
{
    const struct action_state *state = model_action(why->e, stage, action);
    size_t enrolled = 0;
    list_for_each (link, &why->c->workers) {
        const struct model_worker *w = list_entry(link, struct model_worker, link);
        enrolled += w->enrolled && text_equal(w->region, state->region);
    }
    bool nobody = why->c->fleet_generation && enrolled == 0;
    enum reason_code code = !why->c->fleet_generation ? REASON_FLEET
                            : nobody                  ? REASON_NO_WORKER
                                                      : REASON_OTHER;
    struct reason *to = of_action(why, code, stage, action);
    if (!to) return;
    to->text = arena_text(why->arena, state->summary);
    if (code == REASON_FLEET)
        to->text = "the coordinator has just started and does not know the workers yet";
    if (!nobody) return;
    to->text = arena_format(why->arena, "no worker is enrolled in region %s", state->region);
    to->fix = arena_format(why->arena, "meridian keys worker NAME --region %s", state->region);
}

static bool of(const struct why *why, const struct model_job *job, size_t stage, size_t action)
{
    return id_equal(&job->state.action_execution, &model_action(why->e, stage, action)->id);
}

/* A rule of a condition. */
static void rule(struct why *why, size_t stage, size_t number)
{
    const struct action_state *state = model_action(why->e, stage, number);
    const struct stage_state *of = &why->e->stages[stage];
    enum condition_type type = stage_rule_type(of, number - of->action_count);
    struct reason *to = of_action(why, REASON_CONDITION, stage, number);
    if (!to) return;
    to->text = arena_format(why->arena, "condition %s: %s", condition_key(type),
                            state->summary[0] ? state->summary : "its rule is looked at");
    if (type == CONDITION_ON_FAILURE) return;
    to->fix = arena_format(why->arena, "meridian condition override %s %s %s",
                           why->e->state.pipeline, to->stage, condition_key(type));
}

static void in_action(struct why *why, size_t stage, size_t action)
{
    size_t before = why->count;
    if (action >= why->e->stages[stage].action_count) {
        rule(why, stage, action);
        return;
    }
    if (model_action_definition(why->e, stage, action)->category == CATEGORY_APPROVAL) {
        approval(why, stage, action);
        return;
    }
    list_for_each (link, &why->e->jobs) {
        const struct model_job *job = list_entry(link, struct model_job, link);
        if (!status_ended(job->state.status) && of(why, job, stage, action)) why_job(why, job);
    }
    if (why->count == before) without_jobs(why, stage, action);
}

/* Jobs that outlive their action's attempt: their hosts are still at work. */
static void left_over(struct why *why)
{
    list_for_each (link, &why->e->jobs) {
        const struct model_job *job = list_entry(link, struct model_job, link);
        const struct action_state *state = model_action(why->e, job->stage, job->action);
        bool told = state->status == STATUS_IN_PROGRESS && of(why, job, job->stage, job->action);
        if (!status_ended(job->state.status) && !told) why_job(why, job);
    }
}

/* ---- the execution ---- */

static void stop_asked(struct why *why)
{
    struct reason *to = why_add(why, REASON_STOPPING);
    if (!to) return;
    const struct execution *e = &why->e->state;
    to->text = arena_format(why->arena, "%s; what runs is waited for", e->stop_reason);
    to->since_ms = e->updated_ms;
    if (e->stop_abandon) return;
    to->fix = arena_format(why->arena, "meridian stop --abandon %s %.8s", e->pipeline, e->id.text);
}

static void unreadable(struct why *why)
{
    struct reason *to = why_add(why, REASON_DEFINITION);
    if (!to) return;
    to->text = arena_text(why->arena, why->e->state.status_summary);
    to->since_ms = why->e->state.updated_ms;
    to->fix = "restore the coordinator's state from a backup";
}

static void look(struct why *why)
{
    const struct model_execution *e = why->e;
    bool ended = status_ended(e->state.status);
    size_t stage = e->state.stage_count;
    if (!ended && !e->definition) {
        unreadable(why);
        return;
    }
    if (!ended) stage = gate_next(e);
    if (!ended && e->state.stop_requested) stop_asked(why);
    if (stage < e->state.stage_count && e->stages[stage].status == STATUS_PENDING)
        before_stage(why, stage);
    if (stage < e->state.stage_count)
        for (size_t a = 0; a < model_subjects(e, stage); a++)
            if (model_action(e, stage, a)->status == STATUS_IN_PROGRESS) in_action(why, stage, a);
    if (stage < e->state.stage_count && e->stages[stage].status == STATUS_IN_PROGRESS)
        why_regions(why, stage);
    left_over(why);
    if (ended || why->count) return;
    struct reason *to = why_add(why, REASON_OTHER);
    to->text = e->state.status_summary[0] ? arena_text(why->arena, e->state.status_summary)
                                          : "the coordinator's next turn decides";
    to->since_ms = e->state.updated_ms;
}

bool coordinator_view_why(const struct coordinator *coordinator, const char *pipeline,
                          const char *execution, struct arena *arena, const struct reason **out,
                          size_t *count, struct error *err)
{
    struct why why = { .c = coordinator, .arena = arena };
    why.e = request_find(coordinator, pipeline, execution, err);
    if (!why.e) return false;
    why.at = arena_calloc(arena, WIRE_LIST_MAX, sizeof *why.at);
    look(&why);
    *out = why.at;
    *count = why.count;
    return true;
}
