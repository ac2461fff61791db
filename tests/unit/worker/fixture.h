/* fixture.h - the worker core under test and what its last turn did.
 *
 *     FX_TEST(name) { ... } is a cmocka test with a started, connected and welcomed worker `fx`.
 *     What it does is compared with the story of that name (story.h).
 */
#pragma once
#include "fixture_jobs.h"

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

/* For a test of thousands of steps, as its first words. */
static inline void fx_untold(struct fx *fx)
{
    story_free(fx->story);
    fx->story = NULL;
}

#define FX_TEST(name)                                                                              \
    static void name##_body(struct fx *fx);                                                        \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        struct fx *fx = calloc(1, sizeof *fx);                                                     \
        assert_non_null(fx);                                                                       \
        fx_ready(fx);                                                                              \
        fx->story = story_new(#name, fx->now_ms);                                                  \
        name##_body(fx);                                                                           \
        story_end(fx->story);                                                                      \
        fx_teardown(fx);                                                                           \
        free(fx);                                                                                  \
    }                                                                                              \
    static void name##_body(struct fx *fx)
