#include "core/delta.h"

#include "core/engine.h"
#include "core/journal.h"
#include "core/replication.h"

#include <assert.h>
#include <string.h>

static bool same_bytes(const uint8_t a[SHA256_SIZE], const uint8_t b[SHA256_SIZE])
{
    return memcmp(a, b, SHA256_SIZE) == 0;
}

bool delta_allowed(const struct coordinator *c, uint64_t size)
{
    return size >= c->config.delta.size_min && size <= c->config.delta.size_max;
}

/* ---- its base ---- */

static bool base_in(const struct model_execution *e, const char *artifact, const char *store,
                    const uint8_t sha256[SHA256_SIZE], const char *origin, struct delta_base *out)
{
    if (!e->definition) return false;
    const struct artifact_ref *made = replication_origin(e, artifact);
    const struct revision *revision = replication_revision(e, artifact);
    if (!made || made->removed || !revision || !text_equal(made->store, origin)) return false;
    for (size_t i = 0; i < e->state.copy_count; i++) {
        const struct copy_state *copy = &e->copies[i];
        if (copy->status != STATUS_SUCCEEDED || !copy->ref.version_id[0]) continue;
        if (copy->ref.removed) continue;
        if (!text_equal(copy->artifact, artifact) || !text_equal(copy->ref.store, store)) continue;
        if (same_bytes(copy->ref.sha256, sha256)) continue;
        if (!same_bytes(copy->ref.sha256, made->sha256)) continue;
        *out = (struct delta_base){ &copy->ref, made, revision->revision_id };
        return true;
    }
    return false;
}

bool delta_base_find(const struct model_pipeline *p, const char *artifact, const char *store,
                     const uint8_t sha256[SHA256_SIZE], const char *origin, struct delta_base *out)
{
    for (struct list *link = p->executions.prev; link != &p->executions; link = link->prev) {
        const struct model_execution *e = list_entry(link, struct model_execution, link);
        if (base_in(e, artifact, store, sha256, origin, out)) return true;
    }
    return false;
}

/* The base as the region has it, if an execution that is remembered still says so. */
static const struct artifact_ref *base_there(const struct model_execution *e,
                                             const struct delta_state *delta,
                                             const struct copy_state *copy)
{
    const struct model_pipeline *p = e->pipeline;
    for (struct list *link = p->executions.prev; link != &p->executions; link = link->prev) {
        const struct model_execution *other = list_entry(link, struct model_execution, link);
        for (size_t i = 0; i < other->state.copy_count; i++) {
            const struct copy_state *old = &other->copies[i];
            if (old->status == STATUS_SUCCEEDED && text_equal(old->ref.store, copy->ref.store) &&
                old->ref.version_id[0] && !old->ref.removed &&
                same_bytes(old->ref.sha256, delta->older.sha256))
                return &old->ref;
        }
    }
    return NULL;
}

/* ---- which ---- */

static bool delta_is(const struct delta_state *delta, const struct artifact_ref *base,
                     const uint8_t sha256[SHA256_SIZE])
{
    return same_bytes(delta->older.sha256, base->sha256) && same_bytes(delta->sha256, sha256);
}

/* Its number in the execution, from 1; 0 when it has none. */
static uint32_t number_of(const struct model_execution *e, const struct artifact_ref *base,
                          const uint8_t sha256[SHA256_SIZE])
{
    for (size_t i = 0; i < e->state.delta_count; i++)
        if (delta_is(&e->deltas[i], base, sha256)) return (uint32_t)i + 1;
    return 0;
}

/* One that an execution which is remembered has made. */
static const struct delta_state *delta_known(const struct model_execution *e,
                                             const struct artifact_ref *base,
                                             const uint8_t sha256[SHA256_SIZE])
{
    const struct model_pipeline *p = e->pipeline;
    for (struct list *link = p->executions.prev; link != &p->executions; link = link->prev) {
        const struct model_execution *other = list_entry(link, struct model_execution, link);
        uint32_t number = number_of(other, base, sha256);
        const struct delta_state *delta = number ? &other->deltas[number - 1] : NULL;
        if (delta && delta->status == STATUS_SUCCEEDED && !delta->ref.removed) return delta;
    }
    return NULL;
}

static bool maker_enrolled(const struct coordinator *c, const char *region)
{
    list_for_each (link, &c->workers) {
        const struct model_worker *w = list_entry(link, struct model_worker, link);
        if (w->enrolled && text_equal(w->region, region)) return true;
    }
    return false;
}

/* ---- its job ---- */

static const char *target_of(struct coordinator *c, const struct delta_state *delta)
{
    char old[HEX_SHA256_SIZE], new[HEX_SHA256_SIZE];
    hex_format(delta->older.sha256, SHA256_SIZE, old);
    hex_format(delta->sha256, SHA256_SIZE, new);
    return arena_format(&c->out->arena, "delta:%s/%s", old, new);
}

static void job_begin(struct coordinator *c, struct model_execution *e, struct delta_state *delta,
                      size_t stage, size_t action)
{
    uint64_t deadline_ms = c->now_ms + c->config.delta.timeout_ms;
    struct job_state state = model_job_new(c, e, stage, action);
    state.kind = JOB_DELTA;
    state.region = delta->region;
    state.target = target_of(c, delta);
    state.artifact = delta->artifact;
    if (deadline_ms < state.deadline_ms) state.deadline_ms = deadline_ms;
    struct model_job *job = model_job_add(c, e, &state);
    model_job_place(job, stage, action);
    delta->job = state.id;
    delta->status = STATUS_IN_PROGRESS;
    journal_job(c, job);
    journal_event_job(c, job);
}

/* Begins it, or takes the one that is there; its number, 0 when there can be none. */
static uint32_t delta_begin(struct coordinator *c, struct model_execution *e,
                            const struct copy_state *copy, const struct delta_base *base,
                            size_t stage, size_t action)
{
    const char *region = replication_region(e, copy->artifact);
    const char *store = region ? pipeline_store_of(e->definition->state.parsed, region) : NULL;
    const struct delta_state *known = delta_known(e, base->origin, copy->ref.sha256);
    if (!store || e->state.delta_count == WIRE_DELTAS_MAX) return 0;
    if (!known && (e->job_count >= WIRE_JOBS_MAX || !maker_enrolled(c, region))) return 0;
    struct delta_state state = { .artifact = copy->artifact,
                                 .region = region,
                                 .base_revision = base->revision,
                                 .older = *base->origin,
                                 .ref = { store, "", "", "", 0, { 0 }, false },
                                 .status = STATUS_PENDING,
                                 .note = "" };
    memcpy(state.sha256, copy->ref.sha256, SHA256_SIZE);
    state.ref.key = replication_key(c, e, copy->artifact, ".delta");
    if (known) {
        state.ref = known->ref;
        state.job = known->job;
        state.status = STATUS_SUCCEEDED;
    }
    size_t at = model_delta_add(e, &state);
    if (!known) job_begin(c, e, &e->deltas[at], stage, action);
    return (uint32_t)at + 1;
}

/* ---- the copy ---- */

static const char late[] = "the delta was not made in time";

/* It is being made, and there is time. */
static bool delta_lives(const struct coordinator *c, const struct delta_state *delta)
{
    const struct model_job *job = model_job_find(c, &delta->job);
    return !status_ended(delta->status) && job && !status_ended(job->state.status) &&
           c->now_ms < job->state.deadline_ms;
}

static void give_up(struct coordinator *c, struct model_execution *e, struct copy_state *copy,
                    const char *why)
{
    bool changed = model_text(&copy->note, why) || copy->delta != 0;
    copy->delta = 0;
    if (changed) journal_execution(c, e);
}

/* Another execution makes it. */
static bool delta_elsewhere(const struct coordinator *c, const struct model_execution *e,
                            const struct artifact_ref *base, const uint8_t sha256[SHA256_SIZE])
{
    list_for_each (link, &c->live) {
        const struct model_execution *other = list_entry(link, struct model_execution, live_link);
        if (other == e || other->pipeline != e->pipeline) continue;
        uint32_t number = number_of(other, base, sha256);
        if (number && delta_lives(c, &other->deltas[number - 1])) return true;
    }
    return false;
}

static void use(struct coordinator *c, struct model_execution *e, struct copy_state *copy,
                uint32_t number)
{
    const struct delta_state *delta = &e->deltas[number - 1];
    if (delta->status != STATUS_SUCCEEDED && !delta_lives(c, delta)) {
        give_up(c, e, copy, delta->note[0] ? delta->note : late);
        return;
    }
    copy->delta = number;
    model_text(&copy->base_revision, delta->base_revision);
    model_text(&copy->note, "");
    journal_execution(c, e);
}

/* True when it has to wait for what another execution makes. */
static bool choose(struct coordinator *c, struct model_execution *e, struct copy_state *copy,
                   size_t stage, size_t action)
{
    const struct artifact_ref *origin = replication_origin(e, copy->artifact);
    struct delta_base base;
    assert(origin);
    if (!delta_allowed(c, copy->ref.size)) return false;
    if (!delta_base_find(e->pipeline, copy->artifact, copy->ref.store, copy->ref.sha256,
                         origin->store, &base) ||
        base.there->size > c->config.delta.size_max) {
        give_up(c, e, copy, "the region holds no older revision");
        return false;
    }
    uint32_t number = number_of(e, base.origin, copy->ref.sha256);
    if (!number && delta_elsewhere(c, e, base.origin, copy->ref.sha256)) return true;
    if (!number) number = delta_begin(c, e, copy, &base, stage, action);
    if (number)
        use(c, e, copy, number);
    else
        give_up(c, e, copy, "no worker where the artifact comes from could make a delta");
    return false;
}

bool delta_wait(struct coordinator *c, struct model_execution *e, size_t at, size_t stage,
                size_t action)
{
    struct copy_state *copy = &e->copies[at];
    if (c->config.delta.size_max == 0) return false;
    if (!c->fleet_generation) return true; /* told right after the start */
    if (!copy->delta && choose(c, e, copy, stage, action)) return true;
    if (!copy->delta) return false;
    assert(copy->delta <= e->state.delta_count);
    const struct delta_state *delta = &e->deltas[copy->delta - 1];
    if (delta->status == STATUS_SUCCEEDED) return false;
    if (delta_lives(c, delta)) {
        engine_wake_wall(c, model_job_find(c, &delta->job)->state.deadline_ms);
        return true;
    }
    give_up(c, e, copy, delta->note[0] ? delta->note : late);
    return false;
}

const char *delta_cause(struct coordinator *c, const struct model_execution *e,
                        const struct copy_state *copy)
{
    if (!copy->delta || copy->status != STATUS_PENDING) return "";
    const struct delta_state *delta = &e->deltas[copy->delta - 1];
    if (status_ended(delta->status)) return "";
    const struct model_job *job = model_job_find(c, &delta->job);
    return arena_format(&c->out->arena,
                        "waits for the delta of artifact %s from revision %s, made in region "
                        "%s%s%s",
                        copy->artifact, delta->base_revision, delta->region,
                        job && job->state.cause[0] ? ": " : "", job ? job->state.cause : "");
}

/* ---- its job, seen from the job ---- */

static struct delta_state *delta_of(const struct model_job *job)
{
    struct model_execution *e = job->execution;
    for (size_t i = 0; i < e->state.delta_count; i++)
        if (id_equal(&e->deltas[i].job, &job->state.id)) return &e->deltas[i];
    return NULL;
}

void delta_ended(struct coordinator *c, struct model_job *job, const struct result *result)
{
    struct delta_state *delta = delta_of(job);
    if (!delta || status_ended(delta->status)) return;
    const struct artifact_ref *made =
        result && result->output_count == 1 ? &result->outputs[0].ref : NULL;
    bool good = job->state.status == STATUS_SUCCEEDED && made && made->version_id[0];
    delta->status = good ? STATUS_SUCCEEDED : STATUS_FAILED;
    if (good) {
        model_text(&delta->ref.version_id, made->version_id);
        delta->ref.size = made->size;
        memcpy(delta->ref.sha256, made->sha256, SHA256_SIZE);
    } else if (result && result->note[0]) {
        model_text(&delta->note, result->note);
    } else {
        model_format(&delta->note, "the delta was not made: %s",
                     job->state.cause[0] ? job->state.cause : status_name(job->state.status));
    }
    journal_execution(c, job->execution);
}

uint64_t delta_deadline(const struct model_job *job)
{
    const struct model_execution *e = job->execution;
    const struct delta_state *delta = delta_of(job);
    uint64_t deadline_ms = 0;
    for (size_t i = 0; delta && i < e->state.copy_count; i++) {
        const struct copy_state *copy = &e->copies[i];
        if (copy->status != STATUS_PENDING || !copy->delta) continue;
        if (&e->deltas[copy->delta - 1] != delta) continue;
        uint64_t wanted_ms = replication_wanted(e, copy->artifact, copy->region);
        if (wanted_ms > deadline_ms) deadline_ms = wanted_ms;
    }
    return deadline_ms < job->state.deadline_ms ? deadline_ms : job->state.deadline_ms;
}

uint64_t delta_worker_end(const struct model_job *job)
{
    return job->state.created_ms + DELTA_WORKER_WAIT_MS;
}

/* ---- offers ---- */

static struct job_artifact offered(struct arena *arena, const char *name,
                                   const struct artifact_ref *ref)
{
    return (struct job_artifact){ .name = name,
                                  .ref = journal_copy_ref(arena, ref),
                                  .grant = { .url = "", .pin = "" } };
}

void delta_offer(struct coordinator *c, struct job *to, const struct model_job *job)
{
    struct arena *arena = &c->out->arena;
    const struct delta_state *delta = delta_of(job);
    const struct artifact_ref *origin = replication_origin(job->execution, job->state.artifact);
    assert(delta);
    assert(origin);
    struct job_artifact *input = arena_calloc(arena, 1, sizeof *input);
    struct job_artifact *output = arena_calloc(arena, 1, sizeof *output);
    *input = offered(arena, "base", &delta->older);
    *output = offered(arena, "delta", &delta->ref);
    output->ref.size = origin->size / 100 * c->config.delta.percent_max +
                       origin->size % 100 * c->config.delta.percent_max / 100;
    to->input = journal_copy_ref(arena, origin);
    to->inputs = input;
    to->outputs = output;
    to->input_count = to->output_count = 1;
}

void delta_offer_copy(struct coordinator *c, struct job *to, const struct model_job *job,
                      const struct copy_state *copy)
{
    struct arena *arena = &c->out->arena;
    const struct model_execution *e = job->execution;
    if (!copy->delta || job->state.attempt != 1) return;
    const struct delta_state *delta = &e->deltas[copy->delta - 1];
    const struct artifact_ref *there = base_there(e, delta, copy);
    if (delta->status != STATUS_SUCCEEDED || delta->ref.removed || !there) return;
    struct job_artifact *inputs = arena_calloc(arena, 2, sizeof *inputs);
    inputs[0] = offered(arena, "base", there);
    inputs[1] = offered(arena, "delta", &delta->ref);
    to->inputs = inputs;
    to->input_count = 2;
}
