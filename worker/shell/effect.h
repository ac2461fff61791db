/* effect.h - the only place that starts, finds again and ends step processes.
 *
 *     STATE/jobs/JOB.ATTEMPT/steps/STEP-RUN/
 *         spec      what to do (struct step_spec), written before the start
 *         begun     who runs it: claimed by exactly one process, whatever we ask for; taken
 *                   by us ("nobody") before a run is told lost unbegun
 *         progress  a hint in a fixed line
 *         lease     until when a floating job may go on (BOOTTIME ms)
 *         cgroup    the path of its cgroup, where one is delegated to us (io/cgroup.h)
 *         outcome   how it ended (struct step_outcome), written last and atomically
 *
 * Steps outlive this process: effect_start() and effect_adopt() both look at the folder first,
 * so that asking twice, or after a restart, finds the same step again. effect_next() hands out
 * what happened as events of the worker's core.
 *
 * No more than steps_max processes are started: a step beyond that waits, its spec written, until
 * another has ended. One that is cancelled before is lost unbegun.
 */
#pragma once
#include "core/worker.h"
#include "io/log.h"
#include "io/loop.h"

enum {
    EFFECT_STEPS_MAX = 256,    /* processes at once; adopted ones may be more */
    EFFECT_PROGRESS_MS = 1000, /* how often progress is looked at while steps run */
    EFFECT_KILL_MS = 20000,    /* a step that ignores SIGTERM is killed after that, with all in its
                                  cgroup */
    EFFECT_LOG_TAIL_MAX = 2048
};

struct effect_config {
    const char *state;        /* folder */
    const char *program;      /* path of meridian-step */
    const char *local_bundle; /* deploy-local: goes into every spec; "" otherwise */
    const char *appspec_filename;
    uint64_t build_memory_max;    /* likewise */
    uint64_t revisions_bytes_max; /* likewise */
    uint64_t transfer_rate_max;   /* likewise */
    uint64_t delta_memory_max;    /* likewise */
    const char *secrets_dir;      /* "" none */
    size_t steps_max;             /* 0: EFFECT_STEPS_MAX */
    uint64_t kill_ms;             /* 0: EFFECT_KILL_MS */
};

struct effect;

NODISCARD bool effect_open(const struct effect_config *config, struct loop *loop,
                           const struct log *log, struct effect **out, struct error *err);
/* Forgets the steps, which go on. Accepts NULL. */
void effect_close(struct effect *effect);

void effect_start(struct effect *effect, const struct step_ref *ref, const struct step_spec *spec);
void effect_adopt(struct effect *effect, const struct step_ref *ref);
void effect_cancel(struct effect *effect, const struct step_ref *ref);
void effect_lease(struct effect *effect, const struct step_ref *ref, uint64_t until_boot_ms);
void effect_forget(struct effect *effect, const struct id *job, uint32_t attempt);

/* ENDED, LOST and PROGRESS, in `arena`; false when nothing more happened. */
NODISCARD bool effect_next(struct effect *effect, struct arena *arena, struct worker_event *out);
uint64_t effect_deadline(const struct effect *effect); /* BOOTTIME ms */
