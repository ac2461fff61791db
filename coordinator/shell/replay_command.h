/* replay_command.h - `meridian-coordinator replay`: what an execution was, told by its log.
 *
 * Makes the records of the execution again from its log (core/replay.h), compares them with those
 * of the state, bit for bit, and prints how they were at a wanted turn or time. Reads only, beside
 * a running coordinator, too: what that adds meanwhile is read until both are of one moment.
 */
#pragma once
#include "base/error.h"
#include <stdint.h>

struct replay_wish {
    const char *execution; /* id, or the beginning of one */
    const char *until;     /* the number of a turn; NULL */
    const char *at;        /* a time, RFC 3339 in UTC; NULL */
};

/* Prints to standard output. ERR_INVALID: the wish makes no sense; ERR_NOT_FOUND: no such log;
 * ERR_CORRUPT: the log is damaged, or the state is another one than it comes to. */
NODISCARD bool replay_command(const char *state, const struct replay_wish *wish, struct error *err);
