/* fixture_words.h - what happens to the core under test: time, crashes, the coordinator's words.
 * Included through fixture.h.
 */
#pragma once
#include "fixture_disk.h"

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
