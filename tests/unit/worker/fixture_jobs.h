/* fixture_jobs.h - jobs, what the coordinator says about them and what their steps do.
 * Included through fixture.h.
 */
#pragma once
#include "fixture_words.h"

static inline struct id fx_id(const char *text)
{
    struct id id = { .text = "" };
    assert_true(id_parse(text, &id));
    return id;
}

static inline struct job *fx_job(struct fx *fx, const char *id, uint32_t attempt, uint64_t epoch,
                                 uint64_t seq)
{
    struct job *job = arena_calloc(&fx->arena, 1, sizeof *job);
    *job = (struct job){ .id = fx_id(id),
                         .attempt = attempt,
                         .fence = { epoch, seq },
                         .kind = JOB_DEPLOY,
                         .worker = "w1",
                         .incarnation = fx->incarnation,
                         .issued_ms = fx->now_ms,
                         .expires_ms = fx->now_ms + 60000,
                         .timeout_ms = 3600000,
                         .target = "deploy:app/group",
                         .deployment = fx_id("d-111111111"),
                         .pipeline = "shop",
                         .stage = "Prod",
                         .action = "Deploy",
                         .region = "us-east-1",
                         .application = "app",
                         .deployment_group = "group",
                         .deployment_group_id = "g1",
                         .bundle_type = "zip",
                         .buildspec = "",
                         .revision = "r1" };
    return job;
}

static inline struct job *fx_replicate(struct fx *fx, const char *id, uint64_t seq)
{
    struct job *job = fx_job(fx, id, 1, 1, seq);
    job->kind = JOB_REPLICATE;
    job->target = arena_format(&fx->arena, "replicate:%s", id);
    return job;
}

static inline void fx_offer(struct fx *fx, const struct job *job)
{
    struct message m = { .type = MESSAGE_OFFER };
    m.offer.job = job;
    m.offer.signed_job = bytes_of(&job, sizeof job);
    fx_message(fx, &m);
}

static inline struct job_key fx_key(const struct job *job)
{
    return (struct job_key){ .job = job->id, .attempt = job->attempt, .fence = job->fence };
}

static inline void fx_cancel(struct fx *fx, const struct job *job, uint64_t epoch)
{
    struct cancel cancel = { .key = fx_key(job),
                             .target = job->target,
                             .worker = "w1",
                             .incarnation = fx->incarnation,
                             .epoch = epoch };
    struct message m = { .type = MESSAGE_CANCEL };
    m.cancel.cancel = &cancel;
    fx_message(fx, &m);
}

static inline void fx_result_ack(struct fx *fx, const struct job *job)
{
    struct message m = { .type = MESSAGE_RESULT_ACK };
    m.result_ack = fx_key(job);
    fx_message(fx, &m);
}

static inline void fx_drop(struct fx *fx, const struct job *job)
{
    struct message m = { .type = MESSAGE_DROP };
    m.drop = fx_key(job);
    fx_message(fx, &m);
}

static inline struct step_key fx_step_key(const struct job *job, uint32_t step, uint32_t run)
{
    return (struct step_key){ .key = fx_key(job), .step = step, .run = run };
}

static inline void fx_resume(struct fx *fx, struct step_key at, enum resume_verb verb,
                             uint64_t epoch)
{
    struct resume resume = {
        .at = at, .verb = verb, .worker = "w1", .incarnation = fx->incarnation, .epoch = epoch
    };
    struct message m = { .type = MESSAGE_RESUME };
    m.resume.resume = &resume;
    fx_message(fx, &m);
}

static inline void fx_lease(struct fx *fx, const struct job *job, uint64_t boot_ms, uint64_t epoch)
{
    struct row row = { .job = job->id, .attempt = job->attempt, .fence = job->fence };
    struct message m = { .type = MESSAGE_LEASE };
    m.lease = (struct lease){ .boot_ms = boot_ms, .epoch = epoch, .rows = &row, .row_count = 1 };
    fx_message(fx, &m);
}

/* ---- what the steps do ---------------------------------------------------------------------- */

static inline struct step_ref fx_ref(const struct job *job, uint32_t step, uint32_t run)
{
    return (struct step_ref){ .job = job->id, .attempt = job->attempt, .step = step, .run = run };
}

static inline void fx_ended(struct fx *fx, const struct job *job, uint32_t step, uint32_t run,
                            enum status status)
{
    struct worker_event event = { .type = WORKER_STEP_ENDED };
    event.ended.step = fx_ref(job, step, run);
    event.ended.outcome =
        (struct step_outcome){ .status = status,
                               .diagnostics = { .code = status == STATUS_SUCCEEDED
                                                            ? LIFECYCLE_SUCCESS
                                                            : LIFECYCLE_SCRIPT_FAILED,
                                                .script = "s.sh",
                                                .message = "said by the step",
                                                .log_tail = "" },
                               .started_ms = fx->now_ms,
                               .ended_ms = fx->now_ms + 1,
                               .version_id = "" };
    fx_turn(fx, &event);
}

static inline void fx_lost(struct fx *fx, const struct job *job, uint32_t step, uint32_t run,
                           bool begun)
{
    struct worker_event event = { .type = WORKER_STEP_LOST };
    event.lost.step = fx_ref(job, step, run);
    event.lost.begun = begun;
    event.lost.log_tail = "last words";
    fx_turn(fx, &event);
}
