/* actions.h - how the parts of the worker's core add to the list of actions.
 *
 * Everything an action points to is copied into the list's arena before the turn goes on, because
 * a row may be freed later in the same turn. Pure; nothing here can fail.
 */
#pragma once
#include "core/worker.h"

/* A zeroed action at the end of the list; valid until the next one is added. */
struct worker_action *actions_add(struct worker_actions *out, enum worker_action_type type);
/* A zeroed message of this type; the caller fills the rest at once. */
struct message *actions_send(struct worker_actions *out, enum message_type type);
void actions_note(struct worker_actions *out, enum note_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);
