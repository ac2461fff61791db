/* fixture.h - one worker core under test, with a disk, clocks and a coordinator's words.
 *
 * fx_*() send one event as a turn of its own, commit its records to the disk and keep the actions
 * of that turn in fx->out until the next. fx_restart() is a crash after the commit.
 */
#pragma once
#include "core/copy.h"
#include "core/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FX_RECORDS_MAX = 1100, FX_T0 = 1000000 };

struct fx_record {
    char key[RECORD_KEY_SIZE];
    struct record record;
};

struct fx {
    struct worker *worker;
    struct worker_actions out;
    struct arena arena; /* everything that the disk points to */
    struct fx_record disk[FX_RECORDS_MAX];
    size_t disk_count;
    uint64_t now_ms, boot_ms;
    struct id boot, incarnation;
    bool local;
};

static inline struct fx_record *fx_find(struct fx *fx, const char *key)
{
    for (size_t i = 0; i < fx->disk_count; i++)
        if (strcmp(fx->disk[i].key, key) == 0) return &fx->disk[i];
    return NULL;
}

static inline void fx_put(struct fx *fx, const struct record *record)
{
    char key[RECORD_KEY_SIZE];
    record_key(record, key);
    struct fx_record *slot = fx_find(fx, key);
    if (!slot) {
        assert_true(fx->disk_count < FX_RECORDS_MAX);
        slot = &fx->disk[fx->disk_count++];
        memcpy(slot->key, key, sizeof slot->key);
    }
    const struct job *job =
        slot->record.kind == RECORD_ROW && record->kind == RECORD_ROW ? slot->record.row.job : NULL;
    slot->record = *record;
    if (record->kind == RECORD_TARGET)
        slot->record.target.target = arena_text(&fx->arena, record->target.target);
    if (record->kind == RECORD_SELF) fx->incarnation = record->self.incarnation;
    if (record->kind != RECORD_ROW) return;
    slot->record.row = copy_row(&fx->arena, &record->row);
    /* The signed bytes of these tests are the address of a job in the arena. */
    if (!job && record->row.signed_job.len == sizeof job)
        memcpy(&job, record->row.signed_job.data, sizeof job);
    slot->record.row.job = job;
}

static inline void fx_turn(struct fx *fx, struct worker_event *event)
{
    event->now_ms = fx->now_ms;
    event->boot_ms = fx->boot_ms;
    event->boot = fx->boot;
    memset(event->entropy, 7, sizeof event->entropy);
    worker_actions_clear(&fx->out);
    worker_step(fx->worker, event, &fx->out);
    for (size_t i = 0; i < fx->out.count; i++) {
        const struct worker_action *a = &fx->out.at[i];
        if (a->type == WORKER_PUT) fx_put(fx, &a->put);
        if (a->type != WORKER_DELETE) continue;
        struct fx_record *slot = fx_find(fx, a->delete_key);
        assert_non_null(slot);
        *slot = fx->disk[--fx->disk_count];
    }
}

static inline void fx_start(struct fx *fx)
{
    const struct worker_config config = { .name = "w1",
                                          .region = "us-east-1",
                                          .version = "1",
                                          .root_dir = "/root",
                                          .revisions_max = 5,
                                          .resend_ms = 500,
                                          .local = fx->local };
    fx->worker = worker_new(&config);
    struct record *records = arena_calloc(&fx->arena, fx->disk_count + 1, sizeof *records);
    for (size_t i = 0; i < fx->disk_count; i++) records[i] = fx->disk[i].record;
    struct worker_event event = { .type = WORKER_START };
    event.start.records = records;
    event.start.count = fx->disk_count;
    fx_turn(fx, &event);
}

static inline void fx_tick(struct fx *fx, uint64_t after_ms)
{
    fx->now_ms += after_ms;
    fx->boot_ms += after_ms;
    struct worker_event event = { .type = WORKER_TICK };
    fx_turn(fx, &event);
}

static inline void fx_connect(struct fx *fx)
{
    struct worker_event event = { .type = WORKER_CONNECTED };
    fx_turn(fx, &event);
}

static inline void fx_message(struct fx *fx, const struct message *message)
{
    struct worker_event event = { .type = WORKER_MESSAGE };
    event.message = message;
    fx_turn(fx, &event);
}

static inline void fx_welcome(struct fx *fx, uint64_t epoch)
{
    struct message m = { .type = MESSAGE_WELCOME };
    m.welcome = (struct welcome){
        .epoch = epoch, .heartbeat_ms = 1000, .lease_ms = 10000, .incarnation = fx->incarnation
    };
    fx_message(fx, &m);
}

static inline void fx_setup(struct fx *fx)
{
    memset(fx, 0, sizeof *fx);
    fx->now_ms = UINT64_C(1700000000000);
    fx->boot_ms = FX_T0;
    fx->boot = (struct id){ .text = "boot-1" };
    arena_init(&fx->arena, 64 << 20);
    worker_actions_init(&fx->out);
    fx_start(fx);
}

/* A started, connected and welcomed worker (epoch 1). */
static inline void fx_ready(struct fx *fx)
{
    fx_setup(fx);
    fx_connect(fx);
    fx_welcome(fx, 1);
}

static inline void fx_teardown(struct fx *fx)
{
    worker_free(fx->worker);
    worker_actions_deinit(&fx->out);
    arena_deinit(&fx->arena);
}

/* The process is killed after a commit and started again; the host stays up. */
static inline void fx_restart(struct fx *fx)
{
    worker_free(fx->worker);
    fx->now_ms += 100;
    fx->boot_ms += 100;
    fx_start(fx);
}

static inline void fx_reboot(struct fx *fx)
{
    worker_free(fx->worker);
    fx->now_ms += 60000;
    fx->boot_ms = 5000;
    fx->boot = (struct id){ .text = "boot-2" };
    fx_start(fx);
}

/* ---- the coordinator's words ---------------------------------------------------------------- */

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
                         .bundle_type = "zip" };
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
    struct cancel cancel = {
        .key = fx_key(job), .worker = "w1", .incarnation = fx->incarnation, .epoch = epoch
    };
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

/* ---- what the last turn did ------------------------------------------------------------------ */

static inline size_t fx_count(const struct fx *fx, enum worker_action_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < fx->out.count; i++)
        if (fx->out.at[i].type == type) count++;
    return count;
}

static inline const struct worker_action *fx_action(const struct fx *fx,
                                                    enum worker_action_type type)
{
    for (size_t i = 0; i < fx->out.count; i++)
        if (fx->out.at[i].type == type) return &fx->out.at[i];
    return NULL;
}

static inline size_t fx_sent(const struct fx *fx, enum message_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < fx->out.count; i++)
        if (fx->out.at[i].type == WORKER_SEND && fx->out.at[i].send.type == type) count++;
    return count;
}

static inline const struct message *fx_said(const struct fx *fx, enum message_type type)
{
    for (size_t i = 0; i < fx->out.count; i++)
        if (fx->out.at[i].type == WORKER_SEND && fx->out.at[i].send.type == type)
            return &fx->out.at[i].send;
    return NULL;
}

static inline const struct row_record *fx_disk_row(struct fx *fx, const struct job *job)
{
    struct record record = { .kind = RECORD_ROW };
    record.row.row.job = job->id;
    record.row.row.attempt = job->attempt;
    char key[RECORD_KEY_SIZE];
    record_key(&record, key);
    struct fx_record *slot = fx_find(fx, key);
    return slot ? &slot->record.row : NULL;
}

static inline const struct target_record *fx_disk_target(struct fx *fx, const char *name)
{
    struct record record = { .kind = RECORD_TARGET, .target = { .target = name } };
    char key[RECORD_KEY_SIZE];
    record_key(&record, key);
    struct fx_record *slot = fx_find(fx, key);
    return slot ? &slot->record.target : NULL;
}

/* Asserts that the last turn started exactly this step. */
static inline void fx_assert_started(const struct fx *fx, const struct job *job, uint32_t step,
                                     uint32_t run)
{
    assert_int_equal(fx_count(fx, WORKER_STEP_START_ACTION), 1);
    const struct step_ref *ref = &fx_action(fx, WORKER_STEP_START_ACTION)->step.ref;
    assert_string_equal(ref->job.text, job->id.text);
    assert_int_equal(ref->attempt, job->attempt);
    assert_int_equal(ref->step, step);
    assert_int_equal(ref->run, run);
}

static inline enum nack_reason fx_nacked(const struct fx *fx)
{
    assert_int_equal(fx_sent(fx, MESSAGE_NACK), 1);
    assert_int_equal(fx_sent(fx, MESSAGE_ACCEPT), 0);
    return fx_said(fx, MESSAGE_NACK)->nack.reason;
}

#define FX_TEST(name)                                                                              \
    static void name##_body(struct fx *fx);                                                        \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        struct fx *fx = calloc(1, sizeof *fx);                                                     \
        assert_non_null(fx);                                                                       \
        fx_ready(fx);                                                                              \
        name##_body(fx);                                                                           \
        fx_teardown(fx);                                                                           \
        free(fx);                                                                                  \
    }                                                                                              \
    static void name##_body(struct fx *fx)
