/* fixture_disk.h - one worker core under test, with a disk, clocks and a coordinator's words.
 *
 * Included through fixture.h. fx_*() send one event as a turn of its own, commit its records to the
 * disk and keep the actions of that turn in fx->out until the next. fx_restart() is a crash after
 * the commit.
 */
#pragma once
#include "core/copy.h"
#include "core/worker.h"
#include "fixture_tell.h"

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
    struct story *story; /* compared at the end of an FX_TEST */
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
    if (fx->story) tell_event(fx->story, fx->now_ms, event);
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
    if (!fx->story) return;
    for (size_t i = 0; i < fx->out.count; i++) tell_action(fx->story, &fx->out.at[i]);
    tell_deadline(fx->story, worker_deadline(fx->worker));
}

static inline void fx_start(struct fx *fx)
{
    const struct worker_config config = { .name = "w1",
                                          .region = "us-east-1",
                                          .version = "1",
                                          .root_dir = "/var/lib/app",
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
