#include "core/actions.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Far above what a turn of WIRE_ROWS_MAX rows can say; passing it is our own mistake. */
    ACTIONS_ARENA_MAX = 256 << 20,
    NOTE_TEXT_SIZE = 512
};

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

struct worker_action *actions_add(struct worker_actions *out, enum worker_action_type type)
{
    if (out->count == out->cap) {
        out->cap = out->cap ? out->cap * 2 : 16;
        out->at = xrealloc(out->at, out->cap * sizeof *out->at);
    }
    struct worker_action *action = &out->at[out->count++];
    memset(action, 0, sizeof *action);
    action->type = type;
    return action;
}

struct message *actions_send(struct worker_actions *out, enum message_type type)
{
    struct message *message = &actions_add(out, WORKER_SEND)->send;
    message->type = type;
    return message;
}

void actions_note(struct worker_actions *out, enum note_level level, const char *format, ...)
{
    char text[NOTE_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(len >= 0);
    char *copy = arena_text(&out->arena, text);
    struct worker_action *action = actions_add(out, WORKER_NOTE);
    action->note.level = level;
    action->note.text = copy;
}
