/* doctor.h - the checkup: whether everything that the next execution needs is there.
 *
 * Stores (folders: writable, room; buckets: buckets_check() of shell/buckets.h), this host's clock
 * beside S3's, the room for the state, the keys of AWS, and a connected worker in every region.
 * Each finding names what is missing and the command or permission that mends it.
 *
 * Calling sequence: doctor_open(); doctor_begin() at the start and whenever somebody asks;
 * doctor_run() in each turn; once doctor_running() is false doctor_answer() tells the findings.
 * At the start what is not good is logged. Nothing here blocks longer than one small file takes.
 */
#pragma once
#include "core/view.h"
#include "io/log.h"
#include "io/store.h"
#include "shell/artifacts.h"

enum {
    DOCTOR_ROOM_BAD = 64 << 20,  /* bytes free of a folder: less is bad, */
    DOCTOR_ROOM_ODD = 1 << 30,   /* ... and less than that a warning */
    DOCTOR_SKEW_ODD_MS = 60000,  /* AWS refuses 15 minutes */
    DOCTOR_MAP_ODD_PERCENT = 60, /* of the state's map; 80 refuses new executions */
    DOCTOR_MAP_BAD_PERCENT = 80
};

struct doctor_config {
    const struct artifact_store *stores; /* borrowed, as all of these */
    size_t store_count;
    const char *state;
    struct store *store;
    struct buckets *buckets; /* NULL: no store of type s3 */
    const struct log *log;
};

struct doctor;

struct doctor *doctor_open(const struct doctor_config *config);
void doctor_close(struct doctor *doctor); /* accepts NULL */
/* `loud`: log what is not good. One that runs goes on. */
void doctor_begin(struct doctor *doctor, bool loud);
void doctor_run(struct doctor *doctor);
bool doctor_running(const struct doctor *doctor);
/* What the newest checkup has found, and how the regions' workers are now. */
void doctor_answer(const struct doctor *doctor, const struct coordinator *core, uint64_t now_ms,
                   struct arena *arena, struct reply *reply);
