#include "client/facts.h"

#include <string.h>

enum { LIFECYCLE_STEPS = EVENT_VALIDATE_SERVICE - EVENT_APPLICATION_STOP + 1 };

uint64_t facts_duration(uint64_t started_ms, uint64_t ended_ms, uint64_t now_ms)
{
    uint64_t end = ended_ms ? ended_ms : now_ms;
    return started_ms && end > started_ms ? end - started_ms : 0;
}

bool facts_job_of(const struct job_state *job, const struct action_state *action)
{
    return !job_kind_moves(job->kind) && !id_empty(&action->id) &&
           id_equal(&job->action_execution, &action->id);
}

static const struct revision *revision_of(const struct execution *e, const char *artifact)
{
    for (size_t i = 0; i < e->revision_count; i++)
        if (text_equal(e->revisions[i].artifact, artifact)) return &e->revisions[i];
    return NULL;
}

static const struct copy_state *copy_in(const struct execution *e, const char *artifact,
                                        const char *region)
{
    for (size_t i = 0; i < e->copy_count; i++)
        if (text_equal(e->copies[i].artifact, artifact) && text_equal(e->copies[i].region, region))
            return &e->copies[i];
    return NULL;
}

/* What the builds of the execution made lies first in the region of its build. */
static const struct copy_state *copy_built(const struct execution_view *view, const char *artifact,
                                           const struct job_state **job)
{
    const struct execution *e = &view->execution;
    for (size_t i = 0; i < e->copy_count; i++)
        for (size_t k = 0; k < view->job_count; k++) {
            if (view->jobs[k].kind != JOB_BUILD || !text_equal(e->copies[i].artifact, artifact))
                continue;
            if (!id_equal(&view->jobs[k].id, &e->copies[i].job)) continue;
            *job = &view->jobs[k];
            return &e->copies[i];
        }
    return NULL;
}

/* The source's revision that an artifact is made of, directly or by builds. */
static const struct revision *revision_behind(const struct execution_view *view,
                                              const char *artifact)
{
    for (size_t step = 0; step <= view->job_count; step++) {
        const struct job_state *job = NULL;
        const struct revision *revision = revision_of(&view->execution, artifact);
        if (revision || !copy_built(view, artifact, &job)) return revision;
        artifact = job->artifact;
    }
    return NULL;
}

/* The bytes are those of the source, or of the build. */
static bool same_digest(const struct execution_view *view, const struct copy_state *copy)
{
    const struct job_state *job = NULL;
    const struct revision *revision = revision_of(&view->execution, copy->artifact);
    const struct copy_state *built = revision ? NULL : copy_built(view, copy->artifact, &job);
    const struct artifact_ref *origin = revision ? &revision->ref : built ? &built->ref : NULL;
    return origin && memcmp(copy->ref.sha256, origin->sha256, SHA256_SIZE) == 0;
}

/* The newest report of each event counts: an event may be told twice. */
static bool has_downloaded(const struct job_state *job)
{
    bool downloaded = false;
    for (size_t i = 0; i < job->event_count; i++)
        if (job->events[i].event == EVENT_DOWNLOAD_BUNDLE)
            downloaded = job->events[i].status == STATUS_SUCCEEDED;
    return downloaded;
}

static const struct lifecycle_report *running_event(const struct job_state *job)
{
    for (size_t i = job->event_count; i > 0; i--)
        if (job->events[i - 1].status == STATUS_IN_PROGRESS) return &job->events[i - 1];
    return NULL;
}

static unsigned job_percent(const struct job_state *job)
{
    unsigned ended = 0;
    if (status_ended(job->status)) return 100;
    for (size_t i = 0; i < job->event_count; i++)
        if (status_ended(job->events[i].status)) ended++;
    return ended >= LIFECYCLE_STEPS ? 99 : ended * 100 / LIFECYCLE_STEPS;
}

static void count_hosts(const struct execution_view *view, const struct action_state *action,
                        struct action_facts *facts)
{
    size_t downloaded = 0, percent = 0;
    const char *artifact = "";
    for (size_t i = 0; i < view->job_count; i++) {
        const struct job_state *job = &view->jobs[i];
        if (!facts_job_of(job, action)) continue;
        artifact = job->artifact;
        facts->total++;
        percent += job_percent(job);
        downloaded += has_downloaded(job);
        if (job->status == STATUS_SUCCEEDED)
            facts->done++;
        else if (status_ended(job->status))
            facts->failed += job->status != STATUS_SKIPPED;
        else if (!facts->event && (!facts->busy || running_event(job))) {
            facts->busy = job;
            facts->event = running_event(job);
        }
        if (!status_ended(job->status) && !facts->cause[0]) facts->cause = job->cause;
    }
    if (facts->total == 0) return;
    facts->percent = (unsigned)(percent / facts->total);
    facts->revision = revision_behind(view, artifact);
    const struct copy_state *copy = copy_in(&view->execution, artifact, action->region);
    facts->verified = facts->revision && copy && copy->status == STATUS_SUCCEEDED &&
                      same_digest(view, copy) && downloaded == facts->total;
    for (size_t i = 0; i < view->job_count && copy && !status_ended(copy->status); i++)
        if (view->jobs[i].kind == JOB_REPLICATE && id_equal(&view->jobs[i].id, &copy->job) &&
            view->jobs[i].worker[0])
            facts->copying = &view->jobs[i];
}

struct action_facts facts_of_action(const struct execution_view *view, size_t stage, size_t action)
{
    const struct action_state *state = &view->execution.stages[stage].actions[action];
    struct action_facts facts = { .cause = "",
                                  .is_deploy = text_equal(state->provider, "CodeDeploy") };
    for (size_t i = 0; i < view->execution.revision_count && stage == 0; i++) {
        const struct revision *revision = &view->execution.revisions[i];
        if (!text_equal(revision->action, state->name)) continue;
        facts.is_source = true;
        facts.revision = revision;
    }
    count_hosts(view, state, &facts);
    if (facts.total == 0 && state->status == STATUS_IN_PROGRESS) facts.cause = state->summary;
    return facts;
}

struct version_facts facts_of_version(const struct execution_view *view)
{
    const struct execution *e = &view->execution;
    struct version_facts version = { .regions = 0 };
    bool several = false;
    for (size_t s = 0; s < e->stage_count; s++) {
        for (size_t a = 0; a < e->stages[s].action_count; a++) {
            struct action_facts facts = facts_of_action(view, s, a);
            if (!facts.is_deploy) continue;
            version.regions++;
            version.verified += facts.verified;
            if (!facts.revision) continue;
            if (version.revision && version.revision != facts.revision) several = true;
            version.revision = facts.revision;
        }
    }
    for (size_t i = 0; i < e->copy_count; i++) {
        bool known = revision_behind(view, e->copies[i].artifact) != NULL;
        if (known && e->copies[i].status == STATUS_SUCCEEDED && !same_digest(view, &e->copies[i]))
            version.differ = true;
    }
    if (several) version.revision = NULL;
    return version;
}

struct traffic_facts facts_of_traffic(const struct execution *e)
{
    struct traffic_facts traffic = { .priced = true };
    for (size_t i = 0; i < e->copy_count; i++) {
        const struct copy_state *copy = &e->copies[i];
        if (copy->status != STATUS_SUCCEEDED || copy->way == COPY_WAY_UNKNOWN) continue;
        traffic.bytes += copy->bytes;
        traffic.saved += copy->saved;
        traffic.cost += copy->cost;
        traffic.cost_saved += copy->cost_saved;
        traffic.priced = traffic.priced && copy->priced;
    }
    return traffic;
}

bool facts_busy(const struct job_state *job)
{
    return job->attempt > 0 && job->worker[0] && !status_ended(job->status);
}

bool facts_interrupted(const struct job_state *job)
{
    return job->status == STATUS_IN_PROGRESS && !job->cancel && job->interruption.run > 0 &&
           job->interruption.verb == RESUME_NONE;
}

bool facts_bad(const struct job_state *job)
{
    return facts_interrupted(job) ||
           (status_ended(job->status) && job->status != STATUS_SUCCEEDED &&
            job->status != STATUS_SKIPPED);
}
