#include "core/replication.h"

#include "core/delta.h"
#include "core/engine.h"
#include "core/journal.h"
#include "core/way.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { KEY_ARTIFACT_MAX = 10, KEY_RANDOM = 7, TARGET_MAX = 200 };

static const struct revision *revision_of(const struct model_execution *e, const char *artifact)
{
    for (size_t i = 0; i < e->state.revision_count; i++)
        if (text_equal(e->revisions[i].artifact, artifact)) return &e->revisions[i];
    return NULL;
}

const char *replication_region(const struct model_execution *e, const char *artifact)
{
    for (size_t s = 0; s < e->state.stage_count; s++)
        for (size_t a = 0; a < e->stages[s].action_count; a++) {
            const struct pipeline_action *action = model_action_definition(e, s, a);
            for (size_t o = 0; o < action->output_count; o++)
                if (text_equal(action->outputs[o], artifact)) return model_action(e, s, a)->region;
        }
    return NULL;
}

const struct artifact_ref *replication_origin(const struct model_execution *e, const char *artifact)
{
    const struct revision *revision = revision_of(e, artifact);
    if (revision) return &revision->ref;
    for (size_t s = 0; s < e->state.stage_count; s++)
        for (size_t a = 0; a < e->stages[s].action_count; a++) {
            const struct pipeline_action *action = model_action_definition(e, s, a);
            for (size_t o = 0; o < action->output_count; o++) {
                if (!text_equal(action->outputs[o], artifact)) continue;
                long at = model_copy_find(e, artifact, model_action(e, s, a)->region);
                bool made = at >= 0 && e->copies[at].status == STATUS_SUCCEEDED;
                return made ? &e->copies[at].ref : NULL;
            }
        }
    return NULL;
}

/* Every input was made by an earlier action, so that this ends at a source. */
const struct revision *replication_revision(const struct model_execution *e, const char *artifact)
{
    const struct pipeline *pipeline = e->definition->state.parsed;
    for (;;) {
        const struct revision *revision = revision_of(e, artifact);
        if (revision) return revision;
        const struct pipeline_action *maker = pipeline_producer(pipeline, artifact);
        if (!maker || maker->input_count == 0) return NULL;
        artifact = maker->inputs[0];
    }
}

static const struct copy_state *copy_in(const struct model_execution *e,
                                        const struct artifact_ref *wanted)
{
    for (size_t i = 0; i < e->state.copy_count; i++) {
        const struct copy_state *copy = &e->copies[i];
        if (copy->status == STATUS_SUCCEEDED && !id_empty(&copy->job) && !copy->ref.removed &&
            text_equal(copy->ref.store, wanted->store) &&
            memcmp(copy->ref.sha256, wanted->sha256, SHA256_SIZE) == 0)
            return copy;
    }
    return NULL;
}

/* The same bytes in the same store, left by any execution that is remembered. */
static const struct copy_state *copy_known(const struct coordinator *c,
                                           const struct artifact_ref *wanted)
{
    list_for_each (at, &c->pipelines) {
        const struct model_pipeline *p = list_entry(at, struct model_pipeline, link);
        for (struct list *link = p->executions.prev; link != &p->executions; link = link->prev) {
            const struct copy_state *copy =
                copy_in(list_entry(link, struct model_execution, link), wanted);
            if (copy) return copy;
        }
    }
    return NULL;
}

const char *replication_key(struct coordinator *c, const struct model_execution *e,
                            const char *artifact, const char *kind)
{
    struct id random = id_new_version(&c->random);
    return arena_format(&c->out->arena, "%s/%.*s%s/%.*s", e->state.pipeline, KEY_ARTIFACT_MAX,
                        artifact, kind, KEY_RANDOM, random.text);
}

static const char *copy_target(struct coordinator *c, const struct artifact_ref *ref)
{
    char digest[HEX_SHA256_SIZE];
    hex_format(ref->sha256, SHA256_SIZE, digest);
    return arena_format(&c->out->arena, "replicate:%s/%s", ref->store, digest);
}

static size_t copy_begin(struct coordinator *c, struct model_execution *e, const char *artifact,
                         const char *region)
{
    const struct artifact_ref *origin = replication_origin(e, artifact);
    const char *store = pipeline_store_of(e->definition->state.parsed, region);
    assert(origin); /* the rules say that every input was produced, */
    assert(store);  /* and that every region of an action has a store */
    struct copy_state copy = { .artifact = artifact,
                               .region = region,
                               .status = STATUS_PENDING,
                               .ref = *origin,
                               .base_revision = "",
                               .note = "" };
    copy.ref.store = store;
    copy.ref.key = "";
    copy.ref.version_id = "";
    copy.ref.etag = "";
    size_t at = model_copy_add(e, &copy);
    journal_execution(c, e);
    return at;
}

static void copy_reuse(struct coordinator *c, struct model_execution *e, size_t at,
                       const struct copy_state *known)
{
    struct copy_state *copy = &e->copies[at];
    model_ref(&copy->ref, &known->ref);
    copy->job = known->job;
    copy->status = STATUS_SUCCEEDED;
    copy->bytes = 0;
    way_settle(c, e, copy, COPY_WAY_THERE, "");
    journal_execution(c, e);
    journal_event_copy(c, e, at);
}

static bool target_busy(const struct coordinator *c, const char *target)
{
    list_for_each (link, &c->live) {
        const struct model_execution *e = list_entry(link, struct model_execution, live_link);
        if (!e->open_count) continue;
        list_for_each (at, &e->jobs) {
            const struct model_job *job = list_entry(at, struct model_job, link);
            if (!status_ended(job->state.status) && text_equal(job->state.target, target))
                return true;
        }
    }
    return false;
}

static void copy_order(struct coordinator *c, struct model_execution *e, size_t at, size_t stage,
                       size_t action)
{
    struct copy_state *copy = &e->copies[at];
    const char *target = copy_target(c, &copy->ref);
    if (target_busy(c, target)) return; /* another execution makes it: used again when there */
    if (delta_wait(c, e, at, stage, action)) return;
    if (e->job_count >= WIRE_JOBS_MAX) return;
    model_text(&copy->ref.key, replication_key(c, e, copy->artifact, ""));
    struct job_state state = model_job_new(c, e, stage, action);
    state.kind = JOB_REPLICATE;
    state.region = copy->region;
    state.target = target;
    state.artifact = copy->artifact;
    struct model_job *job = model_job_add(c, e, &state);
    model_job_place(job, stage, action);
    copy->job = state.id;
    copy->status = STATUS_IN_PROGRESS;
    journal_execution(c, e);
    journal_job(c, job);
    journal_event_copy(c, e, at);
    journal_event_job(c, job);
}

size_t replication_want(struct coordinator *c, struct model_execution *e, size_t stage,
                        size_t action, const char *artifact)
{
    const char *region = model_action(e, stage, action)->region;
    long found = model_copy_find(e, artifact, region);
    size_t at = found < 0 ? copy_begin(c, e, artifact, region) : (size_t)found;
    if (e->copies[at].status != STATUS_PENDING || e->state.stop_abandon) return at;
    const struct copy_state *known = copy_known(c, &e->copies[at].ref);
    if (known)
        copy_reuse(c, e, at, known);
    else
        copy_order(c, e, at, stage, action);
    return at;
}

long replication_want_inputs(struct coordinator *c, struct model_execution *e, size_t stage,
                             size_t action)
{
    const struct pipeline_action *definition = model_action_definition(e, stage, action);
    long lost = -1;
    for (size_t i = 0; i < definition->input_count; i++) {
        size_t at = replication_want(c, e, stage, action, definition->inputs[i]);
        enum status status = e->copies[at].status;
        if (lost < 0 && status_ended(status) && status != STATUS_SUCCEEDED) lost = (long)at;
    }
    return lost;
}

const char *replication_cause(struct coordinator *c, const struct model_execution *e, size_t at)
{
    const struct copy_state *copy = &e->copies[at];
    struct arena *arena = &c->out->arena;
    if (copy->status == STATUS_SUCCEEDED) return "";
    const char *delta = delta_cause(c, e, copy);
    if (delta[0]) return delta;
    if (copy->status == STATUS_PENDING)
        return arena_format(arena, "waits for another execution that copies the same bytes to %s",
                            copy->ref.store);
    const struct model_job *job = model_job_find(c, &copy->job);
    return arena_format(arena, "waits for the copy of artifact %s in region %s%s%s", copy->artifact,
                        copy->region, job && job->state.cause[0] ? ": " : "",
                        job ? job->state.cause : "");
}

const char *replication_failure(struct coordinator *c, const struct model_execution *e, size_t at)
{
    const struct copy_state *copy = &e->copies[at];
    const struct model_job *job = model_job_find(c, &copy->job);
    return arena_format(&c->out->arena, "artifact %s could not be copied to region %s%s%s",
                        copy->artifact, copy->region, job && job->state.cause[0] ? ": " : "",
                        job ? job->state.cause : "");
}

void replication_ended(struct coordinator *c, struct model_job *job, const struct result *result)
{
    struct model_execution *e = job->execution;
    for (size_t i = 0; i < e->state.copy_count; i++) {
        struct copy_state *copy = &e->copies[i];
        if (status_ended(copy->status) || !id_equal(&copy->job, &job->state.id)) continue;
        copy->status = job->state.status;
        /* Its end was asked for, and meanwhile a retry wants it again. */
        if (job->state.cancel && copy->status != STATUS_SUCCEEDED && replication_deadline(job))
            copy->status = STATUS_PENDING;
        if (result && job->state.status == STATUS_SUCCEEDED) {
            model_text(&copy->ref.version_id, result->version_id);
            copy->bytes = result->bytes;
            way_settle(c, e, copy, result->way, result->note);
        }
        journal_execution(c, e);
        journal_event_copy(c, e, i);
    }
}

void replication_again(struct coordinator *c, struct model_execution *e, const char *region)
{
    for (size_t i = 0; i < e->state.copy_count; i++) {
        struct copy_state *copy = &e->copies[i];
        if (!status_ended(copy->status) || copy->status == STATUS_SUCCEEDED) continue;
        if (!text_equal(copy->region, region)) continue;
        copy->status = STATUS_PENDING;
        journal_execution(c, e);
    }
}

uint64_t replication_wanted(const struct model_execution *e, const char *artifact,
                            const char *region)
{
    uint64_t deadline_ms = 0;
    if (!e->definition || status_ended(e->state.status)) return 0;
    for (size_t s = 0; s < e->state.stage_count; s++) {
        for (size_t a = 0; a < model_subjects(e, s); a++) {
            const struct action_state *action = model_action(e, s, a);
            const struct pipeline_action *from = model_action_definition(e, s, a);
            if (action->status != STATUS_IN_PROGRESS) continue;
            if (!text_equal(action->region, region)) continue;
            for (size_t i = 0; i < from->input_count; i++)
                if (text_equal(from->inputs[i], artifact) && action->deadline_ms > deadline_ms)
                    deadline_ms = action->deadline_ms;
        }
    }
    return deadline_ms;
}

uint64_t replication_deadline(const struct model_job *job)
{
    return replication_wanted(job->execution, job->state.artifact, job->state.region);
}
