#include "core/worker.h"

#include <stdlib.h>

/* Far above what a turn of WIRE_ROWS_MAX rows can say; passing it is our own mistake. */
enum { ACTIONS_ARENA_MAX = 256 << 20 };

void worker_actions_init(struct worker_actions *actions)
{
    *actions = (struct worker_actions){ .at = NULL };
    arena_init(&actions->arena, ACTIONS_ARENA_MAX);
}

void worker_actions_clear(struct worker_actions *actions)
{
    actions->count = 0;
    arena_reset(&actions->arena);
}

void worker_actions_deinit(struct worker_actions *actions)
{
    if (!actions) return;
    free(actions->at);
    arena_deinit(&actions->arena);
    actions->at = NULL;
    actions->count = actions->cap = 0;
}
