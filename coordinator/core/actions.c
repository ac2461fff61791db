#include "core/coordinator.h"

#include <assert.h>
#include <stdlib.h>

/* One turn's actions: the shell bounds the events of a turn, and this bounds their answers. */
enum { ACTIONS_ARENA_MAX = 256 << 20 };

void coordinator_actions_init(struct coordinator_actions *actions)
{
    *actions = (struct coordinator_actions){ 0 };
    arena_init(&actions->arena, ACTIONS_ARENA_MAX);
}

void coordinator_actions_clear(struct coordinator_actions *actions)
{
    actions->count = 0;
    arena_reset(&actions->arena);
}

void coordinator_actions_deinit(struct coordinator_actions *actions)
{
    if (!actions) return;
    free(actions->at);
    arena_deinit(&actions->arena);
    *actions = (struct coordinator_actions){ 0 };
}
